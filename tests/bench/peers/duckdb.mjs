// DuckDB as a peer: reads one JSON command a line, answers one JSON line. Times are from the call to the last row.
//
//   duckdb.mjs FOLDER    the database is FOLDER/duckdb.db
//   {"op": "run", "sql": [...]}                               {"ms"}
//   {"op": "ask", "sql": "..."}                               {"ms", "rows"}
//   {"op": "durable", "sql": [...], "n": N}                   {"ms", "n"}: each statement is one durable batch
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';

const instance = await DuckDBInstance.create(`${process.argv[2]}/duckdb.db`, { threads: '2' });
const connection = await instance.connect();

async function run(statements) {
  const begin = performance.now();
  for (const sql of statements) await connection.run(sql);
  return { ms: performance.now() - begin };
}

async function ask(sql) {
  const begin = performance.now();
  const reader = await connection.runAndReadAll(sql);
  const ms = performance.now() - begin;
  const rows = reader.getRows().map((row) => row.map(plain));
  return { ms, rows };
}

function plain(value) {
  if (typeof value === 'bigint') return Number(value);
  if (value && Array.isArray(value.items)) return value.items.map(plain);
  return value;
}

// Each statement is a durable batch; they are prepared before the clock starts.
async function durable({ sql, n }) {
  const prepared = [];
  for (const statement of sql) prepared.push(await connection.prepare(statement));
  const begin = performance.now();
  for (const statement of prepared) await statement.run();
  return { ms: performance.now() - begin, n };
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    if (command.op === 'run') answer = await run(command.sql);
    else if (command.op === 'ask') answer = await ask(command.sql);
    else answer = await durable(command);
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
connection.closeSync();
