#include "core/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *b, size_t maximum)
{
    *b = (struct buffer){.maximum = maximum};
}

void buffer_fini(struct buffer *b)
{
    if (!b)
        return;
    free(b->data);
    *b = (struct buffer){.maximum = b->maximum};
}

void buffer_clear(struct buffer *b)
{
    b->size = 0;
    b->failed = false;
}

void *buffer_extend(struct buffer *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n > b->maximum - b->size) {
        b->failed = true;
        return NULL;
    }
    if (n > b->capacity - b->size) {
        size_t capacity = b->capacity ? b->capacity : 256;
        while (capacity < b->size + n)
            capacity *= 2;
        if (capacity > b->maximum)
            capacity = b->maximum;
        uint8_t *data = realloc(b->data, capacity);
        if (!data) {
            b->failed = true;
            return NULL;
        }
        b->data = data;
        b->capacity = capacity;
    }
    void *room = b->data + b->size;
    b->size += n;
    return room;
}

void buffer_append(struct buffer *b, const void *data, size_t n)
{
    if (n == 0)
        return;
    void *room = buffer_extend(b, n);
    if (room)
        memcpy(room, data, n);
}

void buffer_append_string(struct buffer *b, const char *s)
{
    buffer_append(b, s, strlen(s));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        b->failed = true;
    /* vsnprintf wants a byte for its NUL, which is given back. */
    char *room = n < 0 ? NULL : buffer_extend(b, (size_t)n + 1);
    if (room) {
        (void)vsnprintf(room, (size_t)n + 1, format, again);
        b->size--;
    }
    va_end(again);
}
