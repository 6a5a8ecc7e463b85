/** The conformance harness of Active Directory on a real domain controller: an OU of its own for each test, faults by the door in front. */
import { randomUUID } from 'node:crypto';
import { Attribute, Change, type Client, Control, EqualityFilter, PresenceFilter } from 'ldapts';
import { createLdapFront } from '../../../sandbox/ldap-front.ts';
import { makeSelfSigned } from '../../../sandbox/self-signed.ts';
import { activeDirectory } from '../../../src/connectors/active-directory.ts';
import { guidBytes, guidText } from '../../../src/connectors/active-directory/guid.ts';
import { openConnector } from '../../../src/connectors/kit/open-connector.ts';
import { clockMs, type TargetHarness, timeoutMs, unlimited } from '../../conformance/harness.ts';
import type { RunningSamba } from '../servers/samba.ts';
import { bindAs, canBind } from './ldap-admin.ts';
import { relayTo } from './ldap-relay.ts';

const pageSize = 3;
const knownPassword = 'Known-Pass-4711';
/** The server deletes what is below, too. */
const treeDelete = new Control('1.2.840.113556.1.4.805', { critical: true });

export interface AdHarness extends TargetHarness {
  admin: Client;
  /** The OU of this test. */
  ou: string;
  config: Record<string, unknown>;
  dnOf(accountId: string): Promise<string>;
  attributesOf(accountId: string, ...attributes: string[]): Promise<Record<string, unknown>>;
  setPassword(accountId: string, password: string): Promise<void>;
  canBindWith(accountId: string, password: string): Promise<boolean>;
}

export const replace = (type: string, ...values: (string | Buffer)[]): Change =>
  new Change({ operation: 'replace', modification: new Attribute({ type, values: values as string[] }) });

const quoted = (password: string): Buffer => Buffer.from(`"${password}"`, 'utf16le');

/** Everything but the connector's own way in goes past the door. */
export async function startAdHarness(running: RunningSamba): Promise<AdHarness> {
  const { url, ca, baseDn, admin: who } = running;
  const admin = await bindAs(running, who.dn, who.password);
  const ou = `OU=T${randomUUID().slice(0, 8)},${baseDn}`;
  await admin.add(ou, { objectClass: 'organizationalUnit' });
  await admin.add(`CN=Finance,${ou}`, { objectClass: 'group', sAMAccountName: `fin${randomUUID().slice(0, 8)}` });
  const tls = makeSelfSigned(['127.0.0.1'], new Date());
  const front = createLdapFront({ tls, connect: () => relayTo(url, ca) });
  const door = await front.listen();
  const config = {
    ...{ url: door.url, ca: tls.cert, bindDn: who.dn, password: who.password },
    ...{ baseDn: ou, accountBaseDn: ou, pageMax: pageSize },
  };
  const connectTo = (origin: string) =>
    openConnector('target', activeDirectory, {
      systemId: 'ad',
      config: { ...config, url: origin },
      now: () => clockMs,
      rateLimiter: unlimited,
      timeoutMs,
    });
  let isClosed = false;
  const truth = truthOf(running, admin, ou);
  return {
    connector: connectTo(door.url),
    connectTo,
    manifest: activeDirectory.manifest,
    sandbox: {
      ...front,
      async close() {
        await front.close();
        if (isClosed) return;
        isClosed = true;
        await admin.del(ou, treeDelete);
        await admin.unbind();
      },
    },
    secrets: [who.password],
    notHttp: { busyRetryAfterMs: 5000 },
    listingCallsMax: (pages) => 3 + 6 * pages,
    pageSize,
    statuses: ['enabled', 'disabled', 'expired'],
    groupId: await truth.idOf(`CN=Finance,${ou}`),
    usersPath: '^CN=',
    memberMethod: 'PATCH',
    memberPath: '^CN=Finance,',
    replyWithNextLink: null,
    admin,
    ou,
    config,
    ...truth,
  };
}

function truthOf(running: RunningSamba, admin: Client, ou: string) {
  const passwords = new Map<string, string>();
  const idOf = async (dn: string): Promise<string> => {
    const options = { scope: 'base' as const, attributes: ['objectGUID'], explicitBufferAttributes: ['objectGUID'] };
    const [entry] = (await admin.search(dn, options)).searchEntries;
    return guidText(entry?.['objectGUID'] as Buffer);
  };
  const guidDn = (accountId: string): string => `<GUID=${guidBytes(accountId)?.toString('hex') ?? ''}>`;
  const attributesOf = async (accountId: string, ...attributes: string[]): Promise<Record<string, unknown>> => {
    const [entry] = (await admin.search(guidDn(accountId), { scope: 'base', attributes })).searchEntries;
    return entry ?? {};
  };
  const dnOf = async (accountId: string): Promise<string> => String((await attributesOf(accountId, 'cn'))['dn']);
  const setPassword = async (accountId: string, password: string): Promise<void> =>
    admin.modify(await dnOf(accountId), replace('unicodePwd', quoted(password)));
  const canBindWith = async (accountId: string, password: string): Promise<boolean> =>
    canBind(running, await dnOf(accountId), password);
  return {
    ...{ idOf, dnOf, attributesOf, setPassword, canBindWith },
    async seedAccount({ userName, correlationKey }: { userName: string; correlationKey: string | null }) {
      const [name = ''] = userName.split('@');
      const dn = `CN=${name},${ou}`;
      await admin.add(dn, [
        new Attribute({ type: 'objectClass', values: ['user'] }),
        new Attribute({ type: 'sAMAccountName', values: [name] }),
        new Attribute({ type: 'userPrincipalName', values: [userName] }),
        new Attribute({ type: 'unicodePwd', values: [quoted(knownPassword)] }),
        new Attribute({ type: 'userAccountControl', values: ['512'] }),
        ...(correlationKey === null ? [] : [new Attribute({ type: 'employeeNumber', values: [correlationKey] })]),
      ]);
      return idOf(dn);
    },
    async forceStatus(accountId: string, status: string) {
      const changes: Record<string, Change> = {
        enabled: replace('userAccountControl', '512'),
        disabled: replace('userAccountControl', '514'),
        // The first of January 2020.
        expired: replace('accountExpires', '132223104000000000'),
      };
      await admin.modify(await dnOf(accountId), changes[status] ?? []);
    },
    /** A login with a password that was just set. */
    async canLogIn(accountId: string) {
      await setPassword(accountId, knownPassword);
      return canBindWith(accountId, knownPassword);
    },
    async accountIds() {
      const filter = new EqualityFilter({ attribute: 'objectClass', value: 'user' });
      const options = { filter, attributes: ['objectGUID'], explicitBufferAttributes: ['objectGUID'] };
      const { searchEntries } = await admin.search(ou, { ...options, paged: true });
      return searchEntries.map((entry) => guidText(entry['objectGUID'] as Buffer));
    },
    async membersOf(groupId: string) {
      const members = (await attributesOf(groupId, 'member'))['member'];
      const names = Array.isArray(members) ? members : [members];
      return Promise.all(names.filter((dn): dn is string => typeof dn === 'string').map(idOf));
    },
    /** What the person remembers: it opens something for as long as it is accepted. */
    async createSession(accountId: string) {
      if (passwords.has(accountId)) return;
      passwords.set(accountId, knownPassword);
      await setPassword(accountId, knownPassword);
    },
    async sessionCount(accountId: string) {
      const password = passwords.get(accountId);
      return password !== undefined && (await canBindWith(accountId, password)) ? 1 : 0;
    },
    async exists(dn: string) {
      const { searchEntries } = await admin.search(dn, {
        scope: 'base',
        filter: new PresenceFilter({ attribute: 'objectClass' }),
      });
      return searchEntries.length === 1;
    },
  };
}
