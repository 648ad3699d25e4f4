/* Durations on the command line: a number and its unit. */
#ifndef TENDON_TOOLS_DURATION_H
#define TENDON_TOOLS_DURATION_H

#include <stdint.h>

/* "500ms", "30s", "5m", "1h", "2d", or plain seconds; at most a year. 0 and *ret_ms, or -EINVAL. */
int duration_read(const char *s, int64_t *ret_ms);

#endif
