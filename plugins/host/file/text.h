/* One open file as a stream of UTF-8 text: plain or gzip, in one of a few encodings, as far as it is there
 * now.
 *
 * A file may grow while it is read: text_fill returns 0 at its present end and more later. Bytes are looked
 * at in place (text_data, text_size) and then consumed. The place of a byte is its offset in the file's
 * content: after decompression, before the encoding is turned into UTF-8. So a plain file is resumed by a
 * seek, a compressed one by reading it again up to there.
 *
 * Owns its descriptor. One thread. Holds at most TEXT_BYTES_MAX of text. */
#ifndef TENDON_HOST_FILE_TEXT_H
#define TENDON_HOST_FILE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_BYTES_MAX (1280 * 1024)
#define TEXT_TAIL      256 /* bytes of text before the place that a resumed file is recognised by */

enum encoding { ENCODING_UTF8, ENCODING_LATIN1, ENCODING_CP1252, ENCODING_UTF16 };

/* "utf-8", "latin1", "cp1252", "utf-16" (its mark decides the order of bytes, little-endian without). 0 or
 * -EINVAL. NULL is "utf-8". */
int encoding_find(const char *name, enum encoding *ret);

struct text;

/* Takes over the descriptor, also when it fails with -ENOMEM. */
int text_new(int fd, enum encoding encoding, struct text **ret);
void text_free(struct text *text); /* NULL is fine */

/* Reads on. The number of bytes of text added; 0 at the end of what is there; -ENOBUFS when TEXT_BYTES_MAX
 * are held already; -EBADMSG when the file is not valid gzip; else the -errno of reading. */
int64_t text_fill(struct text *text);
/* True when nothing can follow: the end of a gzip stream was reached. */
bool text_ended(const struct text *text);

const char *text_data(const struct text *text);
size_t text_size(const struct text *text);
/* Steps over the first n bytes, n ≤ text_size. */
void text_consume(struct text *text, size_t n);

/* The place of the next byte, and a hash of the up to TEXT_TAIL bytes of text before it. */
uint64_t text_offset(const struct text *text);
uint64_t text_hash(const struct text *text);

/* Goes forward to a place that was remembered with its hash, reading at most some 128 MiB a call: -EAGAIN
 * says that there is more to go. 1 when the file still has the same text there; 0 when it is another file by
 * now: the text is then of no more use. */
int text_resume(struct text *text, uint64_t offset, uint64_t hash);

#endif
