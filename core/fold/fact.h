/* The fact tables: what the fold makes of a subject's events, and what queries scan.
 *
 * A subject is a ticket, or one event without a ticket. Each row is one measured thing with its instants (ms
 * since 1970 UTC), values and the dimension numbers in force for it. No row holds a verdict that time alone
 * can change, and none holds a reference attribute: those are looked up at query time. FACT_VERSION goes up
 * with every change of what is here or of what the fold makes of it; a store whose facts carry another one is
 * refolded when opened. */
#ifndef TENDON_FOLD_FACT_H
#define TENDON_FOLD_FACT_H

#include "proto/event.h"

#include <stdint.h>

#define FACT_VERSION 1
#define FACT_NULL    INT64_MIN /* no such instant or value */
#define FACT_FOREVER INT64_MAX /* a span that is still open */

/* Every row starts with these. */
#define FACT_COMMON(X)                                                                                       \
    X(SUBJECT)   /* the subject's number in its tenant */                                                    \
    X(NAMESPACE) /* number in DICTIONARY_NAMESPACE */                                                        \
    X(EXCLUDED)  /* enum fact_excluded: set on all rows of an excluded ticket, but 0 on contacts */          \
    X(FLAGS)     /* FACT_FLAG_… */                                                                         \
    X(CREATED)   /* created_at of the ticket (metrics rule 3); FACT_NULL where there is no ticket */

/* ticket: one row a ticket; dimensions: after the earliest ticket.created (inferred: after the earliest
 * ticket event); second set: today's. Also a row, without FACT_FLAG_TICKET, for a subject with waiting
 * orphans or conflicts and no ticket. */
#define FACT_TICKET_VALUES(X)                                                                                \
    X(CLASS)     /* enum event_status now */                                                                 \
    X(ORPHANS)   /* sla, survey and contact events that wait for a ticket */                                 \
    X(CONFLICTS) /* events with the identity of another and other content, not used */

/* reply: one row a first response; (next responses follow in this table with ORDINAL > 0). Dimensions: after
 * END. */
#define FACT_REPLY_VALUES(X)                                                                                 \
    X(START)                                                                                                 \
    X(END)                                                                                                   \
    X(ORDINAL) /* 0: the first response */

/* solve: one row a solve. Dimensions: after it. */
#define FACT_SOLVE_VALUES(X)                                                                                 \
    X(AT)                                                                                                    \
    X(ORDINAL) /* 0: the ticket's first */                                                                   \
    X(NEW_MS)  /* time in each class from created_at until this solve; FACT_NULL on inferred tickets */      \
    X(OPEN_MS)                                                                                               \
    X(PENDING_MS)                                                                                            \
    X(HOLD_MS)                                                                                               \
    X(REOPENED_AT) /* the next reopening, or FACT_NULL */                                                    \
    X(HANDOFFS)  /* with FACT_FLAG_LAST: changes from one known team to another over the ticket's whole life \
                  */                                                                                         \
    X(ESCALATED) /* with FACT_FLAG_LAST: 0, 1, or FACT_NULL when no team and no tier was ever known */

/* reopen: one row a reopening. Dimensions: after it. */
#define FACT_REOPEN_VALUES(X) X(AT)

/* span: one row an interval [FROM, TO) in which the ticket is active and its dimensions do not change: the
 * backlog. Intervals without length are left out. Dimensions: within it. */
#define FACT_SPAN_VALUES(X)                                                                                  \
    X(FROM)                                                                                                  \
    X(TO) /* FACT_FOREVER while active */

/* rating: one row a ticket, solve, instrument and question: the last response with a score (metrics rule 1's
 * order). A reseller's ballot is in no metric: it never takes the place of another, and of those the last is
 * a row of its own. The solve is the latest at or before the response. Without a ticket, or without a solve
 * at or before it: SOLVE_AT is FACT_NULL; without a ticket every response is a row. Dimensions: after the
 * solve rated; none: the response's own. */
#define FACT_RATING_VALUES(X)                                                                                \
    X(AT)                                                                                                    \
    X(SOLVE_AT)                                                                                              \
    X(INSTRUMENT) /* numbers in their dictionaries */                                                        \
    X(QUESTION)                                                                                              \
    X(SCORE) /* thousandths, as MIN and MAX */                                                               \
    X(MIN)                                                                                                   \
    X(MAX)                                                                                                   \
    X(RELATION)   /* enum event_relation, or 0 */                                                            \
    X(RESPONDENT) /* keyed hash, or 0 */                                                                     \
    X(SEQ)        /* orders ratings without a ticket that share AT */

/* X(TABLE, name, values, sets of dimensions, the instant that zone maps are most used on) */
#define FACT_TABLES(X)                                                                                       \
    X(TICKET, "ticket", FACT_TICKET_VALUES, 2)                                                               \
    X(REPLY, "reply", FACT_REPLY_VALUES, 1)                                                                  \
    X(SOLVE, "solve", FACT_SOLVE_VALUES, 1)                                                                  \
    X(REOPEN, "reopen", FACT_REOPEN_VALUES, 1)                                                               \
    X(SPAN, "span", FACT_SPAN_VALUES, 1)                                                                     \
    X(RATING, "rating", FACT_RATING_VALUES, 1)

enum fact_table {
#define X(table, name, values, sets) FACT_##table,
    FACT_TABLES(X)
#undef X
        FACT_N_TABLES
};

/* Columns: FACT_SUBJECT … FACT_CREATED are common to all tables; then FACT_SOLVE_AT and so on. */
enum {
#define X(name) FACT_##name,
    FACT_COMMON(X)
#undef X
        FACT_N_COMMON
};
#define FACT_COLUMNS_OF(table, values)                                                                       \
    enum { FACT_##table##_START_ = FACT_N_COMMON - 1, values(FACT_COLUMN_##table) FACT_N_##table##_VALUES }
#define FACT_COLUMN_TICKET(name) FACT_TICKET_##name,
#define FACT_COLUMN_REPLY(name)  FACT_REPLY_##name,
#define FACT_COLUMN_SOLVE(name)  FACT_SOLVE_##name,
#define FACT_COLUMN_REOPEN(name) FACT_REOPEN_##name,
#define FACT_COLUMN_SPAN(name)   FACT_SPAN_##name,
#define FACT_COLUMN_RATING(name) FACT_RATING_##name,
FACT_COLUMNS_OF(TICKET, FACT_TICKET_VALUES);
FACT_COLUMNS_OF(REPLY, FACT_REPLY_VALUES);
FACT_COLUMNS_OF(SOLVE, FACT_SOLVE_VALUES);
FACT_COLUMNS_OF(REOPEN, FACT_REOPEN_VALUES);
FACT_COLUMNS_OF(SPAN, FACT_SPAN_VALUES);
FACT_COLUMNS_OF(RATING, FACT_RATING_VALUES);

#define FACT_VALUES_MAX 24

/* A dimension's column is named by its set (0; 1 is today's, in the ticket table) and its field. */
#define FACT_DIMENSION(set, field) (FACT_VALUES_MAX + (set)*FIELD_N_DIMENSIONS + (field))
#define FACT_COLUMNS_MAX           FACT_DIMENSION(2, 0)

struct fact_table_info {
    const char *name;
    unsigned n_values; /* common ones included */
    unsigned n_sets;   /* of dimensions */
    const char *const *value_names;
};
extern const struct fact_table_info FACT_TABLE_INFO[FACT_N_TABLES];

enum fact_excluded {
    EXCLUDED_NO,
    EXCLUDED_MERGED,
    EXCLUDED_SPAM,
    EXCLUDED_TEST,
    EXCLUDED_DUPLICATE,
    EXCLUDED_ERASURE,
    EXCLUDED_N
};

#define FACT_FLAG_INFERRED 1 /* no ticket.created: in no duration from created_at and no class time */
#define FACT_FLAG_TICKET   2 /* the subject is a ticket (at least one ticket.* event) */
#define FACT_FLAG_LAST     4 /* solve: the ticket is done now and this is its last solve */
#define FACT_FLAG_OF_SURVEY                                                                                  \
    8 /* rating: the last of its ticket, solve and instrument whatever the question (resellers' apart);      \
         always set without a ticket */

#define FACT_FLAG_LOOSE 16 /* the event has no ticket at all, not one that is not seen yet */

struct fact_row {
    uint8_t table; /* enum fact_table */
    int64_t values[FACT_VALUES_MAX];
    uint16_t dimensions[2][FIELD_N_DIMENSIONS]; /* numbers as enum value_kind says, 0 none */
};

#endif
