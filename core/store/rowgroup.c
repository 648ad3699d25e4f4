#include "core/store/rowgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the bytes
 * --------------------------------------------------------------------------------------------------- */

enum { ROWGROUP_FORM = 1 };

struct head {
    uint16_t form;
    uint16_t n_blocks;
};

struct entry {
    uint32_t table;
    uint32_t size;
};

int rowgroup_open(struct rowgroup *g, const void *data, size_t size, bool check)
{
    struct head head;
    if (size < sizeof(head))
        return -EBADMSG;
    memcpy(&head, data, sizeof(head));
    size_t at = sizeof(head) + head.n_blocks * sizeof(struct entry);
    if (head.form != ROWGROUP_FORM || head.n_blocks == 0 || at > size)
        return -EBADMSG;
    *g = (struct rowgroup){.size = size};
    for (unsigned i = 0; i < head.n_blocks; i++) {
        struct entry e;
        memcpy(&e, (const uint8_t *)data + sizeof(head) + i * sizeof(e), sizeof(e));
        if (e.table > FACT_N_TABLES || (e.table == FACT_N_TABLES) != (i == 0) || e.size > size - at)
            return -EBADMSG;
        struct block *b = i == 0 ? &g->base : &g->tables[e.table];
        int r = block_open(b, (const uint8_t *)data + at, e.size, check);
        if (r < 0 || b->n_rows > (i == 0 ? ROWGROUP_SUBJECTS : ROWGROUP_ROWS))
            return -EBADMSG;
        at += e.size;
    }
    return 0;
}

bool rowgroup_range(const struct rowgroup *g, enum fact_table table, unsigned column, int64_t *ret_min,
                    int64_t *ret_max, bool *ret_null, bool *ret_open)
{
    struct block_column c;
    *ret_null = *ret_open = false;
    if (!block_find(rowgroup_is_of_base(column) ? &g->base : &g->tables[table], (uint8_t)column, &c)) {
        *ret_min = *ret_max = 0;
        return true;
    }
    *ret_null = c.has_null;
    *ret_open = c.has_forever;
    *ret_min = c.min;
    *ret_max = c.max;
    return c.min <= c.max;
}

void rowgroup_write_begin(struct rowgroup_writer *w, struct buffer *out, unsigned n_blocks)
{
    *w = (struct rowgroup_writer){.out = out, .start = out->size};
    struct head head = {.form = ROWGROUP_FORM, .n_blocks = (uint16_t)n_blocks};
    buffer_append(out, &head, sizeof(head));
    void *entries = buffer_extend(out, n_blocks * sizeof(struct entry));
    if (entries)
        memset(entries, 0, n_blocks * sizeof(struct entry));
}

void rowgroup_write_block(struct rowgroup_writer *w, unsigned table, size_t from)
{
    struct entry e = {.table = table, .size = (uint32_t)(w->out->size - from)};
    if (!buffer_failed(w->out))
        memcpy(w->out->data + w->start + sizeof(struct head) + w->n++ * sizeof(e), &e, sizeof(e));
}

/* --- predictions
 * ------------------------------------------------------------------------------------------------- */

/* What a value mostly is. A prediction that is no number is 0, or created_at where the value is an instant.
 */
enum prediction {
    P_CREATED, /* created_at */
    P_COLUMN,  /* `other` of the same row */
    P_BEFORE,  /* `other` of the subject's row before; created_at on its first */
    P_SINCE,   /* `other` of the same row less `other` of the subject's row before, or created_at */
    P_LAST,    /* `other` of the subject's last row in `of` */
    P_ROW,     /* … of its row there that is as far from the first as this one here */
    P_ENDS,    /* on the subject's last row P_LAST of solves; else P_ROW */
    P_NEW,     /* of a solve: from created_at to the acknowledgement; or the time in no other class */
    P_OPEN, /* … the time in no other class; or nothing: a group has its tickets of one kind or the other */
    P_ANSWER, /* `other` of the answer of the same response */
};

struct rule {
    uint8_t table, column, prediction, of, other;
    bool is_instant;
};

static const struct rule RULES[] = {
    {FACT_ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_AT, P_CREATED, 0, 0, true},
    {FACT_ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_LAST, P_COLUMN, 0, FACT_ACKNOWLEDGEMENT_BUSINESS, false},
    {FACT_REPLY, FACT_REPLY_START, P_CREATED, 0, 0, true},
    {FACT_REPLY, FACT_REPLY_END, P_COLUMN, 0, FACT_REPLY_START, true},
    {FACT_REPLY, FACT_REPLY_LAST, P_COLUMN, 0, FACT_REPLY_BUSINESS, false},
    {FACT_SOLVE, FACT_SOLVE_AT, P_CREATED, 0, 0, true},
    {FACT_SOLVE, FACT_SOLVE_NEW_MS, P_NEW, 0, 0, false},
    {FACT_SOLVE, FACT_SOLVE_OPEN_MS, P_OPEN, 0, 0, false},
    {FACT_SOLVE, FACT_SOLVE_NEW_BUSINESS, P_COLUMN, 0, FACT_SOLVE_NEW_MS, false},
    {FACT_SOLVE, FACT_SOLVE_OPEN_BUSINESS, P_COLUMN, 0, FACT_SOLVE_OPEN_MS, false},
    {FACT_SOLVE, FACT_SOLVE_PENDING_BUSINESS, P_COLUMN, 0, FACT_SOLVE_PENDING_MS, false},
    {FACT_SOLVE, FACT_SOLVE_HOLD_BUSINESS, P_COLUMN, 0, FACT_SOLVE_HOLD_MS, false},
    {FACT_SOLVE, FACT_SOLVE_NEW_LAST, P_COLUMN, 0, FACT_SOLVE_NEW_BUSINESS, false},
    {FACT_SOLVE, FACT_SOLVE_OPEN_LAST, P_COLUMN, 0, FACT_SOLVE_OPEN_BUSINESS, false},
    {FACT_SOLVE, FACT_SOLVE_PENDING_LAST, P_COLUMN, 0, FACT_SOLVE_PENDING_BUSINESS, false},
    {FACT_SOLVE, FACT_SOLVE_HOLD_LAST, P_COLUMN, 0, FACT_SOLVE_HOLD_BUSINESS, false},
    {FACT_SOLVE, FACT_SOLVE_RESOLUTION_LAST, P_COLUMN, 0, FACT_SOLVE_RESOLUTION_BUSINESS, false},
    {FACT_SOLVE, FACT_SOLVE_REOPENED_AT, P_ROW, FACT_REOPEN, FACT_REOPEN_AT, true},
    {FACT_REOPEN, FACT_REOPEN_AT, P_CREATED, 0, 0, true},
    {FACT_SPAN, FACT_SPAN_TO, P_ENDS, FACT_ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_AT, true},
    {FACT_SPAN, FACT_SPAN_FROM, P_BEFORE, 0, FACT_SPAN_TO, true},
    {FACT_HOLDING, FACT_HOLDING_SOLVE_AT, P_LAST, FACT_SOLVE, FACT_SOLVE_AT, true},
    {FACT_HOLDING, FACT_HOLDING_HELD_UNTIL, P_ENDS, FACT_SPAN, FACT_SPAN_TO, true},
    {FACT_HOLDING, FACT_HOLDING_HELD_MS, P_SINCE, 0, FACT_HOLDING_HELD_UNTIL, false},
    {FACT_HOLDING, FACT_HOLDING_BUSINESS, P_COLUMN, 0, FACT_HOLDING_HELD_MS, false},
    {FACT_HOLDING, FACT_HOLDING_LAST, P_COLUMN, 0, FACT_HOLDING_BUSINESS, false},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_START, P_CREATED, 0, 0, true},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_END, P_COLUMN, 0, FACT_SLA_CYCLE_START, true},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_SINCE, P_COLUMN, 0, FACT_SLA_CYCLE_START, true},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_BREACH_AT, P_COLUMN, 0, FACT_SLA_CYCLE_START, true},
    {FACT_SLA_CYCLE, FACT_SLA_CYCLE_RISK_AT, P_COLUMN, 0, FACT_SLA_CYCLE_BREACH_AT, true},
    {FACT_ANSWER, FACT_ANSWER_AT, P_CREATED, 0, 0, true},
    {FACT_ANSWER, FACT_ANSWER_SOLVE_AT, P_LAST, FACT_SOLVE, FACT_SOLVE_AT, true},
    {FACT_RATING, FACT_RATING_AT, P_CREATED, 0, 0, true},
    {FACT_RATING, FACT_RATING_SOLVE_AT, P_LAST, FACT_SOLVE, FACT_SOLVE_AT, true},
    {FACT_RATING, FACT_RATING_RESPONDENT, P_ANSWER, 0, FACT_ANSWER_RESPONDENT, false},
    {FACT_SENDING, FACT_SENDING_AT, P_CREATED, 0, 0, true},
    {FACT_SENDING, FACT_SENDING_ANSWERED_AT, P_COLUMN, 0, FACT_SENDING_AT, true},
    {FACT_CONTACT, FACT_CONTACT_AT, P_CREATED, 0, 0, true},
    {FACT_MERGE, FACT_MERGE_AT, P_CREATED, 0, 0, true},
};

static const struct rule *rule_of(unsigned table, unsigned column)
{
    for (size_t i = 0; i < sizeof(RULES) / sizeof(*RULES); i++)
        if (RULES[i].table == table && RULES[i].column == column)
            return &RULES[i];
    return NULL;
}

bool rowgroup_keeps_difference(const struct rowgroup *g, enum fact_table table, unsigned column,
                               unsigned other)
{
    const struct rule *rule = rule_of(table, column);
    struct block_column c;
    bool is_to_other = rule && ((rule->prediction == P_CREATED && other == FACT_CREATED) ||
                                (rule->prediction == P_COLUMN && rule->other == other));
    return is_to_other && block_find(&g->tables[table], (uint8_t)column, &c) && c.is_difference;
}

bool rowgroup_predicts_created(unsigned table, unsigned column)
{
    const struct rule *rule = rule_of(table, column);
    return rule && rule->prediction == P_CREATED;
}

void rowgroup_lay_out(const uint16_t *parents, uint32_t n, uint32_t n_base, uint16_t *firsts)
{
    memset(firsts, 0, (n_base + 1) * sizeof(*firsts));
    for (uint32_t row = 0; row < n; row++)
        firsts[parents[row] + 1]++;
    for (uint32_t base = 0; base < n_base; base++)
        firsts[base + 1] = (uint16_t)(firsts[base + 1] + firsts[base]);
}

/* The value of a row of another table, or FACT_NULL where the subject has none there. */
static int64_t value_at(const struct rowgroup_values *v, unsigned table, unsigned column, uint32_t base,
                        int64_t place)
{
    uint32_t first = v->tables[table].firsts[base], end = v->tables[table].firsts[base + 1];
    if (place < 0)
        place += end - first;
    return place >= 0 && place < end - first ? v->tables[table].values[column][first + place] : FACT_NULL;
}

/* As the unsigned numbers they are: what a broken file says may be anything. */
static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int predict_needs(struct rowgroup_values *v, const struct rule *rule)
{
    unsigned table = rule->table, other = rule->other;
    int r = 0;
    switch ((enum prediction)rule->prediction) {
    case P_CREATED:
        break;
    case P_COLUMN:
    case P_BEFORE:
    case P_SINCE:
        return v->need(v, table, other);
    case P_LAST:
    case P_ROW:
        return v->need(v, rule->of, other);
    case P_ENDS:
        r = v->need(v, rule->of, other);
        return r < 0 ? r : v->need(v, FACT_SOLVE, FACT_SOLVE_AT);
    case P_NEW:
    case P_OPEN: {
        static const uint8_t PARTS[] = {FACT_SOLVE_AT, FACT_SOLVE_PENDING_MS, FACT_SOLVE_HOLD_MS};
        bool is_rest = (rule->prediction == P_NEW) == v->new_is_rest;
        if (!is_rest)
            return rule->prediction == P_NEW ? v->need(v, FACT_ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_AT) : 0;
        for (size_t i = 0; i < sizeof(PARTS) && r == 0; i++)
            r = v->need(v, FACT_SOLVE, PARTS[i]);
        return r < 0 ? r : v->need(v, FACT_SOLVE, v->new_is_rest ? FACT_SOLVE_OPEN_MS : FACT_SOLVE_NEW_MS);
    }
    case P_ANSWER:
        return v->need(v, FACT_ANSWER, other);
    }
    return 0;
}

/* Of a solve's time from created_at: what is in neither pending, nor hold, nor `other`. */
static int64_t rest_of(int64_t *const *values, unsigned other, uint32_t i, int64_t created)
{
    int64_t at = values[FACT_SOLVE_AT][i], before = values[other][i],
            pending = values[FACT_SOLVE_PENDING_MS][i], hold = values[FACT_SOLVE_HOLD_MS][i];
    if (!rowgroup_is_number(at) || !rowgroup_is_number(created) || !rowgroup_is_number(before) ||
        !rowgroup_is_number(pending) || !rowgroup_is_number(hold))
        return FACT_NULL;
    return minus(minus(minus(minus(at, created), before), pending), hold);
}

static int64_t acknowledgement_of(const struct rowgroup_values *v, uint32_t base)
{
    int64_t at = value_at(v, FACT_ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_AT, base, 0),
            created = v->base[FACT_CREATED][base];
    return rowgroup_is_number(at) && rowgroup_is_number(created) ? minus(at, created) : FACT_NULL;
}

/* The predictions that most reading is of: one loop each. */
static bool predict_plainly(const struct rowgroup_values *v, const struct rule *rule, int64_t *ret)
{
    const uint32_t n = v->tables[rule->table].n;
    const uint16_t *parents = v->tables[rule->table].parents;
    const int64_t *created = v->base[FACT_CREATED], *same = v->tables[rule->table].values[rule->other];
    if (rule->prediction == P_CREATED) {
        for (uint32_t i = 0; i < n; i++) {
            const int64_t p = created[parents[i]];
            ret[i] = rowgroup_is_number(p) ? p : 0;
        }
    } else if (rule->prediction == P_COLUMN && rule->is_instant) {
        for (uint32_t i = 0; i < n; i++) {
            const int64_t p = rowgroup_is_number(same[i]) ? same[i] : created[parents[i]];
            ret[i] = rowgroup_is_number(p) ? p : 0;
        }
    } else if (rule->prediction == P_COLUMN) {
        for (uint32_t i = 0; i < n; i++)
            ret[i] = rowgroup_is_number(same[i]) ? same[i] : 0;
    } else {
        return false;
    }
    return true;
}

int rowgroup_predict(struct rowgroup_values *v, unsigned table, unsigned column, int64_t *ret)
{
    const struct rule *rule = rule_of(table, column);
    if (!rule || (rule->prediction == P_OPEN && v->new_is_rest))
        return 0;
    int r = predict_needs(v, rule);
    if (r < 0)
        return r;
    if (predict_plainly(v, rule, ret))
        return 1;
    const uint32_t n = v->tables[table].n;
    const uint16_t *parents = v->tables[table].parents, *firsts = v->tables[table].firsts;
    const int64_t *created = v->base[FACT_CREATED], *partners = v->tables[table].partners;
    const int64_t *same = v->tables[table].values[rule->other];
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t base = parents[i], place = i - firsts[base];
        const bool is_last = i + 1 == firsts[base + 1];
        int64_t p = FACT_NULL;
        switch ((enum prediction)rule->prediction) {
        case P_CREATED:
            p = created[base];
            break;
        case P_COLUMN:
            p = same[i];
            break;
        case P_BEFORE:
            p = place ? same[i - 1] : created[base];
            break;
        case P_SINCE: {
            int64_t before = place ? same[i - 1] : created[base];
            p = rowgroup_is_number(same[i]) && rowgroup_is_number(before) ? minus(same[i], before)
                                                                          : FACT_NULL;
            break;
        }
        case P_LAST:
            p = value_at(v, rule->of, rule->other, base, -1);
            break;
        case P_ROW:
            p = value_at(v, rule->of, rule->other, base, place);
            break;
        case P_ENDS:
            p = is_last ? value_at(v, FACT_SOLVE, FACT_SOLVE_AT, base, -1)
                        : value_at(v, rule->of, rule->other, base, place);
            break;
        case P_NEW:
            p = v->new_is_rest ? rest_of(v->tables[table].values, FACT_SOLVE_OPEN_MS, i, created[base])
                               : acknowledgement_of(v, base);
            break;
        case P_OPEN:
            p = rest_of(v->tables[table].values, FACT_SOLVE_NEW_MS, i, created[base]);
            break;
        case P_ANSWER:
            p = value_at(v, FACT_ANSWER, rule->other, base, partners[i] >= 0 ? partners[i] : 0);
            break;
        }
        if (!rowgroup_is_number(p) && rule->is_instant)
            p = created[base];
        ret[i] = rowgroup_is_number(p) ? p : 0;
    }
    return 1;
}

bool rowgroup_is_of_today(const struct rowgroup_values *v, unsigned table, uint32_t i)
{
    if (table == FACT_TICKET)
        return false;
    if (table != FACT_SPAN && table != FACT_HOLDING)
        return true;
    return i + 1 == v->tables[table].firsts[v->tables[table].parents[i] + 1]; /* the last */
}
