"""What speaks of a person is refused at every way in, and stands nowhere afterwards.

All of personal.CORPUS is sent through all ways: the wire, the plugins, imports, the command line, questions. Then everything
that the collector wrote is searched: each file below its folders as it lies on the disk, with the pages that its databases do
not use any more and what is in zstd frames; its log with those of the plugin hosts; and every answer that anybody got. Not
searched are memory, and columns of numbers, in which no text can stand. Values without a form are not sent where an open
dimension would take them: test_what_an_open_dimension_takes shows what the manual says of those."""
import csv
import hashlib
import hmac
import http.client
import json
import os
import re
import time

import msgpack
import pytest

import collector as collector_module
import personal
import servicenow_server
import zendesk_server
from collector import BUILD, TOP, Collector, built, free_port, wait_for
from events import D0, created
from fake_rt import FakeRT
from personal import CORPUS, FORMED, FORMLESS
from tendon_client import Client, Nacked, Refused, Timeout, new_keys, pack

HOOK_KEY = b"a key for the tests"
END = "2024-12-31T23:59:00Z"  # of the last row of each file
CODE_BYTES, SPACES, ID_BYTES = 64, 4, 128
IDS = {"id", "ticket", "into", "respondent"}
LISTS = {"by", "kind", "direction", "metric", "clock", "to", "reason", "outcome", "rater_relation", "channel"}
NUMBERS = {"at", "seq", "severity", "tier", "queue_s", "talk_s", "wrap_s", "target_s", "score", "min", "max", "complete_until",
           "public", "automated"}
CLOSED = {"site", "team", "category", "ward"}
NEEDED = {
    "ticket.updated": {"severity": 2}, "ticket.assigned": {"tier": 1}, "ticket.message": {"direction": "out"},
    "sla.applied": {"metric": "first_response_time", "target_s": 60, "clock": "wall"},
    "sla.cancelled": {"metric": "first_response_time"}, "ticket.status": {"to": "open"}, "ticket.merged": {"into": "elsewhere"},
    "ticket.deleted": {"reason": "test"}, "contact.ended": {"outcome": "answered"}, "survey.sent": {"instrument": "csat"},
    "survey.response": {"instrument": "csat", "score": 4, "min": 1, "max": 5},
}
HEARD = []  # every answer to anybody, as bytes


class Listening(Client):
    """A client that keeps what it hears, but for the cursor of a WELCOME: that is the source's own, given back to it."""

    def receive(self, timeout=None):
        kind, request, body = super().receive(timeout)
        HEARD.append(pack({key: value for key, value in body.items() if (kind, key) != ("WELCOME", "cursor")}))
        return kind, request, body


def expected(field, value):
    """The code with which a value is refused in a field of an event; "" where it is taken and hashed, None where it is taken as it
    is: there it is not sent."""
    size = len(value.text.encode())
    if field in IDS:
        return "" if size <= ID_BYTES else "too_long"
    if field in LISTS:
        return "unknown_value"
    if field in NUMBERS:
        return "wrong_type"
    if field == "type":
        return "unknown_type"
    if size > CODE_BYTES:
        return "too_long"
    if value.text.count(" ") > SPACES:
        return "not_a_code"
    if value.has_form:
        return "looks_personal"
    return "closed_dimension" if field in CLOSED else None


# --- files for the plugins

def write_csv(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return str(path)


def spread(header, good, fields, end):
    """Rows that hold each value in each column where it is not taken as it is (fields: column → field, absent: not read), and a
    last one that is fine."""
    rows = []
    for n, value in enumerate(CORPUS):
        for column in header:
            if column not in fields or expected(fields[column], value) is not None:
                rows.append([value.text if name == column else text.replace("%", f"{n}-{column}")
                             for name, text in zip(header, good)])
    return rows + [[end.get(name, text).replace("%", "end") for name, text in zip(header, good)]]


CSV_HEADER = ["number", "key", "what", "when", "state", "desk", "place", "class", "urgency", "way", "person", "wing", "remarks"]
CSV_FIELDS = {"number": "ticket", "key": "id", "what": "type", "when": "at", "state": "to", "desk": "team", "place": "site",
              "class": "category", "urgency": "severity", "way": "channel", "person": "requester_role", "wing": "ward"}
CSV_GOOD = ["T%", "i%", "ticket.status", "2024-01-08T10:00:00Z", "open", "", "", "", "2", "phone", "", "", "none"]
SNOW_HEADER = ["number", "sys_updated_at", "sys_mod_count", "opened_at", "incident_state", "location", "priority", "contact_type",
               "category", "assignment_group", "caller_id", "short_description"]
SNOW_FIELDS = {"number": "ticket", "sys_updated_at": "at", "sys_mod_count": "seq", "opened_at": "at", "incident_state": "to",
               "location": "site", "priority": "severity", "contact_type": "channel", "category": "category",
               "assignment_group": "team"}
SNOW_GOOD = ["INC%", "2024-01-08 10:00:00", "1", "2024-01-08 09:00:00", "Active", "", "2 - High", "Phone", "", "", "none", "none"]
BALLOT_HEADER = ["Response ID", "Submitted", "Facility", "Person", "Role", "Filled in by", "Ticket", "Vendor", "Overall?", "Why?",
                 "Comments"]
BALLOT_FIELDS = {"Response ID": "id", "Submitted": "at", "Facility": "site", "Person": "respondent", "Role": "respondent_role",
                 "Filled in by": "rater_relation", "Ticket": "ticket", "Vendor": "vendor", "Overall?": "score", "Why?": "choice"}
BALLOT_GOOD = ["r%", "2024-01-08T10:00:00Z", "", "p%", "nurse", "self", "T%", "acme", "4", "yes", "none"]
TEMPLATE_HEADER = ["id", "ticket", "at", "event", "value", "severity", "site", "notes"]
TEMPLATE_FIELDS = {"id": "id", "ticket": "ticket", "at": "at", "event": "type", "value": "to", "severity": "severity",
                   "site": "site"}
TEMPLATE_GOOD = ["i%", "T%", "2024-01-08T10:00:00Z", "status", "open", "2", "", "none"]


def plugins(folder):
    """An instance for each plugin that takes something from outside, on files of personal values. The simulator takes nothing."""
    drop = folder / "drop"
    drop.mkdir()
    for n, value in enumerate(FORMED):  # file names, which are said of rows that cannot be read
        (drop / (re.sub("/", "_", value.text) + ".csv")).write_text(f"id,when\n{n},never\n", encoding="utf-8")
    (folder / "hook.secret").write_bytes(HOOK_KEY)
    (folder / "hook.secret").chmod(0o600)
    last = {"when": END, "sys_updated_at": "2024-12-31 23:59:00", "Submitted": END, "at": END}
    files = {name: write_csv(folder / f"{name}.csv", header, spread(header, good, fields, last)) for name, header, good, fields in (
        ("rows", CSV_HEADER, CSV_GOOD, CSV_FIELDS), ("incidents", SNOW_HEADER, SNOW_GOOD, SNOW_FIELDS),
        ("ballots", BALLOT_HEADER, BALLOT_GOOD, BALLOT_FIELDS), ("log", TEMPLATE_HEADER, TEMPLATE_GOOD, TEMPLATE_FIELDS))}
    columns = {field: column for column, field in CSV_FIELDS.items() if field != "ward"}
    hook_port = free_port()
    made = [
        {"source": "rows", "plugin": "csv",
         "options": {"path": files["rows"], "rows": "event", "columns": columns, "dimensions": {"ward": "wing"}}},
        {"source": "dropped", "plugin": "csv",
         "options": {"path": str(drop), "rows": "event", "columns": {"ticket": "id", "at": "when"},
                     "constants": {"type": "ticket.created"}}},
        {"source": "incidents", "plugin": "servicenow", "options": {"path": files["incidents"]}},
        {"source": "ballots", "plugin": "survey", "types": ["survey.*"],
         "options": {"path": files["ballots"], "rows": "respondent", "constants": {"instrument": "csat"},
                     "columns": {field: column for column, field in BALLOT_FIELDS.items() if field not in ("score", "choice")},
                     "questions": {"Overall?": "overall", "Why?": "why"}, "scales": {"overall": "1..5"}}},
        {"source": "log", "plugin": "template", "options": {"path": files["log"]}},
        {"source": "hook", "plugin": "webhook",
         "options": {"listen": f"127.0.0.1:{hook_port}", "secret": str(folder / "hook.secret")}},
        *({"source": f"tells-{way}", "plugin": "teller", "options": {"way": way, "values": [value.text for value in FORMED]}}
          for way in ("log", "skip")),
        *({"source": f"fails-{n}", "plugin": "teller", "options": {"way": ("create", "start", "poll")[n % 3], "values": [value.text]}}
          for n, value in enumerate(FORMED)),
    ]
    return made, hook_port


def desks(folder):
    """Three help desks in which every word is personal, and an instance of the plugin that asks each."""
    rt, zendesk, snow = FakeRT(), zendesk_server.Zendesk(), servicenow_server.ServiceNow()
    t0 = int(time.time()) - 90_000
    clinician, agent = zendesk.user(), zendesk.user("agent")
    for n, value in enumerate(CORPUS, 1):
        text = value.text
        rt.queues[100 + n] = text
        rt.create(n, queue=100 + n, fields={5: text, 6: text, 7: text})
        rt.reply(n)
        zendesk.create(n, t0 + n, clinician, organization=zendesk.organization(text), group=zendesk.group(text), priority=text,
                       fields={"99": text}, type=text)
        zendesk.reply(n, t0 + 600 + n, agent)
        incident = snow.create(text, t0 + n, location=snow.location(text, text), assignment_group=snow.group(text), category=text,
                               contact_type=text, priority=text)
        snow.write(incident, t0 + 600 + n, "kim")
    token = folder / "rt.token"
    token.write_text(rt.token[len("token "):] + "\n", encoding="utf-8")
    token.chmod(0o600)
    rt_options = {"url": rt.url, "token": str(token), "per_minute": 60000, "every": "1s",
                  "custom_fields": {"category": "Maker", "severity": "Urgency", "site": "Hospital"}}
    return (rt, zendesk, snow), [
        {"source": "rt", "plugin": "rt", "options": rt_options},
        {"source": "zendesk", "plugin": "zendesk",
         "options": zendesk_server.options(zendesk, str(folder), fields={"99": "category", "type": "ward"})},
        {"source": "snow", "plugin": "servicenow-api", "options": servicenow_server.options(snow, str(folder))},
    ]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    given = tmp_path_factory.mktemp("given")
    instances, hook_port = plugins(given)
    servers, asking = desks(given)
    instances += asking
    patch = pytest.MonkeyPatch()
    patch.setattr(collector_module, "Client", Listening)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        patch.delenv(name)
    with Collector(listen=True, plugins=instances, plugin_path=[f"{BUILD}/tests/system/plugins"],
                   tenants=[{"name": "riverbend", "zone": "UTC", "closed": sorted(CLOSED), "dimensions": ["ward"]}]) as collector:
        collector.hook_port = hook_port
        yield collector
    for server in servers:
        server.__exit__(None, None, None)
    patch.undo()


# --- the search can fail

@pytest.mark.parametrize("value", CORPUS, ids=lambda value: value.kind + " " + value.text[:12])
def test_what_is_planted_is_found(value, tmp_path):
    """Each value in each way of writing it, in the middle of a file, and packed with zstd."""
    for n, (name, data) in enumerate(personal.encodings(value.text).items()):
        (tmp_path / f"planted-{n}").write_bytes(b"\0\1before" * 100 + data + b"after\xff" * 100)
        assert (value, name) in {(found, how) for _, found, how in personal.find_in_files(tmp_path)}
        (tmp_path / f"planted-{n}").unlink()
    for offset in range(3):
        text = personal.base64.b64encode(b"x" * offset + value.text.encode() + b"y" * 5)
        assert {name for found, name in personal.find(text) if found == value} & {f"base64+{offset}", f"base64url+{offset}"}
    assert not personal.find(b"Quillon Ashgrove 987-65-432 203.0.113.7 discharged")


def test_what_is_packed_is_found(tmp_path):
    size = personal._zstd.ZSTD_compressBound(personal.ctypes.c_size_t(4000))
    room, text = personal.ctypes.create_string_buffer(size), b"filler " * 200 + CORPUS[0].text.encode() + b" filler" * 200
    n = personal._zstd.ZSTD_compress(room, personal.ctypes.c_size_t(size), text, personal.ctypes.c_size_t(len(text)), 19)
    frame = room.raw[:n]
    (tmp_path / "packed").write_bytes(b"page" * 1000 + frame + b"page" * 1000 + frame[:9] + frame)
    assert (CORPUS[0], "utf-8 under zstd") in {(value, how) for _, value, how in personal.find_in_files(tmp_path)}


def test_all_eighteen_kinds_are_there():
    assert "".join(personal.KINDS) == "ABCDEFGHIJKLMNOPQR"
    assert {value.kind[0] for value in FORMED} == set("DEFGJNO")


# --- the ways in; each says what became of its values, the search comes at the end

def test_every_field_of_every_event(running):
    sent = []
    with running.connect(running.grant("wire", types=["ticket.*", "sla.*", "contact.*", "survey.*", "source.watermark"])) as client:
        types = client.hello("wire")["types"]
        assert len(types) == 14 and "ward" in types["ticket.created"] and "choice" in types["survey.response"]
        for n, value in enumerate(CORPUS):
            for type_, fields in types.items():
                base = {"type": type_, "id": f"{n}", "at": D0, "ticket": f"{type_}-{n}", **NEEDED.get(type_, {})}
                if type_ == "source.watermark":
                    base = {"type": type_, "complete_until": D0}
                for field in {*fields, *base, "type"} | ({"seq", "ward"} if "id" in base else set()):
                    code = expected(field, value)
                    event = {key: base[key] for key in base if field != "choice" or key not in ("score", "min", "max")}
                    if "id" in event:
                        event["id"] = f"{n}-{field}"
                    if code is not None:
                        sent.append(({**event, field: value.text}, code))
        for event, code in around():
            sent.append((event, code))
        done, wrong = 0, []
        for batch in client.cut([event for event, _ in sent]):
            got = dict(client.batch(batch)["rejected"])
            wrong += [(*sent[done + n], got.get(n, "")) for n in range(len(batch)) if got.get(n, "") != sent[done + n][1]]
            done += len(batch)
        assert wrong == [] and done == len(sent)
    assert len(sent) > 5000


def test_closed_dimensions(running):
    """Names, addresses and record numbers have no form; a closed dimension, built-in or declared, takes none of them, and the list
    of the source's rejects says which event it was and not what stood in it."""
    values = [value for value in FORMLESS if expected("category", value) == "closed_dimension"]
    assert {value.kind[0] for value in values} >= set("ABH")
    running.call("code.import", rows=[{"dimension": "category", "value": "access"}, {"dimension": "ward", "value": "icu"}])
    with running.source("closing") as client:
        events = [created(f"closing-{field}-{n}", **{field: value.text}) for field in ("category", "ward") for n, value in enumerate(values)]
        answer = client.batch([*events, created("closing-fine", category="access", ward="icu")])
        assert answer["rejected"] == [[n, "closed_dimension"] for n in range(len(events))] and answer["accepted"] == 1
    rejects = running.call("source.rejects", source="closing", limit=100)
    assert "closed_dimension" in str(rejects) and not personal.find(str(rejects).encode())


def around():
    """Values in a longer text, as a field's name, deeper inside, as bytes."""
    for n, value in enumerate(CORPUS):
        base = created(f"around-{n}")
        if value.has_form and len(value.text) < 50 and value.text.count(" ") < SPACES:
            yield {**base, "category": f"x {value.text}"}, "looks_personal"
            yield {**base, "product": f"{value.text};"}, "looks_personal"
        yield {**base, "patient_name": value.text}, "unknown_field"
        yield {**base, "subject": f"{value.text} called, please call back today"}, "unknown_field"
        yield {**base, value.text: 1}, "unknown_field"
        yield {**base, "notes": {"patient": [value.text]}}, "unknown_field"
        yield {**base, "vendor": {"patient": [value.text]}}, "wrong_type"
        yield {**base, "vendor": value.text.encode()}, "wrong_type"


def test_what_the_store_refuses_is_not_kept(running):
    """An event that is refused late, for its ticket is full: neither its text nor any other of it is kept."""
    with running.source("full") as client:
        assert client.send([created("full", D0 + n) for n in range(4096)])["accepted"] == 4096
        answer = client.send([created("full", D0 + 5000 + n, module=value.text, product=f"product {n}")
                              for n, value in enumerate(FORMLESS) if expected("module", value) is None])
        assert {code for _, code in answer["rejected"]} == {"ticket_full"} and answer["accepted"] == 0


def test_the_rest_of_the_wire(running):
    """Cursors, greetings, names of kinds and methods, and bytes that are no message."""
    keys = running.grant("greets")
    for value in CORPUS:
        with running.connect(keys) as client:
            for hello in ({"source": value.text, "software": "x", "session": 1}, {"source": "greets", "session": value.text}):
                with pytest.raises(Nacked):
                    kind, body = client.ask("HELLO", hello)
                    raise Nacked(body) if kind == "NACK" else AssertionError(kind)
    with running.connect(keys) as client:
        for n, value in enumerate(CORPUS):
            kind, body = client.ask("HELLO", {"source": "greets", "software": value.text if value.has_form else "x",
                                              "session": 1000 + n, "patient": value.text, value.text: 1})
            assert kind == "WELCOME"
            client.last_seq = body["last_seq"]
            assert client.batch([created(f"greets-{n}")], cursor=value.text.encode())["accepted"] == 1
            for kind, body in (("BATCH", {"seq": client.last_seq + 1, "events": [], value.text: 1}), (value.text, {}),
                               ("BATCH", value.text)):
                assert client.ask(kind, body)[0] in ("NACK", "ERROR")
            whole = pack([1, "BATCH", 7, {"seq": client.last_seq + 1, "events": [created("t", category=value.text)]}])
            client.send_raw(whole[:-1])
            client.send_raw(value.text.encode())
            client.send_raw(msgpack.packb([value.text] * 4))
        assert client.batch([created("greets-end")])["accepted"] == 1


def refused(running, method, echo, **params):
    """A call that fails. echo: its error may quote its asker, so it is not among what is searched."""
    n = len(HEARD)
    with pytest.raises(Refused) as caught:
        running.call(method, **params)
    if echo:
        del HEARD[n:]
    return caught.value.code


def test_questions(running):
    """A value that a question names is a hash in the audit log. What has a form is not even said again to its asker."""
    for value in CORPUS:
        quoted = value.text.replace("'", "")
        for body in ({"metrics": [value.text]}, {"metrics": ["csat"], "by": [value.text]},
                     {"metrics": ["csat"], "where": f"{quoted}=1"}, {"metrics": ["csat"], "where": f"severity='{quoted}'"},
                     {"metrics": ["csat"], "where": f"channel='{quoted}'"}, {"metrics": ["csat"], "since": value.text},
                     {"metrics": ["csat"], "tz": value.text}, {"metrics": ["csat"], value.text: "x"},
                     {"metrics": [f"csat.{value.text}"]}, {"metrics": ["csat"], "unit": value.text}):
            n = len(HEARD)
            with pytest.raises(Refused):
                running.ask()._parts("QUERY", body)
            if not value.has_form:
                del HEARD[n:]
        for where in (f"vendor='{quoted}'", f"site in ('{quoted}', north)", f"team!='{quoted}' or ward='{quoted}'"):
            n = len(HEARD)
            answer = running.query("tickets_created", where=where)
            assert answer["rows"] and answer["meta"]["warnings"]
            if not value.has_form:  # its warning quotes what no event has
                del HEARD[n:]
        n = len(HEARD)
        try:
            running.query("csat", instrument=value.text, question=value.text)
        except Refused:
            pass
        if not value.has_form:
            del HEARD[n:]
        running.call("ticket.explain", ticket=f"greets/greets-{CORPUS.index(value)}")
        for ticket in (f"nowhere/{value.text}", f"wire/x{value.text}", f"#{value.text}"):
            assert refused(running, "ticket.explain", False, ticket=ticket) in ("unknown_ticket", "bad_option")
        if len(value.text.encode()) <= ID_BYTES:  # which are tickets
            assert running.call("ticket.explain", ticket=f"wire/{value.text}")["timeline"]


def test_names_in_calls(running):
    key = new_keys()[0].decode()
    for value in CORPUS:
        echo, text = not value.has_form, value.text
        for method, params in (("source.show", {"source": text}), ("source.rejects", {"source": text}),
                               ("source.reset", {"source": text}), ("tenant.show", {"tenant": text}),
                               ("tenant.remove", {"tenant": text}), ("tenant.add", {"tenant": f"x {text}"}),
                               ("tenant.add", {"tenant": "fine", "zone": text}), ("key.revoke", {"name": text}),
                               ("key.rotate", {"name": text, "new_public_key": key}), ("key.grant", {"public_key": text}),
                               ("key.grant", {"public_key": key, "name": "n", "role": text}),
                               ("key.grant", {"public_key": key, "name": "n", "role": "source", "source": f"x {text}"}),
                               ("key.grant", {"public_key": key, "name": "n", "role": "source", "source": "x", "types": [text]}),
                               ("calendar.show", {"calendar": text}), ("calendar.remove", {"calendar": text}),
                               ("calendar.import", {"calendar": "c", "definition": {"zone": text, "hours": "mon-fri 09:00-17:00"}}),
                               ("calendar.import", {"calendar": "c", "definition": {"zone": "UTC", "hours": text}}),
                               ("calendar.import", {"calendar": "c", "definition": {"zone": "UTC", "holidays": [text]}}),
                               ("calendar.import", {"calendar": "c", "definition": {"zone": "UTC", "note": text}}),
                               ("metric.show", {"name": text}), ("plugin.show", {"plugin": text}),
                               ("plugin.reload", {"source": text}), ("plugin.release", {"source": text}),
                               ("audit.list", {"chain": text}), ("status", {text: 1}), (text, {}),
                               ("benchmark.undefine", {"cube": text}), ("benchmark.freeze", {"month": text}),
                               ("benchmark.show", {"cube": "c", "month": text}), ("benchmark.show", {"cube": text}),
                               ("benchmark.define", {"cube": f"x {text}", "metric": "reopen_rate", "by": "site"}),
                               ("benchmark.define", {"cube": "c", "metric": text, "by": "site"}),
                               ("benchmark.define", {"cube": "c", "metric": "reopen_rate", "by": text}),
                               ("reference.list", {"table": text})):
            assert refused(running, method, echo, **params), (method, params)
        running.call("audit.list", act=text)
        if value.has_form:
            for more in ({"name": text}, {"name": "n", "vendor": text}, {"name": "n", "outsourcer": text}, {"name": "n", "namespace": text}):
                assert refused(running, "key.grant", False, **{"public_key": key, "role": "source", "source": "x", **more})
            assert refused(running, "key.grant", False, public_key=key, name="n", role="reader", sites=["north", text])
            assert refused(running, "calendar.import", False, calendar=text, definition={"zone": "UTC", "hours": "mon-fri 09:00-17:00"})
            cube = {"cube": "c", "metric": "reopen_rate", "by": "site"}
            assert refused(running, "benchmark.define", False, **{**cube, "by": "state", "groups": ["TX", text]}) == "bad_param"
            if re.fullmatch("[a-z0-9][a-z0-9._-]*", text):
                assert refused(running, "tenant.add", False, tenant=text) == "looks_personal"
                assert refused(running, "benchmark.define", False, **{**cube, "cube": text}) == "looks_personal"


SITE = ("facility_kind", "beds", "physicians", "state", "country", "org", "ccn", "npi", "calendar")
TEAM = ("employer", "outsourcer", "team_country", "languages", "tier")
STRICT = {"facility_kind", "beds", "physicians", "country", "team_country", "tier"}


def test_imports(running, tmp_path):
    """What has a form is refused as a key and in every attribute. A name is not: a table holds what its admin says it shall."""
    for value in CORPUS:
        for table, attributes in (("site", SITE), ("team", TEAM)):
            if value.has_form:
                assert refused(running, "reference.import", False, table=table, rows=[{"key": value.text}]) == "bad_key"
            for name in attributes:
                if value.has_form or name in STRICT:
                    row = {"key": "k", name: value.text}
                    assert refused(running, "reference.import", False, table=table, rows=[row]) == "bad_attribute"
            assert refused(running, "reference.import", False, table=table, rows=[{"key": "k", value.text: "x"}]) == "unknown_attribute"
        if value.has_form:
            assert refused(running, "code.import", False, rows=[{"dimension": "category", "value": value.text}]) == "bad_value"
        assert refused(running, "code.import", False, rows=[{"dimension": value.text, "value": "x"}]) == "unknown_dimension"
        assert refused(running, "code.import", False, rows=[{"dimension": "category", "value": "x", value.text: 1}]) == "bad_param"
        path = write_csv(tmp_path / "codes.csv", ["dimension", "value"], [[value.text, "x"], ["category", f"{value.text}\n"], ["ward", ""]])
        assert value.text not in running.cli("code", "import", path, status=1).err
    path = write_csv(tmp_path / "sites.csv", ["site", "beds", "contact", "remarks"],
                     [[f"s{n}", 10, value.text, value.text] for n, value in enumerate(CORPUS)])
    assert "contact" in running.cli("site", "import", path, "--key", "site").out  # says what it leaves out
    running.cli("team", "import", write_csv(tmp_path / "teams.csv", ["team", "lead"], [["A", CORPUS[0].text]]), "--key", "team")
    for value in FORMED:
        path = write_csv(tmp_path / "bad.csv", ["site", "org"], [["s1", value.text]])
        assert value.text not in running.cli("site", "import", path, "--key", "site", status=1).err
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//x//EN"]
    for n, value in enumerate(CORPUS):
        text = value.text.replace(",", "\\,").replace(";", "\\;")
        lines += ["BEGIN:VEVENT", f"UID:{text}", f"DTSTART;VALUE=DATE:2024{n % 12 + 1:02}{n // 12 + 1:02}", f"SUMMARY:{text}",
                  f"DESCRIPTION:{text}", f"LOCATION:{text}", f"ATTENDEE;CN=x:mailto:{text}", "END:VEVENT"]
    (tmp_path / "days.ics").write_text("\r\n".join([*lines, "END:VCALENDAR", ""]), encoding="utf-8")
    running.cli("calendar", "import", "days", "--zone", "UTC", "--hours", "mon-fri 09:00-17:00", "--holidays", str(tmp_path / "days.ics"))
    assert running.call("calendar.show", calendar="days")["versions"]


def test_the_command_line(running):
    for kind in personal.KINDS:
        value = next(value for value in CORPUS if value.kind.startswith(kind))
        for arguments in (["query", "tickets_created", "--where", f"vendor='{value.text}'"], ["query", value.text],
                          ["explain", f"x{value.text}"], ["source", "show", value.text], ["metrics", "show", value.text]):
            said = running.cli(*arguments, status=None)
            assert said.status != 0 or "vendor" in arguments[-1]
            if value.has_form and "vendor" not in arguments[-1]:
                assert value.text not in said.out + said.err, arguments


def test_files_are_read_to_the_end(running):
    for source in ("rows", "incidents", "ballots", "log"):
        wait_for(lambda: running.shown(source).get("last_at") == END, 120,
                 lambda: f"{source}: {running.shown(source)} {running.plugin_state(source)}\n{running.log()[-2000:]}")
    for source in ("rows", "incidents", "ballots", "log"):  # each got values where they are hashed, refused and stepped over
        shown = running.shown(source)
        assert shown["accepted"] > len(CORPUS) and shown["rejected"] > len(FORMED), (source, shown)
        wait_for(lambda: running.plugin_state(source)["skipped"] > len(FORMED), 60, lambda: str(running.plugin_state(source)))
    wait_for(lambda: running.plugin_state("dropped").get("skipped") == len(FORMED), 60, lambda: str(running.plugin_state("dropped")))


@pytest.mark.parametrize("source", ["rt", "zendesk", "snow"])
def test_desks_are_read_to_the_end(running, source):
    """What nobody wrote into is taken, what a personal word is in is refused or stepped over."""
    def count():
        shown, state = running.shown(source), running.plugin_state(source)
        return shown.get("accepted", 0), shown.get("rejected", 0) + state.get("skipped", 0)

    wait_for(lambda: min(count()) >= len(FORMED), 60, lambda: f"{source}: {count()} {running.plugin_state(source)}\n{running.log()[-2000:]}")


def test_requests_of_a_webhook(running):
    def send(body, signed=True):
        signature = {"X-Signature": "sha256=" + hmac.new(HOOK_KEY, body, hashlib.sha256).hexdigest()} if signed else {}
        connection = http.client.HTTPConnection("127.0.0.1", running.hook_port, timeout=30)
        try:
            connection.request("POST", "/events", body, signature)
            answer = connection.getresponse()
            HEARD.append(answer.read() + str(answer.headers).encode())
            return answer.status
        finally:
            connection.close()

    wait_for(lambda: running.plugin_state("hook").get("state") == "running", 60, lambda: str(running.plugin_state("hook")))
    for n, value in enumerate(CORPUS):
        events = [{**created(f"hook-{n}"), field: value.text} for field in ("id", "ticket", "type", "at", "team", "severity", "by", "notes")]
        events += [{**created(f"hook-{n}"), field: value.text} for field in ("category", "ward")]
        events += [{**created(f"hook-{n}"), value.text: 1}, value.text, created(f"hook-{n}-end")]
        assert send(json.dumps(events).encode()) == 204
        assert send(value.text.encode()) == 400 and send(json.dumps(events).encode(), signed=False) == 401
    assert running.accepted("hook") >= 2 * len(CORPUS)


def test_what_plugins_say_is_withheld(running):
    for n in range(len(FORMED)):
        wait_for(lambda: running.plugin_state(f"fails-{n}").get("state") in ("failed_config", "failed_auth"), 60,
                 lambda: str(running.plugin_state(f"fails-{n}")))
        assert "withheld" in running.plugin_state(f"fails-{n}")["message"]
    for way in ("log", "skip"):
        wait_for(lambda: running.plugin_state(f"tells-{way}").get("state") == "ended", 60, lambda: str(running.plugin_state(f"tells-{way}")))
    assert len(re.findall("source=tells-log text=\"\\(withheld", running.log())) == len(FORMED)
    assert len(re.findall("source=tells-skip code=bad_(?:row|skip_code) file=\"\\(withheld", running.log())) == len(FORMED)


# --- and nothing of it is anywhere

def test_nothing_is_kept(running):
    for method in ("status", "plugin.list", "plugin.top", "source.list", "key.list", "tenant.list", "tenant.show", "calendar.list"):
        running.call(method)
    for source in (row["source"] for row in running.call("source.list")):
        running.call("source.rejects", source=source, limit=100)
    for table in ("site", "team"):
        running.call("reference.list", table=table)
    running.call("code.list")
    for dimension in ("vendor", "product", "module", "version", "category", "team", "site", "requester_role", "ward", "policy",
                      "instrument", "question", "choice"):
        for metric in ("tickets_created", "sla_attainment", "survey_responses", "csat"):  # each value that the dictionary has
            try:
                running.query(metric, by=dimension)
            except Refused:
                pass  # not a dimension of it
    for chain in ("acts", "usage"):
        running.call("audit.list", chain=chain, limit=10000)
        running.call("audit.export", chain=chain)
    running.restart()  # what was in memory is sealed and read back
    assert running.stop() == 0
    found = personal.find_in_files(running.folder, leave_out={running.config_path})
    assert found == [], "\n".join(str(each) for each in found)
    assert len(HEARD) > 2000 and [heard for heard in HEARD if personal.find(heard)] == []


# --- what the manual says that is not recognised

def manual_table():
    """The rows of PRIVACY in tendon-event(5): kind → whether an open dimension recognises it."""
    with open(f"{TOP}/proto/tendon-event.5.scd", encoding="utf-8") as file:
        text = file.read().split("# PRIVACY\n", 1)[1].split("\n# ", 1)[0]
    return dict(re.findall(r"^\|  ([A-R])\n:  [^\n]*\n:  (yes|no|part)", text, re.M))


def test_what_an_open_dimension_takes(make_collector):
    """The other side: without closed dimensions a value without a form is taken, as the manual says; and the search finds it in the
    files of a real store, which shows that it can."""
    collector = make_collector(listen=True).start()
    taken = [value for value in FORMLESS if expected("module", value) is None]
    with collector.source("desk") as client:
        answer = client.send([created(f"open-{n}", module=value.text) for n, value in enumerate(CORPUS)])
        rejected = {index: code for index, code in answer["rejected"]}
        assert {CORPUS[index] for index in rejected} == set(CORPUS) - set(taken)
    table = manual_table()
    for kind in personal.KINDS:
        refused_ones = {value.has_form for value in CORPUS if value.kind.startswith(kind)}
        assert table[kind] == {(True,): "yes", (False,): "no"}.get(tuple(refused_ones), "part"), kind
    assert collector.stop() == 0
    found = {(value, how) for path, value, how in personal.find_in_files(collector.folder) if "/data/" in path}
    assert found == {(value, "utf-8") for value in taken}
