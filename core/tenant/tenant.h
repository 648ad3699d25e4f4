/* Tenants: strangers that share one collector. Each has a name, settings, a key file and a store.
 *
 * The registry opens them at start and on reload, and keeps each one open until it is freed: a struct tenant
 * * is valid from any thread for as long as the registry is. Settings change on reload: who reads them takes
 * a reference of the present ones, which never change. The store belongs to the tenant's committer, views of
 * it to anybody (core/store/store.h). */
#ifndef TENDON_TENANT_TENANT_H
#define TENDON_TENANT_TENANT_H

#include "core/base/error.h"
#include "core/store/store.h"
#include "proto/event.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENANTS_MAX     4096
#define NEARSHORE_MAX   64
#define NOT_LEVEL1_MAX  64 /* categories */
#define TENANT_ZONE_MAX 63

struct tenant_limits {
    uint64_t stored_bytes;  /* of the environment; its map is twice that */
    uint64_t hot_events;    /* in memory before the store seals; 0: the store's default */
    uint32_t query_time_ms; /* of one query */
    uint32_t result_rows;   /* of one answer */
};

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
    struct store_retention retention;
    struct tenant_limits limits;
};

struct tenant {
    char name[STORE_NAME_BYTES + 1];
    unsigned index;      /* its place in the registry, from 0, for tables by tenant */
    struct store *store; /* open */
    pthread_mutex_t lock;
    struct tenant_settings *settings; /* under lock: tenant_settings_get */
};

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

/* Makes what the configuration names and is missing (key, store, record), opens what is known and not open,
 * and puts the new settings in place: all, or none with an error. A tenant that was known before and cannot
 * be opened is no error but a failure (below), tried again each time. One thread at a time. */
int tenants_apply(struct tenants *ts, const struct config *config, struct error *err);

/* The tenants that could not be opened; *ret is the caller's to free. */
int tenants_failures(struct tenants *ts, struct tenant_failure **ret, size_t *ret_n);

/* NULL when there is none of that name. Any thread, no lock. */
struct tenant *tenants_find(struct tenants *ts, const char *name);
/* By index, in order of opening: every index below the count. Any thread, no lock. */
unsigned tenants_count(struct tenants *ts);
struct tenant *tenants_at(struct tenants *ts, unsigned index);

/* Whether s names a tenant, source or namespace: [a-z0-9][a-z0-9._-]*, at most STORE_NAME_BYTES. */
bool tenant_name_valid(const char *s);

#endif
