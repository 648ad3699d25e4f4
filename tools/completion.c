#include "tools/completion.h"

#include "tools/command.h"
#include "tools/help.h"

#include <stdlib.h>
#include <string.h>

static bool is_shown(const struct command *command)
{
    return !command->hidden;
}

/* Where a value names a metric, the shell asks the collector, quietly and within a second. */
#define METRICS_COMMAND "tendon metrics -o tsv --timeout 1s 2>/dev/null | tail -n +2 | cut -f1"

/* --- bash ---------------------------------------------------------------------------------------------- */

static void bash_options(FILE *out, const struct option *table)
{
    for (; table && table->name; table++) {
        (void)fprintf(out, " --%s", table->name);
        if (table->letter)
            (void)fprintf(out, " -%c", table->letter);
    }
}

/* The case of one option's value. */
static void bash_value(FILE *out, const struct option *o, const char *indent)
{
    if (o->kind == OPTION_FLAG)
        return;
    (void)fprintf(out, "%s--%s", indent, o->name);
    if (o->letter)
        (void)fprintf(out, "|-%c", o->letter);
    (void)fputs(") ", out);
    if (o->choices) {
        (void)fputs("COMPREPLY=($(compgen -W \"", out);
        for (size_t i = 0; o->choices[i]; i++)
            (void)fprintf(out, "%s%s", i > 0 ? " " : "", o->choices[i]);
        (void)fputs("\" -- \"$current\"))", out);
    } else if (o->names == NAMES_FILE) {
        (void)fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))", out);
    } else {
        (void)fputs("COMPREPLY=()", out);
    }
    (void)fputs("; return;;\n", out);
}

static void bash_words(FILE *out)
{
    char last[64] = "";
    for (size_t i = 0; i < N_COMMANDS; i++) {
        char first[64];
        (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(COMMANDS[i]->name, " "), COMMANDS[i]->name);
        if (!is_shown(COMMANDS[i]) || strcmp(first, last) == 0)
            continue;
        (void)fprintf(out, "%s%s", last[0] ? " " : "", first);
        (void)strcpy(last, first);
    }
}

static void bash_seconds(FILE *out)
{
    char last[64] = "";
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *space = strchr(COMMANDS[i]->name, ' ');
        if (!is_shown(COMMANDS[i]) || !space)
            continue;
        char first[64];
        (void)snprintf(first, sizeof(first), "%.*s", (int)(space - COMMANDS[i]->name), COMMANDS[i]->name);
        if (strcmp(first, last) == 0) {
            (void)fprintf(out, " %s", space + 1);
            continue;
        }
        (void)fprintf(out, "%s        %s) seconds=\"%s", last[0] ? "\";;\n" : "", first, space + 1);
        (void)strcpy(last, first);
    }
    (void)fputs(last[0] ? "\";;\n" : "", out);
}

void completion_bash(FILE *out)
{
    (void)fputs("# bash completion of tendon, made by tendon completion bash\n"
                "_tendon() {\n"
                "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    local first= second= seconds= word i\n"
                "    COMPREPLY=()\n"
                "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                "        word=${COMP_WORDS[i]}\n"
                "        [[ $word == -* ]] && continue\n"
                "        if [[ -z $first ]]; then first=$word; elif [[ -z $second ]]; then second=$word; fi\n"
                "    done\n"
                "    case $first in\n",
                out);
    bash_seconds(out);
    (void)fputs("    esac\n"
                "    local command=$first\n"
                "    [[ -n $second && \" $seconds \" == *\" $second \"* ]] && command=\"$first $second\"\n"
                "    case $previous in\n",
                out);
    for (const struct option *o = COMMON_OPTIONS; o->name; o++)
        bash_value(out, o, "        ");
    (void)fputs("    esac\n"
                "    if [[ -z $first ]]; then\n"
                "        COMPREPLY=($(compgen -W \"",
                out);
    bash_words(out);
    bash_options(out, COMMON_OPTIONS);
    (void)fputs("\" -- \"$current\"))\n"
                "        return\n"
                "    fi\n"
                "    if [[ -n $seconds && -z $second && $current != -* ]]; then\n"
                "        COMPREPLY=($(compgen -W \"$seconds\" -- \"$current\"))\n"
                "        return\n"
                "    fi\n"
                "    case $command in\n",
                out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *c = COMMANDS[i];
        if (!is_shown(c))
            continue;
        (void)fprintf(out, "    '%s')\n        case $previous in\n", c->name);
        for (const struct option *o = c->options; o && o->name; o++)
            bash_value(out, o, "            ");
        (void)fputs("        esac\n"
                    "        if [[ $current == -* ]]; then\n"
                    "            COMPREPLY=($(compgen -W \"",
                    out);
        bash_options(out, c->options);
        bash_options(out, COMMON_OPTIONS);
        (void)fputs("\" -- \"$current\"))\n"
                    "            return\n"
                    "        fi\n",
                    out);
        enum value_source names = c->arguments ? c->arguments[0].names : NAMES_NOTHING;
        if (names == NAMES_FILE)
            (void)fputs("        compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))\n", out);
        else if (names == NAMES_METRIC)
            (void)fputs("        COMPREPLY=($(compgen -W \"$(" METRICS_COMMAND ")\" -- \"$current\"))\n",
                        out);
        else if (names == NAMES_COMMAND) {
            (void)fputs("        COMPREPLY=($(compgen -W \"", out);
            bash_words(out);
            (void)fputs("\" -- \"$current\"))\n", out);
        }
        (void)fputs("        ;;\n", out);
    }
    (void)fputs("    esac\n}\ncomplete -F _tendon tendon\n", out);
}

/* --- zsh ----------------------------------------------------------------------------------------------- */

/* A text within a quoted specification of _arguments. */
static void zsh_text(FILE *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '\'')
            (void)fputs("'\\''", out);
        else if (strchr("[]:\\", *s))
            (void)fprintf(out, "\\%c", *s);
        else
            (void)fputc(*s, out);
    }
}

static void zsh_options(FILE *out, const struct option *table)
{
    for (; table && table->name; table++) {
        for (int form = 0; form < (table->letter ? 2 : 1); form++) {
            (void)fputs(" \\\n            '", out);
            if (table->kind == OPTION_MANY)
                (void)fputc('*', out);
            if (form == 0)
                (void)fprintf(out, "--%s", table->name);
            else
                (void)fprintf(out, "-%c", table->letter);
            (void)fputc('[', out);
            zsh_text(out, table->help);
            (void)fputc(']', out);
            if (table->metavar) {
                (void)fputc(':', out);
                zsh_text(out, table->metavar);
                (void)fputc(':', out);
                if (table->choices) {
                    (void)fputc('(', out);
                    for (size_t i = 0; table->choices[i]; i++)
                        (void)fprintf(out, "%s%s", i > 0 ? " " : "", table->choices[i]);
                    (void)fputc(')', out);
                } else if (table->names == NAMES_FILE) {
                    (void)fputs("_files", out);
                }
            }
            (void)fputc('\'', out);
        }
    }
}

void completion_zsh(FILE *out)
{
    (void)fputs("#compdef tendon\n# zsh completion of tendon, made by tendon completion zsh\n\n"
                "_tendon() {\n"
                "    local -a commands\n"
                "    commands=(\n",
                out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (!is_shown(COMMANDS[i]))
            continue;
        (void)fputs("        '", out);
        zsh_text(out, COMMANDS[i]->name);
        (void)fputc(':', out);
        zsh_text(out, COMMANDS[i]->summary);
        (void)fputs("'\n", out);
    }
    (void)fputs("    )\n"
                "    local command=$words[2]\n"
                "    local -a pair\n"
                "    pair=(${(M)commands:#\"$words[2] $words[3]:\"*})\n"
                "    if (( CURRENT == 2 )); then\n"
                "        local -a firsts\n"
                "        firsts=(${(u)${commands%%:*}%% *})\n"
                "        compadd -a firsts\n"
                "        return\n"
                "    fi\n"
                "    local -a seconds\n"
                "    seconds=(${${${(M)commands:#\"$words[2] \"*}%%:*}#* })\n"
                "    if (( CURRENT == 3 && $#seconds )) && [[ $PREFIX != -* ]]; then\n"
                "        compadd -a seconds\n"
                "        return\n"
                "    fi\n"
                "    (( $#pair )) && command=\"$words[2] $words[3]\"\n"
                "    case $command in\n",
                out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *c = COMMANDS[i];
        if (!is_shown(c))
            continue;
        (void)fprintf(out, "    ('%s')\n        _arguments -S", c->name);
        zsh_options(out, c->options);
        zsh_options(out, COMMON_OPTIONS);
        for (const struct argument *a = c->arguments; a && a->name; a++) {
            (void)fputs(" \\\n            '", out);
            (void)fputs(a->many ? "*:" : ":", out);
            zsh_text(out, a->name);
            (void)fputc(':', out);
            if (a->names == NAMES_FILE)
                (void)fputs("_files", out);
            else if (a->names == NAMES_METRIC)
                (void)fputs("{compadd -- $(" METRICS_COMMAND ")}", out);
            (void)fputc('\'', out);
        }
        (void)fputs("\n        ;;\n", out);
    }
    (void)fputs("    esac\n}\n\n_tendon \"$@\"\n", out);
}

/* --- fish ---------------------------------------------------------------------------------------------- */

static void fish_text(FILE *out, const char *s)
{
    (void)fputc('\'', out);
    for (; *s; s++) {
        if (*s == '\'' || *s == '\\')
            (void)fputc('\\', out);
        (void)fputc(*s, out);
    }
    (void)fputc('\'', out);
}

static void fish_condition(FILE *out, const struct command *c)
{
    const char *space = strchr(c->name, ' ');
    if (space)
        (void)fprintf(out, " -n '__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s'",
                      (int)(space - c->name), c->name, space + 1);
    else
        (void)fprintf(out, " -n '__fish_seen_subcommand_from %s'", c->name);
}

static void fish_options(FILE *out, const struct command *c, const struct option *table)
{
    for (; table && table->name; table++) {
        (void)fputs("complete -c tendon", out);
        if (c)
            fish_condition(out, c);
        (void)fprintf(out, " -l %s", table->name);
        if (table->letter)
            (void)fprintf(out, " -s %c", table->letter);
        if (table->kind != OPTION_FLAG)
            (void)fputs(" -r", out);
        if (table->names == NAMES_FILE)
            (void)fputs(" -F", out);
        else if (table->kind != OPTION_FLAG)
            (void)fputs(" -f", out);
        if (table->choices) {
            (void)fputs(" -a '", out);
            for (size_t i = 0; table->choices[i]; i++)
                (void)fprintf(out, "%s%s", i > 0 ? " " : "", table->choices[i]);
            (void)fputc('\'', out);
        }
        (void)fputs(" -d ", out);
        fish_text(out, table->help);
        (void)fputc('\n', out);
    }
}

void completion_fish(FILE *out)
{
    char last[64] = "";
    (void)fputs("# fish completion of tendon, made by tendon completion fish\ncomplete -c tendon -f\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *c = COMMANDS[i];
        const char *space = strchr(c->name, ' ');
        char first[64];
        if (!is_shown(c))
            continue;
        (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(c->name, " "), c->name);
        if (strcmp(first, last) != 0) {
            (void)fprintf(out, "complete -c tendon -n __fish_use_subcommand -a %s -d ", first);
            fish_text(out, space ? "" : c->summary);
            (void)fputc('\n', out);
            (void)strcpy(last, first);
        }
        if (space) {
            (void)fprintf(out, "complete -c tendon -n '__fish_seen_subcommand_from %s' -a %s -d ", first,
                          space + 1);
            fish_text(out, c->summary);
            (void)fputc('\n', out);
        }
        fish_options(out, c, c->options);
        enum value_source names = c->arguments ? c->arguments[0].names : NAMES_NOTHING;
        if (names == NAMES_FILE || names == NAMES_METRIC) {
            (void)fputs("complete -c tendon", out);
            fish_condition(out, c);
            (void)fputs(names == NAMES_FILE ? " -F\n" : " -a '(" METRICS_COMMAND ")'\n", out);
        }
    }
    fish_options(out, NULL, COMMON_OPTIONS);
}

/* --- tendon(1) ----------------------------------------------------------------------------------------- */

/* A text with what scdoc would read as markup escaped. */
static void man_text(FILE *out, const char *s)
{
    for (; *s; s++) {
        if (strchr("\\_*#[]|`<>~", *s))
            (void)fputc('\\', out);
        (void)fputc(*s, out);
    }
}

/* The same as a sentence. */
static void man_sentence(FILE *out, const char *s)
{
    if (*s >= 'a' && *s <= 'z')
        (void)fputc(*s++ - 'a' + 'A', out);
    man_text(out, s);
}

/* Whether an option is one that all commands with an answer take: on the page of all commands it stands once.
 */
static bool is_answer_option(const struct option *option)
{
    for (const struct option *o = LIST_OPTIONS; o->name; o++)
        if (strcmp(o->name, option->name) == 0)
            return true;
    return false;
}

static void man_option(FILE *out, const struct option *o)
{
    (void)fputc('*', out);
    if (o->letter)
        (void)fprintf(out, "-%c*, *", o->letter);
    (void)fprintf(out, "--%s*", o->name);
    if (o->metavar) {
        (void)fputs(" _", out);
        man_text(out, o->metavar);
        (void)fputc('_', out);
    }
    (void)fputs("\n\t", out);
    man_sentence(out, o->help);
    for (size_t i = 0; o->choices && o->choices[i]; i++) {
        (void)fputs(i == 0 ? "; one of: " : ", ", out);
        man_text(out, o->choices[i]);
    }
    (void)fputs(o->kind == OPTION_MANY ? "; may be given again.\n\n" : ".\n\n", out);
}

/* Lines of "  # what for" and "  tendon …" as a literal block. */
static void man_examples(FILE *out, const char *examples)
{
    (void)fputs("```\n", out);
    for (; *examples; examples++) {
        if (*examples == '\\')
            (void)fputc('\\', out);
        (void)fputc(*examples, out);
    }
    (void)fputs("```\n\n", out);
}

static void man_command(FILE *out, const struct command *c, bool alone)
{
    man_sentence(out, c->summary);
    (void)fputs(".\n\n", out);
    if (c->own_page && !alone) {
        (void)fprintf(out, "See *tendon-%.*s*(1).\n\n", (int)strcspn(c->name, " "), c->name);
        return;
    }
    if (c->description) {
        man_text(out, c->description);
        (void)fputs("\n\n", out);
    }
    for (const struct argument *a = c->arguments; a && a->name; a++) {
        (void)fputc('_', out);
        man_text(out, a->name);
        (void)fputs("_\n\t", out);
        man_sentence(out, a->help);
        (void)fputs(".\n\n", out);
    }
    for (const struct option *o = c->options; o && o->name; o++)
        if (alone || !is_answer_option(o))
            man_option(out, o);
    if (c->examples)
        man_examples(out, c->examples);
}

static void man_heading(FILE *out, const struct command *c)
{
    /* A heading knows no markup. */
    (void)fprintf(out, "## tendon %s", c->name);
    for (const struct argument *a = c->arguments; a && a->name; a++)
        (void)fprintf(out, a->optional ? " [%s]%s" : " %s%s", a->name, a->many ? "…" : "");
    (void)fputs("\n\n", out);
}

void completion_man_group(FILE *out, const char *word)
{
    size_t size = strlen(word);
    (void)fputs("# COMMANDS\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strncmp(COMMANDS[i]->name, word, size) == 0 && COMMANDS[i]->name[size] == ' ') {
            man_heading(out, COMMANDS[i]);
            man_command(out, COMMANDS[i], true);
        }
}

void completion_man(FILE *out, const struct command *only)
{
    if (only) {
        (void)fputs("# DESCRIPTION\n\n", out);
        man_command(out, only, true);
        return;
    }
    (void)fputs("# COMMANDS\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *c = COMMANDS[i];
        if (!is_shown(c))
            continue;
        man_heading(out, c);
        man_command(out, c, false);
    }
    (void)fputs("# OPTIONS\n\nEvery command takes these.\n\n", out);
    for (const struct option *o = COMMON_OPTIONS; o->name; o++)
        man_option(out, o);
    (void)fputs("Those that answer also take the first of these, those that list things both.\n\n", out);
    for (const struct option *o = LIST_OPTIONS; o->name; o++)
        man_option(out, o);
    (void)fputs("# EXIT STATUS\n\n", out);
#define X(name, number, sentence)                                                                            \
    (void)fprintf(out, "*%d*\n\t", number);                                                                  \
    man_sentence(out, sentence);                                                                             \
    (void)fputs(".\n\n", out);
    EXIT_CODES(X)
#undef X
}
