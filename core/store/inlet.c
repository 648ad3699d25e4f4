#include "core/store/inlet.h"

#include "core/store/commit.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct taking {
    const struct inlet_site *site;
    const struct inlet_parcel *parcel;
    struct inlet_taken *taken;
};

/* A name as it is here: the site's in front. -EPERM name_too_long. */
static int name_here(const char *site, const char *name, char ret[STORE_NAME_BYTES + 1], struct error *err)
{
    int n = snprintf(ret, STORE_NAME_BYTES + 1, "%s%s%s", site, *site ? "/" : "", name);
    if (n <= STORE_NAME_BYTES)
        return 0;
    (void)error_set(err, -EPERM, "name_too_long", "%s/%s is longer than the %d bytes that a name may have",
                    site, name, STORE_NAME_BYTES);
    error_hint(err, "give the site a shorter name");
    return -EPERM;
}

uint64_t store_site_hash(const struct store *s, const char *site, uint64_t hash)
{
    if (!*site || hash == 0)
        return hash;
    /* A directory keeps the hashes of loose events as their complement, and nobody can tell which is which
     * where nothing but the hash is left: so the two go together. */
    bool is_high = hash >> 63;
    uint64_t low = is_high ? ~hash : hash;
    low = store_hash(s, 's', site, &low, sizeof(low));
    return is_high ? ~low : low;
}

static int refused(int reject, struct error *err)
{
    if (reject < 0)
        return reject;
    return error_set(err, -EPERM, event_reject_code((enum event_reject)reject), "%s",
                     event_reject_sentence((enum event_reject)reject));
}

/* --- what has a transaction of its own --- */

static int take_records(struct store *s, const struct inlet_parcel *p, struct error *err)
{
    struct reference *next;
    if (p->n_records == 0)
        return 0;
    int r = reference_new(s->environment->reference, &next);
    if (r < 0)
        return error_set(err, r, "no_memory", "out of memory for the reference tables");
    for (size_t i = 0; i < p->n_records && r == 0; i++) {
        const struct inlet_record *record = &p->records[i];
        if (record->data)
            r = reference_row_decode(next, record->data, record->size, err);
        else if ((r = reference_remove_calendar(next, record->calendar, &record->valid_from, NULL)) ==
                 -ENOENT)
            r = 0; /* gone already */
    }
    if (r < 0) {
        reference_unref(next);
        return r;
    }
    return store_set_reference(s, next, err);
}

static int take_resets(struct store *s, const struct taking *t, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < t->parcel->n_sources && r == 0; i++) {
        const struct store_source *record = &t->parcel->sources[i].record;
        char name[STORE_NAME_BYTES + 1];
        uint64_t n_events;
        r = name_here(t->site->name, record->name, name, err);
        const struct source *known = r == 0 ? sources_find(s->sources, s->n_sources, name) : NULL;
        if (known && record->generation > known->record.generation)
            r = store_source_renew(s, name, record->generation, &n_events, err);
    }
    return r;
}

/* --- the commit --- */

static int take_source(struct commit *c, const struct taking *t, const struct inlet_source *from,
                       struct error *err)
{
    char name[STORE_NAME_BYTES + 1], namespace[STORE_NAME_BYTES + 1];
    struct pending *p;
    int r = name_here(t->site->name, from->record.name, name, err);
    if (r == 0)
        r = name_here(t->site->name, from->record.namespace, namespace, err);
    if (r < 0)
        return r;
    const struct source *known = sources_find(c->store->sources, c->store->n_sources, name);
    if (known && known->record.generation > from->record.generation)
        return 0; /* from before a reset that is known here */
    r = commit_pending(c, name, namespace, &p);
    if (r < 0)
        return r;
    p->source.record = from->record;
    memcpy(p->source.record.name, name, sizeof(name));
    memcpy(p->source.record.namespace, namespace, sizeof(namespace));
    if (from->sealed && from->sealed_size <= sizeof(p->source.sealed)) {
        memcpy(p->source.sealed, from->sealed, from->sealed_size);
        p->source.sealed_size = (uint32_t)from->sealed_size;
    }
    return 0;
}

/* What an origin of the parcel is here. */
struct origin {
    uint16_t number;
    bool is_past; /* of a generation that is gone: so are its events */
};

static int find_origin(struct commit *c, const struct taking *t, const struct inlet_origin *from,
                       struct origin *ret, struct error *err)
{
    char name[STORE_NAME_BYTES + 1], label[SOURCE_LABEL_BYTES];
    uint32_t number = 0;
    const struct store_source *record = NULL;
    int r = name_here(t->site->name, from->name, name, err);
    for (size_t i = 0; i < c->n_pending && !record; i++)
        if (strcmp(c->pending[i]->source.record.name, name) == 0)
            record = &c->pending[i]->source.record;
    if (r == 0 && !record) {
        const struct source *known = sources_find(c->store->sources, c->store->n_sources, name);
        record = known ? &known->record : NULL;
    }
    if (r == 0 && (!record || from->generation > record->generation))
        r = error_set(err, -EBADMSG, "malformed", "an event's source was not told of before it");
    if (r < 0)
        return r;
    ret->is_past = from->generation < record->generation;
    size_t size = source_label(record, label);
    r = dictionary_intern(c->store->dictionary, DICTIONARY_SOURCE, label, size, &number, NULL);
    ret->number = (uint16_t)number;
    return r;
}

static int intern_name(struct commit *c, const struct taking *t, const char *name, uint16_t *ret,
                       struct error *err)
{
    char here[STORE_NAME_BYTES + 1];
    uint32_t number = 0;
    int r = name_here(t->site->name, name, here, err);
    if (r == 0)
        r = dictionary_intern(c->store->dictionary, DICTIONARY_NAMESPACE, here, strlen(here), &number, NULL);
    *ret = (uint16_t)number;
    return r;
}

static int intern_string(struct commit *c, unsigned field, const struct wire_string *string, uint32_t *ret,
                         struct error *err)
{
    int r = dictionary_intern(c->store->dictionary, field, string->data, string->size, ret, NULL);
    return r == -ENOSPC ? refused(REJECT_DIMENSION_FULL, err) : r;
}

static int make_event(struct commit *c, const struct taking *t, const struct inlet_event *from,
                      struct event *e, struct error *err)
{
    *e = (struct event){.at = from->at, .id = from->id, .seq = from->seq, .type = from->type};
    e->ref = store_site_hash(c->store, t->site->name, from->ref);
    int r = 0;
    for (uint32_t i = 0; i < from->n_values && r == 0; i++) {
        const struct wire_value *v = &t->parcel->values[from->first_value + i];
        int64_t number = 0;
        uint32_t interned = 0;
        if (event_field_kind(v->field) == VALUE_DICTIONARY && !v->nil) {
            r = intern_string(c, v->field, &v->string, &interned, err);
            number = interned;
        } else if (!v->nil) {
            number = v->number;
        }
        e->fields[e->n_fields++] = event_field_pack((enum event_field)v->field, number);
    }
    return r;
}

/* --- what has left the log --- */

static const struct subject *find_hot(const struct commit *c, uint64_t stored)
{
    const struct subject *hot = hot_find(&c->store->hot, stored, false);
    return hot ? hot : hot_find(&c->store->hot, ~stored, true);
}

/* 1 and the number when a subject is known by its stored hash. */
static int find_stored(struct commit *c, uint64_t stored, uint32_t *ret)
{
    const struct subject *hot = find_hot(c, stored);
    if (!hot)
        return directory_find(c->store->directory, &c->txn, stored, false, ret);
    *ret = hot->number;
    return 1;
}

/* New subjects that are nothing but a place, with numbers in the order in which they come between the others.
 * runs[1] counts the pieces of their facts that have come. */
struct leaving {
    struct directory_entry *entries;
    struct location_change *changes;
    size_t n, n_erased, next;
};

static int leaving_init(struct leaving *l, const struct inlet_parcel *p)
{
    *l = (struct leaving){.entries = malloc((p->n_left + 1) * sizeof(*l->entries)),
                          .changes = malloc((p->n_left + 1) * sizeof(*l->changes))};
    return l->entries && l->changes ? 0 : -ENOMEM;
}

static void leaving_fini(struct leaving *l)
{
    free(l->entries);
    free(l->changes);
}

/* Those that come before an event. */
static int leaving_add(struct commit *c, const struct taking *t, struct leaving *l, size_t event)
{
    int r = 0;
    for (; l->next < t->parcel->n_left && t->parcel->left[l->next].n_before <= event && r == 0; l->next++) {
        const struct inlet_left *left = &t->parcel->left[l->next];
        uint64_t stored = store_site_hash(c->store, t->site->name, left->stored);
        uint32_t number;
        r = find_stored(c, stored, &number);
        if (r != 0) { /* known already */
            r = r < 0 ? r : 0;
            continue;
        }
        if (c->store->meta.n_subjects == UINT32_MAX)
            return -EOVERFLOW;
        number = c->store->meta.n_subjects++;
        l->entries[l->n] = (struct directory_entry){.hash = stored, .number = number};
        l->changes[l->n++] = (struct location_change){
            .number = number,
            .location = {.segment = left->is_erased ? LOCATION_ERASED : LOCATION_FROZEN,
                         .runs = {left->day, 0}}};
        l->n_erased += left->is_erased;
    }
    return r;
}

static int leaving_write(struct commit *c, struct leaving *l, struct error *err)
{
    if (l->n == 0)
        return 0;
    directory_sort(l->entries, l->n);
    int r = directory_add(c->store->directory, &c->txn, l->entries, l->n);
    for (size_t i = 0; i < l->n && r == 0; i++)
        if ((i > 0 && l->entries[i].hash == l->entries[i - 1].hash) || find_hot(c, l->entries[i].hash))
            r = error_set(err, -EBADMSG, "malformed",
                          "a ticket has left the log twice, or has events all the same");
    if (r == 0)
        r = location_put(&c->txn, l->changes, l->n);
    if (r == 0)
        store_retired_add(&c->txn, l->n - l->n_erased, l->n_erased);
    return r;
}

static int take_events(struct commit *c, struct taking *t, struct error *err)
{
    const struct inlet_parcel *p = t->parcel;
    struct origin *origins = calloc(p->n_origins + 1, sizeof(*origins));
    uint16_t *names = calloc(p->n_names + 1, sizeof(*names));
    struct leaving leaving;
    int r = leaving_init(&leaving, p);
    if (r == 0 && (!origins || !names))
        r = -ENOMEM;
    for (size_t i = 0; i < p->n_origins && r == 0; i++)
        r = find_origin(c, t, &p->origins[i], &origins[i], err);
    for (size_t i = 0; i < p->n_names && r == 0; i++)
        r = intern_name(c, t, p->names[i], &names[i], err);
    for (size_t i = 0; i < p->n_events && r == 0; i++) {
        const struct inlet_event *from = &p->events[i];
        uint8_t room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
        struct event *e = (struct event *)room;
        enum taken taken = TAKEN_DUPLICATE;
        r = leaving_add(c, t, &leaving, i);
        if (r < 0 || origins[from->source].is_past)
            continue;
        r = make_event(c, t, from, e, err);
        e->source = origins[from->source].number;
        if (r == 0)
            r = commit_event(c, store_site_hash(c->store, t->site->name, from->hash), from->is_loose,
                             names[from->namespace], e, &taken);
        if (p->is_again && (r == REJECT_FROZEN || r == REJECT_ERASED))
            r = 0;
        if (r > 0)
            r = refused(r, err);
        t->taken->n_accepted += r == 0 && taken == TAKEN_NEW;
        t->taken->n_duplicates += r == 0 && taken == TAKEN_DUPLICATE;
    }
    if (r == 0)
        r = leaving_add(c, t, &leaving, p->n_events);
    if (r == 0)
        r = leaving_write(c, &leaving, err);
    leaving_fini(&leaving);
    free(origins);
    free(names);
    return r;
}

/* --- facts of what has left the log --- */

/* Facts with the number of their subject here. */
struct placed {
    const struct inlet_facts *facts;
    uint32_t number;
};

static int fill_strings(struct commit *c, const struct inlet_parcel *p, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < p->n_strings && r == 0; i++) {
        const struct inlet_string *s = &p->strings[i];
        struct fact_row *row = &p->rows[s->row];
        uint32_t number = 0;
        r = intern_string(c, s->field, &s->string, &number, err);
        if (s->column < FACT_VALUES_MAX) {
            row->values[s->column] = number;
        } else {
            unsigned d = s->column - FACT_VALUES_MAX;
            row->dimensions[d / FIELD_N_DIMENSIONS][d % FIELD_N_DIMENSIONS] = (uint16_t)number;
        }
    }
    return r;
}

static void hash_row(struct commit *c, const char *site, struct fact_row *row)
{
    static const struct {
        enum fact_table table;
        unsigned column;
    } HASHES[] = {{FACT_RATING, FACT_RATING_RESPONDENT},
                  {FACT_ANSWER, FACT_ANSWER_RESPONDENT},
                  {FACT_SENDING, FACT_SENDING_RESPONDENT},
                  {FACT_MERGE, FACT_MERGE_HASH},
                  {FACT_MERGE, FACT_MERGE_INTO}};
    for (size_t i = 0; i < sizeof(HASHES) / sizeof(*HASHES); i++)
        if (row->table == HASHES[i].table)
            row->values[HASHES[i].column] =
                (int64_t)store_site_hash(c->store, site, (uint64_t)row->values[HASHES[i].column]);
}

static int write_facts(struct commit *c, const struct taking *t, const struct placed *placed, size_t n,
                       struct error *err)
{
    struct store *s = c->store;
    int r = 0;
    facts_begin(s->folder.writer, &c->txn, FACTS_FROZEN, s->meta.next_segment++, 0);
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct inlet_facts *f = placed[i].facts;
        uint16_t namespace = 0;
        if (i > 0 && placed[i].number < placed[i - 1].number) { /* the subjects of a run ascend */
            r = facts_finish(s->folder.writer);
            facts_begin(s->folder.writer, &c->txn, FACTS_FROZEN, s->meta.next_segment++, 0);
        }
        if (r == 0)
            r = intern_name(c, t, t->parcel->names[f->namespace], &namespace, err);
        if (r == 0)
            r = facts_subject(s->folder.writer, f->n_rows);
        for (uint32_t k = 0; k < f->n_rows && r == 0; k++) {
            struct fact_row *row = &t->parcel->rows[f->first_row + k];
            row->values[FACT_SUBJECT] = placed[i].number;
            row->values[FACT_NAMESPACE] = namespace;
            hash_row(c, t->site->name, row);
            r = facts_add(s->folder.writer, row);
        }
    }
    if (r == 0)
        r = facts_finish(s->folder.writer);
    s->meta.frozen_version = FACT_VERSION;
    return r;
}

static int take_facts(struct commit *c, const struct taking *t, struct error *err)
{
    const struct inlet_parcel *p = t->parcel;
    struct placed *placed = malloc((p->n_facts + 1) * sizeof(*placed));
    size_t n = 0;
    int r = placed ? fill_strings(c, p, err) : -ENOMEM;
    for (size_t i = 0; i < p->n_facts && r == 0; i++) {
        struct location location;
        uint32_t number;
        r = find_stored(c, store_site_hash(c->store, t->site->name, p->facts[i].stored), &number);
        if (r <= 0) {
            r = r < 0 ? r
                      : error_set(err, -EBADMSG, "malformed",
                                  "frozen facts came before their ticket was told of");
            break;
        }
        r = location_get(&c->txn, number, &location);
        /* Not those of a ticket that lives on here, and none a second time. */
        if (r == 0 && location.segment == LOCATION_FROZEN && location.runs[1] <= p->facts[i].piece)
            placed[n++] = (struct placed){&p->facts[i], number};
    }
    if (r == 0 && n)
        r = write_facts(c, t, placed, n, err);
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct location_change change = {
            .number = placed[i].number,
            .location = {.segment = LOCATION_KEEP, .runs = {LOCATION_KEEP, placed[i].facts->piece + 1}}};
        r = location_put(&c->txn, &change, 1);
    }
    free(placed);
    return r;
}

static int take_site(struct commit *c, const struct taking *t)
{
    char name[STORE_NAME_BYTES + 2];
    struct pending *p;
    if (!*t->site->name)
        return 0;
    (void)snprintf(name, sizeof(name), "%s/", t->site->name);
    int r = commit_pending(c, name, t->site->name, &p);
    if (r < 0)
        return r;
    p->source.record.last_seq = t->site->seq;
    p->source.record.last_commit = c->now;
    p->source.record.accepted += t->taken->n_accepted;
    p->source.record.duplicates += t->taken->n_duplicates;
    return t->site->cursor ? commit_seal_cursor(c->store, &p->source, t->site->cursor, t->site->cursor_size)
                           : 0;
}

static int parcel_take(struct commit *c, void *context, struct error *err)
{
    struct taking *t = context;
    int r = 0;
    *t->taken = (struct inlet_taken){0};
    for (size_t i = 0; i < t->parcel->n_sources && r == 0; i++)
        r = take_source(c, t, &t->parcel->sources[i], err);
    if (r == 0)
        r = take_events(c, t, err);
    if (r == 0 && t->parcel->n_facts)
        r = take_facts(c, t, err);
    return r == 0 ? take_site(c, t) : r;
}

int store_take(struct store *s, const struct inlet_site *site, const struct inlet_parcel *parcel,
               struct inlet_taken *ret, struct error *err)
{
    struct taking t = {site, parcel, ret};
    store_turn_take(s);
    int r = s->must_reload ? store_reload(s, err) : 0;
    if (r == 0)
        r = take_records(s, parcel, err);
    if (r == 0)
        r = take_resets(s, &t, err);
    if (r == 0)
        r = commit_run(s, parcel_take, &t, err);
    store_turn_give(s);
    return r;
}
