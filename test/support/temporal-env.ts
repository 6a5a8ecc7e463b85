/** A fresh namespace on the shared Temporal server, so that no test sees another's workflows. */
import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { bootstrapNamespace } from '../../temporal/bootstrap.ts';

export interface TestNamespace {
  address: string;
  namespace: string;
}

/** Address of the server that the global set-up started. */
export function testTemporalAddress(): string {
  const address = process.env['TEST_TEMPORAL_ADDRESS'];
  if (address === undefined) throw new Error('no test server: this test belongs to the jest project "engine"');
  return address;
}

/** Creates and bootstraps a namespace; when it resolves, workers can poll it. */
export async function createTestNamespace(): Promise<TestNamespace> {
  const address = testTemporalAddress();
  const namespace = `test-${randomUUID()}`;
  const connection = await Connection.connect({ address });
  try {
    await bootstrapNamespace(connection, namespace);
  } finally {
    await connection.close();
  }
  return { address, namespace };
}

/** Keeps the worker's log to errors: failing and repeated calls are what many tests are about. Call it before the first worker or connection. */
export function quietWorkers(): void {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
}
