/** What an approver of an entitlement relied on; when it changes, old decisions about the entitlement no longer count. */
import type { EntitlementPolicy } from '../schemas/policy.ts';
import { canonicalJson } from './canonical-json.ts';

export type HashText = (text: string) => string;

/** Hash over system, vendor id, privileged and data class (architecture, section 3: Item). */
export function definitionHash(entitlement: Definition, sha256Hex: HashText): string {
  const known = hashes.get(entitlement);
  if (known?.sha256Hex === sha256Hex) return known.hash;
  const hash = hashOf(entitlement, sha256Hex);
  hashes.set(entitlement, { sha256Hex, hash });
  return hash;
}

type Definition = Readonly<Pick<EntitlementPolicy, 'system' | 'vendorId' | 'privileged' | 'dataClass'>>;

/** Entries of a policy never change, and each is asked for once for every person. */
const hashes = new WeakMap<Definition, { sha256Hex: HashText; hash: string }>();

function hashOf(entitlement: Definition, sha256Hex: HashText): string {
  const { system, vendorId, privileged, dataClass } = entitlement;
  return sha256Hex(canonicalJson({ version: 1, system, vendorId, privileged, dataClass }));
}
