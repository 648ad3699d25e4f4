#include "tests/unit/notation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define D0_MS   INT64_C(1704672000000) /* 2024-01-08T00:00:00Z */
#define DAY_MS  INT64_C(86400000)
#define ROOM    128
#define N_ENUMS 8

/* An event while its text is read: field numbers by field. */
struct draft {
    struct event event;
    uint64_t has;
    int64_t numbers[FIELD_N];
};

static void set(struct draft *d, enum event_field field, int64_t number)
{
    d->has |= UINT64_C(1) << field;
    d->numbers[field] = number;
}

static void set_text(struct notation *n, struct draft *d, const char *key, const char *value)
{
    int field = event_field_find(NULL, key, strlen(key));
    if (field < 0)
        fail_msg("no field is called '%s'", key);
    uint32_t number = 0;
    if (!*value) {
        set(d, (enum event_field)field, 0);
        return;
    }
    switch (FIELDS[field].kind) {
    case VALUE_DICTIONARY:
        assert_int_equal(
            dictionary_intern(n->dictionary, (unsigned)field, value, strlen(value), &number, NULL), 0);
        set(d, (enum event_field)field, number);
        break;
    case VALUE_ENUM:
        number = (uint32_t)event_enum_find((enum event_field)field, value, strlen(value));
        assert_int_not_equal(number, 0);
        set(d, (enum event_field)field, number);
        break;
    default:
        set(d, (enum event_field)field, strtoll(value, NULL, 10) - FIELDS[field].low + 1);
    }
}

static void draft_finish(struct notation *n, struct draft *d)
{
    assert_true(n->n < NOTATION_EVENTS_MAX);
    struct event *e = calloc(1, event_size(FIELD_N));
    assert_non_null(e);
    *e = d->event;
    for (unsigned f = 0; f < FIELD_N; f++)
        if (d->has >> f & 1)
            e->fields[e->n_fields++] = event_field_pack((enum event_field)f, d->numbers[f]);
    n->events[n->n++] = e;
}

static void read_status(struct draft *d, const char *word)
{
    static const char LETTERS[] = "NOPHSC";
    d->event.type = EVENT_TICKET_STATUS;
    set(d, FIELD_TO, strchr(LETTERS, word[0]) - LETTERS + 1);
    set(d, FIELD_AUTOMATED, word[1] == '-');
}

static void read_message(struct draft *d, const char *word)
{
    bool is_in = word[0] == '<', is_internal = word[1] == '.';
    d->event.type = EVENT_TICKET_MESSAGE;
    set(d, FIELD_DIRECTION, is_in ? DIRECTION_IN : is_internal ? DIRECTION_INTERNAL : DIRECTION_OUT);
    if (!is_internal)
        set(d, FIELD_PUBLIC, word[1] != '!');
    set(d, FIELD_AUTOMATED, word[1] == '-');
}

/* TEAM, TEAM/r */
static void read_assignment(struct notation *n, struct draft *d, const char *text)
{
    static const char LETTERS[] = "raeb"; /* in the order of the list: b for back */
    char team[ROOM] = "", kind = 0;
    d->event.type = EVENT_TICKET_ASSIGNED;
    (void)sscanf(text, "%127[^/]/%c", team, &kind);
    set_text(n, d, "team", team);
    if (kind != '0')
        set(d, FIELD_KIND, kind ? strchr(LETTERS, kind) - LETTERS + 1 : KIND_REASSIGN);
}

/* OUTCOME, OUTCOME:qQUEUE:wWRAP */
static void read_call(struct notation *n, struct draft *d, char *text)
{
    char *rest = NULL;
    d->event.type = EVENT_CONTACT_ENDED;
    set_text(n, d, "outcome", strtok_r(text, ":", &rest));
    set(d, FIELD_QUEUE_S, 0);
    for (char *part = strtok_r(NULL, ":", &rest); part; part = strtok_r(NULL, ":", &rest))
        set(d, *part == 'w' ? FIELD_WRAP_S : FIELD_QUEUE_S, strtoll(part + 1, NULL, 10) * 1000);
}

static void read_exclusion(struct draft *d, const char *what)
{
    if (strcmp(what, "merged") == 0) {
        d->event.type = EVENT_TICKET_MERGED;
        d->event.ref = 77;
    } else if (strcmp(what, "restored") == 0) {
        d->event.type = EVENT_TICKET_RESTORED;
    } else {
        int reason = event_enum_find(FIELD_REASON, what, strlen(what));
        assert_int_not_equal(reason, 0);
        d->event.type = EVENT_TICKET_DELETED;
        set(d, FIELD_REASON, reason);
    }
}

/* 4/1-5, 4/1-5:QUESTION, 4/1-5:QUESTION:RELATION:INSTRUMENT; CHOICE for 4/1-5 */
static void read_response(struct notation *n, struct draft *d, char *text)
{
    static const char *const KEYS[] = {"question", "rater_relation", "instrument"};
    int score, min, max;
    char *rest = NULL;
    const char *part = strtok_r(text, ":", &rest);
    d->event.type = EVENT_SURVEY_RESPONSE;
    set_text(n, d, "instrument", "csat");
    if (sscanf(part, "%d/%d-%d", &score, &min, &max) == 3) {
        set(d, FIELD_SCORE, score * 1000);
        set(d, FIELD_MIN, min * 1000);
        set(d, FIELD_MAX, max * 1000);
    } else {
        set_text(n, d, "choice", part);
    }
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(*KEYS) && (part = strtok_r(NULL, ":", &rest)); i++)
        if (strcmp(part, "-") != 0)
            set_text(n, d, KEYS[i], part);
}

/* In the order of ENUM_METRIC. */
static const char *const METRICS[] = {"FRT", "NRT", "TTA", "FRS", "RWT", "SWT"};

/* METRIC:TARGET:CLOCK:POLICY:CALENDAR; METRIC alone where it is cancelled */
static void read_target(struct notation *n, struct draft *d, char *text)
{
    static const char *const KEYS[] = {"policy", "calendar"};
    char *rest = NULL;
    const char *part = strtok_r(text, ":", &rest);
    for (unsigned m = 0; m < sizeof(METRICS) / sizeof(*METRICS); m++)
        if (strcmp(part, METRICS[m]) == 0)
            set(d, FIELD_METRIC, m + 1);
    assert_true(d->has >> FIELD_METRIC & 1);
    if (d->event.type == EVENT_SLA_CANCELLED)
        return;
    set(d, FIELD_TARGET_S, (int64_t)(strtod(strtok_r(NULL, ":", &rest), NULL) * 1000 + 0.5));
    set(d, FIELD_CLOCK, *strtok_r(NULL, ":", &rest) == 'b' ? CLOCK_BUSINESS : CLOCK_WALL);
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(*KEYS) && (part = strtok_r(NULL, ":", &rest)); i++)
        if (strcmp(part, "-") != 0)
            set_text(n, d, KEYS[i], part);
}

static void read_word(struct notation *n, struct draft *d, char *word)
{
    if (strcmp(word, "c") == 0 || strcmp(word, "c!") == 0) {
        d->event.type = EVENT_TICKET_CREATED;
        set(d, FIELD_BY, word[1] ? BY_AGENT : BY_REQUESTER);
    } else if (strcmp(word, "u") == 0) {
        d->event.type = EVENT_TICKET_UPDATED;
    } else if (word[0] == '<' || word[0] == '>') {
        read_message(d, word);
    } else if (word[0] == '@') {
        read_assignment(n, d, word + 1);
    } else if (strncmp(word, "x:", 2) == 0) {
        read_exclusion(d, word + 2);
    } else if (strncmp(word, "q:", 2) == 0) {
        read_response(n, d, word + 2);
    } else if (strncmp(word, "call:", 5) == 0) {
        read_call(n, d, word + 5);
    } else if (strncmp(word, "sent:", 5) == 0) {
        d->event.type = EVENT_SURVEY_SENT;
        set_text(n, d, "instrument", word + 5);
    } else if (strncmp(word, "sla:", 4) == 0) {
        d->event.type = EVENT_SLA_APPLIED;
        read_target(n, d, word + 4);
    } else if (strncmp(word, "sla-:", 5) == 0) {
        d->event.type = EVENT_SLA_CANCELLED;
        read_target(n, d, word + 5);
    } else if (strchr("NOPHSC", word[0])) {
        read_status(d, word);
    } else {
        fail_msg("no event is written '%s'", word);
    }
}

/* {k=v,k=v} */
static void read_dimensions(struct notation *n, struct draft *d, char *text)
{
    char *rest = NULL;
    for (char *pair = strtok_r(text, ",}", &rest); pair; pair = strtok_r(NULL, ",}", &rest)) {
        char *value = strchr(pair, '=');
        assert_non_null(value);
        *value = '\0';
        set_text(n, d, pair, value + 1);
    }
}

static void read_event(struct notation *n, int64_t at, char *word)
{
    struct draft d = {.event = {.at = at, .id = 1000 + n->n}};
    char *dimensions = strchr(word, '{');
    char *behind = dimensions ? strchr(dimensions, '}') + 1 : word + strcspn(word + 1, "~=") + 1;
    unsigned long number;
    if (sscanf(behind, "~%lu", &number) == 1)
        d.event.seq = (uint32_t)number;
    const char *id = strchr(behind, '=');
    if (id && sscanf(id, "=%lu", &number) == 1)
        d.event.id = number;
    *behind = '\0';
    if (dimensions)
        *dimensions = '\0';
    read_word(n, &d, word);
    if (dimensions)
        read_dimensions(n, &d, dimensions + 1);
    draft_finish(n, &d);
}

/* 2024-03-08T21:00:00Z */
static int64_t read_instant(const char *word)
{
    struct tm tm = {.tm_isdst = 0};
    assert_non_null(strptime(word, "%Y-%m-%dT%H:%M:%SZ", &tm));
    return (int64_t)timegm(&tm) * 1000;
}

void notation_init(struct notation *n, const char *text)
{
    *n = (struct notation){.n = 0};
    assert_int_equal(dictionary_new(&n->dictionary), 0);
    char *copy = strdup(text), *rest = NULL;
    assert_non_null(copy);
    int64_t day = 0, at = -1;
    for (char *word = strtok_r(copy, " ;", &rest); word; word = strtok_r(NULL, " ;", &rest)) {
        int hours, minutes, ms = 0, used = 0;
        double seconds = 0;
        if (strlen(word) == 20 && word[10] == 'T' && word[19] == 'Z') {
            at = read_instant(word);
        } else if (word[0] == 'd' && sscanf(word, "d%d%n", &hours, &used) == 1 && !word[used]) {
            day = hours;
        } else if (sscanf(word, "%2d:%2d%n", &hours, &minutes, &used) == 2 && word[0] != '@') {
            if (word[used] == ':')
                seconds = strtod(word + used + 1, NULL);
            ms = (int)(seconds * 1000 + 0.5);
            at = D0_MS + day * DAY_MS + (hours * 60 + minutes) * INT64_C(60000) + ms;
        } else {
            assert_true(at >= 0);
            read_event(n, at, word);
        }
    }
    free(copy);
}

void notation_fini(struct notation *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->events[i]);
    dictionary_free(n->dictionary);
}

/* --- rows as text
 * --------------------------------------------------------------------------------------------- */

static void print_time(struct buffer *b, const char *before, int64_t at)
{
    if (at == FACT_FOREVER || at == FACT_NULL) {
        buffer_printf(b, "%s-", before);
        return;
    }
    if (at < D0_MS || at >= D0_MS + 100 * DAY_MS) {
        time_t s = (time_t)(at / 1000);
        struct tm tm;
        char room[32];
        (void)strftime(room, sizeof(room), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&s, &tm));
        buffer_printf(b, "%s%s", before, room);
        return;
    }
    int64_t day = (at - D0_MS) / DAY_MS, ms = (at - D0_MS) % DAY_MS;
    buffer_append_string(b, before);
    if (day)
        buffer_printf(b, "d%d ", (int)day);
    buffer_printf(b, "%02d:%02d", (int)(ms / 3600000), (int)(ms / 60000 % 60));
    if (ms % 60000)
        buffer_printf(b, ":%02d.%03d", (int)(ms / 1000 % 60), (int)(ms % 1000));
}

static void print_ms(struct buffer *b, const char *before, int64_t ms)
{
    if (ms == FACT_NULL)
        buffer_printf(b, "%s-", before);
    else if (ms % 1000)
        buffer_printf(b, "%s%lld.%03d", before, (long long)(ms / 1000), (int)(ms % 1000));
    else
        buffer_printf(b, "%s%lld", before, (long long)(ms / 1000));
}

/* A duration on the business clock, where there is one: by each part's calendar and by the end's. */
static void print_business(struct buffer *b, int64_t business, int64_t last)
{
    if (business == FACT_NULL && last == FACT_NULL)
        return;
    print_ms(b, " business ", business);
    if (last != business)
        print_ms(b, "/", last);
}

static void print_dimensions(struct buffer *b, const struct dictionary *dictionary, const uint16_t *numbers)
{
    const char *before = " {";
    for (unsigned f = 0; f < FIELD_N_BUILTIN; f++) {
        if (!numbers[f])
            continue;
        buffer_printf(b, "%s%s=", before, FIELDS[f].name);
        if (FIELDS[f].kind == VALUE_DICTIONARY)
            buffer_append_string(b, dictionary_string(dictionary, f, numbers[f]));
        else if (FIELDS[f].kind == VALUE_ENUM)
            buffer_append_string(b, FIELDS[f].values[numbers[f] - 1]);
        else
            buffer_printf(b, "%d", numbers[f] + FIELDS[f].low - 1);
        before = ",";
    }
    if (*before == ',')
        buffer_append_string(b, "}");
}

static void print_ticket(struct buffer *b, const int64_t *v)
{
    if (v[FACT_TICKET_CLASS] != FACT_NULL)
        buffer_printf(b, " %s", FIELDS[FIELD_TO].values[v[FACT_TICKET_CLASS] - 1]);
    if (v[FACT_TICKET_ORPHANS])
        buffer_printf(b, " orphans %lld", (long long)v[FACT_TICKET_ORPHANS]);
    if (v[FACT_TICKET_CONFLICTS])
        buffer_printf(b, " conflicts %lld", (long long)v[FACT_TICKET_CONFLICTS]);
    if (v[FACT_CREATED] != FACT_NULL)
        print_time(b, " created ", v[FACT_CREATED]);
    if (v[FACT_TICKET_SPEAKS])
        buffer_append_string(b, " speaks");
}

static void print_class_business(struct buffer *b, const int64_t *v)
{
    static const char *const NAMES[] = {" new ", " open ", " pending ", " hold "};
    if (v[FACT_SOLVE_NEW_BUSINESS] == FACT_NULL && v[FACT_SOLVE_OPEN_BUSINESS] == FACT_NULL &&
        v[FACT_SOLVE_PENDING_BUSINESS] == FACT_NULL && v[FACT_SOLVE_HOLD_BUSINESS] == FACT_NULL)
        return;
    buffer_append_string(b, " at work");
    for (unsigned c = 0; c < 4; c++) {
        int64_t business = v[FACT_SOLVE_NEW_BUSINESS + c], last = v[FACT_SOLVE_NEW_LAST + c];
        print_ms(b, NAMES[c], business);
        if (last != business)
            print_ms(b, "/", last);
    }
}

static void print_solve(struct buffer *b, const int64_t *v)
{
    print_time(b, " ", v[FACT_SOLVE_AT]);
    buffer_printf(b, " #%lld", (long long)v[FACT_SOLVE_ORDINAL]);
    print_ms(b, " new ", v[FACT_SOLVE_NEW_MS]);
    print_ms(b, " open ", v[FACT_SOLVE_OPEN_MS]);
    print_ms(b, " pending ", v[FACT_SOLVE_PENDING_MS]);
    print_ms(b, " hold ", v[FACT_SOLVE_HOLD_MS]);
    print_business(b, v[FACT_SOLVE_RESOLUTION_BUSINESS], v[FACT_SOLVE_RESOLUTION_LAST]);
    print_class_business(b, v);
    if (v[FACT_SOLVE_REOPENED_AT] != FACT_NULL)
        print_time(b, " reopened ", v[FACT_SOLVE_REOPENED_AT]);
    if (v[FACT_SOLVE_HANDOFFS] != FACT_NULL && v[FACT_SOLVE_HANDOFFS])
        buffer_printf(b, " handoffs %lld", (long long)v[FACT_SOLVE_HANDOFFS]);
    if (v[FACT_SOLVE_ESCALATED] != FACT_NULL)
        buffer_append_string(b, v[FACT_SOLVE_ESCALATED] ? " escalated" : " level");
    if (v[FACT_SOLVE_PING_PONG] == 1)
        buffer_append_string(b, " ping-pong");
    if (v[FACT_SOLVE_TOUCHES] > 0)
        buffer_printf(b, " touches %lld", (long long)v[FACT_SOLVE_TOUCHES]);
    if (v[FACT_SOLVE_REOPENED_AFTER] != FACT_NULL)
        print_ms(b, " again ", v[FACT_SOLVE_REOPENED_AFTER]);
    if (v[FACT_SOLVE_FIRST_TIER] != FACT_NULL)
        buffer_printf(b, " tier %lld", (long long)v[FACT_SOLVE_FIRST_TIER]);
    if (v[FACT_SOLVE_ESCALATED_BEFORE] == 1)
        buffer_append_string(b, " before");
    if (v[FACT_SOLVE_IN_TIME] != FACT_NULL)
        buffer_append_string(b, v[FACT_SOLVE_IN_TIME] ? " in-time" : " late");
    if (v[FACT_FLAGS] & FACT_FLAG_LAST)
        buffer_append_string(b, " last");
}

static void print_word(struct buffer *b, const struct dictionary *dictionary, unsigned field, int64_t number)
{
    if (number)
        buffer_printf(b, " %s",
                      FIELDS[field].kind == VALUE_ENUM
                          ? FIELDS[field].values[number - 1]
                          : dictionary_string(dictionary, field, (uint32_t)number));
}

static void print_score(struct buffer *b, int64_t score, int64_t min, int64_t max)
{
    print_ms(b, " ", score);
    print_ms(b, "/", min);
    print_ms(b, "-", max);
}

static void print_rating(struct buffer *b, const struct dictionary *dictionary, const int64_t *v)
{
    print_time(b, " ", v[FACT_RATING_AT]);
    if (v[FACT_RATING_SOLVE_AT] != FACT_NULL)
        print_time(b, " of ", v[FACT_RATING_SOLVE_AT]);
    print_score(b, v[FACT_RATING_SCORE], v[FACT_RATING_MIN], v[FACT_RATING_MAX]);
    print_word(b, dictionary, FIELD_CHOICE, v[FACT_RATING_CHOICE]);
    print_word(b, dictionary, FIELD_QUESTION, v[FACT_RATING_QUESTION]);
    print_word(b, dictionary, FIELD_RATER_RELATION, v[FACT_RATING_RELATION]);
    print_word(b, dictionary, FIELD_RESPONDENT_ROLE, v[FACT_RATING_RESPONDENT_ROLE]);
    if (v[FACT_FLAGS] & FACT_FLAG_OF_SURVEY)
        buffer_append_string(b, " survey");
}

static void print_answer(struct buffer *b, const struct dictionary *dictionary, const int64_t *v)
{
    print_time(b, " ", v[FACT_ANSWER_AT]);
    buffer_printf(b, " #%lld", (long long)v[FACT_ANSWER_ORDER]);
    if (v[FACT_ANSWER_SOLVE_AT] != FACT_NULL)
        print_time(b, " of ", v[FACT_ANSWER_SOLVE_AT]);
    if (v[FACT_ANSWER_SCORE] != FACT_NULL)
        print_score(b, v[FACT_ANSWER_SCORE], v[FACT_ANSWER_MIN], v[FACT_ANSWER_MAX]);
    print_word(b, dictionary, FIELD_CHOICE, v[FACT_ANSWER_CHOICE]);
    print_word(b, dictionary, FIELD_QUESTION, v[FACT_ANSWER_QUESTION]);
    print_word(b, dictionary, FIELD_RATER_RELATION, v[FACT_ANSWER_RELATION]);
    print_word(b, dictionary, FIELD_RESPONDENT_ROLE, v[FACT_ANSWER_RESPONDENT_ROLE]);
}

static void print_sending(struct buffer *b, const struct dictionary *dictionary, const int64_t *v)
{
    print_time(b, " ", v[FACT_SENDING_AT]);
    print_word(b, dictionary, FIELD_INSTRUMENT, v[FACT_SENDING_INSTRUMENT]);
    if (v[FACT_SENDING_ANSWERED_AT] != FACT_NULL)
        print_time(b, " answered ", v[FACT_SENDING_ANSWERED_AT]);
}

static void print_contact(struct buffer *b, const int64_t *v)
{
    print_time(b, " ", v[FACT_CONTACT_AT]);
    print_word(b, NULL, FIELD_OUTCOME, v[FACT_CONTACT_OUTCOME]);
    print_ms(b, " queue ", v[FACT_CONTACT_QUEUE_MS]);
    if (v[FACT_CONTACT_TALK_MS] != FACT_NULL)
        print_ms(b, " talk ", v[FACT_CONTACT_TALK_MS]);
    if (v[FACT_CONTACT_WRAP_MS] != FACT_NULL)
        print_ms(b, " wrap ", v[FACT_CONTACT_WRAP_MS]);
}

static void print_cycle(struct buffer *b, const struct dictionary *dictionary, const int64_t *v)
{
    static const char *const OUTCOMES[] = {[SLA_RUNNING] = "running",
                                           [SLA_MET] = "met",
                                           [SLA_BREACHED] = "breached",
                                           [SLA_ENDED] = "ended",
                                           [SLA_UNMEASURED] = "unmeasured"};
    buffer_printf(b, " %s #%lld %s", METRICS[v[FACT_SLA_CYCLE_METRIC] - 1],
                  (long long)v[FACT_SLA_CYCLE_ORDINAL], OUTCOMES[v[FACT_SLA_CYCLE_OUTCOME]]);
    print_time(b, " ", v[FACT_SLA_CYCLE_START]);
    print_time(b, " to ", v[FACT_SLA_CYCLE_END]);
    print_ms(b, ": ", v[FACT_SLA_CYCLE_ELAPSED_MS]);
    print_ms(b, " of ", v[FACT_SLA_CYCLE_TARGET_MS]);
    if (v[FACT_SLA_CYCLE_CLOCK] == CLOCK_BUSINESS)
        buffer_append_string(b, " business");
    print_word(b, dictionary, FIELD_CALENDAR, v[FACT_SLA_CYCLE_CALENDAR]);
    if (v[FACT_SLA_CYCLE_POLICY])
        buffer_append_string(b, " by");
    print_word(b, dictionary, FIELD_POLICY, v[FACT_SLA_CYCLE_POLICY]);
    if (v[FACT_SLA_CYCLE_SINCE] != FACT_NULL)
        print_time(b, " since ", v[FACT_SLA_CYCLE_SINCE]);
    if (v[FACT_SLA_CYCLE_RISK_AT] != FACT_NULL)
        print_time(b, " risk ", v[FACT_SLA_CYCLE_RISK_AT]);
    if (v[FACT_SLA_CYCLE_BREACH_AT] != FACT_NULL)
        print_time(b, " breach ", v[FACT_SLA_CYCLE_BREACH_AT]);
}

void notation_print(struct buffer *b, const struct dictionary *dictionary, const struct fact_row *row)
{
    static const char *const EXCLUDED_NAMES[EXCLUDED_N] = {"",     "merged",    "spam",
                                                           "test", "duplicate", "erasure"};
    const int64_t *v = row->values;
    buffer_append_string(b, FACT_TABLE_INFO[row->table].name);
    switch (row->table) {
    case FACT_TICKET:
        print_ticket(b, v);
        break;
    case FACT_REPLY:
        print_time(b, " ", v[FACT_REPLY_START]);
        print_time(b, " to ", v[FACT_REPLY_END]);
        if (v[FACT_REPLY_ORDINAL])
            buffer_printf(b, " #%lld", (long long)v[FACT_REPLY_ORDINAL]);
        print_business(b, v[FACT_REPLY_BUSINESS], v[FACT_REPLY_LAST]);
        break;
    case FACT_SOLVE:
        print_solve(b, v);
        break;
    case FACT_REOPEN:
        print_time(b, " ", v[FACT_REOPEN_AT]);
        break;
    case FACT_SPAN:
        print_time(b, " ", v[FACT_SPAN_FROM]);
        print_time(b, " to ", v[FACT_SPAN_TO]);
        if (v[FACT_SPAN_BUSINESS] != FACT_NULL)
            print_ms(b, " age ", v[FACT_SPAN_BUSINESS]);
        break;
    case FACT_ACKNOWLEDGEMENT:
        print_time(b, " ", v[FACT_ACKNOWLEDGEMENT_AT]);
        print_business(b, v[FACT_ACKNOWLEDGEMENT_BUSINESS], v[FACT_ACKNOWLEDGEMENT_LAST]);
        break;
    case FACT_HOLDING:
        print_ms(b, " ", v[FACT_HOLDING_HELD_MS]);
        print_time(b, " until ", v[FACT_HOLDING_HELD_UNTIL]);
        print_business(b, v[FACT_HOLDING_BUSINESS], v[FACT_HOLDING_LAST]);
        break;
    case FACT_SLA_CYCLE:
        print_cycle(b, dictionary, v);
        break;
    case FACT_RATING:
        print_rating(b, dictionary, v);
        break;
    case FACT_ANSWER:
        print_answer(b, dictionary, v);
        break;
    case FACT_SENDING:
        print_sending(b, dictionary, v);
        break;
    case FACT_CONTACT:
        print_contact(b, v);
        break;
    case FACT_MERGE:
        print_time(b, " ", v[FACT_MERGE_AT]);
        break;
    }
    if (v[FACT_FLAGS] & FACT_FLAG_LOOSE)
        buffer_append_string(b, " loose");
    if (v[FACT_FLAGS] & FACT_FLAG_INFERRED)
        buffer_append_string(b, " inferred");
    if (v[FACT_EXCLUDED])
        buffer_printf(b, " %s", EXCLUDED_NAMES[v[FACT_EXCLUDED]]);
    print_dimensions(b, dictionary, row->dimensions[0]);
    if (row->table == FACT_TICKET &&
        memcmp(row->dimensions[0], row->dimensions[1], sizeof(row->dimensions[0])) != 0) {
        buffer_append_string(b, " now");
        print_dimensions(b, dictionary, row->dimensions[1]);
    }
    buffer_append_string(b, "\n");
}
