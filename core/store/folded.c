#include "core/store/folded.h"

#include "core/store/state.h"

#include <stdlib.h>

int folded_init(struct folded *f, struct store *s, const struct environment *environment)
{
    *f = (struct folded){.store = s, .environment = environment, .memtable = memtable_new(&s->pool)};
    return f->memtable ? 0 : -ENOMEM;
}

void folded_fini(struct folded *f)
{
    for (unsigned table = 0; table < FACT_N_TABLES; table++)
        free(f->refs[table]);
    memtable_unref(f->memtable);
}

static int add_row(struct folded *f, uint32_t subject, const struct fact_row *row)
{
    unsigned table = row->table;
    if (f->n_refs[table] == f->capacity[table]) {
        size_t capacity = f->capacity[table] ? f->capacity[table] * 2 : 1024;
        struct fact_ref *more = realloc(f->refs[table], capacity * sizeof(*more));
        if (!more)
            return -ENOMEM;
        f->refs[table] = more;
        f->capacity[table] = capacity;
    }
    int64_t number = memtable_add(f->memtable, row, 0);
    if (number < 0)
        return (int)number;
    f->refs[table][f->n_refs[table]++] =
        (struct fact_ref){.subject = subject, .row = (uint32_t)number, .month = fact_month(row)};
    return 0;
}

int folded_add(struct folded *f, const struct subject *subject)
{
    struct store *s = f->store;
    int r = store_make_rows(s, f->environment, subject);
    for (size_t i = 0; i < s->n_rows && r == 0; i++)
        r = add_row(f, subject->number, &s->rows[i]);
    return r;
}

int folded_write(struct folded *f, struct txn *t, uint16_t generation, uint32_t run)
{
    int r = 0;
    for (unsigned table = 0; table < FACT_N_TABLES && r == 0; table++)
        if (f->n_refs[table])
            r = facts_write(f->store->facts_writer, t, generation, run, table, f->memtable, f->refs[table],
                            f->n_refs[table]);
    return r;
}
