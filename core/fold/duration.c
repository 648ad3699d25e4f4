#include "core/fold/duration.h"

struct duration duration_of(const struct business *clock, int64_t from, int64_t to, int64_t end)
{
    struct duration d = {FACT_NULL, FACT_NULL};
    if (!clock)
        return d;
    d.business = business_elapsed_ms(clock, from, to);
    /* mostly there is one calendar, whenever it is asked for */
    d.last = clock->n == 1 ? d.business : business_last_ms(clock, from, to, end);
    return d;
}

void duration_add(struct duration *sum, struct duration part)
{
    sum->business = known_sum(sum->business, part.business);
    sum->last = known_sum(sum->last, part.last);
}
