"""SLA cycles: what is measured, which target is in force, and what came of it.

A thing is what a metric measures once: it begins at a place of the ticket's events and ends at another. A target is
in force from one place to another. A cycle is a thing while targets are in force for it; it is breached at the last
instant with elapsed ≤ target, elapsed being that of the whole thing on the target's own clock.
"""

from . import answers, events
from .calendars import NEVER, Wall
from .events import thousandths

METRICS = ["first_response_time", "next_response_time", "time_to_acknowledge", "first_resolution_time",
           "requester_wait_time", "support_work_time"]
CLASSES = {"requester_wait_time": ("new", "open", "hold"), "support_work_time": ("new", "open")}


class Thing:
    """place: -1 at created_at; end: None while it goes on; is_reached: it ended as it should, not unanswered."""

    def __init__(self, start, place, end, is_reached):
        self.start, self.place, self.end, self.is_reached = start, place, end, is_reached


def things_of_first_response(ticket):
    solved_by_hand = next((s for s in ticket.solves if not ticket.events[s].get("automated")), len(ticket.events))
    place = -1
    if ticket.events[ticket.maker].get("by", "requester") != "requester":
        place = next((i for i, e in enumerate(ticket.events) if events.is_requester_message(e)), None)
        if place is None:
            return
    begins = [place] + [r for r in ticket.reopenings if place < r < solved_by_hand]
    answer = next((i for i, e in enumerate(ticket.events) if i > place and events.is_answer(e)), None)
    for n, begin in enumerate(begins):
        if answer is not None and answer < begin:
            return
        ends = [p for p in (answer, next((s for s in ticket.solves if s > begin), None),
                            begins[n + 1] if n + 1 < len(begins) else None) if p is not None]
        end = min(ends, default=None)
        yield Thing(ticket.created_at if begin < 0 else ticket.when[begin], begin, end, end is not None and end == answer)


def things(ticket, metric):
    if metric == "next_response_time":
        return [Thing(start, place, end, answered) for start, place, end, answered in answers.runs(ticket)]
    if ticket.inferred:
        return []
    if metric == "first_response_time":
        return list(things_of_first_response(ticket))
    solve = ticket.solves[0] if ticket.solves else None
    if metric == "time_to_acknowledge":
        seen = answers.acknowledgement(ticket)
        end = min((p for p in (seen, solve) if p is not None), default=None)
        return [Thing(ticket.created_at, -1, end, end is not None and end == seen)]
    if metric == "first_resolution_time":
        return [Thing(ticket.created_at, -1, solve, True)]
    begins = [-1] + ticket.reopenings
    ends = ticket.solves + [None] * (len(begins) - len(ticket.solves))
    return [Thing(ticket.created_at if begin < 0 else ticket.when[begin], begin, end, True) for begin, end in zip(begins, ends)]


def targets_said(ticket, metric):
    """[(place, the event that sets the target, or None: cancelled)]."""
    return [(i, e if e["type"] == "sla.applied" else None) for i, e in enumerate(ticket.events)
            if e["type"] in ("sla.applied", "sla.cancelled") and e["metric"] == metric]


def targets_of_policies(ticket, metric):
    """The same, from the tenant's policies: the first that matches, after all of an event is done."""
    policies = [p for p in ticket.reference.policies if p["metric"] == metric]
    found, before, dimensions = [], None, None
    for i in range(ticket.maker, len(ticket.events) if policies else 0):
        if ticket.dimensions[i] is dimensions:
            continue
        dimensions = ticket.dimensions[i]
        now = next((p for p in policies if matches(p, dimensions)), None)
        if now is not before:
            found.append((i + 0.5, now))
            before = now
    return found


def matches(policy, dimensions):
    return all(name in dimensions and str(dimensions[name]) in values for name, values in policy.get("where", {}).items())


class Meter:
    """Elapsed time of one thing on a target's clock."""

    def __init__(self, ticket, thing, metric, target):
        self.ticket, self.thing = ticket, thing
        self.counted = CLASSES.get(metric)
        self.target_ms = thousandths(target["target_s"])
        if target["clock"] == "wall":
            self.clock = Wall
        elif target.get("calendar"):
            self.clock = ticket.reference.clock_named(target["calendar"])
        else:
            self.clock = ticket.clock

    def intervals(self):
        """[from, to) in which it runs; the last ends NEVER while the thing goes on."""
        ticket, thing = self.ticket, self.thing
        end = NEVER if thing.end is None else ticket.when[thing.end]
        if self.counted is None:
            return [(thing.start, end)]
        found, since = [], thing.start if self.is_counted(thing.place) else None
        for i in range(thing.place + 1, len(ticket.events) if thing.end is None else thing.end + 1):
            is_counted = i != thing.end and self.is_counted(i)
            if since is not None and not is_counted:
                if ticket.when[i] > since:
                    found.append((since, ticket.when[i]))
                since = None
            elif since is None and is_counted:
                since = ticket.when[i]
        if since is not None:
            found.append((since, NEVER))
        return found

    def is_counted(self, place):
        """Whether it runs in the class after the event at a place."""
        return (self.ticket.classes[place] if place >= 0 else "new") in self.counted

    def elapsed(self, at):
        parts = [self.clock.elapsed(a, min(b, at)) for a, b in self.intervals() if a < at]
        return None if None in parts else sum(parts)

    def since(self):
        """From when on it runs without an end, at the site that the ticket has now; None while it does not."""
        running = self.intervals()[-1:]
        if not running or running[0][1] != NEVER:
            return None
        return max(running[0][0], self.ticket.sites()[-1][0])

    def reach(self, ms):
        """(the last instant with elapsed ≤ ms, or None: never so; whether that can be known)."""
        for a, b in self.intervals():
            at = self.clock.reach(a, ms)
            if at is None or at >= b:
                passed = self.clock.elapsed(a, b) if b != NEVER else None
                if passed is None:
                    return (None, at == NEVER)
                ms -= passed
            else:
                return at, True
        return None, True


def cycles_of(ticket, metric, thing, targets):
    """The cycles of one thing, as rows."""
    newest = max(ticket.when)
    end_place = len(ticket.events) if thing.end is None else thing.end
    # what holds for it one after the other: [place from, place to, target]
    before = [target for place, target in targets if place < thing.place]
    held = [(thing.place, before[-1] if before else None)] + [t for t in targets if thing.place < t[0] < end_place]
    pieces = [(a, b, target) for (a, target), (b, _) in zip(held, held[1:] + [(end_place, None)])]
    rows, cycle = [], None

    def instant(place):
        return thing.start if place == thing.place else ticket.when[int(place)]

    def row(meter, target, outcome, end, breach_at, dimensions):
        since = meter.since() if end is None else None
        risk = None
        if outcome == "running":
            risk, _ = meter.reach(meter.target_ms * 3 // 4)
            risk = None if risk in (None, NEVER) else max(risk, cycle["applied"])
        rows.append({"table": "sla_cycle", "start": thing.start, "end": end, "outcome": outcome, "metric": metric,
                     "policy": target.get("policy"), "clock": target["clock"], "target_ms": meter.target_ms,
                     "elapsed_ms": meter.elapsed(end or since or newest), "since": since, "breach_at": breach_at,
                     "risk_at": risk, "calendar": target.get("calendar"), "site": ticket.dimensions[-1].get("site"),
                     "dimensions": dimensions})

    def dimensions_until(at):
        """After all events until an instant."""
        return ([{}] + [d for d, when in zip(ticket.dimensions, ticket.when) if when <= at])[-1]

    for a, b, target in pieces:
        if target is None:
            if cycle is not None:  # taken away
                row(cycle["meter"], cycle["target"], "ended", instant(a), None, ticket.dimensions[int(a)])
                cycle = None
            continue
        meter = Meter(ticket, thing, metric, target)
        cycle = {"meter": meter, "target": target, "applied": instant(a)}
        passed = meter.elapsed(cycle["applied"])
        at, is_sure = meter.reach(meter.target_ms)
        if passed is None:  # nobody can say what it had left
            at, is_sure = None, False
        if passed is not None and passed > meter.target_ms:
            breach_at, dimensions = cycle["applied"], ticket.dimensions[int(a)]
            is_proven = True
        else:
            breach_at, dimensions = at, None
            last = instant(b) if b < end_place or thing.end is not None else newest
            is_proven = at is not None and at < last
        if is_proven:
            row(meter, target, "breached", None if thing.end is None else ticket.when[thing.end], breach_at,
                dimensions_until(breach_at) if dimensions is None else dimensions)
            return rows
        if b < end_place:
            continue
        if thing.end is None:
            future = None if breach_at == NEVER else breach_at
            outcome = "running" if is_sure and meter.elapsed(newest) is not None else "unmeasured"
            row(meter, target, outcome, None, future, ticket.dimensions[-1])
        else:
            ended = ticket.when[thing.end]
            outcome = "met" if thing.is_reached else "ended"
            if outcome == "met" and meter.elapsed(ended) is None:
                outcome = "unmeasured"
            row(meter, target, outcome, ended, None, ticket.dimensions[thing.end])
    return rows


def cycles(ticket):
    """The rows of a ticket, by metric and time."""
    for metric in METRICS:
        targets = targets_said(ticket, metric) or targets_of_policies(ticket, metric)
        if targets:
            found = [row for thing in things(ticket, metric) for row in cycles_of(ticket, metric, thing, targets)]
            for ordinal, row in enumerate(found):
                yield {**row, "ordinal": ordinal}
