#include "core/store/journal.h"

#include <errno.h>
#include <string.h>

/* An entry: flags u8, type u8, the subject's hash u64, at (6 bytes), the id (6 bytes) unless it is 0, ref u64
 * unless it is 0; then as variable-length numbers the subject's number, namespace, source, seq, and how many
 * fields; and of each field its number u8 and its value, zigzag. */
enum { FLAG_LOOSE = 1, FLAG_ID = 2, FLAG_REF = 4, FLAGS_ALL = 7 };
enum { VARINT_BYTES = 10, ENTRY_BYTES = 2 + 8 + 6 + 6 + 8 + 5 * VARINT_BYTES + FIELD_N * (1 + VARINT_BYTES) };

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

void journal_put(struct buffer *out, const struct journal_head *head, const struct event *e)
{
    uint8_t room[ENTRY_BYTES], *p = room;
    *p++ = (uint8_t)((head->is_loose ? FLAG_LOOSE : 0) | (e->id ? FLAG_ID : 0) | (e->ref ? FLAG_REF : 0));
    *p++ = e->type;
    memcpy(p, &head->hash, 8);
    p += 8;
    memcpy(p, &e->at, 6); /* little-endian; events begin in 1990 and do not come from far ahead */
    p += 6;
    if (e->id) {
        memcpy(p, &e->id, 6);
        p += 6;
    }
    if (e->ref) {
        memcpy(p, &e->ref, 8);
        p += 8;
    }
    p = put_varint(p, head->number);
    p = put_varint(p, head->namespace);
    p = put_varint(p, e->source);
    p = put_varint(p, e->seq);
    p = put_varint(p, e->n_fields);
    for (unsigned i = 0; i < e->n_fields; i++) {
        int64_t number = event_number_of(e->fields[i]);
        *p++ = (uint8_t)event_field_of(e->fields[i]);
        p = put_varint(p, (uint64_t)number << 1 ^ (uint64_t)(number >> 63));
    }
    buffer_append(out, room, (size_t)(p - room));
}

struct cursor {
    const uint8_t *at, *end;
    bool failed;
};

static uint64_t get_bytes(struct cursor *c, unsigned n)
{
    uint64_t v = 0;
    if (c->failed || c->end - c->at < n) {
        c->failed = true;
        return 0;
    }
    memcpy(&v, c->at, n);
    c->at += n;
    return v;
}

static uint64_t get_varint(struct cursor *c, uint64_t most)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = get_bytes(c, 1);
        v |= (byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            c->failed |= v > most;
            return v;
        }
    }
    c->failed = true;
    return 0;
}

size_t journal_read(const uint8_t *at, size_t left, struct journal_head *ret_head, struct event *room)
{
    struct cursor c = {.at = at, .end = at + left};
    struct journal_head head = {0};
    unsigned flags = (unsigned)get_bytes(&c, 1);
    *room = (struct event){.type = (uint8_t)get_bytes(&c, 1)};
    head.hash = get_bytes(&c, 8);
    head.is_loose = flags & FLAG_LOOSE;
    room->at = (int64_t)get_bytes(&c, 6);
    room->id = flags & FLAG_ID ? get_bytes(&c, 6) : 0;
    room->ref = flags & FLAG_REF ? get_bytes(&c, 8) : 0;
    head.number = (uint32_t)get_varint(&c, UINT32_MAX);
    head.namespace = (uint16_t)get_varint(&c, UINT16_MAX);
    room->source = (uint16_t)get_varint(&c, UINT16_MAX);
    room->seq = (uint32_t)get_varint(&c, UINT32_MAX);
    uint64_t n = get_varint(&c, FIELD_N);
    for (uint64_t i = 0; i < n && !c.failed; i++) {
        uint64_t field = get_bytes(&c, 1), v = get_varint(&c, UINT64_MAX);
        c.failed |= field >= FIELD_N;
        room->fields[room->n_fields++] =
            event_field_pack((enum event_field)field, (int64_t)(v >> 1 ^ (UINT64_C(0) - (v & 1))));
    }
    if (c.failed || flags & ~(unsigned)FLAGS_ALL || room->type >= EVENT_N_TYPES)
        return 0;
    *ret_head = head;
    return (size_t)(c.at - at);
}

int journal_forget(struct txn *t, uint64_t position)
{
    for (;;) {
        struct walk walk;
        uint8_t key[8];
        bool found = walk_open(&walk, t, DB_JOURNAL, NULL, 0) == 0 && walk_next(&walk) &&
                     walk.key.mv_size == sizeof(key) && get_u64(walk.key.mv_data) < position;
        if (found)
            memcpy(key, walk.key.mv_data, sizeof(key));
        walk_close(&walk, t);
        if (!found)
            return t->rc ? -EIO : 0;
        txn_delete(t, DB_JOURNAL, key, sizeof(key));
    }
}
