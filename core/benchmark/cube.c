#include "core/benchmark/cube.h"

#include "core/base/nearest.h"
#include "core/ingest/pattern.h"
#include "core/query/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those of a dimension and those of another with the same chain contain one another: a group of the one is
 * all of some groups of the other. What names organisations (site, org, ccn, …) or people's teams is none. */
static const struct {
    const char *name, *chain;
} DIMENSIONS[] = {
    {"category", "category"},        {"channel", "channel"},       {"country", "place"},
    {"facility_kind", "kind"},       {"outsourcer", "outsourcer"}, {"product", "vendor"},
    {"requester_role", "requester"}, {"severity", "severity"},     {"state", "place"},
    {"support_model", "outsourcer"}, {"support_region", "region"}, {"vendor", "vendor"},
};
#define N_DIMENSIONS (sizeof(DIMENSIONS) / sizeof(*DIMENSIONS))

/* Cubes of one kind may count the same things, or some that others count: an SLA cycle that was met is a
 * response or solve. When surveys and contacts come says nothing of a ticket's month. */
enum { KIND_TICKETS, KIND_SURVEYS, KIND_CONTACTS };

const char *cube_dimension_at(size_t place)
{
    return place < N_DIMENSIONS ? DIMENSIONS[place].name : NULL;
}

static int read_dimension(struct cube *c, const char *by, struct error *err)
{
    struct nearest near;
    nearest_init(&near, by, strlen(by));
    for (unsigned i = 0; i < N_DIMENSIONS; i++) {
        if (strcmp(DIMENSIONS[i].name, by) == 0) {
            c->dimension = i;
            c->by = DIMENSIONS[i].name;
            return 0;
        }
        nearest_offer(&near, DIMENSIONS[i].name);
    }
    error_set(err, -EINVAL, "not_a_cube", "cubes cannot be by \"%.64s\"", by);
    if (near.best)
        error_hint(err, "did you mean \"%s\"?", near.best);
    else
        error_hint(err, "by what names no organisation: vendor, product, support_region, facility_kind, …");
    return -EINVAL;
}

static unsigned kind_of(enum fact_table table)
{
    switch (table) {
    case FACT_RATING:
    case FACT_ANSWER:
    case FACT_SENDING:
        return KIND_SURVEYS;
    case FACT_CONTACT:
        return KIND_CONTACTS;
    default:
        return KIND_TICKETS;
    }
}

/* Why figures of a metric would tell too much, or NULL. */
static const char *metric_tells(const struct metric *m)
{
    if (m->anchor == ANCHOR_INSTANT)
        return "each one is the one before and what came and went since, so that months could be subtracted";
    if (m->trial == TRIAL_OUTSOURCED || m->trial == TRIAL_OFFSHORE)
        return "it counts the groups of a dimension; make a cube of tickets_solved by it";
    if (m->default_unit != UNIT_TICKET)
        return "its votes are counted over all answers of one tenant";
    if (m->kind == METRIC_SCORE || (m->kind == METRIC_MEAN && m->per <= 1))
        return "n times it is a small count";
    return NULL;
}

_Static_assert(CUBE_KEY_BYTES == REQUEST_NAME_BYTES, "a metric as it is asked for");

static int judge_metric(struct cube *c, const struct asked *asked, struct error *err)
{
    const struct metric *m = asked->metric;
    const char *tells = metric_tells(m);
    if (tells)
        return error_set(err, -EINVAL, "not_a_cube", "%s cannot be a cube: %s", m->name, tells);
    c->metric = m;
    c->kind = kind_of(m->table);
    memcpy(c->key, asked->key, sizeof(c->key));
    switch (asked->statistic) {
    case STATISTIC_NATURAL:
        c->numerator = m->kind == METRIC_RATIO ? NUMERATOR_SHARE : NUMERATOR_NONE;
        return 0;
    case STATISTIC_AVERAGE:
        c->numerator = NUMERATOR_NONE;
        c->is_average = true;
        return 0;
    case STATISTIC_PERCENTILE:
        c->numerator = NUMERATOR_RANK;
        c->percentile = asked->percentile;
        return 0;
    default:
        error_set(err, -EINVAL, "not_a_cube", "%s cannot be a cube: only averages and percentiles can",
                  asked->key);
        error_hint(err, "did you mean %s or %s.p50?", m->name, m->name);
        return -EINVAL;
    }
}

/* --- groups --- */

static int add_group(struct cube *c, const char *value, struct error *err)
{
    size_t size = strlen(value);
    if (event_code_check(value, size) != REJECT_NONE || pattern_is_personal(value, size)) {
        error_set(err, -EINVAL, "bad_param", "group %u cannot be a value of a dimension", c->n_groups + 1);
        error_hint(err, "at most 64 printable bytes, and nothing that speaks of a person");
        return -EINVAL;
    }
    if (c->n_groups == CUBE_GROUPS_MAX)
        return error_set(err, -EINVAL, "bad_param", "a cube has %d groups at most", CUBE_GROUPS_MAX);
    if (cube_group(c, value) >= 0)
        return error_set(err, -EINVAL, "bad_param", "group %u is there already", c->n_groups + 1);
    memcpy(c->groups[c->n_groups++], value, size + 1);
    return 0;
}

/* All values of a dimension that has a closed list. */
static int all_groups(struct cube *c, const struct dimension_name *name, struct error *err)
{
    char number[24];
    int r = 0;
    if (!name->values && (!name->is_number || name->high - name->low >= CUBE_GROUPS_MAX)) {
        error_set(err, -EINVAL, "bad_param", "a cube by %s needs its groups", name->name);
        error_hint(err,
                   "name those to be compared, each with --group: what is seen must not depend on the data");
        return -EINVAL;
    }
    for (unsigned i = 0; r == 0 && i < name->n_values; i++)
        r = add_group(c, name->values[i], err);
    for (int64_t n = name->low; r == 0 && !name->values && n <= name->high; n++) {
        (void)snprintf(number, sizeof(number), "%lld", (long long)n);
        r = add_group(c, number, err);
    }
    return r;
}

static bool has_value(const struct dimension_name *name, const char *value)
{
    bool has = !name->values;
    for (unsigned i = 0; i < name->n_values && !has; i++)
        has = strcmp(name->values[i], value) == 0;
    return has;
}

static int read_groups(struct cube *c, const struct dimension_name *name, const json_t *groups,
                       struct error *err)
{
    int r = groups ? 0 : all_groups(c, name, err);
    for (size_t i = 0; r == 0 && i < json_array_size(groups); i++) {
        const char *value = json_string_value(json_array_get(groups, i));
        if (!value)
            return error_set(err, -EINVAL, "bad_param", "group %zu is no text", i + 1);
        if (!has_value(name, value)) {
            error_set(err, -EINVAL, "bad_param", "group %zu is no value of %s", i + 1, name->name);
            const char *nearest = nearest_name(value, name->values, name->n_values);
            if (nearest)
                error_hint(err, "did you mean \"%s\"?", nearest);
            return -EINVAL;
        }
        r = add_group(c, value, err);
    }
    if (r == 0 && c->n_groups < 2) {
        error_set(err, -EINVAL, "not_a_cube", "a cube of one group would be a total, which is not published");
        error_hint(err, "name two groups or more");
        return -EINVAL;
    }
    return r;
}

int cube_group(const struct cube *c, const char *value)
{
    for (unsigned i = 0; i < c->n_groups; i++)
        if (strcmp(c->groups[i], value) == 0)
            return (int)i;
    return -1;
}

/* --- */

int cube_read(const char *name, const char *metric, const char *by, const json_t *groups, struct cube *ret,
              struct error *err)
{
    const struct query_context context = {.zone = "UTC"};
    struct request *request;
    memset(ret, 0, sizeof(*ret));
    (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
    int r = read_dimension(ret, by, err);
    if (r < 0)
        return r;
    json_t *body = json_pack("{s:[s], s:[s, s]}", "metrics", metric, "by", by, "org");
    r = body ? request_read(&context, body, &request, err)
             : error_set(err, -ENOMEM, "no_memory", "out of memory for the cube");
    json_decref(body);
    if (r < 0)
        return r;
    r = request->n_asked == 1 ? judge_metric(ret, &request->asked[0], err)
                              : error_set(err, -EINVAL, "not_a_cube", "a cube is of one metric");
    if (r == 0)
        r = read_groups(ret, &request->names.names[request->by[0]], groups, err);
    request_free(request);
    return r;
}

static bool same_groups(const struct cube *a, const struct cube *b)
{
    bool same = a->n_groups == b->n_groups;
    for (unsigned i = 0; same && i < a->n_groups; i++)
        same = strcmp(a->groups[i], b->groups[i]) == 0;
    return same;
}

int cube_fits(const struct cube *c, const struct cube *beside, struct error *err)
{
    if (strcmp(c->name, beside->name) == 0)
        return error_set(err, -EEXIST, "cube_exists", "there is a cube %s already", c->name);
    if (c->dimension == beside->dimension) {
        if (strcmp(c->key, beside->key) == 0)
            return error_set(err, -EEXIST, "cube_exists", "%s is %s by %s already", beside->name, c->key,
                             c->by);
        if (same_groups(c, beside))
            return 0;
        error_set(err, -EINVAL, "not_a_cube",
                  "cubes by %s have the same groups, or one could be taken from another", c->by);
        error_hint(err, "give the groups of %s, in their order", beside->name);
        return -EINVAL;
    }
    if (strcmp(DIMENSIONS[c->dimension].chain, DIMENSIONS[beside->dimension].chain) != 0)
        return 0;
    error_set(err, -EINVAL, "not_a_cube",
              "there is a cube by %s: groups by %s are parts of its groups, or they of these, and what is "
              "dropped from "
              "one could be worked out from the other",
              beside->by, c->by);
    error_hint(err, "tendon benchmark undefine %s first, and all others by %s", beside->name, beside->by);
    return -EINVAL;
}

json_t *cube_json(const struct cube *c)
{
    json_t *groups = json_array();
    for (unsigned i = 0; i < c->n_groups; i++)
        (void)json_array_append_new(groups, json_string(c->groups[i]));
    if (json_array_size(groups) != c->n_groups) {
        json_decref(groups);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:o}", "metric", c->key, "by", c->by, "groups", groups);
}

int cube_of_json(const char *name, const json_t *json, struct cube *ret, struct error *err)
{
    const char *metric, *by;
    json_t *groups;
    struct error ignored = ERROR_INIT;
    if (json_unpack((json_t *)json, "{s:s, s:s, s:o}", "metric", &metric, "by", &by, "groups", &groups) ==
            0 &&
        cube_read(name, metric, by, groups, ret, &ignored) == 0)
        return 0;
    return error_set(err, -EBADMSG, "control_corrupt", "the record of the cube %.64s is damaged", name);
}

const char *cube_column_kind(const struct cube *c)
{
    switch (c->metric->kind) {
    case METRIC_COUNT:
        return "count";
    case METRIC_RATIO:
        return "ratio";
    case METRIC_DURATION:
        return "duration";
    default:
        return "mean";
    }
}

const char *cube_statistic(const struct cube *c)
{
    const char *p = strrchr(c->key, 'p');
    return c->is_average ? "avg" : c->percentile && p ? p : "";
}
