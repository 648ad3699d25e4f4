/* `tendon plugin check`: runs the conformance tests of tendon-plugin-host and shows what came of them. */
#ifndef TENDON_TOOLS_CONFORMANCE_H
#define TENDON_TOOLS_CONFORMANCE_H

#include "tools/option.h"

/* The forms of its answer: those of every list, and tap. */
extern const char *const CONFORMANCE_FORMS[];

/* Returns an exit code: 0 when no test failed. */
int conformance_run(const struct invocation *invocation);

#endif
