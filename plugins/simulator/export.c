/* tendon-simulated-survey: writes the simulator's survey as a survey tool and a help desk would export it,
 * with the tables of sites and teams: sites.csv and teams.csv for `tendon site import` and `tendon team
 * import`, ballots.csv for the plugin survey, tickets.csv for the plugin csv. */
#include "plugins/simulator/panel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FROM_MS   1735689600000 /* 2025-01-01 */
#define UNTIL_MS  1767225600000 /* 2026-01-01 */
#define TIME_ROOM 24

/* The texts of the questions, as they were asked. In the second low is good. */
static const char *const COLUMNS[WORLD_N_QUESTIONS] = {
    [QUESTION_SATISFACTION] = "How satisfied are you with support (1 to 5)?",
    [QUESTION_RESPONSE_AND_QUALITY] = "Response and quality of work (1 = excellent, 5 = poor)",
    [QUESTION_DIFFERENTIATOR] = "Does outsourced support set vendors apart?",
    [QUESTION_PREFERS_DIRECT] = "Do you prefer the vendor's own staff?",
    [QUESTION_PREFERS_DOMESTIC] = "Do you prefer support in English from this country?",
    [QUESTION_CONSIDERS] = "Do you consider outsourcing?",
    [QUESTION_OUTSOURCED_NOW] = "How much of your support is outsourced now?",
    [QUESTION_DOUBLES] = "Will you double what you spend on outsourcing?",
};

static const char *time_text(int64_t ms, char *room)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    room[0] = '\0';
    if (ms && gmtime_r(&seconds, &tm))
        (void)strftime(room, TIME_ROOM, "%Y-%m-%d %H:%M:%S", &tm);
    return room;
}

static const char *answer_text(uint32_t question, uint8_t answer)
{
    static const char *const digits[] = {"", "1", "2", "3", "4", "5"};

    if (!answer)
        return "";
    if (question == QUESTION_RESPONSE_AND_QUALITY)
        return digits[6 - answer];
    if (question == QUESTION_OUTSOURCED_NOW)
        return answer == 1 ? "Half or more" : "Less than half";
    if (WORLD_QUESTIONS[question].yes)
        return answer == 1 ? "Yes" : "No";
    return digits[answer];
}

static void write_sites(const struct panel *panel, FILE *out)
{
    fputs("site,beds,facility_kind,physicians,state,country,org\n", out);
    for (uint32_t i = 0; i < PANEL_SITES; i++) {
        const struct panel_site *site = &panel->sites[i];

        fprintf(out, "%s,", site->name);
        if (site->beds >= 0)
            fprintf(out, "%d", site->beds);
        fprintf(out, ",%s,%u,%s,US,%s\n", site->kind, site->physicians, site->state, site->org);
    }
}

static void write_teams(const struct panel *panel, FILE *out)
{
    (void)panel;
    fputs("team,employer,outsourcer,team_country,languages,tier\n", out);
    for (uint32_t i = 0; i < PANEL_TEAMS; i++) {
        const struct panel_team *team = &PANEL_TEAM_LIST[i];

        fprintf(out, "%s,%s,%s,%s,en,1\n", team->name, team->employer,
                team->outsourcer ? team->outsourcer : "", team->country);
    }
}

static void write_tickets(const struct panel *panel, FILE *out)
{
    static const char *const channels[] = {ENUM_CHANNEL};

    fputs("Ticket,Facility,Vendor,Product,Channel,Severity,Desk,Opened,Answered,Solved,Closed\n", out);
    for (uint32_t i = 0; i < panel->n_tickets; i++) {
        const struct panel_ticket *ticket = &panel->tickets[i];
        char id[WORLD_ID_BYTES], times[4][TIME_ROOM];

        panel_ticket_id(panel, i, id);
        fprintf(out, "%s,%s,%s,%s,%s,%u,%s,%s,%s,%s,%s\n", id, panel->sites[ticket->site].name,
                panel_vendor_name(ticket->product), panel_product_name(ticket->product),
                channels[ticket->channel - 1], ticket->severity,
                ticket->team == PANEL_NONE ? "" : PANEL_TEAM_LIST[ticket->team].name,
                time_text(ticket->created_ms, times[0]), time_text(ticket->answered_ms, times[1]),
                time_text(ticket->solved_ms, times[2]), time_text(ticket->closed_ms, times[3]));
    }
}

static void write_ballots(const struct panel *panel, FILE *out)
{
    static const char *const relations[] = {"", "Facility", "Reseller", "Affiliate"};

    fputs("Response ID,Invited,Submitted,Facility,Person,Role,Filled in by,Ticket,Vendor,Product,Desk", out);
    for (uint32_t q = 0; q < WORLD_N_QUESTIONS; q++)
        fprintf(out, ",\"%s\"", COLUMNS[q]);
    fputc('\n', out);
    for (uint32_t i = 0; i < PANEL_BALLOTS; i++) {
        const struct panel_ballot *ballot = &panel->ballots[i];
        char id[WORLD_ID_BYTES], person[WORLD_ID_BYTES], ticket[WORLD_ID_BYTES] = "", times[2][TIME_ROOM];
        bool has_ticket = ballot->ticket != PANEL_NONE;

        panel_ballot_id(i, id);
        panel_respondent_id(ballot->respondent, person);
        if (has_ticket)
            panel_ticket_id(panel, ballot->ticket, ticket);
        fprintf(out, "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s", id, time_text(ballot->sent_ms, times[0]),
                time_text(ballot->at_ms, times[1]), panel->sites[ballot->site].name, person,
                panel_role_name(ballot->role), relations[ballot->relation], ticket,
                has_ticket ? "" : panel_vendor_name(ballot->product),
                has_ticket ? "" : panel_product_name(ballot->product),
                ballot->team == PANEL_NONE ? "" : PANEL_TEAM_LIST[ballot->team].name);
        for (uint32_t q = 0; q < WORLD_N_QUESTIONS; q++)
            fprintf(out, ",%s", answer_text(q, ballot->at_ms ? ballot->answers[q] : 0));
        fputc('\n', out);
    }
}

static bool write_file(int folder, const char *name, const struct panel *panel,
                       void (*function)(const struct panel *, FILE *))
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool good;

    if (!out) {
        fprintf(stderr, "tendon-simulated-survey: %s cannot be written: %s\n", name, strerror(errno));
        return false;
    }
    function(panel, out);
    good = !ferror(out);
    if (fclose(out) != 0 || !good) {
        fprintf(stderr, "tendon-simulated-survey: %s could not be written whole: %s\n", name,
                strerror(errno));
        return false;
    }
    return true;
}

static bool read_seed(const char *text, uint64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && !*end;
}

int main(int argc, char **argv)
{
    struct panel *panel;
    uint64_t seed = 1;
    int folder;
    bool good;

    if (argc < 2 || argc > 3 || argv[1][0] == '-' || (argc == 3 && !read_seed(argv[2], &seed))) {
        fputs(
            "usage: tendon-simulated-survey FOLDER [SEED]\n\n"
            "Writes sites.csv, teams.csv, tickets.csv and ballots.csv of the survey of 2025 that the plugin\n"
            "simulator makes with mode: survey and this seed (1); see tendon-plugin-simulator(7).\n",
            argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        fprintf(stderr, "tendon-simulated-survey: the folder cannot be opened: %s\n", strerror(errno));
        return 1;
    }
    if (panel_new(seed, FROM_MS, UNTIL_MS, "T", &panel) < 0) {
        fputs("tendon-simulated-survey: no memory\n", stderr);
        (void)close(folder);
        return 1;
    }
    good = write_file(folder, "sites.csv", panel, write_sites) &&
           write_file(folder, "teams.csv", panel, write_teams) &&
           write_file(folder, "tickets.csv", panel, write_tickets) &&
           write_file(folder, "ballots.csv", panel, write_ballots);
    panel_free(panel);
    (void)close(folder);
    return good ? 0 : 1;
}
