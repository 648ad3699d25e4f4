/* Instants: milliseconds since 1970 UTC, of the clock and as RFC 3339. */
#ifndef TENDON_BASE_INSTANT_H
#define TENDON_BASE_INSTANT_H

#include <stdint.h>

#define INSTANT_TEXT_BYTES 40

/* Now, by the clock that people set. */
int64_t instant_now(void);
/* Now, by the clock that only runs forward; its zero means nothing. */
int64_t instant_monotonic_ms(void);

/* "2024-02-01T06:00:00Z", with milliseconds where there are any. Years before 1 or after 9999 are "". Returns
 * room. */
char *instant_text(int64_t ms, char room[INSTANT_TEXT_BYTES]);

#endif
