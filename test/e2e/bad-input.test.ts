/** Bad input at the doors that only the real engine has: signals to a case, the worker's own door, and text that breaks databases. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { dateInDays, hire, signalLikeTemporalUi } from '../support/case-driver.ts';
import { caseState, untilCase } from '../support/case-rows.ts';
import { holdingAt } from '../support/company-view.ts';
import { createWorld, eventually, type World } from '../support/world.ts';

let world: World;
const logLines: string[] = [];

beforeAll(async () => {
  world = await createWorld({ logLevel: 'error', logTo: (line) => logLines.push(line) });
});
afterAll(async () => {
  await world.close();
});

const unknown = randomUUID();
const digest = 'a'.repeat(64);

/** What a half-applied input would have changed. */
async function rowCounts(): Promise<Record<string, number>> {
  const tables = ['usher_case', 'cutoff', 'approval', 'decision', 'alert', 'delivery', 'evidence', 'person'] as const;
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const { count } = await world.ownerDb
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow();
    counts[table] = Number(count);
  }
  return counts;
}

async function isRefused(
  path: string,
  { token, body, status, field }: { token: string; body: unknown; status: number; field: string | null },
): Promise<void> {
  const before = await rowCounts();
  const answer = await world.api(path, { method: 'POST', token, body });
  expect(answer).toMatchObject({ status, json: { status, field } });
  expect(JSON.stringify(answer.json)).not.toMatch(/\.ts\b|\bat \w+ \(|select |insert |22P05|22021/);
  expect(await rowCounts()).toEqual(before);
  expect(logLines).toEqual([]);
}

describe('the door of the worker', () => {
  const opening = { personId: unknown, n: 1, k: 1, proposalId: randomUUID(), itemDigests: [digest] };
  const asking = { personId: unknown, caseN: 1, k: 1, itemDigests: [digest] };
  const approvalId = `approval_${unknown}_1_1`;
  test.each([
    ['authorisations', null, 400, 'body'],
    ['authorisations', [], 400, 'body'],
    ['authorisations', {}, 400, 'personId'],
    ['authorisations', { ...asking, personId: 'Ada' }, 400, 'personId'],
    ['authorisations', { ...asking, caseN: 0 }, 400, 'caseN'],
    ['authorisations', { ...asking, caseN: 1.5 }, 400, 'caseN'],
    ['authorisations', { ...asking, itemDigests: [] }, 400, 'itemDigests'],
    ['authorisations', { ...asking, itemDigests: Array.from({ length: 11 }, () => digest) }, 400, 'itemDigests'],
    ['authorisations', { ...asking, itemDigests: ['A'.repeat(64)] }, 400, 'itemDigests.0'],
    ['authorisations', { ...asking, fence: 9 }, 400, 'body'],
    ['approvals/open', { ...opening, n: '1' }, 400, 'n'],
    ['approvals/open', { ...opening, n: 2 ** 40 }, 400, 'n'],
    ['approvals/open', { ...opening, k: -1 }, 400, 'k'],
    ['approvals/open', { ...opening, proposalId: 'x' }, 400, 'proposalId'],
    ['approvals/open', { ...opening, itemDigests: [7] }, 400, 'itemDigests.0'],
    ['approvals/open', opening, 404, null],
    ['approvals/remind', { approvalId: 'x' }, 400, 'approvalId'],
    ['approvals/remind', { approvalId }, 404, null],
    ['approvals/close', { approvalId, state: 'approved' }, 400, 'state'],
    ['approvals/close', { approvalId, state: 'decided' }, 404, null],
  ] as const)('%s with %j answers %d, names %j and changes nothing', async (door, body, status, field) => {
    const token = await world.tokenOf(null, ['internal']);
    await isRefused(`/internal/${door}`, { token, body, status, field });
  });
});

describe('text that a database cannot hold', () => {
  test.each([
    ['persons/bamboohr%2F114/leave', { reason: 'a\u0000b' }, 'reason'],
    ['persons/bamboohr%2F114/leave', { reason: 'a\ud800b' }, 'reason'],
    ['persons/bamboohr%2F114/leave', { reason: '\u0000' }, 'reason'],
    ['holds/release', { persons: ['bamboohr/114'], reason: 'a\u0000b' }, 'reason'],
    [
      `approvals/approval_${unknown}_1_1/decisions`,
      { verdicts: [{ itemDigest: digest, verdict: 'deny' }], reason: 'a\u0000b' },
      'reason',
    ],
  ] as const)('in %s is refused as bad input: %j', async (path, body, field) => {
    const token = await world.tokenOf(await world.personId('110'), ['security', 'operate', 'decide']);
    await isRefused(`/api/v1/${path}`, { token, body, status: 400, field });
  });
});

describe('numbers beyond every case', () => {
  test.each([
    [`cases/case_${unknown}_99999999999999999999/retry`, { systemId: 'crm' }],
    [
      `approvals/approval_${unknown}_99999999999999999999_1/decisions`,
      { verdicts: [{ itemDigest: digest, verdict: 'approve' }] },
    ],
  ])('in %s are not found', async (path, body) => {
    const token = await world.tokenOf(await world.personId('110'), ['security', 'operate', 'decide']);
    const answer = await world.api(`/api/v1/${path}`, { method: 'POST', token, body });
    expect([400, 404]).toContain(answer.status);
    expect(logLines).toEqual([]);
  });
});

describe('a signal to a case', () => {
  test('that is malformed is noted and changes nothing, and the case goes on', async () => {
    const { employee, personId } = await hire(world, { firstName: 'Signal', lastName: 'Noise', startsInDays: 30 });
    const caseId = `case_${personId}_1`;
    await eventually(async () => (await caseState(world, personId, 1)) === 'waiting', 'the case waits');
    const junk = [null, 'junk', 7, [], {}, { kind: 'leave' }, { kind: null }, { kind: { toString: 'rescinded' } }];
    const plain = world.client.workflow.getHandle(caseId);
    for (const payload of junk) await signalLikeTemporalUi(world, caseId, payload, 'tell');
    await plain.signal('tell');
    await plain.signal('noSuchSignal', { kind: 'rescinded' });
    await eventually(async () => {
      const { log } = await plain.query<{ log: string[] }, []>('status');
      return log.filter((line) => line === 'a malformed signal was ignored').length === junk.length + 1;
    }, 'all are noted');
    expect(await caseState(world, personId, 1)).toBe('waiting');
    expect(holdingAt(world, 'okta', [personId]).accountIds).toEqual([]);

    world.company.bamboohr.hr.setFields(employee.id, { hireDate: dateInDays(world, -1) });
    await untilCase(world, personId, 1, 'done');
    expect(holdingAt(world, 'okta', [personId]).canLogIn).toBe(true);
  });

  test('that lies about a rescission stalls at most what waits, and gives nobody anything', async () => {
    const { personId } = await hire(world, { firstName: 'False', lastName: 'Alarm', startsInDays: 30 });
    await eventually(async () => (await caseState(world, personId, 1)) === 'waiting', 'the case waits');
    for (const kind of ['factsChanged', 'factsChanged', 'retryItem'])
      await signalLikeTemporalUi(world, `case_${personId}_1`, { kind, systemId: { toString: 1 } }, 'tell');
    await signalLikeTemporalUi(world, `case_${personId}_1`, { kind: 'rescinded' }, 'tell');
    await untilCase(world, personId, 1, 'cancelled');
    expect(holdingAt(world, 'okta', [personId]).accountIds).toEqual([]);
  });
});
