"""Roles over the network: what a reader, an admin, an operator's key and the others may, and what a reader that is
narrowed to sites gets to see."""
import csv
import os

import pytest

from collector import Collector
from events import D0, HOUR, created, event, solved_ticket
from tendon_client import Nacked, Refused, new_keys

TENANTS = [{"name": "riverbend"}, {"name": "lakeside"}]
METRICS = ("tickets_created", "tickets_solved", "full_resolution_time.p50", "first_response_time", "reopen_rate",
           "backlog")


@pytest.fixture(scope="module")
def running():
    with Collector(listen=True, tenants=TENANTS) as collector:
        with collector.source("desk") as source:
            for n in range(12):
                site = ("north", "south", "O'Hara", "annex")[n % 4]
                source.send(solved_ticket(f"t{n}", D0 + n * HOUR, 600 * (n + 1), vendor="acme", site=site))
        with collector.source("desk", "lakeside") as source:
            source.send(solved_ticket("l1", D0, 60, vendor="zenith", site="north"))
        collector.operator_ = collector.ask()
        yield collector


def as_role(running, role, name, tenant="riverbend", **more):
    keys = new_keys()
    if role in ("benchmark", "operator"):
        tenant = None
    running.call("key.grant", public_key=keys[0].decode(), name=name, role=role, **more,
                 **({"tenant": tenant} if tenant else {}))
    return running.connect(keys)


def is_not_granted(what, *arguments, **more):
    with pytest.raises((Refused, Nacked)) as caught:
        what(*arguments, **more)
    return caught.value.code == "not_granted"


def test_a_reader_asks_its_tenant_and_nothing_else(running):
    with as_role(running, "reader", "reads") as reader:
        answer = reader.query(METRICS)
        assert answer["rows"] == running.query(METRICS, tenant="riverbend")["rows"]
        assert reader.call("metric.list") and reader.call("metric.explain", query={"metrics": ["reopen_rate"]})
        assert reader.call("ticket.explain", ticket="t1")["namespace"] == "desk"
        assert is_not_granted(reader.query, METRICS, tenant="lakeside")
        assert is_not_granted(reader.call, "tenant.list") and is_not_granted(reader.call, "key.list")
        assert is_not_granted(reader.hello, "desk")


def test_a_revoked_reader_s_next_question_is_refused(running):
    with as_role(running, "reader", "short-lived") as reader:
        assert reader.query("tickets_created")["rows"]
        running.call("key.revoke", name="short-lived")
        assert is_not_granted(reader.query, "tickets_created")
        assert is_not_granted(reader.call, "metric.list")


def test_a_rotated_key_goes_on_where_the_old_one_was(running):
    old, new = running.grant("rotating", "riverbend", name="rotating"), new_keys()
    with running.connect(old) as client:
        client.hello("rotating")
        client.batch(solved_ticket("rot1", D0, 60, vendor="rotated"))
        shown = running.call("key.rotate", name="rotating", new_public_key=new[0].decode())
        assert shown["source"] == "rotating" and shown["public_key"] == new[0].decode()
        with pytest.raises(Nacked) as caught:
            client.batch(solved_ticket("rot2", D0, 60, vendor="rotated"))
        assert caught.value.code == "not_granted"
    with running.connect(new) as client:
        assert client.hello("rotating")["last_seq"] == 1
        client.batch(solved_ticket("rot2", D0, 60, vendor="rotated"))
    assert running.value("tickets_created", tenant="riverbend", where="vendor=rotated") == 2
    with pytest.raises(Refused):
        running.call("key.rotate", name="rotating", new_public_key=new[0].decode())


# --- narrowed to sites

REACHING = ("site=south", "site=south) or (site=south", "vendor=acme or site=south", "not (site=north)", "site is null",
            "site!=north", "')", "vendor=acme) -- ", "site in (south, annex) or not vendor=zenith")


@pytest.fixture(scope="module")
def narrowed(running):
    with as_role(running, "reader", "narrow", sites=["north", "O'Hara"]) as reader:
        yield reader


def test_a_narrowed_reader_sees_its_sites(running, narrowed):
    where = "site in (north, \"O'Hara\")"
    assert narrowed.query(METRICS)["rows"] == running.query(METRICS, where=where, tenant="riverbend")["rows"]
    by_site = narrowed.query(METRICS, by="site", every="1d")["rows"]
    assert by_site == running.query(METRICS, by="site", every="1d", where=where, tenant="riverbend")["rows"]
    assert {row["site"] for row in by_site} == {"north", "O'Hara"}
    assert narrowed.query("tickets_created", where="site=north")["rows"][0]["tickets_created"] == 3


@pytest.mark.parametrize("where", REACHING)
def test_no_condition_reaches_beyond(narrowed, where):
    for more in ({}, {"dims": "current"}, {"unit": "site"}):
        metrics = "reopen_rate" if "unit" in more else "tickets_created"
        try:
            answer = narrowed.query(metrics, by="site", where=where, **more)
        except Refused as refused:
            assert refused.code in ("bad_expression", "bad_option", "unknown_dimension"), refused
        else:
            assert {row["site"] for row in answer["rows"]} <= {"north", "O'Hara"}


def test_an_answer_of_sites_says_nothing_of_the_tenant(narrowed):
    meta = narrowed.query("tickets_created", since="1d")["meta"]
    assert set(meta) <= {"tenant", "zone", "now", "period", "definitions", "warnings", "calendar_rule"}
    assert meta["warnings"] == []


def test_a_narrowed_reader_explains_its_tickets(running, narrowed):
    """One that was at one of its sites, and never at another; each other is to it as one that nobody sent."""
    with running.source("moves", "riverbend", name="moves") as source:
        source.send([created("stays", D0), event("ticket.updated", "stays", D0 + HOUR, site="north"),
                     event("ticket.updated", "stays", D0 + 2 * HOUR, site=None),
                     created("comes", D0, site="south"), event("ticket.updated", "comes", D0 + HOUR, site="north"),
                     created("leaves", D0, site="north"), event("ticket.updated", "leaves", D0 + HOUR, site="annex"),
                     created("nowhere", D0), created("t0", D0, site="south"), created("t1", D0, site="north")])
    whole = running.call("ticket.explain", tenant="riverbend", ticket="stays", now="2024-06-01")
    mine = narrowed.call("ticket.explain", ticket="stays", now="2024-06-01")
    assert set(whole) - set(mine) == {"ticket", "as_of"} and all(mine[key] == whole[key] for key in mine)
    number = whole["ticket"]

    def answer(ticket):
        with pytest.raises(Refused) as caught:
            narrowed.call("ticket.explain", ticket=ticket)
        return caught.value.code, caught.value.message, caught.value.hint
    unknown = answer("nobody-sent-this")
    assert unknown[0] == "unknown_ticket"
    for ticket in ("comes", "leaves", "nowhere", "moves/comes", "desk/t1", "moves/t0", "other/stays", number, "#0"):
        assert answer(ticket) == unknown, ticket
    # of two tickets of one name the one that may be seen is the only one there is; the operator has to say which
    assert narrowed.call("ticket.explain", ticket="t0")["namespace"] == "desk"
    assert narrowed.call("ticket.explain", ticket="t1")["namespace"] == "moves"
    with pytest.raises(Refused) as caught:
        running.call("ticket.explain", tenant="riverbend", ticket="t1")
    assert caught.value.code == "ambiguous_ticket"


def test_a_narrowed_reader_gets_no_lists_of_tickets(narrowed):
    assert is_not_granted(narrowed.call, "metric.explain", query={"metrics": ["reopen_rate"]})


def test_a_narrowed_reader_s_answers_can_be_printed(running):
    public, secret = new_keys()
    running.call("key.grant", public_key=public.decode(), name="prints", role="reader", tenant="riverbend",
                 sites=["south"])
    path = f"{running.folder}/prints.key"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'metadata\ncurve\n    public-key = "{public.decode()}"\n    secret-key = "{secret.decode()}"\n')
    os.chmod(path, 0o600)
    out = running.cli("query", "tickets_created", "--by", "site", "-o", "table", environment={
        "TENDON_CONNECT": running.endpoint, "TENDON_KEY_FILE": path, "TENDON_SERVER_KEY": running.server_key()}).out
    assert "south" in out and "north" not in out


# --- admins

def test_an_admin_keeps_its_tenant_s_keys(running):
    with as_role(running, "admin", "lake-admin", "lakeside") as admin:
        public = new_keys()[0].decode()
        assert admin.call("key.grant", public_key=public, name="lake-phones", role="source", source="phones")["tenant"] == \
            "lakeside"
        assert {row["tenant"] for row in admin.call("key.list")} == {"lakeside"}
        for role in ("operator", "forwarder", "benchmark"):
            assert is_not_granted(admin.call, "key.grant", public_key=new_keys()[0].decode(), name="up", role=role)
        assert is_not_granted(admin.call, "key.grant", public_key=new_keys()[0].decode(), name="up", role="reader",
                              tenant="riverbend")
        running.grant("theirs", "riverbend", name="theirs")
        for method, more in (("key.revoke", {}), ("key.rotate", {"new_public_key": new_keys()[0].decode()})):
            with pytest.raises(Refused) as caught:
                admin.call(method, name="theirs", **more)
            assert caught.value.code == "unknown_key"
            with pytest.raises(Refused) as caught:
                admin.call(method, name="theris", **more)
            assert "theirs" not in caught.value.hint
        assert admin.call("key.rotate", name="lake-phones", new_public_key=new_keys()[0].decode())
        assert admin.call("key.revoke", name="lake-phones")["source"] == "phones"
        assert is_not_granted(admin.query, "tickets_created")
        assert {row["tenant"] for row in admin.call("audit.list")} == {"lakeside"}
        assert is_not_granted(admin.call, "audit.export")


def test_an_admin_imports_a_large_table_over_the_network(running, tmp_path):
    public, secret = new_keys()
    running.call("key.grant", public_key=public.decode(), name="imports", role="admin", tenant="lakeside")
    key, table = tmp_path / "admin.key", tmp_path / "sites.csv"
    key.write_text(f'metadata\ncurve\n    public-key = "{public.decode()}"\n    secret-key = "{secret.decode()}"\n')
    key.chmod(0o600)
    with open(table, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["site", "facility_kind", "beds", "state", "country", "org"])
        rows.writerows([f"site {'x' * 40} {n}", "hospital", n, "TX", "US", f"{'o' * 55} {n % 100}"] for n in range(12000))
    environment = {"TENDON_CONNECT": running.endpoint, "TENDON_KEY_FILE": str(key),
                   "TENDON_SERVER_KEY": running.server_key()}
    assert "12,000" in running.cli("site", "import", str(table), "--key", "site", "-o", "table", environment=environment).out
    assert len(running.call("reference.list", tenant="lakeside", table="site")) == 12000


# --- the others

def test_an_operator_s_key_may_what_the_socket_may(running):
    with as_role(running, "operator", "remote-operator") as operator:
        assert {row["tenant"] for row in operator.call("tenant.list")} == {"riverbend", "lakeside"}
        assert operator.call("status")["pid"] == running.process.pid
        assert operator.query("tickets_created", tenant="lakeside")["rows"][0]["tickets_created"] == 1
        assert operator.call("audit.list")[0]["act"]
        assert is_not_granted(operator.hello, "desk")


@pytest.mark.parametrize("role", ["forwarder", "benchmark"])
def test_a_role_with_one_task_gets_nothing_else(running, role):
    with as_role(running, role, f"a-{role}") as client:
        for what in (lambda: client.query("tickets_created"), lambda: client.call("tenant.show"),
                     lambda: client.call("key.list"), lambda: client.call("status"), lambda: client.batch([created("x")])):
            assert is_not_granted(what)
        with pytest.raises(Nacked) as caught:
            client.hello("desk")
        assert caught.value.code == ("unknown_source" if role == "forwarder" else "not_granted")


def test_a_forwarder_is_one_site(running):
    for more in ({"sites": ["Not A Name"]}, {"sites": ["north", "south"]}, {"sites": ["n" * 33]}, {}):
        with pytest.raises(Refused) as caught:
            running.call("key.grant", public_key=new_keys()[0].decode(), name="no name for a site", role="forwarder",
                         tenant="riverbend", **more)
        assert caught.value.code == "bad_param"
    keys = new_keys()
    assert running.call("key.grant", public_key=keys[0].decode(), name="its-key", role="forwarder", tenant="riverbend",
                        sites=["north"])["source"] == "north/"
    with running.connect(keys) as client:
        assert client.hello("north/")["last_seq"] == 0
        for body in ({}, {"seq": 1, "parcel": b"", "cursor": b""}, {"seq": 1, "parcel": b"x", "cursor": b"y" * 100},
                     {"seq": 0, "parcel": b"x", "cursor": b""}, {"seq": 1, "parcel": "x", "cursor": b""}):
            kind, answer = client.ask("FORWARD", body)[:2]
            assert kind == "NACK" and answer["code"] == "malformed" and answer["final"] is True
        kind, answer = client.ask("FORWARD", {"seq": 2, "parcel": b"x", "cursor": b""})[:2]
        assert kind == "NACK" and answer["code"] == "out_of_order"
        kind, answer = client.ask("FORWARD", {"seq": 1, "parcel": b"\xc1", "cursor": b""})[:2]
        assert kind == "NACK" and answer["code"] == "refused" and answer["final"] is False
        assert answer["message"].startswith("malformed: ") and answer["last_seq"] == 0


def test_what_says_nothing_for_a_role_is_refused(running):
    for role, more in (("reader", {"source": "desk"}), ("admin", {"sites": ["north"]}), ("operator", {"tenant": "lakeside"}),
                       ("source", {"source": "x", "sites": ["north"]}), ("reader", {"types": ["ticket.*"]}),
                       ("reader", {"sites": []}), ("reader", {"sites": ["both'\"quotes"]}), ("reader", {"sites": ["x"] * 33})):
        if role != "operator":
            more = {"tenant": "riverbend", **more}
        with pytest.raises(Refused) as caught:
            running.call("key.grant", public_key=new_keys()[0].decode(), name="wrong", role=role, **more)
        assert caught.value.code == "bad_param"
    with pytest.raises(Refused) as caught:
        running.call("key.grant", public_key=new_keys()[0].decode(), name="wrong", role="raeder")
    assert "reader" in caught.value.hint


def test_keys_by_the_command_line(running):
    public = new_keys()[0].decode()
    running.cli("key", "grant", public, "--role", "reader", "--tenant", "riverbend", "--name", "by-cli", "--site", "north",
                "--site", "Main, east")
    row = next(row for row in running.cli_json("key", "list") if row["name"] == "by-cli")
    assert row["role"] == "reader" and row["sites"] == ["north", "Main, east"]
    rotated = running.cli_json("key", "rotate", "by-cli", new_keys()[0].decode())
    assert rotated["sites"] == ["north", "Main, east"] and rotated["public_key"] != public
    running.restart()
    assert any(row["public_key"] == rotated["public_key"] for row in running.call("key.list"))
    assert not any(row["public_key"] == public for row in running.call("key.list"))
    assert running.cli("key", "grant", public, "--role", "reader", status=2)
    assert running.cli("key", "grant", public, status=2)
