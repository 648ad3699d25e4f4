#include "core/query/calendar_warn.h"

#include "core/fold/reference.h"

#include <stdio.h>

#define NAMES_SHOWN 3

struct warning {
    const struct reference *reference;
    json_t *warnings;
    size_t n;
};

static int warn_add(json_t *warnings, const char *text)
{
    return json_array_append_new(warnings, json_string(text)) < 0 ? -ENOMEM : 0;
}

/* whose: the beginning of the sentence, up to the name. */
static int warn_missing(const struct warning *w, const char *whose, const char *name)
{
    struct error nearest = ERROR_INIT;
    char text[512];
    (void)reference_calendar_unknown(w->reference, name, &nearest);
    (void)snprintf(text, sizeof(text), "%s '%.64s', which nobody imported: %s%s", whose, name,
                   "those tickets have no business time; ", nearest.hint);
    return warn_add(w->warnings, text);
}

static int warn_of_site(void *context, const char *name, size_t n_rows)
{
    struct warning *w = context;
    return w->n++ < NAMES_SHOWN ? warn_missing(w, "there are sites with the calendar", name) : 0;
}

int calendar_warn(struct plan *p, struct error *err)
{
    const struct reference_calendar *versions;
    struct warning w = {.reference = p->dimension_view.reference, .warnings = p->warnings};
    const char *fallback = p->context->calendar;
    bool is_business = false;
    char text[96];
    for (unsigned i = 0; i < p->request->n_asked; i++)
        is_business |= p->request->asked[i].clock != METRIC_WALL;
    if (!is_business || !w.reference)
        return 0;
    int r = reference_each_missing_calendar(w.reference, warn_of_site, &w);
    if (r == 0 && w.n > NAMES_SHOWN) {
        (void)snprintf(text, sizeof(text),
                       "%zu further names of calendars are not known: tendon calendar list",
                       w.n - NAMES_SHOWN);
        r = warn_add(w.warnings, text);
    }
    if (r == 0 && fallback && *fallback && reference_calendars(w.reference, fallback, &versions) == 0)
        r = warn_missing(&w, "the tenant's configuration names the calendar", fallback);
    return r < 0 ? error_set(err, r, "no_memory", "no memory for the query") : 0;
}
