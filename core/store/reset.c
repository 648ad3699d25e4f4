/* The reset of a source: a new generation of it, under a number of its own, so that what came under the old
 * number can be told apart and leaves the set. The rest is a refold, and the pruning behind it. */
#include "core/store/outgoing.h"

#include <stdlib.h>
#include <string.h>

struct reset {
    struct source *source; /* as it begins again */
};

static void write_source(struct store *s, struct txn *t, void *context)
{
    const struct source *source = ((const struct reset *)context)->source;
    source_put(t, source, true);
    outgoing_put_source(s, t, &source->record);
}

/* Today's environment without the events of the source so far. */
static int drop_source(struct store *s, const struct store_source *source, struct environment **ret,
                       struct error *err)
{
    char label[SOURCE_LABEL_BYTES];
    size_t size = source_label(source, label);
    uint32_t number = dictionary_find(s->dictionary, DICTIONARY_SOURCE, label, size);
    struct environment *next;
    if (number && s->environment->n_dropped == ENVIRONMENT_DROPPED_MAX) {
        (void)error_set(err, -EBUSY, "resetting",
                        "the events of %d sources are still on their way out after their resets",
                        ENVIRONMENT_DROPPED_MAX);
        error_hint(err, "try again when tendon status no longer says that the tenant is being folded anew");
        return -EBUSY;
    }
    if (environment_copy(s->environment, &next) < 0)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a reset");
    if (number && !environment_drops(next, (uint16_t)number))
        next->dropped[next->n_dropped++] = (uint16_t)number;
    *ret = next;
    return 0;
}

int store_source_renew(struct store *s, const char *name, uint32_t generation, uint64_t *ret_events,
                       struct error *err)
{
    struct environment *next = NULL;
    int r = store_settle(s, err);
    if (r < 0)
        return r;
    struct source *known = sources_find(s->sources, s->n_sources, name);
    if (!known)
        return error_set(err, -ENOENT, "unknown_source", "the source %s has never sent anything", name);
    struct reset reset = {.source = malloc(sizeof(*reset.source))};
    if (!reset.source)
        return error_set(err, -ENOMEM, "no_memory", "out of memory for a reset");
    source_init(reset.source, known->record.name, known->record.namespace);
    reset.source->record.generation = generation ? generation : known->record.generation + 1;
    uint64_t n_events = known->record.accepted;
    r = drop_source(s, &known->record, &next, err);
    if (r == 0)
        r = store_change(s, next, next->n_dropped != s->environment->n_dropped, write_source, &reset, err);
    if (r == 0) {
        (void)pthread_mutex_lock(&s->lock);
        *known = *reset.source;
        (void)pthread_mutex_unlock(&s->lock);
        *ret_events = n_events;
    }
    free(reset.source);
    return r;
}

int store_source_reset(struct store *s, const char *name, uint64_t *ret_events, struct error *err)
{
    store_turn_take(s);
    int r = store_source_renew(s, name, 0, ret_events, err);
    store_turn_give(s);
    return r;
}
