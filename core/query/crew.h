/* Threads that help queries: whoever asks works himself, and those of the crew that are idle join him.
 *
 * One crew serves all queries of a daemon, so that their threads together are never more than there are
 * processors for. It also keeps the working memory of queries that have ended, for the next ones. */
#ifndef TENDON_QUERY_CREW_H
#define TENDON_QUERY_CREW_H

#include <stddef.h>

#define CREW_HELPERS_MAX 15
#define CREW_THREADS_MAX (CREW_HELPERS_MAX + 1)

struct crew;

/* n_helpers threads beside those that ask; 0 is fine. One more thread takes part for every `grain` units of
 * work: what is done in no time is done alone. */
#define CREW_GRAIN 8
int crew_new(unsigned n_helpers, unsigned grain, struct crew **ret);
/* When nobody asks any more. NULL is fine. */
void crew_free(struct crew *c);

/* Calls work(context, place) on this thread with place 0 and, as far as there are idle helpers, on at most
 * n_max − 1 of them with places from 1, each once; returns when all have. A helper may come late, when all is
 * done: the work must be such that whoever is there takes what is left. Any thread; with no crew (NULL)
 * alone. Returns how many took part. */
unsigned crew_run(struct crew *c, unsigned n_max, void (*work)(void *context, unsigned place), void *context);

/* How many should take part in so many units of work: vectors of rows, or what takes as long. */
unsigned crew_threads(const struct crew *c, size_t n_units);

/* Memory that a query of before has left, or NULL; and what this one leaves. With no crew nothing is kept. */
void *crew_take(struct crew *c);
void crew_leave(struct crew *c, void *memory, void (*release)(void *memory));

/* Blocks of memory, kept for the next query: at most CREW_BLOCKS_KEPT of them. NULL without memory. */
#define CREW_BLOCK_BYTES 65536
#define CREW_BLOCKS_KEPT 256
void *crew_block_take(struct crew *c);
void crew_block_leave(struct crew *c, void *block);

#endif
