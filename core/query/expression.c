#include "core/query/expression.h"

#include "core/base/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_TEXT, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_COMMA, TOKEN_OP };

struct token {
    enum token_kind kind;
    enum expression_op op; /* TOKEN_OP */
    const char *start;     /* TOKEN_TEXT: within the quotes */
    size_t size;
    uint32_t column;
};

struct parser {
    const char *source, *p;
    const struct dimension_names *names;
    struct expression *e;
    struct token token; /* the one that is looked at */
    unsigned depth, stack;
    size_t n_texts;
    struct error *err;
};

static int parser_fail(struct parser *p, uint32_t column, const char *what)
{
    return error_set(p->err, -EINVAL, "bad_expression", "where: column %u: %s", column, what);
}

static bool is_word_byte(char c)
{
    /* Bytes of other scripts are part of words: codes are UTF-8. */
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) ||
           strchr("-_.:/+", c) != NULL;
}

/* Columns count characters, not bytes. */
static uint32_t column_of(const struct parser *p, const char *at)
{
    uint32_t column = 1;
    for (const char *c = p->source; c < at; c++)
        column += (*c & 0xc0) != 0x80;
    return column;
}

static int parser_next(struct parser *p)
{
    static const struct {
        const char *text;
        enum expression_op op;
    } OPS[] = {{"!=", OP_NOT_EQUAL}, {"<>", OP_NOT_EQUAL}, {"<=", OP_LESS_EQUAL}, {">=", OP_GREATER_EQUAL},
               {"==", OP_EQUAL},     {"=", OP_EQUAL},      {"<", OP_LESS},        {">", OP_GREATER}};
    while (*p->p == ' ' || *p->p == '\t' || *p->p == '\n' || *p->p == '\r')
        p->p++;
    p->token = (struct token){.start = p->p, .column = column_of(p, p->p)};
    char c = *p->p;
    if (c == '\0')
        return 0;
    if (c == '(' || c == ')' || c == ',') {
        p->token.kind = c == '(' ? TOKEN_OPEN : c == ')' ? TOKEN_CLOSE : TOKEN_COMMA;
        p->p++;
        return 0;
    }
    if (c == '"' || c == '\'') {
        const char *end = strchr(p->p + 1, c);
        if (!end)
            return parser_fail(p, p->token.column, "the text that starts here has no closing quote");
        p->token.kind = TOKEN_TEXT;
        p->token.start = p->p + 1;
        p->token.size = (size_t)(end - p->token.start);
        p->p = end + 1;
        return 0;
    }
    for (size_t i = 0; i < sizeof(OPS) / sizeof(OPS[0]); i++) {
        size_t n = strlen(OPS[i].text);
        if (strncmp(p->p, OPS[i].text, n) == 0) {
            p->token.kind = TOKEN_OP;
            p->token.op = OPS[i].op;
            p->p += n;
            return 0;
        }
    }
    if (!is_word_byte(c))
        return parser_fail(p, p->token.column, "this character has no meaning here");
    while (*p->p && is_word_byte(*p->p))
        p->p++;
    p->token.kind = TOKEN_WORD;
    p->token.size = (size_t)(p->p - p->token.start);
    return 0;
}

static bool token_is(const struct token *t, const char *keyword)
{
    return t->kind == TOKEN_WORD && t->size == strlen(keyword) &&
           strncasecmp(t->start, keyword, t->size) == 0;
}

static int parser_emit(struct parser *p, enum expression_op op, uint16_t dimension, uint16_t first_literal)
{
    struct expression *e = p->e;
    if (e->n_nodes == EXPRESSION_NODES)
        return parser_fail(p, p->token.column, "the condition has too many parts (256)");
    e->nodes[e->n_nodes++] =
        (struct expression_node){op, dimension, first_literal, (uint16_t)(e->n_literals - first_literal)};
    /* What the stack of truths will hold when this is worked out. */
    if (op < OP_AND)
        p->stack++;
    else if (op != OP_NOT)
        p->stack--;
    if (p->stack > e->depth)
        e->depth = (uint16_t)p->stack;
    return 0;
}

static bool parse_number(const char *s, size_t size, int64_t *ret)
{
    bool negative = size > 0 && *s == '-';
    int64_t n = 0;
    if (negative || (size > 0 && *s == '+'))
        s++, size--;
    if (size == 0 || size > 18)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        n = n * 10 + (s[i] - '0');
    }
    *ret = negative ? -n : n;
    return true;
}

/* A literal of a closed list must be in it. */
static int check_closed(struct parser *p, const struct dimension_name *name, const struct token *t)
{
    for (unsigned i = 0; i < name->n_values; i++)
        if (strlen(name->values[i]) == t->size && memcmp(name->values[i], t->start, t->size) == 0)
            return 0;
    (void)error_set(p->err, -EINVAL, "bad_expression", "where: column %u: %s is never '%.*s'", t->column,
                    name->name, (int)(t->size < 64 ? t->size : 64), t->start);
    struct nearest nearest;
    nearest_init(&nearest, t->start, t->size);
    for (unsigned i = 0; i < name->n_values; i++)
        nearest_offer(&nearest, name->values[i]);
    if (nearest.best) {
        error_hint(p->err, "did you mean %s?", nearest.best);
        return -EINVAL;
    }
    char list[200] = "";
    for (unsigned i = 0; i < name->n_values; i++) {
        size_t n = strlen(list);
        (void)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", name->values[i]);
    }
    error_hint(p->err, "it is one of %s", list);
    return -EINVAL;
}

static int parse_literal(struct parser *p, const struct dimension_name *name)
{
    struct expression *e = p->e;
    const struct token t = p->token;
    if (t.kind != TOKEN_WORD && t.kind != TOKEN_TEXT)
        return parser_fail(p, t.column, "a value is missing here");
    if (e->n_literals == EXPRESSION_VALUES)
        return parser_fail(p, t.column, "the condition has too many values (512)");
    struct expression_literal *literal = &e->literals[e->n_literals];
    *literal = (struct expression_literal){.column = t.column};
    if (token_is(&t, "null")) {
        (void)parser_fail(p, t.column, "nothing equals null");
        error_hint(p->err, "write %s is null, or is not null", name->name);
        return -EINVAL;
    }
    if (name->is_number) {
        if (!parse_number(t.start, t.size, &literal->number))
            return error_set(p->err, -EINVAL, "bad_expression",
                             "where: column %u: %s is compared with whole numbers only", t.column,
                             name->name);
        if (name->low <= name->high && (literal->number < name->low || literal->number > name->high))
            return error_set(p->err, -EINVAL, "bad_expression", "where: column %u: %s goes from %d to %d",
                             t.column, name->name, (int)name->low, (int)name->high);
    } else {
        int r = name->values ? check_closed(p, name, &t) : 0;
        if (r < 0)
            return r;
        /* Room for every text and its end: they are parts of the source, one a literal. */
        literal->text = e->texts + p->n_texts;
        memcpy(e->texts + p->n_texts, t.start, t.size);
        p->n_texts += t.size + 1;
    }
    e->n_literals++;
    return parser_next(p);
}

static int parse_list(struct parser *p, const struct dimension_name *name)
{
    int r = parser_next(p); /* in */
    if (r < 0)
        return r;
    if (p->token.kind != TOKEN_OPEN)
        return parser_fail(p, p->token.column, "'in' needs a list in parentheses");
    do {
        if ((r = parser_next(p)) < 0 || (r = parse_literal(p, name)) < 0)
            return r;
    } while (p->token.kind == TOKEN_COMMA);
    if (p->token.kind != TOKEN_CLOSE)
        return parser_fail(p, p->token.column, "a ',' or ')' is missing here");
    return parser_next(p);
}

static int parse_is_null(struct parser *p, enum expression_op *ret_op)
{
    int r = parser_next(p); /* is */
    *ret_op = OP_IS_NULL;
    if (r == 0 && token_is(&p->token, "not")) {
        *ret_op = OP_IS_NOT_NULL;
        r = parser_next(p);
    }
    if (r < 0)
        return r;
    if (!token_is(&p->token, "null"))
        return parser_fail(p, p->token.column, "'is' goes with null or not null only");
    return parser_next(p);
}

static int parse_test(struct parser *p)
{
    const struct token t = p->token;
    if (t.kind != TOKEN_WORD)
        return parser_fail(p, t.column,
                           t.kind == TOKEN_END ? "the condition ends where a dimension is needed"
                                               : "a dimension is needed here");
    int place = dimension_names_find(p->names, t.start, t.size);
    if (place < 0) {
        const char *nearest = dimension_names_nearest(p->names, t.start, t.size);
        (void)error_set(p->err, -EINVAL, "unknown_dimension",
                        "where: column %u: no dimension is named '%.*s'", t.column,
                        (int)(t.size < 64 ? t.size : 64), t.start);
        if (nearest)
            error_hint(p->err, "did you mean %s?", nearest);
        return -EINVAL;
    }
    const struct dimension_name *name = &p->names->names[place];
    uint16_t first_literal = p->e->n_literals;
    enum expression_op op;
    int r = parser_next(p);
    if (r < 0)
        return r;
    if (p->token.kind == TOKEN_OP) {
        op = p->token.op;
        if (op >= OP_LESS && op <= OP_GREATER_EQUAL && !name->is_number)
            return error_set(p->err, -EINVAL, "bad_expression",
                             "where: column %u: %s is no number and has no order; use = or in",
                             p->token.column, name->name);
        if ((r = parser_next(p)) < 0 || (r = parse_literal(p, name)) < 0)
            return r;
    } else if (token_is(&p->token, "is")) {
        if ((r = parse_is_null(p, &op)) < 0)
            return r;
    } else {
        op = OP_IN;
        if (token_is(&p->token, "not")) {
            op = OP_NOT_IN;
            if ((r = parser_next(p)) < 0)
                return r;
        }
        if (!token_is(&p->token, "in"))
            return parser_fail(p, p->token.column,
                               "a comparison is missing here (= != < <= > >= in, is null)");
        if ((r = parse_list(p, name)) < 0)
            return r;
    }
    return parser_emit(p, op, (uint16_t)place, first_literal);
}

static int parse_condition(struct parser *p);

static int parse_factor(struct parser *p)
{
    int r;
    bool is_not = token_is(&p->token, "not");
    if (!is_not && p->token.kind != TOKEN_OPEN)
        return parse_test(p);
    if (p->depth == EXPRESSION_DEPTH)
        return parser_fail(p, p->token.column, "parentheses and 'not' go deeper than 32");
    p->depth++;
    if ((r = parser_next(p)) < 0)
        return r;
    if (is_not) {
        if ((r = parse_factor(p)) < 0)
            return r;
        p->depth--;
        return parser_emit(p, OP_NOT, 0, p->e->n_literals);
    }
    if ((r = parse_condition(p)) < 0)
        return r;
    if (p->token.kind != TOKEN_CLOSE)
        return parser_fail(p, p->token.column, "a ')' is missing here");
    p->depth--;
    return parser_next(p);
}

static int parse_term(struct parser *p)
{
    int r = parse_factor(p);
    while (r == 0 && token_is(&p->token, "and"))
        if ((r = parser_next(p)) == 0 && (r = parse_factor(p)) == 0)
            r = parser_emit(p, OP_AND, 0, p->e->n_literals);
    return r;
}

static int parse_condition(struct parser *p)
{
    int r = parse_term(p);
    while (r == 0 && token_is(&p->token, "or"))
        if ((r = parser_next(p)) == 0 && (r = parse_term(p)) == 0)
            r = parser_emit(p, OP_OR, 0, p->e->n_literals);
    return r;
}

int expression_parse(const char *source, const struct dimension_names *names, struct expression **ret,
                     struct error *err)
{
    struct parser p = {.source = source, .p = source, .names = names, .err = err};
    if (strlen(source) > EXPRESSION_BYTES)
        return error_set(err, -EINVAL, "bad_expression", "where: the condition is longer than %d bytes",
                         EXPRESSION_BYTES);
    p.e = calloc(1, sizeof(*p.e));
    if (!p.e)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the condition");
    int r = parser_next(&p);
    if (r == 0)
        r = parse_condition(&p);
    if (r == 0 && p.token.kind != TOKEN_END)
        r = parser_fail(&p, p.token.column, "'and' or 'or' is missing here");
    if (r < 0) {
        expression_free(p.e);
        return r;
    }
    *ret = p.e;
    return 0;
}

void expression_free(struct expression *e)
{
    free(e);
}

static int literal_compare(const struct dimension_value *value, const struct expression_literal *literal)
{
    if (literal->text)
        return value->type == VALUE_IS_TEXT ? strcmp(value->text, literal->text) : 1;
    return (value->number > literal->number) - (value->number < literal->number);
}

static enum truth truth_of(bool b)
{
    return b ? TRUTH_TRUE : TRUTH_FALSE;
}

enum truth expression_test(const struct expression *e, const struct expression_node *test,
                           const struct dimension_value *value)
{
    const struct expression_literal *literals = e->literals + test->first_literal;
    bool is_null = value->type == VALUE_IS_NULL, found = false;
    if (test->op == OP_IS_NULL || test->op == OP_IS_NOT_NULL)
        return truth_of(is_null == (test->op == OP_IS_NULL));
    if (is_null)
        return TRUTH_NULL;
    int order = literal_compare(value, literals);
    switch (test->op) {
    case OP_EQUAL:
        return truth_of(order == 0);
    case OP_NOT_EQUAL:
        return truth_of(order != 0);
    case OP_LESS:
        return truth_of(order < 0);
    case OP_LESS_EQUAL:
        return truth_of(order <= 0);
    case OP_GREATER:
        return truth_of(order > 0);
    case OP_GREATER_EQUAL:
        return truth_of(order >= 0);
    default:
        break;
    }
    for (unsigned i = 0; i < test->n_literals && !found; i++)
        found = literal_compare(value, &literals[i]) == 0;
    return truth_of(found == (test->op == OP_IN));
}
