#include "core/store/segment.h"

#include <stdlib.h>
#include <string.h>

/* Columns: an event's field has the number of enum event_field; these stand behind. A field's value is kept
 * as its number + 1 (a negative one as it is), so that 0 is absent. */
enum {
    COLUMN_SUBJECT = 64,
    COLUMN_PREVIOUS, /* segment before + 1 on a subject's first row, else 0 */
    COLUMN_NAMESPACE,
    COLUMN_LOOSE,
    COLUMN_TYPE,
    COLUMN_AT,
    COLUMN_SEQ,
    COLUMN_ID,
    COLUMN_REF,
    COLUMN_SOURCE,
    COLUMN_END
};
#define TYPE_LINK 255 /* of a row that is no event */
_Static_assert((int)EVENT_N_TYPES < TYPE_LINK, "no event has its type");
_Static_assert((int)FIELD_N <= (int)COLUMN_SUBJECT,
               "fields and fixed columns share the numbers of a block's columns");

struct segment_writer {
    struct txn *txn;
    struct buffer out;
    struct block_writer block;
    int64_t *columns[COLUMN_END]; /* SEGMENT_BLOCK_ROWS each, made when first used */
    bool used[COLUMN_END];        /* in the block under way */
    uint32_t number, n_rows, last_subject;
    uint16_t place;
};

int segment_writer_new(struct segment_writer **ret)
{
    struct segment_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    buffer_init(&w->out, 64 << 20);
    if (block_writer_init(&w->block, &w->out) < 0) {
        free(w);
        return -ENOMEM;
    }
    *ret = w;
    return 0;
}

void segment_writer_free(struct segment_writer *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < COLUMN_END; i++)
        free(w->columns[i]);
    block_writer_fini(&w->block);
    buffer_fini(&w->out);
    free(w);
}

void segment_begin(struct segment_writer *w, struct txn *t, uint32_t number)
{
    w->txn = t;
    w->number = number;
    w->place = 0;
    w->n_rows = 0;
    w->last_subject = UINT32_MAX;
    memset(w->used, 0, sizeof(w->used));
}

static void segment_key(uint8_t key[6], uint32_t segment, uint16_t place)
{
    put_u32(key, segment);
    put_u16(key + 4, place);
}

static unsigned effort_of(unsigned column)
{
    switch (column) {
    case COLUMN_ID:
        return COLUMN_PACK; /* hashes do not compress; a ref does, as most events have none */
    case COLUMN_AT:
    case COLUMN_SUBJECT:
        return COLUMN_PLANES | COLUMN_DELTA;
    default:
        return COLUMN_PLANES;
    }
}

static int write_block(struct segment_writer *w)
{
    if (w->n_rows == 0)
        return 0;
    if (w->place == UINT16_MAX)
        return -EOVERFLOW;
    int r = block_begin(&w->block, w->n_rows);
    for (unsigned i = 0; i < COLUMN_END && r == 0; i++)
        if (w->used[i])
            block_add(&w->block, (uint8_t)i, w->columns[i], effort_of(i), BLOCK_NO_COLUMN, NULL);
    if (r == 0)
        r = block_finish(&w->block);
    if (r < 0)
        return r;
    uint8_t key[6];
    segment_key(key, w->number, w->place++);
    txn_put(w->txn, DB_SEGMENTS, key, sizeof(key), w->out.data, w->out.size);
    w->n_rows = 0;
    memset(w->used, 0, sizeof(w->used));
    return w->txn->rc ? -EIO : 0;
}

static int set(struct segment_writer *w, unsigned column, int64_t value)
{
    if (!w->used[column]) {
        if (value == 0)
            return 0;
        if (!w->columns[column])
            w->columns[column] = malloc(SEGMENT_BLOCK_ROWS * sizeof(int64_t));
        if (!w->columns[column])
            return -ENOMEM;
        memset(w->columns[column], 0, SEGMENT_BLOCK_ROWS * sizeof(int64_t));
        w->used[column] = true;
    }
    w->columns[column][w->n_rows] = value;
    return 0;
}

int segment_add(struct segment_writer *w, const struct subject *s, const struct event *e, uint32_t previous)
{
    if (w->n_rows == SEGMENT_BLOCK_ROWS) {
        int r = write_block(w);
        if (r < 0)
            return r;
    }
    bool is_first = s->number != w->last_subject;
    w->last_subject = s->number;
    int r = set(w, COLUMN_SUBJECT, s->number);
    r |= set(w, COLUMN_PREVIOUS, is_first ? (int64_t)previous + 1 : 0);
    r |= set(w, COLUMN_NAMESPACE, s->namespace);
    r |= set(w, COLUMN_LOOSE, s->is_loose);
    r |= set(w, COLUMN_TYPE, e->type);
    r |= set(w, COLUMN_AT, e->at);
    r |= set(w, COLUMN_SEQ, e->seq);
    r |= set(w, COLUMN_ID, (int64_t)e->id);
    r |= set(w, COLUMN_REF, (int64_t)e->ref);
    r |= set(w, COLUMN_SOURCE, e->source);
    for (unsigned i = 0; i < e->n_fields; i++) {
        int64_t number = event_number_of(e->fields[i]);
        r |= set(w, event_field_of(e->fields[i]), number >= 0 ? number + 1 : number);
    }
    w->n_rows++;
    return r ? -ENOMEM : 0;
}

int segment_finish(struct segment_writer *w)
{
    int r = write_block(w);
    w->txn = NULL;
    return r;
}

int segment_block_decode(struct segment_block *b, uint32_t segment, uint16_t place, const MDB_val *value)
{
    struct block block;
    *b = (struct segment_block){.segment = segment, .place = place};
    int r = block_open(&block, value->mv_data, value->mv_size, true);
    if (r < 0)
        return r;
    b->n_rows = block.n_rows;
    b->zeros = calloc(b->n_rows, sizeof(int64_t));
    if (!b->zeros)
        return -ENOMEM;
    for (unsigned i = 0; i < COLUMN_END && r == 0; i++) {
        if (!block_has(&block, (uint8_t)i))
            continue;
        b->columns[i] = malloc(b->n_rows * sizeof(int64_t));
        r = b->columns[i] ? block_read(&block, (uint8_t)i, b->columns[i]) : -ENOMEM;
    }
    b->subject = b->columns[COLUMN_SUBJECT] ? b->columns[COLUMN_SUBJECT] : b->zeros;
    b->previous = b->columns[COLUMN_PREVIOUS] ? b->columns[COLUMN_PREVIOUS] : b->zeros;
    b->namespace = b->columns[COLUMN_NAMESPACE] ? b->columns[COLUMN_NAMESPACE] : b->zeros;
    b->loose = b->columns[COLUMN_LOOSE] ? b->columns[COLUMN_LOOSE] : b->zeros;
    if (r < 0)
        segment_block_fini(b);
    return r;
}

int segment_block_extent(const MDB_val *value, uint32_t *ret_first, uint32_t *ret_last)
{
    struct block block;
    int64_t first, last;
    bool open;
    int r = block_open(&block, value->mv_data, value->mv_size, false);
    if (r < 0)
        return r;
    if (!block_range(&block, COLUMN_SUBJECT, &first, &last, &open) || first < 0 || last > UINT32_MAX)
        return -EBADMSG;
    *ret_first = (uint32_t)first;
    *ret_last = (uint32_t)last;
    return 0;
}

void segment_block_fini(struct segment_block *b)
{
    for (unsigned i = 0; i < BLOCK_COLUMNS_MAX; i++)
        free(b->columns[i]);
    free(b->zeros);
    *b = (struct segment_block){0};
}

static int64_t get(const struct segment_block *b, unsigned column, uint32_t row)
{
    return b->columns[column] ? b->columns[column][row] : 0;
}

void segment_block_event(const struct segment_block *b, uint32_t row, struct event *room)
{
    *room = (struct event){
        .at = get(b, COLUMN_AT, row),
        .id = (uint64_t)get(b, COLUMN_ID, row),
        .ref = (uint64_t)get(b, COLUMN_REF, row),
        .seq = (uint32_t)get(b, COLUMN_SEQ, row),
        .source = (uint16_t)get(b, COLUMN_SOURCE, row),
        .type = (uint8_t)get(b, COLUMN_TYPE, row),
    };
    for (unsigned f = 0; f < FIELD_N; f++) {
        int64_t v = get(b, f, row);
        if (v)
            room->fields[room->n_fields++] = event_field_pack(f, v > 0 ? v - 1 : v);
    }
}

bool segment_block_is_event(const struct segment_block *b, uint32_t row)
{
    return get(b, COLUMN_TYPE, row) != TYPE_LINK;
}

int segment_block_sources(const MDB_val *value, uint16_t *ret_least, uint16_t *ret_greatest)
{
    struct block block;
    int64_t least = 0, greatest = 0;
    bool open;
    int r = block_open(&block, value->mv_data, value->mv_size, false);
    if (r < 0)
        return r;
    if (block_has(&block, COLUMN_SOURCE) &&
        (!block_range(&block, COLUMN_SOURCE, &least, &greatest, &open) || least < 0 || greatest > UINT16_MAX))
        return -EBADMSG;
    *ret_least = (uint16_t)least;
    *ret_greatest = (uint16_t)greatest;
    return 0;
}

static int copy_row(struct segment_writer *w, const struct segment_block *b, uint32_t row, int64_t previous)
{
    int r = 0;
    for (unsigned i = 0; i < COLUMN_END; i++)
        r |= set(w, i, i == COLUMN_PREVIOUS ? previous : get(b, i, row));
    w->n_rows++;
    return r;
}

/* In place of a subject's rows: its chain, no event. */
static int add_link(struct segment_writer *w, const struct segment_block *b, uint32_t row, int64_t previous)
{
    int r = set(w, COLUMN_SUBJECT, b->subject[row]);
    r |= set(w, COLUMN_PREVIOUS, previous);
    r |= set(w, COLUMN_NAMESPACE, b->namespace[row]);
    r |= set(w, COLUMN_LOOSE, b->loose[row]);
    r |= set(w, COLUMN_TYPE, TYPE_LINK);
    w->n_rows++;
    return r;
}

static bool row_goes(const struct segment_block *b, uint32_t row, const struct segment_pruning *pruning)
{
    return segment_block_is_event(b, row) &&
           pruning->drops(pruning->context, (uint32_t)b->subject[row], (uint16_t)get(b, COLUMN_SOURCE, row));
}

/* The rows [row, end) of one subject. Its first row of the segment carries the chain, whichever that is. */
static int rewrite_run(struct segment_writer *w, const struct segment_block *b, uint32_t row, uint32_t end,
                       const struct segment_pruning *pruning, uint64_t *n_events)
{
    const int64_t previous = b->previous[row];
    const uint32_t first = row;
    uint32_t n_kept = 0;
    for (; row < end; row++) {
        if (row_goes(b, row, pruning))
            ++*n_events;
        else if (segment_block_is_event(b, row) && copy_row(w, b, row, n_kept++ == 0 ? previous : 0) < 0)
            return -ENOMEM;
    }
    if (n_kept || previous == 0)
        return 0;
    int forgets = pruning->forgets(pruning->context, (uint32_t)b->subject[first]);
    return forgets < 0 ? forgets : forgets == 0 && add_link(w, b, first, previous) < 0 ? -ENOMEM : 0;
}

int segment_block_rewrite(struct segment_writer *w, struct txn *t, const struct segment_block *b,
                          const struct segment_pruning *pruning, uint64_t *ret_n_events)
{
    bool changes = false;
    for (uint32_t row = 0; row < b->n_rows && !changes; row++)
        changes = row_goes(b, row, pruning);
    if (!changes)
        return 0;
    segment_begin(w, t, b->segment);
    w->place = b->place;
    int r = 0;
    for (uint32_t row = 0, end; row < b->n_rows && r == 0; row = end) {
        for (end = row + 1; end < b->n_rows && b->subject[end] == b->subject[row];)
            end++;
        r = rewrite_run(w, b, row, end, pruning, ret_n_events);
    }
    if (r == 0 && w->n_rows == 0) {
        uint8_t key[6];
        segment_key(key, b->segment, b->place);
        txn_delete(t, DB_SEGMENTS, key, sizeof(key));
        r = t->rc ? -EIO : 2;
    } else if (r == 0) {
        r = write_block(w);
        r = r < 0 ? r : 1;
    }
    w->txn = NULL;
    return r;
}

void segment_cache_fini(struct segment_cache *c)
{
    for (unsigned i = 0; i < sizeof(c->blocks) / sizeof(*c->blocks); i++)
        segment_block_fini(&c->blocks[i]);
}

static int cache_get(struct segment_cache *c, uint32_t segment, uint16_t place, const MDB_val *value,
                     const struct segment_block **ret)
{
    unsigned n = sizeof(c->blocks) / sizeof(*c->blocks);
    for (unsigned i = 0; i < n; i++)
        if (c->blocks[i].n_rows && c->blocks[i].segment == segment && c->blocks[i].place == place) {
            *ret = &c->blocks[i];
            return 0;
        }
    struct segment_block *b = &c->blocks[c->next];
    c->next = (c->next + 1) % n;
    segment_block_fini(b);
    int r = segment_block_decode(b, segment, place, value);
    *ret = b;
    return r;
}

/* The first row of a subject at or behind it. */
static uint32_t row_of(const struct segment_block *b, int64_t number)
{
    uint32_t low = 0, high = b->n_rows;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (b->subject[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Appends the subject's rows in one segment; *ret_previous is the segment before, 0 none. */
static int load_one(struct segment_cache *c, struct txn *t, struct hot *h, struct subject *s,
                    uint32_t segment, uint32_t *ret_previous)
{
    uint8_t key[6], room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
    segment_key(key, segment, 0);
    struct walk walk;
    int r = walk_open(&walk, t, DB_SEGMENTS, key, sizeof(key));
    bool found = false;
    while (r == 0 && walk_next(&walk) && walk.key.mv_size == 6 && get_u32(walk.key.mv_data) == segment) {
        uint32_t first, last;
        r = segment_block_extent(&walk.value, &first, &last);
        if (r < 0)
            break;
        if (last < s->number)
            continue;
        if (first > s->number)
            break;
        const struct segment_block *b;
        r = cache_get(c, segment, get_u16((uint8_t *)walk.key.mv_data + 4), &walk.value, &b);
        if (r < 0)
            break;
        uint32_t row = row_of(b, s->number);
        if (row < b->n_rows && b->subject[row] == s->number && !found) {
            found = true;
            *ret_previous = b->previous[row] > 0 ? (uint32_t)(b->previous[row] - 1) : 0;
            s->namespace = (uint16_t)b->namespace[row];
            s->is_loose = b->loose[row] != 0;
        }
        for (; row < b->n_rows && b->subject[row] == s->number && r == 0; row++) {
            if (!segment_block_is_event(b, row))
                continue;
            segment_block_event(b, row, (struct event *)room);
            r = subject_append(h, s, (const struct event *)room);
        }
        if (row < b->n_rows)
            break;
    }
    walk_close(&walk, t);
    if (r == 0 && !found)
        r = t->rc ? -EIO : -ENOENT;
    return r;
}

int segment_load(struct segment_cache *c, struct txn *t, struct hot *h, struct subject *s, uint32_t last)
{
    int r = 0;
    for (uint32_t segment = last, previous = 0; segment && r == 0; segment = previous) {
        previous = 0;
        r = load_one(c, t, h, s, segment, &previous);
        if (r == 0 && previous >= segment)
            r = -EBADMSG; /* the chain only goes back */
    }
    s->last_segment = last;
    s->n_sealed = s->n_events;
    return r;
}
