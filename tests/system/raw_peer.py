"""Peers that speak ZMTP by hand, so that they can speak it wrong: written from the specifications of ZMTP 3.0 and
CurveZMQ (rfc.zeromq.org 23 and 26), with libsodium for the boxes."""
import base64
import ctypes
import ctypes.util
import os
import socket
import struct

import zmq.utils.z85

_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
MAC, KEY = 16, 32


def _box(message, nonce, public, secret):
    out = ctypes.create_string_buffer(len(message) + MAC)
    assert _sodium.crypto_box_easy(out, message, ctypes.c_ulonglong(len(message)), nonce, public, secret) == 0
    return out.raw


def _open(boxed, nonce, public, secret):
    out = ctypes.create_string_buffer(max(len(boxed) - MAC, 1))
    if _sodium.crypto_box_open_easy(out, boxed, ctypes.c_ulonglong(len(boxed)), nonce, public, secret) != 0:
        raise ConnectionError("a box that does not open")
    return out.raw[:len(boxed) - MAC]


def _keypair():
    public, secret = ctypes.create_string_buffer(KEY), ctypes.create_string_buffer(KEY)
    _sodium.crypto_box_keypair(public, secret)
    return public.raw, secret.raw


def connect(endpoint, timeout=20):
    """A connected socket to tcp://… or ipc://…."""
    if endpoint.startswith("ipc://"):
        s = socket.socket(socket.AF_UNIX)
        address = endpoint[6:]
    else:
        s = socket.socket()
        host, port = endpoint[6:].rsplit(":", 1)
        address = (host, int(port))
    s.settimeout(timeout)
    s.connect(address)
    return s


def greeting(mechanism=b"CURVE", version=(3, 0), as_server=0):
    return b"\xff" + bytes(8) + b"\x7f" + bytes(version) + mechanism.ljust(20, b"\0") + bytes([as_server]) + bytes(31)


def frame(body, flags=0):
    """flags: 1 more, 4 command."""
    if len(body) > 255:
        return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def metadata(**properties):
    return b"".join(bytes([len(name)]) + name.encode() + struct.pack(">I", len(value)) + value
                    for name, value in properties.items())


def is_closed(s, seconds=20):
    """Whether the other end closes within the time; what it sends until then is passed over."""
    s.settimeout(seconds)
    try:
        while s.recv(65536):
            pass
        return True
    except socket.timeout:
        return False
    except OSError:
        return True


class RawPeer:
    """One connection."""

    def __init__(self, endpoint, timeout=20):
        self.s = connect(endpoint, timeout)
        self.nonce = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.s.close()

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise ConnectionError("closed")
            data += more
        return data

    def read_frame(self):
        flags = self.read(1)[0]
        size = struct.unpack(">Q", self.read(8))[0] if flags & 2 else self.read(1)[0]
        return flags, self.read(size)

    def null(self, **properties):
        """The handshake of the NULL mechanism."""
        self.s.sendall(greeting(b"NULL"))
        self.read(64)
        self.s.sendall(frame(b"\x05READY" + metadata(**{"Socket-Type": b"DEALER", "Identity": b"", **properties}), 4))
        flags, body = self.read_frame()
        if not body.startswith(b"\x05READY"):
            raise ConnectionError(f"{body[:40]} with flags {flags}")
        return self

    def curve(self, server_key, keys, **properties):
        """The handshake of CURVE, with keys in Z85."""
        def decode(key):
            return zmq.utils.z85.decode(key.encode() if isinstance(key, str) else key)
        server, public, secret = decode(server_key), decode(keys[0]), decode(keys[1])
        mine, mine_secret = _keypair()
        self.s.sendall(greeting())
        self.read(64)
        short = struct.pack(">Q", 1)
        self.s.sendall(frame(b"\x05HELLO\x01\x00" + bytes(72) + mine + short +
                             _box(bytes(64), b"CurveZMQHELLO---" + short, server, mine_secret), 4))
        _, body = self.read_frame()
        if not body.startswith(b"\x07WELCOME"):
            raise ConnectionError(repr(body[:40]))
        opened = _open(body[24:], b"WELCOME-" + body[8:24], server, mine_secret)
        theirs, cookie = opened[:32], opened[32:]
        vouch = os.urandom(16)
        short = struct.pack(">Q", 2)
        inside = public + vouch + _box(mine + server, b"VOUCH---" + vouch, theirs, secret) + \
            metadata(**{"Socket-Type": b"DEALER", "Identity": b"", **properties})
        self.s.sendall(frame(b"\x08INITIATE" + cookie + short +
                             _box(inside, b"CurveZMQINITIATE" + short, theirs, mine_secret), 4))
        _, body = self.read_frame()
        if not body.startswith(b"\x05READY"):
            raise ConnectionError(repr(body[:40]))
        self.theirs, self.mine_secret, self.nonce = theirs, mine_secret, 3
        return self

    def curve_message(self, payload, more=False):
        """The frame that carries one frame of a message."""
        short = struct.pack(">Q", self.nonce)
        self.nonce += 1
        return frame(b"\x07MESSAGE" + short + _box(bytes([1 if more else 0]) + payload, b"CurveZMQMESSAGEC" + short,
                                                   self.theirs, self.mine_secret))

    def opened(self, body):
        """What a frame of the server's says."""
        assert body.startswith(b"\x07MESSAGE"), body[:20]
        return _open(body[16:], b"CurveZMQMESSAGES" + body[8:16], self.theirs, self.mine_secret)[1:]
