#include "core/fold/duration.h"

#include "core/fold/fact.h"

struct duration duration_of(const struct business *clock, int64_t from, int64_t to, int64_t end)
{
    struct duration d = {FACT_NULL, FACT_NULL};
    if (!clock)
        return d;
    d.business = business_elapsed_ms(clock, from, to);
    if (clock->n == 1) /* one calendar, whenever it is asked: nearly every ticket */
        d.last = d.business;
    else if (d.business != FACT_NULL)
        d.last = business_last_ms(clock, from, to, end);
    return d;
}

void duration_add(struct duration *sum, struct duration part)
{
    if (sum->business == FACT_NULL || part.business == FACT_NULL)
        *sum = (struct duration){FACT_NULL, FACT_NULL};
    else {
        sum->business += part.business;
        sum->last = sum->last == FACT_NULL || part.last == FACT_NULL ? FACT_NULL : sum->last + part.last;
    }
}
