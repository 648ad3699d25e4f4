"""A collector of a few lines, to see what tendon-plugin-host does: answers as it is told to, keeps what came."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import msgpack
import zmq

from collector import built


def unpack(data):
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


class FakeCollector:
    """A ROUTER that keeps the set of batches. nack(seq, n) → a NACK body or None, asked for every batch."""

    def __init__(self, address, nack=None, credit=256 * 1024):
        self.address = address
        self.nack = nack or (lambda seq, n: None)
        self.credit = credit
        self.last_seq = 0
        self.cursor = b""
        self.batches = []  # (seq, events, cursor) in the order committed
        self.hellos = []
        self.nacked = []
        self.largest = 0
        self.is_mute = False  # takes batches and neither keeps nor answers them
        self.unanswered = {}  # seq → bytes, while mute
        self.context = zmq.Context()
        self.thread = None
        self.stopping = False

    def start(self):
        self.stopping = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.stopping = True
        self.thread.join()

    def serve(self):
        router = self.context.socket(zmq.ROUTER)
        router.setsockopt(zmq.LINGER, 0)
        router.bind(self.address)
        attempts = {}
        greeted = set()
        while not self.stopping:
            if not router.poll(50):
                continue
            waiting = []
            while router.poll(0) and len(waiting) < 100:
                waiting.append(router.recv_multipart())
            for peer, payload in waiting:
                version, kind, request, body = unpack(payload)
                assert version == 1

                def answer(kind, body, peer=peer, request=request):
                    router.send_multipart([peer, msgpack.packb([1, kind, request, body])])

                if kind == "HELLO":
                    greeted.add(peer)
                    self.hellos.append(body)
                    answer("WELCOME", {"last_seq": self.last_seq, "cursor": self.cursor, "credit": self.credit,
                                       "types": {}, "limits": {}})
                    continue
                assert kind == "BATCH", kind
                seq = body["seq"]
                if self.is_mute:
                    self.unanswered[seq] = len(payload)
                    continue
                self.largest = max(self.largest, len(payload))
                if seq == self.last_seq + 1:
                    attempts[seq] = attempts.get(seq, 0) + 1
                known = {"seq": seq, "last_seq": self.last_seq, "credit": self.credit}
                if peer not in greeted:
                    answer("NACK", {**known, "code": "hello_required", "message": "", "final": False})
                elif seq <= self.last_seq:
                    answer("ACK", {**known, "repeat": True, "cursor": self.cursor})
                elif seq > self.last_seq + 1:
                    self.nacked.append((seq, "out_of_order"))
                    answer("NACK", {**known, "code": "out_of_order", "message": "", "final": False})
                elif said := self.nack(seq, attempts[seq]):
                    self.nacked.append((seq, said["code"]))
                    answer("NACK", {**known, "message": "", "final": False, **said})
                else:
                    self.last_seq = seq
                    self.batches.append((seq, body["events"], body.get("cursor")))
                    if "cursor" in body:
                        self.cursor = body["cursor"]
                    answer("ACK", {"seq": seq, "accepted": len(body["events"]), "duplicates": 0, "rejected": [],
                                   "credit": self.credit})
        router.close()

    @property
    def events(self):
        return [event for _, events, _ in self.batches for event in events]


class Host:
    """One tendon-plugin-host, started as tendond does: configuration on descriptor 3, reports on 4."""

    def __init__(self, plugin, connect, options=None, source="acme", **more):
        document = {"source": source, "tenant": "riverbend", "name": "test", "plugin": plugin, "connect": connect,
                    "options": options or {}, **more}
        self.log = tempfile.TemporaryFile()
        config = tempfile.TemporaryFile()
        config.write(json.dumps(document).encode())
        config.seek(0)
        self.reports, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.last = {}

        def arrange():  # the order matters: neither may overwrite the other
            a, b = os.dup2(config.fileno(), 13, True), os.dup2(theirs.fileno(), 14, True)
            os.dup2(a, 3, True)
            os.dup2(b, 4, True)

        self.process = subprocess.Popen([built("tendon-plugin-host"), "--run"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.log, preexec_fn=arrange,
                                        pass_fds=(3, 4))
        theirs.close()
        config.close()
        self.reports.setblocking(False)

    def report(self):
        """The last report, or {}."""
        try:
            while True:
                data = self.reports.recv(65536)
                if not data:
                    break
                self.last = json.loads(data)
        except BlockingIOError:
            pass
        return self.last

    def said(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def inner(self):
        """The pid of the process that holds the plugin."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def stop(self, timeout=15):
        self.process.terminate()
        return self.process.wait(timeout)

    def wait(self, timeout=30):
        return self.process.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reports.close()
        said = self.said()
        self.log.close()
        assert "AddressSanitizer" not in said and "runtime error:" not in said, said


class Folder:
    """A folder of a test's own, with a short path for the socket."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="tendon-host-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def address(self):
        return f"ipc://{self.path}/hosts.sock"

    def write(self, name, text, mode="w"):
        path = os.path.join(self.path, name)
        with open(path, mode, encoding="utf-8") as file:
            file.write(text)
        return path


def until(condition, seconds=30, what=lambda: ""):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s {what()}")
        time.sleep(0.02)
