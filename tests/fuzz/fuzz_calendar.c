/* Any bytes as a calendar's definition in JSON: refused with a sentence, or a calendar whose own definition
 * reads back to the same, in which time adds up and never runs backwards. */
#include "core/fold/calendar.h"
#include "core/fold/fact.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DAY_MS INT64_C(86400000)

static void check_time(const struct calendar *c)
{
    int64_t begin = INT64_C(631152000000), sum = 0; /* 1990-01-01 */
    for (int64_t at = begin, next; at < begin + 41000 * DAY_MS; at = next) {
        next = at + 397 * DAY_MS + 12345678;
        int64_t elapsed = calendar_elapsed_ms(c, at, next);
        if (elapsed < 0 || elapsed > next - at)
            abort();
        int64_t reach = calendar_reach(c, at, elapsed);
        if (reach != FACT_FOREVER && (reach < next || calendar_elapsed_ms(c, at, reach) != elapsed))
            abort();
        sum += elapsed;
    }
    if (sum != calendar_elapsed_ms(c, INT64_MIN, INT64_MAX))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct calendar *c, *again;
    struct calendar_holiday next[8];
    json_t *definition = json_loadb((const char *)data, size, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    if (!definition)
        return 0;
    if (calendar_new(definition, &c, &err) == 0) {
        if (calendar_new(calendar_definition(c), &again, &err) < 0 || !calendar_equal(c, again))
            abort();
        check_time(c);
        (void)calendar_next_holidays(c, INT64_C(1700000000000), next, 8);
        calendar_unref(again);
        calendar_unref(c);
    } else if (!err.message[0] || !err.code[0]) {
        abort();
    }
    json_decref(definition);
    return 0;
}
