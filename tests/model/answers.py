"""First and next responses, and the acknowledgement."""

from . import events

ACKNOWLEDGING_KINDS = ("reassign", "escalate", "return")


def first_response(ticket):
    """(start in ms, place of the message that ended it), or None."""
    if ticket.inferred:
        return None
    origin, start = -1, ticket.created_at
    if ticket.events[ticket.maker].get("by", "requester") != "requester":
        asked = next((i for i, e in enumerate(ticket.events) if events.is_requester_message(e)), None)
        if asked is None:
            return None
        origin, start = asked, ticket.when[asked]
    answer = next((i for i, e in enumerate(ticket.events) if i > origin and events.is_answer(e)), None)
    if answer is None:
        return None
    for reopening in ticket.reopenings:
        solved_before = [s for s in ticket.solves if s < reopening]
        if origin < reopening < answer and all(ticket.events[s].get("automated") for s in solved_before):
            start = ticket.when[reopening]
    return start, answer


def runs(ticket):
    """[(start in ms, its place, place of what ended the run, whether that answered it)]; the last may have no end
    (None)."""
    if ticket.inferred:
        first = next((i for i, e in enumerate(ticket.events) if events.is_answer(e)), None)
    else:
        first = (first_response(ticket) or (None, None))[1]
    if first is None:
        return []
    found, start = [], None
    for i in range(first + 1, len(ticket.events)):
        event = ticket.events[i]
        if events.is_requester_message(event) and start is None and ticket.classes[i] in events.ACTIVE:
            start = i
        elif events.is_answer(event) and start is not None:
            found.append((ticket.when[start], start, i, True))
            start = None
        elif i in ticket.solves and start is not None:
            found.append((ticket.when[start], start, i, False))
            start = None
        elif i in ticket.reopenings:
            solve = max(s for s in ticket.solves if s < i)
            if any(events.is_requester_message(e) for e in ticket.events[solve + 1:i]):
                start = i
    return found + ([(ticket.when[start], start, None, False)] if start is not None else [])


def acknowledgement(ticket):
    """The place of the first event that shows that somebody has seen the ticket, or None."""
    before = "new"
    for i, event in enumerate(ticket.events):
        if events.is_human_out(event):
            return i
        if event["type"] == "ticket.assigned" and event.get("kind") in ACKNOWLEDGING_KINDS:
            return i
        if before == "new" and ticket.classes[i] != "new" and not event.get("automated"):
            return i
        before = ticket.classes[i]
    return None
