/* How the inner process asks the outer one for a service: HTTP, requests of others. inner.c makes one.
 *
 * Only from the thread that calls the plugin, and only while start or poll runs. */
#ifndef TENDON_HOST_ASK_H
#define TENDON_HOST_ASK_H

#include "core/base/buffer.h"
#include "plugins/host/parcel.h"
#include "proto/tendon_plugin.h"

struct ask {
    void *ctx;
    /* Sends the parcel and waits for the answer, which is the caller's to free and has a NUL behind it.
     * Returns TENDON_OK, or TENDON_E_CONFIG with err where nothing may be asked now. */
    int (*send)(void *ctx, const struct buffer *parcel, char **ret, size_t *ret_size, char *err);
};

/* That of the process the host lives in (struct tendon_host, instance). */
const struct ask *ask_of(const struct tendon_host *host);

/* The result of an answer (PARCEL_RESULT); its PARCEL_ERROR is copied to err. */
int ask_result(const char *answer, size_t size, char *err);

#endif
