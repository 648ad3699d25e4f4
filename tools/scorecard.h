/* A figure of a period against the same figure of the period before: which period that is, how far the figure
 * moved, and what that means in words. Pure functions. */
#ifndef TENDON_TOOLS_SCORECARD_H
#define TENDON_TOOLS_SCORECARD_H

#include <stdbool.h>
#include <stddef.h>

/* --- figures ---------------------------------------------------------------------------------------------
 */

enum figure_kind {
    FIGURE_RATIO,    /* with an interval; moves by points */
    FIGURE_COUNT,    /* moves by a share of what it was */
    FIGURE_DURATION, /* the same */
    FIGURE_NUMBER,   /* a mean or score; moves by a difference */
};

struct figure {
    bool is_known;
    double value, n;
    double low, high; /* of a ratio */
};

enum verdict {
    VERDICT_NONE, /* known in neither period */
    VERDICT_BETTER,
    VERDICT_WORSE,
    VERDICT_HIGHER, /* of metrics that are neither good nor bad */
    VERDICT_LOWER,
    VERDICT_WITHIN, /* a ratio whose intervals overlap */
    VERDICT_SAME,   /* another figure that moved by less than SCORECARD_MOVED */
    VERDICT_FEW,    /* made of less than SCORECARD_FEW */
    VERDICT_NEW,    /* not known before */
    VERDICT_GONE,   /* not known now */
    VERDICT_N
};

/* Ratios moved when their 95 % intervals do not overlap, other figures when they changed by so much of what
 * they were; durations and numbers of fewer samples, and counts below it in both periods, say nothing. */
#define SCORECARD_MOVED 0.05
#define SCORECARD_FEW   20

/* Metrics that are good when they are high, and when they are low; each list ends with NULL. The others are
 * neither. */
extern const char *const SCORECARD_HIGH_IS_GOOD[], *const SCORECARD_LOW_IS_GOOD[];

/* By enum verdict; NULL for none. */
extern const char *const VERDICT_WORDS[VERDICT_N];

/* metric: as asked, with its clock and statistic. */
enum verdict scorecard_verdict(const char *metric, enum figure_kind kind, const struct figure *now,
                               const struct figure *before);
/* How far it moved, as its kind says; NAN where one of the two is not known, or a share would be of 0. */
double scorecard_change(enum figure_kind kind, const struct figure *now, const struct figure *before);

/* --- periods ----------------------------------------------------------------------------------------------
 */

#define SCORECARD_TEXT 40

/* Where the period before [since, until) begins; it ends at since. Both are RFC 3339 with their local offset,
 * as an answer's period. Whole months go back by months, whole days by days (the result is a date), all else
 * by its length (the result is an instant). False where either is no instant or they are not in order. */
bool scorecard_before(const char *since, const char *until, char ret[SCORECARD_TEXT]);
/* The last whole month before the day of `today` (RFC 3339), as dates. */
bool scorecard_last_month(const char *today, char ret_since[SCORECARD_TEXT], char ret_until[SCORECARD_TEXT]);
/* The days from since to until, where both are local midnights; else 0. */
long scorecard_days(const char *since, const char *until);

#endif
