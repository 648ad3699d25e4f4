"""tendon report scorecard: two months of three outsourcers, and what is said of the change."""
import csv
import io
import json

import pytest

from collector import Collector
from events import HOUR, event, solved_ticket

SEPTEMBER, OCTOBER = 1_788_220_800_000, 1_790_812_800_000  # 2026, UTC
NOW = "2026-11-05T12:00:00Z"
COMMON = ["--by", "outsourcer", "--now", NOW]


def month(team, at, n, content, seconds):
    """n tickets of a team, `content` of them with a good rating."""
    for i in range(n):
        ticket = f"{team}-{at}-{i}"
        yield from solved_ticket(ticket, at + i * HOUR, seconds, team=team)
        yield event("survey.response", ticket, at + i * HOUR + seconds * 1000 + 1, instrument="csat",
                    score=5 if i < content else 1, min=1, max=5)


@pytest.fixture(scope="module")
def running():
    with Collector(listen=True) as collector:
        teams = "team,employer,outsourcer,team_country\n" + "".join(f"{name},{name},{name},US\n" for name in "abc")
        collector.cli("team", "import", "-", "--key", "team", stdin=teams)
        source = collector.source("desk", types=["ticket.*", "survey.*"])
        events = [*month("a", SEPTEMBER, 100, 50, 7200), *month("a", OCTOBER, 100, 90, 3600),
                  *month("b", SEPTEMBER, 100, 50, 3600), *month("b", OCTOBER, 100, 55, 3700),
                  *month("c", OCTOBER, 5, 5, 3600)]
        source.send(events)
        source.close()
        yield collector


def lines(collector, *arguments):
    rows = collector.cli_json("report", "scorecard", *COMMON, *arguments)["rows"]
    return {(row["metric"], row["outsourcer"]): row for row in rows}


def test_direction_in_words(running):
    found = lines(running)
    assert found["csat", "a"]["direction"] == "better"
    assert found["dissatisfaction", "a"]["direction"] == "better"
    assert found["csat", "b"]["direction"] == "same within the interval"
    assert found["csat", "c"]["direction"] == "nothing before"
    assert found["full_resolution_time.p50", "a"]["direction"] == "better"
    assert found["full_resolution_time.p50", "a"]["change"] == -0.5
    assert found["full_resolution_time.p50", "b"]["direction"] == "about the same"
    assert found["tickets_solved", "a"]["direction"] == "about the same"
    row = found["csat", "a"]
    assert (row["value"], row["n"], row["before"], row["before_n"]) == (0.9, 100, 0.5, 100)
    assert abs(row["change"] - 0.4) < 1e-12 and row["change_is"] == "difference"
    assert row["before_high"] < row["low"]


def test_the_last_whole_month_without_a_period(running):
    answer = running.cli_json("report", "scorecard", *COMMON)
    assert answer["meta"]["period"] == {"since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
    assert answer["meta_before"]["period"] == {"since": "2026-09-01T00:00:00Z", "until": "2026-10-01T00:00:00Z"}
    assert answer["meta"]["now"] == answer["meta_before"]["now"]


@pytest.mark.parametrize("given, since, before", [
    (["--since", "2026-10-11", "--until", "2026-10-21"], "2026-10-11T00:00:00Z", "2026-10-01T00:00:00Z"),
    (["--since", "30d"], "2026-10-07T00:00:00Z", "2026-09-07T00:00:00Z"),
    (["--since", "2026-10-01T06:00:00Z", "--until", "2026-10-01T12:00:00Z"], "2026-10-01T06:00:00Z", "2026-10-01T00:00:00Z"),
    (["--since", "2026-10-01", "--until", "2026-11-01", "--tz", "America/Chicago"], "2026-10-01T00:00:00-05:00",
     "2026-09-01T00:00:00-05:00"),
])
def test_the_period_before(running, given, since, before):
    answer = running.cli_json("report", "scorecard", *COMMON, *given, status=None)
    assert answer["meta"]["period"]["since"] == since
    assert answer["meta_before"]["period"] == {"since": before, "until": since}


def test_what_agrees_with_the_query(running):
    answer = running.query(["csat"], by=["outsourcer"], since="2026-09-01", until="2026-10-01", now=NOW)
    before = {row["outsourcer"]: row["csat"] for row in answer["rows"]}
    found = lines(running, "--metrics", "csat")
    assert {name: found["csat", name]["before"] for name in "ab"} == {name: before[name] for name in "ab"}


def test_a_group_of_one_period_only(running):
    """Nothing is known of what it took; of what is counted there was none."""
    found = lines(running, "--metrics", "tickets_solved,csat")
    solved, csat = found["tickets_solved", "c"], found["csat", "c"]
    assert (solved["value"], solved["before"], solved["before_n"], solved["direction"]) == (5, 0, 0, "too few to say")
    assert (csat["value"], csat["before"], csat["before_n"], csat["direction"]) == (1, None, 0, "nothing before")


def test_warned_of_a_period_before_everything(running):
    early = running.cli("report", "scorecard", *COMMON, "--since", "2026-09-01", "--until", "2026-09-11", "-o", "csv", status=3)
    assert early.err.startswith("tendon: warning: ")


def test_forms(running):
    table = running.cli("report", "scorecard", *COMMON, "-o", "table").out
    assert "+40.0 points  better" in table and "-50 %  better" in table
    assert "from 2026-09-01 until before 2026-10-01, which has 30 days and not 31" in table
    assert "Not measured sla_attainment" in table
    rows = list(csv.DictReader(io.StringIO(running.cli("report", "scorecard", *COMMON, "-o", "csv").out)))
    assert {"outsourcer", "metric", "value", "n", "before", "change", "direction"} <= set(rows[0])
    assert [row["direction"] for row in rows if row["metric"] == "csat" and row["outsourcer"] == "a"] == ["better"]
    ndjson = running.cli("report", "scorecard", *COMMON, "-o", "ndjson").out.splitlines()
    assert len(ndjson) == len(rows) and json.loads(ndjson[0])["metric"] == rows[0]["metric"]
    assert running.cli("report", "scorecard", *COMMON, "-o", "md").out.startswith("| metric | outsourcer |")


def test_nothing_and_mistakes(running):
    empty = running.cli("report", "scorecard", "--since", "2020-01-01", "--until", "2020-02-01", "-o", "table", status=3)
    assert empty.out.startswith("Nothing found in this period, nor in the one before")
    assert running.cli("report", "scorecard", "--since", "2020-01-01", "--until", "2020-02-01", "--metrics", "csat", "--by",
                       "vendor", "--fail-empty", status=4).out
    refused = running.cli("report", "scorecard", "--until", "2026-01-01", status=2)
    assert "this period has no beginning" in refused.err and "--since 30d" in refused.err
    assert "outsourcer?" in running.cli("report", "scorecard", "--by", "outsorcer", status=1).err
