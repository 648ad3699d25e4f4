"""Files as they behave in the field: they grow, end in the middle of a line, shrink, are replaced, hold rubbish."""
import gzip
import os
import time

import pytest

from collector import csv_created, wait_for

HEADER = "id,when\n"
QUIET_SECONDS = 1.5  # in which nothing more must come


def rows(*names):
    return "".join(f"{name},2024-01-08T10:00:00Z\n" for name in names)


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


@pytest.fixture
def tail(make_collector, tmp_path):
    """A collector that reads tmp_path/in.csv, and its path."""
    path = tmp_path / "in.csv"
    collector = make_collector(plugins=[csv_created(path)]).start()
    return collector, path


def wait_tickets(collector, n):
    wait_for(lambda: collector.value("tickets_created") >= n, 30,
             lambda: f"{collector.value('tickets_created')} of {n}; {collector.plugin_state('desk')}")
    assert collector.value("tickets_created") == n


def still(collector, n):
    time.sleep(QUIET_SECONDS)
    assert collector.value("tickets_created") == n


def test_not_there_yet(tail):
    collector, path = tail
    still(collector, 0)
    path.write_text(HEADER + rows("a"), encoding="utf-8")
    wait_tickets(collector, 1)


def test_a_line_without_its_end_is_waited_for(tail):
    collector, path = tail
    path.write_text(HEADER + rows("a") + "b,2024-01-08T10:0", encoding="utf-8")
    wait_tickets(collector, 1)
    still(collector, 1)
    append(path, "0:00Z")
    still(collector, 1)
    append(path, "\n")
    wait_tickets(collector, 2)
    assert collector.plugin_state("desk")["skipped"] == 0


def test_a_quoted_field_over_lines(tail):
    collector, path = tail
    path.write_text(HEADER + '"a\nb",2024-01-08T10:00:00Z\n"c', encoding="utf-8")
    wait_tickets(collector, 1)
    append(path, '\n\nd",2024-01-08T10:00:00Z\n')
    wait_tickets(collector, 2)


def test_shrunk_it_is_read_anew(tail):
    collector, path = tail
    path.write_text(HEADER + rows("a", "b", "c"), encoding="utf-8")
    wait_tickets(collector, 3)
    with open(path, "r+", encoding="utf-8") as file:  # truncated in place and written again: the same file
        file.truncate(0)
        file.write(HEADER + rows("d"))
    wait_tickets(collector, 4)


def test_replaced_it_is_read_anew(tail):
    collector, path = tail
    path.write_text(HEADER + rows("a", "b"), encoding="utf-8")
    wait_tickets(collector, 2)
    new = path.with_suffix(".new")
    new.write_text(HEADER + rows("a", "b", "c", "d"), encoding="utf-8")
    os.rename(new, path)
    wait_tickets(collector, 4)
    append(path, rows("e"))
    wait_tickets(collector, 5)


def test_rotated_nothing_is_lost(tail):
    """Renamed while its last lines are being written; a new file takes its name."""
    collector, path = tail
    path.write_text(HEADER + rows("a"), encoding="utf-8")
    wait_tickets(collector, 1)
    append(path, rows("b"))
    os.rename(path, path.with_suffix(".1"))
    path.write_text(HEADER + rows("c"), encoding="utf-8")
    wait_tickets(collector, 3)


def test_removed_and_there_again(tail):
    collector, path = tail
    path.write_text(HEADER + rows("a"), encoding="utf-8")
    wait_tickets(collector, 1)
    path.unlink()
    still(collector, 1)
    path.write_text(HEADER + rows("b"), encoding="utf-8")
    wait_tickets(collector, 2)
    assert collector.plugin_state("desk")["state"] == "running"


def test_rows_that_cannot_be_read_are_counted(tail):
    """Each costs itself: counted, with file and line; the file goes on."""
    collector, path = tail
    bad = ["too,many,fields,here\n", "only-one\n", ",2024-01-08T10:00:00Z\n", "x,yesterday\n", "y,\n"]
    path.write_text(HEADER + rows("a") + "".join(bad) + rows("b"), encoding="utf-8")
    wait_tickets(collector, 2)
    wait_for(lambda: collector.plugin_state("desk")["skipped"] == len(bad), say=lambda: str(collector.plugin_state("desk")))
    state = collector.plugin_state("desk")
    assert "in.csv line 7" in state["last_skip"], state
    assert "yesterday" not in collector.log() and "only-one" not in collector.log()


def test_bytes_that_are_no_text(tail):
    collector, path = tail
    path.write_bytes((HEADER + rows("a")).encode() + b"\xff\xfe\x00\x01,2024-01-08T10:00:00Z\n" + b"\x00" * 3000 + b"\n" +
                     rows("b").encode())
    wait_for(lambda: collector.value("tickets_created") >= 2)
    assert collector.plugin_state("desk")["state"] == "running"


def test_a_row_of_a_megabyte_and_more(tail):
    collector, path = tail
    path.write_text(HEADER + rows("a") + "x" * 3_000_000 + "\n" + rows("b"), encoding="utf-8")
    wait_tickets(collector, 2)
    wait_for(lambda: collector.plugin_state("desk")["skipped"] >= 1)


def test_a_column_that_is_not_there(tail):
    collector, path = tail
    path.write_text("id,time\n" + rows("a"), encoding="utf-8")
    wait_for(lambda: collector.plugin_state("desk").get("skipped", 0) > 0 or
             collector.plugin_state("desk").get("state") not in ("starting", "running"))
    assert collector.value("tickets_created") == 0


def test_a_drop_folder(make_collector, tmp_path):
    """Files that arrive, plain and gzip, in order of their age; hidden ones are not ready."""
    folder = tmp_path / "drop"
    folder.mkdir()
    collector = make_collector(plugins=[csv_created(folder)]).start()
    (folder / "1.csv").write_text(HEADER + rows("a", "b"), encoding="utf-8")
    with gzip.open(folder / "2.csv.gz", "wt", encoding="utf-8") as file:
        file.write(HEADER + rows("c", "d"))
    (folder / ".3.csv").write_text(HEADER + rows("hidden"), encoding="utf-8")
    wait_tickets(collector, 4)
    os.rename(folder / ".3.csv", folder / "3.csv")
    wait_tickets(collector, 5)
    collector.restart()
    still(collector, 5)
    (folder / "4.csv").write_text(HEADER + rows("e"), encoding="utf-8")
    wait_tickets(collector, 6)


def test_a_broken_gzip(make_collector, tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    data = gzip.compress((HEADER + rows(*(f"n{n}" for n in range(5000)))).encode())
    (folder / "1-cut.csv.gz").write_bytes(data[:len(data) // 2])
    (folder / "2-none.csv.gz").write_bytes(b"this is no gzip at all")
    (folder / "3-good.csv").write_text(HEADER + rows("good"), encoding="utf-8")
    collector = make_collector(plugins=[csv_created(folder, settle="1s")]).start()
    wait_for(lambda: collector.plugin_state("desk").get("skipped", 0) > 0, say=lambda: str(collector.plugin_state("desk")))
    wait_for(lambda: collector.value("tickets_created") > 1000)
    (folder / "4-good.csv").write_text(HEADER + rows("after"), encoding="utf-8")
    before = collector.value("tickets_created")
    wait_for(lambda: collector.value("tickets_created") == before + 1)


def test_a_change_of_options_is_taken_by_reload(tail):
    """Separator and columns of an export change: the configuration follows, the collector goes on."""
    import signal
    collector, path = tail
    path.write_text("ticket;opened\na;08.01.2024 10:00\n", encoding="utf-8")
    time.sleep(1)
    collector.configuration["plugins"] = [csv_created(path, separator=";", columns={"ticket": "ticket", "at": "opened"},
                                                      time_format="%d.%m.%Y %H:%M", zone="Europe/Berlin")]
    collector.write()
    collector.process.send_signal(signal.SIGHUP)
    append(path, "b;08.01.2024 11:00\n")
    wait_for(lambda: collector.value("tickets_created", since="2024-01-08T09:00:00Z", until="2024-01-08T10:00:01Z") > 0)
