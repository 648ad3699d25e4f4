#include "plugins/host/parcel.h"

#include <string.h>

struct head {
    uint32_t tag, size;
};

void parcel_put(struct buffer *b, enum parcel_tag tag, const void *data, size_t size)
{
    struct head head = {tag, (uint32_t)size};
    if (size > UINT32_MAX) {
        b->failed = true;
        return;
    }
    buffer_append(b, &head, sizeof(head));
    if (size)
        buffer_append(b, data, size);
}

void parcel_put_text(struct buffer *b, enum parcel_tag tag, const char *text)
{
    if (text)
        parcel_put(b, tag, text, strlen(text));
}

void parcel_put_number(struct buffer *b, enum parcel_tag tag, int64_t number)
{
    parcel_put(b, tag, &number, sizeof(number));
}

bool parcel_next(struct parcel *p, struct parcel_field *ret)
{
    struct head head;
    if ((size_t)(p->end - p->at) < sizeof(head))
        return false;
    memcpy(&head, p->at, sizeof(head));
    if (head.size > (size_t)(p->end - p->at) - sizeof(head))
        return false;
    *ret = (struct parcel_field){head.tag, head.size, (const char *)p->at + sizeof(head)};
    p->at += sizeof(head) + head.size;
    return true;
}

int64_t parcel_number(const struct parcel_field *field)
{
    int64_t number = 0;
    if (field->size == sizeof(number))
        memcpy(&number, field->data, sizeof(number));
    return number;
}

struct parcel_field parcel_find(const void *data, size_t size, enum parcel_tag tag)
{
    struct parcel p = {data, (const uint8_t *)data + size};
    struct parcel_field field;
    while (parcel_next(&p, &field))
        if (field.tag == tag)
            return field;
    return (struct parcel_field){0};
}
