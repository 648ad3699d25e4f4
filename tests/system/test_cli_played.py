"""The command line against a collector that is played: its exit codes, its forms, and what it says when things go wrong.

A ROUTER answers what a test wants it to, so that also what a sound collector never does can be seen.
"""
import csv
import fcntl
import io
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time

import msgpack
import pytest
import zmq

from collector import built

ANSWER = {
    "metrics": ["first_response_time.p50", "csat", "tickets_created"],
    "by": ["vendor"],
    "columns": [
        {"name": "vendor", "kind": "dimension"},
        {"name": "first_response_time.p50", "kind": "duration", "metric": "first_response_time", "stat": "p50"},
        {"name": "first_response_time.p50.n", "kind": "n", "metric": "first_response_time", "stat": "p50"},
        {"name": "csat", "kind": "ratio", "metric": "csat"},
        {"name": "csat.low", "kind": "interval", "metric": "csat"},
        {"name": "csat.high", "kind": "interval", "metric": "csat"},
        {"name": "csat.n", "kind": "n", "metric": "csat"},
        {"name": "tickets_created", "kind": "count", "metric": "tickets_created"},
    ],
    "rows": [
        {"vendor": "acme, \"east\"\tand west", "first_response_time.p50": 8040, "first_response_time.p50.n": 4211,
         "csat": 155 / 180, "csat.low": 0.803008, "csat.high": 0.904123, "csat.n": 180, "tickets_created": 4300},
        {"vendor": None, "first_response_time.p50": 0.3, "first_response_time.p50.n": 1,
         "csat": None, "csat.low": None, "csat.high": None, "csat.n": 0, "tickets_created": 2},
    ],
    "meta": {"zone": "UTC", "now": "2026-01-02T03:04:05Z", "as_of": 77, "warnings": []},
}
EMPTY = {**ANSWER, "rows": []}
WARNED = {**ANSWER, "meta": {**ANSWER["meta"], "warnings": [{"code": "refolding", "message": "the facts are old"}]}}


class Played:
    """A ROUTER that answers with what `answer(kind, body)` gives: a document, an Exception with (code, message, hint),
    bytes to send as they are, or None for silence."""

    def __init__(self, answer, part_bytes=64, server_key=None):
        self.answer = answer
        self.part_bytes = part_bytes
        self.asked = []
        self.folder = tempfile.TemporaryDirectory(prefix="tendon-cli-")
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        if server_key is None:
            self.endpoint = f"ipc://{self.folder.name}/control.sock"
            self.socket.bind(self.endpoint)
        else:
            self.socket.curve_server = True
            self.socket.curve_secretkey = server_key
            self.endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.stopping = False
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        self.socket.close()
        self.context.term()
        self.folder.cleanup()

    def run(self):
        parts = {}
        while not self.stopping:
            if not self.socket.poll(20):
                continue
            peer, frame = self.socket.recv_multipart()
            version, kind, request, body = msgpack.unpackb(frame)
            assert version == 1
            if kind == "MORE":
                self.part(peer, request, parts[peer], body["part"])
                continue
            self.asked.append((kind, body))
            try:
                answer = self.answer(kind, body)
            except Exception as refusal:
                code, message, hint = refusal.args
                self.send(peer, "ERROR", request, {"code": code, "message": message, "hint": hint})
                continue
            if isinstance(answer, bytes):
                self.socket.send_multipart([peer, answer])
            elif answer is not None:
                data = msgpack.packb(answer)
                parts[peer] = [data[i:i + self.part_bytes] for i in range(0, len(data), self.part_bytes)]
                self.part(peer, request, parts[peer], 0)

    def part(self, peer, request, parts, number):
        self.send(peer, "RESULT", request, {"part": number, "last": number + 1 == len(parts), "data": parts[number]})

    def send(self, peer, kind, request, body):
        self.socket.send_multipart([peer, msgpack.packb([1, kind, request, body])])


def tendon(*arguments, connect=None, stdin=None, env=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TENDON_CONNECT")}
    if connect:
        environment["TENDON_CONNECT"] = connect
    return subprocess.run([built("tendon"), *arguments], input=stdin, capture_output=True, text=True, timeout=60,
                          env={**environment, **(env or {})}, check=False)


def on_terminal(*arguments, connect, columns=80, locale="C.UTF-8"):
    """What a terminal of that width shows, and the exit code."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen([built("tendon"), *arguments], stdin=slave, stdout=slave, stderr=slave,
                               env={**os.environ, "TENDON_CONNECT": connect, "LC_ALL": locale})
    os.close(slave)
    shown = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([master], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    return shown.decode().replace("\r\n", "\n"), process.wait()


def answering(document, **options):
    return Played(lambda kind, body: document, **options)


# --- the forms of an answer --------------------------------------------------------------------------------


def test_json_is_the_answer_itself():
    with answering(ANSWER) as played:
        done = tendon("query", "csat", "-o", "json", connect=played.endpoint)
    assert done.returncode == 0 and done.stderr == ""
    assert json.loads(done.stdout) == ANSWER
    assert "0.3," in done.stdout, "a real has no more digits than it needs"


def test_ndjson_has_a_row_a_line():
    with answering(ANSWER) as played:
        done = tendon("query", "csat", "-o", "ndjson", connect=played.endpoint)
    assert [json.loads(line) for line in done.stdout.splitlines()] == ANSWER["rows"]


def machine_value(text):
    return None if text == "" else text


def check_separated(rows):
    names = [column["name"] for column in ANSWER["columns"]]
    assert rows[0] == names
    for got, row in zip(rows[1:], ANSWER["rows"], strict=True):
        for text, name in zip(got, names, strict=True):
            if row[name] is None:
                assert text == ""
            elif isinstance(row[name], str):
                assert text == row[name]
            else:
                assert float(text) == row[name]


def test_csv_reads_back():
    with answering(ANSWER) as played:
        done = tendon("query", "csat", "-o", "csv", connect=played.endpoint)
    check_separated(list(csv.reader(io.StringIO(done.stdout))))


def test_tsv_is_the_form_of_a_pipe_and_reads_back():
    with answering(ANSWER) as played:
        done = tendon("query", "csat", connect=played.endpoint)
        named = tendon("query", "csat", "-o", "tsv", connect=played.endpoint)
    assert done.stdout == named.stdout
    rows = [[field.replace("\\t", "\t").replace("\\n", "\n").replace("\\\\", "\\") for field in line.split("\t")]
            for line in done.stdout.splitlines()]
    check_separated(rows)


def test_markdown_reads_as_people_do():
    with answering(ANSWER) as played:
        done = tendon("query", "csat", "-o", "md", connect=played.endpoint)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("| vendor |")
    assert "| 2h 14m | 4,211 | 86.1 % |" in lines[2]
    assert "| – | 0.3s | 1 | – | – | 0 | 2 |" in lines[3]


def test_a_terminal_gets_a_table():
    with answering(ANSWER) as played:
        shown, code = on_terminal("query", "csat", connect=played.endpoint, columns=120)
    assert code == 0
    assert "2h 14m" in shown and "86.1 %" in shown and "[80.3, 90.4]" in shown and "4,211" in shown
    assert "acme, \"east\"\ufffdand west" in shown, "a tab is nothing that a table can show"
    assert re.search(r"^– .* 0\.3s ", shown, re.M)


@pytest.mark.parametrize("columns", [20, 40, 60, 100, 200])
def test_a_table_fits_the_terminal(columns):
    with answering(ANSWER) as played:
        shown, code = on_terminal("query", "csat", connect=played.endpoint, columns=columns)
    assert code == 0
    for line in shown.splitlines():
        assert len(line) <= max(columns, 40), line


def test_a_chart_is_for_terminals():
    with answering(ANSWER) as played:
        shown, code = on_terminal("query", "csat", "--chart", connect=played.endpoint)
        piped = tendon("query", "csat", "--chart", connect=played.endpoint)
        table = tendon("query", "csat", "--chart", "-o", "table", connect=played.endpoint)
    assert code == 0 and "████" in shown
    assert "█" not in piped.stdout and "█" not in table.stdout


def test_a_chart_may_be_asked_for_elsewhere():
    with answering(ANSWER) as played:
        piped = tendon("query", "csat", "--chart-width", "50", connect=played.endpoint, env={"LC_ALL": "C.UTF-8"})
        plain = tendon("query", "csat", "--chart-width", "50", connect=played.endpoint, env={"LC_ALL": "C"})
        data = tendon("query", "csat", "--chart-width", "50", "-o", "csv", connect=played.endpoint)
        wrong = [tendon("query", "csat", "--chart-width", width, connect=played.endpoint)
                 for width in ("", "0", "19", "1001", "-50", "5x", "99999999999999999999")]
    bar = next(line for line in piped.stdout.splitlines() if line.endswith("█"))
    assert len(bar) <= 50
    assert "█" not in plain.stdout and "####" in plain.stdout
    assert "█" not in data.stdout and "#" not in data.stdout
    for done in wrong:
        assert (done.returncode, done.stderr) == (2, "tendon: --chart-width is a number of columns from 20 to 1000\n")


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
@pytest.mark.parametrize("locale, sign", [("C.UTF-8", "█"), ("C", "#")])
def test_a_chart_fits_the_terminal(columns, locale, sign):
    rows = [{**ANSWER["rows"][0], "vendor": name, "csat": value, "tickets_created": count}
            for name, value, count in [("東京の病院のための技術支援センター", 0.021, 5), ("an outsourcer with quite a long name", 0.043, 12000),
                                       (None, None, 0)]]
    with answering({**ANSWER, "rows": rows}) as played:
        shown, code = on_terminal("query", "csat", "--chart", connect=played.endpoint, columns=columns, locale=locale)
    chart = shown.replace("\r", "").split("\ncsat\n", 1)[1].split("\n\n")[0].splitlines()
    assert code == 0 and len(chart) == (4 if columns > 20 else 3), "three bars and, where there is room for both ends, the scale"
    for line in chart:
        assert sum(2 if ord(c) > 0x2fff else 1 for c in line) <= columns, line
    assert "4.3 %" in chart[1] and sign in chart[1]
    assert sign not in chart[2] and ("–" if locale == "C.UTF-8" else "-") in chart[2], "what is missing has no bar"
    assert columns <= 20 or chart[3].endswith("5.0 %"), "a ratio's scale is a round percentage"


def test_a_sparkline_for_each_group_over_time():
    rows = [{"period": f"2026-0{m}-01T00:00:00Z", "vendor": v, "csat": c, "csat.n": 9}
            for m, c in enumerate([0.1, None, 0.9], 1) for v in ("acme", "bolt")]
    answer = {**ANSWER, "rows": rows, "columns": [
        {"name": "period", "kind": "period"}, {"name": "vendor", "kind": "dimension"},
        {"name": "csat", "kind": "ratio", "metric": "csat"}, {"name": "csat.n", "kind": "n", "metric": "csat"}]}
    with answering(answer) as played:
        shown, _ = on_terminal("query", "csat", "--every", "1mo", "--chart", connect=played.endpoint)
        alone, _ = on_terminal("query", "csat", "--every", "1mo", "--chart", connect=played.endpoint, locale="POSIX")
    assert "acme  ▁▁––██  10.0 % … 90.0 %" in shown
    assert "2026-01 to 2026-03" in shown
    assert "bolt  __--##  10.0 % .. 90.0 %" in alone


def test_columns_where_there_is_one_group():
    rows = [{"period": f"2026-0{m}-01T00:00:00Z", "csat": c, "csat.n": 9, "partial": m == 3}
            for m, c in enumerate([0.1, None, 0.2], 1)]
    answer = {**ANSWER, "by": [], "rows": rows, "columns": [
        {"name": "period", "kind": "period"}, {"name": "csat", "kind": "ratio", "metric": "csat"},
        {"name": "csat.n", "kind": "n", "metric": "csat"}]}
    with answering(answer) as played:
        shown, _ = on_terminal("query", "csat", "--every", "1mo", "--chart", connect=played.endpoint)
    lines = shown.replace("\r", "").split("\ncsat\n", 1)[1].splitlines()
    assert lines[0].startswith("20.0 % │            █████")
    assert lines[7].startswith(" 0.0 % │█████ ––––– █████")
    assert lines[9].split() == ["2026-01", "2026-03*"]


def test_names_from_vendors_cannot_drive_the_terminal():
    rows = [{**ANSWER["rows"][0], "vendor": "\x1b[2J\x1b]0;owned\x07\u202e"}]
    with answering({**ANSWER, "rows": rows}) as played:
        shown, _ = on_terminal("query", "csat", "--chart", connect=played.endpoint)
    assert "\x1b[2J" not in shown and "\x1b]" not in shown and "\u202e" not in shown


# --- what is asked -----------------------------------------------------------------------------------------


def test_options_travel_as_they_were_typed():
    with answering(ANSWER) as played:
        tendon("query", "first_response_time.p50, csat", "nps", "--by", "vendor,site", "--by", "team", "--where", "beds > 100",
               "--since", "90d", "--until", "2026-01-01", "--every", "1mo", "--at", "2026-01-01", "--now",
               "2026-01-02T00:00:00Z", "--tz", "Europe/Berlin", "--unit", "site", "--anchor", "created", "--dims", "current",
               "--reopen-window", "7d", "--within", "30", "--threshold", "0.4", "--instrument", "csat", "--question", "q",
               "--calendar-rule", "last", "--tenant", "riverbend", "--explain", connect=played.endpoint)
    assert played.asked == [("QUERY", {
        "tenant": "riverbend", "metrics": ["first_response_time.p50", "csat", "nps"], "by": ["vendor", "site", "team"],
        "where": "beds > 100", "since": "90d", "until": "2026-01-01", "at": "2026-01-01", "now": "2026-01-02T00:00:00Z",
        "every": "1mo", "tz": "Europe/Berlin", "unit": "site", "anchor": "created", "dims": "current", "reopen_window": "7d",
        "within": "30", "threshold": "0.4", "instrument": "csat", "question": "q", "calendar_rule": "last",
        "explain": True})]


def test_a_long_answer_comes_in_parts():
    answer = {**ANSWER, "rows": [{**ANSWER["rows"][0], "vendor": f"v{i}"} for i in range(2000)]}
    with answering(answer, part_bytes=4096) as played:
        done = tendon("query", "csat", "-o", "json", connect=played.endpoint)
    assert json.loads(done.stdout) == answer


def test_an_answer_of_many_rows():
    rows = [{"vendor": f"v{i}", "csat": 0.5, "csat.n": i} for i in range(60000)]
    with answering({**ANSWER, "rows": rows}, part_bytes=256 * 1024) as played:
        done = tendon("query", "csat", "-o", "ndjson", connect=played.endpoint)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 60000 and done.stdout.endswith('"csat.n": 59999}\n')


def test_calls_carry_their_method():
    with answering([]) as played:
        for words in (["tenant", "list"], ["source", "list", "--tenant", "a"], ["source", "rejects", "s", "--limit", "5"],
                      ["plugin", "list"], ["metrics"], ["key", "list"], ["site", "list"], ["team", "list", "--tenant", "a"],
                      ["code", "list", "--tenant", "a"]):
            assert tendon(*words, "-o", "json", connect=played.endpoint).returncode == 0
    assert [body for _, body in played.asked] == [
        {"method": "tenant.list", "params": {}},
        {"method": "source.list", "params": {"tenant": "a"}},
        {"method": "source.rejects", "params": {"source": "s", "limit": 5}},
        {"method": "plugin.list", "params": {}},
        {"method": "metric.list", "params": {}},
        {"method": "key.list", "params": {}},
        {"method": "reference.list", "params": {"table": "site"}},
        {"method": "reference.list", "params": {"tenant": "a", "table": "team"}},
        {"method": "code.list", "params": {"tenant": "a"}}]


# --- exit codes --------------------------------------------------------------------------------------------


def test_a_refusal_is_shown_with_its_hint():
    def refuse(kind, body):
        raise ValueError("unknown_metric", "there is no metric \"cast\"\x1b[2J", "did you mean csat?")

    with Played(refuse) as played:
        done = tendon("query", "cast", connect=played.endpoint)
    assert done.returncode == 1 and done.stdout == ""
    assert "there is no metric \"cast\"" in done.stderr and "did you mean csat?" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_warning_is_told_and_has_its_code():
    with answering(WARNED) as played:
        piped = tendon("query", "csat", "-o", "json", connect=played.endpoint)
        shown, code = on_terminal("query", "csat", connect=played.endpoint)
    assert piped.returncode == 3 and code == 3
    assert "warning: the facts are old" in piped.stderr and json.loads(piped.stdout) == WARNED
    assert "the facts are old" in shown


def test_nothing_found_fails_only_where_asked():
    with answering(EMPTY) as played:
        assert tendon("query", "csat", connect=played.endpoint).returncode == 0
        assert tendon("query", "csat", "--fail-empty", connect=played.endpoint).returncode == 4
    with answering([]) as played:
        assert tendon("source", "list", connect=played.endpoint).returncode == 0
        assert tendon("source", "list", "--fail-empty", connect=played.endpoint).returncode == 4


WRONG_LINES = [
    (["qury"], "did you mean tendon query?"),
    (["tenant"], "tendon help tenant"),
    (["tenant", "shwo", "x"], "did you mean tendon tenant show?"),
    (["query"], "tendon query needs METRIC"),
    (["query", "csat", "--sinze", "90d"], "did you mean --since?"),
    (["query", "csat", "-o", "yaml"], "one of: table, json"),
    (["query", "csat", "--by"], "--by needs a value"),
    (["metrics", "list"], "does not know what to do with"),
    (["source", "rejects", "x", "--limit", "1e9"], "from 1 to 100"),
    (["site", "import", "/dev/null"], "needs --key COLUMN"),
    (["status", "--connect", "control.sock"], "it begins with ipc:// or tcp://"),
    (["status", "--connect", "/run/control.sock"], "did you mean ipc:///run/control.sock?"),
    (["status", "--connect", "tcp://127.0.0.1:9"], "needs --key-file FILE and --server-key KEY"),
    (["status", "--timeout", "soon"], "30s, 5m, 1h"),
]


@pytest.mark.parametrize("line,said", WRONG_LINES, ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_wrong_lines(line, said):
    done = tendon(*line, connect="ipc:///nowhere")
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr


def test_nobody_there():
    with tempfile.TemporaryDirectory() as folder:
        absent = tendon("status", connect=f"ipc://{folder}/control.sock")
        with zmq.Context() as context, context.socket(zmq.ROUTER) as left:
            left.bind(f"ipc://{folder}/left.sock")
        stale = f"{folder}/stale.sock"
        os.mknod(stale, 0o600 | 0o140000)
        dead = tendon("status", connect=f"ipc://{stale}")
    assert absent.returncode == 5 and "there is no such socket" in absent.stderr and "tendond" in absent.stderr
    assert dead.returncode == 5 and "is tendond running?" in dead.stderr


def test_what_listens_and_is_no_collector():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{folder}/s")
        silent.listen()
        done = tendon("status", "--timeout", "1s", connect=f"ipc://{folder}/s")
    assert done.returncode == 5 and "who listens there says nothing" in done.stderr


def test_a_collector_that_says_nothing():
    with answering(None) as played:
        done = tendon("status", "--timeout", "700ms", connect=played.endpoint)
    assert done.returncode == 1 and "has not answered" in done.stderr and "--timeout" in done.stderr


def test_a_collector_that_goes_away():
    with answering(None) as played:
        process = subprocess.Popen([built("tendon"), "status"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "TENDON_CONNECT": played.endpoint})
        while not played.asked:
            time.sleep(0.01)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 5 and out == "" and "went away before it answered" in err


def result_of(data, request=1, part=0, last=True):
    return msgpack.packb([1, "RESULT", request, {"part": part, "last": last, "data": data}])


BROKEN = {
    "no msgpack": b"\xc1",
    "nothing": b"",
    "text": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "another version": msgpack.packb([2, "RESULT", 1, {}]),
    "another kind": msgpack.packb([1, "ACK", 1, {}]),
    "no body": msgpack.packb([1, "RESULT", 1]),
    "body is no map": msgpack.packb([1, "RESULT", 1, 7]),
    "no data": msgpack.packb([1, "RESULT", 1, {"part": 0, "last": True}]),
    "wrong part": result_of(b"\xc0", part=3),
    "a lying length": result_of(b"\xdd\xff\xff\xff\xff"),
    "nested without end": result_of(b"\x91" * 5000),
    "more behind": result_of(b"\xc0\xc0"),
    "a key twice": result_of(b"\x82\xa1a\x01\xa1a\x02"),
    "bytes": result_of(b"\xc4\x01x"),
    "not a number": result_of(b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
    "bad text": result_of(b"\xa1\xff"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer(name):
    with answering(BROKEN[name]) as played:
        done = tendon("status", "--timeout", "2s", connect=played.endpoint)
    assert done.returncode == 1, done
    assert done.stdout == "" and done.stderr.startswith("tendon: ")


# documents that are sound, but not of the shape that a command expects
@pytest.mark.parametrize("document", [None, 7, "text", [], {}, [[]], [1, 2], {"rows": 3}, [{"a": [{"b": {}}]}], {"a": {"b": {"c": [{}]}}},
                                      {"columns": [1, {}], "rows": [2, {}], "meta": 5}], ids=json.dumps)
@pytest.mark.parametrize("words", [["status"], ["tenant", "list"], ["query", "csat"], ["metrics"], ["metrics", "show", "csat"],
                                   ["plugin", "show", "csv"], ["source", "show", "x"]], ids=" ".join)
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_unexpected_document_does_no_harm(document, words, form):
    with answering(msgpack.packb([1, "RESULT", 1, {"part": 0, "last": True, "data": msgpack.packb(document)}])) as played:
        done = tendon(*words, "-o", form, connect=played.endpoint)
    assert done.returncode in (0, 1, 3), done


def test_a_wait_is_shown_on_a_terminal_only():
    def slow(kind, body):
        time.sleep(1.2)
        return ANSWER

    with Played(slow) as played:
        shown, code = on_terminal("query", "csat", connect=played.endpoint)
        piped = tendon("query", "csat", connect=played.endpoint)
    assert code == 0 and re.search(r"asking … 0\.[5-9] s", shown)
    assert piped.stderr == ""


def test_a_full_disk_is_not_success():
    with answering(ANSWER) as played, open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([built("tendon"), "query", "csat"], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                              env={**os.environ, "TENDON_CONNECT": played.endpoint}, timeout=60)
    assert done.returncode == 1 and "could not be written" in done.stderr


# --- keys --------------------------------------------------------------------------------------------------


def test_a_key_of_ours_is_a_certificate_of_zeromq():
    import zmq.auth

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/new.key"
        made = tendon("key", "new", path)
        again = tendon("key", "new", path)
        public, secret = zmq.auth.load_certificate(path)
        assert os.stat(path).st_mode & 0o777 == 0o600
    assert made.returncode == 0 and made.stdout.strip().encode() == public
    assert zmq.curve_public(secret) == public and secret.decode() not in made.stdout + made.stderr
    assert again.returncode == 1 and "never overwritten" in again.stderr


def test_over_tcp_with_keys():
    public, secret = zmq.curve_keypair()
    with tempfile.TemporaryDirectory() as folder, answering([], server_key=secret) as played:
        key = f"{folder}/k"
        assert tendon("key", "new", key).returncode == 0
        right = tendon("tenant", "list", "-o", "json", "--key-file", key, "--server-key", public.decode(), connect=played.endpoint)
        by_environment = tendon("tenant", "list", "-o", "json", connect=played.endpoint,
                                env={"TENDON_KEY_FILE": key, "TENDON_SERVER_KEY": public.decode()})
        other, _ = zmq.curve_keypair()
        wrong = tendon("tenant", "list", "--key-file", key, "--server-key", other.decode(), connect=played.endpoint)
        os.chmod(key, 0o644)
        open_key = tendon("tenant", "list", "--key-file", key, "--server-key", public.decode(), connect=played.endpoint)
    assert right.returncode == 0 and json.loads(right.stdout) == []
    assert by_environment.returncode == 0
    assert wrong.returncode in (1, 5) and wrong.stderr
    assert open_key.returncode == 1 and "chmod 600" in open_key.stderr


def test_a_key_is_granted_from_a_file_or_as_text():
    with tempfile.TemporaryDirectory() as folder, answering({}) as played:
        key = f"{folder}/k"
        public = tendon("key", "new", key).stdout.strip()
        for which in (key, public):
            done = tendon("key", "grant", which, "--source", "s", "--tenant", "t", "--types", "survey.sent,survey.response",
                          connect=played.endpoint)
            assert done.returncode == 0, done.stderr
        assert tendon("key", "grant", "nonsense", "--source", "s", connect=played.endpoint).returncode == 2
        assert tendon("key", "grant", public, connect=played.endpoint).returncode == 2
    assert [body["params"] for _, body in played.asked] == 2 * [
        {"tenant": "t", "public_key": public, "name": "s", "role": "source", "source": "s",
         "types": ["survey.sent", "survey.response"]}]


# --- imports -----------------------------------------------------------------------------------------------

HOSPITALS = """ccn,name,type,beds
010001,"Southeast, Dothan",Acute Care,326
010005,Marshall,Critical Access,Not Available
"""


def importing(kind, body):
    if body["method"] == "tenant.show":
        return {"tenant": "riverbend", "zone": "America/Chicago"}
    rows = body["params"]["rows"]
    return {"imported": len(rows), "changed": 1}


def test_an_import_maps_and_names_what_it_leaves_out():
    with Played(importing) as played:
        done = tendon("site", "import", "-", "--key", "ccn", "--map", "type=facility_kind", "--value", "type:Acute Care=hospital",
                      "--value", "type:Critical Access=cah", "--value", "beds:Not Available=", "--set", "country=US",
                      "--valid-from", "2026-07-01", "-o", "json", connect=played.endpoint, stdin=HOSPITALS)
    assert done.returncode == 0, done.stderr
    assert "left out, as neither known nor mapped: name" in done.stderr
    assert json.loads(done.stdout) == {"table": "site", "rows": 2, "imported": 2, "changed": 1, "duplicates": 0,
                                       "valid_from": "2026-07-01", "left_out": ["name"]}
    assert played.asked[-1] == ("CALL", {"method": "reference.import", "params": {
        "table": "site", "valid_from": 1782882000000,  # 05:00 UTC is midnight in Chicago
        "rows": [{"key": "010001", "facility_kind": "hospital", "beds": "326", "country": "US", "ccn": "010001"},
                 {"key": "010005", "facility_kind": "cah", "country": "US", "ccn": "010005"}]}})


def test_a_bad_value_is_named_by_its_place_and_nothing_is_imported():
    with Played(importing) as played:
        done = tendon("site", "import", "-", "--key", "ccn", "--map", "type=facility_kind", "--value", "type:Acute Care=hospital",
                      "--value", "type:Critical Access=cah", connect=played.endpoint, stdin=HOSPITALS)
    assert done.returncode == 1 and played.asked == []
    assert "standard input:3: column \"beds\":" in done.stderr and "nothing was imported" in done.stderr
    assert "Not Available" not in done.stderr


def test_a_large_import_goes_in_pieces():
    text = "site,beds\n" + "".join(f"s{i},{i}\n" for i in range(12000))
    with Played(importing) as played:
        done = tendon("site", "import", "-", "--key", "site", "-o", "json", connect=played.endpoint, stdin=text)
    assert json.loads(done.stdout)["imported"] == 12000
    assert sum(len(body["params"]["rows"]) for _, body in played.asked) == 12000 and len(played.asked) > 1


@pytest.mark.parametrize("stdin,options,said", [
    ("", ["--key", "a"], "is empty"),
    ("a,a\n", ["--key", "a"], "two columns have the name"),
    ("site\nx\n", ["--key", "sit"], "did you mean \"site\"?"),
    ("site\nx\n", ["--key", "site", "--set", "contry=US"], "did you mean country?"),
    ("site\nx\n", ["--key", "site", "--valid-from", "2026-02-30"], "--valid-from cannot be"),
    ("site\n\"x\n", ["--key", "site"], "is not closed"),
])
def test_wrong_imports(stdin, options, said):
    with Played(importing) as played:
        done = tendon("site", "import", "-", *options, connect=played.endpoint, stdin=stdin)
    assert done.returncode in (1, 2) and said in done.stderr
    assert not any(body["method"] == "reference.import" for _, body in played.asked)


def test_values_of_dimensions_are_imported():
    with Played(importing) as played:
        done = tendon("code", "import", "-", "--tenant", "a", "-o", "json", connect=played.endpoint,
                      stdin="note,dimension,value\nx,category,orders\ny,category,orders\n,ward, icu \n")
    assert done.returncode == 0, done.stderr
    assert "left out, as neither known nor mapped: note" in done.stderr and "1 rows repeat" in done.stderr
    assert json.loads(done.stdout) == {"rows": 3, "imported": 2, "changed": 1, "duplicates": 1, "left_out": ["note"]}
    assert played.asked == [("CALL", {"method": "code.import", "params": {
        "tenant": "a", "rows": [{"dimension": "category", "value": "orders"}, {"dimension": "ward", "value": "icu"}]}})]
    with Played(importing) as played:
        done = tendon("code", "import", "-", connect=played.endpoint, stdin="dimension,value\ncategory,a b c d e f\ncategory,x\n")
    assert done.returncode == 1 and played.asked == []
    assert "standard input:2: the value" in done.stderr and "nothing was imported" in done.stderr and "a b c" not in done.stderr
    done = tendon("code", "import", "-", stdin="dimension,valeu\ncategory,x\n")
    assert done.returncode == 1 and 'no column "value"' in done.stderr


# --- help --------------------------------------------------------------------------------------------------


def test_every_command_explains_itself():
    listed = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", tendon("help").stdout.split("Options of every")[0], re.M)
    assert "query" in listed and "site import" in listed
    for name in listed:
        done = tendon(*name.split(), "--help")
        assert done.returncode == 0 and done.stderr == ""
        assert done.stdout.startswith(f"Usage: tendon {name}") and "Examples:" in done.stdout
        assert tendon("help", *name.split()).stdout == done.stdout


def test_help_without_an_answer():
    assert tendon("--version").stdout == tendon("version").stdout
    assert tendon().returncode == 2
    assert tendon("help", "qurey").returncode == 2
    group = tendon("help", "key")
    assert group.returncode == 0 and "key grant" in group.stdout and "query" not in group.stdout


@pytest.mark.parametrize("shell,check", [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])])
def test_completions_are_scripts(shell, check):
    script = tendon("completion", shell)
    assert script.returncode == 0
    try:
        done = subprocess.run([*check, "/dev/stdin"], input=script.stdout, text=True, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"{shell} is not installed")
    assert done.returncode == 0, done.stderr


def complete(line):
    """What bash offers behind a line."""
    words = line.split(" ")
    script = tendon("completion", "bash").stdout + f"""
COMP_WORDS=({' '.join(f"'{w}'" for w in words)}); COMP_CWORD={len(words) - 1}; _tendon 2>/dev/null; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False).stdout.split()


def test_bash_completes():
    assert complete("tendon que") == ["query"]
    assert complete("tendon tenant s") == ["show"]
    assert "--reopen-window" in complete("tendon query csat --re")
    assert complete("tendon query csat -o nd") == ["ndjson"]
    assert "--valid-from" in complete("tendon site import x --v")
