#include "core/store/directory_run.h"

#include "core/store/column.h"

#include <stdlib.h>
#include <string.h>

void bucket_key(uint8_t key[BUCKET_KEY_BYTES], const struct directory_run *run, uint32_t bucket)
{
    put_u32(key, run->number << 8 | run->bits);
    key[4] = run->level;
    put_u32(key + 5, bucket);
}

struct directory_run bucket_run(const uint8_t key[BUCKET_KEY_BYTES])
{
    uint32_t word = get_u32(key);
    return (struct directory_run){.number = word >> 8, .level = key[4], .bits = (uint8_t)word};
}

/* A bucket: n u32, size of the hashes' column u32, hashes, numbers. */
int bucket_read(const MDB_val *value, int64_t **ret_hashes, int64_t **ret_numbers, uint32_t *ret_n)
{
    uint32_t head[2];
    if (value->mv_size < sizeof(head))
        return -EBADMSG;
    memcpy(head, value->mv_data, sizeof(head));
    const uint8_t *data = (const uint8_t *)value->mv_data + sizeof(head);
    size_t size = value->mv_size - sizeof(head);
    if (head[0] == 0 || head[0] > UINT32_C(1) << 24 || head[1] > size)
        return -EBADMSG;
    int64_t *both = malloc((ret_numbers ? 2 : 1) * (size_t)head[0] * sizeof(*both));
    if (!both)
        return -ENOMEM;
    int r = column_decode(NULL, data, head[1], head[0], both);
    if (r == 0 && ret_numbers)
        r = column_decode(NULL, data + head[1], size - head[1], head[0], both + head[0]);
    if (r < 0) {
        free(both);
        return r;
    }
    *ret_hashes = both;
    if (ret_numbers)
        *ret_numbers = both + head[0];
    *ret_n = head[0];
    return 0;
}

static int add_entries(struct txn *t, const uint8_t key[BUCKET_KEY_BYTES], struct entries *entries)
{
    MDB_val value;
    int64_t *hashes, *numbers;
    uint32_t n;
    if (!txn_get(t, DB_DIRECTORY, key, BUCKET_KEY_BYTES, &value))
        return t->rc ? -EIO : 0;
    int r = bucket_read(&value, &hashes, &numbers, &n);
    if (r < 0)
        return r;
    if (entries->n + n > entries->capacity) {
        size_t capacity = (entries->n + n) * 2;
        struct directory_entry *list = realloc(entries->list, capacity * sizeof(*list));
        if (list) {
            entries->list = list;
            entries->capacity = capacity;
        } else {
            r = -ENOMEM;
        }
    }
    for (uint32_t i = 0; i < n && r == 0; i++)
        entries->list[entries->n++] =
            (struct directory_entry){.hash = (uint64_t)hashes[i], .number = (uint32_t)numbers[i]};
    free(hashes);
    return r < 0 ? r : 1;
}

int bucket_add(struct txn *t, const struct directory_run *run, uint32_t bucket, struct entries *entries)
{
    uint8_t key[BUCKET_KEY_BYTES];
    bucket_key(key, run, bucket);
    return add_entries(t, key, entries);
}

int bucket_take(struct txn *t, const struct directory_run *run, uint32_t bucket, struct entries *entries)
{
    uint8_t key[BUCKET_KEY_BYTES];
    bucket_key(key, run, bucket);
    int r = add_entries(t, key, entries);
    if (r <= 0)
        return r;
    txn_delete(t, DB_DIRECTORY, key, sizeof(key));
    return t->rc ? -EIO : 0;
}

void run_writer_init(struct run_writer *w, const struct directory_run *run, bool is_last)
{
    *w = (struct run_writer){.run = *run, .is_last = is_last};
    buffer_init(&w->out, 1 << 28);
}

void run_writer_fini(struct run_writer *w)
{
    free(w->values);
    buffer_fini(&w->out);
}

/* Encodes the sorted entries of one bucket into w->out. */
static int bucket_encode(struct run_writer *w, const struct directory_entry *entries, size_t n)
{
    if (n > w->n_values) {
        free(w->values);
        w->values = malloc(n * sizeof(*w->values));
        w->n_values = w->values ? n : 0;
    }
    if (n > w->n_values)
        return -ENOMEM;
    buffer_clear(&w->out);
    uint32_t head[2] = {(uint32_t)n, 0};
    buffer_append(&w->out, head, sizeof(head));
    for (size_t i = 0; i < n; i++)
        w->values[i] = (int64_t)entries[i].hash;
    column_encode(NULL, &w->out, w->values, n, COLUMN_PACK, NULL);
    head[1] = (uint32_t)(w->out.size - sizeof(head));
    for (size_t i = 0; i < n; i++)
        w->values[i] = entries[i].number;
    column_encode(NULL, &w->out, w->values, n, COLUMN_PACK, NULL);
    if (buffer_failed(&w->out))
        return -ENOMEM;
    memcpy(w->out.data, head, sizeof(head));
    return 0;
}

int run_writer_add(struct run_writer *w, struct txn *t, const struct directory_entry *entries, size_t n)
{
    for (size_t i = 0, end; i < n; i = end) {
        uint32_t bucket = bucket_of(entries[i].hash, w->run.bits);
        for (end = i; end < n && bucket_of(entries[end].hash, w->run.bits) == bucket;)
            end++;
        int r = bucket_encode(w, entries + i, end - i);
        if (r < 0)
            return r;
        uint8_t key[BUCKET_KEY_BYTES];
        bucket_key(key, &w->run, bucket);
        (w->is_last ? txn_append : txn_put)(t, DB_DIRECTORY, key, sizeof(key), w->out.data, w->out.size);
    }
    return t->rc ? -EIO : 0;
}
