/* The panel as events, in the order of time. */
#include "plugins/simulator/panel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they come at one instant. */
enum place_kind { PLACE_TICKET, PLACE_SENT, PLACE_ANSWER };
enum ticket_step { STEP_CREATED, STEP_ASSIGNED, STEP_ANSWERED, STEP_SOLVED, STEP_CLOSED, N_STEPS };

struct panel_place {
    int64_t at_ms;
    uint32_t index;     /* of the ticket or ballot */
    uint8_t kind, step; /* step: of a ticket, or the question */
};

static int place_order(const void *left, const void *right)
{
    const struct panel_place *a = left, *b = right;

    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->index != b->index)
        return a->index < b->index ? -1 : 1;
    return (a->step > b->step) - (a->step < b->step);
}

static void put(struct panel *panel, int64_t at_ms, enum place_kind kind, uint32_t index, uint32_t step)
{
    panel->places[panel->n_places++] =
        (struct panel_place){.at_ms = at_ms, .index = index, .kind = (uint8_t)kind, .step = (uint8_t)step};
}

int panel_order(struct panel *panel)
{
    panel->places =
        calloc(panel->n_tickets * (size_t)N_STEPS + PANEL_BALLOTS * (1 + (size_t)WORLD_N_QUESTIONS),
               sizeof(*panel->places));
    if (!panel->places)
        return -ENOMEM;
    for (uint32_t i = 0; i < panel->n_tickets; i++) {
        const struct panel_ticket *ticket = &panel->tickets[i];

        put(panel, ticket->created_ms, PLACE_TICKET, i, STEP_CREATED);
        if (ticket->team != PANEL_NONE)
            put(panel, ticket->assigned_ms, PLACE_TICKET, i, STEP_ASSIGNED);
        put(panel, ticket->answered_ms, PLACE_TICKET, i, STEP_ANSWERED);
        put(panel, ticket->solved_ms, PLACE_TICKET, i, STEP_SOLVED);
        put(panel, ticket->closed_ms, PLACE_TICKET, i, STEP_CLOSED);
    }
    for (uint32_t i = 0; i < PANEL_BALLOTS; i++) {
        const struct panel_ballot *ballot = &panel->ballots[i];

        put(panel, ballot->sent_ms, PLACE_SENT, i, 0);
        for (uint32_t q = 0; ballot->at_ms && q < WORLD_N_QUESTIONS; q++)
            if (ballot->answers[q])
                put(panel, ballot->at_ms, PLACE_ANSWER, i, q);
    }
    qsort(panel->places, panel->n_places, sizeof(*panel->places), place_order);
    return 0;
}

/* --- ids -------------------------------------------------------------------------------------------------
 */

void panel_ticket_id(const struct panel *panel, uint32_t ticket, char *room)
{
    (void)snprintf(room, WORLD_ID_BYTES, "%.16s%u", panel->prefix, ticket + 1);
}

void panel_ballot_id(uint32_t ballot, char *room)
{
    (void)snprintf(room, WORLD_ID_BYTES, "B%u", ballot + 1);
}

void panel_respondent_id(uint32_t respondent, char *room)
{
    (void)snprintf(room, WORLD_ID_BYTES, "P%u", respondent + 1);
}

/* --- events ----------------------------------------------------------------------------------------------
 */

static void string(struct world_event *event, enum event_field field, const char *value)
{
    event->values[event->n_values++] = (struct world_value){.field = field, .string = value};
}

static void number(struct world_event *event, enum event_field field, int64_t value)
{
    event->values[event->n_values++] = (struct world_value){.field = field, .number = value};
}

static void say_ticket(const struct panel *panel, const struct panel_place *place, struct world_event *event)
{
    static const char *const channels[] = {ENUM_CHANNEL};
    const struct panel_ticket *ticket = &panel->tickets[place->index];

    panel_ticket_id(panel, place->index, event->ticket);
    (void)snprintf(event->id, sizeof(event->id), "%.32s/%u", event->ticket, place->step);
    event->seq = place->step;
    switch ((enum ticket_step)place->step) {
    case STEP_CREATED:
        event->type = EVENT_TICKET_CREATED;
        string(event, FIELD_VENDOR, panel_vendor_name(ticket->product));
        string(event, FIELD_PRODUCT, panel_product_name(ticket->product));
        string(event, FIELD_CHANNEL, channels[ticket->channel - 1]);
        number(event, FIELD_SEVERITY, ticket->severity);
        string(event, FIELD_SITE, panel->sites[ticket->site].name);
        break;
    case STEP_ASSIGNED:
        event->type = EVENT_TICKET_ASSIGNED;
        string(event, FIELD_TEAM, PANEL_TEAM_LIST[ticket->team].name);
        string(event, FIELD_KIND, "route");
        break;
    case STEP_ANSWERED:
        event->type = EVENT_TICKET_MESSAGE;
        string(event, FIELD_DIRECTION, "out");
        break;
    default:
        event->type = EVENT_TICKET_STATUS;
        string(event, FIELD_TO, place->step == STEP_SOLVED ? "solved" : "closed");
        if (place->step == STEP_CLOSED)
            number(event, FIELD_AUTOMATED, 1);
        break;
    }
}

static void say_ballot(const struct panel *panel, const struct panel_place *place, struct world_event *event)
{
    static const char *const relations[] = {ENUM_RATER_RELATION};
    const struct panel_ballot *ballot = &panel->ballots[place->index];
    const char *part = place->kind == PLACE_SENT ? "sent" : WORLD_QUESTIONS[place->step].question;
    char id[WORLD_ID_BYTES];

    event->type = place->kind == PLACE_SENT ? EVENT_SURVEY_SENT : EVENT_SURVEY_RESPONSE;
    panel_ballot_id(place->index, id);
    (void)snprintf(event->id, sizeof(event->id), "%.12s/%.32s", id, part);
    panel_respondent_id(ballot->respondent, event->respondent);
    if (ballot->ticket != PANEL_NONE) {
        panel_ticket_id(panel, ballot->ticket, event->ticket);
    } else { /* a ticket says the rest itself */
        string(event, FIELD_VENDOR, panel_vendor_name(ballot->product));
        string(event, FIELD_PRODUCT, panel_product_name(ballot->product));
        if (ballot->team != PANEL_NONE)
            string(event, FIELD_TEAM, PANEL_TEAM_LIST[ballot->team].name);
    }
    string(event, FIELD_SITE, panel->sites[ballot->site].name);
    string(event, FIELD_INSTRUMENT, WORLD_SURVEY);
    string(event, FIELD_RESPONDENT, event->respondent);
    string(event, FIELD_RESPONDENT_ROLE, panel_role_name(ballot->role));
    if (ballot->relation)
        string(event, FIELD_RATER_RELATION, relations[ballot->relation - 1]);
    if (place->kind == PLACE_SENT)
        return;
    string(event, FIELD_QUESTION, part);
    if (WORLD_QUESTIONS[place->step].yes) {
        string(event, FIELD_CHOICE,
               ballot->answers[place->step] == 1 ? WORLD_QUESTIONS[place->step].yes
                                                 : WORLD_QUESTIONS[place->step].no);
        return;
    }
    number(event, FIELD_SCORE, ballot->answers[place->step]);
    number(event, FIELD_MIN, 1);
    number(event, FIELD_MAX, 5);
}

void panel_event(const struct panel *panel, uint32_t place, struct world_event *ret)
{
    const struct panel_place *at = &panel->places[place];

    ret->at_ms = ret->due_ms = at->at_ms;
    ret->seq = 0;
    ret->ticket[0] = '\0';
    ret->n_values = 0;
    ret->story = place;
    ret->step = 0;
    if (at->kind == PLACE_TICKET)
        say_ticket(panel, at, ret);
    else
        say_ballot(panel, at, ret);
}
