/* Reading the audit log: lists for people, exports for whoever verifies. */
#include "core/tenant/audit_inside.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define SCAN_MAX 200000 /* entries that one list looks at */

static bool text_matches(const char *text, const char *pattern)
{
    size_t n = strlen(pattern);
    if (n > 2 && strcmp(pattern + n - 2, ".*") == 0)
        return text && strncmp(text, pattern, n - 1) == 0;
    return text && strcmp(text, pattern) == 0;
}

static bool entry_matches(const json_t *entry, const struct audit_filter *f)
{
    const char *tenant = json_string_value(json_object_get(entry, "tenant"));
    const char *act = json_string_value(json_object_get(entry, "act"));
    return (!f->tenant || (tenant && strcmp(tenant, f->tenant) == 0)) &&
           (!f->act || text_matches(act, f->act));
}

/* An entry of the list; outcomes (by the number of their act) wait for it, for the list goes backwards. */
static int list_take(json_t *list, json_t *outcomes, json_t *entry, const struct audit_filter *f)
{
    char key[24];
    json_t *of = json_object_get(entry, "of");
    if (of) {
        (void)snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(of));
        return json_object_set(outcomes, key, json_object_get(entry, "outcome"));
    }
    (void)snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(json_object_get(entry, "n")));
    json_t *outcome = json_object_get(outcomes, key);
    int r = 0;
    if (outcome)
        r = json_object_set(entry, "outcome", outcome);
    (void)json_object_del(outcomes, key);
    return r == 0 && entry_matches(entry, f) ? json_array_append(list, entry) : r;
}

static int list_walk(MDB_cursor *cursor, const struct audit_filter *f, json_t *list, json_t *outcomes)
{
    MDB_val k, v;
    struct record record;
    size_t n_seen = 0;
    int r = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
    while (r == 0 && json_array_size(list) < f->limit && n_seen++ < SCAN_MAX) {
        json_t *entry = audit_record_read(&v, &record) ? json_loadb(record.text, record.size, 0, NULL) : NULL;
        /* One that cannot be read is for verify to find. */
        bool is_before = entry && json_integer_value(json_object_get(entry, "at")) < f->since;
        int taken = entry && !is_before ? list_take(list, outcomes, entry, f) : 0;
        json_decref(entry);
        if (taken < 0)
            return ENOMEM;
        if (is_before)
            return 0;
        r = mdb_cursor_get(cursor, &k, &v, MDB_PREV);
    }
    return r == MDB_NOTFOUND ? 0 : r;
}

int audit_list(struct audit *a, const struct audit_filter *filter, json_t **ret, struct error *err)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    json_t *list = json_array(), *outcomes = json_object();
    int r = list && outcomes ? mdb_txn_begin(a->env, NULL, MDB_RDONLY, &txn) : ENOMEM;
    if (r == 0) {
        r = mdb_cursor_open(txn, a->entries[filter->chain], &cursor);
        if (r == 0) {
            r = list_walk(cursor, filter, list, outcomes);
            mdb_cursor_close(cursor);
        }
        mdb_txn_abort(txn);
    }
    json_decref(outcomes);
    if (r) {
        json_decref(list);
        return audit_fail(err, "read", r);
    }
    *ret = list;
    return 0;
}

/* Lines from a number on; *ret_next is where the next page begins, 0 at the end. */
static int export_walk(MDB_cursor *cursor, uint64_t from, uint64_t until, size_t limit, json_t *lines,
                       uint64_t *ret_next)
{
    char line[AUDIT_LINE_BYTES];
    uint64_t key = htobe64(from);
    MDB_val k = {sizeof(key), &key}, v;
    struct record record;
    *ret_next = 0;
    int r = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    while (r == 0 && json_array_size(lines) < limit && audit_key_number(&k) <= until) {
        size_t size = 0;
        if (audit_record_read(&v, &record))
            size = audit_line_write(line, record.text, record.size, record.hash);
        json_t *text = json_stringn(line, size); /* what is no text is no entry: an empty line */
        if (json_array_append_new(lines, text ? text : json_string("")) < 0)
            return ENOMEM;
        r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    if (r == 0 && audit_key_number(&k) <= until)
        *ret_next = audit_key_number(&k);
    return r == MDB_NOTFOUND ? 0 : r;
}

int audit_export(struct audit *a, enum audit_chain chain, uint64_t from, uint64_t until, size_t limit,
                 json_t **ret, struct error *err)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    struct kept_head kept;
    uint64_t next = 0;
    json_t *lines = json_array();
    int r = lines ? mdb_txn_begin(a->env, NULL, MDB_RDONLY, &txn) : ENOMEM;
    if (r == 0) {
        r = audit_head_get(a, txn, chain, &kept);
        if (r == MDB_NOTFOUND || r == EBADMSG) { /* nothing was ever signed, or what was is gone */
            kept = (struct kept_head){.head.chain = chain};
            audit_head_sign(&kept.head, a->secret);
            r = 0;
        }
        if (r == 0)
            r = mdb_cursor_open(txn, a->entries[chain], &cursor);
        if (r == 0) {
            r = export_walk(cursor, from, until, limit, lines, &next);
            mdb_cursor_close(cursor);
        }
        mdb_txn_abort(txn);
    }
    if (r) {
        json_decref(lines);
        return audit_fail(err, "read", r);
    }
    *ret = json_pack("{s:o, s:o, s:o}", "head", audit_head_json(&kept.head), "lines", lines, "next",
                     next ? json_integer((json_int_t)next) : json_null());
    return *ret ? 0 : audit_fail(err, "read", ENOMEM);
}
