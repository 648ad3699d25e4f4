/* The tenant's reference tables: sites, teams and calendars, each in versions by the instant from which they
 * hold, and the values that were imported for dimensions without a table.
 *
 * A struct reference is immutable and counted: the store publishes a new one with each import; a view keeps
 * the one it was opened with. */
#ifndef TENDON_FOLD_REFERENCE_H
#define TENDON_FOLD_REFERENCE_H

#include "core/base/buffer.h"
#include "core/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum reference_table { REFERENCE_SITE, REFERENCE_TEAM, REFERENCE_N };

/* X(NAME, name, is a number, low, high) */
#define REFERENCE_SITE_ATTRIBUTES(X)                                                                         \
    X(FACILITY_KIND, "facility_kind", false, 0,                                                              \
      0) /* hospital, cah, practice, clinic, snf, lab, payer, other */                                       \
    X(BEDS, "beds", true, 0, 100000)                                                                         \
    X(PHYSICIANS, "physicians", true, 0, 1000000)                                                            \
    X(STATE, "state", false, 0, 0)                                                                           \
    X(COUNTRY, "country", false, 0, 0)                                                                       \
    X(ORG, "org", false, 0, 0)                                                                               \
    X(CCN, "ccn", false, 0, 0)                                                                               \
    X(NPI, "npi", false, 0, 0)                                                                               \
    X(CALENDAR, "calendar", false, 0, 0)
#define REFERENCE_TEAM_ATTRIBUTES(X)                                                                         \
    X(EMPLOYER, "employer", false, 0, 0)                                                                     \
    X(OUTSOURCER, "outsourcer", false, 0, 0)                                                                 \
    X(TEAM_COUNTRY, "team_country", false, 0, 0)                                                             \
    X(LANGUAGES, "languages", false, 0, 0)                                                                   \
    X(TEAM_TIER, "tier", true, 0, 4)

enum reference_attribute {
#define X(id, name, number, low, high) REFERENCE_##id,
    REFERENCE_SITE_ATTRIBUTES(X) REFERENCE_SITE_END,
    REFERENCE_SITE_N = REFERENCE_SITE_END,
    REFERENCE_TEAM_BASE = REFERENCE_SITE_END - 1,
    REFERENCE_TEAM_ATTRIBUTES(X) REFERENCE_ATTRIBUTES_N
#undef X
};

struct reference_attribute_info {
    const char *name;
    enum reference_table table;
    bool is_number;
    int64_t low, high;
};
extern const struct reference_attribute_info REFERENCE_ATTRIBUTE_INFO[REFERENCE_ATTRIBUTES_N];

/* What facility_kind may be; ends with NULL. */
extern const char *const REFERENCE_FACILITY_KINDS[];

#define REFERENCE_VERSIONS_MAX 262144 /* of all rows of one table */

/* One attribute's value: absent when string is NULL and the attribute is a string, or number is
 * REFERENCE_NONE. */
#define REFERENCE_NONE INT64_MIN

/* One version of one row. Holds from valid_from (ms; INT64_MIN: from the beginning) until the next version's.
 */
struct reference_row {
    int64_t valid_from;
    const char *strings[REFERENCE_ATTRIBUTES_N]; /* of the row's table; NULL none; interned: equal strings of
                                                    one reference are one pointer */
    int64_t numbers[REFERENCE_ATTRIBUTES_N];     /* REFERENCE_NONE none */
};

struct calendar; /* core/fold/calendar.h */
struct reference;

struct reference *reference_ref(struct reference *r);
void reference_unref(struct reference *r);

/* An empty one, to build on, or a copy of base (NULL: empty) to add to. Before it is published only. */
int reference_new(const struct reference *base, struct reference **ret);
/* Sets one version of a row, whole (attributes not given are absent), in place of one with the same
 * valid_from. values[a] are texts, NULL absent; checked: country codes are two letters (kept as capitals),
 * facility_kind is of the list, numbers are in range, every string is a code of at most 64 printable bytes.
 * `err` names the attribute, never the value. -EINVAL with code bad_key or bad_attribute, -ENOSPC with
 * reference_full, -ENOMEM. */
int reference_set(struct reference *r, enum reference_table table, const char *key, int64_t valid_from,
                  const char *const values[REFERENCE_ATTRIBUTES_N], struct error *err);

/* The version in force at an instant, or NULL. */
const struct reference_row *reference_find(const struct reference *r, enum reference_table table,
                                           const char *key, int64_t at);
/* All versions of a key, oldest first: *ret is an array of pointers; the count, 0 when unknown. What is found
 * is the reference's and lives as long as it. */
size_t reference_versions(const struct reference *r, enum reference_table table, const char *key,
                          const struct reference_row *const **ret);
size_t reference_count(const struct reference *r, enum reference_table table);
/* Calls each for every version, by key, then valid_from. */
int reference_each(const struct reference *r, enum reference_table table,
                   int (*each)(void *context, const char *key, const struct reference_row *row),
                   void *context);

/* Whether two versions say the same from the same instant; they may be of different references. */
bool reference_row_equal(const struct reference_row *a, const struct reference_row *b);

/* The form on disk, one record a row version. Decoding adds it to r; a record that is none gives -EBADMSG,
 * one of a later format -EPROTONOSUPPORT. */
int reference_row_encode(struct buffer *b, enum reference_table table, const char *key,
                         const struct reference_row *row);
int reference_row_decode(struct reference *r, const void *data, size_t size, struct error *err);

/* --- calendars, in versions as the rows are */

#define REFERENCE_CALENDARS_MAX 1024  /* versions of all together */
#define REFERENCE_HOLIDAYS_MAX  65536 /* that their definitions name, of all together */

/* Sets one version, in place of one with the same valid_from; takes a reference of its own to the calendar. A
 * name is a code. Error codes as reference_set. */
int reference_set_calendar(struct reference *r, const char *name, int64_t valid_from,
                           struct calendar *calendar, struct error *err);
/* Takes away one version, or with valid_from NULL all of a name. -ENOENT with unknown_calendar and the
 * nearest name, or unknown_version. Before r is published only. */
int reference_remove_calendar(struct reference *r, const char *name, const int64_t *valid_from,
                              struct error *err);
struct reference_calendar {
    int64_t valid_from;
    struct calendar *calendar;
};
/* All versions of a name, oldest first; the count, 0 when unknown. */
size_t reference_calendars(const struct reference *r, const char *name,
                           const struct reference_calendar **ret);
/* How many names there are. */
size_t reference_calendar_count(const struct reference *r);
/* Calls each for every version, by name, then valid_from. */
int reference_each_calendar(const struct reference *r,
                            int (*each)(void *context, const char *name, const struct reference_calendar *c),
                            void *context);
/* Calls each, in no order, for every name that sites give as their calendar and that no calendar has; n_rows:
 * how many versions of sites. */
int reference_each_missing_calendar(const struct reference *r,
                                    int (*each)(void *context, const char *name, size_t n_rows),
                                    void *context);
/* Fills err with unknown_calendar and the name that comes nearest; -ENOENT. */
int reference_calendar_unknown(const struct reference *r, const char *name, struct error *err);

/* The form on disk, one record a version; reference_row_decode reads it too. 0 or -ENOMEM. */
int reference_calendar_encode(struct buffer *b, const char *name, const struct reference_calendar *c);

/* --- values of dimensions that have no table of their own */

#define REFERENCE_CODE_DIMENSIONS_MAX 32
#define REFERENCE_CODES_MAX           262144 /* of all dimensions together */
#define REFERENCE_CODES_OF_ONE_MAX    65535  /* as many as a dimension can have */

/* Adds a value of a dimension, both codes: 1, or 0 when it is there already. `err` never names the value.
 * -EINVAL with code bad_key or bad_value, -ENOSPC with reference_full, -ENOMEM. Before r is published only.
 */
int reference_add_code(struct reference *r, const char *dimension, const char *value, struct error *err);
/* Calls each for every value, by dimension, then value. */
int reference_each_code(const struct reference *r,
                        int (*each)(void *context, const char *dimension, const char *value), void *context);
bool reference_has_code(const struct reference *r, const char *dimension, const char *value);

/* Whether a value of a dimension was imported: a site or a team at any instant, else a code. value needs no
 * NUL. r may be NULL: nothing was. */
bool reference_has_value(const struct reference *r, const char *dimension, const char *value, size_t size);
/* How many values of a dimension were. */
size_t reference_value_count(const struct reference *r, const char *dimension);

/* The form on disk, one record a value; reference_row_decode reads it too. 0 or -ENOMEM. */
int reference_code_encode(struct buffer *b, const char *dimension, const char *value);

/* Whether what the fold reads (tier and employer of teams, calendars of sites, calendars; at any instant)
 * differs between two. */
bool reference_needs_refold(const struct reference *before, const struct reference *after);

#endif
