#include "tests/bench/send.h"

#include "proto/wire.h"
#include "tests/bench/batches.h"
#include "tests/bench/measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define ANSWER_MS 60000
#define GO_MS     3600000 /* how long the others are waited for */

#define MAX_RETRY_MS 1000
#define MAX_RETRIES  300

struct sender {
    const struct send_options *options;
    void *context, *socket;
    struct batches batches;
    uint64_t credit, under_way; /* bytes */
    uint64_t n_sent, n_acked;
    size_t place;       /* in batches: the next one to be sent */
    uint64_t n_due;     /* answers to come */
    bool is_refused;    /* nothing is sent until they have come, then all from the first that was refused */
    int64_t refused_ms; /* how long to wait then */
    uint32_t n_retries; /* since the last ACK */
    /* of each batch, by its number: when it was sent first, then how long its ACK took; where it is */
    int64_t *times_ns;
    size_t *places;
    uint32_t *sizes;
    uint64_t n_room, n_noted;
};

static bool failed(const struct sender *sender, const char *what)
{
    (void)fprintf(stderr, "bench: %s: %s\n", sender->options->source, what);
    return false;
}

/* --- answers ---------------------------------------------------------------------------------------------
 */

struct answer {
    enum wire_kind kind;
    uint64_t request, last_seq, credit, accepted, seq, retry_ms;
    uint32_t n_rejected;
    char code[64];
};

static bool answer_read(const void *data, size_t size, struct answer *ret)
{
    struct wire_envelope envelope;
    struct mp_reader *body = &envelope.body;
    uint32_t n;

    *ret = (struct answer){0};
    if (wire_envelope_read(data, size, &envelope) < 0 || !mp_read_map(body, &n))
        return false;
    ret->kind = envelope.kind;
    ret->request = envelope.request;
    for (; n > 0 && !body->failed; n--) {
        const char *key, *text;
        uint32_t key_size, text_size;

        if (!mp_read_str(body, &key, &key_size))
            return false;
#define IS(name) (key_size == sizeof(name) - 1 && memcmp(key, name, key_size) == 0)
        if (IS("last_seq")) {
            (void)mp_read_uint(body, &ret->last_seq);
        } else if (IS("credit")) {
            (void)mp_read_uint(body, &ret->credit);
        } else if (IS("accepted")) {
            (void)mp_read_uint(body, &ret->accepted);
        } else if (IS("seq")) {
            (void)mp_read_uint(body, &ret->seq);
        } else if (IS("retry_ms")) {
            (void)mp_read_uint(body, &ret->retry_ms);
        } else if (IS("code") && mp_read_str(body, &text, &text_size)) {
            (void)snprintf(ret->code, sizeof(ret->code), "%.*s", (int)text_size, text);
        } else if (IS("rejected") && mp_read_array(body, &ret->n_rejected)) {
            for (uint32_t i = 0; i < ret->n_rejected; i++)
                (void)mp_skip(body);
        } else {
            (void)mp_skip(body);
        }
#undef IS
    }
    return !body->failed;
}

/* The next answer; false after timeout_ms, or when it is none. */
static bool answer_wait(struct sender *sender, long timeout_ms, struct answer *ret)
{
    zmq_pollitem_t item = {.socket = sender->socket, .events = ZMQ_POLLIN};
    zmq_msg_t message;
    bool ok;

    if (zmq_poll(&item, 1, timeout_ms) <= 0)
        return timeout_ms > 0 && failed(sender, "the collector does not answer");
    zmq_msg_init(&message);
    ok = zmq_msg_recv(&message, sender->socket, 0) >= 0 &&
         answer_read(zmq_msg_data(&message), zmq_msg_size(&message), ret);
    zmq_msg_close(&message);
    return ok || failed(sender, "an answer is not of this protocol");
}

/* --- the session -----------------------------------------------------------------------------------------
 */

static bool say_hello(struct sender *sender)
{
    struct answer answer;
    msgpack_sbuffer message;
    msgpack_packer packer;
    int sent;

    msgpack_sbuffer_init(&message);
    msgpack_packer_init(&packer, &message, msgpack_sbuffer_write);
    (void)wire_envelope_write(&packer, WIRE_HELLO, 0);
    msgpack_pack_map(&packer, 3);
    msgpack_pack_str(&packer, 6);
    msgpack_pack_str_body(&packer, "source", 6);
    msgpack_pack_str(&packer, strlen(sender->options->source));
    msgpack_pack_str_body(&packer, sender->options->source, strlen(sender->options->source));
    msgpack_pack_str(&packer, 8);
    msgpack_pack_str_body(&packer, "software", 8);
    msgpack_pack_str(&packer, 5);
    msgpack_pack_str_body(&packer, "bench", 5);
    msgpack_pack_str(&packer, 7);
    msgpack_pack_str_body(&packer, "session", 7);
    msgpack_pack_uint64(&packer, (uint64_t)measure_now_ns());
    sent = zmq_send(sender->socket, message.data, message.size, 0);
    msgpack_sbuffer_destroy(&message);
    if (sent < 0 || !answer_wait(sender, ANSWER_MS, &answer))
        return failed(sender, "no session");
    if (answer.kind != WIRE_WELCOME)
        return failed(sender, answer.code);
    if (answer.last_seq != 0)
        return failed(sender, "the source has sent before: the load needs a fresh collector");
    sender->credit = answer.credit;
    return true;
}

static bool connect_to(struct sender *sender)
{
    const struct send_options *options = sender->options;
    int linger = 0, hwm = 0;

    sender->context = zmq_ctx_new();
    sender->socket = sender->context ? zmq_socket(sender->context, ZMQ_DEALER) : NULL;
    if (!sender->socket)
        return failed(sender, "no socket");
    (void)zmq_setsockopt(sender->socket, ZMQ_LINGER, &linger, sizeof(linger));
    (void)zmq_setsockopt(sender->socket, ZMQ_SNDHWM, &hwm, sizeof(hwm)); /* the credit is the limit */
    if (options->server_key) {
        (void)zmq_setsockopt(sender->socket, ZMQ_CURVE_SERVERKEY, options->server_key, KEY_Z85 + 1);
        (void)zmq_setsockopt(sender->socket, ZMQ_CURVE_PUBLICKEY, options->key->public_key, KEY_Z85 + 1);
        (void)zmq_setsockopt(sender->socket, ZMQ_CURVE_SECRETKEY, options->key->secret_key, KEY_Z85 + 1);
    }
    if (zmq_connect(sender->socket, options->endpoint) < 0)
        return failed(sender, zmq_strerror(zmq_errno()));
    return true;
}

/* A pool that many sources share may be short of what each was promised: then the batch comes again, and all
 * that were sent after it. */
static bool is_to_be_sent_again(const struct sender *sender, const struct answer *answer)
{
    return answer->kind == WIRE_NACK && (strcmp(answer->code, "over_credit") == 0 ||
                                         (sender->is_refused && strcmp(answer->code, "out_of_order") == 0));
}

static bool take_answer(struct sender *sender, long timeout_ms, struct send_result *result)
{
    struct answer answer;
    uint64_t n = sender->n_acked;

    if (!answer_wait(sender, timeout_ms, &answer))
        return false;
    sender->n_due--;
    if (is_to_be_sent_again(sender, &answer)) {
        sender->is_refused = true;
        if ((int64_t)answer.retry_ms > sender->refused_ms)
            sender->refused_ms = (int64_t)answer.retry_ms;
        result->n_refused++;
        return true;
    }
    if (answer.kind != WIRE_ACK)
        return failed(sender, answer.code[0] ? answer.code : "an answer that is no ACK");
    if (answer.seq != n + 1)
        return failed(sender, "an ACK out of order");
    if (answer.n_rejected > 0)
        return failed(sender, "events were rejected");
    sender->times_ns[n] = measure_now_ns() - sender->times_ns[n];
    sender->under_way -= sender->sizes[n];
    sender->n_acked++;
    sender->n_retries = 0;
    sender->credit = answer.credit;
    result->n_accepted += answer.accepted;
    return true;
}

/* Goes back to the first batch that was refused, once every answer has come. */
static bool go_back(struct sender *sender, struct send_result *result)
{
    while (sender->n_due > 0)
        if (!take_answer(sender, ANSWER_MS, result))
            return false;
    if (++sender->n_retries > MAX_RETRIES)
        return failed(sender, "the collector has no credit to give");
    (void)usleep((useconds_t)(sender->refused_ms < MAX_RETRY_MS ? sender->refused_ms : MAX_RETRY_MS) * 1000);
    sender->is_refused = false;
    sender->refused_ms = 0;
    sender->under_way = 0;
    sender->n_sent = sender->n_acked;
    sender->place = sender->places[sender->n_acked];
    return true;
}

static bool note_room(struct sender *sender)
{
    uint64_t room = sender->n_room ? sender->n_room * 2 : 4096;
    int64_t *times_ns = reallocarray(sender->times_ns, room, sizeof(*times_ns));
    size_t *places;
    uint32_t *sizes;

    if (!times_ns)
        return failed(sender, "no memory");
    sender->times_ns = times_ns;
    places = reallocarray(sender->places, room, sizeof(*places));
    if (!places)
        return failed(sender, "no memory");
    sender->places = places;
    sizes = reallocarray(sender->sizes, room, sizeof(*sizes));
    if (!sizes)
        return failed(sender, "no memory");
    sender->sizes = sizes;
    sender->n_room = room;
    return true;
}

static bool note(struct sender *sender, size_t place, uint32_t size)
{
    if (sender->n_sent == sender->n_noted) { /* else it is sent again */
        if (sender->n_noted == sender->n_room && !note_room(sender))
            return false;
        sender->times_ns[sender->n_sent] = measure_now_ns();
        sender->places[sender->n_sent] = place;
        sender->sizes[sender->n_sent] = size;
        sender->n_noted++;
    }
    sender->n_sent++;
    sender->n_due++;
    sender->under_way += size;
    return true;
}

static void not_ours(void *data, void *hint)
{
    (void)data;
    (void)hint; /* the mapping outlives the socket */
}

static bool send_one(struct sender *sender, size_t place, const struct batch *batch)
{
    zmq_msg_t message;

    if (!note(sender, place, batch->size))
        return false;
    if (zmq_msg_init_data(&message, (void *)(uintptr_t)batch->message, batch->size, not_ours, NULL) < 0 ||
        zmq_msg_send(&message, sender->socket, 0) < 0)
        return failed(sender, zmq_strerror(zmq_errno()));
    return true;
}

/* Waits until a batch of that size may go, or until one is refused. */
static bool wait_for_credit(struct sender *sender, uint32_t size, struct send_result *result)
{
    while (sender->under_way > 0 && !sender->is_refused &&
           (sender->options->lockstep || sender->under_way + size > sender->credit))
        if (!take_answer(sender, ANSWER_MS, result))
            return false;
    return sender->is_refused || size <= sender->credit ||
           failed(sender, "a batch is larger than the credit: prepare smaller ones");
}

static bool send_batches(struct sender *sender, struct send_result *result)
{
    result->first_ns = measure_now_ns();
    for (;;) {
        size_t place = sender->place;
        struct batch batch;

        if (!batches_next(&sender->batches, &sender->place, &batch)) {
            while (sender->n_due > 0 && !sender->is_refused)
                if (!take_answer(sender, ANSWER_MS, result))
                    return false;
            if (!sender->is_refused)
                break;
        } else if (!wait_for_credit(sender, batch.size, result)) {
            return false;
        }
        if (sender->is_refused) {
            if (!go_back(sender, result))
                return false;
            continue;
        }
        if (sender->options->pause_us > 0)
            (void)usleep(sender->options->pause_us);
        if (sender->n_sent == sender->n_noted) /* not one of those that come again */
            result->n_events += batch.n_events;
        if (!send_one(sender, place, &batch))
            return false;
    }
    result->last_ns = measure_now_ns();
    result->n_batches = sender->n_sent;
    return true;
}

static bool wait_for_go(const char *folder)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/go", folder);
    for (int i = 0; i < GO_MS; i++) {
        if (access(path, F_OK) == 0)
            return true;
        (void)usleep(1000);
    }
    return false;
}

bool send_all(const struct send_options *options, struct send_result *ret)
{
    struct sender sender = {.options = options};
    char ready[4096];
    FILE *file;
    bool ok;

    *ret = (struct send_result){0};
    ok = batches_open(options->folder, options->index, &sender.batches) && connect_to(&sender) &&
         say_hello(&sender);
    if (ok) {
        (void)snprintf(ready, sizeof(ready), "%s/ready-%u", options->folder, options->index);
        file = fopen(ready, "we");
        ok = file && fclose(file) == 0 && wait_for_go(options->folder) && send_batches(&sender, ret);
    }
    if (ok) {
        measure_sort(sender.times_ns, sender.n_sent);
        for (uint32_t i = 0; i < 100; i++)
            ret->ack_ms[i] = measure_percentile_ms(sender.times_ns, sender.n_sent, i + 1);
    }
    if (sender.socket)
        zmq_close(sender.socket);
    if (sender.context)
        zmq_ctx_term(sender.context);
    batches_close(&sender.batches);
    free(sender.times_ns);
    free(sender.places);
    free(sender.sizes);
    return ok;
}
