#include "core/store/column.h"

#include "core/store/bits.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* Form on disk: kind u8, width u8 (bits), specials u8, base i64, then the payload.
 *
 * A value v is kept as u = (v - base) / unit + n, where the n lowest numbers stand for the special values
 * that occur. With FLAG_DELTA u is the zigzag of the difference to the row before and there are no specials.
 * The unit is a u32 in front of the payload where FLAG_UNIT is set, else 1: instants of most help desks are
 * whole seconds or minutes. With FLAG_PATCH the few largest u have only their lowest `width` bits among the
 * others, and the rest in front: their count u32, their places u16 each, and a column of what is above those
 * bits. A sparse column has one value, base, but for some rows: their count u32; which they are, as places
 * u16 each or, for KIND_BITMAP, as a bit a row; and a column of their values. */
enum { KIND_CONSTANT, KIND_PACK, KIND_PLANES, KIND_SPARSE, KIND_BITMAP };
enum { FLAG_DELTA = 0x80, FLAG_UNIT = 0x40, FLAG_PATCH = 0x20, KIND_MASK = 0x1f };
enum { SPECIAL_NULL = 1, SPECIAL_FOREVER = 2 };
enum { HEADER_BYTES = 11, PLANE_LEVEL = 1, FEW = 8192, PLACE_BITS = 16 };

static const int64_t NULL_VALUE = INT64_MIN, FOREVER_VALUE = INT64_MAX;

void column_coder_fini(struct column_coder *c)
{
    (void)ZSTD_freeCCtx(c->compressor);
    (void)ZSTD_freeDCtx(c->decompressor);
    *c = (struct column_coder){0};
}

static uint8_t *put_header(struct buffer *out, unsigned kind, unsigned width, unsigned specials, int64_t base)
{
    uint8_t *p = buffer_extend(out, HEADER_BYTES);
    if (!p)
        return NULL;
    p[0] = (uint8_t)kind;
    p[1] = (uint8_t)width;
    p[2] = (uint8_t)specials;
    memcpy(p + 3, &base, sizeof(base));
    return p;
}

/* --- byte planes
 * -------------------------------------------------------------------------------------------------- */

/* Whether the bytes are spread so evenly that no coder gains from them. */
static bool is_noise(const uint8_t *plane, size_t n)
{
    uint32_t counts[256] = {0};
    uint64_t squares = 0;
    for (size_t i = 0; i < n; i++)
        counts[plane[i]]++;
    for (unsigned i = 0; i < 256; i++)
        squares += (uint64_t)counts[i] * counts[i];
    return squares < (uint64_t)n * n / 200 + n;
}

/* Appends u as byte planes, each under zstd where that is smaller: [size u32 | raw bit][bytes] a plane. */
static void put_planes(struct column_coder *coder, struct buffer *out, const uint64_t *u, size_t n,
                       unsigned width)
{
    uint8_t few[FEW], *plane = n > FEW ? malloc(n) : few;
    size_t bound = ZSTD_compressBound(n);
    if (!coder->compressor)
        coder->compressor = ZSTD_createCCtx();
    if (!plane || !coder->compressor) {
        out->failed = true;
        return;
    }
    for (unsigned b = 0; b < (width + 7) / 8; b++) {
        for (size_t i = 0; i < n; i++)
            plane[i] = (uint8_t)(u[i] >> (8 * b));
        size_t start = out->size, size = n;
        uint8_t *p = buffer_extend(out, 4 + bound);
        if (!p)
            break;
        if (!is_noise(plane, n))
            size = ZSTD_compressCCtx(coder->compressor, p + 4, bound, plane, n, PLANE_LEVEL);
        uint32_t head;
        if (ZSTD_isError(size) || size >= n - n / 16) {
            memcpy(p + 4, plane, n);
            size = n;
            head = (uint32_t)n | UINT32_C(1) << 31;
        } else {
            head = (uint32_t)size;
        }
        memcpy(p, &head, 4);
        out->size = start + 4 + size;
    }
    if (plane != few)
        free(plane);
}

static int get_planes(struct column_coder *coder, const uint8_t *data, size_t size, uint64_t *u, size_t n,
                      unsigned width)
{
    uint8_t few[FEW], *plane = n > FEW ? malloc(n) : few;
    if (!coder->decompressor)
        coder->decompressor = ZSTD_createDCtx();
    int r = plane && coder->decompressor ? 0 : -ENOMEM;
    memset(u, 0, n * sizeof(*u));
    for (unsigned b = 0; b < (width + 7) / 8 && r == 0; b++) {
        uint32_t head;
        if (size < 4) {
            r = -EBADMSG;
            break;
        }
        memcpy(&head, data, 4);
        uint32_t bytes = head & ~(UINT32_C(1) << 31);
        data += 4;
        size -= 4;
        const uint8_t *from = data;
        if (bytes > size || (head >> 31 && bytes != n)) {
            r = -EBADMSG;
        } else if (!(head >> 31)) {
            size_t got = ZSTD_decompressDCtx(coder->decompressor, plane, n, data, bytes);
            if (ZSTD_isError(got) || got != n)
                r = -EBADMSG;
            from = plane;
        }
        if (r == 0)
            for (size_t i = 0; i < n; i++)
                u[i] |= (uint64_t)from[i] << (8 * b);
        data += bytes;
        size -= bytes;
    }
    if (plane != few)
        free(plane);
    return r;
}

/* --- writing
 * ------------------------------------------------------------------------------------------------------ */

static void encode(struct column_coder *coder, struct buffer *out, const int64_t *values, size_t n,
                   unsigned effort, const struct summary *known, bool is_part);

/* The width that costs least when what does not fit it is patched; *ret_n says how many those are. */
static unsigned patched_width(const uint64_t *u, size_t n, unsigned width, uint32_t *ret_n)
{
    uint32_t of_width[65] = {0}, above = 0;
    size_t least = n * width;
    unsigned best = width;
    *ret_n = 0;
    for (size_t i = 0; i < n; i++)
        of_width[bits_width(u[i])]++;
    for (unsigned w = width; w-- > 1;) {
        above += of_width[w + 1];
        size_t cost = n * w + above * (size_t)(PLACE_BITS + width - w) + 8 * (2 * HEADER_BYTES + 4);
        if (cost < least - least / 16) {
            least = cost;
            best = w;
            *ret_n = above;
        }
        if (above > n / 8)
            break;
    }
    return best;
}

/* The places of those above the width, and what is above it. */
static void put_patches(struct column_coder *coder, struct buffer *out, const uint64_t *u, size_t n,
                        unsigned width, uint32_t n_patches)
{
    int64_t few[FEW / 4], *above = n_patches > FEW / 4 ? malloc(n_patches * sizeof(*above)) : few;
    buffer_append(out, &n_patches, sizeof(n_patches));
    uint8_t *places = buffer_extend(out, n_patches * sizeof(uint16_t));
    if (!above || !places) {
        out->failed = true;
    } else {
        for (size_t i = 0, k = 0; i < n; i++) {
            if (!(u[i] >> width))
                continue;
            uint16_t place = (uint16_t)i;
            memcpy(places + 2 * k, &place, sizeof(place));
            above[k++] = (int64_t)(u[i] >> width);
        }
        encode(coder, out, above, n_patches, COLUMN_PACK, NULL, true);
    }
    if (above != few)
        free(above);
}

static void put_payload(struct column_coder *coder, struct buffer *out, const uint64_t *u, size_t n,
                        unsigned width, unsigned flags, unsigned specials, int64_t base, uint32_t unit,
                        unsigned effort, bool is_part)
{
    size_t start = out->size, packed = bits_size(n, width);
    uint32_t n_patches = 0;
    if (unit > 1)
        flags |= FLAG_UNIT;
    if (coder && effort & COLUMN_PLANES && n >= 64 && width >= 2) {
        put_header(out, KIND_PLANES | flags, width, specials, base);
        if (unit > 1)
            buffer_append(out, &unit, sizeof(unit));
        put_planes(coder, out, u, n, width);
        if (buffer_failed(out) || out->size - start - HEADER_BYTES < packed - packed / 10)
            return;
        out->size = start;
    }
    unsigned narrow = !is_part && n >= 64 && width > 8 ? patched_width(u, n, width, &n_patches) : width;
    put_header(out, KIND_PACK | flags | (n_patches ? FLAG_PATCH : 0), narrow, specials, base);
    if (unit > 1)
        buffer_append(out, &unit, sizeof(unit));
    if (n_patches)
        put_patches(coder, out, u, n, narrow, n_patches);
    uint8_t *p = buffer_extend(out, bits_size(n, narrow));
    if (p)
        bits_pack(p, u, n, narrow);
}

static bool is_special(int64_t v)
{
    return v == NULL_VALUE || v == FOREVER_VALUE;
}

/* The value that most may have, of three that are counted. */
static int64_t common_of(const int64_t *values, size_t n, const struct summary *s, size_t *ret_n)
{
    int64_t common = values[n / 2];
    *ret_n = s->n_common;
    if (s->n_zero > *ret_n) {
        common = 0;
        *ret_n = s->n_zero;
    }
    if (s->n_null > *ret_n) {
        common = NULL_VALUE;
        *ret_n = s->n_null;
    }
    return common;
}

/* The greatest number of at most 32 bits that divides the distances of all values to the least one. */
static uint32_t unit_of(const int64_t *values, size_t n, int64_t min)
{
    uint64_t unit = 0;
    for (size_t i = 0; i < n && unit != 1; i++) {
        uint64_t a = is_special(values[i]) ? 0 : (uint64_t)values[i] - (uint64_t)min;
        while (a) { /* Euclid; mostly one division */
            uint64_t rest = unit % a;
            unit = a;
            a = rest;
        }
    }
    return unit == 0 || unit > UINT32_MAX ? 1 : (uint32_t)unit;
}

/* One value but for n_other rows, as places or as a bitmap, whichever is smaller. */
static void put_sparse(struct column_coder *coder, struct buffer *out, const int64_t *values, size_t n,
                       int64_t common, uint32_t n_other)
{
    int64_t few[FEW / 4], *others = n_other > FEW / 4 ? malloc(n_other * sizeof(*others)) : few;
    bool as_bits = n_other * (size_t)PLACE_BITS > n;
    size_t size = as_bits ? (n + 7) / 8 : n_other * sizeof(uint16_t);
    put_header(out, as_bits ? KIND_BITMAP : KIND_SPARSE, 0, 0, common);
    buffer_append(out, &n_other, sizeof(n_other));
    uint8_t *which = buffer_extend(out, size);
    if (!others || !which) {
        out->failed = true;
    } else {
        memset(which, 0, size);
        for (size_t i = 0, k = 0; i < n; i++) {
            if (values[i] == common)
                continue;
            uint16_t place = (uint16_t)i;
            if (as_bits)
                which[i / 8] |= (uint8_t)(1 << i % 8);
            else
                memcpy(which + 2 * k, &place, sizeof(place));
            others[k++] = values[i];
        }
        encode(coder, out, others, n_other, COLUMN_PACK, NULL, true);
    }
    if (others != few)
        free(others);
}

static void put_deltas(struct column_coder *coder, struct buffer *out, const int64_t *values, size_t n,
                       unsigned effort, uint32_t unit, size_t start, uint64_t *d)
{
    uint64_t top = 0;
    d[0] = 0;
    for (size_t i = 1; i < n; i++) {
        int64_t step = (int64_t)((uint64_t)values[i] - (uint64_t)values[i - 1]);
        if (unit > 1)
            step /= unit;
        d[i] = (uint64_t)step << 1 ^ (uint64_t)(step >> 63);
        top |= d[i];
    }
    size_t plain = out->size - start, delta_start = out->size;
    put_payload(coder, out, d, n, bits_width(top), FLAG_DELTA, 0, values[0], unit, effort, false);
    size_t delta = out->size - delta_start;
    if (!buffer_failed(out) && delta < plain) {
        memmove(out->data + start, out->data + delta_start, delta);
        out->size = start + delta;
    } else if (!buffer_failed(out)) {
        out->size = delta_start;
    }
}

/* is_part: of another column: not sparse or patched itself, so that what reads it ends. */
static void encode(struct column_coder *coder, struct buffer *out, const int64_t *values, size_t n,
                   unsigned effort, const struct summary *known, bool is_part)
{
    struct summary s;
    size_t n_common;
    if (known)
        s = *known;
    else
        summary_of(values, n, values[n / 2], &s);
    if (s.is_constant) {
        put_header(out, KIND_CONSTANT, 0, 0, values[0]);
        return;
    }
    bool has_plain = s.min <= s.max;
    int64_t min = has_plain ? s.min : 0;
    unsigned specials = (s.n_null ? SPECIAL_NULL : 0) | (s.n_forever ? SPECIAL_FOREVER : 0);
    uint64_t n_special = (s.n_null != 0) + (s.n_forever != 0),
             range = has_plain ? (uint64_t)s.max - (uint64_t)min : 0;
    uint32_t unit = range >= 1000 ? unit_of(values, n, min) : 1;
    range /= unit;
    /* A full range has no room for the specials: none of our columns has one, and a hash is never special. */
    if (range > UINT64_MAX - n_special) {
        n_special = 0;
        specials = 0;
        min = INT64_MIN;
        range = UINT64_MAX;
    }
    unsigned width = bits_width(range + n_special);
    const int64_t common = common_of(values, n, &s, &n_common);
    size_t n_other = n - n_common, which = n < n_other * PLACE_BITS ? n : n_other * PLACE_BITS;
    /* zstd makes less of what is rare, too */
    if (!is_part &&
        (n_other * width + which) * (effort & COLUMN_PLANES ? 4 : 1) + 8 * 2 * HEADER_BYTES < n * width) {
        put_sparse(coder, out, values, n, common, (uint32_t)n_other);
        return;
    }
    uint64_t few[FEW], *u = n > FEW ? malloc(n * sizeof(*u)) : few;
    if (!u) {
        out->failed = true;
        return;
    }
    if (!specials) {
        for (size_t i = 0; i < n; i++)
            u[i] = (uint64_t)values[i] - (uint64_t)min;
    } else {
        for (size_t i = 0; i < n; i++) {
            uint64_t v = (uint64_t)values[i] - (uint64_t)min;
            u[i] = values[i] == NULL_VALUE ? 0 : values[i] == FOREVER_VALUE ? n_special - 1 : v + n_special;
        }
    }
    if (unit > 1)
        for (size_t i = 0; i < n; i++)
            if (!is_special(values[i]))
                u[i] = (u[i] - n_special) / unit + n_special;
    size_t start = out->size;
    put_payload(coder, out, u, n, width, 0, specials, min, unit, effort, is_part);
    if (effort & COLUMN_DELTA && !specials && !buffer_failed(out))
        put_deltas(coder, out, values, n, effort, unit, start, u);
    if (u != few)
        free(u);
}

void column_encode(struct column_coder *coder, struct buffer *out, const int64_t *values, size_t n,
                   unsigned effort, const struct summary *known)
{
    encode(coder, out, values, n, effort, known, false);
}

/* --- reading
 * ------------------------------------------------------------------------------------------------------ */

struct header {
    unsigned kind, width, specials;
    bool delta, is_patched;
    uint32_t unit;
    int64_t base;
    const uint8_t *data; /* the payload */
    size_t size;
};

static int get_header(const uint8_t *data, size_t size, struct header *h)
{
    if (size < HEADER_BYTES)
        return -EBADMSG;
    *h = (struct header){.kind = data[0] & KIND_MASK,
                         .delta = data[0] & FLAG_DELTA,
                         .is_patched = data[0] & FLAG_PATCH,
                         .width = data[1],
                         .specials = data[2],
                         .unit = 1,
                         .data = data + HEADER_BYTES,
                         .size = size - HEADER_BYTES};
    memcpy(&h->base, data + 3, sizeof(h->base));
    if (data[0] & FLAG_UNIT) {
        if (h->size < sizeof(h->unit))
            return -EBADMSG;
        memcpy(&h->unit, h->data, sizeof(h->unit));
        h->data += sizeof(h->unit);
        h->size -= sizeof(h->unit);
    }
    return h->width > 64 || h->specials > 3 || (h->delta && h->specials) ? -EBADMSG : 0;
}

/* Some rows of a column: how many, which, and the column of what is said of them. */
struct some {
    uint32_t n;
    const uint8_t *which;
    const uint8_t *column;
    size_t size;
    bool as_bits;
};

static int get_some(const uint8_t *data, size_t size, size_t n, bool as_bits, struct some *ret)
{
    if (size < sizeof(ret->n))
        return -EBADMSG;
    memcpy(&ret->n, data, sizeof(ret->n));
    data += sizeof(ret->n);
    size -= sizeof(ret->n);
    if (ret->n == 0 || ret->n > n)
        return -EBADMSG;
    size_t which = as_bits ? (n + 7) / 8 : ret->n * sizeof(uint16_t);
    if (size <= which)
        return -EBADMSG;
    ret->which = data;
    ret->column = data + which;
    ret->size = size - which;
    ret->as_bits = as_bits;
    /* a part has no parts: what reads this ends */
    unsigned kind = *ret->column & KIND_MASK;
    return kind == KIND_SPARSE || kind == KIND_BITMAP || *ret->column & FLAG_PATCH ? -EBADMSG : 0;
}

/* How long the column is that stands behind which rows it is about; 0: it is none of so many values. */
static size_t part_bytes(const struct some *some)
{
    struct header h;
    if (get_header(some->column, some->size, &h) < 0)
        return 0;
    size_t before = (size_t)(h.data - some->column);
    if (h.kind == KIND_CONSTANT)
        return before;
    size_t payload = bits_size(some->n, h.width);
    return h.kind == KIND_PACK && h.size >= payload ? before + payload : 0;
}

/* 64 of n bits, from one on; fewer at the end. */
static uint64_t bits_word(const uint8_t *bits, size_t n, size_t at)
{
    uint64_t word = 0;
    if (n - at >= 64)
        memcpy(&word, bits + at / 8, sizeof(word)); /* of a length that compilers know */
    else
        memcpy(&word, bits + at / 8, (n - at + 7) / 8);
    return word;
}

/* The rows that are meant, each below n, into rows[some->n]. */
static int some_rows(const struct some *some, size_t n, uint16_t *rows)
{
    size_t k = 0;
    if (!some->as_bits) {
        memcpy(rows, some->which, some->n * sizeof(*rows));
        for (; k < some->n; k++)
            if (rows[k] >= n)
                return -EBADMSG;
        return 0;
    }
    for (size_t at = 0; at < n; at += 64)
        for (uint64_t word = bits_word(some->which, n, at); word; word &= word - 1) {
            const size_t row = at + (unsigned)__builtin_ctzll(word);
            if (row >= n || k == some->n)
                return -EBADMSG;
            rows[k++] = (uint16_t)row;
        }
    return k == some->n ? 0 : -EBADMSG;
}

/* What is said of some rows, decoded. */
struct parts {
    uint16_t few_rows[FEW / 4], *rows;
    int64_t few_values[FEW / 4], *values;
};

static void parts_fini(struct parts *p)
{
    if (p->rows != p->few_rows)
        free(p->rows);
    if (p->values != p->few_values)
        free(p->values);
}

static int parts_init(struct parts *p, const struct some *some, size_t n)
{
    bool is_few = some->n <= FEW / 4;
    p->rows = is_few ? p->few_rows : malloc(some->n * sizeof(*p->rows));
    p->values = is_few ? p->few_values : malloc(some->n * sizeof(*p->values));
    int r = p->rows && p->values ? some_rows(some, n, p->rows) : -ENOMEM;
    if (r == 0)
        r = column_decode(NULL, some->column, some->size, some->n, p->values);
    if (r < 0)
        parts_fini(p);
    return r;
}

/* The rows of a sparse column that have another value than most, and these. */
static int get_sparse(const struct header *h, size_t n, struct some *some, struct parts *parts)
{
    int r = get_some(h->data, h->size, n, h->kind == KIND_BITMAP, some);
    return r < 0 ? r : parts_init(parts, some, n);
}

static int decode_sparse(const struct header *h, size_t n, int64_t *ret)
{
    struct some some;
    struct parts parts;
    int r = get_sparse(h, n, &some, &parts);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        ret[i] = h->base;
    for (uint32_t k = 0; k < some.n; k++)
        ret[parts.rows[k]] = parts.values[k];
    parts_fini(&parts);
    return 0;
}

/* Adds to ret what the values of rows have more than `base`: the rows as places … */
static int add_places_u16(const struct some *some, size_t n, uint16_t base, const uint16_t *values,
                          uint16_t *ret)
{
    for (uint32_t k = 0; k < some->n; k++) {
        uint16_t row;
        memcpy(&row, some->which + k * sizeof(row), sizeof(row));
        if (row >= n)
            return -EBADMSG;
        ret[row] = (uint16_t)(ret[row] - base + values[k]);
    }
    return 0;
}

/* … or as bits. */
static int add_bits_u16(const struct some *some, size_t n, uint16_t base, const uint16_t *values,
                        uint16_t *ret)
{
    uint32_t k = 0;
    for (size_t at = 0; at < n; at += 64) {
        uint64_t word = bits_word(some->which, n, at);
        if ((unsigned)__builtin_popcountll(word) > some->n - k || (n - at < 64 && word >> (n - at)))
            return -EBADMSG;
        for (; word; word &= word - 1) {
            uint16_t *value = ret + at + (unsigned)__builtin_ctzll(word);
            *value = (uint16_t)(*value - base + values[k++]);
        }
    }
    return k == some->n ? 0 : -EBADMSG;
}

/* Added to what is in ret. */
static int add_sparse_u16(const struct header *h, size_t n, uint16_t *ret)
{
    const uint16_t base = (uint16_t)h->base;
    uint16_t few[FEW / 4];
    struct some some;
    int r = get_some(h->data, h->size, n, h->kind == KIND_BITMAP, &some);
    if (r < 0)
        return r;
    uint16_t *values = some.n > FEW / 4 ? malloc(some.n * sizeof(*values)) : few;
    r = values ? column_decode_u16(some.column, some.size, some.n, values) : -ENOMEM;
    for (size_t i = 0; base && r == 0 && i < n; i++)
        ret[i] = (uint16_t)(ret[i] + base);
    if (r == 0)
        r = some.as_bits ? add_bits_u16(&some, n, base, values, ret)
                         : add_places_u16(&some, n, base, values, ret);
    if (values != few)
        free(values);
    return r;
}

/* The bits above the width of those that have any. Moves h to the packed bits behind them. */
static int get_patches(struct header *h, size_t n, struct some *some, struct parts *parts)
{
    int r = get_some(h->data, h->size, n, false, some);
    size_t part = r == 0 ? part_bytes(some) : 0;
    if (part == 0 || h->width == 0 || h->width > 63)
        return -EBADMSG;
    h->data = some->column + part;
    h->size = some->size - part;
    return parts_init(parts, some, n);
}

/* u, times `unit` plus `add`. */
static int decode_packed(struct header *h, size_t n, uint32_t unit, uint64_t add, uint64_t *u)
{
    struct some some = {0};
    struct parts parts;
    int r = h->is_patched ? get_patches(h, n, &some, &parts) : 0;
    if (r < 0)
        return r;
    if (h->size < bits_size(n, h->width))
        r = -EBADMSG;
    else if (h->width)
        bits_unpack(h->data, u, n, h->width, unit, add);
    else
        memset(u, 0, n * sizeof(*u));
    for (uint32_t k = 0; r == 0 && k < some.n; k++)
        u[parts.rows[k]] += ((uint64_t)parts.values[k] << h->width) * unit;
    if (h->is_patched)
        parts_fini(&parts);
    return r;
}

static void undo_specials(const struct header *h, uint64_t *u, size_t n)
{
    uint64_t n_special = (h->specials & 1) + (h->specials >> 1);
    uint64_t null = h->specials & SPECIAL_NULL ? 0 : UINT64_MAX;
    uint64_t forever = h->specials & SPECIAL_FOREVER ? n_special - 1 : UINT64_MAX;
    uint64_t base = (uint64_t)h->base;
    for (size_t i = 0; i < n; i++)
        u[i] = u[i] == null      ? (uint64_t)NULL_VALUE
               : u[i] == forever ? (uint64_t)FOREVER_VALUE
                                 : (u[i] - n_special) * h->unit + base;
}

/* From u to values, where u is no delta. */
static void undo_plain(const struct header *h, uint64_t *u, size_t n)
{
    if (h->specials)
        undo_specials(h, u, n);
    else
        for (size_t i = 0; i < n; i++)
            u[i] = u[i] * h->unit + (uint64_t)h->base;
}

int column_decode(struct column_coder *coder, const uint8_t *data, size_t size, size_t n, int64_t *ret)
{
    struct header h;
    int r = get_header(data, size, &h);
    if (r < 0)
        return r;
    uint64_t *u = (uint64_t *)ret;
    const bool is_plain = !h.delta && !h.specials && h.width > 0;
    switch (h.kind) {
    case KIND_CONSTANT:
        for (size_t i = 0; i < n; i++)
            ret[i] = h.base;
        return 0;
    case KIND_SPARSE:
    case KIND_BITMAP:
        return decode_sparse(&h, n, ret);
    case KIND_PACK:
        r = decode_packed(&h, n, is_plain ? h.unit : 1, is_plain ? (uint64_t)h.base : 0, u);
        if (r < 0 || is_plain)
            return r;
        break;
    case KIND_PLANES: {
        struct column_coder own = {0};
        r = get_planes(coder ? coder : &own, h.data, h.size, u, n, h.width);
        column_coder_fini(&own);
        if (r < 0)
            return r;
        break;
    }
    default:
        return -EBADMSG;
    }
    if (h.delta)
        bits_sum(u, n, (uint64_t)h.base, h.unit);
    else
        undo_plain(&h, u, n);
    return 0;
}

/* Both lists ascend. */
static void pick_parts(const struct some *some, const struct parts *parts, const uint16_t *rows,
                       uint32_t n_rows, unsigned shift, bool adds, uint64_t *u)
{
    uint32_t part = 0;
    for (uint32_t k = 0; k < n_rows && part < some->n; k++) {
        while (part < some->n && parts->rows[part] < rows[k])
            part++;
        if (part < some->n && parts->rows[part] == rows[k])
            u[k] = (adds ? u[k] : 0) | (uint64_t)parts->values[part] << shift;
    }
}

static int pick_sparse(const struct header *h, size_t n, const uint16_t *rows, uint32_t n_rows, uint64_t *u)
{
    struct some some;
    struct parts parts;
    int r = get_sparse(h, n, &some, &parts);
    if (r < 0)
        return r;
    for (uint32_t k = 0; k < n_rows; k++)
        u[k] = (uint64_t)h->base;
    pick_parts(&some, &parts, rows, n_rows, 0, false, u);
    parts_fini(&parts);
    return 1;
}

static int pick_packed(struct header *h, size_t n, const uint16_t *rows, uint32_t n_rows, uint64_t *u)
{
    struct some some = {0};
    struct parts parts;
    int r = h->is_patched ? get_patches(h, n, &some, &parts) : 0;
    if (r < 0)
        return r;
    if (h->size < bits_size(n, h->width)) {
        r = -EBADMSG;
    } else {
        bits_pick(h->data, u, rows, n_rows, h->width);
        if (h->is_patched)
            pick_parts(&some, &parts, rows, n_rows, h->width, true, u);
        undo_plain(h, u, n_rows);
        r = 1;
    }
    if (h->is_patched)
        parts_fini(&parts);
    return r;
}

int column_pick(const uint8_t *data, size_t size, size_t n, const uint16_t *rows, uint32_t n_rows,
                int64_t *ret)
{
    struct header h;
    int r = get_header(data, size, &h);
    if (r < 0)
        return r;
    if (h.kind == KIND_SPARSE || h.kind == KIND_BITMAP)
        return pick_sparse(&h, n, rows, n_rows, (uint64_t *)ret);
    if (h.kind == KIND_PACK && !h.delta)
        return pick_packed(&h, n, rows, n_rows, (uint64_t *)ret);
    for (uint32_t k = 0; h.kind == KIND_CONSTANT && k < n_rows; k++)
        ret[k] = h.base;
    return h.kind == KIND_CONSTANT;
}

int column_decode_u16(const uint8_t *data, size_t size, size_t n, uint16_t *ret)
{
    struct header h;
    int r = get_header(data, size, &h);
    if (r < 0)
        return r;
    if (h.kind == KIND_CONSTANT) {
        for (size_t i = 0; i < n; i++)
            ret[i] = (uint16_t)h.base;
        return 0;
    }
    if (h.kind == KIND_SPARSE || h.kind == KIND_BITMAP) {
        memset(ret, 0, n * sizeof(*ret));
        return add_sparse_u16(&h, n, ret);
    }
    if (h.kind == KIND_PACK && !h.delta && !h.specials && !h.is_patched && h.unit == 1 && h.width > 0 &&
        h.width <= 48) {
        if (h.size < bits_size(n, h.width))
            return -EBADMSG;
        bits_unpack_u16(h.data, ret, n, h.width, (uint64_t)h.base);
        return 0;
    }
    int64_t few[FEW], *values = n > FEW ? malloc(n * sizeof(*values)) : few;
    if (!values)
        return -ENOMEM;
    r = column_decode(NULL, data, size, n, values);
    for (size_t i = 0; i < n && r == 0; i++)
        ret[i] = (uint16_t)values[i];
    if (values != few)
        free(values);
    return r;
}

int column_add_u16(const uint8_t *data, size_t size, size_t n, uint16_t *ret)
{
    struct header h;
    uint16_t few[FEW];
    int r = get_header(data, size, &h);
    if (r < 0)
        return r;
    if (h.kind == KIND_SPARSE || h.kind == KIND_BITMAP)
        return add_sparse_u16(&h, n, ret);
    uint16_t *values = n > FEW ? malloc(n * sizeof(*values)) : few;
    if (!values)
        return -ENOMEM;
    r = column_decode_u16(data, size, n, values);
    for (size_t i = 0; i < n && r == 0; i++)
        ret[i] = (uint16_t)(ret[i] + values[i]);
    if (values != few)
        free(values);
    return r;
}
