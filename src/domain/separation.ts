/** Separation of duties: which rules a right would break beside others, and what that asks for. */
import type { SeparationRule } from '../schemas/policy.ts';
import { compareText } from './compare-text.ts';

export interface Separation {
  rule: SeparationRule;
  /** Entitlements on the other side that the person has or would have, sorted. */
  beside: readonly string[];
}

/** The rules that `entitlementId` breaks beside `others`, in the order of policy. */
export function separationsOf(
  rules: readonly SeparationRule[],
  entitlementId: string,
  others: ReadonlySet<string>,
): Separation[] {
  return rules.flatMap((rule) => {
    const mine = rule.between.filter((set) => (set as readonly string[]).includes(entitlementId));
    if (mine.length === 0) return [];
    // Something in the same set breaks nothing; whatever stands in another set as well does.
    const beside = rule.between
      .filter((set) => !mine.includes(set) || mine.length > 1)
      .flat()
      .filter((id) => id !== entitlementId && others.has(id));
    return beside.length === 0 ? [] : [{ rule, beside: [...new Set<string>(beside)].toSorted(compareText) }];
  });
}

/** As an approver reads it, with what watches over an exception. Part of the item's digest: the order of names is fixed. */
export function separationText({ rule, beside }: Separation): string {
  return `separation of duties ${rule.id}: not together with ${beside.join(', ')} (${rule.description}; as an exception: ${rule.compensatingControl})`;
}

/** The shorter of the term of the entitlement and those of the exceptions that it would need; null without any. */
export function shortestTerm(ownSeconds: number | null, separations: readonly Separation[]): number | null {
  const terms = separations.map(({ rule }) => rule.exceptionLasts);
  if (ownSeconds !== null) terms.push(ownSeconds);
  return terms.length === 0 ? null : Math.min(...terms);
}
