/* Conformance tests of options and of create. */
#include "plugins/host/conform/play.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 20

static const char *attribute(const json_t *option, const char *key)
{
    const char *text = json_string_value(json_object_get(option, key));
    return text ? text : "";
}

/* Only what the host says of the options: the plugin is not run. */
static int check(const struct conform *c, const json_t *given, struct error *err)
{
    struct options options;
    int r = options_check(c->description, given, true, &options, err);
    if (r == 0)
        options_fini(&options);
    return r;
}

static enum verdict test_defaults(struct conform *c)
{
    size_t i;
    json_t *option;
    if (!c->description)
        return conform_skip(c, "the plugin cannot be loaded");
    json_array_foreach(json_object_get(c->description, "options"), i, option)
    {
        struct error err = ERROR_INIT;
        if (!json_object_get(option, "default"))
            continue;
        if (json_is_true(json_object_get(option, "required")))
            return conform_fail(c, "option %s is required and has a default", attribute(option, "name"));
        json_t *alone = json_pack("{s:[O]}", "options", option);
        struct options options;
        int r = options_check(alone, NULL, true, &options, &err);
        if (r == 0)
            options_fini(&options);
        json_decref(alone);
        if (r < 0)
            return conform_fail(c, "the default of an option is none of its values: %s", err.message);
    }
    return VERDICT_PASSED;
}

static enum verdict test_required(struct conform *c)
{
    size_t i;
    json_t *option;
    json_array_foreach(json_object_get(c->description, "options"), i, option)
    {
        struct error err = ERROR_INIT;
        const char *name = attribute(option, "name");
        if (!json_is_true(json_object_get(option, "required")))
            continue;
        json_t *given = json_copy(c->options);
        (void)json_object_del(given, name);
        int r = check(c, given, &err);
        json_decref(given);
        if (r == 0 || !strstr(err.message, name))
            return conform_fail(c, "option %s is required, and the configuration is taken without it", name);
    }
    return VERDICT_PASSED;
}

/* create, with what is given for one option put in its place. The process is gone after it. */
static enum verdict create_with(struct conform *c, const char *name, json_t *value, int *ret_result)
{
    struct play p;
    play_init(&p, c);
    p.options = json_copy(c->options);
    (void)json_object_set_new(p.options, name, value);
    enum verdict verdict = play_create(&p, ret_result);
    if (verdict == VERDICT_PASSED && *ret_result == TENDON_OK)
        verdict = play_call(&p, PIPE_DESTROY, NULL, 0, LIMIT_DESTROY_MS);
    json_decref(p.options);
    play_fini(&p);
    return verdict;
}

static json_t *number_as(const char *type, int64_t number)
{
    char text[32];
    if (strcmp(type, "int") == 0)
        return json_integer(number);
    (void)snprintf(text, sizeof(text), "%" PRId64 "%s", number, strcmp(type, "duration") == 0 ? "ms" : "");
    return json_string(text);
}

static bool is_number(const char *type)
{
    return strcmp(type, "int") == 0 || strcmp(type, "duration") == 0 || strcmp(type, "size") == 0;
}

static enum verdict test_bounds(struct conform *c)
{
    size_t i;
    json_t *option;
    json_array_foreach(json_object_get(c->description, "options"), i, option)
    {
        const char *name = attribute(option, "name"), *type = attribute(option, "type");
        const json_t *low = json_object_get(option, "low"), *high = json_object_get(option, "high");
        if (!is_number(type) || !low || !high || strcmp(attribute(option, "shape"), "map") == 0)
            continue;
        for (int end = 0; end < 2; end++) {
            int result;
            int64_t number = json_integer_value(end ? high : low);
            enum verdict verdict = create_with(c, name, number_as(type, number), &result);
            if (verdict != VERDICT_PASSED)
                return verdict;
            /* One beyond never comes to the plugin. */
            struct error err = ERROR_INIT;
            if (number == (end ? INT64_MAX : INT64_MIN) || (!end && number <= 0 && strcmp(type, "int") != 0))
                continue;
            json_t *given = json_copy(c->options);
            (void)json_object_set_new(given, name, number_as(type, end ? number + 1 : number - 1));
            int r = check(c, given, &err);
            json_decref(given);
            if (r == 0)
                return conform_fail(c, "option %s takes a value beyond its range", name);
        }
    }
    return VERDICT_PASSED;
}

/* What people and mistakes put into a text: too long, odd characters, formats, other types' forms. */
static json_t *odd_text(struct conform *c, const json_t *option)
{
    static const char *const ODD[] = {"%s%n%x%d",
                                      "\xc3\xa4\xe2\x82\xac",
                                      "../../../../etc/passwd",
                                      "'\"`$(id)",
                                      "\t\n\r",
                                      "-1",
                                      "{secret:x:0}",
                                      "[",
                                      "*",
                                      "*/*",
                                      "\\",
                                      "a:b:c",
                                      ":",
                                      "0",
                                      "null",
                                      " "};
    size_t high = (size_t)json_integer_value(json_object_get(option, "high"));
    size_t most = high ? high : 1024, low = (size_t)json_integer_value(json_object_get(option, "low"));
    uint64_t what = conform_random(c, sizeof(ODD) / sizeof(*ODD) + 4);
    char room[4097];
    size_t n;
    if (what < sizeof(ODD) / sizeof(*ODD)) {
        n = strlen(ODD[what]);
        memcpy(room, ODD[what], n);
    } else {
        n = what % 2 ? most : conform_random(c, most + 1);
        n = n < sizeof(room) ? n : sizeof(room) - 1;
        for (size_t i = 0; i < n; i++)
            room[i] = what % 3 ? (char)('!' + conform_random(c, 94)) : 'x';
    }
    n = n > most ? most : n;
    for (; n < low && n < sizeof(room) - 1; n++)
        room[n] = 'y';
    json_t *text = json_stringn(room, n);
    return text ? text : json_string("cut");
}

static json_t *odd_value(struct conform *c, const json_t *option)
{
    const char *shape = attribute(option, "shape");
    size_t n_max = (size_t)json_integer_value(json_object_get(option, "n_max"));
    if (strcmp(shape, "one") == 0)
        return odd_text(c, option);
    size_t n = conform_random(c, n_max + 1);
    n = n > 300 && conform_random(c, 4) ? n % 8 : n;
    json_t *all = strcmp(shape, "map") == 0 ? json_object() : json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *value = odd_text(c, option);
        if (json_is_array(all)) {
            (void)json_array_append_new(all, value);
            continue;
        }
        json_t *key = odd_text(c, NULL);
        char name[201];
        (void)snprintf(name, sizeof(name), "%.190s", json_string_value(key));
        if (json_object_set_new(all, name, value) < 0)
            (void)json_object_set_new(all, "key", json_string("v"));
        json_decref(key);
    }
    return all;
}

static enum verdict test_fuzz_options(struct conform *c)
{
    const json_t *table = json_object_get(c->description, "options"), *option = NULL;
    size_t n = json_array_size(table), n_texts = 0;
    for (size_t i = 0; i < n; i++)
        n_texts += strcmp(attribute(json_array_get(table, i), "type"), "string") == 0;
    if (n_texts == 0)
        return conform_skip(c, "the plugin has no option that is a text");
    for (unsigned round = 0; round < ROUNDS; round++) {
        int result;
        do
            option = json_array_get(table, conform_random(c, n));
        while (strcmp(attribute(option, "type"), "string") != 0);
        enum verdict verdict = create_with(c, attribute(option, "name"), odd_value(c, option), &result);
        if (verdict != VERDICT_PASSED) {
            conform_prefix(c, "with an odd text in option %s", attribute(option, "name"));
            return verdict;
        }
    }
    return VERDICT_PASSED;
}

static enum verdict test_create(struct conform *c)
{
    struct play p;
    int result;
    play_init(&p, c);
    enum verdict verdict = play_create(&p, &result);
    if (verdict == VERDICT_PASSED && result != TENDON_OK)
        verdict = VERDICT_FAILED;
    if (verdict == VERDICT_PASSED) {
        json_t *measured = play_measure(&p);
        if (json_integer_value(json_object_get(measured, "misplaced")))
            verdict = conform_fail(c, "create asks for a service: only start and poll may wait for one");
        json_decref(measured);
    }
    play_fini(&p);
    return verdict;
}

const struct conform_test CONFORM_CONFIG[] = {
    {"defaults",
     "The default of an option is one of the values that it takes, and an option that is required has none. "
     "A "
     "default that is refused makes every configuration wrong that leaves the option out.",
     test_defaults},
    {"required",
     "A configuration without an option that is required is refused by the host, which names the option. The "
     "plugin "
     "need not check again.",
     test_required, true},
    {"create",
     "create takes the options that were given, within two seconds and without asking for a service: it "
     "checks what "
     "a table cannot say and allocates. What waits belongs into start.",
     test_create, true},
    {"bounds",
     "Both ends of the range of every number are values that the plugin can be configured with: it works "
     "with them, "
     "or says what is wrong with them. What lies beyond never reaches it.",
     test_bounds, true},
    {"fuzz_options",
     "Texts in a configuration are written by people. Whatever stands in one, create returns TENDON_OK or an "
     "error "
     "with a sentence: it neither crashes nor hangs nor takes the text for a format or a path of its own.",
     test_fuzz_options, true},
    {NULL},
};
