/**
 * What can be told without writing: the base and the OU are there, Usher's key fits its attribute, and the rights that a
 * domain controller itself says the account has (`allowedAttributesEffective`, MS-ADTS, section 3.1.1.4.5).
 */
import type { CallContext, CheckResult } from '../kit/contract.ts';
import { allOf, equals, isPresent } from '../kit/ldap/filters.ts';
import type { LdapConnection } from '../kit/ldap/ldap-client.ts';
import { textOf, textsOf } from '../kit/ldap/ldap-entry.ts';
import { type AdApi, isGroup, isUser, readObject } from './api.ts';

type Finding = CheckResult['findings'][number];
const personIdLength = 36;
const anything = isPresent('objectClass');

/** Reads only; throws where there is no answer. */
export async function checkDirectory(api: AdApi, host: string, ctx: CallContext): Promise<CheckResult> {
  const findings = await api.client.read(
    'check',
    async (connection) => [
      ...(await checkServer(connection, host)),
      ...(await checkPlaces(api, connection)),
      ...(await checkKeyAttribute(api, connection)),
      ...(await checkRights(api, connection)),
    ],
    ctx,
  );
  if (findings.length === 0)
    findings.push({ level: 'ok', text: 'Accounts and groups can be read and, as far as the server tells, changed.' });
  return { isHealthy: findings.every(({ level }) => level !== 'error'), findings };
}

async function checkServer(connection: LdapConnection, host: string): Promise<Finding[]> {
  const attributes = ['dnsHostName'];
  const [root] = await connection.search({ base: '', scope: 'base', filter: anything, attributes });
  const name = root === undefined ? null : textOf(root, 'dnsHostName');
  if (name === null) return [{ level: 'error', text: 'The server does not answer as a domain controller.' }];
  // What one domain controller was told, another one shows only later.
  if (name.toLowerCase() === host.toLowerCase() || /^[\d.]+$|^\[/.test(host)) return [];
  return [
    { level: 'warning', text: `The address leads to ${name}. Name one domain controller in url, not the domain.` },
  ];
}

async function checkPlaces(api: AdApi, connection: LdapConnection): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [field, dn] of Object.entries({ baseDn: api.baseDn, groupBaseDn: api.groupBaseDn })) {
    const entry = await readObject(connection, dn, anything, ['objectClass']);
    if (entry === null) findings.push({ level: 'error', text: `${field} does not exist or cannot be read.` });
  }
  const right = 'allowedChildClassesEffective';
  const ou = await readObject(connection, api.accountBaseDn, anything, [right]);
  if (ou === null) findings.push({ level: 'error', text: 'accountBaseDn does not exist or cannot be read.' });
  else if (!api.isMastered && !textsOf(ou, right).includes('user')) {
    findings.push({ level: 'error', text: 'Missing right: create user objects in accountBaseDn.' });
  }
  return findings;
}

/** The schema tells how long a value of the attribute may be. */
async function checkKeyAttribute(api: AdApi, connection: LdapConnection): Promise<Finding[]> {
  if (api.isMastered) return [];
  const [root] = await connection.search({
    base: '',
    scope: 'base',
    filter: anything,
    attributes: ['schemaNamingContext'],
  });
  const base = root === undefined ? null : textOf(root, 'schemaNamingContext');
  if (base === null) return [];
  const filter = allOf(equals('objectClass', 'attributeSchema'), equals('lDAPDisplayName', api.keys.own));
  const [attribute] = await connection.search({ base, scope: 'sub', filter, attributes: ['rangeUpper'] });
  if (attribute === undefined) return [{ level: 'error', text: `The attribute ${api.keys.own} does not exist.` }];
  const rangeUpper = textOf(attribute, 'rangeUpper');
  if (rangeUpper === null || Number(rangeUpper) >= personIdLength) return [];
  const text = `The attribute ${api.keys.own} holds ${rangeUpper} characters; the key needs ${personIdLength}. Name another keyAttribute.`;
  return [{ level: 'error', text }];
}

/** By one user and one group of the configured places; where there is none, nothing can be said. */
async function checkRights(api: AdApi, connection: LdapConnection): Promise<Finding[]> {
  const right = 'allowedAttributesEffective';
  const probes = [
    { base: api.accountBaseDn, filter: isUser, needed: ['userAccountControl', api.keys.own], what: 'users' },
    { base: api.groupBaseDn, filter: isGroup, needed: ['member'], what: 'groups' },
  ];
  const findings: Finding[] = [];
  for (const { base, filter, needed, what } of probes) {
    if ((await readObject(connection, base, anything, ['objectClass'])) === null) continue;
    const sample = await firstBelow(connection, base, filter, right);
    if (sample === null) continue;
    const missing = needed.filter((name) => !sample.some((allowed) => allowed.toLowerCase() === name.toLowerCase()));
    if (missing.length > 0)
      findings.push({ level: 'error', text: `Missing right: write ${missing.join(', ')} of ${what}.` });
  }
  return findings;
}

async function firstBelow(
  connection: LdapConnection,
  base: string,
  filter: Parameters<typeof allOf>[0],
  attribute: string,
): Promise<string[] | null> {
  const [entry] = await connection.searchSome({ base, scope: 'sub', filter, attributes: [attribute] });
  return entry === undefined ? null : textsOf(entry, attribute);
}
