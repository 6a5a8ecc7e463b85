import { expect, test } from '@jest/globals';
import { createBamboohrSandbox } from '../../sandbox/bamboohr.ts';
import { signWebhook } from '../../sandbox/bamboohr-webhooks.ts';
import { bamboohr } from '../../src/connectors/bamboohr.ts';
import { openConnector } from '../../src/connectors/kit/open-connector.ts';
import { describeHrisConnector } from '../conformance/describe-hris.ts';
import { clockMs, ctx, type HrisHarness, timeoutMs, unlimited } from '../conformance/harness.ts';
import { openVendorDescription } from '../conformance/vendor-description.ts';

const apiKey = 'bamboo-api-key-of-the-test';
const webhookKey = 'bamboo-webhook-key-of-the-test';
const gate = openVendorDescription({ vendor: 'BambooHR', files: ['bamboohr/bamboohr-public.pruned.json'] });
const signatureHeader = 'x-bamboohr-signature';

async function start(): Promise<HrisHarness> {
  let nowMs = clockMs;
  const sandbox = createBamboohrSandbox({ apiKey, webhookKey, now: () => new Date(nowMs) });
  gate.watch(sandbox);
  const { url } = await sandbox.listen(0);
  const connectTo = (origin: string) =>
    openConnector('hris', bamboohr, {
      systemId: 'bamboohr',
      config: { url: origin, apiKey, webhookKey },
      now: () => nowMs,
      rateLimiter: unlimited,
      timeoutMs,
    });
  const job = { jobTitle: 'Analyst', department: 'Finance', location: 'London', hireDate: '2026-01-05' };
  return {
    connector: connectTo(url),
    connectTo,
    manifest: bamboohr.manifest,
    sandbox,
    secrets: [apiKey, webhookKey, Buffer.from(`${apiKey}:x`).toString('base64')],
    hire: (names = { firstName: 'Ada', lastName: 'Byron' }) =>
      sandbox.hr.hire({ ...names, ...job, workEmail: null, dateOfBirth: '1990-12-10', payRate: '123456.78' }).id,
    terminate: (id) => void sandbox.hr.terminate(id, { isImmediate: true }),
    setLastDay: (id, date) => void sandbox.hr.terminate(id, { date }),
    workEmailOf: (id) => sandbox.hr.get(id).workEmail,
    setWorkEmail: (id, workEmail) => void sandbox.hr.setField(id, 'workEmail', workEmail),
    privateValues: ['1990-12-10', '123456.78'],
    advance(ms) {
      nowMs += ms;
    },
    webhookKey,
    sign(body, at) {
      const timestamp = String(Math.floor(at.getTime() / 1000));
      return { 'x-bamboohr-timestamp': timestamp, [signatureHeader]: signWebhook(webhookKey, body, timestamp) };
    },
    webhookBody: (id) =>
      JSON.stringify({ type: 'employee.updated', timestamp: '2026-03-02T08:00:00+0000', data: { employeeId: id } }),
    forge: (headers) => ({ ...headers, [signatureHeader]: 'a'.repeat(64) }),
  };
}

describeHrisConnector('bamboohr', { start });

test('the check reads, with the credentials that the description allows', async () => {
  const { connector, sandbox } = await start();
  try {
    expect(await connector.check(ctx)).toMatchObject({ isHealthy: true });
    expect(sandbox.calls.map(({ method }) => method)).toEqual(['GET']);
  } finally {
    await sandbox.close();
  }
});
