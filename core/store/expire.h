/* What is past the facts' retention, of tickets that have left the log (retire.c): their rows go, then their
 * places, then their hashes, in steps between commits. An event that names such a ticket is one of a new
 * ticket. Where events are forwarded, places and hashes stay: whoever they go to may keep the ticket for
 * longer, and would refuse the event. Nothing of this touches what was erased: its hash stays. The
 * committer's. */
#ifndef TENDON_STORE_EXPIRE_H
#define TENDON_STORE_EXPIRE_H

#include "core/store/directory.h"
#include "core/store/facts.h"

struct store;

enum expiry_phase { EXPIRY_ROWS, EXPIRY_PLACES, EXPIRY_HASHES, EXPIRY_DONE };

/* A pass. What is in memory only says where it stands: each transaction leaves the store whole, and a pass
 * begun anew does again what is not done yet. */
struct expiry {
    enum expiry_phase phase;
    bool keeps_hashes;
    uint32_t day;                  /* tickets go whose newest event is older, in days since 1970 */
    uint8_t facts[FACT_KEY_BYTES]; /* where the next step begins: with this group, */
    uint32_t subject;              /* this number, */
    struct directory_sweep sweep;  /* this bucket */
    uint8_t *places;               /* bits by number: it has a place, so its hash is wanted */
    uint32_t n;                    /* numbers that there were when the places were gone through */
};

void expiry_init(struct expiry *e, uint32_t day, bool keeps_hashes);
void expiry_fini(struct expiry *e);

/* Some of it. 1: it wrote something, 0: there was nothing to write; negative errno. */
int expiry_step(struct store *s, struct txn *t, struct expiry *e);

#endif
