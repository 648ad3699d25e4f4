#include "tools/output.h"
#include "tools/parcel_csv.h"
#include "tools/session.h"
#include "tools/tenant_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where an export goes: a file beside the one that was named, which gets its name when it is whole. */
struct target {
    const char *path; /* NULL: standard output */
    char *beside;
    FILE *out;
};

static int target_fail(const struct target *t, const char *what)
{
    struct error err = ERROR_INIT;
    error_set(&err, -EIO, "file", "%s cannot be %s: %s", t->path ? t->path : "standard output", what,
              strerror(errno));
    return error_print(&err);
}

static int target_open(struct target *t, const struct invocation *invocation)
{
    *t = (struct target){.path = invocation_value(invocation, "output"), .out = stdout};
    struct error err = ERROR_INIT;
    if (!t->path && isatty(STDOUT_FILENO) && !invocation_has(invocation, "csv")) {
        error_set(&err, -EINVAL, "usage", "an export is no text for a terminal");
        error_hint(&err, "-o FILE, or send it on to a program");
        return error_print(&err);
    }
    if (!t->path)
        return 0;
    if (asprintf(&t->beside, "%s.part", t->path) < 0) {
        t->beside = NULL;
        return TENDON_EXIT_FAILED;
    }
    (void)unlink(t->beside); /* of one that ended in the middle */
    int fd = open(t->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    t->out = fd < 0 ? NULL : fdopen(fd, "w");
    return t->out ? 0 : target_fail(t, "made");
}

/* The file under its name when all is well, else gone. */
static int target_close(struct target *t, int code)
{
    if (!t->beside)
        return code == 0 && fflush(stdout) != 0 ? target_fail(t, "written") : code;
    if (t->out) {
        if (code == 0 && (fflush(t->out) != 0 || fsync(fileno(t->out)) < 0))
            code = target_fail(t, "written");
        if (fclose(t->out) != 0 && code == 0)
            code = target_fail(t, "written");
    }
    if (code == 0 && rename(t->beside, t->path) < 0)
        code = target_fail(t, "made");
    if (code != 0)
        (void)unlink(t->beside);
    free(t->beside);
    return code;
}

struct export
{
    struct target target;
    bool is_csv;
    struct tenant_writer writer;
    const json_t *declared;
    uint8_t *room; /* TENANT_FRAME_MAX */
};

static int write_parcel(struct export *e, const json_t *parcel, struct error *err)
{
    const char *text = json_string_value(parcel);
    size_t size;
    if (!text || sodium_base642bin(e->room, TENANT_FRAME_MAX, text, json_string_length(parcel), NULL, &size,
                                   NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return error_set(err, -EBADMSG, "bad_answer", "what the collector gave is no parcel");
    return e->is_csv ? parcel_csv_write(e->target.out, e->declared, e->room, size, err)
                     : tenant_writer_parcel(&e->writer, e->room, size, err);
}

/* All parcels of the reader that the collector opened. 0 or an exit code. */
static int fetch(struct export *e, struct session *s, const char *tenant, json_int_t reader)
{
    struct error err = ERROR_INIT;
    bool is_last = false;
    int code = 0, r = 0;
    while (code == 0 && r == 0 && !is_last) {
        json_t *answer = NULL;
        code = session_call(s, "tenant.export", json_pack("{s:s, s:I}", "tenant", tenant, "reader", reader),
                            &answer);
        const json_t *parcels = json_object_get(answer, "parcels");
        for (size_t i = 0; code == 0 && r == 0 && i < json_array_size(parcels); i++)
            r = write_parcel(e, json_array_get(parcels, i), &err);
        is_last = json_is_true(json_object_get(answer, "last"));
        json_decref(answer);
    }
    if (r == 0 && code == 0 && !e->is_csv)
        r = tenant_writer_end(&e->writer, &err);
    return r < 0 ? error_print(&err) : code;
}

static int export_run(struct export *e, struct session *s, const char *tenant, bool with_key)
{
    struct error err = ERROR_INIT;
    json_t *head = NULL;
    int code = session_call(s, "tenant.export",
                            json_pack("{s:s, s:b}", "tenant", tenant, "with_key", with_key), &head);
    if (code != 0)
        return code;
    json_int_t reader = json_integer_value(json_object_get(head, "reader"));
    (void)json_object_del(head, "reader");
    e->declared = json_object_get(json_object_get(head, "settings"), "declared");
    int r = e->is_csv ? parcel_csv_header(e->target.out, e->declared, &err)
                      : tenant_writer_begin(&e->writer, e->target.out, head, &err);
    code = r < 0 ? error_print(&err) : fetch(e, s, tenant, reader);
    json_decref(head);
    return code;
}

static int tenant_export_run(const struct invocation *invocation)
{
    struct export e = {.is_csv = invocation_has(invocation, "csv"), .room = malloc(TENANT_FRAME_MAX)};
    struct error err = ERROR_INIT;
    struct session *s = NULL;
    bool with_key = invocation_has(invocation, "with-key");
    if (e.is_csv && with_key) {
        free(e.room);
        error_set(&err, -EINVAL, "usage", "a CSV file holds no key: --csv or --with-key");
        return error_print(&err);
    }
    int code = e.room ? target_open(&e.target, invocation) : TENDON_EXIT_FAILED;
    if (code == 0)
        code = session_open(invocation, "exporting", &s);
    if (code == 0)
        code = export_run(&e, s, invocation_argument(invocation, 0), with_key);
    session_close(s);
    code = target_close(&e.target, code);
    if (code == 0 && e.target.path && !e.is_csv)
        (void)fprintf(stderr, "%s: %" PRIu64 " bytes%s\n", e.target.path, e.writer.n_bytes,
                      with_key ? "; it holds the tenant's key: keep it as you keep that" : "");
    free(e.room);
    return code;
}

static const struct option OPTIONS[] = {
    {"output", 'o', OPTION_VALUE, "FILE", NULL, NAMES_FILE,
     "where to write it, readable by its owner only; without it standard output"},
    {"with-key", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING,
     "with the tenant's key, so that the file can be imported anywhere: it is as secret as that key"},
    {"csv", 0, OPTION_FLAG, NULL, NULL, NAMES_NOTHING,
     "the events as CSV, for other programs; it cannot be imported"},
    {NULL},
};

static const struct argument ARGUMENTS[] = {
    {"NAME", .help = "of the tenant"},
    {NULL},
};

const struct command CMD_TENANT_EXPORT = {
    .name = "tenant export",
    .summary = "write all that a tenant holds to a file",
    .description = "Settings, sources with where they stand, reference tables, calendars, every event with "
                   "its stored hashes, and "
                   "the figures of tickets that have left the log. Events are taken meanwhile: what comes "
                   "before the end is in it. "
                   "tendon tenant import makes a tenant of it that answers the same, under the same key: "
                   "without --with-key "
                   "its file tenant-NAME.key has to be brought there too.\n\n"
                   "CSV has one event a line, with hashes in place of ids; tickets that have left the log "
                   "are not in it.",
    .options = OPTIONS,
    .arguments = ARGUMENTS,
    .examples = "  tendon tenant export lakeside -o lakeside.tendon\n"
                "  tendon tenant export lakeside --with-key -o lakeside.tendon\n"
                "  tendon tenant export lakeside --csv -o lakeside.csv\n",
    .run = tenant_export_run,
};
