/** A person whose names and keys are made to break filters, paths and headers, through every operation of a target. */
import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { ConnectorError } from '../../src/connectors/kit/errors.ts';
import { aProfile, ctx, hostileTexts, keysOf, type TargetHarness } from './harness.ts';

export function describeHostilePerson(current: () => TargetHarness): void {
  const named = hostileTexts.map((text) => [JSON.stringify(text.slice(0, 24)), text] as const);

  test.each(named)('with names like %s gets an account, access, and loses both', async (_label, text) => {
    const { connector, canLogIn, membersOf, groupId } = current();
    const keys = keysOf(randomUUID(), '104');
    const profile = { ...aProfile(), givenName: text, familyName: text, displayName: text, title: text };
    const { account } = await connector.ensureAccount(keys, profile, ctx);
    const known = { ...keys, accountId: account.accountId };
    expect(await connector.ensureAccount(known, profile, ctx)).toMatchObject({ outcome: 'unchanged' });
    await connector.ensureEntitlement(account.accountId, groupId, 'present', ctx);
    expect(await membersOf(groupId)).toEqual([account.accountId]);
    await connector.ensureEntitlement(account.accountId, groupId, 'absent', ctx);
    await connector.setLogin(account.accountId, 'disabled', ctx);
    expect([await membersOf(groupId), await canLogIn(account.accountId)]).toEqual([[], false]);
  });

  test.each(named)('with a key like %s is never taken for somebody else', async (_label, text) => {
    const { connector, seedAccount } = current();
    await seedAccount({ userName: 'bystander@example.test', correlationKey: randomUUID() });
    await seedAccount({ userName: 'keyless@example.test', correlationKey: null });
    const found = await noneOrRefused(connector.findAccount(keysOf(randomUUID(), text), ctx));
    expect(['none', 'refused']).toContain(found === 'refused' ? found : found.outcome);
  });

  test.each(named)('with an account id like %s reaches no other resource', async (_label, text) => {
    const { connector, seedAccount, sandbox, accountIds, canLogIn, groupId, membersOf } = current();
    const bystander = await seedAccount({ userName: 'bystander@example.test', correlationKey: randomUUID() });
    await connector.ensureEntitlement(bystander, groupId, 'present', ctx);
    sandbox.clearCalls();
    expect([null, 'refused']).toContain(await noneOrRefused(connector.getAccount(text, ctx)));
    await noneOrRefused(connector.setLogin(text, 'disabled', ctx));
    await noneOrRefused(connector.ensureEntitlement(bystander, text, 'absent', ctx));
    expect([await accountIds(), await canLogIn(bystander), await membersOf(groupId)]).toEqual([
      [bystander],
      true,
      [bystander],
    ]);
    expect(sandbox.calls.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
}

async function noneOrRefused<T>(call: Promise<T>): Promise<T | 'refused'> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    expect(['validation', 'notFound']).toContain(error.code);
    return 'refused';
  }
}
