/* What the programs of the benchmark measure with. */
#ifndef TENDON_BENCH_MEASURE_H
#define TENDON_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC. */
int64_t measure_now_ns(void);
void measure_sort(int64_t *times_ns, size_t n);
/* Nearest rank, in ms, of sorted times; 0 of none. */
double measure_percentile_ms(const int64_t *sorted_ns, size_t n, uint32_t percent);
/* A whole number from least to most; else a message on stderr and false. */
bool measure_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret);

#endif
