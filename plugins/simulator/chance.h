/* Chance without floating point: the same on every machine. */
#ifndef TENDON_SIMULATOR_CHANCE_H
#define TENDON_SIMULATOR_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/* A stream of its own for every pair of seed and number. */
void chance_init(struct chance *chance, uint64_t seed, uint64_t number);
uint64_t chance_next(struct chance *chance);
/* Evenly in [0, n), n > 0. */
uint64_t chance_below(struct chance *chance, uint64_t n);
/* True per_thousand times of 1,000. */
bool chance_hits(struct chance *chance, uint32_t per_thousand);
/* Around a median, with the long tail that times of people have: half to two thirds of all within a factor of
 * two, one of a hundred over ten times the median. */
uint64_t chance_around(struct chance *chance, uint64_t median);
/* Which of n > 0 names, the first the most frequent. */
uint32_t chance_rank(struct chance *chance, uint32_t n);

#endif
