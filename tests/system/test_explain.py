"""tendon explain: a ticket's timeline, intervals and verdicts, other tools' figures, and the ends of a metric."""
import pytest

from collector import Collector
from events import D0, DAY, created, event, message, solved_ticket, status

MINUTE, HOUR = 60_000, 3_600_000
CALENDAR = ("calendar", "import", "office", "--zone", "UTC", "--hours", "mon-fri 09:00-17:00")


@pytest.fixture(scope="module")
def running():
    """D0 is Monday 8 January 2024."""
    with Collector(tenants=[{"name": "first", "zone": "UTC", "calendar": "office"}], listen=True) as collector:
        collector.cli(*CALENDAR)
        at = D0 + 10 * HOUR
        with collector.source("desk") as source:
            source.send([
                created("T-1", at, vendor="acme", team="A"),
                message("T-1", "in", at + MINUTE),
                message("T-1", "out", at + 30 * MINUTE),
                status("T-1", "open", at + 30 * MINUTE),
                event("ticket.assigned", "T-1", at + HOUR, team="B", kind="escalate"),
                status("T-1", "solved", at + 2 * HOUR),
                # opened by an agent: ours waits for the requester's first message, Zendesk counts from creation
                created("T-2", at, by="agent"),
                message("T-2", "out", at),
                message("T-2", "out", at + 20 * MINUTE),
                message("T-2", "in", at + HOUR),
                message("T-2", "out", at + HOUR + 90_000),
                # merged away
                created("T-3", at), status("T-3", "solved", at + HOUR), event("ticket.merged", "T-3", at + DAY, into="T-1"),
                # never created, not done
                status("T-4", "open", at),
                # one id, two contents
                created("T-5", at), status("T-5", "open", at + HOUR, event_id="same"), status("T-5", "pending", at + HOUR, event_id="same"),
            ])
            for n in range(30):
                source.send(solved_ticket(f"S-{n}", at + DAY, seconds=60 * (n + 1), severity=1 + n % 4))
        with collector.source("other", name="other-desk") as source:
            source.send([created("T-5", at)])
        yield collector


def explain(collector, *arguments):
    return collector.cli_json("explain", *arguments)


def lines(shown, metric, clock="wall"):
    return [line for line in shown["metrics"] if line["metric"] == metric and line["clock"] in (clock, None)]


def one(shown, metric, clock="wall"):
    found = lines(shown, metric, clock)
    assert len(found) == 1, found
    return found[0]


def test_a_timeline_with_the_class_after_each_event(running):
    shown = explain(running, "T-1")
    assert [(line["event"], line["class"]) for line in shown["timeline"]] == [
        ("ticket.created", "new"), ("ticket.message", "new"), ("ticket.message", "new"), ("ticket.status", "open"),
        ("ticket.assigned", "open"), ("ticket.status", "solved")]
    assert shown["timeline"][4]["fields"] == {"team": "B", "kind": "escalate"}
    assert shown["created_at"] == "2024-01-08T10:00:00Z" and shown["namespace"] == "desk"


def test_the_intervals_of_both_clocks(running):
    found = [(line["class"], line["team"], line["wall"], line["business"]) for line in explain(running, "T-1")["intervals"]]
    assert found[:3] == [("new", "A", 1800, 1800), ("open", "A", 1800, 1800), ("open", "B", 3600, 3600)]
    assert found[3][:2] == ("solved", "B") and len(found) == 4


def test_what_counts_and_its_value(running):
    shown = explain(running, "desk/T-1")
    assert one(shown, "first_response_time")["value"] == 1800
    assert one(shown, "first_response_time", "business")["value"] == 1800
    assert one(shown, "full_resolution_time")["value"] == 7200
    assert [line["value"] for line in lines(shown, "handling_time")] == [3600, 3600]
    assert one(shown, "escalation_rate")["value"] in (0, 1)
    assert one(shown, "handoffs")["value"] == 1
    assert one(shown, "reopens")["state"] == "none" and "never reopened" in one(shown, "reopens")["why"]


def test_every_metric_says_something(running):
    names = {metric["name"] for metric in running.cli_json("metrics")}
    for ticket in ("T-1", "T-2", "T-3", "T-4"):
        shown = explain(running, ticket)
        assert {line["metric"] for line in shown["metrics"]} == names
        assert all(line["why"] or line["state"] == "counted" for line in shown["metrics"])


def test_left_out_and_why(running):
    merged = explain(running, "T-3")
    assert merged["excluded"] == "merged"
    assert one(merged, "full_resolution_time")["state"] == "left out" and "merged" in one(merged, "tickets_created")["why"]
    inferred = explain(running, "T-4")
    assert inferred["inferred"] is True
    assert one(inferred, "tickets_created")["state"] == "counted"
    assert one(inferred, "full_resolution_time")["why"] == "the ticket is not done now"


def test_a_present_decides_what_is_censored(running):
    early = explain(running, "T-1", "--now", "2024-01-10")
    assert one(early, "reopen_rate")["state"] == "censored"
    late = explain(running, "T-1", "--now", "2024-02-10")
    assert (one(late, "reopen_rate")["state"], one(late, "reopen_rate")["value"]) == ("counted", 0)


def test_a_conflict_is_shown_and_not_used(running):
    notes = [line for line in explain(running, "desk/T-5")["timeline"] if "note" in line]
    assert len(notes) == 1 and "not used" in notes[0]["note"]


def test_the_figures_of_another_tool(running):
    shown = explain(running, "T-2", "--as", "zendesk")
    figure = {(line["figure"], line["clock"]): line for line in shown["figures"]}
    reply = figure["first reply time", "wall"]
    assert (reply["theirs"], reply["ours"], reply["agrees"]) == (1200, 90, False) and reply["rule"]
    assert figure["one-touch ticket", None]["theirs"] is None  # it is not done
    same = {(line["figure"], line["clock"]): line for line in explain(running, "T-1", "--as", "zendesk")["figures"]}
    assert same["one-touch ticket", None]["theirs"] == 1 and same["one-touch ticket", None]["agrees"]
    assert same["full resolution time", "wall"]["agrees"] and same["first reply time", "business"]["agrees"]
    assert same["group stations", None]["theirs"] == 2 and same["group stations", None]["agrees"]


def test_the_ends_of_a_duration(running):
    shown = explain(running, "--metric", "full_resolution_time", "--where", "severity=1", "--top", "3")
    assert shown["n"] == 8
    ends = [(row["end"], row["rank"], row["value"]) for row in shown["rows"]]
    assert ends == [("highest", 1, 29 * 60), ("highest", 2, 25 * 60), ("highest", 3, 21 * 60),
                    ("lowest", 1, 60), ("lowest", 2, 5 * 60), ("lowest", 3, 9 * 60)]
    ticket = shown["rows"][0]["ticket"]
    again = explain(running, ticket)
    assert again["ticket"] == ticket and one(again, "full_resolution_time")["value"] == 29 * 60


def test_the_ends_of_a_ratio(running):
    rows = explain(running, "--metric", "reopen_rate", "--now", "2024-03-01", "--top", "5")["rows"]
    assert {row["end"] for row in rows} == {"counted against"} and len(rows) == 5


def test_the_ends_of_a_count_are_the_newest(running):
    rows = explain(running, "--metric", "tickets_created", "--top", "3")["rows"]
    assert [(row["end"], row["rank"], row["value"]) for row in rows] == [("newest", n, 1) for n in (1, 2, 3)]
    created = [row["created_at"] for row in rows]
    assert created == sorted(created, reverse=True)


def test_sealed_tickets_are_explained_alike(running):
    before = explain(running, "T-1", "--now", "2024-03-01")
    running.cli("tenant", "reindex", "first")
    running.restart()
    after = explain(running, "T-1", "--now", "2024-03-01")
    before.pop("as_of"), after.pop("as_of")
    assert after == before


def test_an_unknown_value_is_warned_of(running):
    done = running.cli("explain", "--metric", "reopen_rate", "--where", "vendor=acmee", status=3)
    assert "did you mean" in done.err and "acme" in done.err


def test_what_is_no_duration_has_no_clock(running):
    clocks = {line["metric"]: line["clock"] for line in explain(running, "T-1")["metrics"]}
    assert clocks["reopens"] is None and clocks["csat"] is None and clocks["queue_time"] == "wall"


def test_wrong_questions(running):
    assert "NAMESPACE/TICKET" in running.cli("explain", "T-9", status=1).err
    assert "NAMESPACE/TICKET" in running.cli("explain", "T-5", status=1).err  # in two namespaces
    assert "zendesk" in running.cli("explain", "T-1", "--as", "zendsk", status=1).err
    assert "which ticket" in running.cli("explain", status=2).err
    assert "--where" in running.cli("explain", "T-1", "--where", "team=A", status=2).err
    assert "#" in running.cli("explain", "#x", status=1).err
    assert "unknown_ticket" not in running.cli("explain", "#99999999", status=1).err
    assert "T-9" not in running.log()


def test_for_people(running):
    out = running.cli("explain", "T-2", "--as", "zendesk", "-o", "table").out
    assert "first reply time" in out and "20m" in out and "timeline" in out.lower()
