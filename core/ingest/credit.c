#include "core/ingest/credit.h"

void credit_pool_init(struct credit_pool *p, uint64_t limit, uint64_t source_max)
{
    *p = (struct credit_pool){.limit = limit, .source_max = source_max};
}

void credit_open(struct credit *c, int64_t now)
{
    *c = (struct credit){.window = WIRE_CREDIT_START, .promised = WIRE_CREDIT_START, .used_at = now};
}

/* Sets the window; false when the pool has no room for it. */
static bool window_set(struct credit_pool *p, struct credit *c, uint64_t window)
{
    uint64_t others = p->reserved - (c->window - WIRE_CREDIT_START), more = window - WIRE_CREDIT_START;
    if (more > p->limit || others > p->limit - more)
        return false;
    p->reserved = others + more;
    c->window = window;
    c->peak = c->under_way;
    return true;
}

void credit_close(struct credit_pool *p, struct credit *c)
{
    (void)window_set(p, c, WIRE_CREDIT_START);
}

bool credit_take(struct credit_pool *p, struct credit *c, uint64_t n, int64_t now, bool *ret_is_short)
{
    uint64_t wanted = c->under_way + n;
    *ret_is_short = false;
    if (wanted > c->promised)
        return false;
    *ret_is_short = true;
    if (n > p->limit || p->under_way > p->limit - n)
        return false;
    c->under_way = wanted;
    c->largest = n > c->largest ? n : c->largest;
    p->under_way += n;
    c->used_at = now;
    c->shrink_at = now + CREDIT_IDLE_MS;
    if (c->under_way > c->peak)
        c->peak = c->under_way;
    return true;
}

bool credit_take_alone(struct credit_pool *p, struct credit *c, uint64_t n, int64_t now, bool *ret_is_short)
{
    *ret_is_short = c->under_way == 0;
    if (c->under_way > 0 || n > p->limit || p->under_way > p->limit - n)
        return false;
    c->under_way = n;
    p->under_way += n;
    c->used_at = now;
    c->shrink_at = now + CREDIT_IDLE_MS;
    return true;
}

void credit_give(struct credit_pool *p, struct credit *c, uint64_t n)
{
    c->under_way -= n;
    p->under_way -= n;
}

void credit_promise(struct credit *c, uint64_t n)
{
    uint64_t least = c->promised > n ? c->promised - n : 0;
    c->promised = c->window > least ? c->window : least;
}

static void credit_grow(struct credit_pool *p, struct credit *c, uint64_t more)
{
    uint64_t window = c->window + more < p->source_max ? c->window + more : p->source_max;
    if (c->peak >= c->window / 2 && window > c->window)
        (void)window_set(p, c, window);
}

static void credit_cut(struct credit_pool *p, struct credit *c, int64_t waited, uint64_t least)
{
    least = 2 * c->largest > least ? 2 * c->largest : least;
    uint64_t window = c->window * CREDIT_LATE_MS / (uint64_t)waited;
    window = window > c->window / CREDIT_CUT_MOST ? window : c->window / CREDIT_CUT_MOST;
    window = window > least ? window : least;
    if (window < c->window)
        (void)window_set(p, c, window);
}

void credit_adapt(struct credit_pool *p, struct credit *c, int64_t taken_at, int64_t now)
{
    int64_t waited = now - taken_at;
    if (waited < CREDIT_SOON_MS) {
        credit_grow(p, c, c->window);
    } else if (taken_at >= c->adapted_at) { /* else it was under way when the window was another */
        const bool is_small = c->window < WIRE_BATCH_BYTES, is_crowded = p->under_way >= CREDIT_CROWD;
        c->adapted_at = now;
        if (is_small && !is_crowded)
            credit_grow(p, c, c->window);
        else if (waited > CREDIT_LATE_MS)
            credit_cut(p, c, waited, is_crowded ? WIRE_CREDIT_START : WIRE_BATCH_BYTES);
        else if (is_small) /* a large batch is of use even where commits are slow */
            credit_grow(p, c, c->window / CREDIT_SLOW_SHARE);
    }
}

void credit_shrink(struct credit_pool *p, struct credit *c, int64_t now)
{
    if (c->under_way > 0 || now < c->shrink_at || c->window == WIRE_CREDIT_START)
        return;
    uint64_t window = c->window / 2 > WIRE_CREDIT_START ? c->window / 2 : WIRE_CREDIT_START;
    (void)window_set(p, c, window);
    c->shrink_at = now + CREDIT_IDLE_MS;
}
