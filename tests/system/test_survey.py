"""The simulator's survey through a collector: as events of the simulator, and as exports that the plugins survey and csv read."""
import csv
import json
import subprocess

import pytest

from collector import Collector, built, wait_for

QUESTIONS = {
    "How satisfied are you with support (1 to 5)?": "satisfaction",
    "Response and quality of work (1 = excellent, 5 = poor)": "response_and_quality",
    "Does outsourced support set vendors apart?": "outsourced_differentiator",
    "Do you prefer the vendor's own staff?": "prefers_direct",
    "Do you prefer support in English from this country?": "prefers_domestic_english",
    "Do you consider outsourcing?": "considers_outsourcing",
    "How much of your support is outsourced now?": "outsourced_now",
    "Will you double what you spend on outsourcing?": "doubles_outsourced_spend",
}
SURVEY_OPTIONS = {
    "rows": "respondent",
    "time_format": ["%Y-%m-%d %H:%M:%S"],
    "columns": {"id": "Response ID", "at": "Submitted", "site": "Facility", "respondent": "Person", "respondent_role": "Role",
                "rater_relation": "Filled in by", "ticket": "Ticket", "vendor": "Vendor", "product": "Product", "team": "Desk"},
    "constants": {"instrument": "site_survey"},
    "sent": "Invited",
    "values": {"rater_relation:Facility": "self", "rater_relation:Reseller": "reseller",
               "rater_relation:Affiliate": "affiliate"},
    "questions": QUESTIONS,
    "scales": {"satisfaction": "1..5", "response_and_quality": "5..1"},
    "answers": {"*:Yes": "yes", "*:No": "no", "outsourced_now:Half or more": "half_or_more",
                "outsourced_now:Less than half": "less"},
}
TICKET_OPTIONS = {
    "rows": "ticket",
    "time_format": ["%Y-%m-%d %H:%M:%S"],
    "columns": {"ticket": "Ticket", "site": "Facility", "vendor": "Vendor", "product": "Product", "channel": "Channel",
                "severity": "Severity", "team": "Desk"},
    "times": {"Opened": "created", "Answered": "responded", "Solved": "solved", "Closed": "closed"},
    "constants": {"direction": "out"},
}
SIMULATOR = {"source": "simulated", "plugin": "simulator", "namespace": "year", "types": ["ticket.*", "survey.*", "source.watermark"],
             "options": {"mode": "survey", "from": "2025-01-01"}}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("survey")
    subprocess.run([built("tendon-simulated-survey"), str(folder)], check=True, timeout=60)
    return folder


def instance(source, plugin, path, options):
    return {"source": source, "plugin": plugin, "namespace": "year", "types": ["ticket.*", "survey.*"],
            "options": {"path": str(path), "settle": "0s", **options}}


@pytest.fixture(scope="module")
def collector(exported):
    """One that has the survey from the simulator."""
    with Collector(tenants=[{"name": "riverbend", "zone": "UTC", "nearshore": ["MX"]}]) as running:
        running.cli("site", "import", str(exported / "sites.csv"), "--key", "site")
        running.cli("team", "import", str(exported / "teams.csv"), "--key", "team")
        running.configuration["plugins"] = [SIMULATOR]
        running.write()
        running.process.send_signal(1)
        wait_for(lambda: running.plugin_state("simulated").get("state") == "ended", 120, running.log)
        yield running


def counted(path, condition):
    with open(path, encoding="utf-8", newline="") as file:
        return sum(condition(row) for row in csv.DictReader(file))


def test_nothing_is_rejected(collector, exported):
    shown = collector.call("source.show", source="simulated")
    assert shown["rejected"] == 0
    assert collector.value("tickets_created") == counted(exported / "tickets.csv", lambda row: True)


def test_the_export_tells_the_same_ballots(collector, exported):
    """Read from the export each event of the survey is one that the simulator gave: same identity, same content."""
    before = collector.accepted("simulated")
    collector.configuration["plugins"] = [SIMULATOR, instance("export", "survey", exported / "ballots.csv", SURVEY_OPTIONS)]
    collector.write()
    collector.process.send_signal(1)
    with open(exported / "ballots.csv", encoding="utf-8", newline="") as file:
        events = sum(1 + sum(row[question] != "" for question in QUESTIONS) for row in csv.DictReader(file))
    wait_for(lambda: collector.sent("export") >= events, 120,
             lambda: f"{collector.sent('export')} of {events}: {collector.plugin_state('export')} {collector.log()[-2000:]}")
    shown = collector.call("source.show", source="export")
    assert (shown["accepted"], shown["duplicates"], shown["rejected"]) == (0, events, 0)
    assert collector.plugin_state("export")["skipped"] == 0
    assert collector.accepted("simulated") == before


def test_outsourced_sites(collector):
    """What the tickets say beside what the hospitals say of themselves: 64 of 400."""
    row = collector.query(["outsourced_share"], unit="site", threshold="0.5",
                          where="facility_kind in (hospital, cah)")["rows"][0]
    assert (row["outsourced_share"], row["outsourced_share.n"]) == (0.16, 400)


def test_the_survey_table(collector):
    """The published shares, from the answers and tickets of the simulated year."""
    report = collector.cli_json("report", "survey")
    assert {row["row"]: row["verdict"] for row in report["rows"]} == {
        **{f"S{i}": "agrees" for i in range(1, 11)}, "S8 measured": "agrees"}
    assert report["rows"][0]["n"] == 2200 and report["rows"][0]["left_out"]["reseller"] > 100


def test_only_the_export(make_collector, exported, tmp_path):
    """A bad row is skipped with its line, and what follows is read; a restart reads nothing twice."""
    path = tmp_path / "ballots.csv"
    lines = (exported / "ballots.csv").read_text(encoding="utf-8").splitlines()[:201]
    lines[100] = lines[100].replace("2025-", "someday-")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    collector = make_collector(plugins=[instance("export", "survey", path, SURVEY_OPTIONS)]).start()
    wait_for(lambda: collector.plugin_state("export").get("skipped") == 1, 60, collector.log)
    wait_for(lambda: collector.plugin_state("export").get("last_skip") == "bad_time ballots.csv line 101", 60,
             lambda: json.dumps(collector.plugin_state("export")))
    n = collector.accepted("export")
    assert n > 199 * 2
    collector.restart()
    with open(path, "a", encoding="utf-8") as file:
        file.write(lines[1].replace("B1,", "C1,") + "\n")
    wait_for(lambda: collector.accepted("export") > n, 60, collector.log)
    assert collector.call("source.show", source="export")["duplicates"] == 0


def test_tickets_of_the_export(make_collector, exported):
    collector = make_collector(plugins=[instance("desk", "csv", exported / "tickets.csv", TICKET_OPTIONS)]).start()
    n = counted(exported / "tickets.csv", lambda row: True)
    wait_for(lambda: collector.value("tickets_solved") >= n, 60, collector.log)
    assert collector.value("tickets_solved") == n
