#include "plugins/simulator/panel.h"

#include "plugins/simulator/chance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS  86400000ll
#define N(list) (sizeof(list) / sizeof((list)[0]))

/* Streams of chance. */
enum { CHANCE_SITES = 1, CHANCE_TEAMS, CHANCE_TICKETS, CHANCE_OTHERS, CHANCE_TIMES };

const struct panel_team PANEL_TEAM_LIST[PANEL_TEAMS] = {
    {"medisys-desk", "medisys", NULL, "US", PANEL_DOMESTIC},
    {"medisys-pune", "medisys", NULL, "IN",
     PANEL_OFFSHORE}, /* a vendor's own people abroad: not outsourced */
    {"lumen-desk", "lumen", NULL, "US", PANEL_DOMESTIC},
    {"tempo-desk", "tempo", NULL, "US", PANEL_DOMESTIC},
    {"prairie-desk", "prairie-support", "prairie-support", "US", PANEL_DOMESTIC},
    {"luzon-desk", "luzon-care", "luzon-care", "PH", PANEL_OFFSHORE},
    {"monterrey-desk", "puente-soporte", "puente-soporte", "MX", PANEL_NEARSHORE},
};

/* A vendor's own desk, and who sells what. */
static const struct {
    const char *product, *vendor;
    uint32_t team;
} PRODUCTS[] = {
    {"ehr", "medisys", 0},     {"pacs", "lumen", 2},       {"lab", "lumen", 2},
    {"billing", "medisys", 0}, {"pharmacy", "medisys", 0}, {"scheduling", "tempo", 3},
};
#define PRODUCT_SCHEDULING 5 /* its vendor has no outsourcer */

static const char *const ROLES[] = {"nurse", "physician", "it", "administrator", "pharmacist", "registrar"};
static const char *const STATES[] = {"TX", "CA", "IL", "OH", "PA", "GA", "MO", "CO", "WA", "NY", "FL", "MN"};

const char *panel_product_name(uint32_t product)
{
    return PRODUCTS[product].product;
}

const char *panel_vendor_name(uint32_t product)
{
    return PRODUCTS[product].vendor;
}

const char *panel_role_name(uint32_t role)
{
    return ROLES[role];
}

/* --- sites -----------------------------------------------------------------------------------------------
 */

static void shuffle(struct chance *chance, uint32_t *list, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)chance_below(chance, i), swap = list[i - 1];

        list[i - 1] = list[j];
        list[j] = swap;
    }
}

/* Beds of the hospital of that rank, of 400: 200 with over 100, 100 with 51 to 100 (one with 100), 100 with
 * less (60 critical access hospitals, one with 50, 11 of which nothing is known). */
static int32_t hospital_beds(struct chance *chance, uint32_t rank)
{
    if (rank < 200)
        return (int32_t)(101 + chance_around(chance, 120));
    if (rank < 300)
        return rank == 200 ? 100 : (int32_t)(51 + chance_below(chance, 49));
    if (rank < 360)
        return (int32_t)(6 + chance_below(chance, 20));
    if (rank < 389)
        return rank == 360 ? 50 : (int32_t)(26 + chance_below(chance, 24));
    return -1;
}

static void make_sites(struct panel *panel, uint64_t seed)
{
    uint32_t beds[PANEL_HOSPITALS], outsourcing[PANEL_HOSPITALS], sizes[PANEL_HOSPITALS], n_ballots = 0;
    struct chance chance;

    chance_init(&chance, seed, CHANCE_SITES);
    for (uint32_t i = 0; i < PANEL_HOSPITALS; i++)
        beds[i] = outsourcing[i] = sizes[i] = i;
    shuffle(&chance, beds, PANEL_HOSPITALS);
    shuffle(&chance, outsourcing, PANEL_HOSPITALS);
    shuffle(&chance, sizes, PANEL_HOSPITALS);
    for (uint32_t i = 0; i < PANEL_SITES; i++) {
        struct panel_site *site = &panel->sites[i];
        bool hospital = i < PANEL_HOSPITALS;

        snprintf(site->name, sizeof(site->name), "F%03u", i + 1);
        if (hospital) {
            site->beds = hospital_beds(&chance, beds[i]);
            site->kind = site->beds >= 0 && site->beds <= 25 ? "cah" : "hospital";
            site->outsourcing = outsourcing[i] < 64    ? PANEL_MOSTLY
                                : outsourcing[i] < 200 ? PANEL_PARTLY
                                                       : PANEL_DIRECT;
            site->n = 2 + sizes[i] % 5; /* four in the mean */
            snprintf(site->org, sizeof(site->org), "network-%u", 1 + (uint32_t)chance_below(&chance, 120));
            site->physicians = (uint32_t)(10 + chance_around(&chance, 90));
        } else {
            site->beds = -1;
            site->kind = "practice";
            site->outsourcing = i % 3 == 0 ? PANEL_MOSTLY : PANEL_DIRECT;
            site->n = 1 + i % 3; /* two in the mean */
            snprintf(site->org, sizeof(site->org), "group-%u", 1 + (uint32_t)chance_below(&chance, 75));
            site->physicians = (uint32_t)(1 + chance_below(&chance, 12));
        }
        site->state = STATES[chance_below(&chance, N(STATES))];
        site->first = n_ballots;
        n_ballots += site->n;
    }
}

/* --- who supports ----------------------------------------------------------------------------------------
 */

static uint32_t outsourced_team(struct chance *chance)
{
    uint64_t place = chance_below(chance, 100);

    return place < 50 ? 5 : place < 85 ? 4 : 6;
}

static uint32_t direct_team(struct chance *chance, uint32_t product)
{
    return PRODUCTS[product].team == 0 && chance_hits(chance, 250) ? 1 : PRODUCTS[product].team;
}

static uint32_t draw_product(struct chance *chance, bool outsourced)
{
    uint32_t product = chance_rank(chance, N(PRODUCTS));

    return outsourced && product == PRODUCT_SCHEDULING ? 0 : product;
}

static struct panel_ticket *add_ticket(struct panel *panel, struct chance *chance, uint32_t site,
                                       bool outsourced)
{
    static const uint8_t severities[] = {1, 2, 2, 3, 3, 3, 3, 4, 4};
    struct panel_ticket *ticket = &panel->tickets[panel->n_tickets++];

    *ticket = (struct panel_ticket){.site = site, .product = draw_product(chance, outsourced)};
    ticket->team = outsourced ? outsourced_team(chance) : direct_team(chance, ticket->product);
    ticket->severity = severities[chance_below(chance, N(severities))];
    ticket->channel = (uint8_t)(1 + chance_below(chance, 5)); /* phone, email, web, chat, portal */
    return ticket;
}

/* Of a partly outsourced site the first half of the respondents, one at least, is with the outsourcer. */
static void make_respondents(struct panel *panel, uint64_t seed)
{
    struct chance chance;

    chance_init(&chance, seed, CHANCE_TEAMS);
    for (uint32_t s = 0; s < PANEL_SITES; s++) {
        const struct panel_site *site = &panel->sites[s];
        uint32_t n_outsourced = site->outsourcing == PANEL_MOSTLY   ? site->n
                                : site->outsourcing == PANEL_PARTLY ? site->n / 2
                                                                    : 0;

        for (uint32_t j = 0; j < site->n; j++) {
            uint32_t number = site->first + j;
            struct panel_ballot *ballot = &panel->ballots[number];
            bool outsourced = j < n_outsourced;

            *ballot = (struct panel_ballot){.respondent = number, .site = s, .ticket = PANEL_NONE};
            ballot->role = chance_rank(&chance, N(ROLES));
            ballot->relation = number % 20 == 7 ? RELATION_AFFILIATE : number % 10 == 3 ? 0 : RELATION_SELF;
            ballot->product = draw_product(&chance, outsourced);
            ballot->team = outsourced ? outsourced_team(&chance) : direct_team(&chance, ballot->product);
            if (number % 9 == 4) { /* its ticket says by whom it was solved, and for what */
                const struct panel_ticket *ticket = add_ticket(panel, &chance, s, outsourced);

                ballot->ticket = panel->n_tickets - 1;
                ballot->product = ticket->product;
                ballot->team = PANEL_NONE;
            } else if (!outsourced && number % 37 == 11) {
                ballot->team = PANEL_NONE; /* nothing does */
            }
        }
    }
}

/* The tickets of each site's year: of a site that is mostly outsourced half or more, of one partly less.
 * Those that ballots name are there already. */
static void make_tickets(struct panel *panel, uint64_t seed)
{
    uint32_t n_outsourced[PANEL_SITES] = {0}, n_direct[PANEL_SITES] = {0};
    struct chance chance;

    chance_init(&chance, seed, CHANCE_TICKETS);
    for (uint32_t i = 0; i < panel->n_tickets; i++) {
        const struct panel_ticket *ticket = &panel->tickets[i];

        (PANEL_TEAM_LIST[ticket->team].outsourcer ? n_outsourced : n_direct)[ticket->site]++;
    }
    for (uint32_t s = 0; s < PANEL_SITES; s++) {
        uint32_t n = (s < PANEL_HOSPITALS ? 4 : 2) + (uint32_t)chance_below(&chance, 4);
        uint32_t outsourced = n_outsourced[s], direct = n_direct[s];

        switch (panel->sites[s].outsourcing) {
        case PANEL_MOSTLY:
            direct = direct > n / 4 ? direct : n / 4;
            outsourced = outsourced > n - n / 4 ? outsourced : n - n / 4;
            break;
        case PANEL_PARTLY:
            outsourced = outsourced > n / 4 ? outsourced : n / 4;
            direct = direct > n - n / 4 ? direct : n - n / 4;
            break;
        case PANEL_DIRECT:
            direct = direct > n ? direct : n;
            break;
        }
        while (n_outsourced[s] < outsourced) {
            (void)add_ticket(panel, &chance, s, true);
            n_outsourced[s]++;
        }
        while (n_direct[s] < direct) {
            (void)add_ticket(panel, &chance, s, false);
            n_direct[s]++;
        }
        if (chance_hits(&chance, 250)) /* and one of which nobody knows who solved it */
            add_ticket(panel, &chance, s, false)->team = PANEL_NONE;
    }
}

/* --- the ballots that do not count -----------------------------------------------------------------------
 */

/* What a reseller would like to be true. */
static const uint8_t RESELLER_ANSWERS[WORLD_N_QUESTIONS] = {
    [QUESTION_SATISFACTION] = 5,     [QUESTION_RESPONSE_AND_QUALITY] = 5,
    [QUESTION_DIFFERENTIATOR] = 2,   [QUESTION_PREFERS_DIRECT] = 2,
    [QUESTION_PREFERS_DOMESTIC] = 2, [QUESTION_CONSIDERS] = 1,
    [QUESTION_OUTSOURCED_NOW] = 2,   [QUESTION_DOUBLES] = 1,
};

static void make_others(struct panel *panel, uint64_t seed)
{
    struct panel_ballot *ballot = panel->ballots + PANEL_RESPONDENTS;
    uint32_t n_repeated = 0;
    struct chance chance;

    chance_init(&chance, seed, CHANCE_OTHERS);
    for (uint32_t i = 0; i < PANEL_RESELLERS; i++, ballot++) {
        uint32_t s = (uint32_t)chance_below(&chance, PANEL_HOSPITALS);

        *ballot = (struct panel_ballot){.respondent = (uint32_t)(ballot - panel->ballots),
                                        .site = s,
                                        .role = 3,
                                        .ticket = PANEL_NONE,
                                        .relation = RELATION_RESELLER};
        ballot->product = draw_product(&chance, true);
        ballot->team = outsourced_team(&chance);
        memcpy(ballot->answers, RESELLER_ANSWERS, sizeof(ballot->answers));
    }
    /* The opposite of what they answer at last. */
    for (uint32_t number = 0; n_repeated < PANEL_REPEATED; number += 13) {
        const struct panel_ballot *last = &panel->ballots[number % PANEL_RESPONDENTS];

        if (last->ticket != PANEL_NONE)
            continue;
        *ballot = *last;
        for (uint32_t q = 0; q < WORLD_N_QUESTIONS; q++)
            if (last->answers[q])
                ballot->answers[q] = (uint8_t)((WORLD_QUESTIONS[q].yes ? 3 : 6) - last->answers[q]);
        ballot++;
        n_repeated++;
    }
    for (uint32_t i = 0; i < PANEL_SILENT; i++, ballot++)
        *ballot = (struct panel_ballot){.respondent = (uint32_t)(ballot - panel->ballots),
                                        .site = (uint32_t)chance_below(&chance, PANEL_SITES),
                                        .role = chance_rank(&chance, N(ROLES)),
                                        .product = chance_rank(&chance, N(PRODUCTS)),
                                        .team = PANEL_NONE,
                                        .ticket = PANEL_NONE};
}

/* --- times -----------------------------------------------------------------------------------------------
 */

/* Evenly, in whole seconds. */
static int64_t within(struct chance *chance, int64_t from_ms, int64_t until_ms)
{
    return (from_ms / 1000 + (int64_t)chance_below(chance, (uint64_t)((until_ms - from_ms) / 1000))) * 1000;
}

static void make_times(struct panel *panel, uint64_t seed, int64_t from_ms, int64_t until_ms)
{
    const uint32_t repeated = PANEL_RESPONDENTS + PANEL_RESELLERS, silent = repeated + PANEL_REPEATED;
    struct chance chance;

    chance_init(&chance, seed, CHANCE_TIMES);
    for (uint32_t i = 0; i < panel->n_tickets; i++) {
        struct panel_ticket *ticket = &panel->tickets[i];
        /* what the vendor's own people solve in seven hours takes the others longer */
        uint64_t median_s =
            3600 * (ticket->team == PANEL_NONE || !PANEL_TEAM_LIST[ticket->team].outsourcer ? 7 : 18);
        uint64_t work_s = chance_around(&chance, median_s);

        ticket->created_ms = within(&chance, from_ms, until_ms - 75 * DAY_MS);
        ticket->assigned_ms = ticket->created_ms + 1000 * (int64_t)(30 + chance_below(&chance, 600));
        ticket->answered_ms =
            ticket->assigned_ms + 1000 * (int64_t)(60 + chance_around(&chance, 1500) % 86400);
        ticket->solved_ms = ticket->answered_ms + 1000 * (int64_t)(600 + work_s % (8 * 86400));
        ticket->closed_ms = ticket->solved_ms + 3 * DAY_MS;
    }
    for (uint32_t i = 0; i < PANEL_BALLOTS; i++) {
        struct panel_ballot *ballot = &panel->ballots[i];
        int64_t at_ms = within(&chance, until_ms - 30 * DAY_MS, until_ms - DAY_MS);

        if (i >= repeated && i < silent)
            at_ms -= 31 * DAY_MS;
        ballot->sent_ms = at_ms - within(&chance, DAY_MS, 15 * DAY_MS);
        ballot->at_ms = i < silent ? at_ms : 0;
    }
}

int panel_new(uint64_t seed, int64_t from_ms, int64_t until_ms, const char *prefix, struct panel **ret)
{
    struct panel *panel;

    if (from_ms < EVENT_AT_MIN || until_ms - from_ms < PANEL_DAYS_MIN * DAY_MS)
        return -EINVAL;
    panel = calloc(1, sizeof(*panel));
    if (!panel)
        return -ENOMEM;
    panel->prefix = prefix;
    panel->ballots = calloc(PANEL_BALLOTS, sizeof(*panel->ballots));
    panel->tickets = calloc(PANEL_TICKETS_MAX, sizeof(*panel->tickets));
    if (!panel->ballots || !panel->tickets) {
        panel_free(panel);
        return -ENOMEM;
    }
    make_sites(panel, seed);
    make_respondents(panel, seed);
    panel_answer(panel, seed);
    make_tickets(panel, seed);
    make_others(panel, seed);
    make_times(panel, seed, from_ms, until_ms);
    if (panel_order(panel) < 0) {
        panel_free(panel);
        return -ENOMEM;
    }
    *ret = panel;
    return 0;
}

void panel_free(struct panel *panel)
{
    if (!panel)
        return;
    free(panel->ballots);
    free(panel->tickets);
    free(panel->places);
    free(panel);
}
