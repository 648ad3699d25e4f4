#include "plugins/common/dimensions.h"

#include <stdio.h>
#include <string.h>

static bool is_name(const char *text)
{
    return *text >= 'a' && *text <= 'z' && !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static bool is_number(const char *name)
{
    return strcmp(name, "severity") == 0 || strcmp(name, "tier") == 0;
}

int dimensions_check(const struct tendon_host *host, const struct tendon_config *config, char *err)
{
    static const char *const others[] = {"type", "id", "at", "seq", "ticket", "to", "direction", "reason"};

    for (uint32_t i = 0; i < host->count(config, "fields"); i++) {
        const char *name = host->get_string(config, "fields", i);
        bool is_dimension = is_name(name);

        for (size_t j = 0; is_dimension && j < sizeof(others) / sizeof(others[0]); j++)
            is_dimension = strcmp(name, others[j]) != 0;
        if (!is_dimension) {
            (void)snprintf(err, TENDON_ERROR_BYTES,
                           "fields: \"%.64s\" is no dimension, as product, category or one that the tenant "
                           "declares",
                           name);
            return TENDON_E_CONFIG;
        }
    }
    for (uint32_t i = 0; i < host->count(config, "values"); i++) {
        const char *key = host->get_key(config, "values", i), *colon = strchr(key, ':');

        if (!colon || colon == key || !colon[1]) {
            (void)snprintf(err, TENDON_ERROR_BYTES, "values: \"%.64s\" is not DIMENSION:WORD", key);
            return TENDON_E_CONFIG;
        }
    }
    return TENDON_OK;
}

void dimensions_clear(struct dimensions *dimensions)
{
    dimensions->n = 0;
    dimensions->problem = NULL;
}

const char *dimensions_of(const struct dimensions *dimensions, const char *field)
{
    int64_t index = dimensions->host->find(dimensions->config, "fields", field);

    return index < 0 ? NULL : dimensions->host->get_string(dimensions->config, "fields", (uint32_t)index);
}

static const char *find_value(const struct dimensions *dimensions, const char *name, const char *word)
{
    const struct tendon_host *host = dimensions->host;
    char key[TENDON_ID_BYTES * 2];
    int n = snprintf(key, sizeof(key), "%s:%s", name, word);
    int64_t index = n < (int)sizeof(key) ? host->find(dimensions->config, "values", key) : -1;

    return index < 0 ? NULL : host->get_string(dimensions->config, "values", (uint32_t)index);
}

/* What a word means: as values says of it, as is known of it, or as values says of all others. */
static const char *translate(const struct dimensions *dimensions, const char *name, const char *word,
                             const char *fallback)
{
    const char *value = find_value(dimensions, name, word);

    if (!value)
        value = fallback ? fallback : find_value(dimensions, name, "*");
    return value ? value : word;
}

void dimensions_put(struct dimensions *dimensions, const char *name, const char *word, const char *fallback)
{
    const char *value = word && *word ? translate(dimensions, name, word, fallback) : "";
    uint32_t i = 0;

    if (strlen(value) > TENDON_ID_BYTES) {
        dimensions->problem = "value_too_long";
        return;
    }
    if (is_number(name) && value[strspn(value, "0123456789")]) {
        dimensions->problem = "bad_number";
        return;
    }
    while (i < dimensions->n && strcmp(dimensions->list[i].name, name) != 0)
        i++;
    if (i == DIMENSIONS_MAX) {
        dimensions->problem = "too_many_dimensions";
        return;
    }
    dimensions->list[i].name = name;
    (void)snprintf(dimensions->list[i].value, sizeof(dimensions->list[i].value), "%s", value);
    dimensions->n = i == dimensions->n ? i + 1 : dimensions->n;
}

void dimensions_send(const struct dimensions *dimensions, struct tendon_batch *batch, bool clear)
{
    const struct tendon_host *host = dimensions->host;

    for (uint32_t i = 0; i < dimensions->n; i++) {
        const char *name = dimensions->list[i].name, *value = dimensions->list[i].value;
        int64_t number = 0;

        if (!*value) {
            if (clear)
                host->set_nil(batch, name);
        } else if (is_number(name)) {
            for (const char *digit = value; *digit && number < 1000; digit++)
                number = number * 10 + (*digit - '0');
            host->set_int(batch, name, number);
        } else {
            host->set_string(batch, name, value, TENDON_TEXT);
        }
    }
}
