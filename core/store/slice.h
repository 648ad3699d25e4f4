/* A slice of the log: the events of some subjects, brought together from all segments. What goes through the
 * whole log (a refold, retention) takes it slice by slice, each a transaction of a few tenths of a second.
 * The committer's. */
#ifndef TENDON_STORE_SLICE_H
#define TENDON_STORE_SLICE_H

#include "core/store/state.h"

#define SLICE_EVENTS 131072 /* at most, unless one subject has more */

/* Which subjects a block of the log has. */
struct extent {
    uint32_t segment, first, last;
    uint16_t place;
};

/* The blocks of the log. */
struct extents {
    struct extent *list; /* of the segments below next_segment */
    size_t n, capacity;
    uint32_t next_segment;
};
void extents_fini(struct extents *e);
/* Adds the blocks of segments that came since the last time. */
int extents_update(struct extents *e, const struct store *s, struct txn *t);

struct slice {
    uint32_t first, end; /* subjects */
    uint8_t *is_hot;     /* by number − first: those are left out */
    struct hot events;   /* the others with their events; known by their number, as the fold reads no hash */
};

/* Gathers the subjects [first, end), or fewer where they have too many events. 0 or a negative errno; *slice
 * is to be freed in any case. */
int slice_read(struct slice *slice, const struct store *s, const struct extents *e, struct txn *t,
               uint32_t first, uint32_t end);
void slice_fini(struct slice *slice);

#endif
