"""The rt plugin with a real Request Tracker: 200 tickets live through its REST interface, everything is killed in between, and
what Tendon answers is what was done."""
import collections
import datetime
import json
import os
import signal
import subprocess
import time

import pytest

from collector import built, wait_for
from real_rt import RequestTracker, missing
from test_http import no_proxy  # noqa: F401  (takes effect by being there)

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

STAFF, REQUESTERS = ("kim", "lee"), ("anna", "bob")
QUEUES, SECRET = ("General", "Onsite"), "Personnel"
MAKERS, HOSPITALS = ("acme", "bolt", "corvid"), ("north", "south")
TICKETS, AT_ONCE = 200, 40
TEXT = "Quetzalcoatl"  # stands in what must not be kept anywhere
STATE = {"new": "new", "open": "open", "stalled": "pending", "resolved": "solved"}


class Desk:
    """What the test does to RT, and what must come of it. A ticket's `done` are its transactions as (what, by) in order."""

    def __init__(self, rt, chance):
        self.rt, self.chance = rt, chance
        self.tickets = {}  # number → what it is
        self.n_events = 0
        self.n_asked = 0

    def bulk(self, user, method, path, entries):
        """The entries in few requests; what RT says of each. Its own words tell whether it did it."""
        said = []
        for n in range(0, len(entries), AT_ONCE):
            said += self.rt.ask(user, method, "/tickets/bulk" + path, entries[n:n + AT_ONCE])
            self.n_asked += 1
        assert len(said) == len(entries), said
        return said

    def create(self, n):
        """Tickets of requesters, and of staff on their behalf."""
        made = collections.defaultdict(list)
        for _ in range(n):
            requester = self.chance.choice(REQUESTERS)
            by = self.chance.choice((requester, requester, self.chance.choice(STAFF)))
            made[by].append({"requester": requester, "by": by, "queue": self.chance.choice(QUEUES), "vendor": self.chance.choice(MAKERS),
                             "severity": self.chance.randint(1, 4), "site": self.chance.choice(HOSPITALS), "status": "new"})
        for by, tickets in made.items():
            said = self.bulk(by, "POST", "", [
                {"Queue": each["queue"], "Requestor": f"{each['requester']}@hospital.test", "Subject": TEXT, "Content": TEXT,
                 "CustomFields": {"Maker": each["vendor"], "Urgency": str(each["severity"]), "Hospital": each["site"]}} for each in tickets])
            for each, answer in zip(tickets, said):
                assert answer.get("type") == "ticket", answer
                self.tickets[int(answer["id"])] = {**each, "first": dict(each), "done": [("Create", by)], "solves": 0, "reopens": 0,
                                                   "handoffs": 0, "gone": None}
                self.n_events += 1

    def alive(self):
        return [number for number, each in self.tickets.items() if not each["gone"]]

    def record(self, number, what, by, n_events=1):
        self.tickets[number]["done"].append((what, by))
        self.n_events += n_events

    def move(self, number, status, by):
        each = self.tickets[number]
        each["solves"] += status == "resolved"
        each["reopens"] += each["status"] == "resolved" and status != "resolved"
        each["status"] = status
        self.record(number, "Status", by)

    def do(self, what, by, numbers):
        """One thing to some tickets."""
        if what in ("correspond", "comment"):
            self.bulk(by, "POST", "/" + what, [{"id": str(each), "Content": TEXT, "ContentType": "text/plain"} for each in numbers])
            for each in numbers:
                self.record(each, what.capitalize(), by)
                if what == "correspond" and self.tickets[each]["status"] in ("new", "resolved"):
                    self.move(each, "open", "RT_System")  # RT does that by itself
            return
        changes, moved = {}, {"stall": "stalled", "resolve": "resolved", "reopen": "open"}.get(what)
        for number in numbers:
            each = self.tickets[number]
            if moved:
                changes[number] = {"Status": moved}
                self.move(number, moved, by)
            elif what == "queue":
                each["queue"] = QUEUES[each["queue"] == QUEUES[0]]
                each["handoffs"] += 1
                changes[number] = {"Queue": each["queue"]}
                self.record(number, "Queue", by)
            elif what == "field":
                each["vendor"] = MAKERS[(MAKERS.index(each["vendor"]) + 1) % len(MAKERS)]
                changes[number] = {"CustomFields": {"Maker": each["vendor"]}}
                self.record(number, "CustomField", by)
            elif what == "own":
                changes[number] = {"Owner": by}
                self.record(number, "Owner", by)
        for _, *said in self.bulk(by, "PUT", "", [{"id": str(number), **change} for number, change in changes.items()]):
            assert len(said) == 1 and "hanged" in said[0], said

    def live(self, share):
        """A round: to most of the tickets something that may be done to them."""
        may = {"new": ("correspond", "correspond", "resolve", "queue"), "open": ("stall", "resolve", "resolve", "correspond", "comment", "queue", "field"),
               "stalled": ("correspond", "reopen", "resolve"), "resolved": ("reopen", "correspond", "comment")}
        chosen = collections.defaultdict(list)
        for number in self.alive():
            each = self.tickets[number]
            if self.chance.random() > share:
                continue
            what, by = self.chance.choice(may[each["status"]]), self.chance.choice(STAFF)
            if what == "correspond" and self.chance.random() < 0.4:
                by = each["requester"]
            elif each["status"] == "new" and self.chance.random() < 0.15 and ("Owner", "kim") not in each["done"]:
                what, by = "own", "kim"
            chosen[what, by].append(number)
        for (what, by), numbers in sorted(chosen.items()):
            self.do(what, by, numbers)

    def merge(self, n):
        for _ in range(n):
            number, into = self.chance.sample(self.alive(), 2)
            self.rt.ask("kim", "PUT", f"/ticket/{number}", {"MergeInto": into})
            self.tickets[number]["gone"] = "merged"
            self.record(number, "Merge", "kim")

    def delete(self, n):
        for number in self.chance.sample(self.alive(), n):
            assert "deleted" in self.rt.ask("kim", "PUT", f"/ticket/{number}", {"Status": "deleted"})[0]
            self.tickets[number]["gone"] = "spam"
            self.record(number, "Status", "kim")

    # --- what must come of it ----------------------------------------------------------------------------------------------

    def counted(self):
        return {number: each for number, each in self.tickets.items() if not each["gone"]}

    def count(self, key, where=lambda each: True):
        return dict(collections.Counter(key(each) for each in self.counted().values() if where(each)))

    def first_responses(self):
        """Seconds from a ticket's beginning to its first answer, with the instants from RT's own database."""
        times = collections.defaultdict(list)
        rows = self.rt.rows("SELECT ObjectId, Type, Field, Created FROM Transactions WHERE ObjectType = 'RT::Ticket' ORDER BY id")
        for number, kind, field, created in rows:
            name = {"Set": field, "AddLink": "Merge"}.get(kind, kind)
            if name in ("Create", "Correspond", "Comment", "Status", "Queue", "CustomField", "Owner") or (
                    name == "Merge" and self.tickets.get(number, {}).get("gone") == "merged" and times[number][-1][0] != "Merge"):
                times[number].append((name, datetime.datetime.fromisoformat(created).timestamp()))
        found = []
        for number, each in self.counted().items():
            assert [name for name, _ in times[number]] == [name for name, _ in each["done"]], (number, times[number], each["done"])
            start = times[number][0][1] if each["by"] in REQUESTERS else None
            for (name, by), (_, at) in zip(each["done"], times[number]):
                if name != "Correspond":
                    continue
                if start is None and by in REQUESTERS:
                    start = at
                elif start is not None and by in STAFF:
                    found.append(at - start)
                    break
        return found


@pytest.fixture(name="rt", scope="module")
def fixture_rt():
    with RequestTracker(STAFF, REQUESTERS, QUEUES, ("Maker", "Urgency", "Hospital"), secret=(SECRET,)) as each:
        yield each


def options(rt, folder, user="reader"):
    path = os.path.join(folder, f"{user}.token")
    with open(path, "w", encoding="utf-8") as file:
        file.write(rt.tokens[user] + "\n")
    os.chmod(path, 0o600)
    return {"url": rt.url, "token": path, "every": "5s", "settle": "5s", "per_minute": 6000,
            "custom_fields": {"vendor": "Maker", "severity": "Urgency", "site": "Hospital"}}


def tried(given, folder):
    """The events of `tendon plugin try`, from the beginning to the end."""
    (folder / "options.json").write_text(json.dumps(given), encoding="utf-8")
    done = subprocess.run([built("tendon"), "plugin", "try", built("rt.so"), "--options", str(folder / "options.json")], check=False,
                          capture_output=True, text=True, timeout=120, env={**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")})
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def grouped(collector, metric, by, **more):
    return {row[by]: row[metric] for row in collector.query([metric], by=[by], **more)["rows"] if row[metric]}


@pytest.mark.rounds
def test_two_hundred_tickets(rt, chance, make_collector, tmp_path):
    desk = Desk(rt, chance)
    rt.ask("root", "POST", "/ticket", {"Queue": SECRET, "Subject": TEXT, "Requestor": "anna@hospital.test"})  # not for the reader
    collector = make_collector(plugins=[{"source": "helpdesk", "plugin": "rt", "options": options(rt, str(tmp_path))}])
    collector.start()
    desk.create(TICKETS // 2)
    desk.live(0.8)
    wait_for(lambda: collector.accepted("helpdesk") > 10, 60, lambda: f"{collector.plugin_state('helpdesk')}\n{rt.log()}")
    for pid in collector.hosts():  # both processes of the plugin, wherever they are
        os.kill(pid, signal.SIGKILL)
    desk.create(TICKETS // 2)
    rt.kill()
    time.sleep(0.5)  # no RT for a moment: the plugin comes again
    rt.start()
    desk.live(0.6)
    desk.merge(8)
    collector.kill()
    desk.delete(4)
    desk.live(0.4)
    collector.start()
    desk.live(0.3)
    collector.wait_accepted("helpdesk", desk.n_events, seconds=120)

    kinds = {each for ticket in desk.tickets.values() for each in ticket["done"]}
    assert len(desk.tickets) == TICKETS and len(kinds) > 15
    assert collector.shown("helpdesk")["rejected"] == 0
    answer = collector.query(["tickets_created", "resolutions", "reopens", "backlog"])
    assert answer["meta"]["excluded"] == {"merged": 8, "spam": 4}
    each = desk.counted().values()
    assert answer["rows"][0]["tickets_created"] == len(each) == TICKETS - 12
    assert answer["rows"][0]["resolutions"] == sum(ticket["solves"] for ticket in each) > 20
    assert answer["rows"][0]["reopens"] == sum(ticket["reopens"] for ticket in each) > 5
    assert grouped(collector, "tickets_created", "team") == desk.count(lambda ticket: ticket["first"]["queue"])
    assert grouped(collector, "tickets_created", "vendor") == desk.count(lambda ticket: ticket["first"]["vendor"])
    assert grouped(collector, "tickets_created", "severity") == desk.count(lambda ticket: ticket["severity"])
    assert grouped(collector, "tickets_created", "site") == desk.count(lambda ticket: ticket["site"])

    def is_active(ticket):
        return ticket["status"] != "resolved"

    assert grouped(collector, "backlog", "team") == desk.count(lambda ticket: ticket["queue"], is_active)
    assert grouped(collector, "backlog", "vendor") == desk.count(lambda ticket: ticket["vendor"], is_active)
    handoffs = [ticket["handoffs"] for ticket in each if not is_active(ticket)]
    answer = collector.query(["handoffs", "first_response_time.sum"])["rows"][0]
    assert answer["handoffs"] == pytest.approx(sum(handoffs) / len(handoffs), abs=1e-6) and sum(handoffs) > 0
    responses = desk.first_responses()
    assert (answer["first_response_time.sum.n"], answer["first_response_time.sum"]) == (len(responses), sum(responses))
    assert len(responses) > 40

    # RT's pages have holes for who may not see everything in them.
    today = datetime.datetime.now(datetime.timezone.utc).date()
    narrow = {**options(rt, str(tmp_path), "narrow"), "since": str(today - datetime.timedelta(days=1))}
    events = tried(narrow, tmp_path)
    n_comments = sum(what == "Comment" for ticket in desk.tickets.values() for what, _ in ticket["done"])
    assert len(events) == desk.n_events - n_comments < desk.n_events and not [each for each in events if each.get("direction") == "internal"]
    assert tried({**narrow, "since": str(today + datetime.timedelta(days=1))}, tmp_path) == []
    # To its root RT tells the same, and what the reader may not see.
    events = tried(options(rt, str(tmp_path), "root"), tmp_path)
    assert len(events) == desk.n_events + 1 and [event["ticket"] for event in events if event.get("team") == SECRET] == ["1"]
    assert TEXT not in json.dumps(events) + collector.log()
    assert not any(name in collector.log() for name in (*STAFF, *REQUESTERS, rt.tokens["reader"]))


def test_a_wrong_token_and_the_right_one(rt, make_collector, tmp_path):
    given = options(rt, str(tmp_path))
    with open(given["token"], encoding="utf-8") as file:
        right = file.read()
    with open(given["token"], "w", encoding="utf-8") as file:
        file.write("1-2-3\n")
    collector = make_collector(plugins=[{"source": "helpdesk", "plugin": "rt", "options": given}])
    collector.start()
    wait_for(lambda: collector.plugin_state("helpdesk").get("state") == "failed_auth", 30, lambda: str(collector.plugin_state("helpdesk")))
    assert "401" in collector.plugin_state("helpdesk")["message"]
    with open(given["token"], "w", encoding="utf-8") as file:
        file.write(right)
    collector.process.send_signal(signal.SIGHUP)
    rt.ask("kim", "POST", "/ticket", {"Queue": "General", "Subject": TEXT, "Requestor": "anna@hospital.test"})
    wait_for(lambda: collector.accepted("helpdesk") > 0, 60, collector.log)
