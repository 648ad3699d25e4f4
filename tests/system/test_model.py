"""Random tickets through the whole daemon, against the independent model (tests/model): every metric, as a whole, by
dimensions, in periods, as today's and at instants. The tickets come in any order, some events twice, over several
connections; the collector is stopped and started in between."""
import datetime
import os
import random
import sys

import pytest

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "model", os.pardir))

from collector import Collector  # noqa: E402
from model import generator, metrics  # noqa: E402

N_SUBJECTS, N_SUBJECTS_LONG = 3000, 40000
NEARSHORE = ["MX"]
SITES = {"H1": {"country": "US", "facility_kind": "hospital", "beds": 120, "org": "acme"},
         "H2": {"country": "PH", "facility_kind": "practice", "beds": 10}}  # H3 has no row
PRESENT = generator.START + 400 * metrics.DAY
WINDOW = 15 * 60_000  # of reopen_rate: most of what the generator makes happens within the hour
GROUPS = ["team", "severity", "site", "ward", "channel", "tier", "support_model", "support_region", "facility_kind", "employer"]
STATISTICS = ["avg", "min", "max", "sum", "count", "p50", "p90", "p99.9"]


def instant(ms):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"


def reference_rows(made):
    """What reference.import takes, by the instant from which it holds, and the model's tables of the same."""
    teams = made.teams()
    for team, country in zip(sorted(teams), ["US", "PH", "MX", "US", None]):
        for _, row in teams[team]:
            if country:
                row["team_country"] = country
    by_instant = {}
    for team, versions in teams.items():
        for at, row in versions:
            by_instant.setdefault(at, []).append({"key": team, **row})
    return by_instant, metrics.Reference({"team": teams, "site": {k: [(-2**63, v)] for k, v in SITES.items()}}, NEARSHORE)


class World:
    """A collector that was fed, and the model of the same."""

    def __init__(self, collector, seed, count):
        made = generator.Generator(seed)
        chance = random.Random(seed)
        by_instant, reference = reference_rows(made)
        subjects = [made.subject(number) for number in range(count)]
        self.collector = collector
        self.model = metrics.World(subjects, reference)
        events = [event for subject in subjects for event in subject]
        chance.shuffle(events)
        events += chance.sample(events, len(events) // 10)
        half = len(events) // 2
        keys = collector.grant("desk", types=["ticket.*", "sla.*", "contact.*", "survey.*"])
        self.send(keys, events[:half])
        # reference rows that the fold reads come between: what was folded is folded anew
        for at, rows in by_instant.items():
            valid_from = {} if at == -2**63 else {"valid_from": at}
            collector.call("reference.import", table="team", rows=rows, **valid_from)
        collector.call("reference.import", table="site", rows=[{"key": key, **row} for key, row in SITES.items()])
        collector.restart()
        self.send(keys, events[half:])

    def send(self, keys, events):
        with self.collector.connect(keys) as client:
            client.hello("desk")
            sums = client.send(events)
            assert sums["rejected"] == []

    def ask(self, metric, statistic=None, by=(), **options):
        """The daemon's rows, by group: (value, n, low, high)."""
        column = f"{metric}.{statistic}" if statistic else metric
        answer = self.collector.query([column], by=list(by), now=instant(PRESENT),
                                      **{name: instant(value) if name in ("since", "until", "at") else value
                                         for name, value in options.items()})
        found = {}
        for row in answer["rows"]:
            found[tuple(row[name] for name in by)] = (row[column], row.get(f"{column}.n"), row.get(f"{column}.low"),
                                                      row.get(f"{column}.high"))
        return found, answer["meta"]


def value_of(figure, metric, statistic):
    values = {"avg": lambda: figure.value, "sum": lambda: figure.sum if figure.n else None, "count": lambda: figure.n,
              "min": lambda: min(figure.samples, default=None), "max": lambda: max(figure.samples, default=None)}
    value = figure.value if statistic is None else values.get(statistic, lambda: figure.percentile(statistic[1:]))()
    if metric in metrics.DURATIONS and statistic != "count" and value is not None:
        return round(value / 1000, 3)
    return value


def close(found, wanted):
    if found is None or wanted is None:
        return found is wanted
    return abs(found - wanted) <= 6e-7 + 1e-12 * abs(wanted)


def is_half(value):
    """An average in ms whose third decimal in seconds hangs on how a half is rounded."""
    return value is not None and abs(value % 1 - 0.5) < 1e-6


def compare(world, metric, statistic=None, by=(), **options):
    model_options = {**options}
    if "reopen_window" in model_options:
        model_options["reopen_window"] = WINDOW
    figures = world.model.measure(metric, by=by, now=PRESENT, **model_options)
    found, meta = world.ask(metric, statistic, by, **options)
    said = f"{metric} {statistic} by {by} {options}"
    for group in {*figures, *found}:
        figure = figures.get(group)
        if figure is None or (figure.n == 0 and group not in found):
            assert figure is not None or found[group][1] in (0, None), f"{said}: {group} is {found[group]}, not in the model"
            continue
        assert group in found, f"{said}: no row for {group}, n {figure.n}"
        value, n, low, high = found[group]
        wanted = value_of(figure, metric, statistic)
        tolerance = 0.001 if metric in metrics.DURATIONS and statistic == "avg" and is_half(figure.value) else 0
        assert close(value, wanted) or (tolerance and abs(value - wanted) <= tolerance + 1e-9), \
            f"{said}: {group} is {value}, the model's {wanted}"
        if n is not None:
            assert n == figure.n, f"{said}: n of {group} is {n}, the model's {figure.n}"
        if metric in metrics.RATIOS:
            assert close(low, figure.low) and close(high, figure.high), f"{said}: {group} {low} {high}, {figure.low} {figure.high}"
    return meta


@pytest.fixture(scope="module")
def world():
    seed = int(os.environ.get("TENDON_TEST_SEED", "1"))
    count = N_SUBJECTS_LONG if os.environ.get("TENDON_TEST_LONG") == "1" else N_SUBJECTS
    print(f"seed {seed}")
    tenants = [{"name": "riverbend", "zone": "UTC", "nearshore": NEARSHORE, "dimensions": generator.DECLARED}]
    with Collector(tenants=tenants, listen=True) as collector:
        yield World(collector, seed, count)


def more_options(metric):
    if metric in ("backlog", "backlog_age"):
        return {"at": generator.START + 12 * 60_000}
    return {"reopen_window": "15m"} if metric == "reopen_rate" else {}


def statistics(metric):
    return STATISTICS if metric in metrics.DURATIONS else [None]


@pytest.mark.parametrize("metric", metrics.METRICS)
def test_whole(world, metric):
    for statistic in statistics(metric):
        compare(world, metric, statistic, **more_options(metric))


@pytest.mark.parametrize("metric", metrics.METRICS)
def test_by_dimensions(world, metric):
    for name in GROUPS:
        compare(world, metric, statistics(metric)[0], by=[name], **more_options(metric))
    compare(world, metric, statistics(metric)[-1], by=["team", "severity"], **more_options(metric))


@pytest.mark.parametrize("metric", [m for m in metrics.METRICS if not m.startswith("backlog")])
def test_in_periods(world, metric):
    cuts = [generator.START, generator.START + 5 * 60_000, generator.START + 3_600_000, generator.START + 8 * 3_600_000]
    for since, until in zip(cuts, cuts[1:]):
        for anchor in ("created", "completed"):
            if metric in ("csat", "dissatisfaction") and anchor == "created":
                continue  # ratings without a ticket have no creation
            if metric == "tickets_created" and anchor == "completed":
                continue
            compare(world, metric, statistics(metric)[0], since=since, until=until, anchor=anchor, **more_options(metric))


@pytest.mark.parametrize("metric", ["tickets_created", "resolutions", "full_resolution_time", "handoffs"])
def test_by_current_dimensions(world, metric):
    for name in ("team", "severity", "site"):
        compare(world, metric, statistics(metric)[0], by=[name], dims="current")


@pytest.mark.parametrize("metric", ["backlog", "backlog_age"])
def test_at_instants(world, metric):
    for minutes in (0, 1, 5, 61, 300, 100_000):
        for ms in (-1, 0, 1):
            compare(world, metric, statistics(metric)[0], at=generator.START + minutes * 60_000 + ms)
            compare(world, metric, statistics(metric)[0], by=["site"], at=generator.START + minutes * 60_000 + ms)


@pytest.mark.parametrize("question", ["satisfaction", "speed"])
@pytest.mark.parametrize("instrument", ["csat", "nps"])
def test_questions(world, instrument, question):
    for metric in ("csat", "dissatisfaction"):
        compare(world, metric, instrument=instrument)
        compare(world, metric, by=["team"], instrument=instrument, question=question)


def test_counts_of_what_is_odd(world):
    _, meta = world.ask("tickets_created")
    model = world.model
    assert meta["orphans"] == model.orphans()
    assert meta["conflicts"] == model.conflicts()
    assert meta["inferred"] == sum(row["inferred"] and not row["excluded"] for _, row in model.of("ticket"))
    assert meta["excluded"] == model.one("tickets_created").excluded
    assert model.orphans() and model.conflicts() and meta["inferred"] and meta["excluded"]


def test_reindex_changes_nothing(world):
    before = [world.ask(metric, by=["team"], **more_options(metric))[0] for metric in metrics.METRICS]
    world.collector.call("tenant.reindex", tenant="riverbend", timeout=120)
    assert [world.ask(metric, by=["team"], **more_options(metric))[0] for metric in metrics.METRICS] == before
