import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { bamboohr } from '../../src/connectors/bamboohr.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { PersonFacts } from '../../src/schemas/facts.ts';
import { clockMs, ctx, expectFailure, startPlainServer, unlimited } from '../conformance/harness.ts';

const webhookKey = 'webhook-key';

function connect(url: string) {
  const config = { url, apiKey: 'k', webhookKey };
  return openConnector('hris', bamboohr, { systemId: 'hris', config, now: () => clockMs, rateLimiter: unlimited });
}

const record = {
  firstName: 'Ada',
  lastName: 'Byron',
  displayName: 'Ada Byron',
  jobTitle: 'Analyst',
  status: 'Active',
  employmentHistoryStatus: 'Full-Time',
  supervisorEId: '7',
  hireDate: '2026-03-01',
  terminationDate: '0000-00-00',
};

/** Serves one record for every id, field by field as asked, as BambooHR does. */
async function withRecord<T>(fields: Record<string, unknown>, run: (url: string) => Promise<T>): Promise<T> {
  const vendor = await startPlainServer((response, { url }) => {
    const { pathname, searchParams } = new URL(url ?? '', 'http://vendor');
    const asked = searchParams.get('fields')?.split(',') ?? [];
    const shown = Object.entries(fields).filter(([name]) => asked.includes(name));
    response.end(JSON.stringify({ id: pathname.split('/').at(-1), ...Object.fromEntries(shown) }));
  });
  try {
    return await run(vendor.url);
  } finally {
    await vendor.close();
  }
}
const read = (fields: Record<string, unknown>) =>
  withRecord({ ...record, ...fields }, (url) => connect(url).getPerson('104', ctx));

describe('records', () => {
  test.each([
    [{}, { isTerminated: false, endDate: null, employmentType: 'employee', managerKey: '7' }],
    [
      { status: 'Inactive', terminationDate: '2026-03-01' },
      { isTerminated: true, endDate: '2026-03-01' },
    ],
    [{ employmentHistoryStatus: 'Terminated' }, { isTerminated: true }],
    [{ terminationDate: '2026-09-30' }, { isTerminated: false, endDate: '2026-09-30' }],
    [{ terminationDate: '2024-01-31' }, { isTerminated: false, endDate: null }],
    [
      { terminationDate: null, supervisorEId: '' },
      { endDate: null, managerKey: null },
    ],
    [
      { employmentHistoryStatus: 'CONTRACTOR', supervisorEId: 9 },
      { employmentType: 'contractor', managerKey: '9' },
    ],
    [
      { workEmail: '', department: '' },
      { workEmail: null, department: null },
    ],
  ])('%j reads as %j', async (fields, expected) => {
    expect(PersonFacts.parse(await read(fields))).toMatchObject(expected);
  });

  test('the end is read with what lies in the future, the job as of today', async () => {
    const vendor = await startPlainServer((response, { url }) => {
      const isCurrent = new URL(url ?? '', 'http://vendor').searchParams.get('onlyCurrent') === 'true';
      const future = { jobTitle: 'Head', status: 'Inactive', terminationDate: '2026-09-30' };
      response.end(JSON.stringify({ id: '104', ...record, ...(isCurrent ? {} : future) }));
    });
    try {
      const facts = await connect(vendor.url).getPerson('104', ctx);
      expect(facts).toMatchObject({ title: 'Analyst', isTerminated: false, endDate: '2026-09-30' });
    } finally {
      await vendor.close();
    }
  });

  test.each(['status', 'employmentHistoryStatus', 'hireDate', 'terminationDate'])(
    'a key that may not read %s is an error, not a person without it',
    async (name) => {
      const error = await expectFailure(read({ [name]: undefined }), 'auth');
      expect(error.message).toContain(name);
    },
  );

  test.each([{ hireDate: '0000-00-00' }, { hireDate: '2026-02-30' }, { workEmail: 'x'.repeat(321) }])(
    'the record %j has to be mended by HR',
    async (fields) => void (await expectFailure(read(fields), 'precondition')),
  );

  test('no changes arrive as an empty list instead of an empty map', async () => {
    const vendor = await startPlainServer((response) => response.end('{"latest":"","employees":[]}'));
    try {
      const since = '2026-03-02T08:00:00Z';
      expect(await connect(vendor.url).changes(since, ctx)).toEqual({ sourceKeys: [], latest: since });
    } finally {
      await vendor.close();
    }
  });
});

function verify(body: string, timestamp = String(clockMs / 1000)) {
  const signature = createHmac('sha256', webhookKey).update(body).update(timestamp).digest('hex');
  const headers = { 'x-bamboohr-signature': signature, 'x-bamboohr-timestamp': timestamp };
  return connect('http://127.0.0.1:9').verifyWebhook(headers, new TextEncoder().encode(body), new Date(clockMs));
}

describe('webhooks', () => {
  test.each([
    ['{"type":"employee.updated","data":{"employeeId":67890}}', ['67890'], 'employee.updated'],
    ['{"type":"employee.created","data":{"employeeIds":["1","2","1"]}}', ['1', '2'], 'employee.created'],
    ['{"employees":[{"id":"3","action":"Updated","fields":{}}]}', ['3'], 'employee_with_fields.updated'],
    [
      '{"employees":[{"id":3,"action":"Created"},{"id":4,"action":"Deleted"}]}',
      ['3', '4'],
      'employee_with_fields.mixed',
    ],
  ])('%s names %j', (body, sourceKeys, eventType) => {
    expect(verify(body)).toMatchObject({ outcome: 'accepted', sourceKeys, eventType });
  });

  test.each(['0', 'all', '-1', '../1', ' 1'])('the id %j is none', (id) => {
    expect(verify(JSON.stringify({ type: 'x', data: { employeeId: id } }))).toMatchObject({ reason: 'malformedBody' });
  });

  test.each(['2026-03-02T08:00:00Z', '1772438400.5', ' 1772438400', '+1772438400', 'NaN'])(
    'the timestamp %j is refused even when it is signed',
    (timestamp) => {
      expect(verify('{"type":"x","data":{"employeeId":"1"}}', timestamp)).toMatchObject({ reason: 'staleTimestamp' });
    },
  );
});

// Answers recorded from real tenants are not part of this repository.
const recordings = process.env['USHER_BAMBOOHR_RECORDINGS'];
const testRecorded = recordings === undefined ? test.skip : test;
const readRecorded = (name: string): unknown => JSON.parse(readFileSync(join(recordings ?? '', name), 'utf8'));

describe('recorded answers (SKIPPED unless USHER_BAMBOOHR_RECORDINGS names their folder)', () => {
  testRecorded('every employee of the directory reads as facts', async () => {
    type Directory = { response: { employees: (Record<string, unknown> & { id: string })[] } }[];
    const people = (readRecorded('list-employees.json') as Directory).flatMap(({ response }) => response.employees);
    expect(people.length).toBeGreaterThan(50);
    for (const person of people) {
      const facts = await withRecord({ ...record, ...person }, (url) => connect(url).getPerson(person.id, ctx));
      expect(PersonFacts.parse(facts)).toMatchObject({ sourceKey: person.id, givenName: person['firstName'] });
    }
  });

  testRecorded('a recorded webhook names its employee', () => {
    const event = readRecorded('bamboohr_event_based.json') as { data: { employeeId: string } };
    expect(verify(JSON.stringify(event, null, 1))).toMatchObject({ sourceKeys: [event.data.employeeId] });
  });
});
