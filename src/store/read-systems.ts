/** Systems of the active policy with their health, and the accounts that they themselves say they hold. */
import type { Policy } from '../schemas/policy.ts';
import type { Db } from './db.ts';
import { readNames, type SnapshotKeys } from './read-names.ts';

export interface SystemView {
  systemId: string;
  displayName: string;
  connector: string;
  authenticates: boolean;
  owner: string;
  failingSince: string | null;
  lastErrorCode: string | null;
  lastSuccessAt: string | null;
  openIncidents: number;
}

/** In the order of the policy. */
export async function listSystems(db: Db, policy: Policy | null): Promise<SystemView[]> {
  if (!policy) return [];
  const health = new Map(
    (await db.selectFrom('system_health').selectAll().execute()).map((row) => [row.system_id, row]),
  );
  const open = await db.selectFrom('incident').select('system_id').where('state', '=', 'open').execute();
  return policy.systems.map((system) => {
    const row = health.get(system.id);
    return {
      systemId: system.id,
      displayName: system.displayName,
      connector: system.connector,
      authenticates: system.authenticates,
      owner: system.owner,
      failingSince: row?.failing_since?.toISOString() ?? null,
      lastErrorCode: row?.failing_since ? row.last_error_code : null,
      lastSuccessAt: row?.last_success_at?.toISOString() ?? null,
      openIncidents: open.filter((incident) => incident.system_id === system.id).length,
    };
  });
}

/** Correlation key (a person id or an HRIS key) to the name of the person; keys of nobody are left out. */
export async function namesByCorrelationKey(
  db: Db,
  keys: SnapshotKeys,
  correlationKeys: string[],
): Promise<Map<string, string>> {
  const wanted = [...new Set(correlationKeys)];
  if (wanted.length === 0) return new Map();
  const isId = /^[0-9a-f-]{36}$/;
  const links = await db
    .selectFrom('identity_link')
    .select(['source_key', 'person_id'])
    .where('source_key', 'in', wanted)
    .orderBy('valid_from')
    .execute();
  const persons = new Map<string, string>([
    ...wanted.filter((key) => isId.test(key)).map((key) => [key, key] as const),
    ...links.map((link) => [link.source_key, link.person_id] as const),
  ]);
  const nameOf = await readNames(db, keys, persons.values());
  return new Map([...persons].map(([key, personId]) => [key, nameOf(personId)]));
}
