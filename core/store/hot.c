#include "core/store/hot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Slabs of a store with many tickets are whole huge pages: looking for where a ticket's page is took a good
 * part of looking at a ticket. */
enum { SLOTS_FIRST = 256, SLAB_BYTES = 256 * 1024, N_SMALL_SLABS = 8, HUGE_BYTES = 2 << 20 };

struct hot_slab {
    struct hot_slab *next; /* what is given away begins a line behind it */
};

int hot_init(struct hot *h)
{
    *h = (struct hot){.n_slots = SLOTS_FIRST};
    h->slots = calloc(h->n_slots, sizeof(*h->slots));
    return h->slots ? 0 : -ENOMEM;
}

/* --- memory
 * ------------------------------------------------------------------------------------------------------- */

/* Whole lines; size is a multiple of one and far below SLAB_BYTES. */
static void *slab_take(struct hot *h, size_t size)
{
    if (!h->at || (size_t)(h->end - h->at) < size) {
        const bool is_small = h->n_slabs < N_SMALL_SLABS;
        const size_t room = is_small ? SLAB_BYTES : HUGE_BYTES;
        struct hot_slab *slab = aligned_alloc(is_small ? HOT_LINE_BYTES : room, room);
        if (!slab)
            return NULL;
        if (!is_small)
            (void)madvise(slab, room, MADV_HUGEPAGE);
        slab->next = h->slabs;
        h->slabs = slab;
        h->n_slabs++;
        h->at = (uint8_t *)slab + HOT_LINE_BYTES;
        h->end = (uint8_t *)slab + room;
    }
    void *taken = h->at;
    h->at += size;
    return taken;
}

/* Bytes of a class: whole lines. */
static const uint32_t CLASS_BYTES[HOT_DATA_CLASSES] = {128,  192,  256,  384,  576,   896,   1344,
                                                       2048, 3072, 4608, 6912, 10368, 15552, 23360};
enum { EVENTS_BYTES = 256 }; /* of a subject, at least: few have only one event */

/* Which class has room for so many bytes; HOT_DATA_CLASSES: none. */
static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while (class < HOT_DATA_CLASSES && CLASS_BYTES[class] < size)
        class ++;
    return class;
}

static void data_give(struct hot *h, void *data, size_t capacity)
{
    unsigned class = class_of(capacity);
    if (!data)
        return;
    if (class == HOT_DATA_CLASSES) {
        free(data);
        return;
    }
    /* Beside it, as writing into what nobody will read soon fetches it first. Where there is no memory for
     * that it is lost until the end. */
    struct hot_stack *stack = &h->free_data[class];
    if (stack->n == stack->capacity) {
        size_t more = stack->capacity ? stack->capacity * 2 : 256;
        void **list = realloc(stack->list, more * sizeof(void *));
        if (!list)
            return;
        stack->list = list;
        stack->capacity = more;
    }
    stack->list[stack->n++] = data;
}

struct hot_data {
    void *data;
    size_t capacity;
};

/* The same, for data that may be read elsewhere. */
static int data_hold(struct hot *h, void *data, size_t capacity)
{
    if (h->n_held == h->held_capacity) {
        size_t n = h->held_capacity ? h->held_capacity * 2 : 256;
        struct hot_data *held = realloc(h->held, n * sizeof(*held));
        if (!held)
            return -ENOMEM;
        h->held = held;
        h->held_capacity = n;
    }
    h->held[h->n_held++] = (struct hot_data){data, capacity};
    return 0;
}

void hot_hold(struct hot *h)
{
    h->is_held = true;
}

void hot_release(struct hot *h)
{
    for (size_t i = 0; i < h->n_held; i++)
        data_give(h, h->held[i].data, h->held[i].capacity);
    h->n_held = 0;
    h->is_held = false;
}

/* At least size bytes; NULL: no memory. */
static void *data_take(struct hot *h, size_t size, size_t *ret_capacity)
{
    const unsigned class = class_of(size);
    if (class == HOT_DATA_CLASSES) {
        *ret_capacity = size * 2;
        return malloc(size * 2);
    }
    *ret_capacity = CLASS_BYTES[class];
    if (h->free_data[class].n)
        return h->free_data[class].list[--h->free_data[class].n];
    return slab_take(h, CLASS_BYTES[class]);
}

/* Room for at least size bytes, with what is there now. */
static int data_grow(struct hot *h, struct subject *s, size_t size)
{
    size_t capacity;
    void *data = data_take(h, size < EVENTS_BYTES ? EVENTS_BYTES : size, &capacity);
    if (!data)
        return -ENOMEM;
    if (s->size)
        memcpy(data, s->data, s->size);
    if (!h->is_held || !s->data) {
        data_give(h, s->data, s->capacity);
    } else if (data_hold(h, s->data, s->capacity) < 0) {
        data_give(h, data, capacity);
        return -ENOMEM;
    }
    s->data = data;
    s->capacity = (uint32_t)capacity;
    return 0;
}

static struct subject *subject_make(struct hot *h)
{
    struct subject *s = h->free_subjects;
    if (s)
        h->free_subjects = s->next_free;
    else
        s = slab_take(h, sizeof(*s));
    if (s)
        *s = (struct subject){0};
    return s;
}

static void subject_free(struct hot *h, struct subject *s)
{
    data_give(h, s->data, s->capacity);
    data_give(h, s->rows, s->rows_capacity * sizeof(*s->rows));
    s->next_free = h->free_subjects;
    h->free_subjects = s;
}

void hot_fini(struct hot *h)
{
    hot_release(h);
    free(h->held);
    for (size_t i = 0; i < h->n; i++)
        subject_free(h, h->list[i]);
    while (h->slabs) {
        struct hot_slab *next = h->slabs->next;
        free(h->slabs);
        h->slabs = next;
    }
    for (unsigned i = 0; i < HOT_DATA_CLASSES; i++)
        free(h->free_data[i].list);
    free(h->list);
    free(h->slots);
    *h = (struct hot){0};
}

/* --- index
 * -------------------------------------------------------------------------------------------------------- */

/* Loose events and tickets have hashes of different kinds, yet of one 64-bit space: the kind is part of the
 * key. */
static uint64_t key_of(uint64_t hash, bool is_loose)
{
    return is_loose ? ~hash : hash;
}

static struct hot_slot *slot_of(const struct hot *h, uint64_t key)
{
    size_t mask = h->n_slots - 1, i = key & mask;
    while (h->slots[i].subject && h->slots[i].key != key)
        i = (i + 1) & mask;
    return &h->slots[i];
}

static void index_fill(struct hot *h)
{
    for (size_t i = 0; i < h->n; i++) {
        uint64_t key = key_of(h->list[i]->hash, h->list[i]->is_loose);
        *slot_of(h, key) = (struct hot_slot){key, h->list[i]};
    }
}

static int index_rebuild(struct hot *h, size_t n_slots)
{
    struct hot_slot *slots = calloc(n_slots, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(h->slots);
    h->slots = slots;
    h->n_slots = n_slots;
    index_fill(h);
    return 0;
}

struct subject *hot_find(const struct hot *h, uint64_t hash, bool is_loose)
{
    return slot_of(h, key_of(hash, is_loose))->subject;
}

void hot_prefetch_slot(const struct hot *h, uint64_t hash, bool is_loose)
{
    __builtin_prefetch(&h->slots[key_of(hash, is_loose) & (h->n_slots - 1)]);
}

bool hot_prefetch_subject(const struct hot *h, uint64_t hash, bool is_loose)
{
    const struct subject *s = h->slots[key_of(hash, is_loose) & (h->n_slots - 1)].subject;
    if (s)
        __builtin_prefetch(s);
    return s != NULL;
}

void hot_prefetch_events(const struct hot *h, uint64_t hash, bool is_loose)
{
    const struct subject *s = h->slots[key_of(hash, is_loose) & (h->n_slots - 1)].subject;
    if (s) {
        for (uint32_t at = 0; at <= s->size && at < 512; at += 64)
            __builtin_prefetch(s->data + at, 1);
    }
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
    struct subject *s = subject_make(h);
    if (!s)
        return NULL;
    s->hash = hash;
    s->is_loose = s->is_closed = is_loose;
    s->number = number;
    s->namespace = namespace;
    h->list[h->n++] = s;
    uint64_t key = key_of(hash, is_loose);
    *slot_of(h, key) = (struct hot_slot){key, s};
    return s;
}

/* Takes a key out, and moves up what would no longer be found behind it. */
static void slot_empty(struct hot *h, uint64_t key)
{
    size_t mask = h->n_slots - 1, hole = (size_t)(slot_of(h, key) - h->slots);
    for (size_t i = (hole + 1) & mask; h->slots[i].subject; i = (i + 1) & mask) {
        size_t home = h->slots[i].key & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        h->slots[hole] = h->slots[i];
        hole = i;
    }
    h->slots[hole] = (struct hot_slot){0};
}

void hot_remove(struct hot *h)
{
    enum { AHEAD = 6 };
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        struct subject *s = h->list[i];
        hot_prefetch_place(h, i);
        if (i + AHEAD < h->n)
            hot_prefetch_slot(h, h->list[i + AHEAD]->hash, h->list[i + AHEAD]->is_loose);
        if (s->cools) {
            h->n_events -= s->n_events;
            slot_empty(h, key_of(s->hash, s->is_loose));
            subject_free(h, s);
        } else {
            h->list[n++] = s;
        }
    }
    h->n = n;
    size_t n_slots = SLOTS_FIRST;
    while (n_slots < n * 4)
        n_slots *= 2;
    if (n_slots * 4 <= h->n_slots)
        (void)index_rebuild(h, n_slots); /* without memory for a smaller one, the one there is does */
}

/* A subject with its number beside it: comparing two touches neither. */
struct numbered {
    struct subject *subject;
    uint32_t number;
};

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct numbered *)a)->number, y = ((const struct numbered *)b)->number;
    return x < y ? -1 : x > y;
}

static int by_number_there(const void *a, const void *b)
{
    uint32_t x = (*(struct subject *const *)a)->number, y = (*(struct subject *const *)b)->number;
    return x < y ? -1 : x > y;
}

void hot_sort(struct hot *h)
{
    bool sorted = true;
    for (size_t i = 1; i < h->n && sorted; i++)
        sorted = h->list[i - 1]->number < h->list[i]->number;
    if (sorted)
        return;
    struct numbered *all = malloc(h->n * sizeof(*all));
    if (!all) { /* slower, but it needs none */
        qsort(h->list, h->n, sizeof(struct subject *), by_number_there);
        return;
    }
    for (size_t i = 0; i < h->n; i++)
        all[i] = (struct numbered){h->list[i], h->list[i]->number};
    qsort(all, h->n, sizeof(*all), by_number);
    for (size_t i = 0; i < h->n; i++)
        h->list[i] = all[i].subject;
    free(all);
}

static bool is_closed_by(const struct event *e)
{
    for (unsigned i = 0; i < e->n_fields; i++)
        if (event_field_of(e->fields[i]) == FIELD_TO)
            return event_number_of(e->fields[i]) == STATUS_CLOSED;
    return false;
}

int subject_reserve_rows(struct hot *h, struct subject *s, uint32_t n)
{
    size_t capacity;
    if (n <= s->rows_capacity)
        return 0;
    void *rows = data_take(h, n * sizeof(*s->rows), &capacity);
    if (!rows)
        return -ENOMEM;
    data_give(h, s->rows, s->rows_capacity * sizeof(*s->rows));
    s->rows = rows;
    s->rows_capacity = (uint32_t)(capacity / sizeof(*s->rows));
    return 0;
}

int subject_append(struct hot *h, struct subject *s, const struct event *e)
{
    size_t size = event_size(e->n_fields);
    if (size > s->capacity - s->size) {
        int r = data_grow(h, s, s->size + size);
        if (r < 0)
            return r;
    }
    memcpy(s->data + s->size, e, size);
    s->size += (uint32_t)size;
    s->n_events++;
    h->n_events++;
    if (e->type == EVENT_TICKET_STATUS)
        s->is_closed = is_closed_by(e);
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
