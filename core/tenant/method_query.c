/* QUERY, and what metrics there are. */
#include "core/base/instant.h"
#include "core/query/explain.h"
#include "core/tenant/method.h"

/* Runs one of the engine's questions for the request's tenant, under its settings. */
static int ask(struct request *r,
               int (*question)(const struct query_context *, const json_t *, json_t **, struct error *),
               const json_t *body)
{
    struct tenant *t;
    int result = request_tenant(r, &t);
    if (result < 0)
        return result;
    struct tenant_settings *s = tenant_settings_get(t);
    const struct query_context context = {
        .store = t->store,
        .crew = r->crew,
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
    result = question(&context, body, &r->result, r->err);
    tenant_settings_unref(s);
    return result;
}

int request_query(struct request *r)
{
    return ask(r, query_run, r->params);
}

int method_ticket_explain(struct request *r)
{
    return ask(r, explain_ticket, r->params);
}

int method_metric_explain(struct request *r)
{
    const json_t *query = json_object_get(r->params, "query");
    if (!json_is_object(query))
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"query\" takes a map");
    return ask(r, explain_metric, query);
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
