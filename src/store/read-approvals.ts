/** Approvals as the surfaces show them: items with their reasons, seats, who has decided what, and who is awaited. */
import type { ClockView } from '../domain/approval-clock.ts';
import { itemOutcome } from '../domain/item-outcome.ts';
import { fillableSeats } from '../domain/max-matching.ts';
import { eligibleApprovers } from '../domain/quorum.ts';
import type { Decision } from '../schemas/decision.ts';
import type { Item, Seat } from '../schemas/item.ts';
import type { Db } from './db.ts';
import { decisionOf, signedDecisions, type ApprovalRow, type DecisionRow } from './decisions.ts';
import { actorsInRow, clockOf } from './approval-standing.ts';
import { questionsOf, type QuestionView } from './read-questions.ts';
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
  /** Everybody who may decide now, with the person in whose place they would; empty unless the approval is open. */
  actors: { person: PersonName; inPlaceOf: PersonName | null }[];
  /** Until when an open question stops the clock; null: it runs. */
  pausedUntil: string | null;
  /** What comes by itself, in order; empty unless the approval is open. */
  upcoming: { at: string; what: 'reminder' | 'escalation' | 'clockGoesOn' | 'expiry'; level: number | null }[];
  questions: QuestionView[];
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
  const rows = approverId === undefined ? all : all.filter((row) => mayBeAsked(row).includes(approverId));
  const decisions = await decisionsOf(
    db,
    keys,
    rows.map((row) => row.approval_id),
  );
  const questions = await questionsOf(
    db,
    keys,
    rows.map((row) => row.approval_id),
  );
  const nameOf = await readNames(db, keys, [
    ...rows.flatMap((row) => [row.person_id, ...mayBeAsked(row)]),
    ...decisions.map((decision) => decision.approver_id),
  ]);
  return rows.map((row) => {
    const mine = decisions.filter((decision) => decision.approval_id === row.approval_id);
    const asked = questions.filter((question) => question.approvalId === row.approval_id);
    return approvalView(row, mine, { keys, nameOf, now: filter.now, questions: asked });
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

function mayBeAsked(row: ApprovalRow): string[] {
  return [...new Set([...approversIn(row.seats), ...actorsInRow(row).map(({ personId }) => personId)])];
}

/** The people with a seat, each once. */
export function approversIn(seats: Seat[]): string[] {
  return eligibleApprovers({ kind: 'people', seats });
}

async function decisionsOf(db: Db, keys: SnapshotKeys, approvalIds: string[]): Promise<DecisionRow[]> {
  if (approvalIds.length === 0) return [];
  const rows = await db
    .selectFrom('decision')
    .selectAll()
    .where('approval_id', 'in', approvalIds)
    .orderBy('decided_at')
    .execute();
  return signedDecisions(db, keys.verifier, rows);
}

interface Context {
  keys: SnapshotKeys;
  nameOf: NameOf;
  now: Date;
  questions: QuestionView[];
}

function approvalView(row: ApprovalRow, decisions: DecisionRow[], context: Context): ApprovalView {
  const named = (personId: string): PersonName => ({ personId, name: context.nameOf(personId) });
  const votes = decisions.map(decisionOf);
  const actors = row.state === 'open' ? actorsInRow(row) : [];
  const voted = placesThatDecided(row, decisions);
  const voices = new Set(
    decisions.map((decision) => decision.approver_id).filter((id) => hasDecidedAll(id, row, decisions)),
  );
  const waiting = actors.filter(({ personId, forId }) => !voices.has(personId) && !voted.has(forId));
  const clock = clockOf(row, context.now);
  return {
    approvalId: row.approval_id,
    caseId: `case_${row.person_id}_${row.n}`,
    person: named(row.person_id),
    state: row.state,
    openedAt: row.opened_at.toISOString(),
    expiresAt: new Date(clock.expiresAtMs).toISOString(),
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
    waitsFor: [...new Set(waiting.map(({ personId }) => personId))].toSorted().map(named),
    actors: actors.map(({ personId, forId }) => ({
      person: named(personId),
      inPlaceOf: forId === personId ? null : named(forId),
    })),
    pausedUntil: clock.resumesAtMs === null ? null : new Date(clock.resumesAtMs).toISOString(),
    upcoming: row.state === 'open' ? upcomingOf(row, clock, context.now) : [],
    questions: context.questions,
  };
}

function upcomingOf(row: ApprovalRow, clock: ClockView, now: Date): ApprovalView['upcoming'] {
  const escalations = clock.escalateAtMs.map((atMs, index) => ({
    atMs,
    what: 'escalation' as const,
    level: index + 1,
  }));
  const entries: { atMs: number; what: ApprovalView['upcoming'][number]['what']; level: number | null }[] = [
    ...(clock.resumesAtMs === null ? [] : [{ atMs: clock.resumesAtMs, what: 'clockGoesOn' as const, level: null }]),
    { atMs: clock.remindAtMs, what: 'reminder', level: null },
    ...escalations.filter(({ level }) => level > row.escalated_level),
    { atMs: clock.expiresAtMs, what: 'expiry', level: null },
  ];
  return entries
    .filter(({ atMs, what }) => what === 'expiry' || atMs > now.getTime())
    .filter(({ atMs }) => atMs <= clock.expiresAtMs)
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ atMs, ...entry }) => ({ at: new Date(atMs).toISOString(), ...entry }));
}

/** The people in whose place all items were decided, by themselves or by others. */
function placesThatDecided(row: ApprovalRow, decisions: DecisionRow[]): Set<string> {
  const places = Map.groupBy(decisions, (decision) => decision.for_approver_id ?? decision.approver_id);
  return new Set([...places].filter(([, mine]) => coversAll(row, mine)).map(([id]) => id));
}

function coversAll(row: ApprovalRow, decisions: readonly DecisionRow[]): boolean {
  const decided = new Set<string>(decisions.flatMap(({ verdicts }) => verdicts.map((verdict) => verdict.itemDigest)));
  return row.items.every((item) => decided.has(item.itemDigest));
}

/** Somebody may decide some items first and the rest later; until then they are awaited. */
function hasDecidedAll(approverId: string, row: ApprovalRow, decisions: DecisionRow[]): boolean {
  return coversAll(
    row,
    decisions.filter((decision) => decision.approver_id === approverId),
  );
}

function itemView(item: Item, personId: string, votes: Decision[], now: Date): ItemView {
  const { route: _route, ...shown } = item;
  return { ...shown, decided: itemOutcome(item, personId, votes, now.toISOString()).state };
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
