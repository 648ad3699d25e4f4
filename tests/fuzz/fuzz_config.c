/* Any bytes as the configuration file: a configuration, or at least one problem that says where. */
#include "core/tenant/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_problems problems;
    config_problems_init(&problems, "fuzz.yaml");
    struct config *config = config_parse((const char *)data, size, &problems);
    if (!config && (problems.n == 0 || strncmp(config_problems_text(&problems), "fuzz.yaml", 9) != 0))
        abort();
    config_unref(config);
    config_problems_fini(&problems);
    return 0;
}
