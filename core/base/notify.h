/* Telling the service manager how the daemon is (sd_notify's protocol): one datagram to $NOTIFY_SOCKET. */
#ifndef TENDON_BASE_NOTIFY_H
#define TENDON_BASE_NOTIFY_H

#include <stdint.h>

/* "READY=1", "RELOADING=1\nMONOTONIC_USEC=…", "STOPPING=1", "WATCHDOG=1", with STATUS=… where wanted. 0
 * without a manager; negative errno when it could not be told, which nobody need mind. */
int notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often the manager wants to hear WATCHDOG=1, in ms: half of what it waits. 0: not at all. */
int64_t notify_watchdog_ms(void);

#endif
