/* Tenants: strangers that share one collector. Each has a name, settings, a key file and a store.
 *
 * The registry opens them at start and on reload and keeps each one open until it is removed or the registry
 * is freed. A struct tenant is valid from any thread for as long as the registry is; its store only for who
 * holds the tenant. Settings change on reload: who reads them takes a reference of the present ones, which
 * never change. The store belongs to the tenant's committer, views of it to anybody (core/store/store.h). */
#ifndef TENDON_TENANT_TENANT_H
#define TENDON_TENANT_TENANT_H

#include "core/base/error.h"
#include "core/store/store.h"
#include "core/tenant/limit.h"
#include "proto/event.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENANTS_MAX     4096
#define NEARSHORE_MAX   64
#define NOT_LEVEL1_MAX  64 /* categories */
#define TENANT_ZONE_MAX 63

/* Immutable and counted. */
struct tenant_settings {
    atomic_uint references;
    char zone[TENANT_ZONE_MAX + 1];                          /* IANA, known to exist */
    char declared[EVENT_DECLARED_MAX][EVENT_CODE_BYTES + 1]; /* by field number − FIELD_DECLARED, for ever */
    unsigned n_declared;
    uint64_t closed;                          /* bits of enum event_field: only imported values are taken */
    char nearshore_room[NEARSHORE_MAX][3];    /* country codes, upper case */
    const char *nearshore[NEARSHORE_MAX + 1]; /* into nearshore_room, ends with NULL */
    char calendar[EVENT_CODE_BYTES + 1];      /* the default one's name; "": none */
    struct policy *policies;                  /* in the order of the configuration */
    size_t n_policies;
    char not_level1_room[NOT_LEVEL1_MAX][EVENT_CODE_BYTES + 1];
    const char *not_level1[NOT_LEVEL1_MAX + 1]; /* categories, into not_level1_room, ends with NULL */
    /* In force; below, what they come from (core/tenant/limit.h). */
    struct store_retention retention;
    struct tenant_limits limits;
    struct store_retention retention_configured, retention_set;
    bool is_retention_set; /* in place of the configured one */
    struct tenant_limits limits_configured, limits_operator, limits_admin;
    int64_t consented_at; /* to the benchmark across tenants, ms since 1970; 0: it takes no part */
    bool is_importing;    /* what an export holds is not all in yet: nobody asks it anything */
};

struct tenant {
    char name[STORE_NAME_BYTES + 1];
    unsigned index;      /* its place in the registry, from 0, for tables by tenant */
    struct store *store; /* open for who holds it */
    atomic_uint n_holders;
    atomic_bool is_removed;    /* nobody holds it any more who does not already */
    atomic_bool is_gone;       /* and its index and place are free for another */
    struct tenant *next_grave; /* the registry's */
    pthread_mutex_t lock;
    struct tenant_settings *settings; /* under lock: tenant_settings_get */
    int64_t acts_day;                 /* under lock: the day, since 1970, of n_acts: acts of its admins */
    unsigned n_acts;
};

#define TENANT_ACTS_MAX 10000 /* of its admins, a UTC day: what they do is kept for years */

/* Counts an act of the tenant's admin; false when there were TENANT_ACTS_MAX today. now: ms since 1970. */
bool tenant_count_act(struct tenant *t, int64_t now);

/* The present settings; give them back with tenant_settings_unref (NULL is fine). */
struct tenant_settings *tenant_settings_get(struct tenant *t);
void tenant_settings_unref(struct tenant_settings *s);

struct config;
struct control;
struct tenants;

struct tenants_options {
    const char *data; /* stores lie in data/tenants/NAME */
    const char *keys; /* keys in keys/tenant-NAME.key */
    struct control *control;
};

/* A tenant that is known and could not be opened: the others go on without it. */
struct tenant_failure {
    char name[STORE_NAME_BYTES + 1];
    struct error error;
};

/* Reads which tenants are known; opens none yet. Strings are copied. */
int tenants_new(const struct tenants_options *options, struct tenants **ret, struct error *err);
/* Closes the stores. Views, the committer and dispatch must be gone. NULL is fine. */
void tenants_free(struct tenants *ts);

/* Takes a tenant away for good: from now on nobody finds or holds it; when nobody holds it any more, drain
 * makes sure that nobody works on its store (committer_forget); then its keys are revoked, its own key is
 * destroyed, its files are deleted. Where the collector ends in the middle of that, the next start ends it.
 * Waits. Codes: unknown_tenant; busy: somebody still holds it, and it stays as it was; control_write;
 * key_file, directory: the next start tries again. */
int tenants_remove(struct tenants *ts, const char *name, void (*drain)(void *ctx, struct tenant *t),
                   void *ctx, struct error *err);

/* Makes one tenant by its settings' record (settings.h), with this key (NULL: the one of its file, which must
 * be there). Codes: tenant_exists, too_many_tenants, too_large, key_file, wrong_key: its file holds another
 * one. */
int tenants_make(struct tenants *ts, const char *name, json_t *record, const uint8_t *key, struct error *err);

/* Puts other settings in force for one tenant: change alters its record (settings.h), which is read back and
 * kept. Codes: unknown_tenant, control_write, no_memory, too_large, and change's. */
int tenants_change(struct tenants *ts, const char *name,
                   int (*change)(void *ctx, json_t *record, const struct tenant_settings *s,
                                 struct error *err),
                   void *ctx, struct error *err);

/* Makes what the configuration names and is missing (key, store, record), opens what is known and not open,
 * and puts the new settings in place: all, or none with an error. A tenant that was known before and cannot
 * be opened is no error but a failure (below), tried again each time. One thread at a time. */
int tenants_apply(struct tenants *ts, const struct config *config, struct error *err);

/* The tenants that could not be opened; *ret is the caller's to free. */
int tenants_failures(struct tenants *ts, struct tenant_failure **ret, size_t *ret_n);

/* NULL when there is none of that name. Any thread, no lock. */
struct tenant *tenants_find(struct tenants *ts, const char *name);
/* Every index is below the count; NULL where one was removed. Any thread, no lock. */
unsigned tenants_count(struct tenants *ts);
struct tenant *tenants_at(struct tenants *ts, unsigned index);

/* Holds a tenant open until tenant_release; false when it is being removed. Any thread, no lock. */
bool tenant_hold(struct tenant *t);
void tenant_release(struct tenant *t); /* NULL is fine */
/* tenants_find and tenants_at, held. */
struct tenant *tenants_hold(struct tenants *ts, const char *name);
struct tenant *tenants_hold_at(struct tenants *ts, unsigned index);

/* Whether s names a tenant, source or namespace: [a-z0-9][a-z0-9._-]*, at most STORE_NAME_BYTES. */
bool tenant_name_valid(const char *s);

#endif
