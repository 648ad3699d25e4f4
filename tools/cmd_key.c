#include "tools/key.h"
#include "tools/output.h"
#include "tools/session.h"

#include <stdio.h>
#include <string.h>

/* Of a granted key; in a list those that say something. */
static const struct output_column COLUMNS[] = {
    {"name", "name", CELL_TEXT},
    {"role", "role", CELL_TEXT, .if_differs = true},
    {"tenant", "tenant", CELL_TEXT},
    {"source", "source", CELL_TEXT},
    {"namespace", "namespace", CELL_TEXT},
    {"vendor", "stamp: vendor", CELL_TEXT, .if_differs = true},
    {"outsourcer", "stamp: outsourcer", CELL_TEXT, .if_differs = true},
    {"types", "types", CELL_TEXT},
    {"sites", "sites", CELL_TEXT, .if_differs = true},
    {"granted_at", "granted", CELL_INSTANT},
    {"public_key", "public key", CELL_WHOLE},
};
static const size_t N_COLUMNS = sizeof(COLUMNS) / sizeof(COLUMNS[0]);

static int key_new_run(const struct invocation *invocation)
{
    struct key_pair key;
    struct error err = ERROR_INIT;
    const char *path = invocation_argument(invocation, 0);
    int r = key_generate(&key, &err);
    if (r == 0)
        r = key_write(path, &key, &err);
    key_forget(&key);
    if (r < 0)
        return error_print(&err);
    (void)printf("%s\n", key.public_key);
    (void)fflush(stdout);
    (void)fprintf(stderr,
                  "The key pair is in %s: keep that file secret. Above is the public key; have the "
                  "collector's operator grant it:\n"
                  "    tendon key grant '%s' --tenant NAME --source NAME\n",
                  path, key.public_key);
    return output_finish(0);
}

/* A public key as it is, or of the file that holds it. */
static int public_key_read(const char *text, char ret[KEY_Z85 + 1], struct error *err)
{
    struct key_pair key;
    if (key_valid(text)) {
        memcpy(ret, text, KEY_Z85 + 1);
        return 0;
    }
    int r = key_read(text, false, &key, err);
    if (r == -ENOENT) {
        error_set(err, -EINVAL, "usage",
                  "\"%.64s\" is neither a public key (40 characters of Z85) nor a file", text);
        error_hint(err,
                   "tendon key new FILE makes a pair and prints its public key; put it in single quotes");
    }
    if (r == 0)
        memcpy(ret, key.public_key, KEY_Z85 + 1);
    return r;
}

/* "ticket,survey" as a list. */
static json_t *list_split(const char *text)
{
    json_t *list = json_array();
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ",");
        if (size > 0)
            (void)json_array_append_new(list, json_stringn(at, size));
        at += size;
        if (!*at)
            return list;
    }
}

/* All values of an option that may be given again; a site may have a comma in its name. */
static json_t *values_list(const struct invocation *invocation, const char *option)
{
    json_t *list = json_array();
    for (size_t i = 0; i < invocation->n_given; i++)
        if (strcmp(invocation->given[i].option->name, option) == 0)
            (void)json_array_append_new(list, json_string(invocation->given[i].value));
    return list;
}

/* What the role needs; 0 or an exit code. */
static int grant_check(const struct invocation *invocation, const char *role)
{
    struct error err = ERROR_INIT;
    bool is_source = strcmp(role, "source") == 0;
    if (is_source && !invocation_has(invocation, "source"))
        error_set(&err, -EINVAL, "usage",
                  "tendon key grant needs --source NAME: as whom the holder of the key sends");
    else if (!is_source && !invocation_has(invocation, "name"))
        error_set(&err, -EINVAL, "usage",
                  "tendon key grant --role %s needs --name NAME: what the key is called", role);
    else
        return 0;
    error_hint(&err, "tendon key grant --help shows examples");
    return error_print(&err);
}

static int key_grant_run(const struct invocation *invocation)
{
    static const char *const OPTIONAL[] = {"source", "namespace", "vendor", "outsourcer"};
    char public_key[KEY_Z85 + 1];
    struct error err = ERROR_INIT;
    const char *role = invocation_value(invocation, "role"), *name = invocation_value(invocation, "name");
    int code = grant_check(invocation, role ? role : "source");
    if (code != 0)
        return code;
    if (public_key_read(invocation_argument(invocation, 0), public_key, &err) < 0)
        return error_print(&err);
    json_t *params = session_params(invocation), *result = NULL;
    (void)json_object_set_new(params, "public_key", json_string(public_key));
    (void)json_object_set_new(params, "name",
                              json_string(name ? name : invocation_value(invocation, "source")));
    (void)json_object_set_new(params, "role", json_string(role ? role : "source"));
    for (size_t i = 0; i < sizeof(OPTIONAL) / sizeof(OPTIONAL[0]); i++)
        if (invocation_has(invocation, OPTIONAL[i]))
            (void)json_object_set_new(params, OPTIONAL[i],
                                      json_string(invocation_value(invocation, OPTIONAL[i])));
    if (invocation_has(invocation, "types"))
        (void)json_object_set_new(params, "types", list_split(invocation_value(invocation, "types")));
    if (invocation_has(invocation, "site"))
        (void)json_object_set_new(params, "sites", values_list(invocation, "site"));
    code = session_call_once(invocation, "granting", "key.grant", params, &result);
    if (code == 0)
        code = output_show(invocation, COLUMNS, N_COLUMNS, result);
    json_decref(result);
    return code;
}

static int key_rotate_run(const struct invocation *invocation)
{
    char public_key[KEY_Z85 + 1];
    const char *which = invocation_argument(invocation, 0);
    struct error err = ERROR_INIT;
    json_t *result = NULL;
    if (public_key_read(invocation_argument(invocation, 1), public_key, &err) < 0)
        return error_print(&err);
    int code = session_call_once(invocation, "rotating", "key.rotate",
                                 json_pack("{s:s, s:s}", key_valid(which) ? "public_key" : "name", which,
                                           "new_public_key", public_key),
                                 &result);
    if (code == 0)
        code = output_show(invocation, COLUMNS, N_COLUMNS, result);
    json_decref(result);
    return code;
}

static int key_list_run(const struct invocation *invocation)
{
    json_t *rows = NULL;
    int code = session_call_once(invocation, "asking", "key.list", json_object(), &rows);
    if (code == 0)
        code = output_list(invocation, COLUMNS, N_COLUMNS, rows,
                           "no key is granted; tendon key grant --help shows how");
    json_decref(rows);
    return code;
}

static int key_revoke_run(const struct invocation *invocation)
{
    const char *which = invocation_argument(invocation, 0);
    json_t *result = NULL;
    int code =
        session_call_once(invocation, "revoking", "key.revoke",
                          json_pack("{s:s}", key_valid(which) ? "public_key" : "name", which), &result);
    if (code == 0)
        code = output_show(invocation, COLUMNS, N_COLUMNS, result);
    json_decref(result);
    return code;
}

static int key_server_run(const struct invocation *invocation)
{
    json_t *result = NULL;
    int code = session_call_once(invocation, "asking", "server.key", json_object(), &result);
    if (code == 0) {
        const char *key = json_string_value(json_object_get(result, "public_key"));
        (void)printf("%s\n", key ? key : "");
        code = output_finish(key ? 0 : TENDON_EXIT_FAILED);
    }
    json_decref(result);
    return code;
}

static const char *const ROLES[] = {"source", "reader", "admin", "forwarder", "benchmark", "operator", NULL};

static const struct option GRANT_OPTIONS[] = {
    {"role", 0, OPTION_VALUE, "ROLE", ROLES, NAMES_NOTHING,
     "source sends events, the default; reader asks; admin keeps a tenant's tables, keys and limits; "
     "forwarder sends a "
     "tenant's log; benchmark sees what is published across tenants; operator may all"},
    {"source", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING, "as whom a source sends; required for one"},
    {"site", 0, OPTION_MANY, "SITE", NULL, NAMES_NOTHING,
     "narrow a reader to this site; may be given again, up to 32 times; of a forwarder what its site is "
     "called here"},
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "for whom; may be left out where there is one tenant"},
    {"namespace", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose tickets it speaks of; sources of one help desk share one; default: the source's own name"},
    {"types", 0, OPTION_VALUE, "TYPE,…", NULL, NAMES_NOTHING,
     "event types it may send; default ticket.*, sla.*, contact.* and source.watermark"},
    {"vendor", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "stamp: events that name another vendor are rejected"},
    {"outsourcer", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "stamp: events of another outsourcer's teams are rejected"},
    {"name", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "what the key is called, to revoke it by; default: the source's name; required for other roles"},
    OUTPUT_OPTION,
    {NULL},
};

static const struct argument FILE_ARGUMENTS[] = {
    {"FILE", .names = NAMES_FILE, .help = "where to put the pair; it must not be there yet"},
    {NULL},
};

static const struct argument KEY_ARGUMENTS[] = {
    {"KEY", .names = NAMES_FILE, .help = "the public key (in single quotes), or a file that holds it"},
    {NULL},
};

static const struct argument NAME_ARGUMENTS[] = {
    {"NAME", .help = "of the key, or the public key itself"},
    {NULL},
};

const struct command CMD_KEY_GRANT = {
    .name = "key grant",
    .summary = "let the holder of a key send as a source, ask, or administer",
    .description =
        "Rights belong to the key: what a message says of itself counts for nothing. A grant holds at once.",
    .options = GRANT_OPTIONS,
    .arguments = KEY_ARGUMENTS,
    .examples =
        "  tendon key grant 'PUBLIC-KEY' --tenant riverbend --source acme-servicedesk\n"
        "  # a survey tool that speaks of the same tickets\n"
        "  tendon key grant survey.pub --source acme-survey --namespace acme-servicedesk --types "
        "survey.sent,survey.response\n"
        "  # somebody who sees the figures of two sites\n"
        "  tendon key grant north.pub --role reader --tenant riverbend --name north --site north "
        "--site annex\n"
        "  # a site's collector that forwards its log here (tendon status there shows its key)\n"
        "  tendon key grant 'PUBLIC-KEY' --role forwarder --tenant riverbend --name north --site north\n",
    .run = key_grant_run,
};

const struct command CMD_KEY_LIST = {
    .name = "key list",
    .summary = "list the granted keys and their rights",
    .options = LIST_OPTIONS,
    .examples = "  tendon key list\n",
    .run = key_list_run,
};

const struct command CMD_KEY_NEW = {
    .name = "key new",
    .summary = "make a key pair in a file and print its public key",
    .description = "The file has mode 0600 and the form of ZeroMQ's own certificates. It needs no collector; "
                   "do it on the machine that will send, so that the "
                   "secret never travels.",
    .arguments = FILE_ARGUMENTS,
    .examples = "  tendon key new ~/.config/tendon.key\n",
    .run = key_new_run,
};

const struct command CMD_KEY_REVOKE = {
    .name = "key revoke",
    .summary = "take a key's rights away, at once",
    .options = ANSWER_OPTIONS,
    .arguments = NAME_ARGUMENTS,
    .examples = "  tendon key revoke acme-servicedesk\n",
    .run = key_revoke_run,
};

static const struct argument ROTATE_ARGUMENTS[] = {
    {"NAME", .help = "of the key, or its public key"},
    {"KEY", .names = NAMES_FILE, .help = "the new public key (in single quotes), or a file that holds it"},
    {NULL},
};

const struct command CMD_KEY_ROTATE = {
    .name = "key rotate",
    .summary = "put a new key in the place of one, with the same name and rights",
    .description = "The old one stops at once. What its holder has not had acknowledged it sends again with "
                   "the new one: "
                   "nothing is lost.",
    .options = ANSWER_OPTIONS,
    .arguments = ROTATE_ARGUMENTS,
    .examples = "  tendon key rotate acme-servicedesk desk-2027.pub\n",
    .run = key_rotate_run,
};

const struct command CMD_KEY_SERVER = {
    .name = "key server",
    .summary = "print the collector's own public key, which clients over tcp need",
    .examples = "  tendon key server\n",
    .run = key_server_run,
};
