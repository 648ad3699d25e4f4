#include "tools/skeleton.h"

#include "skeleton_files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORD     "template"
#define REPLAY   "@REPLAY@"
#define HAS_TAPE "'--replay', files('test/tape.ndjson')"

const char *const SKELETON_KINDS[] = {"file", "http", "push", NULL};

/* From the templates to the skeleton. %s in a source is the kind, in a target the plugin's name. */
static const struct {
    const char *source, *target;
    const char *kinds; /* that have it */
    mode_t mode;
} FILES[] = {
    {"skeleton.build", "meson.build", "file http push", 0644},
    {"skeleton.gitignore", ".gitignore", "file http push", 0644},
    {"skeleton.md", "README.md", "file http push", 0644},
    {"%s.c", "%s.c", "file http push", 0644},
    {"test-%s/options.json", "test/options.json", "file http push", 0644},
    {"test-%s/expected.ndjson", "test/expected.ndjson", "file http push", 0644},
    {"test-%s/input.csv", "test/input.csv", "file", 0644},
    {"test-%s/tape.ndjson", "test/tape.ndjson", "http push", 0644},
    {"test-%s/token", "test/token", "http", 0600},
    {"test-%s/secret", "test/secret", "push", 0600},
};

bool skeleton_name_valid(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= 32 && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static const char *find_text(const char *name)
{
    for (size_t i = 0; i < sizeof(EMBEDDED) / sizeof(*EMBEDDED); i++)
        if (strcmp(EMBEDDED[i].name, name) == 0)
            return EMBEDDED[i].text;
    return NULL;
}

static void put_text(FILE *out, const char *text, const char *name, const char *kind)
{
    while (*text) {
        if (strncmp(text, WORD, strlen(WORD)) == 0) {
            (void)fputs(name, out);
            text += strlen(WORD);
        } else if (strncmp(text, REPLAY, strlen(REPLAY)) == 0) {
            (void)fputs(strcmp(kind, "file") == 0 ? "" : HAS_TAPE, out);
            text += strlen(REPLAY);
        } else {
            (void)putc(*text++, out);
        }
    }
}

static int write_file(const char *folder, size_t i, const char *name, const char *kind, struct error *err)
{
    char source[PATH_MAX], target[PATH_MAX], path[PATH_MAX];
    /* Neither has more than one place for a word. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(source, sizeof(source), FILES[i].source, kind);
    (void)snprintf(target, sizeof(target), FILES[i].target, name);
#pragma GCC diagnostic pop
    const char *text = find_text(source);
    if (!text || snprintf(path, sizeof(path), "%s/%s", folder, target) >= (int)sizeof(path))
        return error_set(err, -EINVAL, "skeleton", "the path of %s is too long", target);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILES[i].mode);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out)
        put_text(out, text, name, kind);
    else if (fd >= 0)
        (void)close(fd);
    if (!out || fclose(out) != 0)
        return error_set(err, -errno, "skeleton", "cannot write %s: %s", path, strerror(errno));
    return 0;
}

int skeleton_write(const char *folder, const char *name, const char *kind, struct error *err)
{
    char test[PATH_MAX];
    if (snprintf(test, sizeof(test), "%s/test", folder) >= (int)sizeof(test))
        return error_set(err, -ENAMETOOLONG, "skeleton", "the name of the folder is too long");
    if (mkdir(folder, 0777) < 0 || mkdir(test, 0777) < 0) {
        int r = error_set(err, -errno, "skeleton", "cannot make the folder %s: %s", folder, strerror(errno));
        if (r == -EEXIST)
            error_hint(err, "name another with --folder; nothing that is there is written over");
        return r;
    }
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(FILES) / sizeof(*FILES); i++)
        if (strstr(FILES[i].kinds, kind))
            r = write_file(folder, i, name, kind, err);
    return r;
}
