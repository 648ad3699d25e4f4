#include "core/query/versions.h"

#include "proto/event.h"

#include <errno.h>
#include <stdlib.h>

/* Most codes have one version that always held: their entry is its place. The others are looked up by the
 * instant: their entry is marked, and the rest of it leads to the list of their versions. */
#define ENTRY_LISTED 0x80000000u

struct list {
    uint32_t first, n; /* places */
};

struct versions {
    uint32_t n_codes, n_places, n_lists;
    uint32_t *entries; /* by code */
    const struct reference_row **rows;
    struct list *lists;
};

void versions_free(struct versions *v)
{
    if (!v)
        return;
    free(v->entries);
    free(v->rows);
    free(v->lists);
    free(v);
}

static int versions_fill(struct versions *v, const struct dictionary *dictionary,
                         const struct reference *reference, enum reference_table table)
{
    unsigned field = table == REFERENCE_SITE ? FIELD_SITE : FIELD_TEAM;
    size_t capacity = reference ? reference_count(reference, table) : 0;
    v->n_codes = dictionary_count(dictionary, field) + 1;
    v->n_places = 1;
    v->entries = calloc(v->n_codes, sizeof(*v->entries));
    v->lists = calloc(v->n_codes, sizeof(*v->lists));
    if (!v->entries || !v->lists)
        return -ENOMEM;
    for (uint32_t code = 1; reference && code < v->n_codes; code++) {
        const struct reference_row *const *rows = NULL;
        const char *key = dictionary_string(dictionary, field, code);
        size_t n = key ? reference_versions(reference, table, key, &rows) : 0;
        if (n == 0)
            continue;
        if (!v->rows || v->n_places + n > capacity) {
            capacity = (capacity + n + 16) * 2;
            const struct reference_row **grown = realloc(v->rows, capacity * sizeof(*grown));
            if (!grown)
                return -ENOMEM;
            v->rows = grown;
        }
        struct list *list = &v->lists[v->n_lists];
        *list = (struct list){v->n_places, (uint32_t)n};
        for (size_t i = 0; i < n; i++)
            v->rows[v->n_places++] = rows[i];
        v->entries[code] =
            n == 1 && rows[0]->valid_from == INT64_MIN ? list->first : ENTRY_LISTED | v->n_lists++;
    }
    return 0;
}

int versions_new(const struct dictionary *dictionary, const struct reference *reference,
                 enum reference_table table, struct versions **ret)
{
    struct versions *v = calloc(1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    int r = versions_fill(v, dictionary, reference, table);
    if (r < 0) {
        versions_free(v);
        return r;
    }
    *ret = v;
    return 0;
}

uint32_t versions_count(const struct versions *v)
{
    return v->n_places;
}

const struct reference_row *versions_row(const struct versions *v, uint32_t place)
{
    return v->rows[place];
}

bool versions_are_timeless(const struct versions *v)
{
    return !v || v->n_lists == 0;
}

const uint32_t *versions_by_code(const struct versions *v, uint32_t *ret_n)
{
    *ret_n = v->n_codes;
    return v->entries;
}

static uint32_t list_find(const struct versions *v, const struct list *list, int64_t at)
{
    uint32_t low = 0, high = list->n; /* how many versions hold from `at` or before */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (v->rows[list->first + middle]->valid_from <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? list->first + low - 1 : 0;
}

void versions_places(const struct versions *v, const uint16_t *codes, const int64_t *instants, uint32_t n,
                     uint32_t *places)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t entry = codes[i] < v->n_codes ? v->entries[codes[i]] : 0;
        places[i] =
            entry & ENTRY_LISTED ? list_find(v, &v->lists[entry & ~ENTRY_LISTED], instants[i]) : entry;
    }
}
