#include "core/tenant/question.h"

#include "core/base/buffer.h"
#include "core/query/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES (16u * 1024) /* of a condition written out */

/* A namespace that no source can have: what is hashed under it is not a ticket's id to anybody. */
#define QUESTION_NAMESPACE "?"

char *question_hash(const struct store *store, const char *text, char room[QUESTION_HASH_BYTES])
{
    (void)snprintf(room, QUESTION_HASH_BYTES, "#%016" PRIx64,
                   store_hash_ticket(store, QUESTION_NAMESPACE, text, strlen(text)));
    return room;
}

/* --- the condition, written out --- */

struct writer {
    const struct query_context *context;
    const struct dimension_names *names;
    const struct expression *e;
    const struct store_view *view;
    struct buffer b;
};

static int row_has(void *context, const char *key, const struct reference_row *row)
{
    const char *text = context;
    for (unsigned i = 0; i < REFERENCE_ATTRIBUTES_N; i++)
        if (row->strings[i] && strcmp(row->strings[i], text) == 0)
            return 1;
    return strcmp(key, text) == 0;
}

/* Whether a text is one that the tenant keeps anyway: a value of the dimension, or in its tables. */
static bool is_kept(const struct writer *w, const struct dimension_name *name, const char *text)
{
    const struct reference *tables = store_view_reference(w->view);
    bool has_dictionary =
        name->kind == DIMENSION_EVENT || name->kind == DIMENSION_TIER || name->kind == DIMENSION_COLUMN;
    for (unsigned i = 0; i < name->n_values; i++)
        if (strcmp(name->values[i], text) == 0)
            return true;
    if (has_dictionary &&
        dictionary_find(store_view_dictionary(w->view), name->field, text, strlen(text)) > 0)
        return true;
    if (reference_has_value(tables, name->name, text, strlen(text)))
        return true;
    return tables && (reference_each(tables, REFERENCE_SITE, row_has, (void *)text) > 0 ||
                      reference_each(tables, REFERENCE_TEAM, row_has, (void *)text) > 0);
}

static void write_literal(struct writer *w, const struct dimension_name *name,
                          const struct expression_literal *l)
{
    char room[QUESTION_HASH_BYTES];
    if (!l->text)
        buffer_printf(&w->b, "%" PRId64, l->number);
    else if (!is_kept(w, name, l->text))
        buffer_append_string(&w->b, question_hash(w->context->store, l->text, room));
    else
        buffer_printf(&w->b, strchr(l->text, '\'') ? "\"%s\"" : "'%s'", l->text);
}

static void write_test(struct writer *w, const struct expression_node *node)
{
    static const char *const OPS[] = {
        [OP_EQUAL] = "=",          [OP_NOT_EQUAL] = "!=",
        [OP_LESS] = "<",           [OP_LESS_EQUAL] = "<=",
        [OP_GREATER] = ">",        [OP_GREATER_EQUAL] = ">=",
        [OP_IN] = " in (",         [OP_NOT_IN] = " not in (",
        [OP_IS_NULL] = " is null", [OP_IS_NOT_NULL] = " is not null",
    };
    const struct dimension_name *name = &w->names->names[node->dimension];
    bool is_list = node->op == OP_IN || node->op == OP_NOT_IN;
    buffer_append_string(&w->b, name->name);
    buffer_append_string(&w->b, OPS[node->op]);
    for (unsigned i = 0; i < node->n_literals; i++) {
        if (i > 0)
            buffer_append_string(&w->b, ",");
        write_literal(w, name, &w->e->literals[node->first_literal + i]);
    }
    if (is_list)
        buffer_append_string(&w->b, ")");
}

/* Where the part that ends with this node begins. Postfix: a connective's parts stand in front of it. */
static unsigned part_begin(const struct expression *e, unsigned end)
{
    unsigned wanted = 1, i = end + 1;
    while (wanted > 0) {
        i--;
        wanted += e->nodes[i].op < OP_AND ? -1u : e->nodes[i].op == OP_NOT ? 0u : 1u;
    }
    return i;
}

/* As deep as the expression is, which EXPRESSION_DEPTH and EXPRESSION_NODES bound. */
static void write_part(struct writer *w, unsigned end)
{
    const struct expression_node *node = &w->e->nodes[end];
    if (node->op < OP_AND) {
        write_test(w, node);
        return;
    }
    if (node->op == OP_NOT) {
        buffer_append_string(&w->b, "not (");
        write_part(w, end - 1);
        buffer_append_string(&w->b, ")");
        return;
    }
    unsigned right = part_begin(w->e, end - 1);
    buffer_append_string(&w->b, "(");
    write_part(w, right - 1);
    buffer_append_string(&w->b, node->op == OP_AND ? " and " : " or ");
    write_part(w, end - 1);
    buffer_append_string(&w->b, ")");
}

static int where_json(const struct query_context *context, const struct request *r, json_t **ret,
                      struct error *err)
{
    struct store_view *view;
    if (!r->where) {
        *ret = json_null();
        return 0;
    }
    int result = store_view_open(context->store, FACT_TABLES_NONE, &view, err);
    if (result < 0)
        return result;
    struct writer w = {.context = context, .names = &r->names, .e = r->where, .view = view};
    buffer_init(&w.b, TEXT_BYTES);
    write_part(&w, r->where->n_nodes - 1u);
    store_view_close(view);
    *ret = buffer_failed(&w.b) ? json_string("too long") : json_stringn((char *)w.b.data, w.b.size);
    buffer_fini(&w.b);
    return *ret ? 0 : error_set(err, -ENOMEM, "no_memory", "out of memory for the question");
}

/* --- the whole --- */

static json_t *instant_or_null(int64_t ms)
{
    return ms == PERIOD_BEGINNING || ms == PERIOD_END ? json_null() : json_integer(ms);
}

/* What names and numbers it is made of; the texts among the options were checked by the reading. */
static json_t *request_json(const struct request *r)
{
    static const char *const UNITS[] = {[ZONE_DAY] = "d", [ZONE_WEEK] = "w", [ZONE_MONTH] = "mo"};
    char every[32];
    json_t *metrics = json_array(), *by = json_array();
    for (unsigned i = 0; i < r->n_asked; i++)
        (void)json_array_append_new(metrics, json_string(r->asked[i].key));
    for (unsigned i = 0; i < r->n_by; i++)
        (void)json_array_append_new(by, json_string(r->names.names[r->by[i]].name));
    json_t *json = json_pack("{s:o, s:o, s:o, s:o}", "metrics", metrics, "by", by, "since",
                             instant_or_null(r->range.since), "until", instant_or_null(r->range.until));
    if (json && r->range.has_every && (unsigned)r->range.unit < sizeof(UNITS) / sizeof(*UNITS) &&
        UNITS[r->range.unit]) {
        (void)snprintf(every, sizeof(every), "%d%s", r->range.n_units, UNITS[r->range.unit]);
        (void)json_object_set_new(json, "every", json_string(every));
    }
    if (json && r->range.has_at)
        (void)json_object_set_new(json, "at", json_integer(r->range.at));
    if (json && r->is_unit_given)
        (void)json_object_set_new(json, "unit", json_string(metric_unit_name(r->unit)));
    return json;
}

/* What is a question's own, without what metric.explain adds. */
static json_t *question_of(const json_t *body)
{
    json_t *copy = json_copy((json_t *)body);
    (void)json_object_del(copy, "top");
    return copy;
}

int question_compile(const struct query_context *context, const json_t *body, json_t **ret, struct error *err)
{
    struct request *r;
    json_t *question = question_of(body), *where = NULL;
    if (!question)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the question");
    int result = request_read(context, question, &r, err);
    json_decref(question);
    if (result < 0)
        return result;
    result = where_json(context, r, &where, err);
    json_t *json = result == 0 ? request_json(r) : NULL;
    request_free(r);
    if (result < 0)
        return result;
    if (!json || json_object_set_new(json, "where", where) < 0) {
        json_decref(json);
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the question");
    }
    *ret = json;
    return 0;
}

/* --- narrowing --- */

/* The condition by itself. */
static int read_condition(const struct query_context *context, const char *text, struct error *err)
{
    struct dimension_names *names = malloc(sizeof(*names));
    struct expression *e;
    if (!names)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the question");
    dimension_names_init(names, context->declared, context->n_declared);
    int r = expression_parse(text, names, &e, err);
    if (r == 0)
        expression_free(e);
    free(names);
    return r;
}

int question_narrow(const struct query_context *context, const json_t *body,
                    const char (*sites)[EVENT_CODE_BYTES + 1], unsigned n, json_t **ret, struct error *err)
{
    json_t *where = json_object_get(body, "where");
    const char *own = json_string_value(where);
    struct buffer b;
    if (where && !json_is_null(where) && !own)
        return error_set(err, -EINVAL, "bad_option", "where takes a text");
    int r = own ? read_condition(context, own, err) : 0;
    if (r < 0)
        return r;
    buffer_init(&b, TEXT_BYTES);
    buffer_append_string(&b, "site in (");
    for (unsigned i = 0; i < n; i++) /* a site with both kinds of quotes cannot be granted */
        buffer_printf(&b, strchr(sites[i], '\'') ? "%s\"%s\"" : "%s'%s'", i > 0 ? "," : "", sites[i]);
    buffer_append_string(&b, ")");
    if (own)
        buffer_printf(&b, " and (%s)", own);
    json_t *copy = buffer_failed(&b) ? NULL : json_copy((json_t *)body);
    if (copy && json_object_set_new(copy, "where", json_stringn((char *)b.data, b.size)) < 0) {
        json_decref(copy);
        copy = NULL;
    }
    buffer_fini(&b);
    if (!copy)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the question");
    *ret = copy;
    return 0;
}

void question_narrow_answer(json_t *answer, bool is_refolding)
{
    static const char *const OF_ALL[] = {"orphans",
                                         "conflicts",
                                         "conflicts_by_source",
                                         "data_errors",
                                         "sources",
                                         "excluded",
                                         "excluded_by_source",
                                         "inferred",
                                         "explain",
                                         "left_out",
                                         "as_of"};
    json_t *meta = json_object_get(answer, "meta");
    for (size_t i = 0; i < sizeof(OF_ALL) / sizeof(*OF_ALL); i++)
        (void)json_object_del(meta, OF_ALL[i]);
    json_t *warnings = json_array();
    if (is_refolding)
        (void)json_array_append_new(warnings,
                                    json_string("facts are being made anew: these are those before"));
    (void)json_object_set_new(meta, "warnings", warnings);
}
