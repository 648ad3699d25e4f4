"""Metrics of surveys, and votes: of a respondent, a site or an organisation.

Where somebody has one vote in the period asked, it is the latest answer: in the order of the events, and of different
tickets by time.
"""

from fractions import Fraction

BY_THRESHOLD = ("outsourced_share", "offshore_share")  # a site votes whether its own share reaches it
VOTED = ("survey_share", "instrument_score")
OF_ANSWER = ("choice", "box")  # what was answered
UNIT_DIMENSIONS = {"site": "site", "org": "org"}


def sample(*arguments, **more):
    from .metrics import Sample  # it knows us
    return Sample(*arguments, **more)


def box(row):
    """Which part of its scale a score is in, or None without one."""
    if row["score"] is None:
        return None
    score, width = 4 * (row["score"] - row["min"]), row["max"] - row["min"]
    return "top" if score >= 3 * width else "bottom" if score <= width else "middle"


def asked_for(row, options, instrument):
    return ((options.instrument or instrument) in (None, row["instrument"])
            and options.question in (None, row.get("question")))


def last_of(rows, options, key):
    """The last row of each key in the period; a key of None is nobody else's."""
    last, alone = {}, []
    for number, row in rows:
        if not options.holds(row["at"]):
            continue
        own = key(number, row)
        if own is None:
            alone.append((number, row))
            continue
        when = (row["at"], row["seq"], row.get("order", 0))
        if own not in last or when >= last[own][0]:
            last[own] = (when, number, row)
    return alone + [(number, row) for _, number, row in last.values()]


def taken(world, table, options, instrument, is_taken=lambda row: True):
    """(rows that are asked for, those of resellers)."""
    rows, resellers = [], []
    for number, row in world.of(table):
        if asked_for(row, options, instrument) and is_taken(row):
            (resellers if row["relation"] == "reseller" else rows).append((number, row))
    return rows, resellers


def of_resellers(rows):
    return [sample(number, row, row["at"], None, at=instant_of(row), left_out="reseller") for number, row in rows]


def instant_of(row):
    """When what is said of the row holds: at the solve rated, else then."""
    return row["at"] if row["solve_at"] is None else row["solve_at"]


def rated(world, options, instrument):
    """Ratings, one of each ticket and solve, and without a ticket the last in the period of a site, respondent and
    question; and resellers'."""
    rows, resellers = taken(world, "rating", options, instrument)
    if options.question is None:
        rows, resellers = ([(number, row) for number, row in own if row["of_survey"]] for own in (rows, resellers))

    def key(number, row):
        if not row["loose"] or row["respondent"] is None:
            return None
        return (world.namespaces[number], row["dimensions"].get("site"), row["respondent"], row["instrument"],
                row["question"], bool(row["excluded"]))

    return last_of(rows, options, key), last_of(resellers, options, key)


def ratings(world, metric, options):
    rows, resellers = rated(world, options, {"nps": "nps", "ces": "ces"}.get(metric, "csat"))
    yield from of_resellers(resellers)
    scales = {"nps": (0, 10_000), "ces": (1000, 7000)}
    for number, row in rows:
        score, low, high = row["score"], row["min"], row["max"]
        if metric in scales and (low, high) != scales[metric]:
            yield sample(number, row, row["at"], None, at=instant_of(row), left_out="scale")
            continue
        if metric == "csat":
            value = int(4 * (score - low) >= 3 * (high - low))
        elif metric == "dissatisfaction":
            value = int(4 * (score - low) <= high - low)
        elif metric == "nps":
            value = (score >= 9000) - (score <= 6000)
        elif metric == "ces":
            value = Fraction(score, 1000)
        else:
            value = Fraction(score - low, high - low)
        yield sample(number, row, row["at"], value, at=instant_of(row))


def sendings(world, metric, options):
    """Whether each was answered. Without a ticket by an answer of the same instrument, site and respondent, before the
    next sending to them."""
    loose = {}

    def key(number, row):
        return world.namespaces[number], row["instrument"], row["dimensions"].get("site"), row["respondent"]

    for number, row in world.of("answer"):
        if row["loose"] and row["relation"] != "reseller":
            loose.setdefault(key(number, row), []).append(row["at"])
    sent = {}
    for number, row in world.of("sending"):
        if row["loose"] and row["relation"] != "reseller":
            sent.setdefault(key(number, row), []).append((row["at"], row["seq"]))
    for number, row in world.of("sending"):
        if (options.instrument or row["instrument"]) != row["instrument"]:
            continue
        if row["relation"] == "reseller":
            yield sample(number, row, row["at"], None, left_out="reseller")
            continue
        is_answered = row["answered_at"] is not None
        if row["loose"] and row["respondent"] is not None:
            later = sorted(at for at in sent[key(number, row)] if at > (row["at"], row["seq"]))
            is_answered = any(row["at"] <= at and (not later or at < later[0][0]) for at in loose.get(key(number, row), ()))
        yield sample(number, row, row["at"], int(is_answered))


def whose(world, number, row):
    """The respondent as a key. Where there is none: who rated that solve of the ticket; without a ticket None, whose it
    is nobody knows."""
    if row.get("respondent") is not None:
        return world.namespaces[number], row["respondent"]
    return None if row.get("loose") else (number, row.get("solve_at"), row.get("instrument"))


def answers(world, metric, options):
    """Each respondent's latest answer to a question."""
    rows, resellers = taken(world, "answer", options, None)

    def key(number, row):
        respondent = whose(world, number, row)
        return None if respondent is None else (respondent, row["instrument"], row["question"], bool(row["excluded"]))

    yield from of_resellers(last_of(resellers, options, key))
    for number, row in last_of(rows, options, key):
        yield sample(number, row, row["at"], 1, at=instant_of(row))


def ballots(world, metric, options):
    """Ballots: what one respondent said of one site, or of one solve of a ticket: of each item the last answer that is a
    score. Without a respondent and a ticket each answer is one."""
    rows, resellers = taken(world, "answer", options, None, lambda row: row["score"] is not None)

    def key(number, row):
        who = whose(world, number, row)
        about = ("site", row["dimensions"].get("site")) if row["loose"] else (number, row["solve_at"])
        return None if who is None else (who, about, row["instrument"], bool(row["excluded"]))

    def united(rows):
        """[(number, its last row, all its rows)] of each ballot."""
        items = last_of(rows, options, lambda number, row: key(number, row) and key(number, row) + (row["question"],))
        whole = {}
        for n, (number, row) in enumerate(items):
            whole.setdefault(key(number, row) or n, []).append((number, row))
        for own in whole.values():
            number, last = max(own, key=lambda item: (item[1]["at"], item[1]["seq"], item[1]["order"]))
            yield number, last, own

    yield from of_resellers((number, row) for number, row, _ in united(resellers))
    for number, last, own in united(rows):
        scores = [Fraction(row["score"] - row["min"], row["max"] - row["min"]) for _, row in own]
        yield sample(number, last, last["at"], 100 * sum(scores) / len(scores), at=instant_of(last))


# --- votes


def finish(world, metric, kind, options, by, figures, electors):
    """Makes figures of votes. electors: {group: [(look up a dimension, sample)]}."""
    bases = {group: electors.get(group, []) for group in figures}
    if metric == "survey_share":  # what they chose cuts the numerator only
        places = [i for i, name in enumerate(by) if name in OF_ANSWER]
        bases = {}
        for group in figures:
            bases[group] = [elector for other, own in electors.items() for elector in own
                            if all(i in places or other[i] == group[i] for i in range(len(by)))]
    for group, figure in figures.items():
        base = bases[group]
        if metric == "survey_share":
            chosen = {id(s) for _, s in electors.get(group, [])
                      if options.votes_for is None or s.row["choice"] in options.votes_for}
            parts = [(get, s, int(id(s) in chosen)) for get, s in base]
        else:
            parts = [(get, s, s.value) for get, s in base]
        figure.samples = list(cast(world, metric, options, parts, figure))
        organisations = {get("org") for get, _, _ in parts} - {None}
        figure.finish(kind, len(organisations) if metric == "instrument_score" else None)
        if metric == "nps" and figure.n:
            figure.value *= 100


def cast(world, metric, options, parts, figure):
    """One value a voter: the mean of its respondents', each the mean of what that one said."""
    voters, unknown = {}, set()
    for place, (get, s, value) in enumerate(parts):
        respondent = whose(world, s.number, s.row) or place
        if options.unit in UNIT_DIMENSIONS:
            unit = get(UNIT_DIMENSIONS[options.unit])
            if unit is None:
                unknown.add(place if metric == "instrument_score" else respondent)
                continue
            figure.count(figure.beside, "ballots")
        else:
            unit = place if options.unit == "ticket" else respondent
            figure.count(figure.beside, "ballots")
        if metric == "instrument_score":  # the mean of the ballots
            unit, respondent = place if options.unit == "respondent" else unit, place
        voters.setdefault(unit, {}).setdefault(respondent, []).append(value)
    if unknown:
        # of shares the tickets of no known team or region stand there already
        figure.beside["unknown"] = figure.beside.get("unknown", 0) + len(unknown)
    for respondents in voters.values():
        means = [Fraction(sum(values)) / len(values) for values in respondents.values()]
        value = sum(means) / len(means)
        if metric in BY_THRESHOLD:
            value = int(value >= options.threshold)
        yield value
