/* A ticket's story: its events, what each did, and the rows they make. Between explain.c, which is asked, and
 * story_….c, which show parts of it. One thread. */
#ifndef TENDON_QUERY_STORY_H
#define TENDON_QUERY_STORY_H

#include "core/fold/business.h"
#include "core/fold/fold.h"
#include "core/query/given.h"
#include "core/query/query.h"
#include "core/query/tool.h"

/* What fold_trace told, kept. */
struct story_step {
    const struct event *event; /* one of events */
    int64_t at;
    unsigned class;
    uint16_t dimensions[FIELD_N_DIMENSIONS];
};

struct story {
    const struct query_context *context;
    const struct store_view *view;
    const struct zone *zone;
    int64_t now;
    struct fold_environment environment;
    struct fold_subject subject;
    struct event **events; /* copies, n_events of them */
    size_t n_events, events_capacity;
    struct story_step *steps; /* in order; conflicts have none */
    size_t n_steps;
    struct business business; /* the ticket's clock */
    struct given *rows;
};

/* The first row of a table, or the last; NULL when there is none. */
const struct fact_row *story_row(const struct story *s, enum fact_table table, enum tool_row which);
size_t story_count(const struct story *s, enum fact_table table);

/* Parts of the answer; NULL when there is no memory. */
json_t *story_timeline(const struct story *s);
json_t *story_intervals(const struct story *s);
/* *ret; 0, or an error of the engine. */
int story_metrics(struct story *s, json_t **ret, struct error *err);
/* The figures of a tool beside ours, of the metrics that story_metrics showed. */
json_t *story_figures(const struct story *s, const char *tool, const json_t *metrics);

#endif
