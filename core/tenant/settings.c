#include "core/tenant/settings.h"

#include "core/tenant/config_policy.h"

#include <stdlib.h>
#include <string.h>

struct tenant_settings *tenant_settings_get(struct tenant *t)
{
    (void)pthread_mutex_lock(&t->lock);
    struct tenant_settings *s = t->settings;
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&t->lock);
    return s;
}

void tenant_settings_unref(struct tenant_settings *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    policies_free(s->policies, s->n_policies);
    free(s);
}

static struct tenant_settings *settings_new(void)
{
    struct tenant_settings *s = calloc(1, sizeof(*s));
    if (s)
        atomic_init(&s->references, 1);
    return s;
}

static bool declare(struct tenant_settings *s, const char *name)
{
    for (unsigned i = 0; i < s->n_declared; i++)
        if (strcmp(s->declared[i], name) == 0)
            return true;
    if (s->n_declared == EVENT_DECLARED_MAX || strlen(name) > EVENT_CODE_BYTES)
        return false;
    memcpy(s->declared[s->n_declared++], name, strlen(name) + 1);
    return true;
}

static bool set_zone(struct tenant_settings *s, const char *zone)
{
    if (strlen(zone) > TENANT_ZONE_MAX)
        return false;
    memcpy(s->zone, zone, strlen(zone) + 1);
    return true;
}

/* NULL: none. */
static bool set_calendar(struct tenant_settings *s, const char *calendar)
{
    if (calendar && strlen(calendar) > EVENT_CODE_BYTES)
        return false;
    if (calendar)
        memcpy(s->calendar, calendar, strlen(calendar) + 1);
    return true;
}

const char *settings_closable(const struct tenant_settings *s, unsigned field)
{
    if (field < FIELD_DECLARED)
        return FIELDS[field].kind == VALUE_DICTIONARY ? FIELDS[field].name : NULL;
    return field - FIELD_DECLARED < s->n_declared ? s->declared[field - FIELD_DECLARED] : NULL;
}

/* After the dimensions are declared. */
static bool close_dimension(struct tenant_settings *s, const char *name)
{
    for (unsigned field = 0; field < FIELD_N_DIMENSIONS; field++) {
        const char *closable = settings_closable(s, field);
        if (closable && strcmp(closable, name) == 0) {
            s->closed |= 1ull << field;
            return true;
        }
    }
    return false;
}

static bool add_nearshore(struct tenant_settings *s, const char *country)
{
    size_t n = 0;
    while (n < NEARSHORE_MAX && s->nearshore[n])
        n++;
    if (n == NEARSHORE_MAX || strlen(country) != 2)
        return false;
    memcpy(s->nearshore_room[n], country, 3);
    s->nearshore[n] = s->nearshore_room[n];
    return true;
}

/* After the dimensions are declared: conditions may look at them. */
static bool set_policies(struct tenant_settings *s, const json_t *record)
{
    return record && policies_of_record(record, (const char(*)[EVENT_CODE_BYTES + 1]) s->declared,
                                        s->n_declared, &s->policies, &s->n_policies) == 0;
}

static bool add_not_level1(struct tenant_settings *s, const char *category)
{
    size_t n = 0;
    while (n < NOT_LEVEL1_MAX && s->not_level1[n])
        n++;
    if (n == NOT_LEVEL1_MAX || strlen(category) > EVENT_CODE_BYTES)
        return false;
    memcpy(s->not_level1_room[n], category, strlen(category) + 1);
    s->not_level1[n] = s->not_level1_room[n];
    return true;
}

/* What is in force, from what was configured and set. */
static void resolve(struct tenant_settings *s)
{
    s->retention = s->is_retention_set ? s->retention_set : s->retention_configured;
    limits_resolve(&s->limits_configured, &s->limits_operator, &s->limits_admin, &s->limits);
}

int settings_of_config(const struct config_tenant *config, const struct tenant_settings *before,
                       struct tenant_settings **ret, struct error *err)
{
    struct tenant_settings *s = settings_new();
    if (!s)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a tenant's settings");
    bool good = set_zone(s, config->zone) && set_calendar(s, config->calendar);
    for (unsigned i = 0; before && good && i < before->n_declared; i++)
        good = declare(s, before->declared[i]);
    for (size_t i = 0; good && i < config->dimensions.n; i++)
        if (!declare(s, config->dimensions.at[i])) {
            tenant_settings_unref(s);
            error_set(
                err, -ENOSPC, "too_many_dimensions",
                "tenant %s: \"%s\" would be more than %d declared dimensions, all that ever were counted",
                config->name, config->dimensions.at[i], EVENT_DECLARED_MAX);
            error_hint(err, "a dimension that was declared once keeps its place; name one of those instead");
            return -ENOSPC;
        }
    for (size_t i = 0; good && i < config->closed.n; i++)
        good = close_dimension(s, config->closed.at[i]);
    for (size_t i = 0; good && i < config->nearshore.n; i++)
        good = add_nearshore(s, config->nearshore.at[i]);
    for (size_t i = 0; good && i < config->not_level1.n; i++)
        good = add_not_level1(s, config->not_level1.at[i]);
    json_t *policies = config_policies_record(config);
    good = good && set_policies(s, policies);
    json_decref(policies);
    if (!good) {
        tenant_settings_unref(s);
        return error_set(err, -EINVAL, "bad_settings", "tenant %s: the settings cannot be kept",
                         config->name);
    }
    s->retention_configured = (struct store_retention){config->retention.log_ms, config->retention.facts_ms};
    s->limits_configured = config->limits.value;
    if (before) {
        s->is_retention_set = before->is_retention_set;
        s->retention_set = before->retention_set;
        s->limits_operator = before->limits_operator;
        s->limits_admin = before->limits_admin;
        s->consented_at = before->consented_at;
        s->is_importing = before->is_importing;
    }
    resolve(s);
    *ret = s;
    return 0;
}

static json_t *retention_json(const struct store_retention *r)
{
    return json_pack("{s:I, s:I}", "log_ms", (json_int_t)r->log_ms, "facts_ms", (json_int_t)r->facts_ms);
}

static bool retention_read(const json_t *json, struct store_retention *ret)
{
    json_int_t log_ms, facts_ms;
    if (json_unpack((json_t *)json, "{s:I, s:I}", "log_ms", &log_ms, "facts_ms", &facts_ms) < 0 ||
        log_ms < 0 || facts_ms < 0)
        return false;
    *ret = (struct store_retention){log_ms, facts_ms};
    return true;
}

json_t *settings_record(const struct tenant_settings *s)
{
    json_t *declared = json_array(), *closed = json_array(), *nearshore = json_array(),
           *not_level1 = json_array();
    for (unsigned i = 0; i < s->n_declared; i++)
        (void)json_array_append_new(declared, json_string(s->declared[i]));
    for (unsigned field = 0; field < FIELD_N_DIMENSIONS; field++)
        if (s->closed >> field & 1)
            (void)json_array_append_new(closed, json_string(settings_closable(s, field)));
    size_t n_nearshore = 0;
    for (; s->nearshore[n_nearshore]; n_nearshore++)
        (void)json_array_append_new(nearshore, json_string(s->nearshore[n_nearshore]));
    size_t n_not_level1 = 0;
    for (; s->not_level1[n_not_level1]; n_not_level1++)
        (void)json_array_append_new(not_level1, json_string(s->not_level1[n_not_level1]));
    /* What was dropped for want of memory must not become the record. */
    bool whole = json_array_size(declared) == s->n_declared && json_array_size(nearshore) == n_nearshore &&
                 json_array_size(not_level1) == n_not_level1 &&
                 json_array_size(closed) == (size_t)__builtin_popcountll(s->closed);
    json_t *record = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o*, s:o*, s:o*}", "zone", s->zone,
        "declared", declared, "closed", closed, "nearshore", nearshore, "not_level1", not_level1, "calendar",
        s->calendar, "sla",
        policies_record(s->policies, s->n_policies, (const char(*)[EVENT_CODE_BYTES + 1]) s->declared,
                        s->n_declared),
        "retention", retention_json(&s->retention_configured), "limits", limits_json(&s->limits_configured),
        "limits_operator", limits_json(&s->limits_operator), "limits_admin", limits_json(&s->limits_admin),
        "retention_set", s->is_retention_set ? retention_json(&s->retention_set) : NULL, "consented_at",
        s->consented_at ? json_integer((json_int_t)s->consented_at) : NULL, "importing",
        s->is_importing ? json_true() : NULL);
    if (whole)
        return record;
    json_decref(record);
    return NULL;
}

/* Calls add with every text of the list. */
static bool each_text(const json_t *list, struct tenant_settings *s,
                      bool (*add)(struct tenant_settings *s, const char *text))
{
    bool good = json_is_array(list);
    for (size_t i = 0; good && i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        good = text && add(s, text);
    }
    return good;
}

/* What stands in a record of limits and retention. */
static bool read_limits(struct tenant_settings *s, const json_t *record)
{
    const json_t *retention = json_object_get(record, "retention"),
                 *set = json_object_get(record, "retention_set");
    limits_preset(&s->limits_configured);
    s->is_retention_set = set != NULL;
    s->consented_at = json_integer_value(json_object_get(record, "consented_at"));
    return (!retention || retention_read(retention, &s->retention_configured)) &&
           (!set || retention_read(set, &s->retention_set)) &&
           limits_of_json(json_object_get(record, "limits"), &s->limits_configured) == 0 &&
           limits_of_json(json_object_get(record, "limits_operator"), &s->limits_operator) == 0 &&
           limits_of_json(json_object_get(record, "limits_admin"), &s->limits_admin) == 0;
}

int settings_of_record(json_t *record, struct tenant_settings **ret, struct error *err)
{
    const char *zone, *calendar = NULL;
    json_t *declared, *closed, *nearshore, *not_level1 = NULL, *policies = NULL;
    struct tenant_settings *s = settings_new();
    if (!s)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a tenant's settings");
    /* records of before there were calendars, policies and not_level1 have none */
    if (json_unpack(record, "{s:s, s:o, s:o, s:o, s?o, s?s, s?o}", "zone", &zone, "declared", &declared,
                    "closed", &closed, "nearshore", &nearshore, "not_level1", &not_level1, "calendar",
                    &calendar, "sla", &policies) < 0 ||
        !set_zone(s, zone) || !set_calendar(s, calendar) || !each_text(declared, s, declare) ||
        !each_text(closed, s, close_dimension) || !each_text(nearshore, s, add_nearshore) ||
        (not_level1 && !each_text(not_level1, s, add_not_level1)) ||
        (policies && !set_policies(s, policies)) || !read_limits(s, record)) {
        tenant_settings_unref(s);
        return error_set(err, -EBADMSG, "control_corrupt",
                         "a tenant's record in the control environment is damaged");
    }
    s->is_importing = json_is_true(json_object_get(record, "importing"));
    resolve(s);
    *ret = s;
    return 0;
}
