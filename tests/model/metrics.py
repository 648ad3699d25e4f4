"""Figures over fact rows: the catalogue's metrics, as its definitions are worded.

    world = World(subjects, reference)        # lists of events, one list a subject
    world.measure("first_response_time")      # → {(): Figure}
    world.measure("csat", by=["team"], since=a, until=b)

Instants and durations are in ms. Each family of metrics is a generator of samples (CATALOGUE): a sample belongs to a
row, ended at an instant, has a value, or is left out for a reason, or is counted beside.
"""

from fractions import Fraction

from . import fold, votes
from .calendars import DAY, NEVER, Wall
from .figures import Figure
from .reference import Reference

REOPEN_WINDOW = 14 * DAY
SHORT_MS = 5000  # an abandoned contact that waited less was no wait
REASONS = {number: reason for reason, number in fold.EXCLUDED.items()}
CLASSES = {"requester_wait_time": ("new", "open", "hold"), "support_work_time": ("new", "open"), "hold_time": ("hold",),
           "pending_time": ("pending",)}
OF_TEAM = ("employer", "outsourcer", "team_country", "languages", "tier", "support_model", "support_region")
OF_ROW = ("instrument", "question", "choice", "policy", "respondent_role")  # dimensions that only the row itself has
OF_CYCLE = {"sla_metric": "metric", "sla_clock": "clock"}  # and those that it calls otherwise


class Sample:
    """value None: none, for the reason `left_out`; beside: a name under which it is counted next to the value."""

    def __init__(self, number, row, completed, value=1, at=None, dimensions=None, team_at=None, left_out=None, beside=()):
        self.number, self.row, self.completed, self.value = number, row, completed, value
        self.created = row["created"]
        self.at = completed if at is None else at  # of the reference tables
        self.team_at = team_at
        self.dimensions = row["dimensions"] if dimensions is None else dimensions
        self.left_out, self.beside = left_out, beside


class Options:
    def __init__(self, clock="wall", rule=None, now=NEVER, at=None, since=None, until=None, reopen_window=REOPEN_WINDOW,
                 within=20_000, instrument=None, question=None, unit=None, threshold=Fraction(1, 2), votes_for=None):
        """votes_for: of votes those that say one of these; what a condition on `choice` in --where does."""
        self.clock, self.rule, self.now, self.at, self.since, self.until = clock, rule, now, at, since, until
        self.reopen_window, self.within = reopen_window, within
        self.instrument, self.question, self.unit, self.threshold = instrument, question, unit, Fraction(threshold)
        self.votes_for = votes_for

    def duration(self, number, row, completed, wall, business, last, **more):
        """A sample on the clock asked for."""
        value = wall if self.clock == "wall" else last if self.rule == "last" else business
        return Sample(number, row, completed, value, left_out=None if value is not None else "no_calendar", **more)

    def holds(self, instant):
        return (self.since is None or instant >= self.since) and (self.until is None or instant < self.until)


class World:
    def __init__(self, subjects, reference=None, namespaces=None):
        """namespaces: that of each subject; None: all have one."""
        self.reference = reference or Reference()
        subjects = list(subjects)
        self.namespaces = namespaces or ["desk"] * len(subjects)
        self.rows = [(number, row) for number, events in enumerate(subjects) for row in fold.rows(events, self.reference)]
        self.tables = {}
        for number, row in self.rows:
            self.tables.setdefault(row["table"], []).append((number, row))
        self.current = {number: row["current"] for number, row in self.of("ticket")}
        self.speaking = {self.namespaces[number] for number, row in self.of("ticket") if row["speaks"]} | {
            self.namespaces[number] for number, _ in self.of("contact")}

    def of(self, table):
        return self.tables.get(table, [])

    def orphans(self):
        return sum(row["orphans"] for _, row in self.of("ticket"))

    def conflicts(self):
        return sum(row["conflicts"] for _, row in self.of("ticket"))

    def inferred(self):
        return sum(row["inferred"] for _, row in self.of("ticket"))

    # --- asking

    def look_up(self, sample, dims, now):
        """name → the sample's dimension, or None."""
        def get(name):
            if name == "box":
                return votes.box(sample.row)
            if name in OF_CYCLE and sample.row["table"] == "sla_cycle":
                return sample.row[OF_CYCLE[name]]
            if name in OF_ROW and name in sample.row:
                return sample.row[name]
            if dims == "current" and not (sample.row["table"] == "holding" and name in ("team", *OF_TEAM)):
                return self.reference.value(name, self.current[sample.number], now)
            return self.reference.value(name, sample.dimensions, sample.at, sample.team_at if name in OF_TEAM else None)
        return get

    def measure(self, metric, by=(), where=None, dims=None, anchor=None, **options):
        """Figures by group. since ≤ anchor < until; where(get) with get(name) → value or None."""
        family, kind, default_anchor = CATALOGUE[metric]
        options = Options(**options)
        anchor = anchor or default_anchor
        if options.unit is None:
            options.unit = {"survey_share": "respondent", "instrument_score": "org"}.get(metric, "ticket")
        figures, away, electors = {}, {}, {}
        for sample in family(self, metric, options):
            if anchor != "instant" and not options.holds(getattr(sample, anchor)):
                continue
            get = self.look_up(sample, dims, options.now)
            if where and not where(get):
                continue
            group = tuple(get(name) for name in by)
            figure = figures.setdefault(group, Figure())
            is_none = sample.value is None or sample.left_out
            if sample.row["excluded"] and sample.row["table"] != "contact":
                has_voter = metric not in votes.BY_THRESHOLD or options.unit == "ticket" or get(options.unit) is not None
                if is_none or not has_voter:
                    continue
                away.setdefault(group, {}).setdefault(REASONS[sample.row["excluded"]], set()).add(sample.number)
                continue
            if sample.left_out:
                figure.count(figure.left_out, sample.left_out)
                continue
            for name in sample.beside:
                figure.count(figure.beside, name)
            if is_none:
                continue
            if options.unit != "ticket" or metric in votes.VOTED:
                electors.setdefault(group, []).append((get, sample))
            else:
                figure.samples.append(sample.value)
        for group, reasons in away.items():
            for reason, numbers in reasons.items():
                figures[group].excluded[reason] = len(numbers)
                for number in numbers:
                    source = figures[group].excluded_sources.setdefault(self.namespaces[number], {})
                    figures[group].count(source, reason)
        if not by:
            figures.setdefault((), Figure())
        if options.unit != "ticket" or metric in votes.VOTED:
            votes.finish(self, metric, kind, options, by, figures, electors)
            return figures
        for figure in figures.values():
            figure.finish(kind)
            if metric == "nps" and figure.n:
                figure.value *= 100
        return figures

    def one(self, metric, **options):
        """The one figure of a question without groups."""
        return self.measure(metric, **options)[()]


# --- tickets and their flows


def tickets_created(world, metric, options):
    for number, row in world.of("ticket"):
        if row["ticket"]:
            yield Sample(number, row, row["created"])


def backlog(world, metric, options):
    at = options.at
    for number, row in world.of("span"):
        if not (row["from"] <= at and (row["to"] is None or at < row["to"])):
            continue
        if metric == "backlog":
            yield Sample(number, row, at)
        elif not row["inferred"]:
            clock = world.reference.clock_of_site(row["dimensions"].get("site"))
            passed = clock.elapsed(row["from"], at)
            business = None if None in (passed, row["business"]) else row["business"] + passed
            yield options.duration(number, row, at, at - row["created"], business, clock.last(row["created"], at, at))


def reopens(world, metric, options):
    for number, row in world.of("reopen"):
        yield Sample(number, row, row["at"])


def resolutions(world, metric, options):
    for number, row in world.of("solve"):
        if metric == "resolutions" or row["last"]:
            yield Sample(number, row, row["at"])


# --- durations


def replies(world, metric, options):
    for number, row in world.of("reply"):
        if (row["ordinal"] == 0) == (metric == "first_response_time"):
            yield options.duration(number, row, row["end"], row["end"] - row["start"], row["business"], row["last"])


def acknowledgements(world, metric, options):
    for number, row in world.of("acknowledgement"):
        yield options.duration(number, row, row["at"], row["at"] - row["created"], row["business"], row["last"])


def resolution_times(world, metric, options):
    for number, row in world.of("solve"):
        if not row["inferred"] and (row["ordinal"] == 0 if metric == "first_resolution_time" else row["last"]):
            yield options.duration(number, row, row["at"], row["at"] - row["created"], row["resolution_business"],
                                   row["resolution_last"])


def class_times(world, metric, options):
    for number, row in world.of("solve"):
        if row["last"] and not row["inferred"]:
            times = [fold.added(row[c + suffix] for c in CLASSES[metric]) for suffix in ("_ms", "_business", "_last")]
            yield options.duration(number, row, row["at"], *times)


def handling_times(world, metric, options):
    for number, row in world.of("holding"):
        yield options.duration(number, row, row["solve_at"], row["held_ms"], row["business"], row["last"],
                               team_at=row["held_until"])


# --- shares of solves and of tickets


def reopen_rate(world, metric, options):
    for number, row in world.of("solve"):
        if row["at"] + options.reopen_window > options.now:
            yield Sample(number, row, row["at"], None, beside=["censored"])
        else:
            again = row["reopened_at"]
            yield Sample(number, row, row["at"], int(again is not None and again - row["at"] <= options.reopen_window))


def touched(world, metric, options):
    for number, row in world.of("solve"):
        if not row["last"]:
            continue
        if world.namespaces[number] not in world.speaking:
            yield Sample(number, row, row["at"], None, left_out="silent_source")
        elif metric == "silent_close_rate":
            yield Sample(number, row, row["at"], int(row["touches"] == 0))
        elif row["at"] + options.reopen_window > options.now:
            yield Sample(number, row, row["at"], None, beside=["censored"])
        else:
            stayed = row["reopened_after"] is None or row["reopened_after"] > options.reopen_window
            yield Sample(number, row, row["at"], int(row["touches"] == 1 and stayed))


def first_contacts(world, metric, options):
    for number, row in world.of("solve"):
        if row["ordinal"] or row["first_tier"] not in (None, 1):
            continue
        if row["dimensions"].get("category") in world.reference.not_level1:
            continue
        if row["in_time"] is None:
            if row["dimensions"].get("channel") not in fold.LIVE_CHANNELS and not row["inferred"]:
                yield Sample(number, row, row["at"], None, left_out="no_calendar")
            continue
        if row["at"] + options.reopen_window > options.now:
            yield Sample(number, row, row["at"], None, beside=["censored"])
            continue
        stayed = row["reopened_at"] is None or row["reopened_at"] - row["at"] > options.reopen_window
        yield Sample(number, row, row["at"], int(row["in_time"] and not row["escalated_before"] and stayed))


def of_done_tickets(world, metric, options):
    column = {"handoffs": "handoffs", "escalation_rate": "escalated", "ping_pong_rate": "ping_pong"}[metric]
    for number, row in world.of("solve"):
        if row["last"] and row[column] is not None:
            yield Sample(number, row, row["at"], int(row[column]))


def shares(world, metric, options):
    name, wanted = {"outsourced_share": ("support_model", "outsourced"),
                    "offshore_share": ("support_region", "offshore")}[metric]
    for number, row in world.of("solve"):
        if row["last"]:
            value = world.reference.value(name, row["dimensions"], row["at"])
            yield Sample(number, row, row["at"], None if value is None else int(value == wanted),
                         beside=["unknown"] if value is None else ())


# --- targets


def sla(world, metric, options):
    for number, row in world.of("sla_cycle"):
        now, breach_at = options.now, row["breach_at"]
        if row["outcome"] == "unmeasured" and metric == "sla_attainment":
            yield Sample(number, row, now if row["end"] is None else row["end"], None, left_out="no_calendar")
        if row["outcome"] == "met" and metric == "sla_attainment":
            yield Sample(number, row, row["end"], 1)
        is_breached = row["outcome"] == "breached" or (row["outcome"] == "running" and breach_at is not None and now > breach_at)
        if is_breached and metric == "sla_attainment":
            yield Sample(number, row, breach_at, 0)
        elif is_breached:
            elapsed = row["elapsed_ms"]
            if row["since"] is not None and now > row["since"] and elapsed is not None:
                more = clock_of_cycle(world, row).elapsed(row["since"], now)
                elapsed = None if more is None else elapsed + more
            yield Sample(number, row, breach_at, None if elapsed is None else elapsed - row["target_ms"],
                         left_out="no_calendar" if elapsed is None else None,
                         beside=["running"] if row["end"] is None else ())
        elif row["outcome"] == "running" and metric == "sla_attainment":
            at_risk = row["risk_at"] is not None and now > row["risk_at"]
            yield Sample(number, row, min(now, NEVER - 1), None, beside=["running", "at_risk"] if at_risk else ["running"])


def clock_of_cycle(world, row):
    if row["clock"] == "wall":
        return Wall
    return world.reference.clock_named(row["calendar"]) if row["calendar"] else world.reference.clock_of_site(row["site"])


# --- contacts


def contacts(world, metric, options):
    for number, row in world.of("contact"):
        outcome, queue = row["outcome"], row["queue_ms"]
        if outcome in ("callback", "overflow"):
            if metric != "queue_time":
                yield Sample(number, row, row["at"], None, left_out=outcome)
        elif metric == "queue_time" and outcome != "answered":
            continue
        elif queue is None and not (metric == "abandonment_rate" and outcome == "answered"):
            yield Sample(number, row, row["at"], None, left_out="no_queue")
        elif metric == "queue_time":
            yield Sample(number, row, row["at"], queue)
        elif outcome == "abandoned" and queue < SHORT_MS:
            yield Sample(number, row, row["at"], None, left_out="short")
        elif metric == "abandonment_rate":
            yield Sample(number, row, row["at"], int(outcome == "abandoned"))
        else:
            yield Sample(number, row, row["at"], int(outcome == "answered" and queue <= options.within))


CATALOGUE = {
    "tickets_created": (tickets_created, "count", "created"),
    "tickets_solved": (resolutions, "count", "completed"),
    "resolutions": (resolutions, "count", "completed"),
    "reopens": (reopens, "count", "completed"),
    "backlog": (backlog, "count", "instant"),
    "backlog_age": (backlog, "duration", "instant"),
    "first_response_time": (replies, "duration", "completed"),
    "next_response_time": (replies, "duration", "completed"),
    "time_to_acknowledge": (acknowledgements, "duration", "completed"),
    "first_resolution_time": (resolution_times, "duration", "completed"),
    "full_resolution_time": (resolution_times, "duration", "completed"),
    "requester_wait_time": (class_times, "duration", "completed"),
    "support_work_time": (class_times, "duration", "completed"),
    "hold_time": (class_times, "duration", "completed"),
    "pending_time": (class_times, "duration", "completed"),
    "handling_time": (handling_times, "duration", "completed"),
    "reopen_rate": (reopen_rate, "ratio", "completed"),
    "one_touch_rate": (touched, "ratio", "completed"),
    "silent_close_rate": (touched, "ratio", "completed"),
    "first_contact_resolution": (first_contacts, "ratio", "completed"),
    "escalation_rate": (of_done_tickets, "ratio", "completed"),
    "handoffs": (of_done_tickets, "mean", "completed"),
    "ping_pong_rate": (of_done_tickets, "ratio", "completed"),
    "sla_attainment": (sla, "ratio", "completed"),
    "sla_breach_time": (sla, "duration", "completed"),
    "csat": (votes.ratings, "ratio", "completed"),
    "dissatisfaction": (votes.ratings, "ratio", "completed"),
    "mean_rating": (votes.ratings, "mean", "completed"),
    "response_rate": (votes.sendings, "ratio", "completed"),
    "nps": (votes.ratings, "mean", "completed"),
    "ces": (votes.ratings, "mean", "completed"),
    "survey_share": (votes.answers, "ratio", "completed"),
    "instrument_score": (votes.ballots, "mean", "completed"),
    "outsourced_share": (shares, "ratio", "completed"),
    "offshore_share": (shares, "ratio", "completed"),
    "service_level": (contacts, "ratio", "completed"),
    "queue_time": (contacts, "duration", "completed"),
    "abandonment_rate": (contacts, "ratio", "completed"),
}
DURATIONS = {name for name, (_, kind, _) in CATALOGUE.items() if kind == "duration"}
RATIOS = {name for name, (_, kind, _) in CATALOGUE.items() if kind == "ratio"}
METRICS = sorted(CATALOGUE)
