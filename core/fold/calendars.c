#include "core/fold/calendars.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void entry_fini(struct calendars_entry *entry)
{
    for (size_t i = 0; i < entry->n; i++)
        calendar_unref(entry->versions[i].calendar);
    free(entry->versions);
    free(entry->name);
}

void calendars_fini(struct calendars *c)
{
    for (size_t i = 0; i < c->n; i++)
        entry_fini(&c->at[i]);
    free(c->at);
    *c = (struct calendars){0};
}

int calendars_copy(struct calendars *c, const struct calendars *from)
{
    for (size_t i = 0; i < from->n; i++)
        for (size_t v = 0; v < from->at[i].n; v++) {
            const struct reference_calendar *version = &from->at[i].versions[v];
            int r = calendars_set(c, from->at[i].name, version->valid_from, version->calendar, NULL);
            if (r)
                return r;
        }
    return 0;
}

/* Where a name stands, or would; *ret_known says which. */
static size_t place_of(const struct calendars *c, const char *name, bool *ret_known)
{
    size_t low = 0, high = c->n;
    *ret_known = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(c->at[middle].name, name);
        if (order == 0) {
            *ret_known = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct calendars_entry *calendars_find(const struct calendars *c, const char *name)
{
    bool known;
    size_t i = place_of(c, name, &known);
    return known ? &c->at[i] : NULL;
}

/* --- setting
 * ------------------------------------------------------------------------------------------------- */

/* One more place of size bytes in an array; the array, or NULL. */
static void *array_grow(void *array, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return array;
    size_t grown = *capacity ? 2 * *capacity : 4;
    void *moved = reallocarray(array, grown, size);
    if (moved)
        *capacity = grown;
    return moved;
}

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "no_memory", "no memory for the calendars");
}

/* A new entry with one version. */
static int entry_add(struct calendars *c, size_t place, const char *name,
                     const struct reference_calendar *version, struct error *err)
{
    struct calendars_entry *grown = array_grow(c->at, c->n, &c->capacity, sizeof(*grown));
    if (!grown)
        return no_memory(err);
    c->at = grown;
    struct calendars_entry entry = {.name = strdup(name), .n = 1, .capacity = 1};
    entry.versions = malloc(sizeof(*entry.versions));
    if (!entry.name || !entry.versions) {
        free(entry.name);
        free(entry.versions);
        return no_memory(err);
    }
    entry.versions[0] = *version;
    memmove(grown + place + 1, grown + place, (c->n - place) * sizeof(*grown));
    grown[place] = entry;
    c->n++;
    return 0;
}

static int version_add(struct calendars_entry *entry, size_t place, const struct reference_calendar *version,
                       struct error *err)
{
    struct reference_calendar *grown =
        array_grow(entry->versions, entry->n, &entry->capacity, sizeof(*grown));
    if (!grown)
        return no_memory(err);
    entry->versions = grown;
    memmove(grown + place + 1, grown + place, (entry->n - place) * sizeof(*grown));
    grown[place] = *version;
    entry->n++;
    return 0;
}

int calendars_set(struct calendars *c, const char *name, int64_t valid_from, struct calendar *calendar,
                  struct error *err)
{
    bool known;
    size_t i = place_of(c, name, &known), v = 0;
    struct calendars_entry *entry = known ? &c->at[i] : NULL;
    while (entry && v < entry->n && entry->versions[v].valid_from < valid_from)
        v++;
    struct reference_calendar version = {valid_from, calendar};
    struct reference_calendar *same =
        entry && v < entry->n && entry->versions[v].valid_from == valid_from ? &entry->versions[v] : NULL;
    size_t n_holidays =
        c->n_holidays + calendar_n_holidays(calendar) - (same ? calendar_n_holidays(same->calendar) : 0);
    if (!same && c->n_versions == REFERENCE_CALENDARS_MAX)
        return error_set(err, -ENOSPC, "reference_full",
                         "there are %d versions of calendars, the most a tenant can have",
                         REFERENCE_CALENDARS_MAX);
    if (n_holidays > REFERENCE_HOLIDAYS_MAX)
        return error_set(err, -ENOSPC, "reference_full",
                         "the calendars would have %zu holidays together; a tenant can have %d", n_holidays,
                         REFERENCE_HOLIDAYS_MAX);
    int r = 0;
    if (same) {
        calendar_unref(same->calendar);
        *same = version;
    } else {
        r = entry ? version_add(entry, v, &version, err) : entry_add(c, i, name, &version, err);
    }
    if (r)
        return r;
    calendar_ref(calendar);
    c->n_versions += !same;
    c->n_holidays = n_holidays;
    return 0;
}

bool calendars_remove(struct calendars *c, const char *name, const int64_t *valid_from)
{
    bool known, found = false;
    size_t i = place_of(c, name, &known), n_kept = 0;
    if (!known)
        return false;
    struct calendars_entry *entry = &c->at[i];
    for (size_t v = 0; v < entry->n; v++) {
        struct reference_calendar *version = &entry->versions[v];
        if (valid_from && version->valid_from != *valid_from) {
            entry->versions[n_kept++] = *version;
            continue;
        }
        found = true;
        c->n_versions--;
        c->n_holidays -= calendar_n_holidays(version->calendar);
        calendar_unref(version->calendar);
    }
    entry->n = n_kept;
    if (n_kept == 0) {
        entry_fini(entry);
        memmove(entry, entry + 1, (c->n - i - 1) * sizeof(*entry));
        c->n--;
    }
    return found;
}

/* --- differences
 * --------------------------------------------------------------------------------------------- */

static const struct calendar *in_force(const struct calendars *c, const char *name, int64_t at)
{
    const struct calendars_entry *entry = calendars_find(c, name);
    size_t v = 0;
    while (entry && v < entry->n && entry->versions[v].valid_from <= at)
        v++;
    return v ? entry->versions[v - 1].calendar : NULL;
}

/* Whether a name of a is unknown to b, or some version of a reads otherwise in b at the instant from which it
 * holds. Asked both ways this is every instant at which either changes. */
static bool differ_from(const struct calendars *a, const struct calendars *b)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct calendars_entry *entry = &a->at[i];
        for (size_t v = 0; v < entry->n; v++) {
            const struct calendar *other = in_force(b, entry->name, entry->versions[v].valid_from);
            if (!other || !calendar_equal(entry->versions[v].calendar, other))
                return true;
        }
    }
    return false;
}

bool calendars_differ(const struct calendars *a, const struct calendars *b)
{
    return differ_from(a, b) || differ_from(b, a);
}
