/** Servers of a test: closed after it, and asked over real HTTP. */
import { afterEach } from '@jest/globals';
import type { SandboxServer } from '../../sandbox/kit.ts';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** Listens on a free port until the test ends. */
export async function serve<Server extends SandboxServer>(server: Server): Promise<{ url: string; origin: string }> {
  open.push(server);
  return server.listen();
}

/** Closes it when the test ends. */
export function closeLater(server: { close(): Promise<void> }): void {
  open.push(server);
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // What a vendor sends is looked at, field by field, by the assertions.
  body: Record<string, unknown>;
}

/** One client: base URL and Authorization header. */
export function client(url: string, authorization: string) {
  return async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { authorization, 'content-type': 'application/json' };
    const response = await fetch(url + path, { method, headers, redirect: 'manual', ...init });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** A clock that stands still until it is moved. */
export function aClock(start = '2026-03-02T08:00:00.000Z'): { now: () => Date; advance(ms: number): void } {
  let at = Date.parse(start);
  return {
    now: () => new Date(at),
    advance: (ms) => {
      at += ms;
    },
  };
}
