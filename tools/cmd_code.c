#include "tools/import.h"
#include "tools/option.h"
#include "tools/output.h"
#include "tools/session.h"

static const struct option IMPORT_OPTIONS[] = {
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose values; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct argument IMPORT_ARGUMENTS[] = {
    {"FILE", .names = NAMES_FILE, .help = "the CSV file; - for standard input"},
    {NULL},
};

const struct command CMD_CODE_IMPORT = {
    .name = "code import",
    .summary = "load the values that closed dimensions take from a CSV file",
    .description =
        "The file is CSV with a header, in UTF-8, with the columns dimension and value; others are named and "
        "left out. dimension is vendor, product, module, version, category, requester_role or one that the "
        "tenant declares; site and team have imports of their own. A dimension that the tenant closes "
        "(closed: in tendond.conf) takes no other values than these: an event with another one is rejected "
        "as closed_dimension. Importing again changes only what differs; a value that is not in the file "
        "stays. What is imported does not count as new, however much a source sends.\n\n"
        "A value is at most 64 printable bytes with at most four spaces. One dimension can have 65535, all "
        "together 262144. A file with anything wrong in it changes nothing: each fault is named by its line, "
        "and no value is shown.",
    .options = IMPORT_OPTIONS,
    .arguments = IMPORT_ARGUMENTS,
    .examples = "  tendon code import codes.csv\n"
                "  # two categories\n"
                "  printf 'dimension,value\\ncategory,access\\ncategory,orders\\n' | tendon code import -\n",
    .run = import_run_codes,
};

static int code_list_run(const struct invocation *invocation)
{
    static const struct output_column COLUMNS[] = {
        {"dimension", "dimension", CELL_TEXT},
        {"value", "value", CELL_TEXT},
    };
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "code.list", session_params(invocation), &rows);
    if (code != 0)
        return code;
    code = output_list(invocation, COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]), rows,
                       "no value is imported yet; tendon code import FILE brings some in");
    json_decref(rows);
    return code;
}

static const struct option TENANT_OPTIONS[] = {
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose values; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

const struct command CMD_CODE_LIST = {
    .name = "code list",
    .summary = "list the imported values of dimensions that have no table",
    .options = TENANT_OPTIONS,
    .examples = "  tendon code list\n  tendon code list -o csv > codes.csv\n",
    .run = code_list_run,
};
