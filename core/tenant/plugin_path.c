#include "core/tenant/plugin_path.h"

#include "core/base/buffer.h"
#include "core/base/nearest.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRIES_MAX 10000 /* of one directory, looked at for a hint */

/* The nearest plugin of one directory; its name goes to room, which near->best then points at. */
static void offer_directory(const char *directory, struct nearest *near, char room[NEAREST_BYTES + 1])
{
    DIR *d = opendir(directory);
    struct dirent *entry;
    for (int i = 0; d && i < ENTRIES_MAX && (entry = readdir(d)); i++) {
        char name[NEAREST_BYTES + 1];
        size_t n = strlen(entry->d_name);
        if (n <= 3 || n - 3 > NEAREST_BYTES || strcmp(entry->d_name + n - 3, ".so") != 0)
            continue;
        memcpy(name, entry->d_name, n - 3);
        name[n - 3] = '\0';
        const char *before = near->best;
        unsigned distance = near->distance;
        nearest_offer(near, name);
        if (near->best != before || near->distance != distance) {
            memcpy(room, name, sizeof(name));
            near->best = room;
        }
    }
    if (d)
        (void)closedir(d);
}

static int not_found(const struct config_texts *path, const char *name, struct error *err)
{
    struct nearest near;
    char room[NEAREST_BYTES + 1];
    struct buffer looked;
    nearest_init(&near, name, strlen(name));
    buffer_init(&looked, 256);
    for (size_t i = 0; i < path->n; i++) {
        offer_directory(path->at[i], &near, room);
        buffer_printf(&looked, "%s%s", i ? ", " : "", path->at[i]);
    }
    buffer_append(&looked, "", 1);
    error_set(err, -ENOENT, "unknown_plugin", "there is no plugin \"%s\" in plugin_path", name);
    if (near.best)
        error_hint(err, "did you mean \"%s\"?", near.best);
    else
        error_hint(err, "looked for %s.so in %s", name,
                   buffer_failed(&looked) ? "all of its directories" : (const char *)looked.data);
    buffer_fini(&looked);
    return -ENOENT;
}

int plugin_path_find(const struct config_texts *path, const char *name, char room[PATH_MAX],
                     struct error *err)
{
    struct stat st;
    if (config_name_valid(name))
        for (size_t i = 0; i < path->n; i++) {
            int n = snprintf(room, PATH_MAX, "%s/%s.so", path->at[i], name);
            if (n < PATH_MAX && stat(room, &st) == 0 && S_ISREG(st.st_mode))
                return 0;
        }
    return not_found(path, name, err);
}
