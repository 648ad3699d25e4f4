/* The commands for those who make plugins: tendon plugin new, try and check. They need no collector. */
#include "core/base/quantity.h"
#include "tools/conformance.h"
#include "tools/host_program.h"
#include "tools/output.h"
#include "tools/session.h"
#include "tools/skeleton.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int plugin_new_run(const struct invocation *invocation)
{
    struct error err = ERROR_INIT;
    const char *name = invocation_argument(invocation, 0), *kind = invocation_value(invocation, "kind");
    const char *folder = invocation_value(invocation, "folder");
    if (!skeleton_name_valid(name)) {
        error_set(&err, -EINVAL, "usage", "a plugin cannot be called %.64s", name);
        error_hint(
            &err,
            "a name has lower case letters, digits and dashes, begins with a letter and has at most 32");
        return error_print(&err);
    }
    kind = kind ? kind : "file";
    folder = folder ? folder : name;
    if (skeleton_write(folder, name, kind, &err) < 0)
        return error_print(&err);
    (void)printf("%s holds a plugin of the kind %s that works; what it reads is yours to change:\n"
                 "    %s/%s.c\n"
                 "    cd %s && meson setup build && meson test -C build\n",
                 folder, kind, folder, name, folder);
    return output_finish(0);
}

/* --- try --------------------------------------------------------------------------------------------------
 */

struct expectation {
    FILE *expected; /* NULL: what comes is printed */
    unsigned long line;
    int is_met;
};

/* The next event that is expected; *ret NULL at the end. False: it is none. */
static int next_expected(struct expectation *e, json_t **ret)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t n;
    *ret = NULL;
    while ((n = getline(&text, &room, e->expected)) >= 0) {
        e->line++;
        if (strspn(text, " \t\r\n") == (size_t)n)
            continue;
        *ret = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
        break;
    }
    free(text);
    return n < 0 || *ret;
}

static int take_event(void *ctx, char *text)
{
    struct expectation *e = ctx;
    if (!e->expected)
        return puts(text) == EOF;
    json_t *expected, *got = json_loads(text, 0, NULL);
    e->is_met = next_expected(e, &expected) && expected && json_equal(expected, got);
    if (!e->is_met) {
        char *wanted = expected ? json_dumps(expected, JSON_COMPACT) : NULL;
        (void)fprintf(stderr,
                      "tendon: line %lu of what is expected is not what the plugin gives\n  expected: %s\n  "
                      "given:    %s\n",
                      e->line, wanted ? wanted : "no further event", text);
        free(wanted);
    }
    json_decref(expected);
    json_decref(got);
    return !e->is_met;
}

static int plugin_try_run(const struct invocation *invocation)
{
    struct error err = ERROR_INIT;
    const char *expected = invocation_value(invocation, "expect"),
               *record = invocation_value(invocation, "record");
    struct expectation e = {.is_met = 1};
    json_t *job = NULL, *more;
    int status = 0;
    int64_t for_ms = 0;
    if (record && invocation_has(invocation, "replay")) {
        error_set(&err, -EINVAL, "usage", "either --record or --replay, not both");
        return error_print(&err);
    }
    if (expected && !(e.expected = fopen(expected, "re"))) {
        error_set(&err, -errno, "usage", "cannot read %s: %s", expected, strerror(errno));
        return error_print(&err);
    }
    int r = host_program_job(invocation, &job, &err);
    if (r == 0 && record)
        (void)json_object_set_new(job, "record", json_string(record));
    const char *span = invocation_value(invocation, "for");
    if (r == 0 && span && quantity_ms(span, &for_ms) < 0)
        r = error_set(&err, -EINVAL, "usage", "--for takes a time such as 30s or 5m");
    if (r == 0 && span)
        (void)json_object_set_new(job, "for_ms", json_integer(for_ms));
    if (r == 0 && invocation_has(invocation, "cursor"))
        (void)json_object_set_new(job, "cursor", json_string(invocation_value(invocation, "cursor")));
    if (r == 0)
        r = host_program_run(invocation, "--try", invocation_argument(invocation, 0), job, take_event, &e,
                             &status, &err);
    json_decref(job);
    bool is_done = r == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (is_done && e.expected && (!next_expected(&e, &more) || more)) {
        (void)fprintf(stderr, "tendon: line %lu of what is expected did not come\n", e.line);
        json_decref(more);
        e.is_met = 0;
    }
    if (e.expected)
        (void)fclose(e.expected);
    if (r < 0)
        return error_print(&err);
    return output_finish(is_done && e.is_met ? 0 : TENDON_EXIT_FAILED);
}

/* --- tables -----------------------------------------------------------------------------------------------
 */

static const struct argument NEW_ARGUMENTS[] = {
    {"NAME", .help = "what the plugin is called: lower case letters, digits and dashes"},
    {NULL},
};

static const struct argument FILE_ARGUMENTS[] = {
    {"PLUGIN.so", .names = NAMES_FILE, .help = "the shared object"},
    {NULL},
};

static const struct option NEW_OPTIONS[] = {
    {"kind", 0, OPTION_VALUE, "KIND", SKELETON_KINDS, NAMES_NOTHING,
     "what it reads: files, a server that it asks, or requests that are sent to it; default file"},
    {"folder", 0, OPTION_VALUE, "FOLDER", NULL, NAMES_FILE, "where it is written; default NAME"},
    {NULL},
};

#define GIVEN_OPTIONS                                                                                        \
    {"options",                                                                                              \
     0,                                                                                                      \
     OPTION_VALUE,                                                                                           \
     "FILE",                                                                                                 \
     NULL,                                                                                                   \
     NAMES_FILE,                                                                                             \
     "the plugin's options, a JSON object; relative paths in it begin where the file is"},                   \
        {"replay",                                                                                           \
         0,                                                                                                  \
         OPTION_VALUE,                                                                                       \
         "FILE",                                                                                             \
         NULL,                                                                                               \
         NAMES_FILE,                                                                                         \
         "what servers say and what is sent to the plugin comes from this recording"},                       \
        HOST_OPTION

static const struct option TRY_OPTIONS[] = {
    GIVEN_OPTIONS,
    {"record", 0, OPTION_VALUE, "FILE", NULL, NAMES_FILE,
     "keeps what servers say and what is sent to the plugin, without secrets"},
    {"expect", 0, OPTION_VALUE, "FILE", NULL, NAMES_FILE,
     "the events that must come, one a line as JSON; nothing is printed, and 1 returned where others come"},
    {"for", 0, OPTION_VALUE, "TIME", NULL, NAMES_NOTHING,
     "go on for so long, whether there is anything or not: 30s, 5m; for sources that send"},
    {"cursor", 0, OPTION_VALUE, "BASE64", NULL, NAMES_NOTHING, "where to go on, as a run before printed it"},
    {NULL},
};

static const struct option CHECK_OPTIONS[] = {
    GIVEN_OPTIONS,
    {"only", 0, OPTION_MANY, "TEST", NULL, NAMES_NOTHING, "run only this test; may be given again"},
    {"seed", 0, OPTION_VALUE, "N", NULL, NAMES_NOTHING,
     "seed of everything random, as a run before printed it; default another each time"},
    {"output", 'o', OPTION_VALUE, "FORM", CONFORMANCE_FORMS, NAMES_NOTHING,
     "form of the answer; without it a table on a terminal, tsv elsewhere"},
    {NULL},
};

const struct command CMD_PLUGIN_CHECK = {
    .name = "plugin check",
    .summary = "test a plugin against the contract of tendon-plugin(3)",
    .description =
        "Each test runs in a process of its own and says why it matters when it fails. Without --options the "
        "tests that need the plugin at work are left out where it has options that are required. What a "
        "plugin "
        "is to read must be there: files under the options, answers in --replay.",
    .options = CHECK_OPTIONS,
    .arguments = FILE_ARGUMENTS,
    .examples = "  tendon plugin check build/acme.so --options test/options.json\n"
                "  # one test again, as it went\n"
                "  tendon plugin check build/acme.so --options test/options.json --only resume --seed 7\n",
    .run = conformance_run,
};

const struct command CMD_PLUGIN_NEW = {
    .name = "plugin new",
    .summary = "write the skeleton of a plugin: it builds, runs and is tested",
    .options = NEW_OPTIONS,
    .arguments = NEW_ARGUMENTS,
    .examples = "  tendon plugin new acme --kind http\n",
    .run = plugin_new_run,
};

const struct command CMD_PLUGIN_TRY = {
    .name = "plugin try",
    .summary = "run a plugin once without a collector and print its events",
    .description =
        "One event a line as JSON, until the plugin has nothing more for now. What it says, what a "
        "collector would reject and the cursor go to standard error.",
    .options = TRY_OPTIONS,
    .arguments = FILE_ARGUMENTS,
    .examples = "  tendon plugin try build/acme.so --options options.json --record tape.ndjson\n"
                "  tendon plugin try build/acme.so --options options.json --replay tape.ndjson --expect "
                "events.ndjson\n",
    .run = plugin_try_run,
};
