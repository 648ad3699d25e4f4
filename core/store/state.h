/* The store's inside: what its files share. */
#ifndef TENDON_STORE_STATE_H
#define TENDON_STORE_STATE_H

#include "core/fold/fold.h"
#include "core/store/directory.h"
#include "core/store/environment.h"
#include "core/store/facts.h"
#include "core/store/memtable.h"
#include "core/store/segment.h"
#include "core/store/source.h"
#include "core/store/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define STORE_FORMAT          1
#define STORE_HOT_EVENTS      131072 /* journal events that make a seal due, unless the options say otherwise */
#define STORE_JOURNAL_ENTRIES 4096   /* commits that do, too */
#define STORE_SETTLE_EVENTS   4096   /* journal events worth a seal when the tenant is idle */

/* DB_META, "state". */
struct store_meta {
    uint32_t format;
    uint32_t fact_version;
    uint64_t position;     /* events ever stored */
    uint32_t n_subjects;   /* numbers given: the next one */
    uint32_t next_segment; /* seals, from 1; also the next fact run */
    uint16_t generation;   /* of the facts */
    uint8_t must_refold;   /* what the fold reads has changed since the facts were made */
    uint8_t unused;
    uint32_t n_in_directory; /* subjects with a lower number are in the directory */
    uint8_t key_check[16];   /* hash of a constant under the tenant's key */
};

/* An event in the journal: this, then struct event. */
struct journal_head {
    uint64_t hash; /* the subject's */
    uint32_t number;
    uint16_t namespace;
    uint8_t is_loose;
    uint8_t unused;
};

/* Reads the entry of the journal at `at`, of which `left` bytes are there; room has event_size(FIELD_N). How
 * long it is, or 0 when it is none. */
size_t journal_read(const uint8_t *at, size_t left, struct journal_head *ret_head, struct event *room);

/* What a seal leaves in memory, in DB_HOT: where to find its events again. */
struct hot_record {
    uint64_t hash;
    uint32_t number;
    uint32_t last_segment;
    uint16_t namespace;
    uint8_t is_loose;
    uint8_t unused[5];
};

struct touched {
    struct subject **list;
    size_t n, capacity;
};

struct store {
    /* fixed while open */
    char *path;
    uint64_t map_bytes, hot_events;
    uint8_t hash_key[16], box_key[32], key_check[16];
    struct db db;

    /* the committer's */
    struct store_meta meta; /* as on disk but for what the transaction under way adds */
    struct hot hot;
    struct directory *directory;
    struct segment_cache cache;
    struct fold *fold;
    struct segment_writer *segment_writer;
    struct facts_writer *facts_writer;
    struct memtable_pool pool;
    struct buffer journal;
    struct touched touched;
    uint32_t persisted[DICTIONARY_N]; /* dictionary numbers on disk */
    uint64_t journal_events, journal_entries;
    uint32_t epoch;        /* seals since open */
    bool must_reload;      /* a commit failed: memory may not be what is on disk */
    struct fact_row *rows; /* what the fold made of one subject */
    size_t n_rows, rows_capacity;
    struct subject_row *placed; /* where they went */
    size_t placed_capacity;

    struct dictionary *dictionary;                           /* readable from any thread */
    char declared[EVENT_DECLARED_MAX][EVENT_CODE_BYTES + 1]; /* fixed below n_declared */
    atomic_uint n_declared;

    /* what a view takes; held across the commit that puts sealed facts in the place of hot ones */
    pthread_mutex_t view_lock;
    pthread_cond_t view_ready; /* is_readable */
    bool is_readable;          /* false while memory is read back from disk */
    struct memtable *memtable;
    struct environment *environment;
    uint64_t as_of;
    uint16_t generation;
    bool refolding;
    uint64_t n_hot_subjects, n_hot_events;

    pthread_mutex_t lock;    /* of what follows; never held across a commit */
    struct source **sources; /* by name */
    size_t n_sources;
    struct environment *wanted; /* settings that the committer has not taken over yet, without tables */
};

struct store_view {
    struct store *store;
    struct txn txn;
    struct memtable *memtable;
    struct environment *environment;
    uint64_t as_of;
    uint16_t generation;
    bool refolding;
};

/* state.c */
int store_load(struct store *s, struct error *err); /* builds memory from disk */
void store_unload(struct store *s);
uint64_t store_hash(const struct store *s, char kind, const char *namespace, const void *id, size_t size);
void store_publish(struct store *s); /* as_of and the figures for others */
int store_write_meta(struct store *s, struct txn *t);
void store_write_dictionary(struct store *s, struct txn *t);
void store_dictionary_written(struct store *s);

/* fold the subject, and put its rows in place of the ones it had, as of `position` */
int store_fold_subject(struct store *s, struct subject *subject, uint64_t position);
/* the rows of a subject's events into s->rows */
int store_make_rows(struct store *s, const struct subject *subject);
/* the subject of a hash, hot from now on; new ones get a number. *ret_new */
int store_subject(struct store *s, struct txn *t, uint64_t hash, bool is_loose, uint16_t namespace,
                  uint64_t position, struct subject **ret);
/* brings a sealed subject back into memory and buries its sealed rows */
int store_revive(struct store *s, struct txn *t, uint64_t hash, bool is_loose, uint32_t number,
                 uint64_t position, struct subject **ret);
int store_touch(struct store *s, struct subject *subject);

/* puts an environment (or these tables beside the settings in force) in place of the one before */
void store_publish_environment(struct store *s, struct environment *next);
int store_publish_reference(struct store *s, struct reference *next);
/* writes the reference tables, and that facts must be refolded */
int store_write_reference(struct store *s, const struct reference *next, bool refold, struct error *err);
/* takes over the settings of the last store_set_fold, where they differ */
int store_adopt_settings(struct store *s, struct error *err);

/* seal.c; all: nothing stays hot */
int store_seal(struct store *s, bool all, struct error *err);

/* refold.c */
int store_refold(struct store *s, struct error *err);

#endif
