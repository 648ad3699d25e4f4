/* QUERY, and what metrics there are. */
#include "core/base/instant.h"
#include "core/query/explain.h"
#include "core/tenant/method.h"
#include "core/tenant/question.h"

/* One question to the engine. */
struct asking {
    int (*answer)(const struct query_context *, const json_t *, json_t **, struct error *);
    /* What the audit log keeps of it, before it is answered. */
    int (*compile)(const struct query_context *, const json_t *, json_t **, struct error *);
};

static int compile_ticket(const struct query_context *context, const json_t *body, json_t **ret,
                          struct error *err)
{
    char room[QUESTION_HASH_BYTES];
    const char *ticket = json_string_value(json_object_get(body, "ticket"));
    *ret = json_pack("{s:s?}", "ticket", ticket ? question_hash(context->store, ticket, room) : NULL);
    return *ret ? 0 : error_set(err, -ENOMEM, "no_memory", "out of memory for the question");
}

static const struct asking QUERY = {query_run, question_compile};
static const struct asking EXPLAIN_METRIC = {explain_metric, question_compile};
static const struct asking EXPLAIN_TICKET = {explain_ticket, compile_ticket};

static bool refolding_due(const struct tenant *t)
{
    struct store_progress p;
    store_progress(t->store, &p);
    return p.is_refolding;
}

static int ask_whole(struct request *r, const struct tenant *t, const struct asking *asking,
                     const struct query_context *context, const json_t *body)
{
    json_t *compiled;
    int result = asking->compile(context, body, &compiled, r->err);
    if (result == 0)
        result = request_ask(r, t, compiled);
    return result == 0 ? asking->answer(context, body, &r->result, r->err) : result;
}

/* For a key that is narrowed to sites: figures of those, and tickets that had no other. */
static int ask_narrowed(struct request *r, const struct tenant *t, const struct asking *asking,
                        const struct query_context *context, const json_t *body)
{
    json_t *narrowed;
    if (asking == &EXPLAIN_TICKET) {
        struct query_context of_sites = *context;
        of_sites.sites = (const char(*)[EVENT_CODE_BYTES + 1]) r->who->sites;
        of_sites.n_sites = r->who->n_sites;
        return ask_whole(r, t, asking, &of_sites, body);
    }
    if (asking != &QUERY)
        return error_set(r->err, -EPERM, "not_granted", "%s is not for a key that is narrowed to sites",
                         r->method->name);
    int result = question_narrow(context, body, (const char(*)[EVENT_CODE_BYTES + 1]) r->who->sites,
                                 r->who->n_sites, &narrowed, r->err);
    if (result < 0)
        return result;
    result = ask_whole(r, t, asking, context, narrowed);
    json_decref(narrowed);
    if (result == 0)
        question_narrow_answer(r->result, refolding_due(t));
    return result;
}

/* Asks for the request's tenant, under its settings. */
static int ask(struct request *r, const struct asking *asking, const json_t *body)
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
        .deadline = instant_monotonic_ms() + s->limits.query_time,
        .rows_max = (size_t)s->limits.result_rows,
        .cancelled = r->cancelled,
    };
    result = r->who->n_sites ? ask_narrowed(r, t, asking, &context, body)
                             : ask_whole(r, t, asking, &context, body);
    tenant_settings_unref(s);
    return result;
}

int request_query(struct request *r)
{
    return ask(r, &QUERY, r->params);
}

int method_ticket_explain(struct request *r)
{
    return ask(r, &EXPLAIN_TICKET, r->params);
}

int method_metric_explain(struct request *r)
{
    const json_t *query = json_object_get(r->params, "query");
    if (!json_is_object(query))
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"query\" takes a map");
    return ask(r, &EXPLAIN_METRIC, query);
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
