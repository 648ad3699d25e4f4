"""The command line of tests/bench/run."""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import textwrap

from harness import parts, report
from harness.common import Build, Failed, say
from harness.engines import ENGINES
from harness.loads import Loads

ABOUT = """\
How fast and how small Tendon is: loads simulated events into a collector of its own, asks it, and holds it against
peers and limits. Everything is measured in one run, on this machine and the same events: a release build in
build/bench, events encoded beforehand, clients on the same processors as the collector."""

SAYS = "parts:\n" + "\n".join(
    textwrap.fill(f"{name:<11} {' '.join(part.__doc__.split())}", 116, initial_indent="  ", subsequent_indent=" " * 14)
    for name, part in parts.PARTS.items()) + """

A rate's clock runs from the first byte sent until a query asked after the last acknowledgement has returned the
right answer. Times of questions are medians of 7 runs that differ in the end of the period. tests/bench/README.md
says how to read the result."""


def arguments_of(argv):
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=ABOUT, epilog=SAYS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output, instead of a table")
    parser.add_argument("--events", type=int, default=10_000_000, metavar="N",
                        help="the size (default 10,000,000 events, about 2 million tickets)")
    parser.add_argument("--only", action="append", choices=list(parts.PARTS), default=[], metavar="PART",
                        help="this part alone; may be given again")
    parser.add_argument("--peer", action="append", choices=list(ENGINES), default=[], metavar="NAME",
                        help=f"this peer alone, of {', '.join(ENGINES)}; may be given again")
    parser.add_argument("--settle", type=int, default=60, metavar="SECONDS",
                        help="how long the store may take to settle before its size is read (default 60)")
    parser.add_argument("--build", metavar="FOLDER", help="the programs of this build, instead of a release build")
    parser.add_argument("--keep", action="store_true", help="leave the folder with data and logs, and say where it is")
    arguments = parser.parse_args(argv)
    if not 1000 <= arguments.events <= 2_000_000_000:
        parser.error("--events is 1,000 to 2,000,000,000")
    if not 0 <= arguments.settle <= 3600:
        parser.error("--settle is 0 to 3600")
    return arguments


def measure(arguments, base):
    build = Build(arguments.build)
    if not arguments.build:
        say("building")
    build.make()
    bench = parts.Bench(base, build, Loads(base, build, arguments.events), arguments.settle,
                        arguments.peer or list(ENGINES), arguments.keep)
    wanted = set(arguments.only or parts.PARTS)
    if "peers" in wanted:  # they are compared with a loaded collector
        wanted.add("local")
    for name, part in parts.PARTS.items():
        if name in wanted:
            part(bench)
    parts.finish(bench)
    return bench.result


def main(argv=None):
    arguments = arguments_of(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # by way of every finally
    base = tempfile.mkdtemp(prefix="tb-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    os.chmod(base, 0o700)
    try:
        result = measure(arguments, base)
        print(json.dumps(result) if arguments.json else report.table(result))
        return 0
    except Failed as failed:
        say(f"tests/bench/run: {failed}")
        return 1
    finally:
        if arguments.keep:
            say(f"kept: {base}")
        else:
            shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
