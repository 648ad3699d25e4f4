"""The servicenow-api plugin against an instance that behaves as the vendor documents: what happened there is what is stored."""
import json
import os
import signal
import subprocess
import time

import pytest

from collector import Collector, built, wait_for
from fake_collector import FakeCollector, Folder, Host, until
from servicenow_server import CLOSED, HOLD, OPEN, PASSWORD, RESOLVED, SECRET_WORD, SYSTEM, ServiceNow, busy, iso, options, recorded
from test_http import no_proxy  # noqa: F401  (takes effect by being there)

INCIDENTS = "/api/now/table/incident"


@pytest.fixture(name="folder")
def fixture_folder():
    with Folder() as each:
        yield each


@pytest.fixture(name="desk")
def fixture_desk():
    with ServiceNow() as each:
        yield each


def looks(desk):
    """How often it was looked for what is later than all that was read, and nothing was."""
    return sum(asked.path == INCIDENTS and "sys_updated_on>" in asked.query["sysparm_query"][0] for asked in desk.asked)


def read(desk, folder, **more):
    """What a collector is sent until everything was read, once, and looked for again."""
    collector = FakeCollector(folder.address).start()
    with Host(built("servicenow-api.so"), folder.address, options(desk, folder.path, **more)) as host:
        until(lambda: any(event["type"] == "source.watermark" for event in collector.events), what=lambda: str(host.report()))
        n = looks(desk)
        until(lambda: looks(desk) > n, what=lambda: str(host.report()))
        assert host.stop() == 0
        report, said = host.report(), host.said()
    collector.stop()
    assert SECRET_WORD not in said + json.dumps(collector.events)
    return [event for event in collector.events if event["type"] != "source.watermark"], report


def unique(events):
    """Each identity once, with one content."""
    found = {}
    for event in events:
        assert found.setdefault((event["ticket"], event["id"]), event) == event
    return sorted(found.values(), key=lambda event: (event["ticket"], event["at"], event.get("seq", 0), event["id"]))


def told(events, *keys):
    return [(event["type"].replace("ticket.", ""), *(event[key] for key in keys if key in event))
            for event in sorted(events, key=lambda event: (event["at"], event.get("seq", 0)))]


# --- what becomes of what happens --------------------------------------------------------------------------------------


def test_the_life_of_an_incident(desk, folder):
    t0 = int(time.time()) - 90_000
    first, second = desk.group("Service Desk"), desk.group("Interfaces L2")
    ward, clinic = desk.location("Ward 3", "330101"), desk.location("Clinic", "330102")
    incident = desk.create("INC0000007", t0, location=ward, assignment_group=first, priority="2", contact_type="self-service",
                           u_product="emr_inpatient")
    desk.write(incident, t0 + 500, "a.gent")
    desk.update(incident, t0 + 600, "a.gent", state=OPEN)
    desk.write(incident, t0 + 700, "a.gent", "work_notes")
    desk.update(incident, t0 + 800, "a.gent", state=HOLD, hold_reason="1")
    desk.write(incident, t0 + 850, "c.linician")
    desk.update(incident, t0 + 900, "a.gent", state=OPEN, hold_reason="")
    desk.update(incident, t0 + 1000, "a.gent", assignment_group=second)
    desk.update(incident, t0 + 1100, "b.gent", state=HOLD, hold_reason="4")
    desk.update(incident, t0 + 1200, "b.gent", priority="5", location=clinic)
    desk.update(incident, t0 + 1250, "b.gent", assignment_group="", u_product="")
    desk.update(incident, t0 + 1300, "b.gent", state=RESOLVED, hold_reason="")
    desk.update(incident, t0 + 9000, SYSTEM, state=CLOSED)
    events, report = read(desk, folder, fields={"u_product": "product"}, values={"product:emr_inpatient": "emr"},
                          references={"location": "cmn_location.u_code"})
    assert told(events, "to", "direction", "team", "kind", "product", "severity", "site", "channel", "by", "automated") == [
        ("created", "emr", 2, "330101", "portal"), ("assigned", "Service Desk", "route"), ("status", "new"),
        ("message", "out"), ("status", "open"), ("message", "internal"), ("status", "pending"), ("message", "in"), ("status", "open"),
        ("assigned", "Interfaces L2", "reassign"), ("status", "hold"),
        ("updated", 4, "330102"),
        ("updated", None), ("assigned", None, "route"),
        ("status", "solved"), ("status", "closed", True)]
    assert {event["ticket"] for event in events} == {"INC0000007"} and report.get("skipped", 0) == 0
    assert len(unique(events)) == len(events)
    asked = {field for each in desk.asked for field in each.query.get("sysparm_fields", [""])[0].split(",")}
    assert not asked & {"value", "short_description", "description", "comments", "work_notes"}, "texts are not even asked for"


def test_who_opened_it_and_what_states_mean(desk, folder):
    t0 = int(time.time()) - 9000
    desk.create("INC1", t0, opener="a.gent")
    desk.create("INC2", t0 + 1, opener=SYSTEM, contact_type="monitoring")
    desk.create("INC3", t0 + 2, state="-5", contact_type="carrier pigeon")
    desk.create("INC4", t0 + 3, state=HOLD, hold_reason="3")
    desk.create("INC5", t0 + 4, state="12")  # nobody said what that is
    events, report = read(desk, folder, states={"-5": "open", "3/3": "pending"}, messages=False)
    assert told(events, "to", "by", "channel", "automated") == [
        ("created", "agent", "phone"), ("status", "new"), ("created", "machine", "api"), ("status", "new", True),
        ("created",), ("status", "open"), ("created", "phone"), ("status", "pending"), ("created", "phone")]
    assert report["skipped"] == 1 and not any(asked.path.endswith("sys_journal_field") for asked in desk.asked)


def test_what_is_hidden_or_broken(desk, folder):
    t0 = int(time.time()) - 9000
    made = [desk.create(f"INC{n}", t0 + n, assignment_group=desk.group("Desk")) for n in range(40)]
    # A stretch that the user may not see, longer than some pages, a group, a field, and rows that make no sense.
    desk.hidden |= set(made[10:30]) | {desk.tables["incident"][made[5]]["assignment_group"]}
    desk.tables["incident"][made[6]]["number"] = ""
    desk.tables["incident"][made[7]]["opened_at"] = ""
    desk.hidden_fields.add("location")
    events, report = read(desk, folder, per_page=4)
    created = {event["ticket"] for event in events if event["type"] == "ticket.created"}
    assert created == {f"INC{n}" for n in (*range(10), *range(30, 40)) if n not in (6, 7)}
    assert {event["ticket"] for event in events if event["type"] == "ticket.assigned"} == created - {"INC5"}
    assert report["skipped"] == 3, report


def test_an_incident_with_more_history_than_a_batch_holds(desk, folder):
    t0 = int(time.time()) - 900_000
    groups = [desk.group(f"A group with a name of some length {n}"[:40]) for n in range(9)]
    incident = desk.create("INC1", t0, assignment_group=groups[0])
    for n in range(1, 1500):
        desk.update(incident, t0 + n * 60, "a.gent", assignment_group=groups[n % 9], priority=str(n % 4 + 1), state=(OPEN, HOLD)[n % 2],
                    category="c" * (n % 60 + 1))
    events, _ = read(desk, folder)
    assert len(events) == 3 + 3 * 1499 and len(unique(events)) == len(events)


# --- pages, clocks, limits ---------------------------------------------------------------------------------------------


def test_pages_of_every_size_give_the_same(desk, folder):
    busy(desk, 14)
    with desk.lock:  # an update of many at once: more of one second than a page holds
        for row in list(desk.tables["incident"].values())[:9]:
            desk.update(row["sys_id"], int(time.time()) - 5000, SYSTEM, state=CLOSED)
    whole, _ = read(desk, folder, per_page=100)
    assert len(unique(whole)) == len(whole), "nothing comes twice in an undisturbed run"
    for page in (1, 4):
        with Folder() as other:
            events, _ = read(desk, other, per_page=page)
        assert unique(events) == unique(whole) and len(events) == len(whole)


def test_it_goes_on_and_sees_what_is_late(desk, folder):
    now = int(time.time())
    first = desk.create("INC1", now - 300)
    young = desk.create("INC2", now + 3600)  # younger than the lag
    collector = FakeCollector(folder.address).start()
    with Host(built("servicenow-api.so"), folder.address, options(desk, folder.path, lag="20s")):
        def seen():
            return {(e["ticket"], e.get("to")) for e in collector.events if e["type"] == "ticket.status"}
        until(lambda: seen() == {("INC1", "new")})
        desk.create("INC3", now - 25)  # began before INC2 did, and is there after it
        until(lambda: ("INC3", "new") in seen())
        desk.update(first, now - 22, "a.gent", state=RESOLVED)
        until(lambda: ("INC1", "solved") in seen())
        assert not [e for e in collector.events if e.get("ticket") == "INC2"]
        desk.tables["incident"][young]["sys_updated_on"] = desk.tables["incident"][young]["opened_at"] = iso(now - 21)
        until(lambda: ("INC2", "new") in seen())
    collector.stop()
    unique([event for event in collector.events if "ticket" in event])


def test_a_server_in_trouble(desk, folder):
    busy(desk, 30)
    with Folder() as quiet:
        whole, _ = read(desk, quiet)
    calm = None
    first = {"result": [{"sys_id": "0" * 32}], "error": {"message": "Transaction cancelled: maximum execution time exceeded"},
             "status": "failure"}
    desk.trouble = [calm, (429, {"Retry-After": "1"}, {"error": {"message": "Rate limit exceeded"}}), *[calm] * 9,
                    (200, {}, first), *[calm] * 9, (200, {"Content-Type": "text/html"}, b"<html>Your instance is hibernating")]
    desk.gone = 1
    events, _ = read(desk, folder, per_page=10)
    assert unique(events) == unique(whole)


def test_a_session_that_expires_is_begun_again(desk, folder):
    busy(desk, 10)
    collector = FakeCollector(folder.address).start()
    with Host(built("servicenow-api.so"), folder.address, options(desk, folder.path, per_page=2)) as host:
        for _ in range(3):
            n = len(desk.asked)
            until(lambda: len(desk.asked) > n + 2)
            desk.is_expired = True
            until(lambda: not desk.is_expired)
        until(lambda: len({e["ticket"] for e in collector.events if "ticket" in e}) == 10)
        assert host.report().get("state") == "running"
    collector.stop()


def test_a_token_that_expires_is_read_anew(desk, folder):
    busy(desk, 5)
    desk.token = "the first token"
    given = {**options(desk, folder.path), "user": None}
    del given["user"]

    def write(token):
        with open(given["password"], "w", encoding="utf-8") as file:
            file.write(token)

    write(desk.token)
    collector = FakeCollector(folder.address).start()
    with Host(built("servicenow-api.so"), folder.address, given) as host:
        until(lambda: looks(desk) > 1, what=lambda: str(host.report()))
        desk.token = "the second token"
        until(lambda: host.report().get("state") == "retrying", what=lambda: str(host.report()))
        write(desk.token)
        desk.create("INC99", int(time.time()) - 300)
        until(lambda: "INC99" in {event.get("ticket") for event in collector.events}, what=lambda: str(host.report()))
        assert "token" not in host.said()
    collector.stop()


def test_a_user_of_another_time_zone_is_refused(desk, folder):
    """Its queries would miss rows, and nothing would say so."""
    desk.create("INC1", int(time.time()) - 9000)
    desk.zone = -6
    with Host(built("servicenow-api.so"), folder.address, options(desk, folder.path)) as host:
        collector = FakeCollector(folder.address).start()
        until(lambda: host.report().get("state") == "failed_config", what=lambda: str(host.report()))
        assert "time zone is not GMT" in host.report()["message"]
        collector.stop()


@pytest.mark.parametrize("more, state, said", [
    ({"user": "nobody"}, "failed_auth", "401"), ({"since": "the day before"}, "failed_config", "since is neither"),
    ({"table": "Incident;"}, "failed_config", "no name of a table"), ({"table": "incidents"}, "failed_config", "400"),
    ({"filter": "active=true^NQpriority=1"}, "failed_config", "filter"), ({"fields": {"u x": "product"}}, "failed_config", "no field"),
    ({"fields": {"u_a": "site", "u_b": "site"}}, "failed_config", "two fields"),
    ({"references": {"u_a": "x"}}, "failed_config", "fields names no"), ({"references": {"location": "a.b.c"}}, "failed_config", "TABLE"),
    ({"states": {"3": "waiting"}}, "failed_config", "states")])
def test_what_is_wrong_is_said(desk, folder, more, state, said):
    desk.create("INC1", int(time.time()) - 9000)
    with Host(built("servicenow-api.so"), folder.address, options(desk, folder.path, **more)) as host:
        collector = FakeCollector(folder.address).start()
        until(lambda: host.report().get("state") == state, what=lambda: str(host.report()))
        assert said in host.report()["message"] and PASSWORD not in host.report()["message"]
        collector.stop()


def test_only_what_the_filter_lets_through(desk, folder):
    t0 = int(time.time()) - 9000
    for n in range(6):
        desk.create(f"INC{n}", t0 + n, priority=str(n % 2 + 1))
    events, _ = read(desk, folder, filter="priority=1", since=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t0 + 2)))
    assert {event["ticket"] for event in events} == {"INC2", "INC4"}


# --- killed ------------------------------------------------------------------------------------------------------------


def answers(collector):
    asked = ["tickets_created", "resolutions", "reopens", "first_response_time.avg", "full_resolution_time.sum", "handoffs", "hold_time.sum"]
    return [collector.query(asked, by=by, now="2099-01-01T00:00:00Z")["rows"] for by in ([], ["severity"], ["team"], ["site"])]


def test_killed_in_the_middle_the_answers_are_the_same(desk, folder, chance):
    busy(desk, 120)
    n = len(unique(read(desk, folder)[0]))

    def plugin(**more):
        return [{"source": "desk", "plugin": "servicenow-api", "options": options(desk, folder.path, **more)}]

    with Collector(plugins=plugin()) as calm:
        wait_for(lambda: calm.accepted("desk") >= n, 60)
        expected = answers(calm)
    assert expected[0][0]["tickets_created"] == 120 and expected[0][0]["resolutions"] > 50
    with Collector(plugins=plugin(per_page=3)) as collector:
        for what in ("host", "collector", "both", "host"):
            asked = len(desk.asked)
            wait_for(lambda: len(desk.asked) > asked + chance.randrange(2, 8), 60)
            for pid in collector.hosts() if what != "collector" else []:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if what != "host":
                collector.kill()
                collector.start()
        wait_for(lambda: collector.accepted("desk") >= n, 90, lambda: f"{collector.shown('desk')} of {n}\n{collector.log()[-2000:]}")
        assert answers(collector) == expected
        assert collector.shown("desk").get("conflicts", 0) == 0
        assert SECRET_WORD not in collector.log()


def test_a_recording_plays_back(folder):
    given, tape, events = recorded(folder)
    with open(tape, encoding="utf-8") as file:
        assert PASSWORD not in file.read()
    done = subprocess.run([built("tendon"), "plugin", "try", built("servicenow-api.so"), "--options", given, "--replay", tape],
                          capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")})
    assert done.returncode == 0 and done.stdout == events and len(events.splitlines()) > 150, done.stderr
    assert "0 skipped, 0 that would be rejected" in done.stderr
