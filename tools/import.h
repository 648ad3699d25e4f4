/* Reference tables from CSV files: which column is which attribute, which value becomes which, and what is
 * wrong where.
 *
 * The rows are checked whole before any is sent, by the same rules as the collector's; what is wrong is named
 * by line and column and never shown. The same key twice with different content is an error. One thread. */
#ifndef TENDON_TOOLS_IMPORT_H
#define TENDON_TOOLS_IMPORT_H

#include "core/base/error.h"
#include "core/fold/reference.h"
#include "tools/csv.h"
#include "tools/option.h"

#include <jansson.h>
#include <stddef.h>

#define IMPORT_ERRORS_SHOWN 10 /* kinds of faults */
#define IMPORT_LINES_SHOWN  5  /* of each */

struct import_options {
    enum reference_table table;
    const char *key;         /* column */
    const char *const *maps; /* "COLUMN=NAME" */
    size_t n_maps;
    const char *const *values; /* "COLUMN:OLD=NEW" */
    size_t n_values;
    const char *const *sets; /* "NAME=VALUE" */
    size_t n_sets;
};

struct import_result {
    json_t *rows;        /* [{"key", attribute: str…}], or [{"dimension", "value"}] */
    json_t *left_out;    /* names of columns that are neither known nor mapped */
    json_t *unused;      /* indices into options.values that no row had */
    size_t n_duplicates; /* rows that repeat another, word for word */
    size_t n_errors;     /* rows with something wrong */
    json_t *errors; /* [{"text": "column C: …", "lines": [int] (the first few), "n": int}] by what is wrong */
};

/* Reads all rows of an opened file. 0, also with n_errors > 0; or the reason why it cannot be read as a
 * whole: code usage (a column or an attribute that does not exist, with the nearest one), bad_csv. The result
 * is released with import_fini in either case. */
int import_read(struct csv *csv, const struct import_options *options, struct import_result *ret,
                struct error *err);
/* The same for values of dimensions: the columns dimension and value. */
int import_read_codes(struct csv *csv, struct import_result *ret, struct error *err);
void import_fini(struct import_result *result);

/* The commands `site import`, `team import` and `code import`. */
int import_run_codes(const struct invocation *invocation);
int import_run(const struct invocation *invocation, enum reference_table table);
int reference_list_run(const struct invocation *invocation, enum reference_table table);

#endif
