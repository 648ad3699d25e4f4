#include "tests/bench/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* What is known of a ticket so far, in the order of its events. */
struct known {
    uint64_t sent; /* a bit a step: the load has it */
    int64_t created_ms;
    uint16_t site; /* from 1 */
    uint8_t team;  /* from 1 */
    bool by_agent, responded;
};

struct table {
    const struct load_plan *plan;
    uint64_t n_tickets; /* of a vendor */
    struct known *known;
    FILE *file;
};

static struct known *known_of(const struct table *table, uint32_t vendor, const struct world_event *event)
{
    return &table->known[vendor * table->n_tickets + event->story];
}

/* The load ends after so many events, in the order of their delivery: which those are. */
static bool mark_sent(const struct table *table)
{
    bool ok = true;

    for (uint32_t i = 0; i < table->plan->n_clients && ok; i++) {
        struct streams *streams = streams_open(table->plan, i, true);
        uint64_t share = load_share(table->plan, i);
        const struct world_event *event;
        uint32_t vendor;

        ok = streams != NULL;
        for (uint64_t n = 0; ok && n < share && (event = streams_event(streams, &vendor)) != NULL; n++) {
            known_of(table, vendor, event)->sent |= 1ull << event->step;
            ok = streams_step(streams);
        }
        streams_close(streams);
    }
    return ok;
}

/* --- a row -----------------------------------------------------------------------------------------------
 */

static const struct world_value *value_of(const struct world_event *event, enum event_field field)
{
    for (uint32_t i = 0; i < event->n_values; i++)
        if (event->values[i].field == field)
            return &event->values[i];
    return NULL;
}

static const char *text_of(const struct world_event *event, enum event_field field)
{
    const struct world_value *value = value_of(event, field);

    return value && value->string ? value->string : "";
}

static const char *kind_of(const struct world_event *event)
{
    switch (event->type) {
    case EVENT_TICKET_CREATED:
        return "opened";
    case EVENT_TICKET_ASSIGNED:
        return strcmp(text_of(event, FIELD_KIND), "escalate") == 0 ? "escalated" : "assigned";
    case EVENT_TICKET_MESSAGE:
        return "responded";
    case EVENT_TICKET_STATUS:
        if (strcmp(text_of(event, FIELD_TO), "solved") == 0)
            return "resolved";
        return strcmp(text_of(event, FIELD_TO), "open") == 0 ? "reopened" : "closed";
    case EVENT_SURVEY_RESPONSE:
        return "rated";
    default:
        return NULL;
    }
}

/* What the event changes for its ticket; the duration that it ends, or -1. */
static int64_t learn(struct known *known, const struct world_event *event, const char *kind)
{
    if (event->type == EVENT_TICKET_CREATED) {
        known->created_ms = event->at_ms;
        known->site = (uint16_t)(strtoul(text_of(event, FIELD_SITE) + 1, NULL, 10) + 1);
        known->by_agent = strcmp(text_of(event, FIELD_BY), "agent") == 0;
    } else if (event->type == EVENT_TICKET_ASSIGNED) {
        const char *suffix = strchr(text_of(event, FIELD_TEAM), '-');

        for (uint8_t i = 0; suffix && i < LOAD_TEAMS; i++)
            if (strcmp(suffix + 1, LOAD_TEAM[i].suffix) == 0)
                known->team = (uint8_t)(i + 1);
    } else if (event->type == EVENT_TICKET_MESSAGE) {
        bool first = !known->responded;

        known->responded = true;
        if (first && known->created_ms > 0 && !known->by_agent) /* the catalogue's first_response_time */
            return event->at_ms - known->created_ms;
    } else if (strcmp(kind, "resolved") == 0 && known->created_ms > 0) {
        return event->at_ms - known->created_ms;
    }
    return -1;
}

static const char *region_of(const struct load_team *team)
{
    if (strcmp(team->country, "US") == 0)
        return "domestic";
    return strcmp(team->country, "MX") == 0 ? "nearshore" : "offshore";
}

/* "text," or, for what an event does not say, "," */
static void number(FILE *file, const struct world_event *event, enum event_field field)
{
    const struct world_value *value = value_of(event, field);

    if (value)
        (void)fprintf(file, "%" PRId64, value->number);
    (void)fputc(',', file);
}

static bool row(const struct table *table, const struct world_event *event, uint32_t vendor)
{
    static const enum event_field texts[] = {FIELD_PRODUCT,   FIELD_MODULE,   FIELD_VERSION,
                                             FIELD_CHANNEL,   FIELD_CATEGORY, FIELD_REQUESTER_ROLE,
                                             FIELD_RESPONDENT};
    struct known *known = known_of(table, vendor, event);
    const char *kind = kind_of(event), *respondent = text_of(event, FIELD_RESPONDENT);
    /* 63 bits, so that an engine without unsigned integers takes it too */
    uint64_t id = XXH3_64bits_withSeed(event->id, strlen(event->id), vendor) >> 1;
    int64_t value_ms;

    if (!kind) {
        (void)fprintf(stderr, "bench: the table has no kind for an event of the load\n");
        return false;
    }
    value_ms = learn(known, event, kind);
    (void)fprintf(table->file, "%" PRId64 ",%s,%" PRIu64 ",%" PRIu64 ",%u,v%02u,", event->at_ms, kind, id,
                  (uint64_t)vendor << 32 | event->story, event->seq, vendor);
    for (size_t i = 0; i + 1 < sizeof(texts) / sizeof(texts[0]); i++)
        (void)fprintf(table->file, "%s,", text_of(event, texts[i]));
    if (*respondent)
        (void)fprintf(table->file, "%" PRIu64,
                      (uint64_t)XXH3_64bits_withSeed(respondent, strlen(respondent), vendor) >> 1);
    (void)fputc(',', table->file);
    number(table->file, event, FIELD_SEVERITY);
    number(table->file, event, FIELD_TIER);
    number(table->file, event, FIELD_AUTOMATED);
    number(table->file, event, FIELD_SCORE);
    (void)fprintf(table->file, "%s,", text_of(event, FIELD_BY));
    /* what held then */
    if (known->site > 0) {
        struct load_site site = load_site(known->site - 1u);

        (void)fprintf(table->file, "S%03u,%s,%u,", known->site - 1u, site.facility_kind, site.beds);
    } else {
        (void)fputs(",,,", table->file);
    }
    if (known->team > 0) {
        const struct load_team *team = &LOAD_TEAM[known->team - 1];

        (void)fprintf(table->file, "v%02u-%s,%s,%s,", vendor, team->suffix, team->outsourcer,
                      region_of(team));
    } else {
        (void)fputs(",,,", table->file);
    }
    if (value_ms >= 0)
        (void)fprintf(table->file, "%" PRId64, value_ms);
    return fputc('\n', table->file) != EOF;
}

static bool write_rows(const struct table *table, uint64_t *ret_events)
{
    struct load_plan all = *table->plan;
    struct streams *streams;
    const struct world_event *event;
    uint32_t vendor;
    bool ok;

    all.n_clients = 1;
    streams = streams_open(&all, 0, false);
    ok = streams &&
         fputs("at_ms,kind,id,ticket,seq,vendor,product,module,version,channel,category,requester_role,"
               "respondent,severity,tier,automated,score,opened_by,site,facility_kind,beds,team,"
               "outsourcer,region,value_ms\n",
               table->file) != EOF;
    *ret_events = 0;
    while (ok && (event = streams_event(streams, &vendor)) != NULL) {
        if (known_of(table, vendor, event)->sent >> event->step & 1) {
            ok = row(table, event, vendor);
            ++*ret_events;
        }
        ok = ok && streams_step(streams);
    }
    streams_close(streams);
    return ok;
}

bool table_write(const struct load_plan *plan, uint64_t *ret_events)
{
    struct table table = {.plan = plan, .n_tickets = load_tickets(plan)};
    char path[4096];
    bool ok;

    (void)snprintf(path, sizeof(path), "%s/events.csv", plan->folder);
    table.known = calloc(LOAD_VENDORS * table.n_tickets, sizeof(*table.known));
    table.file = fopen(path, "we");
    ok = table.known && table.file && mark_sent(&table) && write_rows(&table, ret_events);
    if (table.file && fclose(table.file) != 0)
        ok = false;
    free(table.known);
    if (!ok)
        (void)fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
    return ok;
}
