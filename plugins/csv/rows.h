/* What a row of a ticket log may be, besides the state of a ticket (plugins/common/snapshot.h): one event, or
 * a whole ticket with a column for every time that something happened to it. */
#ifndef TENDON_CSV_ROWS_H
#define TENDON_CSV_ROWS_H

#include "plugins/common/draft.h"

/* One row one event: its type, `at`, and of the fields those that the type has. enum draft_result. */
int event_row(struct draft *draft, const struct tendon_record *record);

/* What a time column of a ticket means; one more than is needed ends the list with NULL. */
extern const char *const TIME_MEANINGS[];

/* One row one ticket: each of the mapping's time columns that is not empty is an event; meanings[i] is the
 * place of column i's meaning in TIME_MEANINGS. Events of one instant are ordered as the columns were given.
 * Every event of the ticket carries the row's dimensions. enum draft_result. */
int ticket_row(struct draft *draft, const struct tendon_record *record, const uint8_t *meanings,
               uint32_t n_times);

#endif
