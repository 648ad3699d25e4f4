/* Cases of the fold: events in the short notation, the rows they must give, and what must not matter.
 *
 * A bench has a fold and reference tables: teams A (acme, tier 1), D (acme, tier 2), B (bpo, tier 1) and L
 * (acme, tier 1, from 12:00 on d0 tier 2); no calendars. One a test program. */
#ifndef TENDON_TESTS_FOLD_BENCH_H
#define TENDON_TESTS_FOLD_BENCH_H

#include "tests/unit/notation.h"

#include "core/fold/reference.h"

struct fold_case {
    const char *name;
    const char *events;
    const char *rows; /* as notation_print writes them */
};

struct fold_bench {
    struct fold *fold;
    struct reference *reference;
    struct fold_settings settings;
    struct buffer text;
    const struct dictionary *dictionary;
    unsigned seed;
};

/* cmocka's setup and teardown: *state becomes the bench. */
int fold_bench_setup(void **state);
int fold_bench_teardown(void **state);

/* The rows of some events as text, which the next call overwrites. */
const char *fold_bench_text(struct fold_bench *b, const struct dictionary *dictionary,
                            struct event *const *events, size_t n, bool is_loose);

/* Folds the events of n in n_times random orders, which stay. */
void fold_bench_shuffle(struct fold_bench *b, struct notation *n, const char *expected, unsigned n_times);

/* Each case as written, and in every order of its events (of more than six: in 200). */
void fold_bench_check(struct fold_bench *b, const struct fold_case *cases, size_t n_cases);

/* Each event of each case is contradicted by one with its identity that sorts behind it: only the count of
 * conflicts may differ. */
void fold_bench_contradict(struct fold_bench *b, const struct fold_case *cases, size_t n_cases);

#endif
