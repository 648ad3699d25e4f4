#include "core/tenant/plugin_audit.h"

#include <fcntl.h>
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
    size_t n;
    struct loaded at[];
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

static const struct loaded *find(const struct plugin_audit *list, const struct loaded *l)
{
    for (size_t i = 0; list && i < list->n; i++)
        if (strcmp(list->at[i].tenant, l->tenant) == 0 && strcmp(list->at[i].source, l->source) == 0)
            return &list->at[i];
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

int plugin_audit_record(struct plugin_audit **known, struct audit *a,
                        const struct supervise_instance *instances, size_t n, struct error *err)
{
    struct plugin_audit *next = calloc(1, sizeof(*next) + n * sizeof(next->at[0]));
    int r = next ? 0 : error_set(err, -ENOMEM, "no_memory", "out of memory for the plugins");
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct loaded *l = &next->at[next->n++];
        (void)snprintf(l->tenant, sizeof(l->tenant), "%s", instances[i].grant.tenant);
        (void)snprintf(l->source, sizeof(l->source), "%s", instances[i].grant.source);
        (void)snprintf(l->plugin, sizeof(l->plugin), "%s", instances[i].plugin);
        sum_file(instances[i].path, l->sha256);
        const struct loaded *before = find(*known, l);
        if (!before || strcmp(before->plugin, l->plugin) != 0 || strcmp(before->sha256, l->sha256) != 0)
            r = record(a, "plugin.load", l, err);
    }
    for (size_t i = 0; r == 0 && *known && i < (*known)->n; i++)
        if (!find(next, &(*known)->at[i]))
            r = record(a, "plugin.unload", &(*known)->at[i], err);
    if (r < 0) {
        free(next);
        return r;
    }
    free(*known);
    *known = next;
    return 0;
}

void plugin_audit_free(struct plugin_audit *known)
{
    free(known);
}
