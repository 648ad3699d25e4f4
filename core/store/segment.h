/* Segments of the event log: what one seal wrote, sorted by subject, in blocks by column.
 *
 * A subject's events in one segment are one run of rows (it may cross blocks). The first of them names the
 * segment before that has events of it, so that its events are found from the newest segment back. Where
 * events have left the set (prune.h) their rows are gone; if that would break the chain, one row stays that
 * is no event.
 */
#ifndef TENDON_STORE_SEGMENT_H
#define TENDON_STORE_SEGMENT_H

#include "core/store/block.h"
#include "core/store/db.h"
#include "core/store/hot.h"

#define SEGMENT_BLOCK_ROWS 8192

struct segment_writer;

int segment_writer_new(struct segment_writer **ret);
void segment_writer_free(struct segment_writer *w);
/* Begins segment `number`; then events by ascending subject; then finish, which says how many blocks it
 * wrote. */
void segment_begin(struct segment_writer *w, struct txn *t, uint32_t number);
int segment_add(struct segment_writer *w, const struct subject *s, const struct event *e, uint32_t previous);
int segment_finish(struct segment_writer *w);

/* One block, decoded. */
struct segment_block {
    uint32_t segment;
    uint16_t place;
    uint32_t n_rows;
    const int64_t *subject, *previous, *namespace, *loose;
    int64_t *columns[BLOCK_COLUMNS_MAX]; /* owned; NULL: all zeros */
    int64_t *zeros;                      /* owned */
};

int segment_block_decode(struct segment_block *b, uint32_t segment, uint16_t place, const MDB_val *value);
/* The least and greatest subject of a block, without decoding it. */
int segment_block_extent(const MDB_val *value, uint32_t *ret_first, uint32_t *ret_last);
void segment_block_fini(struct segment_block *b);
/* Row i as an event in room[event_size(FIELD_N)]. */
void segment_block_event(const struct segment_block *b, uint32_t row, struct event *room);

/* Whether row i is an event. What is not only carries the chain on, of a subject whose events here are gone.
 */
bool segment_block_is_event(const struct segment_block *b, uint32_t row);

/* What is to leave a block that is written anew. */
struct segment_pruning {
    /* whether an event goes */
    bool (*drops)(void *context, uint32_t subject, uint16_t source);
    /* Of a subject none of whose events in this block stay: 1 when nothing leads here any more, so that no
     * row has to carry its chain on; 0, or negative errno. */
    int (*forgets)(void *context, uint32_t subject);
    void *context;
};

/* The numbers of sources in a block lie between these, without decoding it; 0 for a row that is no event. */
int segment_block_sources(const MDB_val *value, uint16_t *ret_least, uint16_t *ret_greatest);

/* Writes a block anew: 1; or deletes it when nothing is left: 2. 0 when all events stay. *ret_n_events grows
 * by those that went. */
int segment_block_rewrite(struct segment_writer *w, struct txn *t, const struct segment_block *b,
                          const struct segment_pruning *pruning, uint64_t *ret_n_events);

/* The last few blocks decoded: late events of neighbours meet in the same ones. */
struct segment_cache {
    struct segment_block blocks[16];
    unsigned next;
};
void segment_cache_fini(struct segment_cache *c);

/* Brings the events of subject number into s (empty), from segment `last` back. -ENOENT: a segment does not
 * have it. */
int segment_load(struct segment_cache *c, struct txn *t, struct hot *h, struct subject *s, uint32_t last);

#endif
