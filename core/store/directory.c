#include "core/store/directory.h"

#include "core/store/column.h"

#include <stdlib.h>
#include <string.h>

/* Runs: a level is how often a run was merged; MERGE runs of one level become one of the next. Numbers of
 * runs ascend, so that a new one is written behind all others, into full pages. The bucket of a hash is its
 * top bits, and how many is kept in every key beside the level, so a run is read without another table. A
 * bucket has at most about BUCKET_ENTRIES entries: that are some 500 bytes, of which a page has several. */
enum {
    MERGE = 8,
    LEVELS_MAX = 10,
    BUCKET_ENTRIES = 64,
    SHARE_FORGOTTEN = 4, /* of a run: when so much of it is to go it is written anew */
    KEY_BYTES = 9,
    FILTER_BITS = 12
};

struct run {
    uint32_t number;
    uint8_t level, bits;
    uint64_t n; /* entries */
};

struct directory {
    struct run *runs; /* by age */
    size_t n_runs, capacity;
    uint32_t next_run;
    uint64_t *filter; /* blocks of eight words; a hash sets FILTER_BITS / 2 bits of one block */
    size_t n_blocks;
    size_t n_hashes; /* in the filter */
};

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

static void run_key(uint8_t key[KEY_BYTES], const struct run *run, uint32_t bucket)
{
    put_u32(key, run->number << 8 | run->bits);
    key[4] = run->level;
    put_u32(key + 5, bucket);
}

/* The run that a key is of. */
static struct run run_of(const uint8_t key[KEY_BYTES])
{
    uint32_t word = get_u32(key);
    return (struct run){.number = word >> 8, .level = key[4], .bits = (uint8_t)word};
}

static uint32_t bucket_of(uint64_t hash, unsigned bits)
{
    return bits ? (uint32_t)(hash >> (64 - bits)) : 0;
}

/* A bucket: n u32, size of the hashes' column u32, hashes, numbers. */
static int bucket_read(const MDB_val *value, int64_t **ret_hashes, int64_t **ret_numbers, uint32_t *ret_n)
{
    uint32_t head[2];
    if (value->mv_size < sizeof(head))
        return -EBADMSG;
    memcpy(head, value->mv_data, sizeof(head));
    const uint8_t *data = (const uint8_t *)value->mv_data + sizeof(head);
    size_t size = value->mv_size - sizeof(head);
    if (head[0] == 0 || head[0] > UINT32_C(1) << 24 || head[1] > size)
        return -EBADMSG;
    int64_t *both = malloc(2 * (size_t)head[0] * sizeof(*both));
    if (!both)
        return -ENOMEM;
    int r = column_decode(NULL, data, head[1], head[0], both);
    if (r == 0)
        r = column_decode(NULL, data + head[1], size - head[1], head[0], both + head[0]);
    if (r < 0) {
        free(both);
        return r;
    }
    *ret_hashes = both;
    *ret_numbers = both + head[0];
    *ret_n = head[0];
    return 0;
}

static int remember_run(struct directory *d, const struct run *run)
{
    if (d->n_runs == d->capacity) {
        size_t capacity = d->capacity ? d->capacity * 2 : 32;
        struct run *runs = realloc(d->runs, capacity * sizeof(*runs));
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
        if (walk.key.mv_size != KEY_BYTES || walk.value.mv_size < 4) {
            r = -EBADMSG;
            break;
        }
        uint32_t count;
        memcpy(&count, walk.value.mv_data, 4);
        *ret_n += count;
        if (!fill) {
            struct run run = run_of(key);
            struct run *last = d->n_runs ? &d->runs[d->n_runs - 1] : NULL;
            run.n = count;
            if (last && last->number == run.number)
                last->n += count;
            else
                r = remember_run(d, &run);
            continue;
        }
        int64_t *hashes, *numbers;
        uint32_t n;
        r = bucket_read(&walk.value, &hashes, &numbers, &n);
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

static int run_find(struct txn *t, const struct run *run, uint64_t hash, uint32_t *ret_number)
{
    uint8_t key[KEY_BYTES];
    run_key(key, run, bucket_of(hash, run->bits));
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

int directory_search(struct txn *t, uint64_t hash, bool is_loose, uint32_t *ret_number)
{
    uint8_t key[KEY_BYTES] = {0};
    hash = directory_stored(hash, is_loose);
    for (;;) {
        struct walk walk;
        struct run run = {0};
        int r = walk_open(&walk, t, DB_DIRECTORY, key, sizeof(key));
        bool found = r == 0 && walk_next(&walk) && walk.key.mv_size == KEY_BYTES;
        if (found)
            run = run_of(walk.key.mv_data);
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

/* What a run is written with. */
struct run_writer {
    struct run run;
    int64_t *values;
    size_t n_values; /* room */
    struct buffer out;
    bool is_last; /* no run in the database has a greater number */
};

static void writer_init(struct run_writer *w, const struct run *run)
{
    *w = (struct run_writer){.run = *run};
    buffer_init(&w->out, 1 << 28);
}

static void writer_fini(struct run_writer *w)
{
    free(w->values);
    buffer_fini(&w->out);
}

static int run_begin(struct run_writer *w, const struct directory *d, unsigned level, uint64_t n)
{
    writer_init(w, &(struct run){.number = d->next_run, .level = (uint8_t)level, .n = n});
    w->is_last = true;
    if (w->run.number >= (UINT32_C(1) << 24) - 1)
        return -EOVERFLOW;
    while (w->run.bits < 24 && n >> w->run.bits > BUCKET_ENTRIES)
        w->run.bits++;
    return 0;
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

/* Sorted entries (hash: as stored) of whole buckets, behind those before. */
static int run_add(struct run_writer *w, struct txn *t, const struct directory_entry *entries, size_t n)
{
    for (size_t i = 0, end; i < n; i = end) {
        uint32_t bucket = bucket_of(entries[i].hash, w->run.bits);
        for (end = i; end < n && bucket_of(entries[end].hash, w->run.bits) == bucket;)
            end++;
        int r = bucket_encode(w, entries + i, end - i);
        if (r < 0)
            return r;
        uint8_t key[KEY_BYTES];
        run_key(key, &w->run, bucket);
        (w->is_last ? txn_append : txn_put)(t, DB_DIRECTORY, key, sizeof(key), w->out.data, w->out.size);
    }
    return t->rc ? -EIO : 0;
}

/* Ends it; r: what went wrong before. */
static int run_end(struct run_writer *w, struct directory *d, int r)
{
    writer_fini(w);
    return r < 0 ? r : remember_run(d, &w->run);
}

struct entries {
    struct directory_entry *list;
    size_t n, capacity;
};

/* Appends the entries of a bucket, if it is there: 1. */
static int add_bucket(struct txn *t, const uint8_t key[KEY_BYTES], struct entries *entries)
{
    MDB_val value;
    int64_t *hashes, *numbers;
    uint32_t n;
    if (!txn_get(t, DB_DIRECTORY, key, KEY_BYTES, &value))
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

/* Takes the entries of a bucket out of the database. */
static int take_bucket(struct txn *t, const struct run *run, uint32_t bucket, struct entries *entries)
{
    uint8_t key[KEY_BYTES];
    run_key(key, run, bucket);
    int r = add_bucket(t, key, entries);
    if (r <= 0)
        return r;
    txn_delete(t, DB_DIRECTORY, key, sizeof(key));
    return t->rc ? -EIO : 0;
}

/* Merges runs into one, a range of hashes after the other: that which one bucket of the coarsest has. */
static int merge_runs(struct txn *t, const struct run *runs, size_t n_runs, struct run_writer *w)
{
    struct entries entries = {0};
    unsigned bits = w->run.bits;
    int r = 0;
    for (size_t i = 0; i < n_runs; i++)
        bits = runs[i].bits < bits ? runs[i].bits : bits;
    for (uint32_t range = 0; range < UINT32_C(1) << bits && r == 0; range++) {
        entries.n = 0;
        for (size_t i = 0; i < n_runs && r == 0; i++) {
            const uint32_t n_buckets = UINT32_C(1) << (runs[i].bits - bits);
            for (uint32_t k = 0; k < n_buckets && r == 0; k++)
                r = take_bucket(t, &runs[i], range * n_buckets + k, &entries);
        }
        if (entries.n > 1)
            qsort(entries.list, entries.n, sizeof(*entries.list), by_hash);
        if (r == 0)
            r = run_add(w, t, entries.list, entries.n);
    }
    free(entries.list);
    return r;
}

/* Merges the runs of a level when there are MERGE of them; 1 when it did. */
static int merge_level(struct directory *d, struct txn *t, unsigned level)
{
    struct run merged[MERGE];
    struct run_writer w;
    size_t n_runs = 0, kept = 0;
    uint64_t n = 0;
    for (size_t i = 0; i < d->n_runs && n_runs < MERGE; i++)
        if (d->runs[i].level == level) {
            n += d->runs[i].n;
            merged[n_runs++] = d->runs[i];
        }
    if (n_runs < MERGE || level + 1 >= LEVELS_MAX)
        return 0;
    int r = run_begin(&w, d, level + 1, n);
    if (r == 0)
        r = merge_runs(t, merged, n_runs, &w);
    for (size_t i = 0, n_gone = 0; i < d->n_runs && r == 0; i++)
        if (d->runs[i].level != level || n_gone++ >= MERGE) /* a sweep may have made more */
            d->runs[kept++] = d->runs[i];
    d->n_runs = r == 0 ? kept : d->n_runs;
    r = run_end(&w, d, r);
    return r < 0 ? r : 1;
}

void directory_sort(struct directory_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        entries[i].hash = directory_stored(entries[i].hash, entries[i].is_loose);
    if (n > 1)
        qsort(entries, n, sizeof(*entries), by_hash);
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
    struct run_writer w;
    int r = run_begin(&w, d, 0, n);
    if (r == 0)
        r = run_add(&w, t, entries, n);
    r = run_end(&w, d, r);
    for (unsigned level = 0; r >= 0 && level < LEVELS_MAX; level++) {
        r = merge_level(d, t, level);
        if (r == 0)
            break;
    }
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

/* --- what is forgotten --- */

struct sweeping {
    struct directory *directory;
    struct txn *txn;
    struct directory_sweep *at;
    int (*goes)(void *context, uint64_t stored, uint32_t number);
    void *context;
    struct entries entries; /* of the buckets under way; those that stay in front */
    size_t n_kept;
};

static struct run *find_run(const struct directory *d, uint32_t number)
{
    size_t i = 0;
    while (i < d->n_runs && d->runs[i].number != number)
        i++;
    return i < d->n_runs ? &d->runs[i] : NULL;
}

static void forget_run(struct directory *d, struct run *run)
{
    size_t i = (size_t)(run - d->runs);
    memmove(run, run + 1, (--d->n_runs - i) * sizeof(*run));
}

/* The run that is looked at, NULL when all have been. Seals merge runs in between: where that took one away,
 * what it has become is looked at by the next sweep. The older of a level go first, so that one whose rest is
 * still there has the run, too, that the others of its entries went to. */
static struct run *sweep_run(struct sweeping *w)
{
    struct directory_sweep *at = w->at;
    struct directory *d = w->directory;
    size_t i = 0;
    if (!at->end)
        at->end = d->next_run;
    while (i < d->n_runs && d->runs[i].number < at->run)
        i++;
    if (i == d->n_runs || d->runs[i].number >= at->end)
        return NULL;
    if (d->runs[i].number != at->run)
        *at = (struct directory_sweep){.run = d->runs[i].number, .end = at->end};
    return &d->runs[i];
}

/* Puts those entries in front that stay. */
static int sift(struct sweeping *w)
{
    struct directory_entry *list = w->entries.list;
    w->n_kept = 0;
    for (size_t i = 0; i < w->entries.n; i++) {
        int r = w->goes(w->context, list[i].hash, list[i].number);
        if (r < 0)
            return r;
        if (r == 0)
            list[w->n_kept++] = list[i];
    }
    return 0;
}

/* The run is through: what is to stay of it goes to a new one when enough is to go. */
static int sweep_decide(struct sweeping *w, const struct run *run)
{
    enum { FEWER_BITS = 2 }; /* so many more buckets make one */
    struct directory_sweep *at = w->at;
    struct directory *d = w->directory;
    struct run_writer into;
    at->bucket = 0;
    if (at->n_gone * SHARE_FORGOTTEN < run->n || at->n_gone == 0) {
        at->run++;
        at->n_gone = 0;
        return 0;
    }
    int r = run_begin(&into, d, run->level, run->n - at->n_gone);
    if (into.run.bits + FEWER_BITS < run->bits)
        into.run.bits = run->bits - FEWER_BITS;
    into.run.n = 0;
    at->into = into.run.number;
    return run_end(&into, d, r);
}

/* Counts what goes of the next bucket of a run. */
static int sweep_count(struct sweeping *w, const struct run *run)
{
    uint8_t key[KEY_BYTES];
    run_key(key, run, w->at->bucket);
    w->entries.n = 0;
    int r = add_bucket(w->txn, key, &w->entries);
    if (r >= 0)
        r = sift(w);
    if (r < 0)
        return r;
    w->at->n_gone += w->entries.n - w->n_kept;
    return ++w->at->bucket >> run->bits ? sweep_decide(w, run) : 0;
}

/* Moves what stays of the buckets that become the next one of the new run; both are short of each other's
 * entries until the last. */
static int sweep_move(struct sweeping *w, struct run *run)
{
    struct directory_sweep *at = w->at;
    struct directory *d = w->directory;
    struct run *into = find_run(d, at->into);
    const uint32_t n_buckets = UINT32_C(1) << (run->bits - into->bits);
    struct run_writer writer;
    int r = 0;
    w->entries.n = 0;
    for (uint32_t i = 0; i < n_buckets && r == 0; i++)
        r = take_bucket(w->txn, run, at->bucket * n_buckets + i, &w->entries);
    if (r == 0)
        r = sift(w);
    if (r < 0)
        return r;
    writer_init(&writer, into);
    writer.is_last = into->number + 1 == d->next_run;
    r = run_add(&writer, w->txn, w->entries.list, w->n_kept);
    writer_fini(&writer);
    run->n -= w->entries.n;
    into->n += w->n_kept;
    if (++at->bucket >> into->bits == 0)
        return r;
    if (into->n == 0)
        forget_run(d, into);
    forget_run(d, run);
    *at = (struct directory_sweep){.run = at->run + 1, .end = at->end};
    return r;
}

int directory_sweep(struct directory *d, struct txn *t, struct directory_sweep *at, unsigned n_buckets,
                    int (*goes)(void *context, uint64_t stored, uint32_t number), void *context)
{
    struct sweeping w = {.directory = d, .txn = t, .at = at, .goes = goes, .context = context};
    struct run *run = NULL;
    int r = 0;
    for (unsigned i = 0; i < n_buckets && r == 0 && (run = sweep_run(&w)); i++)
        r = at->into ? sweep_move(&w, run) : sweep_count(&w, run);
    free(w.entries.list);
    return r < 0 ? r : run != NULL;
}
