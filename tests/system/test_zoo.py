"""Hostile plugins, all at once, in one collector with a neighbour and a client on the wire: each ends in the state that
tendon-plugin-host(8) names, nothing gets out, and the others do not notice."""
import collections
import glob
import os
import re
import subprocess
import threading

import pytest

from collector import BUILD, TOP, Collector, built, csv_created, is_sanitized, wait_for

MANUAL = os.path.join(TOP, "plugins", "host", "tendon-plugin-host.8.scd")
ZOO = os.path.join(BUILD, "tests", "system", "plugins", "zoo")
TICKETS = 8  # that one gives which is still there
LITTER = ("/tmp/tendon-zoo*", "/dev/shm/tendon-zoo*")
SECONDS = 180

DIES = "dies in a call (a signal, abort, exit, the end of its stack)"
HANGS = "does not return from a call"
LOADING = "dies while it is loaded, or never ends loading"
FINISHED = "says that it is finished, and dies or hangs in stop or destroy"
TOLD = "does not return from wake, stop or destroy when it is told to end"
CHANNEL = "closes its channel, or writes what is no answer"
RESULT = "returns what is no result"
WORDS = "refuses its configuration"
CURSOR = "gives a cursor that is none, or refuses its own"
REFUSED = "tries what the sandbox refuses"
ALL = "takes all it can get of memory or descriptors"
LOGS = "logs without end"
EVENTS = "gives events that are none"
PROCESSOR = "uses all of a processor within its limits"

Animal = collections.namedtuple("Animal", "name row said limits", defaults=("", {}))
ANY_SIGNAL = "killed by signal"

ANIMALS = [
    Animal("segfault", DIES, ANY_SIGNAL),
    Animal("abort", DIES, "signal 6"),
    Animal("exit", DIES, "ended with status 0"),
    Animal("suicide", DIES, "signal 9"),
    Animal("stack", DIES, ANY_SIGNAL),
    Animal("heap", DIES, ANY_SIGNAL),
    Animal("spin-poll", HANGS, "did not return from poll", {"poll": "100ms"}),
    Animal("spin-create", HANGS, "did not return from create", {"create": "300ms"}),
    Animal("hang-start", HANGS, "did not return from start", {"start": "300ms"}),
    Animal("hang-ack", HANGS, "did not return from ack", {"ack": "300ms"}),
    Animal("deaf", HANGS, "did not return from poll", {"poll": "100ms"}),
    Animal("undead", HANGS, "did not return from poll", {"poll": "100ms"}),
    Animal("ctor-crash", LOADING, "in loading"),
    Animal("ctor-exit", LOADING, "ended with status 0, in loading"),
    Animal("ctor-spin", LOADING, "did not return from loading", {"load": "2s"}),
    Animal("hang-stop", FINISHED, "did not return from stop", {"stop": "300ms"}),
    Animal("hang-destroy", FINISHED, "did not return from destroy", {"destroy": "300ms"}),
    Animal("crash-destroy", FINISHED, "in destroy"),
    Animal("hang-wake", TOLD, limits={"stop": "300ms"}),
    Animal("close-all", CHANNEL),
    Animal("garbage", CHANNEL, "no answer"),
    Animal("forger", CHANNEL, "no answer"),
    Animal("twice", CHANNEL, "no answer"),
    Animal("truncated", CHANNEL, "did not return from poll", {"poll": "100ms"}),
    Animal("odd-result", RESULT, "no result"),
    Animal("liar", WORDS, "never right"),
    Animal("long-cursor", CURSOR, "4096"),
    Animal("lost-cursor", CURSOR, "even where it has just set it: never heard of it"),
    Animal("ctor-exec", REFUSED),
    Animal("fork-bomb", REFUSED),
    Animal("thread-bomb", REFUSED),
    Animal("shared-memory", REFUSED),
    Animal("fill-tmp", REFUSED),
    Animal("connect", REFUSED),
    Animal("listen", REFUSED),
    Animal("shadow", REFUSED),
    Animal("keys", REFUSED),
    Animal("vandal", REFUSED),
    Animal("spy", REFUSED),
    Animal("killer", REFUSED),
    Animal("limits", REFUSED),
    Animal("privileges", REFUSED),
    Animal("links", REFUSED),
    Animal("disguise", REFUSED),
    Animal("jit", REFUSED),
    Animal("rare-calls", REFUSED),
    Animal("memory", ALL, limits={"memory": "64MiB"}),
    Animal("descriptors", ALL),
    Animal("chatter", LOGS),
    Animal("huge-events", EVENTS),
    Animal("greedy", PROCESSOR),
]


def manual_states():
    """The last table of the manual with three columns: what a plugin does → the state in which it ends."""
    with open(MANUAL, encoding="utf-8") as file:
        text = file.read()
    table = text[text.index("# WHAT BECOMES OF A PLUGIN"):].split("\n# ", 2)[0]
    return {row[0]: row[1] for row in re.findall(r"^\|  (.+?)\n:  (?:.|\n(?![|:]))+?\n:  _(\w+)_$", table, re.M)}


class Wire(threading.Thread):
    """A client on the network that goes on sending, and counts."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client = client
        self.n = 0
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.stopping.wait(0.05):
                self.client.send([{"type": "ticket.created", "ticket": f"W{self.n}", "id": "1", "at": 1704708000000}])
                self.n += 1
        except Exception as failure:  # noqa: BLE001  (shown by the test that asks)
            self.failure = failure


def instance(animal, folder):
    return {"source": animal.name, "plugin": f"zoo-{animal.name}", "options": {"target": folder}, "limits": animal.limits}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    drop = tmp_path_factory.mktemp("neighbour") / "good.csv"
    drop.write_text("id,when\nfirst,2024-01-08T10:00:00Z\n", encoding="utf-8")
    assert not any(glob.glob(pattern) for pattern in LITTER), "left by an earlier run"
    with Collector(plugins=[csv_created(drop, "neighbour")], listen=True, plugin_path=[ZOO], plugin_backoff="20ms") as collector:
        collector.drop = drop
        wait_for(lambda: collector.plugin_state("neighbour").get("state") == "running")
        collector.before = (collector.process.pid, collector.plugin_state("neighbour")["pid"])
        collector.wire = Wire(collector.source("wire"))
        collector.wire.start()
        collector.configuration["plugins"] += [instance(animal, collector.folder) for animal in ANIMALS]
        collector.write()
        collector.process.send_signal(1)  # SIGHUP
        yield collector
        collector.wire.stopping.set()
        collector.wire.join()


def said(collector, source):
    """What the plugin logged."""
    found = re.findall(rf'event=said source={source} text=(?:"([^"]*)"|(\S+))', collector.log())
    return [a or b for a, b in found]


def test_the_manual_has_the_rows():
    assert set(manual_states()) == {animal.row for animal in ANIMALS}


@pytest.mark.parametrize("animal", ANIMALS, ids=lambda animal: animal.name)
def test_it_ends_as_the_manual_says(zoo, animal):
    if is_sanitized() and animal.row == ALL:
        pytest.skip("a sanitizer's shadow memory is beyond any limit")
    state = manual_states()[animal.row]
    wait_for(lambda: zoo.plugin_state(animal.name).get("state") == state, SECONDS, lambda: str(zoo.plugin_state(animal.name)))
    shown = zoo.plugin_state(animal.name)
    if state == "running":
        wait_for(lambda: zoo.accepted(animal.name) == TICKETS, SECONDS,
                 lambda: f"{zoo.plugin_state(animal.name)} {said(zoo, animal.name)}")
        assert zoo.plugin_state(animal.name)["crashes"] == 0 and zoo.plugin_state(animal.name)["state"] == "running"
    else:
        assert animal.said in shown["message"], shown
        assert shown["crashes"] == (5 if state == "quarantined" else 0)
        assert shown["pid"] is None
        assert zoo.accepted(animal.name) in (0, 2) or animal.name in ("hang-ack", "lost-cursor"), "kept, and once"
        assert f"plugin {animal.name} of tenant riverbend is {state}" in " ".join(zoo.call("status")["warnings"])
    if animal.row == REFUSED:
        has_landlock = zoo.plugin_state(animal.name)["landlock"]
        lines = said(zoo, animal.name)
        assert [line for line in lines if line.startswith("held: ")], lines
        escaped = [line for line in lines if line.startswith("ESCAPED")]
        assert not escaped or (not has_landlock and animal.name in ("shadow", "keys", "spy", "links")), escaped


def test_the_neighbour_did_not_notice(zoo):
    with open(zoo.drop, "a", encoding="utf-8") as file:
        file.write("".join(f"{n},2024-01-08T10:00:00Z\n" for n in range(500)))
    zoo.wait_accepted("neighbour", 501)
    shown = zoo.plugin_state("neighbour")
    assert shown["state"] == "running" and shown["crashes"] == 0 and shown["restarts"] == 0 and shown["skipped"] == 0
    assert (zoo.process.pid, shown["pid"]) == zoo.before


def test_the_client_on_the_wire_did_not_notice(zoo):
    n = zoo.wire.n
    wait_for(lambda: zoo.wire.n > n + 10 or zoo.wire.failure)
    assert zoo.wire.failure is None
    zoo.wire.stopping.set()
    zoo.wire.join()
    assert zoo.accepted("wire") == zoo.wire.n


def test_the_log_is_bounded(zoo):
    """The chatterbox said some 130 MB a poll."""
    assert os.path.getsize(zoo.log_path) < 4 << 20
    assert max(len(line) for line in zoo.log().splitlines()) < 1500
    assert "event=lines_dropped source=chatter" in zoo.log()
    assert "\x1b" not in zoo.log() and "\x07" not in zoo.log()


def test_who_does_not_stop_is_killed(zoo):
    before = zoo.plugin_state("hang-wake")
    assert zoo.cli_json("plugin", "reload", "hang-wake")["state"] == "running"
    after = zoo.plugin_state("hang-wake")
    assert before["pid"] != after["pid"] and not os.path.exists(f"/proc/{before['inner']}") and after["crashes"] == 0
    assert zoo.accepted("hang-wake") == TICKETS


def test_the_words_of_a_plugin_are_one_line(zoo):
    """Where a person or a program reads them: the state, the check of a configuration, the command line."""
    shown = zoo.plugin_state("liar")["message"]
    assert shown.startswith("never right [2J   did you mean root?") and "\n" not in shown
    options = zoo.configuration["plugins"]
    zoo.configuration["plugins"] = [each for each in options if each["source"] == "liar"]
    zoo.write()
    done = subprocess.run([built("tendond"), "--check", "--config", zoo.config_path], capture_output=True, text=True, check=False,
                          timeout=60)
    zoo.configuration["plugins"] = options
    zoo.write()
    said = done.stdout + done.stderr + zoo.cli("plugin", "reload", "liar", status=1).err
    assert "\x1b" not in said and "\x07" not in said and said.count("never right") == 2
    assert done.returncode == 1 and len(done.stderr.splitlines()) <= 3, done.stderr


def test_release_and_what_is_audited(zoo):
    """A released one gets its five tries again; what is in the log of the collector says both."""
    before = zoo.plugin_state("abort")
    assert before["state"] == "quarantined"
    zoo.cli("plugin", "release", "abort")
    wait_for(lambda: zoo.plugin_state("abort")["crashes"] == 10 and zoo.plugin_state("abort")["state"] == "quarantined", SECONDS,
             lambda: str(zoo.plugin_state("abort")))
    assert re.search(r"event=quarantined tenant=riverbend source=abort ", zoo.log())


def test_nothing_is_left(zoo):
    """Of files none, and after the collector's end no process."""
    assert not any(glob.glob(pattern) for pattern in LITTER)
    tickets = sum(zoo.accepted(animal.name) for animal in ANIMALS) + zoo.wire.n + 501
    assert zoo.value("tickets_created") == tickets
    hosts = zoo.hosts()
    assert hosts
    assert zoo.stop(120) == 0, zoo.log()[-4000:]
    assert not [pid for pid in hosts if os.path.exists(f"/proc/{pid}")]
    assert "AddressSanitizer" not in zoo.log() and "runtime error:" not in zoo.log()
    zoo.start()
    assert zoo.accepted("neighbour") == 501


# --- without Landlock --------------------------------------------------------------------------------------------------


def test_what_holds_without_landlock(make_collector):
    """As root: the plugin is somebody else, who has none of root's rights. As another user: calls and memory."""
    names = ["spy", "vandal", "connect", "jit", *(["keys"] if os.getuid() == 0 else [])]
    collector = make_collector(plugin_path=[ZOO])
    collector.configuration["plugins"] = [instance(Animal(name, REFUSED), collector.folder) for name in names]
    collector.write()
    collector.wrapper = [built("without-landlock")]
    collector.start()
    for name in names:
        wait_for(lambda name=name: collector.accepted(name) == TICKETS, SECONDS,
                 lambda name=name: f"{collector.plugin_state(name)} {said(collector, name)}")
        assert collector.plugin_state(name)["landlock"] is False
        lines = said(collector, name)
        escaped = [line for line in lines if line.startswith("ESCAPED")]
        assert not escaped and [line for line in lines if line.startswith("held: ")], (name, lines)
