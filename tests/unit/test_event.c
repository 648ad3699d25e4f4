/* The event decoder, where the vectors of proto/vectors (test_vectors.c) do not reach: the schema as a whole,
 * every way to cut or damage an event, and what stands behind a rejected one. */
#include "proto/event.h"
#include "proto/msgpack.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#define NOW 1704708000000

static struct event_schema schema_make(void)
{
    struct event_schema s = {.types = (1u << EVENT_N_TYPES) - 1, .now = NOW, .n_declared = 2};
    (void)snprintf(s.declared[0], sizeof(s.declared[0]), "contract");
    (void)snprintf(s.declared[1], sizeof(s.declared[1]), "x");
    return s;
}

static void pack_string(msgpack_packer *p, const char *s)
{
    msgpack_pack_str(p, strlen(s));
    msgpack_pack_str_body(p, s, strlen(s));
}

/* The head of a ticket event with n more fields to come. */
static void pack_head(msgpack_packer *p, const char *type, int64_t at, unsigned n)
{
    msgpack_pack_map(p, 4 + n);
    pack_string(p, "type");
    pack_string(p, type);
    pack_string(p, "id");
    pack_string(p, "e1");
    pack_string(p, "ticket");
    pack_string(p, "t1");
    pack_string(p, "at");
    msgpack_pack_int64(p, at);
}

struct packed {
    msgpack_sbuffer b;
    msgpack_packer p;
};

static void packed_init(struct packed *x)
{
    msgpack_sbuffer_init(&x->b);
    msgpack_packer_init(&x->p, &x->b, msgpack_sbuffer_write);
}

/* Decodes from memory of exactly the size, so that the address sanitizer sees a byte too far. */
static int decode(const void *data, size_t size, struct wire_event *e, struct wire_value values[FIELD_N],
                  bool *ret_at_end)
{
    struct event_schema schema = schema_make();
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    struct mp_reader r;
    mp_reader_init(&r, exact, size);
    int rc = event_decode(&r, &schema, e, values);
    if (ret_at_end)
        *ret_at_end = r.at == r.end;
    free(exact);
    return rc;
}

static void test_every_key_is_found(void **state)
{
    struct event_schema schema = schema_make();
    for (unsigned f = 0; f < FIELD_N; f++) {
        const char *name = event_field_name(&schema, (enum event_field)f);
        if (f >= FIELD_DECLARED + 2 && f < FIELD_N_DIMENSIONS) {
            assert_null(name);
            continue;
        }
        if (!name)
            fail_msg("field %u has no name", f);
        assert_int_equal(event_field_find(&schema, name, strlen(name)), f);
        /* neither a prefix nor a longer name is the same key */
        char longer[80];
        (void)snprintf(longer, sizeof(longer), "%sx", name ? name : "");
        assert_int_equal(event_field_find(&schema, longer, strlen(longer)), -1);
        assert_true(event_field_find(&schema, name, strlen(name) - 1) != (int)f);
    }
    assert_int_equal(event_field_find(NULL, "contract", 8), -1);
    assert_int_equal(event_field_find(&schema, "type", 4), -1); /* keys, but no fields */
    assert_int_equal(event_field_find(&schema, "ticket", 6), -1);
    assert_int_equal(event_field_find(&schema, "", 0), -1);
    assert_null(event_field_name(&schema, FIELD_N));
}

static void test_every_list_is_found(void **state)
{
    for (unsigned f = 0; f < FIELD_N; f++) {
        assert_int_equal(FIELDS[f].values != NULL, FIELDS[f].kind == VALUE_ENUM);
        for (int i = 0; FIELDS[f].values && FIELDS[f].values[i]; i++) {
            const char *value = FIELDS[f].values[i];
            assert_int_equal(event_enum_find((enum event_field)f, value, strlen(value)), i + 1);
            assert_int_equal(event_enum_find((enum event_field)f, value, strlen(value) - 1), 0);
        }
    }
    assert_int_equal(event_enum_find(FIELD_TO, "solved", 6), STATUS_SOLVED);
    assert_int_equal(event_enum_find(FIELD_TO, "solved!", 7), 0);
    assert_int_equal(event_enum_find(FIELD_TEAM, "A", 1), 0);
    assert_int_equal(event_enum_find(FIELD_TO, "", 0), 0);
    for (int t = 0; t < EVENT_N_TYPES; t++)
        assert_int_equal(event_type_find(EVENT_TYPE_INFO[t].name, strlen(EVENT_TYPE_INFO[t].name)), t);
    assert_int_equal(event_type_find("ticket.create", 13), -1);
}

static void test_types_make_sense(void **state)
{
    for (int t = 0; t < EVENT_N_TYPES; t++) {
        const struct event_type_info *info = &EVENT_TYPE_INFO[t];
        assert_true((info->required & info->optional) == 0);
        assert_true(((info->required | info->optional) & ((1ull << FIELD_N_DIMENSIONS) - 1)) == 0);
        assert_int_equal(info->has_id, t != EVENT_SOURCE_WATERMARK);
        assert_int_equal(info->needs_ticket,
                         strncmp(info->name, "ticket.", 7) == 0 || strncmp(info->name, "sla.", 4) == 0);
        assert_true(!info->needs_ticket || info->may_have_ticket);
    }
}

static void test_time_bounds(void **state)
{
    static const struct {
        int64_t at;
        int expected;
    } cases[] = {
        {EVENT_AT_MIN, REJECT_NONE},
        {EVENT_AT_MIN - 1, REJECT_TIME_TOO_OLD},
        {INT64_MIN, REJECT_TIME_TOO_OLD},
        {NOW + EVENT_AT_AHEAD_MS, REJECT_NONE},
        {NOW + EVENT_AT_AHEAD_MS + 1, REJECT_TIME_AHEAD},
        {INT64_MAX, REJECT_TIME_AHEAD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct packed x;
        struct wire_event e;
        struct wire_value values[FIELD_N];
        packed_init(&x);
        pack_head(&x.p, "ticket.restored", cases[i].at, 0);
        assert_int_equal(decode(x.b.data, x.b.size, &e, values, NULL), cases[i].expected);
        msgpack_sbuffer_destroy(&x.b);
    }
}

/* Floats that are decimals of three places, and their neighbours that are not. */
static void test_thousandths(void **state)
{
    static const struct {
        double value;
        int64_t expected; /* −1: refused */
    } cases[] = {
        {0.0, 0},
        {-0.0, 0},
        {0.001, 1},
        {0.1, 100},
        {0.1 + 0.2, -1},
        {1800.001, 1800001},
        {0.0001, -1},
        {0.9999999999, -1},
        {1e-300, -1},
        {EVENT_DURATION_MAX_S, EVENT_DURATION_MAX_S * 1000LL},
        {EVENT_DURATION_MAX_S - 0.001, EVENT_DURATION_MAX_S * 1000LL - 1},
        {EVENT_DURATION_MAX_S + 0.001, -1},
        {1e300, -1},
        {-0.001, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct packed x;
        struct wire_event e;
        struct wire_value values[FIELD_N];
        packed_init(&x);
        msgpack_pack_map(&x.p, 5);
        pack_string(&x.p, "type");
        pack_string(&x.p, "contact.ended");
        pack_string(&x.p, "id");
        pack_string(&x.p, "c");
        pack_string(&x.p, "at");
        msgpack_pack_int64(&x.p, NOW);
        pack_string(&x.p, "outcome");
        pack_string(&x.p, "answered");
        pack_string(&x.p, "talk_s");
        msgpack_pack_double(&x.p, cases[i].value);
        int rc = decode(x.b.data, x.b.size, &e, values, NULL);
        assert_int_equal(rc, cases[i].expected < 0 ? REJECT_OUT_OF_RANGE : REJECT_NONE);
        if (rc == 0) {
            assert_int_equal(e.n_values, 2);
            assert_int_equal(values[1].field, FIELD_TALK_S);
            assert_int_equal(values[1].number, cases[i].expected);
        }
        msgpack_sbuffer_destroy(&x.b);
    }
}

/* A rejected event costs itself: the reader stands behind it, and the next one is as good as ever. */
static void test_batch_goes_on(void **state)
{
    struct event_schema schema = schema_make();
    struct packed x;
    packed_init(&x);
    pack_head(&x.p, "ticket.created", NOW, 1);
    pack_string(&x.p, "vendor");
    msgpack_pack_map(&x.p, 2); /* {"a": [1], "b": {}}: no code */
    pack_string(&x.p, "a");
    msgpack_pack_array(&x.p, 1);
    msgpack_pack_int(&x.p, 1);
    pack_string(&x.p, "b");
    msgpack_pack_map(&x.p, 0);
    msgpack_pack_nil(&x.p);
    pack_head(&x.p, "ticket.created", NOW, 1);
    pack_string(&x.p, "vendor");
    pack_string(&x.p, "acme");

    struct mp_reader r;
    struct wire_event e;
    struct wire_value values[FIELD_N];
    mp_reader_init(&r, x.b.data, x.b.size);
    assert_int_equal(event_decode(&r, &schema, &e, values), REJECT_WRONG_TYPE);
    assert_int_equal(event_decode(&r, &schema, &e, values), REJECT_WRONG_TYPE);
    assert_int_equal(event_decode(&r, &schema, &e, values), REJECT_NONE);
    assert_ptr_equal(r.at, r.end);
    assert_int_equal(e.n_values, 2);
    assert_int_equal(values[0].field, FIELD_VENDOR);
    assert_memory_equal(values[0].string.data, "acme", 4);
    assert_int_equal(values[1].field, FIELD_BY);
    assert_int_equal(values[1].number, BY_REQUESTER);
    msgpack_sbuffer_destroy(&x.b);
}

static void pack_rich(struct packed *x)
{
    packed_init(x);
    pack_head(&x->p, "survey.response", NOW, 10);
    pack_string(&x->p, "instrument");
    pack_string(&x->p, "csat");
    pack_string(&x->p, "score");
    msgpack_pack_double(&x->p, 4.5);
    pack_string(&x->p, "min");
    msgpack_pack_int(&x->p, 1);
    pack_string(&x->p, "max");
    msgpack_pack_int(&x->p, 5);
    pack_string(&x->p, "respondent");
    pack_string(&x->p, "r-1");
    pack_string(&x->p, "contract");
    pack_string(&x->p, "gr\xc3\xbcn");
    pack_string(&x->p, "x");
    msgpack_pack_nil(&x->p);
    pack_string(&x->p, "severity");
    msgpack_pack_int(&x->p, 2);
    pack_string(&x->p, "rater_relation");
    pack_string(&x->p, "self");
    pack_string(&x->p, "seq");
    msgpack_pack_uint32(&x->p, UINT32_MAX);
}

static void test_cut_anywhere(void **state)
{
    struct packed x;
    struct wire_event e;
    struct wire_value values[FIELD_N];
    pack_rich(&x);
    assert_int_equal(decode(x.b.data, x.b.size, &e, values, NULL), REJECT_NONE);
    assert_int_equal(e.n_values, 9);
    assert_int_equal(values[1].field, FIELD_DECLARED);
    assert_true(values[2].nil);
    for (size_t n = 0; n < x.b.size; n++)
        assert_int_equal(decode(x.b.data, n, &e, values, NULL), -EBADMSG);
    msgpack_sbuffer_destroy(&x.b);
}

/* Every byte replaced by every value: never a crash, never outside the bytes, and a result that is one of
 * those it may be. */
static void test_damage(void **state)
{
    struct packed x;
    struct wire_event e;
    struct wire_value values[FIELD_N];
    unsigned n_taken = 0, n_rejected = 0, n_malformed = 0;
    pack_rich(&x);
    for (size_t i = 0; i < x.b.size; i++) {
        char good = x.b.data[i];
        for (unsigned v = 0; v < 256; v++) {
            bool at_end = false;
            x.b.data[i] = (char)v;
            int rc = decode(x.b.data, x.b.size, &e, values, &at_end);
            assert_true(rc == -EBADMSG || (rc >= 0 && rc < REJECT_N));
            n_taken += rc == 0;
            n_rejected += rc > 0;
            n_malformed += rc < 0;
            if (rc == REJECT_NONE)
                for (uint32_t k = 1; k < e.n_values; k++)
                    assert_true(values[k - 1].field < values[k].field);
        }
        x.b.data[i] = good;
    }
    assert_true(n_taken > 0 && n_rejected > 0 && n_malformed > 0);
    msgpack_sbuffer_destroy(&x.b);
}

static void test_code_check(void **state)
{
    static const struct {
        const char *text;
        enum event_reject expected;
    } codes[] = {
        {"acme", REJECT_NONE},
        {"a b c d e", REJECT_NONE},
        {"a b c d e f", REJECT_NOT_A_CODE},
        {"a\xc2\xa0"
         "b\xc2\xa0"
         "c\xc2\xa0"
         "d\xc2\xa0"
         "e\xc2\xa0"
         "f",
         REJECT_NOT_A_CODE}, /* no-break spaces */
        {"a\tb", REJECT_NOT_A_CODE},
        {"a\x7f", REJECT_NOT_A_CODE},
        {"a\xc2\x85", REJECT_NOT_A_CODE}, /* a C1 control */
        {"a\xe2\x80\xae"
         "b",
         REJECT_NOT_A_CODE}, /* right-to-left override */
        {"\xef\xbb\xbf"
         "a",
         REJECT_NOT_A_CODE},                 /* a byte order mark */
        {"\xee\x80\x80", REJECT_NOT_A_CODE}, /* private use */
        {" ", REJECT_NOT_A_CODE},
        {"\xe3\x80\x80", REJECT_NOT_A_CODE}, /* an ideographic space alone */
        {"", REJECT_TOO_LONG},
        {"\xe5\x8c\xbb\xe9\x99\xa2", REJECT_NONE},
        {"\xc3\xa9t\xc3\xa9", REJECT_NONE},
        {"a\xff", REJECT_BAD_UTF8},
        {"a\x01\xff", REJECT_BAD_UTF8},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        assert_int_equal(event_code_check(codes[i].text, strlen(codes[i].text)), codes[i].expected);
    char longest[EVENT_CODE_BYTES + 1];
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(event_code_check(longest, EVENT_CODE_BYTES), REJECT_NONE);
    assert_int_equal(event_code_check(longest, EVENT_CODE_BYTES + 1), REJECT_TOO_LONG);
    assert_int_equal(event_code_check("a\0b", 3), REJECT_NOT_A_CODE);
}

static void test_reject_names(void **state)
{
    for (int i = 1; i < REJECT_N; i++) {
        assert_true(strlen(event_reject_code((enum event_reject)i)) > 0);
        assert_true(strlen(event_reject_sentence((enum event_reject)i)) > 10);
        for (int j = 1; j < i; j++)
            assert_string_not_equal(event_reject_code((enum event_reject)i),
                                    event_reject_code((enum event_reject)j));
    }
    assert_string_equal(event_reject_code(REJECT_N), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_is_found), cmocka_unit_test(test_every_list_is_found),
        cmocka_unit_test(test_types_make_sense),   cmocka_unit_test(test_time_bounds),
        cmocka_unit_test(test_thousandths),        cmocka_unit_test(test_batch_goes_on),
        cmocka_unit_test(test_cut_anywhere),       cmocka_unit_test(test_damage),
        cmocka_unit_test(test_code_check),         cmocka_unit_test(test_reject_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
