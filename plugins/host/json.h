/* The service "json/1" (proto/tendon_plugin.h): JSON documents as a plugin reads them. Inner process, one
 * thread. */
#ifndef TENDON_HOST_JSON_H
#define TENDON_HOST_JSON_H

#include "proto/tendon_plugin.h"

const struct tendon_json_1 *json_service(void);

#endif
