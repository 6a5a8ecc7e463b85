/** The stand-ins for the three processes of the company. */
import { join } from 'node:path';
import type { Entries } from '../../../scripts/stack/company.ts';

export const standIns: Entries = {
  sandbox: join(import.meta.dirname, 'sandbox.ts'),
  server: join(import.meta.dirname, 'server.ts'),
  worker: join(import.meta.dirname, 'worker.ts'),
};
