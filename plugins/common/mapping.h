/* From the columns of a file to values of events, as a plugin's options say.
 *
 * A slot is something that a row may tell: the fields of an event, and a few things besides. Each takes its
 * text from a column or is a constant, then it may be cut, lowered and replaced. Strings given to the setters
 * are the host's and live as long as the configuration; what mapping_text returns lives until the next call
 * for the same slot or the next record. One thread. */
#ifndef TENDON_PLUGINS_COMMON_MAPPING_H
#define TENDON_PLUGINS_COMMON_MAPPING_H

#include "proto/event.h"
#include "proto/tendon_plugin.h"

enum slot {
    SLOT_TICKET,
    SLOT_ID,
    SLOT_TYPE,
    SLOT_AT,      /* when the event happened, when the row was written */
    SLOT_SEQ,     /* order of events that share `at` */
    SLOT_VERSION, /* snapshot: a number that grows with every version of a ticket */
    SLOT_OPENED,  /* snapshot: when the ticket was opened */
    SLOT_FIELDS,  /* + enum event_field */
    SLOT_N = SLOT_FIELDS + FIELD_N
};

#define MAPPING_COLUMNS    64 /* further columns, at most */
#define MAPPING_TEXT_BYTES EVENT_ID_BYTES

struct mapping_string {
    const char *data;
    size_t size;
};

struct mapping;

/* 0 or -ENOMEM */
int mapping_new(const struct tendon_host *host, struct mapping **ret);
void mapping_free(struct mapping *mapping); /* NULL is fine */

/* The slot of that name ("ticket", "at", "site", …), or −1. A tenant's own dimension has none until it is
 * declared. */
int mapping_slot(const struct mapping *mapping, const char *name);
/* The nearest slot name to a wrong one, or NULL. */
const char *mapping_nearest(const struct mapping *mapping, const char *name);
/* Declares a dimension of the tenant's. Its slot; -ENOSPC beyond EVENT_DECLARED_MAX. */
int mapping_declare(struct mapping *mapping, const char *name);
/* The wire key of a field. */
const char *mapping_field_name(const struct mapping *mapping, enum event_field field);

/* Where a slot comes from. A required column must be in every file; another may be absent. */
void mapping_set_column(struct mapping *mapping, int slot, const char *column, bool required);
void mapping_set_constant(struct mapping *mapping, int slot, const char *value);
bool mapping_has(const struct mapping *mapping, int slot);
/* What becomes of its text: only the first character; in lower case; of one text another ("" is missing, from
 * "*" stands for every text that has none of its own; a later one takes the place of an earlier). 0 or
 * -ENOMEM. */
void mapping_set_first(struct mapping *mapping, int slot);
void mapping_set_lower(struct mapping *mapping, int slot);
int mapping_add_value(struct mapping *mapping, int slot, const char *from, const char *to);
/* A text that means none; empty always does. */
int mapping_add_missing(struct mapping *mapping, const char *text);
/* Formats of times (tendon_plugin.h, time_parse), tried in this order; none: RFC 3339. */
int mapping_add_format(struct mapping *mapping, const char *format);
void mapping_set_zone(struct mapping *mapping, const char *zone);
/* A further column, required, for rows that hold several times or answers; the first has index 0, the next 1.
 * 0 or -ENOSPC. */
int mapping_add_column(struct mapping *mapping, const char *column);

/* Finds the columns in the file that a record begins (file_changed): column(ctx, name) is the place of one,
 * or −1. The name of a required column that is not there, or NULL. */
const char *mapping_bind(struct mapping *mapping, int (*column)(void *ctx, const char *name), void *ctx);

/* The same for records that come from no file: field i has the name names[i]. */
void mapping_bind_names(struct mapping *mapping, const char *const *names, uint32_t n);

/* The text of a slot in a record, without blanks around it. False when it is missing. */
bool mapping_text(struct mapping *mapping, const struct tendon_record *record, int slot,
                  struct mapping_string *ret);
/* A time, in ms. 1, 0 when it is missing, -EINVAL when it is none. */
int mapping_time(struct mapping *mapping, const struct tendon_record *record, int slot, int64_t *ret_ms);
/* The same of a further column. */
bool mapping_column_text(const struct mapping *mapping, const struct tendon_record *record, uint32_t index,
                         struct mapping_string *ret);
int mapping_column_time(struct mapping *mapping, const struct tendon_record *record, uint32_t index,
                        int64_t *ret_ms);
/* Text as a time. 0 or -EINVAL. */
int mapping_parse_time(struct mapping *mapping, struct mapping_string text, int64_t *ret_ms);

#endif
