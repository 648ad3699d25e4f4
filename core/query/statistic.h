/* The arithmetic of answers: nearest-rank percentiles, averages that are rounded once, Wilson intervals.
 * Pure functions; any thread. */
#ifndef TENDON_QUERY_STATISTIC_H
#define TENDON_QUERY_STATISTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A percentile in thousandths of a percent: p99.9 is 99,900. 0 < p ≤ 100, at most three decimals. */
#define PERCENTILE_MAX 100000

/* Reads "p50", "p99.9". False when it is no percentile. */
bool percentile_parse(const char *text, uint32_t *ret_thousandths);

/* Nearest rank among n ≥ 1 values, from 1: max(1, ⌈p·n/100⌉), in whole numbers. */
uint64_t percentile_rank(uint32_t thousandths, uint64_t n);

/* Puts the value of rank `place` + 1 at values[place], smaller ones before and greater ones behind it, and
 * returns it. place < n. Linear time on average, n log n at worst. */
int64_t values_select(int64_t *values, size_t n, size_t place);

/* Some values; a list of runs has them all, in any order. */
struct values_run {
    struct values_run *next;
    uint32_t n, size; /* size: the owner's */
    int64_t values[];
};
/* Copies all values of a list. */
void values_copy(const struct values_run *runs, int64_t *ret);

/* What values_ranks works in; begins as zeros. */
#define RANKS_DIGITS  6 /* binary ones after the first: 64 buckets for each power of two */
#define RANKS_BUCKETS ((63u << RANKS_DIGITS) + 1)
struct ranks_room {
    uint32_t counts[RANKS_BUCKETS];
    uint8_t wanted[RANKS_BUCKETS];
    int64_t *values;
    size_t n_values;
};
void ranks_room_fini(struct ranks_room *room);

/* The values of several ranks at once: ret[k] is that of rank places[k] + 1; places ascend, each < n, and are
 * not the same afterwards; n values are in the runs, and fits 32 bits. Two readings of all values and one of
 * those near the ranks; where some are below 0, as values_select. -ENOMEM. */
int values_ranks(const struct values_run *runs, size_t n, bool has_negative, size_t *places,
                 unsigned n_places, struct ranks_room *room, int64_t *ret);

/* sum / n to the nearest whole number, halves away from zero; n ≥ 1. */
int64_t average_round(__int128 sum, uint64_t n);

/* The Wilson interval of x in n with z = 1.959963984540054; x may be a fraction, 0 ≤ x ≤ n, n ≥ 1. */
void wilson_interval(double x, double n, double *ret_low, double *ret_high);

/* Whether a score is in the top or bottom quarter of its scale, in whole numbers; min < max. */
static inline bool score_is_top(int64_t score, int64_t min, int64_t max)
{
    return 4 * (score - min) >= 3 * (max - min);
}

static inline bool score_is_bottom(int64_t score, int64_t min, int64_t max)
{
    return 4 * (score - min) <= max - min;
}

#endif
