#include "tools/output.h"
#include "tools/session.h"

static int status_run(const struct invocation *invocation)
{
    json_t *shown = NULL;
    int code = session_call_once(invocation, "asking", "status", json_object(), &shown);
    if (code == 0)
        code = output_show(invocation, NULL, 0, shown);
    json_decref(shown);
    return code;
}

static const struct option OPTIONS[] = {
    OUTPUT_OPTIONS,
    {NULL},
};

const struct command CMD_STATUS = {
    .name = "status",
    .summary = "show how the collector, its tenants and its plugins are",
    .options = OPTIONS,
    .examples = "  tendon status\n  tendon status -o json\n",
    .run = status_run,
};
