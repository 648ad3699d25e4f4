#include "tools/import.h"
#include "tools/option.h"

static int team_import_run(const struct invocation *invocation)
{
    return import_run(invocation, REFERENCE_TEAM);
}

static int team_list_run(const struct invocation *invocation)
{
    return reference_list_run(invocation, REFERENCE_TEAM);
}

static const struct option IMPORT_OPTIONS[] = {
    {"key", 0, OPTION_VALUE, "COLUMN", NULL, NAMES_NOTHING,
     "the column that holds the team's name as events bear it; required"},
    {"map", 0, OPTION_MANY, "COLUMN=NAME", NULL, NAMES_NOTHING, "take this column as the attribute NAME"},
    {"value", 0, OPTION_MANY, "COLUMN:OLD=NEW", NULL, NAMES_NOTHING,
     "read OLD in this column as NEW; an empty NEW is no value"},
    {"set", 0, OPTION_MANY, "NAME=VALUE", NULL, NAMES_NOTHING,
     "the attribute NAME of every row that gives none itself"},
    {"valid-from", 0, OPTION_VALUE, "DATE", NULL, NAMES_NOTHING,
     "the rows hold from the beginning of this day in the tenant's zone, or from this instant; without it "
     "from "
     "ever"},
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose teams; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    NO_WAIT_OPTION,
    {NULL},
};

static const struct argument IMPORT_ARGUMENTS[] = {
    {"FILE", .names = NAMES_FILE, .help = "the CSV file; - for standard input"},
    {NULL},
};

const struct command CMD_TEAM_IMPORT = {
    .name = "team import",
    .summary = "load teams and their attributes from a CSV file",
    .description = "The file is CSV with a header, in UTF-8. A column that bears the name of an attribute "
                   "(employer, outsourcer, team_country, languages, tier) is taken as that; --map says it of "
                   "others. Columns neither known nor mapped are named and left out. Importing again changes "
                   "only what differs; a team that is not in the file stays as it is.\n\nemployer is who "
                   "pays the team's agents; outsourcer is empty for a vendor's or a site's own team; "
                   "team_country is of two letters; tier is 0 to 4. From these come support_model and "
                   "support_region. A change of employer or tier recomputes the tickets that it touches. A "
                   "file with anything wrong in it changes nothing: each fault is named by line and column.",
    .options = IMPORT_OPTIONS,
    .arguments = IMPORT_ARGUMENTS,
    .examples =
        "  tendon team import teams.csv --key team\n"
        "  # all teams of one outsourcer in one country\n"
        "  tendon team import roster.csv --key queue --set outsourcer=northwind --set team_country=IN\n",
    .run = team_import_run,
};

static const struct option TENANT_OPTIONS[] = {
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose teams; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

const struct command CMD_TEAM_LIST = {
    .name = "team list",
    .summary = "list teams with their attributes, every version",
    .options = TENANT_OPTIONS,
    .examples = "  tendon team list\n  tendon team list -o csv > teams.csv\n",
    .run = team_list_run,
};
