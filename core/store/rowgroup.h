/* A row group: the fact rows of some subjects, of all tables, in one run of bytes.
 *
 * Its base has a row a subject: number, namespace, created_at, and the dimensions of its first row (the
 * ticket's, at creation). The rows of the tables are its children: what they share with their subject they do
 * not hold, dimensions are kept as differences to what the ticket has today (or had at creation, where more
 * follows), and values that mostly follow from others as differences to what is predicted from those
 * (rowgroup.c says which). So the rows of a ticket cost little more than what happened to it. Rows are in the
 * order of their subjects, those of one subject in the fold's.
 *
 * On disk: head, one entry a block, the blocks (block.h): the base's first. */
#ifndef TENDON_STORE_ROWGROUP_H
#define TENDON_STORE_ROWGROUP_H

#include "core/fold/fact.h"
#include "core/store/block.h"

#include <lmdb.h>

#define ROWGROUP_SUBJECTS 4096 /* at most */
#define ROWGROUP_ROWS     8192 /* of a table, at most */

/* Columns of a table's block behind those of FACT_… and FACT_DIMENSION. */
enum {
    ROWGROUP_COUNTS = FACT_COLUMNS_MAX, /* of each base row: how many rows it has; left out: each has one */
    ROWGROUP_PARTNER, /* of ratings: the answer of the same response, from the subject's first on */
    ROWGROUP_COLUMNS
};
_Static_assert(ROWGROUP_COLUMNS <= BLOCK_COLUMNS_MAX, "columns have a number in a block");

/* The base's columns have the numbers of FACT_SUBJECT, FACT_NAMESPACE and FACT_CREATED. */
static inline bool rowgroup_is_of_base(unsigned column)
{
    return column == FACT_SUBJECT || column == FACT_NAMESPACE || column == FACT_CREATED;
}

/* Neither FACT_NULL nor FACT_FOREVER. */
static inline bool rowgroup_is_number(int64_t v)
{
    return v != FACT_NULL && v != FACT_FOREVER;
}

/* --- the bytes
 * --------------------------------------------------------------------------------------------------- */

struct rowgroup {
    struct block base, tables[FACT_N_TABLES]; /* n_rows 0: no such table */
    size_t size;
};

/* The bytes stay the caller's. -EBADMSG when they are no whole group. check: verify the checksums. */
int rowgroup_open(struct rowgroup *g, const void *data, size_t size, bool check);
/* The zone map of a value column of a table (block.h); false where there are only FACT_NULL and FACT_FOREVER.
 */
bool rowgroup_range(const struct rowgroup *g, enum fact_table table, unsigned column, int64_t *ret_min,
                    int64_t *ret_max, bool *ret_null, bool *ret_open);

/* Whether a column is kept as its difference to another one (to FACT_CREATED too), where that is a number:
 * then the numbers in its block are those differences. */
bool rowgroup_keeps_difference(const struct rowgroup *g, enum fact_table table, unsigned column,
                               unsigned other);

/* Appends the bytes of a group: the base's block, then those of tables with rows. The caller writes each with
 * rowgroup_write_block between begin and finish. */
struct rowgroup_writer {
    struct buffer *out;
    size_t start;
    unsigned n;
};
void rowgroup_write_begin(struct rowgroup_writer *w, struct buffer *out, unsigned n_blocks);
/* The block that was appended since `from` is this table's; FACT_N_TABLES: the base's. */
void rowgroup_write_block(struct rowgroup_writer *w, unsigned table, size_t from);

/* --- the values
 * -------------------------------------------------------------------------------------------------- */

/* The columns of a group as numbers: what its writer has, or a reader has decoded so far. */
struct rowgroup_values {
    uint32_t n_base;
    int64_t *base[FACT_N_COMMON]; /* FACT_SUBJECT, FACT_NAMESPACE, FACT_CREATED */
    struct {
        uint32_t n;
        uint16_t *parents, *firsts; /* of each row; first row of each base row, and the end */
        int64_t *partners;
        int64_t *values[FACT_VALUES_MAX];
    } tables[FACT_N_TABLES];
    bool new_is_rest; /* of solves: the time in new, not that in open, is what the others leave */
    /* Makes sure that a column (with the partners, for ratings) is there, with the parents and firsts of its
     * table; 0 or negative errno. */
    int (*need)(struct rowgroup_values *v, unsigned table, unsigned column);
};

/* What the values of a column are kept as the difference to, into ret[n of the table]: 1, or 0 when as they
 * are; negative errno of need. */
int rowgroup_predict(struct rowgroup_values *v, unsigned table, unsigned column, int64_t *ret);
/* Whether that is created_at of their subject (0 where it has none). */
bool rowgroup_predicts_created(unsigned table, unsigned column);
/* Fills in firsts from parents. */
void rowgroup_lay_out(const uint16_t *parents, uint32_t n, uint32_t n_base, uint16_t *firsts);
/* Whether the dimensions of row i of a table are kept as differences to those that the ticket has today. */
bool rowgroup_is_of_today(const struct rowgroup_values *v, unsigned table, uint32_t i);

/* --- reading
 * ----------------------------------------------------------------------------------------------------- */

/* Decodes columns as they are asked for; keeps its memory from group to group. One thread's. */
struct rowgroup_reader;
int rowgroup_reader_new(struct rowgroup_reader **ret);
void rowgroup_reader_free(struct rowgroup_reader *r);
/* From now on reads g, whose bytes stay where they are until the next call. */
void rowgroup_reader_set(struct rowgroup_reader *r, const struct rowgroup *g);
uint32_t rowgroup_reader_rows(const struct rowgroup_reader *r, enum fact_table table);
/* A column of a table, decoded, until the next rowgroup_reader_set. -EBADMSG, -ENOMEM. */
int rowgroup_reader_value(struct rowgroup_reader *r, enum fact_table table, unsigned column,
                          const int64_t **ret);
int rowgroup_reader_dimension(struct rowgroup_reader *r, enum fact_table table, unsigned set, unsigned field,
                              const uint16_t **ret);
/* Those of n rows that `rows` lists, ascending, into ret: without reading all others where the column can be
 * read so. */
int rowgroup_reader_pick_value(struct rowgroup_reader *r, enum fact_table table, unsigned column,
                               const uint16_t *rows, uint32_t n, int64_t *ret);
int rowgroup_reader_pick_dimension(struct rowgroup_reader *r, enum fact_table table, unsigned set,
                                   unsigned field, const uint16_t *rows, uint32_t n, uint16_t *ret);
/* The rows whose code of a dimension has a 1 in wanted[65,536], which has nothing but 0 and 1: *ret_n of them
 * into ret[rows of the table], ascending. */
int rowgroup_reader_sift(struct rowgroup_reader *r, enum fact_table table, unsigned set, unsigned field,
                         const uint8_t *wanted, uint16_t *ret, uint32_t *ret_n);
/* The base's own column: FACT_SUBJECT, FACT_NAMESPACE, FACT_CREATED. */
int rowgroup_reader_base(struct rowgroup_reader *r, unsigned column, const int64_t **ret);
/* live[row of the table] from live_base[row of the base]. */
int rowgroup_reader_live(struct rowgroup_reader *r, enum fact_table table, const uint8_t *live_base,
                         uint8_t *live);

#endif
