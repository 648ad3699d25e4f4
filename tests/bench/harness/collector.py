"""One tendond on a fresh folder, its load clients, and what is measured of it from outside."""
import json
import os
import signal
import subprocess
import threading
import time

from harness.common import check, fail

START_SECONDS = 120


def cpu_ns(pid):
    """Nanoseconds on a processor so far, by the name of the thread."""
    found = {}
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as file:
                name = file.read().strip()
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                found[name] = found.get(name, 0) + int(file.read().split()[0])
    except FileNotFoundError:
        pass  # a thread that has ended
    return found


class Asker:
    """An open connection on which one question at a time is asked."""

    def __init__(self, build, endpoint):
        self.process = subprocess.Popen([build.bench("ask"), endpoint], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, question):
        """{"ms", "at_ns", "rows"}: how long from sending to the last byte of the answer, when that was, and it."""
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            fail(f"no answer to {question}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Collector:
    """sources are pairs of a source's name and its tenant; a source NAME-INDEX sends client INDEX of the load NAME
    as a plugin host of the collector, unless it listens: then nobody sends by itself."""

    def __init__(self, base, name, loads, sources=(), listen=None, lockstep=False, pause_us=0):
        self.folder = os.path.join(base, name)
        self.loads = loads
        self.build = loads.build
        self.data = os.path.join(self.folder, "data")
        self.control = f"ipc://{self.folder}/run/control.sock"
        self.anonymous_kib = self.loading_kib = 0  # at most: at all, and until the last ACK of a load
        self.process = self.asker = None
        self.log = None
        self.next_states = 0
        self.stopping = threading.Event()
        self.tenants = sorted({tenant for _, tenant in sources} | {"main", "small"})
        self.configuration = {
            "data": self.data,
            "run": os.path.join(self.folder, "run"),
            "keys": os.path.join(self.folder, "keys"),
            "plugin_host": self.build.bench("load"),
            "plugin_path": [self.build.program("plugins", "simulator")],
            "plugin_unsigned": [self.build.program("plugins", "simulator")],
            "tenants": [{"name": tenant, "zone": "UTC", "nearshore": ["MX"]} for tenant in self.tenants],
            "plugins": [{"source": source, "tenant": tenant, "plugin": "simulator", "types": ["ticket.*", "survey.*"]}
                        for source, tenant in sources if not listen],
        }
        if listen:
            self.configuration["listen"] = [listen]
        for part in ("data", "run", "keys"):
            os.makedirs(self.configuration[part], mode=0o700)
        self.config = os.path.join(self.folder, "tendond.yaml")
        self.write_configuration()
        self.environment = {**os.environ, "TENDON_LOAD": loads.folder, "TENDON_CONNECT": self.control,
                            "TENDON_LOAD_HOST": self.build.program("plugins", "host", "tendon-plugin-host")}
        if lockstep:
            self.environment["TENDON_LOAD_LOCKSTEP"] = "1"
        if pause_us:
            self.environment["TENDON_LOAD_PAUSE_US"] = str(pause_us)

    def write_configuration(self):
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(self.configuration, file)

    # --- its life ----------------------------------------------------------------------------------------

    def launch(self):
        """Starts tendond and returns at once; when that was, in ns."""
        self.stopping = threading.Event()
        socket = os.path.join(self.folder, "run", "control.sock")
        if os.path.exists(socket):
            os.unlink(socket)  # of one that was killed
        self.log = open(os.path.join(self.folder, "log"), "ab")
        begin = time.monotonic_ns()
        self.process = subprocess.Popen([self.build.program("core", "tendond"), "--config", self.config],
                                        env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.monotonic() + START_SECONDS
        while not os.path.exists(socket):
            if self.process.poll() is not None or time.monotonic() > end:
                self.fail("tendond does not start")
            time.sleep(0.001)
        threading.Thread(target=self.sample, args=(self.stopping, self.process.pid), daemon=True).start()
        self.asker = Asker(self.build, self.control)
        return begin

    def start(self):
        self.launch()
        self.ask({"tenant": "main", "metrics": ["tickets_created"]})
        for tenant in ("main", "small"):
            for table in ("site", "team"):
                self.tendon(table, "import", self.loads.path("main", f"{table}s.csv"), "--key", table, "--tenant", tenant)
        return self

    def stop(self):
        self.leave()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.process.kill()
                fail("tendond does not stop")

    def kill(self):
        """As a crash does."""
        self.leave()
        self.process.kill()
        self.process.wait()

    def leave(self):
        self.stopping.set()
        if self.asker:
            self.asker.close()
            self.asker = None
        if self.log:
            self.log.close()
            self.log = None

    def fail(self, what):
        """With the end of its log: the folder goes when the benchmark ends."""
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            fail(f"{what}; the last it said:\n{''.join(file.readlines()[-15:])}")

    def sample(self, stopping, pid):
        """Anonymous resident memory, at 10 Hz."""
        while self.look_at_memory(pid) and not stopping.wait(0.1):
            pass

    def look_at_memory(self, pid):
        """False: there is no such process."""
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                for line in file:
                    if line.startswith("RssAnon:"):
                        self.anonymous_kib = max(self.anonymous_kib, int(line.split()[1]))
            return True
        except (FileNotFoundError, ProcessLookupError):
            return False

    def tendon(self, *arguments):
        return check([self.build.program("tools", "tendon"), *arguments], env=self.environment)

    def ask(self, question):
        return self.asker.ask(question)

    def tenant_folder(self, name):
        for parent, folders, _ in os.walk(self.data):
            if name in folders:
                return os.path.join(parent, name)
        return fail(f"no folder of the tenant {name} under {self.data}")

    # --- loading -----------------------------------------------------------------------------------------

    def ready(self, name, clients):
        end = time.monotonic() + START_SECONDS
        while not all(os.path.exists(self.loads.path(name, f"ready-{index}")) for index in range(clients)):
            if time.monotonic() > end:
                self.fail("the clients are not ready")
            time.sleep(0.01)

    def go(self, name):
        with open(self.loads.path(name, "go"), "w", encoding="ascii"):
            pass

    def results(self, name, clients, processes=()):
        """Waits until every client has its last ACK."""
        found = {}
        while len(found) < clients:
            for index in range(clients):
                path = self.loads.path(name, f"result-{index}")
                if index not in found and os.path.exists(path):
                    with open(path, encoding="ascii") as file:
                        found[index] = json.load(file)
            if self.process.poll() is not None or any(process.poll() for process in processes):
                self.fail("the load was not taken")
            if "failed_config" in self.states(name):
                self.fail("a client failed")
            time.sleep(0.005)
        return [found[index] for index in range(clients)]

    def states(self, name):
        """Seldom asked, so that it costs the load nothing: every 2 s."""
        if time.monotonic() < self.next_states:
            return ()
        self.next_states = time.monotonic() + 2
        listed = json.loads(self.tendon("plugin", "list", "-o", "json"))
        rows = listed if isinstance(listed, list) else listed.get("rows", [])
        return {row.get("state") for row in rows if str(row.get("source", "")).startswith(f"{name}-")}

    def rate(self, name, clients, made, processes=(), tenants=("main",), before=0):
        """Lets the clients go. Events a second, from the first byte sent until each tenant has been asked for its
        tickets after the last ACK and has answered rightly; and the clients' results, with the daemon's CPU time by
        thread in the first's "cpu_us" an event. before: how many tickets a tenant has already."""
        self.ready(name, clients)
        cpu = cpu_ns(self.process.pid)
        self.go(name)
        results = self.results(name, clients, processes)
        self.look_at_memory(self.process.pid)  # a small load is over before the next look
        self.loading_kib = self.anonymous_kib
        for tenant in tenants:
            answer = self.ask({"tenant": tenant, "metrics": ["tickets_created"]})
            created = answer["rows"][0]["tickets_created"] - before
            if created != made["tickets"]:
                fail(f"{created} tickets after the last ACK instead of {made['tickets']} in {tenant}")
        events = made["events"] * len(tenants)
        if sum(result["accepted"] for result in results) != events:
            fail("not every event was accepted")
        results[0]["cpu_us"] = {thread: round((ns - cpu.get(thread, 0)) / 1000 / events, 3)
                                for thread, ns in sorted(cpu_ns(self.process.pid).items())
                                if ns - cpu.get(thread, 0) > events}
        seconds = (answer["at_ns"] - min(result["first_ns"] for result in results)) / 1e9
        return events / seconds, results
