#include "core/query/batch.h"

#include <errno.h>
#include <stdlib.h>

/* What stands in for a column for which there is no room: batch_check says so before it counts. */
static const int64_t NOTHING[FACT_VECTOR_ROWS];

void picks_fini(struct picks *p)
{
    for (unsigned c = 0; c < FACT_VALUES_MAX; c++) {
        free(p->values[c]);
        free(p->bytes[c]);
    }
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        free(p->codes[f]);
}

/* Room for a column of picked rows, kept for the next ones. */
static void *pick_room(struct picks *p, void **room, size_t size)
{
    if (!*room && !(*room = malloc(FACT_VECTOR_ROWS * size)))
        p->failed = -ENOMEM;
    return *room;
}

static const int64_t *pick_values(struct batch *b, unsigned column)
{
    int64_t *room = pick_room(b->picks, (void **)&b->picks->values[column], sizeof(*room));
    if (room)
        fact_reader_pick_values(b->reader, column, b->picked, b->rows.n, room);
    return room ? room : NOTHING;
}

static const uint16_t *pick_codes(struct batch *b, unsigned field)
{
    uint16_t *room = pick_room(b->picks, (void **)&b->picks->codes[field], sizeof(*room));
    if (room)
        fact_reader_pick_codes(b->reader, b->set, field, b->picked, b->rows.n, room);
    return room ? room : (const uint16_t *)NOTHING;
}

static const uint8_t *pick_bytes(struct batch *b, unsigned column, const uint8_t *all)
{
    uint8_t *room = pick_room(b->picks, (void **)&b->picks->bytes[column], sizeof(*room));
    for (uint32_t k = 0; room && k < b->rows.n; k++)
        room[k] = all[b->picked[k]];
    return room ? room : (const uint8_t *)NOTHING;
}

const int64_t *batch_read(struct batch *b, unsigned column)
{
    if (!b->reader)
        return NULL;
    return b->rows.values[column] =
               b->picked ? pick_values(b, column) : fact_reader_values(b->reader, column);
}

const uint16_t *batch_read_codes(struct batch *b, unsigned field)
{
    if (!b->reader)
        return NULL;
    return b->rows.dimensions[field] =
               b->picked ? pick_codes(b, field) : fact_reader_codes(b->reader, b->set, field);
}

void batch_pick(struct batch *b, const uint16_t *rows, uint32_t n, struct picks *picks)
{
    b->picked = rows;
    b->picks = picks;
    b->rows.n = n;
    b->keep = NULL;
    b->read_bytes[0] = b->read_bytes[1] = NULL;
    b->has_some_flags = false;
    for (unsigned place = 0; place < PLAN_DIMENSIONS_MAX; place++)
        b->ids[place] = NULL;
    for (unsigned c = 0; c < FACT_VALUES_MAX; c++)
        b->rows.values[c] = NULL;
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        b->rows.dimensions[f] = NULL;
}

int batch_check(const struct batch *b, struct error *err)
{
    if (b->picks && b->picks->failed)
        return error_set(err, b->picks->failed, "no_memory", "no memory for the query");
    return b->reader ? fact_reader_check(b->reader, err) : 0;
}

const uint8_t *batch_bytes(struct batch *b, unsigned column)
{
    const struct fact_range range = batch_range(b, column);
    if (!b->reader || !range_is_within(&range, 0, UINT8_MAX))
        return NULL;
    const uint8_t *all = fact_reader_bytes(b->reader, column);
    return b->picked ? pick_bytes(b, column, all) : all;
}

static const uint8_t *batch_small(struct batch *b, unsigned column, unsigned place)
{
    const uint8_t **read = &b->read_bytes[place];
    if (!*read && !(*read = batch_bytes(b, column))) {
        const int64_t *values = batch_values(b, column);
        for (uint32_t i = 0; i < b->rows.n; i++)
            b->bytes[place][i] = (uint8_t)values[i];
        *read = b->bytes[place];
    }
    return *read;
}

const uint8_t *batch_flags(struct batch *b)
{
    return batch_small(b, FACT_FLAGS, 0);
}

const uint8_t *batch_excluded(struct batch *b)
{
    return batch_small(b, FACT_EXCLUDED, 1);
}

uint8_t batch_some_flags(struct batch *b, uint8_t asked)
{
    const struct fact_range range = batch_range(b, FACT_FLAGS);
    int64_t some, all;
    range_flags(&range, &some, &all);
    if (!b->has_some_flags && some & asked) {
        const uint8_t *flags = batch_flags(b);
        uint8_t found = 0;
        for (uint32_t i = 0; i < b->rows.n; i++)
            found |= flags[i];
        b->some_flags = found;
        b->has_some_flags = true;
    }
    return (uint8_t)some & asked ? b->some_flags & asked : 0;
}

void batch_for_dimension(struct batch *b, const struct dimension_name *name)
{
    const uint64_t fields = dimension_fields(name);
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        if (fields & 1ull << f)
            (void)batch_codes(b, f);
    if (name->kind == DIMENSION_COLUMN || name->kind == DIMENSION_BOX)
        (void)batch_values(b, name->columns[b->rows.table]);
    if (name->kind == DIMENSION_BOX) {
        (void)batch_values(b, FACT_ANSWER_MIN);
        (void)batch_values(b, FACT_ANSWER_MAX);
    }
}

struct fact_range batch_range(const struct batch *b, unsigned column)
{
    struct fact_range range = {INT64_MIN, INT64_MAX, true, true};
    if (b->has_ranges)
        fact_reader_range(b->reader, column, &range);
    return range;
}

bool range_is_one(const struct fact_range *range, int64_t *ret)
{
    if (range->has_null || range->has_forever || range->min != range->max)
        return false;
    *ret = range->min;
    return true;
}

void range_flags(const struct fact_range *range, int64_t *ret_some, int64_t *ret_all)
{
    if (range->has_null || range->has_forever || range->min < 0 || range->min > range->max) {
        *ret_some = -1;
        *ret_all = 0;
        return;
    }
    /* Above the highest bit in which the two differ all values between them agree. */
    uint64_t differing = (uint64_t)(range->min ^ range->max);
    int64_t open = differing ? (int64_t)(UINT64_MAX >> __builtin_clzll(differing)) : 0;
    *ret_some = range->max | open;
    *ret_all = range->min & ~open;
}
