#include "core/query/query.h"

#include "core/query/answer.h"
#include "core/query/calendar_warn.h"
#include "core/query/extent.h"
#include "core/query/plan.h"
#include "core/query/scan.h"

#include <time.h>

static double elapsed_ms(const struct timespec *since)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - since->tv_sec) * 1e3 + (double)(now.tv_nsec - since->tv_nsec) / 1e6;
}

static int plan_run(struct plan *p, const struct timespec *start, json_t **ret, struct error *err)
{
    int64_t first = PERIOD_BEGINNING, last = PERIOD_END;
    int r = plan_needs_extent(p) ? extent_find(p, &first, &last, err) : 0;
    if (r == 0)
        r = plan_cut(p, first, last, err);
    if (r == 0)
        r = scan_run(p, err);
    if (r == 0)
        r = extent_warn(p, err);
    if (r == 0)
        r = calendar_warn(p, err);
    if (r == 0)
        r = answer_make(p, elapsed_ms(start), ret, err);
    return r;
}

int query_run(const struct query_context *context, const json_t *request, json_t **ret_result,
              struct error *err)
{
    struct request *read;
    struct store_view *view;
    struct plan *plan;
    struct timespec start;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    int r = request_read(context, request, &read, err);
    if (r < 0)
        return r;
    r = store_view_open(context->store, &view, err);
    if (r == 0) {
        r = plan_new(context, read, view, &plan, err);
        if (r == 0) {
            r = plan_run(plan, &start, ret_result, err);
            plan_free(plan);
        }
        store_view_close(view);
    }
    request_free(read);
    return r;
}
