/* The sources of a tenant: where each stands (last_seq, sealed cursor), its counters and its newest rejects.
 *
 * Written by the committer in the transaction of the events; read from any thread under the store's lock. */
#ifndef TENDON_STORE_SOURCE_H
#define TENDON_STORE_SOURCE_H

#include "core/store/db.h"
#include "core/store/store.h"

#include <string.h>

#define SOURCE_SEALED_BYTES (STORE_CURSOR_BYTES + 64)

struct source {
    struct store_source record;
    uint32_t sealed_size; /* 0: no cursor */
    uint8_t sealed[SOURCE_SEALED_BYTES];
    struct store_source_reject rejects[STORE_REJECTS_KEPT]; /* a ring */
    uint32_t n_rejects; /* ever; the newest is at (n − 1) % STORE_REJECTS_KEPT */

    /* new dictionary values of today, by field: the limit of 4,096 a source, dimension and day */
    int64_t day;
    uint16_t new_values[FIELD_N];
};

/* Reads all; *ret is an array of pointers by name. */
int sources_load(struct txn *t, struct source ***ret, size_t *ret_n, struct error *err);
void sources_free(struct source **sources, size_t n);
struct source *sources_find(struct source *const *sources, size_t n, const char *name);
void source_put(struct txn *t, const struct source *s, bool with_rejects);
void source_init(struct source *s, const char *name, const char *namespace);
/* What a source's generation is called in DICTIONARY_SOURCE: its name, and from the second generation on a
 * space and the number. room holds SOURCE_LABEL_BYTES; the length without the NUL. */
#define SOURCE_LABEL_BYTES (STORE_NAME_BYTES + 12)
/* Whether that is the record of a site whose store comes here, not of a source: its name ends with a slash.
 */
static inline bool source_is_site(const char *name)
{
    size_t size = strlen(name);
    return size > 0 && name[size - 1] == '/';
}
size_t source_label(const struct store_source *s, char room[SOURCE_LABEL_BYTES]);
void source_add_reject(struct source *s, const struct store_source_reject *reject);

#endif
