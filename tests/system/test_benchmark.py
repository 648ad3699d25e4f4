"""The benchmark across tenants: who may do what, what a frozen month says and does not say, and an attacker that reads all
of it."""
import collections
import csv
import datetime
import os
import random
import sys

import pytest

from collector import TOP, Collector
from events import DAY, HOUR, created, message, status
from tendon_client import Refused, new_keys

sys.path.insert(0, os.path.join(TOP, "tests"))
from model.attacker import Attacker  # noqa: E402

MONTHS = [f"2024-{m:02}" for m in range(1, 13)]
VENDORS = ["acme", "globex", "initech", "umbrella"]
CHANNELS = ["phone", "email", "web", "chat", "portal", "remote", "onsite", "api"]
TENANTS = [f"net{i}" for i in range(4)]
CUBES = [("solved-vendor", "tickets_solved", "vendor"), ("solved-channel", "tickets_solved", "channel"),
         ("reopens-vendor", "reopen_rate", "vendor"), ("p50-vendor", "full_resolution_time.p50", "vendor"),
         ("avg-channel", "full_resolution_time", "channel")]
# of the same tickets; and of each at least one solve
SAME = [("full_resolution_time.p50", "tickets_solved"), ("full_resolution_time", "tickets_solved")]
WITHIN = [("tickets_solved", "reopen_rate")]
FAILED, USAGE = 1, 2


def start_of(month):
    year, number = map(int, month.split("-"))
    return int(datetime.datetime(year, number, 1, tzinfo=datetime.timezone.utc).timestamp() * 1000)


def month_of(chance, month, tickets):
    """Events of some tickets that are solved in a month; each with a site, so that organisations differ."""
    events = []
    for n in range(tickets):
        vendor = chance.choices(VENDORS, (60, 30, 8, 2 if month > "2024-06" else 8))[0]
        ticket = f"{month} {n}"
        at = start_of(month) + chance.randrange(24) * DAY + chance.randrange(20) * HOUR
        events += [created(ticket, at, vendor=vendor, channel=chance.choices(CHANNELS, (9, 9, 9, 3, 1, 1, 0, 0))[0],
                           site=f"site {chance.randrange(4)}"),
                   message(ticket, "out", at + HOUR // 2), status(ticket, "solved", at + chance.randrange(1, 200) * 60000)]
        if chance.random() < (0.3 if vendor in VENDORS[:3] else 0.1):
            events += [status(ticket, "open", at + DAY), status(ticket, "solved", at + DAY + HOUR)]
    return events


def add_times(took, month, events):
    """How long each ticket took until its last solve, in ms, by month and vendor."""
    opened = {e["ticket"]: e for e in events if e["type"] == "ticket.created"}
    solved = {e["ticket"]: e["at"] for e in events if e.get("to") == "solved"}
    for ticket, at in solved.items():
        took[month, opened[ticket]["vendor"]].append(at - opened[ticket]["at"])


def admin_of(running, tenant):
    keys = new_keys()
    running.call("key.grant", public_key=keys[0].decode(), name=f"{tenant}-admin", role="admin", tenant=tenant)
    return running.connect(keys)


@pytest.fixture(scope="module")
def running():
    chance, took = random.Random(4), collections.defaultdict(list)
    with Collector(listen=True, tenants=[{"name": t, "zone": "America/Chicago"} for t in [*TENANTS, "stranger"]]) as collector:
        for i, tenant in enumerate([*TENANTS, "stranger"]):
            sites = [{"key": f"site {s}", "country": "US", "org": f"org {i}{s}"} for s in range(3)]  # the fourth has none
            collector.call("reference.import", tenant=tenant, table="site", rows=sites)
            with collector.source("desk", tenant) as source:
                for month in MONTHS:
                    events = month_of(chance, month, 120)
                    source.send(events)
                    if tenant != "stranger":
                        add_times(took, month, events)
        collector.took = took
        collector.admins = {tenant: admin_of(collector, tenant) for tenant in TENANTS}
        for admin in collector.admins.values():
            assert admin.call("benchmark.consent")["consented_at"]
        for name, metric, by in CUBES:
            more = {"groups": VENDORS} if by == "vendor" else {}
            collector.call("benchmark.define", cube=name, metric=metric, by=by, **more)
        collector.summaries = {month: collector.call("benchmark.freeze", month=month) for month in MONTHS}
        keys = new_keys()
        collector.call("key.grant", public_key=keys[0].decode(), name="reads-cubes", role="benchmark")
        collector.reader = collector.connect(keys)
        collector.reader_keys = keys
        yield collector
        collector.reader.close()
        for admin in collector.admins.values():
            admin.close()


def truth(running, metric, by, month, groups):
    """n, x and the shares of organisations by group, asked tenant by tenant as the operator."""
    until = MONTHS[MONTHS.index(month) + 1] + "-01" if month != MONTHS[-1] else "2025-01-01"
    counts = {g: [0, 0.0, {}] for g in groups}
    for tenant in TENANTS:
        for row in running.query(metric, by=f"{by},org", since=f"{month}-01", until=until, tz="UTC", tenant=tenant)["rows"]:
            n = row[f"{metric}.n"]
            if row[by] not in counts or not n:
                continue
            cell, organisation = counts[row[by]], row["org"] or f"tenant {tenant}"
            cell[0] += n
            cell[1] += (row[metric] or 0) * n
            cell[2][organisation] = cell[2].get(organisation, 0) + n
    return counts


def rows_of(answer, by):
    found = {}
    for row in answer["rows"]:
        found.setdefault(row["period"][:7], {})[row[by]] = row
    return found


@pytest.mark.parametrize("name,metric,by", CUBES)
def test_what_is_published_is_right_and_what_is_small_is_not(running, name, metric, by):
    answer = running.reader.call("benchmark.show", cube=name)
    shown = rows_of(answer, by)
    assert list(shown) == MONTHS
    seen = 0
    for month in MONTHS[::5]:
        for group, (n, x, organisations) in truth(running, metric, by, month, shown[month]).items():
            row = shown[month][group]
            small = n <= 10 or len(organisations) < 5 or sum(sorted(organisations.values())[-2:]) > 0.85 * n
            if metric == "reopen_rate":
                small |= 1 <= round(x) <= 10 or 1 <= n - round(x) <= 10
            if row["state"] == "dropped":
                assert {row[key] for key in row if key.startswith(metric)} == {None} and row["organisations"] is None
                continue
            seen += 1
            assert not small, (month, group, n, x, organisations)
            assert row[f"{metric}.n"] == n and row["organisations"] == len(organisations)
            if metric == "tickets_solved":
                assert row[metric] == n
            elif not metric.endswith(".p50"):
                assert row[metric] == pytest.approx(x / n, abs=0.001)
    assert seen > 0, "all was dropped: the test shows nothing"


def test_a_percentile_is_exact_over_all_tenants(running):
    shown = rows_of(running.reader.call("benchmark.show", cube="p50-vendor"), "vendor")
    seen = 0
    for month, rows in shown.items():
        for vendor, row in rows.items():
            took = sorted(running.took[month, vendor])
            if row["state"] == "published":
                seen += 1
                assert row["full_resolution_time.p50.n"] == len(took)
                assert row["full_resolution_time.p50"] * 1000 == took[-(-len(took) // 2) - 1]
    assert seen > 10


def published_cubes(running):
    cubes = []
    for row in running.reader.call("benchmark.list"):
        answer = running.reader.call("benchmark.show", cube=row["cube"])
        key, by = answer["metrics"][0], answer["by"][0]
        share = any(column["kind"] == "ratio" for column in answer["columns"])
        for month, groups in rows_of(answer, by).items():
            figures = {}
            for group, shown in groups.items():
                n = shown[f"{key}.n"]
                figures[group] = None if n is None else (n, round(shown[key] * n)) if share else n
            cubes.append({"metric": key, "dimension": by, "period": month, "share": share, "groups": figures})
    return cubes


def test_an_attacker_finds_nothing(running):
    cubes = published_cubes(running)
    assert len(cubes) == len(CUBES) * len(MONTHS)
    dropped = [(c["metric"], c["dimension"], g) for c in cubes for g, f in c["groups"].items() if f is None]
    published = sum(f is not None for c in cubes for f in c["groups"].values())
    assert published > 60 and len({d[1] for d in dropped}) == 2
    assert Attacker(cubes, SAME, WITHIN).finds() == []


def test_it_would_find_what_is_not_dropped_whole(running):
    """The same cubes, with one more group published: the attack works on real figures, too."""
    cubes = published_cubes(running)
    found = 0
    for cube in cubes:
        missing = [g for g, f in cube["groups"].items() if f is None]
        if cube["metric"] != "tickets_solved" or cube["dimension"] != "vendor" or len(missing) < 2:
            continue
        counts = truth(running, "tickets_solved", "vendor", cube["period"], VENDORS)
        leaky = {**cube, "groups": {g: f if g == missing[0] else counts[g][0] for g, f in cube["groups"].items()}}
        channels = truth(running, "tickets_solved", "channel", cube["period"], CHANNELS)
        whole = {**cube, "dimension": "channel", "groups": {g: c[0] for g, c in channels.items()}}
        bounds = Attacker([leaky, whole]).bounds("n", leaky, missing[0])
        assert bounds == (counts[missing[0]][0],) * 2
        found += 1
        break
    assert found


def test_a_reader_is_not_told_why_and_the_operator_is(running):
    mine = running.reader.call("benchmark.show", cube="solved-vendor")
    theirs = running.call("benchmark.show", cube="solved-vendor")
    assert all("reason" not in row for row in mine["rows"]) and "10" in mine["meta"]["why"]
    reasons = {row["reason"] for row in theirs["rows"] if row["state"] == "dropped"}
    assert reasons and reasons <= {"small_cell", "small_numerator", "small_complement", "small_tenant", "few_organisations",
                                   "dominated", "whole", "partner"}
    assert [{k: v for k, v in row.items() if k != "reason"} for row in theirs["rows"]] == mine["rows"]
    named = {(d["month"], g) for d in mine["meta"]["dropped"] for g in d["groups"]}
    assert named == {(row["period"][:7], row["vendor"]) for row in mine["rows"] if row["state"] == "dropped"}
    for answer in (mine, running.reader.call("benchmark.list")):
        assert not any(tenant in str(answer) for tenant in [*TENANTS, "stranger"])
    # one that nobody has and one that few have look alike
    channels = running.reader.call("benchmark.show", cube="solved-channel", month="2024-01")["rows"]
    gone = {row["channel"]: row for row in channels if row["state"] == "dropped"}
    assert {k: v for k, v in gone["api"].items() if k != "channel"} == {k: v for k, v in gone["onsite"].items() if k != "channel"}


def test_who_did_not_consent_is_not_in_it(running):
    assert all(summary["tenants"] == len(TENANTS) for summary in running.summaries.values())
    shown = {row["tenant"]: row["consented_at"] for row in running.call("tenant.list")}
    assert not shown["stranger"] and all(shown[tenant] for tenant in TENANTS)


def test_the_rest_is_refused(running):
    for method, params in (("benchmark.define", {"cube": "x", "metric": "csat", "by": "channel"}),
                           ("benchmark.freeze", {"month": "2023-12"}), ("benchmark.undefine", {"cube": "p50-vendor"}),
                           ("benchmark.consent", {"tenant": "net0"}), ("benchmark.withdraw", {"tenant": "net0"})):
        with pytest.raises(Refused) as caught:
            running.reader.call(method, **params)
        assert caught.value.code == "not_granted"
        if method not in ("benchmark.consent", "benchmark.withdraw"):
            with pytest.raises(Refused) as caught:
                running.admins["net0"].call(method, **params)
            assert caught.value.code == "not_granted"
    with pytest.raises(Refused) as caught:
        running.reader.query("tickets_created", tenant="net0")
    assert caught.value.code == "not_granted"
    with pytest.raises(Refused) as caught:  # consent is the tenant's own
        running.call("benchmark.consent", tenant="stranger")
    assert caught.value.code == "not_granted" and "admin" in caught.value.hint
    with pytest.raises(Refused) as caught:
        running.admins["net0"].call("benchmark.consent", tenant="net1")
    assert caught.value.code == "not_granted"


def refused(running, method, **params):
    with pytest.raises(Refused) as caught:
        running.call(method, **params)
    return caught.value


@pytest.mark.parametrize("metric,by,groups,code", [
    ("backlog", "channel", None, "not_a_cube"), ("backlog_age", "channel", None, "not_a_cube"),
    ("outsourced_share", "channel", None, "not_a_cube"), ("offshore_share", "vendor", VENDORS, "not_a_cube"),
    ("handoffs", "channel", None, "not_a_cube"), ("nps", "channel", None, "not_a_cube"),
    ("survey_share", "channel", None, "bad_option"), ("instrument_score", "channel", None, "not_a_cube"),
    ("queue_time.max", "channel", None, "not_a_cube"), ("queue_time.sum", "channel", None, "not_a_cube"),
    ("tickets_solved", "site", ["a", "b"], "not_a_cube"), ("tickets_solved", "org", ["a", "b"], "not_a_cube"),
    ("tickets_solved", "product", ["a", "b"], "not_a_cube"),  # a vendor's products are parts of it
    ("tickets_created", "vendor", ["acme", "globex"], "not_a_cube"),  # other groups than the cubes by vendor that there are
    ("tickets_created", "vendor", ["acme"], "not_a_cube"), ("tickets_created", "state", None, "bad_param"),
    ("tickets_created", "state", ["TX", "jane@example.org"], "bad_param"), ("tickets_created", "channel", ["fax", "web"], "bad_param"),
    ("tickets_solved", "channel", None, "cube_exists"), ("tickets_sloved", "channel", None, "unknown_metric"),
    ("tickets_created", "vendro", ["a", "b"], "not_a_cube")])
def test_what_would_tell_too_much_cannot_be_declared(running, metric, by, groups, code):
    before = running.call("benchmark.list")
    error = refused(running, "benchmark.define", cube="wrong", metric=metric, by=by, **({"groups": groups} if groups else {}))
    assert error.code == code and "jane" not in str(error), error
    assert running.call("benchmark.list") == before


def test_a_frozen_month_stays_as_it_is(running):
    before = {name: running.reader.call("benchmark.show", cube=name, month="2024-05") for name, _, _ in CUBES}
    assert refused(running, "benchmark.freeze", month="2024-05").code == "frozen"
    with running.source("late", "net0") as source:  # what comes later
        source.send(month_of(random.Random(9), "2024-05", 50))
    running.call("benchmark.define", cube="created-vendor", metric="tickets_created", by="vendor", groups=VENDORS)
    assert refused(running, "benchmark.show", cube="created-vendor").code == "unknown_cube"
    assert "created-vendor" not in {row["cube"] for row in running.reader.call("benchmark.list")}
    assert running.call("benchmark.undefine", cube="created-vendor")["ended_at"]
    assert "created-vendor" not in {row["cube"] for row in running.call("benchmark.list")}
    running.call("benchmark.undefine", cube="avg-channel")
    assert refused(running, "benchmark.define", cube="avg-channel", metric="csat", by="channel").code == "cube_exists"
    running.kill()
    running.start()
    assert {name: running.reader.call("benchmark.show", cube=name, month="2024-05") for name, _, _ in CUBES} == before


def test_what_was_answered_is_on_disk(running):
    for month in ("2023-01", "2023-02"):
        summary = running.call("benchmark.freeze", month=month)
        running.kill()
        running.start()
        assert refused(running, "benchmark.freeze", month=month).code == "frozen"
        shown = running.reader.call("benchmark.show", cube="solved-vendor", month=month)
        dropped = sum(row["state"] == "dropped" for row in shown["rows"])
        assert [dropped] == [row["dropped"] for row in summary["cubes"] if row["cube"] == "solved-vendor"]


def test_months_that_cannot_be_frozen(running):
    now = datetime.datetime.now(datetime.timezone.utc)
    for month in (f"{now.year}-{now.month:02}", "9999-01", "2024-13", "2024-1", "24-01", "1969-12", "2024-00", "2024/01"):
        assert refused(running, "benchmark.freeze", month=month).code == "bad_param"
    assert refused(running, "benchmark.show", cube="solved-vendor", month="2020-01").code == "not_frozen"
    assert "solved-vendor" in refused(running, "benchmark.show", cube="solved-vendro").hint


def test_consent_ends_with_the_next_month(running):
    assert running.admins["net3"].call("benchmark.withdraw")["consented_at"] is None
    assert running.call("benchmark.withdraw", tenant="net2")["consented_at"] is None  # for a tenant, the safe way only
    assert running.call("benchmark.freeze", month="2025-01")["tenants"] == 2
    acts = running.call("audit.list", chain="acts", limit=1000)
    kinds = {act: [e for e in acts if e["act"] == act] for act in
             ("benchmark.consent", "benchmark.withdraw", "benchmark.define", "benchmark.freeze", "benchmark.undefine")}
    assert all(kinds.values()) and kinds["benchmark.consent"][0]["who"].endswith("-admin")
    assert kinds["benchmark.withdraw"][0]["tenant"] == "net2"
    assert all(e["outcome"] == "done" for act in kinds.values() for e in act)
    asked = [e for e in running.call("audit.list", chain="usage", limit=1000) if e["act"] == "benchmark.show"]
    assert {e["who"] for e in asked} >= {"reads-cubes"}
    assert {entry["act"] for entry in running.admins["net0"].call("audit.list", chain="acts")} >= {"benchmark.consent"}


def test_a_tenant_that_is_made_anew_has_not_consented(running):
    running.call("tenant.add", tenant="short")
    with admin_of(running, "short") as admin:
        admin.call("benchmark.consent")
    running.restart()
    shown = {row["tenant"]: row["consented_at"] for row in running.call("tenant.list")}
    assert shown["short"] and shown["net0"] and not shown["net3"]
    running.call("tenant.remove", tenant="short")
    running.call("tenant.add", tenant="short")
    assert not {row["tenant"]: row["consented_at"] for row in running.call("tenant.list")}["short"]


# --- the command line

def key_file(running, path, keys):
    path.write_text(f'metadata\ncurve\n    public-key = "{keys[0].decode()}"\n    secret-key = "{keys[1].decode()}"\n')
    path.chmod(0o600)
    return {"TENDON_CONNECT": running.endpoint, "TENDON_KEY_FILE": str(path), "TENDON_SERVER_KEY": running.server_key()}


def test_the_operator_by_the_command_line(running):
    made = running.cli_json("benchmark", "define", "cli", "full_resolution_time.p50", "--by", "support_region")
    assert made["groups"] == ["domestic", "nearshore", "offshore"] and made["months"] == 0
    assert running.cli("benchmark", "define", "cli-2", "tickets_created", status=USAGE).err
    said = running.cli("benchmark", "define", "cli-2", "tickets_created", "--by", "vendor", "--group", "acme", "--group", "x y",
                       status=FAILED).err
    assert "same groups" in said and "-vendor" in said
    summary = running.cli_json("benchmark", "freeze", "2025-02")
    assert {row["cube"] for row in summary["cubes"]} >= {"cli", "solved-vendor"}
    assert all(row["published"] + row["dropped"] == row["groups"] for row in summary["cubes"])
    out = running.cli("benchmark", "freeze", "2025-03", "-o", "table").out
    assert "small_cell" in out and "solved-vendor" in out
    assert "frozen already" in running.cli("benchmark", "freeze", "2025-03", status=FAILED).err
    out = running.cli("benchmark", "show", "solved-vendor", "--month", "2024-03", "-o", "table").out
    assert "acme" in out and "Why" in out and "2024-03: " in out and "reason" in out
    listed = running.cli("benchmark", "list", "-o", "table").out
    assert "solved-vendor" in listed and "2024-01" in listed
    assert running.cli_json("benchmark", "undefine", "cli")["ended_at"]
    assert "did you mean" in running.cli("benchmark", "show", "solved-vendro", status=FAILED).err


def test_readers_and_admins_by_the_command_line(running, tmp_path):
    environment = key_file(running, tmp_path / "reader.key", running.reader_keys)
    rows = list(csv.DictReader(running.cli("benchmark", "show", "reopens-vendor", "--month", "2024-03", "-o", "csv",
                                           environment=environment).out.splitlines()))
    assert [row["vendor"] for row in rows] == VENDORS
    assert list(rows[0]) == ["period", "vendor", "reopen_rate", "reopen_rate.low", "reopen_rate.high", "reopen_rate.n",
                             "organisations", "state"]
    assert {row["state"] for row in rows} == {"published", "dropped"}
    assert all((row["reopen_rate.n"] == "") == (row["state"] == "dropped") for row in rows)
    assert "small_cell" not in running.cli("benchmark", "show", "reopens-vendor", "-o", "table", environment=environment).out
    assert running.cli("benchmark", "show", "cli", "--fail-empty", "-o", "json", environment=environment, status=4)
    assert running.cli("query", "tickets_created", "--tenant", "net0", environment=environment, status=FAILED)
    keys = new_keys()
    running.call("key.grant", public_key=keys[0].decode(), name="net2-cli", role="admin", tenant="net2")
    environment = key_file(running, tmp_path / "admin.key", keys)
    assert "net2" in running.cli("benchmark", "consent", "-o", "table", environment=environment).out
    assert running.call("tenant.show", tenant="net2")["consented_at"]
    running.cli("benchmark", "withdraw", environment=environment)
    assert not running.call("tenant.show", tenant="net2")["consented_at"]
