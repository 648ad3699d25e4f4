#include "core/store/piece.h"

#include <string.h>

void piece_range(const struct piece *p, uint8_t column, struct fact_range *ret)
{
    if (!p->sealed && p->n_rows < p->chunk->n_rows_max) { /* rows are added while we look */
        *ret = (struct fact_range){.min = INT64_MIN, .max = INT64_MAX, .has_null = true, .has_forever = true};
        return;
    }
    if (!p->sealed) {
        memtable_range(p->chunk, column, ret);
        return;
    }
    if (!rowgroup_range(&p->sealed->rows, p->table, column, &ret->min, &ret->max, &ret->has_null,
                        &ret->has_forever)) {
        ret->min = INT64_MAX;
        ret->max = INT64_MIN;
    }
}

int piece_values(const struct piece *p, struct rowgroup_reader *r, unsigned column, const int64_t **ret)
{
    if (p->sealed)
        return rowgroup_reader_value(r, p->table, column, ret);
    *ret = p->chunk->values + (size_t)column * p->chunk->stride;
    return 0;
}

int piece_codes(const struct piece *p, struct rowgroup_reader *r, unsigned set, unsigned field,
                const uint16_t **ret)
{
    if (p->sealed)
        return rowgroup_reader_dimension(r, p->table, set, field, ret);
    *ret = p->chunk->dimensions + (size_t)(set * FIELD_N_DIMENSIONS + field) * p->chunk->stride;
    return 0;
}

int piece_pick_values(const struct piece *p, struct rowgroup_reader *r, unsigned column, const uint16_t *rows,
                      uint32_t n, int64_t *ret)
{
    const int64_t *all;
    if (p->sealed)
        return rowgroup_reader_pick_value(r, p->table, column, rows, n, ret);
    int e = piece_values(p, r, column, &all);
    for (uint32_t k = 0; k < n && e == 0; k++)
        ret[k] = all[rows[k]];
    return e;
}

int piece_pick_codes(const struct piece *p, struct rowgroup_reader *r, unsigned set, unsigned field,
                     const uint16_t *rows, uint32_t n, uint16_t *ret)
{
    const uint16_t *all;
    if (p->sealed)
        return rowgroup_reader_pick_dimension(r, p->table, set, field, rows, n, ret);
    int e = piece_codes(p, r, set, field, &all);
    for (uint32_t k = 0; k < n && e == 0; k++)
        ret[k] = all[rows[k]];
    return e;
}

int piece_sift(const struct piece *p, struct rowgroup_reader *r, unsigned set, unsigned field,
               const uint8_t *wanted, uint16_t *ret, uint32_t *ret_n)
{
    const uint16_t *codes;
    uint32_t n = 0;
    if (p->sealed)
        return rowgroup_reader_sift(r, p->table, set, field, wanted, ret, ret_n);
    int e = piece_codes(p, r, set, field, &codes);
    for (uint32_t i = 0; i < p->n_rows && e == 0; i++) {
        ret[n] = (uint16_t)i;
        n += wanted[codes[i]];
    }
    *ret_n = n;
    return e;
}

int piece_difference(const struct piece *p, unsigned column, unsigned other, int64_t *room)
{
    if (!p->sealed || !rowgroup_keeps_difference(&p->sealed->rows, p->table, column, other))
        return 0;
    int e = block_read(&p->sealed->rows.tables[p->table], (uint8_t)column, NULL, p->n_rows, room);
    return e < 0 ? e : 1;
}

int piece_bytes(const struct piece *p, struct rowgroup_reader *r, unsigned column, uint16_t *restrict wide,
                uint8_t *restrict room)
{
    const struct block *block = p->sealed ? &p->sealed->rows.tables[p->table] : NULL;
    struct block_column c;
    if (block && !rowgroup_is_of_base(column)) {
        bool is_there = block_find(block, (uint8_t)column, &c);
        if (!is_there || !c.is_difference) {
            int e = block_read_u16(block, (uint8_t)column, p->n_rows, wide);
            if (e < 0)
                return e;
            for (uint32_t i = 0; i < p->n_rows; i++)
                room[i] = (uint8_t)wide[i];
            return 0;
        }
    }
    const int64_t *values;
    int e = piece_values(p, r, column, &values);
    if (e < 0)
        return e;
    for (uint32_t i = 0; i < p->n_rows; i++)
        room[i] = (uint8_t)values[i];
    return 0;
}

/* A byte for each bit of eight, 1 where it is 0. */
static uint64_t bytes_of_unset(uint8_t bits)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t set = bits * ones & UINT64_C(0x8040201008040201);
    return ((set + 127 * ones) >> 7 & ones) ^ ones;
}

int piece_live(const struct piece *p, struct rowgroup_reader *r, uint64_t shown, uint8_t *base, uint8_t *room,
               const uint8_t **ret)
{
    const struct memtable_chunk *c = p->chunk;
    *ret = room;
    if (!p->sealed) {
        for (uint32_t i = 0; i < p->n_rows; i++)
            room[i] = c->born[i] <= shown && atomic_load_explicit(&c->died[i], memory_order_acquire) > shown;
        return 0;
    }
    const uint8_t *bits = p->sealed->dead_bits;
    const uint32_t n_base = p->sealed->rows.base.n_rows;
    if (!bits && p->n_dead == 0) {
        *ret = NULL;
        return 0;
    }
    uint32_t whole = bits ? n_base / 8 * 8 : 0;
    for (uint32_t i = 0; i < whole; i += 8) {
        uint64_t bytes = bytes_of_unset(bits[i / 8]);
        memcpy(base + i, &bytes, sizeof(bytes)); /* of a length that compilers know */
    }
    for (uint32_t i = whole; i < n_base; i++)
        base[i] = !bits || !(bits[i / 8] >> i % 8 & 1);
    for (size_t i = 0; i < p->n_dead; i++)
        if (p->dead[i].row < n_base)
            base[p->dead[i].row] = 0;
    return rowgroup_reader_live(r, p->table, base, room);
}
