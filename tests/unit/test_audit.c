/* The audit log: what was written is there after a restart, and whoever changes, takes out, moves or cuts off
 * any of it is found, with the place. */
#include "core/base/instant.h"
#include "core/base/log.h"
#include "core/tenant/audit.h"
#include "core/tenant/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <endian.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS 86400000ll

struct place {
    char folder[64], path[128];
    struct logger logger;
    struct control *control;
    struct audit *audit;
};

static void open_log(struct place *p)
{
    struct error err = ERROR_INIT;
    if (control_open(p->path, &p->control, &err) < 0)
        fail_msg("%s", err.message);
    const struct audit_options options = {
        .control = p->control,
        .keys = p->folder,
        .logger = &p->logger,
    };
    if (audit_open(&options, &p->audit, &err) < 0)
        fail_msg("%s", err.message);
}

static void close_log(struct place *p)
{
    audit_close(p->audit);
    control_close(p->control);
    p->audit = NULL;
    p->control = NULL;
}

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    (void)snprintf(p->folder, sizeof(p->folder), "/tmp/test-audit-XXXXXX");
    if (!mkdtemp(p->folder))
        return -1;
    (void)snprintf(p->path, sizeof(p->path), "%s/control", p->folder);
    logger_init(&p->logger, open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR);
    open_log(p);
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    char command[256];
    close_log(p);
    (void)snprintf(command, sizeof(command), "rm -rf %s", p->folder);
    free(p);
    return system(command);
}

/* --- what the tests write and how they read it --- */

static uint64_t act(struct place *p, const char *what, const char *tenant, int number)
{
    struct error err = ERROR_INIT;
    uint64_t n = 0;
    if (audit_act(p->audit, "uid:0", what, tenant, json_pack("{s:i}", "number", number), &n, &err) < 0)
        fail_msg("%s", err.message);
    return n;
}

static void use(struct place *p, int number)
{
    struct error err = ERROR_INIT;
    assert_int_equal(
        audit_use(p->audit, "reader", "query", "riverbend", json_pack("{s:i}", "number", number), &err), 0);
}

/* All lines of a chain, in pages of three, and its head. */
static json_t *export_all(struct place *p, enum audit_chain chain, struct audit_head *ret_head)
{
    json_t *all = json_array(), *page;
    struct error err = ERROR_INIT;
    uint64_t from = 0;
    do {
        assert_int_equal(audit_export(p->audit, chain, from, UINT64_MAX, 3, &page, &err), 0);
        assert_int_equal(audit_head_of_json(json_object_get(page, "head"), ret_head), 0);
        (void)json_array_extend(all, json_object_get(page, "lines"));
        from = (uint64_t)json_integer_value(json_object_get(page, "next"));
        json_decref(page);
    } while (from);
    return all;
}

/* 0, or what is wrong in err. */
static int check_lines(const struct audit_head *head, const json_t *lines, struct error *err)
{
    struct audit_check c;
    int r = audit_check_begin(&c, head, NULL, err);
    for (size_t i = 0; r == 0 && i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        r = audit_check_line(&c, json_string_value(line), json_string_length(line), err);
    }
    return r < 0 ? r : audit_check_end(&c, err);
}

static int verify(struct place *p, enum audit_chain chain, struct error *err)
{
    struct audit_head head;
    json_t *lines = export_all(p, chain, &head);
    int r = check_lines(&head, lines, err);
    json_decref(lines);
    return r;
}

static void assert_whole(struct place *p, enum audit_chain chain)
{
    struct error err = ERROR_INIT;
    if (verify(p, chain, &err) < 0)
        fail_msg("%s", err.message);
}

static void assert_broken_at(struct place *p, enum audit_chain chain, uint64_t n)
{
    struct error err = ERROR_INIT;
    char place[64];
    assert_int_equal(verify(p, chain, &err), -EBADMSG);
    (void)snprintf(place, sizeof(place), "%s, entry %llu: ", audit_chain_name(chain), (unsigned long long)n);
    if (strncmp(err.message, place, strlen(place)) != 0)
        fail_msg("expected %s, got %s", place, err.message);
}

/* --- the files in a stranger's hands --- */

/* Opens the database of a chain for writing. */
static MDB_txn *tamper_begin(struct place *p, const char *name, MDB_dbi *ret)
{
    MDB_txn *txn;
    assert_int_equal(mdb_txn_begin(control_environment(p->control), NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, name, 0, ret), 0);
    return txn;
}

/* A copy of the value of entry n; the caller frees mv_data. */
static MDB_val value_get(MDB_txn *txn, MDB_dbi dbi, uint64_t n)
{
    uint64_t key = htobe64(n);
    MDB_val v;
    assert_int_equal(mdb_get(txn, dbi, &(MDB_val){sizeof(key), &key}, &v), 0);
    void *copy = malloc(v.mv_size);
    memcpy(copy, v.mv_data, v.mv_size);
    return (MDB_val){v.mv_size, copy};
}

static void value_put(MDB_txn *txn, MDB_dbi dbi, uint64_t n, MDB_val v)
{
    uint64_t key = htobe64(n);
    assert_int_equal(mdb_put(txn, dbi, &(MDB_val){sizeof(key), &key}, &v, 0), 0);
}

static void value_del(MDB_txn *txn, MDB_dbi dbi, uint64_t n)
{
    uint64_t key = htobe64(n);
    assert_int_equal(mdb_del(txn, dbi, &(MDB_val){sizeof(key), &key}, NULL), 0);
}

/* --- */

static void written_and_found_again(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    struct audit_head head;
    assert_whole(p, AUDIT_ACTS);
    assert_int_equal(act(p, "key.grant", "riverbend", 7), 1);
    assert_int_equal(act(p, "tenant.add", "lakeside", 8), 2);
    assert_int_equal(audit_outcome(p->audit, 2, "tenant.add", "done", &err), 0);
    use(p, 1);
    use(p, 2);
    assert_int_equal(audit_flush(p->audit, &err), 0);
    close_log(p);
    open_log(p);
    assert_int_equal(act(p, "key.revoke", "riverbend", 9), 4);
    assert_whole(p, AUDIT_ACTS);
    assert_whole(p, AUDIT_USAGE);
    json_t *lines = export_all(p, AUDIT_ACTS, &head);
    assert_int_equal(json_array_size(lines), 4);
    assert_int_equal(head.last.n, 4);
    json_t *first = json_loads(json_string_value(json_array_get(lines, 0)), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(first, "act")), "key.grant");
    assert_string_equal(json_string_value(json_object_get(first, "who")), "uid:0");
    assert_int_equal(json_string_length(json_object_get(first, "hash")), 64);
    json_decref(first);
    json_decref(lines);
}

static void listed_newest_first(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    json_t *list;
    (void)act(p, "key.grant", "riverbend", 1);
    (void)act(p, "key.grant", "lakeside", 2);
    assert_int_equal(audit_outcome(p->audit, 2, "key.grant", "key_exists", &err), 0);
    assert_int_equal(audit_outcome(p->audit, 1, "key.grant", "done", &err), 0);
    (void)act(p, "tenant.remove", "lakeside", 3);
    struct audit_filter f = {.chain = AUDIT_ACTS, .limit = 10};
    assert_int_equal(audit_list(p->audit, &f, &list, &err), 0);
    assert_int_equal(json_array_size(list), 3);
    static const struct {
        const char *act, *outcome;
    } EXPECTED[] = {{"tenant.remove", NULL}, {"key.grant", "key_exists"}, {"key.grant", "done"}};
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(list, i);
        const char *outcome = json_string_value(json_object_get(row, "outcome"));
        assert_string_equal(json_string_value(json_object_get(row, "act")), EXPECTED[i].act);
        assert_string_equal(outcome ? outcome : "-", EXPECTED[i].outcome ? EXPECTED[i].outcome : "-");
    }
    json_decref(list);
    f.tenant = "lakeside";
    f.act = "key.*";
    assert_int_equal(audit_list(p->audit, &f, &list, &err), 0);
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    f.act = "key";
    assert_int_equal(audit_list(p->audit, &f, &list, &err), 0);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

/* Each bit of each entry, of its hash and of its text. */
static void a_flipped_bit(void **state)
{
    struct place *p = *state;
    MDB_dbi dbi;
    for (int i = 1; i <= 5; i++)
        (void)act(p, "key.grant", "riverbend", i);
    for (uint64_t n = 1; n <= 5; n++) {
        MDB_txn *txn = tamper_begin(p, "audit_acts", &dbi);
        MDB_val v = value_get(txn, dbi, n);
        mdb_txn_abort(txn);
        for (size_t bit = n % 7; bit < 8 * v.mv_size; bit += 7) {
            uint8_t *byte = (uint8_t *)v.mv_data + bit / 8;
            *byte ^= (uint8_t)(1u << bit % 8);
            txn = tamper_begin(p, "audit_acts", &dbi);
            value_put(txn, dbi, n, v);
            assert_int_equal(mdb_txn_commit(txn), 0);
            assert_broken_at(p, AUDIT_ACTS, n);
            *byte ^= (uint8_t)(1u << bit % 8);
        }
        txn = tamper_begin(p, "audit_acts", &dbi);
        value_put(txn, dbi, n, v);
        assert_int_equal(mdb_txn_commit(txn), 0);
        free(v.mv_data);
    }
    assert_whole(p, AUDIT_ACTS);
}

static void one_taken_out(void **state)
{
    struct place *p = *state;
    MDB_dbi dbi;
    for (int i = 1; i <= 6; i++)
        (void)act(p, "key.grant", "riverbend", i);
    for (uint64_t n = 1; n <= 6; n++) {
        MDB_txn *txn = tamper_begin(p, "audit_acts", &dbi);
        MDB_val v = value_get(txn, dbi, n);
        value_del(txn, dbi, n);
        assert_int_equal(mdb_txn_commit(txn), 0);
        assert_broken_at(p, AUDIT_ACTS, n);
        txn = tamper_begin(p, "audit_acts", &dbi);
        value_put(txn, dbi, n, v);
        assert_int_equal(mdb_txn_commit(txn), 0);
        free(v.mv_data);
    }
    assert_whole(p, AUDIT_ACTS);
}

static void two_swapped(void **state)
{
    struct place *p = *state;
    MDB_dbi dbi;
    for (int i = 1; i <= 6; i++)
        (void)act(p, "key.grant", "riverbend", i);
    for (uint64_t low = 1; low <= 6; low++)
        for (uint64_t high = low + 1; high <= 6; high++) {
            MDB_txn *txn = tamper_begin(p, "audit_acts", &dbi);
            MDB_val a = value_get(txn, dbi, low), b = value_get(txn, dbi, high);
            value_put(txn, dbi, low, b);
            value_put(txn, dbi, high, a);
            assert_int_equal(mdb_txn_commit(txn), 0);
            assert_broken_at(p, AUDIT_ACTS, low);
            txn = tamper_begin(p, "audit_acts", &dbi);
            value_put(txn, dbi, low, a);
            value_put(txn, dbi, high, b);
            assert_int_equal(mdb_txn_commit(txn), 0);
            free(a.mv_data);
            free(b.mv_data);
        }
    assert_whole(p, AUDIT_ACTS);
}

/* From either end; and behind a tail that was cut off the next entry does not hide it. */
static void cut_off(void **state)
{
    struct place *p = *state;
    MDB_dbi dbi;
    MDB_val kept[7];
    for (int i = 1; i <= 6; i++)
        (void)act(p, "key.grant", "riverbend", i);
    for (uint64_t n = 6; n >= 1; n--) {
        MDB_txn *txn = tamper_begin(p, "audit_acts", &dbi);
        kept[n] = value_get(txn, dbi, n);
        value_del(txn, dbi, n);
        assert_int_equal(mdb_txn_commit(txn), 0);
        assert_broken_at(p, AUDIT_ACTS, n);
    }
    MDB_txn *txn = tamper_begin(p, "audit_acts", &dbi);
    for (uint64_t n = 4; n <= 6; n++)
        value_put(txn, dbi, n, kept[n]);
    assert_int_equal(mdb_txn_commit(txn), 0);
    assert_broken_at(p, AUDIT_ACTS, 1);
    txn = tamper_begin(p, "audit_acts", &dbi);
    for (uint64_t n = 1; n <= 6; n++) {
        if (n < 5)
            value_put(txn, dbi, n, kept[n]);
        else
            value_del(txn, dbi, n);
        free(kept[n].mv_data);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    assert_int_equal(act(p, "key.revoke", "riverbend", 7), 7);
    assert_broken_at(p, AUDIT_ACTS, 5);
}

/* Whoever works out all the hashes anew has no key to sign the end. */
static void written_anew(void **state)
{
    struct place *p = *state;
    uint8_t before[AUDIT_HASH_BYTES] = {0};
    MDB_dbi dbi;
    for (int i = 1; i <= 4; i++)
        (void)act(p, "key.grant", "riverbend", i);
    MDB_txn *txn = tamper_begin(p, "audit_acts", &dbi);
    for (uint64_t n = 1; n <= 4; n++) {
        MDB_val v = value_get(txn, dbi, n);
        char *text = (char *)v.mv_data + AUDIT_HASH_BYTES;
        size_t size = v.mv_size - AUDIT_HASH_BYTES;
        if (n == 2)
            text[size - 3] = '9'; /* {"number":2} */
        audit_hash(before, text, size, before);
        memcpy(v.mv_data, before, sizeof(before));
        value_put(txn, dbi, n, v);
        free(v.mv_data);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    assert_broken_at(p, AUDIT_ACTS, 4);
}

/* A head with anything changed is no head; nor is one of another key, where one is asked for. */
static void heads(void **state)
{
    struct place *p = *state;
    struct audit_head head, other;
    struct audit_check c;
    struct error err = ERROR_INIT;
    (void)act(p, "key.grant", "riverbend", 1);
    json_decref(export_all(p, AUDIT_ACTS, &head));
    assert_true(audit_head_valid(&head));
    json_t *json = audit_head_json(&head);
    assert_int_equal(audit_head_of_json(json, &other), 0);
    json_decref(json);
    assert_true(audit_head_valid(&other));
#define CHANGED(what)                                                                                        \
    do {                                                                                                     \
        other = head;                                                                                        \
        other.what ^= 1;                                                                                     \
        assert_false(audit_head_valid(&other));                                                              \
        assert_int_equal(audit_check_begin(&c, &other, NULL, &err), -EBADMSG);                               \
    } while (0)
    CHANGED(gone.n);
    CHANGED(gone.hash[0]);
    CHANGED(last.n);
    CHANGED(last.hash[31]);
    CHANGED(at);
    CHANGED(public_key[3]);
    CHANGED(signature[63]);
    other = head;
    other.chain = AUDIT_USAGE;
    assert_false(audit_head_valid(&other));
    uint8_t key[AUDIT_KEY_BYTES];
    memcpy(key, head.public_key, sizeof(key));
    assert_int_equal(audit_check_begin(&c, &head, key, &err), 0);
    key[0] ^= 1;
    assert_int_equal(audit_check_begin(&c, &head, key, &err), -EBADMSG);
    assert_string_equal(err.code, "audit_head");
}

static void put_head_back(struct place *p, const char *chain, MDB_val *old)
{
    MDB_dbi dbi;
    MDB_txn *txn = tamper_begin(p, "audit_heads", &dbi);
    MDB_val k = {strlen(chain), (void *)chain};
    assert_int_equal(mdb_put(txn, dbi, &k, old, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
}

/* An old head put back with the entries behind it left, or the head gone: the next start says so, in the log.
 */
static void damage_is_an_entry(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    MDB_dbi dbi;
    MDB_val k = {4, (void *)"acts"}, v;
    (void)act(p, "key.grant", "riverbend", 1);
    MDB_txn *txn = tamper_begin(p, "audit_heads", &dbi);
    assert_int_equal(mdb_get(txn, dbi, &k, &v), 0);
    MDB_val old = {v.mv_size, strndup(v.mv_data, v.mv_size)};
    mdb_txn_abort(txn);
    (void)act(p, "key.grant", "riverbend", 2);
    put_head_back(p, "acts", &old);
    assert_broken_at(p, AUDIT_ACTS, 2);
    close_log(p);
    open_log(p);
    struct audit_filter f = {.chain = AUDIT_ACTS, .act = "audit.damaged", .limit = 10};
    json_t *list;
    assert_int_equal(audit_list(p->audit, &f, &list, &err), 0);
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    txn = tamper_begin(p, "audit_heads", &dbi);
    assert_int_equal(mdb_del(txn, dbi, &k, NULL), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    close_log(p);
    open_log(p);
    assert_int_equal(audit_list(p->audit, &f, &list, &err), 0);
    assert_int_equal(json_array_size(list), 2);
    json_decref(list);
    free(old.mv_data);
}

static void what_is_old_leaves(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    struct audit_head head;
    int64_t now = instant_now();
    for (int i = 1; i <= 5; i++) {
        (void)act(p, "key.grant", "riverbend", i);
        use(p, i);
    }
    assert_int_equal(audit_flush(p->audit, &err), 0);
    assert_int_equal(audit_retire(p->audit, now + 89 * DAY_MS, &err), 0);
    json_decref(export_all(p, AUDIT_USAGE, &head));
    assert_int_equal(head.gone.n, 0);
    assert_int_equal(audit_retire(p->audit, now + 91 * DAY_MS, &err), 0);
    json_t *lines = export_all(p, AUDIT_USAGE, &head);
    assert_int_equal(json_array_size(lines), 0);
    assert_int_equal(head.gone.n, 5);
    json_decref(lines);
    lines = export_all(p, AUDIT_ACTS, &head);
    assert_int_equal(json_array_size(lines), 5);
    json_decref(lines);
    assert_whole(p, AUDIT_USAGE);
    use(p, 6);
    assert_int_equal(audit_flush(p->audit, &err), 0);
    close_log(p);
    open_log(p);
    assert_whole(p, AUDIT_USAGE);
    lines = export_all(p, AUDIT_USAGE, &head);
    assert_int_equal(json_array_size(lines), 1);
    assert_int_equal(head.last.n, 6);
    json_decref(lines);
    assert_int_equal(audit_retire(p->audit, now + AUDIT_ACTS_MS + DAY_MS, &err), 0);
    json_decref(export_all(p, AUDIT_ACTS, &head));
    assert_int_equal(head.gone.n, 5);
    assert_whole(p, AUDIT_ACTS);
}

/* What is too long for an entry is not cut somewhere: the entry says how long it was. */
static void too_long(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    struct audit_head head;
    char *text = malloc(AUDIT_TEXT_BYTES + 1);
    memset(text, 'a', AUDIT_TEXT_BYTES);
    text[AUDIT_TEXT_BYTES] = '\0';
    assert_int_equal(
        audit_act(p->audit, "uid:0", "key.grant", NULL, json_pack("{s:s}", "x", text), NULL, &err), 0);
    free(text);
    json_t *lines = export_all(p, AUDIT_ACTS, &head);
    assert_non_null(strstr(json_string_value(json_array_get(lines, 0)), "\"what\":{\"too_long\":"));
    json_decref(lines);
    assert_whole(p, AUDIT_ACTS);
}

/* Questions are written without anybody asking for it, within a second of theirs. */
static void questions_are_written(void **state)
{
    struct place *p = *state;
    struct audit_head head = {.last.n = 0};
    use(p, 1);
    use(p, 2);
    for (int i = 0; i < 200 && head.last.n < 2; i++) {
        (void)usleep(100000);
        json_decref(export_all(p, AUDIT_USAGE, &head));
    }
    assert_int_equal(head.last.n, 2);
}

static void questions_are_bounded(void **state)
{
    struct place *p = *state;
    struct error err = ERROR_INIT;
    MDB_txn *txn;
    /* somebody else writes: nothing can be chained meanwhile */
    assert_int_equal(mdb_txn_begin(control_environment(p->control), NULL, 0, &txn), 0);
    int n = 0, r = 0;
    while (n <= AUDIT_PENDING_MAX && r == 0) {
        r = audit_use(p->audit, "reader", "query", NULL, NULL, &err);
        n += r == 0;
    }
    mdb_txn_abort(txn);
    assert_int_equal(r, -EAGAIN);
    assert_string_equal(err.code, "audit_failed");
    assert_int_equal(n, AUDIT_PENDING_MAX);
    assert_int_equal(audit_flush(p->audit, &err), 0);
    assert_int_equal(audit_use(p->audit, "reader", "query", NULL, NULL, &err), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        TEST(written_and_found_again),
        TEST(listed_newest_first),
        TEST(a_flipped_bit),
        TEST(one_taken_out),
        TEST(two_swapped),
        TEST(cut_off),
        TEST(written_anew),
        TEST(heads),
        TEST(damage_is_an_entry),
        TEST(what_is_old_leaves),
        TEST(too_long),
        TEST(questions_are_written),
        TEST(questions_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
