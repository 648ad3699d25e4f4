#include "plugins/host/file/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>

#define CHUNK_BYTES  (64 * 1024)
#define RESUME_BYTES (128 * 1024 * 1024)
#define SEEK_BACK    1024 /* at least TEXT_TAIL bytes of text in every encoding; even, for UTF-16 */

struct text {
    int fd;
    enum encoding encoding;
    bool big_endian; /* UTF-16 */
    bool begun;      /* kind and mark of the file are known */
    bool gzip, gzip_ended;
    bool z_made;
    z_stream z;
    uint8_t *in; /* compressed bytes, CHUNK_BYTES */
    uint8_t *
        raw; /* content before its encoding is turned into UTF-8, CHUNK_BYTES; what is left of it at raw[0] */
    size_t n_raw;
    char *data; /* UTF-8: data[at … end) is not consumed yet */
    size_t at, end, room;
    uint64_t offset; /* of data[at] */
    char tail[TEXT_TAIL];
    size_t n_tail;
};

/* 0x80 to 0x9f of Windows-1252; 0 where there is none */
static const uint16_t CP1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

int encoding_find(const char *name, enum encoding *ret)
{
    static const struct {
        const char *name;
        enum encoding encoding;
    } names[] = {
        {"utf-8", ENCODING_UTF8},
        {"latin1", ENCODING_LATIN1},
        {"cp1252", ENCODING_CP1252},
        {"utf-16", ENCODING_UTF16},
    };

    if (!name) {
        *ret = ENCODING_UTF8;
        return 0;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].name, name) == 0) {
            *ret = names[i].encoding;
            return 0;
        }
    return -EINVAL;
}

int text_new(int fd, enum encoding encoding, struct text **ret)
{
    struct text *text = calloc(1, sizeof(*text));

    if (!text) {
        close(fd);
        return -ENOMEM;
    }
    text->fd = fd;
    text->encoding = encoding;
    text->raw = malloc(CHUNK_BYTES);
    if (!text->raw) {
        text_free(text);
        return -ENOMEM;
    }
    *ret = text;
    return 0;
}

void text_free(struct text *text)
{
    if (!text)
        return;
    if (text->z_made)
        inflateEnd(&text->z);
    free(text->in);
    free(text->raw);
    free(text->data);
    close(text->fd);
    free(text);
}

bool text_ended(const struct text *text)
{
    return text->gzip_ended;
}

const char *text_data(const struct text *text)
{
    return text->data ? text->data + text->at : "";
}

size_t text_size(const struct text *text)
{
    return text->end - text->at;
}

uint64_t text_offset(const struct text *text)
{
    return text->offset;
}

uint64_t text_hash(const struct text *text)
{
    return XXH3_64bits(text->tail, text->n_tail);
}

/* How many bytes of content became those n bytes of text. */
static size_t content_size(const struct text *text, const char *data, size_t n)
{
    size_t n_points = 0, n_long = 0;

    if (text->encoding == ENCODING_UTF8)
        return n;
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)data[i];

        n_points += (byte & 0xc0) != 0x80;
        n_long += byte >= 0xf0;
    }
    return text->encoding == ENCODING_UTF16 ? 2 * (n_points + n_long) : n_points;
}

void text_consume(struct text *text, size_t n)
{
    const char *data = text->data + text->at;

    if (n == 0)
        return;
    if (n >= TEXT_TAIL) {
        memcpy(text->tail, data + n - TEXT_TAIL, TEXT_TAIL);
        text->n_tail = TEXT_TAIL;
    } else {
        size_t keep = text->n_tail + n > TEXT_TAIL ? TEXT_TAIL - n : text->n_tail;

        memmove(text->tail, text->tail + text->n_tail - keep, keep);
        memcpy(text->tail + keep, data, n);
        text->n_tail = keep + n;
    }
    text->offset += content_size(text, data, n);
    text->at += n;
}

/* --- reading -------------------------------------------------------------------------------------------- */

static ssize_t read_file(struct text *text, void *room, size_t size)
{
    ssize_t n;

    do
        n = read(text->fd, room, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Finds out whether the file is compressed. 1 when that is known, 0 when too little of the file is there. */
static int begin(struct text *text)
{
    uint8_t first[2];
    ssize_t n;

    do
        n = pread(text->fd, first, sizeof(first), 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (n == 0 || (n == 1 && first[0] == 0x1f))
        return 0;
    if (n == 2 && first[0] == 0x1f && first[1] == 0x8b) {
        text->in = malloc(CHUNK_BYTES);
        if (!text->in)
            return -ENOMEM;
        if (inflateInit2(&text->z, 15 + 16) != Z_OK) /* a gzip header is wanted */
            return -ENOMEM;
        text->z_made = true;
        text->gzip = true;
    }
    text->begun = true;
    return 1;
}

/* Decompressed bytes into the room: their number, 0 at the end of what is there. */
static ssize_t inflate_some(struct text *text, uint8_t *room, size_t size)
{
    z_stream *z = &text->z;

    z->next_out = room;
    z->avail_out = size;
    while (z->avail_out == size) {
        int rc;

        if (z->avail_in == 0) {
            ssize_t n = read_file(text, text->in, CHUNK_BYTES);

            if (n <= 0)
                return n;
            z->next_in = text->in;
            z->avail_in = n;
        }
        if (text->gzip_ended) { /* a further member: gzip files may be put behind each other */
            if (inflateReset(z) != Z_OK)
                return -EBADMSG;
            text->gzip_ended = false;
        }
        rc = inflate(z, Z_NO_FLUSH);
        if (rc == Z_STREAM_END)
            text->gzip_ended = true;
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            return -EBADMSG;
    }
    return size - z->avail_out;
}

static ssize_t read_content(struct text *text, void *room, size_t size)
{
    return text->gzip ? inflate_some(text, room, size) : read_file(text, room, size);
}

static size_t utf8_put(char *to, uint32_t point)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xc0 | point >> 6);
        to[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xe0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 0x3f));
        to[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 0x3f));
    to[2] = (char)(0x80 | (point >> 6 & 0x3f));
    to[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

static uint32_t utf16_unit(const struct text *text, const uint8_t *at)
{
    return text->big_endian ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

/* Turns as much as possible of raw[0 … n_raw) into text; every byte becomes at most three. */
static void transcode(struct text *text)
{
    char *to = text->data + text->end;
    size_t i = 0;

    if (text->encoding != ENCODING_UTF16) {
        for (; i < text->n_raw; i++) {
            uint32_t point = text->raw[i];

            if (text->encoding == ENCODING_CP1252 && point >= 0x80 && point < 0xa0 && CP1252[point - 0x80])
                point = CP1252[point - 0x80];
            to += utf8_put(to, point);
        }
    } else {
        while (i + 2 <= text->n_raw) {
            uint32_t unit = utf16_unit(text, text->raw + i);
            size_t used = 2;

            if (unit >= 0xd800 && unit < 0xdc00) {
                uint32_t low;

                if (i + 4 > text->n_raw)
                    break;
                low = utf16_unit(text, text->raw + i + 2);
                if (low >= 0xdc00 && low < 0xe000) {
                    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    used = 4;
                } else {
                    unit = 0xfffd;
                }
            } else if (unit >= 0xdc00 && unit < 0xe000) {
                unit = 0xfffd;
            }
            to += utf8_put(to, unit);
            i += used;
        }
    }
    text->end = to - text->data;
    text->n_raw -= i;
    memmove(text->raw, text->raw + i, text->n_raw);
}

/* Steps over the mark at the beginning of a file. */
static void skip_mark(struct text *text)
{
    size_t size = text->end - text->at;

    if (text->offset != 0 || text->encoding == ENCODING_LATIN1 || text->encoding == ENCODING_CP1252)
        return;
    if (size >= 3 && memcmp(text->data + text->at, "\xef\xbb\xbf", 3) == 0) {
        text->at += 3;
        text->offset = text->encoding == ENCODING_UTF16 ? 2 : 3;
    }
}

static int make_room(struct text *text)
{
    size_t wanted = 3 * CHUNK_BYTES;

    if (text->at > 0) {
        memmove(text->data, text->data + text->at, text->end - text->at);
        text->end -= text->at;
        text->at = 0;
    }
    if (text->room - text->end < wanted) {
        size_t room = text->room ? text->room * 2 : 2 * wanted;
        char *data;

        if (text->end + wanted > TEXT_BYTES_MAX)
            return -ENOBUFS;
        if (room > TEXT_BYTES_MAX)
            room = TEXT_BYTES_MAX;
        data = realloc(text->data, room);
        if (!data)
            return -ENOMEM;
        text->data = data;
        text->room = room;
    }
    return 0;
}

int64_t text_fill(struct text *text)
{
    size_t before = text_size(text);
    ssize_t n;
    int rc;

    if (!text->begun) {
        rc = begin(text);
        if (rc <= 0)
            return rc;
    }
    rc = make_room(text);
    if (rc < 0)
        return rc;
    if (text->encoding == ENCODING_UTF8) {
        n = read_content(text, text->data + text->end, CHUNK_BYTES);
        if (n <= 0)
            return n;
        text->end += n;
    } else {
        do {
            bool first = text->encoding == ENCODING_UTF16 && text->offset == 0 && before == 0;

            n = read_content(text, text->raw + text->n_raw, CHUNK_BYTES - text->n_raw);
            if (n <= 0)
                return n;
            text->n_raw += n;
            if (first && text->n_raw >= 2)
                text->big_endian = text->raw[0] == 0xfe && text->raw[1] == 0xff;
            transcode(text);
        } while (text_size(text) == before);
    }
    if (before == 0)
        skip_mark(text);
    return text_size(text) > before ? (int64_t)(text_size(text) - before) : text_fill(text);
}

/* --- resuming ------------------------------------------------------------------------------------------- */

/* The bytes of text that n bytes of content became; SIZE_MAX when the text at hand has not that many, or a
 * character lies across. */
static size_t text_of_content(const struct text *text, uint64_t n)
{
    const char *data = text_data(text);
    size_t size = text_size(text);
    size_t i = 0;
    uint64_t seen = 0;

    if (text->encoding == ENCODING_UTF8)
        return n <= size ? n : SIZE_MAX;
    while (seen < n && i < size) {
        size_t length = 1;

        while (i + length < size && ((uint8_t)data[i + length] & 0xc0) == 0x80)
            length++;
        seen += content_size(text, data + i, length);
        i += length;
    }
    return seen == n ? i : SIZE_MAX;
}

int text_resume(struct text *text, uint64_t offset, uint64_t hash)
{
    int64_t budget = RESUME_BYTES;

    if (offset < text->offset)
        return 0;
    if (!text->begun &&
        text_fill(text) < 0) /* finds kind and mark, which the middle of a file does not show */
        return 0;
    /* far from the place, jump to shortly before it */
    if (!text->gzip && offset - text->offset > 4 * SEEK_BACK) {
        uint64_t place = (offset - SEEK_BACK) & ~(uint64_t)1;

        if (lseek(text->fd, (off_t)place, SEEK_SET) < 0)
            return 0;
        text->at = text->end = text->n_raw = text->n_tail = 0;
        text->offset = place;
    }
    while (text->offset < offset) {
        uint64_t left = offset - text->offset;
        size_t n = text_of_content(text, left);

        if (n == SIZE_MAX) {
            /* not all of it is there: step over what is, unless a character lies across the place */
            n = text_size(text);
            if (content_size(text, text_data(text), n) > left)
                return 0;
        }
        if (n > 0)
            text_consume(text, n);
        else if (budget <= 0)
            return -EAGAIN;
        else if (text_fill(text) <= 0)
            return 0;
        budget -= (int64_t)n;
    }
    return text_hash(text) == hash;
}
