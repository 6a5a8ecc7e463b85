import { describe, expect, test } from '@jest/globals';
import { createOktaSandbox, type OktaSandbox, type OktaSandboxOptions } from '../../sandbox/okta.ts';
import { type LifecycleAction, OktaStatus, transition } from '../../sandbox/okta-state.ts';
import { aClock, client, serve } from './support.ts';

const clock = aClock();
const aGroup = (id: string, type: 'OKTA_GROUP' | 'APP_GROUP' = 'OKTA_GROUP') => ({
  id,
  type,
  name: id,
  description: '',
  created: '',
  memberIds: [],
});

async function anOkta(
  options: Partial<OktaSandboxOptions> = {},
): Promise<{ okta: OktaSandbox; ask: ReturnType<typeof client>; url: string }> {
  const groups = [aGroup('00g1'), aGroup('00g2'), aGroup('00g3', 'APP_GROUP')];
  const okta = createOktaSandbox({ token: 'token', groups, now: clock.now, ...options });
  const { url } = await serve(okta);
  return { okta, url, ask: client(`${url}/api/v1`, 'SSWS token') };
}

const profileOf = (name: string) => ({
  login: `${name}@x.example`,
  email: `${name}@x.example`,
  firstName: name,
  lastName: 'L',
});

async function create(ask: ReturnType<typeof client>, name: string, query = ''): Promise<string> {
  const body = { profile: { ...profileOf(name), employeeNumber: name }, credentials: { password: { value: 'p' } } };
  return String((await ask('POST', `/users${query}`, body)).body['id']);
}

describe('lifecycle', () => {
  const allowed: Record<LifecycleAction, string[]> = {
    activate: ['STAGED', 'DEPROVISIONED'],
    reactivate: ['PROVISIONED', 'RECOVERY'],
    deactivate: OktaStatus.options.filter((status) => status !== 'DEPROVISIONED'),
    suspend: ['ACTIVE'],
    unsuspend: ['SUSPENDED'],
    unlock: ['LOCKED_OUT'],
  };
  const cases = Object.entries(allowed).map(([action, from]) => [action, from.join(', ')]);

  test.each(cases)('%s is allowed from %s only', (action, from) => {
    const user = { id: 'u', created: '', activated: null, statusChanged: null, lastLogin: null, lastUpdated: '' };
    const open = OktaStatus.options.filter((status) => {
      const given = { ...user, status, hasPassword: false, profile: profileOf('a') };
      return transition(given, action as LifecycleAction).outcome === 'to';
    });
    expect(open.toSorted()).toEqual(from.split(', ').toSorted());
  });

  test('suspending who is not active is a validation error', async () => {
    const { ask } = await anOkta();
    const id = await create(ask, 'ada', '?activate=false');
    const refused = await ask('POST', `/users/${id}/lifecycle/suspend`);
    expect([refused.status, refused.body['errorCode']]).toEqual([400, 'E0000001']);
    expect(refused.text).toContain('Cannot suspend a user that is not active');
  });

  test('the first DELETE deactivates, the second erases, and both answer 204', async () => {
    const { ask } = await anOkta();
    const id = await create(ask, 'ada');
    expect((await ask('DELETE', `/users/${id}`)).status).toBe(204);
    expect((await ask('GET', `/users/${id}`)).body['status']).toBe('DEPROVISIONED');
    expect((await ask('DELETE', `/users/${id}`)).status).toBe(204);
    const gone = await ask('GET', `/users/${id}`);
    expect([gone.status, gone.body['errorCode']]).toEqual([404, 'E0000007']);
  });

  test('a login answers by status, and a status that only the person can leave still counts as open', async () => {
    const { okta, ask } = await anOkta();
    const id = await create(ask, 'ada');
    const open = OktaStatus.options.filter((status) => {
      okta.forceStatus(id, status);
      return okta.canLogIn(id);
    });
    expect(open).toEqual(['PROVISIONED', 'ACTIVE', 'RECOVERY', 'PASSWORD_EXPIRED', 'LOCKED_OUT']);
    okta.forceStatus(id, 'ACTIVE');
    expect(okta.logIn('ada@x.example').sessionId).not.toBeNull();
    okta.forceStatus(id, 'SUSPENDED');
    expect(okta.logIn('ada@x.example')).toEqual({ canLogIn: false, status: 'SUSPENDED', sessionId: null });
  });
});

describe('users', () => {
  test('a login that is taken is 400 with a cause, whatever its case', async () => {
    const { ask } = await anOkta();
    await create(ask, 'ada');
    const second = await ask('POST', '/users', { profile: { ...profileOf('b'), login: 'ADA@x.example' } });
    expect([second.status, second.body['errorCode']]).toEqual([400, 'E0000001']);
    expect(second.text).toContain('login: An object with this field already exists in the current organization');
  });

  test('a wrong token is 401 E0000011', async () => {
    const { url } = await anOkta();
    const answer = await client(url, 'SSWS other')('GET', '/api/v1/users');
    expect([answer.status, answer.body['errorCode']]).toEqual([401, 'E0000011']);
  });

  test('the plain list hides the deactivated, the filter shows them', async () => {
    const { ask } = await anOkta();
    const id = await create(ask, 'ada');
    await ask('POST', `/users/${id}/lifecycle/deactivate`);
    expect((await ask('GET', '/users')).body).toEqual([]);
    const found = (await ask('GET', '/users?filter=status eq "DEPROVISIONED"')).body;
    expect(found).toMatchObject([{ id }]);
  });

  test('search is behind by the lag, filter is not, and filter knows few attributes', async () => {
    const { ask } = await anOkta({ searchLagMs: 5000 });
    const id = await create(ask, 'ada');
    const search = '/users?search=profile.employeeNumber eq "ada"';
    expect((await ask('GET', search)).body).toEqual([]);
    expect((await ask('GET', '/users?filter=profile.login eq "Ada@x.example"')).body).toMatchObject([{ id }]);
    clock.advance(5000);
    expect((await ask('GET', search)).body).toMatchObject([{ id }]);
    const refused = await ask('GET', '/users?filter=profile.employeeNumber eq "ada"');
    expect([refused.status, refused.body['errorCode']]).toEqual([400, 'E0000031']);
  });

  test('pages follow the next link until there is none', async () => {
    const { ask, url } = await anOkta();
    const ids = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => create(ask, name)));
    const seen: string[] = [];
    let path: string | null = '/users?limit=2';
    while (path !== null) {
      const page = await ask('GET', path);
      seen.push(...(page.body as unknown as { id: string }[]).map((user) => user.id));
      const next: string | undefined = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
      path = next === undefined ? null : next.slice(`${url}/api/v1`.length);
    }
    expect(seen.toSorted()).toEqual(ids.toSorted());
    expect(new Set(seen).size).toBe(5);
  });

  test('POST changes a part, PUT the whole profile', async () => {
    const { ask } = await anOkta();
    const id = await create(ask, 'ada');
    const changed = await ask('POST', `/users/${id}`, { profile: { title: 'Lead' } });
    expect(changed.body['profile']).toMatchObject({ title: 'Lead', employeeNumber: 'ada' });
    const replaced = await ask('PUT', `/users/${id}`, { profile: profileOf('ada') });
    expect(replaced.body['profile']).toEqual(profileOf('ada'));
    expect((await ask('PUT', `/users/${id}`, { profile: { title: 'x' } })).status).toBe(400);
  });

  test('revoking sessions leaves the tokens of applications unless they are asked for', async () => {
    const { okta, ask } = await anOkta();
    const id = await create(ask, 'ada');
    okta.createSession(id, 'sso');
    const token = okta.createSession(id, 'oauth');
    expect((await ask('DELETE', `/users/${id}/sessions`)).status).toBe(204);
    expect(okta.sessionsOf(id)).toEqual([token]);
    await ask('DELETE', `/users/${id}/sessions?oauthTokens=true`);
    expect(okta.sessionsOf(id)).toEqual([]);
  });

  test('throttling tells the reset, and sends no Retry-After', async () => {
    const { okta, ask } = await anOkta();
    okta.faults.add({ kind: 'throttle', retryAfterSeconds: 30 });
    const answer = await ask('GET', '/users');
    expect([answer.status, answer.body['errorCode']]).toEqual([429, 'E0000047']);
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(answer.headers.get('x-rate-limit-remaining')).toBe('0');
    expect(Number(answer.headers.get('x-rate-limit-reset'))).toBe(clock.now().getTime() / 1000 + 30);
    expect(answer.headers.get('x-okta-request-id')).toMatch(/^req/);
  });
});

describe('groups', () => {
  test('membership can be asserted twice, and taken away twice', async () => {
    const { ask } = await anOkta({ hasEveryoneGroup: false });
    const id = await create(ask, 'ada');
    const path = `/groups/00g1/users/${id}`;
    expect([(await ask('PUT', path)).status, (await ask('PUT', path)).status]).toEqual([204, 204]);
    expect((await ask('GET', `/users/${id}/groups`)).body).toMatchObject([{ id: '00g1' }]);
    expect((await ask('GET', '/groups/00g1/users')).body).toHaveLength(1);
    expect([(await ask('DELETE', path)).status, (await ask('DELETE', path)).status]).toEqual([204, 204]);
    expect((await ask('GET', `/users/${id}/groups`)).body).toEqual([]);
  });

  test('groups that Okta does not master refuse members, and everybody is in Everyone', async () => {
    const { ask } = await anOkta();
    const id = await create(ask, 'ada');
    const refused = await ask('PUT', `/groups/00g3/users/${id}`);
    expect([refused.status, refused.body['errorCode']]).toEqual([403, 'E0000006']);
    expect((await ask('GET', `/users/${id}/groups`)).body).toMatchObject([{ type: 'BUILT_IN' }]);
    expect((await ask('PUT', `/groups/nope/users/${id}`)).body['errorCode']).toBe('E0000007');
  });
});
