#include "tools/output.h"
#include "tools/session.h"
#include "tools/tenant_file.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_BYTES = 256 * 1024 }; /* of parcels in one call, unless one is larger */

struct import {
    const char *path, *name; /* name: of the tenant to be */
    FILE *file;
    struct session *session;
    const struct invocation *invocation;
};

static int import_open(struct import *im, struct tenant_reader *reader, struct error *err)
{
    if (im->file)
        (void)fclose(im->file);
    im->file = fopen(im->path, "re");
    if (!im->file)
        return error_set(err, -errno, "file", "%s cannot be read: %s", im->path, strerror(errno));
    return tenant_reader_begin(reader, im->file, im->path, err);
}

/* Reads all of it, so that nothing is begun with a file that is damaged. */
static int check_file(struct import *im, json_t **ret_head, struct error *err)
{
    struct tenant_reader reader = {0};
    int r = import_open(im, &reader, err);
    while (r == 0 && (r = tenant_reader_next(&reader, err)) == 1)
        r = 0;
    *ret_head = r == 0 ? json_incref(reader.head) : NULL;
    if (im->file)
        tenant_reader_fini(&reader);
    return r;
}

static json_t *parcel_text(const struct buffer *frame)
{
    size_t room = sodium_base64_encoded_len(frame->size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);
    if (!text)
        return NULL;
    (void)sodium_bin2base64(text, room, frame->data, frame->size, sodium_base64_VARIANT_ORIGINAL);
    json_t *json = json_string(text);
    free(text);
    return json;
}

/* Sends what was read so far. 0 or an exit code. */
static int send_parcels(const struct import *im, json_t **parcels)
{
    json_t *answer = NULL;
    int code = session_call(im->session, "tenant.import",
                            json_pack("{s:s, s:o}", "tenant", im->name, "parcels", *parcels), &answer);
    *parcels = json_array();
    json_decref(answer);
    return code;
}

static int send_file(struct import *im)
{
    struct error err = ERROR_INIT;
    struct tenant_reader reader = {0};
    json_t *parcels = json_array();
    size_t n_bytes = 0;
    int code = 0, r = import_open(im, &reader, &err);
    while (r == 0 && code == 0 && (r = tenant_reader_next(&reader, &err)) == 1) {
        r = json_array_append_new(parcels, parcel_text(&reader.frame));
        n_bytes += reader.frame.size;
        if (r == 0 && n_bytes >= CALL_BYTES) {
            code = send_parcels(im, &parcels);
            n_bytes = 0;
        }
    }
    if (r == 0 && code == 0 && json_array_size(parcels))
        code = send_parcels(im, &parcels);
    json_decref(parcels);
    if (im->file)
        tenant_reader_fini(&reader);
    return r < 0 ? error_print(&err) : code;
}

static int import_begin(const struct import *im, const json_t *head)
{
    json_t *answer = NULL;
    int code = session_call(
        im->session, "tenant.import",
        json_pack("{s:s, s:O, s:O, s:O*}", "tenant", im->name, "settings", json_object_get(head, "settings"),
                  "key_check", json_object_get(head, "key_check"), "key", json_object_get(head, "key")),
        &answer);
    if (code == 0 && json_is_true(json_object_get(answer, "resumed")))
        (void)fprintf(stderr, "going on with an import that had ended in the middle\n");
    json_decref(answer);
    return code;
}

static int import_end(const struct import *im)
{
    static const struct output_column COLUMNS[] = {
        {"events", "events", CELL_COUNT},
        {"subjects", "tickets and single events", CELL_COUNT},
        {"frozen", "of them, those that have left the log", CELL_COUNT},
    };
    json_t *answer = NULL, *params = json_pack("{s:s}", "tenant", im->name);
    int code = session_call(im->session, "tenant.import",
                            json_pack("{s:s, s:b}", "tenant", im->name, "done", 1), &answer);
    if (code == 0)
        code = session_await_facts(im->session, im->invocation, answer, params);
    (void)json_object_del(answer, "refolding");
    if (code == 0)
        code = output_show(im->invocation, COLUMNS, sizeof(COLUMNS) / sizeof(*COLUMNS), answer);
    json_decref(answer);
    json_decref(params);
    return code;
}

static int import_whole(struct import *im, const json_t *head)
{
    int code = session_open(im->invocation, "importing", &im->session);
    if (code == 0)
        code = import_begin(im, head);
    if (code != 0)
        return code;
    code = send_file(im);
    if (code == 0)
        code = import_end(im);
    if (code != 0)
        (void)fprintf(stderr,
                      "tenant %s is not all there and answers nothing yet: run this again with the same file "
                      "to go on, or "
                      "tendon tenant remove %s\n",
                      im->name, im->name);
    return code;
}

static int tenant_import_run(const struct invocation *invocation)
{
    struct error err = ERROR_INIT;
    struct import im = {.path = invocation_argument(invocation, 0), .invocation = invocation};
    json_t *head = NULL;
    int code = check_file(&im, &head, &err) < 0 ? error_print(&err) : 0;
    if (code == 0) {
        im.name = invocation_has(invocation, "as") ? invocation_value(invocation, "as")
                                                   : json_string_value(json_object_get(head, "tenant"));
        code = im.name ? import_whole(&im, head) : TENDON_EXIT_FAILED;
    }
    session_close(im.session);
    if (im.file)
        (void)fclose(im.file);
    json_decref(head);
    return code;
}

static const struct option OPTIONS[] = {
    {"as", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "what the tenant is called here; default: as where it was exported"},
    NO_WAIT_OPTION,
    OUTPUT_OPTION,
    {NULL},
};

static const struct argument ARGUMENTS[] = {
    {"FILE", .names = NAMES_FILE, .help = "that tendon tenant export wrote"},
    {NULL},
};

const struct command CMD_TENANT_IMPORT = {
    .name = "tenant import",
    .summary = "make a tenant of a file of tendon tenant export",
    .description =
        "The file is read whole before anything is done. The new tenant has the settings of the old one and "
        "answers the "
        "same; its sources go on where they stood. Its key has to be the same: from the file, where it was "
        "exported "
        "with --with-key, else as tenant-NAME.key among the collector's keys before this is run.\n\n"
        "Until all is there the tenant answers nothing. Where it ends in the middle (a full disk, a restart) "
        "run it again: it "
        "goes on; or remove the tenant.",
    .options = OPTIONS,
    .arguments = ARGUMENTS,
    .examples =
        "  tendon tenant import lakeside.tendon\n  tendon tenant import lakeside.tendon --as lakeside-2026\n",
    .run = tenant_import_run,
};
