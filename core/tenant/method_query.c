/* QUERY, and what metrics there are. */
#include "core/base/instant.h"
#include "core/query/query.h"
#include "core/tenant/method.h"

int request_query(struct request *r)
{
    struct tenant *t;
    int result = request_tenant(r, &t);
    if (result < 0)
        return result;
    (void)json_object_del(r->params, "tenant");
    struct tenant_settings *s = tenant_settings_get(t);
    const struct query_context context = {
        .store = t->store,
        .tenant = t->name,
        .zone = s->zone,
        .nearshore = s->nearshore,
        .calendar = s->calendar,
        .not_level1 = s->not_level1,
        .declared = (const char(*)[EVENT_CODE_BYTES + 1]) s->declared,
        .n_declared = s->n_declared,
        .now = instant_now(),
        .deadline = instant_monotonic_ms() + s->limits.query_time_ms,
        .rows_max = s->limits.result_rows,
        .cancelled = r->cancelled,
    };
    result = query_run(&context, r->params, &r->result, r->err);
    tenant_settings_unref(s);
    return result;
}

int method_metric_list(struct request *r)
{
    return request_answer(r, metric_catalogue());
}

int method_metric_show(struct request *r)
{
    const char *name;
    int result = request_text(r, "name", true, &name);
    return result < 0 ? result : metric_show(name, &r->result, r->err);
}
