#include "core/query/metric.h"

#include "core/base/nearest.h"
#include "core/query/catalogue.h"

#include <string.h>

static const struct metric *const FAMILIES[] = {
    CATALOGUE_FLOW, CATALOGUE_TIME, CATALOGUE_RATE, CATALOGUE_SLA, CATALOGUE_SURVEY, CATALOGUE_CONTACT,
};
#define N_FAMILIES (sizeof(FAMILIES) / sizeof(FAMILIES[0]))

static const struct metric_option OPTIONS[] = {
    {OPTION_REOPEN_WINDOW, "reopen_window", "a duration, 14d unless given"},
    {OPTION_THRESHOLD, "threshold", "a share from 0 to 1, 0.5 unless given; with unit site or org"},
    {OPTION_INSTRUMENT, "instrument", "the instrument's name"},
    {OPTION_QUESTION, "question", "the question's name; every question unless given"},
    {OPTION_WITHIN, "within", "seconds, 20 unless given"},
    {OPTION_CALENDAR_RULE, "calendar_rule", "last; with the business clock"},
};

static const char *const UNIT_NAMES[UNIT_N] = {"ticket", "site", "org", "respondent"};

static const struct {
    const char *name, *why;
} LEFT_OUT[LEFT_OUT_N] = {
#define X(id, name, why) {name, why},
    LEFT_OUT_REASONS(X)
#undef X
};

const struct metric *metric_at(size_t place)
{
    for (size_t f = 0; f < N_FAMILIES; f++)
        for (const struct metric *m = FAMILIES[f]; m->name; m++)
            if (place-- == 0)
                return m;
    return NULL;
}

size_t metric_count(void)
{
    size_t n = 0;
    for (size_t f = 0; f < N_FAMILIES; f++)
        for (const struct metric *m = FAMILIES[f]; m->name; m++)
            n++;
    return n;
}

static const struct metric *find(const char *name, size_t size)
{
    const struct metric *m;
    for (size_t i = 0; (m = metric_at(i)); i++)
        if (strlen(m->name) == size && memcmp(m->name, name, size) == 0)
            return m;
    return NULL;
}

const struct metric *metric_find(const char *name, size_t size)
{
    const struct metric *m = find(name, size);
    return m && !m->is_hidden ? m : NULL;
}

const struct metric *metric_helper(const char *name)
{
    return find(name, strlen(name));
}

const char *metric_nearest(const char *name, size_t size)
{
    struct nearest nearest;
    const struct metric *m;
    nearest_init(&nearest, name, size);
    for (size_t i = 0; (m = metric_at(i)); i++)
        if (!m->is_hidden)
            nearest_offer(&nearest, m->name);
    return nearest.best;
}

bool metric_has_business(const struct metric *m)
{
    return m->values[METRIC_BUSINESS].is != VALUE_OF_NOTHING;
}

const char *const *metric_statistics(const struct metric *m)
{
    static const char *const SAMPLED[] = {"avg", "min", "max", "sum", "count", "pNN", NULL},
                             *const COUNTED[] = {"count", NULL}, *const NONE[] = {NULL};
    switch (m->kind) {
    case METRIC_COUNT:
        return COUNTED;
    case METRIC_RATIO:
    case METRIC_SCORE:
        return NONE;
    case METRIC_DURATION:
    case METRIC_MEAN:
        break;
    }
    return SAMPLED;
}

const struct metric_option *metric_option_at(size_t place)
{
    return place < sizeof(OPTIONS) / sizeof(OPTIONS[0]) ? &OPTIONS[place] : NULL;
}

const char *metric_unit_name(enum metric_unit unit)
{
    return UNIT_NAMES[unit];
}

const char *metric_anchor_name(const struct metric *m)
{
    if (m->anchor_name)
        return m->anchor_name;
    switch (m->anchor) {
    case ANCHOR_CREATED:
        return "created";
    case ANCHOR_COMPLETED:
        return "completed";
    case ANCHOR_INSTANT:
        break;
    }
    return "instant";
}

const char *left_out_name(enum left_out reason)
{
    return LEFT_OUT[reason].name;
}

const char *left_out_why(enum left_out reason)
{
    return LEFT_OUT[reason].why;
}
