/* The tenant's dictionaries: strings of one field ↔ small numbers, from 1, given in order of arrival.
 *
 * One thread interns (the tenant's committer); any thread may read what a published view covers: strings
 * never move and never change while the store is open. Numbers are private to one tenant and never reach an
 * answer. */
#ifndef TENDON_STORE_DICTIONARY_H
#define TENDON_STORE_DICTIONARY_H

#include "core/base/error.h"
#include "proto/event.h"

#include <stddef.h>
#include <stdint.h>

/* Beside the fields of kind VALUE_DICTIONARY, two lists of the store's own. */
enum { DICTIONARY_NAMESPACE = FIELD_N, DICTIONARY_SOURCE, DICTIONARY_N };

#define DICTIONARY_VALUES_MAX 65535

struct dictionary;

int dictionary_new(struct dictionary **ret);
void dictionary_free(struct dictionary *d);

/* What no other dictionary has or had, of any process: numbers found in one are of no use for another. */
uint64_t dictionary_identity(const struct dictionary *d);

/* The number of a string, new or known. -ENOSPC when the dictionary has DICTIONARY_VALUES_MAX values,
 * -ENOMEM. *ret_new (may be NULL) says whether it was new. Committer only. */
int dictionary_intern(struct dictionary *d, unsigned field, const char *s, size_t size, uint32_t *ret_number,
                      int *ret_new);

/* The number of a string, or 0. Any thread. */
uint32_t dictionary_find(const struct dictionary *d, unsigned field, const char *s, size_t size);

/* NUL-terminated; NULL for 0 and for a number not given yet. Any thread. */
const char *dictionary_string(const struct dictionary *d, unsigned field, uint32_t number);
uint32_t dictionary_count(const struct dictionary *d, unsigned field);

#endif
