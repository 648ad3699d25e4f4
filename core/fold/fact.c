#include "core/fold/fact.h"

#define NAME(name) #name,
#define NAMES_OF(table, values)                                                                              \
    static const char *const FACT_##table##_NAMES[] = {FACT_COMMON(NAME) values(NAME)};                      \
    _Static_assert(sizeof(FACT_##table##_NAMES) / sizeof(char *) == FACT_N_##table##_VALUES,                 \
                   "a name for each column");                                                                \
    _Static_assert((int)FACT_N_##table##_VALUES <= FACT_VALUES_MAX, "a row has room for the table's "        \
                                                                    "values");

NAMES_OF(TICKET, FACT_TICKET_VALUES)
NAMES_OF(ACKNOWLEDGEMENT, FACT_ACKNOWLEDGEMENT_VALUES)
NAMES_OF(REPLY, FACT_REPLY_VALUES)
NAMES_OF(SOLVE, FACT_SOLVE_VALUES)
NAMES_OF(REOPEN, FACT_REOPEN_VALUES)
NAMES_OF(SPAN, FACT_SPAN_VALUES)
NAMES_OF(HOLDING, FACT_HOLDING_VALUES)
NAMES_OF(SLA_CYCLE, FACT_SLA_CYCLE_VALUES)
NAMES_OF(RATING, FACT_RATING_VALUES)
NAMES_OF(ANSWER, FACT_ANSWER_VALUES)
NAMES_OF(SENDING, FACT_SENDING_VALUES)
NAMES_OF(CONTACT, FACT_CONTACT_VALUES)
NAMES_OF(MERGE, FACT_MERGE_VALUES)

const struct fact_table_info FACT_TABLE_INFO[FACT_N_TABLES] = {
#define X(table, table_name, values, sets)                                                                   \
    [FACT_##table] = {.name = (table_name),                                                                  \
                      .n_values = FACT_N_##table##_VALUES,                                                   \
                      .n_sets = (sets),                                                                      \
                      .value_names = FACT_##table##_NAMES},
    FACT_TABLES(X)
#undef X
};
