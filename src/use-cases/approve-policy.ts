/** A second person approves a proposed policy version, which makes it the active one. */
import { hasDeparted } from '../auth/has-departed.ts';
import { AppError } from '../domain/errors.ts';
import { appendEvidence } from '../evidence/log.ts';
import { policyHash as hashOf } from '../policy/hash.ts';
import { lockInTx, type Tx } from '../store/db.ts';
import { closeProposal, listProposals, type PolicyProposal } from '../store/policy-proposals.ts';
import { sha256Hex } from '../store/sha256.ts';
import { makeActive } from './activate-policy.ts';
import type { ServerDeps } from './server-deps.ts';

export interface PolicyApproval {
  /** The hash of the version, or its first 12 or more digits. */
  hash: string;
  by: string;
}

/**
 * Activates the proposed content. Throws AppError: notFound (nobody proposed it), selfApproval, stale (a newer proposal took
 * its place, another version became active since, or who proposed it has left). Every refusal is evidence.
 */
export async function approvePolicy(
  deps: ServerDeps,
  input: PolicyApproval,
): Promise<{ policyHash: string; proposedBy: string }> {
  try {
    const proposal = await deps.db.transaction().execute((tx) => approveIn(deps, tx, input));
    deps.log.info({ policyHash: proposal.policyHash }, 'policy approved and active');
    return { policyHash: proposal.policyHash, proposedBy: proposal.proposedBy };
  } catch (error) {
    if (error instanceof AppError && error.code !== 'notFound') await recordRefusal(deps, input, error);
    throw error;
  }
}

async function approveIn(deps: ServerDeps, tx: Tx, { hash, by }: PolicyApproval): Promise<PolicyProposal> {
  await lockInTx(tx, 'policy');
  const proposal = await openProposal(deps, tx, hash);
  if (proposal.proposedBy === by) {
    throw new AppError('selfApproval', 'Nobody approves their own proposal: another person has to read it.');
  }
  if (await hasDeparted(tx, proposal.proposedBy)) {
    throw new AppError('stale', 'Who proposed this has left: propose it again.');
  }
  const { policyHash, policy, sourceHash, proposalId, proposedBy, baseHash, diffHash } = proposal;
  const active = await deps.policies.active(tx);
  if ((active?.policyHash ?? null) !== baseHash) {
    throw new AppError('stale', 'Another version became active since this was proposed: propose it again.');
  }
  const now = deps.now();
  const body = { proposalId, policyHash, baseHash, diffHash, proposedBy, approvedBy: by };
  const about = { operationKey: proposalId, personId: null, caseId: null };
  await appendEvidence(tx, deps.vault, [{ ...about, kind: 'policyApproved', body, values: null }], now);
  await closeProposal(tx, proposalId, 'activated', now);
  const origin = { sourceHash, mode: 'twoPeople' as const, proposedBy, approvedBy: by };
  await makeActive(deps, tx, { policyHash, policy, by, origin });
  return proposal;
}

async function openProposal(deps: ServerDeps, tx: Tx, hash: string): Promise<PolicyProposal> {
  const known = await listProposals(tx, deps.verifier, hashOf);
  const named = known.filter(({ policyHash }) => policyHash.startsWith(hash));
  if (new Set(named.map(({ policyHash }) => policyHash)).size > 1) {
    throw new AppError('invalidInput', 'hash: several proposals begin like this; give more digits', 'hash');
  }
  const open = named.find(({ state }) => state === 'open');
  if (open) return open;
  const [newest] = named;
  if (newest === undefined) throw new AppError('notFound', 'Nobody proposed a version with this hash.', 'hash');
  throw new AppError(
    'stale',
    newest.state === 'activated'
      ? 'This proposal was approved already.'
      : 'A newer proposal took the place of this one: approve that, or propose this again.',
  );
}

async function recordRefusal(deps: ServerDeps, { hash, by }: PolicyApproval, error: AppError): Promise<void> {
  const record = {
    operationKey: sha256Hex(`policyApproval|${hash}|${by}|${error.code}`),
    kind: 'refused' as const,
    personId: null,
    caseId: null,
    body: { what: 'policyApproval', code: error.code, hash, by },
    values: null,
  };
  await deps.db.transaction().execute((tx) => appendEvidence(tx, deps.vault, [record], deps.now()));
}
