"""Who gets in: CURVE keys, grants and revocation; strangers on the local sockets."""
import os
import subprocess
import sys

import pytest

from events import created
from tendon_client import Client, Nacked, Refused, Timeout, new_keys

SOON = 2  # seconds in which somebody who gets in has an answer


@pytest.fixture(scope="module")
def running(shared_collector):
    return shared_collector


def refused(client, source="stranger"):
    """Nobody answers, or the answer is not_granted: nothing else."""
    try:
        client.hello(source, timeout=SOON)
    except Timeout:
        return True
    except Nacked as nacked:
        return nacked.code == "not_granted"
    return False


def test_a_granted_key_gets_in(running):
    with running.source("granted") as client:
        assert client.batch([created("granted-1")])["accepted"] == 1


def test_an_unknown_key_is_refused(running):
    with running.connect(new_keys()) as client:
        assert refused(client)


def test_no_curve_is_refused(running):
    with Client(running.endpoint) as client:
        assert refused(client)


def test_the_wrong_server_key_is_refused(running):
    keys = running.grant("wrong-server")
    with Client(running.endpoint, new_keys()[0], keys) as client:
        assert refused(client, "wrong-server")


def test_a_public_key_without_its_secret_is_refused(running):
    keys = running.grant("stolen")
    with Client(running.endpoint, running.server_key(), (new_keys()[0], keys[1])) as client:
        try:
            assert refused(client, "stolen")
        except Exception as error:  # libzmq may already refuse the pair
            assert "Invalid argument" in str(error)


def test_a_revoked_key_stops_at_once(running):
    keys = running.grant("revoked", name="to-revoke")
    with running.connect(keys) as client:
        client.hello("revoked")
        assert client.batch([created("revoked-1", vendor="revoked")])["accepted"] == 1
        running.call("key.revoke", name="to-revoke")
        with pytest.raises(Nacked) as caught:
            client.batch([created("revoked-2", vendor="revoked")])
        assert caught.value.code == "not_granted"
    with running.connect(keys) as client:
        assert refused(client, "revoked")
    assert running.value("tickets_created", where="vendor=revoked") == 1


def test_grants_are_listed_and_kept(running):
    keys = running.grant("kept", name="kept-key")
    assert any(row["name"] == "kept-key" for row in running.call("key.list"))
    assert not any(keys[1].decode() in str(row) for row in running.call("key.list")), "a secret is no business of tendond's"
    running.restart()
    assert any(row["name"] == "kept-key" for row in running.call("key.list"))
    with running.connect(keys) as client:
        client.hello("kept")
        assert client.batch([created("kept-1")])["accepted"] == 1


def test_the_server_key_stays(running):
    before = running.server_key()
    running.restart()
    assert running.server_key() == before
    secret = os.path.join(running.configuration["keys"], "server.key")
    assert os.stat(secret).st_mode & 0o077 == 0, "only the owner may read it"


def test_granting_twice_or_nonsense(running):
    public = new_keys()[0].decode()
    grant = {"public_key": public, "name": "once", "role": "source", "tenant": "riverbend", "source": "once"}
    running.call("key.grant", **grant)
    for wrong in ({"public_key": "short"}, {"tenant": "nobody"}, {"source": "Not A Name"}, {"role": "king"}):
        with pytest.raises(Refused):
            running.call("key.grant", **{**grant, "public_key": new_keys()[0].decode(), "name": "other", **wrong})
    with pytest.raises(Refused):
        running.call("key.revoke", name="never-granted")


def test_the_cli_makes_and_grants_keys(running, tmp_path):
    path = tmp_path / "desk.key"
    made = running.cli("key", "new", str(path), status=None)
    if made.status != 0 or not path.exists():
        pytest.fail(f"tendon key new FILE: {made}")
    assert os.stat(path).st_mode & 0o077 == 0
    assert "key" in running.cli("key", "list").out.lower() or running.call("key.list")


def test_a_stranger_on_hosts_sock(running):
    """Only plugin hosts that tendond started are sources there, whatever the uid."""
    with Client(f"ipc://{running.run}/hosts.sock") as client:
        assert refused(client)


def test_operators_do_not_send_events(running):
    with Client(running.control) as client:
        with pytest.raises(Nacked) as caught:
            client.hello("operator")
        assert caught.value.code == "not_granted"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be somebody else")
def test_another_user_on_control_sock(running):
    """Even with the folder left open by mistake, only tendond's own user and root are operators."""
    folder = running.folder
    modes = [(path, os.stat(path).st_mode & 0o777) for path in (folder, running.run, f"{running.run}/control.sock")]
    program = f"""
import os, sys
sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})
from tendon_client import Client, Refused, Timeout
os.setgroups([])  # only now: the other user may not be able to read this checkout
os.setgid(65534)
os.setuid(65534)
try:
    Client({running.control!r}).call("status", timeout={SOON})
    print("answered")
except (Refused, Timeout) as error:
    print("refused")
"""
    try:
        for path, _ in modes:
            os.chmod(path, 0o777)
        done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True,
                              check=False, timeout=60, cwd="/")
    finally:
        for path, mode in modes:
            os.chmod(path, mode)
    assert done.stdout.strip() == "refused", done
