/**
 * Makes the namespace of a Temporal server of one's own what Usher needs: 90 days of retention and the search attributes.
 * `USHER_TEMPORAL_ADDRESS=host:port node scripts/run.js scripts/prepare-namespace.ts`. Repeating it changes nothing.
 */
import { Connection } from '@temporalio/client';
import { bootstrapNamespace, retentionDays } from '../temporal/bootstrap.ts';

const { USHER_TEMPORAL_ADDRESS: address = '', USHER_TEMPORAL_NAMESPACE: namespace = 'usher' } = process.env;
if (/^[^:/]+:\d+$/.test(address)) {
  try {
    const connection = await Connection.connect({ address, connectTimeout: '10s' });
    try {
      await bootstrapNamespace(connection, namespace);
    } finally {
      await connection.close();
    }
    process.stdout.write(
      `The namespace ${namespace} keeps closed cases for ${retentionDays} days and has every search attribute.\n`,
    );
  } catch (error) {
    process.stderr.write(`${address}: ${error instanceof Error ? error.message : 'failed'}\n`);
    process.exitCode = 1;
  }
} else {
  process.stderr.write('USHER_TEMPORAL_ADDRESS: expected host:port\n');
  process.exitCode = 2;
}
