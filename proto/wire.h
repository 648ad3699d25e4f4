/* The wire protocol, version 1 (tendon-protocol(7)): names, limits and the envelope.
 *
 * DEALER (client) to ROUTER (tendond), exactly one payload frame a message: a msgpack array
 *
 *     [version: uint, kind: str, request: uint, body: map]
 *
 * `request` is the client's own number, echoed in every answer to it.
 *
 * client → tendond
 *
 *     HELLO   {source: str, software: str, session: uint}
 *     BATCH   {seq: uint, events: [map], cursor: bin (optional)}
 *     FORWARD {seq: uint, parcel: bin, cursor: bin}           a site's collector: tendon-forward(5)
 *     QUERY   {tenant: str (optional), metrics: [str], …}     as core's query_run takes it
 *     CALL    {method: str, params: map}                      administrative requests
 *     MORE    {part: uint}                                    the next part of the RESULT of the same request
 *
 * tendond → client
 *
 *     WELCOME {last_seq: uint, cursor: bin, types: {TYPE: [FIELD]},
 *              limits: {batch_bytes, events, cursor_bytes}, credit: uint}
 *     ACK     {seq: uint, accepted: uint, duplicates: uint, rejected: [[index: uint, code: str]],
 *              credit: uint}
 *             or, for a seq at or below last_seq,
 *             {seq: uint, repeat: true, last_seq: uint, cursor: bin, credit: uint}
 *     NACK    {seq: uint, code: str, message: str, retry_ms: uint (optional), final: bool, last_seq: uint,
 *              credit: uint}                                  seq and last_seq are 0 where they are not known
 *     RESULT  {part: uint, last: bool, data: bin}             all parts' data together: one msgpack value
 *     ERROR   {code: str, message: str, hint: str}
 *
 * `credit` is how many bytes of BATCH messages may be under way: sent and not answered yet. */
#ifndef TENDON_PROTO_WIRE_H
#define TENDON_PROTO_WIRE_H

#include "proto/msgpack.h"

#include <msgpack.h>

#define WIRE_VERSION            1
#define WIRE_BATCH_BYTES        (256 * 1024)      /* a BATCH message, at most */
#define WIRE_REQUEST_BYTES      (8 * 1024 * 1024) /* a CALL (imports), at most; only on control.sock */
#define WIRE_PART_BYTES         (256 * 1024)      /* the data of one RESULT */
#define WIRE_BATCH_EVENTS       16384             /* of one BATCH, at most */
#define WIRE_CURSOR_BYTES       4096
#define WIRE_CREDIT_START       (32 * 1024)
#define WIRE_SOFTWARE_BYTES     64
#define WIRE_ZAP_DOMAIN         "tendon"
#define WIRE_ZAP_DOMAIN_CONTROL "tendon-control"

#define WIRE_KINDS(X)                                                                                        \
    X(HELLO) X(BATCH) X(QUERY) X(CALL) X(MORE) X(FORWARD) X(WELCOME) X(ACK) X(NACK) X(RESULT) X(ERROR)

enum wire_kind {
#define X(name) WIRE_##name,
    WIRE_KINDS(X)
#undef X
        WIRE_N_KINDS
};

const char *wire_kind_name(enum wire_kind kind);

/* The NACK codes. X(NAME, code, sentence) */
#define WIRE_NACKS(X)                                                                                        \
    X(MALFORMED, "malformed",                                                                                \
      "the message is not valid msgpack of this protocol; resending it will not help")                       \
    X(TOO_LARGE, "too_large", "the batch is over 256 KiB or 16,384 events; send smaller ones")               \
    X(HELLO_REQUIRED, "hello_required", "send HELLO before a batch")                                         \
    X(SUPERSEDED, "superseded", "another session took the source over; stop sending")                        \
    X(OUT_OF_ORDER, "out_of_order", "resend in order from last_seq + 1")                                     \
    X(OVER_CREDIT, "over_credit", "more bytes under way than the credit allows; wait for an ACK")            \
    X(NOT_GRANTED, "not_granted", "this connection may not do that")                                         \
    X(UNKNOWN_SOURCE, "unknown_source", "the source is not the one this connection was granted")             \
    X(DISK_FULL, "disk_full", "the collector has no room; the batch is safe to send again later")            \
    X(STORE_FAILED, "store_failed", "the collector could not commit; the batch is safe to send again")       \
    X(VERSION, "version", "the collector does not speak this protocol version")                              \
    X(CURSOR_TOO_LONG, "cursor_too_long", "a cursor is over 4 KiB")                                          \
    X(STOPPING, "stopping", "the collector is stopping; send again after it is back")                        \
    X(TOO_MANY_SOURCES, "too_many_sources",                                                                  \
      "the tenant may have no more sources, or the collector no more sessions")                              \
    X(OVER_RATE, "over_rate",                                                                                \
      "the tenant sends more events than it may; the batch is safe to send again later")                     \
    X(TOO_MANY_CONNECTIONS, "too_many_connections", "the tenant may have no more connections")               \
    X(REFUSED, "refused", "what was forwarded is not taken here; nothing behind it is either")

enum wire_nack {
#define X(name, code, sentence) WIRE_NACK_##name,
    WIRE_NACKS(X)
#undef X
        WIRE_N_NACKS
};
const char *wire_nack_code(enum wire_nack nack);
const char *wire_nack_sentence(enum wire_nack nack);

struct wire_envelope {
    uint64_t version;
    enum wire_kind kind;
    uint64_t request;
    struct mp_reader body; /* stands at the body map */
};

/* Reads the envelope of one payload frame. 0; -EBADMSG when it is none; -EPROTONOSUPPORT for another version
 * (the envelope's version and request are set where they could be read). */
int wire_envelope_read(const void *data, size_t size, struct wire_envelope *ret);
/* Begins a message: the array header, version, kind and request; the caller packs the body map next. */
int wire_envelope_write(msgpack_packer *packer, enum wire_kind kind, uint64_t request);

#endif
