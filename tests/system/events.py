"""Makes events, as a source would send them."""
import datetime
import itertools

_ids = itertools.count(1)

D0 = int(datetime.datetime(2024, 1, 8, tzinfo=datetime.timezone.utc).timestamp() * 1000)  # a Monday
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def event(type_, ticket, at, event_id=None, **fields):
    """One event. at: ms since 1970; without an id it gets one of its own."""
    made = {"type": type_, "id": event_id or f"e{next(_ids)}", "at": at}
    if ticket is not None:
        made["ticket"] = ticket
    made.update(fields)
    return made


def created(ticket, at=D0, **fields):
    return event("ticket.created", ticket, at, **fields)


def status(ticket, to, at, **fields):
    return event("ticket.status", ticket, at, to=to, **fields)


def message(ticket, direction, at, **fields):
    return event("ticket.message", ticket, at, direction=direction, **fields)


def solved_ticket(ticket, at=D0, seconds=3600, **fields):
    """Created, answered half way, solved after so many seconds."""
    return [created(ticket, at, **fields), message(ticket, "out", at + seconds * 500),
            status(ticket, "solved", at + seconds * 1000)]
