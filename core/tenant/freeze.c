#include "core/tenant/freeze.h"

#include "core/base/instant.h"
#include "core/base/zone.h"
#include "core/benchmark/figures.h"
#include "core/tenant/benchmark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int month_read(const char *text, struct month *ret, struct error *err)
{
    int64_t days[2];
    bool good = strlen(text) == MONTH_BYTES - 1 && text[4] == '-';
    for (unsigned i = 0; good && i < MONTH_BYTES - 1; i++)
        good = i == 4 || (text[i] >= '0' && text[i] <= '9');
    int year = good ? atoi(text) : 0, number = good ? atoi(text + 5) : 0;
    if (year < 1970 || number < 1 || number > 12) {
        error_set(err, -EINVAL, "bad_param", "the parameter \"month\" takes a month");
        error_hint(err, "as 2026-03");
        return -EINVAL;
    }
    days[0] = civil_days(year, number, 1);
    days[1] = number == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, number + 1, 1);
    (void)snprintf(ret->name, sizeof(ret->name), "%s", text);
    ret->from = days[0] * 86400000;
    ret->until = days[1] * 86400000;
    return 0;
}

struct freezing {
    struct request *request;
    const struct month *month;
    const struct cube *cubes;
    size_t n;
    int64_t now;
    size_t n_samples;
    struct figures **figures; /* by cube */
    struct disclosure_cube *judged;
    json_t *tenants, *left_out; /* names of those that have a part; those that have none in some cube */
};

static int no_memory(const struct freezing *f)
{
    return error_set(f->request->err, -ENOMEM, "no_memory", "out of memory for the month");
}

/* --- asking --- */

static int ask_tenant(struct freezing *f, struct tenant *t, const struct tenant_settings *s)
{
    struct request *r = f->request;
    struct query_context context = {
        .store = t->store,
        .crew = r->crew,
        .tenant = t->name,
        .zone = "UTC",
        .nearshore = s->nearshore,
        .calendar = s->calendar,
        .not_level1 = s->not_level1,
        .now = f->now,
        .rows_max = 1000000,
        .cancelled = r->cancelled,
    };
    int result = 0;
    for (size_t i = 0; result == 0 && i < f->n; i++) {
        context.deadline = instant_monotonic_ms() + FREEZE_QUERY_MS;
        result = figures_add(f->figures[i], &context, f->month->from, f->month->until, r->err);
        if (result < 0 && strcmp(r->err->code, "no_calendar") == 0)
            result = list_append(f->left_out, json_pack("{s:s, s:s, s:s}", "tenant", t->name, "cube",
                                                        f->cubes[i].name, "code", r->err->code)) < 0
                         ? no_memory(f)
                         : 0;
        if (result < 0)
            error_prefix(r->err, "tenant %s, cube %s", t->name, f->cubes[i].name);
    }
    return result;
}

static bool consents(struct tenant *t)
{
    struct tenant_settings *s = tenant_settings_get(t);
    bool does = s->consented_at != 0;
    tenant_settings_unref(s);
    return does;
}

static int ask_tenants(struct freezing *f)
{
    struct tenants *ts = f->request->parts->tenants;
    int result = 0;
    for (unsigned i = 0; result == 0 && i < tenants_count(ts); i++) {
        struct tenant *t = tenants_hold_at(ts, i);
        struct tenant_settings *s = t ? tenant_settings_get(t) : NULL;
        if (s && s->consented_at) {
            result = list_append(f->tenants, json_string(t->name)) < 0 ? no_memory(f) : ask_tenant(f, t, s);
        }
        tenant_settings_unref(s);
        tenant_release(t);
    }
    return result;
}

/* Who withdrew while the month was being counted has no part in it; it is to be counted again. */
static int check_consents(const struct freezing *f)
{
    struct request *r = f->request;
    for (size_t i = 0; i < json_array_size(f->tenants); i++) {
        const char *name = json_string_value(json_array_get(f->tenants, i));
        struct tenant *t = tenants_hold(r->parts->tenants, name);
        bool does = t && consents(t);
        tenant_release(t);
        if (does)
            continue;
        error_set(r->err, -EAGAIN, "consent", "tenant %s withdrew its consent meanwhile", name);
        error_hint(r->err, "nothing was frozen: freeze %s again", f->month->name);
        return -EAGAIN;
    }
    return 0;
}

/* --- writing --- */

static json_t *figures_record(const struct freezing *f, size_t i)
{
    const struct cube *c = &f->cubes[i];
    json_t *record = cube_json(c);
    if (!record || json_object_update_new(
                       record, json_pack("{s:i, s:I, s:o}", "version", (int)c->metric->version, "frozen_at",
                                         (json_int_t)f->now, "rows", figures_rows(f->figures[i]))) < 0) {
        json_decref(record);
        return NULL;
    }
    return record;
}

static int write_month(const struct freezing *f)
{
    struct request *r = f->request;
    json_t *all = json_object();
    int result = all ? 0 : no_memory(f);
    for (size_t i = 0; result == 0 && i < f->n; i++)
        if (json_object_set_new(all, f->cubes[i].name, figures_record(f, i)) < 0)
            result = no_memory(f);
    json_t *record = json_pack("{s:I, s:s, s:I, s:O}", "frozen_at", (json_int_t)f->now, "by", r->who->name,
                               "cubes", (json_int_t)f->n, "tenants", f->tenants);
    if (result == 0)
        result =
            record ? benchmark_freeze(r->parts->control, f->month->name, record, all, r->err) : no_memory(f);
    json_decref(record);
    json_decref(all);
    return result;
}

/* --- what is said of it --- */

static json_t *cube_summary(const struct freezing *f, size_t i)
{
    const struct disclosure_cube *d = &f->judged[i];
    json_t *why = json_object();
    size_t dropped = 0;
    for (size_t k = 0; k < d->n_cells; k++) {
        const char *reason = disclosure_reason_name(d->cells[k].reason);
        if (!reason)
            continue;
        dropped++;
        (void)json_object_set_new(why, reason,
                                  json_integer(json_integer_value(json_object_get(why, reason)) + 1));
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:o}", "cube", f->cubes[i].name, "groups", (json_int_t)d->n_cells,
                     "published", (json_int_t)(d->n_cells - dropped), "dropped", (json_int_t)dropped, "why",
                     why);
}

static int summarise(const struct freezing *f, json_t **ret)
{
    json_t *list = json_array();
    int result = 0;
    for (size_t i = 0; result == 0 && i < f->n; i++)
        result = list_append(list, cube_summary(f, i));
    json_t *summary =
        json_pack("{s:s, s:I, s:o, s:O}", "month", f->month->name, "tenants",
                  (json_int_t)json_array_size(f->tenants), "cubes", list, "left_out", f->left_out);
    if (result < 0 || !summary) {
        json_decref(summary);
        return no_memory(f);
    }
    *ret = summary;
    return 0;
}

int freeze_month(struct request *r, const struct month *month, const struct cube *cubes, size_t n,
                 json_t **ret)
{
    struct freezing f = {.request = r, .month = month, .cubes = cubes, .n = n, .now = instant_now()};
    int result = 0;
    f.figures = calloc(n, sizeof(*f.figures));
    f.judged = calloc(n, sizeof(*f.judged));
    f.tenants = json_array();
    f.left_out = json_array();
    if (!f.figures || !f.judged || !f.tenants || !f.left_out)
        result = no_memory(&f);
    for (size_t i = 0; result == 0 && i < n; i++)
        if (figures_new(&cubes[i], &f.n_samples, &f.figures[i]) < 0)
            result = no_memory(&f);
    if (result == 0)
        result = ask_tenants(&f);
    for (size_t i = 0; result == 0 && i < n; i++)
        f.judged[i] = figures_judged(f.figures[i]);
    if (result == 0) {
        disclosure_judge(&DISCLOSURE_RULES, f.judged, n);
        result = check_consents(&f);
    }
    if (result == 0)
        result = write_month(&f);
    if (result == 0)
        result = summarise(&f, ret);
    for (size_t i = 0; f.figures && i < n; i++)
        figures_free(f.figures[i]);
    free(f.figures);
    free(f.judged);
    json_decref(f.tenants);
    json_decref(f.left_out);
    return result;
}
