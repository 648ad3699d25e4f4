#include "plugins/common/roster.h"

#include <stdlib.h>
#include <string.h>

struct roster_entry {
    int64_t id;
    char *code; /* or NULL */
};

void roster_clear(struct roster *roster)
{
    for (uint32_t i = 0; i < roster->n; i++)
        free(roster->entries[i].code);
    free(roster->entries);
    *roster = (struct roster){0};
}

/* Where the id is, or would be. */
static uint32_t place(const struct roster *roster, int64_t id)
{
    uint32_t low = 0, high = roster->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (roster->entries[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool grow(struct roster *roster)
{
    uint32_t room = roster->room ? roster->room * 2 : 64;
    struct roster_entry *entries = reallocarray(roster->entries, room, sizeof(*entries));

    if (!entries)
        return false;
    roster->entries = entries;
    roster->room = room;
    return true;
}

bool roster_put(struct roster *roster, int64_t id, const char *code)
{
    char *copy = code ? strndup(code, ROSTER_CODE_BYTES - 1) : NULL;
    uint32_t at = place(roster, id);

    if (code && !copy)
        return false;
    if (at < roster->n && roster->entries[at].id == id) {
        free(roster->entries[at].code);
        roster->entries[at].code = copy;
        return true;
    }
    if (roster->n == ROSTER_MAX) {
        roster_clear(roster);
        at = 0;
    }
    if (roster->n == roster->room && !grow(roster)) {
        free(copy);
        return false;
    }
    memmove(&roster->entries[at + 1], &roster->entries[at], (roster->n - at) * sizeof(*roster->entries));
    roster->entries[at] = (struct roster_entry){id, copy};
    roster->n++;
    return true;
}

bool roster_find(const struct roster *roster, int64_t id, const char **ret_code)
{
    uint32_t at = place(roster, id);

    if (at == roster->n || roster->entries[at].id != id)
        return false;
    if (ret_code)
        *ret_code = roster->entries[at].code;
    return true;
}
