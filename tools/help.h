/* Help for people, from the commands' tables. */
#ifndef TENDON_TOOLS_HELP_H
#define TENDON_TOOLS_HELP_H

#include "tools/command.h"

#include <stdio.h>

/* All commands with a line each; with a group ("tenant"), those of it. */
void help_commands(FILE *out, const char *group, unsigned width);
/* One command, whole. */
void help_command(FILE *out, const struct command *command, unsigned width);
/* "query METRIC[,…] [OPTION]…" */
void help_synopsis(FILE *out, const struct command *command);

#endif
