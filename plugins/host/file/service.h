/* The host's service "file/1" of proto/tendon_plugin.h: records of files, plain or gzip, as they grow, are
 * replaced, shrink or arrive.
 *
 * Used by the process that has the plugin; needs no more than to open and read the path. One thread. */
#ifndef TENDON_HOST_FILE_SERVICE_H
#define TENDON_HOST_FILE_SERVICE_H

#include "proto/tendon_plugin.h"

const struct tendon_file_1 *file_service(void);

#endif
