/* Segments of the event log: what one seal wrote, sorted by subject, in blocks by column.
 *
 * A subject's events in one segment are one run of rows; where it crosses blocks each has a piece of it. The
 * first piece names the segment before that has events of the subject, so that its events are found from the
 * newest segment back. Where events have left the set (prune.h) their rows are gone; if that would break the
 * chain, a piece without rows stays. */
#ifndef TENDON_STORE_SEGMENT_H
#define TENDON_STORE_SEGMENT_H

#include "core/store/block.h"
#include "core/store/db.h"
#include "core/store/hot.h"

#define SEGMENT_BLOCK_ROWS 8192 /* and pieces, at most */

struct segment_writer;

int segment_writer_new(struct segment_writer **ret);
void segment_writer_free(struct segment_writer *w);
/* Begins segment `number`, or the part of one whose blocks have places from `place` on; then events by
 * ascending subject; then finish. Blocks are written as they fill; without a transaction they are kept, for
 * segment_put on the thread that has one. */
void segment_begin(struct segment_writer *w, struct txn *t, uint32_t number, uint16_t place);
int segment_add(struct segment_writer *w, const struct subject *s, const struct event *e, uint32_t previous);
int segment_finish(struct segment_writer *w);
int segment_put(struct segment_writer *w, struct txn *t);

/* One block, its columns decoded as they are asked for. */
struct segment_block {
    uint32_t segment;
    uint16_t place;
    uint32_t n_pieces, n_rows;
    uint8_t *bytes; /* owned */
    struct block block;
    struct column_coder *coder;
    struct segment_columns *columns; /* owned */
};

/* Takes a copy of the bytes. coder lives as long as the block, and no two threads use it. */
int segment_block_decode(struct segment_block *b, struct column_coder *coder, uint32_t segment,
                         uint16_t place, const MDB_val *value);
void segment_block_fini(struct segment_block *b);
/* The least and greatest subject of a block, without decoding it. */
int segment_block_extent(const MDB_val *value, uint32_t *ret_first, uint32_t *ret_last);
/* The numbers of sources in a block lie between these, without decoding it; 0 where it has no events. */
int segment_block_sources(const MDB_val *value, uint16_t *ret_least, uint16_t *ret_greatest);

/* A subject's rows in one block. */
struct segment_piece {
    uint32_t subject;
    uint32_t previous; /* on its first piece in the segment: the segment before + 1; else 0 */
    uint16_t namespace;
    bool is_loose;
    uint32_t row, n_rows;
};
void segment_block_piece(const struct segment_block *b, uint32_t place, struct segment_piece *ret);
/* The place of the first piece of a subject at or behind that number. */
uint32_t segment_block_find(const struct segment_block *b, uint32_t subject);

/* Reads events from the first row of a piece on, one after the other. */
struct segment_reader {
    const struct segment_block *block;
    uint32_t row, piece, next_piece_row;
    int64_t at;
    uint32_t next[64 + 2]; /* place in each column that only some rows have */
};
void segment_reader_init(struct segment_reader *r, const struct segment_block *b, uint32_t piece);
/* The next event, into room[event_size(FIELD_N)]. 0, or -EBADMSG at the end or where a column is too short.
 */
int segment_reader_next(struct segment_reader *r, struct event *room);

/* What is to leave a block that is written anew. */
struct segment_pruning {
    /* whether an event goes */
    bool (*drops)(void *context, uint32_t subject, uint16_t source);
    /* Of a subject none of whose events in this block stay: 1 when nothing leads here any more, so that no
     * piece has to carry its chain on; 0, or negative errno. */
    int (*forgets)(void *context, uint32_t subject);
    void *context;
};

/* Writes a block anew: 1; or deletes it when nothing is left: 2. 0 when all events stay. *ret_n_events grows
 * by those that went. */
int segment_block_rewrite(struct segment_writer *w, struct txn *t, const struct segment_block *b,
                          const struct segment_pruning *pruning, uint64_t *ret_n_events);

/* The last few blocks decoded: late events of neighbours meet in the same ones. */
struct segment_cache {
    struct segment_block blocks[16];
    unsigned next;
    struct column_coder coder;
};
void segment_cache_fini(struct segment_cache *c);

/* Brings the events of subject number into s (empty), from segment `last` back. -ENOENT: a segment does not
 * have it. */
int segment_load(struct segment_cache *c, struct txn *t, struct hot *h, struct subject *s, uint32_t last);

#endif
