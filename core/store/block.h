/* A block: some rows by column, in one run of bytes.
 *
 * Columns are named by numbers of the caller's; one that was never added reads as zeros. A column may be kept
 * as its difference to what its reader can tell beforehand, and may have fewer values than the block has
 * rows, where only some rows have it. Each carries its least and greatest value (without FACT_NULL and
 * FACT_FOREVER): the zone map. The block ends with a checksum. */
#ifndef TENDON_STORE_BLOCK_H
#define TENDON_STORE_BLOCK_H

#include "core/base/buffer.h"
#include "core/store/column.h"

#include <stdbool.h>
#include <stdint.h>

#define BLOCK_ROWS_MAX    65536
#define BLOCK_COLUMNS_MAX 128

struct block_writer {
    struct buffer *out; /* the caller's; block_finish appends to it */
    struct buffer data;
    struct column_coder coder;
    uint32_t n_rows;
    unsigned n_columns;
    struct block_entry *entries; /* BLOCK_COLUMNS_MAX */
    int64_t *scratch;            /* n_rows */
};

/* Writes one block after the other with one writer. */
int block_writer_init(struct block_writer *w, struct buffer *out);
void block_writer_fini(struct block_writer *w);
int block_begin(struct block_writer *w, uint32_t n_rows);
/* n values of a column, n ≤ BLOCK_ROWS_MAX; all zeros are left out. against: what each is kept as the
 * difference to, never FACT_NULL or FACT_FOREVER (NULL: as it is); values that are one of these are kept as
 * they are. */
void block_add(struct block_writer *w, uint8_t column, const int64_t *values, uint32_t n, unsigned effort,
               const int64_t *against);
/* Appends the block. 0 or -ENOMEM. */
int block_finish(struct block_writer *w);

/* A view of a block's bytes, which stay the caller's. */
struct block {
    const uint8_t *data;
    size_t size;
    uint32_t n_rows;
    unsigned n_columns;
};

/* -EBADMSG when these bytes are no block. check: and whole, as each column and the checksum say; else a
 * column that is not is found when it is read. */
int block_open(struct block *b, const void *data, size_t size, bool check);

/* One column of a block. */
struct block_column {
    const uint8_t *data;
    size_t size;
    uint32_t n; /* values */
    int64_t min,
        max; /* the zone map: least and greatest without FACT_NULL and FACT_FOREVER, min > max: none */
    bool has_null, has_forever;
    bool is_difference;
};
/* false when the block does not have it: all zeros. */
bool block_find(const struct block *b, uint8_t column, struct block_column *ret);
/* Its n values, differences as they are kept; zeros where the block does not have it. -EBADMSG when the
 * column has another number of values; -ENOMEM. coder may be NULL. */
int block_read(const struct block *b, uint8_t column, struct column_coder *coder, uint32_t n, int64_t *ret);
int block_read_u16(const struct block *b, uint8_t column, uint32_t n, uint16_t *ret);
/* Adds them to what is in ret. */
int block_add_u16(const struct block *b, uint8_t column, uint32_t n, uint16_t *ret);
/* Those of its n values that `rows` lists (column_pick): 1, or 0 where they cannot be read alone. */
int block_pick(const struct block *b, uint8_t column, uint32_t n, const uint16_t *rows, uint32_t n_rows,
               int64_t *ret);
/* How many values it has; 0 where the block does not have it. */
uint32_t block_count(const struct block *b, uint8_t column);
/* The zone map; false when the column has no plain value at all (all FACT_NULL or FACT_FOREVER). *ret_open
 * says whether a FACT_FOREVER is among them. */
bool block_range(const struct block *b, uint8_t column, int64_t *ret_min, int64_t *ret_max, bool *ret_open);

#endif
