/* The events of one ticket as a view shows them: from its read transaction alone, where the committer's
 * memory is not its own. Sealed ones by the directory and the chain of segments, the others by reading
 * through the journal. */
#include "core/store/state.h"

#include <stdlib.h>
#include <string.h>

struct ticket {
    struct hot hot; /* holds this one subject */
    struct subject *subject;
    bool by_number; /* the subject's number is given and not its hash */
};

static int read_sealed(struct ticket *k, struct txn *t)
{
    struct segment_cache cache = {0};
    struct location location;
    uint32_t number = k->subject->number;
    int r = k->by_number ? 1 : directory_search(t, k->subject->hash, false, &number);
    if (r != 1)
        return r;
    k->subject->number = number;
    r = location_get(t, number, &location);
    if (r == 0 && (location.segment == LOCATION_FROZEN || location.segment == LOCATION_ERASED))
        return location.segment == LOCATION_FROZEN ? -EXDEV : -EIDRM;
    if (r == 0)
        r = segment_load(&cache, t, &k->hot, k->subject, location.segment);
    segment_cache_fini(&cache);
    return r;
}

/* One commit of the journal: the entries of this ticket. */
static int read_commit(struct ticket *k, const MDB_val *value)
{
    const uint8_t *at = value->mv_data, *end = at + value->mv_size;
    while (at < end) {
        struct journal_head head;
        uint8_t room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
        size_t size = journal_read(at, (size_t)(end - at), &head, (struct event *)room);
        if (size == 0)
            return -EBADMSG;
        at += size;
        if (head.is_loose ||
            (k->by_number ? head.number != k->subject->number : head.hash != k->subject->hash))
            continue;
        k->subject->number = head.number;
        k->subject->namespace = head.namespace;
        int r = subject_append(&k->hot, k->subject, (const struct event *)room);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_journal(struct ticket *k, struct txn *t, uint64_t as_of)
{
    struct walk walk;
    int r = walk_open(&walk, t, DB_JOURNAL, NULL, 0);
    /* The file may be a commit ahead of what is published. */
    while (r == 0 && walk_next(&walk) && walk.key.mv_size == 8 && get_u64(walk.key.mv_data) < as_of)
        r = read_commit(k, &walk.value);
    walk_close(&walk, t);
    return r < 0 ? r : t->rc ? -EIO : 0;
}

/* 1, or 0 when the view's set has none of them any more. */
static int give_events(const struct store_view *v, const struct subject *subject,
                       int (*each)(void *context, const struct event *e), void *context, struct error *err)
{
    const struct event **events = malloc(subject->n_events * sizeof(*events));
    if (!events)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the events of a ticket");
    size_t n = environment_events(v->before, v->environment, subject, events);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = each(context, events[i]);
    free((void *)events);
    return r ? r : n > 0;
}

static int read_ticket(struct ticket *k, const struct store_view *v,
                       int (*each)(void *context, const struct event *e), void *context, struct error *err)
{
    struct txn *t = (struct txn *)&v->txn;
    int r = read_sealed(k, t);
    if (r >= 0)
        r = read_journal(k, t, v->as_of);
    if (r == -EXDEV || r == -EIDRM)
        return error_set(err, -ENOENT, r == -EXDEV ? "frozen" : "erased",
                         r == -EXDEV ? "the ticket's events have left the log: it is past the tenant's "
                                       "retention"
                                     : "the ticket was erased");
    if (r < 0)
        return error_set(err, r, r == -ENOMEM ? "no_memory" : "store_corrupt",
                         "the ticket's events cannot be read: %s", strerror(-r));
    return k->subject->n_events ? give_events(v, k->subject, each, context, err) : 0;
}

static int ticket_init(struct ticket *k, uint64_t hash, uint32_t number, struct error *err)
{
    int r = hot_init(&k->hot);
    if (r == 0 && !(k->subject = hot_add(&k->hot, hash, false, number, 0)))
        r = -ENOMEM;
    return r < 0 ? error_set(err, r, "no_memory", "no memory for the ticket's events") : 0;
}

int store_view_ticket(const struct store_view *v, uint64_t hash, uint32_t *ret_number,
                      uint16_t *ret_namespace, int (*each)(void *context, const struct event *e),
                      void *context, struct error *err)
{
    struct ticket k = {0};
    int r = ticket_init(&k, hash, 0, err);
    if (r == 0 && (r = read_ticket(&k, v, each, context, err)) == 1) {
        *ret_number = k.subject->number;
        *ret_namespace = k.subject->namespace;
    }
    hot_fini(&k.hot);
    return r;
}

int store_view_ticket_numbered(const struct store_view *v, uint32_t number, uint16_t *ret_namespace,
                               int (*each)(void *context, const struct event *e), void *context,
                               struct error *err)
{
    struct ticket k = {.by_number = true};
    int r = ticket_init(&k, 0, number, err);
    if (r == 0 && (r = read_ticket(&k, v, each, context, err)) == 1)
        *ret_namespace = k.subject->namespace;
    hot_fini(&k.hot);
    return r;
}
