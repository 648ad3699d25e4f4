"""The rt plugin against a Request Tracker of a few lines: what each transaction becomes, late ones, what is not shown, trouble."""
import base64
import json
import os
import signal
import subprocess
import time

import pytest

from collector import built
from fake_collector import FakeCollector, Folder, Host, until
from fake_rt import BODY, SUBJECT, FakeRT, small_world
from test_http import no_proxy  # noqa: F401  (takes effect by being there)

EXIT_AUTH, EXIT_CONFIG = 77, 78
FIELDS = {"vendor": "Maker", "severity": "Urgency", "site": "Hospital"}


@pytest.fixture(name="folder")
def fixture_folder():
    with Folder() as each:
        yield each


@pytest.fixture(name="rt")
def fixture_rt():
    with FakeRT() as each:
        yield each


def options(folder, rt, **more):
    path = folder.write("token", rt.token[len("token "):] + "\n")
    os.chmod(path, 0o600)
    return {"url": rt.url, "token": path, "custom_fields": FIELDS, "per_minute": 60000, "every": "1s", **more}


def tried(folder, given, *arguments, status=0):
    """The events, and what is said besides, of `tendon plugin try`."""
    done = subprocess.run([built("tendon"), "plugin", "try", built("rt.so"), "--options", folder.write("options.json", json.dumps(given)),
                           *arguments], env={**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")}, capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == status, done
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def by_order(events):
    return sorted(events, key=lambda each: (each["seq"], each["type"], each["id"]))


@pytest.mark.parametrize("is_super", [True, False])
def test_what_becomes_of_transactions(folder, is_super):
    with FakeRT(is_super) as rt:
        expected = small_world(rt)
        events, said = tried(folder, options(folder, rt))
    assert by_order(events) == by_order(expected)
    assert "unknown_status" in said and "bad_number" in said and "2 skipped, 0 that would be rejected" in said
    assert SUBJECT not in str(events) + said and BODY not in str(events) + said
    assert not any(name in str(events) + said for name in ("anna", "kim", "Nobody"))


def test_words_of_the_configuration(folder, rt):
    rt.queues[3] = "Field Service"
    rt.create(1, queue=3, fields={5: "ACME Inc", 6: "Down", 7: "n/a"})
    rt.set_field(1, 7, "North")
    rt.set_owner(1, "Nobody", "kim")
    rt.set_status(1, "rejected")
    rt.set_status(1, "frozen")
    events, _ = tried(folder, options(folder, rt, queue="none", custom_fields={"severity": "Urgency", "team": "Hospital"}, dimensions={"maker": "Maker"},
                                      values={"severity:Down": "1", "maker:acme inc": "acme", "team:North": "crew-north"}, lower=["maker"], missing=["n/a"],
                                      constants={"product": "ehr"}, statuses={"rejected": "duplicate", "frozen": "hold"}))
    for each in events:
        for name in ("at", "seq", "ticket", "id"):
            del each[name]
    assert events == [{"type": "ticket.created", "by": "requester", "severity": 1, "maker": "acme", "product": "ehr"},
                      {"type": "ticket.assigned", "team": "crew-north", "kind": "reassign"},
                      {"type": "ticket.assigned", "team": "crew-north", "kind": "reassign"},
                      {"type": "ticket.deleted", "reason": "duplicate"},
                      {"type": "ticket.restored"}, {"type": "ticket.status", "to": "hold"}]


def test_a_queue_that_is_no_team(folder, rt):
    rt.create(1)
    rt.set_queue(1, 3)
    rt.set_owner(1, "Nobody", "kim")  # of no team: nothing to be told
    events, _ = tried(folder, options(folder, rt, queue="category"))
    assert [(each["type"], each["category"]) for each in events] == [("ticket.created", "General"), ("ticket.updated", "Onsite")]


def test_what_the_account_may_not_see(folder):
    with FakeRT(is_super=False) as rt:
        rt.queues[4] = "Secret"
        rt.secret |= {("queue", "4"), ("queue", "9"), ("ticket", "2"), ("customfield", "8"), ("user", "mallory")}
        rt.create(1, queue=1)
        rt.set_queue(1, 4)
        rt.create(2, queue=3)
        rt.write(2, "CustomField", "kim", "8", "", "x")
        rt.write(2, "Correspond", "mallory")
        rt.write(3, "Correspond", "anna")  # a ticket that is gone
        events, said = tried(folder, options(folder, rt))
    assert [(each["type"], each.get("team", "-"), each.get("direction")) for each in events] == [
        ("ticket.created", "General", None), ("ticket.updated", None, None), ("ticket.created", "-", None), ("ticket.message", "-", "out"),
        ("ticket.message", "-", "in")]
    assert "0 that would be rejected" in said


@pytest.mark.parametrize("is_super", [True, False])
def test_pages(folder, is_super):
    """More than a page, and pages of which nothing is shown."""
    with FakeRT(is_super) as rt:
        shown = []
        for n in range(1, 130):
            shown.append(rt.create(n))
        if not is_super:
            for _ in range(250):
                rt.hidden.add(rt.comment(1))
        for n in range(1, 130):
            shown.append(rt.set_status(n, "resolved"))
        if not is_super:
            rt.hidden |= {rt.comment(1) for _ in range(130)}
        events, _ = tried(folder, options(folder, rt))
        assert [int(each["id"]) for each in events] == shown
        asked = len(rt.asked)
        assert asked < 25, asked


def test_what_comes_between_two_questions(folder):
    """The page was empty, and then there is something after all: that is no reason to look behind it for ever."""
    collector = FakeCollector(folder.address).start()
    with FakeRT(is_super=False) as rt:
        rt.create(1)

        def comes(query):
            if query["order"] == "DESC" and len(rt.transactions) < 5:
                rt.set_status(1, ("resolved", "open")[len(rt.transactions) % 2])

        rt.before = comes
        with running(folder, rt) as host:
            until(lambda: len(collector.events) == 5, what=host.said)
    collector.stop()
    assert ids(collector) == [each["id"] for each in rt.transactions]


def test_changes_of_more_than_a_page(folder, rt):
    """A ticket began as it did, however often it was changed since."""
    rt.create(1, fields={5: "First"})
    for n in range(350):
        rt.set_field(1, 5, f"v{n}")
    events, _ = tried(folder, options(folder, rt))
    assert [each["vendor"] for each in events] == ["First"] + [f"v{n}" for n in range(350)]


def test_since(folder, rt):
    rt.create(1)
    rt.now += 86400
    rt.create(2)
    rt.set_status(1, "resolved")
    events, _ = tried(folder, options(folder, rt, since="2024-01-09"))
    assert [each["ticket"] for each in events] == ["2"]


def test_it_goes_on_behind_its_cursor(folder, rt):
    rt.create(1)
    _, said = tried(folder, options(folder, rt))
    rt.set_status(1, "resolved")
    events, said = tried(folder, options(folder, rt), "--cursor", said.split()[-1])
    assert [each["type"] for each in events] == ["ticket.status"]
    assert tried(folder, options(folder, rt), "--cursor", said.split()[-1])[0] == []
    _, said = tried(folder, options(folder, rt), "--cursor", base64.b64encode(b"page 7").decode(), status=1)
    assert "TENDON_E_CURSOR" in said


# --- as it runs ------------------------------------------------------------------------------------------------------------


def running(folder, rt, **more):
    return Host(built("rt.so"), folder.address, options(folder, rt, **more))


def ids(collector):
    return [int(each["id"]) for each in collector.events]


def test_transactions_that_appear_late(folder, rt):
    """A lower number than what was read already is read when it appears, once, and across a crash."""
    collector = FakeCollector(folder.address).start()
    rt.now = int(time.time())
    first = rt.create(1)
    with running(folder, rt, settle="1h") as host:
        until(lambda: len(collector.events) == 1, what=host.said)
        seen = rt.write(1, "Comment", number=first + 9)
        until(lambda: ids(collector) == [first, seen], what=host.said)
        rt.write(1, "Comment", number=first + 5)
        until(lambda: len(collector.events) == 3, what=host.said)
        os.kill(host.process.pid, signal.SIGKILL)
        host.wait()
    rt.write(1, "Comment", number=first + 3)
    with running(folder, rt, settle="1h") as host:
        until(lambda: len(collector.events) == 4, what=host.said)
        rt.write(1, "Comment", number=first + 20)
        until(lambda: len(collector.events) == 5, what=host.said)
    collector.stop()
    assert ids(collector) == [first, first + 9, first + 5, first + 3, first + 20]


def test_what_settled_is_not_waited_for(folder, rt):
    """Old transactions are asked for once: the number to begin with follows them."""
    for n in range(1, 151):
        rt.create(n)
    _, said = tried(folder, options(folder, rt))
    assert base64.b64decode(said.split()[-1]).decode() == str(rt.transactions[-1]["id"])
    rt.write(1, "Comment", number=70)
    assert tried(folder, options(folder, rt), "--cursor", said.split()[-1])[0] == []


TROUBLE = [(500, {}, b"oops"), (200, {}, b"{\"items\": [{\"id\":"), (200, {}, b"{\"count\": 0}"), (429, {"Retry-After": "1"}, b""),
           (200, {}, b"{\"items\": [{\"id\": \"3\"}, {\"id\": 9223372036854775807}, 7]}")]


def test_trouble_passes(folder, rt):
    """Wherever it comes, no event is lost or told twice."""
    collector = FakeCollector(folder.address).start()
    expected = small_world(rt)
    rt.trouble = [None, TROUBLE[1], None, None, TROUBLE[2]]
    with running(folder, rt) as host:
        until(lambda: len(collector.events) >= len(expected), 60, host.said)
        for n, each in enumerate(TROUBLE):
            rt.trouble = [each]
            rt.set_status(1, ("resolved", "open")[n % 2])
            until(lambda n=n: len(collector.events) == len(expected) + n + 1, 60, host.said)
        assert SUBJECT not in host.said() and "0123456789abcdef" not in host.said()
    collector.stop()
    assert by_order(collector.events[:len(expected)]) == by_order(expected)
    assert len({(each["ticket"], each["id"]) for each in collector.events}) == len(collector.events)


def test_a_token_that_is_no_good(folder, rt):
    collector = FakeCollector(folder.address).start()
    rt.create(1)
    given = options(folder, rt)
    rt.token = "token another"
    with Host(built("rt.so"), folder.address, given) as host:
        assert host.wait() == EXIT_AUTH, host.said()
        assert "401" in host.report()["message"]
    collector.stop()


def test_a_password(folder, rt):
    rt.token = "Basic " + base64.b64encode(b"desk:pass word").decode()
    rt.create(1)
    path = folder.write("password", "pass word\n")
    os.chmod(path, 0o600)
    given = {"url": rt.url + "/", "user": "desk", "password": path}
    assert len(tried(folder, given)[0]) == 1


@pytest.mark.parametrize("more, said", [
    ({"token": None}, "give token"), ({"user": "desk"}, "user and password go together"), ({"since": "2024-1-001"}, "since"),
    ({"statuses": {"frozen": "cold"}}, "statuses: \"cold\""), ({"custom_fields": {"vendro": "Maker"}}, "did you mean vendor"),
    ({"custom_fields": {"team": "Maker"}}, "queue: none"), ({"custom_fields": {"direction": "Maker"}}, "no dimension"),
    ({"dimensions": {"vendor": "Maker"}}, "vendor"), ({"constants": {"to": "open"}}, "no dimension"), ({"values": {"vendor": "x"}}, "FIELD:WORD"),
    ({"queue": "ticket"}, "queue"), ({"per_minute": 0}, "per_minute"), ({"every": "1ms"}, "every"),
])
def test_options_that_are_wrong(folder, rt, more, said):
    given = {name: value for name, value in options(folder, rt, **more).items() if value is not None}
    with Host(built("rt.so"), folder.address, given) as host:
        assert host.wait() == EXIT_CONFIG
        assert said in host.report()["message"], host.report()


def test_no_rt_is_there(folder, rt):
    with Host(built("rt.so"), folder.address, options(folder, rt, url=rt.url + "/helpdesk")) as host:
        collector = FakeCollector(folder.address).start()
        assert host.wait() == EXIT_CONFIG
        assert "without /REST/2.0" in host.report()["message"]
        collector.stop()
