/* Configuration by table: what a section's keys are called, what they take, and where the value goes.
 *
 * One table feeds the reader, the comparison at reload and the manual page. A value that is wrong is told as
 * a problem with its place, and reading goes on, so that one look shows everything that is wrong. Where a key
 * takes a list, a list of one may be written as the one. */
#ifndef TENDON_BASE_CONFIG_TABLE_H
#define TENDON_BASE_CONFIG_TABLE_H

#include "core/base/config_tree.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_TEXT,     /* char *: any text */
    CONFIG_PATH,     /* char *: an absolute path without . and .. */
    CONFIG_NAME,     /* char *: [a-z0-9][a-z0-9._-]*, at most 64 */
    CONFIG_ENUM,     /* unsigned: its place in values, from 0 */
    CONFIG_BOOL,     /* bool: true or false */
    CONFIG_INT,      /* int64_t in [low, high] */
    CONFIG_SIZE,     /* int64_t bytes in [low, high], "64GiB" */
    CONFIG_DURATION, /* int64_t ms in [low, high], "10s" */
    CONFIG_TEXTS,    /* struct config_texts, at most high */
    CONFIG_PATHS,    /* the same, each as CONFIG_PATH */
    CONFIG_JSON,     /* json_t *: a map that somebody else knows (NULL when absent) */
    CONFIG_SECTION,  /* the section's struct, in place */
    CONFIG_SECTIONS, /* struct config_list of them, at most high */
};

struct config_texts {
    char **at;
    size_t n;
};

/* Structs of one section, one behind the other. */
struct config_list {
    void *at;
    size_t n;
};

struct config_section;

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;                        /* in the section's struct */
    const char *preset;                   /* as it would be written; NULL: none (0, false, NULL, empty) */
    int64_t low, high;                    /* as the type says */
    const char *const *values;            /* CONFIG_ENUM: ends with NULL */
    const struct config_section *section; /* CONFIG_SECTION, CONFIG_SECTIONS */
    bool required;                        /* has no preset and must be there */
    bool restart;                         /* a change takes a restart of the daemon */
    const char *help;                     /* sentences, for the manual */
};

struct config_section {
    const char *what; /* "a tenant": for messages */
    size_t size;      /* of its struct, whose first member is `const struct config_node *node` */
    const struct config_key *keys;
    size_t n_keys;
};

/* Reads the node (NULL or null: an empty map) into the zeroed struct at ret and tells problems. Whatever was
 * read must be given back with config_section_fini, also after problems. The struct keeps pointers into the
 * tree. */
void config_section_read(const struct config_section *section, const struct config_node *node, void *ret,
                         struct config_problems *p);
void config_section_fini(const struct config_section *section, void *at);

/* The name of the first key marked restart whose value differs, or NULL. */
const char *config_section_changed(const struct config_section *section, const void *before,
                                   const void *after);

/* The value as JSON: plain true and false are bools, plain whole numbers ints, the rest strings as written
 * (1.10 stays "1.10"). NULL when out of memory. */
json_t *config_node_json(const struct config_node *node);

/* Whether s is a name as CONFIG_NAME wants it. */
bool config_name_valid(const char *s);

#endif
