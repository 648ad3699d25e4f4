"""The incident audit log (a CSV, one row an update) as events, and its figures.

Calendars and a team table are made up, so that every figure that the log can feed has something to be measured by.
"""

import csv
import datetime
import gzip
import io

STATES = {"New": "new", "Active": "open", "Awaiting User Info": "pending", "Awaiting Vendor": "hold",
          "Awaiting Problem": "hold", "Awaiting Evidence": "hold", "Resolved": "solved", "Closed": "closed"}


def instant(text):
    at = datetime.datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=datetime.timezone.utc)
    return int(at.timestamp()) * 1000


def known(text):
    return text if text and text != "?" else None


def dimensions(row):
    found = {"site": known(row["location"]), "category": known(row["category"]),
             "channel": (known(row["contact_type"]) or "").lower() or None,
             "severity": int(row["priority"][0]) if row["priority"][:1].isdigit() else None}
    return {k: v for k, v in found.items() if v is not None and (k != "channel" or v in CHANNELS)}


CHANNELS = {"phone", "email", "web", "chat", "portal", "remote", "onsite", "api"}


def events(path):
    """(events by ticket in the order of the file, rows whose state is none)."""
    opener = gzip.open if str(path).endswith(".gz") else open
    tickets, errors, group = {}, 0, {}
    with opener(path, "rb") as raw:
        for place, row in enumerate(csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))):
            name = row["number"]
            own = dimensions(row)
            at = instant(row["sys_updated_at"])
            seq = place + 1
            if name not in tickets:
                tickets[name] = [{"type": "ticket.created", "id": "created", "ticket": name, "seq": 0,
                                  "at": instant(row["opened_at"]), **own}]
            team = known(row["assignment_group"])
            if team and team != group.get(name):
                group[name] = team
                tickets[name].append({"type": "ticket.assigned", "id": f"assigned-{seq}", "ticket": name, "at": at,
                                      "seq": seq, "team": team, "kind": "route"})
            if row["incident_state"] not in STATES:
                errors += 1
                continue
            tickets[name].append({"type": "ticket.status", "id": f"status-{seq}", "ticket": name, "at": at,
                                  "seq": seq, "to": STATES[row["incident_state"]], **own})
    return list(tickets.values()), errors


# --- what the log lacks, made up

CALENDARS = {
    "us": {"zone": "America/New_York", "hours": "mon-fri 08:00-17:00", "federal": True},
    "europe": {"zone": "Europe/Berlin", "hours": "mon-fri 07:30-12:00 13:00-18:00, sat 09:00-12:00",
               "holidays": ["2016-05-05", "2016-05-16", "2016-03-25", "2016-03-28", "2016-12-24 12:00-24:00"]},
}
DEFAULT_CALENDAR = "us"
NEARSHORE = ["MX"]
# by the last digit of the group's number; None: no row
TEAMS = {
    0: {"employer": "Helpline", "outsourcer": "Helpline", "team_country": "PH", "tier": 1},
    1: {"employer": "clinic", "team_country": "US", "tier": 1}, 2: {"employer": "vendor", "team_country": "US", "tier": 2},
    3: {"employer": "Callcentro", "outsourcer": "Callcentro", "team_country": "MX", "tier": 1},
    4: {"employer": "vendor", "team_country": "DE", "tier": 3}, 5: {"employer": "clinic", "team_country": "US", "tier": 2},
    6: {"employer": "Helpline", "outsourcer": "Helpline", "team_country": "PH", "tier": 2},
    7: {"employer": "vendor", "team_country": "US"}, 8: {"employer": "vendor", "tier": 1}, 9: None,
}
SITES = [{"country": "US", "org": "clinic", "facility_kind": "hospital"}, {"country": "DE", "org": "group", "calendar": "europe"}]
POLICIES = [
    {"policy": "urgent", "metric": "first_resolution_time", "target_s": 8 * 3600, "clock": "business",
     "where": {"severity": ["1", "2"]}},
    {"policy": "usual", "metric": "first_resolution_time", "target_s": 40 * 3600, "clock": "business", "where": {}},
    {"policy": "picked up", "metric": "time_to_acknowledge", "target_s": 4 * 3600, "clock": "wall", "where": {}},
    {"policy": "waiting", "metric": "requester_wait_time", "target_s": 9 * 3600, "clock": "business", "calendar": "europe",
     "where": {}},
    {"policy": "work", "metric": "support_work_time", "target_s": 24 * 3600, "clock": "wall", "where": {"channel": ["phone"]}},
]


def digits(name):
    return int("".join(c for c in name if c.isdigit()) or 0)


def team_rows(subjects):
    """Rows of the team table for the groups of the log."""
    names = sorted({e["team"] for events_ in subjects for e in events_ if e.get("team")})
    return [{"key": name, **TEAMS[digits(name) % 10]} for name in names if TEAMS[digits(name) % 10]]


def site_rows(subjects):
    names = sorted({e["site"] for events_ in subjects for e in events_ if e.get("site")})
    return [{"key": name, **SITES[digits(name) % 2]} for name in names]


def world_of(subjects):
    """The world of generator.World."""
    def keyed(rows):
        return [[row["key"], None, {k: v for k, v in row.items() if k != "key"}] for row in rows]
    return {"declared": [], "teams": keyed(team_rows(subjects)), "sites": keyed(site_rows(subjects)),
            "calendars": [[name, None, definition] for name, definition in CALENDARS.items()], "calendar": DEFAULT_CALENDAR,
            "policies": POLICIES}


# --- what is known of it


def summary(figure):
    return {"n": figure.n, "avg": round(float(figure.value) / 1000, 3), "min": min(figure.samples) / 1000,
            "max": max(figure.samples) / 1000, **{f"p{p}": figure.percentile(p) / 1000 for p in (50, 90, 99)}}


def differing(world, wanted, catalogue):
    """What the model says otherwise than the figures that an independent program gave, in words."""
    found = {}
    for name, figure in wanted["all"].items():
        if isinstance(figure, dict):
            found[name] = summary(world.one(name))
        elif name in catalogue:
            found[name] = world.one(name).value
    found["team_changes"] = world.one("handoffs").sum
    found["tickets_reopened"] = len({number for number, _ in world.of("reopen")})
    said = [f"{name}: {found.get(name)}, not {figure}" for name, figure in wanted["all"].items() if found.get(name) != figure]
    for day, n in wanted["backlog"].items():
        at = int(datetime.datetime.fromisoformat(day + "T00:00:00+00:00").timestamp()) * 1000
        backlog = world.one("backlog", at=at).value
        said += [f"backlog at {day}: {backlog}, not {n}"] if backlog != n else []
    for name in ("first_resolution_time", "full_resolution_time"):
        by = {str(group): summary(figure) for (group,), figure in world.measure(name, by=["severity"]).items()}
        said += [f"{name} by severity: {by}"] if by != wanted[f"{name} by severity"] else []
    reopened, handled = world.one("reopen_rate"), world.one("handling_time")
    acknowledged, ping_pong = world.one("time_to_acknowledge"), world.one("ping_pong_rate")
    worked = {"reopen_rate": (reopened.x, reopened.n), "handling_time": (handled.n, handled.sum),
              "time_to_acknowledge": (acknowledged.n, round(float(acknowledged.value) / 1000, 3), acknowledged.percentile(50),
                                      acknowledged.percentile(90)),
              "ping_pong_rate": (ping_pong.x, ping_pong.n), "support_work_time": world.one("support_work_time").sum,
              "handling_time.business": world.one("handling_time", clock="business").sum}
    known = {"reopen_rate": (328, 25_250), "handling_time": (47_626, 9_003_764_100_000),
             "time_to_acknowledge": (24_918, 156_981.438, 1_260_000, 336_300_000), "ping_pong_rate": (2216, 24_918),
             "support_work_time": 9_003_764_100_000,
             "handling_time.business": world.one("support_work_time", clock="business").sum}
    return said + [f"{name}: {worked[name]}, not {figure}" for name, figure in known.items() if worked[name] != figure]
