#include "tools/conformance.h"

#include "core/base/quantity.h"
#include "tools/host_program.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/request.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const CONFORMANCE_FORMS[] = {"table", "json", "ndjson", "csv", "tsv", "md", "tap", NULL};

struct conformance {
    json_t *rows;
    json_int_t seed;
    long n_tests;
    unsigned n_failed, n_skipped;
    bool is_tap, has_head;
    unsigned width; /* of the terminal that progress goes to; 0: none */
};

/* One line as TAP has it: the name, why it was left out, or as a comment what is wrong. */
static void print_tap(const struct conformance *c, const json_t *row)
{
    const char *verdict = json_text(row, "verdict"), *message = json_text(row, "message");
    char *clean = text_clean(message), *why = text_clean(json_text(row, "why"));
    bool is_skipped = strcmp(verdict, "skipped") == 0;
    (void)printf("%s %zu - %s%s%s\n", strcmp(verdict, "failed") == 0 ? "not ok" : "ok",
                 json_array_size(c->rows), json_text(row, "name"), is_skipped ? " # SKIP " : "",
                 is_skipped && clean ? clean : "");
    if (strcmp(verdict, "failed") == 0)
        (void)printf("# %s\n# %s\n# seed %" JSON_INTEGER_FORMAT "\n", clean ? clean : "", why ? why : "",
                     c->seed);
    (void)fflush(stdout);
    free(clean);
    free(why);
}

static void show_progress(const struct conformance *c)
{
    if (c->width && (long)json_array_size(c->rows) < c->n_tests)
        (void)fprintf(stderr, "\r\033[Ktest %zu of %ld", json_array_size(c->rows) + 1, c->n_tests);
    else if (c->width)
        (void)fputs("\r\033[K", stderr);
}

static int take_line(void *ctx, char *text)
{
    struct conformance *c = ctx;
    json_t *line = json_loads(text, 0, NULL);
    if (!json_is_object(line)) {
        json_decref(line);
        return -EPROTO;
    }
    if (!c->has_head) {
        c->has_head = true;
        c->seed = json_integer_value(json_object_get(line, "seed"));
        c->n_tests = (long)json_integer_value(json_object_get(line, "tests"));
        if (c->is_tap)
            (void)printf("TAP version 13\n1..%ld\n", c->n_tests);
        json_decref(line);
    } else {
        c->n_failed += strcmp(json_text(line, "verdict"), "failed") == 0;
        c->n_skipped += strcmp(json_text(line, "verdict"), "skipped") == 0;
        (void)json_array_append_new(c->rows, line);
        if (c->is_tap)
            print_tap(c, line);
    }
    show_progress(c);
    return 0;
}

/* For people: what failed, why it matters, and how to see it again. */
static void explain(const struct conformance *c, const char *plugin, const char *options)
{
    size_t i;
    json_t *row;
    json_array_foreach(c->rows, i, row)
    {
        char *message = text_clean(json_text(row, "message")), *why = text_clean(json_text(row, "why"));
        if (strcmp(json_text(row, "verdict"), "failed") == 0 && message && why) {
            unsigned width = terminal_width(STDOUT_FILENO);
            (void)printf("\n%s: ", json_text(row, "name"));
            text_wrap(stdout, message, 2, width);
            (void)printf("  ");
            text_wrap(stdout, why, 2, width);
            (void)printf("  again: tendon plugin check %s%s%s --only %s --seed %" JSON_INTEGER_FORMAT "\n",
                         plugin, options ? " --options " : "", options ? options : "", json_text(row, "name"),
                         c->seed);
        }
        free(message);
        free(why);
    }
    (void)printf("\n%zu passed, %u failed, %u skipped; seed %" JSON_INTEGER_FORMAT "\n",
                 json_array_size(c->rows) - c->n_failed - c->n_skipped, c->n_failed, c->n_skipped, c->seed);
}

static int show(const struct invocation *invocation, struct conformance *c)
{
    static const struct output_column COLUMNS[] = {
        {"name", "test", CELL_TEXT},
        {"verdict", "verdict", CELL_TEXT},
        {"message", "what is wrong", CELL_SENTENCE},
    };
    unsigned width;
    if (c->is_tap)
        return output_finish(0);
    bool is_table = output_form(invocation, &width) == OUTPUT_TABLE;
    int code =
        output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(*COLUMNS), c->rows, "no test was run");
    if (code == 0 && is_table) {
        explain(c, invocation_argument(invocation, 0), invocation_value(invocation, "options"));
        code = output_finish(0);
    }
    return code;
}

int conformance_run(const struct invocation *invocation)
{
    const char *form = invocation_value(invocation, "output"), *seed = invocation_value(invocation, "seed");
    struct conformance c = {
        .rows = json_array(),
        .is_tap = form && strcmp(form, "tap") == 0,
        .width = terminal_width(STDERR_FILENO),
    };
    struct error err = ERROR_INIT;
    json_t *job = NULL;
    int status = 0;
    int64_t number;
    int r = host_program_job(invocation, &job, &err);
    if (r == 0 && seed && quantity_int(seed, 0, INT32_MAX, &number) < 0)
        r = error_set(&err, -EINVAL, "usage", "--seed takes a whole number from 0 to %d", INT32_MAX);
    if (r == 0 && seed)
        (void)json_object_set_new(job, "seed", json_integer(number));
    if (r == 0 && invocation_has(invocation, "only"))
        (void)json_object_set_new(job, "only", request_list(invocation, "only"));
    if (r == 0)
        r = host_program_run(invocation, "--conform", invocation_argument(invocation, 0), job, take_line, &c,
                             &status, &err);
    json_decref(job);
    bool is_done = WIFEXITED(status) && WEXITSTATUS(status) <= 1 && c.has_head;
    int code = r < 0 ? error_print(&err) : is_done ? show(invocation, &c) : TENDON_EXIT_FAILED;
    json_decref(c.rows);
    return code == 0 && c.n_failed ? TENDON_EXIT_FAILED : code;
}
