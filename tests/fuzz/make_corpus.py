#!/usr/bin/python3
"""Writes the first inputs of the fuzz targets anew; what fuzzing found lies beside them as found-*.

The message corpus begins with the protocol's own test vectors."""
import glob
import os
import shutil
import struct
import sys

import msgpack

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))

from events import D0, created, event, solved_ticket  # noqa: E402  (needs the path above)


def write(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def messages():
    for path in glob.glob(os.path.join(TOP, "proto", "vectors", "*.msgpack")):
        shutil.copy(path, os.path.join(HERE, "corpus", "message", os.path.basename(path)))
    pack = msgpack.packb
    everything = [*solved_ticket("t", vendor="acme", severity=2, channel="phone", ward="icu"),
                  event("ticket.assigned", "t", D0, team="A", tier=2, kind="escalate"),
                  event("sla.applied", "t", D0, metric="first_response_time", target_s=1.5, clock="business", policy="gold"),
                  event("ticket.merged", "t", D0, into="u"), event("ticket.deleted", "t", D0, reason="spam"),
                  event("contact.ended", None, D0, outcome="answered", queue_s=10, talk_s=60.25, wrap_s=5),
                  event("survey.response", None, D0, instrument="csat", score=4.5, min=1, max=5, site="H1", respondent="r"),
                  {"type": "source.watermark", "complete_until": D0, "at": D0}]
    write("message", "batch-everything", pack([1, "BATCH", 1, {"seq": 1, "events": everything, "cursor": b"\x00\xff"}]))
    write("message", "batch-none", pack([1, "BATCH", 2, {"seq": 1, "events": []}]))
    write("message", "batch-wrong-ones", pack([1, "BATCH", 3, {"seq": 1, "events": [
        1, None, [], {}, {"type": 5}, created("t", severity=9), created("t", vendor=["a", ["b"]]), created("t" * 200)]}]))
    write("message", "batch-twice", b"\x94\x01\xa5BATCH\x04\x81\xa6events\x91\x82\xa2id\xa1a\xa2id\xa1b")
    write("message", "hello", pack([1, "HELLO", 1, {"source": "acme", "software": "tests", "session": 1}]))
    write("message", "version-2", pack([2, "HELLO", 1, {}]))
    write("message", "unknown-kind", pack([1, "DROP", 1, {}]))
    write("message", "array-lies", b"\x94\x01\xa5BATCH\x07\x82\xa3seq\x01\xa6events\xdd\x10\x00\x00\x00")
    write("message", "string-lies", b"\x94\x01\xa5BATCH\x07\x82\xa3seq\x01\xa6events\x91\x81\xdb\xff\xff\xff\xff")
    write("message", "deep", b"\x94\x01\xa5BATCH\x07\x82\xa3seq\x01\xa6events" + b"\x91" * 200 + b"\x01")
    write("message", "reserved", b"\xc1")


def signatures():
    key = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    bytes_ = "A" * 86 + "=="
    whole = f"tendon-signature 1\nkey {key}\nsignature {bytes_}\n"
    write("signature", "whole", whole.encode())
    write("signature", "cut", whole[:-1].encode())
    write("signature", "more", (whole + "\n").encode())
    write("signature", "version-2", whole.replace(" 1", " 2", 1).encode())
    write("signature", "carriage-returns", whole.replace("\n", "\r\n").encode())
    write("signature", "loose-bits", whole.replace("A==", "B==").encode())
    write("signature", "no-padding", whole.replace("==", "").encode())
    write("signature", "blanks", whole.replace("key ", "key  ").encode())
    write("signature", "nul", whole.replace("key", "k\0y").encode())
    write("signature", "short-key", whole.replace("11qY", "").encode())


def documents():
    pack = msgpack.packb
    write("document", "query", pack({"metrics": ["csat", "full_resolution_time.p90"], "by": ["vendor"],
                                     "where": "beds > 100 and not state in (TX, CA)", "since": "90d"}))
    write("document", "import", pack({"method": "reference.import", "params": {"table": "site", "rows": [
        {"key": "H1", "beds": 120, "facility_kind": "hospital", "country": "US"}]}}))
    write("document", "scalars", pack([None, True, False, 0, -1, 2**31, -2**63, 2**63 - 1, 1.5, -0.0, 1e300, "", "ü€😀", [], {}]))
    write("document", "refused", pack([2**64 - 1]))
    write("document", "nan", pack([float("nan"), float("inf")]))
    write("document", "bin", pack([b"\x00"]))
    write("document", "ext", pack([msgpack.ExtType(5, b"12")]))
    write("document", "deep", b"\x91" * 40 + b"\x01")
    write("document", "twice", b"\x82\xa1a\x01\xa1a\x02")
    write("document", "array-lies", b"\xdd\xff\xff\xff\xff")
    write("document", "bad-utf8", b"\xa2\xff\xfe")
    write("document", "nul", pack("a\0b"))


CONFIG = """\
data: /var/lib/tendon
run: /run/tendon               # control.sock and hosts.sock
listen: [tcp://127.0.0.1:7780]
keys: /etc/tendon/keys
plugin_path: [/usr/lib/tendon/plugins]
tenants: [{name: riverbend, zone: America/Chicago, dimensions: [ward], limits: {stored_bytes: 1GiB, query_time: 5s}}]
plugins:
  - source: acme-servicedesk
    tenant: riverbend
    plugin: servicenow
    stamp: {vendor: acme}
    options: {path: /srv/drop/incidents.csv}
"""


def configurations():
    write("config", "whole", CONFIG.encode())
    write("config", "empty", b"")
    write("config", "unknown-key", CONFIG.replace("listen", "lissen").encode())
    write("config", "key-twice", (CONFIG + "run: /tmp\n").encode())
    write("config", "alias", b"data: &a /x\nrun: *a\n")
    write("config", "bomb", b"a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n")
    write("config", "tag", b"data: !!python/object:os.system /x\n")
    write("config", "two-documents", b"data: /a\n---\ndata: /b\n")
    write("config", "deep", b"[" * 60)
    write("config", "wrong-types", b"data: []\nrun: {a: b}\nlisten: {}\ntenants: 5\nplugins: [1, [2], {source: 3}]\n")
    write("config", "odd-scalars", b"data: ~\nrun: 'it''s'\nkeys: \"\\x41\\u263a\"\ncommitters: 0x10\ncredit: 9999999999GiB\n")
    write("config", "block", b"data: |\n  /a\n  /b\nrun: >-\n  /c\n  /d\n")
    write("config", "not-utf8", b"data: /\xff\xfe\n")
    write("config", "tab", b"data:\t/a\n\trun: /b\n")


CONDITIONS = """\
vendor=acme
vendor = 'acme corp' and beds > 100
(severity>=2 or severity is null) and not channel in (web, email)
not not not vendor!=acme
facility_kind in (hospital, cah) or support_region="offshore"
ward is not null
beds>-1 and beds<=99999999999999999999
((((((((((((((((((((((((((((((((((((vendor=a))))))))))))))))))))))))))))))))))))
vendor=
vendor in ()
vendor in (a,b
and
'never closed
vendr=acme
vendor=acme vendor=acme
AND OR NOT IN IS NULL
"""


def conditions():
    for number, line in enumerate(CONDITIONS.splitlines()):
        write("expression", f"{number:02d}", line.encode())
    write("expression", "many", b" or ".join([b"vendor=a"] * 200))
    write("expression", "long-list", b"vendor in (" + b",".join([b"a"] * 600) + b")")
    write("expression", "not-utf8", b"vendor='\xff\xfe'")
    write("expression", "empty", b"")


def json_records():
    write("records", "lines", b'{"a": 1}\n{"a": "x"}\n\nno\n[1]\n{"b": 2}\n')
    write("records", "one-line", b'[{"a": 1}, {"a": [1, "]"]}, {"a": "\\"}"}, 7, "x", null]\n')
    write("records", "over-lines", b'[\n {\n  "a": 1\n },\n {\n  "a": "2",\n  "b": {"c": []}\n }\n]\n')
    write("records", "member", b'{"n": [1], "x": {"rows": [{"a": 9}]},\n "rows": [{"a": 1},\n{"a": 2}],\n "after": [[1]], "t": "]"}\n[{"a": 3}]')
    write("records", "documents", b'[{"a": 1}][{"a": 2}]{"rows": [{"a": 3}]}\n{"rows": []}{}\n[]')
    write("records", "cut", b'[{"a": 1},\n{"a": "2')
    write("records", "brackets", b']]}{[[{"a": 1}]}}\n]"[{"\n{"a": 1}]')
    write("records", "two-in-a-line", b'[{"a": 1}, {"a": 2},\n{"a": 3}, {\n"a": 4}, {"a":\n5}]')
    write("records", "escapes", b'[{"a": "\\u0000\\ud800"}, {"a\\\\": "\\\\"}, {"a": "\\\\\\""}]\n')
    write("records", "rubbish", b'\xef\xbb\xbf[{"a": 1}] x 7 true "s" \x00 {"rows": 1}')


def records():
    write("record", "plain", b"id,when\na,2024-01-08T10:00:00Z\nb,2024-01-08T11:00:00Z\n")
    write("record", "crlf", b"id,when\r\na,b\r\n\r\nc,d")
    write("record", "quotes", b'"a ""quoted"" one","two\nlines"\n"",""\n')
    write("record", "never-closed", b'a,"b\nc,d\ne,f\n')
    write("record", "behind-a-quote", b'"a"b,c\nd,"e" \n')
    write("record", "tabs", b"a\tb\tc\n\t\t\n")
    write("record", "nul", b"a,\x00b\n\x00\n")
    write("record", "many-fields", b"," * 1100 + b"\nnext\n")
    write("record", "only-ends", b"\n\r\n\r\r\n")
    write("record", "bom", b"\xef\xbb\xbfid,when\na,b\n")


def frame(kind, payload):
    return struct.pack("<II", kind, len(payload)) + payload


def reply(data=b"", cursor=None, skips=(), result=0, call=5, err=b"", n_skips=None, data_bytes=None, cursor_bytes=None):
    """A reply of the process that has the plugin (plugins/host/pipe.h); what is given lies about the sizes."""
    fixed = struct.pack("<IiqIIII256s", call, result, 0, len(data) if data_bytes is None else data_bytes,
                        (0xffffffff if cursor is None else len(cursor)) if cursor_bytes is None else cursor_bytes,
                        len(skips) if n_skips is None else n_skips, 0, err)
    return frame(11, fixed + data + (cursor or b"") + b"".join(skips))


def skip(line, count, code, where):
    return struct.pack("<QII32s64s", line, count, 0, code, where)


def children():
    events = msgpack.packb(created("t")) * 3
    write("child", "poll", reply(events, b"cursor", [skip(7, 1, b"bad_time", b"log.csv")]))
    write("child", "idle", reply(result=1))
    write("child", "log", frame(10, b"\x02read 3 files") + frame(10, b"\x00jane.doe@example.org") + reply(events))
    write("child", "log-empty", frame(10, b""))
    write("child", "log-level", frame(10, b"\xff\xff\xfe"))
    write("child", "log-cut", frame(10, b"\x01" + "\u20ac".encode() * 85))
    write("child", "log-long", frame(10, b"\x01" + b"x" * 257))
    write("child", "no-events", reply(b"\xdf\xff\xff\xff\xff"))
    write("child", "another-call", reply(call=3))
    write("child", "data-lies", reply(events, data_bytes=200000))
    write("child", "cursor-lies", reply(events, b"c", cursor_bytes=4000))
    write("child", "skips-lie", reply(events, skips=[skip(1, 1, b"x", b"")], n_skips=64))
    write("child", "skip-no-end", reply(skips=[skip(2**64 - 1, 2**32 - 1, b"x" * 32, b"\xff" * 64)] * 3))
    write("child", "err-no-end", reply(result=-1, err=b"e" * 256))
    write("child", "short", reply(events)[:100])
    write("child", "kind", frame(99, b"x"))
    write("child", "huge", struct.pack("<II", 11, 0xffffffff))
    write("child", "ask", frame(12, field(1, number(1)) + field(2, b"GET")) + reply(events))
    write("child", "ask-lies", frame(12, struct.pack("<II", 1, 0xffffffff) + b"xx") + frame(12, b"\0" * 7))
    write("child", "ask-twice", frame(12, b"") + frame(12, b"") + reply())


def field(tag, data):
    return struct.pack("<II", tag, len(data)) + data


def number(value):
    return struct.pack("<q", value)


def objects():
    with open(os.path.join(TOP, "tests", "data", "abi-1.0", "file.so"), "rb") as file:
        whole = file.read()
    sections = struct.unpack_from("<Q", whole, 40)[0]
    write("object", "whole", whole)
    write("object", "cut", whole[:sections + 100])
    write("object", "head", whole[:64])
    write("object", "empty", b"")
    write("object", "no-elf", b"#!/bin/sh\n")
    write("object", "sections-beyond", whole[:40] + struct.pack("<Q", 2**63 + 8) + whole[48:])
    write("object", "many-sections", whole[:60] + b"\xff\xff" + whole[62:])
    for i in range(len(whole[sections:]) // 64):  # the tables that are read claim to be as large as can be, and anywhere
        at = sections + 64 * i
        if struct.unpack_from("<I", whole, at + 4)[0] not in (6, 11, 0x6fffffff):
            continue
        write("object", f"huge-{i:02}", whole[:at + 32] + struct.pack("<Q", 2**64 - 8) + whole[at + 40:])
        write("object", f"far-{i:02}", whole[:at + 24] + struct.pack("<Q", 2**64 - 4096) + whole[at + 32:])


def requests():
    url = b"https://desk.example:8443/api/tickets?page=2#x"
    get = field(1, number(1)) + field(2, b"GET")
    write("request", "get", get + field(3, url) + field(4, b"Accept: text/plain") + field(10, number(30)))
    write("request", "post", field(2, b"POST") + field(3, url) + field(5, b"{}") + field(6, b"me") + field(7, b"x"))
    write("request", "secret", get + field(3, url) + field(4, b"Authorization: {secret:token:0}"))
    write("request", "elsewhere", get + field(3, b"https://desk.example/api"))
    write("request", "trick", get + field(3, b"https://desk.example:8443@evil.example/"))
    write("request", "odd-url", get + field(3, b"https:\\\\desk.example:8443/\0x"))
    write("request", "no-url", get)
    write("request", "two-urls", get + field(3, url) + field(3, url))
    write("request", "split", get + field(3, url) + field(4, b"X: a\r\nHost: b"))
    write("request", "ca", get + field(3, url) + field(8, b"/srv/ca/ca.pem"))
    write("request", "odd-ca", get + field(3, url) + field(8, b"/etc/shadow"))
    write("request", "numbers", get + field(3, url) + field(9, number(-1)) + field(10, number(2**62)) + field(11, b"x"))
    write("request", "cut", (get + field(3, url))[:-3])


def answers():
    pack = msgpack.packb
    write("answer", "welcome", pack({"last_seq": 7, "cursor": b"abc", "types": {"ticket.created": ["vendor"]},
                                     "limits": {"batch_bytes": 262144}, "credit": 32768}))
    write("answer", "ack", pack({"seq": 8, "accepted": 2, "duplicates": 1, "rejected": [[1, "time_ahead"]], "credit": 65536}))
    write("answer", "repeat", pack({"seq": 3, "repeat": True, "last_seq": 8, "cursor": None, "credit": 1}))
    write("answer", "nack", pack({"seq": 9, "code": "disk_full", "message": "no room\n", "retry_ms": 1000, "final": False,
                                  "last_seq": 8, "credit": 0}))
    write("answer", "long", pack({"code": "c" * 300, "message": "m" * 3000, "cursor": b"x" * 4096}))
    write("answer", "cursor-too-long", pack({"cursor": b"x" * 4097}))
    write("answer", "wrong-types", pack({"seq": "1"}))
    write("answer", "rejected-lies", b"\x81\xa8rejected\xdd\xff\xff\xff\xff")
    write("answer", "no-map", pack([1, 2]))


def imports():
    write("import", "plain", b"site,kind,beds,state\na,h,326,AL\nb,cah,none,TX\n")
    write("import", "crlf-bom", b"\xef\xbb\xbfsite,kind\r\na,h\r\n\r\nb,other")
    write("import", "quotes", b'site,kind\n"a ""b""","h"\n"two\nlines",h\n')
    write("import", "faults", b"site,kind,beds\na,none,-1\n,h,1\nb,h\nc,h,1\nc,h,2\nc,h,1\n")
    write("import", "never-closed", b'site,kind\n"a,h\n')
    write("import", "not-utf8", b"site,kind\n\xff,h\n")
    write("import", "nul", b"site,kind\na\x00b,h\n")
    write("import", "utf16", b"\xff\xfes\x00i\x00")
    write("import", "two-alike", b"site,site,kind\na,b,h\n")
    write("import", "no-key", b"hospital,kind\na,h\n")
    write("import", "codes", b"note,dimension,value\nx,category, orders \n,ward,icu\ny,category,orders\n")
    write("import", "codes-faults", b"dimension,value\ncategory,a b c d e f\ncategory\n,x\nward,\xff\n")
    write("import", "empty", b"")


def shown():
    columns = [{"name": "vendor", "kind": "dimension"}, {"name": "period", "kind": "period"},
               {"name": "wait.p50", "kind": "duration", "metric": "wait", "stat": "p50"},
               {"name": "wait.p50.n", "kind": "n", "metric": "wait", "stat": "p50"},
               {"name": "csat", "kind": "ratio", "metric": "csat"},
               {"name": "csat.low", "kind": "interval", "metric": "csat"},
               {"name": "csat.high", "kind": "interval", "metric": "csat"},
               {"name": "csat.n", "kind": "n", "metric": "csat"}]
    rows = [{"vendor": v, "period": "2026-01-01T00:00:00Z", "partial": True, "wait.p50": 8040, "wait.p50.n": 3,
             "csat": 0.5, "csat.low": 0.1, "csat.high": 0.9, "csat.n": 2} for v in ("acme", "\x1b[2J", None)]
    meta = {"period": {"since": "2026-01-01T00:00:00Z", "until": None}, "zone": "UTC", "now": "2026-02-01T00:00:00Z",
            "as_of": 7, "definitions": {"csat": 1}, "excluded": {"spam": 2}, "excluded_by_source": {"a": {"spam": 2}},
            "left_out": {"reseller": 1}, "inferred": 1, "orphans": 1, "conflicts": 1,
            "sources": [{"name": "a", "complete_until": "2026-01-01T00:00:00Z"}, {"name": "b", "complete_until": None}],
            "explain": {"tables": [{"table": "ticket", "rows": 1}], "ms": 0.5}, "warnings": ["w", {"message": "\x1b"}]}
    answer = {"metrics": ["wait.p50", "csat"], "by": ["vendor"], "columns": columns, "rows": rows, "meta": meta}
    write("shown", "whole", msgpack.packb(answer))
    write("shown", "no-rows", msgpack.packb({**answer, "rows": []}))
    write("shown", "odd-values", msgpack.packb({**answer, "rows": [{"vendor": {}, "wait.p50": "x", "csat": -1e308, "csat.n": 1e308,
                                                                     "period": 7}]}))
    write("shown", "odd-columns", msgpack.packb({**answer, "columns": [7, {}, {"name": 1}, *columns, *columns]}))
    write("shown", "odd-meta", msgpack.packb({**answer, "meta": {"period": 1, "sources": [1, {}], "warnings": [1, None],
                                                                   "explain": {"tables": [1]}, "definitions": {"a": "b"}}}))
    write("shown", "control-in-a-name", msgpack.packb({**answer, "metrics": ["wait\x01"], "columns": [
        {"name": "wait\x01", "kind": "text", "metric": "wait"}], "rows": [{"wait\x01": ["\x02"]}]}))
    write("shown", "null", msgpack.packb(None))
    write("shown", "list", msgpack.packb([answer]))


def parcels():
    """What one store gives another."""
    head = [0, 1, True, 2, bytes(16)]
    source = [1, "desk", "desk", 1, 3, 5, 0, 1, 0, 1704708000000, 1704708000001, None, None, {"too_old": 1}, b"sealed"]
    subject, origin = [4, bytes(range(8)), False, "desk"], [5, "desk", 1]
    event = [6, "ticket.created", 1704708000000, 0, bytes(8), None, {"by": "requester", "vendor": "acme", "severity": 2, "team": None}]
    merged = [6, "ticket.merged", 1704708000000, 1, bytes(2) + b"abcdef", bytes(range(8, 16)), {}]
    loose = [[4, bytes(range(1, 9)), True, "north/desk"], [6, "survey.response", 1704708000000, 0, None, bytes(range(8)), {
        "site": "S1", "instrument": "csat", "score": 4000, "min": 1000, "max": 5000}]]
    row = ["reopen", [0, 2, 1704708000000, 1704708000001], {"vendor": "acme", "severity": 2}]
    left = [[7, bytes(range(8)), "frozen", 19730], [8, bytes(range(8)), 0, "desk", [row, ["contact", [0, 0, None, 1, 1, 0, None, True], {}]]]]

    def parcel(name, *entries):
        write("parcel", name, b"".join(msgpack.packb(entry) for entry in entries))

    parcel("head", head)
    parcel("events", head, source, subject, origin, event, merged, *loose)
    parcel("declared", head, subject, origin, [*event[:6], {"ward": "3", "by": "agent", "vendor": "x"}])
    parcel("undeclared", head, subject, origin, [*event[:6], {"bed": "3"}])
    parcel("left", head, *left)
    parcel("tables", head, [2, msgpack.packb([1, "team", "A", -2**63, {"employer": "acme", "tier": 2}])], [3, "helpdesk", -2**63])
    parcel("no-head", subject, origin, event)
    parcel("nobody", head, origin, event)
    parcel("another-version", [0, 2, True, 2, bytes(16)])
    parcel("wrong-value", head, subject, origin, [*event[:6], {"by": "nobody"}])
    parcel("twice", head, head)
    write("parcel", "cursor", msgpack.packb([7, 2, 9, bytes(8), 11]))


if __name__ == "__main__":
    os.makedirs(os.path.join(HERE, "corpus", "message"), exist_ok=True)
    messages()
    documents()
    signatures()
    configurations()
    conditions()
    records()
    json_records()
    children()
    requests()
    objects()
    parcels()
    answers()
    imports()
    shown()
