#include "plugins/host/config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct value {
    const char *key;
    const char *string;
    int64_t number;
};

struct option {
    const char *name;
    uint32_t n_values;
    struct value *values;
    uint32_t *by_key; /* places of values in the order of their keys; NULL where it is no map */
};

struct tendon_config {
    json_t *document; /* keeps the strings */
    size_t n_options;
    struct option options[];
};

static int compare_keys(const void *a, const void *b, void *ctx)
{
    const struct value *values = ctx;
    return strcmp(values[*(const uint32_t *)a].key, values[*(const uint32_t *)b].key);
}

/* Plugins map values of records through find: it must not be linear in a map of thousands. */
static bool index_keys(struct option *o)
{
    for (uint32_t i = 0; i < o->n_values; i++)
        if (!o->values[i].key)
            return true;
    o->by_key = calloc(o->n_values ? o->n_values : 1, sizeof(*o->by_key));
    if (!o->by_key)
        return false;
    for (uint32_t i = 0; i < o->n_values; i++)
        o->by_key[i] = i;
    qsort_r(o->by_key, o->n_values, sizeof(*o->by_key), compare_keys, o->values);
    return true;
}

struct tendon_config *config_new(const json_t *document)
{
    if (!json_is_object(document))
        return NULL;
    struct tendon_config *c = calloc(1, sizeof(*c) + json_object_size(document) * sizeof(struct option));
    if (!c)
        return NULL;
    c->document = json_deep_copy(document);
    const char *name;
    json_t *entry;
    json_object_foreach(c->document, name, entry)
    {
        const json_t *keys = json_object_get(entry, "keys");
        const json_t *strings = json_object_get(entry, "strings");
        const json_t *ints = json_object_get(entry, "ints");
        size_t n = json_array_size(strings) > json_array_size(ints) ? json_array_size(strings)
                                                                    : json_array_size(ints);
        struct option *o = &c->options[c->n_options++];
        o->name = name;
        o->n_values = (uint32_t)n;
        o->values = calloc(n ? n : 1, sizeof(*o->values));
        if (!o->values) {
            config_free(c);
            return NULL;
        }
        for (size_t i = 0; i < n; i++)
            o->values[i] = (struct value){
                .key = json_string_value(json_array_get(keys, i)),
                .string = json_string_value(json_array_get(strings, i)),
                .number = json_integer_value(json_array_get(ints, i)),
            };
        if (!index_keys(o)) {
            config_free(c);
            return NULL;
        }
    }
    if (!c->document) {
        config_free(c);
        return NULL;
    }
    return c;
}

void config_free(struct tendon_config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_options; i++) {
        free(c->options[i].values);
        free(c->options[i].by_key);
    }
    json_decref(c->document);
    free(c);
}

static const struct option *option_find(const struct tendon_config *c, const char *name)
{
    for (size_t i = 0; name && i < c->n_options; i++)
        if (strcmp(c->options[i].name, name) == 0)
            return &c->options[i];
    return NULL;
}

static const struct value *value_find(const struct tendon_config *c, const char *option, uint32_t index)
{
    const struct option *o = option_find(c, option);
    return o && index < o->n_values ? &o->values[index] : NULL;
}

uint32_t config_count(const struct tendon_config *c, const char *option)
{
    const struct option *o = option_find(c, option);
    return o ? o->n_values : 0;
}

int64_t config_get_int(const struct tendon_config *c, const char *option, uint32_t index)
{
    const struct value *v = value_find(c, option, index);
    return v ? v->number : 0;
}

const char *config_get_string(const struct tendon_config *c, const char *option, uint32_t index)
{
    const struct value *v = value_find(c, option, index);
    return v ? v->string : NULL;
}

const char *config_get_key(const struct tendon_config *c, const char *option, uint32_t index)
{
    const struct value *v = value_find(c, option, index);
    return v ? v->key : NULL;
}

int64_t config_find(const struct tendon_config *c, const char *option, const char *key)
{
    const struct option *o = option_find(c, option);
    if (!o || !o->by_key || !key)
        return -1;
    for (uint32_t low = 0, high = o->n_values; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(key, o->values[o->by_key[middle]].key);
        if (order == 0)
            return o->by_key[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}
