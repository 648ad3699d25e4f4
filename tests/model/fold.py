"""The facts of one subject (a ticket, or one event without a ticket), from the set of its events.

An event is a dict as it goes over the wire. A row is a dict: "table", the columns of core/fold/fact.h in lower
case, "dimensions" (for a ticket also "current"): values as on the wire, absent ones left out. Numbers of
dictionaries, the namespace and hashes do not appear: facts are compared by what they mean.
"""

import msgpack

TYPES = [
    "ticket.created", "ticket.updated", "ticket.assigned", "ticket.message", "sla.applied", "sla.cancelled",
    "ticket.status", "ticket.merged", "ticket.deleted", "ticket.restored", "contact.ended", "survey.sent",
    "survey.response", "source.watermark",
]
STATUSES = ["new", "open", "pending", "hold", "solved", "closed"]
ACTIVE = {"new", "open", "pending", "hold"}
DIRECTIONS = ["in", "out", "internal"]
BUILT_IN = ["vendor", "product", "module", "version", "channel", "severity", "category", "team", "tier", "site",
            "requester_role"]
IDS = {"type", "id", "at", "seq", "ticket", "into", "respondent"}  # no part of an event's content
NOT_DIMENSIONS = IDS | {
    "by", "kind", "direction", "public", "automated", "policy", "metric", "target_s", "clock", "calendar", "to",
    "reason", "outcome", "queue_s", "talk_s", "wrap_s", "instrument", "question", "score", "min", "max", "choice",
    "respondent_role", "rater_relation", "complete_until",
}
EXCLUDED = {"merged": 1, "spam": 2, "test": 3, "duplicate": 4, "erasure": 5}


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
    for key in ("score", "min", "max", "target_s", "queue_s", "talk_s", "wrap_s"):
        if key in fields:
            thousandths = round(fields[key] * 1000)
            fields[key] = thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000
    ordered = sorted(fields.items(), key=lambda item: item[0].encode())
    return msgpack.packb(dict(ordered))


def rank(event):
    within = 0
    if event["type"] == "ticket.status":
        within = STATUSES.index(event["to"])
    if event["type"] == "ticket.message":
        within = DIRECTIONS.index(event["direction"])
    return TYPES.index(event["type"]), within


def order(event):
    return event["at"], event.get("seq", 0), rank(event), content(event)


def own_dimensions(event):
    return {k: v for k, v in event.items() if k not in NOT_DIMENSIONS and v is not None}


def is_of_ticket(event):
    return event["type"].startswith("ticket.")


def is_requester_message(event):
    return event["type"] == "ticket.message" and event["direction"] == "in" and not event.get("automated", False)


def is_answer(event):
    """A public human message out."""
    return (event["type"] == "ticket.message" and event["direction"] == "out" and event.get("public", True)
            and not event.get("automated", False))


def unique(events):
    """The events in order, each identity once, and how many others there were with its identity."""
    distinct = {}
    for event in events:
        said = tuple(sorted((k, repr(v)) for k, v in event.items() if k in ("into", "respondent")))
        distinct[(event["id"], order(event), said)] = event
    used, seen = [], set()
    for event in sorted(distinct.values(), key=order):
        if event["id"] not in seen:
            seen.add(event["id"])
            used.append(event)
    return used, len(distinct) - len(used)


class Ticket:
    """Everything about one subject's events that the definitions speak of."""

    def __init__(self, events, teams=None):
        """teams(key, at) → the team's reference row at an instant as a dict, or None."""
        self.events, self.conflicts = unique(events)
        self.teams = teams or (lambda key, at: None)
        own = [i for i, e in enumerate(self.events) if is_of_ticket(e)]
        self.exists = bool(own)
        if not self.exists:
            return
        creations = [i for i in own if self.events[i]["type"] == "ticket.created"]
        self.inferred = not creations
        self.maker = (creations or own)[0]
        self.created_at = self.events[self.maker]["at"]
        self.when = [max(e["at"], self.created_at) for e in self.events]

        self.classes, self.dimensions = [], []  # after each event
        status, dimensions = "new", {}
        for event in self.events:
            if is_of_ticket(event):
                changed = {k: v for k, v in event.items() if k not in NOT_DIMENSIONS}
                dimensions = {k: v for k, v in {**dimensions, **changed}.items() if v is not None}
            if event["type"] == "ticket.status":
                status = event["to"]
            self.classes.append(status)
            self.dimensions.append(dimensions)
        before = ["new"] + self.classes[:-1]
        moves = list(enumerate(zip(before, self.classes)))
        self.solves = [i for i, (a, b) in moves if a in ACTIVE and b not in ACTIVE]
        self.reopenings = [i for i, (a, b) in moves if a not in ACTIVE and b in ACTIVE]
        self.is_done = self.classes[-1] not in ACTIVE

        away = [e for e in self.events if e["type"] in ("ticket.merged", "ticket.deleted", "ticket.restored")]
        self.excluded = None
        if away and away[-1]["type"] == "ticket.merged":
            self.excluded = "merged"
        if away and away[-1]["type"] == "ticket.deleted":
            self.excluded = away[-1]["reason"]

    def time_in(self, status, until):
        """ms in a class from created_at until the event at place until."""
        total = 0
        instants, classes = [self.created_at] + self.when, ["new"] + self.classes
        for k in range(until + 1):
            if classes[k] == status:
                total += instants[k + 1] - instants[k]
        return total

    def first_response(self):
        """(start in ms, place of the message that ended it), or None."""
        if self.inferred:
            return None
        places = range(len(self.events))
        origin, start = -1, self.created_at
        if self.events[self.maker].get("by", "requester") != "requester":
            asked = [i for i in places if is_requester_message(self.events[i])]
            if not asked:
                return None
            origin, start = asked[0], self.when[asked[0]]
        answers = [i for i in places if i > origin and is_answer(self.events[i])]
        if not answers:
            return None
        for reopening in self.reopenings:
            solved_before = [s for s in self.solves if s < reopening]
            if origin < reopening < answers[0] and all(self.events[s].get("automated") for s in solved_before):
                start = self.when[reopening]
        return start, answers[0]

    def handoffs(self):
        """Changes from one known team to another. Between the two nobody may have had it."""
        teams = [d["team"] for d in self.dimensions if "team" in d]
        return sum(1 for a, b in zip(teams, teams[1:]) if a != b)

    def standing(self, dimensions, at):
        """The tier and employer that these dimensions mean at an instant."""
        row = (self.teams(dimensions["team"], at) if "team" in dimensions else None) or {}
        return dimensions.get("tier", row.get("tier")), row.get("employer")

    def escalated(self):
        """Whether it ever moved to a higher known tier or another known employer; None when no team and no tier
        was ever known. Both sides of a move are read from the tables of its instant; where the old side is not
        known, the last that was stands for it.
        """
        if not any("team" in d or "tier" in d for d in self.dimensions):
            return None
        known_tier = known_employer = None
        for i, (old, new) in enumerate(zip([{}] + self.dimensions[:-1], self.dimensions)):
            if (old.get("team"), old.get("tier")) == (new.get("team"), new.get("tier")):
                continue
            tier, employer = self.standing(old, self.when[i])
            known_tier = known_tier if tier is None else tier
            known_employer = known_employer if employer is None else employer
            tier, employer = self.standing(new, self.when[i])
            if None not in (known_tier, tier) and tier > known_tier:
                return True
            if None not in (known_employer, employer) and employer != known_employer:
                return True
            known_tier = known_tier if tier is None else tier
            known_employer = known_employer if employer is None else employer
        return False

    def spans(self):
        """[from, to (None: still open), dimensions] while active and unchanged."""
        last_at = {}  # instant → place of its last event
        for i, at in enumerate(self.when):
            last_at[at] = i
        pieces = []
        for at in sorted(last_at):
            is_active = self.classes[last_at[at]] in ACTIVE
            dimensions = self.dimensions[last_at[at]]
            if pieces and pieces[-1][1] is None:
                if is_active and pieces[-1][2] == dimensions:
                    continue
                pieces[-1][1] = at
            if is_active:
                pieces.append([at, None, dimensions])
        return pieces

    def solve_of(self, response):
        """The latest solve at or before a response, by its ordinal, or None."""
        passed = [n for n, s in enumerate(self.solves) if self.events[s]["at"] <= response["at"]]
        return passed[-1] if passed else None


def rows_of_ratings(ticket, common, is_loose):
    responses = [e for e in ticket.events if e["type"] == "survey.response" and "score" in e]
    last, last_of_survey = {}, {}
    for i, event in enumerate(responses):
        solve = ticket.solve_of(event) if ticket.exists else None
        survey = (solve, event.get("instrument"), event.get("rater_relation") == "reseller")
        last[survey + (event.get("question"),)] = i
        last_of_survey[survey] = i
    for key, i in sorted(last.items(), key=lambda item: item[1]):
        event, solve = responses[i], key[0]
        at = max(event["at"], ticket.created_at) if ticket.exists else event["at"]
        yield {
            "table": "rating", **common, "at": at,
            "solve_at": None if solve is None else ticket.when[ticket.solves[solve]],
            "instrument": event.get("instrument"), "question": event.get("question"),
            "score": round(event["score"] * 1000), "min": round(event["min"] * 1000),
            "max": round(event["max"] * 1000), "relation": event.get("rater_relation"), "seq": event.get("seq", 0),
            "respondent": event.get("respondent"), "choice": event.get("choice"),
            "respondent_role": event.get("respondent_role"),
            "of_survey": is_loose or last_of_survey[key[:3]] == i, "loose": is_loose,
            "dimensions": own_dimensions(event) if solve is None else ticket.dimensions[ticket.solves[solve]],
        }


def rows(events, teams=None):
    """The fact rows of one subject, in the order of the tables, then of time."""
    ticket = Ticket(events, teams)
    is_loose = all("ticket" not in e for e in events)
    if not ticket.exists:
        common = {"excluded": 0, "created": None, "inferred": False, "ticket": False}
        orphans = 0 if is_loose else len(ticket.events)
        result = []
        if orphans or ticket.conflicts:
            result.append({"table": "ticket", **common, "class": None, "orphans": orphans,
                           "conflicts": ticket.conflicts, "dimensions": {}, "current": {}})
        return result + list(rows_of_ratings(ticket, common, is_loose))

    common = {"excluded": EXCLUDED.get(ticket.excluded, 0), "created": ticket.created_at,
              "inferred": ticket.inferred, "ticket": True}
    result = [{"table": "ticket", **common, "class": ticket.classes[-1], "orphans": 0,
               "conflicts": ticket.conflicts, "dimensions": ticket.dimensions[ticket.maker],
               "current": ticket.dimensions[-1]}]
    response = ticket.first_response()
    if response:
        start, end = response
        result.append({"table": "reply", **common, "start": start, "end": ticket.when[end], "ordinal": 0,
                       "dimensions": ticket.dimensions[end]})
    for ordinal, solve in enumerate(ticket.solves):
        is_last = ticket.is_done and solve == ticket.solves[-1]
        later = [r for r in ticket.reopenings if r > solve]
        row = {"table": "solve", **common, "at": ticket.when[solve], "ordinal": ordinal, "last": is_last,
               "reopened_at": ticket.when[later[0]] if later else None,
               "handoffs": ticket.handoffs() if is_last else None,
               "escalated": ticket.escalated() if is_last else None,
               "dimensions": ticket.dimensions[solve]}
        for status in ("new", "open", "pending", "hold"):
            row[status + "_ms"] = None if ticket.inferred else ticket.time_in(status, solve)
        result.append(row)
    for reopening in ticket.reopenings:
        result.append({"table": "reopen", **common, "at": ticket.when[reopening],
                       "dimensions": ticket.dimensions[reopening]})
    for begin, end, dimensions in ticket.spans():
        result.append({"table": "span", **common, "from": begin, "to": end, "dimensions": dimensions})
    return result + list(rows_of_ratings(ticket, common, is_loose))
