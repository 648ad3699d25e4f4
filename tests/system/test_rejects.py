"""Every wrong event gets its code, is counted and listed, and is never echoed."""
import glob
import os
import time

import pytest

from events import D0, DAY, created, event, message, solved_ticket, status
from tendon_client import Refused, pack

NOW = int(time.time() * 1000)

# A mark inside each wrong value: it must be found nowhere on disk afterwards.
MARK = "zqxmark"

WRONG = {
    "unknown type": ("unknown_type", event("ticket.exploded", "t", D0)),
    "type of no string": ("wrong_type", event(7, "t", D0)),
    "unknown field": ("unknown_field", created("t", colour="red")),
    "undeclared dimension": ("unknown_field", created("t", ward=f"{MARK}")),
    "field of another type": ("unknown_field", created("t", to="solved")),
    "subject, free text": ("unknown_field", created("t", subject=f"{MARK} the printer of ward 7 is on fire again")),
    "no type": ("missing_field", {"id": "e", "at": D0, "ticket": "t"}),
    "no id": ("missing_field", {"type": "ticket.created", "at": D0, "ticket": "t"}),
    "no at": ("missing_field", {"type": "ticket.created", "id": "e", "ticket": "t"}),
    "no ticket": ("missing_field", {"type": "ticket.created", "id": "e", "at": D0}),
    "no direction": ("missing_field", event("ticket.message", "t", D0)),
    "no status": ("missing_field", event("ticket.status", "t", D0)),
    "no target": ("missing_field", event("ticket.merged", "t", D0)),
    "no reason": ("missing_field", event("ticket.deleted", "t", D0)),
    "at a string": ("wrong_type", created("t", "2024-01-08T10:00:00Z")),
    "at a float": ("wrong_type", created("t", 1704708000000.5)),
    "ticket a number": ("wrong_type", created(12345)),
    "vendor a number": ("wrong_type", created("t", vendor=5)),
    "vendor bytes": ("wrong_type", created("t", vendor=b"acme")),
    "vendor a list": ("wrong_type", created("t", vendor=["acme"])),
    "vendor a map of maps": ("wrong_type", created("t", vendor={"a": {"b": {"c": 1}}})),
    "severity a string": ("wrong_type", created("t", severity="3")),
    "severity a bool": ("wrong_type", created("t", severity=True)),
    "public a number": ("wrong_type", message("t", "out", D0, public=1)),
    "severity 0": ("out_of_range", created("t", severity=0)),
    "severity 5": ("out_of_range", created("t", severity=5)),
    "tier -1": ("out_of_range", created("t", tier=-1)),
    "tier 5": ("out_of_range", created("t", tier=5)),
    "channel of no list": ("unknown_value", created("t", channel="pigeon")),
    "status of no list": ("unknown_value", status("t", "resolved", D0)),
    "direction of no list": ("unknown_value", message("t", "sideways", D0)),
    "by of no list": ("unknown_value", created("t", by="nobody")),
    "1989": ("time_too_old", created("t", 631_151_999_999)),
    "1970": ("time_too_old", created("t", 0)),
    "negative": ("time_too_old", created("t", -1)),
    "two days ahead": ("time_ahead", created("t", NOW + 2 * DAY)),
    "year 60000": ("time_ahead", created("t", 1 << 60)),
    "id of 129 bytes": ("too_long", created("t", D0, event_id="e" * 129)),
    "ticket of 129 bytes": ("too_long", created("t" * 129)),
    "ticket without a byte": ("too_long", created("")),
    "vendor of 65 bytes": ("too_long", created("t", vendor="v" * 65)),
    "vendor without a byte": ("too_long", created("t", vendor="")),
    "a category with five spaces": ("not_a_code", created("t", category=f"{MARK} is not a mere code")),
    "a category with a line break": ("not_a_code", created("t", category=f"{MARK}\nnext")),
    "a category with a control byte": ("not_a_code", created("t", category=f"{MARK}\x07")),
    "e-mail": ("looks_personal", created("t", category=f"{MARK}@hospital.example")),
    "e-mail inside": ("looks_personal", created("t", team=f"to {MARK}@hospital.example now")),
    "SSN": ("looks_personal", created("t", category="078-05-1120")),
    "SSN with spaces": ("looks_personal", created("t", category="078 05 1120")),
    "card": ("looks_personal", created("t", category="4111111111111111")),
    "card with spaces": ("looks_personal", created("t", module="4111 1111 1111 1111")),
    "phone with a plus": ("looks_personal", created("t", category="+14155550123")),
    "phone with separators": ("looks_personal", created("t", category="(415) 555-0123")),
    "URL": ("looks_personal", created("t", category=f"https://{MARK}.example/x")),
    "IP address": ("looks_personal", created("t", site="192.168.17.23")),
    "merged into itself": ("self_merge", event("ticket.merged", "t", D0, into="t")),
    "target_s NaN": ("out_of_range", event("sla.applied", "t", D0, metric="first_response_time", clock="wall",
                                           target_s=float("nan"))),
    "queue_s infinite": ("out_of_range", event("contact.ended", None, D0, outcome="answered", queue_s=float("inf"))),
    "queue_s negative": ("out_of_range", event("contact.ended", None, D0, outcome="answered", queue_s=-1)),
    "sla metric of no list": ("unknown_value", event("sla.applied", "t", D0, metric="hold_time", clock="wall", target_s=60)),
    "survey without a grant": ("not_granted", event("survey.response", "t", D0, instrument="csat", score=4, min=1, max=5)),
    "contact with a bad outcome": ("unknown_value", event("contact.ended", None, D0, outcome="ignored")),
}

SURVEYS = {
    "min above max": ("bad_scale", {"score": 3, "min": 5, "max": 1}),
    "min equal to max": ("bad_scale", {"score": 1, "min": 1, "max": 1}),
    "score below min": ("bad_scale", {"score": 0, "min": 1, "max": 5}),
    "score above max": ("bad_scale", {"score": 6, "min": 1, "max": 5}),
    "score NaN": ("out_of_range", {"score": float("nan"), "min": 1, "max": 5}),
    "score infinite": ("out_of_range", {"score": float("inf"), "min": 1, "max": 5}),
    "score of four decimals": ("out_of_range", {"score": 4.0001, "min": 1, "max": 5}),
    "score a string": ("wrong_type", {"score": "4", "min": 1, "max": 5}),
}


@pytest.fixture(scope="module")
def running(shared_collector):
    return shared_collector


@pytest.fixture(scope="module")
def source(running):
    with running.source("wrong") as client:
        yield client


@pytest.mark.parametrize("name", WRONG)
def test_code(running, source, name):
    code, wrong = WRONG[name]
    before = running.call("source.show", source="wrong")
    fine = solved_ticket(f"fine beside {name}"[:100])
    answer = source.batch([fine[0], wrong, *fine[1:]])
    assert answer["rejected"] == [[1, code]]
    assert answer["accepted"] == 3
    after = running.call("source.show", source="wrong")
    assert after["rejected"] == before["rejected"] + 1 and after["accepted"] == before["accepted"] + 3
    newest = running.call("source.rejects", source="wrong", limit=1)
    assert newest[0]["code"] == code and newest[0]["index"] == 1 and newest[0]["seq"] == source.last_seq


@pytest.mark.parametrize("name", SURVEYS)
def test_survey_code(running, name):
    code, fields = SURVEYS[name]
    with running.source("surveys", name=f"surveys-{name}", types=["survey.*"]) as client:
        answer = client.batch([event("survey.response", "t", D0, instrument="csat", **fields)])
        assert answer["rejected"] == [[0, code]]



def test_invalid_utf8_and_keys_twice(running, source):
    """What no encoder makes: written by hand. An event is refused, not the batch."""
    fine = pack(created("by-hand", vendor="by-hand"))
    bad_utf8 = bytearray(pack(created("u", vendor="ABCD")))
    at = bad_utf8.index(b"ABCD")
    bad_utf8[at:at + 4] = b"\xff\xfe\xed\xa0"
    one = pack(created("twice", vendor="a"))
    twice = bytes([one[0] + 1]) + one[1:] + pack("vendor") + pack("b")
    message_ = b"\x94\x01\xa5BATCH\x09\x82\xa3seq" + pack(source.last_seq + 1) + b"\xa6events\x93" + bad_utf8 + fine + twice
    source.send_raw(message_)
    kind, _, body = source.receive()
    assert kind == "ACK", body
    source.last_seq += 1
    assert body["rejected"] == [[0, "bad_utf8"], [2, "duplicate_field"]] and body["accepted"] == 1
    assert running.value("tickets_created", where="vendor='by-hand'") == 1


def test_stamp(make_collector):
    """A stamped source: an absent vendor is filled in, another is refused, and so is a team of another employer."""
    collector = make_collector(listen=True).start()
    collector.call("reference.import", table="team", rows=[{"key": "ours", "employer": "bpo", "outsourcer": "bpo"},
                                                           {"key": "theirs", "employer": "acme"}])
    with collector.source("stamped", vendor="acme", outsourcer="bpo") as client:
        answer = client.batch([created("s1"), created("s2", vendor="acme"), created("s3", vendor="other"),
                               created("s4", team="ours"), created("s5", team="theirs"), created("s6", team="unknown")])
        assert answer["rejected"] == [[2, "stamp"], [4, "foreign_team"]]
    rows = collector.query("tickets_created", by="vendor")["rows"]
    assert [(row["vendor"], row["tickets_created"]) for row in rows] == [("acme", 4)]


def test_closed_dimension(make_collector):
    collector = make_collector(listen=True, tenants=[{"name": "riverbend", "zone": "UTC", "closed": ["team"]}]).start()
    collector.call("reference.import", table="team", rows=[{"key": "known", "employer": "acme"}])
    with collector.source("closed") as client:
        answer = client.batch([created("c1", team="known"), created("c2", team="unknown"), created("c3")])
        assert answer["rejected"] == [[1, "closed_dimension"]] and answer["accepted"] == 2


CODES = [{"dimension": "category", "value": "orders"}, {"dimension": "category", "value": "access"}, {"dimension": "ward", "value": "icu"}]


def test_every_string_dimension_can_be_closed(make_collector, tmp_path):
    closed = ["vendor", "product", "module", "version", "category", "team", "site", "requester_role", "ward"]
    collector = make_collector(listen=True, tenants=[{"name": "riverbend", "zone": "UTC", "closed": closed, "dimensions": ["bed", "ward"]}]).start()
    assert collector.call("tenant.show", tenant="riverbend")["closed"] == closed
    warned = [line for line in collector.call("status")["warnings"] if "is closed and nothing of it is imported" in line]
    assert len(warned) == len(closed) and any("tendon code import" in line and " ward " in line for line in warned)
    with collector.source("closed") as client:
        events = [{**created(f"n{n}"), name: "unheard-of"} for n, name in enumerate(closed)]
        events = [{key: event[key] for key in event if key not in closed or key == closed[n]} for n, event in enumerate(events)]
        answer = client.batch([*events, {**created("end", bed="7"), "vendor": None}])
        assert answer["rejected"] == [[n, "closed_dimension"] for n in range(len(closed))] and answer["accepted"] == 1
        path = tmp_path / "codes.csv"
        path.write_text("dimension,value\n" + "".join(f"{row['dimension']},{row['value']}\n" for row in CODES), encoding="utf-8")
        assert collector.cli_json("code", "import", str(path)) == {"rows": 3, "imported": 3, "changed": 3, "duplicates": 0, "left_out": []}
        assert collector.cli_json("code", "import", str(path))["changed"] == 0
        answer = client.batch([{**created("c1", category="orders", ward="icu"), "vendor": None}, {**created("c2", category="icu"), "vendor": None},
                               {**created("c3", category="Orders"), "vendor": None}])
        assert answer["rejected"] == [[1, "closed_dimension"], [2, "closed_dimension"]]
        collector.call("code.import", rows=[{"dimension": "category", "value": "Orders"}])
        assert client.batch([{**created("c3", category="Orders"), "vendor": None}])["accepted"] == 1  # what was refused may come again
    assert collector.cli_json("code", "list") == sorted([*CODES, {"dimension": "category", "value": "Orders"}], key=lambda row: (row["dimension"], row["value"]))
    warned = [line for line in collector.call("status")["warnings"] if "is closed and nothing of it is imported" in line]
    assert len(warned) == len(closed) - 2
    acts = collector.call("audit.list", act="code.import")
    assert {act["what"]["rows"] for act in acts} == {1, 3} and "done" in {act["outcome"] for act in acts}
    assert "orders" not in str(acts).lower()
    collector.restart()
    assert len(collector.call("code.list")) == 4
    rows = collector.query("tickets_created", by="category")["rows"]
    assert {row["category"] for row in rows} == {"orders", "Orders", None}


def test_imports_of_values_are_checked(running):
    for rows, code in (([{"dimension": "site", "value": "x"}], "unknown_dimension"), ([{"dimension": "channel", "value": "x"}], "unknown_dimension"),
                       ([{"dimension": "catgory", "value": "x"}], "unknown_dimension"), ([{"dimension": "category"}], "bad_param"),
                       ([{"dimension": "category", "value": 7}], "bad_param"), ([{"dimension": "category", "value": "x", "at": 1}], "bad_param"),
                       ([{"dimension": "category", "value": "a b c d e f"}], "bad_value"), ({}, "bad_param"),
                       ([{"dimension": "category", "value": "fine"}, {"dimension": "category", "value": "x@example.org"}], "bad_value")):
        with pytest.raises(Refused) as caught:
            running.call("code.import", rows=rows)
        assert caught.value.code == code and "example.org" not in str(caught.value)
    assert running.call("code.list") == []  # all or nothing


def test_declared_dimension(make_collector):
    collector = make_collector(listen=True, tenants=[{"name": "riverbend", "zone": "UTC", "dimensions": ["ward"]}]).start()
    with collector.source("declared") as client:
        answer = client.batch([created("d1", ward="icu"), created("d2", bed="7")])
        assert answer["rejected"] == [[1, "unknown_field"]]
    assert collector.query("tickets_created", by="ward")["rows"][0]["ward"] == "icu"


def test_a_full_ticket(running):
    """A ticket takes 4,096 events, and the next is refused; others go on."""
    with running.source("full") as client:
        sums = client.send([status("full", "open" if n % 2 else "new", D0 + n) for n in range(4096)])
        assert sums["accepted"] == 4096
        answer = client.batch([status("full", "open", D0 + 5000), created("another")])
        assert answer["rejected"] == [[0, "ticket_full"]] and answer["accepted"] == 1


def test_listed_by_the_cli(running, source):
    source.batch([created("t", severity=7)])
    listed = running.cli_json("source", "rejects", "wrong")
    rows = listed["rows"] if isinstance(listed, dict) else listed
    assert rows[0]["code"] == "out_of_range"


def test_nothing_is_echoed(running):
    """After all of the above: no wrong value, and no raw id, is in any file of the collector."""
    running.restart()
    found = []
    for path in glob.glob(os.path.join(running.folder, "**"), recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                data = file.read()
            found += [(path, text) for text in (MARK, "078-05-1120", "4111111111111111", "fine beside e-mail") if
                      text.encode() in data]
    assert found == []
