"""Peers that mean harm, at the byte: the collector stays up, or what hurts is ended, and a source of another tenant
beside it has every batch acknowledged and finds every event again."""
import itertools
import os
import resource
import socket
import struct
import threading
import time

import pytest

import raw_peer
from collector import Collector, wait_for
from events import created
from raw_peer import RawPeer, connect, frame, greeting, is_closed
from tendon_client import Client, Timeout, new_keys, pack

TENANTS = [{"name": "riverbend"}, {"name": "lakeside"}]
_neighbours = itertools.count(1)
GUESSED = [bytes([0]) + struct.pack(">I", 0x6B8B4567 + n) for n in range(4)]  # what follows an unseeded rand()


@pytest.fixture(scope="module")
def running():
    with Collector(listen=True, tenants=TENANTS) as collector:
        collector.pid = collector.process.pid
        yield collector


class Neighbour(threading.Thread):
    """A source of the other tenant that sends all the time, on a connection that it never gives up."""

    def __init__(self, running, name):
        super().__init__()
        self.running, self.source, self.sent, self.failure, self.stopping = running, name, 0, None, threading.Event()
        self.keys, self.server_key = running.grant(name, "lakeside", name=name), running.server_key()

    def run(self):
        try:
            with Client(self.running.endpoint, self.server_key, self.keys) as client:
                client.hello(self.source)
                while not self.stopping.is_set():
                    client.batch([created(f"{self.source}-{self.sent}-{n}", vendor=self.source) for n in range(5)])
                    self.sent += 5
                    time.sleep(0.01)
        except Exception as error:  # every one of them is the test's failure
            self.failure = error

    def __enter__(self):
        self.start()
        wait_for(lambda: self.sent >= 5 or self.failure, 60)
        return self

    def __exit__(self, *_):
        before = self.sent
        wait_for(lambda: self.sent >= before + 10 or self.failure, 60)
        self.stopping.set()
        self.join(60)
        assert self.failure is None, repr(self.failure)
        assert self.running.process.poll() is None and self.running.process.pid == self.running.pid
        assert self.running.value("tickets_created", tenant="lakeside", where=f"vendor={self.source}") == self.sent


@pytest.fixture
def neighbour(running):
    with Neighbour(running, f"neighbour-{next(_neighbours)}") as n:
        yield n


@pytest.fixture(scope="module")
def granted(running):
    """A key pair that gets in."""
    return running.grant("hostile", "riverbend", name="hostile")


def curve(running, granted, **properties):
    return RawPeer(running.endpoint).curve(running.server_key(), granted, **properties)


def memory(running):
    with open(f"/proc/{running.process.pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


def server(running, name):
    return next(row for row in running.call("status")["servers"] if row["server"] == name)


# --- handshakes

def test_silent_and_slow_handshakes_end(running, neighbour):
    """Nothing said, a greeting and no more, half a greeting byte by byte, half a command: all are hung up on."""
    sockets = [connect(running.endpoint) for _ in range(40)]
    for s in sockets[10:20]:
        s.sendall(greeting())
    for s in sockets[20:30]:
        s.sendall(greeting() + frame(b"\x05HELLO", 4)[:4])
    ended = [False] * 10

    def drip(i):
        s = sockets[30 + i]
        s.settimeout(30)
        try:
            for byte in greeting():
                s.sendall(bytes([byte]))
                time.sleep(0.3)
        except OSError:
            pass
        ended[i] = is_closed(s, 30)

    threads = [threading.Thread(target=drip, args=(i,)) for i in range(10)]
    for thread in threads:
        thread.start()
    assert all(is_closed(s, 30) for s in sockets[:30])
    for thread in threads:
        thread.join()
    assert all(ended)
    for s in sockets:
        s.close()


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: collector\r\n\r\n" * 4,
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
    "noise": bytes((i * 197 + 89) % 256 for i in range(4096)),
    "null": greeting(b"NULL") + frame(b"\x05READY" + raw_peer.metadata(**{"Socket-Type": b"DEALER"}), 4),
    "plain": greeting(b"PLAIN") + frame(b"\x05HELLO\x05admin\x05admin", 4),
    "zmtp1": b"\x01\x00" + b"\x05\x00\x94\x01\xa5HELLO",
    "zmtp1-long": b"\xff" + bytes(7) + b"\x01\x00" + b"\x01\x00",
    "zmtp2": b"\xff" + bytes(8) + b"\x7f\x01\x05" + b"\x00\x00" + b"\x00\x05\x94\x01\xa5HELLO",
    "server to server": greeting(as_server=1) + frame(b"\x05HELLO" + bytes(194), 4),
    "endless greeting": b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"A" * 65536,
    "command without end": greeting() + b"\x06" + struct.pack(">Q", 1 << 62) + bytes(1000),
    "welcome from a client": greeting() + frame(b"\x07WELCOME" + bytes(160), 4),
    "a message before the handshake": greeting() + frame(b"\x94\x01\xa5HELLO\x01\x80"),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_what_is_no_handshake_gets_nowhere(running, neighbour, what):
    before = server(running, "data")["malformed"]
    with RawPeer(running.endpoint) as peer:
        try:
            peer.s.sendall(GARBAGE[what])
            assert is_closed(peer.s, 30)
        except OSError:
            pass
    assert server(running, "data")["malformed"] == before


@pytest.mark.parametrize("what", ["zmtp1", "zmtp1-long", "zmtp2", "noise", "plain"])
@pytest.mark.parametrize("name", ["hosts.sock", "control.sock"])
def test_old_protocols_do_not_pass_zap_by(running, what, name):
    """ZMTP 1 and 2 have no mechanism and no ZAP: on the local sockets too such a peer is hung up on unheard."""
    which = "data" if name == "hosts.sock" else "control"
    before = server(running, which)["malformed"]
    with RawPeer(f"ipc://{running.run}/{name}") as peer:
        try:
            peer.s.sendall(GARBAGE[what])
            assert is_closed(peer.s, 30)
        except OSError:
            pass
    assert server(running, which)["malformed"] == before


def test_a_stranger_s_process_on_hosts_sock(running):
    """By hand, without a library that would try again: the handshake is refused."""
    with RawPeer(f"ipc://{running.run}/hosts.sock") as peer:
        with pytest.raises((ConnectionError, OSError)):
            peer.null()


def test_wrong_keys(running, neighbour, granted):
    for server_key, keys in ((running.server_key(), new_keys()),               # nobody granted it
                             (new_keys()[0].decode(), granted),                # another server's
                             (running.server_key(), (granted[0], new_keys()[1]))):  # a public key that is not ours
        with RawPeer(running.endpoint) as peer:
            with pytest.raises((ConnectionError, OSError)):
                peer.curve(server_key, keys)


# --- inside, with a key that was granted

def test_claimed_routing_ids(running, neighbour, granted):
    """Ids that libzmq would give next, were it not seeded, and one that is there already."""
    peers = [curve(running, granted, Identity=identity) for identity in [*GUESSED, b"\0", b"mine", b"mine", b"x" * 255]]
    for peer in peers:
        peer.s.sendall(peer.curve_message(pack([1, "MORE", 1, {"part": 0}])))
    late = [curve(running, granted) for _ in range(8)]  # each is given an id now
    for peer in late + peers:
        peer.close()
    operators = [RawPeer(running.control).null(Identity=identity) for identity in GUESSED]
    assert running.call("status")["pid"] == running.pid
    for peer in operators:
        peer.close()


def test_a_chosen_routing_id_is_not_heard(running, granted):
    """Whoever chose the same after it is gone would be sent its answers."""
    with curve(running, granted, Identity=b"mine") as peer:
        peer.s.sendall(peer.curve_message(pack([1, "HELLO", 1, {"source": "hostile", "software": "x", "session": 5}])))
        _, body = peer.read_frame()
        assert b"not_granted" in peer.opened(body)


def test_an_oversize_frame_ends_its_connection(running, neighbour, granted):
    for size in (2 << 20, 1 << 40, (1 << 63) - 1, (1 << 64) - 1):
        with curve(running, granted) as peer:
            peer.s.sendall(b"\x02" + struct.pack(">Q", size) + bytes(64))
            assert is_closed(peer.s, 30)


def test_forged_frames_end_their_connection(running, neighbour, granted):
    for forge in (lambda peer: frame(b"\x07MESSAGE" + struct.pack(">Q", 3) + bytes(64)),  # a box that does not open
                  lambda peer: peer.curve_message(b"x") * 2,                              # said twice
                  lambda peer: frame(b"\x07MESSAGE"), lambda peer: frame(b""),
                  lambda peer: frame(b"\x94\x01\xa5HELLO\x01\x80")):                      # in the clear
        with curve(running, granted) as peer:
            peer.s.sendall(forge(peer))
            assert is_closed(peer.s, 30)


def test_a_message_without_end_ends_its_connection(running, neighbour, granted):
    """Frames that say that more will come, for ever: libzmq keeps them all, and none of its limits counts them."""
    before, endless = memory(running), server(running, "data")["endless"]
    part, sent = bytes(256 * 1024), 0
    with curve(running, granted) as peer:
        with pytest.raises(OSError):
            while sent < 4 << 30:
                peer.s.sendall(peer.curve_message(part, more=True))
                sent += len(part)
    wait_for(lambda: server(running, "data")["endless"] == endless + 1, 30)
    assert sent < 1 << 30
    wait_for(lambda: memory(running) < before + (256 << 20), 30, lambda: f"{memory(running) >> 20} MiB")


def test_a_message_of_many_frames_is_dropped(running, neighbour, granted):
    before = server(running, "data")["multipart"]
    with curve(running, granted) as peer:
        for n in (2, 3, 500):
            peer.s.sendall(b"".join(peer.curve_message(b"x", more=i < n - 1) for i in range(n)))
        peer.s.sendall(peer.curve_message(pack([1, "MORE", 7, {"part": 0}])))
        peer.read_frame()  # the connection goes on, and that one is answered
    assert server(running, "data")["multipart"] == before + 3


def test_other_versions_of_the_protocol(running, granted):
    with running.connect(granted) as client:
        for version in (0, 2, 1 << 40):
            client.send_message("HELLO", {"source": "hostile", "session": 1}, request=77, version=version)
            kind, request, body = client.receive()
            assert (kind, request, body["code"], body["final"]) == ("NACK", 77, "version", True)


def test_one_that_does_not_read_its_answers(running, neighbour, granted):
    """What it is owed is dropped behind a thousand, and nobody waits for it."""
    before = memory(running)
    with curve(running, granted) as peer:
        peer.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for i in range(6000):
            peer.s.sendall(peer.curve_message(pack([1, "MORE", i, {"part": 0}])))
        assert running.call("status")["pid"] == running.pid
    assert memory(running) < before + (128 << 20)


# --- many

def test_a_flood_of_connections(running, neighbour):
    """More than may come in a second: the rest waits outside, who is in goes on, and who comes later gets in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip("needs 4,096 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    crowd = []
    for _ in range(3000):
        s = socket.socket()
        s.setblocking(False)
        try:
            host, port = running.endpoint[6:].rsplit(":", 1)
            s.connect((host, int(port)))
        except BlockingIOError:
            pass
        crowd.append(s)
    assert running.call("status")["pid"] == running.pid
    with running.source("late", "lakeside") as late:
        assert late.batch([created("late-1")])["accepted"] == 1
    for s in crowd:
        s.close()
    wait_for(lambda: server(running, "data")["listening"], 30)


def test_few_descriptors(make_collector):
    """At the limit of open files strangers wait outside; who is in, and the operator, go on."""
    collector = make_collector(listen=True, connections=64)
    collector.start()
    with collector.source("steady") as steady:
        resource.prlimit(collector.process.pid, resource.RLIMIT_NOFILE, (200, 200))
        crowd = []
        try:
            for _ in range(400):
                s = socket.socket()
                s.setblocking(False)
                crowd.append(s)
                try:
                    host, port = collector.endpoint[6:].rsplit(":", 1)
                    s.connect((host, int(port)))
                except BlockingIOError:
                    pass
                time.sleep(0.002)
            wait_for(lambda: not server(collector, "data")["listening"], 30)
            for n in range(20):
                assert steady.batch([created(f"steady-{n}")])["accepted"] == 1
        finally:
            for s in crowd:
                s.close()
        wait_for(lambda: server(collector, "data")["listening"], 30)
        assert collector.value("tickets_created") == 20
        assert os.path.exists(f"{collector.run}/control.sock")


def test_an_unknown_peer_leaves_nothing_behind(running):
    """Twenty that are refused: no session, no source, nothing in the audit log."""
    sessions, n_acts = server(running, "data")["sessions"], len(running.call("audit.list", limit=1000))
    for _ in range(20):
        with Client(running.endpoint, running.server_key(), new_keys()) as client:
            with pytest.raises(Timeout):
                client.hello("stranger", timeout=0.05)
    assert server(running, "data")["sessions"] == sessions
    assert len(running.call("audit.list", limit=1000)) == n_acts
