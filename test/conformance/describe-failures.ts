/** How every connector fails, whatever its kind: classified, once, without secrets, and without leaving its origin. */
import { expect, test } from '@jest/globals';
import type { ConnectorByKind } from '../../src/connectors/kit/contract.ts';
import type { ConnectorError, ConnectorErrorCode } from '../../src/connectors/kit/errors.ts';
import { expectFailure, failureOf, type Harness, startPlainServer } from './harness.ts';

export interface FailureProbe<Kind extends keyof ConnectorByKind> {
  harness(): Harness<Kind>;
  /** A read that costs one call. */
  read(connector: ConnectorByKind[Kind]): Promise<unknown>;
}

const byStatus: [number, ConnectorErrorCode][] = [
  [400, 'validation'],
  [401, 'auth'],
  [403, 'auth'],
  [404, 'notFound'],
  [409, 'conflict'],
  [412, 'precondition'],
  [422, 'validation'],
  [500, 'transient'],
  [503, 'transient'],
];

export function describeFailures<Kind extends keyof ConnectorByKind>({ harness, read }: FailureProbe<Kind>): void {
  test.each(byStatus)('a refusal with %i is one call and the code %s', async (status, code) => {
    const { connector, sandbox } = harness();
    sandbox.faults.add({ kind: 'status', status });
    sandbox.clearCalls();
    const error = await expectFailure(read(connector), code);
    expect(error.detail.operation).not.toBe('http');
    expect(sandbox.calls).toHaveLength(1);
  });

  test('throttling tells how long to wait and is not tried again', async () => {
    const { connector, sandbox } = harness();
    sandbox.faults.add({ kind: 'throttle', retryAfterSeconds: 7 });
    sandbox.clearCalls();
    const error = await expectFailure(read(connector), 'throttled');
    expect(error.detail.retryAfterMs).toBe(harness().notHttp?.busyRetryAfterMs ?? 7000);
    expect(sandbox.calls).toHaveLength(1);
  });

  test.each(['reset', 'timeout', 'malformed'] as const)('a read that ends in %s is transient', async (kind) => {
    const { connector, sandbox } = harness();
    sandbox.faults.add({ kind });
    sandbox.clearCalls();
    await expectFailure(read(connector), 'transient');
    expect(sandbox.calls).toHaveLength(1);
  });

  test('a vendor that cannot be reached is transient', async () => {
    const { connector, sandbox } = harness();
    await sandbox.close();
    await expectFailure(read(connector), 'transient');
  });

  test('a redirect is not followed: the other origin hears nothing', async () => {
    if (harness().notHttp !== undefined) return;
    const foreign = await startPlainServer((response) => response.end('[]'));
    const vendor = await startPlainServer((response) => response.writeHead(302, { location: foreign.url }).end());
    try {
      await expectFailure(read(harness().connectTo(vendor.url)), 'transient');
      expect(vendor.requests).toHaveLength(1);
      expect(foreign.requests).toHaveLength(0);
    } finally {
      await Promise.all([vendor.close(), foreign.close()]);
    }
  });

  test('an error holds no secret and nothing of the answer', async () => {
    if (harness().notHttp !== undefined) {
      harness().sandbox.faults.add({ kind: 'status', status: 500 });
      expectSilent(await failureOf(read(harness().connector)), [...harness().secrets, 'Ada Byron']);
      return;
    }
    const vendor = await startPlainServer((response) => response.writeHead(500).end('Ada Byron was here'));
    try {
      const error = await failureOf(read(harness().connectTo(vendor.url)));
      expectSilent(error, [...harness().secrets, 'Ada Byron', vendor.url]);
    } finally {
      await vendor.close();
    }
  });

  test('a call that was cancelled beforehand is not sent', async () => {
    const { sandbox, connector } = harness();
    sandbox.clearCalls();
    await expectFailure(connector.check({ operationKey: 'operation-1', signal: AbortSignal.abort() }), 'transient');
    expect(sandbox.calls).toHaveLength(0);
  });
}

function expectSilent(error: ConnectorError, secrets: string[]): void {
  const everything = `${error.stack} ${JSON.stringify(error)} ${JSON.stringify(Object.getOwnPropertyDescriptors(error))}`;
  for (const secret of secrets) expect(everything).not.toContain(secret);
  expect(error.cause).toBeUndefined();
}
