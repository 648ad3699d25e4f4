/* The nearest right name for a wrong one, for error hints: "unknown key zoen; did you mean zone?".
 *
 * Distance is Damerau-Levenshtein (a swap of neighbours counts one), case ignored. A name is near when at
 * most a third of the wrong one's bytes differ, at least one and at most three. Names over NEAREST_BYTES are
 * never near: the work is bounded whatever comes in. No allocation; any thread. */
#ifndef TENDON_BASE_NEAREST_H
#define TENDON_BASE_NEAREST_H

#include <stddef.h>

#define NEAREST_BYTES 64

struct nearest {
    const char *wrong;
    size_t size;       /* of wrong */
    unsigned distance; /* of best */
    const char *best;  /* the nearest one offered so far, or NULL when none is near */
};

/* For names that do not stand in one array: init, offer each, read best. The first of equally near ones wins.
 * Both strings must outlive the search. wrong needs no NUL. */
void nearest_init(struct nearest *n, const char *wrong, size_t size);
void nearest_offer(struct nearest *n, const char *name);

/* The nearest of n names (NULL entries are passed over), or NULL. */
const char *nearest_name(const char *wrong, const char *const *names, size_t n);

#endif
