import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { openldap } from '../../src/connectors/openldap.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, timeoutMs, unlimited } from '../conformance/harness.ts';
import { slapdServer } from './servers/slapd.ts';
import { describeOn } from './support/describe-on.ts';
import { bindAs } from './support/ldap-admin.ts';
import { type OpenLdapHarness, startOpenLdapHarness } from './support/openldap-harness.ts';

const password = 'A-Password-4711';
const open = (config: Record<string, unknown>) =>
  openConnector('target', openldap, {
    systemId: 'ldap',
    config,
    now: () => clockMs,
    rateLimiter: unlimited,
    timeoutMs,
  });

describeOn(slapdServer, (running) => {
  describeTargetConnector('openldap on slapd', { start: () => startOpenLdapHarness(running()) });

  describe('what is special about OpenLDAP', () => {
    let harness: OpenLdapHarness;
    beforeEach(async () => {
      harness = await startOpenLdapHarness(running());
    });
    afterEach(() => harness.sandbox.close());

    const makeAccount = async (userName?: string) => {
      const keys = keysOf(randomUUID());
      const { account } = await harness.connector.ensureAccount(keys, aProfile(userName), ctx);
      return { keys, accountId: account.accountId };
    };

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
        console.log(`OpenLDAP: a login is refused ${Math.round(performance.now() - startedAtMs)} ms after the call`);
        await expectFailure(connector.revokeSessions(accountId, ctx), 'unsupported');
        expect((await before.search(dn, { scope: 'base' })).searchEntries).toHaveLength(1);
        await connector.setLogin(accountId, 'enabled', ctx);
        expect(await canBindWith(accountId, password)).toBe(true);
      } finally {
        await before.unbind();
      }
    });

    test('a lock without effect is no success: not by check, not by the write, not by the read', async () => {
      const { config, setPassword, canBindWith, dnOf, change, connector } = harness;
      const { accountId } = await makeAccount();
      await setPassword(accountId, password);
      await change(await dnOf(accountId), 'pwdPolicySubentry', running().blindPolicyDn);
      await expectFailure(connector.setLogin(accountId, 'disabled', ctx), 'precondition');
      expect(await canBindWith(accountId, password)).toBe(true);
      expect(await connector.getAccount(accountId, ctx)).toMatchObject({ vendorStatus: 'locked', canLogIn: true });
      const blind = await open({ ...config, defaultPolicyDn: running().blindPolicyDn }).check(ctx);
      expect(blind).toMatchObject({ isHealthy: false, findings: [{ text: expect.stringMatching(/pwdLockout/) }] });
      const astray = await open({ ...config, defaultPolicyDn: `cn=none,${running().suffix}` }).check(ctx);
      expect(astray.isHealthy).toBe(false);
    });

    test('the last member leaves although the class allows no empty group', async () => {
      const { connector, groupId, groups, admin, membersOf } = harness;
      const { accountId } = await makeAccount();
      await connector.ensureEntitlement(accountId, groupId, 'present', ctx);
      const { searchEntries } = await admin.search(`cn=Finance,${groups}`, { scope: 'base', attributes: ['member'] });
      const members = (searchEntries[0]?.['member'] ?? []) as string[];
      await harness.change(`cn=Finance,${groups}`, 'member', ...members.filter((dn) => dn !== running().service.dn));
      expect(await connector.ensureEntitlement(accountId, groupId, 'absent', ctx)).toMatchObject({
        outcome: 'changed',
      });
      expect(await membersOf(groupId)).toEqual([]);
      expect(await connector.listAccountEntitlements(accountId, ctx)).toEqual([]);
      expect(await connector.ensureEntitlement(accountId, groupId, 'present', ctx)).toMatchObject({
        outcome: 'changed',
      });
    });

    test('two attempts at once for one person make one account', async () => {
      const { connector, accountIds } = harness;
      const keys = keysOf(randomUUID());
      const profile = aProfile();
      const results = await Promise.allSettled([1, 2, 3].map(() => connector.ensureAccount(keys, profile, ctx)));
      expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
      expect(await accountIds()).toHaveLength(1);
    });

    test('a login that stands in the name of an older entry is not changed, and told so', async () => {
      const { connector, seedAccount } = harness;
      const accountId = await seedAccount({ userName: 'older@example.test', correlationKey: '104' });
      await expectFailure(connector.updateProfile(accountId, { login: 'newer@example.test' }, ctx), 'precondition');
      expect(await connector.updateProfile(accountId, { title: 'Boss' }, ctx)).toMatchObject({ outcome: 'changed' });
    });

    test('a last login is told where the server keeps it', async () => {
      const { connector, setPassword, canBindWith } = harness;
      const { accountId } = await makeAccount();
      await makeAccount();
      await setPassword(accountId, password);
      const since = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();
      expect(await canBindWith(accountId, password)).toBe(true);
      const usage = await connector.listUsage?.(since, null, ctx);
      expect(usage?.items).toEqual([
        { accountId, vendorEntitlementId: null, lastUsedAt: expect.stringMatching(/^20\d\d-/) },
      ]);
      expect((await connector.listUsage?.(new Date(Date.now() + 60_000).toISOString(), null, ctx))?.items).toEqual([]);
    });

    test('more people than the server shows at a time are listed whole', async () => {
      const { admin, people, config } = harness;
      const count = 1_250;
      for (let index = 0; index < count; index += 1) {
        await admin.add(`uid=u${index},${people}`, { objectClass: 'inetOrgPerson', cn: 'u', sn: 'u' });
      }
      const connector = open({ ...config, pageMax: 200 });
      const ids = new Set<string>();
      let pages = 0;
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof connector.listAccounts>> = await connector.listAccounts(cursor, ctx);
        for (const { accountId } of page.items) ids.add(accountId);
        expect(page.items.length).toBeLessThanOrEqual(200);
        cursor = page.nextCursor;
        pages += 1;
      } while (cursor !== null);
      expect([ids.size, pages < 30]).toEqual([count, true]);
      await expectFailure(connector.listAccounts('nonsense', ctx), 'validation');
    }, 120_000);

    test('a wrong password is auth, a certificate of somebody else is no connection, and plain LDAP is refused', async () => {
      const { config } = harness;
      await expectFailure(open({ ...config, password: 'wrong-password' }).check(ctx), 'auth');
      const { ca: _ca, ...without } = config;
      const error = await expectFailure(open(without).check(ctx), 'transient');
      expect(error.message).toBe('the certificate of the server is not trusted');
      expect(() => open({ ...config, url: 'ldap://127.0.0.1:389' })).toThrow(/url/);
    });
  });
});
