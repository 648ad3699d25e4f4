/* Votes: a site, an organisation or a respondent has one in each cell, split evenly over its respondents.
 *
 * Every sample is a part of its respondent's vote: a value, which is 0 or 1 where a share is asked for. Sums
 * of fractions are made in an order that only values decide, so that no figure depends on arrival. */
#ifndef TENDON_QUERY_VOTE_H
#define TENDON_QUERY_VOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vote_rule {
    VOTE_OF_UNIT,       /* a site or organisation votes: the mean over its respondents */
    VOTE_OF_RESPONDENT, /* each respondent does */
    VOTE_OF_THRESHOLD,  /* a site or organisation votes 1 where its share reaches the threshold, else 0 */
};

struct vote {
    __int128 sum; /* of values */
    uint64_t respondent;
    uint32_t cell;
    uint32_t unit; /* id of the site or organisation; 0: not known */
    uint32_t n;    /* samples */
    /* when all are there */
    uint32_t base;        /* the cell of whose vote it is a part */
    uint32_t total;       /* samples of the respondent there */
    uint32_t respondents; /* of the unit there */
};

/* What a cell counts. */
struct vote_count {
    uint64_t units;       /* known ones */
    uint64_t respondents; /* that vote: of known units, or all where each has a vote of its own */
    uint64_t unknown;     /* respondents of units that are not known */
};

struct votes {
    struct vote *rows; /* hash table, free where n is 0; after votes_finish a list */
    size_t n, n_slots;
    double *shares;            /* after votes_finish: votes of a cell, ascending, as offsets say */
    size_t *offsets;           /* n_cells + 1 */
    struct vote_count *counts; /* by cell */
};

void votes_fini(struct votes *v);
size_t votes_bytes(const struct votes *v);

/* -ENOMEM. */
int votes_add(struct votes *v, uint32_t cell, uint32_t unit, uint64_t respondent, int64_t value);

/* Makes votes of the samples. bases[cell] is the cell in whose votes those of a cell have a part: cells that
 * a condition or group on the answer itself cuts from one share their base, and what a respondent said in one
 * is weighed by all that it said in them; NULL: each cell is its own. threshold: in millionths. */
int votes_finish(struct votes *v, enum vote_rule rule, uint32_t threshold_millionths, const uint32_t *bases,
                 size_t n_cells);

/* Sum of the votes of a cell, and how many there are to vote: what a share or mean is made of. */
double votes_sum(const struct votes *v, size_t cell);
uint64_t votes_electors(const struct votes *v, enum vote_rule rule, size_t cell);

#endif
