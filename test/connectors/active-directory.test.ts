import { createActiveDirectorySandbox } from '../../sandbox/active-directory.ts';
import { setText, textOf } from '../../sandbox/ldap-directory.ts';
import { activeDirectory } from '../../src/connectors/active-directory.ts';
import { guidText } from '../../src/connectors/active-directory/guid.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { describeTargetConnector } from '../conformance/describe-target.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../conformance/harness.ts';

const service = { dn: 'CN=usher,DC=corp,DC=example', password: 'password-of-the-service' };
const baseDn = 'DC=corp,DC=example';
const accountBaseDn = `OU=People,${baseDn}`;
const pageSize = 3;
const remembered = 'Remembered-4711';
const quoted = (password: string) => Buffer.from(`"${password}"`, 'utf16le');

async function start(): Promise<TargetHarness> {
  const sandbox = createActiveDirectorySandbox({ service, baseDn, now: () => new Date(clockMs) });
  const { directory, ca } = sandbox;
  const { url } = await sandbox.listen();
  const connectTo = (origin: string) => {
    const place = { url: origin, ca, bindDn: service.dn, password: service.password };
    const config = { ...place, baseDn, accountBaseDn, pageMax: pageSize };
    return openConnector('target', activeDirectory, {
      systemId: 'ad',
      config,
      now: () => clockMs,
      rateLimiter: unlimited,
      timeoutMs,
    });
  };
  const idOf = (dn: string) => guidText(directory.find(dn)?.values.get('objectguid')?.[0] ?? Buffer.alloc(0));
  const users = () => directory.entries.filter((entry) => textOf(entry, 'sAMAccountName') !== null);
  const userOf = (accountId: string) => users().find(({ dn }) => idOf(dn) === accountId)!;
  const groupDn = `CN=Finance,OU=Groups,${baseDn}`;
  directory.add(groupDn, { objectClass: ['group'] });
  const setPassword = (accountId: string, password: string) =>
    directory.modify(userOf(accountId).dn, [
      { operation: 'replace', attribute: 'unicodepwd', values: [quoted(password)] },
    ]);
  return {
    connector: connectTo(url),
    connectTo,
    manifest: activeDirectory.manifest,
    sandbox,
    secrets: [service.password],
    notHttp: { busyRetryAfterMs: 5000 },
    listingCallsMax: (pages) => 3 + 6 * pages,
    pageSize,
    statuses: ['enabled', 'disabled', 'expired'],
    groupId: idOf(groupDn),
    usersPath: '^CN=',
    memberMethod: 'PATCH',
    memberPath: '^CN=Finance,',
    seedAccount({ userName, correlationKey }) {
      const [name = ''] = userName.split('@');
      const dn = `CN=${name},${accountBaseDn}`;
      const key = correlationKey === null ? {} : { employeeNumber: [correlationKey] };
      const names = { objectClass: ['user'], sAMAccountName: [name], userPrincipalName: [userName] };
      directory.add(dn, { ...names, ...key, userAccountControl: ['512'], unicodePwd: [quoted(remembered)] });
      return Promise.resolve(idOf(dn));
    },
    forceStatus(accountId, status) {
      setText(userOf(accountId), 'userAccountControl', status === 'disabled' ? '514' : '512');
      // The first of January 2020.
      if (status === 'expired') setText(userOf(accountId), 'accountExpires', '132223104000000000');
    },
    canLogIn(accountId) {
      setPassword(accountId, remembered);
      return directory.bind(userOf(accountId).dn, remembered) === 0;
    },
    accountIds: () => users().map(({ dn }) => idOf(dn)),
    membersOf: () => (directory.find(groupDn)?.values.get('member') ?? []).map((dn) => idOf(dn.toString('utf8'))),
    createSession: (accountId) => setPassword(accountId, remembered),
    sessionCount: (accountId) => (directory.bind(userOf(accountId).dn, remembered) === 0 ? 1 : 0),
    replyWithNextLink: null,
  };
}

describeTargetConnector('active-directory', { start });
