/* The supervisor with a host that is a shell script, told by its options what to do; and what becomes of an
 * instance by how its process ends, without processes. */
#include "core/supervise/channel.h"
#include "core/supervise/process.h"
#include "core/supervise/slot.h"
#include "core/supervise/supervise.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char SCRIPT[] =
    "#!/bin/bash\n"
    "case \"$1\" in\n"
    "  --describe) case \"$2\" in *good*) echo '{\"id\": \"x\"}';; *hang*) exec sleep 60;;\n"
    "    *) printf 'tendon-plugin-host: it is broken\\n  mend it\\n' >&2; exit 1;; esac; exit;;\n"
    "  --check) read -r line; [ \"$line\" = '{\"a\":1}' ] && exit 0; echo \"got $line\" >&2; exit 1;;\n"
    "esac\n"
    "config=$(cat <&3)\n"
    "say() { printf '{\"state\":\"%s\",\"message\":\"%s\",\"skipped\":3}' \"$1\" \"$2\" >&4; }\n"
    "case \"$config\" in\n"
    "  *do-run*) trap 'exit 0' TERM; say running ''; while :; do sleep 0.05; done;;\n"
    "  *do-stay*) trap '' TERM; say running ''; while :; do sleep 0.05; done;;\n"
    "  *do-config*) say failed_config 'the path is wrong'; exit 78;;\n"
    "  *do-end*) say ended ''; exit 0;;\n"
    "  *do-crash*) say crashed 'it was killed'; exit 70;;\n"
    "esac\n"
    "exit 64\n";

static char folder[] = "/tmp/tendon-supervisor-XXXXXX";
static char host[128], plugin[128];

static int set_up(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(host, sizeof(host), "%s/host", folder);
    (void)snprintf(plugin, sizeof(plugin), "%s/good.so", folder);
    FILE *f = fopen(host, "we"), *p = fopen(plugin, "we");
    if (!f || !p || fputs(SCRIPT, f) < 0 || fputs("one", p) < 0)
        return -1;
    return fclose(f) || fclose(p) || chmod(host, 0700);
}

static int tear_down(void **state)
{
    (void)unlink(host);
    (void)unlink(plugin);
    return rmdir(folder);
}

static struct supervise_instance instance(const char *source, const char *what)
{
    struct supervise_instance i = {
        .plugin = "good", .path = plugin, .options = json_pack("{s:s}", "what", what)};
    i.grant.role = ROLE_SOURCE;
    (void)snprintf(i.grant.tenant, sizeof(i.grant.tenant), "riverbend");
    (void)snprintf(i.grant.source, sizeof(i.grant.source), "%s", source);
    return i;
}

static struct supervisor *start(uint32_t grace_ms)
{
    struct supervisor *s;
    struct supervisor_options options = {.host = host, .connect = "ipc:///nowhere", .grace_ms = grace_ms};
    assert_int_equal(supervisor_new(&options, &s, NULL), 0);
    return s;
}

static void apply(struct supervisor *s, struct supervise_instance *instances, size_t n)
{
    struct error err = ERROR_INIT;
    assert_int_equal(supervisor_apply(s, instances, n, &err), 0);
    for (size_t i = 0; i < n; i++)
        json_decref(instances[i].options);
}

/* The status of one source; NULL when there is none. */
static json_t *status_of(struct supervisor *s, const char *source)
{
    json_t *list = supervisor_status(s), *found = NULL, *entry;
    size_t i;
    json_array_foreach(list, i, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "source")), source) == 0)
            found = json_incref(entry);
    }
    json_decref(list);
    return found;
}

static json_t *wait_state(struct supervisor *s, const char *source, const char *state)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    for (int i = 0; i < 1500; i++) {
        json_t *entry = status_of(s, source);
        const char *is = json_string_value(json_object_get(entry, "state"));
        if (is ? strcmp(is, state) == 0 : !*state)
            return entry;
        json_decref(entry);
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("%s did not become %s", source, state);
    return NULL;
}

static pid_t pid_of(const json_t *entry)
{
    return (pid_t)json_integer_value(json_object_get(entry, "pid"));
}

static void test_starts_resolves_and_stops(void **state)
{
    struct supervisor *s = start(0);
    struct supervise_instance list[] = {instance("a", "do-run"), instance("b", "do-run")};
    apply(s, list, 2);
    json_t *a = wait_state(s, "a", "running"), *b = wait_state(s, "b", "running");
    struct grant grant;
    assert_int_equal(supervisor_resolve(s, pid_of(a), &grant), 0);
    assert_string_equal(grant.source, "a");
    assert_int_equal(grant.role, ROLE_SOURCE);
    assert_int_equal(supervisor_resolve(s, pid_of(b), &grant), 0);
    assert_string_equal(grant.source, "b");
    assert_int_equal(supervisor_resolve(s, getpid(), &grant), -ENOENT);
    assert_int_equal(supervisor_resolve(s, 0, &grant), -ENOENT);
    assert_int_equal(json_integer_value(json_object_get(a, "skipped")), 3);

    /* b goes, a stays as it is, and b's pid is nobody's any more. */
    struct supervise_instance rest[] = {instance("a", "do-run")};
    apply(s, rest, 1);
    json_decref(wait_state(s, "b", ""));
    assert_int_equal(supervisor_resolve(s, pid_of(b), &grant), -ENOENT);
    assert_int_equal(kill(pid_of(b), 0), -1);
    json_t *still = wait_state(s, "a", "running");
    assert_int_equal(pid_of(still), pid_of(a));
    json_decref(still);
    supervisor_free(s);
    assert_int_equal(kill(pid_of(a), 0), -1);
    json_decref(a);
    json_decref(b);
}

static void test_what_changed_is_restarted(void **state)
{
    struct supervisor *s = start(0);
    struct supervise_instance list[] = {instance("a", "do-run")};
    apply(s, list, 1);
    json_t *before = wait_state(s, "a", "running");
    struct supervise_instance changed[] = {instance("a", "do-config")};
    apply(s, changed, 1);
    json_t *failed = wait_state(s, "a", "failed_config");
    assert_string_equal(json_string_value(json_object_get(failed, "message")), "the path is wrong");
    assert_true(json_is_null(json_object_get(failed, "pid")));
    /* The same again: what waits for a change is tried once more. */
    int64_t restarts = json_integer_value(json_object_get(failed, "restarts"));
    struct supervise_instance same[] = {instance("a", "do-config")};
    apply(s, same, 1);
    const struct timespec pause = {.tv_nsec = 300000000};
    (void)nanosleep(&pause, NULL);
    json_t *again = wait_state(s, "a", "failed_config");
    assert_int_equal(json_integer_value(json_object_get(again, "restarts")), restarts + 1);
    /* Removed and put back while it stops: one process, the new one. */
    struct supervise_instance back[] = {instance("a", "do-run")};
    apply(s, NULL, 0);
    apply(s, back, 1);
    json_decref(wait_state(s, "a", "running"));
    supervisor_free(s);
    json_decref(before);
    json_decref(failed);
    json_decref(again);
}

static void test_replace(void **state)
{
    struct supervisor *s = start(0);
    struct supervise_instance list[] = {instance("a", "do-run"), instance("b", "do-run")};
    struct error err = ERROR_INIT;
    apply(s, list, 2);
    json_t *a = wait_state(s, "a", "running"), *b = wait_state(s, "b", "running");
    /* The same again is another process, of this one only. */
    struct supervise_instance same = instance("a", "do-run"), nobody = instance("c", "do-run");
    assert_int_equal(supervisor_replace(s, &same, &err), 0);
    json_t *still = wait_state(s, "b", "running"), *fresh = NULL;
    const struct timespec pause = {.tv_nsec = 10000000};
    for (int i = 0; i < 1500; i++) {
        json_decref(fresh);
        fresh = status_of(s, "a");
        if (json_integer_value(json_object_get(fresh, "restarts")) == 1 &&
            strcmp(json_string_value(json_object_get(fresh, "state")), "running") == 0)
            break;
        (void)nanosleep(&pause, NULL);
    }
    assert_int_not_equal(pid_of(fresh), pid_of(a));
    assert_int_equal(kill(pid_of(a), 0), -1);
    assert_int_equal(pid_of(still), pid_of(b));
    assert_int_equal(supervisor_replace(s, &nobody, &err), -ENOENT);
    assert_string_equal(err.code, "unknown_source");
    json_decref(same.options);
    json_decref(nobody.options);
    supervisor_free(s);
    json_decref(a);
    json_decref(b);
    json_decref(still);
    json_decref(fresh);
}

static void test_who_does_not_stop_is_killed(void **state)
{
    struct supervisor *s = start(200);
    struct supervise_instance list[] = {instance("a", "do-stay")};
    apply(s, list, 1);
    json_t *entry = wait_state(s, "a", "running");
    supervisor_free(s);
    assert_int_equal(kill(pid_of(entry), 0), -1);
    json_decref(entry);
}

static void test_who_is_silent_is_killed(void **state)
{
    struct supervisor *s;
    struct supervisor_options options = {.host = host, .connect = "ipc:///nowhere", .silent_ms = 2000};
    assert_int_equal(supervisor_new(&options, &s, NULL), 0);
    /* It says once that it runs, and nothing after that. */
    struct supervise_instance list[] = {instance("a", "do-run")};
    apply(s, list, 1);
    json_t *running = wait_state(s, "a", "running"), *entry = wait_state(s, "a", "backoff");
    assert_non_null(strstr(json_string_value(json_object_get(entry, "message")), "said nothing for"));
    assert_true(json_integer_value(json_object_get(entry, "crashes")) >= 1);
    assert_int_equal(kill(pid_of(running), 0), -1);
    supervisor_free(s);
    json_decref(running);
    json_decref(entry);
}

static void test_endings(void **state)
{
    struct supervisor *s = start(0);
    struct supervise_instance list[] = {instance("end", "do-end"), instance("crash", "do-crash"),
                                        instance("odd", "do-nothing-known")};
    apply(s, list, 3);
    json_decref(wait_state(s, "end", "ended"));
    json_t *crash = wait_state(s, "crash", "backoff");
    assert_string_equal(json_string_value(json_object_get(crash, "message")), "it was killed");
    assert_int_equal(json_integer_value(json_object_get(crash, "crashes")), 1);
    json_decref(crash);
    json_t *odd = wait_state(s, "odd", "backoff");
    assert_non_null(strstr(json_string_value(json_object_get(odd, "message")), "status 64"));
    json_decref(odd);
    struct error err = ERROR_INIT;
    assert_int_equal(supervisor_release(s, "riverbend", "nobody", &err), -ENOENT);
    assert_string_equal(err.code, "unknown_source");
    assert_int_equal(supervisor_release(s, "riverbend", "end", NULL), 0);
    supervisor_free(s);
}

static void test_apply_is_all_or_nothing(void **state)
{
    struct supervisor *s = start(0);
    struct supervise_instance list[] = {instance("a", "do-run"), instance("a", "do-run")};
    struct error err = ERROR_INIT;
    assert_int_equal(supervisor_apply(s, list, 2, &err), -EINVAL);
    assert_string_equal(err.code, "duplicate_source");
    json_t *status = supervisor_status(s);
    assert_int_equal(json_array_size(status), 0);
    json_decref(status);
    json_decref(list[0].options);
    json_decref(list[1].options);
    supervisor_free(s);
}

static void test_asking(void **state)
{
    struct error err = ERROR_INIT;
    json_t *document;
    assert_int_equal(supervise_describe(host, plugin, NULL, &document, &err), 0);
    assert_string_equal(json_string_value(json_object_get(document, "id")), "x");
    json_decref(document);
    assert_int_equal(supervise_describe(host, "/bad.so", NULL, &document, &err), -EINVAL);
    assert_string_equal(err.message, "it is broken");
    assert_string_equal(err.hint, "mend it");
    assert_int_equal(supervise_describe("/no/such/host", plugin, NULL, &document, &err), -ENOENT);
    json_t *options = json_pack("{s:i}", "a", 1);
    assert_int_equal(supervise_check(host, plugin, NULL, options, &err), 0);
    json_decref(options);
    assert_int_equal(supervise_check(host, plugin, NULL, NULL, &err), -EINVAL);
    assert_string_equal(err.message, "got {}");
    char *text;
    assert_int_equal(process_ask(host, "--describe", "/hang.so", NULL, NULL, 200, 100, &text, &err),
                     -ETIMEDOUT);
}

/* --- what becomes of an instance, without processes --------------------------------------------------------
 */

static struct slot *a_slot(void)
{
    struct supervise_instance i = instance("a", "do-run");
    struct plan plan;
    assert_int_equal(plan_init(&plan, &i), 0);
    json_decref(i.options);
    struct slot *s = slot_new(&plan, SUPERVISE_BACKOFF_MS);
    assert_non_null(s);
    return s;
}

static int exited(int status)
{
    return status << 8;
}

static void test_quarantine(void **state)
{
    struct slot *s = a_slot();
    int64_t now = 1000000, delay = 0;
    for (int i = 1; i <= SUPERVISE_CRASHES; i++) {
        s->started_ms = now;
        slot_take_exit(s, exited(CHANNEL_EXIT_CRASHED), now);
        if (i < SUPERVISE_CRASHES) {
            assert_int_equal(s->state, SLOT_BACKOFF);
            int64_t expected = 1000 << (i - 1);
            delay = s->due_ms - now;
            assert_in_range(delay, expected * 3 / 4, expected * 5 / 4 + 1);
            now = s->due_ms;
        }
    }
    assert_int_equal(s->state, SLOT_QUARANTINED);
    assert_string_equal(s->audit, "plugin.quarantine");
    slot_release(s, now);
    assert_int_equal(s->state, SLOT_STARTING);
    assert_string_equal(s->audit, "plugin.release");
    slot_take_exit(s, exited(CHANNEL_EXIT_CRASHED), now);
    assert_int_equal(s->state, SLOT_BACKOFF);
    slot_free(s);
}

static void test_crashes_far_apart_are_no_quarantine(void **state)
{
    struct slot *s = a_slot();
    int64_t now = 1000000;
    for (int i = 0; i < 50; i++, now += SUPERVISE_CRASHES_MS / (SUPERVISE_CRASHES - 1) + 1) {
        s->started_ms = now - 120000;
        slot_take_exit(s, SIGSEGV, now);
        assert_int_equal(s->state, SLOT_BACKOFF);
        /* It ran well before: the backoff begins anew each time. */
        assert_in_range(s->due_ms - now, 750, 1251);
    }
    assert_int_equal(s->n_crashes, 50);
    slot_free(s);
}

static void test_backoff_has_a_ceiling(void **state)
{
    struct slot *s = a_slot();
    int64_t now = 1000000;
    for (int i = 0; i < 200; i++) {
        s->started_ms = now;
        slot_take_exit(s, exited(CHANNEL_EXIT_AGAIN), now);
        assert_int_equal(s->state, SLOT_BACKOFF);
        assert_in_range(s->due_ms - now, 750, 75001);
    }
    assert_int_equal(s->n_crashes, 0);
    assert_true(s->due_ms - now > 40000);
    slot_free(s);
}

static void test_reports(void **state)
{
    static const char *const BAD[] = {"", "no json", "[]", "{\"state\": 7, \"message\": {}, \"skipped\": -4}",
                                      "{\"state\": \"quarantined\"}"};
    struct slot *s = a_slot();
    for (size_t i = 0; i < sizeof(BAD) / sizeof(*BAD); i++) {
        slot_take_report(s, BAD[i], strlen(BAD[i]));
        assert_int_equal(s->state, SLOT_STARTING);
        assert_int_equal(s->skipped, 0);
    }
    const char report[] =
        "{\"state\": \"retrying\", \"message\": \"no answer\", \"last_skip\": \"bad_time a.csv line 3\"}";
    slot_take_report(s, report, strlen(report));
    assert_int_equal(s->state, SLOT_RETRYING);
    json_t *json = slot_json(s);
    assert_string_equal(json_string_value(json_object_get(json, "message")), "no answer");
    assert_string_equal(json_string_value(json_object_get(json, "last_skip")), "bad_time a.csv line 3");
    json_decref(json);
    slot_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_resolves_and_stops),
        cmocka_unit_test(test_what_changed_is_restarted),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_who_does_not_stop_is_killed),
        cmocka_unit_test(test_who_is_silent_is_killed),
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_apply_is_all_or_nothing),
        cmocka_unit_test(test_asking),
        cmocka_unit_test(test_quarantine),
        cmocka_unit_test(test_crashes_far_apart_are_no_quarantine),
        cmocka_unit_test(test_backoff_has_a_ceiling),
        cmocka_unit_test(test_reports),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
