/* Made events for the tests of the store: the same for the same seed, and all facts of a store as text. */
#ifndef TENDON_TESTS_STORE_MADE_H
#define TENDON_TESTS_STORE_MADE_H

#include "core/fold/reference.h"
#include "core/store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_TICKETS = 60, EVENTS_A_TICKET = 9, N_EVENTS = N_TICKETS * EVENTS_A_TICKET, VALUES_MAX = 8 };

struct made {
    struct wire_event event;
    struct wire_value values[VALUES_MAX];
    char id[24], ticket[24], team[24], product[24];
};

extern struct made *EVENTS;

uint64_t next_random(uint64_t *state);
struct wire_string string_of(const char *s);
/* Fills EVENTS: tickets with creations, statuses, messages, teams and ratings; some loose ratings; a few
 * conflicts. */
void make_events(uint64_t seed);
void shuffle(unsigned *order, size_t n, uint64_t *rng);

void make_directory(char path[64]);
void remove_store(const char *path);
/* hot_events and slice_subjects as in store_options. */
struct store *open_store_sliced(const char *path, uint64_t hot_events, uint32_t slice_subjects);
struct store *open_store(const char *path, uint64_t hot_events);
/* At most 64 of EVENTS as the next batch of a source; all must be taken. */
void commit_as(struct store *s, const char *source, const char *namespace, const unsigned *order, size_t n,
               uint64_t *seq, uint32_t *ret_accepted, uint32_t *ret_duplicates);
/* Of the source "desk". */
void commit(struct store *s, const unsigned *order, size_t n, uint64_t *seq, uint32_t *ret_accepted,
            uint32_t *ret_duplicates);
/* Closes a store and leaves in path a folder with its file as it was before: what kill -9 leaves. */
void crash_store(struct store *s, char path[64]);
/* Until no refold is due. */
void finish_refold(struct store *s);
/* All fact rows as sorted lines, with names in place of numbers that depend on the order of arrival. The
 * caller's to free. */
char *dump(struct store *s);
/* Those of a set of tables: of a view of no others; of one that has them, at least. */
char *dump_tables(struct store *s, uint32_t tables);
char *dump_view(struct store_view *v, uint32_t tables);

#endif
