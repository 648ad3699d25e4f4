/* What tendond and the tendon-plugin-host processes that it starts agree on.
 *
 * A host finds its configuration on CHANNEL_CONFIG_FD, one JSON document up to the end of the file:
 *
 *     {source: str, tenant: str, name: str, plugin: path of the .so, keys: [str] or null,
 *      connect: endpoint, options: {…}, user: int, group: int, nobody: int,
 *      limits: {memory_bytes: int, load_ms: int, create_ms: int, start_ms: int, poll_ms: int,
 *               ack_ms: int, stop_ms: int, destroy_ms: int}}
 *
 * keys are public keys ("ed25519:…"), of which one must have signed the plugin; null: it needs no signature.
 * user and group are those that are configured, 0 where none is; nobody is the user of no name that the
 * plugin's process takes then, where it is root. A limit of 0 is the ABI's.
 *
 * It finds on CHANNEL_REPORT_FD a SOCK_SEQPACKET socket, to which it writes reports, one JSON object each, at
 * most CHANNEL_REPORT_BYTES, all of its state each time:
 *
 *     {state: "starting" | "running" | "retrying" | "failed_config" | "failed_auth" | "crashed" | "ended",
 *      message: str, skipped: int, last_skip: str, accepted: int, rejected: int, landlock: bool,
 *      inner: pid of the process with the plugin}
 *
 * Once it has created its plugin at least every CHANNEL_BEAT_MS, so that it is known to be alive.
 *
 * The socket's end is the order to stop, as SIGTERM is. The exit status says how it went. */
#ifndef TENDON_SUPERVISE_CHANNEL_H
#define TENDON_SUPERVISE_CHANNEL_H

#define CHANNEL_CONFIG_FD    3
#define CHANNEL_REPORT_FD    4
#define CHANNEL_CONFIG_BYTES (1024 * 1024)
#define CHANNEL_REPORT_BYTES 4096
#define CHANNEL_BEAT_MS      10000

/* Users of no name, one an instance: those that systemd gives to services without one. The last is for
 * processes that are only asked something. */
#define CHANNEL_NOBODY_FIRST 61184
#define CHANNEL_NOBODY_LAST  65519

enum channel_exit {
    CHANNEL_EXIT_OK = 0, /* it was told to stop, or the source is finished (report: ended) */
    CHANNEL_EXIT_USAGE = 64,
    CHANNEL_EXIT_CRASHED = 70, /* the plugin died, hung or broke its contract */
    CHANNEL_EXIT_AGAIN = 75,   /* nothing is wrong with it; start it again */
    CHANNEL_EXIT_AUTH = 77,    /* wait until configuration or secret change */
    CHANNEL_EXIT_CONFIG = 78,  /* wait until the configuration changes */
};

#endif
