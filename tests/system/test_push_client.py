"""The source in Python that tendon-protocol(7) ends with, taken from the page and run as it stands there."""
import json
import os
import re
import subprocess
import sys
import time

import pytest

from collector import TOP, built, wait_for
from events import D0, SECOND
from tendon_client import Client

# So slow that the middle lasts for seconds, and batches are refused in it: a burst, then so many events a second.
LIMITS = {"events_per_second": 300, "burst": 1000}
N = 4000


@pytest.fixture(name="program")
def fixture_program(tmp_path):
    with open(os.path.join(TOP, "proto", "tendon-protocol.7.scd"), encoding="utf-8") as file:
        example = file.read().split("\n# EXAMPLE\n")[1]
    code = re.search(r"^```\n(.*?)^```$", example, re.M | re.S).group(1)
    assert "\\" not in code, "scdoc takes it for its own: it is not on the page that a reader sees"
    path = tmp_path / "push.py"
    path.write_text(code, encoding="utf-8")
    return str(path)


@pytest.fixture(name="running")
def fixture_running(make_collector):
    collector = make_collector(listen=True, tenants=[{"name": "riverbend", "limits": LIMITS}])
    return collector.start()


@pytest.fixture(name="key_file")
def fixture_key_file(running, tmp_path):
    """As a source's owner makes it, and the operator grants it."""
    path = str(tmp_path / "desk.key")
    public = subprocess.run([built("tendon"), "key", "new", path], check=True, capture_output=True, text=True).stdout.strip()
    running.cli("key", "grant", public, "--tenant", "riverbend", "--source", "desk")
    return path


def lines(start, end):
    return "".join(json.dumps({"type": "ticket.created", "id": f"e{n}", "at": D0 + n * SECOND, "ticket": f"T-{n}", "vendor": "acme",
                               "category": f"category {n % 50}"}) + "\n" for n in range(start, end))


class Push:
    def __init__(self, program, running, key_file, events, source="desk"):
        self.process = subprocess.Popen([sys.executable, program, running.endpoint, running.server_key(), key_file, source, str(events)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def end(self):
        err = self.process.communicate(timeout=90)[1]
        return self.process.returncode, err


def shown(running):
    """Events taken, known before, and refused."""
    source = running.call("source.show", source="desk")
    return source["accepted"], source["duplicates"], source["rejected"]


def over_rate(running):
    """Batches refused because the tenant sends too much."""
    return next(row for row in running.call("status")["servers"] if row["server"] == "data")["over_rate"]


def test_each_event_is_there_once_whatever_is_restarted(running, program, key_file, tmp_path):
    events = tmp_path / "events.ndjson"
    whole = lines(0, N)
    events.write_text(whole[:-20])  # the last one is still being written
    with Push(program, running, key_file, events) as push:
        wait_for(lambda: running.accepted("desk") > 600 and over_rate(running) > 0)
        running.kill()
        running.start()
        assert 600 < running.accepted("desk") < N - 1, "not in the middle"
        wait_for(lambda: running.accepted("desk") > 1400)
        push.process.kill()
    assert running.accepted("desk") < N - 1, "not in the middle"
    with Push(program, running, key_file, events) as push:
        wait_for(lambda: running.accepted("desk") > 2200)
        assert running.stop() == 0
        time.sleep(0.2)
        running.start()
        status, err = push.end()
        assert status == 0, err
    assert shown(running) == (N - 1, 0, 0)
    with open(events, "a", encoding="utf-8") as file:
        file.write(whole[-20:])
    for _ in range(2):  # the second time there is nothing to do
        with Push(program, running, key_file, events) as push:
            assert push.end() == (0, "")
    assert shown(running) == (N, 0, 0)
    assert running.value("tickets_created", where="vendor=acme") == N


def test_a_reset_source_sends_all_again(running, program, key_file, tmp_path):
    events = tmp_path / "events.ndjson"
    events.write_text(lines(0, 300))
    for _ in range(2):
        with Push(program, running, key_file, events) as push:
            assert push.end() == (0, "")
        assert running.value("tickets_created") == 300
        running.cli("source", "reset", "desk", "--yes")
        running.wait_refolded()
        assert running.value("tickets_created") == 0


def test_what_is_refused_is_said(running, program, key_file, tmp_path):
    events = tmp_path / "events.ndjson"
    events.write_text(lines(0, 3) + json.dumps({"type": "ticket.created", "id": "x", "at": D0, "ticket": "T-9", "severity": 9}) + "\n")
    with Push(program, running, key_file, events) as push:
        assert push.end() == (0, "batch 1, event 3: out_of_range\n")
    with Push(program, running, key_file, events, source="another") as push:
        status, err = push.end()
        assert status == 1 and "unknown_source" in err
    assert shown(running) == (3, 0, 1)


def test_taken_over_by_another_it_stops(running, program, key_file, tmp_path):
    """A client that the page's reader might write says HELLO with the same key: the program is told, and ends."""
    events = tmp_path / "events.ndjson"
    events.write_text(lines(0, N))
    with Push(program, running, key_file, events) as push:
        wait_for(lambda: running.accepted("desk") > 0)
        with open(key_file, encoding="utf-8") as file:
            keys = re.findall(r'-key = "(.*)"', file.read())
        with Client(running.endpoint, running.server_key(), tuple(key.encode() for key in keys)) as other:
            other.hello("desk")
            status, err = push.end()
    assert status == 1 and err.startswith("superseded: ")
