"""One plugin put in another's place while it runs: nothing is lost and nothing comes twice; and what tendon plugin top
shows of those that run."""
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time

import pytest

from collector import Collector, built, wait_for

TOTAL = 40000


def puppet(source, **options):
    return {"source": source, "plugin": "mine", "options": {"each": 50, "pause": "10ms", **options}}


def put(folder, n=0):
    """The puppet, another file each time; in one step, as an installer does."""
    fresh = folder / "mine.so.new"
    shutil.copy(built("puppet.so"), fresh)
    with open(fresh, "ab") as file:
        file.write(b"\0" * n)
    os.rename(fresh, folder / "mine.so")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugins")
    put(folder)
    plugins = [puppet("moved", count=TOTAL), puppet("other", count=100)]
    with Collector(plugins=plugins, plugin_path=[str(folder)]) as collector:
        collector.plugins = folder
        yield collector


def sent(collector, source):
    return {key: collector.call("source.show", source=source)[key] for key in ("accepted", "duplicates", "rejected")}


def test_twenty_times_under_load(running):
    running.wait_accepted("other", 100)
    other = running.plugin_state("other")
    for n in range(1, 21):
        put(running.plugins, n)
        shown = running.cli_json("plugin", "reload", "moved")
        assert shown["state"] == "running" and shown["plugin"] == "mine" and shown["version"] == "1"
    wait_for(lambda: sent(running, "moved")["accepted"] >= TOTAL, 120, lambda: str(sent(running, "moved")))
    assert sent(running, "moved") == {"accepted": TOTAL, "duplicates": 0, "rejected": 0}
    assert running.call("status")["tenants"][0]["events"] == TOTAL + 100
    shown = running.plugin_state("moved")
    assert shown["restarts"] == 20 and shown["crashes"] == 0
    after = running.plugin_state("other")
    assert (after["pid"], after["restarts"]) == (other["pid"], 0), "another instance of it goes on as it is"


def test_a_file_that_would_not_run_changes_nothing(running):
    before = running.plugin_state("moved")
    shutil.copy(built("faulty-abi.so"), running.plugins / "mine.so.new")
    os.rename(running.plugins / "mine.so.new", running.plugins / "mine.so")
    done = running.cli("plugin", "reload", "moved", status=1)
    assert "the plugin was not changed" in done.err and "ABI 2.0" in done.err
    shutil.copy(built("template.so"), running.plugins / "mine.so.new")
    os.rename(running.plugins / "mine.so.new", running.plugins / "mine.so")
    done = running.cli("plugin", "reload", "moved", status=1)
    assert "the plugin was not changed" in done.err and "unknown option" in done.err
    time.sleep(0.2)
    after = running.plugin_state("moved")
    assert (after["pid"], after["state"]) == (before["pid"], "running")
    put(running.plugins, 30)


def test_a_configuration_reload_does_not_start_it_once_more(running):
    running.cli("plugin", "reload", "moved")
    running.cli("plugin", "reload", "other")
    before = running.plugin_state("moved")
    running.process.send_signal(signal.SIGHUP)
    wait_for(lambda: running.log().count("event=reloaded") == 1)
    assert running.plugin_state("moved")["pid"] == before["pid"]


def test_a_source_that_is_none(running):
    done = running.cli("plugin", "reload", "movd", status=1)
    assert "no plugin instance is the source movd" in done.err and 'did you mean "moved"?' in done.err


def test_what_waits_is_started(running):
    """A quarantined or failed instance is one to reload, too."""
    running.configuration["plugins"].append({"source": "failing", "plugin": "mine", "options": {"fault": "config"}})
    running.write()
    running.process.send_signal(signal.SIGHUP)
    wait_for(lambda: running.plugin_state("failing").get("state") == "failed_config")
    done = running.cli("plugin", "reload", "failing", status=1)
    assert "the plugin is failed_config: as it was told" in done.err
    assert running.plugin_state("failing")["restarts"] == 1


# --- top -----------------------------------------------------------------------------------------------------------


def test_top_once_for_programs(running):
    rows = {row["source"]: row for row in running.cli_json("plugin", "top")}
    moved, failing = rows["moved"], rows["failing"]
    assert moved["state"] == "running" and moved["events"] == TOTAL and moved["restarts"] == running.plugin_state("moved")["restarts"]
    assert 1 << 20 < moved["memory_bytes"] < 1 << 30 and moved["cpu_s"] >= 0 and 0 <= moved["cpu"] < 4
    assert moved["events_per_s"] == 0 and moved["cursor_age_s"] > 0
    # its newest event is of 2024-01-08: TOTAL ms after 09:20 UTC
    assert abs(time.time() - moved["lag_s"] - (1704708000000 + TOTAL - 1) / 1000) < 60
    assert failing["memory_bytes"] == 0 and failing["cpu"] is None and failing["lag_s"] is None


def test_top_counts_what_comes(running):
    running.configuration["plugins"].append(puppet("busy", count=10**7))
    running.write()
    running.process.send_signal(signal.SIGHUP)
    wait_for(lambda: running.plugin_state("busy").get("state") == "running")
    rows = {row["source"]: row for row in running.cli_json("plugin", "top")}
    assert rows["busy"]["events_per_s"] > 0 and rows["busy"]["cpu"] > 0
    running.configuration["plugins"].pop()
    running.write()
    running.process.send_signal(signal.SIGHUP)
    wait_for(lambda: not running.plugin_state("busy"))


def test_top_goes_on_on_a_terminal(running):
    outer, inner = pty.openpty()
    process = subprocess.Popen([built("tendon"), "--connect", running.control, "plugin", "top", "--interval", "200ms"], stdin=inner,
                               stdout=inner, stderr=inner, env={**os.environ, "COLUMNS": "120"},
                               # a shell's background job, which the tests may be, ignores it, and so would what they start
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    os.close(inner)
    said = b""
    end = time.monotonic() + 60
    while said.count(b"\x1b[H\x1b[2J") < 4 and time.monotonic() < end:
        if select.select([outer], [], [], 1)[0]:
            said += os.read(outer, 65536)
    process.send_signal(signal.SIGINT)
    process.wait(10)
    os.close(outer)
    assert said.count(b"\x1b[H\x1b[2J") >= 4
    last = said.decode().split("\x1b[H\x1b[2J")[-2]
    assert "cursor age" in last and "moved" in last and "ctrl-C ends" in last


def test_top_says_what_is_wrong(running):
    assert "--interval cannot be" in running.cli("plugin", "top", "--interval", "1ms", status=2).err
    assert json.loads(running.cli("plugin", "top", "-o", "json", "--once").out)
