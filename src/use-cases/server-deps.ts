/** What the use cases of the server need. Handed in by the composition root; tests hand in their own clock. */
import type { MailLimits } from '../domain/mail-batches.ts';
import type { HrisConnector } from '../connectors/kit/contract.ts';
import type { Db } from '../store/db.ts';
import type { PersonVault } from '../store/person-vault.ts';
import type { PolicyReader } from '../store/policies.ts';
import type { Signer, Verifier } from '../store/signing-key.ts';
import type { Lane } from '../policy/connector-pool.ts';
import type { Notifier } from '../notify/notifier.ts';
import type { Logger } from '../telemetry.ts';

/** What `usher doctor` wants to know about the namespace. */
export interface TemporalFacts {
  serverVersion: string;
  sdkVersion: string;
  retentionDays: number;
  missingAttributes: string[];
  /** Task queues that nobody has polled lately. */
  queuesWithoutWorker: string[];
}

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
  /** Rejects when Temporal does not answer. */
  inspect?(): Promise<TemporalFacts>;
  /** Runs of a case and of what it started, closed and open, as the search knows them. */
  runs(caseId: string): Promise<{ workflowId: string; runId: string }[]>;
  /** The history of one run as JSON; null when Temporal does not have it (any more). */
  history(workflowId: string, runId: string): Promise<unknown>;
  /** Runs that ended since then, with the case that they belong to. */
  runsClosedSince(since: Date): Promise<{ workflowId: string; runId: string; caseId: string }[]>;
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
  /** How many people stand behind a policy version: with 2 `policy activate` is refused, one proposes and another approves. */
  policyApprovals: 1 | 2;
  /** The archive of closed cases; without it nothing is archived. */
  archiveDir?: string;
  publicUrl: string;
  mailboxUrl: string | null;
  temporal: TemporalPort | null;
  notifier: Notifier;
  /** When mails become digests; the shipped limits by default. */
  mailLimits?: MailLimits;
  log: Logger;
  /** Named points at which a test kills the process; does nothing in production. */
  crashPoint: (name: string) => void;
}
