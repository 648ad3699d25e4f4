#include "core/tenant/audit.h"

#include "core/base/instant.h"
#include "core/base/log.h"
#include "core/tenant/audit_inside.h"
#include "core/tenant/control.h"
#include "core/tenant/key_file.h"

#include <endian.h>
#include <lmdb.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETIRE_EVERY_MS 3600000
#define RETIRE_SLICE    4096 /* entries that one transaction takes out */
#define RETRY_MS        1000 /* after a group that could not be written */

int audit_fail(struct error *err, const char *what, int code)
{
    error_set(err,
              code == ENOMEM                           ? -ENOMEM
              : code == MDB_MAP_FULL || code == ENOSPC ? -ENOSPC
                                                       : -EIO,
              "audit_failed", "the audit log cannot be %s: %s", what,
              code > 0 ? strerror(code) : mdb_strerror(code));
    error_hint(err, "what cannot be recorded is not done; look at the disk of data: and at the log");
    return code == ENOMEM ? -ENOMEM : code == MDB_MAP_FULL || code == ENOSPC ? -ENOSPC : -EIO;
}

/* --- records --- */

uint64_t audit_key_number(const MDB_val *k)
{
    uint64_t n = 0;
    if (k->mv_size == sizeof(n))
        memcpy(&n, k->mv_data, sizeof(n));
    return be64toh(n);
}

bool audit_record_read(const MDB_val *v, struct record *ret)
{
    if (v->mv_size < AUDIT_HASH_BYTES + 2 || v->mv_size > AUDIT_HASH_BYTES + AUDIT_TEXT_BYTES)
        return false;
    ret->hash = v->mv_data;
    ret->text = (const char *)v->mv_data + AUDIT_HASH_BYTES;
    ret->size = v->mv_size - AUDIT_HASH_BYTES;
    return ret->text[ret->size - 1] == '}'; /* the byte that does not go into a line of an export */
}

int audit_head_get(struct audit *a, MDB_txn *txn, enum audit_chain chain, struct kept_head *ret)
{
    const char *name = audit_chain_name(chain);
    MDB_val k = {strlen(name), (void *)name}, v;
    int r = mdb_get(txn, a->heads, &k, &v);
    if (r)
        return r;
    json_t *json = json_loadb(v.mv_data, v.mv_size, 0, NULL);
    json_int_t bytes = json_integer_value(json_object_get(json, "bytes"));
    if (audit_head_of_json(json, &ret->head) < 0 || ret->head.chain != chain || bytes < 0)
        r = EBADMSG;
    else
        ret->bytes = (uint64_t)bytes;
    json_decref(json);
    return r;
}

/* Where the chain goes on: its head, or without one its last entry. */
static int head_find(struct audit *a, MDB_txn *txn, enum audit_chain chain, struct kept_head *ret)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    struct record record;
    *ret = (struct kept_head){.head.chain = chain};
    int r = audit_head_get(a, txn, chain, ret);
    if (r != MDB_NOTFOUND && r != EBADMSG)
        return r;
    *ret = (struct kept_head){.head.chain = chain};
    if ((r = mdb_cursor_open(txn, a->entries[chain], &cursor)))
        return r;
    r = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
    if (r == 0 && audit_record_read(&v, &record)) {
        ret->head.last.n = audit_key_number(&k);
        memcpy(ret->head.last.hash, record.hash, AUDIT_HASH_BYTES);
    }
    mdb_cursor_close(cursor);
    return r == MDB_NOTFOUND ? 0 : r;
}

static int head_put(struct audit *a, MDB_txn *txn, struct kept_head *kept)
{
    const char *name = audit_chain_name(kept->head.chain);
    audit_head_sign(&kept->head, a->secret);
    json_t *json = audit_head_json(&kept->head);
    if (!json || json_object_set_new(json, "bytes", json_integer((json_int_t)kept->bytes)) < 0) {
        json_decref(json);
        return ENOMEM;
    }
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text)
        return ENOMEM;
    MDB_val k = {strlen(name), (void *)name}, v = {strlen(text), text};
    int r = mdb_put(txn, a->heads, &k, &v, 0);
    free(text);
    return r;
}

/* --- writing --- */

static json_t *body_new(const char *who, const char *act, const char *tenant, json_t *fields)
{
    json_t *body = json_pack("{s:s, s:s}", "who", who, "act", act);
    if (body && tenant && *tenant && json_object_set_new(body, "tenant", json_string(tenant)) < 0) {
        json_decref(body);
        body = NULL;
    }
    if (body && fields && json_object_set(body, "what", fields) < 0) {
        json_decref(body);
        body = NULL;
    }
    json_decref(fields);
    return body;
}

/* The text of an entry; what is too long says only that. */
static char *entry_text(enum audit_chain chain, uint64_t n, const struct pending *p)
{
    json_t *entry = json_pack("{s:s, s:I, s:I}", "chain", audit_chain_name(chain), "n", (json_int_t)n, "at",
                              (json_int_t)p->at);
    char *text = NULL;
    if (entry && json_object_update(entry, p->body) == 0)
        text = json_dumps(entry, JSON_COMPACT);
    if (text && strlen(text) > AUDIT_TEXT_BYTES) {
        json_t *what = json_pack("{s:I}", "too_long", (json_int_t)strlen(text));
        free(text);
        text = json_object_set_new(entry, "what", what) == 0 ? json_dumps(entry, JSON_COMPACT) : NULL;
    }
    json_decref(entry);
    return text;
}

static int entry_put(struct audit *a, MDB_txn *txn, struct kept_head *kept, const struct pending *p)
{
    uint64_t n = kept->head.last.n + 1, key = htobe64(n);
    char *text = entry_text(kept->head.chain, n, p);
    if (!text)
        return ENOMEM;
    size_t size = strlen(text);
    MDB_val k = {sizeof(key), &key}, v = {AUDIT_HASH_BYTES + size, NULL};
    audit_hash(kept->head.last.hash, text, size, kept->head.last.hash);
    int r = mdb_put(txn, a->entries[kept->head.chain], &k, &v, MDB_RESERVE);
    if (r == 0) {
        memcpy(v.mv_data, kept->head.last.hash, AUDIT_HASH_BYTES);
        memcpy((char *)v.mv_data + AUDIT_HASH_BYTES, text, size);
        kept->head.last.n = n;
        kept->bytes += v.mv_size;
    }
    free(text);
    return r;
}

/* Chains the list, all of it or nothing; *ret_n (may be NULL) is the number of the last one. */
static int chain_append(struct audit *a, enum audit_chain chain, const struct pending *list, uint64_t *ret_n,
                        struct error *err)
{
    MDB_txn *txn;
    struct kept_head kept;
    int r = mdb_txn_begin(a->env, NULL, 0, &txn);
    if (r)
        return audit_fail(err, "written", r);
    r = head_find(a, txn, chain, &kept);
    if (r == 0 && chain == AUDIT_ACTS && kept.bytes > AUDIT_BYTES_MAX)
        r = ENOSPC;
    for (const struct pending *p = list; r == 0 && p; p = p->next)
        r = entry_put(a, txn, &kept, p);
    if (r == 0)
        r = head_put(a, txn, &kept);
    if (r == 0)
        r = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    if (r)
        return audit_fail(err, "written", r);
    if (ret_n)
        *ret_n = kept.head.last.n;
    return 0;
}

static int append_one(struct audit *a, json_t *body, uint64_t *ret_n, struct error *err)
{
    const struct pending one = {.at = instant_now(), .body = body};
    if (!body)
        return audit_fail(err, "written", ENOMEM);
    int r = chain_append(a, AUDIT_ACTS, &one, ret_n, err);
    json_decref(body);
    return r;
}

int audit_act(struct audit *a, const char *by, const char *act, const char *tenant, json_t *fields,
              uint64_t *ret_n, struct error *err)
{
    return append_one(a, body_new(by, act, tenant, fields), ret_n, err);
}

int audit_outcome(struct audit *a, uint64_t n, const char *act, const char *outcome, struct error *err)
{
    return append_one(a, json_pack("{s:s, s:I, s:s}", "act", act, "of", (json_int_t)n, "outcome", outcome),
                      NULL, err);
}

int audit_use(struct audit *a, const char *by, const char *act, const char *tenant, json_t *fields,
              struct error *err)
{
    struct pending *p = malloc(sizeof(*p));
    json_t *body = body_new(by, act, tenant, fields);
    if (!p || !body) {
        free(p);
        json_decref(body);
        return audit_fail(err, "written", ENOMEM);
    }
    *p = (struct pending){.at = instant_now(), .body = body};
    (void)pthread_mutex_lock(&a->lock);
    bool is_taken = a->n_pending < AUDIT_PENDING_MAX;
    if (is_taken) {
        *a->last = p;
        a->last = &p->next;
        if (a->n_pending++ == 0)
            (void)pthread_cond_signal(&a->wanted);
    }
    (void)pthread_mutex_unlock(&a->lock);
    if (is_taken)
        return 0;
    json_decref(p->body);
    free(p);
    error_set(err, -EAGAIN, "audit_failed",
              "%d questions wait to be recorded, and the disk does not take them", AUDIT_PENDING_MAX);
    error_hint(err, "what cannot be recorded is not answered; look at the disk of data: and at the log");
    return -EAGAIN;
}

static void pending_free(struct pending *list)
{
    while (list) {
        struct pending *next = list->next;
        json_decref(list->body);
        free(list);
        list = next;
    }
}

int audit_flush(struct audit *a, struct error *err)
{
    (void)pthread_mutex_lock(&a->writing);
    (void)pthread_mutex_lock(&a->lock);
    struct pending *list = a->first, **end = a->last;
    size_t n = a->n_pending;
    a->first = NULL;
    a->last = &a->first;
    (void)pthread_mutex_unlock(&a->lock);
    int r = list ? chain_append(a, AUDIT_USAGE, list, NULL, err) : 0;
    (void)pthread_mutex_lock(&a->lock);
    if (r == 0) {
        a->n_pending -= n;
    } else { /* in front of what came meanwhile */
        *end = a->first;
        if (!a->first)
            a->last = end;
        a->first = list;
        list = NULL;
    }
    (void)pthread_mutex_unlock(&a->lock);
    (void)pthread_mutex_unlock(&a->writing);
    pending_free(list);
    return r;
}

void audit_state(struct audit *a, size_t *ret_pending, bool *ret_is_failing)
{
    (void)pthread_mutex_lock(&a->lock);
    *ret_pending = a->n_pending;
    *ret_is_failing = a->is_failing;
    (void)pthread_mutex_unlock(&a->lock);
}

/* --- retention --- */

static int64_t at_of(const struct record *record)
{
    json_t *entry = json_loadb(record->text, record->size, 0, NULL);
    int64_t at = json_integer_value(json_object_get(entry, "at"));
    json_decref(entry);
    return at;
}

/* Takes out what is older, at most a slice; *ret_n says how many. */
static int retire_slice(struct audit *a, MDB_txn *txn, struct kept_head *kept, int64_t older_than,
                        size_t *ret_n)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    struct record record;
    int r = mdb_cursor_open(txn, a->entries[kept->head.chain], &cursor);
    if (r)
        return r;
    *ret_n = 0;
    while (r == 0 && *ret_n < RETIRE_SLICE && (r = mdb_cursor_get(cursor, &k, &v, MDB_FIRST)) == 0) {
        bool is_crowded = kept->head.chain == AUDIT_USAGE && kept->bytes > AUDIT_BYTES_MAX;
        if (!audit_record_read(&v, &record)) /* damaged: it stays, for somebody to look at */
            break;
        if (at_of(&record) >= older_than && !is_crowded)
            break;
        kept->head.gone.n = audit_key_number(&k);
        memcpy(kept->head.gone.hash, record.hash, AUDIT_HASH_BYTES);
        kept->bytes -= kept->bytes < v.mv_size ? kept->bytes : v.mv_size;
        r = mdb_cursor_del(cursor, 0);
        ++*ret_n;
    }
    mdb_cursor_close(cursor);
    return r == MDB_NOTFOUND ? 0 : r;
}

static int chain_retire(struct audit *a, enum audit_chain chain, int64_t older_than, size_t *ret_n,
                        struct error *err)
{
    MDB_txn *txn;
    struct kept_head kept;
    int r = mdb_txn_begin(a->env, NULL, 0, &txn);
    if (r)
        return audit_fail(err, "written", r);
    *ret_n = 0;
    r = head_find(a, txn, chain, &kept);
    if (r == 0)
        r = retire_slice(a, txn, &kept, older_than, ret_n);
    if (r == 0 && *ret_n > 0)
        r = head_put(a, txn, &kept);
    if (r == 0 && *ret_n > 0)
        r = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    return r ? audit_fail(err, "written", r) : 0;
}

int audit_retire(struct audit *a, int64_t now, struct error *err)
{
    static const int64_t KEPT_MS[AUDIT_N_CHAINS] = {AUDIT_ACTS_MS, AUDIT_USAGE_MS};
    int r = 0;
    for (unsigned chain = 0; r == 0 && chain < AUDIT_N_CHAINS; chain++) {
        size_t n = RETIRE_SLICE;
        while (r == 0 && n == RETIRE_SLICE)
            r = chain_retire(a, (enum audit_chain)chain, now - KEPT_MS[chain], &n, err);
    }
    return r;
}

/* --- the thread --- */

static void note(struct audit *a, int r, const struct error *err)
{
    char room[600];
    bool is_failing = r < 0;
    if (is_failing != a->is_failing && is_failing)
        log_error(a->logger, "audit", "audit_failed", "reason=%s",
                  log_quote(room, sizeof(room), err->message));
    else if (is_failing != a->is_failing)
        log_info(a->logger, "audit", "audit_resumed", "chain=usage");
    (void)pthread_mutex_lock(&a->lock);
    a->is_failing = is_failing;
    (void)pthread_mutex_unlock(&a->lock);
}

static struct timespec later(int64_t ms)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Waits for a question, then until its group is due. False: nothing came until the time. */
static bool wait_for_group(struct audit *a, int64_t retire_at)
{
    (void)pthread_mutex_lock(&a->lock);
    while (!a->first && !a->is_stopping && instant_monotonic_ms() < retire_at) {
        struct timespec until = later(retire_at - instant_monotonic_ms());
        (void)pthread_cond_timedwait(&a->wanted, &a->lock, &until);
    }
    struct timespec due = later(a->is_failing ? RETRY_MS : AUDIT_GROUP_MS);
    while (a->first && !a->is_stopping && pthread_cond_timedwait(&a->wanted, &a->lock, &due) == 0)
        ;
    bool has_group = a->first != NULL;
    (void)pthread_mutex_unlock(&a->lock);
    return has_group;
}

static bool is_stopping(struct audit *a)
{
    (void)pthread_mutex_lock(&a->lock);
    bool stopping = a->is_stopping;
    (void)pthread_mutex_unlock(&a->lock);
    return stopping;
}

void audit_every_hour(struct audit *a, void (*summarise)(void *ctx), void *ctx)
{
    (void)pthread_mutex_lock(&a->summarising);
    a->summarise = summarise;
    a->summarise_ctx = ctx;
    (void)pthread_mutex_unlock(&a->summarising);
}

static void summarise(struct audit *a)
{
    (void)pthread_mutex_lock(&a->summarising);
    if (a->summarise)
        a->summarise(a->summarise_ctx);
    (void)pthread_mutex_unlock(&a->summarising);
}

static void *work(void *arg)
{
    struct audit *a = arg;
    int64_t retire_at = instant_monotonic_ms();
    (void)pthread_setname_np(pthread_self(), "audit");
    while (!is_stopping(a)) {
        struct error err = ERROR_INIT;
        if (instant_monotonic_ms() >= retire_at) {
            summarise(a);
            note(a, audit_retire(a, instant_now(), &err), &err);
            retire_at = instant_monotonic_ms() + RETIRE_EVERY_MS;
        }
        if (wait_for_group(a, retire_at))
            note(a, audit_flush(a, &err), &err);
    }
    return NULL;
}

/* --- opening --- */

static int open_databases(struct audit *a, struct error *err)
{
    MDB_txn *txn;
    int r = mdb_txn_begin(a->env, NULL, 0, &txn);
    if (r)
        return audit_fail(err, "opened", r);
    if ((r = mdb_dbi_open(txn, "audit_acts", MDB_CREATE, &a->entries[AUDIT_ACTS])) ||
        (r = mdb_dbi_open(txn, "audit_usage", MDB_CREATE, &a->entries[AUDIT_USAGE])) ||
        (r = mdb_dbi_open(txn, "audit_heads", MDB_CREATE, &a->heads))) {
        mdb_txn_abort(txn);
        return audit_fail(err, "opened", r);
    }
    r = mdb_txn_commit(txn);
    return r ? audit_fail(err, "opened", r) : 0;
}

/* What is wrong with the end of a chain, in a word; NULL when nothing is. */
static const char *end_damage(struct audit *a, MDB_txn *txn, enum audit_chain chain, int *ret)
{
    struct kept_head kept;
    MDB_cursor *cursor;
    MDB_val k, v;
    struct record record;
    int head = audit_head_get(a, txn, chain, &kept);
    if ((*ret = mdb_cursor_open(txn, a->entries[chain], &cursor)))
        return NULL;
    int last = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
    mdb_cursor_close(cursor);
    if (head == MDB_NOTFOUND)
        return last == 0 ? "head_missing" : NULL;
    if (head != 0)
        return "head_unreadable";
    if (!audit_head_valid(&kept.head))
        return "head_signature";
    if (memcmp(kept.head.public_key, a->secret + 32, AUDIT_KEY_BYTES) != 0)
        return "head_of_another_key";
    if (kept.head.last.n == kept.head.gone.n)
        return last == 0 ? "entries_unsigned" : NULL;
    if (last != 0 || audit_key_number(&k) != kept.head.last.n || !audit_record_read(&v, &record) ||
        memcmp(record.hash, kept.head.last.hash, AUDIT_HASH_BYTES) != 0)
        return "end_differs";
    return NULL;
}

static int look_at_ends(struct audit *a, struct error *err)
{
    const char *damage[AUDIT_N_CHAINS] = {NULL};
    MDB_txn *txn;
    int r = mdb_txn_begin(a->env, NULL, MDB_RDONLY, &txn);
    if (r)
        return audit_fail(err, "read", r);
    for (unsigned chain = 0; r == 0 && chain < AUDIT_N_CHAINS; chain++)
        damage[chain] = end_damage(a, txn, (enum audit_chain)chain, &r);
    mdb_txn_abort(txn);
    if (r)
        return audit_fail(err, "read", r);
    for (unsigned chain = 0; chain < AUDIT_N_CHAINS; chain++) {
        const char *name = audit_chain_name((enum audit_chain)chain);
        if (!damage[chain])
            continue;
        log_error(a->logger, "audit", "audit_damaged", "chain=%s damage=%s", name, damage[chain]);
        r = audit_act(a, "tendond", "audit.damaged", NULL,
                      json_pack("{s:s, s:s}", "chain", name, "damage", damage[chain]), NULL, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int audit_open(const struct audit_options *options, struct audit **ret, struct error *err)
{
    uint8_t seed[AUDIT_KEY_BYTES], public_key[crypto_sign_PUBLICKEYBYTES];
    pthread_condattr_t attributes;
    int r = key_file_audit(options->keys, seed, err);
    if (r < 0)
        return r;
    struct audit *a = calloc(1, sizeof(*a));
    if (!a)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the audit log");
    (void)crypto_sign_seed_keypair(public_key, a->secret, seed);
    sodium_memzero(seed, sizeof(seed));
    a->env = control_environment(options->control);
    a->logger = options->logger;
    a->last = &a->first;
    (void)pthread_mutex_init(&a->writing, NULL);
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_mutex_init(&a->summarising, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&a->wanted, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    r = open_databases(a, err);
    if (r == 0)
        r = look_at_ends(a, err);
    if (r == 0) {
        r = -pthread_create(&a->thread, NULL, work, a);
        a->is_started = r == 0;
        if (r < 0)
            error_set(err, r, "no_threads", "the audit log's thread cannot be started: %s", strerror(-r));
    }
    if (r < 0) {
        audit_close(a);
        return r;
    }
    *ret = a;
    return 0;
}

void audit_close(struct audit *a)
{
    struct error err = ERROR_INIT;
    if (!a)
        return;
    if (a->is_started) {
        (void)pthread_mutex_lock(&a->lock);
        a->is_stopping = true;
        (void)pthread_cond_signal(&a->wanted);
        (void)pthread_mutex_unlock(&a->lock);
        (void)pthread_join(a->thread, NULL);
        if (audit_flush(a, &err) < 0)
            log_error(a->logger, "audit", "audit_lost", "entries=%zu reason=%s", a->n_pending, err.code);
    }
    pending_free(a->first);
    (void)pthread_cond_destroy(&a->wanted);
    (void)pthread_mutex_destroy(&a->lock);
    (void)pthread_mutex_destroy(&a->writing);
    (void)pthread_mutex_destroy(&a->summarising);
    sodium_memzero(a->secret, sizeof(a->secret));
    free(a);
}
