#include "core/store/summary.h"

/* Masks where a comparison chooses, and no branches, so that compilers make vectors of it. FACT_NULL and
 * FACT_FOREVER are the least and the greatest number, and each other's complement. */
static inline __attribute__((always_inline)) void summarise(const int64_t *values, size_t n, int64_t common,
                                                            struct summary *ret)
{
    const int64_t first = values[0];
    int64_t min = INT64_MAX, max = INT64_MIN;
    int64_t n_null = 0, n_forever = 0, n_common = 0, n_zero = 0, differs = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t v = values[i];
        const int64_t null = -(int64_t)(v == INT64_MIN), forever = -(int64_t)(v == INT64_MAX);
        const int64_t low = v ^ null, high = v ^ forever;
        n_null -= null;
        n_forever -= forever;
        n_common += v == common;
        n_zero += v == 0;
        differs |= v ^ first;
        min = low < min ? low : min;
        max = high > max ? high : max;
    }
    *ret = (struct summary){.min = min,
                            .max = max,
                            .n_null = (uint64_t)n_null,
                            .n_forever = (uint64_t)n_forever,
                            .n_zero = (uint64_t)n_zero,
                            .n_common = (uint64_t)n_common,
                            .is_constant = differs == 0};
}

void summary_of_portable(const int64_t *values, size_t n, int64_t common, struct summary *ret)
{
    summarise(values, n, common, ret);
}

#ifdef __x86_64__
__attribute__((target("avx2"), optimize("O3"))) static void
summary_of_avx2(const int64_t *values, size_t n, int64_t common, struct summary *ret)
{
    summarise(values, n, common, ret);
}

void summary_of(const int64_t *values, size_t n, int64_t common, struct summary *ret)
{
    if (__builtin_cpu_supports("avx2"))
        summary_of_avx2(values, n, common, ret);
    else
        summarise(values, n, common, ret);
}
#else
void summary_of(const int64_t *values, size_t n, int64_t common, struct summary *ret)
{
    summarise(values, n, common, ret);
}
#endif
