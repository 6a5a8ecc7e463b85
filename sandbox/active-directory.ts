/**
 * Active Directory as its clients see it: objectGUID, flags, names that are unique in the domain, passwords in UTF-16, a
 * password that lives on for an hour after the next one, and its own result codes. Stricter than Samba where Active
 * Directory is: no login is switched on without a password.
 */
import { randomUUID } from 'node:crypto';
import type { SandboxServer } from './kit.ts';
import {
  changeValues,
  createDirectory,
  type Directory,
  type DirectoryEntry,
  type DirectoryRules,
  LdapRefusal,
  setText,
  textOf,
} from './ldap-directory.ts';
import { createLdapFront } from './ldap-front.ts';
import { makeSelfSigned } from './self-signed.ts';

export interface ActiveDirectorySandbox extends SandboxServer {
  directory: Directory;
  /** What a client must trust. */
  ca: string;
}

export interface ActiveDirectorySandboxOptions {
  service: { dn: string; password: string };
  baseDn: string;
  now?: () => Date;
}

/** With the units `People` and `Groups`. */
export function createActiveDirectorySandbox({
  service,
  baseDn,
  now,
}: ActiveDirectorySandboxOptions): ActiveDirectorySandbox {
  const clock = now ?? (() => new Date());
  const directory = createDirectory(rulesOf(baseDn, clock), service);
  directory.add(baseDn, { objectClass: ['domainDNS'] });
  for (const unit of ['People', 'Groups']) {
    const rights = { allowedChildClassesEffective: ['user', 'group', 'contact'] };
    directory.add(`OU=${unit},${baseDn}`, { objectClass: ['organizationalUnit'], ...rights });
  }
  directory.add(`CN=Schema,${baseDn}`, { objectClass: ['dMD'] });
  for (const [lDAPDisplayName, rangeUpper] of Object.entries({ employeeID: '16', employeeNumber: '512' })) {
    const attributes = {
      objectClass: ['attributeSchema'],
      lDAPDisplayName: [lDAPDisplayName],
      rangeUpper: [rangeUpper],
    };
    directory.add(`CN=${lDAPDisplayName},CN=Schema,${baseDn}`, attributes);
  }
  const tls = makeSelfSigned(['127.0.0.1'], new Date());
  const front = createLdapFront({ tls, connect: () => directory.connect(), now: clock });
  return { ...front, directory, ca: tls.cert };
}

const graceMs = 3_600_000;
/** MS-ADA1 to MS-ADA3. */
const maxLengths = {
  displayname: 256,
  givenname: 64,
  sn: 64,
  title: 128,
  department: 64,
  employeeid: 16,
  samaccountname: 256,
};
const shownNames =
  'objectGUID userAccountControl accountExpires pwdLastSet userPrincipalName sAMAccountName displayName givenName employeeNumber employeeID lastLogonTimestamp uSNCreated allowedAttributesEffective allowedChildClassesEffective';
const writable = ['userAccountControl', 'employeeNumber', 'employeeID', 'member'].map((name) => Buffer.from(name));

function rulesOf(baseDn: string, clock: () => Date): DirectoryRules {
  let highestChange = 1000;
  return {
    names: shownNames.split(' '),
    sizeLimit: 1000,
    rootDse: () => rootDseOf(baseDn, clock, highestChange),
    admit(entry) {
      highestChange += 3;
      entry.values.set('objectguid', [Buffer.from(randomUUID().replaceAll('-', ''), 'hex')]);
      setText(entry, 'uSNCreated', String(highestChange));
      entry.values.set('allowedattributeseffective', writable);
      if (!isOf(entry, 'user')) return;
      setText(entry, 'objectCategory', 'person');
      if (textOf(entry, 'pwdLastSet') === null) setText(entry, 'pwdLastSet', '0');
      const password = entry.values.get('unicodepwd');
      if (password !== undefined) setPassword(entry, password, clock);
    },
    change(entry, change) {
      if (change.attribute === 'unicodepwd') return setPassword(entry, change.values, clock);
      const isMember = change.attribute === 'member';
      changeValues(entry, change, isMember ? { exists: 68, absent: 53 } : { exists: 20, absent: 16 });
    },
    settle(entry, directory) {
      for (const [name, max] of Object.entries(maxLengths)) {
        if ((textOf(entry, name)?.length ?? 0) > max) throw new LdapRefusal(19, '00002082: AtrErr: DSID-03151907, #1');
      }
      if (!isOf(entry, 'user')) return;
      refuseTaken(entry, directory);
      const isOn = (Number(textOf(entry, 'userAccountControl')) & 2) === 0;
      if (isOn && textOf(entry, 'pwdLastSet') === '0')
        throw new LdapRefusal(53, '0000052D: SvcErr: DSID-031A12D2, problem 5003');
    },
    login(entry, password) {
      if ((Number(textOf(entry, 'userAccountControl')) & 2) !== 0) return 49;
      const expires = textOf(entry, 'accountExpires') ?? '0';
      if (expires !== '0' && BigInt(expires) <= BigInt(clock().getTime() + 11_644_473_600_000) * 10_000n) return 49;
      if (textOf(entry, 'currentPassword') === password) return 0;
      const changedAtMs = Number(textOf(entry, 'passwordChangedAtMs') ?? '0');
      const isInGrace = clock().getTime() - changedAtMs < graceMs;
      return isInGrace && textOf(entry, 'previousPassword') === password ? 0 : 49;
    },
    resolve(name, directory) {
      const hex = /^<GUID=([0-9a-f]{32})>$/i.exec(name)?.[1];
      if (hex === undefined) return directory.entries.find((entry) => textOf(entry, 'userPrincipalName') === name);
      return directory.entries.find((entry) => entry.values.get('objectguid')?.[0]?.equals(Buffer.from(hex, 'hex')));
    },
  };
}

function rootDseOf(baseDn: string, clock: () => Date, highestChange: number): Record<string, string[]> {
  return {
    currentTime: [`${clock().toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}.0Z`],
    dsServiceName: [`CN=NTDS Settings,CN=DC1,${baseDn}`],
    dnsHostName: ['dc1.corp.example'],
    highestCommittedUSN: [String(highestChange)],
    schemaNamingContext: [`CN=Schema,${baseDn}`],
  };
}

const isOf = (entry: DirectoryEntry, objectClass: string): boolean =>
  (entry.values.get('objectclass') ?? []).some((value) => value.toString('utf8') === objectClass);

function setPassword(entry: DirectoryEntry, [value]: Buffer[], clock: () => Date): void {
  const match = /^"(.{8,256})"$/s.exec(value?.toString('utf16le') ?? '');
  if (match?.[1] === undefined) throw new LdapRefusal(19, '0000052D: AtrErr: DSID-03191083, #1');
  const before = textOf(entry, 'currentPassword');
  if (before !== null) setText(entry, 'previousPassword', before);
  setText(entry, 'currentPassword', match[1]);
  setText(entry, 'passwordChangedAtMs', String(clock().getTime()));
  setText(entry, 'pwdLastSet', String(BigInt(clock().getTime() + 11_644_473_600_000) * 10_000n));
  entry.values.delete('unicodepwd');
}

function refuseTaken(entry: DirectoryEntry, directory: Directory): void {
  const guid = entry.values.get('objectguid')?.[0] ?? Buffer.alloc(0);
  const others = directory.entries.filter((other) => other.values.get('objectguid')?.[0]?.equals(guid) !== true);
  const same = (name: string): boolean => {
    const value = textOf(entry, name)?.toLowerCase();
    return value !== undefined && others.some((other) => textOf(other, name)?.toLowerCase() === value);
  };
  if (same('sAMAccountName')) throw new LdapRefusal(68, '00000524: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS)');
  if (same('userPrincipalName')) throw new LdapRefusal(19, '000021C8: AtrErr: DSID-03200EB3, #1');
}
