#include "core/tenant/reject_audit.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *summary(const struct store_source *s)
{
    json_t *by = json_object();
    for (unsigned code = 1; by && code < REJECT_N; code++)
        if (s->rejected_by[code])
            (void)json_object_set_new(by, event_reject_code((enum event_reject)code),
                                      json_integer((json_int_t)s->rejected_by[code]));
    return json_pack("{s:s, s:I, s:I, s:o}", "source", s->name, "generation", (json_int_t)s->generation,
                     "rejected", (json_int_t)s->rejected, "by", by);
}

static int record_source(struct audit *a, const struct tenant *t, const struct store_source *s, json_t *known,
                         struct error *err)
{
    char key[2 * STORE_NAME_BYTES + 32];
    (void)snprintf(key, sizeof(key), "%s %s %u", t->name, s->name, (unsigned)s->generation);
    if (s->rejected == 0 || json_integer_value(json_object_get(known, key)) == (json_int_t)s->rejected)
        return 0;
    int r = audit_use(a, "tendond", "source.rejects", t->name, summary(s), err);
    if (r == 0)
        (void)json_object_set_new(known, key, json_integer((json_int_t)s->rejected));
    return r;
}

int reject_audit_record(struct audit *a, struct tenants *ts, json_t *known, struct error *err)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < tenants_count(ts); i++) {
        struct tenant *t = tenants_hold_at(ts, i);
        struct store_source *sources = NULL;
        size_t n = 0;
        if (!t)
            continue;
        (void)store_source_list(t->store, &sources, &n);
        for (size_t k = 0; r == 0 && k < n; k++)
            r = record_source(a, t, &sources[k], known, err);
        free(sources);
        tenant_release(t);
    }
    return r;
}
