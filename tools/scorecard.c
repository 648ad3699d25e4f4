#include "tools/scorecard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- figures ---------------------------------------------------------------------------------------------
 */

const char *const VERDICT_WORDS[VERDICT_N] = {
    [VERDICT_BETTER] = "better",
    [VERDICT_WORSE] = "worse",
    [VERDICT_HIGHER] = "higher",
    [VERDICT_LOWER] = "lower",
    [VERDICT_WITHIN] = "same within the interval",
    [VERDICT_SAME] = "about the same",
    [VERDICT_FEW] = "too few to say",
    [VERDICT_NEW] = "nothing before",
    [VERDICT_GONE] = "nothing now",
};

const char *const SCORECARD_HIGH_IS_GOOD[] = {"one_touch_rate",
                                              "first_contact_resolution",
                                              "sla_attainment",
                                              "csat",
                                              "mean_rating",
                                              "nps",
                                              "ces",
                                              "instrument_score",
                                              "service_level",
                                              NULL};
const char *const SCORECARD_LOW_IS_GOOD[] = {"reopens",
                                             "backlog",
                                             "backlog_age",
                                             "first_response_time",
                                             "next_response_time",
                                             "time_to_acknowledge",
                                             "first_resolution_time",
                                             "full_resolution_time",
                                             "requester_wait_time",
                                             "support_work_time",
                                             "hold_time",
                                             "pending_time",
                                             "handling_time",
                                             "reopen_rate",
                                             "silent_close_rate",
                                             "escalation_rate",
                                             "handoffs",
                                             "ping_pong_rate",
                                             "sla_breach_time",
                                             "dissatisfaction",
                                             "queue_time",
                                             "abandonment_rate",
                                             NULL};

/* Whether a metric, its clock and statistic left aside, is one of the names. */
static bool is_one_of(const char *metric, const char *const *names)
{
    size_t size = strcspn(metric, ".");
    for (; *names; names++)
        if (strlen(*names) == size && memcmp(*names, metric, size) == 0)
            return true;
    return false;
}

static bool has_moved(enum figure_kind kind, const struct figure *now, const struct figure *before)
{
    if (kind == FIGURE_RATIO)
        return now->low > before->high || now->high < before->low;
    return fabs(now->value - before->value) >= SCORECARD_MOVED * fabs(before->value) &&
           now->value != before->value;
}

static bool is_few(enum figure_kind kind, const struct figure *now, const struct figure *before)
{
    switch (kind) {
    case FIGURE_RATIO: /* its interval says so */
        return false;
    case FIGURE_COUNT:
        return fabs(now->value) < SCORECARD_FEW && fabs(before->value) < SCORECARD_FEW;
    default:
        return now->n < SCORECARD_FEW || before->n < SCORECARD_FEW;
    }
}

enum verdict scorecard_verdict(const char *metric, enum figure_kind kind, const struct figure *now,
                               const struct figure *before)
{
    if (!now->is_known || !before->is_known)
        return now->is_known ? VERDICT_NEW : before->is_known ? VERDICT_GONE : VERDICT_NONE;
    if (is_few(kind, now, before))
        return VERDICT_FEW;
    if (!has_moved(kind, now, before))
        return kind == FIGURE_RATIO ? VERDICT_WITHIN : VERDICT_SAME;
    bool higher = now->value > before->value;
    if (is_one_of(metric, SCORECARD_HIGH_IS_GOOD))
        return higher ? VERDICT_BETTER : VERDICT_WORSE;
    if (is_one_of(metric, SCORECARD_LOW_IS_GOOD))
        return higher ? VERDICT_WORSE : VERDICT_BETTER;
    return higher ? VERDICT_HIGHER : VERDICT_LOWER;
}

double scorecard_change(enum figure_kind kind, const struct figure *now, const struct figure *before)
{
    if (!now->is_known || !before->is_known)
        return NAN;
    if (kind == FIGURE_RATIO || kind == FIGURE_NUMBER)
        return now->value - before->value;
    return before->value != 0 ? now->value / before->value - 1 : NAN;
}

/* --- periods ---------------------------------------------------------------------------------------------
 */

struct local {
    struct tm tm; /* local date and time of day */
    time_t instant;
    bool is_midnight;
};

/* "2026-01-31T08:30:00.000-06:00" */
static bool local_read(const char *s, struct local *ret)
{
    struct local l = {0};
    unsigned hours = 0, minutes = 0, fraction = 0;
    char sign = 'Z', end = 0;
    int at = 0;
    if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%n", &l.tm.tm_year, &l.tm.tm_mon, &l.tm.tm_mday, &l.tm.tm_hour,
               &l.tm.tm_min, &l.tm.tm_sec, &at) != 6)
        return false;
    if (s[at] == '.') {
        size_t digits = strspn(s + at + 1, "0123456789");
        fraction = strspn(s + at + 1, "0") < digits;
        at += 1 + (int)digits;
    }
    int n = sscanf(s + at, "%c%2u:%2u%c", &sign, &hours, &minutes, &end);
    if (!(strcmp(s + at, "Z") == 0) && !(n == 3 && (sign == '+' || sign == '-')))
        return false;
    if (l.tm.tm_mon < 1 || l.tm.tm_mon > 12 || l.tm.tm_mday < 1 || l.tm.tm_mday > 31 || hours > 24 ||
        minutes > 59)
        return false;
    l.tm.tm_year -= 1900;
    l.tm.tm_mon -= 1;
    l.is_midnight = l.tm.tm_hour == 0 && l.tm.tm_min == 0 && l.tm.tm_sec == 0 && fraction == 0;
    time_t offset = (time_t)(hours * 3600 + minutes * 60);
    struct tm copy = l.tm; /* timegm brings its fields into order */
    l.instant = timegm(&copy) - (sign == '-' ? -offset : offset);
    *ret = l;
    return true;
}

/* The date of that day, days and months counted on or back. */
static void date_write(struct tm tm, int months, int days, char ret[SCORECARD_TEXT])
{
    tm.tm_mon += months;
    tm.tm_mday += days;
    (void)timegm(&tm);
    (void)strftime(ret, SCORECARD_TEXT, "%Y-%m-%d", &tm);
}

static long days_between(struct tm from, struct tm to)
{
    return (long)((timegm(&to) - timegm(&from)) / 86400);
}

bool scorecard_before(const char *since, const char *until, char ret[SCORECARD_TEXT])
{
    struct local a, b;
    if (!local_read(since, &a) || !local_read(until, &b) || a.instant >= b.instant)
        return false;
    if (a.is_midnight && b.is_midnight) {
        int months = (b.tm.tm_year - a.tm.tm_year) * 12 + b.tm.tm_mon - a.tm.tm_mon;
        if (a.tm.tm_mday == 1 && b.tm.tm_mday == 1)
            date_write(a.tm, -months, 0, ret);
        else
            date_write(a.tm, 0, (int)-days_between(a.tm, b.tm), ret);
        return true;
    }
    time_t from = a.instant - (b.instant - a.instant);
    struct tm tm;
    return gmtime_r(&from, &tm) && strftime(ret, SCORECARD_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}

bool scorecard_last_month(const char *today, char ret_since[SCORECARD_TEXT], char ret_until[SCORECARD_TEXT])
{
    struct local l;
    if (!local_read(today, &l))
        return false;
    l.tm.tm_mday = 1;
    date_write(l.tm, -1, 0, ret_since);
    date_write(l.tm, 0, 0, ret_until);
    return true;
}

long scorecard_days(const char *since, const char *until)
{
    struct local a, b;
    if (!local_read(since, &a) || !local_read(until, &b) || !a.is_midnight || !b.is_midnight)
        return 0;
    return days_between(a.tm, b.tm);
}
