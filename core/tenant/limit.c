#include "core/tenant/limit.h"

#include "core/base/nearest.h"
#include "core/base/quantity.h"

#include <stdbool.h>
#include <string.h>

const struct limit_info LIMIT_INFO[] = {
#define X(name, kind, preset, low, high)                                                                     \
    {#name, kind, preset, low, high, offsetof(struct tenant_limits, name)},
    TENANT_LIMITS(X)
#undef X
};
const size_t N_LIMITS = sizeof(LIMIT_INFO) / sizeof(*LIMIT_INFO);

int limit_find(const char *name, const struct limit_info **ret, struct error *err)
{
    struct nearest near;
    nearest_init(&near, name, strlen(name));
    for (size_t i = 0; i < N_LIMITS; i++) {
        if (strcmp(LIMIT_INFO[i].name, name) == 0) {
            *ret = &LIMIT_INFO[i];
            return 0;
        }
        nearest_offer(&near, LIMIT_INFO[i].name);
    }
    error_set(err, -ENOENT, "unknown_limit", "there is no limit \"%.64s\"", name);
    if (near.best)
        error_hint(err, "did you mean \"%s\"?", near.best);
    return -ENOENT;
}

static int text_value(const struct limit_info *info, const char *text, int64_t *ret)
{
    uint64_t bytes = 0;
    int r;
    switch (info->kind) {
    case LIMIT_BYTES:
        r = quantity_bytes(text, &bytes);
        *ret = r == 0 && bytes <= INT64_MAX ? (int64_t)bytes : -1;
        return r;
    case LIMIT_MS:
        return quantity_ms(text, ret);
    default:
        return quantity_int(text, 0, INT64_MAX, ret);
    }
}

int limit_value(const struct limit_info *info, const json_t *value, int64_t *ret, struct error *err)
{
    static const char *const EXAMPLES[] = {
        [LIMIT_COUNT] = "1000",
        [LIMIT_BYTES] = "64GiB",
        [LIMIT_MS] = "5s",
    };
    const char *text = json_string_value(value);
    int64_t n = json_is_integer(value) ? json_integer_value(value) : -1;
    if (text && text_value(info, text, &n) < 0)
        n = -1;
    if ((n < info->low || n > info->high) && !limit_is_none(info, n)) {
        error_set(err, -EINVAL, "bad_limit", "%s takes a value from %lld to %lld", info->name,
                  (long long)info->low, (long long)info->high);
        error_hint(err, "for example %s", EXAMPLES[info->kind]);
        return -EINVAL;
    }
    *ret = n;
    return 0;
}

void limits_preset(struct tenant_limits *ret)
{
    for (size_t i = 0; i < N_LIMITS; i++)
        *limit_at(ret, &LIMIT_INFO[i]) = LIMIT_INFO[i].preset;
}

void limits_resolve(const struct tenant_limits *configured, const struct tenant_limits *by_operator,
                    const struct tenant_limits *by_admin, struct tenant_limits *ret)
{
    struct tenant_limits layers[3] = {*configured, *by_operator, *by_admin};
    for (size_t i = 0; i < N_LIMITS; i++) {
        int64_t set = *limit_at(&layers[1], &LIMIT_INFO[i]), lowered = *limit_at(&layers[2], &LIMIT_INFO[i]);
        int64_t value = set ? set : *limit_at(&layers[0], &LIMIT_INFO[i]);
        bool is_none = limit_is_none(&LIMIT_INFO[i], value);
        *limit_at(ret, &LIMIT_INFO[i]) = lowered && (is_none || lowered < value) ? lowered : value;
    }
}

json_t *limits_json(const struct tenant_limits *limits)
{
    struct tenant_limits copy = *limits;
    json_t *json = json_object();
    for (size_t i = 0; json && i < N_LIMITS; i++) {
        int64_t value = *limit_at(&copy, &LIMIT_INFO[i]);
        if (value && json_object_set_new(json, LIMIT_INFO[i].name, json_integer(value)) < 0) {
            json_decref(json);
            json = NULL;
        }
    }
    return json;
}

int limits_of_json(const json_t *json, struct tenant_limits *limits)
{
    for (size_t i = 0; i < N_LIMITS; i++) {
        const json_t *value = json_object_get(json, LIMIT_INFO[i].name);
        if (!value)
            continue;
        int64_t n = json_is_integer(value) ? json_integer_value(value) : -1;
        if ((n < LIMIT_INFO[i].low || n > LIMIT_INFO[i].high) && !limit_is_none(&LIMIT_INFO[i], n))
            return -EBADMSG;
        *limit_at(limits, &LIMIT_INFO[i]) = n;
    }
    return 0;
}
