/* A tenant's settings: from the configuration, and kept in the control environment, so that a tenant which
 * the file no longer names goes on as it was. */
#ifndef TENDON_TENANT_SETTINGS_H
#define TENDON_TENANT_SETTINGS_H

#include "core/tenant/config.h"
#include "core/tenant/tenant.h"

/* What the configuration says, with the dimensions declared before (NULL: none) keeping their numbers.
 * -ENOSPC (too_many_dimensions) when they are more than EVENT_DECLARED_MAX together. */
int settings_of_config(const struct config_tenant *config, const struct tenant_settings *before,
                       struct tenant_settings **ret, struct error *err);

/* The name of a dimension that can be closed, or NULL where the field is none: a string of an event, of the
 * fixed ones or declared. */
const char *settings_closable(const struct tenant_settings *s, unsigned field);

/* The record of the control environment and back. */
json_t *settings_record(const struct tenant_settings *s);
int settings_of_record(json_t *record, struct tenant_settings **ret, struct error *err);

#endif
