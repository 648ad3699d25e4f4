#include "plugins/host/file/service.h"

#include "plugins/host/file/folder.h"
#include "plugins/host/file/record.h"
#include "plugins/host/file/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLE_MS 5000

struct tendon_file {
    enum tendon_file_format format;
    enum encoding encoding;
    char separator;
    bool has_header;
    int64_t settle_ms;
    char *path;
    char *pattern;

    struct known known;
    struct folder folder;
    struct record *record;

    /* the file that is being read; text is NULL when there is none */
    struct text *text;
    struct folder_file now; /* as it was when it was opened */
    bool drained;           /* it has been replaced: this is its end */
    uint64_t line;          /* line ends before the text's place */
    bool first;             /* no record was given out since it was opened */
    bool gave_last;         /* the record without a line end was given out */
    bool discarding;        /* within a line that is too long */
    bool resuming;          /* on the way to the place in `resume` */
    struct known_file resume;
    char **columns;
    uint32_t n_columns;

    /* `path` when it is one file: kept open, to read what was written before it was replaced */
    int held;
    uint64_t held_inode;
};

static void columns_free(struct tendon_file *file)
{
    for (uint32_t i = 0; i < file->n_columns; i++)
        free(file->columns[i]);
    free(file->columns);
    file->columns = NULL;
    file->n_columns = 0;
}

static int columns_set(struct tendon_file *file, const struct record *record)
{
    columns_free(file);
    file->columns = calloc(record->n_fields, sizeof(*file->columns));
    if (!file->columns)
        return -ENOMEM;
    for (uint32_t i = 0; i < record->n_fields; i++) {
        const char *name = record->fields[i];
        size_t size = record->sizes[i];

        while (size > 0 && (*name == ' ' || *name == '\t'))
            name++, size--;
        while (size > 0 && (name[size - 1] == ' ' || name[size - 1] == '\t'))
            size--;
        file->columns[i] = strndup(name, size);
        if (!file->columns[i])
            return -ENOMEM;
        file->n_columns++;
    }
    return 0;
}

/* --- one file --------------------------------------------------------------------------------------------
 */

/* Writes how far the open file was read into its entry. */
static void file_note(struct tendon_file *file, enum known_state state)
{
    struct known_file *entry = known_find(&file->known, file->now.inode);

    if (!entry || !file->text || file->resuming)
        return;
    entry->changed_ns = file->now.changed_ns;
    entry->size = file->now.size;
    entry->offset = text_offset(file->text);
    entry->hash = text_hash(file->text);
    entry->line = file->line;
    entry->state = state;
}

/* Closes the open file: nothing more can be read of it now. */
static void file_leave(struct tendon_file *file)
{
    file_note(file, text_size(file->text) > 0 && !file->gave_last ? KNOWN_TAIL : KNOWN_DONE);
    text_free(file->text);
    file->text = NULL;
    if (file->drained && file->held >= 0) {
        close(file->held);
        file->held = -1;
    }
}

/* Reads what stands at the text's place, stepping over empty lines. RECORD_WHOLE, RECORD_BAD,
 * RECORD_UNFINISHED at the end of what is there, or a negative errno. The record is not consumed yet. */
static int file_record(struct tendon_file *file)
{
    for (;;) {
        bool last = false;
        int64_t n;
        int rc;

        if (file->discarding) {
            const char *text = text_data(file->text);
            const char *newline = memchr(text, '\n', text_size(file->text));

            text_consume(file->text, newline ? (size_t)(newline - text) + 1 : text_size(file->text));
            file->line += newline != NULL;
            file->discarding = !newline;
        }
        rc = file->discarding ? RECORD_UNFINISHED
                              : record_read(file->record, file->format, file->separator,
                                            text_data(file->text), text_size(file->text), false);
        if (rc == RECORD_UNFINISHED) {
            n = text_fill(file->text);
            if (n < 0 && n != -ENOBUFS)
                return (int)n;
            if (n > 0) {
                file->gave_last = false; /* it goes on: the whole line again */
                continue;
            }
            last = file->now.last || file->drained || text_ended(file->text);
            if (!last || text_size(file->text) == 0 || file->gave_last)
                return RECORD_UNFINISHED;
            rc = record_read(file->record, file->format, file->separator, text_data(file->text),
                             text_size(file->text), true);
            if (rc == RECORD_WHOLE || rc == RECORD_BAD)
                file->gave_last = file->record->n_text == text_size(file->text);
        }
        if (rc != RECORD_EMPTY)
            return rc;
        text_consume(file->text, file->record->n_text);
        file->line += file->record->n_lines;
    }
}

/* Steps over the record that file_record found. The one without a line end stays where it is, so that it is
 * read again when the file goes on with it. */
static void file_step(struct tendon_file *file)
{
    if (file->gave_last)
        return;
    text_consume(file->text, file->record->n_text);
    file->line += file->record->n_lines;
    file->discarding = file->record->n_lines == 0;
}

static int file_begin(struct tendon_file *file, int fd)
{
    if (lseek(fd, 0, SEEK_SET) < 0) {
        int rc = -errno;

        close(fd);
        return rc;
    }
    file->line = 0;
    file->gave_last = file->discarding = file->resuming = false;
    file->first = true;
    return text_new(fd, file->encoding, &file->text);
}

/* The first record names the columns. RECORD_WHOLE when it was there, RECORD_UNFINISHED, RECORD_BAD or an
 * errno. */
static int file_header(struct tendon_file *file)
{
    int rc = file_record(file);

    if (rc != RECORD_WHOLE)
        return rc;
    rc = columns_set(file, file->record);
    if (rc < 0)
        return rc;
    file_step(file);
    return RECORD_WHOLE;
}

/* Opens a descriptor's file from its beginning, or to be resumed where it was left. As file_header. */
static int file_open(struct tendon_file *file, int fd)
{
    const struct known_file *entry = known_find(&file->known, file->now.inode);
    struct known_file was = entry ? *entry : (struct known_file){0};
    int rc = file_begin(file, fd);

    known_add(&file->known, file->now.inode, file->now.inode);
    if (rc == 0)
        rc = file->has_header ? file_header(file) : RECORD_WHOLE;
    if (rc == RECORD_WHOLE && was.offset > text_offset(file->text)) {
        file->resume = was;
        file->resuming = true;
    }
    return rc;
}

/* Goes on to the place where the file was left. As text_resume, but 0 when the file has to be opened again,
 * as one that was shrunk or written anew. */
static int file_resume(struct tendon_file *file)
{
    int rc = text_resume(file->text, file->resume.offset, file->resume.hash);

    if (rc == -EAGAIN)
        return rc;
    file->resuming = false;
    if (rc == 1) {
        file->line = file->resume.line;
        return 1;
    }
    text_free(file->text);
    file->text = NULL;
    *known_add(&file->known, file->now.inode, file->now.inode) =
        (struct known_file){.inode = file->now.inode, .seen = true};
    return 0;
}

/* --- which file ------------------------------------------------------------------------------------------
 */

/* One file was replaced or removed while it was open: what was written to it since is still to be read. */
static bool replaced(struct tendon_file *file)
{
    const struct known_file *entry;
    struct stat held, st;

    if (file->held < 0)
        return false;
    if (stat(file->path, &st) == 0 && st.st_ino == file->held_inode)
        return false;
    entry = known_find(&file->known, file->held_inode);
    if (!entry || fstat(file->held, &held) < 0 ||
        ((uint64_t)held.st_size == entry->size && entry->state == KNOWN_DONE)) {
        close(file->held);
        file->held = -1;
        return false;
    }
    file->now = (struct folder_file){
        .inode = file->held_inode,
        .changed_ns = entry->changed_ns,
        .size = (uint64_t)held.st_size,
        .last = true,
    };
    return true;
}

static int open_now(struct tendon_file *file)
{
    size_t n_path = strlen(file->path);
    char path[4096 + 256 + 2];
    struct stat st;
    int fd;

    if (n_path > 4096)
        return -ENAMETOOLONG;
    memcpy(path, file->path, n_path + 1);
    if (file->now.name[0]) {
        path[n_path] = '/';
        memcpy(path + n_path + 1, file->now.name, strlen(file->now.name) + 1);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_ino != file->now.inode) {
        close(fd); /* another one by now: the next look finds it */
        return -ENOENT;
    }
    file->now.size = (uint64_t)st.st_size;
    file->now.changed_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
    if (!file->now.name[0]) {
        if (file->held >= 0)
            close(file->held);
        file->held = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        file->held_inode = file->now.inode;
    }
    return fd;
}

/* The name of the file being read, without folders. */
static const char *file_name(const struct tendon_file *file)
{
    const char *slash = strrchr(file->path, '/');

    if (file->now.name[0])
        return file->now.name;
    return slash ? slash + 1 : file->path;
}

static int fail(char *err, const char *what, int rc)
{
    snprintf(err, TENDON_ERROR_BYTES, "%s: %s", what, strerror(-rc));
    return TENDON_E_TEMPORARY;
}

static int problem(struct tendon_file *file, struct tendon_record *ret, const char *code)
{
    *ret = (struct tendon_record){.file = file_name(file), .line = file->line + 1, .problem = code};
    return TENDON_INVALID;
}

/* Opens the next file that has something to read. TENDON_OK, TENDON_IDLE when there is none, TENDON_INVALID
 * for one that cannot be read, TENDON_E_TEMPORARY. */
static int advance(struct tendon_file *file, bool *looked, struct tendon_record *ret, char *err)
{
    int fd, rc;

    file->drained = replaced(file);
    if (file->drained) {
        fd = fcntl(file->held, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return fail(err, "cannot read the replaced file to its end", -errno);
    } else {
        if (file->folder.at == file->folder.n_files) {
            if (*looked)
                return TENDON_IDLE;
            *looked = true;
            rc = folder_look(&file->folder, file->path, file->pattern, file->settle_ms, &file->known);
            if (rc < 0)
                return fail(err, "cannot look at path", rc);
            if (file->folder.n_files == 0)
                return TENDON_IDLE;
        }
        file->now = file->folder.files[file->folder.at++];
        fd = open_now(file);
        if (fd == -ENOENT)
            return TENDON_OK;
        if (fd < 0 && !file->now.name[0])
            return fail(err, "cannot open path", fd);
        if (fd < 0) { /* one file of many: the others go on, this one is tried again when it changed */
            struct known_file *entry = known_add(&file->known, file->now.inode, file->now.inode);

            *entry = (struct known_file){.inode = file->now.inode,
                                         .changed_ns = file->now.changed_ns,
                                         .size = file->now.size,
                                         .state = KNOWN_DONE,
                                         .seen = true};
            file->line = 0;
            return problem(file, ret, "unreadable");
        }
    }
    rc = file_open(file, fd);
    if (rc == RECORD_WHOLE)
        return TENDON_OK;
    if (rc == RECORD_BAD || rc == -EBADMSG) {
        const char *code = rc == RECORD_BAD ? "bad_header" : "bad_gzip";

        file->gave_last = true;
        file_leave(file);
        return problem(file, ret, code);
    }
    if (rc == RECORD_UNFINISHED) {
        file_leave(file);
        return TENDON_OK;
    }
    text_free(file->text);
    file->text = NULL;
    return fail(err, "cannot read", rc);
}

/* --- the service -----------------------------------------------------------------------------------------
 */

static void service_close(struct tendon_file *file)
{
    if (!file)
        return;
    text_free(file->text);
    record_free(file->record);
    columns_free(file);
    if (file->held >= 0)
        close(file->held);
    free(file->path);
    free(file->pattern);
    free(file);
}

static int service_open(const struct tendon_host *host, const struct tendon_file_options *given,
                        const void *position, size_t size, struct tendon_file **ret, char *err)
{
    struct tendon_file_options options = {0};
    struct tendon_file *file;

    (void)host;
    memcpy(&options, given, given->struct_size < sizeof(options) ? given->struct_size : sizeof(options));
    file = calloc(1, sizeof(*file));
    if (!file) {
        snprintf(err, TENDON_ERROR_BYTES, "no memory");
        return TENDON_E_TEMPORARY;
    }
    file->held = -1;
    file->format = options.format;
    file->separator = options.separator ? (char)options.separator : ',';
    file->has_header = options.has_header && options.format == TENDON_FILE_CSV;
    file->settle_ms = options.settle_ms ? options.settle_ms : SETTLE_MS;
    if ((options.format != TENDON_FILE_LINES && options.format != TENDON_FILE_CSV) || !options.path ||
        options.separator > 126 || file->separator == '"' || file->separator == '\n' ||
        file->separator == '\r') {
        snprintf(
            err, TENDON_ERROR_BYTES,
            "a file needs a path, the format LINES or CSV, and an ASCII separator that is no quote and no "
            "line end");
        service_close(file);
        return TENDON_E_CONFIG;
    }
    if (encoding_find(options.encoding, &file->encoding) < 0) {
        snprintf(err, TENDON_ERROR_BYTES, "unknown encoding: it is utf-8, latin1, cp1252 or utf-16");
        service_close(file);
        return TENDON_E_CONFIG;
    }
    if (size > 0 && known_read(&file->known, position, size) < 0) {
        snprintf(err, TENDON_ERROR_BYTES, "the cursor is not a position in files");
        service_close(file);
        return TENDON_E_CURSOR;
    }
    file->path = strdup(options.path);
    file->pattern = options.pattern ? strdup(options.pattern) : NULL;
    if (!file->path || (options.pattern && !file->pattern) || record_new(&file->record) < 0) {
        snprintf(err, TENDON_ERROR_BYTES, "no memory");
        service_close(file);
        return TENDON_E_TEMPORARY;
    }
    *ret = file;
    return TENDON_OK;
}

static int service_next(struct tendon_file *file, struct tendon_record *ret, char *err)
{
    bool looked = false;

    for (;;) {
        int rc;

        if (!file->text) {
            rc = advance(file, &looked, ret, err);
            if (rc != TENDON_OK)
                return rc;
            continue;
        }
        if (file->resuming) {
            rc = file_resume(file);
            if (rc == -EAGAIN)
                return TENDON_IDLE;
            if (rc == 0)
                looked = false; /* it has changed, so that a look finds it once more */
            continue;
        }
        rc = file_record(file);
        if (rc == RECORD_UNFINISHED) {
            file_leave(file);
            continue;
        }
        if (rc == -EBADMSG) {
            file->gave_last = true;
            file_leave(file);
            return problem(file, ret, "bad_gzip");
        }
        if (rc < 0) {
            file_leave(file);
            return fail(err, "cannot read", rc);
        }
        if (rc == RECORD_WHOLE && file->has_header && file->record->n_fields != file->n_columns) {
            rc = RECORD_BAD;
            file->record->problem = "wrong_field_count";
        }
        if (rc == RECORD_BAD) {
            problem(file, ret, file->record->problem);
            file_step(file);
            return TENDON_INVALID;
        }
        *ret = (struct tendon_record){
            .fields = file->record->fields,
            .sizes = file->record->sizes,
            .n_fields = file->record->n_fields,
            .file_changed = file->first,
            .line = file->line + 1,
            .file = file_name(file),
        };
        file->first = false;
        file_step(file);
        return TENDON_OK;
    }
}

static int service_column(const struct tendon_file *file, const char *name)
{
    for (uint32_t i = 0; i < file->n_columns; i++)
        if (strcmp(file->columns[i], name) == 0)
            return (int)i;
    return -1;
}

static size_t service_position(const struct tendon_file *file, void *room)
{
    struct tendon_file *writable = (struct tendon_file *)file; /* only what it knows anyway is written down */

    file_note(writable, KNOWN_MORE);
    return known_write(&file->known, room);
}

const struct tendon_file_1 *file_service(void)
{
    static const struct tendon_file_1 service = {
        .struct_size = sizeof(service),
        .open = service_open,
        .next = service_next,
        .column = service_column,
        .position = service_position,
        .close = service_close,
    };

    return &service;
}
