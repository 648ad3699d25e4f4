/* Reading msgpack in place: bounded, without allocation, every length checked against what is left.
 *
 * A reader walks one payload. The first thing that is wrong makes it fail for good: later reads return false
 * and leave their results untouched, so a sequence of reads needs one check at its end. Writing is
 * msgpack-c's packer. */
#ifndef TENDON_PROTO_MSGPACK_H
#define TENDON_PROTO_MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MP_DEPTH_MAX 8 /* how deep mp_skip follows nested arrays and maps */

struct mp_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

enum mp_type { MP_NIL, MP_BOOL, MP_INT, MP_FLOAT, MP_STR, MP_BIN, MP_ARRAY, MP_MAP, MP_EXT, MP_NONE };

static inline void mp_reader_init(struct mp_reader *r, const void *data, size_t size)
{
    r->at = data;
    r->end = r->at + size;
    r->failed = false;
}

extern const uint8_t MP_TYPES[32]; /* of the bytes 0xc0 … 0xdf */

/* The type of the next value; MP_NONE at the end, after a failure and for the reserved byte 0xc1. */
static inline enum mp_type mp_peek(const struct mp_reader *r)
{
    if (r->failed || r->at == r->end)
        return MP_NONE;
    uint8_t b = *r->at;
    if (b <= 0x7f || b >= 0xe0)
        return MP_INT;
    if (b >= 0xc0)
        return (enum mp_type)MP_TYPES[b - 0xc0];
    return b >= 0xa0 ? MP_STR : b >= 0x90 ? MP_ARRAY : MP_MAP;
}

bool mp_read_nil(struct mp_reader *r);
bool mp_read_bool(struct mp_reader *r, bool *ret);
bool mp_read_int(struct mp_reader *r, int64_t *ret);   /* fails on a uint64 over INT64_MAX */
bool mp_read_uint(struct mp_reader *r, uint64_t *ret); /* fails on a negative */
bool mp_read_double(struct mp_reader *r,
                    double *ret); /* float32 and float64; NaN and infinities come through */
/* Any string; mp_read_str calls it for those that are not short. */
bool mp_read_long_str(struct mp_reader *r, const char **ret_data, uint32_t *ret_size);

/* A string whose length is in its first byte, as nearly all have it; false, and nothing is read, where there
 * is anything else. */
static inline bool mp_read_short_str(struct mp_reader *r, const char **ret_data, uint32_t *ret_size)
{
    size_t left = (size_t)(r->end - r->at);
    if (r->failed || left == 0 || (*r->at & 0xe0) != 0xa0 || (*r->at & 0x1fu) >= left)
        return false;
    *ret_size = *r->at & 0x1fu;
    *ret_data = (const char *)r->at + 1;
    r->at += 1 + *ret_size;
    return true;
}

/* UTF-8 is not checked. */
static inline bool mp_read_str(struct mp_reader *r, const char **ret_data, uint32_t *ret_size)
{
    return mp_read_short_str(r, ret_data, ret_size) || mp_read_long_str(r, ret_data, ret_size);
}

bool mp_read_bin(struct mp_reader *r, const uint8_t **ret_data, uint32_t *ret_size);
/* The count is at most the bytes left (two bytes a map entry): a lying header fails here. */
bool mp_read_array(struct mp_reader *r, uint32_t *ret_count);
bool mp_read_map(struct mp_reader *r, uint32_t *ret_count);
bool mp_skip(struct mp_reader *r); /* one whole value, nested up to MP_DEPTH_MAX */
/* The same with a lower limit: a scalar has depth 0, [] 1, [[]] 2. */
bool mp_skip_within(struct mp_reader *r, unsigned depth_max);

bool utf8_valid(const char *data, size_t size);

#endif
