/** `check` for Keycloak: the roles of the service account, and the settings of the realm on which Usher depends. Reads only. */
import { z } from 'zod';
import type { CallContext, CheckResult } from '../kit/contract.ts';
import { type KeycloakApi, realmPath } from './api.ts';
import { attributeAccess, attributeNames, UserProfile } from './profile.ts';

type Finding = CheckResult['findings'][number];

const Realm = z.object({ accessTokenLifespan: z.number().nullish(), editUsernameAllowed: z.boolean().nullish() });
export const EventsConfig = z.object({
  eventsEnabled: z.boolean().default(false),
  enabledEventTypes: z.array(z.string()).default([]),
});

/** Whether the realm keeps an event for each login. */
export const keepsLogins = ({ eventsEnabled, enabledEventTypes }: z.infer<typeof EventsConfig>): boolean =>
  eventsEnabled && (enabledEventTypes.length === 0 || enabledEventTypes.includes('LOGIN'));

export async function check(api: KeycloakApi, residualSeconds: number, ctx: CallContext): Promise<CheckResult> {
  const read = async <T>(schema: z.ZodType<T>, query: Record<string, number>, ...segments: string[]): Promise<T> => {
    const call = { operation: 'check', method: 'GET' as const, path: () => realmPath(api, ...segments), schema };
    return (await api.client.call({ ...call, params: () => query }, ctx)).data;
  };
  await read(z.array(z.unknown()), { max: 1 }, 'users');
  const roles = await api.roles();
  const findings: Finding[] = [
    ...roleFindings(roles),
    ...profileFindings(api, await read(UserProfile, {}, 'users', 'profile')),
  ];
  const mayView = (name: string, stronger: string): boolean => roles === null || roles.has(name) || roles.has(stronger);
  if (mayView('view-realm', 'manage-realm')) {
    await read(z.array(z.unknown()), { first: 0, max: 1 }, 'roles');
    findings.push(...realmFindings(await read(Realm, {}), residualSeconds));
  }
  if (mayView('view-events', 'manage-events') && !keepsLogins(await read(EventsConfig, {}, 'events', 'config'))) {
    const text = 'The realm saves no LOGIN events: last sign-ins stay unknown (Realm settings, Events).';
    findings.push({ level: 'warning', text });
  }
  return { isHealthy: findings.every(({ level }) => level !== 'error'), findings };
}

function roleFindings(roles: ReadonlySet<string> | null): Finding[] {
  if (roles === null) return [{ level: 'warning', text: 'The token does not tell its roles.' }];
  const findings: Finding[] = [];
  const miss = (level: Finding['level'], name: string, what: string): void =>
    void findings.push({ level, text: `The service account lacks the role ${name} of realm-management: ${what}.` });
  if (roles.has('manage-users')) findings.push({ level: 'ok', text: 'Users and groups can be read and written.' });
  else if (roles.has('view-users')) miss('warning', 'manage-users', 'Usher can look and change nothing');
  else miss('error', 'manage-users', 'no user is visible');
  if (!roles.has('view-realm') && !roles.has('manage-realm'))
    miss('warning', 'view-realm', 'realm roles are out of reach');
  if (!roles.has('view-events') && !roles.has('manage-events'))
    miss('warning', 'view-events', 'last sign-ins stay unknown');
  return findings;
}

function profileFindings({ config }: KeycloakApi, profile: UserProfile): Finding[] {
  const findings: Finding[] = [];
  const { keyAttribute } = config;
  const key = attributeAccess(profile, keyAttribute);
  if (!key.isKept) {
    const text = `The user profile drops the attribute ${keyAttribute}: declare it, or let administrators write unmanaged attributes.`;
    findings.push({ level: 'error', text });
  }
  if (key.isOpenToUsers) {
    const text = `People may edit their own ${keyAttribute} and pass for somebody else: allow that to administrators only.`;
    findings.push({ level: 'error', text });
  }
  const dropped = attributeNames.filter((name) => !attributeAccess(profile, name).isKept);
  if (dropped.length > 0) {
    findings.push({ level: 'warning', text: `The user profile drops what Usher writes into: ${dropped.join(', ')}.` });
  }
  return findings;
}

function realmFindings(
  { accessTokenLifespan, editUsernameAllowed }: z.infer<typeof Realm>,
  residualSeconds: number,
): Finding[] {
  const findings: Finding[] = [];
  if (accessTokenLifespan != null && accessTokenLifespan > residualSeconds) {
    const text = `Access tokens live ${accessTokenLifespan} s: that long an application that does not ask Keycloak lets a leaver in.`;
    findings.push({ level: 'warning', text });
  }
  if (editUsernameAllowed === false) {
    findings.push({ level: 'warning', text: 'Usernames cannot be edited in this realm: Usher cannot change a login.' });
  }
  return findings;
}
