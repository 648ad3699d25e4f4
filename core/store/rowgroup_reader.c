#include "core/store/rowgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct room {
    void *data;
    uint32_t turn; /* of the group that it was read in */
};

struct table_rooms {
    struct room parents, partners, values[FACT_VALUES_MAX], dimensions[2][FIELD_N_DIMENSIONS];
    bool is_identity; /* each base row has one row */
};

/* Of eight bits, for all that they may be: how many are set, their places, and how many are below each. */
struct eights {
    uint16_t places[256][8], before[256][8];
    uint8_t n[256];
};

struct rowgroup_reader {
    struct rowgroup_values values; /* first: need's argument */
    const struct rowgroup *group;
    struct room base[FACT_N_COMMON], base_dimensions[FIELD_N_DIMENSIONS], today[FIELD_N_DIMENSIONS];
    struct table_rooms tables[FACT_N_TABLES];
    uint16_t *parents[FACT_N_TABLES], *firsts[FACT_N_TABLES];
    uint16_t identity[ROWGROUP_ROWS + 1]; /* of tables where each base row has one row */
    struct eights eights;
    uint16_t parents_of_some[ROWGROUP_ROWS]; /* of rows that are picked … */
    struct room some_created;                /* … and theirs */
    int64_t *prediction;
    uint32_t turn; /* of the group that is being read, from 1 */
};

static int need(struct rowgroup_values *v, unsigned table, unsigned column);

static void eights_init(struct eights *e)
{
    for (unsigned bits = 0; bits < 256; bits++)
        for (unsigned k = 0; k < 8; k++) {
            e->before[bits][k] = e->n[bits];
            if (bits >> k & 1)
                e->places[bits][e->n[bits]++] = (uint16_t)k;
        }
}

int rowgroup_reader_new(struct rowgroup_reader **ret)
{
    struct rowgroup_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->values.need = need;
    for (uint32_t i = 0; i <= ROWGROUP_ROWS; i++)
        r->identity[i] = (uint16_t)i;
    eights_init(&r->eights);
    *ret = r;
    return 0;
}

void rowgroup_reader_free(struct rowgroup_reader *r)
{
    if (!r)
        return;
    for (unsigned c = 0; c < FACT_N_COMMON; c++)
        free(r->base[c].data);
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
        free(r->base_dimensions[f].data);
        free(r->today[f].data);
    }
    for (unsigned t = 0; t < FACT_N_TABLES; t++) {
        for (unsigned c = 0; c < FACT_VALUES_MAX; c++)
            free(r->tables[t].values[c].data);
        for (unsigned f = 0; f < 2 * FIELD_N_DIMENSIONS; f++)
            free(r->tables[t].dimensions[f / FIELD_N_DIMENSIONS][f % FIELD_N_DIMENSIONS].data);
        free(r->tables[t].partners.data);
        free(r->parents[t]);
        free(r->firsts[t]);
    }
    free(r->some_created.data);
    free(r->prediction);
    free(r);
}

/* Nothing has been read. */
static void rowgroup_reader_forget(struct rowgroup_reader *r)
{
    r->turn = 1;
    for (unsigned c = 0; c < FACT_N_COMMON; c++)
        r->base[c].turn = 0;
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        r->base_dimensions[f].turn = r->today[f].turn = 0;
    for (unsigned t = 0; t < FACT_N_TABLES; t++) {
        struct table_rooms *rooms = &r->tables[t];
        rooms->parents.turn = rooms->partners.turn = 0;
        for (unsigned c = 0; c < FACT_VALUES_MAX; c++)
            rooms->values[c].turn = 0;
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            rooms->dimensions[0][f].turn = rooms->dimensions[1][f].turn = 0;
    }
}

static bool room_is_read(const struct rowgroup_reader *r, const struct room *room)
{
    return room->turn == r->turn;
}

static void room_mark(const struct rowgroup_reader *r, struct room *room, bool is_read)
{
    room->turn = is_read ? r->turn : 0;
}

void rowgroup_reader_set(struct rowgroup_reader *r, const struct rowgroup *g)
{
    r->group = g;
    r->values.n_base = g->base.n_rows;
    for (unsigned t = 0; t < FACT_N_TABLES; t++)
        r->values.tables[t].n = g->tables[t].n_rows;
    if (++r->turn == 0) /* every number has been used: rooms of the first groups would seem read */
        rowgroup_reader_forget(r);
}

uint32_t rowgroup_reader_rows(const struct rowgroup_reader *r, enum fact_table table)
{
    return r->group->tables[table].n_rows;
}

/* Room for ROWGROUP_ROWS of a size, made when first used. */
static void *room_of(struct room *room, size_t size)
{
    if (!room->data)
        room->data = malloc(ROWGROUP_ROWS * size);
    return room->data;
}

int rowgroup_reader_base(struct rowgroup_reader *r, unsigned column, const int64_t **ret)
{
    struct room *room = &r->base[column];
    int64_t *values = room_of(room, sizeof(int64_t));
    if (!values)
        return -ENOMEM;
    int e = room_is_read(r, room)
                ? 0
                : block_read(&r->group->base, (uint8_t)column, NULL, r->values.n_base, values);
    room_mark(r, room, e == 0);
    r->values.base[column] = values;
    *ret = values;
    return e;
}

static void read_eight(const uint16_t *counts, uint64_t eight[2])
{
    memcpy(eight, counts, 2 * sizeof(*eight));
}

/* Whether none of eight counts is more than mask. */
static bool eight_within(const uint64_t eight[2], uint16_t mask)
{
    return ((eight[0] | eight[1]) & ~(mask * UINT64_C(0x0001000100010001))) == 0;
}

/* A bit for each of eight counts of 0 or 1. */
static unsigned eight_bits(const uint64_t eight[2])
{
    const uint64_t gather = UINT64_C(0x0001000200040008);
    return (eight[0] * gather >> 48 & 15) | (eight[1] * gather >> 44 & 240);
}

static inline void add_eight(const uint16_t *restrict places, uint32_t to, uint16_t *restrict ret)
{
    for (uint32_t k = 0; k < 8; k++)
        ret[k] = (uint16_t)(places[k] + to);
}

/* Eight counts from 0 to 3, without a branch: the row behind theirs. */
static inline uint32_t lay_out_eight(const uint16_t *counts, uint32_t base, uint32_t row,
                                     uint16_t *restrict firsts, uint16_t *restrict parents)
{
    for (uint32_t k = 0; k < 8; k++) {
        uint16_t *at = parents + row;
        firsts[base + k] = (uint16_t)row;
        at[0] = at[1] = at[2] = (uint16_t)(base + k);
        row += counts[base + k];
    }
    return row;
}

/* How many rows each base row has, laid out: where its first is, and whose child each row is. Eight at a time
 * where they are few; parents has room for seven more. */
static int lay_out_counts(const struct eights *eights, const uint16_t *counts, uint32_t n_base, uint32_t n,
                          uint16_t *restrict firsts, uint16_t *restrict parents)
{
    uint32_t row = 0;
    uint64_t eight[2];
    for (uint32_t base = 0; base < n_base;) {
        const bool is_whole = n_base - base >= 8;
        if (is_whole)
            read_eight(counts + base, eight);
        if (is_whole && eight_within(eight, 1)) {
            const unsigned bits = eight_bits(eight);
            if (eights->n[bits] > n - row)
                return -EBADMSG;
            add_eight(eights->before[bits], row, firsts + base);
            add_eight(eights->places[bits], base, parents + row);
            row += eights->n[bits];
            base += 8;
            continue;
        }
        if (is_whole && n - row >= 8 * 3 && eight_within(eight, 3)) {
            row = lay_out_eight(counts, base, row, firsts, parents);
            base += 8;
            continue;
        }
        for (uint32_t end = is_whole ? base + 8 : n_base; base < end; base++) {
            const uint32_t count = counts[base];
            if (count > n - row)
                return -EBADMSG;
            firsts[base] = (uint16_t)row;
            for (uint32_t k = 0; k < count; k++)
                parents[row + k] = (uint16_t)base;
            row += count;
        }
    }
    firsts[n_base] = (uint16_t)row;
    return row == n ? 0 : -EBADMSG;
}

/* Whose child each row is. */
static int read_parents(struct rowgroup_reader *r, unsigned table)
{
    struct table_rooms *rooms = &r->tables[table];
    const struct block *b = &r->group->tables[table];
    struct block_column c;
    const uint32_t n = b->n_rows, n_base = r->values.n_base;
    if (room_is_read(r, &rooms->parents))
        return 0;
    rooms->is_identity = n && !block_find(b, ROWGROUP_COUNTS, &c);
    if (rooms->is_identity) {
        if (n != n_base)
            return -EBADMSG;
        r->values.tables[table].parents = r->values.tables[table].firsts = r->identity;
        room_mark(r, &rooms->parents, true);
        return 0;
    }
    if (!r->parents[table])
        r->parents[table] = malloc((ROWGROUP_ROWS + 8) * sizeof(uint16_t));
    if (!r->firsts[table])
        r->firsts[table] = malloc((ROWGROUP_SUBJECTS + 1) * sizeof(uint16_t));
    if (!r->parents[table] || !r->firsts[table])
        return -ENOMEM;
    uint16_t counts[ROWGROUP_SUBJECTS];
    int e = 0;
    if (n)
        e = block_read_u16(b, ROWGROUP_COUNTS, n_base, counts);
    else
        memset(counts, 0, n_base * sizeof(*counts));
    if (e == 0)
        e = lay_out_counts(&r->eights, counts, n_base, n, r->firsts[table], r->parents[table]);
    r->values.tables[table].parents = r->parents[table];
    r->values.tables[table].firsts = r->firsts[table];
    room_mark(r, &rooms->parents, e == 0);
    return e;
}

static int read_partners(struct rowgroup_reader *r, unsigned table)
{
    struct room *room = &r->tables[table].partners;
    int64_t *partners = room_of(room, sizeof(int64_t));
    if (!partners)
        return -ENOMEM;
    int e = room_is_read(r, room) ? 0
                                  : block_read(&r->group->tables[table], ROWGROUP_PARTNER, NULL,
                                               r->values.tables[table].n, partners);
    room_mark(r, room, e == 0);
    r->values.tables[table].partners = partners;
    return e;
}

/* Of a table whose rows are not its base's own. */
static int read_shared(struct rowgroup_reader *r, unsigned table, unsigned column, int64_t *values)
{
    const int64_t *base;
    const uint32_t n = r->values.tables[table].n;
    const uint16_t *parents = r->values.tables[table].parents;
    int e = rowgroup_reader_base(r, column, &base);
    if (e < 0)
        return e;
    for (uint32_t i = 0; i < n; i++)
        values[i] = base[parents[i]];
    return 0;
}

static int read_value(struct rowgroup_reader *r, unsigned table, unsigned column, int64_t *values)
{
    const struct block *b = &r->group->tables[table];
    const uint32_t n = b->n_rows;
    struct block_column c;
    bool is_there = n && block_find(b, (uint8_t)column, &c);
    int e = n ? block_read(b, (uint8_t)column, NULL, n, values) : 0;
    if (e < 0 || !is_there || !c.is_difference)
        return e;
    if (table == FACT_SOLVE)
        r->values.new_is_rest = !block_find(b, FACT_SOLVE_OPEN_MS, &c) || !c.is_difference;
    const int64_t *created;
    e = read_parents(r, table);
    if (e == 0)
        e = rowgroup_reader_base(r, FACT_CREATED, &created);
    if (e == 0 && table == FACT_RATING)
        e = read_partners(r, table);
    if (!r->prediction)
        r->prediction = malloc(ROWGROUP_ROWS * sizeof(*r->prediction));
    if (e == 0 && !r->prediction)
        e = -ENOMEM;
    if (e == 0)
        e = rowgroup_predict(&r->values, table, column, r->prediction);
    if (e != 1)
        return e < 0 ? e : -EBADMSG;
    for (uint32_t i = 0; i < n; i++)
        if (rowgroup_is_number(values[i]))
            values[i] = (int64_t)((uint64_t)values[i] + (uint64_t)r->prediction[i]);
    return 0;
}

static int need(struct rowgroup_values *v, unsigned table, unsigned column)
{
    const int64_t *values;
    int e = read_parents((struct rowgroup_reader *)v, table);
    return e < 0 ? e : rowgroup_reader_value((struct rowgroup_reader *)v, table, column, &values);
}

int rowgroup_reader_value(struct rowgroup_reader *r, enum fact_table table, unsigned column,
                          const int64_t **ret)
{
    struct room *room = &r->tables[table].values[column];
    int64_t *values = room_of(room, sizeof(int64_t));
    if (!values)
        return -ENOMEM;
    int e = rowgroup_is_of_base(column) ? read_parents(r, table) : 0;
    if (e == 0 && rowgroup_is_of_base(column) && r->tables[table].is_identity) {
        e = rowgroup_reader_base(r, column, ret);
        r->values.tables[table].values[column] = r->values.base[column];
        return e;
    }
    if (e == 0 && !room_is_read(r, room))
        e = rowgroup_is_of_base(column) ? read_shared(r, table, column, values)
                                        : read_value(r, table, column, values);
    room_mark(r, room, e == 0);
    r->values.tables[table].values[column] = values;
    *ret = values;
    return e;
}

/* A dimension of the base. */
static int read_base_dimension(struct rowgroup_reader *r, unsigned field, const uint16_t **ret)
{
    struct room *room = &r->base_dimensions[field];
    uint16_t *base = room_of(room, sizeof(uint16_t));
    if (!base)
        return -ENOMEM;
    int e = room_is_read(r, room)
                ? 0
                : block_read_u16(&r->group->base, FACT_DIMENSION(0, field), r->values.n_base, base);
    room_mark(r, room, e == 0);
    *ret = base;
    return e;
}

/* What the tickets of the base's rows have today; without a ticket as in the base. */
static int read_today(struct rowgroup_reader *r, unsigned field, const uint16_t **ret)
{
    const struct block *b = &r->group->tables[FACT_TICKET];
    const uint16_t *base = NULL, *today = NULL;
    struct block_column c;
    if (!block_find(b, FACT_DIMENSION(1, field), &c))
        return read_base_dimension(r, field, ret);
    int e = read_parents(r, FACT_TICKET);
    if (e < 0)
        return e;
    if (r->tables[FACT_TICKET].is_identity) /* each has one */
        return rowgroup_reader_dimension(r, FACT_TICKET, 1, field, ret);
    struct room *room = &r->today[field];
    uint16_t *values = room_of(room, sizeof(uint16_t));
    if (!values)
        return -ENOMEM;
    *ret = values;
    if (room_is_read(r, room))
        return 0;
    e = rowgroup_reader_dimension(r, FACT_TICKET, 1, field, &today);
    if (e == 0)
        e = read_base_dimension(r, field, &base);
    if (e < 0)
        return e;
    memcpy(values, base, r->values.n_base * sizeof(*values));
    for (uint32_t i = 0; i < b->n_rows; i++)
        values[r->values.tables[FACT_TICKET].parents[i]] = today[i];
    room_mark(r, room, true);
    return 0;
}

/* What each row's subject has. */
static void take_parents(const struct rowgroup_reader *r, unsigned table, const uint16_t *restrict of,
                         uint16_t *restrict values)
{
    const uint32_t n = r->values.tables[table].n;
    const uint16_t *restrict parents = r->values.tables[table].parents;
    if (r->tables[table].is_identity)
        memcpy(values, of, n * sizeof(*values));
    else
        for (uint32_t i = 0; i < n; i++)
            values[i] = of[parents[i]];
}

/* The same where rows before a subject's last are kept as differences to what its base has. */
static void take_parents_cut(const struct rowgroup_reader *r, unsigned table, const uint16_t *base,
                             const uint16_t *today, uint16_t *values)
{
    const uint32_t n = r->values.tables[table].n;
    const uint16_t *parents = r->values.tables[table].parents;
    for (uint32_t i = 0; i < n; i++)
        values[i] = (rowgroup_is_of_today(&r->values, table, i) ? today : base)[parents[i]];
}

/* Reads a dimension of rows, or finds where it is read already. */
static int read_dimension(struct rowgroup_reader *r, unsigned table, unsigned set, unsigned field,
                          struct room *room, const uint16_t **ret)
{
    const struct block *b = &r->group->tables[table];
    const uint16_t *base = NULL, *today = NULL;
    uint16_t *values = room->data;
    struct block_column c;
    int e = 0;
    if (table == FACT_TICKET && !block_find(&r->group->base, FACT_DIMENSION(0, field), &c)) {
        e = block_read_u16(b, FACT_DIMENSION(set, field), b->n_rows, values); /* differences to nothing */
        room_mark(r, room, e == 0);
        *ret = values;
        return e;
    }
    e = read_base_dimension(r, field, &base);
    today = base;
    if (e == 0 && table != FACT_TICKET)
        e = read_today(r, field, &today);
    if (e < 0)
        return e;
    bool is_cut = today != base && (table == FACT_SPAN || table == FACT_HOLDING),
         has_differences = block_find(b, FACT_DIMENSION(set, field), &c);
    if (r->tables[table].is_identity && !is_cut && !has_differences) {
        *ret = today;
        return 0;
    }
    if (is_cut)
        take_parents_cut(r, table, base, today, values);
    else
        take_parents(r, table, today, values);
    e = has_differences ? block_add_u16(b, FACT_DIMENSION(set, field), b->n_rows, values) : 0;
    room_mark(r, room, e == 0);
    *ret = values;
    return e;
}

int rowgroup_reader_dimension(struct rowgroup_reader *r, enum fact_table table, unsigned set, unsigned field,
                              const uint16_t **ret)
{
    struct room *room = &r->tables[table].dimensions[set][field];
    if (!room_of(room, sizeof(uint16_t)))
        return -ENOMEM;
    *ret = room->data;
    int e = read_parents(r, table);
    return e < 0 || room_is_read(r, room) ? e : read_dimension(r, table, set, field, room, ret);
}

/* --- of some rows
 * --------------------------------------------------------------------------------------------------- */

static void pick_parents(const struct rowgroup_reader *r, unsigned table, const uint16_t *restrict rows,
                         uint32_t n, uint16_t *restrict ret)
{
    const uint16_t *restrict parents = r->values.tables[table].parents;
    for (uint32_t k = 0; k < n; k++)
        ret[k] = parents[rows[k]];
}

/* created_at of some rows of the base, from those of all where they have been read or cannot be read alone.
 */
static int pick_base_created(struct rowgroup_reader *r, const uint16_t *rows, uint32_t n, int64_t *ret)
{
    const int64_t *created;
    int e = room_is_read(r, &r->base[FACT_CREATED])
                ? 0
                : block_pick(&r->group->base, FACT_CREATED, r->values.n_base, rows, n, ret);
    if (e != 0)
        return e < 0 ? e : 0;
    e = rowgroup_reader_base(r, FACT_CREATED, &created);
    for (uint32_t k = 0; k < n && e == 0; k++)
        ret[k] = created[rows[k]];
    return e;
}

/* created_at of rows; or what is kept as its difference to that, from those differences. */
static int pick_created(struct rowgroup_reader *r, unsigned table, const uint16_t *rows, uint32_t n,
                        bool adds, int64_t *ret)
{
    int64_t *created = ret;
    int e = read_parents(r, table);
    if (e == 0 && adds && !(created = room_of(&r->some_created, sizeof(*created))))
        e = -ENOMEM;
    if (e < 0)
        return e;
    pick_parents(r, table, rows, n, r->parents_of_some);
    e = pick_base_created(r, r->parents_of_some, n, created);
    for (uint32_t k = 0; k < n && adds && e == 0; k++)
        if (rowgroup_is_number(created[k]) && rowgroup_is_number(ret[k]))
            ret[k] = (int64_t)((uint64_t)ret[k] + (uint64_t)created[k]);
    return e < 0 ? e : 1;
}

/* 1, or 0 when the whole column must be read. */
static int pick_alone(struct rowgroup_reader *r, unsigned table, unsigned column, const uint16_t *rows,
                      uint32_t n, int64_t *ret)
{
    const struct block *b = &r->group->tables[table];
    struct block_column c;
    if (room_is_read(r, &r->tables[table].values[column]))
        return 0;
    if (column == FACT_CREATED)
        return pick_created(r, table, rows, n, false, ret);
    if (rowgroup_is_of_base(column))
        return 0;
    bool is_difference = block_find(b, (uint8_t)column, &c) && c.is_difference;
    if (is_difference && !rowgroup_predicts_created(table, column))
        return 0;
    int e = block_pick(b, (uint8_t)column, b->n_rows, rows, n, ret);
    return e == 1 && is_difference ? pick_created(r, table, rows, n, true, ret) : e;
}

int rowgroup_reader_pick_value(struct rowgroup_reader *r, enum fact_table table, unsigned column,
                               const uint16_t *rows, uint32_t n, int64_t *ret)
{
    const int64_t *all;
    int e = pick_alone(r, table, column, rows, n, ret);
    if (e == 0)
        e = rowgroup_reader_value(r, table, column, &all);
    else
        return e < 0 ? e : 0;
    for (uint32_t k = 0; k < n && e == 0; k++)
        ret[k] = all[rows[k]];
    return e;
}

/* The codes of the base that those of rows are, by their parents; 0 when the rows have others. */
static int find_parent_codes(struct rowgroup_reader *r, unsigned table, unsigned set, unsigned field,
                             const uint16_t **ret)
{
    const uint16_t *base = NULL;
    struct block_column c;
    if (room_is_read(r, &r->tables[table].dimensions[set][field]) || table == FACT_TICKET ||
        block_find(&r->group->tables[table], FACT_DIMENSION(set, field), &c))
        return 0;
    int e = read_parents(r, table);
    if (e == 0)
        e = read_base_dimension(r, field, &base);
    if (e == 0)
        e = read_today(r, field, ret);
    return e < 0 ? e : *ret == base || (table != FACT_SPAN && table != FACT_HOLDING);
}

int rowgroup_reader_pick_dimension(struct rowgroup_reader *r, enum fact_table table, unsigned set,
                                   unsigned field, const uint16_t *rows, uint32_t n, uint16_t *ret)
{
    const uint16_t *codes;
    int e = find_parent_codes(r, table, set, field, &codes);
    if (e == 1) {
        const uint16_t *parents = r->values.tables[table].parents;
        for (uint32_t k = 0; k < n; k++)
            ret[k] = codes[parents[rows[k]]];
        return 0;
    }
    if (e == 0)
        e = rowgroup_reader_dimension(r, table, set, field, &codes);
    for (uint32_t k = 0; k < n && e == 0; k++)
        ret[k] = codes[rows[k]];
    return e;
}

/* Of n rows those whose code is wanted; parents: whose codes they are, NULL: their own. Eight at a time. */
static inline uint32_t sift(const struct eights *eights, const uint16_t *codes, const uint16_t *parents,
                            uint32_t n, const uint8_t *wanted, uint16_t *ret)
{
    uint32_t n_found = 0, i = 0;
    for (; n - i >= 8; i += 8) {
        unsigned bits = 0;
        for (unsigned k = 8; k-- > 0;)
            bits = 2 * bits + wanted[codes[parents ? parents[i + k] : i + k]];
        add_eight(eights->places[bits], i, ret + n_found);
        n_found += eights->n[bits];
    }
    for (; i < n; i++) {
        ret[n_found] = (uint16_t)i;
        n_found += wanted[codes[parents ? parents[i] : i]];
    }
    return n_found;
}

int rowgroup_reader_sift(struct rowgroup_reader *r, enum fact_table table, unsigned set, unsigned field,
                         const uint8_t *wanted, uint16_t *ret, uint32_t *ret_n)
{
    const uint32_t n = r->values.tables[table].n;
    const uint16_t *codes;
    int e = find_parent_codes(r, table, set, field, &codes);
    if (e == 1 && !r->tables[table].is_identity) {
        *ret_n = sift(&r->eights, codes, r->values.tables[table].parents, n, wanted, ret);
        return 0;
    }
    if (e == 0)
        e = rowgroup_reader_dimension(r, table, set, field, &codes);
    if (e < 0)
        return e;
    *ret_n = sift(&r->eights, codes, NULL, n, wanted, ret);
    return 0;
}

int rowgroup_reader_live(struct rowgroup_reader *r, enum fact_table table, const uint8_t *live_base,
                         uint8_t *live)
{
    int e = read_parents(r, table);
    const uint32_t n = r->values.tables[table].n;
    const uint16_t *parents = r->values.tables[table].parents;
    if (e < 0)
        return e;
    if (r->tables[table].is_identity)
        memcpy(live, live_base, n);
    else
        for (uint32_t i = 0; i < n; i++)
            live[i] = live_base[parents[i]];
    return 0;
}
