/* audit.list, audit.export */
#include "core/base/nearest.h"
#include "core/tenant/method.h"

#include <string.h>

static int chain_param(const struct request *r, enum audit_chain *ret)
{
    const char *name;
    int result = request_text(r, "chain", false, &name);
    if (result < 0)
        return result;
    *ret = name ? audit_chain_find(name) : AUDIT_ACTS;
    if (*ret == AUDIT_N_CHAINS)
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"chain\" takes acts or usage");
    return 0;
}

int method_audit_list(struct request *r)
{
    struct audit_filter f = {.limit = 100};
    int64_t limit = 100;
    struct error err = ERROR_INIT;
    int result = chain_param(r, &f.chain);
    if (result == 0)
        result = request_text(r, "tenant", false, &f.tenant);
    if (result == 0)
        result = request_text(r, "act", false, &f.act);
    if (result == 0)
        result = request_int(r, "since", 0, INT64_MAX, &f.since);
    if (result == 0)
        result = request_int(r, "limit", 1, AUDIT_PAGE_MAX, &limit);
    if (result < 0)
        return result;
    if (r->who->role != ROLE_OPERATOR) {
        struct tenant *t;
        result = request_tenant(r, &t);
        if (result < 0)
            return result;
        f.tenant = t->name;
    }
    f.limit = (size_t)limit;
    (void)audit_flush(r->parts->audit, &err); /* what was asked a moment ago; what cannot be written waits */
    return audit_list(r->parts->audit, &f, &r->result, r->err);
}

int method_audit_export(struct request *r)
{
    enum audit_chain chain;
    int64_t from = 0, until = INT64_MAX, limit = AUDIT_PAGE_MAX;
    int result = chain_param(r, &chain);
    if (result == 0)
        result = request_int(r, "from", 0, INT64_MAX, &from);
    if (result == 0)
        result = request_int(r, "until", 0, INT64_MAX, &until);
    if (result == 0)
        result = request_int(r, "limit", 1, AUDIT_PAGE_MAX, &limit);
    if (result == 0 && from == 0)
        result = audit_flush(r->parts->audit, r->err);
    if (result < 0)
        return result;
    return audit_export(r->parts->audit, chain, (uint64_t)from, (uint64_t)until, (size_t)limit, &r->result,
                        r->err);
}
