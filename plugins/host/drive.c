#include "plugins/host/drive.h"

#include "core/base/instant.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static json_t *resolve(const char *folder, const json_t *value)
{
    char path[PATH_MAX];
    const char *text = json_string_value(value);
    int n = text && text[0] != '/' ? snprintf(path, sizeof(path), "%s/%s", folder, text) : -1;
    return n > 0 && (size_t)n < sizeof(path) ? json_string(path) : json_incref((json_t *)value);
}

void drive_resolve(const json_t *description, json_t *options, const char *folder)
{
    size_t i, j;
    json_t *option, *value;
    const char *key;
    void *safe;
    json_array_foreach(json_object_get(description, "options"), i, option)
    {
        const char *name = json_string_value(json_object_get(option, "name"));
        const char *type = json_string_value(json_object_get(option, "type"));
        json_t *given = json_object_get(options, name);
        if (!given || !type || (strcmp(type, "path") != 0 && strcmp(type, "secret") != 0))
            continue;
        if (json_is_string(given))
            (void)json_object_set_new(options, name, resolve(folder, given));
        json_array_foreach(given, j, value)
        {
            (void)json_array_set_new(given, j, resolve(folder, value));
        }
        json_object_foreach_safe(given, safe, key, value)
        {
            (void)json_object_set_new(given, key, resolve(folder, value));
        }
    }
}

int drive_create(struct drive *d, const struct instance *instance, struct tape *tape, instance_log log,
                 void *log_ctx, struct error *err)
{
    *d = (struct drive){.child = {.channel = -1}, .tape = tape, .log = log, .log_ctx = log_ctx};
    int r = instance_create(instance, &d->child, NULL, &d->options, log, log_ctx, err);
    if (r == 0)
        r = service_new(&d->options, tape, &d->service, err);
    if (r < 0)
        drive_free(d);
    return r;
}

void drive_free(struct drive *d)
{
    child_kill(&d->child);
    service_free(d->service);
    options_fini(&d->options);
    d->service = NULL;
}

static int await(struct drive *d, struct child_reply *ret)
{
    for (;;) {
        enum child_event event;
        struct child_log line;
        struct child_ask ask;
        int r = child_read(&d->child, &event, ret, &line, &ask);
        int64_t now = instant_monotonic_ms();
        if (r < 0 || event == CHILD_REPLY)
            return r;
        if (event == CHILD_LOG)
            d->log(d->log_ctx, &line);
        if (event == CHILD_ASK)
            service_take(d->service, &ask, now);
        r = service_work(d->service, &d->child, now);
        if (r < 0)
            return r;
        if (now >= child_limit_ms(&d->child))
            return -ETIMEDOUT;
        if (event != CHILD_NOTHING)
            continue;
        int64_t next = child_limit_ms(&d->child);
        if (service_next_ms(d->service) < next)
            next = service_next_ms(d->service);
        struct pollfd fd = {.fd = d->child.channel, .events = POLLIN};
        int64_t left = next > now ? next - now : 0;
        service_wait(d->service, &fd, 1, left > 1000 ? 1000 : (int)left);
    }
}

int drive_call(struct drive *d, enum pipe_kind kind, const void *payload, size_t size, uint32_t limit_ms,
               struct child_reply *ret)
{
    if (d->child.pid == 0)
        return -EPIPE;
    int r = child_call(&d->child, kind, payload, size, limit_ms);
    return r < 0 ? r : await(d, ret);
}

int drive_start(struct drive *d, const void *cursor, size_t size, struct child_reply *ret)
{
    return drive_call(d, PIPE_START, cursor, size, LIMIT_START_MS, ret);
}

int drive_poll(struct drive *d, uint32_t soft_bytes, uint32_t timeout_ms, struct child_reply *ret)
{
    struct pipe_poll poll = {.soft_bytes = soft_bytes, .timeout_ms = timeout_ms};
    int r = drive_call(d, PIPE_POLL, &poll, sizeof(poll), timeout_ms + LIMIT_POLL_MS, ret);
    /* Nobody commits here: what was taken is as good as committed. */
    if (r == 0 && ret->fixed.result >= TENDON_OK && ret->fixed.result <= TENDON_END)
        service_taken(d->service, 0);
    else if (d->service)
        service_failed(d->service);
    return r;
}

int drive_end(struct drive *d)
{
    struct child_reply reply;
    int r = drive_call(d, PIPE_STOP, NULL, 0, LIMIT_STOP_MS, &reply);
    if (r == 0)
        r = drive_call(d, PIPE_DESTROY, NULL, 0, LIMIT_DESTROY_MS, &reply);
    drive_free(d);
    return r;
}
