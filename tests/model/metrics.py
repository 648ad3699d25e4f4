"""Figures over fact rows: the catalogue's metrics, as its definitions are worded.

    world = World(tickets)                    # lists of events, one list a subject
    world.measure("first_response_time")      # → {(): Figure}
    world.measure("csat", by=["team"], since=a, until=b)

Instants and durations are in ms. A figure has n and value (an average for durations) and, where it makes sense,
x, low, high, samples, sum, censored, unknown; excluded is {reason: tickets}. figure.percentile("99.9") is exact.
"""

import bisect
import math
from fractions import Fraction

from . import fold

DAY = 86_400_000
REOPEN_WINDOW = 14 * DAY
Z = 1.959963984540054
REASONS = {number: reason for reason, number in fold.EXCLUDED.items()}
CLASSES = {"requester_wait_time": ("new", "open", "hold"), "support_work_time": ("new", "open"),
           "hold_time": ("hold",), "pending_time": ("pending",)}
COUNTS = {"tickets_created", "tickets_solved", "resolutions", "reopens", "backlog"}
RATIOS = {"reopen_rate", "escalation_rate", "csat", "dissatisfaction", "outsourced_share", "offshore_share"}
DURATIONS = {"first_response_time", "first_resolution_time", "full_resolution_time", "backlog_age", *CLASSES}
METRICS = sorted(COUNTS | RATIOS | DURATIONS | {"handoffs"})


def wilson(x, n):
    if n == 0:
        return None, None
    z2 = Z * Z
    centre = (x + z2 / 2) / (n + z2)
    half = Z / (n + z2) * math.sqrt(x * (n - x) / n + z2 / 4)
    return (0.0 if x == 0 else centre - half), (1.0 if x == n else centre + half)


class Figure:
    def __init__(self):
        self.samples = []
        self.excluded = {}
        self.censored = self.unknown = 0
        self.n = self.value = self.x = self.low = self.high = self.sum = None

    def percentile(self, p):
        """Nearest rank: the value at max(1, ⌈p·n/100⌉)."""
        ranked = sorted(self.samples)
        if not ranked:
            return None
        return ranked[max(1, math.ceil(Fraction(str(p)) * len(ranked) / 100)) - 1]

    def finish(self, metric):
        self.n, self.sum = len(self.samples), sum(self.samples)
        if metric in COUNTS:
            self.value = self.n
        elif self.n:
            self.value = self.sum / self.n
        if metric in RATIOS:
            self.x = self.sum
            self.low, self.high = wilson(self.x, self.n)


class Reference:
    """Sites and teams in versions: {"team": {key: [(valid_from, {attribute: value}), …]}, "site": …}."""

    def __init__(self, tables=None, nearshore=()):
        self.tables = {name: {key: sorted(versions, key=lambda v: v[0]) for key, versions in table.items()}
                       for name, table in (tables or {}).items()}
        self.nearshore = {country.upper() for country in nearshore}

    def find(self, table, key, at):
        versions = self.tables.get(table, {}).get(key, [])
        place = bisect.bisect_right([v[0] for v in versions], at)
        return versions[place - 1][1] if place else None

    def team(self, key, at):
        return self.find("team", key, at)

    def value(self, name, dimensions, at):
        """A dimension, a reference attribute or a derived dimension of a row, None when not known."""
        if name in dimensions:
            return dimensions[name]  # of tier too: the event's wins over the table's
        team = self.find("team", dimensions.get("team"), at)
        site = self.find("site", dimensions.get("site"), at)
        if name == "support_model":
            if team is None:
                return None
            if team.get("outsourcer"):
                return "outsourced"
            return "own" if site and team.get("employer") and team["employer"] == site.get("org") else "direct"
        if name == "support_region":
            here, there = (site or {}).get("country"), (team or {}).get("team_country")
            if not here or not there:
                return None
            if here.upper() == there.upper():
                return "domestic"
            return "nearshore" if there.upper() in self.nearshore else "offshore"
        if name in ("employer", "outsourcer", "team_country", "languages", "tier"):
            return (team or {}).get(name)
        return (site or {}).get(name)


def last_of_respondents(ratings, options):
    """Ratings without a ticket count once for a site, respondent and question: the last in the period. Nobody knows
    of a ballot without a respondent whose it is: each counts."""
    last = {}
    for number, row in ratings:
        if not row["loose"] or row["respondent"] is None:
            yield number, row
        elif not is_outside(row["at"], options):
            key = row["dimensions"].get("site"), row["respondent"], row["question"]
            if key not in last or (row["at"], row["seq"]) > (last[key][1]["at"], last[key][1]["seq"]):
                last[key] = (number, row)
    yield from last.values()


def is_outside(at, options):
    since, until = options["since"], options["until"]
    return (since is not None and at < since) or (until is not None and at >= until)


class Sample:
    def __init__(self, row, subject, value, ended, began, at=None, dimensions=None):
        self.row, self.subject, self.value = row, subject, value
        self.completed, self.created = ended, began
        self.at = ended if at is None else at  # of the reference tables
        self.dimensions = row["dimensions"] if dimensions is None else dimensions


class World:
    def __init__(self, subjects, reference=None):
        self.reference = reference or Reference()
        self.rows = [(number, row) for number, events in enumerate(subjects)
                     for row in fold.rows(events, self.reference.team)]
        self.current = {number: row["current"] for number, row in self.rows if row["table"] == "ticket"}

    def of(self, table):
        return [(number, row) for number, row in self.rows if row["table"] == table]

    def orphans(self):
        return sum(row["orphans"] for _, row in self.of("ticket"))

    def conflicts(self):
        return sum(row["conflicts"] for _, row in self.of("ticket"))

    def inferred(self):
        return sum(row["inferred"] for _, row in self.of("ticket"))

    def samples(self, metric, options):
        """The samples of a metric; a value of None is one that is left out and counted ("censored", "unknown")."""
        now = options["now"]
        if metric == "tickets_created":
            for number, row in self.of("ticket"):
                if row["ticket"]:
                    yield Sample(row, number, 1, row["created"], row["created"])
        elif metric in ("backlog", "backlog_age"):
            at = options["at"]
            for number, row in self.of("span"):
                if row["from"] <= at and (row["to"] is None or at < row["to"]):
                    if metric == "backlog":
                        yield Sample(row, number, 1, at, row["created"])
                    elif not row["inferred"]:
                        yield Sample(row, number, at - row["created"], at, row["created"])
        elif metric == "reopens":
            for number, row in self.of("reopen"):
                yield Sample(row, number, 1, row["at"], row["created"])
        elif metric == "first_response_time":
            for number, row in self.of("reply"):
                yield Sample(row, number, row["end"] - row["start"], row["end"], row["created"])
        elif metric in ("csat", "dissatisfaction"):
            yield from self.ratings(metric, options)
        else:
            for number, row in self.of("solve"):
                value = self.of_solve(metric, row, now, options["reopen_window"])
                if value is not False:
                    yield Sample(row, number, value, row["at"], row["created"])

    def of_solve(self, metric, row, now, window):
        """A solve's value for a metric; False: it gives none; None: left out and counted."""
        if metric == "resolutions":
            return 1
        if metric == "first_resolution_time":
            return False if row["ordinal"] or row["inferred"] else row["at"] - row["created"]
        if metric == "reopen_rate":
            if row["at"] + window > now:
                return None
            return int(row["reopened_at"] is not None and row["reopened_at"] <= row["at"] + window)
        if not row["last"]:
            return False
        if metric == "tickets_solved":
            return 1
        if metric == "full_resolution_time":
            return False if row["inferred"] else row["at"] - row["created"]
        if metric in CLASSES:
            return False if row["inferred"] else sum(row[c + "_ms"] for c in CLASSES[metric])
        if metric == "handoffs":
            return row["handoffs"]
        if metric == "escalation_rate":
            return False if row["escalated"] is None else int(row["escalated"])
        if metric in ("outsourced_share", "offshore_share"):
            name, wanted = {"outsourced_share": ("support_model", "outsourced"),
                            "offshore_share": ("support_region", "offshore")}[metric]
            value = self.reference.value(name, row["dimensions"], row["at"])
            return None if value is None else int(value == wanted)
        raise KeyError(metric)

    def ratings(self, metric, options):
        kept = []
        for number, row in self.of("rating"):
            if row["instrument"] != options["instrument"] or row["relation"] == "reseller":
                continue
            if options["question"] is None and not row["of_survey"]:
                continue
            if options["question"] is not None and row["question"] != options["question"]:
                continue
            kept.append((number, row))
        for number, row in last_of_respondents(kept, options):
            score, width = row["score"] - row["min"], row["max"] - row["min"]
            value = int(4 * score >= 3 * width if metric == "csat" else 4 * score <= width)
            at = row["at"] if row["solve_at"] is None else row["solve_at"]
            yield Sample(row, number, value, row["at"], row["created"], at)

    def measure(self, metric, by=(), where=None, since=None, until=None, now=2**62, at=None, anchor=None,
                reopen_window=REOPEN_WINDOW, instrument="csat", question=None, dims=None):
        """Figures by group. since ≤ anchor < until; where(get) with get(name) → value or None."""
        anchor = anchor or ("created" if metric == "tickets_created" else "completed")
        options = {"now": now, "at": at, "reopen_window": reopen_window, "instrument": instrument,
                   "question": question, "since": since, "until": until}
        figures, away = {}, {}
        for sample in self.samples(metric, options):
            when = getattr(sample, anchor)
            if metric not in ("backlog", "backlog_age") and is_outside(when, options):
                continue
            dimensions = self.current[sample.subject] if dims == "current" else sample.dimensions

            def get(name, dimensions=dimensions, sample=sample):
                return self.reference.value(name, dimensions, now if dims == "current" else sample.at)

            if where and not where(get):
                continue
            group = tuple(get(name) for name in by)
            figure = figures.setdefault(group, Figure())
            if sample.row["excluded"]:
                away.setdefault((group, REASONS[sample.row["excluded"]]), set()).add(sample.subject)
            elif sample.value is None:
                figure.censored += metric == "reopen_rate"
                figure.unknown += metric != "reopen_rate"
            else:
                figure.samples.append(sample.value)
        for (group, reason), subjects in away.items():
            figures[group].excluded[reason] = len(subjects)
        if not by:
            figures.setdefault((), Figure())
        for figure in figures.values():
            figure.finish(metric)
        return figures

    def one(self, metric, **options):
        """The one figure of a question without groups."""
        return self.measure(metric, **options)[()]

    def share_of_sites(self, metric, threshold=0.5, **options):
        """A share with unit site: sites whose own share reaches the threshold, of those with a known one."""
        figure = Figure()
        for group, own in self.measure(metric, by=["site"], **options).items():
            if group[0] is not None and own.n:
                figure.samples.append(int(own.value >= threshold))
        figure.finish(metric)
        return figure
