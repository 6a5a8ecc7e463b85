/**
 * Four systems that are not ours as the places of one company: what policy says of each, which groups somebody holds there
 * by the vendor's own word, and a hand that adds to them past Usher.
 */
import { randomUUID } from 'node:crypto';
import { Attribute, Change, EqualityFilter } from 'ldapts';
import { guidText } from '../../../src/connectors/active-directory/guid.ts';
import type { RunningKeycloak } from '../servers/keycloak.ts';
import type { RunningSamba } from '../servers/samba.ts';
import type { RunningScimServer } from '../servers/scim2-server.ts';
import type { RunningServer } from '../support/integration-server.ts';
import { replace } from './ad-harness.ts';
import { createKeycloakRealm, type KeycloakRealm, realmName, usherClient } from './keycloak-realm.ts';
import { bindAs, canBind } from './ldap-admin.ts';
import { openMotoAccount, textsOf } from './moto-account.ts';
import { createMotoGateway } from './moto-gateway.ts';

export const groupNames = ['engineering', 'support'] as const;
export type GroupName = (typeof groupNames)[number];

export interface Place {
  /** Id of the system in policy. */
  system: string;
  connector: string;
  /** Of its entry in policy. */
  config: Record<string, string>;
  secrets: Record<string, string>;
  vendorIds: Record<GroupName, string>;
  /** Which of the groups the person's account holds; null where the person has no account. */
  groupsOf(personId: string): Promise<GroupName[] | null>;
  /** Somebody puts the person into `engineering` by hand. */
  addByHand(personId: string): Promise<void>;
  /** Whether the account could still be used. */
  isUsable(personId: string): Promise<boolean>;
  close(): Promise<void>;
}

const held = (isHeld: (name: GroupName) => boolean): GroupName[] => groupNames.filter(isHeld);

export interface KeycloakPlace extends Place {
  realm: KeycloakRealm;
  userOf(personId: string): { id: string; username: string; enabled: boolean } | null;
}

export function openKeycloakPlace(running: RunningKeycloak): KeycloakPlace {
  const realm = createKeycloakRealm(running);
  const make = (name: string): string => realm.admin('POST', '/groups', { name }).location?.split('/').at(-1) ?? '';
  const ids = { engineering: make('Engineering'), support: make('Support') };
  const userOf: KeycloakPlace['userOf'] = (personId) =>
    (
      realm.admin('GET', `/users?q=usherPersonId:${personId}`).body as {
        id: string;
        username: string;
        enabled: boolean;
      }[]
    )[0] ?? null;
  return {
    system: 'sso',
    connector: 'keycloak',
    config: {
      url: '${secret:sso.url}',
      realm: realmName,
      clientId: usherClient.clientId,
      clientSecret: '${secret:sso.clientSecret}',
    },
    secrets: { url: running.url, clientSecret: usherClient.clientSecret },
    vendorIds: { engineering: `group:${ids.engineering}`, support: `group:${ids.support}` },
    realm,
    userOf,
    groupsOf(personId) {
      const user = userOf(personId);
      if (user === null) return Promise.resolve(null);
      const groups = realm.admin('GET', `/users/${user.id}/groups`).body as { id: string }[];
      return Promise.resolve(held((name) => groups.some(({ id }) => id === ids[name])));
    },
    addByHand(personId) {
      realm.admin('PUT', `/users/${userOf(personId)?.id ?? ''}/groups/${ids.engineering}`);
      return Promise.resolve();
    },
    isUsable: (personId) => Promise.resolve(userOf(personId)?.enabled ?? false),
    close: () => realm.close(),
  };
}

export interface DirectoryPlace extends Place {
  setPassword(personId: string): Promise<void>;
  /** The dn of the person's account: what a login binds with. */
  dnOf(personId: string): Promise<string | null>;
}

export const directoryPassword = 'Correct-Horse-4711';

export async function openDirectoryPlace(running: RunningSamba): Promise<DirectoryPlace> {
  const client = await bindAs(running, running.admin.dn, running.admin.password);
  const ou = `OU=Lifecycle,${running.baseDn}`;
  await client.add(ou, { objectClass: 'organizationalUnit' });
  const groupDn = (name: string): string => `CN=${name},${ou}`;
  const make = async (name: string): Promise<string> => {
    await client.add(groupDn(name), { objectClass: 'group', sAMAccountName: `${name}-${randomUUID().slice(0, 8)}` });
    const options = { scope: 'base' as const, attributes: ['objectGUID'], explicitBufferAttributes: ['objectGUID'] };
    const [entry] = (await client.search(groupDn(name), options)).searchEntries;
    return guidText(entry?.['objectGUID'] as Buffer);
  };
  const vendorIds = { engineering: await make('engineering'), support: await make('support') };
  const find = async (personId: string) => {
    const filter = new EqualityFilter({ attribute: 'employeeNumber', value: personId });
    const options = { scope: 'sub' as const, filter, attributes: ['memberOf', 'userAccountControl'] };
    return (await client.search(ou, options)).searchEntries[0] ?? null;
  };
  const dnOf = async (personId: string): Promise<string | null> => (await find(personId))?.dn ?? null;
  return {
    system: 'directory',
    connector: 'active-directory',
    config: {
      url: '${secret:directory.url}',
      ca: '${secret:directory.ca}',
      bindDn: '${secret:directory.bindDn}',
      password: '${secret:directory.password}',
      baseDn: ou,
      accountBaseDn: ou,
    },
    secrets: { url: running.url, ca: running.ca, bindDn: running.admin.dn, password: running.admin.password },
    vendorIds,
    dnOf,
    async groupsOf(personId) {
      const entry = await find(personId);
      if (entry === null) return null;
      const dns = [entry['memberOf'] ?? []].flat().map((value) => String(value).toLowerCase());
      return held((name) => dns.includes(groupDn(name).toLowerCase()));
    },
    async addByHand(personId) {
      const modification = new Attribute({ type: 'member', values: [(await dnOf(personId)) ?? ''] });
      await client.modify(groupDn('engineering'), new Change({ operation: 'add', modification }));
    },
    isUsable: async (personId) => canBind(running, (await dnOf(personId)) ?? '', directoryPassword),
    async setPassword(personId) {
      await client.modify(
        (await dnOf(personId)) ?? '',
        replace('unicodePwd', Buffer.from(`"${directoryPassword}"`, 'utf16le')),
      );
    },
    close: () => client.unbind(),
  };
}

interface ScimResource {
  id: string;
  active?: boolean;
  members?: { value: string }[];
}

export async function openScimPlace({ url, token }: RunningScimServer): Promise<Place> {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, { method, headers, ...sent });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    return JSON.parse((await response.text()) || '{}') as unknown;
  };
  const make = async (displayName: string): Promise<string> => {
    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group'];
    return ((await call('POST', '/Groups', { schemas, displayName })) as ScimResource).id;
  };
  const vendorIds = { engineering: await make('Engineering'), support: await make('Support') };
  const find = async (personId: string): Promise<ScimResource | null> => {
    const filter = encodeURIComponent(`externalId eq "${personId}"`);
    const { Resources } = (await call('GET', `/Users?filter=${filter}`)) as { Resources?: ScimResource[] };
    return Resources?.[0] ?? null;
  };
  return {
    system: 'tool',
    connector: 'scim',
    config: { url: '${secret:tool.url}', token: '${secret:tool.token}' },
    secrets: { url, token },
    vendorIds,
    async groupsOf(personId) {
      const user = await find(personId);
      if (user === null) return null;
      const of: Partial<Record<GroupName, boolean>> = {};
      for (const name of groupNames) {
        const { members } = (await call('GET', `/Groups/${vendorIds[name]}`)) as ScimResource;
        of[name] = (members ?? []).some(({ value }) => value === user.id);
      }
      return held((name) => of[name] === true);
    },
    async addByHand(personId) {
      const operation = { op: 'add', path: 'members', value: [{ value: (await find(personId))?.id }] };
      const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
      await call('PATCH', `/Groups/${vendorIds.engineering}`, { schemas, Operations: [operation] });
    },
    isUsable: async (personId) => (await find(personId))?.active ?? false,
    close: () => Promise.resolve(),
  };
}

export async function openIamPlace({ url: target }: RunningServer): Promise<Place> {
  const key = { accessKeyId: 'AKIAMOTOMOTOMOTOMOTO', secretAccessKey: 'secret-of-the-lifecycle' };
  const account = openMotoAccount(target);
  // moto has no such credentials: it answers with an error page.
  const none = 'ListServiceSpecificCredentials';
  const empty = `<${none}Response><${none}Result><ServiceSpecificCredentials/></${none}Result></${none}Response>`;
  const gateway = createMotoGateway({ target, now: () => new Date(), gaps: { [none]: empty } });
  const { url } = await gateway.listen(0);
  const make = (GroupName: string): string => textsOf(account.iam('CreateGroup', { GroupName }), 'GroupId')[0] ?? '';
  const ids = { engineering: make('engineering'), support: make('support') };
  const userNameOf = (personId: string): string | null =>
    textsOf(account.iam('ListUsers'), 'UserName').find((UserName) =>
      textsOf(account.iam('ListUserTags', { UserName }), 'Value').includes(personId),
    ) ?? null;
  return {
    system: 'cloud',
    connector: 'aws-iam',
    config: {
      url: '${secret:cloud.url}',
      awsAccountId: "'123456789012'",
      accessKeyId: key.accessKeyId,
      secretAccessKey: '${secret:cloud.secretAccessKey}',
    },
    secrets: { url, secretAccessKey: key.secretAccessKey },
    vendorIds: { engineering: `group:${ids.engineering}`, support: `group:${ids.support}` },
    groupsOf(personId) {
      const UserName = userNameOf(personId);
      if (UserName === null) return Promise.resolve(null);
      const names = textsOf(account.iam('ListGroupsForUser', { UserName }), 'GroupName');
      return Promise.resolve(held((name) => names.includes(name)));
    },
    addByHand(personId) {
      account.iam('AddUserToGroup', { UserName: userNameOf(personId) ?? '', GroupName: 'engineering' });
      return Promise.resolve();
    },
    // Usher blocks a user by a policy of its own that denies everything.
    isUsable(personId) {
      const UserName = userNameOf(personId) ?? '';
      return Promise.resolve(textsOf(account.iam('ListUserPolicies', { UserName }), 'member').length === 0);
    },
    async close() {
      await gateway.close();
      await account.close();
    },
  };
}
