/* The holidays of the United States' federal government, on the days on which they are observed: one that
 * falls on a Saturday is observed on the Friday before, on a Sunday on the Monday after, and the day of the
 * weekend itself is then none. Computed for any year from 1971, when the Monday holidays came into force. */
#ifndef TENDON_FOLD_FEDERAL_H
#define TENDON_FOLD_FEDERAL_H

#include <stddef.h>
#include <stdint.h>

#define FEDERAL_YEAR_MIN 1971
#define FEDERAL_MAX      12

/* The holidays that belong to a year: days since 1970-01-01, ascending. The first may lie in the year before
 * (a New Year on a Saturday). The count; 0 before FEDERAL_YEAR_MIN. */
size_t federal_holidays(int32_t year, int64_t ret[FEDERAL_MAX]);

/* What is observed on a day, or NULL. Static. */
const char *federal_name(int64_t day);

#endif
