/* Business clocks at query time, of what still runs: one for each site and for each calendar that a target
 * names, made when first asked for and kept for the query. One thread. */
#ifndef TENDON_QUERY_CLOCKS_H
#define TENDON_QUERY_CLOCKS_H

#include "core/fold/business.h"
#include "core/store/dictionary.h"

#include <stdint.h>

struct clocks;

/* fallback is the tenant's default calendar; all three must outlive the clocks. */
int clocks_new(const struct dictionary *dictionary, const struct reference *reference, const char *fallback,
               struct clocks **ret);
void clocks_free(struct clocks *c);

/* The clock of a ticket that has had this site all the time (number in its dictionary, 0 none), or of the
 * calendar with this number. NULL when there is no memory. */
const struct business *clocks_site(struct clocks *c, uint16_t site);
const struct business *clocks_calendar(struct clocks *c, uint16_t calendar);

#endif
