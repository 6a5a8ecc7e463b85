/** What an account should show of the person at one system, by the facts of one snapshot, in the form that the system stores. */
import type { CallContext } from '../connectors/kit/contract.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import type { Snapshot } from '../schemas/facts.ts';
import type { OwnedAttribute, ProfileValues } from '../schemas/owned-attribute.ts';
import { profileFromFacts } from '../domain/profile-from-facts.ts';
import { findPersonByKey } from '../store/people.ts';
import { correlationKeys } from './account-profile.ts';
import type { WorkerDeps } from './worker-deps.ts';

/**
 * Only the attributes that are asked for, and of these only what HR knows. A manager is looked for in the system itself;
 * one who has no account there, or several, is not asserted. Throws ConnectorError.
 */
export async function wantedProfile(
  deps: Pick<WorkerDeps, 'db'>,
  { system, connector }: OpenSystem<'target'>,
  snapshot: Snapshot,
  attributes: readonly OwnedAttribute[],
  call: CallContext,
): Promise<ProfileValues> {
  const needsManager = attributes.includes('manager');
  const managerAccountId = needsManager ? await findManagerAccount(deps, system.id, connector, snapshot, call) : null;
  const known = profileFromFacts(snapshot.facts, managerAccountId);
  const asked = Object.entries(known).filter(([name]) => attributes.includes(name as OwnedAttribute));
  return connector.profileAsStored(Object.fromEntries(asked) as ProfileValues);
}

async function findManagerAccount(
  { db }: Pick<WorkerDeps, 'db'>,
  systemId: string,
  connector: OpenSystem<'target'>['connector'],
  { source, facts }: Snapshot,
  call: CallContext,
): Promise<string | null> {
  if (facts.managerKey === null) return null;
  const manager = await findPersonByKey(db, source, facts.managerKey);
  const keys = manager
    ? await correlationKeys(db, manager.person_id, systemId)
    : { accountId: null, personId: facts.managerKey, sourceKeys: [facts.managerKey] };
  const found = await connector.findAccount(keys, call);
  return found.outcome === 'found' ? found.account.accountId : null;
}
