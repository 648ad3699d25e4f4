"""The worked cases, each through the whole daemon: as written, backwards, shuffled, twice, and in pieces."""
import random
import re

import pytest

import cases
from collector import Collector
from tendon_client import Refused

CASES = cases.read_all()
VARIANTS = 4
CASES_AT_ONCE = 60  # of one collector: a tenant a case and variant
PRESENT = "2026-01-01T00:00:00Z"  # far later than every event, unless the case says otherwise


def tenant_name(case, variant):
    return f"case-{case.name}-{variant}"


def tenants(part):
    some = CASES[part * CASES_AT_ONCE:(part + 1) * CASES_AT_ONCE]
    return [{"name": tenant_name(case, variant), "zone": "UTC", "limits": {"stored_bytes": "64MiB"},
             **case.world.settings}
            for case in some for variant in range(VARIANTS)]


@pytest.fixture(scope="module")
def collectors():
    """collectors(PART): the collector of that part of the cases, the only one that runs."""
    started = {}

    def of(part):
        if part not in started:
            for other in started.values():
                other.remove()
            started.clear()
            started[part] = Collector(tenants=tenants(part), listen=True).start()
        return started[part]

    yield of
    for other in started.values():
        other.remove()


def close(found, wanted):
    """Durations and counts exactly; what the case rounds to six places, to six places."""
    if found is None or wanted is None:
        return found is None and wanted is None
    if isinstance(wanted, float):
        return abs(found - wanted) < 6e-7
    return found == wanted


def look(answer, path):
    """meta.A.B into the answer's meta; .NAME the column METRIC.NAME of its one row."""
    if path.startswith("."):
        return answer["rows"][0][answer["metrics"][0] + path]
    found = answer
    for name in path.split("."):
        found = (found or {}).get(name)
    return found


def check(collector, tenant, case):
    answer = None
    for wanted in case.expectations:
        if wanted.meta is not None:
            found = look(answer, wanted.meta)
            assert found == wanted.value, f"{wanted.line}: {found!r} in {answer}"
            continue
        options = {"now": PRESENT, **wanted.options}
        if isinstance(wanted.value, str) and wanted.value.startswith("error "):
            with pytest.raises(Refused) as refused:
                collector.query([wanted.metric], tenant=tenant, **options)
            assert refused.value.code == wanted.value.split()[1], f"{wanted.line}: {refused.value}"
            continue
        answer = collector.query([wanted.metric], tenant=tenant, **options)
        rows = answer["rows"]
        if isinstance(wanted.value, dict):
            dimension = wanted.options["by"]
            found = {None if row[dimension] is None else str(row[dimension]): row[wanted.metric] for row in rows}
            for group in {*found, *wanted.value}:
                assert close(found.get(group), wanted.value.get(group)), f"{wanted.line}: {rows}"
            continue
        assert len(rows) == 1, f"{wanted.line}: {rows}"
        row = rows[0]
        assert close(row[wanted.metric], wanted.value), f"{wanted.line}: {row}"
        if wanted.n is not None:
            assert row[f"{wanted.metric}.n"] == wanted.n, f"{wanted.line}: {row}"
        if wanted.low is not None:
            assert close(row[f"{wanted.metric}.low"], wanted.low), f"{wanted.line}: {row}"
            assert close(row[f"{wanted.metric}.high"], wanted.high), f"{wanted.line}: {row}"


@pytest.mark.parametrize("number", range(len(CASES)),
                         ids=[re.sub(r"\W+", "-", f"{case.name} {case.title}") for case in CASES])
def test_case(collectors, number, seed):
    case, running = CASES[number], collectors(number // CASES_AT_ONCE)
    sets = list(cases.variants(case, random.Random(seed)))
    assert len(sets) == VARIANTS
    for variant, (name, batches) in enumerate(sets):
        tenant = tenant_name(case, variant)
        running.call("reference.import", tenant=tenant, table="team", rows=case.world.teams)
        running.call("reference.import", tenant=tenant, table="site", rows=case.world.sites)
        for valid_from, definition in case.world.calendars:
            since = {} if valid_from is None else {"valid_from": valid_from}
            running.call("calendar.import", tenant=tenant, calendar=cases.CALENDAR, definition=definition, **since)
        with running.source("desk", tenant, types=["ticket.*", "survey.*", "sla.*", "contact.*"]) as source:
            for batch in batches:
                answer = source.send(batch)
                assert answer["rejected"] == [], f"{name}: {answer}"
        try:
            check(running, tenant, case)
        except AssertionError as error:
            raise AssertionError(f"case {case.name}, delivered {name}: {error}") from error


def test_every_metric_has_a_case(collectors):
    """One that answers with a value: what no case pins may mean anything."""
    asked = {wanted.metric.partition(".")[0] for case in CASES for wanted in case.expectations
             if wanted.metric and wanted.value is not None and not str(wanted.value).startswith("error ")}
    missing = [row["name"] for row in collectors(0).call("metric.list") if row["name"] not in asked]
    assert not missing, f"no case of tests/data/cases asks for {', '.join(missing)}"
