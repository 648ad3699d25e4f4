"""The benchmark still runs: small, with the programs under test, and without judging any figure."""
import json
import os
import subprocess
import sys

from collector import BUILD, TOP

sys.path.insert(0, os.path.join(TOP, "tests", "bench"))

from harness import answers  # noqa: E402  (needs the path above)

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


def test_nobody_is_refused_anything_beside_a_greedy_tenant():
    done = run("--json", "--events", "20000", "--only", "fairness")
    assert done.returncode == 0, done.stderr
    fair = json.loads(done.stdout)["fairness"]
    assert fair["refused"] == 0 and fair["greedy"]["refused_batches"] > 0 and fair["greedy"]["questions_refused"] > 0
    for figures in (fair["ack_ms"], fair["question_ms"]):
        assert figures["alone"]["n"] == figures["events"]["n"] == figures["questions"]["n"] > 0
        assert figures["events"]["ratio"] > 0 and len(figures["questions"]["ratios"]) == 2


def test_sources_go_on_after_a_restart():
    done = run("--json", "--events", "20000", "--only", "restart")
    assert done.returncode == 0, done.stderr
    back = json.loads(done.stdout)["restart"]
    assert back["tenants"] == 40 and 0 < back["answer_ms"] and 0 < back["acknowledged_ms"]["p50"] <= back["acknowledged_ms"]["max"]


def test_a_peer_answers_the_same_from_raw_events():
    done = run("--json", "--events", "20000", "--only", "peers", "--peer", "sqlite")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert "comparing the answers" in done.stderr
    assert list(result["query_ms"]["sqlite"]) == [f"Q{n}" for n in range(1, 8)]
    assert set(result["bytes_per_event"]) == {"sqlite", "tendon"} and result["peer_events_per_s"]["sqlite"]["durable"] > 0


def test_answers_that_differ_are_seen():
    q2 = [{"vendor": "v00", "support_region": None, "first_response_time.p50": 1.5, "first_response_time.p50.n": 3,
           "first_response_time.p90": 2, "first_response_time.p99": 2, "first_response_time.avg": 1.334}]
    ours = answers.of_tendon("Q2", q2)
    assert ours == {("v00", None): (1500, 2000, 2000, 1334, 3)}
    assert answers.difference("Q2", ours, answers.of_engine("Q2", [["v00", "", [1500, 2000, 2000], 1333.6, 3]])) is None
    for wrong in ([1501, 2000, 2000], 1334, 3), ([1500, 2000, 2000], 1335, 3), ([1500, 2000, 2000], 1334, 4):
        assert answers.difference("Q2", ours, answers.of_engine("Q2", [["v00", "", *wrong]]))
    assert answers.difference("Q2", ours, {}) and answers.difference("Q2", {}, ours)
    week = [{"period": "1970-01-05T00:00:00Z", "full_resolution_time.p90": 7, "full_resolution_time.p90.n": 2},
            {"period": "1970-01-12T00:00:00Z", "full_resolution_time.p90": None, "full_resolution_time.p90.n": 0}]
    assert answers.of_tendon("Q4", week) == {(1,): (7000, 2)} == answers.of_engine("Q4", [[1, 7000, 2]])
    counts = [{"tickets_created": 9, "resolutions": 8, "reopens": 1, "tickets_solved": 7}]
    kinds = [["opened", 9], ["resolved", 8], ["reopened", 1], ["rated", 2]]
    assert answers.difference("Q1", answers.of_tendon("Q1", counts), answers.of_engine("Q1", kinds, 7)) is None
    assert answers.difference("Q1", answers.of_tendon("Q1", counts), answers.of_engine("Q1", kinds, 6))


def test_a_table_for_people_and_a_wrong_part():
    done = run("--events", "5000", "--only", "limits")
    assert done.returncode == 0, done.stderr
    assert "zmq_events_per_s" in done.stdout
    done = run("--only", "fast")
    assert done.returncode == 2 and "invalid choice: 'fast'" in done.stderr
