/* The registry of tenants: made, kept over restarts, changed all or not at all, one's damage not another's.
 */
#include "core/fold/policy.h"
#include "core/tenant/config.h"
#include "core/tenant/control.h"
#include "core/tenant/settings.h"
#include "core/tenant/tenant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    char folder[64], data[96], keys[96], control_path[96];
    struct control *control;
    struct tenants *tenants;
};

static void open_world(struct world *w)
{
    struct error err = ERROR_INIT;
    struct tenants_options options = {.data = w->data, .keys = w->keys};
    if (control_open(w->control_path, &w->control, &err) < 0)
        fail_msg("%s", err.message);
    options.control = w->control;
    if (tenants_new(&options, &w->tenants, &err) < 0)
        fail_msg("%s", err.message);
}

static void close_world(struct world *w)
{
    tenants_free(w->tenants);
    control_close(w->control);
    w->tenants = NULL;
    w->control = NULL;
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/test-tenants-XXXXXX");
    if (!mkdtemp(w->folder))
        return -1;
    (void)snprintf(w->data, sizeof(w->data), "%s/data", w->folder);
    (void)snprintf(w->keys, sizeof(w->keys), "%s/keys", w->folder);
    (void)snprintf(w->control_path, sizeof(w->control_path), "%s/data/control", w->folder);
    open_world(w);
    *state = w;
    return mkdir(w->keys, 0700);
}

static int remove_world(void **state)
{
    struct world *w = *state;
    char command[256];
    close_world(w);
    (void)snprintf(command, sizeof(command), "rm -rf %s", w->folder);
    int r = system(command);
    free(w);
    return r;
}

static int apply(struct world *w, const char *text, struct error *err)
{
    struct config_problems p;
    config_problems_init(&p, "t.yaml");
    struct config *c = config_parse(text, strlen(text), &p);
    if (!c)
        fail_msg("%s", config_problems_text(&p));
    int r = tenants_apply(w->tenants, c, err);
    config_unref(c);
    config_problems_fini(&p);
    return r;
}

static void apply_good(struct world *w, const char *text)
{
    struct error err = ERROR_INIT;
    if (apply(w, text, &err) < 0)
        fail_msg("%s", err.message);
}

#define LIMITS "limits: {stored_bytes: 16MiB}"

static void made_and_kept(void **state)
{
    struct world *w = *state;
    char path[256];
    assert_int_equal(tenants_count(w->tenants), 0);
    apply_good(w,
               "tenants: [{name: a, zone: America/Chicago, dimensions: wing, calendar: desk, " LIMITS
               ", sla: {policy: gold, metric: first_response_time, target: 90s, clock: business, "
               "calendar: clinic, where: {wing: [007, 1.10], severity: 1, vendor: acme}}}, {name: b, " LIMITS
               "}]");
    assert_int_equal(tenants_count(w->tenants), 2);
    struct tenant *a = tenants_find(w->tenants, "a");
    assert_non_null(a);
    assert_ptr_equal(tenants_at(w->tenants, a->index), a);
    assert_null(tenants_find(w->tenants, "c"));
    (void)snprintf(path, sizeof(path), "%s/tenant-b.key", w->keys);
    assert_int_equal(access(path, F_OK), 0);
    close_world(w);

    /* the file names it no longer: it goes on as it was */
    open_world(w);
    assert_int_equal(tenants_count(w->tenants), 0);
    apply_good(w, "tenants: [{name: b, zone: Asia/Tokyo, " LIMITS "}]");
    assert_int_equal(tenants_count(w->tenants), 2);
    a = tenants_find(w->tenants, "a");
    assert_non_null(a);
    struct tenant_settings *s = tenant_settings_get(a);
    assert_string_equal(s->zone, "America/Chicago");
    assert_int_equal(s->n_declared, 1);
    assert_string_equal(s->declared[0], "wing");
    assert_int_equal(s->limits.stored_bytes, 16 << 20);
    assert_string_equal(s->calendar, "desk");
    assert_int_equal(s->n_policies, 1);
    const struct policy *p = s->policies;
    assert_string_equal(p->name, "gold");
    assert_int_equal(p->metric, METRIC_FIRST_RESPONSE_TIME);
    assert_int_equal(p->target_ms, 90000);
    assert_int_equal(p->clock, CLOCK_BUSINESS);
    assert_string_equal(p->calendar, "clinic");
    /* by field, whatever the order in the file */
    assert_int_equal(p->n_conditions, 3);
    assert_int_equal(p->conditions[0].field, FIELD_VENDOR);
    assert_int_equal(p->conditions[1].field, FIELD_SEVERITY);
    assert_string_equal(p->conditions[1].values[0].text, "1");
    assert_int_equal(p->conditions[2].field, FIELD_DECLARED);
    assert_int_equal(p->conditions[2].n_values, 2);
    assert_string_equal(p->conditions[2].values[0].text, "007");
    assert_string_equal(p->conditions[2].values[1].text, "1.10");
    tenant_settings_unref(s);
}

static void settings_change(void **state)
{
    struct world *w = *state;
    apply_good(w, "tenants: {name: a, dimensions: [wing, ward], " LIMITS "}");
    struct tenant *a = tenants_find(w->tenants, "a");
    struct tenant_settings *before = tenant_settings_get(a);
    apply_good(
        w,
        "tenants: {name: a, dimensions: [floor, ward], closed: [team, floor, module], nearshore: [MX, CA], "
        "not_level1: hardware, " LIMITS "}");
    assert_ptr_equal(tenants_find(w->tenants, "a"), a);
    struct tenant_settings *after = tenant_settings_get(a);
    /* who holds the old ones keeps them */
    assert_int_equal(before->n_declared, 2);
    assert_null(before->nearshore[0]);
    /* a declared dimension keeps its number */
    assert_int_equal(after->n_declared, 3);
    assert_string_equal(after->declared[0], "wing");
    assert_string_equal(after->declared[1], "ward");
    assert_string_equal(after->declared[2], "floor");
    /* and is closed under it */
    uint64_t closed = 1ull << FIELD_TEAM | 1ull << FIELD_MODULE | 1ull << (FIELD_DECLARED + 2);
    assert_int_equal(after->closed, closed);
    json_t *record = settings_record(after);
    struct tenant_settings *read;
    assert_int_equal(settings_of_record(record, &read, NULL), 0);
    assert_int_equal(read->closed, closed);
    json_decref(record);
    tenant_settings_unref(read);
    assert_string_equal(after->nearshore[1], "CA");
    assert_null(after->nearshore[2]);
    assert_string_equal(after->not_level1[0], "hardware");
    assert_null(after->not_level1[1]);
    tenant_settings_unref(before);
    tenant_settings_unref(after);
}

static void all_or_nothing(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    apply_good(w, "tenants: {name: a, dimensions: [d1, d2, d3, d4, d5, d6, d7, d8, d9], " LIMITS "}");
    int r = apply(w,
                  "tenants: [{name: b, " LIMITS "}, {name: a, zone: Asia/Tokyo, dimensions: [e1, e2, e3, e4, "
                  "e5, e6, e7, e8], " LIMITS "}]",
                  &err);
    assert_int_equal(r, -ENOSPC);
    assert_string_equal(err.code, "too_many_dimensions");
    assert_null(tenants_find(w->tenants, "b"));
    struct tenant_settings *s = tenant_settings_get(tenants_find(w->tenants, "a"));
    assert_string_equal(s->zone, "UTC");
    assert_int_equal(s->n_declared, 9);
    tenant_settings_unref(s);
    apply_good(w, "tenants: [{name: b, " LIMITS "}]");
    assert_non_null(tenants_find(w->tenants, "b"));
}

static void lost_key(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    struct tenant_failure *failures;
    char path[256], away[300];
    size_t n;
    apply_good(w, "tenants: [{name: a, " LIMITS "}, {name: b, " LIMITS "}]");
    close_world(w);
    (void)snprintf(path, sizeof(path), "%s/tenant-a.key", w->keys);
    (void)snprintf(away, sizeof(away), "%s.away", path);
    assert_int_equal(rename(path, away), 0);

    /* the other goes on; no new key is made over data written under the old */
    open_world(w);
    apply_good(w, "tenants: [{name: a, " LIMITS "}]");
    assert_null(tenants_find(w->tenants, "a"));
    assert_non_null(tenants_find(w->tenants, "b"));
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(tenants_failures(w->tenants, &failures, &n), 0);
    assert_int_equal(n, 1);
    assert_string_equal(failures[0].name, "a");
    assert_non_null(strstr(failures[0].error.message, "tenant-a.key"));
    free(failures);

    /* put back, it is found at the next reload */
    assert_int_equal(rename(away, path), 0);
    assert_int_equal(apply(w, "log_level: info", &err), 0);
    assert_non_null(tenants_find(w->tenants, "a"));
    assert_int_equal(tenants_failures(w->tenants, &failures, &n), 0);
    assert_int_equal(n, 0);
    free(failures);
}

static void wrong_key(void **state)
{
    struct world *w = *state;
    struct tenant_failure *failures;
    char from[256], to[256];
    size_t n;
    apply_good(w, "tenants: [{name: a, " LIMITS "}, {name: b, " LIMITS "}]");
    close_world(w);
    (void)snprintf(from, sizeof(from), "%s/tenant-b.key", w->keys);
    (void)snprintf(to, sizeof(to), "%s/tenant-a.key", w->keys);
    assert_int_equal(rename(from, to), 0);
    open_world(w);
    apply_good(w, "log_level: info");
    assert_int_equal(tenants_count(w->tenants), 0);
    assert_int_equal(tenants_failures(w->tenants, &failures, &n), 0);
    assert_int_equal(n, 2);
    assert_string_equal(failures[0].error.code, "store_key");
    assert_string_equal(failures[1].error.code, "key_file");
    free(failures);
}

static void many_are_found(void **state)
{
    struct world *w = *state;
    struct buffer text;
    buffer_init(&text, 65536);
    buffer_append_string(&text, "tenants:\n");
    for (int i = 0; i < 50; i++)
        buffer_printf(&text, "- {name: t%d, " LIMITS "}\n", i);
    buffer_append(&text, "", 1);
    apply_good(w, (const char *)text.data);
    buffer_fini(&text);
    for (int i = 0; i < 50; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "t%d", i);
        struct tenant *t = tenants_find(w->tenants, name);
        assert_non_null(t);
        assert_string_equal(t->name, name);
    }
}

/* What admins do is kept for years: it is bounded a day. */
static void acts_a_day(void **state)
{
    struct world *w = *state;
    int64_t day = 20000 * 86400000ll;
    apply_good(w, "tenants: [{name: a, " LIMITS "}]");
    struct tenant *a = tenants_find(w->tenants, "a");
    for (unsigned i = 0; i < TENANT_ACTS_MAX; i++)
        assert_true(tenant_count_act(a, day + i));
    assert_false(tenant_count_act(a, day + 86399999));
    assert_true(tenant_count_act(a, day + 86400000));
}

/* --- removal --- */

struct draining {
    struct world *w;
    unsigned n;
    bool was_found;
};

static void drain(void *ctx, struct tenant *t)
{
    struct draining *d = ctx;
    d->n++;
    d->was_found = tenants_find(d->w->tenants, t->name) || tenant_hold(t);
}

static void assert_no_trace(struct world *w, const char *name, bool is_there)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/tenant-%s.key", w->keys, name);
    assert_int_equal(access(path, F_OK) == 0, is_there);
    (void)snprintf(path, sizeof(path), "%s/tenants/%s", w->data, name);
    assert_int_equal(access(path, F_OK) == 0, is_there);
}

static void removed_for_good(void **state)
{
    struct world *w = *state;
    struct draining d = {.w = w};
    struct error err = ERROR_INIT;
    struct control_key key = {.name = "k", .grant = {.role = ROLE_READER, .tenant = "b"}};
    memset(key.public_key, 'x', CURVE_KEY_BYTES - 1);
    apply_good(w, "tenants: [{name: a, " LIMITS "}, {name: b, " LIMITS "}, {name: c, " LIMITS "}]");
    assert_int_equal(control_grant(w->control, &key, &err), 0);
    struct tenant *b = tenants_find(w->tenants, "b");
    unsigned index = b->index;
    assert_no_trace(w, "b", true);
    assert_int_equal(tenants_remove(w->tenants, "b", drain, &d, &err), 0);
    assert_int_equal(d.n, 1);
    assert_false(d.was_found);
    assert_false(tenant_hold(b)); /* who still has the pointer gets no store with it */
    assert_string_equal(b->name, "b");
    assert_no_trace(w, "b", false);
    assert_no_trace(w, "a", true);
    assert_int_equal(control_resolve(w->control, key.public_key, &key.grant), -ENOENT);
    assert_null(tenants_at(w->tenants, index));
    assert_non_null(tenants_find(w->tenants, "c"));
    assert_int_equal(tenants_remove(w->tenants, "b", drain, &d, &err), -ENOENT);
    assert_string_equal(err.code, "unknown_tenant");
    /* another takes its place in the tables */
    apply_good(w, "tenants: [{name: a, " LIMITS "}, {name: d, " LIMITS "}]");
    assert_int_equal(tenants_find(w->tenants, "d")->index, index);
    assert_int_equal(tenants_count(w->tenants), 3);
    close_world(w);
    open_world(w);
    apply_good(w, "log_level: info");
    assert_null(tenants_find(w->tenants, "b"));
    assert_non_null(tenants_find(w->tenants, "d"));
}

/* The collector was killed when the removal had begun. */
static void removal_is_ended_at_the_next_start(void **state)
{
    struct world *w = *state;
    struct error err = ERROR_INIT;
    apply_good(w, "tenants: [{name: a, " LIMITS "}, {name: b, " LIMITS "}]");
    assert_int_equal(control_tenant_removing(w->control, "b", &err), 0);
    close_world(w);
    assert_no_trace(w, "b", true);
    open_world(w);
    assert_no_trace(w, "b", false);
    apply_good(w, "log_level: info");
    assert_non_null(tenants_find(w->tenants, "a"));
    assert_null(tenants_find(w->tenants, "b"));
    /* and it may be made again */
    apply_good(w, "tenants: [{name: b, " LIMITS "}]");
    assert_non_null(tenants_find(w->tenants, "b"));
}

static void many_come_and_go(void **state)
{
    struct world *w = *state;
    struct draining d = {.w = w};
    struct error err = ERROR_INIT;
    apply_good(w, "tenants: [{name: stays, " LIMITS "}]");
    for (int i = 0; i < 60; i++) {
        char text[96], name[16];
        (void)snprintf(name, sizeof(name), "t%d", i % 3);
        (void)snprintf(text, sizeof(text), "tenants: [{name: %s, " LIMITS "}]", name);
        apply_good(w, text);
        assert_non_null(tenants_find(w->tenants, name));
        assert_int_equal(tenants_remove(w->tenants, name, drain, &d, &err), 0);
        assert_null(tenants_find(w->tenants, name));
    }
    assert_non_null(tenants_find(w->tenants, "stays"));
    assert_int_equal(tenants_count(w->tenants), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_and_kept, make_world, remove_world),
        cmocka_unit_test_setup_teardown(settings_change, make_world, remove_world),
        cmocka_unit_test_setup_teardown(all_or_nothing, make_world, remove_world),
        cmocka_unit_test_setup_teardown(lost_key, make_world, remove_world),
        cmocka_unit_test_setup_teardown(wrong_key, make_world, remove_world),
        cmocka_unit_test_setup_teardown(many_are_found, make_world, remove_world),
        cmocka_unit_test_setup_teardown(acts_a_day, make_world, remove_world),
        cmocka_unit_test_setup_teardown(removed_for_good, make_world, remove_world),
        cmocka_unit_test_setup_teardown(removal_is_ended_at_the_next_start, make_world, remove_world),
        cmocka_unit_test_setup_teardown(many_come_and_go, make_world, remove_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
