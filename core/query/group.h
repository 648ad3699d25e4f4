/* The groups of an answer: combinations of ids of the --by dimensions, numbered as they are met. */
#ifndef TENDON_QUERY_GROUP_H
#define TENDON_QUERY_GROUP_H

#include "core/query/request.h"

struct groups;

/* counts[k] is one more than the greatest id of the k-th dimension; with n_by 0 there is one group from the
 * start. At most n_max groups. */
int groups_new(unsigned n_by, const uint32_t *counts, uint32_t n_max, struct groups **ret);
/* An empty one that is made the same. -ENOMEM. */
int groups_like(const struct groups *g, struct groups **ret);
void groups_free(struct groups *g);

/* numbers[i] of every row with wanted[i] != 0 (NULL: all); ids[k] are the rows' ids of the k-th dimension.
 * -E2BIG when there are more than n_max, -ENOMEM. */
int groups_number(struct groups *g, const uint32_t *const *ids, uint32_t n, const uint8_t *wanted,
                  uint32_t *numbers);

/* map[number]: the number in g of each group of another one that was made with the same counts. -E2BIG,
 * -ENOMEM. */
int groups_merge(struct groups *g, const struct groups *other, uint32_t *map);

uint32_t groups_count(const struct groups *g);
/* bases[number]: the first group that is the same but for the dimensions of `ignored`, bits by place among
 * the n_by. -ENOMEM. */
int groups_bases(const struct groups *g, uint32_t ignored, uint32_t *bases);
/* The ids of a group, n_by of them. */
const uint32_t *groups_ids(const struct groups *g, uint32_t number);

#endif
