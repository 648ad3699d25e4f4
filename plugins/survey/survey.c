/* survey: exports of survey tools, CSV or JSON, one row a respondent or one row an answer, described by its
 * options. */
#include "plugins/common/reader.h"
#include "plugins/survey/ballot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct survey {
    struct reader reader;
    struct form form;
    struct ballot_columns columns;
};

enum rows { ROWS_RESPONDENT, ROWS_ANSWER };
static const char *const ROWS[] = {"respondent", "answer", NULL};

enum format { FORMAT_CSV, FORMAT_JSON, FORMAT_LINES };
static const char *const FORMATS[] = {"csv", "json", "lines", NULL};

static const struct tendon_option OPTIONS[] = {
    OPTIONS_FILE,
    {.name = "format",
     .type = TENDON_ENUM,
     .values = FORMATS,
     .fallback = "csv",
     .help =
         "How rows are written: as CSV, as an array of JSON records, or as lines with a JSON record each."},
    {.name = "records",
     .type = TENDON_STRING,
     .low = 1,
     .high = 128,
     .help =
         "format: json: the member that holds the array of records; without it the first array is taken."},
    OPTIONS_MAPPING,
    OPTIONS_WORDS,
    {.name = "rows",
     .type = TENDON_ENUM,
     .values = ROWS,
     .flags = TENDON_REQUIRED,
     .help = "What a row is: a respondent with all answers, or one answer."},
    {.name = "questions",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = FORM_QUESTIONS_MAX,
     .help = "Which question a column answers, or with rows: answer a text in the column of questions stands "
             "for: COLUMN: QUESTION."},
    {.name = "answer", .type = TENDON_STRING, .help = "rows: answer: the column that holds the answer."},
    {.name = "sent",
     .type = TENDON_STRING,
     .help = "The column with the time at which the survey was sent; gives survey.sent."},
    {.name = "scales",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = FORM_QUESTIONS_MAX,
     .help = "Questions that are answered by numbers, with the worst and the best: QUESTION: 1..5, or 5..1 "
             "where low is good. The others are answered by choice."},
    {.name = "answers",
     .type = TENDON_STRING,
     .shape = TENDON_MAP,
     .n_max = FORM_WORDS_MAX,
     .help = "What the words of answers mean: QUESTION:WORD: VALUE; * for every question or word, an empty "
             "value for no answer."},
    {0},
};

/* --- the configuration -----------------------------------------------------------------------------------
 */

static int __attribute__((format(printf, 2, 3))) refuse(char *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(err, TENDON_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return TENDON_E_CONFIG;
}

static int set_questions(struct survey *self, const struct tendon_host *host,
                         const struct tendon_config *config, enum rows rows, char *err)
{
    struct mapping *mapping = self->reader.mapping;
    struct form *form = &self->form;
    const char *answer = host->get_string(config, "answer", 0), *sent = host->get_string(config, "sent", 0);

    for (uint32_t i = 0; i < host->count(config, "questions"); i++) {
        const char *word = host->get_key(config, "questions", i);
        const char *name = host->get_string(config, "questions", i);

        if (rows == ROWS_RESPONDENT) {
            if (!*name)
                return refuse(err, "questions: column \"%.64s\" has no question; leave it out instead", word);
            for (uint32_t j = 0; j < form->n_questions; j++)
                if (strcmp(form->questions[j].name, name) == 0)
                    return refuse(err, "questions: \"%.64s\" is answered by two columns", name);
            (void)mapping_add_column(mapping, word); /* n_max says how many */
        }
        form->questions[form->n_questions].word = word;
        form->questions[form->n_questions++].name = name;
    }
    if (rows == ROWS_RESPONDENT && form->n_questions == 0)
        return refuse(err, "rows: %s needs questions: which column answers which question", ROWS[rows]);
    if ((rows == ROWS_ANSWER) != (answer != NULL))
        return refuse(err,
                      answer ? "answer is for rows: answer, not for rows: %s"
                             : "rows: %s needs answer: the column that holds the answer",
                      ROWS[rows]);
    if (answer)
        (void)mapping_add_column(mapping, answer);
    if (sent)
        (void)mapping_add_column(mapping, sent);
    self->columns.has_sent = sent != NULL;
    return TENDON_OK;
}

static bool is_asked(const struct form *form, const char *question)
{
    for (uint32_t i = 0; i < form->n_questions; i++)
        if (strcmp(form->questions[i].name, question) == 0)
            return true;
    return form->n_questions == 0; /* rows: answer, with our own names */
}

static int set_answers(struct form *form, const struct tendon_host *host, const struct tendon_config *config,
                       char *err)
{
    for (uint32_t i = 0; i < host->count(config, "scales"); i++) {
        const char *question = host->get_key(config, "scales", i);

        if (!is_asked(form, question))
            return refuse(err, "scales: questions names no \"%.64s\"", question);
        if (!form_parse_scale(host->get_string(config, "scales", i), &form->scales[i].scale))
            return refuse(err, "scales: that of \"%.64s\" is not WORST..BEST, such as 1..5 or 5..1",
                          question);
        form->scales[form->n_scales++].question = question;
    }
    for (uint32_t i = 0; i < host->count(config, "answers"); i++) {
        const char *key = host->get_key(config, "answers", i);
        char question[EVENT_CODE_BYTES * 4 + 1];
        size_t n = strcspn(key, ":");
        int rc = form_add_word(form, key, host->get_string(config, "answers", i));

        if (rc == -ENOMEM)
            return options_no_memory(err);
        if (rc < 0 || n >= sizeof(question))
            return refuse(err, "answers: \"%.64s\" is not QUESTION:WORD", key);
        memcpy(question, key, n);
        question[n] = '\0';
        if (strcmp(question, "*") != 0 && !is_asked(form, question))
            return refuse(err, "answers: questions names no \"%.64s\"", question);
    }
    form_sort_words(form);
    return TENDON_OK;
}

/* Fields besides dimensions that columns and constants may tell. */
static bool may_tell(int slot, enum rows rows)
{
    static const int of_both[] = {SLOT_TICKET,
                                  SLOT_ID,
                                  SLOT_AT,
                                  SLOT_SEQ,
                                  SLOT_FIELDS + FIELD_INSTRUMENT,
                                  SLOT_FIELDS + FIELD_RESPONDENT,
                                  SLOT_FIELDS + FIELD_RESPONDENT_ROLE,
                                  SLOT_FIELDS + FIELD_RATER_RELATION};
    static const int of_answer[] = {SLOT_FIELDS + FIELD_QUESTION, SLOT_FIELDS + FIELD_MIN,
                                    SLOT_FIELDS + FIELD_MAX};

    if (slot >= SLOT_FIELDS && slot < SLOT_FIELDS + FIELD_N_DIMENSIONS)
        return true;
    for (size_t i = 0; i < sizeof(of_both) / sizeof(of_both[0]); i++)
        if (of_both[i] == slot)
            return true;
    for (size_t i = 0; rows == ROWS_ANSWER && i < sizeof(of_answer) / sizeof(of_answer[0]); i++)
        if (of_answer[i] == slot)
            return true;
    return false;
}

static int check(const struct survey *self, const struct tendon_host *host,
                 const struct tendon_config *config, enum rows rows, char *err)
{
    static const char *const options[] = {"columns", "constants"};
    const struct mapping *mapping = self->reader.mapping;

    for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++)
        for (uint32_t i = 0; i < host->count(config, options[o]); i++) {
            const char *name = host->get_key(config, options[o], i);

            if (!may_tell(mapping_slot(mapping, name), rows))
                return refuse(err,
                              "%s: \"%.64s\" is no field of a survey with rows: %s; questions, scales and "
                              "answers say what was answered",
                              options[o], name, ROWS[rows]);
        }
    if (!mapping_has(mapping, SLOT_AT))
        return refuse(err, "rows: %s needs the column of \"at\" in columns: when it was answered",
                      ROWS[rows]);
    if (!mapping_has(mapping, SLOT_FIELDS + FIELD_INSTRUMENT))
        return refuse(err, "rows: %s needs \"instrument\" in constants or columns: which survey it is",
                      ROWS[rows]);
    if (!mapping_has(mapping, SLOT_TICKET) && !mapping_has(mapping, SLOT_FIELDS + FIELD_SITE))
        return refuse(err, "rows: %s needs \"site\" or \"ticket\" in columns: what was rated", ROWS[rows]);
    if (rows == ROWS_ANSWER && !mapping_has(mapping, SLOT_FIELDS + FIELD_QUESTION))
        return refuse(err, "rows: %s needs \"question\" in columns or constants", ROWS[rows]);
    return TENDON_OK;
}

static int set_format(struct survey *self, const struct tendon_host *host, const struct tendon_config *config,
                      char *err)
{
    enum format format = (enum format)host->get_int(config, "format", 0);
    const char *member = host->get_string(config, "records", 0);

    if (member && format != FORMAT_JSON)
        return refuse(err, "records is for format: json, not for format: %s", FORMATS[format]);
    if (format == FORMAT_CSV)
        return TENDON_OK;
    return reader_use_json(&self->reader, format == FORMAT_JSON ? RECORDS_ARRAY : RECORDS_LINES, member, err);
}

/* --- the plugin ------------------------------------------------------------------------------------------
 */

static int row_respondent(struct draft *draft, const struct tendon_record *record, void *ctx)
{
    const struct survey *self = ctx;

    return ballot_row(draft, record, &self->form, &self->columns);
}

static int row_answer(struct draft *draft, const struct tendon_record *record, void *ctx)
{
    const struct survey *self = ctx;

    return answer_row(draft, record, &self->form, &self->columns);
}

static int create(const struct tendon_host *host, const struct tendon_config *config, void **ret, char *err)
{
    struct survey *self = calloc(1, sizeof(*self));
    enum rows rows;
    int rc;

    if (!self)
        return options_no_memory(err);
    *ret = self;
    rows = (enum rows)host->get_int(config, "rows", 0);
    rc = reader_create(&self->reader, host, config, err);
    if (rc == TENDON_OK)
        rc = set_format(self, host, config, err);
    if (rc == TENDON_OK)
        rc = options_mapping(self->reader.mapping, host, config, err);
    if (rc == TENDON_OK)
        rc = options_words(self->reader.mapping, host, config, err);
    if (rc == TENDON_OK)
        rc = set_questions(self, host, config, rows, err);
    if (rc == TENDON_OK)
        rc = set_answers(&self->form, host, config, err);
    if (rc != TENDON_OK)
        return rc;
    self->reader.row = rows == ROWS_ANSWER ? row_answer : row_respondent;
    self->reader.ctx = self;
    return check(self, host, config, rows, err);
}

static int start(void *self, const void *cursor, size_t size, char *err)
{
    return reader_start(&((struct survey *)self)->reader, cursor, size, err);
}

static int poll(void *self, struct tendon_batch *batch, uint32_t timeout_ms, char *err)
{
    (void)timeout_ms;
    return reader_poll(&((struct survey *)self)->reader, batch, err);
}

static void stop(void *self)
{
    reader_stop(&((struct survey *)self)->reader);
}

static void destroy(void *data)
{
    struct survey *self = data;

    if (!self)
        return;
    reader_destroy(&self->reader);
    form_fini(&self->form);
    free(self);
}

const struct tendon_plugin *tendon_plugin_entry(uint32_t host_abi)
{
    static const struct tendon_plugin plugin = {
        .magic = TENDON_MAGIC,
        .abi = TENDON_ABI,
        .struct_size = sizeof(plugin),
        .option_size = sizeof(struct tendon_option),
        .id = "survey",
        .vendor = "tendon",
        .version = TENDON_VERSION,
        .help = "Reads exports of survey tools: a row a respondent, or a row an answer.",
        .options = OPTIONS,
        .create = create,
        .start = start,
        .poll = poll,
        .stop = stop,
        .destroy = destroy,
    };

    return host_abi >> 16 == TENDON_ABI_MAJOR ? &plugin : NULL;
}
