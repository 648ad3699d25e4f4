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

const char *role_name(enum role role)
{
    static const char *const NAMES[] = {"none",      "source",    "reader",  "admin",
                                        "forwarder", "benchmark", "operator"};
    return (unsigned)role < sizeof(NAMES) / sizeof(*NAMES) ? NAMES[role] : "none";
}
