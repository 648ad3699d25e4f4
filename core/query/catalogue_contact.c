/* Telephone and chat: contacts and how long they waited. */
#include "core/query/catalogue.h"

const struct metric CATALOGUE_CONTACT[] = {
    {.name = NULL},
};
