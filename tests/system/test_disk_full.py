"""No room left: sources are told and keep what they have, queries go on, and ingest resumes by itself."""
import os
import subprocess
import time

import pytest

from collector import csv_created, wait_for
from events import D0, created, solved_ticket
from tendon_client import Nacked

MIB = 1024 * 1024
VOLUME_BYTES = 400 * MIB  # the collector wants 256 MiB of it free


@pytest.fixture
def volume(tmp_path):
    """A small file system of its own."""
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    path = tmp_path / "volume"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={VOLUME_BYTES}", "tendon-test", str(path)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a file system here: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=False)


def fill(volume, leave_bytes):
    """A file that leaves so much free."""
    free = os.statvfs(volume).f_bavail * os.statvfs(volume).f_frsize
    path = volume / "filler"
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - leave_bytes)
    return path


def nacked(client, events):
    with pytest.raises(Nacked) as caught:
        client.batch(events)
    return caught.value.body


def test_client_is_told_and_resumes(make_collector, volume):
    collector = make_collector(data=str(volume / "data"), listen=True).start()
    with collector.source("desk") as client:
        assert client.batch(solved_ticket("before"))["accepted"] == 3
        filler = fill(volume, 100 * MIB)
        wanted = solved_ticket("during")
        body = nacked(client, wanted)
        assert body["code"] == "disk_full" and body["retry_ms"] > 0 and body["final"] is False
        assert body["last_seq"] == client.last_seq
        # queries and administration go on
        assert collector.value("tickets_created") == 1
        assert collector.call("source.show", source="desk")["accepted"] == 3
        assert nacked(client, wanted)["code"] == "disk_full"
        filler.unlink()
        wait_for(lambda: taken(client, wanted), 60)
        assert collector.value("tickets_created") == 2
    collector.restart()
    assert collector.value("tickets_created") == 2


def taken(client, events):
    try:
        return client.batch(events)["accepted"] == len(events)
    except Nacked as refused:
        assert refused.code == "disk_full"
        time.sleep(refused.body["retry_ms"] / 1000)
        return False


def test_plugin_waits_and_resumes(make_collector, volume, tmp_path):
    drop = tmp_path / "drop.csv"
    drop.write_text("id,when\na,2024-01-08T10:00:00Z\n", encoding="utf-8")
    collector = make_collector(data=str(volume / "data"), plugins=[csv_created(drop)]).start()
    wait_for(lambda: collector.value("tickets_created") == 1)
    filler = fill(volume, 100 * MIB)
    with open(drop, "a", encoding="utf-8") as file:
        file.write("".join(f"b{n},2024-01-08T11:00:00Z\n" for n in range(500)))
    time.sleep(4)
    assert collector.value("tickets_created") == 1
    assert collector.plugin_state("desk")["state"] not in ("quarantined", "failed_config")
    filler.unlink()
    wait_for(lambda: collector.value("tickets_created") == 501, 120, collector.log)


def test_a_tenant_at_its_own_limit(make_collector, chance):
    """A tenant that has used what it may keep is told so; another goes on."""
    limits = {"stored_bytes": "16MiB"}
    collector = make_collector(listen=True, tenants=[{"name": "small", "zone": "UTC", "limits": limits},
                                                     {"name": "other", "zone": "UTC"}]).start()
    with collector.source("desk", "small") as small, collector.source("desk", "other", name="other-desk") as other:
        body = None
        for n in range(3000):
            try:
                small.send([created(f"s-{n}-{i}", D0 + chance.randrange(10**9), category=f"c{n % 300}-{i % 7}")
                            for i in range(500)])
            except Nacked as refused:
                body = refused.body
                break
        assert body is not None and body["code"] == "disk_full" and body["final"] is False, body
        before = collector.value("tickets_created", tenant="small")
        assert before > 0
        assert other.batch(solved_ticket("goes-on"))["accepted"] == 3
    collector.restart()
    assert collector.value("tickets_created", tenant="small") == before
    assert collector.value("tickets_created", tenant="other") == 1
