"""Twenty tenants that send and ask at their own pace, alone and beside one at a hundred times its limit."""
import collections
import heapq
import itertools
import multiprocessing
import time

from harness import wire
from harness.collector import Collector
from harness.common import fail, median, percentile, say

NORMALS = 20
BATCH_EVENTS = 10
BATCH_EVERY = 0.1  # seconds, of each
ASK_EVERY = 0.5
LIMIT = 1000  # events a second, of the greedy one
QUESTIONS = 2  # at once, likewise
ASK_AGAIN = 0.2  # seconds after an answer: a thousand questions a second
TIMES = 100
GREEDY_EVENTS = 100  # in its batches
PHASES = ("alone", "events", "questions")  # the greedy one does nothing; sends; sends and asks
ROUNDS = 5  # of all three: the machine and its disk have other guests
SECONDS = 5  # of each
ANSWER_SECONDS = 60


class Normal:
    """One tenant's source and reader. A time runs from the instant a batch or question was due."""

    def __init__(self, name, endpoint, server_key, keys, reader_keys):
        client = wire.client()
        self.name, self.seq, self.waiting, self.asked, self.refused = name, 0, [], {}, 0
        self.source, self.reader = (client.Client(endpoint, server_key, pair) for pair in (keys, reader_keys))
        self.source.hello("desk")
        self.reader.query(**wire.QUESTION)

    def send(self, due):
        """Its batches one after the other: what is due meanwhile waits."""
        self.waiting.append(due)
        if len(self.waiting) == 1:
            self.send_next()

    def send_next(self):
        if self.waiting:
            self.source.send_raw(wire.batch(self.seq + 1, self.name, BATCH_EVENTS))

    def take_ack(self, now, acks):
        kind, _, body = self.source.receive(0)
        if kind == "ACK" and body["accepted"] == BATCH_EVENTS:
            acks.append((now - self.waiting.pop(0)) * 1000)
            self.seq += 1
        else:
            self.refused += 1
        self.send_next()

    def ask(self, due):
        self.asked[self.reader.send_message("QUERY", wire.QUESTION)] = due

    def take_answer(self, now, answers):
        kind, request, _ = self.reader.receive(0)
        if kind == "RESULT":
            answers.append((now - self.asked.pop(request)) * 1000)
        else:
            self.asked.pop(request)
            self.refused += 1

    def close(self):
        self.source.close()
        self.reader.close()


def run_normals(normals, seconds):
    """All of them for so long: milliseconds of each acknowledgement, of each answer."""
    import zmq  # as wire.client
    poller, sockets, acks, answers = zmq.Poller(), {}, [], []
    for normal in normals:
        sockets[normal.source.socket] = (normal.take_ack, acks)
        sockets[normal.reader.socket] = (normal.take_answer, answers)
    for each in sockets:
        poller.register(each, zmq.POLLIN)
    begin = time.monotonic()
    order = itertools.count()
    due = []
    for i, normal in enumerate(normals):
        heapq.heappush(due, (begin + i * BATCH_EVERY / len(normals), next(order), normal.send, BATCH_EVERY))
        heapq.heappush(due, (begin + (i + 0.5) * ASK_EVERY / len(normals), next(order), normal.ask, ASK_EVERY))
    while due or any(normal.waiting or normal.asked for normal in normals):
        now = time.monotonic()
        while due and due[0][0] <= now:
            at, _, act, every = heapq.heappop(due)
            act(at)
            if at + every < begin + seconds:
                heapq.heappush(due, (at + every, next(order), act, every))
        for each, _ in poller.poll(max(0, (due[0][0] - time.monotonic()) * 1000) if due else 100):
            take, times = sockets[each]
            take(time.monotonic(), times)
        if time.monotonic() > begin + seconds + ANSWER_SECONDS:
            fail("a normal tenant's batches or questions are not answered")
    return acks, answers


def be_greedy(endpoint, server_key, keys, reader_keys, going, asking, stop, found):
    """Sends TIMES what it may and waits for nothing: a refused batch comes again at once. While asking is set it has TIMES the
    questions under way that it may, each asked again soon after it was answered or refused."""
    client = wire.client()
    source, reader = (client.Client(endpoint, server_key, pair) for pair in (keys, reader_keys))
    source.hello("desk")
    taken = refused = offered = busy = answered = 0
    seq, message = 1, wire.batch(1, "greedy", GREEDY_EVENTS)
    begin, seconds = time.monotonic(), 0.0
    due = collections.deque([begin] * (QUESTIONS * TIMES))  # when each of its questions is asked again
    while not stop.is_set():
        if not going.is_set():  # and then on from here
            seconds += time.monotonic() - begin
            going.wait()
            begin = time.monotonic()
        wanted = int((seconds + time.monotonic() - begin) * LIMIT * TIMES) // GREEDY_EVENTS
        for _ in range(min(wanted - offered, 50)):
            source.send_raw(message)
            offered += 1
        while asking.is_set() and due and due[0] <= time.monotonic():
            due.popleft()
            reader.send_message("QUERY", wire.QUESTION)
        while source.socket.poll(0):
            kind, _, body = source.receive(0)
            if kind == "ACK" and not body.get("repeat"):
                taken += body["accepted"]
                seq, message = body["seq"] + 1, wire.batch(body["seq"] + 1, "greedy", GREEDY_EVENTS)
            elif kind == "NACK":
                refused += 1
        while reader.socket.poll(0):
            kind, _, _ = reader.receive(0)
            answered, busy = answered + (kind == "RESULT"), busy + (kind != "RESULT")
            due.append(time.monotonic() + ASK_AGAIN)
        time.sleep(0.005)
    seconds += time.monotonic() - begin
    found.put({"limit_per_s": LIMIT, "offered_per_s": round(offered * GREEDY_EVENTS / seconds), "taken_per_s": round(taken / seconds),
               "refused_batches": refused, "questions_answered": answered, "questions_refused": busy})
    source.close()
    reader.close()


def figures(name, rounds):
    """Of times by phase: all rounds together, and the median of the rounds' ratios of p99 to that alone."""
    made = {}
    for phase in PHASES:
        times = [ms for each in rounds for ms in each[phase]]
        made[phase] = {"p50": round(percentile(times, 50), 3), "p99": round(percentile(times, 99), 3), "n": len(times)}
        if phase != "alone":
            ratios = [percentile(each[phase], 99) / percentile(each["alone"], 99) for each in rounds]
            made[phase].update({"ratio": median(ratios, 2), "ratios": [round(ratio, 2) for ratio in ratios]})
    say(f"  {name}: p99 {made['alone']['p99']} ms alone; beside its events {made['events']['p99']} ms, {made['events']['ratio']} times; "
        f"and its questions {made['questions']['p99']} ms, {made['questions']['ratio']} times")
    return made


def fairness(bench):
    """20 tenants that send 100 events and ask 2 questions a second each, alone and beside one that offers 100 times the events it
    may send, then also has 100 times the questions under way that it may: their p99, and what was refused them."""
    bench.begin("fairness", ())
    seconds, n_rounds = (SECONDS, ROUNDS) if bench.settle_seconds else (1, 2)
    names = [f"normal-{n}" for n in range(NORMALS)]
    collector = Collector(bench.base, "fairness", bench.loads, [("none", name) for name in [*names, "greedy"]],
                          listen="tcp://127.0.0.1:17781")
    for tenant in collector.configuration["tenants"]:
        if tenant["name"] == "greedy":
            tenant["limits"] = {"events_per_second": LIMIT, "burst": LIMIT, "queries": QUESTIONS}
    collector.write_configuration()
    normals, greedy, rounds = [], None, []
    going, asking, stop = (multiprocessing.Event() for _ in range(3))
    found = multiprocessing.Queue()
    try:
        collector.launch()
        collector.ask({"tenant": names[0], "metrics": ["tickets_created"]})
        server_key = collector.tendon("key", "server").strip()
        with wire.client().Client(collector.control) as operator:
            keys = {name: (wire.grant(operator, name, "source"), wire.grant(operator, name, "reader")) for name in [*names, "greedy"]}
        normals = [Normal(name, "tcp://127.0.0.1:17781", server_key, *keys[name]) for name in names]
        greedy = multiprocessing.Process(target=be_greedy,
                                         args=("tcp://127.0.0.1:17781", server_key, *keys["greedy"], going, asking, stop, found))
        greedy.start()
        run_normals(normals, seconds / 2)  # warm
        say(f"fairness: 20 tenants alone, and beside one at {TIMES} times its limit; {n_rounds} times")
        for _ in range(n_rounds):
            rounds.append({})
            for phase in PHASES:
                (going.clear if phase == "alone" else going.set)()
                (asking.set if phase == "questions" else asking.clear)()
                time.sleep(0.3)  # what was under way is over
                rounds[-1][phase] = run_normals(normals, seconds)
        stop.set()
        did = found.get(timeout=ANSWER_SECONDS)
        greedy.join()
        for normal in normals:
            created = collector.ask({"tenant": normal.name, "metrics": ["tickets_created"]})["rows"][0]["tickets_created"]
            if created != normal.seq * BATCH_EVENTS:
                fail(f"{created} tickets instead of {normal.seq * BATCH_EVENTS} in {normal.name}")
        bench.result["fairness"] = {
            "ack_ms": figures("acknowledgements", [{phase: times[0] for phase, times in each.items()} for each in rounds]),
            "question_ms": figures("answers", [{phase: times[1] for phase, times in each.items()} for each in rounds]),
            "refused": sum(normal.refused for normal in normals),
            "greedy": {**did, "times": round(did["offered_per_s"] / LIMIT, 1)},
        }
        say(f"  {bench.result['fairness']['refused']} refused; the greedy one offered {bench.result['fairness']['greedy']['times']} times its limit")
    finally:
        stop.set()
        going.set()
        if greedy and greedy.is_alive():
            greedy.terminate()
        for normal in normals:
            normal.close()
        collector.stop()
    bench.end("fairness")
