/** Changes the attributes of an account that an item names, to what the latest snapshot says at the moment of the write. */
import { ApplicationFailure } from '@temporalio/activity';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { attributesBehind } from '../domain/update-definition.ts';
import type { Item } from '../schemas/item.ts';
import type { OwnedAttribute } from '../schemas/owned-attribute.ts';
import type { Snapshot } from '../schemas/facts.ts';
import { latestSnapshot } from '../store/people.ts';
import { sha256Hex } from '../store/sha256.ts';
import { currentSignal } from './failures.ts';
import { wantedProfile } from './wanted-profile.ts';
import type { WorkerDeps } from './worker-deps.ts';
import type { WriteInput, Written } from './write-item.ts';

/** Throws ConnectorError, what `assertPermitted` throws, or a retryable failure where the facts changed meanwhile. */
export async function writeUpdate(deps: WorkerDeps, input: WriteInput): Promise<Written> {
  const { system, item, subject, keys } = input;
  const { connector } = system;
  const operation = 'updateProfile';
  const fail = (code: 'validation' | 'conflict', message: string): ConnectorError =>
    new ConnectorError(code, message, { systemId: subject.systemId, operation });
  const call = { operationKey: subject.operationKey, ...currentSignal() };
  const { accountId } = item;
  if (accountId === null) throw fail('validation', 'an update names its account');
  const { snapshot, attributes } = await currentTerms(deps, input);
  const shown = await connector.readProfile(accountId, call);
  if (!shown)
    throw new ConnectorError('notFound', 'the account does not exist', { systemId: subject.systemId, operation });
  const own = [keys.personId, ...keys.sourceKeys];
  const isOurs =
    shown.accountId === keys.accountId || (shown.correlationKey !== null && own.includes(shown.correlationKey));
  if (!isOurs) throw fail('conflict', 'the account does not carry a key of this person');
  const values = await wantedProfile(deps, system, snapshot, attributes, call);
  await input.assertPermitted();
  const { outcome, receipt } = await connector.updateProfile(accountId, values, call);
  deps.crashPoint('afterWriteSent');
  return { outcome, accountId, requestId: receipt.requestId };
}

/** The permission is about one snapshot: a newer one ends it, and the next attempt asks the issuer again, which then refuses. */
async function currentTerms(
  deps: WorkerDeps,
  { item, subject, system }: WriteInput,
): Promise<{ snapshot: Snapshot; attributes: OwnedAttribute[] }> {
  const snapshot = await latestSnapshot(deps.db, deps, subject.personId);
  const attributes = snapshot && attributesOf(item, snapshot.snapshotId, system.system.attributes ?? []);
  if (!snapshot || !attributes) {
    throw ApplicationFailure.create({ type: 'authorisationExpired', message: 'newer facts came after the permission' });
  }
  return { snapshot, attributes };
}

function attributesOf(item: Item, snapshotId: string, among: readonly OwnedAttribute[]): OwnedAttribute[] | null {
  return attributesBehind(item.definitionHash, { systemId: item.systemId, snapshotId, among }, sha256Hex);
}
