import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createServicenowSandbox } from '../../sandbox/servicenow.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { readServicenowRefusal, servicenow } from '../../src/connectors/servicenow.ts';
import { describeTicketingConnector } from '../conformance/describe-ticketing.ts';
import { clockMs, ctx, expectFailure, startPlainServer, type TicketingHarness } from '../conformance/harness.ts';
import { timeoutMs, unlimited } from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const auth = { username: 'usher', password: 'servicenow-password-of-the-test' };
const gate = openVendorDescription({
  vendor: 'ServiceNow',
  files: ['servicenow/table-api-quebec.pruned.json'],
  exceptions: [
    {
      operation: [
        'GET /api/now/table/{tableName}',
        'POST /api/now/table/{tableName}',
        'GET /api/now/table/{tableName}/{sys_id}',
        'PATCH /api/now/table/{tableName}/{sys_id}',
      ],
      place: 'credentials',
      reason:
        'the description, which is not by ServiceNow, has bearer tokens only; the API takes basic credentials as well',
    },
    {
      operation: 'PATCH /api/now/table/{tableName}/{sys_id}',
      place: 'answer 404 status',
      reason: 'described for reads only; a change of a record that is not there is answered in the same way',
    },
  ],
});
const fields = { shortDescription: 'x', description: 'y', urgency: 2 as const };

function connectTo(url: string) {
  const config = { url, ...auth };
  const options = { systemId: 'servicenow', config, now: () => clockMs, rateLimiter: unlimited, timeoutMs };
  return openConnector('ticketing', servicenow, options);
}

async function start(): Promise<TicketingHarness> {
  const sandbox = createServicenowSandbox({ ...auth, now: () => new Date(clockMs) });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  return {
    connector: connectTo(url),
    connectTo,
    manifest: servicenow.manifest,
    sandbox,
    secrets: [auth.password, Buffer.from(`${auth.username}:${auth.password}`).toString('base64')],
    openTickets: (correlationId) =>
      sandbox
        .incidents()
        .filter(
          ({ fields: row }) => row['correlation_id'] === correlationId && !['6', '7', '8'].includes(row['state'] ?? ''),
        )
        .map(({ fields: row }) => row['sys_id'] ?? ''),
    async seedTicket({ correlationId, isOpen }) {
      const state = isOpen ? '1' : '6';
      const body = { correlation_id: correlationId, state, close_code: 'Solved', close_notes: 'done' };
      const response = await fetch(`${url}/api/now/table/incident`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      });
      return ((await response.json()) as { result: { sys_id: string } }).result.sys_id;
    },
  };
}

describeTicketingConnector('servicenow', { start });

const row = (correlationId: string, values: object = {}) => ({
  sys_id: randomBytes(16).toString('hex'),
  number: 'INC1',
  correlation_id: correlationId,
  state: '1',
  active: 'true',
  ...values,
});

async function withReplies(
  reply: (query: string) => { total: number; rows: object[] },
  run: (url: string) => Promise<void>,
) {
  const methods: (string | undefined)[] = [];
  const vendor = await startPlainServer((response, { url, method }) => {
    methods.push(method);
    const { total, rows } = reply(new URL(url ?? '', 'http://x').searchParams.get('sysparm_query') ?? '');
    response.writeHead(200, { 'x-total-count': String(total) }).end(JSON.stringify({ result: rows }));
  });
  try {
    await run(vendor.url);
    expect(new Set(methods)).toEqual(new Set(['GET']));
  } finally {
    await vendor.close();
  }
}

test('a page that hidden rows made short is not the last: the ticket behind it is found', async () => {
  const id = randomUUID();
  const [closed, open] = [row(id, { state: '6' }), row(id)];
  const reply = (query: string) =>
    query.includes('sys_id>') ? { total: 1, rows: [open] } : { total: 3, rows: [closed] };
  await withReplies(reply, async (url) => {
    expect(await connectTo(url).ensureTicket(id, fields, ctx)).toMatchObject({ ticketId: open.sys_id });
  });
});

test('tickets that our user may not see are an error, not a reason to open another one', async () => {
  await withReplies(
    () => ({ total: 2, rows: [] }),
    async (url) => void (await expectFailure(connectTo(url).ensureTicket(randomUUID(), fields, ctx), 'auth')),
  );
});

test('of several open tickets the oldest is taken', async () => {
  const id = randomUUID();
  const newer = row(id, { sys_created_on: '2026-02-02 00:00:00' });
  const older = row(id, { sys_created_on: '2026-01-01 00:00:00' });
  await withReplies(
    () => ({ total: 2, rows: [newer, older] }),
    async (url) => {
      expect(await connectTo(url).ensureTicket(id, fields, ctx)).toMatchObject({ ticketId: older.sys_id });
    },
  );
});

test('a data policy that refuses is a matter of values, any other 403 of credentials', () => {
  const answer = (detail: string) => ({ status: 403, header: () => null, body: { error: { message: 'x', detail } } });
  expect(readServicenowRefusal(answer('Data Policy Exception: mandatory'))).toEqual({ code: 'validation' });
  expect(readServicenowRefusal(answer('ACL'))).toBeNull();
});
