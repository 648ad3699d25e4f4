/* What a tenant may use. Three layers: what the configuration says (or its presets), what the operator has
 * set since, and what the tenant's own admin has lowered; a limit in force is the operator's where there is
 * one, else the configuration's, and never more than the admin's. No state; any thread. */
#ifndef TENDON_TENANT_LIMIT_H
#define TENDON_TENANT_LIMIT_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As the configuration and the command line call them. In layers of operator and admin 0 is not set; of those
 * whose low is 0 in force it is none. X(name, kind, preset, low, high) */
#define TENANT_LIMITS(X)                                                                                     \
    X(stored_bytes, LIMIT_BYTES, 64ll << 30, 16 << 20, 16ll << 40)                                           \
    X(hot_events, LIMIT_COUNT, 0, 1000, 50000000)                                                            \
    X(query_time, LIMIT_MS, 5000, 100, 3600000)                                                              \
    X(result_rows, LIMIT_COUNT, 100000, 1, 10000000)                                                         \
    X(events_per_second, LIMIT_COUNT, 0, 1, 10000000)                                                        \
    X(burst, LIMIT_COUNT, 0, 1, 1000000000)                                                                  \
    X(sources, LIMIT_COUNT, 1024, 1, 65536)                                                                  \
    X(connections, LIMIT_COUNT, 1024, 1, 65536)                                                              \
    X(queries, LIMIT_COUNT, 0, 1, 64)

enum limit_kind { LIMIT_COUNT, LIMIT_BYTES, LIMIT_MS };

struct tenant_limits {
#define X(name, kind, preset, low, high) int64_t name;
    TENANT_LIMITS(X)
#undef X
};

struct limit_info {
    const char *name;
    enum limit_kind kind;
    int64_t preset, low, high;
    size_t offset; /* in struct tenant_limits */
};
extern const struct limit_info LIMIT_INFO[];
extern const size_t N_LIMITS;

static inline int64_t *limit_at(struct tenant_limits *limits, const struct limit_info *info)
{
    return (int64_t *)((char *)limits + info->offset);
}

/* -ENOENT unknown_limit with the nearest name. */
int limit_find(const char *name, const struct limit_info **ret, struct error *err);
/* A value as people write it: "64GiB", "5s", "1000"; or a whole number. -EINVAL bad_limit with what would be
 * right. */
int limit_value(const struct limit_info *info, const json_t *value, int64_t *ret, struct error *err);

/* Whether that value in force is none. */
static inline bool limit_is_none(const struct limit_info *info, int64_t value)
{
    return info->preset == 0 && value == 0;
}

void limits_preset(struct tenant_limits *ret);
/* What is in force. */
void limits_resolve(const struct tenant_limits *configured, const struct tenant_limits *by_operator,
                    const struct tenant_limits *by_admin, struct tenant_limits *ret);

/* {name: number}, without those that are 0; and back: what is not there stays as it is. -EBADMSG. */
json_t *limits_json(const struct tenant_limits *limits);
int limits_of_json(const json_t *json, struct tenant_limits *limits);

#endif
