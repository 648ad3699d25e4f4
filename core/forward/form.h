/* The form in which a store travels: from a site's collector to a central one (FORWARD), and into a file that
 * `tendon tenant export` writes. tendon-forward(5) is its manual.
 *
 * It goes in parcels: each stands for itself, is at most FORM_PARCEL_BYTES, and is one msgpack array after
 * the other, the first element of which says what it is. Strings are strings and hashes are the store's own,
 * as bin: no number of a dictionary travels. Writing is the committer's (it reads the store); reading is a
 * pure function of the bytes, any thread's. */
#ifndef TENDON_FORWARD_FORM_H
#define TENDON_FORWARD_FORM_H

#include "core/base/buffer.h"
#include "core/store/inlet.h"
#include "core/store/outlet.h"
#include "proto/event.h"

#define FORM_VERSION      1
#define FORM_PARCEL_BYTES (240 * 1024) /* a FORWARD message has room for it */
#define FORM_RECORD_BYTES (4 << 20)    /* a reference row or calendar; one such may make a parcel larger */

/* X(NAME, number) The first element of an array. */
#define FORM_ENTRIES(X)                                                                                      \
    X(HEAD, 0) /* version, whether what was there before comes again, FACT_VERSION, hash of a constant under \
                * the tenant's key */                                                                        \
    X(SOURCE, 1)   /* a source as it is now */                                                               \
    X(RECORD, 2)   /* a version of a site, team or calendar */                                               \
    X(CALENDAR, 3) /* a version of a calendar that is gone */                                                \
    X(SUBJECT, 4)  /* whose events come next */                                                              \
    X(ORIGIN, 5)   /* of which source they are */                                                            \
    X(EVENT, 6)                                                                                              \
    X(LEFT, 7)  /* a ticket that has left the log */                                                         \
    X(FACTS, 8) /* and its facts */

enum form_entry {
#define X(name, number) FORM_##name = number,
    FORM_ENTRIES(X)
#undef X
};

/* --- writing --- */

/* One parcel, and where a reader goes on behind it. */
struct form_parcel {
    size_t offset, size;
    struct outlet_cursor next;
};

/* Makes parcels of what an outlet gives. */
struct form_writer {
    const struct store *store;
    struct buffer out;           /* the parcels, one after the other */
    struct form_parcel *parcels; /* finished ones */
    size_t n_parcels, capacity;
    size_t start;                /* of the one that is being written */
    struct outlet_cursor marked; /* all before this is in */
    bool has_entries, is_again;
    /* what the last entries of this parcel said */
    uint64_t hash;
    bool has_subject, has_origin;
    char origin[STORE_NAME_BYTES + 1];
    uint32_t generation;
};

void form_writer_init(struct form_writer *w, const struct store *store);
void form_writer_fini(struct form_writer *w);
/* Forgets all; `at` is where the outlet is. */
void form_writer_begin(struct form_writer *w, const struct outlet_cursor *at);
/* Forgets the finished parcels; the one that is being written goes on. */
void form_writer_next(struct form_writer *w);
/* What store_outlet_read gives to. */
struct outlet_sink form_writer_sink(struct form_writer *w);
/* Ends the last parcel. 0 or negative errno. */
int form_writer_end(struct form_writer *w);

/* --- reading --- */

/* What a parcel has to fit. */
struct form_rules {
    const struct event_schema *schema; /* its declared dimensions */
    const uint8_t *key_check;          /* of the tenant's key; NULL: not looked at */
    int64_t now;                       /* ms; 0: events may be of any time ahead */
};

struct form_read; /* a parcel read, with the memory it needs; used again */

struct form_read *form_read_new(void); /* NULL: no memory */
void form_read_free(struct form_read *f);
/* Reads one parcel: *ret points into the bytes and into f. Codes of what is refused: malformed, form_version,
 * facts_version, wrong_key, undeclared_dimension, and event_reject_code of a value that cannot be. -EBADMSG,
 * -EPERM, -ENOMEM. */
int form_read(struct form_read *f, const void *data, size_t size, const struct form_rules *rules,
              const struct inlet_parcel **ret, struct error *err);

/* A cursor as bytes, and back: 0 or -EBADMSG. Empty is the beginning. */
#define FORM_CURSOR_BYTES 64
size_t form_cursor_write(const struct outlet_cursor *c, uint8_t ret[FORM_CURSOR_BYTES]);
int form_cursor_read(const void *data, size_t size, struct outlet_cursor *ret);

/* Columns of facts that are numbers of a dictionary: of this field; -1: it is a number. */
int form_fact_field(unsigned table, unsigned column);

#endif
