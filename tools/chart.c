#include "tools/chart.h"

#include "tools/format.h"
#include "tools/terminal.h"

#include <math.h>
#include <string.h>

#define LABEL_MAX 32
#define BAR_MIN   10

static const char *const EIGHTHS[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

static void bar_write(FILE *out, double share, unsigned room, const char *full)
{
    unsigned eighths = (unsigned)(share * room * 8 + 0.5);
    for (unsigned i = 0; i < eighths / 8; i++)
        (void)fputs(full, out);
    (void)fputs(EIGHTHS[eighths % 8], out);
}

void chart_bars(FILE *out, const struct chart_bar *bars, size_t n, unsigned width)
{
    size_t label = 0, text = 1;
    double greatest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t l = text_width(bars[i].label ? bars[i].label : ""),
               t = bars[i].text ? text_width(bars[i].text) : 1;
        label = l > label ? l : label;
        text = t > text ? t : text;
        if (fabs(bars[i].value) > greatest)
            greatest = fabs(bars[i].value);
    }
    label = label < LABEL_MAX ? label : LABEL_MAX;
    size_t taken = label + text + 4;
    unsigned room = width > taken + BAR_MIN ? (unsigned)(width - taken) : BAR_MIN;
    for (size_t i = 0; i < n; i++) {
        size_t columns;
        const char *name = bars[i].label ? bars[i].label : "";
        size_t bytes = text_fit(name, label, &columns);
        const char *value = bars[i].text ? bars[i].text : FORMAT_MISSING;
        (void)fprintf(out, "%.*s%*s  %*s%s  ", (int)bytes, name, (int)(label - columns), "",
                      (int)(text - text_width(value)), "", value);
        if (isfinite(bars[i].value) && greatest > 0)
            bar_write(out, fabs(bars[i].value) / greatest, room, bars[i].value < 0 ? "▒" : "█");
        (void)fputc('\n', out);
    }
}

char *chart_sparkline(char *room, const double *values, size_t n, double least, double greatest)
{
    static const char *const LEVELS[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    char *at = room;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) {
            *at++ = ' ';
            continue;
        }
        double span = greatest - least;
        unsigned level = span > 0 ? (unsigned)((values[i] - least) / span * 7 + 0.5) : 3;
        memcpy(at, LEVELS[level], 3);
        at += 3;
    }
    *at = '\0';
    return room;
}
