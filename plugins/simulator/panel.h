/* A survey of 2,200 people at 400 hospitals and 300 practices, made so that its answers give the shares that
 * the industry publishes (docs of `tendon report survey`), and the tickets that these sites had the year
 * before.
 *
 * Everything follows from the seed. The totals are exact whatever the seed; who answers what is chance:
 * people of one site disagree, some leave questions out, some answered before and changed their minds, some
 * ballots name a ticket or nothing in place of the team, beds of some sites are not known. Beside the 2,200
 * stand the ballots of resellers, which tell another story, and those who were asked and never answered.
 *
 * The arrays are read only and live as long as the panel. Any thread; about 3 MB. */
#ifndef TENDON_SIMULATOR_PANEL_H
#define TENDON_SIMULATOR_PANEL_H

#include "plugins/simulator/world.h"

#define PANEL_HOSPITALS   400
#define PANEL_PRACTICES   300
#define PANEL_SITES       (PANEL_HOSPITALS + PANEL_PRACTICES)
#define PANEL_RESPONDENTS 2200
#define PANEL_RESELLERS   180
#define PANEL_REPEATED    60   /* of the respondents: their ballot before the one that counts */
#define PANEL_SILENT      2600 /* asked, and never answered */
#define PANEL_BALLOTS     (PANEL_RESPONDENTS + PANEL_RESELLERS + PANEL_REPEATED + PANEL_SILENT)
#define PANEL_TEAMS       7
#define PANEL_TICKETS_MAX 12000
#define PANEL_DAYS_MIN    120

enum panel_region { PANEL_DOMESTIC, PANEL_NEARSHORE, PANEL_OFFSHORE };
enum panel_outsourcing {
    PANEL_DIRECT,
    PANEL_PARTLY,
    PANEL_MOSTLY
}; /* of a site's tickets: none, less than half, half or more */

struct panel_team {
    const char *name, *employer, *outsourcer, *country; /* outsourcer NULL: none */
    enum panel_region region;
};
extern const struct panel_team PANEL_TEAM_LIST[PANEL_TEAMS];

struct panel_site {
    char name[8], org[16];
    const char *kind, *state;
    int32_t beds; /* −1: not known */
    uint32_t physicians;
    enum panel_outsourcing outsourcing;
    uint32_t first, n; /* of the ballots that count */
};

#define PANEL_NONE UINT32_MAX

struct panel_ballot {
    uint32_t respondent, site;
    uint32_t product, role;             /* places in panel_product_name, panel_role_name */
    uint32_t team, ticket;              /* places, or PANEL_NONE */
    int64_t sent_ms, at_ms;             /* at 0: never answered */
    enum event_relation relation;       /* 0: not said */
    uint8_t answers[WORLD_N_QUESTIONS]; /* 0 none; a score of 1 to 5; 1 yes, 2 no */
};

struct panel_ticket {
    uint32_t site, product, team; /* team PANEL_NONE: nobody is known to have had it */
    uint8_t severity, channel;    /* channel: from 1 */
    int64_t created_ms, assigned_ms, answered_ms, solved_ms, closed_ms;
};

struct panel_place; /* of an event in the order of all */

struct panel {
    struct panel_site sites[PANEL_SITES];
    struct panel_ballot
        *ballots; /* [PANEL_BALLOTS]: those that count, by site; resellers; repeated; silent */
    struct panel_ticket *tickets;
    uint32_t n_tickets;
    struct panel_place *places; /* of all events, by time */
    uint32_t n_places;
    const char *prefix; /* of ticket ids; the caller's */
};

/* Ballots are of the last 30 days, tickets of the days until 75 before the end. 0, -ENOMEM, or -EINVAL: less
 * than PANEL_DAYS_MIN days. */
int panel_new(uint64_t seed, int64_t from_ms, int64_t until_ms, const char *prefix, struct panel **ret);
void panel_free(struct panel *panel); /* NULL is fine */

const char *panel_product_name(uint32_t product);
const char *panel_vendor_name(uint32_t product);
const char *panel_role_name(uint32_t role);
/* "T12", "B7", "P7": room for WORLD_ID_BYTES. */
void panel_ticket_id(const struct panel *panel, uint32_t ticket, char *room);
void panel_ballot_id(uint32_t ballot, char *room);
void panel_respondent_id(uint32_t respondent, char *room);

/* The event at that place in the order of all, place < n_places: ids and values live as long as ret and
 * panel. */
void panel_event(const struct panel *panel, uint32_t place, struct world_event *ret);

/* Used by the parts of the panel: answers of all ballots that count (panel_answers.c), the order of all
 * events (panel_event.c). */
void panel_answer(struct panel *panel, uint64_t seed);
int panel_order(struct panel *panel);

#endif
