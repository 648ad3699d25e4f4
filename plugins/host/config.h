/* The options of an instance as a plugin reads them. Made by the outer process (options.h), immutable. */
#ifndef TENDON_HOST_CONFIG_H
#define TENDON_HOST_CONFIG_H

#include "proto/tendon_plugin.h"

#include <jansson.h>

struct tendon_config;

/* document: {option: {keys: [str], strings: [str], ints: [int]}}, each of the three absent where its kind has
 * none. NULL without memory or when it is not of that form. */
struct tendon_config *config_new(const json_t *document);
void config_free(struct tendon_config *c);

/* The functions of struct tendon_host. */
uint32_t config_count(const struct tendon_config *c, const char *option);
int64_t config_get_int(const struct tendon_config *c, const char *option, uint32_t index);
const char *config_get_string(const struct tendon_config *c, const char *option, uint32_t index);
const char *config_get_key(const struct tendon_config *c, const char *option, uint32_t index);
int64_t config_find(const struct tendon_config *c, const char *option, const char *key);

#endif
