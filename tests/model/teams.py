"""Who had the ticket: handoffs, ping-pong, escalation, tiers and holdings."""


def known_teams(ticket):
    """The teams that had it, one after the other. Between two nobody may have had it."""
    teams = [d["team"] for d in ticket.dimensions if "team" in d]
    return [team for i, team in enumerate(teams) if i == 0 or team != teams[i - 1]]


def handoffs(ticket):
    return max(0, len(known_teams(ticket)) - 1)


def ping_pong(ticket):
    teams = known_teams(ticket)
    return any(a == b for a, b in zip(teams, teams[2:]))


def standing(ticket, dimensions, at):
    """The tier and employer that these dimensions mean at an instant."""
    row = (ticket.reference.team(dimensions["team"], at) if "team" in dimensions else None) or {}
    return dimensions.get("tier", row.get("tier")), row.get("employer")


def moves(ticket, until):
    """(place, dimensions before, dimensions after) of each change of team or tier up to a place."""
    before = {}
    for i, after in enumerate(ticket.dimensions[:until + 1]):
        if (before.get("team"), before.get("tier")) != (after.get("team"), after.get("tier")):
            yield i, before, after
        before = after


def is_known(ticket):
    """Whether a team or a tier was ever known."""
    return any("team" in d or "tier" in d for d in ticket.dimensions)


def escalated(ticket, until):
    """Whether it moved to a higher known tier or another known employer, up to the event at a place. Both sides of a
    move are read from the tables of its instant; where the old side is not known, the last that was stands for it."""
    known_tier = known_employer = None
    for i, before, after in moves(ticket, until):
        for is_after, dimensions in ((False, before), (True, after)):
            tier, employer = standing(ticket, dimensions, ticket.when[i])
            if is_after and None not in (known_tier, tier) and tier > known_tier:
                return True
            if is_after and None not in (known_employer, employer) and employer != known_employer:
                return True
            known_tier = known_tier if tier is None else tier
            known_employer = known_employer if employer is None else employer
    return False


def first_tier(ticket, until):
    for i, _, after in moves(ticket, until):
        tier = standing(ticket, after, ticket.when[i])[0]
        if tier is not None:
            return tier
    return None


def holdings(ticket):
    """{team: (end of its last holding, [(from, to), …] in new or open)} until the last solve."""
    found = {}
    for begin, end, status, team in ticket.intervals(ticket.solves[-1]):
        own = found.setdefault(team, [None, []])
        own[0] = end
        if status in ("new", "open"):
            own[1].append((begin, end))
    return {team: (until, pieces) for team, (until, pieces) in found.items() if pieces}
