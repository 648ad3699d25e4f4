/* Where plugins lie: NAME.so in the directories of `plugin_path`, looked through in order. */
#ifndef TENDON_TENANT_PLUGIN_PATH_H
#define TENDON_TENANT_PLUGIN_PATH_H

#include "core/base/config_table.h"
#include "core/base/error.h"

#include <limits.h>

/* The path of a plugin's file. -ENOENT unknown_plugin, with the nearest name there is or where it was looked
 * for. Reads directories: not for a socket thread. */
int plugin_path_find(const struct config_texts *path, const char *name, char room[PATH_MAX],
                     struct error *err);

#endif
