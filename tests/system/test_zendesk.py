"""The zendesk plugin against an account that behaves as the vendor documents: what happened there is what is stored."""
import json
import os
import signal
import subprocess
import time

import pytest

from collector import Collector, built, wait_for
from fake_collector import FakeCollector, Folder, Host, until
from test_http import no_proxy  # noqa: F401  (takes effect by being there)
from zendesk_server import SECRET_WORD, SYSTEM, TOKEN, Zendesk, busy, options, recorded

PRODUCT = "360012345678"  # a custom field


@pytest.fixture(name="folder")
def fixture_folder():
    with Folder() as each:
        yield each


@pytest.fixture(name="desk")
def fixture_desk():
    with Zendesk() as each:
        yield each


def read(desk, folder, **more):
    """What a collector is sent until every export was read to its end, and looked at once more."""
    kinds = ["ticket_events", *(["ticket_metric_events"] if more.get("sla", True) else []),
             *(["tickets"] if more.get("deleted") != "ignored" else [])]
    ended = dict(desk.ended)
    collector = FakeCollector(folder.address).start()
    with Host(built("zendesk.so"), folder.address, options(desk, folder.path, **more)) as host:
        until(lambda: all(desk.ended[kind] >= ended.get(kind, 0) + 2 for kind in kinds), what=lambda: str(host.report()))
        assert host.stop() == 0
        report = host.report()
        said = host.said()
    collector.stop()
    assert SECRET_WORD not in said + json.dumps(collector.events)
    events = [event for event in collector.events if event["type"] != "source.watermark"]
    # Further than a collector sees: what comes twice is the same.
    for event in events:
        assert len({json.dumps(each, sort_keys=True) for each in events
                    if (each["ticket"], each["id"]) == (event["ticket"], event["id"])}) == 1, event
    return events, report


def told(events, *keys):
    """Events in order, as tuples of their type without ticket. and the values of keys that they have."""
    return [(event["type"].replace("ticket.", ""), *(event[key] for key in keys if key in event))
            for event in sorted(events, key=lambda event: (event["at"], event.get("seq", 0)))]


# --- what becomes of what happens --------------------------------------------------------------------------------------


def test_the_life_of_a_ticket(desk, folder):
    t0 = int(time.time()) - 90_000
    clinician, colleague = desk.user(), desk.user()
    agent, second = desk.user("agent"), desk.user("admin")
    desk_group, specialists = desk.group("Service Desk"), desk.group("Interfaces L2", deleted=True)
    hospital, other = desk.organization("330101"), desk.organization("330102")
    desk.create(7, t0, clinician, organization=hospital, group=desk_group, priority="high", fields={PRODUCT: "emr_inpatient", "99": SECRET_WORD},
                type="incident")
    desk.reply(7, t0 + 600, agent, status="open", was="new")
    desk.reply(7, t0 + 700, agent, public=False)
    desk.set(7, t0 + 800, agent, status="pending", previous="open")
    desk.reply(7, t0 + 900, colleague, status="open", was="pending")
    desk.set(7, t0 + 1000, agent, group_id=specialists, previous=desk_group)
    desk.set(7, t0 + 1050, second, assignee_id=second)
    desk.set(7, t0 + 1100, second, status="hold", previous="open")
    desk.set(7, t0 + 1200, second, priority="urgent", previous="high")
    desk.set(7, t0 + 1250, second, organization_id=other, previous=hospital)
    desk.set(7, t0 + 1260, second, custom_ticket_fields={PRODUCT: None})
    desk.reply(7, t0 + 1300, second, status="solved", was="hold")
    desk.set(7, t0 + 90_000 - 3600, SYSTEM, status="closed", previous="solved", via="Automation")
    events, report = read(desk, folder, fields={PRODUCT: "product", "type": "category"}, values={"product:emr_inpatient": "emr"},
                          teams={"Interfaces L2": "interfaces"})
    assert told(events, "to", "direction", "team", "kind", "product", "category", "severity", "site", "channel", "by", "automated") == [
        ("created", "emr", "incident", 2, "330101", "email"), ("assigned", "Service Desk", "route"), ("message", "in"), ("status", "new"),
        ("message", "out"), ("status", "open"),
        ("message", "internal"),
        ("status", "pending"),
        ("message", "in"), ("status", "open"),
        ("assigned", "interfaces", "reassign"),
        ("status", "hold"),
        ("updated", 1),
        ("updated", "330102"),
        ("updated", None),
        ("message", "out"), ("status", "solved"),
        ("status", "closed", True)]
    assert {event["ticket"] for event in events} == {"7"} and all(event["at"] % 1000 == 0 for event in events)
    assert report.get("skipped", 0) == 0


def test_who_wrote_it(desk, folder):
    t0 = int(time.time()) - 9000
    clinician, agent, left = desk.user(), desk.user("agent"), desk.user()
    desk.create(1, t0, clinician, updater=agent, via="Phone call (inbound)")  # taken by telephone
    desk.create(2, t0 + 1, agent, via="Web form")  # an agent's own wish
    desk.create(3, t0 + 2, clinician, updater=SYSTEM, via="Web service (API)")
    desk.create(4, t0 + 3, clinician, updater=agent, author=clinician)  # entered in the clinician's words
    desk.reply(1, t0 + 10, left)
    desk.audit(1, t0 + 20, SYSTEM, desk.comment(SYSTEM), via="Trigger")
    desk.audit(1, t0 + 30, clinician, desk.comment(agent))  # written by another than who updated it
    events, _ = read(desk, folder, former_staff=[left])
    assert told([e for e in events if e["type"] != "ticket.status"], "direction", "by", "channel", "automated") == [
        ("created", "agent", "phone"), ("message", "out"),
        ("created", "web"), ("message", "in"),
        ("created", "machine", "api"), ("message", "out", True),
        ("created", "agent", "email"), ("message", "in"),
        ("message", "out"), ("message", "out", True), ("message", "out")]
    with Folder() as second:
        events, _ = read(desk, second, comments=False)
    assert told([e for e in events if e["type"] == "ticket.message"], "direction", "automated")[-3:] == [
        ("message", "in"), ("message", "out", True), ("message", "in")]


def test_targets(desk, folder):
    t0 = int(time.time()) - 9000
    desk.create(1, t0, desk.user())
    desk.metric(1, t0, "reply_time", "activate")
    desk.apply_sla(1, t0, "reply_time", 60, title="A title that is too long for it")
    desk.apply_sla(1, t0, "requester_wait_time", 480, business=True)
    desk.apply_sla(1, t0 + 1, "reply_time", 30, instance=2)
    desk.apply_sla(1, t0 + 2, "agent_work_time", 90, target_in_seconds=5430)
    desk.apply_sla(1, t0 + 3, "resolution_time", 1440)
    desk.apply_sla(1, t0 + 4, "periodic_update_time", 60)
    desk.metric(1, t0 + 5, "group_ownership_time", "apply_group_sla", group_sla={"target": 60})
    desk.metric(1, t0 + 3600, "reply_time", "breach", deleted=True)
    desk.metric(1, t0 + 3700, "reply_time", "fulfill")
    desk.metric(1, t0 + 3800, "reply_time", "update_status", status={"calendar": 61, "business": 61})
    desk.metric(1, t0 + 4000, "requester_wait_time", "apply_sla", sla=None)
    events, _ = read(desk, folder, policies={"Gold": "gold-24x7"})
    assert told([e for e in events if e["type"].startswith("sla.")], "metric", "target_s", "clock", "policy") == [
        ("sla.applied", "first_response_time", 3600, "wall"),
        ("sla.applied", "requester_wait_time", 28800, "business", "gold-24x7"),
        ("sla.applied", "next_response_time", 1800, "wall", "gold-24x7"),
        ("sla.applied", "support_work_time", 5430, "wall", "gold-24x7"),
        ("sla.applied", "first_resolution_time", 86400, "wall", "gold-24x7"),
        ("sla.cancelled", "requester_wait_time")]
    with Folder() as second:
        events, _ = read(desk, second, sla=False)
    assert not [e for e in events if e["type"].startswith("sla.")] and desk.ended["ticket_metric_events"]


def test_merged_deleted_and_rated(desk, folder):
    t0 = int(time.time()) - 9000
    clinician, agent = desk.user(), desk.user("agent")
    for ticket in (1, 2, 3, 4, 5):
        desk.create(ticket, t0 + ticket, clinician)
    via = {"channel": "web", "source": {"rel": "merge", "from": {"ticket_id": 2, "subject": SECRET_WORD}, "to": {}}}
    merged = {"event_type": "Change", "tags": ["closed_by_merge"], "added_tags": ["closed_by_merge"], "removed_tags": []}
    desk.audit(1, t0 + 10, agent, {**desk.comment(agent, False), "via": via}, desk.change("new", status="closed"), merged)
    desk.audit(2, t0 + 10, agent, {**desk.comment(agent, False), "via": {**via, "source": {**via["source"], "from": {"ticket_id": 1}}}})
    desk.audit(3, t0 + 11, agent, desk.comment(agent, False), desk.change("new", status="closed"), merged)
    desk.delete(4, t0 + 12)
    desk.set(5, t0 + 13, agent, status="deleted", previous="new")
    desk.set(5, t0 + 14, agent, status="open", previous="deleted")
    desk.set(2, t0 + 15, SYSTEM, satisfaction_score="offered", previous="unoffered")
    desk.set(2, t0 + 16, clinician, satisfaction_score="good", previous="offered")
    desk.audit(2, t0 + 17, clinician, {"event_type": "SatisfactionRating", "score": "bad", "body": SECRET_WORD})
    events, _ = read(desk, folder, ratings=True, deleted="test")
    ends = ("ticket.merged", "ticket.deleted", "ticket.restored", "survey.sent", "survey.response")
    assert sorted((e["ticket"], *told([e], "into", "reason", "score", "min", "max")[0]) for e in events if e["type"] in ends) == [
        ("1", "merged", "2"), ("2", "survey.response", 0, 0, 1), ("2", "survey.response", 1, 0, 1), ("2", "survey.sent"),
        ("3", "deleted", "duplicate"), ("4", "deleted", "test"), ("5", "deleted", "test"), ("5", "restored")]
    with Folder() as second:
        events, _ = read(desk, second, deleted="ignored")
    assert {e["type"] for e in events if e["type"] in ends} == {"ticket.merged", "ticket.deleted"}
    assert [e["reason"] for e in events if e["type"] == "ticket.deleted"] == ["duplicate"]


def test_what_is_no_use_is_skipped_and_counted(desk, folder):
    t0 = int(time.time()) - 9000
    clinician = desk.user()
    desk.create(1, t0, clinician, group=12345, priority="whenever")
    desk.audit(2, t0 + 1, clinician)["ticket_id"] = None
    bad = desk.audit(3, t0 + 2, clinician, desk.change(status="open"))
    bad["created_at"], bad["timestamp"] = "when", None
    desk.audits[-1]["timestamp"] = t0 + 2
    bad["child_events"].append({"event_type": "OfLater", "value": SECRET_WORD})
    desk.create(4, t0 + 3, clinician, fields={PRODUCT: "x" * 200})
    events, report = read(desk, folder, fields={PRODUCT: "product"})
    assert {e["ticket"] for e in events} == {"1", "3", "4"} and not [e for e in events if e["type"] == "ticket.assigned"]
    assert report["skipped"] == 4, report
    assert "severity" not in json.dumps(events)


# --- pages, clocks, limits ---------------------------------------------------------------------------------------------


def identities(events):
    return sorted((e["ticket"], e["id"], e["type"]) for e in events)


def test_pages_of_every_size_give_the_same(desk, folder):
    busy(desk, 12)
    whole, _ = read(desk, folder)
    assert len(identities(whole)) == len(set(identities(whole))), "nothing comes twice in an undisturbed run"
    for page in (1, 30):
        desk.page_most = page
        with Folder() as other:
            events, _ = read(desk, other)
        assert sorted(map(str, events)) == sorted(map(str, whole))


def test_it_goes_on_where_it_was_and_waits_for_the_clock(desk, folder):
    now = int(time.time())
    clinician = desk.user()
    desk.create(1, now - 300, clinician)
    desk.create(2, now - 20, clinician)  # in the minute that the exports leave out
    collector = FakeCollector(folder.address).start()
    with Host(built("zendesk.so"), folder.address, options(desk, folder.path)):
        until(lambda: {e["ticket"] for e in collector.events if "ticket" in e} == {"1"})
        until(lambda: desk.paths().count("/api/v2/incremental/ticket_events") >= 3)
        desk.create(3, now - 200, clinician)  # and something in the middle, as it comes to be seen
        until(lambda: {e["ticket"] for e in collector.events if "ticket" in e} == {"1", "3"})
    collector.stop()
    assert len(collector.events) == len({(e.get("ticket"), e.get("id"), e["at"]) for e in collector.events})
    n = len(desk.asked)
    with Folder() as other:
        collector = FakeCollector(other.address).start()
        with Host(built("zendesk.so"), other.address, options(desk, other.path, since="2090-01-01")) as host:
            until(lambda: collector.batches, what=lambda: str(host.report()))  # the cursor of nothing yet
            assert len(desk.asked) == n, "what is to come is not asked for"
        collector.stop()
    desk.fixed_now = now - 250  # their clock is behind ours
    with Folder() as other:
        collector = FakeCollector(other.address).start()
        with Host(built("zendesk.so"), other.address, options(desk, other.path, since="2024-01-01")) as host:
            until(lambda: desk.paths()[n:].count("/api/v2/incremental/ticket_events") >= 1)
            assert host.report().get("state", "running") == "running"
        collector.stop()


def test_a_server_in_trouble(desk, folder):
    busy(desk, 40)
    with Folder() as quiet:
        whole, _ = read(desk, quiet)
    desk.page_most = 40
    calm = None
    desk.trouble = [(429, {"Retry-After": "1"}, {"error": "TooManyRequests"}), *[calm] * 7, (200, {}, b'{"ticket_events": [{"id"'),
                    *[calm] * 7, (200, {}, {"tickets": 7})]
    desk.gone = 1
    events, _ = read(desk, folder)
    assert sorted(set(identities(events))) == sorted(identities(whole))


def test_cursors_expire(desk, folder):
    busy(desk, 60)
    with Folder() as quiet:
        whole, _ = read(desk, quiet)
    desk.page_most = 10
    collector = FakeCollector(folder.address).start()
    with Host(built("zendesk.so"), folder.address, options(desk, folder.path)):
        for _ in range(4):
            n = len(desk.asked)
            until(lambda: len(desk.asked) > n + 5)
            desk.epoch += 1
        until(lambda: {i[:2] for i in identities([e for e in collector.events if "ticket" in e])} >= {i[:2] for i in identities(whole)})
    collector.stop()


def test_a_token_of_oauth(desk, folder):
    desk.with_oauth = True
    desk.create(1, int(time.time()) - 9000, desk.user())
    given = options(desk, folder.path)
    del given["user"]
    collector = FakeCollector(folder.address).start()
    with Host(built("zendesk.so"), folder.address, given) as host:
        until(lambda: collector.events, what=lambda: str(host.report()))
    collector.stop()


@pytest.mark.parametrize("more, status, said", [
    ({"user": "nobody@desk.example"}, "failed_auth", "401"), ({"since": "the day before"}, "failed_config", "since is neither"),
    ({"fields": {"1": "ticket"}}, "failed_config", "is no dimension"), ({"values": {"x": "y"}}, "failed_config", "DIMENSION:WORD"),
    ({"site": "addres"}, "failed_config", "external_id")])
def test_what_is_wrong_is_said(desk, folder, more, status, said):
    with Host(built("zendesk.so"), folder.address, options(desk, folder.path, **more)) as host:
        FakeCollector(folder.address).start()
        until(lambda: host.report().get("state") == status, what=lambda: str(host.report()))
        assert said in host.report()["message"] and SECRET_WORD not in host.report()["message"]


# --- killed ------------------------------------------------------------------------------------------------------------


def answers(collector):
    asked = ["tickets_created", "resolutions", "reopens", "first_response_time.avg", "full_resolution_time.sum", "handoffs", "sla_attainment"]
    return [collector.query(asked, by=by, now="2099-01-01T00:00:00Z")["rows"] for by in ([], ["severity"], ["team"], ["site"])]


def test_killed_in_the_middle_the_answers_are_the_same(desk, folder, chance):
    busy(desk, 120)

    def plugin(**more):
        return [{"source": "desk", "plugin": "zendesk", "options": options(desk, folder.path, **more)}]

    with Collector(plugins=plugin()) as calm:
        wait_for(lambda: "complete_until" in str(calm.shown("desk")), 60)
        n = len(set(identities(read(desk, folder)[0])))
        wait_for(lambda: calm.accepted("desk") >= n, 60)
        expected = answers(calm)
    assert expected[0][0]["tickets_created"] > 100 and expected[0][0]["resolutions"] > 50
    desk.page_most = 20
    with Collector(plugins=plugin()) as collector:
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
        wait_for(lambda: collector.shown("desk")["accepted"] >= n, 90, lambda: f"{collector.shown('desk')} of {n}\n{collector.log()[-2000:]}")
        assert answers(collector) == expected
        assert collector.shown("desk").get("conflicts", 0) == 0
        assert SECRET_WORD not in collector.log()


# --- recorded ----------------------------------------------------------------------------------------------------------


def test_a_recording_plays_back(folder):
    given, tape, events = recorded(folder)
    with open(tape, encoding="utf-8") as file:
        assert TOKEN not in file.read()
    done = subprocess.run([built("tendon"), "plugin", "try", built("zendesk.so"), "--options", given, "--replay", tape],
                          capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")})
    assert done.returncode == 0 and done.stdout == events and len(events.splitlines()) > 150, done.stderr
    assert "0 skipped, 0 that would be rejected" in done.stderr
