/** What the conformance suites need from a connector's test: the connector, its sandbox, and the vendor's own truth. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from '@jest/globals';
import type { SandboxServer } from '../../sandbox/kit.ts';
import type { ConnectorByKind, ConnectorManifest, CorrelationKeys } from '../../src/connectors/kit/contract.ts';
import { ConnectorError, type ConnectorErrorCode } from '../../src/connectors/kit/errors.ts';

export const ctx = { operationKey: 'operation-1' };
/** The sandbox's clock and the connector's, so that a time to wait can be compared exactly. */
export const clockMs = Date.parse('2026-03-02T08:00:00Z');
/** Calls of the suites are not limited; the limiter has tests of its own. */
export const unlimited = { take: () => ({ ok: true as const }) };
/** Only calls that are never answered wait for it. */
export const timeoutMs = 1_500;

export interface Harness<Kind extends keyof ConnectorByKind> {
  connector: ConnectorByKind[Kind];
  manifest: ConnectorManifest;
  sandbox: SandboxServer;
  /** The same connector against another origin, with the same secrets. */
  connectTo(url: string): ConnectorByKind[Kind];
  /** Must not appear in any error. */
  secrets: string[];
  /** Set where calls are not HTTP: there are no redirects, links and bodies, and being busy has one time to wait. */
  notHttp?: { busyRetryAfterMs: number };
}

export interface TargetHarness extends Harness<'target'> {
  /** Accounts per page, as the connector was configured. */
  pageSize: number;
  /** Vendor statuses that an account may have. */
  statuses: string[];
  groupId: string;
  /** Of the call that lists accounts and of the one that creates one. */
  usersPath: string;
  /** Of the call that changes a membership. */
  memberMethod: string;
  memberPath: string;
  /** Makes an account behind the connector's back. */
  seedAccount(account: { userName: string; correlationKey: string | null }): Promise<string>;
  forceStatus(accountId: string, status: string): void | Promise<void>;
  canLogIn(accountId: string): boolean | Promise<boolean>;
  accountIds(): string[] | Promise<string[]>;
  membersOf(groupId: string): string[] | Promise<string[]>;
  createSession(accountId: string): unknown;
  sessionCount(accountId: string): number | Promise<number>;
  /** At most so many calls for a listing of so many full pages; absent: one for each page. */
  listingCallsMax?: (pages: number) => number;
  /** Paths whose POST reads (GraphQL, RPC); absent: only a GET reads. */
  readsByPost?: RegExp;
  /** First page of a vendor that links to the next one; null where the vendor sends no links. */
  replyWithNextLink: ((nextOrigin: string) => { headers: Record<string, string>; body: unknown }) | null;
}

export interface HrisHarness extends Harness<'hris'> {
  /** Hires behind the connector's back; returns the source key. */
  hire(names?: { firstName: string; lastName: string }): string;
  /** HR ends the employment at once. */
  terminate(sourceKey: string): void;
  /** HR sets a last day that lies in the future. */
  setLastDay(sourceKey: string, date: string): void;
  /** The work e-mail as it stands in the record. */
  workEmailOf(sourceKey: string): string | null;
  /** HR writes it, behind the connector's back. */
  setWorkEmail(sourceKey: string, workEmail: string): void;
  /** Values of the record that Usher has no business with. */
  privateValues: string[];
  /** Moves the clock of the vendor. */
  advance(ms: number): void;
  webhookKey: string;
  /** The headers that the vendor would send. */
  sign(body: string, at: Date): Record<string, string>;
  webhookBody(sourceKey: string): string;
  /** Same length, other owner. */
  forge(headers: Record<string, string>): Record<string, string>;
}

export interface TicketingHarness extends Harness<'ticketing'> {
  openTickets(correlationId: string): string[];
  /** Makes a ticket behind the connector's back. */
  seedTicket(ticket: { correlationId: string; isOpen: boolean }): Promise<string>;
}

/** Runs the call and returns its ConnectorError; fails on any other outcome. */
export async function failureOf(call: Promise<unknown>): Promise<ConnectorError> {
  const outcome = await call.then(
    () => 'no error',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(ConnectorError);
  return outcome as ConnectorError;
}

export async function expectFailure(call: Promise<unknown>, code: ConnectorErrorCode): Promise<ConnectorError> {
  const error = await failureOf(call);
  expect(error.code).toBe(code);
  return error;
}

export function keysOf(personId: string, ...sourceKeys: string[]): CorrelationKeys {
  return { accountId: null, personId, sourceKeys };
}

export function aProfile(userName = `ada.${Math.random().toString(36).slice(2, 10)}@example.test`) {
  return {
    userName,
    givenName: 'Ada',
    familyName: 'Byron',
    displayName: 'Ada Byron',
    email: userName,
    title: 'Analyst',
    department: 'Finance',
  };
}

/** What people are called in the worst case. */
export const hostileTexts = [
  `O'Brien "the \\ quote"`,
  '*)(uid=*))(|(uid=*',
  '" or externalId pr or profile.login pr or userName eq "',
  'a^ORDERBYnumber^NQactive=true',
  '../../groups/all',
  '\u202Egnp.exe\u200F \u2066x',
  'line\r\nx-injected: 1',
  '%2e%2e%2f?admin=true#x',
  'n'.repeat(10_240),
];

export interface PlainServer {
  url: string;
  requests: IncomingMessage[];
  close(): Promise<void>;
}

/** An HTTP server that answers everything in one way and remembers who asked. */
export async function startPlainServer(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<PlainServer> {
  const requests: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(request);
    answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
