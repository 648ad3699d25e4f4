/* The skeleton of a plugin: what `tendon plugin new` writes. The files are those of plugins/template, which
 * are built and tested here, with the plugin's name in the place of "template". */
#ifndef TENDON_TOOLS_SKELETON_H
#define TENDON_TOOLS_SKELETON_H

#include "core/base/error.h"

#include <stdbool.h>

/* "file", "http", "push"; ends with NULL. */
extern const char *const SKELETON_KINDS[];

/* [a-z][a-z0-9-]*, at most 32: what a plugin may be called. */
bool skeleton_name_valid(const char *name);

/* Makes the folder, which must not be there, and writes the files into it. Code skeleton. */
int skeleton_write(const char *folder, const char *name, const char *kind, struct error *err);

#endif
