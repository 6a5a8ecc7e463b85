/**
 * Which policy version was active when, who stood behind it, and the files it was read from. Activations are signed by the
 * server and never changed; a version that was active again later has two of them.
 */
import type { Policy } from '../schemas/policy.ts';
import type { Db, Tx } from './db.ts';
import { sha256Hex } from './sha256.ts';
import type { Signer, Verifier } from './signing-key.ts';
import type { PolicyActivationMode, PolicySourceFile } from './tables.ts';
import { uuidV7 } from './uuid.ts';

export interface PolicyActivation {
  activationId: string;
  policyHash: string;
  /** Null where the files were not kept. */
  sourceHash: string | null;
  mode: PolicyActivationMode;
  activatedAt: string;
  /** A person id, or `bootstrap`. */
  proposedBy: string;
  /** The second person; null where one person sufficed. */
  approvedBy: string | null;
}

/** Keeps the files of a policy under their hash. Idempotent. */
export async function savePolicySource(tx: Tx, files: readonly PolicySourceFile[]): Promise<string> {
  const json = JSON.stringify(files.map(({ name, text }) => ({ name, text: text.replaceAll('\0', '') })));
  const sourceHash = sha256Hex(json);
  await tx
    .insertInto('policy_source')
    .values({ source_hash: sourceHash, files: json })
    .onConflict((conflict) => conflict.column('source_hash').doNothing())
    .execute();
  return sourceHash;
}

/** The files under a hash; none when the row was changed since: a wrong line is worse than no line. */
export async function readPolicySource(db: Db | Tx, sourceHash: string): Promise<PolicySourceFile[]> {
  const row = await db
    .selectFrom('policy_source')
    .select('files')
    .where('source_hash', '=', sourceHash)
    .executeTakeFirst();
  const files = (row?.files ?? []).map(({ name, text }) => ({ name, text }));
  return sha256Hex(JSON.stringify(files)) === sourceHash ? files : [];
}

/** Signs and stores that a version became active. */
export async function recordActivation(
  tx: Tx,
  signer: Signer,
  activation: Omit<PolicyActivation, 'activationId'>,
): Promise<PolicyActivation> {
  const full = { activationId: uuidV7(new Date(activation.activatedAt)), ...activation };
  const { keyId, signature } = signer.sign('policyActivation', full);
  await tx
    .insertInto('policy_activation')
    .values({
      activation_id: full.activationId,
      policy_hash: full.policyHash,
      source_hash: full.sourceHash,
      mode: full.mode,
      activated_at: new Date(full.activatedAt),
      proposed_by: full.proposedBy,
      approved_by: full.approvedBy,
      key_id: keyId,
      signature,
    })
    .execute();
  return full;
}

/** Newest first; rows without the server's signature are left out. */
export async function listActivations(db: Db | Tx, verifier: Verifier, until?: Date): Promise<PolicyActivation[]> {
  const rows = await db
    .selectFrom('policy_activation')
    .selectAll()
    .$if(until !== undefined, (query) => query.where('activated_at', '<=', until as Date))
    .orderBy('activated_at', 'desc')
    .orderBy('activation_id', 'desc')
    .execute();
  return rows.flatMap((row) => {
    const activation: PolicyActivation = {
      activationId: row.activation_id,
      policyHash: row.policy_hash,
      sourceHash: row.source_hash,
      mode: row.mode,
      activatedAt: row.activated_at.toISOString(),
      proposedBy: row.proposed_by,
      approvedBy: row.approved_by,
    };
    const signed = { keyId: row.key_id, signature: row.signature };
    return verifier.verify('policyActivation', activation, signed) ? [activation] : [];
  });
}

/**
 * The version that was active at `at`, or null before the first one. Versions from before activations were kept count from
 * their own row, which names the latest time at which they became active.
 */
export async function activeHashAt(
  db: Db | Tx,
  verifier: Verifier,
  at: Date,
): Promise<{ policyHash: string; sourceHash: string | null; activatedAt: string } | null> {
  const [kept] = await listActivations(db, verifier, at);
  const row = await db
    .selectFrom('policy_version')
    .select(['policy_hash', 'activated_at'])
    .where('activated_at', '<=', at)
    .orderBy('activated_at', 'desc')
    .executeTakeFirst();
  if (!row || (kept && Date.parse(kept.activatedAt) >= row.activated_at.getTime())) return kept ?? null;
  return { policyHash: row.policy_hash, sourceHash: null, activatedAt: row.activated_at.toISOString() };
}

/** A checked policy together with the files that it was read from. */
export interface PolicyWithSource {
  policyHash: string;
  policy: Policy;
  files: readonly PolicySourceFile[];
}
