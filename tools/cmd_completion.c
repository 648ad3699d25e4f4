#include "tools/completion.h"
#include "tools/option.h"
#include "tools/output.h"
#include "tools/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies a page's source; its line @COMMANDS@ becomes all commands, @COMMAND NAME@ that one or
 * those of that group. */
static int man_write(const char *path, struct error *err)
{
    FILE *in = fopen(path, "re");
    char *line = NULL, name[64];
    size_t room = 0, named;
    int r = 0;
    if (!in)
        return error_set(err, -errno, "file", "%s cannot be opened: %s", path, strerror(errno));
    while (r == 0 && getline(&line, &room, in) >= 0) {
        char *words[] = {name};
        if (strcmp(line, "@COMMANDS@\n") == 0) {
            completion_man(stdout, NULL);
        } else if (sscanf(line, "@COMMAND %63[a-z]@", name) == 1) {
            const struct command *only = command_find(words, 1, &named);
            if (only)
                completion_man(stdout, only);
            else if (command_is_group(name))
                completion_man_group(stdout, name);
            else
                r = error_set(err, -EINVAL, "file", "%s: there is no command \"%s\"", path, name);
        } else {
            (void)fputs(line, stdout);
        }
    }
    free(line);
    (void)fclose(in);
    return r;
}

static int completion_run(const struct invocation *invocation)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } SHELLS[] = {{"bash", completion_bash}, {"fish", completion_fish}, {"zsh", completion_zsh}};
    const char *name = invocation_argument(invocation, 0), *page = invocation_argument(invocation, 1);
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < sizeof(SHELLS) / sizeof(SHELLS[0]) && !page; i++)
        if (strcmp(SHELLS[i].name, name) == 0) {
            SHELLS[i].write(stdout);
            return output_finish(0);
        }
    if (strcmp(name, "man") == 0 && page)
        return man_write(page, &err) < 0 ? error_print(&err) : output_finish(0);
    error_set(&err, -EINVAL, "usage", "there is no completion for \"%.64s\"", name);
    error_hint(&err, "there are bash, fish and zsh");
    return error_print(&err);
}

static const struct argument ARGUMENTS[] = {
    {"SHELL", .help = "bash, zsh or fish; man: the source of a man page, filled in"},
    {"PAGE", .optional = true, .names = NAMES_FILE, .help = "man: the page's source"},
    {NULL},
};

const struct command CMD_COMPLETION = {
    .name = "completion",
    .summary = "print the completion script for a shell",
    .arguments = ARGUMENTS,
    .examples = "  source <(tendon completion bash)\n",
    .hidden = true,
    .run = completion_run,
};
