/* tendon: what an operator or a vendor does, from a terminal or a script. */
#include "tools/help.h"
#include "tools/option.h"
#include "tools/output.h"
#include "tools/session.h"
#include "tools/terminal.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    struct invocation invocation;
    /* Only for the width of characters: what is read and written does not change with the locale. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    if (invocation_read(&invocation, argc, argv, &err) < 0)
        return error_print(&err);
    if (invocation_has(&invocation, "version")) {
        (void)printf("tendon %s\n", TENDON_VERSION);
        return output_finish(0);
    }
    if (invocation_has(&invocation, "help")) {
        unsigned width = terminal_width(STDOUT_FILENO);
        if (invocation.command) {
            help_command(stdout, invocation.command, width);
        } else {
            const char *word = NULL;
            for (int i = 1; i < argc && !word; i++)
                word = command_is_group(argv[i]) ? argv[i] : NULL;
            help_commands(stdout, word, width);
        }
        return output_finish(0);
    }
    if (!invocation.command) {
        help_commands(stderr, NULL, terminal_width(STDERR_FILENO));
        return TENDON_EXIT_USAGE;
    }
    return invocation.command->run(&invocation);
}
