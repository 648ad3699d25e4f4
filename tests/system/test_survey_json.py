"""The survey plugin on JSON: however the records stand in their file, the ballots are those of the same export as CSV."""
import csv
import gzip
import io
import json
import os
import re
import subprocess

import pytest

from collector import built
from fake_collector import FakeCollector, Folder, Host, until

OPTIONS = {"rows": "respondent", "time_format": ["%Y-%m-%d %H:%M"], "settle": "0s",
           "columns": {"id": "Response", "at": "Submitted", "site": "Facility", "respondent": "Person"},
           "constants": {"instrument": "site_survey"}, "questions": {"How satisfied?": "satisfaction", "Own staff?": "prefers_direct"},
           "scales": {"satisfaction": "0..5"}, "answers": {"*:true": "yes", "*:false": "no"}}
BALLOTS = [{"Response": f"R{n}", "Submitted": f"2024-01-{n % 28 + 1:02} 10:{n % 60:02}", "Facility": f"site {n % 9}",
            "Person": 7000 + n, "How satisfied?": n % 6 if n % 5 else (n % 6) / 2, "Own staff?": [True, False, None][n % 3],
            "Why?": 'free ] } [ { text, "quoted" \\ and\nlonger ' + "\u20ac" * (n % 7), "Parts": [{"a": [1, "]"]}, {}, []]}
           for n in range(60)]


@pytest.fixture(name="folder")
def fixture_folder():
    with Folder() as each:
        yield each


def attempt(folder, text, **more):
    """Events, and what was skipped: code and line."""
    path = os.path.join(folder.path, "ballots")
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode() + b"\n")
    job = {"options": {**OPTIONS, "path": path, **more}}
    done = subprocess.run([built("tendon-plugin-host"), "--try", built("survey.so")], input=json.dumps(job), capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr and "free ]" not in done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], re.findall(r"^skipped: (\S+) ballots line (\d+)$", done.stderr, re.M)


def as_csv(ballots):
    out = io.StringIO()
    rows = csv.DictWriter(out, list(BALLOTS[0]))
    rows.writeheader()
    rows.writerows({key: json.dumps(value).strip('"') if value is not None else "" for key, value in ballot.items()} for ballot in ballots)
    return out.getvalue()


LAYOUTS = {
    "a line each": ("lines", "".join(json.dumps(each) + "\n" for each in BALLOTS)),
    "a line each with blank ones": ("lines", "\r\n\n".join(json.dumps(each, ensure_ascii=False) for each in BALLOTS) + "\n \n"),
    "all in one line": ("json", json.dumps(BALLOTS)),
    "an element a line": ("json", "[" + ",\n".join(json.dumps(each) for each in BALLOTS) + "]"),
    "over many lines": ("json", json.dumps(BALLOTS, indent=2)),
    "without blanks": ("json", json.dumps(BALLOTS, separators=(",", ":"), ensure_ascii=False) + "\n"),
    "in a member": ("json", json.dumps({"total": len(BALLOTS), "page": {"of": [1, {"responses": []}]}, "responses": BALLOTS,
                                        "after": [1, 2, {"x": ["]"]}]}, indent=1)),
    "in an object's only array": ("json", json.dumps({"x": "[", "responses": BALLOTS, "more": [7]})),
    "several documents": ("json", json.dumps(BALLOTS[:20]) + json.dumps({"responses": BALLOTS[20:50]}) + "\n" + json.dumps(BALLOTS[50:], indent=1)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_however_they_stand_there(layout, folder):
    form, text = LAYOUTS[layout]
    expected, skipped = attempt(folder, as_csv(BALLOTS))
    assert len(expected) == 100 and not skipped
    more = {"records": "responses"} if layout == "in a member" else {}
    assert attempt(folder, text, format=form, **more) == (expected, [])
    assert attempt(folder, gzip.compress(text.encode() + b"\n"), format=form, **more) == (expected, [])


def test_members_of_members(folder):
    ballots = [{"id": 5, "meta": {"at": "2024-01-08 10:00", "site": {"code": "north"}}, "answers": [{"value": 4}, {"value": "3.5"}]}]
    events, skipped = attempt(folder, json.dumps(ballots), format="json", columns={"id": "id", "at": "/meta/at", "site": "/meta/site/code"},
                              questions={"/answers/0/value": "a", "/answers/1/value": "b", "/answers/2/value": "c"},
                              scales={"a": "0..5", "b": "0..5"}, answers={})
    assert not skipped and [(event["id"], event["site"], event["score"]) for event in events] == [("5/a", "north", 4), ("5/b", "north", 3.5)]


GOOD = json.dumps(BALLOTS[0])


NONE = {
    "a line": ("lines", f"{GOOD}\nno json\n{GOOD[:-1]}\n7\n[{GOOD}]\n{GOOD}\n", [("bad_json", n) for n in "2345"], 2),
    "a nul": ("lines", GOOD.replace("longer", "longer\\u0000\\ud800") + "\n", [], 1),
    "elements": ("json", f'[{GOOD}, 7, "text]", null, [], {{"x": }},\n {GOOD}]', [("bad_json", "1")] * 5, 2),
    "cut": ("json", f"[\n{GOOD},\n{GOOD[:50]}", [], 1),  # it is waited for
    "empty": ("json", "", [], 0),
    "no element": ("json", "[]", [], 0),
    "no array": ("json", "{}\n", [("no_records", "1")], 0),
    "another array": ("json", f"{GOOD}\n", [("no_site", "1"), ("no_site", "1"), ("bad_json", "1")], 0),  # its first array is one of something else
    "no object": ("json", '{"a": 1}\n{"b": 2}\n7\n', [("no_records", n) for n in "123"], 0),
    "brackets": ("json", "]]}}[" + GOOD + "]", [("no_records", "1")] * 4, 1),
    "a long line": ("json", '[{"Response": "' + "x" * 1_100_000 + '"}]', [("too_long", "1")], 0),
    "a long record": ("json", '[{"Response":\n"' + '",\n"Why?": "'.join("x" * 1000 for _ in range(1200)) + '"},\n' + GOOD + "]", [("too_long", "1")], 1),
    "a deep one": ("json", '[{"x": ' + "[" * 5000 + "]" * 5000 + "}," + GOOD + "]", [("bad_json", "1")], 1),
}


@pytest.mark.parametrize("what", NONE)
def test_what_is_no_record(what, folder):
    form, text, skipped, n = NONE[what]
    events, found = attempt(folder, text, format=form)
    assert len({event["id"].split("/")[0] for event in events}) == min(n, 1) and len(events) == 2 * n
    assert found == skipped


def test_a_member_that_is_not_there(folder):
    assert attempt(folder, json.dumps({"rows": BALLOTS}), format="json", records="responses") == ([], [("no_records", "1")])


def test_files_that_grow_and_come(folder):
    """A record is taken when it is whole; a file that was left in the middle is said, and the next is read."""
    drop = os.path.join(folder.path, "drop")
    os.mkdir(drop)

    def write(name, text, mode="w"):
        with open(os.path.join(drop, name), mode, encoding="utf-8") as file:
            file.write(text)

    collector = FakeCollector(folder.address).start()

    def ids():
        return sorted({int(event["id"].split("/")[0][1:]) for event in collector.events})

    lines = [json.dumps(each) for each in BALLOTS]
    write("1.json", f"[{lines[0]},\n{lines[1]},\n{lines[2][:30]}")
    given = {**OPTIONS, "path": drop, "format": "json"}
    with Host(built("survey.so"), folder.address, given):
        until(lambda: ids() == [0, 1])
        write("1.json", lines[2][30:] + ",\n" + lines[3] + "\n", "a")
        until(lambda: ids() == [0, 1, 2, 3])
    n = len(collector.events)
    write("1.json", ",\n" + lines[4] + "\n", "a")  # the array goes on where another process has left it
    with Host(built("survey.so"), folder.address, given) as host:
        until(lambda: ids() == [0, 1, 2, 3, 4])
        write("2.json", json.dumps({"responses": BALLOTS[5:8]}) + "\n")
        until(lambda: ids() == list(range(8)))
        until(lambda: host.report().get("skipped") == 1, what=lambda: str(host.report()))
        assert host.report()["last_skip"].startswith("bad_json 1.json")
    collector.stop()
    assert n == 7 and len({event["id"] for event in collector.events}) == len(collector.events), "nothing came twice"


@pytest.mark.parametrize("more, said", [({"records": "x"}, "records is for format: json"), ({"format": "xml"}, "csv, json"),
                                        ({"format": "lines", "records": "x"}, "not for format: lines")])
def test_what_is_wrong_is_said(more, said, folder):
    folder.write("ballots", "")
    with Host(built("survey.so"), folder.address, {**OPTIONS, "path": folder.path, **more}) as host:
        assert host.wait() == 78 and said in host.report()["message"]
