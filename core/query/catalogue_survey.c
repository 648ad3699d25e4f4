/* What people said when they were asked. */
#include "core/query/catalogue.h"

#define RESELLER 1u << LEFT_OUT_RESELLER
#define SURVEY   .version = 1, .anchor = ANCHOR_COMPLETED, .left_out = RESELLER
#define SCORES                                                                                               \
    {                                                                                                        \
        FACT_RATING_SCORE, FACT_RATING_MIN, FACT_RATING_MAX                                                  \
    }

/* What every rating shares. A reseller's ballot is none. */
#define RATING                                                                                               \
    .version = 1, .anchor = ANCHOR_COMPLETED, .table = FACT_RATING, .completed = FACT_RATING_AT,             \
    .gather = GATHER_RATINGS, .options = OPTION_INSTRUMENT | OPTION_QUESTION, .units = UNITS_SURVEY
#define RATING_SHARE                                                                                         \
    RATING, .unit = "share of ratings", .kind = METRIC_RATIO, .instrument = "csat", .left_out = RESELLER
/* A scale in thousandths; what is rated on another one is left out and counted. */
#define ON_SCALE(min, max) .scale_min = (min), .scale_max = (max), .left_out = RESELLER | 1u << LEFT_OUT_SCALE

const struct metric CATALOGUE_SURVEY[] = {
    {
        .name = "csat",
        .none = "nobody rated it with a score in this instrument",
        .definition =
            "Ratings of instrument csat (--instrument, --question for another) in the top quarter of their "
            "scale, 4(score - min) >= 3(max - min): 4 and 5 of 1 to 5. One rating a ticket and solve, the "
            "last; without a ticket the last in the period of each site, respondent and question. Resellers' "
            "ballots are left out and counted. With --unit site, org or respondent each has one vote, split "
            "evenly. Dimensions: at the solve rated, else the response's own.",
        RATING_SHARE,
        .trial = TRIAL_TOP,
        .trial_columns = SCORES,
    },
    {
        .name = "dissatisfaction",
        .none = "nobody rated it with a score in this instrument",
        .definition = "As csat, the bottom quarter: 4(score - min) <= max - min: 1 and 2 of 1 to 5.",
        RATING_SHARE,
        .trial = TRIAL_BOTTOM,
        .trial_columns = SCORES,
    },
    {
        .name = "mean_rating",
        .none = "nobody rated it with a score in this instrument",
        .definition =
            "The mean of (score - min) / (max - min) over the ratings that csat counts: 0 where all "
            "gave the least, 1 where all gave the most.",
        RATING,
        .unit = "0 to 1",
        .kind = METRIC_MEAN,
        .instrument = "csat",
        .left_out = RESELLER,
        .values = {{VALUE_OF_RATING, SCORES}},
        .per = RATING_UNITS,
    },
    {
        .name = "response_rate",
        .none = "no survey was sent for it",
        .definition =
            "Of the surveys sent in the period those that were answered: by at least one response of the "
            "same "
            "instrument and ticket, at or after the sending and before the next one. Without a ticket: of "
            "the "
            "same site and respondent; what went to nobody by name counts as not answered. One survey is one "
            "trial, however many questions were answered. "
            "Resellers neither answer nor are asked; what they got is counted. Dimensions: at the latest "
            "solve before, else the survey's own.",
        SURVEY,
        .unit = "share of surveys sent",
        .table = FACT_SENDING,
        .kind = METRIC_RATIO,
        .anchor_name = "sent",
        .completed = FACT_SENDING_AT,
        .gather = GATHER_SENDINGS,
        .trial = TRIAL_KNOWN,
        .trial_columns = {FACT_SENDING_ANSWERED_AT, COLUMN_NONE},
        .options = OPTION_INSTRUMENT,
        .units = UNITS_SURVEY,
    },
    {
        .name = "nps",
        .none = "nobody rated it with a score in this instrument",
        .definition =
            "Of the ratings of instrument nps on a scale of 0 to 10: 100 times the share of promoters (9 and "
            "10) less that of detractors (0 to 6). Which ratings count is as for csat; those on another "
            "scale "
            "are left out and counted. It has no interval.",
        RATING,
        .unit = "-100 to 100",
        .kind = METRIC_SCORE,
        .instrument = "nps",
        ON_SCALE(0, 10000),
        .values = {{VALUE_OF_PROMOTER, SCORES}},
    },
    {
        .name = "ces",
        .none = "nobody rated it with a score in this instrument",
        .definition = "The mean score of the ratings of instrument ces on a scale of 1 to 7. Which ratings "
                      "count is as for csat; those on another scale are left out and counted.",
        RATING,
        .unit = "1 to 7",
        .kind = METRIC_MEAN,
        .instrument = "ces",
        ON_SCALE(1000, 7000),
        .values = {SUM(FACT_RATING_SCORE)},
        .per = 1000,
    },
    {
        .name = "survey_share",
        .none = "votes are counted among all answers of a period: ask tendon query",
        .definition =
            "The share of the votes on one question (--question) that an answer has: grouped by choice, or "
            "with a condition on it. Both cut what is counted and not what it is a share of. box is the "
            "answer "
            "where it was a score: the top or bottom quarter of its scale, or the middle. Each respondent "
            "has "
            "one vote in the period asked, the latest answer in it; without a respondent each ballot is its "
            "own. With --unit site or org each of these has one vote, split evenly over its respondents; "
            "those "
            "of none are left out and counted as unknown. Dimensions: at the solve that the ballot is about, "
            "but the team is the ballot's own where it names one; else the ballot's own.",
        SURVEY,
        .unit = "share of votes",
        .table = FACT_ANSWER,
        .kind = METRIC_RATIO,
        .completed = FACT_ANSWER_AT,
        .gather = GATHER_ANSWERS,
        .trial = TRIAL_ANSWER,
        .trial_columns = {COLUMN_NONE},
        .options = OPTION_INSTRUMENT | OPTION_QUESTION,
        .units = UNITS_VOTE,
        .default_unit = UNIT_RESPONDENT,
    },
    {
        .name = "instrument_score",
        .none = "ballots are counted among all answers of a period: ask tendon query",
        .definition =
            "The score of an instrument (--instrument): a ballot is the mean of (score - min) / (max - min) "
            "of its answered items in the period times 100, an organisation the mean of its ballots, the "
            "score "
            "the mean of the organisations. With --unit respondent it is the mean of the ballots. A ballot "
            "is "
            "what one respondent said of one site, or of one solve of a ticket: of each item the last "
            "answer, "
            "with the dimensions of the last of them. n counts organisations, and ballots stands beside it: "
            "below 5 organisations or 20 ballots the score carries an asterisk (few). Ballots of no known "
            "organisation are left out and counted as unknown.",
        SURVEY,
        .unit = "0 to 100",
        .table = FACT_ANSWER,
        .kind = METRIC_SCORE,
        .completed = FACT_ANSWER_AT,
        .gather = GATHER_BALLOTS,
        .values = {{VALUE_OF_RATING, {FACT_ANSWER_SCORE, FACT_ANSWER_MIN, FACT_ANSWER_MAX}}},
        .per = RATING_UNITS / 100,
        .beside = {"ballots"},
        .options = OPTION_INSTRUMENT,
        .units = UNITS_VOTE,
        .default_unit = UNIT_ORG,
    },
    {.name = NULL},
};
