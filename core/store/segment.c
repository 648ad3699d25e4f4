#include "core/store/segment.h"

#include <stdlib.h>
#include <string.h>

/* Columns. An event's field has the number of enum event_field and values only of the events that carry it,
 * as do ids and refs; which those are says the shape of each row. */
enum {
    COLUMN_SUBJECT = 64, /* of each piece, as what follows */
    COLUMN_ROWS,
    COLUMN_PREVIOUS,
    COLUMN_NAMESPACE,
    COLUMN_LOOSE,
    COLUMN_AT_FIRST, /* of its first row */
    COLUMN_AT_NEXT,  /* of each other row: since the one before */
    COLUMN_SHAPE,    /* of each row: its place among the shapes, from 1, as what follows */
    COLUMN_SEQ,
    COLUMN_SOURCE,
    COLUMN_ID,
    COLUMN_REF,
    COLUMN_SHAPES, /* two values a shape: its fields as bits; its type and whether it has an id and a ref */
    COLUMN_END
};
_Static_assert((int)FIELD_N <= (int)COLUMN_SUBJECT, "fields and fixed columns share the numbers of a block");
enum { SEGMENT_KEY_BYTES = 6 };
enum { MARK_ROWS = 256 };
enum { SHAPES_MAX = 256, SHAPE_SLOTS = 1024, SHAPE_HAS_ID = 0x100, SHAPE_HAS_REF = 0x200 };

/* The columns that only some rows have, in a reader's `next`: the fields, and behind them these. */
enum { SOME_ID = 64, SOME_REF };

struct shape {
    uint64_t fields; /* bits of enum event_field */
    uint32_t head;   /* enum event_type | SHAPE_HAS_… */
};

static struct shape shape_of(const struct event *e)
{
    struct shape s = {.head = e->type};
    for (unsigned i = 0; i < e->n_fields; i++)
        s.fields |= UINT64_C(1) << event_field_of(e->fields[i]);
    s.head |= (e->id ? SHAPE_HAS_ID : 0) | (e->ref ? SHAPE_HAS_REF : 0);
    return s;
}

/* --- writing
 * ------------------------------------------------------------------------------------------------------ */

struct segment_writer {
    struct txn *txn;
    struct buffer out, kept; /* the block under way; those that no transaction has yet */
    struct block_writer block;
    int64_t *columns[COLUMN_END]; /* SEGMENT_BLOCK_ROWS each, made when first used */
    uint32_t n[COLUMN_END];       /* values in the block under way */
    struct shape shapes[SHAPES_MAX];
    unsigned n_shapes;
    uint16_t slots[SHAPE_SLOTS]; /* of shapes, by hash: place + 1 */
    uint32_t number, n_rows, n_pieces, last_subject;
    int64_t last_at;
    uint16_t place;
};

int segment_writer_new(struct segment_writer **ret)
{
    struct segment_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    buffer_init(&w->out, 64 << 20);
    buffer_init(&w->kept, 512 << 20);
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
    buffer_fini(&w->kept);
    free(w);
}

static void block_clear(struct segment_writer *w)
{
    w->n_rows = w->n_pieces = 0;
    w->n_shapes = 0;
    w->last_subject = UINT32_MAX;
    memset(w->n, 0, sizeof(w->n));
    memset(w->slots, 0, sizeof(w->slots));
}

void segment_begin(struct segment_writer *w, struct txn *t, uint32_t number, uint16_t place)
{
    w->txn = t;
    w->number = number;
    w->place = place;
    buffer_clear(&w->kept);
    block_clear(w);
}

static void segment_key(uint8_t key[SEGMENT_KEY_BYTES], uint32_t segment, uint16_t place)
{
    put_u32(key, segment);
    put_u16(key + 4, place);
}

static unsigned effort_of(unsigned column)
{
    switch (column) {
    case COLUMN_SUBJECT:
    case COLUMN_AT_FIRST:
        return COLUMN_PLANES | COLUMN_DELTA;
    case COLUMN_AT_NEXT:
    case COLUMN_SHAPE:
    case COLUMN_ROWS:
    case COLUMN_SEQ:
    case COLUMN_SOURCE:
    case COLUMN_PREVIOUS:
    case COLUMN_NAMESPACE:
        return COLUMN_PLANES;
    default:
        return COLUMN_PACK; /* hashes do not compress, and codes of few rows hardly */
    }
}

static int append(struct segment_writer *w, unsigned column, int64_t value)
{
    if (!w->columns[column]) {
        /* not all at one distance, where they would meet in the same lines of the processor's cache */
        w->columns[column] = malloc((SEGMENT_BLOCK_ROWS + 8 * (size_t)column) * sizeof(int64_t));
        if (!w->columns[column])
            return -ENOMEM;
    }
    w->columns[column][w->n[column]++] = value;
    return 0;
}

static int write_block(struct segment_writer *w)
{
    if (w->n_pieces == 0)
        return 0;
    if (w->place == UINT16_MAX)
        return -EOVERFLOW;
    int r = block_begin(&w->block, w->n_pieces);
    for (unsigned i = 0; i < w->n_shapes && r == 0; i++)
        if (append(w, COLUMN_SHAPES, (int64_t)w->shapes[i].fields) < 0 ||
            append(w, COLUMN_SHAPES, w->shapes[i].head) < 0)
            r = -ENOMEM;
    for (unsigned i = 0; i < COLUMN_END && r == 0; i++)
        if (w->n[i])
            block_add(&w->block, (uint8_t)i, w->columns[i], w->n[i], effort_of(i), NULL);
    buffer_clear(&w->out);
    if (r == 0)
        r = block_finish(&w->block);
    if (r < 0)
        return r;
    uint8_t key[SEGMENT_KEY_BYTES];
    segment_key(key, w->number, w->place++);
    block_clear(w);
    if (w->txn) {
        txn_put(w->txn, DB_SEGMENTS, key, sizeof(key), w->out.data, w->out.size);
        return w->txn->rc ? -EIO : 0;
    }
    txn_keep(&w->kept, key, sizeof(key), &w->out);
    return buffer_failed(&w->kept) ? -ENOMEM : 0;
}

/* The place of a shape among those of the block, from 1; 0: it has no more room. */
static unsigned shape_place(struct segment_writer *w, const struct shape *s)
{
    uint64_t h = (s->fields ^ (uint64_t)s->head << 40) * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned i = (unsigned)(h >> 54);; i = (i + 1) % SHAPE_SLOTS) {
        unsigned place = w->slots[i];
        if (place && w->shapes[place - 1].fields == s->fields && w->shapes[place - 1].head == s->head)
            return place;
        if (place)
            continue;
        if (w->n_shapes == SHAPES_MAX)
            return 0;
        w->shapes[w->n_shapes++] = *s;
        w->slots[i] = (uint16_t)w->n_shapes;
        return w->n_shapes;
    }
}

static int add_piece(struct segment_writer *w, const struct segment_piece *piece)
{
    int r = append(w, COLUMN_SUBJECT, piece->subject);
    r |= append(w, COLUMN_ROWS, 0);
    r |= append(w, COLUMN_PREVIOUS, piece->previous);
    r |= append(w, COLUMN_NAMESPACE, piece->namespace);
    r |= append(w, COLUMN_LOOSE, piece->is_loose);
    w->n_pieces++;
    w->last_subject = piece->subject;
    return r ? -ENOMEM : 0;
}

/* An event of the piece's subject, whose previous counts where it is the subject's first in the segment. */
static int add_event(struct segment_writer *w, const struct segment_piece *piece, const struct event *e)
{
    const struct shape shape = shape_of(e);
    struct segment_piece here = *piece;
    bool begins = w->last_subject != piece->subject;
    unsigned place = shape_place(w, &shape);
    int r = 0;
    if (w->n_rows == SEGMENT_BLOCK_ROWS || (begins && w->n_pieces == SEGMENT_BLOCK_ROWS) || place == 0) {
        if (!begins)
            here.previous = 0; /* this piece goes on with one of the block before */
        r = write_block(w);
        if (r < 0)
            return r;
        begins = true;
        place = shape_place(w, &shape);
    }
    if (begins)
        r = add_piece(w, &here);
    if (r < 0)
        return r;
    r |= begins ? append(w, COLUMN_AT_FIRST, e->at) : append(w, COLUMN_AT_NEXT, e->at - w->last_at);
    w->last_at = e->at;
    w->columns[COLUMN_ROWS][w->n_pieces - 1]++;
    r |= append(w, COLUMN_SHAPE, place);
    r |= append(w, COLUMN_SEQ, e->seq);
    r |= append(w, COLUMN_SOURCE, e->source);
    if (e->id)
        r |= append(w, COLUMN_ID, (int64_t)e->id);
    if (e->ref)
        r |= append(w, COLUMN_REF, (int64_t)e->ref);
    for (unsigned i = 0; i < e->n_fields; i++)
        r |= append(w, event_field_of(e->fields[i]), event_number_of(e->fields[i]));
    w->n_rows++;
    return r ? -ENOMEM : 0;
}

int segment_add(struct segment_writer *w, const struct subject *s, const struct event *e, uint32_t previous)
{
    const struct segment_piece piece = {
        .subject = s->number, .previous = previous + 1, .namespace = s->namespace, .is_loose = s->is_loose};
    return add_event(w, &piece, e);
}

int segment_finish(struct segment_writer *w)
{
    int r = write_block(w);
    w->txn = NULL;
    return r;
}

int segment_put(struct segment_writer *w, struct txn *t)
{
    txn_put_kept(t, DB_SEGMENTS, SEGMENT_KEY_BYTES, &w->kept);
    return t->rc ? -EIO : 0;
}

/* --- reading
 * ------------------------------------------------------------------------------------------------------ */

struct segment_columns {
    int64_t *of[COLUMN_END]; /* decoded; NULL: not yet */
    uint32_t n[COLUMN_END];
    uint32_t *rows;   /* the first row of each piece, and the end */
    uint32_t *firsts; /* of the pieces before each, those with rows */
    uint16_t *marks;  /* at every MARK_ROWS-th row, how many rows of each shape are before it */
    unsigned n_shapes;
    struct shape shapes[SHAPES_MAX];
};

/* Decodes a column that has values of as many rows as it says. */
static int column_read(const struct segment_block *b, unsigned column, uint32_t n)
{
    struct segment_columns *c = b->columns;
    if (c->of[column])
        return 0;
    c->of[column] = malloc((n ? n : 1) * sizeof(int64_t));
    int r = c->of[column] ? block_read(&b->block, (uint8_t)column, b->coder, n, c->of[column]) : -ENOMEM;
    c->n[column] = n;
    return r;
}

static int read_shapes(struct segment_block *b)
{
    struct segment_columns *c = b->columns;
    uint32_t n = block_count(&b->block, COLUMN_SHAPES);
    if (n > 2 * SHAPES_MAX || n % 2)
        return -EBADMSG;
    int r = column_read(b, COLUMN_SHAPES, n);
    c->n_shapes = n / 2;
    for (unsigned i = 0; i < c->n_shapes && r == 0; i++) {
        const int64_t *shape = c->of[COLUMN_SHAPES] + 2 * (size_t)i;
        c->shapes[i] = (struct shape){(uint64_t)shape[0], (uint32_t)shape[1]};
        if ((uint8_t)shape[1] >= EVENT_N_TYPES || c->shapes[i].fields >> FIELD_N)
            r = -EBADMSG;
    }
    return r;
}

/* So that a reader that begins at some row need not count from the first. */
static int mark(struct segment_block *b)
{
    struct segment_columns *c = b->columns;
    uint16_t before[SHAPES_MAX] = {0};
    c->marks = malloc((b->n_rows / MARK_ROWS + 1) * (c->n_shapes ? c->n_shapes : 1) * sizeof(*c->marks));
    if (!c->marks)
        return -ENOMEM;
    for (uint32_t i = 0; i <= b->n_rows; i++) {
        if (i % MARK_ROWS == 0)
            memcpy(c->marks + (size_t)(i / MARK_ROWS) * c->n_shapes, before, c->n_shapes * sizeof(*before));
        if (i < b->n_rows)
            before[c->of[COLUMN_SHAPE][i] - 1]++;
    }
    return 0;
}

/* Where the rows of each piece begin. */
static int lay_out(struct segment_block *b)
{
    struct segment_columns *c = b->columns;
    c->rows = malloc((b->n_pieces + 1) * sizeof(*c->rows));
    c->firsts = malloc((b->n_pieces + 1) * sizeof(*c->firsts));
    if (!c->rows || !c->firsts)
        return -ENOMEM;
    uint32_t row = 0, n_first = 0;
    for (uint32_t i = 0; i < b->n_pieces; i++) {
        int64_t n = c->of[COLUMN_ROWS][i], number = c->of[COLUMN_SUBJECT][i];
        c->rows[i] = row;
        c->firsts[i] = n_first;
        if (n < 0 || n > b->n_rows - row || number < 0 || number > UINT32_MAX ||
            (i > 0 && number <= c->of[COLUMN_SUBJECT][i - 1]))
            return -EBADMSG;
        row += (uint32_t)n;
        n_first += n > 0;
    }
    c->rows[b->n_pieces] = row;
    c->firsts[b->n_pieces] = n_first;
    if (row != b->n_rows)
        return -EBADMSG;
    int r = column_read(b, COLUMN_AT_FIRST, n_first);
    return r < 0 ? r : column_read(b, COLUMN_AT_NEXT, b->n_rows - n_first);
}

int segment_block_decode(struct segment_block *b, struct column_coder *coder, uint32_t segment,
                         uint16_t place, const MDB_val *value)
{
    static const uint8_t OF_PIECES[] = {COLUMN_SUBJECT, COLUMN_ROWS, COLUMN_PREVIOUS, COLUMN_NAMESPACE,
                                        COLUMN_LOOSE};
    static const uint8_t OF_ROWS[] = {COLUMN_SHAPE, COLUMN_SEQ, COLUMN_SOURCE};
    *b = (struct segment_block){.segment = segment, .place = place, .coder = coder};
    b->bytes = malloc(value->mv_size ? value->mv_size : 1);
    b->columns = calloc(1, sizeof(*b->columns));
    int r = b->bytes && b->columns ? 0 : -ENOMEM;
    if (r == 0) {
        memcpy(b->bytes, value->mv_data, value->mv_size);
        r = block_open(&b->block, b->bytes, value->mv_size, true);
    }
    if (r == 0) {
        b->n_pieces = b->block.n_rows;
        b->n_rows = block_count(&b->block, COLUMN_SHAPE);
        r = b->n_pieces > SEGMENT_BLOCK_ROWS || b->n_rows > SEGMENT_BLOCK_ROWS ? -EBADMSG : read_shapes(b);
    }
    for (unsigned i = 0; i < sizeof(OF_PIECES) && r == 0; i++)
        r = column_read(b, OF_PIECES[i], b->n_pieces);
    for (unsigned i = 0; i < sizeof(OF_ROWS) && r == 0; i++)
        r = column_read(b, OF_ROWS[i], b->n_rows);
    for (uint32_t i = 0; i < b->n_rows && r == 0; i++)
        if (b->columns->of[COLUMN_SHAPE][i] < 1 || b->columns->of[COLUMN_SHAPE][i] > b->columns->n_shapes)
            r = -EBADMSG;
    if (r == 0)
        r = lay_out(b);
    if (r == 0)
        r = mark(b);
    if (r < 0)
        segment_block_fini(b);
    return r;
}

void segment_block_fini(struct segment_block *b)
{
    struct segment_columns *c = b->columns;
    if (c) {
        for (unsigned i = 0; i < COLUMN_END; i++)
            free(c->of[i]);
        free(c->rows);
        free(c->firsts);
        free(c->marks);
        free(c);
    }
    free(b->bytes);
    *b = (struct segment_block){0};
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

int segment_block_sources(const MDB_val *value, uint16_t *ret_least, uint16_t *ret_greatest)
{
    struct block block;
    int64_t least = 0, greatest = 0;
    bool open;
    int r = block_open(&block, value->mv_data, value->mv_size, false);
    if (r < 0)
        return r;
    if (!block_range(&block, COLUMN_SOURCE, &least, &greatest, &open) || least < 0 || greatest > UINT16_MAX)
        return -EBADMSG;
    *ret_least = (uint16_t)least;
    *ret_greatest = (uint16_t)greatest;
    return 0;
}

void segment_block_piece(const struct segment_block *b, uint32_t place, struct segment_piece *ret)
{
    const struct segment_columns *c = b->columns;
    *ret = (struct segment_piece){
        .subject = (uint32_t)c->of[COLUMN_SUBJECT][place],
        .previous = (uint32_t)c->of[COLUMN_PREVIOUS][place],
        .namespace = (uint16_t)c->of[COLUMN_NAMESPACE][place],
        .is_loose = c->of[COLUMN_LOOSE][place] != 0,
        .row = c->rows[place],
        .n_rows = c->rows[place + 1] - c->rows[place],
    };
}

uint32_t segment_block_find(const struct segment_block *b, uint32_t subject)
{
    const int64_t *subjects = b->columns->of[COLUMN_SUBJECT];
    uint32_t low = 0, high = b->n_pieces;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (subjects[middle] < subject)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void segment_reader_init(struct segment_reader *r, const struct segment_block *b, uint32_t piece)
{
    const struct segment_columns *c = b->columns;
    uint16_t before[SHAPES_MAX];
    *r = (struct segment_reader){.block = b, .row = c->rows[piece], .piece = piece};
    r->next_piece_row = r->row; /* so that the first event begins a piece */
    memcpy(before, c->marks + (size_t)(r->row / MARK_ROWS) * c->n_shapes, c->n_shapes * sizeof(*before));
    for (uint32_t i = r->row / MARK_ROWS * MARK_ROWS; i < r->row; i++)
        before[c->of[COLUMN_SHAPE][i] - 1]++;
    for (unsigned i = 0; i < c->n_shapes; i++) {
        for (uint64_t fields = c->shapes[i].fields; fields; fields &= fields - 1)
            r->next[__builtin_ctzll(fields)] += before[i];
        r->next[SOME_ID] += c->shapes[i].head & SHAPE_HAS_ID ? before[i] : 0;
        r->next[SOME_REF] += c->shapes[i].head & SHAPE_HAS_REF ? before[i] : 0;
    }
}

/* The next value of a column that only some rows have. */
static int take(struct segment_reader *r, unsigned column, unsigned some, int64_t *ret)
{
    const struct segment_block *b = r->block;
    if (!b->columns->of[column]) {
        uint32_t n = block_count(&b->block, (uint8_t)column);
        int e = column_read(b, column, n ? n : b->n_rows); /* all zeros: as many as anybody asks for */
        if (e < 0)
            return e;
    }
    if (r->next[some] >= b->columns->n[column])
        return -EBADMSG;
    *ret = b->columns->of[column][r->next[some]++];
    return 0;
}

int segment_reader_next(struct segment_reader *r, struct event *room)
{
    const struct segment_block *b = r->block;
    const struct segment_columns *c = b->columns;
    if (r->row >= b->n_rows)
        return -EBADMSG;
    if (r->row == r->next_piece_row) {
        while (c->rows[r->piece + 1] == r->row)
            r->piece++; /* those without rows */
        r->at = c->of[COLUMN_AT_FIRST][c->firsts[r->piece]];
        r->next_piece_row = c->rows[++r->piece];
    } else {
        r->at += c->of[COLUMN_AT_NEXT][r->row - c->firsts[r->piece]];
    }
    const struct shape *s = &c->shapes[c->of[COLUMN_SHAPE][r->row] - 1];
    int64_t id = 0, ref = 0, value;
    int e = s->head & SHAPE_HAS_ID ? take(r, COLUMN_ID, SOME_ID, &id) : 0;
    if (e == 0 && s->head & SHAPE_HAS_REF)
        e = take(r, COLUMN_REF, SOME_REF, &ref);
    *room = (struct event){
        .at = r->at,
        .id = (uint64_t)id,
        .ref = (uint64_t)ref,
        .seq = (uint32_t)c->of[COLUMN_SEQ][r->row],
        .source = (uint16_t)c->of[COLUMN_SOURCE][r->row],
        .type = (uint8_t)s->head,
    };
    for (uint64_t fields = s->fields; fields && e == 0; fields &= fields - 1) {
        unsigned field = (unsigned)__builtin_ctzll(fields);
        e = take(r, field, field, &value);
        if (e == 0)
            room->fields[room->n_fields++] = event_field_pack(field, value);
    }
    r->row++;
    return e;
}

/* --- pruning
 * ------------------------------------------------------------------------------------------------------ */

/* The rows of one piece. Where none stays and the chain leads on, an empty piece does. */
static int rewrite_piece(struct segment_writer *w, struct segment_reader *reader,
                         const struct segment_piece *piece, const struct segment_pruning *pruning,
                         uint64_t *n_events)
{
    uint8_t room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
    struct event *e = (struct event *)room;
    uint32_t n_kept = 0;
    for (uint32_t i = 0; i < piece->n_rows; i++) {
        int r = segment_reader_next(reader, e);
        if (r < 0)
            return r;
        if (pruning->drops(pruning->context, piece->subject, e->source))
            ++*n_events;
        else if ((r = add_event(w, piece, e)) < 0)
            return r;
        else
            n_kept++;
    }
    if (n_kept || piece->previous == 0)
        return 0;
    int forgets = pruning->forgets(pruning->context, piece->subject);
    return forgets < 0 ? forgets : forgets == 0 ? add_piece(w, piece) : 0;
}

static int any_goes(const struct segment_block *b, const struct segment_pruning *pruning)
{
    const int64_t *sources = b->columns->of[COLUMN_SOURCE];
    for (uint32_t i = 0; i < b->n_pieces; i++) {
        struct segment_piece piece;
        segment_block_piece(b, i, &piece);
        for (uint32_t k = 0; k < piece.n_rows; k++)
            if (pruning->drops(pruning->context, piece.subject, (uint16_t)sources[piece.row + k]))
                return 1;
    }
    return 0;
}

int segment_block_rewrite(struct segment_writer *w, struct txn *t, const struct segment_block *b,
                          const struct segment_pruning *pruning, uint64_t *ret_n_events)
{
    if (!any_goes(b, pruning))
        return 0;
    struct segment_reader reader;
    segment_begin(w, t, b->segment, b->place);
    segment_reader_init(&reader, b, 0);
    int r = 0;
    for (uint32_t i = 0; i < b->n_pieces && r == 0; i++) {
        struct segment_piece piece;
        segment_block_piece(b, i, &piece);
        r = rewrite_piece(w, &reader, &piece, pruning, ret_n_events);
    }
    if (r == 0 && w->n_pieces == 0) {
        uint8_t key[SEGMENT_KEY_BYTES];
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

/* --- one subject
 * -------------------------------------------------------------------------------------------------- */

void segment_cache_fini(struct segment_cache *c)
{
    for (unsigned i = 0; i < sizeof(c->blocks) / sizeof(*c->blocks); i++)
        segment_block_fini(&c->blocks[i]);
    column_coder_fini(&c->coder);
}

static int cache_get(struct segment_cache *c, uint32_t segment, uint16_t place, const MDB_val *value,
                     const struct segment_block **ret)
{
    unsigned n = sizeof(c->blocks) / sizeof(*c->blocks);
    for (unsigned i = 0; i < n; i++)
        if (c->blocks[i].bytes && c->blocks[i].segment == segment && c->blocks[i].place == place) {
            *ret = &c->blocks[i];
            return 0;
        }
    struct segment_block *b = &c->blocks[c->next];
    c->next = (c->next + 1) % n;
    segment_block_fini(b);
    int r = segment_block_decode(b, &c->coder, segment, place, value);
    *ret = b;
    return r;
}

/* Appends the events of the subject's piece in one block, if it has one there. */
static int load_piece(const struct segment_block *b, struct hot *h, struct subject *s, bool *found,
                      uint32_t *ret_previous)
{
    uint8_t room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
    struct segment_piece piece;
    struct segment_reader reader;
    uint32_t place = segment_block_find(b, s->number);
    if (place == b->n_pieces)
        return 0;
    segment_block_piece(b, place, &piece);
    if (piece.subject != s->number)
        return 0;
    if (!*found) {
        *found = true;
        *ret_previous = piece.previous > 0 ? piece.previous - 1 : 0;
        s->namespace = piece.namespace;
        s->is_loose = piece.is_loose;
    }
    int r = 0;
    segment_reader_init(&reader, b, place);
    for (uint32_t i = 0; i < piece.n_rows && r == 0; i++) {
        r = segment_reader_next(&reader, (struct event *)room);
        if (r == 0)
            r = subject_append(h, s, (const struct event *)room);
    }
    return r;
}

/* Appends the subject's rows in one segment; *ret_previous is the segment before, 0 none. */
static int load_one(struct segment_cache *c, struct txn *t, struct hot *h, struct subject *s,
                    uint32_t segment, uint32_t *ret_previous)
{
    uint8_t key[SEGMENT_KEY_BYTES];
    segment_key(key, segment, 0);
    struct walk walk;
    int r = walk_open(&walk, t, DB_SEGMENTS, key, sizeof(key));
    bool found = false;
    while (r == 0 && walk_next(&walk) && walk.key.mv_size == 6 && get_u32(walk.key.mv_data) == segment) {
        uint32_t first, last;
        r = segment_block_extent(&walk.value, &first, &last);
        if (r < 0 || first > s->number)
            break;
        if (last < s->number)
            continue;
        const struct segment_block *b;
        r = cache_get(c, segment, get_u16((uint8_t *)walk.key.mv_data + 4), &walk.value, &b);
        if (r == 0)
            r = load_piece(b, h, s, &found, ret_previous);
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
