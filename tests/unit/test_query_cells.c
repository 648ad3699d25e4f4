/* Counts, sums and samples of a query before anything is rounded: against the answers to the same questions.
 */
#include "tests/unit/query_bench.h"

#include "core/query/metric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer, whose rows the cells must be. */
struct against {
    const json_t *answer;
    const struct metric *metric;
    const char *key;
    size_t n_met;
};

static const json_t *row_of(const json_t *answer, const char *vendor, const char *org)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        const char *v = json_string_value(json_object_get(row, "vendor"));
        const char *o = json_string_value(json_object_get(row, "org"));
        if ((v && vendor ? strcmp(v, vendor) == 0 : v == vendor) &&
            (o && org ? strcmp(o, org) == 0 : o == org))
            return row;
    }
    return NULL;
}

static double value_of(const json_t *row, const char *key, const char *suffix)
{
    char name[160];
    (void)snprintf(name, sizeof(name), "%s%s", key, suffix);
    return json_number_value(json_object_get(row, name));
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double median_of(const struct query_cell *cell)
{
    int64_t *sorted = malloc(cell->n * sizeof(*sorted));
    memcpy(sorted, cell->samples, cell->n * sizeof(*sorted));
    qsort(sorted, cell->n, sizeof(*sorted), by_size);
    int64_t middle = sorted[(cell->n + 1) / 2 - 1];
    free(sorted);
    return (double)middle;
}

static int meet(void *ctx, const struct query_cell *cell, struct error *err)
{
    struct against *a = ctx;
    const struct metric *m = a->metric;
    const json_t *row = row_of(a->answer, cell->by[0], cell->by[1]);
    const double per = m->kind == METRIC_DURATION ? 1000 : m->per ? (double)m->per : 1, n = (double)cell->n;
    double expected = value_of(row, a->key, ""), got = n;
    if (!row)
        fail_msg("%s: a cell that is in no row", a->key);
    assert_int_equal(value_of(row, a->key, ".n"), cell->n);
    if (m->kind == METRIC_RATIO)
        got = (double)cell->x / n;
    else if (cell->samples)
        got = median_of(cell) / per;
    else if (m->kind != METRIC_COUNT)
        got = (double)cell->sum / per / n;
    if (fabs(got - expected) > 0.0006)
        fail_msg("%s: %f, expected %f", a->key, got, expected);
    a->n_met++;
    return 0;
}

/* Of how many groups there were samples. */
static size_t compare(const struct metric *m, const char *statistic)
{
    char key[80], request[400];
    struct error err = ERROR_INIT;
    size_t n = 0, i;
    json_t *row;
    (void)snprintf(key, sizeof(key), "%s%s", m->name, statistic);
    (void)snprintf(request, sizeof(request),
                   "{'metrics': '%s', 'by': 'vendor,org', 'since': '2024-01-01', 'until': '2024-02-01'}",
                   key);
    json_t *answer = ask(request), *body = request_of(request);
    struct against a = {.answer = answer, .metric = m, .key = key};
    json_array_foreach(json_object_get(answer, "rows"), i, row) n += value_of(row, key, ".n") > 0;
    if (query_cells(&bench->context, body, meet, &a, &err) < 0)
        fail_msg("%s: %s", key, err.message);
    assert_int_equal(a.n_met, n);
    json_decref(answer);
    json_decref(body);
    return n;
}

static void cells_are_the_answer(void **state)
{
    size_t n_asked = 0, n_seen = 0;
    bench_reference(REFERENCE_SITE, INT64_MIN, "H1", "country=US org=north");
    bench_reference(REFERENCE_SITE, INT64_MIN, "H2", "country=US org=south");
    tell("10:00 c{vendor=acme,site=H1}; 10:07 >; 10:30 S; d2 10:00 O; d2 10:20 S || "
         "10:00 c{vendor=acme,site=H1}; 10:11 >; 11:30 S; 12:00 q:4/1-5 || "
         "10:00 c{vendor=acme,site=H2}; 10:05 @A; 10:45 >; 10:50 <; 10:55 >; 13:30 S; 14:00 q:1/1-5 || "
         "10:00 c{vendor=zenith,site=H2}; 10:10 sla:first_response_time:600:w; 10:15 >; d2 10:30 S; d2 11:00 "
         "q:5/1-5 || "
         "10:00 c{vendor=zenith}; 10:02 >; 10:30 S || 10:00 c{site=H3}; 10:03 >; 11:00 S || "
         "11:00 c{vendor=acme,site=H1}; 11:01 > ; 11:02 S");
    tell("|~| 10:00 call:answered:q10{site=H1} |~| 10:01 call:answered:q40{site=H1} |~| 10:03 "
         "call:abandoned:q15{site=H2}");
    for (size_t i = 0; i < metric_count(); i++) {
        const struct metric *m = metric_at(i);
        if (m->is_hidden || m->default_unit != UNIT_TICKET || m->anchor == ANCHOR_INSTANT)
            continue;
        n_asked++;
        n_seen += compare(m, "") > 0;
        if (m->kind == METRIC_DURATION || m->kind == METRIC_MEAN)
            n_seen += compare(m, ".p50") > 0;
    }
    assert_true(n_asked > 25 && n_seen > 30);
}

static int never(void *ctx, const struct query_cell *cell, struct error *err)
{
    fail_msg("a cell of a question that is refused");
    return 0;
}

static int once(void *ctx, const struct query_cell *cell, struct error *err)
{
    ++*(unsigned *)ctx;
    return error_set(err, -ECANCELED, "enough", "that is enough");
}

static void what_cannot_be_put_together(void **state)
{
    static const char *const BAD[] = {
        "{'metrics': 'tickets_created,reopens', 'since': '2024-01-01', 'until': '2024-02-01'}",
        "{'metrics': 'tickets_created', 'since': '2024-01-01', 'until': '2024-02-01', 'every': '1w'}",
        "{'metrics': 'csat', 'since': '2024-01-01', 'until': '2024-02-01', 'unit': 'site'}",
        "{'metrics': 'backlog', 'since': '2024-01-01', 'until': '2024-02-01'}",
    };
    unsigned n_calls = 0;
    tell("10:00 c{vendor=acme}; 10:07 >; 10:30 S || 10:00 c{vendor=zenith}; 10:30 S");
    for (size_t i = 0; i < sizeof(BAD) / sizeof(*BAD); i++) {
        struct error err = ERROR_INIT;
        json_t *body = request_of(BAD[i]);
        assert_true(query_cells(&bench->context, body, never, NULL, &err) < 0);
        assert_string_equal(err.code, "bad_option");
        json_decref(body);
    }
    struct error err = ERROR_INIT;
    json_t *body =
        request_of("{'metrics': 'tickets_created', 'by': 'vendor', 'since': '2024-01-01', 'until': "
                   "'2024-02-01'}");
    assert_int_equal(query_cells(&bench->context, body, once, &n_calls, &err), -ECANCELED);
    assert_int_equal(n_calls, 1);
    assert_string_equal(err.code, "enough");
    json_decref(body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cells_are_the_answer),
        TEST(what_cannot_be_put_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
