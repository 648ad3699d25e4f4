/* reference.import, reference.list */
#include "core/base/nearest.h"
#include "core/fold/reference.h"
#include "core/ingest/committer.h"
#include "core/ingest/pattern.h"
#include "core/tenant/method.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 32

static int table_param(const struct request *r, enum reference_table *ret)
{
    static const char *const NAMES[REFERENCE_N] = {"site", "team"};
    const char *name;
    int result = request_text(r, "table", true, &name);
    if (result < 0)
        return result;
    for (unsigned i = 0; i < REFERENCE_N; i++)
        if (strcmp(NAMES[i], name) == 0) {
            *ret = (enum reference_table)i;
            return 0;
        }
    return error_set(r->err, -EINVAL, "bad_param", "the parameter \"table\" takes site or team");
}

/* --- importing --- */

struct import {
    const struct request *request;
    enum reference_table table;
    int64_t valid_from;
    json_t *rows;
    size_t n_changed;
};

static int find_attribute(enum reference_table table, const char *name, struct error *err)
{
    struct nearest near;
    nearest_init(&near, name, strlen(name));
    for (int i = 0; i < REFERENCE_ATTRIBUTES_N; i++) {
        if (REFERENCE_ATTRIBUTE_INFO[i].table != table)
            continue;
        if (strcmp(REFERENCE_ATTRIBUTE_INFO[i].name, name) == 0)
            return i;
        nearest_offer(&near, REFERENCE_ATTRIBUTE_INFO[i].name);
    }
    error_set(err, -EINVAL, "unknown_attribute", "a %s has no such attribute",
              table == REFERENCE_SITE ? "site" : "team");
    if (near.best)
        error_hint(err, "did you mean \"%s\"?", near.best);
    return -EINVAL;
}

static bool is_personal(const char *text)
{
    return text && pattern_is_personal(text, strlen(text));
}

/* One row of the request into the reference r, which checks the values. */
static int set_row(const struct import *im, const json_t *row, struct reference *r, const char **ret_key,
                   struct error *err)
{
    const char *values[REFERENCE_ATTRIBUTES_N] = {NULL};
    char numbers[REFERENCE_ATTRIBUTES_N][TEXT_BYTES];
    const char *name, *key = json_string_value(json_object_get(row, "key"));
    json_t *value;
    if (!key || !*key)
        return error_set(err, -EINVAL, "bad_param", "it has no \"key\" that is a text");
    json_object_foreach((json_t *)row, name, value)
    {
        if (strcmp(name, "key") == 0 || json_is_null(value))
            continue;
        int a = find_attribute(im->table, name, err);
        if (a < 0)
            return a;
        if (json_is_string(value))
            values[a] = json_string_length(value) ? json_string_value(value) : NULL;
        else if (json_is_number(value)) {
            if (json_is_integer(value))
                (void)snprintf(numbers[a], TEXT_BYTES, "%" PRId64, (int64_t)json_integer_value(value));
            else
                (void)snprintf(numbers[a], TEXT_BYTES, "%.17g", json_real_value(value));
            values[a] = numbers[a];
        } else
            return error_set(err, -EINVAL, "bad_param", "%s takes a text or a number",
                             REFERENCE_ATTRIBUTE_INFO[a].name);
    }
    if (is_personal(key))
        return error_set(err, -EINVAL, "bad_key", "the key looks as if it spoke of a person");
    for (unsigned a = 0; a < REFERENCE_ATTRIBUTES_N; a++)
        if (!REFERENCE_ATTRIBUTE_INFO[a].is_number && is_personal(values[a]))
            return error_set(err, -EINVAL, "bad_attribute", "attribute %s looks as if it spoke of a person",
                             REFERENCE_ATTRIBUTE_INFO[a].name);
    *ret_key = key;
    return reference_set(r, im->table, key, im->valid_from, values, err);
}

static bool same_row(enum reference_table table, const struct reference_row *a, const struct reference_row *b)
{
    bool same = true;
    for (int i = 0; same && i < REFERENCE_ATTRIBUTES_N; i++) {
        if (REFERENCE_ATTRIBUTE_INFO[i].table != table)
            continue;
        if (REFERENCE_ATTRIBUTE_INFO[i].is_number)
            same = a->numbers[i] == b->numbers[i];
        else
            same = a->strings[i] == b->strings[i] ||
                   (a->strings[i] && b->strings[i] && strcmp(a->strings[i], b->strings[i]) == 0);
    }
    return same;
}

/* Adds one row to next where it says something new. scratch is empty; the row is checked in it. */
static int import_row(struct import *im, const json_t *row, struct reference *next, struct error *err)
{
    struct reference *scratch;
    const char *key;
    int r = reference_new(NULL, &scratch);
    if (r < 0)
        return error_set(err, r, "no_memory", "out of memory for the rows");
    r = set_row(im, row, scratch, &key, err);
    if (r == 0) {
        const struct reference_row *before = reference_find(next, im->table, key, im->valid_from);
        if (!before ||
            !same_row(im->table, before, reference_find(scratch, im->table, key, im->valid_from))) {
            im->n_changed++;
            r = set_row(im, row, next, &key, err);
        }
    }
    reference_unref(scratch);
    return r;
}

static int import_rows(struct import *im, struct reference *next, struct error *err)
{
    for (size_t i = 0; i < json_array_size(im->rows); i++) {
        int r = import_row(im, json_array_get(im->rows, i), next, err);
        if (r < 0) {
            error_prefix(err, "row %zu", i + 1);
            return r;
        }
    }
    return 0;
}

int method_tables_copy(struct tenant *t, struct reference **ret, struct error *err)
{
    struct store_view *view;
    int r = store_view_open(t->store, FACT_TABLES_NONE, &view, err);
    if (r < 0)
        return r;
    r = reference_new(store_view_reference(view), ret);
    store_view_close(view);
    return r < 0 ? error_set(err, r, "no_memory", "out of memory for the reference tables") : 0;
}

/* On the tenant's committer: between two imports nobody else's rows can get lost. */
static int import(struct tenant *t, void *ctx, struct error *err)
{
    struct import *im = ctx;
    struct reference *next;
    int r = method_tables_copy(t, &next, err);
    if (r < 0)
        return r;
    r = import_rows(im, next, err);
    if (r == 0 && im->n_changed)
        return store_set_reference(t->store, next, err);
    reference_unref(next);
    return r;
}

#define MISSING_MAX 20 /* names that an answer has room for */

static int add_missing(void *ctx, const char *name, size_t n_rows)
{
    json_t *list = ctx;
    return json_array_size(list) < MISSING_MAX ? list_append(list, json_string(name)) : 0;
}

/* What was imported, with the calendars that sites name and nobody imported, where there are any. */
static json_t *import_answer(struct tenant *t, const struct import *im)
{
    json_t *answer = json_pack("{s:I, s:I}", "imported", (json_int_t)json_array_size(im->rows), "changed",
                               (json_int_t)im->n_changed);
    struct store_view *view;
    if (!answer || im->table != REFERENCE_SITE ||
        store_view_open(t->store, FACT_TABLES_NONE, &view, NULL) < 0)
        return answer;
    json_t *missing = json_array();
    int result = reference_each_missing_calendar(store_view_reference(view), add_missing, missing);
    store_view_close(view);
    if (result == 0 && json_array_size(missing) > 0)
        result = json_object_set(answer, "missing_calendars", missing);
    json_decref(missing);
    if (result < 0) {
        json_decref(answer);
        answer = NULL;
    }
    return answer;
}

int method_reference_import(struct request *r)
{
    struct tenant *t;
    struct import im = {.request = r, .valid_from = INT64_MIN};
    int result = request_tenant(r, &t);
    if (result == 0)
        result = table_param(r, &im.table);
    if (result == 0)
        result = request_int(r, "valid_from", EVENT_AT_MIN, 253402300799999, &im.valid_from);
    if (result < 0)
        return result;
    im.rows = json_object_get(r->params, "rows");
    if (!json_is_array(im.rows))
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"rows\" takes a list of maps");
    result = request_act(r, t,
                         json_pack("{s:s, s:I, s:o}", "table", im.table == REFERENCE_SITE ? "site" : "team",
                                   "rows", (json_int_t)json_array_size(im.rows), "valid_from",
                                   im.valid_from == INT64_MIN ? json_null() : json_integer(im.valid_from)));
    if (result == 0)
        result = committer_call(r->parts->committer, t, import, &im, r->err);
    return result < 0 ? result : request_answer_change(r, t, import_answer(t, &im));
}

/* --- listing --- */

struct listing {
    enum reference_table table;
    json_t *list;
};

static int list_row(void *ctx, const char *key, const struct reference_row *row)
{
    const struct listing *l = ctx;
    json_t *from = row->valid_from == INT64_MIN ? json_null() : instant_json(row->valid_from);
    json_t *out = json_pack("{s:s, s:o}", "key", key, "valid_from", from);
    for (int i = 0; out && i < REFERENCE_ATTRIBUTES_N; i++) {
        const struct reference_attribute_info *info = &REFERENCE_ATTRIBUTE_INFO[i];
        if (info->table != l->table)
            continue;
        json_t *value;
        if (info->is_number)
            value = row->numbers[i] == REFERENCE_NONE ? json_null() : json_integer(row->numbers[i]);
        else
            value = row->strings[i] ? json_string(row->strings[i]) : json_null();
        if (json_object_set_new(out, info->name, value) < 0) {
            json_decref(out);
            out = NULL;
        }
    }
    return list_append(l->list, out);
}

int method_reference_list(struct request *r)
{
    struct tenant *t;
    struct store_view *view;
    struct listing l = {.list = NULL};
    int result = request_tenant(r, &t);
    if (result == 0)
        result = table_param(r, &l.table);
    if (result == 0)
        result = store_view_open(t->store, FACT_TABLES_NONE, &view, r->err);
    if (result < 0)
        return result;
    l.list = json_array();
    if (store_view_reference(view))
        result = reference_each(store_view_reference(view), l.table, list_row, &l);
    store_view_close(view);
    if (result < 0) {
        json_decref(l.list);
        l.list = NULL;
    }
    return request_answer(r, l.list);
}
