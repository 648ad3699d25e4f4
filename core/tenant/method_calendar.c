/* calendar.import, calendar.list, calendar.show, calendar.remove */
#include "core/base/instant.h"
#include "core/base/zone.h"
#include "core/fold/calendar.h"
#include "core/fold/hours.h"
#include "core/fold/reference.h"
#include "core/ingest/committer.h"
#include "core/tenant/config_check.h"
#include "core/tenant/method.h"
#include "core/tenant/question.h"

#include <stdio.h>
#include <string.h>

#define VALID_FROM_MAX 253402300799999 /* the end of the year 9999 */
#define NEXT_HOLIDAYS  12              /* that calendar.show names */

/* --- changing --- */

struct change {
    const char *name;
    bool has_valid_from;
    int64_t valid_from;        /* INT64_MIN: from ever */
    struct calendar *calendar; /* of an import */
    bool changed;
    size_t n_removed;
};

static int params_read(struct request *r, struct tenant **ret_tenant, struct change *ret)
{
    int result = request_tenant(r, ret_tenant);
    if (result == 0)
        result = request_text(r, "calendar", true, &ret->name);
    if (result == 0)
        result = request_int(r, "valid_from", EVENT_AT_MIN, VALID_FROM_MAX, &ret->valid_from);
    ret->has_valid_from = ret->valid_from != INT64_MIN;
    return result;
}

static bool says_the_same(const struct reference *r, const struct change *c)
{
    const struct reference_calendar *versions;
    size_t n = reference_calendars(r, c->name, &versions);
    for (size_t i = 0; i < n; i++)
        if (versions[i].valid_from == c->valid_from)
            return calendar_equal(versions[i].calendar, c->calendar);
    return false;
}

/* Both on the tenant's committer: between two imports nobody else's rows can get lost. */
static int import(struct tenant *t, void *ctx, struct error *err)
{
    struct change *c = ctx;
    struct reference *next;
    int r = method_tables_copy(t, &next, err);
    if (r < 0)
        return r;
    c->changed = !says_the_same(next, c);
    if (c->changed)
        r = reference_set_calendar(next, c->name, c->valid_from, c->calendar, err);
    if (r == 0 && c->changed)
        return store_set_reference(t->store, next, err);
    reference_unref(next);
    return r;
}

static int remove_versions(struct tenant *t, void *ctx, struct error *err)
{
    struct change *c = ctx;
    struct reference *next;
    const struct reference_calendar *versions;
    int r = method_tables_copy(t, &next, err);
    if (r < 0)
        return r;
    c->n_removed = c->has_valid_from ? 1 : reference_calendars(next, c->name, &versions);
    r = reference_remove_calendar(next, c->name, c->has_valid_from ? &c->valid_from : NULL, err);
    if (r == 0)
        return store_set_reference(t->store, next, err);
    reference_unref(next);
    return r;
}

/* --- telling --- */

static json_t *valid_from_json(int64_t valid_from)
{
    return valid_from == INT64_MIN ? json_null() : instant_json(valid_from);
}

/* How many sites name each calendar, in some version. */
struct users {
    json_t *counts; /* name → sites */
    const char *site;
    const char *named[16]; /* by the site that is being counted; of a site with more, the first */
    size_t n_named;
};

static int count_user(void *ctx, const char *key, const struct reference_row *row)
{
    struct users *u = ctx;
    const char *name = row->strings[REFERENCE_CALENDAR];
    if (!u->site || strcmp(u->site, key) != 0) {
        u->site = key;
        u->n_named = 0;
    }
    if (!name)
        return 0;
    for (size_t i = 0; i < u->n_named; i++)
        if (u->named[i] == name) /* interned */
            return 0;
    if (u->n_named < sizeof(u->named) / sizeof(*u->named))
        u->named[u->n_named++] = name;
    json_int_t n = json_integer_value(json_object_get(u->counts, name));
    return json_object_set_new(u->counts, name, json_integer(n + 1)) < 0 ? -ENOMEM : 0;
}

static int users_count(const struct reference *r, struct users *u)
{
    *u = (struct users){.counts = json_object()};
    int result = u->counts ? reference_each(r, REFERENCE_SITE, count_user, u) : -ENOMEM;
    if (result < 0)
        json_decref(u->counts);
    return result;
}

static bool is_default(struct tenant *t, const char *name)
{
    struct tenant_settings *s = tenant_settings_get(t);
    bool is = strcmp(s->calendar, name) == 0;
    tenant_settings_unref(s);
    return is;
}

struct listing {
    struct tenant *tenant;
    const struct users *users;
    json_t *rows;
};

static int list_version(void *ctx, const char *name, const struct reference_calendar *c)
{
    const struct listing *l = ctx;
    const json_t *d = calendar_definition(c->calendar);
    return list_append(l->rows,
                       json_pack("{s:s, s:o, s:O, s:O, s:O, s:I, s:I, s:b}", "calendar", name, "valid_from",
                                 valid_from_json(c->valid_from), "zone", json_object_get(d, "zone"), "hours",
                                 json_object_get(d, "hours"), "federal", json_object_get(d, "federal"),
                                 "holidays", (json_int_t)calendar_n_holidays(c->calendar), "sites",
                                 json_integer_value(json_object_get(l->users->counts, name)), "default",
                                 is_default(l->tenant, name)));
}

static json_t *missing_row(const char *name, json_int_t n_sites, bool is_the_default)
{
    return json_pack("{s:s, s:n, s:n, s:n, s:n, s:n, s:I, s:b}", "calendar", name, "valid_from", "zone",
                     "hours", "federal", "holidays", "sites", n_sites, "default", is_the_default);
}

/* Names that sites or the configuration name and nobody imported: rows without hours. */
static int list_missing(const struct listing *l, const struct reference *r)
{
    const struct reference_calendar *versions;
    const char *name;
    json_t *n_sites;
    struct tenant_settings *s = tenant_settings_get(l->tenant);
    int result = 0;
    json_object_foreach(l->users->counts, name, n_sites)
    {
        if (result == 0 && reference_calendars(r, name, &versions) == 0)
            result = list_append(
                l->rows, missing_row(name, json_integer_value(n_sites), strcmp(name, s->calendar) == 0));
    }
    if (result == 0 && *s->calendar && reference_calendars(r, s->calendar, &versions) == 0 &&
        !json_object_get(l->users->counts, s->calendar))
        result = list_append(l->rows, missing_row(s->calendar, 0, true));
    tenant_settings_unref(s);
    return result;
}

int method_calendar_list(struct request *r)
{
    struct listing l = {.rows = NULL};
    struct users users;
    struct store_view *view;
    int result = request_tenant(r, &l.tenant);
    if (result == 0)
        result = store_view_open(l.tenant->store, FACT_TABLES_NONE, &view, r->err);
    if (result < 0)
        return result;
    const struct reference *reference = store_view_reference(view);
    result = users_count(reference, &users);
    if (result == 0) {
        l.users = &users;
        l.rows = json_array();
        result = reference_each_calendar(reference, list_version, &l);
        if (result == 0)
            result = list_missing(&l, reference);
        json_decref(users.counts);
    }
    store_view_close(view);
    if (result < 0) {
        json_decref(l.rows);
        l.rows = NULL;
    }
    return request_answer(r, l.rows);
}

/* "12:00", with seconds where there are any. */
static json_t *clock_json(int64_t ms)
{
    char text[16];
    unsigned s = (unsigned)(ms / 1000);
    (void)snprintf(text, sizeof(text), s % 60 ? "%02u:%02u:%02u" : "%02u:%02u", s / 3600, s / 60 % 60,
                   s % 60);
    return json_string(text);
}

static json_t *next_holidays(const struct calendar *c, int64_t now)
{
    static const char *const DAYS[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    struct calendar_holiday next[NEXT_HOLIDAYS];
    size_t n = calendar_next_holidays(c, now, next, NEXT_HOLIDAYS);
    json_t *list = json_array();
    int result = 0;
    for (size_t i = 0; i < n && result == 0; i++) {
        char date[16];
        struct civil day;
        civil_of_local(next[i].day * HOURS_DAY_MS, &day);
        (void)snprintf(date, sizeof(date), "%04d-%02u-%02u", (int)day.year, day.month, day.day);
        result = list_append(list, json_pack("{s:s, s:s, s:o, s:o, s:s?}", "date", date, "day",
                                             DAYS[day.weekday], "from", clock_json(next[i].from), "to",
                                             clock_json(next[i].to), "name", next[i].name));
    }
    if (result < 0) {
        json_decref(list);
        list = NULL;
    }
    return list;
}

static json_t *show(struct tenant *t, const struct reference *r, const char *name, struct error *err)
{
    const struct reference_calendar *versions;
    struct users users;
    size_t n = reference_calendars(r, name, &versions), in_force = 0;
    int64_t now = instant_now();
    if (n == 0) {
        (void)reference_calendar_unknown(r, name, err);
        return NULL;
    }
    json_t *list = json_array();
    int result = users_count(r, &users);
    for (size_t i = 0; i < n && result == 0; i++) {
        json_t *row = json_deep_copy(calendar_definition(versions[i].calendar));
        if (!row || json_object_set_new(row, "valid_from", valid_from_json(versions[i].valid_from)) < 0) {
            json_decref(row);
            row = NULL;
        }
        result = list_append(list, row);
        if (versions[i].valid_from <= now)
            in_force = i;
    }
    json_t *shown = NULL;
    if (result == 0) {
        shown = json_pack("{s:s, s:b, s:I, s:O, s:o}", "calendar", name, "default", is_default(t, name),
                          "sites", json_integer_value(json_object_get(users.counts, name)), "versions", list,
                          "next_holidays", next_holidays(versions[in_force].calendar, now));
        json_decref(users.counts);
    }
    json_decref(list);
    if (!shown)
        (void)error_set(err, -ENOMEM, "no_memory", "out of memory for the answer");
    return shown;
}

int method_calendar_show(struct request *r)
{
    struct tenant *t;
    struct store_view *view;
    const char *name;
    int result = request_tenant(r, &t);
    if (result == 0)
        result = request_text(r, "calendar", true, &name);
    if (result == 0)
        result = store_view_open(t->store, FACT_TABLES_NONE, &view, r->err);
    if (result < 0)
        return result;
    json_t *shown = show(t, store_view_reference(view), name, r->err);
    store_view_close(view);
    return shown ? request_answer(r, shown) : -ENOENT;
}

/* --- the changes' answers --- */

static bool is_known(struct tenant *t, const char *name)
{
    const struct reference_calendar *versions;
    struct store_view *view;
    if (store_view_open(t->store, FACT_TABLES_NONE, &view, NULL) < 0)
        return false;
    const struct reference *tables = store_view_reference(view);
    bool is_known = tables && reference_calendars(tables, name, &versions) > 0;
    store_view_close(view);
    return is_known;
}

/* What the audit log says of a change. A name that the change will be refused for is not written. */
static json_t *act_json(struct tenant *t, const struct change *c)
{
    char room[QUESTION_HASH_BYTES];
    bool is_kept = c->calendar ? config_code_valid(c->name) : is_known(t, c->name);
    const char *name = is_kept ? c->name : question_hash(t->store, c->name, room);
    return json_pack("{s:s, s:o}", "calendar", name, "valid_from",
                     c->valid_from == INT64_MIN ? json_null() : json_integer(c->valid_from));
}

int method_calendar_import(struct request *r)
{
    struct tenant *t;
    struct change c = {.valid_from = INT64_MIN};
    const json_t *definition = json_object_get(r->params, "definition");
    int result = params_read(r, &t, &c);
    if (result == 0 && !definition)
        result = error_set(r->err, -EINVAL, "bad_param", "the parameter \"definition\" is missing");
    if (result == 0)
        result = request_check_kept(r, "calendar", c.name);
    if (result == 0)
        result = calendar_new(definition, &c.calendar, r->err);
    if (result == 0)
        result = request_act(r, t, act_json(t, &c));
    if (result == 0)
        result = committer_call(r->parts->committer, t, import, &c, r->err);
    if (result == 0) {
        json_t *answer =
            json_pack("{s:s, s:b, s:o, s:O}", "calendar", c.name, "changed", c.changed, "valid_from",
                      valid_from_json(c.valid_from), "definition", calendar_definition(c.calendar));
        result = request_answer_change(r, t, answer);
    }
    calendar_unref(c.calendar);
    return result;
}

/* The sites that still name a calendar; 0 also when they cannot be counted. */
static json_int_t sites_left(struct tenant *t, const char *name)
{
    struct store_view *view;
    struct users users;
    json_int_t n = 0;
    if (store_view_open(t->store, FACT_TABLES_NONE, &view, NULL) < 0)
        return 0;
    if (users_count(store_view_reference(view), &users) == 0) {
        n = json_integer_value(json_object_get(users.counts, name));
        json_decref(users.counts);
    }
    store_view_close(view);
    return n;
}

int method_calendar_remove(struct request *r)
{
    struct tenant *t;
    struct change c = {.valid_from = INT64_MIN};
    int result = params_read(r, &t, &c);
    if (result == 0)
        result = request_act(r, t, act_json(t, &c));
    if (result == 0)
        result = committer_call(r->parts->committer, t, remove_versions, &c, r->err);
    if (result < 0)
        return result;
    return request_answer_change(r, t,
                                 json_pack("{s:s, s:I, s:I, s:b}", "calendar", c.name, "removed",
                                           (json_int_t)c.n_removed, "sites", sites_left(t, c.name), "default",
                                           is_default(t, c.name)));
}
