/** What every connector of a source of facts guarantees. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PersonFacts } from '../../src/schemas/facts.ts';
import { describeFailures } from './describe-failures.ts';
import { describeWriteBack } from './describe-write-back.ts';
import { clockMs, ctx, expectFailure, failureOf, type HrisHarness, hostileTexts } from './harness.ts';

export interface HrisStart {
  start(): Promise<HrisHarness>;
}

const minuteMs = 60_000;
const since = new Date(clockMs - 60 * minuteMs).toISOString();

export function describeHrisConnector(name: string, { start }: HrisStart): void {
  describe(name, () => {
    let harness: HrisHarness;
    const current = () => harness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.sandbox.close());

    describe('people', () => describePeople(current));
    describe('changes', () => describeChanges(current));
    describe('the work e-mail', () => describeWriteBack(current));
    describe('webhooks', () => describeWebhooks(current));
    describe('failures', () =>
      describeFailures<'hris'>({ harness: current, read: (connector) => connector.changes(since, ctx) }));
  });
}

function describePeople(current: () => HrisHarness): void {
  test('a person is read as facts, and nothing else is asked for or kept', async () => {
    const { connector, hire, privateValues, sandbox } = current();
    const sourceKey = hire();
    const facts = await connector.getPerson(sourceKey, ctx);
    expect(PersonFacts.parse(facts)).toEqual(facts);
    expect(facts).toMatchObject({ sourceKey, isTerminated: false, endDate: null });
    expect(privateValues.length).toBeGreaterThan(0);
    for (const value of privateValues) expect(JSON.stringify(facts)).not.toContain(value);
    expect(sandbox.calls.map(({ query }) => query).join()).not.toMatch(/birth|pay|ssn|gender|address/i);
  });

  test('a person whom HR ended reads as terminated; a last day to come does not end anything yet', async () => {
    const { connector, hire, terminate, setLastDay } = current();
    const [gone, leaving] = [hire(), hire()];
    terminate(gone);
    setLastDay(leaving, '2026-06-30');
    expect(await connector.getPerson(gone, ctx)).toMatchObject({ isTerminated: true });
    expect(await connector.getPerson(leaving, ctx)).toMatchObject({ isTerminated: false, endDate: '2026-06-30' });
  });

  test('a person who does not exist reads as null, and an outage does not', async () => {
    const { connector, sandbox, hire } = current();
    expect(await connector.getPerson('987654', ctx)).toBeNull();
    const sourceKey = hire();
    for (const status of [401, 403, 500, 503]) {
      sandbox.faults.add({ kind: 'status', status });
      await expectFailure(connector.getPerson(sourceKey, ctx), status < 500 ? 'auth' : 'transient');
    }
  });

  test.each(hostileTexts.map((text) => [JSON.stringify(text.slice(0, 24)), text] as const))(
    'a name like %s arrives as it is',
    async (_label, text) => {
      const { connector, hire } = current();
      const facts = await connector.getPerson(hire({ firstName: text, lastName: text }), ctx);
      expect(PersonFacts.parse(facts)).toMatchObject({ givenName: text, familyName: text });
    },
  );

  test.each([...hostileTexts, '', '0', '.', '..', 'changed', 'directory', '-1', '1e3'])(
    'the key %j is refused before anything is sent',
    async (key) => {
      const { connector, sandbox } = current();
      await expectFailure(connector.getPerson(key, ctx), 'validation');
      expect(sandbox.calls).toEqual([]);
    },
  );
}

function describeChanges(current: () => HrisHarness): void {
  test('changes since the watermark are named, and the next watermark never goes back', async () => {
    const { connector, hire, terminate, advance } = current();
    const first = hire();
    const before = await connector.changes(since, ctx);
    expect(before.sourceKeys).toEqual([first]);
    advance(10 * minuteMs);
    const second = hire();
    const next = await connector.changes(before.latest, ctx);
    expect(next.sourceKeys).toContain(second);
    expect(Date.parse(next.latest)).toBeGreaterThan(Date.parse(before.latest));
    advance(10 * minuteMs);
    terminate(first);
    const last = await connector.changes(next.latest, ctx);
    expect(last.sourceKeys).toContain(first);
    const later = new Date(clockMs + 24 * 60 * minuteMs).toISOString();
    expect(Date.parse((await connector.changes(later, ctx)).latest)).toBe(Date.parse(later));
  });

  test('a change within the second of the watermark is not lost', async () => {
    const { connector, hire } = current();
    hire();
    const { latest } = await connector.changes(since, ctx);
    const sameSecond = hire();
    expect((await connector.changes(latest, ctx)).sourceKeys).toContain(sameSecond);
  });

  test('a watermark that is no instant is refused', async () => {
    await expectFailure(current().connector.changes('yesterday', ctx), 'validation');
  });
}

function describeWebhooks(current: () => HrisHarness): void {
  const now = new Date(clockMs);
  const bytes = (text: string) => new TextEncoder().encode(text);

  test('a signed webhook is accepted and names whose record to read', () => {
    const { connector, sign, webhookBody } = current();
    const body = webhookBody('104');
    expect(connector.verifyWebhook(sign(body, now), bytes(body), now)).toMatchObject({
      outcome: 'accepted',
      sourceKeys: ['104'],
    });
  });

  test('a replay has the delivery key of the original, in whatever letters the signature is written', () => {
    const { connector, sign, webhookBody } = current();
    const body = webhookBody('104');
    const headers = sign(body, now);
    const loud = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.toUpperCase()]));
    const keys = [headers, headers, loud].map((given) => {
      const verdict = connector.verifyWebhook(given, bytes(body), now);
      return verdict.outcome === 'accepted' ? verdict.deliveryKey : verdict.reason;
    });
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    const other = connector.verifyWebhook(sign(webhookBody('105'), now), bytes(webhookBody('105')), now);
    expect(other).not.toMatchObject({ deliveryKey: keys[0] });
  });

  test('a changed body, a forged or missing signature, and a foreign key are refused', () => {
    const { connector, sign, webhookBody, forge } = current();
    const body = webhookBody('104');
    const headers = sign(body, now);
    expect(connector.verifyWebhook(headers, bytes(webhookBody('105')), now)).toMatchObject({ reason: 'badSignature' });
    expect(connector.verifyWebhook(forge(headers), bytes(body), now)).toMatchObject({ reason: 'badSignature' });
    for (const name of Object.keys(headers)) {
      const without = { ...headers, [name]: undefined };
      expect(connector.verifyWebhook(without, bytes(body), now)).toMatchObject({ reason: 'missingHeader' });
    }
  });

  test('five minutes early or late are accepted, a second more is stale', () => {
    const { connector, sign, webhookBody } = current();
    const body = webhookBody('104');
    for (const offsetMs of [-5 * minuteMs, 5 * minuteMs]) {
      const headers = sign(body, new Date(clockMs + offsetMs));
      expect(connector.verifyWebhook(headers, bytes(body), now)).toMatchObject({ outcome: 'accepted' });
      const late = new Date(clockMs - Math.sign(offsetMs) * 1000);
      expect(connector.verifyWebhook(headers, bytes(body), late)).toMatchObject({ reason: 'staleTimestamp' });
    }
  });

  test.each(['', '{', '[]', 'null', '{"type":"x","data":{"employeeId":"../0"}}', '{"employees":[]}', '\uFEFF{}'])(
    'a signed body like %j names nobody and is refused',
    (body) => {
      const { connector, sign } = current();
      expect(connector.verifyWebhook(sign(body, now), bytes(body), now)).toMatchObject({ reason: 'malformedBody' });
    },
  );

  test('a refusal tells nothing of the key or the expected signature', () => {
    const { connector, sign, webhookBody, forge, webhookKey } = current();
    const body = webhookBody('104');
    const headers = sign(body, now);
    const verdict = JSON.stringify(connector.verifyWebhook(forge(headers), bytes(body), now));
    for (const secret of [webhookKey, ...Object.values(headers)]) expect(verdict).not.toContain(secret);
  });

  test('the error of a person who cannot be read names nobody', async () => {
    const { connector, sandbox, hire } = current();
    const sourceKey = hire({ firstName: 'Ada', lastName: 'Byron' });
    sandbox.faults.add({ kind: 'malformed' });
    const error = await failureOf(connector.getPerson(sourceKey, ctx));
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/Ada|Byron/);
  });
}
