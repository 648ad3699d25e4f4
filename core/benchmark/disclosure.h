/* Which groups of published cubes may be seen: statistical disclosure control as a pure function over counts.
 *
 * A cube is one metric by one dimension over one period. Whoever reads all cubes of a period, and of every
 * other one, must not be able to narrow the count of a group that was dropped to less than 0 … 10, nor, of a
 * share, that of its successes or failures. core/benchmark/README.md says which attacks there are and why
 * these rules are enough. A group is dropped whole: from every cube that counts the same kind of thing by the
 * same dimension.
 *
 * No state, no I/O; any thread. */
#ifndef TENDON_BENCHMARK_DISCLOSURE_H
#define TENDON_BENCHMARK_DISCLOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The rules' numbers. Nothing but tests has others than DISCLOSURE_RULES. */
struct disclosure_rules {
    uint64_t small;         /* a count of at most so much is small */
    uint64_t organisations; /* fewer contribute too few */
    uint64_t top_percent;   /* of a group that its two largest contributors may have */
    unsigned withheld;      /* groups that a cube withholds at least, where it withholds any */
    bool withholds_amount;  /* … and which together are more than small */
    bool drops_whole;       /* a group goes from all cubes of its kind */
    bool hides_tenants;     /* of two tenants, each of whom knows its own, neither has a small part */
};
extern const struct disclosure_rules DISCLOSURE_RULES;

/* Why a group is dropped; the first that holds, in this order. X(ID, name) */
#define DISCLOSURE_REASONS(X)                                                                                \
    X(SMALL_CELL, "small_cell")               /* it has at most 10 */                                        \
    X(SMALL_NUMERATOR, "small_numerator")     /* 1 to 10 succeeded or lie up to the percentile, or at most   \
                                                 10 of all groups succeeded */                               \
    X(SMALL_COMPLEMENT, "small_complement")   /* the same of what did not and what lies behind it, or all    \
                                                 other groups together have 1 to 10 */                       \
    X(SMALL_TENANT, "small_tenant")           /* of two tenants one has 1 to 10 */                           \
    X(FEW_ORGANISATIONS, "few_organisations") /* fewer than 5 contribute */                                  \
    X(DOMINATED, "dominated")                 /* two organisations have more than 85 % */                    \
    X(WHOLE, "whole")     /* it is dropped from another cube of its kind and dimension */                    \
    X(PARTNER, "partner") /* without it another one that is dropped could be worked out */

enum disclosure_reason {
    DISCLOSURE_PUBLISHED,
#define X(id, name) DISCLOSURE_##id,
    DISCLOSURE_REASONS(X)
#undef X
};

/* "small_cell"; NULL for a published one. */
const char *disclosure_reason_name(enum disclosure_reason reason);

/* The rules for readers of cubes, who are not told which of them it is. */
#define DISCLOSURE_WHY                                                                                       \
    "A group is dropped where it has at most 10, or 1 to 10 of it (or at most 10 of all groups) are what a " \
    "share counts or what it does not, or lie on one side of a percentile, or where all other groups "       \
    "together have 1 to 10, or one of two tenants; where fewer than 5 organisations contribute, or two "     \
    "have more than 85 %; where it is dropped from another cube of the same kind; and where a group that "   \
    "is dropped could be worked out without it. It may have nobody at all."

/* What an organisation or a tenant has of a group. */
struct disclosure_part {
    uint64_t n, x;
};

enum disclosure_numerator {
    NUMERATOR_NONE,
    NUMERATOR_SHARE, /* x of n succeeded */
    NUMERATOR_RANK,  /* the published value is that of rank x among n */
};

struct disclosure_cell {
    uint64_t n, x;
    const struct disclosure_part *organisations, *tenants; /* those with n > 0 */
    size_t n_organisations, n_tenants;
    enum disclosure_reason reason; /* the verdict */
};

struct disclosure_cube {
    unsigned kind;      /* what is counted: cubes of one kind may count the same things */
    unsigned dimension; /* cubes of one dimension have the same groups at the same places */
    enum disclosure_numerator numerator;
    size_t n_cells;
    struct disclosure_cell *cells; /* one a group, empty ones too */
};

/* Judges all cubes of one period together: sets every cell's reason. */
void disclosure_judge(const struct disclosure_rules *rules, const struct disclosure_cube *cubes, size_t n);

#endif
