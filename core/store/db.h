/* The LMDB environment of one tenant, and transactions with a sticky error: a sequence of writes needs one
 * check, at its commit. LMDB's simple subset only: no DUPSORT, no WRITEMAP, synchronous commits, MDB_NOTLS.
 */
#ifndef TENDON_STORE_DB_H
#define TENDON_STORE_DB_H

#include "core/base/buffer.h"
#include "core/base/error.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

/* X(NAME, name, what it holds). The keys are big-endian, so that they sort as numbers. */
#define DB_LIST(X)                                                                                           \
    X(META, "meta")             /* "state" → struct store_meta */                                          \
    X(SOURCES, "sources")       /* name → struct source_record and the sealed cursor */                    \
    X(REJECTS, "rejects")       /* name → ring of the newest rejects */                                    \
    X(DICTIONARY, "dictionary") /* field u8, number u32 → string */                                        \
    X(JOURNAL, "journal")       /* log position u64 → the events of one commit, as they came */            \
    X(OUTGOING, "outgoing")     /* serial u64 → what one commit did, for who reads on (outgoing.h) */      \
    X(SEGMENTS, "segments")     /* segment u32, place u16 → block of events by subject */                  \
    X(DIRECTORY, "directory")   /* run and its bits u32, level u8, bucket u32 → hashes and numbers */      \
    X(SUBJECTS, "subjects")     /* number u32 / 256 → where each subject's events and facts are */         \
    X(HOT, "hot")               /* place u32 → subjects that the last seal left in memory */               \
    X(FACTS, "facts")           /* struct fact_key → block of rows by subject */                           \
    X(DEAD, "dead")             /* struct fact_key → bits of rows that no longer hold */                   \
    X(REFERENCE, "reference")   /* place u32 → one version of one row */                                   \
    X(BEFORE, "before")         /* what the facts were made with, while a refold is due: the same, and       \
                                   "settings" and "dropped" as in meta */

enum db_name {
#define X(name, text) DB_##name,
    DB_LIST(X)
#undef X
        DB_N
};

struct db {
    MDB_env *env;
    MDB_dbi dbi[DB_N];
    size_t page_bytes;
};

/* Codes: store_missing, store_open. */
int db_open(struct db *db, const char *path, uint64_t map_bytes, bool create, struct error *err);
void db_close(struct db *db);

struct txn {
    struct db *db;
    MDB_txn *mdb;
    int rc; /* the first LMDB error */
};

int txn_begin(struct txn *t, struct db *db, bool write, struct error *err);
/* One that writes: its number, which ascend. One that reads: the last whose changes it sees. */
static inline size_t txn_id(const struct txn *t)
{
    return mdb_txn_id(t->mdb);
}
void txn_put(struct txn *t, enum db_name name, const void *key, size_t key_size, const void *value,
             size_t size);
/* Puts an entry behind all others of its database, into pages that stay full. Its key is greater than theirs.
 */
void txn_append(struct txn *t, enum db_name name, const void *key, size_t key_size, const void *value,
                size_t size);
/* Keeps what no transaction can take yet, for txn_put_kept on the thread that has one. Failure is the
 * buffer's. */
void txn_keep(struct buffer *kept, const void *key, size_t key_size, const struct buffer *value);
/* Puts all that was kept with keys of that size, and empties the buffer. */
void txn_put_kept(struct txn *t, enum db_name name, size_t key_size, struct buffer *kept);
void txn_delete(struct txn *t, enum db_name name, const void *key, size_t key_size);
void txn_empty(struct txn *t, enum db_name name);
/* false when it is not there or the transaction has failed; the bytes are the map's, valid until the next
 * write. */
bool txn_get(struct txn *t, enum db_name name, const void *key, size_t key_size, MDB_val *ret);
/* Ends the transaction either way. -ENOSPC (disk_full) or -EIO (store_failed). */
int txn_commit(struct txn *t, struct error *err);
void txn_abort(struct txn *t);
/* An LMDB error as one of ours. */
int db_error(int rc, struct error *err);

/* Walks the entries from the first key ≥ key. */
struct walk {
    MDB_cursor *cursor;
    MDB_val key, value;
    bool first;
    int rc;
};
int walk_open(struct walk *w, struct txn *t, enum db_name name, const void *key, size_t key_size);
bool walk_next(struct walk *w); /* false at the end or on an error, which is the transaction's then */
void walk_close(struct walk *w, struct txn *t);

static inline void put_u32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    __builtin_memcpy(p, &v, 4);
}
static inline uint32_t get_u32(const void *p)
{
    uint32_t v;
    __builtin_memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
static inline void put_u64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    __builtin_memcpy(p, &v, 8);
}
static inline uint64_t get_u64(const void *p)
{
    uint64_t v;
    __builtin_memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}
static inline void put_u16(uint8_t *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    __builtin_memcpy(p, &v, 2);
}
static inline uint16_t get_u16(const void *p)
{
    uint16_t v;
    __builtin_memcpy(&v, p, 2);
    return __builtin_bswap16(v);
}

#endif
