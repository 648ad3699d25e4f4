"""Reads the worked cases of tests/data/cases (its README.md says how they are written)."""
import collections
import datetime
import glob
import json
import os
import re
import shlex

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "cases")
D0 = datetime.datetime(2024, 1, 8, tzinfo=datetime.timezone.utc)

TEAMS = [
    {"key": "A", "employer": "acme", "tier": 1, "team_country": "US"},
    {"key": "D", "employer": "acme", "tier": 2, "team_country": "US"},
    {"key": "B", "employer": "bpo", "outsourcer": "bpo", "tier": 1, "team_country": "US"},
    {"key": "F", "employer": "bpo", "outsourcer": "bpo", "tier": 1, "team_country": "PH"},
    {"key": "M", "employer": "bpo", "outsourcer": "bpo", "tier": 1, "team_country": "MX"},
]
SITES = [{"key": key, "facility_kind": "hospital", "country": "US", "org": key.lower()} for key in ("H1", "H2", "H3")]
NEARSHORE = ["MX"]
CALENDAR = "desk"  # the tenant's default one, of every case
HOURS = {"zone": "UTC", "hours": "mon-fri 09:00-17:00"}  # unless the case says otherwise

STATUS = {"N": "new", "O": "open", "P": "pending", "H": "hold", "S": "solved", "C": "closed"}
KIND = {"": "reassign", "r": "route", "e": "escalate"}
OUTCOME = {"ans": "answered"}
CONTACT = {"q": "queue_s", "t": "talk_s", "w": "wrap_s"}
SLA = {"FRT": "first_response_time", "NRT": "next_response_time", "TTA": "time_to_acknowledge",
       "RES": "first_resolution_time", "RWT": "requester_wait_time", "SWT": "support_work_time"}
CLOCK = {"w": "wall", "b": "business"}
MESSAGE = {"<": {"direction": "in"}, "<~": {"direction": "in", "automated": True}, ">": {"direction": "out"},
           ">~": {"direction": "out", "automated": True}, ">-": {"direction": "internal"}}
# fields whose value is a number
NUMBERS = {"severity", "tier", "seq", "beds", "physicians"}

TIME = re.compile(r"(?:(d-?\d+)\s+)?(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{3}))?)?(\+I)?|(\d{4}-\d\d-\d\dT\S+Z))$")
RELATIVE = re.compile(r"d(-?\d+)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{3}))?)?)?$")
# the last "=" with blanks around it parts a query from its answer: --where may hold others
EXPECT = re.compile(r"(?P<what>.+?)\s+=\s+(?P<value>\{.*\}|error \S+|\S+)(?:\s+n\s+(?P<n>\d+))?"
                    r"(?:\s+\[(?P<low>\S+)\s+(?P<high>\S+)\])?$")

# events of all tickets, in the order written; world: what the tenant knows beside them
Case = collections.namedtuple("Case", "name title events expectations world")
# calendars: versions of CALENDAR, [(valid_from in ms or None, definition)]; teams, sites: rows to import; settings: of
# the tenant's configuration
World = collections.namedtuple("World", "calendars teams sites settings")
# meta: where to look into the answer before ("meta.orphans", ".censored"), and then metric is None
Expectation = collections.namedtuple("Expectation", "line metric options meta value n low high")


class Wrong(ValueError):
    """A case that is not written as README.md says."""


def ms(moment):
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(milliseconds=1)


def instant(text):
    """An option's value: d2 is that date, d2T10:00 that instant, anything else itself."""
    found = RELATIVE.match(text)
    if not found:
        return text
    day, hour, minute, second, part = found.groups()
    moment = D0 + datetime.timedelta(days=int(day))
    if hour is None:
        return moment.strftime("%Y-%m-%d")
    moment += datetime.timedelta(hours=int(hour), minutes=int(minute), seconds=int(second or 0), milliseconds=int(part or 0))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def tokens(text):
    """Words; a word may hold {…} and times with their day are one."""
    return re.findall(r"d-?\d+\s+\d\d:\d\d\S*|[^\s{]+\{[^}]*\}|\S+", text)


def dimensions(text):
    made = {}
    for pair in filter(None, text.split(",")):
        name, value = pair.split("=", 1)
        made[name.strip()] = None if value == "nil" else int(value) if name.strip() in NUMBERS else value
    return made


def answered(text):
    """4/1-5 is a score on a scale, yes a choice."""
    if "/" not in text:
        return {"choice": text}
    score, scale = text.split("/")
    low, high = scale.split("-")
    return {"score": json.loads(score), "min": json.loads(low), "max": json.loads(high)}


def token_event(token):
    """One token without its time: the type and fields."""
    body, _, rest = token.partition("{")
    fields = dimensions(rest.rstrip("}")) if rest else {}
    if body in ("c", "c!"):
        return "ticket.created", {**({"by": "agent"} if body == "c!" else {}), **fields}
    if body == "u":
        return "ticket.updated", fields
    if body in MESSAGE:
        return "ticket.message", {**MESSAGE[body], **fields}
    if body.rstrip("~") in STATUS:
        return "ticket.status", {"to": STATUS[body.rstrip("~")], **({"automated": True} if "~" in body else {}), **fields}
    if body.startswith("@"):
        team, _, kind = body[1:].partition("/")
        return "ticket.assigned", {"team": team, "kind": KIND[kind], **fields}
    if body.startswith("x:"):
        what = body[2:]
        if what.partition(">")[0] == "merged":
            return "ticket.merged", {"into": what.partition(">")[2] or "t1", **fields}
        if what == "restored":
            return "ticket.restored", fields
        return "ticket.deleted", {"reason": what, **fields}
    if body == "sent" or body.startswith(("q:", "sent:")):
        what, *parts = body.split(":")
        response = answered(parts.pop(0)) if what == "q" else {}
        named = {"respondent": parts[0]} if parts else {}
        return "survey." + ("response" if what == "q" else "sent"), {"instrument": "csat", **response, **named, **fields}
    if body.startswith("call:"):
        outcome, *parts = body[5:].split(":")
        return "contact.ended", {"outcome": OUTCOME.get(outcome, outcome),
                                 **{CONTACT[part[0]]: number(part[1:]) for part in parts}, **fields}
    if body.startswith("sla:"):
        metric, target, clock = body[4:].split(":")
        return "sla.applied", {"metric": SLA[metric], "target_s": number(target), "clock": CLOCK[clock], **fields}
    if body.startswith("sla-:"):
        return "sla.cancelled", {"metric": SLA[body[5:]], **fields}
    raise Wrong(f"no event is written '{token}'")


def number(text):
    return float(text) if "." in text else int(text)


def calendar(text):
    """"[from INSTANT] ZONE HOURS [; federal] [; DAY [FROM-TO]]…" → (valid_from in ms or None, definition)."""
    first, *more = [part.strip() for part in text.split(";")]
    since = None
    if first.startswith("from "):
        _, since, first = first.split(" ", 2)
        since = ms(datetime.datetime.fromisoformat(instant(since).replace("Z", "+00:00")))
    zone, _, hours = first.partition(" ")
    definition = {"zone": zone, "hours": hours}
    if "federal" in more:
        definition["federal"] = True
    holidays = [part for part in more if part != "federal"]
    return since, {**definition, **({"holidays": holidays} if holidays else {})}


def alike(text):
    """"8 x WHAT": how many, and what; one without a number."""
    found = re.match(r"(\d+) x (.*)$", text)
    return (int(found[1]), found[2]) if found else (1, text)


def rows(text):
    """"KEY NAME=VALUE …": a row of the sites or teams; "8 x KEY+I …": eight of them."""
    times, body = alike(text)
    made = []
    for place in range(1, times + 1):
        key, *pairs = body.replace("+I", str(place)).split()
        made.append({"key": key, **dimensions(",".join(pairs))})
    return made


def merged(rows, more):
    """Rows with others over them, by key."""
    return [*{**{one["key"]: one for one in rows}, **{one["key"]: one for one in more}}.values()]


def new_world():
    return World([], list(TEAMS), list(SITES), {"nearshore": NEARSHORE, "calendar": CALENDAR})


def world_line(world, word, text):
    """A line that says what the tenant knows. True when it was one."""
    if word == "calendar":
        world.calendars.append(None if text == "none" else calendar(text))
    elif word == "site":
        world.sites[:] = merged(world.sites, rows(text))
    elif word == "team":
        world.teams[:] = merged(world.teams, rows(text))
    elif word == "not_level1":
        world.settings["not_level1"] = [name.strip() for name in text.split(",")]
    else:
        return False
    return True


def settled(world):
    """"calendar none": no calendar at all; no such line: the usual one."""
    if not world.calendars:
        world.calendars.append((None, HOURS))
    world.calendars[:] = [version for version in world.calendars if version is not None]
    return world


def ticket_events(text, ticket, place, number=None):
    """The events of one ticket (None: of none). place: its place among those alike, from 1; number: tells the ids of events
    without a ticket apart."""
    day, moment, made = D0, None, []
    for token in tokens(text.replace(";", " ")):
        time = TIME.match(token)
        if time:
            d, hour, minute, second, part, plus, whole = time.groups()
            if whole:
                moment = datetime.datetime.fromisoformat(whole.replace("Z", "+00:00"))
                continue
            if d:
                day = D0 + datetime.timedelta(days=int(d[1:]))
            moment = day + datetime.timedelta(hours=int(hour), minutes=int(minute), seconds=int(second or 0),
                                              milliseconds=int(part or 0))
            if plus:
                moment += datetime.timedelta(seconds=place)
            continue
        if moment is None:
            raise Wrong(f"'{token}' stands before any time")
        type_, fields = token_event(token.replace("+I", str(place)))
        event = {"type": type_, "id": f"{ticket or 'none'}-{number or place}-{len(made)}", "at": ms(moment), **fields}
        if ticket is not None:
            event["ticket"] = ticket
        made.append(event)
    return made


def case_events(text):
    made, n_tickets = [], 0
    for part in text.split("‖"):
        part = part.strip()
        times, body = alike(part)
        for place in range(1, times + 1):
            if body.startswith("- "):
                made += ticket_events(body[2:], None, place, len(made) + 1)
            else:
                n_tickets += 1
                made += ticket_events(body, f"t{n_tickets}", place)
    return made


def scalar(text):
    text = text.strip()
    return None if text == "null" else json.loads(text)


def expectation(line):
    found = EXPECT.match(line)
    if not found:
        raise Wrong(f"no answer is written '{line}'")
    what, value = found["what"], found["value"]
    if value.startswith("{"):
        groups = {}
        for pair in value[1:-1].split(","):
            key, _, number = pair.rpartition(":")
            groups[None if key.strip() == "null" else key.strip()] = scalar(number)
        value = groups
    elif not value.startswith("error "):
        value = scalar(value)
    words = shlex.split(what)
    meta = words[0] if words[0].startswith(("meta.", ".")) else None
    options, rest = {}, words[1:]
    while rest:
        if not rest[0].startswith("--") or len(rest) < 2:
            raise Wrong(f"no option is written '{' '.join(rest)}'")
        options[rest[0][2:].replace("-", "_")] = instant(rest[1])
        rest = rest[2:]
    return Expectation(line, None if meta else words[0], options, meta, value, int(found["n"]) if found["n"] else None,
                       float(found["low"]) if found["low"] else None, float(found["high"]) if found["high"] else None)


def read_file(path):
    cases, current = [], None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = re.sub(r"(^|\s)#.*$", "", line).strip()
            if not line:
                continue
            try:
                if line.startswith("case "):
                    _, name, title = line.split(" ", 2)
                    current = Case(name, title, [], [], new_world())
                    cases.append(current)
                elif current is None:
                    raise Wrong("stands before any case")
                elif line.startswith("events "):
                    current.events.extend(case_events(line[len("events "):]))
                elif world_line(current.world, *line.partition(" ")[::2]):
                    pass
                else:
                    current.expectations.append(expectation(line))
            except (Wrong, KeyError, ValueError) as error:
                raise Wrong(f"{path}:{number}: {error}") from error
    for case in cases:
        if not case.events or not case.expectations:
            raise Wrong(f"{path}: case {case.name} has no events or no answer")
        settled(case.world)
    return cases


def read_all(folder=FOLDER):
    return [case for path in sorted(glob.glob(os.path.join(folder, "*.txt"))) for case in read_file(path)]


def variants(case, chance):
    """The same set of events, delivered otherwise: (name, [batch of events, …]). All must give the same answers."""
    whole = list(case.events)
    backwards = whole[::-1]
    shuffled = chance.sample(whole, len(whole))
    yield "as written", [whole]
    yield "backwards", [backwards]
    yield "shuffled, one a batch", [[event] for event in shuffled] if len(shuffled) <= 40 else split(shuffled, chance)
    twice = whole + chance.sample(whole, len(whole))
    chance.shuffle(twice)
    yield "twice, shuffled", split(twice, chance)


def split(events, chance):
    """Cut into batches of random sizes."""
    batches, at = [], 0
    while at < len(events):
        n = chance.randint(1, max(1, len(events) // 3))
        batches.append(events[at:at + n])
        at += n
    return batches
