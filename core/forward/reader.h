/* A store read as parcels, one after the other, for a file or another collector: an outlet and a writer of
 * the form. The committer's, but the bytes of a parcel stay until the next read. */
#ifndef TENDON_FORWARD_READER_H
#define TENDON_FORWARD_READER_H

#include "core/forward/form.h"

struct forward_reader {
    struct form_writer writer;
    struct store_outlet *outlet; /* not its own */
    size_t next;                 /* parcel of what the writer has */
};

void forward_reader_init(struct forward_reader *r, const struct store *store, struct store_outlet *outlet,
                         const struct outlet_cursor *at);
void forward_reader_fini(struct forward_reader *r);

/* Reads on in the store where no parcel is left: 1: forward_reader_parcel has one, or there is more to read;
 * 0: nothing at the moment. Negative with err: the same again next time. */
int forward_reader_fill(struct forward_reader *r, struct store *store, struct error *err);

/* The next parcel, or NULL: fill. */
const struct form_parcel *forward_reader_parcel(const struct forward_reader *r, const void **ret_bytes);
void forward_reader_taken(struct forward_reader *r);

#endif
