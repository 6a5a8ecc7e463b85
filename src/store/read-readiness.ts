/** What of the store must be right before a process can work: it answers, has the newest schema, an active policy, no stuck event. */
import { sql } from 'kysely';
import type { ReadinessPart } from '../observe/readiness.ts';
import type { Db } from './db.ts';
import { migrationNames } from './migrate.ts';

/** An acknowledged event that is not derived for so long means that derivation is stuck. */
const STUCK_AFTER_MS = 5 * 60_000;

export function storeParts(db: Db, now: () => Date): ReadinessPart[] {
  return [
    {
      name: 'database',
      otherwise: 'the database does not answer',
      look: async () => {
        await sql`select 1`.execute(db);
        return null;
      },
    },
    { name: 'migrations', otherwise: 'the schema cannot be read', look: () => schemaFinding(db) },
    {
      name: 'policy',
      otherwise: 'the active policy cannot be read',
      look: async () => {
        const row = await db
          .selectFrom('policy_version')
          .select('policy_hash')
          .where('is_active', '=', true)
          .executeTakeFirst();
        return row ? null : 'no policy is active: run "usher policy activate"';
      },
    },
    { name: 'derivation', otherwise: 'the ledger cannot be read', look: () => derivationFinding(db, now()) },
  ];
}

async function schemaFinding(db: Db): Promise<string | null> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  const applied = new Set(rows.map(({ name }) => name));
  if (migrationNames.some((name) => !applied.has(name))) return 'the database has an older schema than this program';
  return [...applied].some((name) => !migrationNames.includes(name))
    ? 'the database has a newer schema than this program'
    : null;
}

async function derivationFinding(db: Db, now: Date): Promise<string | null> {
  const stuck = await db
    .selectFrom('ledger')
    .select('event_id')
    .where('state', '=', 'received')
    // What was tried and failed is the HR system's trouble, and an incident.
    .where('attempts', '=', 0)
    .where('received_at', '<', new Date(now.getTime() - STUCK_AFTER_MS))
    .limit(1)
    .executeTakeFirst();
  return stuck ? 'an event of the HR system has not been derived for more than five minutes' : null;
}
