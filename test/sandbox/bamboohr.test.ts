import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { type BamboohrSandbox, createBamboohrSandbox } from '../../sandbox/bamboohr.ts';
import { aClock, basic, client, closeLater, serve } from './support.ts';

const person = { firstName: 'Ada', lastName: 'Byron', jobTitle: 'Engineer', department: 'R&D', location: 'London' };

async function anHris(): Promise<{
  bamboohr: BamboohrSandbox;
  ask: ReturnType<typeof client>;
  clock: ReturnType<typeof aClock>;
}> {
  const clock = aClock();
  const options = { apiKey: 'key', webhookKey: 'private', now: clock.now, webhookRetryDelaysMs: [1, 1, 1] };
  const bamboohr = createBamboohrSandbox(options);
  const { url } = await serve(bamboohr);
  return { bamboohr, ask: client(url, basic('key', 'x')), clock };
}

interface Received {
  headers: IncomingHttpHeaders;
  raw: string;
}

/** Refuses the first `failures` deliveries. */
async function aReceiver(failures = 0): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  let left = failures;
  const server = createServer((request, response) => {
    let raw = '';
    request.on('data', (chunk: Buffer) => (raw += chunk.toString()));
    request.on('end', () => {
      left -= 1;
      if (left < 0) received.push({ headers: request.headers, raw });
      response.writeHead(left < 0 ? 204 : 503).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeLater({ close: () => new Promise((resolve) => server.close(() => resolve())) });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

const typesOf = (received: Received[]): unknown[] =>
  received.map(({ raw }) => (JSON.parse(raw) as Record<string, unknown>)['type']);

describe('employees', () => {
  test('a wrong key is refused', async () => {
    const { bamboohr } = await anHris();
    const { url } = await serveAgain(bamboohr);
    expect((await client(url, basic('other', 'x'))('GET', '/api/v1/employees')).status).toBe(401);
  });

  test('only known fields that were asked for are answered', async () => {
    const { bamboohr, ask } = await anHris();
    const { id } = bamboohr.hr.hire({ ...person, payRate: '1 EUR' });
    const answer = await ask('GET', `/api/v1/employees/${id}?fields=firstName,status,shoeSize`);
    expect(answer.body).toEqual({ id, firstName: 'Ada', status: 'Active' });
    expect((await ask('GET', '/api/v1/employees/4711?fields=status')).status).toBe(404);
  });

  test('a last day in the future ends the employment only when it is over', async () => {
    const { bamboohr, ask, clock } = await anHris();
    const { id } = bamboohr.hr.hire(person);
    bamboohr.hr.terminate(id, { date: '2026-03-03' });
    const path = `/api/v1/employees/${id}?fields=status,terminationDate,employmentHistoryStatus`;
    expect((await ask('GET', path)).body).toMatchObject({ status: 'Active', terminationDate: '2026-03-03' });
    clock.advance(24 * 3_600_000);
    expect((await ask('GET', path)).body).toMatchObject({ status: 'Active', employmentHistoryStatus: 'Full-Time' });
    expect((await ask('GET', `${path}&onlyCurrent=false`)).body['employmentHistoryStatus']).toBe('Terminated');
    clock.advance(24 * 3_600_000);
    expect((await ask('GET', path)).body).toMatchObject({ status: 'Inactive', employmentHistoryStatus: 'Terminated' });
  });

  test('a termination of today is at once, and can be taken back', async () => {
    const { bamboohr, ask } = await anHris();
    const { id } = bamboohr.hr.hire(person);
    const path = `/api/v1/employees/${id}?fields=status,terminationDate`;
    bamboohr.hr.terminate(id);
    expect((await ask('GET', path)).body).toMatchObject({ status: 'Inactive', terminationDate: '2026-03-02' });
    bamboohr.hr.rescind(id);
    expect((await ask('GET', path)).body).toMatchObject({ status: 'Active', terminationDate: null });
  });

  test('a change of a later day waits for it', async () => {
    const { bamboohr, ask, clock } = await anHris();
    const { id } = bamboohr.hr.hire(person);
    bamboohr.hr.setFields(id, { jobTitle: 'Lead' }, '2026-03-05');
    const path = `/api/v1/employees/${id}?fields=jobTitle`;
    expect((await ask('GET', path)).body['jobTitle']).toBe('Engineer');
    expect((await ask('GET', `${path}&onlyCurrent=false`)).body['jobTitle']).toBe('Lead');
    clock.advance(3 * 24 * 3_600_000);
    expect((await ask('GET', path)).body['jobTitle']).toBe('Lead');
  });

  test('the list of changes names what changed since, and what is gone', async () => {
    const { bamboohr, ask, clock } = await anHris();
    const first = bamboohr.hr.hire(person).id;
    const second = bamboohr.hr.hire(person).id;
    clock.advance(60_000);
    bamboohr.hr.delete(second);
    const all = await ask('GET', '/api/v1/employees/changed?since=1970-01-01T00:00:00Z');
    expect(Object.keys(all.body['employees'] as object)).toEqual([first, second]);
    expect(all.body['latest']).toBe('2026-03-02T08:01:00Z');
    const gone = await ask('GET', '/api/v1/employees/changed?since=2026-03-02T08:01:00Z&type=deleted');
    expect(Object.keys(gone.body['employees'] as object)).toEqual([second]);
    expect((await ask('GET', '/api/v1/employees/changed')).status).toBe(400);
  });

  test('every employee stands on exactly one page', async () => {
    const { bamboohr, ask } = await anHris();
    const hired = Array.from({ length: 5 }, () => bamboohr.hr.hire(person).id);
    const seen: unknown[] = [];
    for (let after: unknown = null, page = 0; page < 4; page += 1) {
      const cursor = after === null ? '' : `&page[after]=${String(after)}`;
      const { body } = await ask('GET', `/api/v1/employees?page[limit]=2${cursor}`);
      seen.push(...(body['data'] as { employeeId: string }[]).map(({ employeeId }) => employeeId));
      after = (body['meta'] as { page: { nextCursor: string | null } }).page.nextCursor;
      if (after === null) break;
    }
    expect(seen).toEqual(hired);
    expect((await ask('GET', '/api/v1/employees?page[after]=rubbish')).status).toBe(400);
  });
});

describe('webhooks', () => {
  test('the signature covers raw body and timestamp, with the key of the receiver', async () => {
    const { bamboohr } = await anHris();
    const { url, received } = await aReceiver();
    bamboohr.registerWebhook(url);
    const { id } = bamboohr.hr.hire(person);
    await bamboohr.settled();
    expect(typesOf(received).toSorted()).toEqual(['employee.created', 'employee.updated']);
    for (const { headers, raw } of received) {
      const timestamp = String(headers['x-bamboohr-timestamp']);
      expect(timestamp).toBe('1772438400');
      const expected = createHmac('sha256', 'private')
        .update(raw + timestamp)
        .digest('hex');
      expect(headers['x-bamboohr-signature']).toBe(expected);
      expect(JSON.parse(raw)).toMatchObject({ timestamp: '2026-03-02T08:00:00+0000', data: { employeeId: id } });
    }
  });

  test('a receiver that is down for a while gets it all the same', async () => {
    const { bamboohr } = await anHris();
    const { id } = bamboohr.hr.hire(person);
    const { url, received } = await aReceiver(2);
    bamboohr.registerWebhook(url);
    bamboohr.hr.setField(id, 'jobTitle', 'Lead');
    await bamboohr.settled();
    expect(received).toHaveLength(1);
    expect(JSON.parse(received[0]?.raw ?? '')).toMatchObject({ data: { changedFields: ['jobTitle'] } });
  });

  test('they can come twice or not at all, and then only the list of changes tells', async () => {
    const { bamboohr, ask } = await anHris();
    const { url, received } = await aReceiver();
    bamboohr.registerWebhook(url);
    bamboohr.webhookBehaviour.isSuppressed = true;
    const { id } = bamboohr.hr.hire(person);
    await bamboohr.settled();
    expect(received).toHaveLength(0);
    const changes = await ask('GET', '/api/v1/employees/changed?since=1970-01-01T00:00:00Z');
    expect(Object.keys(changes.body['employees'] as object)).toEqual([id]);
    Object.assign(bamboohr.webhookBehaviour, { isSuppressed: false, copies: 2 });
    bamboohr.hr.terminate(id);
    await bamboohr.settled();
    expect(new Set(received.map(({ raw }) => raw)).size).toBe(1);
    expect(received).toHaveLength(2);
  });

  test('a webhook made by the API shows its key once, and insists on https elsewhere', async () => {
    const { ask } = await anHris();
    const body = { name: 'usher', format: 'json', events: ['employee.updated'], monitorFields: ['status'] };
    const made = await ask('POST', '/api/v1/webhooks', { ...body, url: 'http://127.0.0.1:9/hook' });
    expect(made.status).toBe(201);
    const key = String(made.body['privateKey']);
    expect(key.length).toBeGreaterThanOrEqual(32);
    expect((await ask('GET', '/api/v1/webhooks')).text).not.toContain(key);
    expect((await ask('POST', '/api/v1/webhooks', { ...body, url: 'http://usher.example/hook' })).status).toBe(400);
  });
});

describe('HR from outside', () => {
  test('hires and ends, and is told why something cannot be', async () => {
    const { bamboohr } = await anHris();
    const { origin } = await serveAgain(bamboohr);
    const hr = client(`${origin}/_sandbox/hr`, '');
    const hired = await hr('POST', '/hire', person);
    expect([hired.status, hired.body['workEmail']]).toEqual([201, 'ada.byron@juniperlane.example']);
    expect((await hr('POST', '/terminate', { id: hired.body['id'] })).body['isInactive']).toBe(true);
    expect((await hr('POST', '/terminate', { id: '4711' })).body['error']).toBe('There is no employee 4711.');
    expect((await hr('POST', '/hire', { ...person, supervisorEId: '4711' })).status).toBe(400);
  });
});

/** The same server on one more port. */
async function serveAgain(bamboohr: BamboohrSandbox): Promise<{ url: string; origin: string }> {
  await bamboohr.close();
  return bamboohr.listen();
}
