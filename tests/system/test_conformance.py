"""`tendon plugin check`: all our plugins pass, and each broken one fails for its own reason. `tendon plugin new`: what
a vendor begins with builds against the installed header and passes."""
import json
import os
import re
import subprocess

import pytest

from collector import BUILD, TOP, built, is_sanitized
from fake_collector import Folder
from fake_rt import FakeRT, small_world
from test_http import no_proxy  # noqa: F401  (takes effect by being there)
import servicenow_server
import zendesk_server


@pytest.fixture(name="folder")
def fixture_folder():
    with Folder() as each:
        yield each


def tendon(*arguments, cwd=None, **more):
    return subprocess.run([built("tendon"), *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=400,
                          env={**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")}, **more)


def check(plugin, *arguments):
    """What came of each test, by its name."""
    done = tendon("plugin", "check", built(plugin), "-o", "json", "--seed", "1", *arguments)
    assert done.returncode in (0, 1), done.stderr
    results = {row["name"]: row for row in json.loads(done.stdout)}
    failed = [row for row in results.values() if row["verdict"] == "failed"]
    assert done.returncode == bool(failed), (done.returncode, failed, done.stderr)
    return results


def failures(results):
    return {name: row["message"] for name, row in results.items() if row["verdict"] == "failed"}


# --- plugins that break their contract ---------------------------------------------------------------------------------

# Each fails the test that names its fault, which says what is wrong.
BROKEN = {
    "export": ("exports", "broken_helper"),
    "import": ("imports", "json_object"),
    "constructor": ("load", "died|killed|ended"),
    "garbage": ("load", "TENDON_MAGIC"),
    "decline": ("load", "declines"),
    "entry-state": ("entry", "another descriptor"),
    "entry-minor": ("entry", "newer in minor"),
    "no-help": ("describe", "option count has no help"),
    "no-vendor": ("describe", "no vendor"),
    "bad-default": ("defaults", "must be 0 to 1000"),
    "ask-early": ("create", "asks for a service"),
    "slow-create": ("create", "did not return from create"),
    "bound": ("bounds", "signal 6"),
    "format": ("fuzz_options", "option label.*signal 11"),
    "silent": ("fuzz_options", "err does not say why"),
    "stop-twice": ("stop_twice", "csxxd.*in stop"),
    "destroy-null": ("destroy_null", "in destroy"),
    "restart": ("orders", "in start"),
    "ack": ("ack", "in ack"),
    "leak": ("growth", r"bytes of memory are left after 200 times, 1\d\d each"),
    "descriptor": ("growth_at_work", "50 descriptors are left open"),
    "handler": ("handlers", "1 handlers of signals"),
    "wake": ("wake", "signal 6|ended"),
    "result": ("fuzz_calls", "poll returned 7"),
    "hang": ("poll_time", "did not return from poll"),
    "talk": ("log", "lines were logged"),
    "person": ("log", "spoke of a person"),
    "bad-event": ("events", "reject 300 of 300 events, the first: ticket.opened"),
    "same-id": ("ids", "100 events have ticket and id of another"),
    "no-id": ("ids|events", "no id|needs|absent"),
    "clock": ("deterministic", "events are missing|does not give"),
    "counter": ("resume", "other values|are missing"),
    "bad-skip": ("skips", "code that is none"),
    "never-full": ("batches", "does not ask full"),
    "drop": ("backpressure", "events are missing"),
    "spin": ("idle", "TENDON_IDLE says that"),
    "no-cursor": ("cursor", "no cursor"),
    "early": ("resume", "events are missing"),
    "again": ("cursor", "1 events come again"),
    "odd-cursor": ("odd_cursors", "in start"),
    "long-cursor": ("odd_cursors", "in start"),
}


def test_a_sound_one_passes_all():
    results = check("broken-sound.so")
    assert not failures(results)
    assert {name for name, row in results.items() if row["verdict"] == "skipped"} == {"http_errors", "http_garbage"}
    assert all(len(row["why"]) > 80 and row["seed"] == results["load"]["seed"] for row in results.values())


@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_one_fails_for_its_reason(way):
    if way == "leak" and is_sanitized():
        pytest.skip("a sanitizer's heap is not measured")
    tests, said = BROKEN[way]
    told = failures(check(f"broken-{way}.so", *[word for test in tests.split("|") for word in ("--only", test)]))
    assert told and all(re.search(said, message) for message in told.values()), told


@pytest.fixture(name="pages")
def fixture_pages(folder):
    lines = [{"method": "GET", "target": f"/page/{n}", "status": 200,
              "answer": {"events": list(range(n * 10, n * 10 + 10)) if n < 5 else []}} for n in range(6)]
    return ["--options", folder.write("options.json", json.dumps({"url": "https://desk.example"})),
            "--replay", folder.write("tape.ndjson", "".join(json.dumps(line) + "\n" for line in lines))]


def test_one_that_asks_a_server(pages):
    results = check("broken-http-sound.so", *pages)
    assert not failures(results)
    assert results["http_errors"]["verdict"] == results["http_garbage"]["verdict"] == "passed"
    assert results["resume"]["verdict"] == "passed"


@pytest.mark.parametrize("way, test, said", [("swallow", "http_errors", "events are missing"),
                                             ("crash", "http_garbage", "signal 6"),
                                             ("circle", "http_garbage", "did not return from poll")])
def test_one_that_takes_trouble_the_wrong_way(pages, way, test, said):
    told = failures(check(f"broken-http-{way}.so", *pages, "--only", test))
    assert said in told[test], told


# --- our own -----------------------------------------------------------------------------------------------------------


def ours(folder, name):
    """Options under which a plugin of ours has some events, and what goes with them."""
    if name == "csv":
        rows = "".join(f"{n},T-{n % 40},2024-01-{n % 28 + 1:02} 10:{n % 60:02},"
                       f"{'Opened' if n < 40 else 'Status'},{'' if n < 40 else 'Solved'},{n % 4 + 1}\n" for n in range(300))
        return {"path": folder.write("log.csv", "Id,Ticket,Time,Event,Status,Severity\n" + rows), "rows": "event",
                "columns": {"id": "Id", "ticket": "Ticket", "at": "Time", "type": "Event", "to": "Status",
                            "severity": "Severity"},
                "values": {"type:Opened": "ticket.created", "type:Status": "ticket.status"}, "lower": ["to"],
                "time_format": ["%Y-%m-%d %H:%M"], "zone": "America/Chicago"}
    if name == "servicenow":
        rows = "".join(f"INC{n // 4},{'New,Active,Resolved,Closed'.split(',')[n % 4]},{n % 4},9/1/2024 0{n % 4 + 1}:00,"
                       f"9/1/2024 0{n % 4 + 1}:00\n" for n in range(200))
        return {"path": folder.write("incidents.csv",
                                     "number,incident_state,sys_mod_count,opened_at,sys_updated_at\n" + rows)}
    if name == "survey-json":
        rows = [{"Response": f"R{n}", "Submitted": f"2024-01-{n % 28 + 1:02}", "Facility": f"site{n % 9}", "Rating": {"value": n % 5 + 1},
                 "Why?": "a [text] {of} many lines"} for n in range(150)]
        text = json.dumps({"total": 150, "responses": rows[:50]}, indent=1) + json.dumps(rows[50:100]) + "\n" + json.dumps(rows[100:], indent=2)
        return {"path": folder.write("survey.json", text + "\n"), "format": "json", "rows": "respondent", "time_format": ["%Y-%m-%d"],
                "columns": {"id": "Response", "at": "Submitted", "site": "Facility"}, "constants": {"instrument": "site_survey"},
                "questions": {"/Rating/value": "satisfaction"}, "scales": {"satisfaction": "1..5"}}
    if name == "survey":
        rows = "".join(f"R{n},2024-01-{n % 28 + 1:02},site{n % 9},{n % 5 + 1}\n" for n in range(150))
        return {"path": folder.write("survey.csv", "Response,Submitted,Facility,How satisfied?\n" + rows),
                "rows": "respondent", "time_format": ["%Y-%m-%d"],
                "columns": {"id": "Response", "at": "Submitted", "site": "Facility"},
                "constants": {"instrument": "site_survey"}, "questions": {"How satisfied?": "satisfaction"},
                "scales": {"satisfaction": "1..5"}}
    if name == "rt":
        return {"url": "http://127.0.0.1:8092", "token": folder.write("token", "a token for the tests"), "every": "1h",
                "custom_fields": {"vendor": "Maker", "severity": "Urgency", "site": "Hospital"}}
    if name == "webhook":
        return {"listen": "127.0.0.1:8091", "secret": folder.write("secret", "a key for the tests")}
    assert name == "simulator"
    return {"tickets": 60, "days": 20}


def pushed(folder):
    """Requests for a push plugin of ours: events alone and in lists, and some that are none."""
    made = [{"type": "ticket.created", "id": f"e{n}", "at": 1704708000000 + n * 1000, "ticket": f"T-{n}", "severity": n % 4 + 1}
            for n in range(200)]
    bodies = [*made[:20], *(made[n:n + 30] for n in range(20, 200, 30)), [{"type": "ticket.created"}, 7], {"at": "when"}, []]
    return folder.write("tape.ndjson", "".join(
        json.dumps({"push": {"method": "POST", "path": "/events", "body": body}}) + "\n" for body in bodies))


def answered(folder):
    """What an RT with three pages of transactions answers the plugin rt."""
    tape = os.path.join(folder.path, "tape.ndjson")
    with FakeRT(is_super=False) as rt:
        small_world(rt)
        for ticket in range(10, 120):
            rt.create(ticket, fields={5: f"v{ticket % 7}"})
            rt.reply(ticket)
            rt.set_status(ticket, "resolved")
        rt.token = "token a token for the tests"
        given = folder.write("recorded.json", json.dumps({**ours(folder, "rt"), "url": rt.url, "per_minute": 60000}))
        done = tendon("plugin", "try", built("rt.so"), "--options", given, "--record", tape)
        assert done.returncode == 0, done.stderr
    return tape


def given(folder, name):
    """The arguments with which a plugin of ours is checked."""
    if name in ("servicenow-api", "zendesk"):
        options, tape, _ = (zendesk_server if name == "zendesk" else servicenow_server).recorded(folder)
        return ["--options", options, "--replay", tape]
    return ["--options", folder.write("options.json", json.dumps(ours(folder, name))),
            *(["--replay", {"rt": answered, "webhook": pushed}[name](folder)] if name in ("rt", "webhook") else [])]


@pytest.mark.parametrize("name", ["csv", "rt", "servicenow", "servicenow-api", "survey", "survey-json", "simulator", "webhook", "zendesk"])
def test_ours_pass(folder, name):
    if name != "csv" and is_sanitized():
        pytest.skip("one is enough for a build that is as slow")
    results = check(f"{name.removesuffix('-json')}.so", *given(folder, name))
    told = failures(results)
    if is_sanitized():
        told.pop("imports", None)  # a sanitizer's own symbols come with the program
    assert not told
    # What is sent comes again where there is no answer: there is nothing to resume from.
    assert results["resume"]["verdict"] == ("skipped" if name == "webhook" else "passed"), results["resume"]
    assert results["events"]["verdict"] == results["backpressure"]["verdict"] == "passed"
    if name == "rt":
        assert results["http_errors"]["verdict"] == results["http_garbage"]["verdict"] == "passed"


def test_a_failed_test_is_seen_again_with_its_seed(folder):
    first = tendon("plugin", "check", built("broken-drop.so"), "--only", "backpressure", "-o", "json")
    seed = json.loads(first.stdout)[0]["seed"]
    again = tendon("plugin", "check", built("broken-drop.so"), "--only", "backpressure", "-o", "json", "--seed", str(seed))
    assert json.loads(first.stdout)[0]["message"] == json.loads(again.stdout)[0]["message"]


def test_forms(folder):
    done = tendon("plugin", "check", built("broken-no-help.so"), "--only", "load,describe", "-o", "tap")
    assert done.returncode == 1
    assert re.match(r"TAP version 13\n1\.\.2\nok 1 - load\nnot ok 2 - describe\n# option count has no help\n# The vendor",
                    done.stdout)
    done = tendon("plugin", "check", built("broken-no-help.so"), "--only", "describe", "-o", "table")
    assert "again: tendon plugin check" in done.stdout and "0 passed, 1 failed, 0 skipped" in done.stdout
    done = tendon("plugin", "check", built("template.so"))
    assert done.returncode == 0 and "skipped\tneeds --options" in done.stdout


@pytest.mark.parametrize("arguments, said", [
    (["absent.so"], "absent.so"), (["{sound}", "--only", "nothing"], "no test is called nothing"),
    (["{sound}", "--seed", "x"], "whole number"), (["{sound}", "--options", "/nonexistent"], "nonexistent"),
    (["{sound}", "--replay", "/nonexistent"], "nonexistent"), (["{sound}", "--host", "/nonexistent"], "cannot run"),
])
def test_what_is_wrong_is_said(arguments, said):
    done = tendon("plugin", "check", *[each.format(sound=built("broken-sound.so")) for each in arguments])
    assert done.returncode != 0 and said in done.stderr, done


# --- what a vendor begins with -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session", name="installed")
def fixture_installed(tmp_path_factory):
    """The header and the .pc file as they are installed, and nothing else of ours."""
    stage = tmp_path_factory.mktemp("stage")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--tags", "devel", "--destdir", str(stage)], check=True,
                   capture_output=True, timeout=120)
    found = subprocess.run(["find", str(stage), "-type", "f"], check=True, capture_output=True, text=True).stdout.split()
    assert {os.path.basename(path) for path in found} == {"tendon_plugin.h", "tendon-plugin.pc"}, found
    return str(stage)


@pytest.mark.parametrize("kind", ["file", "http", "push"])
def test_a_skeleton_builds_and_passes_its_tests(kind, folder, installed):
    if kind != "http" and is_sanitized():
        pytest.skip("what it builds is not sanitized")
    done = tendon("plugin", "new", f"acme-{kind}", "--kind", kind, cwd=folder.path)
    assert done.returncode == 0, done.stderr
    home = os.path.join(folder.path, f"acme-{kind}")
    everything = ""
    for root, _, files in os.walk(home):
        for name in files:
            with open(os.path.join(root, name), encoding="utf-8") as file:
                everything += file.read()
    assert "template" not in everything and "@" not in everything.replace("@REPLAY@", "!")
    pc = subprocess.run(["find", installed, "-name", "tendon-plugin.pc"], check=True, capture_output=True, text=True).stdout.strip()
    environment = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(pc), "PKG_CONFIG_SYSROOT_DIR": installed,
                   "PATH": os.path.dirname(built("tendon")) + ":" + os.environ["PATH"],
                   "TENDON_PLUGIN_HOST": built("tendon-plugin-host")}
    for command in (["meson", "setup", "build"], ["meson", "compile", "-C", "build"],
                    ["meson", "test", "-C", "build", "--print-errorlogs"]):
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Ok: +2\b", done.stdout), done.stdout


def test_no_skeleton_is_written_over_what_is_there(folder):
    assert tendon("plugin", "new", "acme", cwd=folder.path).returncode == 0
    done = tendon("plugin", "new", "acme", cwd=folder.path)
    assert done.returncode == 1 and "File exists" in done.stderr and "--folder" in done.stderr
    for name in ("Acme", "1st", "a b", "", "x" * 33):
        done = tendon("plugin", "new", name, cwd=folder.path)
        assert done.returncode != 0, name
    assert tendon("plugin", "new", "acme", "--kind", "fax", cwd=folder.path).returncode == 2


def test_try_says_where_it_differs(folder):
    home = os.path.join(TOP, "plugins", "template", "test-file")
    with open(os.path.join(home, "expected.ndjson"), encoding="utf-8") as file:
        lines = file.readlines()
    arguments = ["plugin", "try", built("template.so"), "--options", os.path.join(home, "options.json"), "--expect"]
    for expected, said in (("".join(lines), ""), ("".join(lines[:-1]), "no further event"), ("".join(lines + lines[:1]), "did not come"),
                           ("".join(lines[1:]), "line 1 of what is expected")):
        done = tendon(*arguments, folder.write("expected", expected))
        assert (done.returncode, said in done.stderr) == (bool(said), True), done
