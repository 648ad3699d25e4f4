#include "tests/bench/streams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_TICKET 5 /* a little less than the profile gives */

const struct load_team LOAD_TEAM[LOAD_TEAMS] = {
    {"desk", "", "US", 1},
    {"manila", "luzon-care", "PH", 1},
    {"experts", "", "US", 2},
    {"merida", "yucatan-support", "MX", 2},
};

struct load_site load_site(uint32_t index)
{
    static const char *const kinds[] = {"hospital", "hospital", "cah", "clinic", "practice"};

    return (struct load_site){
        .facility_kind = kinds[index % 5], .beds = 15 + index * 7919 % 600, .org = index / 4};
}

/* --- names: the same in events and tables ----------------------------------------------------------------
 */

struct names {
    char sites[LOAD_SITES][8];
    const char *site_list[LOAD_SITES];
    char teams[LOAD_VENDORS][LOAD_TEAMS][24];
    const char *team_list[LOAD_VENDORS][LOAD_TEAMS];
    char vendors[LOAD_VENDORS][8];
    char prefixes[LOAD_VENDORS][8];
};

static void names_make(struct names *names)
{
    for (uint32_t i = 0; i < LOAD_SITES; i++) {
        (void)snprintf(names->sites[i], sizeof(names->sites[i]), "S%03u", i);
        names->site_list[i] = names->sites[i];
    }
    for (uint32_t v = 0; v < LOAD_VENDORS; v++) {
        (void)snprintf(names->vendors[v], sizeof(names->vendors[v]), "v%02u", v);
        (void)snprintf(names->prefixes[v], sizeof(names->prefixes[v]), "V%02u-", v);
        for (int t = 0; t < LOAD_TEAMS; t++) {
            (void)snprintf(names->teams[v][t], sizeof(names->teams[v][t]), "v%02u-%s", v,
                           LOAD_TEAM[t].suffix);
            names->team_list[v][t] = names->teams[v][t];
        }
    }
}

static FILE *create(char *room, size_t size, const char *folder, const char *name)
{
    FILE *file;

    (void)snprintf(room, size, "%s/%s", folder, name);
    file = fopen(room, "we");
    if (!file)
        (void)fprintf(stderr, "bench: cannot write %s: %s\n", room, strerror(errno));
    return file;
}

static bool finish(FILE *file, const char *path)
{
    if (fclose(file) == 0)
        return true;
    (void)fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
    return false;
}

bool load_tables(const char *folder)
{
    struct names *names = calloc(1, sizeof(*names));
    char path[4096];
    FILE *file = names ? create(path, sizeof(path), folder, "sites.csv") : NULL;
    bool ok = file != NULL;

    if (ok) {
        names_make(names);
        (void)fprintf(file, "site,facility_kind,beds,country,org\n");
        for (uint32_t i = 0; i < LOAD_SITES; i++) {
            struct load_site site = load_site(i);

            (void)fprintf(file, "%s,%s,%u,US,org-%u\n", names->sites[i], site.facility_kind, site.beds,
                          site.org);
        }
        ok = finish(file, path);
    }
    file = ok ? create(path, sizeof(path), folder, "teams.csv") : NULL;
    ok = file != NULL;
    if (ok) {
        (void)fprintf(file, "team,employer,outsourcer,team_country,tier\n");
        for (uint32_t v = 0; v < LOAD_VENDORS; v++)
            for (int t = 0; t < LOAD_TEAMS; t++) {
                const struct load_team *team = &LOAD_TEAM[t];

                (void)fprintf(file, "%s,%s,%s,%s,%d\n", names->teams[v][t],
                              *team->outsourcer ? team->outsourcer : names->vendors[v], team->outsourcer,
                              team->country, team->tier);
            }
        ok = finish(file, path);
    }
    free(names);
    return ok;
}

/* --- streams ---------------------------------------------------------------------------------------------
 */

struct stream {
    struct world *world;
    struct world_event event;
    uint32_t vendor;
    bool ended;
};

struct streams {
    struct names names;
    uint32_t n;
    struct stream *next; /* NULL: all have ended */
    struct stream of[LOAD_VENDORS];
};

uint64_t load_share(const struct load_plan *plan, uint32_t index)
{
    return plan->n_events / plan->n_clients + (index < plan->n_events % plan->n_clients);
}

uint64_t load_tickets(const struct load_plan *plan)
{
    return plan->n_events / EVENTS_TICKET / LOAD_VENDORS + 1;
}

static bool stream_advance(struct stream *stream)
{
    int rc = world_next(stream->world, &stream->event);

    stream->ended = rc == 0;
    return rc >= 0;
}

static bool stream_open(struct stream *stream, const struct load_plan *plan, const struct names *names,
                        uint32_t vendor, bool jitter)
{
    static const char *const products[] = {"ehr", "pacs", "lab", "pharmacy", "billing"};
    static const char *const channels[] = {"phone", "email", "portal", "chat", "web"};
    const int64_t days = plan->order == LOAD_DENSE ? LOAD_DAYS / LOAD_DENSITY : LOAD_DAYS;
    const struct world_options options = {
        .seed = plan->seed * LOAD_VENDORS + vendor,
        .from_ms = LOAD_FROM_MS,
        .until_ms = LOAD_FROM_MS + days * 86400000,
        .n_tickets = load_tickets(plan),
        .profile = WORLD_PROFILES[WORLD_N_PROFILES - 1],
        .prefix = names->prefixes[vendor],
        .vendor = names->vendors[vendor],
        .sites = {names->site_list, LOAD_SITES},
        .products = {products, 5},
        .teams = {names->team_list[vendor], LOAD_TEAMS},
        .channels = {channels, 5},
        .jitter_ms = jitter ? 120000 : 0,
    };

    stream->vendor = vendor;
    return world_new(&options, &stream->world) == 0 && stream_advance(stream);
}

static void choose(struct streams *streams)
{
    streams->next = NULL;
    for (uint32_t i = 0; i < streams->n; i++) {
        struct stream *stream = &streams->of[i];

        if (!stream->ended && (!streams->next || stream->event.due_ms < streams->next->event.due_ms))
            streams->next = stream;
    }
}

struct streams *streams_open(const struct load_plan *plan, uint32_t index, bool jitter)
{
    struct streams *streams = calloc(1, sizeof(*streams));

    if (!streams)
        return NULL;
    names_make(&streams->names);
    for (uint32_t vendor = index; vendor < LOAD_VENDORS; vendor += plan->n_clients)
        if (!stream_open(&streams->of[streams->n++], plan, &streams->names, vendor, jitter)) {
            streams_close(streams);
            return NULL;
        }
    choose(streams);
    return streams;
}

void streams_close(struct streams *streams)
{
    if (!streams)
        return;
    for (uint32_t i = 0; i < streams->n; i++)
        world_free(streams->of[i].world);
    free(streams);
}

const struct world_event *streams_event(const struct streams *streams, uint32_t *ret_vendor)
{
    if (!streams->next)
        return NULL;
    *ret_vendor = streams->next->vendor;
    return &streams->next->event;
}

bool streams_step(struct streams *streams)
{
    bool ok = !streams->next || stream_advance(streams->next);

    choose(streams);
    return ok;
}
