"""What a tenant has beside its events: sites, teams and calendars in versions by instant, and its settings.

    Reference({"team": {key: [(valid_from, {attribute: value}), …]}, "site": …},
              calendars={name: [(valid_from, calendars.Calendar), …]}, calendar="the default's name",
              policies=[{"policy", "metric", "target_s", "clock", "calendar", "where": {dimension: [value, …]}}, …])
"""

import bisect

from .calendars import FIRST, NEVER, Clock, NoClock

TEAM_ATTRIBUTES = ("employer", "outsourcer", "team_country", "languages", "tier")


class Reference:
    def __init__(self, tables=None, nearshore=(), calendars=None, calendar=None, policies=(), not_level1=()):
        self.tables = {name: {key: sorted(versions, key=lambda v: v[0]) for key, versions in table.items()}
                       for name, table in (tables or {}).items()}
        self.nearshore = {country.upper() for country in nearshore}
        self.calendars = {name: sorted(versions, key=lambda v: v[0]) for name, versions in (calendars or {}).items()}
        self.calendar = calendar
        self.policies = list(policies)
        self.not_level1 = set(not_level1)
        self.clocks = {}

    # --- rows

    def find(self, table, key, at):
        """The row in force at an instant as a dict, or None."""
        versions = self.tables.get(table, {}).get(key)
        if not versions:
            return None
        place = bisect.bisect_right([v[0] for v in versions], at)
        return versions[place - 1][1] if place else None

    def team(self, key, at):
        return self.find("team", key, at)

    def value(self, name, dimensions, at, team_at=None):
        """A dimension, a reference attribute or a derived dimension of a row, None when not known. What the team is is
        looked up at team_at."""
        if name in dimensions:
            return dimensions[name]  # of tier too: the event's wins over the table's
        team = self.find("team", dimensions.get("team"), at if team_at is None else team_at)
        site = self.find("site", dimensions.get("site"), at)
        if name == "support_model":
            if team is None:
                return None
            if team.get("outsourcer"):
                return "outsourced"
            return "own" if site and team.get("employer") and team["employer"] == site.get("org") else "direct"
        if name == "support_region":
            here, there = (site or {}).get("country"), (team or {}).get("team_country")
            if not here or not there:
                return None
            if here.upper() == there.upper():
                return "domestic"
            return "nearshore" if there.upper() in self.nearshore else "offshore"
        row = team if name in TEAM_ATTRIBUTES else site
        return (row or {}).get(name)

    # --- clocks

    def version(self, name, at):
        """The version of a calendar in force at an instant, or None."""
        found = None
        for valid_from, calendar in self.calendars.get(name, ()):
            if valid_from <= at:
                found = calendar
        return found

    def clock_named(self, name):
        """The clock of one calendar, whatever the site."""
        if not self.calendars:
            return NoClock
        if ("calendar", name) not in self.clocks:
            self.clocks["calendar", name] = Clock([(FIRST, self.version(name, FIRST))] + [
                (at, calendar) for at, calendar in self.calendars.get(name, ()) if at != FIRST])
        return self.clocks["calendar", name]

    def clock_of_site(self, site):
        """The clock of who has this site (None: no site): its calendar, else the tenant's. A name that no calendar has is
        a mistake, which the tenant's must not cover up."""
        if not self.calendars:
            return NoClock
        if ("site", site) not in self.clocks:
            rows = self.tables.get("site", {}).get(site, ())
            instants = {FIRST} | {at for at, _ in rows}
            for versions in self.calendars.values():
                instants |= {at for at, _ in versions}
            pieces = []
            for at in sorted(instants):
                named = (self.find("site", site, at) or {}).get("calendar")
                is_mistake = named is not None and named not in self.calendars
                pieces.append((at, None if is_mistake else self.version(named, at) or self.version(self.calendar, at)))
            self.clocks["site", site] = Clock(pieces)
        return self.clocks["site", site]

    def clock_of_sites(self, sites):
        """The clock of a ticket whose site is, from each instant on, this: [(from, site or None)], the first from
        FIRST."""
        if len(sites) == 1 or not self.calendars:
            return self.clock_of_site(sites[0][1])
        pieces = []
        for (begin, site), (end, _) in zip(sites, sites[1:] + [(NEVER, None)]):
            clock = self.clock_of_site(site)
            pieces.append((begin, clock.at(begin)))
            pieces += [(at, calendar) for at, calendar in zip(clock.instants, clock.calendars) if begin < at < end]
        return Clock(pieces)
