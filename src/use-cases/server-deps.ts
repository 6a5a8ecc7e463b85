/** What the use cases of the server need. Handed in by the composition root; tests hand in their own clock. */
import type { HrisConnector } from '../connectors/kit/contract.ts';
import type { Db } from '../store/db.ts';
import type { PersonVault } from '../store/person-vault.ts';
import type { PolicyReader } from '../store/policies.ts';
import type { Signer, Verifier } from '../store/signing-key.ts';
import type { Lane } from '../policy/connector-pool.ts';
import type { Notifier } from '../notify/notifier.ts';
import type { Logger } from '../telemetry.ts';

/** The little that the server asks of Temporal: it never starts or cancels a case. */
export interface TemporalPort {
  uiUrl: string | null;
  namespace: string;
  /** Resolves when Temporal answers for the namespace; rejects otherwise. */
  ping(): Promise<void>;
  /** Sends the update `submitDecision`. May fail: the delivery loop carries it then. */
  submitDecision(approvalId: string, decisionId: string): Promise<void>;
  /** Histories of a case and of everything it started, by workflow id, as JSON. */
  histories(caseId: string): Promise<Record<string, unknown>>;
}

export interface ServerDeps {
  db: Db;
  vault: PersonVault;
  signer: Signer;
  verifier: Verifier;
  policies: PolicyReader;
  now: () => Date;
  /**
   * Connectors to HR systems by system id, made from the active policy; empty before the first activation. What somebody
   * waits for reads in the urgent lane, so that reading everybody never stands before a departure.
   */
  hris: (lane: Lane) => Promise<ReadonlyMap<string, HrisConnector>>;
  policyDir: string;
  publicUrl: string;
  mailboxUrl: string | null;
  temporal: TemporalPort | null;
  notifier: Notifier;
  log: Logger;
  /** Named points at which a test kills the process; does nothing in production. */
  crashPoint: (name: string) => void;
}
