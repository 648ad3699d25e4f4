#include "core/store/db.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const NAMES[DB_N] = {
#define X(name, text) [DB_##name] = text,
    DB_LIST(X)
#undef X
};

enum { READERS_MAX = 256 };

int db_error(int rc, struct error *err)
{
    if (rc == MDB_MAP_FULL || rc == ENOSPC || rc == EDQUOT || rc == MDB_TXN_FULL) {
        (void)error_set(err, -ENOSPC, "disk_full", "the tenant's store has no room left (%s)",
                        mdb_strerror(rc));
        error_hint(err, "free disk space, or raise the tenant's stored_bytes limit");
        return -ENOSPC;
    }
    if (rc == ENOMEM)
        return error_set(err, -ENOMEM, "no_memory", "out of memory in the store");
    if (rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH)
        return error_set(err, -EBADMSG, "store_corrupt", "the store's file is damaged (%s)",
                         mdb_strerror(rc));
    (void)error_set(err, -EIO, "store_failed", "the store could not be read or written (%s)",
                    mdb_strerror(rc));
    error_hint(err, "look at the disk: LMDB reports a full disk and a failing one alike");
    return -EIO;
}

int db_open(struct db *db, const char *path, uint64_t map_bytes, bool create, struct error *err)
{
    *db = (struct db){0};
    if (create && mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_set(err, -errno, "store_open", "cannot make the store's directory %s: %s", path,
                         strerror(errno));
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return error_set(err, -ENOENT, "store_missing", "there is no store at %s", path);
    int rc = mdb_env_create(&db->env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(db->env, map_bytes);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(db->env, DB_N);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(db->env, READERS_MAX);
    if (rc == 0)
        rc = mdb_env_open(db->env, path, MDB_NOTLS | MDB_NORDAHEAD, 0600);
    /* LMDB opens its data file without O_CLOEXEC. */
    mdb_filehandle_t fd;
    if (rc == 0 && mdb_env_get_fd(db->env, &fd) == 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    MDB_txn *txn = NULL;
    MDB_envinfo info = {0};
    if (rc == 0)
        rc = mdb_env_info(db->env, &info);
    if (rc == 0)
        rc = mdb_txn_begin(db->env, NULL, 0, &txn);
    for (unsigned i = 0; i < DB_N && rc == 0; i++)
        rc = mdb_dbi_open(txn, NAMES[i], MDB_CREATE, &db->dbi[i]);
    MDB_stat stat_;
    if (rc == 0)
        rc = mdb_env_stat(db->env, &stat_);
    if (rc == 0) {
        db->page_bytes = stat_.ms_psize;
        rc = mdb_txn_commit(txn);
        txn = NULL;
    }
    if (txn)
        mdb_txn_abort(txn);
    if (rc != 0) {
        int r = db_error(rc, err);
        error_prefix(err, "%s", path);
        db_close(db);
        return r;
    }
    /* LMDB never flushes the directory that names its files. Where there was a commit behind that of the
     * databases, this has been done before it. */
    int dir = info.me_last_txnid < 2 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir >= 0) {
        (void)fsync(dir);
        (void)close(dir);
    }
    return 0;
}

void db_close(struct db *db)
{
    if (db->env)
        mdb_env_close(db->env);
    db->env = NULL;
}

int txn_begin(struct txn *t, struct db *db, bool write, struct error *err)
{
    *t = (struct txn){.db = db};
    t->rc = mdb_txn_begin(db->env, NULL, write ? 0 : MDB_RDONLY, &t->mdb);
    return t->rc ? db_error(t->rc, err) : 0;
}

static void put(struct txn *t, enum db_name name, const void *key, size_t key_size, const void *value,
                size_t size, unsigned flags)
{
    if (t->rc)
        return;
    MDB_val k = {key_size, (void *)key}, v = {size, (void *)value};
    t->rc = mdb_put(t->mdb, t->db->dbi[name], &k, &v, flags);
}

void txn_put(struct txn *t, enum db_name name, const void *key, size_t key_size, const void *value,
             size_t size)
{
    put(t, name, key, key_size, value, size, 0);
}

void txn_append(struct txn *t, enum db_name name, const void *key, size_t key_size, const void *value,
                size_t size)
{
    put(t, name, key, key_size, value, size, MDB_APPEND);
}

/* Kept are key, size u32 and bytes, one after the other. */
void txn_keep(struct buffer *kept, const void *key, size_t key_size, const struct buffer *value)
{
    uint32_t size = (uint32_t)value->size;
    buffer_append(kept, key, key_size);
    buffer_append(kept, &size, sizeof(size));
    buffer_append(kept, value->data, value->size);
}

void txn_put_kept(struct txn *t, enum db_name name, size_t key_size, struct buffer *kept)
{
    for (size_t at = 0; at < kept->size;) {
        const uint8_t *key = kept->data + at, *value = key + key_size + sizeof(uint32_t);
        uint32_t size;
        memcpy(&size, key + key_size, sizeof(size));
        txn_put(t, name, key, key_size, value, size);
        at = (size_t)(value - kept->data) + size;
    }
    buffer_clear(kept);
}

void txn_delete(struct txn *t, enum db_name name, const void *key, size_t key_size)
{
    if (t->rc)
        return;
    MDB_val k = {key_size, (void *)key};
    int rc = mdb_del(t->mdb, t->db->dbi[name], &k, NULL);
    if (rc != MDB_NOTFOUND)
        t->rc = rc;
}

void txn_empty(struct txn *t, enum db_name name)
{
    if (!t->rc)
        t->rc = mdb_drop(t->mdb, t->db->dbi[name], 0);
}

bool txn_get(struct txn *t, enum db_name name, const void *key, size_t key_size, MDB_val *ret)
{
    if (t->rc)
        return false;
    MDB_val k = {key_size, (void *)key};
    int rc = mdb_get(t->mdb, t->db->dbi[name], &k, ret);
    if (rc != 0 && rc != MDB_NOTFOUND)
        t->rc = rc;
    return rc == 0;
}

int txn_commit(struct txn *t, struct error *err)
{
    int rc = t->rc;
    if (rc)
        mdb_txn_abort(t->mdb);
    else
        rc = mdb_txn_commit(t->mdb);
    t->mdb = NULL;
    t->rc = rc;
    return rc ? db_error(rc, err) : 0;
}

void txn_abort(struct txn *t)
{
    if (t->mdb)
        mdb_txn_abort(t->mdb);
    t->mdb = NULL;
}

int walk_open(struct walk *w, struct txn *t, enum db_name name, const void *key, size_t key_size)
{
    *w = (struct walk){.first = true};
    if (t->rc)
        return -EIO;
    t->rc = mdb_cursor_open(t->mdb, t->db->dbi[name], &w->cursor);
    if (t->rc)
        return -EIO;
    w->key = (MDB_val){key_size, (void *)key};
    return 0;
}

bool walk_next(struct walk *w)
{
    if (!w->cursor || w->rc)
        return false;
    MDB_cursor_op op = w->first ? w->key.mv_size ? MDB_SET_RANGE : MDB_FIRST : MDB_NEXT;
    w->first = false;
    w->rc = mdb_cursor_get(w->cursor, &w->key, &w->value, op);
    return w->rc == 0;
}

void walk_close(struct walk *w, struct txn *t)
{
    if (w->cursor)
        mdb_cursor_close(w->cursor);
    w->cursor = NULL;
    if (w->rc && w->rc != MDB_NOTFOUND && !t->rc)
        t->rc = w->rc;
}
