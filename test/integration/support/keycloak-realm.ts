/** A realm of a real Keycloak, made by the test: Usher's client with its least roles, a portal where people log in, a group. */
import type { RunningKeycloak } from '../servers/keycloak.ts';
import { openSyncHttp, type SyncAnswer } from './sync-http.ts';

export const realmName = 'corp';
export const usherClient = { clientId: 'usher', clientSecret: 'secret-of-the-integration-test' };
export const password = 'Correct-horse-9';
const portal = 'portal';
/** A client that is called after its address, as SAML clients are. */
export const addressClient = 'https://wiki.example/sp';
const leastRoles = ['manage-users', 'view-realm', 'view-events'];

export interface Tokens {
  status: number;
  accessToken: string;
  refreshToken: string;
}

export interface KeycloakRealm {
  groupId: string;
  /** An admin call below the realm, blocking; throws on a status that is not expected. */
  admin(method: string, path: string, body?: unknown, expected?: number[]): SyncAnswer;
  userIds(): string[];
  deleteAllUsers(): void;
  setPassword(userId: string): void;
  /** Password grant of the portal, or of another client. */
  logIn(userName: string, options?: { isOffline?: boolean; password?: string; client?: string }): Tokens;
  /** Refresh grant: the status, 200 while the token lives. */
  refresh(refreshToken: string, client?: string): number;
  /** Status of userinfo with an access token. */
  userInfo(accessToken: string): number;
  sessionCount(userId: string): number;
  close(): Promise<void>;
}

type Named = { id: string; name: string; clientId?: string };

export function createKeycloakRealm({ url, admin: { username, password: secret } }: RunningKeycloak): KeycloakRealm {
  const http = openSyncHttp();
  const form = (realm: string, fields: Record<string, string>): SyncAnswer =>
    http.call({
      method: 'POST',
      url: `${url}/realms/${realm}/protocol/openid-connect/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
  const adminToken = cachedToken(() =>
    form('master', { grant_type: 'password', client_id: 'admin-cli', username, password: secret }),
  );
  const call = (method: string, path: string, body?: unknown, expected = [200, 201, 204]): SyncAnswer => {
    const headers = { authorization: `Bearer ${adminToken()}`, 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = http.call({ method, url: `${url}/admin/realms${path}`, headers, ...sent });
    if (expected.includes(answer.status)) return answer;
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  const admin: KeycloakRealm['admin'] = (method, path, body, expected) =>
    call(method, `/${realmName}${path}`, body, expected);
  call('POST', '', realmSettings);
  letUsherManage(admin);
  const portalId = (admin('GET', `/clients?clientId=${portal}`).body as Named[])[0]?.id ?? '';
  const userIds = (): string[] => (admin('GET', '/users?max=1000').body as Named[]).map(({ id }) => id);
  const grant = (client: string, fields: Record<string, string>): SyncAnswer =>
    form(realmName, { client_id: client, ...fields });
  return {
    groupId: admin('POST', '/groups', { name: 'Finance' }).location?.split('/').at(-1) ?? '',
    admin,
    userIds,
    deleteAllUsers: () => userIds().forEach((id) => admin('DELETE', `/users/${id}`)),
    setPassword: (userId) =>
      void admin('PUT', `/users/${userId}/reset-password`, { type: 'password', value: password, temporary: false }),
    logIn(userName, { isOffline = false, password: given = password, client = portal } = {}) {
      const scope = isOffline ? 'openid offline_access' : 'openid';
      const { status, body } = grant(client, { grant_type: 'password', username: userName, password: given, scope });
      const { access_token: accessToken = '', refresh_token: refreshToken = '' } = body as Record<string, string>;
      return { status, accessToken, refreshToken };
    },
    refresh: (refreshToken, client = portal) =>
      grant(client, { grant_type: 'refresh_token', refresh_token: refreshToken }).status,
    userInfo: (accessToken) =>
      http.call({
        method: 'GET',
        url: `${url}/realms/${realmName}/protocol/openid-connect/userinfo`,
        headers: { authorization: `Bearer ${accessToken}` },
      }).status,
    sessionCount: (userId) =>
      [`/users/${userId}/sessions`, `/users/${userId}/offline-sessions/${portalId}`]
        .map((path) => (admin('GET', path).body as unknown[]).length)
        .reduce((sum, count) => sum + count, 0),
    close: () => http.close(),
  };
}

const realmSettings = {
  realm: realmName,
  enabled: true,
  editUsernameAllowed: true,
  eventsEnabled: true,
  enabledEventTypes: ['LOGIN', 'LOGIN_ERROR'],
  bruteForceProtected: true,
  failureFactor: 3,
  waitIncrementSeconds: 600,
  clients: [
    {
      clientId: usherClient.clientId,
      secret: usherClient.clientSecret,
      serviceAccountsEnabled: true,
      publicClient: false,
      standardFlowEnabled: false,
    },
    { clientId: portal, publicClient: true, directAccessGrantsEnabled: true },
    { clientId: addressClient, publicClient: true, directAccessGrantsEnabled: true },
  ],
};

/** The steps of docs/systems/keycloak.md: roles of the service account, and who may write attributes. */
function letUsherManage(admin: KeycloakRealm['admin']): void {
  const idOf = (clientId: string): string =>
    (admin('GET', `/clients?clientId=${clientId}`).body as Named[])[0]?.id ?? '';
  const service = (admin('GET', `/clients/${idOf(usherClient.clientId)}/service-account-user`).body as Named).id;
  const management = idOf('realm-management');
  const roles = (admin('GET', `/clients/${management}/roles`).body as Named[]).filter(({ name }) =>
    leastRoles.includes(name),
  );
  admin('POST', `/users/${service}/role-mappings/clients/${management}`, roles);
  const profile = admin('GET', '/users/profile').body as object;
  admin('PUT', '/users/profile', { ...profile, unmanagedAttributePolicy: 'ADMIN_EDIT' });
}

/** The administrator's token lives a minute. */
function cachedToken(ask: () => SyncAnswer): () => string {
  let held = { token: '', untilMs: 0 };
  return () => {
    if (performance.now() > held.untilMs) {
      const { status, body } = ask();
      if (status !== 200) throw new Error(`the administrator cannot log in: ${status}`);
      held = { token: (body as { access_token: string }).access_token, untilMs: performance.now() + 40_000 };
    }
    return held.token;
  };
}
