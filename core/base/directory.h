/* Directories that only the daemon may look into. */
#ifndef TENDON_BASE_DIRECTORY_H
#define TENDON_BASE_DIRECTORY_H

#include "core/base/error.h"

/* Makes the directory when missing (its parents too, those as the umask says) and sees to it that it belongs
 * to this process's user and has mode 0700. Code: directory. */
int directory_make(const char *path, struct error *err);

/* Removes a directory and the files in it, durable before it returns; one that is not there is removed
 * already. One with directories in it is left as it is: -ENOTEMPTY. Code: directory. */
int directory_remove(const char *path, struct error *err);

/* Writes a directory's own entries to disk: a file just made in it survives a power loss. */
int directory_sync(const char *path);

#endif
