"""The plugin ABI across versions: what was built with 1.0 runs, what will be built with a later minor does too, and the
header only grows."""
import json
import os
import platform
import re
import shutil
import subprocess

import pytest

from collector import TOP, built
from fake_collector import FakeCollector, Folder, Host, until

FROZEN = os.path.join(TOP, "tests", "data", "abi-1.0")
HEADER = os.path.join(TOP, "proto", "tendon_plugin.h")
KINDS = ["file", "http", "push"]

only_x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="the frozen plugins are built for x86-64")


@pytest.fixture(name="folder")
def fixture_folder():
    with Folder() as each:
        yield each


def tendon(*arguments):
    return subprocess.run([built("tendon"), "plugin", *arguments], capture_output=True, text=True, check=False, timeout=300,
                          env={**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")})


def given(kind):
    """A frozen plugin, and the options of its test."""
    home = os.path.join(FROZEN, f"test-{kind}")
    tape = os.path.join(home, "tape.ndjson")
    return [os.path.join(FROZEN, f"{kind}.so"), "--options", os.path.join(home, "options.json"),
            *(["--replay", tape] if os.path.exists(tape) else [])]


@only_x86_64
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_built_with_1_0_gives_the_same_events(kind):
    arguments = given(kind)
    done = tendon("try", *arguments, "--expect", os.path.join(os.path.dirname(arguments[2]), "expected.ndjson"))
    assert done.returncode == 0, done.stderr


@only_x86_64
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_built_with_1_0_conforms(kind):
    done = tendon("check", *given(kind), "-o", "json", "--seed", "1", "--only",
                  "exports,imports,load,entry,create,orders,growth,resume,http_errors")
    verdicts = {row["name"]: row["verdict"] for row in json.loads(done.stdout)}
    assert done.returncode == 0 and "failed" not in verdicts.values(), done.stdout
    assert [name for name, verdict in verdicts.items() if verdict == "passed"][:7] == [
        "exports", "imports", "load", "entry", "create", "orders", "growth"]


@only_x86_64
def test_what_was_built_with_1_0_runs_under_a_collector(folder):
    collector = FakeCollector(folder.address).start()
    path = os.path.join(FROZEN, "test-file", "input.csv")
    with Host(os.path.join(FROZEN, "file.so"), folder.address, {"path": path}) as host:
        until(lambda: len(collector.events) == 5)
        assert host.report()["state"] == "running" and host.stop() == 0
    collector.stop()


def test_what_will_be_built_with_a_later_minor_runs():
    """Structures that have grown: the host takes what it knows, entry by entry of the table."""
    done = subprocess.run([built("tendon-plugin-host"), "--describe", built("later.so")], capture_output=True, check=True,
                          timeout=60)
    described = json.loads(done.stdout)
    assert described["abi"] == "1.7"
    assert [option["name"] for option in described["options"]] == ["first", "second"]
    assert described["options"][1]["default"] == "two"
    done = tendon("try", built("later.so"))
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1
    assert "the plugin says: first 3 second two more 0" in done.stderr


def test_another_major_is_refused():
    done = tendon("try", built("faulty-abi.so"))
    assert done.returncode == 1 and "built for ABI 2.0, this host runs 1.x" in done.stderr


# --- the header --------------------------------------------------------------------------------------------------------


def compare(folder, text):
    """What abidiff says of a header beside that of 1.0; nothing where a plugin cannot tell them apart."""
    if not shutil.which("abidiff"):
        pytest.skip("abidiff (package abigail-tools) is not installed")
    folder.write("tendon_plugin.h", text)
    surface = os.path.join(folder.path, "surface.so")
    subprocess.run(["cc", "-g", "-shared", "-fPIC", "-fvisibility=hidden", "-fno-eliminate-unused-debug-types",
                    f"-I{folder.path}", "-o", surface, os.path.join(FROZEN, "surface.c")], check=True, timeout=120)
    done = subprocess.run(["abidiff", os.path.join(FROZEN, "tendon_plugin.abi"), surface], capture_output=True, text=True,
                          check=False, timeout=120)
    assert done.returncode & 3 == 0, done.stderr  # bits 0 and 1: it did not work, or was called wrongly
    return done.stdout if done.returncode else ""


def header():
    with open(HEADER, encoding="utf-8") as file:
        return file.read()


@only_x86_64
def test_the_header_is_that_of_1_0(folder):
    assert compare(folder, header()) == ""


@only_x86_64
@pytest.mark.parametrize("old, new, seen", [
    # what no minor may do
    ("    void (*stop)(void *self);", "    void (*pause)(void *self);\n    void (*stop)(void *self);", "insertion"),
    ("    int64_t low, high; ", "    int32_t low, high; ", "low"),
    ("    TENDON_IDLE = 1,", "    TENDON_IDLE = 9,", "TENDON_IDLE"),
    ("    TENDON_SECRET = 10,", "", "TENDON_SECRET"),
    ("int (*end)(struct tendon_batch *batch);", "int (*end)(struct tendon_batch *batch, int how);", "end"),
    # what makes a new minor, with a folder of its own
    ("    void (*destroy)(void *self);\n", "    void (*destroy)(void *self);\n    void (*more)(void *self);\n", "insertion"),
    # what is none
    ("    TENDON_LISTEN = 11 ", "    TENDON_LISTEN = 11, TENDON_MORE = 12 ", ""),
])
def test_what_is_seen_of_a_change(folder, old, new, seen):
    assert header().count(old) == 1, old
    said = compare(folder, header().replace(old, new))
    assert (seen in said) if seen else said == "", said


def test_the_header_can_be_read_in_one_go():
    assert len(header().splitlines()) <= 400
    assert re.search(r"#define TENDON_ABI_MAJOR 1\n", header())
