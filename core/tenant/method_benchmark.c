/* benchmark.consent, .define, .freeze, .list, .show, .undefine, .withdraw */
#include "core/base/instant.h"
#include "core/base/nearest.h"
#include "core/tenant/benchmark.h"
#include "core/tenant/freeze.h"
#include "core/tenant/method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES (CUBE_KEY_BYTES + 16)

static int no_memory(struct request *r)
{
    return error_set(r->err, -ENOMEM, "no_memory", "out of memory for the benchmark");
}

/* --- consent --- */

static int change_consent(void *ctx, json_t *record, const struct tenant_settings *s, struct error *err)
{
    const int64_t *at = ctx;
    if (*at == 0) {
        (void)json_object_del(record, "consented_at");
        return 0;
    }
    if (s->consented_at)
        return 0; /* since then */
    return json_object_set_new(record, "consented_at", json_integer((json_int_t)*at)) < 0
               ? error_set(err, -ENOMEM, "no_memory", "out of memory for the consent")
               : 0;
}

static int set_consent(struct request *r, int64_t at)
{
    struct tenant *t;
    int result = request_tenant(r, &t);
    if (result == 0)
        result = request_act(r, t, NULL);
    if (result == 0)
        result = tenants_change(r->parts->tenants, t->name, change_consent, &at, r->err);
    if (result < 0)
        return result;
    struct tenant_settings *s = tenant_settings_get(t);
    json_t *answer = json_pack("{s:s, s:o}", "tenant", t->name, "consented_at",
                               s->consented_at ? instant_json(s->consented_at) : json_null());
    tenant_settings_unref(s);
    return request_answer(r, answer);
}

int method_benchmark_consent(struct request *r)
{
    if (r->who->role != ROLE_ADMIN) {
        error_set(r->err, -EPERM, "not_granted",
                  "only a tenant's admin consents to the benchmark, nobody for it");
        error_hint(r->err, "grant an admin's key: tendon key grant KEY --role admin --tenant NAME");
        return -EPERM;
    }
    return set_consent(r, instant_now());
}

int method_benchmark_withdraw(struct request *r)
{
    return set_consent(r, 0);
}

/* --- declared cubes --- */

/* The parameter "cube", a name. */
static int cube_param(const struct request *r, const char **ret)
{
    int result = request_text(r, "cube", true, ret);
    if (result < 0)
        return result;
    if (tenant_name_valid(*ret))
        return request_check_kept(r, "cube", *ret);
    error_set(r->err, -EINVAL, "bad_param", "the parameter \"cube\" takes a name");
    error_hint(r->err, "at most 64 of a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first");
    return -EINVAL;
}

static bool is_ended(const json_t *cube)
{
    return json_object_get(cube, "ended_at") != NULL;
}

static int unknown_cube(struct request *r, const char *name, const json_t *known)
{
    struct nearest near;
    const char *other;
    json_t *value;
    nearest_init(&near, name, strlen(name));
    json_object_foreach((json_t *)known, other, value) nearest_offer(&near, other);
    error_set(r->err, -ENOENT, "unknown_cube", "there is no cube \"%s\"", name);
    if (near.best)
        error_hint(r->err, "did you mean \"%s\"?", near.best);
    else
        error_hint(r->err, "tendon benchmark list shows those there are");
    return -ENOENT;
}

/* Whether the new one may stand beside those that are in force. */
static int check_fits(struct request *r, const struct cube *c, const json_t *known)
{
    struct cube *beside = malloc(sizeof(*beside));
    const char *name;
    json_t *value;
    size_t n = 0;
    int result = beside ? 0 : no_memory(r);
    json_object_foreach((json_t *)known, name, value)
    {
        if (result == 0 && is_ended(value) && strcmp(name, c->name) == 0) {
            error_set(r->err, -EEXIST, "cube_exists", "%s was a cube, and its frozen months stay", name);
            error_hint(r->err, "give the new one another name");
            result = -EEXIST;
        }
        if (result < 0 || is_ended(value))
            continue;
        result = cube_of_json(name, value, beside, r->err);
        if (result == 0)
            result = cube_fits(c, beside, r->err);
        n++;
    }
    free(beside);
    if (result == 0 && n >= CUBES_MAX)
        result =
            error_set(r->err, -ENOSPC, "too_many_cubes", "there are %d cubes, which is the most", CUBES_MAX);
    return result;
}

static json_t *cube_row(const char *name, const json_t *cube, const json_t *months)
{
    const json_t *ended = json_object_get(cube, "ended_at");
    size_t n = json_array_size(months);
    return json_pack("{s:s, s:O, s:O, s:O, s:o, s:o, s:I, s:o, s:o}", "cube", name, "metric",
                     json_object_get(cube, "metric"), "by", json_object_get(cube, "by"), "groups",
                     json_object_get(cube, "groups"), "defined_at",
                     instant_json(json_integer_value(json_object_get(cube, "defined_at"))), "ended_at",
                     ended ? instant_json(json_integer_value(ended)) : json_null(), "months", (json_int_t)n,
                     "first", n ? json_incref(json_array_get(months, 0)) : json_null(), "last",
                     n ? json_incref(json_array_get(months, n - 1)) : json_null());
}

static int define(struct request *r, const struct cube *c)
{
    json_t *known = NULL, *cube = cube_json(c);
    int result = cube && json_object_set_new(cube, "defined_at", json_integer((json_int_t)instant_now())) == 0
                     ? benchmark_cubes(r->parts->control, &known, r->err)
                     : no_memory(r);
    if (result == 0)
        result = check_fits(r, c, known);
    if (result == 0)
        result = request_act(r, NULL,
                             json_pack("{s:s, s:s, s:s, s:I}", "cube", c->name, "metric", c->key, "by", c->by,
                                       "groups", (json_int_t)c->n_groups));
    if (result == 0)
        result = benchmark_put(r->parts->control, c->name, cube, r->err);
    if (result == 0)
        result = request_answer(r, cube_row(c->name, cube, NULL));
    json_decref(known);
    json_decref(cube);
    return result;
}

int method_benchmark_define(struct request *r)
{
    const char *name, *metric, *by;
    const json_t *groups = json_object_get(r->params, "groups");
    int result = cube_param(r, &name);
    if (result == 0)
        result = request_text(r, "metric", true, &metric);
    if (result == 0)
        result = request_text(r, "by", true, &by);
    if (result < 0)
        return result;
    if (groups && !json_is_null(groups) && !json_is_array(groups))
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"groups\" takes a list of texts");
    struct cube *c = malloc(sizeof(*c));
    result =
        c ? cube_read(name, metric, by, json_array_size(groups) ? groups : NULL, c, r->err) : no_memory(r);
    if (result == 0)
        result = define(r, c);
    free(c);
    return result;
}

/* Later months are without it; one that was never frozen is gone. */
static int undefine(struct request *r, const char *name, const json_t *known, const json_t *months)
{
    json_t *cube = json_object_get(known, name);
    bool has_months = json_object_get(months, name) != NULL;
    if (!cube || is_ended(cube))
        return unknown_cube(r, name, known);
    int result = request_act(r, NULL, json_pack("{s:s}", "cube", name));
    if (result == 0 && json_object_set_new(cube, "ended_at", json_integer((json_int_t)instant_now())) < 0)
        result = no_memory(r);
    if (result == 0)
        result = benchmark_put(r->parts->control, name, has_months ? cube : NULL, r->err);
    return result < 0 ? result : request_answer(r, cube_row(name, cube, json_object_get(months, name)));
}

int method_benchmark_undefine(struct request *r)
{
    const char *name;
    json_t *known = NULL, *months = NULL;
    int result = cube_param(r, &name);
    if (result == 0)
        result = benchmark_cubes(r->parts->control, &known, r->err);
    if (result == 0)
        result = benchmark_months(r->parts->control, &months, r->err);
    if (result == 0)
        result = undefine(r, name, known, months);
    json_decref(known);
    json_decref(months);
    return result;
}

int method_benchmark_list(struct request *r)
{
    json_t *known = NULL, *months = NULL, *cube, *list = json_array();
    const char *name;
    int result = list ? benchmark_cubes(r->parts->control, &known, r->err) : no_memory(r);
    if (result == 0)
        result = benchmark_months(r->parts->control, &months, r->err);
    json_object_foreach(known, name, cube)
    {
        const json_t *some = json_object_get(months, name);
        /* What was never published is nothing to a reader of what was. */
        if (result == 0 && (some || r->who->role != ROLE_BENCHMARK) &&
            list_append(list, cube_row(name, cube, some)) < 0)
            result = no_memory(r);
    }
    json_decref(known);
    json_decref(months);
    if (result == 0)
        return request_answer(r, list);
    json_decref(list);
    return result;
}

/* --- freezing --- */

/* Those in force; *ret_n 0 and an error when there are none. */
static int load_cubes(struct request *r, struct cube **ret, size_t *ret_n)
{
    json_t *known = NULL, *value;
    const char *name;
    size_t n = 0;
    int result = benchmark_cubes(r->parts->control, &known, r->err);
    if (result < 0)
        return result;
    struct cube *cubes = calloc(json_object_size(known) + 1, sizeof(*cubes));
    if (!cubes)
        result = no_memory(r);
    json_object_foreach(known, name, value)
    {
        if (result == 0 && !is_ended(value))
            result = cube_of_json(name, value, &cubes[n++], r->err);
    }
    json_decref(known);
    if (result == 0 && n == 0) {
        result = error_set(r->err, -ENOENT, "unknown_cube", "no cube is declared");
        error_hint(r->err, "tendon benchmark define declares one");
    }
    if (result < 0) {
        free(cubes);
        return result;
    }
    *ret = cubes;
    *ret_n = n;
    return 0;
}

static int check_month(struct request *r, const struct month *month)
{
    bool is_frozen;
    if (month->until > instant_now()) {
        error_set(r->err, -EINVAL, "bad_param", "%s is not over yet, in UTC", month->name);
        error_hint(r->err, "a month is frozen once, so wait until everything of it has come");
        return -EINVAL;
    }
    int result = benchmark_is_frozen(r->parts->control, month->name, &is_frozen, r->err);
    if (result < 0 || !is_frozen)
        return result;
    error_set(r->err, -EEXIST, "frozen", "%s is frozen already", month->name);
    error_hint(r->err, "what is published stays as it is: tendon benchmark show");
    return -EEXIST;
}

int method_benchmark_freeze(struct request *r)
{
    const char *text;
    struct month month;
    struct cube *cubes = NULL;
    size_t n = 0;
    int result = request_text(r, "month", true, &text);
    if (result == 0)
        result = month_read(text, &month, r->err);
    if (result == 0)
        result = check_month(r, &month);
    if (result == 0)
        result = load_cubes(r, &cubes, &n);
    if (result == 0)
        result = request_act(r, NULL, json_pack("{s:s, s:I}", "month", month.name, "cubes", (json_int_t)n));
    if (result == 0)
        result = freeze_month(r, &month, cubes, n, &r->result);
    free(cubes);
    return result;
}

/* --- showing --- */

struct showing {
    struct request *request;
    const struct cube *cube;
    bool has_reasons; /* whether the asker may know why a group was dropped */
    json_t *rows, *frozen, *dropped;
    bool failed;
};

static void add(struct showing *s, json_t *list, json_t *value)
{
    s->failed |= list_append(list, value) < 0;
}

static void set(struct showing *s, json_t *row, const char *suffix, json_t *value)
{
    char key[KEY_BYTES];
    (void)snprintf(key, sizeof(key), "%s%s", s->cube->key, suffix);
    s->failed |= json_object_set_new(row, key, value) < 0;
}

static json_t *copied(const json_t *row, const char *name)
{
    json_t *value = json_object_get(row, name);
    return value ? json_incref(value) : json_null();
}

static json_t *shown_row(struct showing *s, const char *start, const json_t *row)
{
    const json_t *reason = json_object_get(row, "reason");
    json_t *shown = json_pack("{s:s, s:O}", "period", start, s->cube->by, json_object_get(row, "group"));
    set(s, shown, "", copied(row, "value"));
    if (s->cube->numerator == NUMERATOR_SHARE) {
        set(s, shown, ".low", copied(row, "low"));
        set(s, shown, ".high", copied(row, "high"));
    }
    set(s, shown, ".n", copied(row, "n"));
    s->failed |= json_object_set_new(shown, "organisations", copied(row, "organisations")) < 0 ||
                 json_object_set_new(shown, "state", json_string(reason ? "dropped" : "published")) < 0;
    if (s->has_reasons)
        s->failed |= json_object_set_new(shown, "reason", copied(row, "reason")) < 0;
    return shown;
}

static void show_month(struct showing *s, const struct month *month, const json_t *figures)
{
    char start[INSTANT_TEXT_BYTES];
    const json_t *rows = json_object_get(figures, "rows");
    json_t *groups = json_array();
    (void)instant_text(month->from, start);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        add(s, s->rows, shown_row(s, start, row));
        if (json_object_get(row, "reason"))
            add(s, groups, copied(row, "group"));
    }
    add(s, s->dropped, json_pack("{s:s, s:o}", "month", month->name, "groups", groups));
    add(s, s->frozen,
        json_pack("{s:s, s:o, s:O}", "month", month->name, "frozen_at",
                  instant_json(json_integer_value(json_object_get(figures, "frozen_at"))), "version",
                  json_object_get(figures, "version")));
}

static void column(struct showing *s, json_t *columns, const char *suffix, const char *kind)
{
    char key[KEY_BYTES];
    const char *statistic = cube_statistic(s->cube);
    (void)snprintf(key, sizeof(key), "%s%s", s->cube->key, suffix);
    add(s, columns,
        json_pack("{s:s, s:s, s:s, s:s*}", "name", key, "kind", kind, "metric", s->cube->metric->name, "stat",
                  *statistic ? statistic : NULL));
}

static json_t *shown_columns(struct showing *s)
{
    json_t *columns = json_array();
    add(s, columns, json_pack("{s:s, s:s}", "name", "period", "kind", "period"));
    add(s, columns, json_pack("{s:s, s:s}", "name", s->cube->by, "kind", "dimension"));
    column(s, columns, "", cube_column_kind(s->cube));
    if (s->cube->numerator == NUMERATOR_SHARE) {
        column(s, columns, ".low", "interval");
        column(s, columns, ".high", "interval");
    }
    column(s, columns, ".n", "n");
    add(s, columns, json_pack("{s:s, s:s}", "name", "organisations", "kind", "count"));
    add(s, columns, json_pack("{s:s, s:s}", "name", "state", "kind", "text"));
    if (s->has_reasons)
        add(s, columns, json_pack("{s:s, s:s}", "name", "reason", "kind", "text"));
    return columns;
}

/* Takes the lists over. */
static int show_answer(struct showing *s, int64_t from, int64_t until)
{
    const struct metric *m = s->cube->metric;
    json_t *version = json_object_get(json_array_get(s->frozen, json_array_size(s->frozen) - 1), "version");
    json_t *meta = json_pack("{s:s, s:s, s:{s:o, s:o}, s:{s:O?}, s:o, s:o, s:s, s:[]}", "cube", s->cube->name,
                             "zone", "UTC", "period", "since", instant_json(from), "until",
                             instant_json(until), "definitions", m->name, version, "frozen", s->frozen,
                             "dropped", s->dropped, "why", DISCLOSURE_WHY, "warnings");
    json_t *answer = json_pack("{s:[s], s:[s], s:o, s:o, s:o}", "metrics", s->cube->key, "by", s->cube->by,
                               "columns", shown_columns(s), "rows", s->rows, "meta", meta);
    if (answer && !s->failed)
        return request_answer(s->request, answer);
    json_decref(answer);
    return no_memory(s->request);
}

/* What was frozen is shown by the declaration that was frozen with it. */
static int show(struct request *r, const char *name, const char *only, const json_t *months,
                struct cube *cube)
{
    struct showing s = {.request = r, .cube = cube, .has_reasons = r->who->role == ROLE_OPERATOR};
    struct month month = {.from = 0};
    int64_t from = INT64_MAX, until = 0;
    const char *text;
    json_t *figures;
    int result = 0;
    s.rows = json_array();
    s.frozen = json_array();
    s.dropped = json_array();
    json_object_foreach((json_t *)months, text, figures)
    {
        if (result < 0 || (only && strcmp(only, text) != 0))
            continue;
        result = cube_of_json(name, figures, cube, r->err);
        if (result == 0)
            result = month_read(text, &month, r->err);
        if (result < 0)
            continue;
        from = month.from < from ? month.from : from;
        until = month.until;
        show_month(&s, &month, figures);
    }
    if (result == 0 && until == 0) {
        error_set(r->err, -ENOENT, "not_frozen", "%s is not frozen for %s", only ? only : "no month", name);
        error_hint(r->err, "tendon benchmark list shows the months that are");
        result = -ENOENT;
    }
    if (result == 0)
        return show_answer(&s, from, until);
    json_decref(s.rows);
    json_decref(s.frozen);
    json_decref(s.dropped);
    return result;
}

int method_benchmark_show(struct request *r)
{
    const char *name, *only;
    json_t *months = NULL, *all = NULL;
    struct month asked;
    int result = cube_param(r, &name);
    if (result == 0)
        result = request_text(r, "month", false, &only);
    if (result == 0 && only)
        result = month_read(only, &asked, r->err);
    if (result == 0)
        result = benchmark_months(r->parts->control, &all, r->err);
    /* A name that nothing has is not written down: it may be anything. */
    bool is_known = result == 0 && json_object_get(all, name) != NULL;
    if (result == 0)
        result =
            request_ask(r, NULL, json_pack("{s:s?, s:s*}", "cube", is_known ? name : NULL, "month", only));
    if (result == 0)
        result = benchmark_figures(r->parts->control, name, &months, r->err);
    if (result == 0 && json_object_size(months) == 0)
        result = unknown_cube(r, name, all);
    struct cube *cube = malloc(sizeof(*cube));
    if (!cube)
        result = no_memory(r);
    if (result == 0)
        result = show(r, name, only, months, cube);
    free(cube);
    json_decref(months);
    json_decref(all);
    return result;
}
