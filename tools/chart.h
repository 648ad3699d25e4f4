/* Pictures of numbers in plain text: bars, sparklines and columns. No colour, no control characters.
 *
 * Every line is at most `width` columns wide, from CHART_WIDTH_MIN on. Texts are clean (tools/terminal.h) and
 * the caller's; those that are too long end with an ellipsis. A value that is missing (not finite) is shown
 * as a dash and never as 0. Pure functions; any thread, after setlocale. */
#ifndef TENDON_TOOLS_CHART_H
#define TENDON_TOOLS_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CHART_WIDTH_MIN 20
#define CHART_WIDTH_MAX 1000

/* What pictures are drawn with. */
struct chart_signs {
    const char *bar[9];                       /* a cell filled from the left, by eighths; 0 is empty */
    const char *negative[3];                  /* a cell filled from the right, by halves */
    const char *level[8];                     /* of a sparkline, from least to greatest */
    const char *column[9];                    /* a cell filled from below, by eighths; 0 is a blank */
    const char *missing, *ellipsis, *between; /* between: parts of a label */
    const char *zero, *side, *corner, *floor; /* axes */
};
extern const struct chart_signs CHART_UNICODE, CHART_ASCII;

/* The least and greatest value that a picture reaches to. */
struct chart_range {
    double low, high;
    const char *low_text, *high_text; /* as a person reads them; NULL: not shown */
};
/* Around values that begins or ends at 0, for bars and columns. is_share: of values of 0 to 1, up to the next
 * round percentage (1, 2, 5, 10, 20, 50, 100 %). The texts are NULL. */
struct chart_range chart_range(const double *values, size_t n, bool is_share);

/* A text in so many columns, shortened where it is longer. */
void chart_text(FILE *out, const struct chart_signs *signs, const char *text, size_t columns, bool right);

struct chart_bar {
    char *label;  /* NULL: none */
    double value; /* NaN: missing */
    char *text;   /* of the value; NULL: missing */
};

/* One bar a line, its value beside it; below them the ends of the range. Negative values go to the left of
 * the zero. */
void chart_bars(FILE *out, const struct chart_signs *signs, const struct chart_bar *bars, size_t n,
                const struct chart_range *range, unsigned width);

/* Each value `times` characters wide, from least to greatest. room takes CHART_SIGN_BYTES a character and a
 * NUL. Returns room. */
#define CHART_SIGN_BYTES 4
char *chart_sparkline(char *room, const struct chart_signs *signs, const double *values, size_t n,
                      unsigned times, double least, double greatest);

/* One column a value over a floor, CHART_ROWS lines high; first and last stand below the ends. The range
 * begins at 0. n values must fit: chart_columns_fit. */
#define CHART_ROWS 8
void chart_columns(FILE *out, const struct chart_signs *signs, const double *values, size_t n,
                   const struct chart_range *range, const char *first, const char *last, unsigned width);
size_t chart_columns_fit(const struct chart_range *range, unsigned width);

#endif
