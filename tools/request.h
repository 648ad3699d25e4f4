/* The body of a question, from the command line: what all commands that ask for figures do alike. One thread.
 */
#ifndef TENDON_TOOLS_REQUEST_H
#define TENDON_TOOLS_REQUEST_H

#include "tools/option.h"

#include <jansson.h>

/* "a,b" into a list; an empty part is left to the collector to complain of. */
void request_names(json_t *list, const char *text);
/* All values of an option that may be given again, each of which may be "a,b", as a new list. */
json_t *request_list(const struct invocation *invocation, const char *option);
/* Options of the command that go to the collector as they were typed, under their name with _ for -. */
void request_pass(json_t *request, const struct invocation *invocation, const char *const *options, size_t n);

#endif
