"""A Request Tracker of a few lines: its REST 2 interface as RT 5 answers it, on loopback, with what a test lets happen."""
import datetime
import json
import re
import urllib.parse

from test_http import Server

BEGIN = 1704708000  # 2024-01-08T10:00:00Z
SUBJECT, BODY = "Quetzalcoatl", "Popocatepetl"  # stand in what must not be asked for, or not be repeated


def instant(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class FakeRT(Server):
    """Tickets and transactions by number. `staff` are RT's privileged users; `hidden` are transactions that the account
    may not see: they take a place in a page and are not in it, and of the whole nothing is told."""

    def __init__(self, is_super=True):
        self.tickets, self.transactions, self.hidden = {}, [], set()
        self.queues = {1: "General", 3: "Onsite"}
        self.fields = {5: "Maker", 6: "Urgency", 7: "Hospital"}
        self.staff = {"root": 12, "kim": 38, "lee": 40}
        self.others = {"RT_System": 1, "Nobody": 6, "anna": 27, "bob": 28}
        self.secret = set()  # paths that are answered 403
        self.is_super = is_super
        self.before = None  # called before a list is answered, with the query
        self.trouble = []  # answers to the next requests, each (status, headers, body), or None for the right one
        self.next_id, self.now = 60, BEGIN
        self.token = "token 1-42-0123456789abcdef"
        super().__init__(self.answer)

    # --- what happens ------------------------------------------------------------------------------------------------------

    def write(self, ticket, kind, creator="kim", field="", before="", after="", at=None, number=None):
        """One transaction; its number."""
        if number is None:
            self.next_id += 1
            number = self.next_id
        self.transactions.append({"id": number, "ObjectId": ticket, "Type": kind, "Field": field, "OldValue": before, "NewValue": after,
                                  "Creator": creator, "Created": instant(at if at is not None else self.now)})
        self.transactions.sort(key=lambda each: each["id"])
        return number

    def create(self, ticket, creator="anna", requestor="anna", queue=1, status="new", fields=None, **more):
        self.now += 60
        self.tickets[ticket] = {"Queue": queue, "Status": status, "Requestor": [requestor] if requestor else [],
                                "CustomFields": {5: "", 6: "", 7: "", **(fields or {})}, "EffectiveId": ticket}
        number = self.write(ticket, "Create", creator, **more)
        self.next_id += 3  # of mails and groups, which nobody asks for
        return number

    def reply(self, ticket, creator="kim"):
        self.now += 60
        return self.write(ticket, "Correspond", creator)

    def comment(self, ticket, creator="kim"):
        self.now += 60
        return self.write(ticket, "Comment", creator)

    def set_status(self, ticket, status, creator="kim"):
        self.now += 60
        before, self.tickets[ticket]["Status"] = self.tickets[ticket]["Status"], status
        return self.write(ticket, "Status", creator, "Status", before, status)

    def set_queue(self, ticket, queue, creator="kim"):
        self.now += 60
        before, self.tickets[ticket]["Queue"] = self.tickets[ticket]["Queue"], queue
        return self.write(ticket, "Set", creator, "Queue", str(before), str(queue))

    def set_owner(self, ticket, before, after, creator="kim", kind="Set"):
        self.now += 60
        users = {**self.staff, **self.others}
        number = self.write(ticket, kind, creator, "Owner", str(users[before]), str(users[after]))
        if kind == "Set":
            self.write(ticket, "SetWatcher", creator, "Owner", str(users[before]), str(users[after]))
        return number

    def set_field(self, ticket, field, value, creator="kim"):
        self.now += 60
        before, self.tickets[ticket]["CustomFields"][field] = self.tickets[ticket]["CustomFields"][field], value
        return self.write(ticket, "CustomField", creator, str(field), before, value)

    def merge(self, ticket, into, creator="kim"):
        self.now += 60
        self.tickets[ticket]["EffectiveId"] = into
        uri = f"fsck.com-rt://example.test/ticket/{into}"
        number = self.write(ticket, "AddLink", creator, "MergedInto", "", uri)
        self.write(into, "AddLink", creator, "MergedInto", "", uri)
        return number

    # --- what is answered --------------------------------------------------------------------------------------------------

    def answer(self, asked):
        if self.trouble and (trouble := self.trouble.pop(0)):
            return trouble
        path, query = urllib.parse.unquote(asked.path), {name: values[0] for name, values in asked.query.items()}
        if not path.startswith("/REST/2.0/"):
            return self.json(404, {"message": "Not Found"})
        if asked.headers.get("Authorization") != self.token:
            return self.json(401, {"message": "Unauthorized"})
        what, _, name = path[len("/REST/2.0/"):].partition("/")
        if (what, name) in self.secret:
            return self.json(403, {"message": "Forbidden"})
        if what in ("transactions", "tickets"):
            assert not re.search("Subject|Content|Data|Name,|EmailAddress", query["fields"]), query
            if self.before:
                self.before(query)
            rows = getattr(self, "find_" + what)(query["query"])
            return self.json(200, self.page(rows, query, getattr(self, "show_" + what)))
        record = getattr(self, "get_" + what)(name)
        return self.json(200, record) if record else self.json(404, {"message": "Not Found"})

    @staticmethod
    def json(status, body):
        return status, {"Content-Type": "application/json"}, json.dumps(body).encode()

    def page(self, rows, query, show):
        assert query["orderby"] == "id"
        rows = sorted(rows, key=lambda each: each["id"], reverse=query["order"] == "DESC")
        size, number = min(int(query["per_page"]), 100), int(query["page"])
        shown = [show(each) for each in rows[(number - 1) * size:number * size] if each["id"] not in self.hidden]
        return {"count": len(shown), "page": number, "per_page": size, "total": len(rows) if self.is_super else None,
                "pages": -(-len(rows) // size) if self.is_super else None, "items": shown}

    def find_transactions(self, query):
        assert query.count("(") == query.count(")")
        after = int(re.search(r"id > (\d+)", query)[1])
        tickets = {int(each) for each in re.findall(r"ObjectId = (\d+)", query)}
        kinds = set(re.findall(r"Type = '(\w+)'", query))
        fields = set(re.findall(r"Field = '(\w+)'", query))
        since = re.search(r"TicketCreated >= '([\d-]+)'", query)
        created = {each["ObjectId"]: each["Created"] for each in self.transactions if each["Type"] == "Create"}
        return [each for each in self.transactions
                if each["id"] > after and (not tickets or each["ObjectId"] in tickets)
                and (each["Type"] in kinds or each["Field"] in fields)
                and not (each["Type"] == "SetWatcher" and "Type != 'SetWatcher'" in query)
                and not (since and created.get(each["ObjectId"], "") < since[1])]

    def find_tickets(self, query):
        assert query.startswith("EffectiveId > 0 AND (") and query.endswith(")")
        wanted = {int(each) for each in re.findall(r"\bid = (\d+)", query)}
        return [{"id": number, **each} for number, each in self.tickets.items()
                if number in wanted and each["Status"] != "deleted" and ("ticket", str(number)) not in self.secret]

    def link(self, kind, key, /, **more):
        return {"type": kind, "id": str(key), "_url": f"{self.url}/REST/2.0/{kind}/{key}", **more}

    def show_transactions(self, each):
        return {**self.link("transaction", each["id"]), **each, "id": str(each["id"]), "ObjectId": str(each["ObjectId"]),
                "Creator": self.link("user", each["Creator"])}

    def show_tickets(self, each):
        return {**self.link("ticket", each["id"]), "Status": each["Status"], "EffectiveId": str(each["EffectiveId"]),
                "Queue": self.link("queue", each["Queue"], **({"Name": self.queues[each["Queue"]]} if ("queue", str(each["Queue"])) not in self.secret else {"Name": ""})),
                "Requestor": [self.link("user", name) for name in each["Requestor"]],
                "CustomFields": [self.link("customfield", number, name=self.fields[number], values=[value] if value else [])
                                 for number, value in each["CustomFields"].items()]}

    def get_ticket(self, name):
        each = self.tickets.get(int(name))
        if each is None:
            return None
        shown = self.show_tickets({"id": each["EffectiveId"], **self.tickets[each["EffectiveId"]]})
        return {**shown, "id": each["EffectiveId"], "Subject": SUBJECT, "Queue": self.link("queue", each["Queue"])}

    def get_queue(self, name):
        return {"id": int(name), "Name": self.queues[int(name)], "Description": SUBJECT} if int(name) in self.queues else None

    def get_customfield(self, name):
        return {"id": int(name), "Name": self.fields[int(name)]} if int(name) in self.fields else None

    def get_user(self, name):
        known = {**self.staff, **self.others}
        found = [each for each, number in known.items() if name in (each, str(number))]
        return {"Name": found[0], "RealName": BODY, "Privileged": int(found[0] in self.staff)} if found else None


def small_world(rt):
    """A few tickets with everything in them that the plugin knows; returns the events that must come of it."""
    events = []

    def add(what, ticket, number, suffix="", **more):
        created = next(each["Created"] for each in rt.transactions if each["id"] == number)
        at = int(datetime.datetime.strptime(created, "%Y-%m-%dT%H:%M:%S%z").timestamp()) * 1000
        events.append({"type": what, "ticket": str(ticket), "id": f"{number}{suffix}", "at": at, "seq": number, **more})

    # A ticket's first values are what they were before they were changed.
    add("ticket.created", 1, rt.create(1, fields={5: "Acme", 6: "2", 7: "North"}), by="requester", vendor="Acme", severity=2, site="North",
        team="General")
    add("ticket.assigned", 1, rt.set_owner(1, "Nobody", "kim"), team="General", kind="reassign")
    add("ticket.message", 1, rt.reply(1), direction="out")
    add("ticket.status", 1, rt.write(1, "Status", "RT_System", "Status", "new", "open"), to="open", automated=True)
    add("ticket.message", 1, rt.reply(1, "anna"), direction="in")
    add("ticket.message", 1, rt.reply(1, "bob"), direction="in")  # no requestor, and no staff
    add("ticket.message", 1, rt.comment(1), direction="internal")
    rt.tickets[1]["Status"] = "open"
    add("ticket.status", 1, rt.set_status(1, "stalled"), to="pending")
    add("ticket.assigned", 1, rt.set_queue(1, 3), team="Onsite", kind="reassign")
    add("ticket.assigned", 1, rt.set_owner(1, "kim", "lee", "lee", "Steal"), team="Onsite", kind="reassign")
    add("ticket.updated", 1, rt.set_field(1, 5, "Bolt"), vendor="Bolt")
    add("ticket.updated", 1, rt.set_field(1, 5, ""), vendor=None)
    add("ticket.assigned", 1, rt.set_owner(1, "lee", "Nobody", "lee"), team="Onsite", kind="return")
    add("ticket.status", 1, rt.set_status(1, "resolved"), to="solved")
    add("ticket.status", 1, rt.set_status(1, "open"), to="open")
    add("ticket.assigned", 1, rt.set_queue(1, 1, "RT_System"), team="General", kind="route")
    # Opened for somebody by an agent, with a status of its own; then merged.
    number = rt.create(2, creator="lee", status="open", queue=3)
    add("ticket.created", 2, number, by="agent", team="Onsite")
    add("ticket.status", 2, number, "/status", to="open")
    add("ticket.merged", 2, rt.merge(2, 1), into="1")
    # Deleted, brought back, deleted again: its values are asked for one by one.
    add("ticket.created", 3, rt.create(3, creator="RT_System", requestor=None, fields={6: "1"}), by="machine", team="General", severity=1)
    add("ticket.deleted", 3, rt.set_status(3, "deleted"), reason="spam")
    number = rt.set_status(3, "open")
    add("ticket.restored", 3, number, "/restored")
    add("ticket.status", 3, number, to="open")
    add("ticket.deleted", 3, rt.set_status(3, "deleted"), reason="spam")
    # A word of another lifecycle is skipped; one that began as rejected is closed.
    number = rt.create(4, status="rejected")
    add("ticket.created", 4, number, by="requester", team="General")
    add("ticket.status", 4, number, "/status", to="closed")
    rt.set_status(4, "frozen")
    # A severity that is none leaves itself out.
    add("ticket.created", 5, rt.create(5, fields={6: "very"}), by="requester", team="General")
    # Staff that asks is a requester.
    add("ticket.created", 6, rt.create(6, creator="kim", requestor="kim"), by="requester", team="General")
    add("ticket.message", 6, rt.reply(6, "lee"), direction="out")
    add("ticket.message", 6, rt.reply(6, "kim"), direction="in")
    # Everything that is nobody's business.
    rt.write(5, "EmailRecord", "RT_System")
    rt.write(5, "Set", "kim", "Subject", SUBJECT, BODY)
    rt.write(5, "AddWatcher", "kim", "Requestor", "", "28")
    return events
