/* The commands of `tendon`: one table, from which come the parser, --help, the man page and the completions.
 *
 * A command is named by one word or two ("tenant show") and lives in cmd_WORD.c, which holds its options,
 * arguments, examples and the function that runs it. */
#ifndef TENDON_TOOLS_COMMAND_H
#define TENDON_TOOLS_COMMAND_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit codes, the same for every command. */
#define EXIT_CODES(X)                                                                                        \
    X(ANSWERED, 0, "done, or answered")                                                                      \
    X(FAILED, 1, "failed, or refused by the collector; the message says what to do")                         \
    X(USAGE, 2, "the command line is wrong: an unknown command, option or argument")                         \
    X(WARNING, 3, "answered, with a warning: read it before you trust the figures")                          \
    X(EMPTY, 4, "nothing found (only with --fail-empty)")                                                    \
    X(UNREACHABLE, 5, "the collector could not be reached")

enum exit_code {
#define X(name, number, sentence) TENDON_EXIT_##name = number,
    EXIT_CODES(X)
#undef X
};

enum option_kind {
    OPTION_FLAG,  /* takes no value */
    OPTION_VALUE, /* takes one; the last one given counts */
    OPTION_MANY,  /* takes one, and may be given again */
};

/* What a value names: so that completions can offer it. */
enum value_source { NAMES_NOTHING, NAMES_FILE, NAMES_METRIC, NAMES_DIMENSION, NAMES_COMMAND };

struct option {
    const char *name; /* without the dashes; NULL ends a table */
    char letter;      /* of the short form, or 0 */
    enum option_kind kind;
    const char *metavar;        /* NULL for a flag */
    const char *const *choices; /* NULL: anything; else ends with NULL */
    enum value_source names;
    const char *help; /* one sentence, no full stop */
};

struct argument {
    const char *name; /* "FILE"; NULL ends a table */
    bool optional;
    bool many; /* the last one only */
    enum value_source names;
    const char *help;
};

struct invocation;

struct command {
    const char *name;
    const char *summary;     /* one line, for lists */
    const char *description; /* paragraphs, separated by empty lines; may be NULL */
    const struct option *options;
    const struct argument *arguments;
    const char *examples; /* lines of "# what for" and "tendon …" */
    bool hidden;
    bool own_page;                                   /* has a man page of its own: tendon-NAME(1) */
    int (*run)(const struct invocation *invocation); /* → enum exit_code */
};

/* All commands, by name. */
extern const struct command *const COMMANDS[];
extern const size_t N_COMMANDS;

/* Options that every command takes (--connect, …, --help). */
extern const struct option COMMON_OPTIONS[];
/* Options of the commands that print an answer: its form; of those that print a list, whether an empty one
 * fails. */
extern const char *const OUTPUT_FORMS[];
#define OUTPUT_OPTION                                                                                        \
    {                                                                                                        \
        "output", 'o', OPTION_VALUE, "FORM", OUTPUT_FORMS, NAMES_NOTHING,                                    \
            "form of the answer; without it a table on a terminal, tsv elsewhere"                            \
    }
#define EMPTY_OPTION                                                                                         \
    {                                                                                                        \
        "fail-empty", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING, "exit with 4 when nothing was found"        \
    }
/* Of the commands that change what facts are made from. */
#define NO_WAIT_OPTION                                                                                       \
    {                                                                                                        \
        "no-wait", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING,                                                \
            "do not wait until all facts are made anew, where that is needed: until then answers come from " \
            "the facts before and say so, and tendon status shows how far it is"                             \
    }
/* Tables for commands that have no other. */
extern const struct option ANSWER_OPTIONS[]; /* OUTPUT_OPTION */
extern const struct option LIST_OPTIONS[];   /* both */

/* The command of these words, *ret_words of which name it; NULL when there is none. */
const struct command *command_find(char *const *words, size_t n, size_t *ret_words);
/* Whether `word` begins the name of commands of two words. */
bool command_is_group(const char *word);

#endif
