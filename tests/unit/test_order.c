/* The order of events, down to content, against the canonical encoding made by msgpack-c as a whole. */
#include "core/fold/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include <cmocka.h>

static const char DECLARED[][EVENT_CODE_BYTES + 1] = {"ward", "a_unit"};

struct bench {
    struct dictionary *dictionary;
    struct fold_environment environment;
    unsigned seed;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    assert_int_equal(dictionary_new(&b->dictionary), 0);
    b->environment =
        (struct fold_environment){.dictionary = b->dictionary, .declared = DECLARED, .n_declared = 2};
    b->seed = 7;
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    dictionary_free(b->dictionary);
    free(b);
    return 0;
}

static uint32_t number(struct bench *b, unsigned field, const char *s)
{
    uint32_t n;
    assert_int_equal(dictionary_intern(b->dictionary, field, s, strlen(s), &n, NULL), 0);
    return n;
}

/* An event of up to two fields; field FIELD_N: none. */
static struct event *event(uint8_t type, unsigned field, int64_t value, unsigned field2, int64_t value2)
{
    struct event *e = calloc(1, event_size(2));
    assert_non_null(e);
    e->at = 1000;
    e->type = type;
    if (field < FIELD_N)
        e->fields[e->n_fields++] = event_field_pack((enum event_field)field, value);
    if (field2 < FIELD_N)
        e->fields[e->n_fields++] = event_field_pack((enum event_field)field2, value2);
    return e;
}

static void expect_before(struct bench *b, struct event *first, struct event *second)
{
    assert_true(event_compare(&b->environment, first, second) < 0);
    assert_true(event_compare(&b->environment, second, first) > 0);
    assert_int_equal(event_compare(&b->environment, first, first), 0);
    assert_false(event_same_content(first, second));
    assert_true(event_same_content(first, first));
    free(first);
    free(second);
}

#define NONE FIELD_N, 0

static void test_at_seq_rank(void **state)
{
    struct bench *b = *state;
    struct event *first = event(EVENT_TICKET_STATUS, FIELD_TO, STATUS_CLOSED, NONE);
    struct event *second = event(EVENT_TICKET_CREATED, NONE, NONE);
    second->at++;
    first->seq = 9;
    expect_before(b, first, second);

    first = event(EVENT_TICKET_STATUS, FIELD_TO, STATUS_CLOSED, NONE);
    second = event(EVENT_TICKET_CREATED, NONE, NONE);
    second->seq = 1;
    expect_before(b, first, second);
    second = event(EVENT_TICKET_CREATED, NONE, NONE);
    second->seq = UINT32_MAX;
    expect_before(b, event(EVENT_SURVEY_RESPONSE, NONE, NONE), second);

    for (uint8_t type = 0; type + 1 < EVENT_N_TYPES; type++)
        expect_before(b, event(type, FIELD_SEVERITY, 4, NONE), event(type + 1, NONE, NONE));
    for (int64_t to = STATUS_NEW; to < STATUS_CLOSED; to++)
        expect_before(b, event(EVENT_TICKET_STATUS, FIELD_SEVERITY, 4, FIELD_TO, to),
                      event(EVENT_TICKET_STATUS, FIELD_TO, to + 1, NONE));
    for (int64_t d = DIRECTION_IN; d < DIRECTION_INTERNAL; d++)
        expect_before(b, event(EVENT_TICKET_MESSAGE, FIELD_SEVERITY, 4, FIELD_DIRECTION, d),
                      event(EVENT_TICKET_MESSAGE, FIELD_DIRECTION, d + 1, NONE));
}

static void test_strings_not_numbers(void **state)
{
    struct bench *b = *state;
    uint32_t zebra = number(b, FIELD_CATEGORY, "zebra"), apple = number(b, FIELD_CATEGORY, "apple"),
             fig = number(b, FIELD_CATEGORY, "fig");
    assert_true(zebra < apple && apple < fig);
    expect_before(b, event(EVENT_TICKET_UPDATED, FIELD_CATEGORY, apple, NONE),
                  event(EVENT_TICKET_UPDATED, FIELD_CATEGORY, zebra, NONE));
    /* the shorter string's header is the lesser byte; nil stands behind short strings, before long ones */
    expect_before(b, event(EVENT_TICKET_UPDATED, FIELD_CATEGORY, fig, NONE),
                  event(EVENT_TICKET_UPDATED, FIELD_CATEGORY, apple, NONE));
    expect_before(b, event(EVENT_TICKET_UPDATED, FIELD_CATEGORY, zebra, NONE),
                  event(EVENT_TICKET_UPDATED, FIELD_CATEGORY, 0, NONE));
    uint32_t long_one = number(b, FIELD_CATEGORY, "a string of more than thirty-one");
    expect_before(b, event(EVENT_TICKET_UPDATED, FIELD_CATEGORY, 0, NONE),
                  event(EVENT_TICKET_UPDATED, FIELD_CATEGORY, long_one, NONE));
}

static void test_keys_and_numbers(void **state)
{
    struct bench *b = *state;
    uint32_t x = number(b, FIELD_DECLARED, "x"), y = number(b, FIELD_DECLARED + 1, "x");
    /* fewer fields first; then keys by their names: ward (4 bytes) before a_unit (6), site before tier */
    expect_before(b, event(EVENT_TICKET_UPDATED, FIELD_TIER, 5, NONE),
                  event(EVENT_TICKET_UPDATED, FIELD_SEVERITY, 1, FIELD_TIER, 1));
    expect_before(b, event(EVENT_TICKET_UPDATED, FIELD_DECLARED, x, NONE),
                  event(EVENT_TICKET_UPDATED, FIELD_DECLARED + 1, y, NONE));
    expect_before(b, event(EVENT_TICKET_UPDATED, FIELD_SITE, number(b, FIELD_SITE, "z"), NONE),
                  event(EVENT_TICKET_UPDATED, FIELD_TIER, 1, NONE));
    /* a place whose name is not known stands last */
    expect_before(
        b, event(EVENT_TICKET_UPDATED, FIELD_REQUESTER_ROLE, number(b, FIELD_REQUESTER_ROLE, "z"), NONE),
        event(EVENT_TICKET_UPDATED, FIELD_DECLARED + 5, 1, NONE));
    /* 1.5 is a float (0xcb), 200 an int (0xcc), −1 a negative one (0xff); false before true */
    expect_before(b, event(EVENT_SURVEY_RESPONSE, FIELD_SCORE, 1500, NONE),
                  event(EVENT_SURVEY_RESPONSE, FIELD_SCORE, 200000, NONE));
    expect_before(b, event(EVENT_SURVEY_RESPONSE, FIELD_SCORE, 200000, NONE),
                  event(EVENT_SURVEY_RESPONSE, FIELD_SCORE, -1000, NONE));
    expect_before(b, event(EVENT_TICKET_CREATED, FIELD_BY, BY_AGENT, NONE),
                  event(EVENT_TICKET_CREATED, FIELD_BY, BY_MACHINE, NONE));
    expect_before(b, event(EVENT_TICKET_MESSAGE, FIELD_AUTOMATED, 0, NONE),
                  event(EVENT_TICKET_MESSAGE, FIELD_AUTOMATED, 1, NONE));
}

static void test_ids_take_no_part(void **state)
{
    struct bench *b = *state;
    struct event *first = event(EVENT_TICKET_MERGED, NONE, NONE);
    struct event *second = event(EVENT_TICKET_MERGED, NONE, NONE);
    first->id = 9;
    second->id = 3;
    first->source = 2;
    assert_int_equal(event_compare(&b->environment, first, second), 0);
    assert_true(event_same_content(first, second));
    second->ref = 5; /* only where all else is equal */
    expect_before(b, first, second);
}

/* --- random contents against the encoding of the whole map
 * ----------------------------------------------------- */

struct key_value {
    const char *key;
    enum event_field field;
    int64_t number;
};

static int key_value_compare(const void *a, const void *b)
{
    return strcmp(((const struct key_value *)a)->key, ((const struct key_value *)b)->key);
}

static void pack_text(msgpack_packer *p, const char *s)
{
    msgpack_pack_str(p, strlen(s));
    msgpack_pack_str_body(p, s, strlen(s));
}

static void pack_event(struct bench *b, const struct event *e, msgpack_sbuffer *ret)
{
    struct key_value pairs[FIELD_N];
    msgpack_packer p;
    msgpack_packer_init(&p, ret, msgpack_sbuffer_write);
    for (unsigned i = 0; i < e->n_fields; i++) {
        enum event_field f = event_field_of(e->fields[i]);
        pairs[i] = (struct key_value){
            f >= FIELD_DECLARED && f < FIELD_N_DIMENSIONS ? DECLARED[f - FIELD_DECLARED] : FIELDS[f].name, f,
            event_number_of(e->fields[i])};
    }
    qsort(pairs, e->n_fields, sizeof(pairs[0]), key_value_compare);
    msgpack_pack_map(&p, e->n_fields);
    for (unsigned i = 0; i < e->n_fields; i++) {
        pack_text(&p, pairs[i].key);
        if (pairs[i].number == 0)
            msgpack_pack_nil(&p);
        else if (FIELDS[pairs[i].field].kind == VALUE_ENUM)
            pack_text(&p, FIELDS[pairs[i].field].values[pairs[i].number - 1]);
        else if (FIELDS[pairs[i].field].kind == VALUE_INT)
            msgpack_pack_int64(&p, pairs[i].number + FIELDS[pairs[i].field].low - 1);
        else
            pack_text(&p, dictionary_string(b->dictionary, pairs[i].field, (uint32_t)pairs[i].number));
    }
}

/* Dimensions alone: each present one time in four, from a few values of many lengths. */
static struct event *random_event(struct bench *b)
{
    struct event *e = calloc(1, event_size(FIELD_N));
    assert_non_null(e);
    e->type = EVENT_TICKET_UPDATED;
    for (unsigned f = 0; f < FIELD_DECLARED + 2; f++) {
        if (rand_r(&b->seed) % 4)
            continue;
        int64_t n = 0;
        if (FIELDS[f].kind == VALUE_DICTIONARY) {
            char s[64];
            size_t size = 1 + (size_t)(rand_r(&b->seed) % 3) * 31;
            memset(s, 'a' + rand_r(&b->seed) % 2, size);
            s[size] = '\0';
            n = number(b, f, s);
        } else {
            n = 1 + rand_r(&b->seed) % 4;
        }
        e->fields[e->n_fields++] = event_field_pack((enum event_field)f, rand_r(&b->seed) % 6 ? n : 0);
    }
    return e;
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void test_random_contents(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < 20000; i++) {
        struct event *x = random_event(b), *y = random_event(b);
        msgpack_sbuffer p, q;
        msgpack_sbuffer_init(&p);
        msgpack_sbuffer_init(&q);
        pack_event(b, x, &p);
        pack_event(b, y, &q);
        int expected = memcmp(p.data, q.data, p.size < q.size ? p.size : q.size);
        if (!expected)
            expected = (p.size > q.size) - (p.size < q.size);
        assert_int_equal(sign(event_compare(&b->environment, x, y)), sign(expected));
        msgpack_sbuffer_destroy(&p);
        msgpack_sbuffer_destroy(&q);
        free(x);
        free(y);
    }
}

/* The sort, on both its ways: nearly sorted and not, with ties that only content parts. */
static void test_sort(void **state)
{
    struct bench *b = *state;
    enum { N = 500 };
    struct event *events[N];
    struct order_item items[N], room[N];
    struct order order;
    for (unsigned span = 1; span <= 1000; span *= 10) {
        for (unsigned i = 0; i < N; i++) {
            events[i] = random_event(b);
            events[i]->at = rand_r(&b->seed) % span;
            events[i]->ref = (uint64_t)rand_r(&b->seed);
            order_item_init(&items[i], events[i]);
        }
        order_init(&order, &b->environment);
        for (unsigned round = 0; round < 2; round++) {
            order_sort(&order, items, room, N);
            for (unsigned i = 1; i < N; i++)
                assert_true(event_compare(&b->environment, items[i - 1].event, items[i].event) <= 0);
            for (unsigned i = 0; i < 5; i++) { /* nearly sorted */
                unsigned k = (unsigned)rand_r(&b->seed) % (N - 1);
                struct order_item item = items[k];
                items[k] = items[k + 1];
                items[k + 1] = item;
            }
        }
        for (unsigned i = 0; i < N; i++)
            free(events[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_seq_rank),      cmocka_unit_test(test_strings_not_numbers),
        cmocka_unit_test(test_keys_and_numbers), cmocka_unit_test(test_ids_take_no_part),
        cmocka_unit_test(test_random_contents),  cmocka_unit_test(test_sort),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
