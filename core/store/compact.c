/* Groups of facts many of whose subjects have moved on are written anew.
 *
 * A ticket that comes back or leaves the log leaves its rows in the group where they were, dead. Where
 * tickets do so again and again the dead would outnumber the living for good: so those that still live in
 * such groups are folded once more, into a run of their own, and a group in which nobody lives goes. */
#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>

/* Of one step, and a group's more. What is written anew again and again is written in groups of half the size
 * that a group may have: the file's free pages are seldom so many in a row. */
enum { SUBJECTS_MAX = 4096, GROUP_SUBJECTS = ROWGROUP_SUBJECTS / 2 };
/* A group with more dead subjects than one in so many is written anew. */
enum { DEAD_SHARE = 3 };

struct mover {
    uint32_t number, run;
    uint32_t segment; /* the newest with events of it */
};

struct movers {
    struct mover *list; /* room for SUBJECTS_MAX + ROWGROUP_SUBJECTS */
    size_t n;
    uint8_t *is_hot; /* by number */
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct mover *)a)->number, y = ((const struct mover *)b)->number;
    return x < y ? -1 : x > y;
}

static int movers_init(struct movers *m, const struct store *s)
{
    *m = (struct movers){.list = malloc((SUBJECTS_MAX + ROWGROUP_SUBJECTS) * sizeof(*m->list)),
                         .is_hot = calloc(s->meta.n_subjects / 8 + 1, 1)};
    if (!m->list || !m->is_hot)
        return -ENOMEM;
    for (size_t i = 0; i < s->hot.n; i++)
        m->is_hot[s->hot.list[i]->number / 8] |= (uint8_t)(1 << s->hot.list[i]->number % 8);
    return 0;
}

static void movers_fini(struct movers *m)
{
    free(m->list);
    free(m->is_hot);
}

/* Who lives in a group with many dead. Hot ones do not: it is only not written down yet. */
static int look_into(struct store *s, struct txn *t, struct movers *m, const struct fact_key *key,
                     const MDB_val *dead)
{
    const uint8_t *bits = dead->mv_data;
    if (dead->mv_size == 0)
        return -EBADMSG;
    uint8_t bytes[FACT_KEY_BYTES];
    int64_t subjects[ROWGROUP_SUBJECTS];
    struct rowgroup g;
    MDB_val value;
    size_t n_dead = 0;
    for (size_t i = 0; i < dead->mv_size; i++)
        n_dead += (size_t)__builtin_popcount(bits[i]);
    if (n_dead * DEAD_SHARE <= (dead->mv_size - 1) * 8) /* by far not: the group need not be read */
        return 0;
    fact_key_put(bytes, key);
    if (!txn_get(t, DB_FACTS, bytes, sizeof(bytes), &value))
        return t->rc ? -EIO : 0;
    if (rowgroup_open(&g, value.mv_data, value.mv_size, false) < 0 ||
        dead->mv_size != (g.base.n_rows + 7) / 8)
        return -EBADMSG;
    if (n_dead * DEAD_SHARE <= g.base.n_rows)
        return 0;
    int r = block_read(&g.base, FACT_SUBJECT, NULL, g.base.n_rows, subjects);
    for (uint32_t i = 0; i < g.base.n_rows && r == 0; i++) {
        struct location location;
        uint32_t number = (uint32_t)subjects[i];
        if (bits[i / 8] >> i % 8 & 1 || number >= s->meta.n_subjects ||
            m->is_hot[number / 8] >> number % 8 & 1)
            continue;
        r = location_get(t, number, &location);
        if (r == 0 && location.runs[s->meta.first_runs] == key->run && location.segment >= LOCATION_FIRST)
            m->list[m->n++] = (struct mover){.number = number, .run = key->run, .segment = location.segment};
    }
    return r;
}

/* Gathers from the groups of the first generation until there are enough. 1: there may be more. */
static int gather(struct store *s, struct txn *t, struct movers *m)
{
    struct fact_key key = {.generation = s->meta.generation};
    uint8_t bytes[FACT_KEY_BYTES];
    struct walk walk;
    fact_key_put(bytes, &key);
    int r = walk_open(&walk, t, DB_DEAD, bytes, sizeof(bytes));
    while (r == 0 && m->n < SUBJECTS_MAX && walk_next(&walk) && fact_key_get(&walk.key, &key) &&
           key.generation == s->meta.generation)
        r = look_into(s, t, m, &key, &walk.value);
    walk_close(&walk, t);
    return r < 0 ? r : t->rc ? -EIO : m->n >= SUBJECTS_MAX;
}

/* Folds them into a run of their own, and buries where they were. */
static int move(struct store *s, struct txn *t, struct movers *m)
{
    struct location_change *changes = malloc(m->n * sizeof(*changes));
    struct memtable *dead = memtable_new(&s->pool);
    struct segment_cache cache = {0};
    uint32_t run = s->meta.next_segment++;
    unsigned first = s->meta.first_runs;
    const size_t n_groups = (m->n + GROUP_SUBJECTS - 1) / GROUP_SUBJECTS, per_group = m->n / n_groups + 1;
    size_t n = 0;
    int r = changes && dead ? 0 : -ENOMEM;
    qsort(m->list, m->n, sizeof(*m->list), by_number);
    facts_begin(s->folder.writer, t, s->meta.generation, run, 0);
    for (size_t i = 0; i < m->n && r == 0; i++) {
        const struct mover *mover = &m->list[i];
        struct hot alone;
        if (i > 0 && m->list[i - 1].number == mover->number)
            continue; /* it has rows in two groups of the run */
        r = hot_init(&alone);
        struct subject *subject = r == 0 ? hot_add(&alone, mover->number, false, mover->number, 0) : NULL;
        if (r == 0)
            r = subject ? segment_load(&cache, t, &alone, subject, mover->segment) : -ENOMEM;
        if (r == 0 && n && n % per_group == 0)
            r = facts_cut(s->folder.writer);
        if (r == 0)
            r = store_fold_out(s, &s->folder, s->before, subject);
        hot_fini(&alone);
        if (r == 0)
            r = facts_bury(t, dead, s->meta.generation, mover->run, mover->number, 0);
        changes[n] = (struct location_change){.number = mover->number,
                                              .location = {LOCATION_KEEP, {LOCATION_KEEP, LOCATION_KEEP}}};
        changes[n++].location.runs[first] = run;
    }
    segment_cache_fini(&cache);
    if (r == 0)
        r = facts_finish(s->folder.writer);
    if (r == 0)
        r = facts_settle_dead(t, dead);
    if (r == 0)
        r = location_put(t, changes, n);
    memtable_unref(dead);
    free(changes);
    return r;
}

int store_compact(struct store *s, struct error *err)
{
    struct store_meta before = s->meta;
    struct movers m = {0};
    struct txn t;
    if (!s->may_compact || !store_has_first(s))
        return 0;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    r = movers_init(&m, s);
    int more = r == 0 ? gather(s, &t, &m) : r;
    r = more < 0 ? more : 0;
    if (r == 0 && m.n == 0) {
        txn_abort(&t);
        s->may_compact = false;
    } else {
        if (r == 0)
            r = move(s, &t, &m);
        r = store_step_end(s, &t, &before, r, err);
        s->may_compact = more == 1;
    }
    movers_fini(&m);
    if (r == 0)
        store_publish(s);
    return r < 0 ? r : s->may_compact;
}
