#include "core/fold/business.h"

#include "core/fold/fact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void business_fini(struct business *b)
{
    free(b->pieces);
    *b = (struct business){0};
}

void business_begin(struct business *b, const struct reference *reference, const char *fallback)
{
    b->reference = reference;
    b->fallback = fallback && *fallback ? fallback : NULL;
    b->n = 0;
}

/* --- laying pieces
 * ------------------------------------------------------------------------------------------- */

static int business_add(struct business *b, int64_t from, const struct calendar *calendar)
{
    if (b->n > 0 && b->pieces[b->n - 1].calendar == calendar)
        return 0;
    if (b->n == b->capacity) {
        size_t capacity = b->capacity ? 2 * b->capacity : 8;
        struct business_piece *pieces = reallocarray(b->pieces, capacity, sizeof(*pieces));
        if (!pieces)
            return -ENOMEM;
        b->pieces = pieces;
        b->capacity = capacity;
    }
    b->pieces[b->n++] = (struct business_piece){from, calendar};
    return 0;
}

/* What was said for `at` and later no longer holds. */
static void business_cut(struct business *b, int64_t at)
{
    while (b->n > 0 && b->pieces[b->n - 1].from >= at)
        b->n--;
}

/* The versions of a name, in order of time; 0 without a name. */
struct versions {
    const struct reference_calendar *at;
    size_t n;
};

static struct versions versions_of(const struct business *b, const char *name)
{
    struct versions v = {.at = NULL};
    if (name && b->reference)
        v.n = reference_calendars(b->reference, name, &v.at);
    return v;
}

/* The version in force at an instant, or NULL; *next is lowered to when that may change. */
static const struct calendar *versions_find(const struct versions *v, int64_t at, int64_t *next)
{
    size_t low = 0, high = v->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v->at[middle].valid_from <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < v->n && v->at[low].valid_from < *next)
        *next = v->at[low].valid_from;
    return low ? v->at[low - 1].calendar : NULL;
}

/* The pieces of [at, until), in which the site names one calendar, or none (name NULL). */
static int lay_name(struct business *b, const char *name, int64_t at, int64_t until)
{
    struct versions named = versions_of(b, name), fallback = versions_of(b, b->fallback);
    while (at < until) {
        int64_t next = until;
        const struct calendar *calendar = versions_find(&named, at, &next);
        /* A name that nothing is called by is a mistake, which no other calendar's hours should cover up. */
        if (!calendar && (!name || named.n > 0))
            calendar = versions_find(&fallback, at, &next);
        int c = business_add(b, at, calendar);
        if (c)
            return c;
        at = next;
    }
    return 0;
}

int business_site(struct business *b, int64_t at, const char *site)
{
    const struct reference_row *const *rows = NULL;
    size_t n = site && b->reference ? reference_versions(b->reference, REFERENCE_SITE, site, &rows) : 0;
    size_t i = 0;
    business_cut(b, at);
    while (i < n && rows[i]->valid_from <= at)
        i++;
    for (const char *name = i ? rows[i - 1]->strings[REFERENCE_CALENDAR] : NULL;; i++) {
        int c = lay_name(b, name, at, i < n ? rows[i]->valid_from : FACT_FOREVER);
        if (c || i == n)
            return c;
        at = rows[i]->valid_from;
        name = rows[i]->strings[REFERENCE_CALENDAR];
    }
}

int business_named(struct business *b, const char *calendar)
{
    struct versions named = versions_of(b, calendar);
    b->n = 0;
    for (int64_t at = INT64_MIN; at < FACT_FOREVER;) {
        int64_t next = FACT_FOREVER;
        const struct calendar *in_force = versions_find(&named, at, &next);
        int c = business_add(b, at, in_force);
        if (c)
            return c;
        at = next;
    }
    return 0;
}

/* --- reading
 * ------------------------------------------------------------------------------------------------- */

/* How many pieces begin at or before an instant. */
static size_t pieces_until(const struct business *b, int64_t at)
{
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->pieces[middle].from <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t business_elapsed_ms(const struct business *b, int64_t from, int64_t to)
{
    int64_t sum = 0;
    if (to <= from)
        return 0;
    size_t i = pieces_until(b, from);
    if (i == 0)
        return FACT_NULL;
    for (i--; from < to; i++) {
        int64_t end = i + 1 < b->n && b->pieces[i + 1].from < to ? b->pieces[i + 1].from : to;
        if (!b->pieces[i].calendar)
            return FACT_NULL;
        sum += calendar_elapsed_ms(b->pieces[i].calendar, from, end);
        from = end;
    }
    return sum;
}

int64_t business_last_ms(const struct business *b, int64_t from, int64_t to, int64_t end)
{
    size_t i = pieces_until(b, end);
    if (to <= from)
        return 0;
    return i > 0 && b->pieces[i - 1].calendar ? calendar_elapsed_ms(b->pieces[i - 1].calendar, from, to)
                                              : FACT_NULL;
}

int64_t business_reach(const struct business *b, int64_t from, int64_t ms)
{
    size_t i = pieces_until(b, from);
    if (i == 0)
        return FACT_NULL;
    for (i--;; i++) {
        if (!b->pieces[i].calendar)
            return FACT_NULL;
        int64_t at = calendar_reach(b->pieces[i].calendar, from, ms);
        if (i + 1 == b->n || at < b->pieces[i + 1].from)
            return at;
        ms -= calendar_elapsed_ms(b->pieces[i].calendar, from, b->pieces[i + 1].from);
        from = b->pieces[i + 1].from;
    }
}
