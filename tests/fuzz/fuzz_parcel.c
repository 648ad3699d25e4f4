/* Any bytes as a parcel of another store, and as a reader's cursor. What is taken is of the form. */
#include "core/fold/fact.h"
#include "core/forward/form.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct inlet_parcel *p)
{
    for (size_t i = 0; i < p->n_events; i++) {
        const struct inlet_event *e = &p->events[i];
        if (e->type >= EVENT_N_TYPES || e->namespace >= p->n_names || e->source >= p->n_origins ||
            e->first_value + e->n_values > p->n_values || e->n_values > FIELD_N)
            abort();
        for (uint32_t k = 1; k < e->n_values; k++)
            if (p->values[e->first_value + k].field <= p->values[e->first_value + k - 1].field)
                abort();
    }
    for (size_t i = 0; i < p->n_facts; i++)
        if (p->facts[i].namespace >= p->n_names || p->facts[i].first_row + p->facts[i].n_rows > p->n_rows)
            abort();
    for (size_t i = 0; i < p->n_rows; i++)
        if (p->rows[i].table >= FACT_N_TABLES)
            abort();
    for (size_t i = 0; i < p->n_strings; i++)
        if (p->strings[i].row >= p->n_rows || p->strings[i].column >= FACT_COLUMNS_MAX ||
            p->strings[i].field >= FIELD_N)
            abort();
    for (size_t i = 0; i < p->n_left; i++)
        if (p->left[i].n_before > p->n_events)
            abort();
    for (size_t i = 0; i < p->n_names; i++)
        if (strlen(p->names[i]) > STORE_NAME_BYTES)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct event_schema SCHEMA = {.n_declared = 1, .declared = {"ward"}, .types = UINT32_MAX};
    const struct form_rules rules = {.schema = &SCHEMA};
    const struct inlet_parcel *parcel;
    struct outlet_cursor cursor;
    struct error err = ERROR_INIT;
    struct form_read *f = form_read_new();
    if (!f)
        abort();
    int r = form_read(f, data, size, &rules, &parcel, &err);
    if (r == 0)
        check(parcel);
    else if (!err.code[0] || !err.message[0])
        abort();
    form_read_free(f);
    if (form_cursor_read(data, size, &cursor) == 0 && cursor.phase >= OUTLET_PHASES)
        abort();
    return 0;
}
