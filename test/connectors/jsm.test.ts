import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createJsmSandbox, type JsmSandbox } from '../../sandbox/jsm.ts';
import { jsm, readJiraRefusal } from '../../src/connectors/jsm.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { describeTicketingConnector } from '../conformance/describe-ticketing.ts';
import { clockMs, ctx, expectFailure, timeoutMs, type TicketingHarness, unlimited } from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const auth = { email: 'usher@example.test', token: 'jira-token-of-the-test' };
const gate = openVendorDescription({
  vendor: 'Jira Service Management',
  files: ['atlassian/jira-service-management.pruned.json'],
  exceptions: [
    {
      operation: [
        'GET /rest/servicedeskapi/servicedesk/{serviceDeskId}/requesttype/{requestTypeId}',
        'GET /rest/servicedeskapi/request',
        'POST /rest/servicedeskapi/request',
        'GET /rest/servicedeskapi/request/{issueIdOrKey}',
        'POST /rest/servicedeskapi/request/{issueIdOrKey}/comment',
        'GET /rest/servicedeskapi/request/{issueIdOrKey}/transition',
        'POST /rest/servicedeskapi/request/{issueIdOrKey}/transition',
      ],
      place: 'credentials',
      reason:
        'the description declares basic credentials ("You can access this resource via basic auth") and lists the scopes of OAuth only',
    },
  ],
});
const fields = { shortDescription: 'x', description: 'y', urgency: 2 as const };
const basic = Buffer.from(`${auth.email}:${auth.token}`).toString('base64');

function connectTo(url: string, now: () => number = () => clockMs) {
  const config = { url, ...auth, serviceDeskId: '4', requestTypeId: '17' };
  const options = { systemId: 'jsm', config, now, rateLimiter: unlimited, timeoutMs };
  return openConnector('ticketing', jsm, options);
}

const withId = (sandbox: JsmSandbox, correlationId: string) =>
  Object.entries(sandbox.tickets()).filter(([, ticket]) => ticket.description.endsWith(`reference: ${correlationId}`));

const openTickets = (sandbox: JsmSandbox, correlationId: string) =>
  withId(sandbox, correlationId).flatMap(([key, { isDone }]) => (isDone ? [] : [key]));

async function post(url: string, path: string, body: object): Promise<Response> {
  return fetch(`${url}/rest/servicedeskapi/request${path}`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function seed(url: string, correlationId: string, isOpen: boolean): Promise<string> {
  const requestFieldValues = { summary: 'x', description: `y\nUsher reference: ${correlationId}` };
  const made = await post(url, '', { serviceDeskId: '4', requestTypeId: '17', requestFieldValues });
  const { issueKey } = (await made.json()) as { issueKey: string };
  if (!isOpen) await post(url, `/${issueKey}/transition`, { id: '41' });
  return issueKey;
}

async function start(): Promise<TicketingHarness> {
  const sandbox = createJsmSandbox({ ...auth, now: () => new Date(clockMs) });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  return {
    connector: connectTo(url),
    connectTo: (other) => connectTo(other),
    manifest: jsm.manifest,
    sandbox,
    secrets: [auth.token, basic],
    openTickets: (correlationId) => openTickets(sandbox, correlationId),
    seedTicket: ({ correlationId, isOpen }) => seed(url, correlationId, isOpen),
  };
}

describeTicketingConnector('jsm', { start });

test('after a lost answer nothing is opened before the list can know it, and then the first is found', async () => {
  let nowMs = clockMs;
  const sandbox = createJsmSandbox({ ...auth, indexLagMs: 20_000, now: () => new Date(nowMs) });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  try {
    const connector = connectTo(url, () => nowMs);
    const id = randomUUID();
    sandbox.faults.add({ kind: 'lostResponse', method: 'POST' });
    await expectFailure(connector.ensureTicket(id, fields, ctx), 'unknownOutcome');
    await expectFailure(connector.ensureTicket(id, fields, ctx), 'propagating');
    nowMs += 30_000;
    expect(await connector.ensureTicket(id, fields, ctx)).toMatchObject({ outcome: 'adopted' });
    expect(openTickets(sandbox, id)).toHaveLength(1);
    // Nothing was made by a call that was lost on its way: once the list must know it, another is opened.
    const other = randomUUID();
    sandbox.faults.add({ kind: 'reset', method: 'POST' });
    await expectFailure(connector.ensureTicket(other, fields, ctx), 'unknownOutcome');
    nowMs += 61_000;
    expect(await connector.ensureTicket(other, fields, ctx)).toMatchObject({ outcome: 'created' });
  } finally {
    await sandbox.close();
  }
});

test('of several open requests with one id the oldest stays, and the others are closed', async () => {
  const sandbox = createJsmSandbox({ ...auth, now: () => new Date(clockMs) });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  try {
    const id = randomUUID();
    const [first] = [await seed(url, id, true), await seed(url, id, true)];
    expect(await connectTo(url).ensureTicket(id, fields, ctx)).toMatchObject({ ticketId: first, outcome: 'adopted' });
    expect(openTickets(sandbox, id)).toEqual([first]);
  } finally {
    await sandbox.close();
  }
});

test('503 with a time to come back is throttling, and without one an outage', () => {
  const answer = (status: number, headers: Record<string, string>) => ({
    status,
    body: null,
    header: (name: string) => headers[name] ?? null,
  });
  expect(readJiraRefusal(answer(503, { 'retry-after': '5' }))).toEqual({ code: 'throttled' });
  expect(readJiraRefusal(answer(503, {}))).toBeNull();
  expect(readJiraRefusal(answer(429, { 'ratelimit-reason': 'jira-burst-based' }))).toEqual({
    vendorCode: 'jira-burst-based',
  });
});
