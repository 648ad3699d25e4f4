"""The incident audit log (a CSV, one row an update) as events."""

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
