/* Completion scripts for shells and the commands' part of the man page, all from the commands' tables. */
#ifndef TENDON_TOOLS_COMPLETION_H
#define TENDON_TOOLS_COMPLETION_H

#include "tools/command.h"

#include <stdio.h>

void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);
/* scdoc source: of the sections COMMANDS, OPTIONS and EXIT STATUS of tendon(1); with a command, of its
 * DESCRIPTION for a page of its own. */
void completion_man(FILE *out, const struct command *only);
/* The section COMMANDS of a page of its own for the commands of a group ("benchmark"). */
void completion_man_group(FILE *out, const char *word);

#endif
