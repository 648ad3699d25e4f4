"""kill -9 at random moments while the incident log is loaded: afterwards the same answers, to the digit."""
import os
import random
import signal
import time

import pytest

import reference
from collector import Collector, wait_for
from events import D0, solved_ticket
from tendon_client import Nacked, Timeout

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
