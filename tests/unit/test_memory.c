/* Decoding with a memory of the events before: the same answer as without, whatever came before, and place
 * and turn of a code name one string for good. */
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

/* Nothing else is random: a failure comes again. */
static uint64_t chance_state = 88172645463325252;

static unsigned chance(unsigned n)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (unsigned)((chance_state >> 32) % n);
}

static struct event_schema schema_make(void)
{
    struct event_schema s = {.types = (1u << EVENT_N_TYPES) - 2, .now = NOW, .n_declared = 2};
    (void)snprintf(s.declared[0], sizeof(s.declared[0]), "contract");
    (void)snprintf(s.declared[1], sizeof(s.declared[1]), "x");
    return s;
}

/* --- words ------------------------------------------------------------------------------------------------
 */

/* In memory of exactly room bytes: the string is a word when WORD_BYTES can be read from it. */
static void test_words_end(void **state)
{
    for (size_t size = 0; size <= WORD_BYTES + 2; size++)
        for (size_t room = size; room <= size + WORD_BYTES + 2; room++) {
            char *exact = malloc(room ? room : 1);
            assert_non_null(exact);
            memset(exact, 'z', room);
            memset(exact, 'a', size);
            struct word w;
            bool is_word = word_make(7, exact, size, exact + room, &w);
            assert_int_equal(is_word, size > 0 && size <= WORD_BYTES && room >= WORD_BYTES);
            char expected[WORD_BYTES] = {0};
            if (is_word) {
                memset(expected, 'a', size);
                assert_memory_equal(w.bytes, expected, WORD_BYTES);
                assert_int_equal(w.tag, 7 << 8 | size);
            }
            free(exact);
        }
}

static struct word word_of(unsigned stands_for, const char *s)
{
    char room[WORD_BYTES] = {0};
    struct word w = {0};
    memcpy(room, s, strlen(s));
    assert_true(word_make(stands_for, room, strlen(s), room + WORD_BYTES, &w));
    return w;
}

static void test_fixed_words(void **state)
{
    static struct event_memory m;
    static const struct vocabulary empty;
    event_memory_init(&m);
    unsigned n = 0, n_there = 0;
    for (const struct word *w = m.words.fixed; w < m.words.fixed + VOCABULARY_FIXED; w++)
        n_there += w->tag != 0;
    for (unsigned f = 0; f < FIELD_N; f++)
        for (int i = 0; FIELDS[f].values && FIELDS[f].values[i]; i++) {
            if (strlen(FIELDS[f].values[i]) > WORD_BYTES)
                continue;
            struct word w = word_of(f, FIELDS[f].values[i]);
            n++;
            /* Red here means that a new word has the place of another: word_hash wants another factor. */
            assert_int_equal(vocabulary_number(&m.words, &w), i + 1);
            assert_int_equal(vocabulary_number(&empty, &w), -1);
            w.tag += 1 << 8; /* the same string of another field */
            int other = vocabulary_number(&m.words, &w);
            assert_true(other == -1 ||
                        other == event_enum_find(f + 1, FIELDS[f].values[i], strlen(FIELDS[f].values[i])));
        }
    assert_int_equal(n + EVENT_N_TYPES, n_there);
}

static void test_learned_words(void **state)
{
    static struct vocabulary v;
    struct word a = word_of(1, "acme");
    unsigned place = vocabulary_place(&a);
    assert_int_equal(vocabulary_turn(&v, &a, place), 0);
    assert_int_equal(vocabulary_learn(&v, &a, place), 1);
    assert_int_equal(vocabulary_turn(&v, &a, place), 1);
    /* other strings, of which some have its place */
    unsigned n_same = 0;
    for (unsigned i = 0; i < 20000; i++) {
        char text[WORD_BYTES];
        (void)snprintf(text, sizeof(text), "w%u", i);
        struct word b = word_of(1, text);
        assert_int_equal(vocabulary_turn(&v, &b, vocabulary_place(&b)), 0);
        if (vocabulary_place(&b) != place)
            continue;
        n_same++;
        assert_int_equal(vocabulary_learn(&v, &b, place), 1 + n_same);
        assert_int_equal(vocabulary_turn(&v, &a, place), 0);
        assert_int_equal(vocabulary_turn(&v, &b, place), 1 + n_same);
    }
    assert_true(n_same > 2);
    /* neither its beginning, nor its beginning with a NUL, nor the same of another field */
    assert_true(vocabulary_learn(&v, &a, place) > 0);
    struct word shorter = word_of(1, "acm"), other = word_of(2, "acme"), padded = a;
    padded.tag++;
    assert_int_equal(vocabulary_turn(&v, &shorter, place), 0);
    assert_int_equal(vocabulary_turn(&v, &other, place), 0);
    assert_int_equal(vocabulary_turn(&v, &padded, place), 0);
    /* all turns used up: the string stays */
    v.learned[place].number = UINT32_MAX;
    struct word b = word_of(1, "b");
    assert_int_equal(vocabulary_learn(&v, &b, place), 0);
    assert_int_equal(vocabulary_turn(&v, &a, place), UINT32_MAX);
}

/* --- events -----------------------------------------------------------------------------------------------
 */

static void pack_bytes(msgpack_packer *p, const char *s, size_t size)
{
    msgpack_pack_str(p, size);
    msgpack_pack_str_body(p, s, size);
}

static void pack_string(msgpack_packer *p, const char *s)
{
    pack_bytes(p, s, strlen(s));
}

/* Mostly a good code, which often came before. */
static void pack_code(msgpack_packer *p)
{
    static const char *const odd[] = {"",
                                      "a b c d e f",
                                      "caf\xc3\xa9",
                                      "bad\xff",
                                      "cut\xc3",
                                      "bell\x07",
                                      "exactly 16 bytes",
                                      "one more than 16b",
                                      "   ",
                                      "a string that is no word as it is longer than sixteen"};
    char text[80] = {0};
    switch (chance(8)) {
    case 0:
        pack_string(p, odd[chance(sizeof(odd) / sizeof(*odd))]);
        break;
    case 1:
        pack_bytes(p, "nul\0l", 1 + chance(5));
        break;
    case 2:
        memset(text, 'l', sizeof(text));
        pack_bytes(p, text, chance(sizeof(text)));
        break;
    default:
        (void)snprintf(text, sizeof(text), "code %u", chance(chance(2) ? 20 : 3000));
        pack_string(p, text);
    }
}

static void pack_value(msgpack_packer *p, unsigned field)
{
    if (chance(40) == 0) {
        msgpack_pack_nil(p);
        return;
    }
    if (chance(40) == 0) {
        msgpack_pack_array(p, 2);
        msgpack_pack_int(p, 1);
        msgpack_pack_nil(p);
        return;
    }
    unsigned n = 0;
    switch (FIELDS[field].kind) {
    case VALUE_DICTIONARY:
    case VALUE_HASH:
        pack_code(p);
        break;
    case VALUE_ENUM:
        while (FIELDS[field].values[n])
            n++;
        pack_string(p, chance(20) ? FIELDS[field].values[chance(n)] : "solve");
        break;
    case VALUE_BOOL:
        chance(2) ? msgpack_pack_true(p) : msgpack_pack_false(p);
        break;
    case VALUE_TIME:
        msgpack_pack_int64(p, NOW - chance(100));
        break;
    case VALUE_INT:
    case VALUE_SECONDS:
    case VALUE_SCORE:
        if (chance(4))
            msgpack_pack_int(p, (int)chance(6) - 1);
        else if (chance(2))
            msgpack_pack_double(p, chance(3000) / 1000.0);
        else
            msgpack_pack_uint64(p, UINT64_MAX >> chance(64));
        break;
    }
}

/* An event of a random type: mostly the keys that it may have, in an order that is mostly the type's own. */
static void pack_event(msgpack_packer *p, const struct event_schema *schema)
{
    unsigned type = chance(EVENT_N_TYPES), keys[80], n = 0;
    const struct event_type_info *info = &EVENT_TYPE_INFO[type];
    keys[n++] = KEY_TYPE;
    keys[n++] = KEY_ID;
    keys[n++] = KEY_AT;
    if (chance(2))
        keys[n++] = KEY_SEQ;
    if (info->may_have_ticket)
        keys[n++] = KEY_TICKET;
    for (unsigned f = 0; f < FIELD_N; f++)
        if ((info->required >> f & 1) || ((info->optional >> f & 1) && chance(2)) ||
            (f < FIELD_DECLARED + 2 && chance(6) == 0) || chance(400) == 0)
            keys[n++] = f;
    if (chance(20) == 0) {
        keys[n] = keys[chance(n)];
        n++;
    }
    if (chance(6) == 0)
        for (unsigned i = 0; i < n; i++) {
            unsigned k = chance(n), key = keys[i];
            keys[i] = keys[k];
            keys[k] = key;
        }
    msgpack_pack_map(p, n);
    for (unsigned i = 0; i < n; i++) {
        static const char *const NAMES[] = {"type", "id", "at", "seq", "ticket"};
        unsigned key = keys[i];
        const char *name = key < FIELD_N ? event_field_name(schema, key) : NAMES[key - FIELD_N];
        pack_string(p, name && chance(200) ? name : "tickets");
        if (key == KEY_TYPE)
            pack_string(p, chance(40) ? info->name : "ticket.closed");
        else if (key == KEY_ID || key == KEY_TICKET)
            pack_code(p);
        else if (key == KEY_AT)
            msgpack_pack_int64(p, NOW - (int64_t)chance(1000) * 86400);
        else if (key == KEY_SEQ)
            msgpack_pack_uint32(p, chance(300));
        else
            pack_value(p, key);
    }
}

/* What place and turn have been given to. */
static struct given {
    uint32_t turn;
    uint8_t field;
    struct wire_string string;
    char bytes[WORD_BYTES];
} given[VOCABULARY_LEARNED];

static void check_given(const struct wire_value *v)
{
    if (!v->turn)
        return;
    assert_true(v->place < VOCABULARY_LEARNED && v->string.size <= WORD_BYTES);
    struct given *g = &given[v->place];
    if (v->turn < g->turn)
        return; /* another code of this event has taken its place */
    if (v->turn > g->turn) {
        *g = (struct given){.turn = v->turn, .field = v->field, .string.size = v->string.size};
        memcpy(g->bytes, v->string.data, v->string.size);
    }
    assert_int_equal(g->field, v->field);
    assert_int_equal(g->string.size, v->string.size);
    assert_memory_equal(g->bytes, v->string.data, v->string.size);
}

static void assert_string_same(const struct wire_string *a, const struct wire_string *b)
{
    assert_ptr_equal(a->data, b->data);
    assert_int_equal(a->size, b->size);
}

/* Decodes from memory of exactly the size in both ways. */
static int check_same(const uint8_t *data, size_t size, const struct event_schema *schema,
                      struct event_memory *memory)
{
    struct wire_event plain, e;
    struct wire_value plain_values[FIELD_N], values[FIELD_N];
    struct mp_reader plain_reader, r;
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, data, size);
    mp_reader_init(&plain_reader, exact, size);
    mp_reader_init(&r, exact, size);
    int expected = event_decode(&plain_reader, schema, &plain, plain_values);
    int rc = event_decode_with(&r, schema, memory, &e, values);
    assert_int_equal(rc, expected);
    assert_int_equal(r.failed, plain_reader.failed);
    if (rc >= 0)
        assert_ptr_equal(r.at, plain_reader.at);
    if (rc == REJECT_NONE) {
        assert_int_equal(e.type, plain.type);
        assert_true(e.at == plain.at && e.seq == plain.seq);
        assert_string_same(&e.id, &plain.id);
        assert_string_same(&e.ticket, &plain.ticket);
        assert_int_equal(e.n_values, plain.n_values);
        for (uint32_t i = 0; i < e.n_values; i++) {
            const struct wire_value *v = &e.values[i], *p = &plain.values[i];
            enum value_kind kind = FIELDS[v->field].kind;
            assert_int_equal(v->field, p->field);
            assert_int_equal(v->nil, p->nil);
            if (v->nil || (kind != VALUE_DICTIONARY && kind != VALUE_HASH)) {
                assert_true(v->number == p->number);
                continue;
            }
            assert_string_same(&v->string, &p->string);
            if (kind == VALUE_DICTIONARY) {
                assert_int_equal(p->turn, 0);
                check_given(v);
            }
        }
    }
    free(exact);
    return rc;
}

static void test_same_with_memory(void **state)
{
    static struct event_memory memory;
    static unsigned n_ends[REJECT_N + 1];
    struct event_schema schema = schema_make();
    event_memory_init(&memory);
    memset(given, 0, sizeof(given));
    for (unsigned i = 0; i < 60000; i++) {
        msgpack_sbuffer b;
        msgpack_packer p;
        msgpack_sbuffer_init(&b);
        msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
        pack_event(&p, &schema);
        /* as in a batch, something may stand behind it */
        for (unsigned more = chance(3) ? 40 : 0; more > 0; more--)
            msgpack_pack_nil(&p);
        if (i % 3 == 1)
            for (unsigned n = 1 + chance(3); n > 0; n--)
                b.data[chance((unsigned)b.size)] ^= (char)(1 << chance(8));
        if (i % 16 == 2)
            b.size = chance((unsigned)b.size);
        schema.n_declared = chance(3); /* sources of other tenants take turns */
        int rc = check_same((const uint8_t *)b.data, b.size, &schema, &memory);
        n_ends[rc < 0 ? REJECT_N : rc]++;
        msgpack_sbuffer_destroy(&b);
    }
    static const int ends[] = {REJECT_NONE,
                               REJECT_UNKNOWN_TYPE,
                               REJECT_UNKNOWN_FIELD,
                               REJECT_MISSING_FIELD,
                               REJECT_DUPLICATE_FIELD,
                               REJECT_WRONG_TYPE,
                               REJECT_OUT_OF_RANGE,
                               REJECT_UNKNOWN_VALUE,
                               REJECT_BAD_UTF8,
                               REJECT_TOO_LONG,
                               REJECT_NOT_A_CODE,
                               REJECT_NOT_GRANTED,
                               REJECT_N};
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (n_ends[ends[i]] < 50)
            fail_msg("%u ended as %d", n_ends[ends[i]], ends[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_end),
        cmocka_unit_test(test_fixed_words),
        cmocka_unit_test(test_learned_words),
        cmocka_unit_test(test_same_with_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
