/* Command lines, right and wrong, and the table of commands itself. */
#include "tools/completion.h"
#include "tools/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE(...)                                                                                            \
    (char *const[])                                                                                          \
    {                                                                                                        \
        "tendon", __VA_ARGS__, NULL                                                                          \
    }

static struct invocation invocation;
static struct error err;

static int line_read(char *const *argv)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    memset(&err, 0, sizeof(err));
    return invocation_read(&invocation, argc, argv, &err);
}

static void assert_wrong(char *const *argv, const char *message, const char *hint)
{
    assert_int_equal(line_read(argv), -EINVAL);
    assert_string_equal(err.code, "usage");
    if (!strstr(err.message, message))
        fail_msg("\"%s\" does not say \"%s\"", err.message, message);
    if (!strstr(err.hint, hint))
        fail_msg("\"%s\" does not say \"%s\"", err.hint, hint);
}

/* As libzmq makes them: one in 85. */
static void a_key_may_begin_with_a_dash(void **state)
{
    (void)state;
    assert_int_equal(
        line_read(LINE("key", "grant", "-Rf=P-I[>g*lpSJ<7(Xj@h?HuDx!2Q.9u>N0?a7s", "--source", "desk")), 0);
    assert_int_equal(invocation.n_arguments, 1);
    assert_wrong(LINE("key", "grant", "-x", "--source", "desk"), "no option -x", "--help");
}

static void commands_of_one_word_and_two(void **state)
{
    (void)state;
    assert_int_equal(line_read(LINE("query", "csat,nps", "--by", "vendor", "--since=90d", "-ojson")), 0);
    assert_string_equal(invocation.command->name, "query");
    assert_int_equal(invocation.n_arguments, 1);
    assert_string_equal(invocation_value(&invocation, "by"), "vendor");
    assert_string_equal(invocation_value(&invocation, "since"), "90d");
    assert_string_equal(invocation_value(&invocation, "output"), "json");
    assert_null(invocation_value(&invocation, "until"));
    assert_int_equal(line_read(LINE("metrics")), 0);
    assert_string_equal(invocation.command->name, "metrics");
    assert_int_equal(line_read(LINE("metrics", "show", "csat")), 0);
    assert_string_equal(invocation.command->name, "metrics show");
    assert_string_equal(invocation_argument(&invocation, 0), "csat");
}

static void common_options_may_come_first(void **state)
{
    (void)state;
    assert_int_equal(line_read(LINE("--connect", "ipc:///x", "tenant", "show", "riverbend")), 0);
    assert_string_equal(invocation.command->name, "tenant show");
    assert_int_equal(line_read(LINE("--connect=ipc:///x", "--timeout", "5s", "query", "csat")), 0);
    assert_string_equal(invocation_value(&invocation, "connect"), "ipc:///x");
    assert_string_equal(invocation_value(&invocation, "timeout"), "5s");
}

static void the_last_value_counts_and_many_are_kept(void **state)
{
    (void)state;
    assert_int_equal(
        line_read(LINE("site", "import", "f", "--key", "a", "--key", "b", "--set", "x=1", "--set", "y=2")),
        0);
    assert_string_equal(invocation_value(&invocation, "key"), "b");
    assert_int_equal(invocation.n_given, 4);
}

static void values_and_dashes(void **state)
{
    (void)state;
    assert_int_equal(line_read(LINE("query", "--where", "-x = 1", "--", "--odd")), 0);
    assert_string_equal(invocation_value(&invocation, "where"), "-x = 1");
    assert_string_equal(invocation_argument(&invocation, 0), "--odd");
    assert_int_equal(line_read(LINE("site", "import", "-", "--key", "a")), 0);
    assert_string_equal(invocation_argument(&invocation, 0), "-");
    assert_wrong(LINE("query", "csat", "--by", "--since", "90d"), "--by needs a value", "");
    assert_wrong(LINE("query", "csat", "--by"), "--by needs a value", "");
    assert_wrong(LINE("query", "csat", "-o"), "--output needs a value", "");
    assert_wrong(LINE("query", "csat", "--chart=yes"), "--chart takes no value", "");
}

static void wrong_names_get_the_nearest(void **state)
{
    (void)state;
    assert_wrong(LINE("qury", "csat"), "no command \"qury\"", "did you mean tendon query?");
    assert_wrong(LINE("tenants"), "no command \"tenants\"", "did you mean tendon tenant?");
    assert_wrong(LINE("tenant"), "tendon tenant needs", "tendon help tenant");
    assert_wrong(LINE("tenant", "lst"), "no command \"tenant lst\"", "did you mean tendon tenant list?");
    assert_wrong(LINE("metrics", "shwo"), "does not know what to do with \"shwo\"",
                 "did you mean tendon metrics show?");
    assert_wrong(LINE("query", "csat", "--sinse", "90d"), "no option --sinse of tendon query",
                 "did you mean --since?");
    assert_wrong(LINE("query", "csat", "--sin", "90d"), "no option --sin", "did you mean --since?");
    assert_wrong(LINE("query", "csat", "-since", "90d"), "no option -s", "did you mean --since?");
    assert_wrong(LINE("query", "csat", "--where", "vendor=\xff"), "--where is not valid UTF-8", "--help");
    assert_wrong(LINE("query", "cs\xff"), "METRIC[.CLOCK][.STAT] is not valid UTF-8", "--help");
    assert_int_equal(line_read(LINE("site", "import", "sites\xff.csv", "--key", "site")),
                     0); /* a file's name */
    assert_wrong(LINE("query", "csat", "-o", "jsn"), "--output cannot be \"jsn\"", "did you mean json?");
    assert_wrong(LINE("query", "csat", "--anchor", "solved"), "created, completed", "");
    assert_wrong(LINE("-o", "json", "query", "csat"), "no option -o", "");
    assert_wrong(LINE("query"), "tendon query needs METRIC", "tendon query --help");
    assert_wrong(LINE("plugin", "show"), "needs PLUGIN", "tendon plugin show --help");
    assert_wrong(LINE("zzzzzz"), "no command", "tendon help");
}

static void help_needs_no_more(void **state)
{
    (void)state;
    assert_int_equal(line_read(LINE("source", "show", "--help")), 0);
    assert_true(invocation_has(&invocation, "help"));
    assert_int_equal(line_read(LINE("-h")), 0);
    assert_null(invocation.command);
}

static void too_much_is_refused(void **state)
{
    char *argv[2 * INVOCATION_MAX + 3];
    (void)state;
    argv[0] = (char *)"tendon";
    argv[1] = (char *)"query";
    for (size_t i = 2; i < 2 * INVOCATION_MAX + 2; i++)
        argv[i] = (char *)"csat";
    argv[2 * INVOCATION_MAX + 2] = NULL;
    assert_wrong(argv, "more than 512 arguments", "");
    for (size_t i = 2; i < 2 * INVOCATION_MAX + 2; i++)
        argv[i] = (char *)"--chart";
    assert_wrong(argv, "more than 512 options", "");
}

static void the_table_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *c = COMMANDS[i];
        assert_true(i == 0 || strcmp(COMMANDS[i - 1]->name, c->name) < 0);
        assert_non_null(c->run);
        assert_non_null(c->summary);
        assert_non_null(c->examples);
        for (const struct option *o = c->options; o && o->name; o++) {
            assert_true(o->kind == OPTION_FLAG || o->metavar);
            assert_non_null(o->help);
            for (const struct option *p = c->options; p < o; p++)
                assert_true(strcmp(p->name, o->name) != 0 && (!p->letter || p->letter != o->letter));
            for (const struct option *p = COMMON_OPTIONS; p->name; p++)
                assert_true(strcmp(p->name, o->name) != 0 && (!p->letter || p->letter != o->letter));
        }
        for (const struct argument *a = c->arguments; a && a->name; a++)
            assert_non_null(a->help);
    }
}

static void man(FILE *out)
{
    completion_man(out, NULL);
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (COMMANDS[i]->own_page)
            completion_man(out, COMMANDS[i]);
}

/* Each generated script and page names every option of every command. */
static void completions_name_everything(void **state)
{
    static void (*const WRITERS[])(FILE *) = {completion_bash, completion_zsh, completion_fish, man};
    (void)state;
    for (size_t w = 0; w < 4; w++) {
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        WRITERS[w](out);
        (void)fclose(out);
        for (size_t i = 0; i < N_COMMANDS; i++) {
            if (COMMANDS[i]->hidden)
                continue;
            const char *last = strrchr(COMMANDS[i]->name, ' ');
            assert_non_null(strstr(text, last ? last + 1 : COMMANDS[i]->name));
            for (const struct option *o = COMMANDS[i]->options; o && o->name; o++)
                if (!strstr(text, o->name))
                    fail_msg("writer %zu does not name --%s", w, o->name);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_of_one_word_and_two),
        cmocka_unit_test(a_key_may_begin_with_a_dash),
        cmocka_unit_test(common_options_may_come_first),
        cmocka_unit_test(the_last_value_counts_and_many_are_kept),
        cmocka_unit_test(values_and_dashes),
        cmocka_unit_test(wrong_names_get_the_nearest),
        cmocka_unit_test(help_needs_no_more),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(completions_name_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
