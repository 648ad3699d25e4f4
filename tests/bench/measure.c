#include "tests/bench/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t measure_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

void measure_sort(int64_t *times_ns, size_t n)
{
    if (n > 0)
        qsort(times_ns, n, sizeof(*times_ns), by_size);
}

double measure_percentile_ms(const int64_t *sorted_ns, size_t n, uint32_t percent)
{
    size_t rank = (n * percent + 99) / 100;

    return n == 0 ? 0 : (double)sorted_ns[rank ? rank - 1 : 0] / 1e6;
}

bool measure_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end || *text == '-' || value < least || value > most) {
        (void)fprintf(stderr, "bench: %s is not a number from %" PRIu64 " to %" PRIu64 "\n", text, least,
                      most);
        return false;
    }
    *ret = value;
    return true;
}
