/* The test vectors of proto/vectors: our decoder makes of each .msgpack what the .json beside it says. */
#include "proto/event.h"
#include "proto/wire.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "wire_json.h"

struct bytes {
    uint8_t *data; /* in memory of exactly that size, for the address sanitizer */
    size_t size;
};

static struct bytes file_read(const char *path)
{
    struct bytes b = {.data = NULL};
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be opened", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    b.size = (size_t)ftell(f);
    rewind(f);
    b.data = malloc(b.size ? b.size : 1);
    assert_int_equal(fread(b.data, 1, b.size, f), b.size);
    (void)fclose(f);
    return b;
}

/* A field's number as the value that it had on the wire. */
static json_t *value_json(const struct wire_value *v)
{
    const struct field_info *info = &FIELDS[v->field];
    if (v->nil)
        return json_null();
    switch (info->kind) {
    case VALUE_DICTIONARY:
    case VALUE_HASH:
        return json_stringn(v->string.data, v->string.size);
    case VALUE_ENUM:
        return json_string(info->values[v->number - 1]);
    case VALUE_INT:
        return json_integer(v->number - 1 + info->low);
    case VALUE_BOOL:
        return json_boolean(v->number);
    case VALUE_SECONDS:
    case VALUE_SCORE:
        return v->number % 1000 == 0 ? json_integer(v->number / 1000) : json_real((double)v->number / 1000);
    case VALUE_TIME:
        return json_integer(v->number);
    }
    return NULL;
}

static json_t *event_json(const struct event_schema *schema, const struct wire_event *e)
{
    json_t *fields = json_object(), *result = json_object();
    for (uint32_t i = 0; i < e->n_values; i++) {
        if (i > 0)
            assert_true(e->values[i - 1].field < e->values[i].field);
        json_object_set_new(fields, event_field_name(schema, (enum event_field)e->values[i].field),
                            value_json(&e->values[i]));
    }
    json_object_set_new(result, "type", json_string(EVENT_TYPE_INFO[e->type].name));
    json_object_set_new(result, "at", json_integer(e->at));
    json_object_set_new(result, "seq", json_integer(e->seq));
    if (e->id.data)
        json_object_set_new(result, "id", json_stringn(e->id.data, e->id.size));
    if (e->ticket.data)
        json_object_set_new(result, "ticket", json_stringn(e->ticket.data, e->ticket.size));
    json_object_set_new(result, "fields", fields);
    return result;
}

static struct event_schema schema_of(const json_t *meaning)
{
    struct event_schema s = {.now = json_integer_value(json_object_get(meaning, "now"))};
    const json_t *types = json_object_get(meaning, "types"), *declared = json_object_get(meaning, "declared");
    for (size_t i = 0; i < json_array_size(declared); i++) {
        const char *name = json_string_value(json_array_get(declared, i));
        (void)snprintf(s.declared[s.n_declared++], sizeof(s.declared[0]), "%s", name);
    }
    s.types = types ? 0 : (1u << EVENT_N_TYPES) - 1;
    for (size_t i = 0; i < json_array_size(types); i++) {
        const char *name = json_string_value(json_array_get(types, i));
        int type = event_type_find(name, strlen(name));
        assert_true(type >= 0);
        s.types |= 1u << type;
    }
    return s;
}

static void assert_json_equal(const char *name, json_t *got, const json_t *expected)
{
    if (!json_equal(got, expected)) {
        char *a = json_dumps(got, JSON_SORT_KEYS), *b = json_dumps(expected, JSON_SORT_KEYS);
        print_error("%s\n  got      %s\n  expected %s\n", name, a ? a : "-", b ? b : "-");
        free(a);
        free(b);
        fail();
    }
    json_decref(got);
}

static void check_event(const char *name, const json_t *meaning, struct bytes b)
{
    struct event_schema schema = schema_of(meaning);
    struct wire_event e;
    struct wire_value values[FIELD_N];
    struct mp_reader r;
    mp_reader_init(&r, b.data, b.size);
    int rc = event_decode(&r, &schema, &e, values);
    const char *reject = json_string_value(json_object_get(meaning, "reject"));
    if (json_object_get(meaning, "error")) {
        if (rc != -EBADMSG)
            fail_msg("%s: %d where the bytes are malformed", name, rc);
        return;
    }
    if (rc < 0 || r.at != r.end)
        fail_msg("%s: %d, %td bytes left", name, rc, r.end - r.at);
    if (strcmp(event_reject_code((enum event_reject)rc), reject ? reject : "") != 0)
        fail_msg("%s: \"%s\", expected \"%s\"", name, event_reject_code((enum event_reject)rc),
                 reject ? reject : "");
    if (!reject)
        assert_json_equal(name, event_json(&schema, &e), json_object_get(meaning, "result"));
}

static void check_message(const char *name, const json_t *meaning, struct bytes b)
{
    struct wire_envelope e;
    int rc = wire_envelope_read(b.data, b.size, &e);
    const char *error = json_string_value(json_object_get(meaning, "error"));
    int expected = !error ? 0 : strcmp(error, "version") == 0 ? -EPROTONOSUPPORT : -EBADMSG;
    if (rc != expected)
        fail_msg("%s: %d, expected %d", name, rc, expected);
    if (error)
        return;
    json_t *got = json_object();
    json_object_set_new(got, "version", json_integer((json_int_t)e.version));
    json_object_set_new(got, "kind", json_string(wire_kind_name(e.kind)));
    json_object_set_new(got, "request", json_integer((json_int_t)e.request));
    json_object_set_new(got, "body", wire_json_read(&e.body, 0));
    assert_ptr_equal(e.body.at, e.body.end);
    json_object_set(got, "is", json_object_get(meaning, "is"));
    json_object_set(got, "title", json_object_get(meaning, "title"));
    assert_json_equal(name, got, meaning);
}

struct seen {
    unsigned n;
    uint32_t types;          /* bits of enum event_type taken */
    uint32_t rejects, kinds; /* bits of enum event_reject, of enum wire_kind */
};

static void note(struct seen *seen, const json_t *meaning)
{
    const char *type = json_string_value(json_object_get(json_object_get(meaning, "result"), "type"));
    const char *reject = json_string_value(json_object_get(meaning, "reject"));
    const char *kind = json_string_value(json_object_get(meaning, "kind"));
    seen->n++;
    if (type)
        seen->types |= 1u << event_type_find(type, strlen(type));
    for (int i = 0; reject && i < REJECT_N; i++)
        if (strcmp(event_reject_code((enum event_reject)i), reject) == 0)
            seen->rejects |= 1u << i;
    for (int i = 0; kind && i < WIRE_N_KINDS; i++)
        if (strcmp(wire_kind_name((enum wire_kind)i), kind) == 0)
            seen->kinds |= 1u << i;
}

static void test_vectors(void **state)
{
    struct seen seen = {0};
    DIR *dir = opendir(VECTORS_PATH);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[512];
        size_t n = strlen(entry->d_name);
        if (n < 6 || strcmp(entry->d_name + n - 5, ".json") != 0)
            continue;
        json_error_t error;
        (void)snprintf(path, sizeof(path), "%s/%s", VECTORS_PATH, entry->d_name);
        json_t *meaning = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!meaning)
            fail_msg("%s:%d: %s", path, error.line, error.text);
        (void)snprintf(path, sizeof(path), "%s/%.*s.msgpack", VECTORS_PATH, (int)(n - 5), entry->d_name);
        struct bytes b = file_read(path);
        if (strcmp(json_string_value(json_object_get(meaning, "is")), "event") == 0)
            check_event(entry->d_name, meaning, b);
        else
            check_message(entry->d_name, meaning, b);
        note(&seen, meaning);
        free(b.data);
        json_decref(meaning);
    }
    (void)closedir(dir);

    /* every type, every kind and every code that decoding makes has a vector */
    assert_true(seen.n >= 100);
    assert_int_equal(seen.types, (1u << EVENT_N_TYPES) - 1);
    assert_int_equal(seen.kinds, (1u << WIRE_N_KINDS) - 1);
    uint32_t decoding = 0;
    for (int i = REJECT_UNKNOWN_TYPE; i <= REJECT_NOT_GRANTED; i++)
        if (i != REJECT_LOOKS_PERSONAL) /* the collector's, after decoding */
            decoding |= 1u << i;
    assert_int_equal(seen.rejects, decoding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
