/* What fills a tenant's environment: the bytes of each of its databases, as JSON. Only while no daemon has it
 * open.
 *
 *   sizes FOLDER */
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 64

static size_t pages(const MDB_stat *stat)
{
    return stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}

/* Each key of the main database is the name of one. */
static int print_all(MDB_txn *txn)
{
    MDB_val key, value;
    MDB_cursor *cursor;
    MDB_dbi main, dbi;
    MDB_stat stat;
    int rc = mdb_dbi_open(txn, NULL, 0, &main);

    if (rc != 0)
        return rc;
    rc = mdb_cursor_open(txn, main, &cursor);
    if (rc != 0)
        return rc;
    (void)printf("{");
    for (const char *comma = ""; (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0; comma = ", ") {
        char name[NAME_BYTES];

        if (key.mv_size >= sizeof(name)) {
            rc = MDB_BAD_VALSIZE;
            break;
        }
        memcpy(name, key.mv_data, key.mv_size);
        name[key.mv_size] = '\0';
        rc = mdb_dbi_open(txn, name, 0, &dbi);
        if (rc == 0)
            rc = mdb_stat(txn, dbi, &stat);
        if (rc != 0)
            break;
        (void)printf("%s\"%s\": %zu", comma, name, pages(&stat) * stat.ms_psize);
    }
    mdb_cursor_close(cursor);
    (void)printf("}\n");
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int main(int argc, char **argv)
{
    MDB_env *env = NULL;
    MDB_txn *txn;
    int rc;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: sizes FOLDER\n");
        return 2;
    }
    rc = mdb_env_create(&env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(env, 128);
    if (rc == 0)
        rc = mdb_env_open(env, argv[1], MDB_RDONLY | MDB_NOTLS, 0600);
    if (rc == 0)
        rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc == 0) {
        rc = print_all(txn);
        mdb_txn_abort(txn);
    }
    if (rc != 0)
        (void)fprintf(stderr, "bench: %s: %s\n", argv[1], mdb_strerror(rc));
    if (env)
        mdb_env_close(env);
    return rc == 0 ? 0 : 1;
}
