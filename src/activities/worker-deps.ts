/** What activities need. Handed in by the composition root; tests hand in their own clock and connectors. */
import type { Client } from '@temporalio/client';
import type { ServerClient } from '../authorisation/server-client.ts';
import type { ConnectorPool } from '../policy/connector-pool.ts';
import type { Db } from '../store/db.ts';
import type { PersonVault } from '../store/person-vault.ts';
import type { PolicyReader } from '../store/policies.ts';
import type { Verifier } from '../store/signing-key.ts';
import type { Logger } from '../telemetry.ts';

export interface WorkerDeps {
  db: Db;
  vault: PersonVault;
  verifier: Verifier;
  policies: PolicyReader;
  pool: ConnectorPool;
  server: ServerClient;
  /** Shares the worker's connection, so that eager start works. */
  temporal: Client;
  now: () => Date;
  log: Logger;
  /** Pause between two looks whether the owner of a manual system confirmed a change; the shipped one by default. */
  ownerLookMs?: number;
  /** Named points at which a test kills the process; does nothing in production. */
  crashPoint: (name: string) => void;
}
