#include "tools/command.h"

#include <string.h>

/* By name: a new command is a file cmd_NAME.c and a line here. */
#define COMMAND_LIST(X)                                                                                      \
    X(AUDIT_EXPORT)                                                                                          \
    X(AUDIT_LIST)                                                                                            \
    X(AUDIT_VERIFY)                                                                                          \
    X(BENCHMARK_CONSENT)                                                                                     \
    X(BENCHMARK_DEFINE)                                                                                      \
    X(BENCHMARK_FREEZE)                                                                                      \
    X(BENCHMARK_LIST)                                                                                        \
    X(BENCHMARK_SHOW)                                                                                        \
    X(BENCHMARK_UNDEFINE)                                                                                    \
    X(BENCHMARK_WITHDRAW)                                                                                    \
    X(CALENDAR_IMPORT)                                                                                       \
    X(CALENDAR_LIST)                                                                                         \
    X(CALENDAR_REMOVE)                                                                                       \
    X(CALENDAR_SHOW)                                                                                         \
    X(CODE_IMPORT)                                                                                           \
    X(CODE_LIST)                                                                                             \
    X(COMPLETION)                                                                                            \
    X(EXPLAIN)                                                                                               \
    X(HELP)                                                                                                  \
    X(KEY_GRANT)                                                                                             \
    X(KEY_LIST)                                                                                              \
    X(KEY_NEW)                                                                                               \
    X(KEY_REVOKE)                                                                                            \
    X(KEY_ROTATE)                                                                                            \
    X(KEY_SERVER)                                                                                            \
    X(METRICS)                                                                                               \
    X(METRICS_SHOW)                                                                                          \
    X(PLUGIN_CHECK)                                                                                          \
    X(PLUGIN_KEY)                                                                                            \
    X(PLUGIN_LIST)                                                                                           \
    X(PLUGIN_NEW)                                                                                            \
    X(PLUGIN_RELEASE)                                                                                        \
    X(PLUGIN_RELOAD)                                                                                         \
    X(PLUGIN_SHOW)                                                                                           \
    X(PLUGIN_SIGN)                                                                                           \
    X(PLUGIN_TOP)                                                                                            \
    X(PLUGIN_TRY)                                                                                            \
    X(PLUGIN_VERIFY)                                                                                         \
    X(QUERY)                                                                                                 \
    X(REPORT_SCORECARD)                                                                                      \
    X(REPORT_SURVEY)                                                                                         \
    X(SITE_IMPORT)                                                                                           \
    X(SITE_LIST)                                                                                             \
    X(SOURCE_LIST)                                                                                           \
    X(SOURCE_REJECTS)                                                                                        \
    X(SOURCE_RESET)                                                                                          \
    X(SOURCE_SHOW)                                                                                           \
    X(STATUS)                                                                                                \
    X(TEAM_IMPORT)                                                                                           \
    X(TEAM_LIST)                                                                                             \
    X(TENANT_ADD)                                                                                            \
    X(TENANT_EXPORT)                                                                                         \
    X(TENANT_IMPORT)                                                                                         \
    X(TENANT_LIMIT)                                                                                          \
    X(TENANT_LIST)                                                                                           \
    X(TENANT_REINDEX)                                                                                        \
    X(TENANT_REMOVE)                                                                                         \
    X(TENANT_RETENTION)                                                                                      \
    X(TENANT_SHOW)                                                                                           \
    X(VERSION)

#define X(name) extern const struct command CMD_##name;
COMMAND_LIST(X)
#undef X

const struct command *const COMMANDS[] = {
#define X(name) &CMD_##name,
    COMMAND_LIST(X)
#undef X
};
const size_t N_COMMANDS = sizeof(COMMANDS) / sizeof(COMMANDS[0]);

const struct option COMMON_OPTIONS[] = {
    {"connect", 0, OPTION_VALUE, "ENDPOINT", NULL, NAMES_NOTHING,
     "where the collector is: ipc://PATH of its control.sock, or tcp://HOST:PORT; default $TENDON_CONNECT, "
     "else ipc:///run/tendon/control.sock"},
    {"key-file", 0, OPTION_VALUE, "FILE", NULL, NAMES_FILE,
     "for tcp: our key pair, as tendon key new makes it; default $TENDON_KEY_FILE"},
    {"server-key", 0, OPTION_VALUE, "KEY", NULL, NAMES_NOTHING,
     "for tcp: the collector's public key, as tendon key server prints it; default $TENDON_SERVER_KEY"},
    {"timeout", 0, OPTION_VALUE, "TIME", NULL, NAMES_NOTHING,
     "how long to wait for an answer: 30s, 5m, 1h; default 10m"},
    {"help", 'h', OPTION_FLAG, NULL, NULL, NAMES_NOTHING, "show this help"},
    {"version", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING, "show the version"},
    {NULL},
};

const struct option ANSWER_OPTIONS[] = {
    OUTPUT_OPTION,
    {NULL},
};

const struct option LIST_OPTIONS[] = {
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

const struct command *command_find(char *const *words, size_t n, size_t *ret_words)
{
    const struct command *best = NULL;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *name = COMMANDS[i]->name;
        size_t first = strcspn(name, " "), needs = name[first] ? 2 : 1;
        if (n < needs || strlen(words[0]) != first || memcmp(words[0], name, first) != 0)
            continue;
        if (needs == 2 && strcmp(words[1], name + first + 1) != 0)
            continue;
        if (!best || needs > *ret_words) {
            best = COMMANDS[i];
            *ret_words = needs;
        }
    }
    return best;
}

bool command_is_group(const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strncmp(COMMANDS[i]->name, word, size) == 0 && COMMANDS[i]->name[size] == ' ')
            return true;
    return false;
}
