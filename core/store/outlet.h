/* Reading a whole store on, for another one: all that it holds, then what commits add, with a cursor from
 * which any reader can go on. This is the store's side of exporting a tenant and of forwarding it;
 * core/forward makes bytes of it.
 *
 * First comes what is there: sources, reference tables, then the subjects in the order of their numbers,
 * those that have left the log, and the frozen facts. Then, in the log's order, what commits did since the
 * outlet was opened (outgoing.h). Commits may come between any two reads: what a subject got meanwhile comes
 * at the end, once more where it was there already; a store that takes both has the set once. So at the end
 * of a read that found no more the taker has all that the store has, up to that log position.
 *
 * All of it is the committer's; a read takes some ten milliseconds and holds up commits for so long. */
#ifndef TENDON_STORE_OUTLET_H
#define TENDON_STORE_OUTLET_H

#include "core/store/event.h"
#include "core/store/store.h"

#define OUTLETS_MAX    4     /* open ones of a store, beside the forwarder's */
#define OUTLET_IDLE_MS 60000 /* one that is not read so long is closed */

enum outlet_phase {
    OUTLET_SOURCES,
    OUTLET_REFERENCE,
    OUTLET_SUBJECTS,
    OUTLET_FACTS,
    OUTLET_LOG,
    OUTLET_PHASES
};

/* Where a reader is. All zeros is the beginning. */
struct outlet_cursor {
    uint8_t phase;   /* enum outlet_phase */
    uint8_t fact[8]; /* OUTLET_FACTS: the next group */
    uint64_t stream; /* of which store; 0: not begun */
    uint64_t place;  /* OUTLET_REFERENCE: of the next row; OUTLET_SUBJECTS: number of the next subject;
                        OUTLET_FACTS: the last subject << 16, and how many pieces of it were given */
    uint64_t serial; /* of the next entry of what commits did; 0: not begun */
};

/* An event with its strings still as numbers of the store's dictionary. */
struct outlet_event {
    uint64_t hash; /* the subject's */
    bool is_loose;
    const char *namespace, *source;
    uint32_t generation; /* of the source */
    const struct event *event;
};

/* A subject that has left the log. */
struct outlet_left {
    uint64_t stored; /* its hash as the directory has it: of a loose event the complement */
    bool is_erased;  /* else frozen */
    uint32_t day;    /* of its newest event, since 1970 */
};

struct outlet_sink {
    void *context;
    /* sealed: its cursor as on disk, which only the same tenant's key opens */
    int (*source)(void *context, const struct store_source *source, const void *sealed, size_t sealed_size);
    int (*reference)(void *context, const void *record, size_t size); /* reference_row_decode reads it */
    int (*calendar_removed)(void *context, const char *name, int64_t valid_from);
    int (*event)(void *context, const struct outlet_event *e);
    int (*left)(void *context, const struct outlet_left *left);
    /* The frozen facts of one subject, by table; where it has very many, in pieces from 0 on. */
    int (*facts)(void *context, uint64_t stored, uint32_t piece, const char *namespace,
                 const struct fact_row *rows, size_t n);
    /* All before this was given. */
    int (*mark)(void *context, const struct outlet_cursor *at);
};

struct store_outlet;

/* Opens one. *ret_id finds it again (store_outlet_find). -EBUSY too_many_exports. */
int store_outlet_open(struct store *s, struct store_outlet **ret, uint64_t *ret_id, struct error *err);
/* NULL when it is not open any more. */
struct store_outlet *store_outlet_find(struct store *s, uint64_t id);
void store_outlet_close(struct store *s, struct store_outlet *o); /* NULL is fine */
/* What its owner keeps with it; `free` is called when it is closed. */
void store_outlet_attach(struct store_outlet *o, void *data, void (*free)(void *data));
void *store_outlet_attached(const struct store_outlet *o);

/* Gives the sink the next part. 1: there is more; 0: the reader has all that there is at the moment. Negative
 * with err, or what the sink returned: then nothing of this read counts, and the next one begins where this
 * did. */
int store_outlet_read(struct store *s, struct store_outlet *o, const struct outlet_sink *sink,
                      struct error *err);

/* --- the forwarder's: it outlives restarts, and what commits do is kept for it from the first time on */

/* Keeps what is not delivered from now on. A cursor at the beginning is given its place. */
int store_outlet_keep(struct store *s, struct outlet_cursor *cursor, struct error *err);
/* All below was delivered; is_all: and there is nothing behind it. */
int store_outlet_delivered(struct store *s, const struct outlet_cursor *cursor, bool is_all,
                           struct error *err);
/* How long what is not delivered is kept, and tickets wait with leaving the log while what was there at the
 * beginning is not. Behind that it begins anew. Any thread. */
void store_set_forward_hold(struct store *s, int64_t hold_ms);
/* The serial behind what is committed. Any thread. */
uint64_t store_outlet_end(const struct store *s);
/* Whether the store keeps what commits do for a forwarder. The committer's. */
bool store_outlet_is_kept(const struct store *s);
/* Keeps nothing any more. */
int store_outlet_drop(struct store *s, struct error *err);
/* An outlet that reads from a cursor on. -ENOENT outlet_lost: what commits did from there on is not kept any
 * more. */
int store_outlet_resume(struct store *s, const struct outlet_cursor *cursor, struct store_outlet **ret,
                        struct error *err);

/* The inside's: what nobody reads any more is below; closes what is idle. */
uint64_t store_outlets_floor(struct store *s);
void store_outlets_close(struct store *s);

/* For who makes bytes of it; the committer's. */
const struct dictionary *store_dictionary(const struct store *s);
const char *store_declared(const struct store *s, unsigned place); /* NULL: no such dimension */
void store_key_check(const struct store *s, uint8_t ret[16]);

#endif
