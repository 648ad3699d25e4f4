#include "tools/duration.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define YEAR_MS (366 * INT64_C(86400000))

int duration_read(const char *s, int64_t *ret_ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } UNITS[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    int64_t number = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++) {
        number = number * 10 + (*p - '0');
        if (number > YEAR_MS)
            return -EINVAL;
    }
    if (p == s)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
        if (strcmp(p, UNITS[i].name) != 0)
            continue;
        if (number > YEAR_MS / UNITS[i].ms)
            return -EINVAL;
        *ret_ms = number * UNITS[i].ms;
        return 0;
    }
    return -EINVAL;
}
