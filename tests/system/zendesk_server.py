"""A Zendesk account as its documentation describes it: what people do there, and the exports that tell of it."""
import base64
import collections
import datetime
import itertools
import json
import os
import random
import subprocess
import time

from collector import built
from vendor_server import VendorServer

TOKEN = "a token for the tests"
USER = "reader@desk.example"
SYSTEM = -1
SECRET_WORD = "Zanzibar"  # stands in texts, which must come nowhere


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Zendesk(VendorServer):
    """Ids are as long as those of today's accounts. Times are seconds since 1970."""

    def __init__(self, now=None):
        self.audits, self.metrics, self.tickets = [], [], {}
        self.users, self.groups, self.organizations = {}, {}, {}
        self.page_most = 1000
        self.epoch = 0  # a cursor of another epoch has expired
        self.fixed_now = now
        self.with_oauth = False
        self.ended = collections.Counter()  # how often an export was read to its end
        self.ids = itertools.count(25_871_234_567_890, 20)
        super().__init__()

    def now(self):
        return self.fixed_now or time.time()

    # --- who there is -------------------------------------------------------------------------------------

    def user(self, role="end-user"):
        made = next(self.ids)
        self.users[made] = {"id": made, "role": role, "name": SECRET_WORD, "email": f"{SECRET_WORD}@desk.example"}
        return made

    def group(self, name, deleted=False):
        made = next(self.ids)
        self.groups[made] = {"id": made, "name": name, "deleted": deleted}
        return made

    def organization(self, external_id, name="Hospital"):
        made = next(self.ids)
        self.organizations[made] = {"id": made, "external_id": external_id, "name": name}
        return made

    # --- what happens ---------------------------------------------------------------------------------------

    def audit(self, ticket, at, updater, *children, via="Web form"):
        with self.lock:
            made = {"id": next(self.ids), "ticket_id": ticket, "timestamp": int(at), "created_at": iso(at), "updater_id": updater,
                    "via": via, "event_type": "Audit", "system": {"ip_address": "192.0.2.1", "location": SECRET_WORD}, "metadata": {},
                    "child_events": [{"id": next(self.ids), "via": via, "via_reference_id": None, **child} for child in children]}
            self.audits.append(made)
            self.tickets.setdefault(ticket, {"id": ticket, "status": "new", "subject": SECRET_WORD, "created_at": iso(at)})
            self.tickets[ticket].update(generated_timestamp=int(at), updated_at=iso(at))
            for child in children:
                if "status" in child:
                    self.tickets[ticket]["status"] = child["status"]
        return made

    @staticmethod
    def change(previous=None, **properties):
        return {"event_type": "Change", "previous_value": previous, **properties}

    @staticmethod
    def comment(author, public=True, **more):
        return {"event_type": "Comment", "type": "Comment", "author_id": author, "public": public, "body": SECRET_WORD + "\0\ud800",
                "html_body": f"<p>{SECRET_WORD}</p>", "attachments": [{"file_name": SECRET_WORD}], **more}

    def create(self, ticket, at, requester, updater=None, organization=None, group=None, priority=None, status="new", via="Mail",
               author=None, fields=None, **properties):
        children = [{"status": status}, {"requester_id": requester}, {"subject": SECRET_WORD}, {"tags": [SECRET_WORD.lower()]},
                    {"organization_id": organization}, {"priority": priority}, *({name: value} for name, value in properties.items())]
        if group:
            children.append({"group_id": group})
        if fields:
            children.append({"custom_ticket_fields": fields})
        return self.audit(ticket, at, updater or requester, *({"event_type": "Create", **child} for child in children),
                          self.comment(author or updater or requester), via=via)

    def reply(self, ticket, at, author, public=True, status=None, was=None):
        return self.audit(ticket, at, author, self.comment(author, public), *([self.change(was, status=status)] if status else []))

    def set(self, ticket, at, updater, previous=None, via="Web form", **properties):
        return self.audit(ticket, at, updater, self.change(previous, **properties), via=via)

    def metric(self, ticket, at, metric, kind, instance=1, **more):
        with self.lock:
            self.metrics.append({"id": next(self.ids), "ticket_id": ticket, "metric": metric, "instance_id": instance, "type": kind,
                                 "time": iso(at), "at": int(at), **more})

    def apply_sla(self, ticket, at, metric, minutes, instance=1, business=False, title="Gold", **more):
        policy = {"id": 25, "title": title, "description": SECRET_WORD}
        self.metric(ticket, at, metric, "apply_sla", instance,
                    sla={"target": minutes, "business_hours": business, "policy": policy, **more})

    def delete(self, ticket, at):
        """As the agent's button does: of this no ticket event tells."""
        with self.lock:
            self.tickets[ticket].update(status="deleted", updated_at=iso(at), generated_timestamp=int(at))

    # --- the API ------------------------------------------------------------------------------------------

    def answer(self, asked):
        basic = "Basic " + base64.b64encode(f"{USER}/token:{TOKEN}".encode()).decode()
        expected = f"Bearer {TOKEN}" if self.with_oauth else basic
        if asked.headers.get("Authorization") != expected:
            return 401, {}, {"error": "Couldn't authenticate you"}
        answers = {"/api/v2/incremental/ticket_events": self.ticket_events, "/api/v2/incremental/tickets/cursor": self.by_cursor,
                   "/api/v2/incremental/ticket_metric_events": self.metric_events, "/api/v2/users": self.list_users,
                   "/api/v2/groups": self.list_groups, "/api/v2/organizations/show_many": self.show_organizations}
        if asked.path not in answers:
            return 404, {}, {"error": "InvalidEndpoint", "description": "Not found"}
        return answers[asked.path](asked.query)

    def by_time(self, name, query, entries, at):
        """From start_time on, the newest minute left out; entries of a second stay together, so that it goes on."""
        start, most = int(query["start_time"][0]), min(int(query.get("per_page", ["1000"])[0]), self.page_most)
        if start > self.now() - 60:
            return 422, {}, {"error": "StartTimeTooRecent", "description": "Too recent start_time. Use a start_time older than 1 minute"}
        found = sorted((entry for entry in entries if start <= at(entry) <= self.now() - 60), key=at)
        page = found[:most]
        while page and len(page) < len(found) and at(found[len(page)]) == at(page[-1]):
            page.append(found[len(page)])
        if len(page) < len(found) and at(page[-1]) == start:
            page += [entry for entry in found[len(page):] if at(entry) == at(found[len(page)])]
        end = at(page[-1]) if page else start
        self.ended[name] += len(page) == len(found)
        return 200, {}, {name: page, "count": len(page), "end_time": end, "end_of_stream": len(page) == len(found),
                         "next_page": f"{self.url}/api/v2/incremental/{name}.json?start_time={end}"}

    def ticket_events(self, query):
        audits = self.audits
        if query.get("include") != ["comment_events"]:
            audits = [{**audit, "child_events": [
                child if child["event_type"] != "Comment" else
                {"id": child["id"], "event_type": "Comment", "comment_present": True, "comment_public": child["public"]}
                for child in audit["child_events"]]} for audit in audits]
        return self.by_time("ticket_events", query, audits, lambda audit: audit["timestamp"])

    def metric_events(self, query):
        status, headers, body = self.by_time("ticket_metric_events", query, self.metrics, lambda event: event["at"])
        if body.get("end_of_stream"):  # the answer says nothing of the end, as it was for long
            del body["end_of_stream"]
        return status, headers, body

    def by_cursor(self, query):
        most = min(int(query.get("per_page", ["1000"])[0]), self.page_most)
        if "cursor" in query:
            epoch, at, ticket = (int(part) for part in base64.b64decode(query["cursor"][0]).split(b"|"))
            if epoch != self.epoch:
                return 400, {}, {"error": "InvalidCursor", "description": "The cursor is no longer valid"}
        else:
            epoch, at, ticket = self.epoch, int(query["start_time"][0]), -1
            if at > self.now() - 60:
                return 422, {}, {"error": "StartTimeTooRecent", "description": "Too recent start_time."}
        order = sorted((each["generated_timestamp"], number) for number, each in self.tickets.items()
                       if each["generated_timestamp"] <= self.now() - 60)
        found = [each for each in order if each > (at, ticket)]
        page = found[:most]
        at, ticket = page[-1] if page else (at, ticket)
        self.ended["tickets"] += len(page) == len(found)
        after = base64.b64encode(b"%d|%d|%d" % (self.epoch, at, ticket)).decode()
        return 200, {}, {"tickets": [self.tickets[number] for _, number in page], "after_cursor": after, "before_cursor": None,
                         "after_url": f"{self.url}/api/v2/incremental/tickets/cursor.json?cursor={after}",
                         "end_of_stream": len(page) == len(found)}

    def list_page(self, name, query, entries):
        size = int(query["page[size]"][0])
        begin = 0
        if "page[after]" in query:
            epoch, begin = (int(part) for part in query["page[after]"][0].split("."))
            if epoch != self.epoch:
                return 400, {}, {"error": "InvalidPaginationParameter", "description": "Invalid cursor"}
        page = entries[begin:begin + size]
        return 200, {}, {name: page, "meta": {"has_more": begin + size < len(entries), "after_cursor": f"{self.epoch}.{begin + size}",
                                              "before_cursor": "0"},
                         "links": {"next": f"{self.url}/api/v2/{name}?page[after]={self.epoch}.{begin + size}"}}

    def list_users(self, query):
        return self.list_page("users", query, [user for user in self.users.values() if user["role"] in query["role[]"]])

    def list_groups(self, query):
        hidden = query.get("exclude_deleted") != ["false"]
        return self.list_page("groups", query, [group for group in self.groups.values() if not (hidden and group["deleted"])])

    def show_organizations(self, query):
        ids = [int(each) for each in query["ids"][0].split(",")]
        if len(ids) > 100:
            return 400, {}, {"error": "TooManyIds"}
        return 200, {}, {"organizations": [self.organizations[each] for each in ids if each in self.organizations]}


# --- an account with some weeks of work ----------------------------------------------------------------------------------


def busy(desk, n=120, seed=1):
    """n tickets in some weeks, often several updates in a second."""
    chance = random.Random(seed)
    t0 = int(time.time()) - 40 * 86400
    people = [desk.user() for _ in range(20)]
    staff = [desk.user(chance.choice(["agent", "admin"])) for _ in range(230)]  # more than two pages
    groups = [desk.group(f"Group {n}") for n in range(5)]
    sites = [desk.organization(f"3301{n:02}") for n in range(30)]
    for ticket in range(1, n + 1):
        at = t0 + chance.randrange(0, 20 * 86400) // 7200 * 7200
        desk.create(ticket, at, chance.choice(people), organization=chance.choice(sites), group=groups[ticket % 5],
                    priority=chance.choice(["low", "normal", "high", "urgent", None]))
        desk.apply_sla(ticket, at, "reply_time", 60)
        was = "new"
        for _ in range(chance.randrange(1, 6)):
            at += chance.choice([0, 0, 60, 3600, 7200])
            to = chance.choice([status for status in ("open", "pending", "hold", "solved") if status != was])
            desk.reply(ticket, at, chance.choice(staff if to != "open" else people), status=to, was=was)
            was = to
        if ticket % 17 == 0:
            desk.delete(ticket, at + 60)
    return desk


def options(desk, folder, **more):
    path = os.path.join(folder, "token")
    with open(path, "w", encoding="utf-8") as file:
        file.write(TOKEN + "\n")
    os.chmod(path, 0o600)
    return {"url": desk.url, "user": USER, "token": path, "per_minute": 60000, "every": "1s", **more}


def recorded(folder):
    """Options, a tape of an account and the events of it. Without sites: which organizations are asked for hangs on what is
    known already."""
    with Zendesk() as desk:
        busy(desk, 30, seed=3)
        given = folder.write("options.json", json.dumps(options(desk, folder.path, per_page=20, site="none")))
        tape = os.path.join(folder.path, "tape.ndjson")
        command = [built("tendon"), "plugin", "try", built("zendesk.so"), "--options", given]
        environment = {**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")}
        done = subprocess.run([*command, "--record", tape, "--for", "3s"], capture_output=True, text=True, check=False, timeout=60, env=environment)
        assert done.returncode == 0, done.stderr
        return given, tape, done.stdout
