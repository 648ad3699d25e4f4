/* Targets, and whether they were met. */
#include "core/query/catalogue.h"

const struct metric CATALOGUE_SLA[] = {
    {.name = NULL},
};
