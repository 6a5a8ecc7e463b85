/** What an approver of an entitlement relied on; when it changes, old decisions about the entitlement no longer count. */
import type { EntitlementPolicy } from '../schemas/policy.ts';
import { canonicalJson } from './canonical-json.ts';

export type HashText = (text: string) => string;

/** Hash over system, vendor id, privileged and data class (architecture, section 3: Item). */
export function definitionHash(
  entitlement: Pick<EntitlementPolicy, 'system' | 'vendorId' | 'privileged' | 'dataClass'>,
  sha256Hex: HashText,
): string {
  const { system, vendorId, privileged, dataClass } = entitlement;
  return sha256Hex(canonicalJson({ version: 1, system, vendorId, privileged, dataClass }));
}
