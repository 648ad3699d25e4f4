/* The simulator's survey: the published shares, to the vote, whatever the seed. */
#include "plugins/simulator/panel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FROM_MS  1735689600000
#define UNTIL_MS 1767225600000
#define WHOLE    60 /* shares of a vote: a site has 1 to 6 voters */

static const uint64_t SEEDS[] = {0, 1, 2, 99, UINT64_MAX};

static struct panel *panel_open(uint64_t seed)
{
    struct panel *panel;

    assert_int_equal(panel_new(seed, FROM_MS, UNTIL_MS, "T", &panel), 0);
    return panel;
}

static bool is_outsourced(const struct panel *panel, const struct panel_ballot *ballot)
{
    uint32_t team = ballot->ticket == PANEL_NONE ? ballot->team : panel->tickets[ballot->ticket].team;

    return team != PANEL_NONE && PANEL_TEAM_LIST[team].outsourcer;
}

enum who { HOSPITALS, PRACTICES, OUTSOURCED_HOSPITALS };

struct share {
    uint32_t x, n; /* x in parts of WHOLE */
    uint32_t n_split;
};

/* One vote a site with more than so many beds, split over its respondents. yes: the greatest answer that is
 * one. */
static struct share count(const struct panel *panel, enum who who, int32_t beds, uint32_t question,
                          uint8_t yes)
{
    struct share share = {0};

    for (uint32_t s = 0; s < PANEL_SITES; s++) {
        const struct panel_site *site = &panel->sites[s];
        uint32_t x = 0, n = 0;

        if ((strcmp(site->kind, "practice") == 0) != (who == PRACTICES) || (beds >= 0 && site->beds <= beds))
            continue;
        for (uint32_t i = site->first; i < site->first + site->n; i++) {
            const struct panel_ballot *ballot = &panel->ballots[i];

            assert_int_equal(ballot->site, s);
            if (!ballot->answers[question] || (who == OUTSOURCED_HOSPITALS && !is_outsourced(panel, ballot)))
                continue;
            n++;
            x += ballot->answers[question] <= yes;
        }
        if (n == 0)
            continue;
        share.x += WHOLE * x / n;
        share.n++;
        share.n_split += x > 0 && x < n;
    }
    return share;
}

static void assert_share(struct share share, uint32_t x, uint32_t n)
{
    assert_int_equal(share.x, x * WHOLE);
    assert_int_equal(share.n, n);
    assert_true(share.n_split >= 4); /* people of one site disagree */
}

static void test_published_shares(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(SEEDS) / sizeof(SEEDS[0]); i++) {
        struct panel *panel = panel_open(SEEDS[i]);
        uint32_t n_below = 0;

        for (uint32_t b = 0; b < PANEL_RESPONDENTS; b++) {
            assert_in_range(panel->ballots[b].answers[QUESTION_SATISFACTION], 1, 5);
            n_below += panel->ballots[b].answers[QUESTION_SATISFACTION] < 4;
        }
        assert_int_equal(n_below, 733);
        assert_share(count(panel, HOSPITALS, -1, QUESTION_DIFFERENTIATOR, 1), 328, 400);
        assert_share(count(panel, HOSPITALS, -1, QUESTION_PREFERS_DIRECT, 1), 244, 400);
        assert_share(count(panel, OUTSOURCED_HOSPITALS, -1, QUESTION_RESPONSE_AND_QUALITY, 2), 158, 200);
        assert_share(count(panel, PRACTICES, -1, QUESTION_PREFERS_DOMESTIC, 1), 291, 300);
        assert_share(count(panel, HOSPITALS, -1, QUESTION_PREFERS_DOMESTIC, 1), 372, 400);
        assert_share(count(panel, HOSPITALS, 50, QUESTION_CONSIDERS, 1), 261, 300);
        assert_share(count(panel, HOSPITALS, -1, QUESTION_OUTSOURCED_NOW, 1), 64, 400);
        assert_share(count(panel, HOSPITALS, 100, QUESTION_DOUBLES, 1), 70, 200);
        panel_free(panel);
    }
}

/* The mean of both scored questions: worst abroad for every product that is supported from abroad, but for
 * the laboratory worst at home; each with ballots enough to be counted. */
static void test_worst_region(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(SEEDS) / sizeof(SEEDS[0]); i++) {
        struct panel *panel = panel_open(SEEDS[i]);
        double sum[6][3] = {{0}};
        uint32_t n[6][3] = {{0}};

        for (uint32_t b = 0; b < PANEL_RESPONDENTS; b++) {
            const struct panel_ballot *ballot = &panel->ballots[b];
            uint32_t team = ballot->ticket == PANEL_NONE ? ballot->team : panel->tickets[ballot->ticket].team;
            double satisfaction = ballot->answers[QUESTION_SATISFACTION] - 1;
            double quality = ballot->answers[QUESTION_RESPONSE_AND_QUALITY] - 1;

            if (team == PANEL_NONE)
                continue;
            sum[ballot->product][PANEL_TEAM_LIST[team].region] +=
                quality < 0 ? satisfaction : (satisfaction + quality) / 2;
            n[ballot->product][PANEL_TEAM_LIST[team].region]++;
        }
        for (uint32_t product = 0; product < 5; product++) {
            double home = sum[product][PANEL_DOMESTIC] / n[product][PANEL_DOMESTIC];
            double abroad = sum[product][PANEL_OFFSHORE] / n[product][PANEL_OFFSHORE];

            assert_true(n[product][PANEL_DOMESTIC] >= 20 && n[product][PANEL_OFFSHORE] >= 20);
            if (strcmp(panel_product_name(product), "lab") == 0)
                assert_true(home + 0.25 < abroad);
            else
                assert_true(abroad + 0.25 < home);
        }
        assert_int_equal(n[5][PANEL_OFFSHORE] + n[5][PANEL_NEARSHORE], 0);
        panel_free(panel);
    }
}

/* Those on the edge are there and answer so that a bound drawn wrong is seen. */
static void test_edges(void **state)
{
    struct panel *panel = panel_open(1);
    uint32_t n_50 = 0, n_100 = 0, n_unknown = 0;

    (void)state;
    for (uint32_t s = 0; s < PANEL_HOSPITALS; s++) {
        const struct panel_site *site = &panel->sites[s];

        n_unknown += site->beds < 0;
        n_50 += site->beds == 50;
        n_100 += site->beds == 100;
        for (uint32_t i = site->first; i < site->first + site->n; i++) {
            if (site->beds == 50)
                assert_int_not_equal(panel->ballots[i].answers[QUESTION_CONSIDERS], 1);
            if (site->beds == 100)
                assert_int_not_equal(panel->ballots[i].answers[QUESTION_DOUBLES], 2);
        }
    }
    assert_int_equal(n_50, 1);
    assert_int_equal(n_100, 1);
    assert_int_equal(n_unknown, 11);
    panel_free(panel);
}

/* Half or more of the tickets of 64 hospitals, less of all others; and some of nobody knows whom. */
static void test_outsourced_tickets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(SEEDS) / sizeof(SEEDS[0]); i++) {
        struct panel *panel = panel_open(SEEDS[i]);
        uint32_t x[PANEL_SITES] = {0}, n[PANEL_SITES] = {0}, n_half = 0, n_sites = 0, n_unknown = 0;

        for (uint32_t t = 0; t < panel->n_tickets; t++) {
            const struct panel_ticket *ticket = &panel->tickets[t];

            assert_true(ticket->created_ms >= FROM_MS && ticket->created_ms < ticket->assigned_ms &&
                        ticket->assigned_ms < ticket->answered_ms &&
                        ticket->answered_ms < ticket->solved_ms && ticket->closed_ms < UNTIL_MS);
            if (ticket->team == PANEL_NONE) {
                n_unknown++;
                continue;
            }
            n[ticket->site]++;
            x[ticket->site] += PANEL_TEAM_LIST[ticket->team].outsourcer != NULL;
        }
        for (uint32_t s = 0; s < PANEL_HOSPITALS; s++) {
            n_sites += n[s] > 0;
            n_half += 2 * x[s] >= n[s];
        }
        assert_int_equal(n_sites, 400);
        assert_int_equal(n_half, 64);
        assert_true(n_unknown > 50);
        panel_free(panel);
    }
}

/* Who does not count is there, after those who do; a ballot that names a ticket comes when that is solved. */
static void test_other_ballots(void **state)
{
    struct panel *panel = panel_open(1);
    uint32_t n_resellers = 0, n_repeated = 0, n_silent = 0, n_tickets = 0;

    (void)state;
    for (uint32_t i = 0; i < PANEL_BALLOTS; i++) {
        const struct panel_ballot *ballot = &panel->ballots[i];

        assert_true(ballot->sent_ms >= FROM_MS && ballot->at_ms < UNTIL_MS);
        assert_true(ballot->at_ms == 0 || ballot->at_ms > ballot->sent_ms);
        n_resellers += ballot->relation == RELATION_RESELLER;
        n_silent += ballot->at_ms == 0;
        if (i >= PANEL_RESPONDENTS && ballot->respondent < PANEL_RESPONDENTS) {
            assert_true(ballot->at_ms < panel->ballots[ballot->respondent].sent_ms);
            n_repeated++;
        }
        if (ballot->ticket == PANEL_NONE)
            continue;
        assert_true(panel->tickets[ballot->ticket].closed_ms < ballot->sent_ms);
        assert_int_equal(panel->tickets[ballot->ticket].site, ballot->site);
        n_tickets++;
    }
    assert_int_equal(n_resellers, PANEL_RESELLERS);
    assert_int_equal(n_repeated, PANEL_REPEATED);
    assert_int_equal(n_silent, PANEL_SILENT);
    assert_true(n_tickets > 200);
    panel_free(panel);
}

static void test_too_short(void **state)
{
    struct panel *panel = NULL;

    (void)state;
    assert_int_equal(panel_new(1, FROM_MS, FROM_MS + 119 * 86400000ll, "T", &panel), -22);
    assert_int_equal(panel_new(1, FROM_MS, FROM_MS + 120 * 86400000ll, "T", &panel), 0);
    for (uint32_t i = 0; i < panel->n_tickets; i++)
        assert_true(panel->tickets[i].created_ms >= FROM_MS);
    panel_free(panel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_shares),
        cmocka_unit_test(test_worst_region),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_outsourced_tickets),
        cmocka_unit_test(test_other_ballots),
        cmocka_unit_test(test_too_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
