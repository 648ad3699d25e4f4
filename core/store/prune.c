#include "core/store/prune.h"

#include "core/store/state.h"

#include <string.h>

#define PRUNED "pruned" /* in DB_META: struct prune_position, where the next step goes on */

enum { BLOCKS = 16, LOOKED_AT = 1024 }; /* in one transaction: written anew, and looked at */

struct prune_position { /* the next block to look at; zeros: the first */
    uint32_t segment;
    uint16_t place;
    uint16_t unused;
};

struct found {
    uint32_t segment;
    uint16_t place;
};

/* The blocks from *at on that may have something to prune, and where to go on behind them. 1: there are more.
 */
static int find_blocks(struct txn *t, struct prune_position *at, uint16_t least, uint16_t greatest,
                       struct found *ret, unsigned *ret_n)
{
    uint8_t key[6];
    struct walk walk;
    unsigned n = 0, n_looked_at = 0;
    bool is_more = false;
    put_u32(key, at->segment);
    put_u16(key + 4, at->place);
    int r = walk_open(&walk, t, DB_SEGMENTS, key, sizeof(key));
    while (r == 0 && walk_next(&walk)) {
        uint16_t low, high;
        if (walk.key.mv_size != 6) {
            r = -EBADMSG;
            break;
        }
        struct found here = {get_u32(walk.key.mv_data), get_u16((const uint8_t *)walk.key.mv_data + 4)};
        *at = (struct prune_position){here.segment, here.place, 0};
        is_more = n == BLOCKS || n_looked_at++ == LOOKED_AT;
        if (is_more)
            break;
        r = segment_block_sources(&walk.value, &low, &high);
        if (r == 0 && low <= greatest && high >= least)
            ret[n++] = here;
    }
    walk_close(&walk, t);
    *ret_n = n;
    return r < 0 ? r : t->rc ? -EIO : is_more;
}

int prune_block(struct store *s, struct txn *t, uint32_t segment, uint16_t place,
                const struct segment_pruning *pruning, uint64_t *ret_n_events)
{
    uint8_t key[6];
    MDB_val value;
    struct segment_block block;
    put_u32(key, segment);
    put_u16(key + 4, place);
    if (!txn_get(t, DB_SEGMENTS, key, sizeof(key), &value))
        return t->rc ? -EIO : -EBADMSG;
    struct column_coder coder = {0};
    int r = segment_block_decode(&block, &coder, segment, place, &value);
    if (r == 0) {
        r = segment_block_rewrite(s->segment_writer, t, &block, pruning, ret_n_events);
        segment_block_fini(&block);
    }
    column_coder_fini(&coder);
    return r;
}

/* Prunes the next few blocks that may have events of sources from least to greatest. 1 when there are more
 * behind them. */
static int prune_blocks(struct store *s, struct txn *t, struct prune_position *at, uint16_t least,
                        uint16_t greatest, const struct segment_pruning *pruning)
{
    struct found blocks[BLOCKS];
    uint64_t n_events = 0;
    unsigned n;
    int more = find_blocks(t, at, least, greatest, blocks, &n), r = more < 0 ? more : 0;
    for (unsigned i = 0; i < n && r >= 0; i++)
        r = prune_block(s, t, blocks[i].segment, blocks[i].place, pruning, &n_events);
    /* What was decoded or listed of these blocks is no longer what is there. */
    segment_cache_fini(&s->cache);
    store_refold_forget(s);
    store_retire_forget(s);
    return r < 0 ? r : more;
}

/* Events of dropped sources. */
struct dropping {
    struct store *store;
    struct txn *txn;
    struct segment_cache cache; /* of what the chains of such subjects lead through */
};

static bool drops(void *context, uint32_t subject, uint16_t source)
{
    const struct dropping *d = context;
    (void)subject;
    return environment_drops(d->store->environment, source);
}

static bool is_hot(const struct store *s, uint32_t number)
{
    size_t low = 0, high = s->hot.n; /* sorted by number */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->hot.list[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->hot.n && s->hot.list[low]->number == number;
}

/* Whether all events of a chain are dropped. */
static int is_chain_empty(struct dropping *d, uint32_t number, uint32_t last_segment)
{
    struct hot h;
    int r = hot_init(&h);
    struct subject *subject = r == 0 ? hot_add(&h, number, false, number, 0) : NULL;
    if (!subject)
        r = -ENOMEM;
    if (r == 0)
        r = segment_load(&d->cache, d->txn, &h, subject, last_segment);
    bool is_empty = r == 0;
    for (const struct event *e = is_empty ? subject_first(subject) : NULL; e && is_empty;
         e = subject_next(subject, e))
        is_empty = environment_drops(d->store->environment, e->source);
    hot_fini(&h);
    return r < 0 ? r : is_empty;
}

/* A subject that has nothing left anywhere in the log needs no chain: nothing leads into the log from now on.
 * Not one that is hot, as that names its newest segment in memory and for a restart, too. */
static int forgets(void *context, uint32_t subject)
{
    struct dropping *d = context;
    struct location location;
    if (is_hot(d->store, subject))
        return 0;
    int r = location_get(d->txn, subject, &location);
    if (r == 0 && location.segment >= LOCATION_FIRST)
        r = is_chain_empty(d, subject, location.segment);
    else if (r == 0)
        return 1;
    if (r != 1)
        return r;
    struct location_change change = {.number = subject, .location = {0, {LOCATION_KEEP, LOCATION_KEEP}}};
    r = location_put(d->txn, &change, 1);
    return r < 0 ? r : 1;
}

static void dropped_range(const struct environment *e, uint16_t *ret_least, uint16_t *ret_greatest)
{
    *ret_least = UINT16_MAX;
    *ret_greatest = 0;
    for (unsigned i = 0; i < e->n_dropped; i++) {
        *ret_least = e->dropped[i] < *ret_least ? e->dropped[i] : *ret_least;
        *ret_greatest = e->dropped[i] > *ret_greatest ? e->dropped[i] : *ret_greatest;
    }
}

void prune_begin(struct txn *t)
{
    txn_delete(t, DB_META, PRUNED, strlen(PRUNED));
}

/* The log is through: no event of those sources is left anywhere. */
static int forget_dropped(struct store *s, struct error *err)
{
    struct environment *next;
    int r = environment_copy(s->environment, &next);
    if (r < 0)
        return error_set(err, r, "no_memory", "out of memory for the settings of the fold");
    next->n_dropped = 0;
    return store_change(s, next, false, NULL, NULL, err);
}

int prune_step(struct store *s, struct error *err)
{
    const struct environment *e = s->environment;
    if (e->n_dropped == 0)
        return 0;
    struct store_meta before = s->meta;
    struct prune_position at = {0};
    MDB_val value;
    uint16_t least, greatest;
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    if (txn_get(&t, DB_META, PRUNED, strlen(PRUNED), &value) && value.mv_size == sizeof(at))
        memcpy(&at, value.mv_data, sizeof(at));
    struct dropping dropping = {.store = s, .txn = &t};
    const struct segment_pruning pruning = {.drops = drops, .forgets = forgets, .context = &dropping};
    dropped_range(e, &least, &greatest);
    hot_sort(&s->hot);
    int more = prune_blocks(s, &t, &at, least, greatest, &pruning);
    segment_cache_fini(&dropping.cache);
    if (more)
        txn_put(&t, DB_META, PRUNED, strlen(PRUNED), &at, sizeof(at));
    else
        prune_begin(&t);
    r = store_step_end(s, &t, &before, more < 0 ? more : 0, err);
    if (r == 0 && !more)
        r = forget_dropped(s, err);
    return r < 0 ? r : 1;
}
