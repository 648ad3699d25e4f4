"""The incident log and the answers that an independent program gave for it."""
import csv
import gzip
import json

import pytest

from collector import shared_data

TIMES = ("first_resolution_time", "full_resolution_time", "requester_wait_time", "support_work_time", "hold_time",
         "pending_time")
STATISTICS = ("avg", "min", "max", "p50", "p90", "p99")
BY_SEVERITY = ("first_resolution_time", "full_resolution_time")
COUNTS = ("tickets_created", "tickets_solved", "resolutions", "reopens")
STATE, GROUP = 1, 23  # columns of the log
PRESENT = "2024-01-01T00:00:00Z"


def needed(name):
    path = shared_data(name)
    if path is None:
        pytest.skip(f"the real data is not here: ../shared/data/{name}")
    return path


def expected():
    with open(needed("incidents-reference.json"), encoding="utf-8") as file:
        return json.load(file)


def incident_lines():
    """The header and the rows of the log, as lines with their ends."""
    with gzip.open(needed("incidents.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        lines = file.readlines()
    return lines[0], lines[1:]


def n_events(lines):
    """How many events the plugins make of rows of the log: each tells when its ticket was opened, what the ticket had
    then, its status, and its team where one is known; a row in no known state tells nothing."""
    rows = list(csv.reader(lines))
    return sum(3 + (row[GROUP] != "?") for row in rows if row[STATE] != "-100")


def times(*names):
    return [f"{name}.{statistic}" for name in names for statistic in STATISTICS]


def check_all(query):
    """Every figure of the reference. query(metrics, **options) gives the answer of a query."""
    wanted = expected()
    counts = query([*COUNTS, "handoffs"], now=PRESENT)["rows"]
    assert len(counts) == 1
    for name in COUNTS:
        assert counts[0][name] == wanted["all"][name], name
    solved = wanted["all"]["tickets_solved"]
    assert counts[0]["handoffs.n"] == solved
    assert abs(counts[0]["handoffs"] - wanted["all"]["team_changes"] / solved) < 6e-7
    for name in TIMES:
        check_time(query(times(name), now=PRESENT)["rows"][0], name, wanted["all"][name])

    rows = {str(row["severity"]): row for row in query(times(*BY_SEVERITY), by=["severity"], now=PRESENT)["rows"]}
    for name in BY_SEVERITY:
        assert set(rows) == set(wanted[f"{name} by severity"])
        for severity, figures in wanted[f"{name} by severity"].items():
            check_time(rows[severity], name, figures)

    for day, n in wanted["backlog"].items():
        assert query(["backlog"], at=f"{day}T00:00:00Z", now=PRESENT)["rows"][0]["backlog"] == n, day


def check_time(row, name, figures):
    for statistic in STATISTICS:
        found = row[f"{name}.{statistic}"]
        assert found == figures[statistic], f"{name}.{statistic}: {found} is not {figures[statistic]}"
        assert row[f"{name}.{statistic}.n"] == figures["n"], f"{name}.{statistic}.n"


def all_answers(query):
    """What must be the same whatever happened while loading: every count and time, whole and grouped."""
    names = [*COUNTS, "handoffs", "reopen_rate", "escalation_rate"]
    return [query(asked, now=PRESENT, **options)["rows"] for asked, options in (
        (names, {}), (times(*TIMES[:3]), {}), (times(*TIMES[3:]), {}),
        (names, {"by": ["severity"]}), (times(*BY_SEVERITY), {"by": ["severity"]}),
        ([*COUNTS, "full_resolution_time.sum"], {"by": ["team"]}),
        ([*COUNTS, "backlog"], {"by": ["channel"], "every": "1mo"}))]
