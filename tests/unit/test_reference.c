#include "core/fold/reference.h"

#include "core/fold/calendar.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Sets a row from pairs: attribute, text, …, −1. */
static int set(struct reference *r, enum reference_table table, const char *key, int64_t valid_from,
               struct error *err, ...)
{
    const char *values[REFERENCE_ATTRIBUTES_N] = {NULL};
    va_list pairs;
    va_start(pairs, err);
    for (int a = va_arg(pairs, int); a >= 0; a = va_arg(pairs, int))
        values[a] = va_arg(pairs, const char *);
    va_end(pairs);
    return reference_set(r, table, key, valid_from, values, err);
}

static struct reference *empty(void)
{
    struct reference *r;
    assert_int_equal(reference_new(NULL, &r), 0);
    return r;
}

static void test_attributes(void **state)
{
    assert_string_equal(REFERENCE_ATTRIBUTE_INFO[REFERENCE_BEDS].name, "beds");
    assert_int_equal(REFERENCE_ATTRIBUTE_INFO[REFERENCE_CALENDAR].table, REFERENCE_SITE);
    assert_int_equal(REFERENCE_ATTRIBUTE_INFO[REFERENCE_EMPLOYER].table, REFERENCE_TEAM);
    assert_string_equal(REFERENCE_ATTRIBUTE_INFO[REFERENCE_TEAM_TIER].name, "tier");
    assert_true(REFERENCE_ATTRIBUTE_INFO[REFERENCE_TEAM_TIER].is_number);
}

static void test_versions(void **state)
{
    struct reference *r = empty();
    const struct reference_row *const *versions;
    assert_null(reference_find(r, REFERENCE_SITE, "H1", 0));
    assert_int_equal(reference_versions(r, REFERENCE_SITE, "H1", &versions), 0);
    assert_int_equal(set(r, REFERENCE_SITE, "H1", 2000, NULL, REFERENCE_BEDS, "120", -1), 0);
    assert_int_equal(
        set(r, REFERENCE_SITE, "H1", INT64_MIN, NULL, REFERENCE_BEDS, "25", REFERENCE_COUNTRY, "us", -1), 0);
    assert_int_equal(set(r, REFERENCE_SITE, "H1", 3000, NULL, REFERENCE_BEDS, "130", -1), 0);
    assert_int_equal(reference_count(r, REFERENCE_SITE), 1);
    assert_int_equal(reference_count(r, REFERENCE_TEAM), 0);
    assert_int_equal(reference_find(r, REFERENCE_SITE, "H1", INT64_MIN)->numbers[REFERENCE_BEDS], 25);
    assert_int_equal(reference_find(r, REFERENCE_SITE, "H1", 1999)->numbers[REFERENCE_BEDS], 25);
    assert_string_equal(reference_find(r, REFERENCE_SITE, "H1", 0)->strings[REFERENCE_COUNTRY], "US");
    assert_int_equal(reference_find(r, REFERENCE_SITE, "H1", 2000)->numbers[REFERENCE_BEDS], 120);
    assert_null(
        reference_find(r, REFERENCE_SITE, "H1", 2000)->strings[REFERENCE_COUNTRY]); /* a row is whole */
    assert_int_equal(reference_find(r, REFERENCE_SITE, "H1", INT64_MAX)->numbers[REFERENCE_BEDS], 130);
    assert_null(reference_find(r, REFERENCE_TEAM, "H1", 0));
    /* the same instant again takes the place of the version */
    assert_int_equal(set(r, REFERENCE_SITE, "H1", 2000, NULL, REFERENCE_BEDS, "121", -1), 0);
    assert_int_equal(reference_versions(r, REFERENCE_SITE, "H1", &versions), 3);
    assert_int_equal(versions[0]->valid_from, INT64_MIN);
    assert_int_equal(versions[1]->numbers[REFERENCE_BEDS], 121);
    assert_int_equal(versions[2]->valid_from, 3000);
    reference_unref(r);
    reference_unref(NULL);
}

static void expect_refused(struct reference *r, enum reference_table table, const char *key,
                           enum reference_attribute a, const char *text, const char *code, const char *said)
{
    struct error err = ERROR_INIT;
    assert_int_equal(set(r, table, key, 0, &err, a, text, -1), -EINVAL);
    assert_string_equal(err.code, code);
    assert_non_null(strstr(err.message, said));
    if (strlen(text) > 3)
        assert_null(strstr(err.message, text)); /* never the value */
}

static void test_refused(void **state)
{
    struct reference *r = empty();
    char long_code[66];
    memset(long_code, 'x', 65);
    long_code[65] = '\0';
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_BEDS, "many", "bad_attribute", "beds");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_BEDS, "100001", "bad_attribute", "beds");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_BEDS, "-1", "bad_attribute", "beds");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_BEDS, "1e3", "bad_attribute", "beds");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_BEDS, "99999999999999999999999", "bad_attribute",
                   "beds");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_BEDS, "", "bad_attribute", "beds");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_COUNTRY, "USA", "bad_attribute", "country");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_COUNTRY, "U1", "bad_attribute", "country");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_FACILITY_KIND, "Hospital", "bad_attribute",
                   "facility_kind");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_ORG, long_code, "bad_attribute", "org");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_ORG, "a b c d e f", "bad_attribute", "org");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_ORG, "tab\there", "bad_attribute", "org");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_ORG, "\xff\xfe\xfd\xfc", "bad_attribute", "org");
    expect_refused(r, REFERENCE_SITE, "H1", REFERENCE_EMPLOYER, "acme", "bad_attribute", "employer");
    expect_refused(r, REFERENCE_TEAM, "A", REFERENCE_TEAM_TIER, "5", "bad_attribute", "tier");
    expect_refused(r, REFERENCE_TEAM, long_code, REFERENCE_TEAM_TIER, "1", "bad_key", "key");
    expect_refused(r, REFERENCE_TEAM, "", REFERENCE_TEAM_TIER, "1", "bad_key", "key");
    assert_int_equal(reference_count(r, REFERENCE_SITE) + reference_count(r, REFERENCE_TEAM), 0);
    reference_unref(r);
}

static void test_copies_do_not_share(void **state)
{
    struct reference *r = empty(), *next;
    set(r, REFERENCE_TEAM, "A", INT64_MIN, NULL, REFERENCE_EMPLOYER, "acme", -1);
    set(r, REFERENCE_TEAM, "B", INT64_MIN, NULL, REFERENCE_EMPLOYER, "acme", -1);
    assert_ptr_equal(reference_find(r, REFERENCE_TEAM, "A", 0)->strings[REFERENCE_EMPLOYER],
                     reference_find(r, REFERENCE_TEAM, "B", 0)->strings[REFERENCE_EMPLOYER]);
    assert_int_equal(reference_new(r, &next), 0);
    set(next, REFERENCE_TEAM, "A", INT64_MIN, NULL, REFERENCE_EMPLOYER, "bpo", -1);
    assert_string_equal(reference_find(r, REFERENCE_TEAM, "A", 0)->strings[REFERENCE_EMPLOYER], "acme");
    assert_ptr_equal(reference_ref(r), r);
    reference_unref(r);
    reference_unref(r);
    assert_string_equal(reference_find(next, REFERENCE_TEAM, "A", 0)->strings[REFERENCE_EMPLOYER], "bpo");
    assert_string_equal(reference_find(next, REFERENCE_TEAM, "B", 0)->strings[REFERENCE_EMPLOYER], "acme");
    reference_unref(next);
}

static int list_row(void *context, const char *key, const struct reference_row *row)
{
    buffer_printf(context, "%s@%lld ", key, (long long)row->valid_from);
    return strcmp(key, "stop") == 0 ? 7 : 0;
}

static void test_each(void **state)
{
    struct reference *r = empty();
    struct buffer text;
    buffer_init(&text, 4096);
    set(r, REFERENCE_TEAM, "b", 5, NULL, -1);
    set(r, REFERENCE_TEAM, "c", 1, NULL, -1);
    set(r, REFERENCE_TEAM, "b", 2, NULL, -1);
    set(r, REFERENCE_TEAM, "a", 9, NULL, -1);
    assert_int_equal(reference_each(r, REFERENCE_TEAM, list_row, &text), 0);
    buffer_append(&text, "", 1);
    assert_string_equal((const char *)text.data, "a@9 b@2 b@5 c@1 ");
    set(r, REFERENCE_TEAM, "stop", 0, NULL, -1);
    assert_int_equal(reference_each(r, REFERENCE_TEAM, list_row, &text), 7);
    buffer_fini(&text);
    reference_unref(r);
}

/* Many keys, so that the tables grow; each comes back from disk as it was. */
static int store_row(void *context, const char *key, const struct reference_row *row)
{
    struct reference *copy = context;
    struct buffer b;
    buffer_init(&b, 4096);
    assert_int_equal(reference_row_encode(&b, REFERENCE_SITE, key, row), 0);
    for (size_t size = 0; size < b.size; size++) /* cut short anywhere it is refused, and nothing is set */
        assert_int_equal(reference_row_decode(copy, b.data, size, NULL), -EBADMSG);
    assert_int_equal(reference_row_decode(copy, b.data, b.size, NULL), 0);
    assert_true(reference_row_equal(reference_find(copy, REFERENCE_SITE, key, row->valid_from), row));
    buffer_fini(&b);
    return 0;
}

static void test_on_disk(void **state)
{
    struct reference *r = empty(), *copy = empty();
    char key[16], beds[16];
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "H%d", i % 2900);
        snprintf(beds, sizeof(beds), "%d", i);
        assert_int_equal(set(r, REFERENCE_SITE, key, i / 2900 * 1000 - 500, NULL, REFERENCE_BEDS, beds,
                             REFERENCE_FACILITY_KIND, i % 2 ? "hospital" : "cah", REFERENCE_ORG,
                             "Große Klinik", -1),
                         0);
    }
    assert_int_equal(reference_each(r, REFERENCE_SITE, store_row, copy), 0);
    assert_int_equal(reference_count(copy, REFERENCE_SITE), 2900);
    assert_int_equal(reference_find(copy, REFERENCE_SITE, "H7", 0)->numbers[REFERENCE_BEDS], 7);
    assert_int_equal(reference_find(copy, REFERENCE_SITE, "H7", 500)->numbers[REFERENCE_BEDS], 2907);
    reference_unref(r);
    reference_unref(copy);

    struct reference *none = empty();
    struct error err = ERROR_INIT;
    static const uint8_t LATER[] = {0x95, 0x03, 0xa4, 's', 'i', 't', 'e', 0xa1, 'x', 0x00, 0x80};
    static const uint8_t OTHER[] = {0x95, 0x01, 0xa4, 's', 'i', 't', 'x', 0xa1, 'x', 0x00, 0x80};
    assert_int_equal(reference_row_decode(none, LATER, sizeof(LATER), &err), -EPROTONOSUPPORT);
    assert_string_equal(err.code, "reference_version");
    assert_int_equal(reference_row_decode(none, OTHER, sizeof(OTHER), &err), -EBADMSG);
    reference_unref(none);
}

static void test_refold(void **state)
{
    struct reference *r = empty(), *next;
    assert_int_equal(
        set(r, REFERENCE_TEAM, "A", 0, NULL, REFERENCE_EMPLOYER, "acme", REFERENCE_TEAM_TIER, "1", -1), 0);
    assert_false(reference_needs_refold(r, r));

    reference_new(r, &next); /* a site, another attribute, a version that says the same */
    set(next, REFERENCE_SITE, "H1", 0, NULL, REFERENCE_BEDS, "5", -1);
    set(next, REFERENCE_TEAM, "A", 9, NULL, REFERENCE_EMPLOYER, "acme", REFERENCE_TEAM_TIER, "1",
        REFERENCE_TEAM_COUNTRY, "US", -1);
    set(next, REFERENCE_TEAM, "new", 0, NULL, REFERENCE_OUTSOURCER, "bpo", -1);
    assert_false(reference_needs_refold(r, next));
    assert_false(reference_needs_refold(next, r));
    set(next, REFERENCE_TEAM, "A", 9, NULL, REFERENCE_EMPLOYER, "acme", REFERENCE_TEAM_TIER, "2", -1);
    assert_true(reference_needs_refold(r, next));
    assert_true(reference_needs_refold(next, r));
    reference_unref(next);

    reference_new(r, &next); /* from another instant */
    set(next, REFERENCE_TEAM, "A", -9, NULL, REFERENCE_EMPLOYER, "acme", REFERENCE_TEAM_TIER, "1", -1);
    assert_true(reference_needs_refold(r, next));
    assert_true(reference_needs_refold(next, r));
    reference_unref(next);

    reference_new(r, &next); /* another team */
    set(next, REFERENCE_TEAM, "B", 0, NULL, REFERENCE_EMPLOYER, "bpo", -1);
    assert_true(reference_needs_refold(r, next));
    reference_unref(next);
    reference_unref(r);
}

/* --- calendars
 * ----------------------------------------------------------------------------------------------- */

static struct calendar *hours(const char *text, unsigned n_holidays)
{
    json_t *holidays = json_array();
    for (unsigned i = 0; i < n_holidays; i++) {
        char day[48];
        (void)snprintf(day, sizeof(day), "%04u-%02u-%02u", 1970 + i / 336 % 130, i / 28 % 12 + 1, i % 28 + 1);
        json_array_append_new(holidays, json_string(day));
    }
    json_t *definition = json_pack("{s:s, s:s, s:o}", "zone", "UTC", "hours", text, "holidays", holidays);
    struct calendar *c;
    assert_int_equal(calendar_new(definition, &c, NULL), 0);
    json_decref(definition);
    return c;
}

static int set_calendar(struct reference *r, const char *name, int64_t valid_from, const char *text,
                        unsigned n_holidays, struct error *err)
{
    struct calendar *c = hours(text, n_holidays);
    int result = reference_set_calendar(r, name, valid_from, c, err);
    calendar_unref(c);
    return result;
}

static const char *hours_at(const struct reference *r, const char *name, size_t place)
{
    const struct reference_calendar *versions;
    size_t n = reference_calendars(r, name, &versions);
    assert_true(place < n);
    return json_string_value(json_object_get(calendar_definition(versions[place].calendar), "hours"));
}

static void test_calendars(void **state)
{
    struct reference *r = empty(), *copy;
    const struct reference_calendar *versions;
    struct error err = ERROR_INIT;
    assert_int_equal(reference_calendars(r, "day", &versions), 0);
    assert_int_equal(set_calendar(r, "night", 7, "daily 00:00-06:00", 2, NULL), 0);
    assert_int_equal(set_calendar(r, "day", 2000, "mon-fri 09:00-17:00", 0, NULL), 0);
    assert_int_equal(set_calendar(r, "day", INT64_MIN, "mon-fri 08:00-16:00", 0, NULL), 0);
    assert_int_equal(set_calendar(r, "day", 1000, "mon 08:00-16:00", 0, NULL), 0);
    assert_int_equal(set_calendar(r, "day", 1000, "tue 08:00-16:00", 0, NULL), 0); /* in its place */
    assert_int_equal(reference_calendar_count(r), 2);
    assert_int_equal(reference_calendars(r, "day", &versions), 3);
    assert_int_equal(versions[1].valid_from, 1000);
    assert_string_equal(hours_at(r, "day", 0), "mon-fri 08:00-16:00");
    assert_string_equal(hours_at(r, "day", 1), "tue 08:00-16:00");
    assert_string_equal(hours_at(r, "day", 2), "mon-fri 09:00-17:00");

    assert_int_equal(reference_new(r, &copy), 0);
    assert_int_equal(reference_remove_calendar(copy, "day", &(int64_t){1000}, &err), 0);
    assert_int_equal(reference_calendars(copy, "day", &versions), 2);
    assert_int_equal(reference_calendars(r, "day", &versions), 3);
    assert_int_equal(reference_remove_calendar(copy, "day", &(int64_t){1000}, &err), -ENOENT);
    assert_string_equal(err.code, "unknown_version");
    assert_int_equal(reference_remove_calendar(copy, "dya", NULL, &err), -ENOENT);
    assert_string_equal(err.code, "unknown_calendar");
    assert_string_equal(err.hint, "did you mean day?");
    assert_int_equal(reference_remove_calendar(copy, "day", NULL, &err), 0);
    assert_int_equal(reference_calendar_count(copy), 1);
    assert_int_equal(reference_remove_calendar(copy, "night", &(int64_t){7}, &err), 0);
    assert_int_equal(reference_calendar_count(copy), 0);
    reference_unref(copy);

    assert_int_equal(set_calendar(r, "a\nb", 0, "daily 00:00-06:00", 0, &err), -EINVAL);
    assert_string_equal(err.code, "bad_key");
    reference_unref(r);
}

static void test_calendars_bounded(void **state)
{
    struct reference *r = empty();
    struct error err = ERROR_INIT;
    for (int i = 0; i < 16; i++)
        assert_int_equal(set_calendar(r, "day", i, "daily 00:00-06:00", 4096, NULL), 0);
    assert_int_equal(set_calendar(r, "day", 16, "daily 00:00-06:00", 1, &err), -ENOSPC);
    assert_string_equal(err.code, "reference_full");
    /* what is replaced makes room */
    assert_int_equal(set_calendar(r, "day", 7, "daily 00:00-06:00", 4095, NULL), 0);
    assert_int_equal(set_calendar(r, "day", 16, "daily 00:00-06:00", 1, NULL), 0);
    for (int i = 17; i < REFERENCE_CALENDARS_MAX; i++)
        assert_int_equal(set_calendar(r, i % 2 ? "day" : "night", i, "daily 00:00-06:00", 0, NULL), 0);
    assert_int_equal(set_calendar(r, "more", 0, "daily 00:00-06:00", 0, &err), -ENOSPC);
    assert_string_equal(err.code, "reference_full");
    assert_int_equal(set_calendar(r, "day", 16, "daily 00:00-07:00", 0, NULL), 0);
    reference_unref(r);
}

struct missing {
    const char *name;
    size_t n_rows, n;
};

static int see_missing(void *context, const char *name, size_t n_rows)
{
    struct missing *m = context;
    m->name = name;
    m->n_rows = n_rows;
    m->n++;
    return 0;
}

static void expect_missing(const struct reference *r, const char *name, size_t n_rows)
{
    struct missing m = {.n = 0};
    assert_int_equal(reference_each_missing_calendar(r, see_missing, &m), 0);
    assert_int_equal(m.n, name ? 1 : 0);
    if (name)
        assert_string_equal(m.name, name);
    assert_int_equal(m.n_rows, n_rows);
}

static void test_calendars_missing(void **state)
{
    struct reference *r = empty(), *copy;
    set_calendar(r, "day", INT64_MIN, "mon-fri 09:00-17:00", 0, NULL);
    set(r, REFERENCE_SITE, "H1", 0, NULL, REFERENCE_CALENDAR, "day", -1);
    set(r, REFERENCE_SITE, "H2", 0, NULL, REFERENCE_BEDS, "7", -1);
    expect_missing(r, NULL, 0);
    set(r, REFERENCE_SITE, "H2", 0, NULL, REFERENCE_CALENDAR, "dya", -1);
    set(r, REFERENCE_SITE, "H2", 5, NULL, REFERENCE_CALENDAR, "dya", -1);
    set(r, REFERENCE_SITE, "H3", 5, NULL, REFERENCE_CALENDAR, "dya", -1);
    expect_missing(r, "dya", 3);
    reference_new(r, &copy);
    set(copy, REFERENCE_SITE, "H2", 5, NULL, REFERENCE_CALENDAR, "day", -1);
    expect_missing(copy, "dya", 2);
    set(copy, REFERENCE_SITE, "H2", 0, NULL, -1);
    set(copy, REFERENCE_SITE, "H3", 5, NULL, -1);
    expect_missing(copy, NULL, 0);
    set(copy, REFERENCE_SITE, "H3", 5, NULL, REFERENCE_CALENDAR, "dya", -1);
    expect_missing(copy, "dya", 1);
    set_calendar(copy, "dya", 0, "daily 00:00-06:00", 0, NULL);
    expect_missing(copy, NULL, 0);
    reference_remove_calendar(copy, "day", NULL, NULL);
    expect_missing(copy, "day", 2);
    reference_unref(copy);
    reference_unref(r);
}

static int decode_calendar(void *context, const char *name, const struct reference_calendar *c)
{
    struct buffer b;
    struct error err = ERROR_INIT;
    buffer_init(&b, 1 << 20);
    assert_int_equal(reference_calendar_encode(&b, name, c), 0);
    assert_int_equal(reference_row_decode(context, b.data, b.size, &err), 0);
    /* every record cut short is refused */
    for (size_t size = 0; size < b.size; size++) {
        struct reference *none = empty();
        uint8_t *cut = test_malloc(size + 1);
        memcpy(cut, b.data, size);
        assert_int_not_equal(reference_row_decode(none, cut, size, &err), 0);
        assert_int_equal(reference_calendar_count(none), 0);
        test_free(cut);
        reference_unref(none);
    }
    buffer_fini(&b);
    return 0;
}

static void test_calendars_on_disk(void **state)
{
    struct reference *r = empty(), *read = empty();
    set_calendar(r, "night", INT64_MIN, "daily 00:00-06:00", 40, NULL);
    set_calendar(r, "day", INT64_MIN, "mon-fri 09:00-17:00", 0, NULL);
    set_calendar(r, "day", 5, "mon-fri 09:00-18:00", 0, NULL);
    assert_int_equal(reference_each_calendar(r, decode_calendar, read), 0);
    assert_false(reference_needs_refold(r, read));
    assert_int_equal(reference_calendar_count(read), 2);
    assert_string_equal(hours_at(read, "day", 1), "mon-fri 09:00-18:00");
    reference_unref(r);
    reference_unref(read);
}

static void expect_refold(const struct reference *a, struct reference *b, bool refold)
{
    assert_int_equal(reference_needs_refold(a, b), refold);
    assert_int_equal(reference_needs_refold(b, a), refold);
    reference_unref(b);
}

static void test_calendars_refold(void **state)
{
    struct reference *r = empty(), *next;
    set_calendar(r, "day", 0, "mon-fri 09:00-17:00", 3, NULL);
    set(r, REFERENCE_SITE, "H1", 0, NULL, REFERENCE_CALENDAR, "day", -1);

    reference_new(r, &next); /* what reads as before */
    set_calendar(next, "day", 9, "mon-fri 09:00-12:00 12:00-17:00", 3, NULL);
    set(next, REFERENCE_SITE, "H1", 9, NULL, REFERENCE_CALENDAR, "day", REFERENCE_BEDS, "7", -1);
    expect_refold(r, next, false);
    reference_new(r, &next); /* other hours, other holidays, another instant, another name */
    set_calendar(next, "day", 0, "mon-fri 09:00-18:00", 3, NULL);
    expect_refold(r, next, true);
    reference_new(r, &next);
    set_calendar(next, "day", 0, "mon-fri 09:00-17:00", 4, NULL);
    expect_refold(r, next, true);
    reference_new(r, &next);
    set_calendar(next, "day", -1, "mon-fri 09:00-17:00", 3, NULL);
    expect_refold(r, next, true);
    reference_new(r, &next);
    set_calendar(next, "night", 0, "mon-fri 09:00-17:00", 3, NULL);
    expect_refold(r, next, true);
    reference_new(r, &next); /* a site's calendar, later */
    set(next, REFERENCE_SITE, "H1", 9, NULL, REFERENCE_CALENDAR, "night", -1);
    expect_refold(r, next, true);
    reference_new(r, &next);
    set(next, REFERENCE_SITE, "H2", 9, NULL, REFERENCE_CALENDAR, "day", -1);
    expect_refold(r, next, true);
    reference_unref(r);
}

/* --- values of dimensions without a table --- */

static void add(struct reference *r, const char *dimension, const char *value, int expected)
{
    struct error err = ERROR_INIT;
    assert_int_equal(reference_add_code(r, dimension, value, &err), expected);
}

static int join_code(void *context, const char *dimension, const char *value)
{
    char *text = context;
    (void)snprintf(text + strlen(text), 256 - strlen(text), "%s=%s ", dimension, value);
    return 0;
}

static void test_codes(void **state)
{
    struct reference *r = empty(), *copy;
    struct error err = ERROR_INIT;
    char text[256] = "";
    assert_false(reference_has_value(NULL, "category", "orders", 6));
    assert_int_equal(reference_value_count(NULL, "category"), 0);
    add(r, "ward", "icu", 1);
    add(r, "category", "orders", 1);
    add(r, "category", "access", 1);
    add(r, "category", "printing", 1);
    add(r, "category", "charting", 1);
    add(r, "category", "access", 0);
    set(r, REFERENCE_TEAM, "Desk", 5, NULL, -1);
    assert_true(reference_has_value(r, "category", "access", 6));
    assert_true(reference_has_value(r, "category", "accesses", 6)); /* of the bytes given */
    assert_false(reference_has_value(r, "category", "acces", 5));
    assert_false(reference_has_value(r, "category", "icu", 3)); /* another dimension's */
    assert_false(reference_has_value(r, "module", "access", 6));
    assert_true(reference_has_value(r, "team", "Desk", 4)); /* from the table */
    assert_false(reference_has_value(r, "category", "Desk", 4));
    assert_int_equal(reference_value_count(r, "category"), 4);
    assert_int_equal(reference_value_count(r, "ward"), 1);
    assert_int_equal(reference_value_count(r, "team"), 1);
    assert_int_equal(reference_value_count(r, "site"), 0);

    assert_int_equal(reference_new(r, &copy), 0);
    add(copy, "category", "billing", 1);
    assert_false(reference_has_code(r, "category", "billing"));
    reference_unref(r);
    assert_int_equal(reference_each_code(copy, join_code, text), 0);
    assert_string_equal(text, "category=access category=billing category=charting category=orders "
                              "category=printing ward=icu ");

    assert_int_equal(reference_add_code(copy, "category", "a b c d e f", &err), -EINVAL);
    assert_string_equal(err.code, "bad_value");
    assert_null(strstr(err.message, "a b c"));
    assert_int_equal(reference_add_code(copy, "category", "", &err), -EINVAL);
    assert_int_equal(reference_add_code(copy, "\n", "x", &err), -EINVAL);
    assert_string_equal(err.code, "bad_key");
    reference_unref(copy);
}

static void test_codes_bounded(void **state)
{
    struct reference *r = empty();
    struct error err = ERROR_INIT;
    char text[32];
    for (int i = 0; i < REFERENCE_CODES_OF_ONE_MAX; i++) {
        (void)snprintf(text, sizeof(text), "%06d", i);
        add(r, "module", text, 1);
    }
    assert_int_equal(reference_add_code(r, "module", "one more", &err), -ENOSPC);
    assert_string_equal(err.code, "reference_full");
    add(r, "module", "000007", 0); /* what is there may come again */
    for (int i = 1; i < REFERENCE_CODE_DIMENSIONS_MAX; i++) {
        (void)snprintf(text, sizeof(text), "dimension_%d", i);
        add(r, text, "x", 1);
    }
    assert_int_equal(reference_add_code(r, "another", "x", &err), -ENOSPC);
    add(r, "dimension_1", "y", 1);
    for (int d = 1; d <= 4; d++) { /* all together */
        (void)snprintf(text, sizeof(text), "dimension_%d", d);
        for (int i = 0, c = 1; i < REFERENCE_CODES_OF_ONE_MAX && c >= 0; i++) {
            char value[16];
            (void)snprintf(value, sizeof(value), "%06d", i);
            c = reference_add_code(r, text, value, &err);
            assert_true(c == 1 || c == -ENOSPC);
        }
    }
    size_t n = 0;
    for (int d = 0; d < REFERENCE_CODE_DIMENSIONS_MAX; d++) {
        (void)snprintf(text, sizeof(text), "dimension_%d", d);
        n += reference_value_count(r, d ? text : "module");
    }
    assert_int_equal(n, REFERENCE_CODES_MAX);
    reference_unref(r);
}

static void test_codes_on_disk(void **state)
{
    struct reference *r = empty(), *read = empty();
    struct buffer b;
    struct error err = ERROR_INIT;
    char text[256] = "";
    buffer_init(&b, 4096);
    assert_int_equal(reference_code_encode(&b, "category", "orders"), 0);
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(reference_row_decode(read, b.data, size, NULL), -EBADMSG);
    assert_int_equal(reference_row_decode(read, b.data, b.size, NULL), 0);
    assert_int_equal(reference_row_decode(read, b.data, b.size, NULL), 0); /* again */
    assert_int_equal(reference_each_code(read, join_code, text), 0);
    assert_string_equal(text, "category=orders ");
    /* the format stands where a build that knows only format 1 reads it and refuses the record as later */
    assert_int_equal((unsigned char)b.data[0], 0x95);
    assert_int_equal((unsigned char)b.data[1], 2);
    b.data[1] = 3;
    assert_int_equal(reference_row_decode(read, b.data, b.size, &err), -EPROTONOSUPPORT);
    buffer_clear(&b);
    assert_int_equal(reference_code_encode(&b, "category", "a b c d e f"), 0); /* no code */
    assert_int_equal(reference_row_decode(read, b.data, b.size, &err), -EINVAL);
    buffer_fini(&b);
    add(r, "category", "other", 1);
    assert_false(reference_needs_refold(r, read)); /* the fold reads none */
    reference_unref(r);
    reference_unref(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_copies_do_not_share),
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_on_disk),
        cmocka_unit_test(test_refold),
        cmocka_unit_test(test_calendars),
        cmocka_unit_test(test_calendars_bounded),
        cmocka_unit_test(test_calendars_on_disk),
        cmocka_unit_test(test_calendars_missing),
        cmocka_unit_test(test_calendars_refold),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_codes_bounded),
        cmocka_unit_test(test_codes_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
