#include "plugins/zendesk/desk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FRESH_MS  60000
#define PAGE      "100" /* entries of a page, and of show_many, at most */
#define PAGE_N    100
#define PAGES_MAX 500 /* of one list */

int desk_fail(char *err, int result, const char *why)
{
    (void)snprintf(err, TENDON_ERROR_BYTES, "%s", why);
    return result;
}

int desk_ask(struct desk *desk, struct tendon_http *client, const char *path, const char *member,
             struct tendon_json **ret, int *ret_status, char *err)
{
    const struct tendon_http_request request = {.struct_size = sizeof(request), .path = path};
    const struct tendon_http_answer *answer = NULL;
    int result = desk->http->send(client, &request, &answer, err);

    if (ret_status)
        *ret_status = answer ? answer->status : 0;
    if (result != TENDON_OK)
        return result == TENDON_IDLE ? desk_fail(err, TENDON_E_TEMPORARY, "the server gave no answer")
                                     : result;
    if (desk->json->parse(desk->host, answer->body, answer->size, ret, err) != TENDON_OK)
        return TENDON_E_TEMPORARY;
    if (desk->json->type(desk->json->get(*ret, member)) == 'a')
        return TENDON_OK;
    desk->json->free(*ret);
    *ret = NULL;
    (void)snprintf(err, TENDON_ERROR_BYTES,
                   "the answer is JSON without \"%s\": is url that of a Zendesk account?", member);
    return TENDON_E_TEMPORARY;
}

/* --- lists, a page after another -------------------------------------------------------------------------
 */

static int take_entries(const struct desk *desk, const struct tendon_json *list, const char *code,
                        struct roster *roster, char *err)
{
    const struct tendon_json_1 *json = desk->json;

    for (uint32_t i = 0; i < json->count(list); i++) {
        const struct tendon_json *entry = json->at(list, i);
        int64_t id = json->integer(entry, "id", 0);
        char room[TENDON_JSON_BYTES];

        if (id && !roster_put(roster, id, code ? json->text(entry, code, room) : NULL))
            return desk_fail(err, TENDON_E_TEMPORARY, "no memory for the account's users and groups");
    }
    return TENDON_OK;
}

/* One page; *ret_after gets the cursor of the next, or "". */
static int load_page(struct desk *desk, const char *path, const char *const *parameters, const char *member,
                     const char *code, struct roster *roster, char *ret_after, size_t room, int *ret_status,
                     char *err)
{
    const struct tendon_json_1 *json = desk->json;
    struct tendon_json *page;
    char text[TENDON_JSON_BYTES];

    for (; *parameters; parameters += 2)
        desk->http->parameter(desk->lookups, parameters[0], parameters[1]);
    desk->http->parameter(desk->lookups, "page[size]", PAGE);
    if (*ret_after)
        desk->http->parameter(desk->lookups, "page[after]", ret_after);
    int result = desk_ask(desk, desk->lookups, path, member, &page, ret_status, err);
    if (result != TENDON_OK)
        return result;
    const char *more = json->text(page, "/meta/has_more", text);
    const char *after = json->string(page, "/meta/after_cursor");
    bool has_next = more && strcmp(more, "true") == 0 && after && strlen(after) < room;

    result = take_entries(desk, json->get(page, member), code, roster, err);
    (void)snprintf(ret_after, room, "%s", has_next ? after : "");
    json->free(page);
    return result;
}

/* A whole list. A cursor that has expired meanwhile begins it again, once. */
static int load_list(struct desk *desk, const char *path, const char *const *parameters, const char *member,
                     const char *code, struct roster *roster, char *err)
{
    char after[512] = "";
    bool is_again = false;

    for (int n = 0; n < PAGES_MAX; n++) {
        int status, result = load_page(desk, path, parameters, member, code, roster, after, sizeof(after),
                                       &status, err);

        if (result == TENDON_INVALID && *after && !is_again) {
            is_again = true;
            *after = '\0';
            continue;
        }
        if (result == TENDON_INVALID)
            return TENDON_E_CONFIG;
        if (result != TENDON_OK || !*after)
            return result;
    }
    (void)snprintf(err, TENDON_ERROR_BYTES, "the account lists more than %d %s", PAGES_MAX * PAGE_N, member);
    return TENDON_E_CONFIG;
}

int directory_load_staff(struct desk *desk, char *err)
{
    static const char *const parameters[] = {"role[]", "agent", "role[]", "admin", NULL};
    const struct tendon_host *host = desk->host;
    int64_t now = host->now(host);
    struct roster staff = {0};

    if (desk->staff_at && now - desk->staff_at < FRESH_MS && now >= desk->staff_at)
        return TENDON_OK;
    int result = load_list(desk, "/api/v2/users", parameters, "users", NULL, &staff, err);

    for (uint32_t i = 0; result == TENDON_OK && i < host->count(desk->config, "former_staff"); i++)
        if (!roster_put(&staff, host->get_int(desk->config, "former_staff", i), NULL))
            result = desk_fail(err, TENDON_E_TEMPORARY, "no memory for the account's users");
    if (result != TENDON_OK) {
        roster_clear(&staff);
        return result;
    }
    roster_clear(&desk->staff);
    desk->staff = staff;
    desk->staff_at = now;
    return TENDON_OK;
}

bool directory_is_staff(const struct desk *desk, int64_t user)
{
    return roster_find(&desk->staff, user, NULL);
}

int directory_load_group(struct desk *desk, int64_t group, char *err)
{
    /* A ticket may have been in a group that is gone now. */
    static const char *const parameters[] = {"exclude_deleted", "false", NULL};
    int64_t now = desk->host->now(desk->host);

    if (roster_find(&desk->groups, group, NULL) ||
        (desk->groups_at && now - desk->groups_at < FRESH_MS && now >= desk->groups_at))
        return TENDON_OK;
    int result = load_list(desk, "/api/v2/groups", parameters, "groups", "name", &desk->groups, err);

    if (result == TENDON_OK)
        desk->groups_at = now;
    return result;
}

const char *directory_team(const struct desk *desk, int64_t group)
{
    const struct tendon_host *host = desk->host;
    const char *name = NULL;

    if (!roster_find(&desk->groups, group, &name) || !name || !*name)
        return NULL;
    int64_t index = host->find(desk->config, "teams", name);
    return index < 0 ? name : host->get_string(desk->config, "teams", (uint32_t)index);
}

/* --- organizations ---------------------------------------------------------------------------------------
 */

/* At most PAGE_N of them. */
static int load_some(struct desk *desk, const int64_t *ids, uint32_t n, char *err)
{
    char list[PAGE_N * 21];
    struct tendon_json *page;
    size_t size = 0;

    for (uint32_t i = 0; i < n; i++)
        size += (size_t)snprintf(list + size, sizeof(list) - size, "%s%" PRId64, i ? "," : "", ids[i]);
    desk->http->parameter(desk->lookups, "ids", list);
    int result =
        desk_ask(desk, desk->lookups, "/api/v2/organizations/show_many", "organizations", &page, NULL, err);
    if (result != TENDON_OK)
        return result == TENDON_INVALID ? TENDON_E_CONFIG : result;
    /* Those that are not in the answer are gone, and have no site. */
    for (uint32_t i = 0; i < n && result == TENDON_OK; i++)
        if (!roster_put(&desk->organizations, ids[i], NULL))
            result = desk_fail(err, TENDON_E_TEMPORARY, "no memory for the account's organizations");
    if (result == TENDON_OK)
        result = take_entries(desk, desk->json->get(page, "organizations"),
                              desk->site == SITE_NAME ? "name" : "external_id", &desk->organizations, err);
    desk->json->free(page);
    return result;
}

int directory_load_organizations(struct desk *desk, const int64_t *ids, uint32_t n, char *err)
{
    int64_t wanted[PAGE_N];
    uint32_t n_wanted = 0;

    for (uint32_t i = 0; i < n; i++) {
        bool is_known = roster_find(&desk->organizations, ids[i], NULL);

        for (uint32_t j = 0; j < n_wanted && !is_known; j++)
            is_known = wanted[j] == ids[i];
        if (!is_known)
            wanted[n_wanted++] = ids[i];
        if (n_wanted == PAGE_N || (n_wanted && i + 1 == n)) {
            int result = load_some(desk, wanted, n_wanted, err);

            if (result != TENDON_OK)
                return result;
            n_wanted = 0;
        }
    }
    return TENDON_OK;
}

const char *directory_site(const struct desk *desk, int64_t organization)
{
    const char *code = NULL;

    return roster_find(&desk->organizations, organization, &code) && code && *code ? code : NULL;
}

void directory_clear(struct desk *desk)
{
    roster_clear(&desk->staff);
    roster_clear(&desk->groups);
    roster_clear(&desk->organizations);
    desk->staff_at = desk->groups_at = 0;
}
