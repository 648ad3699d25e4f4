"""The benchmark still runs: small, with the programs under test, and without judging any figure."""
import json
import os
import subprocess

from collector import BUILD, TOP

RUN = os.path.join(TOP, "tests", "bench", "run")


def run(*arguments):
    return subprocess.run([RUN, "--build", BUILD, "--settle", "0", *arguments], capture_output=True, text=True, timeout=300,
                          check=False)


def test_parts_give_their_figures():
    done = run("--json", "--events", "20000", "--only", "local", "--only", "late")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["events"] == 20000
    assert set(result["events_per_s"]) == {"local", "late"}
    assert list(result["query_ms"]["tendon"]) == [f"Q{n}" for n in range(1, 8)]
    assert list(result["cli_ms"]) == [f"Q{n}" for n in range(1, 8)]
    assert result["bytes_per_event"]["tendon"] > 0 and result["rss_mib"] > 0 and result["fdatasync_ms"] > 0
    assert "asking" in done.stderr


def test_a_table_for_people_and_a_wrong_part():
    done = run("--events", "5000", "--only", "limits")
    assert done.returncode == 0, done.stderr
    assert "zmq_events_per_s" in done.stdout
    done = run("--only", "fast")
    assert done.returncode == 2 and "invalid choice: 'fast'" in done.stderr
