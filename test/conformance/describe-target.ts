/** What every connector of a system with accounts guarantees, over real HTTP and against the vendor's own truth. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { describeFailures } from './describe-failures.ts';
import { describeHostilePerson } from './describe-hostile-person.ts';
import { describeProfileUpdates } from './describe-profile-updates.ts';
import { aProfile, ctx, expectFailure, keysOf, startPlainServer, type TargetHarness } from './harness.ts';

export interface TargetStart {
  start(): Promise<TargetHarness>;
}

export function describeTargetConnector(name: string, { start }: TargetStart): void {
  describe(name, () => {
    let harness: TargetHarness;
    const current = () => harness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.sandbox.close());

    test('a healthy system is reported as healthy, by reads only', async () => {
      expect(await harness.connector.check(ctx)).toMatchObject({ isHealthy: true });
      const isRead = ({ method, path }: { method: string; path: string }) =>
        method === 'GET' || (method === 'POST' && harness.readsByPost?.test(path) === true);
      expect(harness.sandbox.calls.length).toBeGreaterThan(0);
      expect(harness.sandbox.calls.filter((call) => !isRead(call))).toEqual([]);
    });
    describe('accounts', () => describeAccounts(current));
    describe('logins', () => describeLogins(current));
    describe('entitlements', () => describeEntitlements(current));
    describe('attributes', () => describeProfileUpdates(current));
    describe('listings', () => describeListings(current));
    describe('lost and false answers', () => describeLostAnswers(current));
    describe('failures', () =>
      describeFailures<'target'>({ harness: current, read: (connector) => connector.listAccounts(null, ctx) }));
    describe('a hostile person', () => describeHostilePerson(current));
  });
}

/** The parts of the suite, for a server that can only be asked some of it. */
export function describeAccounts(current: () => TargetHarness): void {
  test('an account is found by stored id, by personId and by HRIS key', async () => {
    const { connector, seedAccount } = current();
    const personId = randomUUID();
    const own = await seedAccount({ userName: 'own@example.test', correlationKey: personId });
    const older = await seedAccount({ userName: 'older@example.test', correlationKey: '104' });
    expect(await connector.findAccount(keysOf(personId), ctx)).toMatchObject({ account: { accountId: own } });
    expect(await connector.findAccount(keysOf(randomUUID(), '104'), ctx)).toMatchObject({
      account: { accountId: older, correlationKey: '104' },
    });
    const stored = { ...keysOf(randomUUID()), accountId: older };
    expect(await connector.findAccount(stored, ctx)).toMatchObject({ account: { accountId: older } });
  });

  test('an account is never found by its name or address', async () => {
    const { connector, seedAccount } = current();
    await seedAccount({ userName: 'ada@example.test', correlationKey: null });
    expect(await connector.findAccount(keysOf(randomUUID(), '104'), ctx)).toEqual({ outcome: 'none' });
  });

  test('two accounts that fit are ambiguous, and nothing is written', async () => {
    const { connector, seedAccount, sandbox } = current();
    const personId = randomUUID();
    const ids = [
      await seedAccount({ userName: 'one@example.test', correlationKey: personId }),
      await seedAccount({ userName: 'two@example.test', correlationKey: '104' }),
    ];
    const keys = keysOf(personId, '104');
    expect(await connector.findAccount(keys, ctx)).toEqual({ outcome: 'ambiguous', accountIds: ids.toSorted() });
    sandbox.clearCalls();
    await expectFailure(connector.ensureAccount(keys, aProfile(), ctx), 'ambiguous');
    expect(sandbox.calls.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test('an account is made once, carries personId, and can be used', async () => {
    const { connector, accountIds, canLogIn } = current();
    const keys = keysOf(randomUUID(), '104');
    const profile = aProfile();
    const first = await connector.ensureAccount(keys, profile, ctx);
    expect(first).toMatchObject({ outcome: 'created', account: { correlationKey: keys.personId, canLogIn: true } });
    const { accountId } = first.account;
    const again = await connector.ensureAccount({ ...keys, accountId }, profile, ctx);
    expect(again).toMatchObject({ outcome: 'unchanged', account: { accountId } });
    expect(await connector.ensureAccount(keys, profile, ctx)).toMatchObject({ account: { accountId } });
    expect(await accountIds()).toEqual([accountId]);
    expect(await canLogIn(accountId)).toBe(true);
    expect(await connector.getAccount(accountId, ctx)).toMatchObject({ accountId, userName: profile.userName });
  });

  test('an account with an HRIS key of the person is adopted, and its key stays', async () => {
    const { connector, seedAccount, accountIds } = current();
    const accountId = await seedAccount({ userName: 'older@example.test', correlationKey: '104' });
    const result = await connector.ensureAccount(keysOf(randomUUID(), '104'), aProfile(), ctx);
    expect(result).toMatchObject({ outcome: 'adopted', account: { accountId, correlationKey: '104' } });
    expect(await accountIds()).toEqual([accountId]);
  });

  test.each([null, '999'])('a name that an account with the key %p holds is a conflict', async (correlationKey) => {
    const { connector, seedAccount, accountIds } = current();
    const accountId = await seedAccount({ userName: 'taken@example.test', correlationKey });
    const call = connector.ensureAccount(keysOf(randomUUID(), '104'), aProfile('taken@example.test'), ctx);
    await expectFailure(call, 'conflict');
    expect(await accountIds()).toEqual([accountId]);
  });

  test('what Usher owns of an account that it made is mended, and then left alone', async () => {
    const { connector } = current();
    const keys = keysOf(randomUUID());
    const { account } = await connector.ensureAccount(keys, aProfile('mover@example.test'), ctx);
    const known = { ...keys, accountId: account.accountId };
    const moved = { ...aProfile('mover@example.test'), title: 'Head of Finance', familyName: 'Lovelace' };
    expect(await connector.ensureAccount(known, moved, ctx)).toMatchObject({ outcome: 'changed' });
    expect(await connector.ensureAccount(known, moved, ctx)).toMatchObject({ outcome: 'unchanged' });
  });

  test('an account that does not exist reads as null', async () => {
    expect(await current().connector.getAccount('does-not-exist', ctx)).toBeNull();
  });
}

export function describeLogins(current: () => TargetHarness): void {
  test('a login is disabled from every status and can be enabled again', async () => {
    const { connector, seedAccount, forceStatus, canLogIn, statuses } = current();
    expect(statuses.length).toBeGreaterThan(1);
    for (const status of statuses) {
      const correlationKey = randomUUID();
      const accountId = await seedAccount({ userName: `${status}@example.test`, correlationKey });
      await forceStatus(accountId, status);
      expect((await connector.getAccount(accountId, ctx))?.canLogIn).toBe(await canLogIn(accountId));
      await connector.setLogin(accountId, 'disabled', ctx);
      expect([status, await canLogIn(accountId)]).toEqual([status, false]);
      expect(await connector.getAccount(accountId, ctx)).toMatchObject({ canLogIn: false });
      expect(await connector.setLogin(accountId, 'disabled', ctx)).toMatchObject({ outcome: 'unchanged' });
      const found = await connector.findAccount(keysOf(correlationKey), ctx);
      expect(found).toMatchObject({ outcome: 'found', account: { accountId } });
      expect(await connector.setLogin(accountId, 'enabled', ctx)).toMatchObject({ outcome: 'changed' });
      expect([status, await canLogIn(accountId)]).toEqual([status, true]);
      expect(await connector.setLogin(accountId, 'enabled', ctx)).toMatchObject({ outcome: 'unchanged' });
    }
  });

  test('a person who comes back gets the disabled account enabled, not a second one', async () => {
    const { connector, accountIds, canLogIn } = current();
    const keys = keysOf(randomUUID());
    const profile = aProfile();
    const { account } = await connector.ensureAccount(keys, profile, ctx);
    await connector.setLogin(account.accountId, 'disabled', ctx);
    const back = await connector.ensureAccount({ ...keys, accountId: account.accountId }, profile, ctx);
    expect(back).toMatchObject({ outcome: 'changed', account: { accountId: account.accountId, canLogIn: true } });
    expect(await canLogIn(account.accountId)).toBe(true);
    expect(await accountIds()).toHaveLength(1);
  });

  test('an account that does not exist cannot be disabled', async () => {
    await expectFailure(current().connector.setLogin('does-not-exist', 'disabled', ctx), 'notFound');
  });

  test('sessions end, of this account only, or the connector says that it cannot', async () => {
    const { connector, manifest, seedAccount, createSession, sessionCount } = current();
    const accountId = await seedAccount({ userName: 'in@example.test', correlationKey: randomUUID() });
    const other = await seedAccount({ userName: 'other@example.test', correlationKey: randomUUID() });
    if (manifest.capabilities.sessionRevocation === 'none') {
      await expectFailure(connector.revokeSessions(accountId, ctx), 'unsupported');
      return;
    }
    await createSession(accountId);
    await createSession(accountId);
    await createSession(other);
    const { residualSeconds } = await connector.revokeSessions(accountId, ctx);
    expect(residualSeconds).toBe(manifest.capabilities.residualSessionSeconds);
    expect([await sessionCount(accountId), await sessionCount(other)]).toEqual([0, 1]);
    await connector.revokeSessions(accountId, ctx);
  });
}

export function describeEntitlements(current: () => TargetHarness): void {
  test('granting twice and revoking twice leave one membership and none, and others keep theirs', async () => {
    const { connector, seedAccount, membersOf, groupId } = current();
    const ids: string[] = [];
    for (const userName of ['a@example.test', 'b@example.test', 'c@example.test']) {
      ids.push(await seedAccount({ userName, correlationKey: randomUUID() }));
    }
    const [first = '', ...others] = ids;
    for (const id of ids) {
      expect(await connector.ensureEntitlement(id, groupId, 'present', ctx)).toMatchObject({ outcome: 'changed' });
      expect(await connector.ensureEntitlement(id, groupId, 'present', ctx)).toMatchObject({ outcome: 'unchanged' });
    }
    expect((await membersOf(groupId)).toSorted()).toEqual(ids.toSorted());
    expect(await connector.listAccountEntitlements(first, ctx)).toEqual([groupId]);
    expect(await connector.ensureEntitlement(first, groupId, 'absent', ctx)).toMatchObject({ outcome: 'changed' });
    expect(await connector.ensureEntitlement(first, groupId, 'absent', ctx)).toMatchObject({ outcome: 'unchanged' });
    expect((await membersOf(groupId)).toSorted()).toEqual(others.toSorted());
    expect(await connector.listAccountEntitlements(first, ctx)).toEqual([]);
  });

  test('an entitlement that does not exist is not found, and its absence is a fact', async () => {
    const { connector, seedAccount } = current();
    const accountId = await seedAccount({ userName: 'a@example.test', correlationKey: randomUUID() });
    await expectFailure(connector.ensureEntitlement(accountId, 'no-such-group', 'present', ctx), 'notFound');
    const absent = await connector.ensureEntitlement(accountId, 'no-such-group', 'absent', ctx);
    expect(absent).toMatchObject({ outcome: 'unchanged' });
  });

  test('the catalogue names the entitlement', async () => {
    const { connector, manifest, groupId } = current();
    const fetchPage = (cursor: string | null) => connector.listEntitlements(cursor, ctx);
    const all = await collectPages(fetchPage, { systemId: manifest.id, operation: 'test' });
    expect(all.map(({ vendorEntitlementId }) => vendorEntitlementId)).toContain(groupId);
  });
}

export function describeListings(current: () => TargetHarness): void {
  const listAll = ({ connector, manifest }: TargetHarness) =>
    collectPages((cursor) => connector.listAccounts(cursor, ctx), { systemId: manifest.id, operation: 'test' });
  const seedMany = async (harness: TargetHarness, count: number) => {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const account = { userName: `user${index}@example.test`, correlationKey: randomUUID() };
      ids.push(await harness.seedAccount(account));
    }
    return ids;
  };

  test.each([0, 1, 3])('%i full pages are listed whole, accounts of every status included', async (pages) => {
    const harness = current();
    const ids = await seedMany(harness, pages * harness.pageSize);
    for (const [index, status] of harness.statuses.entries()) {
      const accountId = ids[index];
      if (accountId !== undefined) await harness.forceStatus(accountId, status);
    }
    harness.sandbox.clearCalls();
    const listed = await listAll(harness);
    expect(listed.map(({ accountId }) => accountId).toSorted()).toEqual(ids.toSorted());
    const { listingCallsMax } = harness;
    if (listingCallsMax === undefined) expect(harness.sandbox.calls).toHaveLength(Math.max(1, pages));
    else expect(harness.sandbox.calls.length).toBeLessThanOrEqual(listingCallsMax(pages));
  });

  test('an error on a later page fails the whole listing', async () => {
    const harness = current();
    await seedMany(harness, harness.pageSize + 1);
    harness.sandbox.faults.add({ kind: 'status', status: 500, method: 'GET', skip: 1 });
    await expectFailure(listAll(harness), 'transient');
  });

  test('a next link to another origin is refused and that origin gets no token', async () => {
    const { replyWithNextLink, connectTo } = current();
    if (replyWithNextLink === null) return;
    const foreign = await startPlainServer((response) => response.end('[]'));
    const { headers, body } = replyWithNextLink(foreign.url);
    const vendor = await startPlainServer((response) =>
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body)),
    );
    try {
      await expectFailure(listAll({ ...current(), connector: connectTo(vendor.url) }), 'transient');
      expect(vendor.requests).toHaveLength(1);
      expect(foreign.requests).toHaveLength(0);
    } finally {
      await Promise.all([vendor.close(), foreign.close()]);
    }
  });
}

export function describeLostAnswers(current: () => TargetHarness): void {
  test.each(['lostResponse', 'malformed'] as const)(
    'an account whose creation was answered by %s is adopted by the next attempt, not made twice',
    async (kind) => {
      const { connector, sandbox, accountIds, canLogIn, usersPath } = current();
      const keys = keysOf(randomUUID());
      const profile = aProfile();
      sandbox.faults.add({ kind, method: 'POST', path: usersPath });
      await expectFailure(
        connector.ensureAccount(keys, profile, ctx),
        kind === 'malformed' ? 'transient' : 'unknownOutcome',
      );
      expect(await accountIds()).toHaveLength(1);
      const again = await connector.ensureAccount(keys, profile, ctx);
      expect(again).toMatchObject({ outcome: 'adopted', account: { correlationKey: keys.personId } });
      expect(await accountIds()).toEqual([again.account.accountId]);
      expect(await canLogIn(again.account.accountId)).toBe(true);
    },
  );

  test.each(['reset', 'timeout', 'lostResponse'] as const)(
    'the outcome of a write that ends in %s is unknown, and repeating it is safe',
    async (kind) => {
      const { connector, sandbox, seedAccount, membersOf, groupId, memberMethod, memberPath } = current();
      const accountId = await seedAccount({ userName: 'a@example.test', correlationKey: randomUUID() });
      sandbox.faults.add({ kind, method: memberMethod, path: memberPath });
      const grant = () => connector.ensureEntitlement(accountId, groupId, 'present', ctx);
      await expectFailure(grant(), 'unknownOutcome');
      const isDone = kind === 'lostResponse';
      expect(await grant()).toMatchObject({ outcome: isDone ? 'unchanged' : 'changed' });
      expect(await membersOf(groupId)).toEqual([accountId]);
    },
  );

  test('a write that was answered with success and did nothing is contradicted by the next read', async () => {
    const { connector, sandbox, seedAccount, groupId } = current();
    const accountId = await seedAccount({ userName: 'a@example.test', correlationKey: randomUUID() });
    sandbox.faults.add({ kind: 'lie', times: null });
    await connector.setLogin(accountId, 'disabled', ctx);
    await connector.ensureEntitlement(accountId, groupId, 'present', ctx);
    expect(await connector.getAccount(accountId, ctx)).toMatchObject({ canLogIn: true });
    expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([]);
  });
}
