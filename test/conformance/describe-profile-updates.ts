/** Attributes of an account that exists: asserted by name, nothing beside them, and only a later read proves it. */
import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type { OwnedAttribute, ProfileValues } from '../../src/schemas/owned-attribute.ts';
import { aProfile, ctx, expectFailure, hostileTexts, keysOf, type TargetHarness } from './harness.ts';

const wanted = {
  displayName: 'Ada King',
  givenName: 'Augusta',
  familyName: 'King',
  title: 'Head of Finance',
  department: 'Treasury',
  email: 'ada.king@example.test',
  // Not the address: some vendors let no login be the address of another account.
  login: 'augusta.king@example.test',
} as const satisfies ProfileValues;

export function describeProfileUpdates(current: () => TargetHarness): void {
  const makeAccount = async (userName?: string): Promise<string> => {
    const { account } = await current().connector.ensureAccount(keysOf(randomUUID()), aProfile(userName), ctx);
    return account.accountId;
  };
  const valuesOf = async (accountId: string) => (await current().connector.readProfile(accountId, ctx))?.values;
  const writes = () => current().sandbox.calls.filter(({ method }) => method !== 'GET');

  test('every attribute reaches the account, once, and the account stays the same one', async () => {
    const { connector, manifest, sandbox, canLogIn } = current();
    const manager = await makeAccount();
    const accountId = await makeAccount();
    const before = await connector.getAccount(accountId, ctx);
    const all: Record<OwnedAttribute, string> = { ...wanted, manager };
    const owned = manifest.capabilities.profileUpdates.map((name) => [name, all[name]]);
    const values = Object.fromEntries(owned) as ProfileValues;
    expect(owned.length).toBeGreaterThan(0);
    expect(await connector.updateProfile(accountId, values, ctx)).toMatchObject({ outcome: 'changed' });
    expect(await valuesOf(accountId)).toMatchObject(values);
    sandbox.clearCalls();
    expect(await connector.updateProfile(accountId, values, ctx)).toMatchObject({ outcome: 'unchanged' });
    expect(writes()).toEqual([]);
    expect(await canLogIn(accountId)).toBe(true);
    expect((await connector.getAccount(accountId, ctx))?.correlationKey).toBe(before?.correlationKey);
  });

  test('what is not named stays, attribute by attribute', async () => {
    const { connector, manifest } = current();
    const manager = await makeAccount();
    const all: Record<OwnedAttribute, string> = { ...wanted, manager };
    for (const name of manifest.capabilities.profileUpdates) {
      const accountId = await makeAccount();
      const before = await valuesOf(accountId);
      await connector.updateProfile(accountId, { [name]: all[name] }, ctx);
      expect([name, await valuesOf(accountId)]).toEqual([name, { ...before, [name]: all[name] }]);
    }
  });

  test('other people are left alone', async () => {
    const { connector } = current();
    const bystander = await makeAccount();
    const before = await valuesOf(bystander);
    await connector.updateProfile(await makeAccount(), wanted, ctx);
    expect(await valuesOf(bystander)).toEqual(before);
  });

  test('a success without effect is contradicted by the next read', async () => {
    const { connector, sandbox } = current();
    const accountId = await makeAccount();
    const before = await valuesOf(accountId);
    sandbox.faults.add({ kind: 'lie', times: null });
    expect(await connector.updateProfile(accountId, { title: wanted.title }, ctx)).toMatchObject({
      outcome: 'changed',
    });
    expect(await valuesOf(accountId)).toEqual(before);
  });

  test('a lost answer is an unknown outcome, and the repeat finds the work done', async () => {
    const { connector, sandbox } = current();
    const accountId = await makeAccount();
    for (const method of ['POST', 'PATCH', 'PUT']) sandbox.faults.add({ kind: 'lostResponse', method });
    await expectFailure(connector.updateProfile(accountId, { title: wanted.title }, ctx), 'unknownOutcome');
    expect(await connector.updateProfile(accountId, { title: wanted.title }, ctx)).toMatchObject({
      outcome: 'unchanged',
    });
    expect(await valuesOf(accountId)).toMatchObject({ title: wanted.title });
  });

  test('a login that another account has is a conflict, and neither account changes', async () => {
    const { connector } = current();
    const taken = 'taken.by@example.test';
    const holder = await makeAccount(taken);
    const accountId = await makeAccount();
    const before = [await valuesOf(holder), await valuesOf(accountId)];
    await expectFailure(connector.updateProfile(accountId, { login: taken, title: wanted.title }, ctx), 'conflict');
    expect([await valuesOf(holder), await valuesOf(accountId)]).toEqual(before);
  });

  test('an account that does not exist reads as null and cannot be changed', async () => {
    const { connector, sandbox } = current();
    expect(await connector.readProfile('does-not-exist', ctx)).toBeNull();
    sandbox.clearCalls();
    await expectFailure(connector.updateProfile('does-not-exist', { title: wanted.title }, ctx), 'notFound');
    expect(writes()).toEqual([]);
  });

  test('throttling tells how long to wait, before anything is written', async () => {
    const { connector, sandbox } = current();
    const accountId = await makeAccount();
    sandbox.faults.add({ kind: 'throttle', retryAfterSeconds: 9 });
    const error = await expectFailure(connector.updateProfile(accountId, { title: wanted.title }, ctx), 'throttled');
    expect(error.detail.retryAfterMs).toBe(current().notHttp?.busyRetryAfterMs ?? 9000);
  });

  test.each(hostileTexts.map((text) => [JSON.stringify(text.slice(0, 24)), text] as const))(
    'names and titles like %s are stored in the form that the connector foretells, and hit nobody else',
    async (_label, text) => {
      const { connector } = current();
      const bystander = await makeAccount();
      const accountId = await makeAccount();
      const before = await valuesOf(bystander);
      const values = { displayName: text, givenName: text, familyName: text, title: text, department: text };
      await connector.updateProfile(accountId, values, ctx);
      expect(await valuesOf(accountId)).toMatchObject(connector.profileAsStored(values));
      expect(await connector.updateProfile(accountId, values, ctx)).toMatchObject({ outcome: 'unchanged' });
      expect(await valuesOf(bystander)).toEqual(before);
    },
  );
}
