/* A block: some rows by column, in one LMDB value.
 *
 * Columns are named by numbers of the caller's; one that was never added, or is all zeros, reads as zeros. A
 * column may be kept as its difference to another one of the block. Each carries its least and greatest value
 * (without FACT_NULL and FACT_FOREVER): the zone map. The block ends with a checksum. */
#ifndef TENDON_STORE_BLOCK_H
#define TENDON_STORE_BLOCK_H

#include "core/base/buffer.h"
#include "core/store/column.h"

#include <stdbool.h>
#include <stdint.h>

#define BLOCK_ROWS_MAX    65536
#define BLOCK_COLUMNS_MAX 128
#define BLOCK_NO_COLUMN   255

struct block_writer {
    struct buffer *out; /* the caller's, cleared by block_begin */
    struct buffer data;
    uint32_t n_rows;
    unsigned n_columns;
    struct block_entry *entries; /* BLOCK_COLUMNS_MAX */
    int64_t *scratch;            /* n_rows */
};

/* Writes one block after the other with one writer. */
int block_writer_init(struct block_writer *w, struct buffer *out);
void block_writer_fini(struct block_writer *w);
int block_begin(struct block_writer *w, uint32_t n_rows);
/* against: the values of column `against_column`, added before, or NULL and BLOCK_NO_COLUMN. Where either is
 * FACT_NULL the value is kept as it is (against counts as 0). */
void block_add(struct block_writer *w, uint8_t column, const int64_t *values, unsigned effort,
               uint8_t against_column, const int64_t *against);
int block_finish(struct block_writer *w); /* 0 or -ENOMEM */

/* A view of a block's bytes, which stay the caller's. */
struct block {
    const uint8_t *data;
    size_t size;
    uint32_t n_rows;
    unsigned n_columns;
};

/* -EBADMSG when these bytes are no whole block. check: verify the checksum too. */
int block_open(struct block *b, const void *data, size_t size, bool check);
/* The n_rows values of a column; -EBADMSG, -ENOMEM. */
int block_read(const struct block *b, uint8_t column, int64_t *ret);
/* The same, with columns of this block that have been read before, by number below n_known (NULL: not read),
 * so that a difference to one of them costs nothing. */
int block_read_beside(const struct block *b, uint8_t column, const int64_t *const *known, unsigned n_known,
                      int64_t *ret);
bool block_has(const struct block *b, uint8_t column);
/* The zone map; false when the column has no plain value at all (all FACT_NULL or FACT_FOREVER). *ret_open
 * says whether a FACT_FOREVER is among them. */
bool block_range(const struct block *b, uint8_t column, int64_t *ret_min, int64_t *ret_max, bool *ret_open);

#endif
