/* Reads the collector's keys and data. */
#include "zoo.h"

#include <fcntl.h>
#include <sys/inotify.h>

static void harm(struct zoo *z)
{
    static const char *const NAMES[] = {"keys",
                                        "keys/server.key",
                                        "keys/tenant-riverbend.key",
                                        "data/control/data.mdb",
                                        "run/control.sock",
                                        "tendon.yaml",
                                        "log"};
    char path[512];
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", z->target, NAMES[i]);
        ZOO_TRY(z, NAMES[i], open(path, O_RDONLY));
    }
    (void)snprintf(path, sizeof(path), "%s/keys", z->target);
    int watch = inotify_init();
    ZOO_TRY(z, "to watch the keys", watch < 0 ? -1 : inotify_add_watch(watch, path, IN_ALL_EVENTS));
    ZOO_TRY(z, "to go there", chdir(path));
}

ZOO(.once = harm)
