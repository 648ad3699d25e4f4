/* The fold as a filter, for the property tests: documents in on stdin, fact rows out on stdout.
 *
 * A document is a little-endian u32 and as many bytes of msgpack:
 *   ["world", [declared dimension, …], [[team, valid_from or nil, {attribute: text}], …]]   before all others
 *   ["fold", [event, …]]   one subject; answered by one line of JSON, the list of its rows
 * Each subject has a dictionary of its own, so numbers follow the order of arrival: rows are written with the
 * strings that the numbers stand for and must not depend on them. */
#include "core/base/buffer.h"
#include "core/fold/fold.h"
#include "core/fold/reference.h"
#include "proto/msgpack.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define DOCUMENT_BYTES_MAX (16 * 1024 * 1024)

struct world {
    struct event_schema schema;
    struct reference *reference;
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

static json_t *json_value(const struct answer *a, const struct fact_row *row, unsigned column)
{
    int64_t n = row->values[column];
    if (row->table == FACT_TICKET && column == FACT_TICKET_CLASS)
        return n == FACT_NULL ? json_null() : json_field(a, FIELD_TO, n);
    if (row->table == FACT_SOLVE && column == FACT_SOLVE_ESCALATED)
        return n == FACT_NULL ? json_null() : json_boolean(n);
    if (row->table == FACT_RATING && column == FACT_RATING_INSTRUMENT)
        return json_field(a, FIELD_INSTRUMENT, n);
    if (row->table == FACT_RATING && column == FACT_RATING_QUESTION)
        return json_field(a, FIELD_QUESTION, n);
    if (row->table == FACT_RATING && column == FACT_RATING_RELATION)
        return json_field(a, FIELD_RATER_RELATION, n);
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
    if (row->table == FACT_RATING)
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

static uint64_t hash_of(struct wire_string s)
{
    return XXH3_64bits(s.data, s.size);
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
    struct fold_environment environment = {.dictionary = dictionary,
                                           .reference = w->reference,
                                           .declared = w->schema.declared,
                                           .n_declared = w->schema.n_declared};
    struct answer a = {.world = w, .dictionary = dictionary, .rows = json_array()};
    if (fold_run(w->fold, &environment, &subject, (const struct event *const *)events, n, add_row, &a) < 0)
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
        die("the world has a string too long or none");
    memcpy(room, data, size);
    room[size] = '\0';
}

static void read_team(struct world *w, struct mp_reader *r)
{
    uint32_t n;
    int64_t valid_from = INT64_MIN;
    char key[EVENT_CODE_BYTES + 1], name[EVENT_CODE_BYTES + 1];
    char texts[REFERENCE_ATTRIBUTES_N][EVENT_CODE_BYTES + 1];
    const char *values[REFERENCE_ATTRIBUTES_N] = {NULL};
    struct error err = ERROR_INIT;
    if (!mp_read_array(r, &n) || n != 3)
        die("a team is a list of three");
    read_code(r, key);
    if (mp_peek(r) == MP_NIL ? !mp_read_nil(r) : !mp_read_int(r, &valid_from))
        die("a team's second is an instant");
    if (!mp_read_map(r, &n))
        die("a team's third is a map");
    for (uint32_t i = 0; i < n; i++) {
        int a = REFERENCE_ATTRIBUTES_N - 1;
        read_code(r, name);
        while (a >= 0 && strcmp(REFERENCE_ATTRIBUTE_INFO[a].name, name) != 0)
            a--;
        if (a < 0)
            die("a team has an unknown attribute");
        read_code(r, texts[a]);
        values[a] = texts[a];
    }
    if (reference_set(w->reference, REFERENCE_TEAM, key, valid_from, values, &err) < 0)
        die(err.message);
}

static void read_world(struct world *w, struct mp_reader *r)
{
    uint32_t n;
    reference_unref(w->reference);
    if (reference_new(NULL, &w->reference) < 0)
        die("no memory");
    if (!mp_read_array(r, &n) || n > EVENT_DECLARED_MAX)
        die("a world has a list of declared dimensions");
    w->schema = (struct event_schema){
        .n_declared = n, .types = (1u << EVENT_N_TYPES) - 1, .now = INT64_MAX - EVENT_AT_AHEAD_MS};
    for (uint32_t i = 0; i < n; i++)
        read_code(r, w->schema.declared[i]);
    if (!mp_read_array(r, &n))
        die("a world has a list of teams");
    for (uint32_t i = 0; i < n; i++)
        read_team(w, r);
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
    struct world w = {.reference = NULL};
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
        if (strcmp(kind, "world") == 0 && n == 3)
            read_world(&w, &r);
        else if (strcmp(kind, "fold") == 0 && n == 2 && w.reference)
            answer_fold(&w, &r);
        else
            die("a document is a world, or a fold after one");
    }
    reference_unref(w.reference);
    fold_free(w.fold);
    buffer_fini(&document);
    return 0;
}
