/* What RT calls its queues and custom fields, and who of its users is staff: asked once, and again after ten
 * minutes, for names change. One thread. */
#ifndef TENDON_PLUGINS_RT_NAMES_H
#define TENDON_PLUGINS_RT_NAMES_H

#include "plugins/rt/rest.h"

#include <stdbool.h>

#define NAMES_MAX     1024 /* kept; beyond, the oldest is asked for again */
#define NAMES_BYTES   256  /* of a user's name or number, with its NUL: a longer one is not known */
#define NAMES_KEPT_MS 600000

enum names_kind {
    NAMES_QUEUE, /* by number */
    NAMES_FIELD, /* by number */
    NAMES_USER   /* by name or number: "1" for a privileged user, which is RT's word for staff, else "0" */
};

struct names_entry {
    enum names_kind kind;
    char key[NAMES_BYTES];
    char text[TENDON_ID_BYTES + 1]; /* "": RT does not say */
    int64_t until_ms;
};

struct names {
    struct rest *rest;
    uint32_t n, next;
    struct names_entry *entries; /* [NAMES_MAX] */
};

/* 0 or -ENOMEM */
int names_init(struct names *names, struct rest *rest);
void names_fini(struct names *names);
/* *ret stays until the next call; "" where RT has none of that name or does not show it. TENDON_OK or an
 * error for poll to return. */
int names_find(struct names *names, enum names_kind kind, const char *key, const char **ret, char *err);
/* What an answer told besides. */
void names_keep(struct names *names, enum names_kind kind, const char *key, const char *text);

#endif
