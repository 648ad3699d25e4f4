/* Processes of tendon-plugin-host: started with what they are to know, and nothing else inherited. */
#ifndef TENDON_SUPERVISE_PROCESS_H
#define TENDON_SUPERVISE_PROCESS_H

#include "core/base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

/* Starts `host --run` with the document on CHANNEL_CONFIG_FD and a channel on CHANNEL_REPORT_FD, in a process
 * group of its own, standard error shared. On success *ret_pidfd and *ret_channel (non-blocking) are the
 * caller's to close, and the process the caller's to reap. */
int process_start(const char *host, const json_t *document, pid_t *ret_pid, int *ret_pidfd, int *ret_channel,
                  struct error *err);

/* Runs `host command path` (with keys not NULL: `host command --signed-by KEYS path`) with input (NULL: none)
 * on standard input for at most timeout_ms. On status 0 *ret is what it wrote to standard output, at most
 * output_max bytes, NUL-terminated, the caller's to free (ret NULL: not wanted). Otherwise err has what it
 * wrote to standard error. */
int process_ask(const char *host, const char *command, const char *path, const json_t *keys,
                const char *input, int timeout_ms, size_t output_max, char **ret, struct error *err);

#endif
