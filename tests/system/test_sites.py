"""Reference data: the hospitals of the real list as sites of a second tenant, and what queries make of them."""
import csv

import pytest

import reference
from collector import Collector
from events import D0, DAY, created, event, solved_ticket

KINDS = {"Acute Care Hospitals": "hospital", "Critical Access Hospitals": "cah", "Psychiatric": "hospital",
         "Childrens": "hospital", "Acute Care - Veterans Administration": "hospital",
         "Acute Care - Department of Defense": "hospital"}


def import_arguments(path, tenant):
    values = [part for old, new in KINDS.items() for part in ("--value", f"type:{old}={new}")]
    return ["site", "import", path, "--key", "ccn", "--map", "type=facility_kind", *values, "--set", "country=US",
            "--tenant", tenant]


@pytest.fixture(scope="module")
def hospitals():
    with open(reference.needed("hospitals.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def running(hospitals):
    """Two tenants; the second has every hospital as a site, and one ticket at each."""
    tenants = [{"name": "first", "zone": "UTC"}, {"name": "second", "zone": "America/Chicago"}]
    with Collector(tenants=tenants, listen=True) as collector:
        collector.imported = collector.cli(*import_arguments(reference.needed("hospitals.csv"), "second"))
        # two desks: a source may bring 4,096 new values of a dimension a day
        for desk, part in (("east", hospitals[:3000]), ("west", hospitals[3000:])):
            with collector.source(desk, "second") as source:
                answer = source.send([created(f"t-{row['ccn']}", D0, site=row["ccn"]) for row in part])
                assert answer["rejected"] == []
        with collector.source("desk", "first", name="first-desk") as source:
            source.send([created(f"t-{row['ccn']}", D0, site=row["ccn"]) for row in hospitals[:10]])
        yield collector


def count(collector, where, **options):
    return collector.query("tickets_created", tenant="second", where=where, **options)["rows"][0]["tickets_created"]


def test_what_was_left_out_is_named(running):
    said = running.imported.out + running.imported.err
    assert "5,381" in said or "5381" in said
    for column in ("name", "city", "ownership"):
        assert column in said


def test_beds_compare_strictly(running, hospitals):
    beds = [int(row["beds"]) for row in hospitals if row["beds"]]
    for limit in (50, 100, 101, 500):
        assert count(running, f"beds>{limit}") == sum(n > limit for n in beds)
        assert count(running, f"beds<={limit}") == sum(n <= limit for n in beds)
    assert count(running, "beds is null") == len(hospitals) - len(beds)


def test_kinds_and_states(running, hospitals):
    for kind in ("hospital", "cah"):
        assert count(running, f"facility_kind={kind}") == sum(KINDS[row["type"]] == kind for row in hospitals)
    wanted = sum(row["state"] in ("TX", "CA") and row["beds"] != "" and int(row["beds"]) > 100 for row in hospitals)
    assert count(running, "state in (TX, CA) and beds>100") == wanted
    rows = running.query("tickets_created", tenant="second", by="state")["rows"]
    found = {row["state"]: row["tickets_created"] for row in rows}
    assert found["TX"] == sum(row["state"] == "TX" for row in hospitals)
    assert sum(found.values()) == len(hospitals)


def test_ccn_keeps_zeros_and_letters(running, hospitals):
    first = hospitals[0]["ccn"]
    assert first.startswith("0")
    assert count(running, f"site='{first}'") == 1 and count(running, f"ccn='{first}'") in (0, 1)
    lettered = next(row["ccn"] for row in hospitals if not row["ccn"].isdigit())
    assert count(running, f"site='{lettered}'") == 1


def test_the_other_tenant_knows_none_of_it(running):
    rows = running.query("tickets_created", tenant="first", by="state")["rows"]
    assert [(row["state"], row["tickets_created"]) for row in rows] == [(None, 10)]


def test_imported_again_changes_nothing(running, hospitals):
    done = running.cli(*import_arguments(reference.needed("hospitals.csv"), "second"))
    said = done.out + done.err
    assert "changed\t0" in said, said


def test_after_a_restart(running, hospitals):
    running.restart()
    assert count(running, "beds>100") == sum(row["beds"] != "" and int(row["beds"]) > 100 for row in hospitals)


# --- without the real list -----------------------------------------------------------------------------------


@pytest.fixture
def small(make_collector):
    return make_collector(listen=True).start()


def test_versions_hold_from_their_day(small, tmp_path):
    """A new version of a site changes the answers about later days only, and nothing is folded again."""
    path = tmp_path / "sites.csv"
    path.write_text("site,beds,country\nH1,90,US\n", encoding="utf-8")
    small.cli("site", "import", str(path), "--key", "site")
    path.write_text("site,beds,country\nH1,150,US\n", encoding="utf-8")
    small.cli("site", "import", str(path), "--key", "site", "--valid-from", "2024-01-10")
    with small.source("desk") as source:
        source.send([created("early", D0, site="H1"), created("late", D0 + 3 * DAY, site="H1")])
    assert small.value("tickets_created", where="beds>100") == 1
    assert small.value("tickets_created", where="beds>100", since="2024-01-10") == 1
    assert small.value("tickets_created", where="beds<=100", until="2024-01-10") == 1


def test_teams_derive_model_and_region(small, tmp_path):
    sites, teams = tmp_path / "sites.csv", tmp_path / "teams.csv"
    sites.write_text("site,country,org\nH1,US,h1\n", encoding="utf-8")
    teams.write_text("team,employer,outsourcer,team_country\nours,h1,,US\nacme,acme,,US\nbpo,bpo,bpo,PH\n", encoding="utf-8")
    small.cli("site", "import", str(sites), "--key", "site")
    small.cli("team", "import", str(teams), "--key", "team")
    with small.source("desk") as source:
        for team in ("ours", "acme", "bpo", "unheard-of"):
            source.send(solved_ticket(f"t-{team}", D0, site="H1", team=team))
    rows = small.query("tickets_solved", by="support_model,support_region")["rows"]
    found = {(row["support_model"], row["support_region"]): row["tickets_solved"] for row in rows}
    assert found == {("own", "domestic"): 1, ("direct", "domestic"): 1, ("outsourced", "offshore"): 1, (None, None): 1}


def test_a_teams_new_employer_refolds(small):
    """Escalation reads a team's employer in the fold: importing another one changes the answer."""
    small.call("reference.import", table="team", rows=[{"key": "A", "employer": "acme"}, {"key": "B", "employer": "acme"}])
    with small.source("desk") as source:
        source.send([created("t", D0, team="A"), event("ticket.assigned", "t", D0 + 1000, team="B", kind="reassign"),
                     event("ticket.status", "t", D0 + 2000, to="solved")])
    assert small.value("escalation_rate") == 0
    small.call("reference.import", table="team", rows=[{"key": "B", "employer": "bpo"}])
    assert small.value("escalation_rate") == 1


@pytest.mark.parametrize("text, said", [
    ("site,beds\nH1,many\n", "2"), ("site,country\nH1,United States\n", "2"), ("site,facility_kind\nH1,castle\n", "2"),
    ("site,beds\nH1,-5\n", "2"), ("place,beds\nH1,5\n", "site"), ("", ""), ("site,beds\nH1,5\nH1,6\n", "3")])
def test_a_file_with_a_fault_changes_nothing(small, tmp_path, text, said):
    path = tmp_path / "sites.csv"
    path.write_text(text, encoding="utf-8")
    done = small.cli("site", "import", str(path), "--key", "site", status=None)
    assert done.status != 0 and said in done.err, done
    assert small.call("reference.list", table="site") == []
