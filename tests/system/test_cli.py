"""The tool as a script meets it: exit codes, output forms, mistakes."""
import csv
import io
import json

import pytest

from collector import Collector
from events import D0, DAY, HOUR, solved_ticket

FAILED, USAGE, EMPTY, UNREACHABLE = 1, 2, 4, 5


@pytest.fixture(scope="module")
def running():
    """Two vendors: three tickets of acme solved in 1, 2 and 3 hours, one of zenith in 10 minutes."""
    with Collector(listen=True) as collector:
        with collector.source("desk") as source:
            for n in (1, 2, 3):
                source.send(solved_ticket(f"a{n}", D0 + n * HOUR, n * 3600, vendor="acme", severity=n))
            source.send(solved_ticket("z1", D0 + DAY, 600, vendor="zenith", severity=1))
        yield collector


QUERY = ("query", "tickets_solved,full_resolution_time.p50", "--by", "vendor")


def test_json(running):
    answer = running.cli_json(*QUERY)
    assert answer["by"] == ["vendor"] and answer["metrics"] == ["tickets_solved", "full_resolution_time.p50"]
    rows = {row["vendor"]: row for row in answer["rows"]}
    assert rows["acme"]["full_resolution_time.p50"] == 7200 and rows["acme"]["full_resolution_time.p50.n"] == 3
    assert rows["zenith"]["tickets_solved"] == 1
    assert {"as_of", "now"} <= set(answer["meta"])


def test_ndjson(running):
    lines = running.cli(*QUERY, "-o", "ndjson").out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["vendor"] for row in rows if "vendor" in row} == {"acme", "zenith"}


@pytest.mark.parametrize("form, separator", [("csv", ","), ("tsv", "\t")])
def test_separated(running, form, separator):
    rows = list(csv.DictReader(io.StringIO(running.cli(*QUERY, "-o", form).out), delimiter=separator))
    found = {row["vendor"]: row for row in rows}
    assert found["acme"]["full_resolution_time.p50"] == "7200" and found["acme"]["tickets_solved"] == "3"


def test_piped_is_tsv(running):
    assert running.cli(*QUERY).out == running.cli(*QUERY, "-o", "tsv").out


def test_table_reads_as_a_person_reads(running):
    said = running.cli(*QUERY, "-o", "table").out
    assert "2h" in said and "10m" in said and "acme" in said


def test_markdown(running):
    lines = running.cli(*QUERY, "-o", "md").out.splitlines()
    assert lines[0].startswith("|") and set(lines[1]) <= set("|-: ")


def test_where_and_periods(running):
    answer = running.cli_json("query", "tickets_solved", "--where", "vendor=acme and severity>=2", "--since", "2024-01-08",
                              "--until", "2024-01-09")
    assert answer["rows"][0]["tickets_solved"] == 2


@pytest.mark.parametrize("arguments, status, says", [
    (("query", "first_respons_time.p50"), FAILED, "first_response_time"),
    (("query", "tickets_solved", "--by", "vendr"), FAILED, "vendor"),
    (("query", "tickets_solved", "--where", "beds >"), FAILED, "column"),
    (("query", "tickets_solved", "--wher", "x=1"), USAGE, "--where"),
    (("query",), USAGE, ""),
    (("qery", "x"), USAGE, "query"),
    (("query", "tickets_solved", "-o", "xml"), USAGE, "json"),
    (("query", "tickets_solved", "--since", "soon"), FAILED, ""),
    (("query", "tickets_solved", "--tz", "Mars/Base"), FAILED, ""),
    (("query", "tickets_solved.p50"), FAILED, ""),
    (("source", "show", "dek"), FAILED, "desk"),
    (("metrics", "show", "csatt"), FAILED, "csat"),
    (("metrics", "show", "first_response_time.business.p90"), FAILED, "did you mean first_response_time?"),
    (("query", "first_response_time.wall.wall"), FAILED, "names a clock twice"),
    (("query", "survey_share", "--by", "choice", "--unit", "ticket"), FAILED, "it takes site, org, respondent"),
    (("query", "tickets_solved", "--where", "vendor=\udcff"), USAGE, "--where is not valid UTF-8"),
    (("report", "scorecard", "--since", "2099-01-01"), USAGE, "lies ahead"),
])
def test_mistakes(running, arguments, status, says):
    done = running.cli(*arguments, status=None)
    assert done.status == status, done
    assert says in done.err, done
    assert done.out == ""


def test_nothing_found(running):
    where = ("query", "tickets_solved", "--by", "vendor", "--where", "vendor=nobody")
    assert running.cli(*where, status=None).status in (0, 3)
    assert running.cli(*where, "--fail-empty", status=None).status == EMPTY


def test_not_reachable(running, tmp_path):
    done = running.cli("status", environment={"TENDON_CONNECT": f"ipc://{tmp_path}/none.sock"}, status=None)
    assert done.status == UNREACHABLE and "none.sock" in done.err


def test_connect_option_wins(running, tmp_path):
    done = running.cli("--connect", running.control, "status", environment={"TENDON_CONNECT": f"ipc://{tmp_path}/none.sock"})
    assert done.status == 0


def test_every_command_has_help(running):
    listed = running.cli("help").out
    for command in ("query", "metrics", "status", "tenant", "source", "site", "team", "code", "plugin", "key", "calendar", "explain", "report"):
        assert command in listed
    for words in (["query"], ["source", "list"], ["site", "import"], ["key", "grant"]):
        said = running.cli(*words, "--help").out
        assert "-o" in said or "--" in said


def test_metrics_are_those_of_the_catalogue(running):
    listed = {row["name"] for row in running.call("metric.list")}
    assert listed >= {"tickets_created", "tickets_solved", "resolutions", "reopens", "backlog", "backlog_age",
                      "first_response_time", "first_resolution_time", "full_resolution_time", "requester_wait_time",
                      "support_work_time", "hold_time", "pending_time", "handoffs", "escalation_rate", "reopen_rate", "csat",
                      "dissatisfaction", "outsourced_share", "offshore_share"}
    for name in listed:
        assert name in running.cli("metrics", "show", name).out


def test_lists(running):
    assert [row["tenant"] for row in running.cli_json("tenant", "list")] == ["riverbend"]
    assert any(row["source"] == "desk" for row in running.cli_json("source", "list"))
    for words in (["status"], ["plugin", "list"], ["tenant", "show"], ["source", "show", "desk"], ["version"]):
        assert running.cli(*words, status=0)
