"""The real incident log through the whole daemon: every figure that an independent program gives for it, and with
calendars, a team table and targets that are made up (tests/model/incidents.py) those of the model, to the millisecond."""
import datetime
import json
import os
import sys

import pytest

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import reference
from collector import Collector, wait_for
from model import generator, incidents, metrics, worked
from model.calendars import local_midnight
from model.figures import STATISTICS

LOADING_SECONDS = 120


def servicenow(path, source="desk", **options):
    return {"source": source, "plugin": "servicenow", "options": {"path": path, **options}}


def load(collector, *sources, times=1):
    """Waits until the sources have sent the whole log, so many times in all."""
    wanted = times * reference.n_events(reference.incident_lines()[1])

    def sent():
        return sum(collector.sent(source) for source in sources or ["desk"])

    wait_for(lambda: sent() >= wanted, LOADING_SECONDS, lambda: f"{sent()} of {wanted} events\n{collector.log()[-3000:]}")
    assert sent() == wanted


@pytest.fixture(scope="module")
def loaded():
    path = reference.needed("incidents.csv.gz")
    with Collector(plugins=[servicenow(path)]) as collector:
        load(collector)
        yield collector


def test_every_figure(loaded):
    reference.check_all(loaded.query)


def test_every_figure_by_the_cli(loaded):
    def query(metrics, **options):
        arguments = ["query", ",".join(metrics), "-o", "json"]
        for name, value in options.items():
            arguments += [f"--{name}", ",".join(value) if isinstance(value, list) else value]
        return json.loads(loaded.cli(*arguments).out)

    reference.check_all(query)


def test_worked_figures(loaded):
    """Cases 42 and 50: the balance of April 2016, and the rates."""
    april = {"since": "2016-04-01", "until": "2016-05-01", "now": reference.PRESENT}
    row = loaded.query("tickets_created,resolutions,reopens,backlog,tickets_solved", **april)["rows"][0]
    assert row["tickets_created"] == 7934 and row["resolutions"] == 8315 and row["reopens"] == 95
    assert row["backlog"] == 1195 == 1481 + 7934 - 8315 + 95
    assert row["tickets_solved"] == 8222
    assert loaded.value("backlog", at="2016-05-01T00:00:00Z") == 1196
    row = loaded.query("reopen_rate,handoffs", now=reference.PRESENT)["rows"][0]
    assert row["reopen_rate.n"] == 25250
    assert [round(row[f"reopen_rate{end}"], 6) for end in ("", ".low", ".high")] == [0.01299, 0.011666, 0.014463]
    assert row["handoffs.n"] == 24918 and round(row["handoffs"], 6) == 0.765992


def test_flows_balance_in_every_month(loaded):
    """Opening + created - resolutions + reopens = closing, to the ticket."""
    rows = loaded.query("tickets_created,resolutions,reopens,backlog", every="1mo", since="2016-01-01", until="2017-01-01",
                        now=reference.PRESENT)["rows"]
    assert len(rows) == 12
    opening = 0
    for row in rows:
        assert row["backlog"] == opening + row["tickets_created"] - row["resolutions"] + row["reopens"], row
        opening = row["backlog"]


def test_unreadable_states_are_counted(loaded):
    """The five rows whose state is -100."""
    wait_for(lambda: loaded.plugin_state("desk")["skipped"] == 5, say=lambda: str(loaded.plugin_state("desk")))


def test_restart_answers_the_same(loaded):
    before = reference.all_answers(loaded.query)
    loaded.restart()
    assert reference.all_answers(loaded.query) == before
    loaded.kill()
    loaded.start()
    assert reference.all_answers(loaded.query) == before


def test_reindex_answers_the_same(loaded):
    before = reference.all_answers(loaded.query)
    loaded.call("tenant.reindex", timeout=300)
    assert reference.all_answers(loaded.query) == before


@pytest.mark.rounds
def test_read_again_by_another_source_of_the_namespace(make_collector):
    """The same rows twice, by two sources that speak of one help desk: the same answers."""
    path = reference.needed("incidents.csv.gz")
    collector = make_collector(plugins=[servicenow(path, "desk"), {**servicenow(path, "again"), "namespace": "desk"}]).start()
    load(collector, "desk", "again", times=2)
    reference.check_all(collector.query)


@pytest.mark.rounds
def test_cut_in_ten_in_a_drop_folder(make_collector, tmp_path, chance):
    """Ten files that arrive one after the other, not in order."""
    header, lines = reference.incident_lines()
    folder = tmp_path / "drop"
    folder.mkdir()
    collector = make_collector(plugins=[servicenow(str(folder))]).start()
    cuts = [0, *sorted(chance.sample(range(1, len(lines)), 9)), len(lines)]
    parts = [lines[a:b] for a, b in zip(cuts, cuts[1:])]
    chance.shuffle(parts)
    for number, part in enumerate(parts):
        hidden = folder / f".part-{number}.csv"
        hidden.write_text(header + "".join(part), encoding="utf-8", newline="")
        hidden.rename(folder / f"part-{number}.csv")
    load(collector)
    reference.check_all(collector.query)


# --- the csv plugin, by configuration alone ------------------------------------------------------------------

BY_CONFIGURATION = {
    "rows": "snapshot",
    "columns": {"ticket": "number", "at": "sys_updated_at", "version": "sys_mod_count", "opened": "opened_at",
                "to": "incident_state", "site": "location", "severity": "priority", "channel": "contact_type",
                "category": "category", "team": "assignment_group"},
    "time_format": "%d/%m/%Y %H:%M",
    "missing": "?",
    "values": {"to:New": "new", "to:Active": "open", "to:Awaiting User Info": "pending", "to:Awaiting Vendor": "hold",
               "to:Awaiting Problem": "hold", "to:Awaiting Evidence": "hold", "to:Resolved": "solved", "to:Closed": "closed",
               "severity:1 - Critical": "1", "severity:2 - High": "2", "severity:3 - Moderate": "3", "severity:4 - Low": "4",
               "channel:Phone": "phone", "channel:Email": "email", "channel:*": ""},
}


def by_configuration(path, source="desk"):
    return {"source": source, "plugin": "csv", "options": {"path": str(path), **BY_CONFIGURATION}}


def write_rows(path, header, lines):
    path.write_text(header + "".join(lines), encoding="utf-8", newline="")
    return path


def test_csv_plugin(make_collector):
    collector = make_collector(plugins=[by_configuration(reference.needed("incidents.csv.gz"))]).start()
    load(collector)
    reference.check_all(collector.query)


@pytest.mark.rounds
def test_csv_plugin_on_the_file_sorted_otherwise(make_collector, tmp_path, chance):
    header, lines = reference.incident_lines()
    chance.shuffle(lines)
    collector = make_collector(plugins=[by_configuration(write_rows(tmp_path / "shuffled.csv", header, lines))]).start()
    load(collector)
    reference.check_all(collector.query)


@pytest.mark.rounds
def test_servicenow_on_the_file_turned_round(make_collector, tmp_path):
    header, lines = reference.incident_lines()
    path = write_rows(tmp_path / "backwards.csv", header, lines[::-1])
    collector = make_collector(plugins=[servicenow(str(path))]).start()
    load(collector)
    reference.check_all(collector.query)


def test_a_file_that_grows(make_collector, tmp_path, chance):
    """Appended to in pieces that end in the middle of lines, with restarts in between."""
    header, lines = reference.incident_lines()
    text = (header + "".join(lines)).encode()
    cuts = [0, *sorted(chance.sample(range(1, len(text)), 12)), len(text)]
    path = tmp_path / "growing.csv"
    collector = make_collector(plugins=[servicenow(str(path))]).start()
    for n, (a, b) in enumerate(zip(cuts, cuts[1:])):
        with open(path, "ab") as file:
            file.write(text[a:b])
        if n % 4 == 2:
            collector.restart()
    load(collector)
    reference.check_all(collector.query)


# --- business hours and handlers: the model's figures --------------------------------------------------------

HANDLERS = ["team", "employer", "outsourcer", "support_model", "support_region", "team_country"]
# what the log can feed: it has no messages, contacts or surveys
DURATIONS = ["time_to_acknowledge", "first_resolution_time", "full_resolution_time", "requester_wait_time", "support_work_time",
             "hold_time", "pending_time", "handling_time"]
SHARES = ["reopen_rate", "escalation_rate", "handoffs", "ping_pong_rate", "first_contact_resolution", "outsourced_share",
          "offshore_share", "sla_attainment"]
COUNTS = ["tickets_created", "tickets_solved", "resolutions", "reopens"]


class Measured:
    """The log in a collector with all that it lacks, and the model of the same."""

    def __init__(self, path):
        subjects, _ = incidents.events(path)
        world = generator.World(incidents.world_of(subjects))
        self.model = metrics.World(subjects, world.reference)
        targets = [{**{k: v for k, v in policy.items() if k != "target_s"}, "target": f"{policy['target_s']}s"}
                   for policy in incidents.POLICIES]
        targets = [{k: v for k, v in target.items() if v != {}} for target in targets]  # no conditions: no `where`
        self.events = [event for events in subjects for event in events]
        self.collector = Collector(listen=True, tenants=[{
            "name": "riverbend", "zone": "UTC", "nearshore": incidents.NEARSHORE, "calendar": incidents.DEFAULT_CALENDAR,
            "sla": targets}])
        self.tables = {"team": incidents.team_rows(subjects), "site": incidents.site_rows(subjects)}

    def start(self):
        self.collector.start()
        for name, definition in incidents.CALENDARS.items():
            self.collector.call("calendar.import", calendar=name, definition=definition)
        with self.collector.source("desk") as source:
            assert source.send(self.events)["rejected"] == []
        for table, rows in self.tables.items():
            self.collector.call("reference.import", table=table, rows=rows)

    def compare(self, metric, statistics=(None,), by=(), clock="wall", **options):
        """Every group's figure, to the millisecond."""
        asked = {name: self.instant(value) if name in ("since", "until", "at") else value for name, value in options.items()}
        own = {**options, "rule": options.get("calendar_rule")}
        own.pop("calendar_rule", None)
        now = worked.instant(reference.PRESENT, "UTC")
        figures = self.model.measure(metric, by=by, clock=clock, now=now, **own)
        columns = {".".join(filter(None, (metric, clock if clock != "wall" else None, s))): s for s in statistics}
        rows = self.collector.query(list(columns), by=list(by), now=reference.PRESENT, **asked)["rows"]
        found = {tuple(row[name] for name in by): row for row in rows}
        assert set(found) == {group for group, figure in figures.items() if figure.n or not by or group in found}
        for group, row in found.items():
            for column, statistic in columns.items():
                said = f"{column} by {by} {options}: {group}"
                self.check(said, metric, statistic, figures[group], row, column)

    def check(self, said, metric, statistic, figure, row, column):
        assert row[f"{column}.n"] == figure.n, f"{said}: n {row[f'{column}.n']}, the model's {figure.n}"
        wanted, value = figure.statistic(statistic), row[column]
        if wanted is None or value is None:
            assert value is wanted, f"{said}: {value}, the model's {wanted}"
        elif metric in metrics.DURATIONS and statistic != "count":
            ms = round(value * 1000)
            assert abs(ms - value * 1000) < 1e-3 and abs(ms - wanted) <= 0.5, f"{said}: {value} s, the model's {float(wanted)} ms"
        else:
            assert abs(value - wanted) < 6e-7, f"{said}: {value}, the model's {float(wanted)}"
        if metric in metrics.RATIOS and figure.n:
            assert abs(row[f"{column}.low"] - figure.low) < 6e-7 and abs(row[f"{column}.high"] - figure.high) < 6e-7, said

    @staticmethod
    def instant(ms):
        return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
def measured():
    made = Measured(reference.needed("incidents.csv.gz"))
    with made.collector:
        made.start()
        yield made


@pytest.mark.parametrize("rule", [None, "last"])
@pytest.mark.parametrize("metric", DURATIONS)
def test_business_hours(measured, metric, rule):
    """New York with the federal holidays; half of the sites by a calendar of Berlin with a break at noon."""
    options = {"clock": "business", **({"calendar_rule": rule} if rule else {})}
    measured.compare(metric, STATISTICS, **options)
    measured.compare(metric, ["avg", "sum", "p90"], by=["severity"], **options)
    measured.compare(metric, ["sum"], by=["site"], **options)
    # with the weeks in which both zones put their clocks forward, and the day that half of them keep
    since, until = (local_midnight(datetime.date(2016, month, 1), "UTC") for month in (3, 4))
    measured.compare(metric, ["avg", "sum"], since=since, until=until, **options)


@pytest.mark.parametrize("clock", ["wall", "business"])
def test_handlers(measured, clock):
    for name in HANDLERS:
        measured.compare("handling_time", ["avg", "sum", "p50"], by=[name], clock=clock)
    measured.compare("handling_time", ["sum"], by=["outsourcer", "severity"], clock=clock)
    for metric in ("support_work_time", "full_resolution_time"):
        measured.compare(metric, ["avg", "sum", "p50"], by=["outsourcer"], clock=clock)


def test_handling_sums_to_work(measured):
    for column in ("", ".business"):
        row = measured.collector.query([f"handling_time{column}.sum", f"support_work_time{column}.sum"],
                                       now=reference.PRESENT)["rows"][0]
        assert row[f"handling_time{column}.sum"] == row[f"support_work_time{column}.sum"] > 0


@pytest.mark.parametrize("metric", COUNTS + SHARES)
def test_shares_and_counts(measured, metric):
    measured.compare(metric)
    for name in ("team", "outsourcer", "support_region"):
        measured.compare(metric, by=[name])
    if metric.endswith("_share"):
        for unit in ("site", "org"):
            measured.compare(metric, unit=unit, threshold="0.5")


@pytest.mark.parametrize("metric", ["sla_attainment", "sla_breach_time"])
def test_targets(measured, metric):
    """Those of policies, by severity and channel, on both clocks."""
    statistics = STATISTICS if metric in metrics.DURATIONS else (None,)
    measured.compare(metric, statistics)
    for name in ("policy", "severity", "outsourcer"):
        measured.compare(metric, statistics[:2], by=[name])


@pytest.mark.parametrize("clock", ["wall", "business"])
def test_ages_of_the_backlog(measured, clock):
    for month in (4, 6):
        at = local_midnight(datetime.date(2016, month, 1), "UTC")
        measured.compare("backlog_age", STATISTICS, clock=clock, at=at)
        measured.compare("backlog_age", ["avg"], by=["site"], clock=clock, at=at)
