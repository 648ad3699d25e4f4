/* FORWARD, from its bytes to a commit: what comes of a site's store, in the order in which it is sent.
 *
 * Sequence rules are those of batches: last_seq + 1 is taken, lower is a repeat. A parcel that the store or
 * the form refuses is refused whole, and so is all behind it, until somebody has made it fit: nothing is
 * skipped. The committer's. */
#ifndef TENDON_INGEST_ARRIVAL_H
#define TENDON_INGEST_ARRIVAL_H

#include "core/ingest/job.h"

#define ARRIVAL_RETRY_MS                                                                                     \
    60000 /* when what was refused may come again: somebody has to do something first                        \
           */

struct refusals;

struct arrival_statistics {
    uint64_t n_events, n_commits, n_repeats;
};

/* Takes the job's parcel and answers it. 0, or why it was not taken, with err. */
int arrival_take(struct tenant *t, struct job *j, const char *data_path, uint64_t free_bytes,
                 struct refusals *refusals, struct arrival_statistics *sum, struct error *err);

#endif
