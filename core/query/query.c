#include "core/query/query.h"

#include "core/query/answer.h"
#include "core/query/calendar_warn.h"
#include "core/query/extent.h"
#include "core/query/plan.h"
#include "core/query/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double elapsed_ms(const struct timespec *since)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - since->tv_sec) * 1e3 + (double)(now.tv_nsec - since->tv_nsec) / 1e6;
}

/* What is to become of a plan whose rows are counted. */
struct ending {
    int (*end)(const struct ending *e, struct plan *p, struct error *err);
    struct timespec start;
    json_t **ret_answer;
    int (*each)(void *ctx, const struct query_cell *cell, struct error *err);
    void *ctx;
};

static int plan_run(struct plan *p, const struct ending *ending, struct error *err)
{
    int64_t first = PERIOD_BEGINNING, last = PERIOD_END;
    int r = plan_needs_extent(p) ? extent_find(p, &first, &last, err) : 0;
    if (r == 0)
        r = plan_cut(p, first, last, err);
    if (r == 0)
        r = scan_run(p, err);
    return r == 0 ? ending->end(ending, p, err) : r;
}

static int request_run(const struct query_context *context, const json_t *request,
                       const struct ending *ending, struct error *err)
{
    struct request *read;
    struct store_view *view;
    struct plan *plan;
    int r = request_read(context, request, &read, err);
    if (r < 0)
        return r;
    r = store_view_open(context->store, plan_tables(read), &view, err);
    if (r == 0) {
        r = plan_new(context, read, view, &plan, err);
        if (r == 0) {
            r = plan_run(plan, ending, err);
            plan_free(plan);
        }
        store_view_close(view);
    }
    request_free(read);
    return r;
}

static int end_with_answer(const struct ending *e, struct plan *p, struct error *err)
{
    int r = extent_warn(p, err);
    if (r == 0)
        r = calendar_warn(p, err);
    return r == 0 ? answer_make(p, elapsed_ms(&e->start), e->ret_answer, err) : r;
}

int query_run(const struct query_context *context, const json_t *request, json_t **ret_result,
              struct error *err)
{
    struct ending ending = {.end = end_with_answer, .ret_answer = ret_result};
    (void)clock_gettime(CLOCK_MONOTONIC, &ending.start);
    return request_run(context, request, &ending, err);
}

#define NUMBER_BYTES 24

/* A value as a text; room is for numbers. */
static const char *value_text(struct dimension_value value, char room[NUMBER_BYTES])
{
    if (value.type == VALUE_IS_NUMBER)
        (void)snprintf(room, NUMBER_BYTES, "%lld", (long long)value.number);
    return value.type == VALUE_IS_TEXT ? value.text : value.type == VALUE_IS_NUMBER ? room : NULL;
}

/* A cell's values side by side: room that grows. NULL without memory. */
static const int64_t *cell_values(struct measure *m, uint32_t cell, size_t n, int64_t **room)
{
    int64_t *grown = realloc(*room, n * sizeof(*grown));
    if (!grown)
        return NULL;
    *room = grown;
    values_copy(samples_runs(&m->samples, cell), grown);
    return grown;
}

static int end_with_cells(const struct ending *e, struct plan *p, struct error *err)
{
    const struct request *request = p->request;
    struct measure *m = &p->measures[p->measure_of[0]];
    int64_t *room = NULL;
    char numbers[REQUEST_BY_MAX][NUMBER_BYTES];
    const char *by[REQUEST_BY_MAX];
    int r = 0;
    if (request->n_asked != 1 || m->n_slots != 1 || m->unit != UNIT_TICKET)
        return error_set(err, -EINVAL, "bad_option",
                         "one metric, one period and no votes can be put together");
    for (uint32_t g = 0; r == 0 && g < groups_count(p->groups); g++) {
        const struct cell *c = measure_cell(m, g, 0);
        if (c->n == 0)
            continue;
        for (unsigned k = 0; k < request->n_by; k++)
            by[k] = value_text(dimension_value(p->dimensions[request->by[k]], groups_ids(p->groups, g)[k]),
                               numbers[k]);
        const struct query_cell cell = {
            .by = by,
            .n = c->n,
            .x = c->x,
            .sum = c->sum,
            .samples = m->n_percentiles ? cell_values(m, g, c->n, &room) : NULL,
        };
        r = m->n_percentiles && !cell.samples
                ? error_set(err, -ENOMEM, "no_memory", "no memory for the query")
                : e->each(e->ctx, &cell, err);
    }
    free(room);
    return r;
}

int query_cells(const struct query_context *context, const json_t *request,
                int (*each)(void *ctx, const struct query_cell *cell, struct error *err), void *ctx,
                struct error *err)
{
    return request_run(context, request, &(struct ending){.end = end_with_cells, .each = each, .ctx = ctx},
                       err);
}
