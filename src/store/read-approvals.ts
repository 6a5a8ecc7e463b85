/** Approvals as the surfaces show them: items with their reasons, seats, who has decided what, and who is awaited. */
import { itemOutcome } from '../domain/item-outcome.ts';
import { fillableSeats } from '../domain/max-matching.ts';
import { eligibleApprovers } from '../domain/quorum.ts';
import type { Decision } from '../schemas/decision.ts';
import type { Item, Seat } from '../schemas/item.ts';
import type { Db } from './db.ts';
import { isSignedDecision, type ApprovalRow, type DecisionRow } from './decisions.ts';
import { readNames, type NameOf, type SnapshotKeys } from './read-names.ts';

export interface PersonName {
  personId: string;
  name: string;
}

export interface DecisionView {
  decisionId: string;
  approver: PersonName;
  surface: string;
  decidedAt: string;
  reason: string | null;
  verdicts: { itemDigest: string; verdict: string }[];
}

export interface ItemView extends Omit<Item, 'route'> {
  /** What the decisions so far say about the item. */
  decided: 'open' | 'approved' | 'denied';
}

export interface ApprovalView {
  approvalId: string;
  caseId: string;
  person: PersonName;
  state: ApprovalRow['state'];
  openedAt: string;
  expiresAt: string;
  closedAt: string | null;
  seats: { role: string; approvers: PersonName[] }[];
  seatsFilled: number;
  items: ItemView[];
  decisions: DecisionView[];
  /** Who may still decide; empty unless the approval is open. */
  waitsFor: PersonName[];
}

export interface ApprovalFilter {
  approvalId?: string | undefined;
  /** Only approvals in which this person has a seat. */
  approverId?: string | undefined;
  /** Only approvals of this case. */
  ofCase?: { personId: string; n: number } | undefined;
  openOnly?: boolean;
  now: Date;
}

/** Oldest deadline first; at most 500. Decisions that the server did not sign are left out. */
export async function listApprovals(db: Db, keys: SnapshotKeys, filter: ApprovalFilter): Promise<ApprovalView[]> {
  let query = db.selectFrom('approval').selectAll().orderBy('expires_at').orderBy('approval_id').limit(500);
  if (filter.openOnly === true) query = query.where('state', '=', 'open');
  if (filter.approvalId !== undefined) query = query.where('approval_id', '=', filter.approvalId);
  if (filter.ofCase !== undefined) {
    query = query.where('person_id', '=', filter.ofCase.personId).where('n', '=', filter.ofCase.n);
  }
  const all = (await query.execute()) as unknown as ApprovalRow[];
  const { approverId } = filter;
  const rows = approverId === undefined ? all : all.filter((row) => approversIn(row.seats).includes(approverId));
  const decisions = await signedDecisions(
    db,
    keys,
    rows.map((row) => row.approval_id),
  );
  const nameOf = await readNames(db, keys, [
    ...rows.flatMap((row) => [row.person_id, ...approversIn(row.seats)]),
    ...decisions.map((decision) => decision.approver_id),
  ]);
  return rows.map((row) => {
    const mine = decisions.filter((decision) => decision.approval_id === row.approval_id);
    return approvalView(row, mine, { keys, nameOf, now: filter.now });
  });
}

/** One approval, or null. */
export async function findApproval(
  db: Db,
  keys: SnapshotKeys,
  approvalId: string,
  now: Date,
): Promise<ApprovalView | null> {
  const [found] = await listApprovals(db, keys, { approvalId, now });
  return found ?? null;
}

/** The people with a seat, each once. */
export function approversIn(seats: Seat[]): string[] {
  return eligibleApprovers({ kind: 'people', seats });
}

async function signedDecisions(db: Db, keys: SnapshotKeys, approvalIds: string[]): Promise<DecisionRow[]> {
  if (approvalIds.length === 0) return [];
  const rows = await db
    .selectFrom('decision')
    .selectAll()
    .where('approval_id', 'in', approvalIds)
    .orderBy('decided_at')
    .execute();
  return (rows as unknown as DecisionRow[]).filter((row) => isSignedDecision(row, keys.verifier));
}

interface Context {
  keys: SnapshotKeys;
  nameOf: NameOf;
  now: Date;
}

function approvalView(row: ApprovalRow, decisions: DecisionRow[], context: Context): ApprovalView {
  const named = (personId: string): PersonName => ({ personId, name: context.nameOf(personId) });
  const votes = decisions.map(asDecision);
  const approvers = approversIn(row.seats);
  const voted = new Set(approvers.filter((id) => hasDecidedAll(id, row, decisions)));
  return {
    approvalId: row.approval_id,
    caseId: `case_${row.person_id}_${row.n}`,
    person: named(row.person_id),
    state: row.state,
    openedAt: row.opened_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
    seats: row.seats.map((seat) => ({ role: seat.role, approvers: seat.approverIds.map(named) })),
    seatsFilled: fillableSeats(row.seats.map((seat) => seat.approverIds.filter((id) => voted.has(id)))),
    items: row.items.map((item) => itemView(item, row.person_id, votes, context.now)),
    decisions: decisions.map((decision) => ({
      decisionId: decision.decision_id,
      approver: named(decision.approver_id),
      surface: decision.surface,
      decidedAt: decision.decided_at.toISOString(),
      reason: openReason(decision, context.keys),
      verdicts: decision.verdicts,
    })),
    waitsFor: row.state === 'open' ? approvers.filter((id) => !voted.has(id)).map(named) : [],
  };
}

/** Somebody may decide some items first and the rest later; until then they are awaited. */
function hasDecidedAll(approverId: string, row: ApprovalRow, decisions: DecisionRow[]): boolean {
  const mine = decisions.filter((decision) => decision.approver_id === approverId);
  const decided = new Set<string>(mine.flatMap(({ verdicts }) => verdicts.map((verdict) => verdict.itemDigest)));
  return row.items.every((item) => decided.has(item.itemDigest));
}

function itemView(item: Item, personId: string, votes: Decision[], now: Date): ItemView {
  const { route: _route, ...shown } = item;
  return { ...shown, decided: itemOutcome(item, personId, votes, now.toISOString()).state };
}

function asDecision(row: DecisionRow): Decision {
  return {
    decisionId: row.decision_id as Decision['decisionId'],
    approvalId: row.approval_id as Decision['approvalId'],
    personId: row.person_id as Decision['personId'],
    approverId: row.approver_id as Decision['approverId'],
    surface: row.surface as Decision['surface'],
    verdicts: row.verdicts,
    reason: '',
    decidedAt: row.decided_at.toISOString(),
  };
}

/** The reason is about the beneficiary and sealed under their key; it goes with them. */
function openReason(row: DecisionRow, keys: SnapshotKeys): string | null {
  if (row.reason_sealed === null) return null;
  try {
    return keys.vault.open<{ reason: string }>(row.person_id, row.reason_sealed)?.reason ?? null;
  } catch {
    return null;
  }
}
