/* What a scan of facts reads at a time: a table's rows of a sealed group, or a chunk of the memtable. All
 * that queries know of how sealed rows are laid out is here.
 *
 * A piece holds pointers only: to what its view has listed, whose bytes are in the map and stand as long as
 * the view's transaction, and into the view's memtable. It is made on the thread of that transaction; any
 * thread may read it, sealed ones with a reader of its own that is set to their group. */
#ifndef TENDON_STORE_PIECE_H
#define TENDON_STORE_PIECE_H

#include "core/store/memtable.h"
#include "core/store/rowgroup.h"
#include "core/store/store.h"

/* A group as a view has found it. */
struct sealed_group {
    struct rowgroup rows;
    uint64_t group;           /* which one, as dead rows name it */
    const uint8_t *dead_bits; /* a bit a row of the base that no longer holds; NULL: none */
};

/* A row of a group's base that no longer holds, beside those. */
struct dead_row {
    uint64_t group;
    uint32_t row;
};

struct piece {
    uint32_t n_rows;
    enum fact_table table;
    const struct sealed_group *sealed; /* NULL: in memory */
    const struct dead_row *dead;       /* sealed: n_dead of them */
    size_t n_dead;
    const struct memtable_chunk *chunk; /* in memory */
};

/* What is known of a column without reading it. */
void piece_range(const struct piece *p, uint8_t column, struct fact_range *ret);

/* The values of a column, or the codes of a dimension; valid until the reader is set to another group. 0 or
 * negative errno. */
int piece_values(const struct piece *p, struct rowgroup_reader *r, unsigned column, const int64_t **ret);
int piece_codes(const struct piece *p, struct rowgroup_reader *r, unsigned set, unsigned field,
                const uint16_t **ret);

/* The same of n rows that `rows` lists, ascending, into ret. */
int piece_pick_values(const struct piece *p, struct rowgroup_reader *r, unsigned column, const uint16_t *rows,
                      uint32_t n, int64_t *ret);
int piece_pick_codes(const struct piece *p, struct rowgroup_reader *r, unsigned set, unsigned field,
                     const uint16_t *rows, uint32_t n, uint16_t *ret);

/* The rows whose code has a 1 in `wanted`, *ret_n of them, into ret[n_rows], ascending. */
int piece_sift(const struct piece *p, struct rowgroup_reader *r, unsigned set, unsigned field,
               const uint8_t *wanted, uint16_t *ret, uint32_t *ret_n);

/* Column less other, row by row, into room[n_rows], where that is what is kept: 1; 0 when it is not, negative
 * errno. Other must have no FACT_NULL or FACT_FOREVER; where the column has, so has the difference. */
int piece_difference(const struct piece *p, unsigned column, unsigned other, int64_t *room);
/* The values of a column whose range lies between 0 and 255, in room[n_rows]. wide is room as well. */
int piece_bytes(const struct piece *p, struct rowgroup_reader *r, unsigned column, uint16_t *wide,
                uint8_t *room);

/* 1 for each row that holds at `shown`, in room[n_rows]; *ret NULL: all do. base is room for the base's rows.
 */
int piece_live(const struct piece *p, struct rowgroup_reader *r, uint64_t shown, uint8_t *base, uint8_t *room,
               const uint8_t **ret);

#endif
