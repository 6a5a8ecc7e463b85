/**
 * Reads back what was written: a new request by id, after the write, never the write's own answer. Only what this read
 * confirms is reported as held, removed or disabled.
 */
import { ApplicationFailure } from '@temporalio/activity';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { appendEvidence, type EvidenceInput } from '../evidence/log.ts';
import { raiseAlert } from '../store/alerts.ts';
import { operationKeyOf, operationsOf, saveOperations, type OperationRow } from '../store/operations.ts';
import { tellStory } from '../store/story.ts';
import { expectedProfiles } from './expected-profiles.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import { currentSignal, toApplicationFailure, translated } from './failures.ts';
import { noteHealed } from './incidents.ts';
import { outageVerdict } from './outage.ts';
import { ownersAnswer } from './outside-waits.ts';
import { proposedItemsOf } from './proposed-items.ts';
import { confirmedByReads, type WrittenItem } from './read-back.ts';
import { rememberVerified } from './remember-verified.ts';
import { reportWorkEmail } from './work-email.ts';
import type { WorkerDeps } from './worker-deps.ts';

export interface VerifyAccessInput {
  personId: string;
  n: number;
  k: number;
  round: number;
  systemId: string;
  itemDigests: string[];
  isIncidentOpen: boolean;
}

export type VerifiedOutcome = 'verified' | 'contradicted' | 'notApplied';

export type VerifyAccessResult =
  | { kind: 'done'; outcomes: { itemDigest: string; outcome: VerifiedOutcome }[] }
  | { kind: 'systemDown'; errorCode: string };

/**
 * Idempotent; an item that is verified already stays so. Throws a retryable `propagating` failure while the vendor's
 * window of consistency is open and the read does not agree yet: that consumes no business retry.
 */
export async function verifyAccess(deps: WorkerDeps, input: VerifyAccessInput): Promise<VerifyAccessResult> {
  const keyOf = (itemDigest: string): string => operationKeyOf({ ...input, itemDigest });
  const operations = await operationsOf(deps.db, input.itemDigests.map(keyOf));
  const items = await proposedItemsOf(deps.db, input.personId, input.n);
  const outcomes = new Map<string, VerifiedOutcome>();
  const written: WrittenItem[] = [];
  for (const itemDigest of input.itemDigests) {
    const operation = operations.get(keyOf(itemDigest));
    const item = items.get(itemDigest);
    const known = operation && item ? knownOutcome(operation) : 'notApplied';
    if (known !== null) outcomes.set(itemDigest, known);
    else if (operation && item) written.push({ operation, item });
  }
  if (written.length > 0) {
    const failure = await lookAt(deps, input, written, outcomes);
    if (failure) return failure;
  }
  await alertUnproven(deps, input, [...outcomes.values()]);
  const { personId, n, systemId } = input;
  const itemKeys = input.itemDigests.filter((itemDigest) => outcomes.get(itemDigest) === 'verified');
  await noteHealed(deps, { personId, n, systemId, itemKeys });
  // An address is news of an account that was given, not of one that is taken away.
  const gave = itemKeys.some((itemDigest) => items.get(itemDigest)?.action === 'grant');
  if (gave) await reportWorkEmail(deps, { personId, n, systemId });
  return {
    kind: 'done',
    outcomes: input.itemDigests.map((itemDigest) => ({
      itemDigest,
      outcome: outcomes.get(itemDigest) ?? 'notApplied',
    })),
  };
}

/** What the record says already; null where a read has to decide. */
function knownOutcome({ state, account_id }: OperationRow): VerifiedOutcome | null {
  switch (state) {
    case 'verified':
    case 'contradicted':
      return state;
    case 'intended':
    case 'failed':
    case 'superseded':
      return 'notApplied';
    case 'applied':
      return account_id === null ? 'notApplied' : null;
    default:
      return state satisfies never;
  }
}

async function lookAt(
  deps: WorkerDeps,
  input: VerifyAccessInput,
  all: readonly WrittenItem[],
  outcomes: Map<string, VerifiedOutcome>,
): Promise<VerifyAccessResult | null> {
  let written = all;
  const system = await translated(() => deps.pool.open('target', input.systemId));
  const { windowMs, delayMs } = system.manifest.consistency;
  let confirmed: ReadonlySet<WrittenItem>;
  let owner: OwnersAnswers = { byItem: new Map(), silent: null };
  try {
    owner = await askOwner(deps, input, system, all);
    written = all.filter((one) => owner.silent?.items.has(one) !== true);
    const items = written.map(({ item }) => item);
    confirmed = await confirmedByReads(system, written, await expectedProfiles(deps, input.personId, system, items));
    await outageVerdict.noteHealthy(deps, input.systemId);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const verdict = await outageVerdict.judge(deps, input.systemId, error);
    if (verdict === 'down' && !input.isIncidentOpen) return { kind: 'systemDown', errorCode: error.code };
    if (verdict !== 'permanent') throw toApplicationFailure(error);
    confirmed = new Set();
  }
  const nowMs = deps.now().getTime();
  const isPropagating = (one: WrittenItem): boolean =>
    !confirmed.has(one) && nowMs - one.operation.updated_at.getTime() < windowMs;
  const settled = written.filter((one) => !isPropagating(one));
  await recordReads(deps, input, settled, { confirmed, owner });
  for (const one of settled) outcomes.set(one.item.itemDigest, confirmed.has(one) ? 'verified' : 'contradicted');
  if (owner.silent !== null && owner.silent.isOverdue && !input.isIncidentOpen)
    return { kind: 'systemDown', errorCode: owner.silent.error.code };
  if (owner.silent !== null) throw toApplicationFailure(owner.silent.error);
  if (settled.length === written.length) return null;
  throw ApplicationFailure.create({
    type: 'propagating',
    message: `${input.systemId}: the change is not visible yet`,
    nextRetryDelay: Math.max(delayMs, 250),
  });
}

/** Of a manual system: what its owner said, by item, and the items about which nothing was said so far. */
interface OwnersAnswers {
  byItem: Map<WrittenItem, { by: string }>;
  silent: { items: Set<WrittenItem>; error: ConnectorError; isOverdue: boolean } | null;
}

async function askOwner(
  deps: WorkerDeps,
  { personId, n, systemId }: VerifyAccessInput,
  system: OpenSystem<'target'>,
  written: readonly WrittenItem[],
): Promise<OwnersAnswers> {
  const answers: OwnersAnswers = { byItem: new Map(), silent: null };
  if (system.connector.settleTasks === undefined) return answers;
  for (const one of written) {
    const { operation_key: operationKey, account_id: accountId } = one.operation;
    if (accountId === null) continue;
    const { action, vendorEntitlementId } = one.item;
    const subject = { operationKey, systemId, personId, n, action, vendorEntitlementId, accountId };
    const answer = await ownersAnswer(deps, system, subject, { operationKey, ...currentSignal() });
    if (answer?.state === 'answered') answers.byItem.set(one, { by: answer.by });
    if (answer?.state !== 'waiting') continue;
    const { error, isOverdue } = answer;
    const silent = (answers.silent ??= { items: new Set(), error, isOverdue: false });
    silent.items.add(one);
    silent.isOverdue ||= isOverdue;
  }
  return answers;
}

/**
 * Whatever is to be verified was reported as written. Where no such write is on record, somebody completed an activity by
 * hand. The report raises the same alert at the end: one alert for one case.
 */
async function alertUnproven(
  deps: WorkerDeps,
  { personId, n }: VerifyAccessInput,
  outcomes: readonly VerifiedOutcome[],
): Promise<void> {
  const count = outcomes.filter((outcome) => outcome === 'notApplied').length;
  if (count === 0) return;
  const caseId = `case_${personId}_${n}`;
  const text = `${count} changes of ${caseId} were claimed as written and never were. They are not reported as done.`;
  await raiseAlert(deps.db, { alertKey: `unproven/${caseId}`, kind: 'unprovenClaim', personId, text }, deps.now());
}

/** One transaction for all that one look settled, the evidence last, and one calm line for each outcome. */
async function recordReads(
  deps: WorkerDeps,
  input: VerifyAccessInput,
  settled: readonly WrittenItem[],
  { confirmed, owner }: { confirmed: ReadonlySet<WrittenItem>; owner: OwnersAnswers },
): Promise<void> {
  if (settled.length === 0) return;
  const now = deps.now();
  const stateOf = (one: WrittenItem): 'verified' | 'contradicted' => (confirmed.has(one) ? 'verified' : 'contradicted');
  await deps.db.transaction().execute(async (tx) => {
    const changes = settled.map((one) => {
      const { item, operation } = one;
      const key = { ...input, itemDigest: item.itemDigest, operationKey: operation.operation_key };
      return { key, patch: { state: stateOf(one) } };
    });
    await saveOperations(tx, changes, now);
    await rememberVerified(tx, input, [...confirmed], now);
    const { personId, n, systemId, round } = input;
    for (const [kind, group] of Map.groupBy(settled, stateOf)) {
      const items = group.map(({ item }) => ({
        label: item.entitlementId ?? item.vendorEntitlementId ?? item.systemId,
        action: item.action,
      }));
      await tellStory(tx, { at: now, personId, n, kind, data: { systemId, round, items } });
    }
    const records = settled.map((one) => readRecord(input, one, stateOf(one), owner.byItem.get(one) ?? null));
    await appendEvidence(tx, deps.vault, records, now);
  });
}

function readRecord(
  input: VerifyAccessInput,
  { item, operation }: WrittenItem,
  state: 'verified' | 'contradicted',
  owner: { by: string } | null,
): EvidenceInput {
  const { itemDigest, action, entitlementId, vendorEntitlementId } = item;
  return {
    operationKey: operation.operation_key,
    kind: owner === null ? state : ownersKind[state],
    personId: input.personId,
    caseId: `case_${input.personId}_${input.n}`,
    body: {
      systemId: input.systemId,
      itemDigest,
      action,
      entitlementId,
      vendorEntitlementId,
      accountId: operation.account_id,
      round: input.round,
      ...(owner === null ? {} : { confirmedBy: owner.by }),
    },
    values: null,
  };
}

/** Where people work by hand nothing can be read: the evidence says whose word it is. */
const ownersKind = { verified: 'confirmed', contradicted: 'denied' } as const;
