/* Taking what another store gave (outlet.h): the other side of exporting and forwarding.
 *
 * A parcel is a part of it. Taking one again changes nothing, in whatever order with others of the same
 * stretch: events that are there are duplicates, sources and rows are as they were last said to be, a source
 * whose generation went up is reset first. The values of events are not checked again; that their shape is
 * right is the matter of who decoded them (core/forward/form.h).
 *
 * From a site: names of its sources and namespaces get the site's and a slash in front, and the hashes of its
 * tickets and respondents are hashed once more, with the site's name: two sites, and the collector's own
 * sources, share no ticket whatever their namespaces are called. */
#ifndef TENDON_STORE_INLET_H
#define TENDON_STORE_INLET_H

#include "core/store/store.h"

struct inlet_source {
    struct store_source record;
    const void *sealed; /* its cursor; NULL: the one that is there stays */
    size_t sealed_size;
};

struct inlet_event {
    uint64_t hash, id, ref;
    int64_t at;
    uint32_t seq;
    uint8_t type;
    bool is_loose;
    uint16_t namespace, source; /* places in the parcel's names and origins */
    uint32_t first_value, n_values;
};

struct inlet_origin {
    char name[STORE_NAME_BYTES + 1];
    uint32_t generation;
};

struct inlet_left {
    uint64_t stored; /* as outlet_left */
    bool is_erased;
    uint32_t day;
    uint32_t n_before; /* so many of the parcel's events come before it: subjects keep their order */
};

/* Frozen facts of one subject. Numbers of the sender's dictionary are strings here, in the order of the rows:
 * each column or dimension that is one has a place in values. */
struct inlet_facts {
    uint64_t stored;
    uint32_t piece; /* the how manieth of the subject's, from 0 */
    uint16_t namespace;
    uint32_t first_row, n_rows;
};
struct inlet_string { /* fills one number of one row in */
    uint32_t row;
    uint8_t column; /* FACT_… or FACT_DIMENSION(set, field) */
    uint8_t field;  /* of which dictionary */
    struct wire_string string;
};

struct inlet_record { /* of reference tables, in order */
    const void *data; /* NULL: a version of a calendar is gone */
    size_t size;
    char calendar[EVENT_CODE_BYTES + 1];
    int64_t valid_from;
};

struct inlet_parcel {
    bool is_again; /* part of what was there when the reader began: what has left the log here stays away */
    struct inlet_source *sources;
    struct inlet_record *records;
    char (*names)[STORE_NAME_BYTES + 1];
    struct inlet_origin *origins;
    struct inlet_event *events;
    struct wire_value *values;
    struct inlet_left *left;
    struct inlet_facts *facts;
    struct fact_row *rows;
    struct inlet_string *strings;
    size_t n_sources, n_records, n_names, n_origins, n_events, n_values, n_left, n_facts, n_rows, n_strings;
};

/* Where it comes from, kept with it in one transaction. */
struct inlet_site {
    const char *name;   /* "": an import */
    uint64_t seq;       /* must be the site's last_seq + 1: the caller has looked. Unused for imports */
    const void *cursor; /* of the other store's reader */
    size_t cursor_size;
};

struct inlet_taken {
    uint64_t n_accepted, n_duplicates;
};

/* Takes a parcel whole, or nothing of its events. What the store refuses it refuses with -EPERM and a code of
 * why: frozen, erased, ticket_full, dimension_full, name_too_long; others as store_commit. */
int store_take(struct store *s, const struct inlet_site *site, const struct inlet_parcel *parcel,
               struct inlet_taken *ret, struct error *err);

/* What the hash of a ticket (or respondent) of a site is here. */
uint64_t store_site_hash(const struct store *s, const char *site, uint64_t hash);

#endif
