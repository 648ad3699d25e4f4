/* What a shared object exports and what it lacks, by its ELF tables: nothing of it is run. */
#ifndef TENDON_HOST_CONFORM_OBJECT_H
#define TENDON_HOST_CONFORM_OBJECT_H

#include "core/base/error.h"

/* The names are called for: exported says whether it is defined here, or an undefined one that no library
 * which the object names has to bring (its version names none, and only the C library is needed). Code
 * bad_plugin for what is no shared object of this machine. */
int object_read(const char *path, void (*symbol)(void *ctx, const char *name, int exported), void *ctx,
                struct error *err);

#endif
