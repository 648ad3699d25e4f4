"""The line between a site and the centre is cut twenty times, and both ends are killed and run out of disk, while events come: at
the end both ends answer the same, nothing is missing and nothing is there twice."""
import os
import random
import subprocess
import time

import pytest

from collector import wait_for
from events import D0, event, message, solved_ticket
from forwarding import Tree, forwarding
from tendon_client import Nacked, Timeout
from test_disk_full import fill, volume  # noqa: F401  (a fixture)

MINUTE, HOUR = 60_000, 3_600_000
METRICS = ["tickets_created", "tickets_solved", "full_resolution_time.p50", "full_resolution_time.p90", "first_response_time.avg",
           "reopen_rate", "csat", "backlog"]
CUTS = 20


class Line:
    """A namespace of its own for the centre, and a pair of interfaces to it."""

    def __init__(self):
        number = os.getpid() % 200 + 20
        self.space, self.near, self.far = f"tendon-{os.getpid()}", f"tn{os.getpid() % 100000}a", f"tn{os.getpid() % 100000}b"
        self.here, self.there = f"10.213.{number}.1", f"10.213.{number}.2"

    def make(self):
        for command in (["netns", "add", self.space], ["link", "add", self.near, "type", "veth", "peer", "name", self.far],
                        ["link", "set", self.far, "netns", self.space], ["addr", "add", f"{self.here}/24", "dev", self.near],
                        ["link", "set", self.near, "up"], ["-n", self.space, "addr", "add", f"{self.there}/24", "dev", self.far],
                        ["-n", self.space, "link", "set", self.far, "up"], ["-n", self.space, "link", "set", "lo", "up"]):
            done = self.ip(*command)
            if done.returncode != 0:
                self.remove()
                pytest.skip(f"network namespaces cannot be made here: {done.stderr.strip()}")

    @staticmethod
    def ip(*arguments):
        try:
            return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no ip (iproute2) here")

    def cut(self):
        assert self.ip("link", "set", self.near, "down").returncode == 0

    def mend(self):
        assert self.ip("link", "set", self.near, "up").returncode == 0

    def remove(self):
        self.ip("link", "del", self.near)
        self.ip("netns", "del", self.space)


@pytest.fixture
def line():
    if os.getuid() != 0:
        pytest.skip("needs root, to make network namespaces")
    made = Line()
    made.make()
    yield made
    made.remove()


def story(n):
    """What happens to one ticket, now and then late."""
    at = D0 + n * MINUTE
    events = [*solved_ticket(f"t{n}", at, 600 + n % 7, vendor=("acme", "globex", "initech")[n % 3], team=f"team {n % 5}",
                             severity=n % 4 + 1), message(f"t{n}", "out", at + 30_000 + n)]
    if n % 3 == 0:
        events.append(event("survey.response", f"t{n}", at + HOUR, instrument="csat", score=n % 5 + 1, min=1, max=5))
    if n % 5 == 0:
        events.append(event("ticket.status", f"t{n}", at + 2 * HOUR, to="open"))
    return events


class Feed:
    """A source that goes on, whatever becomes of the collector."""

    def __init__(self, collector, chance):
        self.collector, self.chance = collector, chance
        self.keys = collector.grant("desk", types=["ticket.*", "survey.*"])
        self.waiting, self.n, self.client = [], 0, None

    def close(self):
        if self.client:
            self.client.close()
        self.client = None

    def some(self, n):
        """Sends n tickets, each event at some time; what is not acknowledged comes again."""
        for _ in range(n):
            self.waiting += story(self.n)
            self.n += 1
        self.chance.shuffle(self.waiting)
        events, self.waiting = self.waiting[n:], self.waiting[:n]
        self.send(events)

    def send(self, events):
        try:
            if not self.client:
                self.client = self.collector.connect(self.keys)
                self.client.hello("desk", timeout=5)
            self.client.send(events)
            return True
        except (Timeout, Nacked):
            self.close()
            self.waiting += events
            return False

    def rest(self):
        while self.waiting:
            events, self.waiting = self.waiting, []
            if not self.send(events):
                time.sleep(0.2)


def same_answers(site, centre, n):
    now = {"now": "2024-06-01T00:00:00Z"}
    assert site.value("tickets_created") == n
    for by in ([], ["vendor"], ["team"], ["severity"], ["employer"], ["team", "vendor"]):
        ours, theirs = (each.query(METRICS, by=by, tenant="riverbend", **now) for each in (site, centre))
        assert ours["rows"] == theirs["rows"], by
        for name in ("orphans", "conflicts", "excluded"):
            assert ours["meta"].get(name) == theirs["meta"].get(name)
    for each in (site, centre):
        each.call("tenant.reindex", tenant="riverbend")
        each.wait_refolded("riverbend")
    for by in ([], ["team", "vendor"]):
        assert site.query(METRICS, by=by, **now)["rows"] == centre.query(METRICS, by=by, tenant="riverbend", **now)["rows"]
    ours = site.call("source.show", source="desk")
    theirs = centre.call("source.show", tenant="riverbend", source="north/desk")
    for name in ("accepted", "duplicates", "last_seq", "generation"):
        assert ours[name] == theirs[name], name


def test_the_line_is_cut_twenty_times(line, chance):
    with Tree() as tree:
        centre = tree.centre
        centre.stop()
        centre.wrapper = ["ip", "netns", "exec", line.space]
        centre.endpoint = centre.endpoint.replace("127.0.0.1", line.there)
        centre.configuration["listen"] = [centre.endpoint]
        centre.write()
        centre.start()
        site = tree.add("north")
        feed = Feed(site, chance)
        feed.some(300)
        for n in range(CUTS):
            line.cut()
            feed.some(40)
            if n == CUTS // 2:
                site.call("reference.import", table="team", tenant="riverbend",
                          rows=[{"key": f"team {k}", "employer": ("acme", "globex")[k % 2], "tier": k % 3} for k in range(5)])
            time.sleep(7 if n == 11 else chance.uniform(0.05, 0.6))  # once longer than a peer is taken for alive
            line.mend()
            feed.some(10)
            time.sleep(chance.uniform(0, 0.4))
        feed.rest()
        feed.close()
        tree.wait()
        same_answers(site, centre, 300 + 50 * CUTS)
        assert forwarding(site)["state"] == "up_to_date"


def test_both_ends_are_killed_and_the_disk_is_full(volume, chance):  # noqa: F811
    with Tree({"data": str(volume / "data")}) as tree:
        centre, site = tree.centre, tree.add("north")
        feed = Feed(site, chance)
        feed.some(100)
        filler = None
        for n in range(12):
            feed.some(60)
            time.sleep(chance.uniform(0, 0.5))
            if n == 4:
                filler = fill(volume, 100 * 1024 * 1024)
            if n == 7:
                filler.unlink()
            for victim in chance.sample([site, centre], chance.choice([1, 1, 2])):
                victim.kill()
                victim.start()
            if n == 6:
                site.call("source.reset", source="desk")  # all of it is to come again
                feed.close()
                feed.waiting = [e for k in range(feed.n) for e in story(k)]
        feed.rest()
        feed.close()
        tree.wait(seconds=120)
        site.wait_refolded()
        same_answers(site, centre, 100 + 12 * 60)
