/**
 * Reads back what was written: a new request by id, after the write, never the write's own answer. Only what this read
 * confirms is reported as held, removed or disabled.
 */
import { ApplicationFailure } from '@temporalio/activity';
import type { CallContext } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import type { Item } from '../schemas/item.ts';
import { raiseAlert } from '../store/alerts.ts';
import { operationKeyOf, operationsOf, saveOperation, type OperationRow } from '../store/operations.ts';
import { tellStory } from '../store/story.ts';
import { currentSignal, toApplicationFailure, translated } from './failures.ts';
import { outageVerdict } from './outage.ts';
import { proposedItemsOf } from './proposed-items.ts';
import { rememberVerified } from './remember-verified.ts';
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
  const told: Told = { verified: [], contradicted: [] };
  try {
    return await verifyAll(deps, input, told);
  } finally {
    // Even when a later item has to wait: what is verified already is not looked at again.
    await tellOutcomes(deps, input, told);
  }
}

async function verifyAll(deps: WorkerDeps, input: VerifyAccessInput, told: Told): Promise<VerifyAccessResult> {
  const keyOf = (itemDigest: string): string => operationKeyOf({ ...input, itemDigest });
  const operations = await operationsOf(deps.db, input.itemDigests.map(keyOf));
  const items = await proposedItemsOf(deps.db, input.personId, input.n);
  const system = await translated(() => deps.pool.open('target', input.systemId));
  const outcomes: { itemDigest: string; outcome: VerifiedOutcome }[] = [];
  for (const itemDigest of input.itemDigests) {
    const operation = operations.get(keyOf(itemDigest));
    const item = items.get(itemDigest);
    if (!operation || !item || operation.account_id === null) {
      outcomes.push({ itemDigest, outcome: 'notApplied' });
      continue;
    }
    try {
      outcomes.push({ itemDigest, outcome: await verifyOne(deps, input, system, operation, item, told) });
      await outageVerdict.noteHealthy(deps, input.systemId);
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      const verdict = await outageVerdict.judge(deps, input.systemId, error);
      if (verdict === 'down' && !input.isIncidentOpen) return { kind: 'systemDown', errorCode: error.code };
      if (verdict !== 'permanent') throw toApplicationFailure(error);
      outcomes.push({ itemDigest, outcome: 'contradicted' });
    }
  }
  await alertUnproven(deps, input, outcomes);
  return { kind: 'done', outcomes };
}

/**
 * Whatever is to be verified was reported as written. Where no such write is on record, somebody completed an activity by
 * hand. The report raises the same alert at the end: one alert for one case.
 */
async function alertUnproven(
  deps: WorkerDeps,
  { personId, n }: VerifyAccessInput,
  outcomes: readonly { outcome: VerifiedOutcome }[],
): Promise<void> {
  const count = outcomes.filter(({ outcome }) => outcome === 'notApplied').length;
  if (count === 0) return;
  const caseId = `case_${personId}_${n}`;
  const text = `${count} changes of ${caseId} were claimed as written and never were. They are not reported as done.`;
  await raiseAlert(deps.db, { alertKey: `unproven/${caseId}`, kind: 'unprovenClaim', personId, text }, deps.now());
}

/** Labels of what this call found out, for one calm line instead of one for each item. */
interface Told {
  verified: { label: string; action: string }[];
  contradicted: { label: string; action: string }[];
}

async function tellOutcomes(deps: WorkerDeps, input: VerifyAccessInput, told: Told): Promise<void> {
  const { personId, n, systemId, round } = input;
  for (const kind of ['verified', 'contradicted'] as const) {
    if (told[kind].length === 0) continue;
    const data = { systemId, round, items: told[kind] };
    await tellStory(deps.db, { at: deps.now(), personId, n, kind, data });
  }
}

async function verifyOne(
  deps: WorkerDeps,
  input: VerifyAccessInput,
  system: OpenSystem<'target'>,
  operation: OperationRow,
  item: Item,
  told: Told,
): Promise<VerifiedOutcome> {
  switch (operation.state) {
    case 'verified':
      return 'verified';
    case 'contradicted':
      return 'contradicted';
    case 'intended':
    case 'failed':
    case 'superseded':
      return 'notApplied';
    case 'applied':
      break;
    default:
      return operation.state satisfies never;
  }
  const isSatisfied = await agreeingReads(system, operation, item);
  if (!isSatisfied) {
    const { windowMs, delayMs } = system.manifest.consistency;
    const sinceWriteMs = deps.now().getTime() - operation.updated_at.getTime();
    if (sinceWriteMs < windowMs) {
      throw ApplicationFailure.create({
        type: 'propagating',
        message: `${input.systemId}: the change is not visible yet`,
        nextRetryDelay: Math.max(delayMs, 250),
      });
    }
  }
  await record(deps, input, operation, item, isSatisfied);
  const label = item.entitlementId ?? item.vendorEntitlementId ?? item.systemId;
  told[isSatisfied ? 'verified' : 'contradicted'].push({ label, action: item.action });
  return isSatisfied ? 'verified' : 'contradicted';
}

/** So many consecutive reads must agree as the vendor's replicas need. */
async function agreeingReads(system: OpenSystem<'target'>, operation: OperationRow, item: Item): Promise<boolean> {
  const { reads, delayMs } = system.manifest.consistency;
  for (let read = 0; read < reads; read += 1) {
    if (read > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(delayMs, 5_000)));
    if (!(await readOnce(system, operation, item))) return false;
  }
  return true;
}

async function readOnce({ connector }: OpenSystem<'target'>, operation: OperationRow, item: Item): Promise<boolean> {
  const accountId = operation.account_id;
  if (accountId === null) return false;
  const call: CallContext = { operationKey: operation.operation_key, ...currentSignal() };
  const account = await connector.getAccount(accountId, call);
  const { action } = item;
  switch (action) {
    case 'grant':
      if (!account?.canLogIn) return false;
      return (await connector.listAccountEntitlements(accountId, call)).includes(item.vendorEntitlementId ?? '');
    case 'revoke':
      if (!account) return true;
      return !(await connector.listAccountEntitlements(accountId, call)).includes(item.vendorEntitlementId ?? '');
    case 'disable':
      return !account?.canLogIn;
    case 'assignProfile':
      return false;
    default:
      return action satisfies never;
  }
}

async function record(
  deps: WorkerDeps,
  input: VerifyAccessInput,
  operation: OperationRow,
  item: Item,
  isSatisfied: boolean,
): Promise<void> {
  const now = deps.now();
  const state = isSatisfied ? 'verified' : 'contradicted';
  const caseId = `case_${input.personId}_${input.n}`;
  await deps.db.transaction().execute(async (tx) => {
    const key = { ...input, itemDigest: item.itemDigest, operationKey: operation.operation_key };
    await saveOperation(tx, key, { state }, now);
    if (isSatisfied) await rememberVerified(tx, input, operation, item, now);
    await appendEvidence(
      tx,
      deps.vault,
      [
        {
          operationKey: operation.operation_key,
          kind: state,
          personId: input.personId,
          caseId,
          body: {
            systemId: input.systemId,
            itemDigest: item.itemDigest,
            action: item.action,
            entitlementId: item.entitlementId,
            vendorEntitlementId: item.vendorEntitlementId,
            accountId: operation.account_id,
            round: input.round,
          },
          values: null,
        },
      ],
      now,
    );
  });
}
