#include "core/query/filter.h"

#include "core/base/nearest.h"

#include <stdlib.h>
#include <string.h>

#define CODES (UINT16_MAX + 1)

/* A step of the condition, in the order in which its parts are worked out. */
struct step {
    enum expression_op op; /* below OP_AND: a test, or several folded into one */
    uint16_t dimension;    /* a test: whose ids the table goes by … */
    int field;             /* … unless this is one: then by its codes, CODES of them */
    uint8_t *table;        /* truths */
};

struct filter {
    struct step steps[EXPRESSION_NODES];
    unsigned n_steps, depth;
};

void filter_free(struct filter *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i < f->n_steps; i++)
        free(f->steps[i].table);
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

/* Truths by id. */
static uint8_t *test_table(const struct expression *e, const struct expression_node *node,
                           const struct dimension *d)
{
    uint32_t n = dimension_count(d);
    uint8_t *table = malloc(n);
    for (uint32_t id = 0; table && id < n; id++) {
        struct dimension_value value = dimension_value(d, id);
        table[id] = (uint8_t)expression_test(e, node, &value);
    }
    return table;
}

/* Truths by code, from those by id, which it takes over. */
static uint8_t *code_table(const struct dimension *d, uint8_t *by_id)
{
    uint8_t *table = by_id ? malloc(CODES) : NULL;
    uint32_t n = dimension_codes(d);
    if (table) {
        memset(table, by_id[0], CODES);
        for (uint32_t code = 0; code < n && code < CODES; code++)
            table[code] = by_id[dimension_code_id(d, (uint16_t)code)];
    }
    free(by_id);
    return table;
}

static bool step_is_code_test(const struct step *s)
{
    return s->op < OP_AND && s->field >= 0;
}

static void fold(enum expression_op op, uint8_t *left, const uint8_t *right, uint32_t n)
{
    if (op == OP_AND)
        for (uint32_t i = 0; i < n; i++)
            left[i] = left[i] < right[i] ? left[i] : right[i];
    else
        for (uint32_t i = 0; i < n; i++)
            left[i] = left[i] > right[i] ? left[i] : right[i];
}

static void negate(uint8_t *truths, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        truths[i] = (uint8_t)(TRUTH_TRUE - truths[i]);
}

/* Adds a connective. Tests of one field's code become one test. */
static void filter_connect(struct filter *f, enum expression_op op)
{
    struct step *last = f->n_steps > 0 ? &f->steps[f->n_steps - 1] : NULL;
    struct step *before = f->n_steps > 1 ? &f->steps[f->n_steps - 2] : NULL;
    if (op == OP_NOT && last && step_is_code_test(last)) {
        negate(last->table, CODES);
        return;
    }
    if (op != OP_NOT && before && step_is_code_test(last) && step_is_code_test(before) &&
        last->field == before->field) {
        fold(op, before->table, last->table, CODES);
        free(last->table);
        f->n_steps--;
        return;
    }
    f->steps[f->n_steps++] = (struct step){.op = op};
}

int filter_new(const struct expression *e, struct dimension *const *dimensions, bool whatever_answer,
               json_t *warnings, struct filter **ret)
{
    uint8_t truths[EXPRESSION_NODES] = {0};
    struct filter *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->depth = e->depth;
    filter_polarity(e, truths);
    for (unsigned i = 0; i < e->n_nodes; i++) {
        const struct expression_node *node = &e->nodes[i];
        if (node->op >= OP_AND) {
            filter_connect(f, node->op);
            continue;
        }
        const struct dimension *d = dimensions[node->dimension];
        struct step *step = &f->steps[f->n_steps++];
        *step = (struct step){.op = node->op, .dimension = node->dimension, .field = dimension_code_field(d)};
        step->table = test_table(e, node, d);
        if (step->table && whatever_answer && dimension_name_of(d)->cuts)
            memset(step->table, truths[i], dimension_count(d));
        if (step->field >= 0)
            step->table = code_table(d, step->table);
        if (!step->table) {
            filter_free(f);
            return -ENOMEM;
        }
        for (unsigned k = 0; k < node->n_literals && !whatever_answer; k++)
            if (e->literals[node->first_literal + k].text && !dimension_name_of(d)->values)
                warn_unknown(d, &e->literals[node->first_literal + k], warnings);
    }
    *ret = f;
    return 0;
}

bool filter_reads_ids(const struct filter *f, unsigned dimension)
{
    for (unsigned i = 0; f && i < f->n_steps; i++)
        if (f->steps[i].op < OP_AND && f->steps[i].field < 0 && f->steps[i].dimension == dimension)
            return true;
    return false;
}

size_t filter_room(const struct filter *f)
{
    return (size_t)f->depth * FACT_VECTOR_ROWS;
}

void filter_judge(const struct filter *f, const struct rows *rows, uint32_t *const *ids, uint8_t *room,
                  uint8_t *keep)
{
    const uint32_t n = rows->n;
    uint8_t *top = room - FACT_VECTOR_ROWS;
    for (unsigned k = 0; k < f->n_steps; k++) {
        const struct step *step = &f->steps[k];
        const uint8_t *table = step->table;
        if (step->op < OP_AND) {
            top += FACT_VECTOR_ROWS;
            if (step->field >= 0) {
                const uint16_t *codes = rows->dimensions[step->field];
                for (uint32_t i = 0; i < n; i++)
                    top[i] = table[codes[i]];
            } else {
                const uint32_t *id = ids[step->dimension];
                for (uint32_t i = 0; i < n; i++)
                    top[i] = table[id[i]];
            }
        } else if (step->op == OP_NOT) {
            negate(top, n);
        } else {
            top -= FACT_VECTOR_ROWS;
            fold(step->op, top, top + FACT_VECTOR_ROWS, n);
        }
    }
    for (uint32_t i = 0; i < n; i++)
        keep[i] = top[i] == TRUTH_TRUE;
}
