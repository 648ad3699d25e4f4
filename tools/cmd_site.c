#include "tools/import.h"
#include "tools/option.h"

static int site_import_run(const struct invocation *invocation)
{
    return import_run(invocation, REFERENCE_SITE);
}

static int site_list_run(const struct invocation *invocation)
{
    return reference_list_run(invocation, REFERENCE_SITE);
}

static const struct option IMPORT_OPTIONS[] = {
    {"key", 0, OPTION_VALUE, "COLUMN", NULL, NAMES_NOTHING,
     "the column that holds the site's name as events bear it; required"},
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
     "whose sites; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    NO_WAIT_OPTION,
    {NULL},
};

static const struct argument IMPORT_ARGUMENTS[] = {
    {"FILE", .names = NAMES_FILE, .help = "the CSV file; - for standard input"},
    {NULL},
};

const struct command CMD_SITE_IMPORT = {
    .name = "site import",
    .summary = "load sites and their attributes from a CSV file",
    .description = "The file is CSV with a header, in UTF-8. A column that bears the name of an attribute "
                   "(facility_kind, beds, physicians, state, country, org, ccn, npi, calendar) is taken as "
                   "that; --map says it of others. Columns neither known nor mapped are named and left out. "
                   "Importing again changes only what differs; a site that is not in the file stays as it "
                   "is.\n\nfacility_kind is hospital, cah, practice, clinic, snf, lab, payer or other; "
                   "country is of two letters; beds and physicians are whole numbers. A file with anything "
                   "wrong in it changes nothing: each fault is named by line and column.",
    .options = IMPORT_OPTIONS,
    .arguments = IMPORT_ARGUMENTS,
    .examples = "  # the hospitals of a CSV, keyed by their CMS number\n"
                "  tendon site import hospitals.csv --key ccn --map type=facility_kind \\\n"
                "      --value 'type:Acute Care Hospitals=hospital' --value 'type:Critical Access "
                "Hospitals=cah' --set country=US\n"
                "  # beds as they are from July on; before, what was imported before still holds\n"
                "  tendon site import beds.csv --key site --valid-from 2026-07-01\n",
    .run = site_import_run,
};

static const struct option TENANT_OPTIONS[] = {
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose sites; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

const struct command CMD_SITE_LIST = {
    .name = "site list",
    .summary = "list sites with their attributes, every version",
    .options = TENANT_OPTIONS,
    .examples = "  tendon site list\n  tendon site list -o csv > sites.csv\n",
    .run = site_list_run,
};
