#include "tools/option.h"
#include "tools/output.h"

#include <stdio.h>

static int version_run(const struct invocation *invocation)
{
    (void)invocation;
    (void)printf("tendon %s\n", TENDON_VERSION);
    return output_finish(0);
}

const struct command CMD_VERSION = {
    .name = "version",
    .summary = "show the version of this program",
    .examples = "  tendon version\n",
    .run = version_run,
};
