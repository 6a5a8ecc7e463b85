/** A checked policy ready for use: its version and everything that the rules look up in it. */
import { indexPolicy } from '../domain/policy-index.ts';
import type { PolicyIndex } from '../domain/policy-index.ts';
import type { Policy } from '../schemas/policy.ts';
import { policyHash } from './hash.ts';

export interface CompiledPolicy {
  policy: Policy;
  policyHash: string;
  index: PolicyIndex;
}

/** Compiles a policy. Throws AppError `policyInvalid` where a filter does not compile. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  return { policy, policyHash: policyHash(policy), index: indexPolicy(policy) };
}
