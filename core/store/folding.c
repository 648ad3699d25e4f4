/* Folding what is hot: subjects that were touched, to rows of the memtable, and any subject to a run of row
 * groups. */
#include "core/store/fetch.h"
#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Folds a subject's events by an environment, to the rows of a set of tables. */
static int fold_into(const struct store *s, struct fold *fold, const struct environment *e,
                     const struct subject *subject, uint32_t tables,
                     int (*emit)(void *context, const struct fact_row *row), void *context)
{
    const struct event *few[64], **events = few;
    if (subject->n_events > 64) {
        events = malloc(subject->n_events * sizeof(*events));
        if (!events)
            return -ENOMEM;
    }
    size_t n = environment_events(e, s->environment, subject, events);
    struct fold_environment environment = {
        .dictionary = s->dictionary,
        .reference = e->reference,
        .settings = &e->settings,
        .declared = (const char(*)[EVENT_CODE_BYTES + 1]) s->declared,
        .n_declared = atomic_load_explicit(&s->n_declared, memory_order_acquire),
    };
    struct fold_subject of = {.number = subject->number,
                              .namespace = subject->namespace,
                              .is_loose = subject->is_loose,
                              .hash = subject->hash};
    int r = n ? fold_run(fold, &environment, &of, events, n, tables, emit, context) : 0;
    if (events != few)
        free((void *)events);
    return r;
}

/* --- to a list, or a run
 * ----------------------------------------------------------------------------------------------------------
 */

static int keep_row(void *context, const struct fact_row *row)
{
    struct store *s = context;
    if (s->n_rows == s->rows_capacity) {
        size_t capacity = s->rows_capacity ? s->rows_capacity * 2 : 64;
        struct fact_row *rows = realloc(s->rows, capacity * sizeof(*rows));
        if (!rows)
            return -ENOMEM;
        s->rows = rows;
        s->rows_capacity = capacity;
    }
    s->rows[s->n_rows++] = *row;
    return 0;
}

int store_make_rows(struct store *s, const struct environment *e, const struct subject *subject)
{
    s->n_rows = 0;
    return fold_into(s, s->folder.fold, e, subject, FACT_TABLES_ALL, keep_row, s);
}

static int write_row(void *writer, const struct fact_row *row)
{
    return facts_add(writer, row);
}

int store_fold_out(const struct store *s, const struct folder *f, const struct environment *e,
                   const struct subject *subject)
{
    int r = facts_subject(f->writer, subject->n_events + 1);
    return r < 0 ? r : fold_into(s, f->fold, e, subject, FACT_TABLES_ALL, write_row, f->writer);
}

int store_folder_make(struct folder *f)
{
    if (!f->fold && fold_new(&f->fold) < 0)
        return -ENOMEM;
    return f->writer ? 0 : facts_writer_new(&f->writer);
}

void store_folder_free(struct folder *f)
{
    fold_free(f->fold);
    facts_writer_free(f->writer);
    *f = (struct folder){0};
}

/* --- to the memtable
 * ----------------------------------------------------------------------------------------------------------
 */

static uint64_t digest_of(const struct fact_row *row)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[row->table];
    uint64_t values = XXH3_64bits(row->values, info->n_values * sizeof(*row->values));
    return XXH3_64bits_withSeed(row->dimensions, info->n_sets * sizeof(*row->dimensions), values);
}

/* Puts the rows that the fold makes of a subject, of the tables that somebody asks for, in place of those
 * that it had. Both come by table, then in the fold's order: a row that is where it was stays. */
struct placing {
    struct placer *placer;
    unsigned writer; /* of the memtable */
    struct subject *subject;
    struct memtable *memtable;
    uint64_t tick;
    uint32_t n_old, n; /* of the subject's rows: dealt with; of the placer's: made */
};

static void end_old(struct placing *p)
{
    const struct subject_row *old = &p->subject->rows[p->n_old++];
    memtable_end(p->memtable, p->writer, old->table, old->row, p->tick);
}

static int place_row(void *context, const struct fact_row *row)
{
    struct placing *p = context;
    struct placer *placer = p->placer;
    const struct subject *of = p->subject;
    const uint64_t digest = digest_of(row);
    if (p->n == placer->capacity) {
        size_t capacity = placer->capacity ? placer->capacity * 2 : 64;
        struct subject_row *rows = realloc(placer->rows, capacity * sizeof(*rows));
        if (!rows)
            return -ENOMEM;
        placer->rows = rows;
        placer->capacity = capacity;
    }
    while (p->n_old < of->n_rows && of->rows[p->n_old].table < row->table)
        end_old(p);
    if (p->n_old < of->n_rows && of->rows[p->n_old].table == row->table) {
        if (of->rows[p->n_old].digest == digest) {
            placer->rows[p->n++] = of->rows[p->n_old++];
            return 0;
        }
        end_old(p);
    }
    int64_t number = memtable_add(p->memtable, p->writer, row, p->tick, p->subject);
    if (number < 0)
        return (int)number;
    placer->rows[p->n++] =
        (struct subject_row){.digest = digest, .row = (uint32_t)number, .table = row->table};
    return 0;
}

static int place_rows(struct store *s, unsigned writer, const struct environment *e, struct subject *subject,
                      struct memtable *m, uint64_t tick)
{
    struct placer *placer = &s->placers[writer];
    struct placing p = {.placer = placer, .writer = writer, .subject = subject, .memtable = m, .tick = tick};
    int r = fold_into(s, placer->fold, e, subject, s->tables, place_row, &p);
    if (r < 0)
        return r;
    while (p.n_old < subject->n_rows)
        end_old(&p);
    if (p.n > subject->rows_capacity) {
        (void)pthread_mutex_lock(&s->placing_lock);
        r = subject_reserve_rows(&s->hot, subject, p.n);
        (void)pthread_mutex_unlock(&s->placing_lock);
    }
    if (r < 0)
        return r;
    if (p.n)
        memcpy(subject->rows, placer->rows, p.n * sizeof(*placer->rows));
    subject->n_rows = p.n;
    return 0;
}

int store_placer_make(struct placer *p)
{
    return p->fold ? 0 : fold_new(&p->fold);
}

void store_placer_free(struct placer *p)
{
    fold_free(p->fold);
    free(p->rows);
    *p = (struct placer){0};
}

int store_fold_anew(struct store *s, const struct environment *e, struct subject *subject, struct memtable *m)
{
    subject->n_rows = 0;
    return place_rows(s, 0, e, subject, m, 0);
}

/* --- what is touched
 * ----------------------------------------------------------------------------------------------------------
 */

static int touched_add(struct touched *touched, struct subject *subject)
{
    if (subject->is_touched)
        return 0;
    if (touched->n == touched->capacity) {
        size_t capacity = touched->capacity ? touched->capacity * 2 : 1024;
        struct subject **list = realloc(touched->list, capacity * sizeof(struct subject *));
        if (!list)
            return -ENOMEM;
        touched->list = list;
        touched->capacity = capacity;
    }
    subject->is_touched = true;
    touched->list[touched->n++] = subject;
    return 0;
}

int store_touch(struct store *s, struct subject *subject)
{
    subject->epoch = s->epoch;
    return touched_add(&s->touched, subject);
}

/* What folding the subjects up to end, now at place i, is going to look at, and the rows of theirs that it
 * ends: all over memory. Those behind the end are another thread's. */
FETCHES fetch_ahead(const struct memtable *m, struct subject *const *list, size_t i, size_t end)
{
    enum { FAR = 12, NEAR = 6, NEXT = 3, BYTES_MAX = 512 };
    if (i + FAR < end)
        __builtin_prefetch(list[i + FAR]);
    if (i + NEAR < end) {
        const struct subject *near = list[i + NEAR];
        for (uint32_t at = 0; at < near->size && at < BYTES_MAX; at += 64)
            __builtin_prefetch(near->data + at);
        __builtin_prefetch(near->rows);
        __builtin_prefetch((const uint8_t *)near->rows + 64);
    }
    if (i + NEXT < end) {
        const struct subject *next = list[i + NEXT];
        for (uint32_t k = 0; k < next->n_rows; k++)
            memtable_prefetch_end(m, next->rows[k].table, next->rows[k].row);
    }
}

/* What is touched, and who folds it: each takes the next few until there are none left. */
struct share {
    struct store *store;
    unsigned writer;
    atomic_size_t *next;
    int r;
};

static void *fold_share(void *context)
{
    enum { FEW = 512 };
    struct share *share = context;
    struct store *s = share->store;
    const struct touched *touched = &s->touched;
    size_t first;
    while (share->r == 0 && (first = atomic_fetch_add(share->next, FEW)) < touched->n) {
        const size_t end = first + FEW < touched->n ? first + FEW : touched->n;
        for (size_t i = first; i < end && share->r == 0; i++) {
            struct subject *subject = touched->list[i];
            fetch_ahead(s->memtable, touched->list, i, end);
            share->r = place_rows(s, share->writer, store_environment(s), subject, s->memtable, s->tick);
            subject->is_touched = false;
        }
    }
    return NULL;
}

/* With a second thread where it is much. */
int store_fold_touched(struct store *s)
{
    atomic_size_t next = 0;
    struct share own = {.store = s, .next = &next}, other = {.store = s, .writer = 1, .next = &next};
    pthread_t thread;
    bool has_other = s->touched.n >= s->fold_beside && store_placer_make(&s->placers[1]) == 0 &&
                     pthread_create(&thread, NULL, fold_share, &other) == 0;
    (void)fold_share(&own);
    if (has_other)
        (void)pthread_join(thread, NULL);
    s->touched.n = 0;
    return own.r < 0 ? own.r : other.r;
}

void store_forget_tables(struct store *s)
{
    const int64_t now = store_now_ms();
    for (unsigned t = 0; t < FACT_N_TABLES; t++)
        if (now - atomic_load_explicit(&s->table_asked_at[t], memory_order_relaxed) >= s->tables_ms)
            s->tables &= ~FACT_TABLE_BIT(t);
}

/* Rows of these tables are to be made of all that is hot, too. */
static int want_tables(struct store *s, uint32_t tables)
{
    int r = 0;
    if ((tables & ~s->tables) == 0)
        return 0;
    for (size_t i = 0; i < s->hot.n && r == 0; i++) {
        hot_prefetch_place(&s->hot, i);
        r = touched_add(&s->touched, s->hot.list[i]);
    }
    if (r == 0)
        s->tables |= tables;
    return r;
}

int store_catch_up(struct store *s, uint32_t tables, struct error *err)
{
    int r = s->must_reload ? store_reload(s, err) : 0;
    if (r < 0)
        return r;
    r = want_tables(s, tables);
    if (r == 0)
        r = store_fold_touched(s);
    if (r < 0) {
        s->must_reload = true;
        return error_set(err, r, r == -ENOMEM ? "no_memory" : "store_failed",
                         "the newest events could not be folded: %s", strerror(-r));
    }
    store_publish(s);
    return 0;
}
