/* The service "http/1" (proto/tendon_plugin.h) in the process that has the plugin: builds what is asked for
 * and hands over what was answered. The outer process connects (fetch.h). One thread. */
#ifndef TENDON_HOST_HTTP_CLIENT_H
#define TENDON_HOST_HTTP_CLIENT_H

#include "proto/tendon_plugin.h"

const struct tendon_http_1 *http_service(void);

#endif
