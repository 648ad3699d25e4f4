#include "core/ingest/group.h"

#include "core/tenant/tenant.h"

#include <string.h>
#include <sys/statvfs.h>

uint64_t group_last_seq(struct tenant *t, const char *source)
{
    struct store_source s;
    return store_source_get(t->store, source, &s) == 1 ? s.last_seq : 0;
}

static struct group_source *group_source(struct group *g, struct tenant *t, const char *name)
{
    for (unsigned i = 0; i < g->n_sources; i++)
        if (strcmp(g->sources[i].name, name) == 0)
            return &g->sources[i];
    struct group_source *s = &g->sources[g->n_sources++];
    struct store_source known;
    bool is_known = store_source_get(t->store, name, &known) == 1;
    *s = (struct group_source){.name = name,
                               .last_seq = is_known ? known.last_seq : 0,
                               .is_reset = is_known && known.last_seq == 0 && known.generation > 1};
    return s;
}

/* Decides by its seq what becomes of each job, and lines up what is to be committed. */
static void group_plan(struct group *g, struct tenant *t)
{
    for (unsigned i = 0; i < g->n_jobs; i++) {
        struct job *j = g->jobs[i];
        struct group_source *s = group_source(g, t, j->source);
        struct decoded *d = j->decoded ? &j->decoded->d : NULL;
        if (j->decoded_rc != 0) {
            j->outcome = j->decoded_rc == -ENOMEM ? OUTCOME_FAILED : OUTCOME_REFUSED;
        } else if (d->seq <= s->last_seq) {
            j->outcome = OUTCOME_REPEAT;
        } else if (d->seq > s->last_seq + 1) {
            /* Who goes on behind a reset does not know of it: the next HELLO tells. */
            j->outcome = s->is_reset ? OUTCOME_UNGREETED : OUTCOME_OUT_OF_ORDER;
        } else {
            j->outcome = OUTCOME_COMMIT;
            s->last_seq = d->seq;
            s->is_reset = false;
            j->batch = &g->batches[g->n_batches++];
            *j->batch = (struct store_batch){
                .source = j->source,
                .namespace = j->namespace,
                .seq = d->seq,
                .cursor = d->cursor,
                .cursor_size = d->cursor_size,
                .events = d->events,
                .indices = d->indices,
                .n_events = d->n_events,
                .prepared = &j->decoded->prepared,
                .rejects = d->rejects,
                .n_rejects = d->n_rejects,
            };
        }
    }
}

static bool disk_is_full(const char *path, uint64_t free_bytes)
{
    struct statvfs s;
    return statvfs(path, &s) == 0 && (uint64_t)s.f_bavail * s.f_frsize < free_bytes;
}

static bool tenant_is_full(struct tenant *t, uint64_t *ret_limit)
{
    struct tenant_settings *settings = tenant_settings_get(t);
    *ret_limit = settings->limits.stored_bytes;
    tenant_settings_unref(settings);
    return *ret_limit > 0 && store_uses(t->store, *ret_limit);
}

int group_room(struct tenant *t, const char *data_path, uint64_t free_bytes, struct error *err)
{
    uint64_t limit;
    int rc = 0;
    if (disk_is_full(data_path, free_bytes)) {
        rc = error_set(err, -ENOSPC, "disk_full", "less than %llu MiB are free under %s",
                       (unsigned long long)(free_bytes >> 20), data_path);
        error_hint(err, "free disk space; sources try again by themselves");
    } else if (tenant_is_full(t, &limit)) {
        rc = error_set(err, -ENOSPC, "tenant_full", "the tenant uses all of the %llu MiB that it may",
                       (unsigned long long)(limit >> 20));
        error_hint(err, "raise its stored_bytes limit");
    }
    return rc;
}

static int group_commit(struct group *g, struct tenant *t, const char *data_path, uint64_t free_bytes,
                        struct error *err)
{
    int rc = group_room(t, data_path, free_bytes, err);
    return rc < 0 ? rc : store_commit(t->store, g->batches, g->n_batches, err);
}

void group_nack(struct committer_answer *answer, enum wire_nack nack, uint32_t retry_ms, bool final)
{
    answer->kind = WIRE_NACK;
    answer->nack = nack;
    answer->retry_ms = retry_ms;
    answer->final = final;
}

/* Answers one job of a group whose commit ended with rc. */
static void job_answer(struct tenant *t, struct job *j, uint64_t last_seq, int rc)
{
    uint8_t cursor[STORE_CURSOR_BYTES];
    struct committer_answer answer = {.seq = j->decoded ? j->decoded->d.seq : 0, .last_seq = last_seq};
    enum wire_nack failed = rc == -ENOSPC ? WIRE_NACK_DISK_FULL : WIRE_NACK_STORE_FAILED;
    switch (j->outcome) {
    case OUTCOME_COMMIT:
        if (rc == 0) {
            answer.kind = WIRE_ACK;
            answer.n_accepted = j->batch->n_accepted;
            answer.n_duplicates = j->batch->n_duplicates;
            answer.rejects = j->batch->rejects;
            answer.n_rejects = j->batch->n_rejects;
            break;
        }
        /* fall through - a commit that failed may be there all the same */
    case OUTCOME_REPEAT:
        if (answer.seq <= last_seq)
            job_answer_repeat(j, t, &answer, cursor);
        else
            group_nack(&answer, failed, COMMITTER_RETRY_MS, false);
        break;
    case OUTCOME_OUT_OF_ORDER:
        group_nack(&answer, WIRE_NACK_OUT_OF_ORDER, 0, false);
        break;
    case OUTCOME_UNGREETED:
        group_nack(&answer, WIRE_NACK_HELLO_REQUIRED, 0, false);
        break;
    case OUTCOME_REFUSED:
        group_nack(&answer, j->nack, 0, true);
        break;
    case OUTCOME_FAILED:
        group_nack(&answer, WIRE_NACK_STORE_FAILED, COMMITTER_RETRY_MS, false);
        break;
    }
    j->done(j->ctx, &answer);
}

int group_run(struct group *g, struct tenant *t, const char *data_path, uint64_t free_bytes,
              struct committer_statistics *sum, struct error *err)
{
    group_plan(g, t);
    int rc = g->n_batches > 0 ? group_commit(g, t, data_path, free_bytes, err) : 0;
    if (rc != 0) /* what is there now, not what should be */
        for (unsigned i = 0; i < g->n_sources; i++)
            g->sources[i].last_seq = group_last_seq(t, g->sources[i].name);
    sum->commits += g->n_batches > 0 && rc == 0;
    sum->failed_commits += rc != 0;
    for (unsigned i = 0; i < g->n_jobs; i++) {
        struct job *j = g->jobs[i];
        sum->batches += j->outcome == OUTCOME_COMMIT && rc == 0;
        sum->events += j->outcome == OUTCOME_COMMIT && rc == 0 ? j->decoded->d.n_in_batch : 0;
        sum->repeats += j->outcome == OUTCOME_REPEAT;
        sum->out_of_order += j->outcome == OUTCOME_OUT_OF_ORDER || j->outcome == OUTCOME_UNGREETED;
        sum->malformed += j->outcome == OUTCOME_REFUSED;
        job_answer(t, j, group_source(g, t, j->source)->last_seq, rc);
    }
    return rc;
}
