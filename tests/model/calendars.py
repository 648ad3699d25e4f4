"""Business time: which instants of a zone's local days are at work.

A calendar is taken literally: an instant is business time when its local date and time of day lie in an interval of
that weekday and in no holiday. A zone's year is cut into stretches of one offset from UTC, a local day into its working
intervals, and each interval is carried into each stretch: so an hour that happens twice is in two stretches, and one
that is skipped in none. Instants are ms since 1970 UTC.
"""

import bisect
import datetime
import functools
import re
import zoneinfo

HOUR, DAY = 3_600_000, 86_400_000
PROBE_S = 6 * 3600  # no zone changes its offset and back within this time
FIRST = -2**63  # a version from the beginning
NEVER = 2**63 - 1
LAST_YEAR = 2100  # nothing is looked for from then on
EPOCH = datetime.date(1970, 1, 1).toordinal()
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def year_start(year):
    return (datetime.date(year, 1, 1).toordinal() - EPOCH) * DAY


def year_of(at):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=at)).year


# --- zones


def offset(zone, second):
    """Local time minus UTC at an instant, in seconds."""
    return int(datetime.datetime.fromtimestamp(second, zone).utcoffset().total_seconds())


@functools.lru_cache(maxsize=None)
def stretches(name, year):
    """[(from, to, offset)] in ms: the UTC year and two days around it, cut where the zone's offset changes."""
    zone = zoneinfo.ZoneInfo(name)
    begin, end = year_start(year) // 1000 - 2 * 86_400, year_start(year + 1) // 1000 + 2 * 86_400
    found, since, current = [], begin, offset(zone, begin)
    for second in range(begin, end, PROBE_S):
        after = offset(zone, min(second + PROBE_S, end))
        if after == current:
            continue
        low, high = second, min(second + PROBE_S, end)  # the change lies in (low, high]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(zone, middle) == current else (low, middle)
        found.append((since * 1000, high * 1000, current * 1000))
        since, current = high, after
    found.append((since * 1000, end * 1000, current * 1000))
    return found


def local_midnight(day, name):
    """The first instant of a local date; where midnight is skipped, the first after it."""
    zone = zoneinfo.ZoneInfo(name)
    start = (day.toordinal() - EPOCH) * 86_400
    for second in range(start - 26 * 3600, start + 26 * 3600, 900):
        if datetime.datetime.fromtimestamp(second, zone).date() >= day:
            while datetime.datetime.fromtimestamp(second - 1, zone).date() >= day:
                second -= 1
            return second * 1000
    raise ValueError(f"{day} never comes in {name}")


# --- definitions


def time_of_day(text):
    hour, minute = text.split(":")
    return int(hour) * HOUR + int(minute) * 60_000


def interval(text):
    begin, end = text.split("-")
    return time_of_day(begin), time_of_day(end)


def weekly(text):
    """"mon-fri 08:00-17:00, sat 09:00-12:00 13:00-15:00" → [[(from, to), …] for each weekday from Monday]."""
    hours = [[] for _ in WEEKDAYS]
    for part in filter(None, (part.strip() for part in text.split(","))):
        days, *intervals = part.split()
        if days == "daily":
            chosen = range(7)
        elif "-" in days:
            first, last = (WEEKDAYS.index(day) for day in days.split("-"))
            chosen = [(first + n) % 7 for n in range((last - first) % 7 + 1)]
        else:
            chosen = [WEEKDAYS.index(days)]
        for day in chosen:
            hours[day] += map(interval, intervals)
    return hours


def nth_weekday(year, month, weekday, n):
    """The n-th such weekday of a month; -1: the last."""
    days = [day for day in (datetime.date(year, month, 1) + datetime.timedelta(days=k) for k in range(31))
            if day.month == month and day.weekday() == weekday]
    return days[n - 1] if n > 0 else days[-1]


def federal_holidays(year):
    """The days on which the US federal holidays of a year are observed; of years from 1986 on."""
    fixed = [(1, 1), (7, 4), (11, 11), (12, 25)] + ([(6, 19)] if year >= 2021 else [])
    days = []
    for month, day in fixed:
        date = datetime.date(year, month, day)
        days.append(date + datetime.timedelta(days={5: -1, 6: 1}.get(date.weekday(), 0)))
    days += [nth_weekday(year, 1, 0, 3), nth_weekday(year, 2, 0, 3), nth_weekday(year, 5, 0, -1),
             nth_weekday(year, 9, 0, 1), nth_weekday(year, 10, 0, 2), nth_weekday(year, 11, 3, 4)]
    return days


@functools.lru_cache(maxsize=None)
def federal_dates(year):
    """The observed days that lie in a year: New Year's of the next may."""
    return frozenset(day for y in (year, year + 1) for day in federal_holidays(y) if day.year == year)


class Calendar:
    """One version: {"zone", "hours", "federal", "holidays"} as the collector imports it."""

    def __init__(self, definition):
        self.zone = definition["zone"]
        self.hours = weekly(definition["hours"])
        self.federal = definition.get("federal", False)
        self.holidays = {}
        for text in definition.get("holidays", ()):
            found = re.match(r"(\d{4})-(\d\d)-(\d\d)(?: (\S+))?$", text)
            day = datetime.date(int(found[1]), int(found[2]), int(found[3]))
            self.holidays.setdefault(day, []).append(interval(found[4]) if found[4] else (0, DAY))
        self.years = {}

    def worked(self, day):
        """The working intervals of a local date, in ms from its midnight on the clock."""
        if self.federal and day in federal_dates(day.year):
            return []
        pieces = self.hours[day.weekday()]
        for begin, end in self.holidays.get(day, ()):
            pieces = [piece for a, b in pieces for piece in ((a, min(b, begin)), (max(a, end), b)) if piece[0] < piece[1]]
        return pieces

    def year(self, year):
        """(starts, ends, time passed at each start, all of it) of the business time in a UTC year."""
        if year in self.years:
            return self.years[year]
        begin, end = year_start(year), year_start(year + 1)
        found = []
        cuts = stretches(self.zone, year)
        for ordinal in range(begin // DAY - 1, end // DAY + 1):
            for a, b in self.worked(datetime.date.fromordinal(ordinal + EPOCH)):
                a, b = a + ordinal * DAY, b + ordinal * DAY
                for since, until, shift in cuts:
                    low, high = max(a - shift, since, begin), min(b - shift, until, end)
                    if low < high:
                        found.append((low, high))
        starts, ends, passed, total = [], [], [], 0
        for low, high in sorted(found):
            if ends and low <= ends[-1]:
                total += max(0, high - ends[-1])
                ends[-1] = max(ends[-1], high)
                continue
            starts.append(low)
            ends.append(high)
            passed.append(total)
            total += high - low
        self.years[year] = starts, ends, passed, total
        return self.years[year]

    def passed(self, year, at):
        """Business time from the beginning of a UTC year."""
        starts, ends, passed, _ = self.year(year)
        place = bisect.bisect_right(starts, at) - 1
        return passed[place] + min(at, ends[place]) - starts[place] if place >= 0 else 0

    def elapsed(self, begin, end):
        if end <= begin:
            return 0
        first, last = year_of(begin), year_of(end)
        if first == last:
            return self.passed(first, end) - self.passed(first, begin)
        return (self.year(first)[3] - self.passed(first, begin) + sum(self.year(y)[3] for y in range(first + 1, last))
                + self.passed(last, end))

    def reach(self, begin, ms, until=NEVER):
        """(instant, None): the last t in [begin, until] with elapsed(begin, t) ≤ ms; (None, what is left of ms) where
        even all of it does not use ms up."""
        year = year_of(begin)
        left = ms + self.passed(year, begin)
        while year < LAST_YEAR:
            starts, ends, passed, total = self.year(year)
            if left < total:  # so it ends in the last interval that begins with no more than this used up
                place = bisect.bisect_right(passed, left) - 1
                at = starts[place] + left - passed[place]
                break
            left -= total
            year += 1
            if year_start(year) > until:
                break
        else:
            at = NEVER
        if year < LAST_YEAR and year_start(year) <= until and at <= until:
            return at, None
        if until == NEVER:
            return NEVER, None
        return None, ms - self.elapsed(begin, until)


# --- which calendar counts when


class Clock:
    """A step function: from each instant on a calendar, or none."""

    def __init__(self, pieces):
        """[(from, calendar or None)] in order of time; the first from FIRST."""
        self.instants = [at for at, _ in pieces]
        self.calendars = [calendar for _, calendar in pieces]

    def at(self, instant):
        return self.calendars[bisect.bisect_right(self.instants, instant) - 1]

    def parts(self, begin, end):
        """(from, to, calendar) of each part of [begin, end)."""
        place = bisect.bisect_right(self.instants, begin) - 1
        while begin < end:
            after = self.instants[place + 1] if place + 1 < len(self.instants) else NEVER
            yield begin, min(after, end), self.calendars[place]
            begin, place = after, place + 1

    def elapsed(self, begin, end):
        """ms by the calendar in force at each instant; None where one is missing."""
        total = 0
        for a, b, calendar in self.parts(begin, end):
            if calendar is None:
                return None
            total += calendar.elapsed(a, b)
        return total

    def last(self, begin, end, instant):
        """ms by the calendar in force at an instant; None where there is none and any time passed."""
        if end <= begin:
            return 0
        calendar = self.at(instant)
        return None if calendar is None else calendar.elapsed(begin, end)

    def reach(self, begin, ms):
        """The last instant t ≥ begin with elapsed(begin, t) ≤ ms: NEVER where so much never passes; None where a
        calendar is missing before."""
        for a, b, calendar in self.parts(begin, NEVER):
            if calendar is None:
                return None
            at, left = calendar.reach(a, ms, b)
            if at is not None and at < b:
                return at
            ms = 0 if left is None else left
        return NEVER


class NoClock:
    """Of who has no calendar at all, to be used as a Clock: not even what is empty has a length."""

    @staticmethod
    def elapsed(begin, end):
        return None

    @staticmethod
    def last(begin, end, instant):
        return None

    @staticmethod
    def reach(begin, ms):
        return None


class Wall:
    """The clock on the wall, to be used as a Clock."""

    @staticmethod
    def elapsed(begin, end):
        return max(0, end - begin)

    @staticmethod
    def reach(begin, ms):
        return begin + ms
