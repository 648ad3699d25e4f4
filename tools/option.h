/* Reading a command line by a command's tables.
 *
 * Long options as `--name value` or `--name=value`, short ones as `-o value` or `-ovalue`; `--` ends them;
 * options and arguments may be mixed. A name may not be shortened: scripts live longer than our names. What
 * is wrong gets the nearest right name. Everything points into argv. */
#ifndef TENDON_TOOLS_OPTION_H
#define TENDON_TOOLS_OPTION_H

#include "core/base/error.h"
#include "tools/command.h"

#include <stdbool.h>
#include <stddef.h>

#define INVOCATION_MAX 512 /* words of a command line */

struct given_option {
    const struct option *option;
    const char *value; /* NULL for a flag */
};

struct invocation {
    const struct command *command; /* NULL: none was named */
    struct given_option given[INVOCATION_MAX];
    size_t n_given;
    const char *arguments[INVOCATION_MAX];
    size_t n_arguments;
};

/* Reads argv[1…]. 0; or -EINVAL with code usage: the sentence for a person. With --help or --version among
 * the options nothing else is checked; then, and when no command was named, command may be NULL. */
int invocation_read(struct invocation *invocation, int argc, char *const *argv, struct error *err);

/* The last value given for an option, or NULL. name must be one of the command's or the common options. */
const char *invocation_value(const struct invocation *invocation, const char *name);
bool invocation_has(const struct invocation *invocation, const char *name);
/* The i-th argument, or NULL. */
const char *invocation_argument(const struct invocation *invocation, size_t i);

#endif
