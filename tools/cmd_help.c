#include "tools/help.h"
#include "tools/option.h"
#include "tools/output.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <unistd.h>

static int help_run(const struct invocation *invocation)
{
    unsigned width = terminal_width(STDOUT_FILENO);
    const char *first = invocation_argument(invocation, 0), *second = invocation_argument(invocation, 1);
    char *words[] = {(char *)first, (char *)second};
    size_t named = 0, n = invocation->n_arguments;
    const struct command *command = n > 0 ? command_find(words, n < 2 ? n : 2, &named) : NULL;
    if (command && named >= n) {
        help_command(stdout, command, width);
    } else if (n == 0) {
        help_commands(stdout, NULL, width);
    } else if (n == 1 && command_is_group(first)) {
        help_commands(stdout, first, width);
    } else {
        /* The reader of command lines knows the nearest name. */
        char *argv[] = {(char *)"tendon", (char *)first, (char *)second, NULL};
        struct invocation wrong;
        struct error err = ERROR_INIT;
        if (invocation_read(&wrong, n < 2 ? 2 : 3, argv, &err) == 0)
            error_set(&err, -EINVAL, "usage", "there is no help on that");
        return error_print(&err);
    }
    return output_finish(0);
}

static const struct argument ARGUMENTS[] = {
    {"COMMAND", .optional = true, .many = true, NAMES_COMMAND, "the command to explain, of one word or two"},
    {NULL},
};

const struct command CMD_HELP = {
    .name = "help",
    .summary = "explain a command, or list them all",
    .arguments = ARGUMENTS,
    .examples = "  tendon help query\n  tendon help site import\n",
    .run = help_run,
};
