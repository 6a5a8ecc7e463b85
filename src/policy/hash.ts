/** The version of a policy is the hash of its content: the same content is the same version, wherever it lies. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { Policy } from '../schemas/policy.ts';

/** SHA-256 in lower-case hex; what the rules in `src/domain` take as their hash. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Hash over the canonical JSON of the parsed policy. Defaults are part of it: a changed default is a changed policy. */
export function policyHash(policy: Policy): string {
  return sha256Hex(canonicalJson(policy));
}
