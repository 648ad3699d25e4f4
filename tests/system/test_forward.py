"""A tree of collectors: what a site forwards is at the centre, the same, over restarts and refusals of both ends."""
import os
import shutil
import signal
import subprocess

import pytest

from collector import built, wait_for
from events import D0, created, solved_ticket
from forwarding import Tree, forwarding, site_of
from tendon_client import Refused
from test_disk_full import fill, volume  # noqa: F401  (a fixture)

HOUR = 3_600_000
METRICS = ["tickets_created", "tickets_solved", "full_resolution_time.p50", "first_response_time.avg", "reopen_rate", "backlog"]


@pytest.fixture(scope="module")
def tree():
    with Tree() as made:
        made.add("north")
        yield made


def tickets(prefix, n, **fields):
    return [event for k in range(n) for event in solved_ticket(f"{prefix}{k}", D0 + k * HOUR, 600 + k, **fields)]


def answers(collector, **options):
    now = {"now": "2024-06-01T00:00:00Z"}
    found = []
    for by in ([], ["vendor"], ["team"], ["employer"]):
        found.append(collector.query(METRICS, by=by, tenant="riverbend", **now, **options)["rows"])
    return found


def test_what_is_there_and_what_comes(tree):
    site, centre = tree.sites["north"], tree.centre
    with site.source("desk") as source:
        source.send(tickets("a", 50, vendor="acme", team="A"))
        tree.wait()
        assert centre.value("tickets_created") == site.value("tickets_created") == 50
        site.call("reference.import", table="team", rows=[{"key": "A", "employer": "acme", "tier": 2}], tenant="riverbend")
        site.call("code.import", rows=[{"dimension": "category", "value": "orders"}], tenant="riverbend")
        source.send(tickets("b", 50, vendor="other", team="A"))
        site.call("code.import", rows=[{"dimension": "category", "value": "access"}], tenant="riverbend")
        source.send(tickets("c", 1, category="access", team="A"))
        tree.wait()
    for collector in (site, centre):
        assert [row["value"] for row in collector.call("code.list", tenant="riverbend")] == ["access", "orders"]
    assert answers(site) == answers(centre)
    shown = centre.call("source.show", tenant="riverbend", source="north/desk")
    own = site.call("source.show", source="desk")
    assert shown["namespace"] == "north/desk"
    for name in ("accepted", "duplicates", "rejected", "last_seq", "generation", "first_at", "last_at"):
        assert shown[name] == own[name], name
    row = site_of(centre, "north")
    assert row["state"] == "taken" and row["events"] > 100


def test_a_ticket_is_found_by_its_site(tree):
    now = "2024-06-01T00:00:00Z"
    ours = tree.sites["north"].call("ticket.explain", ticket="desk/a3", now=now)
    theirs = tree.centre.call("ticket.explain", tenant="riverbend", ticket="north/desk/a3", now=now)
    assert len(theirs["timeline"]) == len(ours["timeline"]) > 0
    with pytest.raises(Refused):
        tree.centre.call("ticket.explain", tenant="riverbend", ticket="desk/a3", now=now)


def test_a_reset_travels(tree):
    site, centre = tree.sites["north"], tree.centre
    with site.source("phones") as source:
        source.send(tickets("p", 10))
        tree.wait()
        before = centre.value("tickets_created")
        site.call("source.reset", source="phones")
        tree.wait()
        assert centre.value("tickets_created") == before - 10 == site.value("tickets_created")
        source.hello("phones")
        source.send(tickets("p", 5))
    tree.wait()
    assert centre.value("tickets_created") == before - 5
    assert centre.call("source.show", tenant="riverbend", source="north/phones")["generation"] == 2
    with pytest.raises(Refused) as caught:  # or what the site says from then on would be from before it
        centre.call("source.reset", tenant="riverbend", source="north/phones")
    assert caught.value.code == "of_a_site"


def test_both_ends_restart(tree):
    site, centre = tree.sites["north"], tree.centre
    with site.source("restarts") as source:
        source.send(tickets("r", 20))
    site.kill()
    site.start()
    centre.kill()
    centre.start()
    with site.source("restarts-too") as source:
        source.send(tickets("s", 20))
    tree.wait()
    assert centre.value("tickets_created") == site.value("tickets_created")
    centre.restart()
    site.restart()
    tree.wait()
    assert answers(site) == answers(centre)


def test_two_sites_share_no_ticket(tree):
    """The same source, the same ids: two tickets."""
    south, centre = tree.add("south"), tree.centre
    before = centre.value("tickets_created")
    with south.source("desk") as source:
        source.send(tickets("a", 30, vendor="acme"))
    tree.wait()
    assert centre.value("tickets_created") == before + 30
    with centre.source("desk", name="own") as source:
        source.send(tickets("a", 10))
    assert centre.value("tickets_created") == before + 40
    names = {row["source"] for row in centre.call("source.list", tenant="riverbend")}
    assert {"desk", "north/desk", "south/desk"} <= names
    assert centre.call("source.show", tenant="riverbend", source="north/desk")["accepted"] == \
        tree.sites["north"].call("source.show", source="desk")["accepted"]


def test_who_was_not_granted_is_told(tree):
    east = tree.add("east", granted=False)
    with east.source("desk") as source:
        source.send(tickets("e", 3))
    wait_for(lambda: forwarding(east)["state"] == "connecting")
    assert not any(row["site"] == "east/" for row in tree.centre.call("status")["sites"])
    tree.grant("east")
    tree.wait("east")
    assert tree.centre.call("source.show", tenant="riverbend", source="east/desk")["accepted"] == 9
    # another site's name is not for its key
    east.configuration["forward"][0]["site"] = "north"
    east.write()
    east.restart()
    wait_for(lambda: forwarding(east)["state"] == "stopped")
    assert forwarding(east)["code"] == "unknown_source"
    assert any("is not forwarded" in line for line in east.call("status")["warnings"])
    tree.centre.call("key.revoke", name="site-east")
    tree.sites.pop("east").remove()


def test_what_the_centre_refuses_stops_there():
    """A dimension that only the site declares: both ends say so, nothing is skipped, and it goes on when the centre knows it."""
    with Tree() as tree:
        site = tree.add("north", tenants=[{"name": "riverbend", "zone": "UTC", "dimensions": ["ward"]}])
        with site.source("desk") as source:
            source.send(tickets("a", 5))
            tree.wait()
            source.send([created("with-ward", D0, ward="3"), *tickets("b", 5)])
        wait_for(lambda: forwarding(site)["state"] == "stopped")
        assert forwarding(site)["code"] == "undeclared_dimension" and forwarding(site)["lag"] > 0
        row = site_of(tree.centre, "north")
        assert (row["state"], row["code"]) == ("refused", "undeclared_dimension")
        assert any("site north/" in line for line in tree.centre.call("status")["warnings"])
        assert tree.centre.call("audit.list", act="forward.refused")[0]["what"] == {"site": "north/", "code": "undeclared_dimension"}
        assert site.call("audit.list", act="forward.stopped")[0]["what"]["code"] == "undeclared_dimension"
        assert tree.centre.value("tickets_created") == 5
        tree.centre.configuration["tenants"][0]["dimensions"] = ["ward"]
        tree.centre.write()
        tree.centre.restart()
        site.restart()  # or a minute's wait
        tree.wait()
        assert tree.centre.value("tickets_created") == 11
        assert tree.centre.query(["tickets_created"], by=["ward"])["rows"] == site.query(["tickets_created"], by=["ward"])["rows"]
        assert site_of(tree.centre, "north")["state"] == "taken"


def test_another_key_is_refused():
    with Tree() as tree:
        site = tree.add("north")
        site.stop()
        shutil.rmtree(os.path.join(site.folder, "data"))
        os.mkdir(os.path.join(site.folder, "data"), mode=0o700)
        os.unlink(os.path.join(site.folder, "keys", "tenant-riverbend.key"))
        site.start()
        with site.source("desk") as source:
            source.send(tickets("a", 2))
        wait_for(lambda: forwarding(site)["state"] == "stopped")
        assert forwarding(site)["code"] == "wrong_key"
        assert tree.centre.value("tickets_created") == 0


def test_a_full_disk_at_the_centre(volume):  # noqa: F811
    """It waits at the site and goes on by itself; nothing is missing or twice."""
    with Tree({"data": str(volume / "data")}) as tree:
        site = tree.add("north")
        with site.source("desk") as source:
            source.send(tickets("a", 20))
            tree.wait()
            filler = fill(volume, 100 * 1024 * 1024)
            source.send(tickets("b", 20))
        wait_for(lambda: forwarding(site)["state"] == "waiting")
        assert forwarding(site)["code"] == "disk_full"
        assert tree.centre.value("tickets_created") == 20
        tree.centre.kill()
        tree.centre.start()
        filler.unlink()
        tree.wait()
        assert tree.centre.value("tickets_created") == 40 == site.value("tickets_created")


def test_a_tree_of_three(tree):
    """The centre is a site of another: names grow in front."""
    with Tree() as above:
        centre = tree.centre
        above.centre.stop()
        shutil.rmtree(os.path.join(above.centre.folder, "data"))
        os.mkdir(os.path.join(above.centre.folder, "data"), mode=0o700)
        shutil.copy(os.path.join(centre.folder, "keys", "tenant-riverbend.key"), os.path.join(above.centre.folder, "keys"))
        above.centre.start()
        centre.configuration["forward"] = [{"tenant": "riverbend", "to": above.centre.endpoint, "site": "region",
                                            "server_key": above.centre.server_key()}]
        centre.write()
        centre.restart()
        above.sites["region"] = centre
        try:
            above.grant("region")
            above.wait()
            assert above.centre.value("tickets_created") == centre.value("tickets_created")
            assert above.centre.call("source.show", tenant="riverbend", source="region/north/desk")["accepted"] > 0
        finally:
            above.sites.clear()
            centre.configuration["forward"] = []
            centre.write()
            centre.restart()
        assert centre.call("status")["forwarding"] == []


def test_a_reload_begins_and_ends_it(tree):
    """And what is kept for it goes with it: begun again, it begins from the beginning, which changes nothing."""
    site = tree.add("west")
    with site.source("desk") as source:
        source.send(tickets("w", 10))
    tree.wait("west")
    accepted = tree.centre.call("source.show", tenant="riverbend", source="west/desk")["accepted"]
    given, site.configuration["forward"] = site.configuration["forward"], []
    reload(site)
    wait_for(lambda: site.call("status")["forwarding"] == [])
    with site.source("more") as source:
        source.send(tickets("m", 10))
    before = tree.centre.value("tickets_created")
    site.configuration["forward"] = given
    reload(site)
    wait_for(lambda: site.call("status")["forwarding"])
    tree.wait("west")
    assert tree.centre.value("tickets_created") == before + 10
    assert tree.centre.call("source.show", tenant="riverbend", source="west/desk")["accepted"] == accepted


def reload(collector):
    collector.write()
    collector.process.send_signal(signal.SIGHUP)


def test_wrong_configurations_are_told(make_collector):
    collector = make_collector()
    right = {"tenant": "riverbend", "to": "tcp://127.0.0.1:7780", "server_key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "site": "north"}
    for more, said in (({"to": "ipc:///x"}, "tcp://ADDRESS:PORT"), ({"server_key": "short"}, "Z85"), ({"site": "n" * 40}, "32 bytes"),
                       ({"site": "Not A Name"}, "site"), ({"hold": "1s"}, "hold"), ({"sight": "north"}, "unknown key")):
        collector.configuration["forward"] = [{**right, **more}]
        collector.write()
        done = subprocess.run([built("tendond"), "--check", "--config", collector.config_path], capture_output=True, text=True,
                              check=False)
        assert done.returncode != 0 and said in done.stdout + done.stderr, (more, done)
    collector.configuration["forward"] = [right, right]
    collector.write()
    done = subprocess.run([built("tendond"), "--check", "--config", collector.config_path], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "twice" in done.stdout + done.stderr
