/* The part of a scan that keeps ballots aside until it is known which of them count (ballot.h). */
#ifndef TENDON_QUERY_GATHER_H
#define TENDON_QUERY_GATHER_H

#include "core/query/count.h"

/* Takes the rows of which others say whether they count out of a batch: they are no longer kept. */
int gather_set_aside(struct scan *s, const struct pass *pass, struct batch *b);

/* Takes over what another thread has set aside. */
int gather_merge(struct scan *s, const struct pass *pass, const struct ballots *others);

/* When all rows of the table were read: settles what counts. */
int gather_settle(struct scan *s, const struct pass *pass);

/* Puts n of the ballots kept, from `at` on, where gathered rows stand: s->values and s->dimensions. */
void gather_rows(struct scan *s, const struct pass *pass, size_t at, uint32_t n);

/* Nothing is kept any more. */
void gather_clear(struct scan *s);

#endif
