#include "plugins/servicenow/instance.h"

#include <stdio.h>
#include <string.h>

#define NAMES_A_REQUEST 100

int instance_fail(char *err, int result, const char *why)
{
    (void)snprintf(err, TENDON_ERROR_BYTES, "%s", why);
    return result;
}

/* --- the Table API ---------------------------------------------------------------------------------------
 */

static int send(struct instance *instance, const struct table_request *request, uint32_t offset,
                const struct tendon_http_answer **ret, char *err)
{
    const struct tendon_http_1 *http = instance->http;
    char path[REFERENCE_MAX + 32], number[16];
    const struct tendon_http_request to_send = {.struct_size = sizeof(to_send), .path = path};

    (void)snprintf(path, sizeof(path), "/api/now/table/%s", request->table);
    http->parameter(instance->client, "sysparm_query", request->query);
    http->parameter(instance->client, "sysparm_fields", request->fields);
    (void)snprintf(number, sizeof(number), "%d", request->limit);
    http->parameter(instance->client, "sysparm_limit", number);
    if (offset) {
        (void)snprintf(number, sizeof(number), "%u", offset);
        http->parameter(instance->client, "sysparm_offset", number);
    }
    http->parameter(instance->client, "sysparm_display_value", request->with_display ? "all" : "false");
    http->parameter(instance->client, "sysparm_exclude_reference_link", "true");
    return http->send(instance->client, &to_send, ret, err);
}

/* A session that has expired is told like a wrong password, once: no cookie is kept, so that the next request
 * has a new one. A token that has expired is renewed in its file by whoever keeps it. */
static int send_again(struct instance *instance, const struct table_request *request, uint32_t offset,
                      const struct tendon_http_answer **ret, char *err)
{
    int result = send(instance, request, offset, ret, err);

    if (result == TENDON_E_AUTH && *ret && (*ret)->status == 401 && instance->has_worked) {
        result = send(instance, request, offset, ret, err);
        if (result == TENDON_E_AUTH && instance->has_token)
            result = TENDON_E_TEMPORARY;
    }
    instance->has_worked |= result == TENDON_OK;
    return result == TENDON_INVALID ? TENDON_E_CONFIG : result == TENDON_IDLE ? TENDON_E_TEMPORARY : result;
}

int table_ask(struct instance *instance, const struct table_request *request, uint32_t *offset,
              struct tendon_json **ret, const struct tendon_json **ret_rows, char *err)
{
    const struct tendon_json_1 *json = instance->json;
    const struct tendon_http_answer *answer = NULL;
    struct tendon_json *document;
    int result = send_again(instance, request, *offset, &answer, err);

    if (result != TENDON_OK)
        return result;
    if (json->parse(instance->host, answer->body, answer->size, &document, err) != TENDON_OK)
        return TENDON_E_TEMPORARY;
    *ret_rows = json->get(document, "result");
    /* A request that took too long is ended in the middle, with status 200, a part of the rows and an error.
     */
    if (json->type(*ret_rows) != 'a' || json->type(json->get(document, "error"))) {
        json->free(document);
        (void)snprintf(err, TENDON_ERROR_BYTES, "the answer for table %s holds an error or no rows",
                       request->table);
        return TENDON_E_TEMPORARY;
    }
    /* The link itself may name the instance otherwise than url does. */
    *offset = answer->next ? *offset + (uint32_t)request->limit : 0;
    *ret = document;
    return TENDON_OK;
}

bool instance_time(const struct instance *instance, const char *text, int64_t *ret_ms)
{
    return text && instance->host->time_parse(instance->host, "%Y-%m-%d %H:%M:%S", NULL, text, TENDON_TEXT,
                                              ret_ms) == TENDON_OK;
}

int instance_check_clock(struct instance *instance, char *err)
{
    const struct table_request request = {instance->table, "ORDERBYsys_created_on", "sys_created_on", 1,
                                          true};
    const struct tendon_json_1 *json = instance->json;
    const struct tendon_json *rows;
    struct tendon_json *document;
    uint32_t offset = 0;
    int result = table_ask(instance, &request, &offset, &document, &rows, err);

    if (result != TENDON_OK)
        return result;
    const char *value = json->string(json->at(rows, 0), "/sys_created_on/value");
    const char *shown = json->string(json->at(rows, 0), "/sys_created_on/display_value");

    if (value && shown && strcmp(value, shown) != 0)
        result = instance_fail(
            err, TENDON_E_CONFIG,
            "the user's time zone is not GMT, or its formats of date and time are not yyyy-MM-dd "
            "and HH:mm:ss: queries would miss what they ask for. Set them in ServiceNow");
    json->free(document);
    return result;
}

/* --- fields ----------------------------------------------------------------------------------------------
 */

static const struct {
    const char *field, *dimension;
} FIELDS[] = {{"priority", "severity"},
              {"category", "category"},
              {"contact_type", "channel"},
              {"location", "site"},
              {"assignment_group", "team"}};

static const struct {
    const char *field, *table, *column;
} REFERENCES[] = {{"assignment_group", "sys_user_group", "name"},
                  {"location", "cmn_location", "name"},
                  {"company", "core_company", "name"},
                  {"cmdb_ci", "cmdb_ci", "name"},
                  {"business_service", "cmdb_ci_service", "name"},
                  {"service_offering", "service_offering", "name"}};

/* Names go into queries: nothing that means something there. */
static bool is_name(const char *text, size_t size)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return size > 0 && size < REFERENCE_MAX && n >= size;
}

static int add_tracked(struct instance *instance, const char *field, const char *dimension, char *err)
{
    if (!is_name(field, strlen(field))) {
        (void)snprintf(err, TENDON_ERROR_BYTES, "fields: \"%.64s\" is no field of a table, as u_product",
                       field);
        return TENDON_E_CONFIG;
    }
    if (instance->n_tracked == TRACKED_MAX)
        return instance_fail(err, TENDON_E_CONFIG, "fields names too many fields");
    struct tracked *tracked = &instance->tracked[instance->n_tracked++];

    *tracked = (struct tracked){.field = field, .dimension = dimension};
    for (size_t i = 0; i < sizeof(REFERENCES) / sizeof(REFERENCES[0]); i++)
        if (strcmp(REFERENCES[i].field, field) == 0) {
            tracked->is_reference = true;
            (void)snprintf(tracked->table, REFERENCE_MAX, "%s", REFERENCES[i].table);
            (void)snprintf(tracked->column, REFERENCE_MAX, "%s", REFERENCES[i].column);
        }
    return TENDON_OK;
}

/* "cmn_location" or "cmn_location.u_code"; "" for a field that refers to nothing. */
static int set_reference(struct tracked *tracked, const char *text, char *err)
{
    const char *dot = strchr(text, '.');
    size_t n = dot ? (size_t)(dot - text) : strlen(text);

    tracked->is_reference = *text != '\0';
    if (!*text)
        return TENDON_OK;
    if (!is_name(text, n) || (dot && (!is_name(dot + 1, strlen(dot + 1))))) {
        (void)snprintf(err, TENDON_ERROR_BYTES, "references: \"%.64s\" is not TABLE or TABLE.COLUMN", text);
        return TENDON_E_CONFIG;
    }
    (void)snprintf(tracked->table, REFERENCE_MAX, "%.*s", (int)n, text);
    (void)snprintf(tracked->column, REFERENCE_MAX, "%s", dot ? dot + 1 : "name");
    return TENDON_OK;
}

struct tracked *tracked_find(struct instance *instance, const char *field)
{
    for (uint32_t i = 0; i < instance->n_tracked; i++)
        if (strcmp(instance->tracked[i].field, field) == 0)
            return &instance->tracked[i];
    return NULL;
}

static bool tells(const struct instance *instance, const char *dimension)
{
    for (uint32_t i = 0; i < instance->n_tracked; i++)
        if (strcmp(instance->tracked[i].dimension, dimension) == 0)
            return true;
    return false;
}

int tracked_open(struct instance *instance, char *err)
{
    const struct tendon_host *host = instance->host;
    const struct tendon_config *config = instance->config;
    int result = TENDON_OK;

    for (uint32_t i = 0; i < host->count(config, "fields") && result == TENDON_OK; i++) {
        const char *dimension = host->get_string(config, "fields", i);

        if (tells(instance, dimension)) {
            (void)snprintf(err, TENDON_ERROR_BYTES, "fields: \"%.64s\" is told by two fields", dimension);
            return TENDON_E_CONFIG;
        }
        result = add_tracked(instance, host->get_key(config, "fields", i), dimension, err);
    }
    for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]) && result == TENDON_OK; i++)
        if (!tells(instance, FIELDS[i].dimension) && !tracked_find(instance, FIELDS[i].field))
            result = add_tracked(instance, FIELDS[i].field, FIELDS[i].dimension, err);
    for (uint32_t i = 0; i < host->count(config, "references") && result == TENDON_OK; i++) {
        struct tracked *tracked = tracked_find(instance, host->get_key(config, "references", i));

        if (!tracked) {
            (void)snprintf(err, TENDON_ERROR_BYTES, "references: fields names no \"%.64s\"",
                           host->get_key(config, "references", i));
            return TENDON_E_CONFIG;
        }
        result = set_reference(tracked, host->get_string(config, "references", i), err);
    }
    return result;
}

void tracked_close(struct instance *instance)
{
    for (uint32_t i = 0; i < instance->n_tracked; i++)
        roster_clear(&instance->tracked[i].names);
}

/* --- names -----------------------------------------------------------------------------------------------
 */

bool is_sys_id(const char *text)
{
    return text && strlen(text) == SYS_ID_CHARS && !text[strspn(text, "0123456789abcdef")];
}

/* A sys_id is random: both halves together tell it from the few thousand others of its table. */
static int64_t key_of(const char *id)
{
    uint64_t halves[2] = {0, 0};

    for (int i = 0; i < SYS_ID_CHARS; i++) {
        char c = id[i];

        halves[i / 16] = halves[i / 16] << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return (int64_t)(halves[0] ^ (halves[1] << 1 | halves[1] >> 63));
}

static int load_some(struct instance *instance, struct tracked *tracked, const char *const *ids, uint32_t n,
                     char *err)
{
    const struct tendon_json_1 *json = instance->json;
    char query[QUERY_BYTES], fields[REFERENCE_MAX + 16];
    uint32_t offset = 0;
    const struct table_request request = {tracked->table, query, fields, NAMES_A_REQUEST, false};
    const struct tendon_json *rows;
    struct tendon_json *document;
    size_t size = (size_t)snprintf(query, sizeof(query), "sys_idIN");

    for (uint32_t i = 0; i < n; i++)
        size += (size_t)snprintf(query + size, sizeof(query) - size, "%s%s", i ? "," : "", ids[i]);
    (void)snprintf(fields, sizeof(fields), "sys_id,%s", tracked->column);
    int result = table_ask(instance, &request, &offset, &document, &rows, err);
    if (result != TENDON_OK)
        return result;
    bool is_good = true;

    for (uint32_t i = 0; i < n && is_good; i++) /* who is not in the answer is gone, or hidden */
        is_good = roster_put(&tracked->names, key_of(ids[i]), NULL);
    for (uint32_t i = 0; i < json->count(rows) && is_good; i++) {
        const char *id = json->string(json->at(rows, i), "sys_id");

        if (is_sys_id(id))
            is_good =
                roster_put(&tracked->names, key_of(id), json->string(json->at(rows, i), tracked->column));
    }
    json->free(document);
    return is_good ? TENDON_OK : instance_fail(err, TENDON_E_TEMPORARY, "no memory for names");
}

int tracked_load(struct instance *instance, struct tracked *tracked, const char *const *ids, uint32_t n,
                 char *err)
{
    const char *wanted[NAMES_A_REQUEST];
    uint32_t n_wanted = 0;

    for (uint32_t i = 0; i < n; i++) {
        bool is_known = !is_sys_id(ids[i]) || roster_find(&tracked->names, key_of(ids[i]), NULL);

        for (uint32_t j = 0; j < n_wanted && !is_known; j++)
            is_known = strcmp(wanted[j], ids[i]) == 0;
        if (!is_known)
            wanted[n_wanted++] = ids[i];
        if (n_wanted == NAMES_A_REQUEST || (n_wanted && i + 1 == n)) {
            int result = load_some(instance, tracked, wanted, n_wanted, err);

            if (result != TENDON_OK)
                return result;
            n_wanted = 0;
        }
    }
    return TENDON_OK;
}

const char *tracked_name(const struct tracked *tracked, const char *value)
{
    const char *name = NULL;

    if (!value || !*value)
        return NULL;
    if (!tracked->is_reference || !is_sys_id(value))
        return value;
    return roster_find(&tracked->names, key_of(value), &name) && name && *name ? name : NULL;
}
