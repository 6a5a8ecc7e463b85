/** Writes that hold a lock while they work: many at once must never wait for each other's connections. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { applyAccess, type ApplyAccessInput } from '../../src/activities/apply-access.ts';
import { openDb, whileLocked, whileLockedIfFree } from '../../src/store/db.ts';
import { Listener } from '../../src/delivery/listener.ts';
import { planCase } from '../../src/activities/plan-case.ts';
import { createLogger } from '../../src/telemetry.ts';
import { uuidV7 } from '../../src/store/uuid.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

const AT_ONCE = 48;

let world: World;
beforeAll(async () => {
  world = await createWorld({ isWorkerLess: true });
});
afterAll(async () => {
  await world.close();
});

/** Hires somebody and plans the case as its workflow would; answers the call that writes what Okta gets. */
async function plannedWrite(index: number): Promise<ApplyAccessInput> {
  const { id } = world.company.bamboohr.hr.hire({
    firstName: `Many${index}`,
    lastName: 'Engineer',
    jobTitle: 'Software Engineer',
    department: 'Engineering',
    location: 'Berlin',
    supervisorEId: '103',
  });
  const personId = await world.personId(id);
  const at = new Date().toISOString();
  const plan = await eventually(
    () => planCase(world.workerDeps, { personId, n: 1, at, proposalId: uuidV7(new Date()), accounts: null }),
    'the case is planned',
  );
  if (plan.phase !== 'items') throw new Error(`planned as ${plan.phase}`);
  const itemDigests = plan.items.filter(({ systemId }) => systemId === 'okta').map(({ itemDigest }) => itemDigest);
  return { personId, n: 1, k: 1, round: 1, systemId: 'okta', itemDigests, isIncidentOpen: false };
}

describe('48 writes for 48 people at once', () => {
  test('all end, with three connections as with forty-eight', async () => {
    const inputs: ApplyAccessInput[] = [];
    for (let index = 0; index < AT_ONCE; index += 1) inputs.push(await plannedWrite(index));
    const few = openDb(world.database.workerUrl, 3);
    try {
      const half = AT_ONCE / 2;
      const results = await Promise.all([
        ...inputs.slice(0, half).map((input) => applyAccess(world.workerDeps, input)),
        ...inputs.slice(half).map((input) => applyAccess({ ...world.workerDeps, db: few }, input)),
      ]);
      const outcomes = results.flatMap((result) => (result.kind === 'done' ? result.outcomes : []));
      expect(outcomes).toHaveLength(AT_ONCE * 3);
      expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['applied']));
    } finally {
      await few.destroy();
    }
  });
});

describe('a lock that is held while somebody works', () => {
  test('keeps a second holder out until the first has ended, however that ends', async () => {
    const { db } = world.workerDeps;
    const order: string[] = [];
    let end = (): void => undefined;
    const first = whileLocked(db, 'personOnSystem', 'one', async () => {
      await new Promise<void>((resolve) => (end = resolve));
      order.push('first');
      throw new Error('it failed');
    });
    await eventually(
      () => whileLockedIfFree(db, 'personOnSystem', 'one', () => Promise.resolve(1)).then((x) => x === null),
      'it is held',
    );
    const second = whileLocked(db, 'personOnSystem', 'one', () => Promise.resolve(order.push('second')));
    end();
    await expect(first).rejects.toThrow('it failed');
    await second;
    expect(order).toEqual(['first', 'second']);
  });
});

describe('a connection that listens for notifications', () => {
  test('is made again when the database drops it, and leaves none behind when it is stopped', async () => {
    const { ownerDb, database } = world;
    const heard: string[] = [];
    const listener = new Listener({
      databaseUrl: database.workerUrl,
      channel: 'crash_test',
      onNotification: (payload) => heard.push(payload),
      log: createLogger('worker', 'silent'),
    });
    const backends = async (): Promise<number[]> => {
      const { rows } = await sql<{ pid: number }>`
        select pid from pg_stat_activity where datname = ${database.name} and query like 'listen "crash_test"%'`.execute(
        ownerDb,
      );
      return rows.map(({ pid }) => pid);
    };
    const notified = async (payload: string): Promise<boolean> => {
      await sql`select pg_notify('crash_test', ${payload})`.execute(ownerDb);
      return heard.includes(payload);
    };
    await eventually(() => notified('before'), 'it hears');
    for (const pid of await backends()) await sql`select pg_terminate_backend(${pid})`.execute(ownerDb);
    await eventually(() => notified('after'), 'it hears again');
    await listener.stop();
    await eventually(async () => (await backends()).length === 0, 'no connection is left');
  });
});

describe('a connection that the database drops while a transaction holds it', () => {
  test('fails that transaction, and the process goes on', async () => {
    // A process of its own: an error that nobody hears would end it.
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, '..', 'support', 'dropped-connection.ts'),
      world.database.ownerUrl,
    ]);
    expect(stdout).toBe('transaction failed\nnext one works\n');
  });
});
