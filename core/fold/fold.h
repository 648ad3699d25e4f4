/* The fold: from the set of a subject's events to its fact rows. A pure function: any order of the events,
 * the same rows, value for value and in the same order (by table, then by instant). */
#ifndef TENDON_FOLD_FOLD_H
#define TENDON_FOLD_FOLD_H

#include "core/base/zone.h"
#include "core/fold/fact.h"
#include "core/store/dictionary.h"
#include "core/store/event.h"

struct reference; /* core/fold/reference.h */
struct policy;    /* core/fold/policy.h */

struct fold_subject {
    uint32_t number;    /* FACT_SUBJECT of its rows */
    uint16_t namespace; /* number in DICTIONARY_NAMESPACE */
    bool is_loose;      /* one event without a ticket */
    uint64_t hash;      /* the ticket's keyed hash (what an `into` elsewhere holds) */
};

/* What of a tenant's settings the fold reads. Immutable while a fold may read it. */
struct fold_settings {
    char calendar[EVENT_CODE_BYTES + 1]; /* the tenant's default calendar; "": none */
    char zones[ZONE_VERSION_BYTES]; /* version of the zones' rules, by which calendars read; "": unknown */
    const struct policy *policies;  /* in the order of the configuration */
    size_t n_policies;
};

/* What the fold reads beside the events; a change of it needs a refold. */
struct fold_environment {
    const struct dictionary *dictionary;
    const struct reference *reference;    /* teams' tier and employer, calendars; NULL: none known */
    const struct fold_settings *settings; /* NULL: no default calendar, no policies */
    /* wire keys of the declared dimensions by place: content is compared as strings. A place without a name
     * sorts behind all names. */
    const char (*declared)[EVENT_CODE_BYTES + 1];
    unsigned n_declared;
};

/* Reusable memory of one folding thread. */
struct fold;
int fold_new(struct fold **ret);
void fold_free(struct fold *f);

/* Folds n events (any order, no two with the same identity and the same content; at most EVENT_TICKET_MAX)
 * and calls emit for each row of a set of tables; the row is the fold's and valid during the call. Returns 0,
 * -ENOMEM, or what emit returned when that was not 0. */
int fold_run(struct fold *f, const struct fold_environment *environment, const struct fold_subject *subject,
             const struct event *const *events, size_t n, uint32_t tables,
             int (*emit)(void *context, const struct fact_row *row), void *context);

/* What one event did, once it was applied. */
struct fold_step {
    const struct event *event;
    int64_t at;                 /* as it counts: not before created_at */
    unsigned class;             /* enum event_status after it; 0 while there is no ticket */
    const uint16_t *dimensions; /* of the ticket after it, by field */
};

/* Applies the events as fold_run does, in order and without conflicts, and calls step after each instead of
 * making rows: what explain shows. Returns 0, -ENOMEM, or what step returned when that was not 0. */
int fold_trace(struct fold *f, const struct fold_environment *environment, const struct fold_subject *subject,
               const struct event *const *events, size_t n,
               int (*step)(void *context, const struct fold_step *step), void *context);

/* The order of a subject's events (design: at, seq, rank, content). Ids, sources and numbers take no part.
 * Content is the canonical msgpack map of the fields (keys sorted as bytes, values as on the wire, defaults
 * filled in, numbers in their smallest form), compared as bytes. Only where all of that is equal does the
 * keyed hash of `into` or `respondent` decide. 0 when the two say the same. */
int event_compare(const struct fold_environment *environment, const struct event *a, const struct event *b);

/* Whether two events of one subject with the same id say the same (at, seq, type, fields, ref). */
bool event_same_content(const struct event *a, const struct event *b);

#endif
