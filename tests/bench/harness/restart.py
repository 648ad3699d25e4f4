"""A collector of a thousand tenants that is killed while some of them send."""
import threading
import time

from harness import wire
from harness.collector import Collector
from harness.common import fail, median, say

TENANTS = 1000
SENDERS = 20
BATCHES, EVENTS = 5, 100  # that each tenant has before
ENDPOINT = "tcp://127.0.0.1:17782"
PATIENCE = 120


class Sender(threading.Thread):
    """Sends batches, one at a time, on a connection that it never gives up; a lost answer is asked for again after 50 ms."""

    def __init__(self, server_key, tenant, keys):
        super().__init__(daemon=True)
        self.tenant, self.stopping, self.failure = tenant, threading.Event(), None
        self.client = wire.client().Client(ENDPOINT, server_key, keys)
        self.acked = self.client.hello("desk", session=1)["last_seq"]
        self.since = self.resumed = 0  # ns: the first acknowledgement after `since`

    def hello(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                found = self.client.hello("desk", session=1, timeout=0.05)["last_seq"]
            except wire.client().Timeout:
                continue
            if found not in (self.acked, self.acked + 1):
                fail(f"{self.tenant}: {self.acked} batches were acknowledged, {found} are there")
            self.acked = found
            return
        fail(f"{self.tenant}: no answer")

    def run(self):
        try:
            while not self.stopping.is_set():
                self.client.send_raw(wire.batch(self.acked + 1, self.tenant, EVENTS))
                try:
                    kind, _, body = self.client.receive(0.05)
                except wire.client().Timeout:
                    self.hello()
                    continue
                if kind == "ACK" and body.get("seq") == self.acked + 1 and not body.get("repeat"):
                    self.acked += 1
                    if self.since and not self.resumed:
                        self.resumed = time.monotonic_ns()
                else:
                    self.hello()
        except Exception as error:  # said when all are joined
            self.failure = error


def fill(operator, server_key, names):
    """Some events of each tenant; its source's keys."""
    keys = {}
    for name in names:
        keys[name] = wire.grant(operator, name, "source")
        with wire.client().Client(ENDPOINT, server_key, keys[name]) as client:
            client.hello("desk")
            for seq in range(1, BATCHES + 1):
                client.send_raw(wire.batch(seq, name, EVENTS))
                if client.receive()[0] != "ACK":
                    fail(f"a batch of {name} was not taken")
    return keys


def restart(bench):
    """1,000 tenants, of which 20 send when the collector is killed: from the kill to the first answer after a restart at once, and
    to the next acknowledgement of each that sends; nothing acknowledged is lost. And how long the very first start took."""
    bench.begin("restart", ())
    names = [f"tenant-{n}" for n in range(TENANTS if bench.settle_seconds else 2 * SENDERS)]
    collector = Collector(bench.base, "restart", bench.loads, [("none", name) for name in names], listen=ENDPOINT)
    for tenant in collector.configuration["tenants"]:
        tenant["limits"] = {"stored_bytes": "1GiB"}
    collector.write_configuration()
    senders, operator = [], None
    try:
        say(f"restart: {len(names)} tenants")
        begin = collector.launch()
        made = (collector.ask({"tenant": "main", "metrics": ["tickets_created"]})["at_ns"] - begin) / 1e6
        server_key = collector.tendon("key", "server").strip()
        operator = wire.client().Client(collector.control)
        keys = fill(operator, server_key, names)
        senders = [Sender(server_key, name, keys[name]) for name in names[:SENDERS]]
        for sender in senders:
            sender.start()
        time.sleep(2)
        say("restart: kill -9")
        killed = time.monotonic_ns()
        collector.kill()
        for sender in senders:
            sender.since = killed
        collector.launch()
        answered = collector.ask({"tenant": "main", "metrics": ["tickets_created"]})["at_ns"]
        end = time.monotonic() + PATIENCE
        while not all(sender.resumed for sender in senders) and not any(sender.failure for sender in senders):
            if time.monotonic() > end:
                fail("not all sources go on")
            time.sleep(0.01)
        gaps = finish(collector, senders, killed)
        bench.result["restart"] = {"tenants": len(names), "made_ms": round(made, 1), "answer_ms": round((answered - killed) / 1e6, 1),
                                   "acknowledged_ms": {"p50": median(gaps, 1), "max": round(max(gaps), 1)}}
        say(f"  an answer after {bench.result['restart']['answer_ms']} ms; all 20 go on after {round(max(gaps), 1)} ms")
    finally:
        for sender in senders:
            sender.stopping.set()
        for sender in senders:
            sender.join(PATIENCE)
            sender.client.close()
        if operator:
            operator.close()
        collector.stop()
    bench.end("restart")


def finish(collector, senders, killed):
    """Ends the senders and counts; milliseconds from the kill to each's first acknowledgement after it."""
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join(PATIENCE)
        if sender.failure:
            raise sender.failure
    with wire.client().Client(collector.control) as operator:
        for sender in senders:
            found = wire.tickets(operator, sender.tenant)
            if found != sender.acked * EVENTS:
                fail(f"{sender.tenant}: {found} tickets instead of {sender.acked * EVENTS}")
    return [(sender.resumed - killed) / 1e6 for sender in senders]
