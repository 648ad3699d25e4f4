/* The file of `tendon tenant export`: a tenant in frames that say if anything of it is not as it was written.
 *
 * It begins with TENANT_FILE_MAGIC; then, one after the other: size u32 and check u64, both with the highest
 * byte first, and so many bytes. The check is XXH3-64 of the bytes with the check of the frame before as its
 * seed (the first: 0), so that none can be missing, changed or moved. The first frame is the head, a msgpack
 * map; then come parcels of the form (tendon-forward(5)); the last is a map {"end": number of parcels}. One
 * thread. */
#ifndef TENDON_TOOLS_TENANT_FILE_H
#define TENDON_TOOLS_TENANT_FILE_H

#include "core/base/buffer.h"
#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TENANT_FILE_MAGIC "tendon-tenant 1\n"
#define TENANT_FRAME_MAX  (8u << 20)

struct tenant_writer {
    FILE *out; /* not its own */
    uint64_t check, n_parcels, n_bytes;
};

int tenant_writer_begin(struct tenant_writer *w, FILE *out, const json_t *head, struct error *err);
int tenant_writer_parcel(struct tenant_writer *w, const void *bytes, size_t size, struct error *err);
int tenant_writer_end(struct tenant_writer *w, struct error *err);

struct tenant_reader {
    FILE *in; /* not its own */
    const char *path;
    uint64_t check, n_parcels;
    struct buffer frame;
    json_t *head;
    bool is_end;
};

/* Reads the head. Codes: file, not_an_export, form_version, damaged. */
int tenant_reader_begin(struct tenant_reader *r, FILE *in, const char *path, struct error *err);
void tenant_reader_fini(struct tenant_reader *r);
/* 1: the next parcel is in r->frame; 0: that was all, and nothing is missing. Code damaged otherwise. */
int tenant_reader_next(struct tenant_reader *r, struct error *err);

#endif
