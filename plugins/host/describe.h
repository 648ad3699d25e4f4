/* What a plugin says of itself, as the document that the outer process and `--describe` use. */
#ifndef TENDON_HOST_DESCRIBE_H
#define TENDON_HOST_DESCRIBE_H

#include "core/base/error.h"
#include "proto/tendon_plugin.h"

#include <jansson.h>

/* Takes over what the entry returned, as far as both sides know it, and checks that it can be run: magic,
 * ABI, functions, names. Code bad_plugin. */
int describe_load(const struct tendon_plugin *entry, struct tendon_plugin *ret, struct error *err);

/* {id, vendor, version, help, abi, options: [{name, type, shape, required, n_max, low, high, default, values,
 * help}]}. Code bad_plugin for a table that makes no sense. */
int describe_plugin(const struct tendon_plugin *plugin, json_t **ret, struct error *err);

#endif
