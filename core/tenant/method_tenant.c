/* tenant.list, tenant.show, tenant.reindex */
#include "core/ingest/committer.h"
#include "core/tenant/method.h"
#include "core/tenant/settings.h"

#include <stdlib.h>
#include <string.h>

static size_t count_sources(struct tenant *t)
{
    struct store_source *sources = NULL;
    size_t n = 0;
    (void)store_source_list(t->store, &sources, &n);
    free(sources);
    return n;
}

static json_t *tenant_row(struct tenant *t)
{
    struct store_statistics statistics = {0};
    struct tenant_settings *s = tenant_settings_get(t);
    store_statistics(t->store, &statistics);
    json_t *row =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "tenant", t->name, "zone", s->zone, "sources",
                  (json_int_t)count_sources(t), "events", (json_int_t)statistics.log_position, "stored_bytes",
                  (json_int_t)statistics.used_bytes, "stored_bytes_limit", (json_int_t)s->limits.stored_bytes,
                  "consented_at", s->consented_at ? instant_json(s->consented_at) : json_null());
    tenant_settings_unref(s);
    return row;
}

int method_tenant_list(struct request *r)
{
    json_t *list = json_array();
    int result = 0;
    for (unsigned i = 0; result == 0 && i < tenants_count(r->parts->tenants); i++) {
        struct tenant *t = tenants_hold_at(r->parts->tenants, i);
        if (t)
            result = list_append(list, tenant_row(t));
        tenant_release(t);
    }
    if (result < 0) {
        json_decref(list);
        list = NULL;
    }
    return request_answer(r, list);
}

int method_tenant_show(struct request *r)
{
    struct tenant *t;
    int result = request_tenant(r, &t);
    if (result < 0)
        return result;
    struct store_statistics statistics = {0};
    store_statistics(t->store, &statistics);
    struct tenant_settings *s = tenant_settings_get(t);
    json_t *settings = settings_record(s), *limits = limits_json(&s->limits);
    json_t *retention = json_pack("{s:I, s:I}", "log_ms", (json_int_t)s->retention.log_ms, "facts_ms",
                                  (json_int_t)s->retention.facts_ms);
    char calendar[sizeof(s->calendar)];
    memcpy(calendar, s->calendar, sizeof(calendar));
    tenant_settings_unref(s);
    json_t *row = tenant_row(t);
    json_t *more = json_pack(
        "{s:O?, s:O?, s:O?, s:O?, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:O?, "
        "s:O?}",
        "dimensions", json_object_get(settings, "declared"), "closed", json_object_get(settings, "closed"),
        "nearshore", json_object_get(settings, "nearshore"), "not_level1",
        json_object_get(settings, "not_level1"), "calendar", *calendar ? calendar : NULL, "policies",
        (json_int_t)json_array_size(json_object_get(settings, "sla")), "subjects",
        (json_int_t)statistics.subjects, "frozen", (json_int_t)statistics.frozen, "erased",
        (json_int_t)statistics.erased, "hot_subjects", (json_int_t)statistics.hot_subjects, "hot_events",
        (json_int_t)statistics.hot_events, "log_segments", (json_int_t)statistics.log_segments, "fact_blocks",
        (json_int_t)statistics.fact_blocks, "file_bytes", (json_int_t)statistics.file_bytes, "bytes_log",
        (json_int_t)statistics.bytes_log, "bytes_directory", (json_int_t)statistics.bytes_directory,
        "bytes_facts", (json_int_t)statistics.bytes_facts, "bytes_other", (json_int_t)statistics.bytes_other,
        "retention", retention, "limits", limits);
    json_decref(retention);
    json_decref(limits);
    if (!row || !more || json_object_update(row, more) < 0 ||
        json_object_set_new(row, "refolding", refolding_json(t)) < 0) {
        json_decref(row);
        row = NULL;
    }
    json_decref(more);
    json_decref(settings);
    return request_answer(r, row);
}

static int reindex(struct tenant *t, void *ctx, struct error *err)
{
    return store_reindex(t->store, err);
}

int method_tenant_reindex(struct request *r)
{
    struct tenant *t;
    int result = request_tenant(r, &t);
    if (result == 0)
        result = request_act(r, t, NULL);
    if (result == 0)
        result = committer_call(r->parts->committer, t, reindex, NULL, r->err);
    if (result < 0)
        return result;
    struct store_statistics statistics = {0};
    store_statistics(t->store, &statistics);
    return request_answer_change(r, t,
                                 json_pack("{s:s, s:I, s:I}", "tenant", t->name, "events",
                                           (json_int_t)statistics.log_position, "subjects",
                                           (json_int_t)statistics.subjects));
}
