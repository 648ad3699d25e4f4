/* A real store for tests of queries, told of by small worked examples.
 *
 * "10:00 c{team=A}; 11:00 > S" is a ticket created at 10:00 on Monday 8 January 2024 (UTC) and answered and
 * solved at 11:00; "d4" moves on to Friday 12 January; "||" starts the next ticket, "|~|" events without one.
 * c created, c! by an agent, u updated, @A assigned (@A/e escalated, @A/r routed), < > messages in and out (~
 * automated, - internal), N O P H S C statuses, x:merged x:merged>NAME x:spam …, q:4/1-5 a rating, a:yes an
 * answer with a choice, sent a survey sent,
 *  call:answered:q10:w60 a contact, sla:METRIC:SECONDS:w (or b)
 * a target, sla-:METRIC cancelled. {…} are dimensions of the event before; "[NAME]" behind "||" names the
 * ticket. */
#ifndef TENDON_TESTS_QUERY_BENCH_H
#define TENDON_TESTS_QUERY_BENCH_H

#include "core/query/crew.h"
#include "core/query/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define D0     INT64_C(1704672000000) /* 2024-01-08T00:00:00Z */
#define FAR    "2025-01-01T00:00:00Z"
#define N_MAX  400
#define TEXTS  8
#define VALUES 16

struct made {
    struct wire_event event;
    struct wire_value values[VALUES];
    char texts[TEXTS][64];
    unsigned n_texts;
};

struct bench {
    char path[64];
    struct store *store;
    struct made events[N_MAX];
    size_t n;
    uint64_t seq;
    struct query_context context;
    struct crew *crews[2]; /* of one and of two helpers */
    unsigned n_shared;     /* answers that several threads gave */
    char declared[1][EVENT_CODE_BYTES + 1];
};

extern struct bench *bench;

/* A store in a directory of its own, and questions in UTC. */
int bench_setup(void **state);
int bench_teardown(void **state);
/* Opens the store again, after store_close. */
void bench_open(void);
/* Until no refold is due. */
void bench_refold(void);
/* One row of the sites or teams: "country=US beds=100". */
void bench_reference(enum reference_table table, int64_t valid_from, const char *key, const char *pairs);
/* One version of a calendar: a JSON map as calendar_new takes it. */
void bench_calendar(const char *name, int64_t valid_from, const char *definition);
/* A direct acme (A tier 1, D tier 2) and an outsourcer bpo (B, F in PH, M in MX), hospitals H1, H2 and a
 * clinic H3 in the US. */
void bench_teams(void);
/* Seals what is hot, so that it is in blocks of its own. */
void bench_seal(void);
/* Commits what is written. */
void tell(const char *p);
/* A request as JSON with ' for " and ` for ', which speaks of the far present unless it says otherwise. */
json_t *request_of(const char *text);
/* The answer, which is the same whether one, two or three threads give it. */
json_t *ask(const char *text);
/* The query is refused with this code and a hint that has these words. */
void refuse(const char *text, const char *code, const char *hint);
/* Rows as text: the values of the keys, "/" between them and " " between rows. */
const char *rows_of(json_t *answer, const char *keys, char room[2048]);
void check(const char *request, const char *keys, const char *expected);
/* A value of meta by a path of keys. */
const json_t *meta_of(const json_t *answer, const char *path);
void check_meta(const char *request, const char *path, long long expected);

#endif
