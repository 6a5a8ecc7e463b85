/** Webhooks of HR systems: what is refused, and that an acknowledged one lies in the ledger. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { recordEvent } from '../../src/use-cases/receive-event.ts';
import { createHttpFixture, startedAt, webhookKey, type HttpFixture } from './http-fixture.ts';
import { until } from './until.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await createHttpFixture();
});
afterAll(() => fixture.close());

describe('webhooks', () => {
  const body = JSON.stringify({
    type: 'employee.updated',
    timestamp: startedAt.toISOString(),
    data: { companyId: 'c', employeeId: '104', changedFields: [] },
  });
  const sign = (raw: string | Uint8Array, key = webhookKey, at = startedAt) => {
    const timestamp = String(Math.floor(at.getTime() / 1000));
    const signature = createHmac('sha256', key).update(raw).update(timestamp).digest('hex');
    return { 'x-bamboohr-timestamp': timestamp, 'x-bamboohr-signature': signature };
  };
  const received = () => fixture.db.selectFrom('ledger').selectAll().execute();

  it.each([
    ['an unknown system', '/webhooks/nosuch', body, sign(body), 404],
    ['a system that is no slug', '/webhooks/No%20Slug', body, sign(body), 400],
    ['no signature', '/webhooks/bamboohr', body, {}, 401],
    ['a wrong signature', '/webhooks/bamboohr', body, sign(body, 'another key'), 401],
    ['an old timestamp', '/webhooks/bamboohr', body, sign(body, webhookKey, new Date(0)), 401],
    ['a body that is no event', '/webhooks/bamboohr', '[]', sign('[]'), 400],
    ['a body over 1 MiB', '/webhooks/bamboohr', 'x'.repeat(1024 * 1024 + 1), {}, 413],
  ] as const)('with %s are refused and leave nothing in the ledger', async (_name, path, raw, headers, status) => {
    expect((await fixture.call('POST', path, { raw, headers })).status).toBe(status);
    expect(await received()).toHaveLength(0);
  });

  it('are acknowledged when they lie in the ledger, and a replay costs one more read at most', async () => {
    const headers = sign(body);
    expect((await fixture.call('POST', '/webhooks/bamboohr', { raw: body, headers })).status).toBe(202);
    expect(await received()).toMatchObject([{ source: 'bamboohr', source_key: '104' }]);
    expect((await fixture.call('POST', '/webhooks/bamboohr', { raw: body, headers })).status).toBe(200);
    const rows = await received();
    expect(rows).toHaveLength(2);
    expect(rows[1]?.delivery_key).toMatch(new RegExp(`^${rows[0]?.delivery_key}/again/`));
    expect((await fixture.call('POST', '/webhooks/bamboohr', { raw: body, headers })).status).toBe(200);
    expect(await received()).toHaveLength(2);
    // The HR system is down, so that the event stays: the attempt is over when it is counted.
    await until(async () => (await received()).some((row) => row.attempts > 0));
  });

  it('that name thousands of people are taken whole, and a repetition adds nobody', async () => {
    const sourceKeys = Array.from({ length: 7_000 }, (_, index) => String(index + 10_000));
    const event = { source: 'bamboohr', sourceKeys, deliveryKey: 'many', origin: 'webhook', digestOf: 'many' } as const;
    const eventIds = await recordEvent(fixture.db, event, startedAt);
    expect(new Set(eventIds).size).toBe(7_000);
    expect(await recordEvent(fixture.db, event, startedAt)).toEqual([]);
    expect((await received()).filter((row) => row.delivery_key === 'many')).toHaveLength(7_000);
  });
});
