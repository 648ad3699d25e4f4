/* Any bytes as a condition of a query: taken, it must be whole; refused, it must say why. */
#include "core/query/expression.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Connectives take from a stack what tests put on it: it never runs dry, and one truth is left. */
static void check(const struct expression *e, const struct dimension_names *names)
{
    unsigned depth = 0;
    if (e->n_nodes == 0 || e->n_nodes > EXPRESSION_NODES || e->n_literals > EXPRESSION_VALUES)
        abort();
    for (uint16_t i = 0; i < e->n_nodes; i++) {
        const struct expression_node *node = &e->nodes[i];
        unsigned taken = node->op == OP_NOT ? 1 : node->op == OP_AND || node->op == OP_OR ? 2 : 0;
        if (taken > depth)
            abort();
        if (taken == 0 &&
            (node->dimension >= names->n || node->first_literal + node->n_literals > e->n_literals))
            abort();
        depth = depth - taken + 1;
        if (depth > e->depth)
            abort();
    }
    if (depth != 1)
        abort();
    for (uint16_t i = 0; i < e->n_literals; i++) {
        const char *text = e->literals[i].text;
        if (text && (text < e->texts || text + strlen(text) >= e->texts + sizeof(e->texts)))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char declared[][EVENT_CODE_BYTES + 1] = {"ward"};
    struct dimension_names *names = malloc(sizeof(*names));
    char *text = malloc(size + 1);
    if (!names || !text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    dimension_names_init(names, declared, 1);

    struct expression *e = NULL;
    struct error err = ERROR_INIT;
    if (expression_parse(text, names, &e, &err) == 0)
        check(e, names);
    else if (!err.code[0] || !err.message[0])
        abort();
    expression_free(e);
    free(text);
    free(names);
    return 0;
}
