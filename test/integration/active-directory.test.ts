import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Control, PresenceFilter } from 'ldapts';
import { activeDirectory } from '../../src/connectors/active-directory.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, timeoutMs, unlimited } from '../conformance/harness.ts';
import { sambaServer } from './servers/samba.ts';
import { type AdHarness, replace, startAdHarness } from './support/ad-harness.ts';
import { bindAs } from './support/ldap-admin.ts';
import { describeOn } from './support/describe-on.ts';

const password = 'A-Password-4711';
const open = (config: Record<string, unknown>) =>
  openConnector('target', activeDirectory, {
    systemId: 'ad',
    config,
    now: () => clockMs,
    rateLimiter: unlimited,
    timeoutMs,
  });

describeOn(sambaServer, (running) => {
  describeTargetConnector('active-directory on a domain controller', { start: () => startAdHarness(running()) });

  describe('what is special about Active Directory', () => {
    let harness: AdHarness;
    beforeEach(async () => {
      harness = await startAdHarness(running());
    });
    afterEach(() => harness.sandbox.close());

    const makeAccount = async (userName?: string) => {
      const keys = keysOf(randomUUID());
      const { account } = await harness.connector.ensureAccount(keys, aProfile(userName), ctx);
      return { keys, accountId: account.accountId };
    };

    test('disabling and enabling keep every other flag of the account', async () => {
      const { connector, admin, dnOf, attributesOf } = harness;
      const { accountId } = await makeAccount();
      // Normal account, password never expires, not delegated.
      const flags = 0x200 | 0x10000 | 0x100000;
      await admin.modify(await dnOf(accountId), replace('userAccountControl', String(flags)));
      const control = async () => (await attributesOf(accountId, 'userAccountControl'))['userAccountControl'];
      await connector.setLogin(accountId, 'disabled', ctx);
      expect(await control()).toBe(String(flags | 2));
      await connector.setLogin(accountId, 'enabled', ctx);
      expect(await control()).toBe(String(flags));
    });

    test('a disable that met another change is told so, and nothing of that change is lost', async () => {
      const { connector, admin, dnOf, attributesOf, sandbox } = harness;
      const { accountId } = await makeAccount();
      const dn = await dnOf(accountId);
      // The write waits at the door while an administrator sets a flag.
      sandbox.faults.add({ kind: 'slow', method: 'PATCH', delayMs: 500 });
      const disabling = connector.setLogin(accountId, 'disabled', ctx);
      while (!sandbox.calls.some(({ fault }) => fault === 'slow'))
        await new Promise((resolve) => setTimeout(resolve, 10));
      await admin.modify(dn, replace('userAccountControl', String(0x200 | 0x10000)));
      await expectFailure(disabling, 'propagating');
      expect((await attributesOf(accountId, 'userAccountControl'))['userAccountControl']).toBe(String(0x10200));
      await connector.setLogin(accountId, 'disabled', ctx);
      expect((await attributesOf(accountId, 'userAccountControl'))['userAccountControl']).toBe(String(0x10202));
    });

    test('no login works after the cut, but a connection that was open before goes on', async () => {
      const { connector, setPassword, canBindWith, dnOf } = harness;
      const { accountId } = await makeAccount();
      await setPassword(accountId, password);
      const dn = await dnOf(accountId);
      const before = await bindAs(running(), dn, password);
      try {
        const startedAtMs = performance.now();
        await connector.setLogin(accountId, 'disabled', ctx);
        expect(await canBindWith(accountId, password)).toBe(false);
        console.log(
          `Active Directory: a login is refused ${Math.round(performance.now() - startedAtMs)} ms after the call`,
        );
        await connector.revokeSessions(accountId, ctx);
        const { searchEntries } = await before.search(dn, { scope: 'base', attributes: ['cn'] });
        expect(searchEntries).toHaveLength(1);
      } finally {
        await before.unbind();
      }
    });

    test('after a revocation the old password is dead, also within its hour of grace and after enabling', async () => {
      const { connector, setPassword, canBindWith } = harness;
      const { accountId } = await makeAccount();
      await setPassword(accountId, password);
      await setPassword(accountId, 'Another-Pass-0815');
      // The trap: one reset alone leaves the old password valid.
      expect(await canBindWith(accountId, password)).toBe(true);
      await setPassword(accountId, password);
      await connector.setLogin(accountId, 'disabled', ctx);
      await connector.revokeSessions(accountId, ctx);
      await connector.setLogin(accountId, 'enabled', ctx);
      expect(await canBindWith(accountId, password)).toBe(false);
    });

    test('an account that a crash left without password is finished, and was never open', async () => {
      const { connector, sandbox, attributesOf, accountIds } = harness;
      const keys = keysOf(randomUUID());
      const profile = aProfile();
      sandbox.faults.add({ kind: 'reset', method: 'PATCH' });
      await expectFailure(connector.ensureAccount(keys, profile, ctx), 'unknownOutcome');
      const [accountId = ''] = await accountIds();
      expect((await connector.getAccount(accountId, ctx))?.canLogIn).toBe(false);
      expect(await connector.ensureAccount(keys, profile, ctx)).toMatchObject({
        outcome: 'adopted',
        account: { canLogIn: true },
      });
      expect((await attributesOf(accountId, 'pwdLastSet'))['pwdLastSet']).not.toBe('0');
    });

    test('a large group is asked, not read: members beyond the first 1,500 are known', async () => {
      const { connector, admin, ou, groupId, attributesOf } = harness;
      const names = Array.from({ length: 1_600 }, (_, index) => `CN=c${index},${ou}`);
      for (const dn of names) await admin.add(dn, { objectClass: 'contact' });
      await admin.modify(`CN=Finance,${ou}`, replace('member', ...names));
      const { accountId } = await makeAccount();
      expect(await connector.ensureEntitlement(accountId, groupId, 'present', ctx)).toMatchObject({
        outcome: 'changed',
      });
      expect(await connector.ensureEntitlement(accountId, groupId, 'present', ctx)).toMatchObject({
        outcome: 'unchanged',
      });
      expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([groupId]);
      expect(await connector.ensureEntitlement(accountId, groupId, 'absent', ctx)).toMatchObject({
        outcome: 'changed',
      });
      expect((await attributesOf(groupId, 'member'))['member']).toHaveLength(1_600);
    }, 120_000);

    test('a deleted account is gone: it is neither found nor brought back, and its name is free', async () => {
      const { connector, admin, dnOf } = harness;
      const { keys, accountId } = await makeAccount('gone@example.test');
      await admin.del(await dnOf(accountId));
      const shown = new Control('1.2.840.113556.1.4.417', { critical: true });
      const tombs = await admin.search(
        running().baseDn,
        { filter: new PresenceFilter({ attribute: 'isDeleted' }), attributes: ['cn'] },
        shown,
      );
      expect(tombs.searchEntries.length).toBeGreaterThan(0);
      expect(await connector.getAccount(accountId, ctx)).toBeNull();
      expect(await connector.findAccount({ ...keys, accountId }, ctx)).toEqual({ outcome: 'none' });
      const again = await connector.ensureAccount({ ...keys, accountId }, aProfile('gone@example.test'), ctx);
      expect(again).toMatchObject({ outcome: 'created' });
      expect(again.account.accountId).not.toBe(accountId);
    });

    test('a name that was given to somebody else meanwhile is a conflict', async () => {
      const { connector, admin, dnOf, seedAccount } = harness;
      const { keys, accountId } = await makeAccount('reused@example.test');
      await admin.del(await dnOf(accountId));
      const other = await seedAccount({ userName: 'reused@example.test', correlationKey: null });
      await expectFailure(
        connector.ensureAccount({ ...keys, accountId }, aProfile('reused@example.test'), ctx),
        'conflict',
      );
      expect((await connector.getAccount(other, ctx))?.correlationKey).toBeNull();
    });

    test('names with signs that distinguished names and filters use, and long ones', async () => {
      const { connector } = harness;
      for (const userName of [
        'o\'brien, "x"=y+z;#<>\\@example.test',
        `${'long.name.'.repeat(5)}a@example.test`,
        'plain-name',
      ]) {
        const keys = keysOf(randomUUID());
        const { account } = await connector.ensureAccount(
          keys,
          { ...aProfile(userName), email: 'x@example.test' },
          ctx,
        );
        expect(await connector.findAccount(keys, ctx)).toMatchObject({
          outcome: 'found',
          account: { accountId: account.accountId },
        });
        expect(await connector.setLogin(account.accountId, 'disabled', ctx)).toMatchObject({ outcome: 'changed' });
      }
    });

    test('a HRIS key in employeeID is matched, and two places that disagree are ambiguous', async () => {
      const { connector, seedAccount, admin, dnOf } = harness;
      const accountId = await seedAccount({ userName: 'older@example.test', correlationKey: null });
      await admin.modify(await dnOf(accountId), replace('employeeID', '104'));
      expect(await connector.findAccount(keysOf(randomUUID(), '104'), ctx)).toMatchObject({
        account: { accountId, correlationKey: '104' },
      });
      await seedAccount({ userName: 'twin@example.test', correlationKey: '104' });
      expect(await connector.findAccount(keysOf(randomUUID(), '104'), ctx)).toMatchObject({ outcome: 'ambiguous' });
    });

    test('a last login is told where the directory has one, and nothing is told of others', async () => {
      const { connector, setPassword, canBindWith } = harness;
      const { accountId } = await makeAccount();
      await makeAccount();
      expect((await connector.listUsage?.(null, null, ctx))?.items).toEqual([]);
      await setPassword(accountId, password);
      expect(await canBindWith(accountId, password)).toBe(true);
      const since = new Date(Date.now() - 15 * 86_400_000).toISOString();
      const usage = await connector.listUsage?.(since, null, ctx);
      expect(usage?.items).toEqual([
        { accountId, vendorEntitlementId: null, lastUsedAt: expect.stringMatching(/^20\d\d-/) },
      ]);
      expect(usage?.items[0]?.lastUsedAt! >= since).toBe(true);
      expect((await connector.listUsage?.(new Date(Date.now() + 86_400_000).toISOString(), null, ctx))?.items).toEqual(
        [],
      );
    });

    test('accounts that a master brings are waited for, and cut off all the same', async () => {
      const { config, seedAccount, canLogIn } = harness;
      const connector = open({ ...config, accountsFrom: 'master' });
      const keys = keysOf(randomUUID());
      const error = await expectFailure(connector.ensureAccount(keys, aProfile(), ctx), 'propagating');
      expect(error.detail.retryAfterMs).toBe(300_000);
      const accountId = await seedAccount({ userName: 'brought@example.test', correlationKey: keys.personId });
      expect(await connector.ensureAccount(keys, aProfile(), ctx)).toMatchObject({
        outcome: 'adopted',
        account: { accountId },
      });
      await expectFailure(connector.updateProfile(accountId, { title: 'Boss' }, ctx), 'precondition');
      await connector.setLogin(accountId, 'disabled', ctx);
      expect(await canLogIn(accountId)).toBe(false);
    });

    test('the check names the rights that are missing, a key that does not fit, and places that are not there', async () => {
      const { config, seedAccount, setPassword, dnOf, ou } = harness;
      const accountId = await seedAccount({ userName: 'weak@example.test', correlationKey: null });
      await setPassword(accountId, password);
      const weak = await open({ ...config, bindDn: await dnOf(accountId), password }).check(ctx);
      expect(weak.isHealthy).toBe(false);
      const texts = weak.findings.map(({ text }) => text).join('\n');
      expect(texts).toMatch(/create user objects/);
      expect(texts).toMatch(/write userAccountControl, employeeNumber of users/);
      expect(texts).toMatch(/write member of groups/);
      const narrow = await open({ ...config, keyAttribute: 'employeeID' }).check(ctx);
      expect(narrow.findings).toEqual([
        { level: 'error', text: expect.stringMatching(/employeeID holds 16 characters/) },
      ]);
      const astray = await open({ ...config, baseDn: `OU=none,${ou}` }).check(ctx);
      expect(astray.findings.map(({ text }) => text)).toContain('baseDn does not exist or cannot be read.');
    });

    test('a wrong password is auth, a certificate of somebody else is no connection, and plain LDAP is refused', async () => {
      const { config } = harness;
      await expectFailure(open({ ...config, password: 'wrong-password' }).check(ctx), 'auth');
      const { ca: _ca, ...without } = config;
      const error = await expectFailure(open(without).check(ctx), 'transient');
      expect(error.message).toBe('the certificate of the server is not trusted');
      expect(() => open({ ...config, url: 'ldap://127.0.0.1:389' })).toThrow(/url/);
    });

    test('a listing goes on from its cursor in another process, and refuses the cursor of another server', async () => {
      const { connector, config, seedAccount } = harness;
      const ids: string[] = [];
      for (let index = 0; index < 7; index += 1) {
        ids.push(await seedAccount({ userName: `user${index}@example.test`, correlationKey: null }));
      }
      const first = await connector.listAccounts(null, ctx);
      const listed = first.items.map(({ accountId }) => accountId);
      for (let cursor = first.nextCursor; cursor !== null;) {
        const page = await open(config).listAccounts(cursor, ctx);
        listed.push(...page.items.map(({ accountId }) => accountId));
        cursor = page.nextCursor;
      }
      expect(listed.toSorted()).toEqual(ids.toSorted());
      const foreign = first.nextCursor?.replace(/^[0-9a-f]+/, 'ffffffffffffffff') ?? '';
      await expectFailure(connector.listAccounts(foreign, ctx), 'transient');
      await expectFailure(connector.listAccounts('nonsense', ctx), 'validation');
    });
  });
});
