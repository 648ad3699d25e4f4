/* Makes the source of tendon-metrics(7): the template given, with the line @METRICS@ replaced by what the
 * table of metric.c says. Run by the build. */
#include "core/query/metric.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES 4096

/* Text in scdoc's words. */
static void put_text(const char *s)
{
    for (; *s; s++) {
        if (strchr("\\*_<>`", *s))
            (void)putchar('\\');
        (void)putchar(*s);
    }
}

static const char *kind_words(const struct metric *m)
{
    switch (m->kind) {
    case METRIC_COUNT:
        return "count";
    case METRIC_DURATION:
        return "duration (avg, min, max, sum, count, pNN)";
    case METRIC_MEAN:
        return "mean (avg, min, max, sum, count, pNN)";
    case METRIC_RATIO:
        break;
    }
    return "ratio with its Wilson interval";
}

static const char *anchor_words(const struct metric *m)
{
    switch (m->anchor) {
    case ANCHOR_CREATED:
        return "created";
    case ANCHOR_COMPLETED:
        return "completed";
    case ANCHOR_INSTANT:
        break;
    }
    return "an instant";
}

static void put_metric(const struct metric *m)
{
    (void)printf("*");
    put_text(m->name);
    (void)printf("* (version %u)\n\t", m->version);
    put_text(m->definition);
    (void)printf("\n\n\tUnit: %s. Kind: %s. Anchor: %s.", m->unit, kind_words(m), anchor_words(m));
    for (unsigned option = 1; option <= OPTION_QUESTION; option <<= 1)
        if (m->options & option) {
            const char *name = metric_option_name(option);
            (void)printf(" Option: *--");
            for (; *name; name++)
                (void)putchar(*name == '_' ? '-' : *name);
            (void)printf("*.");
        }
    for (unsigned unit = 0, n = 0; unit < UNIT_N; unit++)
        if (m->units & 1u << unit)
            (void)printf("%s%s", n++ ? ", " : " *--unit* ", metric_unit_name(unit));
    (void)printf("%s\n\n", m->units ? "." : "");
}

int main(int argc, char **argv)
{
    char line[LINE_BYTES];
    FILE *template = argc == 2 ? fopen(argv[1], "re") : NULL;
    if (!template) {
        (void)fprintf(stderr, "usage: metrics-man TEMPLATE\n");
        return 2;
    }
    while (fgets(line, sizeof(line), template)) {
        if (strcmp(line, "@METRICS@\n") != 0) {
            (void)fputs(line, stdout);
            continue;
        }
        for (size_t i = 0; i < N_METRICS; i++)
            if (!METRICS[i].is_hidden)
                put_metric(&METRICS[i]);
    }
    bool failed = ferror(template) != 0;
    (void)fclose(template);
    return failed || fflush(stdout) != 0;
}
