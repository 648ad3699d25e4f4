#include "core/store/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* On disk under the source's name: struct store_source, then the sealed cursor; the rejects have an entry of
 * their own, as they change less often: n_rejects u32, unused u32, the ring. */

static int load_one(const struct walk *walk, struct txn *t, struct source **ret)
{
    if (walk->value.mv_size < sizeof(struct store_source) || walk->key.mv_size > STORE_NAME_BYTES)
        return -EBADMSG;
    struct source *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    memcpy(&s->record, walk->value.mv_data, sizeof(s->record));
    s->sealed_size = (uint32_t)(walk->value.mv_size - sizeof(s->record));
    s->record.name[STORE_NAME_BYTES] = s->record.namespace[STORE_NAME_BYTES] = '\0';
    if (s->sealed_size > sizeof(s->sealed)) {
        free(s);
        return -EBADMSG;
    }
    memcpy(s->sealed, (const uint8_t *)walk->value.mv_data + sizeof(s->record), s->sealed_size);
    MDB_val rejects;
    if (txn_get(t, DB_REJECTS, walk->key.mv_data, walk->key.mv_size, &rejects) &&
        rejects.mv_size == 8 + sizeof(s->rejects)) {
        memcpy(&s->n_rejects, rejects.mv_data, 4);
        memcpy(s->rejects, (const uint8_t *)rejects.mv_data + 8, sizeof(s->rejects));
    }
    *ret = s;
    return 0;
}

int sources_load(struct txn *t, struct source ***ret, size_t *ret_n, struct error *err)
{
    struct source **sources = NULL;
    size_t n = 0;
    struct walk walk;
    int r = walk_open(&walk, t, DB_SOURCES, NULL, 0);
    while (r == 0 && walk_next(&walk)) {
        struct source **more = realloc(sources, (n + 1) * sizeof(struct source *));
        if (!more) {
            r = -ENOMEM;
            break;
        }
        sources = more;
        r = load_one(&walk, t, &sources[n]);
        if (r == 0)
            n++;
    }
    walk_close(&walk, t);
    if (r == 0 && t->rc)
        r = -EIO;
    if (r < 0) {
        sources_free(sources, n);
        return error_set(err, r, "store_corrupt", "the sources cannot be read: %s", strerror(-r));
    }
    *ret = sources;
    *ret_n = n;
    return 0;
}

void sources_free(struct source **sources, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(sources[i]);
    free(sources);
}

struct source *sources_find(struct source *const *sources, size_t n, const char *name)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = strcmp(sources[middle]->record.name, name);
        if (c == 0)
            return sources[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void source_init(struct source *s, const char *name, const char *namespace)
{
    memset(s, 0, sizeof(*s));
    memcpy(s->record.name, name, strnlen(name, STORE_NAME_BYTES));
    memcpy(s->record.namespace, namespace, strnlen(namespace, STORE_NAME_BYTES));
    s->record.first_at = s->record.last_at = s->record.last_commit = s->record.complete_until = FACT_NULL;
    s->record.generation = 1;
}

void source_put(struct txn *t, const struct source *s, bool with_rejects)
{
    uint8_t value[sizeof(s->record) + SOURCE_SEALED_BYTES];
    size_t name_size = strlen(s->record.name);
    memcpy(value, &s->record, sizeof(s->record));
    memcpy(value + sizeof(s->record), s->sealed, s->sealed_size);
    txn_put(t, DB_SOURCES, s->record.name, name_size, value, sizeof(s->record) + s->sealed_size);
    if (!with_rejects)
        return;
    uint8_t ring[8 + sizeof(s->rejects)] = {0};
    memcpy(ring, &s->n_rejects, 4);
    memcpy(ring + 8, s->rejects, sizeof(s->rejects));
    txn_put(t, DB_REJECTS, s->record.name, name_size, ring, sizeof(ring));
}

size_t source_label(const struct store_source *s, char room[SOURCE_LABEL_BYTES])
{
    int n = s->generation > 1 ? snprintf(room, SOURCE_LABEL_BYTES, "%s %u", s->name, s->generation)
                              : snprintf(room, SOURCE_LABEL_BYTES, "%s", s->name);
    return (size_t)n;
}

void source_add_reject(struct source *s, const struct store_source_reject *reject)
{
    s->rejects[s->n_rejects++ % STORE_REJECTS_KEPT] = *reject;
}
