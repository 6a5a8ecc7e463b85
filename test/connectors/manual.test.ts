import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServicenowTasksSandbox, type ServicenowTasksSandbox } from '../../sandbox/servicenow-tasks.ts';
import type { CallContext, TargetConnector } from '../../src/connectors/kit/contract.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { manual } from '../../src/connectors/manual.ts';
import { describeFailures } from '../conformance/describe-failures.ts';
import {
  aProfile,
  clockMs,
  expectFailure,
  hostileTexts,
  keysOf,
  timeoutMs,
  unlimited,
} from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const auth = { username: 'usher', password: 'servicenow-password-of-the-test' };
const gate = openVendorDescription({
  vendor: 'ServiceNow',
  files: ['servicenow/table-api-quebec.pruned.json'],
  exceptions: [
    {
      operation: [
        'GET /api/now/table/{tableName}',
        'POST /api/now/table/{tableName}',
        'PATCH /api/now/table/{tableName}/{sys_id}',
      ],
      place: 'credentials',
      reason:
        'the description, which is not by ServiceNow, has bearer tokens only; the API takes basic credentials as well',
    },
  ],
});

let sandbox: ServicenowTasksSandbox;
let connector: TargetConnector;
let personId: string;
const hidden = new Set<string>();
const op = (name: string): CallContext => ({ operationKey: name.padEnd(64, '0') });

function connectTo(url: string): TargetConnector {
  const entitlements = [
    { id: 'reader', displayName: 'Read the ledger' },
    { id: 'poster', displayName: 'Post to the ledger' },
  ];
  const config = { url, ...auth, entitlements };
  const options = { systemId: 'ledger', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('target', manual, options);
}

beforeEach(async () => {
  hidden.clear();
  sandbox = createServicenowTasksSandbox({ ...auth, hidden, now: () => new Date(clockMs) });
  gate.watch(sandbox);
  connector = connectTo((await sandbox.listen(0)).url);
  personId = randomUUID();
});
afterEach(async () => {
  await sandbox.close();
});

const account = (name: string) => connector.ensureAccount(keysOf(personId), aProfile('ada@example.test'), op(name));
const right = (name: string, state: 'present' | 'absent' = 'present') =>
  connector.ensureEntitlement(personId, 'reader', state, op(name));
const lastTask = () => sandbox.tasks().at(-1) ?? {};
const change = (name: string, vendorEntitlementId: string | null = null) => ({
  operationKey: op(name).operationKey,
  vendorEntitlementId,
});

/** Asks, lets a person do it, and asks the owner. */
async function carriedOut(run: () => Promise<unknown>, name: string, right_: string | null = null): Promise<void> {
  const { detail } = await expectFailure(run(), 'awaitingHuman');
  sandbox.setState(detail.ticketNumber ?? '', '3');
  await run();
  await connector.settleTasks?.(personId, change(name, right_), 'confirmed', op(name));
}

describe('a change by hand', () => {
  test('is one task, however often it is asked for, and waits until that is closed as done', async () => {
    const first = await expectFailure(account('a'), 'awaitingHuman');
    await expectFailure(account('a'), 'awaitingHuman');
    await expectFailure(account('another operation'), 'awaitingHuman');
    expect(sandbox.tasks().map(({ number }) => number)).toEqual([first.detail.ticketNumber]);
    expect(first.detail.retryAfterMs).toBe(3_600_000);
    expect(lastTask()['description']).toContain('Login name: ada@example.test');
    sandbox.setState(first.detail.ticketNumber ?? '', '3');
    expect(await account('a')).toMatchObject({ outcome: 'created', account: { accountId: personId, canLogIn: true } });
    expect(await account('another operation')).toMatchObject({ outcome: 'unchanged' });
    expect(sandbox.tasks()).toHaveLength(1);
  });

  test.each(['lostResponse', 'malformed'] as const)('is one task when its creation ends in %s', async (kind) => {
    sandbox.faults.add({ kind, method: 'POST' });
    await expectFailure(account('a'), kind === 'malformed' ? 'transient' : 'unknownOutcome');
    await expectFailure(account('a'), 'awaitingHuman');
    expect(sandbox.tasks()).toHaveLength(1);
  });

  test('is refused when its task is closed as not done, and a later operation asks again', async () => {
    const { detail } = await expectFailure(account('a'), 'awaitingHuman');
    sandbox.setState(detail.ticketNumber ?? '', '4');
    const refused = await expectFailure(account('a'), 'precondition');
    expect(refused.detail).toMatchObject({ vendorCode: 'state 4', ticketNumber: detail.ticketNumber });
    expect(await connector.getAccount(personId, op('read'))).toMatchObject({ canLogIn: false });
    await expectFailure(account('b'), 'awaitingHuman');
    expect(sandbox.tasks()).toHaveLength(2);
  });

  test('that the owner denies was never made, and is asked for again', async () => {
    await carriedOut(() => account('a'), 'a');
    const { detail } = await expectFailure(right('r'), 'awaitingHuman');
    sandbox.setState(detail.ticketNumber ?? '', '3');
    await right('r');
    await connector.settleTasks?.(personId, change('r', 'reader'), 'denied', op('r'));
    expect(await connector.listAccountEntitlements(personId, op('read'))).toEqual([]);
    await expectFailure(right('r'), 'awaitingHuman');
    expect(sandbox.tasks()).toHaveLength(3);
  });

  test('that is wanted no more withdraws its task, and what may have been done is taken back', async () => {
    await carriedOut(() => account('a'), 'a');
    const { detail } = await expectFailure(right('r'), 'awaitingHuman');
    await expectFailure(right('back', 'absent'), 'awaitingHuman');
    expect(sandbox.tasks().find(({ number }) => number === detail.ticketNumber)).toMatchObject({ state: '7' });
    expect(lastTask()['short_description']).toBe('ledger: take "Read the ledger" from Ada Byron');
    expect(await connector.listAccountEntitlements(personId, op('read'))).toEqual(['reader']);
    sandbox.setState(lastTask()['number'] ?? '', '3');
    expect(await right('back', 'absent')).toMatchObject({ outcome: 'changed' });
    // Claimed is not confirmed: the right may still be there.
    expect(await connector.listAccountEntitlements(personId, op('read'))).toEqual(['reader']);
    await connector.settleTasks?.(personId, change('back', 'reader'), 'confirmed', op('back'));
    expect(await connector.listAccountEntitlements(personId, op('read'))).toEqual([]);
  });

  test('that cuts off a login has the highest urgency, and the login counts as open until it is confirmed', async () => {
    await carriedOut(() => account('a'), 'a');
    const cut = () => connector.setLogin(personId, 'disabled', op('cut'));
    const { detail } = await expectFailure(cut(), 'awaitingHuman');
    expect(lastTask()).toMatchObject({ urgency: '1', priority: '1' });
    sandbox.setState(detail.ticketNumber ?? '', '3');
    expect(await cut()).toMatchObject({ outcome: 'changed' });
    expect(await connector.getAccount(personId, op('read'))).toMatchObject({ canLogIn: true });
    await connector.settleTasks?.(personId, change('cut'), 'confirmed', op('cut'));
    expect(await connector.getAccount(personId, op('read'))).toMatchObject({ canLogIn: false });
    expect(await cut()).toMatchObject({ outcome: 'unchanged' });
    // Somebody opens the task again: it is not done.
    sandbox.setState(detail.ticketNumber ?? '', '1');
    expect(await connector.getAccount(personId, op('read'))).toMatchObject({ canLogIn: true });
  });
});

test('nothing is asked for where nothing can be there', async () => {
  await expectFailure(connector.setLogin(personId, 'disabled', op('x')), 'notFound');
  await expectFailure(right('x'), 'notFound');
  await carriedOut(() => account('a'), 'a');
  expect(await right('x', 'absent')).toMatchObject({ outcome: 'unchanged' });
  await expectFailure(connector.ensureEntitlement(personId, 'no-such', 'present', op('x')), 'notFound');
  expect(sandbox.tasks()).toHaveLength(1);
});

test('accounts are found by the id of the person, and all of them are listed', async () => {
  expect(await connector.findAccount(keysOf(personId), op('f'))).toEqual({ outcome: 'none' });
  const [first, other] = [personId, randomUUID()];
  await carriedOut(() => account('a'), 'a');
  personId = other;
  await carriedOut(() => account('b'), 'b');
  expect(await connector.findAccount(keysOf(first), op('f'))).toMatchObject({
    outcome: 'found',
    account: { accountId: first, userName: 'ada@example.test', correlationKey: first },
  });
  const { items, nextCursor } = await connector.listAccounts(null, op('l'));
  expect([items.map(({ accountId }) => accountId).toSorted(), nextCursor]).toEqual([[first, other].toSorted(), null]);
  expect((await connector.listEntitlements(null, op('l'))).items).toHaveLength(2);
});

test('tasks that are hidden from the user, or do not take the mark, are errors and no guess', async () => {
  const { detail } = await expectFailure(account('a'), 'awaitingHuman');
  hidden.add(detail.ticketNumber ?? '');
  await expectFailure(account('a'), 'auth');
  expect(sandbox.tasks()).toHaveLength(1);
  const strict = createServicenowTasksSandbox({ ...auth, closedIsReadOnly: true, now: () => new Date(clockMs) });
  connector = connectTo((await strict.listen(0)).url);
  try {
    const asked = await expectFailure(account('a'), 'awaitingHuman');
    strict.setState(asked.detail.ticketNumber ?? '', '3');
    await account('a');
    const settle = connector.settleTasks?.(personId, change('a'), 'confirmed', op('a')) ?? Promise.resolve();
    await expectFailure(settle, 'precondition');
  } finally {
    await strict.close();
  }
});

test.each(hostileTexts.map((text) => [JSON.stringify(text.slice(0, 24)), text] as const))(
  'a person called %s stays in the lines of the task, and no such id reaches a task',
  async (_label, text) => {
    const profile = { ...aProfile(), displayName: text, title: text };
    await expectFailure(connector.ensureAccount(keysOf(personId), profile, op('a')), 'awaitingHuman');
    const lines = (lastTask()['description'] ?? '').split('\n');
    expect(lines.filter((line) => line.startsWith('Name: '))).toHaveLength(1);
    expect(lines).toContain(`Id at Usher: ${personId}`);
    sandbox.clearCalls();
    expect(await connector.getAccount(text, op('g'))).toBeNull();
    await expectFailure(connector.setLogin(text, 'disabled', op('g')), 'notFound');
    expect(sandbox.calls).toEqual([]);
  },
);

describe('failures', () =>
  describeFailures<'target'>({
    harness: () => ({
      connector,
      manifest: manual.manifest,
      sandbox,
      connectTo,
      secrets: [auth.password, Buffer.from(`${auth.username}:${auth.password}`).toString('base64')],
    }),
    read: (target) => target.getAccount(personId, op('read')),
  }));
