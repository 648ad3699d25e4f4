/* The store of one tenant: event log, sources, dictionaries, reference tables and facts in one LMDB
 * environment.
 *
 * store_prepare makes a batch of decoded events ready: hashes ids, looks strings up. store_commit drops
 * duplicates, writes log and sources in one transaction and publishes; what it leaves unfolded is folded by
 * store_view_open, so that a view shows every event that was acknowledged before. A view is what a query
 * reads: one as_of, immutable.
 *
 * One thread at a time may call the functions that take a struct store (the tenant's committer); views may be
 * opened, read and closed on any thread. core/store/README.md says how it is laid out on disk. */
#ifndef TENDON_STORE_STORE_H
#define TENDON_STORE_STORE_H

#include "core/base/error.h"
#include "core/fold/fact.h"
#include "core/fold/reference.h"
#include "core/store/dictionary.h"
#include "proto/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_NAME_BYTES   64   /* tenants, sources, namespaces: [a-z0-9][a-z0-9._-]* */
#define STORE_CURSOR_BYTES 4096 /* a plugin's cursor */
#define STORE_REJECTS_KEPT 100  /* the newest of a source */

struct event;            /* core/store/event.h */
struct store_prepared;   /* core/store/prepare.h */
struct fold_environment; /* core/fold/fold.h */
struct fold_settings;    /* core/fold/fold.h */
struct store;

struct store_options {
    const char *path;        /* the environment's directory, made when missing */
    uint8_t key[32];         /* the tenant's key: ids are hashed and cursors sealed under it */
    uint64_t map_bytes;      /* size of the memory map, fixed while open */
    uint64_t hot_events;     /* events in memory before the store seals; 0: the default */
    uint32_t slice_subjects; /* a refold's slice has at most so many; 0: the default */
    uint64_t kept_events;    /* that tickets which stay hot may have; 0: the default */
    uint32_t beside;    /* so many subjects are worth another thread, in a fold or a seal; 0: the defaults */
    uint32_t tables_ms; /* so long rows are made of a fact table that is asked for; 0: the default */
    bool create;        /* false: -ENOENT when it is not there */
    /* the tenant's own dimensions, as store_declare takes them */
    const char (*declared)[EVENT_CODE_BYTES + 1];
    unsigned n_declared;
};

/* Opens and recovers (replays what was not sealed). Where FACT_VERSION has changed a refold is due, and until
 * it is done scans of facts fail with the code refolding. Codes: store_version (a format this build does not
 * know), store_key (the key is not the one it was made with), store_corrupt. */
int store_open(const struct store_options *options, struct store **ret, struct error *err);
/* What tells one tenant's key from another: a hash of a constant under it. */
#define STORE_KEY_CHECK_BYTES 16
int store_key_check_of(const uint8_t key[32], uint8_t ret[STORE_KEY_CHECK_BYTES]);
/* Seals what is hot and closes; views must be closed before. NULL is fine. */
void store_close(struct store *s);

/* The wire keys of the tenant's own dimensions by place; a place never gets another name. Events order by
 * them where all else ties, so they must be known before the first event that carries one. Any thread, one at
 * a time. */
void store_declare(struct store *s, const char (*names)[EVENT_CODE_BYTES + 1], unsigned n);

/* --- writing (committer only)
 * -------------------------------------------------------------------------------- */

struct store_reject {
    uint32_t index; /* place of the event in its batch, from 0 */
    uint8_t code;   /* enum event_reject */
};

/* One batch of one source, decoded and checked; the store adds its own rejects. */
struct store_batch {
    const char *source;    /* name */
    const char *namespace; /* of the source */
    uint64_t seq;          /* must be the source's last_seq + 1: the caller has looked */
    const void *cursor;    /* NULL: keep the committed one */
    size_t cursor_size;
    const struct wire_event *events; /* those that were not rejected */
    const uint32_t *indices;         /* their places in the batch */
    size_t n_events;
    struct store_prepared *prepared; /* of these events; NULL: the commit does it */
    struct store_reject *rejects; /* in: what decoding rejected; out: with the store's own, by index. Room for
                                     all events of the batch */
    size_t n_rejects;

    /* out */
    uint32_t n_accepted;   /* new to the set */
    uint32_t n_duplicates; /* known, same content */
};

/* Makes events of a source of that namespace ready for their commit. Any thread. -ENOMEM. */
int store_prepare(const struct store *s, const char *namespace, const struct wire_event *events, size_t n,
                  struct store_prepared *prepared);

/* Commits all batches or none. On success they are durable and visible to every view opened after. On an
 * error nothing of them counts, but a commit that failed may still be on disk: read store_source again before
 * answering. -ENOSPC (disk_full): no free space or the tenant's map is full; nothing was written. */
int store_commit(struct store *s, struct store_batch *batches, size_t n, struct error *err);

/* Housekeeping between commits: seals when due or, with settle, whatever is worth sealing. Returns 1 when it
 * did something, 0 when there was nothing to do. */
int store_maintain(struct store *s, bool settle, struct error *err);

/* What of the tenant's settings the fold reads (NULL: none), copied. Holds from the committer's next turn on;
 * a refold becomes due when it is not what the facts were made with. The store keeps it and opens with it.
 * Any thread, one at a time. */
int store_set_fold(struct store *s, const struct fold_settings *settings, struct error *err);

/* Undoes a source: its cursor, last_seq, watermark, counters and rejects begin again as a new generation, and
 * its events so far leave the set: at once for what is sent from now on, for views when the refold that
 * becomes due has made the facts without them; the log loses them behind that. An event that another source
 * of its namespace had sent too, identically, belongs to whichever was first: it stays where that was the
 * other one, and else leaves until somebody sends it again. *ret_events is how many it had been credited
 * with. -ENOENT unknown_source; -EBUSY resetting: too many resets at once. */
int store_source_reset(struct store *s, const char *source, uint64_t *ret_events, struct error *err);

/* Puts the rows of next in place of today's; a refold becomes due when the fold reads what changed. Takes
 * over next. */
int store_set_reference(struct store *s, struct reference *next, struct error *err);

/* How long a ticket stays. It leaves the log whole once it is done and its newest event is older than log_ms:
 * its facts stay as they are (frozen), and a further event for it is rejected as frozen. They go once its
 * newest event is older than facts_ms, and the ticket is forgotten: an event older than that is rejected as
 * too_old, a newer one is the first of a new ticket. 0: for ever; otherwise facts_ms ≥ log_ms. Any thread. */
struct store_retention {
    int64_t log_ms, facts_ms;
};
void store_set_retention(struct store *s, const struct store_retention *retention);

/* One step of the day's retention, and of taking out tickets that were erased: a transaction of a few tenths
 * of a second. `now`: ms since 1970. 1: there may be more to do; 0: not today. The committer's;
 * store_refold does it, too, when nothing is to be refolded. */
int store_retire(struct store *s, int64_t now, struct error *err);

/* Makes a refold due, of all facts from the log. */
int store_reindex(struct store *s, struct error *err);

/* One slice of a refold that is due or under way, or of what one leaves to be cleared away: a transaction of
 * a few tenths of a second. Commits may come between any two. 1 when there was something to do, 0 when there
 * is nothing. Facts are read from the generation before, with every event committed since, until the last
 * slice puts the new one in its place. A restart goes on where it was. */
int store_refold(struct store *s, struct error *err);

/* --- how far a refold is (any thread)
 * -------------------------------------------------------------------------------------------- */

struct store_progress {
    bool is_refolding;  /* due or under way */
    bool is_retiring;   /* the day's retention is due or under way, which waits for a refold */
    bool is_compacting; /* facts are, or may have to be, written anew without what is dead */
    bool has_facts;     /* until it is done answers come from the facts before; false: there are none */
    uint64_t n_done, n_subjects; /* tickets and events without one */
};
void store_progress(struct store *s, struct store_progress *ret);

/* --- sources (any thread)
 * ------------------------------------------------------------------------------------ */

struct store_source {
    char name[STORE_NAME_BYTES + 1];
    char namespace[STORE_NAME_BYTES + 1];
    uint64_t last_seq;
    uint64_t accepted, duplicates, rejected;
    uint64_t after_watermark;  /* events older than a watermark that had been given before them */
    uint64_t rejected_by[64];  /* by enum event_reject */
    int64_t first_at, last_at; /* of accepted events, ms; FACT_NULL none */
    int64_t last_commit;       /* collector's clock, ms; FACT_NULL never */
    int64_t complete_until;    /* watermark; FACT_NULL none */
    uint32_t generation;
};

struct store_source_reject {
    uint64_t seq;   /* of the batch */
    uint32_t index; /* in the batch */
    uint8_t code;   /* enum event_reject */
    int64_t when;   /* collector's clock, ms */
};

/* 1 and *ret when the source is known, 0 when not. */
int store_source_get(struct store *s, const char *name, struct store_source *ret);
/* The committed cursor, opened; *ret_size 0 when there is none. room has STORE_CURSOR_BYTES. */
int store_source_cursor(struct store *s, const char *name, uint8_t *room, size_t *ret_size,
                        struct error *err);
/* Known sources by name; *ret is the caller's to free. */
int store_source_list(struct store *s, struct store_source **ret, size_t *ret_n);
/* The sites whose stores come here (inlet.h): where each stands, under its name and a slash. */
int store_site_list(struct store *s, struct store_source **ret, size_t *ret_n);
/* Newest first, at most n. Returns the count. */
size_t store_source_rejects(struct store *s, const char *name, struct store_source_reject *ret, size_t n);

struct store_statistics {
    uint64_t log_position; /* events ever stored */
    uint64_t subjects;     /* tickets and events without one */
    uint64_t frozen;       /* of them, those that have left the log */
    uint64_t erased;       /* and those of which only the hash is left */
    uint64_t hot_subjects, hot_events;
    uint64_t log_segments, fact_blocks;
    uint64_t file_bytes;                                           /* of the environment */
    uint64_t used_bytes;                                           /* pages in use */
    uint64_t bytes_log, bytes_directory, bytes_facts, bytes_other; /* pages in use by part */
};
void store_statistics(struct store *s, struct store_statistics *ret);
/* Whether used_bytes is at least that; cheap while the file is smaller. */
bool store_uses(struct store *s, uint64_t bytes);

/* The ticket's keyed hash for a question (explain), under namespace. */
uint64_t store_hash_ticket(const struct store *s, const char *namespace, const char *id, size_t size);

/* --- views (any thread)
 * -------------------------------------------------------------------------------------- */

struct store_view;

/* A view of the facts of a set of tables (FACT_TABLE_BIT): scans of others cannot be opened on it. What is
 * hot is folded to those tables only that somebody asks for, so ask for no more than will be read; a view of
 * none, for reference tables, dictionary and events, costs no folding. */
int store_view_open(struct store *s, uint32_t tables, struct store_view **ret, struct error *err);
void store_view_close(struct store_view *v);

/* The log position that the view shows: every event below it and none above. */
uint64_t store_view_as_of(const struct store_view *v);
/* Whether the facts are those before a refold that is due or under way. */
bool store_view_is_refolding(const struct store_view *v);
const struct dictionary *store_view_dictionary(const struct store_view *v);
const struct reference *store_view_reference(const struct store_view *v);
/* What the view's facts were made with, which while a refold is due is not today's; for who folds the events
 * of one ticket again (explain); the view's.
 */
void store_view_fold(const struct store_view *v, struct fold_environment *ret);

/* The events of one ticket as the view shows them, by its keyed hash: calls each for every one, in no order;
 * an event is valid during the call. 1 and *ret_number, *ret_namespace (in DICTIONARY_NAMESPACE) when the
 * ticket is known, 0 when it is not; negative with err, or what each returned when that was not 0. */
int store_view_ticket(const struct store_view *v, uint64_t hash, uint32_t *ret_number,
                      uint16_t *ret_namespace, int (*each)(void *context, const struct event *e),
                      void *context, struct error *err);
/* The same by the number that facts know it by (FACT_SUBJECT). */
int store_view_ticket_numbered(const struct store_view *v, uint32_t number, uint16_t *ret_namespace,
                               int (*each)(void *context, const struct event *e), void *context,
                               struct error *err);

/* Up to FACT_VECTOR_ROWS rows of one table, by column. Only the columns asked for are there. */
#define FACT_VECTOR_ROWS 8192

struct fact_vector {
    uint32_t n;
    const int64_t *values[FACT_VALUES_MAX];            /* by FACT_… column; NULL when not asked for */
    const uint16_t *dimensions[2][FIELD_N_DIMENSIONS]; /* by set and field; NULL when not asked for */
    const uint8_t *live;                               /* 0: skip that row; NULL: all live */
};

/* A bound that rows must meet for at least one row of a block, else the block is skipped: lets a period skip
 * blocks by their zone maps. Rows outside may still come. */
struct fact_bound {
    unsigned column;   /* a value column */
    int64_t low, high; /* inclusive */
};

struct fact_scan_statistics {
    uint64_t blocks_read, blocks_skipped, rows, bytes;
};

/* A scan lists, when it is opened, the vectors of a table that may hold rows between the bounds: on the
 * view's thread. They are then taken from it one by one, each once: by fact_scan_next on one thread, or by
 * readers on any number of them. */
struct fact_scan;

/* columns are FACT_… or FACT_DIMENSION(set, field): what fact_scan_next brings; readers need none. Several
 * scans a view are fine. Code refolding (-EAGAIN): there are no facts that this build can read before a
 * refold is done. */
int fact_scan_open(const struct store_view *v, enum fact_table table, const uint8_t *columns,
                   size_t n_columns, const struct fact_bound *bounds, size_t n_bounds, struct fact_scan **ret,
                   struct error *err);
/* 1 and the next rows, valid until the next call; 0 at the end; negative with err. */
int fact_scan_next(struct fact_scan *scan, struct fact_vector *ret, struct error *err);
size_t fact_scan_vectors(const struct fact_scan *scan); /* all that there are */
const struct fact_scan_statistics *fact_scan_statistics(const struct fact_scan *scan);
void fact_scan_close(struct fact_scan *scan); /* its readers must have ended */

/* What is known of the values of a column in one vector without reading them: each is FACT_NULL, FACT_FOREVER
 * (where such may be), or between min and max. min > max: each is one of those two. */
struct fact_range {
    int64_t min, max;
    bool has_null, has_forever; /* there may be some */
};

/* Reads vectors column by column, only those that somebody looks at. One thread; its memory is kept from scan
 * to scan, as the first touch of fresh memory costs more than all that is written to it. What cannot be read
 * is zeros, and fact_reader_check says so: ask it before the rows count. */
struct fact_reader;
struct fact_reader *fact_reader_new(void); /* NULL: no memory */
void fact_reader_free(struct fact_reader *reader);
void fact_reader_begin(struct fact_reader *reader, struct fact_scan *scan);
/* Takes the next vector of the scan: its rows, and which of them hold (NULL: all). False: there is none. */
bool fact_reader_next(struct fact_reader *reader, uint32_t *ret_n, const uint8_t **ret_live);
/* Of the vector taken last, valid until the next is: */
void fact_reader_range(struct fact_reader *reader, unsigned column, struct fact_range *ret);
const int64_t *fact_reader_values(struct fact_reader *reader, unsigned column);
/* The same of n rows that `rows` lists, ascending, into ret. */
void fact_reader_pick_values(struct fact_reader *reader, unsigned column, const uint16_t *rows, uint32_t n,
                             int64_t *ret);
void fact_reader_pick_codes(struct fact_reader *reader, unsigned set, unsigned field, const uint16_t *rows,
                            uint32_t n, uint16_t *ret);
/* A column whose range lies between 0 and 255. */
const uint8_t *fact_reader_bytes(struct fact_reader *reader, unsigned column);
/* Column less other where the store keeps just that and neither is missing in any row; else NULL. */
const int64_t *fact_reader_difference(struct fact_reader *reader, unsigned column, unsigned other);
const uint16_t *fact_reader_codes(struct fact_reader *reader, unsigned set, unsigned field);
/* The rows whose code has a 1 in `wanted`, which has 0 or 1 for each of the 65,536, into ret[rows of the
 * vector], ascending; how many. */
uint32_t fact_reader_sift(struct fact_reader *reader, unsigned set, unsigned field, const uint8_t *wanted,
                          uint16_t *ret);
int fact_reader_check(const struct fact_reader *reader, struct error *err);

#endif
