/* Conditions: `vendor=acme and (beds>100 or beds is null) and not channel in (web, "e mail")`.
 *
 *   condition  = term { "or" term }
 *   term       = factor { "and" factor }
 *   factor     = "not" factor | "(" condition ")" | dimension test
 *   test       = ("=" | "!=" | "<" | "<=" | ">" | ">=") value
 *              | ["not"] "in" "(" value { "," value } ")"
 *              | "is" ["not"] "null"
 *   value      = a whole number, a word (letters, digits, - _ . : / +), or text in '…' or "…"
 *
 * "not" binds closer than "and", "and" closer than "or"; keywords are taken in any case. Three values: a
 * comparison with null is neither true nor false, nor is its negation; a row counts when the whole is true.
 */
#ifndef TENDON_QUERY_EXPRESSION_H
#define TENDON_QUERY_EXPRESSION_H

#include "core/base/error.h"
#include "core/query/dimension.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPRESSION_BYTES  4096
#define EXPRESSION_DEPTH  32  /* of parentheses and "not" */
#define EXPRESSION_NODES  256 /* tests and connectives */
#define EXPRESSION_VALUES 512 /* literals in all */

/* The three truths, so that "and" is the lesser and "or" the greater. */
enum truth { TRUTH_FALSE, TRUTH_NULL, TRUTH_TRUE };

enum expression_op {
    OP_EQUAL,
    OP_NOT_EQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_IN,
    OP_NOT_IN,
    OP_IS_NULL,
    OP_IS_NOT_NULL,
    OP_AND,
    OP_OR,
    OP_NOT,
};

struct expression_literal {
    const char *text; /* NULL for a number; in the expression's own memory */
    int64_t number;
    uint32_t column; /* in the source, from 1 */
};

/* Postfix order: a connective follows what it connects. */
struct expression_node {
    enum expression_op op;
    uint16_t dimension; /* of a test: place in the names */
    uint16_t first_literal, n_literals;
};

struct expression {
    uint16_t n_nodes, n_literals, depth; /* depth: truths on the stack at most */
    struct expression_node nodes[EXPRESSION_NODES];
    struct expression_literal literals[EXPRESSION_VALUES];
    char texts[EXPRESSION_BYTES + EXPRESSION_VALUES];
};

/* -EINVAL bad_expression or unknown_dimension, with the column in the message and the nearest name in the
 * hint; -ENOMEM. */
int expression_parse(const char *source, const struct dimension_names *names, struct expression **ret,
                     struct error *err);
void expression_free(struct expression *e);

/* What a test says of one value. */
enum truth expression_test(const struct expression *e, const struct expression_node *test,
                           const struct dimension_value *value);

#endif
