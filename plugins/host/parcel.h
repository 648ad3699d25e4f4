/* What a service of the host is asked, and what it answers, as bytes: fields one behind the other, each a
 * tag, a size and that many bytes. Both ends are the same build; what comes from the plugin's process is
 * checked all the same: no field reaches beyond its parcel. One thread. */
#ifndef TENDON_HOST_PARCEL_H
#define TENDON_HOST_PARCEL_H

#include "core/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum parcel_tag {
    PARCEL_SERVICE = 1, /* number, enum parcel_service: the first field of what is asked */
    /* asked */
    PARCEL_METHOD,
    PARCEL_URL,
    PARCEL_HEADER, /* "Name: value"; of an answer "name: value" with the name in lower case */
    PARCEL_BODY,
    PARCEL_USER,
    PARCEL_PASSWORD,
    PARCEL_CA_FILE,
    PARCEL_PER_MINUTE, /* number */
    PARCEL_TIMEOUT_MS, /* number */
    PARCEL_BODY_BYTES, /* number: of the answer's, at most */
    PARCEL_LISTEN,
    PARCEL_PATH,
    PARCEL_QUERY,
    PARCEL_SECRET,
    PARCEL_SIGNATURE,
    PARCEL_TIMESTAMP,
    PARCEL_BETWEEN,
    PARCEL_QUEUE, /* number */
    /* answered */
    PARCEL_RESULT,   /* number, enum tendon_result */
    PARCEL_ERROR,    /* text for err */
    PARCEL_STATUS,   /* number, of HTTP */
    PARCEL_RETRY_MS, /* number */
    PARCEL_NEXT      /* the URL of the next page */
};

enum parcel_service { PARCEL_HTTP = 1, PARCEL_PUSH_NEXT, PARCEL_PUSH_REFUSE };

void parcel_put(struct buffer *b, enum parcel_tag tag, const void *data, size_t size);
void parcel_put_text(struct buffer *b, enum parcel_tag tag, const char *text); /* NULL: nothing */
void parcel_put_number(struct buffer *b, enum parcel_tag tag, int64_t number);

struct parcel {
    const uint8_t *at, *end;
};

struct parcel_field {
    uint32_t tag;
    uint32_t size;
    const char *data; /* not terminated */
};

/* The next field. False at the end; a parcel that is cut short ends there. */
bool parcel_next(struct parcel *p, struct parcel_field *ret);
/* 0 for what is no number. */
int64_t parcel_number(const struct parcel_field *field);
/* The first field of that tag, or NULL data and size 0. */
struct parcel_field parcel_find(const void *data, size_t size, enum parcel_tag tag);

#endif
