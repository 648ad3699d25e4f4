/* The options that all plugins have which read rows of files, so that they are called the same everywhere.
 *
 * An option table begins with OPTIONS_FILE, OPTIONS_MAPPING, perhaps OPTIONS_WORDS, goes on with the plugin's
 * own and ends with a name of NULL. reader_create takes the first, options_mapping and options_words the
 * others. */
#ifndef TENDON_PLUGINS_COMMON_OPTIONS_H
#define TENDON_PLUGINS_COMMON_OPTIONS_H

#include "plugins/common/mapping.h"

/* Which files, and how they are written. */
#define OPTIONS_FILE                                                                                         \
    {.name = "path",                                                                                         \
     .type = TENDON_PATH,                                                                                    \
     .flags = TENDON_REQUIRED,                                                                               \
     .help = "The file, or the folder into which files are dropped."},                                       \
        {.name = "pattern",                                                                                  \
         .type = TENDON_STRING,                                                                              \
         .help = "Which files of the folder are read, as a shell pattern; all but hidden ones without it."}, \
        {.name = "separator",                                                                                \
         .type = TENDON_STRING,                                                                              \
         .fallback = ",",                                                                                    \
         .help = "What stands between two fields: one character, or tab."},                                  \
        {.name = "encoding",                                                                                 \
         .type = TENDON_ENUM,                                                                                \
         .values = OPTIONS_ENCODINGS,                                                                        \
         .fallback = "utf-8",                                                                                \
         .help = "How the file's text is encoded."},                                                         \
        {.name = "zone",                                                                                     \
         .type = TENDON_ZONE,                                                                                \
         .fallback = "UTC",                                                                                  \
         .help = "The zone of times that name none."},                                                       \
        {.name = "time_format",                                                                              \
         .type = TENDON_STRING,                                                                              \
         .shape = TENDON_LIST,                                                                               \
         .n_max = 16,                                                                                        \
         .help = "How times are written, by %Y %m %d %H %M %S and such; the first that fits is taken."},     \
    {                                                                                                        \
        .name = "settle", .type = TENDON_DURATION, .low = 0, .high = 86400000, .fallback = "1m",             \
        .help = "How long a file is left alone before its last line counts without a line end; 0s: never."   \
    }

/* Which column means what. */
#define OPTIONS_MAPPING                                                                                      \
    {.name = "columns",                                                                                      \
     .type = TENDON_STRING,                                                                                  \
     .shape = TENDON_MAP,                                                                                    \
     .n_max = SLOT_N,                                                                                        \
     .help = "The column that a field comes from: FIELD: COLUMN."},                                          \
        {.name = "dimensions",                                                                               \
         .type = TENDON_STRING,                                                                              \
         .shape = TENDON_MAP,                                                                                \
         .n_max = EVENT_DECLARED_MAX,                                                                        \
         .help = "Columns of the dimensions that the tenant declares: DIMENSION: COLUMN."},                  \
        {.name = "constants",                                                                                \
         .type = TENDON_STRING,                                                                              \
         .shape = TENDON_MAP,                                                                                \
         .n_max = SLOT_N,                                                                                    \
         .help = "What a field is where no column tells it: FIELD: VALUE."},                                 \
    {                                                                                                        \
        .name = "missing", .type = TENDON_STRING, .shape = TENDON_LIST, .n_max = 32,                         \
        .help = "Texts that stand for no value, besides an empty one."                                       \
    }

/* What the source's words mean. */
#define OPTIONS_WORDS                                                                                        \
    {.name = "values",                                                                                       \
     .type = TENDON_STRING,                                                                                  \
     .shape = TENDON_MAP,                                                                                    \
     .n_max = 1024,                                                                                          \
     .help = "What the source's words mean: FIELD:WORD: VALUE; FIELD:* for all others, an empty value for "  \
             "none."},                                                                                       \
    {                                                                                                        \
        .name = "lower", .type = TENDON_STRING, .shape = TENDON_LIST, .n_max = SLOT_N,                       \
        .help = "Fields whose text is taken in lower case."                                                  \
    }

extern const char *const OPTIONS_ENCODINGS[];

/* Takes OPTIONS_MAPPING into the mapping. TENDON_OK or an error with err. */
int options_mapping(struct mapping *mapping, const struct tendon_host *host,
                    const struct tendon_config *config, char *err);
/* Takes OPTIONS_WORDS into the mapping. */
int options_words(struct mapping *mapping, const struct tendon_host *host, const struct tendon_config *config,
                  char *err);
/* The slot that an option names, or −1 with err and the nearest name. */
int options_slot(const struct mapping *mapping, const char *option, const char *name, char *err);
int options_no_memory(char *err); /* TENDON_E_TEMPORARY */

#endif
