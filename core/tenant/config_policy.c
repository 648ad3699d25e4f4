#include "core/tenant/config_policy.h"

#include "core/base/nearest.h"
#include "core/base/quantity.h"
#include "core/tenant/config_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The wire key of a dimension; NULL for one that is not declared. */
static const char *dimension_name(unsigned field, const char (*declared)[EVENT_CODE_BYTES + 1],
                                  unsigned n_declared)
{
    if (field < FIELD_N_BUILTIN)
        return FIELDS[field].name;
    return field - FIELD_DECLARED < n_declared ? declared[field - FIELD_DECLARED] : NULL;
}

static int dimension_find(const char *name, const char (*declared)[EVENT_CODE_BYTES + 1], unsigned n_declared)
{
    for (unsigned f = 0; f < FIELD_DECLARED + n_declared; f++)
        if (strcmp(dimension_name(f, declared, n_declared), name) == 0)
            return (int)f;
    return -1;
}

/* --- checking
 * ------------------------------------------------------------------------------------------------ */

/* The values of a condition: a list, or the one written alone. */
static size_t values_of(const struct config_node *const *node, const struct config_node *const **ret)
{
    bool is_list = (*node)->kind == CONFIG_LIST;
    *ret = is_list ? (const struct config_node *const *)(*node)->values : node;
    return is_list ? (*node)->n : 1;
}

static void check_enum(const char *name, const struct field_info *info, const struct config_node *node,
                       struct config_problems *p)
{
    struct nearest near;
    nearest_init(&near, node->text, strlen(node->text));
    for (const char *const *v = info->values; *v; v++) {
        if (strcmp(*v, node->text) == 0)
            return;
        nearest_offer(&near, *v);
    }
    config_problem(p, node, "there is no %s \"%s\"%s%s%s", name, node->text,
                   near.best ? "; did you mean \"" : "", near.best ? near.best : "", near.best ? "\"?" : "");
}

static void check_value(const char *name, const struct field_info *info, const struct config_node *node,
                        struct config_problems *p)
{
    int64_t number;
    if (node->kind != CONFIG_SCALAR || config_node_is_null(node))
        config_problem(p, node, "%s takes a value or a list of values", name);
    else if (info->kind == VALUE_ENUM)
        check_enum(name, info, node, p);
    else if (info->kind == VALUE_INT) {
        if (quantity_int(node->text, info->low, info->high, &number) < 0)
            config_problem(p, node, "%s takes a whole number from %d to %d", name, info->low, info->high);
    } else if (!config_code_valid(node->text))
        config_problem(p, node, "%s takes a code: at most %d printable bytes with at most %d spaces", name,
                       EVENT_CODE_BYTES, EVENT_CODE_SPACES);
}

static void unknown_dimension(const struct config_tenant *t, const struct config_node *key,
                              struct config_problems *p)
{
    struct nearest near;
    nearest_init(&near, key->text, strlen(key->text));
    for (unsigned f = 0; f < FIELD_N_BUILTIN; f++)
        nearest_offer(&near, FIELDS[f].name);
    for (size_t i = 0; i < t->dimensions.n; i++)
        nearest_offer(&near, t->dimensions.at[i]);
    if (near.best)
        config_problem(p, key, "events carry no dimension \"%s\"; did you mean \"%s\"?", key->text,
                       near.best);
    else
        config_problem(p, key,
                       "events carry no dimension \"%s\": a policy looks at a built-in dimension or at one "
                       "that stands under dimensions",
                       key->text);
}

static void check_condition(const struct config_tenant *t, const struct config_node *key,
                            const struct config_node *value, struct config_problems *p)
{
    const struct config_node *const *values;
    const struct field_info *info = NULL;
    for (unsigned f = 0; !info && f < FIELD_N_BUILTIN; f++)
        if (strcmp(FIELDS[f].name, key->text) == 0)
            info = &FIELDS[f];
    for (size_t i = 0; !info && i < t->dimensions.n; i++)
        if (strcmp(t->dimensions.at[i], key->text) == 0)
            info = &FIELDS[FIELD_DECLARED];
    if (!info) {
        unknown_dimension(t, key, p);
        return;
    }
    size_t n = values_of(&value, &values);
    if (n == 0 || n > POLICY_VALUES_MAX)
        config_problem(p, value, "%s takes from 1 to %d values", key->text, POLICY_VALUES_MAX);
    for (size_t i = 0; i < n && n <= POLICY_VALUES_MAX; i++)
        check_value(key->text, info, values[i], p);
}

static bool has_conditions(const struct config_policy *policy)
{
    return policy->where && json_object_size(policy->where) > 0;
}

/* The policy before the i-th of the same metric that takes every ticket, or NULL. */
static const struct config_policy *taker_before(const struct config_tenant *t, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (config_policy_at(t, j)->metric == config_policy_at(t, i)->metric &&
            !has_conditions(config_policy_at(t, j)))
            return config_policy_at(t, j);
    return NULL;
}

static void check_policy(const struct config_tenant *t, size_t i, struct config_problems *p)
{
    const struct config_policy *policy = config_policy_at(t, i);
    const struct config_node *where = config_node_get(policy->node, "where");
    const struct {
        const char *key, *text;
    } codes[] = {{"policy", policy->policy}, {"calendar", policy->calendar}};
    for (size_t k = 0; k < 2; k++)
        if (codes[k].text && !config_code_valid(codes[k].text))
            config_problem(p, config_node_get(policy->node, codes[k].key),
                           "%s takes a code: at most %d printable bytes with at most %d spaces", codes[k].key,
                           EVENT_CODE_BYTES, EVENT_CODE_SPACES);
    if (policy->calendar && policy->clock + 1 == CLOCK_WALL && config_node_get(policy->node, "clock"))
        config_problem(p, config_node_get(policy->node, "calendar"),
                       "the clock \"wall\" looks at no calendar: take \"business\", or leave the calendar "
                       "out");
    if (!policy->where)
        return;
    if (where->n > POLICY_CONDITIONS_MAX)
        config_problem(p, where, "where takes at most %d dimensions", POLICY_CONDITIONS_MAX);
    for (size_t k = 0; k < where->n && where->n <= POLICY_CONDITIONS_MAX; k++)
        check_condition(t, where->keys[k], where->values[k], p);
}

void config_policies_check(const struct config_tenant *t, struct config_problems *p)
{
    unsigned n_before = p->n;
    for (size_t i = 0; i < t->sla.n; i++)
        check_policy(t, i, p);
    /* Only of policies that are right can be said what they leave to others. */
    for (size_t i = 1; i < t->sla.n && p->n == n_before; i++) {
        const struct config_policy *taker = taker_before(t, i);
        if (taker)
            config_problem(p, config_policy_at(t, i)->node,
                           "no ticket is left for this policy: the one in line %u has no conditions and "
                           "takes all of that metric",
                           taker->node->line);
    }
}

/* --- records
 * ------------------------------------------------------------------------------------------------- */

static const char *const METRICS[] = {ENUM_METRIC};
static const char *const CLOCKS[] = {ENUM_CLOCK};

/* A policy but for its conditions; where is taken over. */
static json_t *record_new(const char *name, unsigned metric, int64_t target_ms, unsigned clock,
                          const char *calendar, json_t *where)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:o}", "policy", name, "metric", METRICS[metric - 1],
                     "target_ms", (json_int_t)target_ms, "clock", CLOCKS[clock - 1], "calendar", calendar,
                     "where", where);
}

/* Adds to a map or list what may be NULL for want of memory; then the whole is. */
static void put_in(json_t **whole, const char *key, json_t *value)
{
    int bad = !*whole ? -1
              : key   ? json_object_set_new(*whole, key, value)
                      : json_array_append_new(*whole, value);
    if (!*whole)
        json_decref(value);
    else if (bad) {
        json_decref(*whole);
        *whole = NULL;
    }
}

/* A map of lists of texts, as they are written: 1.10 and 007 are what events say. */
static json_t *where_record(const struct config_policy *policy)
{
    json_t *where = json_object();
    const struct config_node *node = policy->where ? config_node_get(policy->node, "where") : NULL;
    for (size_t i = 0; where && node && i < node->n; i++) {
        const struct config_node *value = node->values[i];
        const struct config_node *const *values;
        size_t n = values_of(&value, &values);
        json_t *texts = json_array();
        for (size_t v = 0; v < n; v++)
            put_in(&texts, NULL, json_string(values[v]->text));
        put_in(&where, node->keys[i]->text, texts);
    }
    return where;
}

json_t *config_policies_record(const struct config_tenant *t)
{
    json_t *record = json_array();
    for (size_t i = 0; i < t->sla.n; i++) {
        const struct config_policy *p = config_policy_at(t, i);
        put_in(&record, NULL,
               record_new(p->policy, p->metric + 1, p->target_ms, p->clock + 1,
                          p->calendar ? p->calendar : "", where_record(p)));
    }
    return record;
}

json_t *policies_record(const struct policy *policies, size_t n, const char (*declared)[EVENT_CODE_BYTES + 1],
                        unsigned n_declared)
{
    json_t *record = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct policy *p = &policies[i];
        json_t *where = json_object();
        for (unsigned k = 0; k < p->n_conditions; k++) {
            const struct policy_condition *c = &p->conditions[k];
            json_t *texts = json_array();
            for (unsigned v = 0; v < c->n_values; v++)
                put_in(&texts, NULL, json_string(c->values[v].text));
            put_in(&where, dimension_name(c->field, declared, n_declared), texts);
        }
        put_in(&record, NULL, record_new(p->name, p->metric, p->target_ms, p->clock, p->calendar, where));
    }
    return record;
}

static bool read_code(const char *text, char room[EVENT_CODE_BYTES + 1])
{
    size_t size = text ? strlen(text) : EVENT_CODE_BYTES + 1;
    if (size > EVENT_CODE_BYTES)
        return false;
    memcpy(room, text, size + 1);
    return true;
}

/* A condition takes its place among those before it, by field. */
static struct policy_condition *add_condition(struct policy *p, enum event_field field)
{
    unsigned i = p->n_conditions++;
    for (; i > 0 && p->conditions[i - 1].field > field; i--)
        p->conditions[i] = p->conditions[i - 1];
    p->conditions[i] = (struct policy_condition){.field = field};
    return &p->conditions[i];
}

static int read_condition(const json_t *texts, enum event_field field, struct policy *p)
{
    size_t n = json_array_size(texts);
    if (n == 0 || n > POLICY_VALUES_MAX || p->n_conditions == POLICY_CONDITIONS_MAX)
        return -EBADMSG;
    struct policy_value *values = calloc(n, sizeof(*values));
    if (!values)
        return -ENOMEM;
    struct policy_condition *c = add_condition(p, field);
    c->values = values;
    c->n_values = (unsigned)n;
    for (size_t i = 0; i < n; i++)
        if (!read_code(json_string_value(json_array_get(texts, i)), values[i].text))
            return -EBADMSG;
    return 0;
}

static int read_policy(json_t *record, const char (*declared)[EVENT_CODE_BYTES + 1], unsigned n_declared,
                       struct policy *p)
{
    const char *name, *metric, *clock, *calendar, *dimension;
    json_int_t target_ms;
    json_t *where, *texts;
    if (json_unpack(record, "{s:s, s:s, s:I, s:s, s:s, s:o}", "policy", &name, "metric", &metric, "target_ms",
                    &target_ms, "clock", &clock, "calendar", &calendar, "where", &where) < 0)
        return -EBADMSG;
    p->metric = (uint8_t)event_enum_find(FIELD_METRIC, metric, strlen(metric));
    p->clock = (enum event_clock)event_enum_find(FIELD_CLOCK, clock, strlen(clock));
    p->target_ms = target_ms;
    if (!p->metric || !p->clock || target_ms < 0 || target_ms > EVENT_DURATION_MAX_S * 1000ll ||
        !read_code(name, p->name) || !read_code(calendar, p->calendar) || !json_is_object(where))
        return -EBADMSG;
    json_object_foreach(where, dimension, texts)
    {
        int field = dimension_find(dimension, declared, n_declared);
        int r = field < 0 ? -EBADMSG : read_condition(texts, (enum event_field)field, p);
        if (r < 0)
            return r;
    }
    return 0;
}

int policies_of_record(const json_t *record, const char (*declared)[EVENT_CODE_BYTES + 1],
                       unsigned n_declared, struct policy **ret, size_t *ret_n)
{
    size_t n = json_array_size(record);
    if (!json_is_array(record) || n > POLICIES_MAX)
        return -EBADMSG;
    struct policy *policies = calloc(n ? n : 1, sizeof(*policies));
    int r = policies ? 0 : -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++)
        r = read_policy(json_array_get(record, i), declared, n_declared, &policies[i]);
    if (r < 0) {
        policies_free(policies, n);
        return r;
    }
    *ret = policies;
    *ret_n = n;
    return 0;
}
