#include "plugins/simulator/world.h"

#include "plugins/simulator/chance.h"
#include "plugins/simulator/story.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS     3600000ll
#define DAY_MS      (24 * HOUR_MS)
#define LIFETIME_MS (WORLD_LIFETIME_S * 1000ll)
#define AHEAD_MS    (30 * 60 * 1000ll) /* how long before its creation a ticket's first event may be: a call */

#define GRAIN 4096 /* parts of a unit of demand */

/* How many tickets an hour of the day brings, in UTC, for hospitals in North America; at weekends a third. */
static const uint8_t DEMAND[24] = {30, 24, 20, 18,  15, 13, 12, 11, 12, 14, 20, 35,
                                   60, 85, 98, 100, 96, 90, 92, 90, 80, 66, 50, 38};

struct world {
    struct world_options options;
    uint64_t *hours; /* demand of all hours before that one */
    uint32_t n_hours;
    uint64_t next_ticket, next_survey, n_surveys;
    /* Stories in flight, a heap by their next step. */
    struct story **stories;
    size_t n_stories, room;
    struct story *draft; /* where the next story is made */
    bool is_drafted;
};

static uint32_t demand(int64_t hour)
{
    int64_t day = hour / 24;
    bool weekend = (day + 4) % 7 == 0 || (day + 4) % 7 == 6;

    return weekend ? DEMAND[hour % 24] : 3u * DEMAND[hour % 24];
}

int world_new(const struct world_options *options, struct world **ret)
{
    const struct world_names *names[] = {&options->sites, &options->products, &options->teams,
                                         &options->channels};
    int64_t span_ms = options->until_ms - options->from_ms;
    struct world *world;

    if (options->from_ms < EVENT_AT_MIN || span_ms < HOUR_MS || span_ms > WORLD_YEARS * 366 * DAY_MS ||
        options->n_tickets == 0 || options->n_tickets > UINT32_MAX || options->sites.n > WORLD_SITES ||
        options->teams.n > UINT8_MAX)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i]->n == 0)
            return -EINVAL;
    world = calloc(1, sizeof(*world));
    if (!world)
        return -ENOMEM;
    world->options = *options;
    world->n_hours = (uint32_t)(span_ms / HOUR_MS);
    world->hours = calloc(world->n_hours + 1, sizeof(*world->hours));
    world->draft = malloc(sizeof(*world->draft));
    if (!world->hours || !world->draft) {
        world_free(world);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < world->n_hours; i++)
        world->hours[i + 1] = world->hours[i] + (uint64_t)GRAIN * demand(options->from_ms / HOUR_MS + i);
    if (options->site_survey_days > 0)
        world->n_surveys = (uint64_t)(span_ms / (options->site_survey_days * DAY_MS)) * options->sites.n *
                           SURVEY_RESPONDENTS;
    *ret = world;
    return 0;
}

void world_free(struct world *world)
{
    if (!world)
        return;
    for (size_t i = 0; i < world->n_stories; i++)
        free(world->stories[i]);
    free(world->stories);
    free(world->draft);
    free(world->hours);
    free(world);
}

/* --- when stories begin ----------------------------------------------------------------------------------
 */

/* Tickets are spread over the demand of all hours, evenly but for a little chance: so they are in order. */
static int64_t ticket_created(const struct world *world, uint64_t number)
{
    uint64_t total = world->hours[world->n_hours], weight;
    uint32_t low = 0, high = world->n_hours;
    struct chance chance;

    chance_init(&chance, ~world->options.seed, number);
    weight = (uint64_t)(((unsigned __int128)(number << 16 | chance_below(&chance, 1 << 16)) * total) /
                        ((unsigned __int128)world->options.n_tickets << 16));
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (world->hours[middle] <= weight)
            low = middle;
        else
            high = middle;
    }
    return world->options.from_ms + low * HOUR_MS +
           (int64_t)((weight - world->hours[low]) * (uint64_t)HOUR_MS /
                     (world->hours[low + 1] - world->hours[low]));
}

/* Round after round, each within a day. */
static int64_t survey_asked(const struct world *world, uint64_t number)
{
    uint64_t of_round = (uint64_t)world->options.sites.n * SURVEY_RESPONDENTS;
    int64_t round = (int64_t)(number / of_round);

    return world->options.from_ms + (round + 1) * world->options.site_survey_days * DAY_MS - DAY_MS +
           (int64_t)(number % of_round) * DAY_MS / (int64_t)of_round;
}

/* --- the heap --------------------------------------------------------------------------------------------
 */

static int64_t due(const struct story *story)
{
    return story->steps[story->at].at_ms + story->steps[story->at].jitter_ms;
}

static bool before(int64_t due_left, uint64_t story_left, uint32_t step_left, int64_t due_right,
                   uint64_t story_right, uint32_t step_right)
{
    if (due_left != due_right)
        return due_left < due_right;
    if (story_left != story_right)
        return story_left < story_right;
    return step_left < step_right;
}

static bool earlier(const struct story *left, const struct story *right)
{
    return before(due(left), left->number, left->steps[left->at].number, due(right), right->number,
                  right->steps[right->at].number);
}

static void sink(struct world *world, size_t at)
{
    struct story *story = world->stories[at];

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= world->n_stories)
            break;
        if (child + 1 < world->n_stories && earlier(world->stories[child + 1], world->stories[child]))
            child++;
        if (!earlier(world->stories[child], story))
            break;
        world->stories[at] = world->stories[child];
        at = child;
    }
    world->stories[at] = story;
}

/* Takes a copy of the story into the heap, its steps in the order of their delivery. */
static int push(struct world *world, const struct story *draft)
{
    size_t size = offsetof(struct story, steps) + draft->n_steps * sizeof(draft->steps[0]), at;
    struct story *story;

    if (world->n_stories == world->room) {
        size_t room = world->room ? world->room * 2 : 1024;
        struct story **stories = reallocarray(world->stories, room, sizeof(*stories));

        if (!stories)
            return -ENOMEM;
        world->stories = stories;
        world->room = room;
    }
    story = malloc(size);
    if (!story)
        return -ENOMEM;
    memcpy(story, draft, size);
    for (int i = 1; i < story->n_steps; i++) {
        struct step step = story->steps[i];
        int j = i;

        for (;
             j > 0 && story->steps[j - 1].at_ms + story->steps[j - 1].jitter_ms > step.at_ms + step.jitter_ms;
             j--)
            story->steps[j] = story->steps[j - 1];
        story->steps[j] = step;
    }
    at = world->n_stories++;
    while (at > 0 && earlier(story, world->stories[(at - 1) / 2])) {
        world->stories[at] = world->stories[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->stories[at] = story;
    return 0;
}

/* Makes the story that begins next, in world->draft. False when there is none. */
static bool make_next(struct world *world)
{
    const struct world_options *options = &world->options;
    bool ticket = world->next_ticket < options->n_tickets, survey = world->next_survey < world->n_surveys;
    int64_t created = ticket ? ticket_created(world, world->next_ticket) : INT64_MAX;
    int64_t asked = survey ? survey_asked(world, world->next_survey) : INT64_MAX;

    if (!ticket && !survey)
        return false;
    if (created <= asked) {
        story_ticket(options, world->next_ticket++, created, world->draft);
    } else {
        uint64_t of_round = (uint64_t)options->sites.n * SURVEY_RESPONDENTS,
                 at = world->next_survey++ % of_round;

        story_survey(options, (world->next_survey - 1) / of_round, (uint32_t)(at / SURVEY_RESPONDENTS),
                     (uint32_t)(at % SURVEY_RESPONDENTS), asked, world->draft);
    }
    return true;
}

/* The story whose next step is the next of all; NULL at the end, or with *ret_error. */
static struct story *next_story(struct world *world, int *ret_error)
{
    *ret_error = 0;
    for (;;) {
        if (!world->is_drafted && !make_next(world))
            break;
        world->is_drafted = true;
        if (world->n_stories > 0 && world->draft->begins_ms - AHEAD_MS > due(world->stories[0]))
            break;
        *ret_error = push(world, world->draft);
        if (*ret_error < 0)
            return NULL;
        world->is_drafted = false;
    }
    return world->n_stories > 0 ? world->stories[0] : NULL;
}

static void step_done(struct world *world)
{
    struct story *story = world->stories[0];

    if (++story->at == story->n_steps) {
        world->stories[0] = world->stories[--world->n_stories];
        free(story);
    }
    if (world->n_stories > 0)
        sink(world, 0);
}

int world_next(struct world *world, struct world_event *ret)
{
    struct story *story;
    int rc;

    story = next_story(world, &rc);
    if (!story)
        return rc;
    story_event(&world->options, story, &story->steps[story->at], ret);
    step_done(world);
    return 1;
}

int world_seek(struct world *world, int64_t due_ms, uint64_t story_number, uint32_t step)
{
    uint64_t low = 0, high = world->options.n_tickets;
    struct story *story;
    int rc;

    for (size_t i = 0; i < world->n_stories; i++)
        free(world->stories[i]);
    world->n_stories = 0;
    world->is_drafted = false;
    while (low < high) { /* the first ticket that can still have events to come */
        uint64_t middle = low + (high - low) / 2;

        if (ticket_created(world, middle) < due_ms - LIFETIME_MS)
            low = middle + 1;
        else
            high = middle;
    }
    world->next_ticket = low;
    for (low = 0; low < world->n_surveys && survey_asked(world, low) < due_ms - LIFETIME_MS;)
        low++;
    world->next_survey = low;
    while ((story = next_story(world, &rc)) != NULL &&
           !before(due_ms, story_number, step, due(story), story->number, story->steps[story->at].number))
        step_done(world);
    return rc;
}
