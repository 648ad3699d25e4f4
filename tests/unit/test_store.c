/* The store: the same set of events gives the same facts, whatever happens on the way. */
#include "core/fold/fold.h"
#include "core/fold/policy.h"
#include "core/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_TICKETS = 60, EVENTS_A_TICKET = 9, N_EVENTS = N_TICKETS * EVENTS_A_TICKET, VALUES_MAX = 8 };

struct made {
    struct wire_event event;
    struct wire_value values[VALUES_MAX];
    char id[24], ticket[24], team[24], product[24];
};

static struct made *EVENTS;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct wire_string string_of(const char *s)
{
    return (struct wire_string){.data = s, .size = (uint32_t)strlen(s)};
}

static void add_number(struct made *m, enum event_field field, int64_t number)
{
    m->values[m->event.n_values++] = (struct wire_value){.field = (uint8_t)field, .number = number};
}

static void add_string(struct made *m, enum event_field field, const char *s)
{
    m->values[m->event.n_values++] = (struct wire_value){.field = (uint8_t)field, .string = string_of(s)};
}

/* Tickets with creations, statuses, messages, teams and ratings; some loose ratings; a few conflicts. */
static void make_events(uint64_t seed)
{
    uint64_t rng = seed;
    EVENTS = calloc(N_EVENTS, sizeof(*EVENTS));
    for (unsigned i = 0; i < N_EVENTS; i++) {
        struct made *m = &EVENTS[i];
        unsigned ticket = i / EVENTS_A_TICKET, k = i % EVENTS_A_TICKET;
        m->event.at =
            INT64_C(1700000000000) + ticket * INT64_C(3600000) * 30 + (int64_t)(next_random(&rng) % 90000000);
        m->event.seq = (uint32_t)(next_random(&rng) % 2);
        /* one id in nine is another event's: a conflict */
        (void)snprintf(m->id, sizeof(m->id), "e%u", k == 8 ? 7 : k);
        (void)snprintf(m->ticket, sizeof(m->ticket), "T-%u", ticket);
        (void)snprintf(m->team, sizeof(m->team), "team %u", (unsigned)(next_random(&rng) % 5));
        (void)snprintf(m->product, sizeof(m->product), "product %u", (unsigned)(next_random(&rng) % 3));
        m->event.id = string_of(m->id);
        m->event.ticket = string_of(m->ticket);
        m->event.values = m->values;
        if (k == 0 && ticket % 7) {
            m->event.type = EVENT_TICKET_CREATED;
            add_string(m, FIELD_PRODUCT, m->product);
            add_number(m, FIELD_SEVERITY, 1 + ticket % 4);
            add_number(m, FIELD_BY, BY_REQUESTER);
        } else if (k == 1) {
            m->event.type = EVENT_TICKET_ASSIGNED;
            add_string(m, FIELD_TEAM, m->team);
        } else if (k < 4) {
            m->event.type = EVENT_TICKET_MESSAGE;
            add_number(m, FIELD_DIRECTION, 1 + k % 2);
            add_number(m, FIELD_PUBLIC, 1);
            add_number(m, FIELD_AUTOMATED, 0);
        } else if (k == 5) {
            m->event.type = EVENT_SURVEY_RESPONSE;
            if (ticket % 5 == 0) {
                m->event.ticket = (struct wire_string){0};
                (void)snprintf(m->id, sizeof(m->id), "loose%u", ticket);
                m->event.id = string_of(m->id);
            }
            add_string(m, FIELD_INSTRUMENT, "csat");
            add_number(m, FIELD_SCORE, (int64_t)(1 + next_random(&rng) % 5) * 1000);
            add_number(m, FIELD_MIN, 1000);
            add_number(m, FIELD_MAX, 5000);
        } else {
            m->event.type = EVENT_TICKET_STATUS;
            add_number(m, FIELD_AUTOMATED, 0);
            add_number(m, FIELD_TO, 1 + (int64_t)(next_random(&rng) % 6));
        }
    }
}

static struct store *open_store(const char *path, uint64_t hot_events)
{
    struct store_options options = {
        .path = path, .map_bytes = 1 << 28, .hot_events = hot_events, .create = true};
    memset(options.key, 7, sizeof(options.key));
    struct store *s = NULL;
    struct error err = ERROR_INIT;
    if (store_open(&options, &s, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    return s;
}

static void commit(struct store *s, const unsigned *order, size_t n, uint64_t *seq, uint32_t *ret_accepted,
                   uint32_t *ret_duplicates)
{
    struct wire_event events[64];
    uint32_t indices[64];
    struct store_reject rejects[64];
    for (size_t i = 0; i < n; i++) {
        events[i] = EVENTS[order[i]].event;
        indices[i] = (uint32_t)i;
    }
    struct store_batch batch = {.source = "desk",
                                .namespace = "desk",
                                .seq = ++*seq,
                                .cursor = seq,
                                .cursor_size = sizeof(*seq),
                                .events = events,
                                .indices = indices,
                                .n_events = n,
                                .rejects = rejects};
    struct error err = ERROR_INIT;
    if (store_commit(s, &batch, 1, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    assert_int_equal(batch.n_rejects, 0);
    *ret_accepted += batch.n_accepted;
    *ret_duplicates += batch.n_duplicates;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All fact rows as sorted lines, with names in place of numbers that depend on the order of arrival. */
static char *dump(struct store *s)
{
    struct error err = ERROR_INIT;
    struct store_view *v;
    assert_int_equal(store_view_open(s, &v, &err), 0);
    const struct dictionary *d = store_view_dictionary(v);
    char **lines = NULL;
    size_t n = 0;
    for (unsigned t = 0; t < FACT_N_TABLES; t++) {
        uint8_t columns[FACT_COLUMNS_MAX];
        size_t n_columns = 0;
        for (unsigned c = 0; c < FACT_TABLE_INFO[t].n_values; c++)
            columns[n_columns++] = (uint8_t)c;
        for (unsigned set = 0; set < FACT_TABLE_INFO[t].n_sets; set++)
            for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
                columns[n_columns++] = (uint8_t)FACT_DIMENSION(set, f);
        struct fact_scan *scan;
        struct fact_vector vector;
        assert_int_equal(fact_scan_open(v, t, columns, n_columns, NULL, 0, &scan, &err), 0);
        int r;
        while ((r = fact_scan_next(scan, &vector, &err)) == 1)
            for (uint32_t i = 0; i < vector.n; i++) {
                if (vector.live && !vector.live[i])
                    continue;
                char line[2048];
                size_t at = (size_t)snprintf(line, sizeof(line), "%s", FACT_TABLE_INFO[t].name);
                for (unsigned c = 1; c < FACT_TABLE_INFO[t].n_values; c++)
                    at += (size_t)snprintf(line + at, sizeof(line) - at, " %lld",
                                           (long long)vector.values[c][i]);
                for (unsigned set = 0; set < FACT_TABLE_INFO[t].n_sets; set++)
                    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
                        const char *name = FIELDS[f].kind == VALUE_DICTIONARY
                                               ? dictionary_string(d, f, vector.dimensions[set][f][i])
                                               : NULL;
                        at += (size_t)snprintf(line + at, sizeof(line) - at, "|%s%u", name ? name : "",
                                               name ? 0 : vector.dimensions[set][f][i]);
                    }
                lines = realloc(lines, (n + 1) * sizeof(*lines));
                lines[n++] = strdup(line);
            }
        assert_int_equal(r, 0);
        fact_scan_close(scan);
    }
    store_view_close(v);
    qsort(lines, n, sizeof(*lines), by_text);
    size_t size = 1;
    for (size_t i = 0; i < n; i++)
        size += strlen(lines[i]) + 1;
    char *text = calloc(size, 1), *at = text;
    for (size_t i = 0; i < n; i++) {
        at = stpcpy(stpcpy(at, lines[i]), "\n");
        free(lines[i]);
    }
    free(lines);
    return text;
}

static void make_directory(char path[64])
{
    (void)snprintf(path, 64, "%s/tendon-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(path));
}

static void remove_store(const char *path)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "%s/data.mdb", path);
    (void)unlink(name);
    (void)snprintf(name, sizeof(name), "%s/lock.mdb", path);
    (void)unlink(name);
    (void)rmdir(path);
}

static void shuffle(unsigned *order, size_t n, uint64_t *rng)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = next_random(rng) % i;
        unsigned swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
}

/* One way to bring the events in: order by seed, some twice, seals every `hot_events`, reopened now and then.
 */
static char *run(uint64_t seed, uint64_t hot_events, bool reopen, bool reindex)
{
    char path[64];
    make_directory(path);
    uint64_t rng = seed, seq = 0;
    unsigned order[N_EVENTS + 200];
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    for (unsigned i = 0; i < 200; i++)
        order[N_EVENTS + i] = (unsigned)(next_random(&rng) % N_EVENTS);
    if (seed > 1)
        shuffle(order, N_EVENTS + 200, &rng);
    struct store *s = open_store(path, hot_events);
    uint32_t accepted = 0, duplicates = 0;
    for (size_t i = 0; i < N_EVENTS + 200;) {
        size_t n = 1 + next_random(&rng) % 40;
        if (n > N_EVENTS + 200 - i)
            n = N_EVENTS + 200 - i;
        commit(s, order + i, n, &seq, &accepted, &duplicates);
        i += n;
        if (reopen && next_random(&rng) % 8 == 0) {
            store_close(s);
            s = open_store(path, hot_events);
        }
        if (next_random(&rng) % 16 == 0)
            assert_true(store_maintain(s, true, NULL) >= 0);
    }
    assert_int_equal(accepted, N_EVENTS);
    assert_int_equal(duplicates, 200);
    struct error err = ERROR_INIT;
    if (reindex)
        assert_int_equal(store_reindex(s, &err), 0);
    char *text = dump(s);
    struct store_source source;
    assert_int_equal(store_source_get(s, "desk", &source), 1);
    assert_int_equal(source.last_seq, seq);
    assert_int_equal(source.accepted, N_EVENTS);
    uint8_t cursor[STORE_CURSOR_BYTES];
    size_t size;
    assert_int_equal(store_source_cursor(s, "desk", cursor, &size, &err), 0);
    assert_int_equal(size, sizeof(seq));
    assert_memory_equal(cursor, &seq, size);
    store_close(s);
    s = open_store(path, hot_events);
    char *again = dump(s);
    assert_string_equal(text, again);
    free(again);
    store_close(s);
    remove_store(path);
    return text;
}

static void test_any_way_gives_the_same_facts(void **state)
{
    (void)state;
    char *expected = run(1, 1000000, false, false);
    assert_true(strlen(expected) > 10000);
    for (uint64_t seed = 2; seed < 14; seed++) {
        char *text = run(seed, seed % 3 ? 30 : 200, seed % 2, seed % 4 == 0);
        if (strcmp(expected, text) != 0)
            fail_msg("seed %llu gives other facts", (unsigned long long)seed);
        free(text);
    }
    free(expected);
}

/* A view shows what was there when it was opened, through commits, seals and a refold. */
static void test_a_view_does_not_move(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    struct store *s = open_store(path, 50);
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    unsigned order[N_EVENTS];
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    struct store_view *views[9];
    uint64_t counts[9];
    struct error err = ERROR_INIT;
    for (unsigned k = 0; k < 9; k++) {
        for (unsigned i = 0; i < 60; i += 20)
            commit(s, order + 60 * k + i, 20, &seq, &accepted, &duplicates);
        assert_int_equal(store_view_open(s, &views[k], &err), 0);
        counts[k] = 0;
        if (k == 5)
            assert_int_equal(store_reindex(s, &err), 0);
    }
    for (unsigned round = 0; round < 2; round++)
        for (unsigned k = 0; k < 9; k++) {
            uint8_t column = FACT_FLAGS;
            struct fact_scan *scan;
            struct fact_vector vector;
            uint64_t n = 0;
            assert_int_equal(store_view_as_of(views[k]), 60 * (k + 1));
            assert_int_equal(fact_scan_open(views[k], FACT_TICKET, &column, 1, NULL, 0, &scan, &err), 0);
            while (fact_scan_next(scan, &vector, &err) == 1)
                for (uint32_t i = 0; i < vector.n; i++)
                    n += (!vector.live || vector.live[i]) && vector.values[FACT_FLAGS][i] & FACT_FLAG_TICKET;
            fact_scan_close(scan);
            if (round == 0)
                counts[k] = n;
            assert_int_equal(counts[k], n);
            /* nine events a ticket: so many tickets have begun */
            assert_int_equal(n, (60 * (k + 1) + EVENTS_A_TICKET - 1) / EVENTS_A_TICKET);
        }
    for (unsigned k = 0; k < 9; k++)
        store_view_close(views[k]);
    store_close(s);
    remove_store(path);
}

static void test_another_key_is_refused(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    store_close(open_store(path, 0));
    struct store_options options = {.path = path, .map_bytes = 1 << 28, .create = true};
    struct store *s = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(store_open(&options, &s, &err), -EACCES);
    assert_string_equal(err.code, "store_key");
    remove_store(path);
}

/* Numbers of values are bounded a source, field and day; the event that would be one too many is refused
 * alone. */
static void test_new_values_are_bounded(void **state)
{
    (void)state;
    char path[64], name[16], id[16];
    make_directory(path);
    struct store *s = open_store(path, 0);
    struct store_reject reject;
    uint32_t index = 0, refused = 0;
    for (unsigned i = 0; i < 4100; i++) {
        (void)snprintf(name, sizeof(name), "c%u", i);
        (void)snprintf(id, sizeof(id), "i%u", i);
        struct wire_value value = {.field = FIELD_CATEGORY, .string = string_of(name)};
        struct wire_event event = {.type = EVENT_TICKET_UPDATED,
                                   .at = 1700000000000 + i,
                                   .id = string_of(id),
                                   .ticket = string_of(id),
                                   .n_values = 1,
                                   .values = &value};
        struct store_batch batch = {.source = "a",
                                    .namespace = "a",
                                    .seq = i + 1,
                                    .events = &event,
                                    .indices = &index,
                                    .n_events = 1,
                                    .rejects = &reject};
        assert_int_equal(store_commit(s, &batch, 1, NULL), 0);
        refused += (uint32_t)batch.n_rejects;
        if (batch.n_rejects)
            assert_int_equal(reject.code, REJECT_NEW_VALUES);
    }
    assert_int_equal(refused, 4);
    struct store_source_reject list[8];
    assert_int_equal(store_source_rejects(s, "a", list, 8), 4);
    assert_int_equal(list[0].seq, 4100);
    store_close(s);
    remove_store(path);
}

/* A full store refuses whole batches, answers as before, and goes on when it has room. */
static void test_a_full_store_loses_nothing(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    struct store_options options = {.path = path, .map_bytes = 144 << 10, .create = true};
    memset(options.key, 7, sizeof(options.key));
    struct store *s = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(store_open(&options, &s, &err), 0);
    uint64_t seq = 0;
    int r = 0;
    unsigned at = 0, n_refused = 0;
    char *before = NULL;
    struct wire_event events[20];
    uint32_t indices[20];
    struct store_reject rejects[20];
    for (; at + 20 <= N_EVENTS; at += 20) {
        for (unsigned i = 0; i < 20; i++) {
            events[i] = EVENTS[at + i].event;
            indices[i] = i;
        }
        struct store_batch batch = {.source = "desk",
                                    .namespace = "desk",
                                    .seq = seq + 1,
                                    .events = events,
                                    .indices = indices,
                                    .n_events = 20,
                                    .rejects = rejects};
        r = store_commit(s, &batch, 1, &err);
        if (r < 0 && n_refused++ == 0) {
            assert_int_equal(r, -ENOSPC);
            assert_string_equal(err.code, "disk_full");
            before = dump(s);
            struct store_source source;
            assert_int_equal(store_source_get(s, "desk", &source), 1);
            assert_int_equal(source.last_seq, seq);
            store_close(s);
            options.map_bytes = 1 << 28;
            assert_int_equal(store_open(&options, &s, &err), 0);
            char *after = dump(s);
            assert_string_equal(before, after);
            free(before);
            free(after);
            at -= 20;
        } else {
            assert_int_equal(r, 0);
            seq++;
        }
    }
    assert_int_equal(n_refused, 1);
    char *text = dump(s), *expected = run(1, 1000000, false, false);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
    store_close(s);
    remove_store(path);
}

struct gathered {
    unsigned n;
    uint64_t sum; /* of the instants: which events, not only how many */
};

static int gather(void *context, const struct event *e)
{
    struct gathered *g = context;
    g->n++;
    g->sum += (uint64_t)e->at;
    return 0;
}

/* A view gives the events of a ticket that it shows, wherever they are: in segments, in the journal, in both.
 */
static void test_a_view_gives_the_events_of_a_ticket(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    struct store *s = open_store(path, 90);
    struct error err = ERROR_INIT;
    uint64_t seq = 0, rng = 4711;
    uint32_t accepted = 0, duplicates = 0;
    unsigned order[N_EVENTS];
    for (unsigned i = 0; i < N_EVENTS; i++)
        order[i] = i;
    shuffle(order, N_EVENTS, &rng);
    struct store_view *views[3];
    for (unsigned k = 0; k < 3; k++) {
        if (k == 1) {
            store_close(s);
            s = open_store(path, 90);
        }
        for (unsigned i = 0; i < N_EVENTS / 3; i += 20)
            commit(s, order + k * (N_EVENTS / 3) + i, 20, &seq, &accepted, &duplicates);
        if (k > 0)
            assert_int_equal(store_view_open(s, &views[k], &err), 0);
    }
    for (unsigned ticket = 0; ticket < N_TICKETS; ticket++)
        for (unsigned k = 1; k < 3; k++) {
            struct gathered expected = {0}, got = {0};
            for (unsigned i = 0; i < (k + 1) * (N_EVENTS / 3); i++)
                if (order[i] / EVENTS_A_TICKET == ticket && EVENTS[order[i]].event.ticket.data)
                    (void)gather(&expected, &(struct event){.at = EVENTS[order[i]].event.at});
            char id[24];
            uint32_t number = 0;
            uint16_t namespace = 0;
            (void)snprintf(id, sizeof(id), "T-%u", ticket);
            int r = store_view_ticket(views[k], store_hash_ticket(s, "desk", id, strlen(id)), &number,
                                      &namespace, gather, &got, &err);
            assert_int_equal(r, expected.n > 0);
            assert_int_equal(got.n, expected.n);
            assert_true(got.sum == expected.sum);
            if (r == 1) {
                assert_true(number > 0);
                assert_string_equal(
                    dictionary_string(store_view_dictionary(views[k]), DICTIONARY_NAMESPACE, namespace),
                    "desk");
            }
        }
    struct gathered none = {0};
    uint32_t number;
    uint16_t namespace;
    assert_int_equal(store_view_ticket(views[2], store_hash_ticket(s, "other", "T-1", 3), &number, &namespace,
                                       gather, &none, &err),
                     0);
    assert_int_equal(none.n, 0);
    store_view_close(views[1]);
    store_view_close(views[2]);
    store_close(s);
    remove_store(path);
}

static void assert_fold_reads(struct store *s, const char *calendar, const char *policy)
{
    struct error err = ERROR_INIT;
    struct store_view *v;
    struct fold_environment environment;
    assert_int_equal(store_view_open(s, &v, &err), 0);
    store_view_fold(v, &environment);
    assert_string_equal(environment.settings->calendar, calendar);
    assert_int_equal(environment.settings->n_policies, policy ? 1 : 0);
    if (policy) {
        const struct policy *p = environment.settings->policies;
        assert_string_equal(p->name, policy);
        assert_int_equal(p->target_ms, 3600000);
        assert_int_equal(p->n_conditions, 1);
        assert_string_equal(p->conditions[0].values[1].text, "globex");
        assert_string_equal(dictionary_string(environment.dictionary, FIELD_POLICY, p->name_number), policy);
        assert_string_equal(
            dictionary_string(environment.dictionary, FIELD_VENDOR, p->conditions[0].values[1].number),
            "globex");
    }
    store_view_close(v);
}

/* The store goes on with the settings that it was given last, also where nobody gives it any again. */
static void test_the_folds_settings_are_kept(void **state)
{
    (void)state;
    char path[64];
    make_directory(path);
    struct store *s = open_store(path, 90);
    struct error err = ERROR_INIT;
    uint64_t seq = 0;
    uint32_t accepted = 0, duplicates = 0;
    unsigned order[20];
    for (unsigned i = 0; i < 20; i++)
        order[i] = i;
    struct policy_value values[] = {{.text = "acme"}, {.text = "globex"}};
    struct policy policy = {
        .name = "gold",
        .metric = METRIC_FIRST_RESPONSE_TIME,
        .target_ms = 3600000,
        .clock = CLOCK_WALL,
        .n_conditions = 1,
        .conditions = {{.field = FIELD_VENDOR, .n_values = 2, .values = values}},
    };
    struct fold_settings settings = {.calendar = "office", .policies = &policy, .n_policies = 1};
    assert_fold_reads(s, "", NULL);
    assert_int_equal(store_set_fold(s, &settings, &err), 0);
    memset(values, 0, sizeof(values)); /* it has a copy */
    commit(s, order, 20, &seq, &accepted, &duplicates);
    assert_fold_reads(s, "office", "gold");
    store_close(s);
    s = open_store(path, 90);
    assert_fold_reads(s, "office", "gold");
    assert_int_equal(store_set_fold(s, NULL, &err), 0);
    assert_true(store_maintain(s, false, &err) >= 0);
    assert_fold_reads(s, "", NULL);
    store_close(s);
    remove_store(path);
}

static int make_all(void **state)
{
    (void)state;
    make_events(88172645463325252);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    free(EVENTS);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_way_gives_the_same_facts),
        cmocka_unit_test(test_a_view_does_not_move),
        cmocka_unit_test(test_a_full_store_loses_nothing),
        cmocka_unit_test(test_another_key_is_refused),
        cmocka_unit_test(test_new_values_are_bounded),
        cmocka_unit_test(test_a_view_gives_the_events_of_a_ticket),
        cmocka_unit_test(test_the_folds_settings_are_kept),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
