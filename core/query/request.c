#include "core/query/request.h"

#include "core/base/nearest.h"
#include "core/base/quantity.h"
#include "core/query/asked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REOPEN_WINDOW_MS     (14 * INT64_C(86400000))
#define REOPEN_WINDOW_MAX_MS (3660 * INT64_C(86400000))
#define WITHIN_MS            20000
#define WITHIN_MAX_MS        86400000

/* --- reading the map
 * --------------------------------------------------------------------------------------------- */

static const char *const KEYS[] = {
    "metrics",  "by",        "where",         "since",      "until",
    "at",       "now",       "every",         "tz",         "unit",
    "anchor",   "dims",      "explain",       "tenant",     "within",
    "question", "threshold", "reopen_window", "instrument", "calendar_rule",
};

static int check_keys(const json_t *body, struct error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(body))
        return error_set(err, -EINVAL, "bad_option", "a query is a map of options");
    json_object_foreach((json_t *)body, key, value)
    {
        const size_t n = sizeof(KEYS) / sizeof(KEYS[0]);
        size_t i = 0;
        while (i < n && strcmp(KEYS[i], key) != 0)
            i++;
        if (i < n)
            continue;
        const char *nearest = nearest_name(key, KEYS, n);
        (void)error_set(err, -EINVAL, "bad_option", "a query has no option '%.64s'", key);
        if (nearest)
            error_hint(err, "did you mean %s?", nearest);
        return -EINVAL;
    }
    return 0;
}

/* A text option, NULL when it is not there. */
static int text_of(const json_t *body, const char *key, const char **ret, struct error *err)
{
    const json_t *value = json_object_get(body, key);
    *ret = NULL;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
        return error_set(err, -EINVAL, "bad_option", "%s must be a text", key);
    *ret = json_string_value(value);
    return 0;
}

/* Calls each for every name of a list, which may also be one text with commas. */
static int each_name(const json_t *body, const char *key,
                     int (*each)(struct request *, const char *, size_t, struct error *), struct request *r,
                     struct error *err)
{
    const json_t *value = json_object_get(body, key);
    const json_t *item;
    size_t i;
    int e = 0;
    if (!value || json_is_null(value))
        return 0;
    if (json_is_string(value)) {
        const char *p = json_string_value(value);
        while (e == 0) {
            size_t n = strcspn(p, ",");
            e = each(r, p, n, err);
            if (p[n] == '\0')
                break;
            p += n + 1;
        }
        return e;
    }
    if (!json_is_array(value))
        return error_set(err, -EINVAL, "bad_option", "%s must be a list of names", key);
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item))
            return error_set(err, -EINVAL, "bad_option", "%s must be a list of names", key);
        if ((e = each(r, json_string_value(item), strlen(json_string_value(item)), err)) < 0)
            return e;
    }
    return 0;
}

/* --- dimensions and options
 * -------------------------------------------------------------------------------------- */

static int by_read(struct request *r, const char *text, size_t size, struct error *err)
{
    while (size > 0 && *text == ' ')
        text++, size--;
    while (size > 0 && text[size - 1] == ' ')
        size--;
    int place = dimension_names_find(&r->names, text, size);
    if (place < 0) {
        const char *nearest = dimension_names_nearest(&r->names, text, size);
        (void)error_set(err, -ENOENT, "unknown_dimension", "by: no dimension is named '%.*s'",
                        (int)(size < 64 ? size : 64), text);
        if (nearest)
            error_hint(err, "did you mean %s?", nearest);
        return -ENOENT;
    }
    for (unsigned i = 0; i < r->n_by; i++)
        if (r->by[i] == place)
            return 0;
    if (r->n_by == REQUEST_BY_MAX)
        return error_set(err, -EINVAL, "bad_option", "a query groups by at most %d dimensions",
                         REQUEST_BY_MAX);
    r->by[r->n_by++] = (uint16_t)place;
    return 0;
}

/* 0 … 1 with at most six decimals, in millionths. */
static bool share_parse(const char *text, uint32_t *ret)
{
    uint32_t n = 0, scale = 1000000;
    const char *p = text;
    if (*p != '0' && *p != '1')
        return false;
    n = (uint32_t)(*p++ - '0') * scale;
    if (*p == '.') {
        p++;
        if (*p < '0' || *p > '9')
            return false;
        for (; *p >= '0' && *p <= '9'; p++) {
            if (scale == 1)
                return false;
            scale /= 10;
            n += scale * (uint32_t)(*p - '0');
        }
    }
    *ret = n;
    return *p == '\0' && n <= 1000000;
}

static int code_read(const json_t *body, const char *key, char ret[EVENT_CODE_BYTES + 1], struct error *err)
{
    const char *text;
    int e = text_of(body, key, &text, err);
    if (e < 0 || !text)
        return e;
    if (*text == '\0' || strlen(text) > EVENT_CODE_BYTES)
        return error_set(err, -EINVAL, "bad_option", "%s is a name of 1 to %d bytes", key, EVENT_CODE_BYTES);
    (void)snprintf(ret, EVENT_CODE_BYTES + 1, "%s", text);
    return 0;
}

static int choice_read(const json_t *body, const char *key, const char *const *names, unsigned n,
                       unsigned *ret, struct error *err)
{
    const char *text;
    int e = text_of(body, key, &text, err);
    if (e < 0 || !text)
        return e;
    for (unsigned i = 0; i < n; i++)
        if (strcmp(names[i], text) == 0) {
            *ret = i;
            return 1;
        }
    const char *nearest = nearest_name(text, names, n);
    (void)error_set(err, -EINVAL, "bad_option", "%s cannot be '%.32s'", key, text);
    if (nearest) {
        error_hint(err, "did you mean %s?", nearest);
    } else {
        char list[120] = "";
        for (unsigned i = 0; i < n; i++) {
            size_t used = strlen(list);
            (void)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", names[i]);
        }
        error_hint(err, "it is one of %s", list);
    }
    return -EINVAL;
}

static bool is_asked(const struct request *r, unsigned option)
{
    for (unsigned i = 0; i < r->n_asked; i++)
        if (r->asked[i].metric->options & option)
            return true;
    return false;
}

/* The names of the metrics that something holds for, as a list in words; cut where there is no room. */
static void metrics_list(bool (*holds)(const struct metric *m, const void *what), const void *what,
                         char *names, size_t size)
{
    const struct metric *m;
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; (m = metric_at(i)); i++) {
        if (m->is_hidden || !holds(m, what))
            continue;
        if (used + strlen(m->name) + 8 > size) {
            (void)snprintf(names + used, size - used, ", …");
            return;
        }
        used += (size_t)snprintf(names + used, size - used, "%s%s", used ? ", " : "", m->name);
    }
}

static bool reads_option(const struct metric *m, const void *option)
{
    return (m->options & *(const unsigned *)option) != 0;
}

/* An option that none of the metrics reads is a mistake that would go unseen. */
static int check_used(const struct request *r, const json_t *body, const struct metric_option *o,
                      struct error *err)
{
    const json_t *value = json_object_get(body, o->name);
    char names[160];
    if (!value || json_is_null(value) || is_asked(r, o->option))
        return 0;
    (void)error_set(err, -EINVAL, "bad_option", "none of the metrics asked for reads %s", o->name);
    metrics_list(reads_option, &o->option, names, sizeof(names));
    error_hint(err, "it is an option of %s", names);
    return -EINVAL;
}

/* How long a caller may wait: seconds as a plain number, or a duration. */
static int within_read(struct request *r, const json_t *body, struct error *err)
{
    const char *text;
    char seconds[16];
    int e = text_of(body, "within", &text, err);
    r->within_ms = WITHIN_MS;
    if (e < 0 || !text)
        return e;
    bool is_plain = *text != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 10;
    if (is_plain)
        (void)snprintf(seconds, sizeof(seconds), "%ss", text);
    if (quantity_ms(is_plain ? seconds : text, &r->within_ms) == 0 && r->within_ms >= 0 &&
        r->within_ms <= WITHIN_MAX_MS)
        return 0;
    (void)error_set(err, -EINVAL, "bad_option", "within: '%.32s' is no time up to a day", text);
    error_hint(err, "write seconds, as 20, or a duration, as 2m");
    return -EINVAL;
}

static int calendar_rule_read(struct request *r, const json_t *body, struct error *err)
{
    static const char *const NAMES[] = {"last"};
    unsigned rule;
    int e = choice_read(body, "calendar_rule", NAMES, 1, &rule, err);
    if (e <= 0)
        return e;
    for (unsigned i = 0; i < r->n_asked; i++)
        if (r->asked[i].clock == METRIC_BUSINESS) {
            r->asked[i].clock = METRIC_LAST;
            r->calendar_last = true;
        }
    if (r->calendar_last)
        return 0;
    (void)error_set(err, -EINVAL, "bad_option", "calendar_rule is for durations on the business clock");
    for (unsigned i = 0; i < r->n_asked; i++)
        if (metric_has_business(r->asked[i].metric)) {
            error_hint(err, "ask for %s.business", r->asked[i].metric->name);
            break;
        }
    return -EINVAL;
}

/* What a metric that takes units takes; else which metrics do. */
static void hint_units(const struct metric *m, struct error *err)
{
    char list[64] = "";
    unsigned n = 0;
    for (unsigned u = 0; u < UNIT_N; u++)
        if (m->units & 1u << u) {
            size_t used = strlen(list);
            (void)snprintf(list + used, sizeof(list) - used, "%s%s", n++ ? ", " : "", metric_unit_name(u));
        }
    if (n > 1)
        error_hint(err, "it takes %s", list);
    else
        error_hint(err, "units are for the shares and the survey metrics");
}

static int unit_read(struct request *r, const json_t *body, struct error *err)
{
    const char *names[UNIT_N];
    unsigned unit = UNIT_TICKET;
    for (unsigned u = 0; u < UNIT_N; u++)
        names[u] = metric_unit_name(u);
    int e = choice_read(body, "unit", names, UNIT_N, &unit, err);
    if (e <= 0)
        return e;
    for (unsigned i = 0; i < r->n_asked; i++)
        if (!(r->asked[i].metric->units & 1u << unit)) {
            (void)error_set(err, -EINVAL, "bad_option", "%s does not take unit %s", r->asked[i].metric->name,
                            names[unit]);
            hint_units(r->asked[i].metric, err);
            return -EINVAL;
        }
    r->unit = unit;
    r->is_unit_given = true;
    return 0;
}

static bool has_ticket(const struct metric *m, const void *unused)
{
    (void)unused;
    return m->has_ticket;
}

static int anchor_refused(const struct metric *m, struct error *err)
{
    char names[160];
    (void)error_set(err, -EINVAL, "bad_option",
                    "%s cannot be anchored at created: its samples are no finished part of one ticket",
                    m->name);
    metrics_list(has_ticket, NULL, names, sizeof(names));
    error_hint(err, "leave anchor out; it is for what tickets do: %s", names);
    return -EINVAL;
}

static int anchor_read(struct request *r, const json_t *body, struct error *err)
{
    static const char *const NAMES[] = {"created", "completed"};
    unsigned anchor;
    int e = choice_read(body, "anchor", NAMES, 2, &anchor, err);
    if (e <= 0)
        return e;
    r->anchor = anchor == 0 ? REQUEST_ANCHOR_CREATED : REQUEST_ANCHOR_COMPLETED;
    for (unsigned i = 0; anchor == 0 && i < r->n_asked; i++)
        if (!r->asked[i].metric->has_ticket)
            return anchor_refused(r->asked[i].metric, err);
    return 0;
}

static int dims_read(struct request *r, const json_t *body, struct error *err)
{
    static const char *const NAMES[] = {"current"};
    unsigned dims;
    int e = choice_read(body, "dims", NAMES, 1, &dims, err);
    if (e > 0)
        r->dims_current = true;
    return e < 0 ? e : 0;
}

static int options_read(struct request *r, const json_t *body, struct error *err)
{
    const char *text;
    int e;
    r->reopen_window_ms = REOPEN_WINDOW_MS;
    r->threshold_millionths = 500000;
    const struct metric_option *o;
    for (size_t i = 0; (o = metric_option_at(i)); i++)
        if ((e = check_used(r, body, o, err)) < 0)
            return e;
    if ((e = within_read(r, body, err)) < 0 || (e = calendar_rule_read(r, body, err)) < 0)
        return e;
    if ((e = unit_read(r, body, err)) < 0 || (e = anchor_read(r, body, err)) < 0 ||
        (e = dims_read(r, body, err)) < 0 || (e = code_read(body, "instrument", r->instrument, err)) < 0 ||
        (e = code_read(body, "question", r->question, err)) < 0 ||
        (e = text_of(body, "reopen_window", &text, err)) < 0)
        return e;
    if (text && (quantity_ms(text, &r->reopen_window_ms) < 0 || r->reopen_window_ms <= 0 ||
                 r->reopen_window_ms > REOPEN_WINDOW_MAX_MS)) {
        (void)error_set(err, -EINVAL, "bad_option", "reopen_window: '%.32s' is no duration up to ten years",
                        text);
        error_hint(err, "write 14d or 72h");
        return -EINVAL;
    }
    if ((e = text_of(body, "threshold", &text, err)) < 0)
        return e;
    if (text && !share_parse(text, &r->threshold_millionths)) {
        (void)error_set(err, -EINVAL, "bad_option", "threshold: '%.32s' is no share", text);
        error_hint(err, "write a number from 0 to 1, as 0.5");
        return -EINVAL;
    }
    if (text && r->unit == UNIT_TICKET)
        return error_set(err, -EINVAL, "bad_option", "threshold is for unit site or org");
    const json_t *explain = json_object_get(body, "explain");
    if (explain && !json_is_boolean(explain) && !json_is_null(explain))
        return error_set(err, -EINVAL, "bad_option", "explain is true or false");
    r->explain = json_is_true(explain);
    return 0;
}

static int period_read(struct request *r, const struct query_context *context, const json_t *body,
                       struct error *err)
{
    struct period_options o = {0};
    const char *zone, *now;
    int e;
    if ((e = text_of(body, "tz", &zone, err)) < 0 || (e = text_of(body, "now", &now, err)) < 0 ||
        (e = text_of(body, "since", &o.since, err)) < 0 || (e = text_of(body, "until", &o.until, err)) < 0 ||
        (e = text_of(body, "every", &o.every, err)) < 0 || (e = text_of(body, "at", &o.at, err)) < 0)
        return e;
    if ((e = zone_open(zone ? zone : context->zone, &r->zone, err)) < 0)
        return e;
    r->now = context->now;
    if (now && (e = instant_parse("now", now, r->zone, &r->now, err)) < 0)
        return e;
    o.zone = r->zone;
    o.now = r->now;
    if ((e = period_range_parse(&o, &r->range, err)) < 0)
        return e;
    bool has_instant = false;
    for (unsigned i = 0; i < r->n_asked; i++)
        has_instant |= r->asked[i].metric->anchor == ANCHOR_INSTANT;
    if (r->range.has_at && !has_instant) {
        (void)error_set(err, -EINVAL, "bad_option", "at is the instant of backlog and backlog_age");
        error_hint(err, "for a period use since and until");
        return -EINVAL;
    }
    return 0;
}

/* The first dimension asked for that rows of a table do not have, or NULL; *ret_where is where it stands. */
static const struct dimension_name *misfit(const struct request *r, enum fact_table table,
                                           const char **ret_where)
{
    *ret_where = "by";
    for (unsigned k = 0; k < r->n_by; k++)
        if (!dimension_is_of(&r->names.names[r->by[k]], table))
            return &r->names.names[r->by[k]];
    *ret_where = "where";
    for (unsigned k = 0; r->where && k < r->where->n_nodes; k++) {
        const struct expression_node *node = &r->where->nodes[k];
        if (node->op < OP_AND && !dimension_is_of(&r->names.names[node->dimension], table))
            return &r->names.names[node->dimension];
    }
    return NULL;
}

bool request_fits(const struct request *r, enum fact_table table)
{
    const char *where;
    return misfit(r, table, &where) == NULL;
}

static bool has_dimension(const struct metric *m, const void *name)
{
    return dimension_is_of(name, m->table);
}

/* Values such as the instrument are columns of some tables only: another metric cannot be filtered or grouped
 * by them. */
static int check_dimensions(const struct request *r, struct error *err)
{
    for (unsigned i = 0; i < r->n_asked; i++) {
        const struct metric *m = r->asked[i].metric;
        const char *where;
        char names[160];
        const struct dimension_name *name = misfit(r, m->table, &where);
        if (!name)
            continue;
        (void)error_set(err, -EINVAL, "unknown_dimension", "%s: %s has no %s", where, m->name, name->name);
        metrics_list(has_dimension, name, names, sizeof(names));
        error_hint(err, "%s is a dimension of %s", name->name, names);
        return -EINVAL;
    }
    return 0;
}

/* Whether the request groups or filters by the answer itself; *ret_name is the dimension. */
static bool cuts_answers(const struct request *r, const char **ret_name)
{
    const struct dimension_name *found = NULL;
    for (unsigned k = 0; k < r->n_by && !found; k++)
        found = r->names.names[r->by[k]].cuts ? &r->names.names[r->by[k]] : NULL;
    for (unsigned k = 0; r->where && k < r->where->n_nodes && !found; k++) {
        const struct expression_node *node = &r->where->nodes[k];
        if (node->op < OP_AND && r->names.names[node->dimension].cuts)
            found = &r->names.names[node->dimension];
    }
    *ret_name = found ? found->name : NULL;
    return found != NULL;
}

/* The answer itself cuts what a share counts: a mean has no such part, and survey_share nothing else. And
 * where units vote each has one vote, its mean: there are no samples to take another statistic of. */
static int check_surveys(const struct request *r, struct error *err)
{
    const char *cut;
    bool is_cut = cuts_answers(r, &cut);
    for (unsigned i = 0; i < r->n_asked; i++) {
        const struct asked *a = &r->asked[i];
        if (is_cut && a->metric->kind != METRIC_RATIO) {
            (void)error_set(err, -EINVAL, "unknown_dimension",
                            "%s cannot be cut by %s, which is the answer itself", a->metric->name, cut);
            error_hint(err, "survey_share is the share of an answer");
            return -EINVAL;
        }
        if (!is_cut && a->metric->trial == TRIAL_ANSWER) {
            (void)error_set(err, -EINVAL, "bad_option", "%s is the share of an answer, and none is named",
                            a->metric->name);
            error_hint(err, "group by choice or box, or write where choice=…");
            return -EINVAL;
        }
        if (a->metric->kind == METRIC_MEAN && r->is_unit_given && r->unit != UNIT_TICKET &&
            a->statistic != STATISTIC_AVERAGE) {
            (void)error_set(err, -EINVAL, "unknown_statistic",
                            "%s: where each %s has one vote there is only the mean", a->key,
                            metric_unit_name(r->unit));
            error_hint(err, "leave out the statistic, or the unit");
            return -EINVAL;
        }
    }
    return 0;
}

static int request_fill(struct request *r, const struct query_context *context, const json_t *body,
                        struct error *err)
{
    const char *where;
    int e;
    if ((e = check_keys(body, err)) < 0)
        return e;
    dimension_names_init(&r->names, context->declared, context->n_declared);
    if ((e = each_name(body, "metrics", asked_read, r, err)) < 0 ||
        (e = each_name(body, "by", by_read, r, err)) < 0)
        return e;
    if (r->n_asked == 0) {
        (void)error_set(err, -EINVAL, "unknown_metric", "the query names no metric");
        error_hint(err, "tendon metrics lists all");
        return -EINVAL;
    }
    if ((e = text_of(body, "where", &where, err)) < 0)
        return e;
    if (where && (e = expression_parse(where, &r->names, &r->where, err)) < 0)
        return e;
    if ((e = options_read(r, body, err)) < 0 || (e = period_read(r, context, body, err)) < 0)
        return e;
    if ((e = check_dimensions(r, err)) < 0)
        return e;
    return check_surveys(r, err);
}

int request_read(const struct query_context *context, const json_t *body, struct request **ret,
                 struct error *err)
{
    struct request *r = calloc(1, sizeof(*r));
    if (!r)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the query");
    int e = request_fill(r, context, body, err);
    if (e < 0) {
        request_free(r);
        return e;
    }
    *ret = r;
    return 0;
}

void request_free(struct request *r)
{
    if (!r)
        return;
    expression_free(r->where);
    zone_close(r->zone);
    free(r);
}
