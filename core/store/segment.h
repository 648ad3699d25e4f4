/* Segments of the event log: what one seal wrote, sorted by subject, in blocks by column.
 *
 * A subject's events in one segment are one run of rows (it may cross blocks). The first of them names the
 * segment before that has events of it, so that its events are found from the newest segment back. */
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

/* Takes the subjects out of a block, of [first, end) those with leaves[number − first] != 0. 1 when nothing
 * is left and the block is deleted, else 0; -EBADMSG when there is no such block. */
int segment_prune(struct segment_writer *w, struct txn *t, uint32_t segment, uint16_t place, uint32_t first,
                  uint32_t end, const uint8_t *leaves);

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
