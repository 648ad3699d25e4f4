/* Questions to Request Tracker's REST 2 interface, and answers, parsed. Inside of start and poll. One thread.
 */
#ifndef TENDON_PLUGINS_RT_REST_H
#define TENDON_PLUGINS_RT_REST_H

#include "proto/tendon_plugin.h"

#define REST_PAGE 100 /* entries of a page: RT gives no more */

struct rest {
    const struct tendon_host *host;
    const struct tendon_http_1 *http;
    const struct tendon_json_1 *json;
    struct tendon_http *client;
};

/* Takes url, token, user, password, ca_file and per_minute. TENDON_OK or an error with err. */
int rest_open(struct rest *rest, const struct tendon_host *host, const struct tendon_config *config,
              char *err);
void rest_close(struct rest *rest);

/* Page `page`, from 1, of what a query in RT's language finds, with the fields named and in the order of
 * numbers. The document is the caller's to free. TENDON_OK or an error for poll to return. */
int rest_list(struct rest *rest, const char *path, const char *query, const char *fields, const char *order,
              uint32_t page, struct tendon_json **ret, char *err);
/* One record; *ret is NULL where RT has none of that name or does not show it. */
int rest_record(struct rest *rest, const char *path, struct tendon_json **ret, char *err);
/* What time the server had when it answered last, in ms; the host's where it does not say. */
int64_t rest_now(const struct rest *rest);

#endif
