#include "core/base/quantity.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit BYTES[] = {
    {"B", 1},     {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30},   {"TiB", 1ull << 40},
    {"kB", 1000}, {"MB", 1000000},     {"GB", 1000000000},  {"TB", 1000000000000}, {NULL, 0},
};

static const struct unit DURATIONS[] = {
    {"ms", 1},      {"s", 1000},     {"min", 60000},   {"m", 60000},
    {"h", 3600000}, {"d", 86400000}, {"w", 604800000}, {NULL, 0},
};

/* Digits at *text; moves it behind them. */
static int read_digits(const char **text, uint64_t *ret)
{
    const char *at = *text;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
            return -EINVAL;
    if (at == *text)
        return -EINVAL;
    *text = at;
    *ret = value;
    return 0;
}

/* A number and its unit; factor_alone is what a number without a unit counts (0: refused unless it is 0). */
static int read_part(const char **text, const struct unit *units, uint64_t factor_alone, uint64_t *ret)
{
    uint64_t value;
    if (read_digits(text, &value) < 0)
        return -EINVAL;
    while (**text == ' ')
        (*text)++;
    size_t n = strspn(*text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    uint64_t factor = n == 0 && value == 0 ? 1 : factor_alone;
    if (n > 0) {
        factor = 0;
        for (const struct unit *u = units; u->name; u++)
            if (strlen(u->name) == n && memcmp(u->name, *text, n) == 0)
                factor = u->factor;
    }
    if (factor == 0 || __builtin_mul_overflow(value, factor, ret))
        return -EINVAL;
    *text += n;
    return 0;
}

int quantity_bytes(const char *text, uint64_t *ret)
{
    uint64_t value;
    if (read_part(&text, BYTES, 1, &value) < 0 || *text)
        return -EINVAL;
    *ret = value;
    return 0;
}

int quantity_ms(const char *text, int64_t *ret)
{
    uint64_t total = 0;
    do {
        uint64_t part;
        if (read_part(&text, DURATIONS, 0, &part) < 0 || __builtin_add_overflow(total, part, &total) ||
            total > INT64_MAX)
            return -EINVAL;
        while (*text == ' ')
            text++;
    } while (*text);
    *ret = (int64_t)total;
    return 0;
}

int quantity_int(const char *text, int64_t low, int64_t high, int64_t *ret)
{
    int negative = *text == '-';
    uint64_t magnitude;
    text += negative;
    if (read_digits(&text, &magnitude) < 0 || *text || magnitude > INT64_MAX)
        return -EINVAL;
    int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (value < low || value > high)
        return -EINVAL;
    *ret = value;
    return 0;
}
