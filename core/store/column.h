/* One column of whole numbers, encoded: constant, bit-packed over a base, or as byte planes under zstd; plain
 * or as differences from row to row. FACT_NULL and FACT_FOREVER are values like any other and cost no width.
 */
#ifndef TENDON_STORE_COLUMN_H
#define TENDON_STORE_COLUMN_H

#include "core/base/buffer.h"

#include <stddef.h>
#include <stdint.h>

enum column_effort {
    COLUMN_PACK = 0,   /* bit-packing only: the fastest to write and to read */
    COLUMN_PLANES = 1, /* byte planes under zstd where they are a tenth smaller */
    COLUMN_DELTA = 2,  /* try differences as well */
};

/* Appends n ≥ 1 values. effort is a set of column_effort bits. Failure is the buffer's. */
void column_encode(struct buffer *out, const int64_t *values, size_t n, unsigned effort);

/* Reads n values back; -EBADMSG when the bytes are not n values. Never reads outside data[size]. */
int column_decode(const uint8_t *data, size_t size, size_t n, int64_t *ret);

#endif
