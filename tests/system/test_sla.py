"""SLA targets: those that sources send, and those of the tenant's configuration."""
import random
import re
import signal

import pytest

from collector import Collector, wait_for
from events import D0, DAY, HOUR, MINUTE, created, event, message, status

FRIDAY = D0 + 4 * DAY
NOW = "2024-03-01T00:00:00Z"

POLICIES = [
    {"policy": "urgent", "metric": "first_response_time", "target": "30min", "clock": "wall",
     "where": {"vendor": ["acme", "bpo"], "severity": 1}},
    {"policy": "gold", "metric": "first_response_time", "target": "1h", "clock": "business", "calendar": "office",
     "where": {"contract": "gold"}},
    {"policy": "standard", "metric": "first_response_time", "target": "4h", "clock": "wall"},
    {"policy": "standard", "metric": "requester_wait_time", "target": "1d", "clock": "wall"},
]


def tenant(policies=None):
    return {"name": "riverbend", "zone": "UTC", "dimensions": ["contract"], "sla": POLICIES if policies is None else policies}


def target(ticket, at, metric="first_response_time", seconds=1800, clock="wall", **fields):
    return event("sla.applied", ticket, at, metric=metric, target_s=seconds, clock=clock, **fields)


TICKETS = [
    # urgent, 30 minutes: answered in 30, and in 31
    created("u1", D0, vendor="acme", severity=1), message("u1", "out", D0 + 30 * MINUTE),
    created("u2", D0, vendor="bpo", severity=1), message("u2", "out", D0 + 31 * MINUTE),
    # gold, an hour of the office: from Friday 16:30 to Monday 9:30, and a second more
    created("g1", FRIDAY + 16 * HOUR + 30 * MINUTE, contract="gold"), message("g1", "out", FRIDAY + 3 * DAY + 9 * HOUR + 30 * MINUTE),
    created("g2", FRIDAY + 16 * HOUR + 30 * MINUTE, contract="gold"),
    message("g2", "out", FRIDAY + 3 * DAY + 9 * HOUR + 30 * MINUTE + 1000),
    # standard, and urgent after an hour, which is too late by then
    created("s1", D0, vendor="acme", severity=3), message("s1", "out", D0 + 3 * HOUR),
    created("s2", D0, vendor="acme", severity=3), event("ticket.updated", "s2", D0 + HOUR, severity=1),
    message("s2", "out", D0 + 3 * HOUR),
    # its source sends targets of its own for the first response, and none for the wait
    created("e1", D0, vendor="acme", severity=1), target("e1", D0, seconds=7200, policy="theirs"),
    message("e1", "out", D0 + HOUR), status("e1", "solved", D0 + 2 * HOUR),
]


def send(collector, events, seed="1"):
    shuffled = list(events)
    random.Random(seed).shuffle(shuffled)
    with collector.source("desk", types=["ticket.*", "sla.*"]) as source:
        for first in range(0, len(shuffled), 3):
            answer = source.send(shuffled[first:first + 3])
            assert answer["rejected"] == [], answer


def office(collector):
    collector.call("calendar.import", calendar="office", definition={"zone": "UTC", "hours": "mon-fri 09:00-17:00"})


def attained(collector, metric="sla_attainment", **options):
    """{policy: (met, counted)} of the first response."""
    rows = collector.query([metric], by="policy", where="sla_metric=first_response_time", now=NOW, **options)["rows"]
    return {row["policy"]: (round(row[metric] * row[metric + ".n"]), row[metric + ".n"])
            for row in rows if row[metric + ".n"]}


WANTED = {"urgent": (1, 3), "gold": (1, 2), "standard": (1, 1), "theirs": (1, 1)}


@pytest.fixture(scope="module")
def running():
    with Collector(tenants=[tenant()], listen=True) as collector:
        office(collector)
        send(collector, TICKETS)
        yield collector


def test_policies_of_the_configuration(running):
    assert attained(running) == WANTED


def test_by_how_much(running):
    rows = running.query(["sla_breach_time.sum"], by="policy", where="sla_metric=first_response_time", now=NOW)["rows"]
    # u2 a minute, s2 two and a half hours over half an hour; g2 a second
    assert {row["policy"]: row["sla_breach_time.sum"] for row in rows if row["sla_breach_time.sum"]} == {
        "urgent": 60 + 9000, "gold": 1}


def test_each_metric_has_its_own(running):
    rows = running.query(["sla_attainment"], by="policy", where="sla_metric=requester_wait_time", now=NOW)["rows"]
    # e1 was solved in time; the six others are still open, and two months late
    assert {row["policy"]: (row["sla_attainment"], row["sla_attainment.n"]) for row in rows} == {"standard": (1 / 7, 7)}
    soon = {"where": "sla_metric=requester_wait_time and vendor in (acme, bpo)", "now": "2024-01-08T02:00:00Z"}
    assert running.value("sla_attainment", **soon) == 1


def test_running_and_at_risk(running):
    asked = {"where": "sla_metric=requester_wait_time and vendor=acme and severity=3"}
    for now, at_risk, n in [("2024-01-08T18:00:00Z", 0, 0), ("2024-01-08T18:00:00.001Z", 1, 0),
                            ("2024-01-09T00:00:00Z", 1, 0), ("2024-01-09T00:00:00.001Z", 0, 1)]:
        row = running.query(["sla_attainment"], now=now, **asked)["rows"][0]
        assert (row["sla_attainment.at_risk"], row["sla_attainment.n"]) == (at_risk, n), (now, row)


def reload(collector, policies):
    collector.configuration["tenants"] = [tenant(policies)]
    collector.write()
    collector.process.send_signal(signal.SIGHUP)


def test_other_policies_hold_for_the_past_too(make_collector):
    collector = make_collector(tenants=[tenant()], listen=True).start()
    office(collector)
    send(collector, TICKETS, "2")
    assert attained(collector) == WANTED
    longer = [{**policy, "target": "1h"} if policy["policy"] == "urgent" else policy for policy in POLICIES]
    reload(collector, longer)
    # u2 is in time now; s2 is not, after three hours
    wait_for(lambda: attained(collector) == {**WANTED, "urgent": (2, 3)}, say=lambda: attained(collector))
    reload(collector, [])
    wait_for(lambda: attained(collector) == {"theirs": (1, 1)}, say=lambda: attained(collector))
    reload(collector, longer)
    wait_for(lambda: attained(collector) == {**WANTED, "urgent": (2, 3)}, say=lambda: attained(collector))
    collector.restart()
    assert attained(collector) == {**WANTED, "urgent": (2, 3)}


def test_a_tenant_that_the_file_no_longer_names_keeps_its_policies(make_collector):
    collector = make_collector(tenants=[tenant(), {"name": "other", "zone": "UTC"}], listen=True).start()
    office_of = {"tenant": "riverbend", "calendar": "office", "definition": {"zone": "UTC", "hours": "mon-fri 09:00-17:00"}}
    collector.call("calendar.import", **office_of)
    keys = collector.grant("desk", "riverbend", types=["ticket.*", "sla.*"])
    collector.configuration["tenants"] = [{"name": "other", "zone": "UTC"}]
    collector.write()
    collector.restart()
    assert collector.call("tenant.show", tenant="riverbend")["policies"] == len(POLICIES)
    with collector.connect(keys) as source:
        source.hello("desk")
        assert source.send(TICKETS)["rejected"] == []
    assert attained(collector, tenant="riverbend") == WANTED


def test_a_policy_that_is_wrong_is_told_with_its_place(make_collector):
    collector = make_collector(tenants=[tenant()]).start()
    reload(collector, [{**POLICIES[0], "where": {"contrakt": "gold"}}])
    wait_for(lambda: "reload_refused" in collector.log(), say=collector.log)
    assert re.search(r'tendon.yaml:\d+:\d+: events carry no dimension .*did you mean .*contract', collector.log()), collector.log()
