/* Files that hold a secret: made with mode 0600, and not read when others may. */
#ifndef TENDON_TOOLS_SECRET_FILE_H
#define TENDON_TOOLS_SECRET_FILE_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Writes a new file; one that is there is never overwritten. The bytes are on disk when it returns. */
int secret_file_write(const char *path, const char *text, size_t n, struct error *err);
/* Reads at most size - 1 bytes and puts a NUL behind them; is_secret: nobody but its owner may read it. */
int secret_file_read(const char *path, bool is_secret, char *room, size_t size, struct error *err);

#endif
