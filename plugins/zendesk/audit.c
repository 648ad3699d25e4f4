#include "plugins/zendesk/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SYSTEM_USER (-1) /* who Zendesk says did what nobody did */
#define WHERE       "ticket_events"

/* What an update says, gathered from its parts. */
struct audit {
    const char *ticket, *id;
    char ticket_room[TENDON_JSON_BYTES], id_room[TENDON_JSON_BYTES];
    int64_t at;
    uint32_t seq;
    int64_t updater, requester; /* requester 0: the update does not say */
    bool is_creation, is_automated;
    const char *channel;

    const char *status, *former_status;
    bool has_group, had_group;
    int64_t group; /* 0: none any more */
    bool has_site;
    int64_t organization;
    const struct tendon_json *comment;
    bool is_merged;
    const char *into;
    char into_room[TENDON_JSON_BYTES];
    const char *rating;
    char rating_room[TENDON_JSON_BYTES];
};

static bool is_one_of(const char *text, const char *const *words)
{
    for (; text && *words; words++)
        if (strcasecmp(text, *words) == 0)
            return true;
    return false;
}

/* An update's `via` is an object in one place and a text in the other. */
static const char *via_of(const struct desk *desk, const struct tendon_json *value)
{
    const char *text = desk->json->string(value, "via");

    return text ? text : desk->json->string(value, "/via/channel");
}

static bool is_by_rule(const struct desk *desk, const struct tendon_json *value)
{
    static const char *const words[] = {"rule", "automation", "trigger", "business rule", "system", NULL};

    return is_one_of(via_of(desk, value), words);
}

/* NULL: one that is no channel of ours. */
static const char *channel_of(const char *via)
{
    static const struct {
        const char *via, *channel;
    } channels[] = {{"email", "email"},
                    {"mail", "email"},
                    {"web", "web"},
                    {"web form", "web"},
                    {"web service (api)", "api"},
                    {"web service", "api"},
                    {"api", "api"},
                    {"voice", "phone"},
                    {"phone", "phone"},
                    {"phone call (inbound)", "phone"},
                    {"phone call (outbound)", "phone"},
                    {"voicemail", "phone"},
                    {"chat", "chat"},
                    {"native_messaging", "chat"},
                    {"messaging", "chat"},
                    {"web_messaging", "chat"},
                    {"line", "chat"},
                    {"help_center", "portal"},
                    {"help center", "portal"},
                    {"help center post", "portal"},
                    {"web_widget", "portal"},
                    {"web widget", "portal"},
                    {"mobile", "portal"},
                    {"mobile_sdk", "portal"},
                    {"mobile sdk", "portal"},
                    {"logmein_rescue", "remote"},
                    {"logmein rescue", "remote"}};

    for (size_t i = 0; via && i < sizeof(channels) / sizeof(channels[0]); i++)
        if (strcasecmp(via, channels[i].via) == 0)
            return channels[i].channel;
    return NULL;
}

static const char *severity_of(const char *priority)
{
    static const char *const words[] = {"urgent", "high", "normal", "low"};
    static const char *const severities[] = {"1", "2", "3", "4"};

    for (size_t i = 0; priority && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(priority, words[i]) == 0)
            return severities[i];
    return NULL;
}

/* --- reading ---------------------------------------------------------------------------------------------
 */

static bool read_head(const struct desk *desk, const struct tendon_json *value, struct audit *ret,
                      const char **ret_problem)
{
    const struct tendon_json_1 *json = desk->json;
    const char *at = json->string(value, "created_at");

    ret->ticket = json->text(value, "ticket_id", ret->ticket_room);
    ret->id = json->text(value, "id", ret->id_room);
    ret->seq = (uint32_t)json->integer(value, "id", 0);
    ret->updater = json->integer(value, "updater_id", 0);
    ret->is_automated = ret->updater == SYSTEM_USER || is_by_rule(desk, value);
    ret->channel = channel_of(via_of(desk, value));
    *ret_problem = "missing_value";
    if (!ret->ticket || !ret->id)
        return false;
    *ret_problem = "bad_time";
    if (at && desk->host->time_parse(desk->host, NULL, NULL, at, TENDON_TEXT, &ret->at) == TENDON_OK)
        return true;
    ret->at = json->integer(value, "timestamp", 0) * 1000;
    return ret->at > 0;
}

static void read_tags(const struct desk *desk, const struct tendon_json *tags, struct audit *audit)
{
    for (uint32_t i = 0; i < desk->json->count(tags); i++) {
        const char *tag = desk->json->string(desk->json->at(tags, i), NULL);

        if (tag && strcmp(tag, "closed_by_merge") == 0)
            audit->is_merged = true;
    }
}

static void read_dimension(struct desk *desk, const char *field, const struct tendon_json *value)
{
    const char *name = dimensions_of(&desk->dimensions, field);
    bool is_priority = strcmp(field, "priority") == 0;
    char room[TENDON_JSON_BYTES];

    if (!name && is_priority)
        name = "severity";
    if (!name)
        return;
    const char *word = desk->json->text(value, NULL, room);
    dimensions_put(&desk->dimensions, name, word,
                   is_priority && strcmp(name, "severity") == 0 ? severity_of(word) : NULL);
}

/* A property that was set or changed: the member of its name holds the new value. */
static void read_property(struct desk *desk, const struct tendon_json *child, const char *key,
                          struct audit *audit)
{
    static const char *const others[] = {"id", "via", "via_reference_id", "event_type", "previous_value",
                                         NULL};
    const struct tendon_json_1 *json = desk->json;

    if (*key == '/' || is_one_of(key, others))
        return;
    const struct tendon_json *value = json->get(child, key);

    if (strcmp(key, "status") == 0) {
        audit->status = json->string(value, NULL);
        audit->former_status = json->string(child, "previous_value");
    } else if (strcmp(key, "group_id") == 0) {
        audit->has_group = true;
        audit->group = json->integer(value, NULL, 0);
        audit->had_group = json->integer(child, "previous_value", 0) != 0;
    } else if (strcmp(key, "organization_id") == 0) {
        audit->has_site = true;
        audit->organization = json->integer(value, NULL, 0);
    } else if (strcmp(key, "requester_id") == 0) {
        audit->requester = json->integer(value, NULL, 0);
    } else if (strcmp(key, "added_tags") == 0) {
        read_tags(desk, value, audit);
    } else if (strcmp(key, "satisfaction_score") == 0) {
        audit->rating = json->text(value, NULL, audit->rating_room);
    } else if (strcmp(key, "custom_ticket_fields") == 0) {
        for (const char *field = json->key(value, NULL); field; field = json->key(value, field))
            if (*field != '/')
                read_dimension(desk, field, json->get(value, field));
    } else {
        read_dimension(desk, key, value);
    }
}

static void read_child(struct desk *desk, const struct tendon_json *child, struct audit *audit)
{
    static const char *const comments[] = {"Comment", "VoiceComment", "FacebookComment", NULL};
    const struct tendon_json_1 *json = desk->json;
    const char *type = json->string(child, "event_type"), *rel = json->string(child, "/via/source/rel");

    if (!type)
        return;
    audit->is_creation |= strcmp(type, "Create") == 0;
    if (rel && strcmp(rel, "merge") == 0 && !audit->into) {
        audit->into = json->text(child, "/via/source/to/ticket_id", audit->into_room);
        if (!audit->into)
            audit->into = json->text(child, "/via/source/from/ticket_id", audit->into_room);
        if (!audit->into)
            audit->into = json->text(child, "via_reference_id", audit->into_room);
    }
    if (is_one_of(type, comments))
        audit->comment = child;
    else if (strcmp(type, "SatisfactionRating") == 0)
        audit->rating = json->text(child, "score", audit->rating_room);
    else if (strcmp(type, "Create") == 0 || strcmp(type, "Change") == 0)
        for (const char *key = json->key(child, NULL); key; key = json->key(child, key))
            read_property(desk, child, key, audit);
}

/* --- giving ----------------------------------------------------------------------------------------------
 */

static void begin(const struct desk *desk, struct tendon_batch *batch, const struct audit *audit,
                  const char *type, const char *part)
{
    char id[TENDON_JSON_BYTES + 16];

    (void)snprintf(id, sizeof(id), "%s/%s", audit->id, part);
    desk->host->event(batch, type, audit->ticket, id, audit->at, audit->seq);
}

static int end(const struct desk *desk, struct tendon_batch *batch, uint64_t place)
{
    int result = desk->host->end(batch);

    if (result == TENDON_INVALID)
        desk->host->skip(batch, "bad_event", WHERE, place);
    return result == TENDON_FULL ? TENDON_FULL : TENDON_OK;
}

static int give_properties(struct desk *desk, struct tendon_batch *batch, const struct audit *audit,
                           uint64_t place)
{
    const struct tendon_host *host = desk->host;

    if (!audit->is_creation && desk->dimensions.n == 0)
        return TENDON_OK;
    if (!audit->is_creation) {
        begin(desk, batch, audit, "ticket.updated", "updated");
        dimensions_send(&desk->dimensions, batch, true);
        return end(desk, batch, place);
    }
    begin(desk, batch, audit, "ticket.created", "created");
    if (audit->updater == SYSTEM_USER)
        host->set_string(batch, "by", "machine", TENDON_TEXT);
    else if (audit->updater != audit->requester && directory_is_staff(desk, audit->updater))
        host->set_string(batch, "by", "agent", TENDON_TEXT);
    if (audit->channel)
        host->set_string(batch, "channel", audit->channel, TENDON_TEXT);
    dimensions_send(&desk->dimensions, batch, false);
    return end(desk, batch, place);
}

static int give_group(struct desk *desk, struct tendon_batch *batch, const struct audit *audit,
                      uint64_t place)
{
    const struct tendon_host *host = desk->host;
    const char *team = audit->group ? directory_team(desk, audit->group) : NULL;

    if (!audit->has_group || (!audit->group && audit->is_creation))
        return TENDON_OK;
    if (audit->group && !team) {
        host->skip(batch, "unknown_group", WHERE, place);
        return TENDON_OK;
    }
    begin(desk, batch, audit, "ticket.assigned", "assigned");
    if (team)
        host->set_string(batch, "team", team, TENDON_TEXT);
    else
        host->set_nil(batch, "team");
    host->set_string(batch, "kind", audit->had_group && team ? "reassign" : "route", TENDON_TEXT);
    return end(desk, batch, place);
}

static int give_comment(struct desk *desk, struct tendon_batch *batch, const struct audit *audit,
                        uint64_t place)
{
    const struct tendon_json_1 *json = desk->json;
    const struct tendon_host *host = desk->host;
    char room[TENDON_JSON_BYTES];

    if (!audit->comment)
        return TENDON_OK;
    const char *present = json->text(audit->comment, "comment_present", room);
    if (present && strcmp(present, "false") == 0)
        return TENDON_OK;
    const char *public = json->text(audit->comment, "public", room);
    if (!public)
    public = json->text(audit->comment, "comment_public", room);
    int64_t author = json->integer(audit->comment, "author_id", audit->updater);
    bool is_automated = audit->is_automated || author == SYSTEM_USER || is_by_rule(desk, audit->comment);
    bool is_staff = is_automated || (author != audit->requester && directory_is_staff(desk, author));

    begin(desk, batch, audit, "ticket.message", "comment");
    host->set_string(batch, "direction",
                     public && strcmp(public, "false") == 0 ? "internal"
                     : is_staff                             ? "out"
                                                            : "in",
                     TENDON_TEXT);
    if (is_automated)
        host->set_bool(batch, "automated", 1);
    return end(desk, batch, place);
}

static int give_deletion(struct desk *desk, struct tendon_batch *batch, const struct audit *audit,
                         uint64_t place)
{
    if (!desk->deleted_reason)
        return TENDON_OK;
    begin(desk, batch, audit, "ticket.deleted", "deleted");
    desk->host->set_string(batch, "reason", desk->deleted_reason, TENDON_TEXT);
    return end(desk, batch, place);
}

static int give_status(struct desk *desk, struct tendon_batch *batch, const struct audit *audit,
                       uint64_t place)
{
    int result = TENDON_OK;

    if (!audit->status)
        return TENDON_OK;
    if (strcmp(audit->status, "deleted") == 0)
        return give_deletion(desk, batch, audit, place);
    if (audit->former_status && strcmp(audit->former_status, "deleted") == 0 && desk->deleted_reason) {
        begin(desk, batch, audit, "ticket.restored", "restored");
        result = end(desk, batch, place);
    }
    if (result != TENDON_OK)
        return result;
    begin(desk, batch, audit, "ticket.status", "status");
    desk->host->set_string(batch, "to", audit->status, TENDON_TEXT);
    if (audit->is_automated)
        desk->host->set_bool(batch, "automated", 1);
    return end(desk, batch, place);
}

/* The ticket that was merged away has the tag. Where nothing says into which, it is a duplicate that is gone.
 */
static int give_merge(struct desk *desk, struct tendon_batch *batch, const struct audit *audit,
                      uint64_t place)
{
    if (!audit->is_merged)
        return TENDON_OK;
    if (audit->into && strcmp(audit->into, audit->ticket) != 0) {
        begin(desk, batch, audit, "ticket.merged", "merged");
        desk->host->set_string(batch, "into", audit->into, TENDON_TEXT);
    } else {
        begin(desk, batch, audit, "ticket.deleted", "merged");
        desk->host->set_string(batch, "reason", "duplicate", TENDON_TEXT);
    }
    return end(desk, batch, place);
}

static int give_rating(struct desk *desk, struct tendon_batch *batch, const struct audit *audit,
                       uint64_t place)
{
    static const char *const answers[] = {
        "good", "bad", "good_with_comment", "bad_with_comment", "goodwithcomment", "badwithcomment", NULL};
    const struct tendon_host *host = desk->host;
    bool is_offer = audit->rating && strcmp(audit->rating, "offered") == 0;

    if (!desk->with_ratings || !audit->rating || (!is_offer && !is_one_of(audit->rating, answers)))
        return TENDON_OK;
    if (is_offer) {
        begin(desk, batch, audit, "survey.sent", "offered");
        host->set_string(batch, "instrument", "csat", TENDON_TEXT);
        return end(desk, batch, place);
    }
    begin(desk, batch, audit, "survey.response", "rating");
    host->set_string(batch, "instrument", "csat", TENDON_TEXT);
    host->set_int(batch, "score", *audit->rating == 'g' || *audit->rating == 'G');
    host->set_int(batch, "min", 0);
    host->set_int(batch, "max", 1);
    return end(desk, batch, place);
}

static void put_site(struct desk *desk, const struct audit *audit)
{
    if (audit->has_site && desk->site != SITE_NONE)
        dimensions_put(&desk->dimensions, "site",
                       audit->organization ? directory_site(desk, audit->organization) : NULL, NULL);
}

int audit_map(struct desk *desk, struct tendon_batch *batch, const struct tendon_json *value, uint64_t place)
{
    static int (*const give[])(struct desk *, struct tendon_batch *, const struct audit *, uint64_t) = {
        give_properties, give_group, give_comment, give_status, give_merge, give_rating};
    const struct tendon_json_1 *json = desk->json;
    const struct tendon_json *children = json->get(value, "child_events");
    struct audit audit = {0};
    const char *problem;

    dimensions_clear(&desk->dimensions);
    if (!read_head(desk, value, &audit, &problem)) {
        desk->host->skip(batch, problem, WHERE, place);
        return TENDON_OK;
    }
    for (uint32_t i = 0; i < json->count(children); i++)
        read_child(desk, json->at(children, i), &audit);
    put_site(desk, &audit);
    for (size_t i = 0; i < sizeof(give) / sizeof(give[0]); i++)
        if (give[i](desk, batch, &audit, place) == TENDON_FULL)
            return TENDON_FULL;
    if (desk->dimensions.problem)
        desk->host->skip(batch, desk->dimensions.problem, WHERE, place);
    return TENDON_OK;
}

/* --- what must be known ----------------------------------------------------------------------------------
 */

struct need {
    int64_t *organizations;
    uint32_t n, room;
    bool staff;
};

static bool need_organization(struct need *need, int64_t id)
{
    if (need->n == need->room) {
        uint32_t room = need->room ? need->room * 2 : 64;
        int64_t *ids = reallocarray(need->organizations, room, sizeof(*ids));

        if (!ids)
            return false;
        need->organizations = ids;
        need->room = room;
    }
    need->organizations[need->n++] = id;
    return true;
}

static int look_at(struct desk *desk, const struct tendon_json *child, struct need *need, char *err)
{
    const struct tendon_json_1 *json = desk->json;
    int64_t group = json->integer(child, "group_id", 0);
    int64_t organization = json->integer(child, "organization_id", 0);

    need->staff = true;
    if (group) {
        int result = directory_load_group(desk, group, err);

        if (result != TENDON_OK)
            return result;
    }
    if (organization && desk->site != SITE_NONE && !need_organization(need, organization))
        return desk_fail(err, TENDON_E_TEMPORARY, "no memory for the account's organizations");
    return TENDON_OK;
}

int audit_prepare(struct desk *desk, const struct tendon_json *audits, char *err)
{
    const struct tendon_json_1 *json = desk->json;
    struct need need = {0};
    int result = TENDON_OK;

    for (uint32_t i = 0; i < json->count(audits) && result == TENDON_OK; i++) {
        const struct tendon_json *children = json->get(json->at(audits, i), "child_events");

        for (uint32_t j = 0; j < json->count(children) && result == TENDON_OK; j++)
            result = look_at(desk, json->at(children, j), &need, err);
    }
    if (result == TENDON_OK && need.staff)
        result = directory_load_staff(desk, err);
    if (result == TENDON_OK)
        result = directory_load_organizations(desk, need.organizations, need.n, err);
    free(need.organizations);
    return result;
}
