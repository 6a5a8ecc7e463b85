/** What can be told of an OpenLDAP server without writing. It does not say which rights an account has. */
import type { CallContext, CheckResult } from '../kit/contract.ts';
import { isPresent } from '../kit/ldap/filters.ts';
import type { LdapConnection } from '../kit/ldap/ldap-client.ts';
import { textsOf } from '../kit/ldap/ldap-entry.ts';
import { isLockoutOn, isPerson, type OpenLdapApi, readObject } from './api.ts';
import { personOf } from './person.ts';

type Finding = CheckResult['findings'][number];
/** Control of the password policy: there where the overlay is loaded. */
const passwordPolicyControl = '1.3.6.1.4.1.42.2.27.8.5.1';

/** Reads only; throws where there is no answer. */
export async function checkDirectory(api: OpenLdapApi, ctx: CallContext): Promise<CheckResult> {
  const findings = await api.client.read(
    'check',
    async (connection) => [...(await checkPlaces(api, connection)), ...(await checkLock(api, connection))],
    ctx,
  );
  if (findings.length === 0)
    findings.push({ level: 'ok', text: 'Accounts, groups and the password policy can be read.' });
  return { isHealthy: findings.every(({ level }) => level !== 'error'), findings };
}

async function checkPlaces(api: OpenLdapApi, connection: LdapConnection): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { baseDn, accountBaseDn, groupBaseDn } = api;
  for (const [field, dn] of Object.entries({ baseDn, accountBaseDn, groupBaseDn })) {
    const entry = await readObject(connection, dn, isPresent('objectClass'), ['objectClass']);
    if (entry === null) findings.push({ level: 'error', text: `${field} does not exist or cannot be read.` });
  }
  if (findings.length > 0) return findings;
  const query = { base: api.baseDn, scope: 'sub' as const, filter: isPerson, attributes: ['entryUUID'] };
  const [sample] = await connection.searchSome(query);
  if (sample === undefined || personOf(sample, api.keyAttribute) !== null) return [];
  return [{ level: 'error', text: 'Missing right: read entryUUID, the key of every entry.' }];
}

/** Without both, a lock is stored and looked at by nobody. */
async function checkLock(api: OpenLdapApi, connection: LdapConnection): Promise<Finding[]> {
  const filter = isPresent('objectClass');
  const [root] = await connection.search({ base: '', scope: 'base', filter, attributes: ['supportedControl'] });
  if (root === undefined || !textsOf(root, 'supportedControl').includes(passwordPolicyControl)) {
    return [{ level: 'error', text: 'The ppolicy overlay is not loaded: logins cannot be locked.' }];
  }
  if (await isLockoutOn(connection, api.defaultPolicyDn)) return [];
  const text = 'defaultPolicyDn names no policy with pwdLockout TRUE that can be read: a lock would have no effect.';
  return [{ level: 'error', text }];
}
