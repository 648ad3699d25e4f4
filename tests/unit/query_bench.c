#include "tests/unit/query_bench.h"

#include "core/fold/calendar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const NEARSHORE[] = {"MX", NULL};
struct bench *bench;

/* --- a store
 * ----------------------------------------------------------------------------------------------------- */

void bench_open(void)
{
    struct error err = ERROR_INIT;
    struct store_options o = {.path = bench->path, .map_bytes = 1 << 28, .create = true};
    memset(o.key, 5, sizeof(o.key));
    if (store_open(&o, &bench->store, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    bench->context.store = bench->store;
}

int bench_setup(void **state)
{
    bench = calloc(1, sizeof(*bench));
    strcpy(bench->path, "/tmp/tendon-query-XXXXXX");
    assert_non_null(mkdtemp(bench->path));
    bench_open();
    strcpy(bench->declared[0], "contract");
    bench->context = (struct query_context){.store = bench->store,
                                            .tenant = "riverbend",
                                            .zone = "UTC",
                                            .nearshore = NEARSHORE,
                                            .declared = bench->declared,
                                            .n_declared = 1};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(crew_new(i + 1, 1, &bench->crews[i]), 0);
    return 0;
}

int bench_teardown(void **state)
{
    char command[128];
    for (unsigned i = 0; i < 2; i++)
        crew_free(bench->crews[i]);
    store_close(bench->store);
    (void)snprintf(command, sizeof(command), "rm -r '%s'", bench->path);
    assert_int_equal(system(command), 0);
    free(bench);
    return 0;
}

static void bench_commit(void)
{
    static struct wire_event events[N_MAX];
    static uint32_t indices[N_MAX];
    static struct store_reject rejects[N_MAX];
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < bench->n; i++) {
        events[i] = bench->events[i].event;
        events[i].values = bench->events[i].values;
        indices[i] = (uint32_t)i;
    }
    struct store_batch batch = {.source = "desk",
                                .namespace = "desk",
                                .seq = ++bench->seq,
                                .events = events,
                                .indices = indices,
                                .n_events = bench->n,
                                .rejects = rejects};
    if (store_commit(bench->store, &batch, 1, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    assert_int_equal(batch.n_rejects, 0);
    bench->n = 0;
}

void bench_refold(void)
{
    struct error err = ERROR_INIT;
    int r;
    while ((r = store_refold(bench->store, &err)) == 1)
        ;
    if (r < 0)
        fail_msg("%s: %s", err.code, err.message);
}

void bench_seal(void)
{
    struct error err = ERROR_INIT;
    int r;
    while ((r = store_maintain(bench->store, true, &err)) == 1)
        ;
    if (r < 0)
        fail_msg("%s: %s", err.code, err.message);
}

void bench_reference(enum reference_table table, int64_t valid_from, const char *key, const char *pairs)
{
    struct error err = ERROR_INIT;
    struct store_view *v;
    struct reference *next;
    const char *values[REFERENCE_ATTRIBUTES_N] = {0};
    char text[256], *save = NULL;
    assert_int_equal(store_view_open(bench->store, FACT_TABLES_NONE, &v, &err), 0);
    assert_int_equal(reference_new(store_view_reference(v), &next), 0);
    store_view_close(v);
    (void)snprintf(text, sizeof(text), "%s", pairs);
    for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        char *value = strchr(p, '=');
        *value++ = '\0';
        bool found = false;
        for (unsigned a = 0; a < REFERENCE_ATTRIBUTES_N; a++)
            if (REFERENCE_ATTRIBUTE_INFO[a].table == table &&
                strcmp(REFERENCE_ATTRIBUTE_INFO[a].name, p) == 0) {
                values[a] = value;
                found = true;
            }
        assert_true(found);
    }
    if (reference_set(next, table, key, valid_from, values, &err) < 0 ||
        store_set_reference(bench->store, next, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    bench_refold();
}

void bench_calendar(const char *name, int64_t valid_from, const char *definition)
{
    struct error err = ERROR_INIT;
    struct store_view *v;
    struct reference *next;
    struct calendar *calendar;
    json_t *map = json_loads(definition, 0, NULL);
    assert_non_null(map);
    assert_int_equal(store_view_open(bench->store, FACT_TABLES_NONE, &v, &err), 0);
    assert_int_equal(reference_new(store_view_reference(v), &next), 0);
    store_view_close(v);
    if (calendar_new(map, &calendar, &err) < 0 ||
        reference_set_calendar(next, name, valid_from, calendar, &err) < 0 ||
        store_set_reference(bench->store, next, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    calendar_unref(calendar);
    json_decref(map);
    bench_refold();
}

/* A direct acme and an outsourcer bpo, hospitals in the US. */
void bench_teams(void)
{
    bench_reference(REFERENCE_TEAM, INT64_MIN, "A", "employer=acme tier=1 team_country=US");
    bench_reference(REFERENCE_TEAM, INT64_MIN, "D", "employer=acme tier=2 team_country=US");
    bench_reference(REFERENCE_TEAM, INT64_MIN, "B", "employer=bpo outsourcer=bpo tier=1 team_country=US");
    bench_reference(REFERENCE_TEAM, INT64_MIN, "F", "employer=bpo outsourcer=bpo tier=1 team_country=PH");
    bench_reference(REFERENCE_TEAM, INT64_MIN, "M", "employer=bpo outsourcer=bpo tier=1 team_country=MX");
    bench_reference(REFERENCE_SITE, INT64_MIN, "H1", "facility_kind=hospital beds=100 country=US org=north");
    bench_reference(REFERENCE_SITE, INT64_MIN, "H2", "facility_kind=hospital beds=250 country=US org=north");
    bench_reference(REFERENCE_SITE, INT64_MIN, "H3", "facility_kind=clinic country=US org=south");
}

/* --- events
 * ------------------------------------------------------------------------------------------------------ */

static struct wire_string string_of(struct made *m, const char *s, size_t size)
{
    assert_true(m->n_texts < TEXTS && size < sizeof(m->texts[0]));
    char *text = m->texts[m->n_texts++];
    memcpy(text, s, size);
    text[size] = '\0';
    return (struct wire_string){.data = text, .size = (uint32_t)size};
}

static void add(struct made *m, struct wire_value value)
{
    unsigned at = m->event.n_values++;
    assert_true(at < VALUES);
    while (at > 0 && m->values[at - 1].field > value.field) {
        m->values[at] = m->values[at - 1];
        at--;
    }
    m->values[at] = value;
}

static void add_number(struct made *m, enum event_field field, int64_t number)
{
    add(m, (struct wire_value){.field = (uint8_t)field, .number = number});
}

static struct made *event(enum event_type type, int64_t at, const char *ticket)
{
    struct made *m = &bench->events[bench->n++];
    char id[24];
    assert_true(bench->n <= N_MAX);
    *m = (struct made){.event = {.type = type, .at = at}};
    (void)snprintf(id, sizeof(id), "%d-%zu", (int)bench->seq, bench->n);
    m->event.id = string_of(m, id, strlen(id));
    if (ticket)
        m->event.ticket = string_of(m, ticket, strlen(ticket));
    return m;
}

static void message(struct made *m, enum event_direction direction, bool automated)
{
    add_number(m, FIELD_DIRECTION, direction);
    add_number(m, FIELD_PUBLIC, direction != DIRECTION_INTERNAL);
    add_number(m, FIELD_AUTOMATED, automated);
}

/* "{team=A,severity=2}"; returns behind it. */
static const char *dimensions(struct made *m, const char *p)
{
    struct event_schema schema = {.n_declared = 1};
    strcpy(schema.declared[0], "contract");
    while (*p != '}') {
        const char *name = ++p;
        size_t n = strcspn(p, "=");
        p += n + 1;
        size_t size = strcspn(p, ",}");
        int field = event_field_find(&schema, name, n);
        assert_true(field >= 0);
        struct wire_value v = {.field = (uint8_t)field};
        if (FIELDS[field].kind == VALUE_INT)
            v.number = strtol(p, NULL, 10) - FIELDS[field].low + 1;
        else if (FIELDS[field].kind == VALUE_HASH || FIELDS[field].kind == VALUE_DICTIONARY)
            v.string = string_of(m, p, size);
        else
            v.number = event_enum_find((enum event_field)field, p, size);
        if (size == 3 && memcmp(p, "nil", 3) == 0)
            v = (struct wire_value){.field = (uint8_t)field, .nil = true};
        add(m, v);
        p += size;
    }
    return p + 1;
}

/* csat, unless the braces behind it name another. */
static void add_instrument(struct made *m, const char *p)
{
    const char *named = *p == '{' ? strstr(p, "instrument=") : NULL;
    if (!named || named > p + strcspn(p, "}"))
        add(m, (struct wire_value){.field = FIELD_INSTRUMENT, .string = string_of(m, "csat", 4)});
}

/* One token at an instant; returns behind it. */
static const char *token(const char *p, int64_t at, const char *ticket)
{
    static const char STATUSES[] = "NOPHSC";
    struct made *m;
    const char *status = strchr(STATUSES, *p);
    if ((*p == 'c' && p[1] != 'a') || *p == 'u') {
        m = event(*p == 'c' ? EVENT_TICKET_CREATED : EVENT_TICKET_UPDATED, at, ticket);
        if (*p == 'c')
            add_number(m, FIELD_BY, p[1] == '!' ? BY_AGENT : BY_REQUESTER);
        p += 1 + (p[1] == '!');
    } else if (*p == '@') {
        size_t n = strcspn(++p, " ;{/|");
        m = event(EVENT_TICKET_ASSIGNED, at, ticket);
        add(m, (struct wire_value){.field = FIELD_TEAM, .string = string_of(m, p, n)});
        add_number(m, FIELD_KIND, p[n] != '/' ? KIND_REASSIGN : p[n + 1] == 'e' ? KIND_ESCALATE : KIND_ROUTE);
        p += n + (p[n] == '/' ? 2 : 0);
    } else if (*p == '<' || *p == '>') {
        m = event(EVENT_TICKET_MESSAGE, at, ticket);
        message(m, *p == '<' ? DIRECTION_IN : p[1] == '-' ? DIRECTION_INTERNAL : DIRECTION_OUT, p[1] == '~');
        p += 1 + (p[1] == '~' || p[1] == '-');
    } else if (strncmp(p, "x:", 2) == 0) {
        size_t n = strcspn(p += 2, " ;|>");
        if (n == 6 && memcmp(p, "merged", n) == 0) {
            const char *into = p[n] == '>' ? p + n + 1 : "other";
            size_t size = strcspn(into, " ;|");
            m = event(EVENT_TICKET_MERGED, at, ticket);
            add(m, (struct wire_value){.field = FIELD_INTO, .string = string_of(m, into, size)});
            n += p[n] == '>' ? size + 1 : 0;
        } else if (n == 8 && memcmp(p, "restored", n) == 0) {
            m = event(EVENT_TICKET_RESTORED, at, ticket);
        } else {
            m = event(EVENT_TICKET_DELETED, at, ticket);
            add_number(m, FIELD_REASON, event_enum_find(FIELD_REASON, p, n));
        }
        p += n;
    } else if (strncmp(p, "call:", 5) == 0) {
        size_t n = strcspn(p += 5, ": ;|");
        m = event(EVENT_CONTACT_ENDED, at, ticket);
        add_number(m, FIELD_OUTCOME, event_enum_find(FIELD_OUTCOME, p, n));
        for (p += n; *p == ':';) {
            enum event_field field = p[1] == 'q' ? FIELD_QUEUE_S : p[1] == 't' ? FIELD_TALK_S : FIELD_WRAP_S;
            add_number(m, field, strtol(p + 2, (char **)&p, 10) * 1000);
        }
    } else if (strncmp(p, "sla", 3) == 0) {
        bool is_cancelled = p[3] == '-';
        p += is_cancelled ? 5 : 4;
        size_t n = strcspn(p, ": ;|{");
        m = event(is_cancelled ? EVENT_SLA_CANCELLED : EVENT_SLA_APPLIED, at, ticket);
        add_number(m, FIELD_METRIC, event_enum_find(FIELD_METRIC, p, n));
        p += n;
        if (!is_cancelled) {
            add_number(m, FIELD_TARGET_S, strtol(p + 1, (char **)&p, 10) * 1000);
            add_number(m, FIELD_CLOCK, p[1] == 'b' ? CLOCK_BUSINESS : CLOCK_WALL);
            p += 2;
        }
    } else if (strncmp(p, "q:", 2) == 0) {
        int score, min, max, n;
        assert_int_equal(sscanf(p, "q:%d/%d-%d%n", &score, &min, &max, &n), 3);
        m = event(EVENT_SURVEY_RESPONSE, at, ticket);
        p += n;
        add_instrument(m, p);
        add_number(m, FIELD_SCORE, score * 1000);
        add_number(m, FIELD_MIN, min * 1000);
        add_number(m, FIELD_MAX, max * 1000);
    } else if (strncmp(p, "a:", 2) == 0) {
        size_t n = strcspn(p += 2, " ;{|");
        m = event(EVENT_SURVEY_RESPONSE, at, ticket);
        add(m, (struct wire_value){.field = FIELD_CHOICE, .string = string_of(m, p, n)});
        p += n;
        add_instrument(m, p);
    } else if (strncmp(p, "sent", 4) == 0) {
        m = event(EVENT_SURVEY_SENT, at, ticket);
        p += 4;
        add_instrument(m, p);
    } else {
        assert_true(*p && status);
        m = event(EVENT_TICKET_STATUS, at, ticket);
        add_number(m, FIELD_AUTOMATED, p[1] == '~');
        add_number(m, FIELD_TO, status - STATUSES + 1);
        p += 1 + (p[1] == '~');
    }
    return *p == '{' ? dimensions(m, p) : p;
}

/* Commits what is written, each "||" another ticket. */
void tell(const char *p)
{
    static unsigned n_tickets;
    char name[32];
    int64_t day = 0, at = 0;
    (void)snprintf(name, sizeof(name), "t%u", ++n_tickets);
    const char *ticket = name;
    while (*p) {
        int h, m, n;
        if (*p == ' ' || *p == ';') {
            p++;
        } else if (strncmp(p, "||", 2) == 0 || strncmp(p, "|~|", 3) == 0) {
            ticket = p[1] == '~' ? NULL : name;
            p += ticket ? 2 : 3;
            (void)snprintf(name, sizeof(name), "t%u", ++n_tickets);
            day = 0;
        } else if (*p == '[') {
            size_t size = strcspn(++p, "]");
            (void)snprintf(name, sizeof(name), "%.*s", (int)size, p);
            p += size + 1;
        } else if (*p == 'd' && (p[1] == '-' || (p[1] >= '0' && p[1] <= '9'))) {
            day = strtol(p + 1, (char **)&p, 10);
        } else if (sscanf(p, "%2d:%2d%n", &h, &m, &n) == 2) {
            double s = 0;
            p += n;
            if (*p == ':') {
                s = strtod(p + 1, (char **)&p);
            }
            at = D0 + day * 86400000 + h * 3600000 + m * 60000 + (int64_t)llround(s * 1000);
        } else {
            p = token(p, at, ticket);
        }
    }
    bench_commit();
}

/* --- questions
 * --------------------------------------------------------------------------------------------------- */

/* A request as JSON with ' for ", which speaks of the far present unless it says otherwise. */
json_t *request_of(const char *text)
{
    char json[2048];
    size_t n = 0;
    for (; *text; text++)
        json[n++] = *text == '\'' ? '"' : *text == '`' ? '\'' : *text;
    json[n] = '\0';
    json_error_t e;
    json_t *request = json_loads(json, 0, &e);
    if (!request)
        fail_msg("%s: %s", json, e.text);
    if (!json_object_get(request, "now"))
        (void)json_object_set_new(request, "now", json_string(FAR));
    return request;
}

static json_t *run(const char *text, const json_t *request, struct crew *crew)
{
    struct error err = ERROR_INIT;
    json_t *answer = NULL;
    bench->context.crew = crew;
    if (query_run(&bench->context, request, &answer, &err) < 0)
        fail_msg("%s: %s: %s (%s)", text, err.code, err.message, err.hint);
    bench->context.crew = NULL;
    return answer;
}

json_t *ask(const char *text)
{
    json_t *request = request_of(text), *answer = run(text, request, NULL);
    json_t *meta = json_copy(json_object_get(answer, "meta"));
    (void)json_object_del(meta, "explain");
    (void)json_object_set_new(request, "explain", json_true());
    for (unsigned i = 0; i < 2; i++) {
        json_t *shared = run(text, request, bench->crews[i]), *its = json_object_get(shared, "meta");
        bench->n_shared +=
            json_integer_value(json_object_get(json_object_get(its, "explain"), "threads")) > 1;
        (void)json_object_del(its, "explain");
        if (!json_equal(json_object_get(shared, "rows"), json_object_get(answer, "rows")) ||
            !json_equal(its, meta))
            fail_msg("%s: %u threads answer %s\ninstead of %s", text, i + 2,
                     json_dumps(shared, JSON_ENCODE_ANY), json_dumps(answer, JSON_ENCODE_ANY));
        json_decref(shared);
    }
    json_decref(meta);
    json_decref(request);
    return answer;
}

void refuse(const char *text, const char *code, const char *hint)
{
    struct error err = ERROR_INIT;
    json_t *request = request_of(text), *answer = NULL;
    if (query_run(&bench->context, request, &answer, &err) == 0)
        fail_msg("%s was answered", text);
    if (strcmp(err.code, code) != 0 || !strstr(err.hint, hint))
        fail_msg("%s: %s: %s (%s)", text, err.code, err.message, err.hint);
    assert_true(err.message[0] != '\0');
    json_decref(request);
}

/* Rows as text: the values of the keys, "/" between them and " " between rows. */
const char *rows_of(json_t *answer, const char *keys, char room[2048])
{
    size_t n = 0, i;
    json_t *row;
    room[0] = '\0';
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        char list[512], *save = NULL;
        (void)snprintf(list, sizeof(list), "%s", keys);
        n += (size_t)snprintf(room + n, 2048 - n, "%s", i ? " " : "");
        bool is_first = true;
        for (char *key = strtok_r(list, " ", &save); key; key = strtok_r(NULL, " ", &save)) {
            const json_t *value = json_object_get(row, key);
            const char *slash = is_first ? "" : "/";
            if (!value)
                n += (size_t)snprintf(room + n, 2048 - n, "%s(no %s)", slash, key);
            else if (json_is_string(value))
                n += (size_t)snprintf(room + n, 2048 - n, "%s%s", slash, json_string_value(value));
            else if (json_is_real(value))
                n += (size_t)snprintf(room + n, 2048 - n, "%s%.6g", slash, json_real_value(value));
            else if (json_is_integer(value))
                n += (size_t)snprintf(room + n, 2048 - n, "%s%lld", slash,
                                      (long long)json_integer_value(value));
            else
                n += (size_t)snprintf(room + n, 2048 - n, "%s%s", slash,
                                      json_is_null(value)   ? "null"
                                      : json_is_true(value) ? "yes"
                                                            : "no");
            is_first = false;
        }
    }
    return room;
}

void check(const char *request, const char *keys, const char *expected)
{
    char room[2048];
    json_t *answer = ask(request);
    rows_of(answer, keys, room);
    if (strcmp(room, expected) != 0)
        fail_msg("%s\n  %s\n  expected %s\n  got      %s", request, keys, expected, room);
    json_decref(answer);
}

/* A value of meta by a path of keys. */
const json_t *meta_of(const json_t *answer, const char *path)
{
    char text[128], *save = NULL;
    const json_t *at = json_object_get(answer, "meta");
    (void)snprintf(text, sizeof(text), "%s", path);
    for (char *key = strtok_r(text, ".", &save); key; key = strtok_r(NULL, ".", &save))
        at = json_object_get(at, key);
    return at;
}

void check_meta(const char *request, const char *path, long long expected)
{
    json_t *answer = ask(request);
    const json_t *value = meta_of(answer, path);
    if (!json_is_integer(value) || json_integer_value(value) != expected)
        fail_msg("%s: meta.%s is %s", request, path,
                 value ? json_dumps(value, JSON_ENCODE_ANY) : "not there");
    json_decref(answer);
}
