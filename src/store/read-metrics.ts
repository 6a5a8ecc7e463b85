/**
 * Figures for monitoring, counted in the store: they survive restarts and mean the same whichever process is asked. Counts,
 * ages and durations only; nothing here names a person.
 */
import { sql } from 'kysely';
import type { Db, Tx } from './db.ts';

/** Cumulative counts by upper bound, as a Prometheus histogram shows them. */
export interface DurationHistogram {
  /** By labels; `counts[i]` are those of at most `bounds[i]` seconds. */
  series: { labels: Record<string, string>; counts: number[]; count: number; sumSeconds: number }[];
}

export interface StoreFigures {
  undeliveredByKind: { kind: string; count: number; oldestSeconds: number }[];
  dueCutoffs: { count: number; oldestSeconds: number };
  heldCutoffs: number;
  underived: { count: number; oldestSeconds: number };
  /** Seconds since the youngest event was received; null before the first. */
  ledgerAgeSeconds: number | null;
  webhooksRefused: { source: string; reason: string; count: number }[];
  openCasesByState: { state: string; count: number }[];
  openApprovals: { count: number; oldestSeconds: number };
  openIncidentsByKind: { kind: string; count: number }[];
  alertsUnmailed: number;
  alertsByKind: { kind: string; count: number }[];
  evidenceRecords: number;
  checkpoint: { treeSize: number; ageSeconds: number } | null;
  cutoffSeconds: DurationHistogram;
  accessSeconds: DurationHistogram;
}

export const cutoffBoundsSeconds: readonly number[] = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600];
export const accessBoundsSeconds: readonly number[] = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400, 259_200, 604_800];

/** Reads everything in one snapshot. `now` is what ages are counted to. */
export async function readFigures(db: Db, now: Date): Promise<StoreFigures> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => ({
      ...(await readQueues(tx, now)),
      ...(await readOpenMatters(tx, now)),
      ...(await readEvidenceFigures(tx, now)),
      cutoffSeconds: histogram((await cutoffDurations.execute(tx)).rows, cutoffBoundsSeconds),
      accessSeconds: histogram((await accessDurations.execute(tx)).rows, accessBoundsSeconds),
    }));
}

interface CountAndAge {
  count: number;
  oldestSeconds: number;
}

interface KindCount {
  kind: string;
  count: number;
}

/** Seconds from the oldest of the column to `now`; 0 where there is none. */
const age = (column: string, now: Date) =>
  sql<number>`coalesce(greatest(0, extract(epoch from ${now}::timestamptz - min(${sql.ref(column)}))), 0)::float8`;

async function one(tx: Tx, query: ReturnType<typeof sql<CountAndAge>>): Promise<CountAndAge> {
  return (await query.execute(tx)).rows[0] ?? { count: 0, oldestSeconds: 0 };
}

/** What waits for one of our own processes. */
async function readQueues(
  tx: Tx,
  now: Date,
): Promise<
  Pick<StoreFigures, 'undeliveredByKind' | 'dueCutoffs' | 'underived' | 'ledgerAgeSeconds' | 'webhooksRefused'>
> {
  const undelivered = await sql<KindCount & CountAndAge>`
    select kind, count(*)::int as count, ${age('created_at', now)} as "oldestSeconds"
    from delivery where delivered_at is null group by kind`.execute(tx);
  const ledger = await sql<{ age: number | null }>`
    select extract(epoch from ${now}::timestamptz - max(received_at))::float8 as age from ledger`.execute(tx);
  const refused = await sql<{ source: string; reason: string; count: number }>`
    select source, reason, sum(count)::int as count from intake_refusal group by source, reason`.execute(tx);
  return {
    undeliveredByKind: undelivered.rows,
    dueCutoffs: await one(
      tx,
      sql<CountAndAge>`select count(*)::int as count, ${age('effective_at', now)} as "oldestSeconds"
        from cutoff where state = 'scheduled' and effective_at <= ${now}`,
    ),
    underived: await one(
      tx,
      sql<CountAndAge>`select count(*)::int as count, ${age('received_at', now)} as "oldestSeconds"
        from ledger where state = 'received'`,
    ),
    ledgerAgeSeconds: ledger.rows[0]?.age ?? null,
    webhooksRefused: refused.rows,
  };
}

/** What waits for people, and what they should know. */
async function readOpenMatters(
  tx: Tx,
  now: Date,
): Promise<
  Pick<
    StoreFigures,
    'heldCutoffs' | 'openCasesByState' | 'openApprovals' | 'openIncidentsByKind' | 'alertsUnmailed' | 'alertsByKind'
  >
> {
  const cases = await sql<{ state: string; count: number }>`
    select state, count(*)::int as count from usher_case where closed_at is null group by state`.execute(tx);
  const incidents = await sql<KindCount>`
    select kind, count(*)::int as count from incident where state = 'open' group by kind`.execute(tx);
  const alerts = await sql<KindCount>`select kind, count(*)::int as count from alert group by kind`.execute(tx);
  const scalar = await sql<{ held: number; unmailed: number }>`
    select (select count(*)::int from cutoff where state = 'held') as held,
      (select count(*)::int from alert where mailed_at is null) as unmailed`.execute(tx);
  return {
    heldCutoffs: scalar.rows[0]?.held ?? 0,
    openCasesByState: cases.rows,
    openApprovals: await one(
      tx,
      sql<CountAndAge>`select count(*)::int as count, ${age('opened_at', now)} as "oldestSeconds"
        from approval where state = 'open'`,
    ),
    openIncidentsByKind: incidents.rows,
    alertsUnmailed: scalar.rows[0]?.unmailed ?? 0,
    alertsByKind: alerts.rows,
  };
}

async function readEvidenceFigures(tx: Tx, now: Date): Promise<Pick<StoreFigures, 'evidenceRecords' | 'checkpoint'>> {
  const log = await sql<{ records: number }>`
    select coalesce(max(seq) + 1, 0)::float8 as records from evidence`.execute(tx);
  const checkpoint = await sql<{ treeSize: number; ageSeconds: number }>`
    select tree_size::float8 as "treeSize", extract(epoch from ${now}::timestamptz - at)::float8 as "ageSeconds"
    from checkpoint order by tree_size desc limit 1`.execute(tx);
  return { evidenceRecords: log.rows[0]?.records ?? 0, checkpoint: checkpoint.rows[0] ?? null };
}

interface DurationRow {
  label: string;
  /** Index of the first bound that is not below; the number of bounds where none is. */
  bucket: number;
  count: number;
  sum: number;
}

const bucketOf = (bounds: readonly number[], seconds: string) =>
  sql<number>`width_bucket(${sql.raw(seconds)}, array[${sql.raw(bounds.join(','))}]::float8[])`;

/**
 * From the moment when the departure was known and due (the webhook's acknowledgement, or the effective date where that lies
 * later) to the independent read that saw the login disabled, the first per system.
 */
const cutoffDurations = sql<DurationRow>`
  select label, ${bucketOf(cutoffBoundsSeconds, 'seconds')} as bucket, count(*)::int as count, sum(seconds)::float8 as sum
  from (
    select e.body->>'systemId' as label,
      greatest(0, extract(epoch from min(e.at) - greatest(c.received_at, c.effective_at)))::float8 as seconds
    from cutoff c
    join evidence e on e.case_id = 'case_' || c.person_id || '_' || c.n and e.kind = 'verified'
      and e.body->>'what' = 'cutoff' and e.body->>'action' = 'disable'
    where c.state = 'started' and c.released_by is null
    group by c.person_id, c.n, c.received_at, c.effective_at, e.body->>'systemId') as cuts
  group by label, bucket`;

/**
 * From the moment when access was known and due (event accepted, or the window's begin where that lies later) to the read
 * that confirmed the right, by what gave it: policy alone or a decision.
 */
const accessDurations = sql<DurationRow>`
  select label, ${bucketOf(accessBoundsSeconds, 'seconds')} as bucket, count(*)::int as count, sum(seconds)::float8 as sum
  from (
    select g.basis as label,
      greatest(0, extract(epoch from g.since - greatest(coalesce(c.accepted_at, c.opened_at), c.effective_at)))::float8 as seconds
    from person_grant g
    join usher_case c on c.person_id = g.person_id and c.n = g.case_n
    where g.basis in ('policy', 'decision')) as grants
  group by label, bucket`;

const labelNames = { cutoff: 'system', access: 'basis' } as const;

function histogram(rows: readonly DurationRow[], bounds: readonly number[]): DurationHistogram {
  const name = bounds === cutoffBoundsSeconds ? labelNames.cutoff : labelNames.access;
  const byLabel = Map.groupBy(rows, (row) => row.label);
  const series = [...byLabel].map(([label, own]) => ({
    labels: { [name]: label },
    counts: bounds.map((_, index) =>
      own.filter(({ bucket }) => bucket <= index).reduce((sum, row) => sum + row.count, 0),
    ),
    count: own.reduce((sum, row) => sum + row.count, 0),
    sumSeconds: own.reduce((sum, row) => sum + row.sum, 0),
  }));
  return { series };
}
