/* Telephone and chat: contacts and how long they waited. */
#include "core/query/catalogue.h"

/* What every contact shares. Contacts of excluded tickets stay. */
#define CONTACT .version = 1, .table = FACT_CONTACT, .anchor = ANCHOR_COMPLETED, .completed = FACT_CONTACT_AT
#define OFFERED                                                                                              \
    CONTACT, .unit = "share of contacts offered", .kind = METRIC_RATIO,                                      \
             .trial_columns = {FACT_CONTACT_OUTCOME, FACT_CONTACT_QUEUE_MS, COLUMN_NONE},                    \
             .left_out = 1u << LEFT_OUT_SHORT | 1u << LEFT_OUT_CALLBACK | 1u << LEFT_OUT_OVERFLOW |          \
                         1u << LEFT_OUT_NO_QUEUE

const struct metric CATALOGUE_CONTACT[] = {
    {
        .name = "service_level",
        .none = "no contact of it was offered",
        .definition =
            "Of the contacts offered, those answered after at most --within seconds (20) in the queue. "
            "Offered are answered contacts, and abandoned ones that waited 5 seconds or more; shorter "
            "abandons, overflows and callbacks are left out and counted, and so is what waited nobody knows "
            "how "
            "long. In the period of the contact's end.",
        OFFERED,
        .trial = TRIAL_SERVICE_LEVEL,
        .options = OPTION_WITHIN,
    },
    {
        .name = "queue_time",
        .none = "no contact of it was answered",
        .unit = "seconds",
        .definition = "How long answered contacts waited in the queue.",
        CONTACT,
        .kind = METRIC_DURATION,
        .conditions = {EQUAL(FACT_CONTACT_OUTCOME, OUTCOME_ANSWERED)},
        .values = {SUM(FACT_CONTACT_QUEUE_MS)},
        .left_out = 1u << LEFT_OUT_NO_QUEUE,
        .no_clock = "a queue is waited in on the wall clock",
    },
    {
        .name = "abandonment_rate",
        .none = "no contact of it was offered",
        .definition =
            "Of the contacts offered (as service_level counts them), those that were abandoned after 5 "
            "seconds or more in the queue. An answered contact is offered however long it waited.",
        OFFERED,
        .trial = TRIAL_ABANDONED,
    },
    {.name = NULL},
};
