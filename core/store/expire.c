#include "core/store/expire.h"

#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>

/* Of one step: groups of rows, numbers of subjects (whole entries of places), buckets of hashes. */
enum { GROUPS = 64, SUBJECTS = 262144, BUCKETS = 2048 };

void expiry_init(struct expiry *e, uint32_t day, bool keeps_hashes)
{
    struct fact_key key = {.generation = FACTS_FROZEN};
    *e = (struct expiry){.day = day, .keeps_hashes = keeps_hashes};
    fact_key_put(e->facts, &key);
}

void expiry_fini(struct expiry *e)
{
    free(e->places);
    *e = (struct expiry){.phase = EXPIRY_DONE};
}

/* --- rows --- */

static bool has_expired(const struct location *l, uint32_t day)
{
    return l->segment != LOCATION_FROZEN || l->runs[0] < day;
}

/* Marks what has expired as dead in one group, which goes when nothing of it is left. */
static int expire_group(struct txn *t, struct memtable *dead, const struct walk *at, uint32_t day)
{
    struct rowgroup g;
    struct fact_key key;
    int64_t subjects[ROWGROUP_SUBJECTS];
    struct location locations[ROWGROUP_SUBJECTS];
    MDB_val bits;
    int r = rowgroup_open(&g, at->value.mv_data, at->value.mv_size, false);
    if (r == 0)
        r = block_read(&g.base, FACT_SUBJECT, NULL, g.base.n_rows, subjects);
    if (r == 0)
        r = locations_of(t, subjects, g.base.n_rows, locations);
    bool has_dead = r == 0 && txn_get(t, DB_DEAD, at->key.mv_data, at->key.mv_size, &bits) &&
                    bits.mv_size == (g.base.n_rows + 7) / 8;
    (void)fact_key_get(&at->key, &key);
    for (uint32_t i = 0; r == 0 && i < g.base.n_rows; i++) {
        const struct memtable_dead gone = {
            .run = key.run, .row = i, .generation = key.generation, .place = key.place};
        bool was_dead = has_dead && ((const uint8_t *)bits.mv_data)[i / 8] >> i % 8 & 1;
        if (!was_dead && has_expired(&locations[i], day))
            r = memtable_add_dead(dead, &gone);
    }
    return r;
}

static int step_rows(struct store *s, struct txn *t, struct expiry *e)
{
    struct memtable *dead = memtable_new(&s->pool);
    struct walk walk;
    unsigned n = 0;
    int r = dead ? walk_open(&walk, t, DB_FACTS, e->facts, FACT_KEY_BYTES) : -ENOMEM;
    if (r == 0) {
        struct fact_key key;
        while (r == 0 && n < GROUPS && walk_next(&walk) && fact_key_get(&walk.key, &key)) {
            r = expire_group(t, dead, &walk, e->day);
            key.run += key.place == UINT16_MAX; /* behind it */
            key.place++;
            fact_key_put(e->facts, &key);
            n++;
        }
        walk_close(&walk, t);
        if (r == 0 && t->rc)
            r = -EIO;
    }
    if (r == 0)
        r = facts_settle_dead(t, dead);
    bool wrote = r == 0 && atomic_load_explicit(&dead->n_dead, memory_order_relaxed);
    memtable_unref(dead);
    if (n < GROUPS)
        e->phase = e->keeps_hashes ? EXPIRY_DONE : EXPIRY_PLACES;
    return r < 0 ? r : wrote;
}

/* --- places --- */

static int step_places(struct store *s, struct txn *t, struct expiry *e)
{
    if (!e->places) {
        e->n = s->meta.n_subjects;
        e->places = calloc(e->n / 8 + 1, 1);
        if (!e->places)
            return -ENOMEM;
    }
    uint32_t left = e->n - e->subject, n = left < SUBJECTS ? left : SUBJECTS;
    int r = locations_expire(t, e->subject, n, e->day, e->places);
    e->subject += n;
    if (e->subject == e->n)
        e->phase = EXPIRY_HASHES;
    return r;
}

/* --- hashes --- */

struct forgetting {
    const struct store *store;
    struct txn *txn;
    const struct expiry *expiry;
};

/* Whether nothing is known of a subject but its hash. It may have come back since its place was looked at:
 * then it is hot, or has a place again. */
static int goes(void *context, uint64_t stored, uint32_t number)
{
    const struct forgetting *f = context;
    const struct expiry *e = f->expiry;
    struct location location;
    if (number >= e->n || e->places[number / 8] >> number % 8 & 1)
        return 0;
    if (hot_find(&f->store->hot, stored, false) || hot_find(&f->store->hot, ~stored, true))
        return 0;
    int r = location_get(f->txn, number, &location);
    return r < 0 ? r : location.segment == 0;
}

static int step_hashes(struct store *s, struct txn *t, struct expiry *e)
{
    struct forgetting f = {s, t, e};
    int r = directory_sweep(s->directory, t, &e->sweep, BUCKETS, goes, &f);
    if (r == 0)
        e->phase = EXPIRY_DONE;
    return r < 0 ? r : 1;
}

int expiry_step(struct store *s, struct txn *t, struct expiry *e)
{
    switch (e->phase) {
    case EXPIRY_ROWS:
        return step_rows(s, t, e);
    case EXPIRY_PLACES:
        return step_places(s, t, e);
    case EXPIRY_HASHES:
        return step_hashes(s, t, e);
    case EXPIRY_DONE:
        break;
    }
    return 0;
}
