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
    uint8_t *sifts; /* by code of the first step, which must be true: whether it is; NULL: it need not be */
};

void filter_free(struct filter *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i < f->n_steps; i++)
        free(f->steps[i].table);
    free(f->sifts);
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

struct making {
    struct filter *f;
    const struct expression *e;
    struct dimension *const *dimensions;
    const uint8_t *truths; /* of tests of the answer, whatever it is; NULL: as it is */
    json_t *warnings;
};

static int make_test(struct making *g, unsigned place)
{
    const struct expression *e = g->e;
    const struct expression_node *node = &e->nodes[place];
    const struct dimension *d = g->dimensions[node->dimension];
    struct step *step = &g->f->steps[g->f->n_steps++];
    *step = (struct step){.op = node->op, .dimension = node->dimension, .field = dimension_code_field(d)};
    step->table = test_table(e, node, d);
    if (step->table && g->truths && dimension_name_of(d)->cuts)
        memset(step->table, g->truths[place], dimension_count(d));
    if (step->field >= 0)
        step->table = code_table(d, step->table);
    for (unsigned k = 0; k < node->n_literals && !g->truths; k++)
        if (e->literals[node->first_literal + k].text && !dimension_name_of(d)->values)
            warn_unknown(d, &e->literals[node->first_literal + k], g->warnings);
    return step->table ? 0 : -ENOMEM;
}

/* Nodes from first up to and with last, which are a condition of their own. */
static int make_steps(struct making *g, unsigned first, unsigned last)
{
    int r = 0;
    for (unsigned i = first; i <= last && r == 0; i++) {
        if (g->e->nodes[i].op < OP_AND)
            r = make_test(g, i);
        else
            filter_connect(g->f, g->e->nodes[i].op);
    }
    return r;
}

/* Where the condition begins that ends with a node: parts stand before what connects them. */
static unsigned part_first(const struct expression *e, unsigned last)
{
    unsigned i = last;
    for (unsigned wanted = 1;; i--) {
        wanted += e->nodes[i].op < OP_AND ? -1u : e->nodes[i].op == OP_NOT ? 0 : 1;
        if (wanted == 0)
            return i;
    }
}

struct part {
    unsigned first, last;
    int field; /* of one test by code, else -1 */
};

/* What all must hold, as far as "and" connects it: tests by code first, those of one field side by side. The
 * least of several truths is the same in any order. */
static unsigned find_parts(const struct making *g, struct part *parts)
{
    const struct expression *e = g->e;
    unsigned lasts[EXPRESSION_NODES], n_lasts = 0, n = 0;
    lasts[n_lasts++] = e->n_nodes - 1u;
    while (n_lasts > 0) {
        unsigned last = lasts[--n_lasts];
        if (e->nodes[last].op == OP_AND) {
            lasts[n_lasts++] = last - 1;
            lasts[n_lasts++] = part_first(e, last - 1) - 1;
            continue;
        }
        struct part part = {part_first(e, last), last, -1};
        if (part.first == last)
            part.field = dimension_code_field(g->dimensions[e->nodes[last].dimension]);
        unsigned at = n++;
        for (; at > 0 && part.field > parts[at - 1].field; at--)
            parts[at] = parts[at - 1];
        parts[at] = part;
    }
    return n;
}

/* Where the first part is a test by code, what that says of a row. */
static int make_sifts(struct filter *f)
{
    const uint8_t *table = f->steps[0].table;
    f->sifts = malloc(CODES);
    for (uint32_t code = 0; f->sifts && code < CODES; code++)
        f->sifts[code] = table[code] == TRUTH_TRUE;
    return f->sifts ? 0 : -ENOMEM;
}

int filter_new(const struct expression *e, struct dimension *const *dimensions, bool whatever_answer,
               json_t *warnings, struct filter **ret)
{
    uint8_t truths[EXPRESSION_NODES] = {0};
    struct part parts[EXPRESSION_NODES];
    struct filter *f = calloc(1, sizeof(*f));
    struct making g = {f, e, dimensions, whatever_answer ? truths : NULL, warnings};
    int r = f ? 0 : -ENOMEM;
    unsigned n = r == 0 ? find_parts(&g, parts) : 0;
    filter_polarity(e, truths);
    for (unsigned i = 0; i < n && r == 0; i++) {
        r = make_steps(&g, parts[i].first, parts[i].last);
        if (r == 0 && i > 0)
            filter_connect(f, OP_AND);
    }
    if (r == 0 && step_is_code_test(&f->steps[0]) && parts[0].field >= 0)
        r = make_sifts(f);
    if (r < 0) {
        filter_free(f);
        return r;
    }
    f->depth = e->depth + 1u; /* the parts before and the one under way */
    *ret = f;
    return 0;
}

bool filter_sift(const struct filter *f, int *ret_field, const uint8_t **ret_table)
{
    if (!f->sifts)
        return false;
    *ret_field = f->steps[0].field;
    *ret_table = f->sifts;
    return true;
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

void filter_judge(const struct filter *f, const struct rows *rows, bool are_sifted, uint32_t *const *ids,
                  uint8_t *room, uint8_t *keep)
{
    const uint32_t n = rows->n;
    uint8_t *top = are_sifted ? room : room - FACT_VECTOR_ROWS;
    if (are_sifted) /* what the first step says of them */
        memset(top, TRUTH_TRUE, n);
    for (unsigned k = are_sifted; k < f->n_steps; k++) {
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
