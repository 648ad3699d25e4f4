#include "tools/completion.h"
#include "tools/option.h"
#include "tools/output.h"
#include "tools/session.h"

#include <stdio.h>
#include <string.h>

static int completion_run(const struct invocation *invocation)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } FORMS[] = {{"bash", completion_bash},
                 {"fish", completion_fish},
                 {"man", completion_man},
                 {"zsh", completion_zsh}};
    const char *name = invocation_argument(invocation, 0);
    for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++)
        if (strcmp(FORMS[i].name, name) == 0) {
            FORMS[i].write(stdout);
            return output_finish(0);
        }
    struct error err = ERROR_INIT;
    error_set(&err, -EINVAL, "usage", "there is no completion for \"%.64s\"", name);
    error_hint(&err, "there are bash, fish and zsh");
    return error_print(&err);
}

static const struct argument ARGUMENTS[] = {
    {"SHELL", .help = "bash, zsh or fish; man: this program's part of its man page"},
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
