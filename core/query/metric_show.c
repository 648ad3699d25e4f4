/* The catalogue as it is shown: what `tendon metrics` answers. */
#include "core/base/nearest.h"
#include "core/query/dimension.h"
#include "core/query/metric.h"
#include "core/query/query.h"

#include <string.h>

static json_t *texts(const char *const *list)
{
    json_t *array = json_array();
    for (; *list; list++)
        (void)json_array_append_new(array, json_string(*list));
    return array;
}

static json_t *options_json(const struct metric *m)
{
    json_t *options = json_object();
    const struct metric_option *o;
    for (size_t i = 0; (o = metric_option_at(i)); i++)
        if (m->options & o->option)
            (void)json_object_set_new(options, o->name, json_string(o->values));
    if (m->units) {
        char units[80] = "";
        for (unsigned u = 0; u < UNIT_N; u++)
            if (m->units & 1u << u) {
                if (units[0])
                    (void)strncat(units, ", ", sizeof(units) - strlen(units) - 1);
                (void)strncat(units, metric_unit_name(u), sizeof(units) - strlen(units) - 1);
            }
        size_t used = strlen(units);
        (void)snprintf(units + used, sizeof(units) - used, "; %s unless given",
                       metric_unit_name(m->default_unit));
        (void)json_object_set_new(options, "unit", json_string(units));
    }
    if (m->has_ticket)
        (void)json_object_set_new(options, "anchor", json_string("created, completed"));
    return options;
}

static json_t *clocks_json(const struct metric *m)
{
    static const char *const BOTH[] = {"wall", "business", NULL}, *const WALL[] = {"wall", NULL},
                             *const NONE[] = {NULL};
    if (m->kind != METRIC_DURATION)
        return texts(NONE);
    return texts(metric_has_business(m) ? BOTH : m->has_own_clocks ? NONE : WALL);
}

/* The built-in dimensions that its rows do not have. */
static json_t *missing_json(const struct metric *m)
{
    static const struct dimension_names NO_NAMES;
    struct dimension_names names = NO_NAMES;
    json_t *missing = json_array();
    dimension_names_init(&names, NULL, 0);
    for (size_t i = 0; i < names.n; i++)
        if (!dimension_is_of(&names.names[i], m->table))
            (void)json_array_append_new(missing, json_string(names.names[i].name));
    return missing;
}

static json_t *left_out_json(const struct metric *m)
{
    json_t *reasons = json_object();
    for (unsigned k = 0; k < LEFT_OUT_N; k++)
        if (m->left_out & 1u << k)
            (void)json_object_set_new(reasons, left_out_name(k), json_string(left_out_why(k)));
    return reasons;
}

static json_t *beside_json(const struct metric *m)
{
    json_t *names = json_array();
    for (unsigned k = 0; k < METRIC_BESIDE && m->beside[k]; k++)
        (void)json_array_append_new(names, json_string(m->beside[k]));
    return names;
}

static json_t *metric_json(const struct metric *m)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", m->name, "version",
                     (int)m->version, "unit", m->unit, "definition", m->definition, "anchor",
                     metric_anchor_name(m), "clocks", clocks_json(m), "statistics",
                     texts(metric_statistics(m)), "options", options_json(m), "beside", beside_json(m),
                     "left_out", left_out_json(m), "no_dimensions", missing_json(m));
}

json_t *metric_catalogue(void)
{
    json_t *list = json_array();
    const struct metric *m;
    for (size_t i = 0; list && (m = metric_at(i)); i++)
        if (!m->is_hidden && json_array_append_new(list, metric_json(m)) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

int metric_show(const char *name, json_t **ret, struct error *err)
{
    if (!name || !*name)
        return error_set(err, -EINVAL, "unknown_metric", "which metric?");
    const struct metric *m = metric_find(name, strlen(name));
    if (!m) {
        const char *nearest = metric_nearest(name, strlen(name));
        (void)error_set(err, -ENOENT, "unknown_metric", "no metric is named '%.64s'", name);
        const struct metric *asked = metric_find(name, strcspn(name, "."));
        if (asked && !asked->is_hidden)
            error_hint(err, "did you mean %s? Its definition is one for all its clocks and statistics",
                       asked->name);
        else if (nearest)
            error_hint(err, "did you mean %s?", nearest);
        else
            error_hint(err, "tendon metrics lists all");
        return -ENOENT;
    }
    json_t *shown = metric_json(m);
    if (!shown)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the definition of %s", name);
    *ret = shown;
    return 0;
}
