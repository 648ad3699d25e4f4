// ClickHouse, embedded, as a peer: reads one JSON command a line, answers one JSON line. Times are from the call to
// the last byte of the answer.
//
//   clickhouse.mjs FOLDER    the databases are in FOLDER/clickhouse
//   {"op": "run", "sql": [...]}                    {"ms"}
//   {"op": "ask", "sql": "..."}                    {"ms", "rows"}
//   {"op": "durable", "sql": [...], "n": N}        {"ms", "n"}: each statement is one durable batch
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const { Session } = createRequire(import.meta.url)('chdb');
const session = new Session(`${process.argv[2]}/clickhouse`, {
  connectionArgs: ['--output_format_json_quote_64bit_integers=0', '--max_threads=2', '--prefer_column_name_to_alias=1'],
});

function run(statements) {
  const begin = performance.now();
  for (const sql of statements) session.query(sql, 'Null');
  return { ms: performance.now() - begin };
}

function ask(sql) {
  const begin = performance.now();
  const text = session.query(sql, 'JSONCompactEachRow');
  const ms = performance.now() - begin;
  return { ms, rows: text.split('\n').filter(Boolean).map((line) => JSON.parse(line)) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    if (command.op === 'run') answer = run(command.sql);
    else if (command.op === 'ask') answer = ask(command.sql);
    else answer = { ...run(command.sql), n: command.n };
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
session.close();
