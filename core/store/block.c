#include "core/store/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const int64_t NULL_VALUE = INT64_MIN, FOREVER_VALUE = INT64_MAX;

/* On disk: head, n_columns entries by column, the columns' bytes, XXH3 of all before it. Little-endian, as
 * the machine. */
struct block_head {
    uint32_t n_rows;
    uint16_t n_columns;
    uint16_t form; /* of this layout */
};

enum { BLOCK_FORM = 2, CHECKSUM_BYTES = 8 };
enum { ENTRY_ALL_SPECIAL = 1, ENTRY_HAS_FOREVER = 2, ENTRY_HAS_NULL = 4, ENTRY_IS_DIFFERENCE = 8 };

struct block_entry {
    uint8_t column;
    uint8_t flags;
    uint16_t unused;
    uint32_t n; /* values */
    uint32_t size;
    uint32_t offset; /* from the first column's first byte */
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
    column_coder_fini(&w->coder);
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

void block_add(struct block_writer *w, uint8_t column, const int64_t *values, uint32_t n, unsigned effort,
               const int64_t *against)
{
    struct summary s;
    uint8_t flags = 0;
    if (n == 0)
        return;
    summary_of(values, n, values[n / 2], &s);
    if (s.n_zero == n && !against)
        return;
    if (w->n_columns == BLOCK_COLUMNS_MAX || n > BLOCK_ROWS_MAX) {
        w->data.failed = true;
        return;
    }
    flags |= (s.n_null ? ENTRY_HAS_NULL : 0) | (s.n_forever ? ENTRY_HAS_FOREVER : 0);
    if (s.min > s.max)
        flags |= ENTRY_ALL_SPECIAL;
    if (against) {
        bool is_clear = true; /* no difference looks like a special value */
        for (uint32_t i = 0; i < n; i++) {
            int64_t difference = (int64_t)((uint64_t)values[i] - (uint64_t)against[i]);
            w->scratch[i] = is_special(values[i]) ? values[i] : difference;
            is_clear &= is_special(values[i]) || !is_special(difference);
        }
        if (is_clear) {
            flags |= ENTRY_IS_DIFFERENCE;
            values = w->scratch;
        }
    }
    size_t start = w->data.size;
    column_encode(&w->coder, &w->data, values, n, effort, flags & ENTRY_IS_DIFFERENCE ? NULL : &s);
    w->entries[w->n_columns++] = (struct block_entry){
        .column = column,
        .flags = flags,
        .n = n,
        .size = (uint32_t)(w->data.size - start),
        .offset = (uint32_t)start,
        .min = s.min > s.max ? 0 : s.min,
        .max = s.min > s.max ? 0 : s.max,
    };
}

int block_finish(struct block_writer *w)
{
    struct block_head head = {.n_rows = w->n_rows, .n_columns = (uint16_t)w->n_columns, .form = BLOCK_FORM};
    size_t start = w->out->size;
    buffer_append(w->out, &head, sizeof(head));
    buffer_append(w->out, w->entries, w->n_columns * sizeof(*w->entries));
    buffer_append(w->out, w->data.data, w->data.size);
    if (!buffer_failed(w->out)) {
        uint64_t sum = XXH3_64bits(w->out->data + start, w->out->size - start);
        buffer_append(w->out, &sum, sizeof(sum));
    }
    return buffer_failed(w->out) || buffer_failed(&w->data) ? -ENOMEM : 0;
}

/* An entry; one that points out of the block is one of no values, which no reader takes for whole. */
static void entry_at(const struct block *b, unsigned i, struct block_entry *ret)
{
    const size_t room =
        b->size - sizeof(struct block_head) - b->n_columns * sizeof(struct block_entry) - CHECKSUM_BYTES;
    memcpy(ret, b->data + sizeof(struct block_head) + i * sizeof(*ret), sizeof(*ret));
    if (ret->offset > room || ret->size > room - ret->offset || ret->n > BLOCK_ROWS_MAX)
        ret->offset = ret->size = ret->n = 0;
}

static bool entry_find(const struct block *b, uint8_t column, struct block_entry *ret)
{
    const uint8_t *entries = b->data + sizeof(struct block_head);
    for (unsigned i = 0; i < b->n_columns; i++)
        if (entries[i * sizeof(*ret)] == column) { /* its first byte */
            entry_at(b, i, ret);
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
    if (check) {
        uint64_t sum;
        for (unsigned i = 0; i < b->n_columns; i++) {
            struct block_entry e;
            entry_at(b, i, &e);
            if (e.n == 0)
                return -EBADMSG;
        }
        memcpy(&sum, b->data + size - CHECKSUM_BYTES, sizeof(sum));
        if (sum != XXH3_64bits(data, size - CHECKSUM_BYTES))
            return -EBADMSG;
    }
    return 0;
}

bool block_find(const struct block *b, uint8_t column, struct block_column *ret)
{
    struct block_entry e;
    if (!entry_find(b, column, &e))
        return false;
    bool all_special = e.flags & ENTRY_ALL_SPECIAL;
    *ret = (struct block_column){
        .data = b->data + sizeof(struct block_head) + b->n_columns * sizeof(struct block_entry) + e.offset,
        .size = e.size,
        .n = e.n,
        .min = all_special ? INT64_MAX : e.min,
        .max = all_special ? INT64_MIN : e.max,
        .has_null = e.flags & ENTRY_HAS_NULL,
        .has_forever = e.flags & ENTRY_HAS_FOREVER,
        .is_difference = e.flags & ENTRY_IS_DIFFERENCE,
    };
    return true;
}

int block_read(const struct block *b, uint8_t column, struct column_coder *coder, uint32_t n, int64_t *ret)
{
    struct block_column c;
    if (!block_find(b, column, &c)) {
        memset(ret, 0, n * sizeof(*ret));
        return 0;
    }
    return c.n != n ? -EBADMSG : column_decode(coder, c.data, c.size, n, ret);
}

int block_read_u16(const struct block *b, uint8_t column, uint32_t n, uint16_t *ret)
{
    struct block_column c;
    if (!block_find(b, column, &c)) {
        memset(ret, 0, n * sizeof(*ret));
        return 0;
    }
    return c.n != n ? -EBADMSG : column_decode_u16(c.data, c.size, n, ret);
}

int block_add_u16(const struct block *b, uint8_t column, uint32_t n, uint16_t *ret)
{
    struct block_column c;
    if (!block_find(b, column, &c))
        return 0;
    return c.n != n ? -EBADMSG : column_add_u16(c.data, c.size, n, ret);
}

int block_pick(const struct block *b, uint8_t column, uint32_t n, const uint16_t *rows, uint32_t n_rows,
               int64_t *ret)
{
    struct block_column c;
    if (!block_find(b, column, &c)) {
        memset(ret, 0, n_rows * sizeof(*ret));
        return 1;
    }
    return c.n != n ? -EBADMSG : column_pick(c.data, c.size, n, rows, n_rows, ret);
}

uint32_t block_count(const struct block *b, uint8_t column)
{
    struct block_entry e;
    return entry_find(b, column, &e) ? e.n : 0;
}

bool block_range(const struct block *b, uint8_t column, int64_t *ret_min, int64_t *ret_max, bool *ret_open)
{
    struct block_column c;
    *ret_open = false;
    if (!block_find(b, column, &c)) {
        *ret_min = *ret_max = 0;
        return true;
    }
    *ret_open = c.has_forever;
    *ret_min = c.min;
    *ret_max = c.max;
    return c.min <= c.max;
}
