/* The events of one ticket as a view shows them: from its read transaction alone, where the committer's
 * memory is not its own. Sealed ones by the directory and the chain of segments, the others by reading
 * through the journal. */
#include "core/store/state.h"

#include <string.h>

struct ticket {
    struct hot hot; /* holds this one subject */
    struct subject *subject;
    bool is_known;
};

static int read_sealed(struct ticket *k, struct txn *t)
{
    struct segment_cache cache = {0};
    struct location location;
    uint32_t number;
    int r = directory_search(t, k->subject->hash, false, &number);
    if (r != 1)
        return r;
    k->is_known = true;
    k->subject->number = number;
    r = location_get(t, number, &location);
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
        if (head.hash != k->subject->hash || head.is_loose)
            continue;
        k->is_known = true;
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

int store_view_ticket(const struct store_view *v, uint64_t hash, uint32_t *ret_number,
                      uint16_t *ret_namespace, int (*each)(void *context, const struct event *e),
                      void *context, struct error *err)
{
    struct ticket k = {0};
    struct txn *t = (struct txn *)&v->txn;
    int r = hot_init(&k.hot);
    if (r == 0 && !(k.subject = hot_add(&k.hot, hash, false, 0, 0)))
        r = -ENOMEM;
    if (r == 0)
        r = read_sealed(&k, t);
    if (r >= 0)
        r = read_journal(&k, t, v->as_of);
    if (r < 0) {
        (void)error_set(err, r, r == -ENOMEM ? "no_memory" : "store_corrupt",
                        "the ticket's events cannot be read: %s", strerror(-r));
    } else if (k.is_known) {
        for (const struct event *e = subject_first(k.subject); e && r == 0; e = subject_next(k.subject, e))
            r = each(context, e);
        if (r == 0) {
            *ret_number = k.subject->number;
            *ret_namespace = k.subject->namespace;
            r = 1;
        }
    }
    hot_fini(&k.hot);
    return r;
}
