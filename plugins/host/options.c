#include "plugins/host/options.h"

#include "core/base/nearest.h"
#include "core/base/quantity.h"
#include "core/base/zone.h"
#include "plugins/host/secret.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRING_BYTES    1024
#define KEY_BYTES       256
#define UNIX_PATH_BYTES 108

/* One value: where it stands, for messages, and what became of it. */
struct value {
    const json_t *option; /* its entry in the description */
    const char *name;
    char place[KEY_BYTES + 64]; /* "option columns[severity]" */
    char room[32];
    const char *string;
    int64_t number;
};

static const char *attribute(const json_t *option, const char *key)
{
    const char *s = json_string_value(json_object_get(option, key));
    return s ? s : "";
}

static int refuse(const struct value *v, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const struct value *v, struct error *err, const char *format, ...)
{
    char why[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    error_set(err, -EINVAL, "bad_option", "%s %s", v->place, why);
    const char *help = attribute(v->option, "help");
    if (*help)
        error_hint(err, "%s: %s", v->name, help);
    return -EINVAL;
}

/* A scalar as text; numbers that YAML made of digits become them again. NULL: no text. */
static const char *as_text(struct value *v, const json_t *json)
{
    if (json_is_integer(json)) {
        (void)snprintf(v->room, sizeof(v->room), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        return v->room;
    }
    return json_string_value(json);
}

static bool in_range(const struct value *v, int64_t number)
{
    const json_t *low = json_object_get(v->option, "low"), *high = json_object_get(v->option, "high");
    return !low || (number >= json_integer_value(low) && number <= json_integer_value(high));
}

static int check_number(struct value *v, const json_t *json, const char *type, struct error *err)
{
    long long low = json_integer_value(json_object_get(v->option, "low"));
    long long high = json_integer_value(json_object_get(v->option, "high"));
    const char *text = as_text(v, json);
    if (strcmp(type, "int") == 0) {
        if (!text || quantity_int(text, INT64_MIN, INT64_MAX, &v->number) < 0)
            return refuse(v, err, "must be a whole number");
        if (!in_range(v, v->number))
            return refuse(v, err, "must be %lld to %lld", low, high);
    } else if (strcmp(type, "duration") == 0) {
        if (!text || quantity_ms(text, &v->number) < 0)
            return refuse(v, err, "must be a duration such as 500ms, 30s, 5m, 2h or 7d");
        if (!in_range(v, v->number))
            return refuse(v, err, "must be %lld ms to %lld ms", low, high);
    } else {
        uint64_t bytes;
        if (!text || quantity_bytes(text, &bytes) < 0 || bytes > INT64_MAX)
            return refuse(v, err, "must be a size such as 65536, 64KiB or 10MiB");
        v->number = (int64_t)bytes;
        if (!in_range(v, v->number))
            return refuse(v, err, "must be %lld to %lld bytes", low, high);
    }
    return 0;
}

static int check_bool(struct value *v, const json_t *json, struct error *err)
{
    const char *text = json_string_value(json);
    if (json_is_boolean(json))
        v->number = json_is_true(json);
    else if (text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        v->number = *text == 't';
    else
        return refuse(v, err, "must be true or false");
    return 0;
}

static int check_enum(struct value *v, struct error *err)
{
    const json_t *values = json_object_get(v->option, "values");
    struct nearest nearest;
    nearest_init(&nearest, v->string, strlen(v->string));
    char list[256] = "";
    size_t i, n = 0;
    const json_t *value;
    json_array_foreach(values, i, value)
    {
        const char *name = json_string_value(value);
        if (strcmp(name, v->string) == 0) {
            v->number = (int64_t)i;
            return 0;
        }
        nearest_offer(&nearest, name);
        if (n < sizeof(list))
            n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", name);
    }
    if (nearest.best)
        return refuse(v, err, "is none of its values; did you mean %s?", nearest.best);
    return refuse(v, err, "must be one of %s", list);
}

/* A readable, private file with something in it: found out before the plugin runs. */
static int check_secret(const struct value *v, bool for_trial, struct error *err)
{
    struct stat st;
    if (v->string[0] != '/' || stat(v->string, &st) < 0)
        return refuse(v, err, "must be the absolute path of a file that holds the secret; there is none");
    if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > SECRET_BYTES)
        return refuse(v, err, "must name a file with 1 to %d bytes", SECRET_BYTES);
    if (!for_trial && st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
        return refuse(v, err, "names a file that others may read or write; chmod 600 it");
    if (access(v->string, R_OK) < 0)
        return refuse(v, err, "names a file that cannot be read: %s", strerror(errno));
    return 0;
}

static int add_path(struct options *o, const char *path)
{
    return json_array_append_new(o->paths, json_string(path));
}

/* What may be read for a path: the folder it is or lies in, since files are replaced and arrive later; and
 * where a link leads. */
static int allow_path(struct options *o, const char *path)
{
    char real[PATH_MAX], parent[PATH_MAX];
    struct stat st;
    const char *names[2] = {path, realpath(path, real) ? real : NULL};
    for (int i = 0; i < 2; i++) {
        if (!names[i] || strlen(names[i]) >= sizeof(parent))
            continue;
        if (stat(names[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            if (add_path(o, names[i]) < 0)
                return -ENOMEM;
            continue;
        }
        (void)strcpy(parent, names[i]);
        if (add_path(o, dirname(parent)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int check_path(const struct value *v, struct options *o, struct error *err)
{
    char parent[PATH_MAX];
    if (v->string[0] != '/' || strlen(v->string) >= sizeof(parent))
        return refuse(v, err, "must be an absolute path");
    (void)strcpy(parent, v->string);
    if (access(v->string, F_OK) < 0 && access(dirname(parent), F_OK) < 0)
        return refuse(v, err, "names a file in a folder that does not exist");
    if (allow_path(o, v->string) < 0)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the options");
    return 0;
}

static int check_url(const struct value *v, struct options *o, struct error *err)
{
    const char *host = strstr(v->string, "://");
    bool is_http = strncmp(v->string, "http://", 7) == 0 || strncmp(v->string, "https://", 8) == 0;
    if (!is_http || !host || !host[3] || strpbrk(v->string, " \t\r\n\"<>\\^`{|}"))
        return refuse(v, err, "must be a URL that begins with http:// or https://");
    /* A password in a URL ends in logs. */
    const char *at = strchr(host + 3, '@'), *slash = strchr(host + 3, '/');
    if (at && (!slash || at < slash))
        return refuse(v, err, "must not hold a user or password; use the plugin's secret option");
    if (json_array_append_new(o->urls, json_pack("{s:s,s:s}", "option", v->name, "url", v->string)) < 0)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the options");
    return 0;
}

/* A loopback address with a port, or a socket in the file system: what may be reached from elsewhere has a
 * proxy in front, which speaks TLS. */
static int check_listen(const struct value *v, struct options *o, struct error *err)
{
    const char *port = strrchr(v->string, ':');
    int64_t number;
    bool is_unix = strncmp(v->string, "unix:/", 6) == 0 && strlen(v->string) - 5 < UNIX_PATH_BYTES;
    bool is_loopback =
        port && (strncmp(v->string, "127.0.0.1:", 10) == 0 || strncmp(v->string, "localhost:", 10) == 0 ||
                 strncmp(v->string, "[::1]:", 6) == 0);
    if (!is_unix && (!is_loopback || quantity_int(port + 1, 1, 65535, &number) < 0))
        return refuse(v, err, "must be a loopback address with a port, or unix: and an absolute path");
    if (json_array_append_new(o->listens, json_string(v->string)) < 0)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the options");
    return 0;
}

static int check_text(struct value *v, const json_t *json, const char *type, struct options *o,
                      struct error *err)
{
    const char *text = as_text(v, json);
    if (!text)
        return refuse(v, err,
                      json_is_real(json) || json_is_boolean(json) ? "must be a text; put it in quotes"
                                                                  : "must be a text");
    size_t n = strlen(text);
    v->string = text;
    if (strcmp(type, "string") == 0) {
        const json_t *high = json_object_get(v->option, "high");
        long long low = json_integer_value(json_object_get(v->option, "low"));
        long long most = json_integer_value(high) > 0 ? json_integer_value(high) : STRING_BYTES;
        if ((long long)n < low || (long long)n > most)
            return refuse(v, err, "must be a text of %lld to %lld bytes", low, most);
        return 0;
    }
    if (n > PATH_MAX)
        return refuse(v, err, "is longer than %d bytes", PATH_MAX);
    if (strcmp(type, "enum") == 0)
        return check_enum(v, err);
    if (strcmp(type, "path") == 0)
        return check_path(v, o, err);
    if (strcmp(type, "url") == 0)
        return check_url(v, o, err);
    if (strcmp(type, "secret") == 0)
        return check_secret(v, o->for_trial, err);
    if (strcmp(type, "listen") == 0)
        return check_listen(v, o, err);
    struct error why = ERROR_INIT;
    struct zone *zone;
    if (zone_open(text, &zone, &why) < 0)
        return refuse(v, err, "must be an IANA time zone such as America/Chicago%s%s", *why.hint ? "; " : "",
                      why.hint);
    zone_close(zone);
    return 0;
}

/* Checks one value and appends it to the option's entry in the configuration. */
static int take_value(const json_t *option, const char *key, size_t index, const json_t *json,
                      struct options *o, json_t *entry, struct error *err)
{
    struct value v = {.option = option, .name = attribute(option, "name")};
    const char *type = attribute(option, "type");
    if (key)
        (void)snprintf(v.place, sizeof(v.place), "option %s[%.*s]", v.name, KEY_BYTES, key);
    else if (strcmp(attribute(option, "shape"), "list") == 0)
        (void)snprintf(v.place, sizeof(v.place), "option %s[%zu]", v.name, index);
    else
        (void)snprintf(v.place, sizeof(v.place), "option %s", v.name);
    int r;
    if (strcmp(type, "bool") == 0)
        r = check_bool(&v, json, err);
    else if (strcmp(type, "int") == 0 || strcmp(type, "duration") == 0 || strcmp(type, "size") == 0)
        r = check_number(&v, json, type, err);
    else
        r = check_text(&v, json, type, o, err);
    if (r < 0)
        return r;
    if (key && strlen(key) > KEY_BYTES)
        return refuse(&v, err, "has a key of over %d bytes", KEY_BYTES);
    char handle[96];
    if (strcmp(type, "secret") == 0) {
        (void)snprintf(handle, sizeof(handle), "{secret:%s:%zu}", v.name, index);
        json_object_set_new(o->secrets, handle, json_string(v.string));
        v.string = handle;
    }
    json_array_append_new(json_object_get(entry, "ints"), json_integer(v.number));
    if (v.string)
        json_array_append_new(json_object_get(entry, "strings"), json_string(v.string));
    if (key)
        json_array_append_new(json_object_get(entry, "keys"), json_string(key));
    return 0;
}

static int take_option(const json_t *option, const json_t *json, struct options *o, struct error *err)
{
    struct value v = {.option = option, .name = attribute(option, "name")};
    (void)snprintf(v.place, sizeof(v.place), "option %s", v.name);
    const char *shape = attribute(option, "shape");
    json_t *entry = json_pack("{s:[],s:[],s:[]}", "ints", "strings", "keys");
    if (!entry || json_object_set_new(o->config, v.name, entry) < 0)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the options");
    if (strcmp(shape, "one") == 0) {
        if (json_is_array(json) || json_is_object(json))
            return refuse(&v, err, "must be one value");
        return take_value(option, NULL, 0, json, o, entry, err);
    }
    size_t n_max = (size_t)json_integer_value(json_object_get(option, "n_max")), i = 0;
    size_t n = json_is_array(json) ? json_array_size(json) : json_object_size(json);
    if (n > n_max)
        return refuse(&v, err, "has %zu values, at most %zu are taken", n, n_max);
    int r = 0;
    if (strcmp(shape, "map") == 0) {
        if (!json_is_object(json))
            return refuse(&v, err, "must be a map of names to values");
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)json, key, value)
        {
            if ((r = take_value(option, key, i++, value, o, entry, err)) < 0)
                return r;
        }
        return 0;
    }
    if (json_is_object(json))
        return refuse(&v, err, "must be a list");
    if (!json_is_array(json))
        return take_value(option, NULL, 0, json, o, entry, err);
    json_t *value;
    json_array_foreach(json, i, value)
    {
        if ((r = take_value(option, NULL, i, value, o, entry, err)) < 0)
            return r;
    }
    return 0;
}

static const json_t *find_option(const json_t *table, const char *name)
{
    size_t i;
    json_t *option;
    json_array_foreach(table, i, option)
    {
        if (strcmp(attribute(option, "name"), name) == 0)
            return option;
    }
    return NULL;
}

static int refuse_unknown(const json_t *table, const json_t *given, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)given, name, value)
    {
        if (find_option(table, name))
            continue;
        struct nearest nearest;
        nearest_init(&nearest, name, strlen(name));
        size_t i;
        json_t *option;
        json_array_foreach(table, i, option)
        {
            nearest_offer(&nearest, attribute(option, "name"));
        }
        error_set(err, -EINVAL, "bad_option", "unknown option %.64s", name);
        if (nearest.best)
            error_hint(err, "did you mean %s?", nearest.best);
        else
            error_hint(err, "`tendon plugin show` lists the options of a plugin");
        return -EINVAL;
    }
    return 0;
}

int options_check(const json_t *description, const json_t *given, bool for_trial, struct options *ret,
                  struct error *err)
{
    struct options o = {json_object(), json_array(), json_array(), json_object(), json_array(), for_trial};
    const json_t *table = json_object_get(description, "options");
    int r = 0;
    if (!o.config || !o.paths || !o.urls || !o.secrets || !o.listens)
        r = error_set(err, -ENOMEM, "no_memory", "no memory for the options");
    else if (given && !json_is_null(given) && !json_is_object(given))
        r = error_set(err, -EINVAL, "bad_option", "the options must be a map of names to values");
    else
        r = refuse_unknown(table, given, err);
    size_t i;
    json_t *option;
    json_array_foreach(table, i, option)
    {
        if (r < 0)
            break;
        const json_t *json = json_object_get(given, attribute(option, "name"));
        const json_t *fallback = json_object_get(option, "default");
        struct value v = {.option = option, .name = attribute(option, "name")};
        (void)snprintf(v.place, sizeof(v.place), "option %s", v.name);
        if (json_is_null(json))
            json = NULL;
        if (!json && json_is_true(json_object_get(option, "required")))
            r = refuse(&v, err, "is required");
        else if (json || fallback)
            r = take_option(option, json ? json : fallback, &o, err);
    }
    if (r < 0) {
        options_fini(&o);
        return r;
    }
    *ret = o;
    return 0;
}

void options_fini(struct options *o)
{
    json_decref(o->config);
    json_decref(o->paths);
    json_decref(o->urls);
    json_decref(o->secrets);
    json_decref(o->listens);
    *o = (struct options){0};
}
