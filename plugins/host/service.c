#include "plugins/host/service.h"

#include "plugins/host/http/fetch.h"
#include "plugins/host/http/response.h"
#include "plugins/host/parcel.h"
#include "plugins/host/pipe.h"

#include <stdlib.h>

struct service {
    struct fetch *fetch;
    struct buffer refusal; /* an answer that waits to be given; size 0: none */
};

int service_new(const struct options *options, struct tape *tape, struct service **ret, struct error *err)
{
    struct service *s = calloc(1, sizeof(*s));
    if (!s)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the host's services");
    buffer_init(&s->refusal, 4096);
    int r = fetch_new(options, tape, &s->fetch, err);
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
    return r;
}

void service_cancel(struct service *s)
{
    fetch_cancel(s->fetch);
}

int64_t service_next_ms(const struct service *s)
{
    return s->refusal.size ? 0 : fetch_next_ms(s->fetch);
}

void service_wait(struct service *s, struct pollfd *fds, unsigned n, int timeout_ms)
{
    fetch_wait(s->fetch, fds, n, timeout_ms);
}
