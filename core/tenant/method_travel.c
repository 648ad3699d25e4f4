/* tenant.export, tenant.import: a tenant into a file and back, in parcels of the forwarder's form
 * (core/forward).
 *
 * An export is begun by one call, which names it and says what stands at the head of the file, and read by
 * the others. An import makes a tenant that is of no use before its last call: where it ends in the middle it
 * goes on with the same file, as parcels that are there already change nothing, or is removed. */
#include "core/base/zone.h"
#include "core/forward/reader.h"
#include "core/ingest/committer.h"
#include "core/tenant/key_file.h"
#include "core/tenant/method.h"
#include "core/tenant/settings.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CALL_BYTES = 1 << 20, PARCEL_MAX = FORM_RECORD_BYTES + 4096 };

/* Consent to the benchmark across tenants is to one collector, and does not travel. */
#define CONSENTED "consented_at"

/* --- export --- */

struct exporting {
    uint64_t id;
    json_t *parcels; /* base64 */
    bool is_last;
};

static void reader_free(void *data)
{
    forward_reader_fini(data);
    free(data);
}

static int export_open(struct tenant *t, void *ctx, struct error *err)
{
    struct exporting *e = ctx;
    struct store_outlet *o;
    const struct outlet_cursor begin = {0};
    struct forward_reader *reader = malloc(sizeof(*reader));
    if (!reader)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for an export");
    int r = store_outlet_open(t->store, &o, &e->id, err);
    if (r < 0) {
        free(reader);
        return r;
    }
    forward_reader_init(reader, t->store, o, &begin);
    store_outlet_attach(o, reader, reader_free);
    return 0;
}

static int add_parcel(json_t *list, const void *bytes, size_t size)
{
    size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);
    if (!text)
        return -ENOMEM;
    (void)sodium_bin2base64(text, room, bytes, size, sodium_base64_VARIANT_ORIGINAL);
    int r = list_append(list, json_string(text));
    free(text);
    return r;
}

/* Some parcels. Between two calls commits go on. */
static int export_read(struct tenant *t, void *ctx, struct error *err)
{
    struct exporting *e = ctx;
    struct store_outlet *o = store_outlet_find(t->store, e->id);
    if (!o) {
        error_set(err, -ENOENT, "export_lost", "there is no such export under way");
        error_hint(err, "one that nobody reads ends in a minute; begin again");
        return -ENOENT;
    }
    struct forward_reader *reader = store_outlet_attached(o);
    const struct form_parcel *p;
    const void *bytes;
    size_t n = 0;
    int r = forward_reader_fill(reader, t->store, err);
    while (r == 1 && n < CALL_BYTES && (p = forward_reader_parcel(reader, &bytes))) {
        if (add_parcel(e->parcels, bytes, p->size) < 0)
            return error_set(err, -ENOMEM, "no_memory", "out of memory for an export");
        n += p->size;
        forward_reader_taken(reader);
    }
    e->is_last = r == 0;
    if (r == 0)
        store_outlet_close(t->store, o);
    return r < 0 ? r : 0;
}

static int answer_parcels(struct request *r, struct tenant *t, uint64_t id)
{
    struct exporting e = {.id = id, .parcels = json_array()};
    int result = e.parcels ? committer_call(r->parts->committer, t, export_read, &e, r->err)
                           : error_set(r->err, -ENOMEM, "no_memory", "out of memory for an export");
    if (result < 0) {
        json_decref(e.parcels);
        return result;
    }
    return request_answer(r, json_pack("{s:o, s:b}", "parcels", e.parcels, "last", e.is_last));
}

/* The tenant's key as hexadecimal digits; NULL without memory or where it cannot be read. */
static json_t *key_json(const struct request *r, const struct tenant *t)
{
    char hex[2 * TENANT_KEY_BYTES + 1];
    uint8_t key[TENANT_KEY_BYTES];
    int result = key_file_tenant(r->config->keys, t->name, false, key, r->err);
    json_t *text = NULL;
    if (result == 0)
        text = json_string(sodium_bin2hex(hex, sizeof(hex), key, sizeof(key)));
    sodium_memzero(key, sizeof(key));
    sodium_memzero(hex, sizeof(hex));
    return text;
}

int method_tenant_export(struct request *r)
{
    bool with_key = json_is_true(json_object_get(r->params, "with_key"));
    struct exporting e = {0};
    uint8_t check[STORE_KEY_CHECK_BYTES];
    char hex[2 * STORE_KEY_CHECK_BYTES + 1];
    int64_t id = 0;
    struct tenant *t;
    int result = request_tenant(r, &t);
    if (result == 0)
        result = request_int(r, "reader", 1, INT64_MAX, &id);
    if (result == 0 && id)
        return answer_parcels(r, t, (uint64_t)id);
    if (result == 0)
        result = request_act(r, t, json_pack("{s:b}", "with_key", with_key));
    if (result < 0)
        return result;
    json_t *key = with_key ? key_json(r, t) : NULL;
    if (with_key && !key)
        return r->err->code[0] ? -EIO : error_set(r->err, -ENOMEM, "no_memory", "out of memory for the key");
    result = committer_call(r->parts->committer, t, export_open, &e, r->err);
    if (result < 0) {
        json_decref(key);
        return result;
    }
    struct tenant_settings *s = tenant_settings_get(t);
    json_t *settings = settings_record(s);
    tenant_settings_unref(s);
    (void)json_object_del(settings, CONSENTED);
    store_key_check(t->store, check);
    return request_answer(r, json_pack("{s:s, s:i, s:o, s:s, s:I, s:o*}", "tenant", t->name, "form",
                                       FORM_VERSION, "settings", settings, "key_check",
                                       sodium_bin2hex(hex, sizeof(hex), check, sizeof(check)), "reader",
                                       (json_int_t)e.id, "key", key));
}

/* --- import --- */

struct importing {
    const json_t *parcels;
    struct form_read *form;
    uint8_t *room;
    struct committer *committer;
    uint64_t n_accepted;
};

static int take_parcel(struct tenant *t, struct importing *i, const struct event_schema *schema,
                       const json_t *parcel, struct error *err)
{
    static const struct inlet_site NOWHERE = {.name = ""};
    const char *text = json_string_value(parcel);
    const struct inlet_parcel *p;
    struct inlet_taken taken;
    uint8_t check[STORE_KEY_CHECK_BYTES];
    size_t size;
    if (!text || sodium_base642bin(i->room, PARCEL_MAX, text, json_string_length(parcel), NULL, &size, NULL,
                                   sodium_base64_VARIANT_ORIGINAL) != 0)
        return error_set(err, -EINVAL, "bad_param", "the parameter \"parcels\" takes parcels in base64");
    store_key_check(t->store, check);
    const struct form_rules rules = {.schema = schema, .key_check = check};
    int r = form_read(i->form, i->room, size, &rules, &p, err);
    if (r == 0)
        r = committer_room(i->committer, t, err);
    if (r == 0)
        r = store_take(t->store, &NOWHERE, p, &taken, err);
    i->n_accepted += r == 0 ? taken.n_accepted : 0;
    return r;
}

static int import_parcels(struct tenant *t, void *ctx, struct error *err)
{
    struct importing *i = ctx;
    struct event_schema *schema = calloc(1, sizeof(*schema));
    struct tenant_settings *s = tenant_settings_get(t);
    int r = schema ? 0 : error_set(err, -ENOMEM, "no_memory", "out of memory for an import");
    if (r == 0) {
        schema->n_declared = s->n_declared;
        memcpy(schema->declared, s->declared, sizeof(schema->declared));
        schema->types = UINT32_MAX;
    }
    tenant_settings_unref(s);
    for (size_t k = 0; r == 0 && k < json_array_size(i->parcels); k++)
        r = take_parcel(t, i, schema, json_array_get(i->parcels, k), err);
    if (r == 0)
        r = store_maintain(t->store, false, err);
    free(schema);
    return r < 0 ? r : 0;
}

static int method_parcels(struct request *r, struct tenant *t, const json_t *parcels)
{
    struct importing i = {.parcels = parcels,
                          .form = form_read_new(),
                          .room = malloc(PARCEL_MAX),
                          .committer = r->parts->committer};
    int result = i.form && i.room ? committer_call(r->parts->committer, t, import_parcels, &i, r->err)
                                  : error_set(r->err, -ENOMEM, "no_memory", "out of memory for an import");
    form_read_free(i.form);
    free(i.room);
    return result < 0 ? result : request_answer(r, json_pack("{s:I}", "accepted", (json_int_t)i.n_accepted));
}

static bool is_dimension_name(const char *name)
{
    static const char BYTES[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return name && *name >= 'a' && *name <= 'z' && name[strspn(name, BYTES)] == '\0' &&
           strlen(name) <= EVENT_CODE_BYTES && event_field_find(NULL, name, strlen(name)) < 0;
}

/* The settings of the file, as far as the reader of records trusts them. */
static int check_settings(const json_t *settings, struct error *err)
{
    struct zone *zone;
    const char *name = json_string_value(json_object_get(settings, "zone"));
    const json_t *declared = json_object_get(settings, "declared");
    if (!name)
        return error_set(err, -EINVAL, "bad_param", "the parameter \"settings\" takes those of an export");
    int r = zone_open(name, &zone, err);
    if (r < 0)
        return r;
    zone_close(zone);
    for (size_t i = 0; i < json_array_size(declared); i++)
        if (!is_dimension_name(json_string_value(json_array_get(declared, i))))
            return error_set(err, -EINVAL, "bad_param",
                             "the settings declare a dimension that cannot be one");
    return 0;
}

static int hex_param(const struct request *r, const char *name, bool required, uint8_t *ret, size_t size,
                     bool *ret_given)
{
    const char *text;
    size_t n;
    int result = request_text(r, name, required, &text);
    *ret_given = result == 0 && text;
    if (result == 0 && text &&
        (sodium_hex2bin(ret, size, text, strlen(text), NULL, &n, NULL) != 0 || n != size))
        result = error_set(r->err, -EINVAL, "bad_param", "the parameter \"%s\" takes %zu hexadecimal digits",
                           name, 2 * size);
    return result;
}

static int wrong_key(struct request *r, const char *name)
{
    error_set(r->err, -EPERM, "wrong_key",
              "the key of tenant %s is not the one that its ids were hashed under", name);
    error_hint(r->err, "put the key file of where it was exported in place, as tenant-%s.key", name);
    return -EPERM;
}

/* Whether the key that it would have is that of the export. */
static int check_key(struct request *r, const char *name, const uint8_t *given, const uint8_t *check)
{
    uint8_t key[TENANT_KEY_BYTES], own[STORE_KEY_CHECK_BYTES];
    int result = 0;
    if (given)
        memcpy(key, given, sizeof(key));
    else
        result = key_file_tenant(r->config->keys, name, false, key, r->err);
    if (result == -ENOENT) {
        error_set(r->err, result, "no_key", "the export has no key, and there is no file tenant-%s.key",
                  name);
        error_hint(r->err,
                   "export with --with-key, or put the key file of where it was exported under keys:");
    }
    if (result == 0 && store_key_check_of(key, own) < 0)
        result = error_set(r->err, -EIO, "key_file", "the key cannot be used");
    if (result == 0 && memcmp(own, check, sizeof(own)) != 0)
        result = wrong_key(r, name);
    sodium_memzero(key, sizeof(key));
    return result;
}

/* Makes the tenant, or goes on with one whose import had ended in the middle. */
static int method_begin(struct request *r, const char *name, const json_t *settings)
{
    uint8_t key[TENANT_KEY_BYTES], check[STORE_KEY_CHECK_BYTES], own[STORE_KEY_CHECK_BYTES];
    bool has_key, has_check;
    struct tenant *t = tenants_hold(r->parts->tenants, name);
    int result = hex_param(r, "key_check", true, check, sizeof(check), &has_check);
    if (result == 0)
        result = hex_param(r, "key", false, key, sizeof(key), &has_key);
    if (result == 0 && t) {
        struct tenant_settings *s = tenant_settings_get(t);
        store_key_check(t->store, own);
        if (!s->is_importing)
            result = error_set(r->err, -EEXIST, "tenant_exists", "there is a tenant %s already", name);
        else if (memcmp(own, check, sizeof(own)) != 0)
            result = wrong_key(r, name);
        tenant_settings_unref(s);
    } else if (result == 0) {
        result = check_settings(settings, r->err);
        if (result == 0)
            result = check_key(r, name, has_key ? key : NULL, check);
    }
    if (result == 0)
        result =
            audit_act(r->parts->audit, r->who->name, r->method->name, name,
                      json_pack("{s:b, s:b}", "with_key", has_key, "resumed", t != NULL), &r->act, r->err);
    if (result == 0 && !t) {
        json_t *record = json_copy((json_t *)settings);
        (void)json_object_del(record, CONSENTED);
        if (!record || json_object_set_new(record, "importing", json_true()) < 0)
            result = error_set(r->err, -ENOMEM, "no_memory", "out of memory for an import");
        else
            result = tenants_make(r->parts->tenants, name, record, has_key ? key : NULL, r->err);
        json_decref(record);
    }
    sodium_memzero(key, sizeof(key));
    bool resumed = t != NULL;
    tenant_release(t);
    return result < 0 ? result
                      : request_answer(r, json_pack("{s:s, s:b}", "tenant", name, "resumed", resumed));
}

static int change_done(void *ctx, json_t *record, const struct tenant_settings *s, struct error *err)
{
    (void)ctx;
    (void)s;
    (void)err;
    (void)json_object_del(record, "importing");
    return 0;
}

static int method_done(struct request *r, struct tenant *t)
{
    struct store_statistics statistics = {0};
    store_statistics(t->store, &statistics);
    int result = request_act(r, t, json_pack("{s:I}", "events", (json_int_t)statistics.log_position));
    if (result == 0)
        result = tenants_change(r->parts->tenants, t->name, change_done, NULL, r->err);
    if (result < 0)
        return result;
    committer_wake(r->parts->committer, t);
    return request_answer_change(
        r, t,
        json_pack("{s:s, s:I, s:I, s:I}", "tenant", t->name, "events", (json_int_t)statistics.log_position,
                  "subjects", (json_int_t)statistics.subjects, "frozen", (json_int_t)statistics.frozen));
}

int method_tenant_import(struct request *r)
{
    const char *name;
    const json_t *settings = json_object_get(r->params, "settings"),
                 *parcels = json_object_get(r->params, "parcels");
    struct tenant *t;
    int result = request_text(r, "tenant", true, &name);
    if (result < 0)
        return result;
    if (!tenant_name_valid(name)) {
        error_set(r->err, -EINVAL, "bad_param", "the parameter \"tenant\" takes a name");
        error_hint(r->err, "at most 64 of a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first");
        return -EINVAL;
    }
    if (settings)
        return method_begin(r, name, settings);
    result = request_tenant(r, &t);
    if (result < 0)
        return result;
    struct tenant_settings *s = tenant_settings_get(t);
    bool is_importing = s->is_importing;
    tenant_settings_unref(s);
    if (!is_importing)
        return error_set(r->err, -EEXIST, "tenant_exists", "tenant %s is not being imported", name);
    if (json_is_array(parcels))
        return method_parcels(r, t, parcels);
    if (json_is_true(json_object_get(r->params, "done")))
        return method_done(r, t);
    return error_set(r->err, -EINVAL, "bad_param", "it takes settings, parcels or done");
}
