#include "core/fold/fold.h"

#include "core/fold/row.h"
#include "core/fold/run.h"
#include "core/fold/sla.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int fold_new(struct fold **ret)
{
    struct fold *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    int c = sla_new(&f->sla);
    if (c) {
        free(f);
        return c;
    }
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
    free(f->intervals);
    free(f->holdings);
    free(f->replies);
    free(f->responses);
    free(f->sendings);
    free(f->contacts);
    free(f->slots);
    business_fini(&f->business);
    *f = (struct fold){.sla = f->sla}; /* which grows by itself */
}

void fold_free(struct fold *f)
{
    if (!f)
        return;
    fold_release(f);
    sla_free(f->sla);
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
    bool ok = (f->items = calloc(capacity, sizeof(*f->items))) != NULL;
    ok &= (f->room = calloc(capacity, sizeof(*f->room))) != NULL;
    ok &= (f->solves = calloc(capacity, sizeof(*f->solves))) != NULL;
    ok &= (f->reopenings = calloc(capacity, sizeof(*f->reopenings))) != NULL;
    /* the one from created_at and one an event */
    ok &= (f->spans = calloc(capacity + 1, sizeof(*f->spans))) != NULL;
    ok &= (f->intervals = calloc(capacity + 1, sizeof(*f->intervals))) != NULL;
    ok &= (f->holdings = calloc(capacity + 1, sizeof(*f->holdings))) != NULL;
    ok &= (f->replies = calloc(capacity, sizeof(*f->replies))) != NULL;
    ok &= (f->responses = calloc(capacity, sizeof(*f->responses))) != NULL;
    ok &= (f->sendings = calloc(capacity, sizeof(*f->sendings))) != NULL;
    ok &= (f->contacts = calloc(capacity, sizeof(*f->contacts))) != NULL;
    ok &= (f->slots = calloc(run_slots(capacity + 1), sizeof(*f->slots))) != NULL;
    if (!ok) {
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

/* Puts the events in order and leaves out conflicts: the run may begin. */
static int fold_prepare(struct run *r, const struct event *const *events, size_t n)
{
    struct fold *f = r->f;
    struct order order;
    int c = fold_reserve(f, n);
    if (c)
        return c;
    order_init(&order, r->environment);
    for (size_t i = 0; i < n; i++)
        order_item_init(&f->items[i], events[i]);
    order_sort(&order, f->items, f->room, n);
    r->n = items_drop_conflicts(f, n);
    r->n_conflicts = n - r->n;
    return 0;
}

int fold_run(struct fold *f, const struct fold_environment *environment, const struct fold_subject *subject,
             const struct event *const *events, size_t n, uint32_t tables,
             int (*emit)(void *context, const struct fact_row *row), void *context)
{
    struct run r = {.f = f, .environment = environment, .subject = subject};
    int c = fold_prepare(&r, events, n);
    if (c == 0)
        c = run_apply_all(&r);
    return c ? c : rows_emit(&r, tables, emit, context);
}

int fold_trace(struct fold *f, const struct fold_environment *environment, const struct fold_subject *subject,
               const struct event *const *events, size_t n,
               int (*step)(void *context, const struct fold_step *step), void *context)
{
    struct run r = {
        .f = f, .environment = environment, .subject = subject, .step = step, .step_context = context};
    int c = fold_prepare(&r, events, n);
    return c ? c : run_apply_all(&r);
}
