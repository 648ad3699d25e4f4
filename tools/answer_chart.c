/* The pictures of an answer: bars for groups; over periods columns, or sparklines where there are several
 * groups. */
#include "tools/answer.h"
#include "tools/answer_column.h"
#include "tools/chart.h"
#include "tools/format.h"
#include "tools/json.h"
#include "tools/terminal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BARS_MAX 60 /* of one picture: the table has them all */

struct picture {
    const json_t *rows;
    const struct answer_column *columns;
    size_t n_columns;
    const struct chart_signs *signs;
    const char *every; /* NULL: not over time */
    FILE *out;
    unsigned width;
};

static void title_write(FILE *out, const char *title)
{
    char *clean = text_clean(title);
    (void)fprintf(out, "\n%s\n", clean ? clean : "");
    free(clean);
}

/* The values of a row's dimensions, as one label; a new string. */
static char *row_label(const json_t *row, const struct answer_column *columns, size_t n,
                       const struct chart_signs *signs)
{
    char *label = NULL, *room = NULL;
    size_t size;
    bool any = false;
    FILE *out = open_memstream(&label, &size);
    if (!out)
        return NULL;
    for (size_t c = 0; c < n; c++) {
        if (!answer_column_is(&columns[c], "dimension"))
            continue;
        const char *text = output_cell(CELL_TEXT, json_object_get(row, columns[c].name), &room);
        (void)fprintf(out, "%s%s", any ? signs->between : "", text ? text : signs->missing);
        any = true;
    }
    if (!any)
        (void)fputs("all", out);
    free(room);
    if (fclose(out) != 0)
        return NULL;
    char *clean = text_clean(label);
    free(label);
    return clean;
}

static double number_of(const json_t *value)
{
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* A number as the column's cells have it; a new string. */
static char *number_text(const struct answer_column *c, double number)
{
    char *room = NULL;
    json_t *value = json_real(number);
    const char *text = output_cell(c->cell, value, &room);
    char *clean = text ? text_clean(text) : NULL;
    json_decref(value);
    free(room);
    return clean;
}

/* The ends of the range as texts, the caller's to free. */
static void range_label(struct chart_range *range, const struct answer_column *c, char **ret_low,
                        char **ret_high)
{
    range->low_text = *ret_low = number_text(c, range->low);
    range->high_text = *ret_high = number_text(c, range->high);
}

/* --- bars ------------------------------------------------------------------------------------------------
 */

static void bars_fill(const struct picture *p, const struct answer_column *c, struct chart_bar *bars,
                      double *values, size_t n)
{
    char *room = NULL;
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(p->rows, i);
        const char *text = output_cell(c->cell, json_object_get(row, c->name), &room);
        bars[i].label = row_label(row, p->columns, p->n_columns, p->signs);
        bars[i].value = values[i] = number_of(json_object_get(row, c->name));
        bars[i].text = text ? text_clean(text) : NULL;
    }
    free(room);
}

static void bars_write(const struct picture *p, const struct answer_column *c)
{
    size_t n_rows = json_array_size(p->rows), n = n_rows < BARS_MAX ? n_rows : BARS_MAX;
    struct chart_bar *bars = calloc(n + 1, sizeof(*bars));
    double *values = calloc(n + 1, sizeof(*values));
    char *low = NULL, *high = NULL;
    title_write(p->out, c->name);
    if (bars && values) {
        bars_fill(p, c, bars, values, n);
        struct chart_range range = chart_range(values, n, c->cell == CELL_RATIO);
        if (range.low < range.high)
            range_label(&range, c, &low, &high);
        chart_bars(p->out, p->signs, bars, n, &range, p->width);
    }
    if (n < n_rows)
        (void)fprintf(p->out, "and %zu more in the table\n", n_rows - n);
    for (size_t i = 0; bars && i < n; i++) {
        free(bars[i].label);
        free(bars[i].text);
    }
    free(high);
    free(low);
    free(values);
    free(bars);
}

/* --- over time -------------------------------------------------------------------------------------------
 */

/* The periods of an answer in their order, {period: place}; those cut short are marked in `partial`. */
struct periods {
    json_t *places;
    const char **names;
    bool *partial;
    size_t n;
};

static bool periods_read(const json_t *rows, struct periods *ret)
{
    size_t n = json_array_size(rows), i;
    json_t *row;
    *ret =
        (struct periods){json_object(), calloc(n + 1, sizeof(*ret->names)), calloc(n + 1, sizeof(bool)), 0};
    if (!ret->places || !ret->names || !ret->partial)
        return false;
    json_array_foreach((json_t *)rows, i, row)
    {
        const char *period = json_string_value(json_object_get(row, "period"));
        if (!period || json_object_get(ret->places, period))
            continue;
        (void)json_object_set_new(ret->places, period, json_integer((json_int_t)ret->n));
        ret->partial[ret->n] = json_is_true(json_object_get(row, "partial"));
        ret->names[ret->n++] = period;
    }
    return true;
}

static void periods_free(struct periods *periods)
{
    json_decref(periods->places);
    free(periods->names);
    free(periods->partial);
}

/* One group over the periods. */
struct series {
    char *label;
    double *values; /* [periods] */
};

struct chart_series {
    struct series *list;
    size_t n, widest; /* widest label */
};

static struct series *series_find(struct chart_series *all, const char *label)
{
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->list[i].label, label) == 0)
            return &all->list[i];
    return NULL;
}

/* The series of that label, which is taken over; NULL: no memory. */
static struct series *series_add(struct chart_series *all, char *label, size_t n_periods)
{
    struct series *list = reallocarray(all->list, all->n + 1, sizeof(*list));
    double *values = calloc(n_periods + 1, sizeof(*values));
    if (list)
        all->list = list;
    if (!list || !values) {
        free(values);
        free(label);
        return NULL;
    }
    for (size_t i = 0; i < n_periods; i++)
        values[i] = NAN;
    all->widest = text_width(label) > all->widest ? text_width(label) : all->widest;
    list[all->n] = (struct series){label, values};
    return &list[all->n++];
}

static void series_collect(const struct picture *p, const struct answer_column *c,
                           const struct periods *periods, struct chart_series *ret)
{
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)p->rows, i, row)
    {
        const json_t *place = json_object_get(periods->places, json_text(row, "period"));
        char *label = row_label(row, p->columns, p->n_columns, p->signs);
        struct series *series = label && place ? series_find(ret, label) : NULL;
        if (!label || !place || (!series && ret->n == BARS_MAX)) {
            free(label);
            continue;
        }
        if (series)
            free(label);
        else
            series = series_add(ret, label, periods->n);
        if (!series)
            return;
        series->values[json_integer_value(place)] = number_of(json_object_get(row, c->name));
    }
}

static void series_free(struct chart_series *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free(all->list[i].label);
        free(all->list[i].values);
    }
    free(all->list);
}

struct extent {
    double least, greatest; /* least > greatest: nothing was measured */
};

static struct extent extent_read(const double *values, size_t n)
{
    struct extent e = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        e.least = values[i] < e.least ? values[i] : e.least;
        e.greatest = values[i] > e.greatest ? values[i] : e.greatest;
    }
    return e;
}

/* "10.0 % … 90.0 %"; a new string, empty where nothing was measured. */
static char *extent_text(const struct picture *p, const struct answer_column *c, struct extent e)
{
    char *text = NULL, *low = NULL, *high = NULL;
    if (e.least > e.greatest)
        return strdup("");
    low = number_text(c, e.least);
    high = number_text(c, e.greatest);
    size_t size = low && high ? strlen(low) + strlen(high) + 8 : 0;
    text = size ? malloc(size) : NULL;
    if (text)
        (void)snprintf(text, size, "%s %s %s", low, p->signs->ellipsis, high);
    free(low);
    free(high);
    return text;
}

/* A period's start as tables have it, with the asterisk of one cut short. */
static const char *period_text(char room[FORMAT_ROOM + 2], const struct picture *p,
                               const struct periods *periods, size_t place)
{
    format_period(room, FORMAT_ROOM, periods->names[place]);
    format_month(room, p->every);
    return periods->partial[place] ? strcat(room, "*") : room;
}

/* "2025-01 to 2026-01", and of how many periods it shows the last. */
static void span_write(const struct picture *p, const struct periods *periods, size_t first)
{
    char from[FORMAT_ROOM + 2], to[FORMAT_ROOM + 2], text[2 * FORMAT_ROOM + 80];
    if (periods->n == 0)
        return;
    int at = snprintf(text, sizeof(text), "%s to %s", period_text(from, p, periods, first),
                      period_text(to, p, periods, periods->n - 1));
    if (first > 0)
        (void)snprintf(text + at, sizeof(text) - (size_t)at, ", the last %zu of %zu periods",
                       periods->n - first, periods->n);
    text_wrap(p->out, text, 0, p->width);
}

/* One scale for all groups, so that the lines can be compared; each with its own least and greatest value. */
static void sparklines_write(const struct picture *p, const struct answer_column *c,
                             const struct periods *periods, const struct chart_series *all)
{
    size_t label = all->widest < p->width / 3 ? all->widest : p->width / 3, extents = 0;
    char **texts = calloc(all->n + 1, sizeof(*texts));
    struct extent scale = {INFINITY, -INFINITY};
    for (size_t s = 0; texts && s < all->n; s++) {
        texts[s] = extent_text(p, c, extent_read(all->list[s].values, periods->n));
        extents = texts[s] && text_width(texts[s]) > extents ? text_width(texts[s]) : extents;
    }
    /* Where lines would be short the least and greatest values give way. */
    size_t room = p->width - label - 2, wanted = periods->n < 12 ? periods->n : 12;
    bool has_extents = room >= extents + 2 + wanted;
    room -= has_extents ? extents + 2 : 0;
    size_t n = periods->n < room ? periods->n : room, first = periods->n - n;
    unsigned times = n > 0 && room / n >= 2 && n <= 24 ? 2 : 1;
    char *spark = malloc(CHART_SIGN_BYTES * times * n + 1);
    for (size_t s = 0; s < all->n; s++) {
        struct extent e = extent_read(all->list[s].values + first, n);
        scale.least = e.least < scale.least ? e.least : scale.least;
        scale.greatest = e.greatest > scale.greatest ? e.greatest : scale.greatest;
    }
    span_write(p, periods, first);
    for (size_t s = 0; spark && texts && s < all->n; s++) {
        chart_text(p->out, p->signs, all->list[s].label, label, false);
        (void)fprintf(p->out, "  %s",
                      chart_sparkline(spark, p->signs, all->list[s].values + first, n, times, scale.least,
                                      scale.greatest));
        (void)fprintf(p->out, has_extents && texts[s] && *texts[s] ? "  %s\n" : "%s\n",
                      has_extents && texts[s] ? texts[s] : "");
    }
    for (size_t s = 0; texts && s < all->n; s++)
        free(texts[s]);
    free(texts);
    free(spark);
}

static void columns_write(const struct picture *p, const struct answer_column *c,
                          const struct periods *periods, const double *values)
{
    char from[FORMAT_ROOM + 2], to[FORMAT_ROOM + 2], *low = NULL, *high = NULL;
    struct chart_range range = chart_range(values, periods->n, c->cell == CELL_RATIO);
    range_label(&range, c, &low, &high);
    size_t room = chart_columns_fit(&range, p->width), n = periods->n < room ? periods->n : room,
           first = periods->n - n;
    if (first > 0)
        span_write(p, periods, first);
    chart_columns(p->out, p->signs, values + first, n, &range, period_text(from, p, periods, first),
                  period_text(to, p, periods, periods->n - 1), p->width);
    free(low);
    free(high);
}

static void periods_write(const struct picture *p, const struct answer_column *c)
{
    struct periods periods;
    struct chart_series all = {0};
    title_write(p->out, c->name);
    if (periods_read(p->rows, &periods)) {
        series_collect(p, c, &periods, &all);
        struct extent e = all.n == 1 ? extent_read(all.list[0].values, periods.n) : (struct extent){0};
        if (all.n == 1 && e.least >= 0 && e.greatest > 0 && e.least <= e.greatest)
            columns_write(p, c, &periods, all.list[0].values);
        else
            sparklines_write(p, c, &periods, &all);
    }
    series_free(&all);
    periods_free(&periods);
}

void answer_chart(const json_t *answer, const char *every, FILE *out, unsigned width, bool ascii)
{
    struct answer_column *columns = calloc(ANSWER_COLUMNS_MAX, sizeof(*columns));
    if (!columns)
        return;
    struct picture p = {
        .rows = json_object_get(answer, "rows"),
        .columns = columns,
        .n_columns = answer_columns(answer, columns),
        .signs = ascii ? &CHART_ASCII : &CHART_UNICODE,
        .every = every,
        .out = out,
        .width = width > CHART_WIDTH_MIN ? width : CHART_WIDTH_MIN,
    };
    for (size_t c = 0; c < p.n_columns; c++) {
        if (!columns[c].is_value)
            continue;
        if (every)
            periods_write(&p, &columns[c]);
        else
            bars_write(&p, &columns[c]);
    }
    free(columns);
}
