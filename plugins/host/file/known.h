/* Which files were read how far: the position that a plugin's cursor holds.
 *
 * Files are known by inode, not by name: a renamed file is the same, a new file of an old name another. The
 * table is small and fixed; the file that was left alone longest is forgotten first, and `before` remembers
 * that everything up to it in the order of (last change, inode) was read (ctime, which no copying or renaming
 * carries along, is what "change" means). A file forgotten and changed again is read again from its
 * beginning. */
#ifndef TENDON_HOST_FILE_KNOWN_H
#define TENDON_HOST_FILE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KNOWN_FILES      60
#define KNOWN_BYTES      49 /* of one file in a position */
#define KNOWN_HEAD_BYTES 18

enum known_state {
    KNOWN_MORE, /* it was being read */
    KNOWN_TAIL, /* read to its end, where something without a line end waits for the rest */
    KNOWN_DONE  /* read to its end */
};

/* One file. */
struct known_file {
    uint64_t inode;
    int64_t changed_ns; /* its ctime when it was looked at last */
    uint64_t offset;    /* everything before was given out */
    uint64_t hash;      /* text_hash there */
    uint64_t line;      /* line ends before it */
    uint64_t size;      /* of the file then, bytes */
    enum known_state state;
    bool seen; /* in the last look at the folder; no part of a position */
};

struct known {
    int64_t before_ns; /* a change, and */
    uint64_t before_inode;
    uint32_t n_files;
    struct known_file files[KNOWN_FILES];
};

/* Whether a change of a file lies behind everything that was forgotten. */
bool known_after(const struct known *known, int64_t changed_ns, uint64_t inode);
struct known_file *known_find(struct known *known, uint64_t inode); /* or NULL */
/* The file's entry, made when there is none, by forgetting the one that changed longest ago, never `keep`. */
struct known_file *known_add(struct known *known, uint64_t inode, uint64_t keep);
/* Drops the files that were not seen. */
void known_sweep(struct known *known);

/* A position, of at most KNOWN_HEAD_BYTES + KNOWN_FILES × KNOWN_BYTES bytes; returns its size. */
size_t known_write(const struct known *known, uint8_t *room);
int known_read(struct known *known, const void *position, size_t size); /* 0 or -EINVAL */

#endif
