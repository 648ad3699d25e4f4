#include "core/store/directory_inside.h"

#include <stdlib.h>
#include <string.h>

enum { FILTER_BITS = 12 };

/* Ascending with the hash, as those of a run are: an opening fills the filter from front to back. */
static uint64_t *filter_block(const struct directory *d, uint64_t hash)
{
    return d->filter + (size_t)((unsigned __int128)hash * d->n_blocks >> 64) * 8;
}

static void filter_set(struct directory *d, uint64_t hash)
{
    uint64_t *block = filter_block(d, hash);
    uint64_t h = hash * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned i = 0; i < 6; i++, h >>= 9)
        block[h >> 6 & 7] |= UINT64_C(1) << (h & 63);
}

static bool filter_has(const struct directory *d, uint64_t hash)
{
    const uint64_t *block = filter_block(d, hash);
    uint64_t h = hash * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned i = 0; i < 6; i++, h >>= 9)
        if (!(block[h >> 6 & 7] >> (h & 63) & 1))
            return false;
    return true;
}

static int list_run(struct directory *d, const struct directory_run *run)
{
    if (d->n_runs == d->capacity) {
        size_t capacity = d->capacity ? d->capacity * 2 : 32;
        struct directory_run *runs = realloc(d->runs, capacity * sizeof(*runs));
        if (!runs)
            return -ENOMEM;
        d->runs = runs;
        d->capacity = capacity;
    }
    d->runs[d->n_runs++] = *run;
    if (run->number >= d->next_run)
        d->next_run = run->number + 1;
    return 0;
}

struct directory_run *directory_find_run(const struct directory *d, uint32_t number)
{
    size_t i = 0;
    while (i < d->n_runs && d->runs[i].number != number)
        i++;
    return i < d->n_runs ? &d->runs[i] : NULL;
}

void directory_forget_run(struct directory *d, struct directory_run *run)
{
    size_t i = (size_t)(run - d->runs);
    memmove(run, run + 1, (--d->n_runs - i) * sizeof(*run));
}

int directory_make_run(struct directory *d, unsigned level, uint64_t n, struct directory_run *ret)
{
    *ret = (struct directory_run){.number = d->next_run, .level = (uint8_t)level};
    if (ret->number >= (UINT32_C(1) << 24) - 1)
        return -EOVERFLOW;
    while (ret->bits < 24 && n >> ret->bits > BUCKET_ENTRIES)
        ret->bits++;
    return list_run(d, ret);
}

int directory_write(struct directory *d, struct txn *t, uint32_t number,
                    const struct directory_entry *entries, size_t n)
{
    struct directory_run *run = directory_find_run(d, number);
    struct run_writer w;
    if (!run)
        return -EBADMSG;
    run_writer_init(&w, run, number + 1 == d->next_run);
    int r = run_writer_add(&w, t, entries, n);
    run_writer_fini(&w);
    run->n += n;
    return r;
}

/* A filter for n hashes and as many again. */
static int filter_make(struct directory *d, size_t n)
{
    size_t n_blocks = (n * 2 + 4096) * FILTER_BITS / 512 + 1;
    uint64_t *filter = aligned_alloc(64, n_blocks * 64);
    if (!filter)
        return -ENOMEM;
    memset(filter, 0, n_blocks * 64);
    free(d->filter);
    d->filter = filter;
    d->n_blocks = n_blocks;
    d->n_hashes = 0;
    return 0;
}

/* Counts (filter false) or fills the filter from all runs. */
static int read_runs(struct directory *d, struct txn *t, bool fill, size_t *ret_n)
{
    struct walk walk;
    int r = walk_open(&walk, t, DB_DIRECTORY, NULL, 0);
    *ret_n = 0;
    while (r == 0 && walk_next(&walk)) {
        const uint8_t *key = walk.key.mv_data;
        if (walk.key.mv_size != BUCKET_KEY_BYTES || walk.value.mv_size < 4) {
            r = -EBADMSG;
            break;
        }
        uint32_t count;
        memcpy(&count, walk.value.mv_data, 4);
        *ret_n += count;
        if (!fill) {
            struct directory_run run = bucket_run(key);
            struct directory_run *last = d->n_runs ? &d->runs[d->n_runs - 1] : NULL;
            run.n = count;
            if (last && last->number == run.number)
                last->n += count;
            else
                r = list_run(d, &run);
            continue;
        }
        int64_t *hashes;
        uint32_t n;
        r = bucket_read(&walk.value, &hashes, NULL, &n);
        if (r < 0)
            break;
        for (uint32_t i = 0; i < n; i++)
            filter_set(d, (uint64_t)hashes[i]);
        free(hashes);
    }
    walk_close(&walk, t);
    if (fill && r == 0)
        d->n_hashes = *ret_n;
    return r < 0 ? r : t->rc ? -EIO : 0;
}

int directory_open(struct directory **ret, struct txn *t, struct error *err)
{
    struct directory *d = calloc(1, sizeof(*d));
    if (!d)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the ticket directory");
    d->next_run = 1;
    size_t n;
    int r = read_runs(d, t, false, &n);
    if (r == 0)
        r = filter_make(d, n);
    if (r == 0)
        r = read_runs(d, t, true, &n);
    if (r < 0) {
        directory_close(d);
        return error_set(err, r, "store_corrupt", "the ticket directory cannot be read: %s", strerror(-r));
    }
    *ret = d;
    return 0;
}

void directory_close(struct directory *d)
{
    if (!d)
        return;
    free(d->runs);
    free(d->filter);
    free(d);
}

static int run_find(struct txn *t, const struct directory_run *run, uint64_t hash, uint32_t *ret_number)
{
    uint8_t key[BUCKET_KEY_BYTES];
    bucket_key(key, run, bucket_of(hash, run->bits));
    MDB_val value;
    if (!txn_get(t, DB_DIRECTORY, key, sizeof(key), &value))
        return t->rc ? -EIO : 0;
    int64_t *hashes, *numbers;
    uint32_t n, low = 0;
    int r = bucket_read(&value, &hashes, &numbers, &n);
    if (r < 0)
        return r;
    for (uint32_t high = n; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if ((uint64_t)hashes[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < n && (uint64_t)hashes[low] == hash) {
        *ret_number = (uint32_t)numbers[low];
        r = 1;
    }
    free(hashes);
    return r;
}

int directory_find(struct directory *d, struct txn *t, uint64_t hash, bool is_loose, uint32_t *ret_number)
{
    hash = directory_stored(hash, is_loose);
    if (!filter_has(d, hash))
        return 0;
    for (size_t i = d->n_runs; i-- > 0;) {
        int r = run_find(t, &d->runs[i], hash, ret_number);
        if (r != 0)
            return r;
    }
    return 0;
}

void directory_prefetch(const struct directory *d, uint64_t hash, bool is_loose)
{
    __builtin_prefetch(filter_block(d, directory_stored(hash, is_loose)));
}

int directory_search(struct txn *t, uint64_t hash, bool is_loose, uint32_t *ret_number)
{
    uint8_t key[BUCKET_KEY_BYTES] = {0};
    hash = directory_stored(hash, is_loose);
    for (;;) {
        struct walk walk;
        struct directory_run run = {0};
        int r = walk_open(&walk, t, DB_DIRECTORY, key, sizeof(key));
        bool found = r == 0 && walk_next(&walk) && walk.key.mv_size == BUCKET_KEY_BYTES;
        if (found)
            run = bucket_run(walk.key.mv_data);
        walk_close(&walk, t);
        if (!found)
            return t->rc ? -EIO : r;
        r = run_find(t, &run, hash, ret_number);
        if (r != 0)
            return r;
        put_u32(key, (run.number + 1) << 8); /* behind the run's last bucket */
    }
}

int directory_reverse(struct txn *t, uint32_t first, uint32_t n, uint64_t *ret)
{
    struct walk walk;
    int r = walk_open(&walk, t, DB_DIRECTORY, NULL, 0);
    memset(ret, 0, n * sizeof(*ret));
    while (r == 0 && walk_next(&walk)) {
        int64_t *hashes, *numbers;
        uint32_t n_entries;
        r = bucket_read(&walk.value, &hashes, &numbers, &n_entries);
        if (r < 0)
            break;
        for (uint32_t i = 0; i < n_entries; i++)
            if ((uint64_t)numbers[i] - first < n)
                ret[numbers[i] - first] = (uint64_t)hashes[i];
        free(hashes);
    }
    walk_close(&walk, t);
    return r < 0 ? r : t->rc ? -EIO : 0;
}

static int by_hash(const void *a, const void *b)
{
    const struct directory_entry *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Hashes are spread evenly: by their first bits they come into buckets of one or two, in order. */
static void distribute(struct directory_entry *entries, struct directory_entry *room, uint32_t *ends,
                       unsigned bits, size_t n)
{
    const unsigned shift = 64 - bits;
    for (size_t i = 0; i < n; i++)
        ends[entries[i].hash >> shift]++;
    uint32_t end = 0;
    for (size_t b = 0; b < (size_t)1 << bits; b++)
        ends[b] = end += ends[b];
    for (size_t i = n; i-- > 0;)
        room[--ends[entries[i].hash >> shift]] = entries[i];
    memcpy(entries, room, n * sizeof(*entries));
}

static void insertion_sort(struct directory_entry *entries, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct directory_entry e = entries[i];
        size_t at = i;
        for (; at > 0 && entries[at - 1].hash > e.hash; at--)
            entries[at] = entries[at - 1];
        entries[at] = e;
    }
}

void directory_sort(struct directory_entry *entries, size_t n)
{
    enum { FEW = 256, BITS_MAX = 20 };
    for (size_t i = 0; i < n; i++)
        entries[i].hash = directory_stored(entries[i].hash, entries[i].is_loose);
    if (n <= 1)
        return;
    unsigned bits = 1;
    while (bits < BITS_MAX && (size_t)1 << bits < n)
        bits++;
    struct directory_entry *room = n > FEW ? malloc(n * sizeof(*room)) : NULL;
    uint32_t *ends = room ? calloc((size_t)1 << bits, sizeof(*ends)) : NULL;
    if (ends) {
        distribute(entries, room, ends, bits, n);
        insertion_sort(entries, n);
    } else {
        qsort(entries, n, sizeof(*entries), by_hash);
    }
    free(room);
    free(ends);
}

static uint64_t count_entries(const struct directory *d)
{
    uint64_t n = 0;
    for (size_t i = 0; i < d->n_runs; i++)
        n += d->runs[i].n;
    return n;
}

int directory_add(struct directory *d, struct txn *t, const struct directory_entry *entries, size_t n)
{
    if (n == 0)
        return 0;
    struct directory_run run;
    int r = directory_make_run(d, 0, n, &run);
    if (r == 0)
        r = directory_write(d, t, run.number, entries, n);
    if (r == 0)
        r = directory_merge(d, t);
    if (r < 0)
        return r;
    d->n_hashes += n;
    if (d->n_hashes * FILTER_BITS > d->n_blocks * 512) { /* some of them have gone */
        r = filter_make(d, count_entries(d));
        return r < 0 ? r : read_runs(d, t, true, &n);
    }
    for (size_t i = 0; i < n; i++)
        filter_set(d, entries[i].hash);
    return 0;
}
