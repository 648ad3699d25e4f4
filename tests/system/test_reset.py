"""A source is reset: what it sent is undone in one step, it begins again, and everything else is as if it had never been."""
import random
import time

import pytest

from collector import Collector, csv_created, wait_for
from events import D0, HOUR, message, solved_ticket, status
from tendon_client import Nacked

ROUNDS, ROUNDS_LONG = 4, 60
N_TICKETS = 12_000
METRICS = ["tickets_created", "resolutions", "reopens", "first_response_time.avg", "full_resolution_time.p90", "csat"]


def desk_events(n):
    return solved_ticket(f"t-{n}", D0 + n * 60_000, product=f"p{n % 3}")


def phone_events(n):
    """What the other source of the namespace says: of the desk's tickets, and tickets of its own."""
    at = D0 + n * 60_000
    if n % 3 == 0:
        return solved_ticket(f"own-{n}", at, product="phone")
    return [message(f"t-{n}", "out", at + 60_000), status(f"t-{n}", "open", at + 2 * HOUR)]


DESK = [event for n in range(N_TICKETS) for event in desk_events(n)]
PHONE = [event for n in range(N_TICKETS) for event in phone_events(n)]


def answers(collector):
    found = {}
    for by in ([], ["product"]):
        rows = collector.query(METRICS, by=by, now="2024-09-01T00:00:00Z")["rows"]
        found[",".join(by)] = sorted(rows, key=repr)
    return found


def send(collector, source, events):
    with collector.connect(collector.keys[source]) as client:
        client.hello(source)
        client.send(events, 3000)


def make(collector, **sources):
    for source, events in sources.items():
        collector.keys[source] = collector.grant(source, namespace="help")
        send(collector, source, events)
    return collector


@pytest.fixture(scope="module")
def wanted():
    """The answers without the source that is reset, and with it."""
    with Collector(listen=True) as collector:
        make(collector, desk=DESK)
        without = answers(collector)
        make(collector, phone=PHONE)
        everything = answers(collector)
    assert without != everything
    return without, everything


def test_it_is_as_if_it_had_never_been(make_collector, wanted):
    collector = make(make_collector(listen=True).start(), desk=DESK, phone=PHONE)
    assert answers(collector) == wanted[1]
    before = collector.call("source.show", source="phone")
    done = collector.call("source.reset", source="phone")
    assert done["events"] == before["accepted"] == len(PHONE)
    assert (done["generation"], done["plugin_restarted"]) == (2, False)
    assert answers(collector) == wanted[0]
    shown = collector.call("source.show", source="phone")
    assert (shown["accepted"], shown["last_seq"], shown["last_at"]) == (0, 0, None)
    assert collector.call("source.show", source="desk")["accepted"] == len(DESK)
    collector.restart()
    assert answers(collector) == wanted[0]
    collector.call("tenant.reindex")
    assert answers(collector) == wanted[0]
    send(collector, "phone", PHONE)
    assert answers(collector) == wanted[1]
    assert collector.call("source.show", source="phone")["accepted"] == len(PHONE)


def test_a_client_is_told_to_begin_again(make_collector):
    collector = make_collector(listen=True).start()
    with collector.source("desk") as client:
        for n in range(5):
            client.batch(desk_events(n), cursor=b"at %d" % n)
        collector.call("source.reset", source="desk")
        assert collector.value("tickets_created") == 0
        with pytest.raises(Nacked) as caught:
            client.batch(desk_events(5))
        assert caught.value.body["code"] == "hello_required"
        assert caught.value.body["final"] is False
        welcome = client.hello("desk")
        assert (welcome["last_seq"], welcome["cursor"]) == (0, b"")
        # a seq that cannot be next is refused as ever, once the new generation has begun
        assert client.batch(desk_events(0))["accepted"] == 3
        with pytest.raises(Nacked) as caught:
            client.batch(desk_events(1), seq=7)
        assert caught.value.body["code"] == "out_of_order"
        for n in range(1, 6):
            assert client.batch(desk_events(n))["accepted"] == 3
    assert collector.value("tickets_created") == 6


def test_a_plugin_begins_at_its_beginning(make_collector, tmp_path):
    path = tmp_path / "wrong.csv"
    path.write_text("id,when\n" + "".join(f"A-{n},2024-03-01T10:00:00Z\n" for n in range(500)), encoding="utf-8")
    collector = make_collector(plugins=[csv_created(path)]).start()
    collector.wait_accepted("desk", 500)
    path.write_text("id,when\n" + "".join(f"B-{n},2024-03-02T10:00:00Z\n" for n in range(300)), encoding="utf-8")
    assert collector.call("source.reset", source="desk")["plugin_restarted"] is True
    collector.wait_accepted("desk", 300)
    collector.wait_refolded()
    assert collector.value("tickets_created") == 300
    assert collector.value("tickets_created", since="2024-03-02") == 300
    wait_for(lambda: collector.plugin_state("desk").get("crashes") == 0, 5)


def test_the_command(make_collector):
    collector = make(make_collector(listen=True).start(), desk=DESK[:300], phone=PHONE[:300])
    refused = collector.cli("source", "reset", "phone", status=2)
    assert "--yes" in refused.err
    assert collector.call("source.show", source="phone")["accepted"] == 300
    unknown = collector.cli("source", "reset", "phnoe", "--yes", status=1)
    assert 'did you mean "phone"?' in unknown.err
    done = collector.cli_json("source", "reset", "phone", "--yes")
    assert done["events"] == 300 and done["generation"] == 2
    assert collector.call("source.show", source="phone")["accepted"] == 0
    assert collector.refolding() is None
    # one that never sent is known from its key, and has nothing to undo
    collector.grant("silent")
    assert "silent" in collector.cli("source", "reset", "silent", "--yes", status=1).err


def one_round(wanted, chance):
    """The reset under kill -9, with the source sending again at once."""
    with Collector(listen=True) as collector:
        make(collector, desk=DESK, phone=PHONE)
        collector.ask().call("source.reset", source="phone")
        for _ in range(chance.randint(1, 3)):
            time.sleep(chance.uniform(0, 0.3))
            collector.kill()
            collector.start()
            seen = answers(collector)
            assert seen in wanted, "an answer between the two sets"
        collector.wait_refolded()
        assert answers(collector) == wanted[0]
        send(collector, "phone", PHONE)
        assert answers(collector) == wanted[1]
        collector.kill()
        collector.start()
        assert answers(collector) == wanted[1]


def test_killed_in_a_reset(wanted, chance):
    one_round(wanted, chance)


@pytest.mark.rounds
def test_killed_in_resets_again_and_again(wanted, seed, long):
    for n in range(ROUNDS_LONG if long else ROUNDS - 1):
        try:
            one_round(wanted, random.Random(f"{seed}/{n}"))
        except AssertionError as error:
            raise AssertionError(f"round {n}: {error}") from error


def test_answers_while_it_sends_again(make_collector, wanted):
    """Sent again before the facts are made anew, an event is in the answers once, and from the first moment on."""
    collector = make(make_collector(listen=True).start(), desk=DESK, phone=PHONE)
    collector.ask().call("source.reset", source="phone")
    with collector.connect(collector.keys["phone"]) as client:
        client.hello("phone")
        for at in range(0, len(PHONE), 3000):
            client.batch(PHONE[at:at + 3000])
            if collector.refolding() is not None:
                seen = answers(collector)
                if collector.refolding() is not None:
                    assert seen == wanted[1]
    collector.wait_refolded()
    assert answers(collector) == wanted[1]
