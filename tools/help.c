#include "tools/help.h"

#include "tools/terminal.h"

#include <string.h>

#define HELP_WIDTH 100 /* text is not set wider, whatever the terminal is */
#define TERM_WIDTH 26  /* of the column of names */

static unsigned help_width(unsigned width)
{
    return width > 0 && width < HELP_WIDTH ? width : HELP_WIDTH;
}

void help_synopsis(FILE *out, const struct command *command)
{
    (void)fputs(command->name, out);
    for (const struct argument *a = command->arguments; a && a->name; a++)
        (void)fprintf(out, a->optional ? " [%s]%s" : " %s%s", a->name, a->many ? "…" : "");
    if (command->options)
        (void)fputs(" [OPTION]…", out);
}

/* A name and its text beside it, or under it where the name is long. */
static void entry_write(FILE *out, const char *name, const char *text, unsigned width)
{
    size_t taken = text_width(name);
    (void)fprintf(out, "  %s", name);
    if (taken > TERM_WIDTH - 4)
        (void)fprintf(out, "\n%*s", TERM_WIDTH, "");
    else
        (void)fprintf(out, "%*s", (int)(TERM_WIDTH - 2 - taken), "");
    text_wrap(out, text, TERM_WIDTH, width);
}

static void options_write(FILE *out, const struct option *table, unsigned width)
{
    for (; table && table->name; table++) {
        char name[128], text[512], letter[8] = "    ";
        if (table->letter)
            (void)snprintf(letter, sizeof(letter), "-%c, ", table->letter);
        (void)snprintf(name, sizeof(name), "%s--%s%s%s", letter, table->name, table->metavar ? " " : "",
                       table->metavar ? table->metavar : "");
        size_t at = (size_t)snprintf(text, sizeof(text), "%s%s", table->help,
                                     table->kind == OPTION_MANY ? "; may be given again" : "");
        for (size_t i = 0; table->choices && table->choices[i] && at < sizeof(text); i++)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i == 0 ? "; one of: " : ", ",
                                   table->choices[i]);
        entry_write(out, name, text, width);
    }
}

void help_commands(FILE *out, const char *group, unsigned width)
{
    width = help_width(width);
    if (!group) {
        (void)fputs("tendon measures technical support: it asks the collector, tendond.\n\n"
                    "Usage: tendon COMMAND [ARGUMENT]… [OPTION]…\n\n",
                    out);
    }
    (void)fputs("Commands:\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        size_t size = group ? strlen(group) : 0;
        const char *name = COMMANDS[i]->name;
        if (COMMANDS[i]->hidden ||
            (group && !(strncmp(name, group, size) == 0 && (name[size] == ' ' || name[size] == '\0'))))
            continue;
        entry_write(out, name, COMMANDS[i]->summary, width);
    }
    if (group)
        return;
    (void)fputs("\nOptions of every command:\n", out);
    options_write(out, COMMON_OPTIONS, width);
    (void)fputs("\nExit codes:\n", out);
#define X(name, number, sentence) entry_write(out, #number, sentence, width);
    EXIT_CODES(X)
#undef X
    (void)fputs("\nFirst steps:\n"
                "  tendon status                    is the collector well, and what does it collect?\n"
                "  tendon metrics                   what can be asked\n"
                "  tendon query first_response_time.p50,csat --by vendor --since 90d\n"
                "  tendon help query                everything about one command\n",
                out);
}

void help_command(FILE *out, const struct command *command, unsigned width)
{
    width = help_width(width);
    (void)fputs("Usage: tendon ", out);
    help_synopsis(out, command);
    (void)fprintf(out, "\n\n");
    char summary[256];
    (void)snprintf(summary, sizeof(summary), "%s.", command->summary);
    if (summary[0] >= 'a' && summary[0] <= 'z')
        summary[0] = (char)(summary[0] - 'a' + 'A');
    text_wrap(out, summary, 0, width);
    if (command->description) {
        (void)fputc('\n', out);
        text_wrap(out, command->description, 0, width);
    }
    if (command->arguments)
        (void)fputs("\nArguments:\n", out);
    for (const struct argument *a = command->arguments; a && a->name; a++)
        entry_write(out, a->name, a->help, width);
    if (command->options)
        (void)fputs("\nOptions:\n", out);
    options_write(out, command->options, width);
    (void)fputs("\nOptions of every command:\n", out);
    options_write(out, COMMON_OPTIONS, width);
    if (command->examples)
        (void)fprintf(out, "\nExamples:\n%s", command->examples);
    (void)fputs("\nExit codes:\n", out);
#define X(name, number, sentence) entry_write(out, #number, sentence, width);
    EXIT_CODES(X)
#undef X
}
