/**
 * One departure seen from outside, with server and worker as real processes: one trace from the webhook to the vendor's
 * calls, log lines that belong together by case, metrics, health, and an orderly end.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { PortPicker } from '../../scripts/stack/ports.ts';
import { storeMetricNames } from '../../src/observe/store-metrics.ts';
import { enqueue } from '../../src/store/cases.ts';
import { startCompanyProcesses, type CompanyProcesses } from '../support/company-processes.ts';
import { caseStateOf, crashPolicy, hireEngineer, traceWhenDone } from '../support/crash-cast.ts';
import { startTraceCollector, type CollectedSpan, type TraceCollector } from '../support/trace-collector.ts';
import { eventually } from '../support/world.ts';

let collector: TraceCollector;
let usher: CompanyProcesses;
let personId: string;
let ports: { server: number; worker: number; engine: number };

const person = { lastName: 'Thistledown' };

beforeAll(async () => {
  collector = await startTraceCollector();
  const picker = new PortPicker();
  ports = { server: await picker.any(), worker: await picker.any(), engine: await picker.any() };
  usher = await startCompanyProcesses({
    policyEdits: crashPolicy,
    env: {
      USHER_OTLP_URL: collector.url,
      USHER_LOG_LEVEL: 'debug',
      USHER_METRICS_PORT: String(ports.server),
      USHER_WORKER_HEALTH_PORT: String(ports.worker),
      USHER_WORKER_METRICS_PORT: String(ports.engine),
    },
  });
  await usher.worker.start();
  const key = hireEngineer(usher, person.lastName);
  await traceWhenDone(usher, key);
  personId = await usher.personId(key);
  usher.company.bamboohr.hr.terminate(key);
  const cut = (span: CollectedSpan): boolean => span.name === 'RunActivity:disableLogin';
  await eventually(() => collector.spans().some(cut), 'the collector has the cut-off', 60_000);
  await eventually(async () => (await caseStateOf(usher, personId, 2)) !== 'waiting', 'the leaver is under way');
}, 180_000);
afterAll(async () => {
  await usher?.close();
  await collector?.close();
});

const get = async (port: number, path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
};

/** Value of the first sample of this name whose labels hold all of `labels`. */
function sample(text: string, name: string, labels: Record<string, string> = {}): number | null {
  const line = text
    .split('\n')
    .find(
      (candidate) =>
        new RegExp(`^${name}(\\{|\\s)`).test(candidate) &&
        Object.entries(labels).every(([key, value]) => candidate.includes(`${key}="${value}"`)),
    );
  return line === undefined ? null : Number(line.split(' ').at(-1));
}

const linesOf = (name: 'server' | 'worker'): Record<string, unknown>[] =>
  usher
    .logOf(name)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('traces', () => {
  test('one trace goes from the webhook over ledger, delivery, workflow and activity to the calls at the vendor', async () => {
    const caseId = `case_${personId}_2`;
    const delivered = await eventually(
      () =>
        collector
          .spans()
          .find(({ name, attributes }) => name === 'deliver row' && attributes['usher.case_id'] === caseId),
      'the delivery of the case was traced',
    );
    const ofTrace = (): CollectedSpan[] => collector.spans().filter(({ traceId }) => traceId === delivered.traceId);
    const expected: [service: string, name: string][] = [
      ['usher-server', 'POST /webhooks'],
      ['usher-server', 'derive event'],
      ['usher-server', 'bamboohr getPerson'],
      ['usher-worker', 'deliver row'],
      ['usher-worker', 'StartWorkflow:lifecycleCase'],
      ['usher-worker', 'StartWorkflow:cutoff'],
      ['usher-worker', 'RunActivity:disableLogin'],
      ['usher-worker', 'RunActivity:planCase'],
      ['usher-worker', 'okta setLogin'],
    ];
    const has = ([service, name]: [string, string]): boolean =>
      ofTrace().some((span) => span.service === service && span.name === name);
    await eventually(() => expected.every(has), `in the trace: ${expected.join(' | ')}`).catch(() => undefined);
    expect(expected.filter((each) => !has(each))).toEqual([]);
    // Every span but the first hangs below another one of the trace.
    const roots = ofTrace().filter(({ parentSpanId }) => parentSpanId === '');
    expect(roots.map(({ name }) => name)).toEqual(['POST /webhooks']);
    // A span is sent when it has ended: the call may arrive a batch before the activity that made it.
    const caller = (): CollectedSpan | undefined => {
      const call = ofTrace().find(({ name }) => name === 'okta setLogin');
      return ofTrace().find(({ spanId }) => spanId === call?.parentSpanId);
    };
    const activity = await eventually(caller, 'the activity that called Okta has ended');
    expect(activity.name).toBe('RunActivity:disableLogin');
  });

  test('no span names the person', () => {
    expect(collector.text()).toContain('usher-worker');
    expect(collector.text()).not.toContain(person.lastName);
    expect(collector.text().toLowerCase()).not.toContain('@juniperlane');
  });
});

describe('logs', () => {
  test('lines of an activity carry its case, its workflow and its attempt; a call tells how it went', () => {
    const call = linesOf('worker').find(
      // The case asserts the cut-off as well: whichever writes first, both look.
      ({ msg, activity, system, workflowId }) =>
        msg === 'call at a system' &&
        activity === 'disableLogin' &&
        system === 'okta' &&
        workflowId === `cutoff_${personId}_2`,
    );
    expect(call).toMatchObject({
      process: 'worker',
      caseId: `case_${personId}_2`,
      workflowId: `cutoff_${personId}_2`,
      attempt: 1,
      operation: expect.stringMatching(/^[a-z][A-Za-z]+$/),
      outcome: 'ok',
      status: 200,
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(typeof call?.['durationMs']).toBe('number');
    expect(call?.['vendorRequestId']).toEqual(expect.stringMatching(/\S/));
  });

  test('a request is found by the id in its answer, and the event by its case', async () => {
    const response = await fetch(`${usher.url}/healthz`);
    const requestId = response.headers.get('x-request-id');
    const line = await eventually(
      () => linesOf('server').find((candidate) => candidate['requestId'] === requestId),
      'the request stands in the log',
    );
    expect(line).toMatchObject({ msg: 'request answered', route: '/healthz', status: 200 });
    const event = linesOf('server').find(({ caseId }) => caseId === `case_${personId}_2`);
    expect(event).toMatchObject({ msg: 'event belongs to a case', source: 'bamboohr' });
    expect(event?.['eventId']).toEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  });

  test('no line names the person', () => {
    for (const name of ['server', 'worker'] as const) expect(usher.logOf(name)).not.toContain(person.lastName);
  });
});

/** As the store itself counts them. */
async function newsWaiting(): Promise<number> {
  const rows = await usher.ownerDb
    .selectFrom('delivery')
    .select('delivery_id')
    .where('kind', '=', 'tell')
    .where('delivered_at', 'is', null)
    .execute();
  return rows.length;
}

describe('metrics', () => {
  test('the server counts the store: each metric is there, and the cut-off was measured from the webhook on', async () => {
    const { status, text } = await get(ports.server, '/metrics');
    expect(status).toBe(200);
    expect(storeMetricNames.filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
    expect(sample(text, 'usher_cutoff_seconds_count', { system: 'okta' })).toBe(1);
    const seconds = sample(text, 'usher_cutoff_seconds_sum', { system: 'okta' }) ?? 0;
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(60);
    expect(sample(text, 'usher_cutoff_seconds_bucket', { system: 'okta', le: '3600' })).toBe(1);
    const rights = sample(text, 'usher_access_seconds_count', { basis: 'policy' }) ?? 0;
    const held = await usher.ownerDb.selectFrom('person_grant').select('basis').where('basis', '=', 'policy').execute();
    expect(rights).toBe(held.length);
    expect(rights).toBeGreaterThan(0);
    expect(sample(text, 'usher_ledger_underived')).toBe(0);
    expect(sample(text, 'usher_webhooks_total', { source: 'bamboohr', outcome: 'accepted' })).toBeGreaterThanOrEqual(2);
    expect(sample(text, 'usher_evidence_records')).toBeGreaterThan(10);
    expect(sample(text, 'usher_connector_calls_total', { system: 'bamboohr', outcome: 'ok' })).toBeGreaterThan(0);
  });

  test('a refused webhook and a row that waits are seen', async () => {
    await fetch(`${usher.url}/webhooks/bamboohr`, { method: 'POST', body: '{}' });
    const now = new Date();
    const dueAt = new Date(now.getTime() + 3_600_000);
    const payload = { news: { kind: 'factsChanged' } };
    await eventually(async () => (await newsWaiting()) === 0, 'no other news waits');
    await enqueue(usher.ownerDb, { kind: 'tell', personId, n: 2, payload, dueAt });
    const { text } = await get(ports.server, '/metrics');
    expect(sample(text, 'usher_webhooks_total', { source: 'bamboohr', outcome: 'refused' })).toBe(1);
    expect(sample(text, 'usher_webhook_refusals_total', { source: 'bamboohr' })).toBe(1);
    expect(sample(text, 'usher_deliveries_waiting', { kind: 'tell' })).toBe(1);
    await usher.ownerDb.deleteFrom('delivery').where('due_at', '>', now).execute();
  });

  test('the worker counts its calls, the engine its own work; no label holds an id', async () => {
    const own = (await get(ports.worker, '/metrics')).text;
    const logged = linesOf('worker').filter(
      ({ system, operation, outcome }) => system === 'okta' && operation === 'setLogin' && outcome === 'ok',
    );
    expect(logged.length).toBeGreaterThan(0);
    const labels = { system: 'okta', operation: 'setLogin', outcome: 'ok' };
    expect(sample(own, 'usher_connector_calls_total', labels)).toBe(logged.length);
    expect(sample(own, 'usher_connector_call_seconds_count', labels)).toBe(logged.length);
    const engine = (await get(ports.engine, '/metrics')).text;
    expect(engine).toContain('temporal_activity_execution_latency');
    for (const text of [own, engine]) expect(text).not.toContain(personId);
  });
});

describe('health', () => {
  test('both processes live and are ready, part by part', async () => {
    for (const port of [ports.server, ports.worker]) expect((await get(port, '/healthz')).status).toBe(200);
    const server = await fetch(`${usher.url}/readyz`);
    expect(server.status).toBe(200);
    expect(await server.json()).toEqual({
      status: 'ready',
      parts: { database: 'ok', migrations: 'ok', policy: 'ok', derivation: 'ok', temporal: 'ok' },
    });
    const worker = await get(ports.worker, '/readyz');
    expect(worker.status).toBe(200);
    expect(JSON.parse(worker.text)).toEqual({
      status: 'ready',
      parts: { database: 'ok', migrations: 'ok', policy: 'ok', temporal: 'ok', pollers: 'ok', delivery: 'ok' },
    });
  });

  test('what is wrong is named: no active policy, an event that nobody takes up, another schema', async () => {
    const { ownerDb } = usher;
    const partsNow = async (): Promise<{ status: number; parts: Record<string, string> }> => {
      const response = await fetch(`${usher.url}/readyz`);
      return { status: response.status, parts: ((await response.json()) as { parts: Record<string, string> }).parts };
    };
    await ownerDb.updateTable('policy_version').set({ is_active: false }).where('is_active', '=', true).execute();
    const withoutPolicy = await partsNow();
    await ownerDb.updateTable('policy_version').set({ is_active: true }).execute();
    expect(withoutPolicy.status).toBe(503);
    expect(withoutPolicy.parts).toMatchObject({ policy: expect.stringContaining('policy activate'), database: 'ok' });
    const migration = '9999-from-the-future';
    await sql`insert into kysely_migration values (${migration}, '')`.execute(ownerDb);
    const newer = await partsNow();
    await sql`delete from kysely_migration where name = ${migration}`.execute(ownerDb);
    expect(newer).toMatchObject({ status: 503, parts: { migrations: expect.stringContaining('newer schema') } });
    expect((await partsNow()).status).toBe(200);
  });
});

describe('an orderly end', () => {
  test('on SIGTERM both finish what is under way, send their last spans and end with code 0', async () => {
    await usher.worker.stop();
    await usher.server.stop();
    for (const name of ['worker', 'server'] as const) {
      const events = linesOf(name)
        .filter(({ msg }) => msg === 'stop')
        .map(({ event }) => event);
      expect([name, events]).toEqual([name, ['stopping', 'stopped']]);
    }
    expect(usher.worker.exit).toEqual({ code: 0, signal: null });
    expect(usher.server.exit).toEqual({ code: 0, signal: null });
  });
});
