#include "plugins/rt/transaction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One transaction on its way. */
struct told {
    const struct tendon_json *value;
    int64_t id, ticket, at;
    char id_text[32], ticket_text[32];
};

enum role { ROLE_REQUESTER, ROLE_AGENT, ROLE_MACHINE };

static struct mapping_string text_of(const char *text)
{
    return (struct mapping_string){text, strlen(text)};
}

/* --- words -----------------------------------------------------------------------------------------------
 */

static bool is_one_of(const char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

/* Whether a ticket with this state is left out of all metrics. */
static bool is_left_out(const char *state)
{
    return is_one_of(FIELDS[FIELD_REASON].values, state);
}

bool transaction_is_state(const char *word)
{
    return is_one_of(FIELDS[FIELD_TO].values, word) || is_left_out(word);
}

const char *transaction_state(const struct teller *teller, const char *status)
{
    static const char *const words[][2] = {
        {"new", "new"},         {"open", "open"},       {"stalled", "pending"},
        {"resolved", "solved"}, {"rejected", "closed"}, {"deleted", "spam"},
    };
    int64_t at = teller->host->find(teller->config, "statuses", status);

    if (at >= 0)
        return teller->host->get_string(teller->config, "statuses", (uint32_t)at);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i][0], status) == 0)
            return words[i][1];
    return NULL;
}

enum transaction_kind transaction_kind(const struct tendon_json_1 *json,
                                       const struct tendon_json *transaction)
{
    static const struct {
        const char *type, *field; /* NULL: any */
        enum transaction_kind kind;
    } kinds[] = {
        {"Create", NULL, TRANSACTION_CREATE},         {"Correspond", NULL, TRANSACTION_CORRESPOND},
        {"Comment", NULL, TRANSACTION_COMMENT},       {"Status", NULL, TRANSACTION_STATUS},
        {"CustomField", NULL, TRANSACTION_FIELD},     {"Set", "Queue", TRANSACTION_QUEUE_SET},
        {"AddLink", "MergedInto", TRANSACTION_MERGE}, {"SetWatcher", NULL, TRANSACTION_OTHER},
        {NULL, "Owner", TRANSACTION_OWNER}, /* Set, and Take, Steal, Give, … of RT 4 */
    };
    const char *type = json->string(transaction, "Type"), *field = json->string(transaction, "Field");

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if ((!kinds[i].type || (type && strcmp(type, kinds[i].type) == 0)) &&
            (!kinds[i].field || (field && strcmp(field, kinds[i].field) == 0)))
            return kinds[i].kind;
    return TRANSACTION_OTHER;
}

/* Who did it. */
static int find_role(struct teller *teller, const struct told *told, enum role *ret, char *err)
{
    const char *creator = teller->rest->json->string(told->value, "/Creator/id"), *privileged;
    int result;

    *ret = ROLE_AGENT;
    if (!creator)
        return TENDON_OK;
    if (strcmp(creator, "RT_System") == 0) {
        *ret = ROLE_MACHINE;
        return TENDON_OK;
    }
    if (tickets_is_requestor(teller->tickets, told->ticket, creator)) {
        *ret = ROLE_REQUESTER;
        return TENDON_OK;
    }
    result = names_find(teller->names, NAMES_USER, creator, &privileged, err);
    if (result == TENDON_OK && strcmp(privileged, "0") == 0)
        *ret = ROLE_REQUESTER;
    return result;
}

static bool is_machine(const struct teller *teller, const struct told *told)
{
    const char *creator = teller->rest->json->string(told->value, "/Creator/id");

    return creator && strcmp(creator, "RT_System") == 0;
}

/* --- columns ---------------------------------------------------------------------------------------------
 */

int transaction_column(struct teller *teller, const char *name)
{
    for (uint32_t i = 0; i < teller->n_columns; i++)
        if (strcmp(teller->columns[i], name) == 0)
            return (int)i;
    if (teller->n_columns == 1 + TICKETS_FIELDS_MAX)
        return -1;
    teller->columns[teller->n_columns] = name;
    return (int)teller->n_columns++;
}

static void set_column(struct teller *teller, uint32_t column, const char *text)
{
    teller->texts[column] = text ? text : "";
    teller->sizes[column] = (uint32_t)strlen(teller->texts[column]);
}

static void clear_columns(struct teller *teller)
{
    for (uint32_t i = 0; i < teller->n_columns; i++)
        set_column(teller, i, NULL);
}

static int set_queue(struct teller *teller, const char *number, char *err)
{
    const char *name = "";
    int result = number ? names_find(teller->names, NAMES_QUEUE, number, &name, err) : TENDON_OK;

    (void)snprintf(teller->queue, sizeof(teller->queue), "%s", name);
    set_column(teller, 0, teller->queue);
    return result;
}

/* The columns as a ticket had them right after the transaction. */
static int set_columns(struct teller *teller, const struct told *told, struct tickets_view *view, char *err)
{
    int result = tickets_view(teller->tickets, told->ticket, told->id, view, err);

    if (result != TENDON_OK)
        return result;
    for (uint32_t i = 1; i < teller->n_columns; i++)
        set_column(teller, i, view->fields[i - 1]);
    return set_queue(teller, view->queue, err);
}

static struct tendon_record record_of(const struct teller *teller)
{
    return (struct tendon_record){
        .fields = teller->texts, .sizes = teller->sizes, .n_fields = teller->n_columns};
}

/* --- events ----------------------------------------------------------------------------------------------
 */

static void begin(struct teller *teller, const struct told *told, enum event_type type)
{
    draft_begin(&teller->draft, type, text_of(told->ticket_text), told->at, (uint32_t)told->id);
}

static void set_word(struct teller *teller, enum event_field field, const char *word)
{
    (void)draft_set(&teller->draft, field, text_of(word)); /* our own words are of the right kind */
}

/* The dimensions of the mask; clear: nil for those that are missing. A value that is no good leaves its
 * dimension out and is counted, the event goes on. */
static void set_dimensions(struct teller *teller, uint64_t mask, bool clear)
{
    const struct tendon_record record = record_of(teller);

    for (int field = 0; field < FIELD_N_DIMENSIONS; field++)
        if (mask >> field & 1 &&
            draft_dimensions(&teller->draft, &record, (uint64_t)1 << field, clear) != DRAFT_OK)
            teller->host->skip(teller->draft.batch, teller->draft.problem,
                               mapping_field_name(teller->draft.mapping, field), 0);
}

static bool has_dimension(const struct teller *teller, enum event_field field)
{
    for (uint32_t i = 0; i < teller->draft.n_values; i++)
        if (teller->draft.values[i].name == mapping_field_name(teller->draft.mapping, field) &&
            teller->draft.values[i].kind != DRAFT_NIL)
            return true;
    return false;
}

/* More than one event of a transaction: what tells them apart stands behind its number. */
static int end(struct teller *teller, const struct told *told, const char *suffix)
{
    char id[sizeof(told->id_text) + 16];
    int result;

    (void)snprintf(id, sizeof(id), "%s%s", told->id_text, suffix);
    result = draft_end(&teller->draft, text_of(id));
    if (result == DRAFT_BAD)
        teller->host->skip(teller->draft.batch, teller->draft.problem, NULL, 0);
    return result == DRAFT_FULL ? TENDON_FULL : TENDON_OK;
}

/* From one status to another; before NULL: the ticket begins with it. */
static int tell_status(struct teller *teller, const struct told *told, const char *before, const char *after,
                       const char *suffix)
{
    const char *state = transaction_state(teller, after);
    const char *state_before = before ? transaction_state(teller, before) : NULL;
    int result;

    if (!state) {
        teller->host->skip(teller->draft.batch, "unknown_status", NULL, 0);
        return TENDON_OK;
    }
    if (is_left_out(state)) {
        begin(teller, told, EVENT_TICKET_DELETED);
        set_word(teller, FIELD_REASON, state);
        return end(teller, told, suffix);
    }
    if (state_before && is_left_out(state_before)) {
        begin(teller, told, EVENT_TICKET_RESTORED);
        result = end(teller, told, "/restored");
        if (result != TENDON_OK)
            return result;
    }
    begin(teller, told, EVENT_TICKET_STATUS);
    set_word(teller, FIELD_TO, state);
    if (is_machine(teller, told))
        set_word(teller, FIELD_AUTOMATED, "true");
    return end(teller, told, suffix);
}

static int tell_create(struct teller *teller, const struct told *told, char *err)
{
    static const char *const by[] = {"requester", "agent", "machine"};
    struct tickets_view view;
    enum role role = ROLE_AGENT;
    int result = set_columns(teller, told, &view, err);

    if (result == TENDON_OK)
        result = find_role(teller, told, &role, err);
    if (result != TENDON_OK)
        return result;
    begin(teller, told, EVENT_TICKET_CREATED);
    set_word(teller, FIELD_BY, by[role]);
    set_dimensions(teller, DRAFT_DIMENSIONS, false);
    result = end(teller, told, "");
    if (result != TENDON_OK || !view.status || !*view.status)
        return result;
    const char *state = transaction_state(teller, view.status);
    if (state && strcmp(state, "new") == 0) /* it is new by itself */
        return TENDON_OK;
    return tell_status(teller, told, NULL, view.status, "/status");
}

static int tell_message(struct teller *teller, const struct told *told, bool is_comment, char *err)
{
    enum role role = is_machine(teller, told) ? ROLE_MACHINE : ROLE_AGENT;
    int result = is_comment ? TENDON_OK : find_role(teller, told, &role, err);

    if (result != TENDON_OK)
        return result;
    begin(teller, told, EVENT_TICKET_MESSAGE);
    set_word(teller, FIELD_DIRECTION, is_comment ? "internal" : role == ROLE_REQUESTER ? "in" : "out");
    if (role == ROLE_MACHINE)
        set_word(teller, FIELD_AUTOMATED, "true");
    return end(teller, told, "");
}

/* The values of a column changed, to what it holds now. */
static int tell_column(struct teller *teller, const struct told *told, uint32_t column)
{
    uint64_t mask = teller->column_fields[column];

    if (mask == 0)
        return TENDON_OK;
    begin(teller, told, EVENT_TICKET_UPDATED);
    set_dimensions(teller, mask, true);
    if (has_dimension(teller, FIELD_TEAM) || has_dimension(teller, FIELD_TIER)) {
        teller->draft.type = EVENT_TICKET_ASSIGNED;
        set_word(teller, FIELD_KIND, is_machine(teller, told) ? "route" : "reassign");
    }
    return teller->draft.n_values ? end(teller, told, "") : TENDON_OK;
}

static int tell_owner(struct teller *teller, const struct told *told, char *err)
{
    const char *owner = teller->rest->json->string(told->value, "NewValue"), *privileged = "";
    struct tickets_view view;
    int result = set_columns(teller, told, &view, err);

    /* Nobody, who owns what nobody owns, is no staff. */
    if (result == TENDON_OK && owner)
        result = names_find(teller->names, NAMES_USER, owner, &privileged, err);
    if (result != TENDON_OK)
        return result;
    begin(teller, told, EVENT_TICKET_ASSIGNED);
    set_dimensions(teller, DRAFT_BIT(TEAM) | DRAFT_BIT(TIER), false);
    if (teller->draft.n_values == 0) /* there is no team, so nothing to be told of it */
        return TENDON_OK;
    set_word(teller, FIELD_KIND,
             is_machine(teller, told)       ? "route"
             : strcmp(privileged, "0") == 0 ? "return"
                                            : "reassign");
    return end(teller, told, "");
}

static int tell_field(struct teller *teller, const struct told *told, char *err)
{
    const struct tendon_json_1 *json = teller->rest->json;
    const char *field = json->string(told->value, "Field"), *name = "";
    int result = field ? names_find(teller->names, NAMES_FIELD, field, &name, err) : TENDON_OK;

    if (result != TENDON_OK)
        return result;
    for (uint32_t i = 1; i < teller->n_columns; i++)
        if (strcmp(teller->columns[i], name) == 0) {
            clear_columns(teller);
            set_column(teller, i, json->string(told->value, "NewValue"));
            return tell_column(teller, told, i);
        }
    return TENDON_OK;
}

/* RT writes it twice: on the ticket that goes, and on the one that stays, as merged into itself. */
static int tell_merge(struct teller *teller, const struct told *told)
{
    const char *uri = teller->rest->json->string(told->value, "NewValue");
    const char *into = uri ? strrchr(uri, '/') : NULL;

    if (!into || !into[1] || into[1 + strspn(into + 1, "0123456789")]) {
        teller->host->skip(teller->draft.batch, "unknown_merge", NULL, 0);
        return TENDON_OK;
    }
    if (strcmp(into + 1, told->ticket_text) == 0)
        return TENDON_OK;
    begin(teller, told, EVENT_TICKET_MERGED);
    set_word(teller, FIELD_INTO, into + 1);
    return end(teller, told, "");
}

int transaction_tell(struct teller *teller, const struct tendon_json *transaction, char *err)
{
    const struct tendon_json_1 *json = teller->rest->json;
    struct told told = {.value = transaction,
                        .id = json->integer(transaction, "id", 0),
                        .ticket = json->integer(transaction, "ObjectId", 0)};
    const char *created = json->string(transaction, "Created");
    const char *before = json->string(transaction, "OldValue"),
               *after = json->string(transaction, "NewValue");
    int result;

    teller->draft.n_offered = 0;
    if (told.ticket <= 0) {
        teller->host->skip(teller->draft.batch, "missing_value", NULL, 0);
        return TENDON_OK;
    }
    if (!created ||
        teller->host->time_parse(teller->host, NULL, NULL, created, TENDON_TEXT, &told.at) != TENDON_OK) {
        teller->host->skip(teller->draft.batch, "bad_time", NULL, 0);
        return TENDON_OK;
    }
    (void)snprintf(told.id_text, sizeof(told.id_text), "%lld", (long long)told.id);
    (void)snprintf(told.ticket_text, sizeof(told.ticket_text), "%lld", (long long)told.ticket);
    switch (transaction_kind(json, transaction)) {
    case TRANSACTION_CREATE:
        return tell_create(teller, &told, err);
    case TRANSACTION_CORRESPOND:
        return tell_message(teller, &told, false, err);
    case TRANSACTION_COMMENT:
        return tell_message(teller, &told, true, err);
    case TRANSACTION_STATUS:
        return after && *after ? tell_status(teller, &told, before, after, "") : TENDON_OK;
    case TRANSACTION_QUEUE_SET:
        clear_columns(teller);
        result = set_queue(teller, after, err);
        return result == TENDON_OK ? tell_column(teller, &told, 0) : result;
    case TRANSACTION_OWNER:
        return tell_owner(teller, &told, err);
    case TRANSACTION_FIELD:
        return tell_field(teller, &told, err);
    case TRANSACTION_MERGE:
        return tell_merge(teller, &told);
    case TRANSACTION_OTHER:
        break;
    }
    return TENDON_OK;
}
