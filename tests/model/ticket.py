"""One subject's events in order, and what of the ticket stands after each of them."""

from . import events
from .calendars import FIRST

EXCLUDING = frozenset(("ticket.merged", "ticket.deleted", "ticket.restored"))


class Ticket:
    """Everything about one subject's events that the definitions speak of. Places count the events in order.

    when         instants of the events, those before creation moved to it
    classes      the class after each event
    dimensions   the dimensions after each event
    solves, reopenings    places
    """

    def __init__(self, delivered, reference):
        self.reference = reference
        self.events, self.conflicts = events.unique(delivered)
        self.is_loose = all("ticket" not in e for e in self.events)
        own = [i for i, e in enumerate(self.events) if events.is_of_ticket(e)]
        self.exists = bool(own)
        self.when = [e["at"] for e in self.events]
        self.solves, self.reopenings = [], []
        if not self.exists:
            return
        creations = [i for i in own if self.events[i]["type"] == "ticket.created"]
        self.inferred = not creations
        self.maker = (creations or own)[0]
        self.created_at = self.events[self.maker]["at"]
        self.when = [max(at, self.created_at) for at in self.when]

        self.classes, self.dimensions = [], []
        status, dimensions = "new", {}
        for i, event in enumerate(self.events):
            if events.is_of_ticket(event):
                dimensions = events.changed_by(dimensions, event)
            if event["type"] == "ticket.status":
                was_active, is_active = status in events.ACTIVE, event["to"] in events.ACTIVE
                status = event["to"]
                if was_active and not is_active:
                    self.solves.append(i)
                if is_active and not was_active:
                    self.reopenings.append(i)
            self.classes.append(status)
            self.dimensions.append(dimensions)
        self.is_done = status not in events.ACTIVE

        away = [i for i in own if self.events[i]["type"] in EXCLUDING]
        last = self.events[away[-1]] if away else {"type": None}
        self.excluded = {"ticket.merged": "merged", "ticket.deleted": last.get("reason")}.get(last["type"])
        self.merge = away[-1] if self.excluded == "merged" else None
        self.clock = reference.clock_of_sites(self.sites())

    # --- along time

    def steps(self):
        """(instant, place of its last event): the ticket after all events of an instant."""
        found = {}
        for i, at in enumerate(self.when):
            found[at] = i
        return list(found.items())

    def sites(self):
        """[(from, site)]: which site the ticket has from each instant on; the first holds before it, too."""
        found = []
        for at, place in self.steps():
            site = self.dimensions[place].get("site")
            if not found or site != found[-1][1]:
                found.append((at if found else FIRST, site))
        return found

    def intervals(self, until):
        """(from, to, class, team) of the time from created_at until the event at a place, cut at every instant."""
        since, status, team = self.created_at, "new", None
        for i in range(until + 1):
            if self.when[i] > since:
                yield since, self.when[i], status, team
                since = self.when[i]
            status, team = self.classes[i], self.dimensions[i].get("team")

    def reopening_of(self, solve):
        """The place of the next reopening after a solve, or None."""
        return next((r for r in self.reopenings if r > solve), None)

    def solve_at_or_before(self, event):
        """The latest solve at or before what happened beside the ticket, by place, or None."""
        passed = [s for s in self.solves if self.events[s]["at"] <= event["at"]]
        return passed[-1] if passed else None

    def spans(self):
        """[from, to (None: still open), dimensions] while active and unchanged."""
        pieces = []
        for at, place in self.steps():
            is_active, dimensions = self.classes[place] in events.ACTIVE, self.dimensions[place]
            if pieces and pieces[-1][1] is None:
                if is_active and pieces[-1][2] == dimensions:
                    continue
                pieces[-1][1] = at
            if is_active:
                pieces.append([at, None, dimensions])
        return pieces
