/* One column of whole numbers, encoded: constant, sparse (one value but for a few), bit-packed over a base
 * and a unit, or as byte planes under zstd; plain or as differences from row to row. FACT_NULL and
 * FACT_FOREVER are values like any other and cost no width. */
#ifndef TENDON_STORE_COLUMN_H
#define TENDON_STORE_COLUMN_H

#include "core/base/buffer.h"
#include "core/store/summary.h"

#include <stddef.h>
#include <stdint.h>

enum column_effort {
    COLUMN_PACK = 0,   /* no zstd: the fastest to write and to read */
    COLUMN_PLANES = 1, /* byte planes under zstd where they are a tenth smaller */
    COLUMN_DELTA = 2,  /* try differences as well */
};

/* What zstd keeps from call to call. One thread's. */
struct column_coder {
    void *compressor, *decompressor; /* made when first used */
};
void column_coder_fini(struct column_coder *c);

/* Appends n values, 1 ≤ n ≤ 65,536: places have 16 bits. effort is a set of column_effort bits; coder may be
 * NULL where it asks for no planes. known: their summary, with values[n / 2] as common; NULL: it is made.
 * Failure is the buffer's. */
void column_encode(struct column_coder *coder, struct buffer *out, const int64_t *values, size_t n,
                   unsigned effort, const struct summary *known);

/* Reads n values back; -EBADMSG when the bytes are not n values. Never reads outside data[size]. coder may be
 * NULL. */
int column_decode(struct column_coder *coder, const uint8_t *data, size_t size, size_t n, int64_t *ret);

/* Reads those that `rows` lists, n_rows of them, ascending and below n: 1, or 0 where single values cannot be
 * read without all others (deltas, byte planes). -EBADMSG, -ENOMEM. */
int column_pick(const uint8_t *data, size_t size, size_t n, const uint16_t *rows, uint32_t n_rows,
                int64_t *ret);

/* Reads numbers of 16 bits, as dimensions are: what does not fit is cut. */
int column_decode_u16(const uint8_t *data, size_t size, size_t n, uint16_t *ret);
/* Adds them to what is in ret. */
int column_add_u16(const uint8_t *data, size_t size, size_t n, uint16_t *ret);

#endif
