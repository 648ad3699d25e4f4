#!/usr/bin/python3
"""Writes the test vectors beside this file: NAME.msgpack, the bytes, and NAME.json, what they mean.

A client in another language can check its encoder and decoder with them; tests/unit/test_vectors.c checks ours.
tendon-protocol(7) and tendon-event(5) say what the keys of the .json files mean. Needs python3-msgpack.
"""

import json
import pathlib
import struct

import msgpack

HERE = pathlib.Path(__file__).parent
NOW = 1704708000000  # 2024-01-08T10:00:00Z, the receiver's clock in every event vector
DECLARED = ["contract"]

written = []


def write(name, data, meaning):
    (HERE / f"{name}.msgpack").write_bytes(data)
    (HERE / f"{name}.json").write_text(json.dumps(meaning, indent=1, ensure_ascii=False) + "\n")
    written.append(name)


def event(name, title, value, result=None, reject=None, error=None, types=None):
    """One event. value: a dict, or bytes that no dict can say."""
    data = value if isinstance(value, bytes) else msgpack.packb(value, use_bin_type=True)
    meaning = {"is": "event", "title": title, "now": NOW, "declared": DECLARED}
    if types:
        meaning["types"] = types
    if isinstance(value, dict) and all(not isinstance(v, int) or v < 2**63 for v in value.values()):
        meaning["event"] = value  # where JSON, and any reader of it, can say what was sent
    if result is not None:
        meaning["result"] = result
    if reject:
        meaning["reject"] = reject
    if error:
        meaning["error"] = error
    write(f"event-{name}", data, meaning)


def ticket(type_, **fields):
    return {"type": type_, "id": "e1", "at": NOW, "ticket": "INC0000045", **fields}


def takes(name, title, value, **fields):
    """An event that is taken; fields: what it carries with the defaults filled in."""
    result = {k: value[k] for k in ("type", "id", "at", "ticket") if k in value}
    result["seq"] = value.get("seq", 0)
    result.setdefault("at", NOW)
    result["fields"] = fields
    event(name, title, value, result=result)


def pairs(*items):
    """A map with exactly these keys in this order, repeated ones too."""
    return bytes([0x80 + len(items)]) + b"".join(
        msgpack.packb(k, use_bin_type=True) + (v if isinstance(v, bytes) else msgpack.packb(v)) for k, v in items
    )


# --- one of each type ---

DIMENSIONS = dict(
    vendor="acme", product="emr", module="orders", version="9.2", channel="phone", severity=2,
    category="Category 26", team="Group 70", tier=1, site="330101", requester_role="nurse", contract="gold",
)
takes("created", "every dimension, a declared one among them", ticket("ticket.created", by="agent", **DIMENSIONS),
      by="agent", **DIMENSIONS)
takes("created-default", "by is the requester unless it says otherwise", ticket("ticket.created"), by="requester")
takes("updated", "changed dimensions; nil clears one", ticket("ticket.updated", seq=7, severity=3, team=None),
      severity=3, team=None)
takes("assigned", "to a team", ticket("ticket.assigned", team="Group 70", tier=0, kind="escalate"),
      team="Group 70", tier=0, kind="escalate")
takes("assigned-nobody", "nil gives it back; kind may be absent", ticket("ticket.assigned", team=None), team=None)
takes("message-in", "public and not automated by default", ticket("ticket.message", direction="in"),
      direction="in", public=True, automated=False)
takes("message-out", "an automated one", ticket("ticket.message", direction="out", automated=True, public=True),
      direction="out", public=True, automated=True)
takes("message-internal", "internal ones have no public", ticket("ticket.message", direction="internal"),
      direction="internal", automated=False)
takes("message-internal-not-public", "saying that it is not public says nothing new",
      ticket("ticket.message", direction="internal", public=False), direction="internal", automated=False)
takes("sla-applied", "a target of half an hour, to the millisecond",
      ticket("sla.applied", metric="first_response_time", target_s=1800.001, clock="business", policy="gold",
             calendar="chicago"),
      metric="first_response_time", target_s=1800.001, clock="business", policy="gold", calendar="chicago")
takes("sla-cancelled", "only the metric", ticket("sla.cancelled", metric="requester_wait_time"),
      metric="requester_wait_time")
takes("status", "solved by a person unless it says otherwise", ticket("ticket.status", to="solved"),
      to="solved", automated=False)
takes("merged", "into another ticket", ticket("ticket.merged", into="INC0000046"), into="INC0000046")
takes("deleted", "as spam", ticket("ticket.deleted", reason="spam"), reason="spam")
takes("restored", "brought back", ticket("ticket.restored"))
takes("contact", "a call without a ticket",
      {"type": "contact.ended", "id": "c1", "at": NOW, "outcome": "answered", "queue_s": 12, "talk_s": 61.5,
       "wrap_s": 0.25, "channel": "phone"},
      outcome="answered", queue_s=12, talk_s=61.5, wrap_s=0.25, channel="phone")
takes("survey-sent", "without a ticket it names the site",
      {"type": "survey.sent", "id": "s1", "at": NOW, "instrument": "csat", "site": "330101", "respondent": "r-17"},
      instrument="csat", site="330101", respondent="r-17")
takes("survey-response-score", "a score on its scale",
      ticket("survey.response", instrument="csat", question="overall", score=4, min=1, max=5,
             rater_relation="self", respondent_role="physician"),
      instrument="csat", question="overall", score=4, min=1, max=5, rater_relation="self",
      respondent_role="physician")
takes("survey-response-choice", "an answer without a scale",
      ticket("survey.response", instrument="annual", question="prefers_direct", choice="yes"),
      instrument="annual", question="prefers_direct", choice="yes")
takes("survey-response-negative", "a scale may go below zero",
      ticket("survey.response", instrument="nps", score=-0.5, min=-1, max=1),
      instrument="nps", score=-0.5, min=-1, max=1)
takes("watermark", "nothing older will come; no id, no ticket, no dimensions",
      {"type": "source.watermark", "complete_until": NOW - 1000}, complete_until=NOW - 1000)
takes("long-id", "128 bytes of id", ticket("ticket.restored") | {"id": "x" * 128})
takes("code-limits", "64 bytes, four spaces, letters of any script",
      ticket("ticket.updated", category="Notaufnahme für Ärzte 24 h", vendor="v" * 64),
      category="Notaufnahme für Ärzte 24 h", vendor="v" * 64)
event("float32", "seconds as a 32-bit float: the nearest one to a decimal will do",
      pairs(("type", "contact.ended"), ("id", "c1"), ("at", NOW), ("outcome", "callback"),
            ("queue_s", b"\xca" + struct.pack(">f", 12.345))),
      result={"type": "contact.ended", "id": "c1", "at": NOW, "seq": 0,
              "fields": {"outcome": "callback", "queue_s": 12.345}})
event("any-order", "keys come in any order, type last",
      pairs(("to", "open"), ("seq", 4294967295), ("ticket", "t"), ("at", NOW), ("id", "e"), ("type", "ticket.status")),
      result={"type": "ticket.status", "id": "e", "at": NOW, "ticket": "t", "seq": 4294967295,
              "fields": {"to": "open", "automated": False}})

# --- one or more of each reject code that decoding makes ---


def rejects(name, code, title, value, **more):
    event(f"reject-{name}", title, value, reject=code, **more)


rejects("unknown-type", "unknown_type", "no such type", ticket("ticket.exploded", body=1))
rejects("unknown-field", "unknown_field", "a body is no field", ticket("ticket.message", direction="in", body="Hi"))
rejects("unknown-dimension", "unknown_field", "a dimension that the tenant did not declare",
        ticket("ticket.created", region="midwest"))
rejects("unknown-dimension-nul", "unknown_field", "a declared dimension with a byte behind it",
        pairs(("type", "ticket.created"), ("id", "e"), ("at", NOW), ("ticket", "t"), ("contract\0", "gold")))
rejects("field-of-other-type", "unknown_field", "to is a field, but not of this type",
        ticket("ticket.created", to="open"))
rejects("internal-public", "unknown_field", "internal messages are never public",
        ticket("ticket.message", direction="internal", public=True))
rejects("watermark-id", "unknown_field", "a watermark has no id",
        {"type": "source.watermark", "id": "w", "at": NOW, "complete_until": NOW})
rejects("watermark-dimension", "unknown_field", "a watermark has no dimensions",
        {"type": "source.watermark", "at": NOW, "complete_until": NOW, "vendor": "acme"})
rejects("missing-type", "missing_field", "no type", {"id": "e1", "at": NOW, "ticket": "t"})
rejects("missing-id", "missing_field", "no id", {"type": "ticket.restored", "at": NOW, "ticket": "t"})
rejects("missing-at", "missing_field", "no at", {"type": "ticket.restored", "id": "e1", "ticket": "t"})
rejects("missing-ticket", "missing_field", "no ticket", {"type": "ticket.restored", "id": "e1", "at": NOW})
rejects("missing-to", "missing_field", "a status without to", ticket("ticket.status"))
rejects("missing-team", "missing_field", "an assignment to nothing", ticket("ticket.assigned", kind="route"))
rejects("missing-site", "missing_field", "a survey without ticket and site",
        {"type": "survey.sent", "id": "s", "at": NOW, "instrument": "csat"})
rejects("cleared-site", "missing_field", "nil is no site",
        {"type": "survey.sent", "id": "s", "at": NOW, "instrument": "csat", "site": None})
rejects("missing-scale", "missing_field", "a score without its scale",
        ticket("survey.response", instrument="csat", score=4))
rejects("missing-answer", "missing_field", "neither score nor choice", ticket("survey.response", instrument="csat"))
rejects("duplicate-field", "duplicate_field", "a dimension twice",
        pairs(("type", "ticket.created"), ("id", "e"), ("at", NOW), ("ticket", "t"), ("team", "A"), ("team", "A")))
rejects("duplicate-id", "duplicate_field", "the id twice",
        pairs(("type", "ticket.created"), ("id", "e"), ("at", NOW), ("ticket", "t"), ("id", "e")))
rejects("wrong-type-severity", "wrong_type", "a severity as text", ticket("ticket.created", severity="2"))
rejects("wrong-type-at", "wrong_type", "at as text", ticket("ticket.created") | {"at": "2024-01-08T10:00:00Z"})
rejects("wrong-type-at-float", "wrong_type", "at as a float", ticket("ticket.created") | {"at": NOW + 0.5})
rejects("wrong-type-bool", "wrong_type", "1 is not true", ticket("ticket.status", to="open", automated=1))
rejects("wrong-type-id", "wrong_type", "an id as a number", ticket("ticket.created") | {"id": 45})
rejects("wrong-type-bin", "wrong_type", "a code as bin",
        pairs(("type", "ticket.created"), ("id", "e"), ("at", NOW), ("ticket", "t"), ("vendor", b"\xc4\x04acme")))
rejects("wrong-type-nested", "wrong_type", "a list for a code", ticket("ticket.created", vendor=["acme", ["x"]]))
rejects("wrong-type-nil", "wrong_type", "only dimensions are cleared with nil",
        ticket("ticket.status", to="open", automated=None))
rejects("wrong-type-key", "wrong_type", "a key that is no string",
        pairs((7, 1), ("type", "ticket.created"), ("id", "e"), ("at", NOW), ("ticket", "t")))
rejects("wrong-type-event", "wrong_type", "an event that is no map", msgpack.packb([1, "ticket.created"]))
rejects("out-of-range-severity", "out_of_range", "severity is 1..4", ticket("ticket.created", severity=5))
rejects("out-of-range-tier", "out_of_range", "tier is 0..4", ticket("ticket.created", tier=-1))
rejects("out-of-range-seq", "out_of_range", "seq has 32 bits", ticket("ticket.created", seq=4294967296))
rejects("out-of-range-uint64", "out_of_range", "a uint64 over the signed range",
        ticket("ticket.created") | {"at": 2**64 - 1})
rejects("out-of-range-seconds", "out_of_range", "a target below zero",
        ticket("sla.applied", metric="first_response_time", clock="wall", target_s=-1))
rejects("out-of-range-decimals", "out_of_range", "more than three decimals",
        ticket("sla.applied", metric="first_response_time", clock="wall", target_s=0.0005))
for label, bits in (("nan", b"\x7f\xf8\0\0\0\0\0\0"), ("infinity", b"\x7f\xf0\0\0\0\0\0\0")):
    rejects(f"out-of-range-{label}", "out_of_range", f"{label} is no score",
            pairs(("type", "survey.response"), ("id", "e"), ("at", NOW), ("ticket", "t"), ("instrument", "csat"),
                  ("score", b"\xcb" + bits), ("min", 1), ("max", 5)))
rejects("unknown-value", "unknown_value", "fax is no channel", ticket("ticket.created", channel="fax"))
rejects("unknown-value-nul", "unknown_value", "a value of the list with bytes behind it",
        ticket("ticket.status", to="solved" + 100 * "\0"))
rejects("unknown-metric", "unknown_value", "no target is set on this metric",
        ticket("sla.applied", metric="backlog", clock="wall", target_s=60))
rejects("bad-utf8-code", "bad_utf8", "a code that is no UTF-8",
        pairs(("type", "ticket.created"), ("id", "e"), ("at", NOW), ("ticket", "t"), ("vendor", b"\xa2\xc3\x28")))
rejects("bad-utf8-id", "bad_utf8", "an id with a surrogate",
        pairs(("type", "ticket.created"), ("id", b"\xa3\xed\xa0\x80"), ("at", NOW), ("ticket", "t")))
rejects("too-long-id", "too_long", "129 bytes of id", ticket("ticket.created") | {"id": "x" * 129})
rejects("too-long-code", "too_long", "65 bytes of code", ticket("ticket.created", vendor="v" * 65))
rejects("empty-code", "too_long", "an empty code", ticket("ticket.created", vendor=""))
rejects("empty-ticket", "too_long", "an empty ticket", ticket("ticket.created") | {"ticket": ""})
rejects("not-a-code-text", "not_a_code", "five spaces: free text",
        ticket("ticket.created", category="the printer is on fire again"))
rejects("not-a-code-control", "not_a_code", "a line break", ticket("ticket.created", category="a\nb"))
rejects("not-a-code-invisible", "not_a_code", "a zero-width space", ticket("ticket.created", category="a\u200bb"))
rejects("not-a-code-blank", "not_a_code", "nothing but spaces", ticket("ticket.created", category="  "))
rejects("time-too-old", "time_too_old", "1989", ticket("ticket.created") | {"at": 631151999999})
rejects("time-zero", "time_too_old", "seconds for milliseconds", ticket("ticket.created") | {"at": NOW // 1000})
rejects("time-ahead", "time_ahead", "a day and a millisecond ahead", ticket("ticket.created") | {"at": NOW + 86400001})
rejects("bad-scale", "bad_scale", "min is not below max",
        ticket("survey.response", instrument="csat", score=1, min=1, max=1))
rejects("bad-score", "bad_scale", "a score outside its scale",
        ticket("survey.response", instrument="csat", score=6, min=1, max=5))
rejects("self-merge", "self_merge", "into itself", ticket("ticket.merged", into="INC0000045"))
rejects("not-granted", "not_granted", "surveys are granted apart",
        ticket("survey.response", instrument="csat", choice="yes"), types=["ticket.created", "ticket.status"])

# --- bytes that cost the whole batch ---

event("malformed-cut", "cut short in a value", msgpack.packb(ticket("ticket.created"))[:-3], error="malformed")
event("malformed-lying-length", "a string that claims 4 GiB",
      pairs(("type", "ticket.created"), ("vendor", b"\xdb\xff\xff\xff\xff")), error="malformed")
event("malformed-lying-map", "a map that claims 2 billion entries", b"\xdf\x7f\xff\xff\xff\xa4type", error="malformed")
event("malformed-reserved", "the byte that msgpack never uses",
      pairs(("type", "ticket.created"), ("vendor", b"\xc1")), error="malformed")
event("malformed-nesting", "nested deeper than four", ticket("ticket.created", vendor=[[[["x"]]]]), error="malformed")

# --- messages ---


def message(name, title, kind, request, body):
    write(f"message-{name}", msgpack.packb([1, kind, request, body], use_bin_type=True),
          {"is": "message", "title": title, "version": 1, "kind": kind, "request": request,
           "body": json.loads(json.dumps(body, default=lambda b: {"bin": b.hex()}))})


def refused(name, title, data, error):
    write(f"message-{name}", data, {"is": "message", "title": title, "error": error})


message("hello", "a source greets", "HELLO", 1, {"source": "acme-servicedesk", "software": "example/1.0", "session": 7})
message("welcome", "where to go on", "WELCOME", 1,
        {"last_seq": 41, "cursor": b"\x00\x01offset=4096", "types": {"ticket.status": ["to", "automated"]},
         "limits": {"batch_bytes": 262144, "events": 16384, "cursor_bytes": 4096}, "credit": 32768})
message("batch", "two events and a cursor", "BATCH", 2,
        {"seq": 42, "events": [ticket("ticket.created"), ticket("ticket.status", to="solved") | {"id": "e2"}],
         "cursor": b"\x00\x01offset=8192"})
message("batch-without-cursor", "the cursor stays", "BATCH", 3, {"seq": 43, "events": []})
message("ack", "one of two was refused", "ACK", 2,
        {"seq": 42, "accepted": 1, "duplicates": 0, "rejected": [[1, "unknown_value"]], "credit": 65536})
message("ack-repeat", "a batch that was here before", "ACK", 2,
        {"seq": 41, "repeat": True, "last_seq": 42, "cursor": b"\x00\x01offset=8192", "credit": 65536})
message("nack", "try again in two seconds", "NACK", 3,
        {"seq": 43, "code": "disk_full",
         "message": "the collector has no room; the batch is safe to send again later", "retry_ms": 2000,
         "final": False, "last_seq": 42, "credit": 65536})
message("query", "a question", "QUERY", 4,
        {"tenant": "riverbend", "metrics": ["first_response_time.p50", "resolutions"], "by": ["vendor"],
         "since": "90d"})
message("call", "an administrative request", "CALL", 5, {"method": "source.list", "params": {"tenant": "riverbend"}})
message("more", "the next part, please", "MORE", 4, {"part": 1})
message("result", "the last part", "RESULT", 4, {"part": 1, "last": True, "data": b"\x81\xa4rows\x90"})
message("error", "no such metric", "ERROR", 4,
        {"code": "unknown_metric", "message": "there is no metric frt", "hint": "did you mean first_response_time?"})
PARCEL = [[0, 1, False, 2, bytes(range(16))],
          [1, "desk", "desk", 1, 7, 1, 0, 0, 0, 1704708000000, 1704708000000, 1704708001000, None, {}, None],
          [4, bytes(range(8)), False, "desk"], [5, "desk", 1],
          [6, "ticket.created", 1704708000000, 0, bytes(2) + b"abcdef", None, {"vendor": "acme", "severity": 2, "by": "requester"}]]
message("forward", "a part of a site's store: tendon-forward(5)", "FORWARD", 6,
        {"seq": 1, "parcel": b"".join(msgpack.packb(entry) for entry in PARCEL), "cursor": b"where the reader goes on"})
refused("malformed-kind", "no such kind", msgpack.packb([1, "PING", 1, {}]), "malformed")
refused("malformed-body", "the body is no map", msgpack.packb([1, "MORE", 1, []]), "malformed")
refused("malformed-short", "three of four", msgpack.packb([1, "MORE", 1]), "malformed")
refused("malformed-lying-length", "an array that claims 268 million", b"\xdd\x10\x00\x00\x00", "malformed")
refused("malformed-empty", "no bytes at all", b"", "malformed")
refused("version", "another version of the protocol", msgpack.packb([2, "HELLO", 1, {}]), "version")

# what an earlier run wrote and this one did not
for path in HERE.glob("*.json"):
    if path.stem not in written:
        path.unlink()
        path.with_suffix(".msgpack").unlink(missing_ok=True)
print(f"{len(written)} vectors")
