"""Random subjects with every type of event, from a seed.

Few instants, few values and few ids: what matters is that events share an instant, tie, repeat and contradict each
other far more often than real ones do.
"""

import random

DECLARED = ["ward", "a_batch_of_the_tenant"]
TEAMS = ["A", "B", "D", "F", "M", "a team without a row"]
START = 1_704_700_800_000  # 2024-01-08T08:00:00Z
STATUSES = ["new", "open", "pending", "hold", "solved", "closed"]
DELETIONS = ["spam", "test", "duplicate", "erasure"]
METRICS = ["first_response_time", "next_response_time", "time_to_acknowledge", "first_resolution_time",
           "requester_wait_time", "support_work_time"]
VALUES = {
    "vendor": ["acme", "bpo"], "product": ["EHR", "lab", "Ünïcode"], "module": ["orders"], "version": ["1", "10", "2"],
    "channel": ["phone", "email", "web", "chat", "portal", "remote", "onsite", "api"], "severity": [1, 2, 3, 4],
    "category": ["login", "x" * 31, "x" * 32, "x" * 64], "team": TEAMS, "tier": [0, 1, 2, 3, 4],
    "site": ["H1", "H2", "H3"], "requester_role": ["nurse", "clinician"], "ward": ["w1", "w2"],
    "a_batch_of_the_tenant": ["b1", "b2"],
}
WEIGHTS = {
    "ticket.created": 2, "ticket.updated": 2, "ticket.assigned": 4, "ticket.message": 6, "ticket.status": 9,
    "ticket.merged": 0.3, "ticket.deleted": 0.3, "ticket.restored": 0.4, "sla.applied": 0.4, "sla.cancelled": 0.2,
    "contact.ended": 0.4, "survey.sent": 0.3, "survey.response": 2,
}


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, p):
        return self.random.random() < p

    def teams(self):
        """Reference rows: {team: [(valid_from, {attribute: value}), …]}."""
        tables = {}
        for team in TEAMS[:-1]:
            versions = {}
            for _ in range(self.random.randint(1, 3)):
                row = {"tier": self.pick(0, 1, 2, 3), "employer": self.pick("acme", "bpo", "other")}
                for name in list(row):
                    if self.chance(0.15):
                        del row[name]
                if self.chance(0.4):
                    row["outsourcer"] = "bpo"
                versions[self.pick(None, START, START + self.random.randint(0, 20) * 60_000)] = row
            tables[team] = sorted(((-2**63 if at is None else at, row) for at, row in versions.items()),
                                  key=lambda version: version[0])
        return tables

    def dimensions(self, names, p):
        found = {}
        for name in names:
            if self.chance(p):
                found[name] = None if self.chance(0.15) else self.random.choice(VALUES[name])
        return found

    def fields(self, kind):
        """The fields of an event of a type, beside its dimensions."""
        if kind == "ticket.created":
            return {"by": self.pick("requester", "agent", "machine")} if self.chance(0.4) else {}
        if kind == "ticket.assigned":
            fields = {"team": self.random.choice(TEAMS + [None])} if self.chance(0.9) else {"tier": self.pick(0, 1, 2, 3)}
            return {**fields, **({"kind": self.pick("route", "reassign", "escalate", "return")} if self.chance(0.5) else {})}
        if kind == "ticket.message":
            fields = {"direction": self.pick("in", "out", "out", "internal")}
            if fields["direction"] != "internal" and self.chance(0.4):
                fields["public"] = self.chance(0.7)
            return {**fields, **({"automated": self.chance(0.5)} if self.chance(0.5) else {})}
        if kind == "ticket.status":
            return {"to": self.random.choice(STATUSES + ["open", "solved"]),
                    **({"automated": self.chance(0.7)} if self.chance(0.6) else {})}
        if kind == "ticket.merged":
            return {"into": self.pick("other", "another")}
        if kind == "ticket.deleted":
            return {"reason": self.random.choice(DELETIONS)}
        if kind == "sla.applied":
            return {"metric": self.random.choice(METRICS), "target_s": self.pick(60, 1800, 0.5), "clock": self.pick("wall", "business")}
        if kind == "sla.cancelled":
            return {"metric": self.random.choice(METRICS)}
        if kind == "contact.ended":
            return {"outcome": self.pick("answered", "abandoned"), "queue_s": self.pick(0, 12, 1.25), "wrap_s": 60}
        if kind == "survey.sent":
            return {"instrument": "csat"}
        if kind == "survey.response":
            return self.response()
        return {}

    def response(self):
        fields = {"instrument": self.pick("csat", "csat", "nps")}
        low, high = self.pick((1, 5), (0, 10), (-2, 2.5), (0, 1))
        if self.chance(0.9):
            steps = self.random.randint(0, round((high - low) * 1000))
            score = low + steps // 1000 if self.chance(0.8) else (round(low * 1000) + steps) / 1000
            fields.update(score=score, min=low, max=high)
        if "score" not in fields or self.chance(0.2):
            fields["choice"] = self.pick("yes", "no")
        if self.chance(0.5):
            fields["question"] = self.pick("satisfaction", "speed")
        if self.chance(0.5):
            fields["rater_relation"] = self.pick("self", "reseller", "affiliate")
        if self.chance(0.5):
            fields["respondent"] = self.pick("R1", "R2")
        return fields

    def event(self, kind, instants):
        event = {"type": kind, "at": self.random.choice(instants), **self.fields(kind)}
        if self.chance(0.15):
            event["seq"] = self.pick(0, 1, 2, 2**32 - 1)
        own = self.dimensions(VALUES, 0.02 if self.chance(0.7) else 0.2)
        return {**own, **event}

    def ticket(self, name):
        """The events of one ticket, each identity possibly with several contents."""
        size = self.random.choices([1, 3, 8, 20, 60, 400], [1, 3, 8, 5, 0.3, 0.01])[0]
        count = self.random.randint(1, size)
        spread = self.pick(1, 2, 4, count, 4 * count)
        instants = [START + self.pick(0, 60_000, 3_600_000, 1) * self.random.randint(0, 20) + self.random.randint(0, 2)
                    for _ in range(spread)]
        kinds = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
        if self.chance(0.7):
            kinds[0] = "ticket.created"
        if self.chance(0.04):
            kinds = [k for k in kinds if not k.startswith("ticket.")] or ["survey.response"]
        events = []
        for kind in kinds:
            event = self.event(kind, instants)
            if kind == "ticket.created" and self.chance(0.5):
                event["at"] = min(instants)
            if events and self.chance(0.06):
                event["id"] = self.random.choice(events)["id"]
            elif events and self.chance(0.06):
                event = {**self.random.choice(events), "id": f"{name}-{len(events)}"}
            else:
                event["id"] = f"{name}-{len(events)}"
            event["ticket"] = name
            events.append(event)
        return events

    def loose(self, number):
        """One event without a ticket, possibly with several contents; no two subjects share an instant."""
        name, at = f"l{number}", START + number * 1000
        kind = self.pick("survey.response", "survey.response", "survey.sent", "contact.ended")
        events = []
        for _ in range(self.pick(1, 1, 1, 2, 3)):
            event = self.event(kind, [at, at + 1])
            events.append({**event, "id": name, "site": self.pick("H1", "H2")})
        return events

    def subject(self, number):
        return self.loose(number) if self.chance(0.04) else self.ticket(f"t{number}")

    def deliveries(self, events, count):
        """The same set in other orders, some events twice."""
        for _ in range(count):
            other = events + self.random.sample(events, self.random.randint(0, len(events)))
            self.random.shuffle(other)
            yield other
