/* The audit log: what was done to this collector and by whom, what was asked, what was rejected.
 *
 * Two hash chains (core/tenant/audit_chain.h) in the control environment. `acts` holds administrative acts,
 * what became of them, and plugins as they are loaded and quarantined: an entry is on disk when audit_act
 * returns, and stays six years. `usage` holds questions and summaries of rejects: on disk at most a second
 * later, chained in groups, for 90 days. Heads are signed in the same transaction, with audit.key of the
 * keys' directory.
 *
 * Entries hold names, codes and numbers, never a raw id of a ticket or a person and never a free text:
 * whoever writes one hands over only what was checked. Any thread. */
#ifndef TENDON_TENANT_AUDIT_H
#define TENDON_TENANT_AUDIT_H

#include "core/base/error.h"
#include "core/tenant/audit_chain.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_ACTS_MS     (6ll * 366 * 86400000)
#define AUDIT_USAGE_MS    (90ll * 86400000)
#define AUDIT_GROUP_MS    500          /* from a question until its group is written */
#define AUDIT_PENDING_MAX 16384        /* questions that wait for that; more are refused */
#define AUDIT_BYTES_MAX   (4ull << 30) /* of one chain: the oldest questions go earlier, acts are refused */
#define AUDIT_PAGE_MAX    10000        /* entries of one page of an export, or of a list */

struct audit;
struct control;
struct logger;

struct audit_options {
    struct control *control; /* outlives the log */
    const char *keys;        /* directory of audit.key, made when missing */
    struct logger *logger;
};

/* Where the end of a chain is not the one that was signed, that is logged and becomes an entry of its own;
 * the chain goes on. Codes: those of key_file, control_write, no_memory. */
int audit_open(const struct audit_options *options, struct audit **ret, struct error *err);
/* Writes what waits. NULL is fine. */
void audit_close(struct audit *a);

/* One act, on disk when it returns. by: a key's name, "uid:0", "tendond"; tenant NULL or "": the collector
 * itself; fields: an object, or NULL, taken over in any case. *ret_n (may be NULL) is its number. Any error
 * (code audit_failed): it was not recorded, and must not be done. */
int audit_act(struct audit *a, const char *by, const char *act, const char *tenant, json_t *fields,
              uint64_t *ret_n, struct error *err);
/* What became of act n: "done", or the code of an error. */
int audit_outcome(struct audit *a, uint64_t n, const char *act, const char *outcome, struct error *err);

/* One question (act: "query", …) or summary, written soon. -EAGAIN with code audit_failed: too many wait, for
 * the disk does not take them; the question must not be answered. */
int audit_use(struct audit *a, const char *by, const char *act, const char *tenant, json_t *fields,
              struct error *err);
/* Writes what waits of it; returns when it is on disk. */
int audit_flush(struct audit *a, struct error *err);

/* From now on (NULL: no more) called once an hour on the log's thread, for summaries. When this returns the
 * one before is not running. */
void audit_every_hour(struct audit *a, void (*summarise)(void *ctx), void *ctx);

/* How it fares: questions that wait to be written, and whether the last try failed. */
void audit_state(struct audit *a, size_t *ret_pending, bool *ret_is_failing);

/* What a list shows; newest first. */
struct audit_filter {
    enum audit_chain chain;
    const char *tenant; /* NULL: all */
    const char *act;    /* "key.grant", "key.*"; NULL: all */
    int64_t since;      /* ms; 0: all */
    size_t limit;       /* 1 … AUDIT_PAGE_MAX */
};
/* Maps as the entries are, with the outcome of acts among them. */
int audit_list(struct audit *a, const struct audit_filter *filter, json_t **ret, struct error *err);

/* A page of an export: the signed head, and the lines of entries from `from` on (0: the first there is), none
 * behind `until`, at most limit: {"head": {…}, "lines": [str], "next": n or null}. */
int audit_export(struct audit *a, enum audit_chain chain, uint64_t from, uint64_t until, size_t limit,
                 json_t **ret, struct error *err);

/* Deletes what is older than its time, in slices; the log's own thread does it once an hour. now: ms since
 * 1970. */
int audit_retire(struct audit *a, int64_t now, struct error *err);

#endif
