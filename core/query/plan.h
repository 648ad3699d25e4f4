/* What a query does: its measures, the passes over fact tables that feed them, its periods and dimensions.
 *
 * Everything here belongs to one query and one thread; where several threads run a query each has a share
 * (share.h). */
#ifndef TENDON_QUERY_PLAN_H
#define TENDON_QUERY_PLAN_H

#include "core/fold/fold.h"
#include "core/query/clocks.h"
#include "core/query/crew.h"
#include "core/query/filter.h"
#include "core/query/given.h"
#include "core/query/group.h"
#include "core/query/measure.h"
#include "core/query/request.h"
#include "core/query/tally.h"

#include <stdatomic.h>

/* What a query may hold in memory, beside the store's own buffers. */
#define QUERY_MEMORY_BYTES (1024u << 20)
#define QUERY_ROWS_MAX     100000

#define PLAN_MEASURES_MAX   (REQUEST_METRICS_MAX + 4)
#define PLAN_PASSES_MAX     (FACT_N_TABLES + 3)
#define PLAN_DIMENSIONS_MAX (FIELD_N_DIMENSIONS + 32)

/* One reading of one table for all measures on it. */
struct pass {
    enum fact_table table;
    bool current;     /* dimensions as they are today, not as they were */
    bool judges_team; /* some trial is about who did it: by the dimensions as they were, in any case */
    enum metric_gather gather;
    uint8_t n_measures, measures[PLAN_MEASURES_MAX];
    uint64_t fields;             /* bits of the dimensions to be read */
    bool wants[FACT_VALUES_MAX]; /* columns that some row may need */
    bool is_running;             /* spans are counted from their first instant to their last at once */
    uint8_t completed;           /* column */
    bool anchors[3];             /* enum metric_anchor in use */
    uint64_t resellers;          /* ballots that it left out */
    struct fact_scan_statistics statistics;
};

/* Looks on while rows are judged: it sees every row of every measure, whatever the verdict. Every column that
 * the pass may need is there. 0, or -ENOMEM, which
 * ends the query. */
struct batch;
struct witness {
    int (*see)(void *context, const struct measure *m, const struct batch *b, uint32_t i, uint8_t verdict,
               bool success);
    void *context;
};

struct plan {
    const struct query_context *context;
    const struct request *request;
    const struct store_view *view;
    struct dimension_view dimension_view;
    struct given *given;           /* rows to read in place of the view's; NULL: none */
    const struct witness *witness; /* or NULL */
    json_t *warnings;

    struct dimension *dimensions[PLAN_DIMENSIONS_MAX]; /* by place in the names; NULL: not used */
    uint8_t used[PLAN_DIMENSIONS_MAX];                 /* places of those that are */
    unsigned n_used;
    bool needs_ids[PLAN_DIMENSIONS_MAX];    /* by place: ids of samples, to group or try them */
    bool filter_ids[PLAN_DIMENSIONS_MAX];   /* ids that the condition looks at */
    bool filter_reads[PLAN_DIMENSIONS_MAX]; /* … or codes that it does */
    int model, region, org;                 /* places of those that trials and units read, -1 not used */
    bool groups_question;                   /* by or where speaks of it: ratings count question by question */
    bool groups_instrument;
    struct filter *filter;   /* NULL: all rows */
    struct filter *whatever; /* the same whatever the answer is; NULL: the condition says nothing of it */
    uint32_t ignored;        /* of the dimensions grouped by, those that are the answer itself */
    struct fold_environment environment; /* for the content of ballots */
    struct groups *groups;
    struct tally tally;

    struct periods periods;
    int64_t *instants; /* of the backlog, ascending */
    uint32_t n_instants;
    bool has_opening; /* the first instant is the opening of the first period */

    unsigned n_measures, n_passes;
    struct measure measures[PLAN_MEASURES_MAX];
    struct pass passes[PLAN_PASSES_MAX];
    uint8_t measure_of[REQUEST_METRICS_MAX]; /* of the asked metrics */
    int moved[3], open;                      /* helpers: created, resolutions, reopens; or -1 */

    struct clocks *clocks; /* of what still runs; NULL: nothing asked for does */
    uint8_t *speaks;       /* by namespace: it ever sent a message or contact; NULL: not asked for */
    uint8_t *not_level1;   /* by category: the first level cannot solve it; NULL: not asked for */
    size_t n_speaks, n_not_level1;
    size_t ballot_bytes, current_bytes, merge_bytes; /* of what scans keep */
    uint64_t orphans, conflicts, merged_in_rings;

    unsigned place, n_threads; /* of this share among those of the query; how many there were at most */
    struct plan *whole;        /* whose share it is, or NULL */
    atomic_size_t used_bytes[CREW_THREADS_MAX]; /* by the whole's shares */
};

/* The fact tables that a request is answered from, whatever its plan comes to (FACT_TABLE_BIT): what its view
 * is to be opened with. */
uint32_t plan_tables(const struct request *r);

/* Makes the measures and passes of a request; what is read stays the view's and the request's. */
int plan_new(const struct query_context *context, const struct request *request,
             const struct store_view *view, struct plan **ret, struct error *err);
void plan_free(struct plan *p);

/* Cuts the periods, given the first and last instant measured (asked for only where plan_needs_extent), and
 * makes room for what is counted in them. */
bool plan_needs_extent(const struct plan *p);
int plan_cut(struct plan *p, int64_t first, int64_t last, struct error *err);

/* Whether the query may go on: not cancelled, not too late, not too big. */
int plan_check(struct plan *p, struct error *err);

/* Bits of a bound for a pass that let blocks be skipped; returns how many of the two there are. */
size_t plan_bounds(const struct plan *p, const struct pass *pass, struct fact_bound bounds[2]);

#endif
