#include "core/base/instant.h"
#include "core/tenant/audit_chain.h"
#include "tools/duration.h"
#include "tools/output.h"
#include "tools/session.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 2000 /* entries that one call brings */

static const char *const CHAINS[] = {"acts", "usage", NULL};

/* --- audit list --- */

/* --since: how long ago, in days or hours. 0 or an exit code. */
static int since_read(const struct invocation *invocation, json_t *params)
{
    const char *text = invocation_value(invocation, "since");
    struct error err = ERROR_INIT;
    int64_t ms;
    if (!text)
        return 0;
    if (duration_read(text, &ms) < 0) {
        error_set(&err, -EINVAL, "usage", "--since cannot be \"%.64s\"", text);
        error_hint(&err, "how long ago: 30m, 12h, 90d");
        return error_print(&err);
    }
    (void)json_object_set_new(params, "since", json_integer(instant_now() - ms));
    return 0;
}

static int limit_read(const struct invocation *invocation, json_t *params)
{
    const char *text = invocation_value(invocation, "limit");
    struct error err = ERROR_INIT;
    char *end;
    if (!text)
        return 0;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (errno != 0 || *end || end == text || n < 1 || n > 10000) {
        error_set(&err, -EINVAL, "usage", "--limit cannot be \"%.64s\"", text);
        error_hint(&err, "a whole number from 1 to 10000; tendon audit export gives all");
        return error_print(&err);
    }
    (void)json_object_set_new(params, "limit", json_integer(n));
    return 0;
}

static int audit_list_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"at", "when", CELL_INSTANT},      {"who", "who", CELL_TEXT},
        {"act", "act", CELL_TEXT},         {"tenant", "tenant", CELL_TEXT, .if_differs = true},
        {"outcome", "outcome", CELL_TEXT}, {"what", "what", CELL_SENTENCE},
    };
    static const char *const PASSED[] = {"chain", "act"};
    json_t *params = session_params(invocation), *rows = NULL;
    for (size_t i = 0; i < sizeof(PASSED) / sizeof(*PASSED); i++)
        if (invocation_has(invocation, PASSED[i]))
            (void)json_object_set_new(params, PASSED[i],
                                      json_string(invocation_value(invocation, PASSED[i])));
    int code = since_read(invocation, params);
    if (code == 0)
        code = limit_read(invocation, params);
    if (code != 0) {
        json_decref(params);
        return code;
    }
    code = session_call_once(invocation, "asking", "audit.list", params, &rows);
    if (code == 0)
        code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(*COLUMNS), rows,
                           "nothing of that kind");
    json_decref(rows);
    return code;
}

/* --- the lines of an export, from the collector or a file --- */

/* Takes one line: a head, {"head": {…}}, or an entry of the chain whose head came before. 0 or an exit code.
 */
typedef int (*take_line)(void *ctx, const char *line, size_t size);

/* All lines of one chain up to the end that its head was signed for. */
static int chain_fetch(struct session *s, const char *chain, bool only_head, take_line take, void *ctx)
{
    json_int_t from = 0, end = INT64_MAX;
    int code = 0;
    bool has_more = true, is_first = true;
    while (code == 0 && has_more) {
        json_t *page = NULL;
        code = session_call(s, "audit.export",
                            json_pack("{s:s, s:I, s:I, s:i}", "chain", chain, "from", from, "until", end,
                                      "limit", only_head ? 1 : PAGE),
                            &page);
        json_t *head = json_object_get(page, "head"), *lines = json_object_get(page, "lines");
        json_t *next = json_object_get(page, "next");
        if (code == 0 && is_first) { /* what comes behind the first page's head is for the next export */
            json_t *line = json_pack("{s:O}", "head", head);
            char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
            end = json_integer_value(json_object_get(json_object_get(head, "last"), "n"));
            code = text ? take(ctx, text, strlen(text)) : TENDON_EXIT_FAILED;
            free(text);
            json_decref(line);
            is_first = false;
        }
        for (size_t i = 0; code == 0 && !only_head && i < json_array_size(lines); i++) {
            const json_t *line = json_array_get(lines, i);
            code = take(ctx, json_string_value(line), json_string_length(line));
        }
        has_more = !only_head && json_is_integer(next) && json_integer_value(next) > from;
        from = json_integer_value(next);
        json_decref(page);
    }
    return code;
}

/* The chains that --chain asks for: that one, or both. */
static int chains_fetch(const struct invocation *invocation, bool only_heads, take_line take, void *ctx)
{
    const char *only = invocation_value(invocation, "chain");
    struct session *s = NULL;
    int code = session_open(invocation, "asking", &s);
    for (size_t i = 0; code == 0 && CHAINS[i]; i++)
        if (!only || strcmp(only, CHAINS[i]) == 0)
            code = chain_fetch(s, CHAINS[i], only_heads, take, ctx);
    session_close(s);
    return code;
}

static int file_fail(const char *path, const char *what)
{
    struct error err = ERROR_INIT;
    error_set(&err, -EIO, "file", "%s cannot be %s: %s", path, what, strerror(errno));
    return error_print(&err);
}

static int file_read(const char *path, take_line take, void *ctx)
{
    char line[AUDIT_LINE_BYTES + 2];
    int code = 0;
    FILE *in = fopen(path, "re");
    if (!in)
        return file_fail(path, "opened");
    while (code == 0 && fgets(line, sizeof(line), in)) {
        size_t size = strlen(line);
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
            size--;
        if (size > 0)
            code = take(ctx, line, size);
    }
    if (code == 0 && ferror(in))
        code = file_fail(path, "read");
    (void)fclose(in);
    return code;
}

/* --- audit export --- */

static int line_print(void *ctx, const char *line, size_t size)
{
    (void)fwrite(line, 1, size, stdout);
    (void)fputc('\n', stdout);
    return output_finish(0);
}

static int audit_export_run(const struct invocation *invocation)
{
    return chains_fetch(invocation, invocation_has(invocation, "heads"), line_print, NULL);
}

/* --- audit verify --- */

#define OLD_HEADS_MAX 64

struct verifying {
    bool has_key;
    uint8_t key[AUDIT_KEY_BYTES];
    struct audit_head old[OLD_HEADS_MAX]; /* of --against */
    size_t n_old;
    bool has_chain; /* check is under way */
    struct audit_check check;
    json_t *rows;
};

static bool head_read(const char *line, size_t size, struct audit_head *ret)
{
    json_t *json = json_loadb(line, size, 0, NULL);
    bool is_head = audit_head_of_json(json_object_get(json, "head"), ret) == 0;
    json_decref(json);
    return is_head;
}

/* Whether an earlier head still holds of the chain as far as it was walked. */
static int old_heads_hold(const struct verifying *v, struct error *err)
{
    const struct audit_link *at = &v->check.at;
    for (size_t i = 0; i < v->n_old; i++)
        if (v->old[i].chain == v->check.head.chain && v->old[i].last.n == at->n &&
            memcmp(v->old[i].last.hash, at->hash, AUDIT_HASH_BYTES) != 0)
            return error_set(err, -EBADMSG, "audit_broken",
                             "%s, entry %" PRIu64
                             ": it is not the one that an earlier head was signed for: the log was "
                             "written anew",
                             audit_chain_name(v->check.head.chain), at->n);
    return 0;
}

/* The chain under way has come to its end. */
static int chain_finish(struct verifying *v)
{
    struct error err = ERROR_INIT;
    char hex[2 * AUDIT_KEY_BYTES + 1];
    const struct audit_head *head = &v->check.head;
    if (!v->has_chain)
        return 0;
    v->has_chain = false;
    int r = audit_check_end(&v->check, &err);
    for (size_t i = 0; r == 0 && i < v->n_old; i++)
        if (v->old[i].chain == head->chain && v->old[i].last.n > head->last.n)
            r = error_set(&err, -EBADMSG, "audit_broken",
                          "%s, entry %" PRIu64 ": it is missing, and all behind it up to %" PRIu64
                          ", which an earlier head was signed for: the log was put back to an older state",
                          audit_chain_name(head->chain), head->last.n + 1, v->old[i].last.n);
    if (r < 0)
        return error_print(&err);
    (void)sodium_bin2hex(hex, sizeof(hex), head->public_key, AUDIT_KEY_BYTES);
    (void)json_array_append_new(
        v->rows, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:s}", "chain", audit_chain_name(head->chain),
                           "state", "whole", "entries", (json_int_t)(head->last.n - head->gone.n), "first",
                           (json_int_t)(head->last.n > head->gone.n ? head->gone.n + 1 : 0), "last",
                           (json_int_t)head->last.n, "signed_at", (json_int_t)head->at, "key_checked",
                           v->has_key, "public_key", hex));
    return 0;
}

static int line_verify(void *ctx, const char *line, size_t size)
{
    struct verifying *v = ctx;
    struct audit_head head;
    struct error err = ERROR_INIT;
    int r = 0;
    if (size > 8 && memcmp(line, "{\"head\":", 8) == 0) {
        if (chain_finish(v) != 0)
            return TENDON_EXIT_FAILED;
        if (!head_read(line, size, &head))
            r = error_set(&err, -EBADMSG, "audit_head", "a head cannot be read");
        else
            r = audit_check_begin(&v->check, &head, v->has_key ? v->key : NULL, &err);
        v->has_chain = r == 0;
        if (r == 0)
            r = old_heads_hold(v, &err);
    } else if (!v->has_chain) {
        r = error_set(&err, -EBADMSG, "audit_head",
                      "the first line is no head: it is not an export of the audit log");
    } else {
        r = audit_check_line(&v->check, line, size, &err);
        if (r == 0)
            r = old_heads_hold(v, &err);
    }
    return r < 0 ? error_print(&err) : 0;
}

static int line_remember(void *ctx, const char *line, size_t size)
{
    struct verifying *v = ctx;
    struct audit_head head;
    struct error err = ERROR_INIT;
    if (!head_read(line, size, &head)) /* a whole export serves as well */
        return 0;
    if (!audit_head_valid(&head) || (v->has_key && memcmp(head.public_key, v->key, AUDIT_KEY_BYTES) != 0)) {
        error_set(&err, -EBADMSG, "audit_head", "a head of --against does not bear a right signature");
        return error_print(&err);
    }
    if (v->n_old < OLD_HEADS_MAX)
        v->old[v->n_old++] = head;
    return 0;
}

static int key_read_option(const struct invocation *invocation, struct verifying *v)
{
    const char *text = invocation_value(invocation, "key");
    struct error err = ERROR_INIT;
    size_t n;
    if (!text)
        return 0;
    v->has_key = sodium_hex2bin(v->key, sizeof(v->key), text, strlen(text), NULL, &n, NULL) == 0 &&
                 n == sizeof(v->key);
    if (v->has_key)
        return 0;
    error_set(&err, -EINVAL, "usage", "--key takes 64 hexadecimal digits");
    error_hint(&err, "tendon audit verify on the collector's machine shows the public key");
    return error_print(&err);
}

static int audit_verify_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"chain", "chain", CELL_TEXT},
        {"state", "state", CELL_TEXT},
        {"entries", "entries", CELL_COUNT},
        {"first", "from", CELL_TEXT},
        {"last", "to", CELL_TEXT},
        {"signed_at", "signed", CELL_INSTANT},
        {"key_checked", "by --key", CELL_TEXT},
        {"public_key", "public key", CELL_WHOLE},
    };
    const char *path = invocation_argument(invocation, 0), *against = invocation_value(invocation, "against");
    struct verifying *v = calloc(1, sizeof(*v));
    if (!v)
        return TENDON_EXIT_FAILED;
    v->rows = json_array();
    int code = key_read_option(invocation, v);
    if (code == 0 && against)
        code = file_read(against, line_remember, v);
    if (code == 0)
        code = path ? file_read(path, line_verify, v) : chains_fetch(invocation, false, line_verify, v);
    if (code == 0)
        code = chain_finish(v);
    if (code == 0)
        code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(*COLUMNS), v->rows,
                           "the file holds no chain");
    json_decref(v->rows);
    free(v);
    return code;
}

/* --- */

#define CHAIN_OPTION(what)                                                                                   \
    {                                                                                                        \
        "chain", 0, OPTION_VALUE, "CHAIN", CHAINS, NAMES_NOTHING, what                                       \
    }

static const struct option LIST_AUDIT_OPTIONS[] = {
    CHAIN_OPTION("acts: what was done to the collector, the default; usage: what was asked and rejected"),
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING, "only what concerns this tenant"},
    {"act", 0, OPTION_VALUE, "ACT", NULL, NAMES_NOTHING, "only this: key.grant, or key.* for all of a kind"},
    {"since", 0, OPTION_VALUE, "TIME", NULL, NAMES_NOTHING, "only since so long ago: 12h, 90d"},
    {"limit", 0, OPTION_VALUE, "N", NULL, NAMES_NOTHING, "at most so many, the newest; default 100"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

static const struct option EXPORT_OPTIONS[] = {
    CHAIN_OPTION("only this one: acts or usage"),
    {"heads", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING, "only the signed ends, to be kept elsewhere"},
    {NULL},
};

static const struct option VERIFY_OPTIONS[] = {
    CHAIN_OPTION("of the collector's log only this one: acts or usage"),
    {"key", 0, OPTION_VALUE, "KEY", NULL, NAMES_NOTHING,
     "the collector's public key as you know it; without it a head's own key is taken, and shown"},
    {"against", 0, OPTION_VALUE, "FILE", NULL, NAMES_FILE,
     "also that the log goes on from these heads, of an earlier export"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct argument VERIFY_ARGUMENTS[] = {
    {"FILE", .optional = true, .names = NAMES_FILE,
     .help = "an export; left out: the collector's log as it is now"},
    {NULL},
};

const struct command CMD_AUDIT_EXPORT = {
    .name = "audit export",
    .summary = "write the audit log, a JSON object a line, with its signed ends",
    .description = "A chain begins with its head: where the chain begins and ends, signed with the "
                   "collector's key; each entry "
                   "holds its number and a hash that binds it to the one before. Keep the heads (--heads) on "
                   "another machine: "
                   "with them tendon audit verify finds out even a log that was put back to an older state.",
    .options = EXPORT_OPTIONS,
    .examples =
        "  tendon audit export > audit.ndjson\n  tendon audit export --heads > heads-2026-03.ndjson\n",
    .run = audit_export_run,
};

const struct command CMD_AUDIT_LIST = {
    .name = "audit list",
    .summary = "list what was done to the collector and by whom, or what was asked, the newest first",
    .description =
        "Administrative acts are recorded before they are done and kept for six years, questions for 90 "
        "days. Ids of tickets and texts that the tenant does not have are keyed hashes.",
    .options = LIST_AUDIT_OPTIONS,
    .examples = "  tendon audit list\n  tendon audit list --act 'key.*' --since 90d\n"
                "  tendon audit list --chain usage --tenant riverbend -o json\n",
    .run = audit_list_run,
};

const struct command CMD_AUDIT_VERIFY = {
    .name = "audit verify",
    .summary = "check that nothing in the audit log was changed, taken out, moved or cut off",
    .description =
        "Of an export this needs no collector. What is wrong is said with the entry where it begins, and the "
        "exit status is 1.",
    .options = VERIFY_OPTIONS,
    .arguments = VERIFY_ARGUMENTS,
    .examples = "  tendon audit verify\n  tendon audit verify audit.ndjson --key KEY --against "
                "heads-2026-03.ndjson\n",
    .run = audit_verify_run,
};
