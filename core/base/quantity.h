/* Sizes and durations as people write them, in whole bytes and milliseconds. */
#ifndef TENDON_BASE_QUANTITY_H
#define TENDON_BASE_QUANTITY_H

#include <stdint.h>

/* "64GiB", "1500 MB", "512": a whole number and B, KiB MiB GiB TiB (by 1024) or kB MB GB TB (by 1000),
 * without a unit bytes. 0 or -EINVAL (also when it does not fit); *ret stays on an error. */
int quantity_bytes(const char *text, uint64_t *ret);

/* "10s", "500ms", "1h 30m", "90d", "0": whole numbers with ms, s, m or min, h, d, w; only 0 needs no unit. */
int quantity_ms(const char *text, int64_t *ret);

/* A whole number in [low, high], in decimal digits with an optional minus and nothing else. */
int quantity_int(const char *text, int64_t low, int64_t high, int64_t *ret);

#endif
