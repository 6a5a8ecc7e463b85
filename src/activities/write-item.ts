/** One item at one system, by the contract's state-asserting calls; the permission is checked before each of them. */
import type { CallContext, CorrelationKeys, VendorReceipt } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import type { Item } from '../schemas/item.ts';
import { latestSnapshot } from '../store/people.ts';
import { accountProfile } from './account-profile.ts';
import { currentSignal } from './failures.ts';
import { noteAccount, noteFoundGrants, type WriteSubject } from './operation-evidence.ts';
import { addressesFor, withFreeAddress } from './work-email.ts';
import type { WorkerDeps } from './worker-deps.ts';
import { writeUpdate } from './write-update.ts';

export interface WriteInput {
  system: OpenSystem<'target'>;
  item: Item;
  subject: WriteSubject;
  keys: CorrelationKeys;
  session: WriteSession;
  assertPermitted: () => Promise<void>;
}

/** What the items of one call share: their account is found or made once. */
export interface WriteSession {
  accountId: string | null;
  /** The system took a write of this call. */
  isHealthy: boolean;
}

export interface Written {
  outcome: string;
  accountId: string | null;
  requestId: string | null;
}

/** Throws ConnectorError, or what `assertPermitted` throws. */
export async function writeItem(deps: WorkerDeps, input: WriteInput): Promise<Written> {
  const { action } = input.item;
  switch (action) {
    case 'grant':
      return writeGrant(deps, input);
    case 'revoke':
    case 'disable':
      return writeRemoval(deps, input);
    case 'update':
      return writeUpdate(deps, input);
    case 'assignProfile':
      // A choice of the manager: it changes no system, and no case sends it here.
      throw new ConnectorError('unsupported', 'a choice of profiles is not written', {
        systemId: input.subject.systemId,
        operation: 'writeItem',
      });
    default:
      return action satisfies never;
  }
}

async function writeGrant(deps: WorkerDeps, input: WriteInput): Promise<Written> {
  const { system, item, subject, session } = input;
  const { connector } = system;
  const call: CallContext = { operationKey: subject.operationKey, ...currentSignal() };
  if (item.vendorEntitlementId === null) {
    throw new ConnectorError('validation', 'a grant names its entitlement', {
      systemId: subject.systemId,
      operation: 'writeItem',
    });
  }
  const accountId = session.accountId ?? (await ensureAccount(deps, input, call));
  session.accountId = accountId;
  await input.assertPermitted();
  const result = await connector.ensureEntitlement(accountId, item.vendorEntitlementId, 'present', call);
  deps.crashPoint('afterWriteSent');
  return written(result.outcome, accountId, result.receipt);
}

/** Finds, makes or adopts the account; what an adopted one held already is recorded as found. Answers its id. */
async function ensureAccount(deps: WorkerDeps, input: WriteInput, call: CallContext): Promise<string> {
  const { system, subject, keys } = input;
  const snapshot = await latestSnapshot(deps.db, deps, subject.personId);
  if (!snapshot) {
    throw new ConnectorError('precondition', 'the person was erased', {
      systemId: subject.systemId,
      operation: 'writeItem',
    });
  }
  const addresses = await addressesFor(deps, system, snapshot, call);
  const ensured = await withFreeAddress(addresses, async (address) => {
    await input.assertPermitted();
    return system.connector.ensureAccount(keys, accountProfile(snapshot.facts, address), call);
  });
  const { accountId } = ensured.account;
  const origin = ensured.outcome === 'created' ? 'created' : 'adopted';
  // Read before the account is remembered: an attempt that fails in between must not make what it held look like nothing.
  const held = origin === 'adopted' ? await system.connector.listAccountEntitlements(accountId, call) : [];
  const { isNew } = await noteAccount(deps, subject, ensured.account, origin);
  if (isNew) await noteFoundGrants(deps, subject, held);
  return accountId;
}

async function writeRemoval(deps: WorkerDeps, input: WriteInput): Promise<Written> {
  const { system, item, subject, keys } = input;
  const { connector } = system;
  const call: CallContext = { operationKey: subject.operationKey, ...currentSignal() };
  if (item.accountId === null) {
    throw new ConnectorError('validation', 'a removal names its account', {
      systemId: subject.systemId,
      operation: 'writeItem',
    });
  }
  const account = await connector.getAccount(item.accountId, call);
  // Whoever is gone holds nothing: the state that was asked for.
  if (!account) return { outcome: 'unchanged', accountId: item.accountId, requestId: null };
  const own = [keys.personId, ...keys.sourceKeys];
  const isOurs =
    account.accountId === keys.accountId || (account.correlationKey !== null && own.includes(account.correlationKey));
  if (!isOurs) {
    throw new ConnectorError('conflict', 'the account does not carry a key of this person', {
      systemId: subject.systemId,
      operation: 'writeItem',
    });
  }
  await input.assertPermitted();
  const result =
    item.action === 'disable'
      ? await connector.setLogin(item.accountId, 'disabled', call)
      : await connector.ensureEntitlement(item.accountId, item.vendorEntitlementId ?? '', 'absent', call);
  deps.crashPoint('afterWriteSent');
  if (item.action === 'disable' && system.manifest.capabilities.sessionRevocation !== 'none') {
    await connector.revokeSessions(item.accountId, call);
  }
  return written(result.outcome, item.accountId, result.receipt);
}

function written(outcome: string, accountId: string, receipt: VendorReceipt): Written {
  return { outcome, accountId, requestId: receipt.requestId };
}
