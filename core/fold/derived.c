#include "core/fold/derived.h"

#include <string.h>
#include <strings.h>

const char *const SUPPORT_MODEL_NAMES[SUPPORT_MODEL_N] = {
    [SUPPORT_OUTSOURCED] = "outsourced",
    [SUPPORT_OWN] = "own",
    [SUPPORT_DIRECT] = "direct",
};

const char *const SUPPORT_REGION_NAMES[SUPPORT_REGION_N] = {
    [SUPPORT_DOMESTIC] = "domestic",
    [SUPPORT_NEARSHORE] = "nearshore",
    [SUPPORT_OFFSHORE] = "offshore",
};

enum support_model derived_support_model(const struct reference_row *team, const struct reference_row *site)
{
    if (!team)
        return SUPPORT_MODEL_NONE;
    if (team->strings[REFERENCE_OUTSOURCER])
        return SUPPORT_OUTSOURCED;
    const char *employer = team->strings[REFERENCE_EMPLOYER];
    const char *org = site ? site->strings[REFERENCE_ORG] : NULL;
    return employer && org && strcmp(employer, org) == 0 ? SUPPORT_OWN : SUPPORT_DIRECT;
}

enum support_region derived_support_region(const struct reference_row *team, const struct reference_row *site,
                                           const char *const *nearshore)
{
    const char *from = team ? team->strings[REFERENCE_TEAM_COUNTRY] : NULL;
    const char *to = site ? site->strings[REFERENCE_COUNTRY] : NULL;
    if (!from || !to)
        return SUPPORT_REGION_NONE;
    if (strcmp(from, to) == 0)
        return SUPPORT_DOMESTIC;
    for (; nearshore && *nearshore; nearshore++)
        if (strcasecmp(from, *nearshore) == 0) /* the list is the configuration's, in either case */
            return SUPPORT_NEARSHORE;
    return SUPPORT_OFFSHORE;
}
