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

void rowgroup_lay_out(const uint32_t *parents, uint32_t n, uint32_t n_base, uint32_t *firsts)
{
    memset(firsts, 0, (n_base + 1) * sizeof(*firsts));
    for (uint32_t row = 0; row < n; row++)
        firsts[parents[row] + 1]++;
    for (uint32_t base = 0; base < n_base; base++)
        firsts[base + 1] += firsts[base];
}

static inline bool is_number(int64_t v)
{
    return v != FACT_NULL && v != FACT_FOREVER;
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
    if (!is_number(at) || !is_number(created) || !is_number(before) || !is_number(pending) ||
        !is_number(hold))
        return FACT_NULL;
    return minus(minus(minus(minus(at, created), before), pending), hold);
}

static int64_t acknowledgement_of(const struct rowgroup_values *v, uint32_t base)
{
    int64_t at = value_at(v, FACT_ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_AT, base, 0),
            created = v->base[FACT_CREATED][base];
    return is_number(at) && is_number(created) ? minus(at, created) : FACT_NULL;
}

/* The predictions that most reading is of: one loop each. */
static bool predict_plainly(const struct rowgroup_values *v, const struct rule *rule, int64_t *ret)
{
    const uint32_t n = v->tables[rule->table].n, *parents = v->tables[rule->table].parents;
    const int64_t *created = v->base[FACT_CREATED], *same = v->tables[rule->table].values[rule->other];
    if (rule->prediction == P_CREATED) {
        for (uint32_t i = 0; i < n; i++) {
            const int64_t p = created[parents[i]];
            ret[i] = is_number(p) ? p : 0;
        }
    } else if (rule->prediction == P_COLUMN && rule->is_instant) {
        for (uint32_t i = 0; i < n; i++) {
            const int64_t p = is_number(same[i]) ? same[i] : created[parents[i]];
            ret[i] = is_number(p) ? p : 0;
        }
    } else if (rule->prediction == P_COLUMN) {
        for (uint32_t i = 0; i < n; i++)
            ret[i] = is_number(same[i]) ? same[i] : 0;
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
    const uint32_t n = v->tables[table].n, *parents = v->tables[table].parents,
                   *firsts = v->tables[table].firsts;
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
            p = is_number(same[i]) && is_number(before) ? minus(same[i], before) : FACT_NULL;
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
        if (!is_number(p) && rule->is_instant)
            p = created[base];
        ret[i] = is_number(p) ? p : 0;
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

/* --- reading
 * ----------------------------------------------------------------------------------------------------- */

struct room {
    void *data;
    uint32_t turn; /* of the group that it was read in */
};

struct table_rooms {
    struct room parents, partners, values[FACT_VALUES_MAX], dimensions[2][FIELD_N_DIMENSIONS];
    bool is_identity; /* each base row has one row */
};

struct rowgroup_reader {
    struct rowgroup_values values; /* first: need's argument */
    const struct rowgroup *group;
    struct room base[FACT_N_COMMON], base_dimensions[FIELD_N_DIMENSIONS], today[FIELD_N_DIMENSIONS];
    struct table_rooms tables[FACT_N_TABLES];
    uint32_t *parents[FACT_N_TABLES], *firsts[FACT_N_TABLES];
    uint32_t identity[ROWGROUP_ROWS + 1]; /* of tables where each base row has one row */
    int64_t *prediction;
    uint32_t turn; /* of the group that is being read, from 1 */
};

static int need(struct rowgroup_values *v, unsigned table, unsigned column);

int rowgroup_reader_new(struct rowgroup_reader **ret)
{
    struct rowgroup_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->values.need = need;
    for (uint32_t i = 0; i <= ROWGROUP_ROWS; i++)
        r->identity[i] = i;
    *ret = r;
    return 0;
}

void rowgroup_reader_free(struct rowgroup_reader *r)
{
    if (!r)
        return;
    for (unsigned c = 0; c < FACT_N_COMMON; c++)
        free(r->base[c].data);
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++) {
        free(r->base_dimensions[f].data);
        free(r->today[f].data);
    }
    for (unsigned t = 0; t < FACT_N_TABLES; t++) {
        for (unsigned c = 0; c < FACT_VALUES_MAX; c++)
            free(r->tables[t].values[c].data);
        for (unsigned f = 0; f < 2 * FIELD_N_DIMENSIONS; f++)
            free(r->tables[t].dimensions[f / FIELD_N_DIMENSIONS][f % FIELD_N_DIMENSIONS].data);
        free(r->tables[t].partners.data);
        free(r->parents[t]);
        free(r->firsts[t]);
    }
    free(r->prediction);
    free(r);
}

/* Nothing has been read. */
static void rowgroup_reader_forget(struct rowgroup_reader *r)
{
    r->turn = 1;
    for (unsigned c = 0; c < FACT_N_COMMON; c++)
        r->base[c].turn = 0;
    for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
        r->base_dimensions[f].turn = r->today[f].turn = 0;
    for (unsigned t = 0; t < FACT_N_TABLES; t++) {
        struct table_rooms *rooms = &r->tables[t];
        rooms->parents.turn = rooms->partners.turn = 0;
        for (unsigned c = 0; c < FACT_VALUES_MAX; c++)
            rooms->values[c].turn = 0;
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            rooms->dimensions[0][f].turn = rooms->dimensions[1][f].turn = 0;
    }
}

static bool room_is_read(const struct rowgroup_reader *r, const struct room *room)
{
    return room->turn == r->turn;
}

static void room_mark(const struct rowgroup_reader *r, struct room *room, bool is_read)
{
    room->turn = is_read ? r->turn : 0;
}

void rowgroup_reader_set(struct rowgroup_reader *r, const struct rowgroup *g)
{
    r->group = g;
    r->values.n_base = g->base.n_rows;
    for (unsigned t = 0; t < FACT_N_TABLES; t++)
        r->values.tables[t].n = g->tables[t].n_rows;
    if (++r->turn == 0) /* every number has been used: rooms of the first groups would seem read */
        rowgroup_reader_forget(r);
}

uint32_t rowgroup_reader_rows(const struct rowgroup_reader *r, enum fact_table table)
{
    return r->group->tables[table].n_rows;
}

/* Room for ROWGROUP_ROWS of a size, made when first used. */
static void *room_of(struct room *room, size_t size)
{
    if (!room->data)
        room->data = malloc(ROWGROUP_ROWS * size);
    return room->data;
}

int rowgroup_reader_base(struct rowgroup_reader *r, unsigned column, const int64_t **ret)
{
    struct room *room = &r->base[column];
    int64_t *values = room_of(room, sizeof(int64_t));
    if (!values)
        return -ENOMEM;
    int e = room_is_read(r, room)
                ? 0
                : block_read(&r->group->base, (uint8_t)column, NULL, r->values.n_base, values);
    room_mark(r, room, e == 0);
    r->values.base[column] = values;
    *ret = values;
    return e;
}

/* How many rows each base row has, laid out: where its first is, and whose child each row is. */
static int lay_out_counts(const uint16_t *counts, uint32_t n_base, uint32_t n, uint32_t *firsts,
                          uint32_t *parents)
{
    uint32_t row = 0;
    for (uint32_t base = 0; base < n_base; base++) {
        const uint32_t count = counts[base];
        if (count > n - row)
            return -EBADMSG;
        firsts[base] = row;
        parents[row] = base; /* where it has none the next one writes here */
        for (uint32_t k = 1; k < count; k++)
            parents[row + k] = base;
        row += count;
    }
    firsts[n_base] = row;
    return row == n ? 0 : -EBADMSG;
}

/* Whose child each row is. */
static int read_parents(struct rowgroup_reader *r, unsigned table)
{
    struct table_rooms *rooms = &r->tables[table];
    const struct block *b = &r->group->tables[table];
    struct block_column c;
    const uint32_t n = b->n_rows, n_base = r->values.n_base;
    if (room_is_read(r, &rooms->parents))
        return 0;
    rooms->is_identity = n && !block_find(b, ROWGROUP_COUNTS, &c);
    if (rooms->is_identity) {
        if (n != n_base)
            return -EBADMSG;
        r->values.tables[table].parents = r->values.tables[table].firsts = r->identity;
        room_mark(r, &rooms->parents, true);
        return 0;
    }
    if (!r->parents[table])
        r->parents[table] = malloc((ROWGROUP_ROWS + 1) * sizeof(uint32_t));
    if (!r->firsts[table])
        r->firsts[table] = malloc((ROWGROUP_SUBJECTS + 1) * sizeof(uint32_t));
    if (!r->parents[table] || !r->firsts[table])
        return -ENOMEM;
    uint16_t counts[ROWGROUP_SUBJECTS] = {0};
    int e = n ? block_read_u16(b, ROWGROUP_COUNTS, n_base, counts) : 0;
    if (e == 0)
        e = lay_out_counts(counts, n_base, n, r->firsts[table], r->parents[table]);
    r->values.tables[table].parents = r->parents[table];
    r->values.tables[table].firsts = r->firsts[table];
    room_mark(r, &rooms->parents, e == 0);
    return e;
}

static int read_partners(struct rowgroup_reader *r, unsigned table)
{
    struct room *room = &r->tables[table].partners;
    int64_t *partners = room_of(room, sizeof(int64_t));
    if (!partners)
        return -ENOMEM;
    int e = room_is_read(r, room) ? 0
                                  : block_read(&r->group->tables[table], ROWGROUP_PARTNER, NULL,
                                               r->values.tables[table].n, partners);
    room_mark(r, room, e == 0);
    r->values.tables[table].partners = partners;
    return e;
}

/* Of a table whose rows are not its base's own. */
static int read_shared(struct rowgroup_reader *r, unsigned table, unsigned column, int64_t *values)
{
    const int64_t *base;
    const uint32_t n = r->values.tables[table].n, *parents = r->values.tables[table].parents;
    int e = rowgroup_reader_base(r, column, &base);
    if (e < 0)
        return e;
    for (uint32_t i = 0; i < n; i++)
        values[i] = base[parents[i]];
    return 0;
}

static int read_value(struct rowgroup_reader *r, unsigned table, unsigned column, int64_t *values)
{
    const struct block *b = &r->group->tables[table];
    const uint32_t n = b->n_rows;
    struct block_column c;
    bool is_there = n && block_find(b, (uint8_t)column, &c);
    int e = n ? block_read(b, (uint8_t)column, NULL, n, values) : 0;
    if (e < 0 || !is_there || !c.is_difference)
        return e;
    if (table == FACT_SOLVE)
        r->values.new_is_rest = !block_find(b, FACT_SOLVE_OPEN_MS, &c) || !c.is_difference;
    const int64_t *created;
    e = read_parents(r, table);
    if (e == 0)
        e = rowgroup_reader_base(r, FACT_CREATED, &created);
    if (e == 0 && table == FACT_RATING)
        e = read_partners(r, table);
    if (!r->prediction)
        r->prediction = malloc(ROWGROUP_ROWS * sizeof(*r->prediction));
    if (e == 0 && !r->prediction)
        e = -ENOMEM;
    if (e == 0)
        e = rowgroup_predict(&r->values, table, column, r->prediction);
    if (e != 1)
        return e < 0 ? e : -EBADMSG;
    for (uint32_t i = 0; i < n; i++)
        if (is_number(values[i]))
            values[i] = (int64_t)((uint64_t)values[i] + (uint64_t)r->prediction[i]);
    return 0;
}

static int need(struct rowgroup_values *v, unsigned table, unsigned column)
{
    const int64_t *values;
    int e = read_parents((struct rowgroup_reader *)v, table);
    return e < 0 ? e : rowgroup_reader_value((struct rowgroup_reader *)v, table, column, &values);
}

int rowgroup_reader_value(struct rowgroup_reader *r, enum fact_table table, unsigned column,
                          const int64_t **ret)
{
    struct room *room = &r->tables[table].values[column];
    int64_t *values = room_of(room, sizeof(int64_t));
    if (!values)
        return -ENOMEM;
    int e = rowgroup_is_of_base(column) ? read_parents(r, table) : 0;
    if (e == 0 && rowgroup_is_of_base(column) && r->tables[table].is_identity) {
        e = rowgroup_reader_base(r, column, ret);
        r->values.tables[table].values[column] = r->values.base[column];
        return e;
    }
    if (e == 0 && !room_is_read(r, room))
        e = rowgroup_is_of_base(column) ? read_shared(r, table, column, values)
                                        : read_value(r, table, column, values);
    room_mark(r, room, e == 0);
    r->values.tables[table].values[column] = values;
    *ret = values;
    return e;
}

/* A dimension of the base. */
static int read_base_dimension(struct rowgroup_reader *r, unsigned field, const uint16_t **ret)
{
    struct room *room = &r->base_dimensions[field];
    uint16_t *base = room_of(room, sizeof(uint16_t));
    if (!base)
        return -ENOMEM;
    int e = room_is_read(r, room)
                ? 0
                : block_read_u16(&r->group->base, FACT_DIMENSION(0, field), r->values.n_base, base);
    room_mark(r, room, e == 0);
    *ret = base;
    return e;
}

/* What the tickets of the base's rows have today; without a ticket as in the base. */
static int read_today(struct rowgroup_reader *r, unsigned field, const uint16_t **ret)
{
    const struct block *b = &r->group->tables[FACT_TICKET];
    const uint16_t *base, *today;
    struct block_column c;
    if (!block_find(b, FACT_DIMENSION(1, field), &c))
        return read_base_dimension(r, field, ret);
    struct room *room = &r->today[field];
    uint16_t *values = room_of(room, sizeof(uint16_t));
    if (!values)
        return -ENOMEM;
    *ret = values;
    if (room_is_read(r, room))
        return 0;
    int e = rowgroup_reader_dimension(r, FACT_TICKET, 1, field, &today);
    if (e == 0)
        e = read_base_dimension(r, field, &base);
    if (e < 0)
        return e;
    memcpy(values, base, r->values.n_base * sizeof(*values));
    for (uint32_t i = 0; i < b->n_rows; i++)
        values[r->values.tables[FACT_TICKET].parents[i]] = today[i];
    room_mark(r, room, true);
    return 0;
}

static void add_parents(const struct rowgroup_reader *r, unsigned table, const uint16_t *of, uint16_t *values)
{
    const uint32_t n = r->values.tables[table].n, *parents = r->values.tables[table].parents;
    if (r->tables[table].is_identity)
        for (uint32_t i = 0; i < n; i++)
            values[i] = (uint16_t)(values[i] + of[i]);
    else
        for (uint32_t i = 0; i < n; i++)
            values[i] = (uint16_t)(values[i] + of[parents[i]]);
}

static int read_dimension(struct rowgroup_reader *r, unsigned table, unsigned set, unsigned field,
                          uint16_t *values)
{
    const struct block *b = &r->group->tables[table];
    const uint32_t n = b->n_rows;
    const uint16_t *base, *today;
    int e = read_base_dimension(r, field, &base);
    today = base;
    if (e == 0 && table != FACT_TICKET)
        e = read_today(r, field, &today);
    if (e == 0)
        e = block_read_u16(b, FACT_DIMENSION(set, field), n, values);
    if (e < 0)
        return e;
    if (today == base || (table != FACT_SPAN && table != FACT_HOLDING))
        add_parents(r, table, today, values);
    else
        for (uint32_t i = 0; i < n; i++) {
            const uint16_t *of = rowgroup_is_of_today(&r->values, table, i) ? today : base;
            values[i] = (uint16_t)(values[i] + of[r->values.tables[table].parents[i]]);
        }
    return 0;
}

int rowgroup_reader_dimension(struct rowgroup_reader *r, enum fact_table table, unsigned set, unsigned field,
                              const uint16_t **ret)
{
    struct room *room = &r->tables[table].dimensions[set][field];
    uint16_t *values = room_of(room, sizeof(uint16_t));
    if (!values)
        return -ENOMEM;
    struct block_column c;
    int e = read_parents(r, table);
    if (e == 0 && table == FACT_TICKET && r->tables[table].is_identity &&
        !block_find(&r->group->tables[table], FACT_DIMENSION(set, field), &c))
        return read_base_dimension(r, field, ret);
    if (e == 0 && !room_is_read(r, room))
        e = read_dimension(r, table, set, field, values);
    room_mark(r, room, e == 0);
    *ret = values;
    return e;
}

int rowgroup_reader_live(struct rowgroup_reader *r, enum fact_table table, const uint8_t *live_base,
                         uint8_t *live)
{
    int e = read_parents(r, table);
    const uint32_t n = r->values.tables[table].n, *parents = r->values.tables[table].parents;
    if (e < 0)
        return e;
    if (r->tables[table].is_identity)
        memcpy(live, live_base, n);
    else
        for (uint32_t i = 0; i < n; i++)
            live[i] = live_base[parents[i]];
    return 0;
}
