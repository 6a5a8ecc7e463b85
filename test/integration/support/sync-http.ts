/**
 * HTTP that blocks: the conformance suite asks a vendor's truth in the middle of an expectation. A thread makes the calls,
 * the test's own servers stand still meanwhile.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';

export interface SyncAnswer {
  status: number;
  location: string | null;
  body: unknown;
}

export interface SyncCall {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface SyncHttp {
  call(call: SyncCall): SyncAnswer;
  close(): Promise<void>;
}

const timeoutMs = 30_000;

/** Runs in the thread. Plain JavaScript: nothing transforms it there. */
const program = `
const { workerData: { port, flag } } = require('node:worker_threads');
port.on('message', async ({ url, ...init }) => {
  let answer;
  try {
    const response = await fetch(url, init);
    answer = { status: response.status, location: response.headers.get('location'), text: await response.text() };
  } catch (error) {
    answer = { failure: String(error) };
  }
  port.postMessage(answer);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});
`;

interface Raw {
  status?: number;
  location?: string | null;
  text?: string;
  failure?: string;
}

export function openSyncHttp(): SyncHttp {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(program, { eval: true, workerData: { port: port2, flag }, transferList: [port2] });
  worker.unref();
  port1.unref();
  return {
    call(call) {
      Atomics.store(flag, 0, 0);
      port1.postMessage(call);
      if (Atomics.wait(flag, 0, 0, timeoutMs) === 'timed-out') throw new Error(`${call.method} ${call.url}: no answer`);
      const { message } = receiveMessageOnPort(port1) as { message: Raw };
      if (message.failure !== undefined) throw new Error(`${call.method} ${call.url}: ${message.failure}`);
      return { status: message.status ?? 0, location: message.location ?? null, body: jsonOf(message.text ?? '') };
    },
    async close() {
      port1.close();
      await worker.terminate();
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
