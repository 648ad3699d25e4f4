"""SQLite as a peer: reads one JSON command a line, answers one JSON line.

  sqlite.py FOLDER    the database is FOLDER/sqlite.db
  {"op": "run", "sql": [...]}                                      {"ms"}
  {"op": "ask", "sql": "..."}                                      {"ms", "rows"}
  {"op": "load", "csv": "...", "columns": [[name, type]], "into"}  {"ms", "n"}
  {"op": "durable", "rows": "SELECT ...", "into", "batch": N}      {"ms", "n"}
"""
import csv
import json
import sqlite3
import sys
import time

CHUNK = 50_000


def load(connection, command):
    """In one transaction, as a bulk load is."""
    whole = [kind.startswith("int") for _, kind in command["columns"]]
    insert = f"INSERT INTO {command['into']} VALUES ({','.join('?' * len(whole))})"
    n = 0
    begin = time.perf_counter()
    with open(command["csv"], encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        chunk = []
        for row in rows:
            chunk.append([None if value == "" else int(value) if is_whole else value
                          for value, is_whole in zip(row, whole)])
            if len(chunk) == CHUNK:
                connection.executemany(insert, chunk)
                n += len(chunk)
                chunk = []
        connection.executemany(insert, chunk)
        n += len(chunk)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {"ms": (time.perf_counter() - begin) * 1000, "n": n}


def durable(connection, command):
    rows = connection.execute(command["rows"]).fetchall()
    insert = f"INSERT OR IGNORE INTO {command['into']} VALUES ({','.join('?' * len(rows[0]))})"
    begin = time.perf_counter()
    for at in range(0, len(rows), command["batch"]):
        connection.executemany(insert, rows[at:at + command["batch"]])
        connection.commit()
    return {"ms": (time.perf_counter() - begin) * 1000, "n": len(rows)}


def answer(connection, command):
    begin = time.perf_counter()
    if command["op"] == "run":
        for sql in command["sql"]:
            connection.execute(sql)
            connection.commit()
        return {"ms": (time.perf_counter() - begin) * 1000}
    if command["op"] == "ask":
        rows = connection.execute(command["sql"]).fetchall()
        return {"ms": (time.perf_counter() - begin) * 1000, "rows": rows}
    if command["op"] == "load":
        return load(connection, command)
    return durable(connection, command)


def main():
    connection = sqlite3.connect(f"{sys.argv[1]}/sqlite.db")
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-1000000", "mmap_size=17179869184",
                   "temp_store=MEMORY", "threads=2"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    for line in sys.stdin:
        try:
            said = answer(connection, json.loads(line))
        except sqlite3.Error as error:
            said = {"error": str(error)}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
