"""The host's push service: who may send, when a sender is answered, and what becomes of requests when things fail."""
import concurrent.futures
import hashlib
import hmac
import http.client
import json
import os
import socket
import subprocess
import time

import pytest

from collector import built, free_port
from fake_collector import FakeCollector, Folder, Host, until

KEY = b"a key for the tests"


@pytest.fixture(name="folder")
def fixture_folder():
    with Folder() as each:
        yield each


@pytest.fixture(name="collector")
def fixture_collector(folder):
    each = FakeCollector(folder.address).start()
    yield each
    each.stop()


def template(folder, listen):
    path = folder.write("secret", KEY.decode() + "\n")
    os.chmod(path, 0o600)
    return Host(built("template-push.so"), folder.address, {"listen": listen, "secret": path})


def event(n, **more):
    return json.dumps({"id": n, "ticket": f"T-{n}", "at": "2024-01-08T10:00:00Z", "event": "created", **more}).encode()


def signed(body, key=KEY):
    return {"X-Signature": hmac.new(key, body, hashlib.sha256).hexdigest()}


def connect(listen, timeout=20):
    if listen.startswith("unix:"):
        connection = http.client.HTTPConnection("localhost", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(listen[5:])
        return connection
    host, _, port = listen.rpartition(":")
    return http.client.HTTPConnection(host.strip("[]"), int(port), timeout=timeout)


def send(listen, body, headers=None, method="POST", path="/events", timeout=20):
    """The status and the headers of the answer."""
    connection = connect(listen, timeout)
    try:
        connection.request(method, path, body, signed(body) if headers is None else headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        connection.close()


def address():
    return f"127.0.0.1:{free_port()}"


def listening(listen):
    try:
        connection = connect(listen, 1)
        connection.connect() if not listen.startswith("unix:") else None
        connection.close()
        return True
    except OSError:
        return False


@pytest.mark.parametrize("form", ["127.0.0.1", "[::1]", "unix"])
def test_what_is_sent_becomes_events(folder, collector, form):
    listen = f"unix:{folder.path}/hook.sock" if form == "unix" else f"{form}:{free_port()}"
    with template(folder, listen) as host:
        until(lambda: listening(listen))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda n: send(listen, event(n))[0], range(40)))
        assert statuses == [204] * 40
        # Answered means committed.
        assert sorted(int(each["id"]) for each in collector.events) == list(range(40))
        assert host.stop() == 0
    if form == "unix":
        with template(folder, listen) as host:  # what is left of the socket is replaced
            until(lambda: listening(listen))


def test_who_may_send_and_what(folder, collector):
    listen = address()
    with template(folder, listen) as host:
        until(lambda: listening(listen))
        body = event(1)
        assert send(listen, body, {})[0] == 401
        assert send(listen, body, signed(body, b"another key"))[0] == 401
        assert send(listen, body, {"X-Signature": "00" * 32})[0] == 401
        assert send(listen, body, {"X-Signature": "no signature"})[0] == 401
        assert send(listen, event(2), signed(body))[0] == 401
        assert send(listen, body, path="/elsewhere")[0] == 404
        assert send(listen, body, path="/events/more")[0] == 404
        status, headers = send(listen, body, method="DELETE")
        assert status == 405 and headers["Allow"] == "POST, PUT"
        assert send(listen, b"x" * (1024 * 1024 + 1))[0] == 413
        assert send(listen, b"no json")[0] == 400
        assert send(listen, event(3, at="when"))[0] == 400
        assert not collector.events
        assert send(listen, body, path="/events?x=1", method="PUT")[0] == 204
        assert send(listen, body, {"X-Signature": "sha256=" + signed(body)["X-Signature"].upper()})[0] == 204
        until(lambda: host.report().get("skipped") == 2)
    assert {each["id"] for each in collector.events} == {"1"}


def test_a_sender_waits_for_the_commit(folder):
    collector = FakeCollector(folder.address)
    collector.is_mute = True
    collector.start()
    listen = address()
    with template(folder, listen):
        until(lambda: listening(listen))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sent = pool.submit(send, listen, event(7))
            until(lambda: collector.unanswered)
            time.sleep(0.3)
            assert not sent.done()
            collector.stop()
            collector.is_mute = False
            collector.start()
            assert sent.result(30)[0] == 204
        assert [each["id"] for each in collector.events] == ["7"]
    collector.stop()


def test_out_of_credit_senders_are_told_to_come_again(folder):
    """The collector takes nothing: a queue's worth waits, the others get 503, and nobody is lost."""
    collector = FakeCollector(folder.address, credit=1)
    collector.is_mute = True
    collector.start()
    listen = address()
    with template(folder, listen) as host:
        until(lambda: listening(listen))
        with concurrent.futures.ThreadPoolExecutor(340) as pool:
            # A batch is under way before the crowd comes: the credit is used up, and nothing more is taken from the queue.
            first = [pool.submit(send, listen, event(0), timeout=90)]
            until(lambda: collector.unanswered)
            first += [pool.submit(send, listen, event(n), timeout=90) for n in range(1, 330)]
            until(lambda: sum(each.done() for each in first) >= 73, what=lambda: str(sum(each.done() for each in first)))
            refused = [each.result() for each in first if each.done()]
            assert len(refused) == 73  # all but the one under way and the queue's 256
            assert {status for status, _ in refused} == {503}
            assert {headers["Retry-After"] for _, headers in refused} == {"5"}
            assert host.process.poll() is None
            collector.stop()
            collector.is_mute, collector.credit = False, 256 * 1024
            collector.start()
            statuses = [each.result(60)[0] for each in first]
        assert statuses.count(204) == 257 and statuses.count(503) == 73
        assert len({each["id"] for each in collector.events}) == statuses.count(204)
    collector.stop()


def test_told_to_stop_it_answers_those_who_wait(folder):
    collector = FakeCollector(folder.address)
    collector.is_mute = True
    collector.start()
    listen = address()

    def attempt(n):
        try:
            return send(listen, event(n))[0]
        except http.client.RemoteDisconnected:
            return None  # it had not been read yet

    with template(folder, listen) as host:
        until(lambda: listening(listen))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(attempt, n) for n in range(4)]
            until(lambda: collector.unanswered)
            host.stop()
            statuses = [each.result(20) for each in sent]
            assert 503 in statuses and set(statuses) <= {503, None}
    collector.stop()


def test_killed_at_any_moment_nothing_is_lost(folder, collector, chance):
    """A sender that is not answered, or with 503, sends again: in the end each event is there, however often it came."""
    listen, left, kills = address(), set(range(200)), 0
    while left:
        with template(folder, listen) as host:
            until(lambda: listening(listen))
            stop = time.monotonic() + (0.02 + chance.random() * 0.15 if kills < 8 else 60)

            def attempt(n, stop=stop):
                while time.monotonic() < stop:
                    try:
                        return n if send(listen, event(n), timeout=5)[0] == 204 else None
                    except (OSError, http.client.HTTPException):
                        return None
                return None

            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                sent = [pool.submit(attempt, n) for n in sorted(left)]
                if kills < 8:
                    time.sleep(max(0, stop - time.monotonic()))
                    host.process.kill()
                    host.wait()
                left -= {each.result() for each in sent}
            kills += 1
    assert kills >= 2
    assert {int(each["id"]) for each in collector.events} == set(range(200))


def test_what_was_sent_is_recorded_and_plays_back(folder):
    """`tendon plugin try`, as a vendor does: listens for a while, and then needs nobody who sends."""
    listen, tape = address(), os.path.join(folder.path, "tape.ndjson")
    options = folder.write("options.json", json.dumps({"listen": listen, "secret": folder.write("secret", KEY.decode())}))
    command = [built("tendon"), "plugin", "try", built("template-push.so"), "--options", options]
    environment = {**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")}
    with subprocess.Popen([*command, "--record", tape, "--for", "4s"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment) as trial:
        until(lambda: listening(listen))
        assert [send(listen, event(n), path=f"/events?n={n}")[0] for n in range(3)] == [204] * 3
        recorded = trial.communicate(timeout=60)[0]
    assert trial.returncode == 0 and len(recorded.splitlines()) == 3
    with open(tape, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert [json.loads(line["push"]["body"])["id"] for line in lines[1:]] == [0, 1, 2]
    assert [line["push"]["query"] for line in lines[1:]] == ["n=0", "n=1", "n=2"]
    assert "x-signature" in {name.lower() for name in lines[1]["push"]["headers"]}
    done = subprocess.run([*command, "--replay", tape], capture_output=True, env=environment, check=True, timeout=60)
    assert done.stdout == recorded


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "desk.example:80",
                                    "unix:relative", "unix:/" + "x" * 120, "[::]:80"])
def test_where_it_may_listen(folder, collector, listen):
    with template(folder, listen) as host:
        assert host.wait() == 78
        assert "option listen" in host.report()["message"]


def test_an_address_that_is_taken(folder, collector):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with template(folder, "127.0.0.1:%d" % other.getsockname()[1]) as host:
            assert host.wait() == 75
            assert host.report()["state"] == "retrying" and "in use" in host.report()["message"]
