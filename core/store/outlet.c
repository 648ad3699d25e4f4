#include "core/store/outlet_inside.h"

#include "core/store/outgoing.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* --- opening and closing --- */

static void outlet_free(struct store_outlet *o)
{
    if (o->free_attached)
        o->free_attached(o->attached);
    reference_unref(o->reference);
    extents_fini(&o->extents);
    free(o->window);
    free(o);
}

void store_outlet_close(struct store *s, struct store_outlet *o)
{
    if (!o)
        return;
    store_turn_take(s);
    for (struct store_outlet **at = &s->outlets; *at; at = &(*at)->next)
        if (*at == o) {
            *at = o->next;
            break;
        }
    outlet_free(o);
    store_turn_give(s);
}

void store_outlet_attach(struct store_outlet *o, void *data, void (*free_data)(void *data))
{
    o->attached = data;
    o->free_attached = free_data;
}

void *store_outlet_attached(const struct store_outlet *o)
{
    return o->attached;
}

void store_outlets_close(struct store *s)
{
    while (s->outlets)
        store_outlet_close(s, s->outlets);
}

static void close_idle(struct store *s)
{
    int64_t now = store_now_ms();
    for (struct store_outlet *o = s->outlets, *next; o; o = next) {
        next = o->next;
        if (o->used_at && (now - o->used_at > OUTLET_IDLE_MS || now < o->used_at))
            store_outlet_close(s, o);
    }
}

uint64_t store_outlets_floor(struct store *s)
{
    close_idle(s);
    uint64_t floor = s->outgoing.is_kept ? s->outgoing.kept_from : s->outgoing.next;
    for (const struct store_outlet *o = s->outlets; o; o = o->next)
        floor = o->at.serial < floor ? o->at.serial : floor;
    return floor;
}

static int outlet_new(struct store *s, struct store_outlet **ret, struct error *err)
{
    struct store_outlet *o = calloc(1, sizeof(*o));
    if (!o)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for an export");
    do
        randombytes_buf(&o->id, sizeof(o->id));
    while (o->id == 0);
    o->id &= INT64_MAX;
    o->reference = reference_ref(s->environment->reference);
    *ret = o;
    return 0;
}

static struct outlet_cursor beginning(const struct store *s)
{
    return (struct outlet_cursor){.stream = s->outgoing.stream, .serial = s->outgoing.next};
}

int store_outlet_open(struct store *s, struct store_outlet **ret, uint64_t *ret_id, struct error *err)
{
    unsigned n = 0;
    store_turn_take(s);
    int r = s->must_reload ? store_reload(s, err) : 0;
    close_idle(s);
    for (const struct store_outlet *o = s->outlets; o; o = o->next)
        n += o->used_at != 0;
    if (r == 0 && n >= OUTLETS_MAX) {
        r = error_set(err, -EBUSY, "too_many_exports", "%d exports of the tenant are under way", OUTLETS_MAX);
        error_hint(err, "wait until one has ended; one that nobody reads ends in a minute");
    }
    if (r == 0)
        r = outlet_new(s, ret, err);
    if (r == 0) {
        (*ret)->used_at = store_now_ms();
        (*ret)->at = beginning(s);
        (*ret)->next = s->outlets;
        s->outlets = *ret;
        *ret_id = (*ret)->id;
    }
    store_turn_give(s);
    return r;
}

struct store_outlet *store_outlet_find(struct store *s, uint64_t id)
{
    struct store_outlet *o;
    store_turn_take(s);
    close_idle(s);
    for (o = s->outlets; o && o->id != id; o = o->next)
        ;
    store_turn_give(s);
    return o;
}

/* --- the forwarder's --- */

/* Writes where the store stands with what it keeps. */
static int write_kept(struct store *s, const struct outgoing *next, struct error *err)
{
    struct txn t;
    struct outgoing before = s->outgoing;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    s->outgoing = *next;
    outgoing_write(s, &t);
    r = txn_commit(&t, err);
    if (r < 0) {
        s->outgoing = before;
        s->must_reload = true;
    }
    return r;
}

void store_set_forward_hold(struct store *s, int64_t hold_ms)
{
    atomic_store_explicit(&s->hold_ms, hold_ms, memory_order_relaxed);
}

uint64_t store_outlet_end(const struct store *s)
{
    return atomic_load_explicit(&s->outgoing_end, memory_order_relaxed);
}

bool store_outlet_is_kept(const struct store *s)
{
    return s->outgoing.is_kept;
}

int store_outlet_keep(struct store *s, struct outlet_cursor *cursor, struct error *err)
{
    store_turn_take(s);
    int r = s->must_reload ? store_reload(s, err) : 0;
    struct outgoing next = s->outgoing;
    bool is_new = cursor->stream == 0;
    if (!next.is_kept || is_new) {
        next.kept_from = next.next;
        next.is_through = 0;
        next.delivered_at = next.is_kept ? next.delivered_at : store_now_ms();
    }
    while (next.stream == 0)
        randombytes_buf(&next.stream, sizeof(next.stream));
    if (r == 0 && (!next.is_kept || is_new)) {
        next.is_kept = 1;
        r = write_kept(s, &next, err);
    }
    if (r == 0 && is_new)
        *cursor = beginning(s);
    store_turn_give(s);
    return r;
}

int store_outlet_delivered(struct store *s, const struct outlet_cursor *cursor, bool is_all,
                           struct error *err)
{
    store_turn_take(s);
    int r = s->must_reload ? store_reload(s, err) : 0;
    /* It is on disk with the next commit; until then a little more is kept than need be. */
    if (r == 0 && cursor->stream == s->outgoing.stream && cursor->serial > s->outgoing.kept_from &&
        cursor->serial <= s->outgoing.next)
        s->outgoing.kept_from = cursor->serial;
    if (r == 0 && cursor->stream == s->outgoing.stream) {
        s->outgoing.is_through |= cursor->phase == OUTLET_LOG;
        if (is_all)
            s->outgoing.delivered_at = store_now_ms();
    }
    store_turn_give(s);
    return r;
}

int store_outlet_drop(struct store *s, struct error *err)
{
    store_turn_take(s);
    int r = s->must_reload ? store_reload(s, err) : 0;
    struct outgoing next = s->outgoing;
    next.is_kept = 0;
    next.stream = 0;
    if (r == 0 && s->outgoing.is_kept)
        r = write_kept(s, &next, err);
    store_turn_give(s);
    return r;
}

int store_outlet_resume(struct store *s, const struct outlet_cursor *cursor, struct store_outlet **ret,
                        struct error *err)
{
    store_turn_take(s);
    int r = s->must_reload ? store_reload(s, err) : 0;
    if (r == 0 && (!s->outgoing.is_kept || cursor->stream != s->outgoing.stream ||
                   cursor->serial < s->outgoing.kept_from || cursor->serial > s->outgoing.next ||
                   cursor->phase >= OUTLET_PHASES))
        r = error_set(err, -ENOENT, "outlet_lost", "what was committed from there on is not kept any more");
    if (r == 0)
        r = outlet_new(s, ret, err);
    if (r == 0) {
        (*ret)->at = *cursor;
        if (cursor->phase == OUTLET_REFERENCE)
            (*ret)->at.place = 0; /* its rows may have other places now */
        (*ret)->next = s->outlets;
        s->outlets = *ret;
    }
    store_turn_give(s);
    return r;
}

const struct dictionary *store_dictionary(const struct store *s)
{
    return s->dictionary;
}

const char *store_declared(const struct store *s, unsigned place)
{
    return place < atomic_load_explicit(&s->n_declared, memory_order_acquire) ? s->declared[place] : NULL;
}

void store_key_check(const struct store *s, uint8_t ret[16])
{
    memcpy(ret, s->key_check, sizeof(s->key_check));
}
