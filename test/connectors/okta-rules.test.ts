import { describe, expect, test } from '@jest/globals';
import { okta } from '../../src/connectors/okta.ts';
import { readOktaRefusal, readTokenRefusal } from '../../src/connectors/okta/dialect.ts';
import { oktaTransition } from '../../src/connectors/okta/logins.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { aProfile, clockMs, ctx, expectFailure, keysOf, startPlainServer, unlimited } from '../conformance/harness.ts';

describe('the step from a status', () => {
  test.each([
    ['ACTIVE', 'suspend', 'none'],
    ['STAGED', 'deactivate', 'activate'],
    ['PROVISIONED', 'deactivate', 'none'],
    ['RECOVERY', 'deactivate', 'none'],
    ['PASSWORD_EXPIRED', 'deactivate', 'none'],
    ['LOCKED_OUT', 'deactivate', 'none'],
    ['SUSPENDED', 'none', 'unsuspend'],
    ['DEPROVISIONED', 'none', 'activate'],
    ['A_STATUS_OF_TOMORROW', 'deactivate', 'none'],
  ])('%s is %s to disable and %s to enable', (status, toDisable, toEnable) => {
    expect(oktaTransition({ status }, 'disabled')).toBe(toDisable);
    expect(oktaTransition({ status, transitioningToStatus: null }, 'enabled')).toBe(toEnable);
  });

  test('while Okta moves the account, whichever way, it is waited for', () => {
    const goingDown = { status: 'ACTIVE', transitioningToStatus: 'DEPROVISIONED' };
    const comingUp = { status: 'DEPROVISIONED', transitioningToStatus: 'ACTIVE' };
    expect([oktaTransition(goingDown, 'disabled'), oktaTransition(goingDown, 'enabled')]).toEqual(['wait', 'wait']);
    expect([oktaTransition(comingUp, 'disabled'), oktaTransition(comingUp, 'enabled')]).toEqual(['wait', 'wait']);
  });
});

describe('Okta by hand', () => {
  const user = (id: string, values: object = {}, employeeNumber = '104') => ({
    id,
    status: 'ACTIVE',
    ...values,
    profile: { login: `${id}@example.test`, employeeNumber },
  });

  async function against(
    replies: Record<string, unknown>,
    run: (url: string) => Promise<void>,
    headers: Record<string, string> = {},
  ) {
    const vendor = await startPlainServer((response, { method, url }) => {
      const known = Object.entries(replies).find(([call]) => `${method} ${url}`.startsWith(call))?.[1];
      response.writeHead(known === undefined ? 404 : 200, headers).end(JSON.stringify(known ?? {}));
    });
    try {
      await run(vendor.url);
    } finally {
      await vendor.close();
    }
  }
  const connect = (url: string) =>
    openConnector('target', okta, {
      systemId: 'okta',
      config: { url, token: 't' },
      now: () => clockMs,
      rateLimiter: unlimited,
    });

  test('a hit of the index whose key has changed since is not taken', async () => {
    const replies = {
      'GET /api/v1/users/u1': user('u1', {}, '999'),
      'GET /api/v1/users?limit=200&search': [user('u1')],
      'GET /api/v1/users?limit=200&filter=lastUpdated%20gt%20': [user('u1', {}, '999')],
    };
    await against(replies, async (url) => {
      expect(await connect(url).findAccount(keysOf(crypto.randomUUID(), '104'), ctx)).toEqual({ outcome: 'none' });
    });
  });

  test('an account that the index does not know yet is found among those that changed within a day of its clock', async () => {
    const replies = {
      'GET /api/v1/users?limit=200&search': [],
      'GET /api/v1/users?limit=200&filter=lastUpdated%20gt%20%222026-03-01T08%3A00%3A00.000Z%22': [
        user('u1'),
        user('u2', {}, '105'),
      ],
    };
    const date = new Date(clockMs).toUTCString();
    await against(
      replies,
      async (url) => {
        const found = await connect(url).findAccount(keysOf(crypto.randomUUID(), '104'), ctx);
        expect(found).toMatchObject({ outcome: 'found', account: { accountId: 'u1' } });
      },
      { date },
    );
  });

  test('a vendor that does not say what time it is makes everybody be read', async () => {
    const replies = {
      'GET /api/v1/users?limit=200&search': [],
      'GET /api/v1/users?limit=200&filter=status': [user('u1')],
    };
    await against(
      replies,
      async (url) => {
        const found = await connect(url).findAccount(keysOf(crypto.randomUUID(), '104'), ctx);
        expect(found).toMatchObject({ outcome: 'found', account: { accountId: 'u1' } });
      },
      { date: 'no time' },
    );
  });

  test('an account in a move, or with a status of tomorrow, counts as one that can log in', async () => {
    const replies = {
      'GET /api/v1/users/up': user('up', { status: 'DEPROVISIONED', transitioningToStatus: 'ACTIVE' }),
      'GET /api/v1/users/down': user('down', { transitioningToStatus: 'DEPROVISIONED' }),
      'GET /api/v1/users/odd': user('odd', { status: 'A_STATUS_OF_TOMORROW' }),
    };
    await against(replies, async (url) => {
      const connector = connect(url);
      for (const id of ['up', 'down', 'odd']) {
        expect(await connector.getAccount(id, ctx)).toMatchObject({ canLogIn: true });
      }
      for (const id of ['up', 'down']) {
        const error = await expectFailure(connector.setLogin(id, 'disabled', ctx), 'propagating');
        expect(error.detail.retryAfterMs).toBe(5000);
      }
    });
  });

  test('an answer about another account than the one asked for is no answer', async () => {
    await against({ 'GET /api/v1/users/me': user('u1') }, async (url) => {
      expect(await connect(url).getAccount('me', ctx)).toBeNull();
      await expectFailure(connect(url).setLogin('me', 'disabled', ctx), 'notFound');
    });
  });

  test('a person with one name gets an account', async () => {
    const bodies: string[] = [];
    const vendor = await startPlainServer((response, request) => {
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on('end', () => response.end(JSON.stringify(request.url?.includes('?') ? [] : user('u1'))));
    });
    try {
      const call = connect(vendor.url).ensureAccount(
        keysOf(crypto.randomUUID()),
        { ...aProfile(), familyName: '', givenName: 'Björk' },
        ctx,
      );
      await call.catch(() => undefined);
      expect(bodies[0]).toContain('"firstName":"Björk","lastName":"Björk"');
    } finally {
      await vendor.close();
    }
  });
});

describe('readOktaRefusal', () => {
  const refusal = (status: number, body: unknown) => readOktaRefusal({ status, header: () => null, body });
  const duplicate = 'login: An object with this field already exists in the current organization';

  test.each([
    [400, { errorCode: 'E0000001', errorCauses: [{ errorSummary: duplicate }] }, 'conflict'],
    [400, { errorCode: 'E0000001', errorCauses: [{ errorSummary: 'login: too long' }] }, undefined],
    [403, { errorCode: 'E0000038' }, 'precondition'],
    [403, { errorCode: 'E0000016' }, 'precondition'],
    [403, { errorCode: 'E0000006' }, undefined],
  ])('%i %j has the code %s', (status, body, code) => {
    expect(refusal(status, body)?.code).toBe(code);
    expect(refusal(status, body)?.vendorCode).toBe(body.errorCode);
  });

  test('a token without the scope is told so in a header', () => {
    const header = (name: string) =>
      name === 'www-authenticate' ? 'Bearer scope="x", error="insufficient_scope"' : null;
    const verdict = { code: 'auth', vendorCode: 'insufficient_scope' };
    expect(readOktaRefusal({ status: 403, header, body: '' })).toEqual(verdict);
  });

  test('what the token endpoint refuses is a matter of credentials; only known words are passed on', () => {
    const refused = (status: number, body: unknown) => readTokenRefusal({ status, header: () => null, body });
    expect(refused(400, { error: 'invalid_scope' })).toEqual({ code: 'auth', vendorCode: 'invalid_scope' });
    expect(refused(401, { error: 'Ada Byron' })).toEqual({ code: 'auth' });
    expect(refused(503, { error: 'invalid_scope' })).toBeNull();
  });

  test('what is no Okta error says nothing', () => {
    for (const body of [undefined, '', 'E0000001', { errorCode: 'Ada Byron' }]) expect(refusal(400, body)).toBeNull();
  });
});
