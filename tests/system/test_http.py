"""The host's HTTP service: what a plugin can ask for, and what it is told; recording and playing back."""
import base64
import collections
import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

from collector import built
from fake_collector import FakeCollector, Folder, Host, until

OK, IDLE, INVALID, E_CONFIG, E_AUTH, E_TEMPORARY = 0, 1, 4, -1, -2, -3

Asked = collections.namedtuple("Asked", "method path query headers body at")


class Server:
    """An HTTP server on loopback. answer(asked) → (status, headers, body); what came is in `asked`."""

    def __init__(self, answer, tls=None):
        self.asked = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self):
                path, _, query = self.path.partition("?")
                size = int(self.headers.get("Content-Length", 0))
                asked = Asked(self.command, path, urllib.parse.parse_qs(query), dict(self.headers.items()),
                              self.rfile.read(size), time.monotonic())
                server.asked.append(asked)
                status, headers, body = answer(asked)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            do_GET = do_POST = do_HEAD = do_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def folder():
    with Folder() as each:
        yield each


@pytest.fixture
def collector(folder):
    each = FakeCollector(folder.address).start()
    yield each
    each.stop()


def secret(folder, text="open sesame", name="secret"):
    path = folder.write(name, text + "\n")
    os.chmod(path, 0o600)
    return path


def attempt(options, **job):
    """`tendon-plugin-host --try`: the outcome, its events, what was said."""
    done = subprocess.run([built("tendon-plugin-host"), "--try", built("asker.so")],
                          input=json.dumps({"options": options, **job}), capture_output=True, text=True, check=False,
                          timeout=90)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


Said = collections.namedtuple("Said", "result status size text")


def ask(server, *paths, **options):
    """What the plugin was told of each path."""
    status, _, err = attempt({"url": server if isinstance(server, str) else server.url, "paths": list(paths), **options})
    assert status == 0, err
    said = re.findall(r"^the plugin says: asked (-?\d+) (\d+) (\d+) ?(.*)$", err, re.M)
    assert len(said) == len(paths), err
    return [Said(int(result), int(code), int(size), text) for result, code, size, text in said]


def tickets(first, last, each):
    """A source of tickets first … last, a page of `each`, linked by a Link header."""
    def answer(asked):
        after = int(asked.query.get("after", ["0"])[0])
        ids = range(max(first, after + 1), min(last, after + each) + 1)
        body = {"tickets": [{"id": n, "times": {"created": f"2024-01-08T10:{n // 60 % 60:02}:{n % 60:02}Z"}}
                            for n in ids]}
        more = {"Link": f'</tickets?after={ids[-1]}>; rel="next"'} if ids and ids[-1] < last else {}
        return 200, more, json.dumps(body).encode()
    return answer


# --- asking -------------------------------------------------------------------------------------------------------


def test_what_is_sent_and_what_is_told(folder):
    def answer(asked):
        return 200, {"X-Answer": "forty-two", "Set-Cookie": "a=b"}, b"hello"

    with Server(answer) as server:
        said = ask(server, "/one", "two?x=1", "", token=secret(folder), header="X-More: yes")
        assert said == [Said(OK, 200, 5, "hello")] * 3
        assert [asked.path for asked in server.asked] == ["/one", "/two", "/"]
        assert server.asked[1].query == {"x": ["1"]}
        for asked in server.asked:
            assert asked.method == "GET" and asked.body == b""
            assert asked.headers["Authorization"] == "token open sesame"
            assert asked.headers["X-More"] == "yes"
            assert asked.headers["User-Agent"].startswith("tendon-plugin-host/")
            assert "Cookie" not in asked.headers
        ask(server, "/", user="reader", token=secret(folder, "päss:word"))
        user, password = base64.b64decode(server.asked[-1].headers["Authorization"][6:]).decode().split(":", 1)
        assert (user, password) == ("reader", "päss:word")
        ask(server, "/search", body='{"all": true, "key": "{secret:token:0}"}', token=secret(folder))
        assert server.asked[-1].method == "POST"
        assert json.loads(server.asked[-1].body) == {"all": True, "key": "open sesame"}


def test_statuses():
    expected = {204: OK, 304: IDLE, 301: INVALID, 404: INVALID, 422: INVALID, 401: E_AUTH, 403: E_AUTH,
                429: E_TEMPORARY, 500: E_TEMPORARY}
    with Server(lambda asked: (int(asked.path[1:]), {"Location": "/elsewhere"}, b"")) as server:
        told = ask(server, *[f"/{status}?private=1" for status in expected], per_minute=60000)
        assert [(said.status, said.result) for said in told] == list(expected.items())
        assert len(server.asked) == len(expected), "nothing is followed or repeated"
        for said in told:
            assert "private" not in said.text and str(server.port) not in said.text
            if said.result not in (OK, IDLE):
                assert "option url" in said.text and str(said.status) in said.text


def test_only_servers_that_the_options_name(folder):
    with Server(lambda asked: (200, {}, b"here")) as server, Server(lambda asked: (200, {}, b"there")) as other:
        inside, outside, listed, scheme, user, trick = ask(
            server, server.url + "/page/2", other.url + "/x", "/y", server.url.replace("http:", "https:") + "/x",
            server.url.replace("://", "://me@"), f"{server.url}@127.0.0.1:{other.port}/")
        assert inside == Said(OK, 200, 4, "here") and listed.text == "here"
        for said in (outside, scheme, user, trick):
            assert said.result == E_CONFIG and said.status == 0, said
        assert "no url option names" in outside.text
        assert not other.asked
        assert ask(server, other.url + "/x", other=other.url)[0].text == "there"
        for path in ("file:///etc/passwd", "gopher://127.0.0.1/", "//127.0.0.1/"):
            ask(server, path)
        assert {asked.path for asked in server.asked} >= {"/y"} and not any(a.path == "/etc/passwd" for a in other.asked)


@pytest.mark.parametrize("options, said", [
    ({"header": "Host: elsewhere"}, "host's own"), ({"header": "no header"}, "Name: value"),
    ({"header": "X: a\r\nY: b"}, "line end"), ({"header": "Cookie: a=b"}, "host's own"),
    ({"method": "DELETE"}, "none of GET, HEAD and POST"), ({"method": "GET", "body": "x"}, "GET with a body"),
])
def test_what_is_not_sent(options, said):
    with Server(lambda asked: (200, {}, b"")) as server:
        told = ask(server, "/", **options)[0]
        assert told.result == E_CONFIG and said in told.text
        assert not server.asked


def test_bounds(folder):
    with Server(lambda asked: (200, {}, b"x" * 3_000_000)) as server:
        assert ask(server, "/")[0].size == 3_000_000, "an answer comes in many pieces"
        said = ask(server, "/", body_bytes="64KiB")[0]
        assert said.result == E_TEMPORARY and "larger than the 65536 bytes" in said.text


def test_a_bomb_is_measured_by_what_it_becomes():
    import gzip
    bomb = gzip.compress(b"\0" * 20_000_000)
    with Server(lambda asked: (200, {"Content-Encoding": "gzip"}, bomb)) as server:
        assert "larger than" in ask(server, "/")[0].text
    with Server(lambda asked: (200, {"Content-Encoding": "gzip"}, gzip.compress(b"plain"))) as server:
        assert ask(server, "/")[0].text == "plain"


def test_a_server_that_is_slow_or_not_there():
    with Server(lambda asked: (time.sleep(3), (200, {}, b""))[1]) as server:
        said = ask(server, "/", timeout="300ms")[0]
        assert said.result == E_TEMPORARY and "cannot be asked" in said.text
        gone = server.url
    assert ask(gone, "/")[0].result == E_TEMPORARY


def test_so_many_a_minute_and_no_more():
    with Server(lambda asked: (200, {}, b"")) as server:
        ask(server, *["/"] * 4, per_minute=240)
        at = [asked.at for asked in server.asked]
        assert at[-1] - at[0] > 0.5, "250 ms between two"


def test_retry_after_is_kept_to():
    with Server(lambda asked: (429, {"Retry-After": "30"}, b"")) as server:
        first, second = ask(server, "/", "/")
        assert (first.result, first.status) == (E_TEMPORARY, 429)
        assert second.result == E_TEMPORARY and second.status == 0 and "said to wait" in second.text
        assert len(server.asked) == 1


def test_through_the_proxy_of_the_environment(monkeypatch):
    with Server(lambda asked: (200, {}, b"by proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert ask("http://desk.example", "/one")[0].text == "by proxy"
        assert proxy.asked[0].path == "http://desk.example/one"
        with Server(lambda asked: (200, {}, b"itself")) as server:
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            assert ask(server, "/one")[0].text == "itself"


def test_only_in_start_and_poll():
    with Server(lambda asked: (200, {}, b"")) as server:
        status, _, err = attempt({"url": server.url, "paths": ["/"], "in_create": True})
        assert status == 0 and "create -1 0 0 the plugin asks for a service outside of start and poll" in err
        assert len(server.asked) == 1


def test_tls(folder):
    key, certificate = os.path.join(folder.path, "key.pem"), os.path.join(folder.path, "ca.pem")
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
                           certificate, "-days", "2", "-subj", "/CN=desk", "-addext", "subjectAltName=IP:127.0.0.1"],
                          capture_output=True, check=False)
    assert made.returncode == 0, made.stderr
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with Server(lambda asked: (200, {}, b"safe"), tls) as server:
        said = ask(server, "/")[0]
        assert said.result == E_CONFIG and "certificate" in said.text and not server.asked
        assert ask(server, "/", ca_file=certificate)[0] == Said(OK, 200, 4, "safe")


# --- with a collector ------------------------------------------------------------------------------------------------


def test_pages_become_events(folder, collector):
    with Server(tickets(1, 250, 100)) as server:
        with Host(built("asker.so"), folder.address, {"url": server.url, "per_minute": 60000}) as host:
            until(lambda: len(collector.events) == 250)
            assert [int(event["id"]) for event in collector.events] == list(range(1, 251))
            assert collector.cursor == b"250"
            assert host.stop() == 0


def test_a_server_in_trouble_loses_and_repeats_nothing(folder, collector):
    good, n = tickets(1, 300, 20), [0]

    def answer(asked):
        n[0] += 1
        if n[0] % 4 == 0:
            return [(503, {"Retry-After": "1"}, b""), (200, {}, b'{"tickets": [{"id"')][n[0] // 4 % 2]
        return good(asked)

    with Server(answer) as server:
        with Host(built("asker.so"), folder.address, {"url": server.url, "per_minute": 60000}) as host:
            # One poll fails and begins again where the last good one ended: pages that came before the trouble
            # are asked for again, and no event goes out twice.
            until(lambda: host.report().get("state") == "retrying")
            assert re.search("answered 503|no JSON|is none", host.report()["message"]), host.report()
    assert len({event["id"] for event in collector.events}) == len(collector.events)


def test_waiting_for_a_server_is_not_hanging(folder, collector):
    """A request may take longer than the limit of poll; the time is not the plugin's."""
    good = tickets(1, 3, 10)
    with Server(lambda asked: (time.sleep(7), good(asked))[1]) as server:
        with Host(built("asker.so"), folder.address, {"url": server.url}) as host:
            until(lambda: len(collector.events) == 3)
            assert host.report()["state"] == "running"


def test_a_waiting_request_ends_when_told_to_stop(folder, collector):
    with Server(lambda asked: (time.sleep(20), (200, {}, b"{}"))[1]) as server:
        with Host(built("asker.so"), folder.address, {"url": server.url}) as host:
            until(lambda: server.asked)
            began = time.monotonic()
            assert host.stop() == 0
            assert time.monotonic() - began < 5


def test_retry_after_is_the_hosts_to_wait(folder, collector):
    good, n = tickets(1, 3, 10), [0]

    def answer(asked):
        n[0] += 1
        return (429, {"Retry-After": "3"}, b"") if n[0] == 1 else good(asked)

    with Server(answer) as server:
        with Host(built("asker.so"), folder.address, {"url": server.url}):
            until(lambda: len(collector.events) == 3)
        assert server.asked[1].at - server.asked[0].at > 2.9


# --- recording and playing back ------------------------------------------------------------------------------------


def test_what_was_recorded_plays_back_without_a_server(folder):
    tape = os.path.join(folder.path, "tape.ndjson")

    def answer(asked):
        status, headers, body = tickets(1, 25, 10)(asked)
        return status, {**headers, "X-Echo": asked.headers["Authorization"], "Set-Cookie": "key=open sesame"}, body

    with Server(answer) as server:
        url = server.url
        options = {"url": url, "token": secret(folder)}
        status, recorded, err = attempt(options, record=tape)
        assert status == 0 and len(recorded) == 25, err
        n_asked = len(server.asked)
    with open(tape, encoding="utf-8") as file:
        text = file.read()
    assert "open sesame" not in text and "{secret:token:0}" in text and "ookie" not in text
    assert "127.0.0.1" not in text.replace(url, "")
    assert len(text.splitlines()) == n_asked + 1
    assert os.stat(tape).st_mode & 0o777 == 0o600
    status, played, err = attempt(options, replay=tape)
    assert status == 0 and played == recorded, err
    assert "25 events, 0 skipped, 0 that would be rejected; cursor " + base64.b64encode(b"25").decode() in err
    # From a cursor nothing of it was recorded for: it is said what is missing.
    status, played, err = attempt(options, replay=tape, cursor=base64.b64encode(b"7").decode())
    assert status == 1 and "no unused answer to GET /tickets?after=7" in err


def test_a_tape_may_be_written_by_hand(folder):
    tape = folder.write("tape.ndjson", "\n".join(json.dumps(line) for line in [
        {"now": 1704700000000},
        {"method": "GET", "target": "/tickets?after=0", "status": 200,
         "answer": {"tickets": [{"id": 1, "times": {"created": "2024-01-08T10:00:00Z"}}, {"id": 2}]}}]) + "\n")
    status, events, err = attempt({"url": "http://nowhere.example"}, replay=tape)
    assert status == 1 and [event["id"] for event in events] == ["1"] and "skipped: bad_ticket" in err


@pytest.mark.parametrize("text", ["no json\n", "[]\n", '{"method": "GET"}\n'])
def test_a_tape_that_is_none(folder, text):
    status, _, err = attempt({"url": "http://nowhere.example"}, replay=folder.write("tape", text))
    assert status == 1 and "tape:1" in err
