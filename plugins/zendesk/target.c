#include "plugins/zendesk/target.h"

#include <stdio.h>
#include <string.h>

#define WHERE "ticket_metric_events"

/* The metric of ours, or NULL. The first reply and those that follow are one metric there. */
static const char *metric_of(const char *metric, int64_t instance)
{
    static const struct {
        const char *theirs, *ours;
    } metrics[] = {{"requester_wait_time", "requester_wait_time"},
                   {"agent_work_time", "support_work_time"},
                   {"resolution_time", "first_resolution_time"}};

    if (!metric)
        return NULL;
    if (strcmp(metric, "reply_time") == 0)
        return instance > 1 ? "next_response_time" : "first_response_time";
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        if (strcmp(metric, metrics[i].theirs) == 0)
            return metrics[i].ours;
    return NULL;
}

/* Seconds, or 0: no target any more. Zendesk counts in minutes, and in seconds since it can. */
static int64_t target_of(const struct desk *desk, const struct tendon_json *sla)
{
    int64_t seconds = desk->json->integer(sla, "target_in_seconds", 0);

    if (seconds <= 0)
        seconds = desk->json->integer(sla, "target", 0);
    else
        return seconds;
    return seconds > 0 && seconds < INT64_MAX / 60 ? seconds * 60 : 0;
}

/* The policy's name as policies has it, or its own where it can be a code: a long title is left out. */
static void set_policy(const struct desk *desk, struct tendon_batch *batch, const struct tendon_json *sla)
{
    const struct tendon_host *host = desk->host;
    const char *title = desk->json->string(sla, "/policy/title");
    int64_t index = title ? host->find(desk->config, "policies", title) : -1;
    int n_blanks = 0;

    if (index >= 0)
        title = host->get_string(desk->config, "policies", (uint32_t)index);
    if (!title || !*title || strlen(title) > 64)
        return;
    for (const char *at = title; *at; at++)
        n_blanks += *at == ' ';
    if (n_blanks <= 4)
        host->set_string(batch, "policy", title, TENDON_TEXT);
}

int target_map(struct desk *desk, struct tendon_batch *batch, const struct tendon_json *event, uint64_t place)
{
    const struct tendon_json_1 *json = desk->json;
    const struct tendon_host *host = desk->host;
    const struct tendon_json *sla = json->get(event, "sla");
    char ticket_room[TENDON_JSON_BYTES], id_room[TENDON_JSON_BYTES], room[TENDON_JSON_BYTES], name[40];
    const char *ticket = json->text(event, "ticket_id", ticket_room), *id = json->text(event, "id", id_room);
    const char *type = json->string(event, "type"), *time = json->string(event, "time");
    const char *deleted = json->text(event, "deleted", room);
    const char *metric = metric_of(json->string(event, "metric"), json->integer(event, "instance_id", 0));
    int64_t at;

    if (!type || strcmp(type, "apply_sla") != 0 || !metric || (deleted && strcmp(deleted, "true") == 0))
        return TENDON_OK;
    if (!ticket || !id) {
        host->skip(batch, "missing_value", WHERE, place);
        return TENDON_OK;
    }
    if (!time || host->time_parse(host, NULL, NULL, time, TENDON_TEXT, &at) != TENDON_OK) {
        host->skip(batch, "bad_time", WHERE, place);
        return TENDON_OK;
    }
    int64_t target = target_of(desk, sla);
    const char *business = json->text(sla, "business_hours", room);

    (void)snprintf(name, sizeof(name), "m%s", id);
    host->event(batch, target ? "sla.applied" : "sla.cancelled", ticket, name, at,
                (uint32_t)json->integer(event, "id", 0));
    host->set_string(batch, "metric", metric, TENDON_TEXT);
    if (target) {
        host->set_int(batch, "target_s", target);
        host->set_string(batch, "clock", business && strcmp(business, "true") == 0 ? "business" : "wall",
                         TENDON_TEXT);
        set_policy(desk, batch, sla);
    }
    int result = host->end(batch);
    if (result == TENDON_INVALID)
        host->skip(batch, "bad_event", WHERE, place);
    return result == TENDON_FULL ? TENDON_FULL : TENDON_OK;
}
