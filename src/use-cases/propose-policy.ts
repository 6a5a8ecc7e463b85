/** One person proposes the policy in the server's folder; it does nothing until another person approves it. */
import { AppError } from '../domain/errors.ts';
import { policyChanges, type PolicyChange } from '../domain/policy-changes.ts';
import { appendEvidence } from '../evidence/log.ts';
import { readPolicyOf } from '../policy/read-policy.ts';
import { lockInTx } from '../store/db.ts';
import { insertProposal } from '../store/policy-proposals.ts';
import { installedConnectors } from './installed-connectors.ts';
import type { ServerDeps } from './server-deps.ts';

export interface ProposedPolicy {
  proposalId: string;
  policyHash: string;
  /** The version that is active now; null before the first one. */
  baseHash: string | null;
  diffHash: string;
  changes: PolicyChange[];
}

/**
 * Stores the content under its hash: what is approved later is this content, whatever happens to the folder. An open
 * proposal is replaced. Throws AppError `policyInvalid` with the first findings, `conflict` when the version is active
 * already.
 */
export async function proposePolicy(deps: ServerDeps, input: { by: string }): Promise<ProposedPolicy> {
  const read = await readPolicyOf(deps.policyDir, installedConnectors());
  const now = deps.now();
  return deps.db.transaction().execute(async (tx) => {
    await lockInTx(tx, 'policy');
    const active = await deps.policies.active(tx);
    const baseHash = active?.policyHash ?? null;
    if (baseHash === read.policyHash) throw new AppError('conflict', 'This version is active already.');
    const proposal = await insertProposal(tx, deps.signer, { ...read, baseHash, by: input.by, now });
    const { proposalId, policyHash, diffHash } = proposal;
    const body = { proposalId, policyHash, baseHash, diffHash, by: input.by };
    const about = { operationKey: proposalId, personId: null, caseId: null };
    await appendEvidence(tx, deps.vault, [{ ...about, kind: 'policyProposed', body, values: null }], now);
    return { proposalId, policyHash, baseHash, diffHash, changes: policyChanges(active?.policy ?? null, read.policy) };
  });
}
