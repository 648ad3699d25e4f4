/* Makes the source of tendond.conf(5): the template given, with the line @KEYS@ replaced by what the tables
 * of config.c say. Run by the build. */
#include "core/tenant/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 4096

/* Text in scdoc's words. */
static void put_text(const char *s)
{
    for (; *s; s++) {
        if (strchr("\\*_", *s))
            (void)putchar('\\');
        (void)putchar(*s);
    }
}

static const char *type_words(const struct config_key *k)
{
    switch (k->type) {
    case CONFIG_TEXT:
        return "text";
    case CONFIG_PATH:
        return "absolute path";
    case CONFIG_NAME:
        return "name";
    case CONFIG_ENUM:
        return "one word";
    case CONFIG_BOOL:
        return "true or false";
    case CONFIG_INT:
        return "whole number";
    case CONFIG_SIZE:
        return "size, such as 64GiB";
    case CONFIG_DURATION:
        return "duration, such as 10s";
    case CONFIG_TEXTS:
        return "list of texts";
    case CONFIG_PATHS:
        return "list of absolute paths";
    case CONFIG_JSON:
    case CONFIG_SECTION:
        return "map";
    case CONFIG_SECTIONS:
        return "list of maps";
    }
    return "";
}

static void put_key(const struct config_key *k)
{
    (void)printf("*%s* (%s", k->name, type_words(k));
    if (k->required)
        (void)printf(", required");
    if (k->preset) {
        (void)printf(", default ");
        put_text(k->preset);
    }
    (void)printf(")\n\t");
    put_text(k->help);
    if (k->restart)
        (void)printf(" A change takes a restart.");
    (void)printf("\n\n");
}

/* The keys of a section, and then those of the sections in it, each under the path that leads there. */
static void put_section(const struct config_section *section, const char *path)
{
    char within[128];
    for (size_t i = 0; i < section->n_keys; i++)
        put_key(&section->keys[i]);
    for (size_t i = 0; i < section->n_keys; i++) {
        const struct config_key *k = &section->keys[i];
        if (!k->section)
            continue;
        (void)snprintf(within, sizeof(within), "%s%s%s", path, k->name,
                       k->type == CONFIG_SECTIONS ? "[]" : "");
        (void)printf("## Keys of ");
        put_text(within);
        (void)printf("\n\n");
        (void)snprintf(within + strlen(within), sizeof(within) - strlen(within), ".");
        put_section(k->section, within);
    }
}

int main(int argc, char **argv)
{
    char line[LINE_BYTES];
    FILE *template = argc == 2 ? fopen(argv[1], "re") : NULL;
    if (!template) {
        (void)fprintf(stderr, "usage: config-man TEMPLATE\n");
        return 2;
    }
    while (fgets(line, sizeof(line), template)) {
        if (strcmp(line, "@KEYS@\n") == 0)
            put_section(&CONFIG_DAEMON, "");
        else
            (void)fputs(line, stdout);
    }
    (void)fclose(template);
    return fflush(stdout) < 0 ? 1 : 0;
}
