/* A batch made ready: its ids have the hashes that store_hash gives, its strings the dictionary's numbers. */
#include "core/store/prepare.h"
#include "core/store/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#define AT 1704708000000

/* Of a store, what preparing reads. */
static struct store *store_make(void)
{
    struct store *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    randombytes_buf(s->hash_key, sizeof(s->hash_key));
    assert_int_equal(dictionary_new(&s->dictionary), 0);
    return s;
}

static void store_drop(struct store *s)
{
    dictionary_free(s->dictionary);
    free(s);
}

static struct wire_string string_of(const char *s, size_t size)
{
    return (struct wire_string){.data = s, .size = (uint32_t)size};
}

/* The hash of an id without a ticket, as it has always been: type, day and id in one piece. */
static uint64_t loose_hash(const struct store *s, const char *namespace, const struct wire_event *w)
{
    uint8_t id[9 + EVENT_ID_BYTES];
    int64_t day = w->at / 86400000;
    id[0] = (uint8_t)w->type;
    memcpy(id + 1, &day, 8);
    memcpy(id + 9, w->id.data, w->id.size);
    return store_hash(s, 'e', namespace, id, 9 + w->id.size);
}

static void test_hashes(void **state)
{
    struct store *s = store_make();
    struct store_prepared p;
    char namespace[STORE_NAME_BYTES + 1] = {0}, ids[EVENT_ID_BYTES];
    prepared_init(&p);
    randombytes_buf(ids, sizeof(ids));
    for (size_t n = 1; n <= STORE_NAME_BYTES; n++) {
        namespace[n - 1] = (char)('a' + n % 26);
        for (size_t size = 1; size <= EVENT_ID_BYTES; size++) {
            struct wire_value into = {.field = FIELD_INTO, .string = string_of(ids, size)};
            struct wire_value respondent = {.field = FIELD_RESPONDENT, .string = string_of(ids, size)};
            struct wire_event events[] = {
                {.type = EVENT_TICKET_MERGED,
                 .at = AT,
                 .id = string_of(ids + EVENT_ID_BYTES - size, size),
                 .ticket = string_of(ids, EVENT_ID_BYTES + 1 - size),
                 .n_values = 1,
                 .values = &into},
                {.type = EVENT_SURVEY_SENT,
                 .at = AT,
                 .id = string_of(ids, size),
                 .n_values = 1,
                 .values = &respondent},
            };
            assert_int_equal(store_prepare(s, namespace, events, 2, &p), 0);
            assert_int_equal(p.n, 2);
            const struct event *merged = prepared_record(&p, 0), *sent = prepared_record(&p, 1);
            assert_true(p.events[0].hash ==
                        store_hash(s, 't', namespace, events[0].ticket.data, events[0].ticket.size));
            assert_true(merged->id ==
                        (store_hash(s, 'i', namespace, events[0].id.data, size) & 0xffffffffffff));
            assert_true(merged->ref == store_hash(s, 't', namespace, ids, size));
            assert_true(p.events[1].hash == loose_hash(s, namespace, &events[1]));
            assert_true(sent->ref == store_hash(s, 'r', namespace, ids, size));
        }
    }
    prepared_fini(&p);
    store_drop(s);
}

/* The number that an event with one code is prepared with; 0: it waits for one. */
static int64_t number_of(const struct store *s, struct store_prepared *p, uint8_t field, const char *code,
                         uint16_t place, uint32_t turn)
{
    struct wire_value v = {
        .field = field, .place = place, .turn = turn, .string = string_of(code, strlen(code))};
    struct wire_event e = {.type = EVENT_TICKET_UPDATED,
                           .at = AT,
                           .id = string_of("e", 1),
                           .ticket = string_of("t", 1),
                           .n_values = 1,
                           .values = &v};
    assert_int_equal(store_prepare(s, "desk", &e, 1, p), 0);
    const struct event *prepared = prepared_record(p, 0);
    assert_int_equal(prepared->n_fields, 1);
    assert_int_equal(event_field_of(prepared->fields[0]), field);
    assert_int_equal(p->n_unknown, event_number_of(prepared->fields[0]) == 0);
    return event_number_of(prepared->fields[0]);
}

static uint32_t intern(struct store *s, uint8_t field, const char *code)
{
    uint32_t number = 0;
    assert_int_equal(dictionary_intern(s->dictionary, field, code, strlen(code), &number, NULL), 0);
    return number;
}

static void test_numbers(void **state)
{
    struct store *s = store_make(), *other = store_make();
    struct store_prepared p, plain;
    prepared_init(&p);
    prepared_init(&plain);
    p.has_memory = true;
    assert_int_equal(intern(s, FIELD_SITE, "north"), 1);
    assert_int_equal(intern(s, FIELD_SITE, "south"), 2);
    assert_int_equal(intern(other, FIELD_SITE, "south"), 1);

    /* unknown at first, and looked for again until it has a number */
    assert_int_equal(number_of(s, &p, FIELD_TEAM, "desk", 5, 1), 0);
    assert_int_equal(intern(s, FIELD_TEAM, "desk"), 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(number_of(s, &p, FIELD_TEAM, "desk", 5, 1), 1);
    /* the place is another string's with each turn; a string without one is looked for */
    assert_int_equal(number_of(s, &p, FIELD_SITE, "south", 5, 2), 2);
    assert_int_equal(number_of(s, &p, FIELD_SITE, "north", 5, 3), 1);
    assert_int_equal(number_of(s, &p, FIELD_SITE, "south", 5, 0), 2);
    assert_int_equal(number_of(s, &p, FIELD_SITE, "west", 5, 4), 0);
    assert_int_equal(number_of(s, &p, FIELD_SITE, "south", VOCABULARY_LEARNED - 1, 1), 2);
    /* another tenant's numbers are others */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(number_of(other, &p, FIELD_SITE, "south", VOCABULARY_LEARNED - 1, 1), 1);
        assert_int_equal(number_of(other, &p, FIELD_SITE, "north", 5, 3), 0);
        assert_int_equal(number_of(s, &p, FIELD_SITE, "north", 5, 3), 1);
        assert_int_equal(number_of(s, &p, FIELD_SITE, "south", VOCABULARY_LEARNED - 1, 1), 2);
    }
    /* so are those of a store that is opened anew, wherever it lies in memory */
    dictionary_free(s->dictionary);
    assert_int_equal(dictionary_new(&s->dictionary), 0);
    assert_int_equal(number_of(s, &p, FIELD_SITE, "south", VOCABULARY_LEARNED - 1, 1), 0);
    /* where events come from anywhere, place and turn say nothing */
    assert_int_equal(intern(s, FIELD_SITE, "south"), 1);
    assert_int_equal(number_of(s, &plain, FIELD_SITE, "south", 5, 1), 1);
    assert_int_equal(number_of(s, &plain, FIELD_SITE, "north", 5, 1), 0);

    prepared_fini(&p);
    prepared_fini(&plain);
    store_drop(s);
    store_drop(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
