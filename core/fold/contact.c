#include "core/fold/contact.h"

void contact_note(struct run *r, const struct event *e, int64_t at)
{
    struct contact *c = &r->f->contacts[r->n_contacts++];
    r->speaks = true;
    c->event = e;
    c->at = at;
    c->dimensions = r->now;
    dimensions_apply(&c->dimensions, e);
}

static bool contact_is_answered(const struct contact *c)
{
    return event_get(c->event, FIELD_OUTCOME, 0) == OUTCOME_ANSWERED;
}

size_t contacts_answered(const struct run *r, int64_t raw_at)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_contacts && r->f->contacts[i].event->at <= raw_at; i++)
        n += contact_is_answered(&r->f->contacts[i]);
    return n;
}

static const struct contact *first_answered(const struct run *r)
{
    for (size_t i = 0; i < r->n_contacts; i++)
        if (contact_is_answered(&r->f->contacts[i]))
            return &r->f->contacts[i];
    return NULL;
}

#define FIRST_CONTACT_MS 3600000 /* of business time, where there is no contact to wait for */

static bool channel_is_live(unsigned channel)
{
    return channel == CHANNEL_PHONE || channel == CHANNEL_CHAT || channel == CHANNEL_REMOTE ||
           channel == CHANNEL_ONSITE;
}

int64_t contact_solved_in_time(struct run *r)
{
    const struct solve *s = &r->f->solves[0];
    if (!channel_is_live(s->dimensions.of[FIELD_CHANNEL])) {
        int64_t passed = r->is_inferred ? FACT_NULL : stopwatch_business(&r->stopwatch, r->created_at, s->at);
        return passed == FACT_NULL ? FACT_NULL : passed <= FIRST_CONTACT_MS;
    }
    const struct contact *c = first_answered(r);
    return c ? s->raw_at <= c->event->at + event_get(c->event, FIELD_WRAP_S, 0) : FACT_NULL;
}
