/**
 * What every vendor of the sandbox shares: a real HTTP server, the faults in front of it, a log of the calls, and the
 * private endpoints below `/_sandbox`, which no fault touches and no production code may know.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { ExchangeWatcher } from './exchange.ts';
import { DownMode, type Fault, FaultPlan, FaultRule } from './faults.ts';
import type { Store } from './store.ts';

export type SandboxEnv = { Bindings: HttpBindings };
export type SandboxContext = Context<SandboxEnv>;

/** Options of every vendor. `state` is what an earlier run saved (`exportState`). */
export interface SandboxOptions {
  now?: () => Date;
  /** Seed of the faults' probabilities. */
  seed?: number;
  state?: unknown;
  /** Called after each change of the state. */
  onChange?: () => void;
}

export interface Listening {
  /** What a client of this vendor uses as base URL. */
  url: string;
  /** Scheme, host and port: the private endpoints are below `<origin>/_sandbox`. */
  origin: string;
  port: number;
}

export interface Call {
  method: string;
  path: string;
  query: string;
  /** Null where no answer was sent. */
  status: number | null;
  fault: Fault['kind'] | 'down' | null;
  at: string;
}

export interface SandboxServer {
  /** Port 0 takes any free one. Rejects when the port is taken. */
  listen(port?: number, host?: string): Promise<Listening>;
  /** Resolves when the port is free again; open connections are cut. */
  close(): Promise<void>;
  readonly faults: FaultPlan;
  /** The calls so far, oldest first, without the private ones; at most the last 10,000. */
  readonly calls: readonly Call[];
  clearCalls(): void;
  /** From now on the watcher sees what comes and goes, bodies included. */
  watch(watcher: ExchangeWatcher): void;
  exportState(): unknown;
}

export interface VendorKit {
  app: Hono<SandboxEnv>;
  server: SandboxServer;
  now: () => Date;
}

export interface VendorParts<State extends object> {
  store: Store<State>;
  options: SandboxOptions;
  /** Path of the vendor's API below its origin; part of its `url`. */
  basePath?: string;
  /** The vendor's error body and headers for a refusal by fault. */
  refuse(c: SandboxContext, status: number, retryAfterSeconds: number | null): Response;
  /** Answer of `GET /_sandbox/state`. */
  describe(): unknown;
}

const maxCalls = 10_000;
const readMethods = new Set(['GET', 'HEAD']);

/** Makes the server of one vendor; the caller adds its routes to `app`. */
export function createVendorKit<State extends object>(parts: VendorParts<State>): VendorKit {
  const { options, store } = parts;
  const now = options.now ?? (() => new Date());
  const faults = new FaultPlan({ now, ...(options.seed === undefined ? {} : { seed: options.seed }) });
  const calls: Call[] = [];
  const watchers: ExchangeWatcher[] = [];
  const app = new Hono<SandboxEnv>();
  addPrivateRoutes(app, { faults, calls, describe: () => parts.describe() });
  app.use('*', async (c, next) => {
    if (c.req.path.startsWith('/_sandbox/')) return next();
    const call: Call = {
      method: c.req.method,
      path: c.req.path,
      query: new URL(c.req.url).search,
      status: null,
      fault: null,
      at: now().toISOString(),
    };
    calls.push(call);
    if (calls.length > maxCalls) calls.splice(0, calls.length - maxCalls);
    const requestBody = watchers.length === 0 ? '' : await c.req.text();
    const response = await answer(c, next, { call, faults, parts });
    if (watchers.length > 0) await tell(watchers, c, { call, requestBody, response: response ?? c.res });
    if (response !== undefined) return response;
    if (!readMethods.has(call.method)) store.changed();
  });
  return { app, now, server: { ...createListener(app, parts.basePath ?? ''), faults, calls, ...stateAccess() } };

  function stateAccess() {
    return {
      watch: (watcher: ExchangeWatcher) => void watchers.push(watcher),
      clearCalls: () => {
        calls.length = 0;
      },
      exportState: () => store.snapshot(),
    };
  }
}

async function tell(
  watchers: ExchangeWatcher[],
  c: SandboxContext,
  { call, requestBody, response }: { call: Call; requestBody: string; response: Response },
): Promise<void> {
  const { method, path, query, status, fault } = call;
  const answer =
    status === null
      ? null
      : { status: response.status, headers: response.headers, body: await response.clone().text() };
  const exchange = { method, path, query, requestHeaders: c.req.raw.headers, requestBody, fault, answer };
  for (const watcher of watchers) watcher(exchange);
}

interface Answering<State extends object> {
  call: Call;
  faults: FaultPlan;
  parts: VendorParts<State>;
}

/** Undefined: the answer stands in `c.res`. */
async function answer<State extends object>(
  c: SandboxContext,
  next: () => Promise<void>,
  { call, faults, parts }: Answering<State>,
): Promise<Response | undefined> {
  const down = faults.down;
  if (down !== null) {
    Object.assign(call, { fault: 'down', status: down === 'reset' ? null : 503 });
    return down === 'reset' ? resetConnection(c) : parts.refuse(c, 503, null);
  }
  const fault = faults.next(call.method, call.path);
  call.fault = fault?.kind ?? null;
  const perform = async (): Promise<undefined> => {
    await next();
    call.status = c.res.status;
  };
  if (fault === null) return perform();
  switch (fault.kind) {
    case 'status':
    case 'throttle':
      call.status = fault.status;
      return parts.refuse(c, fault.status, fault.kind === 'throttle' ? fault.retryAfterSeconds : null);
    case 'reset':
      return resetConnection(c);
    case 'timeout':
      await new Promise((resolve) => c.env.incoming.socket.once('close', resolve));
      return RESPONSE_ALREADY_SENT;
    case 'malformed':
      await perform();
      await cutBody(c);
      return undefined;
    case 'slow':
      await perform();
      await sleep(fault.delayMs);
      return undefined;
    case 'lostResponse':
      await perform();
      call.status = null;
      parts.store.changed();
      return resetConnection(c);
    case 'lie':
      await lie(c, perform, parts.store);
      return undefined;
    default:
      return fault.kind satisfies never;
  }
}

/** The body is read beforehand: the handler then never waits for the network, and no other call can come in between. */
async function lie<State extends object>(
  c: SandboxContext,
  perform: () => Promise<void>,
  store: Store<State>,
): Promise<void> {
  await c.req.text();
  const before = store.snapshot();
  await perform();
  store.restore(before);
}

async function cutBody(c: SandboxContext): Promise<void> {
  const body = await c.res.text();
  const headers = new Headers(c.res.headers);
  headers.delete('content-length');
  const half = body.length < 2 ? '{' : body.slice(0, Math.floor(body.length / 2));
  c.res = new Response(half, { status: c.res.status === 204 ? 200 : c.res.status, headers });
}

function resetConnection(c: SandboxContext): Response {
  c.env.incoming.socket.resetAndDestroy();
  return RESPONSE_ALREADY_SENT;
}

/** A browser names the page that asks; a page of another site must not steer the sandbox. */
function isForeignPage(c: SandboxContext): boolean {
  const origin = c.req.header('origin');
  return origin !== undefined && origin !== new URL(c.req.url).origin;
}

function addPrivateRoutes(
  app: Hono<SandboxEnv>,
  { faults, calls, describe }: { faults: FaultPlan; calls: Call[]; describe: () => unknown },
): void {
  const Down = z.strictObject({ mode: DownMode.nullable(), forMs: z.number().min(0).optional() });
  app.use('/_sandbox/*', async (c, next) => {
    if (isForeignPage(c)) return c.json({ error: 'The private endpoints do not answer pages of other sites.' }, 403);
    return next();
  });
  app.get('/_sandbox/state', (c) => c.json(describe() as object));
  app.get('/_sandbox/calls', (c) => c.json({ calls }));
  app.get('/_sandbox/faults', (c) => c.json({ down: faults.down, rules: faults.pending }));
  app.post('/_sandbox/faults', async (c) => {
    const rule = FaultRule.safeParse(await readJson(c));
    if (!rule.success) return c.json({ error: z.prettifyError(rule.error) }, 400);
    return c.json({ id: faults.add(rule.data) }, 201);
  });
  app.delete('/_sandbox/faults', (c) => {
    faults.clear();
    return c.body(null, 204);
  });
  app.delete('/_sandbox/faults/:id', (c) =>
    faults.remove(Number(c.req.param('id'))) ? c.body(null, 204) : c.json({ error: 'no such rule' }, 404),
  );
  app.put('/_sandbox/down', async (c) => {
    const down = Down.safeParse(await readJson(c));
    if (!down.success) return c.json({ error: z.prettifyError(down.error) }, 400);
    faults.setDown(down.data.mode, down.data.forMs);
    return c.json({ down: faults.down });
  });
}

function createListener(
  app: Hono<SandboxEnv>,
  basePath: string,
): { listen(port?: number, host?: string): Promise<Listening>; close(): Promise<void> } {
  let server: Server | null = null;
  return {
    async listen(port = 0, host = '127.0.0.1') {
      const starting = createAdaptorServer({ fetch: app.fetch }) as Server;
      await new Promise<void>((resolve, reject) => {
        starting.once('error', reject);
        starting.listen(port, host, resolve);
      });
      server = starting;
      const address = starting.address();
      if (address === null || typeof address === 'string') throw new Error('The server listens on no port.');
      const origin = `http://${host}:${address.port}`;
      return { url: origin + basePath, origin, port: address.port };
    },
    async close() {
      const closing = server;
      server = null;
      if (closing === null) return;
      await new Promise<void>((resolve) => {
        closing.close(() => resolve());
        closing.closeAllConnections();
      });
    },
  };
}

/** The body as JSON, or undefined where it is none. */
export async function readJson(c: SandboxContext): Promise<unknown> {
  try {
    return JSON.parse(await c.req.text()) as unknown;
  } catch {
    return undefined;
  }
}

/** Constant time whatever the lengths. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** User and password of a basic `Authorization` header, or null. */
export function readBasicAuth(c: SandboxContext): { username: string; password: string } | null {
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(c.req.header('authorization') ?? '');
  if (match?.[1] === undefined) return null;
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
