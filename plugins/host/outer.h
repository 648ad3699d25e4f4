/* The outer process: holds the session with the collector and drives the plugin in the inner one.
 *
 *     WELCOME ─▶ start ─▶ poll ─▶ outbox ─▶ BATCH … ACK ─▶ ack
 *                  ▲       │
 *                  └───────┘ after an error, later each time
 *
 * A poll's events and its cursor go into one batch. While the outbox is full the plugin is not polled. */
#ifndef TENDON_HOST_OUTER_H
#define TENDON_HOST_OUTER_H

#include "plugins/host/instance.h"

/* Runs the instance until it ends, is told to stop (SIGTERM, SIGINT, the report channel's end) or cannot go
 * on. report_channel −1: none. Returns the exit status, an enum channel_exit. */
int outer_run(const struct instance *instance, int report_channel);

#endif
