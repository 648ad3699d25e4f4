"""The worked cases of tests/data/cases (read by tests/system/cases.py), asked of the model."""

import datetime

import cases  # of tests/system

from . import calendars, metrics
from .calendars import FIRST
from .figures import STATISTICS
from .reference import Reference

PRESENT = "2026-01-01T00:00:00Z"


def versions(rows):
    found = {}
    for row in rows:
        found.setdefault(row["key"], []).append((FIRST, {k: v for k, v in row.items() if k != "key"}))
    return found


def reference(world):
    calendar = [(FIRST if since is None else since, calendars.Calendar(definition)) for since, definition in world.calendars]
    return Reference({"team": versions(world.teams), "site": versions(world.sites)}, cases.NEARSHORE,
                     {cases.CALENDAR: calendar} if calendar else {}, cases.CALENDAR,
                     not_level1=world.settings.get("not_level1", ()))


def instant(text, zone):
    """The first instant of a date in a zone, or an instant as it stands."""
    if "T" in text:
        return cases.ms(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")))
    return calendars.local_midnight(datetime.date.fromisoformat(text), zone)


def seconds(text):
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
    unit = next(u for u in ("ms", "d", "h", "m", "s", "") if text.endswith(u))
    return float(text.removesuffix(unit) or 0) * units.get(unit, 1)


def taken_apart(column):
    """METRIC[.CLOCK][.STAT] → (metric, clock, statistic or None)."""
    metric, *rest = column.split(".", 1)
    rest = rest[0] if rest else ""
    clock = "wall"
    for name in ("wall", "business"):
        if rest == name or rest.startswith(name + "."):
            clock, rest = name, rest[len(name) + 1:]
    return metric, clock, rest or None


def asked(options):
    """The options of a query as the model takes them, or None where it does not know one."""
    options = dict(options)
    zone = options.pop("tz", "UTC")
    found = {key: instant(options.pop(key), zone) for key in ("since", "until", "at", "now") if key in options}
    found.setdefault("now", instant(PRESENT, zone))
    for name in ("reopen_window", "within"):
        if name in options:
            found[name] = round(seconds(options.pop(name)) * 1000)
    for name in ("unit", "instrument", "question", "dims", "anchor", "threshold"):
        if name in options:
            found[name] = options.pop(name)
    found["rule"] = options.pop("calendar_rule", None)
    found["by"] = [options.pop("by")] if "by" in options else []
    return None if options else found


def printed(metric, statistic, value):
    """As an answer has it: durations in seconds."""
    if value is not None and metric in metrics.DURATIONS and statistic != "count":
        return round(float(value)) / 1000  # in whole milliseconds, an average rounded last
    return None if value is None else float(value)


def answer(world, wanted):
    """The model's figure for an expectation: (value or {group: value}, n, low, high), or None: not the model's."""
    metric, clock, statistic = taken_apart(wanted.metric)
    options = asked(wanted.options)
    if metric not in metrics.CATALOGUE or options is None:
        return None
    if statistic not in (None, *STATISTICS) and not statistic.startswith("p"):
        return None
    if metric.startswith("backlog") and "at" not in options:  # at a period's end: all events before it
        options["at"] = min(options.pop("until") - 1, options["now"])
        options.pop("since", None)
    figures = world.measure(metric, clock=clock, **options)
    if options["by"]:
        return ({None if group[0] is None else str(group[0]): printed(metric, statistic, figure.statistic(statistic))
                 for group, figure in figures.items()}, None, None, None)
    figure = figures[()]
    return printed(metric, statistic, figure.statistic(statistic)), figure.n, figure.low, figure.high


def close(found, wanted):
    if isinstance(wanted, dict):
        return {**dict.fromkeys(wanted), **found}.keys() == wanted.keys() and all(close(found.get(g), v) for g, v in wanted.items())
    if found is None or wanted is None:
        return found is wanted
    return abs(found - wanted) < 6e-7


def subjects_of(events):
    found = {}
    for event in events:
        found.setdefault(event.get("ticket", (event["type"], event["id"])), []).append(event)
    return list(found.values())


def check(case):
    """[what is wrong, …], how many answers were compared."""
    world = metrics.World(subjects_of(case.events), reference(case.world))
    wrong, n = [], 0
    for wanted in case.expectations:
        is_error = isinstance(wanted.value, str) and wanted.value.startswith("error")
        found = None if wanted.metric is None or is_error else answer(world, wanted)
        if found is None:
            continue
        n += 1
        for name, a, b in zip(("value", "n", "low", "high"), found, (wanted.value, wanted.n, wanted.low, wanted.high)):
            if (name == "value" or b is not None) and not close(a, b):
                wrong.append(f"case {case.name}, {wanted.line}: the model's {name} is {a}")
    return wrong, n
