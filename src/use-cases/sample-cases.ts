/**
 * What an auditor tests: the population of cases of a period, whether it is complete (events accepted, cases, evidence,
 * archive; every gap is listed), and a reproducible sample of it.
 */
import { drawSample } from '../evidence/sample.ts';
import type { CaseKind } from '../schemas/case.ts';
import { isPublicCase } from '../store/read-cases.ts';
import type { ServerDeps } from './server-deps.ts';

export interface SampleRequest {
  /** Cases opened at or after. */
  from: Date;
  /** And before. */
  to: Date;
  kind: CaseKind | null;
  size: number;
  seed: string;
  /** Scope `security`: departures that have not taken effect are part of the population. */
  canSeeDepartures: boolean;
}

export type GapCode =
  | 'eventNotDerived'
  | 'eventWithoutRecord'
  | 'caseWithoutEvent'
  | 'caseWithoutRecord'
  | 'recordWithoutCase'
  | 'closedWithoutRecord'
  | 'notArchived';

export interface SampledCase {
  caseId: string;
  personId: string;
  kind: string;
  state: string;
  effectiveAt: string;
  openedAt: string;
  closedAt: string | null;
  route: string | null;
  policyHash: string | null;
  eventId: string | null;
}

export interface AuditSample {
  from: string;
  to: string;
  kind: CaseKind | null;
  seed: string;
  populationSize: number;
  populationByKind: Record<string, number>;
  completeness: {
    isComplete: boolean;
    /** Rows of the ledger; those that were derived are kept for 30 days. */
    eventsAccepted: number;
    eventsByVerdict: Record<string, number>;
    eventsRecorded: number;
    casesOpened: number;
    casesRecorded: number;
    casesClosed: number;
    closingsRecorded: number;
    casesArchived: number;
    gaps: { code: GapCode; id: string }[];
  };
  sample: SampledCase[];
}

/** An event that is so old and not derived stands still; a case closed for so long should lie in the archive. */
const DERIVED_AFTER_MS = 15 * 60_000;
const ARCHIVED_AFTER_MS = 86_400_000;
/** Verdicts that leave nothing to record. */
const SILENT_VERDICTS = new Set(['unchanged', 'erased', 'unknown', 'personGone']);

export async function sampleCases(deps: ServerDeps, request: SampleRequest): Promise<AuditSample> {
  const { from, to, kind, size, seed } = request;
  const all = await readPopulation(deps, request);
  const population = kind === null ? all : all.filter((entry) => entry.kind === kind);
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    kind,
    seed,
    populationSize: population.length,
    populationByKind: countBy(population.map((entry) => entry.kind)),
    // Of all kinds: an event that should have become another kind of case is a gap too.
    completeness: await readCompleteness(deps, request, all),
    sample: drawSample(population, size, seed),
  };
}

async function readPopulation(deps: ServerDeps, request: SampleRequest): Promise<SampledCase[]> {
  let query = deps.db
    .selectFrom('usher_case as c')
    .selectAll('c')
    .where('c.opened_at', '>=', request.from)
    .where('c.opened_at', '<', request.to)
    .orderBy('c.opened_at')
    .orderBy('c.case_id');
  if (!request.canSeeDepartures) query = query.where(isPublicCase);
  const rows = await query.execute();
  return rows.map((row) => ({
    caseId: row.case_id,
    personId: row.person_id,
    kind: row.kind,
    state: row.state,
    effectiveAt: row.effective_at.toISOString(),
    openedAt: row.opened_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
    route: row.route,
    policyHash: row.policy_hash,
    eventId: row.event_id,
  }));
}

async function readCompleteness(
  deps: ServerDeps,
  request: SampleRequest,
  cases: readonly SampledCase[],
): Promise<AuditSample['completeness']> {
  const [events, records, archived] = await Promise.all([
    readEvents(deps, request),
    readRecords(deps),
    readArchived(deps),
  ]);
  const { opened, closed, derived } = records;
  const hidden = await hiddenCaseIds(deps, request);
  const closedCases = cases.filter(({ closedAt }) => closedAt !== null);
  const inPeriod = ([, at]: readonly [string, Date]): boolean => at >= request.from && at < request.to;
  const nowMs = deps.now().getTime();
  const known = new Set(cases.map(({ caseId }) => caseId));
  const seen = new Set(events.map((event) => event.event_id));
  const openedHere = [...opened].filter(inPeriod).filter(([caseId]) => !hidden.has(caseId));
  const gaps: { code: GapCode; id: string }[] = [
    ...events
      .filter((event) => event.state === 'received' && nowMs - event.received_at.getTime() > DERIVED_AFTER_MS)
      .map((event) => gap('eventNotDerived', event.event_id)),
    ...events
      .filter((event) => event.state !== 'received' && !SILENT_VERDICTS.has(event.verdict ?? ''))
      .filter((event) => !derived.has(event.event_id))
      .map((event) => gap('eventWithoutRecord', event.event_id)),
    ...cases
      .filter(({ eventId }) => eventId !== null && !derived.has(eventId) && !seen.has(eventId))
      .map(({ caseId }) => gap('caseWithoutEvent', caseId)),
    ...cases.filter(({ caseId }) => !opened.has(caseId)).map(({ caseId }) => gap('caseWithoutRecord', caseId)),
    ...openedHere.filter(([caseId]) => !known.has(caseId)).map(([caseId]) => gap('recordWithoutCase', caseId)),
    ...closedCases.filter(({ caseId }) => !closed.has(caseId)).map(({ caseId }) => gap('closedWithoutRecord', caseId)),
    ...closedCases
      .filter(({ caseId, closedAt }) => nowMs - Date.parse(closedAt ?? '') > ARCHIVED_AFTER_MS && !archived.has(caseId))
      .map(({ caseId }) => gap('notArchived', caseId)),
  ];
  return {
    isComplete: gaps.length === 0,
    eventsAccepted: events.length,
    eventsByVerdict: countBy(events.map((event) => event.verdict ?? event.state)),
    eventsRecorded: [...derived].filter(inPeriod).length,
    casesOpened: cases.length,
    casesRecorded: openedHere.length,
    casesClosed: closedCases.length,
    closingsRecorded: closedCases.filter(({ caseId }) => closed.has(caseId)).length,
    casesArchived: closedCases.filter(({ caseId }) => archived.has(caseId)).length,
    gaps,
  };
}

const gap = (code: GapCode, id: string): { code: GapCode; id: string } => ({ code, id });

function readEvents(deps: ServerDeps, { from, to }: SampleRequest) {
  return deps.db
    .selectFrom('ledger')
    .select(['event_id', 'state', 'verdict', 'received_at'])
    .where('received_at', '>=', from)
    .where('received_at', '<', to)
    .orderBy('received_at')
    .execute();
}

/** When each case was recorded as opened and closed, and each event as derived, in the whole log. */
async function readRecords(deps: ServerDeps): Promise<Record<'opened' | 'closed' | 'derived', Map<string, Date>>> {
  const rows = await deps.db
    .selectFrom('evidence')
    .select(['operation_key', 'kind', 'case_id', 'at'])
    .where('kind', 'in', ['caseOpened', 'caseClosed', 'derived'])
    .execute();
  const of = (kind: string, key: (row: (typeof rows)[number]) => string): Map<string, Date> =>
    new Map(rows.filter((row) => row.kind === kind).map((row) => [key(row), row.at]));
  return {
    opened: of('caseOpened', (row) => row.case_id ?? row.operation_key),
    closed: of('caseClosed', (row) => row.case_id ?? row.operation_key),
    derived: of('derived', (row) => row.operation_key),
  };
}

async function readArchived(deps: ServerDeps): Promise<Set<string>> {
  const rows = await deps.db.selectFrom('case_archive').select('case_id').execute();
  return new Set(rows.map((row) => row.case_id));
}

/** A departure that the caller may not see is no gap, and shows as none. */
async function hiddenCaseIds(deps: ServerDeps, request: SampleRequest): Promise<Set<string>> {
  if (request.canSeeDepartures) return new Set();
  const rows = await deps.db
    .selectFrom('usher_case as c')
    .select('c.case_id')
    .where((eb) => eb.not(isPublicCase(eb)))
    .execute();
  return new Set(rows.map((row) => row.case_id));
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
