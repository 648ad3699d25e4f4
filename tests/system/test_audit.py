"""The audit log: every act and question is in it, in a form that gives nobody away, and `tendon audit verify` finds
what was done to it."""
import hashlib
import json
import os
import re
import signal

import pytest

from collector import Collector, built, csv_created, wait_for
from events import created
from tendon_client import Refused, new_keys

FAILED = 1


@pytest.fixture(scope="module")
def running():
    with Collector(listen=True) as collector:
        with collector.source("desk") as source:
            source.send([created("t-1", vendor="acme", site="north"), created("t-2", vendor="a b c d e f g")])
        yield collector


def acts(running, **more):
    return running.call("audit.list", **more)


def usage(running, **more):
    return running.call("audit.list", chain="usage", **more)


def export(running, *more):
    return running.cli("audit", "export", *more).out


def test_an_act_is_there_with_who_and_outcome(running):
    running.grant("phones", name="phones-key")
    row = acts(running)[0]
    assert (row["act"], row["who"], row["tenant"], row["outcome"]) == \
        ("key.grant", f"uid:{os.getuid()}", "riverbend", "done")
    assert row["what"]["source"] == "phones"
    with pytest.raises(Refused):
        running.call("key.grant", public_key=new_keys()[0].decode(), name="phones-key", role="source", source="fax")
    assert acts(running)[0]["outcome"] == "key_exists"


def test_every_act_leaves_an_entry(make_collector):
    """All methods that change anything, each done once."""
    collector = make_collector(listen=True).start()
    first, second = new_keys()[0].decode(), new_keys()[0].decode()
    with collector.source("desk") as source:
        source.send([created("a-1")])
    hours = {"zone": "UTC", "hours": "mon-fri 09:00-17:00"}
    done = [("key.grant", {"public_key": first, "name": "k", "role": "reader", "tenant": "riverbend"}),
            ("key.rotate", {"name": "k", "new_public_key": second}), ("key.revoke", {"name": "k"}),
            ("reference.import", {"table": "site", "rows": [{"key": "north", "beds": 10}]}),
            ("calendar.import", {"calendar": "desk", "definition": hours}), ("calendar.remove", {"calendar": "desk"}),
            ("source.reset", {"source": "desk"}), ("tenant.reindex", {}), ("tenant.add", {"tenant": "lakeside"}),
            ("tenant.export", {"tenant": "lakeside"}),
            ("tenant.limit", {"tenant": "lakeside", "limits": {"result_rows": 5}}),
            ("tenant.retention", {"tenant": "lakeside", "log_ms": 400 * 86400000}), ("tenant.remove", {"tenant": "lakeside"})]
    for method, params in done:
        more = {} if method in ("key.rotate", "key.revoke") or "tenant" in params else {"tenant": "riverbend"}
        collector.call(method, **params, **more)
        row = acts(collector)[0]
        assert (row["act"], row["outcome"]) == (method, "done"), row


def test_what_was_refused_before_it_began_leaves_no_text(running):
    n = len(acts(running))
    for wrong in ({"name": "Jane Q Public Person Too Long"}, {"role": "Jane Public"}, {"source": "Jane Public"}):
        with pytest.raises(Refused):
            running.call("key.grant", **{"public_key": new_keys()[0].decode(), "name": "x", "role": "source",
                                         "source": "x", **wrong})
    with pytest.raises(Refused):
        running.call("key.revoke", name="Jane Public")
    assert len(acts(running)) == n


def test_starts_and_plugins_are_there(make_collector, tmp_path):
    (tmp_path / "a.csv").write_text("id,when\n")
    collector = make_collector(plugins=[csv_created(tmp_path / "a.csv")]).start()
    wait_for(lambda: acts(collector, act="plugin.load"))  # it is there before the plugin is
    loaded = acts(collector, act="plugin.load")[0]
    with open(built("csv.so"), "rb") as file:
        assert loaded["what"]["sha256"] == hashlib.sha256(file.read()).hexdigest()
    assert loaded["what"]["source"] == "desk" and acts(collector, act="collector.start")
    collector.call("plugin.reload", source="desk")
    reloaded = acts(collector, act="plugin.reload")[0]
    assert reloaded["what"]["sha256"] == loaded["what"]["sha256"] and reloaded["outcome"] == "done"
    collector.restart()
    assert [row["act"] for row in reversed(acts(collector, act="collector.*"))] == \
        ["collector.start", "collector.stop", "collector.start"]


def put(folder, plugin, n=0):
    """A plugin as mine.so, another file for each n, in one step; its SHA-256."""
    with open(built(plugin), "rb") as file:
        data = file.read() + b"\0" * n
    (folder / "mine.so.new").write_bytes(data)
    os.rename(folder / "mine.so.new", folder / "mine.so")
    return hashlib.sha256(data).hexdigest()


def plugin_acts(collector, after=0):
    """What was done with plugins, oldest first: (act, who, the digest it names)."""
    rows = [row for row in reversed(acts(collector, act="plugin.*")) if row["n"] > after]
    return [(row["act"], row["who"], row["what"].get("sha256")) for row in rows if row["act"] != "plugin.unload"]


def test_a_host_that_starts_again_is_there_with_what_it_loads(make_collector, tmp_path):
    """The supervisor's own restarts: an entry each, with the file that lies there then, whoever put it there."""
    first = put(tmp_path, "puppet.so")
    collector = make_collector(plugin_path=[str(tmp_path)], plugin_backoff="10ms",
                               plugins=[{"source": "desk", "plugin": "mine", "options": {"count": 5}}]).start()
    wait_for(lambda: collector.plugin_state("desk").get("state") == "running")
    assert plugin_acts(collector) == [("plugin.load", "tendond", first)]
    second = put(tmp_path, "puppet.so", 1)
    for n in (1, 2):
        os.kill(collector.plugin_state("desk")["pid"], signal.SIGKILL)
        wait_for(lambda: collector.plugin_state("desk")["restarts"] == n and collector.plugin_state("desk")["state"] == "running")
    assert plugin_acts(collector)[1:] == [("plugin.load", "tendond", second)] * 2
    put(tmp_path, "puppet.so")  # back to the first: a change of what was loaded last
    collector.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded" in collector.log())
    assert plugin_acts(collector)[3:] == [("plugin.load", "tendond", first)]
    third = put(tmp_path, "puppet.so", 2)
    collector.cli("plugin", "reload", "desk")
    assert plugin_acts(collector)[4:] == [("plugin.reload", f"uid:{os.getuid()}", third)]
    assert acts(collector, act="plugin.reload")[0]["outcome"] == "done"


def test_quarantine_and_release_are_there(make_collector, tmp_path):
    crashing = put(tmp_path, "faulty-crash.so")
    collector = make_collector(plugin_path=[str(tmp_path)], plugin_backoff="10ms",
                               plugins=[{"source": "desk", "plugin": "mine"}]).start()
    wait_for(lambda: collector.plugin_state("desk").get("state") == "quarantined", 60, lambda: str(collector.plugin_state("desk")))
    assert plugin_acts(collector) == [("plugin.load", "tendond", crashing)] * 5 + [("plugin.quarantine", "tendond", None)]
    newest = acts(collector)[0]
    assert newest["tenant"] == "riverbend" and newest["what"]["source"] == "desk"
    sound = put(tmp_path, "puppet.so")
    collector.cli("plugin", "release", "desk")
    wait_for(lambda: collector.plugin_state("desk").get("state") == "running")
    assert sorted(plugin_acts(collector, newest["n"]), key=str) == [
        ("plugin.load", "tendond", sound), ("plugin.release", "tendond", None), ("plugin.release", f"uid:{os.getuid()}", None)]
    assert collector.cli("audit", "verify").status == 0


def test_a_question_is_there_compiled_and_without_ids(running):
    running.query("tickets_created", by="vendor", where="site=north and vendor!='Jane Public' or beds>100", since="90d")
    with pytest.raises(Refused):
        running.call("ticket.explain", ticket="Jane-Public-1")
    explained, asked = usage(running)[:2]
    assert asked["what"]["metrics"] == ["tickets_created"] and asked["what"]["by"] == ["vendor"]
    assert re.fullmatch(r"\(\(site='north' and vendor!=#[0-9a-f]{16}\) or beds>100\)", asked["what"]["where"])
    assert isinstance(asked["what"]["since"], int)
    assert re.fullmatch(r"#[0-9a-f]{16}", explained["what"]["ticket"])
    running.call("audit.export")  # on disk now
    for folder, _, names in os.walk(running.folder):
        for path in (os.path.join(folder, name) for name in names):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    assert b"Jane" not in file.read(), path


def test_rejects_are_summed_up(make_collector):
    collector = make_collector(listen=True).start()
    with collector.source("desk") as source:
        source.send([created("r-1", vendor="a b c d e f g"), created("r-2", vendor="acme")])
    collector.restart()
    row = usage(collector, act="source.rejects")[0]
    assert row["tenant"] == "riverbend" and row["what"]["source"] == "desk" and row["what"]["rejected"] == 1
    assert sum(row["what"]["by"].values()) == 1


def test_the_log_can_be_checked_by_anybody(running):
    """The chain as the manual describes it, with nothing of ours."""
    before, chain, head = None, None, None
    for line in export(running).splitlines():
        entry = json.loads(line)
        if "head" in entry:
            if head:
                assert before.hex() == head["last"]["hash"]
            head, before, chain = entry["head"], bytes.fromhex(entry["head"]["gone"]["hash"]), entry["head"]["chain"]
            continue
        text = re.sub(r',"hash":"[0-9a-f]{64}"\}$', "}", line)
        before = hashlib.sha256(before + text.encode()).digest()
        assert entry["hash"] == before.hex() and entry["chain"] == chain
    assert before.hex() == head["last"]["hash"] and chain == "usage"


def test_verify_on_the_collector_and_on_a_file(running, tmp_path):
    rows = {row["chain"]: row for row in running.cli_json("audit", "verify")}
    assert set(rows) == {"acts", "usage"} and all(row["state"] == "whole" for row in rows.values())
    key = rows["acts"]["public_key"]
    path = tmp_path / "audit.ndjson"
    path.write_text(export(running))
    nobody = {"TENDON_CONNECT": "ipc:///nonexistent"}
    out = running.cli("audit", "verify", str(path), "--key", key, "-o", "json", environment=nobody).out
    assert [row["key_checked"] for row in json.loads(out)] == [True, True]
    wrong = running.cli("audit", "verify", str(path), "--key", "00" * 32, status=FAILED, environment=nobody)
    assert "another key" in wrong.err


def damaged(lines, how, i):
    """The lines with something done to line i."""
    if how == "changed":
        return lines[:i] + [lines[i].replace('"at":1', '"at":2', 1)] + lines[i + 1:]
    if how == "taken out":
        return lines[:i] + lines[i + 1:]
    if how == "doubled":
        return lines[:i + 1] + lines[i:]
    if how == "swapped":
        return lines[:i] + [lines[i + 1], lines[i]] + lines[i + 2:]
    return lines[:i]  # cut off


@pytest.mark.parametrize("how", ["changed", "taken out", "doubled", "swapped", "cut off"])
def test_verify_says_where(running, tmp_path, how):
    lines = export(running, "--chain", "acts").splitlines()
    path = tmp_path / "audit.ndjson"
    for i in (1, 2, len(lines) // 2, len(lines) - 2):
        path.write_text("\n".join(damaged(lines, how, i)) + "\n")
        said = running.cli("audit", "verify", str(path), status=FAILED).err
        place = i + (how == "doubled")
        assert f"acts, entry {place}:" in said, (how, i, said)


def test_a_log_put_back_is_found_with_an_earlier_head(running, tmp_path):
    heads, path = tmp_path / "heads.ndjson", tmp_path / "old.ndjson"
    path.write_text(export(running))
    running.grant("later", name="later-key")
    heads.write_text(export(running, "--heads"))
    assert running.cli("audit", "verify", "--against", str(heads)).status == 0
    said = running.cli("audit", "verify", str(path), "--against", str(heads), status=FAILED).err
    assert "put back to an older state" in said
    running.grant("latest", name="latest-key")
    assert running.cli("audit", "verify", "--against", str(heads)).status == 0


def test_lists_for_people_and_programs(running):
    assert "key.grant" in running.cli("audit", "list", "-o", "table").out
    rows = running.cli_json("audit", "list", "--act", "key.*", "--limit", "1", "--since", "1h")
    assert len(rows) == 1 and rows[0]["act"].startswith("key.")
    assert running.cli("audit", "list", "--act", "nothing.there", "--fail-empty", status=4)
    assert running.cli("audit", "list", "--since", "yesterday", status=2)


def test_what_cannot_be_recorded_is_not_done(make_collector):
    """A directory of keys without audit.key to be made in: the collector does not start unrecorded."""
    collector = make_collector()
    path = os.path.join(collector.configuration["keys"], "audit.key")
    with open(path, "w", encoding="utf-8") as file:
        file.write("no key\n")
    os.chmod(path, 0o600)
    collector.spawn()
    assert collector.process.wait(60) == 1
    assert "audit.key" in collector.log()
