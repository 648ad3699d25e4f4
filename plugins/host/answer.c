#include "plugins/host/answer.h"

#include <string.h>

static bool key_is(const char *key, uint32_t size, const char *name)
{
    return size == strlen(name) && memcmp(key, name, size) == 0;
}

static void copy_text(char *room, size_t room_bytes, const char *data, uint32_t size)
{
    size_t n = size < room_bytes - 1 ? size : room_bytes - 1;
    memcpy(room, data, n);
    room[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)room[i] < ' ')
            room[i] = ' ';
}

static bool read_field(struct mp_reader *r, const char *key, uint32_t size, struct answer *a)
{
    const char *text;
    uint32_t n;
    if (mp_peek(r) == MP_NIL)
        return mp_read_nil(r);
    if (key_is(key, size, "seq"))
        return mp_read_uint(r, &a->seq);
    if (key_is(key, size, "last_seq"))
        return a->has_last_seq = mp_read_uint(r, &a->last_seq);
    if (key_is(key, size, "accepted"))
        return mp_read_uint(r, &a->accepted);
    if (key_is(key, size, "credit"))
        return a->has_credit = mp_read_uint(r, &a->credit);
    if (key_is(key, size, "retry_ms"))
        return mp_read_uint(r, &a->retry_ms);
    if (key_is(key, size, "repeat"))
        return mp_read_bool(r, &a->is_repeat);
    if (key_is(key, size, "final"))
        return mp_read_bool(r, &a->is_final);
    if (key_is(key, size, "cursor"))
        return mp_read_bin(r, &a->cursor, &a->cursor_size) && a->cursor_size <= WIRE_CURSOR_BYTES;
    if (key_is(key, size, "code") || key_is(key, size, "message")) {
        if (!mp_read_str(r, &text, &n))
            return false;
        if (size == 4)
            copy_text(a->code, sizeof(a->code), text, n);
        else
            copy_text(a->message, sizeof(a->message), text, n);
        return true;
    }
    if (key_is(key, size, "rejected")) {
        struct mp_reader peek = *r;
        return mp_read_array(&peek, &a->n_rejected) && mp_skip(r);
    }
    return mp_skip(r);
}

bool answer_read(struct mp_reader *r, struct answer *ret)
{
    uint32_t n, size;
    const char *key;
    *ret = (struct answer){0};
    if (!mp_read_map(r, &n))
        return false;
    while (n--)
        if (!mp_read_str(r, &key, &size) || !read_field(r, key, size, ret))
            return false;
    return true;
}
