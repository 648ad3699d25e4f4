"""Starts the tendond under test on a folder of its own, and asks it through the CLI or the wire."""
import collections
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from tendon_client import Client, Refused, Timeout, new_keys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TENDON_BUILD", os.path.join(TOP, "build", "normal"))
SHARED_DATA = os.path.join(TOP, "..", "shared", "data")  # real data that is not ours to hand on
START_SECONDS = 60

Outcome = collections.namedtuple("Outcome", "status out err")


def built(name):
    """The path of a program or plugin of the build, by its file's name."""
    found = [path for path in glob.glob(os.path.join(BUILD, "**", name), recursive=True)
             if os.path.isfile(path) and os.access(path, os.R_OK)]
    assert found, f"{name} is not in {BUILD}: build first, or set TENDON_BUILD"
    return os.path.abspath(found[0])


def shared_data(name):
    """The path of a file of the real data, or None where it is not there."""
    path = os.path.join(SHARED_DATA, name)
    return os.path.abspath(path) if os.path.exists(path) else None


def is_sanitized():
    """Whether the build is one under AddressSanitizer: it turns a segmentation fault into a report and an abort."""
    with open(built("tendon-plugin-host"), "rb") as program:
        return b"__asan_init" in program.read()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def plugin_folders():
    """The folders of the build that hold plugins."""
    return sorted({os.path.dirname(os.path.abspath(path))
                   for path in glob.glob(os.path.join(BUILD, "plugins", "*", "*.so"))})


class Collector:
    """One tendond. Configuration is a dict, written as JSON, which is YAML."""

    def __init__(self, folder=None, data=None, tenants=None, plugins=(), listen=False, plugin_path=(), **more):
        # a short path: that of a local socket holds 107 bytes
        self.folder = folder or tempfile.mkdtemp(prefix="tendon-test-")
        self.own = folder is None
        self.run = os.path.join(self.folder, "run")
        self.control = f"ipc://{self.run}/control.sock"
        self.process = None
        self.wrapper = []  # the program that tendond is run by
        self.log_path = os.path.join(self.folder, "log")
        self.endpoint = f"tcp://127.0.0.1:{free_port()}" if listen else None
        self.operator = None
        self.keys = {}
        self.configuration = {
            "data": data or os.path.join(self.folder, "data"),
            "run": self.run,
            "keys": os.path.join(self.folder, "keys"),
            "plugin_path": [*plugin_path, *plugin_folders()],
            "plugin_unsigned": [*plugin_path, *plugin_folders()],
            "plugin_host": built("tendon-plugin-host"),
            "tenants": tenants or [{"name": "riverbend", "zone": "UTC"}],
            "plugins": list(plugins),
            **({"listen": [self.endpoint]} if listen else {}),
            **more,
        }
        for name in ("data", "run", "keys"):
            os.makedirs(self.configuration[name], mode=0o700, exist_ok=True)
        self.config_path = os.path.join(self.folder, "tendon.yaml")
        self.write()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.remove()

    def write(self):
        with open(self.config_path, "w", encoding="utf-8") as file:
            json.dump(self.configuration, file, indent=2)
            file.write("\n")

    # --- the process -------------------------------------------------------------------------------------

    def spawn(self):
        """Starts the process and does not wait until it answers."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.wrapper, built("tendond"), "--config", self.config_path], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        return self

    def start(self):
        self.spawn()
        self.wait_ready()
        return self

    def wait_ready(self):
        end = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"tendond ended with {self.process.returncode}:\n{self.log()[-4000:]}")
            try:
                self.ask().call("status", timeout=1)
                return
            except Timeout:
                self.forget()
                assert time.monotonic() < end, f"tendond does not answer:\n{self.log()[-4000:]}"

    def forget(self):
        if self.operator is not None:
            self.operator.close()
            self.operator = None

    def stop(self, seconds=60):
        """SIGTERM; the exit status."""
        self.forget()
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"tendond did not stop within {seconds} s:\n{self.log()[-4000:]}") from None

    def kill(self):
        self.forget()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def restart(self):
        assert self.stop() == 0, self.log()[-4000:]
        return self.start()

    def remove(self):
        hosts = self.hosts() if self.process is not None and self.process.poll() is None else []
        try:
            self.stop()
        finally:
            for pid in hosts:  # none should be left; a test that failed must not leave them to the next
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if self.own and not os.environ.get("TENDON_TEST_KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)

    def hosts(self):
        """The pids of the plugin hosts that this tendond started, and of their children."""
        parents = {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
            except OSError:
                continue
            parents[int(text.split(" ", 1)[0])] = int(text.rsplit(")", 1)[1].split()[1])
        found, new = [], [self.process.pid]
        while new:
            new = [pid for pid, parent in parents.items() if parent in new]
            found += new
        return found

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    # --- asking ------------------------------------------------------------------------------------------

    def ask(self):
        """The operator's connection."""
        if self.operator is None:
            self.operator = Client(self.control)
        return self.operator

    def call(self, method, **params):
        """What the method answers; where that makes facts be made anew, after they are."""
        answer = self.ask().call(method, **params)
        if isinstance(answer, dict) and method not in ("status", "tenant.show") and answer.get("refolding"):
            self.wait_refolded(params.get("tenant"))
        return answer

    def query(self, metrics, **options):
        return self.ask().query(metrics, **options)

    def value(self, metric, **options):
        """The one value of a metric with no grouping."""
        rows = self.query([metric], **options)["rows"]
        assert len(rows) == 1, rows
        return rows[0][metric]

    def cli(self, *arguments, stdin=None, status=0, environment=None):
        """Runs tendon; status None takes any."""
        done = subprocess.run([built("tendon"), *arguments], input=stdin, capture_output=True, timeout=120, check=False,
                              env={**os.environ, "TENDON_CONNECT": self.control, **(environment or {})},
                              encoding="utf-8")
        if status is not None:
            assert done.returncode == status, f"tendon {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return Outcome(done.returncode, done.stdout, done.stderr)

    def cli_json(self, *arguments, status=0):
        return json.loads(self.cli(*arguments, "-o", "json", status=status).out)

    # --- sources over the network ------------------------------------------------------------------------

    def server_key(self):
        return self.call("server.key")["public_key"]

    def grant(self, source, tenant=None, name=None, **more):
        """A granted key pair for a source of a tenant."""
        keys = new_keys()
        tenant = tenant or self.configuration["tenants"][0]["name"]
        self.call("key.grant", public_key=keys[0].decode(), name=name or f"{tenant}-{source}", role="source",
                  tenant=tenant, source=source, **more)
        return keys

    def connect(self, keys):
        return Client(self.endpoint, self.server_key(), keys)

    def source(self, source, tenant=None, **more):
        """A client that has said HELLO as a newly granted source."""
        client = self.connect(self.grant(source, tenant, **more))
        client.hello(source)
        return client

    # --- waiting -----------------------------------------------------------------------------------------

    def plugin_state(self, source):
        for row in self.call("plugin.list"):
            if row.get("source") == source:
                return row
        return {}

    def accepted(self, source, tenant=None):
        """Events taken from a source so far."""
        return self.shown(source, tenant)["accepted"]

    def sent(self, source):
        """Events that came from a source so far, new or known."""
        shown = self.shown(source)
        return shown["accepted"] + shown["duplicates"]

    def shown(self, source, tenant=None):
        """What source.show says; of one that has not come yet that nothing has."""
        try:
            return self.call("source.show", source=source, **({"tenant": tenant} if tenant else {}))
        except Refused as refused:
            if refused.code in ("unknown_source", "not_found"):
                return {"accepted": 0, "duplicates": 0}
            raise

    def refolding(self, tenant=None):
        """How far a refold is, or None."""
        return self.ask().call("tenant.show", **({"tenant": tenant} if tenant else {}))["refolding"]

    def wait_refolded(self, tenant=None, seconds=300):
        """Waits until the facts are those of the present settings, tables and sources."""
        wait_for(lambda: self.refolding(tenant) is None, seconds, lambda: f"{self.refolding(tenant)}\n{self.log()[-3000:]}")

    def wait_accepted(self, source, n, tenant=None, seconds=120):
        wait_for(lambda: self.accepted(source, tenant) >= n, seconds,
                 lambda: f"{source}: {self.accepted(source, tenant)} of {n} events\n{self.log()[-3000:]}")
        assert self.accepted(source, tenant) == n


def wait_for(condition, seconds=30, say=lambda: "", every=0.05):
    """Waits until the condition holds; fails with what say gives."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {say()}"
        time.sleep(every)


def csv_created(path, source="desk", **options):
    """An instance of the csv plugin for files with the columns id and when: a ticket a row, created then."""
    return {"source": source, "plugin": "csv",
            "options": {"path": str(path), "rows": "event", "columns": {"ticket": "id", "at": "when"},
                        "constants": {"type": "ticket.created"}, **options}}
