/* The hot subjects: tickets (and events without one) whose events are in memory, where the fold reads them.
 *
 * A subject is hot from its first event, or from the one that brings it back, until a seal lets it
 * cool down (draft.c says which). Owned by the committer. */
#ifndef TENDON_STORE_HOT_H
#define TENDON_STORE_HOT_H

#include "core/store/event.h"
#include "core/store/fetch.h"

#include <stddef.h>
#include <stdint.h>

struct subject_row {
    uint64_t digest; /* of the row's content: a row that stays the same is not written again */
    uint32_t row;    /* in the memtable */
    uint32_t table;  /* enum fact_table */
};

/* One line of the processor's cache: whoever comes by one has all of it. */
struct subject {
    uint64_t hash;         /* keyed hash: the ticket's, or the loose event's identity */
    uint32_t number;       /* in its tenant, in order of arrival */
    uint32_t last_segment; /* the newest that has events of it; 0 none */
    uint32_t n_events;
    uint32_t n_sealed; /* of them in segments: the first ones */
    uint32_t epoch;    /* of the last touch, in seals */
    uint16_t namespace;
    bool is_loose : 1;
    bool is_touched : 1; /* its rows are not those of its events: it is to be folded */
    bool is_kept : 1;    /* the last seal left it in memory: so does a restart */
    bool is_closed : 1;  /* by the status that came last: hardly anything comes behind that */
    bool cools : 1;      /* the seal under way writes its facts; unless it is touched meanwhile, it goes */

    uint8_t *data; /* n_events records of struct event, in order of arrival */
    uint32_t size, capacity;

    union {
        struct subject_row *rows;
        struct subject *next_free; /* of one that has gone */
    };
    uint32_t n_rows, rows_capacity;
};
#define HOT_LINE_BYTES 64
_Static_assert(sizeof(struct subject) == HOT_LINE_BYTES, "a subject is a line");

#define HOT_DATA_CLASSES                                                                                     \
    14 /* 128 bytes to 23 KiB, each half as large again; what is larger has memory of its own */

struct hot_slot {
    uint64_t key; /* the hash, of its kind */
    struct subject *subject;
};

/* Pointers that were given back. */
struct hot_stack {
    void **list;
    size_t n, capacity;
};

struct hot {
    struct hot_slot *slots; /* open addressing */
    size_t n_slots;
    struct subject **list; /* all of them */
    size_t n, capacity;
    size_t n_events;

    /* Memory of subjects that have gone, for those to come: a seal frees and makes tens of thousands. */
    struct hot_slab *slabs;
    size_t n_slabs;
    uint8_t *at, *end; /* what is left of the newest */
    struct subject *free_subjects;
    struct hot_stack free_data[HOT_DATA_CLASSES];

    /* Events that somebody beside the committer still reads where they were: given back by hot_release. */
    bool is_held;
    struct hot_data *held;
    size_t n_held, held_capacity;
};

int hot_init(struct hot *h);
void hot_fini(struct hot *h);
struct subject *hot_find(const struct hot *h, uint64_t hash, bool is_loose);
/* Has the processor fetch what is going to be looked at: first the slot, later the subject (false: there is
 * none), then its events. */
void hot_prefetch_slot(const struct hot *h, uint64_t hash, bool is_loose);
bool hot_prefetch_subject(const struct hot *h, uint64_t hash, bool is_loose);
void hot_prefetch_events(const struct hot *h, uint64_t hash, bool is_loose);
/* NULL: no memory. */
struct subject *hot_add(struct hot *h, uint64_t hash, bool is_loose, uint32_t number, uint16_t namespace);
/* Frees those that cool and rebuilds the index. */
void hot_remove(struct hot *h);
/* From hot_hold to hot_release what a subject's data and size say at hot_hold stays readable, on any thread,
 * whatever is appended; in between nothing is dropped and none is removed. */
void hot_hold(struct hot *h);
void hot_release(struct hot *h);
void hot_sort(struct hot *h); /* the list by number */

/* Has the processor fetch what a walk over the list, now at place i, is going to look at. */
FETCHES hot_prefetch_place(const struct hot *h, size_t i)
{
    enum { AHEAD = 12 };
    if (i + AHEAD < h->n)
        __builtin_prefetch(h->list[i + AHEAD]);
}

/* Room for n rows, of which none is there any more. 0 or -ENOMEM. */
int subject_reserve_rows(struct hot *h, struct subject *s, uint32_t n);
int subject_append(struct hot *h, struct subject *s, const struct event *e);
/* Takes out the events that drops says. */
void subject_drop(struct hot *h, struct subject *s, bool (*drops)(const void *context, const struct event *e),
                  const void *context);

/* Walks the events of a subject: struct event *e = subject_first(s); e; e = subject_next(s, e). */
static inline const struct event *subject_first(const struct subject *s)
{
    return s->n_events ? (const struct event *)s->data : NULL;
}
static inline const struct event *subject_next(const struct subject *s, const struct event *e)
{
    const uint8_t *next = (const uint8_t *)e + event_size(e->n_fields);
    return next < s->data + s->size ? (const struct event *)next : NULL;
}

#endif
