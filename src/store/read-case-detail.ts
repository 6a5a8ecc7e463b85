/** One case in full: what happened so far, what was written where, who can act now and what comes next. */
import type { Selectable } from 'kysely';
import type { Db } from './db.ts';
import { describeEvidence } from './describe-evidence.ts';
import { listApprovals, type ApprovalView, type PersonName } from './read-approvals.ts';
import { comingUpFor, whoCanAnswer, whoCanDecide, type ComingUp } from './coming-up.ts';
import type { CaseView } from './read-cases.ts';
import type { ContextKeys } from './person-context.ts';
import { waitLabel, waitsStanding, type OutsideWait } from './outside-waits.ts';
import { readNames } from './read-names.ts';
import type { OperationTable } from './tables.ts';

export interface OperationView {
  itemDigest: string;
  /** The item in words, where the proposal or an approval tells. */
  item: string | null;
  systemId: string;
  round: number;
  state: string;
  outcome: string | null;
  errorCode: string | null;
  updatedAt: string;
}

export interface TimelineEntry {
  at: string;
  kind: string;
  text: string;
}

export interface CaseDetail extends CaseView {
  approvals: ApprovalView[];
  operations: OperationView[];
  timeline: TimelineEntry[];
  /** People and what each of them can do now, with the command that does it. */
  canAct: { who: PersonName | string; what: string; command: string }[];
  next: string;
  /** What happens to its approvals if nobody acts, in order. */
  comingUp: ComingUp[];
}

/** Completes a case that the viewer may see. */
export async function readCaseDetail(db: Db, keys: ContextKeys, found: CaseView, now: Date): Promise<CaseDetail> {
  const approvals = await listApprovals(db, keys, { ofCase: found, now });
  const items = await itemLabels(db, found);
  const rows = await db
    .selectFrom('operation')
    .selectAll()
    .where('person_id', '=', found.personId)
    .where('n', '=', found.n)
    .orderBy('updated_at')
    .execute();
  const operations = rows.map((row) => operationView(row, items));
  const failed = failedSystems(operations);
  const waits = found.closedAt === null ? await waitsStanding(db, found) : [];
  const handOver = found.closedAt === null ? await readHandOver(db, keys, found, now) : null;
  return {
    ...found,
    approvals,
    operations,
    timeline: await readTimeline(db, found.caseId, items),
    canAct: [...whoCanAct(found, approvals, failed), ...waitsToConfirm(waits), ...(handOver?.canAct ?? [])],
    next: [
      nextStep(found, approvals, operations),
      ...waits.map(waitSentence),
      ...(handOver === null ? [] : [handOver.next]),
    ].join(' '),
    comingUp: await comingUpFor(db, keys, approvals, now),
  };
}

/** The person outside is nobody that Usher knows; what they work in is. */
function waitSentence(wait: OutsideWait): string {
  const where = wait.ticket_number === null ? '' : `, ticket ${wait.ticket_number}`;
  const since = wait.opened_at.toISOString();
  return wait.state === 'claimed'
    ? `Waiting for the owner of ${wait.system_id} to confirm ${waitLabel(wait)}, since ${since}${where}.`
    : `Waiting for a person outside: ${wait.system_id}, ${waitLabel(wait)}, since ${since}${where}.`;
}

function waitsToConfirm(waits: readonly OutsideWait[]): CaseDetail['canAct'] {
  return waits
    .filter(({ state }) => state === 'claimed')
    .map((wait) => ({
      who: `the owner of ${wait.system_id}`,
      what: `confirm ${waitLabel(wait)}`,
      command: `usher confirm ${wait.ticket_number ?? wait.wait_id}`,
    }));
}

/** Null where nothing is being handed over. */
async function readHandOver(
  db: Db,
  keys: ContextKeys,
  found: CaseView,
  now: Date,
): Promise<{ canAct: CaseDetail['canAct']; next: string } | null> {
  const row = await db
    .selectFrom('usher_case')
    .select(['handover_until', 'previous_manager_id'])
    .where('case_id', '=', found.caseId)
    .executeTakeFirst();
  if (!row?.handover_until || row.handover_until <= now) return null;
  const { previous_manager_id: managerId } = row;
  const nameOf = await readNames(db, keys, [managerId]);
  const who = managerId === null ? 'an operator' : { personId: managerId, name: nameOf(managerId) };
  return {
    canAct: [{ who, what: 'end the hand-over', command: `usher case end-hand-over ${found.caseId}` }],
    next: `What the old role gave stays until ${row.handover_until.toISOString()}.`,
  };
}

async function readTimeline(db: Db, caseId: string, items: ReadonlyMap<string, string>): Promise<TimelineEntry[]> {
  const rows = await db
    .selectFrom('evidence')
    .select(['at', 'kind', 'body'])
    .where('case_id', '=', caseId)
    .orderBy('seq')
    .limit(2000)
    .execute();
  return rows.map((row) => ({
    at: row.at.toISOString(),
    kind: row.kind,
    text: describeEvidence(row.kind, row.body, items),
  }));
}

/** Item digest to words, over all proposals of the case: a re-plan may have renamed what was decided earlier. */
async function itemLabels(db: Db, found: CaseView): Promise<ReadonlyMap<string, string>> {
  const proposals = await db
    .selectFrom('proposal')
    .select('items')
    .where('person_id', '=', found.personId)
    .where('n', '=', found.n)
    .orderBy('planned_at')
    .execute();
  const items = proposals.flatMap((proposal) => proposal.items);
  return new Map(
    items.map((item) => [
      item.itemDigest,
      `${item.action} ${item.entitlementId ?? item.profileId ?? item.vendorEntitlementId ?? item.accountId ?? 'account'}`,
    ]),
  );
}

function operationView(row: Selectable<OperationTable>, items: ReadonlyMap<string, string>): OperationView {
  return {
    itemDigest: row.item_digest,
    item: items.get(row.item_digest) ?? null,
    systemId: row.system_id,
    round: row.round,
    state: row.state,
    outcome: row.outcome,
    errorCode: row.error_code,
    updatedAt: row.updated_at.toISOString(),
  };
}

/** Systems with an item whose newest round failed or was contradicted. */
function failedSystems(operations: OperationView[]): string[] {
  const newest = newestRounds(operations);
  const isFailed = ({ state }: OperationView): boolean => state === 'failed' || state === 'contradicted';
  return [...new Set(newest.filter(isFailed).map((operation) => operation.systemId))].toSorted();
}

function newestRounds(operations: OperationView[]): OperationView[] {
  const newest = new Map<string, OperationView>();
  for (const operation of operations) {
    const seen = newest.get(operation.itemDigest);
    if (!seen || operation.round >= seen.round) newest.set(operation.itemDigest, operation);
  }
  return [...newest.values()];
}

function whoCanAct(found: CaseView, approvals: ApprovalView[], failed: string[]): CaseDetail['canAct'] {
  const deciders = approvals.flatMap(whoCanDecide);
  const retries = failed.map((systemId) => ({
    who: 'an operator',
    what: `try ${systemId} again`,
    command: `usher retry ${found.caseId} ${systemId}`,
  }));
  const release = {
    who: 'an operator or security',
    what: 'release the held departure',
    command: 'usher hold release --all --reason "…"',
  };
  return [...deciders, ...approvals.flatMap(whoCanAnswer), ...retries, ...(found.state === 'held' ? [release] : [])];
}

function nextStep(found: CaseView, approvals: ApprovalView[], operations: OperationView[]): string {
  if (found.closedAt !== null) return `Nothing: the case is closed (${found.state}).`;
  if (found.state === 'held') return 'Waits until a person releases the hold.';
  const open = approvals.filter((approval) => approval.state === 'open');
  if (found.state === 'awaitingApproval' && open.length > 0) {
    const names = [...new Set(open.flatMap((approval) => approval.waitsFor.map((person) => person.name)))];
    const until = open.map((approval) => approval.expiresAt).toSorted()[0];
    const isPaused = open.some((approval) => approval.pausedUntil !== null);
    const stop = isPaused ? ' A question is open: the clock stands until it is answered.' : '';
    return `Waits for ${names.join(', ')}; silence is a denial at ${until}.${stop}`;
  }
  if (found.state === 'provisioning') {
    const newest = newestRounds(operations);
    const done = newest.filter((operation) => operation.state === 'verified').length;
    return `Writes to systems and reads back: ${done} of ${newest.length} items verified.`;
  }
  if (found.state === 'waiting') return `Waits until it is due${found.dueAt === null ? '' : ` at ${found.dueAt}`}.`;
  return 'Usher goes on by itself; nobody needs to act.';
}
