/* A group: the batches of one tenant that go into one commit, and what each of them is answered.
 *
 * The thread that has the tenant's turn owns it. */
#ifndef TENDON_INGEST_GROUP_H
#define TENDON_INGEST_GROUP_H

#include "core/ingest/job.h"

#define GROUP_JOBS 512 /* batches in one commit, at most */

/* What a source has come to, were the commit done. */
struct group_source {
    const char *name; /* one of its jobs' */
    uint64_t last_seq;
    bool is_reset; /* and nothing has come since */
};

struct group {
    struct job *jobs[GROUP_JOBS]; /* decoded batches, in the order submitted */
    unsigned n_jobs;
    struct store_batch batches[GROUP_JOBS];
    unsigned n_batches;
    struct group_source sources[GROUP_JOBS];
    unsigned n_sources;
};

/* Decides by its seq what becomes of each job, commits what is next in its source's order, and answers all of
 * them. 0, or why the commit failed: -ENOSPC when the disk or the tenant is full. Adds to sum. */
int group_run(struct group *g, struct tenant *t, const char *data_path, uint64_t free_bytes,
              struct committer_statistics *sum, struct error *err);

/* Whether there is room for more of the tenant: 0; -ENOSPC disk_full, tenant_full. */
int group_room(struct tenant *t, const char *data_path, uint64_t free_bytes, struct error *err);

/* The committed last_seq of a source, 0 when it is not known. */
uint64_t group_last_seq(struct tenant *t, const char *source);
/* Makes the answer a NACK. */
void group_nack(struct committer_answer *answer, enum wire_nack nack, uint32_t retry_ms, bool final);

#endif
