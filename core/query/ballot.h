/* Ballots: what the tables of surveys have in common, whose a ballot is, and which of several counts.
 *
 * Of some rows it is known only when a table has been read whether they count: an answer counts when it is
 * the respondent's last in the period, whatever the condition says of it. Such rows are kept aside, the last
 * one under each key. Which is the last never depends on arrival: rows are ordered by metrics rule 1, by
 * instant, the source's order and content. Of tickets the fold has put the responses in order (ORDER); a
 * response without a ticket is in its row with all that it carries, from which its content is made again and
 * compared as event_compare does. Between tickets the columns that the fold gave stand in for the content. */
#ifndef TENDON_QUERY_BALLOT_H
#define TENDON_QUERY_BALLOT_H

#include "core/fold/fold.h"
#include "core/query/metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the columns stand in a table of surveys; 0: it has no such column. */
struct ballot_columns {
    uint8_t at, seq, order, solve_at, instrument, question, choice, score, min, max, relation, respondent,
        role;
};
/* NULL for tables that hold no ballots. */
const struct ballot_columns *ballot_columns(enum fact_table table);

#define BALLOT_VALUES 20 /* columns of such a table, at most */

/* What must be equal for one row to take another's place. */
struct ballot_key {
    int64_t who[3]; /* respondent, site, ticket and solve, as the gathering says */
    int32_t slot;   /* the period */
    uint32_t instrument, question;
    uint32_t class; /* resellers' and excluded tickets' rows never take the place of others */
};

struct ballot {
    struct ballot_key key;
    int64_t values[BALLOT_VALUES];
    uint16_t dimensions[FIELD_N_DIMENSIONS];
};

struct ballots {
    enum fact_table table;
    const struct fold_environment *environment;
    struct ballot *rows;
    size_t n, capacity;
    uint32_t *slots; /* hash table: place + 1 */
    size_t n_slots;
};

/* environment: the dictionary and the declared dimensions, for the content of rows. */
void ballots_init(struct ballots *b, enum fact_table table, const struct fold_environment *environment);
void ballots_fini(struct ballots *b);
size_t ballots_bytes(const struct ballots *b);

/* Fills ret->key from the row's values, dimensions and slot, which the caller has set. False: nobody else's
 * row has this one's key, so that it need not be kept aside. */
bool ballot_identify(enum metric_gather gather, enum fact_table table, struct ballot *ret);

/* Keeps a row, unless a later one of the same key is there. -ENOMEM, -E2BIG. */
int ballots_keep(struct ballots *b, const struct ballot *row);
/* Keeps a row whatever else there is. */
int ballots_append(struct ballots *b, const struct ballot *row);

/* Makes whole ballots of items: the rows of one key but for the question get the instant, the solve, the
 * dimensions and (as RESPONDENT) the number of their ballot, as its last item has them. FACT_FLAG_LAST is set
 * on that one. */
void ballots_unite(struct ballots *b);

/* Sendings without a ticket, once all are there: puts them in order; then marks for each answer the one that
 * it answers, the last of its key at or before it. */
void sendings_sort(struct ballots *b);
void sendings_answer(struct ballots *b, const struct ballot *answer);

#endif
