"""The seven questions, as Tendon is asked them, and one run's literals."""
import datetime

RUNS_END = datetime.date(2023, 12, 1)
PRESENT = "2024-06-01T00:00:00Z"
HOSPITALS = "facility_kind=hospital and beds>100 and support_region=offshore"

QUESTIONS = {
    "Q1": {"metrics": ["tickets_created", "resolutions", "reopens", "tickets_solved"]},
    "Q2": {"metrics": [f"first_response_time.{stat}" for stat in ("avg", "p50", "p90", "p99")],
           "by": ["vendor", "support_region"]},
    "Q3": {"metrics": ["dissatisfaction"], "by": ["outsourcer"], "every": "1mo"},
    "Q4": {"metrics": ["full_resolution_time.p90"], "where": HOSPITALS, "every": "1w"},
    "Q5": {"metrics": ["tickets_created"], "by": ["vendor"]},
    "Q6": {"metrics": ["first_response_time.p50"], "by": ["site"], "tenant": "small", "days": 30},
    "Q7": {"metrics": ["first_response_time.p50", "first_response_time.p90"], "by": ["vendor"]},
}


def period(name, run):
    """[since, until) of a run: its end moves by a day with every run, so that no answer can be one kept from the
    run before. since is None for everything."""
    until = RUNS_END - datetime.timedelta(days=run)
    days = QUESTIONS[name].get("days")
    return (until - datetime.timedelta(days=days) if days else None), until


def milliseconds(date):
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=datetime.timezone.utc).timestamp()) * 1000


def question(name, run):
    """As the body of a QUERY."""
    since, until = period(name, run)
    body = {"tenant": "main", "now": PRESENT, "until": str(until), **QUESTIONS[name]}
    body.pop("days", None)
    if since:
        body["since"] = str(since)
    return body


def command(name, run):
    """The same for the command line: `tendon query …`."""
    body = question(name, run)
    line = ["query", ",".join(body["metrics"]), "-o", "json"]
    for option in ("tenant", "now", "since", "until", "where", "every"):
        if option in body:
            line += [f"--{option}", body[option]]
    if "by" in body:
        line += ["--by", ",".join(body["by"])]
    return line
