#include "plugins/rt/tickets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "ObjectId = 12345678901234567890 OR " */
#define QUERY_BYTES (512 + REST_PAGE * 40)

int tickets_init(struct tickets *tickets, struct rest *rest, struct names *names)
{
    tickets->rest = rest;
    tickets->names = names;
    tickets->changes = calloc(TICKETS_CHANGES_MAX, sizeof(tickets->changes[0]));
    return tickets->changes ? 0 : -ENOMEM;
}

void tickets_clear(struct tickets *tickets)
{
    for (uint32_t i = 0; i < tickets->n_documents; i++)
        tickets->rest->json->free(tickets->documents[i]);
    tickets->n_documents = tickets->n_changes = tickets->n = 0;
}

void tickets_fini(struct tickets *tickets)
{
    if (tickets->rest)
        tickets_clear(tickets);
    free(tickets->changes);
    tickets->changes = NULL;
}

/* --- asking ----------------------------------------------------------------------------------------------
 */

static int place(const struct tickets *tickets, int64_t ticket)
{
    for (uint32_t i = 0; i < tickets->n; i++)
        if (tickets->ids[i] == ticket)
            return (int)i;
    return -1;
}

static void append_ids(const struct tickets *tickets, char *query, const char *field)
{
    size_t n = strlen(query);

    for (uint32_t i = 0; i < tickets->n; i++)
        n += (size_t)sprintf(query + n, "%s%s = %lld", i ? " OR " : "", field, (long long)tickets->ids[i]);
    (void)strcpy(query + n, ")");
}

/* What an answer that lists tickets tells of the names of queues and custom fields. */
static void keep_names(struct tickets *tickets, const struct tendon_json *ticket)
{
    const struct tendon_json_1 *json = tickets->rest->json;
    const struct tendon_json *fields = json->get(ticket, "CustomFields");
    char room[TENDON_JSON_BYTES];
    const char *id = json->text(ticket, "/Queue/id", room), *name = json->string(ticket, "/Queue/Name");

    if (id && name)
        names_keep(tickets->names, NAMES_QUEUE, id, name);
    for (uint32_t i = 0; i < json->count(fields); i++) {
        id = json->text(json->at(fields, i), "id", room);
        name = json->string(json->at(fields, i), "name");
        if (id && name)
            names_keep(tickets->names, NAMES_FIELD, id, name);
    }
}

static int load_values(struct tickets *tickets, char *err)
{
    const struct tendon_json_1 *json = tickets->rest->json;
    /* Without EffectiveId RT leaves out tickets that were merged into others. */
    char query[QUERY_BYTES] = "EffectiveId > 0 AND (";
    struct tendon_json *document;
    const struct tendon_json *items;
    int result;

    append_ids(tickets, query, "id");
    result = rest_list(tickets->rest, "/REST/2.0/tickets?fields%5BQueue%5D=Name", query,
                       "Queue,Status,Requestor,CustomFields", "ASC", 1, &document, err);
    if (result != TENDON_OK)
        return result;
    tickets->documents[tickets->n_documents++] = document;
    items = json->get(document, "items");
    for (uint32_t i = 0; i < json->count(items); i++) {
        int at = place(tickets, json->integer(json->at(items, i), "id", 0));

        if (at < 0)
            continue;
        tickets->values[at] = json->at(items, i);
        keep_names(tickets, tickets->values[at]);
    }
    /* Nor are deleted ones listed: each is asked for by itself. Of a merged one the answer is its target. */
    for (uint32_t i = 0; i < tickets->n; i++) {
        char path[64];

        if (tickets->values[i])
            continue;
        (void)snprintf(path, sizeof(path), "/REST/2.0/ticket/%lld", (long long)tickets->ids[i]);
        result = rest_record(tickets->rest, path, &document, err);
        if (result != TENDON_OK)
            return result;
        if (!document)
            continue;
        tickets->documents[tickets->n_documents++] = document;
        if (!json->get(document, "id")) {
            (void)snprintf(err, TENDON_ERROR_BYTES, "RT answered with a ticket without id");
            return TENDON_E_TEMPORARY;
        }
        if (json->integer(document, "id", 0) == tickets->ids[i])
            tickets->values[i] = document;
    }
    return TENDON_OK;
}

static int load_changes(struct tickets *tickets, int64_t after, char *err)
{
    const struct tendon_json_1 *json = tickets->rest->json;
    char query[QUERY_BYTES];

    (void)snprintf(
        query, sizeof(query),
        "ObjectType = 'RT::Ticket' AND id > %lld AND (Field = 'Queue' OR Type = 'Status' OR Type = "
        "'CustomField') AND (",
        (long long)after);
    append_ids(tickets, query, "ObjectId");
    for (uint32_t page = 1; page <= TICKETS_CHANGES_MAX / REST_PAGE; page++) {
        struct tendon_json *document;
        const struct tendon_json *items;
        uint32_t n;
        int result = rest_list(tickets->rest, "/REST/2.0/transactions", query, "Type,Field,OldValue,ObjectId",
                               "ASC", page, &document, err);

        if (result != TENDON_OK)
            return result;
        tickets->documents[tickets->n_documents++] = document;
        items = json->get(document, "items");
        n = json->count(items);
        for (uint32_t i = 0; i < n && i < REST_PAGE; i++) {
            const struct tendon_json *value = json->at(items, i);

            tickets->changes[tickets->n_changes++] = (struct tickets_change){
                json->integer(value, "id", 0), json->integer(value, "ObjectId", 0), value};
        }
        /* Only who sees everything is told how much there is; for others a page may be short in between. */
        if (n == 0 || (int64_t)page * REST_PAGE >= json->integer(document, "total", INT64_MAX))
            return TENDON_OK;
    }
    tickets->rest->host->log(tickets->rest->host, TENDON_WARNING,
                             "a hundred tickets were changed more than 10,000 times: how they began is "
                             "taken from later on");
    return TENDON_OK;
}

int tickets_load(struct tickets *tickets, const int64_t *ids, uint32_t n, int64_t after, char *err)
{
    int result;

    tickets_clear(tickets);
    for (uint32_t i = 0; i < n; i++) {
        if (place(tickets, ids[i]) >= 0)
            continue;
        tickets->values[tickets->n] = NULL;
        tickets->ids[tickets->n++] = ids[i];
    }
    if (tickets->n == 0)
        return TENDON_OK;
    result = load_values(tickets, err);
    return result == TENDON_OK && after >= 0 ? load_changes(tickets, after, err) : result;
}

/* --- looking back ----------------------------------------------------------------------------------------
 */

static int field_place(const struct tickets *tickets, const char *name)
{
    for (uint32_t i = 0; name && i < tickets->n_fields; i++)
        if (strcmp(tickets->fields[i], name) == 0)
            return (int)i;
    return -1;
}

static void view_now(const struct tickets *tickets, const struct tendon_json *value,
                     struct tickets_view *view)
{
    const struct tendon_json_1 *json = tickets->rest->json;
    const struct tendon_json *fields = json->get(value, "CustomFields");

    view->queue = json->text(value, "/Queue/id", view->queue_room);
    view->status = json->string(value, "Status");
    for (uint32_t i = 0; i < json->count(fields); i++) {
        const struct tendon_json *field = json->at(fields, i);
        int at = field_place(tickets, json->string(field, "name"));

        if (at >= 0)
            view->fields[at] = json->string(field, "/values/0");
    }
}

static int undo(struct tickets *tickets, const struct tendon_json *change, struct tickets_view *view,
                char *err)
{
    const struct tendon_json_1 *json = tickets->rest->json;
    const char *type = json->string(change, "Type"), *field = json->string(change, "Field");
    const char *before = json->string(change, "OldValue"), *name;

    if (type && strcmp(type, "Status") == 0) {
        view->status = before;
    } else if (type && field && strcmp(type, "CustomField") == 0) {
        int result = names_find(tickets->names, NAMES_FIELD, field, &name, err);
        int at = field_place(tickets, name);

        if (result != TENDON_OK)
            return result;
        if (at >= 0)
            view->fields[at] = before;
    } else if (field && strcmp(field, "Queue") == 0) {
        view->queue = before;
    }
    return TENDON_OK;
}

int tickets_view(struct tickets *tickets, int64_t ticket, int64_t transaction, struct tickets_view *ret,
                 char *err)
{
    int at = place(tickets, ticket);

    *ret = (struct tickets_view){0};
    if (at >= 0)
        view_now(tickets, tickets->values[at], ret);
    for (uint32_t i = tickets->n_changes; i-- > 0 && tickets->changes[i].id > transaction;) {
        int result = tickets->changes[i].ticket == ticket ? undo(tickets, tickets->changes[i].value, ret, err)
                                                          : TENDON_OK;

        if (result != TENDON_OK)
            return result;
    }
    return TENDON_OK;
}

bool tickets_is_requestor(const struct tickets *tickets, int64_t ticket, const char *user)
{
    const struct tendon_json_1 *json = tickets->rest->json;
    int at = place(tickets, ticket);
    const struct tendon_json *requestors = at >= 0 ? json->get(tickets->values[at], "Requestor") : NULL;

    for (uint32_t i = 0; i < json->count(requestors); i++) {
        const char *name = json->string(json->at(requestors, i), "id");

        if (name && strcmp(name, user) == 0)
            return true;
    }
    return false;
}
