#include "tools/tenant_file.h"

#include "core/base/document.h"
#include "core/store/db.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

enum { HEAD_BYTES = 12, VALUES_MAX = 100000 };

/* --- writing --- */

static int put(struct tenant_writer *w, const void *data, size_t size, struct error *err)
{
    if (fwrite(data, 1, size, w->out) != size)
        return error_set(err, -EIO, "file", "the file cannot be written: %s", strerror(errno));
    w->n_bytes += size;
    return 0;
}

static int put_frame(struct tenant_writer *w, const void *bytes, size_t size, struct error *err)
{
    uint8_t head[HEAD_BYTES];
    if (size > TENANT_FRAME_MAX)
        return error_set(err, -EMSGSIZE, "file", "a part of the tenant is larger than %u MiB",
                         TENANT_FRAME_MAX >> 20);
    w->check = XXH3_64bits_withSeed(bytes, size, w->check);
    put_u32(head, (uint32_t)size);
    put_u64(head + 4, w->check);
    int r = put(w, head, sizeof(head), err);
    return r < 0 ? r : put(w, bytes, size, err);
}

static int put_document(struct tenant_writer *w, const json_t *document, struct error *err)
{
    struct buffer b;
    buffer_init(&b, TENANT_FRAME_MAX);
    int r = document ? document_encode(document, &b) : -ENOMEM;
    r = r < 0 ? error_set(err, r, "no_memory", "out of memory for the file")
              : put_frame(w, b.data, b.size, err);
    buffer_fini(&b);
    return r;
}

int tenant_writer_begin(struct tenant_writer *w, FILE *out, const json_t *head, struct error *err)
{
    *w = (struct tenant_writer){.out = out};
    int r = put(w, TENANT_FILE_MAGIC, strlen(TENANT_FILE_MAGIC), err);
    return r < 0 ? r : put_document(w, head, err);
}

int tenant_writer_parcel(struct tenant_writer *w, const void *bytes, size_t size, struct error *err)
{
    w->n_parcels++;
    return put_frame(w, bytes, size, err);
}

int tenant_writer_end(struct tenant_writer *w, struct error *err)
{
    json_t *end = json_pack("{s:I}", "end", (json_int_t)w->n_parcels);
    int r = put_document(w, end, err);
    json_decref(end);
    if (r == 0 && fflush(w->out) != 0)
        r = error_set(err, -EIO, "file", "the file cannot be written: %s", strerror(errno));
    return r;
}

/* --- reading --- */

static int damaged(const struct tenant_reader *r, const char *how, struct error *err)
{
    (void)error_set(err, -EBADMSG, "damaged", "%s is not as it was written: %s", r->path, how);
    error_hint(err, "copy it again from where it was exported, or export again");
    return -EBADMSG;
}

/* The next frame into r->frame. */
static int get_frame(struct tenant_reader *r, struct error *err)
{
    uint8_t head[HEAD_BYTES];
    if (fread(head, 1, sizeof(head), r->in) != sizeof(head))
        return ferror(r->in) ? error_set(err, -EIO, "file", "%s cannot be read: %s", r->path, strerror(errno))
                             : damaged(r, "it ends in the middle", err);
    uint32_t size = get_u32(head);
    if (size == 0 || size > TENANT_FRAME_MAX)
        return damaged(r, "a frame has no size that it could have", err);
    buffer_clear(&r->frame);
    void *room = buffer_extend(&r->frame, size);
    if (!room)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for the file");
    if (fread(room, 1, size, r->in) != size)
        return damaged(r, "it ends in the middle", err);
    r->check = XXH3_64bits_withSeed(room, size, r->check);
    return r->check == get_u64(head + 4) ? 0
                                         : damaged(r, "some bytes are others, or frames are missing", err);
}

static bool is_map(const struct buffer *b)
{
    uint8_t first = b->data[0];
    return (first & 0xf0) == 0x80 || first == 0xde || first == 0xdf;
}

int tenant_reader_begin(struct tenant_reader *r, FILE *in, const char *path, struct error *err)
{
    char magic[sizeof(TENANT_FILE_MAGIC)] = "";
    size_t size = strlen(TENANT_FILE_MAGIC), n_name = strcspn(TENANT_FILE_MAGIC, " ");
    *r = (struct tenant_reader){.in = in, .path = path};
    buffer_init(&r->frame, TENANT_FRAME_MAX);
    if (fread(magic, 1, size, in) != size || memcmp(magic, TENANT_FILE_MAGIC, n_name + 1) != 0) {
        (void)error_set(err, -EINVAL, "not_an_export", "%s is no file of tendon tenant export", path);
        return -EINVAL;
    }
    if (memcmp(magic, TENANT_FILE_MAGIC, size) != 0) {
        (void)error_set(err, -EPROTO, "form_version",
                        "%s is of another version of the form than this tendon reads", path);
        error_hint(err, "import it with the tendon that exported it");
        return -EPROTO;
    }
    int r_ = get_frame(r, err);
    if (r_ == 0 &&
        (!is_map(&r->frame) || document_decode(r->frame.data, r->frame.size, VALUES_MAX, &r->head, err) < 0))
        r_ = damaged(r, "it has no head", err);
    return r_;
}

void tenant_reader_fini(struct tenant_reader *r)
{
    buffer_fini(&r->frame);
    json_decref(r->head);
    *r = (struct tenant_reader){0};
}

int tenant_reader_next(struct tenant_reader *r, struct error *err)
{
    json_t *end = NULL;
    int result = r->is_end ? 0 : get_frame(r, err);
    if (result < 0 || r->is_end)
        return result;
    if (!is_map(&r->frame)) {
        r->n_parcels++;
        return 1;
    }
    result = document_decode(r->frame.data, r->frame.size, VALUES_MAX, &end, err);
    if (result == 0 && json_integer_value(json_object_get(end, "end")) != (json_int_t)r->n_parcels)
        result = damaged(r, "frames are missing", err);
    else if (result == 0 && fgetc(r->in) != EOF)
        result = damaged(r, "something stands behind its end", err);
    json_decref(end);
    r->is_end = result == 0;
    return result;
}
