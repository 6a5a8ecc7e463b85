/** Proposed policy versions: what one person wants to be active and another has not yet approved. Signed by the server. */
import type { Selectable } from 'kysely';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { Policy } from '../schemas/policy.ts';
import type { Db, Tx } from './db.ts';
import { savePolicySource, type PolicyWithSource } from './policy-history.ts';
import { sha256Hex } from './sha256.ts';
import type { Signer, Verifier } from './signing-key.ts';
import type { PolicyProposalTable } from './tables.ts';
import { uuidV7 } from './uuid.ts';

export interface PolicyProposal {
  proposalId: string;
  policyHash: string;
  sourceHash: string;
  policy: Policy;
  /** The version that was active when it was proposed, and against which the approver compares; null before the first. */
  baseHash: string | null;
  /** Names the step from the base to this version. */
  diffHash: string;
  proposedAt: string;
  proposedBy: string;
  state: PolicyProposalTable['state'];
}

/** Hash over both ends of the step: what an approver agrees to. */
export function diffHashOf(baseHash: string | null, policyHash: string): string {
  return sha256Hex(canonicalJson({ version: 1, from: baseHash, to: policyHash }));
}

type Row = Selectable<PolicyProposalTable>;

function document(row: Omit<Row, 'key_id' | 'signature' | 'state' | 'closed_at' | 'content'>): unknown {
  return {
    proposalId: row.proposal_id,
    policyHash: row.policy_hash,
    sourceHash: row.source_hash,
    baseHash: row.base_hash,
    diffHash: row.diff_hash,
    proposedAt: row.proposed_at.toISOString(),
    proposedBy: row.proposed_by,
  };
}

/** Signs and stores a proposal; it takes the place of one that is open. The caller holds the lock `policy`. */
export async function insertProposal(
  tx: Tx,
  signer: Signer,
  input: PolicyWithSource & { baseHash: string | null; by: string; now: Date },
): Promise<PolicyProposal> {
  await tx
    .updateTable('policy_proposal')
    .set({ state: 'replaced', closed_at: input.now })
    .where('state', '=', 'open')
    .execute();
  const head = {
    proposal_id: uuidV7(input.now),
    policy_hash: input.policyHash,
    source_hash: await savePolicySource(tx, input.files),
    base_hash: input.baseHash,
    diff_hash: diffHashOf(input.baseHash, input.policyHash),
    proposed_at: input.now,
    proposed_by: input.by,
  };
  const { keyId, signature } = signer.sign('policyProposal', document(head));
  await tx
    .insertInto('policy_proposal')
    .values({ ...head, content: JSON.stringify(input.policy), state: 'open', key_id: keyId, signature })
    .execute();
  return view({ ...head, content: input.policy, state: 'open' });
}

export async function closeProposal(
  tx: Tx,
  proposalId: string,
  state: 'activated' | 'replaced',
  now: Date,
): Promise<void> {
  await tx
    .updateTable('policy_proposal')
    .set({ state, closed_at: now })
    .where('proposal_id', '=', proposalId)
    .where('state', '=', 'open')
    .execute();
}

/** Newest first, at most `limit`; rows that the server did not sign, or whose content is another than they say, are left out. */
export async function listProposals(
  db: Db | Tx,
  verifier: Verifier,
  hashOf: (policy: Policy) => string,
  limit = 50,
): Promise<PolicyProposal[]> {
  const rows = await db
    .selectFrom('policy_proposal')
    .selectAll()
    .orderBy('proposed_at', 'desc')
    .orderBy('proposal_id', 'desc')
    .limit(limit)
    .execute();
  return rows
    .filter((row) => {
      const signed = { keyId: row.key_id, signature: row.signature };
      return verifier.verify('policyProposal', document(row), signed) && hashOf(row.content) === row.policy_hash;
    })
    .map(view);
}

function view(row: Omit<Row, 'key_id' | 'signature' | 'closed_at'>): PolicyProposal {
  return {
    proposalId: row.proposal_id,
    policyHash: row.policy_hash,
    sourceHash: row.source_hash,
    policy: row.content,
    baseHash: row.base_hash,
    diffHash: row.diff_hash,
    proposedAt: row.proposed_at.toISOString(),
    proposedBy: row.proposed_by,
    state: row.state,
  };
}
