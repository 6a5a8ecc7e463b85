import { describe, expect, test } from '@jest/globals';
import { FaultPlan, type FaultRule } from '../../sandbox/faults.ts';
import { createScimSandbox, type ScimSandbox } from '../../sandbox/scim.ts';
import { aClock, client, serve } from './support.ts';

const group = { id: 'g1', displayName: 'Sales', externalId: null, created: '', lastModified: '', memberIds: [] };
const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];

async function aServer(...rules: FaultRule[]): Promise<{ scim: ScimSandbox; ask: ReturnType<typeof client> }> {
  const scim = createScimSandbox({ token: 'secret', groups: [group] });
  for (const rule of rules) scim.faults.add(rule);
  const { url } = await serve(scim);
  return { scim, ask: client(url, 'Bearer secret') };
}

const rename = { schemas, Operations: [{ op: 'replace', path: 'displayName', value: 'Marketing' }] };

describe('fault plan', () => {
  test('rules fire in their order, after what they skip, as often as they say', () => {
    const plan = new FaultPlan();
    plan.add({ kind: 'throttle', path: '^/Users$', skip: 1, times: 2 });
    plan.add({ kind: 'reset', method: 'delete' });
    const kinds = ['/Users', '/Users', '/Users', '/Users'].map((path) => plan.next('GET', path)?.kind ?? null);
    expect(kinds).toEqual([null, 'throttle', 'throttle', null]);
    expect(plan.next('GET', '/Groups')).toBeNull();
    expect(plan.next('DELETE', '/Groups')?.kind).toBe('reset');
    expect(plan.pending).toEqual([]);
  });

  test('the same seed gives the same faults', () => {
    const run = (seed: number): boolean[] => {
      const plan = new FaultPlan({ seed });
      plan.add({ kind: 'status', times: null, probability: 0.5 });
      return Array.from({ length: 40 }, () => plan.next('GET', '/') !== null);
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
    expect(new Set(run(7)).size).toBe(2);
  });

  test('an outage for a time ends by itself', () => {
    const clock = aClock();
    const plan = new FaultPlan({ now: clock.now });
    plan.setDown('reset', 20_000);
    clock.advance(19_999);
    expect(plan.down).toBe('reset');
    clock.advance(1);
    expect(plan.isDown).toBe(false);
  });

  test('a lie never meets a read', () => {
    const plan = new FaultPlan();
    plan.add({ kind: 'lie' });
    expect(plan.next('GET', '/')).toBeNull();
    expect(plan.next('PATCH', '/')?.kind).toBe('lie');
  });
});

describe('faults on the wire', () => {
  test('a lie answers with success and changes nothing', async () => {
    const { scim, ask } = await aServer({ kind: 'lie' });
    const lied = await ask('PATCH', '/Groups/g1', rename);
    expect([lied.status, lied.body['displayName']]).toEqual([200, 'Marketing']);
    expect((await ask('GET', '/Groups/g1')).body['displayName']).toBe('Sales');
    expect((await ask('PATCH', '/Groups/g1', rename)).status).toBe(200);
    expect((await ask('GET', '/Groups/g1')).body['displayName']).toBe('Marketing');
    expect(scim.calls.map((call) => call.fault)).toEqual(['lie', null, null, null]);
  });

  test('a lost response did its work', async () => {
    const { scim, ask } = await aServer({ kind: 'lostResponse' });
    await expect(ask('PATCH', '/Groups/g1', rename)).rejects.toThrow();
    expect(scim.state.groups['g1']?.displayName).toBe('Marketing');
    expect(scim.calls.map((call) => call.status)).toEqual([null]);
  });

  test.each(['reset', 'timeout', 'status', 'throttle'] as const)('%s has no effect', async (kind) => {
    const { scim, ask } = await aServer({ kind, retryAfterSeconds: 7, status: 502 });
    const asking = ask('PATCH', '/Groups/g1', rename).then(
      (answer) => answer,
      () => null,
    );
    if (kind === 'timeout') {
      while (scim.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
      await scim.close();
    }
    const answer = await asking;
    expect(answer?.status ?? null).toBe({ reset: null, timeout: null, status: 502, throttle: 429 }[kind]);
    expect(answer?.headers.get('retry-after') ?? null).toBe(kind === 'throttle' ? '7' : null);
    expect(scim.state.groups['g1']?.displayName).toBe('Sales');
  });

  test('a malformed answer is no JSON, and a slow one comes whole', async () => {
    const { ask } = await aServer({ kind: 'malformed' }, { kind: 'slow', delayMs: 30 });
    const cut = await ask('GET', '/Groups/g1');
    expect(() => JSON.parse(cut.text) as unknown).toThrow();
    const before = performance.now();
    expect((await ask('GET', '/Groups/g1')).body['id']).toBe('g1');
    expect(performance.now() - before).toBeGreaterThanOrEqual(25);
  });

  test('a vendor that is down answers nothing but the private endpoints', async () => {
    const scim = createScimSandbox({ token: 'secret', groups: [group] });
    const { url, origin } = await serve(scim);
    const [ask, control] = [client(url, 'Bearer secret'), client(origin, '')];
    expect((await control('PUT', '/_sandbox/down', { mode: '503' })).status).toBe(200);
    expect((await ask('GET', '/Groups')).status).toBe(503);
    scim.faults.setDown('reset');
    await expect(ask('GET', '/Groups')).rejects.toThrow();
    expect((await control('GET', '/_sandbox/state')).status).toBe(200);
    expect((await control('PUT', '/_sandbox/down', { mode: null })).body['down']).toBeNull();
    expect((await ask('GET', '/Groups')).status).toBe(200);
  });

  test('a rule can be set and taken away from outside, and a wrong one is refused', async () => {
    const scim = createScimSandbox({ token: 'secret' });
    const { url, origin } = await serve(scim);
    const control = client(origin, '');
    expect((await control('POST', '/_sandbox/faults', { kind: 'status', times: null })).status).toBe(201);
    expect((await client(url, 'Bearer secret')('GET', '/Users')).status).toBe(500);
    expect((await control('DELETE', '/_sandbox/faults')).status).toBe(204);
    expect((await client(url, 'Bearer secret')('GET', '/Users')).status).toBe(200);
    expect((await control('POST', '/_sandbox/faults', { kind: 'nothing' })).status).toBe(400);
  });

  test('a page of another site cannot steer the sandbox', async () => {
    const scim = createScimSandbox({ token: 'secret' });
    const { origin } = await serve(scim);
    const headers = { origin: 'https://elsewhere.example' };
    const answer = await fetch(`${origin}/_sandbox/down`, { method: 'PUT', headers, body: '{"mode":"503"}' });
    expect(answer.status).toBe(403);
    expect(scim.faults.isDown).toBe(false);
  });
});
