"""Ratings, answers and sendings of surveys."""

from . import events
from .events import thousandths


def responses(ticket):
    return [(i, e) for i, e in enumerate(ticket.events) if e["type"] == "survey.response"]


def at_solve(ticket, place):
    """(the instant of the solve rated or None, the dimensions after it or the event's own)."""
    event = ticket.events[place]
    solve = ticket.solve_at_or_before(event)
    if solve is None:
        return None, events.own_dimensions(event)
    return ticket.when[solve], ticket.dimensions[solve]


def scale(event):
    return {key: thousandths(event.get(key)) for key in ("score", "min", "max")}


def ratings(ticket):
    last, last_of_survey = {}, {}
    for i, event in responses(ticket):
        if "score" not in event:
            continue
        survey = (ticket.solve_at_or_before(event), event["instrument"], event.get("rater_relation") == "reseller")
        key = survey + (event.get("question"),)
        last[key] = i
        last_of_survey[survey] = i
    for key, i in sorted(last.items(), key=lambda item: item[1]):
        event = ticket.events[i]
        solve_at, dimensions = at_solve(ticket, i)
        yield {"table": "rating", "at": ticket.when[i], "solve_at": solve_at, "instrument": event["instrument"],
               "question": event.get("question"), **scale(event), "relation": event.get("rater_relation"),
               "seq": event.get("seq", 0), "respondent": event.get("respondent"),
               "choice": event.get("choice"), "respondent_role": event.get("respondent_role"),
               "of_survey": ticket.is_loose or last_of_survey[key[:3]] == i, "dimensions": dimensions}


def answers(ticket):
    for place, (i, event) in enumerate(responses(ticket)):
        solve_at, dimensions = at_solve(ticket, i)
        if event.get("team") is not None:
            dimensions = {**dimensions, "team": event["team"]}
        yield {"table": "answer", "at": ticket.when[i], "seq": event.get("seq", 0),
               "order": 0 if ticket.is_loose else place, "solve_at": solve_at, "instrument": event["instrument"],
               "question": event.get("question"), "choice": event.get("choice"), **scale(event),
               "relation": event.get("rater_relation"), "respondent": event.get("respondent"),
               "respondent_role": event.get("respondent_role"), "dimensions": dimensions}


def sendings(ticket):
    sent = [(i, e) for i, e in enumerate(ticket.events) if e["type"] == "survey.sent"]
    for n, (i, event) in enumerate(sent):
        later = [e["at"] for _, e in sent[n + 1:] if e["instrument"] == event["instrument"]]
        answered = [ticket.when[k] for k, e in responses(ticket)
                    if e["instrument"] == event["instrument"] and e.get("rater_relation") != "reseller"
                    and event["at"] <= e["at"] and (not later or e["at"] < later[0])]
        _, dimensions = at_solve(ticket, i)
        yield {"table": "sending", "at": ticket.when[i], "seq": event.get("seq", 0), "instrument": event["instrument"],
               "relation": event.get("rater_relation"), "respondent": event.get("respondent"),
               "respondent_role": event.get("respondent_role"),
               "answered_at": answered[0] if answered and not ticket.is_loose else None, "dimensions": dimensions}
