#include "core/fold/reference.h"

#include "core/base/nearest.h"
#include "core/fold/calendars.h"
#include "core/fold/reference_inside.h"
#include "proto/event.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

const struct reference_attribute_info REFERENCE_ATTRIBUTE_INFO[REFERENCE_ATTRIBUTES_N] = {
#define X(id, attribute_name, number, lowest, highest)                                                       \
    [REFERENCE_##                                                                                            \
        id] = {.name = (attribute_name),                                                                     \
               .table = (int)REFERENCE_##id < (int)REFERENCE_SITE_N ? REFERENCE_SITE : REFERENCE_TEAM,       \
               .is_number = (number),                                                                        \
               .low = (lowest),                                                                              \
               .high = (highest)},
    REFERENCE_SITE_ATTRIBUTES(X) REFERENCE_TEAM_ATTRIBUTES(X)
#undef X
};

const char *const REFERENCE_TABLE_NAMES[REFERENCE_N] = {"site", "team"};
const char *const REFERENCE_FACILITY_KINDS[] = {"hospital", "cah",   "practice", "clinic", "snf",
                                                "lab",      "payer", "other",    NULL};

/* --- map
 * ----------------------------------------------------------------------------------------------------- */

/* The slot of a key, or the empty one where it would stand. The map has slots. */
static size_t map_slot(const struct map *m, const char *key)
{
    size_t slot = XXH3_64bits(key, strlen(key)) & (m->n_slots - 1);
    while (m->keys[slot] && strcmp(m->keys[slot], key) != 0)
        slot = (slot + 1) & (m->n_slots - 1);
    return slot;
}

static void *map_find(const struct map *m, const char *key)
{
    return m->n_slots ? m->values[map_slot(m, key)] : NULL;
}

static void map_fini(struct map *m)
{
    free(m->keys);
    free(m->values);
}

static int map_grow(struct map *m)
{
    struct map next = {.n_slots = m->n_slots ? 2 * m->n_slots : 64, .n = m->n};
    next.keys = calloc(next.n_slots, sizeof(*next.keys));
    next.values = calloc(next.n_slots, sizeof(*next.values));
    if (!next.keys || !next.values) {
        map_fini(&next);
        return -ENOMEM;
    }
    for (size_t i = 0; i < m->n_slots; i++) {
        if (!m->keys[i])
            continue;
        size_t slot = map_slot(&next, m->keys[i]);
        next.keys[slot] = m->keys[i];
        next.values[slot] = m->values[i];
    }
    map_fini(m);
    *m = next;
    return 0;
}

/* Adds a key that is not there yet. */
static int map_add(struct map *m, const char *key, void *value)
{
    if (2 * (m->n + 1) > m->n_slots) {
        int c = map_grow(m);
        if (c)
            return c;
    }
    size_t slot = map_slot(m, key);
    m->keys[slot] = key;
    m->values[slot] = value;
    m->n++;
    return 0;
}

/* --- life
 * ---------------------------------------------------------------------------------------------------- */

static void reference_free(struct reference *r)
{
    for (int t = 0; t < REFERENCE_N; t++) {
        for (size_t i = 0; i < r->entries[t].n_slots; i++) {
            struct entry *entry = r->entries[t].values[i];
            if (!entry)
                continue;
            for (size_t v = 0; v < entry->n; v++)
                free(entry->rows[v]);
            free(entry->rows);
            free(entry);
        }
        map_fini(&r->entries[t]);
    }
    for (size_t i = 0; i < r->texts.n_slots; i++)
        free(r->texts.values[i]);
    map_fini(&r->texts);
    calendars_fini(&r->calendars);
    codes_fini(&r->codes);
    map_fini(&r->named);
    free(r);
}

struct reference *reference_ref(struct reference *r)
{
    if (r)
        atomic_fetch_add_explicit(&r->n_users, 1, memory_order_relaxed);
    return r;
}

void reference_unref(struct reference *r)
{
    if (r && atomic_fetch_sub_explicit(&r->n_users, 1, memory_order_acq_rel) == 1)
        reference_free(r);
}

/* The one copy of s in r. */
static int reference_intern(struct reference *r, const char *s, const char **ret)
{
    char *known = map_find(&r->texts, s);
    if (!known) {
        known = strdup(s);
        if (!known)
            return -ENOMEM;
        int c = map_add(&r->texts, known, known);
        if (c) {
            free(known);
            return c;
        }
    }
    *ret = known;
    return 0;
}

void reference_row_clear(struct reference_row *row)
{
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++) {
        row->strings[a] = NULL;
        row->numbers[a] = REFERENCE_NONE;
    }
}

/* Counts a row of a site that names a calendar (NULL: none), which is interned; by 1 or −1. Kept one higher,
 * so that a name which no row has any more is still one of the map. */
static int named_count(struct reference *r, const char *calendar, int by)
{
    if (!calendar)
        return 0;
    if (!map_find(&r->named, calendar)) {
        int c = map_add(&r->named, calendar, (void *)(uintptr_t)1);
        if (c)
            return c;
    }
    void **value = &r->named.values[map_slot(&r->named, calendar)];
    *value = (void *)((uintptr_t)*value + (uintptr_t)by);
    return 0;
}

int reference_put(struct reference *r, enum reference_table table, const char *key,
                  const struct reference_row *values)
{
    struct entry *entry = map_find(&r->entries[table], key);
    const char *interned;
    int c = reference_intern(r, key, &interned);
    if (c)
        return c;
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return -ENOMEM;
        c = map_add(&r->entries[table], interned, entry);
        if (c) {
            free(entry);
            return c;
        }
    }
    struct reference_row row = *values;
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++)
        if (row.strings[a] && (c = reference_intern(r, row.strings[a], &row.strings[a])))
            return c;

    if ((c = named_count(r, row.strings[REFERENCE_CALENDAR], 1)))
        return c;

    size_t place = entry->n;
    while (place > 0 && entry->rows[place - 1]->valid_from > row.valid_from)
        place--;
    if (place > 0 && entry->rows[place - 1]->valid_from == row.valid_from) {
        c = named_count(r, entry->rows[place - 1]->strings[REFERENCE_CALENDAR], -1);
        *entry->rows[place - 1] = row;
        return c;
    }
    if (r->n_versions[table] >= REFERENCE_VERSIONS_MAX)
        return -ENOSPC;
    if (entry->n == entry->capacity) {
        size_t capacity = entry->capacity ? 2 * entry->capacity : 1;
        struct reference_row **rows = reallocarray(entry->rows, capacity, sizeof(*rows));
        if (!rows)
            return -ENOMEM;
        entry->rows = rows;
        entry->capacity = capacity;
    }
    struct reference_row *kept = malloc(sizeof(*kept));
    if (!kept)
        return -ENOMEM;
    *kept = row;
    memmove(entry->rows + place + 1, entry->rows + place, (entry->n - place) * sizeof(*entry->rows));
    entry->rows[place] = kept;
    entry->n++;
    r->n_versions[table]++;
    return 0;
}

int reference_new(const struct reference *base, struct reference **ret)
{
    struct reference *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    atomic_init(&r->n_users, 1);
    for (int t = 0; base && t < REFERENCE_N; t++) {
        const struct map *m = &base->entries[t];
        for (size_t i = 0; i < m->n_slots; i++) {
            const struct entry *entry = m->values[i];
            for (size_t v = 0; entry && v < entry->n; v++) {
                int c = reference_put(r, (enum reference_table)t, m->keys[i], entry->rows[v]);
                if (c) {
                    reference_free(r);
                    return c;
                }
            }
        }
    }
    if (base &&
        (calendars_copy(&r->calendars, &base->calendars) < 0 || codes_copy(&r->codes, &base->codes) < 0)) {
        reference_free(r);
        return -ENOMEM;
    }
    *ret = r;
    return 0;
}

/* --- checking and setting
 * ------------------------------------------------------------------------------------ */

const char *reference_code_fault(const char *s)
{
    switch (event_code_check(s, strnlen(s, EVENT_CODE_BYTES + 1))) {
    case REJECT_NONE:
        return NULL;
    case REJECT_TOO_LONG:
        return "is empty or longer than 64 bytes";
    case REJECT_BAD_UTF8:
        return "is not valid UTF-8";
    default:
        return "has unprintable characters, more than four spaces or nothing else";
    }
}

/* A whole decimal number of at most 18 digits. */
static bool number_parse(const char *s, int64_t *ret)
{
    bool is_negative = *s == '-';
    size_t n = 0;
    int64_t value = 0;
    for (s += is_negative; *s >= '0' && *s <= '9' && n < 18; s++, n++)
        value = value * 10 + (*s - '0');
    if (n == 0 || *s)
        return false;
    *ret = is_negative ? -value : value;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int attribute_refuse(struct error *err, const char *name, const char *fault)
{
    return error_set(err, -EINVAL, "bad_attribute", "attribute %s %s", name, fault);
}

/* Reads one attribute's text into row. room holds a country in capitals. */
static int attribute_read(enum reference_attribute a, const char *text, struct reference_row *row,
                          char room[3], struct error *err)
{
    const struct reference_attribute_info *info = &REFERENCE_ATTRIBUTE_INFO[a];
    if (info->is_number) {
        int64_t value;
        if (!number_parse(text, &value) || value < info->low || value > info->high) {
            error_set(err, -EINVAL, "bad_attribute", "attribute %s is not a whole number from %lld to %lld",
                      info->name, (long long)info->low, (long long)info->high);
            return -EINVAL;
        }
        row->numbers[a] = value;
        return 0;
    }
    const char *fault = reference_code_fault(text);
    if (fault)
        return attribute_refuse(err, info->name, fault);
    if (a == REFERENCE_COUNTRY || a == REFERENCE_TEAM_COUNTRY) {
        if (strlen(text) != 2 || !is_letter(text[0]) || !is_letter(text[1])) {
            attribute_refuse(err, info->name, "is not a country code of two letters");
            error_hint(err, "use ISO 3166 codes, as US, PH, MX");
            return -EINVAL;
        }
        room[0] = (char)(text[0] & ~0x20);
        room[1] = (char)(text[1] & ~0x20);
        room[2] = '\0';
        text = room;
    }
    if (a == REFERENCE_FACILITY_KIND) {
        size_t i = 0;
        while (REFERENCE_FACILITY_KINDS[i] && strcmp(REFERENCE_FACILITY_KINDS[i], text) != 0)
            i++;
        if (!REFERENCE_FACILITY_KINDS[i]) {
            attribute_refuse(err, info->name, "is not a known kind");
            error_hint(err, "it is one of hospital, cah, practice, clinic, snf, lab, payer, other; the "
                            "import can map other words to these");
            return -EINVAL;
        }
    }
    row->strings[a] = text;
    return 0;
}

int reference_set(struct reference *r, enum reference_table table, const char *key, int64_t valid_from,
                  const char *const values[REFERENCE_ATTRIBUTES_N], struct error *err)
{
    const char *fault = reference_code_fault(key);
    if (fault)
        return error_set(err, -EINVAL, "bad_key", "the key of a %s %s", REFERENCE_TABLE_NAMES[table], fault);
    struct reference_row row;
    char countries[REFERENCE_ATTRIBUTES_N][3];
    reference_row_clear(&row);
    row.valid_from = valid_from;
    for (int a = 0; a < REFERENCE_ATTRIBUTES_N; a++) {
        if (!values[a])
            continue;
        const struct reference_attribute_info *info = &REFERENCE_ATTRIBUTE_INFO[a];
        if (info->table != table)
            return error_set(err, -EINVAL, "bad_attribute", "a %s has no attribute %s",
                             REFERENCE_TABLE_NAMES[table], info->name);
        int c = attribute_read((enum reference_attribute)a, values[a], &row, countries[a], err);
        if (c)
            return c;
    }
    int c = reference_put(r, table, key, &row);
    if (c == -ENOSPC)
        return error_set(err, c, "reference_full", "the %s table has %d versions, the most it can hold",
                         REFERENCE_TABLE_NAMES[table], REFERENCE_VERSIONS_MAX);
    if (c)
        return error_set(err, c, "memory", "no memory for the %s table", REFERENCE_TABLE_NAMES[table]);
    return 0;
}

/* --- reading
 * ------------------------------------------------------------------------------------------------- */

const struct reference_row *reference_find(const struct reference *r, enum reference_table table,
                                           const char *key, int64_t at)
{
    const struct entry *entry = map_find(&r->entries[table], key);
    size_t low = 0, high = entry ? entry->n : 0; /* of the versions that hold at `at`, the last */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entry->rows[middle]->valid_from <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? entry->rows[low - 1] : NULL;
}

size_t reference_versions(const struct reference *r, enum reference_table table, const char *key,
                          const struct reference_row *const **ret)
{
    const struct entry *entry = map_find(&r->entries[table], key);
    if (!entry)
        return 0;
    *ret = (const struct reference_row *const *)entry->rows;
    return entry->n;
}

size_t reference_count(const struct reference *r, enum reference_table table)
{
    return r->entries[table].n;
}

static int key_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int reference_each(const struct reference *r, enum reference_table table,
                   int (*each)(void *context, const char *key, const struct reference_row *row),
                   void *context)
{
    const struct map *m = &r->entries[table];
    const char **keys = calloc(m->n + 1, sizeof(*keys));
    if (!keys)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < m->n_slots; i++)
        if (m->keys[i])
            keys[n++] = m->keys[i];
    qsort(keys, n, sizeof(*keys), key_compare);
    int c = 0;
    for (size_t i = 0; i < n && !c; i++) {
        const struct entry *entry = map_find(m, keys[i]);
        for (size_t v = 0; v < entry->n && !c; v++)
            c = each(context, keys[i], entry->rows[v]);
    }
    free(keys);
    return c;
}

/* --- calendars
 * ----------------------------------------------------------------------------------------------- */

int reference_set_calendar(struct reference *r, const char *name, int64_t valid_from,
                           struct calendar *calendar, struct error *err)
{
    const char *fault = reference_code_fault(name);
    if (fault)
        return error_set(err, -EINVAL, "bad_key", "the name of a calendar %s", fault);
    return calendars_set(&r->calendars, name, valid_from, calendar, err);
}

int reference_calendar_unknown(const struct reference *r, const char *name, struct error *err)
{
    struct nearest near;
    nearest_init(&near, name, strnlen(name, NEAREST_BYTES + 1));
    for (size_t i = 0; i < r->calendars.n; i++)
        nearest_offer(&near, r->calendars.at[i].name);
    error_set(err, -ENOENT, "unknown_calendar", "there is no calendar '%.64s'", name);
    if (near.best)
        error_hint(err, "did you mean %s?", near.best);
    else
        error_hint(err, "'tendon calendar list' lists those there are; 'tendon calendar import' adds one");
    return -ENOENT;
}

int reference_remove_calendar(struct reference *r, const char *name, const int64_t *valid_from,
                              struct error *err)
{
    if (!calendars_find(&r->calendars, name))
        return reference_calendar_unknown(r, name, err);
    if (calendars_remove(&r->calendars, name, valid_from))
        return 0;
    error_set(err, -ENOENT, "unknown_version", "no version of the calendar '%.64s' begins then", name);
    error_hint(err, "'tendon calendar show' prints from when its versions hold");
    return -ENOENT;
}

size_t reference_calendars(const struct reference *r, const char *name, const struct reference_calendar **ret)
{
    const struct calendars_entry *entry = calendars_find(&r->calendars, name);
    if (!entry)
        return 0;
    *ret = entry->versions;
    return entry->n;
}

size_t reference_calendar_count(const struct reference *r)
{
    return r->calendars.n;
}

int reference_each_calendar(const struct reference *r,
                            int (*each)(void *context, const char *name, const struct reference_calendar *c),
                            void *context)
{
    int c = 0;
    for (size_t i = 0; i < r->calendars.n && !c; i++)
        for (size_t v = 0; v < r->calendars.at[i].n && !c; v++)
            c = each(context, r->calendars.at[i].name, &r->calendars.at[i].versions[v]);
    return c;
}

int reference_each_missing_calendar(const struct reference *r,
                                    int (*each)(void *context, const char *name, size_t n_rows),
                                    void *context)
{
    int c = 0;
    for (size_t i = 0; i < r->named.n_slots && !c; i++) {
        size_t n = (size_t)(uintptr_t)r->named.values[i];
        if (r->named.keys[i] && n > 1 && !calendars_find(&r->calendars, r->named.keys[i]))
            c = each(context, r->named.keys[i], n - 1);
    }
    return c;
}

/* --- differences
 * --------------------------------------------------------------------------------------------- */

static bool text_equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool reference_row_equal(const struct reference_row *a, const struct reference_row *b)
{
    for (int i = 0; i < REFERENCE_ATTRIBUTES_N; i++)
        if (a->numbers[i] != b->numbers[i] || !text_equal(a->strings[i], b->strings[i]))
            return false;
    return a->valid_from == b->valid_from;
}

/* What the fold reads of a row: a team's tier and employer, a site's calendar. Its table has them. */
struct reading {
    int64_t number;
    const char *text;
};

static struct reading row_reading(enum reference_table table, const struct reference_row *row)
{
    struct reading reading = {REFERENCE_NONE, NULL};
    if (row && table == REFERENCE_TEAM)
        reading = (struct reading){row->numbers[REFERENCE_TEAM_TIER], row->strings[REFERENCE_EMPLOYER]};
    else if (row)
        reading.text = row->strings[REFERENCE_CALENDAR];
    return reading;
}

/* Whether a's rows read otherwise in b at some instant from which a version of a holds. Asked both ways this
 * is every instant at which either changes; the time before all versions reads as none in both. */
static bool rows_differ(const struct reference *a, const struct reference *b, enum reference_table table)
{
    const struct map *m = &a->entries[table];
    for (size_t i = 0; i < m->n_slots; i++) {
        const struct entry *entry = m->values[i];
        for (size_t v = 0; entry && v < entry->n; v++) {
            const struct reference_row *row = entry->rows[v];
            struct reading here = row_reading(table, row);
            struct reading there = row_reading(table, reference_find(b, table, m->keys[i], row->valid_from));
            if (here.number != there.number || !text_equal(here.text, there.text))
                return true;
        }
    }
    return false;
}

bool reference_needs_refold(const struct reference *before, const struct reference *after)
{
    for (int t = 0; t < REFERENCE_N; t++)
        if (rows_differ(before, after, (enum reference_table)t) ||
            rows_differ(after, before, (enum reference_table)t))
            return true;
    return calendars_differ(&before->calendars, &after->calendars);
}
