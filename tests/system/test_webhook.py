"""The webhook plugin: what is sent is what is stored, once; what is not signed or no event is neither stored nor repeated."""
import concurrent.futures
import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import time

import pytest

from collector import built, free_port, wait_for
from events import D0, HOUR, created, event, message, solved_ticket, status
from fake_collector import FakeCollector, Folder, Host, until

KEY = b"a key for the tests"
SECRET_WORD = "Zanzibar"  # stands in what must not be repeated anywhere
BODY_BYTES = 20 * 1024


def raw(body):
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def send(port, body, key=KEY, path="/events", method="POST", header="X-Signature", timeout=30):
    """The status of a request whose body is bytes, or a value to be sent as JSON."""
    body = raw(body)
    headers = {header: "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()} if key else {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def send_until_taken(port, body, end):
    """As a sender should: again, until it is answered for good."""
    while time.monotonic() < end:
        try:
            answer = send(port, body, timeout=10)
        except (OSError, http.client.HTTPException):
            answer = 503
        if answer != 503:
            return answer
        time.sleep(0.05)
    return None


def is_listening(port, path="/events"):
    try:
        return send(port, b"", method="DELETE", path=path, timeout=1) == 405
    except (OSError, http.client.HTTPException):
        return False


def options(folder, port, **more):
    path = os.path.join(folder, "hook.secret")
    with open(path, "w", encoding="utf-8") as file:
        file.write(KEY.decode() + "\n")
    os.chmod(path, 0o600)
    return {"listen": f"127.0.0.1:{port}", "secret": path, **more}


# --- from JSON to events, as the collector is sent them --------------------------------------------------------------------


EVERY_KIND = [
    {"type": "ticket.created", "id": "1", "at": D0, "ticket": "T-1", "by": "agent", "vendor": "acme", "severity": 2, "team": "Gruppe Süd",
     "channel": "phone", "ward": "east", "seq": 7},
    {"type": "ticket.message", "id": "2", "at": D0 + 1, "ticket": "T-1", "direction": "out", "public": False, "automated": True},
    {"type": "ticket.updated", "id": "3", "at": D0 + 2, "ticket": "T-1", "team": None, "tier": 0},
    {"type": "sla.applied", "id": "4", "at": D0 + 3, "ticket": "T-1", "metric": "first_response_time", "target_s": 3600, "clock": "wall"},
    {"type": "contact.ended", "id": "5", "at": D0 + 4, "outcome": "answered", "queue_s": 12.125, "talk_s": 315576000},
    {"type": "survey.response", "id": "6", "at": D0 + 5, "site": "north", "instrument": "csat", "score": -0.5, "min": -1, "max": 1e3},
    {"type": "ticket.merged", "id": "é" * 64, "at": -1, "ticket": "x" * 128, "into": "T-2"},
    {"type": "ticket.created", "id": "\\u0000", "at": D0, "ticket": "T-\ufffd"},
    {"type": "source.watermark", "at": D0 + HOUR, "complete_until": D0},
    {"type": "of.later", "id": "9", "at": 1, "seq": 2 ** 32 - 1, "whatever_1": 2 ** 63 - 1, "least": -2 ** 63},
]

# A body, what is skipped of it, by code and place, and how many events are left.
UNREADABLE = [
    (b"", ["bad_json body line 1"], 0),
    (b"no json", ["bad_json body line 1"], 0),
    (b'{"type": "ticket.created"', ["bad_json body line 1"], 0),
    (b'{"type": "ticket.created", "id": "\xff", "at": 1}', ["bad_json body line 1"], 0),
    (b"[" * 10000, ["bad_json body line 1"], 0),
    (b"7", ["wrong_type event line 1"], 0),
    ([1, "two", None], [f"wrong_type event line {n}" for n in (1, 2, 3)], 0),
    ([[created("T-1")]], ["wrong_type event line 1"], 0),
    ({**created("T-1"), "id": 5}, ["wrong_type event line 1"], 0),
    ({**created("T-1"), "at": "2024-01-08T10:00:00Z"}, ["wrong_type event line 1"], 0),
    ({**created("T-1"), "at": 1e12 + 0.5}, ["wrong_type event line 1"], 0),
    ({**created("T-1"), "tags": [SECRET_WORD]}, ["wrong_type event line 1"], 0),
    ({**created("T-1"), "tags": {SECRET_WORD: 1}}, ["wrong_type event line 1"], 0),
    ({"id": "1", "at": D0, "ticket": "T-1"}, ["missing_field event line 1"], 0),
    ({"type": "ticket.created", "id": "1", "ticket": "T-1"}, ["missing_field event line 1"], 0),
    ({**created("T-1"), SECRET_WORD: 1}, ["unknown_field event line 1"], 0),
    ({**created("T-1"), "/id": 1}, ["unknown_field event line 1"], 0),
    ({**created("T-1"), "": 1}, ["unknown_field event line 1"], 0),
    ({**created("T-1"), "seq": -1}, ["out_of_range event line 1"], 0),
    ({**created("T-1"), "seq": 2 ** 32}, ["out_of_range event line 1"], 0),
    ({**created("T-1"), "team": SECRET_WORD * 20}, ["too_long event line 1"], 0),
    (created("T" * 129), ["too_long event line 1"], 0),
    ({**created("T-1"), **{f"field_{n}": n for n in range(64)}}, ["too_long event line 1"], 0),
    ([created("T-1"), {"type": SECRET_WORD}, created("T-2")], ["missing_field event line 2"], 2),
]


@pytest.fixture(name="fake", scope="module")
def fixture_fake():
    """A plugin, its port, the collector that it feeds; it shall have said nothing of what it was sent."""
    with Folder() as folder:
        collector, port = FakeCollector(folder.address).start(), free_port()
        with Host(built("webhook.so"), folder.address, options(folder.path, port)) as host:
            until(lambda: is_listening(port))
            yield host, port, collector
            assert SECRET_WORD not in host.said() + json.dumps(host.report())
        collector.stop()


@pytest.mark.parametrize("in_one", [True, False])
def test_fields_are_what_was_sent(fake, in_one):
    _, port, collector = fake
    before = len(collector.events)
    for body in [EVERY_KIND] if in_one else EVERY_KIND:
        assert send(port, body) == 204
    assert collector.events[before:] == EVERY_KIND  # answered is committed
    assert all(isinstance(got[key], type(value)) for got, sent in zip(collector.events[before:], EVERY_KIND)
               for key, value in sent.items())


def test_a_watermark_needs_no_time(fake):
    _, port, collector = fake
    assert send(port, {"type": "source.watermark", "complete_until": D0}) == 204
    assert collector.events[-1] == {"type": "source.watermark", "at": D0, "complete_until": D0}


def test_what_cannot_be_read_is_left_out(fake):
    host, port, collector = fake
    skipped = host.report().get("skipped", 0)
    for body, _, n in UNREADABLE:
        before = len(collector.events)
        assert (send(port, body), len(collector.events) - before) == (204 if n else 400, n), body
    until(lambda: host.report().get("skipped", 0) - skipped == sum(len(said) for _, said, _ in UNREADABLE))


def test_what_is_left_out_is_said_by_its_code_and_place():
    """Without a collector; in a tape stands text, so nothing that is no UTF-8."""
    told = [(raw(body).decode(), said) for body, said, _ in UNREADABLE if b"\xff" not in raw(body)]
    with Folder() as folder:
        tape = folder.write("tape", "".join(json.dumps({"push": {"method": "POST", "path": "/events", "body": body}}) + "\n"
                                            for body, _ in told))
        given = folder.write("options.json", json.dumps(options(folder.path, 8091)))
        done = subprocess.run([built("tendon"), "plugin", "try", built("webhook.so"), "--options", given, "--replay", tape],
                              env={**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")}, capture_output=True,
                              check=True, timeout=60, text=True)
    assert [line[9:] for line in done.stderr.splitlines() if line.startswith("skipped: ")] == [each for _, said in told for each in said]
    assert SECRET_WORD not in done.stdout + done.stderr


def test_nothing_to_store_is_stored(fake):
    _, port, collector = fake
    before = len(collector.events)
    assert send(port, []) == 204
    assert len(collector.events) == before


def test_any_body_that_is_taken_fits(fake):
    """The largest events that JSON of the limit can give, many at once: each list is there whole."""
    _, port, collector = fake
    before, made = len(collector.events), []
    for n in range(30):
        fat = b'{"type":"x","at":1,"id":"%d",' % n + b",".join(b'"%c":1e0' % c for c in b"abcdefghijklmnopqrstuvwxyz") + b"}"
        made.append(b"[" + b",".join([fat] * ((BODY_BYTES - 2) // (len(fat) + 1))) + b"]")
    assert max(len(body) for body in made) <= BODY_BYTES
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert set(pool.map(lambda body: send(port, body), made)) == {204}
    assert len(collector.events) - before == sum(body.count(b"type") for body in made)


def test_other_names():
    with Folder() as folder:
        collector, port = FakeCollector(folder.address).start(), free_port()
        with Host(built("webhook.so"), folder.address, options(folder.path, port, path="/hook/desk", signature="X-Hub", queue=3)):
            until(lambda: is_listening(port, "/hook/desk"))
            assert send(port, created("T-1"), path="/hook/desk", header="X-Hub") == 204
            assert send(port, created("T-2"), path="/events", header="X-Hub") == 404
            assert send(port, created("T-3"), path="/hook/desk") == 401
        collector.stop()
        assert [each["ticket"] for each in collector.events] == ["T-1"]


@pytest.mark.parametrize("more, said", [({"path": "events"}, "option path"), ({"path": "/a?b"}, "option path"),
                                        ({"signature": "X Signature"}, "option signature"), ({"queue": 0}, "option queue")])
def test_options_that_are_wrong(more, said):
    with Folder() as folder, Host(built("webhook.so"), folder.address, options(folder.path, free_port(), **more)) as host:
        assert host.wait() == 78
        assert said in host.report()["message"]


# --- with the collector itself ---------------------------------------------------------------------------------------------


@pytest.fixture(name="running")
def fixture_running(make_collector, tmp_path):
    """A collector with the plugin, and the plugin's port."""
    port = free_port()
    collector = make_collector(plugins=[{"source": "bridge", "plugin": "webhook", "options": options(str(tmp_path), port)}])
    collector.start()
    wait_for(lambda: is_listening(port))
    return collector, port


def shown(collector):
    source = collector.call("source.show", source="bridge")
    return source["accepted"], source["duplicates"], source["rejected"]


def test_signed_requests_are_stored_once(running):
    collector, port = running
    tickets = [solved_ticket(f"T-{n}", D0 + n * HOUR, vendor="acme", severity=n % 4 + 1) for n in range(40)]
    for _ in range(2):
        for ticket in tickets[:20]:
            assert send(port, ticket) == 204
        for one in (each for ticket in tickets[20:] for each in ticket):
            assert send(port, one) == 204
        assert collector.value("tickets_created", where="vendor=acme") == 40
        assert collector.value("tickets_created", where="severity=1") == 10
        assert collector.value("resolutions") == 40
    assert shown(collector) == (120, 120, 0)
    # What the collector refuses is its sender's to find in the rejects: the same would come of it again.
    assert send(port, [created("T-99", severity=9), created("T-98", color="red"), message("T-97", "sideways", D0)]) == 204
    assert shown(collector) == (120, 120, 3)


def test_others_are_told_so_and_nothing_is_stored_or_repeated(running):
    collector, port = running
    secret = created("T-" + SECRET_WORD, team=SECRET_WORD, category="a" * 60)
    assert send(port, secret, key=None) == 401
    assert send(port, secret, key=b"another key") == 401
    assert send(port, secret, header="X-Other") == 401
    assert send(port, secret, path="/" + SECRET_WORD) == 404
    assert send(port, secret, method="DELETE") == 405
    assert send(port, [secret] * 200) == 413
    assert send(port, (SECRET_WORD * 100).encode()) == 400
    assert send(port, b'{"type": "' + SECRET_WORD.encode()) == 400
    assert send(port, [{SECRET_WORD: 1}, {"type": SECRET_WORD, "at": SECRET_WORD}]) == 400
    assert send(port, {**secret, SECRET_WORD: SECRET_WORD}) == 400
    wait_for(lambda: collector.plugin_state("bridge").get("skipped") == 5, say=lambda: str(collector.plugin_state("bridge")))
    assert collector.value("tickets_created") == 0
    assert send(port, {**created("T-1"), "team": "a b c d e " + SECRET_WORD}) == 204  # no code: the collector rejects it
    assert send(port, created("T-2")) == 204
    assert shown(collector) == (1, 0, 1)
    said = collector.cli("status").out + collector.cli("plugin", "list", "-o", "json").out + collector.cli("source", "rejects", "bridge").out
    collector.restart()
    assert SECRET_WORD not in said + collector.log() and "bad_json" in collector.log()


def test_killed_and_restarted_each_event_is_there_once(running):
    collector, port = running
    events = [created(f"T-{n}") for n in range(600)] + [status(f"T-{n}", "solved", D0 + HOUR) for n in range(600)]
    bodies = [events[n:n + 3] for n in range(0, len(events), 3)]
    end = time.monotonic() + 90
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sent = []

        def submit(n):
            sent.extend(pool.submit(send_until_taken, port, body, end) for body in bodies[len(sent):n])

        def wait_done(n):
            wait_for(lambda: sum(each.done() for each in sent) >= n, 60)

        submit(200)
        wait_done(20)
        for pid in collector.hosts():  # both processes of the plugin
            os.kill(pid, signal.SIGKILL)
        wait_done(120)
        collector.kill()
        submit(350)  # so that some are on their way whatever the speed
        collector.start()
        wait_done(250)
        submit(len(bodies))
        collector.restart()
        assert [each.result() for each in sent] == [204] * len(bodies)
    accepted, _, rejected = shown(collector)
    assert (accepted, rejected) == (1200, 0)
    assert collector.value("tickets_created") == 600 and collector.value("resolutions") == 600


def test_surveys_need_their_grant(running):
    """Signed or not, a source sends what it was granted."""
    collector, port = running
    assert send(port, event("survey.response", None, D0, site="north", instrument="csat", choice="good")) == 204
    assert shown(collector) == (0, 0, 1)
