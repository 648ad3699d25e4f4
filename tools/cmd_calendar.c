#include "core/fold/calendar.h"
#include "tools/holidays.h"
#include "tools/json.h"
#include "tools/option.h"
#include "tools/output.h"
#include "tools/session.h"
#include "tools/valid_from.h"

#include <stdio.h>
#include <string.h>

static bool is_for_people(const struct invocation *invocation)
{
    unsigned width;
    enum output_form form = output_form(invocation, &width);
    return form == OUTPUT_TABLE || form == OUTPUT_MD;
}

/* --- import */

/* The zone of --zone, else the tenant's. */
static int import_zone(const struct invocation *invocation, struct session *s, struct zone **ret)
{
    const char *name = invocation_value(invocation, "zone");
    struct error err = ERROR_INIT;
    if (!name)
        return tenant_zone_open(invocation, s, ret);
    if (zone_open(name, ret, &err) == 0)
        return 0;
    error_prefix(&err, "--zone");
    return error_print(&err);
}

/* The holidays of every --holidays. */
static int import_holidays(const struct invocation *invocation, const struct zone *zone, json_t *days,
                           struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < invocation->n_given && r == 0; i++) {
        struct ics ics;
        if (strcmp(invocation->given[i].option->name, "holidays") != 0)
            continue;
        r = ics_open(&ics, invocation->given[i].value, err);
        if (r < 0)
            break;
        r = holidays_read(&ics, zone, days, err);
        ics_close(&ics);
    }
    return r;
}

/* The definition, checked by the collector's own rules; NULL, and the error has been printed. */
static json_t *import_definition(const struct invocation *invocation, const struct zone *zone)
{
    struct error err = ERROR_INIT;
    struct calendar *calendar;
    json_t *days = json_array();
    if (import_holidays(invocation, zone, days, &err) < 0) {
        json_decref(days);
        (void)error_print(&err);
        return NULL;
    }
    json_t *definition = json_pack("{s:s, s:s, s:b, s:o}", "zone", zone_name(zone), "hours",
                                   invocation_value(invocation, "hours"), "federal",
                                   invocation_has(invocation, "federal"), "holidays", days);
    if (!definition)
        error_set(&err, -ENOMEM, "no_memory", "no memory for a calendar");
    else if (calendar_new(definition, &calendar, &err) == 0) {
        json_decref(definition);
        definition = json_deep_copy(calendar_definition(calendar));
        calendar_unref(calendar);
        return definition;
    }
    json_decref(definition);
    (void)error_print(&err);
    return NULL;
}

/* What the collector says, flat and with the holidays counted. */
static json_t *import_summary(const json_t *answer)
{
    const json_t *d = json_object_get(answer, "definition");
    return json_pack("{s:O, s:O, s:O, s:O, s:O, s:O, s:I}", "calendar", json_object_get(answer, "calendar"),
                     "changed", json_object_get(answer, "changed"), "valid_from",
                     json_object_get(answer, "valid_from"), "zone", json_object_get(d, "zone"), "hours",
                     json_object_get(d, "hours"), "federal", json_object_get(d, "federal"), "holidays",
                     (json_int_t)json_array_size(json_object_get(d, "holidays")));
}

static int import_send(const struct invocation *invocation, struct session *s)
{
    static const struct output_column COLUMNS[] = {
        {"valid_from", "valid from", CELL_INSTANT},
        {"federal", "US federal holidays", CELL_TEXT},
        {"holidays", "further holidays", CELL_COUNT},
    };
    struct zone *zone;
    int code = import_zone(invocation, s, &zone);
    if (code != 0)
        return code;
    json_t *definition = import_definition(invocation, zone);
    zone_close(zone);
    if (!definition)
        return TENDON_EXIT_FAILED;
    json_t *params = session_params(invocation), *answer = NULL;
    (void)json_object_set_new(params, "calendar", json_string(invocation_argument(invocation, 0)));
    (void)json_object_set_new(params, "definition", definition);
    code = valid_from_read(invocation, s, params);
    if (code == 0)
        code = session_call(s, "calendar.import", json_incref(params), &answer);
    if (code == 0)
        code = session_await_facts(s, invocation, answer, params);
    if (code == 0) {
        json_t *summary = import_summary(answer);
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), summary);
        json_decref(summary);
    }
    json_decref(params);
    json_decref(answer);
    return code;
}

static int calendar_import_run(const struct invocation *invocation)
{
    struct error err = ERROR_INIT;
    struct session *s;
    if (!invocation_value(invocation, "hours")) {
        error_set(&err, -EINVAL, "usage",
                  "tendon calendar import needs --hours: when support is at work in a week");
        error_hint(&err, "for example --hours 'mon-fri 08:00-17:00, sat 09:00-12:00', or 'daily "
                         "00:00-24:00'");
        return error_print(&err);
    }
    int code = session_open(invocation, "importing", &s);
    if (code != 0)
        return code;
    code = import_send(invocation, s);
    session_close(s);
    return code;
}

/* --- list, show, remove */

static int calendar_list_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"calendar", "calendar", CELL_TEXT},  {"valid_from", "valid from", CELL_INSTANT},
        {"zone", "zone", CELL_TEXT},          {"hours", "hours", CELL_TEXT},
        {"federal", "US federal", CELL_TEXT}, {"holidays", "further holidays", CELL_COUNT},
        {"sites", "sites", CELL_COUNT},       {"default", "default", CELL_TEXT, .if_differs = true},
    };
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "calendar.list", session_params(invocation), &rows);
    if (code == 0)
        code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), rows,
                           "no calendar yet; bring one in: tendon calendar import --help");
    json_decref(rows);
    return code;
}

static json_t *calendar_params(const struct invocation *invocation)
{
    json_t *params = session_params(invocation);
    (void)json_object_set_new(params, "calendar", json_string(invocation_argument(invocation, 0)));
    return params;
}

static int calendar_show_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"versions", "versions", CELL_TEXT},           {"versions.valid_from", "valid from", CELL_INSTANT},
        {"versions.zone", "zone", CELL_TEXT},          {"versions.hours", "hours", CELL_TEXT},
        {"versions.federal", "US federal", CELL_TEXT}, {"versions.holidays", "further holidays", CELL_COUNT},
        {"next_holidays", "next holidays", CELL_TEXT},
    };
    json_t *shown = NULL, *version;
    size_t i;
    int code = session_call_once(invocation, "asking", "calendar.show", calendar_params(invocation), &shown);
    if (code == 0 && is_for_people(invocation)) {
        /* a person is told how many there are, and the next ones by name */
        json_array_foreach(json_object_get(shown, "versions"), i, version)
        {
            size_t n = json_array_size(json_object_get(version, "holidays"));
            (void)json_object_set_new(version, "holidays", json_integer((json_int_t)n));
        }
    }
    if (code == 0)
        code = output_show(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), shown);
    json_decref(shown);
    return code;
}

static int calendar_remove_run(const struct invocation *invocation)
{
    struct session *s = NULL;
    json_t *params = calendar_params(invocation), *answer = NULL;
    int code = session_open(invocation, "removing", &s);
    if (code == 0)
        code = valid_from_read(invocation, s, params);
    if (code == 0)
        code = session_call(s, "calendar.remove", json_incref(params), &answer);
    if (code == 0)
        code = session_await_facts(s, invocation, answer, params);
    session_close(s);
    (void)json_object_del(answer, "refolding");
    if (code == 0)
        code = output_show(invocation, NULL, 0, answer);
    json_decref(params);
    json_decref(answer);
    return code;
}

/* --- tables */

#define TENANT_OPTION                                                                                        \
    {                                                                                                        \
        "tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,                                              \
            "whose calendars; may be left out where there is one tenant"                                     \
    }

static const struct option IMPORT_OPTIONS[] = {
    {"hours", 0, OPTION_VALUE, "HOURS", NULL, NAMES_NOTHING,
     "when support is at work in a week, as local time: 'mon-fri 08:00-17:00, sat 09:00-12:00 13:00-15:00', "
     "'daily 00:00-24:00'; required"},
    {"zone", 0, OPTION_VALUE, "ZONE", NULL, NAMES_NOTHING,
     "the IANA time zone of the hours and holidays, such as America/Chicago; without it the tenant's"},
    {"federal", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING,
     "the federal holidays of the United States are holidays, on the days on which they are observed, in "
     "every year"},
    {"holidays", 0, OPTION_MANY, "FILE", NULL, NAMES_FILE,
     "an iCalendar file (.ics) whose events are holidays, whole days or hours of them; - for standard input"},
    {"valid-from", 0, OPTION_VALUE, "DATE", NULL, NAMES_NOTHING,
     "the calendar reads so from the beginning of this day in the tenant's zone, or from this instant; "
     "without it from ever"},
    TENANT_OPTION,
    OUTPUT_OPTION,
    NO_WAIT_OPTION,
    {NULL},
};

static const struct argument NAME_ARGUMENT[] = {
    {"NAME", .help = "of the calendar"},
    {NULL},
};

const struct command CMD_CALENDAR_IMPORT = {
    .name = "calendar import",
    .summary = "bring in a calendar: the hours and holidays by which business time passes",
    .description =
        "Business time passes when the local date and time of day lie in the hours and in no holiday. Hours "
        "are "
        "days (mon, mon-fri, daily) with intervals behind them, and commas between the parts; an interval "
        "that "
        "passes midnight is written as two. An hour that comes twice when clocks are set back counts twice, "
        "one "
        "that is skipped not at all.\n\n"
        "In a file of holidays every event counts that is not cancelled: with dates as whole local days, "
        "with times "
        "as these hours, in its own zone or else the calendar's. Rules (RRULE), RDATE and EXDATE are worked "
        "out "
        "from 1990 to 2099. Only days and hours are taken, no names. What cannot be read is named by its "
        "line, and "
        "nothing is imported.\n\n"
        "A site names its calendar in the attribute calendar (tendon site import); where it names none the "
        "tenant's calendar counts (calendar in tendond.conf(5)). A name imported again is changed; with "
        "--valid-from it has versions, and each instant counts by the one in force then. What has been "
        "measured "
        "is made anew from the events, and answers are the old ones until that is done.",
    .options = IMPORT_OPTIONS,
    .arguments = NAME_ARGUMENT,
    .examples = "  # an American help desk\n"
                "  tendon calendar import helpdesk --zone America/Chicago --hours 'mon-fri 08:00-17:00' "
                "--federal\n"
                "  # with the hospital's own holidays, one of them an afternoon\n"
                "  tendon calendar import helpdesk --zone America/Chicago --hours 'mon-fri 08:00-17:00' \\\n"
                "      --federal --holidays hospital.ics\n"
                "  # longer hours from July on\n"
                "  tendon calendar import helpdesk --zone America/Chicago --hours 'mon-fri 07:00-19:00' "
                "--federal --valid-from 2026-07-01\n"
                "  # wards that never close\n"
                "  tendon calendar import always --hours 'daily 00:00-24:00'\n",
    .run = calendar_import_run,
};

static const struct option TENANT_LIST_OPTIONS[] = {
    TENANT_OPTION,
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

const struct command CMD_CALENDAR_LIST = {
    .name = "calendar list",
    .summary = "list calendars, every version, and the sites that name them",
    .description = "A line without hours is a name that sites or the configuration name and that nobody "
                   "imported: their tickets have no business time.",
    .options = TENANT_LIST_OPTIONS,
    .examples = "  tendon calendar list\n",
    .run = calendar_list_run,
};

static const struct option REMOVE_OPTIONS[] = {
    {"valid-from", 0, OPTION_VALUE, "DATE", NULL, NAMES_NOTHING,
     "only the version that holds from the beginning of this day in the tenant's zone, or from this instant"},
    TENANT_OPTION,
    OUTPUT_OPTION,
    NO_WAIT_OPTION,
    {NULL},
};

const struct command CMD_CALENDAR_REMOVE = {
    .name = "calendar remove",
    .summary = "remove a calendar, or one version of it",
    .description = "Tickets of sites that still name it have no business time from then on; the answer says "
                   "how many sites those are.",
    .options = REMOVE_OPTIONS,
    .arguments = NAME_ARGUMENT,
    .examples = "  tendon calendar remove helpdesk --valid-from 2026-07-01\n",
    .run = calendar_remove_run,
};

static const struct option SHOW_OPTIONS[] = {
    TENANT_OPTION,
    OUTPUT_OPTION,
    {NULL},
};

const struct command CMD_CALENDAR_SHOW = {
    .name = "calendar show",
    .summary = "show a calendar: its versions with hours and zone, and its next holidays",
    .options = SHOW_OPTIONS,
    .arguments = NAME_ARGUMENT,
    .examples = "  tendon calendar show helpdesk\n  # with every holiday that was imported\n"
                "  tendon calendar show helpdesk -o json\n",
    .run = calendar_show_run,
};
