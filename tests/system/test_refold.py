"""Facts are made anew beside ingest: teams, calendars and a reindex under load, killed at random, end as in a collector
that had everything from the beginning; and until then every answer has every acknowledged event in it."""
import functools
import random
import threading
import time

import pytest

from collector import Collector, wait_for
from events import DAY, HOUR, created, event, message, status
from tendon_client import Client, Nacked, Timeout

ROUNDS, ROUNDS_LONG = 3, 60
N_BEFORE, N_BESIDE = 30_000, 8_000  # tickets
STEP = 20  # tickets of a batch of the source at full speed
D0 = 1_704_700_800_000  # Monday 8 January 2024, 08:00 UTC
METRICS = ["tickets_created", "resolutions", "first_response_time.avg", "first_response_time.business.avg",
           "full_resolution_time.business.p90", "escalation_rate", "handoffs"]
TENANTS = [{"name": "riverbend", "zone": "UTC", "calendar": "office"}]
TEAMS = [[{"key": f"t{i}", "employer": employer, "tier": tier} for i, (employer, tier) in enumerate(rows)]
         for rows in ([("acme", 1), ("acme", 2), ("bpo", 1), ("bpo", 2)], [("bpo", 2), ("acme", 1), ("bpo", 1), ("other", 3)])]
CALENDARS = [{"zone": "America/Chicago", "hours": "mon-fri 08:00-17:00"},
             {"zone": "America/Chicago", "hours": "mon-sat 06:00-20:00", "federal": True}]


@functools.lru_cache(maxsize=None)
def ticket(n):
    """A ticket that two teams had, some with a reopening, some never done; the same for the same number."""
    mixed = n * 2_654_435_761 % 2**32
    name, at = f"r-{n}", D0 + mixed % (90 * DAY)
    made = [created(name, at, event_id="c", product=f"p{n % 5}", team=f"t{mixed % 4}"),
            message(name, "out", at + mixed % (30 * HOUR), event_id="m"),
            event("ticket.assigned", name, at + 31 * HOUR, "a", team=f"t{mixed // 4 % 4}", kind="escalate")]
    if n % 7:
        made.append(status(name, "solved", at + 40 * HOUR + mixed % DAY, event_id="s"))
    if n % 11 == 0:
        made.append(status(name, "open", at + 4 * DAY, event_id="o"))
    return made


def answers(collector):
    """What every metric says, by team and product."""
    found = {}
    for by in ([], ["team"], ["product"]):
        rows = collector.query(METRICS, by=by, now="2024-09-01T00:00:00Z")["rows"]
        found[",".join(by)] = sorted(rows, key=repr)
    return found


def is_said(answer):
    """Whether an answer says that it is from the facts before."""
    return any("made anew" in warning for warning in answer["meta"]["warnings"])


def import_teams(collector, which):
    collector.ask().call("reference.import", table="team", rows=TEAMS[which])


def import_calendar(collector, which):
    collector.ask().call("calendar.import", calendar="office", definition=CALENDARS[which])


@pytest.fixture(scope="module")
def wanted():
    """What a collector answers that had teams and calendar before the first event."""
    found = {}
    for n in (N_BEFORE, N_BEFORE + N_BESIDE):
        for which in (0, 1):
            with Collector(tenants=TENANTS, listen=True) as collector:
                import_teams(collector, which)
                import_calendar(collector, which)
                with collector.source("desk") as client:
                    client.send([e for i in range(n) for e in ticket(i)], 2000)
                collector.wait_refolded()
                found[n, which] = answers(collector)
    assert found[N_BEFORE, 0] != found[N_BEFORE, 1]  # else nothing here could fail
    return found


@pytest.fixture
def loaded(make_collector):
    collector = make_collector(tenants=TENANTS, listen=True).start()
    import_teams(collector, 0)
    import_calendar(collector, 0)
    collector.keys["desk"] = collector.grant("desk")
    with collector.connect(collector.keys["desk"]) as client:
        client.hello("desk")
        client.send([e for i in range(N_BEFORE) for e in ticket(i)], 2000)
    return collector


class Load(threading.Thread):
    """A source at full speed, which goes on after whatever happens to the collector. `acked`: tickets so far."""

    def __init__(self, collector):
        super().__init__()
        self.collector, self.key = collector, collector.server_key()
        self.batches = [[e for i in range(at, at + STEP) for e in ticket(i)]
                        for at in range(N_BEFORE, N_BEFORE + N_BESIDE, STEP)]
        self.acked, self.error, self.first = N_BEFORE, None, None

    def run(self):
        try:
            while self.acked < N_BEFORE + N_BESIDE:
                self.session()
        except Exception as error:  # the test looks at it
            self.error = error

    def session(self):
        with Client(self.collector.endpoint, self.key, self.collector.keys["desk"], timeout=5) as client:
            try:
                last = client.hello("desk", timeout=2)["last_seq"]
                if self.first is None:
                    self.first = last
                for batch in self.batches[last - self.first:]:
                    client.batch(batch, timeout=5)
                    self.acked += STEP
            except (Timeout, Nacked) as error:
                # What is not acknowledged may be there: the next HELLO tells. A batch that libzmq sends to the
                # collector that was started meanwhile comes without one.
                if isinstance(error, Nacked) and error.code != "hello_required":
                    raise
            finally:
                if self.first is not None:
                    self.acked = max(self.acked, N_BEFORE + STEP * (client.last_seq - self.first))


def test_ingest_goes_on_beside_refolds(loaded, wanted):
    load = Load(loaded)
    load.start()
    seen, changes = [], 0
    while load.is_alive():
        if changes % 3 == 2:
            loaded.ask().call("tenant.reindex")
        else:
            import_teams(loaded, changes % 2)
        changes += 1
        until = time.monotonic() + 0.2
        while time.monotonic() < until and load.is_alive():
            acked = load.acked
            answer = loaded.query("tickets_created,escalation_rate")
            assert answer["rows"][0]["tickets_created"] >= acked
            seen.append(is_said(answer))
    load.join()
    assert load.error is None, load.error
    assert True in seen, "no answer came from the facts before"
    import_teams(loaded, 1)
    import_calendar(loaded, 1)
    loaded.wait_refolded()
    assert answers(loaded) == wanted[N_BEFORE + N_BESIDE, 1]
    answer = loaded.query("tickets_created")
    assert not is_said(answer)


def test_answers_are_the_old_ones_until_the_new_are_whole(loaded, wanted):
    """Asked without a pause, the figures change once, from those of the old teams to those of the new."""
    import_calendar(loaded, 1)
    loaded.wait_refolded()
    before = loaded.query("escalation_rate")["rows"][0]["escalation_rate"]
    after = next(iter(wanted[N_BEFORE, 1][""]))["escalation_rate"]
    assert before != after
    import_teams(loaded, 1)
    values = []
    while loaded.refolding() is not None:
        values.append(loaded.query("escalation_rate")["rows"][0]["escalation_rate"])
    values.append(loaded.query("escalation_rate")["rows"][0]["escalation_rate"])
    assert values[-1] == after
    assert set(values) <= {before, after}
    assert values == sorted(values, key=lambda v: v != before)
    assert answers(loaded) == wanted[N_BEFORE, 1]


def one_round(loaded, wanted, chance):
    load = Load(loaded)
    load.start()
    for which in (1, 0, 1):
        import_teams(loaded, which)
        import_calendar(loaded, which)
        for _ in range(chance.randint(0, 2)):
            time.sleep(chance.uniform(0, 0.5))
            loaded.kill()
            loaded.start()
    load.join(120)
    assert not load.is_alive() and load.error is None, load.error
    loaded.wait_refolded()
    assert answers(loaded) == wanted[N_BEFORE + N_BESIDE, 1]


def test_killed_in_a_refold(loaded, wanted, chance):
    one_round(loaded, wanted, chance)


@pytest.mark.rounds
def test_killed_in_refolds_again_and_again(make_collector, wanted, seed, long):
    for n in range(ROUNDS_LONG if long else ROUNDS - 1):
        with Collector(tenants=TENANTS, listen=True) as collector:
            import_teams(collector, 0)
            import_calendar(collector, 0)
            collector.keys["desk"] = collector.grant("desk")
            with collector.connect(collector.keys["desk"]) as client:
                client.hello("desk")
                client.send([e for i in range(N_BEFORE) for e in ticket(i)], 2000)
            try:
                one_round(collector, wanted, random.Random(f"{seed}/{n}"))
            except AssertionError as error:
                raise AssertionError(f"round {n}: {error}") from error


def test_settings_that_change_at_a_start(loaded, wanted):
    """The daemon is there at once, says that it refolds, and then answers by the new settings."""
    loaded.ask().call("calendar.import", calendar="long", definition=CALENDARS[1])
    import_teams(loaded, 1)
    loaded.wait_refolded()
    loaded.configuration["tenants"][0]["calendar"] = "long"
    loaded.write()
    loaded.restart()
    answer, warnings = loaded.query("tickets_created"), " ".join(loaded.ask().call("status")["warnings"])
    assert answer["rows"][0]["tickets_created"] == N_BEFORE
    if loaded.refolding() is not None:  # it was under way all the time: a fast machine may be done
        assert is_said(answer)
        assert "is being folded anew" in warnings and "answers come from the facts before" in warnings
    loaded.wait_refolded()
    assert answers(loaded) == wanted[N_BEFORE, 1]
    assert "folded anew" not in " ".join(loaded.call("status")["warnings"])


def test_the_command_waits_or_does_not(loaded, tmp_path):
    rows = tmp_path / "teams.csv"
    rows.write_text("team,employer,tier\nt0,bpo,2\nt1,acme,1\n", encoding="utf-8")
    loaded.cli("team", "import", str(rows), "--key", "team")
    assert loaded.refolding() is None
    rows.write_text("team,employer,tier\nt0,acme,3\nt1,acme,1\n", encoding="utf-8")
    loaded.cli("team", "import", str(rows), "--key", "team", "--no-wait")
    shown = loaded.ask().call("status")["tenants"][0]["refolding"]  # or None, on a fast machine
    assert shown is None or shown["done"] <= shown["subjects"]
    wait_for(lambda: loaded.refolding() is None, 60)
    assert loaded.cli_json("tenant", "reindex")["subjects"] == N_BEFORE
    assert loaded.refolding() is None
