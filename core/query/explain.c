#include "core/query/explain.h"

#include "core/query/request.h"
#include "core/query/shown.h"
#include "core/query/story.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "no_memory", "no memory to explain");
}

/* --- the ticket's events
 * ---------------------------------------------------------------------------------------- */

static int keep_event(void *context, const struct event *e)
{
    struct story *s = context;
    if (s->n_events == s->events_capacity) {
        size_t capacity = s->events_capacity ? s->events_capacity * 2 : 64;
        struct event **more = realloc(s->events, capacity * sizeof(*more));
        if (!more)
            return -ENOMEM;
        s->events = more;
        s->events_capacity = capacity;
    }
    struct event *copy = malloc(event_size(e->n_fields));
    if (!copy)
        return -ENOMEM;
    memcpy(copy, e, event_size(e->n_fields));
    s->events[s->n_events++] = copy;
    return 0;
}

/* All but the first n. */
static void forget_events(struct story *s, size_t n)
{
    for (size_t i = n; i < s->n_events; i++)
        free(s->events[i]);
    s->n_events = n;
}

static bool is_among(const struct query_context *c, const char *site)
{
    bool found = false;
    for (unsigned i = 0; site && i < c->n_sites && !found; i++)
        found = strcmp(c->sites[i], site) == 0;
    return found;
}

/* Whether the ticket of the events from the first on may be shown: it names a site, and no other than those.
 */
static bool is_visible(const struct story *s, size_t first)
{
    bool is_named = false;
    if (!s->context->n_sites)
        return true;
    for (size_t i = first; i < s->n_events; i++) {
        uint32_t site = (uint32_t)event_get(s->events[i], FIELD_SITE, 0);
        if (site && !is_among(s->context, dictionary_string(s->environment.dictionary, FIELD_SITE, site)))
            return false;
        is_named = is_named || site;
    }
    return is_named;
}

/* 1 when the ticket of that hash is known, and its events are kept. One that may not be shown is not known.
 */
static int find_hash(struct story *s, uint64_t hash, struct error *err)
{
    size_t n_before = s->n_events;
    s->subject.hash = hash;
    int r = store_view_ticket(s->view, hash, &s->subject.number, &s->subject.namespace, keep_event, s, err);
    if (r != 1 || is_visible(s, n_before))
        return r;
    forget_events(s, n_before);
    return 0;
}

static int unknown_ticket(struct error *err)
{
    (void)error_set(err, -ENOENT, "unknown_ticket", "no ticket of that name is known");
    error_hint(err, "write NAMESPACE/TICKET with the ticket's id as its source sends it, or #NUMBER as "
                    "tendon explain --metric lists it; tendon source list shows the namespaces");
    return -ENOENT;
}

static int find_number(struct story *s, const char *text, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno || end == text || *end || *text < '0' || *text > '9' || number > UINT32_MAX)
        return error_set(err, -EINVAL, "bad_option", "a ticket's number is # and digits");
    s->subject.number = (uint32_t)number;
    int r = store_view_ticket_numbered(s->view, (uint32_t)number, &s->subject.namespace, keep_event, s, err);
    return r < 0 ? r : r == 0 ? unknown_ticket(err) : 0;
}

/* In the namespace that the text begins with, else in every one. */
static int find_ticket(struct story *s, const char *text, struct error *err)
{
    const struct dictionary *d = s->environment.dictionary;
    const struct store *store = s->context->store;
    uint32_t n = dictionary_count(d, DICTIONARY_NAMESPACE), found = 0;
    if (*text == '#' && !s->context->n_sites) /* numbers count tickets of the whole tenant */
        return find_number(s, text + 1, err);
    for (uint32_t i = 1; i <= n; i++) {
        const char *name = dictionary_string(d, DICTIONARY_NAMESPACE, i);
        size_t size = name ? strlen(name) : 0;
        if (!name || strncmp(text, name, size) != 0 || text[size] != '/')
            continue;
        int r = find_hash(s, store_hash_ticket(store, name, text + size + 1, strlen(text + size + 1)), err);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    for (uint32_t i = 1; i <= n; i++) {
        const char *name = dictionary_string(d, DICTIONARY_NAMESPACE, i);
        size_t n_before = s->n_events;
        int r = name ? find_hash(s, store_hash_ticket(store, name, text, strlen(text)), err) : 0;
        if (r < 0)
            return r;
        if (r == 1 && n_before > 0) {
            (void)error_set(err, -EINVAL, "ambiguous_ticket", "%s and %s both have a ticket of that name",
                            dictionary_string(d, DICTIONARY_NAMESPACE, found), name);
            error_hint(err, "write NAMESPACE/TICKET");
            return -EINVAL;
        }
        if (r == 1)
            found = i;
    }
    if (!found)
        return unknown_ticket(err);
    forget_events(s, 0); /* numbers of the last one asked for are in the subject */
    const char *name = dictionary_string(d, DICTIONARY_NAMESPACE, found);
    int r = find_hash(s, store_hash_ticket(store, name, text, strlen(text)), err);
    return r < 0 ? r : 0;
}

/* --- what they did
 * ---------------------------------------------------------------------------------------------- */

static int keep_step(void *context, const struct fold_step *step)
{
    struct story *s = context;
    struct story_step *kept = &s->steps[s->n_steps++];
    *kept = (struct story_step){.event = step->event, .at = step->at, .class = step->class};
    memcpy(kept->dimensions, step->dimensions, sizeof(kept->dimensions));
    return 0;
}

/* The sites that the ticket had, as its clock wants them. */
static int story_clock(struct story *s)
{
    const char *site = NULL;
    business_begin(&s->business, s->environment.reference, s->environment.settings->calendar);
    int r = business_site(&s->business, INT64_MIN, NULL);
    for (size_t i = 0; i < s->n_steps && r == 0; i++) {
        const struct story_step *step = &s->steps[i];
        const char *next =
            dictionary_string(s->environment.dictionary, FIELD_SITE, step->dimensions[FIELD_SITE]);
        bool is_last = i + 1 == s->n_steps || s->steps[i + 1].at != step->at;
        if (is_last && step->class && next != site) {
            r = business_site(&s->business, step->at, next);
            site = next;
        }
    }
    return r;
}

static int story_make(struct story *s, struct error *err)
{
    struct fold *fold = NULL;
    int r = fold_new(&fold);
    const struct event *const *events = (const struct event *const *)s->events;
    s->steps = calloc(s->n_events ? s->n_events : 1, sizeof(*s->steps));
    s->rows = calloc(1, sizeof(*s->rows));
    if (!s->steps || !s->rows)
        r = -ENOMEM;
    if (r == 0)
        r = fold_trace(fold, &s->environment, &s->subject, events, s->n_events, keep_step, s);
    if (r == 0)
        r = fold_run(fold, &s->environment, &s->subject, events, s->n_events, FACT_TABLES_ALL, given_add,
                     s->rows);
    if (r == 0)
        r = story_clock(s);
    fold_free(fold);
    return r < 0 ? no_memory(err) : 0;
}

static void story_fini(struct story *s)
{
    forget_events(s, 0);
    free(s->events);
    free(s->steps);
    business_fini(&s->business);
    if (s->rows)
        given_fini(s->rows);
    free(s->rows);
}

/* --- the answer
 * ------------------------------------------------------------------------------------------------- */

static json_t *story_head(const struct story *s)
{
    static const char *const REASONS[EXCLUDED_N] = {NULL, "merged", "spam", "test", "duplicate", "erasure"};
    const struct fact_row *ticket = story_row(s, FACT_TICKET, TOOL_FIRST_ROW);
    bool is_ticket = ticket && ticket->values[FACT_FLAGS] & FACT_FLAG_TICKET;
    const char *namespace =
        dictionary_string(s->environment.dictionary, DICTIONARY_NAMESPACE, s->subject.namespace);
    const char *reason = ticket ? REASONS[ticket->values[FACT_EXCLUDED]] : NULL;
    char number[16];
    (void)snprintf(number, sizeof(number), "#%u", s->subject.number);
    json_t *head = json_object();
    if (!s->context->n_sites) {
        (void)json_object_set_new(head, "ticket", json_string(number));
        (void)json_object_set_new(head, "as_of", json_integer((json_int_t)store_view_as_of(s->view)));
    }
    (void)json_object_set_new(head, "namespace", namespace ? json_string(namespace) : json_null());
    (void)json_object_set_new(
        head, "class",
        is_ticket ? json_string(FIELDS[FIELD_TO].values[ticket->values[FACT_TICKET_CLASS] - 1])
                  : json_null());
    (void)json_object_set_new(head, "created_at",
                              shown_instant(s->zone, is_ticket ? ticket->values[FACT_CREATED] : FACT_NULL));
    (void)json_object_set_new(head, "inferred",
                              json_boolean(ticket && ticket->values[FACT_FLAGS] & FACT_FLAG_INFERRED));
    (void)json_object_set_new(head, "excluded", reason ? json_string(reason) : json_null());
    (void)json_object_set_new(head, "zone", json_string(zone_name(s->zone)));
    (void)json_object_set_new(head, "now", shown_instant(s->zone, s->now));
    return head;
}

static int story_tell(struct story *s, const char *tool, json_t **ret, struct error *err)
{
    json_t *metrics = NULL, *answer = story_head(s);
    int r = story_metrics(s, &metrics, err);
    if (r == 0 && (json_object_set_new(answer, "timeline", story_timeline(s)) < 0 ||
                   json_object_set_new(answer, "intervals", story_intervals(s)) < 0))
        r = no_memory(err);
    if (r == 0 && tool &&
        (json_object_set_new(answer, "tool", json_string(tool)) < 0 ||
         json_object_set_new(answer, "figures", story_figures(s, tool, metrics)) < 0))
        r = no_memory(err);
    if (r == 0 && json_object_set(answer, "metrics", metrics) < 0)
        r = no_memory(err);
    json_decref(metrics);
    if (r < 0)
        json_decref(answer);
    else
        *ret = answer;
    return r;
}

static int check_tool(const char *tool, struct error *err)
{
    const char *nearest;
    if (!tool || tool_exists(tool, &nearest))
        return 0;
    (void)error_set(err, -EINVAL, "unknown_tool", "no tool is named '%.64s'", tool);
    if (nearest)
        error_hint(err, "did you mean %s?", nearest);
    else
        error_hint(err, "tools whose rules are known: %s", tool_metric_at(0)->tool);
    return -EINVAL;
}

/* The zone and the present, read as a query's are. */
static int read_present(const struct query_context *context, const json_t *request, struct request **ret,
                        struct error *err)
{
    json_t *body = json_pack("{s:[s]}", "metrics", "tickets_created");
    json_t *now = json_object_get(request, "now"), *tz = json_object_get(request, "tz");
    if (!body || (now && json_object_set(body, "now", now) < 0) ||
        (tz && json_object_set(body, "tz", tz) < 0)) {
        json_decref(body);
        return no_memory(err);
    }
    int r = request_read(context, body, ret, err);
    json_decref(body);
    return r;
}

int explain_ticket(const struct query_context *context, const json_t *request, json_t **ret,
                   struct error *err)
{
    const char *ticket = json_string_value(json_object_get(request, "ticket"));
    const char *tool = json_string_value(json_object_get(request, "as"));
    struct request *present;
    struct store_view *view;
    if (!ticket || !*ticket)
        return error_set(err, -EINVAL, "bad_option", "which ticket?");
    int r = check_tool(tool, err);
    if (r == 0)
        r = read_present(context, request, &present, err);
    if (r < 0)
        return r;
    /* The ticket's own rows are made anew; the others' are asked which namespaces ever speak. */
    r = store_view_open(context->store, FACT_TABLE_BIT(FACT_TICKET) | FACT_TABLE_BIT(FACT_CONTACT), &view,
                        err);
    if (r == 0) {
        struct story s = {.context = context, .view = view, .zone = present->zone, .now = present->now};
        store_view_fold(view, &s.environment);
        r = find_ticket(&s, ticket, err);
        if (r == 0)
            r = story_make(&s, err);
        if (r == 0)
            r = story_tell(&s, tool, ret, err);
        story_fini(&s);
        store_view_close(view);
    }
    request_free(present);
    return r;
}
