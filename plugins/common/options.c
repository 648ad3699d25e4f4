#include "plugins/common/options.h"

#include <stdio.h>
#include <string.h>

const char *const OPTIONS_ENCODINGS[] = {"utf-8", "latin1", "cp1252", "utf-16", NULL};

int options_no_memory(char *err)
{
    snprintf(err, TENDON_ERROR_BYTES, "no memory");
    return TENDON_E_TEMPORARY;
}

int options_slot(const struct mapping *mapping, const char *option, const char *name, char *err)
{
    int slot = mapping_slot(mapping, name);
    const char *nearest;

    if (slot >= 0)
        return slot;
    nearest = mapping_nearest(mapping, name);
    snprintf(err, TENDON_ERROR_BYTES, "%s: there is no field \"%.64s\"%s%s%s", option, name,
             nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return -1;
}

int options_mapping(struct mapping *mapping, const struct tendon_host *host,
                    const struct tendon_config *config, char *err)
{
    int slot;

    for (uint32_t i = 0; i < host->count(config, "dimensions"); i++) {
        slot = mapping_declare(mapping, host->get_key(config, "dimensions", i));
        if (slot < SLOT_FIELDS || slot - SLOT_FIELDS >= FIELD_N_DIMENSIONS) {
            snprintf(err, TENDON_ERROR_BYTES, "dimensions: \"%.64s\" is a field already, and no dimension",
                     host->get_key(config, "dimensions", i));
            return TENDON_E_CONFIG;
        }
        mapping_set_column(mapping, slot, host->get_string(config, "dimensions", i), true);
    }
    for (uint32_t i = 0; i < host->count(config, "columns"); i++) {
        slot = options_slot(mapping, "columns", host->get_key(config, "columns", i), err);
        if (slot < 0)
            return TENDON_E_CONFIG;
        mapping_set_column(mapping, slot, host->get_string(config, "columns", i), true);
    }
    for (uint32_t i = 0; i < host->count(config, "constants"); i++) {
        slot = options_slot(mapping, "constants", host->get_key(config, "constants", i), err);
        if (slot < 0)
            return TENDON_E_CONFIG;
        mapping_set_constant(mapping, slot, host->get_string(config, "constants", i));
    }
    for (uint32_t i = 0; i < host->count(config, "missing"); i++)
        (void)mapping_add_missing(mapping, host->get_string(config, "missing", i)); /* n_max says how many */
    return TENDON_OK;
}

/* "FIELD:WORD" → the field's slot and the word. */
static int value_key(const struct mapping *mapping, const char *key, const char **ret_word, char *err)
{
    const char *colon = strchr(key, ':');
    char name[EVENT_CODE_BYTES + 1];

    if (!colon || colon == key || (size_t)(colon - key) >= sizeof(name) || !colon[1]) {
        snprintf(err, TENDON_ERROR_BYTES, "values: \"%.64s\" is not FIELD:WORD", key);
        return -1;
    }
    memcpy(name, key, colon - key);
    name[colon - key] = '\0';
    *ret_word = colon + 1;
    return options_slot(mapping, "values", name, err);
}

int options_words(struct mapping *mapping, const struct tendon_host *host, const struct tendon_config *config,
                  char *err)
{
    for (uint32_t i = 0; i < host->count(config, "values"); i++) {
        const char *word;
        int slot = value_key(mapping, host->get_key(config, "values", i), &word, err);

        if (slot < 0)
            return TENDON_E_CONFIG;
        if (mapping_add_value(mapping, slot, word, host->get_string(config, "values", i)) < 0)
            return options_no_memory(err);
    }
    for (uint32_t i = 0; i < host->count(config, "lower"); i++) {
        int slot = options_slot(mapping, "lower", host->get_string(config, "lower", i), err);

        if (slot < 0)
            return TENDON_E_CONFIG;
        mapping_set_lower(mapping, slot);
    }
    return TENDON_OK;
}
