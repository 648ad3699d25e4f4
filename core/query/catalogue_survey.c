/* What people said when they were asked. */
#include "core/query/catalogue.h"

/* What every rating shares. A reseller's ballot is none. */
#define RATING                                                                                               \
    .version = 1, .unit = "share of ratings", .table = FACT_RATING, .kind = METRIC_RATIO,                    \
    .anchor = ANCHOR_COMPLETED, .completed = FACT_RATING_AT, .instrument = "csat",                           \
    .options = OPTION_INSTRUMENT | OPTION_QUESTION, .units = UNITS_SURVEY,                                   \
    .left_out = 1u << LEFT_OUT_RESELLER

const struct metric CATALOGUE_SURVEY[] = {
    {
        .name = "csat",
        .definition =
            "Ratings of instrument csat (--instrument, --question for another) in the top quarter of their "
            "scale, 4(score - min) >= 3(max - min): 4 and 5 of 1 to 5. One rating a ticket and solve, the "
            "last; without a ticket the last in the period of each site, respondent and question. Resellers' "
            "ballots are left out and counted. With --unit site, org or respondent each has one vote, split "
            "evenly. Dimensions: at the solve rated, else the response's own.",
        RATING,
        .trial = TRIAL_TOP,
        .trial_columns = {FACT_RATING_SCORE, FACT_RATING_MIN, FACT_RATING_MAX},
    },
    {
        .name = "dissatisfaction",
        .definition = "As csat, the bottom quarter: 4(score - min) <= max - min: 1 and 2 of 1 to 5.",
        RATING,
        .trial = TRIAL_BOTTOM,
        .trial_columns = {FACT_RATING_SCORE, FACT_RATING_MIN, FACT_RATING_MAX},
    },
    {.name = NULL},
};
