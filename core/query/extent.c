#include "core/query/extent.h"

#include "core/query/count.h"

#include <stdio.h>

static void extend(int64_t at, int64_t *first, int64_t *last)
{
    if (at == FACT_NULL || at == FACT_FOREVER)
        return;
    if (at < *first)
        *first = at;
    if (at > *last)
        *last = at;
}

/* Cycles count at their end or breach; those that run do at the present. */
static int cycle_extent(struct plan *p, int64_t *first, int64_t *last, struct error *err)
{
    static const uint8_t COLUMNS[] = {FACT_SLA_CYCLE_OUTCOME, FACT_SLA_CYCLE_END, FACT_SLA_CYCLE_BREACH_AT};
    struct fact_scan *scan;
    struct fact_vector v;
    int r = fact_scan_open(p->view, FACT_SLA_CYCLE, COLUMNS, 3, NULL, 0, &scan, err);
    if (r < 0)
        return r;
    while ((r = fact_scan_next(scan, &v, err)) == 1 && (r = plan_check(p, err)) == 0)
        for (uint32_t i = 0; i < v.n; i++) {
            int64_t outcome = v.values[FACT_SLA_CYCLE_OUTCOME][i];
            int64_t breach_at = v.values[FACT_SLA_CYCLE_BREACH_AT][i], now = p->request->now;
            if (v.live && !v.live[i])
                continue;
            if (outcome == SLA_MET)
                extend(v.values[FACT_SLA_CYCLE_END][i], first, last);
            else if (outcome == SLA_BREACHED || (outcome == SLA_RUNNING && breach_at < now))
                extend(breach_at, first, last);
            if (outcome == SLA_RUNNING && (breach_at == FACT_NULL || breach_at >= now))
                extend(now, first, last);
        }
    fact_scan_close(scan);
    return r;
}

/* Of one column of a vector; where all rows hold its range says all. */
static void column_extent(struct fact_reader *reader, unsigned column, uint32_t n, const uint8_t *live,
                          int64_t *first, int64_t *last)
{
    struct fact_range range;
    fact_reader_range(reader, column, &range);
    if (range.min >= *first && range.max <= *last)
        return; /* it adds nothing, whichever rows hold */
    bool is_known = !live && range.min <= range.max && range.min != INT64_MIN && range.max != INT64_MAX;
    if (is_known) {
        extend(range.min, first, last);
        extend(range.max, first, last);
        return;
    }
    const int64_t *values = fact_reader_values(reader, column);
    for (uint32_t i = 0; i < n; i++)
        if (!live || live[i])
            extend(values[i], first, last);
}

static int pass_extent(struct plan *p, const struct pass *pass, int64_t *first, int64_t *last,
                       struct error *err)
{
    uint8_t columns[3];
    size_t n = 0;
    struct fact_scan *scan;
    if (pass->anchors[ANCHOR_CREATED])
        columns[n++] = FACT_CREATED;
    if (pass->table == FACT_SPAN) {
        columns[n++] = FACT_SPAN_FROM;
        columns[n++] = FACT_SPAN_TO;
    } else if (pass->anchors[ANCHOR_COMPLETED] && pass->table == FACT_SLA_CYCLE) {
        int cycles = cycle_extent(p, first, last, err);
        if (cycles < 0)
            return cycles;
    } else if (pass->anchors[ANCHOR_COMPLETED]) {
        columns[n++] = pass->completed;
    }
    int r = fact_scan_open(p->view, pass->table, NULL, 0, NULL, 0, &scan, err);
    if (r < 0)
        return r;
    struct scan *lent = scan_take(p->context->crew);
    struct fact_reader *reader = lent ? lent->reader : NULL;
    const uint8_t *live;
    uint32_t n_rows;
    if (reader)
        fact_reader_begin(reader, scan);
    else
        r = error_set(err, -ENOMEM, "no_memory", "no memory for the query");
    while (r == 0 && fact_reader_next(reader, &n_rows, &live)) {
        for (size_t c = 0; c < n; c++)
            column_extent(reader, columns[c], n_rows, live, first, last);
        r = plan_check(p, err);
    }
    if (r == 0)
        r = fact_reader_check(reader, err);
    scan_give(p->context->crew, lent);
    fact_scan_close(scan);
    return r;
}

int extent_find(struct plan *p, int64_t *ret_first, int64_t *ret_last, struct error *err)
{
    *ret_first = INT64_MAX;
    *ret_last = INT64_MIN;
    int r = 0;
    for (unsigned i = 0; i < p->n_passes && r == 0; i++)
        r = pass_extent(p, &p->passes[i], ret_first, ret_last, err);
    return r;
}

/* Whether the scan met anything in the periods that metrics of a period look at; true when there are none. */
static bool found_anything(const struct plan *p)
{
    bool has_period = false;
    for (unsigned i = 0; i < p->n_measures; i++) {
        const struct measure *m = &p->measures[i];
        if (m->is_helper || m->anchor == ANCHOR_INSTANT)
            continue;
        has_period = true;
        for (size_t k = 0; k < m->n_cells; k++)
            if (m->cells[k].n || m->cells[k].beside[0])
                return true;
    }
    for (unsigned k = 0; k < EXCLUDED_N; k++)
        if (p->tally.excluded[k])
            return true;
    for (unsigned k = 0; k < LEFT_OUT_N; k++)
        if (p->tally.left_out[k])
            return true;
    return !has_period || p->tally.inferred > 0;
}

int extent_warn(struct plan *p, struct error *err)
{
    const struct period_range *range = &p->request->range;
    int64_t first, last;
    char text[2 * CIVIL_TEXT_BYTES + 160], from[CIVIL_TEXT_BYTES], to[CIVIL_TEXT_BYTES];
    if (!range->is_given || found_anything(p))
        return 0;
    int r = extent_find(p, &first, &last, err);
    if (r < 0)
        return r;
    if (first > last)
        (void)snprintf(text, sizeof(text), "nothing is there yet that these metrics are made of");
    else if (range->since > last || range->until <= first)
        (void)snprintf(text, sizeof(text),
                       "nothing is in this period: what there is to measure reaches from %s to %s",
                       zone_format(p->request->zone, first, from), zone_format(p->request->zone, last, to));
    else
        return 0; /* it is the condition, or chance */
    if (json_array_append_new(p->warnings, json_string(text)) < 0)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the answer");
    return 0;
}

/* Of one vector; few have any, and their ranges tell of the others. */
static uint64_t sum_column(struct fact_reader *reader, unsigned column, uint32_t n, const uint8_t *live,
                           uint64_t *by_source, size_t n_sources)
{
    struct fact_range range;
    uint64_t total = 0;
    fact_reader_range(reader, column, &range);
    if (range.max <= 0)
        return 0;
    const int64_t *counts = fact_reader_values(reader, column),
                  *namespaces = by_source ? fact_reader_values(reader, FACT_NAMESPACE) : NULL;
    for (uint32_t i = 0; i < n; i++) {
        if ((live && !live[i]) || counts[i] <= 0)
            continue;
        total += (uint64_t)counts[i];
        if (by_source && namespaces[i] >= 0 && (uint64_t)namespaces[i] < n_sources)
            by_source[namespaces[i]] += (uint64_t)counts[i];
    }
    return total;
}

int extent_conflicts(struct plan *p, uint64_t *by_source, size_t n, struct error *err)
{
    struct fact_scan *scan;
    struct scan *lent = scan_take(p->context->crew);
    const uint8_t *live;
    uint32_t n_rows;
    if (!lent)
        return error_set(err, -ENOMEM, "no_memory", "no memory for the query");
    int r = fact_scan_open(p->view, FACT_TICKET, NULL, 0, NULL, 0, &scan, err);
    if (r < 0) {
        scan_give(p->context->crew, lent);
        return r;
    }
    struct fact_reader *reader = lent->reader;
    fact_reader_begin(reader, scan);
    while (r == 0 && fact_reader_next(reader, &n_rows, &live)) {
        p->orphans += sum_column(reader, FACT_TICKET_ORPHANS, n_rows, live, NULL, 0);
        p->conflicts += sum_column(reader, FACT_TICKET_CONFLICTS, n_rows, live, by_source, n);
        r = plan_check(p, err);
    }
    if (r == 0)
        r = fact_reader_check(reader, err);
    scan_give(p->context->crew, lent);
    fact_scan_close(scan);
    return r;
}
