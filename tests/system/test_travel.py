"""A tenant that is exported and imported: it answers the same, goes on where it stood, and nothing is half done where the file,
the key, the version or the disk is not what it should be."""
import csv
import ctypes
import ctypes.util
import io
import os
import shutil
import struct
import subprocess
import time

import pytest

from collector import Collector, built, wait_for
from events import D0, created, solved_ticket
from tendon_client import Refused
from test_disk_full import fill, volume  # noqa: F401  (a fixture)
from test_model import ALWAYS, CONDITIONS, GROUPS, OF_TICKETS, STATISTICS, WITH_BUSINESS, World, metrics, needed, statistics_of

FAILED, USAGE = 1, 2
HOUR, DAY = 3_600_000, 86_400_000


def export(collector, tenant, path, *options):
    collector.cli("tenant", "export", tenant, "-o", str(path), *options)
    assert os.stat(path).st_mode & 0o777 == 0o600 and not os.path.exists(f"{path}.part")
    return path


def key_of(collector, tenant):
    return os.path.join(collector.folder, "keys", f"tenant-{tenant}.key")


def age(path):
    """Makes a store that is not open believe that its retention was looked at the day before: "retired" of its meta begins with
    the day."""
    lmdb = ctypes.CDLL(ctypes.util.find_library("lmdb"))

    class Value(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]

    env, txn, dbi = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_uint()
    name = ctypes.create_string_buffer(b"retired", 7)
    key, value = Value(7, ctypes.addressof(name)), Value()
    assert lmdb.mdb_env_create(ctypes.byref(env)) == 0
    assert lmdb.mdb_env_set_maxdbs(env, 32) == 0 and lmdb.mdb_env_set_mapsize(env, ctypes.c_size_t(1 << 30)) == 0
    assert lmdb.mdb_env_open(env, path.encode(), 0, 0o600) == 0
    assert lmdb.mdb_txn_begin(env, None, 0, ctypes.byref(txn)) == 0
    assert lmdb.mdb_dbi_open(txn, b"meta", 0, ctypes.byref(dbi)) == 0
    assert lmdb.mdb_get(txn, dbi, ctypes.byref(key), ctypes.byref(value)) == 0
    data = bytearray(ctypes.string_at(value.data, value.size))
    struct.pack_into("<q", data, 0, struct.unpack_from("<q", data)[0] - 1)
    room = ctypes.create_string_buffer(bytes(data), len(data))
    value = Value(len(data), ctypes.addressof(room))
    assert lmdb.mdb_put(txn, dbi, ctypes.byref(key), ctypes.byref(value), 0) == 0
    assert lmdb.mdb_txn_commit(txn) == 0
    lmdb.mdb_env_close(env)


def settling(collector):
    """Whether the day's retention still goes on: what has left grows."""
    before = collector.call("tenant.show", tenant="riverbend")["frozen"]
    time.sleep(1)
    return collector.call("tenant.show", tenant="riverbend")["frozen"] != before


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A generated world, and the copy of it that an export and an import have made."""
    made = World(7, 500)
    with made.collector as collector:
        made.feed()
        # a source that was wrong: what it sent leaves, and comes again as another generation
        collector.call("source.reset", source="other")
        collector.wait_refolded()
        # what is done leaves the log, and only its figures stay
        collector.call("tenant.retention", tenant="riverbend", log_ms=30 * DAY)
        with collector.source("late") as source:  # so that there is something to seal, and nothing stays in memory
            source.send(solved_ticket("late", D0))
        next_day(collector)
        wait_for(lambda: collector.call("tenant.show", tenant="riverbend")["frozen"] > 50)
        wait_for(lambda: not settling(collector))
        path = tmp_path_factory.mktemp("export") / "riverbend.tendon"
        export(collector, "riverbend", path, "--with-key")
        shown = collector.cli_json("tenant", "import", str(path), "--as", "copy")
        assert shown["events"] > 300 and shown["frozen"] == collector.call("tenant.show", tenant="riverbend")["frozen"]
        made.path = path
        yield made


def same(world, asked, **options):
    answers = []
    for tenant in ("riverbend", "copy"):
        answer = world.ask(asked, tenant=tenant, **options)
        answer["meta"] = {k: v for k, v in answer["meta"].items() if k not in ("as_of", "tenant", "log_position", "took_ms", "scanned")}
        answers.append(answer)
    assert answers[0]["rows"] == answers[1]["rows"]
    assert answers[0]["meta"] == answers[1]["meta"]


@pytest.mark.parametrize("metric", metrics.METRICS)
def test_every_metric_is_the_same(world, metric):
    more = {**ALWAYS.get(metric, {}), **needed(metric, world.made)}
    columns = [".".join(filter(None, (metric, s))) for s in statistics_of(metric)]
    choice = "choice=yes" if metric == "survey_share" else None
    same(world, columns, **more, **({"where": choice} if choice else {}))
    for name in [*GROUPS, "vendor", "product"]:
        same(world, columns[:1], by=[name], **more, **({"where": choice} if choice else {}))
    for where in CONDITIONS:
        same(world, columns[:1], where=" and ".join(f"({w})" for w in filter(None, (where, choice))), **more)
    if metric in WITH_BUSINESS:
        for rule in ({}, {"calendar_rule": "last"}):
            same(world, [f"{metric}.business.{s}" for s in STATISTICS], **rule, **more)
    if metric in OF_TICKETS:
        same(world, columns[:1], by=["team"], dims="current", **more)


def without_tenant(rows):
    return [{name: value for name, value in row.items() if name != "tenant"} for row in rows]


def test_sources_stand_where_they_stood(world):
    collector = world.collector
    before, after = (without_tenant(collector.call("source.list", tenant=tenant)) for tenant in ("riverbend", "copy"))
    assert len(before) == 5 and before == after
    for source in before:
        shown = without_tenant([collector.call("source.show", tenant=tenant, source=source["source"])
                                for tenant in ("riverbend", "copy")])
        assert shown[0] == shown[1]


def test_an_export_of_the_import_is_the_export(world, tmp_path):
    """Byte by byte, but for the name."""
    path = export(world.collector, "copy", tmp_path / "copy", "--with-key")
    again = export(world.collector, "riverbend", tmp_path / "again", "--with-key")
    assert again.read_bytes() == world.path.read_bytes()
    assert frames(path)[1:] == frames(again)[1:]


def frames(path):
    """The parts of a file, without what holds them together."""
    data, at, found = path.read_bytes(), len(b"tendon-tenant 1\n"), []
    while at < len(data):
        size = struct.unpack(">I", data[at:at + 4])[0]
        found.append(data[at + 12:at + 12 + size])
        at += 12 + size
    return found


def test_tables_and_settings_come_with_it(world):
    collector = world.collector
    for method, params in (("reference.list", {"table": "site"}), ("reference.list", {"table": "team"}), ("calendar.list", {})):
        before, after = (collector.call(method, tenant=tenant, **params) for tenant in ("riverbend", "copy"))
        assert before and before == after
    shown = [collector.call("tenant.show", tenant=tenant) for tenant in ("riverbend", "copy")]
    for name in ("zone", "dimensions", "closed", "nearshore", "calendar", "policies", "limits", "retention"):
        assert shown[0][name] == shown[1][name], name


def test_csv_has_every_event(world, tmp_path):
    path = tmp_path / "riverbend.csv"
    world.collector.cli("tenant", "export", "riverbend", "--csv", "-o", str(path))
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert {"at", "type", "namespace", "source", "ticket", "event", "vendor", "ward"} <= set(rows[0])
    copied = next(row for row in world.collector.call("tenant.list") if row["tenant"] == "copy")
    assert len(rows) == copied["events"] > 300
    assert {row["source"] for row in rows} <= {"desk", "phone", "other", "quiet", "late"}
    assert any(row["type"] == "survey.response" and row["score"] for row in rows)
    assert all(len(row["ticket"]) in (0, 16) and len(row["event"]) == 16 for row in rows)


# --- going on


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with Collector(listen=True) as here, Collector(listen=True, tenants=[{"name": "another", "zone": "UTC"}]) as there:
        yield here, there, tmp_path_factory.mktemp("pair")


def test_another_collector_goes_on(pair):
    """With the key brought by hand: the sources' next batches, the same cursor, and tickets that are found again."""
    here, there, folder = pair
    with here.source("desk") as source:
        tickets = [solved_ticket(f"t{n}", D0 + n * HOUR, 600) for n in range(20)]
        source.send([event for ticket in tickets for event in ticket])
        source.batch(solved_ticket("with-cursor"), cursor=b"page 7")
        last_seq = source.last_seq
    path = export(here, "riverbend", folder / "plain")
    said = there.cli("tenant", "import", str(path), status=FAILED)
    assert "--with-key" in said.err and "riverbend" not in [row["tenant"] for row in there.call("tenant.list")]
    shutil.copy(key_of(here, "riverbend"), key_of(there, "riverbend"))
    assert there.cli_json("tenant", "import", str(path))["events"] == 63
    assert there.value("tickets_created", tenant="riverbend") == 21
    with there.connect(there.grant("desk", "riverbend")) as client:
        welcome = client.hello("desk")
        assert welcome["last_seq"] == last_seq and welcome["cursor"] == b"page 7"
        answer = client.batch([*tickets[3], created("new", D0)])
        assert (answer["accepted"], answer["duplicates"]) == (1, 3)
    assert there.value("tickets_created", tenant="riverbend") == 22
    now = "2024-03-01T00:00:00Z"
    stories = [each.call("ticket.explain", tenant="riverbend", ticket="desk/t3", now=now) for each in (here, there)]
    assert stories[0]["timeline"] == stories[1]["timeline"]
    # a name that is taken stays what it is
    assert "already" in there.cli("tenant", "import", str(path), status=FAILED).err
    acts = there.call("audit.list", act="tenant.import")
    assert {row["outcome"] for row in acts} >= {"done"}
    assert here.call("audit.list", act="tenant.export")[0]["what"]["with_key"] is False
    there.restart()
    assert there.value("tickets_created", tenant="riverbend") == 22


def test_beside_load_nothing_is_missing(pair):
    """Events that are taken while it is exported: all that were acknowledged before its end are in it."""
    here, there, folder = pair
    with here.source("loaded", name="loaded") as source:
        command = [built("tendon"), "tenant", "export", "riverbend", "--with-key", "-o", str(folder / "loaded")]
        source.send([event for n in range(3000) for event in solved_ticket(f"l{n}", D0 + n * 1000, 60)])
        running = subprocess.Popen(command, env={**os.environ, "TENDON_CONNECT": here.control})
        n = 3000
        while running.poll() is None:
            source.send(solved_ticket(f"l{n}", D0 + n * 1000, 60))
            n += 1
        assert running.returncode == 0
    there.call("tenant.remove", tenant="riverbend")
    there.cli("tenant", "import", str(folder / "loaded"))
    assert 21 + 3000 <= there.value("tickets_created", tenant="riverbend") <= 21 + n
    assert here.value("tickets_created") == 21 + n


def test_closed_dimensions_take_what_was_taken(make_collector, tmp_path):
    """A value that was taken once comes again, whatever is open or closed by now."""
    here = make_collector(listen=True).start()
    with here.source("desk") as source:
        source.send([event for n, team in enumerate(("A", "B")) for event in solved_ticket(f"t{n}", D0, 600, team=team)])
    here.configuration["tenants"][0]["closed"] = ["team"]
    here.write()
    here.restart()
    here.call("reference.import", table="team", rows=[{"key": "A", "employer": "acme"}], tenant="riverbend")
    codes = [{"dimension": "category", "value": f"c{n:05}"} for n in range(5000)]  # more than one read of the tables
    here.call("code.import", rows=codes, tenant="riverbend")
    path = export(here, "riverbend", tmp_path / "closed", "--with-key")
    here.cli("tenant", "import", str(path), "--as", "copy")
    rows = [here.query(["tickets_created"], by=["team", "employer"], tenant=tenant)["rows"] for tenant in ("riverbend", "copy")]
    assert rows[0] == rows[1] and {row["team"] for row in rows[0]} == {"A", "B"}
    assert here.call("tenant.show", tenant="copy")["closed"] == ["team"]
    assert here.call("code.list", tenant="copy") == codes


# --- what goes wrong


@pytest.fixture(scope="module")
def file(pair):
    here, _, folder = pair
    return export(here, "riverbend", folder / "whole", "--with-key")


def refused(collector, path, *options):
    """The import says why and leaves nothing."""
    before = collector.call("tenant.list")
    said = collector.cli("tenant", "import", str(path), "--as", "wrong", *options, status=FAILED).err
    assert [row["tenant"] for row in collector.call("tenant.list")] == [row["tenant"] for row in before]
    assert not os.path.exists(key_of(collector, "wrong"))
    return said


def test_a_file_that_ends_early(pair, file, tmp_path):
    data = file.read_bytes()
    for cut in (0, 5, 20, len(data) // 2, len(data) - 1, len(data) - 14):
        (tmp_path / "cut").write_bytes(data[:cut])
        said = refused(pair[1], tmp_path / "cut")
        assert "ends in the middle" in said or "no file of" in said
    (tmp_path / "cut").write_bytes(data + b"x")
    assert "behind its end" in refused(pair[1], tmp_path / "cut")


def test_a_file_with_other_bytes(pair, file, tmp_path, chance):
    data = bytearray(file.read_bytes())
    for _ in range(12):
        at = chance.randrange(17, len(data))
        data[at] ^= 1 << chance.randrange(8)
        (tmp_path / "flipped").write_bytes(data)
        assert "is not as it was written" in refused(pair[1], tmp_path / "flipped")
        data[:] = file.read_bytes()
    # a frame that is missing, and two that have changed places
    spots, at = [], 16
    while at < len(data):
        spots.append((at, at + 12 + struct.unpack(">I", data[at:at + 4])[0]))
        at = spots[-1][1]
    first, second = spots[1], spots[2]
    (tmp_path / "less").write_bytes(data[:first[0]] + data[first[1]:])
    assert "is not as it was written" in refused(pair[1], tmp_path / "less")
    (tmp_path / "moved").write_bytes(data[:first[0]] + data[second[0]:second[1]] + data[first[0]:first[1]] + data[second[1]:])
    assert "is not as it was written" in refused(pair[1], tmp_path / "moved")


def test_a_file_of_another_version(pair, file, tmp_path):
    data = file.read_bytes()
    (tmp_path / "later").write_bytes(data.replace(b"tendon-tenant 1\n", b"tendon-tenant 2\n", 1))
    assert "another version" in refused(pair[1], tmp_path / "later")
    (tmp_path / "text").write_text("at,type\n", encoding="utf-8")
    assert "no file of" in refused(pair[1], tmp_path / "text")


def test_another_key(pair, tmp_path):
    here, there, folder = pair
    path = export(here, "riverbend", folder / "keyless")
    with open(key_of(there, "wrong"), "w", encoding="utf-8") as key:
        os.chmod(key.name, 0o600)
        key.write("ab" * 32 + "\n")
    said = there.cli("tenant", "import", str(path), "--as", "wrong", status=FAILED).err
    assert "is not the one that its ids were hashed under" in said
    assert "wrong" not in [row["tenant"] for row in there.call("tenant.list")]
    os.unlink(key_of(there, "wrong"))


def test_a_full_disk_in_the_middle(make_collector, file, volume):  # noqa: F811
    """The tenant answers nothing and is gone on with, or removed."""
    there = make_collector(data=str(volume / "data"), listen=True).start()
    filler = fill(volume, 100 * 1024 * 1024)
    said = there.cli("tenant", "import", str(file), "--as", "late", status=FAILED).err
    assert "are free" in said and "run this again" in said
    with pytest.raises(Refused) as caught:
        there.query(["tickets_created"], tenant="late")
    assert caught.value.code == "importing"
    with pytest.raises(Refused) as caught:
        there.grant("desk", "late")
    assert caught.value.code == "importing"
    there.restart()
    with pytest.raises(Refused) as caught:
        there.query(["tickets_created"], tenant="late")
    assert caught.value.code == "importing"
    filler.unlink()
    assert "going on" in there.cli("tenant", "import", str(file), "--as", "late").err
    assert there.value("tickets_created", tenant="late") > 3000
    filler = fill(volume, 100 * 1024 * 1024)
    there.cli("tenant", "import", str(file), "--as", "never", status=FAILED)
    there.cli("tenant", "remove", "never", "--yes")
    assert not os.path.exists(key_of(there, "never")) and not (volume / "data" / "tenants" / "never").exists()
    filler.unlink()


def test_an_end_in_the_middle_of_an_import(pair, file):
    """kill -9 between two calls: the tenant is there as one that is being imported, and goes on."""
    there = pair[1]
    client = there.ask()
    head = here_head(pair[0])
    assert client.call("tenant.import", tenant="halved", settings=head["settings"], key=head["key"],
                       key_check=head["key_check"])["resumed"] is False
    client.call("tenant.import", tenant="halved", parcels=head["parcels"][:1])
    there.kill()
    there.start()
    shown = {row["tenant"] for row in there.call("tenant.list")}
    assert "halved" in shown
    there.cli("tenant", "import", str(file), "--as", "halved")
    assert there.value("tickets_created", tenant="halved") > 3000
    with pytest.raises(Refused) as caught:
        there.call("tenant.import", tenant="halved", parcels=head["parcels"])
    assert caught.value.code == "tenant_exists"


def here_head(collector):
    head = collector.call("tenant.export", tenant="riverbend", with_key=True)
    return {**head, **collector.call("tenant.export", tenant="riverbend", reader=head["reader"])}


def test_an_export_that_nobody_reads_is_refused_a_fifth_time(pair):
    here = pair[0]
    n = 0
    with pytest.raises(Refused) as caught:
        for n in range(5):
            here.call("tenant.export", tenant="riverbend")
    assert caught.value.code == "too_many_exports" and n <= 4
    with pytest.raises(Refused) as caught:
        here.call("tenant.export", tenant="riverbend", reader=12345)
    assert caught.value.code == "export_lost"


def test_wrong_words(pair, tmp_path):
    here = pair[0]
    assert "--csv or --with-key" in here.cli("tenant", "export", "riverbend", "--csv", "--with-key", status=USAGE).err
    assert "did you mean" in here.cli("tenant", "export", "riverbent", "-o", str(tmp_path / "x"), status=FAILED).err
    assert not (tmp_path / "x").exists() and not (tmp_path / "x.part").exists()
    here.cli("tenant", "export", "riverbend", "-o", str(tmp_path / "no" / "x"), status=FAILED)
    assert "cannot be read" in here.cli("tenant", "import", str(tmp_path / "none"), status=FAILED).err


# --- the day's retention, which the worlds above rely on


def test_what_is_due_leaves_by_itself(make_collector):
    """At a start on another day: events first, then the figures; a later event is refused."""
    collector = make_collector(listen=True).start()
    with collector.source("desk") as source:
        source.send([*solved_ticket("old", D0), created("open", D0)])
    days = (int(time.time() * 1000) - D0) // DAY
    collector.call("tenant.retention", tenant="riverbend", log_ms=30 * DAY, facts_ms=(days + 30) * DAY)
    next_day(collector)
    wait_for(lambda: collector.call("tenant.show", tenant="riverbend")["frozen"] == 1)
    assert collector.value("tickets_created") == 2
    with collector.source("late") as source:
        assert source.batch([created("old", D0)])["rejected"] == []  # another namespace: another ticket
    with collector.connect(collector.grant("phone", namespace="desk")) as source:
        source.hello("phone")
        assert source.batch(solved_ticket("old", D0)[:1])["rejected"] == [[0, "frozen"]]
    collector.call("tenant.retention", tenant="riverbend", log_ms=30 * DAY, facts_ms=60 * DAY)
    next_day(collector)
    wait_for(lambda: collector.value("tickets_created") == 2)  # that of desk is gone


def next_day(collector):
    assert collector.stop() == 0
    age(os.path.join(collector.folder, "data", "tenants", "riverbend"))
    collector.start()
