#include "core/fold/duration.h"

#include <string.h>

void stopwatch_init(struct stopwatch *s, const struct business *clock)
{
    s->clock = clock;
    s->calendar = clock && clock->n == 1 ? clock->pieces[0].calendar : NULL;
    if (s->calendar)
        for (unsigned i = 0; i < STOPWATCH_KNOWN; i++)
            s->known[i].at = FACT_NULL;
}

static int64_t until(struct stopwatch *s, int64_t at)
{
    size_t place = (uint64_t)at * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (STOPWATCH_KNOWN - 1);
    if (s->known[place].at != at) {
        s->known[place].at = at;
        s->known[place].until_ms = calendar_until_ms(s->calendar, at);
    }
    return s->known[place].until_ms;
}

int64_t stopwatch_business(struct stopwatch *s, int64_t from, int64_t to)
{
    if (s->calendar)
        return to <= from ? 0 : until(s, to) - until(s, from);
    return s->clock ? business_elapsed_ms(s->clock, from, to) : FACT_NULL;
}

int64_t stopwatch_last(struct stopwatch *s, int64_t from, int64_t to, int64_t end)
{
    if (s->calendar)
        return stopwatch_business(s, from, to);
    return s->clock ? business_last_ms(s->clock, from, to, end) : FACT_NULL;
}

struct duration stopwatch_both(struct stopwatch *s, int64_t from, int64_t to, int64_t end)
{
    struct duration d = {.business = stopwatch_business(s, from, to)};
    d.last = s->calendar ? d.business : stopwatch_last(s, from, to, end);
    return d;
}

void duration_add(struct duration *sum, struct duration part)
{
    sum->business = known_sum(sum->business, part.business);
    sum->last = known_sum(sum->last, part.last);
}
