/* Who is on the other end of a connection, and what it may do. Rights come from the connection, never from
 * what a message says. */
#ifndef TENDON_TENANT_GRANT_H
#define TENDON_TENANT_GRANT_H

#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum role { ROLE_NONE, ROLE_SOURCE, ROLE_READER, ROLE_ADMIN, ROLE_FORWARDER, ROLE_BENCHMARK, ROLE_OPERATOR };

#define GRANT_SITES_MAX       32 /* that a reader is narrowed to */
#define GRANT_SITE_NAME_BYTES 32 /* of a forwarder's site */

/* Types a source may send unless its grant says otherwise: ticket.*, sla.*, contact.*, watermark. */
uint32_t grant_default_types(void);

/* The types of a name ("survey.response") or family ("survey.*"), as bits of enum event_type; 0 when there
 * are none. grant_types_nearest: the right name or family nearest to a wrong one, or NULL. */
uint32_t grant_types(const char *pattern);
const char *grant_types_nearest(const char *pattern);

struct grant {
    enum role role;
    char tenant[STORE_NAME_BYTES + 1];       /* empty for roles benchmark and operator */
    char source[STORE_NAME_BYTES + 1];       /* role source; role forwarder: its site and a slash */
    char namespace[STORE_NAME_BYTES + 1];    /* role source; default: the source's own name */
    uint32_t types;                          /* bits of enum event_type */
    char stamp_vendor[EVENT_CODE_BYTES + 1]; /* empty: none */
    char stamp_outsourcer[EVENT_CODE_BYTES + 1];
    char name[EVENT_CODE_BYTES + 1]; /* who it is, for the audit log: a key's name, "uid:0", "plugin" */
    uint8_t n_sites;                 /* role reader: 0 all sites, else only these; the others are not set */
    char sites[GRANT_SITES_MAX][EVENT_CODE_BYTES + 1];
};

const char *role_name(enum role role);
/* ROLE_NONE when there is none of that name; *ret_nearest (may be NULL) is then the nearest one, or NULL. */
enum role role_find(const char *name, const char **ret_nearest);
/* Whether it is bound to one tenant. */
bool role_has_tenant(enum role role);

#endif
