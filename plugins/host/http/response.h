/* What a server said, and what a plugin is told of it: the parcel that answers http/1. Outer process. */
#ifndef TENDON_HOST_HTTP_RESPONSE_H
#define TENDON_HOST_HTTP_RESPONSE_H

#include "core/base/buffer.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

#define RESPONSE_HEADER_BYTES (64 * 1024)
#define RESPONSE_BODY_BYTES   (32 * 1024 * 1024)

struct response {
    long status;
    struct buffer headers; /* "name: value\n", names in lower case */
    struct buffer body;
};

void response_init(struct response *r, size_t body_bytes);
void response_fini(struct response *r);
void response_clear(struct response *r);
/* One header line as it came, with its line end. Cookies and what only concerns the connection are dropped. A
 * status line begins anew: what stood before was of an interim answer or a proxy's. */
void response_header(struct response *r, const char *line, size_t size);

/* Writes the parcel. url is what was asked, which a Link header may be relative to (NULL: it is left out);
 * origin and method say it for err: no path, no query. Returns the ms that Retry-After asks for, or 0. */
int64_t response_pack(const struct response *r, CURLU *url, const char *origin, const char *method,
                      struct buffer *answer);
/* The parcel of an answer that never came. */
void response_fail(struct buffer *answer, int result, const char *text);

#endif
