"""The answers of all engines in one form, so that they can be compared: {keys: whole numbers…}.

Durations are whole milliseconds; only averages may differ, by what rounding to a millisecond leaves.
"""
import datetime

EPOCH = datetime.date(1970, 1, 1)
KEYS = {"Q1": 0, "Q2": 2, "Q3": 2, "Q4": 1, "Q5": 1, "Q6": 1, "Q7": 1}
STATISTICS = {"Q2": ("p50", "p90", "p99", "avg"), "Q4": ("p90",), "Q6": ("p50",), "Q7": ("p50", "p90")}
AVERAGE_MS = 0.51


def of_tendon(name, rows):
    if name == "Q1":
        row = rows[0]
        return {(): (row["tickets_created"], row["resolutions"], row["reopens"], row["tickets_solved"])}
    if name == "Q3":
        return {(row["outsourcer"], row["period"][:7]): (row["dissatisfaction.n"],
                                                       round(row["dissatisfaction"] * row["dissatisfaction.n"], 6))
                for row in rows if row["dissatisfaction.n"]}
    if name == "Q5":
        return {(row["vendor"],): (row["tickets_created"],) for row in rows if row["tickets_created"]}
    metric = "full_resolution_time" if name == "Q4" else "first_response_time"
    found = {}
    for row in rows:
        n = row[f"{metric}.p90.n" if name == "Q4" else f"{metric}.p50.n"]
        if not n:
            continue
        if name == "Q4":
            keys = (((datetime.date.fromisoformat(row["period"][:10]) - EPOCH).days + 3) // 7,)
        else:
            keys = tuple(row[key] for key in {"Q2": ("vendor", "support_region"), "Q6": ("site",), "Q7": ("vendor",)}[name])
        found[keys] = tuple(round(row[f"{metric}.{statistic}"] * 1000, 3) for statistic in STATISTICS[name]) + (n,)
    return found


def flat(row):
    values = []
    for value in row:
        values += value if isinstance(value, list) else [value]
    return values


def of_engine(name, rows, solved=None):
    """solved: what Q1 on raw events does not count, None for the answer on facts."""
    if name == "Q1":
        if solved is None:
            return {(): tuple(rows[0])}
        kinds = dict(rows)
        return {(): (kinds.get("opened", 0), kinds.get("resolved", 0), kinds.get("reopened", 0), solved)}
    n_keys = KEYS[name]
    found = {}
    for row in rows:
        values = flat(row)
        found[tuple(None if key == "" else key for key in values[:n_keys])] = tuple(values[n_keys:])
    return found


def difference(name, ours, theirs):
    """None where they agree, else the first thing that differs."""
    averages = {index for index, statistic in enumerate(STATISTICS.get(name, ())) if statistic == "avg"}
    for keys in sorted(set(ours) | set(theirs), key=str):
        left, right = ours.get(keys), theirs.get(keys)
        if left is None or right is None or len(left) != len(right):
            return f"{name} {keys}: {left} and {right}"
        for index, (a, b) in enumerate(zip(left, right)):
            if abs(a - b) > (AVERAGE_MS if index in averages else 0):
                return f"{name} {keys}: {left} and {right}"
    return None
