/** Who may call what: the table of endpoints, tokens, sessions. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createLoginLink } from '../../src/auth/login-links.ts';
import { allScopes, endpoints, type Scope } from '../../src/auth/scopes.ts';
import { authenticate, createToken, revokeToken } from '../../src/auth/tokens.ts';
import { createHttpFixture, startedAt, type HttpFixture } from './http-fixture.ts';
import { addCutoff } from './rows.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await createHttpFixture();
});
afterAll(() => fixture.close());

const unknown = randomUUID();
const parameters: Record<string, string> = {
  ':systemId': 'nosuch',
  ':secret': 'A'.repeat(43),
  ':caseId': `case_${unknown}_1`,
  ':approvalId': `approval_${unknown}_1_1`,
  ':person': unknown,
  ':hash': 'a'.repeat(64),
  ':questionId': unknown,
  ':mandateId': unknown,
};
const pathOf = (endpoint: string): { method: string; path: string } => {
  const [method = '', pattern = ''] = endpoint.split(' ');
  return { method, path: pattern.replace(/:\w+/g, (name) => parameters[name] ?? name) };
};
const guarded = Object.entries(endpoints).filter(([, need]) => Array.isArray(need)) as [string, readonly Scope[]][];

describe('the table of endpoints', () => {
  it('has a row for every route and a route for every row', () => {
    const routes = fixture.app.routes.filter((route) => route.method !== 'ALL');
    const registered = new Set(routes.map((route) => `${route.method} ${route.path}`));
    expect([...registered].toSorted()).toEqual(Object.keys(endpoints).toSorted());
  });

  it('leaves nothing anonymous but health, signed webhooks and one-time links', () => {
    const open = Object.entries(endpoints).filter(([, need]) => !Array.isArray(need));
    expect(open.map(([endpoint]) => endpoint).toSorted()).toEqual([
      'GET /decide/:secret',
      'GET /healthz',
      'GET /login/:secret',
      'GET /readyz',
      'POST /decide/:secret',
      'POST /login/:secret',
      'POST /webhooks/:systemId',
    ]);
  });

  it.each(guarded)('%s answers 401 without a token and to a wrong one', async (endpoint) => {
    const { method, path } = pathOf(endpoint);
    for (const headers of [{}, { authorization: `Bearer ush_${'A'.repeat(43)}` }, { authorization: 'Basic eDp5' }])
      expect((await fixture.call(method, path, { headers })).status).toBe(401);
  });

  it.each(guarded)('%s opens to its scopes and to no other', async (endpoint, need) => {
    const { method, path } = pathOf(endpoint);
    for (const scope of allScopes) {
      const personId = scope === 'internal' ? null : await fixture.addPerson();
      const { token } = await fixture.tokenWith([scope], { personId });
      const answer = await fixture.call(method, path, { token, ...(method === 'POST' ? { raw: '' } : {}) });
      const isRefused = answer.status === 403 && /needs one of the scopes|does not allow/.test(answer.text);
      expect({ scope, isRefused }).toEqual({ scope, isRefused: !need.includes(scope) });
    }
  });
});

describe('tokens', () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it('are stored as a hash only', async () => {
    const { token } = await fixture.tokenWith(['operate']);
    const rows = await fixture.db.selectFrom('access_token').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(token.slice(4));
    expect(token).toMatch(/^ush_[A-Za-z0-9_-]{43}$/);
  });

  it('end at their expiry, to the millisecond', async () => {
    const expiresAt = new Date(startedAt.getTime() + 1000);
    const { token } = await fixture.tokenWith(['operate'], { expiresAt });
    expect(await authenticate(fixture.db, bearer(token), new Date(expiresAt.getTime() - 1))).not.toBeNull();
    expect(await authenticate(fixture.db, bearer(token), expiresAt)).toBeNull();
  });

  it('end when they are revoked', async () => {
    const { token, tokenHash } = await fixture.tokenWith(['operate']);
    expect((await fixture.call('GET', '/api/v1/me', { token })).status).toBe(200);
    await revokeToken(fixture.db, tokenHash, startedAt);
    expect((await fixture.call('GET', '/api/v1/me', { token })).status).toBe(401);
  });

  it('end when the departure of their person starts, and live on when it is only scheduled', async () => {
    const personId = await fixture.addPerson();
    const { token } = await fixture.tokenWith(['operate'], { personId });
    await addCutoff(fixture, { personId, state: 'scheduled', effectiveAt: startedAt });
    expect((await fixture.call('GET', '/api/v1/me', { token })).status).toBe(200);
    await fixture.db.updateTable('cutoff').set({ state: 'started' }).where('person_id', '=', personId).execute();
    expect((await fixture.call('GET', '/api/v1/me', { token })).status).toBe(401);
  });

  it.each([
    ['a service token that decides', { personId: null, scopes: ['decide'] }],
    ['a service token that erases', { personId: null, scopes: ['erase'] }],
    ['a person with the scope of the worker', { personId: unknown, scopes: ['internal'] }],
    ['no scope', { personId: unknown, scopes: [] }],
  ] as [string, { personId: string | null; scopes: Scope[] }][])('cannot be %s', async (_name, input) => {
    const expiresAt = new Date(startedAt.getTime() + 1000);
    const made = createToken(fixture.db, { ...input, label: 'test', expiresAt, now: startedAt });
    await expect(made).rejects.toMatchObject({ code: 'invalidInput' });
  });

  it('that are wrong are not made good by a session cookie', async () => {
    const cookie = await openSession(['operate']);
    const headers = { cookie, authorization: 'Bearer nonsense' };
    expect((await fixture.call('GET', '/api/v1/me', { headers })).status).toBe(401);
  });
});

async function openSession(scopes: Scope[]): Promise<string> {
  const { tokenHash } = await fixture.tokenWith(scopes);
  const expiresAt = new Date(startedAt.getTime() + 60_000);
  const secret = await createLoginLink(fixture.db, { tokenHash, expiresAt });
  const answer = await fixture.call('POST', `/login/${secret}`);
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

describe('login links', () => {
  it('are shown by GET without being used up, and open one session by POST', async () => {
    const { tokenHash } = await fixture.tokenWith(['operate']);
    const expiresAt = new Date(startedAt.getTime() + 60_000);
    const secret = await createLoginLink(fixture.db, { tokenHash, expiresAt });
    for (let round = 0; round < 2; round++) expect((await fixture.call('GET', `/login/${secret}`)).status).toBe(200);
    const opened = await fixture.call('POST', `/login/${secret}`);
    expect(opened.status).toBe(303);
    expect(opened.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/);
    expect(opened.headers.get('set-cookie')).not.toContain(secret);
    expect((await fixture.call('POST', `/login/${secret}`)).status).toBe(410);
    expect((await fixture.call('GET', `/login/${secret}`)).status).toBe(410);
  });

  it('open a session that reads and never writes', async () => {
    const cookie = await openSession(['operate']);
    expect((await fixture.call('GET', '/', { headers: { cookie } })).status).toBe(200);
    const headers = { cookie };
    const body = { persons: [unknown], reason: 'because' };
    const written = await fixture.call('POST', '/api/v1/holds/release', { headers, body });
    expect(written).toMatchObject({ status: 403, json: { code: 'forbidden' } });
  });

  it('open a session that ends with its token', async () => {
    const { tokenHash } = await fixture.tokenWith(['operate']);
    const secret = await createLoginLink(fixture.db, {
      tokenHash,
      expiresAt: new Date(startedAt.getTime() + 60_000),
    });
    const opened = await fixture.call('POST', `/login/${secret}`);
    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect((await fixture.call('GET', '/', { headers: { cookie } })).status).toBe(200);
    await revokeToken(fixture.db, tokenHash, startedAt);
    expect((await fixture.call('GET', '/', { headers: { cookie } })).status).toBe(401);
  });
});
