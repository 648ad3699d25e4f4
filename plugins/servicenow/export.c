/* servicenow: the audit export of a ServiceNow instance, a row for every state that an incident was in.
 *
 * All that it knows is which column means what; reading and turning rows into events is plugins/common's. */
#include "plugins/common/reader.h"
#include "plugins/common/snapshot.h"

#include <stdlib.h>
#include <string.h>

struct servicenow {
    struct reader reader;
};

static const struct {
    const char *field, *column;
    bool required;
} COLUMNS[] = {
    {"ticket", "number", true},         {"at", "sys_updated_at", true},
    {"version", "sys_mod_count", true}, {"opened", "opened_at", true},
    {"to", "incident_state", true},     {"site", "location", false},
    {"severity", "priority", false},    {"channel", "contact_type", false},
    {"category", "category", false},    {"team", "assignment_group", false},
};

/* What instances write by default, in lower case. */
static const struct {
    const char *field, *from, *to;
} VALUES[] = {
    {"to", "new", "new"},
    {"to", "active", "open"},
    {"to", "in progress", "open"},
    {"to", "work in progress", "open"},
    {"to", "awaiting user info", "pending"},
    {"to", "awaiting caller", "pending"},
    {"to", "awaiting vendor", "hold"},
    {"to", "awaiting problem", "hold"},
    {"to", "awaiting change", "hold"},
    {"to", "awaiting evidence", "hold"},
    {"to", "on hold", "hold"},
    {"to", "resolved", "solved"},
    {"to", "closed", "closed"},
    {"to", "canceled", "closed"},
    {"to", "cancelled", "closed"},
    {"severity", "5", "4"}, /* planning: there are four severities */
    {"channel", "phone", "phone"},
    {"channel", "email", "email"},
    {"channel", "web", "web"},
    {"channel", "chat", "chat"},
    {"channel", "self service", "portal"},
    {"channel", "self-service", "portal"},
    {"channel", "ivr", "phone"},
    {"channel", "walk-in", "onsite"},
    {"channel", "virtual agent", "chat"},
    {"channel", "direct opening", "web"},
    {"channel", "*", ""}, /* a contact type that is no channel of ours costs the channel, not the row */
};

static const char *const FORMATS[] = {"%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S"};
static const char *const STATUSES[] = {ENUM_TO, NULL};
static const char *const CHANNELS[] = {ENUM_CHANNEL, NULL};

static const struct tendon_option OPTIONS[] = {
    OPTIONS_FILE,
    OPTIONS_MAPPING,
    {.name = "states",
     .type = TENDON_ENUM,
     .shape = TENDON_MAP,
     .values = STATUSES,
     .help = "The instance's own states, in lower case: STATE: STATUS."},
    {.name = "channels",
     .type = TENDON_ENUM,
     .shape = TENDON_MAP,
     .values = CHANNELS,
     .help = "The instance's own contact types, in lower case: CONTACT TYPE: CHANNEL."},
    {0},
};

/* What every instance has the same. */
static int preset(struct mapping *mapping, const struct tendon_host *host, const struct tendon_config *config)
{
    int rc = mapping_add_missing(mapping, "?");

    for (size_t i = 0; i < sizeof(COLUMNS) / sizeof(COLUMNS[0]); i++)
        mapping_set_column(mapping, mapping_slot(mapping, COLUMNS[i].field), COLUMNS[i].column,
                           COLUMNS[i].required);
    for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]) && rc == 0; i++)
        rc = mapping_add_value(mapping, mapping_slot(mapping, VALUES[i].field), VALUES[i].from, VALUES[i].to);
    for (size_t i = 0; i < sizeof(FORMATS) / sizeof(FORMATS[0]); i++)
        if (host->count(config, "time_format") == 0)
            (void)mapping_add_format(mapping, FORMATS[i]);
    mapping_set_lower(mapping, mapping_slot(mapping, "to"));
    mapping_set_lower(mapping, mapping_slot(mapping, "channel"));
    mapping_set_first(mapping, mapping_slot(mapping, "severity")); /* "3 - Moderate" */
    return rc;
}

/* What this instance calls its states and contact types. */
static int own_names(struct mapping *mapping, const struct tendon_host *host,
                     const struct tendon_config *config)
{
    static const struct {
        const char *option, *field;
    } maps[] = {{"states", "to"}, {"channels", "channel"}};

    for (size_t m = 0; m < sizeof(maps) / sizeof(maps[0]); m++) {
        int slot = mapping_slot(mapping, maps[m].field);

        for (uint32_t i = 0; i < host->count(config, maps[m].option); i++) {
            int rc = mapping_add_value(mapping, slot, host->get_key(config, maps[m].option, i),
                                       host->get_string(config, maps[m].option, i));
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int row(struct draft *draft, const struct tendon_record *record, void *ctx)
{
    (void)ctx;
    return snapshot_row(draft, record);
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct servicenow *self = calloc(1, sizeof(*self));
    int rc;

    if (!self)
        return options_no_memory(err);
    *ret = self;
    rc = reader_create(&self->reader, host, config, err);
    if (rc != TENDON_OK)
        return rc;
    self->reader.row = row;
    if (preset(self->reader.mapping, host, config) < 0 || own_names(self->reader.mapping, host, config) < 0)
        return options_no_memory(err);
    return options_mapping(self->reader.mapping, host, config, err);
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    return reader_start(&((struct servicenow *)self)->reader, cursor, size, err);
}

static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    (void)timeout_ms;
    return reader_poll(&((struct servicenow *)self)->reader, batch, err);
}

static void stop(void *self)
{
    reader_stop(&((struct servicenow *)self)->reader);
}

static void destroy(void *self)
{
    if (!self)
        return;
    reader_destroy(&((struct servicenow *)self)->reader);
    free(self);
}

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    static const struct tendon_plugin plugin = {
        .magic = TENDON_MAGIC,
        .abi = TENDON_ABI,
        .struct_size = sizeof(plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "servicenow",
        .vendor = "tendon",
        .version = TENDON_VERSION,
        .help =
            "Reads the audit export of a ServiceNow instance: CSV, a row for every update of an incident.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll,
        .stop = stop,
        .destroy = destroy,
    };

    return host_abi >> 16 == TENDON_ABI_MAJOR ? &plugin : NULL;
}
