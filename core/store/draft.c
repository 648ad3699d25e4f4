#include "core/store/draft.h"

#include <stdlib.h>
#include <string.h>

/* --- as it was
 * ------------------------------------------------------------------------------------------------------- */

/* From which age on, in seals since they were touched, subjects cool down: so that what stays has at most so
 * many events, but for those that were touched since the last seal. */
static uint32_t cooling_age(const struct store *s)
{
    enum { AGES = 256 };
    uint64_t n_events[AGES] = {0}, n = 0;
    for (size_t i = 0; i < s->hot.n; i++) {
        uint32_t age = s->epoch - s->hot.list[i]->epoch;
        hot_prefetch_place(&s->hot, i);
        n_events[age < AGES ? age : AGES - 1] += s->hot.list[i]->n_events;
    }
    uint32_t age = 0;
    do
        n += n_events[age++];
    while (age < AGES && n + n_events[age] <= s->kept_events);
    return age;
}

/* The lists are large and there is one after the other: their memory stays. */
static int reserve(struct draft *d, size_t n)
{
    if (n <= d->capacity)
        return 0;
    size_t capacity = n + n / 4;
    draft_fini(d);
    d->list = malloc(capacity * sizeof(*d->list));
    d->order = malloc(capacity * sizeof(*d->order));
    if (!d->list || !d->order) {
        draft_fini(d);
        return -ENOMEM;
    }
    d->capacity = capacity;
    return 0;
}

int draft_take(struct draft *d, struct store *s, enum seal_kind kind)
{
    const struct hot *hot = &s->hot;
    if (reserve(d, hot->n) < 0)
        return -ENOMEM;
    d->store = s;
    d->position = s->meta.position;
    d->n_subjects = s->meta.n_subjects;
    d->segment = s->meta.next_segment;
    d->generation = store_has_first(s) && kind != SEAL_SWITCH ? s->meta.generation : 0;
    d->n = hot->n;
    const uint32_t age = kind == SEAL_ALL ? 0 : cooling_age(s);
    for (size_t i = 0; i < d->n; i++) {
        struct subject *subject = hot->list[i];
        hot_prefetch_place(hot, i);
        subject->cools = s->epoch - subject->epoch >= age;
        d->list[i] = (struct draft_subject){.was = *subject, .hot = subject};
        d->order[i] = (struct draft_place){.number = subject->number, .at = (uint32_t)i};
    }
    hot_hold(&s->hot);
    return 0;
}

void draft_release(struct draft *d)
{
    hot_release(&d->store->hot);
    d->n = 0;
}

void draft_fini(struct draft *d)
{
    free(d->list);
    free(d->order);
    *d = (struct draft){0};
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct draft_place *)a)->number, y = ((const struct draft_place *)b)->number;
    return x < y ? -1 : x > y;
}

static void fetch_events_ahead(const struct draft *d, size_t i)
{
    enum { AHEAD = 6, BYTES_MAX = 512 };
    if (i + AHEAD >= d->n)
        return;
    const struct subject *next = &draft_at(d, i + AHEAD)->was;
    if (next->cools || next->n_events > next->n_sealed)
        for (uint32_t at = 0; at < next->size && at < BYTES_MAX; at += 64)
            __builtin_prefetch(next->data + at);
}

/* --- events
 * ----------------------------------------------------------------------------------------------------------
 */

static bool is_after(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at > b->at : a->seq > b->seq;
}

/* Most events come in order, and what does not is only written a little larger: a few steps back are enough.
 */
static void insert_by_time(const struct event **events, size_t n, const struct event *e)
{
    enum { STEPS_MAX = 16 };
    size_t at = n;
    for (; at > 0 && n - at < STEPS_MAX && is_after(events[at - 1], e); at--)
        events[at] = events[at - 1];
    events[at] = e;
}

/* The events that are in no segment yet, by time: neighbours differ least. */
static int write_events(struct segment_writer *w, const struct subject *subject)
{
    const struct event *few[64], **events = few;
    size_t n = 0, n_new = subject->n_events - subject->n_sealed;
    if (n_new > 64) {
        events = malloc(n_new * sizeof(*events));
        if (!events)
            return -ENOMEM;
    }
    uint32_t i = 0;
    for (const struct event *e = subject_first(subject); e; e = subject_next(subject, e))
        if (i++ >= subject->n_sealed)
            insert_by_time(events, n++, e);
    int r = 0;
    for (size_t k = 0; k < n && r == 0; k++)
        r = segment_add(w, subject, events[k], subject->last_segment);
    if (events != few)
        free((void *)events);
    return r;
}

/* --- facts
 * -----------------------------------------------------------------------------------------------------------
 */

/* The facts of some of the list, of those that cool down. */
struct share {
    const struct draft *draft;
    const struct folder *folder;
    size_t first, end;
    int r;
    pthread_t thread;
};

static int fold_one(const struct share *share, size_t i)
{
    const struct draft *d = share->draft;
    const struct subject *subject = &draft_at(d, i)->was;
    return subject->cools ? store_fold_out(d->store, share->folder, d->store->before, subject) : 0;
}

static void *fold_share(void *context)
{
    struct share *share = context;
    for (size_t i = share->first; i < share->end && share->r == 0; i++) {
        fetch_events_ahead(share->draft, i);
        share->r = fold_one(share, i);
    }
    if (share->r == 0)
        share->r = facts_finish(share->folder->writer);
    return NULL;
}

/* Where a list is long a second thread makes the last three quarters of the facts: beside it the events and
 * the first quarter take as long. */
static bool second_begin(struct share *share, const struct draft *d)
{
    struct folder *folder = &d->store->sealers[1];
    if (!d->generation || d->n < DRAFT_SHARED || store_folder_make(folder) < 0)
        return false;
    facts_begin(folder->writer, NULL, d->generation, d->segment, UINT16_MAX / 2);
    *share = (struct share){.draft = d, .folder = folder, .first = d->n / 4, .end = d->n};
    return pthread_create(&share->thread, NULL, fold_share, share) == 0;
}

int draft_make(struct draft *d)
{
    struct store *s = d->store;
    struct share first = {.draft = d, .folder = &s->sealers[0]}, second = {0};
    qsort(d->order, d->n, sizeof(*d->order), by_number);
    int r = store_folder_make(&s->sealers[0]);
    if (r < 0)
        return r;
    bool is_shared = second_begin(&second, d);
    first.end = !d->generation ? 0 : is_shared ? second.first : d->n;
    segment_begin(s->segment_writer, NULL, d->segment);
    facts_begin(s->sealers[0].writer, NULL, d->generation, d->segment, 0);
    if (!is_shared && s->sealers[1].writer)
        facts_begin(s->sealers[1].writer, NULL, d->generation, d->segment, 0);
    for (size_t i = 0; i < d->n && r == 0; i++) {
        const struct subject *subject = &draft_at(d, i)->was;
        fetch_events_ahead(d, i);
        if (subject->n_events > subject->n_sealed)
            r = write_events(s->segment_writer, subject);
        if (r == 0 && i < first.end)
            r = fold_one(&first, i);
    }
    if (r == 0)
        r = segment_finish(s->segment_writer);
    if (r == 0)
        r = facts_finish(s->sealers[0].writer);
    if (is_shared)
        (void)pthread_join(second.thread, NULL);
    return r < 0 ? r : second.r;
}

int draft_put(struct draft *d, struct txn *t)
{
    struct store *s = d->store;
    int r = segment_put(s->segment_writer, t);
    for (unsigned i = 0; i < 2 && r == 0; i++)
        if (s->sealers[i].writer)
            r = facts_put(s->sealers[i].writer, t);
    return r;
}
