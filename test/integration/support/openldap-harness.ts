/** The conformance harness of OpenLDAP on a real slapd: units of its own for each test, faults by the door in front. */
import { randomUUID } from 'node:crypto';
import { Attribute, Change, type Client, EqualityFilter } from 'ldapts';
import { createLdapFront } from '../../../sandbox/ldap-front.ts';
import { makeSelfSigned } from '../../../sandbox/self-signed.ts';
import { openConnector } from '../../../src/connectors/kit/open-connector.ts';
import { openldap } from '../../../src/connectors/openldap.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../../conformance/harness.ts';
import type { RunningSlapd } from '../servers/slapd.ts';
import { bindAs, canBind } from './ldap-admin.ts';
import { relayTo } from './ldap-relay.ts';

const pageSize = 3;
const knownPassword = 'Known-Pass-4711';

export interface OpenLdapHarness extends TargetHarness {
  admin: Client;
  people: string;
  groups: string;
  config: Record<string, unknown>;
  dnOf(accountId: string): Promise<string>;
  setPassword(accountId: string, password: string): Promise<void>;
  canBindWith(accountId: string, password: string): Promise<boolean>;
  change(dn: string, attribute: string, ...values: string[]): Promise<void>;
}

/** The connector logs in as a service account with no more rights than the set-up page says. */
export async function startOpenLdapHarness(running: RunningSlapd): Promise<OpenLdapHarness> {
  const { url, ca, suffix, service, defaultPolicyDn } = running;
  const admin = await bindAs(running, running.admin.dn, running.admin.password);
  const people = `ou=p${randomUUID().slice(0, 8)},ou=people,${suffix}`;
  const groups = `ou=g${randomUUID().slice(0, 8)},ou=groups,${suffix}`;
  for (const dn of [people, groups]) await admin.add(dn, { objectClass: 'organizationalUnit' });
  const groupDn = `cn=Finance,${groups}`;
  await admin.add(groupDn, { objectClass: 'groupOfNames', member: service.dn });
  const tls = makeSelfSigned(['127.0.0.1'], new Date());
  const front = createLdapFront({ tls, connect: () => relayTo(url, ca) });
  const door = await front.listen();
  const config = {
    ...{ url: door.url, ca: tls.cert, bindDn: service.dn, password: service.password, defaultPolicyDn },
    ...{ baseDn: people, accountBaseDn: people, groupBaseDn: groups, pageMax: pageSize },
  };
  const connectTo = (origin: string) =>
    openConnector('target', openldap, {
      systemId: 'ldap',
      config: { ...config, url: origin },
      now: () => clockMs,
      rateLimiter: unlimited,
      timeoutMs,
    });
  let isClosed = false;
  const truth = truthOf(running, admin, people);
  return {
    connector: connectTo(door.url),
    connectTo,
    manifest: openldap.manifest,
    sandbox: {
      ...front,
      async close() {
        await front.close();
        if (isClosed) return;
        isClosed = true;
        for (const dn of [people, groups]) await deleteTree(admin, dn);
        await admin.unbind();
      },
    },
    secrets: [service.password],
    notHttp: { busyRetryAfterMs: 5000 },
    listingCallsMax: (pages) => 3 + 6 * pages,
    pageSize,
    statuses: ['active', 'locked'],
    groupId: await truth.idOf(groupDn),
    usersPath: '^employeeNumber=',
    memberMethod: 'PATCH',
    memberPath: '^cn=Finance,',
    replyWithNextLink: null,
    ...{ admin, people, groups, config },
    ...truth,
  };
}

async function deleteTree(admin: Client, dn: string): Promise<void> {
  const { searchEntries } = await admin.search(dn, { attributes: ['1.1'] });
  const deepestFirst = searchEntries.map((entry) => entry.dn).toSorted((a, b) => b.length - a.length);
  for (const each of deepestFirst) await admin.del(each);
}

function truthOf(running: RunningSlapd, admin: Client, people: string) {
  const idOf = async (dn: string): Promise<string> => {
    const [entry] = (await admin.search(dn, { scope: 'base', attributes: ['entryUUID'] })).searchEntries;
    return String(entry?.['entryUUID']);
  };
  const dnOf = async (accountId: string): Promise<string> => {
    const filter = new EqualityFilter({ attribute: 'entryUUID', value: accountId });
    const [entry] = (await admin.search(running.suffix, { filter, attributes: ['1.1'] })).searchEntries;
    return String(entry?.dn);
  };
  const change = (dn: string, attribute: string, ...values: string[]): Promise<void> =>
    admin.modify(dn, new Change({ operation: 'replace', modification: new Attribute({ type: attribute, values }) }));
  const setPassword = async (accountId: string, password: string): Promise<void> =>
    change(await dnOf(accountId), 'userPassword', password);
  const canBindWith = async (accountId: string, password: string): Promise<boolean> =>
    canBind(running, await dnOf(accountId), password);
  return {
    ...{ idOf, dnOf, change, setPassword, canBindWith },
    async seedAccount({ userName, correlationKey }: { userName: string; correlationKey: string | null }) {
      const dn = `uid=${userName},${people}`;
      const key = correlationKey === null ? {} : { employeeNumber: correlationKey };
      await admin.add(dn, { objectClass: 'inetOrgPerson', cn: userName, sn: userName, ...key });
      return idOf(dn);
    },
    async forceStatus(accountId: string, status: string) {
      const values = status === 'locked' ? ['000001010000Z'] : [];
      await change(await dnOf(accountId), 'pwdAccountLockedTime', ...values);
    },
    /** A login with a password that was just set; setting one would also unlock, so that the lock is put back. */
    async canLogIn(accountId: string) {
      const dn = await dnOf(accountId);
      const [entry] = (await admin.search(dn, { scope: 'base', attributes: ['pwdAccountLockedTime'] })).searchEntries;
      const locked = entry?.['pwdAccountLockedTime'];
      await change(dn, 'userPassword', knownPassword);
      if (typeof locked === 'string') await change(dn, 'pwdAccountLockedTime', locked);
      return canBind(running, dn, knownPassword);
    },
    async accountIds() {
      const filter = new EqualityFilter({ attribute: 'objectClass', value: 'inetOrgPerson' });
      const { searchEntries } = await admin.search(people, { filter, attributes: ['entryUUID'] });
      return searchEntries.map((entry) => String(entry['entryUUID']));
    },
    async membersOf(groupId: string) {
      const options = { scope: 'base' as const, attributes: ['member'] };
      const [entry] = (await admin.search(await dnOf(groupId), options)).searchEntries;
      const members = entry?.['member'] ?? [];
      const names = (Array.isArray(members) ? members : [members]).map(String);
      return Promise.all(names.filter((dn) => dn !== running.service.dn).map(idOf));
    },
    // slapd has no sessions that anybody could count or end.
    createSession: () => undefined,
    sessionCount: () => 0,
  };
}
