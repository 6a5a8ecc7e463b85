/**
 * Addresses of people for whom HR has none. Policy's pattern makes candidates at the identity provider, whose refusal of
 * a taken one leads to the next; every other system uses the address that the identity provider has.
 */
import type { CallContext, EnsureAccountResult } from '../connectors/kit/contract.ts';
import { ConnectorError } from '../connectors/kit/errors.ts';
import { emailCandidates } from '../domain/propose-email.ts';
import type { OpenSystem } from '../policy/connector-pool.ts';
import type { Snapshot } from '../schemas/facts.ts';
import { latestSnapshot } from '../store/people.ts';
import { currentSignal, translated } from './failures.ts';
import type { WorkerDeps } from './worker-deps.ts';

/**
 * The addresses to try in this order: HR's, else what policy proposes. Throws `precondition` where there is none: an
 * address is never guessed without a rule.
 */
export async function addressesFor(
  deps: WorkerDeps,
  { system }: OpenSystem<'target'>,
  { personId, facts }: Snapshot,
  call: CallContext,
): Promise<string[]> {
  if (facts.workEmail !== null) return [facts.workEmail];
  const fail = (message: string): ConnectorError =>
    new ConnectorError('precondition', message, { systemId: system.id, operation: 'ensureAccount' });
  const version = await deps.policies.active();
  const provider = version?.policy.systems.find((entry) => entry.emailPattern !== undefined);
  if (provider?.emailPattern === undefined) throw fail('the HR system holds no work e-mail for this person');
  if (provider.id === system.id) {
    const candidates = emailCandidates(provider.emailPattern, facts);
    if (candidates.length === 0) throw fail('no address can be made of this name; HR has to enter one');
    return candidates;
  }
  const address = await addressAt(deps, provider.id, personId, call);
  if (address === null) throw fail(`the address is made at ${provider.id}, where the person has no account yet`);
  return [address];
}

/** Goes down the list while the vendor says that somebody else has the address. The last refusal stands. */
export async function withFreeAddress(
  addresses: readonly string[],
  ensure: (address: string) => Promise<EnsureAccountResult>,
): Promise<EnsureAccountResult> {
  for (const address of addresses.slice(0, -1)) {
    try {
      return await ensure(address);
    } catch (error) {
      if (!(error instanceof ConnectorError && error.code === 'conflict')) throw error;
    }
  }
  return ensure(addresses.at(-1) ?? '');
}

/**
 * Tells the server the address that a verified account at the identity provider has, where HR has none and policy wants
 * it written back. The server checks it and carries it on. Idempotent; throws a retryable failure while it is away.
 */
export async function reportWorkEmail(
  deps: WorkerDeps,
  { personId, n, systemId }: { personId: string; n: number; systemId: string },
): Promise<void> {
  const systems = (await deps.policies.active())?.policy.systems ?? [];
  if (systems.find(({ id }) => id === systemId)?.emailPattern === undefined) return;
  const snapshot = await latestSnapshot(deps.db, deps, personId);
  if (!snapshot || snapshot.facts.workEmail !== null) return;
  if (!systems.find(({ id }) => id === snapshot.source)?.writeBack?.includes('workEmail')) return;
  const call = { operationKey: `${personId}/${n}/workEmail`, ...currentSignal() };
  const created = await accountAt(deps, systemId, personId, 'created');
  if (created === null) return;
  await translated(async () => {
    const address = await addressAt(deps, systemId, personId, call);
    if (address === null) return;
    await deps.server.reportWorkEmail({ personId, caseN: n, systemId, workEmail: address, login: address });
  });
}

async function addressAt(
  deps: WorkerDeps,
  systemId: string,
  personId: string,
  call: CallContext,
): Promise<string | null> {
  const account = await accountAt(deps, systemId, personId);
  if (account === null) return null;
  const { connector } = await deps.pool.open('target', systemId);
  const profile = await connector.readProfile(account, call);
  return profile?.values.email ?? profile?.values.login ?? null;
}

async function accountAt(
  { db }: WorkerDeps,
  systemId: string,
  personId: string,
  origin?: 'created',
): Promise<string | null> {
  let query = db.selectFrom('account').select('account_id').where('person_id', '=', personId);
  query = query.where('system_id', '=', systemId);
  if (origin !== undefined) query = query.where('origin', '=', origin);
  const rows = await query.execute();
  return rows.length === 1 ? (rows[0]?.account_id ?? null) : null;
}
