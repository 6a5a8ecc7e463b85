/** What a target system holds now, read by the worker on the server's question, and whose the accounts are. */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { connectorById } from '../connectors/registry.ts';
import { correlateAccounts, type CorrelatedAccounts } from '../domain/correlate-accounts.ts';
import { AppError } from '../domain/errors.ts';
import type { SystemPolicy } from '../schemas/policy.ts';
import { InventoryEnd, type ListedAccounts } from '../schemas/system-accounts.ts';
import type { Db, Tx } from '../store/db.ts';
import { foundAccounts } from '../store/found-rows.ts';
import { askInventory, type InventoryReading } from '../store/inventory-readings.ts';
import type { PolicyVersion } from '../store/policies.ts';
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

/** How far a reading is. */
export interface ReadingProgress {
  part: 'entitlements' | 'accounts' | 'assignments';
  entitlements: number;
  accounts: number;
  /** Whose rights were read. */
  accountsRead: number;
}

export interface ReadingState {
  state: 'reading';
  requestId: string;
  /** Null until the worker took it up. */
  progress: ReadingProgress | null;
}

export type InventoryAnswer = ReadingState | { state: 'read'; requestId: string; accounts: ListedAccounts };

export interface InventoryQuestion {
  systemId: string;
  /** Waits on for this reading; null begins one. */
  requestId: string | null;
  /** A reading that is under way, or broke off within the hour, will do as well. */
  joins?: boolean;
  answerWithinMs?: number;
}

/**
 * Asks for a reading that begins after the call, or waits on for the one of `requestId`. `reading` after a while: ask
 * again. Throws AppError: notFound for a request that is not about this system; unavailable when the system failed.
 */
export async function readInventory(deps: ServerDeps, question: InventoryQuestion): Promise<InventoryAnswer> {
  const { systemId, joins = false, answerWithinMs = ANSWER_WITHIN_MS } = question;
  const id = question.requestId ?? (await askInventory(deps.db, { systemId, joins }, deps.now()));
  const until = performance.now() + answerWithinMs;
  for (;;) {
    const row = await deps.db
      .selectFrom('system_request as q')
      .leftJoin('inventory_reading as r', 'r.request_id', 'q.request_id')
      .select(['q.done_at', 'q.result', 'r.part', 'r.entitlements', 'r.accounts', 'r.accounts_read'])
      .where('q.request_id', '=', id)
      .where('q.system_id', '=', systemId)
      .where('q.kind', '=', 'inventory')
      .executeTakeFirst();
    if (!row) throw new AppError('notFound', 'No such reading: begin again without requestId.', 'requestId');
    if (row.done_at !== null) {
      assertRead(row.result);
      return { state: 'read', requestId: id, accounts: await foundAccounts(deps.db, systemId) };
    }
    if (performance.now() >= until) return { state: 'reading', requestId: id, progress: progressOf(row) };
    await delay(LOOK_EVERY_MS);
  }
}

type NullableCounts = { [K in 'part' | 'entitlements' | 'accounts' | 'accounts_read']: InventoryReading[K] | null };

function progressOf({ part, entitlements, accounts, accounts_read }: NullableCounts): ReadingProgress | null {
  return part === null
    ? null
    : { part, entitlements: entitlements ?? 0, accounts: accounts ?? 0, accountsRead: accounts_read ?? 0 };
}

function assertRead(result: unknown): void {
  const end = InventoryEnd.safeParse(result);
  if (!end.success) throw new AppError('unavailable', 'The worker gave an answer of an unknown shape.');
  if (end.data.outcome === 'failed')
    throw new AppError('unavailable', `The system could not be read (${end.data.error}).`);
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
