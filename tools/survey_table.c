#include "tools/survey_table.h"

#include "tools/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSPITAL "facility_kind in (hospital, cah)"
#define PRACTICE "facility_kind=practice"

/* Of a product's regions only those count that have so many. */
#define BALLOTS_MIN       20
#define ORGANISATIONS_MIN 5

#define NO_KIND                                                                                              \
    {                                                                                                        \
        "facility_kind", "facility_kind is null"                                                             \
    }
#define NO_BEDS                                                                                              \
    {                                                                                                        \
        "beds", HOSPITAL " and beds is null"                                                                 \
    }
#define YES .unit = "site", .metric = "survey_share", .answer = "choice=yes"

const struct survey_row SURVEY_ROWS[] = {
    {
        .name = "S1",
        .text = "Not satisfied with support: not in the top quarter of the scale",
        .who = "respondent",
        .unit = "respondent",
        .metric = "survey_share",
        .question = "satisfaction",
        .answer = "box in (middle, bottom)",
        .percent = 33,
        .published = "1/3",
    },
    {
        .name = "S2",
        .text = "Outsourced support sets vendors apart",
        .who = "hospital",
        YES,
        .question = "outsourced_differentiator",
        .of = HOSPITAL,
        .unknowns = {NO_KIND},
        .percent = 82,
    },
    {
        .name = "S3",
        .text = "Prefers the vendor's own people",
        .who = "hospital",
        YES,
        .question = "prefers_direct",
        .of = HOSPITAL,
        .unknowns = {NO_KIND},
        .percent = 61,
    },
    {
        .name = "S4",
        .text = "Response and quality in the bottom quarter, where support is outsourced",
        .who = "hospital",
        .unit = "site",
        .metric = "survey_share",
        .question = "response_and_quality",
        .answer = "box=bottom",
        .of = HOSPITAL " and support_model=outsourced",
        .unknowns = {NO_KIND, {"support_model", HOSPITAL " and support_model is null"}},
        .percent = 79,
    },
    {
        .name = "S5",
        .text = "Prefers English-speaking support from its own country",
        .who = "practice",
        YES,
        .question = "prefers_domestic_english",
        .of = PRACTICE,
        .unknowns = {NO_KIND},
        .percent = 97,
    },
    {
        .name = "S6",
        .text = "Prefers English-speaking support from its own country",
        .who = "hospital",
        YES,
        .question = "prefers_domestic_english",
        .of = HOSPITAL,
        .unknowns = {NO_KIND},
        .percent = 93,
    },
    {
        .name = "S7",
        .text = "Considers outsourcing, with more than 50 beds",
        .who = "hospital",
        YES,
        .question = "considers_outsourcing",
        .of = HOSPITAL " and beds>50",
        .unknowns = {NO_KIND, NO_BEDS},
        .percent = 87,
    },
    {
        .name = "S8",
        .text = "Says that half or more is outsourced",
        .who = "hospital",
        .unit = "site",
        .metric = "survey_share",
        .question = "outsourced_now",
        .answer = "choice=half_or_more",
        .of = HOSPITAL,
        .unknowns = {NO_KIND},
        .percent = 16,
    },
    {
        .name = "S8 measured",
        .text = "Had half or more of its tickets solved by an outsourcer",
        .who = "hospital",
        .unit = "site",
        .metric = "outsourced_share",
        .of = HOSPITAL,
        .unknowns = {NO_KIND},
        .percent = 16,
    },
    {
        .name = "S9",
        .text = "Doubles what it spends on outsourcing, with more than 100 beds",
        .who = "hospital",
        YES,
        .question = "doubles_outsourced_spend",
        .of = HOSPITAL " and beds>100",
        .unknowns = {NO_KIND, NO_BEDS},
        .percent = 35,
    },
};
const size_t SURVEY_ROWS_N = sizeof(SURVEY_ROWS) / sizeof(SURVEY_ROWS[0]);

const struct survey_row SURVEY_PRODUCTS = {
    .name = "S10",
    .text = "Rated lowest where support is offshore",
    .who = "product",
    .metric = "mean_rating",
    .published = "offshore",
};

/* --- what is asked
 * ------------------------------------------------------------------------------------------- */

static void condition_add(FILE *out, unsigned *n, const char *text)
{
    if (text)
        (void)fprintf(out, "%s%s", (*n)++ ? " and " : "", text);
}

/* Names that stand in quotes of either kind; a code that holds both kinds has no way into a condition and is
 * left out. */
static void instruments_write(FILE *out, const json_t *instruments)
{
    size_t i, n = 0;
    json_t *name;
    json_array_foreach((json_t *)instruments, i, name)
    {
        const char *text = json_string_value(name);
        char quote = strchr(text, '\'') ? '"' : '\'';
        if (!strchr(text, quote))
            (void)fprintf(out, "%s%c%s%c", n++ ? ", " : "instrument in (", quote, text, quote);
    }
    (void)fputs(n ? ")" : "instrument is not null", out);
}

/* Sets `where`; a text that found no memory is left out, and the collector then says what is missing. */
static void where_set(json_t *request, const char *of, const char *answer, const json_t *instruments)
{
    char *text = NULL;
    size_t size;
    unsigned n = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    condition_add(out, &n, of);
    condition_add(out, &n, answer);
    if (instruments) {
        condition_add(out, &n, "");
        instruments_write(out, instruments);
    }
    if (fclose(out) == 0 && n > 0)
        (void)json_object_set_new(request, "where", json_string(text));
    free(text);
}

void survey_request(json_t *request, const struct survey_row *row, const char *of, const json_t *instruments)
{
    (void)json_object_set_new(request, "metrics", json_pack("[s]", row->metric));
    if (row->unit)
        (void)json_object_set_new(request, "unit", json_string(row->unit));
    if (row->question)
        (void)json_object_set_new(request, "question", json_string(row->question));
    where_set(request, of, row->answer, row->question ? instruments : NULL);
}

void survey_products_request(json_t *request, const json_t *instruments)
{
    (void)json_object_set_new(request, "metrics", json_pack("[s, s]", "mean_rating", "instrument_score"));
    (void)json_object_set_new(request, "by", json_pack("[s, s]", "product", "support_region"));
    where_set(request, NULL, NULL, instruments);
}

/* --- what comes back
 * ----------------------------------------------------------------------------------------- */

const char *survey_verdict(const struct survey_row *row, double share)
{
    /* A share is a quotient that a double may hold a little too low: 0.335 is 33.5 %, which rounds up. */
    double percent = floor(share * 100 + 0.5 + 1e-9);
    return percent == row->percent ? "agrees" : percent > row->percent ? "higher" : "lower";
}

static bool region_counts(const json_t *row)
{
    return json_is_string(json_object_get(row, "product")) &&
           json_is_string(json_object_get(row, "support_region")) &&
           json_is_number(json_object_get(row, "mean_rating")) &&
           json_number_value(json_object_get(row, "instrument_score.ballots")) >= BALLOTS_MIN &&
           json_number_value(json_object_get(row, "instrument_score.n")) >= ORGANISATIONS_MIN;
}

static json_t *region_made(const json_t *row)
{
    static const struct {
        const char *from, *to;
    } KEYS[] = {{"product", "product"},
                {"support_region", "region"},
                {"mean_rating", "mean_rating"},
                {"instrument_score.ballots", "ballots"},
                {"instrument_score.n", "organisations"}};
    json_t *made = json_object();
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        json_t *value = json_object_get(row, KEYS[i].from);
        (void)json_object_set(made, KEYS[i].to, value ? value : json_null());
    }
    (void)json_object_set_new(made, "counts", json_boolean(region_counts(row)));
    (void)json_object_set_new(made, "lowest", json_false());
    return made;
}

/* The strictly lowest of those that count among regions[first … end), or NULL; *ret_n: how many count. */
static json_t *region_lowest(json_t *regions, size_t first, size_t end, unsigned *ret_n)
{
    json_t *lowest = NULL;
    bool is_tie = false;
    *ret_n = 0;
    for (size_t i = first; i < end; i++) {
        json_t *region = json_array_get(regions, i);
        if (!json_is_true(json_object_get(region, "counts")))
            continue;
        double mean = json_number_value(json_object_get(region, "mean_rating"));
        double least = lowest ? json_number_value(json_object_get(lowest, "mean_rating")) : INFINITY;
        bool is_same = lowest && fabs(mean - least) < 1e-9;
        (*ret_n)++;
        is_tie = is_same || (is_tie && mean > least);
        if (mean < least)
            lowest = region;
    }
    return is_tie ? NULL : lowest;
}

json_t *survey_products(const json_t *rows, unsigned *ret_products, unsigned *ret_offshore,
                        unsigned *ret_most)
{
    json_t *regions = json_array(), *others = json_object(), *row;
    size_t i;
    *ret_products = *ret_offshore = *ret_most = 0;
    json_array_foreach((json_t *)rows, i, row)
    {
        (void)json_array_append_new(regions, region_made(row));
    }
    /* They come in the order of products. */
    for (size_t first = 0, end; first < json_array_size(regions); first = end) {
        const json_t *product = json_object_get(json_array_get(regions, first), "product");
        unsigned n;
        for (end = first + 1; end < json_array_size(regions) &&
                              json_equal(product, json_object_get(json_array_get(regions, end), "product"));)
            end++;
        json_t *lowest = region_lowest(regions, first, end, &n);
        *ret_products += n >= 2;
        if (n < 2 || !lowest)
            continue;
        (void)json_object_set_new(lowest, "lowest", json_true());
        const char *region = json_text(lowest, "region");
        json_int_t count = json_integer_value(json_object_get(others, region)) + 1;
        (void)json_object_set_new(others, region, json_integer(count));
        if (strcmp(region, "offshore") == 0)
            *ret_offshore = (unsigned)count;
        else if (count > *ret_most)
            *ret_most = (unsigned)count;
    }
    json_decref(others);
    return regions;
}
