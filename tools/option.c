#include "tools/option.h"

#include "core/base/nearest.h"
#include "proto/msgpack.h"
#include "tools/key.h"

#include <assert.h>
#include <string.h>

static const struct option *table_find(const struct option *table, const char *name, size_t size)
{
    for (; table && table->name; table++)
        if (strlen(table->name) == size && memcmp(table->name, name, size) == 0)
            return table;
    return NULL;
}

static const struct option *table_find_letter(const struct option *table, char letter)
{
    for (; table && table->name; table++)
        if (table->letter == letter)
            return table;
    return NULL;
}

static void table_offer(struct nearest *nearest, const struct option *table)
{
    for (; table && table->name; table++)
        nearest_offer(nearest, table->name);
}

/* The option whose name begins so: what somebody meant who shortened it. */
static const char *table_begins(const struct option *table, const char *name, size_t size)
{
    for (; table && table->name; table++)
        if (strncmp(table->name, name, size) == 0)
            return table->name;
    return NULL;
}

static const struct option *command_options(const struct invocation *invocation)
{
    return invocation->command ? invocation->command->options : NULL;
}

static const char *command_words(const struct invocation *invocation)
{
    return invocation->command ? invocation->command->name : "";
}

static int usage(const struct invocation *invocation, struct error *err)
{
    if (!err->hint[0])
        error_hint(err, "tendon%s%s --help shows what there is", invocation->command ? " " : "",
                   command_words(invocation));
    return -EINVAL;
}

static int unknown_option(const struct invocation *invocation, const char *name, size_t size,
                          struct error *err)
{
    struct nearest nearest;
    nearest_init(&nearest, name, size);
    table_offer(&nearest, command_options(invocation));
    table_offer(&nearest, COMMON_OPTIONS);
    if (!nearest.best && size > 0)
        nearest.best = table_begins(command_options(invocation), name, size);
    if (!nearest.best && size > 0)
        nearest.best = table_begins(COMMON_OPTIONS, name, size);
    error_set(err, -EINVAL, "usage", "there is no option --%.*s%s%s", (int)(size < 64 ? size : 64), name,
              invocation->command ? " of tendon " : "", command_words(invocation));
    if (nearest.best)
        error_hint(err, "did you mean --%s?", nearest.best);
    else if (!invocation->command)
        error_hint(err, "the options of a command stand behind its name: tendon COMMAND --%.*s …",
                   (int)(size < 64 ? size : 64), name);
    return usage(invocation, err);
}

static int choice_check(const struct invocation *invocation, const struct option *option, const char *value,
                        struct error *err)
{
    size_t n = 0;
    for (; option->choices[n]; n++)
        if (strcmp(option->choices[n], value) == 0)
            return 0;
    char list[160] = "";
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(list), size = strlen(option->choices[i]);
        if (at + size + 3 > sizeof(list))
            break;
        if (i > 0)
            memcpy(list + at, ", ", 3), at += 2;
        memcpy(list + at, option->choices[i], size + 1);
    }
    const char *near = nearest_name(value, option->choices, n);
    error_set(err, -EINVAL, "usage", "--%s cannot be \"%.64s\"; it is one of: %s", option->name, value, list);
    if (near)
        error_hint(err, "did you mean %s?", near);
    return usage(invocation, err);
}

/* What is no UTF-8 cannot be sent: without this it would be left out of the question, and a condition with
 * it. The names of files are bytes. */
static int text_check(const struct invocation *invocation, const char *dashes, const char *name, bool is_file,
                      const char *value, struct error *err)
{
    if (is_file || utf8_valid(value, strlen(value)))
        return 0;
    error_set(err, -EINVAL, "usage", "%s%s is not valid UTF-8", dashes, name);
    return usage(invocation, err);
}

static int option_add(struct invocation *invocation, const struct option *option, const char *value,
                      struct error *err)
{
    if (value && text_check(invocation, "--", option->name, option->names == NAMES_FILE, value, err) < 0)
        return -EINVAL;
    if (invocation->n_given == INVOCATION_MAX) {
        error_set(err, -EINVAL, "usage", "more than %d options", INVOCATION_MAX);
        return usage(invocation, err);
    }
    if (value && option->choices) {
        int r = choice_check(invocation, option, value, err);
        if (r < 0)
            return r;
    }
    invocation->given[invocation->n_given++] = (struct given_option){option, value};
    return 0;
}

/* Whether a word would be read as an option. "-" alone is a file name: standard input; and a public key may
 * begin with "-", which no pile of short options resembles. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && (word[1] == '-' || !key_valid(word));
}

static int value_missing(const struct invocation *invocation, const struct option *option, struct error *err)
{
    error_set(err, -EINVAL, "usage", "--%s needs a value: --%s %s", option->name, option->name,
              option->metavar);
    return usage(invocation, err);
}

static int long_read(struct invocation *invocation, char *const *argv, int argc, int *i, struct error *err)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *option = table_find(command_options(invocation), name, size);
    if (!option)
        option = table_find(COMMON_OPTIONS, name, size);
    if (!option)
        return unknown_option(invocation, name, size, err);
    if (option->kind == OPTION_FLAG) {
        if (equals) {
            error_set(err, -EINVAL, "usage", "--%s takes no value", option->name);
            return usage(invocation, err);
        }
        return option_add(invocation, option, NULL, err);
    }
    if (equals)
        return option_add(invocation, option, equals + 1, err);
    /* A value may begin with a dash, but not be one of our own options: that is a value forgotten. */
    const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;
    if (next && strncmp(next, "--", 2) == 0) {
        size_t next_size = strcspn(next + 2, "=");
        if (next_size == 0 || table_find(command_options(invocation), next + 2, next_size) ||
            table_find(COMMON_OPTIONS, next + 2, next_size))
            next = NULL;
    }
    if (!next)
        return value_missing(invocation, option, err);
    (*i)++;
    return option_add(invocation, option, next, err);
}

static int short_read(struct invocation *invocation, char *const *argv, int argc, int *i, struct error *err)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const struct option *option = table_find_letter(command_options(invocation), *p);
        if (!option)
            option = table_find_letter(COMMON_OPTIONS, *p);
        if (!option) {
            /* "-since" is meant as "--since" */
            const char *name = argv[*i] + 1;
            size_t size = strcspn(name, "=");
            bool is_long =
                table_find(command_options(invocation), name, size) || table_find(COMMON_OPTIONS, name, size);
            error_set(err, -EINVAL, "usage", "there is no option -%c%s%s", *p,
                      invocation->command ? " of tendon " : "", command_words(invocation));
            if (is_long)
                error_hint(err, "did you mean --%.*s?", (int)(size < 64 ? size : 64), name);
            return usage(invocation, err);
        }
        if (option->kind != OPTION_FLAG) {
            const char *value = p[1] ? p + 1 : *i + 1 < argc ? argv[++*i] : NULL;
            return value ? option_add(invocation, option, value, err)
                         : value_missing(invocation, option, err);
        }
        int r = option_add(invocation, option, NULL, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The words that name the command are the first ones that are neither an option nor the value of a common
 * one: `tendon --connect ipc:///run/x query` reads like `tendon query --connect ipc:///run/x`. */
static size_t words_collect(char *const *argv, int argc, char *words[2])
{
    size_t n = 0;
    for (int i = 1; i < argc && n < 2; i++) {
        if (strcmp(argv[i], "--") == 0)
            break;
        if (!is_option(argv[i])) {
            words[n++] = argv[i];
            continue;
        }
        const char *name = argv[i] + 2;
        const struct option *option = argv[i][1] == '-' ? table_find(COMMON_OPTIONS, name, strcspn(name, "="))
                                                        : table_find_letter(COMMON_OPTIONS, argv[i][1]);
        /* An option of the command ends the search: what follows may be its value. */
        if (!option)
            break;
        if (option->kind != OPTION_FLAG && argv[i][1] == '-' && !strchr(name, '='))
            i++;
    }
    return n;
}

static int unknown_command(const struct invocation *invocation, char *const *words, size_t n,
                           struct error *err)
{
    struct nearest nearest;
    char both[NEAREST_BYTES + 1];
    size_t size = strlen(words[0]);
    if (command_is_group(words[0])) {
        if (n < 2) {
            error_set(err, -EINVAL, "usage", "tendon %.64s needs to know what to do", words[0]);
            error_hint(err, "tendon help %.64s lists what there is", words[0]);
            return -EINVAL;
        }
        size_t second = strlen(words[1]);
        error_set(err, -EINVAL, "usage", "there is no command \"%.64s %.64s\"", words[0], words[1]);
        error_hint(err, "tendon help %.64s lists what there is", words[0]);
        if (size + 1 + second > NEAREST_BYTES)
            return -EINVAL;
        /* Only the second word can be wrong: it is compared without the first, which would hide it. */
        nearest_init(&nearest, words[1], second);
        for (size_t i = 0; i < N_COMMANDS; i++)
            if (strncmp(COMMANDS[i]->name, words[0], size) == 0 && COMMANDS[i]->name[size] == ' ')
                nearest_offer(&nearest, COMMANDS[i]->name + size + 1);
        if (nearest.best)
            error_hint(err, "did you mean tendon %s %s?", words[0], nearest.best);
        return -EINVAL;
    }
    error_set(err, -EINVAL, "usage", "there is no command \"%.64s\"", words[0]);
    if (size <= NEAREST_BYTES) {
        char names[64][NEAREST_BYTES + 1];
        nearest_init(&nearest, words[0], size);
        for (size_t i = 0; i < N_COMMANDS && i < 64; i++) {
            size_t first = strcspn(COMMANDS[i]->name, " ");
            if (COMMANDS[i]->hidden || first > NEAREST_BYTES)
                continue;
            memcpy(names[i], COMMANDS[i]->name, first);
            names[i][first] = '\0';
            nearest_offer(&nearest, names[i]);
        }
        if (nearest.best) {
            (void)strcpy(both, nearest.best);
            error_hint(err, "did you mean tendon %s?", both);
        }
    }
    if (!err->hint[0])
        error_hint(err, "tendon help lists all commands");
    return -EINVAL;
}

static int arguments_check(const struct invocation *invocation, struct error *err)
{
    const struct command *command = invocation->command;
    size_t n = 0, required = 0;
    bool many = false;
    for (const struct argument *a = command->arguments; a && a->name; a++) {
        n++;
        required += !a->optional;
        many = a->many;
    }
    if (invocation->n_arguments < required) {
        const struct argument *missing = &command->arguments[invocation->n_arguments];
        error_set(err, -EINVAL, "usage", "tendon %s needs %s: %s", command->name, missing->name,
                  missing->help);
        return usage(invocation, err);
    }
    if (invocation->n_arguments > n && !many) {
        const char *extra = invocation->arguments[n];
        error_set(err, -EINVAL, "usage", "tendon %s does not know what to do with \"%.64s\"", command->name,
                  extra);
        /* `metrics shwo`: a second word that is nearly one of a longer command's */
        struct nearest nearest;
        size_t size = strlen(command->name);
        nearest_init(&nearest, extra, strlen(extra));
        for (size_t i = 0; n == 0 && i < N_COMMANDS; i++)
            if (strncmp(COMMANDS[i]->name, command->name, size) == 0 && COMMANDS[i]->name[size] == ' ')
                nearest_offer(&nearest, COMMANDS[i]->name + size + 1);
        if (nearest.best)
            error_hint(err, "did you mean tendon %s %s?", command->name, nearest.best);
        return usage(invocation, err);
    }
    for (size_t i = 0; i < invocation->n_arguments; i++) {
        const struct argument *a = &command->arguments[i < n ? i : n - 1];
        if (text_check(invocation, "", a->name, a->names == NAMES_FILE, invocation->arguments[i], err) < 0)
            return -EINVAL;
    }
    return 0;
}

int invocation_read(struct invocation *invocation, int argc, char *const *argv, struct error *err)
{
    *invocation = (struct invocation){0};
    char *words[2];
    size_t n_words = words_collect(argv, argc, words), named = 0;
    invocation->command = n_words > 0 ? command_find(words, n_words, &named) : NULL;
    bool options_over = false;
    size_t passed = 0; /* words of the command's name seen so far */
    for (int i = 1; i < argc; i++) {
        int r = 0;
        if (!options_over && strcmp(argv[i], "--") == 0)
            options_over = true;
        else if (!options_over && strncmp(argv[i], "--", 2) == 0)
            r = long_read(invocation, argv, argc, &i, err);
        else if (!options_over && is_option(argv[i]))
            r = short_read(invocation, argv, argc, &i, err);
        else if (passed < named)
            passed++;
        else if (invocation->n_arguments < INVOCATION_MAX)
            invocation->arguments[invocation->n_arguments++] = argv[i];
        else
            r = error_set(err, -EINVAL, "usage", "more than %d arguments", INVOCATION_MAX);
        if (r < 0) {
            /* An unknown command explains more than an option that is only unknown without it. */
            if (!invocation->command && n_words > 0)
                return unknown_command(invocation, words, n_words, err);
            return r;
        }
    }
    if (invocation_has(invocation, "help") || invocation_has(invocation, "version"))
        return 0;
    if (!invocation->command)
        return n_words > 0 ? unknown_command(invocation, words, n_words, err) : 0;
    return arguments_check(invocation, err);
}

const char *invocation_value(const struct invocation *invocation, const char *name)
{
    size_t size = strlen(name);
    assert(table_find(command_options(invocation), name, size) || table_find(COMMON_OPTIONS, name, size));
    for (size_t i = invocation->n_given; i-- > 0;)
        if (strcmp(invocation->given[i].option->name, name) == 0)
            return invocation->given[i].value;
    return NULL;
}

bool invocation_has(const struct invocation *invocation, const char *name)
{
    for (size_t i = 0; i < invocation->n_given; i++)
        if (strcmp(invocation->given[i].option->name, name) == 0)
            return true;
    return false;
}

const char *invocation_argument(const struct invocation *invocation, size_t i)
{
    return i < invocation->n_arguments ? invocation->arguments[i] : NULL;
}
