#include "core/fold/fold.h"

#include "core/fold/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int fold_new(struct fold **ret)
{
    struct fold *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    *ret = f;
    return 0;
}

static void fold_release(struct fold *f)
{
    free(f->items);
    free(f->room);
    free(f->solves);
    free(f->reopenings);
    free(f->spans);
    free(f->ratings);
    free(f->slots);
    memset(f, 0, sizeof(*f));
}

void fold_free(struct fold *f)
{
    if (!f)
        return;
    fold_release(f);
    free(f);
}

/* Room for n events. What is there is not kept: nothing lives from one run to the next. */
static int fold_reserve(struct fold *f, size_t n)
{
    if (n <= f->capacity)
        return 0;
    size_t capacity = RUN_CAPACITY_FIRST;
    while (capacity < n)
        capacity *= 2;
    fold_release(f);
    f->items = calloc(capacity, sizeof(*f->items));
    f->room = calloc(capacity, sizeof(*f->room));
    f->solves = calloc(capacity, sizeof(*f->solves));
    f->reopenings = calloc(capacity, sizeof(*f->reopenings));
    f->spans = calloc(capacity + 1, sizeof(*f->spans)); /* the one from created_at and one an event */
    f->ratings = calloc(capacity, sizeof(*f->ratings));
    f->slots = calloc(run_slots(capacity), sizeof(*f->slots));
    if (!f->items || !f->room || !f->solves || !f->reopenings || !f->spans || !f->ratings || !f->slots) {
        fold_release(f);
        return -ENOMEM;
    }
    f->capacity = capacity;
    return 0;
}

/* --- identity
 * ------------------------------------------------------------------------------------------------ */

#define PAIRS_MAX 12 /* up to here comparing all pairs is cheaper than a table */

/* Keeps, of the sorted items with the same id, the first. Returns how many are left. */
static size_t items_drop_conflicts(struct fold *f, size_t n)
{
    size_t kept = 0;
    if (n <= PAIRS_MAX) {
        for (size_t i = 0; i < n; i++) {
            bool is_known = false;
            for (size_t j = 0; j < kept && !is_known; j++)
                is_known = f->items[j].event->id == f->items[i].event->id;
            if (!is_known)
                f->items[kept++] = f->items[i];
        }
        return kept;
    }
    size_t n_slots = run_slots(n);
    memset(f->slots, 0, n_slots * sizeof(f->slots[0]));
    for (size_t i = 0; i < n; i++) {
        /* ids are keyed hashes: their low bits are spread, and nobody outside can aim at them */
        size_t slot = f->items[i].event->id & (n_slots - 1);
        while (f->slots[slot] && f->items[f->slots[slot] - 1].event->id != f->items[i].event->id)
            slot = (slot + 1) & (n_slots - 1);
        if (f->slots[slot])
            continue;
        f->items[kept] = f->items[i];
        f->slots[slot] = (uint32_t)++kept;
    }
    return kept;
}

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

struct emitter {
    int (*emit)(void *context, const struct fact_row *row);
    void *context;
};

static int64_t *run_row(struct run *r, enum fact_table table, int64_t flags, const struct dimensions *d)
{
    struct fact_row *row = &r->f->row;
    row->table = (uint8_t)table;
    row->values[FACT_SUBJECT] = r->subject->number;
    row->values[FACT_NAMESPACE] = r->subject->namespace;
    row->values[FACT_EXCLUDED] = r->excluded;
    row->values[FACT_FLAGS] = flags | (r->is_ticket ? FACT_FLAG_TICKET : 0) |
                              (r->is_inferred ? FACT_FLAG_INFERRED : 0) |
                              (r->subject->is_loose ? FACT_FLAG_LOOSE : 0);
    row->values[FACT_CREATED] = r->is_ticket ? r->created_at : FACT_NULL;
    memcpy(row->dimensions[0], d->of, sizeof(d->of));
    return row->values;
}

static int run_emit_ticket(struct run *r, const struct emitter *out)
{
    if (!r->is_ticket && !r->n_conflicts && !r->n_orphans)
        return 0;
    int64_t *v = run_row(r, FACT_TICKET, 0, &r->at_creation);
    v[FACT_TICKET_CLASS] = r->is_ticket ? (int64_t)r->class : FACT_NULL;
    v[FACT_TICKET_ORPHANS] = (int64_t)r->n_orphans;
    v[FACT_TICKET_CONFLICTS] = (int64_t)r->n_conflicts;
    v[FACT_TICKET_SPEAKS] = 0;
    memcpy(r->f->row.dimensions[1], r->now.of, sizeof(r->now.of));
    return out->emit(out->context, &r->f->row);
}

static int run_emit_reply(struct run *r, const struct emitter *out)
{
    if (r->response != RESPONSE_ENDED)
        return 0;
    int64_t *v = run_row(r, FACT_REPLY, 0, &r->at_response);
    v[FACT_REPLY_START] = r->response_start;
    v[FACT_REPLY_END] = r->response_end;
    v[FACT_REPLY_ORDINAL] = 0;
    v[FACT_REPLY_BUSINESS] = v[FACT_REPLY_LAST] = FACT_NULL;
    return out->emit(out->context, &r->f->row);
}

static int run_emit_solves(struct run *r, const struct emitter *out)
{
    for (size_t i = 0; i < r->n_solves; i++) {
        const struct solve *s = &r->f->solves[i];
        bool is_last = i + 1 == r->n_solves && !class_is_active(r->class);
        int64_t *v = run_row(r, FACT_SOLVE, is_last ? FACT_FLAG_LAST : 0, &s->dimensions);
        v[FACT_SOLVE_AT] = s->at;
        v[FACT_SOLVE_ORDINAL] = (int64_t)i;
        v[FACT_SOLVE_NEW_MS] = r->is_inferred ? FACT_NULL : s->class_ms[STATUS_NEW];
        v[FACT_SOLVE_OPEN_MS] = r->is_inferred ? FACT_NULL : s->class_ms[STATUS_OPEN];
        v[FACT_SOLVE_PENDING_MS] = r->is_inferred ? FACT_NULL : s->class_ms[STATUS_PENDING];
        v[FACT_SOLVE_HOLD_MS] = r->is_inferred ? FACT_NULL : s->class_ms[STATUS_HOLD];
        for (unsigned c = FACT_SOLVE_NEW_BUSINESS; c < FACT_N_SOLVE_VALUES; c++)
            v[c] = FACT_NULL;
        v[FACT_SOLVE_REOPENED_AT] = s->reopened_at;
        v[FACT_SOLVE_HANDOFFS] = is_last ? r->handoffs : FACT_NULL;
        v[FACT_SOLVE_ESCALATED] = is_last && r->was_held ? r->escalated : FACT_NULL;
        int c = out->emit(out->context, &r->f->row);
        if (c)
            return c;
    }
    return 0;
}

static int run_emit_reopenings(struct run *r, const struct emitter *out)
{
    for (size_t i = 0; i < r->n_reopenings; i++) {
        int64_t *v = run_row(r, FACT_REOPEN, 0, &r->f->reopenings[i].dimensions);
        v[FACT_REOPEN_AT] = r->f->reopenings[i].at;
        int c = out->emit(out->context, &r->f->row);
        if (c)
            return c;
    }
    return 0;
}

static int run_emit_spans(struct run *r, const struct emitter *out)
{
    for (size_t i = 0; i < r->n_spans; i++) {
        int64_t *v = run_row(r, FACT_SPAN, 0, &r->f->spans[i].dimensions);
        v[FACT_SPAN_FROM] = r->f->spans[i].from;
        v[FACT_SPAN_TO] = r->f->spans[i].to;
        v[FACT_SPAN_BUSINESS] = FACT_NULL;
        int c = out->emit(out->context, &r->f->row);
        if (c)
            return c;
    }
    return 0;
}

/* The dimensions that an event itself carries. */
static void event_dimensions(const struct event *e, struct dimensions *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (unsigned i = 0; i < e->n_fields && event_field_of(e->fields[i]) < FIELD_N_DIMENSIONS; i++)
        ret->of[event_field_of(e->fields[i])] = (uint16_t)event_number_of(e->fields[i]);
}

static int run_emit_ratings(struct run *r, const struct emitter *out)
{
    for (size_t i = 0; i < r->n_ratings; i++) {
        const struct rating *g = &r->f->ratings[i];
        if (g->is_dropped)
            continue;
        const struct event *e = g->event;
        struct dimensions own;
        if (g->solve < 0)
            event_dimensions(e, &own);
        int64_t *v = run_row(r, FACT_RATING, g->is_of_survey ? FACT_FLAG_OF_SURVEY : 0,
                             g->solve < 0 ? &own : &r->f->solves[g->solve].dimensions);
        v[FACT_RATING_AT] = g->at;
        v[FACT_RATING_SOLVE_AT] = g->solve < 0 ? FACT_NULL : r->f->solves[g->solve].at;
        v[FACT_RATING_INSTRUMENT] = event_get(e, FIELD_INSTRUMENT, 0);
        v[FACT_RATING_QUESTION] = event_get(e, FIELD_QUESTION, 0);
        v[FACT_RATING_SCORE] = event_get(e, FIELD_SCORE, 0);
        v[FACT_RATING_MIN] = event_get(e, FIELD_MIN, 0);
        v[FACT_RATING_MAX] = event_get(e, FIELD_MAX, 0);
        v[FACT_RATING_RELATION] = event_get(e, FIELD_RATER_RELATION, 0);
        v[FACT_RATING_RESPONDENT] = (int64_t)e->ref;
        v[FACT_RATING_SEQ] = e->seq;
        v[FACT_RATING_CHOICE] = event_get(e, FIELD_CHOICE, 0);
        v[FACT_RATING_RESPONDENT_ROLE] = event_get(e, FIELD_RESPONDENT_ROLE, 0);
        int c = out->emit(out->context, &r->f->row);
        if (c)
            return c;
    }
    return 0;
}

int fold_run(struct fold *f, const struct fold_environment *environment, const struct fold_subject *subject,
             const struct event *const *events, size_t n,
             int (*emit)(void *context, const struct fact_row *row), void *context)
{
    int c = fold_reserve(f, n);
    if (c)
        return c;
    struct order order;
    order_init(&order, environment);
    for (size_t i = 0; i < n; i++)
        order_item_init(&f->items[i], events[i]);
    order_sort(&order, f->items, f->room, n);

    struct run r = {.f = f, .environment = environment, .subject = subject};
    r.n = items_drop_conflicts(f, n);
    r.n_conflicts = n - r.n;
    run_apply_all(&r);

    const struct emitter out = {.emit = emit, .context = context};
    (void)((c = run_emit_ticket(&r, &out)) || (c = run_emit_reply(&r, &out)) ||
           (c = run_emit_solves(&r, &out)) || (c = run_emit_reopenings(&r, &out)) ||
           (c = run_emit_spans(&r, &out)) || (c = run_emit_ratings(&r, &out)));
    return c;
}
