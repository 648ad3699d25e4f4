/* What there is to read: the files of a folder, or the one file, that changed since they were looked at.
 *
 * One look fills a list, oldest change first, of at most FOLDER_FILES names; what is beyond comes with the
 * next look. */
#ifndef TENDON_HOST_FILE_FOLDER_H
#define TENDON_HOST_FILE_FOLDER_H

#include "plugins/host/file/known.h"

#define FOLDER_FILES 256

struct folder_file {
    uint64_t inode;
    int64_t changed_ns;
    uint64_t size;
    bool last; /* left alone for the settling time: what lies at its end counts as finished */
    char name[256];
};

struct folder {
    uint32_t n_files, at;
    struct folder_file files[FOLDER_FILES];
};

/* Looks at path. settle_ms as in struct tendon_file_options, already defaulted. 0, also when path is not
 * there; -errno when it cannot be looked at. */
int folder_look(struct folder *folder, const char *path, const char *pattern, int64_t settle_ms,
                struct known *known);

#endif
