"""Calendars through the whole collector: imported by the command, from .ics files too, and what business time comes
to by them; what refolds when one changes; what is said where there is none."""
import datetime
import zoneinfo

import pytest

from collector import Collector, wait_for
from events import D0, HOUR, MINUTE, created, message, solved_ticket, status
from tendon_client import Refused

UTC_DAY = ["--zone", "UTC", "--hours", "mon-fri 09:00-17:00"]
NEW_YORK = ["--zone", "America/New_York", "--hours", "mon-fri 09:00-17:00", "--federal"]
CHRISTMAS_EVE = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:eve
SUMMARY:Christmas Eve
DTSTART:20201224T120000
DTEND:20201225T000000
RRULE:FREQ=YEARLY
END:VEVENT
END:VCALENDAR
"""


def ms(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def ticket(create, *rest):
    """created with a requester message, then (">" a reply, "O" opened, "S" solved) at instants."""
    made = [created("t", ms(create)), message("t", "in", ms(create))]
    for what, at in rest:
        made.append(message("t", "out", ms(at)) if what == ">" else
                    status("t", {"O": "open", "S": "solved"}[what], ms(at)))
    return made


# name: (imports of the calendar, events, {query: seconds}); the arithmetic is beside it
WORKED = {
    "weekend": ([UTC_DAY], ticket("2024-01-12T16:50:00Z", (">", "2024-01-15T09:10:00Z")),
                {"first_response_time.wall": 231600, "first_response_time.business": 1200}),  # 600 + 600
    "outside-hours": ([UTC_DAY], ticket("2024-01-13T10:00:00Z", ("O", "2024-01-13T11:00:00Z")),
                      {"time_to_acknowledge.wall": 3600, "time_to_acknowledge.business": 0}),  # a Saturday
    "versions": ([["--zone", "America/Chicago", "--hours", "daily 07:00-21:00"],
                  ["--zone", "America/Los_Angeles", "--hours", "mon-fri 08:00-17:30",
                   "--valid-from", "2020-09-30T19:01:25Z"]],
                 ticket("2020-09-29T17:01:38Z", (">", "2020-09-30T19:01:46Z"), (">", "2020-10-01T15:03:44Z"),
                        ("S", "2020-10-01T15:03:44Z")),
                 {"first_response_time.wall": 93608, "first_response_time.business": 57608,  # 32,302 + 25,285 + 21
                  "first_resolution_time.business": 77526}),                                 # 57,587 + 19,715 + 224
    "turned-forward": ([["--zone", "America/New_York", "--hours", "mon-fri 08:00-17:00"]],
                       ticket("2024-03-08T21:00:00Z", (">", "2024-03-11T13:00:00Z")),
                       {"first_response_time.wall": 230400, "first_response_time.business": 7200}),
    "turned-back": ([["--zone", "America/Chicago", "--hours", "daily 00:00-24:00"]],
                    ticket("2024-11-03T05:00:00Z", (">", "2024-11-04T06:00:00Z")),
                    {"first_response_time.business": 90000}),  # a day of 25 h
    "repeated-hour": ([["--zone", "America/Chicago", "--hours", "daily 01:00-02:00"]],
                      ticket("2024-11-03T05:00:00Z", (">", "2024-11-04T06:00:00Z")),
                      {"first_response_time.business": 7200}),  # 01:30 comes twice
    "federal": ([NEW_YORK], ticket("2021-07-02T20:00:00Z", (">", "2021-07-06T14:00:00Z")),
                {"first_response_time.wall": 324000, "first_response_time.business": 7200}),  # Monday is the holiday
    "new-year": ([NEW_YORK], ticket("2021-12-30T21:00:00Z", (">", "2022-01-03T15:00:00Z")),
                 {"first_response_time.business": 7200}),  # observed on Friday 31 December
    "half-holiday": ([[*NEW_YORK, "--holidays", "@eve.ics"]],
                     ticket("2024-12-24T16:00:00Z", (">", "2024-12-26T15:00:00Z")),
                     {"first_response_time.wall": 169200, "first_response_time.business": 7200}),  # 11-12, 09-10
}


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ics")
    (folder / "eve.ics").write_text(CHRISTMAS_EVE, encoding="utf-8")
    tenants = [{"name": name, "zone": "UTC", "calendar": "desk"} for name in WORKED]
    with Collector(tenants=tenants, listen=True) as collector:
        for place, (name, (imports, events, _)) in enumerate(WORKED.items()):
            def import_all(name=name, imports=imports):
                for arguments in imports:
                    collector.cli("calendar", "import", "desk", "--tenant", name,
                                  *[a.replace("@", f"{folder}/") for a in arguments])
            if place % 2:  # the calendar may come before the events or after them
                import_all()
            with collector.source("desk", name, name=f"{name}-desk") as source:
                assert source.send(events)["rejected"] == []
            if place % 2 == 0:
                import_all()
        yield collector


def settled(collector, metric, wanted, **options):
    """Waits until a refold that is under way has given the answer."""
    def asked():
        try:
            return collector.value(metric, **options)
        except Refused as refused:
            return refused.code
    wait_for(lambda: asked() == wanted, say=lambda: f"{metric} {options}: {asked()}, not {wanted}")


@pytest.mark.parametrize("name", WORKED)
def test_worked(worked, name):
    for metric, wanted in WORKED[name][2].items():
        settled(worked, metric, wanted, tenant=name)


def test_the_calendar_at_the_end_alone(worked):
    settled(worked, "first_response_time.business", 41408, tenant="versions", calendar_rule="last")  # 26,902 + 14,506
    settled(worked, "first_resolution_time.business", 61326, tenant="versions", calendar_rule="last")


def test_after_a_restart(worked):
    before = worked.call("calendar.show", tenant="half-holiday", calendar="desk")["versions"]
    assert before[0]["holidays"][0] == "2020-12-24 12:00-24:00" and len(before[0]["holidays"]) == 80
    worked.restart()
    assert worked.call("calendar.show", tenant="half-holiday", calendar="desk")["versions"] == before
    for name in ("versions", "half-holiday"):
        for metric, wanted in WORKED[name][2].items():
            settled(worked, metric, wanted, tenant=name)


# --- what changes ------------------------------------------------------------------------------------------------


@pytest.fixture
def small(make_collector):
    return make_collector(listen=True, tenants=[{"name": "riverbend", "zone": "America/Chicago", "calendar": "desk"}]).start()


def import_calendar(collector, name, *arguments):
    return collector.cli_json("calendar", "import", name, *arguments)


def sites(collector, tmp_path, text, *arguments):
    path = tmp_path / "sites.csv"
    path.write_text(text, encoding="utf-8")
    return collector.cli("site", "import", str(path), "--key", "site", *arguments).err


def test_a_change_refolds(small):
    assert import_calendar(small, "desk", *UTC_DAY)["changed"] is True
    with small.source("desk") as source:
        source.send(solved_ticket("t", D0 + 8 * HOUR, 10 * 3600))  # 08:00 to 18:00
    settled(small, "full_resolution_time.business", 8 * 3600)
    assert import_calendar(small, "desk", *UTC_DAY)["changed"] is False
    assert import_calendar(small, "desk", "--zone", "UTC", "--hours", "daily 12:00-13:00")["changed"] is True
    settled(small, "full_resolution_time.business", 3600)
    # from the next day on, other hours: nothing here changes; from noon on: the half
    import_calendar(small, "desk", "--zone", "UTC", "--hours", "daily 00:00-24:00", "--valid-from", "2024-01-09")
    settled(small, "full_resolution_time.business", 3600)
    import_calendar(small, "desk", "--zone", "UTC", "--hours", "daily 00:00-24:00", "--valid-from", "2024-01-08T12:30:00Z")
    settled(small, "full_resolution_time.business", 1800 + 5.5 * 3600)
    small.cli("calendar", "remove", "desk", "--valid-from", "2024-01-08T12:30:00Z")
    settled(small, "full_resolution_time.business", 3600)
    assert small.value("full_resolution_time") == 10 * 3600


def test_sites_and_the_default(small, tmp_path):
    import_calendar(small, "desk", *UTC_DAY)
    import_calendar(small, "always", "--zone", "UTC", "--hours", "daily 00:00-24:00")
    with small.source("desk") as source:
        for site in ("H1", "H2", "H3"):
            source.send(solved_ticket(f"t-{site}", D0 + 8 * HOUR, 10 * 3600, site=site))

    def expect(h1, h2, h3):
        for site, hours in (("H1", h1), ("H2", h2), ("H3", h3)):
            settled(small, "full_resolution_time.business", None if hours is None else hours * 3600, where=f"site={site}")

    expect(8, 8, 8)
    assert "nobody imported (tendon calendar import): alwyas\n" in sites(small, tmp_path, "site,calendar\nH1,always\nH3,alwyas\n")
    expect(10, 8, None)  # a name that no calendar has is no calendar
    meta = small.query("full_resolution_time.business")["meta"]
    assert meta["left_out"]["no_calendar"] == 1
    assert len(meta["warnings"]) == 1 and "'alwyas'" in meta["warnings"][0] and "did you mean always?" in meta["warnings"][0]
    assert small.query("full_resolution_time")["meta"]["warnings"] == []
    rows = {row["calendar"]: row for row in small.call("calendar.list")}
    assert rows["alwyas"]["hours"] is None and rows["alwyas"]["sites"] == 1
    assert rows["always"]["sites"] == 1 and rows["desk"]["sites"] == 0 and rows["desk"]["default"] is True
    import_calendar(small, "alwyas", "--zone", "UTC", "--hours", "daily 10:00-12:00")
    expect(10, 8, 2)
    assert "nobody" not in sites(small, tmp_path, "site,calendar\nH2,always\n", "--valid-from", "2024-01-08T14:00:00Z")
    expect(10, 5 + 4, 2)
    # another default calendar, at a reload
    small.configuration["tenants"][0]["calendar"] = "alwyas"
    small.write()
    small.restart()
    with small.source("desk", name="again") as source:
        source.send([created("another", D0)])
    expect(10, 2 + 4, 2)


def test_without_any(make_collector):
    bare = make_collector(listen=True).start()
    with bare.source("desk") as source:
        source.send(solved_ticket("t", D0))
    with pytest.raises(Refused) as refused:
        bare.value("full_resolution_time.business")
    assert refused.value.code == "no_calendar"
    assert bare.value("full_resolution_time") == 3600


def test_random_hours_and_zones(small, chance):
    """Against a walk minute by minute with another library's zones."""
    zones = ["America/Chicago", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"]
    turned = [ms("2024-03-10T08:00:00Z"), ms("2024-10-27T01:00:00Z"), ms("2024-11-03T06:00:00Z"), ms("2024-04-06T15:00:00Z")]
    tickets, n = [], 0
    for name in zones:
        opens, closes = chance.randrange(0, 720), chance.randrange(721, 1441)
        weekdays = sorted(chance.sample(range(7), chance.randrange(1, 7)))
        days = " ".join("mon tue wed thu fri sat sun".split()[day] for day in weekdays)
        text = f"{days} {opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"
        calendar = name.split("/")[1].lower()
        import_calendar(small, calendar, "--zone", name, "--hours", text)
        small.call("reference.import", table="site", rows=[{"key": calendar, "calendar": calendar}])
        for _ in range(6):
            start = chance.choice(turned) + chance.randrange(-4 * 1440, 1440) * MINUTE
            tickets.append((n, calendar, zoneinfo.ZoneInfo(name), weekdays, opens, closes, start, chance.randrange(1, 7 * 1440)))
            n += 1
    with small.source("desk") as source:
        source.send([e for number, site, *_, start, minutes in tickets
                     for e in solved_ticket(f"t{number}", start, minutes * 60, site=site, category=f"c{number}")])
    settled(small, "tickets_solved", len(tickets))
    rows = small.query(["full_resolution_time.business.sum"], by="category")["rows"]
    found = {row["category"]: row["full_resolution_time.business.sum"] for row in rows}
    for number, site, zone, weekdays, opens, closes, start, minutes in tickets:
        wanted = 0
        for minute in range(minutes):
            local = datetime.datetime.fromtimestamp(start / 1000 + 60 * minute, zone)
            wanted += local.weekday() in weekdays and opens <= local.hour * 60 + local.minute < closes
        assert found[f"c{number}"] == wanted * 60, (site, start, minutes, weekdays, opens, closes)


# --- the commands ------------------------------------------------------------------------------------------------


def test_what_is_shown(small, tmp_path):
    eve = tmp_path / "eve.ics"
    eve.write_text(CHRISTMAS_EVE, encoding="utf-8")
    done = import_calendar(small, "desk", "--hours", "Mon-Fri 8:00-12:00 12:00-17:00", "--federal", "--holidays", str(eve))
    assert done == {"calendar": "desk", "changed": True, "valid_from": None, "zone": "America/Chicago",
                    "hours": "mon-fri 08:00-17:00", "federal": True, "holidays": 80}
    shown = small.cli_json("calendar", "show", "desk")
    assert shown["default"] is True and len(shown["next_holidays"]) == 12
    assert {"Thanksgiving Day", "Christmas Day", None} <= {day["name"] for day in shown["next_holidays"]}
    half = [day for day in shown["next_holidays"] if day["name"] is None]
    assert half[0]["date"].endswith("12-24") and (half[0]["from"], half[0]["to"]) == ("12:00", "24:00")
    table = small.cli("calendar", "show", "desk", "-o", "table").out
    assert "mon-fri 08:00-17:00" in table and "Thanksgiving Day" in table and "80" in table
    assert small.cli("calendar", "remove", "desk").out.count("removed\t1") == 1
    assert "no calendar" not in small.cli("calendar", "list", "-o", "json").err
    assert [row["hours"] for row in small.cli_json("calendar", "list")] == [None]  # the default, which is gone


WRONG = [
    (["--zone", "UTC"], 2, "needs --hours"),
    (["--hours", "mon-fri 8-17"], 1, "'8-17' is no interval"),
    (["--hours", "mon-fry 08:00-17:00"], 1, "did you mean fri?"),
    (["--hours", "mon 22:00-06:00"], 1, "an interval past midnight is two"),
    (["--hours", "daily 00:00-24:00", "--zone", "America/Chicgo"], 1, "did you mean America/Chicago?"),
    (["--hours", "daily 00:00-24:00", "--valid-from", "soon"], 2, "--valid-from cannot be"),
    (["--hours", "daily 00:00-24:00", "--holidays", "@wrong.ics"], 1, "wrong.ics:5: it is no date"),
    (["--hours", "daily 00:00-24:00", "--holidays", "/nonexistent.ics"], 1, "/nonexistent.ics cannot be read"),
    (["--hours", "daily 00:00-24:00", "--holiday", "x.ics"], 2, "did you mean --holidays?"),
]


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "wrong.ics").write_text(CHRISTMAS_EVE.replace("SUMMARY:Christmas Eve\n", "").replace("20201224T120000", "24.12."),
                                      encoding="utf-8")
    with Collector() as collector:
        collector.ics = folder
        yield collector


@pytest.mark.parametrize("arguments,status_,said", WRONG)
def test_wrong_words(refusing, arguments, status_, said):
    done = refusing.cli("calendar", "import", "desk", *[a.replace("@", f"{refusing.ics}/") for a in arguments], status=status_)
    assert said in done.err, done.err
    assert refusing.call("calendar.list") == []


def test_unknown_names(refusing):
    refusing.call("calendar.import", calendar="helpdesk", definition={"zone": "UTC", "hours": "daily 00:00-24:00"})
    for words in (["show", "helpdsk"], ["remove", "helpdsk"]):
        assert "did you mean helpdesk?" in refusing.cli("calendar", *words, status=1).err
    assert "no version" in refusing.cli("calendar", "remove", "helpdesk", "--valid-from", "2024-01-01", status=1).err
    with pytest.raises(Refused) as refused:
        refusing.call("calendar.import", calendar="x", definition={"zone": "UTC", "hours": "daily 00:00-24:00", "zoen": 1})
    assert refused.value.code == "bad_calendar" and "did you mean zone?" in refused.value.hint
    refusing.call("calendar.remove", calendar="helpdesk")
