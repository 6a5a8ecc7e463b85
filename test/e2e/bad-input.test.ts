/** Bad input at the doors that only the real engine has: signals to a case, the worker's own door, and text that breaks databases. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import {
  caseState,
  dateInDays,
  hire,
  mailedSignal,
  openApproval,
  signalLikeTemporalUi,
  untilCase,
} from '../support/case-driver.ts';
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
  logLines.length = 0;
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
    ['authorisations', 'null', 400, 'body', null],
    ['authorisations', 'a list', 400, 'body', []],
    ['authorisations', 'nothing', 400, 'personId', {}],
    ['authorisations', 'a name as person', 400, 'personId', { ...asking, personId: 'Ada' }],
    ['authorisations', 'case 0', 400, 'caseN', { ...asking, caseN: 0 }],
    ['authorisations', 'half a case', 400, 'caseN', { ...asking, caseN: 1.5 }],
    ['authorisations', 'no item', 400, 'itemDigests', { ...asking, itemDigests: [] }],
    [
      'authorisations',
      'eleven items',
      400,
      'itemDigests',
      { ...asking, itemDigests: Array.from({ length: 11 }, () => digest) },
    ],
    ['authorisations', 'a digest in capitals', 400, 'itemDigests.0', { ...asking, itemDigests: ['A'.repeat(64)] }],
    ['authorisations', 'a field too many', 400, 'fence', { ...asking, fence: 9 }],
    ['approvals/open', 'a number as text', 400, 'n', { ...opening, n: '1' }],
    ['approvals/open', 'a number beyond the database', 400, 'n', { ...opening, n: 2 ** 40 }],
    ['approvals/open', 'a group below zero', 400, 'k', { ...opening, k: -1 }],
    ['approvals/open', 'a proposal of no shape', 400, 'proposalId', { ...opening, proposalId: 'x' }],
    ['approvals/open', 'a number as digest', 400, 'itemDigests.0', { ...opening, itemDigests: [7] }],
    ['approvals/open', 'an unknown case', 404, null, opening],
    ['approvals/remind', 'an id of no shape', 400, 'approvalId', { approvalId: 'x' }],
    ['approvals/remind', 'an unknown approval', 404, null, { approvalId }],
    ['approvals/close', 'a state that is none', 400, 'state', { approvalId, state: 'approved' }],
    ['approvals/close', 'an unknown approval', 404, null, { approvalId, state: 'decided' }],
  ] as const)('%s: %s answers %d, names %j and changes nothing', async (door, _what, status, field, body) => {
    const token = await world.tokenOf(null, ['internal']);
    await isRefused(`/internal/${door}`, { token, body, status, field });
  });
});

describe('text that a database cannot hold', () => {
  test.each([
    ['persons/bamboohr%2F114/leave', { reason: 'a\u0000b' }],
    ['persons/bamboohr%2F114/leave', { reason: 'a\ud800b' }],
    ['persons/bamboohr%2F114/leave', { reason: '\u0000' }],
    ['holds/release', { persons: ['bamboohr/114'], reason: 'a\u0000b' }],
    [
      `approvals/approval_${unknown}_1_1/decisions`,
      { verdicts: [{ itemDigest: digest, verdict: 'deny' }], reason: 'a\u0000b' },
    ],
  ] as const)('in %s is refused as bad input', async (path, body) => {
    const token = await world.tokenOf(await world.personId('110'), ['security', 'operate', 'decide']);
    await isRefused(`/api/v1/${path}`, { token, body, status: 400, field: 'reason' });
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
    logLines.length = 0;
    const answer = await world.api(`/api/v1/${path}`, { method: 'POST', token, body });
    expect([400, 404]).toContain(answer.status);
    expect(logLines).toEqual([]);
  });
});

describe('a signal to a case', () => {
  async function untilWaiting(personId: string): Promise<void> {
    await eventually(async () => {
      const { events } = await world.client.workflow.getHandle(`case_${personId}_1`).fetchHistory();
      return events?.some((event) => event.timerStartedEventAttributes);
    }, 'the case waits for the first day');
  }

  test('that is malformed is noted and changes nothing, and the case goes on', async () => {
    const { employee, personId } = await hire(world, { firstName: 'Signal', lastName: 'Noise', startsInDays: 30 });
    const caseId = `case_${personId}_1`;
    await untilWaiting(personId);
    const junk = [
      null,
      'junk',
      7,
      [],
      {},
      { kind: 'leave' },
      { kind: null },
      { kind: { toString: 'rescinded' } },
      { kind: 'retryItem' },
      { kind: 'retryItem', systemId: { toString: 1 } },
    ];
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
    await untilWaiting(personId);
    for (const news of [{ kind: 'factsChanged' }, { kind: 'retryItem', systemId: 'nowhere' }])
      await signalLikeTemporalUi(world, `case_${personId}_1`, news, 'tell');
    await signalLikeTemporalUi(world, `case_${personId}_1`, { kind: 'rescinded' }, 'tell');
    await untilCase(world, personId, 1, 'cancelled');
    expect(holdingAt(world, 'okta', [personId]).accountIds).toEqual([]);
  });
});

describe('a decision by signal', () => {
  test.each([
    ['NUL', 'because\u0000of this'],
    ['half a character', 'because \ud800 of this'],
    ['nothing but NUL', '\u0000'],
    ['blanks that are no spaces', '\u00a0\u3000\ufeff'],
  ])('with a reason of %s is refused with the field, and the same code then decides', async (_name, reason) => {
    const seller = { jobTitle: 'Account Executive', department: 'Sales', supervisorEId: '105' };
    const { personId } = await hire(world, { firstName: 'Odd', lastName: 'Reason', ...seller });
    const { approvalId } = await openApproval(world, personId, 1);
    const ready = await mailedSignal(world, approvalId, 'deny');
    await signalLikeTemporalUi(world, approvalId, { ...ready, reason });
    const handle = world.client.workflow.getHandle(approvalId);
    await eventually(async () => {
      const { log } = await handle.query<{ log: string[] }, []>('status');
      return log.some((line) => line.includes('reason'));
    }, 'it is refused');
    const decisions = world.ownerDb.selectFrom('decision').select('decision_id').where('approval_id', '=', approvalId);
    expect(await decisions.execute()).toEqual([]);
    await signalLikeTemporalUi(world, approvalId, ready);
    await untilCase(world, personId, 1, 'done');
    expect(await decisions.execute()).toHaveLength(1);
  });
});
