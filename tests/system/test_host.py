"""tendon-plugin-host against a collector of a few lines: what it sends, what it does when that is refused, and what
a plugin may and may not do."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from collector import TOP, built, is_sanitized
from fake_collector import FakeCollector, Folder, Host, until

EXIT_CRASHED, EXIT_AGAIN, EXIT_AUTH, EXIT_CONFIG = 70, 75, 77, 78
SEGMENTATION_FAULT = "killed by signal" if is_sanitized() else "signal 11"


@pytest.fixture
def folder():
    with Folder() as each:
        yield each


@pytest.fixture
def collector(folder):
    each = FakeCollector(folder.address).start()
    yield each
    each.stop()


def puppet(folder, fault="none", **options):
    return Host(built("puppet.so"), folder.address, {"fault": fault, **options})


def ids(collector):
    return [int(event["id"]) for event in collector.events]


def lines(host):
    """What the plugin logged."""
    return [line.strip('"') for line in re.findall(r"event=said source=acme text=(\"[^\"]*\"|\S+)", host.said())]


# --- what is sent ---------------------------------------------------------------------------------------------


def test_events_and_cursors_come_in_order(folder, collector):
    with puppet(folder, count=1000, each=100) as host:
        until(lambda: len(collector.events) == 1000)
        assert ids(collector) == list(range(1000))
        assert collector.events[4] == {"type": "ticket.created", "id": "4", "ticket": "T0", "at": 1704708000004,
                                       "seq": 1, "site": "north", "team": None}
        assert "seq" not in collector.events[3]
        assert collector.cursor == b"1000"
        assert [cursor for _, _, cursor in collector.batches] == [b"%d" % n for n in range(100, 1001, 100)]
        assert [seq for seq, _, _ in collector.batches] == list(range(1, 11))
        assert collector.hellos[0]["source"] == "acme"
        assert collector.hellos[0]["software"].startswith("tendon-plugin-host ")
        until(lambda: host.report().get("accepted") == 1000)
        assert host.report()["state"] == "running"
        until(lambda: "ack '1000'" in lines(host))
        assert host.stop() == 0
        assert lines(host)[-2:] == ["stop", "destroy"]


def test_it_goes_on_from_the_committed_cursor(folder, collector):
    collector.cursor, collector.last_seq = b"500", 41
    with puppet(folder, count=510) as host:
        until(lambda: len(collector.events) == 10)
        assert ids(collector) == list(range(500, 510))
        assert collector.batches[0][0] == 42
        assert "start 1 cursor '500'" in lines(host)


def test_batches_stay_under_the_limit(folder, collector):
    collector.credit = 4 << 20
    with puppet(folder, count=20000, each=1000000):
        until(lambda: len(collector.events) == 20000)
    assert collector.largest <= 256 * 1024
    assert ids(collector) == list(range(20000))


def test_several_are_under_way_within_the_credit(folder):
    collector = FakeCollector(folder.address, credit=300 * 1024).start()
    with puppet(folder, count=30000, each=300):
        until(lambda: len(collector.events) == 30000)
    collector.stop()
    assert ids(collector) == list(range(30000))


def test_a_batch_over_the_credit_goes_in_pieces(folder):
    collector = FakeCollector(folder.address, credit=2000).start()
    with puppet(folder, count=300, each=100):
        until(lambda: len(collector.events) == 300)
    collector.stop()
    assert ids(collector) == list(range(300))
    assert collector.largest <= 2000
    assert len(collector.batches) > 10
    with_cursor = [cursor for _, _, cursor in collector.batches if cursor is not None]
    assert with_cursor == [b"100", b"200", b"300"], "only the last piece of a poll has its cursor"


# --- what is refused, and what is lost ---------------------------------------------------------------------------


def test_a_nack_is_waited_for_and_everything_comes_in_order(folder):
    def nack(seq, n):
        if seq in (2, 5) and n <= 3:
            return {"code": "disk_full", "retry_ms": 50}
        return {"code": "over_credit"} if seq == 7 and n == 1 else None

    collector = FakeCollector(folder.address, nack=nack).start()
    with puppet(folder, count=1000, each=100) as host:
        until(lambda: len(collector.events) == 1000)
        assert host.report()["state"] == "running"
    collector.stop()
    assert ids(collector) == list(range(1000))
    assert [seq for seq, _, _ in collector.batches] == list(range(1, 11))
    assert [seq for seq, code in collector.nacked if code == "disk_full"] == [2, 2, 2, 5, 5, 5]


def test_nacks_at_random_lose_and_repeat_nothing(folder, chance):
    codes = ["disk_full", "store_failed", "over_credit", "stopping", "out_of_order", "hello_required"]

    def nack(seq, n):
        return {"code": chance.choice(codes), "retry_ms": 1} if n < 4 and chance.random() < 0.4 else None

    collector = FakeCollector(folder.address, nack=nack, credit=64 * 1024).start()
    with puppet(folder, count=20000, each=200):
        until(lambda: len(collector.events) >= 20000, 60, lambda: str(len(collector.events)))
        time.sleep(0.2)
    collector.stop()
    assert ids(collector) == list(range(20000))
    assert len(collector.nacked) > 20


@pytest.mark.parametrize("code, final", [("malformed", True), ("superseded", False), ("unknown_source", True)])
def test_a_final_nack_ends_it(folder, code, final):
    collector = FakeCollector(folder.address, nack=lambda seq, n: {"code": code, "message": "never", "final": final})
    collector.start()
    with puppet(folder, count=10) as host:
        assert host.wait() == EXIT_AGAIN
        assert "never" in host.report()["message"]
        assert lines(host)[-2:] == ["stop", "destroy"]
    collector.stop()
    assert not collector.events


def test_a_collector_that_comes_back(folder, collector):
    """The events go on where they were: nothing twice, nothing missing."""
    with puppet(folder, count=3000, each=20, pause="10ms") as host:
        for n in (300, 900, 1500):
            until(lambda: len(collector.events) >= n)
            collector.stop()
            time.sleep(0.1)
            collector.start()
        until(lambda: len(collector.events) == 3000)
        assert host.report()["state"] == "running"
    assert ids(collector) == list(range(3000))
    assert len({hello["session"] for hello in collector.hellos}) == 1


def test_a_collector_that_lost_what_it_had(folder, collector):
    """Its last_seq goes back: the host ends, to begin anew from the collector's cursor."""
    with puppet(folder, count=100000, each=20, pause="5ms") as host:
        until(lambda: len(collector.events) >= 200)
        collector.stop()
        collector.last_seq, collector.cursor = 2, b"40"
        collector.start()
        assert host.wait() == EXIT_AGAIN


def test_a_collector_that_is_not_there_yet(folder):
    collector = FakeCollector(folder.address)
    with puppet(folder, count=10) as host:
        time.sleep(0.5)
        assert host.process.poll() is None
        collector.start()
        until(lambda: len(collector.events) == 10)
    collector.stop()


def test_killed_at_any_moment_it_resumes(folder, collector, chance, long):
    """SIGKILL of either process: what is committed is exactly what was there to give, once."""
    collector.credit = 64 * 1024
    total = 40000
    rounds = 0
    while len(collector.events) < total and rounds < (200 if long else 40):
        rounds += 1
        with puppet(folder, count=total, each=50, pause="5ms") as host:
            time.sleep(0.1 + chance.random() * 0.4)
            inner = host.inner()
            if inner and chance.random() < 0.5:
                os.kill(inner, signal.SIGKILL)
                assert host.wait() == EXIT_CRASHED
            else:
                host.process.kill()
                host.wait()
            if inner:
                until(lambda: not os.path.exists(f"/proc/{inner}") or state_of(inner) == "Z")
    assert rounds > 3
    with puppet(folder, count=total, each=150):
        until(lambda: len(collector.events) >= total)
    assert ids(collector) == list(range(total))


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"


def test_no_more_than_the_credit_is_under_way(folder):
    """Several batches are, and when no answer comes no further ones; after a reconnect all come again, in order."""
    collector = FakeCollector(folder.address, credit=100 * 1024)
    collector.is_mute = True
    collector.start()
    with puppet(folder, count=20000, each=1000000):
        until(lambda: sum(collector.unanswered.values()) > 60 * 1024)
        time.sleep(1.5)
        assert len(collector.unanswered) > 1
        assert sum(collector.unanswered.values()) <= 100 * 1024
        collector.stop()
        collector.is_mute = False
        collector.start()
        until(lambda: len(collector.events) == 20000)
    collector.stop()
    assert ids(collector) == list(range(20000))


# --- errors and their policy ---------------------------------------------------------------------------------------


def test_temporary_is_tried_again_and_its_poll_never_was(folder, collector):
    with puppet(folder, "temporary", count=20) as host:
        until(lambda: host.report().get("state") == "retrying")
        assert host.report()["message"] == "as it was told"
        until(lambda: host.report()["state"] == "running")
        assert "start 2 cursor '20'" in lines(host)
    assert ids(collector) == list(range(20)), "what the failed poll appended is dropped"
    assert collector.cursor == b"20"


def test_start_is_tried_again_later_each_time(folder, collector):
    with puppet(folder, "temporary_start", count=10) as host:
        until(lambda: len(collector.events) == 10)
        assert [line for line in lines(host) if line.startswith("start")] == ["start 1 cursor ''", "start 2 cursor ''",
                                                                              "start 3 cursor ''"]


@pytest.mark.parametrize("fault, status, state", [("auth", EXIT_AUTH, "failed_auth"),
                                                  ("config", EXIT_CONFIG, "failed_config")])
def test_what_waits_for_a_change_ends(folder, collector, fault, status, state):
    with puppet(folder, fault) as host:
        assert host.wait() == status
        assert host.report()["state"] == state
        assert host.report()["message"] == "as it was told"
        assert lines(host)[-2:] == ["stop", "destroy"]
    assert not collector.events


def test_a_cursor_that_means_nothing_is_dropped(folder, collector):
    collector.cursor, collector.last_seq = b"5", 3
    with puppet(folder, "cursor", count=10) as host:
        until(lambda: len(collector.events) == 10)
        assert "start 1 cursor '5'" in lines(host) and "start 2 cursor ''" in lines(host)


def test_a_cursor_is_dropped_once(folder, collector):
    collector.cursor, collector.last_seq = b"5", 3
    with puppet(folder, "cursor_always", count=10) as host:
        assert host.wait() == EXIT_CONFIG
        assert "cursor" in host.report()["message"]


def test_the_end_is_told_after_the_last_acknowledgement(folder):
    collector = FakeCollector(folder.address, nack=lambda seq, n: {"code": "disk_full", "retry_ms": 300} if n < 3 else None)
    collector.start()
    with puppet(folder, "end", count=10) as host:
        assert host.wait() == 0
        assert host.report()["state"] == "ended"
        assert lines(host)[-2:] == ["stop", "destroy"]
    collector.stop()
    assert len(collector.events) == 10 and collector.cursor == b"10"


# --- plugins that go wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault, said", [("odd", "77"), ("abort", "signal 6"), ("overflow", SEGMENTATION_FAULT),
                                         ("close_all", ""), ("forge", "no answer"), ("forge_events", "no answer")])
def test_what_dies_in_poll_is_a_crash(folder, collector, fault, said):
    with puppet(folder, fault, count=10) as host:
        assert host.wait() == EXIT_CRASHED
        assert host.report()["state"] == "crashed"
        assert said in host.report()["message"]
    assert len(collector.events) == 10, "what it had given before is kept"


def test_a_cursor_that_is_too_long(folder, collector):
    with puppet(folder, "long_cursor", count=10) as host:
        assert host.wait() == EXIT_CONFIG
        assert "4096" in host.report()["message"]


@pytest.mark.parametrize("plugin, status, said", [
    ("faulty-abi.so", EXIT_CONFIG, "ABI 2.0"),
    ("faulty-symbol.so", EXIT_CONFIG, "tendon_nobody_has_this"),
    ("faulty-garbage.so", EXIT_CONFIG, "TENDON_MAGIC"),
    ("faulty-config.so", EXIT_CONFIG, "it is never right"),
    ("faulty-crash.so", EXIT_CRASHED, SEGMENTATION_FAULT),
    ("faulty-exit.so", EXIT_CRASHED, "ended with status 0"),
])
def test_the_faulty_ones(folder, collector, plugin, status, said):
    with Host(built(plugin), folder.address) as host:
        assert host.wait() == status
        assert said in host.report()["message"], host.report()


def test_what_is_no_plugin(folder, collector):
    with Host(folder.write("x.so", "no ELF"), folder.address) as host:
        assert host.wait() == EXIT_CONFIG
    with Host(os.path.join(folder.path, "absent.so"), folder.address) as host:
        assert host.wait() == EXIT_CONFIG
        assert "cannot open" in host.report()["message"] or "No such file" in host.report()["message"]


def test_a_poll_that_hangs_is_killed(folder, collector):
    began = time.monotonic()
    with Host(built("faulty-hang.so"), folder.address) as host:
        assert host.wait() == EXIT_CRASHED
        assert "did not return from poll" in host.report()["message"]
    assert 5 < time.monotonic() - began < 15
    assert len(collector.events) == 2


def test_a_stop_that_hangs_is_killed(folder, collector):
    with puppet(folder, "hang_stop", count=10) as host:
        until(lambda: len(collector.events) == 10)
        began = time.monotonic()
        host.stop()
        assert 4 < time.monotonic() - began < 9


def test_a_waiting_poll_is_woken(folder, collector):
    with puppet(folder, "wait", count=10) as host:
        until(lambda: "waiting" in lines(host))
        began = time.monotonic()
        assert host.stop() == 0
        assert time.monotonic() - began < 2
        assert lines(host)[-2:] == ["stop", "destroy"]


def test_it_ends_with_the_collector(folder, collector):
    """The report channel closes when tendond dies: no host outlives it."""
    with puppet(folder, count=10) as host:
        until(lambda: len(collector.events) == 10)
        host.reports.close()
        assert host.wait() == 0


def test_events_that_are_none(folder, collector):
    with puppet(folder, "invalid", count=0) as host:
        until(lambda: any(line.startswith("many fields") for line in lines(host)))
        said = [line for line in lines(host) if ":" in line]
        assert said == ["long id: 4", "not a number: 4", "too many fields: 4", "no event: 4", "many fields: 0"]
        until(lambda: len(collector.events) == 1)
        assert len(collector.events[0]) == 4 + 20


def test_skips_are_counted_and_shown(folder, collector):
    with puppet(folder, "skips", count=10) as host:
        until(lambda: host.report().get("skipped") == 100)
        assert re.fullmatch(r"(odd|even)_line some.csv line \d+", host.report()["last_skip"])
        assert "event=record_skipped source=acme code=odd_line file=some.csv line=1 count=1" in host.said()
        assert host.said().count("record_skipped") <= 20


def test_what_a_plugin_says_is_bounded(folder, collector):
    with puppet(folder, "flood", count=10) as host:
        until(lambda: "event=lines_dropped source=acme lines=" in host.said())
        assert 1 <= host.said().count("text=\"line") <= 20
        assert host.report()["state"] == "running"


def test_what_looks_personal_is_withheld(folder, collector):
    with puppet(folder, "personal", count=10) as host:
        until(lambda: host.report().get("state") == "retrying")
        until(lambda: "withheld" in host.said())
        assert "jane" not in host.said() and "jane" not in json.dumps(host.report())
        assert "withheld" in host.report()["message"]


def test_what_is_no_text_is_none(folder, collector):
    with puppet(folder, "not_utf8", count=10) as host:
        until(lambda: "not UTF-8" in host.said())


def test_it_says_that_it_is_alive(folder, collector):
    with puppet(folder, count=10) as host:
        until(lambda: host.report().get("accepted") == 10)
        host.last = {}
        until(lambda: host.report().get("accepted") == 10, 30)


# --- the sandbox -----------------------------------------------------------------------------------------------------


def test_what_a_plugin_may_do(folder, collector, monkeypatch):
    monkeypatch.setenv("TENDON_TEST_LEAK", "1")
    folder.write("in.txt", "x")
    with puppet(folder, "sandbox", count=0, path=folder.path) as host:
        until(lambda: "environment" in host.said())
        said = dict(line.split(": ", 1) for line in lines(host) if ": " in line)
        for what in ("socket", "unix", "fork", "exec", "ptrace", "kill", "write", "path write", "thread", "signal owner",
                     "pipe size", "write and execute", "execute later", "shared memory", "limit", "owner"):
            assert said[what] == "Operation not permitted", (what, said)
        assert said["unlink"] != "allowed"
        assert said["further descriptors"] == "0"
        assert said["environment"] == "clean"
        assert said["path read"] == "allowed"
        until(lambda: host.report().get("state") == "running")
        if not host.report()["landlock"]:
            pytest.skip("this kernel has no Landlock: which files a plugin may read is not limited here")
        assert said["passwd"] == said["parent"] == "Permission denied"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_without_a_user_it_runs_as_nobody_and_reads_its_paths(folder, collector):
    """Of root's rights it keeps that of reading, and that only as far as Landlock lets it."""
    path = folder.write("log.csv", HEADER + "1,T-1,2024-01-08T10:00:00Z,created,,2,north\n")
    os.chmod(path, 0o600)  # in a folder of mode 0700
    with Host(built("template.so"), folder.address, {"path": path}, nobody=61234) as host:
        until(lambda: host.inner() and host.report().get("state") in ("running", "retrying"))
        with open(f"/proc/{host.inner()}/status", encoding="ascii") as file:
            status = file.read()
        assert re.search(r"^Uid:\t61234\t61234\t61234\t61234$", status, re.M)
        assert re.search(r"^Gid:\t61234\t61234\t61234\t61234$", status, re.M)
        assert re.search(r"^Groups:\s*$", status, re.M)
        if host.report()["landlock"]:
            assert re.search(r"^CapEff:\t0{15}4$", status, re.M) and re.search(r"^CapPrm:\t0{15}4$", status, re.M)
            until(lambda: len(collector.events) == 1)
        else:
            assert re.search(r"^CapEff:\t0{16}$", status, re.M) and re.search(r"^CapPrm:\t0{16}$", status, re.M)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_it_runs_as_the_user_that_is_configured(folder, collector):
    os.chmod(folder.path, 0o755)
    path = folder.write("log.csv", HEADER + "1,T-1,2024-01-08T10:00:00Z,created,,2,north\n")
    with Host(built("template.so"), folder.address, {"path": path}, user=65534, group=65534) as host:
        until(lambda: len(collector.events) == 1)
        with open(f"/proc/{host.inner()}/status", encoding="ascii") as file:
            status = file.read()
        assert re.search(r"^Uid:\t65534\t65534\t65534\t65534$", status, re.M)
        assert re.search(r"^Groups:\s*$", status, re.M)
        assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^Seccomp:\t2$", status, re.M)
        assert host.stop() == 0
    os.chmod(path, 0o600)
    with Host(built("template.so"), folder.address, {"path": path}, user=65534, group=65534) as host:
        until(lambda: host.report().get("skipped") or host.report().get("state") == "retrying")


def test_memory_has_a_limit(folder, collector):
    if is_sanitized():
        pytest.skip("a sanitizer's shadow memory is beyond any limit")
    with Host(built("puppet.so"), folder.address, {"fault": "eat_memory", "count": 0},
              limits={"memory_bytes": 64 * 1024 * 1024}) as host:
        until(lambda: any(line.startswith("memory") for line in lines(host)))
        mib = int(re.search(r"memory: (\d+) MiB", host.said())[1])
        assert mib < 64


# --- options ---------------------------------------------------------------------------------------------------------


def check(plugin, options):
    path = plugin if os.path.isabs(plugin) else built(plugin)
    done = subprocess.run([built("tendon-plugin-host"), "--check", path], input=json.dumps(options),
                          capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def test_options_of_all_types(folder, collector):
    secret = folder.write("secret", "open sesame\n")
    os.chmod(secret, 0o600)
    options = {"flag": True, "room": "64KiB", "label": 1234, "colour": "green", "zone": "America/Chicago",
               "path": folder.path, "url": "https://example.org/api", "secret": secret, "numbers": 7,
               "names": {"one": "eins", "two": "zwei"}}
    with puppet(folder, "options", count=0, **options) as host:
        until(lambda: "found" in host.said())
        said = lines(host)
        assert "found 1 -1" in said and "open sesame" not in host.said()
    for line in ("option flag[] = 1 ''", "option room[] = 65536 ''", "option label[] = 0 '1234'",
                 "option colour[] = 1 'green'", "option zone[] = 0 'America/Chicago'",
                 "(withheld: it looks as if it spoke of a person)", "option secret[] = 0 '{secret:secret:0}'",
                 "option numbers[] = 7 ''", "option names[one] = 0 'eins'", "option absent is not set"):
        assert line in said, said


@pytest.mark.parametrize("options, said", [
    ({"fult": "none"}, "unknown option fult\n  did you mean fault?"),
    ({"qqqqqqqq": 1}, "unknown option qqqqqqqq"),
    ({"fault": "ned"}, "did you mean end?"),
    ({"count": "many"}, "option count must be a whole number"),
    ({"count": -1}, "option count must be 0 to 100000000"),
    ({"count": [1, 2]}, "option count must be one value"),
    ({"pause": 30}, "option pause must be a duration"),
    ({"pause": "30 apples"}, "option pause must be a duration"),
    ({"room": "1kB"}, "option room must be 1024 to 1048576 bytes"),
    ({"room": "x"}, "option room must be a size"),
    ({"flag": "perhaps"}, "option flag must be true or false"),
    ({"label": "x"}, "option label must be a text of 2 to 8 bytes"),
    ({"label": 1.5}, "option label must be a text; put it in quotes"),
    ({"colour": "blue"}, "option colour"),
    ({"zone": "America/Chicgo"}, "did you mean America/Chicago?"),
    ({"path": "relative"}, "option path must be an absolute path"),
    ({"path": "/nonexistent/folder/file"}, "option path names a file in a folder that does not exist"),
    ({"url": "ftp://example.org"}, "option url must be a URL"),
    ({"url": "https://user:password@example.org/"}, "option url must not hold a user or password"),
    ({"secret": "/nonexistent/secret"}, "option secret"),
    ({"secret": "/etc/passwd"}, "option secret names a file that others may read"),
    ({"numbers": [1, 2, 3, 4]}, "option numbers has 4 values, at most 3"),
    ({"numbers": [1, "x"]}, "option numbers[1] must be a whole number"),
    ({"names": ["a"]}, "option names must be a map"),
    ({"names": {"a": ["b"]}}, "option names[a] must be a text"),
    ([], "the options must be a map"),
])
def test_options_that_are_wrong(options, said):
    status, err = check("puppet.so", options)
    assert status == 1 and said in err, err


def test_options_that_are_right():
    status, _ = check("puppet.so", {"pause": "5ms", "numbers": [1, 2, 3]})
    assert status == 0
    status, err = check("template.so", {})
    assert status == 1 and "option path is required" in err


def test_describe():
    done = subprocess.run([built("tendon-plugin-host"), "--describe", built("puppet.so")], capture_output=True,
                          check=True, timeout=60)
    described = json.loads(done.stdout)
    assert described["id"] == "puppet" and described["abi"] == "1.0"
    options = {option["name"]: option for option in described["options"]}
    assert options["count"] == {"name": "count", "type": "int", "shape": "one", "required": False, "low": 0,
                                "high": 100000000, "default": "10", "help": "Events in all."}
    assert options["numbers"]["shape"] == "list" and options["numbers"]["n_max"] == 3


# --- what a vendor builds ----------------------------------------------------------------------------------------------


def symbols(path, *options):
    done = subprocess.run(["nm", "-D", *options, path], capture_output=True, text=True, check=True, timeout=60)
    return [line.split() for line in done.stdout.splitlines()]


def test_a_plugin_needs_the_header_and_nothing_else(folder):
    """As a vendor does: the template built alone, with warnings as errors and no undefined symbols."""
    header = os.path.join(folder.path, "include")
    os.mkdir(header)
    shutil.copy(os.path.join(TOP, "proto", "tendon_plugin.h"), header)
    plugin = os.path.join(folder.path, "mine.so")
    subprocess.run(["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden",
                    "-Wl,-z,defs", f"-I{header}", "-o", plugin, os.path.join(TOP, "plugins", "template", "file.c")],
                   check=True, timeout=120)
    status, err = check(plugin, {"path": folder.path})
    assert status == 0, err
    assert [line[-1] for line in symbols(plugin, "--defined-only")] == ["tendon_plugin_entry"]
    for language, compiler in (("c", ["cc", "-std=c99", "-pedantic"]), ("c++", ["c++", "-std=c++17"])):
        subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", language,
                        os.path.join(header, "tendon_plugin.h")], check=True, timeout=120)


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer takes the place of the C library's functions")
@pytest.mark.parametrize("name", ["csv.so", "rt.so", "servicenow.so", "servicenow-api.so", "simulator.so", "survey.so", "webhook.so", "zendesk.so", "template.so"])
def test_our_plugins_export_the_entry_and_lean_on_libc(name):
    """No undefined symbol but those with a version of the C library's."""
    assert [line[-1] for line in symbols(built(name), "--defined-only")] == ["tendon_plugin_entry"]
    for line in symbols(built(name), "--undefined-only"):
        symbol = line[-1]
        assert "@GLIBC" in symbol or line[0] == "w", symbol


# --- the template, which vendors copy ----------------------------------------------------------------------------------


HEADER = "id,ticket,at,event,value,severity,site\n"


def template(folder, **options):
    return Host(built("template.so"), folder.address, options)


def test_the_template_reads_what_grows(folder, collector):
    path = folder.write("log.csv", HEADER + "1,T-1,2024-01-08T10:00:00Z,created,,2,north\n")
    with template(folder, path=path) as host:
        until(lambda: len(collector.events) == 1)
        folder.write("log.csv", "2,T-1,2024-01-08T10:30:00,status,solved,,\n3,T-1,when,status,open,,\n", "a")
        until(lambda: len(collector.events) == 2)
        assert collector.events[1] == {"type": "ticket.status", "id": "2", "ticket": "T-1", "at": 1704709800000,
                                       "to": "solved"}
        until(lambda: host.report().get("skipped") == 1)
        assert host.report()["last_skip"] == "bad_time log.csv line 4"
        assert host.stop() == 0
    folder.write("log.csv", "4,T-1,2024-01-08T11:00:00Z,status,closed,,\n", "a")
    with template(folder, path=path) as host:
        until(lambda: len(collector.events) == 3)
        time.sleep(0.3)
        assert [event["id"] for event in collector.events] == ["1", "2", "4"], "it went on where it had stopped"
        assert host.report().get("skipped", 0) == 0


def test_the_template_reads_a_folder(folder, collector):
    drop = os.path.join(folder.path, "drop")
    os.mkdir(drop)
    with template(folder, path=drop, pattern="*.csv", zone="America/Chicago"):
        for i in range(5):
            folder.write(f"drop/{i}.csv", HEADER + f"{i},T-{i},2024-01-08T10:00:00,created,,1,south\n")
        folder.write("drop/readme.txt", "no table\n")
        until(lambda: len(collector.events) == 5)
        assert {event["at"] for event in collector.events} == {1704729600000}


# --- the file that is loaded -------------------------------------------------------------------------------------------


def test_the_file_is_copied_before_it_is_loaded(folder, collector):
    """Truncated and overwritten while it runs: a mapping of the file itself would die of it."""
    path = os.path.join(folder.path, "copy.so")
    shutil.copy(built("puppet.so"), path)
    os.chmod(path, 0o600)
    with Host(path, folder.address, {"fault": "none", "count": 2000, "each": 10, "pause": "5ms"}) as host:
        until(lambda: len(collector.events) > 100)
        with open(path, "r+b") as file:
            file.truncate(0)
            file.write(b"x" * 100000)
        until(lambda: len(collector.events) == 2000)
        with open(f"/proc/{host.inner()}/maps", encoding="ascii") as maps:
            text = maps.read()
        assert path not in text and "memfd:tendon-plugin" in text
        assert host.stop() == 0


def test_what_is_no_file_is_no_plugin(folder, collector):
    os.mkfifo(os.path.join(folder.path, "pipe.so"))
    for name in ("pipe.so", "."):
        with Host(os.path.join(folder.path, name), folder.address) as host:
            assert host.wait() == EXIT_CONFIG
            assert "is no file" in host.report()["message"]
