#include "plugins/rt/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int names_init(struct names *names, struct rest *rest)
{
    *names = (struct names){.rest = rest, .entries = calloc(NAMES_MAX, sizeof(struct names_entry))};
    return names->entries ? 0 : -ENOMEM;
}

void names_fini(struct names *names)
{
    free(names->entries);
    names->entries = NULL;
}

static struct names_entry *find(const struct names *names, enum names_kind kind, const char *key)
{
    for (uint32_t i = 0; i < names->n; i++)
        if (names->entries[i].kind == kind && strcmp(names->entries[i].key, key) == 0)
            return &names->entries[i];
    return NULL;
}

void names_keep(struct names *names, enum names_kind kind, const char *key, const char *text)
{
    struct names_entry *entry;

    if (strlen(key) >= sizeof(entry->key) || strlen(text) >= sizeof(entry->text))
        return;
    entry = find(names, kind, key);
    if (!entry) {
        entry = &names->entries[names->next];
        names->next = (names->next + 1) % NAMES_MAX;
        if (names->n < NAMES_MAX)
            names->n++;
    }
    entry->kind = kind;
    (void)snprintf(entry->key, sizeof(entry->key), "%s", key);
    (void)snprintf(entry->text, sizeof(entry->text), "%s", text);
    entry->until_ms = names->rest->host->now(names->rest->host) + NAMES_KEPT_MS;
}

/* "/kind/key" with all that is no letter or digit of the key encoded. */
static void make_path(char *path, const char *what, const char *key)
{
    static const char digits[] = "0123456789ABCDEF";

    path += sprintf(path, "/REST/2.0/%s/", what);
    for (; *key; key++) {
        unsigned char c = (unsigned char)*key;

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
            c == '_') {
            *path++ = (char)c;
        } else {
            *path++ = '%';
            *path++ = digits[c >> 4];
            *path++ = digits[c & 15];
        }
    }
    *path = '\0';
}

int names_find(struct names *names, enum names_kind kind, const char *key, const char **ret, char *err)
{
    static const char *const what[] = {"queue", "customfield", "user"};
    static const char *const member[] = {"Name", "Name", "Privileged"};
    const struct names_entry *entry = find(names, kind, key);
    const struct tendon_json_1 *json = names->rest->json;
    char path[32 + 3 * NAMES_BYTES], room[TENDON_JSON_BYTES];
    struct tendon_json *record;
    const char *text;
    int result;

    *ret = "";
    if (!*key || strlen(key) >= NAMES_BYTES)
        return TENDON_OK;
    if (entry && names->rest->host->now(names->rest->host) < entry->until_ms) {
        *ret = entry->text;
        return TENDON_OK;
    }
    make_path(path, what[kind], key);
    result = rest_record(names->rest, path, &record, err);
    if (result != TENDON_OK)
        return result;
    text = json->text(record, member[kind], room);
    if (record && !text) {
        json->free(record);
        (void)snprintf(err, TENDON_ERROR_BYTES, "RT answered with a %s without %s", what[kind], member[kind]);
        return TENDON_E_TEMPORARY;
    }
    names_keep(names, kind, key, text && strlen(text) <= TENDON_ID_BYTES ? text : "");
    json->free(record);
    entry = find(names, kind, key);
    *ret = entry ? entry->text : "";
    return TENDON_OK;
}
