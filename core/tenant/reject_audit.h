/* Summaries of rejects for the audit log: a source, what was rejected of it so far, by code. Totals, so that
 * one that is there twice says nothing wrong; a source is in a summary when they have changed since the last.
 */
#ifndef TENDON_TENANT_REJECT_AUDIT_H
#define TENDON_TENANT_REJECT_AUDIT_H

#include "core/tenant/audit.h"
#include "core/tenant/tenant.h"

#include <jansson.h>

/* known: an object of the caller's, empty at first, in which the last totals are kept. One thread at a time.
 * What could not be recorded is tried again the next time. */
int reject_audit_record(struct audit *a, struct tenants *ts, json_t *known, struct error *err);

#endif
