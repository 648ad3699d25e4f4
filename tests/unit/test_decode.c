/* Decoding of whole batches: what needs the tenant's data (stamps, closed dimensions, foreign teams), and
 * what is no batch. */
#include "core/ingest/decode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "wire_json.h"

#define NOW 1704708000000

struct bytes {
    uint8_t *data;
    size_t size;
};

/* In memory of exactly the size, for the address sanitizer. */
static struct bytes packed(json_t *json)
{
    msgpack_sbuffer b;
    msgpack_packer p;
    msgpack_sbuffer_init(&b);
    msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
    wire_json_write(&p, json);
    struct bytes bytes = {malloc(b.size), b.size};
    memcpy(bytes.data, b.data, b.size);
    msgpack_sbuffer_destroy(&b);
    json_decref(json);
    return bytes;
}

static struct decode_rules rules_make(void)
{
    return (struct decode_rules){.schema = {.types = (1u << EVENT_N_TYPES) - 1, .now = NOW}};
}

/* {key: value, …} on top of a ticket.updated. */
static json_t *updated(const char *key, const char *value)
{
    json_t *e = json_pack("{s:s, s:s, s:I, s:s}", "type", "ticket.updated", "id", "e", "at", (json_int_t)NOW,
                          "ticket", "t");
    if (key)
        json_object_set_new(e, key, value ? json_string(value) : json_null());
    return e;
}

/* How one event in a batch of its own ends; d and the bytes are the caller's to free. */
static int decode_one(struct decoded *d, struct bytes *b, const struct decode_rules *rules, json_t *event)
{
    enum wire_nack nack;
    *b = packed(json_pack("{s:i, s:[o]}", "seq", 1, "events", event));
    assert_int_equal(decode_batch(d, b->data, b->size, rules, &nack), 0);
    assert_int_equal(d->n_in_batch, 1);
    assert_int_equal(d->n_events + d->n_rejects, 1);
    return d->n_rejects ? d->rejects[0].code : REJECT_NONE;
}

/* One that has decoded whatever came before in these tests, under whosever rules. */
static struct decoded seasoned;

/* Twice, and with bytes behind the event, so that its codes are words that the second time knows. */
static int decode_seasoned(const struct decode_rules *rules, json_t *event)
{
    int ends[2];
    struct bytes b = packed(json_pack("{s:i, s:[o], s:{s:s}}", "seq", 1, "events", event, "cursor", "bin",
                                      "00112233445566778899aabbccddeeff"));
    for (int i = 0; i < 2; i++) {
        enum wire_nack nack;
        assert_int_equal(decode_batch(&seasoned, b.data, b.size, rules, &nack), 0);
        assert_int_equal(seasoned.n_events + seasoned.n_rejects, 1);
        ends[i] = seasoned.n_rejects ? seasoned.rejects[0].code : REJECT_NONE;
    }
    free(b.data);
    assert_int_equal(ends[0], ends[1]);
    return ends[0];
}

static void assert_ends(const struct decode_rules *rules, json_t *event, enum event_reject expected)
{
    struct decoded d;
    struct bytes b;
    decoded_init(&d);
    int again = decode_seasoned(rules, json_incref(event));
    int reject = decode_one(&d, &b, rules, event);
    if (reject != (int)expected || again != reject)
        fail_msg("\"%s\", expected \"%s\", \"%s\" with a memory",
                 event_reject_code((enum event_reject)reject), event_reject_code(expected),
                 event_reject_code((enum event_reject)again));
    decoded_fini(&d);
    free(b.data);
}

static void test_stamp(void **state)
{
    struct decode_rules rules = rules_make();
    struct decoded d;
    struct bytes b;
    (void)snprintf(rules.stamp_vendor, sizeof(rules.stamp_vendor), "acme");
    decoded_init(&d);
    assert_int_equal(decode_one(&d, &b, &rules, updated("product", "emr")), REJECT_NONE);
    assert_int_equal(d.events[0].n_values, 2);
    assert_int_equal(d.events[0].values[0].field, FIELD_VENDOR);
    assert_int_equal(d.events[0].values[0].string.size, 4);
    assert_memory_equal(d.events[0].values[0].string.data, "acme", 4);
    assert_int_equal(d.events[0].values[1].field, FIELD_PRODUCT);
    free(b.data);
    decoded_fini(&d);

    assert_ends(&rules, updated("vendor", "acme"), REJECT_NONE);
    assert_ends(&rules, updated("vendor", "acm"), REJECT_STAMP);
    assert_ends(&rules, updated("vendor", "acme2"), REJECT_STAMP);
    assert_ends(&rules, updated("vendor", NULL), REJECT_STAMP);
    assert_ends(&rules,
                json_pack("{s:s, s:I}", "type", "source.watermark", "complete_until", (json_int_t)NOW - 1000),
                REJECT_NONE);
}

static struct reference *reference_make(void)
{
    static const struct {
        const char *team, *employer, *outsourcer;
    } teams[] = {
        {"Desk", "acme", NULL}, {"Night", "bpo", "bpo"}, {"Rival", "umbra", NULL}, {"Nobody", NULL, NULL}};
    struct reference *r = NULL;
    assert_int_equal(reference_new(NULL, &r), 0);
    for (size_t i = 0; i < sizeof(teams) / sizeof(*teams); i++) {
        const char *values[REFERENCE_ATTRIBUTES_N] = {0};
        values[REFERENCE_EMPLOYER] = teams[i].employer;
        values[REFERENCE_OUTSOURCER] = teams[i].outsourcer;
        values[REFERENCE_TEAM_COUNTRY] = "US";
        assert_int_equal(reference_set(r, REFERENCE_TEAM, teams[i].team, INT64_MIN, values, NULL), 0);
    }
    const char *values[REFERENCE_ATTRIBUTES_N] = {0};
    values[REFERENCE_COUNTRY] = "US";
    assert_int_equal(reference_set(r, REFERENCE_SITE, "330101", INT64_MIN, values, NULL), 0);
    return r;
}

static void test_foreign_team(void **state)
{
    struct decode_rules rules = rules_make();
    struct reference *r = reference_make();
    rules.reference = r;
    assert_ends(&rules, updated("team", "Rival"), REJECT_NONE); /* no stamp, no rule */

    (void)snprintf(rules.stamp_vendor, sizeof(rules.stamp_vendor), "acme");
    assert_ends(&rules, updated("team", "Desk"), REJECT_NONE);
    assert_ends(&rules, updated("team", "Night"), REJECT_NONE); /* the vendor's outsourcer */
    assert_ends(&rules, updated("team", "Rival"), REJECT_FOREIGN_TEAM);
    assert_ends(&rules, updated("team", "Nobody"), REJECT_NONE);
    assert_ends(&rules, updated("team", "unheard of"), REJECT_NONE);
    assert_ends(&rules, updated("team", NULL), REJECT_NONE);

    (void)snprintf(rules.stamp_outsourcer, sizeof(rules.stamp_outsourcer), "bpo");
    assert_ends(&rules, updated("team", "Desk"), REJECT_FOREIGN_TEAM);
    assert_ends(&rules, updated("team", "Night"), REJECT_NONE);
    reference_unref(r);
}

static void test_closed_dimensions(void **state)
{
    struct decode_rules rules = rules_make();
    struct reference *r = reference_make();
    rules.closed = 1ull << FIELD_TEAM | 1ull << FIELD_SITE | 1ull << FIELD_CATEGORY;
    assert_ends(&rules, updated("team", "Desk"), REJECT_CLOSED_DIMENSION); /* nothing was imported */
    rules.reference = r;
    assert_ends(&rules, updated("team", "Desk"), REJECT_NONE);
    assert_ends(&rules, updated("team", "Desk2"), REJECT_CLOSED_DIMENSION);
    assert_ends(&rules, updated("team", NULL), REJECT_NONE);
    assert_ends(&rules, updated("site", "330101"), REJECT_NONE);
    assert_ends(&rules, updated("site", "330102"), REJECT_CLOSED_DIMENSION);
    assert_ends(&rules, updated("category", "Desk"), REJECT_CLOSED_DIMENSION);
    assert_ends(&rules, updated("module", "anything"), REJECT_NONE);

    rules.schema.n_declared = 2;
    (void)snprintf(rules.schema.declared[0], sizeof(rules.schema.declared[0]), "wing");
    (void)snprintf(rules.schema.declared[1], sizeof(rules.schema.declared[1]), "ward");
    rules.closed |= 1ull << (FIELD_DECLARED + 1);
    assert_ends(&rules, updated("ward", "icu"), REJECT_CLOSED_DIMENSION);
    assert_int_equal(reference_add_code(r, "ward", "icu", NULL), 1);
    assert_int_equal(reference_add_code(r, "category", "orders", NULL), 1);
    assert_ends(&rules, updated("ward", "icu"), REJECT_NONE);
    assert_ends(&rules, updated("ward", NULL), REJECT_NONE);
    assert_ends(&rules, updated("ward", "icu "), REJECT_CLOSED_DIMENSION);
    assert_ends(&rules, updated("ward", "orders"), REJECT_CLOSED_DIMENSION); /* another dimension's */
    assert_ends(&rules, updated("wing", "west"), REJECT_NONE);               /* open */
    assert_ends(&rules, updated("category", "orders"), REJECT_NONE);
    assert_ends(&rules, updated("team", "orders"), REJECT_CLOSED_DIMENSION);

    rules.closed |= 1ull << FIELD_VENDOR;
    assert_ends(&rules, updated("vendor", "acme"), REJECT_CLOSED_DIMENSION);
    (void)snprintf(rules.stamp_vendor, sizeof(rules.stamp_vendor), "acme");
    assert_ends(&rules, updated("vendor", "acme"), REJECT_NONE); /* the stamp's, said or not */
    assert_ends(&rules, updated("severity", NULL), REJECT_NONE);
    assert_ends(&rules, updated("vendor", "other"), REJECT_CLOSED_DIMENSION);
    reference_unref(r);
}

/* Longest values: the keys of the reference tables are cut from them. */
static void test_longest_values(void **state)
{
    struct decode_rules rules = rules_make();
    struct reference *r = reference_make();
    char longest[EVENT_CODE_BYTES + 1] = "";
    memset(longest, 'x', EVENT_CODE_BYTES);
    rules.closed = 1ull << FIELD_TEAM;
    rules.reference = r;
    assert_ends(&rules, updated("team", longest), REJECT_CLOSED_DIMENSION);
    reference_unref(r);
}

static void test_personal(void **state)
{
    struct decode_rules rules = rules_make();
    assert_ends(&rules, updated("category", "jane@example.org"), REJECT_LOOKS_PERSONAL);
    assert_ends(&rules, updated("team", "555-867-5309"), REJECT_LOOKS_PERSONAL);
    /* ids are hashed: an e-mail may well be one */
    json_t *e = updated(NULL, NULL);
    json_object_set_new(e, "ticket", json_string("jane@example.org"));
    assert_ends(&rules, e, REJECT_NONE);
}

/* What a word was found to be counts for that word only: others that take its place are looked at. */
static void test_personal_again(void **state)
{
    struct decode_rules rules = rules_make();
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 3000; i++) {
            char value[EVENT_CODE_BYTES + 1];
            bool is_personal = i % 2;
            (void)snprintf(value, sizeof(value), is_personal ? "p%u@example.org" : "group %u", i);
            int rc = decode_seasoned(&rules, updated(i % 3 ? "team" : "category", value));
            assert_int_equal(rc, is_personal ? REJECT_LOOKS_PERSONAL : REJECT_NONE);
        }
    assert_int_equal(decode_seasoned(&rules, updated("team", "desk")), REJECT_NONE);
    const struct wire_value *v = &seasoned.events[0].values[0];
    assert_true(v->turn > 0 && seasoned.impersonal[v->place] == v->turn);
}

/* Rejects keep their places; memory is used again from batch to batch. */
static void test_places(void **state)
{
    struct decode_rules rules = rules_make();
    struct decoded d;
    decoded_init(&d);
    for (unsigned round = 0; round < 3; round++) {
        json_t *events = json_array();
        unsigned n = 3000 >> round;
        for (unsigned i = 0; i < n; i++) {
            char team[32];
            (void)snprintf(team, sizeof(team), "Group %u", i);
            json_array_append_new(events, i % 3 == 2 ? json_null() : updated("team", team));
        }
        struct bytes b = packed(json_pack("{s:I, s:o, s:{s:s}}", "seq", (json_int_t)round + 1, "events",
                                          events, "cursor", "bin", "00ff"));
        enum wire_nack nack;
        assert_int_equal(decode_batch(&d, b.data, b.size, &rules, &nack), 0);
        assert_int_equal(d.seq, round + 1);
        assert_int_equal(d.cursor_size, 2);
        assert_memory_equal(d.cursor, "\x00\xff", 2);
        assert_int_equal(d.n_in_batch, n);
        assert_int_equal(d.n_rejects, n / 3);
        assert_int_equal(d.n_events, n - n / 3);
        for (unsigned i = 0; i < d.n_rejects; i++) {
            assert_int_equal(d.rejects[i].index, 3 * i + 2);
            assert_int_equal(d.rejects[i].code, REJECT_WRONG_TYPE);
        }
        for (unsigned i = 0; i < d.n_events; i++) {
            char team[32];
            int size = snprintf(team, sizeof(team), "Group %u", d.indices[i]);
            assert_int_equal(d.indices[i], i / 2 * 3 + i % 2);
            assert_int_equal(d.events[i].n_values, 1);
            assert_int_equal(d.events[i].values[0].string.size, size);
            assert_memory_equal(d.events[i].values[0].string.data, team, (size_t)size);
        }
        free(b.data);
    }
    decoded_fini(&d);
}

static void test_no_batches(void **state)
{
    static const struct {
        const char *json;
        enum wire_nack nack;
    } cases[] = {
        {"{}", WIRE_NACK_MALFORMED},
        {"{\"seq\": 1}", WIRE_NACK_MALFORMED},
        {"{\"events\": []}", WIRE_NACK_MALFORMED},
        {"{\"seq\": 0, \"events\": []}", WIRE_NACK_MALFORMED},
        {"{\"seq\": -1, \"events\": []}", WIRE_NACK_MALFORMED},
        {"{\"seq\": \"1\", \"events\": []}", WIRE_NACK_MALFORMED},
        {"{\"seq\": 1, \"events\": {}}", WIRE_NACK_MALFORMED},
        {"{\"seq\": 1, \"events\": [], \"more\": 1}", WIRE_NACK_MALFORMED},
        {"{\"seq\": 1, \"events\": [], \"cursor\": \"text\"}", WIRE_NACK_MALFORMED},
        {"{\"seq\": 1, \"events\": [[[[[[1]]]]]]}", WIRE_NACK_MALFORMED},
        {"[1]", WIRE_NACK_MALFORMED},
    };
    struct decode_rules rules = rules_make();
    struct decoded d;
    enum wire_nack nack;
    decoded_init(&d);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        json_error_t error;
        struct bytes b = packed(json_loads(cases[i].json, 0, &error));
        if (decode_batch(&d, b.data, b.size, &rules, &nack) != -EBADMSG || nack != cases[i].nack)
            fail_msg("%s is taken, or refused for another reason", cases[i].json);
        free(b.data);
    }
    /* bytes behind the body */
    assert_int_equal(decode_batch(&d,
                                  "\x82\xa3seq\x01\xa6"
                                  "events\x90\x01",
                                  15, &rules, &nack),
                     -EBADMSG);
    assert_int_equal(decode_batch(&d,
                                  "\x82\xa3seq\x01\xa6"
                                  "events\x90",
                                  14, &rules, &nack),
                     0);
    assert_null(d.cursor);
    /* a key twice */
    assert_int_equal(decode_batch(&d,
                                  "\x83\xa3seq\x01\xa3seq\x01\xa6"
                                  "events\x90",
                                  19, &rules, &nack),
                     -EBADMSG);
    decoded_fini(&d);
}

static void test_limits(void **state)
{
    struct decode_rules rules = rules_make();
    struct decoded d;
    enum wire_nack nack;
    decoded_init(&d);
    for (int over = 0; over <= 1; over++) {
        json_t *events = json_array();
        for (int i = 0; i < WIRE_BATCH_EVENTS + over; i++)
            json_array_append_new(events, json_null());
        struct bytes b = packed(json_pack("{s:i, s:o}", "seq", 1, "events", events));
        assert_int_equal(decode_batch(&d, b.data, b.size, &rules, &nack), over ? -EBADMSG : 0);
        assert_true(!over || nack == WIRE_NACK_TOO_LARGE);
        assert_int_equal(decode_seq(b.data, b.size), 1);
        free(b.data);

        char hex[2 * (WIRE_CURSOR_BYTES + 1) + 1] = "";
        memset(hex, '0', (size_t)(2 * (WIRE_CURSOR_BYTES + over)));
        b = packed(json_pack("{s:i, s:[], s:{s:s}}", "seq", 7, "events", "cursor", "bin", hex));
        assert_int_equal(decode_batch(&d, b.data, b.size, &rules, &nack), over ? -EBADMSG : 0);
        assert_true(!over || nack == WIRE_NACK_CURSOR_TOO_LONG);
        free(b.data);
    }
    decoded_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stamp),
        cmocka_unit_test(test_foreign_team),
        cmocka_unit_test(test_closed_dimensions),
        cmocka_unit_test(test_longest_values),
        cmocka_unit_test(test_personal),
        cmocka_unit_test(test_personal_again),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_no_batches),
        cmocka_unit_test(test_limits),
    };
    decoded_init(&seasoned);
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    decoded_fini(&seasoned);
    return n_failed;
}
