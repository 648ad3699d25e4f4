/* What the parts of the plugin share: the host, its services, the connection to a Zendesk account and who is
 * who there. One thread. */
#ifndef TENDON_ZENDESK_DESK_H
#define TENDON_ZENDESK_DESK_H

#include "plugins/common/dimensions.h"
#include "plugins/common/roster.h"

enum site_source { SITE_EXTERNAL_ID, SITE_NAME, SITE_NONE };

struct desk {
    const struct tendon_host *host;
    const struct tendon_config *config;
    const struct tendon_http_1 *http;
    const struct tendon_json_1 *json;
    struct tendon_http *exports; /* the incremental exports, which have a limit of their own */
    struct tendon_http *lookups;
    enum site_source site;
    bool with_ratings;
    const char *deleted_reason; /* NULL: deletions are not told */
    struct dimensions dimensions;

    struct roster staff, groups, organizations; /* ids; names; external ids or names */
    int64_t staff_at, groups_at;                /* when they were asked for; 0: never */
};

/* Asks for what stands under path, with the parameters that were added, and reads it: an object with the
 * array `member`, or TENDON_E_TEMPORARY. TENDON_OK and the document, which is to be freed; else what send or
 * parse said; *ret_status, where wanted, is the answer's or 0. */
int desk_ask(struct desk *desk, struct tendon_http *client, const char *path, const char *member,
             struct tendon_json **ret, int *ret_status, char *err);
int desk_fail(char *err, int result, const char *why);

/* Who is staff. At most a minute old afterwards: the exports keep back the newest minute, so that whoever
 * wrote what they hold is on it. TENDON_OK or an error. */
int directory_load_staff(struct desk *desk, char *err);
bool directory_is_staff(const struct desk *desk, int64_t user);
/* The groups, asked for again when one is not known. */
int directory_load_group(struct desk *desk, int64_t group, char *err);
/* Organizations that are not known yet. ids[n] may hold the same twice. */
int directory_load_organizations(struct desk *desk, const int64_t *ids, uint32_t n, char *err);
/* The team of a group, after the option teams; the site of an organization. NULL: none is known. */
const char *directory_team(const struct desk *desk, int64_t group);
const char *directory_site(const struct desk *desk, int64_t organization);
void directory_clear(struct desk *desk);

#endif
