/* Completion scripts for shells and the commands' part of the man page, all from the commands' tables. */
#ifndef TENDON_TOOLS_COMPLETION_H
#define TENDON_TOOLS_COMPLETION_H

#include <stdio.h>

void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);
/* The sections COMMANDS, OPTIONS and EXIT STATUS of tendon(1), as scdoc source. */
void completion_man(FILE *out);

#endif
