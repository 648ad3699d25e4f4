/* The reference rows of one table by what facts hold: a dictionary code and an instant.
 *
 * Made once a query. A row version has a place, from 1; place 0 is no row. Immutable; any thread. */
#ifndef TENDON_QUERY_VERSIONS_H
#define TENDON_QUERY_VERSIONS_H

#include "core/fold/reference.h"
#include "core/store/dictionary.h"

#include <stdbool.h>
#include <stdint.h>

struct versions;

/* Of the sites' or teams' table; reference NULL: an empty one. */
int versions_new(const struct dictionary *dictionary, const struct reference *reference,
                 enum reference_table table, struct versions **ret);
void versions_free(struct versions *v);

/* One more than the greatest place. */
uint32_t versions_count(const struct versions *v);
/* The row of a place ≥ 1. */
const struct reference_row *versions_row(const struct versions *v, uint32_t place);

/* Whether every row has held from the beginning, alone: then no instant is looked at. True of NULL. */
bool versions_are_timeless(const struct versions *v);

/* Where they are timeless: the place by code, *ret_n of them, and none for codes beyond. */
const uint32_t *versions_by_code(const struct versions *v, uint32_t *ret_n);

/* For each code and instant the place of the version in force. */
void versions_places(const struct versions *v, const uint16_t *codes, const int64_t *instants, uint32_t n,
                     uint32_t *places);

#endif
