/* A YAML file as a tree of nodes that know their line and column, and the list of what is wrong with it.
 *
 * Only the plain part of YAML is taken: maps, lists and scalars of one document. Anchors, aliases, tags, a
 * key twice and keys that are not scalars are refused, the file and its depth are bounded: a configuration
 * means what it says, and reading it costs what its size says. */
#ifndef TENDON_BASE_CONFIG_TREE_H
#define TENDON_BASE_CONFIG_TREE_H

#include "core/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FILE_BYTES   (1024 * 1024)
#define CONFIG_DEPTH_MAX    12
#define CONFIG_NODES_MAX    50000
#define CONFIG_PROBLEMS_MAX 20 /* told; the others are counted */

enum config_kind { CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP };

struct config_node {
    enum config_kind kind;
    unsigned line, column;       /* from 1 */
    char *text;                  /* of a scalar */
    bool quoted;                 /* the scalar was quoted, or a block: it is text whatever it looks like */
    size_t n;                    /* entries of a list or map */
    struct config_node **keys;   /* of a map: scalars */
    struct config_node **values; /* of a list or map */
};

/* What is wrong, one line each: "tendon.yaml:3:7: sentence". */
struct config_problems {
    const char *file; /* as it is called in messages */
    struct buffer text;
    unsigned n;
};

void config_problems_init(struct config_problems *p, const char *file);
void config_problems_fini(struct config_problems *p);
/* node NULL: the file as a whole. */
void config_problem(struct config_problems *p, const struct config_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* All of it as one NUL-terminated text, a line a problem; good until the next problem. */
const char *config_problems_text(struct config_problems *p);

/* The tree of a file or of bytes; NULL when it could not be read (the problems say why). An empty file is an
 * empty map. */
struct config_node *config_tree_read(const char *path, struct config_problems *p);
struct config_node *config_tree_parse(const char *data, size_t size, struct config_problems *p);
void config_node_free(struct config_node *node);

/* The value under a key of a map, or NULL. */
struct config_node *config_node_get(const struct config_node *map, const char *key);
/* Nothing was written there ("listen:", "~" or "null"), or the node is NULL. */
bool config_node_is_null(const struct config_node *node);
const char *config_kind_name(const struct config_node *node); /* "a map" */

#endif
