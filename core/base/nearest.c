#include "core/base/nearest.h"

#include <string.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Damerau-Levenshtein in its restricted form: no substring is edited twice. Three rows of the table are
 * enough. */
static unsigned distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    unsigned rows[3][NEAREST_BYTES + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n_b; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= n_a; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n_b; j++) {
            unsigned best = above[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]) &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        unsigned *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[n_b];
}

void nearest_init(struct nearest *n, const char *wrong, size_t size)
{
    *n = (struct nearest){.wrong = wrong, .size = size};
}

void nearest_offer(struct nearest *n, const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > NEAREST_BYTES || n->size == 0 || n->size > NEAREST_BYTES)
        return;
    unsigned limit = n->size < 3 ? 1 : n->size > 9 ? 3 : (unsigned)n->size / 3;
    unsigned d = distance(n->wrong, n->size, name, size);
    if (d > limit || d >= size || (n->best && d >= n->distance))
        return;
    n->best = name;
    n->distance = d;
}

const char *nearest_name(const char *wrong, const char *const *names, size_t n_names)
{
    struct nearest n;
    nearest_init(&n, wrong, strlen(wrong));
    for (size_t i = 0; i < n_names; i++)
        if (names[i])
            nearest_offer(&n, names[i]);
    return n.best;
}
