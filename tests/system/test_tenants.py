"""Tenants at the command line: made, limited, kept so long, and removed without a trace while others go on."""
import os
import threading

import pytest

from collector import Collector, wait_for
from events import D0, HOUR, created, solved_ticket
from tendon_client import Client, Nacked, Refused, Timeout, new_keys

FAILED, USAGE = 1, 2


@pytest.fixture(scope="module")
def running():
    with Collector(listen=True) as collector:
        yield collector


def names(running):
    return [row["tenant"] for row in running.call("tenant.list")]


def data_of(running, tenant):
    return os.path.join(running.configuration["data"], "tenants", tenant)


def key_of(running, tenant):
    return os.path.join(running.configuration["keys"], f"tenant-{tenant}.key")


def test_one_is_added_and_stays(running):
    added = running.cli_json("tenant", "add", "lakeside", "--zone", "America/New_York", "--limit", "stored_bytes=32MiB",
                             "--limit", "query_time=7s")
    assert added == {"tenant": "lakeside", "zone": "America/New_York"}
    with running.source("desk", "lakeside") as source:
        assert source.batch([created("a-1")])["accepted"] == 1
    running.restart()
    shown = running.call("tenant.show", tenant="lakeside")
    assert (shown["zone"], shown["events"], shown["limits"]["stored_bytes"], shown["limits"]["query_time"]) == \
        ("America/New_York", 1, 32 << 20, 7000)


def test_one_that_cannot_be_added(running):
    for wrong in (["Lakeside"], ["x", "--zone", "Mars/Olympus"], ["x", "--limit", "bytes=1"], ["riverbend"],
                  ["x", "--limit", "stored_bytes=much"], ["x", "--limit", "stored_bytes=1B"], ["x", "--zone", "a: b\n"]):
        said = running.cli("tenant", "add", *wrong, status=FAILED)
        assert said.err.startswith("tendon: ")
    assert running.cli("tenant", "add", "x", "--limit", "nothing", status=USAGE)
    assert "x" not in names(running) and not os.path.exists(data_of(running, "x"))


def test_a_limit_counts_over_reload_and_restart(running):
    rows = {row["limit"]: row for row in running.cli_json("tenant", "limit", "riverbend", "query_time=9s", "result_rows=77")}
    assert rows["query_time"]["value"] == 9000 and rows["query_time"]["from"] == "operator"
    assert rows["hot_events"]["from"] == "configuration"
    running.restart()
    assert running.call("tenant.show", tenant="riverbend")["limits"]["result_rows"] == 77
    rows = {row["limit"]: row for row in running.cli_json("tenant", "limit", "riverbend", "result_rows=default")}
    assert rows["result_rows"]["value"] == 100000 and rows["query_time"]["value"] == 9000
    for wrong in ("query_time=1ms", "queri_time=5s", "result_rows=lots"):
        running.cli("tenant", "limit", "riverbend", wrong, status=FAILED)
    assert "9s" in running.cli("tenant", "limit", "riverbend", "-o", "table").out


def test_an_admin_lowers_and_does_not_raise(running):
    keys = new_keys()
    running.call("key.grant", public_key=keys[0].decode(), name="its-admin", role="admin", tenant="riverbend")
    with running.connect(keys) as admin:
        rows = {row["limit"]: row for row in admin.call("tenant.limit", limits={"result_rows": 500})}
        assert rows["result_rows"]["value"] == 500 and rows["result_rows"]["from"] == "admin"
        with pytest.raises(Refused) as caught:
            admin.call("tenant.limit", limits={"result_rows": 100001})
        assert caught.value.code == "not_granted"
        running.call("tenant.limit", tenant="riverbend", limits={"result_rows": 50})
        rows = {row["limit"]: row for row in admin.call("tenant.limit")}
        assert rows["result_rows"]["value"] == 50 and rows["result_rows"]["from"] == "operator"
        running.call("tenant.limit", tenant="riverbend", limits={"result_rows": None})
        rows = {row["limit"]: row for row in admin.call("tenant.limit", limits={"result_rows": None})}
        assert rows["result_rows"]["value"] == 100000
        assert admin.call("tenant.retention", log_ms=400 * 86400000)["log_ms"] == 400 * 86400000
        for method in ("tenant.add", "tenant.remove"):
            with pytest.raises(Refused) as caught:
                admin.call(method, tenant="riverbend")
            assert caught.value.code == "not_granted"


def test_a_retention_counts_until_it_is_taken_back(running):
    shown = running.cli_json("tenant", "retention", "riverbend", "--log", "400d", "--facts", "1100d")
    assert (shown["log_ms"], shown["facts_ms"]) == (400 * 86400000, 1100 * 86400000)
    running.restart()
    assert running.call("tenant.show", tenant="riverbend")["retention"]["facts_ms"] == 1100 * 86400000
    for wrong in (["--log", "400d", "--facts", "300d"], ["--log", "1h"]):
        running.cli("tenant", "retention", "riverbend", *wrong, status=FAILED)
    for wrong in (["--facts", "1100d"], ["--log", "soon"], [], ["--default", "--log", "400d"]):
        running.cli("tenant", "retention", "riverbend", *wrong, status=USAGE)
    assert running.cli_json("tenant", "retention", "riverbend", "--default")["log_ms"] == 0


def test_acts_on_tenants_are_in_the_log(running):
    acts = {row["act"] for row in running.call("audit.list", act="tenant.*")}
    assert {"tenant.add", "tenant.limit", "tenant.retention"} <= acts


def test_one_is_removed_without_a_trace(running):
    running.call("tenant.add", tenant="gone", limits={"stored_bytes": "32MiB"})
    keys = running.grant("desk", "gone", name="gone-desk")
    reader = new_keys()
    running.call("key.grant", public_key=reader[0].decode(), name="gone-reader", role="reader", tenant="gone")
    with running.connect(keys) as client, running.connect(reader) as asks:
        client.hello("desk")
        client.send([event for n in range(50) for event in solved_ticket(f"g{n}", D0 + n * HOUR, 60)])
        assert asks.query("tickets_created")["rows"][0]["tickets_created"] == 50
        assert os.path.exists(key_of(running, "gone")) and os.path.exists(data_of(running, "gone"))
        assert "say --yes" in running.cli("tenant", "remove", "gone", status=USAGE).err
        shown = running.cli_json("tenant", "remove", "gone", "--yes")
        assert shown["events"] == 150 and shown["key_destroyed"] is True
        assert not os.path.exists(key_of(running, "gone")) and not os.path.exists(data_of(running, "gone"))
        assert "gone" not in names(running)
        with pytest.raises(Nacked) as caught:
            client.batch([created("late")])
        assert caught.value.code == "not_granted"
        with pytest.raises(Refused) as caught:
            asks.query("tickets_created")
        assert caught.value.code == "not_granted"
    assert not [row for row in running.call("key.list") if row["tenant"] == "gone"]
    removed = running.call("audit.list", act="tenant.remove")[0]
    assert removed["tenant"] == "gone" and removed["outcome"] == "done" and removed["what"]["events"] == 150
    running.restart()
    assert "gone" not in names(running)
    with pytest.raises(Refused) as caught:
        running.call("tenant.show", tenant="gone")
    assert caught.value.code == "unknown_tenant"


def test_another_of_the_same_name_begins_anew(running):
    for _ in range(3):
        running.call("tenant.add", tenant="again", limits={"stored_bytes": "32MiB"})
        with running.source("desk", "again") as source:
            assert source.last_seq == 0
            assert source.batch([created("same", vendor="x")])["accepted"] == 1
        assert running.value("tickets_created", tenant="again") == 1
        running.call("tenant.remove", tenant="again")


def test_one_that_the_configuration_names_is_not_removed(running):
    said = running.cli("tenant", "remove", "riverbend", "--yes", status=FAILED).err
    assert "configuration" in said and "riverbend" in names(running)
    said = running.cli("tenant", "remove", "riverbent", "--yes", status=FAILED).err
    assert "riverbend" in said  # did you mean


def test_removing_one_under_load_harms_nobody(running):
    """Sources send and readers ask, of the one that goes and of one that stays."""
    running.call("tenant.add", tenant="busy", limits={"stored_bytes": "64MiB"})
    stays, goes = running.grant("steady", "riverbend"), running.grant("steady", "busy")
    key, stop, sent, failures = running.server_key(), threading.Event(), {"stays": 0, "goes": 0}, []

    def send(which, keys):
        with Client(running.endpoint, key, keys) as client:
            try:
                client.hello("steady")
                while not stop.is_set() or which == "stays" and sent["stays"] < 20:
                    client.batch([created(f"{which}{sent[which]}-{n}", vendor="steady") for n in range(40)], timeout=30)
                    sent[which] += 1
            except (Nacked, Timeout) as error:
                if which == "stays" or getattr(error, "code", "") not in ("not_granted", "hello_required", "store_failed"):
                    failures.append((which, error))

    def ask():
        with Client(running.control) as client:
            while not stop.is_set():
                try:
                    client.query("tickets_created", tenant="busy")
                    client.call("status")
                except Refused as refused:
                    if refused.code != "unknown_tenant":
                        failures.append(("ask", refused))

    threads = [threading.Thread(target=send, args=("stays", stays)), threading.Thread(target=send, args=("goes", goes)),
               threading.Thread(target=ask)]
    for thread in threads:
        thread.start()
    wait_for(lambda: sent["goes"] >= 10, 60)
    running.call("tenant.remove", tenant="busy")
    before = sent["stays"]
    wait_for(lambda: sent["stays"] >= before + 5 or failures, 60)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert running.value("tickets_created", tenant="riverbend", where="vendor=steady") == 40 * sent["stays"]
    assert not os.path.exists(data_of(running, "busy"))
