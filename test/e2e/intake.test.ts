/** The door of the HR system: signatures, replays, what gets lost, comes twice, late or in the wrong order, and the cap. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sql } from 'kysely';
import { z } from 'zod';
import { decideDueCutoffs } from '../../src/delivery/start-cutoffs.ts';
import { lockClass, lockInTx } from '../../src/store/db.ts';
import { findPersonByKey } from '../../src/store/people.ts';
import { deriveLeftBehind } from '../../src/use-cases/derive-queue.ts';
import { pollChanges } from '../../src/use-cases/poll-changes.ts';
import { alertsOf, caseState, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld({
    policyEdits: [
      { file: 'rules.yaml', find: 'maxPerHour: 10, maxPerDay: 20', replace: 'maxPerHour: 2, maxPerDay: 20' },
    ],
  });
});
afterAll(async () => {
  await world.close();
});

const key = 'test-webhook-key';
const engineer = { jobTitle: 'Software Engineer', department: 'Engineering', location: 'Berlin', supervisorEId: '103' };

interface Delivery {
  body?: string;
  timestamp?: number | string;
  signature?: string;
  headers?: Record<string, string>;
}

function bodyFor(employeeId: string): string {
  return JSON.stringify({
    type: 'employee.updated',
    timestamp: '2026-01-31T18:42:00+0000',
    data: { companyId: '1', employeeId, changedFields: ['status'] },
  });
}

async function deliver({ body = bodyFor('114'), timestamp, signature, headers }: Delivery): Promise<number> {
  const at = String(timestamp ?? Math.floor(world.clock.now().getTime() / 1000));
  const signed = signature ?? createHmac('sha256', key).update(body).update(at).digest('hex');
  const response = await fetch(`${world.url}/webhooks/bamboohr`, {
    method: 'POST',
    body,
    headers: headers ?? { 'x-bamboohr-timestamp': at, 'x-bamboohr-signature': signed },
  });
  await response.text();
  return response.status;
}

async function refusals(): Promise<Record<string, number>> {
  const rows = await world.ownerDb.selectFrom('intake_refusal').select(['reason', 'count']).execute();
  return Object.fromEntries(rows.map((row) => [row.reason, row.count]));
}

async function snapshotsOf(personId: string): Promise<number> {
  return (await world.ownerDb.selectFrom('snapshot').select('snapshot_id').where('person_id', '=', personId).execute())
    .length;
}

describe('a webhook', () => {
  test('is taken with a good signature, and a replay is answered 200 and does nothing', async () => {
    const personId = await world.personId('114');
    const before = await snapshotsOf(personId);
    const timestamp = Math.floor(world.clock.now().getTime() / 1000);
    expect(await deliver({ timestamp })).toBe(202);
    expect(await deliver({ timestamp })).toBe(200);
    await eventually(
      async () =>
        (await world.ownerDb.selectFrom('ledger').select('event_id').where('state', '=', 'received').execute())
          .length === 0,
      'derived',
    );
    expect(await snapshotsOf(personId)).toBe(before);
    expect(await caseState(world, personId, 2)).toBeNull();
  });

  test.each([
    ['a bad signature', { signature: 'f'.repeat(64) }, 401, 'badSignature'],
    ['a signature that is no hex', { signature: 'zz' }, 401, 'badSignature'],
    ['an old timestamp', { timestamp: 1_700_000_000 }, 401, 'staleTimestamp'],
    ['a timestamp from the future', { timestamp: 4_000_000_000 }, 401, 'staleTimestamp'],
    ['no headers', { headers: {} }, 401, 'missingHeader'],
    ['a signed body that is no event', { body: '{"type":1}' }, 400, 'malformedBody'],
  ] as const)('with %s is refused and counted', async (_name, delivery, status, reason) => {
    const before = (await refusals())[reason] ?? 0;
    expect(await deliver(delivery)).toBe(status);
    expect((await refusals())[reason]).toBe(before + 1);
  });

  test('of a system that policy does not name is unknown', async () => {
    const response = await fetch(`${world.url}/webhooks/nobody`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
  });

  test('that never came is found by the poll', async () => {
    world.company.bamboohr.webhookBehaviour.isSuppressed = true;
    const employee = world.company.bamboohr.hr.hire({ firstName: 'Poll', lastName: 'Found', ...engineer });
    world.company.bamboohr.webhookBehaviour.isSuppressed = false;
    expect(await findPersonByKey(world.serverDeps.db, 'bamboohr', employee.id)).toBeNull();
    await pollChanges(world.serverDeps);
    const personId = await world.personId(employee.id);
    await untilCase(world, personId, 1, 'done');
  });

  test('that comes three times makes one case', async () => {
    world.company.bamboohr.webhookBehaviour.copies = 3;
    const employee = world.company.bamboohr.hr.hire({ firstName: 'Three', lastName: 'Times', ...engineer });
    const personId = await world.personId(employee.id);
    await untilCase(world, personId, 1, 'done');
    world.company.bamboohr.webhookBehaviour.copies = 1;
    expect(await caseState(world, personId, 2)).toBeNull();
    expect(holdingAt(world, 'okta', [personId]).accountIds).toHaveLength(1);
  });

  test('while the HR system is down is acknowledged, kept, and derived when it is back', async () => {
    world.company.bamboohr.faults.setDown('503');
    expect(await deliver({ body: bodyFor('119') })).toBe(202);
    const waiting = () =>
      world.ownerDb
        .selectFrom('ledger')
        .select('event_id')
        .where('state', '=', 'received')
        .where('source_key', '=', '119')
        .execute();
    await eventually(async () => (await waiting()).length === 1, 'it waits');
    world.company.bamboohr.faults.setDown(null);
    await eventually(async () => {
      await deriveLeftBehind(world.serverDeps, 0);
      return (await waiting()).length === 0;
    }, 'it is derived');
  });
});

describe('two reads at once', () => {
  test('end with the newer facts', async () => {
    const personId = await world.personId('117');
    const { faults } = world.company.bamboohr;
    faults.add({ kind: 'slow', delayMs: 700, method: 'GET', path: '/employees/117', times: 1 });
    await deliver({ body: bodyFor('117') });
    // The first read has its answer, and only its way back takes long.
    await eventually(() => faults.pending.length === 0, 'the first read is under way');
    world.company.bamboohr.hr.setFields('117', { jobTitle: 'Principal Software Engineer' });
    await eventually(async () => {
      const left = await world.ownerDb
        .selectFrom('ledger')
        .select('event_id')
        .where('state', '=', 'received')
        .execute();
      return left.length === 0;
    }, 'both are derived');
    const token = await world.tokenOf(await world.personId('102'), ['operate']);
    const { json } = await world.api(`/api/v1/persons/${personId}`, { token });
    expect(JSON.stringify(json)).toContain('Principal Software Engineer');
  });
});

describe('a person who vanished from the HR system', () => {
  test('is an incident and never a leaver', async () => {
    const before = holdingAt(world, 'okta', ['128']);
    world.company.bamboohr.hr.delete('128');
    await deliver({ body: bodyFor('128') });
    await eventually(
      async () =>
        (await world.ownerDb.selectFrom('incident').select('kind').where('kind', '=', 'personGone').execute())
          .length === 1,
      'an incident opens',
    );
    expect(holdingAt(world, 'okta', ['128'])).toEqual(before);
  });
});

describe('a wave of leavers', () => {
  test('beyond the cap is held, told to security once with names and the command, and released after another look', async () => {
    const wave = ['114', '115', '116', '118'];
    for (const one of wave) world.company.bamboohr.hr.terminate(one);
    const states = async () =>
      world.ownerDb
        .selectFrom('cutoff')
        .select(['person_id', 'state'])
        .where('state', 'in', ['held', 'started'])
        .execute();
    await eventually(async () => (await states()).length === 4, 'all four are decided about');
    const held = (await states()).filter((row) => row.state === 'held');
    expect(held).toHaveLength(2);
    const keyOf = new Map(await Promise.all(wave.map(async (one) => [await world.personId(one), one] as const)));
    for (const row of held) {
      expect(holdingAt(world, 'okta', [keyOf.get(row.person_id) ?? '']).groupIds.length).toBeGreaterThan(0);
      await eventually(async () => (await caseState(world, row.person_id, 2)) === 'held', 'its case says so');
    }
    const mail = await world.company.mailbox.waitFor(
      (message) => (message.subject ?? '').includes('holds leavers'),
      15_000,
    );
    const names = held.map((row) => world.company.bamboohr.hr.get(keyOf.get(row.person_id) ?? '').lastName);
    expect(names.some((name) => (mail.text ?? '').includes(name))).toBe(true);
    expect(mail.text).toContain('npx usher hold release');
    expect(await alertsOf(world, 'leaversHeld')).toHaveLength(1);

    const [mistake, real] = held.map((row) => row.person_id);
    world.company.bamboohr.webhookBehaviour.isSuppressed = true;
    world.company.bamboohr.hr.rescind(keyOf.get(mistake ?? '') ?? '');
    world.company.bamboohr.webhookBehaviour.isSuppressed = false;
    const token = await world.tokenOf(await world.personId('110'), ['security', 'operate']);
    const released = await world.api('/api/v1/holds/release', {
      method: 'POST',
      token,
      body: { persons: [mistake, real], reason: 'looked at both' },
    });
    expect(released.json).toMatchObject({ released: [real], stillEmployed: [mistake] });
    await untilSweepWaits(world, real ?? '', 2);
    expect(holdingAt(world, 'okta', [keyOf.get(mistake ?? '') ?? '']).groupIds.length).toBeGreaterThan(0);
  }, 90_000);

  test('does not hold a departure that a person orders', async () => {
    const personId = await world.personId('130');
    const token = await world.tokenOf(await world.personId('110'), ['security', 'operate']);
    const ordered = await world.api(`/api/v1/persons/${personId}/leave`, {
      method: 'POST',
      token,
      body: { reason: 'left in anger' },
    });
    expect(ordered.status).toBeLessThan(300);
    await eventually(() => !holdingAt(world, 'okta', ['130']).canLogIn, 'cut off');
    await untilSweepWaits(world, personId, 2);
  }, 60_000);

  test('never starts more than the cap when two workers decide at once', async () => {
    world.clock.advance(2 * 3_600_000);
    await world.stopWorker();
    for (const one of ['121', '124', '126']) world.company.bamboohr.hr.terminate(one);
    await eventually(
      async () =>
        (await world.ownerDb.selectFrom('cutoff').select('n').where('state', '=', 'scheduled').execute()).length === 3,
      'three are due',
    );
    await Promise.all([decideDueCutoffs(world.workerDeps), decideDueCutoffs(world.workerDeps)]);
    const hour = new Date(world.clock.now().getTime() - 3_600_000);
    const started = await world.ownerDb.selectFrom('cutoff').select('n').where('started_at', '>', hour).execute();
    expect(started).toHaveLength(2);
    await world.startWorker();
  });

  test('counts what another worker is starting at that moment: it waits for it', async () => {
    world.clock.advance(2 * 3_600_000);
    await world.stopWorker();
    for (const one of ['120', '122', '123']) world.company.bamboohr.hr.terminate(one);
    const stateOf = async (): Promise<string[]> => {
      const ids = await Promise.all(['120', '122', '123'].map((one) => world.personId(one)));
      const rows = await world.ownerDb.selectFrom('cutoff').select('state').where('person_id', 'in', ids).execute();
      return rows.map((row) => row.state).toSorted();
    };
    await eventually(async () => (await stateOf()).length === 3, 'three are due');
    let decided: Promise<number> = Promise.resolve(0);
    await world.ownerDb.transaction().execute(async (tx) => {
      await lockInTx(tx, 'cap');
      const started = { state: 'started' as const, started_at: world.clock.now() };
      for (const one of ['120', '122'])
        await tx
          .updateTable('cutoff')
          .set(started)
          .where('person_id', '=', await world.personId(one))
          .execute();
      decided = decideDueCutoffs(world.workerDeps);
      await eventually(async () => {
        const waiting = await sql`select 1 from pg_locks where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())
          and classid = ${lockClass.cap}`.execute(world.ownerDb);
        return waiting.rows.length === 1;
      }, 'the other one waits');
    });
    expect(await decided).toBe(0);
    expect(await stateOf()).toEqual(['held', 'started', 'started']);
    await world.startWorker();
  });
});

const recordings =
  process.env['USHER_BAMBOOHR_RECORDINGS'] ??
  resolve(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'hris', 'bamboohr');
const hasRecordings = existsSync(join(recordings, 'list-employees.json'));
if (!hasRecordings)
  console.warn('SKIPPED: no recorded BambooHR answers; set USHER_BAMBOOHR_RECORDINGS to their folder');

(hasRecordings ? describe : describe.skip)('recorded employees of a real BambooHR', () => {
  test('become persons with a case each', async () => {
    const Recording = z.array(
      z
        .object({ response: z.object({ employees: z.array(z.record(z.string(), z.unknown())).optional() }).loose() })
        .loose(),
    );
    const all = Recording.parse(JSON.parse(readFileSync(join(recordings, 'list-employees.json'), 'utf8'))).flatMap(
      (one) => one.response.employees ?? [],
    );
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    const people = all.filter((one) => text(one['firstName']) !== '' && text(one['lastName']) !== '').slice(0, 8);
    expect(people.length).toBeGreaterThan(0);
    const token = await world.tokenOf(await world.personId('102'), ['operate']);
    for (const one of people) {
      const [title, department, location] = ['jobTitle', 'department', 'location'].map((name) => text(one[name]));
      const employee = world.company.bamboohr.hr.hire({
        firstName: text(one['firstName']),
        lastName: text(one['lastName']),
        jobTitle: title || null,
        department: department || null,
        location: location || null,
        supervisorEId: '101',
      });
      const personId = await world.personId(employee.id);
      await eventually(async () => await caseState(world, personId, 1), 'a case is open');
      const { json } = await world.api(`/api/v1/persons/${personId}`, { token });
      expect(json).toMatchObject({
        name: `${text(one['firstName'])} ${text(one['lastName'])}`,
        facts: { title: title || null, department: department || null, location: location || null },
      });
    }
  }, 60_000);
});
