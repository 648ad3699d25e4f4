/* A growing byte buffer that declares its maximum when it is made.
 *
 * Failure is sticky: after one append that could not be done (no memory, over the maximum) the others do
 * nothing and buffer_failed says so, so that a sequence of appends needs one check at its end. Not
 * thread-safe. */
#ifndef TENDON_BASE_BUFFER_H
#define TENDON_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data;
    size_t size;     /* bytes used */
    size_t capacity; /* bytes allocated */
    size_t maximum;  /* bytes it may ever hold */
    bool failed;
};

void buffer_init(struct buffer *b, size_t maximum);
void buffer_fini(struct buffer *b);

/* Forgets the content and the failure; keeps the memory. */
void buffer_clear(struct buffer *b);

/* Room for n more bytes, counted as used; NULL when there is none. The bytes are not initialised. */
void *buffer_extend(struct buffer *b, size_t n);
void buffer_append(struct buffer *b, const void *data, size_t n);
void buffer_append_string(struct buffer *b, const char *s);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool buffer_failed(const struct buffer *b)
{
    return b->failed;
}

#endif
