/* Asking for memory before it is looked at.
 *
 * A compiler may see no effect in a function that only prefetches and drop the calls, as gcc 12 does where it
 * does not inline it first: such a function of one file is FETCHES. */
#ifndef TENDON_STORE_FETCH_H
#define TENDON_STORE_FETCH_H

#define FETCHES static inline __attribute__((always_inline)) void

#endif
