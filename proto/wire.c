#include "proto/wire.h"

#include <errno.h>
#include <string.h>

static const char *const KINDS[WIRE_N_KINDS] = {
#define X(name) #name,
    WIRE_KINDS(X)
#undef X
};

static const struct {
    const char *code, *sentence;
} NACKS[WIRE_N_NACKS] = {
#define X(name, text, why) [WIRE_NACK_##name] = {text, why},
    WIRE_NACKS(X)
#undef X
};

const char *wire_kind_name(enum wire_kind kind)
{
    return (unsigned)kind < WIRE_N_KINDS ? KINDS[kind] : "UNKNOWN";
}

const char *wire_nack_code(enum wire_nack nack)
{
    return (unsigned)nack < WIRE_N_NACKS ? NACKS[nack].code : "unknown";
}

const char *wire_nack_sentence(enum wire_nack nack)
{
    return (unsigned)nack < WIRE_N_NACKS ? NACKS[nack].sentence : "a code that this build does not know";
}

static int kind_find(const char *name, size_t size)
{
    for (int i = 0; i < WIRE_N_KINDS; i++)
        if (strlen(KINDS[i]) == size && memcmp(KINDS[i], name, size) == 0)
            return i;
    return -1;
}

int wire_envelope_read(const void *data, size_t size, struct wire_envelope *ret)
{
    struct mp_reader r;
    uint32_t n = 0, kind_size = 0;
    const char *kind_name = NULL;
    *ret = (struct wire_envelope){0};
    mp_reader_init(&r, data, size);
    if (!mp_read_array(&r, &n) || n < 1 || !mp_read_uint(&r, &ret->version))
        return -EBADMSG;
    /* Another version may put anything behind its number; only the request is worth a try, so that the
     * answer finds who asked. */
    if (ret->version != WIRE_VERSION) {
        struct mp_reader rest = r;
        if (n >= 3 && mp_skip(&rest))
            (void)mp_read_uint(&rest, &ret->request);
        return -EPROTONOSUPPORT;
    }
    if (n != 4 || !mp_read_str(&r, &kind_name, &kind_size) || !mp_read_uint(&r, &ret->request))
        return -EBADMSG;
    int kind = kind_find(kind_name, kind_size);
    if (kind < 0 || mp_peek(&r) != MP_MAP)
        return -EBADMSG;
    ret->kind = (enum wire_kind)kind;
    ret->body = r;
    return 0;
}

int wire_envelope_write(msgpack_packer *packer, enum wire_kind kind, uint64_t request)
{
    const char *name = wire_kind_name(kind);
    size_t size = strlen(name);
    int rc = msgpack_pack_array(packer, 4);
    if (rc == 0)
        rc = msgpack_pack_uint8(packer, WIRE_VERSION);
    if (rc == 0)
        rc = msgpack_pack_str(packer, size);
    if (rc == 0)
        rc = msgpack_pack_str_body(packer, name, size);
    if (rc == 0)
        rc = msgpack_pack_uint64(packer, request);
    return rc == 0 ? 0 : -ENOMEM;
}
