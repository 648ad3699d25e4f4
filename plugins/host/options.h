/* Checks the options of an instance against the plugin's table, and makes of them what config_new takes.
 *
 * Works on the description that a sandboxed process gave: the outer process never loads a plugin itself. */
#ifndef TENDON_HOST_OPTIONS_H
#define TENDON_HOST_OPTIONS_H

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>

struct options {
    json_t *config;  /* for config_new; secrets stand as handles */
    json_t *paths;   /* array: what the sandbox must let be read */
    json_t *urls;    /* array of {option, url}: where the host's services may connect to */
    json_t *secrets; /* {handle: path of the file} */
    json_t *listens; /* array: where the host may take requests */
    bool for_trial;
};

/* description: describe_plugin's document; given: an object, or NULL for none. for_trial: a secret need not
 * be kept from others, as those of tests are not. Code bad_option with a message that names the option, and
 * the nearest right name for an unknown one. */
int options_check(const json_t *description, const json_t *given, bool for_trial, struct options *ret,
                  struct error *err);
void options_fini(struct options *o);

#endif
