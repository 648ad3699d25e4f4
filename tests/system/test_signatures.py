"""Signed plugins: made and looked at on the command line, verified at the very bytes that are loaded; OpenSSL is the
witness that knows nothing of ours."""
import base64
import hashlib
import os
import shutil
import subprocess

import pytest

from collector import BUILD, Collector, built, wait_for

PUPPET = os.path.join(BUILD, "tests", "system", "plugins")
FIRST, SECOND = "riverbend", "lakeside"
SPKI = bytes.fromhex("302a300506032b6570032100")  # what stands before an Ed25519 key in DER (RFC 8410)


def tendon(*arguments, status=0):
    done = subprocess.run([built("tendon"), *arguments], capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "TENDON_CONNECT": "ipc:///nonexistent/control.sock"})
    assert done.returncode == status, done.stdout + done.stderr
    return done


def new_key(folder, name="vendor"):
    return tendon("plugin", "key", str(folder / f"{name}.key")).stdout.strip()


def copy(folder, name="mine"):
    path = folder / f"{name}.so"
    shutil.copy(built("puppet.so"), path)
    return path


def sign(path, key="vendor"):
    tendon("plugin", "sign", "--key", str(path.parent / f"{key}.key"), str(path))


# --- on the vendor's machine ---------------------------------------------------------------------------------------


def test_a_key_is_a_secret(tmp_path):
    public = new_key(tmp_path)
    path = tmp_path / "vendor.key"
    assert public.startswith("ed25519:") and len(base64.b64decode(public[8:])) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text(encoding="ascii")
    assert "never overwritten" in tendon("plugin", "key", str(path), status=1).stderr
    assert path.read_text(encoding="ascii") == before
    plugin = copy(tmp_path)
    path.chmod(0o640)
    assert "may be read by others" in tendon("plugin", "sign", "--key", str(path), str(plugin), status=1).stderr
    assert not (tmp_path / "mine.so.sig").exists()


def test_what_is_no_key(tmp_path):
    plugin, path = copy(tmp_path), tmp_path / "curve.key"
    tendon("key", "new", str(path))
    assert "holds no signing key" in tendon("plugin", "sign", "--key", str(path), str(plugin), status=1).stderr
    assert "needs --key" in tendon("plugin", "sign", str(plugin), status=2).stderr
    new_key(tmp_path)
    sign(plugin)
    assert "takes a public key" in tendon("plugin", "verify", str(plugin), "--key", "abc", status=2).stderr


def test_openssl_says_the_same(tmp_path):
    public = new_key(tmp_path)
    plugin = copy(tmp_path)
    sign(plugin)
    lines = (tmp_path / "mine.so.sig").read_text(encoding="ascii").splitlines()
    assert lines[0] == "tendon-signature 1" and lines[1] == f"key {public}" and len(lines) == 3
    signature = base64.b64decode(lines[2].removeprefix("signature "))
    key = base64.b64encode(SPKI + base64.b64decode(public[8:])).decode()
    (tmp_path / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n", encoding="ascii")
    (tmp_path / "signature").write_bytes(signature)
    for contents, status in ((plugin.read_bytes(), 0), (plugin.read_bytes() + b"x", 1)):
        (tmp_path / "message").write_bytes(b"plugin\0" + hashlib.sha512(contents).digest())
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(tmp_path / "key.pem"), "-rawin", "-in",
                               str(tmp_path / "message"), "-sigfile", str(tmp_path / "signature")], capture_output=True,
                              check=False, timeout=60)
        assert done.returncode == status, done.stdout + done.stderr


def test_verify(tmp_path):
    public, other = new_key(tmp_path), new_key(tmp_path, "other")
    plugin = copy(tmp_path)
    assert "is not signed" in tendon("plugin", "verify", str(plugin), status=1).stderr
    sign(plugin)
    assert public in tendon("plugin", "verify", str(plugin)).stdout
    tendon("plugin", "verify", str(plugin), "--key", other, "--key", public)
    assert public in tendon("plugin", "verify", str(plugin), "--key", other, status=1).stderr
    with open(plugin, "r+b") as file:
        file.seek(5000)
        byte = file.read(1)
        file.seek(5000)
        file.write(bytes([byte[0] ^ 1]))
    assert "is not what was signed" in tendon("plugin", "verify", str(plugin), status=1).stderr
    sign(plugin, "other")
    assert other in tendon("plugin", "verify", str(plugin)).stdout
    (tmp_path / "mine.so.sig").write_text("tendon-signature 2\n", encoding="ascii")
    assert "is no signature" in tendon("plugin", "verify", str(plugin), status=1).stderr


# --- in the collector ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """Two tenants, each with its vendor; a folder that plugins are delivered to, and one that needs no signature."""
    folder = tmp_path_factory.mktemp("delivered")
    keys = {name: new_key(folder, name) for name in (FIRST, SECOND, "nobody")}
    for name in ("good", "foreign", "unsigned", "changed", "swapped", "replaced"):
        copy(folder, name)
    sign(folder / "good.so", FIRST)
    sign(folder / "foreign.so", SECOND)
    sign(folder / "changed.so", FIRST)
    with open(folder / "changed.so", "ab") as file:
        file.write(b"\0")
    sign(folder / "replaced.so", FIRST)
    with open(folder / "swapped.so", "ab") as file:
        file.write(b"\0")
    sign(folder / "swapped.so", FIRST)
    shutil.copy(folder / "good.so.sig", folder / "swapped.so.sig")
    plugins = [{"source": f"{tenant}-{name}", "tenant": tenant, "plugin": name, "options": {"count": 20}}
               for tenant, name in ((FIRST, "good"), (FIRST, "foreign"), (SECOND, "foreign"), (SECOND, "good"), (FIRST, "unsigned"),
                                    (FIRST, "changed"), (FIRST, "swapped"), (FIRST, "puppet"), (FIRST, "replaced"))]
    tenants = [{"name": name, "plugin_keys": [keys[name]]} for name in (FIRST, SECOND)]
    with Collector(tenants=tenants, plugins=plugins, plugin_path=[PUPPET, str(folder)], plugin_unsigned=[PUPPET + "/"]) as collector:
        collector.delivered, collector.vendor_keys = folder, keys
        yield collector


@pytest.mark.parametrize("source, said", [
    (f"{FIRST}-foreign", "not trusted here"), (f"{SECOND}-good", "not trusted here"), (f"{FIRST}-unsigned", "is not signed"),
    (f"{FIRST}-changed", "is not what was signed"), (f"{FIRST}-swapped", "is not what was signed")])
def test_what_is_not_signed_for_this_tenant_is_not_loaded(signed, source, said):
    wait_for(lambda: signed.plugin_state(source).get("state") == "failed_config", 60, lambda: str(signed.plugin_state(source)))
    shown = signed.plugin_state(source)
    assert said in shown["message"] and shown["crashes"] == 0
    assert source in " ".join(signed.call("status")["warnings"])


@pytest.mark.parametrize("source", [f"{FIRST}-good", f"{SECOND}-foreign", f"{FIRST}-puppet"])
def test_what_is_signed_or_needs_no_signature_runs(signed, source):
    wait_for(lambda: signed.plugin_state(source).get("state") == "running", 60, lambda: str(signed.plugin_state(source)))
    signed.wait_accepted(source, 20, tenant=source.split("-")[0])


def test_show_asks_for_a_signature_of_any_tenant(signed):
    for name in ("good", "foreign", "puppet"):
        assert signed.cli_json("plugin", "show", name)["id"] == "puppet"
    for name in ("unsigned", "changed"):
        assert "sign" in signed.cli("plugin", "show", name, status=1).err


def test_the_check_of_a_configuration_says_it(signed):
    done = subprocess.run([built("tendond"), "--check", "--config", signed.config_path], capture_output=True, text=True,
                          check=False, timeout=120)
    assert done.returncode == 1
    assert done.stderr.count("not trusted here") == 2 and done.stderr.count("is not what was signed") == 2
    assert done.stderr.count("is not signed") == 1


def test_a_file_put_in_its_place_is_looked_at_anew(signed):
    source = f"{FIRST}-replaced"
    wait_for(lambda: signed.plugin_state(source).get("state") == "running")
    path = signed.delivered / "replaced.so"
    with open(path, "ab") as file:
        file.write(b"\0")
    signed.process.send_signal(1)
    wait_for(lambda: signed.plugin_state(source).get("state") == "failed_config", 60, lambda: str(signed.plugin_state(source)))
    sign(path, FIRST)
    signed.process.send_signal(1)
    wait_for(lambda: signed.plugin_state(source).get("state") == "running", 60, lambda: str(signed.plugin_state(source)))
    assert signed.accepted(source, FIRST) == 20


def test_a_key_that_is_taken_away(signed):
    source = f"{FIRST}-good"
    signed.configuration["tenants"][0]["plugin_keys"] = [signed.vendor_keys["nobody"]]
    signed.write()
    signed.process.send_signal(1)
    wait_for(lambda: signed.plugin_state(source).get("state") == "failed_config", 60, lambda: str(signed.plugin_state(source)))
    assert signed.plugin_state(f"{FIRST}-puppet")["state"] == "running"


def test_a_key_that_is_none(signed):
    signed.configuration["tenants"][1]["plugin_keys"] = ["ed25519:abc"]
    signed.write()
    done = subprocess.run([built("tendond"), "--check", "--config", signed.config_path], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 1 and "plugin_keys takes public keys" in done.stderr


def test_with_no_folder_named_everything_is_signed(make_collector):
    collector = make_collector(plugins=[{"source": "a", "plugin": "puppet"}], plugin_path=[PUPPET], plugin_unsigned=[]).start()
    wait_for(lambda: collector.plugin_state("a").get("state") == "failed_config", 60, lambda: str(collector.plugin_state("a")))
    assert "is not signed" in collector.plugin_state("a")["message"]
    assert "plugin_unsigned" in collector.plugin_state("a")["message"], "what to do next"
