"""The configuration file: --check, what is said about mistakes, and reloading all or nothing."""
import json
import re
import signal
import subprocess

import pytest

from collector import built, wait_for
from events import created

GOOD = """\
data: {folder}/data
run: {folder}/run
keys: {folder}/keys
tenants: [{{name: riverbend, zone: America/Chicago}}]
"""


def check(tmp_path, text):
    path = tmp_path / "tendon.yaml"
    path.write_text(text.replace("{folder}", str(tmp_path)).replace("{{", "{").replace("}}", "}"), encoding="utf-8")
    return path, subprocess.run([built("tendond"), "--check", "--config", str(path)], capture_output=True, text=True,
                                timeout=60, check=False)


def test_a_good_one_passes_and_does_nothing(tmp_path):
    path, done = check(tmp_path, GOOD)
    assert done.returncode == 0, done
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize("line, column, text, says", [
    (5, 1, GOOD + "lissten: [tcp://127.0.0.1:7780]\n", "listen"),
    (4, 36, GOOD.replace("Chicago", "Chicgao"), "zone"),
    (5, 13, GOOD + "committers: lots\n", "number"),
    (5, 1, GOOD + "run: /elsewhere\n", "run"),
    (5, 2, GOOD + "\tlisten: x\n", ""),
    (4, 1, GOOD.replace("tenants", "tenant"), "tenants"),
    (6, 12, GOOD + "plugins:\n  - {plugin: csv}\n", "source"),
])
def test_a_mistake_is_told_with_its_place(tmp_path, line, column, text, says):
    path, done = check(tmp_path, text)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    found = re.search(rf"{re.escape(path.name)}:(\d+):(\d+): ", said)
    assert found, said
    assert int(found[1]) == line, said
    assert abs(int(found[2]) - column) <= 12, said
    assert says in said


def test_no_file(tmp_path):
    done = subprocess.run([built("tendond"), "--check", "--config", str(tmp_path / "none.yaml")], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode != 0 and "none.yaml" in done.stdout + done.stderr


def test_reload_takes_new_tenants(make_collector):
    collector = make_collector().start()
    collector.configuration["tenants"].append({"name": "second", "zone": "Asia/Manila"})
    collector.write()
    collector.process.send_signal(signal.SIGHUP)
    wait_for(lambda: {row["tenant"] for row in collector.call("tenant.list")} == {"riverbend", "second"})
    assert collector.value("tickets_created", tenant="second") == 0


def test_reload_is_all_or_nothing(make_collector):
    collector = make_collector().start()
    good = json.loads(json.dumps(collector.configuration))
    collector.configuration["tenants"] = [{"name": "riverbend", "zone": "UTC"}, {"name": "second", "zone": "UTC"},
                                          {"name": "third", "zone": "No/Where"}]
    collector.write()
    collector.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "No/Where" in collector.log() or "zone" in collector.log())
    assert [row["tenant"] for row in collector.call("tenant.list")] == ["riverbend"]
    collector.configuration = {**good, "tenants": [*good["tenants"], {"name": "second", "zone": "UTC"}]}
    collector.write()
    collector.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(collector.call("tenant.list")) == 2)


def test_a_tenant_taken_out_is_not_removed(make_collector):
    collector = make_collector(tenants=[{"name": "riverbend", "zone": "UTC"}, {"name": "second", "zone": "UTC"}], listen=True)
    collector.start()
    with collector.source("desk", "second") as source:
        source.send([created("t")])
    collector.configuration["tenants"] = collector.configuration["tenants"][:1]
    collector.write()
    collector.restart()
    collector.configuration["tenants"].append({"name": "second", "zone": "UTC"})
    collector.write()
    collector.restart()
    assert collector.value("tickets_created", tenant="second") == 1


def test_a_second_collector_on_the_same_folder_is_refused(make_collector):
    collector = make_collector().start()
    done = subprocess.run([built("tendond"), "--config", collector.config_path], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode != 0
    assert collector.value("tickets_created") == 0


def test_stops_when_told(make_collector):
    collector = make_collector().start()
    assert collector.stop() == 0
    collector.start()
    collector.process.send_signal(signal.SIGINT)
    assert collector.process.wait(30) == 0
