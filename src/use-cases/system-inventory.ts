/** What a target system holds now, read by the worker on the server's question, and whose the accounts are. */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { connectorById } from '../connectors/registry.ts';
import { correlateAccounts, type CorrelatedAccounts } from '../domain/correlate-accounts.ts';
import { AppError } from '../domain/errors.ts';
import type { SystemPolicy } from '../schemas/policy.ts';
import { SystemAccountsAnswer, type ListedAccounts } from '../schemas/system-accounts.ts';
import type { Db, Tx } from '../store/db.ts';
import type { PolicyVersion } from '../store/policies.ts';
import { uuidV7 } from '../store/uuid.ts';
import type { ServerDeps } from './server-deps.ts';

const ANSWER_WITHIN_MS = 40_000;
const LOOK_EVERY_MS = 200;

export interface TargetSystem {
  version: PolicyVersion;
  system: SystemPolicy;
}

/** Throws AppError: conflict without a policy; notFound for a system that it does not name as one that holds accounts. */
export async function targetSystem(deps: ServerDeps, systemId: string): Promise<TargetSystem> {
  const version = await deps.policies.active();
  if (!version) throw new AppError('conflict', 'No policy is active yet: usher policy activate');
  const system = version.policy.systems.find(({ id }) => id === systemId);
  if (!system || connectorById(system.connector)?.manifest.kind !== 'target')
    throw new AppError('notFound', `The active policy has no system ${systemId} that holds accounts.`, 'systemId');
  return { version, system };
}

export type InventoryAnswer = { state: 'reading'; requestId: string } | { state: 'read'; accounts: ListedAccounts };

/**
 * Asks for a reading that begins after the call, or waits on for the one of `requestId`. `reading` after a while: ask
 * again. Throws AppError: notFound for a request that is not about this system; unavailable when the system failed.
 */
export async function readInventory(
  deps: ServerDeps,
  systemId: string,
  requestId: string | null,
): Promise<InventoryAnswer> {
  const id = requestId ?? (await ask(deps, systemId));
  const until = performance.now() + ANSWER_WITHIN_MS;
  for (;;) {
    const row = await deps.db
      .selectFrom('system_request')
      .select(['done_at', 'result'])
      .where('request_id', '=', id)
      .where('system_id', '=', systemId)
      .where('kind', '=', 'inventory')
      .executeTakeFirst();
    if (!row) throw new AppError('notFound', 'No such reading: begin again without requestId.', 'requestId');
    if (row.done_at !== null) return { state: 'read', accounts: listed(row.result) };
    if (performance.now() >= until) return { state: 'reading', requestId: id };
    await delay(LOOK_EVERY_MS);
  }
}

async function ask(deps: ServerDeps, systemId: string): Promise<string> {
  const requestId = uuidV7(deps.now());
  const row = { request_id: requestId, kind: 'inventory' as const, system_id: systemId, requested_at: deps.now() };
  await deps.db.insertInto('system_request').values(row).execute();
  return requestId;
}

function listed(result: unknown): ListedAccounts {
  const parsed = SystemAccountsAnswer.safeParse(result);
  if (!parsed.success) throw new AppError('unavailable', 'The worker gave an answer of an unknown shape.');
  if (parsed.data.outcome === 'failed')
    throw new AppError('unavailable', `The system could not be read (${parsed.data.error}).`);
  return parsed.data.accounts;
}

/** Whose the accounts are: by what was correlated before, by person id, and by keys that HR systems know. */
export async function correlate(db: Db | Tx, systemId: string, accounts: ListedAccounts): Promise<CorrelatedAccounts> {
  const keys = [...new Set(accounts.flatMap(({ correlationKey }) => correlationKey ?? []))];
  const links = await db
    .selectFrom('identity_link as l')
    .leftJoin('import_source as i', 'i.source', 'l.source')
    .select(['l.source_key', 'l.person_id'])
    .where(sql<boolean>`l.source_key = any(${keys}::text[])`)
    // Ids of a file that are those of no HR system are numbers of somebody else's counting.
    .where((eb) => eb.or([eb('i.source', 'is', null), eb('i.keys_of', 'is not', null)]))
    .execute();
  const persons = await db
    .selectFrom('person')
    .select('person_id')
    .where(sql<boolean>`person_id::text = any(${keys}::text[])`)
    .execute();
  const known = await db
    .selectFrom('account')
    .select(['account_id', 'person_id'])
    .where('system_id', '=', systemId)
    .execute();
  const peopleByKey = new Map<string, string[]>();
  for (const { source_key: key, person_id: id } of links) peopleByKey.set(key, [...(peopleByKey.get(key) ?? []), id]);
  for (const { person_id: id } of persons) peopleByKey.set(id, [id]);
  return correlateAccounts(accounts, peopleByKey, new Map(known.map((row) => [row.account_id, row.person_id])));
}
