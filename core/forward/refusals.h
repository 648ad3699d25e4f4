/* What sites were told that is not taken of them, for status and the audit log: at most one a site. Any
 * thread. */
#ifndef TENDON_FORWARD_REFUSALS_H
#define TENDON_FORWARD_REFUSALS_H

#include "core/base/error.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define REFUSALS_MAX 1024

struct refusal {
    char tenant[STORE_NAME_BYTES + 1], site[STORE_NAME_BYTES + 1]; /* site: with its slash */
    struct error why;
    int64_t since; /* ms since 1970 */
};

struct refusals;

struct refusals *refusals_new(void); /* NULL: no memory */
void refusals_free(struct refusals *r);
/* why NULL: it goes on. */
void refusals_note(struct refusals *r, const char *tenant, const char *site, const struct error *why);
/* *ret is the caller's to free. -ENOMEM. */
int refusals_list(struct refusals *r, struct refusal **ret, size_t *ret_n);
/* Who is told of each new one, on the thread that notes it, without a lock. Before the first. */
void refusals_tell(struct refusals *r, void (*tell)(void *ctx, const struct refusal *refusal), void *ctx);

#endif
