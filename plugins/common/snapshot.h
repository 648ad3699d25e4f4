/* Rows that each show a ticket as it was after an update, as an audit export has them.
 *
 * A row is turned into events without a look at any other row, so that files may be cut, sorted and read
 * twice as they like:
 *
 *   ticket.created   at `opened`; the same event from every row of the ticket
 *   ticket.updated   at `opened`, before it: what the ticket had when it was opened, were this its first row.
 *                    Their order is the rows' turned round, so the one that holds in the end is that of the
 *                    row that was written first
 *   ticket.assigned  at `at`, when the row has a team; of kind route unless the row says otherwise
 *   ticket.status    at `at`, with all the row's dimensions
 *
 * Rows of one ticket are ordered by (`at`, `version`); without a version those of one instant have the
 * canonical order of events. */
#ifndef TENDON_PLUGINS_COMMON_SNAPSHOT_H
#define TENDON_PLUGINS_COMMON_SNAPSHOT_H

#include "plugins/common/draft.h"

/* enum draft_result */
int snapshot_row(struct draft *draft, const struct tendon_record *record);

#endif
