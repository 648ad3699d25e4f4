"""The facts of one subject (a ticket, or one event without a ticket), from the set of its events.

A row is a dict: "table", the columns of core/fold/fact.h in lower case, "dimensions" (for a ticket also "current"):
values as on the wire, absent ones left out. Numbers of dictionaries and the namespace do not appear, and ids are the
ids themselves: facts are compared by what they mean.
"""

from . import answers, events, sla, survey, teams
from .reference import Reference
from .ticket import Ticket

NOWHERE = Reference()
EXCLUDED = {None: 0, "merged": 1, "spam": 2, "test": 3, "duplicate": 4, "erasure": 5}
CLASSES = ("new", "open", "pending", "hold")
LIVE_CHANNELS = ("phone", "chat", "remote", "onsite")
FIRST_CONTACT_MS = 3_600_000
TABLES = ["ticket", "acknowledgement", "reply", "solve", "reopen", "span", "holding", "sla_cycle", "rating", "answer",
          "sending", "contact", "merge"]


def both(ticket, begin, end, last=None):
    """A duration on the business clock: by the calendar at each instant, and by that at its end."""
    return {"business": ticket.clock.elapsed(begin, end), "last": ticket.clock.last(begin, end, end if last is None else last)}


def added(numbers):
    """A sum in which a part that is not known leaves nothing known."""
    numbers = list(numbers)
    return None if None in numbers else sum(numbers)


def acknowledgement(ticket):
    place = None if ticket.inferred else answers.acknowledgement(ticket)
    if place is not None:
        yield {"table": "acknowledgement", "at": ticket.when[place], **both(ticket, ticket.created_at, ticket.when[place]),
               "dimensions": ticket.dimensions[place]}


def replies(ticket):
    first = answers.first_response(ticket)
    found = [(0, *first)] if first else []
    answered = [run for run in answers.runs(ticket) if run[3]]
    found += [(n, start, end) for n, (start, _, end, _) in enumerate(answered, 1)]
    for ordinal, start, place in found:
        end = ticket.when[place]
        yield {"table": "reply", "start": start, "end": end, "ordinal": ordinal, **both(ticket, start, end),
               "dimensions": ticket.dimensions[place]}


def by_clocks(ticket, pieces, at):
    """The sum of intervals, as `both` gives it, for what ends at an instant; of none of them it is the empty one."""
    pieces = pieces or [(at, at)]
    return {"business": added(ticket.clock.elapsed(a, b) for a, b in pieces),
            "last": added(ticket.clock.last(a, b, at) for a, b in pieces)}


def class_times(ticket, solve, is_last):
    """The time in each class from created_at until a solve; on the business clock only until the last."""
    pieces = list(ticket.intervals(solve))
    at = ticket.when[solve]
    times = {}
    for status in CLASSES:
        own = [(a, b) for a, b, c, _ in pieces if c == status]
        times[status + "_ms"] = sum(b - a for a, b in own)
        clocks = by_clocks(ticket, own, at) if is_last else {"business": None, "last": None}
        times[status + "_business"], times[status + "_last"] = clocks["business"], clocks["last"]
    whole = both(ticket, ticket.created_at, at)
    return {**times, "resolution_business": whole["business"], "resolution_last": whole["last"]}


def contacts_of(ticket):
    return [e for e in ticket.events if events.is_answered_contact(e)]


def touches(ticket, solve):
    said = sum(events.is_answer(e) for e in ticket.events[:solve])
    return said + sum(e["at"] <= ticket.events[solve]["at"] for e in contacts_of(ticket))


def in_time(ticket, solve):
    """Whether the first solve came in time for a resolution at the first contact; None where that cannot be said."""
    if ticket.dimensions[solve].get("channel") in LIVE_CHANNELS:
        answered = contacts_of(ticket)
        if not answered:
            return None
        wrapped = answered[0]["at"] + (events.thousandths(answered[0].get("wrap_s")) or 0)
        return ticket.events[solve]["at"] <= wrapped
    if ticket.inferred:
        return None
    passed = ticket.clock.elapsed(ticket.created_at, ticket.when[solve])
    return None if passed is None else passed <= FIRST_CONTACT_MS


def reopened_after(ticket):
    """The shortest time from any solve to its reopening, or None."""
    return min((ticket.when[r] - ticket.when[s] for s, r in zip(ticket.solves, ticket.reopenings)), default=None)


OF_FIRST = ("first_tier", "escalated_before", "in_time")
OF_LAST = ("handoffs", "escalated", "ping_pong", "touches", "reopened_after")
NO_TIMES = {f"{c}_{clock}": None for c in CLASSES for clock in ("ms", "business", "last")}
NO_TIMES.update(resolution_business=None, resolution_last=None)


def solves(ticket):
    for ordinal, place in enumerate(ticket.solves):
        is_last = ticket.is_done and place == ticket.solves[-1]
        reopening = ticket.reopening_of(place)
        row = {"table": "solve", "at": ticket.when[place], "ordinal": ordinal, "last": is_last,
               "reopened_at": None if reopening is None else ticket.when[reopening],
               **dict.fromkeys(OF_FIRST + OF_LAST), "dimensions": ticket.dimensions[place],
               **(NO_TIMES if ticket.inferred else class_times(ticket, place, is_last))}
        if ordinal == 0:
            row.update(first_tier=teams.first_tier(ticket, place), escalated_before=teams.escalated(ticket, place),
                       in_time=in_time(ticket, place))
        if is_last:
            row.update(handoffs=teams.handoffs(ticket), ping_pong=teams.ping_pong(ticket), touches=touches(ticket, place),
                       escalated=teams.escalated(ticket, len(ticket.events)) if teams.is_known(ticket) else None,
                       reopened_after=reopened_after(ticket))
        yield row


def reopens(ticket):
    for place in ticket.reopenings:
        yield {"table": "reopen", "at": ticket.when[place], "dimensions": ticket.dimensions[place]}


def spans(ticket):
    for begin, end, dimensions in ticket.spans():
        yield {"table": "span", "from": begin, "to": end, "dimensions": dimensions,
               "business": None if ticket.inferred else ticket.clock.elapsed(ticket.created_at, begin)}


def holdings(ticket):
    if not ticket.is_done or ticket.inferred or not ticket.solves:
        return
    solve = ticket.solves[-1]
    at = ticket.when[solve]
    for team, (until, pieces) in teams.holdings(ticket).items():
        dimensions = {k: v for k, v in {**ticket.dimensions[solve], "team": team}.items() if v is not None}
        yield {"table": "holding", "solve_at": at, "held_until": until, "held_ms": sum(b - a for a, b in pieces),
               **by_clocks(ticket, pieces, at), "dimensions": dimensions}


def contacts(ticket):
    for i, event in enumerate(ticket.events):
        if event["type"] == "contact.ended":
            of_ticket = ticket.dimensions[i] if ticket.exists else {}
            yield {"table": "contact", "at": ticket.when[i], "outcome": event["outcome"],
                   **{key + "_ms": events.thousandths(event.get(key + "_s")) for key in ("queue", "talk", "wrap")},
                   "dimensions": events.changed_by(of_ticket, event)}


def merges(ticket):
    if ticket.merge is not None:
        event = ticket.events[ticket.merge]
        yield {"table": "merge", "at": ticket.when[ticket.merge], "hash": event["ticket"], "into": event["into"],
               "dimensions": ticket.dimensions[ticket.merge]}


def the_ticket(ticket):
    speaks = any(e["type"] in ("ticket.message", "contact.ended") for e in ticket.events)
    if ticket.exists:
        yield {"table": "ticket", "class": ticket.classes[-1], "orphans": 0, "conflicts": ticket.conflicts,
               "speaks": speaks, "dimensions": ticket.dimensions[ticket.maker], "current": ticket.dimensions[-1]}
        return
    orphans = 0 if ticket.is_loose else len(ticket.events)
    if orphans or ticket.conflicts:
        yield {"table": "ticket", "class": None, "orphans": orphans, "conflicts": ticket.conflicts, "speaks": speaks,
               "dimensions": {}, "current": {}}


OF_TICKETS = [acknowledgement, replies, solves, reopens, spans, holdings, sla.cycles]
OF_ANYTHING = [survey.ratings, survey.answers, survey.sendings, contacts]


def rows(delivered, reference=NOWHERE):
    """The fact rows of one subject, in the order of the tables."""
    ticket = Ticket(delivered, reference)
    common = {"excluded": 0, "created": None, "inferred": False, "ticket": False}
    if ticket.exists:
        common = {"excluded": EXCLUDED[ticket.excluded], "created": ticket.created_at, "inferred": ticket.inferred,
                  "ticket": True}
    makers = [the_ticket, *(OF_TICKETS if ticket.exists else ()), *OF_ANYTHING, *((merges,) if ticket.exists else ())]
    found = []
    for maker in makers:
        for row in maker(ticket):
            row = {**common, **row}
            if row["table"] == "contact":
                row["excluded"] = 0
            if row["table"] in ("rating", "answer", "sending", "contact"):
                row["loose"] = ticket.is_loose
            found.append(row)
    return found
