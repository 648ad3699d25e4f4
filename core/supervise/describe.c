/* What a plugin is and whether it takes its options, asked of tendon-plugin-host: its code never runs here.
 */
#include "core/supervise/process.h"
#include "core/supervise/supervise.h"

#include <stdlib.h>

#define ASK_MS            20000
#define DESCRIPTION_BYTES (512 * 1024)

int supervise_describe(const char *host, const char *path, const json_t *keys, json_t **ret,
                       struct error *err)
{
    char *text;
    int r = process_ask(host, "--describe", path, keys, NULL, ASK_MS, DESCRIPTION_BYTES, &text, err);
    if (r < 0)
        return r;
    *ret = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if (!json_is_object(*ret)) {
        json_decref(*ret);
        *ret = NULL;
        return error_set(err, -EINVAL, "bad_plugin", "tendon-plugin-host gave no description of %s", path);
    }
    return 0;
}

int supervise_check(const char *host, const char *path, const json_t *keys, json_t *options,
                    struct error *err)
{
    char *text = options && !json_is_null(options) ? json_dumps(options, JSON_COMPACT) : NULL;
    int r = process_ask(host, "--check", path, keys, text ? text : "{}", ASK_MS, 0, NULL, err);
    free(text);
    return r;
}
