/** The parts of the diagnosis that look into the store: version, clock, migrations, what was left behind, the evidence log. */
import { sql } from 'kysely';
import { clockFinding } from '../domain/clock-finding.ts';
import type { DoctorFinding } from '../schemas/api-doctor.ts';
import { migrationNames } from '../store/migrate.ts';
import type { ServerDeps } from './server-deps.ts';

const POSTGRES_MAJOR_MIN = 15;
const WAITS_TOO_LONG_MS = 120_000;

export async function diagnoseDatabase(deps: ServerDeps): Promise<DoctorFinding[]> {
  const area = 'database';
  const beforeMs = Date.now();
  const answer = await sql<{ version: string; major: number; at: Date }>`
    select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major,
      clock_timestamp() as at`
    .execute(deps.db)
    .catch(() => null);
  const [row] = answer?.rows ?? [];
  if (!row) {
    const fix = 'Start PostgreSQL, or correct USHER_DATABASE_URL of the server.';
    return [{ area, level: 'error', text: 'The database does not answer.', fix }];
  }
  const middleMs = (beforeMs + Date.now()) / 2;
  const findings: DoctorFinding[] = [{ area, level: 'ok', text: `PostgreSQL ${row.version}.`, fix: null }];
  if (row.major < POSTGRES_MAJOR_MIN) {
    const text = `PostgreSQL ${row.version} is older than ${POSTGRES_MAJOR_MIN}, with which Usher is tested.`;
    findings.push({ area, level: 'warning', text, fix: 'Move to a newer PostgreSQL.' });
  }
  findings.push(clockFinding('the database', row.at.getTime() - middleMs), await migrationFinding(deps));
  return findings;
}

async function migrationFinding(deps: ServerDeps): Promise<DoctorFinding> {
  const area = 'database';
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(deps.db);
  const applied = new Set(rows.map(({ name }) => name));
  const missing = migrationNames.filter((name) => !applied.has(name));
  const newer = [...applied].filter((name) => !migrationNames.includes(name));
  if (missing.length > 0) {
    const fix = 'Start the server once with USHER_DATABASE_OWNER_URL, which applies them.';
    return { area, level: 'error', text: `Migrations are missing: ${missing.join(', ')}.`, fix };
  }
  if (newer.length > 0) {
    const text = `The database is of a newer version: it has ${newer.join(', ')}.`;
    return { area, level: 'error', text, fix: 'Run the version that migrated it.' };
  }
  return { area, level: 'ok', text: `All ${migrationNames.length} migrations are applied.`, fix: null };
}

/** Work that nobody has taken up: the worker is away, or cannot reach the store. */
export async function diagnoseDelivery(deps: ServerDeps): Promise<DoctorFinding[]> {
  const area = 'worker';
  const before = new Date(deps.now().getTime() - WAITS_TOO_LONG_MS);
  const count = await deps.db
    .selectFrom('delivery')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('delivered_at', 'is', null)
    .where('due_at', '<', before)
    .executeTakeFirst();
  const events = await deps.db
    .selectFrom('ledger')
    .select((eb) => eb.fn.countAll<string>().as('count'))
    .where('state', '=', 'received')
    .where('received_at', '<', before)
    .executeTakeFirst();
  const findings: DoctorFinding[] = [];
  const [late, unread] = [Number(count?.count ?? 0), Number(events?.count ?? 0)];
  if (late > 0) {
    const text = `${late} ${late === 1 ? 'thing has' : 'things have'} waited for the worker for more than two minutes.`;
    findings.push({ area, level: 'error', text, fix: 'Start the worker; its log says why it does not go on.' });
  }
  if (unread > 0) {
    const text = `${unread} ${unread === 1 ? 'event' : 'events'} of the HR system could not be read so far.`;
    findings.push({ area: 'systems', level: 'warning', text, fix: 'usher systems check' });
  }
  return findings;
}

/** Records that no checkpoint covers are promised by nobody. */
export async function diagnoseEvidence(deps: ServerDeps): Promise<DoctorFinding[]> {
  const area = 'evidence';
  const newest = await deps.db
    .selectFrom('evidence')
    .select(['seq', 'at'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  const checkpoint = await deps.db
    .selectFrom('checkpoint')
    .select((eb) => eb.fn.max('tree_size').as('size'))
    .executeTakeFirst();
  const records = newest ? Number(newest.seq) + 1 : 0;
  const covered = Number(checkpoint?.size ?? 0);
  const isLate = covered < records && deps.now().getTime() - (newest?.at.getTime() ?? 0) > WAITS_TOO_LONG_MS;
  const text = `${records} records, the first ${covered} under a signed checkpoint.`;
  if (!isLate) return [{ area, level: 'ok', text, fix: null }];
  return [{ area, level: 'error', text, fix: 'usher audit verify names what is wrong.' }];
}
