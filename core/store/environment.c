#include "core/store/environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The settings but for their policies, which are given. */
static struct environment *environment_make(struct policy *policies, size_t n,
                                            const struct fold_settings *settings, struct reference *reference)
{
    struct environment *e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    atomic_init(&e->references, 1);
    e->settings = *settings;
    e->policies = policies;
    e->settings.policies = policies;
    e->settings.n_policies = n;
    e->reference = reference ? reference_ref(reference) : NULL;
    return e;
}

int environment_new(const struct fold_settings *settings, struct reference *reference,
                    struct environment **ret)
{
    static const struct fold_settings NONE;
    struct policy *policies;
    if (!settings)
        settings = &NONE;
    int r = policies_copy(settings->policies, settings->n_policies, &policies);
    if (r < 0)
        return r;
    struct environment *e = environment_make(policies, settings->n_policies, settings, reference);
    if (!e) {
        policies_free(policies, settings->n_policies);
        return -ENOMEM;
    }
    *ret = e;
    return 0;
}

int environment_copy(const struct environment *from, struct environment **ret)
{
    struct environment *e;
    int r = environment_new(&from->settings, from->reference, &e);
    if (r < 0)
        return r;
    e->n_dropped = from->n_dropped;
    memcpy(e->dropped, from->dropped, sizeof(e->dropped));
    *ret = e;
    return 0;
}

struct environment *environment_ref(struct environment *e)
{
    if (e)
        atomic_fetch_add_explicit(&e->references, 1, memory_order_relaxed);
    return e;
}

void environment_unref(struct environment *e)
{
    if (!e || atomic_fetch_sub_explicit(&e->references, 1, memory_order_acq_rel) != 1)
        return;
    policies_free(e->policies, e->settings.n_policies);
    reference_unref(e->reference);
    free(e);
}

/* Whether some of a subject's events are of the set but leave it with today's environment: only then may it
 * have an event twice, as it came again. */
static bool has_leaving(const struct environment *e, const struct environment *today,
                        const struct subject *subject)
{
    bool found = false;
    for (const struct event *event = subject_first(subject); event && !found;
         event = subject_next(subject, event))
        found = environment_drops(today, event->source) && !environment_drops(e, event->source);
    return found;
}

static bool is_listed(const struct event *event, const struct event *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i]->id == event->id && event_same_content(list[i], event))
            return true;
    return false;
}

size_t environment_events(const struct environment *e, const struct environment *today,
                          const struct subject *subject, const struct event **ret)
{
    bool may_be_twice = e->n_dropped != today->n_dropped && has_leaving(e, today, subject);
    size_t n = 0;
    for (const struct event *event = subject_first(subject); event; event = subject_next(subject, event))
        if (!environment_drops(e, event->source) && !(may_be_twice && is_listed(event, ret, n)))
            ret[n++] = event;
    return n;
}

int environment_intern(struct environment *e, struct dictionary *d)
{
    return policies_intern(e->policies, e->settings.n_policies, d);
}

static void text_encode(const char *text, size_t room, struct buffer *b)
{
    buffer_append(b, text, strnlen(text, room - 1));
    buffer_append(b, "", 1);
}

/* A text with its NUL, of less than room bytes; *data and *size go on behind it. */
static bool text_decode(const char **data, size_t *size, char *text, size_t room)
{
    const char *end = memchr(*data, '\0', *size < room ? *size : room);
    if (!end)
        return false;
    size_t n = (size_t)(end - *data) + 1;
    memcpy(text, *data, n);
    *data += n;
    *size -= n;
    return true;
}

void settings_encode(const struct fold_settings *settings, struct buffer *b)
{
    text_encode(settings->calendar, sizeof(settings->calendar), b);
    text_encode(settings->zones, sizeof(settings->zones), b);
    policies_encode(settings->policies, settings->n_policies, b);
}

int settings_decode(const void *data, size_t size, struct reference *reference, struct environment **ret)
{
    struct fold_settings settings = {.policies = NULL};
    const char *at = data;
    struct policy *policies;
    size_t n;
    if (!text_decode(&at, &size, settings.calendar, sizeof(settings.calendar)) ||
        !text_decode(&at, &size, settings.zones, sizeof(settings.zones)))
        return -EBADMSG;
    int r = policies_decode(at, size, &policies, &n);
    if (r < 0)
        return r;
    *ret = environment_make(policies, n, &settings, reference);
    if (!*ret) {
        policies_free(policies, n);
        return -ENOMEM;
    }
    return 0;
}
