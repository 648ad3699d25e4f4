#include "plugins/host/file/known.h"

#include "proto/tendon_plugin.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define VERSION 1

_Static_assert(KNOWN_HEAD_BYTES + KNOWN_FILES * KNOWN_BYTES <= TENDON_FILE_POSITION_BYTES,
               "a position must fit into its room");

/* The order of files: by their last change, then by inode. */
static bool earlier(int64_t left_ns, uint64_t left, int64_t right_ns, uint64_t right)
{
    return left_ns != right_ns ? left_ns < right_ns : left < right;
}

bool known_after(const struct known *known, int64_t changed_ns, uint64_t inode)
{
    return earlier(known->before_ns, known->before_inode, changed_ns, inode);
}

struct known_file *known_find(struct known *known, uint64_t inode)
{
    for (uint32_t i = 0; i < known->n_files; i++)
        if (known->files[i].inode == inode)
            return &known->files[i];
    return NULL;
}

struct known_file *known_add(struct known *known, uint64_t inode, uint64_t keep)
{
    struct known_file *file = known_find(known, inode);

    if (file)
        return file;
    if (known->n_files < KNOWN_FILES) {
        file = &known->files[known->n_files++];
    } else {
        for (uint32_t i = 0; i < KNOWN_FILES; i++)
            if (known->files[i].inode != keep &&
                (!file ||
                 earlier(known->files[i].changed_ns, known->files[i].inode, file->changed_ns, file->inode)))
                file = &known->files[i];
        if (known_after(known, file->changed_ns, file->inode)) {
            known->before_ns = file->changed_ns;
            known->before_inode = file->inode;
        }
    }
    *file = (struct known_file){.inode = inode, .seen = true};
    return file;
}

void known_sweep(struct known *known)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < known->n_files; i++)
        if (known->files[i].seen)
            known->files[n++] = known->files[i];
    known->n_files = n;
}

static uint8_t *put(uint8_t *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to, &value, sizeof(value));
    return to + sizeof(value);
}

static const uint8_t *get(const uint8_t *from, uint64_t *ret)
{
    uint64_t value;

    memcpy(&value, from, sizeof(value));
    *ret = le64toh(value);
    return from + sizeof(value);
}

size_t known_write(const struct known *known, uint8_t *room)
{
    uint8_t *to = room;

    *to++ = VERSION;
    *to++ = (uint8_t)known->n_files;
    to = put(to, (uint64_t)known->before_ns);
    to = put(to, known->before_inode);
    for (uint32_t i = 0; i < known->n_files; i++) {
        const struct known_file *file = &known->files[i];

        to = put(to, file->inode);
        to = put(to, (uint64_t)file->changed_ns);
        to = put(to, file->offset);
        to = put(to, file->hash);
        to = put(to, file->line);
        to = put(to, file->size);
        *to++ = (uint8_t)file->state;
    }
    return to - room;
}

int known_read(struct known *known, const void *position, size_t size)
{
    const uint8_t *from = position;
    struct known read = {0};
    uint64_t number;

    if (size < KNOWN_HEAD_BYTES || from[0] != VERSION || from[1] > KNOWN_FILES ||
        size != KNOWN_HEAD_BYTES + (size_t)from[1] * KNOWN_BYTES)
        return -EINVAL;
    read.n_files = from[1];
    from = get(from + 2, &number);
    read.before_ns = (int64_t)number;
    from = get(from, &read.before_inode);
    for (uint32_t i = 0; i < read.n_files; i++) {
        struct known_file *file = &read.files[i];

        from = get(from, &file->inode);
        from = get(from, &number);
        file->changed_ns = (int64_t)number;
        from = get(from, &file->offset);
        from = get(from, &file->hash);
        from = get(from, &file->line);
        from = get(from, &file->size);
        if (*from > KNOWN_DONE)
            return -EINVAL;
        file->state = *from++;
    }
    *known = read;
    return 0;
}
