#include "core/store/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const int64_t NULL_VALUE = INT64_MIN, FOREVER_VALUE = INT64_MAX;

/* On disk: head, n_columns entries, the columns' bytes, XXH3 of all before it. Little-endian, as the machine.
 */
struct block_head {
    uint32_t n_rows;
    uint16_t n_columns;
    uint16_t form; /* of this layout */
};

enum { BLOCK_FORM = 1, ENTRY_ALL_SPECIAL = 1, ENTRY_HAS_FOREVER = 2, CHECKSUM_BYTES = 8 };

struct block_entry {
    uint8_t column;
    uint8_t against;
    uint8_t flags;
    uint8_t unused;
    uint32_t size;
    uint32_t offset; /* from the first column's first byte */
    uint32_t unused2;
    int64_t min, max;
};

int block_writer_init(struct block_writer *w, struct buffer *out)
{
    *w = (struct block_writer){.out = out};
    buffer_init(&w->data, 64 << 20);
    w->entries = calloc(BLOCK_COLUMNS_MAX, sizeof(*w->entries));
    w->scratch = malloc(BLOCK_ROWS_MAX * sizeof(*w->scratch));
    if (!w->entries || !w->scratch) {
        block_writer_fini(w);
        return -ENOMEM;
    }
    return 0;
}

void block_writer_fini(struct block_writer *w)
{
    if (!w)
        return;
    buffer_fini(&w->data);
    free(w->entries);
    free(w->scratch);
    w->entries = NULL;
    w->scratch = NULL;
}

int block_begin(struct block_writer *w, uint32_t n_rows)
{
    if (n_rows == 0 || n_rows > BLOCK_ROWS_MAX)
        return -EINVAL;
    buffer_clear(&w->data);
    w->n_rows = n_rows;
    w->n_columns = 0;
    return 0;
}

static bool is_special(int64_t v)
{
    return v == NULL_VALUE || v == FOREVER_VALUE;
}

void block_add(struct block_writer *w, uint8_t column, const int64_t *values, unsigned effort,
               uint8_t against_column, const int64_t *against)
{
    uint32_t n = w->n_rows;
    int64_t zero = 0, min = INT64_MAX, max = INT64_MIN;
    uint8_t flags = 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t v = values[i];
        zero |= v;
        if (v == FOREVER_VALUE) {
            flags |= ENTRY_HAS_FOREVER;
        } else if (v != NULL_VALUE) {
            min = v < min ? v : min;
            max = v > max ? v : max;
        }
    }
    if (zero == 0)
        return;
    if (w->n_columns == BLOCK_COLUMNS_MAX) {
        w->data.failed = true;
        return;
    }
    if (min > max) {
        flags |= ENTRY_ALL_SPECIAL;
        min = max = 0;
    }
    if (against) {
        for (uint32_t i = 0; i < n; i++)
            w->scratch[i] =
                is_special(values[i]) || is_special(against[i]) ? values[i] : values[i] - against[i];
        values = w->scratch;
    }
    size_t start = w->data.size;
    column_encode(&w->data, values, n, effort);
    w->entries[w->n_columns++] = (struct block_entry){
        .column = column,
        .against = against ? against_column : BLOCK_NO_COLUMN,
        .flags = flags,
        .size = (uint32_t)(w->data.size - start),
        .offset = (uint32_t)start,
        .min = min,
        .max = max,
    };
}

int block_finish(struct block_writer *w)
{
    struct block_head head = {.n_rows = w->n_rows, .n_columns = (uint16_t)w->n_columns, .form = BLOCK_FORM};
    buffer_clear(w->out);
    buffer_append(w->out, &head, sizeof(head));
    buffer_append(w->out, w->entries, w->n_columns * sizeof(*w->entries));
    buffer_append(w->out, w->data.data, w->data.size);
    if (!buffer_failed(w->out)) {
        uint64_t sum = XXH3_64bits(w->out->data, w->out->size);
        buffer_append(w->out, &sum, sizeof(sum));
    }
    return buffer_failed(w->out) || buffer_failed(&w->data) ? -ENOMEM : 0;
}

static void entry_at(const struct block *b, unsigned i, struct block_entry *ret)
{
    memcpy(ret, b->data + sizeof(struct block_head) + i * sizeof(*ret), sizeof(*ret));
}

static bool entry_find(const struct block *b, uint8_t column, struct block_entry *ret)
{
    for (unsigned i = 0; i < b->n_columns; i++) {
        entry_at(b, i, ret);
        if (ret->column == column)
            return true;
    }
    return false;
}

int block_open(struct block *b, const void *data, size_t size, bool check)
{
    struct block_head head;
    if (size < sizeof(head) + CHECKSUM_BYTES)
        return -EBADMSG;
    memcpy(&head, data, sizeof(head));
    size_t columns = sizeof(head) + head.n_columns * sizeof(struct block_entry);
    if (head.form != BLOCK_FORM || head.n_rows == 0 || head.n_rows > BLOCK_ROWS_MAX ||
        head.n_columns > BLOCK_COLUMNS_MAX || columns + CHECKSUM_BYTES > size)
        return -EBADMSG;
    *b = (struct block){.data = data, .size = size, .n_rows = head.n_rows, .n_columns = head.n_columns};
    size_t room = size - columns - CHECKSUM_BYTES;
    for (unsigned i = 0; i < b->n_columns; i++) {
        struct block_entry e;
        entry_at(b, i, &e);
        if (e.offset > room || e.size > room - e.offset)
            return -EBADMSG;
    }
    if (check) {
        uint64_t sum;
        memcpy(&sum, b->data + size - CHECKSUM_BYTES, sizeof(sum));
        if (sum != XXH3_64bits(data, size - CHECKSUM_BYTES))
            return -EBADMSG;
    }
    return 0;
}

static int read_entry(const struct block *b, const struct block_entry *e, int64_t *ret)
{
    const uint8_t *columns = b->data + sizeof(struct block_head) + b->n_columns * sizeof(struct block_entry);
    return column_decode(columns + e->offset, e->size, b->n_rows, ret);
}

/* A difference and what it stands against; instants that are none stay what they are. */
static void add_column(int64_t *difference, const int64_t *against, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!is_special(difference[i]) && !is_special(against[i]))
            difference[i] += against[i];
}

int block_read(const struct block *b, uint8_t column, int64_t *ret)
{
    return block_read_beside(b, column, NULL, 0, ret);
}

int block_read_beside(const struct block *b, uint8_t column, const int64_t *const *known, unsigned n_known,
                      int64_t *ret)
{
    struct block_entry e;
    if (!entry_find(b, column, &e)) {
        memset(ret, 0, b->n_rows * sizeof(*ret));
        return 0;
    }
    int r = read_entry(b, &e, ret);
    if (r < 0 || e.against == BLOCK_NO_COLUMN)
        return r;
    /* Chains of differences are short (a column against a column against created_at), and a column was added
     * after the one it stands against, so this ends. */
    int64_t *owned[4] = {0};
    const int64_t *whole = NULL; /* a column of the chain that needs no further one */
    unsigned depth = 0;
    uint8_t next = e.against;
    while (next != BLOCK_NO_COLUMN && r == 0 && !whole) {
        if (next < n_known && known[next]) {
            whole = known[next];
            break;
        }
        if (depth == 3 || !entry_find(b, next, &e)) {
            r = depth == 3 ? -EBADMSG : 0;
            break;
        }
        owned[depth] = malloc(b->n_rows * sizeof(int64_t));
        if (!owned[depth]) {
            r = -ENOMEM;
            break;
        }
        r = read_entry(b, &e, owned[depth++]);
        next = e.against;
    }
    if (r == 0 && whole)
        add_column(depth ? owned[depth - 1] : ret, whole, b->n_rows);
    for (unsigned d = depth; r == 0 && d-- > 0;)
        add_column(d ? owned[d - 1] : ret, owned[d], b->n_rows);
    for (unsigned d = 0; d < depth; d++)
        free(owned[d]);
    return r;
}

bool block_has(const struct block *b, uint8_t column)
{
    struct block_entry e;
    return entry_find(b, column, &e);
}

bool block_range(const struct block *b, uint8_t column, int64_t *ret_min, int64_t *ret_max, bool *ret_open)
{
    struct block_entry e;
    *ret_open = false;
    if (!entry_find(b, column, &e)) {
        *ret_min = *ret_max = 0;
        return true;
    }
    *ret_open = e.flags & ENTRY_HAS_FOREVER;
    *ret_min = e.min;
    *ret_max = e.max;
    return !(e.flags & ENTRY_ALL_SPECIAL);
}
