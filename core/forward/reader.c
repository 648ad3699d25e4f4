#include "core/forward/reader.h"

void forward_reader_init(struct forward_reader *r, const struct store *store, struct store_outlet *outlet,
                         const struct outlet_cursor *at)
{
    *r = (struct forward_reader){.outlet = outlet};
    form_writer_init(&r->writer, store);
    form_writer_begin(&r->writer, at);
}

void forward_reader_fini(struct forward_reader *r)
{
    form_writer_fini(&r->writer);
    *r = (struct forward_reader){0};
}

const struct form_parcel *forward_reader_parcel(const struct forward_reader *r, const void **ret_bytes)
{
    if (r->next >= r->writer.n_parcels)
        return NULL;
    const struct form_parcel *p = &r->writer.parcels[r->next];
    *ret_bytes = r->writer.out.data + p->offset;
    return p;
}

void forward_reader_taken(struct forward_reader *r)
{
    r->next++;
}

/* One read; what it left half done goes when it fails. */
static int read_on(struct forward_reader *r, struct store *store, struct error *err)
{
    struct form_writer *w = &r->writer;
    const struct form_writer before = *w;
    struct outlet_sink sink = form_writer_sink(w);
    int result = store_outlet_read(store, r->outlet, &sink, err);
    if (result == 0 && form_writer_end(w) < 0)
        result = error_set(err, -ENOMEM, "no_memory", "out of memory for what is read of the store");
    if (result < 0) {
        struct form_writer after = *w;
        *w = before;
        w->out = after.out;
        w->out.size = before.out.size;
        w->out.failed = false;
        w->parcels = after.parcels;
        w->capacity = after.capacity;
    }
    return result;
}

int forward_reader_fill(struct forward_reader *r, struct store *store, struct error *err)
{
    if (r->next < r->writer.n_parcels)
        return 1;
    form_writer_next(&r->writer);
    r->next = 0;
    int result = read_on(r, store, err);
    return result == 0 ? r->writer.n_parcels > 0 : result;
}
