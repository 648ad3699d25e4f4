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


def incident_records():
    with gzip.open(needed("incidents.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def metrics():
    return [f"{name}.{statistic}" for name in TIMES for statistic in STATISTICS]


def check_all(query):
    """Every figure of the reference. query(metrics, **options) gives the answer of a query."""
    wanted = expected()
    whole = query([*COUNTS, "handoffs", *metrics()], now=PRESENT)["rows"]
    assert len(whole) == 1
    for name in COUNTS:
        assert whole[0][name] == wanted["all"][name], name
    solved = wanted["all"]["tickets_solved"]
    assert whole[0]["handoffs.n"] == solved
    assert abs(whole[0]["handoffs"] - wanted["all"]["team_changes"] / solved) < 6e-7
    for name in TIMES:
        check_time(whole[0], name, wanted["all"][name])

    by = [f"{name}.{statistic}" for name in BY_SEVERITY for statistic in STATISTICS]
    rows = {str(row["severity"]): row for row in query(by, by=["severity"], now=PRESENT)["rows"]}
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
    names = [*COUNTS, "handoffs", "reopen_rate", "escalation_rate", *metrics()]
    return [query(names, now=PRESENT)["rows"], query(names, by=["severity"], now=PRESENT)["rows"],
            query([*COUNTS, "full_resolution_time.sum"], by=["team"], now=PRESENT)["rows"],
            query([*COUNTS, "backlog"], every="1mo", by=["channel"], now=PRESENT)["rows"]]
