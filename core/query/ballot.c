#include "core/query/ballot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define BALLOTS_MAX (UINT32_MAX / 4)

static const struct ballot_columns RATINGS = {
    .at = FACT_RATING_AT,
    .seq = FACT_RATING_SEQ,
    .solve_at = FACT_RATING_SOLVE_AT,
    .instrument = FACT_RATING_INSTRUMENT,
    .question = FACT_RATING_QUESTION,
    .choice = FACT_RATING_CHOICE,
    .score = FACT_RATING_SCORE,
    .min = FACT_RATING_MIN,
    .max = FACT_RATING_MAX,
    .relation = FACT_RATING_RELATION,
    .respondent = FACT_RATING_RESPONDENT,
    .role = FACT_RATING_RESPONDENT_ROLE,
};
static const struct ballot_columns ANSWERS = {
    .at = FACT_ANSWER_AT,
    .seq = FACT_ANSWER_SEQ,
    .order = FACT_ANSWER_ORDER,
    .solve_at = FACT_ANSWER_SOLVE_AT,
    .instrument = FACT_ANSWER_INSTRUMENT,
    .question = FACT_ANSWER_QUESTION,
    .choice = FACT_ANSWER_CHOICE,
    .score = FACT_ANSWER_SCORE,
    .min = FACT_ANSWER_MIN,
    .max = FACT_ANSWER_MAX,
    .relation = FACT_ANSWER_RELATION,
    .respondent = FACT_ANSWER_RESPONDENT,
    .role = FACT_ANSWER_RESPONDENT_ROLE,
};
static const struct ballot_columns SENDINGS = {
    .at = FACT_SENDING_AT,
    .seq = FACT_SENDING_SEQ,
    .instrument = FACT_SENDING_INSTRUMENT,
    .relation = FACT_SENDING_RELATION,
    .respondent = FACT_SENDING_RESPONDENT,
    .role = FACT_SENDING_RESPONDENT_ROLE,
};

_Static_assert((int)FACT_N_RATING_VALUES <= BALLOT_VALUES && (int)FACT_N_ANSWER_VALUES <= BALLOT_VALUES &&
                   (int)FACT_N_SENDING_VALUES <= BALLOT_VALUES,
               "a ballot has room for each table's rows");

const struct ballot_columns *ballot_columns(enum fact_table table)
{
    return table == FACT_RATING    ? &RATINGS
           : table == FACT_ANSWER  ? &ANSWERS
           : table == FACT_SENDING ? &SENDINGS
                                   : NULL;
}

void ballots_init(struct ballots *b, enum fact_table table, const struct fold_environment *environment)
{
    *b = (struct ballots){.table = table, .environment = environment};
}

void ballots_fini(struct ballots *b)
{
    free(b->rows);
    free(b->slots);
    *b = (struct ballots){0};
}

size_t ballots_bytes(const struct ballots *b)
{
    return b->capacity * sizeof(*b->rows) + b->n_slots * sizeof(*b->slots);
}

/* --- order
 * --------------------------------------------------------------------------------------------------- */

union ballot_event {
    struct event event;
    uint8_t room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)];
};

/* The response that a row was made from: of one without a ticket exactly what it carried. */
static void ballot_make_event(enum fact_table table, const struct ballot *b, union ballot_event *ret)
{
    const struct ballot_columns *c = ballot_columns(table);
    const struct {
        enum event_field field;
        uint8_t column;
    } FIELDS_OF[] = {
        {FIELD_INSTRUMENT, c->instrument},
        {FIELD_QUESTION, c->question},
        {FIELD_SCORE, c->score},
        {FIELD_MIN, c->min},
        {FIELD_MAX, c->max},
        {FIELD_CHOICE, c->choice},
        {FIELD_RESPONDENT_ROLE, c->role},
        {FIELD_RATER_RELATION, c->relation},
    };
    struct event *e = &ret->event;
    *e = (struct event){.type = table == FACT_SENDING ? EVENT_SURVEY_SENT : EVENT_SURVEY_RESPONSE,
                        .ref = (uint64_t)b->values[c->respondent]};
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        if (b->dimensions[f])
            e->fields[e->n_fields++] = event_field_pack((enum event_field)f, b->dimensions[f]);
    bool has_score = c->score && b->values[c->score] != FACT_NULL;
    for (size_t i = 0; i < sizeof(FIELDS_OF) / sizeof(FIELDS_OF[0]); i++) {
        enum event_field field = FIELDS_OF[i].field;
        bool is_score = field == FIELD_SCORE || field == FIELD_MIN || field == FIELD_MAX;
        int64_t number = FIELDS_OF[i].column ? b->values[FIELDS_OF[i].column] : 0;
        if (FIELDS_OF[i].column && (is_score ? has_score : number != 0))
            e->fields[e->n_fields++] = event_field_pack(field, number);
    }
}

/* Rule 1's order; 0 only where nothing that a query can see tells the two apart. */
static int ballot_compare(const struct ballots *all, const struct ballot *a, const struct ballot *b)
{
    const struct ballot_columns *c = ballot_columns(all->table);
    const uint8_t columns[] = {c->at, c->seq, c->order};
    for (size_t i = 0; i < sizeof(columns); i++)
        if (columns[i] && a->values[columns[i]] != b->values[columns[i]])
            return a->values[columns[i]] < b->values[columns[i]] ? -1 : 1;
    union ballot_event x, y;
    ballot_make_event(all->table, a, &x);
    ballot_make_event(all->table, b, &y);
    int order = event_compare(all->environment, &x.event, &y.event);
    if (order || !c->solve_at)
        return order;
    return (a->values[c->solve_at] > b->values[c->solve_at]) -
           (a->values[c->solve_at] < b->values[c->solve_at]);
}

/* --- whose
 * --------------------------------------------------------------------------------------------------- */

enum { CLASS_RESELLER = 1, CLASS_EXCLUDED = 2 };

bool ballot_identify(enum metric_gather gather, enum fact_table table, struct ballot *ret)
{
    const struct ballot_columns *c = ballot_columns(table);
    const int64_t *v = ret->values;
    const int64_t respondent = v[c->respondent], site = ret->dimensions[FIELD_SITE];
    const bool is_loose = v[FACT_FLAGS] & FACT_FLAG_LOOSE;
    struct ballot_key *key = &ret->key;
    *key = (struct ballot_key){
        .slot = key->slot,
        .instrument = (uint32_t)v[c->instrument],
        .question = c->question ? (uint32_t)v[c->question] : 0,
        .class = (v[c->relation] == RELATION_RESELLER ? CLASS_RESELLER : 0) |
                 (v[FACT_EXCLUDED] != EXCLUDED_NO ? CLASS_EXCLUDED : 0),
    };
    switch (gather) {
    case GATHER_NONE:
        return false;
    case GATHER_RATINGS: /* those of tickets the fold has chosen from */
        key->who[0] = respondent;
        key->who[1] = site;
        return is_loose && respondent != 0;
    case GATHER_ANSWERS: /* one vote a respondent; without a name one a ballot: a ticket's solve */
        key->who[0] = respondent;
        if (respondent == 0) {
            key->who[1] = v[FACT_SUBJECT];
            key->who[2] = v[c->solve_at];
        }
        return respondent != 0 || !is_loose;
    case GATHER_BALLOTS: /* of a respondent and site, or of a ticket's solve */
        key->who[0] = respondent;
        key->who[1] = is_loose ? site : v[FACT_SUBJECT];
        key->who[2] = is_loose ? FACT_FOREVER : v[c->solve_at];
        return respondent != 0 || !is_loose;
    case GATHER_SENDINGS: /* what went to nobody by name, nobody can be seen to answer */
        key->who[0] = respondent;
        key->who[1] = site;
        return is_loose && respondent != 0;
    }
    return false;
}

static bool key_is_same(const struct ballot_key *a, const struct ballot_key *b)
{
    return memcmp(a, b, sizeof(*a)) == 0; /* it has no padding */
}
_Static_assert(sizeof(struct ballot_key) == 3 * 8 + 4 * 4, "a key is compared as bytes");

static uint32_t *ballots_slot(const struct ballots *b, const struct ballot_key *key)
{
    size_t i = XXH3_64bits(key, sizeof(*key)) & (b->n_slots - 1);
    while (b->slots[i] && !key_is_same(&b->rows[b->slots[i] - 1].key, key))
        i = (i + 1) & (b->n_slots - 1);
    return &b->slots[i];
}

static int ballots_grow(struct ballots *b)
{
    size_t capacity = b->capacity ? b->capacity * 2 : 256;
    if (capacity > BALLOTS_MAX)
        return -E2BIG;
    struct ballot *rows = realloc(b->rows, capacity * sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    b->rows = rows;
    b->capacity = capacity;
    return 0;
}

static int ballots_rehash(struct ballots *b)
{
    size_t n_slots = b->n_slots ? b->n_slots * 2 : 512;
    uint32_t *slots = calloc(n_slots, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(b->slots);
    b->slots = slots;
    b->n_slots = n_slots;
    for (size_t i = 0; i < b->n; i++)
        *ballots_slot(b, &b->rows[i].key) = (uint32_t)i + 1;
    return 0;
}

int ballots_append(struct ballots *b, const struct ballot *row)
{
    int r = b->n == b->capacity ? ballots_grow(b) : 0;
    if (r == 0)
        b->rows[b->n++] = *row;
    return r;
}

int ballots_keep(struct ballots *b, const struct ballot *row)
{
    int r = b->n * 2 >= b->n_slots ? ballots_rehash(b) : 0;
    if (r < 0)
        return r;
    uint32_t *slot = ballots_slot(b, &row->key);
    if (*slot) {
        struct ballot *kept = &b->rows[*slot - 1];
        if (ballot_compare(b, row, kept) > 0)
            *kept = *row;
        return 0;
    }
    r = ballots_append(b, row);
    if (r == 0)
        *slot = (uint32_t)b->n;
    return r;
}

/* --- whole ballots
 * ------------------------------------------------------------------------------------------- */

static int by_ballot(const void *x, const void *y, void *context)
{
    const struct ballot *a = x, *b = y;
    struct ballot_key left = a->key, right = b->key;
    left.question = right.question = 0;
    int order = memcmp(&left, &right, sizeof(left));
    return order ? order : ballot_compare(context, a, b);
}

static bool is_one_ballot(const struct ballot *a, const struct ballot *b)
{
    struct ballot_key left = a->key, right = b->key;
    left.question = right.question = 0;
    return key_is_same(&left, &right);
}

void ballots_unite(struct ballots *b)
{
    const struct ballot_columns *c = ballot_columns(b->table);
    if (b->n)
        qsort_r(b->rows, b->n, sizeof(*b->rows), by_ballot, b);
    for (size_t first = 0, end; first < b->n; first = end) {
        for (end = first + 1; end < b->n && is_one_ballot(&b->rows[first], &b->rows[end]);)
            end++;
        struct ballot *last = &b->rows[end - 1];
        last->values[FACT_FLAGS] |= FACT_FLAG_LAST;
        for (size_t i = first; i < end; i++) {
            struct ballot *item = &b->rows[i];
            item->values[c->at] = last->values[c->at];
            item->values[c->solve_at] = last->values[c->solve_at];
            item->values[c->respondent] = (int64_t)first + 1;
            memcpy(item->dimensions, last->dimensions, sizeof(item->dimensions));
        }
    }
}

/* --- sendings
 * ------------------------------------------------------------------------------------------------ */

/* By whom they went to, whatever the period. */
static int sending_key_compare(const struct ballot *a, const struct ballot *b)
{
    int order = memcmp(a->key.who, b->key.who, sizeof(a->key.who));
    return order ? order : (a->key.instrument > b->key.instrument) - (a->key.instrument < b->key.instrument);
}

static int by_sending(const void *x, const void *y, void *context)
{
    int order = sending_key_compare(x, y);
    return order ? order : ballot_compare(context, x, y);
}

void sendings_sort(struct ballots *b)
{
    if (b->n)
        qsort_r(b->rows, b->n, sizeof(*b->rows), by_sending, b);
}

void sendings_answer(struct ballots *b, const struct ballot *answer)
{
    const int64_t at = answer->values[FACT_ANSWER_AT];
    size_t low = 0, high = b->n; /* the first that is of a later key, or of this one and after the answer */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = sending_key_compare(&b->rows[middle], answer);
        if (order < 0 || (order == 0 && b->rows[middle].values[FACT_SENDING_AT] <= at))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || sending_key_compare(&b->rows[low - 1], answer) != 0)
        return;
    int64_t *answered = &b->rows[low - 1].values[FACT_SENDING_ANSWERED_AT];
    if (*answered == FACT_NULL || at < *answered)
        *answered = at;
}
