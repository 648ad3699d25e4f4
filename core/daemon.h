/* The collector as a whole: the parts put together, reloaded and taken apart in the right order.
 *
 *   config → control, tenants → committer → dispatch → ZAP, servers → supervisor
 *
 * One thread (main) makes, reloads and stops it; everything else goes on threads of the parts. */
#ifndef TENDON_DAEMON_H
#define TENDON_DAEMON_H

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/tenant/config.h"

#include <limits.h>

struct daemon;

/* Starts everything that the configuration says; a reference of it is taken. */
int daemon_start(struct config *config, struct logger *logger, struct daemon **ret, struct error *err);

/* Puts another configuration in place: all of it, or on an error none of it. Code restart: a key changed that
 * takes a restart. */
int daemon_reload(struct daemon *d, struct config *config, struct error *err);

/* Stops hosts, finishes what is being committed, answers what waits, seals, closes and frees. NULL is fine.
 */
void daemon_stop(struct daemon *d);

/* Whether the plugins of the configuration are there and take their options: tells problems as the
 * configuration's. Runs each plugin's host once. */
void daemon_check_plugins(const struct config *config, struct config_problems *p);

#endif
