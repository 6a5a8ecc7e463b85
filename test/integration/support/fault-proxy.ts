/**
 * A real server behind the sandbox's faults: calls are counted, throttled, cut and lost on the way, so that the conformance
 * suite can run against it. A lie is a success that never reached the server.
 */
import { createVendorKit, type SandboxServer } from '../../../sandbox/kit.ts';
import { Store } from '../../../sandbox/store.ts';

export interface FaultProxyOptions {
  /** Origin of the real server. */
  target: string;
  now: () => Date;
  /** Body of a refusal by fault with this status. */
  refusal: (status: number) => unknown;
  /** Headers of the request that go on. */
  requestHeaders?: string[];
}

const passedOn = ['authorization', 'content-type', 'accept'];
const passedBack = ['content-type', 'location'];

export function createFaultProxy({
  target,
  now,
  refusal,
  requestHeaders = passedOn,
}: FaultProxyOptions): SandboxServer {
  const { app, server } = createVendorKit({
    store: new Store({}, undefined),
    options: { now },
    refuse(c, status, retryAfterSeconds) {
      if (retryAfterSeconds !== null) c.header('Retry-After', String(retryAfterSeconds));
      return c.json(refusal(status) as object, status as 500);
    },
    describe: () => ({ target }),
  });
  app.all('*', async (c) => {
    const { method } = c.req;
    const isRead = method === 'GET' || method === 'HEAD';
    if (!isRead && server.faults.pending.some(({ rule }) => rule.kind === 'lie')) return c.body(null, 204);
    const { pathname, search } = new URL(c.req.url);
    const headers = requestHeaders.flatMap((name) => {
      const value = c.req.header(name);
      return value === undefined ? [] : [[name, value] as [string, string]];
    });
    const body = isRead ? {} : { body: await c.req.arrayBuffer() };
    const answer = await fetch(`${target}${pathname}${search}`, { method, headers, redirect: 'manual', ...body });
    const back = passedBack.flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value] as [string, string]];
    });
    const text = await answer.text();
    return new Response(text === '' ? null : text, { status: answer.status, headers: back });
  });
  return server;
}
