/* The calendars of a tenant by name, each in versions by the instant from which they hold. The part of struct
 * reference (reference.h) that is no table of rows; built by one thread, immutable once that is published. */
#ifndef TENDON_FOLD_CALENDARS_H
#define TENDON_FOLD_CALENDARS_H

#include "core/fold/calendar.h"
#include "core/fold/reference.h"

#include <stddef.h>

struct calendars_entry {
    char *name;
    size_t n, capacity; /* n ≥ 1 */
    struct reference_calendar *versions;
};

struct calendars {
    size_t n, capacity;
    struct calendars_entry *at; /* by name */
    size_t n_versions, n_holidays;
};

void calendars_fini(struct calendars *c);

/* Adds all of another; 0 or -ENOMEM. */
int calendars_copy(struct calendars *c, const struct calendars *from);

/* The entry of a name, or NULL. */
const struct calendars_entry *calendars_find(const struct calendars *c, const char *name);

/* Sets one version, in place of one with the same valid_from, with a reference of its own to the calendar.
 * 0, -ENOMEM, or -ENOSPC with code reference_full. */
int calendars_set(struct calendars *c, const char *name, int64_t valid_from, struct calendar *calendar,
                  struct error *err);

/* Takes away one version, or with valid_from NULL all of a name. False when there is none such. */
bool calendars_remove(struct calendars *c, const char *name, const int64_t *valid_from);

/* Whether some calendar differs at some instant. */
bool calendars_differ(const struct calendars *a, const struct calendars *b);

#endif
