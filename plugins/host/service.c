#include "plugins/host/service.h"

#include "core/base/instant.h"
#include "plugins/host/http/fetch.h"
#include "plugins/host/http/response.h"
#include "plugins/host/parcel.h"
#include "plugins/host/pipe.h"
#include "plugins/host/push/server.h"

#include <stdlib.h>
#include <string.h>

#define FDS_MAX 7

struct service {
    struct fetch *fetch;
    struct push_server *push;
    struct buffer refusal; /* an answer that waits to be given; size 0: none */
};

int service_new(const struct options *options, struct tape *tape, struct service **ret, struct error *err)
{
    struct service *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the host's services");
    buffer_init(&s->refusal, 4096);
    int r = fetch_new(options, tape, &s->fetch, err);
    if (r == 0)
        r = push_server_new(options, tape, &s->push, err);
    if (r < 0) {
        service_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void service_free(struct service *s)
{
    if (!s)
        return;
    fetch_free(s->fetch);
    push_server_free(s->push);
    buffer_fini(&s->refusal);
    free(s);
}

void service_take(struct service *s, const struct child_ask *ask, int64_t now_ms)
{
    struct parcel_field service = parcel_find(ask->data, ask->size, PARCEL_SERVICE);
    switch (parcel_number(&service)) {
    case PARCEL_HTTP:
        fetch_begin(s->fetch, ask->data, ask->size, now_ms);
        break;
    case PARCEL_PUSH_NEXT:
        push_server_next(s->push, ask->data, ask->size, now_ms);
        break;
    case PARCEL_PUSH_REFUSE:
        push_server_refuse(s->push, ask->data, ask->size);
        break;
    default:
        response_fail(&s->refusal, TENDON_E_CONFIG, "the host has no such service");
    }
}

int service_work(struct service *s, struct child *c, int64_t now_ms)
{
    const struct buffer *answer;
    int r = 0;
    if (s->refusal.size) {
        r = child_answer(c, s->refusal.data, s->refusal.size);
        buffer_clear(&s->refusal);
    }
    if (r == 0 && fetch_work(s->fetch, now_ms, &answer))
        r = child_answer(c, answer->data, answer->size);
    if (r == 0 && push_server_work(s->push, now_ms, &answer))
        r = child_answer(c, answer->data, answer->size);
    return r;
}

void service_taken(struct service *s, uint64_t n_batch)
{
    push_server_taken(s->push, n_batch);
}

void service_failed(struct service *s)
{
    push_server_failed(s->push);
}

void service_committed(struct service *s, uint64_t n_batches)
{
    push_server_committed(s->push, n_batches);
}

void service_cancel(struct service *s)
{
    fetch_cancel(s->fetch);
    push_server_cancel(s->push);
}

int64_t service_next_ms(const struct service *s)
{
    int64_t fetch = fetch_next_ms(s->fetch), push = push_server_next_ms(s->push, instant_monotonic_ms());
    return s->refusal.size ? 0 : fetch < push ? fetch : push;
}

void service_wait(struct service *s, struct pollfd *fds, unsigned n, int timeout_ms)
{
    struct pollfd all[FDS_MAX + 1];
    unsigned n_all = n < FDS_MAX ? n : FDS_MAX;
    memcpy(all, fds, n_all * sizeof(*all));
    all[n_all] = (struct pollfd){.fd = push_server_fd(s->push), .events = POLLIN};
    fetch_wait(s->fetch, all, n_all + 1, timeout_ms);
    memcpy(fds, all, n_all * sizeof(*all));
}
