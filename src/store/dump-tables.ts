/**
 * The whole database as lines of JSON, one file per table, read in one snapshot while everything goes on; and back into a
 * database that holds the same schema and nothing else. It needs no program of PostgreSQL and fits every version and machine.
 */
import type pg from 'pg';

export interface DumpedTable {
  table: string;
  /** In their order; a database with other columns does not take the lines. */
  columns: string[];
  rows: number;
}

export interface DumpedSequence {
  sequence: string;
  lastValue: string;
  isCalled: boolean;
}

export interface Dump {
  tables: DumpedTable[];
  sequences: DumpedSequence[];
  /** Migrations that the database had applied, in their order. */
  migrations: string[];
}

const ROWS_PER_FETCH = 1_000;
const ROWS_PER_INSERT = 500;
/** The migrator keeps these itself. */
const ownTables = ['kysely_migration', 'kysely_migration_lock'];

/** Begins the snapshot: what is committed later is not in the dump. The caller ends the transaction. */
export async function beginSnapshot(client: pg.Client): Promise<void> {
  await client.query('begin isolation level repeatable read read only');
  await client.query('select 1');
}

/** Writes every table through `write`, which gets lines of JSON without line ends. Inside of {@link beginSnapshot}. */
export async function dumpTables(
  client: pg.Client,
  write: (table: string, lines: string[]) => Promise<void>,
): Promise<Dump> {
  // As text in JSON every value is exact; times are told in UTC.
  await client.query(`set local timezone to 'UTC'; set local datestyle to 'ISO'; set local bytea_output to 'hex'`);
  const tables: DumpedTable[] = [];
  for (const { table, columns } of await tablesOf(client)) {
    const name = client.escapeIdentifier(table);
    await write(table, []);
    await client.query(`declare dump no scroll cursor for select row_to_json(t)::text as line from ${name} t`);
    let rows = 0;
    for (;;) {
      const page = await client.query<{ line: string }>(`fetch ${ROWS_PER_FETCH} from dump`);
      if (page.rows.length === 0) break;
      rows += page.rows.length;
      await write(
        table,
        page.rows.map(({ line }) => line),
      );
    }
    await client.query('close dump');
    tables.push({ table, columns, rows });
  }
  const sequences = await sequencesOf(client);
  const applied = await client.query<{ name: string }>('select name from kysely_migration order by name');
  return { tables, sequences, migrations: applied.rows.map(({ name }) => name) };
}

/**
 * Loads a dump into an empty database with the same schema, all of it or nothing. Rejects with a sentence where a table is
 * missing, has other columns, holds rows already, or gets another number of lines than the dump says.
 */
export async function loadTables(
  client: pg.Client,
  dump: Dump,
  read: (table: string) => AsyncIterable<string>,
): Promise<void> {
  await client.query('begin');
  try {
    const present = await tablesOf(client);
    for (const expected of dump.tables) assertFits(expected, present);
    for (const table of inOrderOfReferences(dump.tables, await referencesOf(client)))
      await loadTable(client, table, read);
    for (const { sequence, lastValue, isCalled } of dump.sequences)
      await client.query('select setval($1::regclass, $2::bigint, $3)', [sequence, lastValue, isCalled]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** A dump does not fit the database, or is damaged. */
export class DumpError extends Error {
  override readonly name = 'DumpError';
}

interface PresentTable {
  table: string;
  columns: string[];
}

async function tablesOf(client: pg.Client): Promise<PresentTable[]> {
  const { rows } = await client.query<PresentTable>(
    `select c.table_name as table, array_agg(c.column_name::text order by c.column_name::text) as columns
     from information_schema.columns c
     join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
     where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.table_name <> all($1)
     group by c.table_name order by c.table_name`,
    [ownTables],
  );
  return rows;
}

function assertFits({ table, columns }: DumpedTable, present: readonly PresentTable[]): void {
  const found = present.find((candidate) => candidate.table === table);
  if (!found) throw new DumpError(`the database has no table ${table}`);
  if (found.columns.join() !== columns.join())
    throw new DumpError(`the table ${table} has other columns than the backup`);
}

async function loadTable(
  client: pg.Client,
  { table, rows }: DumpedTable,
  read: (table: string) => AsyncIterable<string>,
): Promise<void> {
  const name = client.escapeIdentifier(table);
  const existing = await client.query(`select 1 from ${name} limit 1`);
  if ((existing.rowCount ?? 0) > 0) throw new DumpError(`the table ${table} is not empty`);
  let loaded = 0;
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
    await client.query(
      `insert into ${name} select r.* from unnest($1::text[]) as l(line), json_populate_record(null::${name}, l.line::json) as r`,
      [batch],
    );
    loaded += batch.length;
    batch = [];
  };
  for await (const line of read(table)) {
    batch.push(line);
    if (batch.length === ROWS_PER_INSERT) await flush();
  }
  if (batch.length > 0) await flush();
  if (loaded !== rows) throw new DumpError(`the backup holds ${loaded} rows of ${table} and says ${rows}`);
}

async function sequencesOf(client: pg.Client): Promise<DumpedSequence[]> {
  const { rows: names } = await client.query<{ name: string }>(
    `select sequencename as name from pg_sequences where schemaname = 'public' order by sequencename`,
  );
  const sequences: DumpedSequence[] = [];
  for (const { name } of names) {
    const { rows } = await client.query<{ last_value: string; is_called: boolean }>(
      `select last_value::text, is_called from ${client.escapeIdentifier(name)}`,
    );
    const [row] = rows;
    if (row) sequences.push({ sequence: name, lastValue: row.last_value, isCalled: row.is_called });
  }
  return sequences;
}

/** By table: the tables that its rows point to. */
async function referencesOf(client: pg.Client): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await client.query<{ from: string; to: string }>(
    `select f.relname as from, t.relname as to from pg_constraint k
     join pg_class f on f.oid = k.conrelid join pg_class t on t.oid = k.confrelid
     where k.contype = 'f' and f.oid <> t.oid`,
  );
  const byTable = Map.groupBy(rows, (row) => row.from);
  return new Map([...byTable].map(([table, own]) => [table, own.map(({ to }) => to)]));
}

function inOrderOfReferences(
  tables: readonly DumpedTable[],
  references: ReadonlyMap<string, readonly string[]>,
): DumpedTable[] {
  const byName = new Map(tables.map((table) => [table.table, table]));
  const ordered = new Map<string, DumpedTable>();
  const visit = (name: string, path: readonly string[]): void => {
    const table = byName.get(name);
    if (!table || ordered.has(name) || path.includes(name)) return;
    for (const target of references.get(name) ?? []) visit(target, [...path, name]);
    ordered.set(name, table);
  };
  for (const { table } of tables) visit(table, []);
  return [...ordered.values()];
}
