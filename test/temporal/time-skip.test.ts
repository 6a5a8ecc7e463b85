/** Skipping time on the real server: what every test of a long wait relies on. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createTestNamespace, quietWorkers } from '../support/temporal-env.ts';
import { fastForward, setSkipping, startSkipping, virtualClock } from '../support/time-skip.ts';

const dayMs = 86_400_000;
const taskQueue = 'waiting';

describe('time skipping', () => {
  let connection: Connection;
  let native: NativeConnection;
  let client: Client;
  let worker: Worker;
  let run: Promise<void>;

  beforeAll(async () => {
    quietWorkers();
    const { address, namespace } = await createTestNamespace();
    connection = await Connection.connect({ address });
    native = await NativeConnection.connect({ address });
    client = new Client({ connection, namespace });
    const workflowsPath = new URL('./waiting-workflow.ts', import.meta.url).pathname;
    worker = await Worker.create({ connection: native, namespace, taskQueue, workflowsPath });
    run = worker.run();
  });

  afterAll(async () => {
    worker.shutdown();
    await run;
    await native.close();
    await connection.close();
  });

  test('a wait of 21 days ends at once, on the right day of the workflow', async () => {
    const from = Date.now();
    const handle = await startSkipping(client, { type: 'waitDays', workflowId: 'skip-21', taskQueue, args: [21] });
    const wentOnAt: unknown = await handle.result();
    expect(wentOnAt).toBeGreaterThanOrEqual(from + 21 * dayMs);
    expect(wentOnAt).toBeLessThan(Date.now() + 21 * dayMs + 60_000);
  });

  test('a workflow driven to day 8 stands there, hears a signal, and has not met its deadline', async () => {
    const from = Date.now();
    const start = { type: 'waitForSignal', workflowId: 'ahead-8', taskQueue, args: [14], aheadDays: 5 };
    const handle = await startSkipping(client, start);
    await fastForward(client, 'ahead-8', 3);
    const clock = await virtualClock(client, 'ahead-8');
    expect(clock?.now.getTime()).toBeGreaterThanOrEqual(from + 8 * dayMs);
    expect(clock?.now.getTime()).toBeLessThan(from + 9 * dayMs);
    await handle.signal('goOn');
    expect(await handle.result()).toBe('signal');
  });

  test('after switching skipping off a driven workflow waits in real time again, and on again it meets its deadline', async () => {
    const start = { type: 'waitForSignal', workflowId: 'off-on', taskQueue, args: [14], aheadDays: 1 };
    const handle = await startSkipping(client, start);
    await setSkipping(client, 'off-on', false);
    expect((await virtualClock(client, 'off-on'))?.isSkipping).toBe(false);
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await setSkipping(client, 'off-on', true);
    expect(await handle.result()).toBe('deadline');
  });
});
