/* Documents: msgpack on the wire ↔ json_t inside, bounded both ways.
 *
 * What a document may hold is what JSON has: null, bool, int64, finite double, UTF-8 string without NUL,
 * array, map with string keys, each once. Anything else from outside is refused: bin, ext, uint64 over
 * INT64_MAX, NaN, infinities, invalid UTF-8, a key twice, a length beyond what is left, too deep, too many
 * values. Any thread. */
#ifndef TENDON_BASE_DOCUMENT_H
#define TENDON_BASE_DOCUMENT_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "proto/msgpack.h"

#include <jansson.h>

#define DOCUMENT_DEPTH_MAX  16     /* arrays and maps within each other */
#define DOCUMENT_VALUES_MAX 500000 /* values of one document, a map counted as eight (it costs as much) */

/* Reads the value where r stands; r stands behind it afterwards. -EBADMSG with code bad_document; -ENOMEM.
 * values_max: at most DOCUMENT_VALUES_MAX in the collector; a client may take more from the
 * collector that it asked. */
int document_read(struct mp_reader *r, size_t values_max, json_t **ret, struct error *err);

/* The same for bytes that must hold one value and nothing behind it. */
int document_decode(const void *data, size_t size, size_t values_max, json_t **ret, struct error *err);

/* Appends the document as msgpack, ints in their smallest form, reals as float64, maps in their order of
 * insertion. -EMSGSIZE when b is full or memory is, -EBADMSG when it is deeper than DOCUMENT_DEPTH_MAX. */
int document_encode(const json_t *document, struct buffer *b);

#endif
