"""The result for people."""


def durable(result, part, rate):
    sync = result.get("fdatasync_by_part", {}).get(part)
    beside = f"  (fdatasync {sync} ms)" if sync is not None else ""
    ack = result.get("load_ack_ms", {}).get(part)
    acks = f", ACK p50 {ack['p50']} p99 {ack['p99']} ms" if ack else ""
    return f"  {part:<12} {rate:>12,} events/s{acks}{beside}"


def shown(value):
    return f"{value:>10.2f}" if isinstance(value, (int, float)) else f"{'–':>10}"


def grid(title, columns, wanted, digits_of=shown):
    """Engines across, rows down; what an engine does not have is a dash."""
    names = list(columns)
    lines = [f"{title:<14}" + "".join(f" {name:>16}" for name in names)]
    for row in wanted:
        values = [(columns[name] or {}).get(row) for name in names]
        lines.append(f"  {row:<12}" + "".join(f" {digits_of(value):>16}" for value in values))
    return lines


def table(result):
    lines = [f"{result['events']:,} events; fdatasync of 4 KiB {result['fdatasync_ms']} ms"]
    if "events_per_s" in result:
        lines.append("loading, first byte sent to the right answer after the last ACK")
        lines += [durable(result, part, rate) for part, rate in result["events_per_s"].items()]
    if "cpu_us_per_event" in result:
        lines.append("CPU of the daemon, µs an event by thread")
        for part, threads in result["cpu_us_per_event"].items():
            lines.append(f"  {part:<12} " + ", ".join(f"{name} {us}" for name, us in threads.items()))
    if "stages" in result:
        lines.append("CPU in one thread without sockets, µs an event: " + ", ".join(
            f"{stage} {us}" for stage, us in result["stages"]["cpu_us_per_event"].items()))
    if "ack_ms" in result:
        ack = result["ack_ms"]
        lines.append(f"ACK of one event, idle: p50 {ack['p50']} ms, p99 {ack['p99']} ms; one LMDB commit of the same bytes: "
                     f"p50 {ack['lmdb_p50']} ms, p99 {ack['lmdb_p99']} ms")
    if "rss_mib_by_part" in result:
        parts = ", ".join(f"{part} {mib['loading']} ({mib['with_first_answer']})"
                          for part, mib in result["rss_mib_by_part"].items())
        lines.append(f"memory while loading (with the first answer), anonymous MiB at most: {parts}")
    if "open_ms" in result:
        lines.append(f"first answer after a clean stop {result['open_ms']['clean']} ms, "
                     f"after kill -9 under load {result['open_ms']['killed']} ms")
    if "mixed" in result:
        mixed = result["mixed"]
        lines.append(f"10 questions/s: p99 {mixed['idle_ms']['p99']} ms idle, {mixed['loaded_ms']['p99']} ms while loading, "
                     f"which loses {mixed['loading_lost']:.1%}")
    if "fairness" in result:
        fair = result["fairness"]
        lines.append(f"20 tenants beside one at {fair['greedy']['times']} times its limit: p99 of acknowledgements "
                     f"{fair['ack_ms']['events']['ratio']} times, of answers {fair['question_ms']['events']['ratio']} times that alone; "
                     f"beside its questions, too, {fair['ack_ms']['questions']['ratio']} and "
                     f"{fair['question_ms']['questions']['ratio']} times; {fair['refused']} refused")
    if "restart" in result:
        back = result["restart"]
        lines.append(f"{back['tenants']:,} tenants after kill -9: an answer after {back['answer_ms']} ms, sources go on after "
                     f"{back['acknowledged_ms']['p50']} ms (the last {back['acknowledged_ms']['max']} ms)")
    if "bytes_per_event_by_part" in result:
        lines.append("bytes an event, by database: " + ", ".join(
            f"{name} {size}" for name, size in result["bytes_per_event_by_part"].items()))
    if "churn" in result:
        churn = result["churn"]
        lines.append(f"steady load with retention: {churn['peak'] / 1e6:.1f} MB of file at most, "
                     f"{churn['live_used'] / 1e6:.1f} MB live: {churn['ratio']} times; "
                     f"{churn['free'] / 1e6:.1f} MB of it free")
        lines += [f"  {part}: {churn[part] / 1e6:.1f} MB, {churn['live_' + part] / 1e6:.1f} live"
                  for part in ("log", "directory", "facts")]
    if "limits" in result:
        lines.append("limits: " + ", ".join(f"{name} {value}" for name, value in result["limits"].items()))
    if "query_ms" in result:
        columns = dict(result["query_ms"])
        columns["tendon (exec)"] = result.get("cli_ms")
        lines += grid("query, ms", columns, list(result["query_ms"]["tendon"]))
    for name, title in (("bytes_per_event", "bytes an event"), ("bytes_per_event_with_facts", "… with fact tables"),
                        ("peer_events_per_s", "peers, events/s")):
        for engine, value in result.get(name, {}).items():
            said = value if not isinstance(value, dict) else ", ".join(f"{k} {v:,}" for k, v in value.items())
            lines.append(f"{title}: {engine} {said if said is not None else '–'}")
    for name, title in (("ratio", "on raw events"), ("ratio_by_kind", "on raw events sorted by kind"),
                        ("ratio_facts", "on fact tables")):
        if name in result:
            lines.append(f"times faster than the fastest peer {title}: " + ", ".join(
                f"{question} {value}" for question, value in result[name].items()))
    if "ratio_durable" in result:
        lines.append(f"local loading is {result['ratio_durable']} times the faster of DuckDB's and ClickHouse's durable batches")
    return "\n".join(lines)
