"""Plugins that go wrong: the collector and the others go on, and status says it."""
import os
import re
import subprocess

import pytest

from collector import BUILD, Collector, built, csv_created, wait_for

FAULTY = os.path.join(BUILD, "tests", "system", "plugins")


def faulty(kind):
    return {"source": f"bad-{kind}", "plugin": f"faulty-{kind}"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.csv"
    path.write_text("id,when\n" + "".join(f"{n},2024-01-08T10:00:00Z\n" for n in "abc"), encoding="utf-8")
    kinds = ("abi", "symbol", "garbage", "config", "crash", "hang", "exit")
    with Collector(plugins=[csv_created(path, "good"), *(faulty(kind) for kind in kinds)], plugin_path=[FAULTY]) as collector:
        collector.good_path = path
        yield collector


def state(collector, kind):
    return collector.plugin_state(f"bad-{kind}")


@pytest.mark.parametrize("kind, said", [("abi", "ABI"), ("symbol", "tendon_nobody_has_this"), ("garbage", ""),
                                        ("config", "it is never right")])
def test_what_never_works_waits_for_a_change(running, kind, said):
    wait_for(lambda: state(running, kind).get("state") == "failed_config", 60, lambda: str(state(running, kind)))
    assert said in state(running, kind)["message"]


@pytest.mark.parametrize("kind", ["crash", "exit"])
def test_what_dies_is_started_again_and_then_quarantined(running, kind):
    wait_for(lambda: state(running, kind).get("state") == "quarantined", 120, lambda: str(state(running, kind)))
    assert state(running, kind)["crashes"] >= 5
    assert running.accepted(f"bad-{kind}") == 2, "what it had given is kept, once"


def test_what_hangs_is_killed(running):
    wait_for(lambda: state(running, "hang").get("crashes", 0) >= 1, 60, lambda: str(state(running, "hang")))
    assert running.accepted("bad-hang") == 2


def test_the_others_go_on(running):
    wait_for(lambda: running.accepted("good") == 3)
    with open(running.good_path, "a", encoding="utf-8") as file:
        file.write("d,2024-01-08T10:00:00Z\n")
    wait_for(lambda: running.accepted("good") == 4)
    assert running.plugin_state("good")["state"] == "running"


def test_status_says_it(running):
    said = running.cli("status", status=3).out  # answered, with a warning
    for kind in ("abi", "symbol", "crash"):
        assert f"bad-{kind}" in said
    assert "quarantined" in said and "failed_config" in said


def test_no_such_plugin(make_collector):
    """Named in the configuration and not there: said with the nearest name or the folders looked in."""
    collector = make_collector(plugins=[{"source": "typo", "plugin": "servicenw", "options": {"path": "/x"}}])
    done = subprocess.run([built("tendond"), "--check", "--config", collector.config_path], capture_output=True, text=True,
               check=False, timeout=60)
    assert done.returncode != 0 and "servicenw" in done.stdout + done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="of another user plugins run as that one")
def test_plugins_never_run_as_root(make_collector):
    collector = make_collector(plugin_user="root").spawn()
    assert collector.process.wait(60) != 0
    assert "plugins must not run as root" in collector.log()


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives users to its plugins")
def test_each_instance_has_a_user_of_its_own(running):
    users = []
    for pid in running.hosts():
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                is_inner = "--inner" in file.read()
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                user = int(re.search(r"^Uid:\t(\d+)", file.read(), re.M)[1])
        except FileNotFoundError:  # it has just ended
            continue
        if is_inner and user:  # root until it has entered its sandbox
            users.append(user)
    assert users and len(set(users)) == len(users) and all(61184 <= user <= 65519 for user in users)
