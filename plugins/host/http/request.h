/* A request of a plugin's, taken from its parcel and checked: where it leads, what goes out with it. Outer
 * process, one thread. */
#ifndef TENDON_HOST_HTTP_REQUEST_H
#define TENDON_HOST_HTTP_REQUEST_H

#include "core/base/buffer.h"
#include "plugins/host/http/origin.h"
#include "plugins/host/options.h"

#include <stdbool.h>

struct request {
    const char *method; /* GET, HEAD or POST */
    struct origin *origin;
    CURLU *url;
    char *target; /* path and query, as the plugin gave them: handles stand as handles */
    bool has_body;
    char *asked; /* the body as the plugin gave it */
    size_t n_asked;
    struct buffer body; /* as it goes out */
    struct curl_slist *headers;
    char *user, *password, *ca_file;
    int64_t per_minute, timeout_ms, body_bytes;
};

/* On an error everything is given back. Code bad_url, bad_request or secret. */
int request_read(const void *parcel, size_t size, const struct options *options, struct origins *origins,
                 struct request *ret, struct error *err);
void request_fini(struct request *r);

#endif
