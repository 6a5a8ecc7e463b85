import { setText, textOf } from '../../sandbox/ldap-directory.ts';
import { createOpenLdapSandbox } from '../../sandbox/openldap.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { openldap } from '../../src/connectors/openldap.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';

const suffix = 'dc=corp,dc=example';
const service = { dn: `cn=usher,${suffix}`, password: 'password-of-the-service' };
const defaultPolicyDn = `cn=default,${suffix}`;
const people = `ou=people,${suffix}`;
const pageSize = 3;

async function start(): Promise<TargetHarness> {
  const sandbox = createOpenLdapSandbox({ service, suffix, defaultPolicyDn, now: () => new Date(clockMs) });
  const { directory, ca } = sandbox;
  const { url } = await sandbox.listen();
  const connectTo = (origin: string) => {
    const place = { url: origin, ca, bindDn: service.dn, password: service.password, defaultPolicyDn };
    const config = { ...place, baseDn: suffix, accountBaseDn: people, pageMax: pageSize };
    return openConnector('target', openldap, {
      systemId: 'ldap',
      config,
      now: () => clockMs,
      rateLimiter: unlimited,
      timeoutMs,
    });
  };
  const idOf = (dn: string) => textOf(directory.find(dn)!, 'entryUUID') ?? '';
  const accounts = () => directory.entries.filter((entry) => textOf(entry, 'objectClass') === 'inetOrgPerson');
  const personOf = (accountId: string) => accounts().find((entry) => textOf(entry, 'entryUUID') === accountId)!;
  const groupDn = `cn=Finance,ou=groups,${suffix}`;
  directory.add(groupDn, { objectClass: ['groupOfNames'], member: [service.dn] });
  return {
    connector: connectTo(url),
    connectTo,
    manifest: openldap.manifest,
    sandbox,
    secrets: [service.password],
    notHttp: { busyRetryAfterMs: 5000 },
    listingCallsMax: (pages) => 3 + 6 * pages,
    pageSize,
    statuses: ['active', 'locked'],
    groupId: idOf(groupDn),
    usersPath: '^employeeNumber=',
    memberMethod: 'PATCH',
    memberPath: '^cn=Finance,',
    seedAccount({ userName, correlationKey }) {
      const dn = `uid=${userName},${people}`;
      const key = correlationKey === null ? {} : { employeeNumber: [correlationKey] };
      directory.add(dn, { objectClass: ['inetOrgPerson'], cn: [userName], sn: [userName], uid: [userName], ...key });
      return Promise.resolve(idOf(dn));
    },
    forceStatus(accountId, status) {
      if (status === 'locked') setText(personOf(accountId), 'pwdAccountLockedTime', '000001010000Z');
      else personOf(accountId).values.delete('pwdaccountlockedtime');
    },
    canLogIn(accountId) {
      setText(personOf(accountId), 'userPassword', 'known');
      return directory.bind(personOf(accountId).dn, 'known') === 0;
    },
    accountIds: () => accounts().map(({ dn }) => idOf(dn)),
    membersOf: () =>
      (directory.find(groupDn)?.values.get('member') ?? [])
        .map(String)
        .filter((dn) => dn !== service.dn)
        .map(idOf),
    // slapd has no sessions that anybody could count or end.
    createSession: () => undefined,
    sessionCount: () => 0,
    replyWithNextLink: null,
  };
}

describeTargetConnector('openldap', { start });
