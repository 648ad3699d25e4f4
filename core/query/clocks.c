#include "core/query/clocks.h"

#include <errno.h>
#include <stdlib.h>

#define NUMBERS (UINT16_MAX + 1)

struct clocks {
    const struct dictionary *dictionary;
    const struct reference *reference;
    const char *fallback;
    struct business *sites[NUMBERS], *calendars[NUMBERS];
};

int clocks_new(const struct dictionary *dictionary, const struct reference *reference, const char *fallback,
               struct clocks **ret)
{
    struct clocks *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->dictionary = dictionary;
    c->reference = reference;
    c->fallback = fallback;
    *ret = c;
    return 0;
}

static void business_free(struct business *b)
{
    if (!b)
        return;
    business_fini(b);
    free(b);
}

void clocks_free(struct clocks *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < NUMBERS; i++) {
        business_free(c->sites[i]);
        business_free(c->calendars[i]);
    }
    free(c);
}

static const struct business *clocks_make(struct clocks *c, enum event_field field, uint16_t number,
                                          struct business **made)
{
    if (*made)
        return *made;
    struct business *b = calloc(1, sizeof(*b));
    const char *name = number ? dictionary_string(c->dictionary, field, number) : NULL;
    if (!b)
        return NULL;
    business_begin(b, c->reference, c->fallback);
    int r = field == FIELD_SITE ? business_site(b, INT64_MIN, name) : business_named(b, name ? name : "");
    if (r < 0) {
        business_free(b);
        return NULL;
    }
    return *made = b;
}

const struct business *clocks_site(struct clocks *c, uint16_t site)
{
    return clocks_make(c, FIELD_SITE, site, &c->sites[site]);
}

const struct business *clocks_calendar(struct clocks *c, uint16_t calendar)
{
    return clocks_make(c, FIELD_CALENDAR, calendar, &c->calendars[calendar]);
}
