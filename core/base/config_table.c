#include "core/base/config_table.h"

#include "core/base/nearest.h"
#include "core/base/quantity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 64

bool config_name_valid(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && n <= NAME_BYTES && s[n] == '\0' && !strchr("._-", *s);
}

static bool path_valid(const char *s)
{
    if (*s != '/' || strlen(s) >= 4096)
        return false;
    for (const char *part = s; *part; part += strcspn(part, "/")) {
        part += strspn(part, "/");
        size_t n = strcspn(part, "/");
        if ((n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
    }
    return true;
}

/* --- one value --- */

struct reading {
    const struct config_key *key;
    struct config_problems *problems;
};

static void no_memory(const struct reading *r, const struct config_node *node)
{
    config_problem(r->problems, node, "out of memory");
}

static void wrong_enum(const struct reading *r, const struct config_node *node)
{
    struct nearest near;
    struct buffer list;
    nearest_init(&near, node->text, strlen(node->text));
    buffer_init(&list, 512);
    for (const char *const *v = r->key->values; *v; v++) {
        nearest_offer(&near, *v);
        buffer_printf(&list, "%s%s", v == r->key->values ? "" : v[1] ? ", " : " or ", *v);
    }
    buffer_append(&list, "", 1);
    config_problem(r->problems, node, "%s takes %s%s%s%s", r->key->name,
                   buffer_failed(&list) ? "another value" : (const char *)list.data,
                   near.best ? "; did you mean \"" : "", near.best ? near.best : "", near.best ? "\"?" : "");
    buffer_fini(&list);
}

static char *read_text(const struct reading *r, const struct config_node *node)
{
    const char *name = r->key->name;
    if (node->kind != CONFIG_SCALAR) {
        config_problem(r->problems, node, "%s takes a single value, not %s", name, config_kind_name(node));
        return NULL;
    }
    if (!*node->text) {
        config_problem(r->problems, node, "%s takes a text that is not empty", name);
        return NULL;
    }
    if ((r->key->type == CONFIG_PATH || r->key->type == CONFIG_PATHS) && !path_valid(node->text)) {
        config_problem(r->problems, node, "%s takes an absolute path without \".\" and \"..\" in it", name);
        return NULL;
    }
    if (r->key->type == CONFIG_NAME && !config_name_valid(node->text)) {
        config_problem(
            r->problems, node,
            "%s takes a name: at most 64 of a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first", name);
        return NULL;
    }
    char *text = strdup(node->text);
    if (!text)
        no_memory(r, node);
    return text;
}

static void read_bool(const struct reading *r, const struct config_node *node, bool *ret)
{
    if (node->kind == CONFIG_SCALAR && !node->quoted && strcmp(node->text, "true") == 0)
        *ret = true;
    else if (node->kind == CONFIG_SCALAR && !node->quoted && strcmp(node->text, "false") == 0)
        *ret = false;
    else
        config_problem(r->problems, node, "%s takes true or false", r->key->name);
}

static void read_enum(const struct reading *r, const struct config_node *node, unsigned *ret)
{
    if (node->kind != CONFIG_SCALAR) {
        config_problem(r->problems, node, "%s takes a single value, not %s", r->key->name,
                       config_kind_name(node));
        return;
    }
    for (unsigned i = 0; r->key->values[i]; i++)
        if (strcmp(r->key->values[i], node->text) == 0) {
            *ret = i;
            return;
        }
    wrong_enum(r, node);
}

/* A bound as the file would say it. */
static const char *bound_text(char *room, size_t n, enum config_type type, int64_t value)
{
    static const struct {
        enum config_type type;
        int64_t factor;
        const char *name;
    } UNITS[] = {
        {CONFIG_SIZE, 1ll << 40, "TiB"},
        {CONFIG_SIZE, 1 << 30, "GiB"},
        {CONFIG_SIZE, 1 << 20, "MiB"},
        {CONFIG_SIZE, 1 << 10, "KiB"},
        {CONFIG_SIZE, 1, "B"},
        {CONFIG_DURATION, 86400000, "d"},
        {CONFIG_DURATION, 3600000, "h"},
        {CONFIG_DURATION, 60000, "min"},
        {CONFIG_DURATION, 1000, "s"},
        {CONFIG_DURATION, 1, "ms"},
        {CONFIG_INT, 1, ""},
    };
    for (size_t i = 0; i < sizeof(UNITS) / sizeof(*UNITS); i++)
        if (UNITS[i].type == type && value % UNITS[i].factor == 0 && (value || UNITS[i].factor == 1)) {
            (void)snprintf(room, n, "%lld%s", (long long)(value / UNITS[i].factor), UNITS[i].name);
            break;
        }
    return room;
}

static void read_number(const struct reading *r, const struct config_node *node, int64_t *ret)
{
    const struct config_key *k = r->key;
    int64_t value = 0;
    uint64_t bytes = 0;
    int bad = -EINVAL;
    if (node->kind == CONFIG_SCALAR && k->type == CONFIG_INT)
        bad = quantity_int(node->text, k->low, k->high, &value);
    else if (node->kind == CONFIG_SCALAR && k->type == CONFIG_SIZE) {
        bad = quantity_bytes(node->text, &bytes);
        value = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
    } else if (node->kind == CONFIG_SCALAR)
        bad = quantity_ms(node->text, &value);
    if (bad < 0 || value < k->low || value > k->high) {
        char low[32], high[32];
        config_problem(r->problems, node, "%s takes %s from %s to %s", k->name,
                       k->type == CONFIG_INT    ? "a whole number"
                       : k->type == CONFIG_SIZE ? "a size with its unit (64GiB)"
                                                : "a duration with its unit (10s)",
                       bound_text(low, sizeof(low), k->type, k->low),
                       bound_text(high, sizeof(high), k->type, k->high));
        return;
    }
    *ret = value;
}

/* The values of a list, or the one written alone. False when there are too many. */
static bool one_or_many(const struct reading *r, const struct config_node *const *node,
                        const struct config_node *const **ret, size_t *ret_n)
{
    bool many = (*node)->kind == CONFIG_LIST;
    *ret = many ? (const struct config_node *const *)(*node)->values : node;
    *ret_n = many ? (*node)->n : 1;
    if (*ret_n <= (size_t)r->key->high)
        return true;
    config_problem(r->problems, *node, "%s takes at most %lld", r->key->name, (long long)r->key->high);
    return false;
}

static void read_texts(const struct reading *r, const struct config_node *node, struct config_texts *ret)
{
    const struct config_node *const *nodes;
    size_t n;
    if (!one_or_many(r, &node, &nodes, &n) || n == 0)
        return;
    ret->at = calloc(n, sizeof(*ret->at));
    if (!ret->at) {
        no_memory(r, node);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char *text = read_text(r, nodes[i]);
        if (text)
            ret->at[ret->n++] = text;
    }
}

static void read_sections(const struct reading *r, const struct config_node *node, struct config_list *ret)
{
    const struct config_section *section = r->key->section;
    const struct config_node *const *nodes;
    size_t n;
    if (!one_or_many(r, &node, &nodes, &n) || n == 0)
        return;
    ret->at = calloc(n, section->size);
    if (!ret->at) {
        no_memory(r, node);
        return;
    }
    ret->n = n;
    for (size_t i = 0; i < n; i++)
        config_section_read(section, nodes[i], (char *)ret->at + i * section->size, r->problems);
}

static void read_json(const struct reading *r, const struct config_node *node, json_t **ret)
{
    if (node->kind != CONFIG_MAP)
        config_problem(r->problems, node, "%s takes a map, not %s", r->key->name, config_kind_name(node));
    else if (!(*ret = config_node_json(node)))
        no_memory(r, node);
}

static void read_key(const struct reading *r, const struct config_node *node, void *ret)
{
    switch (r->key->type) {
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_NAME:
        *(char **)ret = read_text(r, node);
        break;
    case CONFIG_ENUM:
        read_enum(r, node, ret);
        break;
    case CONFIG_BOOL:
        read_bool(r, node, ret);
        break;
    case CONFIG_INT:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        read_number(r, node, ret);
        break;
    case CONFIG_TEXTS:
    case CONFIG_PATHS:
        read_texts(r, node, ret);
        break;
    case CONFIG_JSON:
        read_json(r, node, ret);
        break;
    case CONFIG_SECTION:
        config_section_read(r->key->section, node, ret, r->problems);
        break;
    case CONFIG_SECTIONS:
        read_sections(r, node, ret);
        break;
    }
}

/* --- a section --- */

static void unknown_key(const struct config_section *section, const struct config_node *key,
                        struct config_problems *p)
{
    struct nearest near;
    struct buffer list;
    nearest_init(&near, key->text, strlen(key->text));
    buffer_init(&list, 512);
    for (size_t i = 0; i < section->n_keys; i++) {
        nearest_offer(&near, section->keys[i].name);
        buffer_printf(&list, "%s%s", i ? ", " : "", section->keys[i].name);
    }
    buffer_append(&list, "", 1);
    if (near.best)
        config_problem(p, key, "unknown key \"%s\" of %s; did you mean \"%s\"?", key->text, section->what,
                       near.best);
    else
        config_problem(p, key, "unknown key \"%s\" of %s, which has %s", key->text, section->what,
                       buffer_failed(&list) ? "others" : (const char *)list.data);
    buffer_fini(&list);
}

static const struct config_key *find_key(const struct config_section *section, const char *name)
{
    for (size_t i = 0; i < section->n_keys; i++)
        if (strcmp(section->keys[i].name, name) == 0)
            return &section->keys[i];
    return NULL;
}

void config_section_read(const struct config_section *section, const struct config_node *node, void *ret,
                         struct config_problems *p)
{
    *(const struct config_node **)ret = node;
    bool is_map = node && node->kind == CONFIG_MAP;
    if (!is_map && !config_node_is_null(node)) {
        config_problem(p, node, "%s is a map of keys, not %s", section->what, config_kind_name(node));
        return;
    }
    for (size_t i = 0; is_map && i < node->n; i++)
        if (!find_key(section, node->keys[i]->text))
            unknown_key(section, node->keys[i], p);
    for (size_t i = 0; i < section->n_keys; i++) {
        const struct config_key *key = &section->keys[i];
        const struct config_node *value = config_node_get(node, key->name);
        struct config_node preset = {.kind = CONFIG_SCALAR, .text = (char *)key->preset};
        if (config_node_is_null(value))
            value = key->preset ? &preset : NULL;
        if (value || key->type == CONFIG_SECTION)
            read_key(&(struct reading){.key = key, .problems = p}, value, (char *)ret + key->offset);
        else if (key->required)
            config_problem(p, node, "%s needs the key \"%s\"", section->what, key->name);
    }
}

void config_section_fini(const struct config_section *section, void *at)
{
    for (size_t i = 0; i < section->n_keys; i++) {
        const struct config_key *key = &section->keys[i];
        void *value = (char *)at + key->offset;
        struct config_texts *texts = value;
        struct config_list *list = value;
        switch (key->type) {
        case CONFIG_TEXT:
        case CONFIG_PATH:
        case CONFIG_NAME:
            free(*(char **)value);
            break;
        case CONFIG_TEXTS:
        case CONFIG_PATHS:
            for (size_t j = 0; j < texts->n; j++)
                free(texts->at[j]);
            free(texts->at);
            break;
        case CONFIG_JSON:
            json_decref(*(json_t **)value);
            break;
        case CONFIG_SECTION:
            config_section_fini(key->section, value);
            break;
        case CONFIG_SECTIONS:
            for (size_t j = 0; j < list->n; j++)
                config_section_fini(key->section, (char *)list->at + j * key->section->size);
            free(list->at);
            break;
        case CONFIG_ENUM:
        case CONFIG_BOOL:
        case CONFIG_INT:
        case CONFIG_SIZE:
        case CONFIG_DURATION:
            break;
        }
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_texts(const struct config_texts *a, const struct config_texts *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->at[i], b->at[i]) == 0;
    return same;
}

const char *config_section_changed(const struct config_section *section, const void *before,
                                   const void *after)
{
    for (size_t i = 0; i < section->n_keys; i++) {
        const struct config_key *key = &section->keys[i];
        const void *a = (const char *)before + key->offset, *b = (const char *)after + key->offset;
        bool same = true;
        if (!key->restart)
            continue;
        switch (key->type) {
        case CONFIG_TEXT:
        case CONFIG_PATH:
        case CONFIG_NAME:
            same = same_text(*(char *const *)a, *(char *const *)b);
            break;
        case CONFIG_TEXTS:
        case CONFIG_PATHS:
            same = same_texts(a, b);
            break;
        case CONFIG_ENUM:
            same = *(const unsigned *)a == *(const unsigned *)b;
            break;
        case CONFIG_BOOL:
            same = *(const bool *)a == *(const bool *)b;
            break;
        case CONFIG_INT:
        case CONFIG_SIZE:
        case CONFIG_DURATION:
            same = *(const int64_t *)a == *(const int64_t *)b;
            break;
        case CONFIG_JSON:
            same = *(json_t *const *)a == *(json_t *const *)b ||
                   json_equal(*(json_t *const *)a, *(json_t *const *)b);
            break;
        case CONFIG_SECTION:
            same = !config_section_changed(key->section, a, b);
            break;
        case CONFIG_SECTIONS:
            same = false; /* no table marks a list of sections */
            break;
        }
        if (!same)
            return key->name;
    }
    return NULL;
}

json_t *config_node_json(const struct config_node *node)
{
    if (node->kind == CONFIG_SCALAR) {
        int64_t number;
        char again[24];
        if (node->quoted)
            return json_string(node->text);
        if (config_node_is_null(node))
            return json_null();
        if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
            return json_boolean(node->text[0] == 't');
        if (quantity_int(node->text, INT64_MIN + 1, INT64_MAX, &number) == 0) {
            /* Only what a number would be written as again: 007 is text. */
            (void)snprintf(again, sizeof(again), "%lld", (long long)number);
            if (strcmp(again, node->text) == 0)
                return json_integer(number);
        }
        return json_string(node->text);
    }
    json_t *whole = node->kind == CONFIG_LIST ? json_array() : json_object();
    for (size_t i = 0; whole && i < node->n; i++) {
        json_t *value = config_node_json(node->values[i]);
        int bad = node->kind == CONFIG_LIST ? json_array_append_new(whole, value)
                                            : json_object_set_new(whole, node->keys[i]->text, value);
        if (bad) {
            json_decref(whole);
            whole = NULL;
        }
    }
    return whole;
}
