#include "plugins/host/conform/conform.h"

#include "core/base/instant.h"
#include "plugins/host/drive.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_S 120 /* a test may take */

static const struct conform_test *const GROUPS[] = {CONFORM_LOAD, CONFORM_CONFIG, CONFORM_LIFE,
                                                    CONFORM_SOURCE};
#define N_GROUPS (sizeof(GROUPS) / sizeof(*GROUPS))

static const char *const VERDICTS[] = {"passed", "failed", "skipped"};

enum verdict conform_fail(struct conform *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(c->message, sizeof(c->message), format, args);
    va_end(args);
    return VERDICT_FAILED;
}

enum verdict conform_skip(struct conform *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(c->message, sizeof(c->message), format, args);
    va_end(args);
    return VERDICT_SKIPPED;
}

void conform_prefix(struct conform *c, const char *format, ...)
{
    char where[256], what[sizeof(c->message)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(where, sizeof(where), format, args);
    va_end(args);
    memcpy(what, c->message, sizeof(what));
    (void)snprintf(c->message, sizeof(c->message), "%s: %.380s", where, what);
}

/* SplitMix64: any seed will do. */
uint64_t conform_random(struct conform *c, uint64_t below)
{
    uint64_t z = (c->chance += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return below ? (z ^ (z >> 31)) % below : 0;
}

bool conform_has_type(const struct conform *c, const char *type)
{
    size_t i;
    json_t *option;
    json_array_foreach(json_object_get(c->description, "options"), i, option)
    {
        const char *is = json_string_value(json_object_get(option, "type"));
        if (is && strcmp(is, type) == 0)
            return true;
    }
    return false;
}

/* --- a test in its process -------------------------------------------------------------------------------
 */

static void run_here(struct conform *c, const struct conform_test *test, int out)
{
    enum verdict verdict;
    (void)alarm(TEST_S);
    if (!c->description && test->works)
        verdict = conform_skip(c, "the plugin cannot be loaded");
    else if (test->works && !c->can_work)
        verdict = conform_skip(c, "needs --options: the plugin has options that are required");
    else
        verdict = test->run(c);
    if (verdict == VERDICT_PASSED)
        c->message[0] = '\0';
    uint8_t byte = (uint8_t)verdict;
    size_t n = strlen(c->message);
    bool is_written = write(out, &byte, 1) == 1 && (n == 0 || write(out, c->message, n) == (ssize_t)n);
    /* What the sanitizers' exit functions would do has nothing to do with the plugin. */
    _exit(is_written ? 0 : 1);
}

static enum verdict collect(struct conform *c, pid_t pid, int in)
{
    char text[sizeof(c->message) + 1];
    size_t n = 0;
    int status = 0;
    for (ssize_t got; n < sizeof(text) - 1 && (got = read(in, text + n, sizeof(text) - 1 - n)) != 0;)
        if (got > 0)
            n += (size_t)got;
        else if (errno != EINTR)
            break;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    text[n] = '\0';
    if (n > 0 && (uint8_t)text[0] <= VERDICT_SKIPPED) {
        (void)snprintf(c->message, sizeof(c->message), "%s", text + 1);
        return (enum verdict)text[0];
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return conform_fail(c, "the test did not end within %d s", TEST_S);
    return conform_fail(c, "the test's own process ended, with status %d", status);
}

static void print(const json_t *line)
{
    (void)json_dumpf(line, stdout, JSON_COMPACT);
    (void)putchar('\n');
    (void)fflush(stdout);
}

static enum verdict run_test(struct conform *c, const struct conform_test *test, uint64_t seed)
{
    int ends[2];
    int64_t began = instant_monotonic_ms();
    enum verdict verdict = VERDICT_FAILED;
    c->message[0] = '\0';
    c->chance = seed;
    (void)fflush(stdout);
    pid_t pid = pipe(ends) < 0 ? -1 : fork();
    if (pid == 0) {
        (void)close(ends[0]);
        run_here(c, test, ends[1]);
    }
    if (pid > 0) {
        (void)close(ends[1]);
        verdict = collect(c, pid, ends[0]);
        (void)close(ends[0]);
    } else {
        (void)conform_fail(c, "no process could be started for the test");
    }
    json_t *line = json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "name", test->name, "verdict", VERDICTS[verdict],
                             "message", c->message, "why", test->why, "seed", (json_int_t)seed, "ms",
                             (json_int_t)(instant_monotonic_ms() - began));
    if (!line) /* a message that is no UTF-8 */
        line = json_pack("{s:s,s:s,s:s,s:s,s:I,s:i}", "name", test->name, "verdict", VERDICTS[verdict],
                         "message", "(a text that is not UTF-8)", "why", test->why, "seed", (json_int_t)seed,
                         "ms", 0);
    print(line);
    json_decref(line);
    return verdict;
}

/* --- all of them -----------------------------------------------------------------------------------------
 */

static bool is_wanted(const json_t *only, const char *name)
{
    size_t i;
    json_t *wanted;
    json_array_foreach((json_t *)only, i, wanted)
    {
        if (json_is_string(wanted) && strcmp(json_string_value(wanted), name) == 0)
            return true;
    }
    return json_array_size(only) == 0;
}

static const struct conform_test *find(const char *name)
{
    for (size_t g = 0; g < N_GROUPS; g++)
        for (const struct conform_test *test = GROUPS[g]; test->name; test++)
            if (strcmp(test->name, name) == 0)
                return test;
    return NULL;
}

static int check_only(const json_t *only, struct error *err)
{
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)only, i, name)
    {
        if (!json_is_string(name) || !find(json_string_value(name)))
            return error_set(err, -EINVAL, "usage", "no test is called %s",
                             json_is_string(name) ? json_string_value(name) : "so");
    }
    return 0;
}

static bool has_required(const struct conform *c)
{
    size_t i;
    json_t *option;
    json_array_foreach(json_object_get(c->description, "options"), i, option)
    {
        if (json_is_true(json_object_get(option, "required")) &&
            !json_object_get(c->options, json_string_value(json_object_get(option, "name"))))
            return false;
    }
    return true;
}

static int read_job(struct conform *c, json_t *job, json_t **ret_only, uint64_t *ret_seed, struct error *err)
{
    const char *folder = NULL;
    json_int_t seed = -1;
    json_t *options = NULL;
    *ret_only = NULL;
    if (!job || json_unpack(job, "{s?o,s?s,s?s,s?o,s?I}", "options", &options, "folder", &folder, "replay",
                            &c->replay, "only", ret_only, "seed", &seed) < 0)
        return error_set(err, -EINVAL, "usage", "standard input is no JSON object of options, folder, …");
    c->options = json_is_object(options) ? json_incref(options) : json_object();
    struct instance instance = {.path = c->plugin};
    struct error why = ERROR_INIT;
    if (instance_describe(&instance, &c->description, &why) < 0)
        c->description = NULL;
    else if (folder)
        drive_resolve(c->description, c->options, folder);
    c->can_work = c->description && has_required(c);
    if (seed >= 0)
        *ret_seed = (uint64_t)seed;
    else if (getrandom(ret_seed, sizeof(*ret_seed), 0) != sizeof(*ret_seed))
        *ret_seed = (uint64_t)instant_now();
    *ret_seed &= 0x7fffffff;
    return check_only(*ret_only, err);
}

int conform_main(const char *plugin, struct error *err)
{
    struct conform c = {.plugin = plugin};
    json_t *only, *job = json_loadf(stdin, JSON_REJECT_DUPLICATES, NULL);
    uint64_t seed;
    unsigned n = 0, n_failed = 0;
    /* What is given back counts as given back at once: the tests measure the heap of the plugin's process. */
    (void)setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0", 1);
    int r = read_job(&c, job, &only, &seed, err);
    if (r == 0 && c.replay) {
        struct tape *tape;
        r = tape_replay(c.replay, &tape, err);
        if (r == 0)
            tape_free(tape);
    }
    for (size_t g = 0; r == 0 && g < N_GROUPS; g++)
        for (const struct conform_test *test = GROUPS[g]; test->name; test++)
            n += is_wanted(only, test->name);
    if (r == 0) {
        json_t *head = json_pack("{s:I,s:I}", "seed", (json_int_t)seed, "tests", (json_int_t)n);
        print(head);
        json_decref(head);
    }
    for (size_t g = 0; r == 0 && g < N_GROUPS; g++)
        for (const struct conform_test *test = GROUPS[g]; test->name; test++)
            if (is_wanted(only, test->name))
                n_failed += run_test(&c, test, seed) == VERDICT_FAILED;
    json_decref(c.description);
    json_decref(c.options);
    json_decref(job);
    return r < 0 ? r : n_failed > 0;
}
