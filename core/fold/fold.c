#include "core/fold/fold.h"

#include "core/fold/order.h"
#include "core/fold/reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N_DIMENSIONS FIELD_N_DIMENSIONS
#define N_CLASSES    (STATUS_CLOSED + 1)

struct dimensions {
    uint16_t of[N_DIMENSIONS];
};

struct solve {
    int64_t at;     /* counted: not before created_at */
    int64_t raw_at; /* as the source said */
    int64_t reopened_at;
    int64_t class_ms[N_CLASSES];
    struct dimensions dimensions;
};

struct reopening {
    int64_t at;
    struct dimensions dimensions;
};

struct span {
    int64_t from, to;
    struct dimensions dimensions;
};

/* A response with a score and what it is the last of. */
struct rating {
    const struct event *event;
    int64_t at;
    int32_t solve; /* place of the solve rated, −1 none */
    bool is_dropped;
    bool is_of_survey;
};

struct fold {
    size_t capacity; /* events that there is room for in each of these */
    struct order_item *items, *room;
    struct solve *solves;
    struct reopening *reopenings;
    struct span *spans;
    struct rating *ratings;
    uint32_t *slots; /* hash table over event ids or rating keys, SLOTS_PER_EVENT × capacity */
    struct fact_row row;
};

#define CAPACITY_FIRST  64
#define SLOTS_PER_EVENT 2

int fold_new(struct fold **ret)
{
    struct fold *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    *ret = f;
    return 0;
}

static void fold_release(struct fold *f)
{
    free(f->items);
    free(f->room);
    free(f->solves);
    free(f->reopenings);
    free(f->spans);
    free(f->ratings);
    free(f->slots);
    memset(f, 0, sizeof(*f));
}

void fold_free(struct fold *f)
{
    if (!f)
        return;
    fold_release(f);
    free(f);
}

/* Room for n events. What is there is not kept: nothing lives from one run to the next. */
static int fold_reserve(struct fold *f, size_t n)
{
    if (n <= f->capacity)
        return 0;
    size_t capacity = CAPACITY_FIRST;
    while (capacity < n)
        capacity *= 2;
    fold_release(f);
    f->items = calloc(capacity, sizeof(*f->items));
    f->room = calloc(capacity, sizeof(*f->room));
    f->solves = calloc(capacity, sizeof(*f->solves));
    f->reopenings = calloc(capacity, sizeof(*f->reopenings));
    f->spans = calloc(capacity + 1, sizeof(*f->spans)); /* the one from created_at and one an event */
    f->ratings = calloc(capacity, sizeof(*f->ratings));
    f->slots = calloc(capacity * SLOTS_PER_EVENT, sizeof(*f->slots));
    if (!f->items || !f->room || !f->solves || !f->reopenings || !f->spans || !f->ratings || !f->slots) {
        fold_release(f);
        return -ENOMEM;
    }
    f->capacity = capacity;
    return 0;
}

/* --- identity
 * ------------------------------------------------------------------------------------------------ */

#define PAIRS_MAX 12 /* up to here comparing all pairs is cheaper than a table */

/* Keeps, of the sorted items with the same id, the first. Returns how many are left. */
static size_t items_drop_conflicts(struct fold *f, size_t n)
{
    size_t kept = 0;
    if (n <= PAIRS_MAX) {
        for (size_t i = 0; i < n; i++) {
            bool is_known = false;
            for (size_t j = 0; j < kept && !is_known; j++)
                is_known = f->items[j].event->id == f->items[i].event->id;
            if (!is_known)
                f->items[kept++] = f->items[i];
        }
        return kept;
    }
    size_t n_slots = CAPACITY_FIRST * SLOTS_PER_EVENT;
    while (n_slots < n * SLOTS_PER_EVENT)
        n_slots *= 2;
    memset(f->slots, 0, n_slots * sizeof(f->slots[0]));
    for (size_t i = 0; i < n; i++) {
        /* ids are keyed hashes: their low bits are spread, and nobody outside can aim at them */
        size_t slot = f->items[i].event->id & (n_slots - 1);
        while (f->slots[slot] && f->items[f->slots[slot] - 1].event->id != f->items[i].event->id)
            slot = (slot + 1) & (n_slots - 1);
        if (f->slots[slot])
            continue;
        f->items[kept] = f->items[i];
        f->slots[slot] = (uint32_t)++kept;
    }
    return kept;
}

/* --- the state of a ticket
 * ----------------------------------------------------------------------------------- */

static bool type_is_of_ticket(unsigned type)
{
    return type <= EVENT_TICKET_MESSAGE || (type >= EVENT_TICKET_STATUS && type <= EVENT_TICKET_RESTORED);
}

static bool class_is_active(unsigned class)
{
    return class < STATUS_SOLVED;
}

enum response_state { RESPONSE_NOT_STARTED, RESPONSE_RUNNING, RESPONSE_ENDED };

/* One run of the fold over one subject. */
struct run {
    struct fold *f;
    const struct fold_environment *environment;
    const struct fold_subject *subject;
    size_t n; /* items, sorted, without conflicts */
    size_t n_conflicts;
    size_t n_orphans;

    bool is_ticket, is_inferred;
    size_t created; /* place of the event that made the ticket */
    int64_t created_at;
    enum fact_excluded excluded;

    struct dimensions now, at_creation;
    unsigned class;
    int64_t class_since;
    int64_t class_ms[N_CLASSES];
    size_t n_solves, n_reopenings, n_spans, n_ratings;
    bool solved_by_person; /* some solve was not automated */

    bool span_is_open; /* the last of f->spans, from its instant on */
    bool span_is_stale;
    int64_t span_at; /* the instant whose events are being applied */

    enum response_state response;
    int64_t response_start, response_end;
    struct dimensions at_response;

    bool was_held; /* a team or tier was known at some time */
    unsigned last_team;
    int64_t handoffs, escalated;
    int64_t last_tier;         /* −1 none known yet */
    const char *last_employer; /* NULL none known yet */
};

/* The tier and employer that a team and a tier dimension mean at an instant: −1, NULL unknown. */
static void run_standing(const struct run *r, unsigned team, unsigned tier, int64_t at, int64_t *ret_tier,
                         const char **ret_employer)
{
    *ret_tier = tier ? (int64_t)tier + FIELDS[FIELD_TIER].low - 1 : -1;
    *ret_employer = NULL;
    if (!team || !r->environment->reference)
        return;
    const char *key = dictionary_string(r->environment->dictionary, FIELD_TEAM, team);
    const struct reference_row *row =
        key ? reference_find(r->environment->reference, REFERENCE_TEAM, key, at) : NULL;
    if (!row)
        return;
    *ret_employer = row->strings[REFERENCE_EMPLOYER];
    if (*ret_tier < 0 && row->numbers[REFERENCE_TEAM_TIER] != REFERENCE_NONE)
        *ret_tier = row->numbers[REFERENCE_TEAM_TIER];
}

/* The ticket went from one team and tier to another at an instant. Both sides are judged by the tables of
 * that instant, so that a change of a table alone is no escalation; where the old side is unknown, the last
 * that was known stands in, so that a ticket that passes through nobody's hands is still handed on. */
static void run_moved(struct run *r, unsigned team, unsigned tier, int64_t at)
{
    unsigned new_team = r->now.of[FIELD_TEAM], new_tier = r->now.of[FIELD_TIER];
    if (new_team) {
        if (r->last_team && r->last_team != new_team)
            r->handoffs++;
        r->last_team = new_team;
    }
    if (new_team || new_tier)
        r->was_held = true;
    if (r->escalated)
        return;
    int64_t old_level, new_level;
    const char *old_employer, *new_employer;
    run_standing(r, team, tier, at, &old_level, &old_employer);
    run_standing(r, new_team, new_tier, at, &new_level, &new_employer);
    if (old_level >= 0)
        r->last_tier = old_level;
    if (old_employer)
        r->last_employer = old_employer;
    if (new_level >= 0) {
        if (r->last_tier >= 0 && new_level > r->last_tier)
            r->escalated = 1;
        r->last_tier = new_level;
    }
    if (new_employer) {
        /* strings of one reference are interned */
        if (r->last_employer && new_employer != r->last_employer)
            r->escalated = 1;
        r->last_employer = new_employer;
    }
}

static void run_apply_dimensions(struct run *r, const struct event *e, int64_t at)
{
    unsigned team = r->now.of[FIELD_TEAM], tier = r->now.of[FIELD_TIER];
    for (unsigned i = 0; i < e->n_fields; i++) {
        unsigned field = event_field_of(e->fields[i]);
        if (field >= N_DIMENSIONS)
            break; /* ascending: the dimensions come first */
        uint16_t value = (uint16_t)event_number_of(e->fields[i]);
        if (r->now.of[field] != value) {
            r->now.of[field] = value;
            r->span_is_stale = true;
        }
    }
    if (r->now.of[FIELD_TEAM] != team || r->now.of[FIELD_TIER] != tier)
        run_moved(r, team, tier, at);
}

/* All events of the instant span_at are applied: opens, keeps or cuts the span. */
static void run_settle_span(struct run *r)
{
    if (!r->span_is_stale)
        return;
    r->span_is_stale = false;
    bool is_active = class_is_active(r->class);
    struct span *last = r->span_is_open ? &r->f->spans[r->n_spans - 1] : NULL;
    if (last) {
        if (is_active && memcmp(&last->dimensions, &r->now, sizeof(r->now)) == 0)
            return;
        last->to = r->span_at;
        r->span_is_open = false;
    }
    if (is_active) {
        r->f->spans[r->n_spans++] =
            (struct span){.from = r->span_at, .to = FACT_FOREVER, .dimensions = r->now};
        r->span_is_open = true;
    }
}

static void run_status(struct run *r, const struct event *e, int64_t at)
{
    unsigned to = (unsigned)event_get(e, FIELD_TO, 0);
    if (to < STATUS_NEW || to > STATUS_CLOSED || to == r->class)
        return;
    bool was_active = class_is_active(r->class), is_active = class_is_active(to);
    r->class_ms[r->class] += at - r->class_since;
    r->class = to;
    r->class_since = at;
    if (was_active == is_active)
        return;
    r->span_is_stale = true;
    if (was_active) {
        struct solve *s = &r->f->solves[r->n_solves++];
        s->at = at;
        s->raw_at = e->at;
        s->reopened_at = FACT_NULL;
        s->dimensions = r->now;
        memcpy(s->class_ms, r->class_ms, sizeof(s->class_ms));
        if (!event_get(e, FIELD_AUTOMATED, 0))
            r->solved_by_person = true;
        return;
    }
    r->f->solves[r->n_solves - 1].reopened_at = at;
    r->f->reopenings[r->n_reopenings++] = (struct reopening){.at = at, .dimensions = r->now};
    if (r->response == RESPONSE_RUNNING && !r->solved_by_person)
        r->response_start = at;
}

static void run_message(struct run *r, const struct event *e, int64_t at)
{
    if (event_get(e, FIELD_AUTOMATED, 0))
        return;
    int64_t direction = event_get(e, FIELD_DIRECTION, 0);
    if (direction == DIRECTION_IN && r->response == RESPONSE_NOT_STARTED) {
        r->response = RESPONSE_RUNNING;
        r->response_start = at;
    } else if (direction == DIRECTION_OUT && event_get(e, FIELD_PUBLIC, 1) &&
               r->response == RESPONSE_RUNNING) {
        r->response = RESPONSE_ENDED;
        r->response_end = at;
        r->at_response = r->now;
    }
}

static enum fact_excluded deletion_reason(const struct event *e)
{
    switch (event_get(e, FIELD_REASON, 0)) {
    case REASON_SPAM:
        return EXCLUDED_SPAM;
    case REASON_TEST:
        return EXCLUDED_TEST;
    case REASON_ERASURE:
        return EXCLUDED_ERASURE;
    default:
        return EXCLUDED_DUPLICATE;
    }
}

static void run_note_rating(struct run *r, const struct event *e, int64_t at)
{
    if (event_get(e, FIELD_SCORE, FACT_NULL) == FACT_NULL)
        return;
    r->f->ratings[r->n_ratings++] = (struct rating){.event = e, .at = at, .solve = -1};
}

static void run_apply(struct run *r, size_t place)
{
    const struct event *e = r->f->items[place].event;
    int64_t at = r->is_ticket && e->at < r->created_at ? r->created_at : e->at;
    if (r->is_ticket && at != r->span_at) {
        run_settle_span(r);
        r->span_at = at;
    }
    if (type_is_of_ticket(e->type))
        run_apply_dimensions(r, e, at);
    switch (e->type) {
    case EVENT_TICKET_MESSAGE:
        run_message(r, e, at);
        break;
    case EVENT_TICKET_STATUS:
        run_status(r, e, at);
        break;
    case EVENT_TICKET_MERGED:
        r->excluded = EXCLUDED_MERGED;
        break;
    case EVENT_TICKET_DELETED:
        r->excluded = deletion_reason(e);
        break;
    case EVENT_TICKET_RESTORED:
        r->excluded = EXCLUDED_NO;
        break;
    case EVENT_SURVEY_RESPONSE:
        run_note_rating(r, e, at);
        break;
    default:
        break;
    }
    if (!type_is_of_ticket(e->type) && !r->is_ticket && !r->subject->is_loose)
        r->n_orphans++;
    if (r->is_ticket && place == r->created)
        r->at_creation = r->now;
}

/* Finds what made the ticket: created_at and who opened it must be known before its events are applied. */
static void run_find_creation(struct run *r)
{
    size_t first = SIZE_MAX, created = SIZE_MAX;
    for (size_t i = 0; i < r->n && created == SIZE_MAX; i++) {
        unsigned type = r->f->items[i].event->type;
        if (type == EVENT_TICKET_CREATED)
            created = i;
        if (first == SIZE_MAX && type_is_of_ticket(type))
            first = i;
    }
    if (first == SIZE_MAX || r->subject->is_loose)
        return;
    r->is_ticket = true;
    r->is_inferred = created == SIZE_MAX;
    r->created = r->is_inferred ? first : created;
    const struct event *e = r->f->items[r->created].event;
    r->created_at = e->at;
    r->class_since = r->span_at = e->at;
    r->span_is_stale = true;
    if (r->is_inferred)
        r->response = RESPONSE_ENDED; /* no duration from created_at */
    else if (event_get(e, FIELD_BY, BY_REQUESTER) == BY_REQUESTER) {
        r->response = RESPONSE_RUNNING;
        r->response_start = e->at;
    }
}

/* --- ratings
 * ------------------------------------------------------------------------------------------------- */

static bool rating_is_reseller(const struct rating *g)
{
    return event_get(g->event, FIELD_RATER_RELATION, 0) == RELATION_RESELLER;
}

/* Whether two ratings stand for the same: solve and instrument, with is_whole the question too. A reseller's
 * is in no metric and never takes the place of another's. */
static bool rating_is_same(const struct rating *a, const struct rating *b, bool is_whole)
{
    return a->solve == b->solve &&
           event_get(a->event, FIELD_INSTRUMENT, 0) == event_get(b->event, FIELD_INSTRUMENT, 0) &&
           rating_is_reseller(a) == rating_is_reseller(b) &&
           (!is_whole || event_get(a->event, FIELD_QUESTION, 0) == event_get(b->event, FIELD_QUESTION, 0));
}

static uint64_t rating_hash(const struct rating *g, bool is_whole)
{
    uint64_t h = (uint64_t)(g->solve + 1) << 34 | (uint64_t)event_get(g->event, FIELD_INSTRUMENT, 0) << 17 |
                 (is_whole ? (uint64_t)event_get(g->event, FIELD_QUESTION, 0) << 1 : 0) |
                 rating_is_reseller(g);
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* Calls back over the ratings from the last to the first which are the first met of their key. */
static void ratings_mark(struct run *r, bool is_whole)
{
    struct rating *ratings = r->f->ratings;
    size_t n_slots = CAPACITY_FIRST * SLOTS_PER_EVENT;
    while (n_slots < r->n_ratings * SLOTS_PER_EVENT)
        n_slots *= 2;
    memset(r->f->slots, 0, n_slots * sizeof(r->f->slots[0]));
    for (size_t i = r->n_ratings; i-- > 0;) {
        size_t slot = rating_hash(&ratings[i], is_whole) & (n_slots - 1);
        while (r->f->slots[slot] && !rating_is_same(&ratings[r->f->slots[slot] - 1], &ratings[i], is_whole))
            slot = (slot + 1) & (n_slots - 1);
        bool is_last = r->f->slots[slot] == 0;
        if (is_last)
            r->f->slots[slot] = (uint32_t)i + 1;
        if (is_whole)
            ratings[i].is_dropped = !is_last;
        else
            ratings[i].is_of_survey = is_last;
    }
}

/* Gives each rating its solve, the latest at or before it, and keeps the last of each. */
static void run_settle_ratings(struct run *r)
{
    size_t passed = 0; /* ratings and solves are both in order of what the source said */
    for (size_t i = 0; i < r->n_ratings; i++) {
        struct rating *g = &r->f->ratings[i];
        while (passed < r->n_solves && r->f->solves[passed].raw_at <= g->event->at)
            passed++;
        g->solve = (int32_t)passed - 1;
        g->is_of_survey = true;
    }
    if (r->n_ratings < 2 || r->subject->is_loose)
        return;
    ratings_mark(r, true);
    ratings_mark(r, false);
}

/* --- rows
 * ---------------------------------------------------------------------------------------------------- */

struct emitter {
    int (*emit)(void *context, const struct fact_row *row);
    void *context;
};

static int64_t *run_row(struct run *r, enum fact_table table, int64_t flags, const struct dimensions *d)
{
    struct fact_row *row = &r->f->row;
    row->table = (uint8_t)table;
    row->values[FACT_SUBJECT] = r->subject->number;
    row->values[FACT_NAMESPACE] = r->subject->namespace;
    row->values[FACT_EXCLUDED] = r->excluded;
    row->values[FACT_FLAGS] =
        flags | (r->is_ticket ? FACT_FLAG_TICKET : 0) | (r->is_inferred ? FACT_FLAG_INFERRED : 0);
    row->values[FACT_CREATED] = r->is_ticket ? r->created_at : FACT_NULL;
    memcpy(row->dimensions[0], d->of, sizeof(d->of));
    return row->values;
}

static int run_emit_ticket(struct run *r, const struct emitter *out)
{
    if (!r->is_ticket && !r->n_conflicts && !r->n_orphans)
        return 0;
    int64_t *v = run_row(r, FACT_TICKET, 0, &r->at_creation);
    v[FACT_TICKET_CLASS] = r->is_ticket ? (int64_t)r->class : FACT_NULL;
    v[FACT_TICKET_ORPHANS] = (int64_t)r->n_orphans;
    v[FACT_TICKET_CONFLICTS] = (int64_t)r->n_conflicts;
    memcpy(r->f->row.dimensions[1], r->now.of, sizeof(r->now.of));
    return out->emit(out->context, &r->f->row);
}

static int run_emit_reply(struct run *r, const struct emitter *out)
{
    if (r->is_inferred || r->response != RESPONSE_ENDED)
        return 0;
    int64_t *v = run_row(r, FACT_REPLY, 0, &r->at_response);
    v[FACT_REPLY_START] = r->response_start;
    v[FACT_REPLY_END] = r->response_end;
    v[FACT_REPLY_ORDINAL] = 0;
    return out->emit(out->context, &r->f->row);
}

static int run_emit_solves(struct run *r, const struct emitter *out)
{
    for (size_t i = 0; i < r->n_solves; i++) {
        const struct solve *s = &r->f->solves[i];
        bool is_last = i + 1 == r->n_solves && !class_is_active(r->class);
        int64_t *v = run_row(r, FACT_SOLVE, is_last ? FACT_FLAG_LAST : 0, &s->dimensions);
        v[FACT_SOLVE_AT] = s->at;
        v[FACT_SOLVE_ORDINAL] = (int64_t)i;
        v[FACT_SOLVE_NEW_MS] = r->is_inferred ? FACT_NULL : s->class_ms[STATUS_NEW];
        v[FACT_SOLVE_OPEN_MS] = r->is_inferred ? FACT_NULL : s->class_ms[STATUS_OPEN];
        v[FACT_SOLVE_PENDING_MS] = r->is_inferred ? FACT_NULL : s->class_ms[STATUS_PENDING];
        v[FACT_SOLVE_HOLD_MS] = r->is_inferred ? FACT_NULL : s->class_ms[STATUS_HOLD];
        v[FACT_SOLVE_REOPENED_AT] = s->reopened_at;
        v[FACT_SOLVE_HANDOFFS] = is_last ? r->handoffs : FACT_NULL;
        v[FACT_SOLVE_ESCALATED] = is_last && r->was_held ? r->escalated : FACT_NULL;
        int c = out->emit(out->context, &r->f->row);
        if (c)
            return c;
    }
    return 0;
}

static int run_emit_reopenings(struct run *r, const struct emitter *out)
{
    for (size_t i = 0; i < r->n_reopenings; i++) {
        int64_t *v = run_row(r, FACT_REOPEN, 0, &r->f->reopenings[i].dimensions);
        v[FACT_REOPEN_AT] = r->f->reopenings[i].at;
        int c = out->emit(out->context, &r->f->row);
        if (c)
            return c;
    }
    return 0;
}

static int run_emit_spans(struct run *r, const struct emitter *out)
{
    for (size_t i = 0; i < r->n_spans; i++) {
        int64_t *v = run_row(r, FACT_SPAN, 0, &r->f->spans[i].dimensions);
        v[FACT_SPAN_FROM] = r->f->spans[i].from;
        v[FACT_SPAN_TO] = r->f->spans[i].to;
        int c = out->emit(out->context, &r->f->row);
        if (c)
            return c;
    }
    return 0;
}

/* The dimensions that an event itself carries. */
static void event_dimensions(const struct event *e, struct dimensions *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (unsigned i = 0; i < e->n_fields && event_field_of(e->fields[i]) < N_DIMENSIONS; i++)
        ret->of[event_field_of(e->fields[i])] = (uint16_t)event_number_of(e->fields[i]);
}

static int run_emit_ratings(struct run *r, const struct emitter *out)
{
    for (size_t i = 0; i < r->n_ratings; i++) {
        const struct rating *g = &r->f->ratings[i];
        if (g->is_dropped)
            continue;
        const struct event *e = g->event;
        struct dimensions own;
        if (g->solve < 0)
            event_dimensions(e, &own);
        int64_t *v = run_row(r, FACT_RATING, g->is_of_survey ? FACT_FLAG_OF_SURVEY : 0,
                             g->solve < 0 ? &own : &r->f->solves[g->solve].dimensions);
        v[FACT_RATING_AT] = g->at;
        v[FACT_RATING_SOLVE_AT] = g->solve < 0 ? FACT_NULL : r->f->solves[g->solve].at;
        v[FACT_RATING_INSTRUMENT] = event_get(e, FIELD_INSTRUMENT, 0);
        v[FACT_RATING_QUESTION] = event_get(e, FIELD_QUESTION, 0);
        v[FACT_RATING_SCORE] = event_get(e, FIELD_SCORE, 0);
        v[FACT_RATING_MIN] = event_get(e, FIELD_MIN, 0);
        v[FACT_RATING_MAX] = event_get(e, FIELD_MAX, 0);
        v[FACT_RATING_RELATION] = event_get(e, FIELD_RATER_RELATION, 0);
        v[FACT_RATING_RESPONDENT] = (int64_t)e->ref;
        v[FACT_RATING_SEQ] = e->seq;
        int c = out->emit(out->context, &r->f->row);
        if (c)
            return c;
    }
    return 0;
}

int fold_run(struct fold *f, const struct fold_environment *environment, const struct fold_subject *subject,
             const struct event *const *events, size_t n,
             int (*emit)(void *context, const struct fact_row *row), void *context)
{
    int c = fold_reserve(f, n);
    if (c)
        return c;
    struct order order;
    order_init(&order, environment);
    for (size_t i = 0; i < n; i++)
        order_item_init(&f->items[i], events[i]);
    order_sort(&order, f->items, f->room, n);

    struct run r = {
        .f = f, .environment = environment, .subject = subject, .class = STATUS_NEW, .last_tier = -1};
    r.n = items_drop_conflicts(f, n);
    r.n_conflicts = n - r.n;
    run_find_creation(&r);
    for (size_t i = 0; i < r.n; i++)
        run_apply(&r, i);
    if (r.is_ticket)
        run_settle_span(&r);
    run_settle_ratings(&r);

    const struct emitter out = {.emit = emit, .context = context};
    (void)((c = run_emit_ticket(&r, &out)) || (c = run_emit_reply(&r, &out)) ||
           (c = run_emit_solves(&r, &out)) || (c = run_emit_reopenings(&r, &out)) ||
           (c = run_emit_spans(&r, &out)) || (c = run_emit_ratings(&r, &out)));
    return c;
}
