/* The program tendon-plugin-host, where a command needs it: it alone loads plugins. */
#ifndef TENDON_TOOLS_HOST_PROGRAM_H
#define TENDON_TOOLS_HOST_PROGRAM_H

#include "core/base/error.h"
#include "tools/option.h"

#include <jansson.h>
#include <stdio.h>

#define HOST_OPTION                                                                                          \
    {                                                                                                        \
        "host", 0, OPTION_VALUE, "FILE", NULL, NAMES_FILE,                                                   \
            "the program tendon-plugin-host; default $TENDON_PLUGIN_HOST, else beside tendon or where it "   \
            "was installed"                                                                                  \
    }

/* Runs it with two arguments and a document on its standard input. For each line of its standard output line
 * is called, without the line end; what it returns but 0 ends it. *ret_status is that of waitpid. */
int host_program_run(const struct invocation *invocation, const char *command, const char *plugin,
                     const json_t *input, int (*line)(void *ctx, char *text), void *ctx, int *ret_status,
                     struct error *err);

/* {options, folder, record, replay} of a command that has --options, --record and --replay, each where given.
 * Code usage. */
int host_program_job(const struct invocation *invocation, json_t **ret, struct error *err);

#endif
