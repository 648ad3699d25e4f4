#include "core/tenant/grant.h"

#include "core/base/nearest.h"

#include <string.h>

#define BIT(type) (1u << EVENT_##type)

static const char *const TYPE_NAMES[EVENT_N_TYPES] = {
#define X(name, text) text,
    EVENT_TYPES(X)
#undef X
};

uint32_t grant_default_types(void)
{
    return ((1u << EVENT_N_TYPES) - 1) & ~(BIT(SURVEY_SENT) | BIT(SURVEY_RESPONSE));
}

uint32_t grant_types(const char *pattern)
{
    uint32_t bits = 0;
    size_t n = strlen(pattern);
    bool family = n > 2 && strcmp(pattern + n - 2, ".*") == 0;
    for (unsigned i = 0; i < EVENT_N_TYPES; i++)
        if (family ? strncmp(TYPE_NAMES[i], pattern, n - 1) == 0 : strcmp(TYPE_NAMES[i], pattern) == 0)
            bits |= 1u << i;
    return bits;
}

const char *grant_types_nearest(const char *pattern)
{
    struct nearest near;
    nearest_init(&near, pattern, strlen(pattern));
    for (unsigned i = 0; i < EVENT_N_TYPES; i++)
        nearest_offer(&near, TYPE_NAMES[i]);
    static const char *const FAMILIES[] = {"ticket.*", "sla.*", "contact.*", "survey.*", "source.*"};
    for (size_t i = 0; i < sizeof(FAMILIES) / sizeof(*FAMILIES); i++)
        nearest_offer(&near, FAMILIES[i]);
    return near.best;
}

static const char *const ROLE_NAMES[] = {"none",      "source",    "reader",  "admin",
                                         "forwarder", "benchmark", "operator"};

const char *role_name(enum role role)
{
    return (unsigned)role <= ROLE_OPERATOR ? ROLE_NAMES[role] : "none";
}

enum role role_find(const char *name, const char **ret_nearest)
{
    for (unsigned role = ROLE_SOURCE; role <= ROLE_OPERATOR; role++)
        if (strcmp(ROLE_NAMES[role], name) == 0)
            return (enum role)role;
    if (ret_nearest)
        *ret_nearest = nearest_name(name, ROLE_NAMES + 1, ROLE_OPERATOR);
    return ROLE_NONE;
}

bool role_has_tenant(enum role role)
{
    return role == ROLE_SOURCE || role == ROLE_READER || role == ROLE_ADMIN || role == ROLE_FORWARDER;
}
