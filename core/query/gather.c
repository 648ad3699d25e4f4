#include "core/query/gather.h"

#include <string.h>

static int keep_ballot(struct scan *s, const struct pass *pass, const struct ballot *ballot)
{
    int r = pass->gather == GATHER_SENDINGS ? ballots_append(&s->ballots, ballot)
                                            : ballots_keep(&s->ballots, ballot);
    if (r == -E2BIG)
        return error_set(s->err, r, "query_memory", "the query has too many survey answers");
    return r < 0 ? scan_no_memory(s->err) : 0;
}

static void ballot_read(const struct rows *rows, uint32_t i, int32_t slot, struct ballot *ret)
{
    ret->key.slot = slot;
    for (unsigned c = 0; c < FACT_TABLE_INFO[rows->table].n_values; c++)
        ret->values[c] = rows->values[c] ? rows->values[c][i] : 0;
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        ret->dimensions[f] = rows->dimensions[f] ? rows->dimensions[f][i] : 0;
}

/* Whether a batch may have rows to set aside at all. */
static bool has_any(const struct pass *pass, struct batch *b)
{
    const struct fact_range range = batch_range(b, FACT_FLAGS);
    int64_t some, all;
    if (pass->gather == GATHER_ANSWERS || pass->gather == GATHER_BALLOTS)
        return true;
    range_flags(&range, &some, &all);
    if (!(some & FACT_FLAG_LOOSE))
        return false;
    const int64_t *flags = batch_values(b, FACT_FLAGS);
    for (uint32_t i = 0; i < b->rows.n; i++)
        if (flags[i] & FACT_FLAG_LOOSE)
            return true;
    return false;
}

int gather_set_aside(struct scan *s, const struct pass *pass, struct batch *b)
{
    const struct ballot_columns *c = ballot_columns(pass->table);
    const bool is_sending = pass->gather == GATHER_SENDINGS;
    const bool is_loose_only = is_sending || pass->gather == GATHER_RATINGS;
    const struct rows *rows = &b->rows;
    uint32_t hint = 0;
    if (!has_any(pass, b))
        return 0;
    /* Which of two ballots is the last is a matter of all that they hold. */
    for (unsigned v = 0; v < FACT_TABLE_INFO[pass->table].n_values; v++)
        (void)batch_values(b, v);
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        (void)batch_codes(b, f);
    uint8_t *keep = count_keep(s, b);
    for (uint32_t i = 0; i < rows->n; i++) {
        struct ballot ballot;
        if (!keep[i] || (is_loose_only && !(rows->values[FACT_FLAGS][i] & FACT_FLAG_LOOSE)))
            continue;
        if (pass->gather == GATHER_BALLOTS && rows->values[c->score][i] == FACT_NULL) {
            keep[i] = 0; /* no item with a score */
            continue;
        }
        ballot_read(rows, i, periods_find(&s->plan->periods, rows->values[c->at][i], &hint), &ballot);
        if (!ballot_identify(pass->gather, pass->table, &ballot) ||
            (is_sending && ballot.values[c->relation] == RELATION_RESELLER))
            continue;
        keep[i] = 0;
        int r = ballot.key.slot >= 0 || is_sending ? keep_ballot(s, pass, &ballot) : 0;
        if (r < 0)
            return r;
    }
    s->plan->ballot_bytes = ballots_bytes(&s->ballots);
    return 0;
}

int gather_merge(struct scan *s, const struct pass *pass, const struct ballots *others)
{
    int r = 0;
    for (size_t i = 0; i < others->n && r == 0; i++)
        r = keep_ballot(s, pass, &others->rows[i]);
    s->plan->ballot_bytes = ballots_bytes(&s->ballots);
    return r;
}

static void mark_answers(struct scan *s, const struct fact_vector *v)
{
    struct rows rows = {.n = v->n, .table = FACT_ANSWER};
    memcpy(rows.values, v->values, sizeof(rows.values));
    memcpy(rows.dimensions, v->dimensions[0], sizeof(rows.dimensions));
    for (uint32_t i = 0; i < v->n; i++) {
        struct ballot answer;
        if (v->live && !v->live[i])
            continue;
        ballot_read(&rows, i, 0, &answer);
        if (ballot_identify(GATHER_SENDINGS, FACT_ANSWER, &answer) &&
            answer.values[FACT_ANSWER_RELATION] != RELATION_RESELLER)
            sendings_answer(&s->ballots, &answer);
    }
}

/* The answers to what was sent without a ticket, which are other subjects. */
static int scan_answers(struct scan *s)
{
    static const uint8_t COLUMNS[] = {FACT_FLAGS,
                                      FACT_EXCLUDED,
                                      FACT_ANSWER_AT,
                                      FACT_ANSWER_INSTRUMENT,
                                      FACT_ANSWER_RELATION,
                                      FACT_ANSWER_RESPONDENT,
                                      FACT_DIMENSION(0, FIELD_SITE)};
    struct fact_scan *scan;
    struct fact_vector v;
    int64_t first = INT64_MAX;
    if (s->ballots.n == 0 || s->plan->given) /* of a ticket the fold has matched them */
        return 0;
    sendings_sort(&s->ballots);
    for (size_t i = 0; i < s->ballots.n; i++)
        if (s->ballots.rows[i].values[FACT_SENDING_AT] < first)
            first = s->ballots.rows[i].values[FACT_SENDING_AT];
    const struct fact_bound bound = {FACT_ANSWER_AT, first, INT64_MAX};
    int r = fact_scan_open(s->plan->view, FACT_ANSWER, COLUMNS, sizeof(COLUMNS), &bound, 1, &scan, s->err);
    if (r < 0)
        return r;
    while ((r = fact_scan_next(scan, &v, s->err)) == 1 && (r = plan_check(s->plan, s->err)) == 0)
        mark_answers(s, &v);
    fact_scan_close(scan);
    return r;
}

int gather_settle(struct scan *s, const struct pass *pass)
{
    if (pass->gather == GATHER_BALLOTS)
        ballots_unite(&s->ballots);
    return pass->gather == GATHER_SENDINGS ? scan_answers(s) : 0;
}

void gather_rows(struct scan *s, const struct pass *pass, size_t at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct ballot *ballot = &s->ballots.rows[at + i];
        for (unsigned c = 0; c < FACT_TABLE_INFO[pass->table].n_values; c++)
            s->values[c][i] = ballot->values[c];
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            s->dimensions[f][i] = ballot->dimensions[f];
    }
}

void gather_clear(struct scan *s)
{
    ballots_fini(&s->ballots);
    s->plan->ballot_bytes = 0;
}
