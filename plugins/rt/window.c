#include "plugins/rt/window.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 18 /* of WINDOW_ID_MAX */

/* A number of at most 18 digits at *at, behind a blank unless it is the first. */
static bool parse_number(const char **at, const char *end, bool is_first, int64_t *ret)
{
    const char *digits;

    if (!is_first && *(*at)++ != ' ')
        return false;
    digits = *at;
    *ret = 0;
    while (*at < end && **at >= '0' && **at <= '9' && *at - digits < DIGITS_MAX)
        *ret = *ret * 10 + (*(*at)++ - '0');
    return *at > digits;
}

int window_parse(struct window *window, const void *text, size_t size)
{
    const char *at = text, *end = at + size;
    int64_t last;

    *window = (struct window){0};
    if (size == 0)
        return 0;
    if (!parse_number(&at, end, true, &window->low))
        return -EINVAL;
    last = window->low;
    while (at < end) {
        int64_t step;

        if (!parse_number(&at, end, false, &step) || step == 0 || step > WINDOW_ID_MAX - last ||
            window->n == WINDOW_MAX)
            return -EINVAL;
        window->seen[window->n++] = last += step;
    }
    return 0;
}

/* Where the first number stands that is not less. */
static uint32_t lower_bound(const struct window *window, int64_t id)
{
    uint32_t from = 0, to = window->n;

    while (from < to) {
        uint32_t middle = from + (to - from) / 2;

        if (window->seen[middle] < id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

bool window_has(const struct window *window, int64_t id)
{
    uint32_t i = lower_bound(window, id);

    return id <= window->low || (i < window->n && window->seen[i] == id);
}

void window_settle(struct window *window, int64_t id)
{
    uint32_t n_gone;

    if (id <= window->low)
        return;
    n_gone = lower_bound(window, id);
    n_gone += n_gone < window->n && window->seen[n_gone] == id;
    window->low = id;
    window->n -= n_gone;
    memmove(window->seen, window->seen + n_gone, window->n * sizeof(window->seen[0]));
}

void window_add(struct window *window, int64_t id)
{
    uint32_t i;

    if (window_has(window, id))
        return;
    if (window->n == WINDOW_MAX)
        window_settle(window, window->seen[0]);
    i = lower_bound(window, id);
    memmove(window->seen + i + 1, window->seen + i, (window->n - i) * sizeof(window->seen[0]));
    window->seen[i] = id;
    window->n++;
}

size_t window_format(struct window *window, char *room, size_t size)
{
    for (;;) {
        size_t n = (size_t)snprintf(room, size, "%lld", (long long)window->low);
        int64_t last = window->low;
        uint32_t i;

        for (i = 0; i < window->n && n < size; i++) {
            n += (size_t)snprintf(room + n, size - n, " %lld", (long long)(window->seen[i] - last));
            last = window->seen[i];
        }
        if (n < size)
            return n;
        window_settle(window, window->seen[(window->n - 1) / 8]);
    }
}
