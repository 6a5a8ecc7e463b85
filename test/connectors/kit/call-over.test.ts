import { describe, expect, test } from '@jest/globals';
import { createCallOver } from '../../../src/connectors/kit/call-over.ts';
import type { CallEnd } from '../../../src/connectors/kit/call-watcher.ts';
import { ConnectorError } from '../../../src/connectors/kit/errors.ts';
import { clockMs, failureOf, unlimited } from '../../conformance/harness.ts';

function callOver(overrides = {}) {
  const ends: CallEnd[] = [];
  const watchCall = () => (end: CallEnd) => void ends.push(end);
  const call = createCallOver({
    systemId: 'dir',
    rateLimiter: unlimited,
    now: () => clockMs,
    timeoutMs: 10_000,
    watchCall,
    ...overrides,
  });
  return { call, ends };
}
const read = { operation: 'getAccount', method: 'search', isWrite: false };
const write = { operation: 'setLogin', method: 'modify', isWrite: true };
const ctx = { operationKey: 'op' };
const never = () => new Promise<never>(() => undefined);

describe('a call over another transport', () => {
  test('answers what it got, and is seen', async () => {
    const { call, ends } = callOver();
    expect(await call(read, () => Promise.resolve('entry'), ctx)).toBe('entry');
    expect(ends.map(({ outcome }) => outcome)).toEqual(['ok']);
  });

  test('keeps a classified failure; of any other only the fact goes on', async () => {
    const { call, ends } = callOver();
    const conflict = new ConnectorError('conflict', 'taken', { systemId: 'dir', operation: 'setLogin' });
    expect(await failureOf(call(write, () => Promise.reject(conflict), ctx))).toBe(conflict);
    const raw = await failureOf(call(read, () => Promise.reject(new Error('cn=Ada Byron')), ctx));
    expect([raw.code, raw.message.includes('Ada')]).toEqual(['transient', false]);
    expect((await failureOf(call(write, () => Promise.reject(new Error('x')), ctx))).code).toBe('unknownOutcome');
    expect(ends.map(({ outcome }) => outcome)).toEqual(['conflict', 'transient', 'unknownOutcome']);
  });

  test('ends in time, or when its caller gives up; what a write did is then unknown', async () => {
    const { call } = callOver({ timeoutMs: 20 });
    expect((await failureOf(call(read, never, ctx))).message).toBe('time-out');
    expect((await failureOf(call(write, never, ctx))).code).toBe('unknownOutcome');
    const controller = new AbortController();
    const { call: slow } = callOver();
    const send = () => {
      controller.abort();
      return never();
    };
    expect((await failureOf(slow(write, send, { ...ctx, signal: controller.signal }))).code).toBe('unknownOutcome');
  });

  test('is not sent where the budget is spent or the caller has given up', async () => {
    const send = () => Promise.reject(new Error('was sent'));
    const empty = callOver({ rateLimiter: { take: () => ({ ok: false as const, retryAfterMs: 1234 }) } });
    const throttled = await failureOf(empty.call(write, send, ctx));
    expect([throttled.code, throttled.detail.retryAfterMs]).toEqual(['throttled', 1234]);
    const gone = await failureOf(callOver().call(write, send, { ...ctx, signal: AbortSignal.abort() }));
    expect([gone.code, gone.message]).toEqual(['transient', 'cancelled before the call was sent']);
  });
});
