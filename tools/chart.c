#include "tools/chart.h"

#include "tools/terminal.h"

#include <math.h>
#include <string.h>

#define LABEL_MAX  40
#define LABEL_MIN  6
#define BAR_MAX    72 /* on a wide terminal: an eye must find its way back to the label */
#define BAR_WANTED 12
#define BAR_MIN    4
#define COLUMN_MAX 6
#define GAP        2

const struct chart_signs CHART_UNICODE = {
    .bar = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"},
    .negative = {" ", "▐", "█"},
    .level = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
    .column = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
    .missing = "–",
    .ellipsis = "…",
    .between = " · ",
    .zero = "│",
    .side = "│",
    .corner = "└",
    .floor = "─",
};

const struct chart_signs CHART_ASCII = {
    .bar = {"", ".", ".", ":", ":", "=", "=", "#", "#"},
    .negative = {" ", ":", "#"},
    .level = {"_", ".", ":", "~", "=", "+", "*", "#"},
    .column = {" ", "_", "_", ".", ".", ":", ":", "#", "#"},
    .missing = "-",
    .ellipsis = "..",
    .between = ", ",
    .zero = "|",
    .side = "|",
    .corner = "+",
    .floor = "-",
};

/* --- ranges ----------------------------------------------------------------------------------------------
 */

static double share_round(double greatest)
{
    static const double ENDS[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};
    for (size_t i = 0; i < sizeof(ENDS) / sizeof(ENDS[0]); i++)
        if (greatest <= ENDS[i])
            return ENDS[i];
    return greatest;
}

struct chart_range chart_range(const double *values, size_t n, bool is_share)
{
    struct chart_range range = {0};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        range.low = values[i] < range.low ? values[i] : range.low;
        range.high = values[i] > range.high ? values[i] : range.high;
    }
    if (is_share && range.high > 0)
        range.high = share_round(range.high);
    return range;
}

/* --- texts -----------------------------------------------------------------------------------------------
 */

static void repeat(FILE *out, const char *sign, size_t n)
{
    while (n-- > 0)
        (void)fputs(sign, out);
}

void chart_text(FILE *out, const struct chart_signs *signs, const char *text, size_t columns, bool right)
{
    size_t taken = text_width(text), bytes = strlen(text), dots = 0;
    if (taken > columns) {
        dots = text_width(signs->ellipsis) < columns ? text_width(signs->ellipsis) : 0;
        bytes = text_fit(text, columns - dots, &taken);
    }
    repeat(out, " ", right ? columns - taken - dots : 0);
    (void)fwrite(text, 1, bytes, out);
    if (dots > 0)
        (void)fputs(signs->ellipsis, out);
    repeat(out, " ", right ? 0 : columns - taken - dots);
}

/* --- bars ------------------------------------------------------------------------------------------------
 */

struct layout {
    size_t label, text, left, right; /* columns; left and right of the zero */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static struct layout layout_make(const struct chart_bar *bars, size_t n, const struct chart_range *range,
                                 size_t width)
{
    struct layout l = {.text = 1};
    for (size_t i = 0; i < n; i++) {
        size_t label = bars[i].label ? text_width(bars[i].label) : 0,
               text = bars[i].text ? text_width(bars[i].text) : 1;
        l.label = label > l.label ? label : l.label;
        l.text = text > l.text ? text : l.text;
    }
    l.text = least(l.text, width / 2);
    /* A label says what a bar is: bars give way first, down to so many columns, then labels. */
    size_t rest = width - l.text - 2 * GAP;
    l.label = least(least(l.label, LABEL_MAX), rest > LABEL_MIN + BAR_WANTED ? rest - BAR_WANTED : LABEL_MIN);
    size_t room = rest > l.label ? least(rest - l.label, BAR_MAX) : 0;
    double span = range->high - range->low;
    if (room < BAR_MIN || !(span > 0))
        return l;
    l.left = range->low < 0 ? (size_t)ceil((double)(room - 1) * -range->low / span) : 0;
    if (l.left > 0 && l.left + 1 > room - (range->high > 0))
        l.left = room - 1 - (range->high > 0);
    l.right = room - l.left - (l.left > 0);
    return l;
}

static void bar_right(FILE *out, const struct chart_signs *signs, double share, size_t room)
{
    size_t eighths = (size_t)(share * (double)room * 8 + 0.5);
    eighths = least(eighths > 0 || !(share > 0) ? eighths : 1, room * 8);
    repeat(out, signs->bar[8], eighths / 8);
    (void)fputs(signs->bar[eighths % 8], out);
}

static void bar_left(FILE *out, const struct chart_signs *signs, double share, size_t room)
{
    size_t halves = (size_t)(share * (double)room * 2 + 0.5);
    halves = least(halves > 0 || !(share > 0) ? halves : 1, room * 2);
    size_t cells = (halves + 1) / 2;
    repeat(out, signs->negative[0], room - cells);
    if (halves % 2)
        (void)fputs(signs->negative[1], out);
    repeat(out, signs->negative[2], halves / 2);
}

static void bar_write(FILE *out, const struct chart_signs *signs, double value,
                      const struct chart_range *range, const struct layout *l)
{
    if (l->left > 0) {
        if (isfinite(value) && value < 0)
            bar_left(out, signs, value / range->low, l->left);
        else
            repeat(out, " ", l->left);
        (void)fputs(signs->zero, out);
    }
    if (isfinite(value) && value > 0 && range->high > 0)
        bar_right(out, signs, value / range->high, l->right);
}

/* The ends of the range, below the ends of the bars. */
static void axis_write(FILE *out, const struct layout *l, const struct chart_range *range)
{
    size_t room = l->left + (l->left > 0) + l->right;
    if (!range->low_text || !range->high_text || room == 0)
        return;
    size_t low = text_width(range->low_text), high = text_width(range->high_text);
    if (low + high + 1 > room)
        return;
    repeat(out, " ", l->label + l->text + 2 * GAP);
    (void)fputs(range->low_text, out);
    repeat(out, " ", room - low - high);
    (void)fprintf(out, "%s\n", range->high_text);
}

void chart_bars(FILE *out, const struct chart_signs *signs, const struct chart_bar *bars, size_t n,
                const struct chart_range *range, unsigned width)
{
    struct layout l = layout_make(bars, n, range, width > CHART_WIDTH_MIN ? width : CHART_WIDTH_MIN);
    for (size_t i = 0; i < n; i++) {
        chart_text(out, signs, bars[i].label ? bars[i].label : "", l.label, false);
        repeat(out, " ", GAP);
        chart_text(out, signs, bars[i].text ? bars[i].text : signs->missing, l.text, true);
        repeat(out, " ", l.left + l.right > 0 ? GAP : 0);
        bar_write(out, signs, bars[i].value, range, &l);
        (void)fputc('\n', out);
    }
    axis_write(out, &l, range);
}

/* --- sparklines ------------------------------------------------------------------------------------------
 */

char *chart_sparkline(char *room, const struct chart_signs *signs, const double *values, size_t n,
                      unsigned times, double lowest, double highest)
{
    char *at = room;
    double span = highest - lowest;
    for (size_t i = 0; i < n; i++) {
        const char *sign = signs->missing;
        if (isfinite(values[i])) {
            double share = span > 0 ? (values[i] - lowest) / span : 0.5;
            share = share < 0 ? 0 : share > 1 ? 1 : share;
            sign = signs->level[span > 0 ? (unsigned)(share * 7 + 0.5) : 3];
        }
        size_t size = strlen(sign);
        for (unsigned k = 0; k < times; k++) {
            memcpy(at, sign, size);
            at += size;
        }
    }
    *at = '\0';
    return room;
}

/* --- columns ---------------------------------------------------------------------------------------------
 */

/* Columns that the labels of the side take, with the side itself. */
static size_t side_width(const struct chart_range *range)
{
    size_t low = range->low_text ? text_width(range->low_text) : 0,
           high = range->high_text ? text_width(range->high_text) : 0;
    return (low > high ? low : high) + 2;
}

size_t chart_columns_fit(const struct chart_range *range, unsigned width)
{
    size_t side = side_width(range), whole = width > CHART_WIDTH_MIN ? width : CHART_WIDTH_MIN;
    return whole > side + 1 ? whole - side : 1;
}

/* The sign of a value's column in a line, from above. */
static const char *column_sign(const struct chart_signs *signs, double value, const struct chart_range *range,
                               unsigned line)
{
    unsigned from = (CHART_ROWS - 1 - line) * 8; /* the eighths below the line */
    if (!isfinite(value))
        return line == CHART_ROWS - 1 ? signs->missing : " ";
    double share = range->high > 0 ? value / range->high : 0;
    unsigned eighths = (unsigned)((share < 0 ? 0 : share > 1 ? 1 : share) * CHART_ROWS * 8 + 0.5);
    eighths = eighths == 0 && value > 0 ? 1 : eighths;
    return signs->column[eighths <= from ? 0 : eighths - from > 8 ? 8 : eighths - from];
}

void chart_columns(FILE *out, const struct chart_signs *signs, const double *values, size_t n,
                   const struct chart_range *range, const char *first, const char *last, unsigned width)
{
    size_t side = side_width(range), room = chart_columns_fit(range, width);
    size_t each = n > 0 ? least(room / n, COLUMN_MAX) : 1, gap = each >= 3;
    each = each > 0 ? each : 1;
    n = least(n, room / each);
    for (unsigned line = 0; line < CHART_ROWS; line++) {
        const char *label = line == 0 ? range->high_text : line == CHART_ROWS - 1 ? range->low_text : NULL;
        chart_text(out, signs, label ? label : "", side - 2, true);
        (void)fprintf(out, " %s", signs->side);
        for (size_t i = 0; i < n; i++) {
            repeat(out, column_sign(signs, values[i], range, line), each - gap);
            repeat(out, " ", gap);
        }
        (void)fputc('\n', out);
    }
    repeat(out, " ", side - 1);
    (void)fputs(signs->corner, out);
    repeat(out, signs->floor, n * each);
    (void)fputc('\n', out);
    size_t taken = text_width(first) + text_width(last), span = n * each;
    if (n > 1 && taken + 1 <= span) {
        repeat(out, " ", side);
        (void)fputs(first, out);
        repeat(out, " ", span - taken);
        (void)fprintf(out, "%s\n", last);
    }
}
