"""Random worlds and subjects with every type of event, from a seed.

Few instants, few values and few ids: what matters is that events share an instant, tie, repeat and contradict each
other far more often than real ones do. Most worlds begin where clocks change or a holiday is near.
"""

import datetime
import random

from . import calendars
from .calendars import FIRST
from .events import STATUSES
from .reference import Reference

DECLARED = ["ward", "a_batch_of_the_tenant"]
TEAMS = ["A", "B", "D", "F", "M", "a team without a row"]
SITES = ["H1", "H2", "H3", "a site without a row"]
CALENDARS = ["desk", "night", "clinic"]
NEARSHORE = ["MX"]
START = 1_704_700_800_000  # 2024-01-08T08:00:00Z
STARTS = ["2024-01-08T08:00", "2024-01-12T15:00", "2021-12-30T20:00", "2021-07-02T18:00", "2024-03-09T20:00",
          "2024-03-30T20:00", "2024-10-26T20:00", "2024-11-02T22:00", "2024-04-06T10:00", "2024-12-24T09:00",
          "2023-04-27T20:00"]
ZONES = ["America/Chicago", "America/New_York", "Europe/Berlin", "Europe/London", "Australia/Lord_Howe", "America/St_Johns",
         "Asia/Kolkata", "America/Havana", "Africa/Cairo", "UTC"]
HOURS = ["mon-fri 08:00-17:00", "daily 00:00-24:00", "daily 01:00-03:00", "mon-fri 09:00-12:00 13:00-17:30, sat 10:00-14:00",
         "sun 22:00-24:00, mon 00:00-06:00", "fri-mon 07:15-20:45", "mon-fri 08:00-17:00, mon 12:00-18:00", "wed 00:00-24:00"]
HOLIDAYS = ["2024-12-25", "2024-12-24 12:00-24:00", "2024-03-10", "2024-03-31 00:00-04:00", "2024-11-03 01:30-02:00",
            "2024-01-08 10:00-11:00", "2022-01-01", "2024-01-09"]
DELETIONS = ["spam", "test", "duplicate", "erasure"]
METRICS = ["first_response_time", "next_response_time", "time_to_acknowledge", "first_resolution_time",
           "requester_wait_time", "support_work_time"]
SCALES = {"csat": [(1, 5), (0, 10), (-2, 2.5), (0, 1)], "nps": [(0, 10), (0, 10), (1, 10)], "ces": [(1, 7), (1, 7), (0, 7)]}
QUESTIONS = ["satisfaction", "speed"]
VALUES = {
    "vendor": ["acme", "bpo"], "product": ["EHR", "lab", "Ünïcode"], "module": ["orders"], "version": ["1", "10", "2"],
    "channel": ["phone", "email", "web", "chat", "portal", "remote", "onsite", "api"], "severity": [1, 2, 3, 4],
    "category": ["login", "x" * 31, "x" * 32, "x" * 64], "team": TEAMS, "tier": [0, 1, 2, 3, 4], "site": SITES,
    "requester_role": ["nurse", "clinician"], "ward": ["w1", "w2"], "a_batch_of_the_tenant": ["b1", "b2"],
}
NAMES = list(VALUES)
WEIGHTS = {
    "ticket.created": 2, "ticket.updated": 2, "ticket.assigned": 4, "ticket.message": 7, "ticket.status": 9,
    "ticket.merged": 0.3, "ticket.deleted": 0.3, "ticket.restored": 0.4, "sla.applied": 1.6, "sla.cancelled": 0.3,
    "contact.ended": 0.8, "survey.sent": 0.8, "survey.response": 1.6,
}
KINDS, KIND_WEIGHTS = list(WEIGHTS), list(WEIGHTS.values())


def instant(text):
    return int(datetime.datetime.fromisoformat(text + ":00+00:00").timestamp() * 1000)


class World:
    """What a tenant has beside events: `document` as the collector takes it, `reference` as the model does."""

    def __init__(self, document):
        self.document = document

        def versions(rows, make=lambda row: row):
            found = {}
            for key, at, row in rows:
                found.setdefault(key, []).append((FIRST if at is None else at, make(row)))
            return found

        self.reference = Reference(
            {"team": versions(document.get("teams", ())), "site": versions(document.get("sites", ()))}, NEARSHORE,
            versions(document.get("calendars", ()), calendars.Calendar), document.get("calendar"), document.get("policies", ()),
            document.get("not_level1", ()))

    def of_fold(self):
        """The document for fold_cli: every attribute a text."""
        texts = {name: [[key, at, {k: str(v) for k, v in row.items()}] for key, at, row in self.document[name]]
                 for name in ("teams", "sites")}
        policies = [{"name": p["policy"], "metric": p["metric"], "target_ms": round(p["target_s"] * 1000), "clock": p["clock"],
                     "calendar": p.get("calendar", ""), "conditions": p.get("where", {})} for p in self.document["policies"]]
        return {**self.document, **texts, "policies": policies}


class Generator:
    def __init__(self, seed, start=None):
        self.random = random.Random(seed)
        self.start = instant(self.pick(*STARTS)) if start is None else start
        self.unit = 60_000  # ms between the instants of the ticket that is made

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, p):
        return self.random.random() < p

    # --- the world

    def versions(self, key, make):
        instants = {self.pick(None, None, self.start, self.start + self.random.randint(0, 20) * 60_000,
                              self.start + self.random.randint(0, 80) * 3_600_000) for _ in range(self.pick(1, 1, 2, 3))}
        return [[key, at, make()] for at in instants]

    def some(self, attributes, p=0.85):
        return {name: self.random.choice(values) for name, values in attributes.items() if self.chance(p)}

    def team(self):
        row = self.some({"tier": [0, 1, 2, 3], "employer": ["acme", "bpo", "other"], "team_country": ["US", "PH", "MX"]})
        return {**row, **({"outsourcer": "bpo"} if self.chance(0.4) else {})}

    def site(self):
        return self.some({"country": ["US", "PH"], "org": ["acme", "O1", "O2"], "facility_kind": ["hospital", "practice"],
                          "beds": [10, 120], "calendar": CALENDARS + ["unknown"]}, 0.7)

    def calendar(self):
        made = {"zone": self.pick(*ZONES), "hours": self.pick(*HOURS)}
        if self.chance(0.4):
            made["federal"] = True
        if self.chance(0.5):
            made["holidays"] = sorted(self.random.sample(HOLIDAYS, self.random.randint(1, 4)))
        return made

    def policy(self, number):
        made = {"policy": f"policy {number}", "metric": self.pick(*METRICS), "target_s": self.target(),
                "clock": self.pick("wall", "business")}
        if made["clock"] == "business" and self.chance(0.4):
            made["calendar"] = self.pick(*CALENDARS)
        where = {}
        for name in self.random.sample(["vendor", "severity", "team", "product"], self.pick(0, 1, 1, 2)):
            where[name] = sorted({str(self.random.choice(VALUES[name])) for _ in range(self.pick(1, 2))})
        return {**made, "where": where}

    def policies(self, count):
        """Without those to which one before leaves no ticket: the collector does not take them."""
        made, all_taken = [], set()
        for policy in map(self.policy, range(count)):
            if policy["metric"] not in all_taken:
                made.append(policy)
            if not policy["where"]:
                all_taken.add(policy["metric"])
        return made

    def world(self):
        document = {"declared": DECLARED,
                    "teams": [row for key in TEAMS[:-1] for row in self.versions(key, self.team)],
                    "sites": [row for key in SITES[:-1] for row in self.versions(key, self.site)],
                    "calendars": [row for key in CALENDARS for row in self.versions(key, self.calendar)] * (not self.chance(0.05)),
                    "calendar": self.pick("desk", "desk", "night", ""),
                    "policies": self.policies(self.pick(0, 0, 3, 8)),
                    "not_level1": self.pick([], ["login"])}
        return World(document)

    # --- events

    def target(self):
        """Often one that is reached exactly at an event."""
        if self.unit and self.chance(0.6):
            return self.unit * self.random.randint(1, 5) / 1000
        return self.pick(0.5, 60, 120, 1800, 3600, 4 * 3600, 9 * 3600, 5 * 86_400, 300_000_000)

    def instrument(self):
        return self.pick("csat", "csat", "csat", "nps", "ces")

    def fields(self, kind):
        """The fields of an event of a type, beside its dimensions."""
        if kind == "ticket.created":
            return {"by": self.pick("requester", "agent", "machine")} if self.chance(0.4) else {}
        if kind == "ticket.assigned":
            fields = {"team": self.random.choice(TEAMS + [None])} if self.chance(0.9) else {"tier": self.pick(0, 1, 2, 3)}
            return {**fields, **({"kind": self.pick("route", "reassign", "escalate", "return")} if self.chance(0.5) else {})}
        if kind == "ticket.message":
            fields = {"direction": self.pick("in", "in", "out", "out", "internal")}
            if fields["direction"] != "internal" and self.chance(0.3):
                fields["public"] = self.chance(0.7)
            return {**fields, **({"automated": self.chance(0.4)} if self.chance(0.4) else {})}
        if kind == "ticket.status":
            return {"to": self.random.choice(STATUSES + ["open", "solved"]),
                    **({"automated": self.chance(0.7)} if self.chance(0.6) else {})}
        if kind == "ticket.merged":
            return {"into": self.pick("other", "another")}
        if kind == "ticket.deleted":
            return {"reason": self.random.choice(DELETIONS)}
        if kind in ("sla.applied", "sla.cancelled"):
            return self.sla(kind)
        if kind == "contact.ended":
            fields = {"outcome": self.pick("answered", "answered", "abandoned", "overflow", "callback")}
            for name in ("queue_s", "talk_s", "wrap_s"):
                if self.chance(0.8):
                    fields[name] = self.pick(0, 4, 4.999, 5, 12, 20, 20.001, 1.25, 60, 600)
            return fields
        if kind == "survey.sent":
            return {"instrument": self.instrument(), **self.respondent()}
        if kind == "survey.response":
            return self.response()
        return {}

    def sla(self, kind):
        fields = {"metric": self.random.choice(METRICS)}
        if kind == "sla.applied":
            fields.update(target_s=self.target(), clock=self.pick("wall", "business"))
        if self.chance(0.3):
            fields["calendar"] = self.pick(*CALENDARS, "unknown")
        if self.chance(0.5):
            fields["policy"] = self.pick("gold", "silver")
        return fields

    def respondent(self):
        fields = {}
        if self.chance(0.3):
            fields["rater_relation"] = self.pick("self", "reseller", "affiliate")
        if self.chance(0.6):
            fields["respondent"] = self.pick("R1", "R2", "R3")
        if self.chance(0.2):
            fields["respondent_role"] = self.pick("nurse", "chief")
        return fields

    def response(self):
        fields = {"instrument": self.instrument(), **self.respondent()}
        low, high = self.random.choice(SCALES[fields["instrument"]])
        if self.chance(0.9):
            steps = self.random.randint(0, round((high - low) * 1000))
            score = low + steps // 1000 if self.chance(0.8) else (round(low * 1000) + steps) / 1000
            fields.update(score=score, min=low, max=high)
        if "score" not in fields or self.chance(0.3):
            fields["choice"] = self.pick("yes", "no")
        if self.chance(0.5):
            fields["question"] = self.random.choice(QUESTIONS)
        return fields

    def dimensions(self):
        if self.chance(0.6):
            return {}
        names = self.random.sample(NAMES, self.pick(1, 1, 2, 4))
        return {name: None if self.chance(0.15) else self.random.choice(VALUES[name]) for name in names}

    def event(self, kind, instants):
        event = {"type": kind, "at": self.random.choice(instants), **self.fields(kind)}
        if self.chance(0.15):
            event["seq"] = self.pick(0, 1, 2, 2**32 - 1)
        return {**self.dimensions(), **event}

    def instants(self, count):
        self.unit = self.pick(0, 60_000, 60_000, 3_600_000, 1, 21_600_000)
        return [self.start + self.unit * self.random.randint(0, 20) + self.pick(0, 0, 0, 1, 2)
                for _ in range(self.pick(1, 2, 4, count, 4 * count))]

    def ticket(self, name):
        """The events of one ticket, each identity possibly with several contents."""
        size = self.random.choices([1, 5, 14, 22, 40, 300], [0.6, 1.4, 6, 7, 0.6, 0.01])[0]
        count = self.random.randint(1, size)
        instants = self.instants(count)
        kinds = self.random.choices(KINDS, KIND_WEIGHTS, k=count)
        if self.chance(0.7):
            kinds[0] = "ticket.created"
        if self.chance(0.04):
            kinds = [k for k in kinds if not k.startswith("ticket.")] or ["survey.response"]
        events = []
        for place, kind in enumerate(kinds):
            event = self.event(kind, instants)
            if kind == "ticket.created" and self.chance(0.7):
                event["at"] = min(instants)
            event["id"] = f"{name}-{place}"
            if events and self.chance(0.06):
                event["id"] = self.random.choice(events)["id"]
            elif events and self.chance(0.06):
                event = {**self.random.choice(events), "id": f"{name}-{place}"}
            event["ticket"] = name
            events.append(event)
        return events

    def loose(self, number):
        """One event without a ticket, possibly with several contents. Its identity is its own: no two subjects share an
        id."""
        name, at = f"l{number}", self.start + self.random.randint(0, 40) * 600_000
        kind = self.pick("survey.response", "survey.response", "survey.sent", "contact.ended")
        events = []
        for _ in range(self.pick(1, 1, 1, 2, 3)):
            event = self.event(kind, [at, at, at + 1])
            events.append({**event, "id": name, "site": self.pick(*SITES)})
        return events

    def subject(self, number):
        return self.loose(number) if self.chance(0.06) else self.ticket(f"t{number}")

    def deliveries(self, events, count):
        """The same set in other orders, some events twice."""
        for _ in range(count):
            other = events + self.random.sample(events, self.random.randint(0, len(events)))
            self.random.shuffle(other)
            yield other
