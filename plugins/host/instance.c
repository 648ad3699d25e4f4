#include "plugins/host/instance.h"

#include "core/supervise/channel.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_BYTES (1024ll * 1024 * 1024)

int instance_read(int fd, struct instance *ret, struct error *err)
{
    char *text = malloc(CHANNEL_CONFIG_BYTES);
    size_t n = 0;
    ssize_t got = text ? 1 : -1;
    while (got > 0 && n < CHANNEL_CONFIG_BYTES) {
        got = read(fd, text + n, CHANNEL_CONFIG_BYTES - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            n += (size_t)got;
    }
    json_error_t why;
    json_t *document =
        got < 0 || n == CHANNEL_CONFIG_BYTES ? NULL : json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
    free(text);
    *ret = (struct instance){.document = document};
    const char *path = NULL, *source = NULL, *connect = NULL;
    if (document && json_unpack(document, "{s:s,s:s,s:s,s?o,s?I,s?I,s?I}", "plugin", &path, "source", &source,
                                "connect", &connect, "options", &ret->options, "user", &ret->user, "group",
                                &ret->group, "memory_bytes", &ret->memory_bytes) == 0) {
        ret->path = path;
        ret->source = source;
        ret->connect = connect;
        return 0;
    }
    instance_fini(ret);
    return error_set(err, -EINVAL, "bad_configuration",
                     "the document on descriptor %d is no configuration of a plugin host", fd);
}

void instance_fini(struct instance *in)
{
    json_decref(in->document);
    *in = (struct instance){0};
}

int instance_died(struct child *c, const char *call, int r, struct error *err)
{
    char end[128];
    if (r == -ETIMEDOUT || r == -EPROTO) {
        child_kill(c);
        return error_set(err, -ECHILD, r == -EPROTO ? "bad_plugin" : "plugin_hung",
                         r == -EPROTO
                             ? "the plugin's process sent something that is no answer, in %s; it was killed"
                             : "the plugin did not return from %s within its limit; it was killed",
                         call);
    }
    /* It has closed its end: give it the time that a core handler takes. */
    child_describe_end(child_finish(c, 1000), end, sizeof(end));
    return error_set(err, -ECHILD, "plugin_died", "the plugin's process %s, in %s", end, call);
}

static int send_json(struct child *c, enum pipe_kind kind, const json_t *document, uint32_t limit_ms)
{
    char *text = json_dumps(document, JSON_COMPACT);
    size_t n = text ? strlen(text) : 0;
    int r = !text ? -ENOMEM : n > PIPE_TEXT_BYTES ? -EMSGSIZE : child_call(c, kind, text, n, limit_ms);
    free(text);
    return r;
}

/* Starts the process with what it may read, and loads the plugin. */
static int start_and_load(const struct instance *in, const json_t *paths, struct child *c,
                          struct child_reply *reply, instance_log log, void *ctx, struct error *err)
{
    char folder[PATH_MAX];
    if (in->path[0] != '/' || strlen(in->path) >= sizeof(folder))
        return error_set(err, -EINVAL, "bad_plugin", "the path of the plugin is not absolute");
    (void)strcpy(folder, in->path);
    json_t *setup = json_pack("{s:[s],s:I,s:I,s:I}", "paths", dirname(folder), "user", in->user, "group",
                              in->group, "memory_bytes", in->memory_bytes ? in->memory_bytes : MEMORY_BYTES);
    json_array_extend(json_object_get(setup, "paths"), (json_t *)paths);
    int r = child_start(c, in->keep_stderr, err);
    if (r < 0) {
        json_decref(setup);
        child_kill(c);
        return r;
    }
    r = send_json(c, PIPE_SETUP, setup, LIMIT_LOAD_MS);
    json_decref(setup);
    if (r == 0)
        r = child_wait(c, reply, log, ctx);
    if (r < 0)
        return instance_died(c, "setting up its sandbox", r, err);
    if (reply->fixed.result != TENDON_OK) {
        error_set(err, -ECHILD, "sandbox", "the sandbox of the plugin cannot be set up: %s",
                  reply->fixed.err);
        child_kill(c);
        return -ECHILD;
    }
    c->has_landlock = strcmp(reply->fixed.err, "landlock") == 0;
    r = child_call(c, PIPE_LOAD, in->path, strlen(in->path) + 1, LIMIT_LOAD_MS);
    if (r == 0)
        r = child_wait(c, reply, log, ctx);
    if (r < 0)
        return instance_died(c, "loading", r, err);
    if (reply->fixed.result != TENDON_OK) {
        error_set(err, -EINVAL, "bad_plugin", "%s", reply->fixed.err);
        child_kill(c);
        return -EINVAL;
    }
    return 0;
}

/* Before it runs no line of a plugin's is for anybody. */
static void drop_line(void *ctx, const struct child_log *line)
{
    (void)ctx;
    (void)line;
}

int instance_describe(const struct instance *in, json_t **ret, struct error *err)
{
    struct child c;
    struct child_reply reply;
    json_t *nothing = json_array();
    int r = start_and_load(in, nothing, &c, &reply, drop_line, NULL, err);
    json_decref(nothing);
    if (r < 0)
        return r;
    *ret = json_loadb((const char *)reply.data, reply.fixed.data_bytes, JSON_REJECT_DUPLICATES, NULL);
    child_kill(&c);
    if (!json_is_array(json_object_get(*ret, "options"))) {
        json_decref(*ret);
        *ret = NULL;
        return error_set(err, -EINVAL, "bad_plugin", "the plugin's process gave a description that is none");
    }
    return 0;
}

static int create(struct child *c, const struct options *options, instance_log log, void *ctx,
                  struct error *err)
{
    struct child_reply reply;
    int r = send_json(c, PIPE_CREATE, options->config, LIMIT_CREATE_MS);
    if (r == -EMSGSIZE) {
        child_kill(c);
        return error_set(err, -EINVAL, "bad_option", "the options are larger than 256 KiB");
    }
    if (r == 0)
        r = child_wait(c, &reply, log, ctx);
    if (r < 0)
        return instance_died(c, "create", r, err);
    if (reply.fixed.result == TENDON_OK)
        return 0;
    error_set(err, -EINVAL, "bad_option", "%s",
              *reply.fixed.err ? reply.fixed.err
                               : "the plugin refuses its configuration and does not say why");
    if (child_call(c, PIPE_DESTROY, NULL, 0, LIMIT_DESTROY_MS) == 0)
        (void)child_wait(c, &reply, log, ctx);
    child_kill(c);
    return -EINVAL;
}

int instance_create(const struct instance *in, struct child *ret, json_t **ret_description, instance_log log,
                    void *ctx, struct error *err)
{
    json_t *description;
    struct options options;
    struct child_reply reply;
    int r = instance_describe(in, &description, err);
    if (r < 0)
        return r;
    r = options_check(description, in->options, &options, err);
    if (r == 0) {
        r = start_and_load(in, options.paths, ret, &reply, log, ctx, err);
        if (r == 0)
            r = create(ret, &options, log, ctx, err);
        options_fini(&options);
    }
    if (r == 0 && ret_description)
        *ret_description = json_incref(description);
    json_decref(description);
    return r;
}
