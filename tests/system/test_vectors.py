"""The protocol's test vectors: msgpack reads what their JSON says, and a running collector answers as they say."""
import glob
import json
import os

import pytest

from collector import TOP, Collector
from tendon_client import VERSION, pack, unpack

FOLDER = os.path.join(TOP, "proto", "vectors")
NAMES = sorted(os.path.splitext(os.path.basename(path))[0] for path in glob.glob(os.path.join(FOLDER, "*.json")))
DECLARED = ["contract"]


def vector(name):
    with open(os.path.join(FOLDER, f"{name}.json"), encoding="utf-8") as file:
        said = json.load(file)
    with open(os.path.join(FOLDER, f"{name}.msgpack"), "rb") as file:
        return said, file.read()


def plain(value):
    """Bytes as the vectors write them."""
    if isinstance(value, bytes):
        return {"bin": value.hex()}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


VECTORS = {name: vector(name) for name in NAMES}
EVENTS = [name for name in NAMES if VECTORS[name][0]["is"] == "event"]


def answerable(said):
    """What a running collector can be asked: with its own clock, and types as below."""
    return "types" not in said and said.get("reject") != "time_ahead"


@pytest.mark.parametrize("name", [name for name in NAMES if "event" in VECTORS[name][0] or "body" in VECTORS[name][0]])
def test_independent_reader(name):
    said, data = VECTORS[name]
    if "body" in said:
        assert plain(unpack(data)) == [said["version"], said["kind"], said["request"], said["body"]]
    else:
        assert plain(unpack(data)) == said["event"]


@pytest.fixture(scope="module")
def running():
    with Collector(tenants=[{"name": "riverbend", "zone": "UTC", "dimensions": DECLARED}], listen=True) as collector:
        yield collector


@pytest.mark.parametrize("name", [name for name in EVENTS if answerable(VECTORS[name][0])])
def test_collector(running, name):
    """Between two good events, as bytes that no encoder of ours made."""
    said, data = VECTORS[name]
    assert said["declared"] == DECLARED
    types = ["ticket.*", "sla.*", "contact.*", "survey.*", "source.watermark"]
    good = [pack({"type": "ticket.created", "id": f"{side}-{name}", "at": 1704708000000, "ticket": side}) for side in "ab"]
    with running.source(f"v-{name}"[:64], types=types) as client:
        head = pack([VERSION, "BATCH", 99, {"seq": client.last_seq + 1, "events": []}])
        assert head.endswith(b"\x90")
        client.send_raw(head[:-1] + b"\x93" + good[0] + data + good[1])
        kind, _, body = client.receive()
    if "error" in said:
        assert kind == "NACK" and body["code"] == said["error"] and body["final"] is True, body
        return
    assert kind == "ACK", body
    assert body["rejected"] == ([[1, said["reject"]]] if "reject" in said else []), body
