#include "tests/unit/fake_host.h"

#include "plugins/host/file/service.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include <cmocka.h>

struct tendon_config {
    struct fake_host *host;
};

struct tendon_batch {
    struct fake_host *host;
    char line[8192];
    size_t n_line;
    size_t n_taken, n_kept_before;
    bool full;
};

/* --- options ---------------------------------------------------------------------------------------------
 */

static const struct tendon_option *option_find(const struct fake_host *host, const char *name)
{
    for (const struct tendon_option *option = host->plugin->options; option->name; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    fail_msg("the plugin asks for an option that its table lacks: %s", name);
    return NULL;
}

static const struct fake_option *given(const struct fake_host *host, const char *name, uint32_t index)
{
    (void)option_find(host, name);
    for (const struct fake_option *option = host->options; option && option->name; option++)
        if (strcmp(option->name, name) == 0 && index-- == 0)
            return option;
    return NULL;
}

static uint32_t config_count(const struct tendon_config *config, const char *name)
{
    uint32_t n = 0;

    while (given(config->host, name, n))
        n++;
    return n;
}

static const char *config_string(const struct tendon_config *config, const char *name, uint32_t index)
{
    const struct fake_option *option = given(config->host, name, index);

    return option ? option->value : index == 0 ? option_find(config->host, name)->fallback : NULL;
}

static int64_t config_int(const struct tendon_config *config, const char *name, uint32_t index)
{
    const struct tendon_option *option = option_find(config->host, name);
    const char *text = config_string(config, name, index);
    char *end;
    long long number;

    if (!text)
        return 0;
    if (option->type == TENDON_BOOL)
        return strcmp(text, "true") == 0;
    if (option->type == TENDON_ENUM) {
        for (int i = 0; option->values[i]; i++)
            if (strcmp(option->values[i], text) == 0)
                return i;
        fail_msg("%s is no value of %s", text, name);
    }
    number = strtoll(text, &end, 10);
    if (option->type == TENDON_DURATION) {
        static const struct {
            const char *unit;
            int64_t ms;
        } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
            if (strcmp(end, units[i].unit) == 0)
                return number * units[i].ms;
        fail_msg("%s is no duration", text);
    }
    assert_string_equal(end, "");
    return number;
}

static const char *config_key(const struct tendon_config *config, const char *name, uint32_t index)
{
    const struct fake_option *option = given(config->host, name, index);

    return option ? option->key : NULL;
}

static int64_t config_find(const struct tendon_config *config, const char *name, const char *key)
{
    const struct fake_option *option;

    for (uint32_t i = 0; (option = given(config->host, name, i)); i++)
        if (strcmp(option->key, key) == 0)
            return i;
    return -1;
}

/* --- events ----------------------------------------------------------------------------------------------
 */

static void __attribute__((format(printf, 2, 3))) say(struct tendon_batch *batch, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    batch->n_line += (size_t)vsnprintf(batch->line + batch->n_line, sizeof(batch->line) - batch->n_line,
                                       format, arguments);
    va_end(arguments);
    assert_true(batch->n_line < sizeof(batch->line));
}

static void batch_event(struct tendon_batch *batch, const char *type, const char *ticket, const char *id,
                        int64_t at_ms, uint32_t seq)
{
    batch->n_line = 0;
    say(batch, "%s %s %lld %u %s", type, ticket ? ticket : "-", (long long)at_ms, seq, id ? id : "-");
}

static void batch_string(struct tendon_batch *batch, const char *key, const char *value, size_t size)
{
    say(batch, " %s=%.*s", key, (int)(size == TENDON_TEXT ? strlen(value) : size), value);
}

static void batch_int(struct tendon_batch *batch, const char *key, int64_t value)
{
    say(batch, " %s=%lld", key, (long long)value);
}

static void batch_double(struct tendon_batch *batch, const char *key, double value)
{
    say(batch, " %s=%.17g", key, value);
}

static void batch_bool(struct tendon_batch *batch, const char *key, int value)
{
    say(batch, " %s=%s", key, value ? "true" : "false");
}

static void batch_nil(struct tendon_batch *batch, const char *key)
{
    say(batch, " %s=nil", key);
}

static int batch_end(struct tendon_batch *batch)
{
    struct fake_host *host = batch->host;

    if (batch->n_taken >= host->batch_lines) {
        batch->full = true;
        return TENDON_FULL;
    }
    batch->n_taken++;
    host->n_events++;
    host->sum += XXH3_64bits(batch->line, batch->n_line);
    if (host->sums_only)
        return TENDON_OK;
    if (host->n_lines == host->room) {
        host->room = host->room ? host->room * 2 : 256;
        host->lines = realloc(host->lines, host->room * sizeof(*host->lines));
        assert_non_null(host->lines);
    }
    host->lines[host->n_lines++] = strndup(batch->line, batch->n_line);
    return TENDON_OK;
}

static int batch_full(const struct tendon_batch *batch)
{
    return batch->full || batch->n_taken >= batch->host->batch_lines;
}

static void batch_cursor(struct tendon_batch *batch, const void *data, size_t size)
{
    assert_true(size <= TENDON_CURSOR_BYTES);
    memcpy(batch->host->cursor, data, size);
    batch->host->n_cursor = size;
}

static void batch_skip(struct tendon_batch *batch, const char *code, const char *where, uint64_t line)
{
    struct fake_host *host = batch->host;

    assert_true(host->n_skips < sizeof(host->skips) / sizeof(host->skips[0]));
    snprintf(host->skips[host->n_skips].code, sizeof(host->skips[0].code), "%s", code);
    snprintf(host->skips[host->n_skips].where, sizeof(host->skips[0].where), "%s", where ? where : "-");
    host->skips[host->n_skips++].line = line;
}

static void batch_retry(struct tendon_batch *batch, int64_t ms)
{
    (void)batch;
    assert_in_range(ms, 0, 86400000);
}

/* --- the rest of the host --------------------------------------------------------------------------------
 */

static void host_log(const struct tendon_host *host, int level, const char *text)
{
    (void)level;
    snprintf(((struct fake_host *)host->instance)->log, 256, "%s", text);
}

static int64_t host_now(const struct tendon_host *host)
{
    return ((struct fake_host *)host->instance)->now_ms;
}

/* Times in UTC, by strptime. */
static int host_time(const struct tendon_host *host, const char *format, const char *zone, const char *text,
                     size_t size, int64_t *ret_ms)
{
    struct tm tm = {0};
    char copy[64];
    const char *end;

    (void)host;
    assert_true(!zone || strcmp(zone, "UTC") == 0);
    if (size >= sizeof(copy))
        return TENDON_INVALID;
    memcpy(copy, text, size);
    copy[size] = '\0';
    end = strptime(copy, format ? format : "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!end || *end)
        return TENDON_INVALID;
    *ret_ms = (int64_t)timegm(&tm) * 1000;
    return TENDON_OK;
}

static const void *host_extension(const struct tendon_host *host, const char *name)
{
    (void)host;
    return strcmp(name, TENDON_FILE_1) == 0 ? file_service() : NULL;
}

void fake_load(struct fake_host *host, const char *path, const struct fake_option *options)
{
    const struct tendon_plugin *(*entry)(uint32_t);
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!so)
        fail_msg("%s", dlerror());
    entry = (const struct tendon_plugin *(*)(uint32_t))dlsym(so, "tendon_plugin_entry");
    assert_non_null(entry);
    assert_null(entry((uint32_t)(TENDON_ABI_MAJOR + 1) << 16));
    *host = (struct fake_host){
        .vtable =
            {
                .struct_size = sizeof(host->vtable),
                .abi = TENDON_ABI,
                .log = host_log,
                .now = host_now,
                .count = config_count,
                .get_int = config_int,
                .get_string = config_string,
                .get_key = config_key,
                .find = config_find,
                .event = batch_event,
                .set_string = batch_string,
                .set_int = batch_int,
                .set_double = batch_double,
                .set_bool = batch_bool,
                .set_nil = batch_nil,
                .end = batch_end,
                .full = batch_full,
                .cursor = batch_cursor,
                .skip = batch_skip,
                .retry_after = batch_retry,
                .time_parse = host_time,
                .extension = host_extension,
            },
        .plugin = entry(TENDON_ABI),
        .options = options,
        .batch_lines = 1000,
        .now_ms = 1700000000000,
    };
    assert_non_null(host->plugin);
    assert_int_equal(host->plugin->magic, TENDON_MAGIC);
}

int fake_create(struct fake_host *host)
{
    struct tendon_config config = {host};

    host->vtable.instance = host;
    for (const struct fake_option *option = host->options; option->name; option++)
        (void)option_find(host, option->name);
    return host->plugin->create(&host->vtable, &config, &host->self, host->err);
}

int fake_start(struct fake_host *host)
{
    return host->plugin->start(host->self, host->cursor, host->n_cursor, host->err);
}

int fake_poll(struct fake_host *host)
{
    struct tendon_batch batch = {.host = host};

    return host->plugin->poll(host->self, &batch, 100, host->err);
}

int fake_drain(struct fake_host *host)
{
    for (int i = 0; i < 5000; i++) {
        int rc = fake_poll(host);

        if (rc != TENDON_OK)
            return rc;
    }
    fail_msg("no end");
    return TENDON_OK;
}

void fake_clear(struct fake_host *host)
{
    for (size_t i = 0; i < host->n_lines; i++)
        free(host->lines[i]);
    free(host->lines);
    host->lines = NULL;
    host->n_lines = host->room = host->n_skips = 0;
    host->n_events = host->sum = 0;
}

void fake_end(struct fake_host *host)
{
    if (host->plugin->stop && host->self)
        host->plugin->stop(host->self);
    host->plugin->destroy(host->self);
    host->self = NULL;
    host->n_cursor = 0;
    fake_clear(host);
}

const char *fake_find(const struct fake_host *host, const char *part)
{
    for (size_t i = 0; i < host->n_lines; i++)
        if (strstr(host->lines[i], part))
            return host->lines[i];
    return NULL;
}
