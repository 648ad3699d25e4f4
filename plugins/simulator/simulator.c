/* simulator: a made-up support organisation as a source of events; for trying Tendon out and for loading it.
 */
#include "plugins/simulator/panel.h"
#include "plugins/simulator/world.h"
#include "proto/tendon_plugin.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX     4096
#define EVENTS_A_POLL 20000
#define WAIT_MAX_MS   60000

struct simulator {
    const struct tendon_host *host;
    struct world_options options;
    const char *lists[4][NAMES_MAX]; /* sites, products, teams, channels */
    char (*made)[16];                /* names of sites that were only counted */
    enum mode { MODE_TICKETS, MODE_SURVEY } mode;
    struct world *world;  /* of MODE_TICKETS */
    struct panel *panel;  /* of MODE_SURVEY */
    uint32_t place;       /* of the panel's next event */
    uint64_t fingerprint; /* of the options: a cursor of others is of no use */
    int64_t rate;         /* events a second, 0: no limit */
    int64_t started_ms;
    int64_t n_given; /* since started_ms */
    bool has_event;  /* `event` is the next one */
    struct world_event event;
    bool is_ended;
};

static const char *const MODES[] = {"tickets", "survey", NULL};
static const char *const PROFILES[] = {"direct", "domestic", "offshore", "plain", NULL};
static const char *const CHANNELS[] = {ENUM_CHANNEL, NULL};

#define SHARE(option, what)                                                                                  \
    {                                                                                                        \
        .name = option, .type = TENDON_INT, .low = 0, .high = 1000,                                          \
        .help = "Of 1,000 " what "; the profile's without."                                                  \
    }

static const struct tendon_option OPTIONS[] = {
    {.name = "seed",
     .type = TENDON_INT,
     .low = 0,
     .high = INT64_MAX,
     .fallback = "1",
     .help = "Chooses the world: the same options give the same events."},
    {.name = "from",
     .type = TENDON_STRING,
     .fallback = "2024-01-01",
     .help = "The day in UTC on which the first tickets are created: YYYY-MM-DD."},
    {.name = "days",
     .type = TENDON_INT,
     .low = 1,
     .high = 10950,
     .fallback = "365",
     .help = "On how many days tickets are created."},
    {.name = "tickets",
     .type = TENDON_INT,
     .low = 1,
     .high = UINT32_MAX,
     .fallback = "10000",
     .help = "How many tickets are created."},
    {.name = "mode",
     .type = TENDON_ENUM,
     .values = MODES,
     .fallback = "tickets",
     .help = "A world of tickets, or a survey of 2,200 people whose answers give the published shares."},
    {.name = "rate",
     .type = TENDON_INT,
     .low = 0,
     .high = 10000000,
     .fallback = "0",
     .help = "Events a second at most; 0: as fast as they are taken."},
    {.name = "profile",
     .type = TENDON_ENUM,
     .values = PROFILES,
     .fallback = "direct",
     .help =
         "How good the support is: a vendor's own, a domestic or an offshore outsourcer's, or a plain load."},
    {.name = "prefix",
     .type = TENDON_STRING,
     .low = 1,
     .high = 16,
     .fallback = "T",
     .help = "What ticket ids begin with."},
    {.name = "vendor", .type = TENDON_STRING, .high = EVENT_CODE_BYTES, .help = "The vendor of all tickets."},
    {.name = "site_count",
     .type = TENDON_INT,
     .low = 1,
     .high = WORLD_SITES,
     .fallback = "40",
     .help = "How many sites there are, called H001 and so on, where sites does not name them."},
    {.name = "sites",
     .type = TENDON_STRING,
     .shape = TENDON_LIST,
     .n_max = WORLD_SITES,
     .high = EVENT_CODE_BYTES,
     .help = "The sites; the first have the most tickets."},
    {.name = "products",
     .type = TENDON_STRING,
     .shape = TENDON_LIST,
     .high = EVENT_CODE_BYTES,
     .help = "The products; the first have the most tickets. ehr, pacs, lab without."},
    {.name = "teams",
     .type = TENDON_STRING,
     .shape = TENDON_LIST,
     .n_max = UINT8_MAX,
     .high = EVENT_CODE_BYTES,
     .help = "The teams: the first half is tier 1, the rest tier 2. service-desk and experts without."},
    {.name = "channels",
     .type = TENDON_ENUM,
     .shape = TENDON_LIST,
     .values = CHANNELS,
     .help = "How tickets come in, the most frequent first. phone, email, portal, chat without."},
    {.name = "first_response",
     .type = TENDON_DURATION,
     .low = 1000,
     .high = 864000000,
     .help = "Median time to the first answer, in working hours; the profile's without."},
    {.name = "resolution",
     .type = TENDON_DURATION,
     .low = 1000,
     .high = 864000000,
     .help = "Median time from there to the solve; the profile's without."},
    SHARE("escalated", "tickets go to a higher tier"),
    SHARE("reopened", "solves are reopened"),
    SHARE("rated", "tickets asked for a rating are rated"),
    {.name = "scores",
     .type = TENDON_INT,
     .shape = TENDON_LIST,
     .n_max = 5,
     .low = 0,
     .high = 1000,
     .help = "Five weights, of the ratings 1 to 5; the profile's without."},
    {.name = "surveys",
     .type = TENDON_BOOL,
     .fallback = "true",
     .help = "Ratings of tickets and surveys of sites; the source must be granted survey.*."},
    {.name = "site_survey_days",
     .type = TENDON_INT,
     .low = 0,
     .high = 3650,
     .fallback = "91",
     .help = "How often sites are asked the questions of the survey table; 0: never."},
    {.name = "contacts",
     .type = TENDON_BOOL,
     .fallback = "true",
     .help = "Phone calls, answered and given up."},
    {.name = "sla", .type = TENDON_BOOL, .fallback = "true", .help = "Targets of response and resolution."},
    {.name = "jitter",
     .type = TENDON_DURATION,
     .low = 0,
     .high = 3600000,
     .fallback = "2m",
     .help = "How much later than it happened an event may come."},
    {0},
};

static int refuse(char *err, const char *why)
{
    snprintf(err, TENDON_ERROR_BYTES, "%s", why);
    return TENDON_E_CONFIG;
}

/* A list of the configuration, or the usual one. */
static struct world_names names(struct simulator *self, const struct tendon_config *config,
                                const char *option, int list, const char *const *usual)
{
    struct world_names ret = {.names = self->lists[list]};
    uint32_t n = self->host->count(config, option);

    for (; ret.n < n && ret.n < NAMES_MAX; ret.n++)
        self->lists[list][ret.n] = self->host->get_string(config, option, ret.n);
    for (; n == 0 && usual && usual[ret.n]; ret.n++)
        self->lists[list][ret.n] = usual[ret.n];
    return ret;
}

static int counted_sites(struct simulator *self, uint32_t n)
{
    self->made = calloc(n, sizeof(*self->made));
    if (!self->made)
        return -1;
    for (uint32_t i = 0; i < n; i++) {
        snprintf(self->made[i], sizeof(self->made[i]), "H%03u", i + 1);
        self->lists[0][i] = self->made[i];
    }
    self->options.sites = (struct world_names){.names = self->lists[0], .n = n};
    return 0;
}

/* Values that take the place of the profile's. */
static int adjust(struct simulator *self, const struct tendon_config *config, char *err)
{
    const struct tendon_host *host = self->host;
    struct world_profile *profile = &self->options.profile;
    uint32_t n_scores = host->count(config, "scores"), total = 0;

    if (host->count(config, "first_response"))
        profile->first_response_s = (uint32_t)(host->get_int(config, "first_response", 0) / 1000);
    if (host->count(config, "resolution"))
        profile->resolution_s = (uint32_t)(host->get_int(config, "resolution", 0) / 1000);
    if (host->count(config, "escalated"))
        profile->escalated = (uint32_t)host->get_int(config, "escalated", 0);
    if (host->count(config, "reopened"))
        profile->reopened = (uint32_t)host->get_int(config, "reopened", 0);
    if (host->count(config, "rated"))
        profile->rated = (uint32_t)host->get_int(config, "rated", 0);
    for (uint32_t i = 0; i < n_scores && i < 5; i++)
        total += profile->scores[i] = (uint32_t)host->get_int(config, "scores", i);
    if (n_scores > 0 && (n_scores != 5 || total == 0))
        return refuse(err, "scores takes five weights, not all of them 0");
    if (!host->get_int(config, "surveys", 0)) {
        profile->surveyed = profile->rated = 0;
        self->options.site_survey_days = 0;
    }
    return TENDON_OK;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t fingerprint(const struct world_options *options, enum mode mode)
{
    const uint64_t values[] = {mode,
                               options->seed,
                               (uint64_t)options->from_ms,
                               (uint64_t)options->until_ms,
                               options->n_tickets,
                               options->sites.n,
                               options->teams.n,
                               options->channels.n,
                               options->profile.first_response_s,
                               options->profile.resolution_s,
                               options->profile.reopened,
                               options->profile.escalated,
                               options->profile.rated,
                               options->profile.surveyed,
                               options->site_survey_days,
                               options->contacts,
                               options->sla,
                               options->jitter_ms};
    uint64_t hash = 1;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        hash = mix(hash, values[i]);
    return hash;
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    static const char *const products[] = {"ehr", "pacs", "lab", NULL};
    static const char *const teams[] = {"service-desk", "experts", NULL};
    static const char *const channels[] = {"phone", "email", "portal", "chat", NULL};
    struct simulator *self = calloc(1, sizeof(*self));
    struct world_options *options;
    const char *from;
    int rc;

    if (!self)
        return TENDON_E_TEMPORARY;
    *ret = self;
    self->host = host;
    options = &self->options;
    from = host->get_string(config, "from", 0);
    if (host->time_parse(host, "%Y-%m-%d", NULL, from, strlen(from), &options->from_ms) != TENDON_OK ||
        options->from_ms < EVENT_AT_MIN)
        return refuse(err, "from is a day from 1990 on, as 2024-01-01");
    options->until_ms = options->from_ms + host->get_int(config, "days", 0) * 86400000;
    options->seed = (uint64_t)host->get_int(config, "seed", 0);
    options->n_tickets = (uint64_t)host->get_int(config, "tickets", 0);
    options->profile = WORLD_PROFILES[host->get_int(config, "profile", 0)];
    options->prefix = host->get_string(config, "prefix", 0);
    options->vendor = host->get_string(config, "vendor", 0);
    options->sites = names(self, config, "sites", 0, NULL);
    options->products = names(self, config, "products", 1, products);
    options->teams = names(self, config, "teams", 2, teams);
    options->channels = names(self, config, "channels", 3, channels);
    options->site_survey_days = (uint32_t)host->get_int(config, "site_survey_days", 0);
    options->contacts = host->get_int(config, "contacts", 0) != 0;
    options->sla = host->get_int(config, "sla", 0) != 0;
    options->jitter_ms = (uint32_t)host->get_int(config, "jitter", 0);
    self->rate = host->get_int(config, "rate", 0);
    if (options->sites.n == 0 && counted_sites(self, (uint32_t)host->get_int(config, "site_count", 0)) < 0)
        return TENDON_E_TEMPORARY;
    rc = adjust(self, config, err);
    self->mode = (enum mode)host->get_int(config, "mode", 0);
    if (rc == TENDON_OK && self->mode == MODE_SURVEY && host->get_int(config, "days", 0) < PANEL_DAYS_MIN)
        return refuse(err, "mode: survey needs 120 days or more");
    self->fingerprint = fingerprint(options, self->mode);
    return rc;
}

/* --- the cursor: the options' fingerprint and the order of the last event ----------------------------------
 */

#define CURSOR_BYTES 28

static void stop(void *data)
{
    struct simulator *self = data;

    world_free(self->world);
    panel_free(self->panel);
    self->world = NULL;
    self->panel = NULL;
    self->place = 0;
    self->has_event = self->is_ended = false;
}

/* The world or the panel, from its beginning. */
static int begin(struct simulator *self)
{
    const struct world_options *options = &self->options;

    if (self->mode == MODE_SURVEY)
        return panel_new(options->seed, options->from_ms, options->until_ms, options->prefix, &self->panel);
    return world_new(options, &self->world);
}

/* Goes to behind the event of that order. */
static int seek(struct simulator *self, int64_t due_ms, uint64_t story, uint32_t step)
{
    if (self->mode == MODE_TICKETS)
        return world_seek(self->world, due_ms, story, step);
    self->place = story < self->panel->n_places ? (uint32_t)story + 1 : self->panel->n_places;
    return 0;
}

/* As world_next. */
static int next(struct simulator *self, struct world_event *ret)
{
    if (self->mode == MODE_TICKETS)
        return world_next(self->world, ret);
    if (self->place == self->panel->n_places)
        return 0;
    panel_event(self->panel, self->place++, ret);
    return 1;
}

static int start(void *data, const void *cursor, size_t size, char *err)
{
    struct simulator *self = data;
    uint64_t numbers[3];
    uint32_t step;

    stop(self);
    self->started_ms = self->host->now(self->host);
    self->n_given = 0;
    if (begin(self) < 0) {
        snprintf(err, TENDON_ERROR_BYTES, "no memory for that many tickets");
        return TENDON_E_TEMPORARY;
    }
    if (size == 0)
        return TENDON_OK;
    if (size == CURSOR_BYTES) {
        memcpy(numbers, cursor, sizeof(numbers));
        memcpy(&step, (const char *)cursor + sizeof(numbers), sizeof(step));
    }
    if (size != CURSOR_BYTES || le64toh(numbers[0]) != self->fingerprint) {
        snprintf(err, TENDON_ERROR_BYTES, "the options have changed: it is another world now");
        return TENDON_E_CURSOR;
    }
    if (seek(self, (int64_t)le64toh(numbers[1]), le64toh(numbers[2]), le32toh(step)) < 0) {
        snprintf(err, TENDON_ERROR_BYTES, "no memory");
        return TENDON_E_TEMPORARY;
    }
    return TENDON_OK;
}

static void set_cursor(struct simulator *self, struct tendon_batch *batch, const struct world_event *event)
{
    const uint64_t numbers[3] = {htole64(self->fingerprint), htole64((uint64_t)event->due_ms),
                                 htole64(event->story)};
    uint32_t step = htole32(event->step);
    char cursor[CURSOR_BYTES];

    memcpy(cursor, numbers, sizeof(numbers));
    memcpy(cursor + sizeof(numbers), &step, sizeof(step));
    self->host->cursor(batch, cursor, sizeof(cursor));
}

/* --- events ----------------------------------------------------------------------------------------------
 */

/* TENDON_OK, TENDON_FULL or TENDON_INVALID */
static int give(struct simulator *self, struct tendon_batch *batch, const struct world_event *event)
{
    const struct tendon_host *host = self->host;

    host->event(batch, EVENT_TYPE_INFO[event->type].name, event->ticket[0] ? event->ticket : NULL, event->id,
                event->at_ms, event->seq);
    for (uint32_t i = 0; i < event->n_values; i++) {
        const struct world_value *value = &event->values[i];
        const char *key = FIELDS[value->field].name;

        if (value->string)
            host->set_string(batch, key, value->string, TENDON_TEXT);
        else if (FIELDS[value->field].kind == VALUE_BOOL)
            host->set_bool(batch, key, value->number != 0);
        else
            host->set_int(batch, key, value->number);
    }
    return host->end(batch);
}

static int finish(struct simulator *self, struct tendon_batch *batch)
{
    if (!self->is_ended) { /* nothing older will come: all events are out */
        const struct tendon_host *host = self->host;

        host->event(batch, "source.watermark", NULL, NULL, self->options.until_ms, 0);
        host->set_int(batch, "complete_until", self->options.until_ms);
        if (host->end(batch) == TENDON_FULL)
            return TENDON_OK;
        self->is_ended = true;
    }
    return TENDON_END;
}

static int poll(void *data, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    struct simulator *self = data;
    const struct tendon_host *host = self->host;
    int64_t now_ms = host->now(host);
    int64_t may_give = INT64_MAX;
    struct world_event last = {0};
    int n_given = 0, result = TENDON_OK;

    (void)timeout_ms;
    if (self->rate > 0)
        may_give = (now_ms - self->started_ms) * self->rate / 1000 - self->n_given;
    while (n_given < EVENTS_A_POLL && !host->full(batch)) {
        int rc;

        if (!self->has_event) {
            rc = next(self, &self->event);
            if (rc < 0) {
                snprintf(err, TENDON_ERROR_BYTES, "no memory");
                return TENDON_E_TEMPORARY;
            }
            if (rc == 0) {
                result = finish(self, batch);
                break;
            }
            self->has_event = true;
        }
        if (n_given >= may_give || self->event.due_ms > now_ms) { /* its time has not come */
            int64_t wait_ms = n_given >= may_give ? 100 : self->event.due_ms - now_ms;

            host->retry_after(batch, wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
            result = TENDON_IDLE;
            break;
        }
        rc = give(self, batch, &self->event);
        if (rc == TENDON_FULL)
            break;
        if (rc == TENDON_INVALID)
            host->skip(batch, "unusable", NULL, 0);
        last = self->event;
        self->has_event = false;
        n_given++;
    }
    self->n_given += n_given;
    if (n_given > 0)
        set_cursor(self, batch, &last);
    return result;
}

static void destroy(void *data)
{
    struct simulator *self = data;

    if (!self)
        return;
    stop(self);
    free(self->made);
    free(self);
}

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    static const struct tendon_plugin plugin = {
        .magic = TENDON_MAGIC,
        .abi = TENDON_ABI,
        .struct_size = sizeof(plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "simulator",
        .vendor = "tendon",
        .version = TENDON_VERSION,
        .help = "Makes up the tickets of hospitals and the support that they get.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll,
        .stop = stop,
        .destroy = destroy,
    };

    return host_abi >> 16 == TENDON_ABI_MAJOR ? &plugin : NULL;
}
