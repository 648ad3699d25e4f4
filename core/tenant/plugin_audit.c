#include "core/tenant/plugin_audit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (256ll << 20) /* of a plugin; of a longer file only the beginning is in the sum */

struct loaded {
    char tenant[STORE_NAME_BYTES + 1], source[STORE_NAME_BYTES + 1], plugin[STORE_NAME_BYTES + 1];
    char sha256[2 * crypto_hash_sha256_BYTES + 1]; /* empty: the file could not be read */
};

struct plugin_audit {
    struct audit *audit;
    pthread_mutex_t lock; /* of what follows */
    size_t n;
    struct loaded *at;
};

/* The sum of the file; none when it cannot be read, which the supervisor says in its place. */
static void sum_file(const char *path, char ret[2 * crypto_hash_sha256_BYTES + 1])
{
    uint8_t sum[crypto_hash_sha256_BYTES];
    char room[65536];
    crypto_hash_sha256_state state;
    int64_t left = FILE_BYTES_MAX;
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ret[0] = '\0';
    (void)crypto_hash_sha256_init(&state);
    while (fd >= 0 && left > 0 && (n = read(fd, room, sizeof(room))) > 0) {
        (void)crypto_hash_sha256_update(&state, (const uint8_t *)room, (size_t)n);
        left -= n;
    }
    if (fd >= 0)
        (void)close(fd);
    (void)crypto_hash_sha256_final(&state, sum);
    if (fd >= 0 && n >= 0)
        (void)sodium_bin2hex(ret, 2 * crypto_hash_sha256_BYTES + 1, sum, sizeof(sum));
}

static struct loaded *find(struct loaded *at, size_t n, const struct loaded *l)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(at[i].tenant, l->tenant) == 0 && strcmp(at[i].source, l->source) == 0)
            return &at[i];
    return NULL;
}

static int record(struct audit *a, const char *act, const struct loaded *l, struct error *err)
{
    return audit_act(
        a, "tendond", act, l->tenant,
        json_pack("{s:s, s:s, s:s}", "source", l->source, "plugin", l->plugin, "sha256", l->sha256), NULL,
        err);
}

json_t *plugin_audit_json(const struct supervise_instance *instance)
{
    char sha256[2 * crypto_hash_sha256_BYTES + 1];
    sum_file(instance->path, sha256);
    return json_pack("{s:s, s:s, s:s}", "source", instance->grant.source, "plugin", instance->plugin,
                     "sha256", sha256);
}

static void load(struct loaded *l, const char *tenant, const char *source, const char *plugin,
                 const char *path)
{
    (void)snprintf(l->tenant, sizeof(l->tenant), "%s", tenant);
    (void)snprintf(l->source, sizeof(l->source), "%s", source);
    (void)snprintf(l->plugin, sizeof(l->plugin), "%s", plugin);
    sum_file(path, l->sha256);
}

int plugin_audit_new(struct audit *audit, struct plugin_audit **ret)
{
    struct plugin_audit *p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->audit = audit;
    (void)pthread_mutex_init(&p->lock, NULL);
    *ret = p;
    return 0;
}

void plugin_audit_free(struct plugin_audit *p)
{
    if (!p)
        return;
    (void)pthread_mutex_destroy(&p->lock);
    free(p->at);
    free(p);
}

/* What differs between next and what is there. */
static int record_changes(const struct plugin_audit *p, struct loaded *next, size_t n, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct loaded *before = find(p->at, p->n, &next[i]);
        if (!before || strcmp(before->plugin, next[i].plugin) != 0 ||
            strcmp(before->sha256, next[i].sha256) != 0)
            r = record(p->audit, "plugin.load", &next[i], err);
    }
    for (size_t i = 0; r == 0 && i < p->n; i++)
        if (!find(next, n, &p->at[i]))
            r = record(p->audit, "plugin.unload", &p->at[i], err);
    return r;
}

int plugin_audit_record(struct plugin_audit *p, const struct supervise_instance *instances, size_t n,
                        struct error *err)
{
    struct loaded *next = calloc(n + 1, sizeof(*next));
    if (!next)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the plugins");
    for (size_t i = 0; i < n; i++)
        load(&next[i], instances[i].grant.tenant, instances[i].grant.source, instances[i].plugin,
             instances[i].path);
    (void)pthread_mutex_lock(&p->lock);
    int r = record_changes(p, next, n, err);
    if (r == 0) {
        struct loaded *before = p->at;
        p->at = next;
        p->n = n;
        next = before;
    }
    (void)pthread_mutex_unlock(&p->lock);
    free(next);
    return r;
}

int plugin_audit_again(struct plugin_audit *p, const char *tenant, const char *source, const char *plugin,
                       const char *path, struct error *err)
{
    struct loaded l = {0};
    load(&l, tenant, source, plugin, path);
    (void)pthread_mutex_lock(&p->lock);
    int r = record(p->audit, "plugin.load", &l, err);
    struct loaded *known = r == 0 ? find(p->at, p->n, &l) : NULL;
    if (known)
        *known = l;
    (void)pthread_mutex_unlock(&p->lock);
    return r;
}
