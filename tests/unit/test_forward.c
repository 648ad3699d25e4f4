/* A store that travels: into a new one, and to a central one beside commits, seals, resets and changes of its
 * tables, over crashes of both ends; and parcels that are not what they should be. */
#include "core/base/instant.h"
#include "core/fold/fact.h"
#include "core/forward/form.h"
#include "core/forward/reader.h"
#include "core/store/inlet.h"
#include "core/store/outlet.h"

#include "store_made.h"

#include <ctype.h>
#include <unistd.h>

enum { SLICE = 7, HOT = 60, N_SOURCES = 3, DAY_MS = 86400000 };

static const char *const SOURCES[N_SOURCES] = {"desk", "phone", "mail"};

static void must(int r, const struct error *err)
{
    if (r < 0)
        fail_msg("%s: %s", err->code, err->message);
}

static unsigned source_of(unsigned event)
{
    return event % 7 == 0 ? 1 : event % 5 == 0 ? 2 : 0;
}

/* --- a store and what happens to it --- */

struct world {
    char path[64];
    struct store *store;
    uint64_t rng, seq[N_SOURCES];
    int64_t now; /* of the last pass of retention */
    unsigned n_resets, n_changes;
};

static void world_init(struct world *w, uint64_t seed)
{
    *w = (struct world){.rng = seed * UINT64_C(0x9e3779b97f4a7c15), .now = instant_now()};
    make_directory(w->path);
    w->store = open_store_sliced(w->path, HOT, SLICE);
}

static void world_fini(struct world *w)
{
    store_close(w->store);
    remove_store(w->path);
}

static void reopen(struct world *w, bool crashes)
{
    if (crashes)
        crash_store(w->store, w->path);
    else
        store_close(w->store);
    w->store = open_store_sliced(w->path, HOT, SLICE);
}

static void send_some(struct world *w)
{
    unsigned source = (unsigned)(next_random(&w->rng) % N_SOURCES), order[24];
    uint32_t accepted = 0, duplicates = 0;
    size_t n = 0;
    for (unsigned tries = 0; tries < 60 && n < 24; tries++) {
        unsigned event = (unsigned)(next_random(&w->rng) % N_EVENTS);
        bool is_in = source_of(event) != source;
        for (size_t i = 0; i < n && !is_in; i++)
            is_in = order[i] == event;
        if (!is_in)
            order[n++] = event;
    }
    commit_as(w->store, SOURCES[source], "desk", order, n, &w->seq[source], &accepted, &duplicates);
}

static void reset(struct world *w)
{
    struct error err = ERROR_INIT;
    struct store_source before;
    unsigned source = 1 + (unsigned)(next_random(&w->rng) % (N_SOURCES - 1));
    uint64_t n_events = 0;
    if (store_source_get(w->store, SOURCES[source], &before) == 0)
        return;
    must(store_source_reset(w->store, SOURCES[source], &n_events, &err), &err);
    w->seq[source] = 0;
    w->n_resets++;
}

/* One team is somebody else's from some day on. */
static void change_tables(struct world *w)
{
    static const char *const EMPLOYERS[] = {"acme", "globex", "initech"};
    struct error err = ERROR_INIT;
    const char *values[REFERENCE_ATTRIBUTES_N] = {NULL};
    char key[16];
    struct store_view *v;
    struct reference *next;
    must(store_view_open(w->store, FACT_TABLES_ALL, &v, &err), &err);
    assert_int_equal(reference_new(store_view_reference(v), &next), 0);
    store_view_close(v);
    (void)snprintf(key, sizeof(key), "team %u", (unsigned)(next_random(&w->rng) % 5));
    values[REFERENCE_EMPLOYER] = EMPLOYERS[next_random(&w->rng) % 3];
    values[REFERENCE_TEAM_TIER] = next_random(&w->rng) % 2 ? "1" : "2";
    int64_t from = next_random(&w->rng) % 2
                       ? INT64_MIN
                       : INT64_C(1700000000000) + (int64_t)(next_random(&w->rng) % 60) * DAY_MS;
    must(reference_set(next, REFERENCE_TEAM, key, from, values, &err), &err);
    must(store_set_reference(w->store, next, &err), &err);
    w->n_changes++;
}

static void live(struct world *w)
{
    struct error err = ERROR_INIT;
    switch (next_random(&w->rng) % 20) {
    case 0:
        reopen(w, next_random(&w->rng) % 2);
        break;
    case 1:
    case 2:
        must(store_maintain(w->store, true, &err), &err);
        break;
    case 3:
        reset(w);
        break;
    case 4:
        change_tables(w);
        break;
    case 5:
    case 6:
    case 7:
        must(store_refold(w->store, &err), &err);
        break;
    default:
        send_some(w);
        break;
    }
}

/* The day's pass: what is done and older than the events' newest day of some leaves. */
static void retire(struct world *w, unsigned share)
{
    struct error err = ERROR_INIT;
    /* all but that share of the tickets are older */
    const struct store_retention retention = {
        .log_ms =
            w->now - (INT64_C(1700000000000) + (N_TICKETS - N_TICKETS / share) * INT64_C(3600000) * 30)};
    int r;
    finish_refold(w->store);
    w->now += DAY_MS;
    store_set_retention(w->store, &retention);
    while ((r = store_retire(w->store, w->now, &err)) == 1)
        ;
    must(r, &err);
}

/* A ticket that is none of the made ones. */
static void send_new(struct world *w, unsigned n)
{
    struct wire_value value = {.field = FIELD_BY, .number = BY_REQUESTER};
    struct store_reject reject;
    struct error err = ERROR_INIT;
    char ticket[24];
    uint32_t index = 0;
    (void)snprintf(ticket, sizeof(ticket), "new-%u", n);
    struct wire_event event = {.type = EVENT_TICKET_CREATED,
                               .at = INT64_C(1710000000000) + n,
                               .id = string_of("created"),
                               .ticket = string_of(ticket),
                               .n_values = 1,
                               .values = &value};
    struct store_batch batch = {.source = SOURCES[0],
                                .namespace = "desk",
                                .seq = ++w->seq[0],
                                .events = &event,
                                .indices = &index,
                                .n_events = 1,
                                .rejects = &reject};
    must(store_commit(w->store, &batch, 1, &err), &err);
    assert_int_equal(batch.n_accepted, 1);
}

/* --- taking --- */

static const struct event_schema SCHEMA = {.types = UINT32_MAX};

static int take(struct store *to, const char *site, uint64_t seq, const void *bytes, size_t size,
                const struct outlet_cursor *next, struct error *err)
{
    uint8_t check[16], cursor[FORM_CURSOR_BYTES];
    const struct form_rules rules = {.schema = &SCHEMA, .key_check = check};
    const struct inlet_parcel *parcel;
    struct inlet_taken taken;
    struct form_read *f = form_read_new();
    store_key_check(to, check);
    const struct inlet_site from = {
        .name = site, .seq = seq, .cursor = cursor, .cursor_size = form_cursor_write(next, cursor)};
    int r = form_read(f, bytes, size, &rules, &parcel, err);
    if (r == 0)
        r = store_take(to, &from, parcel, &taken, err);
    form_read_free(f);
    return r;
}

/* All parcels of a store, each behind its size. */
static void export_to(struct store *s, struct buffer *out)
{
    struct error err = ERROR_INIT;
    struct store_outlet *o;
    struct forward_reader reader;
    const struct outlet_cursor begin = {0};
    uint64_t id;
    int r;
    must(store_outlet_open(s, &o, &id, &err), &err);
    assert_ptr_equal(store_outlet_find(s, id), o);
    forward_reader_init(&reader, s, o, &begin);
    while ((r = forward_reader_fill(&reader, s, &err)) == 1) {
        const struct form_parcel *p;
        const void *bytes;
        while ((p = forward_reader_parcel(&reader, &bytes))) {
            uint32_t size = (uint32_t)p->size;
            assert_true(p->size <= FORM_PARCEL_BYTES);
            buffer_append(out, &size, sizeof(size));
            buffer_append(out, bytes, p->size);
            forward_reader_taken(&reader);
        }
    }
    must(r, &err);
    assert_false(buffer_failed(out));
    forward_reader_fini(&reader);
    store_outlet_close(s, o);
    assert_null(store_outlet_find(s, id));
}

static void import_from(struct store *s, const struct buffer *in)
{
    struct error err = ERROR_INIT;
    const struct outlet_cursor none = {0};
    for (size_t at = 0; at < in->size;) {
        uint32_t size;
        memcpy(&size, in->data + at, sizeof(size));
        must(take(s, "", 0, in->data + at + sizeof(size), size, &none, &err), &err);
        at += sizeof(size) + size;
    }
}

static void same_sources(struct store *a, struct store *b, const char *site, bool whole)
{
    struct store_source *list, other;
    size_t n, n_other;
    assert_int_equal(store_source_list(a, &list, &n), 0);
    for (size_t i = 0; i < n; i++) {
        char name[2 * STORE_NAME_BYTES];
        (void)snprintf(name, sizeof(name), "%s%s%s", site, *site ? "/" : "", list[i].name);
        assert_int_equal(store_source_get(b, name, &other), 1);
        memcpy(other.name, list[i].name, sizeof(other.name));
        memcpy(other.namespace, list[i].namespace, sizeof(other.namespace));
        assert_memory_equal(&other, &list[i], sizeof(other));
    }
    free(list);
    assert_int_equal(store_source_list(b, &list, &n_other), 0);
    free(list);
    if (whole)
        assert_int_equal(n_other, n);
}

static void same_facts(struct store *a, struct store *b)
{
    finish_refold(a);
    finish_refold(b);
    char *x = dump(a), *y = dump(b);
    if (strcmp(x, y) != 0)
        fail_msg("the facts of the two differ");
    free(x);
    free(y);
}

static void test_export_and_import(void **state)
{
    (void)state;
    unsigned n_resets = 0;
    uint64_t n_frozen = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world w, copy;
        struct buffer first, second;
        struct store_statistics a, b;
        make_events(seed);
        world_init(&w, seed);
        world_init(&copy, seed);
        for (unsigned i = 0; i < 120; i++)
            live(&w);
        for (unsigned i = 0; i < seed % 3; i++)
            retire(&w,
                   2 + 3 * i); /* in one pass or two, so that not all that left is in the order of numbers */
        buffer_init(&first, 64 << 20);
        buffer_init(&second, 64 << 20);
        export_to(w.store, &first);
        import_from(copy.store, &first);
        same_facts(w.store, copy.store);
        same_sources(w.store, copy.store, "", true);
        store_statistics(w.store, &a);
        store_statistics(copy.store, &b);
        assert_int_equal(a.frozen, b.frozen);
        assert_int_equal(a.erased, b.erased);
        n_frozen += a.frozen;
        n_resets += w.n_resets;
        /* What was imported is exported the same, also after restarts, and a second import changes nothing.
         */
        reopen(&copy, seed % 3 == 0);
        import_from(copy.store, &first);
        same_facts(w.store, copy.store);
        export_to(copy.store, &second);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        must(store_reindex(copy.store, &(struct error)ERROR_INIT), &(struct error)ERROR_INIT);
        same_facts(w.store, copy.store);
        /* And goes on as the first one would: a source's next batch, with the cursor that it had. */
        uint8_t cursors[2][STORE_CURSOR_BYTES];
        size_t sizes[2] = {0};
        struct error err = ERROR_INIT;
        must(store_source_cursor(w.store, "desk", cursors[0], &sizes[0], &err), &err);
        must(store_source_cursor(copy.store, "desk", cursors[1], &sizes[1], &err), &err);
        assert_true(sizes[0] > 0);
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(cursors[0], cursors[1], sizes[0]);
        buffer_fini(&first);
        buffer_fini(&second);
        world_fini(&w);
        world_fini(&copy);
        free(EVENTS);
    }
    print_message("%u resets, %llu frozen tickets\n", n_resets, (unsigned long long)n_frozen);
    assert_true(n_resets > 2);
    assert_true(n_frozen > 10);
}

/* What commits did between two reads of an export is in it. */
static void test_export_beside_commits(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct error err = ERROR_INIT;
        struct world w, copy;
        struct store_outlet *o;
        struct forward_reader reader;
        const struct outlet_cursor begin = {0};
        uint64_t id;
        unsigned n = 0;
        int r;
        make_events(seed);
        world_init(&w, seed);
        world_init(&copy, seed);
        for (unsigned i = 0; i < 40; i++)
            send_some(&w);
        must(store_outlet_open(w.store, &o, &id, &err), &err);
        forward_reader_init(&reader, w.store, o, &begin);
        while ((r = forward_reader_fill(&reader, w.store, &err)) == 1) {
            const struct form_parcel *p;
            const void *bytes;
            while ((p = forward_reader_parcel(&reader, &bytes))) {
                must(take(copy.store, "", 0, bytes, p->size, &begin, &err), &err);
                forward_reader_taken(&reader);
            }
            if (n++ < 12) {
                send_some(&w);
                if (n % 4 == 0)
                    reset(&w);
                if (n % 5 == 0)
                    change_tables(&w);
                must(store_maintain(w.store, n % 3 == 0, &err), &err);
            }
        }
        must(r, &err);
        same_facts(w.store, copy.store);
        same_sources(w.store, copy.store, "", true);
        forward_reader_fini(&reader);
        store_outlet_close(w.store, o);
        world_fini(&w);
        world_fini(&copy);
        free(EVENTS);
    }
}

/* --- forwarding --- */

/* A forwarder without its wire. */
struct forwarder {
    struct world *from, *to;
    const char *site;
    struct store_outlet *outlet;
    struct forward_reader reader;
    uint64_t seq;
    bool is_open;
    unsigned n_parcels, n_resumed, n_begun;
};

static void forwarder_close(struct forwarder *f, bool store_is_open)
{
    if (!f->is_open)
        return;
    forward_reader_fini(&f->reader);
    if (store_is_open)
        store_outlet_close(f->from->store, f->outlet);
    f->is_open = false;
}

static void forwarder_open(struct forwarder *f)
{
    struct error err = ERROR_INIT;
    struct store_source site;
    struct outlet_cursor cursor;
    char name[80];
    uint8_t bytes[STORE_CURSOR_BYTES];
    size_t size;
    (void)snprintf(name, sizeof(name), "%s/", f->site);
    f->seq = store_source_get(f->to->store, name, &site) == 1 ? site.last_seq : 0;
    must(store_source_cursor(f->to->store, name, bytes, &size, &err), &err);
    assert_int_equal(form_cursor_read(bytes, size, &cursor), 0);
    f->n_begun += cursor.stream == 0 && f->n_parcels > 0;
    f->n_resumed += cursor.stream != 0;
    must(store_outlet_keep(f->from->store, &cursor, &err), &err);
    if (store_outlet_resume(f->from->store, &cursor, &f->outlet, &err) == -ENOENT) {
        f->n_begun += f->n_parcels > 0;
        cursor = (struct outlet_cursor){0};
        must(store_outlet_keep(f->from->store, &cursor, &err), &err);
        must(store_outlet_resume(f->from->store, &cursor, &f->outlet, &err), &err);
    }
    forward_reader_init(&f->reader, f->from->store, f->outlet, &cursor);
    f->is_open = true;
}

/* Delivers up to n parcels; what is sent twice, as after a cut whose answer was lost, changes nothing. */
static bool forward(struct forwarder *f, unsigned n)
{
    struct error err = ERROR_INIT;
    if (!f->is_open)
        forwarder_open(f);
    while (n > 0) {
        const void *bytes;
        const struct form_parcel *p = forward_reader_parcel(&f->reader, &bytes);
        if (!p) {
            int r = forward_reader_fill(&f->reader, f->from->store, &err);
            must(r, &err);
            if (r == 0)
                return false;
            continue;
        }
        must(take(f->to->store, f->site, ++f->seq, bytes, p->size, &p->next, &err), &err);
        if (f->n_parcels++ % 5 == 0)
            must(take(f->to->store, f->site, f->seq, bytes, p->size, &p->next, &err), &err);
        must(store_outlet_delivered(f->from->store, &p->next, false, &err), &err);
        forward_reader_taken(&f->reader);
        n--;
    }
    return true;
}

static void test_forwarding(void **state)
{
    (void)state;
    unsigned n_resumed = 0, n_begun = 0, n_resets = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct error err = ERROR_INIT;
        struct world site, centre;
        make_events(seed);
        world_init(&site, seed);
        world_init(&centre, seed + 100);
        struct forwarder f = {.from = &site, .to = &centre, .site = "north"};
        for (unsigned i = 0; i < 150; i++) {
            switch (next_random(&site.rng) % 8) {
            case 0: /* the site goes down */
                forwarder_close(&f, true);
                reopen(&site, next_random(&site.rng) % 2);
                break;
            case 1: /* the centre does */
                forwarder_close(&f, true);
                reopen(&centre, next_random(&site.rng) % 2);
                break;
            case 2:
                must(store_refold(centre.store, &err), &err);
                must(store_maintain(centre.store, true, &err), &err);
                break;
            case 3:
            case 4:
                (void)forward(&f, 1 + (unsigned)(next_random(&site.rng) % 3));
                break;
            default:
                if (f.is_open && next_random(&site.rng) % 2)
                    send_some(&site);
                else {
                    forwarder_close(&f, true); /* live may close the store */
                    live(&site);
                }
                break;
            }
        }
        while (forward(&f, 100))
            ;
        same_facts(site.store, centre.store);
        same_sources(site.store, centre.store, "north", true);
        /* Nothing is kept that was delivered. */
        must(store_maintain(site.store, true, &err), &err);
        assert_int_equal(f.n_begun, 0); /* never again from the beginning */
        n_resumed += f.n_resumed;
        n_begun += f.n_begun;
        n_resets += site.n_resets;
        forwarder_close(&f, true);
        reopen(&centre, true);
        same_facts(site.store, centre.store);
        world_fini(&site);
        world_fini(&centre);
        free(EVENTS);
    }
    print_message("%u resumed, %u resets\n", n_resumed, n_resets);
    assert_true(n_resumed > 20);
    assert_true(n_resets > 2);
}

static size_t rows_of(struct store *s)
{
    char *text = dump(s);
    size_t n = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        n++;
    free(text);
    return n;
}

/* Two sites with the same namespaces and ids, and a source of the centre's own: no ticket is shared. */
static void test_two_sites(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct world north, south, centre;
    make_events(3);
    world_init(&north, 1);
    world_init(&south, 1);
    world_init(&centre, 1);
    for (unsigned i = 0; i < 30; i++)
        send_some(&north);
    for (unsigned i = 0; i < 30; i++)
        send_some(&south);
    for (unsigned i = 0; i < 30; i++)
        send_some(&centre);
    size_t n_own = rows_of(centre.store);
    struct forwarder a = {.from = &north, .to = &centre, .site = "north"},
                     b = {.from = &south, .to = &centre, .site = "south"};
    bool more;
    do {
        more = forward(&a, 1);
        more |= forward(&b, 1);
    } while (more);
    assert_int_equal(rows_of(centre.store), n_own + rows_of(north.store) + rows_of(south.store));
    same_sources(north.store, centre.store, "north", false);
    same_sources(south.store, centre.store, "south", false);
    struct store_source *sites;
    size_t n;
    assert_int_equal(store_site_list(centre.store, &sites, &n), 0);
    assert_int_equal(n, 2);
    assert_string_equal(sites[0].name, "north/");
    assert_true(sites[0].accepted > 0);
    free(sites);
    uint64_t h = store_hash_ticket(centre.store, "desk", "T-1", 3);
    assert_true(store_site_hash(centre.store, "north", h) != store_site_hash(centre.store, "south", h));
    assert_true(store_site_hash(centre.store, "north", ~h) == ~store_site_hash(centre.store, "north", h));
    /* A centre is a site of another one: names grow in front. */
    struct world top;
    world_init(&top, 1);
    struct forwarder c = {.from = &centre, .to = &top, .site = "east"};
    while (forward(&c, 10))
        ;
    assert_int_equal(rows_of(top.store), rows_of(centre.store));
    struct store_source source;
    assert_int_equal(store_source_get(top.store, "east/north/desk", &source), 1);
    assert_string_equal(source.namespace, "east/north/desk");
    forwarder_close(&a, true);
    forwarder_close(&b, true);
    forwarder_close(&c, true);
    must(store_outlet_drop(north.store, &err), &err);
    world_fini(&north);
    world_fini(&south);
    world_fini(&centre);
    world_fini(&top);
    free(EVENTS);
}

/* Tickets wait with leaving the log until they were delivered, but not for ever; and what is kept too long
 * goes, after which the reader begins anew. */
static void test_hold(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct world site, centre;
    struct store_statistics s;
    make_events(4);
    world_init(&site, 4);
    world_init(&centre, 4);
    for (unsigned i = 0; i < 40; i++)
        send_some(&site);
    struct forwarder f = {.from = &site, .to = &centre, .site = "north"};
    store_set_forward_hold(site.store, INT64_C(30) * DAY_MS);
    forwarder_open(&f);
    const uint64_t n_facts = rows_of(site.store);
    retire(&site, 2);
    store_statistics(site.store, &s);
    assert_int_equal(s.frozen, 0);
    /* Behind it they leave, delivered or not. */
    site.now += INT64_C(31) * DAY_MS;
    retire(&site, 2);
    store_statistics(site.store, &s);
    assert_true(s.frozen > 0);
    while (forward(&f, 100))
        ;
    forwarder_close(&f, true);
    assert_int_equal(rows_of(centre.store), n_facts);
    same_facts(site.store, centre.store);
    /* Nobody reads: entries wait, and go when they are overdue. */
    for (unsigned i = 0; i < 3; i++)
        send_new(&site, i);
    const uint64_t end = store_outlet_end(site.store);
    store_set_forward_hold(site.store, 1);
    (void)usleep(3000);
    must(store_maintain(site.store, true, &err), &err);
    assert_int_equal(store_outlet_end(site.store), end);
    assert_int_equal(f.n_begun, 0);
    while (forward(&f, 100))
        ;
    assert_int_equal(f.n_begun, 1);
    same_facts(site.store, centre.store);
    forwarder_close(&f, true);
    world_fini(&site);
    world_fini(&centre);
    free(EVENTS);
}

/* --- what is refused --- */

static void test_refusals(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct world w, copy;
    struct buffer all;
    const struct outlet_cursor none = {0};
    make_events(2);
    world_init(&w, 2);
    world_init(&copy, 2);
    for (unsigned i = 0; i < 40; i++)
        send_some(&w);
    retire(&w, 2);
    buffer_init(&all, 64 << 20);
    export_to(w.store, &all);
    /* Any byte of a parcel may be another, and it may end anywhere: it is refused or taken, and nothing else.
     */
    unsigned n_refused = 0, n_tries = 0;
    for (size_t at = 0; at < all.size;) {
        uint32_t size;
        memcpy(&size, all.data + at, sizeof(size));
        for (unsigned i = 0; i < 300; i++) {
            uint8_t *bytes = malloc(size);
            memcpy(bytes, all.data + at + sizeof(size), size);
            size_t cut = i % 3 == 0 ? next_random(&w.rng) % size : size;
            if (i % 3)
                bytes[next_random(&w.rng) % size] ^= (uint8_t)(1 + next_random(&w.rng) % 255);
            uint8_t check[16];
            const struct form_rules rules = {.schema = &SCHEMA, .key_check = check};
            const struct inlet_parcel *parcel;
            struct form_read *f = form_read_new();
            store_key_check(w.store, check);
            int r = form_read(f, bytes, cut, &rules, &parcel, &err);
            n_refused += r < 0;
            n_tries++;
            if (r < 0)
                assert_true(err.code[0] && err.message[0]);
            form_read_free(f);
            free(bytes);
        }
        at += sizeof(size) + size;
    }
    print_message("%u of %u refused\n", n_refused, n_tries);
    assert_true(n_refused > n_tries / 4);
    /* Another key, another version. */
    uint8_t *first = all.data + sizeof(uint32_t);
    uint32_t size;
    memcpy(&size, all.data, sizeof(size));
    first[7] ^= 1;
    assert_int_equal(take(copy.store, "", 0, first, size, &none, &err), -EPERM);
    assert_string_equal(err.code, "wrong_key");
    first[7] ^= 1;
    first[2] = 9;
    assert_int_equal(take(copy.store, "", 0, first, size, &none, &err), -EPERM);
    assert_string_equal(err.code, "form_version");
    first[2] = FORM_VERSION;
    assert_int_equal(rows_of(copy.store), 0);
    assert_int_equal(take(copy.store, "", 0, first, size, &none, &err), 0);
    /* Events for a ticket that has left the log stop what comes of the log, not what comes again. */
    buffer_fini(&all);
    world_fini(&w);
    world_fini(&copy);
    free(EVENTS);
}

/* A column of facts that is called as a field with strings is a number of its dictionary, and travels as the
 * string. */
static void test_columns_that_are_strings(void **state)
{
    (void)state;
    unsigned n = 0;
    for (unsigned t = 0; t < FACT_N_TABLES; t++)
        for (unsigned c = FACT_N_COMMON; c < FACT_TABLE_INFO[t].n_values; c++) {
            char name[64] = "";
            for (size_t i = 0; FACT_TABLE_INFO[t].value_names[c][i] && i < sizeof(name) - 1; i++)
                name[i] = (char)tolower(FACT_TABLE_INFO[t].value_names[c][i]);
            int field = event_field_find(NULL, name, strlen(name));
            bool is_string = field >= 0 && FIELDS[field].kind == VALUE_DICTIONARY;
            assert_int_equal(form_fact_field(t, c), is_string ? field : -1);
            n += is_string;
        }
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_export_and_import),
        cmocka_unit_test(test_export_beside_commits),
        cmocka_unit_test(test_forwarding),
        cmocka_unit_test(test_two_sites),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_columns_that_are_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
