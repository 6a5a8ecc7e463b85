/**
 * One lifecycle on three SCIM servers that are not ours and disagree, each with nothing but its quirk profile; the truth is
 * read past the connector. And the other way round: scim2-tester's verdict on our own sandbox server.
 */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createScimSandbox } from '../../sandbox/scim.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { collectPages } from '../../src/connectors/kit/paging.ts';
import { scim } from '../../src/connectors/scim.ts';
import type { QuirkProfileName } from '../../src/connectors/scim/quirk-profiles.ts';
import { aProfile, ctx, expectFailure, hostileTexts, keysOf, unlimited } from '../conformance/harness.ts';
import { betterAuthScimServer } from './servers/better-auth-scim.ts';
import { scim2Server, testerVerdict, type RunningScimServer } from './servers/scim2-server.ts';
import { scimmyServer } from './servers/scimmy.ts';
import { describeOn } from './support/describe-on.ts';

const servers = [
  { server: scim2Server, profile: 'rfc', nameLengthMax: Infinity, listMax: Infinity },
  { server: betterAuthScimServer, profile: 'better-auth', nameLengthMax: 10_000, listMax: Infinity },
  { server: scimmyServer, profile: 'scimmy', nameLengthMax: Infinity, listMax: 20 },
] as const;

for (const { server, ...dialect } of servers) {
  describeOn(server, (running) => describeLifecycle(running, dialect));
}

type Resource = Record<string, unknown> & { id: string };

interface Dialect {
  profile: QuirkProfileName;
  /** The server refuses longer ones. */
  nameLengthMax: number;
  /** The server never shows more, whatever it is asked for. */
  listMax: number;
}

function describeLifecycle(running: () => RunningScimServer, { profile, nameLengthMax, listMax }: Dialect): void {
  const connect = (quirks: object = {}) => {
    const { url, token } = running();
    const config = { url, token, quirks: { profile, ...quirks } };
    const options = { systemId: 'app', config, now: () => Date.now(), rateLimiter: unlimited };
    return openConnector('target', scim, options);
  };
  /** Past the connector. */
  const raw = async (method: string, path: string, body?: object) => {
    const { url, token } = running();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, { method, headers, ...init });
    return { status: response.status, body: JSON.parse((await response.text()) || '{}') as Resource };
  };
  const makeGroup = async (displayName: string): Promise<string> =>
    (await raw('POST', '/Groups', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName })).body.id;
  const makeUser = async (userName: string, externalId?: string): Promise<string> => {
    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User'];
    const emails = [{ value: userName, type: 'work', primary: true }];
    const key = externalId === undefined ? {} : { externalId };
    return (await raw('POST', '/Users', { schemas, userName, emails, active: true, ...key })).body.id;
  };
  const membersOf = async (groupId: string): Promise<string[]> => {
    const { members } = (await raw('GET', `/Groups/${groupId}`)).body as { members?: { value: string }[] };
    return (members ?? []).map(({ value }) => value).toSorted();
  };
  const isActive = async (id: string): Promise<unknown> => (await raw('GET', `/Users/${id}`)).body['active'];

  test('check finds the profile to fit', async () => {
    const group = await makeGroup(`Check ${randomUUID()}`);
    const [one] = [await makeUser(`${randomUUID()}@example.test`), await makeUser(`${randomUUID()}@example.test`)];
    await connect().ensureEntitlement(one, group, 'present', ctx);
    const { isHealthy, findings } = await connect().check(ctx);
    expect(findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(isHealthy).toBe(true);
  });

  test('an account is made once, is found by its key, and a second attempt adopts it', async () => {
    const connector = connect();
    const keys = keysOf(randomUUID(), '104-nobody');
    const person = aProfile();
    const { outcome, account } = await connector.ensureAccount(keys, person, ctx);
    expect(outcome).toBe('created');
    expect((await raw('GET', `/Users/${account.accountId}`)).body).toMatchObject({
      userName: person.userName,
      externalId: keys.personId,
      active: true,
    });
    expect(await connector.findAccount(keys, ctx)).toMatchObject({ account: { accountId: account.accountId } });
    expect(await connector.ensureAccount(keys, person, ctx)).toMatchObject({ outcome: 'adopted' });
    const known = { ...keys, accountId: account.accountId };
    expect(await connector.ensureAccount(known, person, ctx)).toMatchObject({ outcome: 'unchanged' });
    expect(await connector.ensureAccount(known, { ...person, title: 'Head' }, ctx)).toMatchObject({
      outcome: 'changed',
    });
    expect((await raw('GET', `/Users/${account.accountId}`)).body['title']).toBe('Head');
  });

  test('an account with an HRIS key is adopted and keeps it; a name with another key or none is a conflict', async () => {
    const connector = connect();
    const key = `hris-${randomUUID()}`;
    const older = await makeUser(`${randomUUID()}@example.test`, key);
    const adopted = await connector.ensureAccount(keysOf(randomUUID(), key), aProfile(), ctx);
    expect(adopted).toMatchObject({ outcome: 'adopted', account: { accountId: older, correlationKey: key } });
    for (const otherKey of [undefined, `hris-${randomUUID()}`]) {
      const userName = `${randomUUID()}@example.test`;
      const taken = await makeUser(userName, otherKey);
      await expectFailure(connector.ensureAccount(keysOf(randomUUID()), aProfile(userName), ctx), 'conflict');
      expect((await raw('GET', `/Users/${taken}`)).body['externalId']).toBe(otherKey);
    }
  });

  test('a login is disabled and enabled, each once, and the server says so', async () => {
    const connector = connect();
    const id = await makeUser(`${randomUUID()}@example.test`, randomUUID());
    const before = await connector.readProfile(id, ctx);
    for (const [state, active] of [
      ['disabled', false],
      ['enabled', true],
    ] as const) {
      expect(await connector.setLogin(id, state, ctx)).toMatchObject({ outcome: 'changed' });
      expect(await isActive(id)).toBe(active);
      expect(await connector.getAccount(id, ctx)).toMatchObject({ canLogIn: active });
      expect(await connector.setLogin(id, state, ctx)).toMatchObject({ outcome: 'unchanged' });
    }
    expect(await connector.readProfile(id, ctx)).toEqual(before);
  });

  test('of three members one is removed, once, and two remain', async () => {
    const connector = connect();
    const groupId = await makeGroup(`Finance ${randomUUID()}`);
    const ids: string[] = [];
    for (let index = 0; index < 3; index += 1) ids.push(await makeUser(`${randomUUID()}@example.test`));
    const [first = '', ...others] = ids;
    for (const id of ids) {
      expect(await connector.ensureEntitlement(id, groupId, 'present', ctx)).toMatchObject({ outcome: 'changed' });
      expect(await connector.ensureEntitlement(id, groupId, 'present', ctx)).toMatchObject({ outcome: 'unchanged' });
    }
    expect(await membersOf(groupId)).toEqual(ids.toSorted());
    expect(await connector.listAccountEntitlements(first, ctx)).toEqual([groupId]);
    expect(await connector.ensureEntitlement(first, groupId, 'absent', ctx)).toMatchObject({ outcome: 'changed' });
    expect(await connector.ensureEntitlement(first, groupId, 'absent', ctx)).toMatchObject({ outcome: 'unchanged' });
    expect(await membersOf(groupId)).toEqual(others.toSorted());
    expect(await connector.listAccountEntitlements(first, ctx)).toEqual([]);
    const fetchPage = (cursor: string | null) => connector.listEntitlements(cursor, ctx);
    const all = await collectPages(fetchPage, { systemId: 'app', operation: 'test' });
    expect(all.map(({ vendorEntitlementId }) => vendorEntitlementId)).toContain(groupId);
  });

  test('every account is listed exactly once, disabled ones too, whatever the pages', async () => {
    const made: string[] = [];
    for (let index = 0; index < 7; index += 1) made.push(await makeUser(`${randomUUID()}@example.test`));
    await connect().setLogin(made[3]!, 'disabled', ctx);
    for (const pageMax of listMax === Infinity ? [2, 100] : [100]) {
      const fetchPage = (cursor: string | null) => connect({ pageMax }).listAccounts(cursor, ctx);
      const listed = await collectPages(fetchPage, { systemId: 'app', operation: 'test' });
      const ids = listed.map(({ accountId }) => accountId);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toEqual(expect.arrayContaining(made));
      expect(listed.find(({ accountId }) => accountId === made[3])?.canLogIn).toBe(false);
    }
  });

  test('a list that the server cannot show is an error, never a short list', async () => {
    if (listMax === Infinity) return;
    for (let index = 0; index < listMax; index += 1) await makeUser(`${randomUUID()}@example.test`);
    await expectFailure(connect().listAccounts(null, ctx), 'transient');
  });

  test('attributes change by name and nothing beside them; a login that is taken is a conflict', async () => {
    const connector = connect();
    const { account } = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
    const other = await connector.ensureAccount(keysOf(randomUUID()), aProfile(), ctx);
    const before = await connector.readProfile(account.accountId, ctx);
    const values = { title: 'Head of Finance', givenName: 'Augusta', familyName: 'King' };
    expect(await connector.updateProfile(account.accountId, values, ctx)).toMatchObject({ outcome: 'changed' });
    expect((await connector.readProfile(account.accountId, ctx))?.values).toEqual({
      ...before?.values,
      ...values,
    });
    expect(await connector.updateProfile(account.accountId, values, ctx)).toMatchObject({ outcome: 'unchanged' });
    const login = other.account.userName;
    await expectFailure(connector.updateProfile(account.accountId, { login }, ctx), 'conflict');
  });

  test.each(hostileTexts.map((text) => [JSON.stringify(text.slice(0, 24)), text] as const))(
    'a person with names and keys like %s gets an account and access, loses both, and is nobody else',
    async (_label, text) => {
      const connector = connect();
      const bystander = await makeUser(`${randomUUID()}@example.test`, randomUUID());
      const groupId = await makeGroup(`Hostile ${randomUUID()}`);
      const person = { ...aProfile(), givenName: text, familyName: text, displayName: text, title: text };
      const creating = connector.ensureAccount(keysOf(randomUUID()), person, ctx);
      if (text.length > nameLengthMax) {
        await expectFailure(creating, 'validation');
        return;
      }
      const { account } = await creating;
      await connector.ensureEntitlement(account.accountId, groupId, 'present', ctx);
      expect(await membersOf(groupId)).toEqual([account.accountId]);
      await connector.ensureEntitlement(account.accountId, groupId, 'absent', ctx);
      await connector.setLogin(account.accountId, 'disabled', ctx);
      expect([await membersOf(groupId), await isActive(account.accountId), await isActive(bystander)]).toEqual([
        [],
        false,
        true,
      ]);
      const found = await connector.findAccount(keysOf(randomUUID(), text), ctx).catch((error: Error) => error);
      expect(found instanceof Error || found.outcome === 'none').toBe(true);
      const read = await connector.getAccount(text, ctx).catch((error: Error) => error);
      expect(read instanceof Error || read === null).toBe(true);
    },
  );

  test('what does not exist is not found', async () => {
    const connector = connect();
    expect(await connector.getAccount(randomUUID(), ctx)).toBeNull();
    await expectFailure(connector.setLogin(randomUUID(), 'disabled', ctx), 'notFound');
    const id = await makeUser(`${randomUUID()}@example.test`);
    await expectFailure(connector.ensureEntitlement(id, randomUUID(), 'present', ctx), 'notFound');
    expect(await connector.ensureEntitlement(id, randomUUID(), 'absent', ctx)).toMatchObject({ outcome: 'unchanged' });
  });

  test('a wrong token is refused', async () => {
    const config = { url: running().url, token: 'wrong', quirks: profile };
    const wrong = openConnector('target', scim, { systemId: 'app', config, now: () => Date.now() });
    await expectFailure(wrong.listAccounts(null, ctx), 'auth');
  });
}

const describeTester = scim2Server.isInstalled() ? describe : describe.skip;

/** Findings that stay, each with its reason. */
const accepted = [
  // An account is enabled or not, and RFC 7643 leaves the meaning of an absent `active` to the server: it is true here.
  "ERROR check_remove_attribute PATCH modify() did not remove attribute 'active'",
];

describeTester('our sandbox server in the eyes of scim2-tester', () => {
  test('has no error but those with a reason', async () => {
    const token = 'token-of-the-sandbox';
    const sandbox = createScimSandbox({ token });
    const { url } = await sandbox.listen(0);
    try {
      const findings = await testerVerdict(url, token);
      expect(findings.filter((finding) => finding.startsWith('ERROR'))).toEqual(accepted);
      expect(findings.filter((finding) => finding.startsWith('SUCCESS')).length).toBeGreaterThan(70);
    } finally {
      await sandbox.close();
    }
  });
});
