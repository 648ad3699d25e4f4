/* What the fields of a record of a server mean: the dimensions that the options fields and values name.
 *
 * The owner clears it, puts what the record tells, and sends all of it with each event that carries it. Names
 * are the configuration's or literals; values are copied. One thread. */
#ifndef TENDON_PLUGINS_COMMON_DIMENSIONS_H
#define TENDON_PLUGINS_COMMON_DIMENSIONS_H

#include "proto/tendon_plugin.h"

#include <stdbool.h>

#define DIMENSIONS_MAX 32 /* of one event */

#define OPTIONS_DIMENSIONS                                                                                   \
    {.name = "fields",                                                                                       \
     .type = TENDON_STRING,                                                                                  \
     .shape = TENDON_MAP,                                                                                    \
     .n_max = DIMENSIONS_MAX,                                                                                \
     .low = 1,                                                                                               \
     .high = 64,                                                                                             \
     .help = "Which dimension a field of the source tells: FIELD: DIMENSION."},                              \
    {                                                                                                        \
        .name = "values", .type = TENDON_STRING, .shape = TENDON_MAP, .n_max = 4096,                         \
        .help = "What the source's words mean: DIMENSION:WORD: VALUE; DIMENSION:* for all others, an empty " \
                "value for none."                                                                            \
    }

struct dimensions {
    const struct tendon_host *host;
    const struct tendon_config *config;
    uint32_t n;
    struct {
        const char *name;
        char value[TENDON_ID_BYTES + 1]; /* empty: it no longer holds */
    } list[DIMENSIONS_MAX];
    const char *problem; /* a value that was left out, as a code for skip; or NULL */
};

/* Whether fields names dimensions. TENDON_OK, or TENDON_E_CONFIG with err. */
int dimensions_check(const struct tendon_host *host, const struct tendon_config *config, char *err);
void dimensions_clear(struct dimensions *dimensions);
/* The dimension that a field tells, or NULL. */
const char *dimensions_of(const struct dimensions *dimensions, const char *field);
/* A value, after values; a later one of the same dimension takes its place. NULL and empty: none. fallback is
 * what the word means where values has no entry for it; NULL: itself. */
void dimensions_put(struct dimensions *dimensions, const char *name, const char *word, const char *fallback);
/* Adds them to the event that was begun. clear false: what no longer holds is left out. */
void dimensions_send(const struct dimensions *dimensions, struct tendon_batch *batch, bool clear);

#endif
