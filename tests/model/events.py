"""Events: their fields, their order, and which of several contents under one identity is used.

An event is a dict as it goes over the wire.
"""

import msgpack

TYPES = [
    "ticket.created", "ticket.updated", "ticket.assigned", "ticket.message", "sla.applied", "sla.cancelled",
    "ticket.status", "ticket.merged", "ticket.deleted", "ticket.restored", "contact.ended", "survey.sent",
    "survey.response", "source.watermark",
]
RANKS = {type_: rank for rank, type_ in enumerate(TYPES)}
STATUSES = ["new", "open", "pending", "hold", "solved", "closed"]
ACTIVE = frozenset(("new", "open", "pending", "hold"))
DIRECTIONS = ["in", "out", "internal"]
BUILT_IN = ["vendor", "product", "module", "version", "channel", "severity", "category", "team", "tier", "site",
            "requester_role"]
REFS = ("into", "respondent")
IDS = {"type", "id", "at", "seq", "ticket", *REFS}  # no part of an event's content
NOT_DIMENSIONS = IDS | {
    "by", "kind", "direction", "public", "automated", "policy", "metric", "target_s", "clock", "calendar", "to",
    "reason", "outcome", "queue_s", "talk_s", "wrap_s", "instrument", "question", "score", "min", "max", "choice",
    "respondent_role", "rater_relation", "complete_until",
}
THOUSANDTHS = frozenset(("score", "min", "max", "target_s", "queue_s", "talk_s", "wrap_s"))


def content(event):
    """The canonical bytes of what an event says, beside its identity, time and place in the order."""
    fields = {k: v for k, v in event.items() if k not in IDS}
    if event["type"] == "ticket.created":
        fields.setdefault("by", "requester")
    if event["type"] == "ticket.message" and event["direction"] == "internal":
        fields.pop("public", None)
    elif event["type"] == "ticket.message":
        fields.setdefault("public", True)
    if event["type"] in ("ticket.message", "ticket.status"):
        fields.setdefault("automated", False)
    for key in THOUSANDTHS.intersection(fields):
        n = thousandths(fields[key])
        fields[key] = n // 1000 if n % 1000 == 0 else n / 1000
    ordered = sorted(fields.items(), key=lambda item: item[0].encode())
    return msgpack.packb(dict(ordered))


def thousandths(number):
    """Seconds in ms, a score in thousandths; None stays None."""
    return None if number is None else round(number * 1000)


def rank(event):
    within = 0
    if event["type"] == "ticket.status":
        within = STATUSES.index(event["to"])
    if event["type"] == "ticket.message":
        within = DIRECTIONS.index(event["direction"])
    return RANKS[event["type"]], within


def order(event):
    return event["at"], event.get("seq", 0), rank(event), content(event)


def refs(event):
    """Ids that an event speaks of. They tell two contents apart; in a collector the keys of their hashes order events
    that are alike in all else, here the ids themselves do."""
    return event.get("into") or event.get("respondent") or ""


def unique(events):
    """The events in order, each identity once, and how many others there were with its identity."""
    distinct = {(event["id"], order(event), refs(event)): event for event in events}
    used, seen = [], set()
    for (identity, _, _), event in sorted(distinct.items(), key=lambda item: (item[0][1], item[0][2])):
        if identity not in seen:
            seen.add(identity)
            used.append(event)
    return used, len(distinct) - len(used)


def said_dimensions(event):
    """The dimensions that an event names, cleared ones (None) too."""
    return {k: v for k, v in event.items() if k not in NOT_DIMENSIONS}


def own_dimensions(event):
    return {k: v for k, v in said_dimensions(event).items() if v is not None}


def changed_by(dimensions, event):
    """Dimensions after what an event names is set or cleared."""
    said = said_dimensions(event)
    return {k: v for k, v in {**dimensions, **said}.items() if v is not None} if said else dimensions


def is_of_ticket(event):
    return event["type"].startswith("ticket.")


def is_requester_message(event):
    return event["type"] == "ticket.message" and event["direction"] == "in" and not event.get("automated", False)


def is_human_out(event):
    return event["type"] == "ticket.message" and event["direction"] == "out" and not event.get("automated", False)


def is_answer(event):
    """A public human message out."""
    return is_human_out(event) and event.get("public", True)


def is_answered_contact(event):
    return event["type"] == "contact.ended" and event["outcome"] == "answered"
