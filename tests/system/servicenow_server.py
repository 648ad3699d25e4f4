"""A ServiceNow instance as its documentation describes it: what people do there, and the Table API that tells of it."""
import base64
import datetime
import hashlib
import itertools
import json
import os
import random
import subprocess
import time

from collector import built
from vendor_server import VendorServer

PASSWORD = "a password for the tests"
USER = "tendon.reader"
SECRET_WORD = "Zanzibar"  # stands in texts, which must come nowhere
SYSTEM = "system"
NEW, OPEN, HOLD, RESOLVED, CLOSED = "1", "2", "3", "6", "7"


def iso(seconds, zone=0):
    return datetime.datetime.fromtimestamp(seconds + zone * 3600, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def holds(row, condition):
    """One condition of an encoded query; what this does not know of it is an error, as it is there."""
    for operator in (">=", "<=", ">", "<", "=", "IN"):
        field, found, value = condition.partition(operator)
        if not found or not field.replace("_", "").islower():
            continue
        has = row.get(field, "")
        if operator == "IN":
            return has in value.split(",")
        return {">=": has >= value, "<=": has <= value, ">": has > value, "<": has < value, "=": has == value}[operator]
    raise ValueError(condition)


class ServiceNow(VendorServer):
    """Times are seconds since 1970. `hidden` holds sys_ids of rows that the user's rights hide."""

    def __init__(self):
        self.tables = {name: {} for name in ("incident", "sys_audit", "sys_journal_field", "sys_user_group", "cmn_location",
                                             "core_company")}
        self.hidden, self.hidden_fields = set(), set()
        self.zone = 0  # of the user, in hours from UTC
        self.is_expired = False  # the session: the next request is told so
        self.token = None  # of OAuth, where there is one
        self.ids = itertools.count(1)
        super().__init__()

    # --- what happens ---------------------------------------------------------------------------------------

    def row(self, table, **fields):
        with self.lock:
            made = {"sys_id": hashlib.md5(b"%d" % next(self.ids)).hexdigest(), **fields}
            self.tables[table][made["sys_id"]] = made
        return made["sys_id"]

    def group(self, name):
        return self.row("sys_user_group", name=name)

    def location(self, name, code=""):
        return self.row("cmn_location", name=name, u_code=code)

    def create(self, number, at, caller="c.linician", opener=None, **fields):
        return self.row("incident", **{
            "number": number, "opened_at": iso(at), "sys_created_on": iso(at), "sys_updated_on": iso(at), "sys_mod_count": "0",
            "state": NEW, "hold_reason": "", "caller_id.user_name": caller, "opened_by.user_name": opener or caller,
            "short_description": SECRET_WORD, "description": SECRET_WORD, "priority": "3", "category": "software",
            "contact_type": "phone", "location": "", "assignment_group": "", **fields})

    def update(self, incident, at, user, audited=True, **fields):
        """Changes some fields at once, each with its row in sys_audit."""
        with self.lock:
            row = self.tables["incident"][incident]
            step = str(int(row["sys_mod_count"]) + 1)
            for field, value in fields.items():
                if audited and row.get(field, "") != value:
                    self.row("sys_audit", tablename="incident", documentkey=incident, fieldname=field, oldvalue=row.get(field, ""),
                             newvalue=value, user=user, sys_created_on=iso(at), record_checkpoint=step)
                row[field] = value
            row.update(sys_mod_count=step, sys_updated_on=iso(at))

    def write(self, incident, at, user, element="comments"):
        with self.lock:
            self.row("sys_journal_field", name="incident", element=element, element_id=incident, sys_created_by=user,
                     sys_created_on=iso(at), value=SECRET_WORD)
            self.row("sys_audit", tablename="incident", documentkey=incident, fieldname=element, oldvalue="", newvalue=SECRET_WORD,
                     user=user, sys_created_on=iso(at), record_checkpoint="9")
            row = self.tables["incident"][incident]
            row.update(sys_mod_count=str(int(row["sys_mod_count"]) + 1), sys_updated_on=iso(at))

    # --- the API ------------------------------------------------------------------------------------------

    def answer(self, asked):
        expected = f"Bearer {self.token}" if self.token else "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.is_expired or asked.headers.get("Authorization") != expected:
            self.is_expired = False
            return 401, {}, {"error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"},
                             "status": "failure"}
        table = asked.path.removeprefix("/api/now/table/")
        if table not in self.tables:
            return 400, {}, {"error": {"message": f"Invalid table {table}", "detail": None}, "status": "failure"}
        return self.read(asked, table)

    def read(self, asked, table):
        query = {name: values[0] for name, values in asked.query.items()}
        conditions, order = [], []
        for each in query["sysparm_query"].split("^"):
            (order if each.startswith("ORDERBY") else conditions).append(each.removeprefix("ORDERBY"))
        # What a query says of times is read in the user's zone; what rows say is in UTC.
        rows = [row for row in self.tables[table].values() if all(holds(self.as_queried(row), each) for each in conditions)]
        for field in reversed(order):
            rows.sort(key=lambda row: row.get(field, ""))
        limit, offset = int(query["sysparm_limit"]), int(query.get("sysparm_offset", "0"))
        page = [self.shown(row, query) for row in rows[offset:offset + limit] if row["sys_id"] not in self.hidden]
        headers = {"X-Total-Count": str(len(rows))}
        if offset + limit < len(rows):  # by the instance's own name, which may not be the one that it was asked by
            links = {"first": 0, "next": offset + limit}
            headers["Link"] = ",".join(f'<https://acme.service-now.example{asked.path}?sysparm_limit={limit}&sysparm_offset={to}>;rel="{rel}"'
                                       for rel, to in links.items())
        return 200, headers, {"result": page}

    def as_queried(self, row):
        if not self.zone:
            return row
        return {name: iso(datetime.datetime.fromisoformat(value + "+00:00").timestamp(), self.zone) if name.endswith(("_on", "_at")) else value
                for name, value in row.items()}

    def shown(self, row, query):
        fields = [field for field in query["sysparm_fields"].split(",") if field in row and field not in self.hidden_fields]
        if query["sysparm_display_value"] == "all":
            displayed = self.as_queried(row)
            return {field: {"display_value": displayed[field], "value": row[field]} for field in fields}
        return {field: row[field] for field in fields}


# --- an instance with some weeks of work --------------------------------------------------------------------------------


def busy(desk, n=120, seed=1):
    """n incidents, often several updates in a second."""
    chance = random.Random(seed)
    t0 = int(time.time()) - 40 * 86400
    groups = [desk.group(f"Group {n}") for n in range(5)]
    sites = [desk.location(f"Clinic {n}") for n in range(130)]
    for number in range(1, n + 1):
        at = t0 + chance.randrange(0, 20 * 86400) // 7200 * 7200
        incident = desk.create(f"INC{number:07}", at, location=chance.choice(sites), assignment_group=groups[number % 5],
                               priority=str(chance.randrange(1, 6)))
        state = NEW
        for _ in range(chance.randrange(1, 6)):
            at += chance.choice([0, 60, 3600, 7200])
            state = chance.choice([each for each in (OPEN, HOLD, RESOLVED) if each != state])
            if chance.random() < 0.5:
                desk.write(incident, at, chance.choice(["c.linician", "a.gent"]), chance.choice(["comments", "work_notes"]))
            desk.update(incident, at, "a.gent", state=state, hold_reason=chance.choice(["1", "4"]) if state == HOLD else "",
                        **({"assignment_group": chance.choice(groups)} if chance.random() < 0.3 else {}))
    return desk


def options(desk, folder, **more):
    path = os.path.join(folder, "password")
    with open(path, "w", encoding="utf-8") as file:
        file.write(PASSWORD + "\n")
    os.chmod(path, 0o600)
    return {"url": desk.url, "user": USER, "password": path, "per_minute": 60000, "every": "1s", **more}


def recorded(folder):
    """Options, a tape of an instance and the events of it. Without references: which are asked for hangs on what is known
    already."""
    with ServiceNow() as desk:
        busy(desk, 30, seed=3)
        given = folder.write("options.json", json.dumps(options(desk, folder.path, per_page=5, references={
            "location": "", "assignment_group": ""})))
        tape = os.path.join(folder.path, "tape.ndjson")
        done = subprocess.run([built("tendon"), "plugin", "try", built("servicenow-api.so"), "--options", given, "--record", tape,
                               "--for", "3s"], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "TENDON_PLUGIN_HOST": built("tendon-plugin-host")})
        assert done.returncode == 0, done.stderr
        return given, tape, done.stdout
