/* Sealed fact rows: groups of subjects (rowgroup.h) by generation and run.
 *
 * A run is what one seal (or one slice of a refold) wrote; all rows of a subject in one run are in one group,
 * or in several one after the other where it has more of a table than a group takes. Rows never change: when
 * a subject is brought back its row in the group's base is marked dead, and with it all that are its
 * children: first in the memtable, at the next seal in DB_DEAD. */
#ifndef TENDON_STORE_FACTS_H
#define TENDON_STORE_FACTS_H

#include "core/store/db.h"
#include "core/store/memtable.h"
#include "core/store/rowgroup.h"

/* The place of a group. Those of another generation are those of a refold under way, or left by one. */
struct fact_key {
    uint16_t generation;
    uint32_t run;
    uint16_t place;
};
#define FACT_KEY_BYTES 8
/* The generation of facts whose events have left the log: every view has it, no refold makes it anew. */
#define FACTS_FROZEN UINT16_MAX
void fact_key_put(uint8_t key[FACT_KEY_BYTES], const struct fact_key *k);
bool fact_key_get(const MDB_val *value, struct fact_key *ret);

struct facts_writer;
int facts_writer_new(struct facts_writer **ret);
void facts_writer_free(struct facts_writer *w);

/* Begins a run, or the part of one whose groups have places from `place` on; then, for one subject after the
 * other, facts_subject with about how many rows it has of a table, and its rows by table, in the fold's order
 * (one without any is none); then finish. Groups are written as they fill; without a transaction they are
 * kept, for facts_put on the thread that has one. */
void facts_begin(struct facts_writer *w, struct txn *t, uint16_t generation, uint32_t run, uint16_t place);
int facts_subject(struct facts_writer *w, size_t n_rows);
int facts_add(struct facts_writer *w, const struct fact_row *row);
int facts_cut(struct facts_writer *w); /* the next subject begins another group */
int facts_finish(struct facts_writer *w);
int facts_put(struct facts_writer *w, struct txn *t);

/* Marks the rows of a subject in one run as dead in the memtable since `died`. */
int facts_bury(struct txn *t, struct memtable *m, uint16_t generation, uint32_t run, uint32_t subject,
               uint64_t died);

/* Writes the memtable's dead rows to DB_DEAD; a group without a living row is deleted. */
int facts_settle_dead(struct txn *t, const struct memtable *m);

/* Deletes up to n_max groups of other generations than these (0: none); 1 when there may be more. */
int facts_sweep(struct txn *t, const uint16_t keep[2], unsigned n_max);

#endif
