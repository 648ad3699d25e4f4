/* What commits did, one after the other, for who reads on: kept while an outlet (outlet.h) is open or the
 * store is told to keep it for a forwarder, and up to where all of them have read.
 *
 * An entry is what one commit changed, in the log's order: sources as it left them and the events that were
 * new; or reference rows and calendars. Its serial is given once. The committer's. */
#ifndef TENDON_STORE_OUTGOING_H
#define TENDON_STORE_OUTGOING_H

#include "core/store/commit.h"

enum outgoing_kind { OUTGOING_COMMIT = 1, OUTGOING_REFERENCE };

/* Reads where it stands; what nobody keeps goes. */
int outgoing_load(struct store *s, struct txn *t);
void outgoing_write(struct store *s, struct txn *t);

/* Adds the commit, where somebody wants it. A failure is the transaction's. */
void outgoing_put_commit(struct store *s, struct commit *c);
void outgoing_put_source(struct store *s, struct txn *t, const struct store_source *source);
void outgoing_put_reference(struct store *s, struct txn *t, const struct reference *before,
                            const struct reference *after);

/* What is read of it. */
struct outgoing_sink {
    void *context;
    int (*source)(void *context, const struct store_source *source);
    int (*event)(void *context, const struct journal_head *head, const struct event *e);
    int (*reference)(void *context, const void *record, size_t size);
    int (*calendar_removed)(void *context, const char *name, int64_t valid_from);
    int (*mark)(void *context, uint64_t next); /* all below that serial was read */
};
/* Reads entries from serial on, up to about `bytes` of them. 1: there are more; 0: that was all. -ENOENT: the
 * entries from there on are not kept any more. */
int outgoing_read(struct store *s, struct txn *t, uint64_t serial, size_t bytes,
                  const struct outgoing_sink *sink);

/* Whether what is not delivered has been kept for longer than it may. */
bool outgoing_is_overdue(const struct store *s, int64_t now);
/* Deletes some of what nobody reads any more, when it is worth a transaction, with `all` in any case. 1: it
 * did.
 */
int outgoing_trim(struct store *s, bool all, struct error *err);

#endif
