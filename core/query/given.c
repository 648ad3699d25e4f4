#include "core/query/given.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int given_add(void *context, const struct fact_row *row)
{
    struct given *g = context;
    if (g->n == g->capacity) {
        size_t capacity = g->capacity ? g->capacity * 2 : 64;
        struct fact_row *more = realloc(g->rows, capacity * sizeof(*more));
        if (!more)
            return -ENOMEM;
        g->rows = more;
        g->capacity = capacity;
    }
    g->rows[g->n++] = *row;
    return 0;
}

void given_fini(struct given *g)
{
    free(g->rows);
    g->rows = NULL;
    g->n = g->capacity = 0;
}

void given_begin(struct given *g)
{
    g->at = 0;
}

int given_next(struct given *g, enum fact_table table, struct fact_vector *ret)
{
    const struct fact_table_info *info = &FACT_TABLE_INFO[table];
    uint32_t n = 0;
    for (; g->at < g->n && n < FACT_VECTOR_ROWS; g->at++) {
        const struct fact_row *row = &g->rows[g->at];
        if (row->table != table)
            continue;
        for (unsigned v = 0; v < info->n_values; v++)
            g->values[v][n] = row->values[v];
        for (unsigned set = 0; set < info->n_sets; set++)
            for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
                g->dimensions[set][f][n] = row->dimensions[set][f];
        n++;
    }
    *ret = (struct fact_vector){.n = n};
    for (unsigned v = 0; v < info->n_values; v++)
        ret->values[v] = g->values[v];
    for (unsigned set = 0; set < info->n_sets; set++)
        for (unsigned f = 0; f < FIELD_N_DIMENSIONS; f++)
            ret->dimensions[set][f] = g->dimensions[set][f];
    return n > 0;
}
