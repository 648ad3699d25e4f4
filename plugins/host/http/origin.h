/* The servers that an instance may connect to: scheme, name and port of its `url` options, and when each may
 * be asked again. Outer process, one thread. */
#ifndef TENDON_HOST_HTTP_ORIGIN_H
#define TENDON_HOST_HTTP_ORIGIN_H

#include "core/base/error.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdint.h>

struct origin {
    const char *option; /* that names it first */
    char *scheme, *host, *port;
    int64_t next_ms;  /* monotonic: not before, so that no more than so many a minute go out */
    int64_t retry_ms; /* monotonic: not before, since the server said so */
};

struct origins {
    struct origin *at;
    size_t n;
};

/* urls: as struct options has them, which must outlive this. -ENOMEM; what is no URL was refused before and
 * is left out. */
int origins_init(struct origins *o, const json_t *urls);
void origins_fini(struct origins *o);

/* Reads a URL of a plugin's and finds where it leads. On success *ret_url is the caller's to clean up,
 * without user and fragment. NULL and err when it is none, or leads to a server that is not named. */
struct origin *origins_find(struct origins *o, const char *url, size_t size, CURLU **ret_url,
                            struct error *err);

/* "the server of option url", for messages: an address would be withheld like one in a record. Returns room.
 */
char *origin_text(const struct origin *origin, char *room, size_t size);

#endif
