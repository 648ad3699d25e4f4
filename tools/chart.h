/* Pictures of numbers in plain Unicode: bars and sparklines. No colour. */
#ifndef TENDON_TOOLS_CHART_H
#define TENDON_TOOLS_CHART_H

#include <stddef.h>
#include <stdio.h>

/* The texts are clean (tools/terminal.h) and the caller's. */
struct chart_bar {
    char *label;  /* NULL: none */
    double value; /* NaN: missing */
    char *text;   /* of the value; NULL: missing */
};

/* One bar a line, from 0 to the greatest of them, within `width` columns; a negative value has a shaded bar
 * of its size. */
void chart_bars(FILE *out, const struct chart_bar *bars, size_t n, unsigned width);

/* One character a value, from least (▁) to greatest (█); a missing one is a blank. room takes 4 bytes a value
 * and a NUL. Returns room. */
char *chart_sparkline(char *room, const double *values, size_t n, double least, double greatest);

#endif
