/* Answers in the form that was asked for: tables for people; JSON, CSV and TSV for programs.
 *
 * People get durations as 2h 14m, ratios as percentages and "–" for what is missing; programs get seconds,
 * 0..1, and null or nothing. -o says which; without it a terminal gets a table and anything else TSV. One
 * thread. */
#ifndef TENDON_TOOLS_OUTPUT_H
#define TENDON_TOOLS_OUTPUT_H

#include "tools/option.h"
#include "tools/table.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum output_form { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_NDJSON, OUTPUT_CSV, OUTPUT_TSV, OUTPUT_MD };

enum cell_kind {
    CELL_TEXT,
    CELL_WHOLE,    /* a text that is of no use when it is shortened: a key */
    CELL_SENTENCE, /* a text that is wrapped and never shortened */
    CELL_INSTANT,  /* RFC 3339, or whole milliseconds since 1970 */
    CELL_MINUTE,   /* the same, shown to the minute */
    CELL_PERIOD,   /* RFC 3339, the start of a period */
    CELL_COUNT,
    CELL_NUMBER,
    CELL_DURATION, /* seconds */
    CELL_TERM,     /* milliseconds until something ends; 0: never */
    CELL_RATIO,
    CELL_BYTES,
};

struct output_column {
    const char *key;     /* in the rows */
    const char *heading; /* in tables */
    enum cell_kind kind;
    bool if_differs; /* in the table of a list only where not all rows have the same */
};

/* The form that the invocation asks for; *ret_width is the terminal's width for a table on one, else 0. */
enum output_form output_form(const struct invocation *invocation, unsigned *ret_width);

/* A value as a person reads it; NULL where it is missing. *room is freed and replaced. */
const char *output_cell(enum cell_kind kind, const json_t *value, char **room);

/* Rows of maps. In tables the columns given, in machine forms all keys of the rows, those given first (n 0:
 * all keys, as texts). empty: what is said on a terminal when there is no row. Returns an exit code. */
int output_list(const struct invocation *invocation, const struct output_column *columns, size_t n,
                const json_t *rows, const char *empty);

/* One map: a line a member; lists of maps in it as tables of their own below. The columns name the members
 * whose kind is not told by their value; "list.member" names one of a list's maps. */
int output_show(const struct invocation *invocation, const struct output_column *columns, size_t n,
                const json_t *map);

/* Rows of maps as CSV or TSV, under a header of these keys. In TSV a tab, a line end and a backslash in a
 * text are written \t, \n, \r and \\. */
void output_separated(enum output_form form, const char *const *keys, size_t n, const json_t *rows,
                      FILE *out);

/* Flushes standard output: an answer that could not be written is a failure. Returns code or EXIT_FAILED. */
int output_finish(int code);

#endif
