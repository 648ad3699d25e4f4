/* The footer of an answer: what one must know to trust or repeat its figures. */
#include "tools/answer.h"
#include "tools/format.h"
#include "tools/json.h"
#include "tools/terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_WIDTH   13
#define SOURCES_SHOWN 6

struct footer {
    FILE *out;
    unsigned width;
    bool markdown;
};

/* A label and its text beside it, wrapped under itself; nothing where the text is empty. */
static void line_write(const struct footer *f, const char *label, const char *text)
{
    char *clean = text_clean(text);
    if (clean && *clean) {
        if (f->markdown)
            (void)fprintf(f->out, "* %s: ", label);
        else
            (void)fprintf(f->out, "%s%*s", label, (int)(LABEL_WIDTH - text_width(label)), "");
        text_wrap(f->out, clean, f->markdown ? 2 : LABEL_WIDTH, f->markdown ? 0 : f->width);
    }
    free(clean);
}

/* A text under way: parts with ", " between them. */
struct parts {
    char *text;
    size_t size;
    FILE *stream;
    unsigned n;
};

static bool parts_begin(struct parts *p)
{
    *p = (struct parts){0};
    p->stream = open_memstream(&p->text, &p->size);
    return p->stream != NULL;
}

static void parts_add(struct parts *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void parts_add(struct parts *p, const char *format, ...)
{
    va_list args;
    (void)fputs(p->n++ > 0 ? ", " : "", p->stream);
    va_start(args, format);
    (void)vfprintf(p->stream, format, args);
    va_end(args);
}

static void parts_end(struct parts *p, const struct footer *f, const char *label)
{
    if (fclose(p->stream) == 0)
        line_write(f, label, p->text);
    free(p->text);
}

static void period_write(const struct footer *f, const json_t *meta)
{
    char since[FORMAT_ROOM], until[FORMAT_ROOM], at[FORMAT_ROOM], now[FORMAT_ROOM], as_of[FORMAT_ROOM];
    const json_t *period = json_object_get(meta, "period");
    const char *a = json_text(period, "since"), *b = json_text(period, "until"), *t = json_text(period, "at");
    struct parts p;
    if (!parts_begin(&p))
        return;
    format_period(since, sizeof(since), a);
    format_period(until, sizeof(until), b);
    if (*t)
        parts_add(&p, "at %s", format_period(at, sizeof(at), t));
    else if (*a && *b)
        parts_add(&p, "from %s until before %s", since, until);
    else if (*a)
        parts_add(&p, "from %s on", since);
    else if (*b)
        parts_add(&p, "until before %s", until);
    else
        parts_add(&p, "everything");
    if (*json_text(meta, "zone"))
        parts_add(&p, "%s", json_text(meta, "zone"));
    if (*json_text(meta, "now"))
        parts_add(&p, "now %s", format_instant(now, sizeof(now), json_text(meta, "now")));
    if (json_is_integer(json_object_get(meta, "as_of")))
        parts_add(&p, "as of event %s",
                  format_count(as_of, sizeof(as_of), json_number_value(json_object_get(meta, "as_of"))));
    if (*json_text(meta, "calendar_rule"))
        parts_add(&p, "business time by the calendar at the end");
    parts_end(&p, f, "Period");
}

/* {"merged": 12, …} as "12 merged, …". */
static void counts_add(struct parts *p, const json_t *counts)
{
    const char *reason;
    json_t *count;
    json_object_foreach((json_t *)counts, reason, count)
    {
        char number[FORMAT_ROOM];
        if (json_number_value(count) > 0)
            parts_add(p, "%s %s", format_count(number, sizeof(number), json_number_value(count)), reason);
    }
}

static double counts_total(const json_t *counts)
{
    const char *reason;
    json_t *count;
    double total = 0;
    json_object_foreach((json_t *)counts, reason, count)
    {
        total += json_number_value(count);
    }
    return total;
}

/* What is excluded by reason, then whose it is. */
static void exclusions_write(const struct footer *f, const json_t *meta)
{
    const json_t *by_source = json_object_get(meta, "excluded_by_source");
    const char *source;
    json_t *counts;
    struct parts p, sources;
    if (!parts_begin(&p))
        return;
    counts_add(&p, json_object_get(meta, "excluded"));
    if (json_object_size(by_source) > 0 && parts_begin(&sources)) {
        json_object_foreach((json_t *)by_source, source, counts)
        {
            char number[FORMAT_ROOM];
            if (sources.n < SOURCES_SHOWN)
                parts_add(&sources, "%s %s", source,
                          format_count(number, sizeof(number), counts_total(counts)));
        }
        if (json_object_size(by_source) > SOURCES_SHOWN)
            parts_add(&sources, "…");
        if (fclose(sources.stream) == 0)
            (void)fprintf(p.stream, " (%s)", sources.text);
        free(sources.text);
    }
    counts_add(&p, json_object_get(meta, "left_out"));
    parts_end(&p, f, "Left out");
}

/* Counts that are worth a word when they are not 0. */
static void oddities_write(const struct footer *f, const json_t *meta)
{
    static const struct {
        const char *key, *words;
    } ODD[] = {{"inferred", "tickets without their beginning"},
               {"orphans", "events that wait for their ticket"},
               {"conflicts", "events sent again with other content"}};
    struct parts p;
    if (!parts_begin(&p))
        return;
    for (size_t i = 0; i < sizeof(ODD) / sizeof(ODD[0]); i++) {
        char number[FORMAT_ROOM];
        double n = json_number_value(json_object_get(meta, ODD[i].key));
        if (n > 0)
            parts_add(&p, "%s %s", format_count(number, sizeof(number), n), ODD[i].words);
    }
    char number[FORMAT_ROOM];
    double rings = json_number_value(json_object_get(json_object_get(meta, "data_errors"), "merge_ring"));
    if (rings > 0)
        parts_add(&p, "%s tickets merged into one another", format_count(number, sizeof(number), rings));
    parts_end(&p, f, "Odd");
}

/* What the sources say of having sent everything: together where they say the same, each where they are few,
 * else the earliest. */
static void completeness_write(const struct footer *f, const json_t *meta)
{
    const json_t *sources = json_object_get(meta, "sources"), *source;
    const char *earliest = NULL;
    size_t n = json_array_size(sources), n_unknown = 0, i;
    bool same = true;
    char until[FORMAT_ROOM];
    struct parts p;
    if (n == 0 || !parts_begin(&p))
        return;
    json_array_foreach((json_t *)sources, i, source)
    {
        const char *complete = json_string_value(json_object_get(source, "complete_until"));
        n_unknown += !complete;
        same = same && complete && (!earliest || strcmp(complete, earliest) == 0);
        /* All are in one zone and form, so that texts compare as instants do, but for the hour that clocks
         * repeat. */
        if (complete && (!earliest || strcmp(complete, earliest) < 0))
            earliest = complete;
    }
    if (same && n > 1) {
        parts_add(&p, "all %zu sources until %s", n, format_period(until, sizeof(until), earliest));
    } else if (n <= SOURCES_SHOWN) {
        json_array_foreach((json_t *)sources, i, source)
        {
            const char *complete = json_string_value(json_object_get(source, "complete_until"));
            if (complete)
                parts_add(&p, "%s until %s", json_text(source, "name"),
                          format_period(until, sizeof(until), complete));
            else
                parts_add(&p, "%s does not say", json_text(source, "name"));
        }
    } else {
        if (earliest)
            parts_add(&p, "%zu sources, the earliest until %s", n - n_unknown,
                      format_period(until, sizeof(until), earliest));
        if (n_unknown > 0)
            parts_add(&p, "%zu sources do not say", n_unknown);
    }
    parts_end(&p, f, "Complete");
}

static void definitions_write(const struct footer *f, const json_t *meta)
{
    const char *name;
    json_t *version;
    struct parts p;
    if (!parts_begin(&p))
        return;
    json_object_foreach(json_object_get(meta, "definitions"), name, version)
    {
        parts_add(&p, "%s v%" JSON_INTEGER_FORMAT, name, json_integer_value(version));
    }
    parts_end(&p, f, "Definitions");
}

static void explain_write(const struct footer *f, const json_t *meta)
{
    const json_t *explain = json_object_get(meta, "explain"), *table;
    char rows[FORMAT_ROOM], bytes[FORMAT_ROOM], took[FORMAT_ROOM];
    struct parts p;
    size_t i;
    if (!json_is_object(explain) || !parts_begin(&p))
        return;
    json_array_foreach(json_object_get(explain, "tables"), i, table)
    {
        parts_add(&p,
                  "%s: %s rows and %s of %" JSON_INTEGER_FORMAT " blocks (%" JSON_INTEGER_FORMAT
                  " passed over)",
                  json_text(table, "table"),
                  format_count(rows, sizeof(rows), json_number_value(json_object_get(table, "rows"))),
                  format_bytes(bytes, sizeof(bytes), json_number_value(json_object_get(table, "bytes"))),
                  json_integer_value(json_object_get(table, "blocks_read")),
                  json_integer_value(json_object_get(table, "blocks_skipped")));
    }
    long long n_threads = json_integer_value(json_object_get(explain, "threads"));
    parts_add(&p, "in %s on %lld thread%s",
              format_duration(took, sizeof(took), json_number_value(json_object_get(explain, "ms")) / 1000),
              n_threads, n_threads == 1 ? "" : "s");
    parts_end(&p, f, "Read");
}

/* Whether a score is one of few, so that its asterisk needs a word. */
static bool has_few(const json_t *answer)
{
    const json_t *row, *column;
    size_t i, k;
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        json_array_foreach(json_object_get(answer, "columns"), k, column)
        {
            if (strcmp(json_text(column, "kind"), "flag") == 0 &&
                json_is_true(json_object_get(row, json_text(column, "name"))))
                return true;
        }
    }
    return false;
}

/* Whether a row's period was cut short, so that the asterisk needs a word. */
static bool has_partial(const json_t *answer)
{
    const json_t *row;
    size_t i;
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        if (json_is_true(json_object_get(row, "partial")))
            return true;
    }

    return false;
}

void answer_footer_line(FILE *out, unsigned width, bool markdown, const char *label, const char *text)
{
    const struct footer f = {out, width, markdown};
    line_write(&f, label, text);
}

void answer_footer(const json_t *answer, FILE *out, unsigned width, bool markdown)
{
    const json_t *meta = json_object_get(answer, "meta");
    const struct footer f = {out, width, markdown};
    const char *warnings[ANSWER_WARNINGS_MAX];
    (void)fputc('\n', out);
    period_write(&f, meta);
    if (has_partial(answer))
        line_write(&f, "*", "a period cut short, or still running");
    if (has_few(answer))
        line_write(&f, "*", "a score of fewer than 5 organisations or 20 ballots");
    exclusions_write(&f, meta);
    oddities_write(&f, meta);
    completeness_write(&f, meta);
    definitions_write(&f, meta);
    explain_write(&f, meta);
    size_t n = answer_warnings(answer, warnings, ANSWER_WARNINGS_MAX);
    for (size_t i = 0; i < n; i++)
        line_write(&f, "Warning", warnings[i]);
}
