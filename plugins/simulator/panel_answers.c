/* What the respondents of the panel answer: shares of votes that come out exactly, and scores by who
 * supports. */
#include "plugins/simulator/chance.h"
#include "plugins/simulator/panel.h"

#include <stdlib.h>
#include <string.h>

#define N_BELOW_TOP 733 /* of the 2,200: not in the top quarter of satisfaction */

enum { CHANCE_BLANKS = 101, CHANCE_VOTES, CHANCE_SCORES };

/* Sites, those that say yes first. */
struct electorate {
    uint32_t sites[PANEL_SITES], n;
};

static bool is_hospital(uint32_t site)
{
    return site < PANEL_HOSPITALS;
}

/* --- who is asked what -----------------------------------------------------------------------------------
 */

static bool is_asked(uint32_t site, uint32_t question)
{
    return is_hospital(site) || question == QUESTION_SATISFACTION ||
           question == QUESTION_RESPONSE_AND_QUALITY || question == QUESTION_PREFERS_DOMESTIC ||
           question == QUESTION_OUTSOURCED_NOW;
}

/* Until it is answered a question that will be is marked; some leave one out, but never all of a site. */
#define ASKED 255

static void mark(struct panel *panel, struct chance *chance)
{
    for (uint32_t s = 0; s < PANEL_SITES; s++)
        for (uint32_t j = 0; j < panel->sites[s].n; j++)
            for (uint32_t q = 0; q < WORLD_N_QUESTIONS; q++) {
                bool blank = q != QUESTION_SATISFACTION && j >= 2 && chance_hits(chance, 40);

                panel->ballots[panel->sites[s].first + j].answers[q] = is_asked(s, q) && !blank ? ASKED : 0;
            }
}

/* With the outsourcer, as make_respondents deals them. */
static bool is_outsourced(const struct panel *panel, uint32_t site, uint32_t j)
{
    switch (panel->sites[site].outsourcing) {
    case PANEL_MOSTLY:
        return true;
    case PANEL_PARTLY:
        return j < panel->sites[site].n / 2;
    default:
        return false;
    }
}

/* --- by who supports -------------------------------------------------------------------------------------
 */

/* NULL: nobody is known to. */
static const struct panel_team *supporter(const struct panel *panel, const struct panel_ballot *ballot)
{
    uint32_t team = ballot->ticket != PANEL_NONE ? panel->tickets[ballot->ticket].team : ballot->team;

    return team == PANEL_NONE ? NULL : &PANEL_TEAM_LIST[team];
}

/* People of the laboratory are the exception: their domestic desks are the worst. */
static bool is_laboratory(const struct panel_ballot *ballot)
{
    return strcmp(panel_product_name(ballot->product), "lab") == 0;
}

/* How content somebody is, apart from chance (0 to 999). */
static uint32_t contentment(const struct panel *panel, const struct panel_ballot *ballot)
{
    const struct panel_team *team = supporter(panel, ballot);
    bool lab = is_laboratory(ballot);

    if (!team)
        return 300;
    switch (team->region) {
    case PANEL_DOMESTIC:
        return lab ? 50 : team->outsourcer ? 450 : 550;
    case PANEL_NEARSHORE:
        return 650;
    default:
        return lab ? 600 : 50;
    }
}

/* How many of a thousand find response and quality bad, where the votes of outsourced hospitals do not say
 * it. */
static uint32_t badness(const struct panel *panel, const struct panel_ballot *ballot)
{
    const struct panel_team *team = supporter(panel, ballot);

    if (!team)
        return 200;
    if (is_laboratory(ballot))
        return team->region == PANEL_DOMESTIC ? 750 : 200;
    return team->region == PANEL_OFFSHORE ? 500 : team->outsourcer ? 300 : 150;
}

/* --- votes -----------------------------------------------------------------------------------------------
 */

static void put(struct electorate *e, struct chance *chance, uint32_t site)
{
    uint32_t j = (uint32_t)chance_below(chance, ++e->n);

    e->sites[e->n - 1] = e->sites[j];
    e->sites[j] = site;
}

/* The ballots of a site whose answers to the question are to be given, outsourced ones only or all; shuffled.
 */
static uint32_t voters(const struct panel *panel, struct chance *chance, uint32_t site, uint32_t question,
                       bool outsourced, uint32_t *ret)
{
    uint32_t n = 0;

    for (uint32_t j = 0; j < panel->sites[site].n; j++) {
        uint32_t number = panel->sites[site].first + j, k;

        if (panel->ballots[number].answers[question] != ASKED ||
            (outsourced && !is_outsourced(panel, site, j)))
            continue;
        k = (uint32_t)chance_below(chance, ++n);
        ret[n - 1] = ret[k];
        ret[k] = number;
    }
    return n;
}

static uint8_t answer(struct chance *chance, uint32_t question, bool yes)
{
    if (WORLD_QUESTIONS[question].yes)
        return yes ? 1 : 2;
    return (uint8_t)(yes ? 1 + chance_below(chance, 2)
                         : 3 + chance_below(chance, 3)); /* in the bottom quarter */
}

/* The first n_yes sites of the electorate say yes, the others no, each with one voice; then people disagree:
 * of a yes and a no with as many voters, k of m change sides on both, so that the sum of the shares stays
 * n_yes. */
static void vote(struct panel *panel, struct chance *chance, const struct electorate *e, uint32_t n_yes,
                 uint32_t question, bool outsourced)
{
    uint32_t n_voters[PANEL_SITES], yes[PANEL_SITES], list[8], n_pairs = 0;
    bool split[PANEL_SITES] = {false};
    uint32_t n_pairs_max = (n_yes < e->n - n_yes ? n_yes : e->n - n_yes) / 2;

    for (uint32_t i = 0; i < e->n; i++) {
        n_voters[i] = voters(panel, chance, e->sites[i], question, outsourced, list);
        yes[i] = i < n_yes ? n_voters[i] : 0;
    }
    for (uint32_t i = 0; i < n_yes && n_pairs < n_pairs_max; i++)
        for (uint32_t j = n_yes; n_voters[i] >= 2 && j < e->n; j++) {
            uint32_t m = n_voters[i], k;

            if (split[j] || n_voters[j] != m)
                continue;
            k = 1 + (uint32_t)chance_below(chance, m / 2); /* a minority, or half */
            yes[i] = m - k;
            yes[j] = k;
            split[j] = true;
            n_pairs++;
            break;
        }
    for (uint32_t i = 0; i < e->n; i++) {
        uint32_t n = voters(panel, chance, e->sites[i], question, outsourced, list);

        for (uint32_t v = 0; v < n; v++)
            panel->ballots[list[v]].answers[question] = answer(chance, question, v < yes[i]);
    }
}

/* All that is left of a question, one by one. */
static void vote_freely(struct panel *panel, struct chance *chance, uint32_t question, uint32_t per_thousand)
{
    for (uint32_t i = 0; i < PANEL_RESPONDENTS; i++)
        if (panel->ballots[i].answers[question] == ASKED)
            panel->ballots[i].answers[question] = answer(chance, question, chance_hits(chance, per_thousand));
}

static void vote_hospitals(struct panel *panel, struct chance *chance)
{
    struct electorate all = {.n = 0}, practices = {.n = 0}, outsourced = {.n = 0}, mostly = {.n = 0},
                      other = {.n = 0};

    for (uint32_t s = 0; s < PANEL_SITES; s++) {
        if (!is_hospital(s)) {
            put(&practices, chance, s);
            continue;
        }
        put(&all, chance, s);
        if (panel->sites[s].outsourcing != PANEL_DIRECT)
            put(&outsourced, chance, s);
        put(panel->sites[s].outsourcing == PANEL_MOSTLY ? &mostly : &other, chance, s);
    }
    vote(panel, chance, &all, 328, QUESTION_DIFFERENTIATOR, false);
    vote(panel, chance, &all, 244, QUESTION_PREFERS_DIRECT, false);
    vote(panel, chance, &outsourced, 158, QUESTION_RESPONSE_AND_QUALITY, true);
    for (uint32_t i = 0; i < PANEL_RESPONDENTS; i++) { /* of the vendors' own desks, and of practices */
        struct panel_ballot *ballot = &panel->ballots[i];
        uint8_t *quality = &ballot->answers[QUESTION_RESPONSE_AND_QUALITY];

        if (*quality == ASKED)
            *quality =
                answer(chance, QUESTION_RESPONSE_AND_QUALITY, chance_hits(chance, badness(panel, ballot)));
    }
    vote(panel, chance, &practices, 291, QUESTION_PREFERS_DOMESTIC, false);
    vote(panel, chance, &all, 372, QUESTION_PREFERS_DOMESTIC, false);
    for (uint32_t i = 0; i < other.n; i++) /* they answer by what they have, most of them */
        mostly.sites[mostly.n++] = other.sites[i];
    vote(panel, chance, &mostly, 64, QUESTION_OUTSOURCED_NOW, false);
    vote_freely(panel, chance, QUESTION_OUTSOURCED_NOW, 330);
}

/* Those that are asked by their beds; the others, and those of which nothing is known, answer what they like.
 */
static void vote_by_beds(struct panel *panel, struct chance *chance)
{
    struct electorate over_50 = {.n = 0}, over_100 = {.n = 0}, exactly = {.n = 0};

    for (uint32_t s = 0; s < PANEL_HOSPITALS; s++) {
        if (panel->sites[s].beds > 50)
            put(&over_50, chance, s);
        if (panel->sites[s].beds > 100)
            put(&over_100, chance, s);
    }
    vote(panel, chance, &over_50, 261, QUESTION_CONSIDERS, false);
    vote(panel, chance, &over_100, 70, QUESTION_DOUBLES, false);
    for (uint32_t s = 0; s < PANEL_HOSPITALS; s++) { /* would be seen at once, were they counted */
        exactly.n = 0;
        put(&exactly, chance, s);
        if (panel->sites[s].beds == 50)
            vote(panel, chance, &exactly, 0, QUESTION_CONSIDERS, false);
        if (panel->sites[s].beds == 100)
            vote(panel, chance, &exactly, 1, QUESTION_DOUBLES, false);
    }
    vote_freely(panel, chance, QUESTION_CONSIDERS, 400);
    vote_freely(panel, chance, QUESTION_DOUBLES, 200);
}

/* --- scores ----------------------------------------------------------------------------------------------
 */

struct ranked {
    uint32_t content, ballot;
};

static int by_content(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;

    if (a->content != b->content)
        return a->content < b->content ? -1 : 1;
    return (a->ballot > b->ballot) - (a->ballot < b->ballot);
}

static void score(struct panel *panel, struct chance *chance)
{
    struct ranked ranked[PANEL_RESPONDENTS];

    for (uint32_t i = 0; i < PANEL_RESPONDENTS; i++)
        ranked[i] =
            (struct ranked){contentment(panel, &panel->ballots[i]) + (uint32_t)chance_below(chance, 1000), i};
    qsort(ranked, PANEL_RESPONDENTS, sizeof(ranked[0]), by_content);
    for (uint32_t i = 0; i < PANEL_RESPONDENTS; i++)
        panel->ballots[ranked[i].ballot].answers[QUESTION_SATISFACTION] = i < 220           ? 1
                                                                          : i < 480         ? 2
                                                                          : i < N_BELOW_TOP ? 3
                                                                          : i < 1500        ? 4
                                                                                            : 5;
}

void panel_answer(struct panel *panel, uint64_t seed)
{
    struct chance chance;

    chance_init(&chance, seed, CHANCE_BLANKS);
    mark(panel, &chance);
    chance_init(&chance, seed, CHANCE_VOTES);
    vote_hospitals(panel, &chance);
    vote_by_beds(panel, &chance);
    chance_init(&chance, seed, CHANCE_SCORES);
    score(panel, &chance);
}
