"""Limits of a tenant, at the limit: what is refused says when to come again, nothing is lost at its source, and the
tenants beside it notice nothing."""
import threading
import time

import pytest

from collector import Collector, csv_created, wait_for
from events import created
from tendon_client import Client, Nacked, Refused, Timeout, new_keys, pack

RATE = 1000  # events a second
TENANTS = [{"name": "riverbend"}, {"name": "lakeside"}, {"name": "narrow", "limits": {"sources": 2, "connections": 3, "queries": 1}},
           {"name": "slow", "limits": {"events_per_second": RATE, "burst": RATE}}]


@pytest.fixture(scope="module")
def running():
    with Collector(listen=True, tenants=TENANTS) as collector:
        with collector.source("desk", "riverbend") as source:
            source.batch([created("first")])
        yield collector


def send_patiently(client, n, name, size=100):
    """n events in batches of a size; each that is refused is sent again when the NACK says. How often that was."""
    refused = 0
    for begin in range(0, n, size):
        batch = [created(f"{name}-{i}", vendor=name) for i in range(begin, min(n, begin + size))]
        while True:
            try:
                assert client.batch(batch)["accepted"] == len(batch)
                break
            except Nacked as nacked:
                assert nacked.code == "over_rate" and not nacked.body["final"], nacked
                assert 0 < nacked.body["retry_ms"] <= 60000 and nacked.body["last_seq"] == client.last_seq
                refused += 1
                time.sleep(nacked.body["retry_ms"] / 1000)
    return refused


def test_over_its_rate_a_source_waits_and_loses_nothing(running):
    began = time.monotonic()
    with running.source("eager", "slow") as client:
        assert send_patiently(client, 4 * RATE, "eager") > 0
    assert time.monotonic() - began >= 2  # what is beyond the burst, at the rate, less two batches
    assert running.value("tickets_created", tenant="slow", where="vendor=eager") == 4 * RATE


def test_a_hundred_times_its_rate_beside_normal_ones(running):
    """Twenty sources of other tenants send while one tenant is refused all the time, by a source that does not wait: no
    batch of theirs is refused, and all of it is found again."""
    stop, key, failures, greedy = threading.Event(), running.server_key(), [], {"sent": 0, "refused": 0}
    running.call("tenant.limit", tenant="slow", limits={"events_per_second": 100, "burst": 100})
    keys = {n: running.grant(f"normal-{n}", ("riverbend", "lakeside")[n % 2], name=f"normal-{n}") for n in range(20)}
    greedy_keys = running.grant("greedy", "slow", name="greedy")

    def be_greedy():
        with Client(running.endpoint, key, greedy_keys) as client:
            client.hello("greedy")
            while not stop.is_set():
                try:
                    client.batch([created(f"g{greedy['sent']}-{i}", vendor="greedy") for i in range(100)])
                    greedy["sent"] += 100
                except Nacked as nacked:
                    assert nacked.code == "over_rate"
                    greedy["refused"] += 100

    def be_normal(n):
        try:
            with Client(running.endpoint, key, keys[n]) as client:
                client.hello(f"normal-{n}")
                for batch in range(15):
                    client.batch([created(f"n{n}-{batch}-{i}", vendor="normal") for i in range(20)])
        except Exception as error:
            failures.append((n, error))

    threads = [threading.Thread(target=be_normal, args=(n,)) for n in keys]
    first = threading.Thread(target=be_greedy)
    first.start()
    wait_for(lambda: greedy["refused"] > 1000 and greedy["sent"] > 0, 60)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    stop.set()
    first.join(60)
    assert not failures
    found = sum(running.value("tickets_created", tenant=tenant, where="vendor=normal") for tenant in ("riverbend", "lakeside"))
    assert found == 20 * 15 * 20
    assert greedy["refused"] > 10 * greedy["sent"]
    assert running.value("tickets_created", tenant="slow", where="vendor=greedy") == greedy["sent"]
    running.call("tenant.limit", tenant="slow", limits={"events_per_second": None, "burst": None})


def test_a_plugin_waits_and_loses_nothing(make_collector, tmp_path):
    (tmp_path / "a.csv").write_text("id,when\n" + "".join(f"c{n},2024-01-08T10:00:00Z\n" for n in range(3000)))
    collector = make_collector(tenants=[{"name": "riverbend", "limits": {"events_per_second": RATE, "burst": 500}}],
                               plugins=[csv_created(tmp_path / "a.csv")])
    collector.start()
    collector.wait_accepted("desk", 3000)
    assert next(row for row in collector.call("status")["servers"] if row["server"] == "data")["over_rate"] > 0
    assert collector.value("tickets_created") == 3000


def test_one_source_too_many(running):
    first, second = running.source("one", "narrow"), running.source("two", "narrow")
    try:
        keys = running.grant("three", "narrow", name="three")
        with running.connect(keys) as third:
            with pytest.raises(Nacked) as caught:
                third.hello("three")
            assert caught.value.code == "too_many_sources" and not caught.value.body["final"]
        first.batch([created("n-1")])
    finally:
        first.close()
        second.close()
    running.call("tenant.limit", tenant="narrow", limits={"sources": 3})
    with running.connect(keys) as third:
        third.hello("three")
        assert third.batch([created("n-3")])["accepted"] == 1


def reader_of(running, tenant, name):
    keys = new_keys()
    running.call("key.grant", public_key=keys[0].decode(), name=name, role="reader", tenant=tenant)
    return keys


def test_one_connection_too_many(running):
    keys = reader_of(running, "narrow", "many-readers")
    readers = [running.connect(keys) for _ in range(3)]
    try:
        for reader in readers:
            assert reader.query("tickets_created")["rows"]
        with running.connect(keys) as late:
            with pytest.raises(Refused) as caught:
                late.query("tickets_created", timeout=20)
            assert caught.value.code == "too_many_connections"
        for reader in readers:
            assert reader.query("tickets_created")["rows"]
        with running.connect(reader_of(running, "lakeside", "elsewhere")) as other:
            assert other.query("tickets_created")["rows"]
        readers.pop().close()

        def gets_in():
            with running.connect(keys) as again:
                try:
                    return again.query("tickets_created", timeout=5)["rows"]
                except (Refused, Timeout):
                    return False

        wait_for(gets_in, 30)
    finally:
        for reader in readers:
            reader.close()


def test_many_questions_at_once_wait_or_are_told_to_come_again(running):
    keys = reader_of(running, "narrow", "asks-a-lot")
    with running.connect(keys) as reader, running.connect(reader_of(running, "riverbend", "asks-once")) as other:
        for request in range(1, 301):
            reader.socket.send(pack([1, "QUERY", request, {"metrics": ["tickets_created"], "by": ["vendor"]}]))
        assert other.query("tickets_created")["rows"]
        answers = {}
        while len(answers) < 300:
            kind, request, body = reader.receive()
            answers[request] = kind if kind == "RESULT" else body["code"]
        assert set(answers.values()) <= {"RESULT", "busy"}
        assert sum(kind == "RESULT" for kind in answers.values()) >= 65
    assert running.query("tickets_created", tenant="narrow")["rows"]
