#include "core/query/asked.h"

#include "core/base/nearest.h"
#include "core/query/statistic.h"

#include <stdio.h>
#include <string.h>

/* A clock that is misspelt, or stands behind the statistic. */
static bool says_clock(const struct asked *a, const char *text, struct error *err)
{
    const char *const clocks[] = {"wall", "business"};
    const char *name = a->metric->name, *last = strrchr(text, '.');
    size_t n = strcspn(text, ".");
    bool is_second = text > a->key + strlen(name) + 1;
    char first[REQUEST_NAME_BYTES + 1];
    for (size_t i = 0; is_second && i < 2; i++)
        if (strlen(clocks[i]) == n && memcmp(text, clocks[i], n) == 0) {
            (void)error_set(err, -EINVAL, "bad_option", "%s names a clock twice", a->key);
            error_hint(err, "did you mean %.*s%s?", (int)(text - a->key) - 1, a->key, text + n);
            return true;
        }
    for (size_t i = 0; last && i < 2; i++)
        if (strcmp(last + 1, clocks[i]) == 0) {
            (void)error_set(err, -EINVAL, "unknown_statistic", "%s: the clock stands before the statistic",
                            a->key);
            error_hint(err, "did you mean %s.%s.%.*s?", name, clocks[i], (int)(last - text), text);
            return true;
        }
    (void)snprintf(first, sizeof(first), "%.*s", (int)n, text);
    const char *nearest = nearest_name(first, clocks, 2);
    if (!nearest)
        return false;
    (void)error_set(err, -EINVAL, "bad_option", "%s has no clock '%.32s'", name, first);
    error_hint(err, "did you mean %s.%s%s?", name, nearest, text + n);
    return true;
}

static int statistic_read(struct asked *a, const char *text, struct error *err)
{
    static const struct {
        const char *name;
        enum statistic statistic;
    } NAMES[] = {{"avg", STATISTIC_AVERAGE},
                 {"min", STATISTIC_MIN},
                 {"max", STATISTIC_MAX},
                 {"sum", STATISTIC_SUM},
                 {"count", STATISTIC_COUNT}};
    const char *name = a->metric->name;
    enum metric_kind kind = a->metric->kind;
    const char *offered[] = {"avg", "min", "max", "sum", "count", "p50", "p90", "p99"};

    if (*text == '\0') {
        a->statistic = kind == METRIC_DURATION || kind == METRIC_MEAN ? STATISTIC_AVERAGE : STATISTIC_NATURAL;
        return 0;
    }
    if (kind == METRIC_COUNT && strcmp(text, "count") == 0)
        return 0;
    if (kind != METRIC_DURATION && kind != METRIC_MEAN) {
        (void)error_set(err, -EINVAL, "unknown_statistic", "%s has no statistic '%.32s'", name, text);
        error_hint(err, "%s is a %s and asked without one", name,
                   kind == METRIC_COUNT   ? "count"
                   : kind == METRIC_SCORE ? "score"
                                          : "ratio with its interval");
        return -EINVAL;
    }
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (strcmp(text, NAMES[i].name) == 0) {
            a->statistic = NAMES[i].statistic;
            return 0;
        }
    if (percentile_parse(text, &a->percentile)) {
        a->statistic = STATISTIC_PERCENTILE;
        return 0;
    }
    const char *nearest = nearest_name(text, offered, sizeof(offered) / sizeof(offered[0]));
    if (says_clock(a, text, err))
        return -EINVAL;
    (void)error_set(err, -EINVAL, "unknown_statistic", "%s has no statistic '%.32s'", name, text);
    if (text[0] == 'p' && text[1] >= '0' && text[1] <= '9')
        error_hint(err, "percentiles go from p0.001 to p100, with at most three decimals");
    else if (nearest)
        error_hint(err, "did you mean %s?", nearest);
    else
        error_hint(err, "avg, min, max, sum, count or a percentile as p90; percentiles are exact");
    return -EINVAL;
}

int asked_read(struct request *r, const char *text, size_t size, struct error *err)
{
    struct asked a = {0};
    while (size > 0 && *text == ' ')
        text++, size--;
    while (size > 0 && text[size - 1] == ' ')
        size--;
    if (size > REQUEST_NAME_BYTES)
        return error_set(err, -EINVAL, "unknown_metric", "a metric's name is longer than %d bytes",
                         REQUEST_NAME_BYTES);
    memcpy(a.key, text, size);
    size_t n = strcspn(a.key, ".");
    const char *rest = a.key[n] ? a.key + n + 1 : a.key + n;
    a.metric = metric_find(a.key, n);
    if (!a.metric) {
        const char *nearest = metric_nearest(a.key, n);
        (void)error_set(err, -ENOENT, "unknown_metric", "no metric is named '%.*s'", (int)n, a.key);
        if (nearest)
            error_hint(err, "did you mean %s?", nearest);
        else
            error_hint(err, "tendon metrics lists all");
        return -ENOENT;
    }
    if (a.key[n] && *rest == '\0')
        return error_set(err, -EINVAL, "unknown_statistic", "%s ends with a point", a.key);
    size_t clock = strcspn(rest, ".");
    bool is_wall = clock == 4 && memcmp(rest, "wall", 4) == 0;
    bool is_business = clock == 8 && memcmp(rest, "business", 8) == 0;
    if ((is_wall || is_business) && a.metric->kind != METRIC_DURATION)
        return error_set(err, -EINVAL, "bad_option", "%s is no duration and has no clock", a.metric->name);
    if (is_business && !metric_has_business(a.metric)) {
        (void)error_set(err, -EINVAL, "bad_option", "%s has no business clock: %s", a.metric->name,
                        a.metric->no_clock);
        error_hint(err, "ask for %s", a.metric->name);
        return -EINVAL;
    }
    a.clock = is_business ? METRIC_BUSINESS : METRIC_WALL;
    if (is_wall || is_business)
        rest += clock + (rest[clock] == '.');
    int e = statistic_read(&a, rest, err);
    if (e < 0)
        return e;
    for (unsigned i = 0; i < r->n_asked; i++)
        if (strcmp(r->asked[i].key, a.key) == 0)
            return 0; /* asked twice, answered once */
    if (r->n_asked == REQUEST_METRICS_MAX)
        return error_set(err, -EINVAL, "bad_option", "a query takes at most %d metrics", REQUEST_METRICS_MAX);
    r->asked[r->n_asked++] = a;
    return 0;
}
