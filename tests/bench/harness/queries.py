"""Timing Tendon's answers: one after the other, and in an open loop."""
import queue
import threading
import time

from harness.collector import Asker
from harness.common import RUNS, fail, median, say
from harness.questions import QUESTIONS, command, question

CONNECTIONS = 4


def query_times(bench, collector):
    """From sending on an open connection to the last byte of the answer; and `tendon query` from exec to exit."""
    say("asking")
    for name in QUESTIONS:
        runs, shells, rows = [], [], 0
        for run in range(RUNS):
            answer = collector.ask(question(name, run))
            rows = len(answer["rows"])
            if rows == 0:
                fail(f"{name} has no rows")
            runs.append(answer["ms"])
        for run in range(RUNS):
            begin = time.perf_counter()
            collector.tendon(*command(name, run))
            shells.append((time.perf_counter() - begin) * 1000)
        bench.result.setdefault("query_ms", {}).setdefault("tendon", {})[name] = median(runs)
        bench.put("cli_ms", name, median(shells))
        say(f"  {name} {median(runs):9.2f} ms, {rows} rows; as a command {median(shells):.1f} ms")


class OpenLoop:
    """Ten questions a second whether or not the ones before are answered, over a few connections. A time runs from
    the instant a question was due, so one that waits for another counts."""

    PER_SECOND = 10
    NAMES = [name for name in QUESTIONS if name != "Q7"]

    def __init__(self, bench, collector):
        self.askers = [Asker(bench.build, collector.control) for _ in range(CONNECTIONS)]
        for asker in self.askers:
            asker.ask(question("Q1", 0))
        self.due = queue.Queue()
        self.times = []
        self.stopping = None
        self.clock = None
        self.threads = []
        self.asked = 0

    def begin(self):
        self.times = []
        self.stopping = threading.Event()
        self.clock = threading.Thread(target=self.tick)
        self.threads = [threading.Thread(target=self.work, args=(asker,)) for asker in self.askers]
        for thread in [self.clock, *self.threads]:
            thread.start()

    def tick(self):
        next_ns = time.monotonic_ns()
        while not self.stopping.is_set():
            name = self.NAMES[self.asked % len(self.NAMES)]
            self.due.put((next_ns, question(name, self.asked // len(self.NAMES) % 28)))
            self.asked += 1
            next_ns += 1_000_000_000 // self.PER_SECOND
            self.stopping.wait(max(0, (next_ns - time.monotonic_ns()) / 1e9))
        for _ in self.askers:
            self.due.put(None)

    def work(self, asker):
        while (item := self.due.get()) is not None:
            due_ns, body = item
            self.times.append((asker.ask(body)["at_ns"] - due_ns) / 1e6)

    def end(self):
        """The milliseconds of every question asked since begin."""
        self.stopping.set()
        for thread in [self.clock, *self.threads]:
            thread.join()
        if not self.times:
            fail("no question was answered")
        return self.times

    def run(self, seconds):
        self.begin()
        time.sleep(seconds)
        return self.end()

    def close(self):
        for asker in self.askers:
            asker.close()
