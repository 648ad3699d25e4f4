/* tendon report survey: the survey table, measured beside published. */
#include "core/query/statistic.h"
#include "tools/answer.h"
#include "tools/format.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/request.h"
#include "tools/session.h"
#include "tools/survey_table.h"
#include "tools/terminal.h"

#include <stdlib.h>
#include <string.h>

static const char *const PASSED[] = {"since", "until", "now", "tz"};

/* What is being put together. */
struct report {
    const struct invocation *invocation;
    struct session *session;
    json_t *instruments; /* names of those whose questions are asked about; NULL: whatever there is */
    json_t *questions;   /* {name: true} of those that have answers */
    json_t *rows, *products, *meta;
    bool has_answers;
};

/* --- asking
 * -------------------------------------------------------------------------------------------------- */

/* Everything is judged at one present: that of the first answer. */
static json_t *request_new(const struct report *r)
{
    json_t *request = session_params(r->invocation);
    request_pass(request, r->invocation, PASSED, sizeof(PASSED) / sizeof(PASSED[0]));
    if (r->meta)
        (void)json_object_set(request, "now", json_object_get(r->meta, "now"));
    return request;
}

static bool list_has(const json_t *list, const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (json_equal(item, value))
            return true;
    }
    return false;
}

/* Of all answers one meta: what is the same in all from the first, definitions and warnings of each. What is
 * left out, and that there is nothing, stands in the rows. */
static void meta_add(struct report *r, const json_t *answer)
{
    bool is_first = !r->meta;
    json_t *meta = json_object_get(answer, "meta"), *warning;
    size_t i;
    if (!r->meta) {
        r->meta = json_copy(meta);
        static const char *const OF_ROWS[] = {"excluded", "excluded_by_source", "left_out"};
        for (size_t k = 0; k < sizeof(OF_ROWS) / sizeof(OF_ROWS[0]); k++)
            (void)json_object_del(r->meta, OF_ROWS[k]);
        (void)json_object_set_new(r->meta, "definitions", json_object());
        (void)json_object_set_new(r->meta, "warnings", json_array());
    }
    (void)json_object_update(json_object_get(r->meta, "definitions"), json_object_get(meta, "definitions"));
    json_array_foreach(json_object_get(meta, "warnings"), i, warning)
    {
        if ((is_first || !answer_is_empty(answer)) &&
            !list_has(json_object_get(r->meta, "warnings"), warning))
            (void)json_array_append(json_object_get(r->meta, "warnings"), warning);
    }
}

/* Takes over the request. */
static int ask(struct report *r, json_t *request, json_t **ret)
{
    int code = session_query(r->session, request, ret);
    if (code == 0)
        meta_add(r, *ret);
    return code;
}

/* Which questions have answers, and the instruments that they are of. */
static int instruments_find(struct report *r)
{
    const char *given = invocation_value(r->invocation, "instrument");
    json_t *request = request_new(r), *answer = NULL, *row;
    size_t i;
    (void)json_object_set_new(request, "metrics", json_pack("[s]", "survey_share"));
    (void)json_object_set_new(request, "by", json_pack("[s, s, s]", "question", "instrument", "box"));
    if (given)
        (void)json_object_set_new(request, "instrument", json_string(given));
    int code = ask(r, request, &answer);
    json_t *found = json_array();
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        json_t *instrument = json_object_get(row, "instrument");
        const char *question = json_text(row, "question");
        for (size_t k = 0; k < SURVEY_ROWS_N; k++) {
            if (!SURVEY_ROWS[k].question || strcmp(SURVEY_ROWS[k].question, question) != 0)
                continue;
            (void)json_object_set_new(r->questions, question, json_true());
            if (json_is_string(instrument) && !list_has(found, instrument))
                (void)json_array_append(found, instrument);
        }
    }
    json_decref(answer);
    if (given)
        r->instruments = json_pack("[s]", given);
    else if (json_array_size(found) > 0)
        r->instruments = json_incref(found);
    json_decref(found);
    return code;
}

static const json_t *figure(const json_t *answer, const char *metric, const char *suffix)
{
    char key[96];
    (void)snprintf(key, sizeof(key), "%s%s", metric, suffix);
    return json_object_get(json_array_get(json_object_get(answer, "rows"), 0), key);
}

/* Who was left out: resellers and excluded tickets as the answer says, and voters of whom something is not
 * known. */
static int left_out_find(struct report *r, const struct survey_row *row, const json_t *answer, json_t *made)
{
    json_t *left_out = json_object(), *meta = json_object_get(answer, "meta"), *count;
    const char *reason;
    int code = 0;
    static const char *const KINDS[] = {"left_out", "excluded"};
    for (size_t k = 0; k < sizeof(KINDS) / sizeof(KINDS[0]); k++)
        json_object_foreach(json_object_get(meta, KINDS[k]), reason, count)
        {
            (void)json_object_set(left_out, reason, count);
        }
    const json_t *unknown = figure(answer, row->metric, ".unknown");
    if (json_integer_value(unknown) > 0)
        (void)json_object_set(left_out, strcmp(row->metric, "survey_share") == 0 ? "site" : "support_model",
                              (json_t *)unknown);
    for (size_t k = 0; k < SURVEY_UNKNOWNS && row->unknowns[k].name && code == 0; k++) {
        json_t *request = request_new(r), *other = NULL;
        survey_request(request, row, row->unknowns[k].of, r->instruments);
        code = ask(r, request, &other);
        json_t *n = code == 0 ? (json_t *)figure(other, row->metric, ".n") : NULL;
        if (json_integer_value(n) > 0)
            (void)json_object_set(left_out, row->unknowns[k].name, n);
        json_decref(other);
    }
    (void)json_object_set_new(made, "left_out", left_out);
    return code;
}

static void row_begin(const struct survey_row *row, const json_t *n, json_t *made)
{
    (void)json_object_set_new(made, "row", json_string(row->name));
    (void)json_object_set_new(made, "question", json_string(row->text));
    (void)json_object_set_new(made, "unit", json_string(row->who));
    (void)json_object_set_new(made, "metric", json_string(row->metric));
    (void)json_object_set(made, "n", (json_t *)n);
}

static void row_end(const struct survey_row *row, const char *verdict, bool agrees, json_t *made)
{
    (void)json_object_set_new(made, "published",
                              row->published ? json_string(row->published) : json_real(row->percent / 100.0));
    (void)json_object_set_new(made, "agrees", verdict ? json_boolean(agrees) : json_null());
    (void)json_object_set_new(made, "verdict", json_string(verdict ? verdict : "no data"));
}

static int row_ask(struct report *r, const struct survey_row *row)
{
    static const struct {
        const char *suffix, *key;
    } FIGURES[] = {{"", "measured"}, {".low", "low"}, {".high", "high"}};
    json_t *answer = NULL, *made = json_object(), *none = json_integer(0);
    const char *verdict = NULL;
    int code = 0;
    /* A question that nobody was asked is no mistake of who asks. */
    bool is_asked = !row->question || json_object_get(r->questions, row->question);
    if (is_asked) {
        json_t *request = request_new(r);
        survey_request(request, row, row->of, r->instruments);
        code = ask(r, request, &answer);
    }
    const json_t *share = answer ? figure(answer, row->metric, "") : NULL;
    row_begin(row, answer ? figure(answer, row->metric, ".n") : none, made);
    for (size_t k = 0; k < sizeof(FIGURES) / sizeof(FIGURES[0]); k++) {
        const json_t *value = answer ? figure(answer, row->metric, FIGURES[k].suffix) : NULL;
        (void)json_object_set(made, FIGURES[k].key, value ? (json_t *)value : json_null());
    }
    if (json_is_number(share)) {
        verdict = survey_verdict(row, json_number_value(share));
        r->has_answers = true;
    }
    row_end(row, verdict, verdict && strcmp(verdict, "agrees") == 0, made);
    if (code == 0 && answer)
        code = left_out_find(r, row, answer, made);
    else
        (void)json_object_set_new(made, "left_out", json_object());
    (void)json_array_append_new(r->rows, made);
    json_decref(none);
    json_decref(answer);
    return code;
}

/* Ballots of no known product or region, and resellers'. */
static json_t *products_left_out(const json_t *answer, const json_t *products)
{
    json_t *left_out = json_object(), *region;
    json_t *reseller =
        json_object_get(json_object_get(json_object_get(answer, "meta"), "left_out"), "reseller");
    json_int_t unknown = 0;
    size_t i;
    json_array_foreach((json_t *)products, i, region)
    {
        if (!json_is_string(json_object_get(region, "product")) ||
            !json_is_string(json_object_get(region, "region")))
            unknown += json_integer_value(json_object_get(region, "ballots"));
    }
    if (reseller)
        (void)json_object_set(left_out, "reseller", reseller);
    if (unknown)
        (void)json_object_set_new(left_out, "product_or_region", json_integer(unknown));
    return left_out;
}

static int products_ask(struct report *r)
{
    json_t *request = request_new(r), *answer = NULL, *made = json_object();
    unsigned n = 0, offshore = 0, most = 0;
    const char *verdict = NULL;
    survey_products_request(request, r->instruments);
    int code = ask(r, request, &answer);
    r->products = survey_products(json_object_get(answer, "rows"), &n, &offshore, &most);
    json_t *count = json_integer(n);
    row_begin(&SURVEY_PRODUCTS, count, made);
    json_decref(count);
    if (n > 0) {
        double low, high;
        wilson_interval(offshore, n, &low, &high);
        (void)json_object_set_new(made, "measured", json_real((double)offshore / n));
        (void)json_object_set_new(made, "low", json_real(low));
        (void)json_object_set_new(made, "high", json_real(high));
        verdict = offshore > most ? "agrees" : "differs";
        r->has_answers = true;
    } else {
        static const char *const NONE[] = {"measured", "low", "high"};
        for (size_t k = 0; k < sizeof(NONE) / sizeof(NONE[0]); k++)
            (void)json_object_set_new(made, NONE[k], json_null());
    }
    row_end(&SURVEY_PRODUCTS, verdict, offshore > most, made);
    (void)json_object_set_new(made, "left_out", products_left_out(answer, r->products));
    (void)json_array_append_new(r->rows, made);
    json_decref(answer);
    return code;
}

/* --- printing
 * ------------------------------------------------------------------------------------------------ */

/* Of products the ratings count, elsewhere those who vote. */
static const char *left_out_words(const json_t *row, char **room)
{
    const json_t *left_out = json_object_get(row, "left_out");
    const char *resellers =
        strcmp(json_text(row, "row"), SURVEY_PRODUCTS.name) == 0 ? "ratings by resellers" : "resellers";
    size_t size, n = 0;
    const char *reason;
    json_t *count;
    free(*room);
    *room = NULL;
    FILE *out = open_memstream(room, &size);
    if (!out)
        return NULL;
    json_object_foreach((json_t *)left_out, reason, count)
    {
        static const char *const UNKNOWN[] = {"facility_kind", "beds", "support_model", "site",
                                              "product_or_region"},
                                 *const WORDS[] = {"of unknown kind", "of unknown size",
                                                   "of unknown support model", "of no site",
                                                   "ballots of unknown product or region"};
        char number[FORMAT_ROOM];
        const char *words = strcmp(reason, "reseller") == 0 ? resellers : reason;
        for (size_t k = 0; k < sizeof(UNKNOWN) / sizeof(UNKNOWN[0]); k++)
            words = strcmp(reason, UNKNOWN[k]) == 0 ? WORDS[k] : words;
        (void)fprintf(out, "%s%s %s", n++ ? ", " : "",
                      format_count(number, sizeof(number), json_number_value(count)), words);
    }
    return fclose(out) == 0 && n > 0 ? *room : NULL;
}

static const char *interval_text(const json_t *row, char room[FORMAT_ROOM])
{
    const json_t *low = json_object_get(row, "low"), *high = json_object_get(row, "high");
    return json_is_number(low)
               ? format_interval(room, FORMAT_ROOM, json_number_value(low), json_number_value(high))
               : NULL;
}

static const char *published_text(const json_t *row, char room[FORMAT_ROOM])
{
    const json_t *published = json_object_get(row, "published");
    if (json_is_string(published))
        return json_string_value(published);
    (void)snprintf(room, FORMAT_ROOM, "%.0f %%", json_number_value(published) * 100);
    return room;
}

/* The figures; with the words beside them where nothing limits the width. */
static void rows_fill(const json_t *rows, bool with_words, struct table *t)
{
    char *room = NULL, text[FORMAT_ROOM];
    const json_t *row;
    size_t i;
    table_column(t, NULL, "row", TABLE_KEY | TABLE_RIGID);
    if (with_words)
        table_column(t, NULL, "question", 0);
    table_column(t, NULL, "unit", TABLE_RIGID);
    table_column(t, NULL, "n", TABLE_RIGHT);
    table_column(t, NULL, "measured", TABLE_RIGHT);
    table_column(t, NULL, "95 %", TABLE_RIGHT | TABLE_JOIN);
    table_column(t, NULL, "published", TABLE_RIGHT);
    table_column(t, NULL, "", TABLE_RIGID);
    if (with_words)
        table_column(t, NULL, "left out", 0);
    json_array_foreach((json_t *)rows, i, row)
    {
        table_cell(t, json_text(row, "row"));
        if (with_words)
            table_cell(t, json_text(row, "question"));
        table_cell(t, json_text(row, "unit"));
        table_cell(t, output_cell(CELL_COUNT, json_object_get(row, "n"), &room));
        table_cell(t, output_cell(CELL_RATIO, json_object_get(row, "measured"), &room));
        table_cell(t, interval_text(row, text));
        table_cell(t, published_text(row, text));
        table_cell(t, json_text(row, "verdict"));
        const char *words = left_out_words(row, &room);
        if (with_words)
            table_cell(t, words ? words : "");
    }
    free(room);
}

static void rows_markdown(const json_t *rows, struct table *t)
{
    rows_fill(rows, true, t);
}

static void rows_table(const json_t *rows, struct table *t)
{
    rows_fill(rows, false, t);
}

/* Under the figures what the rows ask, and who is left out of them. */
static void words_print(const json_t *rows, unsigned width)
{
    const json_t *row;
    size_t i;
    char *room = NULL, text[512];
    (void)fputc('\n', stdout);
    json_array_foreach((json_t *)rows, i, row)
    {
        const char *words = left_out_words(row, &room);
        (void)snprintf(text, sizeof(text), "%s%s%s", json_text(row, "question"), words ? "; left out: " : "",
                       words ? words : "");
        answer_footer_line(stdout, width, false, json_text(row, "row"), text);
    }
    free(room);
}

static void products_table(const json_t *products, struct table *t)
{
    static const struct output_column COLUMNS[] = {{"product", "product", CELL_TEXT},
                                                   {"region", "region", CELL_TEXT},
                                                   {"mean_rating", "mean rating", CELL_NUMBER},
                                                   {"ballots", "ballots", CELL_COUNT},
                                                   {"organisations", "organisations", CELL_COUNT}};
    char *room = NULL;
    const json_t *row;
    size_t i, n = sizeof(COLUMNS) / sizeof(COLUMNS[0]);
    for (size_t k = 0; k < n; k++)
        table_column(t, NULL, COLUMNS[k].heading, COLUMNS[k].kind == CELL_TEXT ? TABLE_KEY : TABLE_RIGHT);
    table_column(t, NULL, "", 0);
    json_array_foreach((json_t *)products, i, row)
    {
        for (size_t k = 0; k < n; k++)
            table_cell(t, output_cell(COLUMNS[k].kind, json_object_get(row, COLUMNS[k].key), &room));
        bool is_known =
            json_is_string(json_object_get(row, "product")) && json_is_string(json_object_get(row, "region"));
        table_cell(t, json_is_true(json_object_get(row, "lowest"))   ? "lowest"
                      : json_is_true(json_object_get(row, "counts")) ? ""
                      : is_known                                     ? "too few"
                                                                     : "left out");
    }
    free(room);
}

static int table_print(const json_t *list, void (*fill)(const json_t *, struct table *), bool is_markdown,
                       unsigned width)
{
    struct table table;
    table_init(&table);
    fill(list, &table);
    int r = is_markdown ? table_write_markdown(&table, stdout) : table_write(&table, stdout, width);
    table_fini(&table);
    if (r == 0)
        return 0;
    struct error err = ERROR_INIT;
    error_set(&err, r, "memory", "no memory for the table");
    return error_print(&err);
}

static int tables_print(const struct report *r, bool is_markdown, unsigned width)
{
    int code = table_print(r->rows, is_markdown ? rows_markdown : rows_table, is_markdown, width);
    if (!is_markdown)
        words_print(r->rows, width);
    if (code == 0 && json_array_size(r->products) > 0) {
        (void)fputs("\nS10 by product and region: a region counts from 20 ballots of 5 organisations on.\n\n",
                    stdout);
        code = table_print(r->products, products_table, is_markdown, width);
    }
    json_t *all = json_pack("{s:[], s:O}", "rows", "meta", r->meta);
    answer_footer(all, stdout, width, is_markdown);
    json_decref(all);
    if (!r->has_answers)
        answer_footer_line(
            stdout, width, is_markdown, "No data",
            "in this period nobody answered a question of the table; tendon query survey_share "
            "--by instrument,question,choice shows what was answered");
    return code;
}

static int report_print(const struct report *r)
{
    static const char *const KEYS[] = {"row", "question", "unit",      "metric", "n",       "measured",
                                       "low", "high",     "published", "agrees", "verdict", "left_out"};
    unsigned width;
    enum output_form form = output_form(r->invocation, &width);
    size_t i, n_warnings = json_array_size(json_object_get(r->meta, "warnings"));
    json_t *item;
    int code = 0;
    if (form == OUTPUT_TABLE || form == OUTPUT_MD) {
        code = tables_print(r, form == OUTPUT_MD, width);
    } else if (form == OUTPUT_JSON) {
        json_t *all = json_pack("{s:O, s:O, s:O}", "rows", r->rows, "products", r->products, "meta", r->meta);
        json_write(all, stdout);
        json_decref(all);
    } else if (form == OUTPUT_NDJSON) {
        json_array_foreach(r->rows, i, item)
        {
            json_write_line(item, stdout);
            (void)fputc('\n', stdout);
        }
    } else {
        output_separated(form, KEYS, sizeof(KEYS) / sizeof(KEYS[0]), r->rows, stdout);
    }
    if (form != OUTPUT_TABLE && form != OUTPUT_MD)
        json_array_foreach(json_object_get(r->meta, "warnings"), i, item)
        {
            char *clean = text_clean(json_string_value(item));
            (void)fprintf(stderr, "tendon: warning: %s\n", clean ? clean : "");
            free(clean);
        }
    if (code == 0 && n_warnings > 0)
        code = TENDON_EXIT_WARNING;
    if (code != TENDON_EXIT_FAILED && !r->has_answers && invocation_has(r->invocation, "fail-empty"))
        code = TENDON_EXIT_EMPTY;
    return output_finish(code);
}

static int survey_run(const struct invocation *invocation)
{
    struct report r = {.invocation = invocation, .rows = json_array(), .questions = json_object()};
    int code = session_open(invocation, "asking", &r.session);
    if (code == 0)
        code = instruments_find(&r);
    for (size_t i = 0; i < SURVEY_ROWS_N && code == 0; i++)
        code = row_ask(&r, &SURVEY_ROWS[i]);
    if (code == 0)
        code = products_ask(&r);
    session_close(r.session);
    if (code == 0)
        code = report_print(&r);
    json_decref(r.instruments);
    json_decref(r.questions);
    json_decref(r.rows);
    json_decref(r.products);
    json_decref(r.meta);
    return code;
}

static const struct option OPTIONS[] = {
    {"since", 0, OPTION_VALUE, "WHEN", NULL, NAMES_NOTHING,
     "ballots from this day or instant on, or of so many whole days up to the end of today: 2026-01-01, "
     "365d"},
    {"until", 0, OPTION_VALUE, "WHEN", NULL, NAMES_NOTHING, "up to this day or instant, itself not included"},
    {"now", 0, OPTION_VALUE, "INSTANT", NULL, NAMES_NOTHING,
     "take this instant for the present instead of the clock"},
    {"tz", 0, OPTION_VALUE, "ZONE", NULL, NAMES_NOTHING,
     "time zone of days: Europe/Berlin; default: the tenant's"},
    {"instrument", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "survey instrument of the questions; default: all that have one of them"},
    {"tenant", 0, OPTION_VALUE, "NAME", NULL, NAMES_NOTHING,
     "whose survey; may be left out where there is one tenant"},
    OUTPUT_OPTION,
    EMPTY_OPTION,
    {NULL},
};

const struct command CMD_REPORT_SURVEY = {
    .name = "report survey",
    .summary = "hold a survey of clients against the figures that the industry publishes",
    .description =
        "Ten rows, S1 to S10: a question in words, who has a vote, n, the share measured with its 95 % "
        "interval, "
        "the published figure, and whether the two agree: whether the share rounds to the published percent. "
        "Each hospital (a site of kind hospital or cah) and each practice has one vote, split evenly over "
        "its "
        "respondents, of each of whom the latest answer counts. What is left out is counted: resellers, and "
        "sites of which the kind, the size or the support model is not known.\n\n"
        "The questions are named satisfaction, outsourced_differentiator, prefers_direct, "
        "response_and_quality, "
        "prefers_domestic_english, considers_outsourcing, outsourced_now and doubles_outsourced_spend. "
        "Satisfaction and response_and_quality are answered with a score, outsourced_now with half_or_more "
        "or "
        "another word, the others with yes or no. Under what hospitals say of their own outsourcing stands "
        "what "
        "their tickets say. S10 takes the mean rating of each product by region and asks where it is lowest; "
        "a "
        "tie is no lowest.\n\n"
        "A row without answers says so; nothing is made up for it.",
    .options = OPTIONS,
    .examples =
        "  tendon report survey\n"
        "  tendon report survey --since 2025-01-01 --until 2026-01-01 --instrument site_survey -o md\n",
    .run = survey_run,
};
