#include "core/base/scheduler.h"

void scheduler_init(struct scheduler *s, int64_t quantum)
{
    *s = (struct scheduler){.quantum = quantum};
}

static void push(struct scheduler *s, struct flow *f)
{
    f->next = NULL;
    if (s->tail)
        s->tail->next = f;
    else
        s->head = f;
    s->tail = f;
}

static struct flow *pop(struct scheduler *s)
{
    struct flow *f = s->head;
    s->head = f->next;
    if (!s->head)
        s->tail = NULL;
    f->next = NULL;
    return f;
}

void scheduler_offer(struct scheduler *s, struct flow *f)
{
    if (f->is_waiting)
        return;
    f->is_waiting = true;
    if (f->credit > s->quantum)
        f->credit = s->quantum;
    push(s, f);
    s->n_waiting++;
}

void scheduler_go_on(struct scheduler *s, struct flow *f)
{
    if (f->is_waiting || f->credit <= 0) {
        scheduler_offer(s, f);
        return;
    }
    f->is_waiting = true;
    f->next = s->head;
    s->head = f;
    if (!s->tail)
        s->tail = f;
    s->n_waiting++;
}

/* The ring has come to the one at the head: whether it has a turn in this round. If not the ring goes on. */
static bool visit(struct scheduler *s)
{
    if (s->head->credit <= 0)
        s->head->credit += s->quantum;
    if (s->head->credit > 0)
        return true;
    push(s, pop(s));
    return false;
}

/* The rounds in which nobody would have a turn, at once. */
static void skip_rounds(struct scheduler *s)
{
    int64_t best = s->head->credit;
    for (const struct flow *f = s->head; f; f = f->next)
        best = f->credit > best ? f->credit : best;
    int64_t rounds = best < 0 ? -best / s->quantum : 0;
    for (struct flow *f = s->head; f; f = f->next)
        f->credit += rounds * s->quantum;
}

struct flow *scheduler_take(struct scheduler *s)
{
    if (!s->head)
        return NULL;
    bool has_turn = false;
    for (size_t n = s->n_waiting; n > 0 && !has_turn; n--)
        has_turn = visit(s);
    if (!has_turn)
        skip_rounds(s);
    while (!has_turn) /* a round at most: the best has less than a quantum to go */
        has_turn = visit(s);
    struct flow *f = pop(s);
    f->is_waiting = false;
    s->n_waiting--;
    return f;
}

void scheduler_charge(struct scheduler *s, struct flow *f, int64_t cost)
{
    int64_t least = -SCHEDULER_DEBT_ROUNDS * s->quantum;
    f->credit = f->credit - cost < least ? least : f->credit - cost;
}

void scheduler_remove(struct scheduler *s, struct flow *f)
{
    if (!f->is_waiting)
        return;
    for (size_t n = s->n_waiting; n > 0; n--) {
        struct flow *first = pop(s);
        if (first != f)
            push(s, first);
    }
    f->is_waiting = false;
    s->n_waiting--;
}
