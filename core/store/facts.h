/* Sealed fact rows: blocks by generation, table, month and run, sorted by subject.
 *
 * A run is what one seal (or one slice of a refold) wrote; all rows of a subject in one run and table are
 * neighbours. Rows never change: when a subject is brought back its rows are marked dead, first in the
 * memtable, at the next seal in DB_DEAD. */
#ifndef TENDON_STORE_FACTS_H
#define TENDON_STORE_FACTS_H

#include "core/store/block.h"
#include "core/store/db.h"
#include "core/store/memtable.h"

/* The place of a block. Blocks of another generation are those of a refold under way, or left by one. */
struct fact_key {
    uint16_t generation;
    uint8_t table;
    uint16_t month; /* of the row (fact_month), months since 1970 */
    uint32_t run;
    uint16_t place;
};
#define FACT_KEY_BYTES 11
/* The generation of facts whose events have left the log: every view has it, no refold makes it anew. */
#define FACTS_FROZEN UINT16_MAX
void fact_key_put(uint8_t key[FACT_KEY_BYTES], const struct fact_key *k);
bool fact_key_get(const MDB_val *value, struct fact_key *ret);

/* The month that a row is filed under: of created_at, else of its first own instant. */
uint16_t fact_month(const struct fact_row *row);

/* A row of the memtable that is to be sealed, with what it is sorted by. */
struct fact_ref {
    uint32_t subject;
    uint32_t row;
    uint16_t month;
};

struct facts_writer;
int facts_writer_new(struct facts_writer **ret);
void facts_writer_free(struct facts_writer *w);
/* Writes n rows of one table as blocks of a run; refs are sorted in place. */
int facts_write(struct facts_writer *w, struct txn *t, uint16_t generation, uint32_t run,
                enum fact_table table, const struct memtable *m, struct fact_ref *refs, size_t n);

/* Marks the rows of a subject in one table, month and run as dead in the memtable since `died`. */
int facts_bury(struct txn *t, struct memtable *m, uint16_t generation, uint32_t run, enum fact_table table,
               uint16_t month, uint32_t subject, uint64_t died);

/* Writes the memtable's dead rows to DB_DEAD; a block without a living row is deleted. */
int facts_settle_dead(struct txn *t, const struct memtable *m);

/* Deletes up to n_max blocks of other generations than these (0: none); 1 when there may be more. */
int facts_sweep(struct txn *t, const uint16_t keep[2], unsigned n_max);

#endif
