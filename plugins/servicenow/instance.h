/* A ServiceNow instance as the plugin servicenow-api knows it: its Table API, and the names of what fields
 * refer to. One thread. */
#ifndef TENDON_SERVICENOW_INSTANCE_H
#define TENDON_SERVICENOW_INSTANCE_H

#include "plugins/common/dimensions.h"
#include "plugins/common/roster.h"

#define SYS_ID_CHARS  32
#define QUERY_BYTES   8192
#define TIME_BYTES    24 /* "2024-01-08 10:00:00" */
#define TRACKED_MAX   48 /* fields whose changes are followed */
#define REFERENCE_MAX 64 /* bytes of a table's or column's name */

/* A field, and what it tells. */
struct tracked {
    const char *field, *dimension;
    bool is_reference;
    char table[REFERENCE_MAX], column[REFERENCE_MAX]; /* where the name of what it refers to stands */
    struct roster names;
};

struct instance {
    const struct tendon_host *host;
    const struct tendon_config *config;
    const struct tendon_http_1 *http;
    const struct tendon_json_1 *json;
    struct tendon_http *client;
    const char *table; /* "incident" */
    bool has_token;    /* OAuth: what expires is renewed by somebody else */
    bool has_worked;
    uint32_t n_tracked;
    struct tracked tracked[TRACKED_MAX];
};

/* Which rows of which table. */
struct table_request {
    const char *table, *query, *fields;
    int limit;
    bool with_display; /* each field as an object of value and display_value */
};

int instance_fail(char *err, int result, const char *why);
/* Asks for the rows from *offset on. TENDON_OK, the document, which is to be freed, and its array; *offset
 * becomes that of the page behind, or 0. A page may have fewer rows than there are, down to none, since rows
 * that the user may not see are left out of it: only its Link header says whether more are behind. */
int table_ask(struct instance *instance, const struct table_request *request, uint32_t *offset,
              struct tendon_json **ret, const struct tendon_json **ret_rows, char *err);

/* Times are read and queries understood in the user's zone and format: both must be those that values have.
 * TENDON_OK, TENDON_E_CONFIG, or another error. */
int instance_check_clock(struct instance *instance, char *err);
/* A value of the API as ms. */
bool instance_time(const struct instance *instance, const char *text, int64_t *ret_ms);

/* Takes fields and references of the options, and what every instance has. TENDON_OK or TENDON_E_CONFIG. */
int tracked_open(struct instance *instance, char *err);
void tracked_close(struct instance *instance);
struct tracked *tracked_find(struct instance *instance, const char *field);
bool is_sys_id(const char *text);
/* The names of what ids[n] refer to, as far as they are not known. */
int tracked_load(struct instance *instance, struct tracked *tracked, const char *const *ids, uint32_t n,
                 char *err);
/* The name of a value, which is itself where the field refers to nothing. NULL: it is empty, or nobody knows.
 */
const char *tracked_name(const struct tracked *tracked, const char *value);

#endif
