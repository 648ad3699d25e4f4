"""A generated world through the whole daemon, against the independent model (tests/model): every metric of the catalogue,
as a whole, by dimensions, under conditions, in periods, on each clock, with each option.

The events come in any order, some of them twice, from several sources of which some speak of one help desk; in the middle
the reference tables and calendars are imported, which folds anew what was there, the daemon is killed, and at the end all
is folded once more."""
import datetime
import os
import random
import sys

import pytest

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from collector import Collector  # noqa: E402
from model import calendars, events, generator, metrics  # noqa: E402
from model.figures import STATISTICS  # noqa: E402

N_SUBJECTS, N_SUBJECTS_LONG = 3000, 40000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
STEP = 50  # ms between the instants of two subjects: only within one do they tie
SOURCES = {"desk": "desk", "phone": "desk", "other": "other", "quiet": "quiet"}  # and their namespaces
OPTIONS = {"reopen_window": 15 * MINUTE, "within": 12_000}
ASKED = {"reopen_window": "15m", "within": "12s"}
OPTIONS_OF = {"reopen_rate": ["reopen_window"], "one_touch_rate": ["reopen_window"],
              "first_contact_resolution": ["reopen_window"], "service_level": ["within"]}
GROUPS = ["team", "severity", "site", "ward", "channel", "tier", "support_model", "support_region", "facility_kind", "employer",
          "outsourcer", "org", "team_country"]
CONDITIONS = {
    "severity<=2": lambda get: get("severity") is not None and get("severity") <= 2,
    "team is null or team=A": lambda get: get("team") in (None, "A"),
    "not (vendor=acme)": lambda get: get("vendor") not in (None, "acme"),
    "support_model=outsourced": lambda get: get("support_model") == "outsourced",
    "beds>100 and channel in (phone, chat, web)": lambda get: (get("beds") or 0) > 100 and get("channel") in ("phone", "chat", "web"),
}
RATINGS = ["csat", "dissatisfaction", "mean_rating", "nps", "ces"]
SURVEYS = [*RATINGS, "response_rate", "survey_share", "instrument_score"]
SHARES = ["outsourced_share", "offshore_share"]
CONTACTS = ["service_level", "queue_time", "abandonment_rate"]
OF_TICKETS = [m for m in metrics.METRICS if m not in SURVEYS + CONTACTS]
AT_INSTANTS = ["backlog", "backlog_age"]
# what they cannot be asked without
ALWAYS = {"survey_share": {"instrument": "csat", "question": "satisfaction"}, "instrument_score": {"instrument": "csat"}}
IN_PERIODS = [m for m in metrics.METRICS if m not in AT_INSTANTS]
WITH_BUSINESS = sorted(metrics.DURATIONS - {"queue_time", "sla_breach_time"})


def instant(ms):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"


def without_ties_of_ids(subject):
    """The events without those that nothing but an id tells from another: keys decide which of them is first."""
    found = {}
    for event in subject:
        found.setdefault(events.order(event), event)
    return [event for event in subject if found[events.order(event)] is event
            or events.refs(found[events.order(event)]) == events.refs(event)]


def policies_of(document):
    return [{"policy": p["policy"], "metric": p["metric"], "target": f"{round(p['target_s'] * 1000)}ms", "clock": p["clock"],
             **({"calendar": p["calendar"]} if "calendar" in p else {}), **({"where": p["where"]} if p["where"] else {})}
            for p in document["policies"]]


class World:
    """A collector that was fed, and the model of the same."""

    def __init__(self, seed, count):
        self.made = generator.Generator(seed, generator.START)
        self.chance = random.Random(seed)
        world = self.made.world()
        while not world.document["policies"] or not world.document["calendar"]:
            world = self.made.world()
        world.reference.not_level1 = set()
        self.document, self.present = world.document, self.made.start + 400 * DAY
        self.by_source = {source: [] for source in SOURCES}
        subjects, namespaces = [], []
        for number in range(count):
            namespace = self.chance.choices(["desk", "other", "quiet"], [16, 3, 1])[0]
            subject = [{**event, "at": event["at"] + STEP * number} for event in self.made.subject(number)]
            if namespace == "quiet":
                subject = [e for e in subject if e["type"] not in ("ticket.message", "contact.ended")]
            subject = without_ties_of_ids(subject)
            if not subject:
                continue
            subjects.append(subject)
            namespaces.append(namespace)
            for event in subject + self.chance.sample(subject, len(subject) // 3):
                self.by_source[self.chance.choice([s for s, own in SOURCES.items() if own == namespace])].append(event)
        self.newest = max(event["at"] for subject in subjects for event in subject)
        self.model = metrics.World(subjects, world.reference, namespaces)
        self.collector = Collector(listen=True, tenants=[{
            "name": "riverbend", "zone": "UTC", "nearshore": generator.NEARSHORE, "dimensions": generator.DECLARED,
            "calendar": self.document["calendar"], "sla": policies_of(self.document)}])

    def feed(self):
        keys = {source: self.collector.grant(source, types=["ticket.*", "sla.*", "contact.*", "survey.*"], namespace=namespace)
                for source, namespace in SOURCES.items()}
        halves = {}
        for source, own in self.by_source.items():
            self.chance.shuffle(own)
            halves[source] = (own[:len(own) // 2], own[len(own) // 2:])
        self.send(keys, {source: half[0] for source, half in halves.items()})
        self.import_tables(["teams", "calendars"], self.collector.ask().call)
        self.collector.kill()  # while facts are made anew
        self.collector.start()
        self.import_tables(["sites"], self.collector.ask().call)
        self.send(keys, {source: half[1] for source, half in halves.items()})
        self.collector.wait_refolded()

    def send(self, keys, by_source):
        clients = {source: self.collector.connect(keys[source]) for source in by_source}
        for source, client in clients.items():
            client.hello(source)
        left = {source: list(own) for source, own in by_source.items()}
        while any(left.values()):  # in turn, batches of any size
            source = self.chance.choice([s for s, own in left.items() if own])
            n = self.chance.choice([1, 10, 500])
            batch, left[source] = left[source][:n], left[source][n:]
            answer = clients[source].send(batch)
            assert answer["rejected"] == [], answer
        for client in clients.values():
            client.close()

    def import_tables(self, names, call):
        for name in names:
            by_instant = {}
            for key, at, row in self.document[name]:
                by_instant.setdefault(at, []).append((key, row))
            for at, rows in by_instant.items():
                valid_from = {} if at is None else {"valid_from": at}
                if name == "calendars":
                    for key, definition in rows:
                        call("calendar.import", calendar=key, definition=definition, **valid_from)
                else:
                    call("reference.import", table=name.removesuffix("s"),
                         rows=[{"key": key, **row} for key, row in rows], **valid_from)

    def ask(self, columns, by=(), **options):
        for name in ("since", "until", "at", "now"):
            if options.get(name) is not None:
                options[name] = instant(options[name])
        options.setdefault("now", instant(self.present))
        return self.collector.query(columns, by=list(by), **options)


# --- comparing


def close(found, wanted, tolerance=6e-7):
    if found is None or wanted is None:
        return found is wanted
    return abs(found - wanted) <= tolerance + 1e-12 * abs(wanted)


def check_value(said, metric, figure, statistic, value):
    wanted = figure.statistic(statistic)
    if wanted is None or metric not in metrics.DURATIONS or statistic == "count":
        assert close(value, None if wanted is None else float(wanted)), f"{said}: {value}, the model's {wanted}"
        return
    # seconds with three decimals: exactly whole milliseconds, of an average the nearest
    assert value is not None, f"{said}: nothing, the model's {float(wanted)} ms"
    assert abs(round(value * 1000) - wanted) <= 0.5 and close(value * 1000, round(value * 1000), 1e-4), \
        f"{said}: {value} s, the model's {float(wanted)} ms"


def compare_row(said, metric, figure, columns, row):
    for column, statistic in columns.items():
        check_value(f"{said} {column}", metric, figure, statistic, row[column])
        assert row[f"{column}.n"] == figure.n, f"{said}: n of {column} is {row[f'{column}.n']}, the model's {figure.n}"
        for name in ("censored", "unknown", "running", "at_risk", "ballots"):
            if f"{column}.{name}" in row:
                assert row[f"{column}.{name}"] == figure.beside.get(name, 0), f"{said}: {name} {row}, the model's {figure.beside}"
        if metric in metrics.RATIOS:
            assert close(row[f"{column}.low"], figure.low) and close(row[f"{column}.high"], figure.high), \
                f"{said}: {row}, the model's {figure.low} {figure.high}"
    assert row.get("excluded", {}) == figure.excluded, f"{said}: excluded {row.get('excluded')}, the model's {figure.excluded}"


def compare(world, metric, statistics=(None,), by=(), where=None, clock="wall", rule=None, **options):
    """One metric, in several statistics: the daemon's answer against the model's figures. The answer's meta."""
    options = {**ALWAYS.get(metric, {}), **options}
    asked, own = dict(options), dict(options)
    for name in OPTIONS_OF.get(metric, ()):
        asked[name], own[name] = ASKED[name], OPTIONS[name]
    if rule:
        asked["calendar_rule"] = own["rule"] = rule
    condition, where_said = CONDITIONS.get(where), [where] if where else []
    if metric == "survey_share" and "choice" not in by:  # the share of an answer
        where_said.append("choice=yes")
        own["votes_for"] = ["yes"]
    if where_said:
        asked["where"] = " and ".join(f"({w})" for w in where_said)
    if "threshold" in asked:
        asked["threshold"] = str(asked["threshold"])
    now = own.pop("now", world.present)
    asked.pop("now", None)
    figures = world.model.measure(metric, by=by, now=now, clock=clock, where=condition, **own)
    columns = {".".join(filter(None, (metric, clock if clock != "wall" else None, s))): s for s in statistics}
    answer = world.ask(list(columns), by, now=now, **asked)
    found = {tuple(row[name] for name in by): row for row in answer["rows"]}
    said = f"{metric} {clock} by {by} where {where} {options}"
    for group in {*figures, *found}:
        figure, row = figures.get(group), found.get(group)
        if row is None:
            assert not figure.sum and not figure.excluded, f"{said}: no row for {group}, n {figure.n}, {figure.excluded}"
            continue
        assert figure is not None, f"{said}: {group} is {row}, not in the model"
        compare_row(f"{said}: {group}", metric, figure, columns, row)
    if not by:
        assert answer["meta"].get("excluded_by_source", {}) == figures[()].excluded_sources, said
        left_out = {k: v for k, v in answer["meta"].get("left_out", {}).items() if v}
        assert left_out == figures[()].left_out, f"{said}: left out {left_out}, the model's {figures[()].left_out}"
    return answer["meta"]


def statistics_of(metric):
    return STATISTICS if metric in metrics.DURATIONS else (None,)


def needed(metric, made):
    """What the metric cannot be asked without."""
    if metric in AT_INSTANTS:
        return {"at": made.start + 12 * MINUTE}
    return {}


@pytest.fixture(scope="module")
def world():
    seed = int(os.environ.get("TENDON_TEST_SEED", "1"))
    count = N_SUBJECTS_LONG if os.environ.get("TENDON_TEST_LONG") == "1" else N_SUBJECTS
    print(f"seed {seed}")
    made = World(seed, count)
    with made.collector:
        made.feed()
        yield made


# --- every metric


@pytest.mark.parametrize("metric", metrics.METRICS)
def test_whole(world, metric):
    compare(world, metric, statistics_of(metric), **needed(metric, world.made))


@pytest.mark.parametrize("rule", [None, "last"])
@pytest.mark.parametrize("metric", WITH_BUSINESS)
def test_business_clock(world, metric, rule):
    more = needed(metric, world.made)
    compare(world, metric, STATISTICS, clock="business", rule=rule, **more)
    for name in ("team", "site"):
        compare(world, metric, ["avg", "sum"], by=[name], clock="business", rule=rule, **more)


@pytest.mark.parametrize("metric", metrics.METRICS)
def test_by_dimensions(world, metric):
    more = needed(metric, world.made)
    for name in GROUPS:
        compare(world, metric, statistics_of(metric)[:1], by=[name], **more)
    compare(world, metric, statistics_of(metric)[-1:], by=["team", "severity"], **more)


@pytest.mark.parametrize("where", CONDITIONS)
@pytest.mark.parametrize("metric", metrics.METRICS)
def test_conditions(world, metric, where):
    compare(world, metric, statistics_of(metric)[:1], where=where, **needed(metric, world.made))


def cuts(world):
    start = world.made.start
    return [start, start + 5 * MINUTE, start + HOUR, start + 8 * HOUR, start + 30 * HOUR]


@pytest.mark.parametrize("metric", IN_PERIODS)
def test_in_periods(world, metric):
    anchors = ["created", "completed"] if metric in OF_TICKETS else ["completed"]
    for since, until in zip(cuts(world), cuts(world)[1:]):
        for anchor in anchors if metric != "tickets_created" else ["created"]:
            compare(world, metric, statistics_of(metric)[:1], since=since, until=until, anchor=anchor)


def local_days(since, until, every):
    """The dates at which periods begin, and the last one's end."""
    days = [since + datetime.timedelta(days=n) for n in range((until - since).days)]
    begins = {"1d": lambda day: True, "1w": lambda day: day.weekday() == 0, "1mo": lambda day: day.day == 1}[every]
    return [day for day in days if day == since or begins(day)] + [until]


@pytest.mark.parametrize("every, zone, since, until", [
    ("1d", "America/New_York", "2024-01-07", "2024-01-11"), ("1d", "Asia/Kolkata", "2024-01-07", "2024-01-11"),
    ("1w", "America/New_York", "2023-12-28", "2024-02-03"), ("1mo", "Europe/London", "2023-11-11", "2024-02-01")])
@pytest.mark.parametrize("metric", IN_PERIODS)
def test_every(world, metric, every, zone, since, until):
    dates = local_days(datetime.date.fromisoformat(since), datetime.date.fromisoformat(until), every)
    days = [calendars.local_midnight(day, zone) for day in dates]
    statistic = statistics_of(metric)[0]
    column = f"{metric}.{statistic}" if statistic else metric
    always = ALWAYS.get(metric, {})
    options = {**{name: ASKED[name] for name in OPTIONS_OF.get(metric, ())}, **always}
    own = {**{name: OPTIONS[name] for name in OPTIONS_OF.get(metric, ())}, **always}
    if metric == "survey_share":
        options["where"], own["votes_for"] = "choice=yes", ["yes"]
    rows = world.collector.query([column], since=since, until=until, every=every, tz=zone, now=instant(world.present),
                                 **options)["rows"]
    assert len(rows) == len(days) - 1
    for row, begin, end, date, after in zip(rows, days, days[1:], dates, dates[1:]):
        local = datetime.datetime.fromisoformat(row["period"].replace("Z", "+00:00"))
        assert round(local.timestamp() * 1000) == begin
        is_whole = {"1d": True, "1w": date.weekday() == after.weekday() == 0, "1mo": date.day == after.day == 1}[every]
        assert row["partial"] == (not is_whole)
        figure = world.model.one(metric, since=begin, until=end, now=world.present, **own)
        compare_row(f"{metric} in {row['period']}", metric, figure, {column: statistic}, row)


@pytest.mark.parametrize("metric", OF_TICKETS)
def test_by_current_dimensions(world, metric):
    for name in ("team", "severity", "support_model"):
        compare(world, metric, statistics_of(metric)[:1], by=[name], dims="current", **needed(metric, world.made))


# --- what only some have


@pytest.mark.parametrize("name", ["team", "site", "severity", "product"])
def test_backlog_of_periods(world, name):
    """It closes as the next period opens, and what the flows do not explain has moved."""
    for since, until in zip(cuts(world), cuts(world)[1:]):
        rows = {row[name]: row for row in world.ask(["backlog"], [name], since=since, until=until)["rows"]}
        opening, closing = (world.model.measure("backlog", by=[name], now=world.present, at=at - 1) for at in (since, until))
        flows = [world.model.measure(m, by=[name], now=world.present, since=since, until=until)
                 for m in ("tickets_created", "reopens", "resolutions")]
        for group in {*opening, *closing}:
            first, last, created, reopened, solved = (own[group].value if group in own else 0 for own in (opening, closing, *flows))
            row = rows.get(group[0])
            if row is None:
                assert last == 0, f"{since} {group}: no row, the model's {last}"
                continue
            assert (row["backlog"], row["backlog.opening"]) == (last, first), f"{since} {group}: {row}, the model's {last}, {first}"
            assert row["backlog.moved"] == last - (first + created - solved + reopened), f"{since} {group}: {row}"


def test_the_catalogue_is_the_models(world):
    assert {metric["name"] for metric in world.collector.cli_json("metrics")} == set(metrics.METRICS)


@pytest.mark.parametrize("metric", AT_INSTANTS)
def test_at_instants(world, metric):
    for minutes in (0, 1, 5, 61, 300, 100_000):
        for ms in (-1, 0, 1):
            at = world.made.start + minutes * MINUTE + ms
            for by in ([], ["site"], ["support_model"]):
                compare(world, metric, statistics_of(metric)[:1], by=by, at=at)


@pytest.mark.parametrize("metric", ["sla_attainment", "sla_breach_time"])
def test_targets_at_several_presents(world, metric):
    for hours in (0, 1, 9, 26, 200, 3000):
        now = world.newest + hours * HOUR + 1
        compare(world, metric, statistics_of(metric), now=now)
        compare(world, metric, statistics_of(metric)[:1], by=["policy"], now=now)
        compare(world, metric, statistics_of(metric)[:1], by=["severity"], now=now)


@pytest.mark.parametrize("metric", ["reopen_rate", "one_touch_rate", "first_contact_resolution"])
def test_windows_that_run(world, metric):
    for hours in (0, 1, 9, 26):
        compare(world, metric, now=world.made.start + hours * HOUR)


@pytest.mark.parametrize("unit", ["site", "org"])
@pytest.mark.parametrize("metric", SHARES)
def test_shares_of_sites(world, metric, unit):
    for threshold in (0.25, 0.5, 1):
        compare(world, metric, unit=unit, threshold=threshold)
    compare(world, metric, unit=unit, by=["severity"])


@pytest.mark.parametrize("instrument", ["csat", "nps", "ces"])
@pytest.mark.parametrize("question", [None, *generator.QUESTIONS])
def test_instruments_and_questions(world, instrument, question):
    options = {"instrument": instrument, **({"question": question} if question else {})}
    for metric in RATINGS:
        compare(world, metric, **options)
        compare(world, metric, by=["team"], **options)
    if question:
        compare(world, "survey_share", **options)
        compare(world, "survey_share", by=["choice"], **options)
        compare(world, "survey_share", by=["box", "site"], **options)
    else:
        compare(world, "instrument_score", **options)


@pytest.mark.parametrize("unit", ["site", "org", "respondent"])
@pytest.mark.parametrize("metric", [*RATINGS, "survey_share", "instrument_score"])
def test_votes(world, metric, unit):
    if (metric, unit) == ("instrument_score", "site"):
        pytest.skip("a score has organisations or respondents")
    compare(world, metric, unit=unit)
    compare(world, metric, unit=unit, by=["product"])
    start = world.made.start
    compare(world, metric, unit=unit, since=start, until=start + HOUR)
    if metric == "survey_share":
        compare(world, metric, unit=unit, by=["choice"], question="speed", instrument="csat")


def test_counts_of_what_is_odd(world):
    meta = world.ask(["tickets_created"])["meta"]
    model = world.model
    assert meta["orphans"] == model.orphans()
    assert meta["conflicts"] == model.conflicts()
    assert meta["inferred"] == sum(row["inferred"] and not row["excluded"] for _, row in model.of("ticket"))
    assert meta["excluded"] == model.one("tickets_created").excluded
    assert model.orphans() and model.conflicts() and meta["inferred"] and meta["excluded"]


def test_reindex_changes_nothing(world):
    def answers():
        return [world.ask([metric], by=["team", *(["choice"] if metric == "survey_share" else [])], **ALWAYS.get(metric, {}),
                          **needed(metric, world.made))["rows"] for metric in metrics.METRICS]

    before = answers()
    world.collector.call("tenant.reindex", tenant="riverbend", timeout=120)
    assert answers() == before
