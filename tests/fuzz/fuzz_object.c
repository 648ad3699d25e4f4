/* Any bytes as a shared object whose tables are read. */
#include "plugins/host/conform/object.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *ctx, const char *name, int exported)
{
    size_t *total = ctx;
    *total += strlen(name) + (size_t)exported;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct error err = ERROR_INIT;
    size_t total = 0;
    int fd = memfd_create("object", MFD_CLOEXEC);
    if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (object_read(path, take, &total, &err) < 0 && !*err.message)
        abort();
    (void)close(fd);
    return 0;
}
