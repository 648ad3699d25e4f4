/* Queries over a real store: small worked examples, written as events and as what is asked of them.
 *
 * "10:00 c{team=A}; 11:00 > S" is a ticket created at 10:00 on Monday 8 January 2024 (UTC) and answered and
 * solved at 11:00; "d4" moves on to Friday 12 January; "||" starts the next ticket, "|~|" events without one.
 * c created, c! by an agent, u updated, @A assigned, < > messages in and out (~ automated, - internal),
 * N O P H S C statuses, x:merged …, q:4/1-5 a rating. {…} are dimensions of the event before. */
#include "core/query/query.h"

#include "core/query/metric.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define D0     INT64_C(1704672000000) /* 2024-01-08T00:00:00Z */
#define FAR    "2025-01-01T00:00:00Z"
#define N_MAX  400
#define TEXTS  8
#define VALUES 16

struct made {
    struct wire_event event;
    struct wire_value values[VALUES];
    char texts[TEXTS][64];
    unsigned n_texts;
};

struct bench {
    char path[64];
    struct store *store;
    struct made events[N_MAX];
    size_t n;
    uint64_t seq;
    struct query_context context;
    char declared[1][EVENT_CODE_BYTES + 1];
};

static const char *const NEARSHORE[] = {"MX", NULL};
static struct bench *bench;

/* --- a store
 * ----------------------------------------------------------------------------------------------------- */

static void store_make(void)
{
    struct error err = ERROR_INIT;
    struct store_options o = {.path = bench->path, .map_bytes = 1 << 28, .create = true};
    memset(o.key, 5, sizeof(o.key));
    if (store_open(&o, &bench->store, &err) < 0)
        fail_msg("%s: %s", err.code, err.message);
    bench->context.store = bench->store;
}

static int setup(void **state)
{
    bench = calloc(1, sizeof(*bench));
    strcpy(bench->path, "/tmp/tendon-query-XXXXXX");
    assert_non_null(mkdtemp(bench->path));
    store_make();
    strcpy(bench->declared[0], "contract");
    bench->context = (struct query_context){.store = bench->store,
                                            .tenant = "riverbend",
                                            .zone = "UTC",
                                            .nearshore = NEARSHORE,
                                            .declared = bench->declared,
                                            .n_declared = 1};
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    store_close(bench->store);
    (void)snprintf(command, sizeof(command), "rm -r '%s'", bench->path);
    assert_int_equal(system(command), 0);
    free(bench);
    return 0;
}

static void commit(void)
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

static void reference(enum reference_table table, int64_t valid_from, const char *key, const char *pairs)
{
    struct error err = ERROR_INIT;
    struct store_view *v;
    struct reference *next;
    const char *values[REFERENCE_ATTRIBUTES_N] = {0};
    char text[256], *save = NULL;
    assert_int_equal(store_view_open(bench->store, &v, &err), 0);
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
}

/* A direct acme and an outsourcer bpo, hospitals in the US. */
static void teams(void)
{
    reference(REFERENCE_TEAM, INT64_MIN, "A", "employer=acme tier=1 team_country=US");
    reference(REFERENCE_TEAM, INT64_MIN, "D", "employer=acme tier=2 team_country=US");
    reference(REFERENCE_TEAM, INT64_MIN, "B", "employer=bpo outsourcer=bpo tier=1 team_country=US");
    reference(REFERENCE_TEAM, INT64_MIN, "F", "employer=bpo outsourcer=bpo tier=1 team_country=PH");
    reference(REFERENCE_TEAM, INT64_MIN, "M", "employer=bpo outsourcer=bpo tier=1 team_country=MX");
    reference(REFERENCE_SITE, INT64_MIN, "H1", "facility_kind=hospital beds=100 country=US org=north");
    reference(REFERENCE_SITE, INT64_MIN, "H2", "facility_kind=hospital beds=250 country=US org=north");
    reference(REFERENCE_SITE, INT64_MIN, "H3", "facility_kind=clinic country=US org=south");
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

/* One token at an instant; returns behind it. */
static const char *token(const char *p, int64_t at, const char *ticket)
{
    static const char STATUSES[] = "NOPHSC";
    struct made *m;
    const char *status = strchr(STATUSES, *p);
    if (*p == 'c' || *p == 'u') {
        m = event(*p == 'c' ? EVENT_TICKET_CREATED : EVENT_TICKET_UPDATED, at, ticket);
        if (*p == 'c')
            add_number(m, FIELD_BY, p[1] == '!' ? BY_AGENT : BY_REQUESTER);
        p += 1 + (p[1] == '!');
    } else if (*p == '@') {
        size_t n = strcspn(++p, " ;{/|");
        m = event(EVENT_TICKET_ASSIGNED, at, ticket);
        add(m, (struct wire_value){.field = FIELD_TEAM, .string = string_of(m, p, n)});
        add_number(m, FIELD_KIND, p[n] == '/' && p[n + 1] == 'e' ? KIND_ESCALATE : KIND_REASSIGN);
        p += n + (p[n] == '/' ? 2 : 0);
    } else if (*p == '<' || *p == '>') {
        m = event(EVENT_TICKET_MESSAGE, at, ticket);
        message(m, *p == '<' ? DIRECTION_IN : p[1] == '-' ? DIRECTION_INTERNAL : DIRECTION_OUT, p[1] == '~');
        p += 1 + (p[1] == '~' || p[1] == '-');
    } else if (strncmp(p, "x:", 2) == 0) {
        size_t n = strcspn(p += 2, " ;|");
        if (n == 6 && memcmp(p, "merged", n) == 0) {
            m = event(EVENT_TICKET_MERGED, at, ticket);
            add(m, (struct wire_value){.field = FIELD_INTO, .string = string_of(m, "other", 5)});
        } else if (n == 8 && memcmp(p, "restored", n) == 0) {
            m = event(EVENT_TICKET_RESTORED, at, ticket);
        } else {
            m = event(EVENT_TICKET_DELETED, at, ticket);
            add_number(m, FIELD_REASON, event_enum_find(FIELD_REASON, p, n));
        }
        p += n;
    } else if (strncmp(p, "q:", 2) == 0) {
        int score, min, max, n;
        assert_int_equal(sscanf(p, "q:%d/%d-%d%n", &score, &min, &max, &n), 3);
        m = event(EVENT_SURVEY_RESPONSE, at, ticket);
        p += n;
        if (!strstr(p, "instrument=") || strstr(p, "instrument=") > p + strcspn(p, ";"))
            add(m, (struct wire_value){.field = FIELD_INSTRUMENT, .string = string_of(m, "csat", 4)});
        add_number(m, FIELD_SCORE, score * 1000);
        add_number(m, FIELD_MIN, min * 1000);
        add_number(m, FIELD_MAX, max * 1000);
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
static void tell(const char *p)
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
        } else if (*p == 'd' && p[1] >= '0' && p[1] <= '9') {
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
    commit();
}

/* --- questions
 * --------------------------------------------------------------------------------------------------- */

/* A request as JSON with ' for ", which speaks of the far present unless it says otherwise. */
static json_t *request_of(const char *text)
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

static json_t *ask(const char *text)
{
    struct error err = ERROR_INIT;
    json_t *request = request_of(text), *answer = NULL;
    if (query_run(&bench->context, request, &answer, &err) < 0)
        fail_msg("%s: %s: %s (%s)", text, err.code, err.message, err.hint);
    json_decref(request);
    return answer;
}

static void refuse(const char *text, const char *code, const char *hint)
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
static const char *rows_of(json_t *answer, const char *keys, char room[2048])
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

static void check(const char *request, const char *keys, const char *expected)
{
    char room[2048];
    json_t *answer = ask(request);
    rows_of(answer, keys, room);
    if (strcmp(room, expected) != 0)
        fail_msg("%s\n  %s\n  expected %s\n  got      %s", request, keys, expected, room);
    json_decref(answer);
}

/* A value of meta by a path of keys. */
static const json_t *meta_of(const json_t *answer, const char *path)
{
    char text[128], *save = NULL;
    const json_t *at = json_object_get(answer, "meta");
    (void)snprintf(text, sizeof(text), "%s", path);
    for (char *key = strtok_r(text, ".", &save); key; key = strtok_r(NULL, ".", &save))
        at = json_object_get(at, key);
    return at;
}

static void check_meta(const char *request, const char *path, long long expected)
{
    json_t *answer = ask(request);
    const json_t *value = meta_of(answer, path);
    if (!json_is_integer(value) || json_integer_value(value) != expected)
        fail_msg("%s: meta.%s is %s", request, path,
                 value ? json_dumps(value, JSON_ENCODE_ANY) : "not there");
    json_decref(answer);
}

/* --- metrics
 * ----------------------------------------------------------------------------------------------------- */

static void test_flows(void **state)
{
    tell("10:00 c; d1 10:00 S; d2 10:00 O; d28 10:00 S");
    check("{'metrics': ['tickets_created', 'resolutions', 'reopens', 'tickets_solved'], 'every': '1mo',"
          " 'since': '2024-01-01', 'until': '2024-03-01'}",
          "period tickets_created resolutions reopens tickets_solved partial",
          "2024-01-01T00:00:00Z/1/1/1/0/no 2024-02-01T00:00:00Z/0/1/0/1/no");
    check("{'metrics': 'backlog', 'every': '1mo', 'since': '2024-01-01', 'until': '2024-03-01'}",
          "backlog.opening backlog backlog.n", "0/1/1 1/0/0");
    check("{'metrics': 'backlog'}", "backlog backlog.opening", "0/(no backlog.opening)");
    check("{'metrics': 'backlog', 'at': '2024-01-08T10:00:00Z'}", "backlog", "1");
    check("{'metrics': 'backlog', 'at': '2024-01-08T09:59:59.999Z'}", "backlog", "0");
    check("{'metrics': 'backlog', 'at': '2024-01-09T10:00:00Z'}", "backlog", "0");
    check("{'metrics': 'backlog', 'at': '2024-01-09T09:59:59.999Z'}", "backlog", "1");
    /* Where it runs still, a period closes at the present. */
    check("{'metrics': 'backlog', 'every': '1mo', 'since': '2024-01-01', 'until': '2024-03-01',"
          " 'now': '2024-01-09T12:00:00Z'}",
          "backlog.opening backlog partial", "0/0/yes 0/0/yes");
}

static void test_backlog_over_days(void **state)
{
    tell("10:00 c{vendor=acme}; d3 10:00 S; d4 10:00 O || d1 10:00 c{vendor=acme} || 10:00 c{vendor=acme}; "
         "d3 09:00 x:spam");
    check("{'metrics': 'backlog', 'every': '1d', 'since': '2024-01-07', 'until': '2024-01-14'}",
          "backlog.opening backlog", "0/0 0/1 1/2 2/2 2/1 1/2 2/2");
    /* Reopenings are part of the balance: nothing moved. */
    check("{'metrics': 'backlog', 'where': 'vendor=acme', 'every': '1w', 'since': '2024-01-08', 'until': "
          "'2024-01-22'}",
          "backlog.opening backlog backlog.moved", "0/2/0 2/2/0");
    json_t *answer =
        ask("{'metrics': 'backlog', 'every': '1d', 'since': '2024-01-07', 'until': '2024-01-14'}");
    const json_t *row;
    size_t i, n_days = 0;
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        n_days += json_object_get(json_object_get(row, "excluded"), "spam") != NULL;
    }
    assert_int_equal(n_days, 6); /* it would have been active on every day from its creation on */
    json_decref(answer);
}

static void test_durations(void **state)
{
    tell("10:00 c; 10:00:00.600 O; 10:00:01.400 H; 10:00:02.300 S");
    check("{'metrics': ['support_work_time', 'hold_time', 'requester_wait_time', 'first_resolution_time']}",
          "support_work_time hold_time requester_wait_time first_resolution_time", "1.4/0.9/2.3/2.3");
    tell("10:00 c; 10:10 O; 10:30 P; 11:00 S; d1 11:00 O; d1 11:20 S");
    check("{'metrics': ['pending_time.max', 'support_work_time.max', 'requester_wait_time.max', "
          "'hold_time.max',"
          " 'full_resolution_time.max', 'first_resolution_time.max', 'full_resolution_time.count']}",
          "pending_time.max support_work_time.max requester_wait_time.max hold_time.max "
          "full_resolution_time.max"
          " first_resolution_time.max full_resolution_time.count",
          "1800/3000/3000/0.9/91200/3600/2");
    /* Averages are rounded once, from the sum: (2.300 + 91,200.000) / 2. */
    check(
        "{'metrics': ['full_resolution_time', 'full_resolution_time.wall.avg', 'full_resolution_time.sum',"
        " 'full_resolution_time.min', 'full_resolution_time.p50', 'full_resolution_time.p50.1']}",
        "full_resolution_time full_resolution_time.wall.avg full_resolution_time.sum full_resolution_time.min"
        " full_resolution_time.p50 full_resolution_time.p50.1",
        "45601.2/45601.2/91202.3/2.3/2.3/91200");
}

static void test_response(void **state)
{
    tell("10:00 c <; 10:25 > || 10:00 c <; 10:00:05 >~; 10:10 >-; 10:30 > || 10:00 c!; 10:01 >; 12:00 S");
    check("{'metrics': ['first_response_time.p50', 'first_response_time.p90', 'first_response_time']}",
          "first_response_time.p50 first_response_time.p90 first_response_time first_response_time.n",
          "1500/1800/1650/2");
    check("{'metrics': 'first_response_time', 'since': '2025-01-01', 'now': '2025-02-01T00:00:00Z'}",
          "first_response_time first_response_time.n", "null/0");
}

/* Percentiles that were asked together, in any order and twice at one rank. */
static void test_percentiles(void **state)
{
    tell("10:00 c; 10:07 S || 10:00 c; 10:03 S || 10:00 c; 10:01 S || 10:00 c; 10:10 S || 10:00 c; 10:05 S ||"
         "10:00 c; 10:02 S || 10:00 c; 10:09 S || 10:00 c; 10:04 S || 10:00 c; 10:08 S || 10:00 c; 10:06 S");
    check("{'metrics': ['full_resolution_time.p90', 'full_resolution_time.p50', 'full_resolution_time.p50.0',"
          " 'full_resolution_time.p49.9', 'full_resolution_time.p99', 'full_resolution_time.p7']}",
          "full_resolution_time.p90 full_resolution_time.p50 full_resolution_time.p50.0 "
          "full_resolution_time.p49.9"
          " full_resolution_time.p99 full_resolution_time.p7",
          "540/300/300/300/600/60");
}

static void test_inferred(void **state)
{
    tell("10:00 O; 12:00 S || 10:00 c; 10:30 S");
    check("{'metrics': ['tickets_created', 'resolutions', 'tickets_solved', 'full_resolution_time']}",
          "tickets_created resolutions tickets_solved full_resolution_time full_resolution_time.n",
          "2/2/2/1800/1");
    check_meta("{'metrics': 'tickets_created'}", "inferred", 1);
    check_meta("{'metrics': 'full_resolution_time'}", "inferred", 1);
    check_meta("{'metrics': 'tickets_created', 'since': '2025-01-01'}", "inferred", 0);
    tell("10:00 O");
    check("{'metrics': ['backlog', 'backlog_age']}", "backlog backlog_age backlog_age.n", "1/null/0");
}

static void test_backlog_age(void **state)
{
    tell("10:00 c || d1 10:00 c || 10:00 c; d1 11:00 S");
    check("{'metrics': ['backlog_age', 'backlog_age.p50', 'backlog_age.max', 'backlog'],"
          " 'at': '2024-01-10T10:00:00Z'}",
          "backlog_age backlog_age.p50 backlog_age.max backlog_age.n backlog", "129600/86400/172800/2/2");
    check("{'metrics': 'backlog_age.min', 'every': '1d', 'since': '2024-01-08', 'until': '2024-01-10'}",
          "backlog_age.min backlog_age.min.n", "50400/2 50400/2");
}

static void test_as_of_dimensions(void **state)
{
    tell("10:00 c{severity=3}; d1 10:00 u{severity=2}; d2 10:00 S");
    check("{'metrics': 'tickets_created', 'by': ['severity']}", "severity tickets_created", "3/1");
    check("{'metrics': 'tickets_created', 'by': ['severity'], 'dims': 'current'}", "severity tickets_created",
          "2/1");
    check("{'metrics': 'full_resolution_time', 'by': ['severity']}", "severity full_resolution_time",
          "2/172800");
    check("{'metrics': 'backlog', 'by': ['severity'], 'at': '2024-01-08T12:00:00Z'}", "severity backlog",
          "3/1");
    check("{'metrics': 'backlog', 'by': ['severity'], 'at': '2024-01-09T12:00:00Z'}", "severity backlog",
          "2/1");
    check("{'metrics': 'backlog', 'by': ['severity'], 'at': '2024-01-08T12:00:00Z', 'dims': 'current'}",
          "severity backlog", "2/1");
    /* What moved between groups while it was active is said, and balances each. */
    check("{'metrics': 'backlog', 'by': ['severity'], 'every': '1d', 'since': '2024-01-08',"
          " 'until': '2024-01-11'}",
          "severity backlog.opening backlog backlog.moved",
          "2/0/0/0 2/0/1/1 2/1/0/0 3/0/1/0 3/1/0/-1 3/0/0/0");
    check("{'metrics': 'backlog', 'where': 'severity=3', 'since': '2024-01-08', 'until': '2024-01-10'}",
          "backlog.opening backlog backlog.moved", "0/0/-1");
    check("{'metrics': 'backlog', 'since': '2024-01-08', 'until': '2024-01-10'}", "backlog backlog.moved",
          "1/(no backlog.moved)");
}

static void test_exclusions(void **state)
{
    tell("10:00 c{vendor=acme}; 12:00 S || 10:05 c{vendor=acme}; 10:20 S; 10:25 O; 10:30 x:merged"
         " || 10:00 c{vendor=bolt}; 11:00 x:spam || 10:00 c{vendor=bolt}; 11:00 x:spam; 11:01 x:restored");
    check("{'metrics': ['tickets_created', 'resolutions']}", "tickets_created resolutions", "2/1");
    check_meta("{'metrics': ['tickets_created', 'resolutions', 'reopens']}", "excluded.merged", 1);
    check_meta("{'metrics': ['tickets_created', 'resolutions']}", "excluded.spam", 1);
    check_meta("{'metrics': 'resolutions'}", "excluded_by_source.desk.merged", 1);
    json_t *answer = ask("{'metrics': ['tickets_created', 'resolutions'], 'by': ['vendor']}");
    char *rows = json_dumps(json_object_get(answer, "rows"), JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(
        rows, "[{\"excluded\":{\"merged\":1},\"resolutions\":1,\"resolutions.n\":1,"
              "\"tickets_created\":1,\"tickets_created.n\":1,\"vendor\":\"acme\"},"
              "{\"excluded\":{\"spam\":1},\"resolutions\":0,\"resolutions.n\":0,\"tickets_created\":1,"
              "\"tickets_created.n\":1,\"vendor\":\"bolt\"}]");
    free(rows);
    json_decref(answer);
    check("{'metrics': 'backlog', 'at': '2024-01-08T10:20:00Z'}", "backlog", "2");
}

static void test_reopen_rate(void **state)
{
    tell("10:00 c; 11:00 S; d1 10:00 O; d1 12:00 S");
    check("{'metrics': ['reopen_rate', 'tickets_solved']}",
          "reopen_rate reopen_rate.low reopen_rate.high reopen_rate.n reopen_rate.censored tickets_solved",
          "0.5/0.0945312/0.905469/2/0/1");
    check("{'metrics': 'reopen_rate', 'now': '2024-01-22T11:00:00Z'}",
          "reopen_rate reopen_rate.n reopen_rate.censored", "1/1/1");
    check("{'metrics': 'reopen_rate', 'now': '2024-01-22T10:59:59.999Z'}",
          "reopen_rate reopen_rate.low reopen_rate.n reopen_rate.censored", "null/null/0/2");
    check("{'metrics': 'reopen_rate', 'reopen_window': '22h'}", "reopen_rate reopen_rate.n", "0/2");
    tell("10:00 c; 11:00 S; d14 11:00 O || 10:00 c; 11:00 S; d14 11:00:00.001 O");
    check("{'metrics': 'reopen_rate', 'since': '2024-01-08', 'until': '2024-01-09'}",
          "reopen_rate.n reopen_rate", "3/0.666667");
}

static void test_teams(void **state)
{
    teams();
    tell("10:00 c @A; 10:20 @D/e; 10:50 @A; 11:00 S || 10:00 c @A; 10:20 @B; 11:00 S || 10:00 c @D; 10:20 "
         "@A; 11:00 S"
         " || 10:00 c; 11:00 S");
    check("{'metrics': ['escalation_rate', 'handoffs', 'handoffs.max', 'handoffs.sum']}",
          "escalation_rate.n escalation_rate handoffs handoffs.n handoffs.max handoffs.sum",
          "3/0.666667/1/4/2/4");
    check("{'metrics': 'tickets_solved', 'by': ['support_model', 'tier']}",
          "support_model tier tickets_solved", "direct/1/2 outsourced/1/1 null/null/1");
    check("{'metrics': 'tickets_solved', 'by': 'employer', 'where': 'team is not null'}",
          "employer tickets_solved", "acme/2 bpo/1");
}

static void test_shares(void **state)
{
    teams();
    tell("10:00 c{site=H1} @B; 11:00 S || 10:00 c{site=H1} @B; 11:00 S || 10:00 c{site=H1} @A; 11:00 S ||"
         " 10:00 c{site=H2} @A; 11:00 S || 10:00 c{site=H3}; 11:00 S");
    check("{'metrics': 'outsourced_share'}", "outsourced_share outsourced_share.n outsourced_share.unknown",
          "0.5/4/1");
    check("{'metrics': 'outsourced_share', 'unit': 'site', 'threshold': '0.5'}",
          "outsourced_share outsourced_share.n", "0.5/2");
    check("{'metrics': 'outsourced_share', 'unit': 'site', 'threshold': '0.67'}",
          "outsourced_share outsourced_share.n", "0/2");
    check("{'metrics': 'outsourced_share', 'unit': 'org'}", "outsourced_share outsourced_share.n", "1/1");
    check("{'metrics': 'outsourced_share', 'by': ['site']}", "site outsourced_share outsourced_share.unknown",
          "H1/0.666667/0 H2/0/0 H3/null/1");
    tell("10:00 c{site=H2} @F; 11:00 S || 10:00 c{site=H2} @M; 11:00 S");
    check("{'metrics': 'offshore_share', 'where': 'site=H2'}",
          "offshore_share offshore_share.low offshore_share.high offshore_share.n",
          "0.333333/0.0614919/0.79234/3");
    check("{'metrics': 'tickets_solved', 'by': 'support_region', 'where': 'site in (H2)'}",
          "support_region tickets_solved", "domestic/1 nearshore/1 offshore/1");
    check("{'metrics': 'tickets_solved', 'where': 'beds>100'}", "tickets_solved", "3");
    check("{'metrics': 'tickets_solved', 'where': 'not beds>100'}", "tickets_solved", "3");
    check("{'metrics': 'tickets_solved', 'where': 'beds is null and facility_kind=clinic'}", "tickets_solved",
          "1");
    check("{'metrics': 'tickets_solved', 'by': ['beds']}", "beds tickets_solved", "100/3 250/3 null/1");
}

/* Reference rows hold from an instant on; a row is judged by those of its own. */
static void test_versions(void **state)
{
    teams();
    reference(REFERENCE_TEAM, D0 + 86400000, "A", "employer=bpo outsourcer=bpo team_country=PH");
    tell(
        "10:00 c{site=H1,team=A}; 11:00 S || 10:00 c{site=H1,team=A}; d1 11:00 S || 10:00 c{site=H1,team=A}");
    check("{'metrics': 'tickets_solved', 'by': ['support_model', 'support_region']}",
          "support_model support_region tickets_solved", "direct/domestic/1 outsourced/offshore/1");
    check("{'metrics': 'tickets_solved', 'by': 'support_model', 'dims': 'current'}",
          "support_model tickets_solved", "outsourced/2");
    check("{'metrics': 'backlog', 'by': 'support_model', 'every': '1d', 'since': '2024-01-08', 'until': "
          "'2024-01-10'}",
          "support_model backlog.opening backlog backlog.moved",
          "direct/0/2/0 direct/2/0/-2 outsourced/0/0/0 outsourced/0/1/2");
    check("{'metrics': 'tickets_solved', 'by': 'tier'}", "tier tickets_solved", "1/1 null/1");
    /* A rating is judged by the tables of the solve that it rates, not of its own day. */
    tell("10:00 c{team=A}; 11:00 S; d1 12:00 q:5/1-5");
    check("{'metrics': 'csat', 'by': 'support_model'}", "support_model csat", "direct/1");
    /* A version holds from its very instant on. */
    tell("10:00 c{team=A}; d1 00:00 S || 10:00 c{team=A}; 23:59:59.999 S");
    check("{'metrics': 'tickets_solved', 'by': 'support_model', 'where': 'site is null'}",
          "support_model tickets_solved", "direct/2 outsourced/1");
}

static void test_ratings(void **state)
{
    tell("10:00 c{vendor=acme}; 11:00 S; 12:00 q:2/1-5; 13:00 q:5/1-5; d1 10:00 O; d1 11:00 S; d1 12:00 "
         "q:1/1-5");
    check("{'metrics': ['csat', 'dissatisfaction']}", "csat csat.n dissatisfaction", "0.5/2/0.5");
    check("{'metrics': 'csat', 'by': 'vendor', 'every': '1d'}", "vendor period csat csat.n",
          "acme/2024-01-08T00:00:00Z/1/1 acme/2024-01-09T00:00:00Z/0/1");
    /* Without a ticket: the last of each site, respondent and question in the period. */
    tell("10:00 c |~| 14:00 q:5/1-5{site=H1,respondent=r1,question=help};"
         " 15:00 q:1/1-5{site=H1,respondent=r1,question=help};"
         " 15:00 q:3/1-5{site=H1,respondent=r2,question=help};"
         " d1 15:00 q:5/1-5{site=H1,respondent=r1,question=help};"
         " 15:00 q:5/1-5{site=H1,respondent=r3,question=help,rater_relation=reseller};"
         " 15:00 q:5/1-5{site=H1,question=help} q:4/1-5{site=H1,question=help}");
    check("{'metrics': 'csat', 'question': 'help'}", "csat.n csat", "4/0.75");
    check("{'metrics': 'csat', 'question': 'help', 'every': '1d'}", "csat.n csat", "2/0 3/1");
    check_meta("{'metrics': ['csat', 'dissatisfaction'], 'question': 'help'}", "left_out.reseller", 1);
    /* The last is chosen before the condition is looked at. */
    check("{'metrics': 'csat', 'question': 'help', 'until': '2024-01-09', 'where': 'site=H1'}", "csat.n",
          "2");
    check("{'metrics': 'csat', 'by': 'question'}", "question csat.n", "help/4 null/2");
    check("{'metrics': 'csat', 'question': 'help', 'unit': 'site'}", "csat.n csat", "1/0.75");
    check("{'metrics': 'csat', 'question': 'help', 'unit': 'respondent'}", "csat.n csat", "4/0.75");
    json_t *answer = ask("{'metrics': 'csat', 'instrument': 'cast'}");
    assert_int_equal(json_array_size(meta_of(answer, "warnings")), 1);
    json_decref(answer);
}

static void test_questions_of_tickets(void **state)
{
    tell("10:00 c; 11:00 S; 12:00 q:5/1-5{question=speed}; 12:01 q:1/1-5{question=care}");
    check("{'metrics': 'csat'}", "csat.n csat", "1/0");
    check("{'metrics': 'csat', 'question': 'speed'}", "csat.n csat", "1/1");
    check("{'metrics': 'csat', 'by': 'question'}", "question csat.n csat", "care/1/0 speed/1/1");
    check("{'metrics': 'csat', 'where': 'question=speed'}", "csat.n csat", "1/1");
    tell("10:00 c; 11:00 S; 12:00 q:10/0-10{instrument=nps}");
    check("{'metrics': 'csat'}", "csat.n", "1");
    check("{'metrics': 'csat', 'instrument': 'nps'}", "csat.n csat", "1/1");
    check("{'metrics': 'csat', 'by': 'instrument'}", "instrument csat.n", "csat/1 nps/1");
}

static void test_orphans(void **state)
{
    tell("10:00 q:5/1-5");
    check("{'metrics': ['tickets_created', 'backlog']}", "tickets_created backlog", "0/0");
    check_meta("{'metrics': 'tickets_created'}", "orphans", 1);
    check_meta("{'metrics': 'tickets_created'}", "conflicts", 0);
}

static void test_cohorts(void **state)
{
    tell(
        "10:00 c{vendor=acme}; d40 11:00 S || 10:00 c{vendor=acme} || d40 10:00 c{vendor=bolt}; d40 11:00 S");
    check("{'metrics': 'full_resolution_time', 'anchor': 'created', 'every': '1mo'}",
          "period full_resolution_time.n full_resolution_time.open",
          "2024-01-01T00:00:00Z/1/1 2024-02-01T00:00:00Z/1/0");
    check("{'metrics': 'full_resolution_time', 'every': '1mo'}",
          "full_resolution_time.n full_resolution_time.open", "2/(no full_resolution_time.open)");
    check("{'metrics': 'tickets_solved', 'anchor': 'created', 'by': 'vendor', 'until': '2024-02-01'}",
          "vendor tickets_solved tickets_solved.open", "acme/1/1");
}

static void test_periods_in_zones(void **state)
{
    tell("d293 00:30 c || d293 01:30 c || d297 23:59:59 c || d298 00:00 c");
    check("{'metrics': 'tickets_created', 'every': '1mo', 'tz': 'Europe/London'}", "period tickets_created",
          "2024-10-01T00:00:00+01:00/3 2024-11-01T00:00:00Z/1");
    check("{'metrics': 'tickets_created', 'every': '1d', 'tz': 'Europe/London', 'since': '2024-10-27',"
          " 'until': '2024-10-28'}",
          "period tickets_created", "2024-10-27T00:00:00+01:00/2");
    check("{'metrics': 'tickets_created', 'since': '2d', 'now': '2024-10-28T12:00:00Z'}", "tickets_created",
          "2");
}

static void test_groups(void **state)
{
    tell("10:00 c{vendor=bolt,contract=gold} || 10:00 c{vendor=acme} || 10:00 c || 10:00 "
         "c{vendor=acme,channel=phone}");
    check("{'metrics': 'tickets_created', 'by': ['vendor', 'contract', 'channel']}",
          "vendor contract channel tickets_created",
          "acme/null/phone/1 acme/null/null/1 bolt/gold/null/1 null/null/null/1");
    check("{'metrics': 'tickets_created', 'by': 'vendor,channel', 'where': 'vendor!=acme'}",
          "vendor tickets_created", "bolt/1");
    check("{'metrics': 'tickets_created', 'by': 'vendor', 'where': 'vendor=none'}", "vendor", "");
    check("{'metrics': 'tickets_created', 'where': 'vendor=acme and channel=phone'}", "tickets_created", "1");
    check("{'metrics': 'tickets_created', 'where': 'vendor=bolt or channel=phone'}", "tickets_created", "2");
    check("{'metrics': 'tickets_created', 'where': 'not (vendor=bolt or channel=phone)'}", "tickets_created",
          "0");
    json_t *answer = ask("{'metrics': 'tickets_created', 'where': 'vendor=acmee'}");
    const char *warning = json_string_value(json_array_get(meta_of(answer, "warnings"), 0));
    assert_string_equal(warning, "where: column 8: no vendor is 'acmee'; did you mean acme?");
    json_decref(answer);
    bench->context.rows_max = 2;
    refuse("{'metrics': 'tickets_created', 'by': 'vendor'}", "result_size", "fewer dimensions");
    check("{'metrics': 'tickets_created', 'by': 'vendor', 'where': 'vendor is not null'}", "vendor",
          "acme bolt");
}

static void test_refused(void **state)
{
    refuse("{'metrics': 'ticket_created'}", "unknown_metric", "tickets_created");
    refuse("{'metrics': []}", "unknown_metric", "");
    refuse("{}", "unknown_metric", "");
    refuse("{'metrics': 'open_now'}", "unknown_metric", "");
    refuse("{'metrics': 'tickets_created.p50'}", "unknown_statistic", "is a count");
    refuse("{'metrics': 'csat.avg'}", "unknown_statistic", "interval");
    refuse("{'metrics': 'full_resolution_time.p101'}", "unknown_statistic", "p100");
    refuse("{'metrics': 'full_resolution_time.'}", "unknown_statistic", "");
    refuse("{'metrics': 'full_resolution_time.mx'}", "unknown_statistic", "max");
    refuse("{'metrics': 'full_resolution_time.business.p50'}", "no_calendar", "wall");
    refuse("{'metrics': 'tickets_created.business'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'by': 'vendr'}", "unknown_dimension", "vendor");
    refuse("{'metrics': 'tickets_created', 'by': 'question'}", "unknown_dimension", "");
    refuse("{'metrics': 'tickets_created', 'where': 'instrument=csat'}", "unknown_dimension", "");
    refuse("{'metrics': 'tickets_created', 'where': 'vendor='}", "bad_expression", "");
    refuse("{'metrics': 'tickets_created', 'tz': 'Amerika/Chicago'}", "unknown_zone", "America/Chicago");
    refuse("{'metrics': 'tickets_created', 'evry': '1d'}", "bad_option", "every");
    refuse("{'metrics': 'tickets_created', 'every': 7}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'at': '2024-01-01'}", "bad_option", "since");
    refuse("{'metrics': 'backlog', 'anchor': 'created'}", "bad_option", "");
    refuse("{'metrics': 'csat', 'anchor': 'created'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'anchor': 'finished'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'unit': 'site'}", "bad_option", "shares");
    refuse("{'metrics': 'outsourced_share', 'unit': 'respondent'}", "bad_option", "");
    refuse("{'metrics': 'outsourced_share', 'threshold': '0.5'}", "bad_option", "");
    refuse("{'metrics': 'outsourced_share', 'unit': 'site', 'threshold': '1.5'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'reopen_window': '14d'}", "bad_option", "");
    refuse("{'metrics': 'reopen_rate', 'reopen_window': 'long'}", "bad_option", "14d");
    refuse("{'metrics': 'tickets_created', 'within': '20'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'calendar_rule': 'last'}", "bad_option", "");
    refuse("{'metrics': 'tickets_created', 'since': 'yesterday'}", "bad_period", "90d");
    refuse("{'metrics': 'tickets_created', 'dims': 'past'}", "bad_option", "current");
}

static void test_limits(void **state)
{
    atomic_bool cancelled = false;
    tell("10:00 c; 11:00 S");
    bench->context.deadline = 1;
    refuse("{'metrics': 'tickets_created'}", "query_time", "shorter");
    bench->context.deadline = 0;
    bench->context.cancelled = &cancelled;
    check("{'metrics': 'tickets_created'}", "tickets_created", "1");
    atomic_store(&cancelled, true);
    refuse("{'metrics': 'tickets_created'}", "cancelled", "");
}

static void test_meta(void **state)
{
    tell("10:00 c; 11:00 S");
    json_t *answer =
        ask("{'metrics': ['tickets_created', 'csat', 'full_resolution_time.p99.9'], 'since': '2024-01-01',"
            " 'explain': true, 'tz': 'America/Chicago'}");
    char *names = json_dumps(json_object_get(answer, "metrics"), JSON_COMPACT);
    assert_string_equal(names, "[\"tickets_created\",\"csat\",\"full_resolution_time.p99.9\"]");
    free(names);
    assert_string_equal(json_string_value(meta_of(answer, "period.since")), "2024-01-01T00:00:00-06:00");
    assert_true(json_is_null(meta_of(answer, "period.until")));
    assert_string_equal(json_string_value(meta_of(answer, "now")), "2024-12-31T18:00:00-06:00");
    assert_string_equal(json_string_value(meta_of(answer, "zone")), "America/Chicago");
    assert_int_equal(json_integer_value(meta_of(answer, "as_of")), 2);
    assert_int_equal(json_integer_value(meta_of(answer, "definitions.csat")), 1);
    assert_int_equal(json_array_size(meta_of(answer, "sources")), 1);
    assert_true(json_is_array(meta_of(answer, "explain.tables")));
    /* Every key of a row is a column, but for what is said beside it. */
    const json_t *row = json_array_get(json_object_get(answer, "rows"), 0);
    const char *key;
    json_t *value;
    size_t n = 0, i;
    json_object_foreach((json_t *)row, key, value)
    {
        bool found = false;
        json_array_foreach(json_object_get(answer, "columns"), i, value)
        {
            found |= strcmp(json_string_value(json_object_get(value, "name")), key) == 0;
        }
        if (!found)
            fail_msg("%s is no column", key);
        n++;
    }
    assert_int_equal(n, json_array_size(json_object_get(answer, "columns")));
    const json_t *last = json_array_get(json_object_get(answer, "columns"), n - 2);
    assert_string_equal(json_string_value(json_object_get(last, "stat")), "p99.9");
    json_decref(answer);
    /* Nothing at all is an answer too. */
    check("{'metrics': 'tickets_created', 'every': '1d', 'since': '2030-01-01'}", "tickets_created", "");
}

/* The order of arrival, repetition and where the rows lie change no answer. */
static void test_arrival(void **state)
{
    static const char ASKED[] =
        "{'metrics': ['tickets_created', 'full_resolution_time', 'backlog', 'reopen_rate'],"
        " 'by': ['vendor'], 'every': '1d'}";
    struct error err = ERROR_INIT;
    tell("10:00 c{vendor=acme}; d1 11:00 S; d2 09:00 O; d3 10:00 S || 10:00 c{vendor=bolt}; d1 09:00 "
         "u{vendor=acme};"
         " d2 10:00 S");
    json_t *before = ask(ASKED);
    store_close(bench->store); /* which seals */
    store_make();
    json_t *sealed = ask(ASKED);
    assert_true(json_equal(json_object_get(before, "rows"), json_object_get(sealed, "rows")));
    assert_int_equal(store_reindex(bench->store, &err), 0);
    json_t *again = ask(ASKED);
    assert_true(json_equal(json_object_get(before, "rows"), json_object_get(again, "rows")));
    json_decref(before);
    json_decref(sealed);
    json_decref(again);
}

static void test_catalogue(void **state)
{
    struct error err = ERROR_INIT;
    json_t *list = metric_catalogue(), *one, *entry;
    size_t i;
    assert_true(json_array_size(list) > 0);
    json_array_foreach(list, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        assert_string_equal(metric_find(name, strlen(name))->name, name);
        assert_true(strlen(json_string_value(json_object_get(entry, "definition"))) > 40);
        assert_true(json_integer_value(json_object_get(entry, "version")) >= 1);
    }
    json_decref(list);
    assert_int_equal(metric_show("csat", &one, &err), 0);
    assert_int_equal(json_array_size(json_object_get(one, "options")), 3);
    json_decref(one);
    assert_int_equal(metric_show("csta", &one, &err), -ENOENT);
    assert_string_equal(err.code, "unknown_metric");
    assert_string_equal(err.hint, "did you mean csat?");
    assert_int_equal(metric_show("open_now", &one, &err), -ENOENT);
    /* What the table says must fit the facts. */
    const struct metric *m;
    for (i = 0; (m = metric_at(i)); i++) {
        assert_true(m->completed < FACT_TABLE_INFO[m->table].n_values);
        assert_true((m->kind == METRIC_RATIO) == (m->trial != TRIAL_NONE));
        assert_true((m->kind == METRIC_DURATION || m->kind == METRIC_MEAN || m->kind == METRIC_SCORE) ==
                    (m->values[METRIC_WALL].is != VALUE_OF_NOTHING));
        for (unsigned k = 0; k < METRIC_CONDITIONS; k++)
            assert_true(m->conditions[k].column < FACT_TABLE_INFO[m->table].n_values);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(metric_at(k)->name, m->name);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_flows),
        TEST(test_durations),
        TEST(test_percentiles),
        TEST(test_backlog_over_days),
        TEST(test_response),
        TEST(test_inferred),
        TEST(test_backlog_age),
        TEST(test_as_of_dimensions),
        TEST(test_exclusions),
        TEST(test_reopen_rate),
        TEST(test_teams),
        TEST(test_shares),
        TEST(test_versions),
        TEST(test_ratings),
        TEST(test_questions_of_tickets),
        TEST(test_orphans),
        TEST(test_cohorts),
        TEST(test_periods_in_zones),
        TEST(test_groups),
        TEST(test_refused),
        TEST(test_limits),
        TEST(test_meta),
        TEST(test_arrival),
        cmocka_unit_test(test_catalogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
