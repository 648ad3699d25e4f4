#include "core/store/outgoing.h"

#include "core/store/outlet.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#define OUTGOING "outgoing"

enum { TRIM_ENTRIES = 2048, TRIM_WORTH = 512, REFERENCE_BYTES = 256 << 20 };

/* An entry: its kind u8; of a commit how many sources u32, their records, and events as the journal has them;
 * of reference tables one record after the other: 1 or 0 for a calendar's version that is gone, size u32,
 * bytes. */
enum { RECORD_GONE, RECORD_ROW };

static bool is_wanted(const struct store *s)
{
    return s->outgoing.is_kept || s->outlets;
}

void outgoing_write(struct store *s, struct txn *t)
{
    txn_put(t, DB_META, OUTGOING, strlen(OUTGOING), &s->outgoing, sizeof(s->outgoing));
}

static void put_entry(struct store *s, struct txn *t, const struct buffer *b)
{
    uint8_t key[8];
    if (buffer_failed(b)) {
        t->rc = t->rc ? t->rc : ENOMEM;
        return;
    }
    put_u64(key, s->outgoing.next++);
    atomic_store_explicit(&s->outgoing_end, s->outgoing.next,
                          memory_order_relaxed); /* a little early at worst */
    txn_put(t, DB_OUTGOING, key, sizeof(key), b->data, b->size);
    outgoing_write(s, t);
}

static int first_key(struct txn *t, uint64_t *ret)
{
    struct walk walk;
    int r = walk_open(&walk, t, DB_OUTGOING, NULL, 0);
    if (r == 0 && walk_next(&walk) && walk.key.mv_size == 8)
        *ret = get_u64(walk.key.mv_data);
    walk_close(&walk, t);
    return r < 0 ? r : t->rc ? -EIO : 0;
}

int outgoing_load(struct store *s, struct txn *t)
{
    MDB_val value;
    s->outgoing = (struct outgoing){.next = 1};
    if (txn_get(t, DB_META, OUTGOING, strlen(OUTGOING), &value) && value.mv_size == sizeof(s->outgoing))
        memcpy(&s->outgoing, value.mv_data, sizeof(s->outgoing));
    if (!is_wanted(s))
        txn_empty(t, DB_OUTGOING); /* of an export that a restart has ended */
    s->outgoing_first = s->outgoing.next;
    atomic_store_explicit(&s->outgoing_end, s->outgoing.next, memory_order_relaxed);
    return t->rc ? -EIO : first_key(t, &s->outgoing_first);
}

static bool travels(const struct store_source *source)
{
    return !source_is_site(source->name);
}

void outgoing_put_commit(struct store *s, struct commit *c)
{
    if (!is_wanted(s))
        return;
    struct buffer b;
    uint32_t n = 0;
    uint8_t kind = OUTGOING_COMMIT;
    for (size_t i = 0; i < c->n_pending; i++)
        n += travels(&c->pending[i]->source.record);
    if (n == 0 && c->n_events == 0)
        return;
    buffer_init(&b, s->journal.size + 8 + c->n_pending * sizeof(struct store_source));
    buffer_append(&b, &kind, 1);
    buffer_append(&b, &n, sizeof(n));
    for (size_t i = 0; i < c->n_pending; i++)
        if (travels(&c->pending[i]->source.record))
            buffer_append(&b, &c->pending[i]->source.record, sizeof(struct store_source));
    if (c->n_events)
        buffer_append(&b, s->journal.data, s->journal.size);
    put_entry(s, &c->txn, &b);
    buffer_fini(&b);
}

void outgoing_put_source(struct store *s, struct txn *t, const struct store_source *source)
{
    if (!is_wanted(s) || !travels(source))
        return;
    struct buffer b;
    uint8_t kind = OUTGOING_COMMIT;
    uint32_t n = 1;
    buffer_init(&b, 8 + sizeof(*source));
    buffer_append(&b, &kind, 1);
    buffer_append(&b, &n, sizeof(n));
    buffer_append(&b, source, sizeof(*source));
    put_entry(s, t, &b);
    buffer_fini(&b);
}

/* --- reference tables --- */

struct difference {
    const struct reference *other;
    enum reference_table table;
    struct buffer *out;
};

/* A record behind its head. */
static size_t record_begin(struct buffer *b, uint8_t what)
{
    uint32_t size = 0;
    buffer_append(b, &what, 1);
    buffer_append(b, &size, sizeof(size));
    return b->size;
}

static int record_end(struct buffer *b, size_t from)
{
    if (buffer_failed(b))
        return -ENOMEM;
    uint32_t size = (uint32_t)(b->size - from);
    memcpy(b->data + from - sizeof(size), &size, sizeof(size));
    return 0;
}

static int put_new_row(void *context, const char *key, const struct reference_row *row)
{
    struct difference *d = context;
    const struct reference_row *const *versions;
    size_t n = reference_versions(d->other, d->table, key, &versions);
    for (size_t i = 0; i < n; i++)
        if (reference_row_equal(versions[i], row))
            return 0;
    size_t from = record_begin(d->out, RECORD_ROW);
    int r = reference_row_encode(d->out, d->table, key, row);
    return r < 0 ? r : record_end(d->out, from);
}

static const struct reference_calendar *find_version(const struct reference *r, const char *name,
                                                     int64_t valid_from)
{
    const struct reference_calendar *versions;
    size_t n = reference_calendars(r, name, &versions);
    for (size_t i = 0; i < n; i++)
        if (versions[i].valid_from == valid_from)
            return &versions[i];
    return NULL;
}

static int put_new_calendar(void *context, const char *name, const struct reference_calendar *c)
{
    struct difference *d = context;
    const struct reference_calendar *other = find_version(d->other, name, c->valid_from);
    if (other && other->calendar == c->calendar)
        return 0;
    size_t from = record_begin(d->out, RECORD_ROW);
    int r = reference_calendar_encode(d->out, name, c);
    return r < 0 ? r : record_end(d->out, from);
}

static int put_gone_calendar(void *context, const char *name, const struct reference_calendar *c)
{
    struct difference *d = context;
    if (find_version(d->other, name, c->valid_from))
        return 0;
    size_t from = record_begin(d->out, RECORD_GONE);
    buffer_append(d->out, &c->valid_from, sizeof(c->valid_from));
    buffer_append_string(d->out, name);
    return record_end(d->out, from);
}

static int put_new_code(void *context, const char *dimension, const char *value)
{
    struct difference *d = context;
    if (reference_has_code(d->other, dimension, value))
        return 0;
    size_t from = record_begin(d->out, RECORD_ROW);
    int r = reference_code_encode(d->out, dimension, value);
    return r < 0 ? r : record_end(d->out, from);
}

void outgoing_put_reference(struct store *s, struct txn *t, const struct reference *before,
                            const struct reference *after)
{
    if (!is_wanted(s))
        return;
    struct buffer b;
    uint8_t kind = OUTGOING_REFERENCE;
    struct difference added = {.other = before, .out = &b}, gone = {.other = after, .out = &b};
    int r = 0;
    buffer_init(&b, REFERENCE_BYTES);
    buffer_append(&b, &kind, 1);
    for (added.table = 0; added.table < REFERENCE_N && r == 0; added.table++)
        r = reference_each(after, added.table, put_new_row, &added);
    if (r == 0)
        r = reference_each_calendar(before, put_gone_calendar, &gone);
    if (r == 0)
        r = reference_each_calendar(after, put_new_calendar, &added);
    if (r == 0)
        r = reference_each_code(after, put_new_code, &added);
    if (r < 0)
        t->rc = t->rc ? t->rc : ENOMEM;
    else if (b.size > 1)
        put_entry(s, t, &b);
    buffer_fini(&b);
}

/* --- reading --- */

static int read_commit(const uint8_t *at, const uint8_t *end, const struct outgoing_sink *sink)
{
    uint32_t n;
    if ((size_t)(end - at) < sizeof(n))
        return -EBADMSG;
    memcpy(&n, at, sizeof(n));
    at += sizeof(n);
    int r = n > (size_t)(end - at) / sizeof(struct store_source) ? -EBADMSG : 0;
    for (uint32_t i = 0; i < n && r == 0; i++, at += sizeof(struct store_source)) {
        struct store_source source;
        memcpy(&source, at, sizeof(source));
        source.name[STORE_NAME_BYTES] = source.namespace[STORE_NAME_BYTES] = '\0';
        r = sink->source(sink->context, &source);
    }
    while (at < end && r == 0) {
        struct journal_head head;
        uint8_t room[sizeof(struct event) + FIELD_N * sizeof(uint64_t)] __attribute__((aligned(8)));
        size_t size = journal_read(at, (size_t)(end - at), &head, (struct event *)room);
        r = size ? sink->event(sink->context, &head, (const struct event *)room) : -EBADMSG;
        at += size;
    }
    return r;
}

static int read_reference(const uint8_t *at, const uint8_t *end, const struct outgoing_sink *sink)
{
    int r = 0;
    while (at < end && r == 0) {
        uint32_t size;
        if ((size_t)(end - at) < 1 + sizeof(size))
            return -EBADMSG;
        uint8_t what = *at;
        memcpy(&size, at + 1, sizeof(size));
        at += 1 + sizeof(size);
        if (size > (size_t)(end - at) || (what == RECORD_GONE && (size < 8 || size > 8 + EVENT_CODE_BYTES)))
            return -EBADMSG;
        if (what == RECORD_GONE) {
            char name[EVENT_CODE_BYTES + 1] = "";
            int64_t valid_from;
            memcpy(&valid_from, at, 8);
            memcpy(name, at + 8, size - 8);
            r = sink->calendar_removed(sink->context, name, valid_from);
        } else {
            r = sink->reference(sink->context, at, size);
        }
        at += size;
    }
    return r;
}

int outgoing_read(struct store *s, struct txn *t, uint64_t serial, size_t bytes,
                  const struct outgoing_sink *sink)
{
    struct walk walk;
    uint8_t key[8];
    size_t n = 0;
    put_u64(key, serial);
    if (serial > s->outgoing.next)
        return -ENOENT;
    int r = walk_open(&walk, t, DB_OUTGOING, key, sizeof(key));
    while (r == 0 && n < bytes && serial < s->outgoing.next) {
        if (!walk_next(&walk) || walk.key.mv_size != 8 || walk.value.mv_size < 1 ||
            get_u64(walk.key.mv_data) != serial) {
            r = t->rc ? -EIO : -ENOENT;
            break;
        }
        const uint8_t *at = walk.value.mv_data, *end = at + walk.value.mv_size;
        n += walk.value.mv_size;
        r = *at == OUTGOING_COMMIT      ? read_commit(at + 1, end, sink)
            : *at == OUTGOING_REFERENCE ? read_reference(at + 1, end, sink)
                                        : -EBADMSG;
        if (r == 0)
            r = sink->mark(sink->context, ++serial);
    }
    walk_close(&walk, t);
    return r < 0 ? r : serial < s->outgoing.next;
}

/* --- trimming --- */

bool outgoing_is_overdue(const struct store *s, int64_t now)
{
    int64_t hold = atomic_load_explicit(&s->hold_ms, memory_order_relaxed);
    return s->outgoing.is_kept && hold > 0 && now - s->outgoing.delivered_at > hold &&
           (s->outgoing.kept_from < s->outgoing.next || !s->outgoing.is_through);
}

/* What was kept too long goes; whoever forwards begins anew, and is told so. */
static void drop_overdue(struct store *s, int64_t now)
{
    if (outgoing_is_overdue(s, now))
        s->outgoing.kept_from = s->outgoing.next; /* on disk with the next entry, or found again */
}

int outgoing_trim(struct store *s, bool all, struct error *err)
{
    drop_overdue(s, store_now_ms());
    uint64_t floor = store_outlets_floor(s);
    if (s->outgoing_first >= floor || (!all && floor - s->outgoing_first < TRIM_WORTH))
        return 0;
    struct txn t;
    int r = txn_begin(&t, &s->db, true, err);
    if (r < 0)
        return r;
    uint64_t end = floor - s->outgoing_first > TRIM_ENTRIES ? s->outgoing_first + TRIM_ENTRIES : floor;
    for (uint64_t serial = s->outgoing_first; serial < end; serial++) {
        uint8_t key[8];
        put_u64(key, serial);
        txn_delete(&t, DB_OUTGOING, key, sizeof(key));
    }
    r = txn_commit(&t, err);
    if (r < 0)
        s->must_reload = true;
    else
        s->outgoing_first = end;
    return r < 0 ? r : 1;
}
