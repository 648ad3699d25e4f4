"""The peers' side of the work in SQL: tables, questions, facts, sizes. One class an engine.

A question's rows are its keys, then its values, each a whole number but averages; percentiles are nearest-rank.
"""
from harness.questions import milliseconds, period

# name, kind of value: int8 to int64 are whole numbers, text has few different values
COLUMNS = [("at_ms", "int64"), ("kind", "kind"), ("id", "int64"), ("ticket", "int64"), ("seq", "int8"), ("vendor", "text"),
           ("product", "text"), ("module", "text"), ("version", "text"), ("channel", "text"), ("category", "text"),
           ("requester_role", "text"), ("respondent", "int64"), ("severity", "int8"), ("tier", "int8"),
           ("automated", "int8"), ("score", "int8"), ("opened_by", "text"), ("site", "text"), ("facility_kind", "text"),
           ("beds", "int16"), ("team", "text"), ("outsourcer", "text"), ("region", "text"), ("value_ms", "int64")]
KINDS = ["opened", "assigned", "responded", "escalated", "resolved", "reopened", "closed", "rated"]
PERCENTILES = {"Q2": (50, 90, 99), "Q4": (90,), "Q6": (50,), "Q7": (50, 90)}

# What an event itself says; the rest was filled in for the peers' convenience and counts in no size.
OWN = {"site": "opened", "team": ("assigned", "escalated")}
DERIVED = {"facility_kind", "beds", "outsourcer", "region", "value_ms"}


def raw_columns(nothing):
    """The select list of the events without what was filled in."""
    found = []
    for name, _ in COLUMNS:
        if name in DERIVED:
            continue
        kinds = OWN.get(name)
        if kinds:
            kinds = (kinds,) if isinstance(kinds, str) else kinds
            listed = ",".join(f"'{kind}'" for kind in kinds)
            found.append(f"CASE WHEN kind IN ({listed}) THEN {name} ELSE {nothing} END AS {name}")
        else:
            found.append(name)
    return ", ".join(found)


class Engine:
    """What all speak alike. Subclasses give the words that differ."""

    facts = True
    layouts = ("",)  # what the names of tables that hold the events end in: the same in another order
    begin = ()  # what a connection to tables that are there begins with
    no_agent = "opened_by IS NULL"

    def divide(self, value, by):
        return f"({value}) // {by}"

    def distinct(self, column):
        return f"count(DISTINCT {column})"

    def ranks(self, keys, source, percents, average=False):
        """Percentiles of v of a source that gives the keys and v."""
        raise NotImplementedError

    def last_solves(self, columns, where, layout=""):
        """Of tickets that are done now: a solve that no reopening follows."""
        events = f"events{layout}"
        return (f"SELECT {columns} FROM {events} e LEFT JOIN (SELECT ticket AS again, max(at_ms) AS again_at FROM {events} "
                f"WHERE kind = 'reopened' GROUP BY ticket) r ON e.ticket = r.again "
                f"WHERE e.kind = 'resolved' AND e.at_ms > coalesce(r.again_at, 0) {where}")

    def question(self, name, run, layout=""):
        """On the raw events."""
        events = f"events{layout}"
        since, until = period(name, run)
        before = f"at_ms < {milliseconds(until)}"
        responded = f"kind = 'responded' AND value_ms > 0 AND {before}"
        if name == "Q1":
            return f"SELECT kind, count(*) FROM {events} WHERE {before} GROUP BY kind"
        if name == "Q2":
            return self.ranks(["vendor", "region"], f"SELECT vendor, region, value_ms AS v FROM {events} WHERE {responded}",
                              PERCENTILES[name], average=True)
        if name == "Q3":
            return self.months(f"SELECT outsourcer, at_ms, score FROM {events} WHERE kind = 'rated' AND {before}")
        if name == "Q4":
            hospitals = (f"AND e.{before} AND e.value_ms > 0 AND e.facility_kind = 'hospital' AND e.beds > 100 "
                         f"AND e.region = 'offshore'")
            return self.weeks(self.last_solves("e.at_ms AS at_ms, e.value_ms AS v", hospitals, layout))
        if name == "Q5":
            return f"SELECT vendor, {self.distinct('ticket')} FROM {events} WHERE {before} GROUP BY vendor"
        if name == "Q6":
            return self.ranks(["site"], f"SELECT site, value_ms AS v FROM small_{events} WHERE {responded} "
                                        f"AND at_ms >= {milliseconds(since)}", PERCENTILES[name])
        opened = f"min(CASE WHEN kind = 'opened' AND {self.no_agent} THEN at_ms ELSE 9000000000000 END)"
        answered = "min(CASE WHEN kind = 'responded' THEN at_ms ELSE 9000000000000 END)"
        tickets = (f"SELECT vendor, ticket, {opened} AS o, {answered} AS r FROM {events} "
                   f"WHERE kind IN ('opened', 'responded') AND {before} GROUP BY vendor, ticket")
        return self.ranks(["vendor"], f"SELECT vendor, r - o AS v FROM ({tickets}) t "
                                      f"WHERE o < 9000000000000 AND r < 9000000000000", PERCENTILES[name])

    def fact_question(self, name, run):
        """On the same facts as plain tables: a row a ticket, a solve, a reopening, a rating."""
        since, until = period(name, run)
        until = milliseconds(until)
        if name == "Q1":
            return (f"SELECT (SELECT count(*) FROM tickets WHERE created_at < {until}), "
                    f"(SELECT count(*) FROM solves WHERE at_ms < {until}), "
                    f"(SELECT count(*) FROM reopens WHERE at_ms < {until}), "
                    f"(SELECT count(*) FROM tickets WHERE full_ms > 0 AND solved_at < {until})")
        responded = f"response_ms > 0 AND responded_at < {until}"
        if name == "Q2":
            return self.ranks(["vendor", "response_region"], "SELECT vendor, response_region, response_ms AS v FROM tickets "
                              f"WHERE {responded}", PERCENTILES[name], average=True)
        if name == "Q3":
            return self.months(f"SELECT outsourcer, at_ms, score FROM ratings WHERE at_ms < {until}")
        if name == "Q4":
            return self.weeks(f"SELECT solved_at AS at_ms, full_ms AS v FROM tickets WHERE full_ms > 0 AND solved_at < {until} "
                              "AND facility_kind = 'hospital' AND beds > 100 AND solve_region = 'offshore'")
        if name == "Q5":
            return f"SELECT vendor, count(*) FROM tickets WHERE created_at < {until} GROUP BY vendor"
        if name == "Q6":
            return self.ranks(["site"], f"SELECT site, response_ms AS v FROM small_tickets WHERE {responded} "
                                        f"AND responded_at >= {milliseconds(since)}", PERCENTILES[name])
        return self.ranks(["vendor"], f"SELECT vendor, response_ms AS v FROM tickets WHERE {responded}", PERCENTILES[name])

    def solved_check(self, run):
        """tickets_solved of Q1, which a count by kind does not give: asked, not timed."""
        _, until = period("Q1", run)
        return self.last_solves("count(*)", f"AND e.at_ms < {milliseconds(until)}")

    def months(self, source):
        """How many ratings of an outsourcer and month there are, and how many of them are low."""
        raise NotImplementedError

    def weeks(self, source):
        # 1970-01-01 was a Thursday; weeks begin on Monday
        return self.ranks(["w"], f"SELECT {self.divide('at_ms + 259200000', 604800000)} AS w, v FROM ({source}) s",
                          PERCENTILES["Q4"])


class Duckdb(Engine):
    name = "duckdb"
    types = {"int8": "TINYINT", "int16": "SMALLINT", "int64": "BIGINT"}

    def type_of(self, name, kind):
        """Texts are enumerations of their own, which it groups by up to twice as fast."""
        return self.types.get(kind, f"{name}_values")

    def months(self, source):
        return ("SELECT outsourcer, strftime(m, '%Y-%m'), count(*), count(*) FILTER (score <= 2) FROM "
                f"(SELECT outsourcer, date_trunc('month', epoch_ms(at_ms)) AS m, score FROM ({source}) t) GROUP BY outsourcer, m")

    def ranks(self, keys, source, percents, average=False):
        listed = ", ".join(str(percent / 100) for percent in percents)
        return (f"SELECT {', '.join(keys)}, quantile_disc(v, [{listed}]), {'avg(v), ' if average else ''}count(*) "
                f"FROM ({source}) t GROUP BY {', '.join(keys)}")

    def schema(self, table, key=""):
        listed = ", ".join(f"{name} {self.type_of(name, kind)}{' PRIMARY KEY' if name == key else ''}"
                           for name, kind in COLUMNS)
        return f"CREATE TABLE {table} ({listed})"

    def reading(self, *files):
        columns = ", ".join(f"'{name}': '{self.types.get(kind, 'VARCHAR')}'" for name, kind in COLUMNS)
        listed = ", ".join(f"'{file}'" for file in files)
        return f"read_csv([{listed}], header = true, auto_detect = false, columns = {{{columns}}})"

    def values(self, *files):
        """Asks for the values of every text, for prepare."""
        listed = ", ".join(f"list(DISTINCT {name}) FILTER ({name} IS NOT NULL)" for name, kind in COLUMNS
                           if kind not in self.types)
        return f"SELECT {listed} FROM {self.reading(*files)}"

    def prepare(self, values):
        names = [name for name, kind in COLUMNS if kind not in self.types]
        made = []
        for name, found in zip(names, values):
            listed = ", ".join(f"'{value}'" for value in sorted(found))
            made.append(f"CREATE TYPE {name}_values AS ENUM ({listed})")
        return [*made, self.schema("events"), self.schema("small_events")]

    def load(self, csv, table):
        return [f"INSERT INTO {table} SELECT * FROM {self.reading(csv)}", "CHECKPOINT"]

    def facts_of(self, events, prefix=""):
        responded = "FILTER (kind = 'responded' AND value_ms > 0)"
        solved = "FILTER (kind = 'resolved')"
        return [
            f"CREATE TABLE {prefix}tickets AS SELECT ticket, any_value(vendor) AS vendor, "
            f"min(at_ms) AS created_at, any_value(site) AS site, "
            f"any_value(facility_kind) AS facility_kind, any_value(beds) AS beds, max(at_ms) {responded} AS responded_at, "
            f"max(value_ms) {responded} AS response_ms, max(region) {responded} AS response_region, "
            f"max(at_ms) {solved} AS solved_at, CASE WHEN max(at_ms) {solved} > coalesce(max(at_ms) FILTER (kind = 'reopened'), 0) "
            f"THEN max(value_ms) {solved} END AS full_ms, arg_max(region, at_ms) {solved} AS solve_region "
            f"FROM {events} GROUP BY ticket ORDER BY created_at",
            f"CREATE TABLE {prefix}solves AS SELECT ticket, at_ms, vendor, team FROM {events} WHERE kind = 'resolved'",
            f"CREATE TABLE {prefix}reopens AS SELECT ticket, at_ms, vendor, team FROM {events} WHERE kind = 'reopened'",
            f"CREATE TABLE {prefix}ratings AS SELECT ticket, at_ms, vendor, outsourcer, score FROM {events} WHERE kind = 'rated'"]


class Clickhouse(Engine):
    name = "clickhouse"
    begin = ("USE bench",)
    layouts = ("", "_by_kind")
    orders = {"": "at_ms", "_by_kind": "(kind, at_ms)"}
    no_agent = "opened_by = ''"
    types = {"int8": "UInt8", "int16": "UInt16", "int64": "Int64", "text": "LowCardinality(String)",
             "kind": "Enum8(" + ", ".join(f"'{kind}' = {index}" for index, kind in enumerate(KINDS)) + ")"}

    def divide(self, value, by):
        return f"intDiv({value}, {by})"

    def distinct(self, column):
        return f"uniqExact({column})"

    def months(self, source):
        return ("SELECT outsourcer, formatDateTime(m, '%Y-%m'), n, low FROM (SELECT outsourcer, "
                "toStartOfMonth(fromUnixTimestamp64Milli(at_ms, 'UTC')) AS m, count() AS n, countIf(score <= 2) AS low "
                f"FROM ({source}) GROUP BY outsourcer, m)")

    def ranks(self, keys, source, percents, average=False):
        # its rank is one too high where p·n/100 is whole: a level a little lower gives the nearest rank
        listed = ", ".join(str(percent / 100 - 1e-9) for percent in percents)
        return (f"SELECT {', '.join(keys)}, quantilesExact({listed})(v), {'avg(v), ' if average else ''}count() "
                f"FROM ({source}) GROUP BY {', '.join(keys)}")

    def schema(self, table, options=""):
        listed = ", ".join(f"{name} {self.types[kind]}" for name, kind in COLUMNS)
        return f"CREATE TABLE {table} ({listed}) ENGINE = MergeTree ORDER BY at_ms{options}"

    def lay_out(self, table):
        """The same rows in every other layout, whole."""
        made = [f"OPTIMIZE TABLE {table} FINAL"]
        for layout in self.layouts[1:]:
            made += [f"CREATE TABLE {table}{layout} ENGINE = MergeTree ORDER BY {self.orders[layout]} AS SELECT * FROM {table}",
                     f"OPTIMIZE TABLE {table}{layout} FINAL"]
        return made

    def prepare(self):
        return ["CREATE DATABASE IF NOT EXISTS bench", self.schema("bench.events"), self.schema("bench.small_events"),
                "USE bench"]

    def load(self, csv, table):
        return [f"INSERT INTO {table} SELECT * FROM file('{csv}', CSVWithNames) SETTINGS "
                "input_format_csv_empty_as_default = 1"]

    def facts_of(self, events, prefix=""):
        responded = "kind = 'responded' AND value_ms > 0"
        solved = "kind = 'resolved'"
        table = "CREATE TABLE {} ENGINE = MergeTree ORDER BY {} AS SELECT"
        return [
            f"{table.format(prefix + 'tickets', 'created_at')} ticket, any(vendor) AS vendor, "
            f"min(at_ms) AS created_at, anyIf(site, site != '') AS site, "
            f"anyIf(facility_kind, site != '') AS facility_kind, max(beds) AS beds, maxIf(at_ms, {responded}) AS responded_at, "
            f"maxIf(value_ms, {responded}) AS response_ms, anyIf(region, {responded}) AS response_region, "
            f"maxIf(at_ms, {solved}) AS solved_at, if(maxIf(at_ms, {solved}) > maxIf(at_ms, kind = 'reopened'), "
            f"maxIf(value_ms, {solved}), 0) AS full_ms, argMaxIf(region, at_ms, {solved}) AS solve_region "
            f"FROM {events} GROUP BY ticket",
            f"{table.format(prefix + 'solves', 'at_ms')} ticket, at_ms, vendor, team FROM {events} WHERE kind = 'resolved'",
            f"{table.format(prefix + 'reopens', 'at_ms')} ticket, at_ms, vendor, team FROM {events} WHERE kind = 'reopened'",
            f"{table.format(prefix + 'ratings', 'at_ms')} ticket, at_ms, vendor, outsourcer, score FROM {events} WHERE kind = 'rated'"]


class Sqlite(Engine):
    name = "sqlite"
    facts = False
    types = {"int8": "INTEGER", "int16": "INTEGER", "int64": "INTEGER", "text": "TEXT", "kind": "TEXT"}

    def divide(self, value, by):
        return f"({value}) / {by}"

    def months(self, source):
        return ("SELECT outsourcer, strftime('%Y-%m', at_ms / 1000, 'unixepoch') AS m, count(*), "
                f"sum(CASE WHEN score <= 2 THEN 1 ELSE 0 END) FROM ({source}) t GROUP BY outsourcer, m")

    def ranks(self, keys, source, percents, average=False):
        over = f"(PARTITION BY {', '.join(keys)}"
        picked = ", ".join(f"max(CASE WHEN k = max(1, (n * {percent} + 99) / 100) THEN v END)" for percent in percents)
        return (f"SELECT {', '.join(keys)}, {picked}, {'avg(v), ' if average else ''}count(*) FROM (SELECT {', '.join(keys)}, "
                f"v, row_number() OVER {over} ORDER BY v) AS k, count(*) OVER {over}) AS n FROM ({source})) "
                f"GROUP BY {', '.join(keys)}")

    def schema(self, table, key=""):
        listed = ", ".join(f"{name} {self.types[kind]}{' PRIMARY KEY' if name == key else ''}" for name, kind in COLUMNS)
        return f"CREATE TABLE {table} ({listed})"

    def prepare(self):
        return [self.schema("events"), self.schema("small_events")]


ENGINES = {engine.name: engine for engine in (Duckdb, Clickhouse, Sqlite)}
