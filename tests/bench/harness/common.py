"""What every part of the benchmark needs: saying, failing, running programs, and small measurements."""
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(os.path.dirname(HERE))
RUNS = 7
CLIENTS = 4
BATCH_EVENTS = 1000


class Failed(Exception):
    """The benchmark cannot go on: what happened, for people."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    raise Failed(text)


def check(arguments, **options):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        fail(f"{' '.join(arguments[:3])} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def check_json(arguments, **options):
    return json.loads(check(arguments, **options))


class Build:
    """The programs measured: a release build of their own, unless another is given."""

    def __init__(self, folder=None):
        self.folder = os.path.abspath(folder or os.path.join(TOP, "build", "bench"))
        self.given = folder is not None

    def make(self):
        if self.given:
            return
        if not os.path.exists(self.program("build.ninja")):
            check(["meson", "setup", self.folder, TOP, "--buildtype=release"])
        check(["ninja", "-C", self.folder])

    def program(self, *path):
        return os.path.join(self.folder, *path)

    def bench(self, name):
        return self.program("tests", "bench", name)


def median(values, digits=3):
    return round(statistics.median(values), digits)


def percentile(values, percent):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(1, -(-len(ordered) * percent // 100)) - 1]


def fdatasync_ms(folder):
    """The median of appending 4 KiB and flushing them."""
    times = []
    path = os.path.join(folder, "fdatasync")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for _ in range(200):
            os.write(fd, bytes(4096))
            begin = time.perf_counter()
            os.fdatasync(fd)
            times.append((time.perf_counter() - begin) * 1000)
    finally:
        os.close(fd)
        os.unlink(path)
    return median(times)


def folder_bytes(path, begin=""):
    """What the files whose names begin so take on disk, holes not counted."""
    total = 0
    for parent, _, names in os.walk(path):
        for name in names:
            if not name.startswith(begin):
                continue
            try:
                total += os.stat(os.path.join(parent, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total
