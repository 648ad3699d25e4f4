#include "plugins/servicenow/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROWS_A_REQUEST 1000
#define NAMES_AT_ONCE  256

/* A row of sys_audit, or of sys_journal_field: an entry, whose text is not asked for. */
struct change {
    const char *incident, *id, *field;
    const char *from, *to; /* audit */
    const char *user;
    int64_t at, step; /* step: how often the incident had been updated */
    bool is_entry;
};

void history_clear(struct history *history, const struct instance *instance)
{
    for (uint32_t i = 0; i < history->n_documents; i++)
        instance->json->free(history->documents[i]);
    free(history->documents);
    free(history->changes);
    *history = (struct history){.dimensions = history->dimensions};
}

/* --- loading ---------------------------------------------------------------------------------------------
 */

static bool keep_document(struct history *history, struct tendon_json *document)
{
    if (history->n_documents == history->room_documents) {
        uint32_t room = history->room_documents ? history->room_documents * 2 : 8;
        struct tendon_json **documents = reallocarray(history->documents, room, sizeof(*documents));

        if (!documents)
            return false;
        history->documents = documents;
        history->room_documents = room;
    }
    history->documents[history->n_documents++] = document;
    return true;
}

static bool keep_change(struct history *history, const struct change *change)
{
    if (history->n_changes == history->room_changes) {
        uint32_t room = history->room_changes ? history->room_changes * 2 : 256;
        struct change *changes = reallocarray(history->changes, room, sizeof(*changes));

        if (!changes)
            return false;
        history->changes = changes;
        history->room_changes = room;
    }
    history->changes[history->n_changes++] = *change;
    return true;
}

/* A row without one of what it is made of is one whose columns the user may not see: history_map counts what
 * is missing where it matters. */
static bool read_change(const struct instance *instance, const struct tendon_json *row, bool is_entry,
                        struct change *ret)
{
    const struct tendon_json_1 *json = instance->json;

    *ret = (struct change){
        .incident = json->string(row, is_entry ? "element_id" : "documentkey"),
        .id = json->string(row, "sys_id"),
        .field = json->string(row, is_entry ? "element" : "fieldname"),
        .from = json->string(row, "oldvalue"),
        .to = json->string(row, "newvalue"),
        .user = json->string(row, is_entry ? "sys_created_by" : "user"),
        .step = json->integer(row, "record_checkpoint", 0),
        .is_entry = is_entry,
    };
    return is_sys_id(ret->incident) && is_sys_id(ret->id) && ret->field &&
           instance_time(instance, json->string(row, "sys_created_on"), &ret->at);
}

static int take_rows(struct history *history, struct instance *instance, const struct tendon_json *rows,
                     bool is_entry, char *err)
{
    for (uint32_t i = 0; i < instance->json->count(rows); i++) {
        struct change change;

        if (!read_change(instance, instance->json->at(rows, i), is_entry, &change))
            continue;
        if (history->n_changes == HISTORY_CHANGES_MAX)
            return instance_fail(err, TENDON_E_CONFIG,
                                 "some incidents have changed 200,000 times together: take less per_page");
        if (!keep_change(history, &change))
            return instance_fail(err, TENDON_E_TEMPORARY, "no memory for the history of incidents");
    }
    return TENDON_OK;
}

/* All pages of a request. */
static int load_rows(struct history *history, struct instance *instance, const struct table_request *request,
                     bool is_entry, char *err)
{
    uint32_t offset = 0;

    for (int n = 0; n <= HISTORY_CHANGES_MAX / ROWS_A_REQUEST; n++) {
        const struct tendon_json *rows;
        struct tendon_json *document;
        int result = table_ask(instance, request, &offset, &document, &rows, err);

        if (result != TENDON_OK)
            return result;
        if (!keep_document(history, document)) {
            instance->json->free(document);
            return instance_fail(err, TENDON_E_TEMPORARY, "no memory for the history of incidents");
        }
        result = take_rows(history, instance, rows, is_entry, err);
        if (result != TENDON_OK || !offset)
            return result;
    }
    return instance_fail(err, TENDON_E_CONFIG,
                         "the history of a page of incidents has no end: take less per_page");
}

static size_t put_ids(const struct instance *instance, char *query, size_t size,
                      const struct tendon_json *incidents, uint32_t n)
{
    uint32_t n_put = 0;

    for (uint32_t i = 0; i < n; i++) {
        const char *id = instance->json->string(instance->json->at(incidents, i), "sys_id");

        if (is_sys_id(id))
            size += (size_t)snprintf(query + size, QUERY_BYTES - size, "%s%s", n_put++ ? "," : "", id);
    }
    return size;
}

static int load_audits(struct history *history, struct instance *instance,
                       const struct tendon_json *incidents, uint32_t n, char *err)
{
    char query[QUERY_BYTES];
    const struct table_request request = {
        "sys_audit", query,
        "sys_id,documentkey,fieldname,oldvalue,newvalue,user,sys_created_on,record_checkpoint",
        ROWS_A_REQUEST, false};
    size_t size = (size_t)snprintf(query, sizeof(query), "tablename=%s^documentkeyIN", instance->table);

    size = put_ids(instance, query, size, incidents, n);
    size += (size_t)snprintf(query + size, sizeof(query) - size, "^fieldnameINstate,hold_reason");
    for (uint32_t i = 0; i < instance->n_tracked; i++)
        size += (size_t)snprintf(query + size, sizeof(query) - size, ",%s", instance->tracked[i].field);
    (void)snprintf(query + size, sizeof(query) - size, "^ORDERBYsys_created_on^ORDERBYsys_id");
    return load_rows(history, instance, &request, false, err);
}

static int load_entries(struct history *history, struct instance *instance,
                        const struct tendon_json *incidents, uint32_t n, char *err)
{
    char query[QUERY_BYTES];
    const struct table_request request = {"sys_journal_field", query,
                                          "sys_id,element_id,element,sys_created_by,sys_created_on",
                                          ROWS_A_REQUEST, false};
    size_t size = (size_t)snprintf(query, sizeof(query), "name=%s^element_idIN", instance->table);

    size = put_ids(instance, query, size, incidents, n);
    (void)snprintf(query + size, sizeof(query) - size,
                   "^elementINcomments,work_notes^ORDERBYsys_created_on^ORDERBYsys_id");
    return load_rows(history, instance, &request, true, err);
}
_Static_assert(100 * (SYS_ID_CHARS + 1) + TRACKED_MAX * REFERENCE_MAX + 512 < QUERY_BYTES,
               "a query holds the ids of a page and all fields");

/* The names of what a field of these incidents refers to, and did. */
static int load_names(struct history *history, struct instance *instance, struct tracked *tracked,
                      const struct tendon_json *incidents, uint32_t n, char *err)
{
    const char *ids[NAMES_AT_ONCE];
    uint32_t n_ids = 0;
    int result = TENDON_OK;

    for (uint32_t i = 0; i < n + 2 * history->n_changes && result == TENDON_OK; i++) {
        const struct change *change = i < n ? NULL : &history->changes[(i - n) / 2];
        const char *id = !change ? instance->json->string(instance->json->at(incidents, i), tracked->field)
                         : change->is_entry || strcmp(change->field, tracked->field) != 0 ? NULL
                         : (i - n) % 2                                                    ? change->to
                                                                                          : change->from;

        if (is_sys_id(id))
            ids[n_ids++] = id;
        if (n_ids == NAMES_AT_ONCE) {
            result = tracked_load(instance, tracked, ids, n_ids, err);
            n_ids = 0;
        }
    }
    return result == TENDON_OK ? tracked_load(instance, tracked, ids, n_ids, err) : result;
}

static int by_time(const void *left, const void *right)
{
    const struct change *a = left, *b = right;
    int order = strcmp(a->incident, b->incident);

    if (order == 0)
        order = (a->at > b->at) - (a->at < b->at);
    if (order == 0)
        order = (a->step > b->step) - (a->step < b->step);
    return order != 0 ? order : strcmp(a->id, b->id);
}

int history_load(struct history *history, struct instance *instance, const struct tendon_json *incidents,
                 uint32_t n, bool with_messages, char *err)
{
    int result = load_audits(history, instance, incidents, n, err);

    if (result == TENDON_OK && with_messages)
        result = load_entries(history, instance, incidents, n, err);
    for (uint32_t i = 0; i < instance->n_tracked && result == TENDON_OK; i++)
        if (instance->tracked[i].is_reference)
            result = load_names(history, instance, &instance->tracked[i], incidents, n, err);
    if (result == TENDON_OK && history->n_changes > 0)
        qsort(history->changes, history->n_changes, sizeof(*history->changes), by_time);
    return result;
}

void history_fields(const struct instance *instance, char fields[QUERY_BYTES])
{
    size_t n =
        (size_t)snprintf(fields, QUERY_BYTES,
                         "sys_id,number,opened_at,sys_updated_on,state,hold_reason,caller_id.user_name,"
                         "opened_by.user_name");

    for (uint32_t i = 0; i < instance->n_tracked; i++)
        n += (size_t)snprintf(fields + n, QUERY_BYTES - n, ",%s", instance->tracked[i].field);
}

/* --- events ----------------------------------------------------------------------------------------------
 */

/* The incident at hand. */
struct incident {
    struct history *history;
    struct instance *instance;
    struct tendon_batch *batch;
    const struct tendon_json *row;
    const char *id, *number, *caller, *opener;
    int64_t opened;
    const struct change *changes;
    uint32_t n;
    const char *state, *hold_reason; /* as the walk through the changes has come to */
};

static const char *find_status(const struct instance *instance, const char *key)
{
    const struct tendon_host *host = instance->host;
    int64_t index = host->find(instance->config, "states", key);

    return index < 0 ? NULL : host->get_string(instance->config, "states", (uint32_t)index);
}

/* NULL: nobody said what the state means. */
static const char *status_of(const struct instance *instance, const char *state, const char *hold_reason)
{
    static const struct {
        const char *state, *status;
    } states[] = {{"1", "new"},  {"2", "open"},   {"3/1", "pending"}, {"3", "hold"},  {"4", "pending"},
                  {"5", "hold"}, {"6", "solved"}, {"7", "closed"},    {"8", "closed"}};
    char key[64];

    if (!state || !*state)
        return NULL;
    (void)snprintf(key, sizeof(key), "%.30s/%.30s", state, hold_reason ? hold_reason : "");
    const char *status = find_status(instance, key);

    if (!status)
        status = find_status(instance, state);
    for (size_t i = 0; !status && i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(states[i].state, key) == 0 || strcmp(states[i].state, state) == 0)
            status = states[i].status;
    return status;
}

static const char *channel_of(const char *type)
{
    static const struct {
        const char *type, *channel;
    } channels[] = {{"phone", "phone"},
                    {"ivr", "phone"},
                    {"email", "email"},
                    {"web", "web"},
                    {"direct", "web"},
                    {"chat", "chat"},
                    {"virtual_agent", "chat"},
                    {"messaging", "chat"},
                    {"self-service", "portal"},
                    {"self_service", "portal"},
                    {"service-portal", "portal"},
                    {"walk-in", "onsite"},
                    {"walk_in", "onsite"},
                    {"integration", "api"},
                    {"api", "api"},
                    {"monitoring", "api"},
                    {"event", "api"}};

    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        if (strcasecmp(channels[i].type, type) == 0)
            return channels[i].channel;
    return "";
}

static void put(struct incident *incident, const struct tracked *tracked, const char *value)
{
    struct dimensions *dimensions = &incident->history->dimensions;
    const char *word = tracked_name(tracked, value), *fallback = NULL;

    if (value && *value && !word) {
        dimensions->problem = "unknown_reference";
        return;
    }
    if (word && strcmp(tracked->dimension, "channel") == 0)
        fallback = channel_of(word);
    if (word && strcmp(tracked->dimension, "severity") == 0 && strcmp(word, "5") == 0)
        fallback = "4"; /* planning: there are four severities */
    dimensions_put(dimensions, tracked->dimension, word, fallback);
}

/* False: an earlier batch has it. */
static bool begin(struct incident *incident, const char *type, const char *id, const char *part, int64_t at,
                  int64_t step)
{
    char text[SYS_ID_CHARS + 16];

    if (incident->history->n_offered++ < incident->history->n_taken)
        return false;
    (void)snprintf(text, sizeof(text), "%s/%s", id, part);
    incident->instance->host->event(incident->batch, type, incident->number, text, at,
                                    step > 0 && step < UINT32_MAX ? (uint32_t)step : 0);
    return true;
}

static void skip(const struct incident *incident, const char *code)
{
    incident->instance->host->skip(incident->batch, code, incident->instance->table, 0);
}

static int end(struct incident *incident)
{
    int result = incident->instance->host->end(incident->batch);

    if (result == TENDON_FULL)
        return TENDON_FULL;
    if (result == TENDON_INVALID)
        skip(incident, "bad_event");
    incident->history->n_taken++;
    return TENDON_OK;
}

/* What a field was when the incident was opened. */
static const char *first_value(const struct incident *incident, const char *field)
{
    for (uint32_t i = 0; i < incident->n; i++)
        if (!incident->changes[i].is_entry && strcmp(incident->changes[i].field, field) == 0)
            return incident->changes[i].from;
    return incident->instance->json->string(incident->row, field);
}

static int give_status(struct incident *incident, const char *id, const char *part, int64_t at, int64_t step,
                       bool is_automated)
{
    const char *status = status_of(incident->instance, incident->state, incident->hold_reason);

    if (!status) {
        skip(incident, "unknown_status");
        return TENDON_OK;
    }
    if (!begin(incident, "ticket.status", id, part, at, step))
        return TENDON_OK;
    incident->instance->host->set_string(incident->batch, "to", status, TENDON_TEXT);
    if (is_automated)
        incident->instance->host->set_bool(incident->batch, "automated", 1);
    return end(incident);
}

static int give_team(struct incident *incident, const struct tracked *tracked, const char *value,
                     const char *former, const char *id, int64_t at, int64_t step)
{
    const struct tendon_host *host = incident->instance->host;
    const char *name = tracked_name(tracked, value);
    bool has_value = value && *value;
    struct dimensions *dimensions = &incident->history->dimensions;

    if (has_value && !name) {
        skip(incident, "unknown_group");
        return TENDON_OK;
    }
    if (!begin(incident, "ticket.assigned", id, "assigned", at, step))
        return TENDON_OK;
    dimensions_clear(dimensions);
    dimensions_put(dimensions, "team", name, NULL);
    dimensions_send(dimensions, incident->batch, true);
    host->set_string(incident->batch, "kind", has_value && former && *former ? "reassign" : "route",
                     TENDON_TEXT);
    return end(incident);
}

static int give_opening(struct incident *incident)
{
    static const char *const machines[] = {"system", "guest"};
    struct instance *instance = incident->instance;
    const struct tendon_host *host = instance->host;
    struct tracked *team = NULL;
    bool is_machine = false;

    dimensions_clear(&incident->history->dimensions);
    for (uint32_t i = 0; i < instance->n_tracked; i++) {
        struct tracked *tracked = &instance->tracked[i];

        if (strcmp(tracked->dimension, "team") == 0)
            team = tracked;
        else
            put(incident, tracked, first_value(incident, tracked->field));
    }
    if (incident->history->dimensions.problem && incident->history->n_taken == 0)
        skip(incident, incident->history->dimensions.problem);
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        is_machine |= incident->opener && strcmp(incident->opener, machines[i]) == 0;
    if (begin(incident, "ticket.created", incident->id, "created", incident->opened, 0)) {
        if (is_machine)
            host->set_string(incident->batch, "by", "machine", TENDON_TEXT);
        else if (incident->opener && incident->caller && strcmp(incident->opener, incident->caller) != 0)
            host->set_string(incident->batch, "by", "agent", TENDON_TEXT);
        dimensions_send(&incident->history->dimensions, incident->batch, false);
        if (end(incident) == TENDON_FULL)
            return TENDON_FULL;
    }
    const char *group = team ? first_value(incident, team->field) : NULL;

    if (group && *group &&
        give_team(incident, team, group, NULL, incident->id, incident->opened, 0) == TENDON_FULL)
        return TENDON_FULL;
    incident->state = first_value(incident, "state");
    incident->hold_reason = first_value(incident, "hold_reason");
    return give_status(incident, incident->id, "opened", incident->opened, 0, is_machine);
}

static int give_entry(struct incident *incident, const struct change *change)
{
    const struct tendon_host *host = incident->instance->host;
    bool is_internal = strcmp(change->field, "work_notes") == 0;
    bool is_callers = incident->caller && change->user && strcmp(change->user, incident->caller) == 0;
    bool is_automated = change->user && strcmp(change->user, "system") == 0;

    if (!begin(incident, "ticket.message", change->id, "entry", change->at, 0))
        return TENDON_OK;
    host->set_string(incident->batch, "direction",
                     is_internal  ? "internal"
                     : is_callers ? "in"
                                  : "out",
                     TENDON_TEXT);
    if (is_automated)
        host->set_bool(incident->batch, "automated", 1);
    return end(incident);
}

/* What one update changed: changes[0 … n), which share time and step. */
static int give_update(struct incident *incident, const struct change *changes, uint32_t n)
{
    struct instance *instance = incident->instance;
    struct dimensions *dimensions = &incident->history->dimensions;
    const struct change *status = NULL;

    dimensions_clear(dimensions);
    for (uint32_t i = 0; i < n; i++) {
        const struct tracked *tracked = tracked_find(instance, changes[i].field);

        if (strcmp(changes[i].field, "state") == 0)
            incident->state = changes[i].to;
        else if (strcmp(changes[i].field, "hold_reason") == 0)
            incident->hold_reason = changes[i].to;
        else if (tracked && strcmp(tracked->dimension, "team") != 0)
            put(incident, tracked, changes[i].to);
        if (strcmp(changes[i].field, "state") == 0 ||
            (!status && strcmp(changes[i].field, "hold_reason") == 0))
            status = &changes[i];
    }
    if (dimensions->problem && incident->history->n_offered >= incident->history->n_taken)
        skip(incident, dimensions->problem);
    if (dimensions->n &&
        begin(incident, "ticket.updated", changes->id, "updated", changes->at, changes->step + 1)) {
        dimensions_send(dimensions, incident->batch, true);
        if (end(incident) == TENDON_FULL)
            return TENDON_FULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct tracked *tracked = tracked_find(instance, changes[i].field);

        if (tracked && strcmp(tracked->dimension, "team") == 0 &&
            give_team(incident, tracked, changes[i].to, changes[i].from, changes[i].id, changes[i].at,
                      changes[i].step + 1) == TENDON_FULL)
            return TENDON_FULL;
    }
    return status ? give_status(incident, status->id, "status", status->at, status->step + 1,
                                status->user && strcmp(status->user, "system") == 0)
                  : TENDON_OK;
}

static int give_changes(struct incident *incident)
{
    for (uint32_t i = 0, n; i < incident->n; i += n) {
        const struct change *first = &incident->changes[i];
        int result;

        n = 1;
        if (first->is_entry) {
            result = give_entry(incident, first);
        } else {
            while (i + n < incident->n && !first[n].is_entry && first[n].at == first->at &&
                   first[n].step == first->step)
                n++;
            result = give_update(incident, first, n);
        }
        if (result == TENDON_FULL)
            return TENDON_FULL;
    }
    return TENDON_OK;
}

/* Its changes: one stretch of all. */
static void find_changes(struct incident *incident)
{
    const struct history *history = incident->history;
    uint32_t low = 0, high = history->n_changes;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (strcmp(history->changes[middle].incident, incident->id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    incident->changes = history->changes + low;
    while (low + incident->n < history->n_changes &&
           strcmp(history->changes[low + incident->n].incident, incident->id) == 0)
        incident->n++;
}

int history_map(struct history *history, struct instance *instance, struct tendon_batch *batch,
                const struct tendon_json *row)
{
    const struct tendon_json_1 *json = instance->json;
    struct incident incident = {
        .history = history,
        .instance = instance,
        .batch = batch,
        .row = row,
        .id = json->string(row, "sys_id"),
        .number = json->string(row, "number"),
        .caller = json->string(row, "caller_id.user_name"),
        .opener = json->string(row, "opened_by.user_name"),
    };

    if (!is_sys_id(incident.id) || !incident.number || !*incident.number) {
        skip(&incident, "missing_value");
        return TENDON_OK;
    }
    if (!instance_time(instance, json->string(row, "opened_at"), &incident.opened)) {
        skip(&incident, "bad_time");
        return TENDON_OK;
    }
    history->n_offered = 0;
    find_changes(&incident);
    if (give_opening(&incident) == TENDON_FULL || give_changes(&incident) == TENDON_FULL)
        return TENDON_FULL;
    history->n_taken = 0;
    return TENDON_OK;
}
