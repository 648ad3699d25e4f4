/* What an outlet gives: sources, tables, subjects, frozen facts, and then what commits did. */
#include "core/store/outgoing.h"
#include "core/store/outlet_inside.h"

#include <stdlib.h>
#include <string.h>

enum {
    SUBJECTS = 1024,     /* of a read, at most */
    PIECE_ROWS = 256,    /* of one subject's frozen facts at once */
    GROUPS = 4,          /* of frozen facts of a read */
    ROWS = 4096,         /* of reference tables of a read */
    LOG_BYTES = 1 << 20, /* of what commits did, of a read */
    WINDOW = 1 << 18     /* subjects whose hashes are looked up at once */
};

struct reading {
    struct store *store;
    struct store_outlet *outlet;
    struct txn txn;
    const struct outlet_sink *sink;
    struct outlet_cursor at; /* what the outlet's is when the read is done */
    uint64_t n;
};

static void next_phase(struct reading *k)
{
    k->at.phase++;
    k->at.place = 0;
    memset(k->at.fact, 0, sizeof(k->at.fact));
}

/* Tells of all sources, again where there are new ones or generations: no event comes before its source. */
static int give_sources(struct reading *k)
{
    const struct store *s = k->store;
    uint64_t sum = 0;
    int r = 0;
    for (size_t i = 0; i < s->n_sources; i++) /* only the committer writes them */
        sum += s->sources[i]->record.generation;
    if (sum == k->outlet->sources)
        return 0;
    for (size_t i = 0; i < s->n_sources && r == 0; i++)
        if (!source_is_site(s->sources[i]->record.name))
            r = k->sink->source(k->sink->context, &s->sources[i]->record, s->sources[i]->sealed,
                                s->sources[i]->sealed_size);
    if (r == 0)
        k->outlet->sources = sum;
    return r;
}

static int read_sources(struct reading *k)
{
    int r = give_sources(k);
    next_phase(k);
    return r;
}

static int give_record(struct reading *k, struct buffer *b, int encoded)
{
    int r =
        encoded < 0 || buffer_failed(b) ? -ENOMEM : k->sink->reference(k->sink->context, b->data, b->size);
    buffer_fini(b);
    return r;
}

struct rows {
    struct reading *reading;
    enum reference_table table;
};

static int give_row(void *context, const char *key, const struct reference_row *row)
{
    struct rows *rows = context;
    struct reading *k = rows->reading;
    struct buffer b;
    if (k->n < k->outlet->at.place) { /* given by a read before */
        k->n++;
        return 0;
    }
    buffer_init(&b, 1 << 20);
    int r = give_record(k, &b, reference_row_encode(&b, rows->table, key, row));
    k->n++;
    return r < 0 ? r : ++k->at.place - k->outlet->at.place >= ROWS;
}

static int give_calendar(void *context, const char *name, const struct reference_calendar *c)
{
    struct reading *k = ((struct rows *)context)->reading;
    struct buffer b;
    if (k->n < k->outlet->at.place) {
        k->n++;
        return 0;
    }
    buffer_init(&b, 8 << 20);
    int r = give_record(k, &b, reference_calendar_encode(&b, name, c));
    k->n++;
    return r < 0 ? r : ++k->at.place - k->outlet->at.place >= ROWS;
}

static int give_code(void *context, const char *dimension, const char *value)
{
    struct reading *k = ((struct rows *)context)->reading;
    struct buffer b;
    if (k->n < k->outlet->at.place) {
        k->n++;
        return 0;
    }
    buffer_init(&b, 1 << 20);
    int r = give_record(k, &b, reference_code_encode(&b, dimension, value));
    k->n++;
    return r < 0 ? r : ++k->at.place - k->outlet->at.place >= ROWS;
}

static int read_reference(struct reading *k)
{
    struct rows rows = {.reading = k};
    int r = 0;
    for (rows.table = 0; rows.table < REFERENCE_N && r == 0; rows.table++)
        r = reference_each(k->outlet->reference, rows.table, give_row, &rows);
    if (r == 0)
        r = reference_each_calendar(k->outlet->reference, give_calendar, &rows);
    if (r == 0)
        r = reference_each_code(k->outlet->reference, give_code, &rows);
    if (r == 0) {
        next_phase(k);
        k->at.place = 1; /* the first subject */
    }
    return r < 0 ? r : 0;
}

/* A source's name and generation, of its label. */
static void source_of(const struct store *s, uint16_t number, char name[STORE_NAME_BYTES + 1],
                      uint32_t *ret_generation)
{
    const char *label = dictionary_string(s->dictionary, DICTIONARY_SOURCE, number);
    const char *space = label ? strchr(label, ' ') : NULL;
    size_t size = space ? (size_t)(space - label) : label ? strlen(label) : 0;
    size = size < STORE_NAME_BYTES ? size : STORE_NAME_BYTES;
    if (size)
        memcpy(name, label, size);
    name[size] = '\0';
    *ret_generation = space ? (uint32_t)strtoul(space + 1, NULL, 10) : 1;
}

static int give_event(struct reading *k, uint64_t hash, bool is_loose, uint16_t namespace,
                      const struct event *e)
{
    char name[STORE_NAME_BYTES + 1];
    struct outlet_event o = {.hash = hash, .is_loose = is_loose, .source = name, .event = e};
    source_of(k->store, e->source, name, &o.generation);
    o.namespace = dictionary_string(k->store->dictionary, DICTIONARY_NAMESPACE, namespace);
    if (!o.namespace || !name[0])
        return -EBADMSG;
    return k->sink->event(k->sink->context, &o);
}

/* An order that two stores with the same events agree in, whatever numbers they have given. */
static int by_time(const void *x, const void *y, void *context)
{
    const struct event *a = *(const struct event *const *)x, *b = *(const struct event *const *)y;
    const struct store *s = context;
    int r = 0;
#define COMPARE(of)                                                                                          \
    if (a->of != b->of)                                                                                      \
    return a->of < b->of ? -1 : 1
    COMPARE(at);
    COMPARE(seq);
    COMPARE(type);
    COMPARE(id);
    COMPARE(ref);
    COMPARE(n_fields);
#undef COMPARE
    for (unsigned i = 0; i < a->n_fields && r == 0; i++) {
        enum event_field f = event_field_of(a->fields[i]), g = event_field_of(b->fields[i]);
        int64_t n = event_number_of(a->fields[i]), m = event_number_of(b->fields[i]);
        if (f != g)
            return f < g ? -1 : 1;
        const char *p =
            event_field_kind(f) == VALUE_DICTIONARY ? dictionary_string(s->dictionary, f, (uint32_t)n) : NULL;
        const char *q = p ? dictionary_string(s->dictionary, f, (uint32_t)m) : NULL;
        r = p && q ? strcmp(p, q) : (n > m) - (n < m);
    }
    return r ? r : (a->source > b->source) - (a->source < b->source);
}

static int give_subject(struct reading *k, const struct subject *subject, uint64_t hash)
{
    const struct event **events = malloc((subject->n_events + 1) * sizeof(*events));
    size_t n = 0;
    int r = events ? 0 : -ENOMEM;
    for (const struct event *e = r == 0 ? subject_first(subject) : NULL; e; e = subject_next(subject, e))
        if (!environment_drops(k->store->environment, e->source))
            events[n++] = e;
    if (n > 1)
        qsort_r(events, n, sizeof(*events), by_time, k->store);
    for (size_t i = 0; i < n && r == 0; i++)
        r = give_event(k, hash, subject->is_loose, subject->namespace, events[i]);
    free(events);
    return r;
}

static int window_load(struct reading *k, uint32_t first)
{
    struct store_outlet *o = k->outlet;
    if (!o->window && !(o->window = malloc(WINDOW * sizeof(*o->window))))
        return -ENOMEM;
    o->has_window = false;
    int r = directory_reverse(&k->txn, first, WINDOW, o->window);
    o->has_window = r == 0;
    o->window_first = first;
    o->n_subjects = k->store->meta.n_subjects;
    o->n_in_directory = k->store->meta.n_in_directory;
    return r;
}

/* The hash of a subject that is in the directory; 0: it has none there. */
static int stored_of(struct reading *k, uint32_t number, uint64_t *ret)
{
    struct store_outlet *o = k->outlet;
    uint32_t first = number / WINDOW * WINDOW;
    int r = o->has_window && o->window_first == first ? 0 : window_load(k, first);
    /* It may have come into the directory since. */
    bool is_old =
        o->n_subjects != k->store->meta.n_subjects || o->n_in_directory != k->store->meta.n_in_directory;
    if (r == 0 && o->window[number - first] == 0 && is_old)
        r = window_load(k, first);
    if (r == 0)
        *ret = o->window[number - first];
    return r;
}

static int give_left(struct reading *k, uint32_t number, const struct location *location)
{
    struct outlet_left left = {.is_erased = location->segment == LOCATION_ERASED, .day = location->runs[0]};
    int r = stored_of(k, number, &left.stored);
    return r < 0 || left.stored == 0 ? r : k->sink->left(k->sink->context, &left);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = (*(const struct subject *const *)a)->number, y = (*(const struct subject *const *)b)->number;
    return x < y ? -1 : x > y;
}

/* The subjects of a slice, hot ones between the others. */
static int slice_list(const struct reading *k, const struct slice *slice, const struct subject ***ret,
                      size_t *ret_n)
{
    const struct hot *hot = &k->store->hot;
    const struct subject **list = malloc((slice->events.n + (slice->end - slice->first) + 1) * sizeof(*list));
    size_t n = 0;
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < slice->events.n; i++)
        list[n++] = slice->events.list[i];
    for (size_t i = 0; i < hot->n; i++)
        if (hot->list[i]->number >= slice->first && hot->list[i]->number < slice->end)
            list[n++] = hot->list[i];
    qsort(list, n, sizeof(*list), by_number);
    *ret = list;
    *ret_n = n;
    return 0;
}

static int give_slice(struct reading *k, const struct slice *slice)
{
    uint32_t n_numbers = slice->end - slice->first;
    const struct subject **list = NULL;
    size_t n = 0, at = 0;
    struct location *locations = malloc(n_numbers * sizeof(*locations));
    int r = locations ? locations_get(&k->txn, slice->first, n_numbers, locations) : -ENOMEM;
    if (r == 0)
        r = slice_list(k, slice, &list, &n);
    if (r < 0) {
        free(locations);
        return r;
    }
    for (uint32_t i = 0; i < n_numbers && r == 0; i++) {
        uint32_t number = slice->first + i;
        uint64_t hash = 0;
        bool is_gone = locations[i].segment == LOCATION_FROZEN || locations[i].segment == LOCATION_ERASED;
        if (at < n && list[at]->number == number) {
            const struct subject *subject = list[at++];
            if (slice->is_hot[i])
                hash = subject->hash;
            else if ((r = stored_of(k, number, &hash)) == 0)
                hash = directory_stored(hash, subject->is_loose); /* back */
            if (r == 0)
                r = give_subject(k, subject, hash);
        } else if (is_gone) {
            r = give_left(k, number, &locations[i]);
        }
        k->at.place = number + 1;
        if (r == 0)
            r = k->sink->mark(k->sink->context, &k->at);
    }
    free(list);
    free(locations);
    return r;
}

static int read_subjects(struct reading *k)
{
    struct store *s = k->store;
    struct store_outlet *o = k->outlet;
    struct slice slice = {0};
    uint32_t first = (uint32_t)k->at.place, left = s->meta.n_subjects - first;
    if (first >= s->meta.n_subjects) {
        next_phase(k);
        struct fact_key key = {.generation = FACTS_FROZEN};
        fact_key_put(k->at.fact, &key);
        return 0;
    }
    if (o->log_version != s->log_version) { /* blocks were written anew */
        extents_fini(&o->extents);
        o->log_version = s->log_version;
    }
    int r = give_sources(k);
    if (r == 0)
        r = extents_update(&o->extents, s, &k->txn);
    if (r == 0)
        r = slice_read(&slice, s, &o->extents, &k->txn, first, first + (left < SUBJECTS ? left : SUBJECTS));
    if (r == 0)
        r = give_slice(k, &slice);
    slice_fini(&slice);
    return r;
}

/* --- frozen facts --- */

struct group_columns {
    struct rowgroup_reader *reader;
    const int64_t *values[FACT_N_TABLES][FACT_VALUES_MAX];
    const uint16_t *dimensions[FACT_N_TABLES][2][FIELD_N_DIMENSIONS];
    uint32_t n[FACT_N_TABLES], next[FACT_N_TABLES];
};

static int group_read(struct group_columns *g, const struct rowgroup *group)
{
    int r = 0;
    rowgroup_reader_set(g->reader, group);
    for (unsigned t = 0; t < FACT_N_TABLES && r == 0; t++) {
        g->n[t] = rowgroup_reader_rows(g->reader, t);
        g->next[t] = 0;
        for (unsigned c = 0; g->n[t] && c < FACT_TABLE_INFO[t].n_values && r == 0; c++)
            r = rowgroup_reader_value(g->reader, t, c, &g->values[t][c]);
        for (unsigned set = 0; g->n[t] && set < FACT_TABLE_INFO[t].n_sets && r == 0; set++)
            for (unsigned f = 0; f < FIELD_N_DIMENSIONS && r == 0; f++)
                r = rowgroup_reader_dimension(g->reader, t, set, f, &g->dimensions[t][set][f]);
    }
    return r;
}

static void row_get(const struct group_columns *g, unsigned t, uint32_t i, struct fact_row *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->table = (uint8_t)t;
    for (unsigned c = 0; c < FACT_TABLE_INFO[t].n_values; c++)
        ret->values[c] = g->values[t][c][i];
    for (unsigned set = 0; set < FACT_TABLE_INFO[t].n_sets; set++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            ret->dimensions[set][f] = g->dimensions[t][set][f][i];
}

/* The rows of one subject of the group, which come next in each table. */
static int give_rows(struct reading *k, struct group_columns *g, uint32_t number, uint16_t namespace,
                     bool holds)
{
    struct fact_row *rows = NULL;
    size_t n = 0;
    int r = 0;
    for (unsigned t = 0; t < FACT_N_TABLES && r == 0; t++)
        for (; g->next[t] < g->n[t] && g->values[t][FACT_SUBJECT][g->next[t]] == number; g->next[t]++) {
            struct fact_row *more = holds ? realloc(rows, (n + 1) * sizeof(*rows)) : NULL;
            if (holds && !more) {
                r = -ENOMEM;
                break;
            }
            if (!holds)
                continue;
            rows = more;
            row_get(g, t, g->next[t], &rows[n++]);
        }
    uint64_t stored = 0;
    const char *name = dictionary_string(k->store->dictionary, DICTIONARY_NAMESPACE, namespace);
    if (r == 0 && n)
        r = stored_of(k, number, &stored);
    if (r == 0 && n && (!name || !stored))
        r = -EBADMSG;
    for (size_t i = 0; i < n && r == 0; i += PIECE_ROWS) {
        k->at.place = k->at.place >> 16 == number ? k->at.place + 1 : (uint64_t)number << 16 | 1;
        r = k->sink->facts(k->sink->context, stored, (uint32_t)(k->at.place & 0xffff) - 1, name, rows + i,
                           n - i < PIECE_ROWS ? n - i : PIECE_ROWS);
    }
    free(rows);
    return r;
}

static int give_group(struct reading *k, struct group_columns *g, const struct walk *walk)
{
    struct rowgroup group;
    const int64_t *subjects, *namespaces;
    MDB_val bits;
    int r = rowgroup_open(&group, walk->value.mv_data, walk->value.mv_size, true);
    if (r == 0)
        r = group_read(g, &group);
    if (r == 0)
        r = rowgroup_reader_base(g->reader, FACT_SUBJECT, &subjects);
    if (r == 0)
        r = rowgroup_reader_base(g->reader, FACT_NAMESPACE, &namespaces);
    bool has_dead = r == 0 && txn_get(&k->txn, DB_DEAD, walk->key.mv_data, walk->key.mv_size, &bits) &&
                    bits.mv_size == (group.base.n_rows + 7) / 8;
    for (uint32_t i = 0; r == 0 && i < group.base.n_rows; i++) {
        bool holds = !has_dead || !(((const uint8_t *)bits.mv_data)[i / 8] >> i % 8 & 1);
        r = give_rows(k, g, (uint32_t)subjects[i], (uint16_t)namespaces[i], holds);
    }
    return r;
}

static int read_facts(struct reading *k)
{
    struct group_columns *g = calloc(1, sizeof(*g));
    struct walk walk;
    unsigned n = 0;
    int r = g ? rowgroup_reader_new(&g->reader) : -ENOMEM;
    if (r == 0)
        r = walk_open(&walk, &k->txn, DB_FACTS, k->at.fact, FACT_KEY_BYTES);
    if (r < 0) {
        if (g)
            rowgroup_reader_free(g->reader);
        free(g);
        return r;
    }
    while (r == 0 && n < GROUPS && walk_next(&walk)) {
        struct fact_key key;
        if (!fact_key_get(&walk.key, &key)) {
            r = -EBADMSG;
            break;
        }
        r = give_group(k, g, &walk);
        key.run += key.place == UINT16_MAX; /* behind it */
        key.place++;
        fact_key_put(k->at.fact, &key);
        n++;
        if (r == 0)
            r = k->sink->mark(k->sink->context, &k->at);
    }
    walk_close(&walk, &k->txn);
    rowgroup_reader_free(g->reader);
    free(g);
    if (r == 0 && n < GROUPS)
        next_phase(k);
    return r;
}

/* --- what commits did --- */

static int log_source(void *context, const struct store_source *source)
{
    struct reading *k = context;
    return k->sink->source(k->sink->context, source, NULL, 0);
}

static int log_event(void *context, const struct journal_head *head, const struct event *e)
{
    return give_event(context, head->hash, head->is_loose, head->namespace, e);
}

static int log_reference(void *context, const void *record, size_t size)
{
    struct reading *k = context;
    return k->sink->reference(k->sink->context, record, size);
}

static int log_calendar(void *context, const char *name, int64_t valid_from)
{
    struct reading *k = context;
    return k->sink->calendar_removed(k->sink->context, name, valid_from);
}

static int log_mark(void *context, uint64_t next)
{
    struct reading *k = context;
    k->at.serial = next;
    return k->sink->mark(k->sink->context, &k->at);
}

static int read_log(struct reading *k)
{
    const struct outgoing_sink sink = {.context = k,
                                       .source = log_source,
                                       .event = log_event,
                                       .reference = log_reference,
                                       .calendar_removed = log_calendar,
                                       .mark = log_mark};
    return outgoing_read(k->store, &k->txn, k->at.serial, LOG_BYTES, &sink);
}

static int outlet_read(struct reading *k)
{
    int r = 0;
    switch ((enum outlet_phase)k->at.phase) {
    case OUTLET_SOURCES:
        r = read_sources(k);
        break;
    case OUTLET_REFERENCE:
        r = read_reference(k);
        break;
    case OUTLET_SUBJECTS:
        r = read_subjects(k);
        break;
    case OUTLET_FACTS:
        r = read_facts(k);
        break;
    case OUTLET_LOG:
    case OUTLET_PHASES:
        return read_log(k);
    }
    if (r == 0)
        r = k->sink->mark(k->sink->context, &k->at);
    return r < 0 ? r : 1;
}

int store_outlet_read(struct store *s, struct store_outlet *o, const struct outlet_sink *sink,
                      struct error *err)
{
    struct reading k = {.store = s, .outlet = o, .sink = sink, .at = o->at};
    struct error none = ERROR_INIT;
    store_turn_take(s);
    int r = s->must_reload ? store_reload(s, err) : 0;
    if (r == 0)
        r = txn_begin(&k.txn, &s->db, false, err);
    if (r == 0) {
        r = outlet_read(&k);
        txn_abort(&k.txn);
        if (r < 0 && err && strcmp(err->code, none.code) == 0)
            (void)error_set(err, r, r == -ENOENT ? "outlet_lost" : "store_corrupt",
                            "what the store holds cannot be read on: %s", strerror(-r));
    }
    if (r >= 0)
        o->at = k.at;
    else
        o->sources = 0; /* what it told of them may have been thrown away */
    if (o->used_at)
        o->used_at = store_now_ms();
    store_turn_give(s);
    return r;
}
