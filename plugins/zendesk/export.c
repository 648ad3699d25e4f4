#include "plugins/zendesk/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YOUNGEST_MS 65000 /* start_time has to be a minute ago, by a clock that is not ours */
#define AGAIN_MS    60000

static const struct {
    const char *path, *list;
} EXPORTS[EXPORT_N] = {
    [EXPORT_EVENTS] = {"/api/v2/incremental/ticket_events", "ticket_events"},
    [EXPORT_METRICS] = {"/api/v2/incremental/ticket_metric_events", "ticket_metric_events"},
    [EXPORT_TICKETS] = {"/api/v2/incremental/tickets/cursor", "tickets"},
};

void export_begin(struct export *export, const struct desk *desk, enum export_kind kind,
                  const struct export_position *at)
{
    export_end(export, desk);
    *export = (struct export){.kind = kind, .at = *at};
}

void export_end(struct export *export, const struct desk *desk)
{
    if (export->page)
        desk->json->free(export->page);
    free(export->from);
    export->from = NULL;
    export->page = NULL;
    export->n = export->i = 0;
}

/* Of an entry, in seconds; or otherwise. */
static int64_t time_of(const struct export *export, const struct desk *desk, const struct tendon_json *entry,
                       int64_t otherwise)
{
    static const char *const texts[EXPORT_N] = {"created_at", "time", "updated_at"};
    const char *text;
    int64_t at;

    if (export->kind == EXPORT_EVENTS)
        otherwise = desk->json->integer(entry, "timestamp", otherwise);
    if (export->kind == EXPORT_TICKETS)
        return desk->json->integer(entry, "generated_timestamp", otherwise);
    text = export->kind == EXPORT_EVENTS && desk->json->type(desk->json->get(entry, "timestamp"))
               ? NULL
               : desk->json->string(entry, texts[export->kind]);
    if (text && desk->host->time_parse(desk->host, NULL, NULL, text, TENDON_TEXT, &at) == TENDON_OK)
        return at / 1000;
    return otherwise;
}

static void see(struct export_position *position, int64_t id)
{
    for (uint32_t i = 0; i < position->n_seen; i++)
        if (position->seen[i] == id)
            return;
    if (position->n_seen == EXPORT_SEEN)
        memmove(position->seen, position->seen + 1, --position->n_seen * sizeof(*position->seen));
    position->seen[position->n_seen++] = id;
}

/* --- a page ----------------------------------------------------------------------------------------------
 */

static bool is_true(const struct desk *desk, const struct tendon_json *page, const char *name, bool otherwise)
{
    char room[TENDON_JSON_BYTES];
    const char *text = desk->json->text(page, name, room);

    return text ? strcmp(text, "true") == 0 : otherwise;
}

/* Where to go on behind the page. */
static int read_next(struct export *export, const struct desk *desk, int per_page, char *err)
{
    const struct tendon_json_1 *json = desk->json;
    const char *after = json->string(export->page, "after_cursor");
    int64_t newest = export->at.from_s;

    for (uint32_t i = 0; i < export->n; i++) {
        int64_t s = time_of(export, desk, json->at(export->list, i), newest);

        newest = s > newest ? s : newest;
    }
    /* Where the answer does not say, the page that is not full is the last. */
    export->is_last = is_true(desk, export->page, "end_of_stream", (int)export->n < per_page);
    export->next = (struct export_position){.from_s = newest};
    if (export->kind == EXPORT_TICKETS) {
        if (after && strlen(after) < EXPORT_AFTER_BYTES && !after[strcspn(after, "\"\\")])
            (void)snprintf(export->next.after, EXPORT_AFTER_BYTES, "%s", after);
        else if (!export->is_last)
            return desk_fail(err, TENDON_E_TEMPORARY, "the answer has no after_cursor to go on from");
        return TENDON_OK;
    }
    int64_t end_s = json->integer(export->page, "end_time", newest);

    export->next.from_s = end_s > export->at.from_s ? end_s : export->at.from_s;
    if (!export->is_last && export->next.from_s == export->at.from_s)
        return desk_fail(err, TENDON_E_TEMPORARY,
                         "the answer's end_time is where it began, and it is not the end of the stream");
    return TENDON_OK;
}

/* from[i]: no entry from i on is older. So a position in a page that is not sorted loses nothing either. */
static bool read_times(struct export *export, const struct desk *desk)
{
    int64_t oldest = export->next.from_s;

    export->from = calloc((size_t) export->n + 1, sizeof(*export->from));
    if (!export->from)
        return false;
    export->from[export->n] = oldest;
    for (uint32_t i = export->n; i-- > 0;) {
        int64_t s = time_of(export, desk, desk->json->at(export->list, i), oldest);

        oldest = s < oldest ? s : oldest;
        oldest = oldest < export->at.from_s ? export->at.from_s : oldest;
        export->from[i] = oldest;
    }
    return true;
}

static int take_page(struct export *export, struct desk *desk, int per_page, char *err)
{
    export->list = desk->json->get(export->page, EXPORTS[export->kind].list);
    export->n = desk->json->count(export->list);
    export->i = 0;
    int result = read_next(export, desk, per_page, err);

    if (result == TENDON_OK && !read_times(export, desk))
        result = desk_fail(err, TENDON_E_TEMPORARY, "no memory for a page of the export");
    if (result != TENDON_OK)
        export_end(export, desk);
    return result;
}

static void put_parameters(const struct export *export, const struct desk *desk, int per_page,
                           bool with_comments)
{
    char text[24];

    if (*export->at.after) {
        desk->http->parameter(desk->exports, "cursor", export->at.after);
    } else {
        (void)snprintf(text, sizeof(text), "%" PRId64, export->at.from_s);
        desk->http->parameter(desk->exports, "start_time", text);
    }
    (void)snprintf(text, sizeof(text), "%d", per_page);
    desk->http->parameter(desk->exports, "per_page", text);
    if (export->kind == EXPORT_EVENTS && with_comments)
        desk->http->parameter(desk->exports, "include", "comment_events");
}

int export_fetch(struct export *export, struct desk *desk, int per_page, bool with_comments, char *err)
{
    int64_t now = desk->host->now(desk->host), youngest = export->at.from_s * 1000 + YOUNGEST_MS;
    int status;

    if (!*export->at.after && now < youngest) {
        export->not_before = youngest;
        export->is_complete = true;
        return TENDON_IDLE;
    }
    put_parameters(export, desk, per_page, with_comments);
    int result = desk_ask(desk, desk->exports, EXPORTS[export->kind].path, EXPORTS[export->kind].list,
                          &export->page, &status, err);

    if (result == TENDON_OK)
        return take_page(export, desk, per_page, err);
    if (result != TENDON_INVALID)
        return result;
    if (*export->at.after) { /* it has expired: from the last ticket that it led to */
        *export->at.after = '\0';
        return export_fetch(export, desk, per_page, with_comments, err);
    }
    if (status == 422) { /* their clock is behind ours */
        export->not_before = now + AGAIN_MS;
        return TENDON_IDLE;
    }
    return TENDON_E_CONFIG;
}

/* --- entry by entry --------------------------------------------------------------------------------------
 */

static bool was_seen(const struct export *export, int64_t id)
{
    for (uint32_t i = 0; i < export->at.n_seen; i++)
        if (export->at.seen[i] == id)
            return true;
    return false;
}

const struct tendon_json *export_entry(struct export *export, const struct desk *desk, uint64_t *ret_place)
{
    for (; export->i < export->n; export->i++) {
        const struct tendon_json *entry = desk->json->at(export->list, export->i);

        if (export->at.n_seen && was_seen(export, desk->json->integer(entry, "id", 0)))
            continue;
        *ret_place = export->i + 1ull;
        return entry;
    }
    return NULL;
}

void export_take(struct export *export)
{
    export->i++;
}

void export_position(const struct export *export, const struct desk *desk, struct export_position *ret)
{
    bool is_done = export->page && export->i == export->n;

    if (!export->page || (export->kind == EXPORT_TICKETS && !is_done)) {
        *ret = export->at;
        return;
    }
    *ret = export->next;
    if (export->kind == EXPORT_TICKETS)
        return;
    ret->from_s = export->from[export->i];
    /* Of the second to begin with, those that came before this page and those of it. */
    for (uint32_t i = 0; i < export->at.n_seen && ret->from_s == export->at.from_s; i++)
        see(ret, export->at.seen[i]);
    for (uint32_t i = 0; i < export->i; i++) {
        const struct tendon_json *entry = desk->json->at(export->list, i);

        if (time_of(export, desk, entry, ret->from_s) >= ret->from_s)
            see(ret, desk->json->integer(entry, "id", 0));
    }
}

void export_turn(struct export *export, const struct desk *desk, int64_t every_ms)
{
    struct export_position next;

    export_position(export, desk, &next);
    export->at = next;
    export->is_complete = export->is_last;
    export->not_before = export->is_last ? desk->host->now(desk->host) + every_ms : 0;
    export_end(export, desk);
}
