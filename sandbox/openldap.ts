/**
 * OpenLDAP as its clients see it: people and groups by entryUUID, the lock of the password policy (which counts only
 * where the policy says so), classes that allow no empty group, 500 hits at most.
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
  textOf,
} from './ldap-directory.ts';
import { createLdapFront } from './ldap-front.ts';
import { makeSelfSigned } from './self-signed.ts';

export interface OpenLdapSandbox extends SandboxServer {
  directory: Directory;
  /** What a client must trust. */
  ca: string;
}

export interface OpenLdapSandboxOptions {
  service: { dn: string; password: string };
  suffix: string;
  defaultPolicyDn: string;
  now?: () => Date;
}

/** With the units `people` and `groups`, and a default policy that looks at locks. */
export function createOpenLdapSandbox({
  service,
  suffix,
  defaultPolicyDn,
  now,
}: OpenLdapSandboxOptions): OpenLdapSandbox {
  const directory = createDirectory(rulesOf(defaultPolicyDn), service);
  directory.add(suffix, { objectClass: ['organization'] });
  for (const unit of ['people', 'groups'])
    directory.add(`ou=${unit},${suffix}`, { objectClass: ['organizationalUnit'] });
  directory.add(defaultPolicyDn, { objectClass: ['pwdPolicy'], pwdLockout: ['TRUE'] });
  const tls = makeSelfSigned(['127.0.0.1'], new Date());
  const front = createLdapFront({ tls, connect: () => directory.connect(), ...(now === undefined ? {} : { now }) });
  return { ...front, directory, ca: tls.cert };
}

const uidOf = (entry: DirectoryEntry): string => (textOf(entry, 'uid') ?? '').toLowerCase();

function rulesOf(defaultPolicyDn: string): DirectoryRules {
  return {
    names: ['entryUUID', 'employeeNumber', 'pwdAccountLockedTime', 'pwdPolicySubentry', 'displayName', 'givenName'],
    sizeLimit: 500,
    rootDse: () => ({ supportedControl: ['1.3.6.1.4.1.42.2.27.8.5.1', '1.2.840.113556.1.4.319'] }),
    admit: (entry) => void entry.values.set('entryuuid', [Buffer.from(randomUUID())]),
    change(entry, change) {
      changeValues(entry, change, { exists: 20, absent: 16 });
    },
    settle(entry, directory) {
      const classes = (entry.values.get('objectclass') ?? []).map(String);
      if (classes.includes('groupOfNames') && (entry.values.get('member') ?? []).length === 0) {
        throw new LdapRefusal(65, "object class 'groupOfNames' requires attribute 'member'");
      }
      if (!classes.includes('inetOrgPerson')) return;
      if (textOf(entry, 'sn') === null)
        throw new LdapRefusal(65, "object class 'inetOrgPerson' requires attribute 'sn'");
      const [, naming = '', value = ''] = /^([^=]+)=([^,]+),/.exec(entry.dn) ?? [];
      if (naming.toLowerCase() === 'uid' && uidOf(entry) !== value.toLowerCase()) {
        throw new LdapRefusal(64, "value of naming attribute 'uid' is not present in entry");
      }
      const id = textOf(entry, 'entryUUID');
      const isTaken = (other: DirectoryEntry) => textOf(other, 'entryUUID') !== id && uidOf(other) === uidOf(entry);
      if (uidOf(entry) !== '' && directory.entries.some(isTaken))
        throw new LdapRefusal(19, 'some attributes not unique');
    },
    login(entry, password, directory) {
      const policy = directory.find(textOf(entry, 'pwdPolicySubentry') ?? defaultPolicyDn);
      const isLockoutOn = policy !== undefined && textOf(policy, 'pwdLockout') === 'TRUE';
      if (isLockoutOn && textOf(entry, 'pwdAccountLockedTime') !== null) return 49;
      return textOf(entry, 'userPassword') === password ? 0 : 49;
    },
    resolve: () => undefined,
  };
}
