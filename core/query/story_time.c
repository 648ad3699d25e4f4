/* When what happened, and how long it was what. */
#include "core/query/shown.h"
#include "core/query/story.h"

#include <stdlib.h>
#include <string.h>

static json_t *field_value(const struct story *s, enum event_field field, int64_t number)
{
    const struct field_info *info = &FIELDS[field];
    switch (info->kind) {
    case VALUE_DICTIONARY: {
        const char *text = dictionary_string(s->environment.dictionary, field, (uint32_t)number);
        return number && text ? json_string(text) : json_null();
    }
    case VALUE_ENUM:
        return number ? json_string(info->values[number - 1]) : json_null();
    case VALUE_INT:
        return number ? json_integer(number + info->low - 1) : json_null();
    case VALUE_BOOL:
        return json_boolean(number != 0);
    case VALUE_SECONDS:
    case VALUE_SCORE:
        return shown_seconds(number);
    case VALUE_TIME:
        return shown_instant(s->zone, number);
    case VALUE_HASH:
        break;
    }
    return json_null();
}

static const char *field_name(const struct story *s, enum event_field field)
{
    if (field >= FIELD_DECLARED && field < FIELD_N_DIMENSIONS) {
        unsigned place = field - FIELD_DECLARED;
        return place < s->context->n_declared ? s->context->declared[place] : NULL;
    }
    return FIELDS[field].name;
}

static json_t *event_fields(const struct story *s, const struct event *e)
{
    json_t *fields = json_object();
    for (unsigned i = 0; fields && i < e->n_fields; i++) {
        enum event_field field = event_field_of(e->fields[i]);
        const char *name = field_name(s, field);
        if (name)
            (void)json_object_set_new(fields, name, field_value(s, field, event_number_of(e->fields[i])));
    }
    return fields;
}

static json_t *event_shown(const struct story *s, const struct event *e, const struct story_step *step)
{
    json_t *line = json_object();
    (void)json_object_set_new(line, "at", shown_instant(s->zone, e->at));
    (void)json_object_set_new(line, "event", json_string(EVENT_TYPE_INFO[e->type].name));
    (void)json_object_set_new(line, "fields", event_fields(s, e));
    (void)json_object_set_new(line, "class",
                              step && step->class ? json_string(FIELDS[FIELD_TO].values[step->class - 1])
                                                  : json_null());
    if (!step)
        (void)json_object_set_new(
            line, "note", json_string("not used: another event has the same id, and its content goes first"));
    else if (step->at != e->at)
        (void)json_object_set_new(line, "note", json_string("before the ticket's creation: counts as at it"));
    return line;
}

static bool is_used(const struct story *s, const struct event *e)
{
    for (size_t i = 0; i < s->n_steps; i++)
        if (s->steps[i].event == e)
            return true;
    return false;
}

json_t *story_timeline(const struct story *s)
{
    json_t *lines = json_array();
    for (size_t i = 0; lines && i < s->n_steps; i++)
        (void)json_array_append_new(lines, event_shown(s, s->steps[i].event, &s->steps[i]));
    for (size_t i = 0; lines && s->n_steps < s->n_events && i < s->n_events; i++)
        if (!is_used(s, s->events[i]))
            (void)json_array_append_new(lines, event_shown(s, s->events[i], NULL));
    return lines;
}

static const char *team_of(const struct story *s, const struct story_step *step)
{
    return dictionary_string(s->environment.dictionary, FIELD_TEAM, step->dimensions[FIELD_TEAM]);
}

static json_t *interval_shown(const struct story *s, const struct story_step *step, int64_t to, bool is_open)
{
    const char *team = team_of(s, step);
    json_t *line = json_object();
    (void)json_object_set_new(line, "from", shown_instant(s->zone, step->at));
    (void)json_object_set_new(line, "to", is_open ? json_null() : shown_instant(s->zone, to));
    (void)json_object_set_new(line, "class", json_string(FIELDS[FIELD_TO].values[step->class - 1]));
    (void)json_object_set_new(line, "team", team ? json_string(team) : json_null());
    (void)json_object_set_new(line, "wall", shown_seconds(to > step->at ? to - step->at : 0));
    (void)json_object_set_new(line, "business",
                              shown_seconds(business_elapsed_ms(&s->business, step->at, to)));
    return line;
}

/* From each change of class or team to the next; the last one until now. */
json_t *story_intervals(const struct story *s)
{
    json_t *lines = json_array();
    const struct story_step *since = NULL;
    for (size_t i = 0; lines && i < s->n_steps; i++) {
        const struct story_step *step = &s->steps[i];
        bool is_last = i + 1 == s->n_steps || s->steps[i + 1].at != step->at;
        if (!is_last || !step->class)
            continue; /* only what an instant's events leave behind holds for a time */
        if (since && since->class == step->class &&
            since->dimensions[FIELD_TEAM] == step->dimensions[FIELD_TEAM])
            continue;
        if (since)
            (void)json_array_append_new(lines, interval_shown(s, since, step->at, false));
        since = step;
    }
    if (lines && since)
        (void)json_array_append_new(lines, interval_shown(s, since, s->now, true));
    return lines;
}
