/**
 * Cases as the surfaces list them. A departure that has not taken effect is left out unless the viewer may see
 * departures: neither its kind nor its date nor its number shows.
 */
import type { ExpressionBuilder, ExpressionWrapper, Selectable, SqlBool } from 'kysely';
import type { CaseState } from '../schemas/case.ts';
import type { Db } from './db.ts';
import { readNames, type SnapshotKeys } from './read-names.ts';
import type { CaseTable, Tables } from './tables.ts';

export interface CaseView {
  caseId: string;
  personId: string;
  person: string;
  n: number;
  kind: string;
  state: string;
  isEffective: boolean;
  effectiveAt: string;
  openedAt: string;
  dueAt: string | null;
  closedAt: string | null;
  route: string | null;
  policyHash: string | null;
}

export interface CaseFilter {
  /** Scope `security`. */
  canSeeDepartures: boolean;
  state?: CaseState | undefined;
  /** Only cases of this person. */
  personId?: string | undefined;
  caseId?: string | undefined;
  limit?: number;
}

type CaseBuilder = ExpressionBuilder<Tables & { c: CaseTable }, 'c'>;

/** True for a case that everybody may see: anything but a departure that is not held, not started and not effective. */
export function isPublicCase(eb: CaseBuilder): ExpressionWrapper<Tables & { c: CaseTable }, 'c', SqlBool> {
  const cutoffShows = eb
    .selectFrom('cutoff')
    .select('cutoff.n')
    .whereRef('cutoff.person_id', '=', 'c.person_id')
    .whereRef('cutoff.n', '=', 'c.n')
    .where('cutoff.state', 'in', ['held', 'started']);
  return eb.or([eb('c.kind', '!=', 'leaver'), eb('c.is_effective', '=', true), eb.exists(cutoffShows)]);
}

/** Newest first; at most `limit` (200 by default). */
export async function listCases(db: Db, keys: SnapshotKeys, filter: CaseFilter): Promise<CaseView[]> {
  let query = db
    .selectFrom('usher_case as c')
    .selectAll('c')
    .orderBy('c.opened_at', 'desc')
    .orderBy('c.case_id')
    .limit(filter.limit ?? 200);
  if (!filter.canSeeDepartures) query = query.where(isPublicCase);
  if (filter.state !== undefined) query = query.where('c.state', '=', filter.state);
  if (filter.personId !== undefined) query = query.where('c.person_id', '=', filter.personId);
  if (filter.caseId !== undefined) query = query.where('c.case_id', '=', filter.caseId);
  const rows = await query.execute();
  const nameOf = await readNames(
    db,
    keys,
    rows.map((row) => row.person_id),
  );
  return rows.map((row) => caseView(row, nameOf(row.person_id)));
}

/** One case, or null when it does not exist or may not be seen: the two look the same. */
export async function findCase(
  db: Db,
  keys: SnapshotKeys,
  caseId: string,
  viewer: { canSeeDepartures: boolean },
): Promise<CaseView | null> {
  const [found] = await listCases(db, keys, { ...viewer, caseId, limit: 1 });
  return found ?? null;
}

function caseView(row: Selectable<CaseTable>, person: string): CaseView {
  return {
    caseId: row.case_id,
    personId: row.person_id,
    person,
    n: row.n,
    kind: row.kind,
    state: row.state,
    isEffective: row.is_effective,
    effectiveAt: row.effective_at.toISOString(),
    openedAt: row.opened_at.toISOString(),
    dueAt: row.due_at?.toISOString() ?? null,
    closedAt: row.closed_at?.toISOString() ?? null,
    route: row.route,
    policyHash: row.policy_hash,
  };
}
