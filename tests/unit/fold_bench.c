#include "tests/unit/fold_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES_MAX (1 << 20)

static int print_row(void *context, const struct fact_row *row)
{
    struct fold_bench *b = context;
    assert_int_equal(row->values[FACT_SUBJECT], 7);
    assert_int_equal(row->values[FACT_NAMESPACE], 3);
    notation_print(&b->text, b->dictionary, row);
    return 0;
}

const char *fold_bench_text(struct fold_bench *b, const struct dictionary *dictionary,
                            struct event *const *events, size_t n, bool is_loose)
{
    const struct fold_environment environment = {
        .dictionary = dictionary, .reference = b->reference, .settings = &b->settings};
    const struct fold_subject subject = {.number = 7, .namespace = 3, .is_loose = is_loose};
    b->dictionary = dictionary;
    buffer_clear(&b->text);
    assert_int_equal(fold_run(b->fold, &environment, &subject, (const struct event *const *)events, n,
                              FACT_TABLES_ALL, print_row, b),
                     0);
    buffer_append(&b->text, "", 1);
    assert_false(buffer_failed(&b->text));
    return (const char *)b->text.data;
}

static void swap(struct event **events, size_t a, size_t b)
{
    struct event *e = events[a];
    events[a] = events[b];
    events[b] = e;
}

/* Every order of the first n of events, by Heap's method, with all folded each time. */
static void permute(struct fold_bench *b, struct notation *n, const char *expected, size_t left)
{
    if (left <= 1) {
        assert_string_equal(fold_bench_text(b, n->dictionary, n->events, n->n, false), expected);
        return;
    }
    for (size_t i = 0; i < left; i++) {
        permute(b, n, expected, left - 1);
        swap(n->events, left % 2 ? 0 : i, left - 1);
    }
}

void fold_bench_shuffle(struct fold_bench *b, struct notation *n, const char *expected, unsigned n_times)
{
    while (n_times-- > 0) {
        for (size_t i = n->n; i > 1; i--)
            swap(n->events, (size_t)rand_r(&b->seed) % i, i - 1);
        assert_string_equal(fold_bench_text(b, n->dictionary, n->events, n->n, false), expected);
    }
}

static void set_team(struct reference *r, const char *key, int64_t valid_from, const char *employer,
                     const char *tier)
{
    const char *values[REFERENCE_ATTRIBUTES_N] = {NULL};
    values[REFERENCE_EMPLOYER] = employer;
    values[REFERENCE_TEAM_TIER] = tier;
    assert_int_equal(reference_set(r, REFERENCE_TEAM, key, valid_from, values, NULL), 0);
}

int fold_bench_setup(void **state)
{
    struct fold_bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    assert_int_equal(fold_new(&b->fold), 0);
    assert_int_equal(reference_new(NULL, &b->reference), 0);
    set_team(b->reference, "A", INT64_MIN, "acme", "1");
    set_team(b->reference, "D", INT64_MIN, "acme", "2");
    set_team(b->reference, "B", INT64_MIN, "bpo", "1");
    set_team(b->reference, "E", INT64_MIN, "east", NULL);
    set_team(b->reference, "G", INT64_MIN, "gulf", NULL);
    set_team(b->reference, "L", INT64_MIN, "acme", "1");
    set_team(b->reference, "L", INT64_C(1704715200000), "acme", "2"); /* from 12:00 on d0 */
    buffer_init(&b->text, TEXT_BYTES_MAX);
    b->seed = 1;
    *state = b;
    return 0;
}

int fold_bench_teardown(void **state)
{
    struct fold_bench *b = *state;
    fold_free(b->fold);
    reference_unref(b->reference);
    buffer_fini(&b->text);
    free(b);
    return 0;
}

void fold_bench_check(struct fold_bench *b, const struct fold_case *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++) {
        struct notation n;
        print_message("# %s\n", cases[i].name);
        notation_init(&n, cases[i].events);
        assert_string_equal(fold_bench_text(b, n.dictionary, n.events, n.n, false), cases[i].rows);
        if (n.n <= 6)
            permute(b, &n, cases[i].rows, n.n);
        else
            fold_bench_shuffle(b, &n, cases[i].rows, 200);
        notation_fini(&n);
    }
}

void fold_bench_contradict(struct fold_bench *b, const struct fold_case *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++) {
        struct notation n;
        notation_init(&n, cases[i].events);
        if (n.n == 0 || strstr(cases[i].rows, "conflicts")) {
            notation_fini(&n);
            continue;
        }
        size_t n_written = n.n;
        for (size_t k = 0; k < n_written; k++) {
            size_t size = event_size(n.events[k]->n_fields);
            struct event *later = malloc(size);
            assert_non_null(later);
            memcpy(later, n.events[k], size);
            later->at += 86400000;
            n.events[n.n++] = later;
        }
        char expected[4096], count[32];
        const char *end = strstr(cases[i].rows, " created");
        if (!end)
            end = cases[i].rows + strcspn(cases[i].rows, "\n");
        const char *speaks = strstr(cases[i].rows, " speaks");
        if (speaks && speaks < end)
            end = speaks;
        snprintf(count, sizeof(count), " conflicts %zu", n_written);
        snprintf(expected, sizeof(expected), "%.*s%s%s", (int)(end - cases[i].rows), cases[i].rows, count,
                 end);
        fold_bench_shuffle(b, &n, expected, 20);
        notation_fini(&n);
    }
}
