#include "plugins/common/mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MEMO_BYTES  40
#define FORMATS_MAX 16
#define MISSING_MAX 64

struct value {
    int slot;
    struct mapping_string from, to;
};

/* The last time that a column held: most rows repeat one of their times. */
struct memo {
    char text[MEMO_BYTES];
    size_t size;
    int64_t ms;
};

struct source {
    const char *column;
    const char *constant;
    int index; /* of the column in the file being read, or −1 */
    bool required, first, lower, has_values;
    bool has_any;
    struct mapping_string any; /* what "*" becomes */
    struct memo memo;
    char lowered[MAPPING_TEXT_BYTES];
};

struct mapping {
    const struct tendon_host *host;
    struct source slots[SLOT_N];
    const char *declared[EVENT_DECLARED_MAX];
    uint32_t n_declared;
    struct value *values;
    uint32_t n_values;
    bool sorted;
    const char *missing[MISSING_MAX];
    uint32_t n_missing;
    const char *formats[FORMATS_MAX];
    uint32_t n_formats;
    const char *zone;
    struct source further[MAPPING_COLUMNS];
    uint32_t n_further;
};

static const char *const SLOT_NAMES[SLOT_FIELDS] = {"ticket", "id", "type", "at", "seq", "version", "opened"};

int mapping_new(const struct tendon_host *host, struct mapping **ret)
{
    struct mapping *mapping = calloc(1, sizeof(*mapping));

    if (!mapping)
        return -ENOMEM;
    mapping->host = host;
    *ret = mapping;
    return 0;
}

void mapping_free(struct mapping *mapping)
{
    if (!mapping)
        return;
    free(mapping->values);
    free(mapping);
}

const char *mapping_field_name(const struct mapping *mapping, enum event_field field)
{
    if (field >= FIELD_DECLARED && field < FIELD_N_DIMENSIONS)
        return mapping->declared[field - FIELD_DECLARED];
    return FIELDS[field].name;
}

static const char *slot_name(const struct mapping *mapping, int slot)
{
    return slot < SLOT_FIELDS ? SLOT_NAMES[slot] : mapping_field_name(mapping, slot - SLOT_FIELDS);
}

int mapping_slot(const struct mapping *mapping, const char *name)
{
    for (int slot = 0; slot < SLOT_N; slot++) {
        const char *has = slot_name(mapping, slot);

        if (has && strcmp(has, name) == 0)
            return slot;
    }
    return -1;
}

/* How many letters must be changed, added or left out; at most 3 is counted. */
static size_t distance(const char *left, const char *right)
{
    size_t n_left = strlen(left), n_right = strlen(right);
    size_t row[33];

    if (n_left > 32 || n_right > 32)
        return 99;
    for (size_t j = 0; j <= n_right; j++)
        row[j] = j;
    for (size_t i = 1; i <= n_left; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n_right; j++) {
            size_t change = diagonal + (left[i - 1] != right[j - 1]);
            size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = change < shorter ? change : shorter;
        }
    }
    return row[n_right];
}

const char *mapping_nearest(const struct mapping *mapping, const char *name)
{
    const char *nearest = NULL;
    size_t best = 4;

    for (int slot = 0; slot < SLOT_N; slot++) {
        const char *has = slot_name(mapping, slot);
        size_t d = has ? distance(name, has) : 99;

        if (d < best && d < strlen(name)) {
            best = d;
            nearest = has;
        }
    }
    return nearest;
}

int mapping_declare(struct mapping *mapping, const char *name)
{
    int slot = mapping_slot(mapping, name);

    if (slot >= 0)
        return slot;
    if (mapping->n_declared == EVENT_DECLARED_MAX)
        return -ENOSPC;
    mapping->declared[mapping->n_declared] = name;
    return SLOT_FIELDS + FIELD_DECLARED + (int)mapping->n_declared++;
}

void mapping_set_column(struct mapping *mapping, int slot, const char *column, bool required)
{
    mapping->slots[slot].column = column;
    mapping->slots[slot].required = required;
    mapping->slots[slot].index = -1;
}

void mapping_set_constant(struct mapping *mapping, int slot, const char *value)
{
    mapping->slots[slot].constant = value;
}

bool mapping_has(const struct mapping *mapping, int slot)
{
    return mapping->slots[slot].column || mapping->slots[slot].constant;
}

void mapping_set_first(struct mapping *mapping, int slot)
{
    mapping->slots[slot].first = true;
}

void mapping_set_lower(struct mapping *mapping, int slot)
{
    mapping->slots[slot].lower = true;
}

int mapping_add_value(struct mapping *mapping, int slot, const char *from, const char *to)
{
    struct value *values;

    if (strcmp(from, "*") == 0) {
        mapping->slots[slot].has_any = true;
        mapping->slots[slot].any = (struct mapping_string){to, strlen(to)};
        return 0;
    }
    for (uint32_t i = 0; i < mapping->n_values; i++)
        if (mapping->values[i].slot == slot && strcmp(mapping->values[i].from.data, from) == 0) {
            mapping->values[i].to = (struct mapping_string){to, strlen(to)};
            return 0;
        }
    values = reallocarray(mapping->values, mapping->n_values + 1, sizeof(*values));
    if (!values)
        return -ENOMEM;
    mapping->values = values;
    values[mapping->n_values++] = (struct value){slot, {from, strlen(from)}, {to, strlen(to)}};
    mapping->slots[slot].has_values = true;
    mapping->sorted = false;
    return 0;
}

int mapping_add_missing(struct mapping *mapping, const char *text)
{
    if (mapping->n_missing == MISSING_MAX)
        return -ENOSPC;
    mapping->missing[mapping->n_missing++] = text;
    return 0;
}

int mapping_add_format(struct mapping *mapping, const char *format)
{
    if (mapping->n_formats == FORMATS_MAX)
        return -ENOSPC;
    mapping->formats[mapping->n_formats++] = format;
    return 0;
}

void mapping_set_zone(struct mapping *mapping, const char *zone)
{
    mapping->zone = zone;
}

int mapping_add_column(struct mapping *mapping, const char *column)
{
    if (mapping->n_further == MAPPING_COLUMNS)
        return -ENOSPC;
    mapping->further[mapping->n_further++] = (struct source){.column = column, .index = -1, .required = true};
    return 0;
}

/* --- values ----------------------------------------------------------------------------------------------
 */

static int by_slot_and_text(const void *left, const void *right)
{
    const struct value *a = left, *b = right;
    size_t n = a->from.size < b->from.size ? a->from.size : b->from.size;
    int order;

    if (a->slot != b->slot)
        return a->slot < b->slot ? -1 : 1;
    order = memcmp(a->from.data, b->from.data, n);
    if (order != 0)
        return order;
    return (a->from.size > b->from.size) - (a->from.size < b->from.size);
}

static void sort_values(struct mapping *mapping)
{
    if (!mapping->sorted && mapping->n_values > 0)
        qsort(mapping->values, mapping->n_values, sizeof(*mapping->values), by_slot_and_text);
    mapping->sorted = true;
}

const char *mapping_bind(struct mapping *mapping, int (*column)(void *ctx, const char *name), void *ctx)
{
    const char *absent = NULL;

    sort_values(mapping);
    for (int i = 0; i < SLOT_N + (int)mapping->n_further; i++) {
        struct source *source = i < SLOT_N ? &mapping->slots[i] : &mapping->further[i - SLOT_N];

        if (!source->column)
            continue;
        source->index = column(ctx, source->column);
        if (source->index < 0 && source->required && !absent)
            absent = source->column;
    }
    return absent;
}

void mapping_bind_names(struct mapping *mapping, const char *const *names, uint32_t n)
{
    sort_values(mapping);
    for (int slot = 0; slot < SLOT_N; slot++) {
        struct source *source = &mapping->slots[slot];

        for (uint32_t i = 0; source->column && i < n; i++)
            if (strcmp(source->column, names[i]) == 0)
                source->index = (int)i;
    }
}

static bool is_missing(const struct mapping *mapping, struct mapping_string text)
{
    if (text.size == 0)
        return true;
    for (uint32_t i = 0; i < mapping->n_missing; i++)
        if (strncmp(mapping->missing[i], text.data, text.size) == 0 && !mapping->missing[i][text.size])
            return true;
    return false;
}

/* The text of a column, trimmed. False when it is missing. */
static bool source_text(const struct mapping *mapping, const struct source *source,
                        const struct tendon_record *record, struct mapping_string *ret)
{
    struct mapping_string text;

    if (!source->column || source->index < 0 || (uint32_t)source->index >= record->n_fields)
        return false;
    text.data = record->fields[source->index];
    text.size = record->sizes[source->index];
    while (text.size > 0 && (*text.data == ' ' || *text.data == '\t'))
        text.data++, text.size--;
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    if (is_missing(mapping, text))
        return false;
    *ret = text;
    return true;
}

bool mapping_text(struct mapping *mapping, const struct tendon_record *record, int slot,
                  struct mapping_string *ret)
{
    struct source *source = &mapping->slots[slot];
    struct mapping_string text;

    if (!source_text(mapping, source, record, &text)) {
        if (!source->constant)
            return false;
        *ret = (struct mapping_string){source->constant, strlen(source->constant)};
        return true;
    }
    if (source->first)
        text.size = 1;
    if (source->lower && text.size <= sizeof(source->lowered)) {
        for (size_t i = 0; i < text.size; i++) {
            char c = text.data[i];

            source->lowered[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
        text.data = source->lowered;
    }
    if (source->has_values) {
        struct value key = {.slot = slot, .from = text};
        const struct value *found =
            bsearch(&key, mapping->values, mapping->n_values, sizeof(key), by_slot_and_text);

        if (found) {
            *ret = found->to;
            return ret->size > 0;
        }
    }
    if (source->has_any)
        text = source->any;
    *ret = text;
    return ret->size > 0;
}

int mapping_parse_time(struct mapping *mapping, struct mapping_string text, int64_t *ret_ms)
{
    uint32_t i = 0;

    do {
        const char *format = mapping->n_formats ? mapping->formats[i] : NULL;

        if (mapping->host->time_parse(mapping->host, format, mapping->zone, text.data, text.size, ret_ms) ==
            TENDON_OK)
            return 0;
    } while (++i < mapping->n_formats);
    return -EINVAL;
}

static int parse_memo(struct mapping *mapping, struct memo *memo, struct mapping_string text, int64_t *ret_ms)
{
    int rc;

    if (memo->size == text.size && text.size > 0 && memcmp(memo->text, text.data, text.size) == 0) {
        *ret_ms = memo->ms;
        return 1;
    }
    rc = mapping_parse_time(mapping, text, ret_ms);
    if (rc < 0)
        return rc;
    if (text.size <= sizeof(memo->text)) {
        memcpy(memo->text, text.data, text.size);
        memo->size = text.size;
        memo->ms = *ret_ms;
    }
    return 1;
}

int mapping_time(struct mapping *mapping, const struct tendon_record *record, int slot, int64_t *ret_ms)
{
    struct mapping_string text;

    if (!mapping_text(mapping, record, slot, &text))
        return 0;
    return parse_memo(mapping, &mapping->slots[slot].memo, text, ret_ms);
}

bool mapping_column_text(const struct mapping *mapping, const struct tendon_record *record, uint32_t index,
                         struct mapping_string *ret)
{
    return source_text(mapping, &mapping->further[index], record, ret);
}

int mapping_column_time(struct mapping *mapping, const struct tendon_record *record, uint32_t index,
                        int64_t *ret_ms)
{
    struct mapping_string text;

    if (!source_text(mapping, &mapping->further[index], record, &text))
        return 0;
    return parse_memo(mapping, &mapping->further[index].memo, text, ret_ms);
}
