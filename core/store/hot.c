#include "core/store/hot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 256 };

int hot_init(struct hot *h)
{
    *h = (struct hot){.n_slots = SLOTS_FIRST};
    h->slots = calloc(h->n_slots, sizeof(struct subject *));
    return h->slots ? 0 : -ENOMEM;
}

static void subject_free(struct subject *s)
{
    free(s->data);
    free(s->rows);
    free(s);
}

void hot_fini(struct hot *h)
{
    for (size_t i = 0; i < h->n; i++)
        subject_free(h->list[i]);
    free(h->list);
    free(h->slots);
    *h = (struct hot){0};
}

/* Loose events and tickets have hashes of different kinds, yet of one 64-bit space: the kind is part of the
 * key. */
static size_t slot_of(const struct hot *h, uint64_t hash, bool is_loose)
{
    size_t mask = h->n_slots - 1, i = hash & mask;
    while (h->slots[i] && (h->slots[i]->hash != hash || h->slots[i]->is_loose != is_loose))
        i = (i + 1) & mask;
    return i;
}

static int index_rebuild(struct hot *h, size_t n_slots)
{
    struct subject **slots = calloc(n_slots, sizeof(struct subject *));
    if (!slots)
        return -ENOMEM;
    free(h->slots);
    h->slots = slots;
    h->n_slots = n_slots;
    for (size_t i = 0; i < h->n; i++)
        h->slots[slot_of(h, h->list[i]->hash, h->list[i]->is_loose)] = h->list[i];
    return 0;
}

struct subject *hot_find(const struct hot *h, uint64_t hash, bool is_loose)
{
    return h->slots[slot_of(h, hash, is_loose)];
}

struct subject *hot_add(struct hot *h, uint64_t hash, bool is_loose, uint32_t number, uint16_t namespace)
{
    if ((h->n + 1) * 2 > h->n_slots && index_rebuild(h, h->n_slots * 2) < 0)
        return NULL;
    if (h->n == h->capacity) {
        size_t capacity = h->capacity ? h->capacity * 2 : 64;
        struct subject **list = realloc(h->list, capacity * sizeof(struct subject *));
        if (!list)
            return NULL;
        h->list = list;
        h->capacity = capacity;
    }
    struct subject *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->hash = hash;
    s->is_loose = is_loose;
    s->number = number;
    s->namespace = namespace;
    h->list[h->n++] = s;
    h->slots[slot_of(h, hash, is_loose)] = s;
    return s;
}

void hot_remove(struct hot *h, const uint8_t *cooled)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        struct subject *s = h->list[i];
        if (cooled[i]) {
            h->n_events -= s->n_events;
            subject_free(s);
        } else {
            h->list[n++] = s;
        }
    }
    h->n = n;
    size_t n_slots = SLOTS_FIRST;
    while (n_slots < n * 4)
        n_slots *= 2;
    if (index_rebuild(h, n_slots) < 0) {
        /* No memory for another index: empty the one there is, which is large enough, and fill it again. */
        memset(h->slots, 0, h->n_slots * sizeof(struct subject *));
        for (size_t i = 0; i < h->n; i++)
            h->slots[slot_of(h, h->list[i]->hash, h->list[i]->is_loose)] = h->list[i];
    }
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = (*(struct subject *const *)a)->number, y = (*(struct subject *const *)b)->number;
    return x < y ? -1 : x > y;
}

void hot_sort(struct hot *h)
{
    bool sorted = true;
    for (size_t i = 1; i < h->n && sorted; i++)
        sorted = h->list[i - 1]->number < h->list[i]->number;
    if (!sorted)
        qsort(h->list, h->n, sizeof(struct subject *), by_number);
}

int subject_append(struct hot *h, struct subject *s, const struct event *e)
{
    size_t size = event_size(e->n_fields);
    if (size > s->capacity - s->size) {
        size_t capacity = s->capacity ? (size_t)s->capacity * 2 : 256;
        while (capacity < s->size + size)
            capacity *= 2;
        uint8_t *data = realloc(s->data, capacity);
        if (!data)
            return -ENOMEM;
        s->data = data;
        s->capacity = (uint32_t)capacity;
    }
    memcpy(s->data + s->size, e, size);
    s->size += (uint32_t)size;
    s->n_events++;
    h->n_events++;
    return 0;
}

void subject_drop(struct hot *h, struct subject *s, bool (*drops)(const void *context, const struct event *e),
                  const void *context)
{
    uint8_t *to = s->data;
    uint32_t n = 0, n_sealed = 0, i = 0;
    for (const struct event *e = subject_first(s), *next; e; e = next, i++) {
        next = subject_next(s, e);
        if (drops(context, e))
            continue;
        size_t size = event_size(e->n_fields);
        memmove(to, e, size);
        to += size;
        n++;
        n_sealed += i < s->n_sealed;
    }
    h->n_events -= s->n_events - n;
    s->n_events = n;
    s->n_sealed = n_sealed;
    s->size = (uint32_t)(to - s->data);
}
