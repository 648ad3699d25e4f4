/* The store's inside: what its files share. */
#ifndef TENDON_STORE_STATE_H
#define TENDON_STORE_STATE_H

#include "core/fold/fold.h"
#include "core/store/directory.h"
#include "core/store/environment.h"
#include "core/store/facts.h"
#include "core/store/journal.h"
#include "core/store/location.h"
#include "core/store/memtable.h"
#include "core/store/prepare.h"
#include "core/store/segment.h"
#include "core/store/source.h"
#include "core/store/store.h"
#include "core/store/turn.h"

#include <pthread.h>
#include <stdatomic.h>

#define STORE_FORMAT          5
#define STORE_HOT_EVENTS      262144 /* journal events that make a seal due, unless the options say otherwise */
#define STORE_JOURNAL_ENTRIES 4096   /* commits that do, too */
#define STORE_KEPT_TIMES      2      /* so many times hot_events may be of tickets that stay hot in a seal */
#define STORE_KEPT_TIMES_MAX  5      /* where tickets come back that cooled lately */
#define STORE_LATELY          4 /* seals ago: a subject that comes back would be there if there were more room */
#define STORE_REVIVED_SHARE   1024  /* of new events: so many subjects that came back are many */
#define STORE_CLOSED_AGES     8     /* so many times as fast do closed tickets grow old */
#define STORE_SLICE_SUBJECTS  16384 /* of a refold, at most */
#define STORE_SETTLE_EVENTS   4096  /* journal events worth a seal when the tenant is idle */
#define STORE_SETTLE_HOT      32768 /* or so many of tickets that are hot */
#define STORE_BURIED_SHARE                                                                                   \
    64 /* of hot_events: so many subjects that came back or left are worth a look for dead groups */
#define STORE_SEAL_BESIDE 8192  /* hot subjects of a seal that two threads draft beside commits */
#define STORE_FOLD_BESIDE 2048  /* touched subjects that two threads fold */
#define STORE_ASKED_MS    2000  /* so long after two views were opened commits fold, too */
#define STORE_TABLES_MS   60000 /* so long after a table was asked for its rows are made of what is hot */

/* DB_META, "state". */
struct store_meta {
    uint32_t format;
    uint32_t fact_version;   /* of the first generation; 0: no build can read it */
    uint64_t position;       /* events ever stored */
    uint32_t n_subjects;     /* numbers given: the next one */
    uint32_t next_segment;   /* seals, from LOCATION_FIRST; also the next fact run */
    uint16_t generation;     /* of the facts: the first, while a refold makes a second */
    uint8_t must_refold;     /* a refold is due, or under way */
    uint8_t first_runs;      /* which of struct location's runs are the first generation's */
    uint32_t n_in_directory; /* subjects with a lower number are in the directory */
    uint8_t key_check[16];   /* hash of a constant under the tenant's key */

    uint32_t refolded; /* subjects below are in the second generation, but those that are hot; 0: no refold */
    uint32_t second_version; /* FACT_VERSION of the second generation */
    uint8_t has_before;      /* DB_BEFORE has the first generation's environment; else it is today's */
    uint8_t unused[3];
    uint32_t frozen_version; /* FACT_VERSION of the frozen facts; 0: there are none */
};
_Static_assert(sizeof(struct store_meta) == 64, "what is on disk has no padding");

/* DB_META, "outgoing" (outgoing.h). */
struct outgoing {
    uint64_t next;        /* serial of the next entry */
    uint64_t kept_from;   /* what a forwarder has not delivered begins here */
    uint64_t stream;      /* which store that is: a random number, from the first time on */
    int64_t delivered_at; /* when all there was had been delivered last, ms; the beginning: when it was kept
                             first */
    uint8_t is_kept;
    uint8_t is_through; /* what was there when it began has been delivered */
    uint8_t unused[6];
};

/* What a seal leaves in memory, in DB_HOT: where to find its events again. */
struct hot_record {
    uint64_t hash;
    uint32_t number;
    uint32_t last_segment;
    uint16_t namespace;
    uint8_t is_loose;
    uint8_t unused[5];
};

/* Subjects whose rows in the memtable are not those of their events: they are to be folded before the next
 * view is opened, at the latest. */
struct touched {
    struct subject **list;
    size_t n, capacity;
};

/* What one thread folds subjects with for the memtable. */
struct placer {
    struct fold *fold;
    struct subject_row *rows; /* where those of one subject went */
    size_t capacity;
};

/* What one thread folds subjects with, and writes their rows to row groups. */
struct folder {
    struct fold *fold;
    struct facts_writer *writer;
};

/* What one thread drafts its part of a seal with. */
struct sealer {
    struct folder folder;
    struct segment_writer *segment;
};

struct store {
    /* fixed while open */
    char *path;
    uint64_t map_bytes, hot_events;
    uint64_t kept_least, kept_most;
    uint32_t slice_subjects, seal_beside, fold_beside, tables_ms;
    uint8_t hash_key[16], box_key[32], key_check[16];
    struct db db;

    /* held by whoever changes what follows: the committer, or who opens a view and folds */
    struct turn turn;
    struct store_meta meta; /* as on disk but for what the transaction under way adds */
    uint64_t tick;          /* with which rows begin and end: of what is published next */
    struct hot hot;
    struct directory *directory;
    struct segment_cache cache;
    struct segment_writer *segment_writer;
    struct folder folder;
    struct sealer sealers[2]; /* of the threads that draft a seal; made when first needed */
    struct seal *seal;        /* under way, or the memory of one; NULL: none yet */
    struct memtable_pool pool;
    uint32_t tables; /* whose rows of hot subjects the memtable has: those that somebody asks for */
    struct buffer journal;
    struct store_prepared prepared; /* of batches that came without */
    struct touched touched;
    uint32_t persisted[DICTIONARY_N];         /* dictionary numbers on disk */
    uint64_t journal_events, journal_entries; /* that no seal has taken yet */
    uint32_t epoch;                           /* seals since open */
    bool must_reload;                         /* a commit failed: memory may not be what is on disk */
    bool must_sweep;                          /* there may be blocks of generations that nobody reads */
    uint64_t kept_events;          /* that tickets which stay hot may have: between least and most */
    uint64_t n_revived;            /* since the last seal began, of what had lately cooled down */
    uint64_t n_buried;             /* subjects whose sealed rows died since somebody looked */
    bool may_compact;              /* so many died that groups with few living ones are worth a look */
    struct refold *refold;         /* what a refold under way remembers; NULL: nothing */
    struct retire *retire;         /* the day's pass under way; NULL: none */
    struct outgoing outgoing;      /* as on disk but for what the transaction under way adds */
    _Atomic uint64_t outgoing_end; /* serial behind what is committed, for any thread */
    _Atomic int64_t hold_ms;       /* forward_hold */
    uint64_t outgoing_first;       /* the oldest entry that may be there */
    struct store_outlet *outlets;  /* open ones */
    uint32_t log_version;          /* goes up when blocks of the log are written anew */
    int64_t retired_day;           /* the last that was gone through, in days since 1970; −1: not known */
    _Atomic int64_t log_ms, facts_ms; /* retention; 0: for ever */
    struct fact_row *rows;            /* what the fold made of one subject */
    size_t n_rows, rows_capacity;
    struct placer placers[MEMTABLE_WRITERS]; /* the second is made when first needed */
    pthread_mutex_t placing_lock;            /* theirs, for memory of hot */

    struct dictionary *dictionary;                           /* readable from any thread */
    char declared[EVENT_DECLARED_MAX][EVENT_CODE_BYTES + 1]; /* fixed below n_declared */
    atomic_uint n_declared;

    /* of what a view takes; never held across a commit */
    pthread_mutex_t view_lock;
    pthread_cond_t seal_shown; /* sealing is 0 again */
    size_t
        sealing; /* the transaction that ends a seal, from its commit until what it left is shown; else 0 */
    bool is_readable; /* false while memory is read back from disk */
    struct memtable *memtable;
    struct environment *environment; /* today's: a refold makes facts by it */
    struct environment *before; /* the first generation was made by it; the same unless a refold is due */
    struct environment *wanted; /* settings to come, which the committer has not taken over yet; no tables */
    bool wants_other;           /* than today's */
    bool is_due;                /* a refold */
    uint64_t as_of;
    uint64_t shown;   /* rows that begin and end with up to this tick are what a view sees */
    size_t n_touched; /* as of as_of; a view is opened when there are none */
    uint32_t shown_tables;
    uint16_t generation;
    struct store_progress progress;
    uint64_t n_hot_subjects, n_hot_events;

    _Atomic int64_t asked_at, asked_before;        /* when the last two views of facts were opened, ms */
    _Atomic int64_t table_asked_at[FACT_N_TABLES]; /* the last of one of its facts */

    pthread_mutex_t lock;    /* of what follows; never held across a commit */
    struct source **sources; /* by name */
    size_t n_sources;
};

struct sealed_group;

struct store_view {
    struct store *store;
    struct txn txn;
    struct memtable *memtable;
    struct environment *environment, *before;
    uint64_t as_of, shown;
    uint16_t generation;
    uint32_t tables; /* whose facts are those of all events below as_of; no scan of another can be opened */
    struct store_progress progress;

    struct sealed_group *groups; /* piece.h; once a scan was opened */
    size_t n_groups;
    bool has_groups;
};

/* One thread at a time changes a store. */
static inline void store_turn_take(struct store *s)
{
    turn_take(&s->turn);
}
static inline void store_turn_give(struct store *s)
{
    turn_give(&s->turn);
}

/* state.c */
int64_t store_now_ms(void);                         /* the collector's clock, ms since 1970 UTC */
int store_load(struct store *s, struct error *err); /* builds memory from disk */
void store_unload(struct store *s);
int store_reload(struct store *s, struct error *err);
/* What anything but a commit begins with: memory is what is on disk, and no seal is under way. */
int store_settle(struct store *s, struct error *err);
uint64_t store_hash(const struct store *s, char kind, const char *namespace, const void *id, size_t size);
void store_publish(struct store *s); /* as_of and the figures for others */
void store_publish_locked(struct store *s);
int store_write_meta(struct store *s, struct txn *t);
void store_write_dictionary(struct store *s, struct txn *t);
void store_dictionary_written(struct store *s);

/* the subject of a hash, hot from now on; new ones get a number. Rejects as store_revive */
int store_subject(struct store *s, struct txn *t, uint64_t hash, bool is_loose, uint16_t namespace,
                  struct subject **ret);
/* brings a sealed subject back into memory and buries its sealed rows; REJECT_FROZEN or REJECT_ERASED when it
 * has left the log */
int store_revive(struct store *s, struct txn *t, uint64_t hash, bool is_loose, uint32_t number,
                 uint16_t namespace, struct subject **ret);

/* Whether the first generation can be read: else a refold is due, and until then nothing is answered. */
static inline bool store_has_first(const struct store *s)
{
    return s->meta.fact_version == FACT_VERSION;
}
/* The environment that the memtable's rows are made by. */
static inline const struct environment *store_environment(const struct store *s)
{
    return store_has_first(s) ? s->before : s->environment;
}
/* The generation that a refold makes. */
static inline uint16_t store_second(const struct store *s)
{
    return s->meta.generation >= FACTS_FROZEN - 1 ? 1 : (uint16_t)(s->meta.generation + 1);
}
/* Whether a subject that cools down has a place in the second generation. */
static inline bool store_is_refolded(const struct store *s, uint32_t number)
{
    return number < s->meta.refolded;
}

/* folding.c */
int store_folder_make(struct folder *f);
void store_folder_free(struct folder *f);
int store_placer_make(struct placer *p);
void store_placer_free(struct placer *p);
/* The rows of a subject's events, of all tables, into s->rows. */
int store_make_rows(struct store *s, const struct environment *e, const struct subject *subject);
/* The same to the run that the folder's writer is at; what else it reads only is read. */
int store_fold_out(const struct store *s, const struct folder *f, const struct environment *e,
                   const struct subject *subject);
/* Those of the tables that are asked for, as rows of m that hold from the beginning, as the subject's own. */
int store_fold_anew(struct store *s, const struct environment *e, struct subject *subject,
                    struct memtable *m);
/* The subject's rows are no longer those of its events. */
int store_touch(struct store *s, struct subject *subject);
/* Folds all that is touched. Behind a failure memory is to be read back. */
int store_fold_touched(struct store *s);
/* Folds what commits have left unfolded, so that a view of these tables can be opened. Whose turn it is. */
int store_catch_up(struct store *s, uint32_t tables, struct error *err);
/* From now on rows are made of those tables only that somebody has asked for lately; what there is of others
 * stays until its subject is folded again. */
void store_forget_tables(struct store *s);

/* change.c */
int store_load_environments(struct store *s, struct txn *t, struct error *err);
/* Puts next in place of today's environment, which a refold becomes due for unless refold says that the fold
 * reads nothing else; `also` (or NULL) writes what belongs into the same transaction. Takes over next. */
int store_change(struct store *s, struct environment *next, bool refold,
                 void (*also)(struct store *s, struct txn *t, void *context), void *context,
                 struct error *err);
/* takes over the settings of the last store_set_fold, where they differ */
int store_adopt_settings(struct store *s, struct error *err);

/* reset.c: store_source_reset with the number of the new generation; 0: the next */
int store_source_renew(struct store *s, const char *name, uint32_t generation, uint64_t *ret_events,
                       struct error *err);

/* retire.c: counts subjects that came as having left the log */
void store_retired_add(struct txn *t, uint64_t n_frozen, uint64_t n_erased);

/* seal.c */
enum seal_kind {
    SEAL_COOL,   /* what was not touched for longest cools down, as far as there is too much */
    SEAL_ALL,    /* nothing stays hot */
    SEAL_SWITCH, /* as SEAL_COOL, and the second generation takes the place of the first */
};
/* Begins a seal when none is under way. One of many subjects is drafted beside the commits, until
 * store_seal_end; another is done. */
int store_seal_begin(struct store *s, enum seal_kind kind, struct error *err);
/* Ends the seal under way. 1: it is not drafted yet, and nobody was to wait. */
int store_seal_end(struct store *s, bool wait, struct error *err);
bool store_seal_is_under_way(const struct store *s);
void store_seal_forget(struct store *s); /* what was drafted: memory is going to be read back */
void store_seal_free(struct store *s);   /* none is under way */
/* Does all of one, behind the one under way. */
int store_seal(struct store *s, enum seal_kind kind, struct error *err);

/* Whether so many have died since somebody looked that it is worth it. */
static inline void store_consider_compact(struct store *s)
{
    if (s->n_buried < s->hot_events / STORE_BURIED_SHARE)
        return;
    s->may_compact = true;
    s->n_buried = 0;
}
/* compact.c: one step; 1: there may be more to do. No refold is due, and no source's events are on their way
 * out. */
int store_compact(struct store *s, struct error *err);

/* retire.c */
bool store_retire_is_due(const struct store *s, int64_t now);
void store_retire_forget(struct store *s);
int store_load_retired(struct store *s, struct txn *t, int64_t now);
void store_retired(struct txn *t, uint64_t *ret_frozen, uint64_t *ret_erased);

/* refold.c */
/* Ends a transaction of the store's own: its error, or its commit's. After a failure meta is as before and
 * memory is read back, as a commit that failed may be on disk. */
int store_step_end(struct store *s, struct txn *t, const struct store_meta *before, int r, struct error *err);
void store_refold_forget(struct store *s); /* what it remembers of segments: they have changed */

#endif
