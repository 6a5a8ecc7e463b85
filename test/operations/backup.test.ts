/**
 * A backup that is taken while the first morning runs becomes a new installation: cases go on where they stood, the evidence is
 * sound, and whoever was erased after the backup is erased again. Real processes throughout.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { collectKeys, writeKeysFile } from '../../scripts/stack/backup/keys-file.ts';
import { restoreBackup } from '../../scripts/stack/backup/restore-backup.ts';
import { takeBackup } from '../../scripts/stack/backup/take-backup.ts';
import { startCompany, type Company } from '../../scripts/stack/company.ts';
import { readObject } from '../../scripts/stack/data-folder.ts';
import { morningJoiners, morningLeaverIds } from '../../sandbox/morning.ts';
import { beginMorning } from '../../scripts/stack/sandbox-addresses.ts';
import { createToken } from '../../src/auth/tokens.ts';
import { verifyLog } from '../../src/evidence/verify.ts';
import { openDb, type Db } from '../../src/store/db.ts';
import { openPersonVault } from '../../src/store/person-vault.ts';
import { openVerifier } from '../../src/store/signing-key.ts';
import { eventually } from '../support/world.ts';

const silent = (): void => undefined;
const env = { PATH: process.env['PATH'] };
let dir: string;
let companies: Company[] = [];

const at = (name: string): string => join(dir, name);

async function start(name: string): Promise<{ company: Company; db: Db }> {
  const company = await startCompany({ dataDir: at(name), say: silent, env, hasRandomPorts: true });
  companies.push(company);
  return { company, db: openDb(company.database.ownerUrl, 4) };
}

async function call(company: Company, db: Db, path: string, scopes: never[], personId: string, body: unknown) {
  const now = new Date();
  const expiresAt = new Date(now.getTime() + 3_600_000);
  const { token } = await createToken(db, { personId, label: 'test', scopes, expiresAt, now });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return fetch(`${company.serverUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

const verify = (company: Company, db: Db) =>
  verifyLog({
    db,
    keysDir: company.folder.keys,
    verifier: openVerifier(company.folder.keys),
    now: () => new Date(),
  });

const counts = async (db: Db): Promise<Record<string, number>> => {
  const tables = ['person', 'usher_case', 'decision', 'evidence', 'person_grant', 'snapshot'] as const;
  const rows = await Promise.all(
    tables.map(async (table) => {
      const { count } = await db
        .selectFrom(table)
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .executeTakeFirstOrThrow();
      return [table, Number(count)] as const;
    }),
  );
  return Object.fromEntries(rows);
};

/** What HR announces late would become people after the restore only, and the counts would differ. */
const isMorningKnown = async (db: Db): Promise<boolean> => {
  const underived = await db.selectFrom('ledger').select('event_id').where('state', '=', 'received').execute();
  const cases = await db.selectFrom('usher_case').select('case_id').execute();
  return underived.length === 0 && cases.length >= morningJoiners.length + morningLeaverIds.length;
};

const backup = { data: '', keys: '', newerKeys: '' };
let erasedLater: string;
let openAtBackup: string[];
let rowsAtBackup: Record<string, number>;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'usher-backup-'));
  chmodSync(dir, 0o711);
  [backup.data, backup.keys, backup.newerKeys] = [at('monday'), at('monday.keys'), at('tuesday.keys')];
  const { company, db } = await start('first');
  try {
    await beginMorning(company.sandbox);
    await eventually(
      async () =>
        (await db.selectFrom('approval').select('approval_id').where('state', '=', 'open').execute()).length > 1,
      'people are asked',
      90_000,
    );
    await eventually(() => isMorningKnown(db), 'everybody whom HR announced is known', 90_000);
    await takeBackup({ folder: company.folder, target: backup.data, keysFile: backup.keys, env, say: silent });
    const open = await db.selectFrom('usher_case').select('case_id').where('closed_at', 'is', null).execute();
    openAtBackup = open.map((row) => row.case_id);
    // Someone who was there before Usher: no case of theirs runs.
    const person = await db
      .selectFrom('person')
      .select('person_id')
      .where('last_n', '=', 1)
      .where((eb) =>
        eb.not(
          eb.exists(eb.selectFrom('usher_case').select('n').whereRef('usher_case.person_id', '=', 'person.person_id')),
        ),
      )
      .orderBy('person_id', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow();
    erasedLater = person.person_id;
    const by = await db.selectFrom('person').select('person_id').orderBy('person_id').executeTakeFirstOrThrow();
    const path = `/api/v1/persons/${erasedLater}/erase`;
    const answer = await call(company, db, path, ['erase'] as never[], by.person_id, { reason: 'requested' });
    if (answer.status !== 200) throw new Error(`not erased: ${answer.status} ${await answer.text()}`);
    rowsAtBackup = Object.fromEntries(
      (
        await import('../../scripts/stack/backup/manifest.ts').then(({ readVerified }) => readVerified(backup.data))
      ).database.tables.map(({ table, rows }) => [table, rows]),
    );
    // A checkpoint above the erasure, so that the newer keys know of records that the backup lacks.
    await eventually(async () => {
      const { treeSize, checkpointedSize } = await verify(company, db);
      return checkpointedSize === treeSize || checkpointedSize > (rowsAtBackup['evidence'] ?? 0);
    }, 'a checkpoint after the backup');
    writeKeysFile(backup.newerKeys, collectKeys(company.folder.dir, new Date()));
  } finally {
    await db.destroy();
    await company.stop();
  }
}, 240_000);
afterAll(async () => {
  for (const company of companies) await company.stop();
  companies = [];
  for (const name of ['first', 'second']) {
    const { homeDir } = readObject(join(at(name), 'database-location.json'));
    if (typeof homeDir === 'string') rmSync(homeDir, { recursive: true, force: true });
  }
  rmSync(dir, { recursive: true, force: true });
});

describe('a restore is refused, and leaves nothing behind,', () => {
  const restore = (source: string, keysFile: string, name = 'refused') =>
    restoreBackup({ source, keysFile, dataDir: at(name), reason: null, env, say: silent });

  async function refused(source: string, keysFile: string, because: RegExp): Promise<void> {
    await expect(restore(source, keysFile)).rejects.toThrow(because);
    expect(existsSync(at('refused'))).toBe(false);
  }

  const copyWith = (name: string, change: (copy: string) => void): string => {
    cpSync(backup.data, at(name), { recursive: true });
    change(at(name));
    return at(name);
  };

  test('when a file was changed, is missing, or was added', async () => {
    const changed = copyWith('changed', (copy) => appendFileSync(join(copy, 'database', 'person.jsonl.gz'), 'x'));
    await refused(changed, backup.keys, /person\.jsonl\.gz is not what the manifest says/);
    const missing = copyWith('missing', (copy) => rmSync(join(copy, 'temporal.db')));
    await refused(missing, backup.keys, /temporal\.db is missing/);
    const more = copyWith('more', (copy) => writeFileSync(join(copy, 'data', 'stranger'), ''));
    await refused(more, backup.keys, /stranger does not belong/);
  });

  test('when it is no backup, or one of a schema that is not known', async () => {
    mkdirSync(at('nothing'));
    await refused(at('nothing'), backup.keys, /is not a backup/);
    const future = copyWith('future', (copy) => {
      const manifest = readObject(join(copy, 'manifest.json')) as { database: { migrations: string[] } };
      manifest.database.migrations.push('9999-from-the-future');
      writeFileSync(join(copy, 'manifest.json'), JSON.stringify(manifest));
    });
    await refused(future, backup.keys, /9999-from-the-future/);
  });

  test('with keys of another installation, older keys, or no keys', async () => {
    const foreign = at('foreign.keys');
    const file = { path: 'keys/public/stranger', mode: 0o600, content: '' };
    writeKeysFile(foreign, { format: 'usher-keys/1', takenAt: new Date().toISOString(), files: [file] });
    await refused(backup.data, foreign, /another installation/);
    const older = readObject(backup.newerKeys) as unknown as Parameters<typeof writeKeysFile>[1];
    writeKeysFile(at('older.keys'), { ...older, takenAt: '2026-01-01T00:00:00.000Z' });
    await refused(backup.data, at('older.keys'), /older than the backup/);
    await refused(backup.data, at('none.keys'), /cannot be read/);
    await refused(backup.data, join(backup.data, 'manifest.json'), /is not a file of keys/);
  });

  test('into a folder that is not empty', async () => {
    mkdirSync(at('full'));
    writeFileSync(join(at('full'), 'something'), '');
    await expect(restore(backup.data, backup.keys, 'full')).rejects.toThrow(/is not empty/);
  });
});

describe('the data of a backup', () => {
  test('hold no key and no credential', () => {
    for (const path of ['keys', 'server-keys', 'secrets', 'profiles', 'operator-token'])
      expect([path, existsSync(join(backup.data, 'data', path))]).toEqual([path, false]);
  });
});

describe('a backup of a running morning, restored under the keys of a day later,', () => {
  let company: Company;
  let db: Db;

  beforeAll(async () => {
    const outcome = await restoreBackup({
      source: backup.data,
      keysFile: backup.newerKeys,
      dataDir: at('second'),
      reason: 'exercise',
      env,
      say: silent,
    });
    expect(outcome.gap).toBe('signed');
    expect(outcome.requeued).toBeGreaterThan(0);
    ({ company, db } = await start('second'));
  }, 180_000);
  afterAll(() => db?.destroy());

  test('holds every row', async () => {
    const present = await counts(db);
    for (const [table, count] of Object.entries(present))
      expect([table, count >= (rowsAtBackup[table] ?? Infinity)]).toEqual([table, true]);
    expect(present['person']).toBe(rowsAtBackup['person']);
  });

  test('goes on: a case that waited for a decision is decided and done, each start went once', async () => {
    const approval = await eventually(
      () =>
        db
          .selectFrom('approval')
          .selectAll()
          .where('state', '=', 'open')
          .where(sql<string>`'case_' || person_id || '_' || n`, 'in', openAtBackup)
          .orderBy('opened_at')
          .limit(1)
          .executeTakeFirst(),
      'an approval is open',
    );
    const verdicts = approval.items.map(({ itemDigest }) => ({ itemDigest, verdict: 'approve' }));
    for (const approverId of new Set(approval.seats.map((seat) => seat.approverIds[0] ?? ''))) {
      const path = `/api/v1/approvals/${approval.approval_id}/decisions`;
      const body = { verdicts, reason: 'as agreed' };
      const answer = await call(company, db, path, ['decide'] as never[], approverId, body);
      expect([200, 201]).toContain(answer.status);
    }
    await eventually(
      async () =>
        (
          await db
            .selectFrom('approval')
            .select('state')
            .where('approval_id', '=', approval.approval_id)
            .executeTakeFirstOrThrow()
        ).state === 'decided',
      'the approval is decided',
      90_000,
    );
    await eventually(
      async () => {
        const operations = await db
          .selectFrom('operation')
          .select('state')
          .where('person_id', '=', approval.person_id)
          .where('n', '=', approval.n)
          .where('k', '=', approval.k)
          .execute();
        const isChoice = approval.items.some(({ profileId }) => profileId !== null);
        return isChoice || operations.some(({ state }) => state === 'verified');
      },
      'what was decided is carried out',
      90_000,
    );
    await eventually(
      async () =>
        (await db.selectFrom('delivery').select('kind').where('delivered_at', 'is', null).execute()).length === 0,
      'everything is delivered',
    );
  }, 240_000);

  test('keeps whoever was erased in between erased', async () => {
    const row = await db
      .selectFrom('person')
      .select('erased_at')
      .where('person_id', '=', erasedLater)
      .executeTakeFirstOrThrow();
    expect(row.erased_at).not.toBeNull();
    expect(openPersonVault(company.folder.keys).isErased(erasedLater)).toBe(true);
  });

  test('has sound evidence, with the gap in it', async () => {
    const log = await verify(company, db);
    expect(log.findings).toEqual([]);
    expect(log.isSound).toBe(true);
    expect(log.checkpointedSize).toBeGreaterThan(0);
  });
});
