#include "core/base/config_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

void config_problems_init(struct config_problems *p, const char *file)
{
    *p = (struct config_problems){.file = file};
    buffer_init(&p->text, CONFIG_PROBLEMS_MAX * 1024);
}

void config_problems_fini(struct config_problems *p)
{
    buffer_fini(&p->text);
}

void config_problem(struct config_problems *p, const struct config_node *node, const char *format, ...)
{
    if (p->n++ >= CONFIG_PROBLEMS_MAX)
        return;
    char sentence[768];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    for (char *c = sentence; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    if (node)
        buffer_printf(&p->text, "%s:%u:%u: %s\n", p->file, node->line, node->column, sentence);
    else
        buffer_printf(&p->text, "%s: %s\n", p->file, sentence);
}

const char *config_problems_text(struct config_problems *p)
{
    size_t size = p->text.size;
    if (p->n > CONFIG_PROBLEMS_MAX)
        buffer_printf(&p->text, "%s: and %u more\n", p->file, p->n - CONFIG_PROBLEMS_MAX);
    buffer_append(&p->text, "", 1);
    p->text.size = size;
    return p->text.data && !buffer_failed(&p->text) ? (const char *)p->text.data : "out of memory\n";
}

/* --- building --- */

struct building {
    yaml_parser_t parser;
    struct config_problems *problems;
    unsigned n_nodes;
};

static struct config_node at_mark(const yaml_mark_t *mark)
{
    return (struct config_node){.line = (unsigned)mark->line + 1, .column = (unsigned)mark->column + 1};
}

static bool next_event(struct building *b, yaml_event_t *event)
{
    if (yaml_parser_parse(&b->parser, event))
        return true;
    /* The scanner has the exact place; the reader (bad UTF-8) only an offset. */
    struct config_node at = at_mark(&b->parser.problem_mark);
    const char *problem = b->parser.problem ? b->parser.problem : "out of memory";
    if (b->parser.error == YAML_READER_ERROR)
        config_problem(b->problems, NULL, "byte %zu: %s", b->parser.problem_offset, problem);
    else
        config_problem(b->problems, &at, "%s%s%s", problem, b->parser.context ? " " : "",
                       b->parser.context ? b->parser.context : "");
    return false;
}

static struct config_node *node_new(struct building *b, enum config_kind kind, const yaml_event_t *event)
{
    struct config_node at = at_mark(&event->start_mark);
    if (++b->n_nodes > CONFIG_NODES_MAX) {
        config_problem(b->problems, &at, "the file has more than %d values", CONFIG_NODES_MAX);
        return NULL;
    }
    struct config_node *node = malloc(sizeof(*node));
    if (!node) {
        config_problem(b->problems, &at, "out of memory");
        return NULL;
    }
    *node = at;
    node->kind = kind;
    return node;
}

static bool node_append(struct building *b, struct config_node *node, struct config_node *key,
                        struct config_node *value)
{
    /* Grown at each power of two. */
    if ((node->n & (node->n - 1)) == 0) {
        size_t room = node->n ? node->n * 2 : 1;
        struct config_node **values = realloc(node->values, room * sizeof(*values));
        if (values)
            node->values = values;
        struct config_node **keys = key && values ? realloc(node->keys, room * sizeof(*keys)) : NULL;
        if (keys)
            node->keys = keys;
        if (!values || (key && !keys)) {
            config_problem(b->problems, node, "out of memory");
            return false;
        }
    }
    if (key)
        node->keys[node->n] = key;
    node->values[node->n++] = value;
    return true;
}

static struct config_node *build(struct building *b, yaml_event_t *event, unsigned depth);

static struct config_node *build_scalar(struct building *b, const yaml_event_t *event)
{
    struct config_node *node = node_new(b, CONFIG_SCALAR, event);
    if (!node)
        return NULL;
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = memchr(text, '\0', size) ? NULL : strdup(text);
    if (!node->text) {
        config_problem(b->problems, node, "the text has a NUL byte");
        config_node_free(node);
        return NULL;
    }
    return node;
}

static bool build_key(struct building *b, const struct config_node *map, yaml_event_t *event,
                      struct config_node **ret)
{
    struct config_node at = at_mark(&event->start_mark);
    if (event->type != YAML_SCALAR_EVENT) {
        config_problem(b->problems, &at, "a key must be one word");
        return false;
    }
    struct config_node *key = build(b, event, 0);
    if (!key)
        return false;
    const struct config_node *earlier = NULL;
    for (size_t i = 0; i < map->n && !earlier; i++)
        if (strcmp(map->keys[i]->text, key->text) == 0)
            earlier = map->keys[i];
    if (earlier) {
        config_problem(b->problems, key, "the key \"%s\" stands here and in line %u; keep one", key->text,
                       earlier->line);
        config_node_free(key);
        return false;
    }
    *ret = key;
    return true;
}

/* The entries of a list or map until its end event. */
static bool build_entries(struct building *b, struct config_node *node, yaml_event_type_t end, unsigned depth)
{
    for (;;) {
        yaml_event_t event;
        struct config_node *key = NULL, *value = NULL;
        if (!next_event(b, &event))
            return false;
        bool at_end = event.type == end;
        bool good = at_end || node->kind == CONFIG_LIST || build_key(b, node, &event, &key);
        if (good && key) {
            yaml_event_delete(&event);
            good = next_event(b, &event);
            if (!good) {
                config_node_free(key);
                return false;
            }
        }
        if (good && !at_end) {
            value = build(b, &event, depth + 1);
            good = value && node_append(b, node, key, value);
            if (!good) {
                config_node_free(key);
                config_node_free(value);
            }
        }
        yaml_event_delete(&event);
        if (at_end || !good)
            return good;
    }
}

static struct config_node *build(struct building *b, yaml_event_t *event, unsigned depth)
{
    struct config_node at = at_mark(&event->start_mark);
    if (event->type == YAML_ALIAS_EVENT ||
        (event->type == YAML_SCALAR_EVENT && (event->data.scalar.anchor || event->data.scalar.tag)) ||
        (event->type == YAML_SEQUENCE_START_EVENT &&
         (event->data.sequence_start.anchor || event->data.sequence_start.tag)) ||
        (event->type == YAML_MAPPING_START_EVENT &&
         (event->data.mapping_start.anchor || event->data.mapping_start.tag))) {
        config_problem(b->problems, &at, "anchors, aliases and tags are not taken; write the value itself");
        return NULL;
    }
    if (depth > CONFIG_DEPTH_MAX) {
        config_problem(b->problems, &at, "nested deeper than %d", CONFIG_DEPTH_MAX);
        return NULL;
    }
    if (event->type == YAML_SCALAR_EVENT)
        return build_scalar(b, event);
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    struct config_node *node = node_new(b, is_list ? CONFIG_LIST : CONFIG_MAP, event);
    if (node && !build_entries(b, node, is_list ? YAML_SEQUENCE_END_EVENT : YAML_MAPPING_END_EVENT, depth)) {
        config_node_free(node);
        return NULL;
    }
    return node;
}

/* Events up to the first of a document; false at an error or when there is none (*ret stays). */
static struct config_node *build_document(struct building *b)
{
    struct config_node *root = NULL;
    yaml_event_t event;
    bool more = true;
    while (more && next_event(b, &event)) {
        if (event.type == YAML_DOCUMENT_START_EVENT && root) {
            struct config_node at = at_mark(&event.start_mark);
            config_problem(b->problems, &at, "a second document begins; the configuration is one");
            more = false;
        } else if (event.type == YAML_STREAM_END_EVENT) {
            more = false;
            if (!root)
                root = node_new(b, CONFIG_MAP, &event);
        } else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT &&
                   event.type != YAML_DOCUMENT_END_EVENT) {
            root = build(b, &event, 0);
            more = root != NULL;
        }
        yaml_event_delete(&event);
    }
    return root;
}

struct config_node *config_tree_parse(const char *data, size_t size, struct config_problems *p)
{
    struct building b = {.problems = p};
    unsigned before = p->n;
    if (!yaml_parser_initialize(&b.parser)) {
        config_problem(p, NULL, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)data, size);
    struct config_node *root = build_document(&b);
    yaml_parser_delete(&b.parser);
    if (p->n != before) {
        config_node_free(root);
        return NULL;
    }
    return root;
}

/* The whole file; the byte beyond the limit tells that there is more. */
static ssize_t read_file(const char *path, char *room, size_t n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    size_t size = 0;
    ssize_t r = 1;
    while (size < n && r > 0) {
        r = read(fd, room + size, n - size);
        if (r > 0)
            size += (size_t)r;
        else if (r < 0 && errno == EINTR)
            r = 1;
    }
    ssize_t result = r < 0 ? -errno : (ssize_t)size;
    (void)close(fd);
    return result;
}

struct config_node *config_tree_read(const char *path, struct config_problems *p)
{
    char *data = malloc(CONFIG_FILE_BYTES + 1);
    if (!data) {
        config_problem(p, NULL, "out of memory");
        return NULL;
    }
    ssize_t size = read_file(path, data, CONFIG_FILE_BYTES + 1);
    struct config_node *root = NULL;
    if (size < 0)
        config_problem(p, NULL, "cannot be read: %s", strerror((int)-size));
    else if (size > CONFIG_FILE_BYTES)
        config_problem(p, NULL, "is larger than %d KiB", CONFIG_FILE_BYTES / 1024);
    else
        root = config_tree_parse(data, (size_t)size, p);
    free(data);
    return root;
}

void config_node_free(struct config_node *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->n; i++) {
        if (node->keys)
            config_node_free(node->keys[i]);
        config_node_free(node->values[i]);
    }
    free(node->keys);
    free(node->values);
    free(node->text);
    free(node);
}

struct config_node *config_node_get(const struct config_node *map, const char *key)
{
    for (size_t i = 0; map && map->kind == CONFIG_MAP && i < map->n; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->values[i];
    return NULL;
}

bool config_node_is_null(const struct config_node *node)
{
    return !node || (node->kind == CONFIG_SCALAR && !node->quoted &&
                     (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0));
}

const char *config_kind_name(const struct config_node *node)
{
    return node->kind == CONFIG_MAP ? "a map" : node->kind == CONFIG_LIST ? "a list" : "a single value";
}
