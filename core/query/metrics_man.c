/* Makes the source of tendon-metrics(7): the template given, with the line @METRICS@ replaced by what the
 * catalogue says. Run by the build. */
#include "core/query/dimension.h"
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
    case METRIC_SCORE:
        return "score";
    case METRIC_RATIO:
        break;
    }
    return "ratio with its Wilson interval";
}

/* Those that not every metric has. */
static void put_own_dimensions(const struct metric *m)
{
    static struct dimension_names names;
    unsigned n = 0;
    dimension_names_init(&names, NULL, 0);
    for (size_t i = 0; i < names.n; i++) {
        const struct dimension_name *name = &names.names[i];
        if (dimension_is_of(name, FACT_TICKET) || !dimension_is_of(name, m->table))
            continue;
        (void)printf("%s", n++ ? ", " : " Dimensions of its own: ");
        put_text(name->name);
    }
    (void)printf("%s", n ? "." : "");
}

static void put_metric(const struct metric *m)
{
    (void)printf("*");
    put_text(m->name);
    (void)printf("* (version %u)\n\t", m->version);
    put_text(m->definition);
    (void)printf("\n\n\tUnit: %s. Kind: %s. Anchor: %s.", m->unit, kind_words(m), metric_anchor_name(m));
    if (m->kind == METRIC_DURATION)
        (void)printf(" Clocks: %s%s.", metric_has_business(m) ? "wall, business" : "none to choose: ",
                     metric_has_business(m) ? "" : m->no_clock);
    const struct metric_option *o;
    for (size_t i = 0; (o = metric_option_at(i)); i++)
        if (m->options & o->option) {
            (void)printf(" Option: *--");
            for (const char *name = o->name; *name; name++)
                (void)putchar(*name == '_' ? '-' : *name);
            (void)printf("*.");
        }
    for (unsigned unit = 0, n = 0; unit < UNIT_N; unit++)
        if (m->units & 1u << unit)
            (void)printf("%s%s%s", n++ ? ", " : " *--unit* ", metric_unit_name(unit),
                         m->default_unit == unit ? " (default)" : "");
    if (m->units)
        (void)printf(".");
    put_own_dimensions(m);
    for (unsigned k = 0; k < METRIC_BESIDE && m->beside[k]; k++) {
        (void)printf(" Beside it: ");
        put_text(m->name);
        (void)putchar('.');
        put_text(m->beside[k]);
        (void)putchar('.');
    }
    for (unsigned k = 0; k < LEFT_OUT_N; k++)
        if (m->left_out & 1u << k) {
            (void)printf(" Left out (");
            put_text(left_out_name(k));
            (void)printf("): %s.", left_out_why(k));
        }
    (void)printf("\n\n");
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
        const struct metric *m;
        for (size_t i = 0; (m = metric_at(i)); i++)
            if (!m->is_hidden)
                put_metric(m);
    }
    bool failed = ferror(template) != 0;
    (void)fclose(template);
    return failed || fflush(stdout) != 0;
}
