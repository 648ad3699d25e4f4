"""Other engines on the same events: installed, loaded, compared with Tendon, then timed."""
import contextlib
import json
import os
import shutil
import subprocess
import sys

from harness import answers
from harness.common import BATCH_EVENTS, HERE, RUNS, TOP, fail, folder_bytes, median, say
from harness.engines import COLUMNS, ENGINES, raw_columns
from harness.questions import QUESTIONS, question

INSTALLED = os.path.join(TOP, "build", "bench-peers")
SOURCES = os.path.join(HERE, "peers")
DURABLE_EVENTS = 300_000  # the first of them: later ones go slower into a larger index
SQLITE_EVENTS = 20_000_000  # it takes minutes a question beyond
SLOW_MS = 5000
SLOW_RUNS = 3
CHECKED_RUNS = (0, RUNS - 1)


def install():
    """DuckDB and ClickHouse as the lock file pins them. None, or why it cannot be done."""
    os.makedirs(INSTALLED, exist_ok=True)
    for name in ("package.json", "package-lock.json", "duckdb.mjs", "clickhouse.mjs"):
        shutil.copyfile(os.path.join(SOURCES, name), os.path.join(INSTALLED, name))
    complete = os.path.join(INSTALLED, "complete")  # for which lock file the packages are there
    with open(os.path.join(SOURCES, "package-lock.json"), encoding="utf-8") as file:
        wanted = file.read()
    if os.path.exists(complete):
        with open(complete, encoding="utf-8") as file:
            if file.read() == wanted:
                return None
        os.unlink(complete)
    if not shutil.which("npm") or not shutil.which("node"):
        return "node and npm are not installed: deploy/packages bench"
    say("installing the peers into build/bench-peers")
    try:
        # not "ci": that wants the packages of every platform in the lock file
        ended = subprocess.run(["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=INSTALLED,
                               capture_output=True, text=True, timeout=900, check=False)
    except subprocess.TimeoutExpired:
        return "npm does not end"
    if ended.returncode != 0:
        lines = [line.removeprefix("npm error").strip() for line in ended.stderr.splitlines()]
        return f"npm ended with {ended.returncode}: {' '.join(lines)[:400]}"
    with open(complete, "w", encoding="utf-8") as file:
        file.write(wanted)
    return None


class Peer:
    """One engine in a process of its own."""

    def __init__(self, engine, folder):
        self.engine = engine
        self.name = engine.name
        self.folder = folder
        program = {"duckdb": ["node", os.path.join(INSTALLED, "duckdb.mjs")],
                   "clickhouse": ["node", os.path.join(INSTALLED, "clickhouse.mjs")],
                   "sqlite": [sys.executable, os.path.join(SOURCES, "sqlite.py")]}[self.name]
        self.process = subprocess.Popen([*program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, **command):
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            fail(f"{self.name} has ended")
        answer = json.loads(line)
        if "error" in answer:
            fail(f"{self.name}: {answer['error']}\n{str(command)[:600]}")
        return answer

    def run(self, *sql):
        return self.send(op="run", sql=list(sql))["ms"]

    def ask(self, sql):
        return self.send(op="ask", sql=sql)

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    # --- loading -----------------------------------------------------------------------------------------

    def load(self, csv, small_csv, events):
        """Events a second in bulk."""
        if self.name == "duckdb":
            self.run(*self.engine.prepare(self.ask(self.engine.values(csv, small_csv))["rows"][0]))
        else:
            self.run(*self.engine.prepare())
        if self.name == "sqlite":
            ms = self.send(op="load", csv=csv, columns=COLUMNS, into="events")["ms"]
            self.send(op="load", csv=small_csv, columns=COLUMNS, into="small_events")
        else:
            ms = self.run(*self.engine.load(csv, "events"))
            self.run(*self.engine.load(small_csv, "small_events"))
        loaded = self.ask("SELECT count(*) FROM events")["rows"][0][0]
        if loaded != events:
            fail(f"{self.name} has {loaded} events instead of {events}")
        if self.name == "clickhouse":
            self.run(*self.engine.lay_out("events"), *self.engine.lay_out("small_events"))
        return round(events / ms * 1000)

    def make_facts(self):
        if self.engine.facts:
            self.run(*self.engine.facts_of("events"), *self.engine.facts_of("small_events", "small_"))

    def durable(self, events):
        """Events a second in durable batches of 1,000, each taken once: some are sent again, behind the clock."""
        n = min(events, DURABLE_EVENTS)
        rows = f"SELECT * FROM events LIMIT {n}"
        if self.name == "clickhouse":
            # it has no unique keys: a block that came before is found by its checksum
            folder = os.path.join(self.folder, "batches")
            os.makedirs(folder)
            self.run(self.engine.schema("durable", options=" SETTINGS non_replicated_deduplication_window = 10000, "
                                        "fsync_after_insert = 1, fsync_part_directory = 1"),
                     f"INSERT INTO FUNCTION file('{folder}/{{_partition_id}}.native', Native) PARTITION BY "
                     f"intDiv(rowNumberInAllBlocks(), {BATCH_EVENTS}) {rows} SETTINGS max_threads = 1")
            files = sorted(os.listdir(folder), key=lambda name: int(name.split(".")[0]))
            again = f"INSERT INTO durable SELECT * FROM file('{folder}/{{}}', Native) SETTINGS " \
                    "deduplicate_insert_select = 'enable_even_for_bad_queries'"
            batches = [again.format(name) for name in files]
            answer = self.send(op="durable", n=n, sql=batches)
            self.run(batches[0], batches[-1])
            shutil.rmtree(folder)
        elif self.name == "duckdb":
            # each batch waits in a temporary table of its own, so that no client's conversion is timed
            batches = -(-n // BATCH_EVENTS)
            self.run(self.engine.schema("durable", key="id"), f"CREATE TEMP TABLE batches AS {rows}",
                     *(f"CREATE TEMP TABLE batch{k} AS SELECT * FROM batches WHERE rowid >= {k * BATCH_EVENTS} "
                       f"AND rowid < {(k + 1) * BATCH_EVENTS}" for k in range(batches)))
            sql = [f"INSERT INTO durable SELECT * FROM batch{k} ON CONFLICT DO NOTHING" for k in range(batches)]
            answer = self.send(op="durable", n=n, sql=sql)
            self.run(sql[0], sql[-1], "DROP TABLE batches", *(f"DROP TABLE batch{k}" for k in range(batches)))
        else:
            self.run(self.engine.schema("durable", key="id"))
            answer = self.send(op="durable", rows=rows, into="durable", batch=BATCH_EVENTS)
            self.send(op="durable", rows=f"SELECT * FROM events LIMIT {BATCH_EVENTS}", into="durable", batch=BATCH_EVENTS)
        taken = self.ask("SELECT count(*) FROM durable")["rows"][0][0]
        if taken != n:
            fail(f"{self.name} has taken {taken} events in batches instead of {n}")
        self.run("DROP TABLE durable")
        return round(n / answer["ms"] * 1000)

    # --- sizes -------------------------------------------------------------------------------------------

    def sizes(self):
        """Bytes of the events without what was filled in for questions, and of the fact tables; by variant."""
        if self.name == "clickhouse":
            return self.clickhouse_sizes()
        own = os.path.join(self.folder, "own.db")
        self.run(f"ATTACH '{own}' AS own", f"CREATE TABLE own.events AS SELECT {raw_columns('NULL')} FROM events",
                 *(["CHECKPOINT own"] if self.name == "duckdb" else []), "DETACH own")
        raw = folder_bytes(self.folder, "own.db")
        facts = None
        if self.engine.facts:
            path = os.path.join(self.folder, "facts.db")
            self.run(f"ATTACH '{path}' AS facts", *(f"CREATE TABLE facts.{table} AS SELECT * FROM {table}"
                                                    for table in ("tickets", "solves", "reopens", "ratings")),
                     "CHECKPOINT facts", "DETACH facts")
            facts = folder_bytes(self.folder, "facts.db")
        return {self.name: (raw, facts)}

    def clickhouse_sizes(self):
        def bytes_of(*tables):
            self.run(*(f"OPTIMIZE TABLE {table} FINAL" for table in tables))
            listed = ", ".join(f"'{table}'" for table in tables)
            return self.ask("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench' "
                            f"AND table IN ({listed})")["rows"][0][0]

        facts = bytes_of("tickets", "solves", "reopens", "ratings")
        found = {}
        for layout, order in self.engine.orders.items():
            for ending, codec in (("", "LZ4"), ("_zstd", "ZSTD(1)")):
                self.run(f"CREATE TABLE own ENGINE = MergeTree ORDER BY {order} SETTINGS default_compression_codec = '{codec}' "
                         f"AS SELECT {raw_columns(chr(39) * 2)} FROM events")
                variant = f"clickhouse{layout}{ending}"
                found[variant] = (bytes_of("own"), facts if variant == "clickhouse" else None)
                self.run("DROP TABLE own SYNC")
        return found

    # --- questions ---------------------------------------------------------------------------------------

    def ways(self):
        """Whence a question can be answered: by the name of its column, a function of question and run to SQL."""
        found = {f"{self.name}{layout}": lambda name, run, layout=layout: self.engine.question(name, run, layout)
                 for layout in self.engine.layouts}
        if self.engine.facts:
            found[f"{self.name}_facts"] = self.engine.fact_question
        return found

    def answer(self, way, sql, name, run):
        solved = None
        if name == "Q1" and not way.endswith("_facts"):
            solved = self.ask(self.engine.solved_check(run))["rows"][0][0]
        return answers.of_engine(name, self.ask(sql(name, run))["rows"], solved)

    def times(self, sql):
        found = {}
        for name in QUESTIONS:
            runs = []
            while len(runs) < (SLOW_RUNS if runs and runs[0] > SLOW_MS else RUNS):
                runs.append(self.ask(sql(name, len(runs)))["ms"])
            found[name] = median(runs)
        return found


class Peers:
    """One engine at a time is open: loaded and asked for its answers, and later, when they have been compared with
    Tendon's, opened again and timed."""

    def __init__(self, bench, names):
        self.bench = bench
        self.names = names
        self.folders = {}
        self.answers = {}  # by way, question and run

    def load(self):
        """Installs and loads all; an engine that is not to be had is null, and why is said."""
        bench = self.bench
        events = bench.loads.events
        csv, small_csv = bench.loads.table("main"), bench.loads.table("small")
        why = install() if set(self.names) - {"sqlite"} else None
        for name in self.names:
            if why and name != "sqlite":
                self.missing(name, why)
            elif name == "sqlite" and events > SQLITE_EVENTS:
                self.missing(name, f"it takes too long over more than {SQLITE_EVENTS:,} events")
            else:
                self.folders[name] = os.path.join(bench.base, f"peer-{name}")
                os.makedirs(self.folders[name])
                with self.opened(name) as peer:
                    self.load_one(peer, csv, small_csv, events)

    @contextlib.contextmanager
    def opened(self, name):
        peer = Peer(ENGINES[name](), self.folders[name])
        try:
            yield peer
        finally:
            peer.close()

    def load_one(self, peer, csv, small_csv, events):
        say(f"loading: {peer.name}, in bulk")
        rates = {"bulk": peer.load(csv, small_csv, events)}
        peer.make_facts()
        say(f"  {rates['bulk']:,} events/s; durable batches of {BATCH_EVENTS:,} with a check for duplicates")
        rates["durable"] = peer.durable(events)
        self.bench.put("peer_events_per_s", peer.name, rates)
        say(f"  {rates['durable']:,} events/s")
        for variant, (raw, facts) in peer.sizes().items():
            self.bench.put("bytes_per_event", variant, round(raw / events, 2))
            if facts is not None:
                self.bench.put("bytes_per_event_with_facts", variant, round((raw + facts) / events, 2))
        for way, sql in peer.ways().items():
            for name in QUESTIONS:
                for run in CHECKED_RUNS:
                    self.answers[way, name, run] = peer.answer(way, sql, name, run)

    def missing(self, name, why):
        say(f"  {name} is not measured: {why}")
        for group in ("query_ms", "bytes_per_event", "peer_events_per_s"):
            self.bench.put(group, name, None)

    def compare(self, collector):
        """Every engine's answers with Tendon's, before anything is timed."""
        say("comparing the answers of all engines")
        for name in QUESTIONS:
            for run in CHECKED_RUNS:
                ours = answers.of_tendon(name, collector.ask(question(name, run))["rows"])
                for (way, asked, of_run), theirs in self.answers.items():
                    found = answers.difference(name, ours, theirs) if (asked, of_run) == (name, run) else None
                    if found:
                        fail(f"tendon and {way} do not agree: {found}")

    def time(self):
        for name, folder in self.folders.items():
            say(f"asking {name}")
            with self.opened(name) as peer:
                peer.run(*peer.engine.begin)
                for way, sql in peer.ways().items():
                    self.bench.put("query_ms", way, peer.times(sql))
            shutil.rmtree(folder)
        self.ratios()

    def ratios(self):
        result = self.bench.result
        times = result["query_ms"]
        rates = [result["peer_events_per_s"].get(name) for name in ("duckdb", "clickhouse")]
        durable = [rate["durable"] for rate in rates if rate]
        if durable:
            result["ratio_durable"] = round(result["events_per_s"]["local"] / max(durable), 2)
        for group, ending in (("ratio", ""), ("ratio_by_kind", "_by_kind"), ("ratio_facts", "_facts")):
            columns = [times.get(name + ending) for name in self.names]
            columns = [column for column in columns if column]
            if columns:
                result[group] = {name: round(min(column[name] for column in columns) / times["tendon"][name], 2)
                                 for name in QUESTIONS}
