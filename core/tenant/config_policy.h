/* SLA policies as the configuration writes them, and as the control environment keeps them. */
#ifndef TENDON_TENANT_CONFIG_POLICY_H
#define TENDON_TENANT_CONFIG_POLICY_H

#include "core/fold/policy.h"
#include "core/tenant/config.h"

/* Tells what is wrong with a tenant's policies: a dimension or value that there is not, a calendar that no
 * clock looks at, a policy that another before it leaves nothing to. */
void config_policies_check(const struct config_tenant *t, struct config_problems *p);

/* The record of a tenant's checked policies; NULL when out of memory. */
json_t *config_policies_record(const struct config_tenant *t);

/* Policies from their record; declared are the names of the tenant's own dimensions by place. Free with
 * policies_free. -EBADMSG when it is none, -ENOMEM. */
int policies_of_record(const json_t *record, const char (*declared)[EVENT_CODE_BYTES + 1],
                       unsigned n_declared, struct policy **ret, size_t *ret_n);
/* And back; NULL when out of memory. */
json_t *policies_record(const struct policy *policies, size_t n, const char (*declared)[EVENT_CODE_BYTES + 1],
                        unsigned n_declared);

#endif
