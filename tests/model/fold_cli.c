/* The fold as a filter, for the property tests: documents in on stdin, fact rows out on stdout.
 *
 * A document is a little-endian u32 and as many bytes of msgpack:
 *   ["world", {…}]         before all others; each key may be left out:
 *       declared    [dimension, …]
 *       teams       [[team, valid_from or nil, {attribute: text}], …]; sites the same
 *       calendars   [[name, valid_from or nil, {zone, hours, federal, holidays}], …]
 *       calendar    name of the tenant's default calendar
 *       policies    [{name, metric, target_ms, clock, calendar, conditions: {dimension: [text, …]}}, …]
 *   ["fold", [event, …]]   one subject; answered by one line of JSON, the list of its rows
 * Each subject has a dictionary of its own, so numbers follow the order of arrival: rows are written with the
 * strings that the numbers stand for and must not depend on them. */
#include "core/base/buffer.h"
#include "core/base/document.h"
#include "core/fold/calendar.h"
#include "core/fold/fold.h"
#include "core/fold/policy.h"
#include "core/fold/reference.h"
#include "proto/msgpack.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define DOCUMENT_BYTES_MAX (16 * 1024 * 1024)
#define WORLD_VALUES_MAX   65536

struct world {
    struct event_schema schema;
    struct reference *reference;
    struct fold_settings settings;
    struct policy policies[POLICIES_MAX];
    struct fold *fold;
};

/* The rows of one subject, as they come. */
struct answer {
    const struct world *world;
    const struct dictionary *dictionary;
    json_t *rows;
};

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "fold_cli: %s\n", why);
    exit(2);
}

/* --- rows as JSON
 * --------------------------------------------------------------------------------------------- */

static json_t *json_field(const struct answer *a, unsigned field, int64_t number)
{
    const struct field_info *info = &FIELDS[field];
    if (number == 0)
        return json_null();
    if (info->kind == VALUE_ENUM)
        return json_string(info->values[number - 1]);
    if (info->kind == VALUE_INT)
        return json_integer(number + info->low - 1);
    return json_string(dictionary_string(a->dictionary, field, (uint32_t)number));
}

static json_t *json_dimensions(const struct answer *a, const uint16_t dimensions[FIELD_N_DIMENSIONS])
{
    json_t *map = json_object();
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        if (dimensions[f])
            json_object_set_new(map, event_field_name(&a->world->schema, f), json_field(a, f, dimensions[f]));
    return map;
}

static json_t *json_number(int64_t number)
{
    return number == FACT_NULL || number == FACT_FOREVER ? json_null() : json_integer(number);
}

static void lower(char *s)
{
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s | 0x20);
}

/* Columns that hold numbers of a field's values. */
static const struct {
    uint8_t table, column, field;
} COLUMN_FIELDS[] = {
    {FACT_TICKET, FACT_TICKET_CLASS, FIELD_TO},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_METRIC, FIELD_METRIC},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_POLICY, FIELD_POLICY},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_CLOCK, FIELD_CLOCK},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_CALENDAR, FIELD_CALENDAR},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_SITE, FIELD_SITE},
    {FACT_RATING, FACT_RATING_INSTRUMENT, FIELD_INSTRUMENT},
    {FACT_RATING, FACT_RATING_QUESTION, FIELD_QUESTION},
    {FACT_RATING, FACT_RATING_RELATION, FIELD_RATER_RELATION},
    {FACT_RATING, FACT_RATING_CHOICE, FIELD_CHOICE},
    {FACT_RATING, FACT_RATING_RESPONDENT_ROLE, FIELD_RESPONDENT_ROLE},
    {FACT_ANSWER, FACT_ANSWER_INSTRUMENT, FIELD_INSTRUMENT},
    {FACT_ANSWER, FACT_ANSWER_QUESTION, FIELD_QUESTION},
    {FACT_ANSWER, FACT_ANSWER_CHOICE, FIELD_CHOICE},
    {FACT_ANSWER, FACT_ANSWER_RELATION, FIELD_RATER_RELATION},
    {FACT_ANSWER, FACT_ANSWER_RESPONDENT_ROLE, FIELD_RESPONDENT_ROLE},
    {FACT_SENDING, FACT_SENDING_INSTRUMENT, FIELD_INSTRUMENT},
    {FACT_SENDING, FACT_SENDING_RELATION, FIELD_RATER_RELATION},
    {FACT_SENDING, FACT_SENDING_RESPONDENT_ROLE, FIELD_RESPONDENT_ROLE},
    {FACT_CONTACT, FACT_CONTACT_OUTCOME, FIELD_OUTCOME},
};
static const struct {
    uint8_t table, column;
} COLUMN_BOOLS[] = {
    {FACT_TICKET, FACT_TICKET_SPEAKS},  {FACT_SOLVE, FACT_SOLVE_ESCALATED},
    {FACT_SOLVE, FACT_SOLVE_PING_PONG}, {FACT_SOLVE, FACT_SOLVE_ESCALATED_BEFORE},
    {FACT_SOLVE, FACT_SOLVE_IN_TIME},
};
static const char *const OUTCOMES[] = {NULL,
                                       [SLA_RUNNING] = "running",
                                       [SLA_MET] = "met",
                                       [SLA_BREACHED] = "breached",
                                       [SLA_ENDED] = "ended",
                                       [SLA_UNMEASURED] = "unmeasured"};

static json_t *json_value(const struct answer *a, const struct fact_row *row, unsigned column)
{
    int64_t n = row->values[column];
    if (n == FACT_NULL)
        return json_null();
    if (row->table == FACT_SLA_CYCLE && column == FACT_SLA_CYCLE_OUTCOME)
        return json_string(OUTCOMES[n]);
    for (size_t i = 0; i < sizeof(COLUMN_FIELDS) / sizeof(*COLUMN_FIELDS); i++)
        if (COLUMN_FIELDS[i].table == row->table && COLUMN_FIELDS[i].column == column)
            return json_field(a, COLUMN_FIELDS[i].field, n);
    for (size_t i = 0; i < sizeof(COLUMN_BOOLS) / sizeof(*COLUMN_BOOLS); i++)
        if (COLUMN_BOOLS[i].table == row->table && COLUMN_BOOLS[i].column == column)
            return json_boolean(n);
    return json_number(n);
}

static int add_row(void *context, const struct fact_row *row)
{
    const struct answer *a = context;
    const struct fact_table_info *info = &FACT_TABLE_INFO[row->table];
    json_t *map = json_object();
    json_object_set_new(map, "table", json_string(info->name));
    for (unsigned c = 0; c < info->n_values; c++) {
        char name[32];
        snprintf(name, sizeof(name), "%s", info->value_names[c]);
        lower(name);
        if (c != FACT_FLAGS)
            json_object_set_new(map, name, json_value(a, row, c));
    }
    int64_t flags = row->values[FACT_FLAGS];
    json_object_set_new(map, "inferred", json_boolean(flags & FACT_FLAG_INFERRED));
    json_object_set_new(map, "ticket", json_boolean(flags & FACT_FLAG_TICKET));
    if (row->table >= FACT_RATING && row->table <= FACT_CONTACT)
        json_object_set_new(map, "loose", json_boolean(flags & FACT_FLAG_LOOSE));
    if (row->table == FACT_SOLVE)
        json_object_set_new(map, "last", json_boolean(flags & FACT_FLAG_LAST));
    if (row->table == FACT_RATING)
        json_object_set_new(map, "of_survey", json_boolean(flags & FACT_FLAG_OF_SURVEY));
    json_object_set_new(map, "dimensions", json_dimensions(a, row->dimensions[0]));
    if (info->n_sets > 1)
        json_object_set_new(map, "current", json_dimensions(a, row->dimensions[1]));
    json_array_append_new(a->rows, map);
    return 0;
}

/* --- events as the store holds them
 * --------------------------------------------------------------------------- */

/* A short id is its own bytes as a number, so that whoever reads the rows can tell which it is and knows how
 * ids are ordered; what is longer is hashed. */
static uint64_t hash_of(struct wire_string s)
{
    uint64_t number = 0;
    if (s.size > sizeof(number))
        return XXH3_64bits(s.data, s.size);
    for (uint32_t i = 0; i < sizeof(number); i++)
        number = number << 8 | (i < s.size ? (uint8_t)s.data[i] : 0);
    return number;
}

static struct event *event_of(const struct wire_event *e, struct dictionary *dictionary)
{
    struct event *made = calloc(1, event_size(e->n_values));
    if (!made)
        die("no memory");
    made->at = e->at;
    made->seq = e->seq;
    made->type = (uint8_t)e->type;
    made->id = hash_of(e->id);
    for (uint32_t i = 0; i < e->n_values; i++) {
        const struct wire_value *v = &e->values[i];
        int64_t number = v->nil ? 0 : v->number;
        if (FIELDS[v->field].kind == VALUE_HASH) {
            made->ref = hash_of(v->string);
            continue;
        }
        if (FIELDS[v->field].kind == VALUE_DICTIONARY && !v->nil) {
            uint32_t given;
            if (dictionary_intern(dictionary, v->field, v->string.data, v->string.size, &given, NULL) < 0)
                die("a dictionary is full");
            number = given;
        }
        made->fields[made->n_fields++] = event_field_pack(v->field, number);
    }
    return made;
}

/* Adds an event unless it says what one there says with the same identity, as the store does. */
static void events_add(struct event **events, size_t *n, struct event *e)
{
    for (size_t i = 0; i < *n; i++) {
        if (events[i]->id == e->id && event_same_content(events[i], e)) {
            free(e);
            return;
        }
    }
    events[(*n)++] = e;
}

static void answer_fold(struct world *w, struct mp_reader *r)
{
    uint32_t n_given;
    size_t n = 0;
    struct dictionary *dictionary;
    if (!mp_read_array(r, &n_given))
        die("a fold has a list of events");
    struct event **events = calloc(n_given + 1, sizeof(struct event *));
    if (!events || dictionary_new(&dictionary) < 0)
        die("no memory");
    struct fold_subject subject = {.number = 1, .namespace = 1, .is_loose = true};
    for (uint32_t i = 0; i < n_given; i++) {
        struct wire_event e;
        struct wire_value values[FIELD_N];
        int reject = event_decode(r, &w->schema, &e, values);
        if (reject != REJECT_NONE)
            die(reject < 0 ? "an event is no msgpack" : event_reject_code((enum event_reject)reject));
        if (e.ticket.data) {
            subject.is_loose = false;
            subject.hash = hash_of(e.ticket);
        }
        events_add(events, &n, event_of(&e, dictionary));
    }
    if (policies_intern(w->policies, w->settings.n_policies, dictionary) < 0)
        die("no memory");
    struct fold_environment environment = {.dictionary = dictionary,
                                           .reference = w->reference,
                                           .settings = &w->settings,
                                           .declared = w->schema.declared,
                                           .n_declared = w->schema.n_declared};
    struct answer a = {.world = w, .dictionary = dictionary, .rows = json_array()};
    if (fold_run(w->fold, &environment, &subject, (const struct event *const *)events, n, FACT_TABLES_ALL,
                 add_row, &a) < 0)
        die("the fold failed");
    json_dumpf(a.rows, stdout, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    fputc('\n', stdout);
    fflush(stdout);
    json_decref(a.rows);
    for (size_t i = 0; i < n; i++)
        free(events[i]);
    free(events);
    dictionary_free(dictionary);
}

/* --- the world
 * ------------------------------------------------------------------------------------------------ */

static void read_code(struct mp_reader *r, char room[EVENT_CODE_BYTES + 1])
{
    const char *data;
    uint32_t size;
    if (!mp_read_str(r, &data, &size) || size > EVENT_CODE_BYTES)
        die("a document begins with its kind");
    memcpy(room, data, size);
    room[size] = '\0';
}

/* A string of the world; "" where there is none. */
static void code_of(const json_t *value, char room[EVENT_CODE_BYTES + 1])
{
    size_t size = json_string_length(value);
    if (size > EVENT_CODE_BYTES)
        die("the world has a string too long");
    memcpy(room, size ? json_string_value(value) : "", size);
    room[size] = '\0';
}

/* Of a list [key, valid_from or nil, …]. */
static int64_t valid_from_of(const json_t *version)
{
    const json_t *at = json_array_get(version, 1);
    return json_is_integer(at) ? json_integer_value(at) : INT64_MIN;
}

static void set_rows(struct world *w, enum reference_table table, const json_t *rows)
{
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        const char *values[REFERENCE_ATTRIBUTES_N] = {NULL}, *key = json_string_value(json_array_get(row, 0));
        const json_t *attributes = json_array_get(row, 2);
        struct error err = ERROR_INIT;
        size_t n_known = 0;
        for (unsigned a = 0; a < REFERENCE_ATTRIBUTES_N; a++) {
            values[a] = json_string_value(json_object_get(attributes, REFERENCE_ATTRIBUTE_INFO[a].name));
            n_known += values[a] != NULL;
        }
        if (!key || n_known != json_object_size(attributes))
            die("a row has no key, an unknown attribute, or one that is no text");
        if (reference_set(w->reference, table, key, valid_from_of(row), values, &err) < 0)
            die(err.message);
    }
}

static void set_calendars(struct world *w, const json_t *calendars)
{
    const json_t *version;
    size_t i;
    json_array_foreach(calendars, i, version)
    {
        const char *name = json_string_value(json_array_get(version, 0));
        struct calendar *calendar;
        struct error err = ERROR_INIT;
        if (!name || calendar_new(json_array_get(version, 2), &calendar, &err) < 0 ||
            reference_set_calendar(w->reference, name, valid_from_of(version), calendar, &err) < 0)
            die(name ? err.message : "a calendar has no name");
        calendar_unref(calendar);
    }
}

static void set_condition(const struct world *w, struct policy_condition *c, const char *dimension,
                          const json_t *values)
{
    int field = event_field_find(&w->schema, dimension, strlen(dimension));
    c->n_values = (unsigned)json_array_size(values);
    if (field < 0 || field >= FIELD_N_DIMENSIONS || !c->n_values || c->n_values > POLICY_VALUES_MAX)
        die("a policy's condition is a list of values of a dimension");
    c->field = (enum event_field)field;
    c->values = calloc(c->n_values, sizeof(*c->values));
    if (!c->values)
        die("no memory");
    for (unsigned i = 0; i < c->n_values; i++)
        code_of(json_array_get(values, i), c->values[i].text);
}

static void set_policy(const struct world *w, struct policy *p, json_t *policy)
{
    const char *metric = json_string_value(json_object_get(policy, "metric")), *dimension;
    const char *clock = json_string_value(json_object_get(policy, "clock"));
    json_t *values;
    int m = metric ? event_enum_find(FIELD_METRIC, metric, strlen(metric)) : 0;
    int c = clock ? event_enum_find(FIELD_CLOCK, clock, strlen(clock)) : 0;
    if (!m || !c)
        die("a policy has a metric and a clock");
    p->metric = (uint8_t)m;
    p->clock = (enum event_clock)c;
    p->target_ms = json_integer_value(json_object_get(policy, "target_ms"));
    code_of(json_object_get(policy, "name"), p->name);
    code_of(json_object_get(policy, "calendar"), p->calendar);
    p->n_conditions = 0;
    json_object_foreach(json_object_get(policy, "conditions"), dimension, values)
    {
        if (p->n_conditions == POLICY_CONDITIONS_MAX)
            die("a policy has too many conditions");
        set_condition(w, &p->conditions[p->n_conditions++], dimension, values);
    }
}

static void world_clear(struct world *w)
{
    for (size_t i = 0; i < w->settings.n_policies; i++)
        for (unsigned k = 0; k < w->policies[i].n_conditions; k++)
            free(w->policies[i].conditions[k].values);
    w->settings = (struct fold_settings){.policies = w->policies};
    reference_unref(w->reference);
    w->reference = NULL;
}

static void read_world(struct world *w, struct mp_reader *r)
{
    struct error err = ERROR_INIT;
    json_t *world, *policy;
    const json_t *declared;
    size_t i;
    if (document_read(r, WORLD_VALUES_MAX, &world, &err) < 0)
        die(err.message);
    world_clear(w);
    if (reference_new(NULL, &w->reference) < 0)
        die("no memory");
    declared = json_object_get(world, "declared");
    w->schema = (struct event_schema){.n_declared = (uint32_t)json_array_size(declared),
                                      .types = (1u << EVENT_N_TYPES) - 1,
                                      .now = INT64_MAX - EVENT_AT_AHEAD_MS};
    if (w->schema.n_declared > EVENT_DECLARED_MAX)
        die("a world declares too many dimensions");
    for (i = 0; i < w->schema.n_declared; i++)
        code_of(json_array_get(declared, i), w->schema.declared[i]);
    set_rows(w, REFERENCE_TEAM, json_object_get(world, "teams"));
    set_rows(w, REFERENCE_SITE, json_object_get(world, "sites"));
    set_calendars(w, json_object_get(world, "calendars"));
    code_of(json_object_get(world, "calendar"), w->settings.calendar);
    json_array_foreach(json_object_get(world, "policies"), i, policy)
    {
        if (i == POLICIES_MAX)
            die("a world has too many policies");
        set_policy(w, &w->policies[w->settings.n_policies++], policy);
    }
    json_decref(world);
}

/* One document into b; false at the end of the input. */
static bool read_document(struct buffer *b)
{
    uint8_t head[4];
    size_t got = fread(head, 1, sizeof(head), stdin);
    if (got == 0)
        return false;
    uint32_t size = head[0] | head[1] << 8 | head[2] << 16 | (uint32_t)head[3] << 24;
    buffer_clear(b);
    void *room = got == sizeof(head) ? buffer_extend(b, size) : NULL;
    if (!room || fread(room, 1, size, stdin) != size)
        die("a document is too large or cut short");
    return true;
}

int main(void)
{
    static struct world w;
    struct buffer document;
    buffer_init(&document, DOCUMENT_BYTES_MAX);
    if (fold_new(&w.fold) < 0)
        die("no memory");
    while (read_document(&document)) {
        struct mp_reader r;
        uint32_t n;
        char kind[EVENT_CODE_BYTES + 1];
        mp_reader_init(&r, document.data, document.size);
        if (!mp_read_array(&r, &n))
            die("a document is a list");
        read_code(&r, kind);
        if (strcmp(kind, "world") == 0 && n == 2)
            read_world(&w, &r);
        else if (strcmp(kind, "fold") == 0 && n == 2 && w.reference)
            answer_fold(&w, &r);
        else
            die("a document is a world, or a fold after one");
    }
    world_clear(&w);
    fold_free(w.fold);
    buffer_fini(&document);
    return 0;
}
