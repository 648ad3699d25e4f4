/* code.import, code.list: the values of dimensions that have no table of their own. */
#include "core/base/nearest.h"
#include "core/fold/reference.h"
#include "core/ingest/committer.h"
#include "core/ingest/pattern.h"
#include "core/tenant/method.h"
#include "core/tenant/settings.h"

#include <string.h>

/* --- importing --- */

struct import {
    const json_t *rows;
    struct tenant_settings *settings;
    size_t n_changed;
};

/* Whether values can be imported for a dimension; the name is nobody's until it is known. */
static int check_dimension(const struct tenant_settings *s, const char *name, struct error *err)
{
    struct nearest near;
    nearest_init(&near, name, strlen(name));
    for (unsigned field = 0; field < FIELD_N_DIMENSIONS; field++) {
        const char *known = settings_closable(s, field);
        bool is_it = known && strcmp(known, name) == 0;
        if (is_it && (field == FIELD_SITE || field == FIELD_TEAM)) {
            error_set(err, -EINVAL, "unknown_dimension", "%s has a table of its own", known);
            error_hint(err, "tendon %s import takes its values", known);
            return -EINVAL;
        }
        if (is_it)
            return 0;
        if (known)
            nearest_offer(&near, known);
    }
    error_set(err, -EINVAL, "unknown_dimension", "the tenant has no such dimension whose values are strings");
    if (near.best)
        error_hint(err, "did you mean \"%s\"?", near.best);
    return -EINVAL;
}

static int import_row(struct import *im, const json_t *row, struct reference *next, struct error *err)
{
    const char *name, *dimension = json_string_value(json_object_get(row, "dimension")),
                      *value = json_string_value(json_object_get(row, "value"));
    json_t *member;
    if (!dimension || !value)
        return error_set(err, -EINVAL, "bad_param", "it has no \"dimension\" and \"value\" that are texts");
    json_object_foreach((json_t *)row, name, member)
    {
        if (strcmp(name, "dimension") != 0 && strcmp(name, "value") != 0)
            return error_set(err, -EINVAL, "bad_param", "it has more than \"dimension\" and \"value\"");
    }
    int r = check_dimension(im->settings, dimension, err);
    if (r < 0)
        return r;
    if (pattern_is_personal(value, strlen(value)))
        return error_set(err, -EINVAL, "bad_value", "the value looks as if it spoke of a person");
    r = reference_add_code(next, dimension, value, err);
    im->n_changed += r > 0;
    return r < 0 ? r : 0;
}

/* On the tenant's committer: between two imports nobody else's rows can get lost. */
static int import(struct tenant *t, void *ctx, struct error *err)
{
    struct import *im = ctx;
    struct reference *next;
    int r = method_tables_copy(t, &next, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < json_array_size(im->rows) && r == 0; i++) {
        r = import_row(im, json_array_get(im->rows, i), next, err);
        if (r < 0)
            error_prefix(err, "row %zu", i + 1);
    }
    if (r == 0 && im->n_changed)
        return store_set_reference(t->store, next, err);
    reference_unref(next);
    return r;
}

int method_code_import(struct request *r)
{
    struct tenant *t;
    struct import im = {.rows = json_object_get(r->params, "rows")};
    int result = request_tenant(r, &t);
    if (result < 0)
        return result;
    if (!json_is_array(im.rows))
        return error_set(r->err, -EINVAL, "bad_param", "the parameter \"rows\" takes a list of maps");
    result = request_act(r, t, json_pack("{s:I}", "rows", (json_int_t)json_array_size(im.rows)));
    if (result < 0)
        return result;
    im.settings = tenant_settings_get(t);
    result = committer_call(r->parts->committer, t, import, &im, r->err);
    tenant_settings_unref(im.settings);
    return result < 0
               ? result
               : request_answer(r, json_pack("{s:I, s:I}", "imported", (json_int_t)json_array_size(im.rows),
                                             "changed", (json_int_t)im.n_changed));
}

/* --- listing --- */

static int list_code(void *ctx, const char *dimension, const char *value)
{
    return list_append(ctx, json_pack("{s:s, s:s}", "dimension", dimension, "value", value));
}

int method_code_list(struct request *r)
{
    struct tenant *t;
    struct store_view *view;
    int result = request_tenant(r, &t);
    if (result == 0)
        result = store_view_open(t->store, FACT_TABLES_NONE, &view, r->err);
    if (result < 0)
        return result;
    json_t *list = json_array();
    if (store_view_reference(view))
        result = reference_each_code(store_view_reference(view), list_code, list);
    store_view_close(view);
    if (result < 0) {
        json_decref(list);
        list = NULL;
    }
    return request_answer(r, list);
}
