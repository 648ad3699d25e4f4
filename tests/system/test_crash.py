"""kill -9 at random moments while the incident log is loaded: afterwards the same answers, to the digit."""
import os
import random
import signal
import threading
import time

import pytest

import reference
from collector import Collector, wait_for
from events import D0, created, solved_ticket
from tendon_client import Client, Nacked, Timeout

ROUNDS, ROUNDS_LONG = 20, 200
ROWS = 30_000  # of the log: enough to be killed in the middle of it
PATIENCE = 90


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    """A part of the incident log, and what a collector that nobody disturbs makes of it."""
    header, lines = reference.incident_lines()
    path = tmp_path_factory.mktemp("crash") / "part.csv"
    path.write_text(header + "".join(lines[:ROWS]), encoding="utf-8", newline="")
    with Collector(plugins=[plugin(path)]) as collector:
        began = time.monotonic()
        wanted = reference.n_events(lines[:ROWS])
        wait_for(lambda: collector.sent("desk") >= wanted, PATIENCE)
        seconds = time.monotonic() - began
        return {"path": path, "n": collector.accepted("desk"), "answers": reference.all_answers(collector.query), "seconds": max(seconds, 0.2)}


def plugin(path):
    return {"source": "desk", "plugin": "servicenow", "options": {"path": str(path)}}


def kill_something(collector, chance):
    """Collector, plugin host, or both, with no warning."""
    what = chance.choice(("collector", "host", "both"))
    hosts = collector.hosts()
    if what != "collector" and hosts:
        for pid in hosts if what == "both" else [chance.choice(hosts)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    if what != "host":
        collector.kill()
        collector.spawn()
    return what


def one_round(part, chance):
    with Collector(plugins=[plugin(part["path"])]) as collector:
        did = []
        for _ in range(chance.randint(1, 3)):
            time.sleep(chance.uniform(0, part["seconds"]))
            did.append(kill_something(collector, chance))
        collector.wait_ready()
        collector.wait_accepted("desk", part["n"], seconds=PATIENCE)
        assert reference.all_answers(collector.query) == part["answers"], did
        return did


def test_killed_once(part, seed):
    one_round(part, random.Random(seed))


@pytest.mark.rounds
def test_killed_again_and_again(part, seed, long):
    done = {}
    for n in range(ROUNDS_LONG if long else ROUNDS - 1):
        try:
            for what in one_round(part, random.Random(f"{seed}/{n}")):
                done[what] = done.get(what, 0) + 1
        except AssertionError as error:
            raise AssertionError(f"round {n}: {error}") from error
    assert set(done) == {"collector", "host", "both"}, done


def test_killed_under_a_client(make_collector, chance):
    """A client that sends again what was not acknowledged: every event counted once."""
    collector = make_collector(listen=True).start()
    keys = collector.grant("client")
    key = collector.server_key()
    client = collector.connect(keys)
    client.hello("client")
    n_batches, sent = 60, 0
    kills = set(chance.sample(range(n_batches), 4))
    while sent < n_batches:
        events = [event for n in range(20) for event in solved_ticket(f"k-{sent}-{n}", D0 + sent * 1000)]
        client.send_message("BATCH", {"seq": client.last_seq + 1, "events": events, "cursor": str(sent + 1).encode()})
        if sent in kills:
            kills.discard(sent)
            time.sleep(chance.uniform(0, 0.02))
            collector.kill()
            collector.start()
            assert collector.server_key() == key
            client.close()
            client = collector.connect(keys)
            welcome = client.hello("client")
            assert welcome["last_seq"] in (sent, sent + 1)
            assert welcome["cursor"] == (str(welcome["last_seq"]).encode() if welcome["last_seq"] else b"")
            sent = welcome["last_seq"]
            continue
        try:
            kind, _, body = client.receive(30)
        except Timeout:
            pytest.fail("no answer")
        if kind == "NACK":
            raise Nacked(body)
        client.last_seq = sent = sent + 1
    client.close()
    row = collector.query("tickets_created,resolutions,first_response_time.avg")["rows"][0]
    assert row["tickets_created"] == row["resolutions"] == n_batches * 20
    assert collector.accepted("client") == n_batches * 60


class Supervisor(threading.Thread):
    """Starts tendond again when it has ended, as the unit does."""

    def __init__(self, collector):
        super().__init__()
        self.collector, self.stopping, self.n_starts = collector, threading.Event(), 0

    def run(self):
        while not self.stopping.wait(0.02):
            if self.collector.process.poll() is not None:
                self.collector.spawn()
                self.n_starts += 1

    def __exit__(self, *_):
        self.stopping.set()
        self.join()

    def __enter__(self):
        self.start()
        return self


class Sender(threading.Thread):
    """A tenant's source, on one connection that it never gives up. What was acknowledged must be there after each restart."""

    SIZE = 20

    def __init__(self, collector, tenant, stopping):
        super().__init__()
        self.tenant, self.stopping, self.failure = tenant, stopping, None
        self.acked = self.n_hellos = 0
        self.client = Client(collector.endpoint, collector.server_key(), collector.grant("desk", tenant, name=tenant))

    def hello(self):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                welcome = self.client.hello("desk", session=1, timeout=1)
                break
            except Timeout:
                assert time.monotonic() < end, "no answer to HELLO"
        self.n_hellos += 1
        assert welcome["last_seq"] in (self.acked, self.acked + 1), f"{self.acked} batches were acknowledged, {welcome['last_seq']} are there"
        self.acked = welcome["last_seq"]

    def send_one(self):
        events = [created(f"{self.acked}-{n}", D0 + n, event_id="c") for n in range(self.SIZE)]
        kind, body = self.client.ask("BATCH", {"seq": self.acked + 1, "events": events}, timeout=1)
        if kind == "ACK" and not body.get("repeat"):
            assert body["seq"] == self.acked + 1 and body["accepted"] == self.SIZE
            self.acked += 1
        else:
            assert body.get("repeat") or body["code"] == "hello_required", body
            self.hello()

    def run(self):
        try:
            self.hello()
            while not self.stopping.is_set():
                try:
                    self.send_one()
                except Timeout:
                    self.hello()
        except Exception as error:  # every one of them is the test's failure
            self.failure = error
        finally:
            self.client.close()


def test_a_supervised_restart_under_load(make_collector, chance):
    """Eight tenants send while tendond is killed and started again: none of them loses what was acknowledged, none has anything
    twice, and all go on, on the connections that they had."""
    tenants = [f"tenant-{n}" for n in range(8)]
    collector = make_collector(listen=True, tenants=[{"name": name} for name in tenants]).start()
    stopping = threading.Event()
    senders = [Sender(collector, name, stopping) for name in tenants]
    collector.forget()

    def all_sent(more):
        before = {sender: sender.acked for sender in senders}
        wait_for(lambda: any(sender.failure for sender in senders) or all(sender.acked >= before[sender] + more for sender in senders),
                 PATIENCE, lambda: f"{[sender.acked for sender in senders]}\n{collector.log()[-2000:]}")

    with Supervisor(collector) as supervisor:
        for sender in senders:
            sender.start()
        for n in range(1, 5):
            all_sent(chance.randint(1, 10))
            os.kill(collector.process.pid, signal.SIGKILL)
            wait_for(lambda: supervisor.n_starts == n, PATIENCE)
        all_sent(5)
        stopping.set()
        for sender in senders:
            sender.join(PATIENCE)
    assert [sender.failure for sender in senders] == [None] * 8
    assert all(sender.n_hellos >= 5 for sender in senders), "each restart is noticed by its hello_required only"
    collector.wait_ready()
    for sender in senders:
        assert collector.value("tickets_created", tenant=sender.tenant) == sender.acked * Sender.SIZE
