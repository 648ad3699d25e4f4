/* The survey table: what the industry publishes once a year, as rows of data, and how a measured figure is
 * held against the published one. Nothing here speaks with a collector. One thread. */
#ifndef TENDON_TOOLS_SURVEY_TABLE_H
#define TENDON_TOOLS_SURVEY_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SURVEY_UNKNOWNS 2

/* A row: the share of the votes of `of` that `answer` has. */
struct survey_row {
    const char *name;     /* "S2" */
    const char *text;     /* the question in words */
    const char *who;      /* votes: as people say it */
    const char *unit;     /* … and as a query does; NULL: the metric has none */
    const char *metric;   /* of the catalogue */
    const char *question; /* NULL: of no survey */
    const char *answer;   /* condition on the answer itself; NULL: the metric is the answer */
    const char *of;       /* condition on who is asked; NULL: all */
    struct survey_unknown {
        const char *name, *of; /* who is left out because something is not known: as `of` */
    } unknowns[SURVEY_UNKNOWNS];
    unsigned percent;      /* published, in whole percent */
    const char *published; /* … in words; NULL: the percent */
};
extern const struct survey_row SURVEY_ROWS[];
extern const size_t SURVEY_ROWS_N;
/* The row about products, which is made from grouped figures. */
extern const struct survey_row SURVEY_PRODUCTS;

/* Adds to a request what asks for the row, among `of` (the row's own, or an unknown's). instruments: names,
 * any number of them; none: whatever instrument. */
void survey_request(json_t *request, const struct survey_row *row, const char *of, const json_t *instruments);
/* The same for the ratings of each product and region. */
void survey_products_request(json_t *request, const json_t *instruments);

/* "agrees", where the share rounds to the published percent; else "higher" or "lower". */
const char *survey_verdict(const struct survey_row *row, double share);

/* From the rows of the answer to survey_products_request: for each product and region
 * {product, region, mean_rating, ballots, organisations, counts, lowest}, as a new list. counts: the region
 * is known and has ballots and organisations enough. lowest: strictly, of two or more that count.
 * *ret_products: products with two or more such regions; *ret_offshore: those where offshore is the lowest;
 * *ret_most: the most that any other region has. */
json_t *survey_products(const json_t *rows, unsigned *ret_products, unsigned *ret_offshore,
                        unsigned *ret_most);

#endif
