#include "tools/valid_from.h"

#include "core/query/period.h"

int tenant_zone_open(const struct invocation *invocation, struct session *s, struct zone **ret)
{
    struct error err = ERROR_INIT;
    json_t *shown = NULL;
    int code = session_call(s, "tenant.show", session_params(invocation), &shown);
    if (code != 0)
        return code;
    const char *name = json_string_value(json_object_get(shown, "zone"));
    if (zone_open(name ? name : "UTC", ret, &err) < 0)
        code = error_print(&err);
    json_decref(shown);
    return code;
}

/* 0, or -EINVAL with the sentence for a person. */
static int instant_read(const char *text, const struct zone *zone, int64_t *ret_ms, struct error *err)
{
    int r = instant_parse("--valid-from", text, zone, ret_ms, err);
    if (r < 0) {
        error_set(err, r, "usage", "--valid-from cannot be \"%.64s\"", text);
        error_hint(err, "a date: 2026-01-31; or an instant: 2026-01-31T18:00:00Z");
    }
    return r;
}

int valid_from_read(const struct invocation *invocation, struct session *s, json_t *params)
{
    const char *text = invocation_value(invocation, "valid-from");
    struct error err = ERROR_INIT;
    struct zone *zone;
    int64_t at;
    if (!text)
        return 0;
    /* What is wrong in any zone need not be asked about. */
    if (zone_open("UTC", &zone, &err) < 0)
        return error_print(&err);
    int r = instant_read(text, zone, &at, &err);
    zone_close(zone);
    if (r < 0)
        return error_print(&err);
    int code = tenant_zone_open(invocation, s, &zone);
    if (code != 0)
        return code;
    r = instant_read(text, zone, &at, &err);
    zone_close(zone);
    if (r < 0)
        return error_print(&err);
    (void)json_object_set_new(params, "valid_from", json_integer(at));
    return 0;
}
