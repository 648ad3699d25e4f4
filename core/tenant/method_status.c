/* status: how the collector is, and what somebody should look at, in sentences. */
#include "core/base/instant.h"
#include "core/forward/refusals.h"
#include "core/ingest/committer.h"
#include "core/supervise/supervise.h"
#include "core/tenant/method.h"
#include "core/tenant/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FULL_PERCENT 80 /* from here on a limit is worth a warning */

static void warn(json_t *warnings, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(json_t *warnings, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    (void)list_append(warnings, json_string(line));
}

/* --- what there is to warn of --- */

static void warn_failures(const struct request *r, json_t *warnings)
{
    struct tenant_failure *failures = NULL;
    size_t n = 0;
    (void)tenants_failures(r->parts->tenants, &failures, &n);
    for (size_t i = 0; i < n; i++)
        warn(warnings, "tenant %s is not open: %s%s%s", failures[i].name, failures[i].error.message,
             *failures[i].error.hint ? "; " : "", failures[i].error.hint);
    free(failures);
    if (n == 0 && tenants_count(r->parts->tenants) == 0)
        warn(warnings, "there is no tenant: tendon tenant add makes one");
}

static void warn_dictionaries(const struct tenant *t, const struct tenant_settings *s,
                              const struct dictionary *d, json_t *warnings)
{
    struct event_schema schema = {.n_declared = s->n_declared};
    memcpy(schema.declared, s->declared, sizeof(schema.declared));
    for (unsigned field = 0; field < FIELD_N; field++) {
        uint32_t n = dictionary_count(d, field);
        const char *name = event_field_name(&schema, (enum event_field)field);
        if (name && (uint64_t)n * 100 >= (uint64_t)DICTIONARY_VALUES_MAX * FULL_PERCENT)
            warn(warnings,
                 "tenant %s: %s has %u of at most %u values; events with a new one will be rejected", t->name,
                 name, n, DICTIONARY_VALUES_MAX);
    }
}

/* A closed dimension of which nothing was imported takes no event that has it. */
static void warn_closed(const struct tenant *t, const struct tenant_settings *s, const struct reference *r,
                        json_t *warnings)
{
    for (unsigned field = 0; field < FIELD_N_DIMENSIONS; field++) {
        if (!(s->closed >> field & 1))
            continue;
        const char *name = settings_closable(s, field);
        bool has_table = field == FIELD_SITE || field == FIELD_TEAM;
        if (reference_value_count(r, name) == 0)
            warn(
                warnings,
                "tenant %s: %s is closed and nothing of it is imported: every event with a value is rejected "
                "until tendon %s import brings some in",
                t->name, name, has_table ? name : "code");
    }
}

static void warn_refolding(const struct tenant *t, json_t *warnings)
{
    struct store_progress p;
    store_progress(t->store, &p);
    if (p.is_refolding)
        warn(warnings, "tenant %s is being folded anew, %llu of %llu tickets so far; %s", t->name,
             (unsigned long long)p.n_done, (unsigned long long)p.n_subjects,
             p.has_facts ? "answers come from the facts before"
                         : "until then there are no answers, as the facts before are another version's");
}

static void warn_tenant(struct tenant *t, json_t *warnings)
{
    struct tenant_settings *s = tenant_settings_get(t);
    struct store_statistics statistics = {0};
    struct store_view *view;
    store_statistics(t->store, &statistics);
    uint64_t percent = statistics.used_bytes / ((uint64_t)s->limits.stored_bytes / 100 + 1);
    if (percent >= FULL_PERCENT)
        warn(warnings, "tenant %s uses %d %% of its stored_bytes; at the limit nothing more is taken",
             t->name, (int)percent);
    if (store_view_open(t->store, FACT_TABLES_NONE, &view, NULL) == 0) {
        warn_dictionaries(t, s, store_view_dictionary(view), warnings);
        warn_closed(t, s, store_view_reference(view), warnings);
        store_view_close(view);
    }
    warn_refolding(t, warnings);
    tenant_settings_unref(s);
}

static void warn_plugins(const json_t *plugins, json_t *warnings)
{
    static const char *const BAD[] = {"quarantined", "failed_config", "failed_auth"};
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *p = json_array_get(plugins, i);
        const char *state = json_string_value(json_object_get(p, "state"));
        const char *source = json_string_value(json_object_get(p, "source"));
        const char *tenant = json_string_value(json_object_get(p, "tenant"));
        const char *message = json_string_value(json_object_get(p, "message"));
        for (size_t j = 0; state && source && tenant && j < sizeof(BAD) / sizeof(*BAD); j++)
            if (strcmp(state, BAD[j]) == 0)
                warn(warnings, "plugin %s of tenant %s is %s%s%s", source, tenant, state,
                     message && *message ? ": " : "", message ? message : "");
    }
}

static void warn_disk(const struct request *r, json_t *warnings)
{
    struct statvfs disk;
    if (statvfs(r->config->data, &disk) < 0)
        return;
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (free_bytes < COMMITTER_FREE_BYTES)
        warn(warnings, "the disk of %s is full: nothing is taken until %u MiB are free", r->config->data,
             COMMITTER_FREE_BYTES >> 20);
    else if (free_bytes < 4ull * COMMITTER_FREE_BYTES)
        warn(warnings, "the disk of %s has %u MiB left; below %u MiB nothing is taken", r->config->data,
             (unsigned)(free_bytes >> 20), COMMITTER_FREE_BYTES >> 20);
}

static void warn_servers(const json_t *servers, json_t *warnings)
{
    for (size_t i = 0; i < json_array_size(servers); i++)
        if (json_is_false(json_object_get(json_array_get(servers, i), "listening")))
            warn(warnings, "the limit of open files is near: no further connections are taken");
}

static void warn_audit(const struct request *r, json_t *warnings)
{
    size_t n_pending;
    bool is_failing;
    audit_state(r->parts->audit, &n_pending, &is_failing);
    if (is_failing)
        warn(warnings, "the audit log cannot be written; %zu questions wait to be recorded, of %u at most",
             n_pending, AUDIT_PENDING_MAX);
}

/* --- the parts of the answer --- */

static json_t *tenants_json(const struct request *r, json_t *warnings)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < tenants_count(r->parts->tenants); i++) {
        struct tenant *t = tenants_hold_at(r->parts->tenants, i);
        if (!t)
            continue;
        struct store_statistics s = {0};
        store_statistics(t->store, &s);
        (void)list_append(list, json_pack("{s:s, s:I, s:I, s:I, s:o}", "tenant", t->name, "events",
                                          (json_int_t)s.log_position, "subjects", (json_int_t)s.subjects,
                                          "stored_bytes", (json_int_t)s.used_bytes, "refolding",
                                          refolding_json(t)));
        warn_tenant(t, warnings);
        tenant_release(t);
    }
    return list;
}

/* Sites whose stores come here, and what is not taken of them. */
static json_t *sites_json(const struct request *r, json_t *warnings)
{
    json_t *list = json_array();
    struct refusal *refusals = NULL;
    size_t n_refusals = 0;
    (void)refusals_list(committer_refusals(r->parts->committer), &refusals, &n_refusals);
    for (unsigned i = 0; i < tenants_count(r->parts->tenants); i++) {
        struct tenant *t = tenants_hold_at(r->parts->tenants, i);
        struct store_source *sites = NULL;
        size_t n = 0;
        if (t)
            (void)store_site_list(t->store, &sites, &n);
        for (size_t k = 0; k < n; k++) {
            const struct refusal *refusal = NULL;
            for (size_t m = 0; m < n_refusals && refusals; m++)
                if (strcmp(refusals[m].tenant, t->name) == 0 && strcmp(refusals[m].site, sites[k].name) == 0)
                    refusal = &refusals[m];
            (void)list_append(
                list,
                json_pack("{s:s, s:s, s:I, s:I, s:o, s:s, s:s}", "tenant", t->name, "site", sites[k].name,
                          "position", (json_int_t)sites[k].last_seq, "events", (json_int_t)sites[k].accepted,
                          "last_commit", instant_json(sites[k].last_commit), "state",
                          refusal ? "refused" : "taken", "code", refusal ? refusal->why.code : ""));
        }
        free(sites);
        tenant_release(t);
    }
    for (size_t m = 0; m < n_refusals && refusals; m++)
        warn(warnings, "what site %s forwards to tenant %s is not taken: %s%s%s", refusals[m].site,
             refusals[m].tenant, refusals[m].why.message, *refusals[m].why.hint ? "; " : "",
             refusals[m].why.hint);
    free(refusals);
    return list;
}

static void warn_forwarding(const json_t *forwarding, json_t *warnings)
{
    for (size_t i = 0; i < json_array_size(forwarding); i++) {
        const json_t *row = json_array_get(forwarding, i);
        const char *state = json_string_value(json_object_get(row, "state"));
        const char *message = json_string_value(json_object_get(row, "message"));
        const char *tenant = json_string_value(json_object_get(row, "tenant"));
        if (state && message && tenant && (strcmp(state, "stopped") == 0 || strcmp(state, "waiting") == 0))
            warn(warnings, "tenant %s is not forwarded: %s", tenant, message);
    }
}

static json_t *ingest_json(const struct request *r)
{
    struct committer_statistics s = {0};
    committer_statistics(r->parts->committer, &s);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "batches", (json_int_t)s.batches, "events",
                     (json_int_t)s.events, "commits", (json_int_t)s.commits, "failed_commits",
                     (json_int_t)s.failed_commits, "repeats", (json_int_t)s.repeats, "out_of_order",
                     (json_int_t)s.out_of_order, "malformed", (json_int_t)s.malformed, "queued_bytes",
                     (json_int_t)s.queued_bytes);
}

int method_status(struct request *r)
{
    json_t *warnings = json_array();
    json_t *plugins = r->parts->supervisor ? supervisor_status(r->parts->supervisor) : json_array();
    json_t *servers = r->parts->servers ? r->parts->servers(r->parts->servers_ctx) : json_array();
    warn_failures(r, warnings);
    json_t *forwarding = r->parts->forwarding ? r->parts->forwarding(r->parts->servers_ctx) : json_array();
    json_t *tenants = tenants_json(r, warnings), *sites = sites_json(r, warnings);
    warn_forwarding(forwarding, warnings);
    warn_plugins(plugins, warnings);
    warn_disk(r, warnings);
    warn_audit(r, warnings);
    warn_servers(servers, warnings);
    return request_answer(r, json_pack("{s:s, s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
                                       TENDON_VERSION, "pid", (json_int_t)getpid(), "started_at",
                                       instant_json(r->started_at), "uptime_s",
                                       (json_int_t)((instant_now() - r->started_at) / 1000), "warnings",
                                       warnings, "tenants", tenants, "forwarding", forwarding, "sites", sites,
                                       "plugins", plugins, "servers", servers, "ingest", ingest_json(r)));
}
