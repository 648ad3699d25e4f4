#include "core/ingest/arrival.h"

#include "core/base/instant.h"
#include "core/forward/form.h"
#include "core/forward/refusals.h"
#include "core/ingest/group.h"
#include "core/tenant/tenant.h"

#include <stdlib.h>
#include <string.h>

/* The body of FORWARD: pointers into its bytes. */
struct body {
    uint64_t seq;
    const uint8_t *parcel, *cursor;
    uint32_t parcel_size, cursor_size;
};

static bool key_is(const char *key, uint32_t size, const char *name)
{
    return size == strlen(name) && memcmp(key, name, size) == 0;
}

static bool body_read(const void *data, size_t size, struct body *ret)
{
    struct mp_reader r;
    uint32_t n = 0;
    *ret = (struct body){0};
    mp_reader_init(&r, data, size);
    if (!mp_read_map(&r, &n) || n != 3)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const char *key = NULL;
        uint32_t key_size = 0;
        if (!mp_read_str(&r, &key, &key_size))
            return false;
        if (key_is(key, key_size, "seq") && ret->seq == 0) {
            if (!mp_read_uint(&r, &ret->seq))
                return false;
        } else if (key_is(key, key_size, "parcel") && !ret->parcel) {
            if (!mp_read_bin(&r, &ret->parcel, &ret->parcel_size))
                return false;
        } else if (key_is(key, key_size, "cursor") && !ret->cursor) {
            if (!mp_read_bin(&r, &ret->cursor, &ret->cursor_size))
                return false;
        } else {
            return false;
        }
    }
    return r.at == r.end && ret->seq > 0 && ret->parcel_size > 0 && ret->cursor_size <= FORM_CURSOR_BYTES;
}

/* The name of the site that a record is of. */
static void site_of(const char *record, char ret[STORE_NAME_BYTES + 1])
{
    size_t size = strlen(record);
    memcpy(ret, record, size + 1);
    if (size > 0)
        ret[size - 1] = '\0'; /* its slash */
}

static int take(struct tenant *t, const struct job *j, const struct body *body, struct inlet_taken *ret,
                struct error *err)
{
    uint8_t check[STORE_KEY_CHECK_BYTES];
    char site[STORE_NAME_BYTES + 1];
    const struct inlet_parcel *parcel;
    struct form_read *f = form_read_new();
    struct event_schema *schema = calloc(1, sizeof(*schema));
    int r = f && schema ? 0 : error_set(err, -ENOMEM, "no_memory", "out of memory for a parcel");
    if (r == 0) {
        struct tenant_settings *settings = tenant_settings_get(t);
        schema->n_declared = settings->n_declared;
        memcpy(schema->declared, settings->declared, sizeof(schema->declared));
        tenant_settings_unref(settings);
        const struct form_rules rules = {.schema = schema, .key_check = check, .now = instant_now()};
        store_key_check(t->store, check);
        r = form_read(f, body->parcel, body->parcel_size, &rules, &parcel, err);
    }
    if (r == 0) {
        site_of(j->source, site);
        const struct inlet_site from = {
            .name = site, .seq = body->seq, .cursor = body->cursor, .cursor_size = body->cursor_size};
        r = store_take(t->store, &from, parcel, ret, err);
    }
    form_read_free(f);
    free(schema);
    return r;
}

/* What was not taken. A commit that failed may be there all the same: then it is a repeat. */
static void answer_failed(struct tenant *t, const struct job *j, int rc, const struct error *err,
                          struct committer_answer *answer, uint8_t cursor[STORE_CURSOR_BYTES])
{
    answer->last_seq = group_last_seq(t, j->source);
    if (answer->seq <= answer->last_seq) {
        job_answer_repeat(j, t, answer, cursor);
    } else if (rc == -EPERM || rc == -EBADMSG || rc == -EINVAL || rc == -EPROTONOSUPPORT) {
        group_nack(answer, WIRE_NACK_REFUSED, ARRIVAL_RETRY_MS, false);
        answer->why = err;
    } else {
        group_nack(answer, rc == -ENOSPC ? WIRE_NACK_DISK_FULL : WIRE_NACK_STORE_FAILED, COMMITTER_RETRY_MS,
                   false);
    }
}

int arrival_take(struct tenant *t, struct job *j, const char *data_path, uint64_t free_bytes,
                 struct refusals *refusals, struct arrival_statistics *sum, struct error *err)
{
    uint8_t cursor[STORE_CURSOR_BYTES];
    struct body body;
    struct inlet_taken taken = {0};
    struct committer_answer answer = {.last_seq = group_last_seq(t, j->source)};
    int rc = 0;
    if (!body_read(j->body, j->size, &body)) {
        group_nack(&answer, WIRE_NACK_MALFORMED, 0, true);
        j->done(j->ctx, &answer);
        return 0;
    }
    answer.seq = body.seq;
    if (body.seq <= answer.last_seq) {
        sum->n_repeats = 1;
        job_answer_repeat(j, t, &answer, cursor);
    } else if (body.seq > answer.last_seq + 1) {
        group_nack(&answer, WIRE_NACK_OUT_OF_ORDER, 0, false);
    } else {
        rc = group_room(t, data_path, free_bytes, err);
        if (rc == 0)
            rc = take(t, j, &body, &taken, err);
        if (rc == 0) {
            sum->n_commits = 1;
            sum->n_events = taken.n_accepted + taken.n_duplicates;
            answer.kind = WIRE_ACK;
            answer.last_seq = body.seq;
            answer.n_accepted = (uint32_t)taken.n_accepted;
            answer.n_duplicates = (uint32_t)taken.n_duplicates;
        } else {
            answer_failed(t, j, rc, err, &answer, cursor);
        }
    }
    refusals_note(refusals, t->name, j->source, answer.why);
    j->done(j->ctx, &answer);
    return rc;
}
