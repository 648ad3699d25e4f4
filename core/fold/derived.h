/* The derived dimensions of a row: who supports, and from where.
 *
 * Made at query time from the reference rows in force at the row's instant (reference_find); nobody who is
 * judged can send them. Pure functions; any thread. */
#ifndef TENDON_FOLD_DERIVED_H
#define TENDON_FOLD_DERIVED_H

#include "core/fold/reference.h"

enum support_model { SUPPORT_MODEL_NONE, SUPPORT_OUTSOURCED, SUPPORT_OWN, SUPPORT_DIRECT, SUPPORT_MODEL_N };

enum support_region {
    SUPPORT_REGION_NONE,
    SUPPORT_DOMESTIC,
    SUPPORT_NEARSHORE,
    SUPPORT_OFFSHORE,
    SUPPORT_REGION_N
};

/* By number; NULL for none. */
extern const char *const SUPPORT_MODEL_NAMES[SUPPORT_MODEL_N];
extern const char *const SUPPORT_REGION_NAMES[SUPPORT_REGION_N];

/* outsourced: the team has an outsourcer; own: its employer is the site's org; else direct. None when there
 * is no team or no row for it. site may be NULL: then nothing is known to be the site's own. */
enum support_model derived_support_model(const struct reference_row *team, const struct reference_row *site);

/* domestic: team and site are in one country; nearshore: the team's country is in the tenant's list (ends
 * with NULL; NULL: empty); else offshore. None when the country of either is not known. */
enum support_region derived_support_region(const struct reference_row *team, const struct reference_row *site,
                                           const char *const *nearshore);

#endif
