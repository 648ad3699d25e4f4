/* The methods of CALL: what each is called, who may call it, what it takes, and the function that answers.
 *
 * A method runs on a thread of dispatch's pool and may wait. It reads its parameters with the functions
 * below, which check them, and leaves its answer in result. */
#ifndef TENDON_TENANT_METHOD_H
#define TENDON_TENANT_METHOD_H

#include "core/base/error.h"
#include "core/tenant/audit.h"
#include "core/tenant/config.h"
#include "core/tenant/dispatch.h"
#include "core/tenant/tenant.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct crew;
struct method;

struct request {
    const struct dispatch_options *parts; /* the collector's */
    const struct config *config;          /* the present one */
    const struct grant *who;
    const struct method *method; /* NULL: a query */
    json_t *params;              /* a map */
    const atomic_bool *cancelled;
    struct crew *crew;   /* threads that help queries */
    int64_t started_at;  /* the collector, ms since 1970 */
    struct tenant *held; /* by request_tenant, until it is answered */
    uint64_t act;        /* its number in the audit log; 0: it is none */
    json_t *result;      /* the answer, the request's to free */
    struct error *err;
};

#define METHOD_PARAMS_MAX 12

struct method {
    const char *name;
    unsigned roles; /* who may call it beside the operator, each for its own tenant: bits of enum role */
    int (*run)(struct request *r);
    const char *params[METHOD_PARAMS_MAX]; /* names, ends with NULL */
    bool of_importing;                     /* also of a tenant that is not all there yet */
};

extern const struct method METHODS[];
extern const size_t N_METHODS;

/* The method of that name; -ENOENT unknown_method with the nearest. */
int method_find(const char *name, const struct method **ret, struct error *err);
/* Whether the request may be run: rights and names of parameters. Codes not_granted, unknown_param. */
int method_allow(const struct method *m, const struct request *r);

/* A text parameter; *ret is NULL where it is left out and may be. -EINVAL bad_param. */
int request_text(const struct request *r, const char *name, bool required, const char **ret);
/* Refuses a text that is to be kept and looks as if it spoke of a person: -EINVAL looks_personal. */
int request_check_kept(const struct request *r, const char *name, const char *text);
/* A whole number in [low, high]; *ret stays where it is left out. */
int request_int(const struct request *r, const char *name, int64_t low, int64_t high, int64_t *ret);
/* The tenant that the request speaks of: its grant's, the parameter's, or the only one. Codes unknown_tenant,
 * tenant_required, tenant_unavailable, importing. It is held until the request is answered; one a request. */
int request_tenant(struct request *r, struct tenant **ret);
/* The result is made; -ENOMEM when it is NULL. */
int request_answer(struct request *r, json_t *result);

/* The same for what may have made a refold due, with "refolding". */
int request_answer_change(struct request *r, const struct tenant *t, json_t *result);

/* A copy of the tenant's reference tables to change, for the caller, who is on the tenant's committer. */
int method_tables_copy(struct tenant *t, struct reference **ret, struct error *err);

/* Records what the request is about to do, under the method's name; nothing that could not be recorded may be
 * done. what (an object of what was checked: names, codes, numbers) is taken over. Its outcome is recorded
 * when the method has returned. Codes audit_failed; too_many_acts, of an admin. */
int request_act(struct request *r, struct tenant *t, json_t *what);
/* That outcome; on an error it is the request's. */
int request_outcome(struct request *r, int result);
/* Records a question (act: "query" or the method's name) before it is answered. */
int request_ask(struct request *r, const struct tenant *t, json_t *what);

/* How far the refold of a tenant is that is due or under way: {"done": n, "subjects": n}, or null. */
json_t *refolding_json(const struct tenant *t);
/* An instant as RFC 3339, or null for FACT_NULL. */
json_t *instant_json(int64_t ms);
/* Moves value to the end of a list (nothing may be NULL); 0 or -ENOMEM. */
int list_append(json_t *list, json_t *value);

int request_query(struct request *r);

int method_audit_export(struct request *r);
int method_audit_list(struct request *r);
int method_benchmark_consent(struct request *r);
int method_benchmark_define(struct request *r);
int method_benchmark_freeze(struct request *r);
int method_benchmark_list(struct request *r);
int method_benchmark_show(struct request *r);
int method_benchmark_undefine(struct request *r);
int method_benchmark_withdraw(struct request *r);
int method_calendar_import(struct request *r);
int method_calendar_list(struct request *r);
int method_calendar_remove(struct request *r);
int method_calendar_show(struct request *r);
int method_status(struct request *r);
int method_tenant_add(struct request *r);
int method_tenant_export(struct request *r);
int method_tenant_import(struct request *r);
int method_tenant_limit(struct request *r);
int method_tenant_remove(struct request *r);
int method_tenant_retention(struct request *r);
int method_tenant_list(struct request *r);
int method_tenant_show(struct request *r);
int method_ticket_explain(struct request *r);
int method_tenant_reindex(struct request *r);
int method_source_list(struct request *r);
int method_source_show(struct request *r);
int method_source_rejects(struct request *r);
int method_source_reset(struct request *r);
int method_code_import(struct request *r);
int method_code_list(struct request *r);
int method_reference_import(struct request *r);
int method_reference_list(struct request *r);
int method_plugin_list(struct request *r);
int method_plugin_show(struct request *r);
int method_plugin_release(struct request *r);
int method_plugin_reload(struct request *r);
int method_plugin_top(struct request *r);
int method_metric_explain(struct request *r);
int method_metric_list(struct request *r);
int method_metric_show(struct request *r);
int method_key_grant(struct request *r);
int method_key_rotate(struct request *r);
int method_key_list(struct request *r);
int method_key_revoke(struct request *r);
int method_server_key(struct request *r);

#endif
