/** Policy versions: a version is its content hash, signed by the server when it becomes active, and kept for ever. */
import type { Policy } from '../schemas/policy.ts';
import type { Db, Tx } from './db.ts';
import { recordActivation, type PolicyActivation } from './policy-history.ts';
import type { Signer, Verifier } from './signing-key.ts';

export interface PolicyVersion {
  policyHash: string;
  policy: Policy;
}

const document = (row: { policy_hash: string; activated_at: Date; activated_by: string }): unknown => ({
  policyHash: row.policy_hash,
  activatedAt: row.activated_at.toISOString(),
  activatedBy: row.activated_by,
});

/** Where the version came from and who stands behind it, for the history of activations. */
export type ActivationOrigin = Pick<PolicyActivation, 'sourceHash' | 'mode' | 'proposedBy' | 'approvedBy'>;

/**
 * Makes a version the active one and records the activation. Activating the active version again changes nothing and
 * answers false.
 */
export async function activateVersion(
  tx: Tx,
  signer: Signer,
  version: PolicyVersion & { by: string; now: Date; origin?: ActivationOrigin },
): Promise<boolean> {
  const active = await tx
    .selectFrom('policy_version')
    .select('policy_hash')
    .where('is_active', '=', true)
    .executeTakeFirst();
  if (active?.policy_hash === version.policyHash) return false;
  await tx.updateTable('policy_version').set({ is_active: false }).where('is_active', '=', true).execute();
  const head = { policy_hash: version.policyHash, activated_at: version.now, activated_by: version.by };
  const { keyId, signature } = signer.sign('policy', document(head));
  const row = { ...head, is_active: true, key_id: keyId, signature };
  await tx
    .insertInto('policy_version')
    .values({ ...row, content: JSON.stringify(version.policy) })
    .onConflict((conflict) => conflict.column('policy_hash').doUpdateSet(row))
    .execute();
  const origin = version.origin ?? { sourceHash: null, mode: 'onePerson', proposedBy: version.by, approvedBy: null };
  const activatedAt = version.now.toISOString();
  await recordActivation(tx, signer, { policyHash: version.policyHash, activatedAt, ...origin });
  return true;
}

/** Reads versions and keeps them in memory: a version never changes. */
export class PolicyReader {
  readonly #db: Db;
  readonly #verifier: Verifier;
  readonly #hashOf: (policy: Policy) => string;
  readonly #cache = new Map<string, PolicyVersion>();

  constructor(db: Db, verifier: Verifier, hashOf: (policy: Policy) => string) {
    this.#db = db;
    this.#verifier = verifier;
    this.#hashOf = hashOf;
  }

  /** The active version, or null before the first activation. Throws when the row is not the server's. */
  async active(db: Db | Tx = this.#db): Promise<PolicyVersion | null> {
    const row = await db
      .selectFrom('policy_version')
      .select('policy_hash')
      .where('is_active', '=', true)
      .executeTakeFirst();
    return row ? this.byHash(row.policy_hash, db) : null;
  }

  async byHash(policyHash: string, db: Db | Tx = this.#db): Promise<PolicyVersion> {
    const cached = this.#cache.get(policyHash);
    if (cached) return cached;
    const row = await db
      .selectFrom('policy_version')
      .selectAll()
      .where('policy_hash', '=', policyHash)
      .executeTakeFirstOrThrow();
    const policy: Policy = row.content;
    const isOurs =
      this.#verifier.verify('policy', document(row), { keyId: row.key_id, signature: row.signature }) &&
      this.#hashOf(policy) === policyHash;
    if (!isOurs) throw new Error(`policy version ${policyHash.slice(0, 12)} is not signed by the server`);
    const version = { policyHash, policy };
    this.#cache.set(policyHash, version);
    return version;
  }
}
