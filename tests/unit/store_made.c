#include "store_made.h"

#include <fcntl.h>
#include <unistd.h>

struct made *EVENTS;

uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct wire_string string_of(const char *s)
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

void make_events(uint64_t seed)
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

/* Every other time with seals that are drafted beside the commits, as large ones are, two times of three with
 * tickets that cool down soon, and three of four with tables that are soon no longer made of what is hot. */
struct store *open_store_sliced(const char *path, uint64_t hot_events, uint32_t slice_subjects)
{
    static unsigned n_opened;
    struct store_options options = {.path = path,
                                    .map_bytes = 1 << 28,
                                    .hot_events = hot_events,
                                    .slice_subjects = slice_subjects,
                                    .kept_events = n_opened % 3 ? hot_events : 0,
                                    .beside = n_opened % 2 ? 0 : 1,
                                    .tables_ms = n_opened % 4 ? 1 : 0,
                                    .create = true};
    n_opened++;
    memset(options.key, 7, sizeof(options.key));
    struct store *s = NULL;
    struct error err = ERROR_INIT;
    if (store_open(&options, &s, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    return s;
}

struct store *open_store(const char *path, uint64_t hot_events)
{
    return open_store_sliced(path, hot_events, 0);
}

void commit_as(struct store *s, const char *source, const char *namespace, const unsigned *order, size_t n,
               uint64_t *seq, uint32_t *ret_accepted, uint32_t *ret_duplicates)
{
    struct wire_event events[64];
    uint32_t indices[64];
    struct store_reject rejects[64];
    for (size_t i = 0; i < n; i++) {
        events[i] = EVENTS[order[i]].event;
        indices[i] = (uint32_t)i;
    }
    struct store_batch batch = {.source = source,
                                .namespace = namespace,
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

void commit(struct store *s, const unsigned *order, size_t n, uint64_t *seq, uint32_t *ret_accepted,
            uint32_t *ret_duplicates)
{
    commit_as(s, "desk", "desk", order, n, seq, ret_accepted, ret_duplicates);
}

void finish_refold(struct store *s)
{
    struct error err = ERROR_INIT;
    int r;
    while ((r = store_refold(s, &err)) == 1)
        ;
    if (r < 0)
        fail_msg("%s: %s", err.code, err.message);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All fact rows as sorted lines, with names in place of numbers that depend on the order of arrival. */
char *dump(struct store *s)
{
    return dump_tables(s, FACT_TABLES_ALL);
}

char *dump_tables(struct store *s, uint32_t tables)
{
    struct error err = ERROR_INIT;
    struct store_view *v;
    assert_int_equal(store_view_open(s, tables, &v, &err), 0);
    char *text = dump_view(v, tables);
    store_view_close(v);
    return text;
}

char *dump_view(struct store_view *v, uint32_t tables)
{
    struct error err = ERROR_INIT;
    const struct dictionary *d = store_view_dictionary(v);
    char **lines = NULL;
    size_t n = 0;
    for (unsigned t = 0; t < FACT_N_TABLES; t++) {
        uint8_t columns[FACT_COLUMNS_MAX];
        size_t n_columns = 0;
        if (!(tables & FACT_TABLE_BIT(t)))
            continue;
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
    if (n)
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

void make_directory(char path[64])
{
    (void)snprintf(path, 64, "%s/tendon-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(path));
}

void remove_store(const char *path)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "%s/data.mdb", path);
    (void)unlink(name);
    (void)snprintf(name, sizeof(name), "%s/lock.mdb", path);
    (void)unlink(name);
    (void)rmdir(path);
}

void shuffle(unsigned *order, size_t n, uint64_t *rng)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = next_random(rng) % i;
        unsigned swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
}

static void copy_file(const char *from, const char *to)
{
    char buffer[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, buffer, sizeof(buffer))) > 0;)
        assert_int_equal(write(out, buffer, (size_t)n), n);
    assert_int_equal(close(in), 0);
    assert_int_equal(close(out), 0);
}

void crash_store(struct store *s, char path[64])
{
    char to_path[64], from[96], to[96];
    make_directory(to_path);
    (void)snprintf(from, sizeof(from), "%s/data.mdb", path);
    (void)snprintf(to, sizeof(to), "%s/data.mdb", to_path);
    copy_file(from, to);
    store_close(s);
    remove_store(path);
    memcpy(path, to_path, sizeof(to_path));
}
