#include "core/store/draft.h"

#include "core/store/fetch.h"

#include <stdlib.h>
#include <string.h>

/* --- as it was
 * ------------------------------------------------------------------------------------------------------- */

/* Where many tickets come back that have lately cooled down there is more room for them, and otherwise less.
 */
static void adapt_room(struct store *s)
{
    if (s->n_revived > s->journal_events / STORE_REVIVED_SHARE)
        s->kept_events += s->kept_events / 4;
    else
        s->kept_events -= s->kept_events / 64;
    s->kept_events = s->kept_events < s->kept_least  ? s->kept_least
                     : s->kept_events > s->kept_most ? s->kept_most
                                                     : s->kept_events;
    s->n_revived = 0;
}

/* In seals since it was touched; those that are closed grow old sooner, as hardly any comes back. */
static uint32_t age_of(const struct store *s, const struct subject *subject)
{
    return (s->epoch - subject->epoch) * (subject->is_closed ? STORE_CLOSED_AGES : 1);
}

/* From which age on subjects cool down: so that what stays has at most so many events, but for those that
 * were touched since the last seal. */
static uint32_t cooling_age(const struct store *s)
{
    enum { AGES = 256 };
    uint64_t n_events[AGES] = {0}, n = 0;
    for (size_t i = 0; i < s->hot.n; i++) {
        uint32_t age = age_of(s, s->hot.list[i]);
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
    d->entries = malloc(capacity * sizeof(*d->entries));
    if (!d->list || !d->order || !d->entries) {
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
    d->n_in_directory = s->meta.n_in_directory;
    d->segment = s->meta.next_segment;
    d->generation = store_has_first(s) && kind != SEAL_SWITCH ? s->meta.generation : 0;
    d->n = hot->n;
    adapt_room(s);
    const uint32_t age = kind == SEAL_ALL ? 0 : cooling_age(s);
    d->n_written = 0;
    for (size_t i = 0; i < d->n; i++) {
        struct subject *subject = hot->list[i];
        hot_prefetch_place(hot, i);
        subject->cools = age_of(s, subject) >= age;
        d->list[i] = (struct draft_subject){.was = *subject, .hot = subject};
        if (subject->cools || subject->n_events > subject->n_sealed)
            d->order[d->n_written++] = (struct draft_place){.number = subject->number, .at = (uint32_t)i};
    }
    s->meta.next_segment += 2; /* its own, and the run of the second generation */
    hot_hold(&s->hot);
    return 0;
}

void draft_release(struct draft *d)
{
    hot_release(&d->store->hot);
    d->n = d->n_written = 0;
}

void draft_fini(struct draft *d)
{
    free(d->list);
    free(d->order);
    free(d->entries);
    *d = (struct draft){0};
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct draft_place *)a)->number, y = ((const struct draft_place *)b)->number;
    return x < y ? -1 : x > y;
}

FETCHES fetch_events_ahead(const struct draft *d, size_t i)
{
    enum { AHEAD = 6, BYTES_MAX = 512 };
    if (i + AHEAD >= d->n_written)
        return;
    const struct subject *next = &draft_at(d, i + AHEAD)->was;
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

/* --- shares
 * ----------------------------------------------------------------------------------------------------------
 */

/* Some of the list: all that is written of them. Whoever reads their events first has them near for the
 * facts. */
struct share {
    const struct draft *draft;
    struct sealer *sealer;
    size_t first, end;
    int r;
    pthread_t thread;
};

static int sealer_begin(struct sealer *sealer, const struct draft *d, uint16_t place)
{
    int r = store_folder_make(&sealer->folder);
    if (r == 0 && !sealer->segment)
        r = segment_writer_new(&sealer->segment);
    if (r < 0)
        return r;
    segment_begin(sealer->segment, NULL, d->segment, place);
    facts_begin(sealer->folder.writer, NULL, d->generation, d->segment, place);
    return 0;
}

static void *make_share(void *context)
{
    struct share *share = context;
    const struct draft *d = share->draft;
    const struct sealer *sealer = share->sealer;
    int r = 0;
    for (size_t i = share->first; i < share->end && r == 0; i++) {
        const struct subject *subject = &draft_at(d, i)->was;
        fetch_events_ahead(d, i);
        if (subject->n_events > subject->n_sealed)
            r = write_events(sealer->segment, subject);
        if (r == 0 && subject->cools && d->generation)
            r = store_fold_out(d->store, &sealer->folder, d->store->before, subject);
    }
    if (r == 0)
        r = segment_finish(sealer->segment);
    if (r == 0)
        r = facts_finish(sealer->folder.writer);
    share->r = r;
    return NULL;
}

static void list_entries(struct draft *d)
{
    d->n_entries = 0;
    for (size_t i = 0; i < d->n; i++) {
        const struct subject *subject = &d->list[i].was;
        if (subject->number >= d->n_in_directory)
            d->entries[d->n_entries++] = (struct directory_entry){
                .hash = subject->hash, .number = subject->number, .is_loose = subject->is_loose};
    }
    directory_sort(d->entries, d->n_entries);
}

/* They mostly are already: numbers are given in order of arrival. */
static void sort_order(struct draft *d)
{
    bool sorted = true;
    for (size_t i = 1; i < d->n_written && sorted; i++)
        sorted = d->order[i - 1].number < d->order[i].number;
    if (!sorted)
        qsort(d->order, d->n_written, sizeof(*d->order), by_number);
}

/* What is drafted beside commits is shared with a second thread, half and half. */
int draft_make(struct draft *d)
{
    enum { SECOND_PLACE = UINT16_MAX / 2 };
    struct sealer *sealers = d->store->sealers;
    const size_t n = d->n_written;
    sort_order(d);
    struct share first = {.draft = d, .sealer = &sealers[0], .end = n}, second = {0};
    bool is_shared =
        n > 1 && d->n >= d->store->seal_beside && sealer_begin(&sealers[1], d, SECOND_PLACE) == 0;
    if (is_shared) {
        second = (struct share){.draft = d, .sealer = &sealers[1], .first = n / 2, .end = n};
        is_shared = pthread_create(&second.thread, NULL, make_share, &second) == 0;
    }
    if (is_shared)
        first.end = second.first;
    else if (sealers[1].segment) /* nothing of an earlier draft is put */
        (void)sealer_begin(&sealers[1], d, SECOND_PLACE);
    int r = sealer_begin(&sealers[0], d, 0);
    if (r == 0) {
        (void)make_share(&first);
        r = first.r;
    }
    list_entries(d);
    if (is_shared)
        (void)pthread_join(second.thread, NULL);
    return r < 0 ? r : second.r;
}

int draft_put(struct draft *d, struct txn *t)
{
    struct sealer *sealers = d->store->sealers;
    int r = 0;
    for (unsigned i = 0; i < 2 && r == 0 && sealers[i].segment; i++) {
        r = segment_put(sealers[i].segment, t);
        if (r == 0)
            r = facts_put(sealers[i].folder.writer, t);
    }
    return r;
}
