#include "plugins/simulator/story.h"

#include "plugins/simulator/chance.h"

#include <stdio.h>
#include <string.h>

#define MINUTE 60
#define HOUR   3600
#define DAY    86400

static const char *const MODULES[] = {"orders",     "results", "scheduling", "documentation",
                                      "interfaces", "billing", "pharmacy",   "imaging"};
static const char *const CATEGORIES[] = {"access",   "performance", "interface", "data",
                                         "printing", "workflow",    "training",  "report",
                                         "device",   "outage",      "upgrade",   "security"};
static const char *const ROLES[] = {"nurse", "physician", "registrar", "it", "pharmacist", "administrator"};
static const char *const VERSIONS[] = {"8.1", "8.2", "8.3", "9.0", "9.1", "9.2"};
static const char *const STATUSES[] = {ENUM_TO};
static const char *const DIRECTIONS[] = {ENUM_DIRECTION};
static const char *const KINDS[] = {ENUM_KIND};
static const char *const REASONS[] = {ENUM_REASON};
static const char *const OUTCOMES[] = {ENUM_OUTCOME};
static const char *const RELATIONS[] = {ENUM_RATER_RELATION};

#define N(list) (sizeof(list) / sizeof((list)[0]))

const struct world_question WORLD_QUESTIONS[WORLD_N_QUESTIONS] = {
    [QUESTION_SATISFACTION] = {"satisfaction", NULL, NULL, 0},
    [QUESTION_RESPONSE_AND_QUALITY] = {"response_and_quality", NULL, NULL, 0},
    [QUESTION_DIFFERENTIATOR] = {"outsourced_differentiator", "yes", "no", 820},
    [QUESTION_PREFERS_DIRECT] = {"prefers_direct", "yes", "no", 610},
    [QUESTION_PREFERS_DOMESTIC] = {"prefers_domestic_english", "yes", "no", 940},
    [QUESTION_CONSIDERS] = {"considers_outsourcing", "yes", "no", 870},
    [QUESTION_OUTSOURCED_NOW] = {"outsourced_now", "half_or_more", "less", 160},
    [QUESTION_DOUBLES] = {"doubles_outsourced_spend", "yes", "no", 350},
};

const struct world_profile WORLD_PROFILES[WORLD_N_PROFILES] = {
    {
        .name = "direct",
        .first_response_s = 25 * MINUTE,
        .resolution_s = 7 * HOUR,
        .escalated = 180,
        .held = 80,
        .pending = 150,
        .chatty = 350,
        .reopened = 30,
        .closed = 1000,
        .unanswered = 10,
        .silent = 30,
        .surveyed = 500,
        .rated = 400,
        .scores = {4, 6, 14, 38, 38},
        .opens_h = 13,
        .closes_h = 24,
    },
    {
        .name = "domestic",
        .first_response_s = 50 * MINUTE,
        .resolution_s = 13 * HOUR,
        .escalated = 250,
        .held = 100,
        .pending = 180,
        .chatty = 400,
        .reopened = 60,
        .closed = 1000,
        .unanswered = 20,
        .silent = 60,
        .surveyed = 500,
        .rated = 350,
        .scores = {9, 12, 20, 34, 25},
        .opens_h = 12,
        .closes_h = 24,
        .weekends = true,
    },
    {
        .name = "offshore",
        .first_response_s = 18 * MINUTE,
        .resolution_s = 30 * HOUR,
        .escalated = 340,
        .held = 140,
        .pending = 260,
        .chatty = 500,
        .reopened = 110,
        .closed = 1000,
        .unanswered = 30,
        .silent = 100,
        .surveyed = 500,
        .rated = 300,
        .scores = {22, 21, 22, 22, 13},
        .weekends = true,
    },
    {
        /* about five events a ticket and nothing unusual: a load */
        .name = "plain",
        .first_response_s = 40 * MINUTE,
        .resolution_s = 12 * HOUR,
        .escalated = 100,
        .reopened = 46,
        .closed = 700,
        .unanswered = 50,
        .surveyed = 0,
        .rated = 245,
        .scores = {10, 12, 18, 34, 26},
        .weekends = true,
    },
};

/* --- steps -----------------------------------------------------------------------------------------------
 */

static struct step *add(struct story *story, enum event_type type, int64_t at_ms, uint8_t code)
{
    struct step *step = &story->steps[story->n_steps < STORY_STEPS ? story->n_steps : STORY_STEPS - 1];

    if (story->n_steps < STORY_STEPS)
        story->n_steps++;
    *step = (struct step){
        .at_ms = at_ms, .number = (uint8_t)(story->n_steps - 1), .type = (uint8_t)type, .code = code};
    return step;
}

/* The first instant from t on when somebody works. */
static int64_t at_work(const struct world_profile *profile, int64_t t_ms, bool urgent)
{
    int64_t day_ms = 1000ll * DAY, opens_ms = profile->opens_h * 1000ll * HOUR;

    if (urgent)
        return t_ms;
    for (int i = 0; i < 8; i++) {
        int64_t day = t_ms / day_ms, in_day = t_ms % day_ms;
        bool weekend = (day + 4) % 7 == 0 || (day + 4) % 7 == 6; /* 1970-01-01 was a Thursday */

        if (!weekend || profile->weekends) {
            if (profile->opens_h == profile->closes_h)
                return t_ms;
            if (in_day < opens_ms)
                return day * day_ms + opens_ms;
            if (in_day < profile->closes_h * 1000ll * HOUR)
                return t_ms;
        }
        t_ms = (day + 1) * day_ms;
    }
    return t_ms;
}

/* Around a median, and never so long that a story outlives WORLD_LIFETIME_S. */
static int64_t around_ms(struct chance *chance, uint64_t median_s)
{
    uint64_t s = chance_around(chance, median_s);

    if (s > 20 * DAY)
        s = 20 * DAY;
    return (int64_t)(s * 1000 + chance_below(chance, 1000));
}

static uint8_t score(struct chance *chance, const struct world_profile *profile)
{
    uint32_t total = 0;
    uint64_t place;

    for (int i = 0; i < 5; i++)
        total += profile->scores[i];
    place = chance_below(chance, total ? total : 1);
    for (int i = 0; i < 5; i++) {
        if (place < profile->scores[i])
            return (uint8_t)(i + 1);
        place -= profile->scores[i];
    }
    return 5;
}

static void assign(struct story *story, struct chance *chance, const struct world_options *options,
                   int64_t at_ms, enum event_kind kind)
{
    uint32_t n = options->teams.n, half = (n + 1) / 2;
    bool second = kind == KIND_ESCALATE && n > 1;
    uint32_t team = second ? half + chance_rank(chance, n - half) : chance_rank(chance, half);

    add(story, EVENT_TICKET_ASSIGNED, at_ms, (uint8_t)kind)->team = (uint8_t)team;
}

/* A phone call, and now and then one that was given up before. */
static void call(struct story *story, struct chance *chance, int64_t at_ms)
{
    struct step *step;

    if (chance_hits(chance, 60)) {
        step = add(story, EVENT_CONTACT_ENDED, at_ms - 1000ll * (600 + (int64_t)chance_below(chance, 600)),
                   OUTCOME_ABANDONED);
        step->queue_s = (uint16_t)(2 + chance_below(chance, 240));
    }
    step = add(story, EVENT_CONTACT_ENDED, at_ms, OUTCOME_ANSWERED);
    step->queue_s = (uint16_t)(chance_around(chance, 25) % 1800);
    step->talk_s = (uint16_t)(60 + chance_around(chance, 280) % 3600);
}

/* From an answer to the next solve. Returns when it is solved. */
static int64_t work(struct story *story, struct chance *chance, const struct world_options *options,
                    int64_t from_ms, uint64_t median_s)
{
    const struct world_profile *profile = &options->profile;
    int64_t solved_ms = from_ms + 30000 + around_ms(chance, median_s), span_ms = solved_ms - from_ms;

    if (profile->chatty > 0 && chance_hits(chance, 60)) /* looked at, it is more or less severe */
        add(story, EVENT_TICKET_UPDATED, from_ms, (uint8_t)(story->severity == 1 ? 2 : story->severity - 1));
    if (chance_hits(chance, profile->escalated))
        assign(story, chance, options, from_ms + span_ms / 4, KIND_ESCALATE);
    if (chance_hits(chance, profile->held)) {
        add(story, EVENT_TICKET_STATUS, from_ms + span_ms * 3 / 8, STATUS_HOLD);
        add(story, EVENT_TICKET_STATUS, from_ms + span_ms / 2, STATUS_OPEN);
    }
    if (chance_hits(chance, profile->pending)) {
        add(story, EVENT_TICKET_MESSAGE, from_ms + span_ms * 9 / 16, DIRECTION_OUT);
        add(story, EVENT_TICKET_STATUS, from_ms + span_ms * 9 / 16, STATUS_PENDING);
        add(story, EVENT_TICKET_MESSAGE, from_ms + span_ms * 5 / 8, DIRECTION_IN);
        add(story, EVENT_TICKET_STATUS, from_ms + span_ms * 5 / 8, STATUS_OPEN);
    }
    if (chance_hits(chance, profile->chatty)) {
        add(story, EVENT_TICKET_MESSAGE, from_ms + span_ms * 3 / 4, DIRECTION_IN);
        add(story, EVENT_TICKET_MESSAGE, from_ms + span_ms * 7 / 8, DIRECTION_OUT);
    }
    add(story, EVENT_TICKET_STATUS, solved_ms, STATUS_SOLVED);
    return solved_ms;
}

static void rate(struct story *story, struct chance *chance, const struct world_profile *profile,
                 int64_t solved_ms)
{
    if (profile->surveyed > 0) {
        if (!chance_hits(chance, profile->surveyed))
            return;
        add(story, EVENT_SURVEY_SENT, solved_ms + 1000ll * HOUR, 0);
    }
    if (chance_hits(chance, profile->rated))
        add(story, EVENT_SURVEY_RESPONSE, solved_ms + 1000ll * HOUR + around_ms(chance, 6 * HOUR), 0)->score =
            score(chance, profile);
}

/* How much sooner or later a ticket of that severity is answered, in hundredths. */
static const uint32_t URGENCY[5] = {100, 20, 50, 100, 180};

void story_ticket(const struct world_options *options, uint64_t number, int64_t created_ms, struct story *ret)
{
    static const uint8_t severities[20] = {1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4};
    const struct world_profile *profile = &options->profile;
    struct story *story = ret;
    struct chance chance;
    const char *channel;
    uint64_t urgency;
    int64_t work_ms, t_ms;

    chance_init(&chance, options->seed, number);
    story->number = number;
    story->begins_ms = created_ms;
    story->n_steps = story->at = 0;
    story->site = chance_rank(&chance, options->sites.n);
    story->product = chance_rank(&chance, options->products.n);
    story->module = chance_rank(&chance, N(MODULES));
    story->category = chance_rank(&chance, N(CATEGORIES));
    story->role = chance_rank(&chance, N(ROLES));
    story->channel = chance_rank(&chance, options->channels.n);
    story->version = (uint32_t)((number * N(VERSIONS)) / (options->n_tickets ? options->n_tickets : 1));
    story->severity = severities[chance_below(&chance, N(severities))];
    channel = options->channels.names[story->channel];
    story->by_agent = strcmp(channel, "phone") == 0;
    urgency = URGENCY[story->severity];

    add(story, EVENT_TICKET_CREATED, created_ms, 0);
    if (options->sla) {
        add(story, EVENT_SLA_APPLIED, created_ms, 1);
        add(story, EVENT_SLA_APPLIED, created_ms, 2);
    }
    if (options->contacts && story->by_agent)
        call(story, &chance, created_ms);
    if (profile->chatty > 0 && !story->by_agent) {
        add(story, EVENT_TICKET_MESSAGE, created_ms, DIRECTION_IN);
        if (chance_hits(&chance, 100))
            add(story, EVENT_TICKET_MESSAGE, created_ms + 5000, DIRECTION_OUT)->automated = true;
    }
    assign(story, &chance, options, created_ms + 1000 + (int64_t)chance_below(&chance, 120000), KIND_ROUTE);
    if (profile->chatty > 0 && chance_hits(&chance, 8)) {
        add(story, EVENT_TICKET_DELETED, created_ms + around_ms(&chance, 2 * HOUR),
            chance_hits(&chance, 500) ? REASON_SPAM : REASON_TEST);
        return;
    }
    if (profile->chatty > 0 && number > 0 && chance_hits(&chance, 8)) {
        add(story, EVENT_TICKET_MERGED, created_ms + around_ms(&chance, 2 * HOUR), 0);
        return;
    }
    work_ms = at_work(profile, created_ms, story->severity == 1);
    t_ms = work_ms + 20000 + around_ms(&chance, profile->first_response_s * urgency / 100);
    if (profile->chatty > 0)
        add(story, EVENT_TICKET_STATUS, t_ms - 10000, STATUS_OPEN);
    if (!chance_hits(&chance, profile->unanswered))
        add(story, EVENT_TICKET_MESSAGE, t_ms, DIRECTION_OUT);
    t_ms = work(story, &chance, options, t_ms, profile->resolution_s * urgency / 100);
    rate(story, &chance, profile, t_ms);
    for (int again = 0; again < 2 && chance_hits(&chance, profile->reopened); again++) {
        t_ms += around_ms(&chance, 20 * HOUR);
        if (profile->chatty > 0)
            add(story, EVENT_TICKET_MESSAGE, t_ms, DIRECTION_IN);
        add(story, EVENT_TICKET_STATUS, t_ms, STATUS_OPEN);
        t_ms = at_work(profile, t_ms, false) + around_ms(&chance, profile->first_response_s);
        add(story, EVENT_TICKET_MESSAGE, t_ms, DIRECTION_OUT);
        t_ms += around_ms(&chance, profile->resolution_s / 2);
        add(story, EVENT_TICKET_STATUS, t_ms, STATUS_SOLVED);
    }
    if (chance_hits(&chance, profile->closed))
        add(story, EVENT_TICKET_STATUS, t_ms + 3000ll * DAY, STATUS_CLOSED)->automated = true;
    for (int i = 0; options->jitter_ms && i < story->n_steps; i++)
        story->steps[i].jitter_ms = (uint32_t)chance_below(&chance, options->jitter_ms);
}

void story_survey(const struct world_options *options, uint64_t round, uint32_t site, uint32_t respondent,
                  int64_t asked_ms, struct story *ret)
{
    struct story *story = ret;
    struct chance chance;

    story->number = SURVEY_BIT | (round << 24) | ((uint64_t)site * SURVEY_RESPONDENTS + respondent);
    chance_init(&chance, options->seed, story->number);
    story->begins_ms = asked_ms;
    story->n_steps = story->at = 0;
    story->site = site;
    story->role = chance_rank(&chance, N(ROLES));
    add(story, EVENT_SURVEY_SENT, asked_ms, 0);
    if (!chance_hits(&chance, 600))
        return;
    asked_ms += around_ms(&chance, 2 * DAY);
    for (uint32_t i = 0; i < WORLD_N_QUESTIONS; i++) {
        struct step *step = add(story, EVENT_SURVEY_RESPONSE, asked_ms + i * 8000, (uint8_t)(i + 1));

        step->score = WORLD_QUESTIONS[i].yes ? !chance_hits(&chance, WORLD_QUESTIONS[i].share)
                                             : score(&chance, &options->profile);
    }
}

/* --- events ----------------------------------------------------------------------------------------------
 */

static void string(struct world_event *event, enum event_field field, const char *value)
{
    event->values[event->n_values++] = (struct world_value){.field = field, .string = value};
}

static void number(struct world_event *event, enum event_field field, int64_t value)
{
    event->values[event->n_values++] = (struct world_value){.field = field, .number = value};
}

/* prefix, number and what follows: "T1234/5" */
static void make_id(char *room, const char *prefix, uint64_t value, char mark, uint32_t step)
{
    char digits[24];
    size_t n = 0, length = strnlen(prefix, WORLD_ID_BYTES - 28);

    memcpy(room, prefix, length);
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0)
        room[length++] = digits[--n];
    if (mark) {
        room[length++] = mark;
        if (step >= 10)
            room[length++] = (char)('0' + step / 10 % 10);
        room[length++] = (char)('0' + step % 10);
    }
    room[length] = '\0';
}

static void say_created(const struct world_options *options, const struct story *story,
                        struct world_event *event)
{
    if (options->vendor)
        string(event, FIELD_VENDOR, options->vendor);
    string(event, FIELD_PRODUCT, options->products.names[story->product]);
    string(event, FIELD_MODULE, MODULES[story->module]);
    string(event, FIELD_VERSION, VERSIONS[story->version < N(VERSIONS) ? story->version : N(VERSIONS) - 1]);
    string(event, FIELD_CHANNEL, options->channels.names[story->channel]);
    number(event, FIELD_SEVERITY, story->severity);
    string(event, FIELD_CATEGORY, CATEGORIES[story->category]);
    string(event, FIELD_SITE, options->sites.names[story->site]);
    string(event, FIELD_REQUESTER_ROLE, ROLES[story->role]);
    if (story->by_agent)
        string(event, FIELD_BY, "agent");
}

static void say_survey(const struct world_options *options, const struct story *story,
                       const struct step *step, struct world_event *event)
{
    bool of_site = story->number & SURVEY_BIT;
    uint64_t who = of_site ? story->number & 0xffffff : story->number % 7;

    string(event, FIELD_INSTRUMENT, of_site ? WORLD_SURVEY : "csat");
    make_id(event->respondent, of_site ? "R" : options->sites.names[story->site], who, of_site ? 0 : '.',
            (uint32_t)(story->number % 31));
    if (of_site)
        string(event, FIELD_SITE, options->sites.names[story->site]);
    string(event, FIELD_RESPONDENT, event->respondent);
    string(event, FIELD_RESPONDENT_ROLE, ROLES[story->role]);
    if (step->type == EVENT_SURVEY_SENT)
        return;
    string(event, FIELD_RATER_RELATION, RELATIONS[0]);
    if (of_site) {
        string(event, FIELD_QUESTION, WORLD_QUESTIONS[step->code - 1].question);
        if (WORLD_QUESTIONS[step->code - 1].yes) {
            string(event, FIELD_CHOICE,
                   step->score ? WORLD_QUESTIONS[step->code - 1].no : WORLD_QUESTIONS[step->code - 1].yes);
            return;
        }
    }
    number(event, FIELD_SCORE, step->score);
    number(event, FIELD_MIN, 1);
    number(event, FIELD_MAX, 5);
}

static void say_sla(const struct story *story, const struct step *step, struct world_event *event)
{
    bool response = step->code == 1;

    string(event, FIELD_POLICY, "standard");
    string(event, FIELD_METRIC, response ? "first_response_time" : "requester_wait_time");
    number(event, FIELD_TARGET_S, (response ? HOUR : 24 * HOUR) * (int64_t)URGENCY[story->severity] / 100);
    string(event, FIELD_CLOCK, "wall");
}

void story_event(const struct world_options *options, const struct story *story, const struct step *step,
                 struct world_event *ret)
{
    struct world_event *event = ret;
    bool of_site = story->number & SURVEY_BIT, given_up;

    event->type = step->type;
    event->at_ms = step->at_ms;
    event->due_ms = step->at_ms + step->jitter_ms;
    event->seq = step->number;
    event->story = story->number;
    event->step = step->number;
    event->n_values = 0;
    given_up = step->type == EVENT_CONTACT_ENDED && step->code == OUTCOME_ABANDONED; /* made no ticket */
    if (of_site)
        make_id(event->id, "S", story->number & ~SURVEY_BIT, '/', step->number);
    else
        make_id(event->id, options->prefix, story->number, '/', step->number);
    if (of_site || given_up)
        event->ticket[0] = '\0';
    else
        make_id(event->ticket, options->prefix, story->number, 0, 0);

    switch ((enum event_type)step->type) {
    case EVENT_TICKET_CREATED:
        say_created(options, story, event);
        break;
    case EVENT_TICKET_UPDATED:
        number(event, FIELD_SEVERITY, step->code);
        break;
    case EVENT_TICKET_ASSIGNED:
        string(event, FIELD_TEAM, options->teams.names[step->team]);
        number(event, FIELD_TIER, step->team < (options->teams.n + 1) / 2 ? 1 : 2);
        string(event, FIELD_KIND, KINDS[step->code - 1]);
        break;
    case EVENT_TICKET_MESSAGE:
        string(event, FIELD_DIRECTION, DIRECTIONS[step->code - 1]);
        if (step->automated)
            number(event, FIELD_AUTOMATED, 1);
        break;
    case EVENT_TICKET_STATUS:
        string(event, FIELD_TO, STATUSES[step->code - 1]);
        if (step->automated)
            number(event, FIELD_AUTOMATED, 1);
        break;
    case EVENT_TICKET_MERGED:
        make_id(event->into, options->prefix, story->number - 1, 0, 0);
        string(event, FIELD_INTO, event->into);
        break;
    case EVENT_TICKET_DELETED:
        string(event, FIELD_REASON, REASONS[step->code - 1]);
        break;
    case EVENT_CONTACT_ENDED:
        if (given_up)
            string(event, FIELD_SITE, options->sites.names[story->site]);
        string(event, FIELD_OUTCOME, OUTCOMES[step->code - 1]);
        number(event, FIELD_QUEUE_S, step->queue_s);
        if (!given_up) {
            number(event, FIELD_TALK_S, step->talk_s);
            number(event, FIELD_WRAP_S, 30);
        }
        break;
    case EVENT_SURVEY_SENT:
    case EVENT_SURVEY_RESPONSE:
        say_survey(options, story, step, event);
        break;
    case EVENT_SLA_APPLIED:
        say_sla(story, step, event);
        break;
    default: /* no other step is ever added */
        break;
    }
}
