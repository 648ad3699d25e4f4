#include "core/store/slice.h"

#include <stdlib.h>
#include <string.h>

/* --- the blocks of the log --- */

void extents_fini(struct extents *e)
{
    free(e->list);
    *e = (struct extents){0};
}

static int extents_add(struct extents *e, const struct walk *walk)
{
    if (e->n == e->capacity) {
        size_t capacity = e->capacity ? e->capacity * 2 : 256;
        struct extent *more = realloc(e->list, capacity * sizeof(*more));
        if (!more)
            return -ENOMEM;
        e->list = more;
        e->capacity = capacity;
    }
    struct extent *at = &e->list[e->n];
    if (walk->key.mv_size != 6)
        return -EBADMSG;
    at->segment = get_u32(walk->key.mv_data);
    at->place = get_u16((const uint8_t *)walk->key.mv_data + 4);
    int r = segment_block_extent(&walk->value, &at->first, &at->last);
    if (r == 0)
        e->n++;
    return r;
}

int extents_update(struct extents *e, const struct store *s, struct txn *t)
{
    struct walk walk;
    uint8_t key[6] = {0};
    put_u32(key, e->next_segment);
    int r = walk_open(&walk, t, DB_SEGMENTS, key, sizeof(key));
    while (r == 0 && walk_next(&walk))
        r = extents_add(e, &walk);
    walk_close(&walk, t);
    if (r < 0 || t->rc)
        return r < 0 ? r : -EIO;
    /* A number is given before its segment is written: on from the last one that is there. */
    if (e->n && e->list[e->n - 1].segment >= e->next_segment)
        e->next_segment = e->list[e->n - 1].segment + 1;
    return 0;
}

/* --- a slice --- */

static int slice_init(struct slice *slice, const struct store *s, uint32_t first, uint32_t end)
{
    *slice = (struct slice){.first = first, .end = end, .is_hot = calloc(end - first, 1)};
    if (!slice->is_hot)
        return -ENOMEM;
    for (size_t i = 0; i < s->hot.n; i++) {
        uint32_t number = s->hot.list[i]->number;
        if (number >= first && number < end)
            slice->is_hot[number - first] = 1;
    }
    return hot_init(&slice->events);
}

void slice_fini(struct slice *slice)
{
    free(slice->is_hot);
    if (slice->events.slots)
        hot_fini(&slice->events);
    *slice = (struct slice){0};
}

static bool slice_wants(const struct slice *slice, uint32_t number)
{
    return number >= slice->first && number < slice->end && !slice->is_hot[number - slice->first];
}

static int slice_piece(struct slice *slice, struct segment_reader *reader, const struct segment_piece *piece)
{
    uint8_t room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
    bool wants = piece->n_rows && slice_wants(slice, piece->subject);
    struct subject *subject =
        wants ? hot_find(&slice->events, (uint64_t)piece->subject, piece->is_loose) : NULL;
    if (wants && !subject)
        subject = hot_add(&slice->events, (uint64_t)piece->subject, piece->is_loose, piece->subject,
                          piece->namespace);
    if (wants && !subject)
        return -ENOMEM;
    int r = 0;
    for (uint32_t i = 0; i < piece->n_rows && r == 0; i++) {
        r = segment_reader_next(reader, (struct event *)room);
        if (r == 0 && subject)
            r = subject_append(&slice->events, subject, (const struct event *)room);
    }
    return r;
}

static int slice_block(struct slice *slice, const struct segment_block *block)
{
    struct segment_reader reader;
    int r = 0;
    uint32_t place = segment_block_find(block, slice->first);
    if (place < block->n_pieces)
        segment_reader_init(&reader, block, place);
    for (; place < block->n_pieces && r == 0; place++) {
        struct segment_piece piece;
        segment_block_piece(block, place, &piece);
        if (piece.subject >= slice->end)
            break;
        r = slice_piece(slice, &reader, &piece);
    }
    return r;
}

static int slice_extent(struct slice *slice, struct column_coder *coder, const struct extent *at,
                        struct txn *t)
{
    struct segment_block block;
    uint8_t key[6];
    MDB_val value;
    put_u32(key, at->segment);
    put_u16(key + 4, at->place);
    if (!txn_get(t, DB_SEGMENTS, key, sizeof(key), &value))
        return t->rc ? -EIO : -EBADMSG;
    int r = segment_block_decode(&block, coder, at->segment, at->place, &value);
    if (r < 0)
        return r;
    r = slice_block(slice, &block);
    segment_block_fini(&block);
    return r;
}

/* 1: they are too many for one. */
static int slice_gather(struct slice *slice, const struct extents *e, struct txn *t)
{
    struct column_coder coder = {0};
    int r = 0;
    for (size_t i = 0; i < e->n && r == 0; i++) {
        const struct extent *at = &e->list[i];
        if (at->last < slice->first || at->first >= slice->end)
            continue;
        r = slice_extent(slice, &coder, at, t);
        if (r == 0 && slice->events.n_events > SLICE_EVENTS && slice->end - slice->first > 1)
            r = 1;
    }
    column_coder_fini(&coder);
    return r;
}

int slice_read(struct slice *slice, const struct store *s, const struct extents *e, struct txn *t,
               uint32_t first, uint32_t end)
{
    for (;;) {
        int r = slice_init(slice, s, first, end);
        if (r == 0)
            r = slice_gather(slice, e, t);
        if (r != 1)
            return r;
        slice_fini(slice);
        end = first + (end - first) / 2; /* at least one: a subject alone is never too many */
    }
}
