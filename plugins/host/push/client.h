/* The service "push/1" (proto/tendon_plugin.h) in the process that has the plugin. The outer process takes
 * the requests (server.h). One thread. */
#ifndef TENDON_HOST_PUSH_CLIENT_H
#define TENDON_HOST_PUSH_CLIENT_H

#include "proto/tendon_plugin.h"

const struct tendon_push_1 *push_service(void);

#endif
