"""A client of Tendon's wire protocol, written from tendon-protocol(7) alone: pyzmq and msgpack, nothing of ours.

    with Client(endpoint) as operator:                       # control.sock
        operator.call("tenant.list")
    with Client(endpoint, server_key, keys) as source:       # CURVE
        source.hello("acme")
        source.send(events)
"""
import itertools
import time

import msgpack
import zmq

VERSION = 1
ANSWER_SECONDS = 60
BATCH_BYTES = 200 * 1024  # of one batch: under the protocol's 256 KiB
BATCH_EVENTS = 1000

_sessions = itertools.count(int(time.time() * 1000))


class Timeout(Exception):
    """No answer came."""


class Refused(Exception):
    """An ERROR; the code is in .code."""

    def __init__(self, body):
        super().__init__(f"{body.get('code')}: {body.get('message')} {body.get('hint', '')}")
        self.code = body.get("code")
        self.message = body.get("message", "")
        self.hint = body.get("hint", "")


class Nacked(Exception):
    """A NACK; its body is in .body."""

    def __init__(self, body):
        super().__init__(f"{body.get('code')}: {body.get('message')}")
        self.body = body
        self.code = body.get("code")


def new_keys():
    """A CURVE key pair: (public, secret), both Z85 as bytes; one that does not look like an option."""
    while True:
        keys = zmq.curve_keypair()
        if not keys[0].startswith(b"--"):
            return keys


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def unpack(data):
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


class Client:
    """One DEALER connection. Not for more than one thread."""

    def __init__(self, endpoint, server_key=None, keys=None, timeout=ANSWER_SECONDS):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
        if server_key is not None:
            self.socket.curve_serverkey = server_key.encode() if isinstance(server_key, str) else server_key
            self.socket.curve_publickey, self.socket.curve_secretkey = keys
        self.socket.connect(endpoint)
        self.timeout = timeout
        self.requests = itertools.count(1)
        self.last_seq = 0
        self.credit = 0
        self.cursor = b""
        self.source = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close(0)
        self.context.destroy(0)

    # --- messages ----------------------------------------------------------------------------------------

    def send_raw(self, payload):
        self.socket.send(payload)

    def send_message(self, kind, body, request=None, version=VERSION):
        request = next(self.requests) if request is None else request
        self.socket.send(pack([version, kind, request, body]))
        return request

    def receive(self, timeout=None):
        """The next message: (kind, request, body)."""
        timeout = self.timeout if timeout is None else timeout
        if not self.socket.poll(int(timeout * 1000)):
            raise Timeout(f"no answer within {timeout} s")
        frames = self.socket.recv_multipart()
        assert len(frames) == 1, f"a message of {len(frames)} frames"
        version, kind, request, body = unpack(frames[0])
        assert version == VERSION
        return kind, request, body

    def ask(self, kind, body, timeout=None):
        """Sends and takes the answer of that request: (kind, body)."""
        request = self.send_message(kind, body)
        while True:
            answer, to, answer_body = self.receive(timeout)
            if to == request:
                return answer, answer_body

    # --- a source ----------------------------------------------------------------------------------------

    def hello(self, source, session=None, timeout=None):
        session = next(_sessions) if session is None else session
        kind, body = self.ask("HELLO", {"source": source, "software": "tests", "session": session}, timeout)
        if kind != "WELCOME":
            raise Nacked(body)
        self.source = source
        self.last_seq, self.credit, self.cursor = body["last_seq"], body["credit"], body["cursor"]
        return body

    def batch(self, events, seq=None, cursor=None, timeout=None):
        """One BATCH and its answer's body; a NACK is raised."""
        body = {"seq": self.last_seq + 1 if seq is None else seq, "events": events}
        if cursor is not None:
            body["cursor"] = cursor
        kind, answer = self.ask("BATCH", body, timeout)
        if "credit" in answer:
            self.credit = answer["credit"]
        if kind != "ACK":
            assert kind == "NACK", kind
            raise Nacked(answer)
        if not answer.get("repeat"):
            assert answer["seq"] == body["seq"]
            self.last_seq = body["seq"]
        return answer

    def send(self, events, batch_events=BATCH_EVENTS):
        """Any number of events, cut into batches that the credit allows. The sums of the ACKs."""
        sums = {"accepted": 0, "duplicates": 0, "rejected": [], "batches": 0}
        for batch in self.cut(events, batch_events):
            answer = self.batch(batch)
            sums["accepted"] += answer["accepted"]
            sums["duplicates"] += answer.get("duplicates", 0)
            sums["rejected"] += answer["rejected"]
            sums["batches"] += 1
        return sums

    def cut(self, events, batch_events=BATCH_EVENTS):
        batch, size = [], 0
        for event in events:
            bytes_ = len(pack(event))
            if batch and (len(batch) >= batch_events or size + bytes_ > min(self.credit - 256, BATCH_BYTES)):
                yield batch
                batch, size = [], 0
            batch.append(event)
            size += bytes_
        if batch:
            yield batch

    # --- questions ---------------------------------------------------------------------------------------

    def _parts(self, kind, body, timeout=None):
        request = self.send_message(kind, body)
        data, part = b"", 0
        while True:
            answer, to, result = self.receive(timeout)
            if to != request:
                continue
            if answer == "ERROR":
                raise Refused(result)
            assert answer == "RESULT", (answer, result)
            assert result["part"] == part, (result["part"], part)
            data += result["data"]
            if result["last"]:
                return unpack(data)
            part += 1
            self.send_message("MORE", {"part": part}, request)

    def call(self, method, timeout=None, **params):
        return self._parts("CALL", {"method": method, "params": params}, timeout)

    def query(self, metrics, timeout=None, **options):
        """The answer of a query; metrics a list or "a,b"; by likewise."""
        body = {"metrics": metrics.split(",") if isinstance(metrics, str) else list(metrics)}
        if isinstance(options.get("by"), str):
            options["by"] = options["by"].split(",")
        body.update({name: value for name, value in options.items() if value is not None})
        return self._parts("QUERY", body, timeout)
