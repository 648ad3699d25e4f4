#include "core/query/filter.h"

#include "core/base/nearest.h"

#include <stdlib.h>
#include <string.h>

struct filter {
    const struct expression *e;
    uint8_t *tables[EXPRESSION_NODES]; /* of tests: truth by id */
};

void filter_free(struct filter *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i < EXPRESSION_NODES; i++)
        free(f->tables[i]);
    free(f);
}

/* A text that the open dimension does not know: most likely mistyped, and the answer would be empty without a
 * word. */
static void warn_unknown(const struct dimension *d, const struct expression_literal *literal,
                         json_t *warnings)
{
    struct nearest nearest;
    char text[3 * EVENT_CODE_BYTES + 160];
    uint32_t n = dimension_count(d);
    nearest_init(&nearest, literal->text, strlen(literal->text));
    for (uint32_t id = 1; id < n; id++) {
        struct dimension_value v = dimension_value(d, id);
        if (v.type != VALUE_IS_TEXT)
            continue;
        if (strcmp(v.text, literal->text) == 0)
            return;
        nearest_offer(&nearest, v.text);
    }
    (void)snprintf(text, sizeof(text), "where: column %u: no %s is '%.64s'%s%.64s%s", literal->column,
                   dimension_name_of(d)->name, literal->text, nearest.best ? "; did you mean " : "",
                   nearest.best ? nearest.best : "", nearest.best ? "?" : "");
    (void)json_array_append_new(warnings, json_string(text));
}

bool filter_cuts(const struct expression *e, const struct dimension_names *names)
{
    for (unsigned i = 0; i < e->n_nodes; i++)
        if (e->nodes[i].op < OP_AND && names->names[e->nodes[i].dimension].cuts)
            return true;
    return false;
}

/* For each test the truth of it that lets most rows through the whole: true, or false below an odd number of
 * "not". From the whole to its parts, which is the order from the end. */
static void filter_polarity(const struct expression *e, uint8_t truths[EXPRESSION_NODES])
{
    uint8_t stack[EXPRESSION_NODES + 1];
    unsigned n = 0;
    stack[n++] = TRUTH_TRUE;
    for (unsigned i = e->n_nodes; i-- > 0 && n > 0;) {
        uint8_t truth = stack[--n];
        truths[i] = truth;
        if (e->nodes[i].op == OP_NOT) {
            stack[n++] = (uint8_t)(TRUTH_TRUE - truth);
        } else if (e->nodes[i].op >= OP_AND) {
            stack[n++] = truth;
            stack[n++] = truth;
        }
    }
}

int filter_new(const struct expression *e, struct dimension *const *dimensions, bool whatever_answer,
               json_t *warnings, struct filter **ret)
{
    uint8_t truths[EXPRESSION_NODES] = {0};
    struct filter *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->e = e;
    filter_polarity(e, truths);
    bool ok = true;
    for (unsigned i = 0; i < e->n_nodes && ok; i++) {
        const struct expression_node *node = &e->nodes[i];
        if (node->op >= OP_AND)
            continue;
        const struct dimension *d = dimensions[node->dimension];
        uint32_t n = dimension_count(d);
        ok = (f->tables[i] = malloc(n)) != NULL;
        if (ok && whatever_answer && dimension_name_of(d)->cuts) {
            memset(f->tables[i], truths[i], n);
            continue;
        }
        for (uint32_t id = 0; id < n && ok; id++) {
            struct dimension_value value = dimension_value(d, id);
            f->tables[i][id] = (uint8_t)expression_test(e, node, &value);
        }
        for (unsigned k = 0; k < node->n_literals && ok && !whatever_answer; k++)
            if (e->literals[node->first_literal + k].text && !dimension_name_of(d)->values)
                warn_unknown(d, &e->literals[node->first_literal + k], warnings);
    }
    if (!ok) {
        filter_free(f);
        return -ENOMEM;
    }
    *ret = f;
    return 0;
}

size_t filter_room(const struct filter *f)
{
    return (size_t)f->e->depth * FACT_VECTOR_ROWS;
}

void filter_judge(const struct filter *f, uint32_t *const *ids, uint32_t n, uint8_t *room, uint8_t *keep)
{
    const struct expression *e = f->e;
    uint8_t *top = room - FACT_VECTOR_ROWS;
    for (unsigned k = 0; k < e->n_nodes; k++) {
        const struct expression_node *node = &e->nodes[k];
        if (node->op < OP_AND) {
            const uint8_t *table = f->tables[k];
            const uint32_t *id = ids[node->dimension];
            top += FACT_VECTOR_ROWS;
            for (uint32_t i = 0; i < n; i++)
                top[i] = table[id[i]];
        } else if (node->op == OP_NOT) {
            for (uint32_t i = 0; i < n; i++)
                top[i] = (uint8_t)(TRUTH_TRUE - top[i]);
        } else {
            uint8_t *left = top - FACT_VECTOR_ROWS;
            if (node->op == OP_AND)
                for (uint32_t i = 0; i < n; i++)
                    left[i] = left[i] < top[i] ? left[i] : top[i];
            else
                for (uint32_t i = 0; i < n; i++)
                    left[i] = left[i] > top[i] ? left[i] : top[i];
            top = left;
        }
    }
    for (uint32_t i = 0; i < n; i++)
        keep[i] = top[i] == TRUTH_TRUE;
}
