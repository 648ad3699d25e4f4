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

#define FACT_VERSION 2
#define FACT_NULL    INT64_MIN /* no such instant or value */
#define FACT_FOREVER INT64_MAX /* a span that is still open */

/* Every row starts with these. */
#define FACT_COMMON(X)                                                                                       \
    X(SUBJECT)   /* the subject's number in its tenant */                                                    \
    X(NAMESPACE) /* number in DICTIONARY_NAMESPACE */                                                        \
    X(EXCLUDED)  /* enum fact_excluded: set on all rows of an excluded ticket, but 0 on contacts */          \
    X(FLAGS)     /* FACT_FLAG_… */                                                                         \
    X(CREATED)   /* created_at of the ticket (metrics rule 3); FACT_NULL where there is no ticket */

/* Durations on the business clock come in two: …_BUSINESS counts each part by the calendar in force there and
 * is FACT_NULL where some part has none, …_LAST all of it by the one in force at its end (--calendar-rule
 * last) and is FACT_NULL where there is none. Whole milliseconds. What is empty needs no calendar and is 0;
 * but a tenant without any has no business clock at all: there each is FACT_NULL. */

/* ticket: one row a ticket; dimensions: after the earliest ticket.created (inferred: after the earliest
 * ticket event); second set: today's. Also a row, without FACT_FLAG_TICKET, for a subject with waiting
 * orphans or conflicts and no ticket. */
#define FACT_TICKET_VALUES(X)                                                                                \
    X(CLASS)     /* enum event_status now */                                                                 \
    X(ORPHANS)   /* sla, survey and contact events that wait for a ticket */                                 \
    X(CONFLICTS) /* events with the identity of another and other content, not used */                       \
    X(SPEAKS)    /* 1 when there is a message or contact: its namespace is one that sends such */

/* acknowledgement: one row a ticket whose creation is known, once it came. Dimensions: after it. */
#define FACT_ACKNOWLEDGEMENT_VALUES(X)                                                                       \
    X(AT)                                                                                                    \
    X(BUSINESS) /* from created_at */                                                                        \
    X(LAST)

/* reply: one row the first response (ORDINAL 0; none on inferred tickets) and one each next response, a run
 * of requester messages that was answered. Dimensions: after END. */
#define FACT_REPLY_VALUES(X)                                                                                 \
    X(START)                                                                                                 \
    X(END)                                                                                                   \
    X(ORDINAL) /* of next responses from 1 */                                                                \
    X(BUSINESS)                                                                                              \
    X(LAST)

/* solve: one row a solve. Dimensions: after it. Times in each class are from created_at until this solve, as
 * is RESOLUTION_…: FACT_NULL on inferred tickets; those in each class by the business clock are on
 * FACT_FLAG_LAST only. What tells of the whole ticket is on the last solve of a ticket that is done now
 * (FACT_FLAG_LAST), what tells of the first solve on ORDINAL 0; FACT_NULL on others.
 */
#define FACT_SOLVE_VALUES(X)                                                                                 \
    X(AT)                                                                                                    \
    X(ORDINAL) /* 0: the ticket's first */                                                                   \
    X(NEW_MS)                                                                                                \
    X(OPEN_MS)                                                                                               \
    X(PENDING_MS)                                                                                            \
    X(HOLD_MS)                                                                                               \
    X(NEW_BUSINESS)                                                                                          \
    X(OPEN_BUSINESS)                                                                                         \
    X(PENDING_BUSINESS)                                                                                      \
    X(HOLD_BUSINESS)                                                                                         \
    X(NEW_LAST)                                                                                              \
    X(OPEN_LAST)                                                                                             \
    X(PENDING_LAST)                                                                                          \
    X(HOLD_LAST)                                                                                             \
    X(RESOLUTION_BUSINESS)                                                                                   \
    X(RESOLUTION_LAST)                                                                                       \
    X(REOPENED_AT)      /* the next reopening, or FACT_NULL */                                               \
    X(HANDOFFS)         /* LAST: changes from one known team to another over the ticket's whole life */      \
    X(ESCALATED)        /* LAST: 0, 1, or FACT_NULL when no team and no tier was ever known */               \
    X(PING_PONG)        /* LAST: 1 when three successive known teams are A, B, A; else 0 */                  \
    X(TOUCHES)          /* LAST: touches until this solve */                                                 \
    X(REOPENED_AFTER)   /* LAST: the shortest time from any solve to its reopening, or FACT_NULL */          \
    X(FIRST_TIER)       /* ORDINAL 0: the first tier known until it, or FACT_NULL */                         \
    X(ESCALATED_BEFORE) /* ORDINAL 0: 0 or 1, as ESCALATED, until this solve */                              \
    X(IN_TIME) /* ORDINAL 0: 0 or 1 as first_contact_resolution says; FACT_NULL where it cannot be said: on  \
                * live channels without an answered contact, on others inferred or without a calendar */

/* reopen: one row a reopening. Dimensions: after it. */
#define FACT_REOPEN_VALUES(X) X(AT)

/* span: one row an interval [FROM, TO) in which the ticket is active and its dimensions do not change: the
 * backlog. Intervals without length are left out. Dimensions: within it. */
#define FACT_SPAN_VALUES(X)                                                                                  \
    X(FROM)                                                                                                  \
    X(TO)       /* FACT_FOREVER while active */                                                              \
    X(BUSINESS) /* business time from created_at to FROM; from there on it runs by its site's calendar;      \
                 * FACT_NULL on inferred tickets */

/* holding: of a ticket that is done now and not inferred one row a team that had it for more than 0 ms in new
 * or open before the last solve, ordered by HELD_UNTIL; team null: while no team had it. Dimensions: at the
 * last solve, but `team` is that team. Over a ticket's rows the times sum to those of support_work_time. */
#define FACT_HOLDING_VALUES(X)                                                                               \
    X(SOLVE_AT)   /* the last solve */                                                                       \
    X(HELD_UNTIL) /* end of its last time as the ticket's team before the last solve, whatever the class:    \
                   * the instant for what the team is (employer, country, …) */                            \
    X(HELD_MS)                                                                                               \
    X(BUSINESS)                                                                                              \
    X(LAST)

/* sla_cycle: one row a cycle, a measured thing with a target (core/fold/sla.h says what makes, breaches and
 * ends one). Dimensions: met: after END; breached, proven or to come: after the events until BREACH_AT; ended
 * and unmeasured: after END; else today's. */
#define FACT_SLA_CYCLE_VALUES(X)                                                                             \
    X(START)                                                                                                 \
    X(END)     /* FACT_NULL while unfinished */                                                              \
    X(OUTCOME) /* enum sla_outcome: what the events prove, whatever the time */                              \
    X(METRIC)  /* enum event_metric */                                                                       \
    X(ORDINAL) /* of the cycles of that metric, from 0 */                                                    \
    X(POLICY)  /* number in its dictionary, or 0 */                                                          \
    X(CLOCK)   /* enum event_clock */                                                                        \
    X(TARGET_MS)                                                                                             \
    X(ELAPSED_MS) /* at END; unfinished: at SINCE, or for good where SINCE is FACT_NULL. FACT_NULL where a   \
                   * part has no calendar */                                                                 \
    X(SINCE)      /* unfinished: from here on it runs, by the calendar of SITE or CALENDAR: the instant from \
                   * which it last ran on or, when later, the ticket came to its site; FACT_NULL while       \
                   * paused */                                                                               \
    X(BREACH_AT)  /* the last instant with elapsed ≤ target, past or, if nothing else happens, to come;    \
                   * FACT_NULL when there is none, and when it ended before. A target that had passed when   \
                   * applied: that instant */                                                                \
    X(RISK_AT)    /* SLA_RUNNING: the same for 0.75 × the target, also while paused; else FACT_NULL */      \
    X(CALENDAR)   /* of the target: number in its dictionary; 0: the site's or the tenant's */               \
    X(SITE)       /* the site the ticket has now */

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
    X(SEQ)        /* orders ratings without a ticket that share AT */                                        \
    X(CHOICE)     /* what the same response chose, 0 none */                                                 \
    X(RESPONDENT_ROLE)

/* answer: one row a survey.response: what votes. Which of a respondent's count depends on the period asked.
 * Dimensions: as a rating's, but where the response names a team itself that is its team. */
#define FACT_ANSWER_VALUES(X)                                                                                \
    X(AT)                                                                                                    \
    X(SEQ)                                                                                                   \
    X(ORDER) /* place among the responses of its ticket, from 0, by rule 1; 0 without a ticket */            \
    X(SOLVE_AT)                                                                                              \
    X(INSTRUMENT)                                                                                            \
    X(QUESTION)                                                                                              \
    X(CHOICE) /* 0 none */                                                                                   \
    X(SCORE)  /* FACT_NULL none, as MIN and MAX */                                                           \
    X(MIN)                                                                                                   \
    X(MAX)                                                                                                   \
    X(RELATION)                                                                                              \
    X(RESPONDENT)                                                                                            \
    X(RESPONDENT_ROLE)

/* sending: one row a survey.sent. Dimensions: after the latest solve at or before it; none: its own. */
#define FACT_SENDING_VALUES(X)                                                                               \
    X(AT)                                                                                                    \
    X(SEQ)                                                                                                   \
    X(INSTRUMENT)                                                                                            \
    X(RELATION) /* enum event_relation, or 0 */                                                              \
    X(RESPONDENT)                                                                                            \
    X(RESPONDENT_ROLE)                                                                                       \
    X(ANSWERED_AT) /* of a ticket: its first answer (no reseller's) at or after it and before the next       \
                    * sending of the instrument, FACT_NULL none. Without a ticket answers are other subjects \
                    * and this is FACT_NULL */

/* contact: one row a contact.ended; never excluded. Dimensions: the ticket's after it, and the contact's own
 * over them. */
#define FACT_CONTACT_VALUES(X)                                                                               \
    X(AT)      /* end of talk, or of the wait */                                                             \
    X(OUTCOME) /* enum event_outcome */                                                                      \
    X(QUEUE_MS)                                                                                              \
    X(TALK_MS) /* FACT_NULL where not said, as WRAP_MS */                                                    \
    X(WRAP_MS)

/* merge: one row a ticket that is excluded because it was merged away: for rings, and for explain.
 * Dimensions: after it. */
#define FACT_MERGE_VALUES(X)                                                                                 \
    X(AT)                                                                                                    \
    X(HASH) /* the ticket's own keyed hash */                                                                \
    X(INTO) /* and that of the ticket it went into */

/* X(TABLE, name, values, sets of dimensions) */
#define FACT_TABLES(X)                                                                                       \
    X(TICKET, "ticket", FACT_TICKET_VALUES, 2)                                                               \
    X(ACKNOWLEDGEMENT, "acknowledgement", FACT_ACKNOWLEDGEMENT_VALUES, 1)                                    \
    X(REPLY, "reply", FACT_REPLY_VALUES, 1)                                                                  \
    X(SOLVE, "solve", FACT_SOLVE_VALUES, 1)                                                                  \
    X(REOPEN, "reopen", FACT_REOPEN_VALUES, 1)                                                               \
    X(SPAN, "span", FACT_SPAN_VALUES, 1)                                                                     \
    X(HOLDING, "holding", FACT_HOLDING_VALUES, 1)                                                            \
    X(SLA_CYCLE, "sla_cycle", FACT_SLA_CYCLE_VALUES, 1)                                                      \
    X(RATING, "rating", FACT_RATING_VALUES, 1)                                                               \
    X(ANSWER, "answer", FACT_ANSWER_VALUES, 1)                                                               \
    X(SENDING, "sending", FACT_SENDING_VALUES, 1)                                                            \
    X(CONTACT, "contact", FACT_CONTACT_VALUES, 1)                                                            \
    X(MERGE, "merge", FACT_MERGE_VALUES, 1)

enum fact_table {
#define X(table, name, values, sets) FACT_##table,
    FACT_TABLES(X)
#undef X
        FACT_N_TABLES
};

/* A set of tables has a bit for each. */
#define FACT_TABLE_BIT(table) (UINT32_C(1) << (table))
#define FACT_TABLES_NONE      UINT32_C(0)
#define FACT_TABLES_ALL       (FACT_TABLE_BIT(FACT_N_TABLES) - 1)
_Static_assert(FACT_N_TABLES < 32, "a table is a bit");

enum sla_outcome {
    SLA_RUNNING = 1, /* not ended, and no event proves a breach: time may */
    SLA_MET,
    SLA_BREACHED,   /* the events prove it; END is FACT_NULL while it goes on */
    SLA_ENDED,      /* cancelled, or a response cycle that a solve left unanswered: counts nowhere */
    SLA_UNMEASURED, /* business clock without a calendar for a part of it: neither, and left out as such */
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
#define FACT_COLUMN_TICKET(name)          FACT_TICKET_##name,
#define FACT_COLUMN_ACKNOWLEDGEMENT(name) FACT_ACKNOWLEDGEMENT_##name,
#define FACT_COLUMN_REPLY(name)           FACT_REPLY_##name,
#define FACT_COLUMN_SOLVE(name)           FACT_SOLVE_##name,
#define FACT_COLUMN_REOPEN(name)          FACT_REOPEN_##name,
#define FACT_COLUMN_SPAN(name)            FACT_SPAN_##name,
#define FACT_COLUMN_HOLDING(name)         FACT_HOLDING_##name,
#define FACT_COLUMN_SLA_CYCLE(name)       FACT_SLA_CYCLE_##name,
#define FACT_COLUMN_RATING(name)          FACT_RATING_##name,
#define FACT_COLUMN_ANSWER(name)          FACT_ANSWER_##name,
#define FACT_COLUMN_SENDING(name)         FACT_SENDING_##name,
#define FACT_COLUMN_CONTACT(name)         FACT_CONTACT_##name,
#define FACT_COLUMN_MERGE(name)           FACT_MERGE_##name,
FACT_COLUMNS_OF(TICKET, FACT_TICKET_VALUES);
FACT_COLUMNS_OF(ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_VALUES);
FACT_COLUMNS_OF(REPLY, FACT_REPLY_VALUES);
FACT_COLUMNS_OF(SOLVE, FACT_SOLVE_VALUES);
FACT_COLUMNS_OF(REOPEN, FACT_REOPEN_VALUES);
FACT_COLUMNS_OF(SPAN, FACT_SPAN_VALUES);
FACT_COLUMNS_OF(HOLDING, FACT_HOLDING_VALUES);
FACT_COLUMNS_OF(SLA_CYCLE, FACT_SLA_CYCLE_VALUES);
FACT_COLUMNS_OF(RATING, FACT_RATING_VALUES);
FACT_COLUMNS_OF(ANSWER, FACT_ANSWER_VALUES);
FACT_COLUMNS_OF(SENDING, FACT_SENDING_VALUES);
FACT_COLUMNS_OF(CONTACT, FACT_CONTACT_VALUES);
FACT_COLUMNS_OF(MERGE, FACT_MERGE_VALUES);

#define FACT_VALUES_MAX 40

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
