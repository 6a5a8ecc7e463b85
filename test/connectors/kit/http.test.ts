import { afterEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { ConnectorError } from '../../../src/connectors/kit/errors.ts';
import { createHttpFactory } from '../../../src/connectors/kit/http.ts';
import { readRetryAfterMs } from '../../../src/connectors/kit/retry-after.ts';
import { clockMs, failureOf, type PlainServer, startPlainServer, unlimited } from '../../conformance/harness.ts';

const servers: PlainServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function httpAgainst(answer: (response: ServerResponse) => void, overrides = {}, timeoutMs = 10_000) {
  const server = await startPlainServer(answer);
  servers.push(server);
  const deps = { systemId: 'crm', rateLimiter: unlimited, now: () => clockMs, ...overrides };
  const http = createHttpFactory(deps)({
    baseUrl: `${server.url}/base`,
    headers: { authorization: 'Bearer top-secret' },
    timeoutMs,
  });
  return { http, server };
}

const status = (code: number, headers: Record<string, string> = {}) =>
  httpAgainst((response) => response.writeHead(code, headers).end('{"name":"Ada Byron"}'));

describe('classification', () => {
  test.each([
    [302, 'transient', 'unknownOutcome'],
    [405, 'unsupported', 'unsupported'],
    [408, 'transient', 'unknownOutcome'],
    [410, 'notFound', 'notFound'],
    [418, 'validation', 'validation'],
    [428, 'precondition', 'precondition'],
    [501, 'unsupported', 'unsupported'],
    [502, 'transient', 'transient'],
  ])('%i is %s on a read and %s on a write', async (code, onRead, onWrite) => {
    const { http } = await status(code);
    expect((await failureOf(http.get('x'))).code).toBe(onRead);
    expect((await failureOf(http.post('x', {}))).code).toBe(onWrite);
  });

  test('the end of a rate-limit window on a passing outage is no reason to wait for it', async () => {
    const reset = String(Math.floor(Date.now() / 1000) + 60);
    const outage = await failureOf((await status(503, { 'x-rate-limit-reset': reset })).http.get('x'));
    expect([outage.code, outage.detail.retryAfterMs]).toEqual(['transient', undefined]);
    const asked = await failureOf((await status(503, { 'retry-after': '2' })).http.get('x'));
    expect(asked.detail.retryAfterMs).toBe(2000);
  });

  test('a 403 that asks to wait is throttling, any other is our credentials', async () => {
    const waits = await failureOf((await status(403, { 'retry-after': '9' })).http.get('x'));
    expect([waits.code, waits.detail.retryAfterMs]).toEqual(['throttled', 9000]);
    const spent = await failureOf((await status(403, { 'x-ratelimit-remaining': '0' })).http.get('x'));
    expect(spent.code).toBe('throttled');
    expect((await failureOf((await status(403)).http.get('x'))).code).toBe('auth');
  });

  test('a connection that was refused carried nothing out, even on a write', async () => {
    const { http, server } = await httpAgainst((response) => response.end());
    await server.close();
    expect((await failureOf(http.post('x', {}))).code).toBe('transient');
  });

  test('a body that keeps dripping runs into the time-out', async () => {
    const drip = (response: ServerResponse): void => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    };
    const { http } = await httpAgainst(drip, {}, 300);
    expect((await failureOf(http.get('x'))).message).toBe('time-out');
    expect((await failureOf(http.post('x', {}))).code).toBe('unknownOutcome');
  });

  test('a write that is cancelled under way has an unknown outcome', async () => {
    const controller = new AbortController();
    const { http } = await httpAgainst(() => controller.abort());
    expect((await failureOf(http.post('x', {}, { signal: controller.signal }))).code).toBe('unknownOutcome');
  });

  test('a write that was cancelled beforehand is not sent, and so its outcome is known', async () => {
    const { http, server } = await httpAgainst((response) => response.end());
    const error = await failureOf(http.post('x', {}, { signal: AbortSignal.abort() }));
    expect([error.code, server.requests.length]).toEqual(['transient', 0]);
  });

  test('a body that is too large to send is refused before it is sent', async () => {
    const { http, server } = await httpAgainst((response) => response.end());
    const error = await failureOf(http.post('x', { text: 'x'.repeat(1024 * 1024) }));
    expect([error.code, server.requests.length]).toEqual(['validation', 0]);
  });

  test('an answer that is too large is cut off', async () => {
    const { http } = await httpAgainst((response) => response.end('x'.repeat(16 * 1024 * 1024 + 1)));
    expect((await failureOf(http.get('x'))).code).toBe('transient');
  });
});

describe('what leaves the factory', () => {
  test('no absolute URL, and none that pretends to be relative, gets out of the base URL', async () => {
    const foreign = await startPlainServer((response) => response.end('{}'));
    servers.push(foreign);
    const { http, server } = await httpAgainst((response) => response.end('{}'));
    for (const url of [`${foreign.url}/x`, `//${new URL(foreign.url).host}/x`]) {
      await http.get(url).catch((error: unknown) => expect(error).toBeInstanceOf(ConnectorError));
    }
    expect(foreign.requests).toHaveLength(0);
    expect(server.requests.every(({ url }) => url?.startsWith('/base/'))).toBe(true);
  });

  test('no cookie comes back to the vendor', async () => {
    const { http, server } = await httpAgainst((response) =>
      response.writeHead(200, { 'set-cookie': 'session=1; Path=/' }).end('{}'),
    );
    await http.get('x');
    await http.get('x');
    expect(server.requests.map(({ headers }) => headers.cookie)).toEqual([undefined, undefined]);
  });

  test('an empty bucket sends nothing and says how long to wait', async () => {
    const rateLimiter = { take: () => ({ ok: false as const, retryAfterMs: 1234 }) };
    const { http, server } = await httpAgainst((response) => response.end('{}'), { rateLimiter });
    const error = await failureOf(http.get('x'));
    expect([error.code, error.detail.retryAfterMs]).toEqual(['throttled', 1234]);
    expect(server.requests).toHaveLength(0);
  });

  test('an error names system, operation and request id, and neither header, URL nor body', async () => {
    const { http, server } = await status(422, { 'x-request-id': 'req-1' });
    const call = http.post('people?email=ada', { name: 'Ada' }, { usher: { operation: 'ensureAccount' } });
    const error = await failureOf(call);
    expect(error.detail).toEqual({
      systemId: 'crm',
      operation: 'ensureAccount',
      vendorCode: '422',
      vendorRequestId: 'req-1',
    });
    const everything = `${error.stack} ${JSON.stringify(error)}`;
    for (const secret of ['top-secret', 'ada', 'Ada', server.url]) expect(everything).not.toContain(secret);
  });

  test('a request id that is none is dropped', async () => {
    const error = await failureOf((await status(500, { 'x-request-id': 'Ada Byron <ada@x>' })).http.get('x'));
    expect(error.detail.vendorRequestId).toBeUndefined();
  });
});

describe('readRetryAfterMs', () => {
  const read = (headers: Record<string, string>) => readRetryAfterMs((name) => headers[name] ?? null, clockMs);

  test.each([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': new Date(clockMs + 9000).toUTCString() }, 9000],
    [{ 'retry-after': new Date(clockMs - 9000).toUTCString() }, 0],
    [{ 'x-rate-limit-reset': String(clockMs / 1000 + 5) }, 5000],
    [{ 'x-ratelimit-reset': new Date(clockMs + 3000).toISOString() }, 3000],
    [{ 'x-ratelimit-reset': '30' }, 30_000],
    [{ 'retry-after': '2', 'x-rate-limit-reset': '60' }, 2000],
    [{ 'retry-after': '999999' }, 3_600_000],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '' }, null],
    [{}, null],
  ])('%j is %p ms', (headers, expected) => {
    expect(read(headers as Record<string, string>)).toBe(expected);
  });
});
