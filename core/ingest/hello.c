#include "core/ingest/hello.h"

#include "core/ingest/pattern.h"
#include "proto/event.h"

#include <string.h>

static bool key_is(const char *key, uint32_t size, const char *name)
{
    return size == strlen(name) && memcmp(key, name, size) == 0;
}

static bool source_read(struct mp_reader *r, struct hello *ret)
{
    const char *s = NULL;
    uint32_t size = 0;
    if (!mp_read_str(r, &s, &size))
        return false;
    if (size <= STORE_NAME_BYTES && !memchr(s, 0, size))
        memcpy(ret->source, s, size);
    return true;
}

static bool software_read(struct mp_reader *r, struct hello *ret)
{
    const char *s = NULL;
    uint32_t size = 0;
    if (!mp_read_str(r, &s, &size))
        return false;
    if (size <= WIRE_SOFTWARE_BYTES && event_code_check(s, size) == REJECT_NONE &&
        !pattern_is_personal(s, size))
        memcpy(ret->software, s, size);
    return true;
}

bool hello_read(struct mp_reader *r, struct hello *ret)
{
    uint32_t n = 0;
    bool has_source = false, has_session = false;
    *ret = (struct hello){0};
    if (!mp_read_map(r, &n))
        return false;
    for (uint32_t i = 0; i < n && !r->failed; i++) {
        const char *key = NULL;
        uint32_t size = 0;
        if (!mp_read_str(r, &key, &size))
            return false;
        if (key_is(key, size, "source") && !has_source)
            has_source = source_read(r, ret);
        else if (key_is(key, size, "software"))
            (void)software_read(r, ret);
        else if (key_is(key, size, "session"))
            has_session = mp_read_uint(r, &ret->session);
        else
            (void)mp_skip(r); /* a later client may say more */
    }
    return has_source && has_session && !r->failed && r->at == r->end;
}
