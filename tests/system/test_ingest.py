"""What a source is answered: sequences, sessions, credit, envelopes."""
import pytest

from events import D0, MINUTE, created, solved_ticket, status
from tendon_client import BATCH_BYTES, Nacked, Refused, Timeout, pack, unpack

BATCH_LIMIT = 256 * 1024


@pytest.fixture(scope="module")
def running(shared_collector):
    return shared_collector


@pytest.fixture
def source(running, request):
    name = request.node.name.replace("_", "-").lower()[:50].strip("-")
    client = running.source(name, name=name)
    yield client
    client.close()


def nacked(client, *arguments, **more):
    with pytest.raises(Nacked) as caught:
        client.batch(*arguments, **more)
    return caught.value.body


def test_welcome_says_what_is_taken(running):
    with running.connect(running.grant("welcome")) as client:
        body = client.hello("welcome")
        assert body["last_seq"] == 0 and body["cursor"] == b""
        assert 0 < body["credit"] <= BATCH_LIMIT
        assert body["limits"]["batch_bytes"] == BATCH_LIMIT and body["limits"]["cursor_bytes"] == 4096
        assert {"ticket.created", "ticket.status", "sla.applied", "contact.ended", "source.watermark"} <= set(body["types"])
        assert "survey.response" not in body["types"], "surveys are granted apart"
        assert "severity" in body["types"]["ticket.created"] and "to" in body["types"]["ticket.status"]


def test_accepted_is_visible_at_once(running, source):
    for n in range(1, 6):
        answer = source.batch([created(f"visible-{n}", vendor="visible")])
        assert answer["accepted"] == 1 and answer["rejected"] == []
        assert running.value("tickets_created", where="vendor=visible") == n


def test_duplicates_change_nothing(running, source):
    events = solved_ticket("twice", vendor="twice")
    assert source.batch(events)["accepted"] == 3
    before = running.query("tickets_created,resolutions,first_response_time.avg", where="vendor=twice")["rows"]
    answer = source.batch(events)
    assert answer["rejected"] == [] and answer["accepted"] + answer.get("duplicates", 0) in (0, 3)
    source.batch(events + events)
    assert running.query("tickets_created,resolutions,first_response_time.avg", where="vendor=twice")["rows"] == before
    assert running.call("source.show", source=source.source)["duplicates"] >= 3


def test_repeated_seq_is_answered_and_not_stored(running, source):
    source.batch([created("repeat-1", vendor="repeat")], cursor=b"one")
    source.batch([created("repeat-2", vendor="repeat")], cursor=b"two")
    answer = source.batch([created("repeat-3", vendor="repeat")], seq=1)
    assert answer["repeat"] is True and answer["last_seq"] == 2 and answer["cursor"] == b"two"
    assert running.value("tickets_created", where="vendor=repeat") == 2


def test_higher_seq_is_out_of_order(running, source):
    source.batch([created("order-1", vendor="order")])
    body = nacked(source, [created("order-3", vendor="order")], seq=3)
    assert body["code"] == "out_of_order" and body["last_seq"] == 1 and not body["final"]
    assert source.batch([created("order-2", vendor="order")], seq=2)["accepted"] == 1
    assert running.value("tickets_created", where="vendor=order") == 2


def test_hello_comes_first(running):
    with running.connect(running.grant("silent")) as client:
        body = nacked(client, [created("silent-1")], seq=1)
        assert body["code"] == "hello_required"
        client.hello("silent")
        assert client.batch([created("silent-1")])["accepted"] == 1


def test_the_source_is_the_keys(running):
    with running.connect(running.grant("mine")) as client:
        with pytest.raises(Nacked) as caught:
            client.hello("someone-elses")
        assert caught.value.code == "unknown_source"


def test_a_new_session_takes_over(running):
    keys = running.grant("session")
    with running.connect(keys) as old, running.connect(keys) as new:
        old.hello("session")
        old.batch([created("session-1")], cursor=b"there")
        welcome = new.hello("session")
        assert welcome["last_seq"] == 1 and welcome["cursor"] == b"there"
        assert nacked(old, [created("session-2")])["code"] == "superseded"
        assert new.batch([created("session-2")])["accepted"] == 1
        assert nacked(old, [created("session-3")])["code"] == "superseded"


def test_credit_limits_what_is_under_way(running, source):
    events = [created(f"credit-{n}", category="c" * 60) for n in range(3000)]
    batch, size = [], 0
    while size < source.credit + 4096:
        batch.append(events.pop())
        size += len(pack(batch[-1]))
    body = nacked(source, batch)
    assert body["code"] == "over_credit" and not body["final"] and body["last_seq"] == 0
    assert source.send(batch)["accepted"] == len(batch)


def test_credit_grows_while_used(source):
    first = source.credit
    for n in range(40):
        source.send([created(f"grow-{n}-{i}", vendor="grow", category="c" * 60) for i in range(150)])
    assert source.credit > first


def test_too_large_is_final(source):
    batch = [created(f"large-{n}", category="c" * 60) for n in range(BATCH_LIMIT // 60)]
    body = nacked(source, batch)
    assert body["code"] == "too_large" and body["final"]
    assert source.batch([created("large-0")])["accepted"] == 1


def test_an_empty_batch_moves_the_cursor(running, source):
    assert source.batch([], cursor=b"only a cursor")["accepted"] == 0
    assert source.hello(source.source)["cursor"] == b"only a cursor"


def test_long_cursor(source):
    assert source.batch([created("cursor-1")], cursor=b"x" * 4096)["accepted"] == 1
    body = nacked(source, [created("cursor-2")], cursor=b"x" * 4097)
    assert body["code"] == "cursor_too_long" and body["final"]
    assert source.batch([created("cursor-2")], cursor=b"")["accepted"] == 1


def test_another_version(source):
    source.send_message("BATCH", {"seq": 1, "events": []}, version=2)
    version, kind, _, body = unpack(source.socket.recv()) if source.socket.poll(10_000) else pytest.fail("no answer")
    assert version == 1 and kind in ("NACK", "ERROR") and body["code"] == "version"


MALFORMED = {
    "no bytes": b"",
    "not msgpack": b"\xc1\xc1\xc1",
    "text": b"GET / HTTP/1.1\r\n\r\n",
    "a map": pack({"version": 1}),
    "cut short": pack([1, "BATCH", 7, {"seq": 1, "events": [created("cut")]}])[:-3],
    "bytes behind it": pack([1, "BATCH", 7, {"seq": 1, "events": []}]) + b"\x01",
    "an array of 268 million": b"\x94\x01\xa5BATCH\x07\x82\xa3seq\x01\xa6events\xdd\x10\x00\x00\x00",
    "a string of 4 GiB": b"\x94\x01\xa5BATCH\x07\x82\xa3seq\x01\xa6events\x91\x81\xdb\xff\xff\xff\xff",
    "a map of 4 billion": b"\x94\x01\xa5BATCH\x07\xdf\xff\xff\xff\xff",
    "a thousand arrays": b"\x94\x01\xa5BATCH\x07\x82\xa3seq\x01\xa6events" + b"\x91" * 1000 + b"\x01",
    "events that are no array": pack([1, "BATCH", 7, {"seq": 1, "events": "all"}]),
    "no seq": pack([1, "BATCH", 7, {"events": []}]),
    "a negative seq": pack([1, "BATCH", 7, {"seq": -1, "events": []}]),
    "an unknown key": pack([1, "BATCH", 7, {"seq": 1, "events": [], "tenant": "other"}]),
    "an unknown kind": pack([1, "DROP", 7, {}]),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(running, name):
    """The message is refused with a code, or where nobody can be answered not at all; the next one is served."""
    with running.connect(running.grant("malformed", name=f"malformed-{name}")) as client:
        client.hello("malformed")
        client.send_raw(MALFORMED[name])
        try:
            kind, _, body = client.receive(5)
            assert kind in ("NACK", "ERROR")
            assert body["code"] == "malformed", body
            assert body.get("final", True) is True
        except Timeout:
            pytest.fail("a malformed message got no answer")
        assert client.batch([created("after-it")])["rejected"] == []


def test_several_frames_are_refused(running):
    """One payload frame is the protocol; whatever else comes does no harm."""
    with running.connect(running.grant("frames")) as client:
        client.hello("frames")
        client.socket.send_multipart([pack([1, "BATCH", 9, {"seq": 1, "events": []}]), b"more", b"and more"])
        try:
            kind, _, body = client.receive(2)
            assert kind in ("NACK", "ERROR") and body["code"] == "malformed"
        except Timeout:
            pass
        assert client.batch([created("frames-1")])["accepted"] == 1


def test_the_rest_of_a_batch_is_stored(running, source):
    batch = [created("rest-1", vendor="rest"), {"type": "ticket.created"}, created("rest-2", vendor="rest"),
             created("rest-3", vendor="rest", severity=9), status("rest-1", "solved", D0 + MINUTE)]
    answer = source.batch(batch)
    assert answer["accepted"] == 3
    assert answer["rejected"] == [[1, "missing_field"], [3, "out_of_range"]]
    assert running.value("tickets_created", where="vendor=rest") == 2


def test_a_large_batch_in_one_message(running, source):
    """Credit grows up to the largest batch there may be."""
    for n in range(200):
        if source.credit >= BATCH_BYTES:
            break
        source.send([created(f"grow-{n}-{i}", category="c" * 60) for i in range(1000)])
    assert source.credit >= BATCH_BYTES
    batch = [created(f"one-{i}", vendor="one", category="c" * 60) for i in range(1200)]
    assert len(pack(batch)) < BATCH_LIMIT
    assert source.batch(batch)["accepted"] == 1200
    assert running.value("tickets_created", where="vendor=one") == 1200


def test_requests_on_the_source_connection_are_not_for_operators(running, source):
    """A source may read its own counters, and nothing of others."""
    for method in ("tenant.list", "key.list", "status", "plugin.list"):
        with pytest.raises(Refused) as caught:
            source.call(method)
        assert caught.value.code == "not_granted", method
    with pytest.raises(Refused):
        source.query("tickets_created")
