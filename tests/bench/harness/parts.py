"""The parts that load: each with a collector of its own on a fresh folder."""
import os
import shutil
import statistics
import subprocess
import threading
import time

from harness.collector import Collector
from harness.common import CLIENTS, check_json, fail, fdatasync_ms, folder_bytes, median, percentile, say
from harness.fairness import fairness
from harness.loads import TENANTS
from harness.peers import Peers
from harness.queries import OpenLoop, query_times
from harness.restart import restart

ACK_PAUSE_US = 2000
KEEP_DAYS = 90
STEADY_DAYS = 60


def sources_of(name, clients=CLIENTS, tenant="main"):
    return [(f"{name}-{index}", tenant) for index in range(clients)]


class Bench:
    """What all parts share: where they may write, the loads, and the result they add to."""

    def __init__(self, base, build, loads, settle_seconds, engines, keeps=False):
        self.base = base
        self.build = build
        self.loads = loads
        self.settle_seconds = settle_seconds
        self.engines = engines  # the peers' names
        self.keeps = keeps  # every part's data, for whoever looks at it afterwards
        self.peers = None  # loaded before, when they are measured too
        self.result = {"events": loads.events}

    def put(self, group, name, value):
        self.result.setdefault(group, {})[name] = value

    def begin(self, part, names):
        """Makes the loads, forgets what earlier clients of them left, and times the disk."""
        for name in names:
            self.loads.get(name)
            self.loads.forget(name)
        self.put("fdatasync_by_part", part, fdatasync_ms(self.base))

    def end(self, part):
        """An earlier part's data is not needed: the disk may be small."""
        if not self.keeps:
            shutil.rmtree(os.path.join(self.base, part), ignore_errors=True)


def settled_bytes(collector, name, seconds):
    """The tenant's bytes on disk once they have stopped to change."""
    path = collector.tenant_folder(name)
    sizes = [folder_bytes(path)]
    for _ in range(seconds):
        time.sleep(1)
        sizes.append(folder_bytes(path))
        if len(sizes) > 20 and len(set(sizes[-8:])) == 1:
            break
    return sizes[-1]


def note_load(bench, part, rate, results):
    bench.put("events_per_s", part, round(rate))
    acks = [ms for result in results for ms in result["ack_ms"]]  # a hundred of each client, which sent equally many
    bench.put("load_ack_ms", part, {"p50": percentile(acks, 50), "p99": percentile(acks, 99)})
    bench.put("cpu_us_per_event", part, results[0]["cpu_us"])
    refused = sum(result["refused"] for result in results)
    if refused:
        bench.put("refused_batches", part, refused)
        say(f"  {refused:,} batches came again: the pool of credit was short")
    say(f"  {rate:,.0f} events/s; {sum(results[0]['cpu_us'].values()):.2f} µs of CPU an event")


def note_memory(bench, part, collector):
    """The first answer folds every hot ticket, which takes memory that loading alone does not."""
    bench.put("rss_mib_by_part", part, {"loading": round(collector.loading_kib / 1024, 1),
                                        "with_first_answer": round(collector.anonymous_kib / 1024, 1)})


def peers(bench):
    """DuckDB, ClickHouse and SQLite on the same events, installed from npm and Debian into build/bench-peers:
    bulk load, durable batches with a check for duplicates, size; the questions, on the raw events and on fact
    tables, once all engines have given the same answers. Brings local along."""
    bench.begin("peers", ("main", "small"))
    bench.peers = Peers(bench, bench.engines)
    bench.peers.load()


def local(bench):
    """Four clients over the local socket; then what is on disk, and the questions."""
    bench.begin("local", ("main", "small"))
    made, small = bench.loads.get("main"), bench.loads.get("small")
    collector = Collector(bench.base, "local", bench.loads, sources_of("main") + [("small-0", "small")])
    try:
        collector.start()
        say("loading: 4 clients over the local socket")
        rate, results = collector.rate("main", CLIENTS, made)
        note_load(bench, "local", rate, results)
        note_memory(bench, "local", collector)
        bench.result["rss_mib"] = bench.result["rss_mib_by_part"]["local"]["loading"]
        collector.rate("small", 1, small, tenants=("small",))
        say("waiting until the store has settled")
        stored = settled_bytes(collector, "main", bench.settle_seconds)
        bench.put("bytes_per_event", "tendon", round(stored / made["events"], 2))
        say(f"  {stored / made['events']:.2f} bytes/event, {bench.result['rss_mib']} MiB")
        if bench.peers:
            bench.peers.compare(collector)
        query_times(bench, collector)
        collector.stop()
        parts = check_json([bench.build.bench("sizes"), collector.tenant_folder("main")])
        bench.result["bytes_per_event_by_part"] = {name: round(size / made["events"], 3)
                                                   for name, size in sorted(parts.items()) if size}
    finally:
        collector.stop()
    bench.end("local")
    if bench.peers:
        bench.peers.time()


def lockstep(bench):
    """One client, one batch at a time: the first quarter of the load."""
    bench.begin("lockstep", ("main",))
    collector = Collector(bench.base, "lockstep", bench.loads, sources_of("main", 1), lockstep=True)
    try:
        collector.start()
        say("loading: one lock-step client over the local socket")
        made = bench.loads.get("main")["clients"][0]
        note_load(bench, "lockstep", *collector.rate("main", 1, made))
    finally:
        collector.stop()
    bench.end("lockstep")


def publish(loads, processes):
    """The results of clients that write them to standard output."""
    for index, process in enumerate(processes):
        if process.wait() == 0:
            os.rename(loads.path("main", f"result-{index}.part"), loads.path("main", f"result-{index}"))


def curve(bench):
    """Four clients over tcp with CURVE."""
    bench.begin("curve", ("main",))
    endpoint = "tcp://127.0.0.1:17780"
    collector = Collector(bench.base, "curve", bench.loads, sources_of("main"), listen=endpoint)
    processes = []
    try:
        collector.start()
        say("loading: 4 clients over tcp and CURVE")
        server_key = collector.tendon("key", "server").strip()
        for index in range(CLIENTS):
            path = os.path.join(collector.folder, f"client-{index}.key")
            collector.tendon("key", "new", path)
            collector.tendon("key", "grant", path, "--tenant", "main", "--source", f"main-{index}",
                             "--types", "ticket.*,survey.*")
            with open(bench.loads.path("main", f"result-{index}.part"), "w", encoding="ascii") as file:
                processes.append(subprocess.Popen(
                    [bench.build.bench("load"), "send", bench.loads.path("main"), str(index), f"main-{index}", endpoint,
                     server_key, path], stdout=file))
        collector.ready("main", CLIENTS)
        threading.Thread(target=publish, args=(bench.loads, processes), daemon=True).start()
        note_load(bench, "curve", *collector.rate("main", CLIENTS, bench.loads.get("main"), processes))
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
        collector.stop()
    bench.end("curve")


def reordered(bench, name, what):
    bench.begin(name, ("main", name))
    collector = Collector(bench.base, name, bench.loads, sources_of(name))
    try:
        collector.start()
        say(f"loading: {what}")
        note_load(bench, name, *collector.rate(name, CLIENTS, bench.loads.get(name)))
        note_memory(bench, name, collector)
    finally:
        collector.stop()
    bench.end(name)
    bench.loads.drop(name)


def sorted_(bench):
    """The same events ticket by ticket: a backfill."""
    reordered(bench, "sorted", "4 clients, the same events sorted by ticket")


def late(bench):
    """In time order, 1 % of them 1 to 400 days late."""
    reordered(bench, "late", "4 clients, 1 % of the events 1 to 400 days late")


def dense(bench):
    """In time order, ten times as many events a day."""
    reordered(bench, "dense", "4 clients, ten times as many events a day")


def tenants100(bench):
    """A hundred tenants at once, a source each, batches of 100."""
    bench.begin("tenants100", ("main", "tenants"))
    names = [f"tenant-{index}" for index in range(TENANTS)]
    collector = Collector(bench.base, "tenants100", bench.loads,
                          [(f"tenants-{index}", name) for index, name in enumerate(names)])
    try:
        collector.start()
        say("loading: 100 tenants at once, batches of 100")
        note_load(bench, "tenants100", *collector.rate("tenants", TENANTS, bench.loads.get("tenants"), tenants=names))
    finally:
        collector.stop()
    bench.end("tenants100")


def lmdb_commits(bench, commits, size, pause_us=0):
    """What LMDB alone does with so many commits of that size, in a new environment."""
    folder = os.path.join(bench.base, "lmdb")
    os.makedirs(folder)
    alone = check_json([bench.build.bench("limit"), "lmdb", folder, str(commits), str(size), str(pause_us)])
    shutil.rmtree(folder)
    return alone


def ack(bench):
    """Batches of one event on an idle collector, beside LMDB's commits of the same bytes."""
    bench.begin("ack", ("main", "ack"))
    made = bench.loads.get("ack")
    collector = Collector(bench.base, "ack", bench.loads, sources_of("ack", 1), lockstep=True, pause_us=ACK_PAUSE_US)
    size = made["bytes"] // made["batches"]
    try:
        collector.start()
        say("acknowledging: batches of one event, idle")
        alone = [lmdb_commits(bench, 1000, size, ACK_PAUSE_US)]
        _, results = collector.rate("ack", 1, made)
        alone.append(lmdb_commits(bench, 1000, size, ACK_PAUSE_US))
    finally:
        collector.stop()
    best = min(alone, key=lambda run: run["p50_ms"])  # the disk has other guests
    p50, p99 = percentile(results[0]["ack_ms"], 50), percentile(results[0]["ack_ms"], 99)
    bench.result["ack_ms"] = {"p50": p50, "p99": p99, "lmdb_p50": best["p50_ms"], "lmdb_p99": best["p99_ms"]}
    say(f"  p50 {p50} ms; one LMDB commit {best['p50_ms']} ms")
    bench.end("ack")


def limits(bench):
    """LMDB alone, ZeroMQ alone, a scan of memory."""
    bench.begin("limits", ("main",))
    program = bench.build.bench("limit")
    made = bench.loads.get("main")
    found = {}
    say("limits: LMDB, ZeroMQ, memory")
    for name, events in (("lmdb_1000", 1000), ("lmdb_16000", 16000)):
        # 24 bytes an event is what a compact log of these takes
        found[f"{name}_events_per_s"] = round(lmdb_commits(bench, 500, events * 24)["per_s"] * events)
    alone = check_json([program, "zmq", bench.loads.path("main"), str(CLIENTS), f"ipc://{bench.base}/zmq.sock"])
    found["zmq_events_per_s"] = round(alone["events_per_s"])
    scan = check_json([program, "scan", str(max(made["tickets"], 1000))])
    found["scan_ms"] = scan["ms"]
    found["scan_rows_per_s"] = [round(rate) for rate in scan["rows_per_s"]]
    bench.result["limits"] = found


def churn(bench):
    """90 simulated days of steady load, then 60 more with a retention of 90: the file at most, beside what the
    last 90 days take in a store of their own."""
    bench.begin("churn", ("churn",))
    say(f"churn: {KEEP_DAYS} days kept, {STEADY_DAYS} more")
    found = check_json([bench.build.bench("churn"), bench.loads.path("churn"), str(CLIENTS),
                        os.path.join(bench.base, "churn"), str(KEEP_DAYS), str(STEADY_DAYS)])
    found["ratio"] = round(found["peak"] / found["live_used"], 2)
    bench.result["churn"] = found
    say(f"  {found['peak'] / 1e6:.1f} MB at most, {found['live_used'] / 1e6:.1f} MB live: {found['ratio']} times")
    bench.end("churn")
    bench.loads.drop("churn")


def stages(bench):
    """The same events decoded and committed in one thread, without sockets: CPU µs an event by stage."""
    bench.begin("stages", ("main",))
    say("stages: one thread, without sockets")
    found = check_json([bench.build.bench("stages"), bench.loads.path("main"), str(CLIENTS),
                        os.path.join(bench.base, "stages")])
    bench.result["stages"] = {"cpu_us_per_event": found["cpu_us"], "bytes_per_event": found["bytes"]}
    say("  " + ", ".join(f"{stage} {us} µs" for stage, us in found["cpu_us"].items()))
    bench.end("stages")


def first_answer(collector, begin_ns, least):
    """Milliseconds from the start of tendond to its first answer."""
    answer = collector.ask({"tenant": "main", "metrics": ["tickets_created"]})
    created = answer["rows"][0]["tickets_created"]
    if created < least:
        fail(f"{created} tickets after a restart instead of at least {least}")
    return round((answer["at_ns"] - begin_ns) / 1e6, 1)


def open_(bench):
    """From the start of tendond to the first answer: after a clean stop, and after kill -9 under load."""
    bench.begin("open", ("main", "busy"))
    made = bench.loads.get("main")
    collector = Collector(bench.base, "open", bench.loads, sources_of("main") + sources_of("busy"))
    try:
        collector.start()
        say("opening: after a clean stop")
        rate, _ = collector.rate("main", CLIENTS, made)
        collector.stop()
        bench.loads.forget("busy")
        clean = first_answer(collector, collector.launch(), made["tickets"])
        say("opening: after kill -9 under load")
        collector.ready("busy", CLIENTS)
        collector.go("busy")
        time.sleep(max(0.2, bench.loads.get("busy")["events"] / rate / 2))
        if os.path.exists(bench.loads.path("busy", "result-0")):
            say("  the load was over before the kill: take more events")
        collector.kill()
        collector.configuration["plugins"] = []
        collector.write_configuration()
        killed = first_answer(collector, collector.launch(), made["tickets"])
        bench.result["open_ms"] = {"clean": clean, "killed": killed}
        say(f"  {clean} ms, {killed} ms")
    finally:
        collector.stop()
    bench.end("open")


def mixed(bench):
    """Ten questions a second, open loop, while four clients load at full speed."""
    bench.begin("mixed", ("main", "small", "quiet", "busy"))
    sources = [("small-0", "small")] + sources_of("quiet") + sources_of("busy")
    collector = Collector(bench.base, "mixed", bench.loads, sources)
    try:
        collector.start()
        collector.rate("small", 1, bench.loads.get("small"), tenants=("small",))
        say("mixed: loading without questions")
        quiet = bench.loads.get("quiet")
        alone, results = collector.rate("quiet", CLIENTS, quiet)
        bench.put("cpu_us_per_event", "mixed_alone", results[0]["cpu_us"])
        say("mixed: questions without loading")
        loop = OpenLoop(bench, collector)
        idle = loop.run(seconds=20 if bench.settle_seconds else 1)
        say("mixed: both")
        loop.begin()
        beside, results = collector.rate("busy", CLIENTS, bench.loads.get("busy"),
                                         before=quiet["tickets"])
        bench.put("cpu_us_per_event", "mixed_beside", results[0]["cpu_us"])
        loaded = loop.end()
        loop.close()
        bench.result["mixed"] = {
            "idle_ms": {"p50": median(idle), "p99": round(percentile(idle, 99), 3), "n": len(idle)},
            "loaded_ms": {"p50": median(loaded), "p99": round(percentile(loaded, 99), 3), "n": len(loaded)},
            "events_per_s_alone": round(alone),
            "events_per_s_beside": round(beside),
            "loading_lost": round(1 - beside / alone, 3),
        }
        say(f"  p99 {bench.result['mixed']['loaded_ms']['p99']} ms, idle {bench.result['mixed']['idle_ms']['p99']} ms; "
            f"loading loses {1 - beside / alone:.1%}")
    finally:
        collector.stop()
    bench.end("mixed")
    bench.loads.drop("quiet")


PARTS = {"peers": peers, "local": local, "lockstep": lockstep, "curve": curve, "sorted": sorted_, "late": late, "dense": dense,
         "tenants100": tenants100, "ack": ack, "mixed": mixed, "open": open_, "churn": churn, "stages": stages,
         "fairness": fairness, "restart": restart, "limits": limits}


def finish(bench):
    """What is said of the whole run."""
    by_part = bench.result.get("fdatasync_by_part", {})
    bench.result["fdatasync_ms"] = round(statistics.median(by_part.values()), 3) if by_part else fdatasync_ms(bench.base)
