/**
 * One person joins, moves and leaves through the door of the HR system, with accounts on a real Keycloak and in a real
 * Active Directory beside the sample company's systems; what counts is what those two still let in.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Attribute, Change, type Client, EqualityFilter } from 'ldapts';
import { guidText } from '../../src/connectors/active-directory/guid.ts';
import { hire, untilCase, untilSweepWaits } from '../support/case-driver.ts';
import { createWorld, eventually, type World } from '../support/world.ts';
import { keycloakServer, type RunningKeycloak } from './servers/keycloak.ts';
import { type RunningSamba, sambaServer } from './servers/samba.ts';
import { replace } from './support/ad-harness.ts';
import { describeOn } from './support/describe-on.ts';
import { createKeycloakRealm, type KeycloakRealm, realmName, usherClient } from './support/keycloak-realm.ts';
import { bindAs, canBind } from './support/ldap-admin.ts';

const adPassword = 'Correct-Horse-4711';
/** From HR's click to the last door closed. The aim is a second on a quiet machine; what is asserted leaves room. */
const cutOffMaxMs = 10_000;

interface Names {
  engineering: string;
  support: string;
}

describeOn(keycloakServer, (keycloak) => {
  describeOn(sambaServer, (samba) => {
    let realm: KeycloakRealm;
    let directory: Directory;
    let world: World;
    let sso: Names;
    let ad: Names;
    beforeAll(async () => {
      realm = createKeycloakRealm(keycloak());
      const group = (name: string): string =>
        realm.admin('POST', '/groups', { name }).location?.split('/').at(-1) ?? '';
      sso = { engineering: group('Engineering'), support: group('Support') };
      directory = await openDirectory(samba());
      ad = { engineering: await directory.addGroup('Engineering'), support: await directory.addGroup('Support') };
      world = await createWorld({
        secrets: secretsOf(keycloak(), samba()),
        policyEdits: policyEdits({ sso, ad, ou: directory.ou }),
        consistencyWindowMsMax: 10_000,
      });
    }, 120_000);
    afterAll(async () => {
      await world?.close();
      await directory?.close();
      await realm?.close();
    }, 60_000);

    const isSupportOnly = (...groups: [string[], string[]]): boolean =>
      JSON.stringify(groups) === JSON.stringify([[sso.support], ['Support']]);
    const ssoGroups = (userId: string): string[] =>
      (realm.admin('GET', `/users/${userId}/groups`).body as { id: string }[]).map(({ id }) => id).toSorted();

    test('joins, moves and leaves: every door closes within the aim, and what was added by hand is found', async () => {
      const { personId, employee } = await hire(world, { firstName: 'Lena', lastName: 'Fischer' });
      await untilCase(world, personId, 1, 'done', 60_000);
      const [user] = realm.admin('GET', `/users?q=usherPersonId:${personId}`).body as {
        id: string;
        username: string;
      }[];
      const userId = user?.id ?? '';
      const dn = await directory.dnOf(personId);
      expect([ssoGroups(userId), await directory.groupsOf(dn)]).toEqual([[sso.engineering], ['Engineering']]);

      world.company.bamboohr.hr.setFields(employee.id, {
        jobTitle: 'Support Agent',
        department: 'Customer Support',
        supervisorEId: '106',
      });
      await eventually(
        async () => isSupportOnly(ssoGroups(userId), await directory.groupsOf(dn)),
        'the new role is there, the old one gone',
        60_000,
      );

      realm.setPassword(userId);
      await directory.setPassword(dn);
      const online = realm.logIn(user?.username ?? '');
      const offline = realm.logIn(user?.username ?? '', { isOffline: true });
      expect([online.status, offline.status, await canBind(samba(), dn, adPassword)]).toEqual([200, 200, true]);

      const closed = closedAt(keycloak().url, [online.refreshToken, offline.refreshToken], () =>
        canBind(samba(), dn, adPassword),
      );
      world.company.bamboohr.hr.terminate(employee.id);
      const { keycloakMs, directoryMs } = await closed;
      console.log(
        `leaver: Keycloak's tokens dead after ${keycloakMs} ms, Active Directory refuses after ${directoryMs} ms`,
      );
      expect(Math.max(keycloakMs, directoryMs)).toBeLessThan(cutOffMaxMs);

      await untilSweepWaits(world, personId, 3, 60_000);
      expect([ssoGroups(userId), await directory.groupsOf(dn)]).toEqual([[], []]);
      // Somebody gives the gone person access again, past Usher.
      realm.admin('PUT', `/users/${userId}/groups/${sso.engineering}`);
      await directory.addMember('Engineering', dn);
      await eventually(
        async () => ssoGroups(userId).length === 0 && (await directory.groupsOf(dn)).length === 0,
        'the sweep finds what was added by hand',
        60_000,
      );
      expect(realm.logIn(user?.username ?? '').status).not.toBe(200);
    }, 240_000);
  });
});

/** Asks both again and again until they refuse; how long that took. Never blocks: server and worker run in this process. */
async function closedAt(
  keycloakUrl: string,
  refreshTokens: string[],
  canLogIn: () => Promise<boolean>,
): Promise<{ keycloakMs: number; directoryMs: number }> {
  const startedMs = performance.now();
  const sinceStart = (): number => Math.round(performance.now() - startedMs);
  const until = async (isClosed: () => Promise<boolean>): Promise<number> => {
    while (!(await isClosed())) {
      if (sinceStart() > 60_000) throw new Error('a door never closed');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return sinceStart();
  };
  const isRefused = async (token: string): Promise<boolean> => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'portal', refresh_token: token });
    const response = await fetch(`${keycloakUrl}/realms/${realmName}/protocol/openid-connect/token`, {
      method: 'POST',
      body,
    });
    await response.body?.cancel();
    return response.status === 400;
  };
  const [keycloakMs, directoryMs] = await Promise.all([
    until(async () => (await Promise.all(refreshTokens.map(isRefused))).every(Boolean)),
    until(async () => !(await canLogIn())),
  ]);
  return { keycloakMs, directoryMs };
}

interface Directory {
  ou: string;
  /** Answers its GUID. */
  addGroup(name: string): Promise<string>;
  dnOf(personId: string): Promise<string>;
  /** Names, sorted. */
  groupsOf(dn: string): Promise<string[]>;
  addMember(group: string, dn: string): Promise<void>;
  setPassword(dn: string): Promise<void>;
  close(): Promise<void>;
}

async function openDirectory(running: RunningSamba): Promise<Directory> {
  const client: Client = await bindAs(running, running.admin.dn, running.admin.password);
  const ou = `OU=Lifecycle,${running.baseDn}`;
  await client.add(ou, { objectClass: 'organizationalUnit' });
  const groupDn = (name: string): string => `CN=${name},${ou}`;
  const search = async (base: string, attributes: string[], filter?: EqualityFilter) =>
    (
      await client.search(base, {
        scope: filter ? 'sub' : 'base',
        attributes,
        ...(filter ? { filter } : {}),
        explicitBufferAttributes: ['objectGUID'],
      })
    ).searchEntries;
  return {
    ou,
    async addGroup(name) {
      await client.add(groupDn(name), { objectClass: 'group', sAMAccountName: `${name}-${randomUUID().slice(0, 8)}` });
      const [entry] = await search(groupDn(name), ['objectGUID']);
      return guidText(entry?.['objectGUID'] as Buffer);
    },
    async dnOf(personId) {
      const [entry] = await search(ou, ['cn'], new EqualityFilter({ attribute: 'employeeNumber', value: personId }));
      return entry?.dn ?? '';
    },
    async groupsOf(dn) {
      const [entry] = await search(dn, ['memberOf']);
      const values = [entry?.['memberOf'] ?? []].flat().map(String);
      return values.map((value) => /^CN=([^,]+)/i.exec(value)?.[1] ?? value).toSorted();
    },
    addMember: (group, dn) =>
      client.modify(
        groupDn(group),
        new Change({ operation: 'add', modification: new Attribute({ type: 'member', values: [dn] }) }),
      ),
    setPassword: (dn) => client.modify(dn, replace('unicodePwd', Buffer.from(`"${adPassword}"`, 'utf16le'))),
    close: () => client.unbind(),
  };
}

const secretsOf = ({ url }: RunningKeycloak, samba: RunningSamba): Record<string, Record<string, string>> => ({
  sso: { url, clientSecret: usherClient.clientSecret },
  directory: { url: samba.url, ca: samba.ca, bindDn: samba.admin.dn, password: samba.admin.password },
});

/** The sample company with two more systems that people log in to. */
function policyEdits({ sso, ad, ou }: { sso: Names; ad: Names; ou: string }) {
  const system = (lines: string[]): string => `systems:\n${lines.map((line) => `  ${line}\n`).join('')}`;
  const entitlement = (id: string, vendorId: string): string[] => [
    `- id: ${id}`,
    `  system: ${id.split('/')[0] ?? ''}`,
    `  vendorId: '${vendorId}'`,
    '  owner: bamboohr/109',
    '  riskPoints: 0.5',
    '  dataClass: internal',
    `  description: 'Group of the test'`,
  ];
  const entitlements = [
    ...entitlement('sso/engineering', `group:${sso.engineering}`),
    ...entitlement('sso/support', `group:${sso.support}`),
    ...entitlement('directory/engineering', ad.engineering),
    ...entitlement('directory/support', ad.support),
  ];
  return [
    {
      file: 'systems.yaml',
      find: /^systems:\n/m,
      replace: system([
        '- id: sso',
        '  connector: keycloak',
        '  displayName: Keycloak',
        '  owner: bamboohr/109',
        '  authenticates: true',
        '  config:',
        '    url: ${secret:sso.url}',
        `    realm: ${realmName}`,
        `    clientId: ${usherClient.clientId}`,
        '    clientSecret: ${secret:sso.clientSecret}',
        '- id: directory',
        '  connector: active-directory',
        '  displayName: Active Directory',
        '  owner: bamboohr/109',
        '  authenticates: true',
        '  config:',
        '    url: ${secret:directory.url}',
        '    ca: ${secret:directory.ca}',
        '    bindDn: ${secret:directory.bindDn}',
        '    password: ${secret:directory.password}',
        `    baseDn: '${ou}'`,
        `    accountBaseDn: '${ou}'`,
      ]),
    },
    {
      file: 'entitlements.yaml',
      find: /^entitlements:\n/m,
      replace: `entitlements:\n${entitlements.map((line) => `  ${line}\n`).join('')}`,
    },
    {
      file: 'profiles.yaml',
      find: /(- id: engineer\n[\s\S]*?grants:\n)/,
      replace: '$1      - sso/engineering\n      - directory/engineering\n',
    },
    {
      file: 'profiles.yaml',
      find: /(- id: support\n[\s\S]*?grants:\n)/,
      replace: '$1      - sso/support\n      - directory/support\n',
    },
    { file: 'rules.yaml', find: 'sweepsAfter: [15m, 24h]', replace: 'sweepsAfter: [20s, 24h]' },
  ];
}
