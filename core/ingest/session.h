/* Sessions: which connection speaks for a source.
 *
 * A source has one session at a time, that of the last HELLO. The sessions that it took over from are
 * remembered (the last SESSION_PAST of each source), so that what they still send is answered with
 * superseded, also after they have reconnected unseen. The socket thread's alone. */
#ifndef TENDON_INGEST_SESSION_H
#define TENDON_INGEST_SESSION_H

#include "core/ingest/credit.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_BYTES   255   /* a routing id, at most */
#define SESSION_PAST 4     /* superseded ones remembered */
#define SESSIONS_MAX 16384 /* sources with a session */

/* A connection, as ROUTER names it. */
struct peer {
    uint8_t size;
    uint8_t id[PEER_BYTES];
};

bool peer_equal(const struct peer *a, const struct peer *b);

struct session_past {
    uint64_t number;
    struct peer peer;
};

struct session {
    struct session *next; /* of its bucket */
    char tenant[STORE_NAME_BYTES + 1];
    char source[STORE_NAME_BYTES + 1];
    uint64_t number; /* the client's, of HELLO */
    struct peer peer;
    struct session_past past[SESSION_PAST];
    unsigned n_past; /* ever; the newest is at (n_past − 1) % SESSION_PAST */
    struct credit credit;
    unsigned n_pending; /* messages of it that are not answered yet */
};

struct session_table;

int session_table_new(struct session_table **ret);
void session_table_free(struct session_table *t);

struct session *session_find(const struct session_table *t, const char *tenant, const char *source);
/* A new one, without a peer. -ENOSPC: SESSIONS_MAX are there; -ENOMEM. */
int session_add(struct session_table *t, const char *tenant, const char *source, int64_t now,
                struct session **ret);
void session_remove(struct session_table *t, struct session *s);
size_t session_count(const struct session_table *t);
void session_each(struct session_table *t, void (*each)(void *ctx, struct session *s), void *ctx);
/* The one idle longest with nothing pending, idle since before a time; NULL. */
struct session *session_idlest(struct session_table *t, int64_t before);

enum session_claim { SESSION_NEW, SESSION_SAME, SESSION_TAKEOVER, SESSION_SUPERSEDED };

/* A HELLO of that number from that peer: whether it gets the source. After SESSION_TAKEOVER *ret_old is who
 * had it; the session is the peer's in all cases but SESSION_SUPERSEDED. */
enum session_claim session_claim(struct session *s, const struct peer *peer, uint64_t number,
                                 struct peer *ret_old);
/* Whether the source was taken over from that peer. */
bool session_is_past(const struct session *s, const struct peer *peer);

#endif
